/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_RECORD_H
#define SOTTO_RECORD_H

/* What stays of a session that was opened: who took part, what they consented to, and nobody's
 * input (aggregation/PROTOCOL.md, "Receipts"). */

#include <sotto/session.h>

SOTTO_BEGIN_DECLS

/* A record that holds. Owns its roster, borrows what it was read from. */
struct sotto_record {
    struct sotto_session_label label;
    struct sotto_roster roster;
    struct sotto_session_opening opening;
    uint8_t agreement[SOTTO_DIGEST_BYTES]; /* what it says that the parties agreed on */
    uint8_t dealings_digest[SOTTO_DIGEST_BYTES];
    const uint8_t *dealers; /* a bitmap */
    const uint8_t *dealings;
    const uint8_t *masked;
    uint8_t living[(SOTTO_SESSION_PARTIES_MAX + 7) / 8]; /* a bitmap of the roster's parties */
};

/* SUMMED, on a complete graph: appends the session's record. The writer keeps what fails. */
SOTTO_API void
sotto_session_aggregator_write_record(const struct sotto_session_aggregator *aggregator,
                                      struct sotto_writer *writer);

/* Reads a record and checks it: adverts and their demands, the graph, that enough of the living
 * consented to what it says was opened. Who the parties are is the caller's to check.
 * invitation->label says the task only, the record the rest; min_parties: the plan's, or 0: all of
 * them. Returns: SOTTO_ERROR_PROTOCOL, SOTTO_ERROR_AUTH, SOTTO_ERROR_PARTIES,
 * SOTTO_ERROR_NO_MEMORY. Ownership: *out is ended by sotto_record_release; unchanged on failure. */
SOTTO_API enum sotto_status sotto_record_read(struct sotto_record *out, struct sotto_reader *reader,
                                              const struct sotto_invitation_terms *invitation,
                                              uint32_t min_parties,
                                              struct sotto_error *err) SOTTO_NODISCARD;

/* Whether a party of the roster is among the living. */
SOTTO_API bool sotto_record_lives(const struct sotto_record *record, uint32_t index);

/* Checks a transcript of the recorded session, and puts the sum that it opens into sum
 * (vector_bytes of these runs, aligned to SOTTO_ALIGNMENT). Returns: SOTTO_ERROR_PROTOCOL for
 * another transcript, SOTTO_ERROR_LIMIT for runs that are none, SOTTO_ERROR_NO_MEMORY; sum is
 * undefined then. */
SOTTO_API enum sotto_status sotto_record_open(const struct sotto_record *record, uint8_t *sum,
                                              const struct sotto_vector_run *runs, size_t runs_len,
                                              const uint8_t *transcript, size_t transcript_bytes,
                                              struct sotto_error *err) SOTTO_NODISCARD;

/* Frees what a record holds. */
SOTTO_API void sotto_record_release(struct sotto_record *record);

SOTTO_END_DECLS

#endif
