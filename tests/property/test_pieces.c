/* SPDX-License-Identifier: Apache-2.0 */

/* The engine's promise: parties' partials add up to the bits of the partial of all rows together,
 * however rows are split, and what comes out is the exact value, rounded once. */

#include "cases.h"
#include "files.h"
#include "plans.h"
#include "test.h"

#include <gmp.h>
#include <mpfr.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>

#define PARTS_MAX 8
#define ROWS_MAX 120
#define PART_BYTES (ROWS_MAX * 256)

static void random_number(char *out, size_t out_bytes, size_t kind, uint64_t *random)
{
    uint64_t bits = test_random(random);
    int64_t whole;
    memcpy(&whole, &bits, sizeof whole);
    whole >>= test_random_below(random, 63);
    double real;
    memcpy(&real, &bits, sizeof real);
    switch (kind) {
    case 0:
        (void)snprintf(out, out_bytes, "%lld", (long long)whole);
        return;
    case 1:
        (void)snprintf(out, out_bytes, "%lld.%0*u", (long long)(whole >> 20),
                       (int)(1 + test_random_below(random, 5)),
                       (unsigned)test_random_below(random, 10));
        return;
    case 2:
        (void)snprintf(out, out_bytes, "%.16e", real - real == 0 ? real : 1.5);
        return;
    case 3:
        (void)snprintf(out, out_bytes, "%s", (bits & 1) != 0 ? "True" : "false");
        return;
    case 4:
        (void)snprintf(out, out_bytes, "0.%018llu", (unsigned long long)(bits >> 5));
        return;
    default:
        (void)snprintf(out, out_bytes, "NA");
        return;
    }
}

/* A row of i (int64), d (decimal), f (float64), b (bool), n (missing), m (any number, its kind by
 * the part) and w (scale 18, so that others of it need 128 bits). */
static void random_row(char *out, size_t out_bytes, size_t part, uint64_t *random)
{
    static const size_t kinds[] = {0, 1, 2, 3, 9, 99, 98};
    size_t at = 0;
    for (size_t i = 0; i < 7; i++) {
        size_t kind = kinds[i];
        kind = kind == 99 ? part % 3 : kind == 98 ? (part % 2 == 0 ? 4 : 0) : kind;
        kind = test_random_below(random, 6) == 0 ? 9 : kind;
        char text[400];
        random_number(text, sizeof text, kind, random);
        if (i == 2 && test_random_below(random, 400) == 0) {
            (void)snprintf(text, sizeof text, "-inf");
        }
        at += (size_t)snprintf(out + at, out_bytes - at, "%s%s", i > 0 ? "," : "", text);
    }
    (void)snprintf(out + at, out_bytes - at, "\n");
}

static void compare(const struct sotto_plan *plan, const char *whole, const char *const *parts,
                    size_t parts_len)
{
    char *json = NULL;
    char *parts_json = NULL;
    struct sotto_buffer limbs = {0};
    struct sotto_buffer parts_limbs = {0};
    struct sotto_error err = {0};
    if (test_run(&json, &limbs, plan, &whole, 1, &err) != SOTTO_OK ||
        test_run(&parts_json, &parts_limbs, plan, parts, parts_len, &err) != SOTTO_OK) {
        print_error("%s\n", err.text);
        fail();
    }
    assert_int_equal(limbs.data_bytes, parts_limbs.data_bytes);
    assert_memory_equal(limbs.data, parts_limbs.data, limbs.data_bytes);
    const char *end = strstr(json, ", \"parties\"");
    assert_non_null(end);
    assert_memory_equal(json, parts_json, (size_t)(end - json));
    sotto_buffer_release(&limbs);
    sotto_buffer_release(&parts_limbs);
    sotto_free(json);
    sotto_free(parts_json);
}

static void test_parts_add_up_to_the_whole(void **state)
{
    (void)state;
    static const char header[] = "i,d,f,b,n,m,w\n";
    static const char *const outputs[] = {
        "mean(i)",  "mean(d)",  "mean(f)", "mean(b)",
        "mean(n)",  "mean(m)",  "mean(w)", "sum(i) / count(d) - 2.5 * sum(f)",
        "count(n)", "count(w)", NULL};
    struct sotto_plan *plan = test_plan(outputs);
    char *whole = malloc(PARTS_MAX * PART_BYTES);
    char *parts[PARTS_MAX];
    for (size_t i = 0; i < PARTS_MAX; i++) {
        parts[i] = malloc(PART_BYTES);
        assert_non_null(parts[i]);
    }
    assert_non_null(whole);
    for (uint64_t seed = 0, cases = test_cases(300); seed < cases; seed++) {
        uint64_t random = seed;
        size_t parts_len = 1 + test_random_below(&random, PARTS_MAX);
        size_t rows = test_random_below(&random, ROWS_MAX);
        strcpy(whole, header);
        for (size_t i = 0; i < parts_len; i++) {
            strcpy(parts[i], header);
        }
        size_t whole_bytes = strlen(whole);
        for (size_t i = 0; i < rows; i++) {
            char row[1024];
            size_t part = test_random_below(&random, parts_len);
            random_row(row, sizeof row, part, &random);
            strcpy(whole + whole_bytes, row);
            whole_bytes += strlen(row);
            strcat(parts[part], row);
        }
        compare(plan, whole, (const char *const *)parts, parts_len);
    }
    for (size_t i = 0; i < PARTS_MAX; i++) {
        free(parts[i]);
    }
    free(whole);
    sotto_plan_free(plan);
}

/* MPFR's rounding of the exact sum of doubles, as JSON writes it. */
static double rounded_sum(const mpq_t sum)
{
    mpfr_set_emin(-1073);
    mpfr_set_emax(1024);
    mpfr_t rounded;
    mpfr_init2(rounded, 53);
    int direction = mpfr_set_q(rounded, sum, MPFR_RNDN);
    (void)mpfr_subnormalize(rounded, direction, MPFR_RNDN);
    double value = mpfr_get_d(rounded, MPFR_RNDN);
    mpfr_clear(rounded);
    mpfr_set_emin(mpfr_get_emin_min());
    mpfr_set_emax(mpfr_get_emax_max());
    return value == 0 ? 0.0 : value;
}

/* Doubles of every magnitude, with much cancellation, against GMP's rationals. */
static void test_sums_of_doubles(void **state)
{
    (void)state;
    struct sotto_plan *plan = test_plan_of("s=sum(x)");
    for (uint64_t seed = 0, cases = test_cases(300); seed < cases; seed++) {
        uint64_t random = seed + 1000;
        char text[8192] = "x\n0e0\n";
        mpq_t sum;
        mpq_t term;
        mpq_inits(sum, term, NULL);
        double value = 0;
        for (size_t i = 1 + test_random_below(&random, 60); i > 0; i--) {
            uint64_t bits = test_random(&random);
            switch (test_random_below(&random, 4)) {
            case 0:
                value = -value; /* cancels the one before */
                break;
            case 1:
                bits &= ~(UINT64_C(0x7FF) << 52); /* subnormal */
                memcpy(&value, &bits, sizeof value);
                break;
            default:
                bits &= ~(UINT64_C(1) << 62);
                bits |= seed % 3 == 0 ? UINT64_C(0x7FE) << 52 & bits : 0;
                memcpy(&value, &bits, sizeof value);
                break;
            }
            if (value - value != 0) {
                value = 0x1.fffffffffffffp1023;
            }
            (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%.17e\n", value);
            mpq_set_d(term, value);
            mpq_add(sum, sum, term);
        }
        const char *texts = text;
        char *json = NULL;
        assert_ok(test_run(&json, NULL, plan, &texts, 1, NULL));
        double expected = rounded_sum(sum);
        if (expected - expected == 0) {
            assert_memory_equal(json, "{\"outputs\": {\"s\": {\"value\": ", 28);
            assert_double_bits_equal(strtod(json + 28, NULL), expected);
        } else {
            assert_contains(json, "\"special\"");
        }
        sotto_free(json);
        mpq_clears(sum, term, NULL);
    }
    sotto_plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_add_up_to_the_whole),
        cmocka_unit_test(test_sums_of_doubles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
