/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_TASK_H
#define SOTTO_TASK_H

/* One task, as two sans-I/O machines: the aggregator runs it, each party takes part in it. Neither
 * opens a socket, reads a clock or starts a thread: the host gives them messages, the time
 * (milliseconds of any monotonic clock) and a source of randomness, and carries out their actions
 * in order. Messages are signed and bound to their task; the host only has to deliver them, in any
 * order, and may lose or repeat them. federation/README.md draws the whole exchange.
 *
 * Not thread-safe: one machine, one thread at a time. */

#include <sotto/action.h>
#include <sotto/bundle.h>
#include <sotto/driver.h>
#include <sotto/session.h>

SOTTO_BEGIN_DECLS

struct sotto_peer {
    struct sotto_key key;
    const char *name; /* for logs and errors */
};

/* What a message says of itself, before any check of its signature: for routing only. */
struct sotto_message_route {
    struct sotto_task_id task;
    struct sotto_key sender;
    bool is_invitation;
    bool is_browse, is_listing; /* of no task (sotto/listing.h) */
    bool to_aggregator;         /* else to a party */
};

/* Returns: false if bytes can't be a message. */
SOTTO_API bool sotto_message_route(struct sotto_message_route *out, const uint8_t *bytes,
                                   size_t bytes_len);

/* --- The aggregator --- */

struct sotto_task_aggregator;

struct sotto_task_aggregator_config {
    const struct sotto_identity *identity; /* borrowed until free */
    struct sotto_task_id id;
    uint64_t number; /* what logs call the task: the node's own task number */
    const char *plan_json;
    size_t plan_json_bytes;
    const void *bundle; /* the code of a learning task (sotto/bundle.h), else NULL */
    size_t bundle_bytes;
    const struct sotto_peer *invited; /* who may join; copied, names too */
    size_t invited_len;
    const bool *invited_away; /* of each: it is known not to be there now, so that the start does
                                 not wait for it; NULL: of none */
    bool hides_exact;         /* no exact texts in the result */
    const struct sotto_interrupt *interrupt; /* of regressions; NULL: none; borrowed until free */
    uint64_t now_ms;
};

/* Starts a task: its first actions are the invitations. Returns: as sotto_plan_parse;
 * SOTTO_ERROR_PLAN also for one whose sums must be verified by parties that are not shown them;
 * SOTTO_ERROR_PARTIES if fewer are invited than the plan's min_clients. */
SOTTO_API enum sotto_status
sotto_task_aggregator_new(struct sotto_task_aggregator **out,
                          const struct sotto_task_aggregator_config *config,
                          struct sotto_error *err) SOTTO_NODISCARD;

/* Frees the task and its actions that nobody took; NULL is fine. Parties are not told: cancel
 * first. */
SOTTO_API void sotto_task_aggregator_free(struct sotto_task_aggregator *task);

/* Takes a message from anybody. What is malformed, unsigned, foreign, replayed or out of place
 * changes nothing. Returns: why it was ignored, for the operator's log; the task goes on. */
SOTTO_API enum sotto_status sotto_task_aggregator_receive(struct sotto_task_aggregator *task,
                                                          const uint8_t *bytes, size_t bytes_len,
                                                          uint64_t now_ms,
                                                          struct sotto_error *err) SOTTO_NODISCARD;

/* It is now_ms. At or after the deadline of the last TIMER the step that is under way ends for
 * those who did not answer, and the task goes on with the others or fails; before it, and after
 * DONE, nothing happens. Late calls do no harm: time only passes by them. */
SOTTO_API void sotto_task_aggregator_tick(struct sotto_task_aggregator *task, uint64_t now_ms);

/* A peer came (back) on line with another process: it is invited again if joining is open, and has
 * left the session that is under way. */
SOTTO_API void sotto_task_aggregator_returned(struct sotto_task_aggregator *task,
                                              const struct sotto_key *peer, uint64_t now_ms);

/* A peer is known not to be there, its host having waited for it for a while: joining goes on
 * without waiting for it, though it takes part if it answers before the start. After that: nothing.
 */
SOTTO_API void sotto_task_aggregator_away(struct sotto_task_aggregator *task,
                                          const struct sotto_key *peer, uint64_t now_ms);

/* A peer is none any more: it counts as one that left. What it says is ignored from then on, and no
 * FINISH goes to it; other messages may, which its host drops. A masked partial of it that came
 * before stays in its sum. */
SOTTO_API void sotto_task_aggregator_removed(struct sotto_task_aggregator *task,
                                             const struct sotto_key *peer, uint64_t now_ms);

/* Whom the joining of the first round waits for, and who is away: "waits for birch, cedar; away:
 * dogwood". Out: out, out_bytes of it, terminated; of many names the first ones, and how many more
 * there are ("waits for birch, 30 more"). Returns: false, and "", where nobody is waited for any
 * more. */
SOTTO_API bool sotto_task_aggregator_awaits(const struct sotto_task_aggregator *task, char *out,
                                            size_t out_bytes);

/* Ends the task with SOTTO_ERROR_CANCELLED and tells the parties; where there is a result, only
 * the wait for confirmations ends. */
SOTTO_API void sotto_task_aggregator_cancel(struct sotto_task_aggregator *task);

/* The next action. Returns: false if there is none. */
SOTTO_API bool sotto_task_aggregator_next(struct sotto_task_aggregator *task,
                                          struct sotto_action *out);

/* The result as JSON once RESULT came, or DONE with SOTTO_OK; before, NULL. A dispute, which ends
 * the task with SOTTO_ERROR_PROTOCOL, leaves it there. Borrows from the task. */
SOTTO_API const char *sotto_task_aggregator_result(const struct sotto_task_aggregator *task);

/* Whether all whose rows are in the result have confirmed it. */
SOTTO_API bool sotto_task_aggregator_is_confirmed(const struct sotto_task_aggregator *task);

/* After DONE with SOTTO_OK: who confirmed the result and who did not, or why it is not verified
 * though its sums were shown; else "". Borrows from the task. */
SOTTO_API const char *sotto_task_aggregator_confirmation(const struct sotto_task_aggregator *task);

/* How many bytes the vectors of the current round have; 0 before a session. */
SOTTO_API size_t sotto_task_aggregator_vector_bytes(const struct sotto_task_aggregator *task);

/* The driver of the current round, or NULL before types are agreed on, and in a learning task.
 * Borrows from the task, until
 * the next call. */
SOTTO_API const struct sotto_driver *
sotto_task_aggregator_driver(const struct sotto_task_aggregator *task);

/* The model after the last round of a learning task that is over, and which round that is; NULL
 * before it, and of statistics. Borrows from the task, until the next call. */
SOTTO_API const struct sotto_buffer *
sotto_task_aggregator_model(const struct sotto_task_aggregator *task, uint32_t *out_round);

/* --- The party --- */

struct sotto_task_party;

struct sotto_task_party_config {
    const struct sotto_identity *identity; /* borrowed until free */
    struct sotto_random random;
    const struct sotto_peer *peers; /* who may be in a roster or run a task: the pinned keys, and
                                       the node's own key; copied, names too */
    size_t peers_len;
    struct sotto_session_demands demands; /* the owner's, on top of the plan's and the protocol's */
    bool answered; /* a PLEDGE or RECORD of this task is on disk: it joins no more, and goes on if
                      at all by sotto_task_party_resume */
    enum sotto_status refusal; /* SOTTO_OK, or why nothing is done for whoever invites: the plan is
                                  not read, and the task declined with this class */
    const char *refusal_text;  /* what DONE then says; borrowed for the call */
    const struct sotto_interrupt *interrupt;   /* of regressions; NULL: none; borrowed until free */
    struct sotto_shared_points *shared_points; /* of a simulation (sotto_session_party_share); NULL:
                                                  none; borrowed until free */
    bool keeps_opened; /* its rows may be in parts (sotto_driver_keep_opened) */
    uint64_t now_ms;
};

/* Takes an invitation, checks it and its plan. The first action is OFFER, or SEND of a decline and
 * DONE where the plan is not one that this version takes, or config has a refusal.
 * Returns: SOTTO_ERROR_AUTH, SOTTO_ERROR_PROTOCOL if it is no invitation of a pinned peer. */
SOTTO_API enum sotto_status sotto_task_party_new(struct sotto_task_party **out,
                                                 const struct sotto_task_party_config *config,
                                                 const uint8_t *invitation, size_t invitation_bytes,
                                                 struct sotto_error *err) SOTTO_NODISCARD;

/* What a host has on its disk of a task that was under way when its process ended. */
struct sotto_task_party_past {
    const struct sotto_buffer *kept; /* bytes of each KEEP, the first one first */
    size_t kept_len;
    const void *pledge; /* of the last PLEDGE or RECORD, whatever its round */
    size_t pledge_bytes;
};

/* Goes on with a task after its first round (PROTOCOL.md, "Long tasks"): the first action tells its
 * aggregator. config: as for sotto_task_party_new, without answered and refusal; its peers and its
 * demands may be others by now. Returns: SOTTO_ERROR_INPUT where the past is none, or none of this
 * engine; SOTTO_ERROR_AUTH where one of the parties is no peer any more; SOTTO_ERROR_NO_MEMORY.
 * Ownership: copies. */
SOTTO_API enum sotto_status sotto_task_party_resume(struct sotto_task_party **out,
                                                    const struct sotto_task_party_config *config,
                                                    const struct sotto_task_party_past *past,
                                                    struct sotto_error *err) SOTTO_NODISCARD;

/* Wipes the task's secrets and frees it; NULL is fine. The aggregator is not told: decline first.
 */
SOTTO_API void sotto_task_party_free(struct sotto_task_party *task);

/* What is asked. Borrows from the task. */
SOTTO_API const struct sotto_plan *sotto_task_party_plan(const struct sotto_task_party *task);

/* The plan as its creator sent it: JSON text, ended by a NUL. Borrows from the task. */
SOTTO_API const char *sotto_task_party_plan_json(const struct sotto_task_party *task);

/* The id of the task, as the invitation has it. */
SOTTO_API struct sotto_task_id sotto_task_party_id(const struct sotto_task_party *task);

/* The key of who runs the task: the signer of the invitation. */
SOTTO_API struct sotto_key sotto_task_party_creator(const struct sotto_task_party *task);

/* The result as the aggregator sent it once DONE came with SOTTO_OK, where the plan publishes it:
 * this party has computed the same, or, where sums are not verified, nobody checked it; else NULL.
 * Borrows from the task. */
SOTTO_API const char *sotto_task_party_result(const struct sotto_task_party *task);

/* Whether this party computed the result itself, and all whose rows are in it have confirmed it. */
SOTTO_API bool sotto_task_party_is_confirmed(const struct sotto_task_party *task);

/* What a party has of a partial of its own types alone, as its judge says. Borrows. */
struct sotto_task_cover {
    const uint8_t *parts; /* has and gives of each (SOTTO_COVER_, sotto/evidence.h) */
    size_t parts_len;     /* sotto_driver_cover_len; 0: it stands behind nothing */
    const uint8_t *spans; /* of combinations of sums (struct sotto_disclosure) */
    size_t spans_bytes;   /* 0: nobody judged; it stands behind what others have rows in */
    bool is_of_parties;   /* who survives matters to it: nothing is opened without its consent */
};

/* Answers OFFER: joins with these types. Ownership: copies. */
SOTTO_API void sotto_task_party_offer(struct sotto_task_party *task,
                                      const struct sotto_schema *schema,
                                      const struct sotto_task_cover *cover);

/* The code of a learning task, which its invitation brought; NULL where the plan is of statistics.
 * Borrows from the task. */
SOTTO_API const struct sotto_bundle *sotto_task_party_bundle(const struct sotto_task_party *task);

/* Answers OFFER of a learning task: joins with the weights with which its code begins, as
 * safetensors. Returns: SOTTO_ERROR_INPUT, SOTTO_ERROR_LIMIT for weights that are none, or not what
 * the code asks for: the host then declines. Ownership: copies. */
SOTTO_API enum sotto_status sotto_task_party_offer_model(struct sotto_task_party *task,
                                                         const void *weights, size_t weights_bytes,
                                                         struct sotto_error *err) SOTTO_NODISCARD;

/* For a PARTIAL of a learning task: the weights to train on. Borrows, until the next call. */
SOTTO_API const struct sotto_buffer *sotto_task_party_model(const struct sotto_task_party *task);

/* For a PARTIAL of a learning task: whether its code is to measure these weights before it trains.
 */
SOTTO_API bool sotto_task_party_measures(const struct sotto_task_party *task);
/* And whether it is to train: not in a last round that measures. */
SOTTO_API bool sotto_task_party_trains(const struct sotto_task_party *task);

/* Whether this party trains in the round that is under way: not where others were drawn. Then it
 * gives zeros, and its host is asked for no PARTIAL. Before the roster of the round: true. */
SOTTO_API bool sotto_task_party_is_drawn(const struct sotto_task_party *task);

/* The keys of the parties whose weights the sum of a learning task's round is of, ascending: at
 * most max of them. They are those that were drawn; from RECORD on only those that survive.
 * Returns: how many there are; 0 before the roster of the round. */
SOTTO_API size_t sotto_task_party_trainers(const struct sotto_task_party *task,
                                           struct sotto_key *out, size_t max);

/* The round that is under way, from 1. */
SOTTO_API uint32_t sotto_task_party_round(const struct sotto_task_party *task);

/* Answers PARTIAL of a learning task with the weights after training, as safetensors, and the rows
 * that they are of. *out_clipped: how many are beyond the range that the code declares, and became
 * its end. After DONE, and where a new attempt waits, they are not used. Returns: as
 * sotto_average_encode; the host then declines. */
SOTTO_API enum sotto_status sotto_task_party_update(struct sotto_task_party *task,
                                                    size_t *out_clipped,
                                                    const struct sotto_buffer *weights,
                                                    uint64_t rows,
                                                    struct sotto_error *err) SOTTO_NODISCARD;

/* How many bytes the vectors of the current round have; 0 before a session. */
SOTTO_API size_t sotto_task_party_vector_bytes(const struct sotto_task_party *task);

/* The prime modulo which the judge of the party speaks of combinations of sums (struct
 * sotto_disclosure, spans_prime): the same for all parties of the task. */
SOTTO_API uint64_t sotto_task_party_prime(const struct sotto_task_party *task);

/* What all parties open of the first round, by the rule "cover": 1 or 0 of each part of a partial
 * (sotto_driver_cover_len); what is not opened the machine takes out of the partial itself, of its
 * groups also in later rounds. NULL where there is no session. Borrows from the task. */
SOTTO_API const uint8_t *sotto_task_party_opened(const struct sotto_task_party *task);

/* Answers OFFER or PARTIAL with no: the party is out of the task. The aggregator learns the class
 * (the name of reason, which is not SOTTO_OK: "not_found", "refused", ...), and text only if there
 * is one (NULL: none): what an owner lets others know. Ownership: copies text. */
SOTTO_API void sotto_task_party_decline(struct sotto_task_party *task, enum sotto_status reason,
                                        const char *text);

/* The driver, for a PARTIAL: one comes for each attempt and round, and is answered by
 * sotto_task_party_partial or sotto_task_party_decline. Borrows from the task; it stands still
 * until then. */
SOTTO_API const struct sotto_driver *sotto_task_party_driver(const struct sotto_task_party *task);

/* Answers PARTIAL: limbs of the current round, limbs_len == sotto_driver_limbs_len of
 * sotto_task_party_driver. They are masked before anything leaves. Ownership: copies. After DONE,
 * and where a new attempt waits, they are not used. */
SOTTO_API void sotto_task_party_partial(struct sotto_task_party *task, const uint64_t *limbs,
                                        size_t limbs_len);

/* The keys of the parties of the session for which PARTIAL came, ascending: at most max of them.
 * Returns: how many there are; 0 where there is no session. */
SOTTO_API size_t sotto_task_party_members(const struct sotto_task_party *task,
                                          struct sotto_key *out, size_t max);

/* The keys of the survivors, over whose partials the sum is, ascending: at most max of them.
 * Returns: how many there are; 0 before RECORD. */
SOTTO_API size_t sotto_task_party_survivors(const struct sotto_task_party *task,
                                            struct sotto_key *out, size_t max);

/* In how many sessions the party has masked its partial, without those that so many members gave up
 * that nobody can open them: where it has not, nobody can ever open what it computed. */
SOTTO_API uint64_t sotto_task_party_masked(const struct sotto_task_party *task);

/* Answers PLEDGE and RECORD, which come in each round, before the masked partial and before the
 * consent: it is durable. What depended on it is sent now. */
SOTTO_API void sotto_task_party_recorded(struct sotto_task_party *task);

/* Takes a message of the task's aggregator. What is malformed, unsigned, foreign, replayed or out
 * of place changes nothing. Returns: why it was ignored, for the operator's log. */
SOTTO_API enum sotto_status sotto_task_party_receive(struct sotto_task_party *task,
                                                     const uint8_t *bytes, size_t bytes_len,
                                                     uint64_t now_ms,
                                                     struct sotto_error *err) SOTTO_NODISCARD;

/* It is now_ms. A party that has not heard of its aggregator for too long (the plan's wait and two
 * connection timeouts) leaves with SOTTO_ERROR_TIMEOUT. */
SOTTO_API void sotto_task_party_tick(struct sotto_task_party *task, uint64_t now_ms);

/* Takes the party's next action. Returns: false, and *out unchanged, if there is none. Ownership:
 * *out is ended by sotto_action_release. */
SOTTO_API bool sotto_task_party_next(struct sotto_task_party *task, struct sotto_action *out);

SOTTO_END_DECLS

#endif
