/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions on sparse graphs: within what they were chosen for every loss is survived, and the sum
 * is right. */
#include "cases.h"
#include "files.h"
#include "test.h"
#include "world.h"

#include <sotto/secret.h>

static struct sotto_random_stream stream;

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
    world_assert_sum(&world, lives);
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

/* Of vectors of one 64-bit slot. */
static uint64_t sum_of_living(const struct world *world)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < world->parties_len; i++) {
        uint16_t drop_from = world->parties[i].drop_from;
        bool lives = drop_from == 0 || drop_from > SOTTO_MESSAGE_MASKED;
        sum += lives ? sotto_load_u64(world->parties[i].vector) : 0;
    }
    return sum;
}

static void lose_at_random(uint32_t n, enum sotto_graph_model model, uint64_t draws)
{
    static const struct sotto_vector_run scalar = {8, 1};
    struct world world;
    size_t bytes;
    assert_ok(world_init(&world, n, &scalar, 1, 3, sotto_random_seeded(&stream, draws, 77)));
    world.terms.graph = (struct sotto_graph_terms){model, 50, 200};
    for (uint32_t lost = 0; lost < n / 5; lost++) {
        uint32_t party = (uint32_t)(test_random(&draws) % n);
        world.parties[party].drop_from = (uint16_t)(SOTTO_MESSAGE_DEAL + test_random(&draws) % 4);
    }
    assert_ok(world_start(&world));
    assert_ok(world_run(&world));
    assert_int_equal(sotto_session_aggregator_phase(world.aggregator), SOTTO_AGGREGATOR_SUMMED);
    assert_true(sotto_load_u64(sotto_session_aggregator_sum(world.aggregator, &bytes)) ==
                sum_of_living(&world));
    world_release(&world);
}

/* Anybody may vanish at any step, as long as the graph was chosen for so many. */
static void test_random_losses(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {7, 13, 31, 70};
    for (size_t i = 0, cases = test_cases(1); i < cases; i++) {
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            for (int model = SOTTO_GRAPH_COMPLETE; model <= SOTTO_GRAPH_SEMI_MALICIOUS; model++) {
                lose_at_random(sizes[s], (enum sotto_graph_model)model,
                               1000 * i + sizes[s] + (uint64_t)model);
            }
        }
    }
    lose_at_random(200, SOTTO_GRAPH_CURIOUS, 200 + SOTTO_GRAPH_CURIOUS); /* others take 10 s each */
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
    world_assert_failed(&world, false, SOTTO_ERROR_PARTIES);
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
    world_assert_sum(&world, lives);
    world_release(&world);
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sparse_graphs),
        cmocka_unit_test(test_random_losses),
        cmocka_unit_test(test_too_many_losses_on_a_sparse_graph),
        cmocka_unit_test(test_consents_of_others_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
