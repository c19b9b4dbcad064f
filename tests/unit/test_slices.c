/* SPDX-License-Identifier: Apache-2.0 */

/* Products of many pairs of columns by slices: exact where a block is taken, and the same as those
 * of one pair alone where some blocks are not. */

#include "cases.h"
#include "doubles.h"
#include "engine/kernels/blocks.h"
#include "plans.h"
#include "test.h"

#include <gmp.h>
#include <math.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

static void multiply_exactly(mpq_t out, const double *x, const double *y, size_t len)
{
    mpq_t a;
    mpq_t b;
    mpq_inits(a, b, NULL);
    mpq_set_ui(out, 0, 1);
    for (size_t i = 0; i < len; i++) {
        mpq_set_d(a, x[i]);
        mpq_set_d(b, y[i]);
        mpq_mul(a, a, b);
        mpq_add(out, out, a);
    }
    mpq_clears(a, b, NULL);
}

/* out += sum 2^exponent */
static void add_sum(mpq_t out, int64_t sum, int64_t exponent)
{
    mpq_t value;
    mpq_init(value);
    mpq_set_si(value, sum, 1);
    if (exponent < 0) {
        mpq_div_2exp(value, value, (mp_bitcnt_t)-exponent);
    } else {
        mpq_mul_2exp(value, value, (mp_bitcnt_t)exponent);
    }
    mpq_add(out, out, value);
    mpq_clear(value);
}

static void test_products(void **state)
{
    (void)state;
    static double values[2][SOTTO__ROWS_LEN];
    static double room[2][SOTTO__SLICES_MAX * SOTTO__ROWS_LEN];
    struct sotto__slices slices[2] = {{.values = room[0]}, {.values = room[1]}};
    const struct sotto__blocks *blocks = sotto__blocks();
    uint64_t random = 5;
    mpq_t wanted;
    mpq_t found;
    mpq_inits(wanted, found, NULL);
    for (size_t i = 0, cases = test_cases(300); i < cases; i++) {
        size_t len =
            i % 2 == 0 ? SOTTO__ROWS_LEN : SOTTO__BLOCK_STEP * (1 + test_random_below(&random, 31));
        for (size_t j = 0; j < 2; j++) {
            /* Of 53 bits each: a span of 18 binades fits the 71 bits. */
            int exponent = i < 8 ? 0 : (int)test_random_below(&random, 1800) - 860;
            test_fill_doubles(values[j], len, exponent, i < 8 ? 18 : test_random_below(&random, 19),
                              &random);
            for (size_t k = 0; i < 4 && k < len; k++) { /* odd, and as large as lanes hold */
                values[j][k] = 1 - 0x1p-23;
            }
            blocks->slice(&slices[j], values[j], blocks->largest(values[j], len), len);
            assert_true(slices[j].len == 2 || slices[j].len == 3);
        }
        int64_t sums[SOTTO__SLICE_SUMS];
        blocks->multiply_slices(sums, &slices[0], &slices[1], len);
        mpq_set_ui(found, 0, 1);
        for (size_t k = 0; k < SOTTO__SLICE_SUMS; k++) {
            add_sum(found, sums[k], slices[0].exponent + slices[1].exponent - 46 - 24 * (int64_t)k);
        }
        multiply_exactly(wanted, values[0], values[1], len);
        assert_true(mpq_equal(wanted, found));
    }
    mpq_clears(wanted, found, NULL);
}

static void test_refusals(void **state)
{
    (void)state;
    static double values[SOTTO__BLOCK_STEP];
    static double room[SOTTO__SLICES_MAX * SOTTO__ROWS_LEN];
    static const struct {
        double first;
        double second;
        bool is_taken;
    } cases[] = {
        {1, 0x1p-70, true},       {1, 0x1p-71, false}, /* 1 is below 2^1 */
        {1, 0x1.8p-70, false},    {1, 1e-300, false},
        {1, 5e-324, false},       {0x1p900, 0x1p-900, false},
        {0x1p900, 5e-324, false}, {0x1p1010, 1, false},
        {0x1p-900, 0, false},     {INFINITY, 1, false},
        {0x1p900, 0x1p830, true}, {1, 3, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sotto__slices slices = {.values = room};
        values[0] = cases[i].first;
        values[7] = cases[i].second;
        uint64_t bound = sotto__blocks()->largest(values, SOTTO__BLOCK_STEP);
        sotto__blocks()->slice(&slices, values, bound, SOTTO__BLOCK_STEP);
        assert_int_equal(slices.len > 0, cases[i].is_taken);
    }
}

#define OUTPUTS_LEN 7
#define TEXT_BYTES 300000

/* Blocks that slices take, and one each that lacks values, is too wide, is 0. In pairs of rows a
 * and b change their signs, and c does not: of sums of a, and of a c, nothing is left but what is
 * tiny. */
static void write_table(char *out, size_t rows)
{
    uint64_t random = 7;
    size_t at = (size_t)sprintf(out, "a,b,c\n");
    for (size_t i = 0; i < rows; i += 2) {
        double values[4];
        test_fill_doubles(values, 4, 3, 15, &random);
        double a = i / 512 == 5 ? 0 : values[1];
        for (int sign = 1; sign >= -1; sign -= 2) {
            double own = i == 1600 ? (sign + 1) * 1e-200 : sign * a;
            at += (size_t)sprintf(out + at, "%.16e,%.16e,", own, sign * values[2]);
            at += (size_t)sprintf(out + at, i == 600 ? "NA\n" : "%.16e\n", values[3]);
        }
    }
}

static void test_pairs_together_and_alone(void **state)
{
    (void)state;
    static const char *const outputs[OUTPUTS_LEN + 1] = {
        "p=dot(a, a)", "q=dot(a, b)", "r=dot(a, c)", "s=dot(b, b)",
        "t=dot(b, c)", "u=dot(c, c)", "v=cov(a, c)", NULL};
    char *text = sotto_alloc(TEXT_BYTES);
    assert_non_null(text);
    write_table(text, 3000);
    const char *texts[] = {text};
    struct sotto_plan *plan = test_plan(outputs);
    char *together = NULL;
    assert_ok(test_run(&together, NULL, plan, texts, 1, NULL));
    for (size_t i = 0; i < OUTPUTS_LEN; i++) {
        struct sotto_plan *one = test_plan_of(outputs[i]);
        char *alone = NULL;
        assert_ok(test_run(&alone, NULL, one, texts, 1, NULL));
        const char name[] = {'"', outputs[i][0], '"', '\0'};
        char *value = strstr(alone, name);
        assert_non_null(value);
        value[strcspn(value, "}")] = '\0';
        assert_non_null(strstr(together, value));
        sotto_free(alone);
        sotto_plan_free(one);
    }
    sotto_free(together);
    sotto_plan_free(plan);
    sotto_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_pairs_together_and_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
