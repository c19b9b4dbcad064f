/* SPDX-License-Identifier: Apache-2.0 */

/* The sessions of a task: new attempts, its rounds one after the other, the result. It leans on the
 * session's machine, whose phases it follows, and on the driver. Who may still send what, and what
 * a failure leads to:
 *
 * 1. Every session has a label (task, round, attempt) and fresh keys of all its parties. A message
 *    of another label is refused before anything else (sotto_task_aggregator_receive), so what was
 *    on its way in an earlier attempt never meets a later one.
 * 2. An invitee's state says what is expected of it: INVITED and AWAY may send an ADVERT, JOINED
 *    the session's messages, DECLINED and LOST nothing. Each may LEAVE, once.
 * 3. A step ends with its last answer or with its deadline. A party that is not there then is lost:
 *    the session goes on without it while it has enough (the session's `need`).
 * 4. A session that fails before LIVING went out has opened nothing, and nobody has consented to a
 *    set of survivors. In round 1 it is started again (reopen_session): REOPEN, the next attempt,
 *    among those who answered the step that failed, if they are min_clients. Who has masked goes
 *    along only where nobody can open the failed session any more: its members are asked to give it
 *    up first (WITHDRAW), and REOPEN shows what they signed. Attempts get smaller each time, so
 *    they end. Who did not answer is LOST for good.
 * 5. From LIVING on a failure is final. A second attempt would have other survivors, and the
 *    difference of two sums would be the value of whoever is in one of them only. Parties see to it
 *    themselves (party_rounds.c, 3 and 4).
 * 6. A sum is given to the driver, which refuses what no rows can give. If the plan has another
 *    round, those whose rows are in the first sum are its contributors. They are shown what opened
 *    it (OPENED; where sums are not verified the aggregate, ROUND), and asked for fresh ADVERTs. A
 *    later round starts with all contributors or not at all (aggregator_joining.c): again
 *    because of the difference. Who is gone is waited for (aggregator_returning.c). Where the code
 *    of a learning task is tolerant, contributors are the survivors of each round, and a later one
 *    starts as the first does.
 * 7. After the last round the result names who is in it and why others are not. Where its sum is
 *    verified, those who are in it confirm it (aggregator_confirming.c). FINISH ends the task for
 *    all. */

#include "aggregator_confirming.h"
#include "aggregator_returning.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Sessions --- */

static void restart_session(struct sotto_task_aggregator *task, const struct sotto_error *why,
                            size_t answered);

/* Remembers the survivors: later rounds are over exactly these, or where code is tolerant over some
 * of them. */
static void keep_contributors(struct sotto_task_aggregator *task)
{
    const struct sotto_roster *roster = sotto_session_aggregator_roster(task->session);
    for (size_t i = 0; i < task->invited.len; i++) {
        task->invitees[i].contributes = false;
    }
    for (uint32_t i = 0; i < roster->adverts_len; i++) {
        struct invitee *invitee =
            &task->invitees[sotto__task_aggregator_invitee_of_member(task, i)];
        invitee->is_counted = true;
        invitee->contributes = sotto_session_aggregator_lives(task->session, i);
    }
}

/* Whose rows are in the sum: the survivors, of whom some may not be drawn. */
static uint32_t count_summed(const struct sotto_task_aggregator *task)
{
    uint32_t len = 0;
    uint32_t members = sotto_session_aggregator_roster(task->session)->adverts_len;
    for (uint32_t i = 0; i < members; i++) {
        len += sotto_session_aggregator_lives(task->session, i) && sotto__draw_has(&task->draw, i);
    }
    return len;
}

/* Why an invitee's rows are not in the result. Returns: a literal, or text, written. */
static const char *explain_absence(char text[80], const struct invitee *invitee)
{
    switch (invitee->absence) {
    case SOTTO__ABSENCE_AWAY:
        return "it was away";
    case SOTTO__ABSENCE_SILENT:
        return "it did not answer in time";
    case SOTTO__ABSENCE_OTHER_ENGINE:
        return "its engine computes other bits: it needs the same version of sotto";
    case SOTTO__ABSENCE_SPARE:
        return "max_clients others come before it in the order of names";
    case SOTTO__ABSENCE_CHEATED:
        return "what it dealt to others was not what it committed to";
    case SOTTO__ABSENCE_DEMANDS:
        return "its owner asks for more parties than joined";
    case SOTTO__ABSENCE_REMOVED:
        return "it is no peer of the node that asks any more";
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
        const char *why = explain_absence(attendance->texts[parties->missing_len], invitee);
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

static enum sotto_status make_result(const struct sotto_task_aggregator *task, char **out,
                                     struct sotto_error *err)
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
    status = sotto__course_result(&task->course, out, parties, attendance.offers,
                                  attendance.offers_len, err);
    if (status == SOTTO_OK && task->hides_exact) {
        sotto_result_strip_exact(*out);
    }
out:
    attendance_release(&attendance);
    return status;
}

enum sotto_status sotto__task_aggregator_recheck_result(const struct sotto_task_aggregator *task,
                                                        struct sotto_error *err)
{
    char *again = NULL;
    if (task->result == NULL) {
        return SOTTO_OK;
    }
    enum sotto_status status = make_result(task, &again, err);
    if (status == SOTTO_OK && strcmp(again, task->result) != 0) {
        status = sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                 "the sums give another result than the one that was shown");
    }
    sotto_free(again);
    return status;
}

/* Nobody who is not a contributor takes part from here on, nor who was restarted and has nothing of
 * the task on its disk: in the first round, and of learning. */
static void invite_again(struct invitee *invitee, bool is_kept)
{
    sotto_buffer_release(&invitee->advert);
    bool may_return = invitee->state == SOTTO__INVITEE_LOST && is_kept;
    if (invitee->contributes && (invitee->state == SOTTO__INVITEE_JOINED || may_return)) {
        invitee->state = SOTTO__INVITEE_INVITED;
    } else if (!invitee->contributes && invitee->state != SOTTO__INVITEE_DECLINED) {
        invitee->state = SOTTO__INVITEE_LOST;
    }
}

/* Shows the aggregate to those whose rows are in it, as the first message of the next round. */
static enum sotto_status send_aggregate(struct sotto_task_aggregator *task, const void *sum,
                                        size_t sum_bytes)
{
    struct sotto_session_label next = {
        .task = task->terms.label.task, .round = task->terms.label.round + 1, .attempt = 1};
    for (size_t i = 0; i < task->invited.len; i++) {
        struct sotto_buffer message;
        if (!sotto__task_aggregator_is_shown(&task->invitees[i])) {
            continue;
        }
        enum sotto_status status =
            sotto__round_seal(&message, sum, sum_bytes, &next, task->identity);
        if (status != SOTTO_OK) {
            return status;
        }
        sotto__outbox_send(&task->outbox, &task->invited.peers[i].key, &message);
    }
    return SOTTO_OK;
}

/* Goes to the next round, to which the contributors answer with fresh keys. */
static void open_round(struct sotto_task_aggregator *task, const void *sum, size_t sum_bytes)
{
    sotto__task_aggregator_log_step(task, "End Round", "finish");
    bool is_kept = task->terms.label.round > 1 && !sotto__course_learns(&task->course);
    for (size_t i = 0; i < task->invited.len; i++) {
        invite_again(&task->invitees[i], is_kept);
    }
    enum sotto_status status = task->verifies ? sotto__task_aggregator_show(task, NULL)
                                              : send_aggregate(task, sum, sum_bytes);
    if (status != SOTTO_OK) {
        task->outbox.status = status;
        return;
    }
    task->terms.label.round++;
    task->terms.label.attempt = 1;
    task->session_before = task->session; /* until its sum is confirmed by adverts */
    task->session = NULL;
    task->is_waiting = false;
    sotto_buffer_release(&task->releases);
    sotto__task_aggregator_log_round(task);
    sotto__task_aggregator_set_deadline(task,
                                        sotto_plan_strategy(task->plan)->connection_timeout_s);
    sotto__task_aggregator_answer_returned(task);
    /* Who left after its rows were summed has left: that ends the task now, not at the deadline. */
    sotto__task_aggregator_consider_start(task, false);
}

/* There is a result: it is told, and confirmed where its sum is verified. */
static void finish_task(struct sotto_task_aggregator *task)
{
    struct sotto_error err;
    enum sotto_status status = make_result(task, &task->result, &err);
    if (status != SOTTO_OK) {
        sotto__task_aggregator_end(task, status, err.text);
        return;
    }
    if (!task->verifies || !sotto_plan_publishes(task->plan)) {
        if (task->unverified != NULL) {
            (void)snprintf(task->confirmation, sizeof task->confirmation, "not verified: %s",
                           task->unverified);
        }
        sotto__task_aggregator_end(task, SOTTO_OK, "finished");
        return;
    }
    status = sotto__task_aggregator_await_confirmations(task);
    if (status != SOTTO_OK) {
        task->outbox.status = status;
    }
}

static void finish_round(struct sotto_task_aggregator *task)
{
    struct sotto_error err;
    size_t sum_bytes;
    struct sotto_session_opening opening;
    /* An aligned vector, little endian: limbs as they are. */
    const void *sum = sotto_session_aggregator_sum(task->session, &sum_bytes);
    sotto_session_aggregator_opening(task->session, &opening);
    keep_contributors(task);
    sotto__opened_digest(task->opened, &opening, sum, sum_bytes);
    sotto__task_aggregator_record(task, sum, sum_bytes);
    enum sotto_status status =
        sotto__course_advance(&task->course, sum, sum_bytes, count_summed(task), &err);
    if (status != SOTTO_OK) {
        sotto__task_aggregator_end(task, status, err.text);
        return;
    }
    sotto__task_aggregator_log_models(task);
    if (sotto__course_round(&task->course) != 0) {
        open_round(task, sum, sum_bytes);
    } else {
        finish_task(task);
    }
}

/* A member that did not answer the step that failed, or UINT32_MAX; *out_answered: how many did. */
static uint32_t find_silent(const struct sotto_task_aggregator *task, size_t *out_answered)
{
    uint32_t silent = UINT32_MAX;
    uint32_t len = sotto_session_aggregator_roster(task->session)->adverts_len;
    *out_answered = 0;
    for (uint32_t i = 0; i < len; i++) {
        bool answered = sotto_session_aggregator_answered(task->session, i);
        *out_answered += answered;
        silent = !answered && silent == UINT32_MAX ? i : silent;
    }
    return silent;
}

/* Takes a dealer out of the task whose holder has proven that it cheated. */
static void expel(struct sotto_task_aggregator *task, uint32_t guilty)
{
    size_t invitee = sotto__task_aggregator_invitee_of_member(task, guilty);
    task->invitees[invitee].absence = SOTTO__ABSENCE_CHEATED;
    task->invitees[invitee].state = SOTTO__INVITEE_LOST;
    sotto__outbox_log(&task->outbox,
                      "[Restart] task %llu round %u %s dealt shares that are not those that it "
                      "committed to, as a holder has proven: it is out",
                      (unsigned long long)task->number, task->terms.label.round,
                      sotto__task_aggregator_invitee_name(task, invitee));
}

/* A member that is gone, or if none is, one that is silent. Returns: the invitee, or SOTTO_NONE. */
static size_t find_lost(const struct sotto_task_aggregator *task)
{
    size_t answered;
    uint32_t silent = find_silent(task, &answered);
    for (size_t i = 0; i < task->invited.len; i++) {
        if (task->invitees[i].contributes && task->invitees[i].state != SOTTO__INVITEE_JOINED) {
            return i;
        }
    }
    return silent != UINT32_MAX ? sotto__task_aggregator_invitee_of_member(task, silent)
                                : SOTTO_NONE;
}

/* A later round is tried again, or ends the task, naming who was lost. */
static void fail_later_session(struct sotto_task_aggregator *task, enum sotto_status status,
                               bool final, const struct sotto_error *why)
{
    size_t lost = find_lost(task);
    uint32_t guilty = sotto_session_aggregator_guilty(task->session);
    size_t coming = sotto__task_aggregator_may_restart_later(task, status, final);
    if (coming > 0) {
        restart_session(task, why, coming);
    } else if (guilty == UINT32_MAX && status == SOTTO_ERROR_PARTIES && lost != SOTTO_NONE) {
        sotto__task_aggregator_end_lost(task, lost, why->text);
    } else {
        if (guilty != UINT32_MAX) {
            expel(task, guilty);
        }
        sotto__task_aggregator_end(task, status, why->text);
    }
}

static void fail_session(struct sotto_task_aggregator *task)
{
    struct sotto_error err;
    bool final;
    enum sotto_status status = sotto_session_aggregator_failure(task->session, &final, &err);
    size_t answered = 0;
    uint32_t silent = find_silent(task, &answered);
    if (task->terms.label.round > 1) {
        fail_later_session(task, status, final, &err);
        return;
    }
    /* Each attempt is smaller than the one before, so that attempts end. */
    uint32_t guilty = sotto_session_aggregator_guilty(task->session);
    bool shrinks = status == SOTTO_ERROR_PARTIES && silent != UINT32_MAX &&
                   answered >= sotto_plan_strategy(task->plan)->min_clients;
    bool again = !final && (shrinks || guilty != UINT32_MAX);
    if (guilty != UINT32_MAX && !final) {
        expel(task, guilty);
    }
    if (!again) {
        sotto__task_aggregator_end(task, status, err.text);
        return;
    }
    restart_session(task, &err, answered);
}

/* Whether somebody's masked input came. */
static bool has_masked(const struct sotto_session_aggregator *session)
{
    uint32_t len = sotto_session_aggregator_roster(session)->adverts_len;
    uint32_t i = 0;
    while (i < len && !sotto_session_aggregator_lives(session, i)) {
        i++;
    }
    return i < len;
}

/* Starts a new attempt of the first round with fresh keys among those who answered the step that
 * failed. releases: of the attempt before, or empty. */
static void reopen_first(struct sotto_task_aggregator *task, const struct sotto_buffer *releases)
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
        enum sotto_status status =
            sotto__reopen_seal(&message, releases, &task->terms.label, task->identity);
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

/* Takes *releases. */
static void reopen_session(struct sotto_task_aggregator *task, struct sotto_buffer *releases)
{
    if (task->terms.label.round > 1) {
        sotto__task_aggregator_reopen_later(task, releases);
        return;
    }
    reopen_first(task, releases);
    sotto_buffer_release(releases);
}

/* Begins anew at once, or asks the members to give the session up first. */
static void restart_session(struct sotto_task_aggregator *task, const struct sotto_error *why,
                            size_t answered)
{
    struct sotto_buffer nothing = {0};
    bool is_complaint = sotto_session_aggregator_guilty(task->session) != UINT32_MAX;
    if (!is_complaint) {
        sotto__outbox_log(&task->outbox, "[Restart] task %llu round %u %s; again with %zu parties",
                          (unsigned long long)task->number, task->terms.label.round, why->text,
                          answered);
    }
    if (!is_complaint && !has_masked(task->session)) {
        reopen_session(task, &nothing);
        return;
    }
    enum sotto_status status = sotto_session_aggregator_withdraw(task->session);
    if (status != SOTTO_OK) {
        task->outbox.status = status;
        return;
    }
    task->phase_seen = SOTTO_AGGREGATOR_WITHDRAWING;
    sotto__task_aggregator_set_deadline(task,
                                        sotto_plan_strategy(task->plan)->connection_timeout_s);
    sotto__task_aggregator_follow_session(task);
}

/* The session is given up: goes on with those whose masked inputs were in it. */
static void follow_withdrawal(struct sotto_task_aggregator *task)
{
    struct sotto_buffer releases = {0};
    size_t answered = 0;
    (void)find_silent(task, &answered);
    if (task->terms.label.round == 1 && answered < sotto_plan_strategy(task->plan)->min_clients) {
        struct sotto_error err;
        bool final;
        char text[SOTTO_ERROR_TEXT_BYTES + 80];
        (void)sotto_session_aggregator_failure(task->session, &final, &err);
        (void)snprintf(text, sizeof text,
                       "%s; %zu parties are left to start again, at least %u needed", err.text,
                       answered, sotto_plan_strategy(task->plan)->min_clients);
        sotto__task_aggregator_end(task, SOTTO_ERROR_PARTIES, text);
        return;
    }
    enum sotto_status status = sotto_session_aggregator_releases(task->session, &releases);
    if (status == SOTTO_OK) {
        reopen_session(task, &releases);
    } else {
        task->outbox.status = status;
    }
}

static bool has_dealt(const struct sotto_task_aggregator *task, uint32_t member)
{
    return sotto_session_aggregator_dealt(task->session, member);
}

static bool is_alive(const struct sotto_task_aggregator *task, uint32_t member)
{
    return sotto_session_aggregator_lives(task->session, member);
}

/* Logs that the session has gone on to another phase, and bounds the phase. */
static void enter_phase(struct sotto_task_aggregator *task, enum sotto_aggregator_phase phase)
{
    const struct sotto_strategy *strategy = sotto_plan_strategy(task->plan);
    const struct sotto_roster *roster = sotto_session_aggregator_roster(task->session);
    uint32_t living = 0;
    switch (phase) {
    case SOTTO_AGGREGATOR_MASKING:
        sotto__task_aggregator_log_members(task, "Secret Sharing Parts Commitments",
                                           "shares dealt by", has_dealt, true);
        sotto__task_aggregator_log_step(task, "Start Calculation", "start calculation");
        sotto__task_aggregator_set_deadline(task, (uint64_t)strategy->wait_timeout_s +
                                                      strategy->connection_timeout_s);
        break;
    case SOTTO_AGGREGATOR_CONSENTING:
        for (uint32_t i = 0; i < roster->adverts_len; i++) {
            living += sotto_session_aggregator_lives(task->session, i);
        }
        sotto__task_aggregator_log_step(task, "Start Aggregation", "start aggregation");
        sotto__task_aggregator_log_members(task, "Start Aggregation", "alive members", is_alive,
                                           true);
        if (living == roster->adverts_len) {
            sotto__task_aggregator_log_step(task, "Start Aggregation", "no dead members");
        } else {
            sotto__task_aggregator_log_members(task, "Start Aggregation", "dead members", is_alive,
                                               false);
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

/* Sends what the session sends, and acts on the phase that it has come to. */
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
    } else if (phase == SOTTO_AGGREGATOR_WITHDRAWN) {
        follow_withdrawal(task);
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
