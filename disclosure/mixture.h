/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DISCLOSURE_MIXTURE_H
#define SOTTO_DISCLOSURE_MIXTURE_H

/* What sums over some sets of rows give away by adding and subtracting them. */

#include <sotto/status.h>

/* Sums over atoms. All of it is the caller's. */
struct sotto__mixture {
    const uint64_t *weights; /* of atoms: rows, above 0 */
    size_t atoms_len;
    const uint64_t *factors; /* [set * atoms_len + atom]: below the prime, what the sum has of each
                                of the atom's rows; of a set itself 1 where the atom is in it */
    size_t sets_len;
};

/* Looks for a combination of the sets (numbers times sums over them, added up) that is a sum over 1
 * to min_rows - 1 rows only. *out_found; out_sets, sets_len of them (NULL: no concern): 1 where the
 * set has a part in it. prime: modulo which is computed, above 2^60, and such that nobody who
 * chooses sets knows it. Returns: SOTTO_ERROR_LIMIT where it can't be said within a second,
 * SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__mixture_find(const struct sotto__mixture *mixture, bool *out_found,
                                      uint8_t *out_sets, uint64_t min_rows,
                                      uint64_t prime) SOTTO_NODISCARD;
/* The same, of a sample where nearly every atom is small: found is only what one row of the reduced
 * system says, or two together. */
enum sotto_status sotto__mixture_find_some(const struct sotto__mixture *mixture, bool *out_found,
                                           uint8_t *out_sets, uint64_t min_rows,
                                           uint64_t prime) SOTTO_NODISCARD;

/* Numbers modulo a prime: a finite one, a product, what makes 1 of a number that is not 0. */
uint64_t sotto__mixture_number(double value, uint64_t prime);
uint64_t sotto__mixture_multiply(uint64_t a, uint64_t b, uint64_t prime);

uint64_t sotto__mixture_invert(uint64_t a, uint64_t prime);
/* out -= factor * row, from a column on. */
void sotto__mixture_subtract(uint64_t *out, const uint64_t *row, uint64_t factor, size_t from,
                             size_t width, uint64_t prime);

/* A prime above 2^60 that a seed decides. */
uint64_t sotto__mixture_prime(uint64_t seed);

#endif
