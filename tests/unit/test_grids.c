/* SPDX-License-Identifier: Apache-2.0 */

/* Doubles and products of two on grids: each is exactly what its parts and rests add up to, and
 * parts are so small multiples of their grid's unit that many of them add up without an error. */

#include "cases.h"
#include "doubles.h"
#include "engine/kernels/blocks.h"
#include "test.h"

#include <gmp.h>
#include <math.h>
#include <string.h>

static void add(mpq_t sum, double value)
{
    mpq_t rational;
    mpq_init(rational);
    mpq_set_d(rational, value);
    mpq_add(sum, sum, rational);
    mpq_clear(rational);
}

/* Parts of products are of two doubles, from the second grid on. */
static void check_part(double part, size_t grid, int exponent, bool is_product)
{
    double unit = ldexp(1, exponent - 32 - 33 * (int)grid);
    double units = part / unit; /* a power of two: exactly */
    assert_true(units == floor(units));
    assert_true(fabs(units) <= (is_product && grid > 0 ? 0x1p33 : 0x1p32));
}

static double parts[SOTTO__GRIDS_LEN][SOTTO__ROWS_LEN];
static double room[2][SOTTO__ROWS_LEN];
static double *const rests[2] = {room[0], room[1]};

/* y: NULL for doubles alone. */
static void check_rows(enum sotto__blocks_result result, const double *x, const double *y,
                       int exponent, size_t len)
{
    mpq_t found;
    mpq_t wanted;
    mpq_t factor;
    bool is_left = false;
    mpq_inits(found, wanted, factor, NULL);
    for (size_t i = 0; i < len; i++) {
        mpq_set_ui(found, 0, 1);
        for (size_t j = 0; j < SOTTO__GRIDS_LEN; j++) {
            check_part(parts[j][i], j, exponent, y != NULL);
            add(found, parts[j][i]);
        }
        for (size_t j = 0; j < (y != NULL ? 2 : 1); j++) {
            add(found, rests[j][i]);
            is_left = is_left || rests[j][i] != 0;
        }
        mpq_set_d(wanted, x[i]);
        mpq_set_d(factor, y != NULL ? y[i] : 1);
        mpq_mul(wanted, wanted, factor);
        assert_true(mpq_equal(wanted, found));
    }
    assert_int_equal(result, is_left ? SOTTO__BLOCKS_LEFT_REST : SOTTO__BLOCKS_SUMMED);
    mpq_clears(found, wanted, factor, NULL);
}

/* The kernels have no products where the CPU has no fused multiplication. */
static bool has_products(void)
{
    static const double ones[SOTTO__BLOCK_STEP] = {1};
    return sotto__blocks()->split(parts, rests, 1023, ones, ones, SOTTO__BLOCK_STEP) !=
           SOTTO__BLOCKS_REFUSED;
}

static void test_parts(void **state)
{
    (void)state;
    static double x[SOTTO__ROWS_LEN];
    static double y[SOTTO__ROWS_LEN];
    static const size_t spans[] = {0, 20, 45, 80, 110, 300};
    uint64_t random = 11;
    bool multiplies = has_products();
    size_t left = 0;
    size_t nothing_left = 0;
    for (size_t i = 0, cases = test_cases(300); i < cases; i++) {
        size_t len = SOTTO__BLOCK_STEP * (1 + test_random_below(&random, 32));
        bool is_product = multiplies && i % 2 == 1;
        int exponent = (int)test_random_below(&random, is_product ? 400 : 1800) - 200;
        int other = (int)test_random_below(&random, 200) - 100;
        exponent = i < 4 ? 0 : exponent;
        other = i < 4 ? 0 : other;
        size_t span = spans[test_random_below(&random, sizeof spans / sizeof spans[0])];
        /* Grids may be those of larger values. */
        int higher = (int)test_random_below(&random, 3) * 30;
        test_fill_doubles(x, len, exponent, span, &random);
        test_fill_doubles(y, len, other, span, &random);
        for (size_t k = 0; i < 4 && k < len; k++) { /* as large as parts get */
            x[k] = 1 - 0x1p-53;
            y[k] = k % 2 == 0 ? x[k] : -x[k];
        }
        int of_all = higher + (is_product ? exponent + other : exponent);
        if (of_all + 1022 > 2000 || of_all + 1022 < 150) {
            continue;
        }
        enum sotto__blocks_result result =
            sotto__blocks()->split(parts, rests, of_all + 1022, x, is_product ? y : NULL, len);
        if (result == SOTTO__BLOCKS_REFUSED) { /* for a product that is tiny */
            assert_true(is_product && exponent + other - 2 * (int)span - 2 < -700);
            continue;
        }
        left += result == SOTTO__BLOCKS_LEFT_REST;
        nothing_left += result == SOTTO__BLOCKS_SUMMED;
        check_rows(result, x, is_product ? y : NULL, of_all, len);
    }
    assert_true(left > 10 && nothing_left > 10);
}

static void test_refusals(void **state)
{
    (void)state;
    static double x[SOTTO__BLOCK_STEP];
    static double y[SOTTO__BLOCK_STEP];
    const struct sotto__blocks *blocks = sotto__blocks();
    x[3] = 1;
    y[3] = 1;
    assert_int_equal(blocks->split(parts, rests, 149, x, NULL, SOTTO__BLOCK_STEP),
                     SOTTO__BLOCKS_REFUSED);
    assert_int_equal(blocks->split(parts, rests, 2001, x, NULL, SOTTO__BLOCK_STEP),
                     SOTTO__BLOCKS_REFUSED);
    assert_int_equal(blocks->split(parts, rests, 2000, x, NULL, SOTTO__BLOCK_STEP),
                     SOTTO__BLOCKS_LEFT_REST);
    if (has_products()) { /* whose errors are doubles above 2^-700 only */
        x[7] = 0x1p-350;
        y[7] = 0x1p-350;
        assert_int_equal(blocks->split(parts, rests, 1023, x, y, SOTTO__BLOCK_STEP),
                         SOTTO__BLOCKS_LEFT_REST);
        y[7] = 0x1p-351;
        assert_int_equal(blocks->split(parts, rests, 1023, x, y, SOTTO__BLOCK_STEP),
                         SOTTO__BLOCKS_REFUSED);
        y[7] = 0;
        assert_int_equal(blocks->split(parts, rests, 1023, x, y, SOTTO__BLOCK_STEP),
                         SOTTO__BLOCKS_SUMMED);
    }
}

/* Rows in turn go to two places, or to one. */
static void test_sums(void **state)
{
    (void)state;
    static double sums[2 * 3 * SOTTO__GRIDS_LEN];
    static const uint32_t groups[] = {2, 2, 0, 2, 1, 1, 2};
    const size_t len = sizeof groups / sizeof groups[0];
    for (size_t apart = 0; apart <= (size_t)3 * SOTTO__GRIDS_LEN;
         apart += (size_t)3 * SOTTO__GRIDS_LEN) {
        memset(sums, 0, sizeof sums);
        for (size_t j = 0; j < SOTTO__GRIDS_LEN; j++) {
            for (size_t i = 0; i < len; i++) {
                parts[j][i] = ldexp(1, (int)(8 * j + i));
            }
        }
        sotto__blocks()->add_parts(sums, apart, groups, parts, len);
        for (size_t j = 0; j < SOTTO__GRIDS_LEN; j++) {
            double wanted[6] = {0};
            for (size_t i = 0; i < len; i++) {
                wanted[groups[i] + (apart > 0 && i % 2 == 1 ? 3 : 0)] += parts[j][i];
            }
            for (size_t group = 0; group < 6; group++) {
                assert_true(sums[group * SOTTO__GRIDS_LEN + j] == wanted[group]);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
