/* SPDX-License-Identifier: Apache-2.0 */

/* Exact values of two words, a block at a time, beside the compiler's own arithmetic: at the
 * borders of words and of what the kernels take apart, with every sign. */

#include "cases.h"
#include "engine/kernels/blocks.h"
#include "files.h"
#include "test.h"

#include <string.h>

static const enum sotto__arithmetic operations[] = {
    SOTTO__ARITHMETIC_ADD,    SOTTO__ARITHMETIC_SUBTRACT, SOTTO__ARITHMETIC_MULTIPLY,
    SOTTO__ARITHMETIC_NEGATE, SOTTO__ARITHMETIC_ABS,
};

/* |v| <= 2^bits, most often within 2 of a power of two, which is often the largest. */
static sotto__int128 random_value(uint64_t *random, unsigned bits)
{
    unsigned power = test_random_below(random, 3) == 0
                         ? bits
                         : (unsigned)test_random_below(random, (size_t)bits + 1);
    sotto__int128 limit = (sotto__int128)1 << bits;
    sotto__int128 value = (sotto__int128)1 << power;
    value -= (sotto__int128)test_random_below(random, 3);
    if (test_random_below(random, 2) == 0) {
        value = (sotto__int128)((sotto__uint128)test_random(random) << 64 | test_random(random));
        value %= limit;
    }
    return test_random_below(random, 2) == 0 ? value : -value;
}

static void fill(struct sotto__words *out, sotto__int128 *wide, int64_t *narrow, uint64_t *random)
{
    for (size_t i = 0; i < SOTTO__ROWS_LEN; i++) {
        wide[i] = random_value(random, out->bits);
        narrow[i] = (int64_t)wide[i];
    }
    out->values = out->is_narrow ? (const void *)narrow : (const void *)wide;
}

static sotto__int128 apply(enum sotto__arithmetic op, sotto__int128 x, sotto__int128 y)
{
    switch (op) {
    case SOTTO__ARITHMETIC_ADD:
        return x + y;
    case SOTTO__ARITHMETIC_SUBTRACT:
        return x - y;
    case SOTTO__ARITHMETIC_MULTIPLY:
        return x * y;
    case SOTTO__ARITHMETIC_NEGATE:
        return -x;
    default:
        return x < 0 ? -x : x;
    }
}

/* Of a product both operands' bits together are at most 126, of anything else each has 125. */
static void test_arithmetic(void **state)
{
    (void)state;
    static sotto__int128 xs[SOTTO__ROWS_LEN];
    static sotto__int128 ys[SOTTO__ROWS_LEN];
    static sotto__int128 out[SOTTO__ROWS_LEN];
    static int64_t narrow_xs[SOTTO__ROWS_LEN];
    static int64_t narrow_ys[SOTTO__ROWS_LEN];
    static const unsigned narrow_bits[] = {54, 55, 56, 62};
    uint64_t random = 1;
    for (size_t i = 0, cases = test_cases(2000); i < cases; i++) {
        enum sotto__arithmetic op = operations[i % 5];
        struct sotto__words x = {.is_narrow = i / 5 % 2 == 0, .bits = 125};
        struct sotto__words y = {.is_narrow = i / 10 % 2 == 0, .bits = 125};
        x.bits = x.is_narrow                        ? narrow_bits[i / 20 % 4]
                 : op == SOTTO__ARITHMETIC_MULTIPLY ? 70
                                                    : 125;
        y.bits = y.is_narrow                        ? narrow_bits[i / 80 % 4]
                 : op == SOTTO__ARITHMETIC_MULTIPLY ? 56
                                                    : 125;
        y.bits = y.bits > 126 - x.bits && op == SOTTO__ARITHMETIC_MULTIPLY ? 126 - x.bits : y.bits;
        size_t len = test_random_below(&random, SOTTO__ROWS_LEN + 1);
        bool is_square = i % 3 == 0 && x.is_narrow;
        fill(&x, xs, narrow_xs, &random);
        fill(&y, ys, narrow_ys, &random);
        sotto__blocks()->wide(out, op, &x, is_square ? &x : &y, len);
        for (size_t j = 0; j < len; j++) {
            assert_true(out[j] == apply(op, xs[j], is_square ? xs[j] : ys[j]));
        }
    }
}

static void test_sums(void **state)
{
    (void)state;
    static sotto__int128 values[SOTTO__ROWS_LEN];
    uint64_t random = 2;
    for (size_t i = 0, cases = test_cases(500); i < cases; i++) {
        size_t len = i % 2 == 0 ? SOTTO__ROWS_LEN : test_random_below(&random, SOTTO__ROWS_LEN);
        sotto__int128 sum = 0;
        for (size_t j = 0; j < len; j++) {
            values[j] = i < 4 ? ((sotto__int128)1 << 117) - (sotto__int128)(i / 2)
                              : random_value(&random, 117);
            values[j] = i == 1 ? -values[j] : values[j];
            sum += values[j];
        }
        assert_true(sotto__blocks()->sum_wide(values, len) == sum);
    }
}

/* Ends of the range everywhere, and random values. */
static void test_narrow_sums(void **state)
{
    (void)state;
    static int64_t xs[SOTTO__ROWS_LEN];
    static int64_t ys[SOTTO__ROWS_LEN];
    const int64_t ends[] = {INT64_MIN, INT64_MAX, -1, 0};
    const int64_t factors[] = {
        INT64_C(1) << SOTTO__FACTOR_BITS_MAX, -(INT64_C(1) << SOTTO__FACTOR_BITS_MAX),
        (INT64_C(1) << SOTTO__FACTOR_BITS_MAX) - 1, 1 - (INT64_C(1) << SOTTO__FACTOR_BITS_MAX)};
    uint64_t random = 3;
    for (size_t i = 0, cases = test_cases(2000); i < cases; i++) {
        size_t len = i < 16 ? SOTTO__ROWS_LEN : test_random_below(&random, SOTTO__ROWS_LEN + 1);
        bool is_square = i % 3 == 0;
        sotto__int128 sum = 0;
        sotto__int128 products = 0;
        for (size_t j = 0; j < len; j++) {
            xs[j] = i < 16 ? ends[i % 4] : (int64_t)test_random(&random);
            sum += xs[j];
        }
        assert_true(sotto__blocks()->sum_narrow(xs, len) == sum);
        for (size_t j = 0; j < len; j++) {
            xs[j] =
                i < 16 ? factors[i % 4] : (int64_t)random_value(&random, SOTTO__FACTOR_BITS_MAX);
            ys[j] =
                i < 16 ? factors[i / 4] : (int64_t)random_value(&random, SOTTO__FACTOR_BITS_MAX);
            products += (sotto__int128)xs[j] * (is_square ? xs[j] : ys[j]);
        }
        assert_true(sotto__blocks()->sum_narrow_products(xs, is_square ? xs : ys, len) == products);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_narrow_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
