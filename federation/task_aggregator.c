/* SPDX-License-Identifier: Apache-2.0 */

/* The aggregator's side of a task: its calls, who leaves, the log, the end. It leans on
 * aggregator_joining.c and aggregator_rounds.c for what happens between, and on the outbox, which
 * keeps the first failure of what is sent: every call ends in settle_call, which ends the task if
 * there was one. A message is of an invitee and of the label that is under way, or nothing happens.
 */

#include "aggregator_confirming.h"
#include "aggregator_returning.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

const char *sotto_task_aggregator_result(const struct sotto_task_aggregator *task)
{
    return task->result;
}

bool sotto_task_aggregator_is_confirmed(const struct sotto_task_aggregator *task)
{
    return task->is_confirmed;
}

const char *sotto_task_aggregator_confirmation(const struct sotto_task_aggregator *task)
{
    return task->confirmation;
}

bool sotto_task_aggregator_next(struct sotto_task_aggregator *task, struct sotto_action *out)
{
    return sotto__outbox_next(&task->outbox, out);
}

void sotto__task_aggregator_invitee_forget_offer(struct invitee *invitee)
{
    sotto_buffer_release(&invitee->advert);
    sotto_schema_release(&invitee->offer);
}

const struct sotto_driver *sotto_task_aggregator_driver(const struct sotto_task_aggregator *task)
{
    return task->course.driver;
}

const struct sotto_buffer *sotto_task_aggregator_model(const struct sotto_task_aggregator *task,
                                                       uint32_t *out_round)
{
    const struct sotto__training *training = task->course.training;
    if (training == NULL || training->model.data == NULL) {
        return NULL;
    }
    *out_round = training->round == 0 ? training->rounds : training->round - 1;
    return &training->model;
}

size_t sotto_task_aggregator_vector_bytes(const struct sotto_task_aggregator *task)
{
    return sotto__course_is_set(&task->course) ? sotto__course_bytes(&task->course) : 0;
}

void sotto_task_aggregator_free(struct sotto_task_aggregator *task)
{
    if (task == NULL) {
        return;
    }
    sotto_session_aggregator_free(task->session);
    sotto_session_aggregator_free(task->session_before);
    sotto_buffer_release(&task->releases);
    sotto__course_release(&task->course);
    for (size_t i = 0; task->invitees != NULL && i < task->invited.len; i++) {
        sotto__task_aggregator_invitee_forget_offer(&task->invitees[i]);
    }
    sotto__cover_release(&task->cover);
    sotto_free(task->invitees);
    sotto_writer_release(&task->records);
    sotto_writer_release(&task->transcripts);
    sotto_free(task->result);
    sotto_free(task->plan_json);
    sotto_plan_free(task->plan);
    sotto__peers_release(&task->invited);
    sotto__outbox_release(&task->outbox);
    sotto_free(task);
}

/* --- Logging --- */

const char *sotto__task_aggregator_invitee_name(const struct sotto_task_aggregator *task,
                                                size_t invitee)
{
    return task->invited.peers[invitee].name;
}

/* The invitee behind a roster index. */
size_t sotto__task_aggregator_invitee_of_member(const struct sotto_task_aggregator *task,
                                                uint32_t member)
{
    const struct sotto_roster *roster = sotto_session_aggregator_roster(task->session);
    return sotto__peers_find(&task->invited, &roster->adverts[member].sender);
}

/* Of the names in one line of the log: what stands around them has the rest of an action's text. */
#define NAMES_BYTES (SOTTO_ERROR_TEXT_BYTES - 128)

static void log_names(struct sotto_task_aggregator *task, const char *tag, const char *text,
                      const char *names)
{
    sotto__outbox_log(&task->outbox, "[%s] task %llu round %u %s [%s]", tag,
                      (unsigned long long)task->number, task->terms.label.round, text, names);
}

/* Logs a tag, the task and round, a text, and the names of the members that `is` says yes to: on
 * one line, or where they are too many on more, each with its own, so that none is cut. */
void sotto__task_aggregator_log_members(struct sotto_task_aggregator *task, const char *tag,
                                        const char *text,
                                        bool (*is)(const struct sotto_task_aggregator *, uint32_t),
                                        bool wanted)
{
    char names[NAMES_BYTES] = "";
    size_t used = 0;
    const struct sotto_roster *roster = sotto_session_aggregator_roster(task->session);
    for (uint32_t i = 0; i < roster->adverts_len; i++) {
        if (is != NULL && is(task, i) != wanted) {
            continue;
        }
        const char *name = sotto__task_aggregator_invitee_name(
            task, sotto__task_aggregator_invitee_of_member(task, i));
        if (used > 0 && used + sizeof ", " + strlen(name) > sizeof names) {
            log_names(task, tag, text, names);
            used = 0;
        }
        int written =
            snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? ", " : "", name);
        used += written > 0 ? (size_t)written : 0;
        used = used < sizeof names ? used : sizeof names - 1;
    }
    log_names(task, tag, text, used > 0 ? names : "");
}

void sotto__task_aggregator_log_step(struct sotto_task_aggregator *task, const char *tag,
                                     const char *text)
{
    sotto__outbox_log(&task->outbox, "[%s] task %llu round %u %s", tag,
                      (unsigned long long)task->number, task->terms.label.round, text);
}

/* Logs that the round begins, and what it opens. */
void sotto__task_aggregator_log_round(struct sotto_task_aggregator *task)
{
    char *words = NULL;
    sotto__task_aggregator_log_step(task, "Start Round", "start");
    enum sotto_status status = sotto__course_round_words(&task->course, task->plan, &words);
    if (status != SOTTO_OK) {
        task->outbox.status = status;
        return;
    }
    sotto__outbox_log(&task->outbox, "[Start Round] task %llu round %u opens %s",
                      (unsigned long long)task->number, task->terms.label.round, words);
    sotto_free(words);
}

void sotto__task_aggregator_log_models(struct sotto_task_aggregator *task)
{
    char *words = NULL;
    enum sotto_status status = sotto__course_reached_words(&task->course, &words);
    if (status != SOTTO_OK) {
        task->outbox.status = status;
        return;
    }
    if (words[0] != '\0') {
        sotto__task_aggregator_log_step(task, "Model", words);
    }
    sotto_free(words);
}

/* --- The end --- */

static void send_finish(struct sotto_task_aggregator *task, enum sotto_status status)
{
    for (size_t i = 0; i < task->invited.len; i++) {
        struct sotto_buffer message;
        if (task->invitees[i].state == SOTTO__INVITEE_DECLINED) {
            continue;
        }
        bool shows =
            sotto_plan_publishes(task->plan) && status == SOTTO_OK && task->invitees[i].contributes;
        if (sotto__task_aggregator_make_finish(task, &message, status, shows) != SOTTO_OK &&
            sotto__task_aggregator_make_finish(task, &message, status, false) != SOTTO_OK) {
            return; /* the parties' own timers end it there */
        }
        sotto__outbox_send(&task->outbox, &task->invited.peers[i].key, &message);
    }
}

void sotto__task_aggregator_end(struct sotto_task_aggregator *task, enum sotto_status status,
                                const char *text)
{
    if (task->outbox.ended) {
        return;
    }
    send_finish(task, status);
    if (status == SOTTO_OK) {
        sotto__task_aggregator_log_step(task, "End Round", "finish");
        sotto__outbox_log(&task->outbox, "[Finish Task] task %llu finished",
                          (unsigned long long)task->number);
    } else {
        sotto__outbox_log(&task->outbox, "[Error] task %llu: %s (%s)",
                          (unsigned long long)task->number, text, sotto_status_name(status));
    }
    sotto__outbox_end(&task->outbox, status, text);
}

/* Ends every call: if memory ran out on the way, that ends the task. */
static void settle_call(struct sotto_task_aggregator *task)
{
    struct sotto_action action;
    while (task->session != NULL && sotto_session_aggregator_next(task->session, &action)) {
        sotto__outbox_push(&task->outbox, &action);
    }
    if (task->outbox.status != SOTTO_OK) {
        sotto__outbox_end(&task->outbox, task->outbox.status,
                          sotto_status_text(task->outbox.status));
    }
}

void sotto__task_aggregator_set_deadline(struct sotto_task_aggregator *task, uint64_t seconds)
{
    task->deadline_ms = task->now_ms + 1000 * seconds;
    sotto__outbox_timer(&task->outbox, task->deadline_ms);
}

/* --- Leaving --- */

static void log_leave(struct sotto_task_aggregator *task, size_t invitee,
                      const struct sotto_leave *leave)
{
    size_t blamed = sotto__peers_find(&task->invited, &leave->blamed);
    sotto__outbox_log(&task->outbox, "[Join] task %llu round %u %s %s: %s%s%s%s%s",
                      (unsigned long long)task->number, task->terms.label.round,
                      sotto__task_aggregator_invitee_name(task, invitee),
                      task->session == NULL ? "declined" : "left", sotto_status_name(leave->reason),
                      blamed != SOTTO_NONE ? ", blaming " : "",
                      blamed != SOTTO_NONE ? sotto__task_aggregator_invitee_name(task, blamed) : "",
                      leave->text[0] != '\0' ? ": " : "", leave->text);
}

enum sotto_status sotto__task_aggregator_lose(struct sotto_task_aggregator *task, size_t index,
                                              enum invitee_state state)
{
    struct invitee *invitee = &task->invitees[index];
    if (task->session == NULL && task->terms.label.round == 1) {
        sotto__task_aggregator_invitee_forget_offer(invitee);
    }
    invitee->state = state;
    if (task->is_confirming) {
        sotto__task_aggregator_consider_confirmed(task, false);
        return SOTTO_OK;
    }
    if (task->session == NULL) {
        sotto__task_aggregator_consider_start(task, false);
        return SOTTO_OK;
    }
    uint32_t member = sotto_roster_find(sotto_session_aggregator_roster(task->session),
                                        &task->invited.peers[index].key);
    if (member == UINT32_MAX) {
        return SOTTO_OK;
    }
    enum sotto_status status = sotto_session_aggregator_drop(task->session, member);
    sotto__task_aggregator_follow_session(task);
    return status;
}

/* Whether it is out of the task for good. */
static bool is_out(const struct sotto_task_aggregator *task, size_t index)
{
    const struct invitee *invitee = &task->invitees[index];
    bool may_return =
        task->terms.label.round > 1 && invitee->contributes && !sotto__course_learns(&task->course);
    return invitee->state == SOTTO__INVITEE_DECLINED ||
           (invitee->state == SOTTO__INVITEE_LOST && !may_return);
}

static enum sotto_status receive_leave(struct sotto_task_aggregator *task, size_t invitee,
                                       const struct sotto_message *message, struct sotto_error *err)
{
    struct sotto_leave leave;
    if (!sotto_leave_parse(&leave, message)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "a LEAVE message is malformed");
    }
    if (is_out(task, invitee)) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "%s left already",
                               sotto__task_aggregator_invitee_name(task, invitee));
    }
    log_leave(task, invitee, &leave);
    task->invitees[invitee].absence = SOTTO__ABSENCE_DECLINED;
    task->invitees[invitee].reason = leave.reason;
    enum sotto_status status = sotto__task_aggregator_lose(task, invitee, SOTTO__INVITEE_DECLINED);
    return status == SOTTO_OK ? SOTTO_OK
                              : sotto_error_set(err, status, "%s", sotto_status_text(status));
}

/* --- The public side --- */

static enum sotto_status copy_config(struct sotto_task_aggregator *task,
                                     const struct sotto_task_aggregator_config *config,
                                     struct sotto_error *err)
{
    task->identity = config->identity;
    task->number = config->number;
    task->now_ms = config->now_ms;
    task->terms.label = (struct sotto_session_label){.task = config->id, .round = 1, .attempt = 1};
    task->terms.aggregator = sotto_identity_key(config->identity);
    sotto__task_plan_digest(task->terms.plan_digest, config->plan_json, config->plan_json_bytes);
    enum sotto_status status =
        sotto_plan_parse_task(&task->plan, config->plan_json, config->plan_json_bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status =
        sotto__course_open(&task->course, task->plan, config->bundle, config->bundle_bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    task->lacks_transcript = sotto__course_learns(&task->course); /* it has all parties' weights */
    status = sotto__check_showing(task->plan, err);
    if (status != SOTTO_OK) {
        return status;
    }
    uint32_t min_clients = sotto_plan_strategy(task->plan)->min_clients;
    if (config->invited_len < min_clients) {
        return sotto_error_set(err, SOTTO_ERROR_PARTIES,
                               "the plan wants at least %u parties, and this node knows %zu with "
                               "itself: add peers to its configuration",
                               min_clients, config->invited_len);
    }
    task->plan_json = sotto_text_copy(config->plan_json, config->plan_json_bytes);
    task->plan_bytes = config->plan_json_bytes;
    task->hides_exact = config->hides_exact;
    task->interrupt = config->interrupt;
    sotto_writer_init(&task->records, SOTTO_MESSAGE_BYTES_MAX);
    sotto_writer_init(&task->transcripts, SOTTO_SIGNED_BYTES_MAX / 2);
    task->invitees = sotto_alloc_array(config->invited_len, sizeof *task->invitees);
    status = SOTTO_ERROR_NO_MEMORY;
    if (task->plan_json != NULL && task->invitees != NULL) {
        status = sotto__peers_copy(&task->invited, config->invited, config->invited_len);
    }
    return status == SOTTO_OK
               ? SOTTO_OK
               : sotto_error_set(err, status, "inviting parties: %s", sotto_status_text(status));
}

enum sotto_status sotto_task_aggregator_new(struct sotto_task_aggregator **out,
                                            const struct sotto_task_aggregator_config *config,
                                            struct sotto_error *err)
{
    struct sotto_task_aggregator *task = sotto_alloc_zeroed(sizeof *task);
    if (task == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a task");
    }
    enum sotto_status status = copy_config(task, config, err);
    if (status != SOTTO_OK) {
        sotto_task_aggregator_free(task);
        return status;
    }
    sotto__outbox_log(&task->outbox, "[Create Task] create task %llu",
                      (unsigned long long)task->number);
    sotto__task_aggregator_log_round(task);
    for (size_t i = 0; i < task->invited.len; i++) {
        if (config->invited_away != NULL && config->invited_away[i]) {
            task->invitees[i].state = SOTTO__INVITEE_AWAY;
        }
        sotto__task_aggregator_invite(task, i);
    }
    sotto__task_aggregator_set_deadline(task,
                                        sotto_plan_strategy(task->plan)->connection_timeout_s);
    settle_call(task);
    *out = task;
    return SOTTO_OK;
}

static enum sotto_status dispatch_message(struct sotto_task_aggregator *task, size_t invitee,
                                          const struct sotto_message *message, const uint8_t *bytes,
                                          size_t bytes_len, struct sotto_error *err)
{
    if (message->type == SOTTO_MESSAGE_LEAVE) {
        return receive_leave(task, invitee, message, err);
    }
    if (message->type == SOTTO_MESSAGE_CONFIRM) {
        return sotto__task_aggregator_receive_confirm(task, invitee, message, err);
    }
    if (message->type == SOTTO_MESSAGE_DISPUTE) {
        return sotto__task_aggregator_receive_dispute(task, invitee, message, err);
    }
    if (message->type == SOTTO_MESSAGE_RETURN) {
        return sotto__task_aggregator_receive_return(task, invitee, message, err);
    }
    if (message->type == SOTTO_MESSAGE_ADVERT && task->session == NULL) {
        return sotto__task_aggregator_receive_advert(task, invitee, bytes, bytes_len, err);
    }
    if (task->session != NULL) {
        return sotto__task_aggregator_receive_session(task, invitee, message, err);
    }
    return sotto_error_set(err, SOTTO_ERROR_STATE, "a message out of turn");
}

/* What a dispute is about has ended; it names its session. Who was restarted can't know which
 * attempt is under way, and who leaves takes part in none of them. */
static bool is_of_label(const struct sotto_task_aggregator *task,
                        const struct sotto_message *message)
{
    const struct sotto_session_label *label = &task->terms.label;
    bool is_of_task = message->type == SOTTO_MESSAGE_DISPUTE ||
                      message->type == SOTTO_MESSAGE_RETURN || message->type == SOTTO_MESSAGE_LEAVE;
    return is_of_task
               ? memcmp(message->label.task.bytes, label->task.bytes, sizeof label->task.bytes) == 0
               : sotto_session_label_equal(&message->label, label);
}

enum sotto_status sotto_task_aggregator_receive(struct sotto_task_aggregator *task,
                                                const uint8_t *bytes, size_t bytes_len,
                                                uint64_t now_ms, struct sotto_error *err)
{
    struct sotto_message message;
    if (task->outbox.ended) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "the task is over");
    }
    enum sotto_status status = sotto_message_open(&message, bytes, bytes_len, err);
    if (status != SOTTO_OK && status != SOTTO_ERROR_VERSION) {
        return status;
    }
    size_t invitee = sotto__peers_find(&task->invited, &message.sender);
    if (invitee == SOTTO_NONE) {
        return sotto_error_set(err, SOTTO_ERROR_AUTH, "a message of nobody that was invited");
    }
    if (status != SOTTO_OK) {
        return status;
    }
    if (!is_of_label(task, &message)) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "a message of another task or attempt");
    }
    task->now_ms = now_ms;
    status = dispatch_message(task, invitee, &message, bytes, bytes_len, err);
    settle_call(task);
    return status;
}

void sotto_task_aggregator_tick(struct sotto_task_aggregator *task, uint64_t now_ms)
{
    task->now_ms = now_ms;
    if (task->outbox.ended || now_ms < task->deadline_ms) {
        return;
    }
    if (task->is_confirming) {
        sotto__task_aggregator_consider_confirmed(task, true);
    } else if (task->session == NULL) {
        sotto__task_aggregator_consider_start(task, true);
    } else {
        /* Its failure, if it fails, is what follow_session finds. */
        (void)!sotto_session_aggregator_expire(task->session);
        sotto__task_aggregator_follow_session(task);
    }
    settle_call(task);
}

void sotto_task_aggregator_returned(struct sotto_task_aggregator *task,
                                    const struct sotto_key *peer, uint64_t now_ms)
{
    size_t index = sotto__peers_find(&task->invited, peer);
    if (index == SOTTO_NONE || task->outbox.ended) {
        return;
    }
    struct invitee *invitee = &task->invitees[index];
    task->now_ms = now_ms;
    bool is_in = invitee->state == SOTTO__INVITEE_JOINED;
    bool learns_on = task->terms.label.round > 1 && sotto__course_learns(&task->course);
    if (task->session == NULL && task->terms.label.round == 1 &&
        (invitee->state == SOTTO__INVITEE_INVITED || invitee->state == SOTTO__INVITEE_AWAY ||
         is_in)) {
        sotto__task_aggregator_invitee_forget_offer(invitee); /* the keys behind it are gone */
        invitee->state = SOTTO__INVITEE_INVITED;
        sotto__task_aggregator_invite(task, index);
    } else if (learns_on ? is_in || invitee->state == SOTTO__INVITEE_INVITED
                         : task->session != NULL && is_in) {
        (void)!sotto__task_aggregator_lose(task, index, SOTTO__INVITEE_LOST);
    } else if (task->session == NULL && is_in) {
        sotto_buffer_release(&invitee->advert); /* likewise: it is awaited, or says RETURN */
        invitee->state = SOTTO__INVITEE_INVITED;
    } else if (task->session == NULL && invitee->returned_for != 0) {
        sotto__task_aggregator_answer_return(task, index);
    }
    settle_call(task);
}

void sotto_task_aggregator_away(struct sotto_task_aggregator *task, const struct sotto_key *peer,
                                uint64_t now_ms)
{
    size_t index = sotto__peers_find(&task->invited, peer);
    if (index != SOTTO_NONE) {
        task->now_ms = now_ms;
        sotto__task_aggregator_miss(task, index);
        settle_call(task);
    }
}

void sotto_task_aggregator_removed(struct sotto_task_aggregator *task, const struct sotto_key *peer,
                                   uint64_t now_ms)
{
    size_t index = sotto__peers_find(&task->invited, peer);
    if (index == SOTTO_NONE || task->outbox.ended) {
        return;
    }
    bool was_out = is_out(task, index);
    task->now_ms = now_ms;
    if (was_out) {
        task->invitees[index].state = SOTTO__INVITEE_DECLINED; /* no FINISH goes to it */
    } else {
        sotto__outbox_log(&task->outbox, "[Join] task %llu round %u %s %s: it is no peer any more",
                          (unsigned long long)task->number, task->terms.label.round,
                          sotto__task_aggregator_invitee_name(task, index),
                          task->session == NULL ? "declined" : "left");
        task->invitees[index].absence = SOTTO__ABSENCE_REMOVED;
        enum sotto_status status =
            sotto__task_aggregator_lose(task, index, SOTTO__INVITEE_DECLINED);
        (void)status; /* of the session, whose failure follow_session finds */
    }
    settle_call(task);
}

void sotto_task_aggregator_cancel(struct sotto_task_aggregator *task)
{
    if (task->is_confirming) {
        /* The result is there: only the wait for confirmations can be given up. */
        sotto__task_aggregator_consider_confirmed(task, true);
    }
    sotto__task_aggregator_end(task, SOTTO_ERROR_CANCELLED, "cancelled");
    settle_call(task);
}
