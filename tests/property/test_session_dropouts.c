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
    world_make(&world, 4, 1);
    world.parties[2].own_min = 5;
    assert_ok(world_start(&world));
    assert_ok(world_run(&world));
    /* It did not deal; the others went on without it. */
    bool lives[] = {true, true, false, true};
    world_assert_sum(&world, lives);
    world_release(&world);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
