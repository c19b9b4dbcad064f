/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DISCLOSURE_LEDGER_COMPARE_H
#define SOTTO_DISCLOSURE_LEDGER_COMPARE_H

/* What is asked, held against what was answered before (ledger_compare.c). */

#include "ledger_decide.h"

/* What an atom is known by, among those of one file and epoch. */
void sotto__ledger_digest_classes(uint8_t out[SOTTO_LEDGER_SUBJECT_BYTES], const uint16_t *classes,
                                  size_t len);
void sotto__decision_find_subject(uint8_t out[SOTTO_LEDGER_SUBJECT_BYTES],
                                  const struct decision *decision, size_t measure);
/* Holds a measure, which becomes that of the decision, against all that was answered of it.
 * Returns: SOTTO_ERROR_AUTH for an entry that can't be read, SOTTO_ERROR_NO_MEMORY; what storage
 * returned. */
enum sotto_status sotto__decision_compare(struct decision *decision, size_t measure,
                                          struct sotto_error *err) SOTTO_NODISCARD;
/* Checks the parties of a measure that was compared. Where the values are those of an earlier
 * answer, it is not known of which: of all. Returns: SOTTO_ERROR_REFUSED, SOTTO_ERROR_NO_MEMORY;
 * what storage returned. */
enum sotto_status sotto__decision_check_parties(struct decision *decision,
                                                struct sotto_error *err) SOTTO_NODISCARD;
/* The atoms by their first classes, sorted; those of an old atom, from *out_first on, and how many
 * these are; where the run ends that begins at first. */
enum sotto_status sotto__decision_find_prefixes(struct decision *decision,
                                                const struct prefix **out, size_t classes_len,
                                                struct sotto_error *err) SOTTO_NODISCARD;
size_t sotto__prefix_find(const struct prefix *list, size_t *out_first, size_t len,
                          const uint8_t digest[SOTTO_LEDGER_SUBJECT_BYTES]);
size_t sotto__prefix_end(const struct prefix *list, size_t first, size_t len);
/* Whether a sum that is asked was told before, and is written down. */
unsigned sotto__decision_find_repeat(const struct decision *decision, size_t measure,
                                     const struct sotto__ledger_sum *sum);

#endif
