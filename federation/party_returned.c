/* SPDX-License-Identifier: Apache-2.0 */

/* A party whose process ended in a later round, and began again [PROTOCOL.md, Long tasks]. It leans
 * on its host's disk, on records of sessions (sotto/record.h), and on party_rounds.c once it is
 * back.
 *
 * The idea: what a party may not forget is little, and no secret is in it: whose rows are in the
 * sums, the sums themselves, and the id of the session that it masked in. The rest it computes
 * again, as it did when it first joined.
 *
 * 1. Each time a round was opened and another follows, the host keeps it (KEEP), before the next
 *    ADVERT leaves. So a party is at most one round behind when it returns.
 * 2. A new process makes the same driver of what was kept, and says RETURN: that it is there, and
 *    for which round. Secrets of sessions are gone, so it takes part in none that is under way.
 * 3. REOPEN begins another attempt of its round, under the rule of party_rounds.c, 3: the session
 *    that it masked in is known by its PLEDGE. Where RECORD was written down too, it may have
 *    consented, and joins no other attempt.
 * 4. RESUME shows it the round that was opened without it. It takes the sum of the session that its
 *    PLEDGE names and of no other: t members consented to one set of masked inputs there, and no
 *    other set can be opened. */

#include "party_returned.h"

#include <sotto/alloc.h>
#include <sotto/record.h>
#include <string.h>

/* --- What is kept --- */

#define KEPT_VERSION 1

/* What only the first round's entry has: what all that follows is made from. */
static void write_origin(const struct sotto_task_party *task, struct sotto_writer *writer)
{
    const struct sotto_buffer *roster = &sotto_session_party_roster(task->session)->message;
    sotto_write_blob(writer, task->plan_json, strlen(task->plan_json));
    sotto_write_bytes(writer, task->terms.label.task.bytes, sizeof task->terms.label.task.bytes);
    sotto_write_bytes(writer, task->terms.aggregator.bytes, sizeof task->terms.aggregator.bytes);
    sotto_write_blob(writer, roster->data, roster->data_bytes);
    sotto_write_u32(writer, task->contributors_len);
    sotto_write_bytes(writer, task->contributors,
                      (size_t)task->contributors_len * sizeof *task->contributors);
}

/* A round's entry. round: that was opened. The chain of sums is made again from these, so that a
 * disk that was changed gives sessions that nobody else has. */
static enum sotto_status keep_round(struct sotto_task_party *task, uint32_t round,
                                    const struct sotto_session_opening *opening,
                                    const void *aggregate, size_t aggregate_bytes)
{
    struct sotto_action action = {.kind = SOTTO_ACTION_KEEP};
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_write_u8(&writer, KEPT_VERSION);
    sotto_write_u32(&writer, round);
    if (round == 1) {
        write_origin(task, &writer);
    }
    sotto_write_bytes(&writer, opening->session, sizeof opening->session);
    sotto_write_bytes(&writer, opening->survivors, sizeof opening->survivors);
    sotto_write_blob(&writer, aggregate, aggregate_bytes);
    enum sotto_status status = sotto_writer_status(&writer);
    if (status == SOTTO_OK) {
        action.bytes.data = sotto_writer_take(&writer, &action.bytes.data_bytes);
        sotto__outbox_push(&task->outbox, &action);
    }
    sotto_writer_release(&writer);
    return status;
}

enum sotto_status sotto__task_party_keep(struct sotto_task_party *task, const void *aggregate,
                                         size_t aggregate_bytes)
{
    struct sotto_session_opening opening;
    if (sotto__course_learns(&task->course)) {
        return SOTTO_OK; /* a process that is new has no runner in the middle of its training */
    }
    sotto_session_party_opening(task->session, &opening);
    return keep_round(task, task->terms.label.round, &opening, aggregate, aggregate_bytes);
}

/* An entry taken apart; borrows its bytes. */
struct kept {
    struct sotto__task_origin origin; /* of round 1 */
    const uint8_t *roster;
    size_t roster_bytes;
    const uint8_t *contributors;
    uint32_t contributors_len;
    struct sotto_session_opening opening;
    const uint8_t *aggregate;
    size_t aggregate_bytes;
};

static void read_origin(struct kept *out, struct sotto_reader *reader)
{
    struct sotto__task_origin *origin = &out->origin;
    origin->plan_json =
        (const char *)sotto_read_blob(reader, &origin->plan_bytes, SOTTO_MESSAGE_BYTES_MAX);
    sotto_read_copy(reader, origin->label.task.bytes, sizeof origin->label.task.bytes);
    sotto_read_copy(reader, origin->aggregator.bytes, sizeof origin->aggregator.bytes);
    out->roster = sotto_read_blob(reader, &out->roster_bytes, SOTTO_MESSAGE_BYTES_MAX);
    out->contributors_len = sotto_read_u32(reader);
    out->contributors =
        out->contributors_len <= SOTTO_SESSION_PARTIES_MAX
            ? sotto_read_bytes(reader, (size_t)out->contributors_len * sizeof(struct sotto_key))
            : NULL;
}

static enum sotto_status read_kept(struct kept *out, const struct sotto_buffer *bytes,
                                   uint32_t round, struct sotto_error *err)
{
    struct sotto_reader reader;
    sotto_reader_init(&reader, bytes->data, bytes->data_bytes);
    bool fits = sotto_read_u8(&reader) == KEPT_VERSION && sotto_read_u32(&reader) == round;
    if (fits && round == 1) {
        read_origin(out, &reader);
        fits = out->contributors != NULL;
    }
    sotto_read_copy(&reader, out->opening.session, sizeof out->opening.session);
    sotto_read_copy(&reader, out->opening.survivors, sizeof out->opening.survivors);
    out->aggregate = sotto_read_blob(&reader, &out->aggregate_bytes, SOTTO_MESSAGE_BYTES_MAX);
    return fits && sotto_reader_finished(&reader)
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_INPUT, "what was kept of round %u is malformed",
                                 round);
}

/* --- A new process --- */

/* The types that all agreed on, and whose rows are in the sums. */
static enum sotto_status restore_first(struct sotto_task_party *task, const struct kept *kept,
                                       struct sotto_error *err)
{
    struct sotto_message message;
    struct sotto_roster roster = {0};
    if (!sotto_message_parse(&message, kept->roster, kept->roster_bytes)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "the roster that was kept is malformed");
    }
    task->terms.label.attempt = message.label.attempt;
    enum sotto_status status =
        sotto_roster_open(&roster, kept->roster, kept->roster_bytes, &task->terms, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__task_party_agree(task, &roster, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    task->contributors = sotto_alloc_array(kept->contributors_len, sizeof *task->contributors);
    if (task->contributors == NULL) {
        status = sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a task");
        goto out;
    }
    memcpy(task->contributors, kept->contributors,
           (size_t)kept->contributors_len * sizeof *task->contributors);
    task->contributors_len = kept->contributors_len;
out:
    sotto_roster_release(&roster);
    return status;
}

/* Takes a round that was opened, and goes to the next one. */
static enum sotto_status restore_round(struct sotto_task_party *task, const struct kept *kept,
                                       struct sotto_error *err)
{
    sotto__opened_digest(task->opened, &kept->opening, kept->aggregate, kept->aggregate_bytes);
    task->terms.label.round++;
    task->terms.label.attempt = 0;
    return sotto__task_party_advance(task, kept->aggregate, kept->aggregate_bytes, err);
}

static enum sotto_status restore_rounds(struct sotto_task_party *task,
                                        const struct sotto_task_party_past *past,
                                        const struct kept *first, struct sotto_error *err)
{
    enum sotto_status status = restore_first(task, first, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = restore_round(task, first, err);
    if (status != SOTTO_OK) {
        return status;
    }
    for (size_t i = 1; i < past->kept_len; i++) {
        struct kept kept = {0};
        status = read_kept(&kept, &past->kept[i], (uint32_t)i + 1, err);
        if (status != SOTTO_OK) {
            return status;
        }
        status = restore_round(task, &kept, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* Of a pledge of an earlier round nothing is left to say: that round was opened. Of a later one its
 * host did not keep the rounds before. */
static enum sotto_status restore_pledge(struct sotto_task_party *task,
                                        const struct sotto_task_party_past *past,
                                        struct sotto_error *err)
{
    struct sotto_session_label *label = &task->terms.label;
    if (!sotto_session_pledge_read(&task->pledge, past->pledge, past->pledge_bytes)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "what was pledged is malformed");
    }
    if (task->pledge.label.round > label->round) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "a round was not kept before round %u was pledged",
                               task->pledge.label.round);
    }
    task->has_pledge = task->pledge.label.round == label->round;
    label->attempt = task->has_pledge ? task->pledge.label.attempt : 0;
    task->recorded = task->has_pledge && task->pledge.may_have_consented;
    return SOTTO_OK;
}

static enum sotto_status restore_task(struct sotto_task_party *task,
                                      const struct sotto_task_party_config *config,
                                      const struct sotto_task_party_past *past,
                                      struct sotto_error *err)
{
    struct kept first = {0};
    if (past->kept_len == 0) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "nothing of the task was kept");
    }
    enum sotto_status status = read_kept(&first, &past->kept[0], 1, err);
    if (status != SOTTO_OK) {
        return status;
    }
    first.origin.label.round = 1;
    status = sotto__task_party_init(task, config, &first.origin, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__task_party_read_plan(task, first.origin.plan_bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = restore_rounds(task, past, &first, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return restore_pledge(task, past, err);
}

static void say_returned(struct sotto_task_party *task)
{
    struct sotto_buffer message;
    struct sotto_session_label label = task->terms.label;
    label.attempt = 1; /* which one is under way it can't know */
    enum sotto_status status = sotto__return_seal(&message, &label, task->identity);
    if (status != SOTTO_OK) {
        task->outbox.status = status;
        return;
    }
    sotto__outbox_send(&task->outbox, &task->terms.aggregator, &message);
}

enum sotto_status sotto_task_party_resume(struct sotto_task_party **out,
                                          const struct sotto_task_party_config *config,
                                          const struct sotto_task_party_past *past,
                                          struct sotto_error *err)
{
    struct sotto_task_party *task = sotto_alloc_zeroed(sizeof *task);
    if (task == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a task");
    }
    enum sotto_status status = restore_task(task, config, past, err);
    if (status != SOTTO_OK) {
        sotto_task_party_free(task);
        return status;
    }
    task->phase = SOTTO__TASK_RETURNED;
    sotto__task_party_heard(task);
    say_returned(task);
    sotto__task_party_settle(task);
    *out = task;
    return SOTTO_OK;
}

/* --- A round that was opened meanwhile --- */

/* What RESUME says; borrows. */
struct missed {
    struct sotto_record record;
    const uint8_t *shown; /* the transcript, or the aggregate */
    size_t shown_bytes;
};

static enum sotto_status read_missed(struct missed *out, const struct sotto_task_party *task,
                                     const struct sotto_message *message, struct sotto_error *err)
{
    struct sotto_reader reader;
    struct sotto_reader record;
    size_t record_bytes;
    sotto_reader_init(&reader, message->body, message->body_bytes);
    const uint8_t *bytes = sotto_read_blob(&reader, &record_bytes, SOTTO_MESSAGE_BYTES_MAX);
    out->shown_bytes = sotto_reader_left(&reader);
    out->shown = sotto_read_bytes(&reader, out->shown_bytes);
    if (bytes == NULL || !sotto_reader_finished(&reader)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "what the aggregator shows is malformed");
    }
    sotto_reader_init(&record, bytes, record_bytes);
    enum sotto_status status = sotto_record_read(&out->record, &record, &task->terms, 0, err);
    if (status == SOTTO_OK && !sotto_reader_finished(&record)) {
        sotto_record_release(&out->record);
        status = sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "the record of a round is malformed");
    }
    return status;
}

/* Whether the record is of the session that this party masked in, of the same parties, and of the
 * types, slots and sums that it computes itself. */
static enum sotto_status check_record(const struct sotto_task_party *task,
                                      const struct sotto_record *record,
                                      const struct sotto_session_terms *terms,
                                      struct sotto_error *err)
{
    bool is_own =
        task->has_pledge && record->label.round == task->terms.label.round &&
        memcmp(record->opening.session, task->pledge.session, sizeof task->pledge.session) == 0 &&
        memcmp(record->agreement, terms->agreement, sizeof terms->agreement) == 0;
    return is_own ? sotto__task_party_check_contributors(task, &record->roster, err)
                  : sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                    "the aggregator shows a round that this party gave no input "
                                    "to");
}

/* The sum of the missed round, as a party that did not miss it would have it. */
static enum sotto_status open_missed(uint8_t *sum, size_t sum_bytes, const struct missed *missed,
                                     const struct sotto_session_terms *terms,
                                     struct sotto_error *err)
{
    if (terms->verifies) {
        return sotto_record_open(&missed->record, sum, terms->runs, terms->runs_len, missed->shown,
                                 missed->shown_bytes, err);
    }
    if (missed->shown_bytes != sum_bytes) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "an aggregate is malformed");
    }
    memcpy(sum, missed->shown, sum_bytes);
    return SOTTO_OK;
}

/* Takes the missed round as if this party had been there. */
static enum sotto_status follow_missed(struct sotto_task_party *task, const struct missed *missed,
                                       const struct sotto_session_terms *terms,
                                       struct sotto_error *err)
{
    size_t bytes = sotto__course_bytes(&task->course);
    uint32_t round = task->terms.label.round;
    uint8_t *sum = sotto_alloc_aligned(bytes);
    if (sum == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory to check a sum");
    }
    enum sotto_status status = open_missed(sum, bytes, missed, terms, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    sotto__opened_digest(task->opened, &missed->record.opening, sum, bytes);
    task->terms.label.round++;
    task->recorded = task->has_pledge = false;
    status = sotto__task_party_advance(task, sum, bytes, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = keep_round(task, round, &missed->record.opening, sum, bytes);
    if (status != SOTTO_OK) {
        (void)sotto_error_set(err, status, "no memory to keep a round");
    }
out:
    sotto_free(sum);
    return status;
}

static enum sotto_status check_missed(struct sotto_task_party *task,
                                      const struct sotto_message *message, struct sotto_error *err)
{
    struct missed missed = {0};
    struct sotto__round_terms terms;
    enum sotto_status status = read_missed(&missed, task, message, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__round_terms_init(&terms, task->plan, &task->course, &task->terms, task->opened,
                                     task->contributors_len, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = check_record(task, &missed.record, &terms.terms, err);
    if (status == SOTTO_OK) {
        status = follow_missed(task, &missed, &terms.terms, err);
    }
    sotto__round_terms_release(&terms);
out:
    sotto_record_release(&missed.record);
    return status;
}

enum sotto_status sotto__task_party_resume(struct sotto_task_party *task,
                                           const struct sotto_message *message,
                                           struct sotto_error *err)
{
    struct sotto_error reason = {0};
    if (task->phase != SOTTO__TASK_RETURNED ||
        message->label.round != task->terms.label.round + 1 || message->label.attempt == 0) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "a missed round out of turn");
    }
    enum sotto_status status = check_missed(task, message, &reason);
    if (status != SOTTO_OK) {
        sotto__task_party_leave(task, status, reason.text);
        return sotto_error_set(err, status, "%s", reason.text);
    }
    task->terms.label = message->label;
    sotto__task_party_advertise(task);
    return SOTTO_OK;
}
