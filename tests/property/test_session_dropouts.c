/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions on complete graphs: the sum over the survivors for every pattern of dropouts that the
 * thresholds allow, an error for every other. */
#include "test.h"
#include "world.h"

#include <sotto/secret.h>

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
        world_assert_failed(world, false, SOTTO_ERROR_PARTIES);
    } else if (count_beyond(world, SOTTO_MESSAGE_CONSENT, NULL) < threshold ||
               count_beyond(world, SOTTO_MESSAGE_REVEAL, NULL) < threshold) {
        world_assert_failed(world, true, SOTTO_ERROR_PARTIES);
    } else {
        world_assert_sum(world, lives);
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

static void test_the_owner_may_ask_for_more_parties(void **state)
{
    (void)state;
    struct world world;
    world_demands[2].min_parties = 5;
    world_make(&world, 4, 1);
    assert_int_equal(world_start(&world), SOTTO_ERROR_PARTIES);
    world_release(&world);

    /* It holds for all: nobody's input is summed over fewer. */
    world_make(&world, 5, 1);
    world.parties[3].drop_from = SOTTO_MESSAGE_MASKED;
    assert_ok(world_start(&world));
    assert_ok(world_run(&world));
    world_assert_failed(&world, false, SOTTO_ERROR_PARTIES);
    world_release(&world);
    world_demands[2] = (struct sotto_session_demands){0};
}

/* With k colluders beside the aggregator's own party: the threshold of PROTOCOL.md, and no session
 * in which fewer than two others would be left. */
static void test_an_owner_may_count_on_more_colluders(void **state)
{
    (void)state;
    struct world world;
    bool lives[7] = {true, true, true, true, true, true, true};
    world_demands[1].colluders = 2;
    world_make(&world, 4, 1);
    assert_int_equal(world_start(&world), SOTTO_ERROR_PARTIES);
    world_release(&world);
    for (uint16_t type = SOTTO_MESSAGE_MASKED; type <= SOTTO_MESSAGE_REVEAL; type++) {
        for (uint32_t lost = 1; lost <= 2; lost++) { /* t = need = 6 of 7 */
            world_make(&world, 7, type);
            for (uint32_t i = 0; i < 2; i++) {
                world.parties[i].drop_from = i < lost ? type : (uint16_t)0;
                lives[i] = i >= lost || type > SOTTO_MESSAGE_MASKED;
            }
            assert_ok(world_start(&world));
            const struct sotto_roster *roster = sotto_session_aggregator_roster(world.aggregator);
            assert_int_equal(roster->graph.threshold, 6);
            assert_ok(world_run(&world));
            if (lost == 1) {
                world_assert_sum(&world, lives);
            } else {
                world_assert_failed(&world, type > SOTTO_MESSAGE_MASKED, SOTTO_ERROR_PARTIES);
            }
            world_release(&world);
        }
    }
    world_demands[1] = (struct sotto_session_demands){0};
}

/* Nothing is opened over a party whose advert asks for its own consent and that gives none; all
 * others' consents may be lost, as far as t are left. */
static void test_an_owner_may_ask_for_its_own_consent(void **state)
{
    (void)state;
    struct world world;
    const bool lives[5] = {true, true, true, true, true};
    world_demands[2].needs_consent = true;
    for (uint32_t lost = 1; lost <= 2; lost++) {
        world_make(&world, 5, lost);
        world.parties[lost].drop_from = SOTTO_MESSAGE_CONSENT;
        assert_ok(world_start(&world));
        assert_ok(world_run(&world));
        if (lost == 1) {
            world_assert_sum(&world, lives);
        } else {
            struct sotto_error err;
            bool final;
            world_assert_failed(&world, true, SOTTO_ERROR_PARTIES);
            (void)sotto_session_aggregator_failure(world.aggregator, &final, &err);
            assert_contains(err.text, "did not consent, and nothing is opened without it");
        }
        world_release(&world);
    }
    world_make(&world, 5, 3); /* dead before LIVING: there is nothing to consent to */
    world.parties[2].drop_from = SOTTO_MESSAGE_MASKED;
    assert_ok(world_start(&world));
    assert_ok(world_run(&world));
    const bool others[5] = {true, true, false, true, true};
    world_assert_sum(&world, others);
    world_release(&world);
    world_demands[2] = (struct sotto_session_demands){0};
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_dropout_pattern),
        cmocka_unit_test(test_larger_rosters),
        cmocka_unit_test(test_the_owner_may_ask_for_more_parties),
        cmocka_unit_test(test_an_owner_may_count_on_more_colluders),
        cmocka_unit_test(test_an_owner_may_ask_for_its_own_consent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
