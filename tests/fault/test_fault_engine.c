/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"
#include "files.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/disclosure.h>
#include <sotto/part.h>

static const char json[] =
    "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": {\"t\": \"t.csv\"},"
    "\"select\": {\"m\": \"(mean(t.a) + 1) * 2\", \"c\": \"count(`b`)\", \"d\": \"sum(d) / 3\"}}";

/* Everything that has allocations of its own: texts, constants, conditions, groups, moments. */
static const char rich_json[] =
    "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": {\"t\": \"t.csv\"},"
    "\"define\": {\"e\": \"a + 0\"}, \"where\": \"b != 'q' or a in (1, 2.5)\", \"group_by\": "
    "[{\"column\": \"b\", \"levels\": "
    "[\"x\", "
    "\"y\"], \"other\": true}, {\"column\": \"c\", \"levels\": [1, \"2\"]}], \"select\": {\"m\": "
    "\"std(if(isna(a), 0.5, e) * 3) + corr(a, round(d, 1) // 2)\", \"k\": \"kurt(a) ** 2 + "
    "exp(mean(log(pow(a, 2)) - sum(d)))\"}}";

/* Everything that has a shape of its own; two rounds. */
static const char framed_json[] =
    "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": {\"t\": \"t.csv\"},"
    "\"where\": \"row_any(t.* > 0)\", \"group_by\": [{\"column\": \"a\", \"bins\": [0, \"2.5\", "
    "9]}], "
    "\"select\": {\"m\": \"mean(t.*)\", \"c\": \"corr([a, d * 2])\", \"h\": \"hist(d, 0, 2, 3)\", "
    "\"v\": "
    "\"value_counts(b, 'x', 'y')\", \"w\": \"value_counts(b, 'a', 'b', 'c', 'd', 'e', 'f', 'g', "
    "'x')\", "
    "\"i\": \"hist(d, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)\", \"o\": \"ols(d, [a, c])\", \"r\": "
    "\"mean(row_std([a, c, "
    "d]))\", \"s\": "
    "\"mean(([a, c] - mean([a, c])) ** 2)\", \"x\": \"dot(a, d)\", "
    "\"t\": \"crosstab(b in ('x', 'y'), d in (1, 2))\", \"n\": \"anova(d, b in ('x', 'y'))\", "
    "\"j\": \"mode(b, 'x', 'y')\", \"k\": \"missing_patterns(b, [d])\", "
    "\"p\": \"pearson(d, a)\"}}";

static enum sotto_status parse_run(void *context)
{
    (void)context;
    struct sotto_plan *plan = NULL;
    enum sotto_status status = sotto_plan_parse(&plan, json, strlen(json), NULL);
    sotto_plan_free(plan);
    return status;
}

static enum sotto_status rich_parse_run(void *context)
{
    (void)context;
    struct sotto_plan *plan = NULL;
    struct sotto_rules rules;
    char *words = NULL;
    sotto_rules_init(&rules, SOTTO_PROFILE_SAFE);
    enum sotto_status status = sotto_plan_parse(&plan, rich_json, strlen(rich_json), NULL);
    if (status == SOTTO_OK) {
        status = sotto_rules_words(&rules, &words, plan, NULL, NULL);
    }
    sotto_free(words);
    sotto_plan_free(plan);
    return status;
}

static enum sotto_status compose_run(void *context)
{
    (void)context;
    static const char *const alias = "t";
    static const char *const outputs[] = {"m=mean(a)", "sum(b)"};
    struct sotto_plan_parts parts = {.name = "n",
                                     .dataset_aliases = &alias,
                                     .dataset_files = &alias,
                                     .datasets_len = 1,
                                     .outputs = outputs,
                                     .outputs_len = 2};
    char *text = NULL;
    enum sotto_status status = sotto_plan_compose(&text, &parts, NULL);
    sotto_free(text);
    return status;
}

static void test_plans(void **state)
{
    (void)state;
    assert_true(fault_each_allocation(parse_run, NULL) > 15);
    assert_true(fault_each_allocation(rich_parse_run, NULL) > 40);
    assert_true(fault_each_allocation(compose_run, NULL) > 4);
}

/* From files to the result: every allocation of dataset and engine that a task makes. */
static enum sotto_status task_run(void *context)
{
    static const char *const texts[] = {"a,b,d\n1,x,0.5\n2,,1\n",
                                        "a,b,d\n1e0,y,9223372036854775807\n",
                                        "a,b,d\n0.12345678901234567890,z,0.000000000000000001\n"};
    char *result = NULL;
    enum sotto_status status = test_run(&result, NULL, context, texts, 3, NULL);
    sotto_free(result);
    return status;
}

static void test_task(void **state)
{
    (void)state;
    struct sotto_plan *plan = NULL;
    assert_ok(sotto_plan_parse(&plan, json, strlen(json), NULL));
    assert_true(fault_each_allocation(task_run, plan) > 100);
    sotto_plan_free(plan);
}

static enum sotto_status framed_task_run(void *context)
{
    static const char *const texts[] = {"a,b,c,d\n1,x,1e0,1\n,,2,2\n3,z,1,3\n2,y,1,1\n",
                                        "d,c,b,a\n1.5,2,y,1\n3,1,x,2\n2,7,x,8\n"};
    char *result = NULL;
    enum sotto_status status = test_run(&result, NULL, context, texts, 2, NULL);
    sotto_free(result);
    return status;
}

static void test_framed_task(void **state)
{
    (void)state;
    struct sotto_plan *plan = NULL;
    assert_ok(sotto_plan_parse(&plan, framed_json, strlen(framed_json), NULL));
    assert_true(fault_each_allocation(framed_task_run, plan) > 300);
    sotto_plan_free(plan);
}

static enum sotto_status rich_task_run(void *context)
{
    static const char *const texts[] = {"a,b,c,d\n1,x,1,1\n,,2,2\n3,z,1,3\n",
                                        "a,b,c,d\n1e0,y,2,9223372036854775807\n"};
    char *result = NULL;
    enum sotto_status status = test_run(&result, NULL, context, texts, 2, NULL);
    sotto_free(result);
    return status;
}

static void test_rich_task(void **state)
{
    (void)state;
    struct sotto_plan *plan = NULL;
    assert_ok(sotto_plan_parse(&plan, rich_json, strlen(rich_json), NULL));
    assert_true(fault_each_allocation(rich_task_run, plan) > 100);
    sotto_plan_free(plan);
}

/* Calls of methods, in groups: their states, what they ask in each round, what they keep. Each plan
 * by itself: what a run costs grows as the square of its rounds. */
#define METHODS_JSON(select)                                                                       \
    "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": {\"t\": \"t.csv\"}," \
    "\"group_by\": [{\"column\": \"b\", \"levels\": [\"x\", \"y\"], \"other\": true}], "           \
    "\"select\": "                                                                                 \
    "{" select "}}"

static void test_methods_tasks(void **state)
{
    (void)state;
    static const char *const plans[] = {
        METHODS_JSON("\"m\": \"median([a, d], exact=1)\", \"o\": \"ols(d, [a])\""),
        METHODS_JSON("\"q\": \"quantile(d, 0.1, 0.9, exact=1)\""),
        METHODS_JSON("\"n\": \"mean(abs(d - median(log(d), exact=1))) + median(d, exact=1)\""),
        METHODS_JSON("\"g\": \"median(a)\"")};
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        struct sotto_plan *plan = NULL;
        assert_ok(sotto_plan_parse(&plan, plans[i], strlen(plans[i]), NULL));
        assert_true(fault_each_allocation(rich_task_run, plan) > 300);
        sotto_plan_free(plan);
    }
}

#define MODELS(outputs)                                                                            \
    "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", "                                  \
    "\"datasets\": {\"t\": \"t.csv\"}, \"select\": {" outputs "}}"

/* A model's steps, another one has too few rows; levels, and errors that take a second round. */
static const char *const models_jsons[] = {
    MODELS("\"m\": \"glm(c, a, family=poisson)\", \"n\": \"glm(d, C(b in ('x', 'q')))\""),
    MODELS("\"m\": \"glm(c > 1, a, family=binomial, link=probit, intercept=0, offset=a / 9, "
           "tolerance=0.3)\""),
    MODELS("\"m\": \"mnlogit(c in (1, 2), a, intercept=0, weights=c, cov=hc0, tolerance=0.1)\""),
    MODELS("\"m\": \"ols(c, a, weights=a, cov=hc0)\"")};

static void test_models_task(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof models_jsons / sizeof models_jsons[0]; i++) {
        struct sotto_plan *plan = NULL;
        assert_ok(sotto_plan_parse(&plan, models_jsons[i], strlen(models_jsons[i]), NULL));
        assert_true(fault_each_allocation(rich_task_run, plan) > 200);
        sotto_plan_free(plan);
    }
}

static enum sotto_status judge_rows(const struct sotto_driver *driver, uint64_t *limbs,
                                    size_t limbs_len, uint8_t *withheld,
                                    struct sotto_source *source)
{
    struct sotto_rules rules;
    struct sotto_disclosure disclosure;
    sotto_rules_init(&rules, SOTTO_PROFILE_SAFE);
    sotto_rules_set_min_rows(&rules, 1);
    sotto_disclosure_init(&disclosure, &rules, 1);
    return sotto_driver_contribute(driver, limbs, limbs_len, withheld, &source,
                                   sotto_disclosure_judge(&disclosure), NULL);
}

static enum sotto_status judge_run(void *context)
{
    static const char text[] = "a,b,c,d\n1,x,1,1\n,,2,2\n3,z,1,3\n";
    struct sotto_csv *csv = NULL;
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_schema schema = {0};
    struct sotto_driver *driver = NULL;
    uint8_t withheld[16] = {0};
    struct sotto_source *source = NULL;
    uint64_t *limbs = NULL;
    size_t limbs_len = 0;
    enum sotto_status status =
        sotto_csv_open_fd(&csv, test_file(text, sizeof text - 1), "t.csv", NULL, NULL);
    status = status == SOTTO_OK ? sotto_csv_catalogue(csv, &catalogue, NULL) : status;
    const struct sotto_catalogue *borrowed = catalogue;
    status = status == SOTTO_OK ? sotto_schema_offer(&schema, context, &borrowed, NULL) : status;
    status = status == SOTTO_OK ? sotto_driver_new(&driver, context, &schema, NULL) : status;
    if (status == SOTTO_OK) {
        limbs_len = sotto_driver_limbs_len(driver);
        limbs = sotto_alloc_array(limbs_len, sizeof *limbs);
        status = limbs != NULL ? sotto_source_new_file(&source, csv, catalogue, NULL)
                               : SOTTO_ERROR_NO_MEMORY;
    }
    if (status == SOTTO_OK) {
        status = judge_rows(driver, limbs, limbs_len, withheld, source);
    }
    sotto_source_free(source);
    sotto_free(limbs);
    sotto_driver_free(driver);
    sotto_schema_release(&schema);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    return status == SOTTO_ERROR_REFUSED ? SOTTO_OK : status;
}

static void test_judge(void **state)
{
    (void)state;
    struct sotto_plan *plan = NULL;
    assert_ok(sotto_plan_parse(&plan, rich_json, strlen(rich_json), NULL));
    assert_true(fault_each_allocation(judge_run, plan) > 50);
    sotto_plan_free(plan);
}

static enum sotto_status load_all(struct sotto_table **out, struct sotto_csv *csv,
                                  const struct sotto_catalogue *catalogue)
{
    struct sotto_csv_wanted wanted[4];
    assert_int_equal(catalogue->columns_len, 4);
    for (size_t i = 0; i < 4; i++) {
        wanted[i] = (struct sotto_csv_wanted){.column = i, .type = catalogue->columns[i].type};
    }
    return sotto_table_load(out, csv, catalogue, wanted, 4, NULL);
}

/* The same rows twice, from a file and from a table, as two parts that are merged and judged. */
static enum sotto_status merge_parts(const struct sotto_driver *driver,
                                     struct sotto_source *const sources[2], uint8_t *withheld)
{
    struct sotto_contribution *parts[2] = {NULL, NULL};
    struct sotto_rules rules;
    struct sotto_disclosure disclosure;
    sotto_rules_init(&rules, SOTTO_PROFILE_SAFE);
    sotto_rules_set_min_rows(&rules, 2);
    sotto_disclosure_init(&disclosure, &rules, 1);
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < 2; i++) {
        status =
            sotto_contribution_new(&parts[i], driver, sotto_disclosure_judge(&disclosure), NULL);
        status =
            status == SOTTO_OK ? sotto_contribution_add(parts[i], sources[i], 0, NULL) : status;
    }
    if (status == SOTTO_OK) {
        sotto_contribution_merge(parts[0], parts[1]);
        status = sotto_contribution_judge(parts[0], withheld, NULL);
    }
    sotto_contribution_free(parts[0]);
    sotto_contribution_free(parts[1]);
    return status;
}

static enum sotto_status parts_run(void *context)
{
    static const char text[] = "a,b,c,d\n1,x,1,1\n,,2,2\n3,z,1,3\n";
    struct sotto_csv *csv = NULL;
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_table *table = NULL;
    struct sotto_source *sources[2] = {NULL, NULL};
    struct sotto_schema schema = {0};
    struct sotto_driver *driver = NULL;
    uint8_t withheld[16] = {0};
    enum sotto_status status =
        sotto_csv_open_fd(&csv, test_file(text, sizeof text - 1), "t.csv", NULL, NULL);
    status = status == SOTTO_OK ? sotto_source_new_file(&sources[0], csv, NULL, NULL) : status;
    status = status == SOTTO_OK ? sotto_csv_catalogue(csv, &catalogue, NULL) : status;
    status = status == SOTTO_OK ? load_all(&table, csv, catalogue) : status;
    status = status == SOTTO_OK ? sotto_source_new_table(&sources[1], table, NULL) : status;
    status = status == SOTTO_OK ? sotto_source_offer(&schema, context, &sources[1], NULL) : status;
    status = status == SOTTO_OK ? sotto_driver_new(&driver, context, &schema, NULL) : status;
    status = status == SOTTO_OK ? merge_parts(driver, sources, withheld) : status;
    sotto_driver_free(driver);
    sotto_schema_release(&schema);
    sotto_source_free(sources[0]);
    sotto_source_free(sources[1]);
    sotto_table_free(table);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    return status == SOTTO_ERROR_REFUSED ? SOTTO_OK : status;
}

static void test_parts(void **state)
{
    (void)state;
    struct sotto_plan *plan = NULL;
    assert_ok(sotto_plan_parse(&plan, rich_json, strlen(rich_json), NULL));
    assert_true(fault_each_allocation(parts_run, plan) > 80);
    sotto_plan_free(plan);
}

/* Two parts as bytes, merged, from the first round on. place: of the first. */
static enum sotto_status merge_bytes(struct sotto_buffer *out, const struct sotto_round *round,
                                     struct sotto_source *source, struct sotto_part_place place)
{
    struct sotto_buffer parts[2] = {{0}};
    struct sotto_part_bytes bytes[2];
    enum sotto_status status = SOTTO_OK;
    for (uint32_t i = 0; status == SOTTO_OK && i < 2; i++) {
        place.part = i + 1;
        status = sotto_round_part(round, &parts[i], &place, &source, NULL, NULL);
        bytes[i] = (struct sotto_part_bytes){parts[i].data, parts[i].data_bytes, "x"};
    }
    if (status == SOTTO_OK) {
        status = sotto_part_merge(out, bytes, 2, NULL, NULL);
    }
    sotto_buffer_release(&parts[0]);
    sotto_buffer_release(&parts[1]);
    return status;
}

/* The round after its text was written and read. */
static enum sotto_status rewrite_round(struct sotto_round **in_out)
{
    struct sotto_round *again = NULL;
    char *text = NULL;
    enum sotto_status status = sotto_round_write(*in_out, &text, NULL);
    if (status == SOTTO_OK) {
        status =
            sotto_round_read(&again, framed_json, strlen(framed_json), text, strlen(text), NULL);
    }
    if (status == SOTTO_OK) {
        sotto_round_free(*in_out);
        *in_out = again;
    }
    sotto_free(text);
    return status;
}

/* What workers make of what they are asked: two parts of the same rows, merged. */
static enum sotto_status work(struct sotto_buffer *out, const char *asked,
                              struct sotto_source *source)
{
    struct sotto_part_place place = {.part = 1, .parts_len = 2, .snapshot = "v1"};
    struct sotto_buffer parts[2] = {{0}};
    struct sotto_round *round = NULL;
    enum sotto_status status = sotto_ask_read(&round, &place.min_rows, asked, strlen(asked), NULL);
    if (status == SOTTO_OK && round != NULL) {
        status = merge_bytes(out, round, source, place);
    }
    for (size_t i = 0; status == SOTTO_OK && round == NULL && i < 2; i++) {
        place.part = (uint32_t)i + 1;
        status = sotto_catalogue_part(&parts[i], &place, source, NULL);
    }
    if (status == SOTTO_OK && round == NULL) {
        const struct sotto_part_bytes bytes[] = {{parts[0].data, parts[0].data_bytes, "x"},
                                                 {parts[1].data, parts[1].data_bytes, "x"}};
        status = sotto_part_merge(out, bytes, 2, NULL, NULL);
    }
    sotto_buffer_release(&parts[0]);
    sotto_buffer_release(&parts[1]);
    sotto_round_free(round);
    return status;
}

/* Has the rows of a round summed up by workers. */
static enum sotto_status ask_round(const struct sotto_driver *driver,
                                   const struct sotto_asked *asked, struct sotto_source *source)
{
    struct sotto_contribution *contribution = NULL;
    struct sotto_buffer answer = {0};
    char *text = NULL;
    enum sotto_status status = sotto_contribution_new(&contribution, driver, NULL, NULL);
    status = status == SOTTO_OK ? sotto_contribution_ask(contribution, &text, asked, NULL) : status;
    status = status == SOTTO_OK ? work(&answer, text, source) : status;
    const struct sotto_part_bytes party = {answer.data, answer.data_bytes, "x"};
    status =
        status == SOTTO_OK ? sotto_contribution_give(contribution, asked, &party, NULL) : status;
    sotto_free(text);
    sotto_buffer_release(&answer);
    sotto_contribution_free(contribution);
    return status;
}

static enum sotto_status asked_run(void *context)
{
    struct sotto_plan *plan = NULL;
    struct sotto_schema offer = {0};
    struct sotto_schema schema = {0};
    struct sotto_driver *driver = NULL;
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_buffer answer = {0};
    char snapshot[SOTTO_PART_SNAPSHOT_BYTES];
    enum sotto_status status = work(&answer, SOTTO_ASK_CATALOGUE, context);
    const struct sotto_part_bytes party = {answer.data, answer.data_bytes, "x"};
    status = status == SOTTO_OK ? sotto_part_catalogue(&catalogue, snapshot, &party, NULL) : status;
    const struct sotto_catalogue *borrowed = catalogue;
    status = status == SOTTO_OK ? sotto_plan_parse(&plan, framed_json, strlen(framed_json), NULL)
                                : status;
    status = status == SOTTO_OK ? sotto_schema_offer(&offer, plan, &borrowed, NULL) : status;
    status = status == SOTTO_OK ? sotto_schema_agree(&schema, plan, &offer, NULL, 1, NULL) : status;
    status = status == SOTTO_OK ? sotto_driver_new(&driver, plan, &schema, NULL) : status;
    if (status == SOTTO_OK) {
        const struct sotto_asked asked = {.rows = catalogue->rows, .snapshot = snapshot};
        sotto_driver_keep_opened(driver);
        status = ask_round(driver, &asked, context);
    }
    sotto_driver_free(driver);
    sotto_schema_release(&schema);
    sotto_schema_release(&offer);
    sotto_plan_free(plan);
    sotto_catalogue_free(catalogue);
    sotto_buffer_release(&answer);
    return status;
}

static enum sotto_status bytes_run(void *context)
{
    const struct sotto_part_place place = {.parts_len = 2, .min_rows = 2, .snapshot = ""};
    struct sotto_round *round = NULL;
    char *result = NULL;
    enum sotto_status status = sotto_round_new(&round, framed_json, strlen(framed_json), NULL);
    while (status == SOTTO_OK && !sotto_round_is_over(round)) {
        struct sotto_buffer party = {0};
        status = merge_bytes(&party, round, context, place);
        if (status == SOTTO_OK) {
            const struct sotto_part_bytes bytes = {party.data, party.data_bytes, "x"};
            status = sotto_round_advance(round, &bytes, NULL);
        }
        if (status == SOTTO_OK && !sotto_round_is_over(round)) {
            status = rewrite_round(&round);
        }
        sotto_buffer_release(&party);
    }
    if (status == SOTTO_OK) {
        status = sotto_round_result(round, &result, NULL);
    }
    sotto_free(result);
    sotto_round_free(round);
    return status;
}

static void test_parts_as_bytes(void **state)
{
    struct sotto_csv *csv = test_csv("a,b,c,d\n1,x,1,1\n,,2,2\n3,z,1,3\n");
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    struct sotto_table *table = test_table(csv, catalogue, false);
    struct sotto_source *source = NULL;
    (void)state;
    assert_ok(sotto_source_new_table(&source, table, NULL));
    assert_true(fault_each_allocation(asked_run, source) > 80);
    assert_true(fault_each_allocation(bytes_run, source) > 200);
    sotto_source_free(source);
    sotto_table_free(table);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
}

static enum sotto_status schema_run(void *context)
{
    static const uint8_t bytes[17 + 4 + 8 + 4] = {3, 0, 0, 0, 4, 0,
                                                  1, 5, 0, 0, 3, 18}; /* no rules */
    struct sotto_schema schema = {0};
    struct sotto_reader reader;
    sotto_reader_init(&reader, bytes, sizeof bytes);
    enum sotto_status status = sotto_schema_read(&schema, context, &reader);
    sotto_schema_release(&schema);
    return status;
}

static enum sotto_status missing_column_run(void *context)
{
    struct sotto_csv *csv = NULL;
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_schema schema = {0};
    enum sotto_status status = sotto_csv_open_fd(&csv, test_file("zz\n", 3), "t.csv", NULL, NULL);
    if (status == SOTTO_OK) {
        status = sotto_csv_catalogue(csv, &catalogue, NULL);
    }
    if (status == SOTTO_OK) {
        const struct sotto_catalogue *borrowed = catalogue;
        status = sotto_schema_offer(&schema, context, &borrowed, NULL);
    }
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    return status == SOTTO_ERROR_NOT_FOUND ? SOTTO_OK : status;
}

static void test_schemas(void **state)
{
    (void)state;
    struct sotto_plan *plan = NULL;
    assert_ok(sotto_plan_parse(&plan, json, strlen(json), NULL));
    assert_true(fault_each_allocation(schema_run, plan) > 0);
    assert_true(fault_each_allocation(missing_column_run, plan) > 10);
    sotto_plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plans),       cmocka_unit_test(test_task),
        cmocka_unit_test(test_rich_task),   cmocka_unit_test(test_methods_tasks),
        cmocka_unit_test(test_models_task), cmocka_unit_test(test_framed_task),
        cmocka_unit_test(test_judge),       cmocka_unit_test(test_parts),
        cmocka_unit_test(test_schemas),     cmocka_unit_test(test_parts_as_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
