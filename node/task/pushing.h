/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_PUSHING_H
#define SOTTO_NODE_PUSHING_H

/* Datasets of databases that sum up themselves what they can. Threads: the compute thread. */

#include "task/datasets.h"

/* Whether a dataset's rounds may be summed up where its rows are: no ledger is shown its rows, no
 * rule looks at their values, no key or complete column makes a choice of them. */
bool pushing_is_allowed(const struct config *config, const char *file);

/* Opens a dataset so: whatever reads it until it is released sees one snapshot. Returns:
 * SOTTO_ERROR_REFUSED where all rounds would read rows, SOTTO_ERROR_INPUT whatever is wrong with
 * the source, SOTTO_ERROR_CANCELLED; texts are for the owner alone. Ownership: borrows config and
 * interrupt; *out is ended by dataset_release. */
enum sotto_status pushing_open(struct dataset *out, const struct config *config, const char *file,
                               const struct sotto_interrupt *interrupt,
                               struct sotto_error *err) SOTTO_NODISCARD;

#endif
