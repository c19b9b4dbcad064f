/* SPDX-License-Identifier: Apache-2.0 */

/* The rules that look at a party's own rows: what each refuses, and that it does so alone; what is
 * withheld; and honest work, which passes. */

#include "files.h"
#include "plans.h"
#include "test.h"

#include <math.h>
#include <sotto/alloc.h>
#include <sotto/disclosure.h>
#include <stdio.h>
#include <string.h>

#define GROUPS_MAX 16

/* --- Rows --- */

/* Of all columns that tests ask for; row i, from 1, of len. */
static size_t write_row(char *out, size_t bytes, int i, int len, uint64_t *random)
{
    int wage = 2000 + (int)test_random_below(random, 7000);
    int age = 18 + (int)test_random_below(random, 48);
    int tax = 100 + i * 7919 % 97 * 3;
    int mirror = i <= len / 2 ? i : len + 1 - i;
    double normal = -6;
    for (int j = 0; j < 12; j++) { /* a sum of twelve is nearly normal */
        normal += (double)test_random_below(random, 1000001) / 1e6;
    }
    char gap[16] = "";
    char rare[16] = "";
    if (i % 20 != 5) {
        (void)snprintf(gap, sizeof gap, "%d", 10 * i);
    }
    if (i <= 3) {
        (void)snprintf(rare, sizeof rare, "%d", i);
    }
    int row = snprintf(out, bytes,
                       "%d,%d,%d,%d,%.3fe0,%s,%s,%s,%d,%s,%s,%s,%d,%d,%s,%.6f,%d,%d,%d,%d,%d,%d,%d,"
                       "%d,%.1f,%d,%lld,%d,%d,%d,%d,%d,%d,2020-01-%02d %02d:%02d\n",
                       i, wage, age, i == 9 ? age + 3 : age - 18, (double)wage,
                       i <= len / 2          ? "a"
                       : i <= len - len / 12 ? "b"
                                             : "c",
                       i <= len * 3 / 10 ? "true" : "false", i == 33 ? "true" : "false", i == 33,
                       gap, rare, i == 7 ? "" : "5", i % 5 == 0 ? 100 * (i % 7 + 1) : 0, 7,
                       i == 4 ? "inf" : "1.5e0", exp(normal), i == 11 ? 100000000 : wage,
                       i == 2 ? 3 : 2 * age, i <= 12, i == 45 || (i <= 30 && i % 2 == 0) ? 2 : 1,
                       i == 45   ? 90000
                       : i <= 30 ? wage
                                 : i,
                       mirror, i == 7 ? 1 : 2 * mirror + 3, i % 3, i % 3 == 0 ? 2.5 : -1.0,
                       i <= 15   ? 3
                       : i <= 30 ? 2
                                 : i <= 45,
                       3000000019LL + 1234567LL * i * i, tax, wage + tax + (i == 21),
                       i <= 12 ? 2 : 1, i >= 12 && i < 24 ? 5 : 3, i <= 5 ? 2 : i % 2,
                       i <= len * 3 / 10 || i > len - 3 ? 700 + i : 500, 1 + i / 1440, i / 60 % 24,
                       i % 60);
    assert_true(row > 0 && (size_t)row < bytes);
    return (size_t)row;
}

static char *make_rows(int len)
{
    static char text[2000000];
    uint64_t random = 17;
    size_t at = (size_t)snprintf(
        text, sizeof text,
        "id,wage,age,tenure,double,dept,flag,ceo,ceo01,gap,rare,manager,"
        "bonus,same,inf,heavy,giant,twice,few01,twice01,tail,mirror,mirrored,three,code,"
        "stage,phone,tax,gross,code2,code5,rare3,odd,moment\n");
    for (int i = 1; i <= len; i++) {
        at += write_row(text + at, sizeof text - at, i, len, &random);
    }
    return text;
}

/* --- A plan before its judge --- */

struct judged {
    struct sotto_plan *plan;
    struct sotto_csv *csv;
    struct sotto_catalogue *catalogue;
    struct sotto_schema schema;
    struct sotto_driver *driver;
    struct sotto_source *source;
    struct sotto_rules rules;
    struct sotto_disclosure disclosure;
    enum sotto_column_kind (*kind_of)(const void *context, const char *file, const char *column);
    const char *identifier;
    uint8_t withheld[GROUPS_MAX];
    char text[SOTTO_ERROR_TEXT_BYTES];
};

static struct sotto_plan *parse(const char *keys, const char *select)
{
    char json[4000];
    struct sotto_error err = {0};
    struct sotto_plan *plan = NULL;
    (void)snprintf(json, sizeof json,
                   "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                   "{\"t\": \"t.csv\"}, %s \"select\": {\"m\": \"%s\"}}",
                   keys, select);
    if (sotto_plan_parse(&plan, json, strlen(json), &err) != SOTTO_OK) {
        fail_msg("%s %s: %s", keys, select, err.text);
    }
    return plan;
}

static void begin(struct judged *out, const char *keys, const char *select, char *rows)
{
    struct sotto_error err = {0};
    *out = (struct judged){.plan = parse(keys, select)};
    out->csv = test_csv(rows);
    out->catalogue = test_catalogue(out->csv);
    sotto_rules_init(&out->rules, SOTTO_PROFILE_SAFE);
    if (sotto_schema_offer(&out->schema, out->plan,
                           (const struct sotto_catalogue *const *)&out->catalogue,
                           &err) != SOTTO_OK ||
        sotto_driver_new(&out->driver, out->plan, &out->schema, &err) != SOTTO_OK) {
        fail_msg("%s %s: %s", keys, select, err.text);
    }
    assert_ok(sotto_source_new_file(&out->source, out->csv, out->catalogue, NULL));
}

static void end(struct judged *judged)
{
    sotto_source_free(judged->source);
    sotto_driver_free(judged->driver);
    sotto_schema_release(&judged->schema);
    sotto_plan_free(judged->plan);
    sotto_catalogue_free(judged->catalogue);
    sotto_csv_close(judged->csv);
}

/* The party's partial, or nothing where it refuses. Ended by sotto_free. */
static uint64_t *contribute(struct judged *judged, enum sotto_status *out_status)
{
    struct sotto_error err = {0};
    size_t len = sotto_driver_limbs_len(judged->driver);
    uint64_t *limbs = sotto_alloc_array(len, sizeof *limbs);
    assert_non_null(limbs);
    assert_true(sotto_driver_groups_len(judged->driver) <= GROUPS_MAX);
    memset(judged->withheld, 0, sizeof judged->withheld);
    sotto_disclosure_init(&judged->disclosure, &judged->rules, 4711);
    judged->disclosure.kind_of = judged->kind_of;
    judged->disclosure.kind_context = judged->identifier;
    *out_status =
        sotto_driver_contribute(judged->driver, limbs, len, judged->withheld, &judged->source,
                                sotto_disclosure_judge(&judged->disclosure), &err);
    (void)snprintf(judged->text, sizeof judged->text, "%s", err.text);
    for (size_t i = 0; *out_status != SOTTO_OK && i < len; i++) {
        assert_int_equal(limbs[i], 0);
    }
    return limbs;
}

static enum sotto_status judge(struct judged *judged)
{
    enum sotto_status status;
    sotto_free(contribute(judged, &status));
    return status;
}

/* --- What is refused, and by which rule --- */

static void switch_off_all(struct sotto_rules *rules)
{
    memset(rules->is_on, 0, sizeof rules->is_on);
}

/* A plan is refused by a rule, in these words, also where no other rule is on; without any it
 * passes. */
static void refuses_rows(const char *keys, const char *select, enum sotto_rule rule,
                         const char *part, int rows)
{
    struct judged judged;
    begin(&judged, keys, select, make_rows(rows));
    if (judge(&judged) != SOTTO_ERROR_REFUSED) {
        fail_msg("%s %s passes", keys, select);
    }
    if (judged.disclosure.rule != rule) {
        fail_msg("%s %s: %s", keys, select, judged.text);
    }
    assert_contains(judged.text, part);
    assert_contains(judged.text, sotto_rule_code(rule));
    switch_off_all(&judged.rules);
    assert_ok(judge(&judged));
    judged.rules.is_on[rule] = true;
    assert_int_equal(judge(&judged), SOTTO_ERROR_REFUSED);
    end(&judged);
}

static void refuses(const char *keys, const char *select, enum sotto_rule rule, const char *part)
{
    refuses_rows(keys, select, rule, part, 60);
}

static void passes_rows(const char *keys, const char *select, size_t cells_withheld, int rows)
{
    struct judged judged;
    begin(&judged, keys, select, make_rows(rows));
    if (judge(&judged) != SOTTO_OK || judged.disclosure.cells_withheld != cells_withheld) {
        fail_msg("%s %s: %s (%zu)", keys, select, judged.text, judged.disclosure.cells_withheld);
    }
    end(&judged);
}

static void passes(const char *keys, const char *select)
{
    passes_rows(keys, select, 0, 60);
}

/* R1: sets that the asker made. None and few are one class. */
static void test_rows(void **state)
{
    (void)state;
    static const enum sotto_rule rule = SOTTO_RULE_ROWS;
    refuses("\"where\": \"id == 17\",", "mean(wage)", rule, "leaves 1 rows in and 59 out");
    refuses("\"where\": \"id == 99\",", "count(wage)", rule, "leaves 0 rows in and 60 out");
    refuses("\"where\": \"id != 17\",", "mean(wage)", rule, "leaves 59 rows in and 1 out");
    refuses("\"where\": \"id != 99\",", "mean(wage)", rule, "leaves 60 rows in and 0 out");
    refuses("\"where\": \"dept == 'c'\",", "mean(wage)", rule, "5 rows in");
    refuses("", "sum(id == 17)", rule, "holds for 1 rows");
    refuses("", "sum(id == 99)", rule, "holds for 0 rows");
    refuses("", "mean(if(id == 17, wage, na))", rule, "holds for 1 rows");
    refuses("", "mean(if(id != 17, wage, na))", rule, "holds for 59 rows");
    refuses("", "mean(if(id > 0, wage, na))", rule, "holds for 60 rows here and not for 0");
    refuses("", "mean(if(ceo, wage, na))", rule, "holds for 1 rows");
    refuses("", "sum(isna(manager))", rule, "holds for 1 rows");
    refuses("", "count(if(isna(gap), 1, na))", rule, "holds for 3 rows");
    refuses("\"where\": \"id > 10\",", "mean(if(id > 55, wage, na))", rule, "holds for 5 rows");
    refuses_rows("", "mean(wage)", rule, "there are 9 rows here", 9);
    passes("\"where\": \"id > 20\",", "mean(wage)");
    passes("\"where\": \"id > 10\",", "mean(if(id > 20, wage, na))");
    passes("\"where\": \"dept in ('a', 'c')\",", "mean(wage)");
    passes("", "mean(if(flag, wage, na)) - mean(if(not flag, wage, na))");
}

/* R1: every combination of sets, as trackers make it. */
static void test_rows_together(void **state)
{
    (void)state;
    static const enum sotto_rule rule = SOTTO_RULE_ROWS;
    refuses("", "mean(if(id < 30, wage, na)) - mean(if(id < 31, wage, na))", rule, "1 to 9 rows");
    refuses("", "sum(if(id < 30, wage, na)) - sum(if(gap < 311, wage, na))", rule, "together");
    refuses("",
            "sum(id in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)) - sum(id in (1, 2, 3, 4, 5, 6, 7, 8, "
            "9, 10, 11))",
            rule, "together");
    /* Each differs from each by ten rows at least; a or b, less a, less b, is their overlap. */
    refuses("", "sum(id <= 30) + sum(id > 28 and id <= 50) + sum(id <= 50)", rule, "together");
    refuses("\"where\": \"id > 10\",", "sum(id <= 30) - sum(id <= 31)", rule, "together");
    /* A sum of 0 and 1 is a count. */
    refuses("", "sum(flag) - count(if(flag or id == 40, 1, na))", rule, "together");
    refuses("", "cov(flag, wage) - mean(if(flag or id == 40, wage, na))", rule, "together");
    refuses("",
            "cov(three, wage) - mean(if(three == 1, wage, na)) - mean(if(three == 2 or id == 45, "
            "wage, na))",
            rule, "together");
    refuses("", "sum(bonus) - sum(if(id > 12, bonus, na))", rule, "together");
    refuses("", "dot(code, double) - sum(double) + 3.5 * sum(if(code > 0 or id == 40, double, na))",
            rule, "together");
    refuses("", "mean(three) - sum(three == 1) - sum(three == 2 or id == 45)", rule, "together");
    refuses("", "std(stage) + sum(stage >= 1) + sum(stage >= 2) + sum(stage >= 3 and id != 4)",
            rule, "together");
    passes("", "mean(flag) + sum(three == 1) + sum(three) + sum(dept == 'a')");
    passes("", "sum(id <= 30) + sum(id > 20 and id <= 50) + sum(id <= 50)");
    passes("", "mean(if(id <= 20, wage, na)) + mean(if(id <= 40, wage, na))");
}

/* R2: sets that missing values made, as attack S2 has it. */
static void test_presence(void **state)
{
    (void)state;
    static const enum sotto_rule rule = SOTTO_RULE_PRESENCE;
    refuses("", "sum(wage) - sum(wage + 0 * gap)", rule, "rows that differ by 1 to 9");
    refuses("", "sum(wage) - sum(wage * gap ** 0)", rule, "differ by 1 to 9");
    refuses("", "sum(wage) + cov(wage, gap)", rule, "complete");
    refuses("", "mean(wage) + dot(gap, wage) + corr([gap, wage])", rule, "complete");
    refuses("", "mean(wage) + cov(age, wage) + cov(gap, age) + cov(gap, wage)", rule, "complete");
    refuses("", "sum(rare)", rule, "has values in 3 rows here");
    refuses("", "mean(inf)", rule, "is infinite in 1");
    refuses("", "sum(inf * few01)", rule, "infinite");
    refuses("", "sum(log(id - 3.5) * wage)", rule, "makes or takes the place of missing");
    refuses("", "sum(fillna(gap, 0))", rule, "takes the place of missing");
    /* A condition beside missing values: what is left of the other side is few. */
    refuses("", "sum(gap) + sum(if(id > 11 or id == 2, gap, na))", rule, "differ");
    passes("\"rows\": \"complete\",", "sum(wage) - sum(wage + 0 * gap)");
    passes("\"rows\": \"complete\",", "mean(wage) + corr([gap, wage])");
    passes("\"rows\": \"complete\", \"where\": \"id > 20\",", "mean(wage) + cov(wage, gap)");
    /* Of rows that have a gap, those that where leaves out are nine. */
    refuses("\"rows\": \"complete\", \"where\": \"id > 10\",", "mean(wage) + mean(gap)",
            SOTTO_RULE_ROWS, "leaves 48 rows in and 9 out");
    refuses("", "sum(flag * wage) - sum(if(flag or id == 40, wage, na))", rule, "differ by 1");
    refuses("", "sum(2 * few01 * wage) - sum(if(id <= 13, wage, na))", rule, "differ by 1");
    refuses("", "sum(bonus * age) - sum(if(id > 12, bonus * age, na))", rule, "differ by 1");
    static const char *const coded[] = {
        "sum(three * wage) - sum(if(three == 1, wage, na)) - 2 * sum(if(three == 2 or id == 45, "
        "wage, na))",
        "sum(code * wage) - sum(wage) + 3.5 * sum(if(code > 0 or id == 40, wage, na))",
        "sum(three * age * 1) - sum(if(three == 1, age, na)) - 2 * sum(if(three == 2 and id != 50, "
        "age, na))",
    };
    for (size_t i = 0; i < sizeof coded / sizeof coded[0]; i++) {
        refuses("", coded[i], rule, "differ by 1 to 9");
    }
    passes("", "sum(three * wage) - sum(if(three == 1, wage, na)) - sum(if(id <= 20, wage, na))");
    passes("", "cov(flag, wage) + mean(if(dept == 'a', wage, na))");
    passes("", "mean(if(dept == 'a', wage, na)) + mean(wage) + dot(wage, age)");
    passes("", "mean(gap) + mean(wage)");
    passes("", "count(gap) + count(wage) + count(rare) + count(manager)");
    passes("", "std(gap) + std(wage) + mean(age)");
    passes("", "cov(gap, age)");
}

/* R3: attack S1, and what it is like. */
static void test_hidden(void **state)
{
    (void)state;
    static const enum sotto_rule rule = SOTTO_RULE_HIDDEN;
    static const char *const attacks[] = {
        "sum((ceo + 0) * wage)",
        "sum(-ceo * wage)",
        "sum(ceo * 2 * wage)",
        "sum((1 - ceo) * wage)",
        "dot(ceo + 0, wage)",
        "sum((wage + ceo) ** 2) - sum(wage ** 2)",
        "var(wage + ceo)",
        "sum((age + ceo) * wage)",
        "dot(double, ceo)",
        "cov(double, ceo)",
        "corr([double, ceo])",
        "ols(double, age, ceo)",
        "sum(ceo01 * wage)",
        "ols(wage, ceo01)",
        "sum(ceo)",
        "mean(ceo01)",
        "mean(manager)",
        "mean(same)",
        "sum(if(id > 20, ceo01 * wage, na))",
    };
    for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
        refuses("", attacks[i], rule, "has one value in all but");
    }
    static const char *const near[] = {
        "dot(age, wage) - dot(tenure, wage) - 20 * sum(wage)",
        "mean(age) - mean(tenure)",
        "mean(age) - mean(twice) / 2",
        "2 * mean(mirror) - mean(mirrored) + mean(wage)",
        "sum(age * wage + tenure)  - sum(tenure * wage)",
        "ols(wage, age, tenure)",
        "sum(age ** 2) - sum(age * tenure)",
    };
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
        refuses("", near[i], rule, "are the same here, but for units");
        refuses_rows("", near[i], rule, "are the same here, but for units", 1500);
    }
    /* More sets than are compared with each other: the first without the second is nearly one row.
     */
    refuses(
        "",
        "sum(if(id <= 10 or id > 20, tail, na)) + sum(if(id <= 30, tail, na)) + "
        "sum(if(id <= 10, tail, na)) + sum(if(id <= 20, tail, na)) + sum(if(id > 10, tail, na)) "
        "+ sum(if(id > 20, tail, na)) + sum(if(id <= 50, tail, na)) + "
        "sum(if(id > 10 and id <= 50, tail, na)) + sum(if(id > 20 and id <= 50, tail, na)) + "
        "sum(if(id <= 40, tail, na)) + sum(if(id > 30, tail, na)) + sum(if(id > 40, tail, na)) + "
        "sum(if(id <= 10 or id > 50, tail, na)) + sum(if(id > 10 and id <= 30, tail, na)) + "
        "sum(if(id > 10 and id <= 40, tail, na)) + sum(if(id > 20 and id <= 40, tail, na)) + "
        "sum(if(id > 30 and id <= 50, tail, na))",
        SOTTO_RULE_PRESENCE, "more sets of rows than can be compared");
    refuses("", "sum(twice01 * wage) - sum(if(id <= 30, twice01 * wage, na))", rule, "all but 1");
    refuses("", "sum(wage) - sum(clip(wage, 0, 8800))", rule, "are the same here, but for units");
    refuses("", "sum(clip(wage, 0, 8800)) - sum(clip(wage, 0, 8801))", rule, "are the same here");
    refuses("", "dot(age, wage) - sum(age * clip(wage, 0, 8800))", rule, "are the same here");
    refuses("", "sum(clip(id, 2, 50))", rule, "changes the values of 10 rows here");
    refuses("", "sum(clip(id, 17, 18) * wage)", rule, "changes the values");
    passes("", "mean(age) + dot(tenure, wage)");
    passes("", "mean(wage) + mean(double)");
    passes("", "mean(flag) + dot(flag, wage) + dot(flag, double)");
    passes("", "mean(few01) + sum(few01 * wage)");
    passes("", "mean(bonus) + std(bonus)");
    /* Sets of presence that are the same rows here. */
    passes_rows("", "cov([wage, age, mirror, stage, three, flag, code, double, gross])", 0, 200);
}

/* R3: columns that make one another up, and what is rare. */
static void test_hidden_among_many_columns(void **state)
{
    (void)state;
    static const enum sotto_rule rule = SOTTO_RULE_HIDDEN;
    static const char *const three_columns[] = {
        "sum(gross) - sum(wage) - sum(tax)",
        "ols(age, gross, wage, tax)",
        "dot(gross, age) - dot(wage, age) - dot(tax, age)",
        "cov(gross, double) + cov(wage, double) + cov(tax, double)",
    };
    for (size_t i = 0; i < sizeof three_columns / sizeof three_columns[0]; i++) {
        refuses("", three_columns[i], rule, "make one another up here");
        refuses_rows("", three_columns[i], rule, "make one another up here", 240);
    }
    /* What is rare in all is not rare in few rows: nor is it where a file has more different rows
     * than are looked at one by one. */
    passes_rows("", "mean(few01) + mean(wage) + mean(double)", 0, 10000);
    passes_rows("", "corr(few01, wage) + corr(few01, age) + mean(bonus)", 0, 10000);
    passes("", "dot(gross, age) + dot(wage, age)");
    passes("", "sum(gross) - sum(wage)");
}

/* R3: products, beside sums that somebody else may have asked for. */
static void test_hidden_in_products(void **state)
{
    (void)state;
    static const enum sotto_rule rule = SOTTO_RULE_HIDDEN;
    /* Less what most rows have, such a product is about the one row in which both columns have
     * another value, whoever told the sum of each. */
    static const char *const products[] = {"dot(code2, code5)", "cov(code2, code5)",
                                           "dot(code2, code5) - 3 * sum(code2) - sum(code5)"};
    for (size_t i = 0; i < sizeof products / sizeof products[0]; i++) {
        refuses("", products[i], rule, "mostly have one value each here");
        refuses_rows("", products[i], rule, "mostly have one value each here", 1500);
        refuses_rows("", products[i], rule, "mostly have one value each here", 10000);
    }
    /* Of the rows without the flag three have another value than 500. */
    refuses("", "dot(flag, odd)", rule, "has one value in all but 3 of the rows");
    refuses("", "sum(odd) - sum(odd * flag)", rule, "has one value in all but 3 of the rows");
    passes("", "mean(odd) + mean(flag)");
    passes("", "mean(code2) + mean(code5)");
    passes("", "dot(code2, wage) + dot(code5, wage)");
    refuses("", "glm(rare3, wage, family=poisson)", rule, "(ask with likelihood=0)");
    refuses("", "var(rare3)", rule, "has three values here, one of them in 5 rows");
    refuses("", "mean(rare3) + sum(rare3 * rare3)", rule, "count these");
    passes("", "mean(rare3)");
    passes("", "var(three) + mean(rare3)");
}

/* Whole numbers of one size, two of which are alike but in three rows. All rows are looked at, also
 * where what one has more, times a few, another has less. */
static void test_hidden_among_whole_numbers(void **state)
{
    (void)state;
    for (int above = 1; above <= 12; above++) {
        char text[16384] = "u,v\n";
        size_t at = strlen(text);
        struct judged judged;
        for (int i = 0; i < 900; i++) {
            int u = 513 + i % 487;
            int v = u + (i >= 700 && i < 703 ? above : 0);
            at += (size_t)snprintf(text + at, sizeof text - at, "%d,%d\n", u, v);
        }
        begin(&judged, "", "sum(v) - sum(u)", text);
        assert_int_equal(judge(&judged), SOTTO_ERROR_REFUSED);
        assert_contains(judged.text, "are the same here, but for units");
        end(&judged);
    }
}

/* R5. */
static void test_dominance(void **state)
{
    (void)state;
    static const enum sotto_rule rule = SOTTO_RULE_DOMINANCE;
    refuses("", "sum(giant)", rule, "less than 10 % of it");
    refuses("", "mean(giant * age)", rule, "one row makes up so much");
    refuses("", "std(giant)", rule, "dominance");
    refuses("", "sum(tail) - sum(if(id <= 30, tail, na))", rule, "one row makes up so much");
    refuses("", "sum(giant)", rule, "clip(x, lo, hi) limits it");
    passes("", "mean(clip(giant, 0, 10000)) + std(clip(giant, 0, 10000))");
    passes("", "cov(clip(giant, 0, 10000), age)");
    passes("", "sum(tail)");
    passes("", "mean(wage) + std(wage) + dot(wage, age)");
    passes_rows("", "std(heavy)", 0, 200);
}

/* R6: attack S3, and what it is like. */
static void test_identifiers(void **state)
{
    (void)state;
    static const enum sotto_rule rule = SOTTO_RULE_BUDGET;
    refuses("", "dot(wage, id)", rule, "is an identifier here");
    refuses("", "sum((three + 1) * (2 * id - 7))", rule, "is an identifier");
    refuses("", "cov(double, id)", rule, "is an identifier");
    refuses("", "ols(wage, age, phone)", rule, "is an identifier");
    refuses("", "sum(if(age > 30, wage * id, na))", rule, "is an identifier");
    refuses("", "sum(if(age > 30, heavy * id, na))", rule, "is an identifier");
    refuses_rows("", "dot(age, phone)", rule, "is an identifier", 1500);
    refuses_rows("", "dot(age, id)", rule, "is an identifier", 1500);
    refuses("", "dot(age, seconds(moment - '2020-01-01'))", rule, "is an identifier");
    passes("", "mean(id) + std(id) + std(phone)");
    passes("", "mean(seconds(moment - '2020-01-01')) + std(moment)");
    passes("", "ols(wage, age, mirror)");
    passes_rows("", "dot(wage, age)", 0, 40);
    passes_rows("", "dot(wage, age)", 0, 1500);
    passes_rows("", "sum(if(id > 100, wage * age, na))", 0, 1500);
}

static enum sotto_column_kind kind_of(const void *context, const char *file, const char *column)
{
    assert_string_equal(file, "t.csv");
    return strcmp(column, context) == 0 ? SOTTO_COLUMN_IDENTIFIER
           : strcmp(column, "id") == 0  ? SOTTO_COLUMN_MULTIPLIED
                                        : SOTTO_COLUMN_UNDECLARED;
}

/* An owner says what is one, and what is not. */
static void test_declared_identifiers(void **state)
{
    (void)state;
    struct judged judged;
    begin(&judged, "", "dot(wage, id)", make_rows(60));
    judged.kind_of = kind_of;
    judged.identifier = "age";
    assert_ok(judge(&judged));
    judged.identifier = "wage";
    assert_int_equal(judge(&judged), SOTTO_ERROR_REFUSED);
    assert_contains(judged.text, "budget: column \"wage\" of dot(wage, id) is an identifier");
    end(&judged);
}

/* A secret yes or no, and doubles that somebody knows. */
static enum sotto_status judge_flags(const char *select, int len, char text[SOTTO_ERROR_TEXT_BYTES])
{
    static char rows[20000];
    struct judged judged;
    size_t at = (size_t)snprintf(rows, sizeof rows, "flag,x,whole\n");
    for (int i = 1; i <= len; i++) {
        at += (size_t)snprintf(rows + at, sizeof rows - at, "%d,%.17ge0,%d\n", i % 2, 1 + 1. / i,
                               10 + i % 7);
    }
    begin(&judged, "", select, rows);
    enum sotto_status status = judge(&judged);
    assert_true(status == SOTTO_OK || judged.disclosure.rule == SOTTO_RULE_BUDGET);
    (void)snprintf(text, SOTTO_ERROR_TEXT_BYTES, "%s", judged.text);
    judged.rules.is_on[SOTTO_RULE_BUDGET] = false;
    assert_ok(judge(&judged));
    end(&judged);
    return status;
}

/* A yes or no in 40 rows is one, whatever the column has in others. */
static void test_digits_of_other_rows(void **state)
{
    (void)state;
    static char rows[20000];
    const struct {
        const char *keys;
        const char *select;
    } questions[] = {
        {"\"where\": \"part == 1\",", "dot(code, x)"},
        {"\"group_by\": [{\"column\": \"part\", \"levels\": [1, 2]}],", "dot(code, x)"},
        {"", "cov(if(part == 1, code, na), x)"}};
    size_t at = (size_t)snprintf(rows, sizeof rows, "part,code,x\n");
    for (int i = 0; i < 200; i++) {
        at += (size_t)snprintf(rows + at, sizeof rows - at, "%d,%d,%.17ge0\n", i < 40 ? 1 : 2,
                               i < 40 ? i % 2 : 1000 + i / 2, 1 + 1. / (1 + i));
    }
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        struct judged judged;
        begin(&judged, questions[i].keys, questions[i].select, rows);
        assert_true(judge(&judged) == SOTTO_ERROR_REFUSED || judged.withheld[0] != 0);
        judged.rules.is_on[SOTTO_RULE_BUDGET] = false;
        assert_ok(judge(&judged));
        assert_int_equal(judged.withheld[0], 0);
        end(&judged);
    }
}

static void test_digits_of_products(void **state)
{
    (void)state;
    char text[SOTTO_ERROR_TEXT_BYTES];
    assert_int_equal(judge_flags("dot(flag, x)", 40, text), SOTTO_ERROR_REFUSED);
    assert_string_equal(
        text, "rule budget: a sum has 57 bits here, and the values of column "
              "\"flag\" of dot(flag, x) have 1.0 in each of 40 rows: it may tell all of them, "
              "ask for it over more rows");
    assert_int_equal(judge_flags("sum((1 + flag) * (x - 3))", 40, text), SOTTO_ERROR_REFUSED);
    assert_int_equal(judge_flags("cov(x, flag)", 40, text), SOTTO_ERROR_REFUSED);
    assert_ok(judge_flags("dot(flag, x)", 80, text));
    assert_ok(judge_flags("dot(flag, whole)", 40, text));
    assert_ok(judge_flags("mean(flag) + std(flag) + std(x)", 40, text));
}

/* --- What is withheld --- */

static void withholds(const char *keys, const char *select, const uint8_t *expected, size_t len,
                      int rows)
{
    struct judged judged;
    begin(&judged, keys, select, make_rows(rows));
    if (judge(&judged) != SOTTO_OK) {
        fail_msg("%s %s: %s", keys, select, judged.text);
    }
    assert_int_equal(sotto_driver_groups_len(judged.driver), len);
    assert_memory_equal(judged.withheld, expected, len);
    switch_off_all(&judged.rules);
    assert_ok(judge(&judged));
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(judged.withheld[i], 0);
    }
    end(&judged);
}

#define BY_DEPT "\"group_by\": [{\"column\": \"dept\", \"levels\": [\"a\", \"b\", \"c\", \"d\"]}],"

static void test_groups(void **state)
{
    (void)state;
    /* 30, 25, 5 and 0 rows: what is shown of no group is the 5 rows of c, so b goes too. */
    withholds(BY_DEPT, "sum(wage)", (const uint8_t[4]){0, 1, 1, 1}, 4, 60);
    /* 100, 84 and 16 rows. */
    withholds(BY_DEPT, "sum(wage)", (const uint8_t[4]){0, 0, 0, 1}, 4, 200);
    withholds(BY_DEPT, "sum(if(id > 6, wage, na))", (const uint8_t[4]){1, 1, 1, 1}, 4, 60);
    /* The only ones are in a: there they are few. */
    withholds(BY_DEPT, "sum(rare)", (const uint8_t[4]){1, 0, 0, 1}, 4, 200);
    withholds(BY_DEPT, "sum(ceo * wage)", (const uint8_t[4]){1, 1, 1, 1}, 4, 200);
    refuses(BY_DEPT "\"where\": \"id == 17\",", "sum(wage)", SOTTO_RULE_ROWS, "leaves 1 rows in");
    /* Attack 11: whether anybody has a value that no level names is told by nothing: b goes, as
     * what is shown of no group would be the five rows of c. */
    withholds("\"group_by\": [{\"column\": \"dept\", \"levels\": [\"a\", \"b\"]}],", "sum(wage)",
              (const uint8_t[2]){0, 1}, 2, 60);
    withholds("\"group_by\": [{\"column\": \"dept\", \"levels\": [\"a\", \"x\"]}],", "sum(wage)",
              (const uint8_t[2]){0, 1}, 2, 60);
}

/* Cells fall away singly, with a second one where the total would give the first one back. */
static void test_bins_and_levels(void **state)
{
    (void)state;
    passes_rows("", "value_counts(dept, 'a', 'b', 'c')", 2, 60);
    passes_rows("", "value_counts(dept, 'a', 'b', 'c')", 0, 200);
    passes_rows("", "value_counts(dept, 'a', 'c')", 1, 60);
    /* What is in no level is few: one more goes. */
    passes_rows("", "value_counts(dept, 'a', 'b')", 1, 60);
    passes_rows("", "value_counts(dept, 'a', 'b', 'x', 'y', 'z')", 4, 60);
    passes_rows("", "value_counts(id, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)", 10, 60);
    passes_rows("", "hist(id, 0, 20, 40, 61)", 0, 60);
    passes_rows("", "hist(id, 0, 20, 24, 61)", 2, 60);
    passes_rows("", "hist(id, 0, 6, 12, 18, 24, 30, 36, 42, 48, 54, 60)", 10, 60);
    passes_rows("", "hist(age, 18, 23, 28, 33, 38, 43, 48, 53, 58, 63, 66)", 0, 200);
    passes_rows("", "hist(gap, 0, 200, 400, 600)", 0, 60);
    /* Bins of one value, and a condition on it: id < 30 is one more than the first bin. */
    passes_rows("", "hist(id, 0, 30, 61) + 0 * sum(if(id <= 30, wage, na))", 2, 60);
}

/* Cells that are withheld are out of the partial, and the result says by how many parties. */
static void test_withheld_in_the_result(void **state)
{
    (void)state;
    struct sotto_error err = {0};
    char *json = NULL;
    struct judged judged;
    begin(&judged, "", "value_counts(dept, 'a', 'b', 'c')", make_rows(60));
    size_t len = sotto_driver_limbs_len(judged.driver);
    uint64_t *sum = sotto_alloc_array(len, sizeof *sum);
    assert_non_null(sum);
    for (int party = 0; party < 2; party++) {
        enum sotto_status status;
        judged.rules.is_on[SOTTO_RULE_ROWS] = party == 0;
        uint64_t *partial = contribute(&judged, &status);
        assert_ok(status);
        sotto_driver_add(judged.driver, sum, partial, len);
        sotto_free(partial);
    }
    assert_ok(sotto_driver_advance(judged.driver, sum, len, &err));
    const struct sotto_result_parties parties = {.invited = 2, .joined = 2, .survived = 2};
    assert_ok(sotto_driver_result(judged.driver, &json, &parties, NULL, 0, &err));
    assert_contains(json, "{\"value\": 60, \"exact\": \"60\"}, {\"value\": 25, \"exact\": \"25\", "
                          "\"withheld\": 1}, {\"value\": 5, \"exact\": \"5\", \"withheld\": 1}");
    assert_contains(json, "m: 2 of its counts lack the rows of parties that have too few of them");
    sotto_free(json);
    sotto_free(sum);
    end(&judged);
}

static void test_an_impossible_number_of_parties(void **state)
{
    (void)state;
    static const char *const plans[][2] = {{BY_DEPT, "sum(id)"}, {"", "value_counts(dept, 'a')"}};
    for (size_t i = 0; i < 2; i++) {
        struct judged judged;
        struct sotto_error err = {0};
        begin(&judged, plans[i][0], plans[i][1], make_rows(60));
        size_t len = sotto_driver_limbs_len(judged.driver);
        uint64_t *limbs = sotto_alloc_array(len, sizeof *limbs);
        assert_non_null(limbs);
        limbs[len - 1] = UINT64_MAX;
        assert_int_equal(sotto_driver_advance(judged.driver, limbs, len, &err),
                         SOTTO_ERROR_PROTOCOL);
        sotto_free(limbs);
        end(&judged);
    }
}

/* --- Honest work --- */

static void test_honest_work(void **state)
{
    (void)state;
    passes("", "ols(wage, age, flag)");
    passes("", "corr([age, wage, bonus])");
    passes_rows("", "ols(wage, age, flag, bonus, heavy)", 0, 300);
    passes_rows("\"where\": \"id > 40\",", "mean(wage)", 0, 80);
    passes_rows("",
                "hist(age, 18, 30, 40, 50, 67)\", \"w\": \"hist(wage, 2000, 3000, 4000, 5000, "
                "6000, 7000, 8000, 9001)\", \"d\": \"value_counts(dept, 'a', 'b', 'c')\", "
                "\"f\": \"mean(flag)",
                0, 200);
    passes_rows(BY_DEPT, "mean(wage) + std(age)", 0, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_rows_together),
        cmocka_unit_test(test_presence),
        cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_hidden_among_many_columns),
        cmocka_unit_test(test_hidden_in_products),
        cmocka_unit_test(test_hidden_among_whole_numbers),
        cmocka_unit_test(test_dominance),
        cmocka_unit_test(test_identifiers),
        cmocka_unit_test(test_declared_identifiers),
        cmocka_unit_test(test_digits_of_products),
        cmocka_unit_test(test_digits_of_other_rows),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_bins_and_levels),
        cmocka_unit_test(test_withheld_in_the_result),
        cmocka_unit_test(test_an_impossible_number_of_parties),
        cmocka_unit_test(test_honest_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
