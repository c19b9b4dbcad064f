/* SPDX-License-Identifier: Apache-2.0 */

/* The party's side of verified sums: what it is shown, what it computes from that, and the end. It
 * leans on the session for what was opened, on the driver for what follows from a sum, on
 * verified.c for what is signed.
 *
 * The idea: nothing that the aggregator says about a sum is ever compared with it. The party
 * computes the sum from what it is shown, gives it to its own driver, and goes on with what that
 * says: to its own next round, or to its own result. So there is no way in which another sum could
 * reach its rows or its owner.
 *
 * 1. OPENED comes once the party has consented (it waits in next_round before). The session wipes
 *    its secrets, checks the transcript, and gives the sum.
 * 2. The driver takes the sum. Whether there is another round, the driver knows.
 * 3. In the end the result's text must be what this driver writes. Then, and only then, it is
 *    signed.
 * 4. What is wrong is disputed: a class and a digest of what was shown. The party has left then.
 * 5. FINISH is believed as a success only after 3, where the last round is verified: a result that
 *    was never shown to be right can't be passed off as one. Who never consented, because it was
 *    too late, nobody asked it or its process was gone, has no result then, and accuses nobody; nor
 *    does who has not in a later round of tolerant code, which may go on without it. */

#include "party_returned.h"
#include "verified.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

/* Ends the party's part, saying what is wrong with the OPENED that it was shown. */
static void dispute(struct sotto_task_party *task, const struct sotto_buffer *opened,
                    const struct sotto_session_opening *opening, const struct sotto_dispute *what,
                    const char *why)
{
    struct sotto_buffer message;
    uint8_t shown[SOTTO_DIGEST_BYTES];
    char text[SOTTO_ERROR_TEXT_BYTES];
    sotto__shown_digest(shown, opened);
    enum sotto_status status = sotto__dispute_seal(&message, what, shown, &task->terms.label,
                                                   opening->session, task->identity);
    if (status == SOTTO_OK) {
        sotto__outbox_send(&task->outbox, &task->terms.aggregator, &message);
    }
    (void)snprintf(text, sizeof text, "%s is wrong: %.300s (it is up to the aggregator)",
                   sotto__dispute_text(what->kind), why);
    sotto__task_party_end(task, SOTTO_ERROR_PROTOCOL, text);
}

/* Whether the party could not check, which is not the aggregator's fault. */
static bool is_own_trouble(enum sotto_status status)
{
    return status == SOTTO_ERROR_NO_MEMORY || status == SOTTO_ERROR_CANCELLED;
}

/* What the party checks, and how far it got. */
struct check {
    struct sotto_session_opening opening;
    struct sotto__shown opened;
    struct sotto_dispute dispute;
    struct sotto_error err;
};

/* Computes the sum, and gives it to the driver. */
static enum sotto_status check_sum(struct sotto_task_party *task, struct check *check)
{
    size_t bytes = sotto__course_bytes(&task->course);
    uint8_t *sum = sotto_alloc_aligned(bytes);
    if (sum == NULL) {
        return sotto_error_set(&check->err, SOTTO_ERROR_NO_MEMORY, "no memory to check a sum");
    }
    enum sotto_status status = sotto_session_party_verify(
        task->session, sum, bytes, &check->dispute, check->opened.transcript,
        check->opened.transcript_bytes, &check->err);
    if (status != SOTTO_OK) {
        goto out;
    }
    sotto__opened_digest(task->opened, &check->opening, sum, bytes);
    check->dispute.kind = SOTTO_DISPUTE_SUM;
    /* Aligned, and little endian as limbs are. */
    status = sotto__course_advance(&task->course, sum, bytes, task->trained_len, &check->err);
    if (status != SOTTO_OK) {
        goto out;
    }
    bool has_another = sotto__course_round(&task->course) != 0;
    if (has_another != (check->opened.result_bytes == 0)) {
        check->dispute.kind = SOTTO_DISPUTE_RESULT;
        status = sotto_error_set(&check->err, SOTTO_ERROR_PROTOCOL,
                                 has_another ? "the aggregator has a result before the last round"
                                             : "the aggregator has no result after the last round");
    } else if (has_another) {
        status = sotto__task_party_keep(task, sum, bytes);
    }
out:
    sotto_free(sum);
    return status;
}

/* Whether the result is this party's own. Keeps it. */
static enum sotto_status check_result(struct sotto_task_party *task, struct check *check)
{
    bool is_own = false;
    char *text = sotto_text_copy(check->opened.result, check->opened.result_bytes);
    if (text == NULL) {
        return sotto_error_set(&check->err, SOTTO_ERROR_NO_MEMORY, "no memory for a result");
    }
    check->dispute.kind = SOTTO_DISPUTE_RESULT;
    enum sotto_status status =
        strlen(text) == check->opened.result_bytes
            ? sotto__course_is_result(&task->course, &is_own, text, task->contributors_len,
                                      task->offers, task->offers_len, &check->err)
            : SOTTO_OK;
    if (status != SOTTO_OK) {
        goto out;
    }
    if (!is_own) {
        status = sotto_error_set(&check->err, SOTTO_ERROR_PROTOCOL,
                                 "the aggregator's result is another than this party computed");
        goto out;
    }
    status =
        sotto__confirmed_digest(task->confirmed, &task->terms, &task->course, task->opened, text);
    if (status != SOTTO_OK) {
        (void)sotto_error_set(&check->err, status, "no memory to confirm a result");
        goto out;
    }
    task->result = text;
    text = NULL;
out:
    sotto_free(text);
    return status;
}

/* Everything about an OPENED. */
static enum sotto_status check_opened(struct sotto_task_party *task, struct check *check,
                                      const struct sotto_buffer *bytes)
{
    struct sotto_message message;
    SOTTO_REQUIRE(sotto_message_parse(&message, bytes->data, bytes->data_bytes));
    sotto_session_party_opening(task->session, &check->opening);
    check->dispute.kind = SOTTO_DISPUTE_FORM;
    if (memcmp(message.session, check->opening.session, sizeof message.session) != 0 ||
        !sotto__opened_parse(&check->opened, &message)) {
        return sotto_error_set(&check->err, SOTTO_ERROR_PROTOCOL,
                               "what the aggregator shows is malformed, or of another session");
    }
    enum sotto_status status = sotto__task_party_keep_contributors(task);
    if (status != SOTTO_OK) {
        return sotto_error_set(&check->err, status, "no memory for a round");
    }
    status = check_sum(task, check);
    if (status != SOTTO_OK || check->opened.result_bytes == 0) {
        return status;
    }
    return check_result(task, check);
}

static void confirm(struct sotto_task_party *task, const struct sotto_session_opening *opening)
{
    struct sotto_buffer message;
    enum sotto_status status = sotto__confirm_seal(&message, task->confirmed, &task->terms.label,
                                                   opening->session, task->identity);
    if (status != SOTTO_OK) {
        task->outbox.status = status;
        return;
    }
    sotto__outbox_send(&task->outbox, &task->terms.aggregator, &message);
}

void sotto__task_party_follow_opened(struct sotto_task_party *task)
{
    struct check check = {0};
    struct sotto_buffer bytes = task->next_round;
    task->next_round = (struct sotto_buffer){0};
    sotto__task_party_pump(task); /* what is queued goes out before the secrets are wiped */
    enum sotto_status status = check_opened(task, &check, &bytes);
    if (status != SOTTO_OK && is_own_trouble(status)) {
        sotto__task_party_leave(task, status, check.err.text);
    } else if (status != SOTTO_OK) {
        dispute(task, &bytes, &check.opening, &check.dispute, check.err.text);
    } else if (task->result != NULL) {
        task->phase = SOTTO__TASK_CONFIRMED;
        sotto__task_party_heard(task);
        if (!task->demands.no_receipts) {
            confirm(task, &check.opening);
        }
    } else {
        sotto_session_party_free(task->session);
        task->session = NULL;
        task->terms.label.round++;
        task->terms.label.attempt = 1;
        task->recorded = false;
        sotto__task_party_advertise(task);
    }
    sotto_buffer_release(&bytes);
}

/* --- FINISH --- */

static bool is_asked_to_consent(const struct sotto_task_party *task)
{
    return task->session != NULL &&
           sotto_session_party_phase(task->session) >= SOTTO_PARTY_RECORDING;
}

/* Whether a later round may be over without this party. */
static bool is_left_behind(const struct sotto_task_party *task)
{
    return task->contributors != NULL && sotto__course_is_tolerant(&task->course) &&
           !is_asked_to_consent(task);
}

/* Whether the aggregator owes this party what opened the last round. A party that never consented
 * was perhaps shown it, and does not look. */
static bool is_owed(const struct sotto_task_party *task)
{
    bool is_in = task->contributors != NULL || is_asked_to_consent(task);
    return sotto_plan_publishes(task->plan) && task->verifies && is_in && !is_left_behind(task) &&
           task->next_round.data == NULL;
}

/* Whether FINISH may have a result for this party: its masked input left, and it checks no sum. */
static bool may_be_told(const struct sotto_task_party *task)
{
    return sotto_plan_publishes(task->plan) && task->phase == SOTTO__TASK_SESSION &&
           !task->verifies && sotto_session_party_has_masked(task->session);
}

/* Who confirmed, as text has room for. Returns: false if a confirmation is not right. */
static bool read_confirmations(struct sotto_task_party *task, char text[SOTTO_ERROR_TEXT_BYTES],
                               const struct sotto__finish *finish)
{
    bool lives[SOTTO_SESSION_PARTIES_MAX];
    bool confirms[SOTTO_SESSION_PARTIES_MAX];
    uint32_t all = 0;
    const struct sotto_roster *roster = sotto_session_party_roster(task->session);
    for (uint32_t i = 0; i < roster->adverts_len; i++) {
        lives[i] = sotto_session_party_lives(task->session, i);
        all += lives[i];
    }
    if (!sotto__finish_verify(finish, confirms, roster, lives, task->confirmed)) {
        return false;
    }
    task->is_confirmed = finish->confirmations_len == all;
    size_t used = (size_t)snprintf(text, SOTTO_ERROR_TEXT_BYTES,
                                   "the task ended: confirmed by %u of %u parties",
                                   finish->confirmations_len, all);
    for (uint32_t i = 0; i < roster->adverts_len && used < SOTTO_ERROR_TEXT_BYTES; i++) {
        size_t peer = sotto__peers_find(&task->peers, &roster->adverts[i].sender);
        if (lives[i] && !confirms[i] && peer != SOTTO_NONE) {
            sotto__unconfirmed_write(text, &used, task->peers.peers[peer].name,
                                     roster->adverts[i].demands.no_receipts);
        }
    }
    return true;
}

/* Ends with success after this party has confirmed. */
static enum sotto_status finish_confirmed(struct sotto_task_party *task,
                                          const struct sotto__finish *finish,
                                          struct sotto_error *err)
{
    char text[SOTTO_ERROR_TEXT_BYTES];
    if (!read_confirmations(task, text, finish)) {
        static const char why[] =
            "the aggregator shows a confirmation that does not sign this result";
        sotto__task_party_end(task, SOTTO_ERROR_PROTOCOL, why);
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "%s", why);
    }
    sotto__task_party_end(task, SOTTO_OK, text);
    return SOTTO_OK;
}

enum sotto_status sotto__task_party_finish(struct sotto_task_party *task,
                                           const struct sotto_message *message,
                                           struct sotto_error *err)
{
    char text[128];
    struct sotto__finish finish;
    if (!sotto__finish_parse(&finish, message)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "the end of a task is malformed");
    }
    if (finish.status == SOTTO_OK && task->phase == SOTTO__TASK_CONFIRMED) {
        return finish_confirmed(task, &finish, err);
    }
    if (finish.status == SOTTO_OK && task->phase == SOTTO__TASK_RETURNED) {
        sotto__task_party_end(task, SOTTO_OK,
                              "the task ended while this party was away: it has checked no result");
        return SOTTO_OK;
    }
    if (finish.status == SOTTO_OK &&
        (is_owed(task) || (finish.result_bytes > 0 && !may_be_told(task)))) {
        static const char why[] =
            "the aggregator ends the task as a success, and has not shown what "
            "opened the last round";
        sotto__task_party_leave(task, SOTTO_ERROR_PROTOCOL, why);
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "%s", why);
    }
    if (finish.result_bytes > 0) { /* without memory for it the task has ended all the same */
        task->result = sotto_text_copy(finish.result, finish.result_bytes);
    }
    if (finish.status == SOTTO_OK && is_left_behind(task)) {
        (void)snprintf(text, sizeof text, "the task ended without this party");
    } else {
        (void)snprintf(text, sizeof text, "the task ended: %s", sotto_status_text(finish.status));
    }
    sotto__task_party_end(task, finish.status, text);
    return SOTTO_OK;
}
