/* SPDX-License-Identifier: Apache-2.0 */

/* Statistics with rounds of their own: how many rounds, what they ask, groups that are withheld,
 * and sums that do not go with those before. Values are tests/random/test_medians.py's. */

#include "cases.h"
#include "engine/driver.h"
#include "files.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

/* A driver over one file, which is its only party. */
struct run {
    struct sotto_plan *plan;
    struct sotto_csv *csv;
    struct sotto_catalogue *catalogue;
    struct sotto_schema schema;
    struct sotto_driver *driver;
    uint64_t *limbs;
};

static void run_begin(struct run *out, const char *text, const char *keys, const char *select)
{
    static char json[1 << 17];
    struct sotto_error err = {0};
    (void)snprintf(json, sizeof json,
                   "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                   "{\"t\": \"t.csv\"}, %s \"select\": {%s}}",
                   keys, select);
    *out = (struct run){.csv = test_csv(text)};
    out->catalogue = test_catalogue(out->csv);
    const struct sotto_catalogue *catalogue = out->catalogue;
    if (sotto_plan_parse(&out->plan, json, strlen(json), &err) != SOTTO_OK ||
        sotto_schema_offer(&out->schema, out->plan, &catalogue, &err) != SOTTO_OK ||
        sotto_driver_new(&out->driver, out->plan, &out->schema, &err) != SOTTO_OK) {
        fail_msg("%s: %s", select, err.text);
    }
}

static void run_end(struct run *run)
{
    sotto_free(run->limbs);
    sotto_driver_free(run->driver);
    sotto_schema_release(&run->schema);
    sotto_plan_free(run->plan);
    sotto_catalogue_free(run->catalogue);
    sotto_csv_close(run->csv);
}

/* The round's partial in run->limbs. Returns: how many limbs it has. */
static size_t compute_round(struct run *run)
{
    size_t limbs_len = sotto_driver_limbs_len(run->driver);
    sotto_free(run->limbs);
    run->limbs = sotto_alloc_array(limbs_len, sizeof *run->limbs);
    assert_ok(test_partial(run->driver, run->limbs, limbs_len, run->csv, run->catalogue, NULL));
    return limbs_len;
}

static void take_round(struct run *run)
{
    size_t limbs_len = compute_round(run);
    assert_ok(sotto_driver_advance(run->driver, run->limbs, limbs_len, NULL));
}

static void run_result(struct run *run, const char *part)
{
    static const struct sotto_result_parties parties = {.invited = 1, .joined = 1, .survived = 1};
    char *json = NULL;
    while (sotto_driver_round(run->driver) != 0) {
        take_round(run);
    }
    assert_ok(sotto_driver_result(run->driver, &json, &parties, &run->schema, 1, NULL));
    assert_contains(json, part);
    sotto_free(json);
}

static void opens(const struct run *run, const char *words)
{
    char *found = NULL;
    assert_ok(sotto_driver_round_words(run->driver, &found, NULL));
    assert_string_equal(found, words);
    sotto_free(found);
}

static const char small_text[] = "i,d,g\n3,0.25,a\n1,1.5,a\n2,-7.75,b\n10,3,b\n5,,a\n";

/* Calls go in lockstep; one that has ended asks no more, and rounds of which nothing is asked are
 * not opened: 8 for 64 bits, 9 for a decimal of two digits, one more around them. */
static void test_rounds(void **state)
{
    (void)state;
    struct run run;
    run_begin(&run, small_text, "",
              "\"m\": \"median(i, exact=1)\", \"n\": \"median(d, 1)\", \"o\": "
              "\"mean(abs(i - median(i, exact=1)))\", "
              "\"p\": \"ols(i, d)\", \"q\": \"mean((i - mean(i)) ** 2)\"");
    assert_int_equal(sotto_plan_rounds(run.plan), 17);
    opens(&run, "median(i, exact=1), median(d, 1), ols(i, d), mean(i)");
    for (uint32_t round = 1; round < 9; round++) {
        assert_int_equal(sotto_driver_round(run.driver), round);
        take_round(&run);
    }
    assert_int_equal(sotto_driver_round(run.driver), 9);
    opens(&run, "median(d, 1)");
    take_round(&run);
    assert_int_equal(sotto_driver_round(run.driver), 10);
    opens(&run, "mean(abs(i - median(i, exact=1)))");
    take_round(&run);
    assert_int_equal(sotto_driver_round(run.driver), 0);
    run_result(&run, "\"m\": {\"value\": 3.0, \"exact\": \"3\"}, \"n\": {\"value\": 0.875, "
                     "\"exact\": \"0.875\"}, \"o\": {\"value\": 2.4, ");
    run_end(&run);
}

/* Where many groups would make a round larger than 4 MiB, digits have fewer bits. */
static void test_many_groups(void **state)
{
    (void)state;
    static char levels[1 << 16];
    static char text[1 << 16];
    struct run run;
    size_t at = (size_t)snprintf(levels, sizeof levels,
                                 "\"group_by\": [{\"column\": \"k\", \"levels\": [0");
    for (int i = 1; i < 4096; i++) {
        at += (size_t)snprintf(levels + at, sizeof levels - at, ", %d", i);
    }
    (void)snprintf(levels + at, sizeof levels - at, "]}],");
    at = (size_t)snprintf(text, sizeof text, "k,x\n");
    for (int i = 0; i < 4096; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%d,%d\n", i, i * 7 - 9000);
    }
    run_begin(&run, text, levels, "\"m\": \"median(x, exact=1)\"");
    assert_int_equal(run.plan->digit_bits, 6);
    assert_int_equal(sotto_plan_rounds(run.plan), 22);
    assert_true(sotto_driver_limbs_len(run.driver) <= SOTTO__DIGIT_COUNTS_MAX);
    take_round(&run);
    assert_true(sotto_driver_limbs_len(run.driver) <= SOTTO__DIGIT_COUNTS_MAX + 4096);
    uint32_t rounds = 1;
    for (; sotto_driver_round(run.driver) != 0; rounds++) {
        take_round(&run);
    }
    assert_int_equal(rounds, 11); /* of 6 bits for 64 */
    run_result(&run, "\"m\": {\"values\": [{\"value\": -9000.0, \"exact\": "
                     "\"-9000\"}, {\"value\": -8993.0, ");
    run_end(&run);
}

/* A group that somebody keeps back from the third round on, whose rows were counted before. */
static void test_withheld_later(void **state)
{
    (void)state;
    struct run run;
    run_begin(&run, small_text, "\"group_by\": [{\"column\": \"g\", \"levels\": [\"a\", \"b\"]}],",
              "\"m\": \"median(i, exact=1)\"");
    take_round(&run);
    take_round(&run);
    size_t limbs_len = compute_round(&run);
    memset(run.limbs, 0, limbs_len / 2 * sizeof *run.limbs);
    run.limbs[limbs_len / 2 - 1] = 1;
    assert_ok(sotto_driver_advance(run.driver, run.limbs, limbs_len, NULL));
    run_result(&run, "\"values\": [{\"value\": null, \"special\": \"NaN\"}, {\"value\": 6.0, ");
    run_end(&run);
}

/* A round over other rows than the one before is refused and leaves nothing: the right one goes on.
 */
static void test_other_rows(void **state)
{
    (void)state;
    struct run run;
    struct sotto_error err = {0};
    run_begin(&run, small_text, "",
              "\"m\": \"median(i, exact=1)\", \"s\": \"mean((i - mean(i)) ** 2)\"");
    take_round(&run);
    size_t limbs_len = compute_round(&run);
    for (size_t i = 0; i < 256; i++) { /* one row fewer, and one more */
        uint64_t kept = run.limbs[i];
        if (kept > 0) {
            run.limbs[i] = kept - 1;
            assert_int_equal(sotto_driver_advance(run.driver, run.limbs, limbs_len, &err),
                             SOTTO_ERROR_PROTOCOL);
            assert_contains(err.text, "output \"m\": quantile: this round has other values");
            run.limbs[i] = kept + 1;
            assert_int_equal(sotto_driver_advance(run.driver, run.limbs, limbs_len, NULL),
                             SOTTO_ERROR_PROTOCOL);
        }
        run.limbs[i] = kept;
    }
    run.limbs[0] = UINT64_MAX; /* no number of rows */
    assert_int_equal(sotto_driver_advance(run.driver, run.limbs, limbs_len, NULL),
                     SOTTO_ERROR_PROTOCOL);
    assert_int_equal(sotto_driver_round(run.driver), 2);
    run_result(&run, "\"m\": {\"value\": 3.0, \"exact\": \"3\"}");
    run_end(&run);
}

/* More values than there can be, in counts each of which can be. */
static void test_too_many_values(void **state)
{
    (void)state;
    struct run run;
    run_begin(&run, small_text, "", "\"m\": \"median(i, exact=1)\"");
    size_t limbs_len = compute_round(&run);
    for (size_t i = 0; i < 17; i++) {
        run.limbs[i] = SOTTO_ROWS_MAX;
    }
    assert_int_equal(sotto_driver_advance(run.driver, run.limbs, limbs_len, NULL),
                     SOTTO_ERROR_PROTOCOL);
    run_result(&run, "\"m\": {\"value\": 3.0, \"exact\": \"3\"}");
    run_end(&run);
}

/* Each share is a search of its own, and counts towards what a round may be. */
static void test_many_shares(void **state)
{
    (void)state;
    char select[400] = "\"m\": \"quantile(i, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, "
                       "0.9, exact=1)\"";
    static char keys[1 << 14];
    struct run run;
    size_t at =
        (size_t)snprintf(keys, sizeof keys, "\"group_by\": [{\"column\": \"i\", \"levels\": [0");
    for (int i = 1; i < 1000; i++) {
        at += (size_t)snprintf(keys + at, sizeof keys - at, ", %d", i);
    }
    (void)snprintf(keys + at, sizeof keys - at, "]}],");
    run_begin(&run, small_text, keys, select);
    assert_int_equal(run.plan->digit_bits, 4);
    take_round(&run);
    assert_true(sotto_driver_limbs_len(run.driver) <= SOTTO__DIGIT_COUNTS_MAX + 1000);
    run_end(&run);
}

/* --- Sums that no rows have --- */

/* Two of the round's sums, which may be one, are larger. Returns: whether the round is refused for
 * that. */
static bool refuses_larger_sums(const char *output, uint32_t round, size_t one, size_t other)
{
    struct run run;
    struct sotto_error err = {0};
    size_t slots_len;
    run_begin(&run, small_text, "", output);
    while (sotto_driver_round(run.driver) < round) {
        take_round(&run);
    }
    size_t limbs_len = compute_round(&run);
    const uint16_t *widths = sotto_driver_slots(run.driver, &slots_len);
    uint64_t *at = run.limbs;
    for (size_t i = 0; i < slots_len; at += widths[i++]) {
        for (size_t j = widths[i]; (i == one || i == other) && j-- > 0;) {
            at[j] = at[j] << 20 | (j > 0 ? at[j - 1] >> 44 : 0);
        }
    }
    enum sotto_status status = sotto_driver_advance(run.driver, run.limbs, limbs_len, &err);
    run_end(&run);
    assert_true(status == SOTTO_OK || status == SOTTO_ERROR_INPUT ||
                status == SOTTO_ERROR_PROTOCOL);
    return strstr(err.text, " that no parties' rows have") != NULL;
}

/* Whoever masks its rows can make them up: each sum is refused or told, at once. */
static void test_sums_that_no_rows_have(void **state)
{
    (void)state;
    static const struct {
        const char *output;
        uint32_t round;
        size_t slots_len;
    } cases[] = {{"\"m\": \"ols(d, i)\"", 1, 6},
                 {"\"m\": \"ols(d, i, cov=hc1)\"", 2, 4},
                 {"\"m\": \"glm(i > 2, d, family=binomial)\"", 1, 12},
                 {"\"m\": \"glm(i > 2, d, family=binomial, link=probit)\"", 1, 12},
                 {"\"m\": \"mnlogit(g in ('a', 'b'), d)\"", 1, 12}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t refused_len = 0;
        for (size_t j = 0; j < cases[i].slots_len * cases[i].slots_len; j++) {
            refused_len += refuses_larger_sums(cases[i].output, cases[i].round,
                                               j / cases[i].slots_len, j % cases[i].slots_len);
        }
        assert_true(refused_len > 0);
    }
}

/* 1 / y is infinite, or its square is. */
static void test_values_near_0(void **state)
{
    (void)state;
    static const char *const families[] = {"poisson", "gamma"};
    for (size_t i = 0; i < 2; i++) {
        struct run run;
        struct sotto_error err = {0};
        char output[64];
        (void)snprintf(output, sizeof output, "\"m\": \"glm(y, x, family=%s)\"", families[i]);
        run_begin(&run, "y,x\n1e-310,1\n2e-310,2\n1.5e-310,3\n3e-310,4\n", "", output);
        size_t limbs_len = compute_round(&run);
        assert_int_equal(sotto_driver_advance(run.driver, run.limbs, limbs_len, &err),
                         SOTTO_ERROR_INPUT);
        assert_contains(err.text, "the mean of y is too near its limit: scale y");
        run_end(&run);
    }
}

/* Of a guarded search all values in one part, of which no key is: in round 2 one before those of
 * the scale, in round 4 the last one of cells with eight keys. */
static void test_values_without_a_key(void **state)
{
    (void)state;
    static const struct {
        uint32_t round;
        size_t limbs_len; /* of 256 parts for each cell */
        size_t part;
    } cases[] = {{2, 256, 0}, {4, 512, 255}};
    static char text[512] = "i\n";
    for (int i = 0; i < 40; i++) {
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%d\n", 8 + i % 8);
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct run run;
        struct sotto_error err = {0};
        run_begin(&run, text, "", "\"m\": \"median(i)\"");
        while (sotto_driver_round(run.driver) < cases[i].round) {
            take_round(&run);
        }
        assert_int_equal(compute_round(&run), cases[i].limbs_len);
        for (size_t j = 0; j < cases[i].limbs_len; j++) {
            size_t to = j / 256 * 256 + cases[i].part;
            uint64_t count = run.limbs[j];
            run.limbs[j] = 0;
            run.limbs[to] += count;
        }
        assert_int_equal(sotto_driver_advance(run.driver, run.limbs, cases[i].limbs_len, &err),
                         SOTTO_ERROR_PROTOCOL);
        assert_contains(err.text, "this round has other values");
        run_result(&run, "\"m\": {\"value\": 11.5, ");
        run_end(&run);
    }
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *output;
        const char *text;
    } cases[] = {
        {"m=quantile(i, 1.5)", "expected a number from 0 to 1"},
        {"m=quantile(i, d)", "expected a share from 0 to 1: a number, written out"},
        {"m=quantile(i)",
         "quantile takes two arguments or more and interpolation and exact, found fewer"},
        {"m=quantile([i, d], 0.1, 0.2)", "several numbers of a single column"},
        {"m=quantile(i, 0.5, interpolation=cubic)",
         "expected interpolation: one of linear, lower, higher, nearest, midpoint"},
        {"m=quantile(i, 0.5, interpolation=lower, 0.7)", "found more"},
        {"m=quantile(i, 0.5, interpolation=lower, interpolation=lower)",
         "interpolation is there already"},
        {"m=median(g)", "median takes numbers or booleans, but column t.g is string"},
        {"m=median(i * i * i)", "exact values here may need more than 126 bits: say float(x)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static const char *const alias = "t";
        struct sotto_plan_parts parts = {.name = "n",
                                         .dataset_aliases = &alias,
                                         .dataset_files = &alias,
                                         .datasets_len = 1,
                                         .outputs = &cases[i].output,
                                         .outputs_len = 1};
        struct sotto_error err = {0};
        struct sotto_plan *plan = NULL;
        char *json = NULL;
        char *result = NULL;
        const char *text = small_text;
        assert_ok(sotto_plan_compose(&json, &parts, NULL));
        enum sotto_status status = sotto_plan_parse(&plan, json, strlen(json), &err);
        if (status == SOTTO_OK) {
            status = test_run(&result, NULL, plan, &text, 1, &err);
        }
        assert_int_not_equal(status, SOTTO_OK);
        assert_contains(err.text, cases[i].text);
        sotto_plan_free(plan);
        sotto_free(json);
    }
}

/* --- Searches in one column --- */

static void run_all(struct run *out, const char *text, const char *select)
{
    run_begin(out, text, "", select);
    while (sotto_driver_round(out->driver) != 0) {
        take_round(out);
    }
}

/* Searches that begin in the same cells, and part in one round or another, find what each of them
 * finds alone; rows are counted once while they are together. */
static void test_searches_together(void **state)
{
    static const char *const shares[] = {"0.1", "0.25", "0.26", "0.5", "0.9"};
    static char text[20000];
    uint64_t random = 20261129;
    (void)state;
    for (size_t i = 0; i < test_cases(8); i++) {
        size_t at = (size_t)sprintf(text, "i,f\n");
        const char *options = i % 2 == 0 ? ", exact=1" : "";
        char select[200];
        struct run together;
        for (size_t row = 0; row < 600; row++) {
            uint64_t below = (uint64_t)1 << test_random_below(&random, 40);
            at += (size_t)sprintf(text + at, "%d,%d.5e0\n",
                                  (int)test_random_below(&random, below % 5000 + 1),
                                  (int)test_random_below(&random, 1 + below % 77777));
        }
        const char *column = i % 4 < 2 ? "i" : "f";
        (void)snprintf(select, sizeof select,
                       "\"m\": \"quantile(%s, 0.1, 0.25, 0.26, 0.5, 0.9%s)\"", column, options);
        run_all(&together, text, select);
        for (size_t j = 0; j < 5; j++) {
            struct run alone;
            (void)snprintf(select, sizeof select, "\"m\": \"quantile(%s, %s%s)\"", column,
                           shares[j], options);
            run_all(&alone, text, select);
            assert_true(mpq_equal(together.driver->results.values[j].number,
                                  alone.driver->results.values[0].number));
            run_end(&alone);
        }
        run_end(&together);
    }
}

/* --- Rounds that ask what others did --- */

struct measures {
    size_t limbs_len;
    size_t terms_len;
    size_t rows_bytes;
    size_t parameters_len;
};

static struct measures measure_round(const struct sotto_driver *driver, unsigned round)
{
    struct sotto__program program;
    struct sotto_error err = {0};
    assert_ok(sotto__program_init(&program, driver->plan, &driver->expansion, driver->kept.moments,
                                  driver->calls.calls, round, &err));
    const struct measures out = {program.limbs_len, program.terms_len, program.rows_bytes,
                                 program.parameters_len};
    sotto__program_release(&program);
    return out;
}

/* A round that is not tried before the first one asks no more than that of two rounds before. */
static void test_repeated_rounds(void **state)
{
    (void)state;
    static const char *const selects[] = {
        "\"m\": \"median(i)\"",
        "\"m\": \"quantile(d, 0.1, 0.9, exact=1)\"",
        "\"m\": \"describe([i, d, f])\", \"s\": \"sum(f)\"",
        "\"m\": \"median(f - mean(f))\", \"n\": \"median(i)\"",
        "\"m\": \"median(f - mean(f), exact=1)\", \"n\": \"iqr(d)\"",
        "\"m\": \"median(f)\", \"g\": \"glm(i, [f, d], family=poisson)\"",
    };
    size_t repeated_len = 0;
    for (size_t i = 0; i < sizeof selects / sizeof selects[0]; i++) {
        struct run run;
        run_begin(&run, "i,d,f\n1,2.5,3e0\n2,3.5,4e0\n", "", selects[i]);
        for (unsigned round = 2; round <= run.driver->stages_len; round++) {
            if (sotto__kept_opens(&run.driver->kept, round) ||
                !sotto__calls_repeat(&run.driver->calls, round)) {
                continue;
            }
            const struct measures now = measure_round(run.driver, round);
            const struct measures before = measure_round(run.driver, round - 2);
            assert_true(now.limbs_len <= before.limbs_len && now.terms_len <= before.terms_len &&
                        now.rows_bytes <= before.rows_bytes &&
                        now.parameters_len <= before.parameters_len);
            repeated_len++;
        }
        run_end(&run);
    }
    assert_true(repeated_len > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds),
        cmocka_unit_test(test_many_groups),
        cmocka_unit_test(test_withheld_later),
        cmocka_unit_test(test_other_rows),
        cmocka_unit_test(test_sums_that_no_rows_have),
        cmocka_unit_test(test_values_near_0),
        cmocka_unit_test(test_values_without_a_key),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_too_many_values),
        cmocka_unit_test(test_many_shares),
        cmocka_unit_test(test_repeated_rounds),
        cmocka_unit_test(test_searches_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
