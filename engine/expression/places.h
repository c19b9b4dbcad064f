/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_EXPRESSION_PLACES_H
#define SOTTO_ENGINE_EXPRESSION_PLACES_H

/* What of an expression is row by row, and which round opens what. */

#include "expression/expression.h"

enum sotto__place {
    SOTTO__PLACE_CONSTANT,
    SOTTO__PLACE_ROW,       /* a value for each row, on the party */
    SOTTO__PLACE_AGGREGATE, /* of all rows of all parties */
};

/* Of each node; round: which round must be over for its value, of a row-wise one for its inner
 * aggregates. 0: none. A method opens sums in several rounds, the last of which is that one. */
struct sotto__places {
    enum sotto__place place[SOTTO__VALUE_NODES_MAX];
    unsigned round[SOTTO__VALUE_NODES_MAX];
};

void sotto__places_find(struct sotto__places *out, const struct sotto__expression *expression);
/* Whether node i is an aggregate that may open sums in a round. */
bool sotto__opens_in_round(const struct sotto__places *places,
                           const struct sotto__expression *expression, size_t i, unsigned round);
/* The nodes that are computed row by row in a round: those below the aggregates that it opens, down
 * to what earlier rounds have opened. */
void sotto__places_find_rows(bool *out, const struct sotto__places *places,
                             const struct sotto__expression *expression, const bool *opened);

#endif
