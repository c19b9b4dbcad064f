/* SPDX-License-Identifier: Apache-2.0 */
/* Real vectors: encoding, and sums of them. */
#include "test.h"

#include <math.h>
#include <sotto/fixed.h>
#include <sotto/secret.h>
#include <sotto/trial.h>

static void test_round_trip(void **state)
{
    (void)state;
    static const uint32_t widths[] = {4, 5, 8};
    for (size_t w = 0; w < 3; w++) {
        struct sotto_fixed fixed = {widths[w], 20, 100};
        double values[] = {0, 1, -1, 99.9999, -100, 100, 0x1p-20, -0x1p-20, 0x1.8p-20, 0x1p-22};
        double back[10];
        uint8_t out[80];
        assert_ok(sotto_fixed_check(&fixed, 10, NULL));
        assert_ok(sotto_fixed_encode(out, NULL, &fixed, values, 10, NULL));
        sotto_fixed_decode(back, &fixed, out, 10);
        for (size_t i = 0; i < 10; i++) {
            assert_true(fabs(back[i] - values[i]) <= 0x1p-21);
        }
        assert_double_bits_equal(back[8], 0x1p-19); /* half to even */
        assert_double_bits_equal(back[9], 0.0);
    }
}

static void test_headroom_is_checked_before(void **state)
{
    (void)state;
    struct sotto_error err;
    struct sotto_fixed fixed = {4, 16, 32}; /* 2^21 each: 2^10 of them just do not fit 2^31 */
    assert_ok(sotto_fixed_check(&fixed, 1023, &err));
    assert_int_equal(sotto_fixed_check(&fixed, 1024, &err), SOTTO_ERROR_LIMIT);
    assert_contains(err.text, "1 bits more");
    static const struct sotto_fixed bad[] = {
        {3, 0, 1},   {4, 0, 0},    {4, 0, -1},       {4, 0, INFINITY},
        {4, 0, NAN}, {4, 2000, 1}, {8, 1000, 1e300},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(sotto_fixed_check(&bad[i], 3, &err), SOTTO_ERROR_LIMIT);
    }
}

static void test_values_out_of_bounds_are_named(void **state)
{
    (void)state;
    static const double bad[] = {NAN, INFINITY, -INFINITY, 10.0001, -1e300};
    struct sotto_fixed fixed = {8, 30, 10};
    struct sotto_error err;
    uint8_t out[24];
    static const uint8_t zeros[24];
    for (size_t i = 0; i < 5; i++) {
        double values[] = {1, 2, bad[i]};
        size_t clipped = 7;
        assert_int_equal(sotto_fixed_encode(out, NULL, &fixed, values, 3, &err), SOTTO_ERROR_LIMIT);
        assert_contains(err.text, "value 2 is");
        assert_memory_equal(out, zeros, 24);
        enum sotto_status status = sotto_fixed_encode(out, &clipped, &fixed, values, 3, &err);
        if (isfinite(bad[i])) {
            double back[3];
            assert_ok(status);
            assert_int_equal(clipped, 1);
            sotto_fixed_decode(back, &fixed, out, 3);
            assert_double_bits_equal(back[2], bad[i] > 0 ? 10.0 : -10.0);
        } else {
            assert_int_equal(status, SOTTO_ERROR_LIMIT);
        }
    }
}

/* As tests/package/research.c does it: N parties, some of whom vanish. */
static const struct sotto_fixed fixed = {5, 24, 1};

static void gradient(void *context, uint32_t party, uint8_t *vector, size_t vector_bytes)
{
    double values[100];
    (void)context;
    for (size_t i = 0; i < 100; i++) {
        values[i] = sin(party + (double)i);
    }
    assert_int_equal(vector_bytes, 500);
    assert_ok(sotto_fixed_encode(vector, NULL, &fixed, values, 100, NULL));
}

static enum sotto_trial_step every_fifth_vanishes(void *context, uint32_t party)
{
    (void)context;
    return party % 5 == 4 ? (enum sotto_trial_step)(party / 5 % 4) : SOTTO_TRIAL_STAYS;
}

static void test_summing_real_vectors(void **state)
{
    (void)state;
    struct sotto_vector_run run = {fixed.element_bytes, 100};
    struct sotto_trial trial = {.parties_len = 20,
                                .runs = &run,
                                .runs_len = 1,
                                .seed = 5,
                                .verifies = true,
                                .input = gradient,
                                .leaves = every_fifth_vanishes};
    struct sotto_trial_report report;
    double sum[100];
    assert_ok(sotto_fixed_check(&fixed, trial.parties_len, NULL));
    assert_ok(sotto_trial_run(&report, &trial, NULL));
    assert_int_equal(report.survivors, 18); /* two went before their input, two after */
    sotto_fixed_decode(sum, &fixed, report.sum, 100);
    for (size_t i = 0; i < 100; i++) {
        double expected = 0;
        for (uint32_t party = 0; party < 20; party++) {
            bool lost = party == 4 || party == 9;
            expected += lost ? 0 : rint(ldexp(sin(party + (double)i), 24));
        }
        assert_double_bits_equal(sum[i], ldexp(expected, -24));
    }
    assert_true(report.total.party_up_bytes > 500 && report.total.party_group_operations > 0);
    assert_true(report.verifying.party_down_bytes > 18 * 500 && report.verifying.party_cpu_s > 0);
    sotto_trial_report_release(&report);
}

static void test_sparse_graphs_are_not_verified(void **state)
{
    (void)state;
    struct sotto_vector_run run = {fixed.element_bytes, 100};
    struct sotto_trial trial = {.parties_len = 60,
                                .graph = {SOTTO_GRAPH_SEMI_MALICIOUS, 50, 200},
                                .runs = &run,
                                .runs_len = 1,
                                .verifies = true,
                                .input = gradient};
    struct sotto_trial_report report = {0};
    struct sotto_error err;
    assert_int_equal(sotto_trial_run(&report, &trial, &err), SOTTO_ERROR_INPUT);
    assert_string_equal(err.text, "sums are verified on a complete graph only");
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_headroom_is_checked_before),
        cmocka_unit_test(test_values_out_of_bounds_are_named),
        cmocka_unit_test(test_summing_real_vectors),
        cmocka_unit_test(test_sparse_graphs_are_not_verified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
