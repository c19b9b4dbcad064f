/* SPDX-License-Identifier: Apache-2.0 */

/* Tails and quantiles against mpmath's (tests/vectors/probabilities.txt), and what no table has:
 * values at the ends, far beyond the doubles, and halfway between two. */

#include "test.h"

#include "engine/probability/probability.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ARGUMENTS_MAX 3

struct vector {
    char name[32];
    mpq_t arguments[ARGUMENTS_MAX];
    double wanted; /* the nearest to 30 digits */
};

static double nearest(mpfr_srcptr quantile)
{
    return mpfr_get_d(quantile, MPFR_RNDN);
}

static double compute(const struct vector *vector)
{
    mpfr_t quantile;
    double out = NAN;
    mpfr_init2(quantile, SOTTO__QUANTILE_BITS);
    const char *name = vector->name;
    if (strcmp(name, "t_tails") == 0) {
        out = sotto__t_tails(vector->arguments[0], vector->arguments[1]);
    } else if (strcmp(name, "f_tail") == 0) {
        out = sotto__f_tail(vector->arguments[0], vector->arguments[1], vector->arguments[2]);
    } else if (strcmp(name, "chi2_tail") == 0) {
        out = sotto__chi2_tail(vector->arguments[0], vector->arguments[1]);
    } else if (strcmp(name, "normal_tails") == 0) {
        out = sotto__normal_tails(vector->arguments[0]);
    } else if (strcmp(name, "binomial_tail") == 0) {
        out =
            sotto__binomial_tail(vector->arguments[0], vector->arguments[1], vector->arguments[2]);
    } else if (strcmp(name, "t_quantile") == 0) {
        sotto__t_quantile(quantile, vector->arguments[0], vector->arguments[1]);
        out = nearest(quantile);
    } else if (strcmp(name, "chi2_quantile") == 0) {
        sotto__chi2_quantile(quantile, vector->arguments[0], vector->arguments[1]);
        out = nearest(quantile);
    } else if (strcmp(name, "normal_quantile") == 0) {
        sotto__normal_quantile(quantile, vector->arguments[0]);
        out = nearest(quantile);
    } else {
        fail_msg("unknown function %s", name);
    }
    mpfr_clear(quantile);
    return out;
}

/* Reads a line: a name, arguments, the answer. */
static void vector_read(struct vector *out, char *line)
{
    char *words[ARGUMENTS_MAX + 2] = {NULL};
    size_t len = 0;
    for (char *word = strtok(line, " \n"); word != NULL; word = strtok(NULL, " \n")) {
        assert_true(len < ARGUMENTS_MAX + 2);
        words[len++] = word;
    }
    (void)snprintf(out->name, sizeof out->name, "%s", words[0]);
    for (size_t i = 0; i < ARGUMENTS_MAX; i++) {
        mpq_init(out->arguments[i]);
        if (i + 2 < len) {
            assert_int_equal(mpq_set_str(out->arguments[i], words[i + 1], 10), 0);
        }
    }
    out->wanted = strtod(words[len - 1], NULL);
}

static void test_vectors(void **state)
{
    char line[512];
    size_t len = 0;
    (void)state;
    FILE *file = fopen(SOTTO_TEST_VECTORS "/probabilities.txt", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        struct vector vector;
        char shown[512];
        (void)snprintf(shown, sizeof shown, "%s", line);
        vector_read(&vector, line);
        double found = compute(&vector);
        if (found != vector.wanted) {
            fail_msg("%sfound %.17g", shown, found);
        }
        for (size_t i = 0; i < ARGUMENTS_MAX; i++) {
            mpq_clear(vector.arguments[i]);
        }
        len++;
    }
    assert_int_equal(fclose(file), 0);
    assert_true(len > 700);
}

/* A tail, or a quantile, of arguments that are written as fractions. */
static double tail_of(const char *name, const char *first, const char *second, const char *third)
{
    char line[1024];
    struct vector vector;
    (void)snprintf(line, sizeof line, "%s %s %s %s 0", name, first, second, third);
    vector_read(&vector, line);
    double out = compute(&vector);
    for (size_t i = 0; i < ARGUMENTS_MAX; i++) {
        mpq_clear(vector.arguments[i]);
    }
    return out;
}

static void test_ends(void **state)
{
    (void)state;
    assert_true(tail_of("t_tails", "0", "7", "") == 1);
    assert_true(tail_of("f_tail", "0", "3", "7") == 1);
    assert_true(tail_of("chi2_tail", "0", "7", "") == 1);
    assert_true(tail_of("normal_tails", "0", "", "") == 1);
    assert_true(tail_of("binomial_tail", "0", "7", "1/3") == 1);
    assert_true(tail_of("binomial_tail", "3", "7", "1") == 1);
    assert_true(tail_of("binomial_tail", "1", "7", "0") == 0);
    assert_true(tail_of("binomial_tail", "7", "7", "1/2") == 0x1p-7);
    assert_true(tail_of("binomial_tail", "100000000", "100000000", "1/2") == 0);
    assert_true(tail_of("binomial_tail", "50000001", "100000000", "1/2") > 0.4999);
    /* Far beyond the doubles it is 0, whatever the freedom, and at once. */
    assert_true(tail_of("t_tails", "1000000000000000000000", "1152921504606846976", "") == 0);
    assert_true(tail_of("f_tail", "1000000", "24", "1000000000000") == 0);
    assert_true(tail_of("f_tail", "1000000000000000000000000000000", "4095", "9000") == 0);
    assert_true(tail_of("chi2_tail", "100000000000000000000", "9", "") == 0);
    assert_true(tail_of("chi2_tail", "400000000", "100000000", "") == 0);
    assert_true(tail_of("normal_tails", "100000000000000000000", "", "") == 0);
    /* A freedom of 1 has heavy tails. */
    assert_true(tail_of("t_tails", "1000000000000000000000000000000", "1", "") > 6e-16);
}

/* P(F >= f) of 2 and 2 degrees of freedom is 1 / (1 + f): exact answers, and one that lies halfway
 * between two doubles, where both are right. */
static void test_exact_answers(void **state)
{
    (void)state;
    assert_true(tail_of("f_tail", "1", "2", "2") == 0.5);
    assert_true(tail_of("f_tail", "1/3", "2", "2") == 0.75);
    double halfway = tail_of("f_tail", "9007199254740991/9007199254740993", "2", "2");
    assert_true(halfway == 0.5 || halfway == nextafter(0.5, 1));
}

/* Quantiles are where tails say so, for the smallest and the largest freedom that is taken. */
static void test_quantiles_give_their_tails(void **state)
{
    static const char *const shares[] = {"1/100", "99/100", "1/20", "1/2"};
    static const char *const freedoms[] = {"1", "7/3", "100000", "50000000"};
    (void)state;
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        for (size_t j = 0; j < sizeof freedoms / sizeof freedoms[0]; j++) {
            mpq_t share;
            mpq_t freedom;
            mpq_t value;
            mpfr_t quantile;
            mpq_inits(share, freedom, value, NULL);
            mpfr_init2(quantile, SOTTO__QUANTILE_BITS);
            assert_int_equal(mpq_set_str(share, shares[i], 10), 0);
            assert_int_equal(mpq_set_str(freedom, freedoms[j], 10), 0);
            sotto__chi2_quantile(quantile, share, freedom);
            mpfr_get_q(value, quantile);
            assert_true(fabs(sotto__chi2_tail(value, freedom) / mpq_get_d(share) - 1) < 3e-16);
            sotto__t_quantile(quantile, share, freedom);
            mpfr_get_q(value, quantile);
            mpq_mul(value, value, value);
            assert_true(fabs(sotto__t_tails(value, freedom) / mpq_get_d(share) - 1) < 3e-16);
            mpfr_clear(quantile);
            mpq_clears(share, freedom, value, NULL);
        }
    }
}

/* Statistics that no double has: of columns that a regression explains but for a last digit. */
static void test_statistics_beyond_doubles(void **state)
{
    (void)state;
    static const unsigned freedoms[] = {1, 2, 3, 7, 50, 1001};
    mpq_t statistic;
    mpq_t one;
    mpq_t freedom;
    mpq_inits(statistic, one, freedom, NULL);
    mpq_set_ui(one, 1, 1);
    for (size_t i = 0; i < sizeof freedoms / sizeof freedoms[0]; i++) {
        mpq_set_ui(freedom, freedoms[i], 1);
        mpq_div_2exp(statistic, one, 2112);
        assert_true(sotto__t_tails(statistic, freedom) == 1);
        assert_true(sotto__f_tail(statistic, freedom, freedom) == 1);
        mpq_mul_2exp(statistic, one, 2112);
        double nearest = freedoms[i] > 1 ? 0 : ldexp(2 / M_PI, -1056); /* 2 atan(1 / t) / pi */
        assert_true(sotto__t_tails(statistic, freedom) == nearest);
        mpq_mul_2exp(statistic, one, 8192);
        assert_true(sotto__t_tails(statistic, freedom) == 0);
        assert_true(sotto__f_tail(statistic, freedom, freedom) == 0);
    }
    mpq_clears(statistic, one, freedom, NULL);
}

/* Squares are no less than 0; sums that somebody made up may say so. */
static void test_statistics_below_0(void **state)
{
    static const char *const squares[] = {"-1/2", "-9", "-10", "-11", "-1000000"};
    mpq_t square;
    mpq_t freedom;
    (void)state;
    mpq_inits(square, freedom, NULL);
    mpq_set_ui(freedom, 10, 1);
    for (size_t i = 0; i < sizeof squares / sizeof squares[0]; i++) {
        assert_int_equal(mpq_set_str(square, squares[i], 10), 0);
        assert_true(isnan(sotto__t_tails(square, freedom)));
        assert_true(isnan(sotto__f_tail(square, freedom, freedom)));
        assert_true(isnan(sotto__chi2_tail(square, freedom)));
        assert_true(isnan(sotto__normal_tails(square)));
    }
    mpq_clears(square, freedom, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_statistics_beyond_doubles),
        cmocka_unit_test(test_exact_answers),
        cmocka_unit_test(test_quantiles_give_their_tails),
        cmocka_unit_test(test_statistics_below_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
