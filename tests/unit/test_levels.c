/* SPDX-License-Identifier: Apache-2.0 */

/* Bins and levels: hist, value_counts and the groups of a plan count the same rows. */

#include "cases.h"
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
    for (size_t trial = 0, cases = test_cases(200); trial < cases; trial++) {
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

/* --- As many as are promised --- */

/* before, then len multiples of step in a form of printf, then after. Ended by free. */
static char *numbered(const char *before, size_t len, double step, const char *form,
                      const char *after)
{
    size_t capacity = strlen(before) + strlen(after) + 40 * len + 1;
    char *text = malloc(capacity);
    assert_non_null(text);
    size_t bytes = (size_t)snprintf(text, capacity, "%s", before);
    for (size_t i = 0; i < len; i++) {
        bytes += (size_t)snprintf(text + bytes, capacity - bytes, i > 0 ? ", " : "");
        bytes += (size_t)snprintf(text + bytes, capacity - bytes, form, (double)i * step);
    }
    (void)snprintf(text + bytes, capacity - bytes, "%s", after);
    return text;
}

/* There are len values: the three counts, over and over. */
static void counts_of_all(const char *output, const char *by, const char *table, size_t len,
                          const long *counts)
{
    long *values = calloc(VALUES_MAX, sizeof *values);
    assert_non_null(values);
    char *result = result_of(&output, 1, by, &table, 1);
    assert_int_equal(read_values(values, result), len);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(values[i], counts[i % 3]);
    }
    sotto_free(result);
    free(values);
}

/* A table of x and y = 1: multiples of step, each as often as the three counts say over and over.
 */
static char *table_of(size_t len, double step, const char *form, const long *counts)
{
    char *table = malloc(len * 64 + 16);
    assert_non_null(table);
    size_t bytes = (size_t)snprintf(table, 16, "x,y\n");
    for (size_t i = 0; i < len; i++) {
        for (long j = 0; j < counts[i % 3]; j++) {
            bytes += (size_t)snprintf(table + bytes, 24, form, (double)i * step);
            bytes += (size_t)snprintf(table + bytes, 8, ",1\n");
        }
    }
    return table;
}

static void test_as_many_levels_as_are_promised(void **state)
{
    (void)state;
    static const long counts[] = {1, 0, 2};
    const struct {
        double step;
        const char *form; /* in the file */
        const char *level;
    } kinds[] = {{1, "%.0f", "%.0f"},
                 {0.25, "%.2f", "%g"},
                 {-0.25, "%.2f", "%.3f"},
                 {1, "town %.0f", "'town %.0f'"}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char *table = table_of(4096, kinds[i].step, kinds[i].form, counts);
        char *output = numbered("value_counts(x, ", 4096, kinds[i].step, kinds[i].level, ")");
        char *by = numbered("x in (", 4096, kinds[i].step, kinds[i].level, ")");
        counts_of_all(output, NULL, table, 4096, counts);
        counts_of_all("sum(y)", by, table, 4096, counts);
        free(table);
        free(output);
        free(by);
    }
    char *doubles = table_of(4096, 0.1, "%.1fe0", counts);
    char *output = numbered("value_counts(x, ", 4096, 0.1, "%.1f", ")");
    counts_of_all(output, NULL, doubles, 4096, counts);
    free(output);
    free(doubles);
}

static void test_as_many_edges_as_are_promised(void **state)
{
    (void)state;
    static const long counts[] = {1, 0, 2};
    static const size_t lens[] = {257, 4096};
    for (size_t i = 0; i < 2; i++) {
        for (int form = 0; form < 2; form++) {
            size_t len = lens[i];
            char *table = table_of(len - 1, 0.1, form == 0 ? "%.1f" : "%.1fe0", counts);
            char *output = numbered("hist(x, ", len, 0.1, "%.1f", ")");
            char *by = numbered("hist(x, ", len, 0.1, "%.1f", ")");
            counts_of_all(output, NULL, table, len - 1, counts);
            counts_of_all("count(x)", by, table, len - 1, counts);
            free(table);
            free(output);
            free(by);
        }
    }
}

static void test_more_levels_are_refused(void **state)
{
    (void)state;
    char *outputs[] = {numbered("value_counts(x, ", 4097, 1, "%.0f", ")"),
                       numbered("hist(x, ", 4097, 1, "%.0f", ")")};
    char *by[] = {numbered("x in (", 4097, 1, "%.0f", ")"),
                  numbered("hist(x, ", 4097, 1, "%.0f", ")")};
    for (size_t i = 0; i < 2; i++) {
        const char *const file = "t.csv";
        const char *const output = outputs[i];
        const char *const one = by[i];
        struct sotto_plan_parts parts = {.name = "test",
                                         .dataset_aliases = &file,
                                         .dataset_files = &file,
                                         .datasets_len = 1,
                                         .outputs = &output,
                                         .outputs_len = 1};
        parts.dataset_aliases = (const char *const[]){"t"};
        char *json = NULL;
        struct sotto_plan *plan = NULL;
        struct sotto_error err = {0};
        assert_ok(sotto_plan_compose(&json, &parts, &err));
        assert_int_equal(sotto_plan_parse(&plan, json, strlen(json), &err), SOTTO_ERROR_LIMIT);
        assert_contains(err.text, "at most 4096 levels or edges");
        sotto_free(json);
        parts.by = &one;
        parts.by_len = 1;
        assert_int_equal(sotto_plan_compose(&json, &parts, &err), SOTTO_ERROR_LIMIT);
        assert_contains(err.text, "at most 4096 levels or edges");
        free(outputs[i]);
        free(by[i]);
    }
}

/* The JSON plan's forms of a key are the command line's. */
static void test_groups_of_booleans(void **state)
{
    (void)state;
    static const char *const table = "x,b\n1,true\n2,false\n4,true\n8,\n";
    static const char *const output = "sum(x)";
    static const struct {
        const char *by;
        size_t len;
        long values[3];
    } cases[] = {{"b in (true, false)", 2, {5, 2}},
                 {"b in (false, true)", 2, {2, 5}},
                 {"b in (true, other)", 2, {5, 2}},
                 {"`b` in (true, false, other)", 3, {5, 2, 0}},
                 {"t.b in (true, false)", 2, {5, 2}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        long values[VALUES_MAX];
        char *result = result_of(&output, 1, cases[i].by, &table, 1);
        assert_int_equal(read_values(values, result), cases[i].len);
        assert_memory_equal(values, cases[i].values, cases[i].len * sizeof *values);
        sotto_free(result);
    }
}

/* --- NA words --- */

/* Whether a file with these NA words (NULL: the default ones) can be asked this. */
static enum sotto_status check_words_of(const char *text, bool decimal_comma, const char *key,
                                        const char *output, const char *const *na, size_t na_len,
                                        struct sotto_error *err)
{
    char json[400];
    struct sotto_plan *plan = NULL;
    struct sotto_csv *file = NULL;
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_schema offer = {0};
    struct sotto_csv_options options = {
        .decimal_comma = decimal_comma, .na_words = na, .na_words_len = na_len};
    (void)snprintf(json, sizeof json,
                   "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                   "{\"t\": \"t.csv\"}, %s \"select\": {\"m\": \"%s\"}}",
                   key, output);
    assert_ok(sotto_plan_parse(&plan, json, strlen(json), err));
    assert_ok(sotto_csv_open_fd(&file, test_file(text, strlen(text)), "t.csv", &options, err));
    assert_ok(sotto_csv_catalogue(file, &catalogue, err));
    assert_ok(sotto_schema_offer(&offer, plan, (const struct sotto_catalogue *[]){catalogue}, err));
    enum sotto_status status = sotto_schema_check_words(plan, &offer, &file, err);
    sotto_schema_release(&offer);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(file);
    sotto_plan_free(plan);
    return status;
}

static enum sotto_status check_words(const char *key, const char *output, const char *const *na,
                                     size_t na_len, struct sotto_error *err)
{
    return check_words_of("country,v\nNA,1\nDE,2\n", false, key, output, na, na_len, err);
}

/* A word that a file reads as missing is no value there; another file may have it. */
static void test_texts_that_are_read_as_missing(void **state)
{
    (void)state;
    static const char *const none[] = {""};
    static const char *const own[] = {"DE", "unknown"};
    static const struct {
        const char *key;
        const char *output;
    } questions[] = {
        {"", "value_counts(country, 'DE', '%s')"},
        {"", "sum(country == '%s')"},
        {"", "sum('%s' != country)"},
        {"", "sum(if(t.country in ('x', '%s'), v, 0))"},
        {"\"where\": \"not country in ('%s')\",", "sum(v)"},
        {"\"group_by\": [{\"column\": \"country\", \"levels\": [\"FR\", \"%s\"]}],", "sum(v)"},
    };
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        for (size_t word = 0; word < 3; word++) {
            static const char *const words[] = {"NA", "unknown", "ZA"};
            char key[200];
            char output[200];
            struct sotto_error err = {0};
            (void)snprintf(key, sizeof key, questions[i].key, words[word]);
            (void)snprintf(output, sizeof output, questions[i].output, words[word]);
            enum sotto_status by_default = check_words(key, output, NULL, 0, &err);
            assert_int_equal(by_default, word == 0 ? SOTTO_ERROR_PLAN : SOTTO_OK);
            if (word == 0) {
                assert_contains(err.text, "\"NA\" is an NA word of t.csv: where column country");
                assert_contains(err.text, "with --na");
            }
            assert_ok(check_words(key, output, none, 1, &err));
            if (i > 0) { /* DE is one of its own words */
                assert_int_equal(check_words(key, output, own, 2, &err),
                                 word == 1 ? SOTTO_ERROR_PLAN : SOTTO_OK);
            }
        }
    }
    struct sotto_error err = {0};
    assert_int_equal(check_words("", "sum(country == '')", NULL, 0, &err), SOTTO_ERROR_PLAN);
    assert_contains(err.text, "Ask isna(...)");
    assert_ok(check_words("", "sum(v == 1) + sum(if(isna(country), v, 0))", NULL, 0, &err));
}

/* A number or a boolean is the word that is the same one, however either is written. */
static void test_numbers_and_booleans_that_are_read_as_missing(void **state)
{
    (void)state;
    static const char *const words[] = {"-999", "1.50", "0", "True"};
    static const char text[] = "n,d,s,b,e,m\n-999,0.5,x,False,0,-999\n5,2.5,00,FALSE,0,0\n";
    static const struct {
        const char *key;
        const char *output;
        const char *word; /* that the refusal names; NULL: none */
    } cases[] = {
        {"", "sum(n == -999)", "-999 is an NA word of t.csv: where column n"},
        {"", "sum(-999.0 != n)", "-999.0 is an NA word of t.csv, written -999: where column n"},
        {"", "sum(n == -(9.99e2))", "-9.99e2 is an NA word of t.csv, written -999"},
        {"", "sum(n == 999)", NULL},
        {"", "sum(d == 1.5)", "1.5 is an NA word of t.csv, written 1.50: where column d"},
        {"", "sum(d in (2.5, 15e-1))", "15e-1 is an NA word"},
        {"", "sum(if(d == .15e1, 1, 0))", ".15e1 is an NA word"},
        {"", "sum(if(d == 1.51, 1, 0))", NULL},
        {"", "sum(float(d) == 1.5)", "1.5 is an NA word"},
        {"", "sum([n, d] == 1.5)", "1.5 is an NA word of t.csv, written 1.50: where column n"},
        {"", "value_counts(d, 2.5, 1.500)", "1.500 is an NA word"},
        {"", "value_counts(b, 0, 1)", "1 is an NA word of t.csv, written True: where column b"},
        {"", "value_counts(b, 0)", NULL},
        {"", "sum(b == 1.0)", "1.0 is an NA word of t.csv, written True: where column b"},
        {"", "sum(10e-1 != b)", "10e-1 is an NA word of t.csv, written True"},
        {"", "sum(b == 0.0)", NULL},
        {"", "value_counts(e, 1)", NULL},
        {"", "sum(e == -0)", "-0 is an NA word of t.csv, written 0"},
        {"", "sum(n >= -999) + sum(n > 0)", NULL},
        {"", "hist(n, -999, 0, 5)", NULL},
        {"", "sum(fillna(n, -999))", NULL},
        {"", "sum(s == '00')", NULL},
        {"", "sum(s == '0')", "\"0\" is an NA word of t.csv: where column s"},
        {"\"where\": \"n == -999\",", "sum(d)", "-999 is an NA word"},
        {"\"group_by\": [{\"column\": \"n\", \"levels\": [5, -999]}],", "sum(d)",
         "-999 is an NA word of t.csv: where column n"},
        {"\"group_by\": [{\"column\": \"n\", \"levels\": [\"-999.0\"]}],", "sum(d)",
         "\"-999.0\" is an NA word of t.csv, written -999: where column n"},
        {"\"group_by\": [{\"column\": \"b\", \"levels\": [false, true]}],", "sum(d)",
         "true is an NA word of t.csv, written True: where column b"},
        {"\"group_by\": [{\"column\": \"b\", \"levels\": [false]}],", "sum(d)", NULL},
        {"\"group_by\": [{\"column\": \"m\", \"levels\": [\"-999.0\"]}],", "sum(d)",
         "\"-999.0\" is an NA word of t.csv, written -999: where column m"},
        {"\"group_by\": [{\"column\": \"n\", \"bins\": [-999, 0]}],", "sum(d)", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sotto_error err = {0};
        enum sotto_status status =
            check_words_of(text, false, cases[i].key, cases[i].output, words, 4, &err);
        if ((status == SOTTO_OK) != (cases[i].word == NULL)) {
            print_error("%s %s: %s\n", cases[i].key, cases[i].output, err.text);
        }
        assert_int_equal(status, cases[i].word == NULL ? SOTTO_OK : SOTTO_ERROR_PLAN);
        if (cases[i].word != NULL) {
            assert_contains(err.text, cases[i].word);
        }
    }
    struct sotto_error err = {0};
    static const char *const comma[] = {"-1,5"};
    assert_int_equal(check_words_of("x\n2,5\n", true, "", "sum(x == -1.50)", comma, 1, &err),
                     SOTTO_ERROR_PLAN);
    assert_contains(err.text, "-1.50 is an NA word of t.csv, written -1,5: where column x");
}

/* --- Levels that nobody has --- */

static void warns(const char *output, const char *by, const char *const *texts, size_t texts_len,
                  const char *warnings)
{
    char part[400];
    char *result = result_of(&output, 1, by, texts, texts_len);
    (void)snprintf(part, sizeof part, "\"warnings\": [%s]}", warnings);
    assert_contains(result, part);
    sotto_free(result);
}

static void test_levels_that_nobody_has_are_said(void **state)
{
    (void)state;
    static const char *const texts[] = {"s,i,b,v\nx,1,true,4\ny,2,true,NA\n",
                                        "s,i,b,v\nx,3,NA,-4\n", "s,i,b,v\n"};
    warns("m=value_counts(s, 'x', 'y')", NULL, texts, 3, "");
    warns("m=value_counts(s, 'x', 'Y', 'z')", NULL, texts, 3,
          "\"m: no row that takes part has \\\"Y\\\", \\\"z\\\"\"");
    warns("m=value_counts(i, 9, 1, 8, -7, 6, 5, 4, 3)", NULL, texts, 3,
          "\"m: no row that takes part has 9, 8, -7, 6, 5 and 1 more\"");
    warns("m=value_counts(i, 9) * 2", NULL, texts, 3, "");
    warns("m=hist(i, 0, 1, 5)", NULL, texts, 3, "");
    warns("m=mean(v)", "s in ('x', 'z', other)", texts, 3,
          "\"group_by s: nothing was counted in the groups \\\"z\\\": is the level misspelt?\"");
    warns("m=mean(v)", "s in ('x', 'y')", texts, 3,
          "\"group_by s: nothing was counted in the groups \\\"y\\\": is the level misspelt?\"");
    warns("m=count(i)", "s in ('x', 'y')", texts, 3, "");
    warns("m=var(v)", "i in (1, 3, other)", texts, 3, "");
    warns("m=count(i)", "b in (true, false)", texts, 3,
          "\"group_by b: nothing was counted in the groups false: is the level misspelt?\"");
    warns("m=count(i)", "s in ('x', 'y', other)", texts, 3, "");
    warns("m=count(i)", "hist(i, 0, 1, 2, 9, other)", texts, 3, "");
    warns("m=mean(v - mean(v))", "s in ('x', 'w', other)", texts, 3,
          "\"group_by s: nothing was counted in the groups \\\"w\\\": is the level misspelt?\"");
    warns("m=value_counts(i, 1, 2, 7)", "s in ('x', 'y')", texts, 3,
          "\"m: no row that takes part has 7\"");
}

/* Sums that are 0 say nothing of rows: only counts do. */
static void test_groups_whose_sums_are_0(void **state)
{
    (void)state;
    static const char *const texts[] = {"s,died,x\nA,0,1\nA,0,-1\nB,1,2\nB,0,2\n"};
    static const char *const outputs[] = {
        "m=sum(died)",           "m=any(died)",      "m=sum(died > 1)",
        "m=sum(isna(x))",        "m=dot(died,died)", "m=hist(x,50,60)",
        "m=value_counts(x,1,2)", "m=sum(x)",         "m=count(x)"};
    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
        bool is_counted = strcmp(outputs[i], "m=count(x)") == 0;
        warns(outputs[i], "s in ('A', 'B')", texts, 1, "");
        warns(outputs[i], "s in ('a', 'B', other)", texts, 1,
              is_counted
                  ? "\"group_by s: nothing was counted in the groups \\\"a\\\": is the level "
                    "misspelt?\""
                  : "");
    }
    warns("m=mean(float(x)) + sum(died)", "s in ('A', 'B', 'C')", texts, 1,
          "\"group_by s: nothing was counted in the groups \\\"C\\\": is the level misspelt?\"");
}

/* Of two keys a level is named, and not each pair that nobody has. */
static void test_levels_of_two_keys(void **state)
{
    (void)state;
    static const char json[] =
        "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": {\"t\": "
        "\"t.csv\"}, \"group_by\": [{\"column\": \"s\", \"levels\": [\"x\", \"y\"]}, {\"column\": "
        "\"i\", \"levels\": [1, 2, 3]}], \"select\": {\"m\": \"count(i)\"}}";
    static const char *const text = "s,i\nx,1\ny,2\n";
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    char *result = NULL;
    assert_ok(sotto_plan_parse(&plan, json, strlen(json), &err));
    assert_ok(test_run(&result, NULL, plan, &text, 1, &err));
    assert_contains(result, "\"warnings\": [\"group_by i: nothing was counted in the groups 3: "
                            "is the level misspelt?\"]}");
    sotto_free(result);
    sotto_plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges_that_doubles_cannot_hold),
        cmocka_unit_test(test_the_agreed_type_decides_what_an_edge_is),
        cmocka_unit_test(test_edges_at_the_ends_of_doubles),
        cmocka_unit_test(test_groups_count_as_hist_does),
        cmocka_unit_test(test_as_many_levels_as_are_promised),
        cmocka_unit_test(test_as_many_edges_as_are_promised),
        cmocka_unit_test(test_more_levels_are_refused),
        cmocka_unit_test(test_groups_of_booleans),
        cmocka_unit_test(test_texts_that_are_read_as_missing),
        cmocka_unit_test(test_numbers_and_booleans_that_are_read_as_missing),
        cmocka_unit_test(test_levels_that_nobody_has_are_said),
        cmocka_unit_test(test_groups_whose_sums_are_0),
        cmocka_unit_test(test_levels_of_two_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
