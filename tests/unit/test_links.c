/* SPDX-License-Identifier: Apache-2.0 */

/* Logarithms of probabilities and their slopes, next to MPFR's in both tails, and the bits that
 * every instruction set gives. */

#include "cases.h"
#include "engine/kernels/elementary.h"
#include "engine/kernels/links.h"
#include "files.h"
#include "test.h"

#include <math.h>
#include <mpfr.h>

#define BITS 700 /* 1 - exp(-e^6) needs 640 */

typedef void function(double *out, const double *a, size_t len);

/* P(Z <= a) */
static void set_normal(mpfr_t out, double a)
{
    mpfr_t root;
    mpfr_init2(root, BITS);
    mpfr_sqrt_ui(root, 2, MPFR_RNDN);
    mpfr_set_d(out, -a, MPFR_RNDN);
    mpfr_div(out, out, root, MPFR_RNDN);
    mpfr_erfc(out, out, MPFR_RNDN);
    mpfr_div_2ui(out, out, 1, MPFR_RNDN);
    mpfr_clear(root);
}

static void set_normal_log(mpfr_t out, double a)
{
    set_normal(out, -fabs(a));
    if (a > 0) {
        mpfr_neg(out, out, MPFR_RNDN);
        mpfr_log1p(out, out, MPFR_RNDN);
    } else {
        mpfr_log(out, out, MPFR_RNDN);
    }
}

static void set_normal_slope(mpfr_t out, double a)
{
    mpfr_t tau;
    mpfr_t part;
    mpfr_inits2(BITS, tau, part, (mpfr_ptr)NULL);
    set_normal(part, a);
    mpfr_set_d(out, a, MPFR_RNDN);
    mpfr_sqr(out, out, MPFR_RNDN);
    mpfr_div_si(out, out, -2, MPFR_RNDN);
    mpfr_exp(out, out, MPFR_RNDN);
    mpfr_const_pi(tau, MPFR_RNDN);
    mpfr_mul_2ui(tau, tau, 1, MPFR_RNDN);
    mpfr_sqrt(tau, tau, MPFR_RNDN);
    mpfr_div(out, out, tau, MPFR_RNDN);
    mpfr_div(out, out, part, MPFR_RNDN);
    mpfr_clears(tau, part, (mpfr_ptr)NULL);
}

static void set_loglog_log(mpfr_t out, double a)
{
    mpfr_set_d(out, a, MPFR_RNDN);
    mpfr_exp(out, out, MPFR_RNDN);
    mpfr_neg(out, out, MPFR_RNDN);
    mpfr_expm1(out, out, MPFR_RNDN);
    mpfr_neg(out, out, MPFR_RNDN);
    mpfr_log(out, out, MPFR_RNDN);
}

static void set_loglog_slope(mpfr_t out, double a)
{
    mpfr_t mean;
    mpfr_init2(mean, BITS);
    mpfr_set_d(mean, a, MPFR_RNDN);
    mpfr_exp(mean, mean, MPFR_RNDN);
    mpfr_expm1(out, mean, MPFR_RNDN);
    mpfr_div(out, mean, out, MPFR_RNDN);
    mpfr_clear(mean);
}

/* 1 / (1 + e^a), its slope's size and -log of 1 less it. */
static void set_logit_share(mpfr_t out, double a)
{
    mpfr_set_d(out, a, MPFR_RNDN);
    mpfr_exp(out, out, MPFR_RNDN);
    mpfr_add_ui(out, out, 1, MPFR_RNDN);
    mpfr_ui_div(out, 1, out, MPFR_RNDN);
}

static void set_logit_slope(mpfr_t out, double a)
{
    mpfr_t other;
    mpfr_init2(other, BITS);
    set_logit_share(out, a);
    set_logit_share(other, -a);
    mpfr_mul(out, out, other, MPFR_RNDN);
    mpfr_clear(other);
}

static void set_logit_loss(mpfr_t out, double a)
{
    mpfr_set_d(out, -a, MPFR_RNDN);
    mpfr_exp(out, out, MPFR_RNDN);
    mpfr_log1p(out, out, MPFR_RNDN);
}

static void find_logit_share(double *out, const double *a, size_t len)
{
    double t[1000];
    sotto__logit_tail(t, a, len);
    sotto__logit_share(out, a, t, len);
}

static void find_logit_slope(double *out, const double *a, size_t len)
{
    double t[1000];
    sotto__logit_tail(t, a, len);
    sotto__logit_slope(out, t, len);
}

static void find_logit_loss(double *out, const double *a, size_t len)
{
    double t[1000];
    sotto__logit_tail(t, a, len);
    sotto__logit_loss(out, a, t, len);
}

/* of_square: what a rounded a^2 adds where exp of it is taken. */
static void is_near(function *find, void (*set)(mpfr_t out, double a), double a, double of_square)
{
    double found;
    mpfr_t wanted;
    mpfr_init2(wanted, BITS);
    set(wanted, a);
    double size = fabs(mpfr_get_d(wanted, MPFR_RNDN));
    find(&found, &a, 1);
    mpfr_sub_d(wanted, wanted, found, MPFR_RNDN);
    double error = fabs(mpfr_get_d(wanted, MPFR_RNDN));
    double allowed = fmax(1e-15, of_square * a * a) * size + 1e-320;
    if (!(error <= allowed)) {
        fail_msg("%.17g: off by %g of %g", a, error / size, allowed / size);
    }
    mpfr_clear(wanted);
}

static double random_predictor(uint64_t *random)
{
    static const double sizes[] = {1, 6, 40, 1e-9};
    double unit = (double)(test_random(random) >> 11) * 0x1p-52 - 1;
    return unit * sizes[test_random_below(random, 4)];
}

static void test_right_in_both_tails(void **state)
{
    static const double tails[] = {0,   1e-300, -1e-300, -1e3, -1e4, 37,   -37.6, -0.36651292058166,
                                   -37, 3.5,    5.7,     6.5,  -700, -600, 0.69,  -5};
    uint64_t random = 1;
    (void)state;
    for (size_t i = 0; i < test_cases(400); i++) {
        bool is_tail = i < sizeof tails / sizeof tails[0];
        double a = is_tail ? tails[i] : random_predictor(&random);
        is_near(sotto__normal_log, set_normal_log, a, a > 0 ? 1.2e-16 : 0);
        is_near(sotto__normal_slope, set_normal_slope, a, a > 0 ? 1.2e-16 : 0);
        is_near(find_logit_share, set_logit_share, a, 0);
        is_near(find_logit_slope, set_logit_slope, a, 0);
        is_near(find_logit_loss, set_logit_loss, a, 0);
        if (a > -200 && a < 6) { /* beyond e^a is too small beside 1, or more than exp's doubles */
            is_near(sotto__loglog_log, set_loglog_log, a, a > 0 ? 3e-16 * exp(a) / (a * a) : 0);
            is_near(sotto__loglog_slope, set_loglog_slope, a, a > 0 ? 3e-16 * exp(a) / (a * a) : 0);
        }
    }
}

static double find_one(function *find, double a)
{
    double out;
    find(&out, &a, 1);
    return out;
}

static void test_far_out(void **state)
{
    (void)state;
    assert_double_bits_equal(find_one(sotto__normal_slope, -1e200), 1e200);
    assert_double_bits_equal(find_one(sotto__normal_slope, 1e200), 0);
    assert_double_bits_equal(find_one(sotto__normal_log, 1e200), 0);
    assert_double_bits_equal(find_one(sotto__normal_log, -1e200), -(double)INFINITY);
    assert_double_bits_equal(find_one(find_logit_share, 1e300), 0);
    assert_double_bits_equal(find_one(find_logit_share, -1e300), 1);
    assert_double_bits_equal(find_one(find_logit_slope, -1e300), 0);
    assert_double_bits_equal(find_one(find_logit_loss, 1e300), 0);
    assert_double_bits_equal(find_one(find_logit_loss, -1e300), 1e300);
    assert_true(isnan(find_one(find_logit_share, (double)NAN)));
    assert_true(isnan(find_one(find_logit_loss, (double)NAN)));
    assert_double_bits_equal(find_one(sotto__loglog_log, -1e300), -1e300);
    assert_double_bits_equal(find_one(sotto__loglog_slope, -1e300), 1);
    assert_double_bits_equal(find_one(sotto__loglog_log, 1e300), 0);
    assert_double_bits_equal(find_one(sotto__loglog_slope, 1e300), 0);
}

/* The number that stands here is that of every instruction set; blocks are as single values. */
static void test_the_same_bits_on_every_cpu(void **state)
{
    static function *const functions[] = {sotto__normal_log, sotto__normal_slope, sotto__loglog_log,
                                          sotto__loglog_slope};
    static double a[1000];
    static double out[1000];
    uint64_t hash = 0;
    uint64_t random = 7;
    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        a[i] = random_predictor(&random);
    }
    for (size_t f = 0; f < 4; f++) {
        functions[f](out, a, 1000);
        for (size_t i = 0; i < 1000; i++) {
            uint64_t bits;
            assert_double_bits_equal(find_one(functions[f], a[i]), out[i]);
            memcpy(&bits, &out[i], sizeof bits);
            hash = (hash ^ bits) * UINT64_C(0x100000001B3);
        }
    }
    assert_int_equal(hash, UINT64_C(0xb3ebd68afeb57275));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_in_both_tails),
        cmocka_unit_test(test_far_out),
        cmocka_unit_test(test_the_same_bits_on_every_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
