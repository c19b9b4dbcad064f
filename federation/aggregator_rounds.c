/* SPDX-License-Identifier: Apache-2.0 */
/* The sessions of a task: new attempts, its rounds one after the other, the result. */
#include "task_aggregator.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Sessions --- */

static void reopen(struct sotto_task_aggregator *task);

/* Whose rows the first sum is over: theirs are those of all later rounds. */
static void keep_contributors(struct sotto_task_aggregator *task)
{
    const struct sotto_roster *roster = sotto_session_aggregator_roster(task->session);
    for (uint32_t i = 0; i < roster->adverts_len; i++) {
        struct invitee *invitee =
            &task->invitees[sotto__task_aggregator_invitee_of_member(task, i)];
        invitee->is_counted = true;
        invitee->contributes = sotto_session_aggregator_lives(task->session, i);
    }
}

/* Why an invitee's rows are not in the result; text: room for it. */
static const char *absence_text(char text[80], const struct invitee *invitee)
{
    switch (invitee->absence) {
    case SOTTO__ABSENCE_AWAY:
        return "it was away";
    case SOTTO__ABSENCE_SILENT:
        return "it did not answer in time";
    case SOTTO__ABSENCE_SPARE:
        return "max_clients others come before it in the order of names";
    case SOTTO__ABSENCE_DECLINED:
        (void)snprintf(text, 80, "it declined (%s)", sotto_status_name(invitee->reason));
        return text;
    case SOTTO__ABSENCE_LOST:
    default:
        return "it dropped out";
    }
}

/* What a result says of the invitees. Borrows from the task and the arrays, which have room for all
 * of them. */
struct attendance {
    struct sotto_schema *offers; /* of who was in the opened round's roster */
    size_t offers_len;
    const char **names;
    struct sotto_result_absentee *missing;
    char (*texts)[80];
    struct sotto_result_parties parties;
};

static void attendance_release(struct attendance *attendance)
{
    sotto_free(attendance->offers);
    sotto_free(attendance->names);
    sotto_free(attendance->missing);
    sotto_free(attendance->texts);
}

static enum sotto_status attendance_init(struct attendance *out, size_t len)
{
    *out = (struct attendance){
        .offers = sotto_alloc_array(len, sizeof *out->offers),
        .names = sotto_alloc_array(len, sizeof *out->names),
        .missing = sotto_alloc_array(len, sizeof *out->missing),
        .texts = sotto_alloc_array(len, sizeof *out->texts),
    };
    bool has_all =
        out->offers != NULL && out->names != NULL && out->missing != NULL && out->texts != NULL;
    return has_all ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

static void attendance_add(struct attendance *attendance, const struct invitee *invitee,
                           const char *name)
{
    struct sotto_result_parties *parties = &attendance->parties;
    parties->invited++;
    if (invitee->is_counted) {
        attendance->offers[attendance->offers_len++] = invitee->offer; /* borrowed */
    }
    if (invitee->contributes) {
        parties->survived++;
        attendance->names[parties->names_len++] = name;
    } else {
        const char *why = absence_text(attendance->texts[parties->missing_len], invitee);
        attendance->missing[parties->missing_len++] =
            (struct sotto_result_absentee){.name = name, .why = why};
    }
}

static int compare_names(const void *left, const void *right)
{
    const char *const *const names[] = {left, right};
    return strcmp(*names[0], *names[1]);
}

static int compare_absentees(const void *left, const void *right)
{
    const struct sotto_result_absentee *const absentees[] = {left, right};
    return strcmp(absentees[0]->name, absentees[1]->name);
}

static enum sotto_status make_result(struct sotto_task_aggregator *task, struct sotto_error *err)
{
    struct attendance attendance;
    enum sotto_status status = attendance_init(&attendance, task->invited.len);
    if (status != SOTTO_OK) {
        (void)sotto_error_set(err, status, "no memory for a result");
        goto out;
    }
    for (size_t i = 0; i < task->invited.len; i++) {
        attendance_add(&attendance, &task->invitees[i],
                       sotto__task_aggregator_invitee_name(task, i));
    }
    struct sotto_result_parties *parties = &attendance.parties;
    qsort(attendance.names, parties->names_len, sizeof *attendance.names, compare_names);
    qsort(attendance.missing, parties->missing_len, sizeof *attendance.missing, compare_absentees);
    parties->joined = task->joined_first;
    parties->names = attendance.names;
    parties->missing = attendance.missing;
    status = sotto_driver_result(task->driver, &task->result, parties, attendance.offers,
                                 attendance.offers_len, err);
    if (status == SOTTO_OK && task->hides_exact) {
        sotto_result_strip_exact(task->result);
    }
out:
    attendance_release(&attendance);
    return status;
}

/* Shows the aggregate to those whose rows are in it, who answer with fresh keys. */
static void open_round(struct sotto_task_aggregator *task, const void *sum, size_t sum_bytes)
{
    sotto__task_aggregator_log_step(task, "End Round", "finish");
    task->terms.label.round++;
    task->terms.label.attempt = 1;
    enum sotto_status status = sotto__opened_digest(task->opened, sum, sum_bytes);
    for (size_t i = 0; status == SOTTO_OK && i < task->invited.len; i++) {
        struct invitee *invitee = &task->invitees[i];
        sotto_buffer_release(&invitee->advert);
        if (!invitee->contributes) {
            invitee->state = invitee->state == SOTTO__INVITEE_DECLINED ? SOTTO__INVITEE_DECLINED
                                                                       : SOTTO__INVITEE_LOST;
            continue;
        }
        invitee->state =
            invitee->state == SOTTO__INVITEE_JOINED ? SOTTO__INVITEE_INVITED : invitee->state;
        struct sotto_buffer message;
        status = sotto__round_seal(&message, sum, sum_bytes, &task->terms.label, task->identity);
        if (status == SOTTO_OK) {
            sotto__outbox_send(&task->outbox, &task->invited.peers[i].key, &message);
        }
    }
    if (status != SOTTO_OK) {
        task->outbox.status = status;
        return;
    }
    sotto_session_aggregator_free(task->session);
    task->session = NULL;
    sotto__task_aggregator_log_round(task);
    sotto__task_aggregator_set_deadline(task,
                                        sotto_plan_strategy(task->plan)->connection_timeout_s);
    sotto__task_aggregator_consider_start(task,
                                          false); /* who left after its rows were summed has left */
}

static void finish_round(struct sotto_task_aggregator *task)
{
    struct sotto_error err;
    size_t sum_bytes;
    /* An aligned vector, little endian: limbs as they are. */
    const void *sum = sotto_session_aggregator_sum(task->session, &sum_bytes);
    if (task->terms.label.round == 1) {
        keep_contributors(task);
    }
    enum sotto_status status =
        sotto_driver_advance(task->driver, sum, sum_bytes / sizeof(uint64_t), &err);
    if (status == SOTTO_OK && sotto_driver_round(task->driver) != 0) {
        open_round(task, sum, sum_bytes);
        return;
    }
    if (status == SOTTO_OK) {
        status = make_result(task, &err);
    }
    sotto__task_aggregator_end(task, status, status == SOTTO_OK ? "finished" : err.text);
}

static void fail_session(struct sotto_task_aggregator *task)
{
    struct sotto_error err;
    bool final;
    enum sotto_status status = sotto_session_aggregator_failure(task->session, &final, &err);
    size_t answered = 0;
    const struct sotto_roster *roster = sotto_session_aggregator_roster(task->session);
    for (uint32_t i = 0; i < roster->adverts_len; i++) {
        answered += sotto_session_aggregator_answered(task->session, i);
    }
    for (uint32_t i = 0; task->terms.label.round > 1 && i < roster->adverts_len; i++) {
        if (status == SOTTO_ERROR_PARTIES && !sotto_session_aggregator_answered(task->session, i)) {
            sotto__task_aggregator_end_lost(task, sotto__task_aggregator_invitee_of_member(task, i),
                                            err.text);
            return;
        }
    }
    /* Each attempt is smaller than the one before, so that attempts end. */
    bool again = task->terms.label.round == 1 && !final && status == SOTTO_ERROR_PARTIES &&
                 answered < roster->adverts_len &&
                 answered >= sotto_plan_strategy(task->plan)->min_clients;
    if (!again) {
        sotto__task_aggregator_end(task, status, err.text);
        return;
    }
    sotto__outbox_log(&task->outbox, "[Restart] task %llu round %u %s; again with %zu parties",
                      (unsigned long long)task->number, task->terms.label.round, err.text,
                      answered);
    reopen(task);
}

/* A new attempt with fresh keys among those who answered the step that failed. */
static void reopen(struct sotto_task_aggregator *task)
{
    const struct sotto_roster *roster = sotto_session_aggregator_roster(task->session);
    task->terms.label.attempt++;
    for (size_t i = 0; i < task->invited.len; i++) {
        struct invitee *invitee = &task->invitees[i];
        uint32_t member = sotto_roster_find(roster, &task->invited.peers[i].key);
        bool answered =
            member != UINT32_MAX && sotto_session_aggregator_answered(task->session, member);
        sotto__task_aggregator_invitee_forget_offer(invitee);
        if (invitee->state != SOTTO__INVITEE_DECLINED) {
            invitee->state = answered ? SOTTO__INVITEE_INVITED : SOTTO__INVITEE_LOST;
        }
        struct sotto_buffer message;
        if (!answered) {
            continue;
        }
        enum sotto_status status = sotto__reopen_seal(&message, &task->terms.label, task->identity);
        if (status != SOTTO_OK) {
            task->outbox.status = status;
            return;
        }
        sotto__outbox_send(&task->outbox, &task->invited.peers[i].key, &message);
    }
    sotto_session_aggregator_free(task->session);
    task->session = NULL;
    sotto__task_aggregator_set_deadline(task,
                                        sotto_plan_strategy(task->plan)->connection_timeout_s);
}

/* The session went on to another phase: says so, and bounds it. */
static void enter_phase(struct sotto_task_aggregator *task, enum sotto_aggregator_phase phase)
{
    const struct sotto_strategy *strategy = sotto_plan_strategy(task->plan);
    const struct sotto_roster *roster = sotto_session_aggregator_roster(task->session);
    uint32_t living = 0;
    switch (phase) {
    case SOTTO_AGGREGATOR_MASKING:
        sotto__task_aggregator_log_members(task, "Secret Sharing Parts Commitments",
                                           "shares dealt by", sotto_session_aggregator_dealt, true);
        sotto__task_aggregator_log_step(task, "Start Calculation", "start calculation");
        sotto__task_aggregator_set_deadline(task, (uint64_t)strategy->wait_timeout_s +
                                                      strategy->connection_timeout_s);
        break;
    case SOTTO_AGGREGATOR_CONSENTING:
        for (uint32_t i = 0; i < roster->adverts_len; i++) {
            living += sotto_session_aggregator_lives(task->session, i);
        }
        sotto__task_aggregator_log_step(task, "Start Aggregation", "start aggregation");
        sotto__task_aggregator_log_members(task, "Start Aggregation", "alive members",
                                           sotto_session_aggregator_lives, true);
        if (living == roster->adverts_len) {
            sotto__task_aggregator_log_step(task, "Start Aggregation", "no dead members");
        } else {
            sotto__task_aggregator_log_members(task, "Start Aggregation", "dead members",
                                               sotto_session_aggregator_lives, false);
        }
        sotto__task_aggregator_set_deadline(task, strategy->connection_timeout_s);
        break;
    case SOTTO_AGGREGATOR_REVEALING:
        sotto__task_aggregator_log_step(task, "Secret Sharing Parts Data", "start unmasking");
        sotto__task_aggregator_set_deadline(task, strategy->connection_timeout_s);
        break;
    default:
        break;
    }
}

/* Acts on what the session came to. */
void sotto__task_aggregator_follow_session(struct sotto_task_aggregator *task)
{
    struct sotto_action action;
    while (sotto_session_aggregator_next(task->session, &action)) {
        sotto__outbox_push(&task->outbox, &action);
    }
    enum sotto_aggregator_phase phase = sotto_session_aggregator_phase(task->session);
    if (phase == task->phase_seen) {
        return;
    }
    task->phase_seen = phase;
    if (phase == SOTTO_AGGREGATOR_SUMMED) {
        finish_round(task);
    } else if (phase == SOTTO_AGGREGATOR_FAILED) {
        fail_session(task);
    } else {
        enter_phase(task, phase);
    }
}

enum sotto_status sotto__task_aggregator_receive_session(struct sotto_task_aggregator *task,
                                                         size_t invitee,
                                                         const struct sotto_message *message,
                                                         struct sotto_error *err)
{
    struct sotto_error reason;
    enum sotto_status status = sotto_session_aggregator_receive(task->session, message, &reason);
    if (status == SOTTO_OK && message->type == SOTTO_MESSAGE_MASKED) {
        sotto__outbox_log(&task->outbox, "[Masked Result Commitment] task %llu round %u from %s",
                          (unsigned long long)task->number, task->terms.label.round,
                          sotto__task_aggregator_invitee_name(task, invitee));
    }
    sotto__task_aggregator_follow_session(task);
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_set(err, status, "%s", reason.text);
}
