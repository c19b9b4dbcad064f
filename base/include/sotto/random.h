/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_RANDOM_H
#define SOTTO_RANDOM_H

/* Where randomness comes from. The sans-I/O machines take a source instead of calling the system,
 * so that a test can make it deterministic, or make its i-th call fail. */

#include <sotto/status.h>

SOTTO_BEGIN_DECLS

/* `fill` writes out_bytes uniformly random bytes, or returns SOTTO_ERROR_RANDOM. */
struct sotto_random {
    enum sotto_status (*fill)(void *context, uint8_t *out, size_t out_bytes);
    void *context;
};

/* The operating system's generator (libsodium's randombytes). It never fails. */
SOTTO_API struct sotto_random sotto_random_system(void);

/* For simulations and tests only: a ChaCha20 stream of a seed. */
struct sotto_random_stream {
    uint8_t seed[32];
    uint64_t counter;
};

/* Starts the stream of (seed, label), which differ in at least one for two different streams.
 * Borrows stream, which must outlive the source. */
SOTTO_API struct sotto_random sotto_random_seeded(struct sotto_random_stream *stream, uint64_t seed,
                                                  uint64_t label);

SOTTO_END_DECLS

#endif
