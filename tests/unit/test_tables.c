/* SPDX-License-Identifier: Apache-2.0 */

/* Tables in memory against files: the same offers, the same partials, bit for bit. */

#include "files.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <sotto/simulate.h>
#include <sotto/table.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTIES_MAX 4

struct party {
    struct sotto_csv *file;
    struct sotto_catalogue *catalogue;
    struct sotto_table *table;
    struct sotto_schema offer;
};

static void party_open(struct party *out, const char *text, const struct sotto_plan *plan)
{
    struct sotto_schema again;
    struct sotto_source *source = NULL;
    assert_ok(sotto_csv_open_fd(&out->file, test_file(text, strlen(text)), "t.csv", NULL, NULL));
    assert_ok(sotto_csv_catalogue(out->file, &out->catalogue, NULL));
    size_t len = out->catalogue->columns_len;
    struct sotto_csv_wanted *wanted = sotto_alloc_array(len, sizeof *wanted);
    assert_non_null(wanted);
    for (size_t i = 0; i < len; i++) {
        wanted[i] = (struct sotto_csv_wanted){.column = i, .type = out->catalogue->columns[i].type};
    }
    assert_ok(sotto_table_load(&out->table, out->file, out->catalogue, wanted, len, NULL));
    sotto_free(wanted);
    const struct sotto_catalogue *catalogue = out->catalogue;
    assert_ok(sotto_source_new_table(&source, out->table, NULL));
    assert_ok(sotto_schema_offer(&out->offer, plan, &catalogue, NULL));
    assert_ok(sotto_source_offer(&again, plan, &source, NULL));
    sotto_source_free(source);
    assert_int_equal(again.fields_len, out->offer.fields_len);
    for (size_t i = 0; i < again.fields_len; i++) {
        assert_int_equal(again.fields[i].type.kind, out->offer.fields[i].type.kind);
        assert_int_equal(again.fields[i].type.scale, out->offer.fields[i].type.scale);
    }
    sotto_schema_release(&again);
}

static void party_close(struct party *party)
{
    sotto_schema_release(&party->offer);
    sotto_table_free(party->table);
    sotto_catalogue_free(party->catalogue);
    sotto_csv_close(party->file);
}

static void same_round(struct sotto_driver *driver, struct party *parties, size_t len)
{
    size_t limbs_len = sotto_driver_limbs_len(driver);
    uint64_t *wanted = sotto_alloc_array(limbs_len, sizeof *wanted);
    uint64_t *found = sotto_alloc_array(limbs_len, sizeof *found);
    uint64_t *sum = sotto_alloc_array(limbs_len, sizeof *sum);
    assert_true(wanted != NULL && found != NULL && sum != NULL);
    for (size_t i = 0; i < len; i++) {
        struct sotto_error err = {0};
        assert_ok(
            test_partial(driver, wanted, limbs_len, parties[i].file, parties[i].catalogue, NULL));
        if (test_partial_table(driver, found, limbs_len, parties[i].table, &err) != SOTTO_OK) {
            fail_msg("%s", err.text);
        }
        assert_memory_equal(wanted, found, limbs_len * sizeof *found);
        sotto_driver_add(driver, sum, wanted, limbs_len);
    }
    assert_ok(sotto_driver_advance(driver, sum, limbs_len, NULL));
    sotto_free(wanted);
    sotto_free(found);
    sotto_free(sum);
}

static void same_partials(const struct sotto_plan *plan, const char *const *texts, size_t len)
{
    struct party parties[PARTIES_MAX] = {{0}};
    struct sotto_schema offers[PARTIES_MAX];
    struct sotto_schema schema;
    struct sotto_driver *driver = NULL;
    for (size_t i = 0; i < len; i++) {
        party_open(&parties[i], texts[i], plan);
        offers[i] = parties[i].offer;
    }
    assert_ok(sotto_schema_agree(&schema, plan, offers, NULL, len, NULL));
    assert_ok(sotto_driver_new(&driver, plan, &schema, NULL));
    while (sotto_driver_round(driver) != 0) {
        same_round(driver, parties, len);
    }
    sotto_driver_free(driver);
    sotto_schema_release(&schema);
    for (size_t i = 0; i < len; i++) {
        party_close(&parties[i]);
    }
}

static struct sotto_plan *plan_of(const char *json)
{
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    if (sotto_plan_parse(&plan, json, strlen(json), &err) != SOTTO_OK) {
        fail_msg("%s", err.text);
    }
    return plan;
}

/* Each party's columns have other types; the agreed ones are wider. */
static void test_types(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "i,d,f,b,s,n\n1,2,3,True,x,NA\n-9223372036854775808,NA,9007199254740993,NA,NA,NA\n",
        "s,i,d,f,b,n\ny,9223372036854775807,0.25,2.5,False,1\nx,3,-1.125,NA,True,2.5\n",
        "f,i,d,b,s,n\n1e300,NA,3.000000000000000001,NA,x,NA\ninf,4,9.2,True,\"a,b\",NA\n",
        "f,i,d,b,s,n\n"};
    static const char *const outputs[] = {"x=sum(*)",
                                          "x=var(*) * count(*)",
                                          "x=sum(if(s == 'x', [i, d, f], na))",
                                          "x=value_counts(s, 'x', 'a,b')",
                                          "x=sum(n * d)",
                                          "x=sum(* - mean(*)) + count(i // 7 % exp(d))"};
    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
        struct sotto_plan *plan = test_plan_of(outputs[i]);
        same_partials(plan, texts, 4);
        sotto_plan_free(plan);
    }
}

static void test_groups(void **state)
{
    (void)state;
    static const char *const texts[] = {"k,v\nx,1\ny,2\n", "k,v\nNA,1\nNA,5\n", "v,k\n0.5,z\n"};
    struct sotto_plan *plan =
        plan_of("{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": {\"t\": "
                "\"t.csv\"}, "
                "\"group_by\": [{\"column\": \"k\", \"levels\": [\"x\", \"y\"], \"other\": true}], "
                "\"where\": \"v < 2\", \"select\": {\"m\": \"mean(v)\"}}");
    same_partials(plan, texts, 3);
    sotto_plan_free(plan);
}

/* More rows than a worker takes at a time, not a multiple of anything. */
static void test_many_rows(void **state)
{
    (void)state;
    size_t rows = 3 * 4096 + 77;
    char *text = malloc(rows * 40 + 100);
    char *other = malloc(rows * 40 + 100);
    assert_true(text != NULL && other != NULL);
    size_t at = (size_t)sprintf(text, "a,b,c,s\n");
    size_t there = (size_t)sprintf(other, "a,b,c,s\n");
    uint64_t random = 1;
    for (size_t i = 0; i < rows; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
        unsigned value = (unsigned)(random >> 40);
        at += (size_t)sprintf(text + at, "%u,%s,%u.%02ue-3,%c\n", value,
                              value % 7 == 0 ? "NA" : "true", value, value % 100, "xyz"[value % 3]);
        there += (size_t)sprintf(other + there, "%s,false,0.%u,%c\n", value % 5 == 0 ? "" : "1.25",
                                 value % 1000, "xyz"[value % 3]);
    }
    const char *const texts[] = {text, other};
    static const char *const outputs[] = {"x=sum(*)", "x=cov(*)", "x=mean(if(s == 'y', a * c, b))"};
    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
        struct sotto_plan *plan = test_plan_of(outputs[i]);
        same_partials(plan, texts, 2);
        sotto_plan_free(plan);
    }
    free(text);
    free(other);
}

static void test_errors(void **state)
{
    (void)state;
    struct sotto_plan *plan = test_plan_of("x=sum(a)");
    struct sotto_plan *misspelt = test_plan_of("x=sum(aa)");
    struct party ints = {0};
    struct party texts = {0};
    struct party others = {0};
    struct sotto_plan *of_text = test_plan_of("x=count(a)");
    struct sotto_plan *of_other = test_plan_of("x=count(b)");
    struct sotto_driver *driver = NULL;
    struct sotto_schema schema;
    struct sotto_error err = {0};
    uint64_t limbs[2];
    party_open(&ints, "a\n1\n", plan);
    party_open(&texts, "a\nx\n", of_text);
    party_open(&others, "b\n1\n", of_other);
    assert_ok(sotto_schema_agree(&schema, plan, &ints.offer, NULL, 1, NULL));
    assert_ok(sotto_driver_new(&driver, plan, &schema, NULL));
    const struct sotto_table *table = texts.table;
    assert_int_equal(test_partial_table(driver, limbs, 2, table, &err), SOTTO_ERROR_TYPE);
    assert_contains(err.text, "column t.a is string, but int64 was agreed on");
    table = others.table;
    assert_int_equal(test_partial_table(driver, limbs, 2, table, &err), SOTTO_ERROR_NOT_FOUND);
    assert_contains(err.text, "has no column \"a\"");
    table = ints.table;
    struct sotto_interrupt interrupt = {0};
    sotto_driver_heed(driver, &interrupt);
    assert_ok(test_partial_table(driver, limbs, 2, table, &err));
    sotto_interrupt_set(&interrupt);
    assert_int_equal(test_partial_table(driver, limbs, 2, table, &err), SOTTO_ERROR_CANCELLED);
    assert_contains(err.text, "was interrupted");
    assert_int_equal(limbs[0], 0);
    struct sotto_schema offer = {0};
    struct sotto_source *source = NULL;
    assert_ok(sotto_source_new_table(&source, table, NULL));
    assert_int_equal(sotto_source_offer(&offer, misspelt, &source, &err), SOTTO_ERROR_NOT_FOUND);
    assert_contains(err.text, "it has a");
    assert_null(offer.fields);
    sotto_source_free(source);
    sotto_schema_release(&schema);
    sotto_driver_free(driver);
    party_close(&ints);
    party_close(&texts);
    party_close(&others);
    sotto_plan_free(plan);
    sotto_plan_free(misspelt);
    sotto_plan_free(of_text);
    sotto_plan_free(of_other);
}

/* A catalogue of a table says what describing it says, of all columns at once; columns that are
 * hidden in it are not there. */
static void test_catalogued(void **state)
{
    (void)state;
    struct sotto_plan *plan = test_plan_of("sum(a)");
    struct party party = {0};
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_source *source = NULL;
    struct sotto_schema offer;
    struct sotto_error err = {0};
    party_open(&party, "a,b\n1000000000000000,0.5\n3,NA\n", plan);
    assert_ok(sotto_table_catalogue(&catalogue, party.table, NULL));
    assert_int_equal(catalogue->rows, 2);
    assert_int_equal(catalogue->columns[1].missing, 1);
    assert_true(catalogue->columns[0].inexact && catalogue->columns[1].inexact);
    assert_ok(sotto_source_new_catalogued(&source, party.table, catalogue, NULL));
    assert_ok(sotto_source_offer(&offer, plan, &source, NULL));
    sotto_schema_release(&offer);
    catalogue->columns[0].hidden = true;
    assert_int_equal(sotto_source_offer(&offer, plan, &source, &err), SOTTO_ERROR_NOT_FOUND);
    sotto_source_free(source);
    sotto_catalogue_free(catalogue);
    party_close(&party);
    sotto_plan_free(plan);
}

/* Computing an output is interrupted, and says so. */
static void is_interrupted(const char *output, const char *part)
{
    struct sotto_plan *plan = test_plan_of(output);
    struct sotto_interrupt interrupt = {0};
    struct party party = {0};
    struct sotto_driver *driver = NULL;
    struct sotto_schema schema;
    struct sotto_error err = {0};
    party_open(&party, "x,y\n1,3\n2,5\n4,4\n", plan);
    assert_ok(sotto_schema_agree(&schema, plan, &party.offer, NULL, 1, NULL));
    assert_ok(sotto_driver_new(&driver, plan, &schema, NULL));
    sotto_driver_heed(driver, &interrupt);
    size_t limbs_len = sotto_driver_limbs_len(driver);
    uint64_t *limbs = sotto_alloc_array(limbs_len, sizeof *limbs);
    const struct sotto_table *table = party.table;
    assert_ok(test_partial_table(driver, limbs, limbs_len, table, &err));
    sotto_interrupt_set(&interrupt);
    assert_int_equal(sotto_driver_advance(driver, limbs, limbs_len, &err), SOTTO_ERROR_CANCELLED);
    assert_contains(err.text, part);
    sotto_free(limbs);
    sotto_schema_release(&schema);
    sotto_driver_free(driver);
    party_close(&party);
    sotto_plan_free(plan);
}

static void test_interrupted_methods(void **state)
{
    (void)state;
    is_interrupted("r=ols(y, x)", "ols: solving was interrupted");
    is_interrupted("r=ttest(y, x)", "output \"r\": computing was interrupted");
    is_interrupted("r=fisher(y in (3, 5), x in (1, 2))", "computing was interrupted");
}

static void test_simulation(void **state)
{
    (void)state;
    static const char json[] = "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", "
                               "\"datasets\": {\"t\": \"t.csv\"}, "
                               "\"select\": {\"m\": \"mean(a)\"}}";
    static const char *const texts[] = {"a\n1\n2\n", "a\n0.5\n", "a\n4\nNA\n"};
    struct sotto_plan *plan = plan_of(json);
    struct party parties[3] = {{0}};
    const struct sotto_table *tables[3];
    char *result = NULL;
    for (size_t i = 0; i < 3; i++) {
        party_open(&parties[i], texts[i], plan);
        tables[i] = parties[i].table;
    }
    struct sotto_simulation simulation = {.plan_json = json,
                                          .plan_json_bytes = strlen(json),
                                          .tables = tables,
                                          .datasets_len = 1,
                                          .parties_len = 3};
    assert_ok(sotto_simulate(&result, &simulation, NULL));
    assert_contains(result, "{\"m\": {\"value\": 1.875, \"exact\": \"1.875\"}}");
    sotto_free(result);
    for (size_t i = 0; i < 3; i++) {
        party_close(&parties[i]);
    }
    sotto_plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),      cmocka_unit_test(test_groups),
        cmocka_unit_test(test_many_rows),  cmocka_unit_test(test_errors),
        cmocka_unit_test(test_catalogued), cmocka_unit_test(test_interrupted_methods),
        cmocka_unit_test(test_simulation),
    };
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
