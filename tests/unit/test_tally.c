/* SPDX-License-Identifier: Apache-2.0 */

/* Questions to a party's file, week after week, with a ledger: attacks that take several answers,
 * and honest work that looks like them. Every question is one that would be answered if nothing was
 * remembered: each refusal here is the ledger's. */

#include "cases.h"
#include "fault.h"
#include "files.h"
#include "ledgers.h"
#include "mixture.h"
#include "test.h"
#include "worked.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <sotto/tally.h>
#include <stdio.h>
#include <stdlib.h>

#define PERSONS_MAX 240
#define MIN_ROWS 10
#define TEXT_BYTES 65536
#define GROUPS_MAX 8

/* --- The file --- */

struct person {
    int id; /* below 0 it is written as a text */
    int age;
    double wage;
    bool is_sales;
    bool has_manager;
    int version; /* changes with every export */
    const char *wage_text;
};

static struct person persons[PERSONS_MAX];
static size_t persons_len;
static char text[TEXT_BYTES];
static int day;
static unsigned budget;
static unsigned dominance;
static const char *key_column; /* NULL: there is no key */

static struct person make_person(size_t i)
{
    return (struct person){.id = 1000 + (int)i,
                           .age = 20 + (int)(i % 40),
                           .wage = 2000 + 13.25 * (double)(i % 97) + (double)i,
                           .is_sales = i % 3 == 0,
                           .has_manager = true,
                           .version = 1};
}

static void hire(size_t len)
{
    for (size_t i = 0; i < len; i++) {
        persons[persons_len] = make_person(persons_len);
        persons_len++;
    }
}

static const char *write_file(void)
{
    size_t at = (size_t)snprintf(text, sizeof text, "age,wage,dept,manager,version,id\n");
    for (size_t i = 0; i < persons_len; i++) {
        const struct person *person = &persons[i];
        char wage[32];
        (void)snprintf(wage, sizeof wage, "%.2f", person->wage);
        at += (size_t)snprintf(text + at, sizeof text - at, "%d,%s,%s,%s,%d,%s%d\n", person->age,
                               person->wage_text != NULL ? person->wage_text : wage,
                               person->is_sales ? "Sales" : "R&D", person->has_manager ? "1" : "",
                               person->version, person->id < 0 ? "x" : "", abs(person->id));
    }
    assert_true(at < sizeof text);
    return text;
}

/* --- Questions --- */

struct ask {
    const char *outputs[4];
    const char *where;
    const char *by[2];
    bool is_complete; /* only rows that have all columns */
    bool are_floats;  /* somebody else's file has an exponent: all read doubles */
    bool is_judged;   /* few rows are withheld before the ledger is asked */
};

static struct sotto_ledger *ledger;
static struct sotto_rules rules;
static struct sotto_disclosure disclosure;
static uint8_t withheld[GROUPS_MAX];
static char cells_told[2048]; /* of the last question: its bins and levels, as they were told */

static struct sotto_plan *make_plan(const struct ask *ask)
{
    static const char *const alias = "t";
    static const char *const file = "t.csv";
    char *json = NULL;
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    struct sotto_plan_parts parts = {.name = "weekly",
                                     .dataset_aliases = &alias,
                                     .dataset_files = &file,
                                     .datasets_len = 1,
                                     .outputs = ask->outputs,
                                     .where = ask->where,
                                     .by = ask->by};
    while (parts.by_len < 2 && ask->by[parts.by_len] != NULL) {
        parts.by_len++;
    }
    while (parts.outputs_len < 4 && ask->outputs[parts.outputs_len] != NULL) {
        parts.outputs_len++;
    }
    enum sotto_status status = sotto_plan_compose(&json, &parts, &err);
    assert_string_equal(err.text, "");
    assert_ok(status);
    char *whole = sotto_alloc(strlen(json) + 32);
    assert_non_null(whole);
    (void)sprintf(whole, "{%s%s", ask->is_complete ? "\"rows\": \"complete\", " : "", json + 1);
    status = sotto_plan_parse(&plan, whole, strlen(whole), &err);
    sotto_free(whole);
    assert_string_equal(err.text, "");
    assert_ok(status);
    sotto_free(json);
    return plan;
}

/* The agreed types: this party's own, or doubles. */
static struct sotto_driver *make_driver(const struct sotto_plan *plan, const struct ask *ask,
                                        const struct sotto_catalogue *catalogue)
{
    struct sotto_schema schema = {0};
    struct sotto_driver *driver = NULL;
    struct sotto_error err = {0};
    assert_ok(sotto_schema_offer(&schema, plan, &catalogue, &err));
    for (size_t i = 0; ask->are_floats && i < schema.fields_len; i++) {
        if (schema.fields[i].type.kind != SOTTO_KIND_STRING) {
            schema.fields[i].type = (struct sotto_type){.kind = SOTTO_KIND_FLOAT64};
        }
    }
    enum sotto_status status = sotto_driver_new(&driver, plan, &schema, &err);
    assert_string_equal(err.text, "");
    assert_ok(status);
    sotto_schema_release(&schema);
    return driver;
}

static void keep_cells(const struct sotto_ledger_file *file)
{
    cells_told[0] = '\0';
    for (size_t i = 0; i < file->predicates_len; i++) {
        size_t at = strlen(cells_told);
        if (file->counts_cells != NULL && file->counts_cells[i] != 0) {
            (void)snprintf(cells_told + at, sizeof cells_told - at, "%s;", file->predicates[i]);
        }
    }
}

static enum sotto_status ask_ledger(struct sotto_tally *tally, const struct sotto_driver *driver,
                                    struct sotto_error *err)
{
    size_t files_len;
    struct sotto_ledger_pending pending = {0};
    enum sotto_rule rule;
    const struct sotto_ledger_file *files = sotto_tally_files(tally, &files_len);
    keep_cells(files);
    struct sotto_ledger_question question = {.task = {(uint8_t)day},
                                             .name = "weekly",
                                             .round = 1,
                                             .now_ms = day * (int64_t)24 * 3600 * 1000,
                                             .min_rows = MIN_ROWS,
                                             .budget = budget,
                                             .dominance = dominance,
                                             .groups_len = sotto_driver_groups_len(driver),
                                             .files = files,
                                             .files_len = files_len};
    assert_true(question.groups_len <= GROUPS_MAX);
    enum sotto_status status =
        sotto_ledger_answer(ledger, &pending, &rule, withheld, &question, err);
    sotto_ledger_pending_release(&pending);
    return status;
}

/* The same question to a party whose rows are in parts: what a ledger is asked is the same, or both
 * are refused. So every attack and all honest work here are those of such parties, too. */
struct worked_party {
    struct sotto_source *source;
    struct sotto_catalogue *catalogue;
    struct sotto_driver *driver;
    struct sotto_tally *tally;
};

static uint64_t random_state = 22;
static bool is_one_file; /* its rows can't be cut into parts */

static void worked_end(struct worked_party *party)
{
    sotto_tally_free(party->tally);
    sotto_source_free(party->source);
    sotto_driver_free(party->driver);
    sotto_catalogue_free(party->catalogue);
}

static void worked_ask(struct worked_party *out, const struct ask *ask,
                       const struct sotto_plan *plan, const struct sotto_judge *judge,
                       const struct sotto_tally *whole, const uint64_t *limbs, size_t limbs_len,
                       enum sotto_status expected)
{
    size_t files_len;
    struct sotto_error err = {0};
    uint8_t also_withheld[GROUPS_MAX] = {0};
    uint64_t *of_parts = sotto_alloc_array(limbs_len, sizeof *of_parts);
    assert_non_null(of_parts);
    *out = (struct worked_party){0};
    out->source = test_worked_open(&out->catalogue, text, &random_state);
    if (key_column != NULL) {
        out->catalogue->columns[sotto_catalogue_find(out->catalogue, key_column)].is_key = true;
    }
    out->driver = make_driver(plan, ask, out->catalogue);
    sotto_driver_keep_opened(out->driver);
    assert_ok(sotto_tally_new(&out->tally, ledger, out->driver, plan,
                              (const struct sotto_catalogue *const *)&out->catalogue, &err));
    assert_int_equal(sotto_tally_contribute(out->tally, of_parts, limbs_len, also_withheld,
                                            &out->source, judge, &err),
                     expected);
    assert_memory_equal(of_parts, limbs, limbs_len * sizeof *limbs);
    if (expected == SOTTO_OK) {
        assert_memory_equal(also_withheld, withheld, sizeof withheld);
        test_compare_files(sotto_tally_files(whole, &files_len),
                           sotto_tally_files(out->tally, &files_len));
    }
    sotto_free(of_parts);
}

/* Contributes as a party does: judged, if that is asked, and then by the ledger. */
static enum sotto_status try_asking(const struct ask *ask, struct sotto_error *err)
{
    struct sotto_csv *csv = test_csv(write_file());
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    struct sotto_plan *plan = make_plan(ask);
    struct sotto_driver *driver = make_driver(plan, ask, catalogue);
    struct sotto_source *source = NULL;
    struct sotto_tally *tally = NULL;
    size_t limbs_len = sotto_driver_limbs_len(driver);
    uint64_t *limbs = sotto_alloc_array(limbs_len, sizeof *limbs);
    uint64_t *plain = sotto_alloc_array(limbs_len, sizeof *plain);
    uint8_t unwatched[GROUPS_MAX] = {0};
    assert_true(limbs != NULL && plain != NULL);
    const struct sotto_judge *judge = ask->is_judged ? sotto_disclosure_judge(&disclosure) : NULL;
    memset(withheld, 0, sizeof withheld);
    if (key_column != NULL) {
        catalogue->columns[sotto_catalogue_find(catalogue, key_column)].is_key = true;
    }
    assert_ok(sotto_source_new_file(&source, csv, catalogue, err));
    enum sotto_status status = sotto_tally_new(
        &tally, ledger, driver, plan, (const struct sotto_catalogue *const *)&catalogue, err);
    if (status == SOTTO_OK) {
        status = sotto_driver_contribute(driver, plain, limbs_len, unwatched, &source, judge, err);
        assert_int_equal(
            sotto_tally_contribute(tally, limbs, limbs_len, withheld, &source, judge, err), status);
        assert_memory_equal(limbs, plain, limbs_len * sizeof *limbs); /* to watch changes nothing */
        struct worked_party worked = {0};
        bool are_parts = !is_one_file && test_random_below(&random_state, 2) == 0;
        if (are_parts) {
            worked_ask(&worked, ask, plan, judge, tally, limbs, limbs_len, status);
        }
        if (status == SOTTO_OK) {
            status = ask_ledger(are_parts ? worked.tally : tally, driver, err);
        }
        worked_end(&worked);
    }
    sotto_tally_free(tally);
    sotto_source_free(source);
    sotto_driver_free(driver);
    sotto_plan_free(plan);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    sotto_free(limbs);
    sotto_free(plain);
    day += 1;
    return status;
}

#define answered(...) expect_answered((struct ask)__VA_ARGS__)
#define refused(...) expect_refused((struct ask)__VA_ARGS__, "that answer stands")
#define singled_out(...) expect_refused((struct ask)__VA_ARGS__, "singles out")
#define dominated(...) expect_refused((struct ask)__VA_ARGS__, "dominates")

static void expect_answered(struct ask ask)
{
    struct sotto_error err = {0};
    enum sotto_status status = try_asking(&ask, &err);
    assert_string_equal(err.text, "");
    assert_ok(status);
}

static void expect_refused(struct ask ask, const char *part)
{
    struct sotto_error err = {0};
    assert_int_equal(try_asking(&ask, &err), SOTTO_ERROR_REFUSED);
    assert_contains(err.text, part);
}

static int start(void **state)
{
    (void)state;
    test_disk_clear();
    ledger = test_ledger_open();
    persons_len = 0;
    day = 20000;
    budget = 0;
    dominance = 0;
    key_column = NULL;
    is_one_file = false;
    sotto_rules_init(&rules, SOTTO_PROFILE_SAFE);
    sotto_disclosure_init(&disclosure, &rules, 4711);
    hire(80);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    sotto_ledger_free(ledger);
    return 0;
}

/* --- Attacks of several answers --- */

/* 5: a column that changes in every row makes no row new. */
static void test_an_export_date(void **state)
{
    (void)state;
    answered({.outputs = {"sum(wage)", "max_age = mean(age)"}});
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = 2;
    }
    answered({.outputs = {"sum(wage)"}});
    hire(1);
    refused({.outputs = {"sum(wage)"}});
}

/* 6: five rows that are corrected are five. */
static void test_corrected_rows(void **state)
{
    (void)state;
    answered({.outputs = {"std(wage)"}});
    for (size_t i = 0; i < 5; i++) {
        persons[7 * i].wage += 12;
    }
    refused({.outputs = {"sum(wage)"}});
}

/* 13: the same values under other words. */
static void test_other_words(void **state)
{
    (void)state;
    answered({.outputs = {"sum(wage)"}});
    hire(1);
    refused({.outputs = {"sum(wage + 0 * age)"}});
    refused({.outputs = {"sum(3 * wage - 7)"}});
    refused({.outputs = {"sum(if(age < 40, wage, na))"}});
    refused({.outputs = {"sum(if(age < 40, wage, 2 * wage))"}});
    refused({.outputs = {"mean(wage * 1.5)"}});
    refused({.outputs = {"std(wage)"}});
    refused({.outputs = {"cov(wage, age)"}});
    refused({.outputs = {"dot(wage, age) - sum(wage)"}});
    refused({.outputs = {"sum(wage)"}, .where = "age < 40"});
}

/* The creator's own file makes everybody read doubles: they are the same values. */
static void test_other_types(void **state)
{
    (void)state;
    answered({.outputs = {"sum(wage)"}});
    hire(1);
    refused({.outputs = {"sum(wage)"}, .are_floats = true});
    persons_len--;
    answered({.outputs = {"sum(wage)"}, .are_floats = true});
}

/* 1, 2 over time: a product whose parts were told. */
static void test_products(void **state)
{
    (void)state;
    answered({.outputs = {"sum((age + wage) * (age + wage))"}});
    hire(1);
    refused({.outputs = {"dot(age, wage)"}});
    refused({.outputs = {"sum(wage ** 2)"}});
    refused({.outputs = {"sum((2 * age - wage) ** 2)"}});
    answered({.outputs = {"sum(age * version)"}});
}

/* 22: two parts, then all, one person more. */
static void test_parts_and_then_all(void **state)
{
    (void)state;
    answered({.outputs = {"sum(wage)"}, .where = "age < 40"});
    answered({.outputs = {"sum(wage)"}, .where = "not age < 40"});
    hire(1);
    refused({.outputs = {"sum(wage)"}});
    refused({.outputs = {"sum(wage)"}, .by = {"dept in ('Sales', 'R&D')"}});
}

/* The same with all first. */
static void test_all_and_then_parts(void **state)
{
    (void)state;
    answered({.outputs = {"sum(wage)"}});
    hire(1);
    refused({.outputs = {"sum(wage)"}, .where = "age < 40"});
    refused({.outputs = {"sum(wage)"}, .where = "age >= 40"});
}

/* 14: a, b, and a or b: who is in both is singled out by the third, or by the second where it is in
 * the first but for few. */
static void test_trackers(void **state)
{
    (void)state;
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].age = i < 40 ? 30 : 50;
        persons[i].version = i >= 39 && i < 60 ? 2 : 1;
    }
    answered({.outputs = {"mean(wage)"}, .where = "age < 40"});
    answered({.outputs = {"mean(wage)"}, .where = "version == 2"});
    singled_out({.outputs = {"sum(wage)"}, .where = "age < 40 or version == 2"});
    singled_out({.outputs = {"sum(wage)"}, .where = "age < 40 and version == 2"});
    singled_out({.outputs = {"sum(wage)"}, .where = "age >= 40 and version == 2"});
    singled_out({.outputs = {"mean(age)"}, .where = "age < 40 and version == 1"});
    answered({.outputs = {"mean(age)"}, .where = "age < 40"});
    answered({.outputs = {"mean(wage)"}, .where = "version == 2"});
}

/* 40 of 30 years, three of 31, all others of 50. */
static void set_ages(void)
{
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].age = i < 40 ? 30 : i < 43 ? 31 : 50;
    }
}

/* Each set has enough rows, and so has what it leaves out: three rows are between two of them. */
static void test_nested_sets(void **state)
{
    (void)state;
    set_ages();
    answered({.outputs = {"sum(wage)"}, .where = "age < 31"});
    singled_out({.outputs = {"sum(wage)"}, .where = "age < 32"});
    answered({.outputs = {"sum(wage)"}, .where = "age >= 32"});
    singled_out({.outputs = {"sum(wage)"}}); /* all but those two sets: the three */
}

/* Conditions that differ in their sign only: each is taken for itself. */
static void test_other_signs(void **state)
{
    (void)state;
    set_ages();
    answered({.outputs = {"sum(wage)"}, .where = "age < 31"});
    singled_out({.outputs = {"sum(wage)"}, .where = "age <= 31"});
    singled_out({.outputs = {"sum(wage)", "sum(if(age > 31, wage, na))"}});
}

/* First the larger set, then the smaller one, and the smaller one as a group. */
static void test_a_set_within_a_set(void **state)
{
    (void)state;
    set_ages();
    answered({.outputs = {"sum(wage)"}, .where = "age < 32"});
    singled_out({.outputs = {"sum(wage)"}, .where = "age < 31"});
    answered({.outputs = {"sum(wage)"}, .by = {"hist(age, 0, 31, 32, 100)"}});
    assert_int_equal(withheld[0] + 2 * withheld[1] + 4 * withheld[2], 3);
}

/* Groups that are each told apart from a set that was told, but are it together, but for a row: one
 * of them is withheld. */
static void test_groups_together(void **state)
{
    (void)state;
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].age = i < 26 ? 30 : i < 52 ? 40 : 50;
        persons[i].version = i < 53 ? 1 : 2;
    }
    answered({.outputs = {"sum(wage)"}, .where = "version == 1"});
    answered({.outputs = {"sum(wage)"}, .by = {"hist(age, 0, 35, 45, 100)"}});
    assert_int_equal(withheld[0] + 2 * withheld[1] + 4 * withheld[2], 2);
    singled_out({.outputs = {"sum(wage)"}, .where = "age >= 35 and age < 45"});
}

/* A row that a question splits off, without asking for it, of what was told: all less the two
 * others is its value. */
static void test_a_row_split_off(void **state)
{
    (void)state;
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].age = i < 40 ? 30 : i == 40 ? 40 : 50;
        persons[i].version = i < 20 || i >= 60 ? 2 : 1;
    }
    answered({.outputs = {"sum(wage)"}});
    answered(
        {.outputs = {"sum(version)", "count(if(age < 35, 1, na))", "count(if(age >= 45, 1, na))"},
         .where = "version == 2"});
    answered({.outputs = {"sum(wage)"}, .where = "age < 35"});
    singled_out({.outputs = {"sum(wage)"}, .where = "age >= 45"});
}

/* What two answers leave is nearly one row's. */
static void test_dominance(void **state)
{
    (void)state;
    dominance = 10;
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = i >= 30 && i < 40 ? 2 : 1;
    }
    persons[33].wage = 250000;
    answered({.outputs = {"sum(wage)"}});
    dominated({.outputs = {"sum(wage)"}, .where = "version == 1"});
    answered({.outputs = {"sum(wage)"}, .by = {"hist(age, 0, 40, 100)"}});
    dominated({.outputs = {"sum(wage)"}, .by = {"hist(version, 1, 2, 3)"}});
    answered({.outputs = {"sum(age)"}, .where = "version == 1"});
}

/* Known parts, and the whole with a giant in what is new. */
static void test_dominance_of_what_is_new(void **state)
{
    (void)state;
    dominance = 10;
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = i >= 30 && i < 40 ? 2 : 1;
    }
    persons[33].wage = 250000;
    answered({.outputs = {"sum(wage)"}, .where = "version == 1"});
    dominated({.outputs = {"sum(wage)"}});
    dominance = 0;
    answered({.outputs = {"sum(wage)"}});
}

/* Who is asked about is between two sets that are counted: their counts tell of one person. */
static void test_counts_of_two_sets(void **state)
{
    (void)state;
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].age = i < 40 ? 30 : i == 40 ? 40 : 50;
    }
    answered({.outputs = {"count(wage)"}});
    answered({.outputs = {"count(wage)"}, .where = "age < 35"});
    singled_out({.outputs = {"count(wage)"}, .where = "age >= 45"});
    singled_out({.outputs = {"count(wage)"}, .where = "age < 45"});
    singled_out({.outputs = {"sum(if(age >= 45, 1, 0))"}});
    singled_out({.outputs = {"count(if(age >= 45, 1, na))"}});
    singled_out({.outputs = {"mean(wage)"}, .where = "age >= 45"});
    singled_out({.outputs = {"median(wage)"}, .where = "age >= 45"});
    singled_out({.outputs = {"hist(age, 0, 20, 45, 100)"}});
    answered({.outputs = {"count(wage)"}, .where = "age >= 35"});
    answered({.outputs = {"count(wage)"}, .where = "age < 35"});
}

/* What a quantile tells of a column are cells of many rows, which other cells, or conditions on the
 * column, would cut. */
static void test_quantiles_of_two_sets(void **state)
{
    (void)state;
    answered({.outputs = {"median(wage)"}});
    answered({.outputs = {"quantile(wage, 0.1, 0.9)"}}); /* the same rows */
    expect_refused((struct ask){.outputs = {"median(wage)"}, .where = "age >= 40"}, "quantiles");
    expect_refused((struct ask){.outputs = {"hist(wage, 0, 5000, 9000)"}}, "quantiles");
    expect_refused((struct ask){.outputs = {"count(age)"}, .where = "wage >= 2500"}, "quantiles");
    expect_refused((struct ask){.outputs = {"count(age)"}, .where = "dept != '`' and wage >= 2500"},
                   "quantiles");
    answered({.outputs = {"sum(wage)"}});
    hire(1);
    refused({.outputs = {"median(wage)"}});
    hire(20);
    answered({.outputs = {"median(wage)"}});
    answered({.outputs = {"hist(age, 0, 40, 100)"}});
    expect_refused((struct ask){.outputs = {"iqr(age)"}}, "quantiles");
    answered({.outputs = {"median(wage)"}});
    answered({.outputs = {"value_counts(dept, 'Sales', 'R&D')"}});
    answered({.outputs = {"median(wage)"}});
    expect_refused((struct ask){.outputs = {"median(wage)"}, .where = "dept == 'Sales'"},
                   "quantiles");
}

/* Nobody was hired but one person, and a set that is counted has one more. */
static void test_counts_of_one_set(void **state)
{
    (void)state;
    answered({.outputs = {"count(wage)"}, .where = "age < 40"});
    answered({.outputs = {"count(wage)", "count(age)"}});
    hire(1);
    refused({.outputs = {"count(wage)"}, .where = "age < 40"});
    refused({.outputs = {"count(wage)", "sum(if(age < 40, 1, 0))"}});
    answered({.outputs = {"count(wage)"}});
    hire(20);
    answered({.outputs = {"count(wage)"}, .where = "age < 40"});
}

/* Three have no value that bins ask for: a total is told, again and again, and not what is left of
 * it without the bins. */
static void test_few_without_a_bin(void **state)
{
    (void)state;
    const struct ask bins = {.outputs = {"hist(wage, 0, 2600, 9000)", "mean(age)"},
                             .is_judged = true};
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].wage_text = i % 30 == 7 ? "" : NULL;
    }
    expect_answered(bins);
    expect_answered(bins);
    answered({.outputs = {"mean(age)", "std(age)"}, .is_judged = true});
    answered({.outputs = {"mean(age)", "std(age)"}, .is_judged = true});
    answered({.outputs = {"sum(age)"}, .where = "wage < 2600", .is_judged = true});
    singled_out({.outputs = {"sum(age)"}, .where = "wage >= 2600", .is_judged = true});
    expect_answered(bins);
    persons[7].age += 100;
    refused({.outputs = {"mean(age)"}, .is_judged = true});
}

/* Rows without a value are a set that data made: how many there are may be told. */
static void test_counts_of_missing_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].has_manager = i % 2 == 0;
        persons[i].wage_text = i % 30 == 7 ? "" : i % 2 == 0 ? "2500.5" : "3500.25";
    }
    answered({.outputs = {"count(wage)", "count(manager)"}});
    answered({.outputs = {"count(age)"}, .where = "wage < 3000"});
    answered({.outputs = {"count(age)"}, .where = "wage >= 3000"});
    answered({.outputs = {"count(wage)", "count(age)"}});
}

/* How many values there are is known: beside conditions it counts those that none of them names. */
static void test_values_that_are_named_by_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].wage_text = i < 20 ? "" : i < 23 ? "2501.5" : i < 50 ? "2500.5" : "2502.5";
    }
    answered({.outputs = {"count(age)"}, .where = "wage < 2501"});
    singled_out({.outputs = {"count(age)"}, .where = "wage > 2502"});
    answered({.outputs = {"count(age)"}, .where = "wage > 2501"});
}

/* Clipped values are the column's, but for those that are clipped. */
static void test_clipped_values(void **state)
{
    (void)state;
    answered({.outputs = {"sum(wage)", "dot(wage, age)"}});
    refused({.outputs = {"sum(clip(wage, 0, 3100))"}});
    refused({.outputs = {"sum(clip(wage, 2005, 9000.125))"}});
    refused({.outputs = {"sum(clip(wage, 0, 3100) * age)"}});
    refused({.outputs = {"mean(clip(wage, 0, 3100))"}, .where = "age < 40"});
    answered({.outputs = {"sum(clip(wage, 0, 9999))"}});
    answered({.outputs = {"sum(clip(age, 0, 58))"}});
    answered({.outputs = {"sum(clip(age, 0, 58))"}});
    refused({.outputs = {"sum(clip(age, 0, 58.5))"}});
    refused({.outputs = {"sum(age)"}});
}

/* A product with a column of 0 and 1 is a sum over a set, in another task too. */
static void test_products_as_sets(void **state)
{
    (void)state;
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = i < 40;
    }
    answered({.outputs = {"sum(wage * version)"}});
    singled_out({.outputs = {"sum(wage)"}, .where = "version == 1 or wage > 3115"});
    singled_out({.outputs = {"sum(wage)"}, .where = "version == 1 and wage > 2010"});
    answered({.outputs = {"sum(wage)"}, .where = "version == 1"});
    answered({.outputs = {"sum(wage)"}, .where = "age < 40"});
    answered({.outputs = {"sum(wage * version)"}});
    answered({.outputs = {"sum(wage)"}});
}

/* The same, the set first. */
static void test_sets_and_then_products(void **state)
{
    (void)state;
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = i < 40;
    }
    answered({.outputs = {"sum(wage)"}, .where = "version == 1 or wage > 3115"});
    singled_out({.outputs = {"sum(wage * version)"}});
    singled_out({.outputs = {"cov(wage, version)"}});
    answered({.outputs = {"sum(age * version)"}});
}

/* A product of a part of the file, held against a set that goes beyond it by one row. */
static void test_products_of_a_part(void **state)
{
    (void)state;
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = i < 40;
        persons[i].age = i == 0 || i + 12 > persons_len ? 90 : 50;
    }
    answered({.outputs = {"sum(wage)"}, .where = "version == 1"});
    singled_out({.outputs = {"sum(wage)"}, .where = "version == 1 and age < 80"});
    singled_out({.outputs = {"sum(wage * version)"}, .where = "age < 80"});
    answered({.outputs = {"sum(wage * version)"}});
    answered({.outputs = {"count(age)"}, .where = "version == 1"});
    singled_out({.outputs = {"sum(version)"}, .where = "age < 80"});
}

/* The same, the product first. */
static void test_a_part_of_a_product(void **state)
{
    (void)state;
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = i < 40;
        persons[i].age = i == 0 || i + 12 > persons_len ? 90 : 50;
    }
    answered({.outputs = {"sum(wage * version)"}, .where = "age < 80"});
    singled_out({.outputs = {"sum(wage)"}, .where = "version == 1"});
    answered({.outputs = {"sum(wage)"}, .where = "age < 80"});
    answered({.outputs = {"sum(wage * version)"}, .where = "age < 80"});
}

/* A column of 1 and 2 needs the sum over all rows besides. */
static void test_coded_products(void **state)
{
    (void)state;
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = i < 40 ? 2 : 1;
    }
    answered({.outputs = {"sum(wage * version)"}});
    answered({.outputs = {"sum(wage)"}});
    singled_out({.outputs = {"sum(wage)"}, .where = "version == 2 or wage > 3115"});
    singled_out({.outputs = {"sum(if(version == 2 and wage > 2010, wage, na))"}});
    answered({.outputs = {"sum(wage)"}, .where = "version == 2"});
}

/* A sum of 0 and 1 is a count. */
static void test_sums_as_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = i < 40;
    }
    answered({.outputs = {"sum(version)"}});
    singled_out({.outputs = {"count(age)"}, .where = "version == 1 or wage > 3115"});
    answered({.outputs = {"count(age)"}, .where = "age < 40"});
    answered({.outputs = {"std(version)"}});
}

/* No condition is needed: a flag of 0 is one. Where it is 0, one person's age is not. */
static void test_products_without_conditions(void **state)
{
    const char *const outputs[] = {"sum(age)", "sum(age * version)", "sum(age)"};
    (void)state;
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = i >= 20;
        persons[i].age = i == 0 || i >= 20 ? persons[i].age : 0;
    }
    singled_out({.outputs = {outputs[0], outputs[1]}});
    for (size_t i = 0; i < 2; i++) {
        answered({.outputs = {outputs[i]}});
        singled_out({.outputs = {outputs[i + 1]}});
        answered({.outputs = {"ols(wage, version)"}});
        answered({.outputs = {outputs[i]}});
        sotto_ledger_free(ledger);
        test_disk_clear();
        ledger = test_ledger_open();
    }
}

/* In all of the file nobody dominates. But a product with codes of 1 and 2, less the sum, is the
 * sum of those with a 2, among whom one person does; with codes of 0 and 1 it is of those with a 0.
 */
static void test_dominance_within_products(void **state)
{
    const char *const outputs[] = {"sum(wage)", "sum(wage * version)", "sum(wage)"};
    (void)state;
    dominance = 10;
    for (int code = 0; code < 2; code++) { /* of those whose sum is told */
        for (size_t i = 0; i < persons_len; i++) {
            bool is_odd = (i % 4 == 0) == (code == 1);
            persons[i].version = code + (i % 4 == 0);
            persons[i].wage = is_odd ? 10 : 90000 + (double)i;
        }
        persons[code == 1 ? 8 : 9].wage = 80000;
        for (size_t i = 0; i < 2; i++) {
            sotto_ledger_free(ledger);
            test_disk_clear();
            ledger = test_ledger_open();
            answered({.outputs = {outputs[i]}});
            dominated({.outputs = {outputs[i + 1]}});
            answered({.outputs = {outputs[i]}});
        }
        dominated({.outputs = {"sum(wage)", "sum(wage * version)"}});
    }
    dominance = 0;
    answered({.outputs = {"sum(wage)", "sum(wage * version)"}});
}

/* In each of two groups 7 are of version 0: in both together they are enough, but each group's sums
 * are told. */
static void test_products_of_groups(void **state)
{
    const char *const by = "hist(age, 0, 50, 99)";
    const char *const outputs[] = {"sum(wage)", "sum(wage * version)", "sum(wage)"};
    (void)state;
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = i % 40 >= 7;
        persons[i].age = i < 40 ? 30 : 60;
    }
    for (size_t i = 0; i < 2; i++) {
        sotto_ledger_free(ledger);
        test_disk_clear();
        ledger = test_ledger_open();
        answered({.outputs = {outputs[i]}, .by = {by}});
        singled_out({.outputs = {outputs[i + 1]}, .by = {by}});
        answered({.outputs = {outputs[i + 1]}});
        answered({.outputs = {outputs[i]}, .by = {by}});
    }
}

/* Honest work on flags and codes, again and again, beside sets. */
static void test_regressions_beside_sets(void **state)
{
    (void)state;
    hire(200 - persons_len);
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = (int)(i / 7 % 3);
    }
    for (size_t i = 0; i < 2; i++) {
        answered({.outputs = {"mean(wage)"}, .by = {"dept in ('Sales', 'R&D')"}});
        answered({.outputs = {"ols(wage, version, age)", "mean(version)"}});
        answered({.outputs = {"mean(wage)", "std(version)"}, .where = "age < 40"});
        answered({.outputs = {"corr(wage, version)", "sum(version ** 2)"}});
    }
}

/* Rows without a value, and zeros, are no cover for the few that have one. */
static void test_few_values_in_many_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].age = i < 40 ? 30 : 50;
        persons[i].has_manager = i < 41;
    }
    answered({.outputs = {"sum(wage * manager)"}, .where = "age < 40"});
    singled_out({.outputs = {"sum(wage * manager)"}});
}

/* One person of an earlier answer is in the part that grew: the other part is all but that one. */
static void test_a_part_that_grew(void **state)
{
    (void)state;
    persons[5].version = 2;
    answered({.outputs = {"sum(wage)"}});
    hire(20);
    for (size_t i = 80; i < persons_len; i++) {
        persons[i].version = 2;
    }
    refused({.outputs = {"sum(wage)"}, .where = "version == 1"});
    refused({.outputs = {"sum(wage)"}, .where = "version == 2"}); /* all less these, too */
    refused({.outputs = {"sum(wage)"}, .by = {"hist(version, 0, 2, 3)"}});
    answered({.outputs = {"sum(wage)"}});
}

/* S2 over two tasks: who has no manager, and nobody else, is missing in the second. */
static void test_missing_values(void **state)
{
    (void)state;
    persons[11].has_manager = false;
    answered({.outputs = {"sum(wage)"}});
    refused({.outputs = {"sum(wage + 0 * manager)"}});
    refused({.outputs = {"dot(wage, manager) + sum(wage + manager)"}});
    for (size_t i = 0; i < 12; i++) {
        persons[i].has_manager = false;
    }
    answered({.outputs = {"sum(wage + 0 * manager)"}});
}

/* The same by rows that are complete. */
static void test_complete_rows(void **state)
{
    (void)state;
    persons[11].has_manager = false;
    answered({.outputs = {"sum(wage)"}});
    answered({.outputs = {"sum(wage)", "mean(age)"}, .is_complete = true});
    refused({.outputs = {"sum(wage)", "sum(manager)"}, .is_complete = true});
    singled_out({.outputs = {"sum(wage)"}, .where = "manager == 1"});
    for (size_t i = 0; i < 12; i++) {
        persons[i].has_manager = false;
    }
    answered({.outputs = {"sum(wage)", "sum(manager)"}, .is_complete = true});
    persons[3].has_manager = true;
    refused({.outputs = {"sum(wage)", "sum(manager)"}, .is_complete = true});
}

/* Bins and levels of an earlier answer are sets too. */
static void test_bins_and_levels(void **state)
{
    (void)state;
    answered(
        {.outputs = {"hist(age, 0, 40, 100)", "value_counts(dept, 'Sales', 'R&D')", "sum(wage)"}});
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = persons[i].age < 40 ? 2 : 1;
    }
    persons[79].version = 2; /* of those of 40 and above */
    singled_out({.outputs = {"mean(wage)"}, .where = "version == 2"});
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = persons[i].is_sales && persons[i].age < 40 ? 2 : 1;
    }
    answered({.outputs = {"mean(wage)"}, .where = "version == 2"}); /* nobody knows how many */
}

/* 400 bins: a predicate of several entries. */
static void test_many_bins(void **state)
{
    (void)state;
    char bins[4096] = "hist(version";
    for (size_t i = 0; i <= 400; i++) {
        size_t at = strlen(bins);
        (void)snprintf(bins + at, sizeof bins - at, ", %zu%s", 3 * i, i < 400 ? "" : ")");
    }
    answered({.outputs = {bins, "sum(wage)"}});
    answered({.outputs = {bins, "sum(wage)"}});
    for (size_t i = 0; i < 12; i++) {
        persons[i].version = 700;
    }
    answered({.outputs = {"sum(wage)"}});
    answered({.outputs = {"sum(wage)"}, .where = "age < 40 or dept == 'Sales'"});
    hire(1);
    refused({.outputs = {"sum(wage)"}});
}

/* Groups of today against all of yesterday, and the other way round. */
static void test_groups_and_all(void **state)
{
    (void)state;
    answered({.outputs = {"mean(wage)"}, .by = {"dept in ('Sales', 'R&D')"}});
    hire(1);
    refused({.outputs = {"sum(wage)"}});
    answered({.outputs = {"mean(wage)"}, .by = {"dept in ('Sales', 'R&D')"}}); /* one is withheld */
    assert_int_equal(withheld[0] + withheld[1], 1);
}

/* Values beyond 2^53, of 20 digits, and infinities. */
static void test_wide_values(void **state)
{
    (void)state;
    static char digits[PERSONS_MAX][24];
    for (size_t i = 0; i < persons_len; i++) {
        (void)snprintf(digits[i], sizeof digits[i], "%zu", 9007199254740993U + 3 * i);
        persons[i].wage_text = digits[i];
    }
    answered({.outputs = {"sum(wage)"}});
    persons[3].wage_text = "12";
    refused({.outputs = {"sum(wage)"}});
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].wage_text = i % 2 == 0 ? "inf" : "2.5";
    }
    answered({.outputs = {"sum(wage)"}});
    persons[4].wage_text = "2.5";
    refused({.outputs = {"sum(wage)"}});
}

/* Sets that each have enough rows, and so many of them that they are equations for all values. */
static void test_equations(void **state)
{
    (void)state;
    struct sotto_error err = {0};
    const struct ask whole = {.outputs = {"sum(wage)", "std(wage)"}};
    size_t told = 0;
    budget = 33;
    hire(20);
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK; i++) {
        for (size_t j = 0; j < persons_len; j++) { /* others every time */
            persons[j].wage = (double)(1000 * (i + 1) + j);
        }
        status = try_asking(&whole, &err);
        told += status == SOTTO_OK ? 2 : 0;
    }
    assert_int_equal(status, SOTTO_ERROR_REFUSED);
    assert_contains(err.text, "budget: 32 sums of column wage in t.csv were told within a year, "
                              "and these are 2 more: 33 (33 % of its 100 rows)");
    assert_int_equal(told, 32);
    answered({.outputs = {"sum(age)"}}); /* another column */
    day += 400;                          /* another year */
    answered({.outputs = {"sum(wage)", "std(wage)"}});
}

/* In other words the same sums: they count once. */
static void test_repeated_sums_cost_nothing(void **state)
{
    (void)state;
    budget = 3; /* of 80 rows: 2 sums */
    for (size_t i = 0; i < 5; i++) {
        answered({.outputs = {"sum(wage)", "std(wage)"}});
        answered({.outputs = {"mean(wage) + 1", "sum((wage - 3) ** 2)"}});
        answered({.outputs = {"count(wage)"}});
    }
    struct sotto_error err = {0};
    assert_int_equal(try_asking(&(struct ask){.outputs = {"dot(wage, age)"}}, &err),
                     SOTTO_ERROR_REFUSED);
    assert_contains(err.text, "budget: ");
}

/* --- Keys --- */

/* So many of either kind are corrected to the other one. */
static void correct_versions(size_t of_each)
{
    for (size_t i = 0; i < 2 * of_each; i++) {
        persons[i].version = 1 - persons[i].version;
    }
}

/* As many are corrected from yes to no as the other way: no value came or went. */
static void test_whose_values_changed(void **state)
{
    (void)state;
    for (int has_key = 0; has_key < 2; has_key++) {
        assert_int_equal(stop(NULL) | start(NULL), 0);
        key_column = has_key != 0 ? "id" : NULL;
        hire(40);
        for (size_t i = 0; i < persons_len; i++) {
            persons[i].version = i % 2;
        }
        answered({.outputs = {"sum(version)"}});
        correct_versions(15);
        persons[100].version = 1; /* and one more */
        if (has_key != 0) {
            answered({.outputs = {"sum(version)"}}); /* 31 persons have another */
            correct_versions(2);
            refused({.outputs = {"sum(version)"}}); /* the sum is the same, of others */
        } else {
            refused({.outputs = {"sum(version)"}}); /* it looks like one */
        }
    }
}

/* With another key than that of answers before nobody knows what changed. */
static void test_a_key_stays(void **state)
{
    (void)state;
    struct sotto_error err = {0};
    const struct ask mean = {.outputs = {"mean(wage)"}};
    answered({.outputs = {"mean(wage)"}});
    persons_len--;
    key_column = "id";
    expect_refused(mean, "t.csv was answered without a key, and now has the key id");
    assert_ok(sotto_ledger_begin_epoch(ledger, "t.csv", day * (int64_t)86400000, &err));
    answered({.outputs = {"mean(wage)"}});
    answered({.outputs = {"mean(wage)"}});
    persons_len--;
    refused({.outputs = {"mean(wage)"}});
    key_column = "version";
    is_one_file = true; /* parts say at once that it is no key */
    expect_refused(mean, "t.csv was answered with the key id, and now has the key version");
    key_column = NULL;
    expect_refused(mean, "t.csv was answered with the key id, and now has none");
}

/* Also where the answer was of no condition and of no product of columns. */
static void test_a_key_after_any_answer(void **state)
{
    (void)state;
    const struct ask logs = {.outputs = {"mean(log(wage))"}};
    answered({.outputs = {"mean(log(wage))"}});
    persons_len--;
    key_column = "id";
    expect_refused(logs, "t.csv was answered without a key, and now has the key id");
}

/* Another export has texts where there were numbers. */
static void test_keys_are_texts(void **state)
{
    (void)state;
    key_column = "id";
    is_one_file = true; /* of parts some would have numbers, and another one texts */
    answered({.outputs = {"mean(wage)"}});
    hire(1);
    persons[persons_len - 1].id = -7;
    refused({.outputs = {"mean(wage)"}}); /* one is new, and the others are who they were */
    hire(9);
    answered({.outputs = {"mean(wage)"}});
}

/* A question that names the key, too, and types that somebody else's file makes all agree on. */
static void test_a_key_that_others_have_as_doubles(void **state)
{
    (void)state;
    key_column = "id";
    answered({.outputs = {"sum(wage)"}});
    hire(1);
    refused({.outputs = {"sum(wage)", "m = mean(id)"}});
    refused({.outputs = {"sum(wage)", "m = mean(id)"}, .are_floats = true});
}

static void test_what_is_no_key(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *part;
        const char *of_table;
    } cases[] = {
        {"id,x\n1,1\n,1\n", "t.csv: key \"id\": expected a value in each row, found none in 1",
         "t.csv: key \"id\": expected a value in each row, found none in 1"},
        {"id,x\n1.5,1\n2,1\n", "expected whole numbers or texts, found decimal",
         "expected whole numbers or texts, found decimal"},
        {"id,x\nann,1\nbob,1\nann,1\n",
         "t.csv:4: key \"id\": expected another value in each row, found that of line 2",
         "t.csv: key \"id\": expected another value in each row, found one in two rows"},
        {"id,x\n-17,1\n5,1\n17,1\n005,1\n", "t.csv:5: key \"id\": expected another value",
         "found one in two rows"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sotto_error err = {0};
        struct sotto_csv *csv = test_csv(cases[i].text);
        struct sotto_catalogue *catalogue = test_catalogue(csv);
        struct sotto_csv_wanted wanted = {.type = catalogue->columns[0].type};
        struct sotto_table *table = NULL;
        struct sotto_source *source = NULL;
        assert_ok(sotto_source_new_file(&source, csv, catalogue, NULL));
        assert_true(sotto_source_check_key(source, csv, 0, "t.csv", &err) != SOTTO_OK);
        assert_contains(err.text, cases[i].part);
        sotto_source_free(source);
        assert_ok(sotto_table_load(&table, csv, catalogue, &wanted, 1, NULL));
        assert_ok(sotto_source_new_table(&source, table, NULL));
        assert_true(sotto_source_check_key(source, NULL, 0, "t.csv", &err) != SOTTO_OK);
        assert_contains(err.text, cases[i].of_table);
        sotto_source_free(source);
        sotto_table_free(table);
        sotto_catalogue_free(catalogue);
        sotto_csv_close(csv);
    }
}

/* --- Honest work --- */

static void test_one_erased_and_twelve_added(void **state)
{
    (void)state;
    answered({.outputs = {"mean(wage)", "std(wage)"}});
    persons[5] = persons[--persons_len];
    refused({.outputs = {"mean(wage)"}});
    hire(12);
    answered({.outputs = {"mean(wage)", "std(wage)"}});
}

static void test_a_dashboard(void **state)
{
    (void)state;
    hire(200 - persons_len);
    for (size_t week = 0; week < 5; week++) {
        answered({.outputs = {"mean(wage)", "std(age)", "count(manager)"},
                  .by = {"dept in ('Sales', 'R&D')"}});
        assert_int_equal(withheld[0] + withheld[1], 0);
        answered({.outputs = {"mean(wage)"}, .where = "dept == 'Sales'"});
        answered({.outputs = {"corr(wage, age)", "hist(age, 0, 35, 45, 60)"}});
        size_t entries = test_disk.len;
        answered({.outputs = {"corr(wage, age)", "hist(age, 0, 35, 45, 60)"}});
        assert_int_equal(test_disk.len, entries + 1);
        for (size_t i = 0; i < persons_len; i++) { /* the same persons have other wages */
            persons[i].wage += 10;
        }
    }
}

/* Twelve go from one group to the other, and one leaves: each group changed by many, both by one.
 */
static void test_moves_that_hide_one(void **state)
{
    (void)state;
    hire(200 - persons_len);
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = 1 + i % 2;
    }
    answered({.outputs = {"sum(wage)"}, .by = {"version in (1, 2)"}});
    for (size_t i = 0; i < 12; i++) {
        persons[2 * i].version = 2;
    }
    answered({.outputs = {"sum(wage)"}, .by = {"version in (1, 2)"}}); /* nobody left */
    for (size_t i = 0; i < 12; i++) {
        persons[40 + 2 * i].version = 2;
    }
    persons[80] = persons[--persons_len];
    refused({.outputs = {"sum(wage)"}, .by = {"version in (1, 2)"}});
    hire(1); /* somebody came for the one who left */
    persons[persons_len - 1].version = 1;
    persons[persons_len - 1].wage = 77777;
    refused({.outputs = {"sum(wage)"}, .by = {"version in (1, 2)"}});
}

/* The same after 20 came to each group between two answers: only the second one is close to it. */
static void test_moves_after_some_came(void **state)
{
    (void)state;
    hire(200 - persons_len);
    for (size_t week = 0; week < 2; week++) {
        for (size_t i = 0; i < persons_len; i++) {
            persons[i].version = 1 + i % 2;
        }
        answered({.outputs = {"sum(wage)"}, .by = {"version in (1, 2)"}});
        hire(week == 0 ? 40 : 0);
    }
    for (size_t i = 0; i < 12; i++) {
        persons[2 * i].version = 2;
    }
    persons[80] = persons[--persons_len];
    refused({.outputs = {"sum(wage)"}, .by = {"version in (1, 2)"}});
}

/* Twelve go from each of three groups to the next one, and one leaves: any two of them changed by
 * many. */
static void test_moves_in_a_circle(void **state)
{
    (void)state;
    const struct ask sums = {.outputs = {"sum(wage)"}, .by = {"version in (0, 1, 2, 3)"}};
    hire(200 - persons_len);
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = (int)(i % 4);
    }
    expect_answered(sums);
    for (size_t i = 0; i < 96; i++) {
        if (i == 48) {
            expect_answered(sums); /* nobody left */
            assert_memory_equal(withheld, (const uint8_t[4]){0}, 4);
        }
        persons[i].version = i % 4 < 3 ? (persons[i].version + 1) % 3 : 3;
    }
    persons[100] = persons[--persons_len];
    expect_answered(sums);
    assert_memory_equal(withheld, ((const uint8_t[4]){1, 1, 1, 0}), 4);
}

/* Twelve with a yes come, and one with a no: the sum of all less that of yes is the one. */
static void test_products_that_hide_one(void **state)
{
    (void)state;
    hire(200 - persons_len);
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = i % 2;
    }
    answered({.outputs = {"ols(wage, version)"}});
    hire(24);
    for (size_t i = 0; i < 24; i++) {
        persons[persons_len - 24 + i].version = i % 2;
    }
    answered({.outputs = {"ols(wage, version)"}});
    hire(13);
    for (size_t i = 0; i < 13; i++) {
        persons[persons_len - 13 + i].version = i > 0;
    }
    refused({.outputs = {"ols(wage, version)"}});
}

static void hire_with_one_no(void)
{
    hire(13);
    for (size_t i = 0; i < 13; i++) {
        persons[persons_len - 13 + i].version = i > 0;
    }
}

/* The same, asked one after the other, of the rows that have a manager: others have values too, of
 * which nobody was told. */
static void test_products_told_in_turn(void **state)
{
    (void)state;
    const struct ask sum = {.outputs = {"sum(wage + 0 * manager)"}};
    const struct ask product = {.outputs = {"sum(version * wage + 0 * manager)"}};
    hire(200 - persons_len);
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = i % 2;
        persons[i].has_manager = i >= 60;
    }
    expect_answered(sum);
    expect_answered(product);
    hire_with_one_no();
    expect_answered(product);
    expect_refused(sum, "that answer stands");
    for (size_t i = 0; i < 12; i++) { /* so many with a no as well: who they are is not told */
        hire(1);
        persons[persons_len - 1].version = 0;
    }
    expect_answered(sum);
}

/* The same, when the product was told once more in between, of rows that are gone again. */
static void test_products_told_between(void **state)
{
    (void)state;
    const struct ask sum = {.outputs = {"sum(wage + 0 * manager)"}};
    const struct ask product = {.outputs = {"sum(version * wage + 0 * manager)"}};
    hire(160 - persons_len);
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = i % 2;
        persons[i].has_manager = i >= 60;
    }
    expect_answered(product);
    expect_answered(sum);
    hire_with_one_no();
    expect_answered(product);
    hire(40);
    for (size_t i = 0; i < 40; i++) {
        persons[persons_len - 40 + i].version = i % 2;
    }
    expect_answered(product);
    persons_len -= 40;
    expect_refused(sum, "that answer stands");
}

/* The same, when bins were asked for in between, which cut all atoms. */
static void test_products_told_beside_bins(void **state)
{
    (void)state;
    hire(200 - persons_len);
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = i % 2;
        persons[i].has_manager = i >= 60;
    }
    answered({.outputs = {"sum(wage + 0 * manager)", "sum(version * wage + 0 * manager)"}});
    hire_with_one_no();
    answered({.outputs = {"sum(version * wage + 0 * manager)", "hist(age, 0, 40, 100)"}});
    refused({.outputs = {"sum(wage + 0 * manager)"}});
    refused({.outputs = {"mean(wage + 0 * manager)", "hist(age, 0, 30, 100)"}});
}

/* The same in one of two groups, while as many came to the other with a no as with a yes. */
static void test_products_told_of_groups(void **state)
{
    (void)state;
    const char *const groups = "dept in ('Sales', 'R&D')";
    hire(190 - persons_len);
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = i % 2;
        persons[i].has_manager = i >= 60;
    }
    answered({.outputs = {"sum(wage + 0 * manager)", "sum(version * wage + 0 * manager)"},
              .by = {groups}});
    hire(50);
    for (size_t i = 0; i < 50; i++) {
        persons[persons_len - 50 + i].version = i > 0 && (i < 13 || i % 2 == 1);
        persons[persons_len - 50 + i].is_sales = i < 13;
    }
    answered({.outputs = {"sum(version * wage + 0 * manager)"}, .by = {groups}});
    assert_memory_equal(withheld, ((const uint8_t[2]){0, 0}), 2);
    answered({.outputs = {"sum(wage + 0 * manager)"}, .by = {groups}});
    assert_int_equal(withheld[0], 1);
}

/* A sum of all, and the product's after many came, all with a no: less the one, the other is that
 * of the few who had a no before. And the other way round, where the many left. */
static void test_a_product_of_another_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = i >= 4;
    }
    answered({.outputs = {"sum(wage)"}});
    hire(20);
    for (size_t i = 0; i < 20; i++) {
        persons[persons_len - 20 + i].version = 0;
    }
    refused({.outputs = {"sum(version * wage)"}});
    refused({.outputs = {"sum(version * wage)", "hist(age, 0, 40, 100)"}});
    persons[0].version = 1; /* of three it tells as little as of four */
    refused({.outputs = {"sum(version * wage)"}});
}

static void test_a_sum_of_another_state(void **state)
{
    (void)state;
    hire(20);
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = i >= 4 && i < 88;
    }
    answered({.outputs = {"sum(version * wage)"}});
    persons_len -= 20;
    refused({.outputs = {"sum(wage)"}});
    hire(30);
    answered({.outputs = {"sum(wage)"}});
}

/* The same in one of two groups, beside another that has many of both. */
static void test_another_state_of_a_group(void **state)
{
    (void)state;
    const char *const groups = "dept in ('Sales', 'R&D')";
    hire(160 - persons_len);
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].is_sales = i < 80;
        persons[i].version = i < 80 ? i >= 4 : i % 2;
    }
    answered({.outputs = {"sum(wage)"}, .by = {groups}});
    hire(20);
    for (size_t i = 0; i < 20; i++) {
        persons[persons_len - 20 + i].is_sales = true;
        persons[persons_len - 20 + i].version = 0;
    }
    answered({.outputs = {"sum(version * wage)"}, .by = {groups}});
    assert_memory_equal(withheld, ((const uint8_t[2]){1, 0}), 2);
}

/* How many rows there are, and values, is free. */
static void test_counts_are_free(void **state)
{
    (void)state;
    answered({.outputs = {"count(wage)", "count(manager)"}});
    hire(1);
    persons[3].has_manager = false;
    answered({.outputs = {"count(wage)", "count(manager)"}});
}

/* The ledger names what it holds. */
struct seen {
    size_t predicates;
    size_t measures;
    char texts[512];
};

static enum sotto_status see_entry(void *context, const struct sotto_ledger_entry *entry,
                                   struct sotto_error *err)
{
    struct seen *seen = context;
    (void)err;
    if (entry->kind == SOTTO_LEDGER_PREDICATE || entry->kind == SOTTO_LEDGER_SKETCH) {
        seen->predicates += entry->kind == SOTTO_LEDGER_PREDICATE;
        seen->measures += entry->kind == SOTTO_LEDGER_SKETCH;
        size_t at = strlen(seen->texts);
        (void)snprintf(seen->texts + at, sizeof seen->texts - at, "%s|", entry->text);
    }
    return SOTTO_OK;
}

static void test_words(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct sotto_error err;
    hire(200 - persons_len);
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].has_manager = i % 4 != 0;
    }
    answered({.outputs = {"dot(wage, age)", "sum(if(isna(manager) or not (age<30), wage, na))"},
              .where = " dept  ==  'Sales'  or t.age < 50.50 and not `age`<22",
              .by = {"hist(age, 0, 100)"}});
    assert_ok(sotto_ledger_each(ledger, see_entry, &seen, &err));
    assert_int_equal(seen.predicates, 3);
    assert_string_equal(seen.texts,
                        "((`dept` == \"Sales\") or ((`age` < 50.50) and (not (`age` < 22))))|"
                        "hist(`age`, 0, 100)|(isna(`manager`) or (not (`age` < 30)))|"
                        "`age` * `wage`|`age` * `wage`|`wage`|`wage`|(rows)|(rows)|");
}

/* Each allocation fails once, from the predicates on to the entry. */
static void test_no_memory(void **state)
{
    (void)state;
    const struct ask ask = {.outputs = {"dot(wage, age)", "hist(age, 0, 40, 100)"},
                            .where = "age < 50",
                            .by = {"dept in ('Sales', 'R&D')"}};
    answered({.outputs = {"sum(wage)"}, .where = "dept == 'Sales'"});
    struct sotto_csv *csv = test_csv(write_file());
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    struct sotto_plan *plan = make_plan(&ask);
    struct sotto_driver *driver = make_driver(plan, &ask, catalogue);
    struct sotto_source *source = NULL;
    struct sotto_error err = {0};
    size_t limbs_len = sotto_driver_limbs_len(driver);
    uint64_t *limbs = sotto_alloc_array(limbs_len, sizeof *limbs);
    assert_non_null(limbs);
    assert_ok(sotto_source_new_file(&source, csv, catalogue, &err));
    bool has_failed = true;
    size_t failures = 0;
    for (size_t i = 1; has_failed; i++) {
        struct sotto_tally *tally = NULL;
        size_t before = test_disk.len;
        fault_allocation_begin(i);
        enum sotto_status status = sotto_tally_new(
            &tally, ledger, driver, plan, (const struct sotto_catalogue *const *)&catalogue, &err);
        if (status == SOTTO_OK) {
            status = sotto_tally_contribute(tally, limbs, limbs_len, withheld, &source, 0, &err);
        }
        if (status == SOTTO_OK) {
            status = ask_ledger(tally, driver, &err);
        }
        has_failed = fault_allocation_end();
        sotto_tally_free(tally);
        failures += has_failed;
        assert_int_equal(status, has_failed ? SOTTO_ERROR_NO_MEMORY : SOTTO_OK);
        assert_true(!has_failed || test_disk.len == before);
    }
    assert_true(failures > 100);
    sotto_source_free(source);
    sotto_driver_free(driver);
    sotto_plan_free(plan);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    sotto_free(limbs);
}

/* --- What is withheld was not told --- */

/* So many persons of version 1, 2 and so on. */
static void set_versions(const size_t *lens, size_t len)
{
    persons_len = 0;
    for (size_t i = 0; i < len; i++) {
        hire(lens[i]);
        for (size_t j = persons_len - lens[i]; j < persons_len; j++) {
            persons[j].version = (int)i + 1;
        }
    }
}

static size_t count_predicates(const char *text_)
{
    struct sotto_ledger_texts known = {0};
    struct sotto_error err = {0};
    size_t found = 0;
    assert_ok(sotto_ledger_predicates(ledger, &known, "t.csv", &err));
    for (size_t i = 0; i < known.len; i++) {
        found += strcmp(known.texts[i], text_) == 0;
    }
    sotto_ledger_texts_release(&known);
    return found;
}

/* Five of 80 are of the third level, which goes with the second: a total would give it back. */
static void test_a_rare_level(void **state)
{
    (void)state;
    const struct ask ask = {.outputs = {"value_counts(version, 1, 2, 3)", "mean(wage)"},
                            .is_judged = true};
    set_versions((const size_t[]){40, 35, 5}, 3);
    expect_answered(ask);
    size_t entries = test_disk.len;
    expect_answered(ask);
    assert_int_equal(test_disk.len, entries + 1); /* the same answer */
    answered({.outputs = {"mean(wage)", "std(age)"}, .is_judged = true});
    assert_int_equal(count_predicates("value_counts(`version`, 1, 2, 3) without 2 3"), 1);
    assert_int_equal(count_predicates("value_counts(`version`, 1, 2, 3)"), 0);
}

/* Once there are enough of them they are told. */
static void test_a_rare_level_grows(void **state)
{
    (void)state;
    const struct ask ask = {.outputs = {"value_counts(version, 1, 2, 3)"}, .is_judged = true};
    set_versions((const size_t[]){40, 35, 5}, 3);
    expect_answered(ask);
    set_versions((const size_t[]){40, 35, 16}, 3);
    expect_answered(ask);
    expect_answered(ask);
    assert_int_equal(count_predicates("value_counts(`version`, 1, 2, 3)"), 1);
}

/* Of a table a cell of five is withheld, and what would give it back: the others are answered. All
 * of its row less what was told is the five. */
static void test_a_small_cell_of_a_table(void **state)
{
    const struct ask table = {
        .outputs = {"crosstab(dept in ('Sales', 'R&D'), version in (1, 2, 3))"}, .is_judged = true};
    (void)state;
    hire(120 - persons_len);
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = i < 15 ? 2 : 1 + 2 * (int)(i / 15 % 2);
    }
    expect_answered(table);
    expect_answered((struct ask){
        .outputs = {"chi2(dept in ('Sales', 'R&D'), version in (1, 2, 3))"}, .is_judged = true});
    expect_answered(table);
    singled_out({.outputs = {"count(wage)"}, .where = "dept == 'Sales' and version == 2"});
    singled_out({.outputs = {"count(wage)"}, .where = "dept == 'Sales'"});
    singled_out({.outputs = {"value_counts(dept, 'Sales', 'R&D')"}});
}
static void test_a_small_bin(void **state)
{
    (void)state;
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].age = i < 40 ? 20 + (int)i % 20 : i < 75 ? (int)i : 90;
    }
    answered({.outputs = {"hist(age, 0, 40, 80, 100)"}, .is_judged = true});
    answered({.outputs = {"mean(age)"}, .is_judged = true});
    answered({.outputs = {"hist(age, 0, 40, 80, 100)"}, .is_judged = true});
}

/* Bins of an expression, two of them small, within a condition. */
static void test_small_bins_and_a_condition(void **state)
{
    (void)state;
    const struct ask ask = {.outputs = {"hist(age * 2, 0, 60, 80, 100, 200)", "sum(wage)"},
                            .where = "version == 1",
                            .is_judged = true};
    hire(60);
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].age = i < 50 ? 20 : i < 55 ? 35 : i < 80 ? 45 : 70;
        persons[i].version = i < 120 ? 1 : 2;
    }
    expect_answered(ask);
    expect_answered(ask);
    answered({.outputs = {"sum(wage)"}, .is_judged = true});
}

static void test_a_small_group(void **state)
{
    (void)state;
    const struct ask ask = {
        .outputs = {"mean(wage)"}, .by = {"version in (1, 2, 3)"}, .is_judged = true};
    set_versions((const size_t[]){40, 37, 3}, 3);
    expect_answered(ask);
    assert_int_equal(withheld[0] + 2 * withheld[1] + 4 * withheld[2], 6);
    answered({.outputs = {"mean(wage)"}, .where = "age >= 40", .is_judged = true});
    expect_answered(ask);
    assert_int_equal(withheld[0] + 2 * withheld[1] + 4 * withheld[2], 6);
}

/* Of two keys two groups of eight are withheld, which are sixteen together: so many may be told,
 * and one key's level less what was told may not, which is eight. */
static void test_small_groups_of_two_keys(void **state)
{
    const char *const keys[] = {"version in (1, 2, 3)", "hist(version, 1, 2, 3, 4)",
                                "version in (1, 2, other)"};
    (void)state;
    set_versions((const size_t[]){40, 24, 16}, 3);
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].is_sales = i % 2 == 0;
    }
    for (size_t i = 0; i < 3; i++) {
        const struct ask ask = {.outputs = {"mean(wage)"},
                                .by = {keys[i], "dept in ('Sales', 'R&D')"},
                                .is_judged = true};
        expect_answered(ask);
        answered({.outputs = {"mean(wage)"}});
        answered({.outputs = {"mean(wage)"}, .where = "version == 3"});
        expect_answered(ask);
        singled_out({.outputs = {"mean(wage)"}, .where = "dept == 'Sales'"});
        sotto_ledger_free(ledger);
        test_disk_clear();
        ledger = test_ledger_open();
    }
}

/* Four new rows in one of three groups, twenty in the others: that one is withheld, and another, as
 * all rows less the other two are its rows of today. */
static void test_a_week_of_few(void **state)
{
    (void)state;
    const struct ask ask = {
        .outputs = {"mean(wage)"}, .by = {"version in (1, 2, 3)"}, .is_judged = true};
    set_versions((const size_t[]){30, 30, 30}, 3);
    expect_answered(ask);
    assert_int_equal(withheld[0] + withheld[1] + withheld[2], 0);
    hire(44);
    for (size_t i = 90; i < persons_len; i++) {
        persons[i].version = i < 110 ? 1 : i < 130 ? 2 : 3;
    }
    expect_answered(ask);
    assert_int_equal(withheld[0] + 2 * withheld[1] + 4 * withheld[2], 6);
    refused({.outputs = {"mean(wage)"}, .is_judged = true}); /* of the third group four are new */
    hire(40);
    for (size_t i = 134; i < persons_len; i++) {
        persons[i].version = i < 147 ? 1 : i < 160 ? 2 : 3;
    }
    expect_answered(ask);
    assert_int_equal(withheld[0] + withheld[1] + withheld[2], 0);
}

/* What was withheld is not told in other words: five are of the third level. */
static void test_a_withheld_level_in_other_words(void **state)
{
    (void)state;
    set_versions((const size_t[]){40, 35, 5, 20}, 4);
    answered({.outputs = {"value_counts(version, 1, 2, 3, 4)", "sum(wage)"}, .is_judged = true});
    answered({.outputs = {"sum(wage)"}, .where = "version in (1, 2)", .is_judged = true});
    singled_out({.outputs = {"sum(wage)"}, .where = "version in (1, 2, 3)", .is_judged = true});
    singled_out({.outputs = {"mean(age)"}, .where = "version in (1, 2, 3)", .is_judged = true});
    singled_out({.outputs = {"sum(if(version > 3, 1, 0))"}, .is_judged = true});
}

/* Each of two answers withholds the third level, and both together would tell it. */
static void test_a_withheld_level_from_two_sides(void **state)
{
    (void)state;
    set_versions((const size_t[]){40, 20, 5, 30}, 4);
    answered({.outputs = {"value_counts(version, 1, 2, 3, 4)"}, .is_judged = true});
    assert_int_equal(count_predicates("value_counts(`version`, 1, 2, 3, 4) without 3 4"), 1);
    singled_out({.outputs = {"value_counts(version, 2, 4)"}, .is_judged = true});
    singled_out({.outputs = {"mean(wage)"}, .where = "version in (2, 4)", .is_judged = true});
}

/* A group that is withheld, then the total less the groups that are not. */
static void test_a_withheld_group_and_all(void **state)
{
    (void)state;
    set_versions((const size_t[]){40, 20, 5, 30}, 4);
    answered({.outputs = {"sum(wage)"}, .by = {"version in (1, 2, 3, 4)"}, .is_judged = true});
    assert_int_equal(withheld[0] + 2 * withheld[1] + 4 * withheld[2] + 8 * withheld[3], 12);
    answered({.outputs = {"sum(wage)"}, .is_judged = true});
    singled_out({.outputs = {"sum(wage)"}, .where = "version == 4", .is_judged = true});
    answered({.outputs = {"sum(wage)"}, .by = {"version in (2, 4)"}, .is_judged = true});
    assert_int_equal(withheld[0] + 2 * withheld[1], 2); /* the other one was told before */
}

/* --- Histories --- */

#define LEVELS_LEN 6
#define QUESTIONS_LEN 8
#define TOLD_MAX (QUESTIONS_LEN * LEVELS_LEN + 1)

/* What an asker was told: sums over sets of levels. */
struct history {
    const char *output;
    uint64_t rows[LEVELS_LEN];
    uint64_t holds[TOLD_MAX][LEVELS_LEN];
    size_t told_len;
    size_t refused_len;
};

static void tell(struct history *history, unsigned levels)
{
    for (size_t i = 0; i < LEVELS_LEN; i++) {
        history->holds[history->told_len][i] = (levels >> i) & 1;
    }
    history->told_len++;
}

/* "version in (1, 4)". */
static void write_levels(char *out, size_t out_bytes, unsigned levels)
{
    size_t at = (size_t)snprintf(out, out_bytes, "version in (");
    const char *comma = "";
    for (unsigned i = 0; i < LEVELS_LEN; i++) {
        if (((levels >> i) & 1) != 0) {
            at += (size_t)snprintf(out + at, out_bytes - at, "%s%u", comma, i + 1);
            comma = ", ";
        }
    }
    (void)snprintf(out + at, out_bytes - at, ")");
}

/* Asks for all, for some levels, or for each of some levels. */
static void ask_at_random(struct history *history, uint64_t *random)
{
    unsigned levels = 1 + (unsigned)test_random_below(random, (1U << LEVELS_LEN) - 1);
    uint64_t kind = test_random_below(random, 5);
    char words[64];
    struct sotto_error err = {0};
    write_levels(words, sizeof words, levels);
    enum sotto_status status = try_asking(&(struct ask){.outputs = {history->output},
                                                        .where = kind == 1 || kind == 2 ? words : 0,
                                                        .by = {kind > 2 ? words : NULL},
                                                        .is_judged = true},
                                          &err);
    history->refused_len += status != SOTTO_OK;
    if (status == SOTTO_OK && kind <= 2) {
        tell(history, kind == 0 ? (1U << LEVELS_LEN) - 1 : levels);
    }
    for (size_t i = 0, group = 0; status == SOTTO_OK && kind > 2 && i < LEVELS_LEN; i++) {
        if (((levels >> i) & 1) != 0 && withheld[group++] == 0) {
            tell(history, 1U << i);
        }
    }
}

/* No sum of what was told, each times a number, is over few rows. */
static void expect_nothing_given_away(const struct history *history)
{
    const struct sotto__mixture mixture = {.weights = history->rows,
                                           .atoms_len = LEVELS_LEN,
                                           .factors = history->holds[0],
                                           .sets_len = history->told_len};
    uint8_t sets[TOLD_MAX];
    bool found = false;
    assert_ok(sotto__mixture_find(&mixture, &found, sets, MIN_ROWS, sotto__mixture_prime(4711)));
    assert_false(found);
}

static void test_histories(void **state)
{
    static const size_t sizes[] = {3, 5, 8, 12, 20, 30, 40};
    uint64_t random = 20261129;
    size_t answered_len = 0;
    size_t refused_len = 0;
    (void)state;
    size_t len = test_cases(300);
    for (size_t i = 0; i < len; i++) {
        bool counts = i % 2 == 1;
        struct history history = {.output = counts ? "count(wage)" : "sum(wage)"};
        size_t lens[LEVELS_LEN];
        sotto_ledger_free(ledger);
        test_disk_clear();
        ledger = test_ledger_open();
        for (size_t j = 0; j < LEVELS_LEN; j++) {
            lens[j] = sizes[test_random_below(&random, sizeof sizes / sizeof sizes[0])];
            history.rows[j] = lens[j];
        }
        set_versions(lens, LEVELS_LEN);
        if (counts) { /* how many rows there are is known */
            tell(&history, (1U << LEVELS_LEN) - 1);
        }
        for (size_t j = 0; j < QUESTIONS_LEN; j++) {
            ask_at_random(&history, &random);
            expect_nothing_given_away(&history);
        }
        answered_len += history.told_len;
        refused_len += history.refused_len;
    }
    assert_true(answered_len > len / 2 && refused_len > len / 2);
}

/* --- Tables side by side --- */

#define TABLES_QUESTIONS 7
#define SIDE_SUMS_MAX 400

/* What an asker was told, person by person: of each sum, over whose values. A person whose wage is
 * corrected has a value more. */
struct told_persons {
    uint8_t holds[SIDE_SUMS_MAX][2 * PERSONS_MAX];
    size_t len;
};

static struct told_persons told_wages;
static struct told_persons told_counts;
static size_t value_of[PERSONS_MAX]; /* which of a person's values is true today */
static size_t bins_len;              /* of ages, ten years each from 20 on */

static size_t find_bin(const struct person *person)
{
    return (size_t)(person->age - 20) / 10;
}

/* Whether a person is in a set of a question, by place: bins of ages, then levels of departments,
 * then versions; 0: all. */
static bool is_in(const struct person *person, size_t set)
{
    if (set == 0) {
        return true;
    }
    set--;
    if (set < bins_len) {
        return find_bin(person) == set;
    }
    set -= bins_len;
    return set < 2 ? person->is_sales == (set == 0) : person->version == (int)set - 1;
}

static void tell_persons(struct told_persons *told, size_t set, size_t where, bool are_values)
{
    uint8_t *holds = told->holds[told->len++];
    assert_true(told->len < SIDE_SUMS_MAX);
    memset(holds, 0, sizeof told->holds[0]);
    for (size_t i = 0; i < persons_len; i++) {
        size_t column = are_values ? value_of[i] * PERSONS_MAX + i : i;
        holds[column] = is_in(&persons[i], set) && is_in(&persons[i], where);
    }
}

/* Persons who count alike in all that was told are one atom. Returns: how many there are. */
static size_t find_atoms(uint64_t *weights, uint64_t *factors, const struct told_persons *told)
{
    static uint8_t columns[2 * PERSONS_MAX][SIDE_SUMS_MAX];
    size_t len = 0;
    for (size_t i = 0; i < 2 * (size_t)PERSONS_MAX; i++) {
        bool is_any = false;
        for (size_t j = 0; j < told->len; j++) {
            columns[len][j] = told->holds[j][i];
            is_any = is_any || told->holds[j][i] != 0;
        }
        size_t same = 0;
        while (same < len && memcmp(columns[same], columns[len], told->len) != 0) {
            same++;
        }
        weights[same] = same < len ? weights[same] + 1 : 1;
        len += is_any && same == len;
    }
    for (size_t i = 0; i < told->len * len; i++) {
        factors[i] = columns[i % len][i / len];
    }
    return len;
}

static void expect_no_person_given_away(const struct told_persons *told)
{
    static uint64_t weights[2 * PERSONS_MAX + 1];
    static uint64_t factors[2 * PERSONS_MAX * SIDE_SUMS_MAX];
    bool found = true;
    struct sotto__mixture mixture = {.weights = weights, .factors = factors};
    mixture.atoms_len = find_atoms(weights, factors, told);
    mixture.sets_len = told->len;
    assert_ok(sotto__mixture_find(&mixture, &found, NULL, MIN_ROWS, sotto__mixture_prime(99)));
    assert_false(found);
}

struct table {
    const char *words; /* as an output */
    const char *key;   /* as a key */
    const char *text;  /* what it begins with in a ledger */
    size_t first;      /* of its sets */
    size_t len;
};

/* Whether a class of a table, from 1 on, was told by the last question. */
static bool is_told(const struct table *table, size_t class_)
{
    char cells[256] = "";
    const char *told = strstr(cells_told, table->text);
    if (told == NULL) {
        return false;
    }
    memcpy(cells, told, strcspn(told, ";"));
    const char *without = strstr(cells, " without");
    for (char *at = without != NULL ? strpbrk(without, "0123456789") : NULL; at != NULL;
         at = strpbrk(at, "0123456789")) {
        if (strtoul(at, &at, 10) == class_) {
            return false;
        }
    }
    return true;
}

/* What is told of a table's sets, by counts or, as groups, by sums too. */
static void tell_table(const struct table *table, size_t where, bool are_groups)
{
    for (size_t i = 0; i < table->len; i++) {
        if (are_groups ? withheld[i] == 0 : is_told(table, i + 1)) {
            tell_persons(&told_counts, table->first + i, where, false);
        }
        if (are_groups && withheld[i] == 0) {
            tell_persons(&told_wages, table->first + i, where, true);
        }
    }
}

/* Counts of some tables, and the mean of wages, of all or where a set holds, or by groups. Returns:
 * whether it was answered. */
static bool ask_tables(const struct table *tables, uint64_t *random)
{
    const char *const sets[] = {NULL,           "age < 30",    "dept == 'Sales'", "dept != 'Sales'",
                                "version == 1", "version == 3"};
    size_t where_of[] = {0, 1, 1 + bins_len, 2 + bins_len, 3 + bins_len, 5 + bins_len};
    size_t where = test_random_below(random, 2) == 0 ? 0 : test_random_below(random, 6);
    size_t key = test_random_below(random, 6);
    bool has_wages = test_random_below(random, 3) == 0;
    bool has_condition = key >= 3 && test_random_below(random, 3) == 0;
    unsigned some = (unsigned)test_random_below(random, 8);
    struct ask ask = {.where = sets[where], .is_judged = true};
    struct sotto_error err = {0};
    size_t len = 0;
    for (size_t i = 0; i < 3; i++) {
        if (key >= 3 && ((some >> i) & 1) != 0) {
            ask.outputs[len++] = tables[i].words;
        }
    }
    if (has_condition && len < 3) {
        ask.outputs[len++] = "mean(if(version == 1, wage, na))";
    } else {
        has_condition = false;
    }
    if (has_wages || len == 0) {
        ask.outputs[len++] = "mean(wage)";
    }
    ask.by[0] = key < 3 ? tables[key].key : NULL;
    if (try_asking(&ask, &err) != SOTTO_OK) {
        return false;
    }
    for (size_t i = 0; key >= 3 && i < 3; i++) {
        if (((some >> i) & 1) != 0) {
            tell_table(&tables[i], where_of[where], false);
        }
    }
    if (has_condition) {
        tell_persons(&told_counts, 3 + bins_len, where_of[where], false);
        tell_persons(&told_wages, 3 + bins_len, where_of[where], true);
    }
    if (key < 3) {
        tell_table(&tables[key], where_of[where], true);
    } else {
        tell_persons(&told_counts, where_of[where], 0, false);
        if (has_wages || (some == 0 && !has_condition)) {
            tell_persons(&told_wages, where_of[where], 0, true);
        }
    }
    return true;
}

/* A third of all are hired or have another wage. */
static void change_persons(uint64_t *random)
{
    for (size_t i = 0; i < persons_len; i++) {
        if (test_random_below(random, 3) == 0) {
            persons[i].wage += 1000;
            value_of[i] = 1;
        }
    }
    size_t len = persons_len;
    hire(20 + test_random_below(random, 30));
    for (size_t i = len; i < persons_len; i++) {
        persons[i].version = 1 + (int)test_random_below(random, 3);
    }
}

/* Of a small file, where most bins of a department are of few: tables beside each other, sums,
 * conditions and groups. What is told gives no few rows away, whatever is refused for it. */
static void test_tables_side_by_side(void **state)
{
    uint64_t random = 14;
    size_t answered_len = 0;
    size_t side_len = 0;
    size_t len = test_cases(60);
    (void)state;
    for (size_t i = 0; i < len; i++) {
        const struct table tables[] = {{"hist(age, 20, 30, 40, 50, 60)",
                                        "hist(age, 20, 30, 40, 50, 60)", "hist(`age`", 1,
                                        bins_len = 4},
                                       {"value_counts(dept, 'Sales', 'R&D')",
                                        "dept in ('Sales', 'R&D')", "value_counts(`dept`", 5, 2},
                                       {"value_counts(version, 1, 2, 3)", "version in (1, 2, 3)",
                                        "value_counts(`version`", 7, 3}};
        sotto_ledger_free(ledger);
        test_disk_clear();
        ledger = test_ledger_open();
        told_wages.len = told_counts.len = 0;
        memset(value_of, 0, sizeof value_of);
        persons_len = 0;
        hire(60 + test_random_below(&random, 60));
        for (size_t j = 0; j < persons_len; j++) {
            persons[j].age = 20 + (int)test_random_below(&random, 40);
            persons[j].version = 1 + (int)test_random_below(&random, 3);
        }
        for (size_t j = 0; j < TABLES_QUESTIONS; j++) {
            if (j == 4 && i % 2 == 0) {
                change_persons(&random);
            }
            bool is_answered = ask_tables(tables, &random);
            tell_persons(&told_counts, 0, 0, false); /* how many there are is known */
            answered_len += is_answered;
            side_len += told_counts.len > 12;
            expect_no_person_given_away(&told_wages);
            expect_no_person_given_away(&told_counts);
            told_counts
                .len--; /* and how many there were, what is not asked included, is no secret */
        }
    }
    assert_true(answered_len > 3 * len && side_len > len);
}

/* Two tables, and three, of a file whose cells are of few; and again when it has grown. */
static void test_margins(void **state)
{
    (void)state;
    const struct ask margins = {.outputs = {"hist(age, 20, 30, 40, 50, 60)",
                                            "value_counts(dept, 'Sales', 'R&D')",
                                            "value_counts(version, 1, 2, 3)", "mean(wage)"},
                                .is_judged = true};
    hire(60);
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].version = 1 + (int)(i * 7 / 11 % 3);
    }
    expect_answered(margins);
    expect_answered(margins);
    answered({.outputs = {"mean(wage)", "hist(age, 20, 40, 60)"},
              .by = {"version in (1, 2, 3)"},
              .is_judged = true});
    assert_int_equal(withheld[0] + withheld[1] + withheld[2], 0);
    expect_answered(margins);
    singled_out({.outputs = {"count(wage)"}, .where = "age < 40 or age == 41"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_export_date, start, stop),
        cmocka_unit_test_setup_teardown(test_corrected_rows, start, stop),
        cmocka_unit_test_setup_teardown(test_other_words, start, stop),
        cmocka_unit_test_setup_teardown(test_other_types, start, stop),
        cmocka_unit_test_setup_teardown(test_products, start, stop),
        cmocka_unit_test_setup_teardown(test_parts_and_then_all, start, stop),
        cmocka_unit_test_setup_teardown(test_all_and_then_parts, start, stop),
        cmocka_unit_test_setup_teardown(test_trackers, start, stop),
        cmocka_unit_test_setup_teardown(test_nested_sets, start, stop),
        cmocka_unit_test_setup_teardown(test_other_signs, start, stop),
        cmocka_unit_test_setup_teardown(test_a_set_within_a_set, start, stop),
        cmocka_unit_test_setup_teardown(test_groups_together, start, stop),
        cmocka_unit_test_setup_teardown(test_a_row_split_off, start, stop),
        cmocka_unit_test_setup_teardown(test_dominance, start, stop),
        cmocka_unit_test_setup_teardown(test_dominance_of_what_is_new, start, stop),
        cmocka_unit_test_setup_teardown(test_counts_of_two_sets, start, stop),
        cmocka_unit_test_setup_teardown(test_quantiles_of_two_sets, start, stop),
        cmocka_unit_test_setup_teardown(test_counts_of_one_set, start, stop),
        cmocka_unit_test_setup_teardown(test_counts_of_missing_values, start, stop),
        cmocka_unit_test_setup_teardown(test_few_without_a_bin, start, stop),
        cmocka_unit_test_setup_teardown(test_values_that_are_named_by_none, start, stop),
        cmocka_unit_test_setup_teardown(test_clipped_values, start, stop),
        cmocka_unit_test_setup_teardown(test_products_as_sets, start, stop),
        cmocka_unit_test_setup_teardown(test_sets_and_then_products, start, stop),
        cmocka_unit_test_setup_teardown(test_products_of_a_part, start, stop),
        cmocka_unit_test_setup_teardown(test_a_part_of_a_product, start, stop),
        cmocka_unit_test_setup_teardown(test_coded_products, start, stop),
        cmocka_unit_test_setup_teardown(test_sums_as_counts, start, stop),
        cmocka_unit_test_setup_teardown(test_products_without_conditions, start, stop),
        cmocka_unit_test_setup_teardown(test_dominance_within_products, start, stop),
        cmocka_unit_test_setup_teardown(test_products_of_groups, start, stop),
        cmocka_unit_test_setup_teardown(test_regressions_beside_sets, start, stop),
        cmocka_unit_test_setup_teardown(test_few_values_in_many_rows, start, stop),
        cmocka_unit_test_setup_teardown(test_a_part_that_grew, start, stop),
        cmocka_unit_test_setup_teardown(test_missing_values, start, stop),
        cmocka_unit_test_setup_teardown(test_complete_rows, start, stop),
        cmocka_unit_test_setup_teardown(test_bins_and_levels, start, stop),
        cmocka_unit_test_setup_teardown(test_many_bins, start, stop),
        cmocka_unit_test_setup_teardown(test_groups_and_all, start, stop),
        cmocka_unit_test_setup_teardown(test_wide_values, start, stop),
        cmocka_unit_test_setup_teardown(test_equations, start, stop),
        cmocka_unit_test_setup_teardown(test_repeated_sums_cost_nothing, start, stop),
        cmocka_unit_test_setup_teardown(test_whose_values_changed, start, stop),
        cmocka_unit_test_setup_teardown(test_a_key_stays, start, stop),
        cmocka_unit_test_setup_teardown(test_a_key_after_any_answer, start, stop),
        cmocka_unit_test_setup_teardown(test_keys_are_texts, start, stop),
        cmocka_unit_test_setup_teardown(test_a_key_that_others_have_as_doubles, start, stop),
        cmocka_unit_test_setup_teardown(test_what_is_no_key, start, stop),
        cmocka_unit_test_setup_teardown(test_one_erased_and_twelve_added, start, stop),
        cmocka_unit_test_setup_teardown(test_a_dashboard, start, stop),
        cmocka_unit_test_setup_teardown(test_moves_that_hide_one, start, stop),
        cmocka_unit_test_setup_teardown(test_moves_after_some_came, start, stop),
        cmocka_unit_test_setup_teardown(test_moves_in_a_circle, start, stop),
        cmocka_unit_test_setup_teardown(test_products_that_hide_one, start, stop),
        cmocka_unit_test_setup_teardown(test_products_told_in_turn, start, stop),
        cmocka_unit_test_setup_teardown(test_products_told_between, start, stop),
        cmocka_unit_test_setup_teardown(test_products_told_beside_bins, start, stop),
        cmocka_unit_test_setup_teardown(test_products_told_of_groups, start, stop),
        cmocka_unit_test_setup_teardown(test_a_product_of_another_state, start, stop),
        cmocka_unit_test_setup_teardown(test_a_sum_of_another_state, start, stop),
        cmocka_unit_test_setup_teardown(test_another_state_of_a_group, start, stop),
        cmocka_unit_test_setup_teardown(test_counts_are_free, start, stop),
        cmocka_unit_test_setup_teardown(test_a_rare_level, start, stop),
        cmocka_unit_test_setup_teardown(test_a_rare_level_grows, start, stop),
        cmocka_unit_test_setup_teardown(test_a_small_cell_of_a_table, start, stop),
        cmocka_unit_test_setup_teardown(test_a_small_bin, start, stop),
        cmocka_unit_test_setup_teardown(test_small_bins_and_a_condition, start, stop),
        cmocka_unit_test_setup_teardown(test_a_small_group, start, stop),
        cmocka_unit_test_setup_teardown(test_small_groups_of_two_keys, start, stop),
        cmocka_unit_test_setup_teardown(test_a_week_of_few, start, stop),
        cmocka_unit_test_setup_teardown(test_a_withheld_level_in_other_words, start, stop),
        cmocka_unit_test_setup_teardown(test_a_withheld_level_from_two_sides, start, stop),
        cmocka_unit_test_setup_teardown(test_a_withheld_group_and_all, start, stop),
        cmocka_unit_test_setup_teardown(test_histories, start, stop),
        cmocka_unit_test_setup_teardown(test_tables_side_by_side, start, stop),
        cmocka_unit_test_setup_teardown(test_margins, start, stop),
        cmocka_unit_test_setup_teardown(test_words, start, stop),
        cmocka_unit_test_setup_teardown(test_no_memory, start, stop),
    };
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
