/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_FEDERATION_TASK_AGGREGATOR_H
#define SOTTO_FEDERATION_TASK_AGGREGATOR_H

/* The state of the aggregator's side of a task, for the files that it is spread over:
 * task_aggregator.c (its calls, leaving, the log, the end), and aggregator_*.c. */

#include "internal.h"

enum invitee_state {
    SOTTO__INVITEE_INVITED,
    SOTTO__INVITEE_AWAY, /* invited, and known not to be there: may join, and nobody waits for it */
    SOTTO__INVITEE_JOINED,
    SOTTO__INVITEE_DECLINED,
    SOTTO__INVITEE_LOST, /* not in the session, or dropped out of an earlier attempt or round */
};

/* Why an invitee's rows are not in the result. */
enum invitee_absence {
    SOTTO__ABSENCE_LOST, /* it was in the session and dropped out */
    SOTTO__ABSENCE_AWAY,
    SOTTO__ABSENCE_SILENT,
    SOTTO__ABSENCE_DECLINED,
    SOTTO__ABSENCE_OTHER_ENGINE,
    SOTTO__ABSENCE_SPARE,   /* max_clients others come before it */
    SOTTO__ABSENCE_CHEATED, /* it dealt shares that were none, as one who got them has proven */
    SOTTO__ABSENCE_DEMANDS, /* its owner asks for more parties than there are */
    SOTTO__ABSENCE_REMOVED, /* the node that runs the task has it among its peers no more */
};

/* One invited party; invitees[i] belongs to invited.peers[i]. */
struct invitee {
    enum invitee_state state;
    enum invitee_absence absence;
    enum sotto_status reason; /* SOTTO__ABSENCE_DECLINED: the class that it said */
    struct sotto_buffer advert;
    struct sotto_schema offer;
    struct sotto_session_demands demands; /* of its advert */
    bool is_counted;                      /* of the first opened round's roster */
    bool contributes;                     /* a survivor of the round before: of the next one */
    uint32_t returned_for; /* it was restarted, and would be asked for this round; 0 from its next
                              ADVERT on */
    bool has_confirmed;    /* the result, by this signature */
    struct sotto_signature confirmation;
};

struct sotto_task_aggregator {
    const struct sotto_identity *identity;
    uint64_t number;
    char *plan_json;
    size_t plan_bytes;
    struct sotto_plan *plan;
    struct sotto_invitation_terms terms;
    struct sotto__peers invited;
    struct invitee *invitees;
    uint64_t now_ms;
    uint64_t deadline_ms;
    bool hides_exact, verifies; /* verifies: the parties of this round check its sum */
    const struct sotto_interrupt *interrupt;
    uint32_t joined_first; /* how many joined the first attempt: what the result calls joined */

    struct sotto_session_aggregator *session; /* NULL while joining is open */
    enum sotto_aggregator_phase phase_seen;
    struct sotto__course course;
    struct sotto__cover cover;          /* of the first round */
    struct sotto__draw draw;            /* of the round */
    uint8_t opened[SOTTO_DIGEST_BYTES]; /* the chain of the rounds before */
    const char *unverified;             /* why parties don't check what they are shown, or NULL */
    /* The one before, until all have said ADVERT of the next: what was shown of it may be disputed,
     * and may be shown again to who missed it. */
    struct sotto_session_aggregator *session_before;
    struct sotto_buffer releases;      /* of the attempt before, if somebody masked in it */
    bool is_waiting;                   /* a later round waits for somebody who is gone */
    uint8_t shown[SOTTO_DIGEST_BYTES]; /* the last OPENED, and its session */
    uint8_t shown_session[SOTTO_SESSION_BYTES];
    uint8_t confirmed[SOTTO_DIGEST_BYTES]; /* what confirmations sign */
    bool is_confirming;                    /* the last round is opened, and is confirmed */
    bool is_confirmed;                     /* by all whose rows are in it */
    char confirmation[SOTTO_ERROR_TEXT_BYTES];
    struct sotto_writer records;     /* of the rounds, for a receipt, unless one lacks it */
    struct sotto_writer transcripts; /* of the rounds, where all let them be kept */
    bool lacks_record;
    bool lacks_transcript;
    char *result;
    struct sotto__outbox outbox;
};

/* --- task_aggregator.c --- */

/* Releases its advert and what it offered. */
void sotto__task_aggregator_invitee_forget_offer(struct invitee *invitee);

/* An invitee's name; the invitee behind a roster index. */
const char *sotto__task_aggregator_invitee_name(const struct sotto_task_aggregator *task,
                                                size_t invitee);
size_t sotto__task_aggregator_invitee_of_member(const struct sotto_task_aggregator *task,
                                                uint32_t member);

/* Lines of the task's log: a tag, the task and round, a text, names of members `is` wanted. */
void sotto__task_aggregator_log_members(struct sotto_task_aggregator *task, const char *tag,
                                        const char *text,
                                        bool (*is)(const struct sotto_task_aggregator *, uint32_t),
                                        bool wanted);
void sotto__task_aggregator_log_step(struct sotto_task_aggregator *task, const char *tag,
                                     const char *text);
void sotto__task_aggregator_log_round(struct sotto_task_aggregator *task);
/* Logs how far the plan's models have come. */
void sotto__task_aggregator_log_models(struct sotto_task_aggregator *task);

/* Ends the task and tells everybody; text: why. */
void sotto__task_aggregator_end(struct sotto_task_aggregator *task, enum sotto_status status,
                                const char *text);

/* Takes an invitee out of the task, whose session, if there is one, may fail for it. */
enum sotto_status sotto__task_aggregator_lose(struct sotto_task_aggregator *task, size_t index,
                                              enum invitee_state state) SOTTO_NODISCARD;

/* Asks for a tick in so many seconds. */
void sotto__task_aggregator_set_deadline(struct sotto_task_aggregator *task, uint64_t seconds);

/* --- aggregator_joining.c --- */

/* Sends INVITATION. */
void sotto__task_aggregator_invite(struct sotto_task_aggregator *task, size_t invitee);

/* After the first round nobody may be lost: ends the task, naming who was. */
void sotto__task_aggregator_end_lost(struct sotto_task_aggregator *task, size_t invitee,
                                     const char *why);

/* Starts when everybody who is there has answered, or when (expired) time is over. */
void sotto__task_aggregator_consider_start(struct sotto_task_aggregator *task, bool expired);

/* Takes an ADVERT: an invitee joins. */
enum sotto_status sotto__task_aggregator_receive_advert(struct sotto_task_aggregator *task,
                                                        size_t index, const uint8_t *bytes,
                                                        size_t bytes_len,
                                                        struct sotto_error *err) SOTTO_NODISCARD;

/* --- aggregator_rounds.c --- */

/* Passes on what the session sends, and acts on the step it is in. */
void sotto__task_aggregator_follow_session(struct sotto_task_aggregator *task);

/* Takes a message that is the session's. */
enum sotto_status sotto__task_aggregator_receive_session(struct sotto_task_aggregator *task,
                                                         size_t invitee,
                                                         const struct sotto_message *message,
                                                         struct sotto_error *err) SOTTO_NODISCARD;

#endif
