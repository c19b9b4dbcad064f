/* SPDX-License-Identifier: Apache-2.0 */

/* Sums that nobody's rows have: a party may mask any numbers, and what is opened then is read by
 * everybody. Every output is asked for over rows whose sums are changed from some round on. What
 * comes of it is a result or a named error: no process ends by it, and none is held. */

#include "cases.h"
#include "engine/driver.h"
#include "files.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS_MAX 40
#define HELD_SECONDS 60 /* the process ends by a signal */

static const char *const outputs[] = {
    "mean(i)",
    "var(f)",
    "std(d)",
    "sem(i)",
    "skew(f)",
    "kurt(i)",
    "any(b)",
    "corr(i, f)",
    "dot(i, d)",
    "hist(d, 0, 10, 50)",
    "value_counts(h, 1, 2)",
    "mode(h, 1, 2)",
    "nunique(h, 1, 2, 3)",
    "ols(d, i)",
    "ols(d, i, f, cov=hc1)",
    "ols(d, i, C(h in (1, 2, 3)))",
    "ols(d, i, f, weights=h)",
    "glm(b, i, f, family=binomial)",
    "glm(b, i, family=binomial, link=probit)",
    "glm(b, i, family=binomial, link=cloglog)",
    "glm(b, i, family=binomial, weights=h)",
    "glm(h, i, family=poisson)",
    "glm(h, i, family=poisson, offset=f)",
    "glm(h, i, family=gamma)",
    "glm(f, i, d, family=gaussian)",
    "mnlogit(h in (1, 2, 3), i)",
    "ttest(d, b)",
    "ttest(d, b, equal_var=1)",
    "ttest_paired(i, d)",
    "weighted(f, h, weights=frequency)",
    "weighted_ttest(f, h, b, weights=frequency)",
    "smd(i, b)",
    "anova(f, h in (1, 2, 3))",
    "anova_two(f, h in (1, 2, 3), g in ('a', 'b'))",
    "pearson(i, f)",
    "var_ci(i)",
    "proportion(b)",
    "binomial(b, 0.5)",
    "crosstab(g in ('a', 'b'), h in (1, 2))",
    "chi2(g in ('a', 'b'), h in (1, 2, 3))",
    "fisher(g in ('a', 'b'), h in (1, 2))",
    "median(f)",
    "quantile(i, 0.1, 0.9)",
    "median(i, exact=1)",
    "quantile(f, 1, exact=1)",
    "describe(d)",
    "iqr(f)",
    "mad(i)",
    "missing([i, b])",
    "missing_patterns([i, b])",
    "sum((f - mean(f)) ** 2)",
    "mean(i) / sum(b)",
    "sqrt(var(i))",
};

#define OUTPUTS_LEN (sizeof outputs / sizeof outputs[0])

/* --- Rows and plans --- */

static void write_rows(char *text, size_t text_bytes)
{
    uint64_t random = 7;
    size_t used = (size_t)snprintf(text, text_bytes, "g,h,i,d,f,b\n");
    for (int row = 0; row < 30; row++) {
        used += (size_t)snprintf(text + used, text_bytes - used, "%s,%zu,%d,%zu.%zu,%zu.5e-1,%s\n",
                                 row % 3 > 0 ? "a" : "b", 1 + test_random_below(&random, 3),
                                 (int)test_random_below(&random, 50) - 20,
                                 test_random_below(&random, 40), test_random_below(&random, 10),
                                 test_random_below(&random, 90),
                                 test_random_below(&random, 2) > 0 ? "true" : "false");
    }
    assert_true(used < text_bytes);
}

static struct sotto_plan *parse_plan(const char *output, bool is_grouped)
{
    char json[1000];
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    (void)snprintf(json, sizeof json,
                   "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                   "{\"t\": \"t.csv\"}, %s \"select\": {\"m\": \"%s\"}}",
                   is_grouped ? "\"group_by\": [{\"column\": \"g\", \"levels\": [\"a\", \"b\"]}],"
                              : "",
                   output);
    if (sotto_plan_parse(&plan, json, strlen(json), &err) != SOTTO_OK) {
        fail_msg("%s: %s", output, err.text);
    }
    return plan;
}

/* --- Lies --- */

/* A slot of an aggregate: its limbs, the lowest first. */
struct slot {
    uint64_t *limbs;
    size_t len;
};

static struct slot choose_slot(const struct sotto_driver *driver, uint64_t *limbs, uint64_t *random)
{
    size_t slots_len = 0;
    size_t at = 0;
    const uint16_t *widths = sotto_driver_slots(driver, &slots_len);
    size_t chosen = test_random_below(random, slots_len);
    for (size_t i = 0; i < chosen; i++) {
        at += widths[i];
    }
    return (struct slot){limbs + at, widths[chosen]};
}

static void add_small(struct slot slot, int64_t number)
{
    uint64_t rest = number < 0 ? UINT64_MAX : 0;
    uint64_t carry = 0;
    for (size_t i = 0; i < slot.len; i++) {
        uint64_t part = i == 0 ? (uint64_t)number : rest;
        uint64_t sum = slot.limbs[i] + part;
        uint64_t with_carry = sum + carry;
        carry = (sum < part) | (with_carry < sum);
        slot.limbs[i] = with_carry;
    }
}

static void negate(struct slot slot)
{
    for (size_t i = 0; i < slot.len; i++) {
        slot.limbs[i] = ~slot.limbs[i];
    }
    add_small(slot, 1);
}

static void shift(struct slot slot, unsigned bits)
{
    for (size_t i = slot.len; bits > 0 && i-- > 0;) {
        uint64_t below = i > 0 ? slot.limbs[i - 1] >> (64 - bits) : 0;
        slot.limbs[i] = slot.limbs[i] << bits | below;
    }
}

static void lie(const struct sotto_driver *driver, uint64_t *limbs, uint64_t *random)
{
    struct slot slot = choose_slot(driver, limbs, random);
    struct slot other = choose_slot(driver, limbs, random);
    size_t len = slot.len < other.len ? slot.len : other.len;
    int64_t small = 1 + (int64_t)test_random_below(random, 5);
    switch (test_random_below(random, 6)) {
    case 0:
        negate(slot);
        break;
    case 1:
        shift(slot, (unsigned)test_random_below(random, 60));
        break;
    case 2:
        memset(slot.limbs, 0, slot.len * sizeof *slot.limbs);
        break;
    case 3:
        add_small(slot, small);
        break;
    case 4:
        add_small(slot, -small);
        break;
    default:
        memmove(slot.limbs, other.limbs, len * sizeof *slot.limbs);
        break;
    }
}

/* --- The property --- */

struct rows {
    struct sotto_csv *file;
    struct sotto_catalogue *catalogue;
};

/* A round whose sum is made up, if it lies. */
static enum sotto_status open_round(struct sotto_driver *driver, const struct rows *rows, bool lies,
                                    uint64_t *random)
{
    struct sotto_error err = {0};
    size_t len = sotto_driver_limbs_len(driver);
    uint64_t *limbs = sotto_alloc_zeroed((len + 1) * sizeof *limbs);
    assert_non_null(limbs);
    enum sotto_status status = test_partial(driver, limbs, len, rows->file, rows->catalogue, &err);
    for (size_t i = 1 + test_random_below(random, 3); lies && len > 0 && i > 0; i--) {
        lie(driver, limbs, random);
    }
    if (status == SOTTO_OK) {
        status = sotto_driver_advance(driver, limbs, len, &err);
    }
    sotto_free(limbs);
    assert_true(status == SOTTO_OK || err.text[0] != '\0');
    return status;
}

static void read_result(const struct sotto_driver *driver, const struct sotto_schema *schema)
{
    static const struct sotto_result_parties parties = {.invited = 1, .joined = 1, .survived = 1};
    char *json = NULL;
    struct sotto_error err = {0};
    if (sotto_driver_result(driver, &json, &parties, schema, 1, &err) == SOTTO_OK) {
        assert_int_equal(json[0], '{');
    } else {
        assert_true(err.text[0] != '\0');
    }
    sotto_free(json);
}

/* Returns: whether there was a result. */
static bool run_case(const struct rows *rows, uint64_t seed)
{
    uint64_t random = seed + 1;
    const struct sotto_catalogue *catalogue = rows->catalogue;
    struct sotto_schema schema = {0};
    struct sotto_driver *driver = NULL;
    struct sotto_error err = {0};
    struct sotto_plan *plan =
        parse_plan(outputs[seed % OUTPUTS_LEN], test_random_below(&random, 6) == 0);
    if (sotto_schema_offer(&schema, plan, &catalogue, &err) != SOTTO_OK ||
        sotto_driver_new(&driver, plan, &schema, &err) != SOTTO_OK) {
        fail_msg("%s: %s", outputs[seed % OUTPUTS_LEN], err.text);
    }
    size_t first_lie = 1 + test_random_below(&random, 4);
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 1; status == SOTTO_OK && sotto_driver_round(driver) != 0; i++) {
        assert_true(i <= ROUNDS_MAX);
        status = open_round(driver, rows, i >= first_lie, &random);
    }
    if (status == SOTTO_OK) {
        read_result(driver, &schema);
    }
    sotto_driver_free(driver);
    sotto_schema_release(&schema);
    sotto_plan_free(plan);
    return status == SOTTO_OK;
}

static void test_made_up_sums_end_nothing(void **state)
{
    char text[4096];
    struct rows rows;
    size_t results = 0;
    size_t cases = test_cases(20 * OUTPUTS_LEN);
    (void)state;
    write_rows(text, sizeof text);
    rows.file = test_csv(text);
    rows.catalogue = test_catalogue(rows.file);
    for (uint64_t seed = 0; seed < cases; seed++) {
        (void)alarm(HELD_SECONDS);
        results += run_case(&rows, seed);
    }
    (void)alarm(0);
    assert_true(results > 0 && (cases < 200 || results < cases));
    sotto_catalogue_free(rows.catalogue);
    sotto_csv_close(rows.file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_made_up_sums_end_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
