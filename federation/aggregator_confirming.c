/* SPDX-License-Identifier: Apache-2.0 */

/* The aggregator's side of verified sums: what it shows, who confirms the result, who disputes. It
 * leans on the session's transcript and on verified.c.
 *
 * The idea: the aggregator is not believed, and believes nobody. It shows all the same bytes. Who
 * computes another sum from them says so by a class and the digest of what it was shown, and the
 * aggregator then checks its own transcript as if it were another's, and computes its result again:
 * so a lie is named on whichever side it is, and nobody is named by a mere word.
 *
 * 1. After each round that is verified OPENED goes to the living. Their next message is an ADVERT
 *    of another round (which confirms this one, since its session's id has the chain of sums), a
 *    CONFIRM, or a DISPUTE.
 * 2. After the last one the host has the result at once (RESULT). The task waits for confirmations,
 *    one connection_timeout at most; who is silent is named, and that is no error: the sum is what
 *    it is, and others have checked it.
 * 3. A dispute ends the task with an error, whoever is right: a result that somebody who gave to it
 *    disputes is none. */

#include "aggregator_confirming.h"
#include "aggregator_returning.h"
#include "verified.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

/* Whether an invitee's rows are in the sum, it is still there, and its owner signs results. */
static bool may_confirm(const struct invitee *invitee)
{
    return invitee->contributes && invitee->state == SOTTO__INVITEE_JOINED &&
           !invitee->demands.no_receipts;
}

/* All are sent the same bytes, which are there once: they have a vector of each party. */
static enum sotto_status send_to_all(struct sotto_task_aggregator *task,
                                     struct sotto_buffer *message)
{
    for (size_t i = 0; i < task->invited.len; i++) {
        struct sotto_buffer shared;
        if (!sotto__task_aggregator_is_shown(&task->invitees[i])) {
            continue;
        }
        enum sotto_status status = sotto_buffer_share(&shared, message);
        if (status != SOTTO_OK) {
            return status;
        }
        sotto__outbox_send(&task->outbox, &task->invited.peers[i].key, &shared);
    }
    return SOTTO_OK;
}

enum sotto_status sotto__task_aggregator_show(struct sotto_task_aggregator *task,
                                              const char *result)
{
    const struct sotto_buffer *transcript = sotto_session_aggregator_transcript(task->session);
    struct sotto__shown opened = {.result = result,
                                  .result_bytes = result != NULL ? strlen(result) : 0,
                                  .transcript = transcript->data,
                                  .transcript_bytes = transcript->data_bytes};
    struct sotto_session_opening opening;
    struct sotto_buffer message;
    sotto_session_aggregator_opening(task->session, &opening);
    memcpy(task->shown_session, opening.session, sizeof task->shown_session);
    enum sotto_status status =
        sotto__opened_seal(&message, &opened, &task->terms.label, opening.session, task->identity);
    if (status != SOTTO_OK) {
        return status;
    }
    sotto__shown_digest(task->shown, &message);
    status = send_to_all(task, &message);
    sotto_buffer_release(&message);
    return status;
}

/* --- Confirmations --- */

/* Says who confirmed, and who did not. */
static void describe_confirmations(struct sotto_task_aggregator *task)
{
    char *text = task->confirmation;
    unsigned confirmed = 0;
    unsigned all = 0;
    for (size_t i = 0; i < task->invited.len; i++) {
        all += task->invitees[i].contributes;
        confirmed += task->invitees[i].contributes && task->invitees[i].has_confirmed;
    }
    task->is_confirmed = confirmed == all;
    if (task->is_confirmed) {
        (void)snprintf(text, sizeof task->confirmation, "confirmed by all %u parties", all);
        return;
    }
    size_t used = (size_t)snprintf(text, sizeof task->confirmation, "confirmed by %u of %u parties",
                                   confirmed, all);
    for (size_t i = 0; i < task->invited.len && used < sizeof task->confirmation; i++) {
        const struct invitee *invitee = &task->invitees[i];
        if (invitee->contributes && !invitee->has_confirmed) {
            const char *name = sotto__task_aggregator_invitee_name(task, i);
            sotto__unconfirmed_write(text, &used, name, invitee->demands.no_receipts);
        }
    }
}

void sotto__task_aggregator_consider_confirmed(struct sotto_task_aggregator *task, bool expired)
{
    size_t awaited = 0;
    for (size_t i = 0; !expired && i < task->invited.len; i++) {
        awaited += may_confirm(&task->invitees[i]) && !task->invitees[i].has_confirmed;
    }
    if (!task->is_confirming || awaited > 0) {
        return;
    }
    describe_confirmations(task);
    sotto__task_aggregator_log_step(task, "Confirm", task->confirmation);
    sotto__task_aggregator_end(task, SOTTO_OK, "finished");
}

enum sotto_status sotto__task_aggregator_await_confirmations(struct sotto_task_aggregator *task)
{
    struct sotto_action action = {.kind = SOTTO_ACTION_RESULT};
    enum sotto_status status = sotto__confirmed_digest(task->confirmed, &task->terms, &task->course,
                                                       task->opened, task->result);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__task_aggregator_show(task, task->result);
    if (status != SOTTO_OK) {
        return status;
    }
    task->is_confirming = true;
    sotto__outbox_push(&task->outbox, &action);
    sotto__task_aggregator_log_step(task, "Confirm", "the result is there, and is shown to all");
    sotto__task_aggregator_set_deadline(task,
                                        sotto_plan_strategy(task->plan)->connection_timeout_s);
    /* Who left after its rows were summed is not waited for. */
    sotto__task_aggregator_consider_confirmed(task, false);
    return SOTTO_OK;
}

enum sotto_status sotto__task_aggregator_receive_confirm(struct sotto_task_aggregator *task,
                                                         size_t index,
                                                         const struct sotto_message *message,
                                                         struct sotto_error *err)
{
    struct invitee *invitee = &task->invitees[index];
    if (!task->is_confirming || !may_confirm(invitee) || invitee->has_confirmed ||
        memcmp(message->session, task->shown_session, sizeof task->shown_session) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "a confirmation out of turn");
    }
    if (!sotto__confirm_open(&invitee->confirmation, message, task->confirmed)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "a confirmation does not sign this result");
    }
    invitee->has_confirmed = true;
    sotto__outbox_log(&task->outbox, "[Confirm] task %llu round %u by %s",
                      (unsigned long long)task->number, task->terms.label.round,
                      sotto__task_aggregator_invitee_name(task, index));
    sotto__task_aggregator_consider_confirmed(task, false);
    return SOTTO_OK;
}

/* --- Disputes --- */

/* The session whose transcript was shown last. */
static const struct sotto_session_aggregator *find_shown(const struct sotto_task_aggregator *task)
{
    return task->session_before != NULL ? task->session_before : task->session;
}

/* Says who is wrong: the text of the task's end. */
static void judge_dispute(struct sotto_task_aggregator *task, char text[SOTTO_ERROR_TEXT_BYTES],
                          size_t index, const struct sotto_dispute *dispute,
                          const uint8_t shown[SOTTO_DIGEST_BYTES])
{
    const char *name = sotto__task_aggregator_invitee_name(task, index);
    const char *what = sotto__dispute_text(dispute->kind);
    struct sotto_error wrong = {0};
    if (memcmp(shown, task->shown, sizeof task->shown) != 0) {
        (void)snprintf(
            text, SOTTO_ERROR_TEXT_BYTES,
            "%.64s disputes %s, and says that it was shown something else than this node "
            "sent: if so, what it was shown has this node's signature, and proves it",
            name, what);
    } else if (sotto_session_aggregator_recheck(find_shown(task), &wrong) == SOTTO_OK &&
               sotto__task_aggregator_recheck_result(task, &wrong) == SOTTO_OK) {
        (void)snprintf(text, SOTTO_ERROR_TEXT_BYTES,
                       "%.64s disputes %s, and is not right: this node checked again what it "
                       "showed, and finds the same",
                       name, what);
    } else {
        (void)snprintf(text, SOTTO_ERROR_TEXT_BYTES,
                       "%.64s disputes %s, and is right about what this node showed: %.200s", name,
                       what, wrong.text);
    }
}

enum sotto_status sotto__task_aggregator_receive_dispute(struct sotto_task_aggregator *task,
                                                         size_t index,
                                                         const struct sotto_message *message,
                                                         struct sotto_error *err)
{
    const struct invitee *invitee = &task->invitees[index];
    struct sotto_dispute dispute = {0};
    uint8_t shown[SOTTO_DIGEST_BYTES];
    char text[SOTTO_ERROR_TEXT_BYTES];
    if (!invitee->contributes || invitee->has_confirmed || !task->verifies ||
        (task->session_before == NULL && !task->is_confirming) ||
        memcmp(message->session, task->shown_session, sizeof task->shown_session) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "a dispute out of turn");
    }
    if (!sotto__dispute_parse(&dispute, shown, message)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "a DISPUTE message is malformed");
    }
    judge_dispute(task, text, index, &dispute, shown);
    sotto__task_aggregator_end(task, SOTTO_ERROR_PROTOCOL, text);
    return SOTTO_OK;
}

/* --- FINISH --- */

enum sotto_status sotto__task_aggregator_make_finish(const struct sotto_task_aggregator *task,
                                                     struct sotto_buffer *out,
                                                     enum sotto_status status, bool has_result)
{
    struct sotto__finish finish = {.status = status};
    const struct sotto_roster *roster =
        task->is_confirming ? sotto_session_aggregator_roster(task->session) : NULL;
    uint32_t len = roster != NULL ? roster->adverts_len : 0;
    struct sotto__confirmation *confirmations = sotto_alloc_array(len + 1, sizeof *confirmations);
    if (confirmations == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < len; i++) {
        const struct invitee *invitee =
            &task->invitees[sotto__task_aggregator_invitee_of_member(task, i)];
        if (invitee->has_confirmed) {
            confirmations[finish.confirmations_len++] =
                (struct sotto__confirmation){i, invitee->confirmation};
        }
    }
    finish.confirmations = confirmations;
    if (has_result && !task->is_confirming) {
        finish.result = task->result;
        finish.result_bytes = strlen(task->result);
    }
    enum sotto_status sealed = sotto__finish_seal(out, &finish, &task->terms.label, task->identity);
    sotto_free(confirmations);
    return sealed;
}
