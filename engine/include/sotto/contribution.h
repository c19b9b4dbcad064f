/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_CONTRIBUTION_H
#define SOTTO_CONTRIBUTION_H

/* A party's contribution to one round: its partial, and the evidence by which the party judges
 * whether it may leave. Both come from one reading of the party's rows. */

#include <sotto/driver.h>
#include <sotto/evidence.h>
#include <sotto/source.h>

SOTTO_BEGIN_DECLS

/* One party's contribution to the current round: reads the sources of all datasets, sources[d] for
 * the plan's dataset d, as the agreed types, and writes the partial (out, limbs_len ==
 * sotto_driver_limbs_len).
 *
 * With a judge the party's rows are counted meanwhile, and judged before the partial is written:
 * sotto/disclosure.h has rules for it. A group that the judge withholds gets a 1 in withheld
 * (sotto_driver_groups_len of them, never reset here: what one round withheld later ones do too),
 * is taken out of the partial, and its slots say so; a cell of hist or value_counts likewise, but
 * for this round only. withheld is read where there are groups, and may be NULL without a judge.
 *
 * Returns: SOTTO_ERROR_REFUSED and why, for the owner's eyes: the numbers are those of rows;
 * SOTTO_ERROR_NOT_FOUND for a column that is not there, SOTTO_ERROR_TYPE for one that does not go
 * with the agreed type, SOTTO_ERROR_LIMIT; SOTTO_ERROR_CANCELLED once the interrupt of the driver
 * or of a file is set; else as the sources (sotto_csv_scan). On failure out is zeroed.
 * Threads: as many as sotto/threads.h says; may run on another thread than the driver's owner if
 * nobody advances it. */
SOTTO_API enum sotto_status
sotto_driver_contribute(const struct sotto_driver *driver, uint64_t *out, size_t limbs_len,
                        uint8_t *withheld, struct sotto_source *const *sources,
                        const struct sotto_judge *judge, struct sotto_error *err) SOTTO_NODISCARD;

/* --- Cover: what parties open together, or not at all --- */

/* A bin or a level of hist or value_counts, or a cell of a table, in a group. */
struct sotto_cover_cell {
    size_t family; /* its output or table, whose parts share out the rows that have the value */
    bool is_alone; /* nothing but bins and levels is made of it: it can be withheld alone */
    size_t set;    /* its set in the round's evidence; SOTTO_NONE: nothing stands behind it */
};

/* How many parts of the current round's partial parties say something of: of each group (without
 * group_by there is one) the group itself, and then its bins and levels, in the order of the plan.
 */
SOTTO_API size_t sotto_driver_cover_len(const struct sotto_driver *driver);

/* How many bins and levels each group has: the plan's, the same under all types. */
SOTTO_API size_t sotto_driver_cover_cells_len(const struct sotto_driver *driver);
/* What they are: sotto_driver_cover_cells_len of out. evidence: sotto_driver_evidence's;
 * NULL: no set is named. */
SOTTO_API void sotto_driver_cover_cells(const struct sotto_driver *driver,
                                        struct sotto_cover_cell *out,
                                        const struct sotto_evidence *evidence);

/* The evidence of no rows, which says what the round asks: sets, sums and columns. Returns:
 * SOTTO_ERROR_LIMIT where these are more than can be judged, SOTTO_ERROR_NO_MEMORY. Ownership:
 * borrows driver; *out is ended by sotto_evidence_free. */
SOTTO_API enum sotto_status sotto_driver_evidence(struct sotto_evidence **out,
                                                  const struct sotto_driver *driver,
                                                  struct sotto_error *err) SOTTO_NODISCARD;
/* NULL is fine. */
SOTTO_API void sotto_evidence_free(struct sotto_evidence *evidence);

/* Takes back what a party says of groups that it withholds for another reason than its judge's
 * (withheld[group], sotto_driver_groups_len of them): it gives nothing of them. */
SOTTO_API void sotto_driver_cover_withhold(const struct sotto_driver *driver, uint8_t *in_out,
                                           const uint8_t *withheld);

/* Takes out of a partial what is not opened: opened[i] is 0, of sotto_driver_cover_len. Slots say
 * so, as they do of what a judge withholds. The only group of a plan without group_by stays, and so
 * does what cannot be withheld alone. */
SOTTO_API void sotto_driver_keep_back(const struct sotto_driver *driver, uint64_t *in_out,
                                      const uint8_t *opened);

/* --- In parts --- */

/* An empty contribution to the driver's current round, to which sources are added and other
 * contributions merged: in any order and any tree the bits are the same. judge: with evidence for
 * it; NULL: without. Returns: SOTTO_ERROR_STATE after the last round, SOTTO_ERROR_LIMIT for more
 * conditions in more groups than can be counted, SOTTO_ERROR_NO_MEMORY. Ownership: borrows driver
 * and judge, and is of no use but to be freed once the driver advances; *out is ended by
 * sotto_contribution_free. */
SOTTO_API enum sotto_status sotto_contribution_new(struct sotto_contribution **out,
                                                   const struct sotto_driver *driver,
                                                   const struct sotto_judge *judge,
                                                   struct sotto_error *err) SOTTO_NODISCARD;

/* Wipes and frees a contribution; NULL is fine. */
SOTTO_API void sotto_contribution_free(struct sotto_contribution *contribution);

/* Adds the rows of a source to those of a dataset. Returns: as sotto_driver_contribute, but that
 * nothing is judged; after a failure the contribution can only be freed. */
SOTTO_API enum sotto_status sotto_contribution_add(struct sotto_contribution *in_out,
                                                   struct sotto_source *source, size_t dataset,
                                                   struct sotto_error *err) SOTTO_NODISCARD;

/* Adds a contribution of other rows to the same round under the same driver: partial and evidence.
 * Both are counted for the same judge, or none is. */
SOTTO_API void sotto_contribution_merge(struct sotto_contribution *in_out,
                                        const struct sotto_contribution *other);

/* Has the rows of all parts together judged, which must be counted, as sotto_driver_contribute
 * does, and takes what is withheld out of the partial. Returns: SOTTO_ERROR_REFUSED, and nothing is
 * left of the partial; the evidence stays, for the owner. Nothing can be added afterwards. */
SOTTO_API enum sotto_status sotto_contribution_judge(struct sotto_contribution *contribution,
                                                     uint8_t *withheld,
                                                     struct sotto_error *err) SOTTO_NODISCARD;

/* The partial, sotto_driver_limbs_len limbs. Borrows from the contribution. */
SOTTO_API const uint64_t *sotto_contribution_partial(const struct sotto_contribution *contribution);

/* The evidence, of the party's own rows and for its own eyes, once it was judged; before that, and
 * without a judge, NULL. Borrows from the contribution. */
SOTTO_API const struct sotto_evidence *
sotto_contribution_evidence(const struct sotto_contribution *contribution);

SOTTO_END_DECLS

#endif
