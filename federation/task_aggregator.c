/* SPDX-License-Identifier: Apache-2.0 */
/* The aggregator's side of a task: who joins, what types they agree on, sessions and new attempts,
 * the result. */
#include "internal.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

enum guest_state {
    GUEST_INVITED,
    GUEST_JOINED,
    GUEST_DECLINED,
    GUEST_LOST, /* dropped out of an earlier attempt or round */
};

/* One invited party; guests[i] belongs to invited.peers[i]. */
struct guest {
    enum guest_state state;
    struct sotto_buffer advert;
    struct sotto_schema offer;
    bool is_counted;  /* of the first opened round's roster */
    bool contributes; /* a survivor of it: of all later rounds */
};

struct sotto_task_aggregator {
    const struct sotto_identity *identity;
    uint64_t number;
    char *plan_json;
    size_t plan_bytes;
    struct sotto_plan *plan;
    struct sotto_invitation_terms terms;
    struct sotto__peers invited;
    struct guest *guests;
    uint64_t now_ms;
    uint64_t deadline_ms;
    bool publishes;
    bool hides_exact;
    uint32_t joined_first; /* how many joined the first attempt: what the result calls joined */

    struct sotto_session_aggregator *session; /* NULL while joining is open */
    enum sotto_aggregator_phase phase_seen;
    struct sotto_driver *driver;
    uint8_t opened[SOTTO_DIGEST_BYTES]; /* of the aggregates of the rounds before */
    char *result;
    struct sotto__outbox outbox;
};

const char *sotto_task_aggregator_result(const struct sotto_task_aggregator *task)
{
    return task->outbox.ended && task->outbox.end.status == SOTTO_OK ? task->result : NULL;
}

bool sotto_task_aggregator_next(struct sotto_task_aggregator *task, struct sotto_action *out)
{
    return sotto__outbox_next(&task->outbox, out);
}

static void guest_forget_offer(struct guest *guest)
{
    sotto_buffer_release(&guest->advert);
    sotto_schema_release(&guest->offer);
}

void sotto_task_aggregator_free(struct sotto_task_aggregator *task)
{
    if (task == NULL) {
        return;
    }
    sotto_session_aggregator_free(task->session);
    sotto_driver_free(task->driver);
    for (size_t i = 0; task->guests != NULL && i < task->invited.len; i++) {
        guest_forget_offer(&task->guests[i]);
    }
    sotto_free(task->guests);
    sotto_free(task->result);
    sotto_free(task->plan_json);
    sotto_plan_free(task->plan);
    sotto__peers_release(&task->invited);
    sotto__outbox_release(&task->outbox);
    sotto_free(task);
}

/* --- Logging --- */

static const char *guest_name(const struct sotto_task_aggregator *task, size_t guest)
{
    return task->invited.peers[guest].name;
}

/* The guest behind a roster index. */
static size_t guest_of_member(const struct sotto_task_aggregator *task, uint32_t member)
{
    const struct sotto_roster *roster = sotto_session_aggregator_roster(task->session);
    return sotto__peers_find(&task->invited, &roster->adverts[member].sender);
}

/* One line: a tag, the task and round, a text, and the names of the members that `is` says yes to.
 */
static void log_members(struct sotto_task_aggregator *task, const char *tag, const char *text,
                        bool (*is)(const struct sotto_session_aggregator *, uint32_t), bool wanted)
{
    char names[SOTTO_ERROR_TEXT_BYTES] = "";
    size_t used = 0;
    const struct sotto_roster *roster = sotto_session_aggregator_roster(task->session);
    for (uint32_t i = 0; i < roster->adverts_len && used < sizeof names; i++) {
        if (is == NULL || is(task->session, i) == wanted) {
            int written = snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? ", " : "",
                                   guest_name(task, guest_of_member(task, i)));
            used += written > 0 ? (size_t)written : 0;
        }
    }
    sotto__outbox_log(&task->outbox, "[%s] task %llu round %u %s [%s]", tag,
                      (unsigned long long)task->number, task->terms.label.round, text, names);
}

static void log_step(struct sotto_task_aggregator *task, const char *tag, const char *text)
{
    sotto__outbox_log(&task->outbox, "[%s] task %llu round %u %s", tag,
                      (unsigned long long)task->number, task->terms.label.round, text);
}

/* The round begins, and this is what it opens. */
static void log_round(struct sotto_task_aggregator *task)
{
    char *words = NULL;
    log_step(task, "Start Round", "start");
    enum sotto_status status =
        sotto_plan_round_words(task->plan, task->terms.label.round, &words, NULL);
    if (status != SOTTO_OK) {
        task->outbox.status = status;
        return;
    }
    sotto__outbox_log(&task->outbox, "[Start Round] task %llu round %u opens %s",
                      (unsigned long long)task->number, task->terms.label.round, words);
    sotto_free(words);
}

/* --- The end --- */

static void task_send_finish(struct sotto_task_aggregator *task, enum sotto_status status)
{
    for (size_t i = 0; i < task->invited.len; i++) {
        struct sotto_buffer message;
        if (task->guests[i].state == GUEST_DECLINED) {
            continue;
        }
        bool shows = task->publishes && status == SOTTO_OK && task->guests[i].contributes;
        const char *result = shows ? task->result : NULL;
        if (sotto__finish_seal(&message, status, result, &task->terms.label, task->identity) !=
                SOTTO_OK &&
            sotto__finish_seal(&message, status, NULL, &task->terms.label, task->identity) !=
                SOTTO_OK) {
            return; /* the parties' own timers end it there */
        }
        sotto__outbox_send(&task->outbox, &task->invited.peers[i].key, &message);
    }
}

static void task_end(struct sotto_task_aggregator *task, enum sotto_status status, const char *text)
{
    if (task->outbox.ended) {
        return;
    }
    task_send_finish(task, status);
    if (status == SOTTO_OK) {
        log_step(task, "End Round", "finish");
        sotto__outbox_log(&task->outbox, "[Finish Task] task %llu finished",
                          (unsigned long long)task->number);
    } else {
        sotto__outbox_log(&task->outbox, "[Error] task %llu: %s (%s)",
                          (unsigned long long)task->number, text, sotto_status_name(status));
    }
    sotto__outbox_end(&task->outbox, status, text);
}

/* Ends every call: what ran out of memory on the way ends the task. */
static void task_settle(struct sotto_task_aggregator *task)
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

static void task_set_deadline(struct sotto_task_aggregator *task, uint64_t seconds)
{
    task->deadline_ms = task->now_ms + 1000 * seconds;
    sotto__outbox_timer(&task->outbox, task->deadline_ms);
}

/* --- Joining --- */

static size_t count_guests(const struct sotto_task_aggregator *task, enum guest_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < task->invited.len; i++) {
        count += task->guests[i].state == state;
    }
    return count;
}

static void task_invite(struct sotto_task_aggregator *task, size_t guest)
{
    struct sotto_buffer message;
    enum sotto_status status = sotto__invitation_seal(&message, task->plan_json, task->plan_bytes,
                                                      &task->terms.label, task->identity);
    if (status != SOTTO_OK) {
        task->outbox.status = status;
        return;
    }
    sotto__outbox_send(&task->outbox, &task->invited.peers[guest].key, &message);
}

/* The types all joined parties agree on, and the driver for them. */
static enum sotto_status task_agree(struct sotto_task_aggregator *task, struct sotto_error *err)
{
    struct sotto_schema agreed = {0};
    size_t joined = count_guests(task, GUEST_JOINED);
    struct sotto_schema *offers = sotto_alloc_array(joined, sizeof *offers);
    const char **names = sotto_alloc_array(joined, sizeof *names);
    enum sotto_status status = SOTTO_OK;
    if (offers == NULL || names == NULL) {
        (void)sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a roster");
        status = SOTTO_ERROR_NO_MEMORY;
        goto out;
    }
    for (size_t i = 0, k = 0; i < task->invited.len; i++) {
        if (task->guests[i].state == GUEST_JOINED) {
            offers[k] = task->guests[i].offer; /* borrowed */
            names[k++] = guest_name(task, i);
        }
    }
    sotto_driver_free(task->driver);
    task->driver = NULL;
    status = sotto_schema_agree(&agreed, task->plan, offers, names, joined, err);
    if (status == SOTTO_OK) {
        status = sotto_driver_new(&task->driver, task->plan, &agreed, err);
    }
out:
    sotto_schema_release(&agreed);
    sotto_free(offers);
    sotto_free(names);
    return status;
}

static enum sotto_status task_make_roster(struct sotto_task_aggregator *task,
                                          struct sotto_roster *out, struct sotto_error *err)
{
    struct sotto_buffer *adverts =
        sotto_alloc_array(count_guests(task, GUEST_JOINED), sizeof *adverts);
    if (adverts == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a roster");
    }
    size_t len = 0;
    for (size_t i = 0; i < task->invited.len; i++) {
        if (task->guests[i].state == GUEST_JOINED) {
            adverts[len++] = task->guests[i].advert; /* borrowed */
        }
    }
    struct sotto_graph_terms graph = sotto__graph_terms(len);
    enum sotto_status status =
        sotto_roster_make(out, adverts, len, &task->terms, &graph, task->identity, err);
    sotto_free(adverts);
    return status;
}

static enum sotto_status task_open_session(struct sotto_task_aggregator *task,
                                           struct sotto_error *err)
{
    struct sotto_roster roster;
    size_t joined = count_guests(task, GUEST_JOINED);
    bool is_first = task->terms.label.round == 1;
    struct sotto_session_terms terms = {
        .invitation = task->terms,
        .min_parties = is_first ? sotto_plan_strategy(task->plan)->min_clients : (uint32_t)joined,
        .graph = sotto__graph_terms(joined),
    };
    struct sotto_vector_run *runs = NULL;
    enum sotto_status status = is_first ? task_agree(task, err) : SOTTO_OK;
    if (status == SOTTO_OK) {
        status = sotto__agreement_digest(terms.agreement, task->driver, task->opened);
        if (status != SOTTO_OK) {
            (void)sotto_error_set(err, status, "agreeing: %s", sotto_status_text(status));
        }
    }
    if (status == SOTTO_OK) {
        status = sotto__driver_runs(&runs, &terms.runs_len, task->driver);
        if (status != SOTTO_OK) {
            (void)sotto_error_set(err, status, "agreeing: %s", sotto_status_text(status));
        }
    }
    if (status == SOTTO_OK) {
        status = task_make_roster(task, &roster, err);
    }
    if (status == SOTTO_OK) {
        terms.runs = runs;
        status = sotto_session_aggregator_new(&task->session, task->identity, &roster, &terms, err);
    }
    sotto_free(runs);
    return status;
}

static void task_start_session(struct sotto_task_aggregator *task)
{
    struct sotto_error err;
    enum sotto_status status = task_open_session(task, &err);
    if (status != SOTTO_OK) {
        task_end(task, status, err.text);
        return;
    }
    if (task->terms.label.round == 1 && task->terms.label.attempt == 1) {
        task->joined_first = (uint32_t)count_guests(task, GUEST_JOINED);
    }
    task->phase_seen = SOTTO_AGGREGATOR_DEALING;
    log_members(task, "Select Candidates", "select candidates", NULL, true);
    task_set_deadline(task, sotto_plan_strategy(task->plan)->connection_timeout_s);
}

static void task_end_too_few(struct sotto_task_aggregator *task)
{
    char text[128];
    (void)snprintf(text, sizeof text, "%zu of %zu invited parties joined, at least %u needed",
                   count_guests(task, GUEST_JOINED), task->invited.len,
                   sotto_plan_strategy(task->plan)->min_clients);
    task_end(task, SOTTO_ERROR_PARTIES, text);
}

/* After a sum was opened nobody may be lost: the difference to the next one would be somebody's. */
static void task_end_lost(struct sotto_task_aggregator *task, size_t guest, const char *why)
{
    char text[SOTTO_ERROR_TEXT_BYTES];
    uint32_t round = task->terms.label.round;
    (void)snprintf(
        text, sizeof text,
        "%.64s was lost in round %u (%.200s), and once round 1 is opened all its survivors "
        "must stay: ask again as a new task",
        guest_name(task, guest), round, why);
    task_end(task, SOTTO_ERROR_PARTIES, text);
}

/* A later round starts with all contributors, or not at all. */
static void task_consider_later_start(struct sotto_task_aggregator *task, bool expired)
{
    for (size_t i = 0; i < task->invited.len; i++) {
        const struct guest *guest = &task->guests[i];
        if (!guest->contributes || guest->state == GUEST_JOINED) {
            continue;
        }
        if (guest->state != GUEST_INVITED || expired) {
            task_end_lost(task, i, guest->state == GUEST_INVITED ? "no answer" : "it left");
        }
        return;
    }
    task_start_session(task);
}

/* Starts as soon as max_clients joined or everybody answered; at the deadline with min_clients. */
static void task_consider_start(struct sotto_task_aggregator *task, bool expired)
{
    const struct sotto_strategy *strategy = sotto_plan_strategy(task->plan);
    if (task->terms.label.round > 1) {
        task_consider_later_start(task, expired);
        return;
    }
    size_t joined = count_guests(task, GUEST_JOINED);
    size_t open = expired ? 0 : count_guests(task, GUEST_INVITED);
    if (joined + open < strategy->min_clients) {
        task_end_too_few(task);
    } else if (joined >= strategy->max_clients || open == 0) {
        task_start_session(task);
    }
}

static enum sotto_status task_receive_advert(struct sotto_task_aggregator *task, size_t index,
                                             const uint8_t *bytes, size_t bytes_len,
                                             struct sotto_error *err)
{
    struct guest *guest = &task->guests[index];
    struct sotto_advert advert;
    if (guest->state != GUEST_INVITED) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "%s answered already",
                               guest_name(task, index));
    }
    enum sotto_status status = sotto_advert_open(&advert, bytes, bytes_len, &task->terms, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (task->terms.label.round == 1) {
        status = sotto__offer_decode(&guest->offer, task->plan, &advert);
    } else if (advert.payload_bytes > 0) {
        status = SOTTO_ERROR_PROTOCOL; /* types were agreed on in the first round */
    }
    if (status == SOTTO_OK) {
        status = sotto_buffer_copy(&guest->advert, bytes, bytes_len);
    }
    if (status != SOTTO_OK && task->terms.label.round == 1) {
        guest_forget_offer(guest);
    }
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "the offer of %s: %s", guest_name(task, index),
                               sotto_status_text(status));
    }
    guest->state = GUEST_JOINED;
    sotto__outbox_log(&task->outbox, "[Join] task %llu round %u %s joined",
                      (unsigned long long)task->number, task->terms.label.round,
                      guest_name(task, index));
    task_consider_start(task, false);
    return SOTTO_OK;
}

/* --- Sessions --- */

static void task_reopen(struct sotto_task_aggregator *task);

/* Whose rows the first sum is over: theirs are those of all later rounds. */
static void task_keep_contributors(struct sotto_task_aggregator *task)
{
    const struct sotto_roster *roster = sotto_session_aggregator_roster(task->session);
    for (uint32_t i = 0; i < roster->adverts_len; i++) {
        struct guest *guest = &task->guests[guest_of_member(task, i)];
        guest->is_counted = true;
        guest->contributes = sotto_session_aggregator_lives(task->session, i);
    }
}

static enum sotto_status task_make_result(struct sotto_task_aggregator *task,
                                          struct sotto_error *err)
{
    struct sotto_result_parties parties = {.invited = (uint32_t)task->invited.len,
                                           .joined = task->joined_first};
    struct sotto_schema *offers = sotto_alloc_array(task->invited.len, sizeof *offers);
    size_t offers_len = 0;
    if (offers == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a result");
    }
    for (size_t i = 0; i < task->invited.len; i++) {
        const struct guest *guest = &task->guests[i];
        parties.survived += guest->contributes;
        if (guest->is_counted) {
            offers[offers_len++] = guest->offer; /* borrowed */
        }
    }
    enum sotto_status status =
        sotto_driver_result(task->driver, &task->result, &parties, offers, offers_len, err);
    if (status == SOTTO_OK && task->hides_exact) {
        sotto_result_strip_exact(task->result);
    }
    sotto_free(offers);
    return status;
}

/* Shows the aggregate to those whose rows are in it, who answer with fresh keys. */
static void task_open_round(struct sotto_task_aggregator *task, const void *sum, size_t sum_bytes)
{
    log_step(task, "End Round", "finish");
    task->terms.label.round++;
    task->terms.label.attempt = 1;
    enum sotto_status status = sotto__opened_digest(task->opened, sum, sum_bytes);
    for (size_t i = 0; status == SOTTO_OK && i < task->invited.len; i++) {
        struct guest *guest = &task->guests[i];
        sotto_buffer_release(&guest->advert);
        if (!guest->contributes) {
            guest->state = guest->state == GUEST_DECLINED ? GUEST_DECLINED : GUEST_LOST;
            continue;
        }
        guest->state = guest->state == GUEST_JOINED ? GUEST_INVITED : guest->state;
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
    log_round(task);
    task_set_deadline(task, sotto_plan_strategy(task->plan)->connection_timeout_s);
    task_consider_start(task, false); /* who left after its rows were summed has left */
}

static void task_finish_round(struct sotto_task_aggregator *task)
{
    struct sotto_error err;
    size_t sum_bytes;
    /* An aligned vector, little endian: limbs as they are. */
    const void *sum = sotto_session_aggregator_sum(task->session, &sum_bytes);
    if (task->terms.label.round == 1) {
        task_keep_contributors(task);
    }
    enum sotto_status status =
        sotto_driver_advance(task->driver, sum, sum_bytes / sizeof(uint64_t), &err);
    if (status == SOTTO_OK && sotto_driver_round(task->driver) != 0) {
        task_open_round(task, sum, sum_bytes);
        return;
    }
    if (status == SOTTO_OK) {
        status = task_make_result(task, &err);
    }
    task_end(task, status, status == SOTTO_OK ? "finished" : err.text);
}

static void task_fail_session(struct sotto_task_aggregator *task)
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
            task_end_lost(task, guest_of_member(task, i), err.text);
            return;
        }
    }
    /* Each attempt is smaller than the one before, so that attempts end. */
    bool again = task->terms.label.round == 1 && !final && status == SOTTO_ERROR_PARTIES &&
                 answered < roster->adverts_len &&
                 answered >= sotto_plan_strategy(task->plan)->min_clients;
    if (!again) {
        task_end(task, status, err.text);
        return;
    }
    sotto__outbox_log(&task->outbox, "[Restart] task %llu round %u %s; again with %zu parties",
                      (unsigned long long)task->number, task->terms.label.round, err.text,
                      answered);
    task_reopen(task);
}

/* A new attempt with fresh keys among those who answered the step that failed. */
static void task_reopen(struct sotto_task_aggregator *task)
{
    const struct sotto_roster *roster = sotto_session_aggregator_roster(task->session);
    task->terms.label.attempt++;
    for (size_t i = 0; i < task->invited.len; i++) {
        struct guest *guest = &task->guests[i];
        uint32_t member = sotto_roster_find(roster, &task->invited.peers[i].key);
        bool answered =
            member != UINT32_MAX && sotto_session_aggregator_answered(task->session, member);
        guest_forget_offer(guest);
        if (guest->state != GUEST_DECLINED) {
            guest->state = answered ? GUEST_INVITED : GUEST_LOST;
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
    task_set_deadline(task, sotto_plan_strategy(task->plan)->connection_timeout_s);
}

/* The session went on to another phase: says so, and bounds it. */
static void task_enter_phase(struct sotto_task_aggregator *task, enum sotto_aggregator_phase phase)
{
    const struct sotto_strategy *strategy = sotto_plan_strategy(task->plan);
    const struct sotto_roster *roster = sotto_session_aggregator_roster(task->session);
    uint32_t living = 0;
    switch (phase) {
    case SOTTO_AGGREGATOR_MASKING:
        log_members(task, "Secret Sharing Parts Commitments", "shares dealt by",
                    sotto_session_aggregator_dealt, true);
        log_step(task, "Start Calculation", "start calculation");
        task_set_deadline(task,
                          (uint64_t)strategy->wait_timeout_s + strategy->connection_timeout_s);
        break;
    case SOTTO_AGGREGATOR_CONSENTING:
        for (uint32_t i = 0; i < roster->adverts_len; i++) {
            living += sotto_session_aggregator_lives(task->session, i);
        }
        log_step(task, "Start Aggregation", "start aggregation");
        log_members(task, "Start Aggregation", "alive members", sotto_session_aggregator_lives,
                    true);
        if (living == roster->adverts_len) {
            log_step(task, "Start Aggregation", "no dead members");
        } else {
            log_members(task, "Start Aggregation", "dead members", sotto_session_aggregator_lives,
                        false);
        }
        task_set_deadline(task, strategy->connection_timeout_s);
        break;
    case SOTTO_AGGREGATOR_REVEALING:
        log_step(task, "Secret Sharing Parts Data", "start unmasking");
        task_set_deadline(task, strategy->connection_timeout_s);
        break;
    default:
        break;
    }
}

/* Acts on what the session came to. */
static void task_follow_session(struct sotto_task_aggregator *task)
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
        task_finish_round(task);
    } else if (phase == SOTTO_AGGREGATOR_FAILED) {
        task_fail_session(task);
    } else {
        task_enter_phase(task, phase);
    }
}

static enum sotto_status task_receive_session(struct sotto_task_aggregator *task, size_t guest,
                                              const struct sotto_message *message,
                                              struct sotto_error *err)
{
    struct sotto_error reason;
    enum sotto_status status = sotto_session_aggregator_receive(task->session, message, &reason);
    if (status == SOTTO_OK && message->type == SOTTO_MESSAGE_MASKED) {
        sotto__outbox_log(&task->outbox, "[Masked Result Commitment] task %llu round %u from %s",
                          (unsigned long long)task->number, task->terms.label.round,
                          guest_name(task, guest));
    }
    task_follow_session(task);
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_set(err, status, "%s", reason.text);
}

/* --- Leaving --- */

static void log_leave(struct sotto_task_aggregator *task, size_t guest,
                      const struct sotto_leave *leave)
{
    size_t blamed = sotto__peers_find(&task->invited, &leave->blamed);
    sotto__outbox_log(&task->outbox, "[Join] task %llu round %u %s %s: %s%s%s%s%s",
                      (unsigned long long)task->number, task->terms.label.round,
                      guest_name(task, guest), task->session == NULL ? "declined" : "left",
                      sotto_status_name(leave->reason), blamed != SIZE_MAX ? ", blaming " : "",
                      blamed != SIZE_MAX ? guest_name(task, blamed) : "",
                      leave->text[0] != '\0' ? ": " : "", leave->text);
}

/* A guest takes no further part. */
static enum sotto_status task_lose(struct sotto_task_aggregator *task, size_t index,
                                   enum guest_state state)
{
    enum sotto_status status = SOTTO_OK;
    struct guest *guest = &task->guests[index];
    if (task->session == NULL && task->terms.label.round > 1) {
        guest->state = state;
        task_consider_start(task, false);
        return SOTTO_OK;
    }
    if (task->session == NULL) {
        guest_forget_offer(guest);
        guest->state = state;
        task_consider_start(task, false);
        return SOTTO_OK;
    }
    uint32_t member = sotto_roster_find(sotto_session_aggregator_roster(task->session),
                                        &task->invited.peers[index].key);
    guest->state = state;
    if (member != UINT32_MAX) {
        status = sotto_session_aggregator_drop(task->session, member);
        task_follow_session(task);
    }
    return status;
}

static enum sotto_status task_receive_leave(struct sotto_task_aggregator *task, size_t guest,
                                            const struct sotto_message *message,
                                            struct sotto_error *err)
{
    struct sotto_leave leave;
    if (!sotto_leave_parse(&leave, message)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "a LEAVE message is malformed");
    }
    if (task->guests[guest].state != GUEST_INVITED && task->guests[guest].state != GUEST_JOINED) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "%s left already", guest_name(task, guest));
    }
    log_leave(task, guest, &leave);
    enum sotto_status status = task_lose(task, guest, GUEST_DECLINED);
    return status == SOTTO_OK ? SOTTO_OK
                              : sotto_error_set(err, status, "%s", sotto_status_text(status));
}

/* --- The public side --- */

static enum sotto_status task_configure(struct sotto_task_aggregator *task,
                                        const struct sotto_task_aggregator_config *config,
                                        struct sotto_error *err)
{
    task->identity = config->identity;
    task->number = config->number;
    task->now_ms = config->now_ms;
    task->terms.label = (struct sotto_session_label){.task = config->id, .round = 1, .attempt = 1};
    task->terms.aggregator = sotto_identity_key(config->identity);
    sotto__plan_digest(task->terms.plan_digest, config->plan_json, config->plan_json_bytes);
    enum sotto_status status =
        sotto_plan_parse(&task->plan, config->plan_json, config->plan_json_bytes, err);
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
    task->publishes = config->publishes;
    task->hides_exact = config->hides_exact;
    task->guests = sotto_alloc_array(config->invited_len, sizeof *task->guests);
    status = task->plan_json != NULL && task->guests != NULL
                 ? sotto__peers_copy(&task->invited, config->invited, config->invited_len)
                 : SOTTO_ERROR_NO_MEMORY;
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
    enum sotto_status status = task_configure(task, config, err);
    if (status != SOTTO_OK) {
        sotto_task_aggregator_free(task);
        return status;
    }
    sotto__outbox_log(&task->outbox, "[Create Task] create task %llu",
                      (unsigned long long)task->number);
    log_round(task);
    for (size_t i = 0; i < task->invited.len; i++) {
        task_invite(task, i);
    }
    task_set_deadline(task, sotto_plan_strategy(task->plan)->connection_timeout_s);
    task_settle(task);
    *out = task;
    return SOTTO_OK;
}

static enum sotto_status task_dispatch(struct sotto_task_aggregator *task, size_t guest,
                                       const struct sotto_message *message, const uint8_t *bytes,
                                       size_t bytes_len, struct sotto_error *err)
{
    if (message->type == SOTTO_MESSAGE_LEAVE) {
        return task_receive_leave(task, guest, message, err);
    }
    if (message->type == SOTTO_MESSAGE_ADVERT && task->session == NULL) {
        return task_receive_advert(task, guest, bytes, bytes_len, err);
    }
    if (task->session != NULL) {
        return task_receive_session(task, guest, message, err);
    }
    return sotto_error_set(err, SOTTO_ERROR_STATE, "a message out of turn");
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
    size_t guest = sotto__peers_find(&task->invited, &message.sender);
    if (guest == SIZE_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_AUTH, "a message of nobody that was invited");
    }
    if (status != SOTTO_OK) {
        return status;
    }
    if (!sotto_session_label_equal(&message.label, &task->terms.label)) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "a message of another task or attempt");
    }
    task->now_ms = now_ms;
    status = task_dispatch(task, guest, &message, bytes, bytes_len, err);
    task_settle(task);
    return status;
}

void sotto_task_aggregator_tick(struct sotto_task_aggregator *task, uint64_t now_ms)
{
    task->now_ms = now_ms;
    if (task->outbox.ended || now_ms < task->deadline_ms) {
        return;
    }
    if (task->session == NULL) {
        task_consider_start(task, true);
    } else {
        /* Its failure, if it fails, is what follow_session finds. */
        (void)!sotto_session_aggregator_expire(task->session);
        task_follow_session(task);
    }
    task_settle(task);
}

void sotto_task_aggregator_returned(struct sotto_task_aggregator *task,
                                    const struct sotto_key *peer)
{
    size_t index = sotto__peers_find(&task->invited, peer);
    if (index == SIZE_MAX || task->outbox.ended) {
        return;
    }
    struct guest *guest = &task->guests[index];
    if (task->session == NULL && task->terms.label.round == 1 &&
        (guest->state == GUEST_INVITED || guest->state == GUEST_JOINED)) {
        guest_forget_offer(guest); /* the keys behind it are gone */
        guest->state = GUEST_INVITED;
        task_invite(task, index);
    } else if (task->session != NULL || guest->contributes) {
        (void)!task_lose(task, index, GUEST_LOST);
    }
    task_settle(task);
}

void sotto_task_aggregator_cancel(struct sotto_task_aggregator *task)
{
    task_end(task, SOTTO_ERROR_CANCELLED, "cancelled");
    task_settle(task);
}
