/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_METHODS_SANDWICH_H
#define SOTTO_ENGINE_METHODS_SANDWICH_H

/* Errors of coefficients that hold though rows vary unlike each other (White; Huber's sandwich):
 * A^-1 M A^-1, A being what was solved and M the sum of x x' times squares of residuals. */

#include "methods/normal.h"

/* Sets out to the square of the error of coefficient i of A, which is inverted. squares: the upper
 * triangle of M; of several equations that of each two of them, the first one with itself and each
 * one behind it before the second one. n: rows. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__sandwich_set(mpq_t out, const struct sotto__normal *normal,
                                      const struct sotto__value *squares, size_t equations,
                                      size_t i, uint64_t n, enum sotto__errors errors,
                                      struct sotto_error *err) SOTTO_NODISCARD;

#endif
