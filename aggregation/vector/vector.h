/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_AGGREGATION_VECTOR_VECTOR_H
#define SOTTO_AGGREGATION_VECTOR_VECTOR_H

/* Room vector: vectors of ring elements, keystreams, and one added to the other. */

#include <sotto/session.h>

/* --- keystream.c: AES-256-CTR from a library --- */

/* Of AES-256, which makes the masks. */
#define SOTTO__MASK_KEY_BYTES 32

/* Keystream made at a time: it and what it is added to stay in the second-level cache, and the key
 * schedule is paid for. */
#define SOTTO__KEYSTREAM_BYTES_MAX ((size_t)16 * 1024)

struct sotto__keystream_library {
    const char *name;
    /* A state for one thread. Returns: NULL if there is no memory. */
    void *(*start)(void);
    /* Writes the keystream of key from offset on, which is a multiple of 16; at most
     * SOTTO__KEYSTREAM_BYTES_MAX bytes. CT: in key. Returns: SOTTO_ERROR_NO_MEMORY. */
    enum sotto_status (*make)(void *state, uint8_t *out, size_t bytes,
                              const uint8_t key[SOTTO__MASK_KEY_BYTES], uint64_t offset);
    /* Wipes and frees. */
    void (*stop)(void *state);
};

/* The library for this much keystream in all. Never NULL. */
const struct sotto__keystream_library *sotto__keystream_library(size_t total_bytes);

/* --- vector.c --- */

enum sotto__sign { SOTTO__MASK_ADD, SOTTO__MASK_SUBTRACT };

/* By sign: vector += or -= addend, `len` elements of 32, 40 or 64 bits, or one element of len
 * words. */
typedef void sotto__elements_op(uint8_t *vector, const uint8_t *addend, size_t len);

/* By sign: lanes += or -= len elements of 40 bits, in the low bits of each; the high bits are
 * whatever. Reads up to SOTTO__LANES_SLACK bytes beyond the elements. */
typedef void sotto__lanes_op(uint64_t *lanes, const uint8_t *elements, size_t len);
#define SOTTO__LANES_SLACK 64

struct sotto__vector_ops {
    sotto__lanes_op *lanes_of_40[2];
    sotto__elements_op *of_32[2];
    sotto__elements_op *of_40[2];
    sotto__elements_op *of_64[2];
    sotto__elements_op *of_words[2];
};

/* vector_<level>.c: the same loops, compiled for one SIMD level each. */
extern const struct sotto__vector_ops sotto__vector_ops_generic;
extern const struct sotto__vector_ops sotto__vector_ops_avx2;
extern const struct sotto__vector_ops sotto__vector_ops_avx512;

/* vector += or -= addend, elements of one width. */
void sotto__elements_add(uint8_t *vector, const uint8_t *addend, size_t element_bytes,
                         size_t elements_len, enum sotto__sign sign);

/* The operations of this CPU. */
const struct sotto__vector_ops *sotto__vector_ops(void);

/* --- mask.c: keystreams added to vectors --- */

/* Secret: wiped by whoever holds it. */
struct sotto__mask_key {
    uint8_t key[SOTTO__MASK_KEY_BYTES];
    enum sotto__sign sign;
};

/* vector += or -= PRG(key) for each key, element by element. CT: in keys and vector. Threads: uses
 * OpenMP's where the work is long. Returns: SOTTO_ERROR_NO_MEMORY (the vector is then undefined).
 */
enum sotto_status sotto__mask_apply(uint8_t *vector, const struct sotto_vector_run *runs,
                                    size_t runs_len, const struct sotto__mask_key *keys,
                                    size_t keys_len) SOTTO_NODISCARD;

#endif
