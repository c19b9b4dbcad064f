/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_EXPRESSION_DUMMIES_H
#define SOTTO_ENGINE_EXPRESSION_DUMMIES_H

/* Regressors of C(column in (levels)), as the parser writes them out. */

#include "expression/expression.h"

/* Writes the level in which a regressor is 1, without quotes, or, is_reference being set, the first
 * one, which the others are compared with. What does not fit is cut off. */
void sotto__dummy_write_level(char *out, size_t out_bytes,
                              const struct sotto__expression *expression,
                              const struct sotto__node *dummy, bool is_reference);

#endif
