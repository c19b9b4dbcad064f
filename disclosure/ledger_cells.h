/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DISCLOSURE_LEDGER_CELLS_H
#define SOTTO_DISCLOSURE_LEDGER_CELLS_H

/* What quantiles tell, held against earlier answers (cells.c). */

#include "ledger_decide.h"

/* Whether a measure is what a quantile counts by cells, and no sum. */
bool sotto__ledger_counts_cells(const struct sotto_ledger_measure *measure);
/* Holds such a measure, which was compared, against what was told of others of these rows. */
void sotto__decision_check_cells(struct decision *decision);
/* Holds their edges against those that were told of the same rows in the same cell. */
void sotto__decision_check_grids(struct decision *decision);
/* Holds cells that are asked for against all predicates, and predicates that the ledger does not
 * have yet against cells that were told. Returns: SOTTO_ERROR_NO_MEMORY; what storage returned. */
enum sotto_status sotto__decision_check_conditions(struct decision *decision, size_t known_len,
                                                   struct sotto_error *err) SOTTO_NODISCARD;

#endif
