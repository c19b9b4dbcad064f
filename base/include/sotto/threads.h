/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_THREADS_H
#define SOTTO_THREADS_H

/* How many threads work takes: OpenMP's, as many as there are CPUs or as OMP_NUM_THREADS says.
 * Results don't depend on it. */

#include <sotto/status.h>

SOTTO_BEGIN_DECLS

#define SOTTO_THREADS_MAX 1024

/* For all that the calling thread starts from now on: at least 1 and at most SOTTO_THREADS_MAX. */
SOTTO_API void sotto_threads_set(size_t threads);

/* How many threads work that the calling thread starts takes now, at least 1. */
SOTTO_API size_t sotto_threads(void);

SOTTO_END_DECLS

#endif
