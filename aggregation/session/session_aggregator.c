/* SPDX-License-Identifier: Apache-2.0 */

/* The aggregator's side of a session: its steps, and when they end [PROTOCOL.md, Steps, losses,
 * restarts]. Leans on aggregator_receive.c for answers, aggregator_send.c for questions,
 * aggregator_sum.c for the end.
 *
 * The idea: the aggregator knows of a member what its messages said, and nothing else; sets are
 * made of that when a step ends, and never change afterwards.
 *
 * 1. DEALING. `dealt` is set by a DEAL that was checked. When everybody has answered or left, or
 *    time is over, those who dealt become `dealers`: who holds what is known from here on
 *    (holdings). The others are outside, and no mask has to do with them.
 *
 * 2. MASKING. SHARES went to the dealers. `masked` is set by an upload that is complete and signed,
 *    and its vector is in the sum from then on: it can't be taken out again. When the step ends,
 *    those who uploaded become `living`, the other dealers are dead: their masks are in the sum
 *    without their inputs.
 *
 * 3. CONSENTING. LIVING went to the living. From here on there is no way back: a second try among
 *    fewer would open the difference of two sums. So a failure is final from this step on.
 *
 * 4. REVEALING. UNMASK went to the living of whose holders threshold have consented, once all have
 *    whose adverts ask for that. Who answers is
 *    asked for one share of each dealer that dealt to it. A wrong share names the holder, and its
 *    answer is as if it had not come (`left`).
 *
 * 5. The end. With threshold shares of every secret, masks are taken out of the sum. A secret that
 *    does not fit its commitment names the dealer.
 *
 * 6. WITHDRAWING. A session that failed in MASKING may be given up: members sign that they never
 *    consent in it (aggregator_release.c), and only then may those who masked join another one.
 *
 * 7. A step ends early where more answers would change nothing (step_is_complete), and fails as
 *    soon as too few can still answer (holders_suffice): it does not wait for its time. */

#include "session/session_aggregator.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

enum sotto_aggregator_phase
sotto_session_aggregator_phase(const struct sotto_session_aggregator *aggregator)
{
    return aggregator->phase;
}

bool sotto_session_aggregator_next(struct sotto_session_aggregator *aggregator,
                                   struct sotto_action *out)
{
    return sotto_action_pop(&aggregator->queue, out);
}

const struct sotto_roster *
sotto_session_aggregator_roster(const struct sotto_session_aggregator *aggregator)
{
    return &aggregator->roster;
}

bool sotto_session_aggregator_dealt(const struct sotto_session_aggregator *aggregator,
                                    uint32_t index)
{
    return aggregator->members[index].dealt;
}

bool sotto_session_aggregator_lives(const struct sotto_session_aggregator *aggregator,
                                    uint32_t index)
{
    return aggregator->members[index].masked;
}

/* Whether a member answered the step that ends a phase. Answers of members that left since count.
 */
static bool member_answered(const struct member *member, enum sotto_aggregator_phase phase)
{
    switch (phase) {
    case SOTTO_AGGREGATOR_DEALING:
        return member->dealt;
    case SOTTO_AGGREGATOR_MASKING:
        return member->masked;
    case SOTTO_AGGREGATOR_CONSENTING:
        return member->consented;
    case SOTTO_AGGREGATOR_WITHDRAWING:
        return member->released;
    default:
        return member->revealed;
    }
}

bool sotto_session_aggregator_answered(const struct sotto_session_aggregator *aggregator,
                                       uint32_t index)
{
    const struct member *member = &aggregator->members[index];
    bool answered = member_answered(member, aggregator->step);
    return !member->left && answered &&
           (member->masked || aggregator->guilty != UINT32_MAX ||
            aggregator->step != SOTTO_AGGREGATOR_WITHDRAWING);
}

uint32_t sotto_session_aggregator_guilty(const struct sotto_session_aggregator *aggregator)
{
    return aggregator->guilty;
}

enum sotto_status
sotto_session_aggregator_failure(const struct sotto_session_aggregator *aggregator, bool *final,
                                 struct sotto_error *err)
{
    SOTTO_REQUIRE(aggregator->phase == SOTTO_AGGREGATOR_FAILED ||
                  aggregator->phase == SOTTO_AGGREGATOR_WITHDRAWN);
    *final = aggregator->step >= SOTTO_AGGREGATOR_CONSENTING;
    if (err != NULL) {
        *err = aggregator->failure;
    }
    return aggregator->failure.status;
}

const uint8_t *sotto_session_aggregator_sum(const struct sotto_session_aggregator *aggregator,
                                            size_t *out_vector_bytes)
{
    SOTTO_REQUIRE(aggregator->phase == SOTTO_AGGREGATOR_SUMMED);
    *out_vector_bytes = aggregator->vector_bytes;
    return aggregator->sum;
}

const struct sotto_buffer *
sotto_session_aggregator_transcript(const struct sotto_session_aggregator *aggregator)
{
    SOTTO_REQUIRE(aggregator->phase == SOTTO_AGGREGATOR_SUMMED && aggregator->verifies);
    return &aggregator->transcript;
}

void sotto_session_aggregator_opening(const struct sotto_session_aggregator *aggregator,
                                      struct sotto_session_opening *out)
{
    SOTTO_REQUIRE(aggregator->phase == SOTTO_AGGREGATOR_SUMMED);
    memcpy(out->session, aggregator->session, sizeof out->session);
    sotto__aggregator_survivors(aggregator, out->survivors);
}

struct sotto_session_counters
sotto_session_aggregator_counters(const struct sotto_session_aggregator *aggregator)
{
    return aggregator->counters;
}

void sotto_session_aggregator_free(struct sotto_session_aggregator *aggregator)
{
    if (aggregator == NULL) {
        return;
    }
    for (uint32_t i = 0; aggregator->members != NULL && i < parties_len(aggregator); i++) {
        struct member *member = &aggregator->members[i];
        sotto_free(member->holders);
        sotto_free(member->vector);
        sotto_free(member->leaves);
        sotto_free(member->ciphers);
        sotto__merkle_release(&member->tree);
        sotto_free(member->sharers);
        if (member->shares != NULL) {
            sotto_wipe(member->shares,
                       (size_t)aggregator->roster.graph.threshold * SOTTO__SCALAR_BYTES);
            sotto_free(member->shares);
        }
        if (member->pair_keys != NULL) {
            sotto_wipe(member->pair_keys, (size_t)member->pair_keys_len * SOTTO__MASK_KEY_BYTES);
            sotto_free(member->pair_keys);
        }
    }
    sotto_free(aggregator->members);
    sotto_free(aggregator->dealers);
    sotto_free(aggregator->living);
    sotto_free(aggregator->masked);
    sotto_free(aggregator->holdings);
    sotto_free(aggregator->starts);
    sotto_free(aggregator->runs);
    sotto_free(aggregator->wanted);
    sotto_free(aggregator->sum);
    sotto_buffer_release(&aggregator->transcript);
    sotto_action_queue_release(&aggregator->queue);
    sotto_roster_release(&aggregator->roster);
    sotto_free(aggregator);
}

/* --- Start --- */

static enum sotto_status aggregator_allocate(struct sotto_session_aggregator *aggregator,
                                             const struct sotto_session_terms *terms)
{
    size_t bitmap_len = bitmap_bytes(parties_len(aggregator));
    aggregator->runs_len = terms->runs_len;
    aggregator->runs = sotto_alloc_array(terms->runs_len, sizeof *aggregator->runs);
    aggregator->members = sotto_alloc_array(parties_len(aggregator), sizeof *aggregator->members);
    aggregator->dealers = sotto_alloc_zeroed(bitmap_len);
    aggregator->living = sotto_alloc_zeroed(bitmap_len);
    aggregator->masked = sotto_alloc_array(parties_len(aggregator), SOTTO__HASH_BYTES);
    aggregator->sum = sotto_alloc_aligned(aggregator->vector_bytes);
    if (aggregator->runs == NULL || aggregator->members == NULL || aggregator->dealers == NULL ||
        aggregator->living == NULL || aggregator->masked == NULL || aggregator->sum == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    memcpy(aggregator->runs, terms->runs, terms->runs_len * sizeof *aggregator->runs);
    return SOTTO_OK;
}

/* Sizes the session by its roster and terms, and sends ROSTER. */
static enum sotto_status aggregator_start(struct sotto_session_aggregator *aggregator,
                                          const struct sotto_session_terms *terms)
{
    enum sotto_status status =
        sotto_vector_bytes(&aggregator->vector_bytes, terms->runs, terms->runs_len);
    if (status != SOTTO_OK) {
        return status;
    }
    if (parties_len(aggregator) < aggregator->need) {
        return SOTTO_ERROR_PARTIES;
    }
    sotto__session_id(aggregator->session, &aggregator->roster, terms);
    status = aggregator_allocate(aggregator, terms);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto__aggregator_send_roster(aggregator);
}

enum sotto_status sotto_session_aggregator_new(struct sotto_session_aggregator **out,
                                               const struct sotto_identity *identity,
                                               struct sotto_roster *roster,
                                               const struct sotto_session_terms *terms,
                                               struct sotto_error *err)
{
    struct sotto_session_aggregator *aggregator = sotto_alloc_zeroed(sizeof *aggregator);
    if (aggregator == NULL) {
        sotto_roster_release(roster);
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for a session");
    }
    aggregator->identity = identity;
    aggregator->guilty = UINT32_MAX;
    aggregator->roster = *roster;
    *roster = (struct sotto_roster){0};
    aggregator->label = terms->invitation.label;
    aggregator->verifies = terms->verifies;
    memcpy(aggregator->agreement, terms->agreement, sizeof aggregator->agreement);
    aggregator->need = sotto__roster_need(&aggregator->roster, terms);
    enum sotto_status status = aggregator_start(aggregator, terms);
    if (status != SOTTO_OK) {
        sotto_session_aggregator_free(aggregator);
        return sotto_error_set(err, status, "starting a session: %s", sotto_status_text(status));
    }
    *out = aggregator;
    return SOTTO_OK;
}

/* --- From step to step --- */

static uint32_t count_answers(const struct sotto_session_aggregator *aggregator,
                              enum sotto_aggregator_phase phase)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < parties_len(aggregator); i++) {
        count += member_answered(&aggregator->members[i], phase);
    }
    return count;
}

/* Members that may still answer the step. */
static uint32_t count_awaited(const struct sotto_session_aggregator *aggregator,
                              enum sotto_aggregator_phase phase)
{
    const uint8_t *asked = phase == SOTTO_AGGREGATOR_DEALING   ? NULL
                           : phase == SOTTO_AGGREGATOR_MASKING ? aggregator->dealers
                                                               : aggregator->living;
    uint32_t count = 0;
    for (uint32_t i = 0; i < parties_len(aggregator); i++) {
        const struct member *member = &aggregator->members[i];
        count += (asked == NULL || bitmap_get(asked, i)) && !member->left &&
                 !member_answered(member, phase);
    }
    return count;
}

/* Who holds what of whom, ascending by dealer: counted, then filled, as a counting sort does. */
static enum sotto_status index_holdings(struct sotto_session_aggregator *aggregator)
{
    uint32_t n = parties_len(aggregator);
    uint32_t holders_len = aggregator->roster.graph.holders;
    aggregator->starts = sotto_alloc_array((size_t)n + 1, sizeof *aggregator->starts);
    size_t *next = sotto_alloc_array(n, sizeof *next);
    aggregator->holdings = sotto_alloc_array((size_t)n * holders_len, sizeof *aggregator->holdings);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (aggregator->starts == NULL || next == NULL || aggregator->holdings == NULL) {
        goto out;
    }
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t p = 0; aggregator->members[i].dealt && p < holders_len; p++) {
            aggregator->starts[aggregator->members[i].holders[p] + 1]++;
        }
    }
    for (uint32_t j = 0; j < n; j++) {
        aggregator->starts[j + 1] += aggregator->starts[j];
        next[j] = aggregator->starts[j];
    }
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t p = 0; aggregator->members[i].dealt && p < holders_len; p++) {
            uint32_t holder = aggregator->members[i].holders[p];
            aggregator->holdings[next[holder]++] = (struct holding){i, p};
        }
    }
    status = SOTTO_OK;
out:
    sotto_free(next);
    return status;
}

/* [PROTOCOL.md, CONSENT]: what the dealers committed to, where all parties see all of it. */
static void digest_dealings(struct sotto_session_aggregator *aggregator)
{
    struct sotto__hash hash;
    uint32_t n = parties_len(aggregator);
    if (!sotto_graph_is_complete(&aggregator->roster.graph, n)) {
        return;
    }
    sotto__hash_init(&hash, SOTTO__DEALINGS_LABEL);
    for (uint32_t i = 0; i < n; i++) {
        if (aggregator->members[i].dealt) {
            sotto__dealings_add(&hash, &aggregator->members[i].dealing);
        }
    }
    sotto__hash_final(&hash, aggregator->dealings);
}

/* [PROTOCOL.md, SHARES]: dealers are fixed, and get what was dealt to them. */
static enum sotto_status begin_masking(struct sotto_session_aggregator *aggregator)
{
    uint32_t n = parties_len(aggregator);
    for (uint32_t i = 0; i < n; i++) {
        if (aggregator->members[i].dealt) {
            bitmap_set(aggregator->dealers, i);
        }
    }
    digest_dealings(aggregator);
    aggregator->phase = aggregator->step = SOTTO_AGGREGATOR_MASKING;
    enum sotto_status status = index_holdings(aggregator);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__aggregator_send_shares(aggregator);
    if (status != SOTTO_OK) {
        return status;
    }
    for (uint32_t i = 0; i < n; i++) { /* they are the largest part of the session */
        sotto__merkle_release(&aggregator->members[i].tree);
        if (!sotto_graph_is_complete(&aggregator->roster.graph, n)) {
            sotto_free(aggregator->members[i].ciphers);
            aggregator->members[i].ciphers = NULL;
        }
    }
    return SOTTO_OK;
}

/* [PROTOCOL.md, LIVING]: the survivors and their masked inputs are fixed. */
static enum sotto_status begin_consenting(struct sotto_session_aggregator *aggregator)
{
    uint32_t n = parties_len(aggregator);
    uint8_t *masked = aggregator->masked;
    for (uint32_t i = 0; i < n; i++) {
        if (aggregator->members[i].masked) {
            bitmap_set(aggregator->living, i);
            memcpy(masked, aggregator->members[i].masked_digest, SOTTO__HASH_BYTES);
            masked += SOTTO__HASH_BYTES;
        }
    }
    aggregator->phase = aggregator->step = SOTTO_AGGREGATOR_CONSENTING;
    return sotto__aggregator_send_living(aggregator);
}

/* [PROTOCOL.md, UNMASK]; counts the pair keys that are to come, on a sparse graph. */
static enum sotto_status begin_revealing(struct sotto_session_aggregator *aggregator)
{
    uint32_t partners[SOTTO_SESSION_PARTIES_MAX];
    bool none = sotto_graph_is_complete(&aggregator->roster.graph, parties_len(aggregator));
    for (uint32_t j = 0; !none && j < parties_len(aggregator); j++) {
        if (bitmap_get(aggregator->living, j)) {
            aggregator->missing_keys += sotto__aggregator_dead_partners(aggregator, partners, j);
        }
    }
    aggregator->phase = aggregator->step = SOTTO_AGGREGATOR_REVEALING;
    return sotto__aggregator_send_unmask(aggregator);
}

static enum sotto_status aggregator_end_step(struct sotto_session_aggregator *aggregator)
{
    switch (aggregator->phase) {
    case SOTTO_AGGREGATOR_DEALING:
        return begin_masking(aggregator);
    case SOTTO_AGGREGATOR_MASKING:
        return begin_consenting(aggregator);
    case SOTTO_AGGREGATOR_CONSENTING:
        return begin_revealing(aggregator);
    default:
        return sotto__aggregator_finish_sum(aggregator);
    }
}

bool sotto__aggregator_asks(const struct sotto_session_aggregator *aggregator, uint32_t index)
{
    const struct member *member = &aggregator->members[index];
    switch (aggregator->phase) {
    case SOTTO_AGGREGATOR_DEALING:
        return !member->left;
    case SOTTO_AGGREGATOR_MASKING:
    case SOTTO_AGGREGATOR_WITHDRAWING:
        return !member->left && member->dealt;
    default:
        return !member->left && member->masked;
    }
}

bool sotto__aggregator_has_answer(const struct sotto_session_aggregator *aggregator, uint32_t index)
{
    return member_answered(&aggregator->members[index], aggregator->phase);
}

/* Whether member j can have given, or can still give, its answer to this step. */
static bool may_answer(const struct sotto_session_aggregator *aggregator, uint32_t j, bool expired)
{
    return sotto__aggregator_has_answer(aggregator, j) ||
           (!expired && sotto__aggregator_asks(aggregator, j));
}

/* Whether each dealer has threshold holders that answered or (not expired) still may. Before
 * dealing ends nobody knows who holds what: then counting all is all there is. */
static bool holders_suffice(const struct sotto_session_aggregator *aggregator, bool expired)
{
    uint32_t n = parties_len(aggregator);
    uint32_t holders_len = aggregator->roster.graph.holders;
    for (uint32_t i = 0; aggregator->phase > SOTTO_AGGREGATOR_DEALING && i < n; i++) {
        uint32_t count = 0;
        for (uint32_t p = 0; bitmap_get(aggregator->dealers, i) && p < holders_len; p++) {
            count += may_answer(aggregator, aggregator->members[i].holders[p], expired);
        }
        if (bitmap_get(aggregator->dealers, i) && count < aggregator->roster.graph.threshold) {
            return false;
        }
    }
    return true;
}

/* Keys that nobody revealed cost a multiplication each: so few are not worth waiting for. */
#define MISSING_KEYS_MAX 1000

/* Whether nothing is to be opened without this member's consent. */
static bool needs_consent_of(const struct sotto_session_aggregator *aggregator, uint32_t index)
{
    return bitmap_get(aggregator->living, index) &&
           aggregator->roster.adverts[index].demands.needs_consent;
}

/* The first whose consent is needed and has not come, or UINT32_MAX. */
static uint32_t find_missing_consent(const struct sotto_session_aggregator *aggregator)
{
    for (uint32_t i = 0; i < parties_len(aggregator); i++) {
        if (needs_consent_of(aggregator, i) && !aggregator->members[i].consented) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* Whether of the members that are wanted enough answered, or (not expired) still may. Once masked
 * inputs are in it is settled. */
static bool wanted_suffice(const struct sotto_session_aggregator *aggregator, bool expired)
{
    uint32_t count = 0;
    if (aggregator->wanted == NULL || aggregator->phase >= SOTTO_AGGREGATOR_CONSENTING) {
        return true;
    }
    for (uint32_t i = 0; i < parties_len(aggregator); i++) {
        count += aggregator->wanted[i] != 0 && may_answer(aggregator, i, expired);
    }
    return count >= aggregator->wanted_needed;
}

/* Whether a step may end before everybody has answered: on a complete graph with threshold
 * consents and those that members ask for, on any with threshold shares of every secret. */
static bool step_is_complete(const struct sotto_session_aggregator *aggregator)
{
    uint32_t n = parties_len(aggregator);
    if (aggregator->phase == SOTTO_AGGREGATOR_REVEALING) {
        return aggregator->complete_secrets == bitmap_count(aggregator->dealers, n) &&
               aggregator->missing_keys <= MISSING_KEYS_MAX;
    }
    return aggregator->phase == SOTTO_AGGREGATOR_CONSENTING &&
           sotto_graph_is_complete(&aggregator->roster.graph, n) &&
           count_answers(aggregator, aggregator->phase) >= aggregator->roster.graph.threshold &&
           find_missing_consent(aggregator) == UINT32_MAX;
}

/* A member whose consent is needed and can't come any more, or UINT32_MAX. */
static uint32_t find_refusal(const struct sotto_session_aggregator *aggregator, bool expired)
{
    uint32_t missing = aggregator->phase == SOTTO_AGGREGATOR_CONSENTING
                           ? find_missing_consent(aggregator)
                           : UINT32_MAX;
    for (; missing < parties_len(aggregator); missing++) {
        if (needs_consent_of(aggregator, missing) && !may_answer(aggregator, missing, expired)) {
            return missing;
        }
    }
    return UINT32_MAX;
}

static void fail_for_refusal(struct sotto_session_aggregator *aggregator, uint32_t index)
{
    char name[SOTTO_KEY_TEXT_BYTES];
    sotto_key_to_text(member_key(aggregator, index), name);
    (void)sotto_error_set(&aggregator->failure, SOTTO_ERROR_PARTIES,
                          "consents: %s did not consent, and nothing is opened without it", name);
    aggregator->phase = SOTTO_AGGREGATOR_FAILED;
}

enum sotto_status sotto__aggregator_advance(struct sotto_session_aggregator *aggregator,
                                            bool expired)
{
    static const char *const step_names[] = {"dealing shares", "masked inputs", "consents",
                                             "revealed shares"};
    if (aggregator->phase >= SOTTO_AGGREGATOR_SUMMED) {
        return SOTTO_OK;
    }
    if (aggregator->phase == SOTTO_AGGREGATOR_WITHDRAWING) {
        sotto__aggregator_advance_withdrawing(aggregator, expired);
        return SOTTO_OK;
    }
    bool by_threshold = aggregator->phase >= SOTTO_AGGREGATOR_CONSENTING;
    uint32_t answers = count_answers(aggregator, aggregator->phase);
    uint32_t awaited = expired ? 0 : count_awaited(aggregator, aggregator->phase);
    uint32_t needed = by_threshold ? aggregator->roster.graph.threshold : aggregator->need;
    bool complete = step_is_complete(aggregator);
    bool ends = complete || awaited == 0;
    uint32_t refusal = find_refusal(aggregator, expired);
    if (refusal != UINT32_MAX) {
        fail_for_refusal(aggregator, refusal);
        return SOTTO_OK;
    }
    if (!wanted_suffice(aggregator, expired)) {
        (void)sotto_error_set(&aggregator->failure, SOTTO_ERROR_PARTIES,
                              "%s: too few of those who were drawn answered, %u needed",
                              step_names[aggregator->phase], aggregator->wanted_needed);
        aggregator->phase = SOTTO_AGGREGATOR_FAILED;
        return SOTTO_OK;
    }
    if (!complete &&
        (answers + awaited < needed || (ends && !holders_suffice(aggregator, expired)))) {
        (void)sotto_error_set(
            &aggregator->failure, SOTTO_ERROR_PARTIES, "%s: %u of %u parties answered, %u needed",
            step_names[aggregator->phase], answers, parties_len(aggregator), needed);
        aggregator->phase = SOTTO_AGGREGATOR_FAILED;
        return SOTTO_OK;
    }
    if (!ends) {
        return SOTTO_OK;
    }
    enum sotto_status status = aggregator_end_step(aggregator);
    if (status != SOTTO_OK) {
        if (aggregator->failure.status == SOTTO_OK) {
            (void)sotto_error_set(&aggregator->failure, status, "%s: %s",
                                  step_names[aggregator->phase], sotto_status_text(status));
        }
        aggregator->phase = SOTTO_AGGREGATOR_FAILED;
    }
    return status;
}

enum sotto_status sotto_session_aggregator_want(struct sotto_session_aggregator *aggregator,
                                                const uint8_t *wanted, uint32_t needed)
{
    aggregator->wanted = sotto_alloc_array(parties_len(aggregator), sizeof *wanted);
    if (aggregator->wanted == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    memcpy(aggregator->wanted, wanted, parties_len(aggregator));
    aggregator->wanted_needed = needed;
    return SOTTO_OK;
}

enum sotto_status sotto_session_aggregator_expire(struct sotto_session_aggregator *aggregator)
{
    return sotto__aggregator_advance(aggregator, true);
}

enum sotto_status sotto_session_aggregator_drop(struct sotto_session_aggregator *aggregator,
                                                uint32_t index)
{
    SOTTO_REQUIRE(index < parties_len(aggregator));
    aggregator->members[index].left = true;
    return sotto__aggregator_advance(aggregator, false);
}
