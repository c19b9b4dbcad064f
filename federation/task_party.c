/* SPDX-License-Identifier: Apache-2.0 */
/* The party's side of a task: invitation, offer, session, the end. */
#include "internal.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

enum task_phase {
    TASK_OFFERING, /* waits for the host's offer */
    TASK_JOINED,   /* waits for the roster */
    TASK_SESSION,
};

struct sotto_task_party {
    const struct sotto_identity *identity;
    struct sotto_random random;
    struct sotto__peers peers;
    uint32_t min_parties;
    uint64_t patience_ms; /* how long the aggregator may be silent */
    uint64_t now_ms;
    uint64_t deadline_ms;

    struct sotto_invitation_terms terms;
    char *plan_json;
    struct sotto_plan *plan;
    struct sotto_schema offer;
    enum task_phase phase;
    struct sotto_session_party *session;
    struct sotto_driver *driver;
    bool recorded;  /* consent to a survivor set of this task is on disk, or was asked for */
    bool computing; /* the host was asked for a partial, and works on it */
    struct sotto_buffer next_roster;    /* came meanwhile: the driver stands still until then */
    struct sotto_buffer next_round;     /* came before this party consented to the survivors */
    uint8_t opened[SOTTO_DIGEST_BYTES]; /* of the aggregates of the rounds before */
    char *result;                       /* as FINISH brought it, if it did */
    struct sotto_key *contributors; /* the survivors of the first round, once there is another */
    uint32_t contributors_len;
    struct sotto__outbox outbox;
};

const struct sotto_plan *sotto_task_party_plan(const struct sotto_task_party *task)
{
    return task->plan;
}

const char *sotto_task_party_plan_json(const struct sotto_task_party *task)
{
    return task->plan_json;
}

struct sotto_task_id sotto_task_party_id(const struct sotto_task_party *task)
{
    return task->terms.label.task;
}

struct sotto_key sotto_task_party_creator(const struct sotto_task_party *task)
{
    return task->terms.aggregator;
}

const char *sotto_task_party_result(const struct sotto_task_party *task)
{
    return task->result;
}

const struct sotto_driver *sotto_task_party_driver(const struct sotto_task_party *task)
{
    return task->driver;
}

bool sotto_task_party_next(struct sotto_task_party *task, struct sotto_action *out)
{
    return sotto__outbox_next(&task->outbox, out);
}

void sotto_task_party_free(struct sotto_task_party *task)
{
    if (task == NULL) {
        return;
    }
    sotto_session_party_free(task->session);
    sotto_driver_free(task->driver);
    sotto_buffer_release(&task->next_roster);
    sotto_buffer_release(&task->next_round);
    sotto_free(task->contributors);
    sotto_schema_release(&task->offer);
    sotto_plan_free(task->plan);
    sotto_free(task->plan_json);
    sotto_free(task->result);
    sotto__peers_release(&task->peers);
    sotto__outbox_release(&task->outbox);
    sotto_free(task);
}

/* Ends the task here; the session's secrets go at once. */
static void task_end(struct sotto_task_party *task, enum sotto_status status, const char *text)
{
    sotto__outbox_end(&task->outbox, status, text);
    sotto_session_party_free(task->session);
    task->session = NULL;
}

/* Passes the session's actions on. */
static void task_pump(struct sotto_task_party *task)
{
    struct sotto_action action;
    while (task->session != NULL && sotto_session_party_next(task->session, &action)) {
        sotto__outbox_push(&task->outbox, &action);
    }
}

/* Ends every call: what ran out of memory on the way ends the task. */
static void task_settle(struct sotto_task_party *task)
{
    task_pump(task);
    if (task->outbox.status != SOTTO_OK && !task->outbox.ended) {
        task_end(task, task->outbox.status, sotto_status_text(task->outbox.status));
    }
}

/* Tells the aggregator the class of the reason, and what is said if there is something, and ends
 * with the text. */
static void task_leave_saying(struct sotto_task_party *task, enum sotto_status reason,
                              const char *text, const char *said)
{
    struct sotto_leave leave = {.reason = reason};
    struct sotto_buffer message;
    if (task->outbox.ended) {
        return;
    }
    (void)snprintf(leave.text, sizeof leave.text, "%s", said != NULL ? said : "");
    if (task->session != NULL) {
        enum sotto_status status = sotto_session_party_leave(task->session, &leave);
        if (status != SOTTO_OK) {
            task->outbox.status = status;
        }
        task_pump(task);
    } else if (sotto_leave_seal(&message, &leave, &task->terms.label, NULL, task->identity) ==
               SOTTO_OK) {
        sotto__outbox_send(&task->outbox, &task->terms.aggregator, &message);
    }
    task_end(task, reason, text);
}

static void task_leave(struct sotto_task_party *task, enum sotto_status reason, const char *text)
{
    task_leave_saying(task, reason, text, NULL);
}

/* The aggregator was heard: its silence is counted anew. */
static void task_heard(struct sotto_task_party *task)
{
    task->deadline_ms = task->now_ms + task->patience_ms;
    sotto__outbox_timer(&task->outbox, task->deadline_ms);
}

/* --- Invitation --- */

static void task_read_plan(struct sotto_task_party *task, const struct sotto_message *message)
{
    struct sotto_error err;
    const char *json = (const char *)message->body;
    enum sotto_status status = sotto_plan_parse(&task->plan, json, message->body_bytes, &err);
    if (status != SOTTO_OK) {
        task_leave(task, status, err.text);
        return;
    }
    const struct sotto_strategy *strategy = sotto_plan_strategy(task->plan);
    task->patience_ms = (uint64_t)1000 * ((uint64_t)strategy->wait_timeout_s +
                                          (uint64_t)2 * strategy->connection_timeout_s);
    task_heard(task);
    struct sotto_action offer = {.kind = SOTTO_ACTION_OFFER};
    sotto__outbox_push(&task->outbox, &offer);
}

static enum sotto_status task_copy_config(struct sotto_task_party *task,
                                          const struct sotto_task_party_config *config,
                                          const struct sotto_message *message,
                                          struct sotto_error *err)
{
    task->identity = config->identity;
    task->random = config->random;
    task->min_parties = config->min_parties;
    task->now_ms = config->now_ms;
    task->recorded = config->answered;
    enum sotto_status status = sotto__peers_copy(&task->peers, config->peers, config->peers_len);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "the list of peers: %s", sotto_status_text(status));
    }
    if (sotto__peers_find(&task->peers, &message->sender) == SIZE_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_AUTH, "an invitation of an unknown node");
    }
    task->terms.label = message->label;
    task->terms.aggregator = message->sender;
    task->plan_json = sotto_text_copy((const char *)message->body, message->body_bytes);
    if (task->plan_json == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a task");
    }
    sotto__plan_digest(task->terms.plan_digest, task->plan_json, message->body_bytes);
    return SOTTO_OK;
}

enum sotto_status sotto_task_party_new(struct sotto_task_party **out,
                                       const struct sotto_task_party_config *config,
                                       const uint8_t *invitation, size_t invitation_bytes,
                                       struct sotto_error *err)
{
    struct sotto_message message;
    struct sotto_error opened;
    enum sotto_status status = sotto_message_open(&message, invitation, invitation_bytes, &opened);
    bool other_version = status == SOTTO_ERROR_VERSION;
    if (status != SOTTO_OK && !other_version) {
        return sotto_error_set(err, status, "%s", opened.text);
    }
    if (message.type != SOTTO_MESSAGE_INVITATION || message.label.round != 1 ||
        message.label.attempt == 0) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "not an invitation");
    }
    struct sotto_task_party *task = sotto_alloc_zeroed(sizeof *task);
    if (task == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a task");
    }
    status = task_copy_config(task, config, &message, err);
    if (status != SOTTO_OK) {
        sotto_task_party_free(task);
        return status;
    }
    if (other_version) {
        task_leave(task, SOTTO_ERROR_VERSION, opened.text);
    } else if (task->recorded) {
        task_leave(task, SOTTO_ERROR_STATE, "this task was answered before");
    } else {
        task_read_plan(task, &message);
    }
    task_settle(task);
    *out = task;
    return SOTTO_OK;
}

/* --- Offer --- */

/* Fresh keys, and an advert with the offer, which later rounds don't ask for again. */
static void task_advertise(struct sotto_task_party *task)
{
    struct sotto_buffer payload = {0};
    enum sotto_status status =
        task->terms.label.round == 1 ? sotto__offer_encode(&payload, &task->offer) : SOTTO_OK;
    if (status == SOTTO_OK) {
        status = sotto_session_party_new(&task->session, task->identity, task->random, &task->terms,
                                         payload.data, payload.data_bytes);
    }
    sotto_buffer_release(&payload);
    if (status != SOTTO_OK) {
        task_leave(task, status, sotto_status_text(status));
        return;
    }
    task->phase = TASK_JOINED;
    task_heard(task);
}

void sotto_task_party_offer(struct sotto_task_party *task, const struct sotto_schema *schema)
{
    SOTTO_REQUIRE(task->outbox.ended || (task->phase == TASK_OFFERING && task->plan != NULL));
    if (task->outbox.ended) {
        return;
    }
    SOTTO_REQUIRE(schema->fields_len == sotto_plan_columns_len(task->plan));
    enum sotto_status status = sotto_schema_copy(&task->offer, schema);
    if (status == SOTTO_OK) {
        task_advertise(task);
    } else {
        task_leave(task, status, sotto_status_text(status));
    }
    task_settle(task);
}

void sotto_task_party_decline(struct sotto_task_party *task, enum sotto_status reason,
                              const char *text)
{
    SOTTO_REQUIRE(reason != SOTTO_OK);
    task_leave_saying(task, reason, sotto_status_text(reason), text);
    task_settle(task);
}

/* --- Session --- */

/* Who the others are, and what types all agree on. */
static enum sotto_status task_agree(struct sotto_task_party *task, struct sotto_schema *out,
                                    const struct sotto_roster *roster, struct sotto_error *err)
{
    struct sotto_schema *offers = sotto_alloc_array(roster->adverts_len, sizeof *offers);
    const char **names = sotto_alloc_array(roster->adverts_len, sizeof *names);
    enum sotto_status status = SOTTO_OK;
    if (offers == NULL || names == NULL) {
        (void)sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a roster");
        status = SOTTO_ERROR_NO_MEMORY;
        goto out;
    }
    for (uint32_t i = 0; status == SOTTO_OK && i < roster->adverts_len; i++) {
        size_t peer = sotto__peers_find(&task->peers, &roster->adverts[i].sender);
        if (peer == SIZE_MAX) {
            char key[SOTTO_KEY_TEXT_BYTES];
            sotto_key_to_text(&roster->adverts[i].sender, key);
            status =
                sotto_error_set(err, SOTTO_ERROR_AUTH,
                                "the roster holds a node that is not among the peers: %s", key);
        } else {
            names[i] = task->peers.peers[peer].name;
            status = sotto__offer_decode(&offers[i], task->plan, &roster->adverts[i]);
            if (status != SOTTO_OK) {
                (void)sotto_error_set(err, status, "the offer of %s is malformed", names[i]);
            }
        }
    }
    if (status == SOTTO_OK) {
        status = sotto_schema_agree(out, task->plan, offers, names, roster->adverts_len, err);
    }
out:
    for (uint32_t i = 0; offers != NULL && i < roster->adverts_len; i++) {
        sotto_schema_release(&offers[i]);
    }
    sotto_free(offers);
    sotto_free(names);
    return status;
}

/* The driver for the types that all parties of the first round agree on. */
static enum sotto_status task_drive(struct sotto_task_party *task,
                                    const struct sotto_roster *roster, struct sotto_error *err)
{
    struct sotto_schema schema = {0};
    enum sotto_status status = task_agree(task, &schema, roster, err);
    sotto_driver_free(task->driver);
    task->driver = NULL;
    if (status == SOTTO_OK) {
        status = sotto_driver_new(&task->driver, task->plan, &schema, err);
    }
    sotto_schema_release(&schema);
    return status;
}

/* The parties of a later round are those whose sum the first one opened, all of them. */
static enum sotto_status task_check_contributors(const struct sotto_task_party *task,
                                                 const struct sotto_roster *roster,
                                                 struct sotto_error *err)
{
    bool same = roster->adverts_len == task->contributors_len;
    for (uint32_t i = 0; same && i < roster->adverts_len; i++) {
        same = sotto_key_equal(&roster->adverts[i].sender, &task->contributors[i]);
    }
    return same ? SOTTO_OK
                : sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                  "round %u has other parties than those whose sum the first round "
                                  "opened",
                                  task->terms.label.round);
}

static enum sotto_status task_start_session(struct sotto_task_party *task,
                                            struct sotto_roster *roster, struct sotto_error *err)
{
    /* After the first round nobody may be lost. */
    struct sotto_session_terms terms = {
        .invitation = task->terms,
        .min_parties = task->terms.label.round == 1 ? sotto_plan_strategy(task->plan)->min_clients
                                                    : roster->adverts_len,
        .graph = sotto__graph_terms(roster->adverts_len),
    };
    struct sotto_vector_run *runs = NULL;
    enum sotto_status status = task->terms.label.round == 1
                                   ? task_drive(task, roster, err)
                                   : task_check_contributors(task, roster, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__agreement_digest(terms.agreement, task->driver, task->opened);
    if (status == SOTTO_OK) {
        status = sotto__driver_runs(&runs, &terms.runs_len, task->driver);
    }
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "agreeing: %s", sotto_status_text(status));
    }
    terms.runs = runs;
    status = sotto_session_party_start(task->session, roster, &terms, task->min_parties, err);
    sotto_free(runs);
    return status;
}

static void task_receive_roster(struct sotto_task_party *task, const uint8_t *bytes,
                                size_t bytes_len)
{
    struct sotto_error err;
    struct sotto_roster roster = {0};
    enum sotto_status status = sotto_roster_open(&roster, bytes, bytes_len, &task->terms, &err);
    if (status == SOTTO_OK) {
        status = task_start_session(task, &roster, &err);
    }
    sotto_roster_release(&roster);
    if (status != SOTTO_OK) {
        task_leave(task, status, err.text);
        return;
    }
    task->phase = TASK_SESSION;
    task->computing = true;
    task_heard(task);
    struct sotto_action action = {.kind = SOTTO_ACTION_PARTIAL};
    sotto__outbox_push(&task->outbox, &action);
}

void sotto_task_party_partial(struct sotto_task_party *task, const uint64_t *limbs,
                              size_t limbs_len)
{
    SOTTO_REQUIRE(task->outbox.ended || task->computing);
    task->computing = false;
    if (task->outbox.ended) {
        return;
    }
    if (task->phase == TASK_SESSION) {
        SOTTO_REQUIRE(limbs_len == sotto_driver_limbs_len(task->driver));
        /* Limbs are stored as vectors are: little endian (aggregation/vector.c refuses other
         * hosts). */
        enum sotto_status status = sotto_session_party_input(task->session, (const uint8_t *)limbs,
                                                             limbs_len * sizeof *limbs);
        if (status != SOTTO_OK) {
            task_leave(task, status, sotto_status_text(status));
        }
    } else if (task->next_roster.data != NULL) {
        /* The session that asked for the partial is over; the next one waited. */
        struct sotto_buffer roster = task->next_roster;
        task->next_roster = (struct sotto_buffer){0};
        task_receive_roster(task, roster.data, roster.data_bytes);
        sotto_buffer_release(&roster);
    }
    task_settle(task);
}

/* --- Another round --- */

/* The survivors that this party answered for, ascending as rosters are. */
static enum sotto_status task_keep_contributors(struct sotto_task_party *task)
{
    const struct sotto_roster *roster = sotto_session_party_roster(task->session);
    if (task->contributors != NULL) {
        return SOTTO_OK;
    }
    task->contributors = sotto_alloc_array(roster->adverts_len, sizeof *task->contributors);
    if (task->contributors == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < roster->adverts_len; i++) {
        if (sotto_session_party_lives(task->session, i)) {
            task->contributors[task->contributors_len++] = roster->adverts[i].sender;
        }
    }
    return SOTTO_OK;
}

/* Takes the aggregate as the driver takes it: what it cannot be is no round. */
static enum sotto_status task_advance(struct sotto_task_party *task, const uint8_t *bytes,
                                      size_t bytes_len, struct sotto_error *err)
{
    size_t limbs_len = bytes_len / sizeof(uint64_t);
    uint64_t *limbs = sotto_alloc_array(limbs_len + 1, sizeof *limbs);
    enum sotto_status status = limbs != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
    if (status == SOTTO_OK) {
        status = sotto__opened_digest(task->opened, bytes, bytes_len);
    }
    if (status != SOTTO_OK) {
        (void)sotto_error_set(err, status, "another round: %s", sotto_status_text(status));
        goto out;
    }
    if (bytes_len % sizeof(uint64_t) != 0) {
        status = sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "an aggregate is malformed");
        goto out;
    }
    memcpy(limbs, bytes, bytes_len); /* both little endian */
    status = sotto_driver_advance(task->driver, limbs, limbs_len, err);
    if (status == SOTTO_OK && sotto_driver_round(task->driver) != task->terms.label.round) {
        status = sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                 "the aggregator asks for a round that the plan does not have");
    }
out:
    sotto_free(limbs);
    return status;
}

/* Goes to the next round once this party has answered for the survivors of the one before. */
static void task_consider_round(struct sotto_task_party *task)
{
    struct sotto_error err = {0};
    struct sotto_message message;
    if (task->next_round.data == NULL || task->outbox.ended || task->phase != TASK_SESSION ||
        sotto_session_party_phase(task->session) < SOTTO_PARTY_CONSENTED) {
        return;
    }
    struct sotto_buffer bytes = task->next_round;
    task->next_round = (struct sotto_buffer){0};
    SOTTO_REQUIRE(sotto_message_parse(&message, bytes.data, bytes.data_bytes));
    task_pump(task);
    enum sotto_status status = task_keep_contributors(task);
    sotto_session_party_free(task->session);
    task->session = NULL;
    task->phase = TASK_JOINED;
    task->terms.label = message.label;
    if (status != SOTTO_OK) {
        (void)sotto_error_set(&err, status, "another round: %s", sotto_status_text(status));
    } else {
        status = task_advance(task, message.body, message.body_bytes, &err);
    }
    sotto_buffer_release(&bytes);
    if (status == SOTTO_OK) {
        task_advertise(task);
    } else {
        task_leave(task, status, err.text);
    }
}

static enum sotto_status task_receive_round(struct sotto_task_party *task,
                                            const struct sotto_message *message,
                                            const uint8_t *bytes, size_t bytes_len,
                                            struct sotto_error *err)
{
    if (task->phase != TASK_SESSION || message->label.round != task->terms.label.round + 1 ||
        message->label.attempt != 1 || task->next_round.data != NULL) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "another round out of turn");
    }
    enum sotto_status status = sotto_buffer_copy(&task->next_round, bytes, bytes_len);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "another round: %s", sotto_status_text(status));
    }
    task_consider_round(task);
    return SOTTO_OK;
}

void sotto_task_party_recorded(struct sotto_task_party *task)
{
    if (task->outbox.ended || task->phase != TASK_SESSION ||
        sotto_session_party_phase(task->session) != SOTTO_PARTY_RECORDING) {
        return;
    }
    task->recorded = true;
    enum sotto_status status = sotto_session_party_recorded(task->session);
    if (status != SOTTO_OK) {
        task_end(task, status, sotto_status_text(status));
    }
    task_consider_round(task);
    task_settle(task);
}

/* A new attempt at a round whose survivors this party has not consented to. */
static enum sotto_status task_reopen(struct sotto_task_party *task,
                                     const struct sotto_message *message, struct sotto_error *err)
{
    bool answering =
        task->recorded || (task->phase == TASK_SESSION &&
                           sotto_session_party_phase(task->session) == SOTTO_PARTY_RECORDING);
    if (task->phase == TASK_OFFERING || message->label.round != task->terms.label.round ||
        message->label.attempt <= task->terms.label.attempt) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "a new attempt out of turn");
    }
    if (answering) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "the aggregator asks for a second answer to one round");
    }
    sotto_session_party_free(task->session);
    task->session = NULL;
    sotto_buffer_release(&task->next_roster);
    task->terms.label = message->label;
    task_advertise(task);
    return SOTTO_OK;
}

static enum sotto_status task_finish(struct sotto_task_party *task,
                                     const struct sotto_message *message, struct sotto_error *err)
{
    enum sotto_status status;
    char text[128];
    const uint8_t *result = NULL;
    size_t result_bytes = 0;
    if (!sotto__finish_parse(&status, &result, &result_bytes, message)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "the end of a task is malformed");
    }
    if (result_bytes > 0) { /* without memory for it the task has ended all the same */
        task->result = sotto_text_copy((const char *)result, result_bytes);
    }
    (void)snprintf(text, sizeof text, "the task ended: %s", sotto_status_text(status));
    task_end(task, status, text);
    return SOTTO_OK;
}

static enum sotto_status task_receive_session(struct sotto_task_party *task,
                                              const struct sotto_message *message,
                                              struct sotto_error *err)
{
    struct sotto_error reason;
    if (task->phase != TASK_SESSION) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "a message before the roster");
    }
    enum sotto_status status = sotto_session_party_receive(task->session, message, &reason);
    task_pump(task);
    if (sotto_session_party_phase(task->session) == SOTTO_PARTY_LEFT) {
        task_end(task, status, reason.text);
    } else if (status == SOTTO_OK) {
        task_heard(task);
        return SOTTO_OK;
    }
    return sotto_error_set(err, status, "%s", reason.text);
}

static enum sotto_status task_dispatch(struct sotto_task_party *task,
                                       const struct sotto_message *message, const uint8_t *bytes,
                                       size_t bytes_len, struct sotto_error *err)
{
    switch (message->type) {
    case SOTTO_MESSAGE_FINISH:
        return task_finish(task, message, err);
    case SOTTO_MESSAGE_REOPEN:
        return task_reopen(task, message, err);
    case SOTTO_MESSAGE_ROUND:
        return task_receive_round(task, message, bytes, bytes_len, err);
    case SOTTO_MESSAGE_ROSTER:
        if (task->phase != TASK_JOINED ||
            !sotto_session_label_equal(&message->label, &task->terms.label)) {
            return sotto_error_set(err, SOTTO_ERROR_STATE, "a roster out of turn");
        }
        if (!task->computing) {
            task_receive_roster(task, bytes, bytes_len);
            return SOTTO_OK;
        }
        sotto_buffer_release(&task->next_roster);
        return sotto_buffer_copy(&task->next_roster, bytes, bytes_len);
    default:
        return task_receive_session(task, message, err);
    }
}

enum sotto_status sotto_task_party_receive(struct sotto_task_party *task, const uint8_t *bytes,
                                           size_t bytes_len, uint64_t now_ms,
                                           struct sotto_error *err)
{
    struct sotto_message message;
    if (task->outbox.ended) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "the task is over");
    }
    enum sotto_status status = sotto_message_open(&message, bytes, bytes_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (!sotto_key_equal(&message.sender, &task->terms.aggregator) ||
        memcmp(message.label.task.bytes, task->terms.label.task.bytes,
               sizeof message.label.task.bytes) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_AUTH,
                               "a message that is not of this task's aggregator");
    }
    task->now_ms = now_ms;
    status = task_dispatch(task, &message, bytes, bytes_len, err);
    task_settle(task);
    return status;
}

void sotto_task_party_tick(struct sotto_task_party *task, uint64_t now_ms)
{
    task->now_ms = now_ms;
    if (!task->outbox.ended && now_ms >= task->deadline_ms) {
        task_leave(task, SOTTO_ERROR_TIMEOUT, "the aggregator was silent for too long");
    }
    task_settle(task);
}
