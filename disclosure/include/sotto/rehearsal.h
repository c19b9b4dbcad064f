/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_REHEARSAL_H
#define SOTTO_REHEARSAL_H

/* What a party that has answered nothing before would say to a task: its rules on its rows, and a
 * ledger in memory, by which what one task tells together is judged as a node judges it. For trying
 * rules out: nothing outlives the rehearsal. */

#include <sotto/contribution.h>
#include <sotto/disclosure.h>

SOTTO_BEGIN_DECLS

struct sotto_rehearsal;

/* rules: copied. seed: of the randomness by which rows are compared. Returns:
 * SOTTO_ERROR_NO_MEMORY. Ownership: *out is ended by sotto_rehearsal_free. */
SOTTO_API enum sotto_status sotto_rehearsal_new(struct sotto_rehearsal **out,
                                                const struct sotto_rules *rules, uint64_t seed,
                                                struct sotto_error *err) SOTTO_NODISCARD;
/* Wipes and frees a rehearsal; NULL is fine. */
SOTTO_API void sotto_rehearsal_free(struct sotto_rehearsal *rehearsal);

/* What the party offers in the first round: of its parts into cover (sotto_driver_cover_len bytes),
 * of combinations of sums into spans, modulo a prime of the task. Nothing is answered yet. Returns:
 * SOTTO_ERROR_REFUSED, and the rehearsal's rule; else as sotto_driver_contribute. */
SOTTO_API enum sotto_status sotto_rehearsal_offer(struct sotto_rehearsal *rehearsal, uint8_t *cover,
                                                  struct sotto_writer *spans, uint64_t spans_prime,
                                                  const struct sotto_driver *driver,
                                                  const struct sotto_plan *plan,
                                                  struct sotto_source *const *sources,
                                                  struct sotto_error *err) SOTTO_NODISCARD;

/* The party's partial of the driver's round, without what its rules withhold: it counts as
 * answered. Returns: as sotto_rehearsal_offer. */
SOTTO_API enum sotto_status sotto_rehearsal_contribute(struct sotto_rehearsal *rehearsal,
                                                       uint64_t *out, size_t limbs_len,
                                                       const struct sotto_driver *driver,
                                                       const struct sotto_plan *plan,
                                                       struct sotto_source *const *sources,
                                                       struct sotto_error *err) SOTTO_NODISCARD;

/* The rule that refused last; SOTTO_RULES_LEN: none did. */
SOTTO_API enum sotto_rule sotto_rehearsal_refused(const struct sotto_rehearsal *rehearsal);

SOTTO_END_DECLS

#endif
