/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_FEDERATION_TASK_PARTY_H
#define SOTTO_FEDERATION_TASK_PARTY_H

/* The state of a party's side of a task, for the files that it is spread over: task_party.c (its
 * calls, invitation, offer, leaving, the end), party_rounds.c, party_opened.c and
 * party_returned.c. */

#include "internal.h"

enum task_phase {
    SOTTO__TASK_OFFERING, /* waits for its host's offer */
    SOTTO__TASK_JOINED,   /* waits for the roster */
    SOTTO__TASK_SESSION,
    SOTTO__TASK_RETURNED,  /* its process is new: waits to be told where the task is */
    SOTTO__TASK_CONFIRMED, /* has checked the result (and signed it), waits for the end */
};

struct sotto_task_party {
    const struct sotto_identity *identity;
    struct sotto_random random;
    const struct sotto_interrupt *interrupt;
    struct sotto_shared_points *shared_points;
    bool keeps_opened;
    struct sotto__peers peers;
    struct sotto_session_demands demands;
    uint64_t patience_ms; /* how long the aggregator may be silent */
    uint64_t now_ms;
    uint64_t deadline_ms;

    struct sotto_invitation_terms terms;
    char *plan_json;
    struct sotto_plan *plan;
    struct sotto__offer offer; /* its cover is owned: */
    uint8_t *offered_cover;
    struct sotto_buffer offered_model; /* of a learning task, its offer, */
    struct sotto_buffer weights;       /* and the weights with which its code begins */
    enum task_phase phase;
    struct sotto_session_party *session;
    bool has_masked; /* in this session, and counted */
    uint64_t masked; /* in how many sessions that others may open */
    struct sotto__course course;
    struct sotto__cover cover; /* of the first round */
    bool is_uncovered;         /* by the survivors that it was shown: it leaves */
    bool recorded;   /* consent to a survivor set of this round is on disk, or was asked for */
    bool has_pledge; /* of the session that its process before masked in, if it did */
    struct sotto_session_pledge pledge;
    bool computing;                  /* the host was asked for a partial, and works on it */
    struct sotto_buffer next_roster; /* came meanwhile: the driver stands still until then */
    struct sotto_buffer next_round;  /* ROUND or OPENED, which came before this party consented */
    uint8_t opened[SOTTO_DIGEST_BYTES];    /* the chain of the rounds before */
    bool verifies;                         /* this party checks the sum of this round */
    uint8_t confirmed[SOTTO_DIGEST_BYTES]; /* what confirmations sign */
    bool is_confirmed;                     /* by all whose rows are in the result */
    struct sotto_schema *offers;           /* of the roster of the first round, in its order */
    size_t offers_len;
    char *result;                   /* as FINISH or OPENED brought it, if one did */
    struct sotto_key *contributors; /* the survivors of the round before, once there is one */
    uint32_t contributors_len;
    uint32_t trained_len;    /* how many of them trained in it: of fewer where they were drawn */
    struct sotto__draw draw; /* of the round */
    struct sotto__outbox outbox;
};

/* --- task_party.c --- */

/* Of the members of the first round's roster. */
void sotto__task_party_forget_offers(struct sotto_task_party *task);

/* Ends the task; text: why. */
void sotto__task_party_end(struct sotto_task_party *task, enum sotto_status status,
                           const char *text);

/* Passes on what the session sends. */
void sotto__task_party_pump(struct sotto_task_party *task);

/* Ends the task if the outbox has failed. */
void sotto__task_party_settle(struct sotto_task_party *task);

/* Ends the party's part, telling the aggregator a class and its host why. */
void sotto__task_party_leave(struct sotto_task_party *task, enum sotto_status reason,
                             const char *text);

/* The aggregator lives: waits on. */
void sotto__task_party_heard(struct sotto_task_party *task);

/* Sends an ADVERT with fresh keys and the offer. */
void sotto__task_party_advertise(struct sotto_task_party *task);

/* --- party_opened.c --- */

/* Takes OPENED: ROUND's place, and FINISH's result, where the sum is verified. */
enum sotto_status sotto__task_party_receive_opened(struct sotto_task_party *task,
                                                   const struct sotto_message *message,
                                                   const uint8_t *bytes, size_t bytes_len,
                                                   struct sotto_error *err) SOTTO_NODISCARD;
/* Checks what waits in next_round, an OPENED, once this party has consented. */
void sotto__task_party_follow_opened(struct sotto_task_party *task);
/* Takes FINISH. */
enum sotto_status sotto__task_party_finish(struct sotto_task_party *task,
                                           const struct sotto_message *message,
                                           struct sotto_error *err) SOTTO_NODISCARD;

/* --- party_rounds.c --- */

/* Keeps the survivors that this party answered for, ascending as rosters are. */
enum sotto_status
sotto__task_party_keep_contributors(struct sotto_task_party *task) SOTTO_NODISCARD;

/* Each takes one message: ROSTER, ROUND, REOPEN, or one that is the session's. A message
 * that is refused changes nothing; SOTTO_ERROR_STATE says that it was out of turn. A roster that is
 * refused ends the party's part with a LEAVE instead. */
void sotto__task_party_receive_roster(struct sotto_task_party *task, const uint8_t *bytes,
                                      size_t bytes_len);

enum sotto_status sotto__task_party_receive_round(struct sotto_task_party *task,
                                                  const struct sotto_message *message,
                                                  const uint8_t *bytes, size_t bytes_len,
                                                  struct sotto_error *err) SOTTO_NODISCARD;

enum sotto_status sotto__task_party_reopen(struct sotto_task_party *task,
                                           const struct sotto_message *message,
                                           struct sotto_error *err) SOTTO_NODISCARD;

enum sotto_status sotto__task_party_receive_session(struct sotto_task_party *task,
                                                    const struct sotto_message *message,
                                                    struct sotto_error *err) SOTTO_NODISCARD;

#endif
