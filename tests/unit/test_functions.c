/* SPDX-License-Identifier: Apache-2.0 */

/* Row-wise functions: values that pandas and numpy give, and the documented departures. */

#include "cases.h"
#include "engine/kernels/elementary.h"
#include "files.h"
#include "plans.h"
#include "test.h"

#include <fenv.h>
#include <math.h>
#include <mpfr.h>
#include <omp.h>

#include <sotto/alloc.h>
#include <stdio.h>
#ifdef __x86_64__
#include <xmmintrin.h>
#endif

#define FLUSHING 0x8040U /* FTZ and DAZ in MXCSR */

/* What output, an expression of x and y, gives of one row. */
static void gives(const char *expression, const char *x, const char *y, const char *part)
{
    char output[200];
    char text[200];
    (void)snprintf(output, sizeof output, "m=sum(%s)", expression);
    (void)snprintf(text, sizeof text, "x,y\n%s,%s\n", x, y);
    test_gives1(output, text, part);
}

static void refused(const char *expression, enum sotto_status expected, const char *part)
{
    char json[400];
    struct sotto_error err = {0};
    struct sotto_plan *plan = NULL;
    (void)snprintf(json, sizeof json,
                   "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                   "{\"t\": \"t.csv\"}, \"select\": {\"m\": \"%s\"}}",
                   expression);
    assert_int_equal(sotto_plan_parse(&plan, json, strlen(json), &err), expected);
    assert_contains(err.text, part);
}

struct division {
    const char *x;
    const char *y;
    const char *quotient;
    const char *modulo;
};

static void test_exact_division(void **state)
{
    (void)state;
    static const struct division cases[] = {
        {"7", "2", "\"exact\": \"3\"", "\"exact\": \"1\""},
        {"-7", "2", "\"exact\": \"-4\"", "\"exact\": \"1\""},
        {"7", "-2", "\"exact\": \"-4\"", "\"exact\": \"-1\""},
        {"-7", "-2", "\"exact\": \"3\"", "\"exact\": \"-1\""},
        {"6", "-3", "\"exact\": \"-2\"", "\"exact\": \"0\""},
        {"0", "5", "\"exact\": \"0\"", "\"exact\": \"0\""},
        {"1.0", "0.1", "\"exact\": \"10\"", "\"exact\": \"0\""}, /* of doubles: 9, 0.0999... */
        {"-0.25", "0.1", "\"exact\": \"-3\"", "\"exact\": \"0.05\""},
        {"-9223372036854775808", "-1", "\"exact\": \"9223372036854775808\"", "\"exact\": \"0\""},
        {"True", "True", "\"exact\": \"1\"", "\"exact\": \"0\""},
        {"5", "NA", "\"exact\": \"0\"", "\"exact\": \"0\""},
        {"5", "0", "\"exact\": \"0\", \"nan_made\": 1", "\"exact\": \"0\", \"nan_made\": 1"},
        {"0", "0.0", "\"exact\": \"0\", \"nan_made\": 1", "\"exact\": \"0\", \"nan_made\": 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gives("x // y", cases[i].x, cases[i].y, cases[i].quotient);
        gives("x % y", cases[i].x, cases[i].y, cases[i].modulo);
    }
    gives("-7 // x * 2 % 5", "2", "0", "\"exact\": \"2\""); /* ((-7 // 2) * 2) % 5 */
    gives("float(x) // 2", "7", "0", "3.0");
}

static void test_float_division(void **state)
{
    (void)state;
    static const struct division cases[] = {
        {"7e0", "2", "\"value\": 3.0", "\"value\": 1.0"},
        {"-7e0", "2", "\"value\": -4.0", "\"value\": 1.0"},
        {"5.5e0", "-2", "\"value\": -3.0", "\"value\": -0.5"},
        {"1e0", "0.1", "\"value\": 9.0", "\"value\": 0.09999999999999995"},
        {"1e0", "0", "\"special\": \"inf\"", "\"value\": 0.0, \"exact\": \"0\", \"nan_made\": 1"},
        {"-1e0", "0", "\"special\": \"-inf\"", "\"nan_made\": 1"},
        {"0e0", "0", "\"nan_made\": 1", "\"nan_made\": 1"},
        {"-1e0", "inf", "\"value\": -1.0", "\"special\": \"inf\""},
        {"inf", "2", "\"nan_made\": 1", "\"nan_made\": 1"},
        {"1e300", "1e-300", "\"special\": \"inf\"", "\"value\": "},
        {"5e-324", "-1", "\"value\": -1.0", "\"value\": -1.0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gives("x // y", cases[i].x, cases[i].y, cases[i].quotient);
        gives("x % y", cases[i].x, cases[i].y, cases[i].modulo);
    }
}

static void test_whole_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        const char *x;
        const char *part;
    } cases[] = {
        {"floor(x)", "-2.5", "\"exact\": \"-3\""},
        {"ceil(x)", "-2.5", "\"exact\": \"-2\""},
        {"ceil(x)", "2.01", "\"exact\": \"3\""},
        {"floor(x)", "7", "\"exact\": \"7\""},
        {"round(x)", "2.5", "\"exact\": \"2\""},
        {"round(x)", "3.5", "\"exact\": \"4\""},
        {"round(x)", "-3.5", "\"exact\": \"-4\""},
        {"round(x, 2)", "2.675", "\"exact\": \"2.68\""},
        {"round(x, digits=2)", "2.665", "\"exact\": \"2.66\""},
        {"round(x, 3)", "2.665", "\"exact\": \"2.665\""},
        {"round(x, -2)", "1250", "\"exact\": \"1200\""},
        {"round(x, digits = -2)", "-1250.01", "\"exact\": \"-1300\""},
        {"round(x, -22)", "9223372036854775807", "\"exact\": \"0\""},
        {"round(x)", "True", "\"exact\": \"1\""},
        {"floor(x)", "-2.5e0", "\"value\": -3.0"},
        {"ceil(x)", "2.1e0", "\"value\": 3.0"},
        {"floor(x)", "-inf", "\"special\": \"-inf\""},
        {"round(x)", "2.5e0", "\"value\": 2.0"},
        {"round(x)", "-3.5e0", "\"value\": -4.0"},
        {"round(x, 2)", "2.675e0", "\"value\": 2.68"}, /* 2.675 * 100 is 267.5 */
        {"round(x, -2)", "1250e0", "\"value\": 1200.0"},
        {"round(x, 22)", "1e300", "\"value\": 1e+300"}, /* numpy: inf */
        {"round(x)", "4503599627370497.5e0", "\"value\": 4503599627370498.0"},
        {"1 / x // 1", "0", "\"nan_made\": 1"},
        {"x // 2 * 2 == x", "3", "\"exact\": \"0\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gives(cases[i].expression, cases[i].x, "0", cases[i].part);
    }
}

/* Beyond 128 bits: products of ten to the power of 45. */
static void test_wide_whole_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        const char *part;
    } cases[] = {
        {"round(x * 1e44 + 0.5) - x * 1e44", "\"exact\": \"0\""},
        {"round(x * 1e44 + 1.5) - x * 1e44", "\"exact\": \"2\""},
        {"round(-x * 1e44 - 1.5) + x * 1e44", "\"exact\": \"-2\""},
        {"round(x * 1e44 + 0.51) - x * 1e44", "\"exact\": \"1\""},
        {"floor(-x * 1e44 - 0.01) + x * 1e44", "\"exact\": \"-1\""},
        {"ceil(-x * 1e44 - 0.99) + x * 1e44", "\"exact\": \"0\""},
        {"(x * 1e44 + 1) // (x * -1e44)", "\"exact\": \"-2\""},
        {"(x * 1e44 + 1) % (x * -1e44) + x * 1e44", "\"exact\": \"1\""},
        {"(x * -1e44 - 1) % (x * 1e44) - x * 1e44", "\"exact\": \"-1\""},
        {"(x * 1e44) % (x * -1e22)", "\"exact\": \"0\""},
        {"1 % (x * -1e44) + x * 1e44", "\"exact\": \"1\""},
        {"x * 1e44 // y", "\"nan_made\": 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gives(cases[i].expression, "5", "0", cases[i].part);
    }
}

static void test_elementary(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        const char *x;
        const char *part;
    } cases[] = {
        {"exp(x)", "0", "\"value\": 1.0"},
        {"exp(x)", "1", "\"value\": 2.718281828459045"},
        {"exp(x)", "710", "\"special\": \"inf\""},
        {"exp(x)", "-inf", "\"value\": 0.0"},
        {"exp(x)", "-745", "\"value\": 5e-324"},
        {"log(x)", "1", "\"value\": 0.0"},
        {"log(x)", "10.0", "\"value\": 2.302585092994046"},
        {"log(x)", "0", "\"special\": \"-inf\""},
        {"log(x)", "5e-324", "\"value\": -744.4400719213812"},
        {"log(x)", "-1", "\"value\": 0.0, \"exact\": \"0\", \"nan_made\": 1"},
        {"log(x)", "NA", "\"value\": 0.0, \"exact\": \"0\"}"},
        {"pow(x, 0.5)", "2", "\"value\": 1.4142135623730951"},
        {"pow(x, -1)", "4", "\"value\": 0.25"},
        {"pow(x, 0.5)", "-2", "\"nan_made\": 1"},
        {"pow(x, -1)", "0", "\"special\": \"inf\""},
        {"pow(2, x)", "10", "\"value\": 1024.0"},
        {"pow(1, x)", "NA", "\"value\": 0.0"}, /* pandas: 1 */
        {"pow(2, 3) * x", "1", "\"value\": 8.0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gives(cases[i].expression, cases[i].x, "0", cases[i].part);
    }
    static const char text[] = "x\n1\n3\n";
    test_gives1("m=exp(mean(x))", text, "\"m\": {\"value\": 7.38905609893065}");
    test_gives1("m=log(sum(x)) / log(2)", text, "\"m\": {\"value\": 2.0}");
    test_gives1("m=log(mean(x) - 2)", text, "\"special\": \"-inf\"");
    test_gives1("m=log(-mean(x))", text, "\"special\": \"NaN\"");
    test_gives1("m=exp(-sum(x) ** 5)", text, "\"m\": {\"value\": 0.0}");
    test_gives1("m=exp(sum(x) ** 5)", text, "\"special\": \"inf\"");
    test_gives1("m=exp(-(sum(x) + 0.5) ** 4 * 1.8)", text, "\"m\": {\"value\": 2.767e-321}");
    test_gives1("m=exp(std(x)) + 1", text, "\"m\": {\"value\": 5.1132503787829275}");
    test_gives1("m=exp(mean(x) / 0)", text, "\"special\": \"inf\"");
}

#define FUNCTIONS_LEN 7

static void apply_function(double *out, const struct sotto__elementary *level, size_t function,
                           const double *x, const double *y, size_t len)
{
    switch (function) {
    case 0:
        level->exp(out, x, len);
        break;
    case 1:
        level->log(out, x, len);
        break;
    case 2:
        level->pow(out, x, y, len);
        break;
    case 3:
        level->logit_tail(out, x, len);
        break;
    case 4:
        level->logit_share(out, x, y, len);
        break;
    case 5:
        level->logit_slope(out, x, len);
        break;
    default:
        level->logit_loss(out, x, y, len);
        break;
    }
}

/* What rows are given at each level, next to the generic functions. */
static void same_everywhere(const struct sotto__elementary *level, const double *x, const double *y,
                            size_t len)
{
    double expected[20];
    double found[20];
    for (size_t function = 0; function < FUNCTIONS_LEN; function++) {
        apply_function(expected, &sotto__elementary_generic, function, x, y, len);
        apply_function(found, level, function, x, y, len);
        for (size_t i = 0; i < len; i++) {
            bool both_nan = expected[i] != expected[i] && found[i] != found[i];
            if (!both_nan) {
                assert_double_bits_equal(found[i], expected[i]);
            }
        }
    }
}

static const double special[] = {0.0,
                                 -0.0,
                                 1,
                                 -1,
                                 2,
                                 -2,
                                 0.5,
                                 -0.5,
                                 3,
                                 HUGE_VAL,
                                 -HUGE_VAL,
                                 (double)NAN,
                                 5e-324,
                                 -5e-324,
                                 2.2250738585072014e-308,
                                 1.7976931348623157e308,
                                 -1.7976931348623157e308,
                                 709.78,
                                 709.79,
                                 -745.13,
                                 -745.14,
                                 -708.5,
                                 1e300,
                                 9007199254740993.0,
                                 -9007199254740992.0,
                                 4503599627370497.5,
                                 1e-300,
                                 0.9999999999999999,
                                 1.0000000000000002};

static double random_double(uint64_t *random, uint64_t kind)
{
    uint64_t bits = test_random(random);
    double value;
    memcpy(&value, &bits, sizeof value);
    double unit = (double)(bits >> 11) * 0x1p-53 - 0.5;
    return kind == 0 ? value : kind == 1 ? unit * 1500 : kind == 2 ? 1 + unit * 1e-3 : unit + 0.5;
}

/* At each level of ctest's SOTTO_CPU the one that is chosen; lengths that leave lanes over. */
static void test_elementary_levels(void **state)
{
    (void)state;
    const size_t special_len = sizeof special / sizeof special[0];
    const struct sotto__elementary *level = sotto__elementary();
    double x[20];
    double y[20];
    for (size_t i = 0; i < special_len * special_len; i++) {
        for (size_t j = 0; j < 20; j++) {
            x[j] = special[(i + j) / special_len % special_len];
            y[j] = special[(i + j) % special_len];
        }
        same_everywhere(level, x, y, 1 + i % 20);
    }
    for (uint64_t seed = 0, cases = test_cases(40000); seed < cases; seed++) {
        uint64_t random = seed;
        for (size_t j = 0; j < 20; j++) {
            x[j] = random_double(&random, seed % 4);
            y[j] = random_double(&random, seed / 4 % 3);
        }
        same_everywhere(level, x, y, 1 + seed % 20);
    }
}

/* How many doubles lie between two of the same sign; infinity is the next one above the largest. */
static uint64_t distance(double a, double b)
{
    int64_t x;
    int64_t y;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    return x > y ? (uint64_t)x - (uint64_t)y : (uint64_t)y - (uint64_t)x;
}

/* exp(x), or pow(x, y), rounded once, subnormals too. */
static double exactly(double x, double y, bool power)
{
    mpfr_t a;
    mpfr_t b;
    mpfr_inits2(200, a, b, (mpfr_ptr)NULL);
    (void)mpfr_set_d(a, x, MPFR_RNDN);
    (void)mpfr_set_d(b, y, MPFR_RNDN);
    (void)(power ? mpfr_pow(a, a, b, MPFR_RNDN) : mpfr_exp(a, a, MPFR_RNDN));
    double value = mpfr_get_d(a, MPFR_RNDN);
    mpfr_clears(a, b, (mpfr_ptr)NULL);
    mpfr_free_cache();
    return value;
}

#define ENDS_LEN 1024

/* The last arguments before exp overflows, and before it is 0. */
static void test_exp_at_the_ends(void **state)
{
    (void)state;
    static const double centres[] = {0x1.62e42fefa39efp+9, 709.78271114955743, -708.4, -745.1332191,
                                     -740};
    static const double steps[] = {0x1p-43, 1.5e-9, 1e-6, 1e-11, 1e-3};
    double x[ENDS_LEN];
    double found[ENDS_LEN];
    for (size_t i = 0; i < sizeof centres / sizeof centres[0]; i++) {
        for (size_t j = 0; j < ENDS_LEN; j++) {
            x[j] = centres[i] + ((double)j - ENDS_LEN / 2) * steps[i];
        }
        sotto__exp(found, x, ENDS_LEN);
        for (size_t j = 0; j < ENDS_LEN; j++) {
            assert_true(distance(found[j], exactly(x[j], 0, false)) <= 1);
        }
    }
    x[0] = 0x1.62e42fefa39efp+9;
    x[1] = nextafter(x[0], INFINITY);
    x[2] = INFINITY;
    x[3] = NAN;
    sotto__exp(found, x, 4);
    assert_true(isfinite(found[0]) && isinf(found[1]) && isinf(found[2]) && isnan(found[3]));
    test_gives1("m=sum(exp(x))", "x\n709.7827112\n", "\"value\": 1.7976900906800972e+308");
    test_gives1("m=sum(exp(x))", "x\n709.782712893384\n", "\"value\": 1.797693134862273");
    test_gives1("m=sum(exp(x))", "x\n709.7827128933841\n", "\"special\": \"inf\"");
}

/* Powers of bases of either sign, by exponents that end near the largest and the least doubles. */
static void test_pow_at_the_ends(void **state)
{
    (void)state;
    static const double bases[] = {2,        10,         1.0000001, 0.5, 1e300, 0x1p-1074,
                                   3.7e-200, 0.99999999, -2,        -3,  -0.1};
    static const double ends[] = {1024 * 0.6931471805599453, 709.78271114955743, -708.4, -744.5,
                                  -745.13321910194122};
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        for (size_t end = 0; end < sizeof ends / sizeof ends[0]; end++) {
            double x[ENDS_LEN];
            double y[ENDS_LEN];
            double found[ENDS_LEN];
            for (size_t j = 0; j < ENDS_LEN; j++) {
                double off = ((double)j - ENDS_LEN / 2) * 1.5e-9;
                x[j] = bases[i];
                y[j] = (ends[end] + off) / log(fabs(bases[i]));
                y[j] = bases[i] < 0 ? rint(y[j] + (double)(j % 9) - 4) : y[j];
            }
            sotto__pow(found, x, y, ENDS_LEN);
            for (size_t j = 0; j < ENDS_LEN; j++) {
                assert_true(distance(found[j], exactly(x[j], y[j], true)) <= 1);
            }
        }
    }
    test_gives1("m=sum(pow(x, 1023.9999999))", "x\n2\n", "\"value\": 1.79769");
    test_gives1("m=sum(pow(x, 1024))", "x\n2\n", "\"special\": \"inf\"");
}

/* As numpy.clip: the upper limit wins, what is missing stays so, a NaN too. */
static void test_clip(void **state)
{
    (void)state;
    test_gives1("m=sum(clip(x, 2, 50))", "x\n1\n5\n100\n", "\"value\": 57");
    test_gives1("m=mean(clip(x, -1.25, 0.5))", "x\n-7\nNA\n7\n", "\"value\": -0.375");
    test_gives1("m=sum(clip(x, 50, 2))", "x\n1\n5\n100\n", "\"value\": 6");
    test_gives1("m=sum(clip(x, 2, 3.5))", "x\ninf\n-inf\n2.5e0\nnan\n", "\"value\": 8");
    test_gives1("m=count(clip(x / x, 2, 3.5))", "x\n0\n1\n2\n", "\"value\": 2");
    test_gives1("m=sum(if(x < 2, 2, x)) - sum(clip(x, 2, 9e99))", "x\n1\n5\n100\n", "\"value\": 0");
}

/* A zero that was an exact value has no sign, whatever made it. */
static void test_exact_zeros_have_no_sign(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "float(x * 1e-400)", "float(-x * 1e-390 * 1e-10)", "float(x * 0)",
        "float(-(x - x))",   "float(ceil(x * 0))",         "float(x % 1)",
        "round(x * 0.1)",    "fillna(na, -0.0) + x * 0",
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        char output[100];
        (void)snprintf(output, sizeof output, "m=sum(1 / (%s))", forms[i]);
        test_gives1(output, "x\n-1\n", "\"special\": \"inf\"");
    }
    static const char *const texts[] = {"-0", "-0.0", "-0e0", "-1e-400", "-0.000e-10"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char one[40];
        char other[40] = "x\n1e0\n";
        const char *const parties[] = {one, other};
        (void)snprintf(one, sizeof one, "x\n%s\n", texts[i]);
        test_gives("m=sum(1 / x)", parties, 2, "\"special\": \"inf\"");
        test_gives("m=sum(1 / float(x))", parties, 1, "\"special\": \"inf\"");
    }
    test_gives1("m=sum(1 / -float(x))", "x\n0\n", "\"special\": \"-inf\""); /* of doubles */
}

/* The result under a caller's rounding, without subnormals where the CPU can do that; the caller's
 * settings must stay. */
static char *result_of(const struct sotto_plan *plan, int rounding, unsigned flushing)
{
    static const char text[] = "x,y\n5e-324,0.1\n3.1e0,0.30000000000000004\n-7e0,2\n";
    const char *texts = text;
    struct sotto_error err = {0};
    fenv_t environment;
    char *json = NULL;
    assert_int_equal(fegetenv(&environment), 0);
    assert_int_equal(fesetround(rounding), 0);
#ifdef __x86_64__
    _mm_setcsr(_mm_getcsr() | flushing);
#endif
    enum sotto_status status = test_run(&json, NULL, plan, &texts, 1, &err);
    int rounding_after = fegetround();
#ifdef __x86_64__
    unsigned flushing_after = _mm_getcsr() & FLUSHING;
#else
    unsigned flushing_after = flushing;
#endif
    assert_int_equal(fesetenv(&environment), 0);
    assert_int_equal(status, SOTTO_OK);
    assert_int_equal(rounding_after, rounding);
    assert_int_equal(flushing_after, flushing);
    return json;
}

/* Stands first: threads inherit what was set when they began, and the pool begins here. */
static void test_caller_arithmetic(void **state)
{
    (void)state;
    static const char *const outputs[] = {
        "a=sum(x * 0.7 + x)",      "b=sum(exp(x) / 3)",      "c=sum(pow(y, 0.3))",
        "d=sum(log(x))",           "e=sum(x // 0.1 % y)",    "f=mean(x) / 3",
        "g=sum(round(y * x, 2))",  "h=mean(x * 1e-300) / 7", "i=exp(mean(x))",
        "j=sum(if(x == 0, 1, 0))", "k=sum(x + 1e-320)",      NULL};
    static const int roundings[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    struct sotto_plan *plan = test_plan(outputs);
    char *found[6];
    int threads = omp_get_max_threads();
    for (size_t i = 0; i < 6; i++) {
        omp_set_num_threads(i < 3 ? 2 : 1);
        found[i] = result_of(plan, roundings[i % 3], FLUSHING);
    }
    omp_set_num_threads(threads);
    char *expected = result_of(plan, FE_TONEAREST, 0);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(found[i], expected);
        sotto_free(found[i]);
    }
    assert_contains(expected, "\"d\": {\"value\": -743.3086698098901");
    assert_contains(expected, "\"j\": {\"value\": 0.0");
    sotto_free(expected);
    sotto_plan_free(plan);
}

static void write_statement(struct sotto_writer *out, int rounding)
{
    sotto_writer_init(out, (size_t)1 << 20);
    assert_int_equal(fesetround(rounding), 0);
    sotto_engine_write_statement(out);
    int rounding_after = fegetround();
    assert_int_equal(fesetround(FE_TONEAREST), 0);
    assert_int_equal(rounding_after, rounding);
    assert_ok(sotto_writer_status(out));
}

/* What an engine says of itself is what it computes with, not what its host has set. */
static void test_caller_statement(void **state)
{
    (void)state;
    static const int roundings[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    struct sotto_writer expected;
    write_statement(&expected, FE_TONEAREST);
    for (size_t i = 0; i < sizeof roundings / sizeof roundings[0]; i++) {
        struct sotto_writer found;
        write_statement(&found, roundings[i]);
        assert_int_equal(found.data_bytes, expected.data_bytes);
        assert_memory_equal(found.data, expected.data, expected.data_bytes);
        sotto_writer_release(&found);
    }
    sotto_writer_release(&expected);
}

static void test_refusals(void **state)
{
    (void)state;
    refused("sum(round(x, 23))", SOTTO_ERROR_PLAN, "a whole number from -22 to 22");
    refused("sum(round(x, y))", SOTTO_ERROR_PLAN, "expected digits: a whole number");
    refused("sum(floor(x, 2))", SOTTO_ERROR_PLAN, "floor takes one argument, found more");
    refused("sum(x) // 2", SOTTO_ERROR_PLAN, "this works on rows, not on aggregates");
    refused("round(mean(x), 2)", SOTTO_ERROR_PLAN, "this works on rows, not on aggregates");
    refused("mean(pow(mean(x), 2))", SOTTO_ERROR_PLAN, "this works on rows, not on aggregates");
    refused("sum(pow(x))", SOTTO_ERROR_PLAN, "pow takes two arguments, found fewer");
    refused("sum(x // )", SOTTO_ERROR_PLAN, "expected a column, a number or a function");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_caller_arithmetic),
        cmocka_unit_test(test_caller_statement),
        cmocka_unit_test(test_exact_division),
        cmocka_unit_test(test_float_division),
        cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_wide_whole_numbers),
        cmocka_unit_test(test_elementary),
        cmocka_unit_test(test_elementary_levels),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_exp_at_the_ends),
        cmocka_unit_test(test_pow_at_the_ends),
        cmocka_unit_test(test_clip),
        cmocka_unit_test(test_exact_zeros_have_no_sign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
