/* SPDX-License-Identifier: Apache-2.0 */
/* The aggregator's side of a session: ROSTER, SHARES, LIVING, UNMASK and the sum (PROTOCOL.md). */
#include "internal.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

struct member {
    bool left;
    bool dealt;
    bool masked;
    bool consented;
    bool revealed;
    struct sotto__dealing dealing;
    uint8_t *leaves;  /* 2n hashes */
    uint8_t *ciphers; /* n - 1 of SHARE_CIPHER_BYTES, until SHARES are sent */
    struct sotto_signature consent;
    uint8_t *shares; /* by dealer, SCALAR_BYTES each: what REVEAL opened */
};

struct sotto_session_aggregator {
    const struct sotto_identity *identity;
    struct sotto_roster roster;
    struct sotto_session_label label;
    uint8_t session[SOTTO_SESSION_BYTES];
    uint32_t need;
    uint16_t *slots;
    size_t slots_len;
    size_t limbs_len;
    struct sotto_action_queue queue;
    enum sotto_aggregator_phase phase;
    struct member *members;
    uint8_t *dealers; /* bitmaps, fixed when their step ends */
    uint8_t *living;
    uint64_t *sum; /* of the masked inputs, in the end of the inputs */
    bool opened;
    struct sotto_error failure;
};

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

static uint32_t parties_len(const struct sotto_session_aggregator *aggregator)
{
    return aggregator->roster.adverts_len;
}

static const struct sotto_key *member_key(const struct sotto_session_aggregator *aggregator,
                                          uint32_t index)
{
    return &aggregator->roster.adverts[index].sender;
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

/* Whether a member answered the step that ends a phase. */
static bool member_answered(const struct member *member, enum sotto_aggregator_phase phase)
{
    switch (phase) {
    case SOTTO_AGGREGATOR_DEALING:
        return member->dealt;
    case SOTTO_AGGREGATOR_MASKING:
        return member->masked;
    case SOTTO_AGGREGATOR_CONSENTING:
        return member->consented;
    default:
        return member->revealed;
    }
}

/* The step that is under way, or in which the session failed. */
static enum sotto_aggregator_phase
aggregator_step(const struct sotto_session_aggregator *aggregator)
{
    if (aggregator->phase != SOTTO_AGGREGATOR_FAILED) {
        return aggregator->phase;
    }
    if (aggregator->opened) {
        return SOTTO_AGGREGATOR_REVEALING;
    }
    if (bitmap_count(aggregator->living, parties_len(aggregator)) > 0) {
        return SOTTO_AGGREGATOR_CONSENTING;
    }
    return bitmap_count(aggregator->dealers, parties_len(aggregator)) > 0
               ? SOTTO_AGGREGATOR_MASKING
               : SOTTO_AGGREGATOR_DEALING;
}

bool sotto_session_aggregator_answered(const struct sotto_session_aggregator *aggregator,
                                       uint32_t index)
{
    const struct member *member = &aggregator->members[index];
    return !member->left && member_answered(member, aggregator_step(aggregator));
}

enum sotto_status
sotto_session_aggregator_failure(const struct sotto_session_aggregator *aggregator, bool *opened,
                                 struct sotto_error *err)
{
    SOTTO_REQUIRE(aggregator->phase == SOTTO_AGGREGATOR_FAILED);
    *opened = aggregator->opened;
    if (err != NULL) {
        *err = aggregator->failure;
    }
    return aggregator->failure.status;
}

const uint64_t *sotto_session_aggregator_sum(const struct sotto_session_aggregator *aggregator,
                                             size_t *out_limbs_len)
{
    SOTTO_REQUIRE(aggregator->phase == SOTTO_AGGREGATOR_SUMMED);
    *out_limbs_len = aggregator->limbs_len;
    return aggregator->sum;
}

void sotto_session_aggregator_free(struct sotto_session_aggregator *aggregator)
{
    if (aggregator == NULL) {
        return;
    }
    for (uint32_t i = 0; aggregator->members != NULL && i < parties_len(aggregator); i++) {
        struct member *member = &aggregator->members[i];
        sotto_free(member->leaves);
        sotto_free(member->ciphers);
        if (member->shares != NULL) {
            sotto_wipe(member->shares, (size_t)parties_len(aggregator) * SCALAR_BYTES);
            sotto_free(member->shares);
        }
    }
    sotto_free(aggregator->members);
    sotto_free(aggregator->dealers);
    sotto_free(aggregator->living);
    sotto_free(aggregator->slots);
    sotto_free(aggregator->sum);
    sotto_action_queue_release(&aggregator->queue);
    sotto_roster_release(&aggregator->roster);
    sotto_free(aggregator);
}

/* --- Sending --- */

static void aggregator_begin(const struct sotto_session_aggregator *aggregator,
                             struct sotto_writer *writer, enum sotto_message_type type)
{
    sotto_writer_init(writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_message_begin(writer, type, &aggregator->label, aggregator->session,
                        aggregator->identity);
}

static enum sotto_status aggregator_finish(struct sotto_session_aggregator *aggregator,
                                           struct sotto_writer *writer, uint32_t index)
{
    struct sotto_buffer message;
    enum sotto_status status = sotto_message_finish(writer, &message, aggregator->identity);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto_action_push_send(&aggregator->queue, member_key(aggregator, index), &message);
}

/* Queues a copy of one message to every member of a bitmap (NULL: all). */
static enum sotto_status aggregator_send_all(struct sotto_session_aggregator *aggregator,
                                             const struct sotto_buffer *message,
                                             const uint8_t *bitmap)
{
    for (uint32_t i = 0; i < parties_len(aggregator); i++) {
        struct sotto_buffer copy;
        if (bitmap != NULL && !bitmap_get(bitmap, i)) {
            continue;
        }
        enum sotto_status status = sotto_buffer_copy(&copy, message->data, message->data_bytes);
        if (status == SOTTO_OK) {
            status = sotto_action_push_send(&aggregator->queue, member_key(aggregator, i), &copy);
        }
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* --- Start --- */

static enum sotto_status aggregator_allocate(struct sotto_session_aggregator *aggregator,
                                             const struct sotto_session_terms *terms)
{
    size_t bitmap_len = bitmap_bytes(parties_len(aggregator));
    aggregator->slots_len = terms->slots_len;
    aggregator->slots = sotto_alloc_array(terms->slots_len, sizeof *aggregator->slots);
    aggregator->members = sotto_alloc_array(parties_len(aggregator), sizeof *aggregator->members);
    aggregator->dealers = sotto_alloc_zeroed(bitmap_len);
    aggregator->living = sotto_alloc_zeroed(bitmap_len);
    aggregator->sum = sotto_alloc_array(aggregator->limbs_len, sizeof *aggregator->sum);
    if (aggregator->slots == NULL || aggregator->members == NULL || aggregator->dealers == NULL ||
        aggregator->living == NULL || aggregator->sum == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    memcpy(aggregator->slots, terms->slots, terms->slots_len * sizeof *aggregator->slots);
    return SOTTO_OK;
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
    aggregator->roster = *roster;
    *roster = (struct sotto_roster){0};
    aggregator->label = terms->invitation.label;
    aggregator->need = sotto_session_need(parties_len(aggregator), terms->min_parties);
    enum sotto_status status =
        sotto__slots_limbs(&aggregator->limbs_len, terms->slots, terms->slots_len);
    if (status == SOTTO_OK && parties_len(aggregator) < aggregator->need) {
        status = SOTTO_ERROR_PARTIES;
    }
    if (status == SOTTO_OK) {
        sotto__session_id(aggregator->session, &aggregator->roster, terms);
        status = aggregator_allocate(aggregator, terms);
    }
    if (status == SOTTO_OK) {
        status = aggregator_send_all(aggregator, &aggregator->roster.message, NULL);
    }
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

static enum sotto_status send_shares_to(struct sotto_session_aggregator *aggregator,
                                        const struct sotto__merkle_tree *trees, uint32_t holder)
{
    uint32_t n = parties_len(aggregator);
    size_t path_bytes = (size_t)sotto__merkle_depth(n) * HASH_BYTES;
    struct sotto_writer writer;
    aggregator_begin(aggregator, &writer, SOTTO_MESSAGE_SHARES);
    sotto_write_bytes(&writer, aggregator->dealers, bitmap_bytes(n));
    for (uint32_t i = 0; i < n; i++) {
        const struct member *dealer = &aggregator->members[i];
        if (i == holder || !dealer->dealt) {
            continue;
        }
        sotto__dealing_write(&dealer->dealing, &writer);
        uint8_t *path = sotto_write_space(&writer, path_bytes);
        if (path != NULL) {
            sotto__merkle_path(&trees[i], path, holder);
        }
        /* The dealer skipped itself. */
        size_t position = holder < i ? holder : holder - 1;
        sotto_write_bytes(&writer, dealer->ciphers + position * SHARE_CIPHER_BYTES,
                          SHARE_CIPHER_BYTES);
    }
    return aggregator_finish(aggregator, &writer, holder);
}

static enum sotto_status send_all_shares(struct sotto_session_aggregator *aggregator,
                                         struct sotto__merkle_tree *trees)
{
    uint32_t n = parties_len(aggregator);
    for (uint32_t i = 0; i < n; i++) {
        if (aggregator->members[i].dealt) {
            enum sotto_status status =
                sotto__merkle_build(&trees[i], aggregator->members[i].leaves, n);
            if (status != SOTTO_OK) {
                return status;
            }
        }
    }
    for (uint32_t j = 0; j < n; j++) {
        if (aggregator->members[j].dealt) {
            enum sotto_status status = send_shares_to(aggregator, trees, j);
            if (status != SOTTO_OK) {
                return status;
            }
        }
    }
    return SOTTO_OK;
}

static enum sotto_status begin_masking(struct sotto_session_aggregator *aggregator)
{
    uint32_t n = parties_len(aggregator);
    struct sotto__merkle_tree *trees = sotto_alloc_array(n, sizeof *trees);
    if (trees == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (aggregator->members[i].dealt) {
            bitmap_set(aggregator->dealers, i);
        }
    }
    enum sotto_status status = send_all_shares(aggregator, trees);
    for (uint32_t i = 0; i < n; i++) {
        sotto__merkle_release(&trees[i]);
        sotto_free(aggregator->members[i].ciphers);
        aggregator->members[i].ciphers = NULL;
    }
    sotto_free(trees);
    aggregator->phase = SOTTO_AGGREGATOR_MASKING;
    return status;
}

static enum sotto_status begin_consenting(struct sotto_session_aggregator *aggregator)
{
    uint32_t n = parties_len(aggregator);
    for (uint32_t i = 0; i < n; i++) {
        if (aggregator->members[i].masked) {
            bitmap_set(aggregator->living, i);
        }
    }
    struct sotto_writer writer;
    struct sotto_buffer message;
    aggregator_begin(aggregator, &writer, SOTTO_MESSAGE_LIVING);
    sotto_write_bytes(&writer, aggregator->living, bitmap_bytes(n));
    enum sotto_status status = sotto_message_finish(&writer, &message, aggregator->identity);
    if (status == SOTTO_OK) {
        status = aggregator_send_all(aggregator, &message, aggregator->living);
    }
    sotto_buffer_release(&message);
    aggregator->phase = SOTTO_AGGREGATOR_CONSENTING;
    return status;
}

static enum sotto_status begin_revealing(struct sotto_session_aggregator *aggregator)
{
    struct sotto_writer writer;
    struct sotto_buffer message;
    aggregator_begin(aggregator, &writer, SOTTO_MESSAGE_UNMASK);
    sotto_write_u32(&writer, count_answers(aggregator, SOTTO_AGGREGATOR_CONSENTING));
    for (uint32_t i = 0; i < parties_len(aggregator); i++) {
        const struct member *member = &aggregator->members[i];
        if (member->consented) {
            sotto_write_u32(&writer, i);
            sotto_write_bytes(&writer, member->consent.bytes, sizeof member->consent.bytes);
        }
    }
    enum sotto_status status = sotto_message_finish(&writer, &message, aggregator->identity);
    if (status == SOTTO_OK) {
        aggregator->opened = true; /* from the first copy on somebody may answer */
        status = aggregator_send_all(aggregator, &message, aggregator->living);
    }
    sotto_buffer_release(&message);
    aggregator->phase = SOTTO_AGGREGATOR_REVEALING;
    return status;
}

/* --- The sum --- */

/* The secret of one dealer from the shares of these holders. */
static void interpolate(const struct sotto_session_aggregator *aggregator,
                        uint8_t out[SCALAR_BYTES], uint32_t dealer, const uint32_t *holders,
                        const uint8_t *basis)
{
    memset(out, 0, SCALAR_BYTES);
    for (uint32_t k = 0; k < aggregator->roster.threshold; k++) {
        const struct member *holder = &aggregator->members[holders[k]];
        sotto__shamir_accumulate(out, basis + (size_t)k * SCALAR_BYTES,
                                 holder->shares + (size_t)dealer * SCALAR_BYTES);
    }
}

/* A living dealer: subtracts its self mask. */
static enum sotto_status unmask_living(struct sotto_session_aggregator *aggregator, uint32_t dealer,
                                       const uint8_t seed[SCALAR_BYTES])
{
    uint8_t key[32];
    sotto__derive_key(key, "sotto self mask", seed, aggregator->session,
                      member_key(aggregator, dealer), member_key(aggregator, dealer));
    enum sotto_status status = sotto__mask_apply(aggregator->sum, aggregator->slots,
                                                 aggregator->slots_len, key, MASK_SUBTRACT);
    sotto_wipe(key, sizeof key);
    return status;
}

/* A dead dealer: takes back the pair masks that the living applied for it. */
static enum sotto_status unmask_dead(struct sotto_session_aggregator *aggregator, uint32_t dealer,
                                     const uint8_t mask_key[SCALAR_BYTES])
{
    enum sotto_status status = SOTTO_OK;
    uint8_t key[32];
    uint8_t shared[POINT_BYTES];
    for (uint32_t j = 0; status == SOTTO_OK && j < parties_len(aggregator); j++) {
        if (!bitmap_get(aggregator->living, j)) {
            continue;
        }
        SOTTO_REQUIRE(
            sotto__point_multiply(shared, mask_key, aggregator->roster.adverts[j].mask_point));
        sotto__derive_key(key, "sotto pair mask", shared, aggregator->session,
                          member_key(aggregator, j < dealer ? j : dealer),
                          member_key(aggregator, j < dealer ? dealer : j));
        /* j added the stream if the dealer's index is above its own. */
        status = sotto__mask_apply(aggregator->sum, aggregator->slots, aggregator->slots_len, key,
                                   dealer > j ? MASK_SUBTRACT : MASK_ADD);
    }
    sotto_wipe(key, sizeof key);
    sotto_wipe(shared, sizeof shared);
    return status;
}

static enum sotto_status unmask_dealer(struct sotto_session_aggregator *aggregator, uint32_t dealer,
                                       const uint32_t *holders, const uint8_t *basis)
{
    uint8_t secret[SCALAR_BYTES];
    uint8_t point[POINT_BYTES];
    bool lives = bitmap_get(aggregator->living, dealer);
    const uint8_t *committed = lives ? aggregator->members[dealer].dealing.seed_point
                                     : aggregator->roster.adverts[dealer].mask_point;
    enum sotto_status status;
    interpolate(aggregator, secret, dealer, holders, basis);
    (void)sotto__point_base(point, secret);
    if (memcmp(point, committed, POINT_BYTES) != 0) {
        char name[SOTTO_KEY_TEXT_BYTES];
        sotto_key_to_text(member_key(aggregator, dealer), name);
        status = sotto_error_set(&aggregator->failure, SOTTO_ERROR_PROTOCOL,
                                 "dealer %s committed to shares of another secret", name);
    } else {
        status = lives ? unmask_living(aggregator, dealer, secret)
                       : unmask_dead(aggregator, dealer, secret);
    }
    sotto_wipe(secret, sizeof secret);
    return status;
}

static enum sotto_status finish_sum(struct sotto_session_aggregator *aggregator)
{
    uint32_t threshold = aggregator->roster.threshold;
    uint32_t *holders = sotto_alloc_array(threshold, sizeof *holders);
    uint8_t *basis = sotto_alloc_array(threshold, SCALAR_BYTES);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (holders != NULL && basis != NULL) {
        uint32_t holders_len = 0;
        for (uint32_t i = 0; i < parties_len(aggregator) && holders_len < threshold; i++) {
            if (aggregator->members[i].revealed) {
                holders[holders_len++] = i;
            }
        }
        SOTTO_VERIFY(holders_len == threshold);
        sotto__shamir_basis(basis, holders, threshold);
        status = SOTTO_OK;
        for (uint32_t i = 0; status == SOTTO_OK && i < parties_len(aggregator); i++) {
            if (bitmap_get(aggregator->dealers, i)) {
                status = unmask_dealer(aggregator, i, holders, basis);
            }
        }
    }
    sotto_free(holders);
    sotto_free(basis);
    if (status == SOTTO_OK) {
        aggregator->phase = SOTTO_AGGREGATOR_SUMMED;
    }
    return status;
}

/* How many answers a step needs before it may end at all. */
static uint32_t answers_needed(const struct sotto_session_aggregator *aggregator)
{
    bool by_threshold = aggregator->phase == SOTTO_AGGREGATOR_CONSENTING ||
                        aggregator->phase == SOTTO_AGGREGATOR_REVEALING;
    return by_threshold ? aggregator->roster.threshold : aggregator->need;
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
        return finish_sum(aggregator);
    }
}

/* Ends the current step if nobody more is awaited (or, expired, can be awaited): goes on or fails.
 */
static enum sotto_status aggregator_advance(struct sotto_session_aggregator *aggregator,
                                            bool expired)
{
    static const char *const step_names[] = {"dealing shares", "masked inputs", "consents",
                                             "revealed shares"};
    if (aggregator->phase >= SOTTO_AGGREGATOR_SUMMED) {
        return SOTTO_OK;
    }
    bool by_threshold = aggregator->phase >= SOTTO_AGGREGATOR_CONSENTING;
    uint32_t answers = count_answers(aggregator, aggregator->phase);
    uint32_t awaited = expired ? 0 : count_awaited(aggregator, aggregator->phase);
    uint32_t needed = answers_needed(aggregator);
    if (answers + awaited < needed) {
        (void)sotto_error_set(
            &aggregator->failure, SOTTO_ERROR_PARTIES, "%s: %u of %u parties answered, %u needed",
            step_names[aggregator->phase], answers, parties_len(aggregator), needed);
        aggregator->phase = SOTTO_AGGREGATOR_FAILED;
        return SOTTO_OK;
    }
    bool complete = answers >= needed && (awaited == 0 || by_threshold);
    if (!complete) {
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

enum sotto_status sotto_session_aggregator_expire(struct sotto_session_aggregator *aggregator)
{
    return aggregator_advance(aggregator, true);
}

/* --- Receiving --- */

static enum sotto_status check_deal(const struct sotto_session_aggregator *aggregator,
                                    uint32_t index, const struct sotto__dealing *dealing,
                                    const uint8_t *leaves, struct sotto_error *err)
{
    struct sotto__merkle_tree tree;
    enum sotto_status status = sotto__merkle_build(&tree, leaves, parties_len(aggregator));
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "no memory for a commitment");
    }
    bool fits = memcmp(sotto__merkle_root(&tree), dealing->root, HASH_BYTES) == 0;
    sotto__merkle_release(&tree);
    if (!fits ||
        !sotto__dealing_verify(dealing, aggregator->session, member_key(aggregator, index))) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "a dealer's commitment does not fit its shares or its signature");
    }
    return SOTTO_OK;
}

static enum sotto_status receive_deal(struct sotto_session_aggregator *aggregator, uint32_t index,
                                      struct sotto_reader *reader, struct sotto_error *err)
{
    size_t n = parties_len(aggregator);
    size_t leaves_bytes = 2 * n * HASH_BYTES;
    size_t ciphers_bytes = (n - 1) * SHARE_CIPHER_BYTES;
    struct member *member = &aggregator->members[index];
    struct sotto__dealing dealing;
    sotto__dealing_read(&dealing, reader);
    const uint8_t *leaves = sotto_read_bytes(reader, leaves_bytes);
    const uint8_t *ciphers = sotto_read_bytes(reader, ciphers_bytes);
    if (!sotto_reader_finished(reader)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "a DEAL message is malformed");
    }
    enum sotto_status status = check_deal(aggregator, index, &dealing, leaves, err);
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto_buffer leaves_copy;
    struct sotto_buffer ciphers_copy = {0};
    status = sotto_buffer_copy(&leaves_copy, leaves, leaves_bytes);
    if (status == SOTTO_OK) {
        status = sotto_buffer_copy(&ciphers_copy, ciphers, ciphers_bytes);
    }
    if (status != SOTTO_OK) {
        sotto_buffer_release(&leaves_copy);
        return sotto_error_set(err, status, "no memory for shares");
    }
    member->dealing = dealing;
    member->leaves = leaves_copy.data;
    member->ciphers = ciphers_copy.data;
    member->dealt = true;
    return SOTTO_OK;
}

static enum sotto_status receive_masked(struct sotto_session_aggregator *aggregator, uint32_t index,
                                        struct sotto_reader *reader, struct sotto_error *err)
{
    const uint8_t *vector = sotto_read_bytes(reader, aggregator->limbs_len * 8);
    if (!sotto_reader_finished(reader)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "a masked input of the wrong length");
    }
    sotto__vector_add(aggregator->sum, vector, aggregator->slots, aggregator->slots_len);
    aggregator->members[index].masked = true;
    return SOTTO_OK;
}

static enum sotto_status receive_consent(struct sotto_session_aggregator *aggregator,
                                         uint32_t index, struct sotto_reader *reader,
                                         struct sotto_error *err)
{
    struct sotto_signature signature;
    uint8_t digest[HASH_BYTES];
    sotto_read_copy(reader, signature.bytes, sizeof signature.bytes);
    sotto__survivors_digest(digest, aggregator->session, aggregator->dealers, aggregator->living,
                            parties_len(aggregator));
    if (!sotto_reader_finished(reader) ||
        !sotto_key_verify(member_key(aggregator, index), &signature, SURVIVORS_LABEL, digest,
                          sizeof digest)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "a consent does not sign the survivors of this session");
    }
    aggregator->members[index].consent = signature;
    aggregator->members[index].consented = true;
    return SOTTO_OK;
}

/* Copies the opened shares to out, one per dealer. Returns: false if one is not what its dealer
 * committed to. */
static bool check_openings(const struct sotto_session_aggregator *aggregator, uint8_t *out,
                           uint32_t holder, struct sotto_reader *reader)
{
    for (uint32_t i = 0; i < parties_len(aggregator); i++) {
        if (!bitmap_get(aggregator->dealers, i)) {
            continue;
        }
        uint8_t *share = out + (size_t)i * SCALAR_BYTES;
        uint8_t salt[SALT_BYTES];
        uint8_t leaf[HASH_BYTES];
        enum sotto__share_kind kind =
            bitmap_get(aggregator->living, i) ? SHARE_OF_SELF_SEED : SHARE_OF_MASK_KEY;
        sotto_read_copy(reader, share, SCALAR_BYTES);
        sotto_read_copy(reader, salt, SALT_BYTES);
        sotto__share_leaf(leaf, aggregator->session, i, holder, kind, salt, share);
        const uint8_t *committed =
            aggregator->members[i].leaves + ((size_t)2 * holder + kind) * HASH_BYTES;
        if (memcmp(leaf, committed, HASH_BYTES) != 0) {
            return false;
        }
    }
    return sotto_reader_finished(reader);
}

static enum sotto_status receive_reveal(struct sotto_session_aggregator *aggregator, uint32_t index,
                                        struct sotto_reader *reader, struct sotto_error *err)
{
    struct member *member = &aggregator->members[index];
    uint8_t *shares = sotto_alloc_array(parties_len(aggregator), SCALAR_BYTES);
    if (shares == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for shares");
    }
    if (!check_openings(aggregator, shares, index, reader)) {
        char name[SOTTO_KEY_TEXT_BYTES];
        sotto_key_to_text(member_key(aggregator, index), name);
        sotto_wipe(shares, (size_t)parties_len(aggregator) * SCALAR_BYTES);
        sotto_free(shares);
        member->left = true; /* it will not do better a second time */
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "holder %s revealed shares that nobody dealt to it", name);
    }
    member->shares = shares;
    member->revealed = true;
    return SOTTO_OK;
}

/* The phase in which a message type is an answer. */
static bool type_fits(uint16_t type, enum sotto_aggregator_phase phase)
{
    switch (type) {
    case SOTTO_MESSAGE_DEAL:
        return phase == SOTTO_AGGREGATOR_DEALING;
    case SOTTO_MESSAGE_MASKED:
        return phase == SOTTO_AGGREGATOR_MASKING;
    case SOTTO_MESSAGE_CONSENT:
        return phase == SOTTO_AGGREGATOR_CONSENTING;
    case SOTTO_MESSAGE_REVEAL:
        return phase == SOTTO_AGGREGATOR_REVEALING;
    default:
        return false;
    }
}

/* Whether this member was asked for this answer, and has not given it. */
static bool member_expected(const struct sotto_session_aggregator *aggregator, uint32_t index)
{
    const struct member *member = &aggregator->members[index];
    bool asked = aggregator->phase == SOTTO_AGGREGATOR_DEALING ||
                 (aggregator->phase == SOTTO_AGGREGATOR_MASKING && member->dealt) ||
                 (aggregator->phase > SOTTO_AGGREGATOR_MASKING && member->masked);
    return asked && !member->left && !member_answered(member, aggregator->phase);
}

enum sotto_status sotto_session_aggregator_receive(struct sotto_session_aggregator *aggregator,
                                                   const struct sotto_message *message,
                                                   struct sotto_error *err)
{
    uint32_t index = sotto_roster_find(&aggregator->roster, &message->sender);
    if (index == UINT32_MAX || !sotto_session_label_equal(&message->label, &aggregator->label) ||
        memcmp(message->session, aggregator->session, sizeof aggregator->session) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "a message of another session");
    }
    if (!type_fits(message->type, aggregator->phase) || !member_expected(aggregator, index)) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "a message late, again or out of turn");
    }
    struct sotto_reader reader;
    sotto_reader_init(&reader, message->body, message->body_bytes);
    enum sotto_status status;
    switch (message->type) {
    case SOTTO_MESSAGE_DEAL:
        status = receive_deal(aggregator, index, &reader, err);
        break;
    case SOTTO_MESSAGE_MASKED:
        status = receive_masked(aggregator, index, &reader, err);
        break;
    case SOTTO_MESSAGE_CONSENT:
        status = receive_consent(aggregator, index, &reader, err);
        break;
    default:
        status = receive_reveal(aggregator, index, &reader, err);
        break;
    }
    enum sotto_status advanced = aggregator_advance(aggregator, false);
    return status != SOTTO_OK ? status : advanced;
}

enum sotto_status sotto_session_aggregator_drop(struct sotto_session_aggregator *aggregator,
                                                uint32_t index)
{
    SOTTO_REQUIRE(index < parties_len(aggregator));
    aggregator->members[index].left = true;
    return aggregator_advance(aggregator, false);
}
