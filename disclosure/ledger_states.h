/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DISCLOSURE_LEDGER_STATES_H
#define SOTTO_DISCLOSURE_LEDGER_STATES_H

/* In which states a column and its products were told (ledger_states.c). */

#include "ledger_changed.h"
#include "ledger_decide.h"

#include <stdlib.h>

/* Whether changes may cancel but for few values, by how many more values there are: of most this
 * tells that they don't. */
static inline bool sotto__may_cancel(const struct decision *decision, int64_t more)
{
    return (uint64_t)llabs(more) < decision->question->min_rows;
}

/* Keeps what an answer told of an atom of the decision's measure, if that is in a pair; and at the
 * answer's end of all atoms. Return: false if there is no memory. */
bool sotto__states_add(struct decision *decision, struct sotto__changed_atom *atom,
                       const struct sotto_sketch *sketch) SOTTO_NODISCARD;
bool sotto__states_end_answer(struct sotto__changed *changed) SOTTO_NODISCARD;
/* Fails what is asked of atoms in which a column and its product with one of zeros and ones changed
 * alike but for few values, or are alike but for few in two states. */
void sotto__states_compare(struct decision *decision, const struct sotto_ledger_pair *pair);

#endif
