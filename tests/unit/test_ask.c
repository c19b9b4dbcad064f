/* SPDX-License-Identifier: Apache-2.0 */

/* A party of a task asks its parts: they say what its rows say when it reads them itself, in rounds
 * that all parties opened; and what is of something else is refused. */

#include "files.h"
#include "parts.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>

static const char all_rows[] = "g,i,f\na,1,0.5\nb,2,1.5\na,3,\nb,4,2.5\na,5,7\nb,6,9\n";
static const char *const texts[] = {"g,i,f\na,1,0.5\nb,2,1.5\n", "g,i,f\na,3,\nb,4,2.5\n",
                                    "g,i,f\na,5,7\nb,6,9\n"};
#define PARTS_LEN 3

struct party {
    char plan[TEST_PLAN_BYTES];
    struct sotto_plan *parsed;
    struct sotto_driver *driver;
    struct sotto_asked asked;
    struct test_text all;
    struct sotto_contribution *contribution;
};

/* A party whose task agreed on float64 for i, where its own is int64, and needs three parties. */
static void start(struct party *party)
{
    static const char clause[] = "\"group_by\": [{\"column\": \"g\", \"levels\": [\"a\", \"b\"]}],";
    struct sotto_schema types = {0};
    *party = (struct party){.asked = {6, "v1"}, .all = test_open_text(all_rows)};
    test_write_plan(party->plan, clause, "\"m\": \"median(i)\", \"s\": \"sum(f * f)\"");
    assert_ok(sotto_plan_parse(&party->parsed, party->plan, strlen(party->plan), NULL));
    assert_ok(sotto_source_offer(&types, party->parsed, &party->all.source, NULL));
    for (size_t i = 0; i < types.fields_len; i++) {
        types.fields[i].type.kind = types.fields[i].type.kind == SOTTO_KIND_INT64
                                        ? SOTTO_KIND_FLOAT64
                                        : types.fields[i].type.kind;
    }
    assert_ok(sotto_driver_new(&party->driver, party->parsed, &types, NULL));
    sotto_schema_release(&types);
    sotto_driver_keep_opened(party->driver);
    sotto_driver_need_parties(party->driver, 3);
    assert_ok(
        sotto_contribution_new(&party->contribution, party->driver, &test_evidence_judge, NULL));
}

static void stop(struct party *party)
{
    sotto_contribution_free(party->contribution);
    sotto_driver_free(party->driver);
    sotto_plan_free(party->parsed);
    test_close_text(&party->all);
}

/* What a worker makes of what it is asked. */
static void work(struct sotto_buffer *out, const char *asked, uint32_t part, uint32_t parts_len,
                 const char *snapshot)
{
    struct sotto_round *round = NULL;
    struct sotto_part_place place = {.part = part, .parts_len = parts_len, .snapshot = snapshot};
    struct test_text rows = test_open_text(texts[part - 1]);
    struct sotto_error err = {0};
    enum sotto_status status = sotto_ask_read(&round, &place.min_rows, asked, strlen(asked), &err);
    if (status == SOTTO_OK) {
        status = round != NULL ? sotto_round_part(round, out, &place, &rows.source, NULL, &err)
                               : sotto_catalogue_part(out, &place, rows.source, &err);
    }
    if (status != SOTTO_OK) {
        fail_msg("%s", err.text);
    }
    sotto_round_free(round);
    test_close_text(&rows);
}

/* What workers, up to parts_len of all three, give together. */
static void work_all(struct sotto_buffer *out, const char *asked, uint32_t parts_len)
{
    struct sotto_buffer parts[PARTS_LEN];
    uint64_t random = 1;
    for (uint32_t i = 0; i < parts_len; i++) {
        work(&parts[i], asked, i + 1, PARTS_LEN, "v1");
    }
    test_merge_tree(parts, parts_len, &random);
    *out = parts[0];
}

static char *ask(const struct party *party)
{
    char *text = NULL;
    assert_ok(sotto_contribution_ask(party->contribution, &text, &party->asked, NULL));
    return text;
}

/* What other parties and this one open: twice its own. */
static void open_round(struct party *party, const uint64_t *limbs)
{
    size_t limbs_len = sotto_driver_limbs_len(party->driver);
    uint64_t *sum = sotto_alloc_array(limbs_len, sizeof *sum);
    assert_non_null(sum);
    sotto_driver_add(party->driver, sum, limbs, limbs_len);
    sotto_driver_add(party->driver, sum, limbs, limbs_len);
    sotto_contribution_free(party->contribution);
    party->contribution = NULL;
    assert_ok(sotto_driver_advance(party->driver, sum, limbs_len, NULL));
    sotto_free(sum);
    if (sotto_driver_round(party->driver) != 0) {
        assert_ok(sotto_contribution_new(&party->contribution, party->driver, &test_evidence_judge,
                                         NULL));
    }
}

static void test_rounds_of_a_task(void **state)
{
    struct party party;
    size_t rounds = 0;
    (void)state;
    start(&party);
    for (; sotto_driver_round(party.driver) != 0; rounds++) {
        struct sotto_contribution *own = NULL;
        struct sotto_buffer given;
        size_t bytes = sotto_driver_limbs_len(party.driver) * sizeof(uint64_t);
        char *text = ask(&party);
        work_all(&given, text, PARTS_LEN);
        const struct sotto_part_bytes together = test_bytes_of(&given);
        assert_ok(sotto_contribution_give(party.contribution, &party.asked, &together, NULL));
        assert_ok(sotto_contribution_new(&own, party.driver, &test_evidence_judge, NULL));
        assert_ok(sotto_contribution_add(own, party.all.source, 0, NULL));
        assert_memory_equal(sotto_contribution_partial(own),
                            sotto_contribution_partial(party.contribution), bytes);
        char *expected = test_evidence(party.driver, own);
        char *found = test_evidence(party.driver, party.contribution);
        assert_string_equal(found, expected);
        sotto_free(expected);
        sotto_free(found);
        sotto_free(text);
        sotto_buffer_release(&given);
        open_round(&party, sotto_contribution_partial(own));
        sotto_contribution_free(own);
    }
    assert_in_range(rounds, 2, 100);
    stop(&party);
}

static void refuses_give(const struct party *party, const struct sotto_buffer *given,
                         enum sotto_status expected, const char *part)
{
    const struct sotto_part_bytes together = test_bytes_of(given);
    struct sotto_error err = {0};
    assert_int_equal(sotto_contribution_give(party->contribution, &party->asked, &together, &err),
                     expected);
    assert_contains(err.text, part);
}

static void test_what_is_of_something_else(void **state)
{
    struct party party;
    struct sotto_buffer given;
    struct sotto_buffer first;
    (void)state;
    start(&party);
    char *text = ask(&party);
    work_all(&first, text, PARTS_LEN);
    work_all(&given, text, 2);
    refuses_give(&party, &given, SOTTO_ERROR_NOT_FOUND, "part 3 is missing");
    sotto_buffer_release(&given);
    work(&given, text, 1, 1, "v1"); /* as if these were all rows */
    refuses_give(&party, &given, SOTTO_ERROR_CHANGED, "expected 6 rows");
    sotto_buffer_release(&given);
    work_all(&given, SOTTO_ASK_CATALOGUE, PARTS_LEN);
    refuses_give(&party, &given, SOTTO_ERROR_INPUT, "of the same plan");
    sotto_buffer_release(&given);
    first.data_bytes--;
    refuses_give(&party, &first, SOTTO_ERROR_INPUT, "cut short");
    first.data_bytes++;
    open_round(&party, sotto_contribution_partial(party.contribution));
    refuses_give(&party, &first, SOTTO_ERROR_INPUT, "expected a part of round 2");
    sotto_free(text);
    party.asked.snapshot = "v2";
    text = ask(&party);
    struct sotto_round *round = NULL;
    struct sotto_part_place place = test_place;
    assert_ok(sotto_ask_read(&round, &place.min_rows, text, strlen(text), NULL));
    assert_int_equal(place.min_rows, test_evidence_judge.min_rows);
    assert_int_equal(test_make_part(&given, round, texts[0], &place, NULL), SOTTO_ERROR_CHANGED);
    sotto_round_free(round);
    sotto_buffer_release(&first);
    sotto_free(text);
    stop(&party);
}

static void test_texts_that_ask_nothing(void **state)
{
    static const char *const wrong[] = {"",
                                        "{}",
                                        "[]",
                                        "{\"sotto\": \"round\", \"version\": 1}",
                                        "{\"sotto\": \"ask\", \"version\": 2}",
                                        "{\"sotto\": \"ask\", \"version\": 1, \"plan\": \"{}\"}",
                                        "{\"sotto\": \"ask\", \"version\": 1, \"min_rows\": 0}",
                                        "{\"sotto\": \"ask\", \"version\": 1, \"who\": 1}"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct sotto_round *round = NULL;
        uint32_t min_rows = 0;
        struct sotto_error err = {0};
        assert_int_equal(sotto_ask_read(&round, &min_rows, wrong[i], strlen(wrong[i]), &err),
                         SOTTO_ERROR_INPUT);
        assert_contains(err.text, "expected what a node asks its workers");
        assert_null(round);
    }
}

/* --- Catalogues --- */

static void catalogue_of(struct sotto_buffer *out, const char *const rows[2])
{
    struct sotto_buffer parts[2];
    uint64_t random = 1;
    for (uint32_t i = 0; i < 2; i++) {
        struct sotto_part_place place = {i + 1, 2, 1, "v1"};
        struct test_text text = test_open_text(rows[i]);
        assert_ok(sotto_catalogue_part(&parts[i], &place, text.source, NULL));
        test_close_text(&text);
    }
    test_merge_tree(parts, 2, &random);
    *out = parts[0];
}

static void test_columns_of_all_parts(void **state)
{
    char snapshot[SOTTO_PART_SNAPSHOT_BYTES];
    char type[SOTTO_TYPE_TEXT_BYTES];
    struct sotto_buffer given;
    struct sotto_catalogue *catalogue = NULL;
    (void)state;
    catalogue_of(&given, (const char *const[]){"a,b,c\n1,x,\n2,y,\n", "c,a,b\n7,1.25,z\n"});
    const struct sotto_part_bytes together = test_bytes_of(&given);
    assert_ok(sotto_part_catalogue(&catalogue, snapshot, &together, NULL));
    assert_string_equal(snapshot, "v1");
    assert_int_equal(catalogue->rows, 3);
    assert_int_equal(catalogue->columns_len, 3);
    static const char *const expected[][2] = {{"a", "decimal(2)"}, {"b", "string"}, {"c", "int64"}};
    static const uint64_t missing[] = {0, 0, 2};
    for (size_t i = 0; i < 3; i++) {
        size_t at = 0;
        while (strcmp(catalogue->columns[at].name, expected[i][0]) != 0) {
            at++;
        }
        sotto_type_text(type, catalogue->columns[at].type);
        assert_string_equal(type, expected[i][1]);
        assert_int_equal(catalogue->columns[at].missing, missing[i]);
    }
    sotto_catalogue_free(catalogue);
    sotto_buffer_release(&given);
}

static void refuses_catalogue(const struct sotto_buffer *given, enum sotto_status expected,
                              const char *part)
{
    char snapshot[SOTTO_PART_SNAPSHOT_BYTES];
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_error err = {0};
    const struct sotto_part_bytes together = test_bytes_of(given);
    assert_int_equal(sotto_part_catalogue(&catalogue, snapshot, &together, &err), expected);
    assert_contains(err.text, part);
    assert_null(catalogue);
}

static void test_columns_that_do_not_fit(void **state)
{
    struct sotto_buffer given;
    struct party party;
    (void)state;
    catalogue_of(&given, (const char *const[]){"a,b\n1,x\n", "a\n2\n"});
    refuses_catalogue(&given, SOTTO_ERROR_TYPE, "found \"b\" in some of them only");
    sotto_buffer_release(&given);
    catalogue_of(&given, (const char *const[]){"a\n1\n", "a,b\n2,3\n"});
    refuses_catalogue(&given, SOTTO_ERROR_TYPE, "found \"b\" in some of them only");
    sotto_buffer_release(&given);
    catalogue_of(&given, (const char *const[]){"a\n1\n", "a\nx\n"});
    refuses_catalogue(&given, SOTTO_ERROR_TYPE, "column a is ");
    sotto_buffer_release(&given);
    work(&given, SOTTO_ASK_CATALOGUE, 2, 3, "v1");
    refuses_catalogue(&given, SOTTO_ERROR_NOT_FOUND, "part 1 is missing");
    sotto_buffer_release(&given);
    start(&party);
    char *text = ask(&party);
    work_all(&given, text, PARTS_LEN);
    refuses_catalogue(&given, SOTTO_ERROR_INPUT, "found one of a plan's round");
    sotto_free(text);
    sotto_buffer_release(&given);
    stop(&party);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds_of_a_task),
        cmocka_unit_test(test_what_is_of_something_else),
        cmocka_unit_test(test_texts_that_ask_nothing),
        cmocka_unit_test(test_columns_of_all_parts),
        cmocka_unit_test(test_columns_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
