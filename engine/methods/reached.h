/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_METHODS_REACHED_H
#define SOTTO_ENGINE_METHODS_REACHED_H

/* How far a plan's models have come, while its rounds go on. */

#include "methods/methods.h"

/* How far a fit has come in a group. */
struct sotto__reached {
    uint64_t iterations;
    double deviance;   /* of the coefficients before the last step; NaN: it is not told */
    double step;       /* the last step's length in standard errors; NaN: there was none */
    size_t first_word; /* of the state: the coefficients at which the next round computes */
    size_t words_len;  /* doubles; 0: there are none yet */
};

#define SOTTO__REACHED_BYTES_MAX ((size_t)1024 * 1024)

/* As sotto_driver_reached has it, and in words. */
void sotto__calls_write_reached(struct sotto_writer *writer, const struct sotto__calls *calls,
                                const struct sotto__results *results);
void sotto__calls_write_reached_words(struct sotto_writer *writer, const struct sotto__calls *calls,
                                      const struct sotto__results *results);

#endif
