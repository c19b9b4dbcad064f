/* SPDX-License-Identifier: Apache-2.0 */

/* The party's side of a task: its calls, invitation, offer, leaving, the end. It leans on
 * party_rounds.c for sessions, and on the outbox, which keeps the first failure of what is sent:
 * every call ends in sotto__task_party_settle, which ends the task if there was one. A message is
 * signed by this task's aggregator, or nothing happens. */

#include "party_returned.h"

#include <sotto/alloc.h>
#include <sotto/contribution.h>
#include <stdio.h>
#include <string.h>

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

const uint8_t *sotto_task_party_opened(const struct sotto_task_party *task)
{
    return task->session != NULL ? task->cover.opened : NULL;
}

const struct sotto_driver *sotto_task_party_driver(const struct sotto_task_party *task)
{
    return task->course.driver;
}

const struct sotto_bundle *sotto_task_party_bundle(const struct sotto_task_party *task)
{
    return sotto__course_learns(&task->course) ? &task->course.bundle : NULL;
}

const struct sotto_buffer *sotto_task_party_model(const struct sotto_task_party *task)
{
    const struct sotto__training *training = task->course.training;
    return training == NULL || training->model.data == NULL ? &task->weights : &training->model;
}

uint32_t sotto_task_party_round(const struct sotto_task_party *task)
{
    return task->terms.label.round;
}

bool sotto_task_party_measures(const struct sotto_task_party *task)
{
    return task->course.training != NULL && sotto__training_measures(task->course.training);
}

bool sotto_task_party_trains(const struct sotto_task_party *task)
{
    return task->course.training != NULL && sotto__training_trains(task->course.training);
}

size_t sotto_task_party_vector_bytes(const struct sotto_task_party *task)
{
    return sotto__course_is_set(&task->course) ? sotto__course_bytes(&task->course) : 0;
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
    sotto__course_release(&task->course);
    sotto_buffer_release(&task->next_roster);
    sotto_buffer_release(&task->next_round);
    sotto_free(task->contributors);
    sotto__cover_release(&task->cover);
    sotto_schema_release(&task->offer.schema);
    sotto_free(task->offered_cover);
    sotto_buffer_release(&task->offered_model);
    sotto_buffer_release(&task->weights);
    sotto__task_party_forget_offers(task);
    sotto_plan_free(task->plan);
    sotto_free(task->plan_json);
    sotto_free(task->result);
    sotto__peers_release(&task->peers);
    sotto__outbox_release(&task->outbox);
    sotto_free(task);
}

bool sotto_task_party_is_confirmed(const struct sotto_task_party *task)
{
    return task->is_confirmed;
}

void sotto__task_party_forget_offers(struct sotto_task_party *task)
{
    for (size_t i = 0; i < task->offers_len; i++) {
        sotto_schema_release(&task->offers[i]);
    }
    sotto_free(task->offers);
    task->offers = NULL;
    task->offers_len = 0;
}

/* Ends the task here; the session's secrets are wiped at once. */
void sotto__task_party_end(struct sotto_task_party *task, enum sotto_status status,
                           const char *text)
{
    sotto__outbox_end(&task->outbox, status, text);
    sotto_session_party_free(task->session);
    task->session = NULL;
}

size_t sotto_task_party_members(const struct sotto_task_party *task, struct sotto_key *out,
                                size_t max)
{
    if (task->session == NULL) {
        return 0;
    }
    const struct sotto_roster *roster = sotto_session_party_roster(task->session);
    for (size_t i = 0; i < roster->adverts_len && i < max; i++) {
        out[i] = roster->adverts[i].sender;
    }
    return roster->adverts_len;
}

size_t sotto_task_party_survivors(const struct sotto_task_party *task, struct sotto_key *out,
                                  size_t max)
{
    size_t len = 0;
    if (task->session == NULL || sotto_session_party_phase(task->session) < SOTTO_PARTY_RECORDING) {
        return 0;
    }
    const struct sotto_roster *roster = sotto_session_party_roster(task->session);
    for (uint32_t i = 0; i < roster->adverts_len; i++) {
        if (!sotto_session_party_lives(task->session, i)) {
            continue;
        }
        if (len < max) {
            out[len] = roster->adverts[i].sender;
        }
        len++;
    }
    return len;
}

uint64_t sotto_task_party_prime(const struct sotto_task_party *task)
{
    return sotto__cover_prime(&task->terms);
}

uint64_t sotto_task_party_masked(const struct sotto_task_party *task)
{
    return task->masked;
}

/* Whether the sum is of enough of those that were drawn. */
static bool is_draw_covered(const struct sotto_task_party *task)
{
    uint32_t living = 0;
    uint32_t len = sotto_session_party_roster(task->session)->adverts_len;
    for (uint32_t i = 0; i < len; i++) {
        living += sotto_session_party_lives(task->session, i) && sotto__draw_has(&task->draw, i);
    }
    return living >= task->draw.needed;
}

/* Whether what the first round opens is covered by the survivors alone. Without memory it is not.
 */
static bool is_living_covered(const struct sotto_task_party *task)
{
    size_t len = sotto_session_party_roster(task->session)->adverts_len;
    if (sotto__course_draws(&task->course)) {
        return is_draw_covered(task);
    }
    if (task->terms.label.round > 1) {
        return true; /* over the same parties */
    }
    bool *lives = sotto_alloc_array(len, sizeof *lives);
    for (size_t i = 0; lives != NULL && i < len; i++) {
        lives[i] = sotto_session_party_lives(task->session, (uint32_t)i);
    }
    bool is_covered = lives != NULL && sotto__cover_holds(&task->cover, lives);
    sotto_free(lives);
    return is_covered;
}

/* Passes the session's actions on: a masked partial is counted before it is seen outside. */
void sotto__task_party_pump(struct sotto_task_party *task)
{
    struct sotto_action action;
    if (task->session != NULL && !task->has_masked &&
        sotto_session_party_has_masked(task->session)) {
        task->has_masked = true;
        task->masked++;
    }
    while (task->session != NULL && sotto_session_party_next(task->session, &action)) {
        if (action.kind == SOTTO_ACTION_RECORD && !is_living_covered(task)) {
            sotto_action_release(&action);
            task->is_uncovered = true;
            continue;
        }
        sotto__outbox_push(&task->outbox, &action);
    }
}

/* Ends every call: if memory ran out on the way, that ends the task, and so do survivors that do
 * not cover each other. */
void sotto__task_party_settle(struct sotto_task_party *task)
{
    sotto__task_party_pump(task);
    if (task->is_uncovered) {
        sotto__task_party_leave(task, SOTTO_ERROR_REFUSED,
                                "rule cover: of those that are left too few have enough rows of "
                                "what would be opened: ask again when all are there");
    }
    if (task->outbox.status != SOTTO_OK && !task->outbox.ended) {
        sotto__task_party_end(task, task->outbox.status, sotto_status_text(task->outbox.status));
    }
}

/* Tells the aggregator the class of the reason, and what is said if there is something, and ends
 * with the text. */
static void leave_saying(struct sotto_task_party *task, enum sotto_status reason, const char *text,
                         const char *said)
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
        sotto__task_party_pump(task);
    } else if (sotto_leave_seal(&message, &leave, &task->terms.label, NULL, task->identity) ==
               SOTTO_OK) {
        sotto__outbox_send(&task->outbox, &task->terms.aggregator, &message);
    }
    sotto__task_party_end(task, reason, text);
}

void sotto__task_party_leave(struct sotto_task_party *task, enum sotto_status reason,
                             const char *text)
{
    leave_saying(task, reason, text, NULL);
}

/* The aggregator was heard: its silence is counted anew. */
void sotto__task_party_heard(struct sotto_task_party *task)
{
    task->deadline_ms = task->now_ms + task->patience_ms;
    sotto__outbox_timer(&task->outbox, task->deadline_ms);
}

/* --- Invitation --- */

enum sotto_status sotto__task_party_read_plan(struct sotto_task_party *task, size_t plan_bytes,
                                              struct sotto_error *err)
{
    enum sotto_status status = sotto_plan_parse_task(&task->plan, task->plan_json, plan_bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    const struct sotto_strategy *strategy = sotto_plan_strategy(task->plan);
    task->patience_ms = (uint64_t)1000 * ((uint64_t)strategy->wait_timeout_s +
                                          (uint64_t)2 * strategy->connection_timeout_s);
    return sotto__check_showing(task->plan, err);
}

/* The plan of an invitation, and the code behind it (NULL: none). */
static enum sotto_status read_invited(struct sotto_task_party *task, size_t plan_bytes,
                                      const void *bundle, size_t bundle_bytes,
                                      struct sotto_error *err)
{
    enum sotto_status status = sotto__task_party_read_plan(task, plan_bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto__course_open(&task->course, task->plan, bundle, bundle_bytes, err);
}

static void consider_plan(struct sotto_task_party *task, size_t plan_bytes, const void *bundle,
                          size_t bundle_bytes)
{
    struct sotto_error err;
    enum sotto_status status = read_invited(task, plan_bytes, bundle, bundle_bytes, &err);
    if (status != SOTTO_OK) {
        sotto__task_party_leave(task, status, err.text);
        return;
    }
    sotto__task_party_heard(task);
    struct sotto_action offer = {.kind = SOTTO_ACTION_OFFER};
    sotto__outbox_push(&task->outbox, &offer);
}

enum sotto_status sotto__task_party_init(struct sotto_task_party *task,
                                         const struct sotto_task_party_config *config,
                                         const struct sotto__task_origin *origin,
                                         struct sotto_error *err)
{
    task->identity = config->identity;
    task->random = config->random;
    task->interrupt = config->interrupt;
    task->shared_points = config->shared_points;
    task->keeps_opened = config->keeps_opened;
    task->demands = config->demands;
    task->now_ms = config->now_ms;
    enum sotto_status status = sotto__peers_copy(&task->peers, config->peers, config->peers_len);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "the list of peers: %s", sotto_status_text(status));
    }
    if (sotto__peers_find(&task->peers, &origin->aggregator) == SOTTO_NONE) {
        return sotto_error_set(err, SOTTO_ERROR_AUTH, "an invitation of an unknown node");
    }
    task->terms.label = origin->label;
    task->terms.aggregator = origin->aggregator;
    task->plan_json = sotto_text_copy(origin->plan_json, origin->plan_bytes);
    if (task->plan_json == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a task");
    }
    sotto__task_plan_digest(task->terms.plan_digest, task->plan_json, origin->plan_bytes);
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
    struct sotto__task_origin origin = {.label = message.label,
                                        .aggregator = message.sender,
                                        .plan_json = (const char *)message.body,
                                        .plan_bytes = message.body_bytes};
    const uint8_t *end = memchr(message.body, '\0', message.body_bytes);
    size_t bundle_bytes = 0;
    if (end != NULL) { /* what stands behind the plan's text is the code of a learning task */
        origin.plan_bytes = (size_t)(end - message.body);
        bundle_bytes = message.body_bytes - origin.plan_bytes - 1;
    }
    struct sotto_task_party *task = sotto_alloc_zeroed(sizeof *task);
    if (task == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a task");
    }
    status = sotto__task_party_init(task, config, &origin, err);
    if (status != SOTTO_OK) {
        sotto_task_party_free(task);
        return status;
    }
    if (other_version) {
        sotto__task_party_leave(task, SOTTO_ERROR_VERSION, opened.text);
    } else if (config->answered) {
        sotto__task_party_leave(task, SOTTO_ERROR_STATE, "this task was answered before");
    } else if (config->refusal != SOTTO_OK) {
        sotto__task_party_leave(task, config->refusal, config->refusal_text);
    } else {
        consider_plan(task, origin.plan_bytes, end != NULL ? end + 1 : NULL, bundle_bytes);
    }
    sotto__task_party_settle(task);
    *out = task;
    return SOTTO_OK;
}

/* --- Offer --- */

/* Draws fresh keys and queues the advert, with the offer in the first round only: types are agreed
 * on once. */
static enum sotto_status renew_session(struct sotto_task_party *task)
{
    struct sotto_buffer payload = {0};
    enum sotto_status status = SOTTO_OK;
    if (task->terms.label.round == 1) {
        status = sotto__offer_encode(&payload, &task->offer);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    task->has_masked = false;
    status = sotto_session_party_new(&task->session, task->identity, task->random, &task->terms,
                                     &task->demands, payload.data, payload.data_bytes);
    sotto_buffer_release(&payload);
    if (status == SOTTO_OK) {
        sotto_session_party_share(task->session, task->shared_points);
    }
    return status;
}

void sotto__task_party_advertise(struct sotto_task_party *task)
{
    enum sotto_status status = renew_session(task);
    if (status != SOTTO_OK) {
        sotto__task_party_leave(task, status, sotto_status_text(status));
        return;
    }
    task->phase = SOTTO__TASK_JOINED;
    sotto__task_party_heard(task);
}

/* Keeps what the party offers. */
static enum sotto_status keep_offer(struct sotto_task_party *task,
                                    const struct sotto_schema *schema,
                                    const struct sotto_task_cover *cover)
{
    size_t bytes = SOTTO__COVER_BYTES(cover->parts_len);
    if (cover->parts_len > UINT32_MAX || cover->spans_bytes > SOTTO_ADVERT_PAYLOAD_MAX) {
        return SOTTO_ERROR_LIMIT;
    }
    task->offered_cover = sotto_alloc_array(bytes + cover->spans_bytes + 1, 1);
    if (task->offered_cover == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < cover->parts_len; i++) {
        unsigned bit = 1U << i % 8;
        unsigned enough = (cover->parts[i] & SOTTO_COVER_ENOUGH) != 0 ? bit : 0;
        unsigned given = (cover->parts[i] & SOTTO_COVER_GIVEN) != 0 ? bit : 0;
        task->offered_cover[i / 8] |= (uint8_t)enough;
        task->offered_cover[bytes / 2 + i / 8] |= (uint8_t)given;
    }
    if (cover->spans_bytes > 0) {
        memcpy(task->offered_cover + bytes, cover->spans, cover->spans_bytes);
    }
    task->offer.cover = task->offered_cover;
    task->offer.cover_len = (uint32_t)cover->parts_len;
    task->offer.spans = task->offered_cover + bytes;
    task->offer.spans_bytes = cover->spans_bytes;
    return sotto_schema_copy(&task->offer.schema, schema);
}

void sotto_task_party_offer(struct sotto_task_party *task, const struct sotto_schema *schema,
                            const struct sotto_task_cover *cover)
{
    SOTTO_REQUIRE(task->outbox.ended ||
                  (task->phase == SOTTO__TASK_OFFERING && task->plan != NULL &&
                   !sotto__course_learns(&task->course)));
    if (task->outbox.ended) {
        return;
    }
    SOTTO_REQUIRE(schema->fields_len == sotto_plan_columns_len(task->plan));
    task->demands.needs_consent = task->demands.needs_consent || cover->is_of_parties;
    enum sotto_status status = keep_offer(task, schema, cover);
    if (status == SOTTO_OK) {
        sotto__task_party_advertise(task);
    } else {
        sotto__task_party_leave(task, status, sotto_status_text(status));
    }
    sotto__task_party_settle(task);
}

enum sotto_status sotto_task_party_offer_model(struct sotto_task_party *task, const void *weights,
                                               size_t weights_bytes, struct sotto_error *err)
{
    SOTTO_REQUIRE(task->outbox.ended ||
                  (task->phase == SOTTO__TASK_OFFERING && sotto__course_learns(&task->course)));
    if (task->outbox.ended) {
        return SOTTO_OK;
    }
    enum sotto_status status = sotto__training_offer(&task->offered_model, &task->course.bundle,
                                                     weights, weights_bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_buffer_copy(&task->weights, weights, weights_bytes);
    if (status != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    task->offer.model = task->offered_model.data;
    task->offer.model_bytes = task->offered_model.data_bytes;
    sotto__task_party_advertise(task);
    sotto__task_party_settle(task);
    return SOTTO_OK;
}

void sotto_task_party_decline(struct sotto_task_party *task, enum sotto_status reason,
                              const char *text)
{
    SOTTO_REQUIRE(reason != SOTTO_OK);
    leave_saying(task, reason, sotto_status_text(reason), text);
    sotto__task_party_settle(task);
}

static enum sotto_status dispatch_message(struct sotto_task_party *task,
                                          const struct sotto_message *message, const uint8_t *bytes,
                                          size_t bytes_len, struct sotto_error *err)
{
    switch (message->type) {
    case SOTTO_MESSAGE_FINISH:
        return sotto__task_party_finish(task, message, err);
    case SOTTO_MESSAGE_REOPEN:
        return sotto__task_party_reopen(task, message, err);
    case SOTTO_MESSAGE_OPENED:
        return sotto__task_party_receive_opened(task, message, bytes, bytes_len, err);
    case SOTTO_MESSAGE_RESUME:
        return sotto__task_party_resume(task, message, err);
    case SOTTO_MESSAGE_ROUND:
        return sotto__task_party_receive_round(task, message, bytes, bytes_len, err);
    case SOTTO_MESSAGE_ROSTER:
        if (task->phase != SOTTO__TASK_JOINED ||
            !sotto_session_label_equal(&message->label, &task->terms.label)) {
            return sotto_error_set(err, SOTTO_ERROR_STATE, "a roster out of turn");
        }
        if (!task->computing) {
            sotto__task_party_receive_roster(task, bytes, bytes_len);
            return SOTTO_OK;
        }
        sotto_buffer_release(&task->next_roster);
        return sotto_buffer_copy(&task->next_roster, bytes, bytes_len);
    default:
        return sotto__task_party_receive_session(task, message, err);
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
    status = dispatch_message(task, &message, bytes, bytes_len, err);
    sotto__task_party_settle(task);
    return status;
}

void sotto_task_party_tick(struct sotto_task_party *task, uint64_t now_ms)
{
    task->now_ms = now_ms;
    if (!task->outbox.ended && now_ms >= task->deadline_ms &&
        task->phase == SOTTO__TASK_CONFIRMED) {
        sotto__task_party_end(task, SOTTO_OK,
                              "this party confirmed the result; the aggregator did not say who "
                              "else did");
    } else if (!task->outbox.ended && now_ms >= task->deadline_ms) {
        sotto__task_party_leave(task, SOTTO_ERROR_TIMEOUT,
                                "the aggregator was silent for too long");
    }
    sotto__task_party_settle(task);
}
