/* SPDX-License-Identifier: Apache-2.0 */

/* Who joins a task, what types they agree on, and when a session starts. It leans on terms.c for
 * what parties compute too, and on sotto_roster_make for the roster. The one idea: who takes part
 * depends on names and on being there, never on who was faster. */

#include "aggregator_returning.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

/* --- Joining --- */

static size_t count_invitees(const struct sotto_task_aggregator *task, enum invitee_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < task->invited.len; i++) {
        count += task->invitees[i].state == state;
    }
    return count;
}

void sotto__task_aggregator_invite(struct sotto_task_aggregator *task, size_t invitee)
{
    struct sotto_buffer message;
    enum sotto_status status =
        sotto__invitation_seal(&message, task->plan_json, task->plan_bytes,
                               &task->course.bundle.bytes, &task->terms.label, task->identity);
    if (status != SOTTO_OK) {
        task->outbox.status = status;
        return;
    }
    sotto__outbox_send(&task->outbox, &task->invited.peers[invitee].key, &message);
}

static enum sotto_status make_roster(struct sotto_task_aggregator *task, struct sotto_roster *out,
                                     struct sotto_error *err)
{
    struct sotto_buffer *adverts =
        sotto_alloc_array(count_invitees(task, SOTTO__INVITEE_JOINED), sizeof *adverts);
    if (adverts == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a roster");
    }
    size_t len = 0;
    for (size_t i = 0; i < task->invited.len; i++) {
        if (task->invitees[i].state == SOTTO__INVITEE_JOINED) {
            adverts[len++] = task->invitees[i].advert; /* borrowed */
        }
    }
    struct sotto_graph_terms graph = sotto__graph_terms(len);
    enum sotto_status status =
        sotto_roster_make(out, adverts, len, &task->terms, &graph, task->identity, err);
    sotto_free(adverts);
    return status;
}

/* Draws who trains, in a later round among all survivors of the one before. */
static enum sotto_status draw_parties(struct sotto_task_aggregator *task,
                                      const struct sotto_roster *roster, struct sotto_error *err)
{
    struct sotto_key *contributors = sotto_alloc_array(task->invited.len, sizeof *contributors);
    struct sotto__draw_terms terms = {
        .plan = task->plan, .course = &task->course, .roster = roster, .opened = task->opened};
    if (contributors == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < task->invited.len; i++) {
        if (task->invitees[i].contributes) {
            contributors[terms.contributors_len++] = task->invited.peers[i].key;
        }
    }
    terms.contributors = task->terms.label.round > 1 ? contributors : NULL;
    enum sotto_status status = sotto__draw_make(&task->draw, &terms, err);
    sotto_free(contributors);
    return status;
}

static enum sotto_status open_session(struct sotto_task_aggregator *task, struct sotto_error *err)
{
    struct sotto__round_terms terms = {0};
    struct sotto_roster roster = {0};
    enum sotto_status status = make_roster(task, &roster, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (task->terms.label.round == 1) {
        status = sotto__agree(&task->course, &task->cover, task->plan, &roster, &task->terms,
                              &task->invited, task->interrupt, err);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    status = draw_parties(task, &roster, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto__round_terms_init(&terms, task->plan, &task->course, &task->terms, task->opened,
                                     roster.adverts_len, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    task->verifies = terms.terms.verifies;
    task->unverified = terms.unverified;
    sotto_session_aggregator_free(task->session_before); /* all of its parties have its sum */
    task->session_before = NULL;
    sotto_buffer_release(&task->releases);
    status =
        sotto_session_aggregator_new(&task->session, task->identity, &roster, &terms.terms, err);
    if (status == SOTTO_OK && !task->draw.is_of_all &&
        sotto_session_aggregator_want(task->session, task->draw.drawn, task->draw.needed) !=
            SOTTO_OK) {
        status = sotto_error_no_memory(err);
    }
out:
    sotto__round_terms_release(&terms);
    sotto_roster_release(&roster);
    return status;
}

/* Whether an invitee comes before another in the order of names; keys decide where names are equal.
 */
static bool comes_before(const struct sotto_task_aggregator *task, size_t invitee, size_t other)
{
    const struct sotto_peer *peers = task->invited.peers;
    int order = strcmp(peers[invitee].name, peers[other].name);
    return order != 0 ? order < 0 : sotto_key_compare(&peers[invitee].key, &peers[other].key) < 0;
}

/* Keeps max_clients of the willing invitees, those whose names come first, where there are more.
 * Were it those who answered first, asking again would sum other parties each time, and the
 * difference of two such sums could be one party's value. */
static void choose_parties(struct sotto_task_aggregator *task)
{
    size_t most = sotto_plan_strategy(task->plan)->max_clients;
    if (count_invitees(task, SOTTO__INVITEE_JOINED) <= most || sotto__course_draws(&task->course)) {
        return;
    }
    for (size_t i = 0; i < task->invited.len; i++) {
        size_t before = 0;
        for (size_t j = 0; j < task->invited.len; j++) {
            before += task->invitees[j].state == SOTTO__INVITEE_JOINED && comes_before(task, j, i);
        }
        if (task->invitees[i].state == SOTTO__INVITEE_JOINED && before >= most) {
            task->invitees[i].absence = SOTTO__ABSENCE_SPARE;
        }
    }
    for (size_t i = 0; i < task->invited.len; i++) {
        if (task->invitees[i].absence == SOTTO__ABSENCE_SPARE) {
            sotto__task_aggregator_invitee_forget_offer(&task->invitees[i]);
            task->invitees[i].state = SOTTO__INVITEE_LOST;
        }
    }
}

/* Ends joining: who takes part in the task is decided, for all its attempts and rounds. */
static void close_joining(struct sotto_task_aggregator *task)
{
    for (size_t i = 0; i < task->invited.len; i++) {
        struct invitee *invitee = &task->invitees[i];
        if (invitee->state == SOTTO__INVITEE_INVITED || invitee->state == SOTTO__INVITEE_AWAY) {
            invitee->absence =
                invitee->state == SOTTO__INVITEE_AWAY ? SOTTO__ABSENCE_AWAY : SOTTO__ABSENCE_SILENT;
            invitee->state = SOTTO__INVITEE_LOST;
        }
    }
    choose_parties(task);
    task->joined_first = (uint32_t)count_invitees(task, SOTTO__INVITEE_JOINED);
}

static void exclude_demanding(struct sotto_task_aggregator *task, size_t invitee, size_t joined)
{
    const struct sotto_session_demands *demands = &task->invitees[invitee].demands;
    sotto__outbox_log(
        &task->outbox,
        "[Join] task %llu round %u without %s: %zu parties joined, and its owner asks "
        "for at least %u, and for two beside %u colluders and the aggregator's party",
        (unsigned long long)task->number, task->terms.label.round,
        sotto__task_aggregator_invitee_name(task, invitee), joined, demands->min_parties,
        demands->colluders);
    task->invitees[invitee].absence = SOTTO__ABSENCE_DEMANDS;
    sotto__task_aggregator_invitee_forget_offer(&task->invitees[invitee]);
    task->invitees[invitee].state = SOTTO__INVITEE_LOST;
}

/* Leaves out whose owners ask for more parties than there are: with them nobody would start. What
 * is left is the largest set that is as large as each of it asks for, whoever answered first. */
static void heed_demands(struct sotto_task_aggregator *task)
{
    size_t joined;
    size_t left;
    size_t most = sotto_plan_strategy(task->plan)->max_clients;
    do {
        joined = left = count_invitees(task, SOTTO__INVITEE_JOINED);
        size_t counted = sotto__course_draws(&task->course) && joined > most ? most : joined;
        for (size_t i = 0; i < task->invited.len; i++) {
            const struct invitee *invitee = &task->invitees[i];
            if (invitee->state == SOTTO__INVITEE_JOINED &&
                (invitee->demands.min_parties > counted ||
                 (size_t)invitee->demands.colluders + 3 > counted)) {
                exclude_demanding(task, i, counted);
                left--;
            }
        }
    } while (left < joined);
}

#define MORE_BYTES 24 /* behind names: ", 4294967295 more" */
#define WHY_BYTES 32  /* of why one declined */

/* Appends the names of those in a state behind a text, and why they declined; nothing where there
 * are none. No name is cut: where there is no room for all of them, how many more there are is
 * said ("birch, 3 more"). */
static void append_names(const struct sotto_task_aggregator *task, enum invitee_state state,
                         const char *before, char *out, size_t out_bytes)
{
    bool is_first = true;
    size_t left = count_invitees(task, state);
    for (size_t i = 0; i < task->invited.len; i++) {
        size_t used = strlen(out);
        if (task->invitees[i].state == state) {
            const char *name = sotto__task_aggregator_invitee_name(task, i);
            size_t wanted = strlen(is_first ? before : ", ") + strlen(name) +
                            (state == SOTTO__INVITEE_DECLINED ? WHY_BYTES : 0);
            if (used + wanted + MORE_BYTES > out_bytes) {
                (void)snprintf(out + used, out_bytes - used, "%s%zu more", is_first ? before : ", ",
                               left);
                return;
            }
            left--;
            (void)snprintf(out + used, out_bytes - used, "%s%s", is_first ? before : ", ", name);
            used = strlen(out);
            if (state == SOTTO__INVITEE_DECLINED && task->invitees[i].reason != SOTTO_OK) {
                (void)snprintf(out + used, out_bytes - used, " (%s)",
                               sotto_status_name(task->invitees[i].reason));
            }
            is_first = false;
        }
    }
}

static bool is_joining(const struct sotto_task_aggregator *task)
{
    return task->session == NULL && task->terms.label.round == 1 &&
           task->terms.label.attempt == 1 && !task->outbox.ended;
}

bool sotto_task_aggregator_awaits(const struct sotto_task_aggregator *task, char *out,
                                  size_t out_bytes)
{
    out[0] = '\0';
    if (is_joining(task)) {
        append_names(task, SOTTO__INVITEE_INVITED, "waits for ", out, out_bytes);
        append_names(task, SOTTO__INVITEE_AWAY, out[0] != '\0' ? "; away: " : "waits, away: ", out,
                     out_bytes);
    }
    return out[0] != '\0';
}

/* Where to look, where somebody declined for such a reason. */
static const char *find_hint(const struct sotto_task_aggregator *task)
{
    static const char not_found[] = "; sotto datasets says which files and columns nodes publish";
    static const char refused[] =
        "; owners read in their logs why they refuse, and sotto check says what one's own node "
        "would";
    const char *hint = "";
    for (size_t i = 0; i < task->invited.len; i++) {
        const struct invitee *invitee = &task->invitees[i];
        bool has_declined = invitee->state == SOTTO__INVITEE_DECLINED;
        if (has_declined && invitee->reason == SOTTO_ERROR_NOT_FOUND) {
            return not_found;
        }
        hint = has_declined && invitee->reason == SOTTO_ERROR_REFUSED ? refused : hint;
    }
    return hint;
}

/* Names who did not answer, if this is known still. expired: they had the time that the plan gives
 * them, and not only became too few. */
static void end_too_few(struct sotto_task_aggregator *task, bool expired)
{
    const char *before = expired ? "; no answer in time (an owner may have to decide, by policy or "
                                   "after many refusals in a day: ask the same again later): "
                                 : "; not waited for: ";
    char text[SOTTO_ERROR_TEXT_BYTES];
    uint32_t round = task->terms.label.round;
    (void)snprintf(text, sizeof text, "%zu of %zu invited parties joined%s, at least %u needed",
                   count_invitees(task, SOTTO__INVITEE_JOINED), task->invited.len,
                   round > 1 ? " this round" : "", sotto_plan_strategy(task->plan)->min_clients);
    append_names(task, SOTTO__INVITEE_INVITED, before, text, sizeof text);
    append_names(task, SOTTO__INVITEE_AWAY, "; away: ", text, sizeof text);
    append_names(task, SOTTO__INVITEE_DECLINED, "; declined: ", text, sizeof text);
    size_t used = strlen(text);
    (void)snprintf(text + used, sizeof text - used, "%s", find_hint(task));
    sotto__task_aggregator_end(task, SOTTO_ERROR_PARTIES, text);
}

/* Whether the round goes on with fewer parties than there are. */
static bool may_lose(const struct sotto_task_aggregator *task)
{
    return task->terms.label.round == 1 || sotto__course_is_tolerant(&task->course);
}

static bool is_drawn(const struct sotto_task_aggregator *task, uint32_t member)
{
    return sotto__draw_has(&task->draw, member);
}

static void log_drawn(struct sotto_task_aggregator *task)
{
    if (task->draw.is_again) {
        sotto__outbox_log(&task->outbox,
                          "[Select Candidates] task %llu round %u too few of the drawn are there: "
                          "drawn again among those who are, which a task does %d times at most",
                          (unsigned long long)task->number, task->terms.label.round,
                          SOTTO__REDRAWS_MAX);
    }
    sotto__task_aggregator_log_members(task, "Select Candidates", "drawn", is_drawn, true);
}

static void start_session(struct sotto_task_aggregator *task)
{
    struct sotto_error err;
    if (task->terms.label.round == 1 && task->terms.label.attempt == 1) {
        close_joining(task);
    }
    if (may_lose(task)) {
        heed_demands(task);
        if (count_invitees(task, SOTTO__INVITEE_JOINED) <
            sotto_plan_strategy(task->plan)->min_clients) {
            end_too_few(task, true);
            return;
        }
    }
    enum sotto_status status = open_session(task, &err);
    if (status != SOTTO_OK) {
        sotto__task_aggregator_end(task, status, err.text);
        return;
    }
    task->phase_seen = SOTTO_AGGREGATOR_DEALING;
    sotto__task_aggregator_log_members(task, "Select Candidates", "select candidates", NULL, true);
    if (!task->draw.is_of_all) {
        log_drawn(task);
    }
    sotto__task_aggregator_set_deadline(task,
                                        sotto_plan_strategy(task->plan)->connection_timeout_s);
}

/* Ends the task because an invitee is gone for good. After a sum was opened nobody may be missing:
 * the difference to the next one would be that party's value. */
void sotto__task_aggregator_end_lost(struct sotto_task_aggregator *task, size_t invitee,
                                     const char *why)
{
    char text[SOTTO_ERROR_TEXT_BYTES];
    uint32_t round = task->terms.label.round;
    (void)snprintf(text, sizeof text,
                   "%.64s was lost in round %u (%.200s), and %s: ask again as a new task",
                   sotto__task_aggregator_invitee_name(task, invitee), round, why,
                   sotto__course_is_tolerant(&task->course)
                       ? "too few of those that began it are left"
                       : "once round 1 is opened all its survivors must stay");
    sotto__task_aggregator_end(task, SOTTO_ERROR_PARTIES, text);
}

/* Starts a later round with all contributors, for whom it waits once, or not at all. */
static void consider_later_start(struct sotto_task_aggregator *task, bool expired)
{
    for (size_t i = 0; i < task->invited.len; i++) {
        const struct invitee *invitee = &task->invitees[i];
        if (!invitee->contributes || invitee->state == SOTTO__INVITEE_JOINED) {
            continue;
        }
        if (invitee->state == SOTTO__INVITEE_INVITED && expired && !task->is_waiting) {
            sotto__task_aggregator_wait(task);
        } else if (invitee->state != SOTTO__INVITEE_INVITED || expired) {
            sotto__task_aggregator_end_lost(
                task, i, invitee->state == SOTTO__INVITEE_INVITED ? "no answer" : "it left");
        }
        return;
    }
    start_session(task);
}

/* Starts as soon as everybody has answered who is not known to be away; at the deadline (expired)
 * with whoever has, if they are min_clients. */
void sotto__task_aggregator_consider_start(struct sotto_task_aggregator *task, bool expired)
{
    const struct sotto_strategy *strategy = sotto_plan_strategy(task->plan);
    if (!may_lose(task)) {
        consider_later_start(task, expired);
        return;
    }
    size_t joined = count_invitees(task, SOTTO__INVITEE_JOINED);
    size_t open = expired ? 0 : count_invitees(task, SOTTO__INVITEE_INVITED);
    size_t away = expired ? 0 : count_invitees(task, SOTTO__INVITEE_AWAY);
    if (joined + open + away < strategy->min_clients) {
        end_too_few(task, expired);
    } else if (open == 0 && joined >= strategy->min_clients) {
        start_session(task);
    }
}

void sotto__task_aggregator_miss(struct sotto_task_aggregator *task, size_t invitee)
{
    if (!is_joining(task) || task->invitees[invitee].state != SOTTO__INVITEE_INVITED) {
        return;
    }
    task->invitees[invitee].state = SOTTO__INVITEE_AWAY;
    sotto__outbox_log(&task->outbox, "[Join] task %llu round %u %s is away",
                      (unsigned long long)task->number, task->terms.label.round,
                      sotto__task_aggregator_invitee_name(task, invitee));
    sotto__task_aggregator_consider_start(task, false);
}

/* Keeps an advert, and in the first round the types that it offers; later rounds offer none. On
 * failure neither is kept. */
static enum sotto_status keep_offer(const struct sotto_task_aggregator *task,
                                    struct invitee *invitee, const struct sotto_advert *advert)
{
    bool is_first = task->terms.label.round == 1;
    if (!is_first && advert->payload_bytes > 0) {
        return SOTTO_ERROR_PROTOCOL;
    }
    if (is_first) {
        struct sotto__offer offer;
        enum sotto_status status = sotto__offer_decode(&offer, task->plan, advert);
        if (status != SOTTO_OK) {
            return status;
        }
        invitee->offer = offer.schema;
    }
    enum sotto_status status =
        sotto_buffer_copy(&invitee->advert, advert->bytes, advert->bytes_len);
    if (status != SOTTO_OK && is_first) {
        sotto__task_aggregator_invitee_forget_offer(invitee);
    }
    return status;
}

enum sotto_status sotto__task_aggregator_receive_advert(struct sotto_task_aggregator *task,
                                                        size_t index, const uint8_t *bytes,
                                                        size_t bytes_len, struct sotto_error *err)
{
    struct invitee *invitee = &task->invitees[index];
    struct sotto_advert advert;
    if (invitee->state != SOTTO__INVITEE_INVITED && invitee->state != SOTTO__INVITEE_AWAY) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "%s answered already",
                               sotto__task_aggregator_invitee_name(task, index));
    }
    enum sotto_status status = sotto_advert_open(&advert, bytes, bytes_len, &task->terms, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = keep_offer(task, invitee, &advert);
    if (status == SOTTO_ERROR_VERSION) {
        sotto__outbox_log(&task->outbox, SOTTO__OTHER_ENGINE_TEXT,
                          sotto__task_aggregator_invitee_name(task, index));
        invitee->absence = SOTTO__ABSENCE_OTHER_ENGINE;
        return sotto__task_aggregator_lose(task, index, SOTTO__INVITEE_LOST);
    }
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "the offer of %s: %s",
                               sotto__task_aggregator_invitee_name(task, index),
                               sotto_status_text(status));
    }
    invitee->demands = advert.demands;
    invitee->state = SOTTO__INVITEE_JOINED;
    invitee->returned_for = 0;
    sotto__outbox_log(&task->outbox, "[Join] task %llu round %u %s joined",
                      (unsigned long long)task->number, task->terms.label.round,
                      sotto__task_aggregator_invitee_name(task, index));
    sotto__task_aggregator_consider_start(task, false);
    return SOTTO_OK;
}
