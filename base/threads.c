/* SPDX-License-Identifier: Apache-2.0 */

/* How many threads OpenMP takes in Sotto's drivers; results do not depend on it. */

#include <omp.h>
#include <sotto/threads.h>

void sotto_threads_set(size_t threads)
{
    SOTTO_REQUIRE(threads >= 1 && threads <= SOTTO_THREADS_MAX);
    omp_set_num_threads((int)threads);
}

size_t sotto_threads(void)
{
    return (size_t)omp_get_max_threads();
}
