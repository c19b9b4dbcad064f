/* SPDX-License-Identifier: Apache-2.0 */

/* DEAL, MASKED, CONSENT, REVEAL [PROTOCOL.md]: the answers. Leans on dealing.c and merkle.c for
 * what is checked.
 *
 * The idea: read all, believe nothing, then keep. What a member says is first read and checked into
 * a struct of its own (read_answer), which changes nothing of the session and so is done for many
 * messages on all threads. Then answers are kept one after the other (take_answer), each after a
 * second look whether it is still its turn: one before it may have ended the step.
 *
 * 1. A message of another session, or of a sender who is not in the roster, is
 *    SOTTO_ERROR_PROTOCOL; one that is late, a second one, or one that nobody asked for is
 *    SOTTO_ERROR_STATE. Both change nothing.
 *
 * 2. A malformed answer changes nothing either, and its sender may try again, until its step ends.
 *
 * 3. But for REVEAL and COMPLAINT: a share that does not lead to its leaf, or a complaint that is
 *    not right, was made up, and its holder has left. So one wrong answer can't be followed by many
 *    that make the aggregator work.
 *
 * 4. An answer that is kept is believed from then on as far as it was checked: a DEAL to be
 *    committed to and signed, a consent to sign this set, shares to be those that were dealt. That
 *    shares are of the committed secret shows at the end only (aggregator_sum.c). Vectors and pair
 *    keys can't be checked.
 *
 * Variable-time: all of it is public, or becomes so by being sent here. Shares and pair keys are
 * wiped when the session ends, since with the masked vectors they would open inputs. */

#include "message/complaint.h"
#include "message/release.h"
#include "session/session_aggregator.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

/* Checking this many messages is worth a second thread. */
#define PARALLEL_MESSAGES 16

/* What one message says, checked. Owns what its members point to but for vector, which borrows. */
struct answer {
    bool is_read;
    enum sotto_status status; /* of reading and checking */
    struct sotto_error error;
    /* DEAL */
    struct sotto__dealing dealing;
    uint32_t *holders;
    struct sotto_buffer leaves;
    struct sotto_buffer ciphers;
    struct sotto__merkle_tree tree;
    /* MASKED */
    const uint8_t *vector;
    struct sotto_signature masked_signature;
    uint8_t masked_digest[SOTTO__HASH_BYTES];
    /* CONSENT */
    struct sotto_signature consent;
    /* COMPLAINT */
    uint32_t accused;
    /* RELEASE */
    struct sotto_signature release;
    /* REVEAL */
    uint8_t *shares; /* one for each of its holdings */
    size_t shares_bytes;
    uint8_t *pair_keys;
    uint32_t pair_keys_len;
};

static void answer_release(struct answer *answer)
{
    sotto_free(answer->holders);
    sotto_buffer_release(&answer->leaves);
    sotto_buffer_release(&answer->ciphers);
    sotto__merkle_release(&answer->tree);
    if (answer->shares != NULL) {
        sotto_wipe(answer->shares, answer->shares_bytes);
        sotto_free(answer->shares);
    }
    if (answer->pair_keys != NULL) {
        sotto_wipe(answer->pair_keys, (size_t)answer->pair_keys_len * SOTTO__MASK_KEY_BYTES);
        sotto_free(answer->pair_keys);
    }
    *answer = (struct answer){0};
}

/* --- DEAL --- */

/* Reads the holders that a dealer drew: distinct, the dealer itself first. */
static bool read_holders(const struct sotto_session_aggregator *aggregator, uint32_t *holders,
                         uint32_t dealer, struct sotto_reader *reader)
{
    uint8_t seen[(SOTTO_SESSION_PARTIES_MAX + 7) / 8] = {0};
    holders[0] = dealer;
    bitmap_set(seen, dealer);
    for (uint32_t p = 1; p < aggregator->roster.graph.holders; p++) {
        holders[p] = sotto_read_u32(reader);
        if (holders[p] >= parties_len(aggregator) || bitmap_get(seen, holders[p])) {
            return false;
        }
        bitmap_set(seen, holders[p]);
    }
    return true;
}

/* [PROTOCOL.md, DEAL], "The receiver checks". */
static enum sotto_status read_deal(const struct sotto_session_aggregator *aggregator,
                                   struct answer *answer, uint32_t dealer,
                                   struct sotto_reader *reader)
{
    size_t holders_len = aggregator->roster.graph.holders;
    size_t leaves_bytes = 2 * holders_len * SOTTO__HASH_BYTES;
    size_t ciphers_bytes = (holders_len - 1) * SOTTO__SHARE_CIPHER_BYTES;
    answer->holders = sotto_alloc_array(holders_len, sizeof *answer->holders);
    if (answer->holders == NULL) {
        return sotto_error_set(&answer->error, SOTTO_ERROR_NO_MEMORY, "no memory for shares");
    }
    sotto__dealing_read(&answer->dealing, reader);
    bool distinct = read_holders(aggregator, answer->holders, dealer, reader);
    const uint8_t *leaves = sotto_read_bytes(reader, leaves_bytes);
    const uint8_t *ciphers = sotto_read_bytes(reader, ciphers_bytes);
    if (!distinct || !sotto_reader_finished(reader)) {
        return sotto_error_set(&answer->error, SOTTO_ERROR_PROTOCOL, "a DEAL message is malformed");
    }
    if (sotto_buffer_copy(&answer->leaves, leaves, leaves_bytes) != SOTTO_OK ||
        sotto_buffer_copy(&answer->ciphers, ciphers, ciphers_bytes) != SOTTO_OK ||
        sotto__dealing_tree(&answer->tree, leaves, ciphers, aggregator->roster.graph.holders) !=
            SOTTO_OK) {
        return sotto_error_set(&answer->error, SOTTO_ERROR_NO_MEMORY, "no memory for shares");
    }
    if (memcmp(sotto__merkle_root(&answer->tree), answer->dealing.root, SOTTO__HASH_BYTES) != 0 ||
        !sotto__dealing_verify(&answer->dealing, aggregator->session,
                               member_key(aggregator, dealer))) {
        return sotto_error_set(&answer->error, SOTTO_ERROR_PROTOCOL,
                               "a dealer's commitment does not fit its shares or its signature");
    }
    return SOTTO_OK;
}

/* Takes what the answer owns. */
static void keep_deal(struct member *member, struct answer *answer)
{
    member->dealing = answer->dealing;
    member->holders = answer->holders;
    member->leaves = answer->leaves.data;
    member->ciphers = answer->ciphers.data;
    member->tree = answer->tree;
    member->dealt = true;
    answer->holders = NULL;
    answer->leaves = answer->ciphers = (struct sotto_buffer){0};
    answer->tree = (struct sotto__merkle_tree){0};
}

/* --- MASKED, CONSENT --- */

/* [PROTOCOL.md, MASKED]: only its length can be checked. */
static enum sotto_status read_masked(const struct sotto_session_aggregator *aggregator,
                                     struct answer *answer, const struct sotto_message *message,
                                     struct sotto_reader *reader)
{
    sotto__masked_digest(answer->masked_digest, message->signed_digest);
    answer->masked_signature = message->signature;
    answer->vector = sotto_read_bytes(reader, aggregator->vector_bytes);
    if (!sotto_reader_finished(reader)) {
        return sotto_error_set(&answer->error, SOTTO_ERROR_PROTOCOL,
                               "a masked input of the wrong length");
    }
    return SOTTO_OK;
}

/* Adds it to the sum; where the parties will be shown a transcript, keeps it too. */
static enum sotto_status keep_masked(struct sotto_session_aggregator *aggregator,
                                     struct answer *answer, struct member *member)
{
    if (aggregator->verifies) {
        member->vector = sotto_alloc(aggregator->vector_bytes);
        if (member->vector == NULL) {
            return sotto_error_set(&answer->error, SOTTO_ERROR_NO_MEMORY,
                                   "no memory for a masked input");
        }
        memcpy(member->vector, answer->vector, aggregator->vector_bytes);
        member->masked_signature = answer->masked_signature;
    }
    sotto_vector_add(aggregator->sum, answer->vector, aggregator->runs, aggregator->runs_len);
    memcpy(member->masked_digest, answer->masked_digest, SOTTO__HASH_BYTES);
    member->masked = true;
    return SOTTO_OK;
}

/* [PROTOCOL.md, CONSENT]. */
static enum sotto_status read_consent(const struct sotto_session_aggregator *aggregator,
                                      struct answer *answer, uint32_t index,
                                      struct sotto_reader *reader)
{
    uint8_t digest[SOTTO__HASH_BYTES];
    sotto_read_copy(reader, answer->consent.bytes, sizeof answer->consent.bytes);
    sotto__aggregator_survivors(aggregator, digest);
    if (!sotto_reader_finished(reader) ||
        !sotto_key_verify(member_key(aggregator, index), &answer->consent, SOTTO__SURVIVORS_LABEL,
                          digest, sizeof digest)) {
        return sotto_error_set(&answer->error, SOTTO_ERROR_PROTOCOL,
                               "a consent does not sign the survivors of this session");
    }
    return SOTTO_OK;
}

/* Where a holder stands among those of a dealer, or 0 where that dealt nothing to it. */
static uint32_t find_position(const struct sotto_session_aggregator *aggregator, uint32_t dealer,
                              uint32_t holder)
{
    for (size_t k = aggregator->starts[holder]; k < aggregator->starts[holder + 1]; k++) {
        if (aggregator->holdings[k].dealer == dealer) {
            return aggregator->holdings[k].position;
        }
    }
    return 0;
}

/* [PROTOCOL.md, COMPLAINT]. One that is not right names its holder. */
static enum sotto_status read_complaint(const struct sotto_session_aggregator *aggregator,
                                        struct answer *answer, uint32_t holder,
                                        struct sotto_reader *reader)
{
    struct sotto__complaint complaint;
    sotto__complaint_read(&complaint, reader);
    uint32_t position = sotto_reader_finished(reader) && complaint.dealer < parties_len(aggregator)
                            ? find_position(aggregator, complaint.dealer, holder)
                            : 0;
    const struct member *dealer = position != 0 ? &aggregator->members[complaint.dealer] : NULL;
    if (dealer == NULL || dealer->ciphers == NULL ||
        !sotto__complaint_is_right(&complaint, &aggregator->roster, aggregator->session, holder,
                                   dealer->leaves + position * SOTTO__LEAVES_BYTES,
                                   dealer->ciphers +
                                       (size_t)(position - 1) * SOTTO__SHARE_CIPHER_BYTES)) {
        char name[SOTTO_KEY_TEXT_BYTES];
        sotto_key_to_text(member_key(aggregator, holder), name);
        return sotto_error_set(&answer->error, SOTTO_ERROR_PROTOCOL,
                               "holder %s complains of a dealer, and is not right", name);
    }
    answer->accused = complaint.dealer;
    return SOTTO_OK;
}

/* Ends the session: what the complaint opened must be of no use. */
static void keep_complaint(struct sotto_session_aggregator *aggregator, const struct answer *answer)
{
    char name[SOTTO_KEY_TEXT_BYTES];
    sotto_key_to_text(member_key(aggregator, answer->accused), name);
    aggregator->guilty = answer->accused;
    aggregator->members[answer->accused].left = true;
    (void)sotto_error_set(&aggregator->failure, SOTTO_ERROR_PROTOCOL,
                          "dealer %s dealt shares that are not those that it committed to", name);
    aggregator->phase = SOTTO_AGGREGATOR_FAILED;
}

/* [PROTOCOL.md, RELEASE]. */
static enum sotto_status read_release(const struct sotto_session_aggregator *aggregator,
                                      struct answer *answer, uint32_t index,
                                      struct sotto_reader *reader)
{
    sotto_read_copy(reader, answer->release.bytes, sizeof answer->release.bytes);
    if (!sotto_reader_finished(reader) ||
        !sotto__release_verify(&answer->release, aggregator->session,
                               member_key(aggregator, index))) {
        return sotto_error_set(&answer->error, SOTTO_ERROR_PROTOCOL,
                               "a release does not sign this session");
    }
    return SOTTO_OK;
}

/* --- REVEAL --- */

/* What this living or dead dealer's holders reveal. */
static enum sotto__share_kind revealed_kind(const struct sotto_session_aggregator *aggregator,
                                            uint32_t dealer)
{
    return bitmap_get(aggregator->living, dealer) ? SOTTO__SHARE_OF_SELF_SEED
                                                  : SOTTO__SHARE_OF_MASK_KEY;
}

/* Reads what a holder reveals into out, one share for each of its holdings. Returns: false if one
 * is not what its dealer committed to. */
static bool check_openings(const struct sotto_session_aggregator *aggregator, uint8_t *out,
                           uint32_t holder, struct sotto_reader *reader)
{
    for (size_t k = aggregator->starts[holder]; k < aggregator->starts[holder + 1]; k++) {
        const struct holding *holding = &aggregator->holdings[k];
        uint8_t *share = out + (k - aggregator->starts[holder]) * SOTTO__SCALAR_BYTES;
        uint8_t salt[SOTTO__SALT_BYTES];
        uint8_t leaf[SOTTO__HASH_BYTES];
        enum sotto__share_kind kind = revealed_kind(aggregator, holding->dealer);
        sotto_read_copy(reader, share, SOTTO__SCALAR_BYTES);
        sotto_read_copy(reader, salt, SOTTO__SALT_BYTES);
        sotto__share_leaf(leaf, aggregator->session, holding->dealer, holder, kind, salt, share);
        const uint8_t *committed = aggregator->members[holding->dealer].leaves +
                                   ((size_t)2 * holding->position + kind) * SOTTO__HASH_BYTES;
        if (memcmp(leaf, committed, SOTTO__HASH_BYTES) != 0) {
            return false;
        }
    }
    return true;
}

/* Reads the keys of the pair masks with the dead, which come on sparse graphs only. They are not
 * checked: whoever lies about one could as well have lied about its input. */
static enum sotto_status read_pair_keys(const struct sotto_session_aggregator *aggregator,
                                        struct answer *answer, uint32_t index,
                                        struct sotto_reader *reader)
{
    uint32_t partners[SOTTO_SESSION_PARTIES_MAX];
    bool none = sotto_graph_is_complete(&aggregator->roster.graph, parties_len(aggregator));
    uint32_t len = none ? 0 : sotto__aggregator_dead_partners(aggregator, partners, index);
    const uint8_t *keys = sotto_read_bytes(reader, (size_t)len * SOTTO__MASK_KEY_BYTES);
    if (!sotto_reader_finished(reader)) {
        return SOTTO_ERROR_PROTOCOL;
    }
    answer->pair_keys = sotto_alloc((size_t)len * SOTTO__MASK_KEY_BYTES);
    if (answer->pair_keys == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    memcpy(answer->pair_keys, keys, (size_t)len * SOTTO__MASK_KEY_BYTES);
    answer->pair_keys_len = len;
    return SOTTO_OK;
}

/* [PROTOCOL.md, REVEAL]. */
static enum sotto_status read_reveal(const struct sotto_session_aggregator *aggregator,
                                     struct answer *answer, uint32_t index,
                                     struct sotto_reader *reader)
{
    size_t held = aggregator->starts[index + 1] - aggregator->starts[index];
    answer->shares = sotto_alloc_array(held, SOTTO__SCALAR_BYTES);
    if (answer->shares == NULL) {
        return sotto_error_set(&answer->error, SOTTO_ERROR_NO_MEMORY, "no memory for shares");
    }
    answer->shares_bytes = held * SOTTO__SCALAR_BYTES;
    enum sotto_status status = check_openings(aggregator, answer->shares, index, reader)
                                   ? read_pair_keys(aggregator, answer, index, reader)
                                   : SOTTO_ERROR_PROTOCOL;
    if (status == SOTTO_ERROR_PROTOCOL) {
        char name[SOTTO_KEY_TEXT_BYTES];
        sotto_key_to_text(member_key(aggregator, index), name);
        return sotto_error_set(&answer->error, status,
                               "holder %s revealed shares that nobody dealt to it", name);
    }
    if (status != SOTTO_OK) {
        return sotto_error_set(&answer->error, status, "no memory for keys");
    }
    return SOTTO_OK;
}

/* Makes room for shares of every dealer that a holder reveals shares of. */
static enum sotto_status reserve_shares(struct sotto_session_aggregator *aggregator,
                                        uint32_t holder)
{
    uint32_t threshold = aggregator->roster.graph.threshold;
    for (size_t k = aggregator->starts[holder]; k < aggregator->starts[holder + 1]; k++) {
        struct member *dealer = &aggregator->members[aggregator->holdings[k].dealer];
        if (dealer->shares == NULL) {
            dealer->shares = sotto_alloc_array(threshold, SOTTO__SCALAR_BYTES);
        }
        if (dealer->sharers == NULL) {
            dealer->sharers = sotto_alloc_array(threshold, sizeof *dealer->sharers);
        }
        if (dealer->shares == NULL || dealer->sharers == NULL) {
            return SOTTO_ERROR_NO_MEMORY;
        }
    }
    return SOTTO_OK;
}

/* Keeps the first threshold shares of each secret: more would tell nothing more. */
static enum sotto_status keep_reveal(struct sotto_session_aggregator *aggregator,
                                     struct answer *answer, uint32_t holder)
{
    uint32_t threshold = aggregator->roster.graph.threshold;
    struct member *member = &aggregator->members[holder];
    enum sotto_status status = reserve_shares(aggregator, holder);
    if (status != SOTTO_OK) {
        return sotto_error_set(&answer->error, status, "no memory for shares");
    }
    for (size_t k = aggregator->starts[holder]; k < aggregator->starts[holder + 1]; k++) {
        struct member *dealer = &aggregator->members[aggregator->holdings[k].dealer];
        if (dealer->shares_len < threshold) {
            memcpy(dealer->shares + (size_t)dealer->shares_len * SOTTO__SCALAR_BYTES,
                   answer->shares + (k - aggregator->starts[holder]) * SOTTO__SCALAR_BYTES,
                   SOTTO__SCALAR_BYTES);
            dealer->sharers[dealer->shares_len++] = holder;
            aggregator->complete_secrets += dealer->shares_len == threshold;
        }
    }
    member->pair_keys = answer->pair_keys;
    member->pair_keys_len = answer->pair_keys_len;
    answer->pair_keys = NULL;
    aggregator->missing_keys -= member->pair_keys_len;
    member->revealed = true;
    return SOTTO_OK;
}

/* --- All of them --- */

/* The phase in which a message type is an answer. */
static bool type_fits(uint16_t type, enum sotto_aggregator_phase phase)
{
    switch (type) {
    case SOTTO_MESSAGE_DEAL:
        return phase == SOTTO_AGGREGATOR_DEALING;
    case SOTTO_MESSAGE_MASKED:
    case SOTTO_MESSAGE_COMPLAINT:
        return phase == SOTTO_AGGREGATOR_MASKING;
    case SOTTO_MESSAGE_CONSENT:
        return phase == SOTTO_AGGREGATOR_CONSENTING;
    case SOTTO_MESSAGE_REVEAL:
        return phase == SOTTO_AGGREGATOR_REVEALING;
    case SOTTO_MESSAGE_RELEASE:
        return phase == SOTTO_AGGREGATOR_WITHDRAWING;
    default:
        return false;
    }
}

/* Whether a message is one that its sender was asked for, and has not sent. */
static enum sotto_status check_turn(const struct sotto_session_aggregator *aggregator,
                                    uint32_t *out_index, const struct sotto_message *message,
                                    struct sotto_error *err)
{
    uint32_t index = sotto_roster_find(&aggregator->roster, &message->sender);
    if (index == UINT32_MAX || !sotto_session_label_equal(&message->label, &aggregator->label) ||
        memcmp(message->session, aggregator->session, sizeof aggregator->session) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "a message of another session");
    }
    if (!type_fits(message->type, aggregator->phase) ||
        !sotto__aggregator_asks(aggregator, index) ||
        sotto__aggregator_has_answer(aggregator, index)) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "a message late, again or out of turn");
    }
    *out_index = index;
    return SOTTO_OK;
}

/* Reads and checks a message whose turn it is. Changes nothing. */
static void read_answer(const struct sotto_session_aggregator *aggregator, struct answer *answer,
                        const struct sotto_message *message)
{
    uint32_t index;
    struct sotto_reader reader;
    if (check_turn(aggregator, &index, message, NULL) != SOTTO_OK) {
        return; /* and it will not be its turn later in this phase */
    }
    answer->is_read = true;
    sotto_reader_init(&reader, message->body, message->body_bytes);
    switch (message->type) {
    case SOTTO_MESSAGE_DEAL:
        answer->status = read_deal(aggregator, answer, index, &reader);
        return;
    case SOTTO_MESSAGE_MASKED:
        answer->status = read_masked(aggregator, answer, message, &reader);
        return;
    case SOTTO_MESSAGE_CONSENT:
        answer->status = read_consent(aggregator, answer, index, &reader);
        return;
    case SOTTO_MESSAGE_COMPLAINT:
        answer->status = read_complaint(aggregator, answer, index, &reader);
        return;
    case SOTTO_MESSAGE_RELEASE:
        answer->status = read_release(aggregator, answer, index, &reader);
        return;
    default:
        answer->status = read_reveal(aggregator, answer, index, &reader);
    }
}

static enum sotto_status keep_answer(struct sotto_session_aggregator *aggregator,
                                     struct answer *answer, uint16_t type, uint32_t index)
{
    struct member *member = &aggregator->members[index];
    switch (type) {
    case SOTTO_MESSAGE_DEAL:
        aggregator->counters.signatures++;
        keep_deal(member, answer);
        return SOTTO_OK;
    case SOTTO_MESSAGE_MASKED:
        return keep_masked(aggregator, answer, member);
    case SOTTO_MESSAGE_CONSENT:
        aggregator->counters.signatures++;
        member->consent = answer->consent;
        member->consented = true;
        return SOTTO_OK;
    case SOTTO_MESSAGE_COMPLAINT:
        keep_complaint(aggregator, answer);
        return SOTTO_OK;
    case SOTTO_MESSAGE_RELEASE:
        aggregator->counters.signatures++;
        member->release = answer->release;
        member->released = true;
        return SOTTO_OK;
    default:
        return keep_reveal(aggregator, answer, index);
    }
}

/* Keeps an answer that was right; notes that a holder lied. */
static enum sotto_status believe_answer(struct sotto_session_aggregator *aggregator,
                                        struct answer *answer, const struct sotto_message *message,
                                        uint32_t index)
{
    if (answer->status != SOTTO_OK) {
        bool lied =
            answer->status == SOTTO_ERROR_PROTOCOL &&
            (message->type == SOTTO_MESSAGE_REVEAL || message->type == SOTTO_MESSAGE_COMPLAINT);
        aggregator->members[index].left = aggregator->members[index].left || lied;
        return answer->status;
    }
    return keep_answer(aggregator, answer, message->type, index);
}

/* Takes a message that read_answer read in this phase. Returns: why nothing changed. */
static enum sotto_status take_answer(struct sotto_session_aggregator *aggregator,
                                     struct answer *answer, const struct sotto_message *message,
                                     struct sotto_error *err)
{
    uint32_t index;
    enum sotto_status status = check_turn(aggregator, &index, message, err);
    if (status != SOTTO_OK) {
        return status;
    }
    SOTTO_REQUIRE(answer->is_read);
    aggregator->counters.bytes_in +=
        message->body_bytes + SOTTO_MESSAGE_HEADER_BYTES + SOTTO_MESSAGE_SIGNATURE_BYTES;
    status = believe_answer(aggregator, answer, message, index);
    if (status != SOTTO_OK && err != NULL) {
        *err = answer->error;
    }
    /* Whoever left may have been the last that was awaited. */
    enum sotto_status advanced = sotto__aggregator_advance(aggregator, false);
    if (status != SOTTO_OK) {
        return status;
    }
    return advanced;
}

enum sotto_status sotto_session_aggregator_receive(struct sotto_session_aggregator *aggregator,
                                                   const struct sotto_message *message,
                                                   struct sotto_error *err)
{
    struct answer answer = {0};
    read_answer(aggregator, &answer, message);
    enum sotto_status status = take_answer(aggregator, &answer, message, err);
    answer_release(&answer);
    return status;
}

enum sotto_status sotto_session_aggregator_receive_all(struct sotto_session_aggregator *aggregator,
                                                       enum sotto_status *out_statuses,
                                                       const struct sotto_message *messages,
                                                       size_t messages_len, struct sotto_error *err)
{
    enum sotto_aggregator_phase phase = aggregator->phase;
    struct answer *answers = sotto_alloc_array(messages_len, sizeof *answers);
    if (answers == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for messages");
    }
#pragma omp parallel for schedule(dynamic, 4) if (messages_len >= PARALLEL_MESSAGES)
    for (size_t k = 0; k < messages_len; k++) {
        read_answer(aggregator, &answers[k], &messages[k]);
    }
    enum sotto_status result = SOTTO_OK;
    for (size_t k = 0; k < messages_len; k++) {
        /* Read in an earlier phase, it was read for nothing. */
        out_statuses[k] = aggregator->phase == phase
                              ? take_answer(aggregator, &answers[k], &messages[k],
                                            result == SOTTO_OK ? err : NULL)
                              : sotto_session_aggregator_receive(aggregator, &messages[k],
                                                                 result == SOTTO_OK ? err : NULL);
        result = result != SOTTO_OK ? result : out_statuses[k];
        answer_release(&answers[k]);
    }
    sotto_free(answers);
    return result;
}
