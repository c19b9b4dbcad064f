/* SPDX-License-Identifier: Apache-2.0 */

/* A flag that one thread sets and others look at while they compute. Relaxed: nothing but the flag
 * is told, and a look too late costs a little work. */

#include <sotto/interrupt.h>

void sotto_interrupt_set(struct sotto_interrupt *interrupt)
{
    __atomic_store_n(&interrupt->is_set, 1, __ATOMIC_RELAXED);
}

bool sotto_interrupt_is_set(const struct sotto_interrupt *interrupt)
{
    return interrupt != NULL && __atomic_load_n(&interrupt->is_set, __ATOMIC_RELAXED) != 0;
}
