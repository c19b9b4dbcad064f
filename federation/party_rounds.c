/* SPDX-License-Identifier: Apache-2.0 */

/* A party's sessions: the roster and what it agrees on, its partial, rounds, new attempts. It leans
 * on the session's machine, which keeps the secrets, and believes nothing that it could derive. A
 * party has one session at a time, and answers each round once. What it may send when:
 *
 * 1. ADVERT begins an attempt (sotto__task_party_advertise), with fresh keys each time: nothing
 *    that was sent in one attempt is of use in another.
 * 2. A ROSTER makes it a session: the party derives types, slots and thresholds from it by itself
 *    (terms.c), deals shares of its secrets, and its host is asked for a partial. While the host
 *    computes, the driver stands still: another roster waits in next_roster, and a REOPEN throws it
 *    away.
 * 3. Before its masked partial leaves the host writes down that it does (PLEDGE). Until then REOPEN
 *    may ask the party to start over: the session is freed, which wipes its secrets, and 1 follows
 *    with a higher attempt. Afterwards others can open the session without it, so a REOPEN needs
 *    the releases of so many members that they can't. WITHDRAW asks for a release: the session is
 *    the machine's, which wipes it and then signs.
 * 4. At LIVING the session asks for a record (RECORDING). From here on the party has answered this
 *    round, and a REOPEN of it is refused: consent to two sets of survivors would open two
 *    sums, whose difference is the value of whoever is in one of them only.
 * 5. CONSENT goes out when the host says that the record is durable (sotto_task_party_recorded). A
 *    crash before that has sent nothing; after it, the host finds the record: in the first round
 *    (config->answered) the party declines, in a later one it returns (party_returned.c).
 * 6. REVEAL follows on the signatures of enough holders on the same set. It is the session's, and
 *    the last thing that its secrets are for.
 * 7. OPENED, or ROUND where sums are not verified, may overtake the host, so it waits in next_round
 *    until the party has consented. Then the survivors that it consented to become the contributors
 *    of the next round, the sum is computed (party_opened.c) or taken from ROUND, the session is
 *    freed, the aggregate goes to the driver, which refuses what no rows can give, the host keeps
 *    the round (KEEP), and 1 follows with the next one. A roster that is not exactly the
 *    contributors is refused; where code is tolerant, one that is not some of them.
 * 8. LEAVE and FINISH end it at any point, and free the session first. */

#include "party_returned.h"

#include <sotto/alloc.h>
#include <sotto/contribution.h>
#include <sotto/secret.h>
#include <sotto/watch.h>
#include <stdio.h>
#include <string.h>

/* --- Session --- */

enum sotto_status sotto__task_party_check_contributors(const struct sotto_task_party *task,
                                                       const struct sotto_roster *roster,
                                                       struct sotto_error *err)
{
    uint32_t found = 0; /* both ascend by keys */
    for (uint32_t i = 0; i < task->contributors_len && found < roster->adverts_len; i++) {
        found += sotto_key_equal(&roster->adverts[found].sender, &task->contributors[i]);
    }
    bool fits = found == roster->adverts_len &&
                (found == task->contributors_len || sotto__course_is_tolerant(&task->course));
    return fits
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                 "round %u has other parties than those whose sum the round before "
                                 "opened",
                                 task->terms.label.round);
}

enum sotto_status sotto__task_party_agree(struct sotto_task_party *task,
                                          const struct sotto_roster *roster,
                                          struct sotto_error *err)
{
    sotto__task_party_forget_offers(task);
    enum sotto_status status = sotto__agree(&task->course, &task->cover, task->plan, roster,
                                            &task->terms, &task->peers, task->interrupt, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (task->keeps_opened && task->course.driver != NULL) {
        sotto_driver_keep_opened(task->course.driver);
    }
    task->offers = sotto_alloc_array(roster->adverts_len, sizeof *task->offers);
    if (task->offers == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a roster");
    }
    for (uint32_t i = 0; i < roster->adverts_len; i++) {
        struct sotto__offer offer;
        status = sotto__offer_decode(&offer, task->plan, &roster->adverts[i]);
        if (status != SOTTO_OK) {
            return sotto_error_set(err, status, "%s", sotto_status_text(status));
        }
        task->offers[task->offers_len++] = offer.schema;
    }
    return SOTTO_OK;
}

static enum sotto_status start_session(struct sotto_task_party *task, struct sotto_roster *roster,
                                       struct sotto_error *err)
{
    struct sotto__round_terms terms;
    bool is_first = task->terms.label.round == 1;
    enum sotto_status status = is_first ? sotto__task_party_agree(task, roster, err)
                                        : sotto__task_party_check_contributors(task, roster, err);
    if (status != SOTTO_OK) {
        return status;
    }
    const struct sotto__draw_terms draw = {.plan = task->plan,
                                           .course = &task->course,
                                           .roster = roster,
                                           .contributors = is_first ? NULL : task->contributors,
                                           .contributors_len = task->contributors_len,
                                           .opened = task->opened};
    status = sotto__draw_make(&task->draw, &draw, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__round_terms_init(&terms, task->plan, &task->course, &task->terms, task->opened,
                                     roster->adverts_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    task->verifies = terms.terms.verifies;
    status = sotto_session_party_start(task->session, roster, &terms.terms, err);
    sotto__round_terms_release(&terms);
    return status;
}

static enum sotto_status open_roster(struct sotto_task_party *task, const uint8_t *bytes,
                                     size_t bytes_len, struct sotto_error *err)
{
    struct sotto_roster roster = {0};
    enum sotto_status status = sotto_roster_open(&roster, bytes, bytes_len, &task->terms, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = start_session(task, &roster, err);
out:
    sotto_roster_release(&roster);
    return status;
}

bool sotto_task_party_is_drawn(const struct sotto_task_party *task)
{
    if (task->session == NULL) {
        return true;
    }
    struct sotto_key key = sotto_identity_key(task->identity);
    uint32_t own = sotto_roster_find(sotto_session_party_roster(task->session), &key);
    return own == UINT32_MAX || sotto__draw_has(&task->draw, own);
}

size_t sotto_task_party_trainers(const struct sotto_task_party *task, struct sotto_key *out,
                                 size_t max)
{
    size_t len = 0;
    if (task->session == NULL) {
        return 0;
    }
    const struct sotto_roster *roster = sotto_session_party_roster(task->session);
    bool is_settled = sotto_session_party_phase(task->session) >= SOTTO_PARTY_RECORDING;
    for (uint32_t i = 0; i < roster->adverts_len; i++) {
        if (!sotto__draw_has(&task->draw, i) ||
            (is_settled && !sotto_session_party_lives(task->session, i))) {
            continue;
        }
        if (len < max) {
            out[len] = roster->adverts[i].sender;
        }
        len++;
    }
    return len;
}

/* The input of who is not drawn. */
static enum sotto_status give_zeros(struct sotto_task_party *task)
{
    size_t bytes = sotto__course_bytes(&task->course);
    uint8_t *zeros = sotto_alloc_zeroed(bytes);
    if (zeros == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    enum sotto_status status = sotto_session_party_input(task->session, zeros, bytes);
    sotto_free(zeros);
    return status;
}

void sotto__task_party_receive_roster(struct sotto_task_party *task, const uint8_t *bytes,
                                      size_t bytes_len)
{
    struct sotto_error err;
    enum sotto_status status = open_roster(task, bytes, bytes_len, &err);
    if (status != SOTTO_OK) {
        sotto__task_party_leave(task, status, err.text);
        return;
    }
    task->phase = SOTTO__TASK_SESSION;
    sotto__task_party_heard(task);
    if (sotto_task_party_is_drawn(task)) {
        struct sotto_action action = {.kind = SOTTO_ACTION_PARTIAL};
        task->computing = true;
        sotto__outbox_push(&task->outbox, &action);
        return;
    }
    status = give_zeros(task);
    if (status != SOTTO_OK) {
        sotto__task_party_leave(task, status, sotto_status_text(status));
    }
}

/* Not where it gave the session up meanwhile. */
static bool waits_for_input(const struct sotto_session_party *session)
{
    enum sotto_party_phase phase = sotto_session_party_phase(session);
    return phase == SOTTO_PARTY_DEALT || phase == SOTTO_PARTY_SHARED;
}

/* The session that asked for a vector is over; a roster that came meanwhile begins the next one. */
static void follow_waiting_roster(struct sotto_task_party *task)
{
    if (task->phase != SOTTO__TASK_SESSION && task->next_roster.data != NULL) {
        struct sotto_buffer roster = task->next_roster;
        task->next_roster = (struct sotto_buffer){0};
        sotto__task_party_receive_roster(task, roster.data, roster.data_bytes);
        sotto_buffer_release(&roster);
    }
}

/* Limbs are stored as vectors are: little endian (aggregation/vector.c refuses other hosts). */
static enum sotto_status give(struct sotto_task_party *task, const uint64_t *limbs,
                              size_t limbs_len)
{
    return sotto_session_party_input(task->session, (const uint8_t *)limbs,
                                     limbs_len * sizeof *limbs);
}

/* Groups that the first round keeps back later ones do too. Returns: SOTTO_ERROR_NO_MEMORY. */
static enum sotto_status keep_groups_back(const struct sotto_task_party *task, uint64_t *in_out)
{
    size_t len = sotto_driver_groups_len(task->course.driver);
    uint8_t *withheld = sotto_alloc_array(len + 1, sizeof *withheld);
    if (withheld == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < len; i++) {
        withheld[i] = task->cover.opened[i * task->cover.stride] == 0;
    }
    sotto_driver_withhold(task->course.driver, in_out, withheld);
    sotto_free(withheld);
    return SOTTO_OK;
}

/* Gives what all parties open, and nothing of the rest. */
static enum sotto_status give_opened(struct sotto_task_party *task, const uint64_t *limbs,
                                     size_t limbs_len)
{
    enum sotto_status status = SOTTO_OK;
    uint64_t *opened = sotto_alloc_array(limbs_len, sizeof *opened);
    if (opened == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    memcpy(opened, limbs, limbs_len * sizeof *opened);
    if (task->terms.label.round == 1) {
        sotto_driver_keep_back(task->course.driver, opened, task->cover.opened);
    } else {
        status = keep_groups_back(task, opened);
    }
    if (status == SOTTO_OK) {
        status = give(task, opened, limbs_len);
    }
    sotto_wipe(opened, limbs_len * sizeof *opened);
    sotto_free(opened);
    return status;
}

void sotto_task_party_partial(struct sotto_task_party *task, const uint64_t *limbs,
                              size_t limbs_len)
{
    SOTTO_REQUIRE(task->outbox.ended || task->computing);
    task->computing = false;
    if (task->outbox.ended) {
        return;
    }
    if (task->phase == SOTTO__TASK_SESSION && waits_for_input(task->session)) {
        SOTTO_REQUIRE(limbs_len == sotto_driver_limbs_len(task->course.driver));
        enum sotto_status status = task->cover.is_all_open ? give(task, limbs, limbs_len)
                                                           : give_opened(task, limbs, limbs_len);
        if (status != SOTTO_OK) {
            sotto__task_party_leave(task, status, sotto_status_text(status));
        }
    } else {
        follow_waiting_roster(task);
    }
    sotto__task_party_settle(task);
}

/* Gives the session what a party trained. */
static enum sotto_status give_update(struct sotto_task_party *task, size_t *out_clipped,
                                     const struct sotto_buffer *weights, uint64_t rows,
                                     struct sotto_error *err)
{
    size_t bytes = sotto__course_bytes(&task->course);
    uint8_t *vector = sotto_alloc_aligned(bytes);
    if (vector == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = sotto__training_encode(
        task->course.training, vector, out_clipped, weights->data, weights->data_bytes, rows, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_session_party_input(task->session, vector, bytes);
    if (status != SOTTO_OK) {
        (void)sotto_error_set(err, status, "%s", sotto_status_text(status));
    }
out:
    sotto_wipe(vector, bytes);
    sotto_free(vector);
    return status;
}

enum sotto_status sotto_task_party_update(struct sotto_task_party *task, size_t *out_clipped,
                                          const struct sotto_buffer *weights, uint64_t rows,
                                          struct sotto_error *err)
{
    enum sotto_status status = SOTTO_OK;
    *out_clipped = 0;
    SOTTO_REQUIRE(task->outbox.ended || task->computing);
    task->computing = false;
    if (task->outbox.ended) {
        return SOTTO_OK;
    }
    if (task->phase == SOTTO__TASK_SESSION && waits_for_input(task->session)) {
        status = give_update(task, out_clipped, weights, rows, err);
    } else {
        follow_waiting_roster(task);
    }
    sotto__task_party_settle(task);
    return status;
}

/* --- Another round --- */

enum sotto_status sotto__task_party_keep_contributors(struct sotto_task_party *task)
{
    const struct sotto_roster *roster = sotto_session_party_roster(task->session);
    struct sotto_key *contributors = sotto_alloc_array(roster->adverts_len, sizeof *contributors);
    if (contributors == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    sotto_free(task->contributors);
    task->contributors = contributors;
    task->contributors_len = 0;
    task->trained_len = 0;
    for (uint32_t i = 0; i < roster->adverts_len; i++) {
        if (sotto_session_party_lives(task->session, i)) {
            task->trained_len += sotto__draw_has(&task->draw, i);
            task->contributors[task->contributors_len++] = roster->adverts[i].sender;
        }
    }
    return SOTTO_OK;
}

static enum sotto_status fail_another_round(struct sotto_error *err, enum sotto_status status)
{
    return sotto_error_set(err, status, "another round: %s", sotto_status_text(status));
}

enum sotto_status sotto__task_party_advance(struct sotto_task_party *task, const void *aggregate,
                                            size_t aggregate_bytes, struct sotto_error *err)
{
    uint8_t *sum = sotto_alloc_aligned(aggregate_bytes + 1);
    if (sum == NULL) {
        return fail_another_round(err, SOTTO_ERROR_NO_MEMORY);
    }
    memcpy(sum, aggregate, aggregate_bytes);
    enum sotto_status status =
        sotto__course_advance(&task->course, sum, aggregate_bytes, task->trained_len, err);
    if (status == SOTTO_OK && sotto__course_round(&task->course) != task->terms.label.round) {
        status = sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                 "the aggregator asks for a round that the plan does not have");
    }
    sotto_free(sum);
    return status;
}

/* Keeps whom the session was over, ends it, and follows the ROUND message. */
static enum sotto_status follow_round(struct sotto_task_party *task,
                                      const struct sotto_message *message, struct sotto_error *err)
{
    struct sotto_session_opening opening;
    sotto__task_party_pump(task);
    sotto_session_party_opening(task->session, &opening);
    sotto__opened_digest(task->opened, &opening, message->body, message->body_bytes);
    enum sotto_status status = sotto__task_party_keep_contributors(task);
    if (status == SOTTO_OK) {
        status = sotto__task_party_keep(task, message->body, message->body_bytes);
    }
    sotto_session_party_free(task->session);
    task->session = NULL;
    task->phase = SOTTO__TASK_JOINED;
    task->terms.label = message->label;
    task->recorded = false;
    if (status != SOTTO_OK) {
        return fail_another_round(err, status);
    }
    return sotto__task_party_advance(task, message->body, message->body_bytes, err);
}

/* Goes to the next round once this party has answered for the survivors of the one before. */
static void consider_round(struct sotto_task_party *task)
{
    struct sotto_error err = {0};
    struct sotto_message message;
    if (task->next_round.data == NULL || task->outbox.ended || task->phase != SOTTO__TASK_SESSION ||
        sotto_session_party_phase(task->session) < SOTTO_PARTY_CONSENTED) {
        return;
    }
    if (task->verifies) {
        sotto__task_party_follow_opened(task);
        return;
    }
    struct sotto_buffer bytes = task->next_round;
    task->next_round = (struct sotto_buffer){0};
    SOTTO_REQUIRE(sotto_message_parse(&message, bytes.data, bytes.data_bytes));
    enum sotto_status status = follow_round(task, &message, &err);
    sotto_buffer_release(&bytes);
    if (status == SOTTO_OK) {
        sotto__task_party_advertise(task);
    } else {
        sotto__task_party_leave(task, status, err.text);
    }
}

/* What comes after the round that is under way waits until this party has consented. It comes once:
 * a party that can't keep it has left. */
static enum sotto_status keep_next(struct sotto_task_party *task, const uint8_t *bytes,
                                   size_t bytes_len, struct sotto_error *err)
{
    enum sotto_status status = sotto_buffer_copy(&task->next_round, bytes, bytes_len);
    if (status != SOTTO_OK) {
        sotto__task_party_leave(task, status, sotto_status_text(status));
        return fail_another_round(err, status);
    }
    consider_round(task);
    return SOTTO_OK;
}

enum sotto_status sotto__task_party_receive_round(struct sotto_task_party *task,
                                                  const struct sotto_message *message,
                                                  const uint8_t *bytes, size_t bytes_len,
                                                  struct sotto_error *err)
{
    if (task->phase != SOTTO__TASK_SESSION || message->label.round != task->terms.label.round + 1 ||
        message->label.attempt != 1 || task->next_round.data != NULL) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "another round out of turn");
    }
    if (task->verifies) {
        static const char why[] = "the aggregator asks for another round and does not show what "
                                  "opened the one before";
        sotto__task_party_leave(task, SOTTO_ERROR_PROTOCOL, why);
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "%s", why);
    }
    return keep_next(task, bytes, bytes_len, err);
}

enum sotto_status sotto__task_party_receive_opened(struct sotto_task_party *task,
                                                   const struct sotto_message *message,
                                                   const uint8_t *bytes, size_t bytes_len,
                                                   struct sotto_error *err)
{
    if (task->phase != SOTTO__TASK_SESSION || !task->verifies || task->next_round.data != NULL ||
        !sotto_session_label_equal(&message->label, &task->terms.label)) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "an opened round out of turn");
    }
    return keep_next(task, bytes, bytes_len, err);
}

void sotto_task_party_recorded(struct sotto_task_party *task)
{
    if (task->outbox.ended || task->phase != SOTTO__TASK_SESSION) {
        return;
    }
    enum sotto_party_phase phase = sotto_session_party_phase(task->session);
    if (phase != SOTTO_PARTY_MASKING && phase != SOTTO_PARTY_RECORDING) {
        return; /* the session was given up meanwhile */
    }
    task->recorded = task->recorded || phase == SOTTO_PARTY_RECORDING;
    enum sotto_status status = sotto_session_party_recorded(task->session);
    if (status != SOTTO_OK && phase == SOTTO_PARTY_MASKING) {
        sotto__task_party_leave(task, status, sotto_status_text(status));
    } else if (status != SOTTO_OK) {
        sotto__task_party_end(task, status, sotto_status_text(status));
    }
    consider_round(task);
    sotto__task_party_settle(task);
}

/* Whether nobody can open the session that this party, or its process before, has masked in. */
static enum sotto_status check_restart(const struct sotto_task_party *task,
                                       const struct sotto_message *message, struct sotto_error *err)
{
    if (task->session != NULL) {
        return sotto_session_party_may_restart(task->session, message->body, message->body_bytes,
                                               err);
    }
    if (!task->has_pledge || task->pledge.label.round != task->terms.label.round) {
        return SOTTO_OK;
    }
    return sotto_session_pledge_may_restart(&task->pledge, task->contributors,
                                            task->contributors_len, message->body,
                                            message->body_bytes, err);
}

/* Starts a new attempt at a round whose survivors this party has not consented to, and whose
 * attempt before nobody can open. */
enum sotto_status sotto__task_party_reopen(struct sotto_task_party *task,
                                           const struct sotto_message *message,
                                           struct sotto_error *err)
{
    bool answering =
        task->recorded || (task->phase == SOTTO__TASK_SESSION &&
                           sotto_session_party_phase(task->session) == SOTTO_PARTY_RECORDING);
    if (task->phase == SOTTO__TASK_OFFERING || message->label.round != task->terms.label.round ||
        message->label.attempt <= task->terms.label.attempt) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "a new attempt out of turn");
    }
    if (answering) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "the aggregator asks for a second answer to one round");
    }
    enum sotto_status status = check_restart(task, message, err);
    if (status != SOTTO_OK) {
        return status;
    }
    task->masked -= task->has_masked;
    task->has_pledge = false;
    sotto_session_party_free(task->session);
    task->session = NULL;
    sotto_buffer_release(&task->next_roster);
    task->terms.label = message->label;
    sotto__task_party_advertise(task);
    return SOTTO_OK;
}

enum sotto_status sotto__task_party_receive_session(struct sotto_task_party *task,
                                                    const struct sotto_message *message,
                                                    struct sotto_error *err)
{
    struct sotto_error reason;
    if (task->phase != SOTTO__TASK_SESSION) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "a message before the roster");
    }
    enum sotto_status status = sotto_session_party_receive(task->session, message, &reason);
    sotto__task_party_pump(task);
    if (sotto_session_party_phase(task->session) == SOTTO_PARTY_LEFT) {
        sotto__task_party_end(task, status, reason.text);
    } else if (status == SOTTO_OK) {
        sotto__task_party_heard(task);
        return SOTTO_OK;
    }
    return sotto_error_set(err, status, "%s", reason.text);
}
