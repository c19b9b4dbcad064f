/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"
#include "test.h"

#include "engine/kernels/blocks.h"
#include "engine/number/number.h"
#include "files.h"
#include <math.h>
#include <mpfr.h>
#include <sotto/alloc.h>
#include <sotto/driver.h>
#include <stdio.h>
#include <stdlib.h>

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A finite double, all exponents alike. */
static double random_double(uint64_t *random)
{
    for (;;) {
        double value = double_of(test_random(random));
        if (value - value == 0) {
            return value;
        }
    }
}

/* MPFR's opinion. */
static double reference(const mpq_t number)
{
    mpfr_set_emin(-1073);
    mpfr_set_emax(1024);
    mpfr_t rounded;
    mpfr_init2(rounded, 53);
    int direction = mpfr_set_q(rounded, number, MPFR_RNDN);
    (void)mpfr_subnormalize(rounded, direction, MPFR_RNDN);
    double value = mpfr_get_d(rounded, MPFR_RNDN);
    mpfr_clear(rounded);
    mpfr_set_emin(mpfr_get_emin_min());
    mpfr_set_emax(mpfr_get_emax_max());
    return value == 0 ? 0.0 : value;
}

static void rounds_as_mpfr(const mpq_t number)
{
    double ours = sotto__rational_to_double(number);
    double theirs = reference(number);
    if (test_double_bits(ours) != test_double_bits(theirs)) {
        gmp_printf("%Qd rounds to %a, not %a\n", number, ours, theirs);
        fail();
    }
}

static void test_doubles_round_to_themselves(void **state)
{
    (void)state;
    uint64_t random = 3;
    mpq_t number;
    mpq_init(number);
    for (size_t i = 0, cases = test_cases(20000); i < cases; i++) {
        double value = i < 100 ? double_of(i) : random_double(&random);
        mpq_set_d(number, value);
        assert_double_bits_equal(sotto__rational_to_double(number), value == 0 ? 0.0 : value);
    }
    mpq_clear(number);
}

/* (2a + 2b +- 1 ulp of nothing) / 4: exactly between two doubles, a little above and below. */
static void test_halfway(void **state)
{
    (void)state;
    uint64_t random = 4;
    mpq_t low;
    mpq_t high;
    mpq_t nudge;
    mpq_inits(low, high, nudge, NULL);
    mpq_set_ui(nudge, 1, 1);
    mpq_div_2exp(nudge, nudge, 3000);
    for (size_t i = 0, cases = test_cases(5000); i < cases; i++) {
        uint64_t bits = test_random(&random) & ~(UINT64_C(1) << 63);
        bits = i < 10 ? i : i < 20 ? (UINT64_C(1) << 52) - 10 + (i - 10) : bits;
        if (double_of(bits + 1) - double_of(bits + 1) != 0) {
            continue;
        }
        mpq_set_d(low, double_of(bits));
        mpq_set_d(high, double_of(bits + 1));
        mpq_add(low, low, high);
        mpq_div_2exp(low, low, 1);
        assert_double_bits_equal(sotto__rational_to_double(low), double_of(bits + (bits & 1)));
        mpq_add(high, low, nudge);
        assert_double_bits_equal(sotto__rational_to_double(high), double_of(bits + 1));
        mpq_sub(high, low, nudge);
        assert_double_bits_equal(sotto__rational_to_double(high), double_of(bits));
        mpq_neg(low, low);
        rounds_as_mpfr(low);
    }
    mpq_clears(low, high, nudge, NULL);
}

static void test_overflow_and_underflow(void **state)
{
    (void)state;
    mpq_t number;
    mpq_t little;
    mpq_inits(number, little, NULL);
    mpq_set_ui(little, 1, 3);
    /* DBL_MAX and half of its last bit: a tie, and infinity is the even one. */
    mpq_set_d(number, 0x1.fffffffffffffp1023);
    mpz_setbit(mpq_numref(number), 970);
    assert_double_bits_equal(sotto__rational_to_double(number), __builtin_inf());
    mpq_sub(number, number, little);
    assert_double_bits_equal(sotto__rational_to_double(number), 0x1.fffffffffffffp1023);
    mpq_neg(number, number);
    assert_double_bits_equal(sotto__rational_to_double(number), -0x1.fffffffffffffp1023);
    mpq_set_ui(number, 1, 1);
    mpq_mul_2exp(number, number, 100000);
    assert_double_bits_equal(sotto__rational_to_double(number), __builtin_inf());
    mpq_set_si(number, -1, 1);
    mpq_div_2exp(number, number, 1075); /* half of the least: a tie, 0 is the even one */
    assert_double_bits_equal(sotto__rational_to_double(number), 0.0);
    mpq_mul(number, number, number);
    assert_double_bits_equal(sotto__rational_to_double(number), 0.0);
    mpq_set_ui(number, 3, 1);
    mpq_div_2exp(number, number, 1076);
    assert_double_bits_equal(sotto__rational_to_double(number), 0x1p-1074);
    mpq_clears(number, little, NULL);
}

static void test_random_fractions(void **state)
{
    (void)state;
    uint64_t random = 5;
    mpq_t number;
    mpq_init(number);
    for (size_t i = 0, cases = test_cases(20000); i < cases; i++) {
        mpz_set_ui(mpq_numref(number), test_random(&random));
        mpz_set_ui(mpq_denref(number), test_random(&random) | 1);
        mpz_mul_2exp(mpq_numref(number), mpq_numref(number), test_random_below(&random, 1100));
        mpz_mul_2exp(mpq_denref(number), mpq_denref(number), test_random_below(&random, 1200));
        mpq_canonicalize(number);
        rounds_as_mpfr(number);
    }
    mpq_clear(number);
}

/* --- Texts --- */

static void test_shortest_texts(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0.0"},
        {1, "1.0"},
        {-1, "-1.0"},
        {0.1, "0.1"},
        {5549.44, "5549.44"},
        {0.30000000000000004, "0.30000000000000004"},
        {1e16, "1e+16"},
        {1e15, "1000000000000000.0"},
        {9999999999999998, "9999999999999998.0"},
        {123456789012345680, "1.2345678901234568e+17"},
        {0.0001, "0.0001"},
        {0.00012, "0.00012"},
        {0.00001, "1e-05"},
        {1.5e-7, "1.5e-07"},
        {1e23, "1e+23"},
        {1e22, "1e+22"},
        {5e-324, "5e-324"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {-1e100, "-1e+100"},
        {100, "100.0"},
        {0x1p53, "9007199254740992.0"},
        {2e-44, "2e-44"},
        {0x1p-1022, "2.2250738585072014e-308"},
        {9.5367431640625e-07, "9.5367431640625e-07"},
        {0x1p-24, "5.960464477539063e-08"},
    };
    char text[SOTTO_DOUBLE_TEXT_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sotto_double_text(text, cases[i].value);
        assert_string_equal(text, cases[i].text);
    }
}

static size_t digits_in(const char *text)
{
    size_t digits = 0;
    for (; *text != '\0' && *text != 'e'; text++) {
        digits += *text >= '0' && *text <= '9';
    }
    return digits;
}

static void test_texts_are_short_and_read_back(void **state)
{
    (void)state;
    uint64_t random = 6;
    for (size_t i = 0, cases = test_cases(3000); i < cases; i++) {
        /* Powers of two are the hard ones: their neighbour below is nearer. */
        uint64_t bits = i < 2046 ? (uint64_t)(i + 1) << 52 : test_random(&random);
        double value = double_of(bits);
        char text[SOTTO_DOUBLE_TEXT_BYTES];
        char shorter[64];
        if (value - value != 0 || value == 0) {
            continue;
        }
        sotto_double_text(text, value);
        assert_double_bits_equal(strtod(text, NULL), value);
        size_t digits = digits_in(text);
        if (strchr(text, 'e') != NULL && digits > 1) {
            (void)snprintf(shorter, sizeof shorter, "%.*e", (int)digits - 2, value);
            assert_true(strtod(shorter, NULL) != value);
        }
    }
}

static void exact_is(const char *fraction, const char *expected)
{
    mpq_t number;
    char *text = NULL;
    enum sotto_status status;
    mpq_init(number);
    assert_int_equal(mpq_set_str(number, fraction, 10), 0);
    mpq_canonicalize(number);
    assert_true(sotto__exact_text(&text, &status, number));
    assert_string_equal(text, expected);
    sotto_free(text);
    mpq_clear(number);
}

static void test_exact_texts(void **state)
{
    (void)state;
    exact_is("0", "0");
    exact_is("-12", "-12");
    exact_is("1/2", "0.5");
    exact_is("-1/8", "-0.125");
    exact_is("554944/100", "5549.44");
    exact_is("1/1000", "0.001");
    exact_is("-49945/9", "-49945/9");
    exact_is("1/6", "1/6");
    exact_is("1000000000000000000000000000000", "1000000000000000000000000000000");
    mpq_t number;
    char *text = NULL;
    enum sotto_status status = SOTTO_ERROR_IO;
    mpq_init(number);
    mpq_set_ui(number, 1, 1);
    mpq_mul_2exp(number, number, 20000);
    assert_false(sotto__exact_text(&text, &status, number));
    assert_int_equal(status, SOTTO_OK);
    mpq_inv(number, number);
    assert_false(sotto__exact_text(&text, &status, number));
    assert_null(text);
    mpq_clear(number);
}

static void test_literals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *fraction;
    } cases[] = {{"0", "0"},  {"12", "12"},    {"0.1", "1/10"},     {".5", "1/2"},
                 {"5.", "5"}, {"1e3", "1000"}, {"1.5E-2", "3/200"}, {"2.50e+1", "25"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sotto__value value;
        mpq_t expected;
        sotto__value_init(&value);
        mpq_init(expected);
        assert_int_equal(mpq_set_str(expected, cases[i].fraction, 10), 0);
        sotto__value_set_literal(&value, cases[i].text, strlen(cases[i].text));
        assert_true(mpq_equal(value.number, expected));
        mpq_clear(expected);
        sotto__value_clear(&value);
    }
}

/* --- Blocks of doubles --- */

static void sum_exactly(mpq_t out, const double *values, size_t len)
{
    mpq_t term;
    mpq_init(term);
    for (size_t i = 0; i < len; i++) {
        mpq_set_d(term, values[i]);
        mpq_add(out, out, term);
    }
    mpq_clear(term);
}

/* Values around 2^0 that span so many binades, some of them 0. */
static void random_block(double *values, size_t len, size_t span, uint64_t *random)
{
    for (size_t i = 0; i < len; i++) {
        uint64_t bits = test_random(random) & ~(UINT64_C(0x7FF) << 52);
        uint64_t exponent = 1023 + span / 2 - test_random_below(random, span + 1);
        values[i] = test_random_below(random, 9) == 0 ? 0 : double_of(bits | exponent << 52);
    }
}

static void blocks_are_exact(const struct sotto__blocks *blocks, bool has_fma)
{
    static double values[2][SOTTO__ROWS_LEN];
    static double rest[SOTTO__ROWS_LEN];
    static double rest2[SOTTO__ROWS_LEN];
    uint64_t random = 11;
    for (size_t i = 0, cases = test_cases(400); i < cases; i++) {
        size_t len = SOTTO__BLOCK_STEP *
                     (1 + test_random_below(&random, SOTTO__ROWS_LEN / SOTTO__BLOCK_STEP));
        size_t span = i % 4 == 0 ? 600 : 10 * (i % 40);
        mpq_t expected;
        mpq_t found;
        mpq_t product;
        mpq_t factor;
        double sums[2];
        mpq_inits(expected, found, product, factor, NULL);
        random_block(values[0], len, span, &random);
        random_block(values[1], len, span, &random);
        sum_exactly(expected, values[0], len);
        uint64_t bound = blocks->largest(values[0], len);
        enum sotto__blocks_result result = blocks->sum(sums, rest, &bound, values[0], len);
        assert_int_not_equal(result, SOTTO__BLOCKS_REFUSED);
        assert_true(span > 30 || result == SOTTO__BLOCKS_SUMMED);
        sum_exactly(found, sums, 2);
        sum_exactly(found, rest, result == SOTTO__BLOCKS_LEFT_REST ? len : 0);
        assert_true(result == SOTTO__BLOCKS_SUMMED || blocks->largest(rest, len) <= bound);
        assert_true(mpq_equal(expected, found));
        double products[4];
        uint64_t bounds[2] = {blocks->largest(values[0], len), blocks->largest(values[1], len)};
        enum sotto__blocks_result multiplied =
            blocks->sum_products(products, rest, rest2, bounds, values[0], values[1], len);
        bool left = multiplied == SOTTO__BLOCKS_LEFT_REST;
        assert_int_equal(multiplied != SOTTO__BLOCKS_REFUSED, has_fma);
        mpq_set_ui(expected, 0, 1);
        mpq_set_ui(found, 0, 1);
        for (size_t j = 0; j < len; j++) {
            mpq_set_d(product, values[0][j]);
            mpq_set_d(factor, values[1][j]);
            mpq_mul(product, product, factor);
            mpq_add(expected, expected, product);
        }
        sum_exactly(found, products, 4);
        sum_exactly(found, rest, left ? len : 0);
        sum_exactly(found, rest2, left ? len : 0);
        assert_true(!has_fma || mpq_equal(expected, found));
        assert_true(!left || blocks->largest(rest, len) <= bounds[0]);
        assert_true(!left || blocks->largest(rest2, len) <= bounds[1]);
        mpq_clears(expected, found, product, factor, NULL);
    }
    static const double refused[] = {HUGE_VAL, -HUGE_VAL, 0x1p-1000, 0x1.8p1000};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        double sums[2];
        double products[4];
        uint64_t bounds[2];
        memset(values[0], 0, SOTTO__BLOCK_STEP * sizeof values[0][0]);
        values[0][3] = refused[i];
        uint64_t bound = blocks->largest(values[0], SOTTO__BLOCK_STEP);
        assert_int_equal(blocks->sum(sums, rest, &bound, values[0], SOTTO__BLOCK_STEP),
                         SOTTO__BLOCKS_REFUSED);
        bounds[0] = bounds[1] = blocks->largest(values[0], SOTTO__BLOCK_STEP);
        assert_int_equal(blocks->sum_products(products, rest, rest2, bounds, values[0], values[0],
                                              SOTTO__BLOCK_STEP),
                         SOTTO__BLOCKS_REFUSED);
    }
}

/* Any length, at any place. */
static void test_looking_at_blocks(void **state)
{
    (void)state;
    static double doubles[SOTTO__ROWS_LEN];
    static int64_t integers[SOTTO__ROWS_LEN];
    uint64_t random = 5;
    for (size_t i = 0, cases = test_cases(300); i < cases; i++) {
        size_t at = test_random_below(&random, SOTTO__ROWS_LEN);
        size_t len = test_random_below(&random, SOTTO__ROWS_LEN - at + 1);
        uint64_t largest = 0;
        uint64_t magnitudes = 0;
        sotto__int128 sum = 0;
        random_block(doubles, SOTTO__ROWS_LEN, 10 * i, &random);
        if (i % 3 == 0) {
            doubles[test_random_below(&random, SOTTO__ROWS_LEN)] = i % 2 == 0 ? -NAN : -HUGE_VAL;
        }
        for (size_t j = 0; j < SOTTO__ROWS_LEN; j++) {
            integers[j] = (int64_t)(test_random(&random) >> (11 + i % 50)) *
                          (test_random_below(&random, 2) == 0 ? -1 : 1);
        }
        for (size_t j = at; j < at + len; j++) {
            uint64_t bits;
            memcpy(&bits, &doubles[j], sizeof bits);
            bits &= INT64_MAX;
            largest = bits > largest ? bits : largest;
            magnitudes |= (uint64_t)(integers[j] < 0 ? -integers[j] - 1 : integers[j]);
            sum += integers[j];
        }
        assert_true(sotto__blocks()->largest(doubles + at, len) == largest);
        assert_true(sotto__blocks()->magnitudes(integers + at, len) == magnitudes);
        assert_true(sotto__blocks()->sum_narrow(integers + at, len) == sum);
    }
}

static double combine(enum sotto__arithmetic op, double x, double y)
{
    const double values[] = {
        [SOTTO__ARITHMETIC_ADD] = x + y,      [SOTTO__ARITHMETIC_SUBTRACT] = x - y,
        [SOTTO__ARITHMETIC_MULTIPLY] = x * y, [SOTTO__ARITHMETIC_DIVIDE] = x / y,
        [SOTTO__ARITHMETIC_NEGATE] = -x,      [SOTTO__ARITHMETIC_ABS] = fabs(x)};
    return values[op];
}

/* Each result is the CPU's own, of any length at any place. */
static void test_arithmetic_of_blocks(void **state)
{
    (void)state;
    static double x[SOTTO__ROWS_LEN];
    static double y[SOTTO__ROWS_LEN];
    static double out[SOTTO__ROWS_LEN];
    uint64_t random = 6;
    for (size_t i = 0, cases = test_cases(300); i < cases; i++) {
        size_t at = test_random_below(&random, SOTTO__ROWS_LEN);
        size_t len = test_random_below(&random, SOTTO__ROWS_LEN - at + 1);
        uint64_t largest = 0;
        uint64_t least = 0;
        uint64_t found_least;
        random_block(x, SOTTO__ROWS_LEN, 5 * i, &random);
        random_block(y, SOTTO__ROWS_LEN, 5 * i, &random);
        x[test_random_below(&random, SOTTO__ROWS_LEN)] = i % 3 == 0 ? -HUGE_VAL : 0;
        enum sotto__arithmetic op = (enum sotto__arithmetic)(i % (SOTTO__ARITHMETIC_ABS + 1));
        uint64_t found = sotto__blocks()->arithmetic(out, &found_least, op, x + at, y + at, len);
        for (size_t j = 0; j < len; j++) {
            double value = combine(op, x[at + j], y[at + j]);
            uint64_t bits;
            memcpy(&bits, &value, sizeof bits);
            assert_memory_equal(&out[j], &value, sizeof value);
            bits &= INT64_MAX;
            largest = bits > largest ? bits : largest;
            least = bits != 0 && (least == 0 || bits < least) ? bits : least;
        }
        assert_true(found == largest && found_least == least);
        assert_true(sotto__blocks()->range(&found_least, out, len) == largest);
        assert_true(found_least == least);
    }
}

static struct sotto__factor make_factor(const double *values, size_t len)
{
    struct sotto__factor factor = {.values = values};
    factor.bound = sotto__blocks()->range(&factor.least, values, len);
    return factor;
}

/* Whether the sums are exactly those of doubles nearest to products. */
static bool are_sums_of_products(double sums[][2], const struct sotto__factor *x,
                                 const struct sotto__factor *ys, size_t ys_len, size_t len)
{
    static double products[SOTTO__ROWS_LEN];
    bool equal = true;
    mpq_t expected;
    mpq_t found;
    mpq_inits(expected, found, NULL);
    for (size_t i = 0; i < ys_len; i++) {
        for (size_t j = 0; j < len; j++) {
            products[j] = x->values[j] * ys[i].values[j];
        }
        sum_exactly(expected, products, len);
        sum_exactly(found, sums[i], 2);
        equal = equal && mpq_equal(expected, found);
    }
    mpq_clears(expected, found, NULL);
    return equal;
}

/* Rounded products of one factor with others add up exactly, or are refused: where some of them
 * span more than both grids hold. */
static void test_rounded_products_of_blocks(void **state)
{
    (void)state;
    const struct sotto__blocks *blocks = sotto__blocks();
    static double values[1 + SOTTO__PRODUCTS_MAX][SOTTO__ROWS_LEN];
    struct sotto__factor factors[1 + SOTTO__PRODUCTS_MAX];
    double sums[SOTTO__PRODUCTS_MAX][2];
    uint64_t random = 7;
    for (size_t i = 0, cases = test_cases(300); i < cases; i++) {
        size_t len = SOTTO__BLOCK_STEP *
                     (1 + test_random_below(&random, SOTTO__ROWS_LEN / SOTTO__BLOCK_STEP));
        size_t span = i % 60;
        size_t ys_len = 1 + i % SOTTO__PRODUCTS_MAX;
        for (size_t j = 0; j <= ys_len; j++) {
            random_block(values[j], len, span, &random);
            /* a column of zeros, as of a level that nobody has here */
            memset(values[j], 0, i % 7 == 0 && j == i % 5 ? len * sizeof values[j][0] : 0);
            factors[j] = make_factor(values[j], len);
            factors[j].least = i % 3 == 0 && j == i % 2 ? 0 : factors[j].least; /* unknown */
        }
        enum sotto__blocks_result result =
            blocks->sum_rounded_products(sums, &factors[0], &factors[1], ys_len, len);
        assert_true(span > 14 || result == SOTTO__BLOCKS_SUMMED);
        assert_true(result == SOTTO__BLOCKS_REFUSED ||
                    are_sums_of_products(sums, &factors[0], &factors[1], ys_len, len));
    }
    static const double refused[] = {HUGE_VAL, -HUGE_VAL, 0x1p-600, 0x1.8p1000};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        memset(values, 0, sizeof values);
        for (size_t j = 0; j < SOTTO__BLOCK_STEP; j++) {
            values[1][j] = 1;
        }
        values[0][3] = refused[i];
        values[2][3] = refused[i];
        for (size_t j = 0; j < 3; j++) {
            factors[j] = make_factor(values[j], SOTTO__BLOCK_STEP);
        }
        for (size_t ys_len = 1; ys_len <= 2; ys_len++) {
            bool fits = ys_len == 1 && fabs(refused[i]) < 1; /* times 1, but not times itself */
            assert_int_equal(blocks->sum_rounded_products(sums, &factors[0], &factors[1], ys_len,
                                                          SOTTO__BLOCK_STEP),
                             fits ? SOTTO__BLOCKS_SUMMED : SOTTO__BLOCKS_REFUSED);
        }
    }
}

/* Each sum is rounded twice, as the CPU does it; any length at any place. */
static void test_scaled_blocks(void **state)
{
    (void)state;
    static double x[SOTTO__ROWS_LEN];
    static double sums[SOTTO__ROWS_LEN];
    static double out[SOTTO__ROWS_LEN];
    uint64_t random = 8;
    for (size_t i = 0, cases = test_cases(100); i < cases; i++) {
        size_t at = test_random_below(&random, SOTTO__ROWS_LEN);
        size_t len = test_random_below(&random, SOTTO__ROWS_LEN - at + 1);
        random_block(x, SOTTO__ROWS_LEN, i, &random);
        random_block(sums, SOTTO__ROWS_LEN, i, &random);
        const double factor = i % 7 == 0 ? HUGE_VAL : x[i % SOTTO__ROWS_LEN];
        bool has_sums = i % 2 == 0;
        sotto__blocks()->add_scaled(out, has_sums ? sums + at : NULL, x + at, factor, len);
        for (size_t j = 0; j < len; j++) {
            volatile double product = x[at + j] * factor;
            double sum = has_sums ? sums[at + j] + product : product;
            assert_true((sum != sum && out[j] != out[j]) || sum == out[j]);
        }
    }
}

static void test_blocks_of_doubles(void **state)
{
    (void)state;
    bool has_fma = sotto__blocks() != &sotto__blocks_generic;
#ifdef __FP_FAST_FMA
    has_fma = true;
#endif
    blocks_are_exact(sotto__blocks(), has_fma);
}

static void test_nearest_names(void **state)
{
    (void)state;
    static const char *const names[] = {"count", "sum", "mean", "wage"};
    assert_string_equal(sotto_text_nearest("medain", names, 4), "mean");
    assert_string_equal(sotto_text_nearest("WAGE", names, 4), "wage");
    static const char *const centres[] = {"mean", "median"};
    assert_string_equal(sotto_text_nearest("medain", centres, 2), "median");
    assert_string_equal(sotto_text_nearest("maen", centres, 2), "mean");
    assert_string_equal(sotto_text_nearest("cuont", names, 4), "count");
    assert_null(sotto_text_nearest("frobnicate", names, 4));
    assert_null(sotto_text_nearest("xy", names, 4));
    assert_null(sotto_text_nearest("", names, 4));
    assert_null(sotto_text_nearest("wage", names, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles_round_to_themselves),
        cmocka_unit_test(test_halfway),
        cmocka_unit_test(test_overflow_and_underflow),
        cmocka_unit_test(test_random_fractions),
        cmocka_unit_test(test_shortest_texts),
        cmocka_unit_test(test_texts_are_short_and_read_back),
        cmocka_unit_test(test_exact_texts),
        cmocka_unit_test(test_literals),
        cmocka_unit_test(test_nearest_names),
        cmocka_unit_test(test_looking_at_blocks),
        cmocka_unit_test(test_arithmetic_of_blocks),
        cmocka_unit_test(test_blocks_of_doubles),
        cmocka_unit_test(test_rounded_products_of_blocks),
        cmocka_unit_test(test_scaled_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
