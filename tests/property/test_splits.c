/* SPDX-License-Identifier: Apache-2.0 */

/* Tests, tables and models are the same bits however rows are split over parties and ordered, by
 * groups or not, on one thread and on two; also where samples are empty, constant or infinite. */

#include "cases.h"
#include "files.h"
#include "plans.h"
#include "test.h"

#include <omp.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>

#define PARTS_MAX 50
#define ROWS_MAX 400
#define ROW_BYTES 128
#define TEXT_BYTES (ROWS_MAX * ROW_BYTES)

static const char header[] = "g,h,i,d,f,b\n";

/* Tests of exact and of double columns, of levels, of levels that nobody has, of constants; and
 * what describes, counts and weighs. */
static const char *const selects[] = {
    "\"a\": \"ttest(d, g in ('a', 'b'))\", \"b\": \"ttest(f, g in ('a', 'c'), equal_var=1)\", "
    "\"c\": \"ttest(i, d, level=90)\", \"e\": \"ttest_paired(d, f)\", \"f\": \"ttest_one(f - 1)\", "
    "\"g\": \"anova(d, g in ('a', 'b', 'c'))\", \"h\": \"anova(i, d, f, i - d)\", "
    "\"i\": \"pearson(i, f)\", \"j\": \"var_ci(d)\", \"k\": \"proportion(d > 0)\", "
    "\"l\": \"crosstab(g in ('a', 'b', 'c'), h in (1, 2))\", "
    "\"m\": \"chi2(g in ('a', 'b', 'c'), h in (1, 2, 3))\", "
    "\"n\": \"chi2(g in ('a', 'b'), b in (0, 1), yates=1)\", "
    "\"o\": \"fisher(g in ('a', 'b'), h in (1, 2))\", \"p\": \"anova(f, g in ('a', 'nobody'))\", "
    "\"q\": \"anova_two(d, g in ('a', 'b', 'c'), h in (1, 2, 9))\", "
    "\"r\": \"binomial(d > 0, 0.4)\", \"s\": \"pearson(f, d, alternative=less)\", "
    "\"t\": \"fisher(g in ('a', 'b'), h in (1, 2), alternative=greater)\"",
    "\"a\": \"describe([d, f])\", \"b\": \"describe(i, extremes=1)\", \"c\": \"iqr(d)\", "
    "\"e\": \"mad(i)\", \"f\": \"missing([i, b])\", \"g\": \"mode(g, 'a', 'b', 'c')\", "
    "\"h\": \"nunique(i, 0, 1, 2, 3, -4)\", \"i\": \"missing_patterns(g, h, d)\", "
    "\"j\": \"weighted(f, h, weights=frequency)\", "
    "\"k\": \"weighted(d, f, weights=probability)\", "
    "\"l\": \"weighted_ttest(f, g in ('a', 'b'), h, weights=frequency)\", "
    "\"m\": \"weighted_ttest(i, g in ('a', 'c'), h, weights=probability)\", "
    "\"n\": \"smd(f, g in ('a', 'b'))\", \"o\": \"smd(b, g in ('a', 'nobody'))\""};

static const char *const clauses[] = {
    "", "\"group_by\": [{\"column\": \"h\", \"levels\": [1, 2, 9]}],", "\"where\": \"i > -40\",",
    "\"where\": \"i > 1000\",", "\"rows\": \"complete\","};

/* Models: what they explain is sometimes none of their family, or separated. */
static const char *const models[] = {
    "\"a\": \"glm(b, i, f, family=binomial)\"",
    "\"a\": \"glm(abs(i), d, C(g in ('a', 'b', 'c')), family=poisson)\"",
    "\"a\": \"glm(f, i, C(g in ('a', 'c')), intercept=0)\", \"b\": \"ols(d, i, C(h in (1, 2)))\"",
    "\"a\": \"glm(abs(d) + 1, b, abs(i), family=gamma)\"",
    "\"a\": \"glm(d > i, f, d ** 2, family=binomial, level=80)\"",
    "\"a\": \"glm(b, i, f, family=binomial, intercept=0, start=(0, 1e-3), ridge=1e-7, "
    "tolerance=1e-6)\"",
    "\"a\": \"ols(d, i, C(h in (1, 2)) * C(g in ('a', 'b', 'c')), cov=hc1)\", "
    "\"b\": \"glm(b, i, f, family=binomial, cov=hc0)\"",
    "\"a\": \"glm(abs(i), f, family=poisson, weights=abs(d) + 1, offset=f / 9)\", "
    "\"b\": \"ols(d, i, weights=h, cov=hc0)\"",
    "\"a\": \"mnlogit(h in (1, 2, 3), i, d)\"",
    "\"a\": \"glm(b, i, f, family=binomial, link=probit)\", "
    "\"b\": \"glm(b, d, link=probit, family=binomial, weights=h, cov=hc0)\"",
    "\"a\": \"glm(b, i, f, family=binomial, link=cloglog, cov=hc1)\", "
    "\"b\": \"glm(d > i, f, family=binomial, link=cloglog, intercept=0, offset=i / 50)\"",
    "\"a\": \"glm(abs(d) + 1, b, abs(i), family=gamma, link=log, offset=f / 9)\", "
    "\"b\": \"mnlogit(h in (1, 2, 3), i, weights=abs(d) + 1, cov=hc0)\"",
    "\"a\": \"mnlogit(g in ('a', 'c', 'b'), f, C(h in (1, 2)), intercept=0, ridge=1e-8)\"",
};
#define MODELS_LEN (sizeof models / sizeof models[0])

static struct sotto_plan *make_plan(const char *clause, const char *select)
{
    static char json[1 << 14];
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    (void)snprintf(json, sizeof json,
                   "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                   "{\"t\": \"t.csv\"}, %s \"select\": {%s}}",
                   clause, select);
    if (sotto_plan_parse(&plan, json, strlen(json), &err) != SOTTO_OK) {
        fail_msg("%s", err.text);
    }
    return plan;
}

/* kind: what a case's numbers are like: spread, ties everywhere, constant. */
static void random_row(char *out, size_t kind, uint64_t *random)
{
    static const char *const groups[] = {"a", "b", "c", "z", ""};
    static const char *const numbers[] = {"1", "2", "3", ""};
    unsigned spread = kind == 0 ? 100 : kind == 1 ? 3 : 1;
    int i = (int)test_random_below(random, spread) - (kind == 0 ? 50 : 0);
    unsigned d = (unsigned)test_random_below(random, spread);
    bool is_infinite = kind == 0 && test_random_below(random, 3000) == 0;
    (void)snprintf(out, ROW_BYTES, "%s,%s,%d,%s%u.%u,%s%ue-1,%s\n",
                   groups[test_random_below(random, 5)], numbers[test_random_below(random, 4)], i,
                   test_random_below(random, 2) == 0 ? "-" : "", d, d % 10,
                   is_infinite ? "inf\n" : "", d * 7, d % 3 == 0 ? "true" : "false");
    char *cut = strstr(out, "inf\n"); /* an infinite f instead of the number */
    if (cut != NULL) {
        (void)snprintf(cut, ROW_BYTES - (size_t)(cut - out), "inf,true\n");
    }
}

/* What is told of the rows, or why nothing is; ended by sotto_free. */
static char *run_parts(const struct sotto_plan *plan, char *const *parts, size_t parts_len,
                       int threads)
{
    char *json = NULL;
    struct sotto_error err = {0};
    omp_set_num_threads(threads);
    if (test_run(&json, NULL, plan, (const char *const *)parts, parts_len, &err) != SOTTO_OK) {
        return sotto_text_copy(err.text, strlen(err.text));
    }
    char *end = strstr(json, ", \"parties\"");
    assert_non_null(end);
    *end = '\0';
    return json;
}

/* Deals rows out, in an order of their own. Parts may stay empty or get one row. */
static void deal_rows(char **parts, size_t parts_len, char (*rows)[ROW_BYTES], size_t rows_len,
                      uint64_t *random)
{
    for (size_t i = rows_len; i > 1; i--) {
        char row[ROW_BYTES];
        size_t other = test_random_below(random, i);
        memcpy(row, rows[i - 1], ROW_BYTES);
        memcpy(rows[i - 1], rows[other], ROW_BYTES);
        memcpy(rows[other], row, ROW_BYTES);
    }
    for (size_t i = 0; i < parts_len; i++) {
        strcpy(parts[i], header);
    }
    for (size_t i = 0; i < rows_len; i++) {
        strcat(parts[test_random_below(random, 1 + test_random_below(random, parts_len))], rows[i]);
    }
}

static void parts_init(char *parts[PARTS_MAX])
{
    for (size_t i = 0; i < PARTS_MAX; i++) {
        parts[i] = malloc(TEXT_BYTES);
        assert_non_null(parts[i]);
    }
}

static void parts_release(char *parts[PARTS_MAX])
{
    for (size_t i = 0; i < PARTS_MAX; i++) {
        free(parts[i]);
    }
}

/* Answers a plan over rows that the seed draws, and over all splits of them. Returns: the answer,
 * ended by sotto_free. */
static char *run_splits(const struct sotto_plan *plan, char *parts[PARTS_MAX], uint64_t seed,
                        size_t kind)
{
    static const size_t splits[] = {3, 7, 50};
    static char rows[ROWS_MAX][ROW_BYTES];
    uint64_t random = seed;
    size_t rows_len = test_random_below(&random, seed % 3 == 0 ? 8 : ROWS_MAX);
    for (size_t i = 0; i < rows_len; i++) {
        random_row(rows[i], kind, &random);
    }
    deal_rows(parts, 1, rows, rows_len, &random);
    char *whole = run_parts(plan, parts, 1, 1);
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
        deal_rows(parts, splits[i], rows, rows_len, &random);
        char *split = run_parts(plan, parts, splits[i], 1 + (int)(seed % 2));
        assert_string_equal(whole, split);
        sotto_free(split);
    }
    return whole;
}

static void test_splits_give_the_same_bits(void **state)
{
    char *parts[PARTS_MAX];
    (void)state;
    parts_init(parts);
    /* 30 cases have each clause with each kind of rows and each list of outputs. */
    for (uint64_t seed = 0, cases = test_cases(30); seed < cases; seed++) {
        struct sotto_plan *plan = make_plan(clauses[seed % 5], selects[seed / 15 % 2]);
        char *whole = run_splits(plan, parts, seed, (size_t)(seed / 5 % 3));
        assert_memory_equal(whole, "{", 1);
        sotto_free(whole);
        sotto_plan_free(plan);
    }
    parts_release(parts);
}

/* Every step of a model is: so are its errors. */
static void test_models_give_the_same_bits(void **state)
{
    char *parts[PARTS_MAX];
    size_t fits_len = 0;
    size_t cases = test_cases(26);
    (void)state;
    parts_init(parts);
    for (uint64_t seed = 0; seed < cases; seed++) {
        const char *clause = clauses[seed / 4 % (sizeof clauses / sizeof clauses[0])];
        struct sotto_plan *plan = make_plan(clause, models[seed % MODELS_LEN]);
        char *whole = run_splits(plan, parts, seed, (size_t)(seed / 13 % 2));
        fits_len += strstr(whole, "\"iterations\": {\"value\"") != NULL;
        sotto_free(whole);
        sotto_plan_free(plan);
    }
    parts_release(parts);
    assert_true(cases < 26 || fits_len > 5);
}

/* FNV-1a */
static uint64_t digest(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++) {
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001B3);
    }
    return hash;
}

/* The numbers that stand here are those of every instruction set. */
static void test_models_give_the_same_bits_on_every_cpu(void **state)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    char *parts[PARTS_MAX];
    (void)state;
    parts_init(parts);
    for (size_t i = 0; i < MODELS_LEN; i++) {
        struct sotto_plan *plan = make_plan("", models[i]);
        char *whole = run_splits(plan, parts, 100 + i, 0);
        hash = digest(hash, whole);
        sotto_free(whole);
        sotto_plan_free(plan);
    }
    parts_release(parts);
    assert_int_equal(hash, UINT64_C(0x28efe876d2d2348));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_splits_give_the_same_bits),
        cmocka_unit_test(test_models_give_the_same_bits),
        cmocka_unit_test(test_models_give_the_same_bits_on_every_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
