/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DISCLOSURE_LEDGER_ODD_H
#define SOTTO_DISCLOSURE_LEDGER_ODD_H

/* What a product with a column of few values leaves beside sums of its other factor (products.c).
 */

#include "chain.h"

/* What a pair gives away of some atoms: all 0 at first. */
struct sotto__ledger_odd {
    struct sotto_ledger_magnitude magnitude;               /* but for each one's commonest value */
    struct sotto_ledger_slice both[SOTTO_LEDGER_LEVELS];   /* of atoms that are known of both */
    struct sotto_ledger_slice others[SOTTO_LEDGER_LEVELS]; /* not known of the sum alone */
};
/* Adds atoms that are in the same sums, all of them by the values of the pair's column. */
void sotto__ledger_odd_add(struct sotto__ledger_odd *in_out, const struct sotto_ledger_pair *pair,
                           const struct sotto_ledger_slice *slices, bool is_product_known,
                           bool is_alone_known);
/* Whether one row dominates what it gives away. */
bool sotto__ledger_odd_is_dominated(const struct sotto__ledger_odd *odd,
                                    const struct sotto_ledger_pair *pair, unsigned dominance);

#endif
