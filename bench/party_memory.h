/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_BENCH_PARTY_MEMORY_H
#define SOTTO_BENCH_PARTY_MEMORY_H

#include <stdint.h>

/* How many MB more one party has resident, at most, from the vector that its host gives it to its
 * masked message, in a session of parties_len parties on a complete graph: both count. Aborts where
 * a step fails. */
double party_memory_mb(uint32_t parties_len, uint32_t elements_len, uint32_t element_bytes);

#endif
