/* SPDX-License-Identifier: Apache-2.0 */

/* The end of a session: secrets from shares, and the masks that they leave in the sum [PROTOCOL.md,
 * REVEAL], [BIKMMPRSS17, fig. 4, Unmasking]. Leans on shamir.c and on mask.c.
 *
 * The idea: pair masks between two of the living cancel by themselves. What is left in the sum is
 * the self mask of each of the living, from b, and the pair masks between the living and the dead,
 * from m of the dead one, or on a sparse graph from a key that the living one revealed.
 *
 * Every secret that is put together is checked against the point that its dealer showed (B or M)
 * before a mask is made of it: a wrong one would turn the sum into noise that nobody could tell
 * from a sum.
 *
 * CT: not needed: the aggregator is given these secrets to open them. They are wiped all the same,
 * since they outlive their use in memory. */

#include "message/record.h"
#include "session/session_aggregator.h"

#include <sotto/alloc.h>
#include <sotto/record.h>
#include <sotto/secret.h>
#include <string.h>

/* Marks with whom a dealer has pair masks: whom it drew, and who drew it. */
static void mark_partners(const struct sotto_session_aggregator *aggregator, uint8_t *marks,
                          uint32_t dealer)
{
    uint32_t masks = aggregator->roster.graph.masks;
    memset(marks, 0, bitmap_bytes(parties_len(aggregator)));
    for (uint32_t p = 1; p <= masks; p++) {
        bitmap_set(marks, aggregator->members[dealer].holders[p]);
    }
    for (size_t k = aggregator->starts[dealer]; k < aggregator->starts[dealer + 1]; k++) {
        const struct holding *holding = &aggregator->holdings[k];
        if (holding->position >= 1 && holding->position <= masks) {
            bitmap_set(marks, holding->dealer);
        }
    }
}

uint32_t sotto__aggregator_dead_partners(const struct sotto_session_aggregator *aggregator,
                                         uint32_t *out, uint32_t index)
{
    uint8_t marks[(SOTTO_SESSION_PARTIES_MAX + 7) / 8];
    uint32_t len = 0;
    mark_partners(aggregator, marks, index);
    for (uint32_t i = 0; i < parties_len(aggregator); i++) {
        if (bitmap_get(marks, i) && bitmap_get(aggregator->dealers, i) &&
            !bitmap_get(aggregator->living, i)) {
            out[len++] = i;
        }
    }
    return len;
}

/* A Lagrange basis, kept for as long as the holders stay the same. */
struct basis {
    uint8_t *scalars;
    uint32_t *holders;
    bool filled;
};

/* Makes it the basis of those whose shares the dealer's secret is made of. */
static void fill_basis(struct basis *basis, const struct member *dealer, uint32_t threshold)
{
    bool same = basis->filled;
    for (uint32_t k = 0; k < threshold; k++) {
        same = same && basis->holders[k] == dealer->sharers[k];
        basis->holders[k] = dealer->sharers[k];
    }
    if (!same) {
        sotto__shamir_basis(basis->scalars, basis->holders, threshold);
        basis->filled = true;
    }
}

/* The secrets of the dealers in a bitmap, checked against what they committed to. Returns: the
 * least index of a dealer whose secret is another, or UINT32_MAX. */
static uint32_t recover_secrets(struct sotto_session_aggregator *aggregator, uint8_t *secrets,
                                const uint8_t *needed, enum sotto_status *out_status)
{
    uint32_t threshold = aggregator->roster.graph.threshold;
    uint32_t n = parties_len(aggregator);
    uint32_t cheat = UINT32_MAX;
    *out_status = SOTTO_OK;
#pragma omp parallel if (n > SOTTO__PARALLEL_PARTIES)
    {
        struct basis basis = {.scalars = sotto_alloc_array(threshold, SOTTO__SCALAR_BYTES),
                              .holders = sotto_alloc_array(threshold, sizeof *basis.holders)};
        bool able = basis.scalars != NULL && basis.holders != NULL;
#pragma omp for schedule(dynamic, 8) reduction(min : cheat)
        for (uint32_t i = 0; i < n; i++) {
            if (!able || !bitmap_get(needed, i)) {
                continue;
            }
            uint8_t point[SOTTO__POINT_BYTES];
            const uint8_t *committed = bitmap_get(aggregator->living, i)
                                           ? aggregator->members[i].dealing.seed_point
                                           : aggregator->roster.adverts[i].mask_point;
            uint8_t *secret = secrets + (size_t)i * SOTTO__SCALAR_BYTES;
            fill_basis(&basis, &aggregator->members[i], threshold);
            sotto__shamir_combine(secret, basis.scalars, aggregator->members[i].shares, threshold);
            (void)sotto__point_base(point, secret);
            if (memcmp(point, committed, SOTTO__POINT_BYTES) != 0 && i < cheat) {
                cheat = i;
            }
        }
        sotto_free(basis.scalars);
        sotto_free(basis.holders);
        if (!able) {
#pragma omp atomic write
            *out_status = SOTTO_ERROR_NO_MEMORY;
        }
    }
    aggregator->counters.group_operations += bitmap_count(needed, n);
    return cheat;
}

/* A mask that is left in the sum: a living party's own (partner == dealer), or the one that a
 * living party shares with a dead dealer, whose key it may have revealed. */
struct leftover {
    uint32_t dealer;
    uint32_t partner;
    const uint8_t *key; /* NULL: to be derived from the dealer's secret */
};

/* All masks that are left in the sum. leftovers NULL: counts only. Marks the dealers whose secrets
 * are needed. */
static size_t list_leftovers(const struct sotto_session_aggregator *aggregator,
                             struct leftover *leftovers, uint8_t *needed)
{
    size_t len = 0;
    uint32_t partners[SOTTO_SESSION_PARTIES_MAX];
    for (uint32_t j = 0; j < parties_len(aggregator); j++) {
        const struct member *member = &aggregator->members[j];
        uint32_t partners_len = 0;
        if (!bitmap_get(aggregator->living, j)) {
            continue;
        }
        partners_len = sotto__aggregator_dead_partners(aggregator, partners, j);
        bitmap_set(needed, j);
        if (leftovers != NULL) {
            leftovers[len] = (struct leftover){j, j, NULL};
        }
        len++;
        for (uint32_t k = 0; k < partners_len; k++, len++) {
            const uint8_t *key = member->pair_keys_len > 0
                                     ? member->pair_keys + (size_t)k * SOTTO__MASK_KEY_BYTES
                                     : NULL;
            if (key == NULL) {
                bitmap_set(needed, partners[k]);
            }
            if (leftovers != NULL) {
                leftovers[len] = (struct leftover){partners[k], j, key};
            }
        }
    }
    return len;
}

/* The key by which a mask is taken out, as it was revealed or from the dealer's secret, and its
 * sign. */
static void derive_leftover(const struct sotto_session_aggregator *aggregator,
                            struct sotto__mask_key *out, const struct leftover *leftover,
                            const uint8_t *secrets)
{
    uint32_t dealer = leftover->dealer;
    if (leftover->key != NULL) {
        /* The partner added the stream if the dealer's index is above its own. */
        out->sign = dealer > leftover->partner ? SOTTO__MASK_SUBTRACT : SOTTO__MASK_ADD;
        memcpy(out->key, leftover->key, sizeof out->key);
        return;
    }
    sotto__unmasking_key(out, &aggregator->roster, aggregator->session,
                         secrets + (size_t)dealer * SOTTO__SCALAR_BYTES, dealer, leftover->partner);
}

/* Takes all leftovers out of the sum in one go. */
static enum sotto_status remove_masks(struct sotto_session_aggregator *aggregator,
                                      const uint8_t *secrets, const struct leftover *leftovers,
                                      size_t len)
{
    struct sotto__mask_key *keys = sotto_alloc_array(len, sizeof *keys);
    size_t derived = 0;
    if (keys == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
#pragma omp parallel for schedule(static) if (len > SOTTO__PARALLEL_PARTIES) reduction(+ : derived)
    for (size_t k = 0; k < len; k++) {
        derived += leftovers[k].key == NULL && leftovers[k].dealer != leftovers[k].partner;
        derive_leftover(aggregator, &keys[k], &leftovers[k], secrets);
    }
    enum sotto_status status =
        sotto__mask_apply(aggregator->sum, aggregator->runs, aggregator->runs_len, keys, len);
    aggregator->counters.group_operations += derived;
    aggregator->counters.keystream_bytes += len * aggregator->vector_bytes;
    sotto_wipe(keys, len * sizeof *keys);
    sotto_free(keys);
    return status;
}

/* Puts the secrets together. Returns: SOTTO_ERROR_PROTOCOL, and the failure names the dealer, where
 * one is not what was committed to. */
static enum sotto_status open_secrets(struct sotto_session_aggregator *aggregator, uint8_t *secrets,
                                      const uint8_t *needed)
{
    enum sotto_status status;
    uint32_t cheat = recover_secrets(aggregator, secrets, needed, &status);
    if (status != SOTTO_OK) {
        return status;
    }
    if (cheat != UINT32_MAX) {
        char name[SOTTO_KEY_TEXT_BYTES];
        sotto_key_to_text(member_key(aggregator, cheat), name);
        return sotto_error_set(&aggregator->failure, SOTTO_ERROR_PROTOCOL,
                               "dealer %s committed to shares of another secret", name);
    }
    return SOTTO_OK;
}

/* B of each dealer, by index. */
static uint8_t *list_seed_points(const struct sotto_session_aggregator *aggregator)
{
    uint8_t *points = sotto_alloc_array(parties_len(aggregator), SOTTO__POINT_BYTES);
    for (uint32_t i = 0; points != NULL && i < parties_len(aggregator); i++) {
        memcpy(points + (size_t)i * SOTTO__POINT_BYTES, aggregator->members[i].dealing.seed_point,
               SOTTO__POINT_BYTES);
    }
    return points;
}

static struct sotto__opening describe_opening(const struct sotto_session_aggregator *aggregator,
                                              const uint8_t *seed_points)
{
    return (struct sotto__opening){.roster = &aggregator->roster,
                                   .label = &aggregator->label,
                                   .survivors = {.session = aggregator->session,
                                                 .dealers = aggregator->dealers,
                                                 .living = aggregator->living,
                                                 .parties_len = parties_len(aggregator),
                                                 .dealings = aggregator->dealings,
                                                 .masked = aggregator->masked},
                                   .seed_points = seed_points,
                                   .runs = aggregator->runs,
                                   .runs_len = aggregator->runs_len,
                                   .vector_bytes = aggregator->vector_bytes};
}

/* [PROTOCOL.md, OPENED]: what the parties check, and nothing of those that are not living but m of
 * the dead. Masked inputs are not needed any more. */
static enum sotto_status make_transcript(struct sotto_session_aggregator *aggregator,
                                         const uint8_t *secrets)
{
    uint8_t consenting[(SOTTO_SESSION_PARTIES_MAX + 7) / 8] = {0};
    uint32_t n = parties_len(aggregator);
    struct sotto__opening opening = describe_opening(aggregator, NULL);
    struct sotto_writer writer;
    struct sotto__signed_vector *masked = sotto_alloc_array(n, sizeof *masked);
    struct sotto_signature *consents = sotto_alloc_array(n, sizeof *consents);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    if (masked == NULL || consents == NULL) {
        goto out;
    }
    for (uint32_t i = 0; i < n; i++) {
        const struct member *member = &aggregator->members[i];
        masked[i] = (struct sotto__signed_vector){member->vector, member->masked_signature};
        consents[i] = member->consent;
    }
    sotto__aggregator_mark_consents(aggregator, consenting);
    sotto__transcript_write(&writer, &opening, masked, secrets, consents, consenting);
    status = sotto_writer_status(&writer);
    if (status != SOTTO_OK) {
        goto out;
    }
    aggregator->transcript.data = sotto_writer_take(&writer, &aggregator->transcript.data_bytes);
    for (uint32_t i = 0; i < n; i++) {
        sotto_free(aggregator->members[i].vector);
        aggregator->members[i].vector = NULL;
    }
out:
    sotto_writer_release(&writer);
    sotto_free(masked);
    sotto_free(consents);
    return status;
}

enum sotto_status
sotto_session_aggregator_recheck(const struct sotto_session_aggregator *aggregator,
                                 struct sotto_error *err)
{
    struct sotto_dispute dispute;
    SOTTO_REQUIRE(aggregator->phase == SOTTO_AGGREGATOR_SUMMED && aggregator->verifies);
    uint8_t *seed_points = list_seed_points(aggregator);
    uint8_t *sum = sotto_alloc_aligned(aggregator->vector_bytes);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (seed_points == NULL || sum == NULL) {
        (void)sotto_error_set(err, status, "no memory to check a transcript");
        goto out;
    }
    struct sotto__opening opening = describe_opening(aggregator, seed_points);
    status = sotto__transcript_open(&opening, sum, &dispute, aggregator->transcript.data,
                                    aggregator->transcript.data_bytes, err);
    if (status == SOTTO_OK && memcmp(sum, aggregator->sum, aggregator->vector_bytes) != 0) {
        status = sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                 "the transcript opens another sum than the one that was computed");
    }
out:
    sotto_free(seed_points);
    sotto_free(sum);
    return status;
}

void sotto_session_aggregator_write_record(const struct sotto_session_aggregator *aggregator,
                                           struct sotto_writer *writer)
{
    const struct sotto__dealing *dealings[SOTTO_SESSION_PARTIES_MAX];
    uint8_t consenting[(SOTTO_SESSION_PARTIES_MAX + 7) / 8] = {0};
    struct sotto_signature consents[SOTTO_SESSION_PARTIES_MAX];
    struct sotto__opening opening = describe_opening(aggregator, NULL);
    SOTTO_REQUIRE(aggregator->phase == SOTTO_AGGREGATOR_SUMMED);
    SOTTO_REQUIRE(sotto_graph_is_complete(&aggregator->roster.graph, parties_len(aggregator)));
    for (uint32_t i = 0; i < parties_len(aggregator); i++) {
        dealings[i] = &aggregator->members[i].dealing;
        consents[i] = aggregator->members[i].consent;
    }
    sotto__aggregator_mark_consents(aggregator, consenting);
    sotto__record_write(writer, &opening, aggregator->agreement, dealings, consents, consenting);
}

enum sotto_status sotto__aggregator_finish_sum(struct sotto_session_aggregator *aggregator)
{
    uint8_t needed[(SOTTO_SESSION_PARTIES_MAX + 7) / 8] = {0};
    size_t len = list_leftovers(aggregator, NULL, needed);
    struct leftover *leftovers = sotto_alloc_array(len, sizeof *leftovers);
    uint8_t *secrets = sotto_secret_alloc((size_t)parties_len(aggregator) * SOTTO__SCALAR_BYTES);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (secrets == NULL || leftovers == NULL) {
        goto out;
    }
    (void)list_leftovers(aggregator, leftovers, needed);
    status = open_secrets(aggregator, secrets, needed);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = remove_masks(aggregator, secrets, leftovers, len);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (aggregator->verifies) {
        status = make_transcript(aggregator, secrets);
    }
    if (status != SOTTO_OK) {
        goto out;
    }
    aggregator->phase = SOTTO_AGGREGATOR_SUMMED;
out:
    sotto_secret_free(secrets);
    sotto_free(leftovers);
    return status;
}
