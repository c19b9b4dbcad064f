/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "test.h"

#include "aggregation/message/message.h"

#include <sotto/alloc.h>
#include <string.h>

struct sotto_session_demands world_demands[WORLD_PARTIES_MAX];

static enum sotto_status world_post(struct world *world, uint32_t from, uint32_t to,
                                    const struct sotto_buffer *bytes)
{
    void *letters = world->letters;
    enum sotto_status status = sotto_array_reserve(&letters, &world->letters_capacity,
                                                   world->letters_len + 1, sizeof *world->letters);
    if (status != SOTTO_OK) {
        struct sotto_buffer lost = *bytes;
        sotto_buffer_release(&lost);
        return status;
    }
    world->letters = letters;
    world->letters[world->letters_len++] =
        (struct world_letter){.from = from, .to = to, .bytes = *bytes};
    return SOTTO_OK;
}

static uint32_t world_find(const struct world *world, const struct sotto_key *key)
{
    for (uint32_t i = 0; i < world->parties_len; i++) {
        struct sotto_key own = sotto_identity_key(world->parties[i].identity);
        if (sotto_key_equal(&own, key)) {
            return i;
        }
    }
    return WORLD_AGGREGATOR;
}

uint32_t world_party_at(const struct world *world, uint32_t roster_index)
{
    const struct sotto_roster *roster = sotto_session_aggregator_roster(world->aggregator);
    return world_find(world, &roster->adverts[roster_index].sender);
}

uint32_t world_index_of(const struct world *world, uint32_t party)
{
    struct sotto_key key = sotto_identity_key(world->parties[party].identity);
    return sotto_roster_find(sotto_session_aggregator_roster(world->aggregator), &key);
}

static uint64_t world_random(struct world *world)
{
    uint8_t bytes[8] = {0};
    (void)!world->random.fill(world->random.context, bytes, sizeof bytes);
    return sotto_load_u64(bytes);
}

static enum sotto_status world_add_party(struct world *world, uint32_t i)
{
    struct world_party *party = &world->parties[i];
    enum sotto_status status = sotto_identity_generate(&party->identity, world->random);
    if (status != SOTTO_OK) {
        return status;
    }
    party->vector = sotto_alloc(world->vector_bytes);
    if (party->vector == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    status = world->random.fill(world->random.context, party->vector, world->vector_bytes);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto_session_party_new(&party->session, party->identity, world->random,
                                   &world->terms.invitation, &world_demands[i],
                                   (const uint8_t *)"offer", 5);
}

enum sotto_status world_init(struct world *world, uint32_t parties_len,
                             const struct sotto_vector_run *runs, size_t runs_len,
                             uint32_t min_parties, struct sotto_random random)
{
    *world = (struct world){.parties_len = parties_len, .random = random};
    sotto_signatures_remember(); /* as a node does: what is forged must be refused all the same */
    world->remembers = true;
    world->terms.runs = runs;
    world->terms.runs_len = runs_len;
    world->terms.min_parties = min_parties;
    world->terms.invitation.label.round = 1;
    world->terms.invitation.label.attempt = 1;
    SOTTO_REQUIRE(sotto_vector_bytes(&world->vector_bytes, runs, runs_len) == SOTTO_OK);
    enum sotto_status status = sotto_identity_generate(&world->aggregator_identity, random);
    if (status != SOTTO_OK) {
        return status;
    }
    world->terms.invitation.aggregator = sotto_identity_key(world->aggregator_identity);
    for (uint32_t i = 0; status == SOTTO_OK && i < parties_len; i++) {
        status = world_add_party(world, i);
    }
    return status;
}

void world_release(struct world *world)
{
    for (uint32_t i = 0; i < world->parties_len; i++) {
        sotto_session_party_free(world->parties[i].session);
        sotto_identity_free(world->parties[i].identity);
        sotto_free(world->parties[i].vector);
    }
    sotto_session_aggregator_free(world->aggregator);
    sotto_identity_free(world->aggregator_identity);
    for (size_t i = 0; i < world->letters_len; i++) {
        sotto_buffer_release(&world->letters[i].bytes);
    }
    sotto_free(world->letters);
    if (world->remembers) {
        sotto_signatures_forget();
    }
}

/* Collects what the aggregator wants sent. */
static enum sotto_status world_pump_aggregator(struct world *world)
{
    struct sotto_action action;
    enum sotto_status status = SOTTO_OK;
    while (status == SOTTO_OK && sotto_session_aggregator_next(world->aggregator, &action)) {
        status =
            world_post(world, WORLD_AGGREGATOR, world_find(world, &action.peer), &action.bytes);
    }
    return status;
}

/* Collects what a party wants sent; a PLEDGE or RECORD is durable at once. */
static enum sotto_status world_pump(struct world *world, uint32_t party)
{
    struct sotto_action action;
    enum sotto_status status = SOTTO_OK;
    struct sotto_session_party *session = world->parties[party].session;
    while (status == SOTTO_OK && sotto_session_party_next(session, &action)) {
        if (action.kind == SOTTO_ACTION_SEND) {
            status = world_post(world, party, WORLD_AGGREGATOR, &action.bytes);
        } else if (action.kind == SOTTO_ACTION_PLEDGE && world->holds_pledges) {
            sotto_action_release(&action);
            return SOTTO_OK;
        } else {
            sotto_action_release(&action);
            status = sotto_session_party_recorded(session);
        }
    }
    return status;
}

enum sotto_status world_start(struct world *world)
{
    struct sotto_buffer adverts[WORLD_PARTIES_MAX];
    enum sotto_status status = SOTTO_OK;
    for (uint32_t i = 0; status == SOTTO_OK && i < world->parties_len; i++) {
        status = world_pump(world, i);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    for (uint32_t i = 0; i < world->parties_len; i++) {
        adverts[i] = world->letters[i].bytes;
    }
    struct sotto_roster roster;
    status = sotto_roster_make(&roster, adverts, world->parties_len, &world->terms.invitation,
                               &world->terms.graph, world->aggregator_identity, NULL);
    for (uint32_t i = 0; i < world->parties_len; i++) {
        sotto_buffer_release(&world->letters[i].bytes);
    }
    world->letters_len = 0;
    if (status == SOTTO_OK) {
        status = sotto_session_aggregator_new(&world->aggregator, world->aggregator_identity,
                                              &roster, &world->terms, NULL);
    }
    return status == SOTTO_OK ? world_pump_aggregator(world) : status;
}

enum sotto_status world_give(struct world *world, uint32_t party, const struct sotto_buffer *bytes,
                             struct sotto_error *err)
{
    struct sotto_message message;
    struct world_party *to = &world->parties[party];
    enum sotto_status status = sotto_message_open(&message, bytes->data, bytes->data_bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (message.type != SOTTO_MESSAGE_ROSTER) {
        return sotto_session_party_receive(to->session, &message, err);
    }
    if (sotto_session_party_phase(to->session) != SOTTO_PARTY_ADVERTISED) {
        return SOTTO_ERROR_STATE;
    }
    struct sotto_roster roster;
    status =
        sotto_roster_open(&roster, bytes->data, bytes->data_bytes, &world->terms.invitation, err);
    if (status == SOTTO_OK) {
        status = sotto_session_party_start(to->session, &roster, &world->terms, err);
    }
    return status == SOTTO_OK
               ? sotto_session_party_input(to->session, to->vector, world->vector_bytes)
               : status;
}

static enum sotto_status world_give_aggregator(struct world *world,
                                               const struct sotto_buffer *bytes)
{
    struct sotto_message message;
    enum sotto_status status = sotto_message_open(&message, bytes->data, bytes->data_bytes, NULL);
    return status == SOTTO_OK ? sotto_session_aggregator_receive(world->aggregator, &message, NULL)
                              : status;
}

static bool is_fatal(enum sotto_status status)
{
    return status == SOTTO_ERROR_NO_MEMORY || status == SOTTO_ERROR_RANDOM;
}

static bool is_lost(struct world *world, struct world_letter *letter)
{
    struct sotto_message message;
    if (world->inspect != NULL && !world->inspect(world, letter)) {
        return true;
    }
    if (letter->from == WORLD_AGGREGATOR) {
        return false;
    }
    uint16_t drop_from = world->parties[letter->from].drop_from;
    return drop_from != 0 &&
           sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes) &&
           message.type >= drop_from;
}

/* Gives the aggregator all letters to it. */
static enum sotto_status world_give_all(struct world *world)
{
    struct sotto_message *messages = sotto_alloc_array(2 * world->letters_len, sizeof *messages);
    enum sotto_status *statuses = sotto_alloc_array(2 * world->letters_len, sizeof *statuses);
    struct world_letter *given = sotto_alloc_array(world->letters_len, sizeof *given);
    size_t messages_len = 0, given_len = 0, kept_len = 0;
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (messages != NULL && statuses != NULL && given != NULL) {
        for (size_t k = 0; k < world->letters_len; k++) {
            struct world_letter *letter = &world->letters[k];
            if (letter->to != WORLD_AGGREGATOR) {
                world->letters[kept_len++] = *letter;
                continue;
            }
            given[given_len++] = *letter;
            letter = &given[given_len - 1];
            for (int copy = is_lost(world, letter) ? 2 : world->repeat ? 0 : 1; copy < 2; copy++) {
                messages_len += sotto_message_open(&messages[messages_len], letter->bytes.data,
                                                   letter->bytes.data_bytes, NULL) == SOTTO_OK;
            }
        }
        world->letters_len = kept_len;
        status = sotto_session_aggregator_receive_all(world->aggregator, statuses, messages,
                                                      messages_len, NULL);
        for (size_t k = 0; k < messages_len; k++) {
            status = is_fatal(statuses[k]) ? statuses[k] : status;
        }
    }
    for (size_t k = 0; k < given_len; k++) {
        sotto_buffer_release(&given[k].bytes);
    }
    sotto_free(messages);
    sotto_free(statuses);
    sotto_free(given);
    return is_fatal(status) ? status : world_pump_aggregator(world);
}

static enum sotto_status world_deliver_one(struct world *world)
{
    if (world->at_once && world->letters[0].to == WORLD_AGGREGATOR) {
        return world_give_all(world);
    }
    size_t k = world->shuffle ? world_random(world) % world->letters_len : 0;
    struct world_letter letter = world->letters[k];
    enum sotto_status status = SOTTO_OK;
    memmove(&world->letters[k], &world->letters[k + 1],
            (world->letters_len - k - 1) * sizeof *world->letters);
    world->letters_len--;
    bool lost = is_lost(world, &letter);
    for (int copy = 0; !lost && copy < (world->repeat ? 2 : 1) && !is_fatal(status); copy++) {
        status = letter.to == WORLD_AGGREGATOR ? world_give_aggregator(world, &letter.bytes)
                                               : world_give(world, letter.to, &letter.bytes, NULL);
    }
    sotto_buffer_release(&letter.bytes);
    if (!is_fatal(status)) {
        status = letter.to == WORLD_AGGREGATOR ? world_pump_aggregator(world)
                                               : world_pump(world, letter.to);
    }
    return is_fatal(status) ? status : SOTTO_OK;
}

enum sotto_status world_deliver(struct world *world)
{
    enum sotto_status status = SOTTO_OK;
    while (status == SOTTO_OK && world->letters_len > 0) {
        status = world_deliver_one(world);
    }
    return status;
}

enum sotto_status world_run(struct world *world)
{
    for (;;) {
        enum sotto_status status = world_deliver(world);
        if (status != SOTTO_OK ||
            sotto_session_aggregator_phase(world->aggregator) >= SOTTO_AGGREGATOR_SUMMED) {
            return status;
        }
        status = sotto_session_aggregator_expire(world->aggregator);
        if (is_fatal(status)) {
            return status;
        }
        status = world_pump_aggregator(world);
        if (status != SOTTO_OK) {
            return status;
        }
    }
}

/* Byte by byte, whatever the width: the plainest sum there is. */
void world_expected(const struct world *world, const bool *lives, uint8_t *out)
{
    memset(out, 0, world->vector_bytes);
    for (uint32_t i = 0; i < world->parties_len; i++) {
        size_t at = 0;
        for (size_t r = 0; lives[i] && r < world->terms.runs_len; r++) {
            size_t width = world->terms.runs[r].element_bytes;
            unsigned carry = 0;
            for (size_t b = 0; b < width * world->terms.runs[r].elements_len; b++, at++) {
                carry = b % width == 0 ? 0 : carry;
                unsigned sum = out[at] + world->parties[i].vector[at] + carry;
                out[at] = (uint8_t)sum;
                carry = sum >> 8;
            }
        }
    }
}

void world_seal(const struct world *world, struct sotto_buffer *out,
                const struct sotto_identity *identity, enum sotto_message_type type,
                const uint8_t session[SOTTO_SESSION_BYTES], const void *body, size_t body_bytes)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_message_begin(&writer, type, &world->terms.invitation.label, session, identity);
    sotto_write_bytes(&writer, body, body_bytes);
    SOTTO_REQUIRE(sotto_message_finish(&writer, out, identity) == SOTTO_OK);
}

void world_spoil_deal(struct sotto_buffer *deal, const struct sotto_identity *dealer,
                      uint32_t holders_len, bool (*spoils)(uint32_t holder))
{
    struct sotto_message message;
    struct sotto__dealing dealing;
    struct sotto__merkle_tree tree;
    struct sotto_reader reader;
    struct sotto_writer writer;
    SOTTO_REQUIRE(sotto_message_parse(&message, deal->data, deal->data_bytes));
    sotto_reader_init(&reader, message.body, message.body_bytes);
    sotto__dealing_read(&dealing, &reader);
    uint8_t *holders = deal->data + SOTTO_MESSAGE_HEADER_BYTES + SOTTO__DEALING_BYTES;
    uint8_t *leaves = holders + (size_t)(holders_len - 1) * 4;
    uint8_t *ciphers = leaves + holders_len * SOTTO__LEAVES_BYTES;
    for (uint32_t k = 0; k + 1 < holders_len; k++) {
        struct sotto_reader holder;
        sotto_reader_init(&holder, holders + (size_t)4 * k, 4);
        ciphers[k * SOTTO__SHARE_CIPHER_BYTES] ^= (uint8_t)spoils(sotto_read_u32(&holder));
    }
    SOTTO_REQUIRE(sotto__dealing_tree(&tree, leaves, ciphers, holders_len) == SOTTO_OK);
    memcpy(dealing.root, sotto__merkle_root(&tree), sizeof dealing.root);
    sotto__merkle_release(&tree);
    sotto__dealing_sign(&dealing, message.session, dealer);
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_message_begin(&writer, SOTTO_MESSAGE_DEAL, &message.label, message.session, dealer);
    sotto__dealing_write(&dealing, &writer);
    sotto_write_bytes(&writer, holders, message.body_bytes - SOTTO__DEALING_BYTES);
    sotto_buffer_release(deal);
    SOTTO_REQUIRE(sotto_message_finish(&writer, deal, dealer) == SOTTO_OK);
}

/* --- Sessions of one shape, and how they end --- */

static const struct sotto_vector_run made_runs[] = {{8, 1}, {272, 1}, {5, 19},
                                                    {4, 7}, {16, 2},  {24, 1}};

static struct sotto_random_stream made_stream;

void world_make(struct world *world, uint32_t parties_len, uint64_t seed)
{
    assert_ok(world_init(world, parties_len, made_runs, sizeof made_runs / sizeof made_runs[0], 3,
                         sotto_random_seeded(&made_stream, seed, parties_len)));
}

void world_assert_sum(const struct world *world, const bool *lives)
{
    uint8_t expected[WORLD_VECTOR_BYTES];
    size_t vector_bytes;
    world_expected(world, lives, expected);
    assert_int_equal(sotto_session_aggregator_phase(world->aggregator), SOTTO_AGGREGATOR_SUMMED);
    const uint8_t *sum = sotto_session_aggregator_sum(world->aggregator, &vector_bytes);
    assert_int_equal(vector_bytes, WORLD_VECTOR_BYTES);
    assert_memory_equal(sum, expected, sizeof expected);
}

void world_assert_failed(const struct world *world, bool final, enum sotto_status status)
{
    bool was_final;
    struct sotto_error err;
    assert_int_equal(sotto_session_aggregator_phase(world->aggregator), SOTTO_AGGREGATOR_FAILED);
    assert_int_equal(sotto_session_aggregator_failure(world->aggregator, &was_final, &err), status);
    assert_int_equal(was_final, final);
    assert_true(strlen(err.text) > 0);
}
