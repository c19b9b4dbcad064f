/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DISCLOSURE_LEDGER_PARTIES_H
#define SOTTO_DISCLOSURE_LEDGER_PARTIES_H

/* The parties over which answers were told (parties.c). */

#include "chain.h"

/* A set of parties: hashes of their keys, ascending. */
struct sotto__ledger_set {
    uint64_t *members;
    size_t len;
    uint8_t digest[SOTTO_LEDGER_SUBJECT_BYTES];
};
enum sotto_status sotto__ledger_set_init(struct sotto__ledger_set *out,
                                         const struct sotto_ledger_party *parties,
                                         size_t len) SOTTO_NODISCARD;
void sotto__ledger_set_release(struct sotto__ledger_set *set);
/* Writes a set down, unless it is there. */
enum sotto_status sotto__ledger_add_parties(struct sotto__ledger_batch *batch,
                                            const struct sotto__ledger_set *set,
                                            struct sotto_error *err) SOTTO_NODISCARD;
/* Checks that a set of parties is another one, which is in the ledger, or differs from it by at
 * least so many. Returns: SOTTO_ERROR_REFUSED. */
enum sotto_status sotto__ledger_compare_parties(struct sotto_ledger *ledger,
                                                const struct sotto__ledger_set *set,
                                                const uint8_t other[SOTTO_LEDGER_SUBJECT_BYTES],
                                                size_t least,
                                                struct sotto_error *err) SOTTO_NODISCARD;
/* The parties over which an answer was opened: those consented to, or else those asked. */
enum sotto_status sotto__ledger_opened(struct sotto_ledger *ledger,
                                       uint8_t in_out[SOTTO_LEDGER_SUBJECT_BYTES], uint64_t answer,
                                       struct sotto_error *err) SOTTO_NODISCARD;

#endif
