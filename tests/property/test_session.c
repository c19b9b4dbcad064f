/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions against their specification: the sum over the survivors for every pattern of dropouts
 * that the thresholds allow, an error for every other, and nothing for whoever lies. */
#include "fault.h"
#include "files.h"
#include "test.h"
#include "world.h"

#include "aggregation/message/message.h"
#include "aggregation/vector/vector.h"
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdlib.h>

static const struct sotto_vector_run runs[] = {{8, 1}, {272, 1}, {5, 19}, {4, 7}, {16, 2}, {24, 1}};
#define RUNS_LEN (sizeof runs / sizeof runs[0])
#define VECTOR_BYTES 459

static struct sotto_random_stream stream;

static void world_make(struct world *world, uint32_t parties_len, uint64_t seed)
{
    assert_ok(world_init(world, parties_len, runs, RUNS_LEN, 3,
                         sotto_random_seeded(&stream, seed, parties_len)));
}

static void assert_sum(const struct world *world, const bool *lives)
{
    uint8_t expected[VECTOR_BYTES];
    size_t vector_bytes;
    world_expected(world, lives, expected);
    assert_int_equal(sotto_session_aggregator_phase(world->aggregator), SOTTO_AGGREGATOR_SUMMED);
    const uint8_t *sum = sotto_session_aggregator_sum(world->aggregator, &vector_bytes);
    assert_int_equal(vector_bytes, VECTOR_BYTES);
    assert_memory_equal(sum, expected, sizeof expected);
}

static void assert_failed(const struct world *world, bool final, enum sotto_status status)
{
    bool was_final;
    struct sotto_error err;
    assert_int_equal(sotto_session_aggregator_phase(world->aggregator), SOTTO_AGGREGATOR_FAILED);
    assert_int_equal(sotto_session_aggregator_failure(world->aggregator, &was_final, &err), status);
    assert_int_equal(was_final, final);
    assert_true(strlen(err.text) > 0);
}

static uint32_t count_beyond(const struct world *world, uint16_t type, bool *who)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->parties_len; i++) {
        uint16_t drop_from = world->parties[i].drop_from;
        bool answers = drop_from == 0 || drop_from > type;
        if (who != NULL) {
            who[i] = answers;
        }
        count += answers;
    }
    return count;
}

/* What PROTOCOL.md, "Steps, losses, restarts", says of the pattern of drop_from. */
static void assert_outcome(const struct world *world)
{
    bool lives[WORLD_PARTIES_MAX];
    uint32_t threshold = 2 * world->parties_len / 3 + 1;
    uint32_t need = threshold > 3 ? threshold : 3;
    if (count_beyond(world, SOTTO_MESSAGE_DEAL, NULL) < need ||
        count_beyond(world, SOTTO_MESSAGE_MASKED, lives) < need) {
        assert_failed(world, false, SOTTO_ERROR_PARTIES);
    } else if (count_beyond(world, SOTTO_MESSAGE_CONSENT, NULL) < threshold ||
               count_beyond(world, SOTTO_MESSAGE_REVEAL, NULL) < threshold) {
        assert_failed(world, true, SOTTO_ERROR_PARTIES);
    } else {
        assert_sum(world, lives);
    }
}

/* Every multiset of steps at which parties vanish; which party vanishes when is drawn. */
static void run_patterns(uint32_t parties_len, uint32_t position, uint16_t least, uint16_t *pattern,
                         size_t *patterns)
{
    if (position < parties_len) {
        for (uint16_t type = least; type <= SOTTO_MESSAGE_REVEAL + 1; type++) {
            pattern[position] = type;
            run_patterns(parties_len, position + 1, type, pattern, patterns);
        }
        return;
    }
    struct world world;
    world_make(&world, parties_len, ++*patterns);
    for (uint32_t i = 0; i < parties_len; i++) {
        /* Identities are random, so positions in the roster are too. */
        world.parties[i].drop_from = pattern[i] > SOTTO_MESSAGE_REVEAL ? (uint16_t)0 : pattern[i];
    }
    world.shuffle = *patterns % 2 == 1;
    world.repeat = *patterns % 3 == 1;
    world.at_once = *patterns % 5 >= 3;
    assert_ok(world_start(&world));
    assert_ok(world_run(&world));
    assert_outcome(&world);
    world_release(&world);
}

static void test_every_dropout_pattern(void **state)
{
    (void)state;
    for (uint32_t n = 3; n <= 6; n++) {
        uint16_t pattern[6];
        size_t patterns = 0;
        run_patterns(n, 0, SOTTO_MESSAGE_DEAL, pattern, &patterns);
    }
}

static void test_larger_rosters(void **state)
{
    (void)state;
    for (uint32_t n = 9; n <= 40; n += 31) {
        struct world world;
        world_make(&world, n, n);
        for (uint32_t i = 0; i < n / 4; i++) {
            world.parties[i].drop_from = (uint16_t)(SOTTO_MESSAGE_DEAL + i % 4);
        }
        assert_ok(world_start(&world));
        assert_ok(world_run(&world));
        assert_outcome(&world);
        world_release(&world);
    }
}

/* Sparse graphs: within what they were chosen for every loss is survived, and the sum is right. */
static void run_sparse(uint32_t parties_len, enum sotto_graph_model model, uint32_t lost,
                       uint16_t lost_at, uint64_t seed)
{
    struct world world;
    bool lives[WORLD_PARTIES_MAX];
    world_make(&world, parties_len, seed);
    world.terms.graph = (struct sotto_graph_terms){model, 50, 200};
    world.shuffle = true;
    world.at_once = true;
    for (uint32_t i = 0; i < parties_len; i++) {
        bool goes = i * 7 % parties_len < lost; /* 7 and the sizes below have no common factor */
        world.parties[i].drop_from = goes ? lost_at : 0;
        lives[i] = !goes || lost_at > SOTTO_MESSAGE_MASKED;
    }
    assert_ok(world_start(&world));
    const struct sotto_roster *roster = sotto_session_aggregator_roster(world.aggregator);
    assert_false(sotto_graph_is_complete(&roster->graph, parties_len));
    assert_ok(world_run(&world));
    assert_sum(&world, lives);
    world_release(&world);
}

static void test_sparse_graphs(void **state)
{
    (void)state;
    for (uint16_t type = SOTTO_MESSAGE_DEAL; type <= SOTTO_MESSAGE_REVEAL; type++) {
        run_sparse(60, SOTTO_GRAPH_CURIOUS, 12, type, type);
        run_sparse(60, SOTTO_GRAPH_SEMI_MALICIOUS, 12, type, type);
    }
    run_sparse(120, SOTTO_GRAPH_CURIOUS, 24, SOTTO_MESSAGE_MASKED, 1);
    run_sparse(120, SOTTO_GRAPH_SEMI_MALICIOUS, 0, 0, 2);
}

/* Anybody may vanish at any step, as long as the graph was chosen for so many. */
static void test_random_losses(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {7, 13, 31, 70, 200};
    static const struct sotto_vector_run scalar = {8, 1};
    for (size_t s = 0; s < 5; s++) {
        for (int model = SOTTO_GRAPH_COMPLETE; model <= SOTTO_GRAPH_SEMI_MALICIOUS; model++) {
            struct world world;
            uint32_t n = sizes[s];
            if (n == 200 && model != SOTTO_GRAPH_CURIOUS) {
                continue; /* ten seconds each */
            }
            uint64_t draws = n + (uint64_t)model;
            uint64_t sum = 0;
            size_t bytes;
            assert_ok(
                world_init(&world, n, &scalar, 1, 3, sotto_random_seeded(&stream, draws, 77)));
            world.terms.graph = (struct sotto_graph_terms){(enum sotto_graph_model)model, 50, 200};
            for (uint32_t lost = 0; lost < n / 5; lost++) {
                uint32_t party = (uint32_t)(test_random(&draws) % n);
                world.parties[party].drop_from =
                    (uint16_t)(SOTTO_MESSAGE_DEAL + test_random(&draws) % 4);
            }
            assert_ok(world_start(&world));
            assert_ok(world_run(&world));
            for (uint32_t i = 0; i < n; i++) {
                uint16_t drop_from = world.parties[i].drop_from;
                bool lives = drop_from == 0 || drop_from > SOTTO_MESSAGE_MASKED;
                sum += lives ? sotto_load_u64(world.parties[i].vector) : 0;
            }
            assert_int_equal(sotto_session_aggregator_phase(world.aggregator),
                             SOTTO_AGGREGATOR_SUMMED);
            assert_true(sotto_load_u64(sotto_session_aggregator_sum(world.aggregator, &bytes)) ==
                        sum);
            world_release(&world);
        }
    }
}

static void test_too_many_losses_on_a_sparse_graph(void **state)
{
    (void)state;
    struct world world;
    world_make(&world, 60, 3);
    world.terms.graph = (struct sotto_graph_terms){SOTTO_GRAPH_SEMI_MALICIOUS, 50, 200};
    for (uint32_t i = 0; i < 13; i++) {
        world.parties[i].drop_from = SOTTO_MESSAGE_MASKED;
    }
    assert_ok(world_start(&world));
    assert_ok(world_run(&world));
    assert_failed(&world, false, SOTTO_ERROR_PARTIES);
    world_release(&world);
}

/* On a sparse graph only the consents of a party's own holders count, however many there are. */
static bool swap_consents(struct world *world, struct world_letter *letter)
{
    struct sotto_message message;
    bool *refused = world->inspect_context;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (message.type == SOTTO_MESSAGE_UNMASK && !*refused) {
        /* This party gets the list that was made for another one. */
        for (size_t k = 0; k < world->letters_len; k++) {
            struct sotto_message other;
            const struct sotto_buffer *bytes = &world->letters[k].bytes;
            if (sotto_message_parse(&other, bytes->data, bytes->data_bytes) &&
                other.type == SOTTO_MESSAGE_UNMASK && world->letters[k].to != letter->to) {
                assert_int_equal(world_give(world, letter->to, bytes, NULL), SOTTO_ERROR_AUTH);
                *refused = true;
                break;
            }
        }
    }
    return true;
}

static void test_consents_of_others_do_not_count(void **state)
{
    (void)state;
    struct world world;
    bool lives[60];
    bool refused = false;
    world_make(&world, 60, 4);
    world.terms.graph = (struct sotto_graph_terms){SOTTO_GRAPH_SEMI_MALICIOUS, 50, 200};
    world.inspect = swap_consents;
    world.inspect_context = &refused;
    memset(lives, true, sizeof lives);
    assert_ok(world_start(&world));
    assert_ok(world_run(&world));
    assert_true(refused);
    assert_sum(&world, lives);
    world_release(&world);
}

static void test_the_owner_may_ask_for_more_parties(void **state)
{
    (void)state;
    struct world world;
    world_make(&world, 4, 1);
    world.parties[2].own_min = 5;
    assert_ok(world_start(&world));
    assert_ok(world_run(&world));
    /* It did not deal; the others went on without it. */
    bool lives[] = {true, true, false, true};
    assert_sum(&world, lives);
    world_release(&world);
}

/* --- Lying aggregators: they hold the aggregator's key, and may say anything --- */

static void learn_session(const struct world *world, uint8_t session[SOTTO_SESSION_BYTES])
{
    sotto__session_id(session, sotto_session_aggregator_roster(world->aggregator), &world->terms);
}

static bool lose_all_of(struct world *world, struct world_letter *letter)
{
    struct sotto_message message;
    const uint16_t *type = world->inspect_context;
    return !sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes) ||
           message.type != *type;
}

/* Runs until no message of `type` would go on: the parties wait for it. */
static void world_until(struct world *world, uint16_t type)
{
    static uint16_t stop_at;
    stop_at = type;
    world->inspect = lose_all_of;
    world->inspect_context = &stop_at;
    assert_ok(world_start(world));
    assert_ok(world_deliver(world));
}

static enum sotto_status say(struct world *world, uint32_t party, enum sotto_message_type type,
                             const void *body, size_t body_bytes)
{
    uint8_t session[SOTTO_SESSION_BYTES];
    struct sotto_buffer message;
    learn_session(world, session);
    world_seal(world, &message, world->aggregator_identity, type, session, body, body_bytes);
    enum sotto_status status = world_give(world, party, &message, NULL);
    sotto_buffer_release(&message);
    return status;
}

static bool is_silent(struct world *world, uint32_t party)
{
    struct sotto_action action;
    if (!sotto_session_party_next(world->parties[party].session, &action)) {
        return true;
    }
    sotto_action_release(&action);
    return false;
}

static void test_one_survivor_set_is_signed(void **state)
{
    (void)state;
    struct world world;
    world_make(&world, 5, 7);
    world_until(&world, SOTTO_MESSAGE_LIVING);
    uint32_t victim = world_party_at(&world, 0);
    const uint8_t all = 0x1F, first = 0x0F, without_victim = 0x1E, three = 0x07, beyond = 0x3F;

    assert_int_equal(say(&world, victim, SOTTO_MESSAGE_LIVING, &without_victim, 1),
                     SOTTO_ERROR_PARTIES);
    assert_int_equal(say(&world, victim, SOTTO_MESSAGE_LIVING, &three, 1), SOTTO_ERROR_PARTIES);
    assert_int_equal(say(&world, victim, SOTTO_MESSAGE_LIVING, &beyond, 1), SOTTO_ERROR_PROTOCOL);
    assert_int_equal(say(&world, victim, SOTTO_MESSAGE_LIVING, "", 0), SOTTO_ERROR_PROTOCOL);
    assert_true(is_silent(&world, victim));
    /* Nothing leaves before the host says that the record is durable. */
    struct sotto_action record, consent;
    struct sotto_session_party *party = world.parties[victim].session;
    assert_ok(say(&world, victim, SOTTO_MESSAGE_LIVING, &first, 1));
    assert_true(sotto_session_party_next(party, &record));
    assert_int_equal(record.kind, SOTTO_ACTION_RECORD);
    sotto_action_release(&record);
    assert_ok(say(&world, victim, SOTTO_MESSAGE_LIVING, &first, 1));
    assert_int_equal(say(&world, victim, SOTTO_MESSAGE_LIVING, &all, 1), SOTTO_ERROR_PROTOCOL);
    assert_true(is_silent(&world, victim));
    assert_ok(sotto_session_party_recorded(party));
    assert_true(sotto_session_party_next(party, &consent));
    assert_int_equal(say(&world, victim, SOTTO_MESSAGE_LIVING, &all, 1), SOTTO_ERROR_PROTOCOL);
    assert_true(is_silent(&world, victim));
    assert_ok(say(&world, victim, SOTTO_MESSAGE_LIVING, &first, 1));
    struct sotto_action again;
    assert_true(sotto_session_party_next(world.parties[victim].session, &again));
    assert_int_equal(again.bytes.data_bytes, consent.bytes.data_bytes);
    assert_memory_equal(again.bytes.data, consent.bytes.data, again.bytes.data_bytes);
    sotto_action_release(&again);
    sotto_action_release(&consent);
    world_release(&world);
}

/* A list of consents for UNMASK, signed by these roster indices. */
static size_t forge_unmask(const struct world *world, uint8_t *out, const uint32_t *signers,
                           size_t signers_len, uint8_t dealers, uint8_t living)
{
    uint8_t session[SOTTO_SESSION_BYTES];
    uint8_t digest[SOTTO__HASH_BYTES];
    struct sotto_writer writer;
    learn_session(world, session);
    sotto__survivors_digest(digest, session, &dealers, &living, world->parties_len);
    sotto_writer_init(&writer, 4096);
    sotto_write_u32(&writer, (uint32_t)signers_len);
    for (size_t k = 0; k < signers_len; k++) {
        struct sotto_signature signature;
        uint32_t party = world_party_at(world, signers[k]);
        sotto_identity_sign(world->parties[party].identity, &signature, SOTTO__SURVIVORS_LABEL,
                            digest, sizeof digest);
        sotto_write_u32(&writer, signers[k]);
        sotto_write_bytes(&writer, signature.bytes, sizeof signature.bytes);
    }
    size_t bytes = writer.data_bytes;
    memcpy(out, writer.data, bytes);
    sotto_writer_release(&writer);
    return bytes;
}

static enum sotto_status unmask(struct world *world, uint32_t victim, const uint32_t *signers,
                                size_t signers_len, uint8_t dealers, uint8_t living)
{
    uint8_t body[2048];
    size_t bytes = forge_unmask(world, body, signers, signers_len, dealers, living);
    return say(world, victim, SOTTO_MESSAGE_UNMASK, body, bytes);
}

static void test_unmasking_needs_enough_consents_to_the_same_set(void **state)
{
    (void)state;
    struct world world;
    world_make(&world, 5, 8); /* threshold 4 */
    world_until(&world, SOTTO_MESSAGE_LIVING);
    uint32_t victim = world_party_at(&world, 0);
    const uint8_t living = 0x0F, other = 0x1F, dealers = 0x1F;
    static const uint32_t four[] = {0, 1, 2, 3}, twice[] = {0, 1, 1, 2}, down[] = {3, 2, 1, 0},
                          with_dead[] = {0, 1, 2, 4};

    assert_int_equal(unmask(&world, victim, four, 4, dealers, living), SOTTO_ERROR_STATE);
    struct sotto_session_party *party = world.parties[victim].session;
    assert_ok(say(&world, victim, SOTTO_MESSAGE_LIVING, &living, 1));
    assert_false(is_silent(&world, victim)); /* the record */
    assert_int_equal(unmask(&world, victim, four, 4, dealers, living), SOTTO_ERROR_STATE);
    assert_ok(sotto_session_party_recorded(party));
    assert_false(is_silent(&world, victim));
    assert_int_equal(unmask(&world, victim, four, 3, dealers, living), SOTTO_ERROR_PARTIES);
    assert_int_equal(unmask(&world, victim, four, 4, dealers, other), SOTTO_ERROR_AUTH);
    assert_int_equal(unmask(&world, victim, four, 4, living, living), SOTTO_ERROR_AUTH);
    assert_int_equal(unmask(&world, victim, twice, 4, dealers, living), SOTTO_ERROR_AUTH);
    assert_int_equal(unmask(&world, victim, down, 4, dealers, living), SOTTO_ERROR_AUTH);
    assert_int_equal(unmask(&world, victim, with_dead, 4, dealers, living), SOTTO_ERROR_AUTH);
    assert_int_equal(say(&world, victim, SOTTO_MESSAGE_UNMASK, "\xff\xff\xff\xff", 4),
                     SOTTO_ERROR_AUTH);
    assert_true(is_silent(&world, victim));

    assert_ok(unmask(&world, victim, four, 4, dealers, living));
    struct sotto_action reveal, again;
    assert_true(sotto_session_party_next(party, &reveal));
    assert_ok(unmask(&world, victim, four, 4, dealers, living));
    assert_true(sotto_session_party_next(party, &again));
    assert_memory_equal(again.bytes.data, reveal.bytes.data, reveal.bytes.data_bytes);
    sotto_action_release(&again);
    sotto_action_release(&reveal);
    world_release(&world);
}

/* Adverts of parties with one change, as a roster signed by the aggregator. */
static enum sotto_status roster_with(struct world *world, struct sotto_buffer *adverts,
                                     uint32_t adverts_len, uint32_t threshold, uint32_t victim)
{
    struct sotto_writer writer;
    struct sotto_buffer message;
    struct sotto_error err;
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_message_begin(&writer, SOTTO_MESSAGE_ROSTER, &world->terms.invitation.label, NULL,
                        world->aggregator_identity);
    sotto_write_u32(&writer, adverts_len);
    sotto_write_u32(&writer, adverts_len);
    sotto_write_u32(&writer, adverts_len - 1);
    sotto_write_u32(&writer, threshold);
    for (uint32_t i = 0; i < adverts_len; i++) {
        sotto_write_blob(&writer, adverts[i].data, adverts[i].data_bytes);
    }
    assert_ok(sotto_message_finish(&writer, &message, world->aggregator_identity));
    enum sotto_status status = world_give(world, victim, &message, &err);
    sotto_buffer_release(&message);
    return status;
}

static int by_sender(const void *a, const void *b)
{
    struct sotto_message x, y;
    const struct sotto_buffer *first = a, *second = b;
    (void)sotto_message_parse(&x, first->data, first->data_bytes);
    (void)sotto_message_parse(&y, second->data, second->data_bytes);
    return sotto_key_compare(&x.sender, &y.sender);
}

static void test_rosters_are_checked(void **state)
{
    (void)state;
    struct world world;
    struct sotto_buffer adverts[5], changed[5];
    world_make(&world, 5, 9);
    for (uint32_t i = 0; i < 5; i++) {
        struct sotto_action action;
        assert_true(sotto_session_party_next(world.parties[i].session, &action));
        adverts[i] = action.bytes;
    }
    qsort(adverts, 5, sizeof adverts[0], by_sender);
    struct sotto_key zero = sotto_identity_key(world.parties[0].identity);
    struct sotto_message own;
    uint32_t own_index = 0;
    while (sotto_message_parse(&own, adverts[own_index].data, adverts[own_index].data_bytes) &&
           !sotto_key_equal(&own.sender, &zero)) {
        own_index++;
    }
    assert_int_equal(roster_with(&world, adverts, 5, 3, 1), SOTTO_ERROR_PROTOCOL); /* threshold */
    assert_int_equal(roster_with(&world, adverts, 2, 2, 0), SOTTO_ERROR_PARTIES);

    memcpy(changed, adverts, sizeof changed);
    changed[1] = adverts[0]; /* one party twice */
    assert_int_equal(roster_with(&world, changed, 5, 4, 0), SOTTO_ERROR_PROTOCOL);

    memcpy(changed, adverts, sizeof changed);
    changed[0] = adverts[1];
    changed[1] = adverts[0]; /* not ascending */
    assert_int_equal(roster_with(&world, changed, 5, 4, 0), SOTTO_ERROR_PROTOCOL);

    uint32_t other = own_index == 0 ? 1 : 0;
    adverts[other].data[170] ^= 1; /* a point, changed by somebody who can't sign */
    assert_int_equal(roster_with(&world, adverts, 5, 4, 2), SOTTO_ERROR_AUTH);
    adverts[other].data[170] ^= 1;
    adverts[other].data[110] ^= 1; /* another aggregator */
    assert_int_equal(roster_with(&world, adverts, 5, 4, 0), SOTTO_ERROR_PROTOCOL);
    adverts[other].data[110] ^= 1;

    /* Another advert of the same party, honestly signed: the party sees that it is not its own. */
    struct sotto_session_party *twin;
    struct sotto_action twin_advert;
    assert_ok(sotto_session_party_new(&twin, world.parties[0].identity, world.random,
                                      &world.terms.invitation, NULL, 0));
    assert_true(sotto_session_party_next(twin, &twin_advert));
    memcpy(changed, adverts, sizeof changed);
    changed[own_index] = twin_advert.bytes;
    assert_int_equal(roster_with(&world, changed, 5, 4, 0), SOTTO_ERROR_PROTOCOL);
    assert_int_equal(sotto_session_party_phase(world.parties[0].session), SOTTO_PARTY_ADVERTISED);
    sotto_action_release(&twin_advert);
    sotto_session_party_free(twin);
    for (uint32_t i = 0; i < 5; i++) {
        sotto_buffer_release(&adverts[i]);
    }
    world_release(&world);
}

static void test_adverts_are_bound_to_their_invitation(void **state)
{
    (void)state;
    struct world world;
    struct sotto_action action;
    struct sotto_advert advert;
    world_make(&world, 3, 10);
    assert_true(sotto_session_party_next(world.parties[0].session, &action));
    const struct sotto_buffer *bytes = &action.bytes;
    struct sotto_invitation_terms terms = world.terms.invitation;
    assert_ok(sotto_advert_open(&advert, bytes->data, bytes->data_bytes, &terms, NULL));
    assert_int_equal(advert.payload_bytes, 5);
    terms.label.attempt = 2;
    assert_int_equal(sotto_advert_open(&advert, bytes->data, bytes->data_bytes, &terms, NULL),
                     SOTTO_ERROR_PROTOCOL);
    terms = world.terms.invitation;
    terms.plan_digest[3] ^= 1;
    assert_int_equal(sotto_advert_open(&advert, bytes->data, bytes->data_bytes, &terms, NULL),
                     SOTTO_ERROR_PROTOCOL);
    terms = world.terms.invitation;
    terms.aggregator = sotto_identity_key(world.parties[1].identity);
    assert_int_equal(sotto_advert_open(&advert, bytes->data, bytes->data_bytes, &terms, NULL),
                     SOTTO_ERROR_PROTOCOL);
    sotto_action_release(&action);
    world_release(&world);
}

/* Two parties that are told different terms end up in different sessions. */
static void test_a_split_view_gives_no_sum(void **state)
{
    (void)state;
    struct world world;
    world_make(&world, 4, 11);
    assert_ok(world_start(&world));
    struct world_letter *letter = &world.letters[0]; /* a ROSTER */
    struct sotto_session_terms honest = world.terms;
    world.terms.agreement[0] ^= 1;
    assert_ok(world_give(&world, letter->to, &letter->bytes, NULL));
    world.terms = honest;
    uint32_t victim = letter->to;
    assert_ok(world_run(&world));
    bool lives[4] = {true, true, true, true};
    lives[victim] = false; /* its DEAL was of another session */
    assert_sum(&world, lives);
    world_release(&world);
}

/* --- Cheating parties --- */

static bool corrupt_ciphertext(struct world *world, struct world_letter *letter)
{
    struct sotto_message message;
    const uint32_t *cheat = world->inspect_context;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (message.type == SOTTO_MESSAGE_DEAL && letter->from == *cheat) {
        /* One bit of the last ciphertext, sealed again by the dealer itself. */
        struct sotto_buffer forged;
        letter->bytes.data[letter->bytes.data_bytes - 70] ^= 1;
        world_seal(world, &forged, world->parties[*cheat].identity, SOTTO_MESSAGE_DEAL,
                   message.session, message.body, message.body_bytes);
        sotto_buffer_release(&letter->bytes);
        letter->bytes = forged;
    }
    if (message.type == SOTTO_MESSAGE_LEAVE) {
        struct sotto_leave leave;
        struct sotto_key cheat_key = sotto_identity_key(world->parties[*cheat].identity);
        assert_true(sotto_leave_parse(&leave, &message));
        assert_true(sotto_key_equal(&leave.blamed, &cheat_key));
        assert_ok(
            sotto_session_aggregator_drop(world->aggregator, world_index_of(world, letter->from)));
        return false;
    }
    return true;
}

static void test_a_holder_names_the_dealer_of_a_bad_share(void **state)
{
    (void)state;
    struct world world;
    uint32_t cheat = 1;
    world_make(&world, 4, 12);
    world.inspect = corrupt_ciphertext;
    world.inspect_context = &cheat;
    assert_ok(world_start(&world));
    /* The last ciphertext goes to the last party of the roster (or the one before, the dealer). */
    uint32_t victim_index = world_index_of(&world, cheat) == 3 ? 2 : 3;
    uint32_t victim = world_party_at(&world, victim_index);
    assert_ok(world_run(&world));
    bool lives[4] = {true, true, true, true};
    lives[victim] = false;
    assert_int_equal(sotto_session_party_phase(world.parties[victim].session), SOTTO_PARTY_LEFT);
    assert_sum(&world, lives);
    world_release(&world);
}

static bool replace_seed_point(struct world *world, struct world_letter *letter)
{
    struct sotto_message message;
    const uint32_t *cheat = world->inspect_context;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (message.type == SOTTO_MESSAGE_DEAL && letter->from == *cheat) {
        struct sotto__dealing dealing;
        struct sotto_reader reader;
        struct sotto_writer writer;
        struct sotto_buffer forged;
        uint8_t scalar[SOTTO__SCALAR_BYTES] = {7};
        sotto_reader_init(&reader, message.body, message.body_bytes);
        sotto__dealing_read(&dealing, &reader);
        assert_true(sotto__point_base(dealing.seed_point, scalar));
        sotto__dealing_sign(&dealing, message.session, world->parties[*cheat].identity);
        sotto_writer_init(&writer, message.body_bytes);
        sotto__dealing_write(&dealing, &writer);
        size_t rest = sotto_reader_left(&reader);
        sotto_write_bytes(&writer, sotto_read_bytes(&reader, rest), rest);
        world_seal(world, &forged, world->parties[*cheat].identity, SOTTO_MESSAGE_DEAL,
                   message.session, writer.data, writer.data_bytes);
        sotto_writer_release(&writer);
        sotto_buffer_release(&letter->bytes);
        letter->bytes = forged;
    }
    return true;
}

static void test_the_aggregator_names_a_dealer_of_another_secret(void **state)
{
    (void)state;
    struct world world;
    uint32_t cheat = 2;
    world_make(&world, 4, 13);
    world.inspect = replace_seed_point;
    world.inspect_context = &cheat;
    assert_ok(world_start(&world));
    assert_ok(world_run(&world));
    assert_failed(&world, true, SOTTO_ERROR_PROTOCOL);
    bool final;
    struct sotto_error err;
    char name[SOTTO_KEY_TEXT_BYTES];
    struct sotto_key key = sotto_identity_key(world.parties[cheat].identity);
    (void)sotto_session_aggregator_failure(world.aggregator, &final, &err);
    sotto_key_to_text(&key, name);
    assert_contains(err.text, name);
    world_release(&world);
}

static bool falsify_reveal(struct world *world, struct world_letter *letter)
{
    struct sotto_message message;
    const uint32_t *cheat = world->inspect_context;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (message.type == SOTTO_MESSAGE_REVEAL && letter->from == *cheat) {
        struct sotto_buffer forged;
        struct sotto_error err;
        struct sotto_message opened;
        char name[SOTTO_KEY_TEXT_BYTES];
        sotto_key_to_text(&message.sender, name);
        letter->bytes.data[SOTTO_MESSAGE_HEADER_BYTES + 5] ^= 1;
        world_seal(world, &forged, world->parties[*cheat].identity, SOTTO_MESSAGE_REVEAL,
                   message.session, message.body, message.body_bytes);
        assert_ok(sotto_message_open(&opened, forged.data, forged.data_bytes, NULL));
        enum sotto_status status =
            sotto_session_aggregator_receive(world->aggregator, &opened, &err);
        assert_int_equal(status, SOTTO_ERROR_PROTOCOL);
        assert_contains(err.text, name);
        sotto_buffer_release(&forged);
        return false;
    }
    return true;
}

static void test_a_holder_that_reveals_something_else_is_named_and_not_needed(void **state)
{
    (void)state;
    struct world world;
    uint32_t cheat = 0;
    world_make(&world, 4, 14);
    world.inspect = falsify_reveal;
    world.inspect_context = &cheat;
    assert_ok(world_start(&world));
    assert_ok(world_run(&world));
    bool lives[4] = {true, true, true, true}; /* its input is in the sum all the same */
    assert_sum(&world, lives);
    world_release(&world);

    world_make(&world, 3, 15); /* here everybody is needed */
    world.inspect = falsify_reveal;
    world.inspect_context = &cheat;
    assert_ok(world_start(&world));
    assert_ok(world_run(&world));
    assert_failed(&world, true, SOTTO_ERROR_PARTIES);
    world_release(&world);
}

/* --- What any network may do --- */

static bool shorten_or_change(struct world *world, struct world_letter *letter)
{
    struct sotto_message message;
    struct sotto_buffer *bytes = &letter->bytes;
    (void)world;
    for (size_t cut = 0; cut < bytes->data_bytes; cut += 1 + cut) {
        assert_int_not_equal(sotto_message_open(&message, bytes->data, cut, NULL), SOTTO_OK);
    }
    for (size_t at = 0; at < bytes->data_bytes; at += 37) {
        bytes->data[at] ^= 0x10;
        assert_int_not_equal(sotto_message_open(&message, bytes->data, bytes->data_bytes, NULL),
                             SOTTO_OK);
        bytes->data[at] ^= 0x10;
    }
    return true;
}

static void test_changed_bytes_are_refused(void **state)
{
    (void)state;
    struct world world;
    world_make(&world, 3, 16);
    world.inspect = shorten_or_change;
    assert_ok(world_start(&world));
    assert_ok(world_run(&world));
    bool lives[3] = {true, true, true};
    assert_sum(&world, lives);
    world_release(&world);
}

/* The masked inputs of two runs with the same inputs must look unrelated: a weak check that masks
 * are there and fresh. */
static bool keep_masked(struct world *world, struct world_letter *letter)
{
    struct sotto_message message;
    struct sotto_buffer *kept = world->inspect_context;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (message.type == SOTTO_MESSAGE_MASKED && letter->from == 0) {
        assert_ok(sotto_buffer_copy(kept, message.body, message.body_bytes));
    }
    return true;
}

static void test_masked_inputs_hide_the_input(void **state)
{
    (void)state;
    struct sotto_buffer kept[2] = {{0}};
    for (size_t run = 0; run < 2; run++) {
        struct world world;
        world_make(&world, 3, 17 + run);
        memset(world.parties[0].vector, 0, VECTOR_BYTES);
        world.inspect = keep_masked;
        world.inspect_context = &kept[run];
        assert_ok(world_start(&world));
        assert_ok(world_run(&world));
        world_release(&world);
    }
    size_t zeros = 0, same = 0;
    for (size_t i = 0; i < kept[0].data_bytes; i++) {
        zeros += kept[0].data[i] == 0;
        same += kept[0].data[i] == kept[1].data[i];
    }
    assert_true(zeros < 20 && same < 20); /* of 459; one in 256 by chance */
    sotto_buffer_release(&kept[0]);
    sotto_buffer_release(&kept[1]);
}

/* --- Faults --- */

static struct fault_random fault_source;
static bool fault_at_once; /* the aggregator takes its messages together */

static enum sotto_status whole_session(void *context)
{
    static const struct sotto_vector_run two[] = {{8, 1}, {16, 1}};
    struct sotto_random_stream own;
    struct sotto_random random =
        context != NULL ? fault_random_source(context) : sotto_random_seeded(&own, 3, 3);
    struct world world;
    enum sotto_status status = world_init(&world, 3, two, 2, 3, random);
    world.at_once = fault_at_once;
    if (status == SOTTO_OK) {
        status = world_start(&world);
    }
    if (status == SOTTO_OK) {
        status = world_run(&world);
    }
    if (status == SOTTO_OK) {
        assert_int_equal(sotto_session_aggregator_phase(world.aggregator), SOTTO_AGGREGATOR_SUMMED);
    }
    world_release(&world);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    for (int at_once = 0; at_once < 2; at_once++) {
        fault_at_once = at_once == 1;
        assert_true(fault_each_allocation(whole_session, NULL) > 50);
    }
}

static void test_every_draw_of_randomness_may_fail(void **state)
{
    (void)state;
    assert_true(fault_each_random(whole_session, &fault_source, &fault_source) > 20);
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_dropout_pattern),
        cmocka_unit_test(test_larger_rosters),
        cmocka_unit_test(test_sparse_graphs),
        cmocka_unit_test(test_random_losses),
        cmocka_unit_test(test_too_many_losses_on_a_sparse_graph),
        cmocka_unit_test(test_consents_of_others_do_not_count),
        cmocka_unit_test(test_the_owner_may_ask_for_more_parties),
        cmocka_unit_test(test_one_survivor_set_is_signed),
        cmocka_unit_test(test_unmasking_needs_enough_consents_to_the_same_set),
        cmocka_unit_test(test_rosters_are_checked),
        cmocka_unit_test(test_adverts_are_bound_to_their_invitation),
        cmocka_unit_test(test_a_split_view_gives_no_sum),
        cmocka_unit_test(test_a_holder_names_the_dealer_of_a_bad_share),
        cmocka_unit_test(test_the_aggregator_names_a_dealer_of_another_secret),
        cmocka_unit_test(test_a_holder_that_reveals_something_else_is_named_and_not_needed),
        cmocka_unit_test(test_changed_bytes_are_refused),
        cmocka_unit_test(test_masked_inputs_hide_the_input),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_every_draw_of_randomness_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
