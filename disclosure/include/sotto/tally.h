/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_TALLY_H
#define SOTTO_TALLY_H

/* What a ledger is asked about a round, gathered while the party's rows are read: the atoms that
 * they fall into, and sketches of what the sums add up in each. */

#include <sotto/ledger.h>
#include <sotto/part.h>

SOTTO_BEGIN_DECLS

struct sotto_tally;

/* Asks the ledger which predicates it knows of the plan's files, and prepares a watch for these and
 * for those of the plan. catalogues[d] is the plan's dataset d. Returns: as sotto_watch_new,
 * sotto_ledger_predicates, sotto_watch_prepare. Ownership: borrows ledger, driver, and plan, which
 * is the driver's, and each catalogue; *out is ended by sotto_tally_free. */
SOTTO_API enum sotto_status sotto_tally_new(struct sotto_tally **out, struct sotto_ledger *ledger,
                                            const struct sotto_driver *driver,
                                            const struct sotto_plan *plan,
                                            const struct sotto_catalogue *const *catalogues,
                                            struct sotto_error *err) SOTTO_NODISCARD;
/* NULL is fine. */
SOTTO_API void sotto_tally_free(struct sotto_tally *tally);

/* As sotto_driver_contribute, once: the rows that are read are tallied. Returns also
 * SOTTO_ERROR_LIMIT where rows fall into more atoms than a ledger takes. */
SOTTO_API enum sotto_status sotto_tally_contribute(struct sotto_tally *tally, uint64_t *out,
                                                   size_t limbs_len, uint8_t *withheld,
                                                   struct sotto_source *const *sources,
                                                   const struct sotto_judge *judge,
                                                   struct sotto_error *err) SOTTO_NODISCARD;

/* What was tallied, as a ledger is asked it: one for each dataset. Borrows from the tally. */
SOTTO_API const struct sotto_ledger_file *sotto_tally_files(const struct sotto_tally *tally,
                                                            size_t *out_len);

/* How rows in parts are gathered for a ledger that is elsewhere: for sotto_round_part and
 * sotto_part_merge. Static storage. */
SOTTO_API const struct sotto_part_watch *sotto_tally_parts(void);

SOTTO_END_DECLS

#endif
