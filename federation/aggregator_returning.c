/* SPDX-License-Identifier: Apache-2.0 */

/* The aggregator's side of a later round that lost a party [PROTOCOL.md, Long tasks]. It leans on
 * aggregator_rounds.c for sessions, on the one that was opened last for what somebody missed.
 *
 * The idea: a later round is of all its contributors or of none, so it is tried again by the same
 * ones, as soon as they are there; where code is tolerant by those of them who come in time. The
 * aggregator decides nothing by that: those who masked hold it against the releases of the others.
 *
 * 1. A session that failed before LIVING went out has opened nothing. If somebody masked in it, its
 *    members are asked to give it up first (aggregator_rounds.c). Then REOPEN goes to all, with
 *    what they signed, and the task waits for their ADVERTs.
 * 2. Who is restarted says RETURN. It has left the session that is under way; where that fails for
 *    it, 1 follows at once.
 * 3. Where none is under way it is answered at once: by REOPEN, or, if it missed the opening of the
 *    round before, by RESUME. Before another session begins all have said ADVERT, so the session
 *    that somebody may have missed is kept until then, and no longer.
 *    What it is told can be lost: its host may hear of the new process after RETURN came, and drops
 *    what waited for the one before. Then it is told again (sotto_task_aggregator_returned).
 * 4. It ends where somebody has left, where time is over, or after so many attempts. */

#include "aggregator_returning.h"

#include <sotto/alloc.h>
#include <sotto/record.h>
#include <string.h>

/* More attempts of one round end the task: some party will not come to stay. */
#define LATER_ATTEMPTS_MAX 5

/* Who learns and was restarted has nothing of the task on its disk. */
static bool may_come(const struct sotto_task_aggregator *task, const struct invitee *invitee)
{
    bool is_gone = invitee->state == SOTTO__INVITEE_LOST && sotto__course_learns(&task->course);
    return invitee->contributes && invitee->state != SOTTO__INVITEE_DECLINED && !is_gone;
}

bool sotto__task_aggregator_is_shown(const struct invitee *invitee)
{
    return invitee->contributes && invitee->returned_for == 0;
}

/* Invites a contributor to the round and attempt that are to begin. */
static enum sotto_status send_reopen(struct sotto_task_aggregator *task, size_t index)
{
    struct sotto_buffer message;
    enum sotto_status status =
        sotto__reopen_seal(&message, &task->releases, &task->terms.label, task->identity);
    if (status == SOTTO_OK) {
        sotto__outbox_send(&task->outbox, &task->invited.peers[index].key, &message);
    }
    return status;
}

/* Shows a contributor the round that it missed. */
static enum sotto_status send_missed(struct sotto_task_aggregator *task, size_t index)
{
    const struct sotto_session_aggregator *session = task->session_before;
    struct sotto_buffer message;
    struct sotto_writer record;
    size_t shown_bytes;
    const uint8_t *shown = sotto_session_aggregator_sum(session, &shown_bytes);
    if (task->verifies) {
        const struct sotto_buffer *transcript = sotto_session_aggregator_transcript(session);
        shown = transcript->data;
        shown_bytes = transcript->data_bytes;
    }
    sotto_writer_init(&record, SOTTO_MESSAGE_BYTES_MAX);
    sotto_session_aggregator_write_record(session, &record);
    enum sotto_status status = sotto_writer_status(&record);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto__resume_seal(&message, &record, shown, shown_bytes, &task->terms.label,
                                task->identity);
    if (status != SOTTO_OK) {
        goto out;
    }
    sotto__outbox_send(&task->outbox, &task->invited.peers[index].key, &message);
out:
    sotto_writer_release(&record);
    return status;
}

/* A record is of a complete graph. */
static bool has_missable(const struct sotto_task_aggregator *task)
{
    if (task->session_before == NULL) {
        return false;
    }
    const struct sotto_roster *roster = sotto_session_aggregator_roster(task->session_before);
    return sotto_graph_is_complete(&roster->graph, roster->adverts_len);
}

/* Answers who is back, where no session is under way. It may be asked for twice. */
void sotto__task_aggregator_answer_return(struct sotto_task_aggregator *task, size_t index)
{
    struct invitee *invitee = &task->invitees[index];
    bool is_behind = invitee->returned_for < task->terms.label.round;
    enum sotto_status status = SOTTO_OK;
    sotto_buffer_release(&invitee->advert);
    invitee->state = SOTTO__INVITEE_INVITED;
    if (!is_behind) {
        status = send_reopen(task, index);
    } else if (has_missable(task)) {
        status = send_missed(task, index);
    } else {
        sotto__task_aggregator_end_lost(task, index, "what it missed can't be shown again");
    }
    if (status != SOTTO_OK) {
        task->outbox.status = status;
    }
}

void sotto__task_aggregator_answer_returned(struct sotto_task_aggregator *task)
{
    for (size_t i = 0; i < task->invited.len; i++) {
        if (task->invitees[i].returned_for != 0) {
            sotto__task_aggregator_answer_return(task, i);
        }
    }
}

enum sotto_status sotto__task_aggregator_receive_return(struct sotto_task_aggregator *task,
                                                        size_t index,
                                                        const struct sotto_message *message,
                                                        struct sotto_error *err)
{
    struct invitee *invitee = &task->invitees[index];
    uint32_t round = task->terms.label.round;
    bool fits = message->label.round == round || message->label.round + 1 == round;
    /* Who learns keeps nothing that it could return with. */
    if (message->body_bytes != 0 || round == 1 || task->is_confirming ||
        sotto__course_learns(&task->course) || !may_come(task, invitee) || !fits) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "a return out of turn");
    }
    sotto__outbox_log(&task->outbox, "[Join] task %llu round %u %s is back, restarted",
                      (unsigned long long)task->number, round,
                      sotto__task_aggregator_invitee_name(task, index));
    invitee->returned_for = message->label.round;
    if (task->session == NULL) {
        sotto__task_aggregator_answer_return(task, index);
        return SOTTO_OK;
    }
    enum sotto_status status = sotto__task_aggregator_lose(task, index, SOTTO__INVITEE_LOST);
    return status == SOTTO_OK ? SOTTO_OK
                              : sotto_error_set(err, status, "%s", sotto_status_text(status));
}

/* --- Another attempt --- */

size_t sotto__task_aggregator_may_restart_later(const struct sotto_task_aggregator *task,
                                                enum sotto_status failure, bool final)
{
    size_t coming = 0;
    size_t needed = 0;
    for (size_t i = 0; i < task->invited.len; i++) {
        needed += task->invitees[i].contributes;
        coming += may_come(task, &task->invitees[i]);
    }
    if (sotto__course_is_tolerant(&task->course)) {
        needed = sotto_plan_strategy(task->plan)->min_clients;
    }
    bool may = !final && failure == SOTTO_ERROR_PARTIES && coming >= needed &&
               sotto_session_aggregator_guilty(task->session) == UINT32_MAX &&
               task->terms.label.attempt < LATER_ATTEMPTS_MAX;
    return may ? coming : 0;
}

void sotto__task_aggregator_reopen_later(struct sotto_task_aggregator *task,
                                         struct sotto_buffer *releases)
{
    sotto_buffer_release(&task->releases);
    task->releases = *releases;
    *releases = (struct sotto_buffer){0};
    task->terms.label.attempt++;
    sotto_session_aggregator_free(task->session);
    task->session = NULL;
    for (size_t i = 0; i < task->invited.len; i++) {
        struct invitee *invitee = &task->invitees[i];
        if (!may_come(task, invitee)) {
            continue;
        }
        sotto_buffer_release(&invitee->advert);
        invitee->state = SOTTO__INVITEE_INVITED;
        enum sotto_status status = send_reopen(task, i);
        if (status != SOTTO_OK) {
            task->outbox.status = status;
            return;
        }
    }
    sotto__task_aggregator_wait(task);
    /* Who left meanwhile has left: that ends the task now. */
    sotto__task_aggregator_consider_start(task, false);
}

void sotto__task_aggregator_wait(struct sotto_task_aggregator *task)
{
    task->is_waiting = true;
    sotto__outbox_log(&task->outbox,
                      "[Restart] task %llu round %u waits until all are there whose rows are in "
                      "the sums, at most %u seconds",
                      (unsigned long long)task->number, task->terms.label.round,
                      sotto_plan_strategy(task->plan)->wait_timeout_s);
    sotto__task_aggregator_set_deadline(task, sotto_plan_strategy(task->plan)->wait_timeout_s);
}
