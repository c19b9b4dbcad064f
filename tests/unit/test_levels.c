/* SPDX-License-Identifier: Apache-2.0 */

/* Bins and levels: hist, value_counts and the groups of a plan count the same rows. */

#include "files.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>

#define VALUES_MAX 4200

/* The result of the outputs by the key (NULL: none) over the parties' texts. */
static char *result_of(const char *const *outputs, size_t outputs_len, const char *by,
                       const char *const *texts, size_t texts_len)
{
    static const char *const alias = "t";
    static const char *const file = "t.csv";
    struct sotto_plan_parts parts = {.name = "test",
                                     .dataset_aliases = &alias,
                                     .dataset_files = &file,
                                     .datasets_len = 1,
                                     .outputs = outputs,
                                     .outputs_len = outputs_len,
                                     .by = &by,
                                     .by_len = by != NULL};
    char *json = NULL;
    char *result = NULL;
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    if (sotto_plan_compose(&json, &parts, &err) != SOTTO_OK ||
        sotto_plan_parse(&plan, json, strlen(json), &err) != SOTTO_OK ||
        test_run(&result, NULL, plan, texts, texts_len, &err) != SOTTO_OK) {
        print_error("%s\n", err.text);
        fail();
    }
    sotto_plan_free(plan);
    sotto_free(json);
    return result;
}

/* The values of a result's first output. Returns: how many. */
static size_t read_values(long *out, const char *result)
{
    size_t len = 0;
    const char *end = strstr(result, "\"parties\"");
    const char *at = strstr(result, "\"values\": [");
    assert_non_null(at);
    while ((at = strstr(at, "{\"value\": ")) != NULL && at < end) {
        assert_true(len < VALUES_MAX);
        at += strlen("{\"value\": ");
        out[len++] = strtol(at, NULL, 10);
    }
    return len;
}

/* --- Bins --- */

/* hist(column, edges) and the groups of the same bins count what is said; row (other) is last. */
static void bins_count(const char *edges, const char *const *texts, size_t texts_len,
                       const long *counts, size_t counts_len)
{
    char hist[200];
    char by[200];
    long values[VALUES_MAX];
    const char *const output = "n=count(x)";
    const char *const bins = hist;
    (void)snprintf(hist, sizeof hist, "n=hist(x, %s)", edges);
    (void)snprintf(by, sizeof by, "hist(x, %s, other)", edges);
    char *of_hist = result_of(&bins, 1, NULL, texts, texts_len);
    char *of_groups = result_of(&output, 1, by, texts, texts_len);
    assert_int_equal(read_values(values, of_hist), counts_len);
    assert_memory_equal(values, counts, counts_len * sizeof *counts);
    assert_int_equal(read_values(values, of_groups), counts_len + 1);
    assert_memory_equal(values, counts, counts_len * sizeof *counts);
    sotto_free(of_hist);
    sotto_free(of_groups);
}

/* 0.1, 0.3 and 0.7 are no doubles: 0.1 and 0.7 are read as more, 0.3 as less. */
static void test_edges_that_doubles_cannot_hold(void **state)
{
    (void)state;
    static const char *const doubles[] = {"x\n0.3e0\n0.1e0\n0.7e0\n"};
    static const char *const mixed[] = {"x\n0.3\n0.1\n", "x\n0.7e0\n", "x\n"};
    static const char *const decimals[] = {"x\n0.3\n0.1\n0.7\n"};
    static const long three[] = {1, 1, 1};
    static const long both_edges[] = {1};
    const struct {
        const char *const *texts;
        size_t len;
    } tables[] = {{doubles, 1}, {mixed, 3}, {decimals, 1}};
    for (size_t i = 0; i < 3; i++) {
        bins_count("0, 0.3, 0.7, 1", tables[i].texts, tables[i].len, three, 3);
        bins_count("0, 0.1, 0.3, 0.7", tables[i].texts, tables[i].len, (const long[]){0, 1, 2}, 3);
        bins_count("0, 0.1", tables[i].texts, tables[i].len, both_edges, 1);
        bins_count("0.7, 1", tables[i].texts, tables[i].len, both_edges, 1);
        bins_count("0.05e1, 7e-1", tables[i].texts, tables[i].len, both_edges, 1);
    }
}

/* As exact numbers they differ from the edge; as doubles all of them are the nearest one. */
static void test_the_agreed_type_decides_what_an_edge_is(void **state)
{
    (void)state;
    static const char *const decimals[] = {"x\n0.300000000000000000\n0.299999999999999999\n"};
    static const char *const mixed[] = {"x\n0.300000000000000000\n0.299999999999999999\n",
                                        "x\n1e0\n"};
    bins_count("0, 0.3, 1", decimals, 1, (const long[]){1, 1}, 2);
    bins_count("0, 0.3, 1", mixed, 2, (const long[]){0, 3}, 2);
    bins_count("0, 0.299999999999999999, 0.3", mixed, 2, (const long[]){0, 2}, 2);
}

static void test_edges_at_the_ends_of_doubles(void **state)
{
    (void)state;
    static const char *const ends[] = {"x\n1.7976931348623157e308\ninf\n-inf\n-0e0\n0e0\n5e-324\n"};
    bins_count("0, 1.7976931348623157e308", ends, 1, (const long[]){4}, 1);
    bins_count("0, 1e309", ends, 1, (const long[]){5}, 1);
    bins_count("-1e300, 0, 5e-324", ends, 1, (const long[]){0, 3}, 2);
}

/* A linear congruential generator: the same numbers everywhere. */
static unsigned draw(unsigned *seed, unsigned below)
{
    *seed = *seed * 1103515245U + 12345U;
    return (*seed >> 16) % below;
}

/* Tenths and hundredths, half of them at edges, at parties that hold them exactly or as doubles. */
static void test_groups_count_as_hist_does(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (int trial = 0; trial < 200; trial++) {
        char texts[2][2000] = {"x\n", "x\n"};
        const char *const parties[] = {texts[0], texts[1]};
        char edges[100];
        long counts[4] = {0};
        unsigned at[5] = {draw(&seed, 40)};
        for (size_t i = 1; i < 5; i++) {
            at[i] = at[i - 1] + 1 + draw(&seed, 30);
        }
        (void)snprintf(edges, sizeof edges, "0.%03u, 0.%03u, 0.%03u, 0.%03u, 0.%03u", at[0], at[1],
                       at[2], at[3], at[4]);
        for (int row = 0; row < 60; row++) {
            unsigned value = draw(&seed, 2) == 0 ? at[draw(&seed, 5)] : draw(&seed, 200);
            size_t party = draw(&seed, 2);
            size_t bytes = strlen(texts[party]);
            (void)snprintf(texts[party] + bytes, sizeof texts[party] - bytes, "0.%03u%s\n", value,
                           party == 1 && trial % 2 == 0 ? "e0" : "");
            for (size_t i = 0; i < 4; i++) {
                counts[i] += value >= at[i] && (value < at[i + 1] || (i == 3 && value == at[4]));
            }
        }
        bins_count(edges, parties, 2, counts, 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges_that_doubles_cannot_hold),
        cmocka_unit_test(test_the_agreed_type_decides_what_an_edge_is),
        cmocka_unit_test(test_edges_at_the_ends_of_doubles),
        cmocka_unit_test(test_groups_count_as_hist_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
