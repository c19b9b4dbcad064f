/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"
#include "test.h"

#include "dataset/file/file.h"
#include "files.h"
#include <stdio.h>
#include <stdlib.h>

static locale_t c_locale;

static void test_grammar(void **state)
{
    (void)state;
    static const char *const good[] = {
        "0",
        "-0",
        "+7",
        "1.5",
        ".5",
        "5.",
        "-.5",
        "1e5",
        "1E+5",
        "1.e-5",
        ".5e0",
        " 12 ",
        "\t3",
        "inf",
        "-Inf",
        "+INFINITY",
        "infinity",
        "007",
        "1e999999999999",
    };
    static const char *const bad[] = {
        "",      " ",    ".",     "+",   "-",    "e5",   "1e",       "1e+", "1 2",
        "1,5",   "0x10", "1_000", "--1", "+-1",  "1..2", "1.2.3",    "nan", "NaN",
        "infin", ".inf", "1e5.0", "1f",  "inf1", "1d5",  "\xd9\xa1",
    };
    struct sotto__number number;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (!sotto__number_parse(&number, good[i], strlen(good[i]), '.')) {
            print_error("\"%s\" should be a number\n", good[i]);
            fail();
        }
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (sotto__number_parse(&number, bad[i], strlen(bad[i]), '.')) {
            print_error("\"%s\" should be no number\n", bad[i]);
            fail();
        }
    }
}

static void test_smallest_type(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum sotto_kind kind;
        int scale;
        int64_t digits;
        bool lost;
    } cases[] = {
        {"9223372036854775807", SOTTO_KIND_INT64, 0, INT64_MAX, false},
        {"-9223372036854775808", SOTTO_KIND_INT64, 0, INT64_MIN, false},
        {"9223372036854775808", SOTTO_KIND_FLOAT64, 0, 0, true},
        {"00000000000000000000000000000012", SOTTO_KIND_INT64, 0, 12, false},
        {"5.", SOTTO_KIND_INT64, 0, 5, false},
        {"5.0", SOTTO_KIND_DECIMAL, 1, 50, false},
        {"-0", SOTTO_KIND_INT64, 0, 0, false},
        {"-0.00", SOTTO_KIND_DECIMAL, 2, 0, false},
        {"5549.44", SOTTO_KIND_DECIMAL, 2, 554944, false},
        {"0.000000000000000001", SOTTO_KIND_DECIMAL, 18, 1, false},
        {"0.0000000000000000001", SOTTO_KIND_FLOAT64, 0, 0, true},
        {"0.1000000000000000000000000", SOTTO_KIND_DECIMAL, 18, 100000000000000000, false},
        {"12.0000000000000000000", SOTTO_KIND_DECIMAL, 17, 1200000000000000000, false},
        {"9223372036854775807.000", SOTTO_KIND_INT64, 0, INT64_MAX, false},
        {"92233720368547758.08", SOTTO_KIND_FLOAT64, 0, 0, true},
        {"-92233720368547758.08", SOTTO_KIND_DECIMAL, 2, INT64_MIN, false},
        {"1e2", SOTTO_KIND_FLOAT64, 0, 0, false},
        {"inf", SOTTO_KIND_FLOAT64, 0, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sotto__number number;
        assert_true(sotto__number_parse(&number, cases[i].text, strlen(cases[i].text), '.'));
        assert_int_equal(number.type.kind, cases[i].kind);
        assert_int_equal(number.type.scale, cases[i].scale);
        assert_int_equal(number.digits_lost, cases[i].lost);
        if (cases[i].kind != SOTTO_KIND_FLOAT64) {
            assert_true(number.digits == cases[i].digits);
        }
    }
}

/* A double written out to its last digit is the number, where the number is a double. */
static void test_numbers_that_are_doubles(void **state)
{
    (void)state;
    uint64_t random = 5;
    size_t doubles = 0;
    for (size_t i = 0; i < 20000; i++) {
        char text[64];
        char exact[1200];
        struct sotto__number number;
        struct sotto__number back;
        uint64_t digits = test_random_below(&random, UINT64_C(1) << test_random_below(&random, 50));
        int power = (int)test_random_below(&random, 56) - 28;
        for (size_t fives = test_random_below(&random, 22); fives > 0 && digits < 100000000000000;
             fives--) {
            digits *= 5;
        }
        (void)snprintf(text, sizeof text, "%s%llu%se%d", i % 3 == 0 ? "-0" : "",
                       (unsigned long long)(digits % 1000000000000000), i % 2 == 0 ? "." : ".00",
                       power);
        assert_true(sotto__number_parse(&number, text, strlen(text), '.'));
        (void)snprintf(exact, sizeof exact, "%.300e", sotto__number_double(&number, c_locale));
        assert_true(sotto__number_parse(&back, exact, strlen(exact), '.'));
        if (sotto__number_is_double(&number) != sotto__number_equal(&number, &back)) {
            print_error("%s is %s\n", text, exact);
            fail();
        }
        doubles += sotto__number_is_double(&number);
    }
    assert_true(doubles > 2000 && doubles < 18000);
}

static void test_numbers_that_are_equal(void **state)
{
    (void)state;
    static const char *const classes[][4] = {{"1.50", "15e-1", "+1.5", ".0015E3"},
                                             {"-999", "-999.0", "-0999.", "-99900e-2"},
                                             {"0", "-0.0", "0e99", "00"},
                                             {"999", "9.99e2", "0999", "999"},
                                             {"inf", "INF", "+Infinity", "inf"},
                                             {"-inf", "-INF", "-infinity", "-inf"},
                                             {"1e400", "10e399", "0.1e401", "1e+400"},
                                             {"15", "1.5e1", "15.000", "150e-1"}};
    const size_t len = sizeof classes / sizeof classes[0];
    for (size_t i = 0; i < len * 4; i++) {
        for (size_t j = 0; j < len * 4; j++) {
            struct sotto__number x;
            struct sotto__number y;
            const char *a = classes[i / 4][i % 4];
            const char *b = classes[j / 4][j % 4];
            assert_true(sotto__number_parse(&x, a, strlen(a), '.'));
            assert_true(sotto__number_parse(&y, b, strlen(b), '.'));
            assert_int_equal(sotto__number_equal(&x, &y), i / 4 == j / 4);
        }
    }
}

static size_t quick_answers;

/* By both ways, which must agree where the quick one answers. */
static double read_double(const char *text)
{
    struct sotto__number number;
    double quick;
    assert_true(sotto__number_parse(&number, text, strlen(text), '.'));
    double value = sotto__number_double(&number, c_locale);
    if (sotto__number_quick(&quick, text, strlen(text), '.')) {
        if (test_double_bits(quick) != test_double_bits(value)) {
            print_error("%s: quickly %a, slowly %a\n", text, quick, value);
            fail();
        }
        quick_answers++;
    }
    /* And with a decimal comma. */
    char comma[4096];
    assert_true(strlen(text) < sizeof comma);
    for (size_t i = 0; i <= strlen(text); i++) {
        comma[i] = (char)(text[i] == '.' ? ',' : text[i]);
    }
    assert_true(sotto__number_parse(&number, comma, strlen(text), ','));
    assert_double_bits_equal(sotto__number_double(&number, c_locale), value);
    if (sotto__number_quick(&quick, comma, strlen(text), ',')) {
        assert_double_bits_equal(quick, value);
    }
    assert_int_equal(sotto__number_parse(&number, comma, strlen(text), '.'),
                     strchr(text, '.') == NULL);
    return value;
}

static void test_doubles_of_the_strtod_suites(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"2.2250738585072011e-308", 0x0.fffffffffffffp-1022}, /* hung PHP */
        {"2.2250738585072012e-308", 0x1p-1022},               /* hung Java */
        {"2.2250738585072014e-308", 0x1p-1022},
        {"4.9e-324", 0x1p-1074},
        {"2.4703282292062327e-324", 0}, /* just below half of it */
        {"2.4703282292062328e-324", 0x1p-1074},
        {"1.7976931348623157e308", 0x1.fffffffffffffp1023},
        {"1.7976931348623158e308", 0x1.fffffffffffffp1023},
        {"1.7976931348623159e308", __builtin_inf()},
        {"9007199254740993", 0x1p53}, /* halfway, to even */
        {"9007199254740993.0000000000000000000000000001", 0x1.0000000000001p53},
        {"9007199254740995", 0x1.0000000000002p53},
        {"6929495644600919.5", 0x1.89e56ee5e7a58p52},
        {"3.518437208883201171875e13", 0x1.0000000000002p45},
        {"62.5364939768271845828", 0x1.f44abd5aa7ca4p5},
        {"8.10109172351e-10", 0x1.bd5cbaef0fd0cp-31},
        {"1.50000000000000011102230246251565", 0x1.8p0},
        {"1.00000000000000033306690738754695", 0x1.0000000000001p0},
        {"9214843084008499", 0x1.05e6cec57761ap53},
        {"30078505129381147446200", 0x1.97a3c7271b021p74},
        {"179769313486231580793e288", 0x1.fffffffffffffp1023},
        {"0.000000000000000000000000000000000001e36", 1},
        {"123456789012345e-15", 0x1.f9add3746f62ep-4},
        {"-0.0e5", 0},
        {"-1e-400", 0},
        {"1e999999999999", __builtin_inf()},
        {"-INF", -__builtin_inf()},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double value = read_double(cases[i].text);
        if (test_double_bits(value) != test_double_bits(cases[i].value)) {
            print_error("%s reads as %a, not %a\n", cases[i].text, value, cases[i].value);
            fail();
        }
    }
}

/* Half way between two doubles, but for a digit that is far behind, or none. */
static void test_long_doubles(void **state)
{
    (void)state;
    static const char *const last[] = {"0", "1", "9", "0e0", "1e-9", "1e9"};
    static const double expected[] = {0x1p53, 0x1.0000000000001p53, 0x1.0000000000001p53,
                                      0x1p53, 9007199.254740993,    9007199254740993e9};
    for (size_t zeros = 700; zeros < 2000; zeros += 1 + zeros / 20) {
        for (size_t i = 0; i < sizeof last / sizeof *last; i++) {
            char text[4096] = "-0009007199254740993.";
            size_t len = strlen(text);
            memset(text + len, '0', zeros);
            (void)strcpy(text + len + zeros, last[i]);
            assert_double_bits_equal(read_double(text), -expected[i]);
        }
    }
}

static void test_printed_doubles_come_back(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (size_t i = 0, cases = test_cases(100000); i < cases; i++) {
        uint64_t bits = test_random(&random);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (value != value || value - value != 0 || value == 0) {
            continue;
        }
        char text[400];
        (void)snprintf(text, sizeof text, i % 2 == 0 ? "%.17g" : "%.16e", value);
        assert_double_bits_equal(read_double(text), value);
    }
}

/* The fast path is one correctly rounded operation; glibc's strtod is the judge. */
static void test_fast_path_equals_strtod(void **state)
{
    (void)state;
    uint64_t random = 2;
    for (size_t i = 0; i < 200000; i++) {
        char text[64];
        uint64_t digits = test_random(&random) % UINT64_C(1000000000000000);
        (void)snprintf(text, sizeof text, "%llu.%02ue%d",
                       (unsigned long long)(digits >> test_random_below(&random, 48)),
                       (unsigned)test_random_below(&random, 100),
                       (int)test_random_below(&random, 60) - 30);
        assert_double_bits_equal(read_double(text), strtod(text, NULL));
    }
}

/* Of sizes as they occur: as few digits as tell the double, or a fixed number of them. */
static void test_usual_doubles_come_back(void **state)
{
    (void)state;
    uint64_t random = 3;
    size_t cases = test_cases(300000);
    quick_answers = 0;
    for (size_t i = 0; i < cases; i++) {
        uint64_t bits = test_random(&random);
        /* Exponents of 2^-150 to 2^149, uniform mantissas. */
        bits = (bits & UINT64_C(0x800FFFFFFFFFFFFF)) | (873 + bits / 4 % 300) << 52;
        double value;
        memcpy(&value, &bits, sizeof value);
        char text[400];
        int digits = 15;
        do { /* shortest */
            (void)snprintf(text, sizeof text, "%.*g", digits++, value);
        } while (strtod(text, NULL) != value);
        assert_double_bits_equal(read_double(text), value);
        (void)snprintf(text, sizeof text, "%.*e", 16, value);
        assert_double_bits_equal(read_double(text), value);
        (void)snprintf(text, sizeof text, "%.*f", (int)(i % 40), value);
        double fixed = strtod(text, NULL);
        assert_double_bits_equal(read_double(text), fixed == 0 ? 0.0 : fixed);
    }
    assert_true(quick_answers > cases * 2);
}

/* Integers half way between two doubles, and their neighbours: ties go to even. */
static void test_half_way(void **state)
{
    (void)state;
    uint64_t random = 4;
    for (size_t i = 0; i < 100000; i++) {
        unsigned shift = 1 + (unsigned)test_random_below(&random, 10);
        uint64_t mantissa = UINT64_C(1) << 52 | test_random(&random) >> 12;
        uint64_t half = (2 * mantissa + 1) << (shift - 1); /* below 2^63 */
        for (uint64_t value = half - 1; value <= half + 1; value++) {
            char text[64];
            (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
            assert_double_bits_equal(read_double(text), (double)value);
            (void)snprintf(text, sizeof text, "%llue-%u", (unsigned long long)value,
                           (unsigned)test_random_below(&random, 90));
            assert_double_bits_equal(read_double(text), strtod(text, NULL));
        }
    }
}

static void test_booleans(void **state)
{
    (void)state;
    static const char *const yes[] = {"True", "TRUE", "true"};
    static const char *const no[] = {"False", "FALSE", "false"};
    static const char *const neither[] = {"tRUE", "T", "yes", "1", "truee", "", "fALSE"};
    bool value = false;
    for (size_t i = 0; i < 3; i++) {
        assert_true(sotto__bool_parse(&value, yes[i], strlen(yes[i])));
        assert_true(value);
        assert_true(sotto__bool_parse(&value, no[i], strlen(no[i])));
        assert_false(value);
    }
    for (size_t i = 0; i < sizeof neither / sizeof neither[0]; i++) {
        assert_false(sotto__bool_parse(&value, neither[i], strlen(neither[i])));
    }
}

/* What people read as a number, and what stands in the way. */
static void test_likeness(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned likeness;
        unsigned with_comma; /* where the file's point is a comma */
    } cases[] = {
        {"6\u00a0", SOTTO__LIKE_HIDDEN, SOTTO__LIKE_HIDDEN},
        {"-\ufeff42", SOTTO__LIKE_HIDDEN, SOTTO__LIKE_HIDDEN},
        {"1\u202f234\u202f567", SOTTO__LIKE_HIDDEN, SOTTO__LIKE_HIDDEN},
        {"\u2212"
         "5",
         SOTTO__LIKE_MINUS, SOTTO__LIKE_MINUS},
        {"\uff11\uff12", SOTTO__LIKE_DIGITS, SOTTO__LIKE_DIGITS},
        {"12 %", SOTTO__LIKE_PERCENT, SOTTO__LIKE_PERCENT},
        {"$5", SOTTO__LIKE_CURRENCY, SOTTO__LIKE_CURRENCY},
        {"5 \u20ac", SOTTO__LIKE_CURRENCY, SOTTO__LIKE_CURRENCY},
        {"(5)", SOTTO__LIKE_PARENTHESES, SOTTO__LIKE_PARENTHESES},
        {"3 276", SOTTO__LIKE_GROUPS, SOTTO__LIKE_GROUPS},
        {"3'276'100", SOTTO__LIKE_GROUPS, SOTTO__LIKE_GROUPS},
        {"1_000", SOTTO__LIKE_GROUPS, SOTTO__LIKE_GROUPS},
        {"3,276.28", SOTTO__LIKE_GROUPS, SOTTO__LIKE_GROUPS | SOTTO__LIKE_POINT},
        {"3.276,28", SOTTO__LIKE_GROUPS | SOTTO__LIKE_POINT, SOTTO__LIKE_GROUPS},
        {"1,234,567", SOTTO__LIKE_GROUPS, 0},
        {"1.234.567", 0, SOTTO__LIKE_GROUPS},
        {"100,5", SOTTO__LIKE_POINT, 0},
        {"2.1", 0, SOTTO__LIKE_POINT},
        {"1,234", SOTTO__LIKE_EITHER, 0},
        {"-$1,234.50", SOTTO__LIKE_CURRENCY | SOTTO__LIKE_GROUPS,
         SOTTO__LIKE_CURRENCY | SOTTO__LIKE_GROUPS | SOTTO__LIKE_POINT},
        /* Dates, versions, telephone numbers, lists, words. */
        {"2024-01-05", 0, 0},
        {"01.02.2024", 0, 0},
        {"1.2.3", 0, 0},
        {"030 12345", 0, 0},
        {"1,2,3", 0, 0},
        {"12 34", 0, 0},
        {"n.a.", 0, 0},
        {"", 0, 0},
        {"-", 0, 0},
        {"%", 0, 0},
        {"12 mg", 0, 0},
        {"0x10", 0, 0},
        {"1,,2", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *text = cases[i].text;
        unsigned found = sotto__number_likeness(text, strlen(text), '.');
        unsigned with_comma = sotto__number_likeness(text, strlen(text), ',');
        if (found != cases[i].likeness || with_comma != cases[i].with_comma) {
            print_error("%s: %u, with a comma %u\n", text, found, with_comma);
            fail();
        }
    }
}

int main(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_that_are_doubles),
        cmocka_unit_test(test_numbers_that_are_equal),
        cmocka_unit_test(test_grammar),
        cmocka_unit_test(test_smallest_type),
        cmocka_unit_test(test_doubles_of_the_strtod_suites),
        cmocka_unit_test(test_long_doubles),
        cmocka_unit_test(test_printed_doubles_come_back),
        cmocka_unit_test(test_fast_path_equals_strtod),
        cmocka_unit_test(test_usual_doubles_come_back),
        cmocka_unit_test(test_half_way),
        cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_likeness),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    freelocale(c_locale);
    return failed;
}
