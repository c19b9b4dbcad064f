/* SPDX-License-Identifier: Apache-2.0 */

/* Parts of a party's rows, made anywhere and merged in any tree, are the contribution of all of its
 * rows: sums to the bit, what evidence says, and what rules say to it; the result is that of one
 * file. Rounds may cut the rows into other parts. */

#include "cases.h"
#include "files.h"
#include "parts.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/disclosure.h>
#include <stdio.h>
#include <stdlib.h>

#define PARTS_MAX 9
#define ROWS_MAX 200
#define ROW_BYTES 96
#define TEXT_BYTES (ROWS_MAX * ROW_BYTES)

static const char header[] = "g,h,i,d,f,b\n";

/* All kinds of sums, counts and methods. */
static const char *const selects[] = {
    "\"a\": \"mean(i)\", \"b\": \"var(f)\", \"c\": \"sum(d * f)\", \"e\": \"count(b)\", "
    "\"f\": \"corr(i, f)\", \"g\": \"sum((f - mean(f)) ** 2)\"",
    "\"a\": \"median(f)\", \"b\": \"quantile(i, 0.9)\", \"c\": \"iqr(d)\", \"e\": \"quantile(d, "
    "0)\", "
    "\"f\": \"mad(i)\"",
    "\"a\": \"median(f, exact=1)\", \"b\": \"hist(d, 0, 10, 50)\"",
    "\"a\": \"hist(d, 0, 10, 50)\", \"b\": \"value_counts(g, 'a', 'b')\", "
    "\"c\": \"crosstab(g in ('a', 'b'), h in (1, 2))\", \"e\": \"mode(h, 1, 2)\"",
    "\"a\": \"ttest(d, g in ('a', 'b'))\", \"b\": \"anova(f, g in ('a', 'b', 'c'))\", "
    "\"c\": \"pearson(i, f)\", \"e\": \"describe(d)\", \"f\": \"missing([i, b])\"",
    "\"a\": \"glm(b, i, f, family=binomial)\"",
    "\"a\": \"ols(d, i, C(h in (1, 2)), cov=hc1)\", \"b\": \"weighted(f, h, weights=frequency)\"",
    "\"a\": \"glm(abs(i), d, C(g in ('a', 'b', 'c')), family=poisson)\""};
#define SELECTS_LEN (sizeof selects / sizeof selects[0])

static const char *const clauses[] = {
    "", "\"group_by\": [{\"column\": \"h\", \"levels\": [1, 2, 9]}],", "\"where\": \"i > -40\",",
    "\"where\": \"d > 20 and f < 30\",", "\"rows\": \"complete\","};

/* kind: what numbers are like: spread, ties everywhere, huge. */
static void random_row(char out[ROW_BYTES], size_t kind, uint64_t *random)
{
    static const char *const groups[] = {"a", "b", "c", "z", ""};
    static const char *const numbers[] = {"1", "2", "3", ""};
    static const char *const odd[] = {"", "-0.0", "inf", "5e-324", "1e300"};
    unsigned spread = kind == 1 ? 3 : 100;
    char real[32];
    (void)snprintf(real, sizeof real, "%ue-1", 7 * (unsigned)test_random_below(random, spread));
    bool is_odd = kind == 2 && test_random_below(random, 30) == 0;
    (void)snprintf(
        out, ROW_BYTES, "%s,%s,%d,%s%u.%u,%s,%s\n", groups[test_random_below(random, 5)],
        numbers[test_random_below(random, 4)], (int)test_random_below(random, spread) - 50,
        test_random_below(random, 3) == 0 ? "-" : "", (unsigned)test_random_below(random, spread),
        (unsigned)test_random_below(random, 10), is_odd ? odd[test_random_below(random, 5)] : real,
        test_random_below(random, 2) == 0 ? "true" : "false");
}

/* --- Parts == the whole --- */

/* Cuts rows into parts, some empty, and puts these together. */
static struct sotto_buffer merge_parts(const struct sotto_round *round, char (*rows)[ROW_BYTES],
                                       size_t rows_len, uint64_t *random)
{
    static char texts[PARTS_MAX][TEXT_BYTES];
    struct sotto_buffer parts[PARTS_MAX];
    struct sotto_error err = {0};
    size_t len = 1 + test_random_below(random, PARTS_MAX);
    for (size_t i = 0; i < len; i++) {
        strcpy(texts[i], header);
    }
    for (size_t i = 0; i < rows_len; i++) {
        strcat(texts[test_random_below(random, 1 + test_random_below(random, len))], rows[i]);
    }
    for (size_t i = 0; i < len; i++) {
        struct sotto_part_place place = test_place;
        place.part = (uint32_t)i + 1;
        place.parts_len = (uint32_t)len;
        if (test_make_part(&parts[i], round, texts[i], &place, &err) != SOTTO_OK) {
            fail_msg("%s", err.text);
        }
    }
    test_merge_tree(parts, len, random);
    return parts[0];
}

/* A round after it went through its text. */
static void write_and_read(struct sotto_round **round, const char *plan)
{
    char *text = NULL;
    char *again = NULL;
    struct sotto_error err = {0};
    struct sotto_round *copy = NULL;
    assert_ok(sotto_round_write(*round, &text, NULL));
    if (sotto_round_read(&copy, plan, strlen(plan), text, strlen(text), &err) != SOTTO_OK) {
        fail_msg("%s", err.text);
    }
    assert_ok(sotto_round_write(copy, &again, NULL));
    assert_string_equal(text, again);
    sotto_free(text);
    sotto_free(again);
    sotto_round_free(*round);
    *round = copy;
}

/* A party's part says what a contribution of all of its rows says. */
static void compare_contributions(const struct sotto_round *round, const struct sotto_buffer *party,
                                  struct sotto_source *whole)
{
    struct sotto_contribution *given = NULL;
    struct sotto_contribution *own = NULL;
    struct sotto_error err = {0};
    const struct sotto_part_bytes bytes = test_bytes_of(party);
    if (sotto_round_contribution(round, &given, &bytes, &test_evidence_judge, &err) != SOTTO_OK) {
        fail_msg("%s", err.text);
    }
    assert_ok(sotto_contribution_new(&own, round->driver, &test_evidence_judge, NULL));
    assert_ok(sotto_contribution_add(own, whole, 0, NULL));
    assert_memory_equal(given->limbs, own->limbs, own->limbs_len * sizeof *own->limbs);
    char *of_parts = test_evidence(round->driver, given);
    char *of_all = test_evidence(round->driver, own);
    assert_string_equal(of_parts, of_all);
    sotto_contribution_free(given);
    given = NULL;
    assert_ok(sotto_round_contribution(round, &given, &bytes, NULL, NULL)); /* whatever min_rows */
    assert_memory_equal(given->limbs, own->limbs, own->limbs_len * sizeof *own->limbs);
    sotto_free(of_parts);
    sotto_free(of_all);
    sotto_contribution_free(given);
    sotto_contribution_free(own);
}

/* What a judge says of a contribution; words is ended by sotto_free. */
struct verdict {
    enum sotto_status status;
    uint8_t withheld[8]; /* groups */
    char *words;
};

static struct verdict judge(struct sotto_contribution *contribution)
{
    struct verdict found = {0};
    struct sotto_error err = {0};
    assert_true(sotto_driver_groups_len(contribution->driver) <= sizeof found.withheld);
    found.status = sotto_contribution_judge(contribution, found.withheld, &err);
    found.words = sotto_text_copy(err.text, strlen(err.text));
    return found;
}

/* The rules of a profile say the same of a party's part as of all of its rows, and leave the same
 * of its sums. */
static enum sotto_status compare_verdicts(const struct sotto_round *round,
                                          const struct sotto_buffer *party,
                                          struct sotto_source *whole, enum sotto_profile profile)
{
    struct sotto_rules rules;
    struct sotto_disclosure disclosure;
    struct sotto_contribution *given = NULL;
    struct sotto_contribution *own = NULL;
    const struct sotto_part_bytes bytes = test_bytes_of(party);
    sotto_rules_init(&rules, profile);
    rules.min_rows = test_place.min_rows;
    sotto_disclosure_init(&disclosure, &rules, 4711);
    const struct sotto_judge *judged = sotto_disclosure_judge(&disclosure);
    assert_ok(sotto_round_contribution(round, &given, &bytes, judged, NULL));
    assert_ok(sotto_contribution_new(&own, round->driver, judged, NULL));
    assert_ok(sotto_contribution_add(own, whole, 0, NULL));
    struct verdict of_parts = judge(given);
    struct verdict of_all = judge(own);
    assert_int_equal(of_parts.status, of_all.status);
    assert_string_equal(of_parts.words, of_all.words);
    assert_memory_equal(of_parts.withheld, of_all.withheld, sizeof of_all.withheld);
    assert_memory_equal(given->limbs, own->limbs, own->limbs_len * sizeof *own->limbs);
    sotto_free(of_parts.words);
    sotto_free(of_all.words);
    sotto_contribution_free(given);
    sotto_contribution_free(own);
    return of_all.status;
}

/* Parts are the same bytes however often they pass through. */
static void compare_bytes(const struct sotto_buffer *party)
{
    struct sotto_buffer again;
    const struct sotto_part_bytes bytes = test_bytes_of(party);
    assert_ok(sotto_part_merge(&again, &bytes, 1, NULL, NULL));
    assert_int_equal(again.data_bytes, party->data_bytes);
    assert_memory_equal(again.data, party->data, party->data_bytes);
    sotto_buffer_release(&again);
}

/* Of all rounds; in so many of them safe rules refused. */
static size_t judged_len;
static size_t refused_len;

/* The result of all rounds, or why there is none; ended by sotto_free. */
static char *run_parts(const char *plan, const char *whole, char (*rows)[ROW_BYTES],
                       size_t rows_len, uint64_t *random)
{
    struct sotto_round *round = NULL;
    struct sotto_error err = {0};
    struct test_text all = test_open_text(whole);
    char *json = NULL;
    assert_ok(sotto_round_new(&round, plan, strlen(plan), NULL));
    enum sotto_status status = SOTTO_OK;
    while (status == SOTTO_OK && !sotto_round_is_over(round)) {
        struct sotto_buffer party = merge_parts(round, rows, rows_len, random);
        const struct sotto_part_bytes bytes = test_bytes_of(&party);
        compare_bytes(&party);
        if (round->driver != NULL) {
            compare_contributions(round, &party, all.source);
            enum sotto_status of_safe =
                compare_verdicts(round, &party, all.source, SOTTO_PROFILE_SAFE);
            (void)compare_verdicts(round, &party, all.source, SOTTO_PROFILE_OPEN);
            refused_len += of_safe == SOTTO_ERROR_REFUSED;
            judged_len++;
            write_and_read(&round, plan);
        }
        status = sotto_round_advance(round, &bytes, &err);
        sotto_buffer_release(&party);
    }
    if (status == SOTTO_OK) {
        assert_ok(sotto_round_result(round, &json, NULL));
    } else {
        json = sotto_text_copy(err.text, strlen(err.text));
    }
    test_close_text(&all);
    sotto_round_free(round);
    return json;
}

static char *run_whole(const char *plan_json, const char *whole)
{
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    char *json = NULL;
    if (sotto_plan_parse(&plan, plan_json, strlen(plan_json), &err) != SOTTO_OK) {
        fail_msg("%s", err.text);
    }
    if (test_run(&json, NULL, plan, &whole, 1, &err) != SOTTO_OK) {
        json = sotto_text_copy(err.text, strlen(err.text));
    }
    sotto_plan_free(plan);
    return json;
}

static void test_parts_are_the_whole(void **state)
{
    static char rows[ROWS_MAX][ROW_BYTES];
    static char whole[TEXT_BYTES];
    size_t results_len = 0;
    size_t cases = test_cases(24);
    (void)state;
    for (uint64_t seed = 0; seed < cases; seed++) {
        char plan[TEST_PLAN_BYTES];
        uint64_t random = seed;
        size_t rows_len = test_random_below(&random, seed % 7 == 0 ? 8 : ROWS_MAX);
        test_write_plan(plan, clauses[seed % 5], selects[seed % SELECTS_LEN]);
        strcpy(whole, header);
        for (size_t i = 0; i < rows_len; i++) {
            random_row(rows[i], seed % 3, &random);
            strcat(whole, rows[i]);
        }
        char *of_all = run_whole(plan, whole);
        char *of_parts = run_parts(plan, whole, rows, rows_len, &random);
        assert_string_equal(of_all, of_parts);
        results_len += *of_all == '{';
        sotto_free(of_all);
        sotto_free(of_parts);
    }
    assert_true(cases < 24 || results_len > 14);
    assert_true(cases < 24 || (refused_len > 5 && judged_len - refused_len > 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_are_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
