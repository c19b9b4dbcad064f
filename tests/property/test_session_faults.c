/* SPDX-License-Identifier: Apache-2.0 */
/* A session whose allocations and draws of randomness fail, each one once. */
#include "fault.h"
#include "test.h"
#include "world.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>

static struct fault_random fault_source;
static bool fault_at_once; /* the aggregator takes its messages together */

/* A party, and the aggregator, check what opened the sum. */
static enum sotto_status verify_sum(struct world *world)
{
    struct sotto_dispute dispute;
    const struct sotto_buffer *transcript = sotto_session_aggregator_transcript(world->aggregator);
    uint8_t *sum = sotto_alloc_aligned(world->vector_bytes);
    if (sum == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    enum sotto_status status =
        sotto_session_party_verify(world->parties[1].session, sum, world->vector_bytes, &dispute,
                                   transcript->data, transcript->data_bytes, NULL);
    sotto_free(sum);
    return status == SOTTO_OK ? sotto_session_aggregator_recheck(world->aggregator, NULL) : status;
}

static enum sotto_status whole_session(void *context)
{
    static const struct sotto_vector_run two[] = {{8, 1}, {16, 1}};
    struct sotto_random_stream own;
    struct sotto_random random =
        context != NULL ? fault_random_source(context) : sotto_random_seeded(&own, 3, 3);
    struct world world;
    enum sotto_status status = world_init(&world, 3, two, 2, 3, random);
    world.terms.verifies = true;
    world.at_once = fault_at_once;
    if (status == SOTTO_OK) {
        status = world_start(&world);
    }
    if (status == SOTTO_OK) {
        status = world_run(&world);
    }
    if (status == SOTTO_OK) {
        assert_int_equal(sotto_session_aggregator_phase(world.aggregator), SOTTO_AGGREGATOR_SUMMED);
        status = verify_sum(&world);
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
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_every_draw_of_randomness_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
