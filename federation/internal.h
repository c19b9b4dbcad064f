/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_FEDERATION_INTERNAL_H
#define SOTTO_FEDERATION_INTERNAL_H

/* What the two sides of a task share: the federation's own messages, and what all parties must
 * agree on. */

#include "course.h"
#include "cover.h"
#include "draw.h"

#include <sotto/session.h>
#include <sotto/task.h>

/* --- wire.c --- */

/* H("sotto plan", text). */
void sotto__task_plan_digest(uint8_t out[SOTTO_DIGEST_BYTES], const char *plan_json,
                             size_t plan_bytes);

/* The chain of the rounds that were opened so far, one more: H("sotto opened", before || session ||
 * what consents signed || H("sotto aggregate", aggregate)); zeros before the first. */
void sotto__opened_digest(uint8_t in_out[SOTTO_DIGEST_BYTES],
                          const struct sotto_session_opening *opening, const void *aggregate,
                          size_t aggregate_bytes);

/* The same, of H("sotto aggregate", aggregate). */
void sotto__opened_link(uint8_t in_out[SOTTO_DIGEST_BYTES],
                        const struct sotto_session_opening *opening,
                        const uint8_t aggregate_digest[SOTTO_DIGEST_BYTES]);

/* The federation's own messages, signed. INVITATION holds the plan's text, and behind a NUL
 * the code of a learning task (else bundle is empty), REOPEN the
 * releases of the attempt before or nothing, ROUND the aggregate of the round before. *out is
 * owned, ended by sotto_buffer_release. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__invitation_seal(struct sotto_buffer *out, const char *plan_json,
                                         size_t plan_bytes, const struct sotto_buffer *bundle,
                                         const struct sotto_session_label *label,
                                         const struct sotto_identity *identity) SOTTO_NODISCARD;
enum sotto_status sotto__reopen_seal(struct sotto_buffer *out, const struct sotto_buffer *releases,
                                     const struct sotto_session_label *label,
                                     const struct sotto_identity *identity) SOTTO_NODISCARD;
enum sotto_status sotto__round_seal(struct sotto_buffer *out, const void *aggregate,
                                    size_t aggregate_bytes, const struct sotto_session_label *label,
                                    const struct sotto_identity *identity) SOTTO_NODISCARD;

/* RESUME holds the record of the round that a party missed, and its transcript or its aggregate;
 * RETURN nothing. */
enum sotto_status sotto__resume_seal(struct sotto_buffer *out, const struct sotto_writer *record,
                                     const void *shown, size_t shown_bytes,
                                     const struct sotto_session_label *label,
                                     const struct sotto_identity *identity) SOTTO_NODISCARD;
enum sotto_status sotto__return_seal(struct sotto_buffer *out,
                                     const struct sotto_session_label *label,
                                     const struct sotto_identity *identity) SOTTO_NODISCARD;

#define SOTTO__OTHER_ENGINE_TEXT                                                                   \
    "the engine of %s computes other bits than this one: all parties of a task need the same "     \
    "version of sotto"

/* --- peers.c: an owned list of keys and names --- */

struct sotto__peers {
    struct sotto_peer *peers; /* names owned */
    size_t len;
};

/* Copies, names without control characters. Returns: SOTTO_ERROR_INPUT for two peers of one key,
 * SOTTO_ERROR_NO_MEMORY; *out is unchanged then. */
enum sotto_status sotto__peers_copy(struct sotto__peers *out, const struct sotto_peer *peers,
                                    size_t len) SOTTO_NODISCARD;
void sotto__peers_release(struct sotto__peers *peers);
/* The index of a key, or SOTTO_NONE. */
size_t sotto__peers_find(const struct sotto__peers *peers, const struct sotto_key *key);

/* --- terms.c: what both sides compute alike --- */

/* The course for the types that a roster's adverts of the first round offer together, heeding
 * interrupt (or NULL), in place of the one of an earlier attempt, which is released; and
 * what the parties open, likewise in place of what is there. peers names their senders in errors.
 * Returns: SOTTO_ERROR_AUTH for a sender that is not among them, SOTTO_ERROR_INPUT for an offer
 * that is malformed; else as sotto_schema_agree, sotto_driver_new and sotto__cover_init. */
enum sotto_status sotto__agree(struct sotto__course *in_out, struct sotto__cover *in_out_cover,
                               const struct sotto_plan *plan, const struct sotto_roster *roster,
                               const struct sotto_invitation_terms *terms,
                               const struct sotto__peers *peers,
                               const struct sotto_interrupt *interrupt,
                               struct sotto_error *err) SOTTO_NODISCARD;

/* Refuses a plan whose sums must be verified by parties that are not shown them. */
enum sotto_status sotto__check_showing(const struct sotto_plan *plan,
                                       struct sotto_error *err) SOTTO_NODISCARD;

/* What every task's graph has to withstand (README.md, "Graphs"). */
struct sotto_graph_terms sotto__graph_terms(size_t parties_len);

/* The terms of a session. Owns runs, which terms borrows. */
struct sotto__round_terms {
    struct sotto_session_terms terms;
    struct sotto_vector_run *runs;
    const char *unverified; /* why a sum that parties are shown is not checked by them; else NULL */
};

/* The terms of the course's current round among so many parties; opened: the chain of the rounds
 * before. Returns: SOTTO_ERROR_NO_MEMORY; SOTTO_ERROR_LIMIT for one that must be verified and can't
 * be. Ended by sotto__round_terms_release. */
enum sotto_status sotto__round_terms_init(struct sotto__round_terms *out,
                                          const struct sotto_plan *plan,
                                          const struct sotto__course *course,
                                          const struct sotto_invitation_terms *invitation,
                                          const uint8_t opened[SOTTO_DIGEST_BYTES],
                                          size_t parties_len,
                                          struct sotto_error *err) SOTTO_NODISCARD;
void sotto__round_terms_release(struct sotto__round_terms *terms);

/* --- outbox.c: the actions of a machine, with one sticky failure --- */

/* Zero-initialise. A failed push is kept in status, so that a machine asks once for each call it
 * serves. After end, nothing more is queued, and the last action is DONE: it needs no memory. */
struct sotto__outbox {
    struct sotto_action_queue queue;
    enum sotto_status status;
    bool ended;
    bool done_taken;
    struct sotto_error end;
};

/* Sends *bytes to a peer; takes them, also after a failure. */
void sotto__outbox_send(struct sotto__outbox *outbox, const struct sotto_key *peer,
                        struct sotto_buffer *bytes);
/* Pushes any action; releases it after a failure or the end. */
void sotto__outbox_push(struct sotto__outbox *outbox, const struct sotto_action *action);
/* Asks for a tick at a time. */
void sotto__outbox_timer(struct sotto__outbox *outbox, uint64_t deadline_ms);
void sotto__outbox_log(struct sotto__outbox *outbox, const char *format, ...) SOTTO_PRINTF(2, 3);
/* The first end counts; text: why, shown with DONE. */
void sotto__outbox_end(struct sotto__outbox *outbox, enum sotto_status status, const char *text);
/* The next action, *out owned by the caller. Returns: false if there is none for now. */
bool sotto__outbox_next(struct sotto__outbox *outbox, struct sotto_action *out);
void sotto__outbox_release(struct sotto__outbox *outbox);

#endif
