/* SPDX-License-Identifier: Apache-2.0 */

/* Sums of doubles and of their products by group (engine/sums/grouped.c), whose rows come mixed and
 * in stretches of all magnitudes, with missing ones, infinities and zeros: each group's are the
 * sums of its rows alone, which are taken another way. */

#include "cases.h"
#include "engine/contribute/contribute.h"
#include "files.h"
#include "plans.h"
#include "test.h"

#include <math.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

#define GROUPS_MANY 70  /* more than have two sums */
#define GROUPS_MAX 1500 /* more than rows of a block */
#define ROWS_MAX (8 * SOTTO__ROWS_LEN)
#define OUTPUTS_LEN 5

static const char *const outputs[OUTPUTS_LEN] = {"sum(a)", "sum(b)", "dot(a, a)", "dot(a, b)",
                                                 "cov(b, a)"};
static char text[ROWS_MAX * 64];

/* Of a stretch of rows all values are in so many binades, below 2^high. */
struct stretch {
    int high;
    size_t span;
    unsigned of_nothing; /* one in so many is missing, or infinite in a; 0: none */
    bool has_infinities;
};

static struct stretch make_stretch(uint64_t *random)
{
    static const int highs[] = {3, 3, 3, 20, 300, 1010, -200, -1040};
    static const size_t spans[] = {0, 12, 40, 200, 1};
    return (struct stretch){.high = highs[test_random_below(random, 8)],
                            .span = spans[test_random_below(random, 5)],
                            .of_nothing = (unsigned)test_random_below(random, 3) * 20,
                            .has_infinities = test_random_below(random, 6) == 0};
}

static size_t write_value(char *out, const struct stretch *stretch, bool is_first, uint64_t *random)
{
    if (stretch->of_nothing > 0 && test_random_below(random, stretch->of_nothing) == 0) {
        return (size_t)sprintf(out, "%s", stretch->has_infinities && is_first ? "inf" : "");
    }
    double fraction = 0.5 + ldexp((double)(test_random(random) >> 12), -53);
    double value =
        ldexp(fraction, stretch->high - (int)test_random_below(random, stretch->span + 1));
    value = test_random_below(random, 15) == 0 ? 0 : value;
    return (size_t)sprintf(out, "%.16e", test_random_below(random, 2) == 0 ? value : -value);
}

static void write_table(size_t groups_len, uint64_t *random)
{
    size_t rows = 1 + test_random_below(random, ROWS_MAX);
    char *at = text + sprintf(text, "g,a,b\n");
    struct stretch stretch = make_stretch(random);
    for (size_t row = 0; row < rows; row++) {
        if (test_random_below(random, 700) == 0) {
            stretch = make_stretch(random);
        }
        at += sprintf(at, "%zu,", (size_t)test_random_below(random, groups_len + 1));
        at += write_value(at, &stretch, true, random);
        *at++ = ',';
        at += write_value(at, &stretch, false, random);
        *at++ = '\n';
    }
    *at = '\0';
}

/* The limbs of all sums of a plan; more: a part of it. Ended by sotto_buffer_free. */
static struct sotto_buffer run(const char *more)
{
    static char json[16384];
    const char *texts[] = {text};
    char *result = NULL;
    struct sotto_buffer limbs = {0};
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    size_t at = (size_t)snprintf(json, sizeof json,
                                 "{\"version\": 1, \"name\": \"t\", \"type\": \"analytics\", "
                                 "\"datasets\": {\"t\": \"t.csv\"}, \"select\": {");
    for (size_t i = 0; i < OUTPUTS_LEN; i++) {
        at += (size_t)snprintf(json + at, sizeof json - at, "%s\"x%zu\": \"%s\"", i > 0 ? ", " : "",
                               i, outputs[i]);
    }
    at += (size_t)snprintf(json + at, sizeof json - at, "}, %s}", more);
    assert_ok(sotto_plan_parse(&plan, json, at, NULL));
    if (test_run(&result, &limbs, plan, texts, 1, &err) != SOTTO_OK) {
        print_error("%s: %s\n", json, err.text);
        fail();
    }
    sotto_plan_free(plan);
    sotto_free(result);
    return limbs;
}

static struct sotto_buffer run_by_group(size_t groups_len)
{
    static char more[16000];
    size_t at =
        (size_t)snprintf(more, sizeof more, "\"group_by\": [{\"column\": \"g\", \"levels\": [");
    for (size_t i = 0; i < groups_len; i++) {
        at += (size_t)snprintf(more + at, sizeof more - at, "%s%zu", i > 0 ? ", " : "", i);
    }
    (void)snprintf(more + at, sizeof more - at, "]}]");
    return run(more);
}

/* A group's limbs are those of its rows alone, and one that counts the parties that withhold it. */
static void compare(const struct sotto_buffer *of_groups, size_t groups_len, size_t group,
                    const struct sotto_buffer *alone)
{
    assert_int_equal(of_groups->data_bytes, groups_len * (alone->data_bytes + sizeof(uint64_t)));
    const uint8_t *found =
        (const uint8_t *)of_groups->data + group * (alone->data_bytes + sizeof(uint64_t));
    for (size_t i = 0; i < alone->data_bytes; i++) {
        if (found[i] != ((const uint8_t *)alone->data)[i]) {
            print_error("group %zu of %zu: byte %zu of %zu differs\n", group, groups_len, i,
                        alone->data_bytes);
            fail();
        }
    }
}

static void test_groups(void **state)
{
    (void)state;
    uint64_t random = 3;
    for (size_t i = 0, cases = test_cases(60); i < cases; i++) {
        size_t groups_len = i % 8 == 7   ? GROUPS_MANY
                            : i % 8 == 3 ? GROUPS_MAX
                                         : 1 + test_random_below(&random, 5);
        write_table(groups_len, &random);
        struct sotto_buffer of_groups = run_by_group(groups_len);
        for (size_t j = 0; j < 3; j++) {
            char where[64];
            size_t group = test_random_below(&random, groups_len);
            (void)snprintf(where, sizeof where, "\"where\": \"g == %zu\"", group);
            struct sotto_buffer alone = run(where);
            compare(&of_groups, groups_len, group, &alone);
            sotto_buffer_release(&alone);
        }
        sotto_buffer_release(&of_groups);
    }
}

/* --- More rows than grids take --- */

#define BLOCKS_LEN (((size_t)6 << 20) / SOTTO__ROWS_LEN)

/* The limbs of two sums over BLOCKS_LEN times the same rows, all of group 0. Ended by sotto_free.
 */
static uint64_t *add_blocks(const char *more, const double *values, size_t *out_limbs_len)
{
    static const int64_t zeros[SOTTO__ROWS_LEN];
    static const struct sotto_type types[] = {{.kind = SOTTO_KIND_FLOAT64},
                                              {.kind = SOTTO_KIND_INT64}};
    const struct sotto_column columns[] = {
        {.type = types[0], .len = SOTTO__ROWS_LEN, .values = values},
        {.type = types[1], .len = SOTTO__ROWS_LEN, .values = zeros}};
    const struct sotto_column *const blocks[] = {&columns[0], &columns[1]};
    struct sotto_schema_field fields[] = {{.type = types[0]}, {.type = types[1]}};
    struct sotto_schema schema = {.fields = fields, .fields_len = 2};
    struct sotto_plan *plan = NULL;
    struct sotto_driver *driver = NULL;
    struct sotto__worker worker;
    char json[400];
    (void)snprintf(json, sizeof json,
                   "{\"version\": 1, \"name\": \"t\", \"type\": \"analytics\", \"datasets\": "
                   "{\"t\": \"t.csv\"}, \"select\": {\"x\": \"sum(a)\", \"y\": \"dot(a, a)\"}, %s}",
                   more);
    assert_ok(sotto_plan_parse(&plan, json, strlen(json), NULL));
    assert_ok(sotto_driver_new(&driver, plan, &schema, NULL));
    assert_ok(sotto__worker_init(&worker, driver->program, NULL, NULL, 0));
    *out_limbs_len = driver->program->limbs_len;
    uint64_t *limbs = sotto_alloc_array(*out_limbs_len, sizeof *limbs);
    assert_non_null(limbs);
    for (size_t i = 0; i < BLOCKS_LEN; i++) {
        sotto__rows_take(&worker.rows, 0, blocks, SOTTO__ROWS_LEN);
    }
    sotto__sums_add_to(&worker.sums, limbs);
    sotto__worker_release(&worker);
    sotto_driver_free(driver);
    sotto_plan_free(plan);
    return limbs;
}

static void check_many(const double values[SOTTO__ROWS_LEN])
{
    size_t limbs_len;
    size_t alone_len;
    uint64_t *limbs =
        add_blocks("\"group_by\": [{\"column\": \"g\", \"levels\": [0, 1]}]", values, &limbs_len);
    uint64_t *alone = add_blocks("\"where\": \"g == 0\"", values, &alone_len);
    assert_int_equal(limbs_len, 2 * (alone_len + 1));
    assert_memory_equal(limbs, alone, alone_len * sizeof *alone);
    sotto_free(limbs);
    sotto_free(alone);
}

/* Parts of doubles, then of products, that are nearly the largest there are, of one sign, and odd.
 */
static void test_many_rows(void **state)
{
    (void)state;
    static double values[SOTTO__ROWS_LEN];
    for (size_t i = 0; i < SOTTO__ROWS_LEN; i++) {
        values[i] = i == 0 ? 1 - 0x1p-53 : 0x1p-33 - 0x1p-65;
    }
    check_many(values);
    for (size_t i = 0; i < SOTTO__ROWS_LEN; i++) {
        values[i] = 1 - 0x1p-34;
    }
    check_many(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_many_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
