/* SPDX-License-Identifier: Apache-2.0 */

/* A ledger over rows in parts is the ledger over one file of them: the same questions, week after
 * week, over rows that change, have the same verdicts in the same words, and leave the same entries
 * to the byte. And whatever workers answer, nothing breaks. */

#include "cases.h"
#include "fault.h"
#include "files.h"
#include "ledger_memory.h"
#include "parts.h"
#include "test.h"
#include "worked.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdio.h>

#define ROWS_MAX 150
#define ROW_BYTES 96
#define GROUPS_MAX 8
#define MIN_ROWS 10

static const char header[] = "id,g,h,i,d,f,b\n";
static const uint8_t secret[SOTTO_LEDGER_SECRET_BYTES] = "what only this node may know";

static const char *const selects[] = {"\"a\": \"sum(i)\"",
                                      "\"a\": \"mean(f)\", \"c\": \"count(d)\"",
                                      "\"a\": \"cov(i, d)\", \"c\": \"sum(f)\"",
                                      "\"a\": \"hist(d, 0, 20, 40, 60)\", \"c\": \"mean(i)\"",
                                      "\"a\": \"value_counts(g, 'a', 'b')\"",
                                      "\"a\": \"sum(i * h)\", \"c\": \"sum(i)\"",
                                      "\"a\": \"dot(d, i)\", \"c\": \"sum(if(h == 1, f, na))\"",
                                      "\"a\": \"crosstab(g in ('a', 'b'), h in (1, 2))\"",
                                      "\"a\": \"ols(d, i, h)\"",
                                      "\"a\": \"median(i)\""};
#define SELECTS_LEN (sizeof selects / sizeof selects[0])

static const char *const clauses[] = {"",
                                      "\"where\": \"i > -20\",",
                                      "\"where\": \"g == 'a' or h == 2\",",
                                      "\"where\": \"d > 20 and not isna(f)\",",
                                      "\"group_by\": [{\"column\": \"h\", \"levels\": [1, 2]}],",
                                      "\"rows\": \"complete\","};
#define CLAUSES_LEN (sizeof clauses / sizeof clauses[0])

/* --- Rows --- */

static char rows[ROWS_MAX][ROW_BYTES];
static size_t rows_len;
static unsigned next_id;
static char whole[ROWS_MAX * ROW_BYTES];

static void draw_row(char out[ROW_BYTES], unsigned id, uint64_t *random)
{
    static const char *const groups[] = {"a", "b", "c", ""};
    static const char *const numbers[] = {"1", "2", "3", ""};
    static const char *const odd[] = {"", "-0.0", "inf", "1e300", ""};
    char real[32];
    (void)snprintf(real, sizeof real, "%ue-1", 7 * (unsigned)test_random_below(random, 90));
    (void)snprintf(out, ROW_BYTES, "%u,%s,%s,%d,%s%u.%u,%s,%s\n", id,
                   groups[test_random_below(random, 4)], numbers[test_random_below(random, 4)],
                   (int)test_random_below(random, 100) - 50,
                   test_random_below(random, 9) == 0 ? "-" : "",
                   (unsigned)test_random_below(random, 80), (unsigned)test_random_below(random, 10),
                   test_random_below(random, 60) == 0 ? odd[test_random_below(random, 5)] : real,
                   test_random_below(random, 2) == 0 ? "true" : "false");
}

/* None, a few or many rows come, go, and are others. */
static void change_rows(uint64_t *random)
{
    static const size_t lens[] = {0, 0, 1, 3, 12};
    size_t added = lens[test_random_below(random, 5)];
    size_t changed = lens[test_random_below(random, 5)];
    for (size_t i = 0; i < changed && rows_len > 0; i++) {
        size_t at = test_random_below(random, rows_len);
        draw_row(rows[at], 5000 + next_id++, random);
    }
    for (size_t i = 0; i < added && rows_len < ROWS_MAX; i++) {
        draw_row(rows[rows_len++], 5000 + next_id++, random);
    }
    if (test_random_below(random, 4) == 0 && rows_len > 0) {
        rows_len--;
    }
}

static void write_whole(void)
{
    strcpy(whole, header);
    for (size_t i = 0; i < rows_len; i++) {
        strcat(whole, rows[i]);
    }
}

/* --- Parties --- */

/* One with a file, or one whose rows are in parts. */
struct party {
    struct sotto__ledger_memory memory;
    struct sotto_ledger *ledger;
    struct sotto_source *source;
    struct sotto_catalogue *catalogue;
    struct sotto_csv *csv;
    struct sotto_driver *driver;
    enum sotto_status status;
    char words[1024];
};

static void open_ledger(struct party *party)
{
    const struct sotto_ledger_storage storage = sotto__ledger_memory_storage(&party->memory);
    *party = (struct party){0};
    assert_ok(sotto_ledger_open(&party->ledger, &storage, secret, NULL));
}

static void close_ledger(struct party *party)
{
    sotto_ledger_free(party->ledger);
    sotto__ledger_memory_release(&party->memory);
}

static void open_text(struct party *party, const char *text, uint64_t *random, bool are_parts,
                      bool has_key)
{
    party->csv = NULL;
    if (are_parts) {
        party->source = test_worked_open(&party->catalogue, text, random);
    } else {
        party->csv = test_csv(text);
        party->catalogue = test_catalogue(party->csv);
        assert_ok(sotto_source_new_file(&party->source, party->csv, party->catalogue, NULL));
    }
    party->catalogue->columns[sotto_catalogue_find(party->catalogue, "id")].is_key = has_key;
}

static void open_rows(struct party *party, uint64_t *random, bool are_parts, bool has_key)
{
    open_text(party, whole, random, are_parts, has_key);
}

static void close_rows(struct party *party)
{
    sotto_source_free(party->source);
    sotto_catalogue_free(party->catalogue);
    sotto_csv_close(party->csv);
    party->csv = NULL;
}

static void make_driver(struct party *party, const struct sotto_plan *plan)
{
    struct sotto_schema types = {0};
    const struct sotto_catalogue *catalogue = party->catalogue;
    struct sotto_error err = {0};
    assert_ok(sotto_schema_offer(&types, plan, &catalogue, &err));
    if (sotto_driver_new(&party->driver, plan, &types, &err) != SOTTO_OK) {
        fail_msg("%s", err.text);
    }
    sotto_schema_release(&types);
    sotto_driver_keep_opened(party->driver);
}

/* One round: the party's rows, judged, and its ledger's verdict. */
static void ask_round(struct party *party, const struct sotto_plan *plan, uint64_t *limbs,
                      size_t limbs_len, int64_t day)
{
    struct sotto_rules rules;
    struct sotto_disclosure disclosure;
    struct sotto_tally *tally = NULL;
    struct sotto_ledger_pending pending = {0};
    struct sotto_error err = {0};
    enum sotto_rule rule;
    uint8_t withheld[GROUPS_MAX] = {0};
    const struct sotto_catalogue *catalogue = party->catalogue;
    sotto_rules_init(&rules, SOTTO_PROFILE_SAFE);
    rules.min_rows = MIN_ROWS;
    sotto_disclosure_init(&disclosure, &rules, 4711);
    party->status = sotto_tally_new(&tally, party->ledger, party->driver, plan, &catalogue, &err);
    if (party->status == SOTTO_OK) {
        party->status = sotto_tally_contribute(tally, limbs, limbs_len, withheld, &party->source,
                                               sotto_disclosure_judge(&disclosure), &err);
    }
    if (party->status == SOTTO_OK) {
        struct sotto_ledger_question question = {.task = {(uint8_t)day},
                                                 .name = "weekly",
                                                 .round = sotto_driver_round(party->driver),
                                                 .now_ms = day * (int64_t)24 * 3600 * 1000,
                                                 .min_rows = MIN_ROWS,
                                                 .dominance = 10,
                                                 .budget = 90,
                                                 .groups_len =
                                                     sotto_driver_groups_len(party->driver)};
        assert_true(question.groups_len <= GROUPS_MAX);
        question.files = sotto_tally_files(tally, &question.files_len);
        party->status =
            sotto_ledger_answer(party->ledger, &pending, &rule, withheld, &question, &err);
        sotto_ledger_pending_release(&pending);
        sotto_driver_withhold(party->driver, limbs, withheld);
    }
    (void)snprintf(party->words, sizeof party->words, "%s", err.text);
    sotto_tally_free(tally);
}

/* --- The same questions --- */

static size_t answered_len;
static size_t refused_len;

static void compare_ledgers(const struct party *a, const struct party *b)
{
    assert_int_equal(a->memory.len, b->memory.len);
    for (size_t i = 0; i < a->memory.len; i++) {
        const struct sotto_ledger_row *x = &a->memory.rows[i];
        const struct sotto_ledger_row *y = &b->memory.rows[i];
        assert_int_equal(x->bytes_len, y->bytes_len);
        assert_memory_equal(x->bytes, y->bytes, x->bytes_len);
        assert_memory_equal(x->subject, y->subject, sizeof x->subject);
        assert_memory_equal(x->digest, y->digest, sizeof x->digest);
    }
}

/* All rounds of a plan, as far as both answer. */
static void ask_both(struct party parties[2], const char *plan_json, int64_t day)
{
    struct sotto_plan *plan = NULL;
    assert_ok(sotto_plan_parse(&plan, plan_json, strlen(plan_json), NULL));
    make_driver(&parties[0], plan);
    make_driver(&parties[1], plan);
    bool goes_on = true;
    while (goes_on && sotto_driver_round(parties[0].driver) != 0) {
        size_t limbs_len = sotto_driver_limbs_len(parties[0].driver);
        uint64_t *limbs[2];
        assert_int_equal(sotto_driver_limbs_len(parties[1].driver), limbs_len);
        for (size_t i = 0; i < 2; i++) {
            limbs[i] = sotto_alloc_array(limbs_len, sizeof *limbs[i]);
            assert_non_null(limbs[i]);
            ask_round(&parties[i], plan, limbs[i], limbs_len, day);
        }
        assert_string_equal(parties[0].words, parties[1].words);
        assert_int_equal(parties[0].status, parties[1].status);
        assert_memory_equal(limbs[0], limbs[1], limbs_len * sizeof *limbs[0]);
        compare_ledgers(&parties[0], &parties[1]);
        goes_on = parties[0].status == SOTTO_OK;
        answered_len += goes_on;
        refused_len += !goes_on;
        for (size_t i = 0; i < 2; i++) {
            enum sotto_status status =
                goes_on ? sotto_driver_advance(parties[i].driver, limbs[i], limbs_len, NULL)
                        : SOTTO_OK;
            goes_on = goes_on && status == SOTTO_OK;
            sotto_free(limbs[i]);
        }
    }
    sotto_driver_free(parties[0].driver);
    sotto_driver_free(parties[1].driver);
    sotto_plan_free(plan);
}

static void test_same_entries(void **state)
{
    size_t cases = test_cases(16);
    (void)state;
    for (uint64_t seed = 0; seed < cases; seed++) {
        struct party parties[2];
        uint64_t random = seed;
        bool has_key = seed % 3 == 0;
        rows_len = 40 + test_random_below(&random, 60);
        next_id = 0;
        for (size_t i = 0; i < rows_len; i++) {
            draw_row(rows[i], (unsigned)i, &random);
        }
        open_ledger(&parties[0]);
        open_ledger(&parties[1]);
        for (int64_t day = 20000; day < 20008; day++) {
            char plan[TEST_PLAN_BYTES];
            write_whole();
            test_write_plan(plan, clauses[test_random_below(&random, CLAUSES_LEN)],
                            selects[test_random_below(&random, SELECTS_LEN)]);
            open_rows(&parties[0], &random, false, has_key);
            open_rows(&parties[1], &random, true, has_key);
            ask_both(parties, plan, day);
            close_rows(&parties[0]);
            close_rows(&parties[1]);
            change_rows(&random);
        }
        close_ledger(&parties[0]);
        close_ledger(&parties[1]);
    }
    print_message("%zu answered, %zu refused\n", answered_len, refused_len);
    assert_true(cases < 16 || (answered_len > 15 && refused_len > 15));
}

/* --- Rows of more kinds than a ledger takes --- */

#define KINDS_ROWS 7000
static char of_kinds[KINDS_ROWS * 16];

/* The file's verdict, in its words: no worker fails, not even where one part has too many. */
static void test_too_many_kinds(void **state)
{
    char bins[700] = "0";
    char select[1600];
    char json[TEST_PLAN_BYTES];
    struct party parties[2];
    struct sotto_plan *plan = NULL;
    uint64_t limbs[4096];
    uint64_t random = 3;
    (void)state;
    for (size_t i = 1, at = 1; i <= 100; i++) {
        at += (size_t)snprintf(bins + at, sizeof bins - at, ", %zu", i);
    }
    (void)snprintf(select, sizeof select,
                   "\"a\": \"hist(i, %s)\", \"b\": \"hist(h, %s)\", \"c\": \"sum(i * h)\"", bins,
                   bins);
    size_t at = (size_t)snprintf(of_kinds, sizeof of_kinds, "id,i,h\n");
    for (size_t i = 0; i < KINDS_ROWS; i++) {
        at += (size_t)snprintf(of_kinds + at, sizeof of_kinds - at, "%zu,%u,%u\n", i,
                               (unsigned)test_random_below(&random, 100),
                               (unsigned)test_random_below(&random, 100));
    }
    test_write_plan(json, "", select);
    assert_ok(sotto_plan_parse(&plan, json, strlen(json), NULL));
    for (size_t i = 0; i < 2; i++) {
        open_ledger(&parties[i]);
        open_text(&parties[i], of_kinds, &random, i == 1, true);
        make_driver(&parties[i], plan);
        size_t limbs_len = sotto_driver_limbs_len(parties[i].driver);
        assert_true(limbs_len <= sizeof limbs / sizeof limbs[0]);
        ask_round(&parties[i], plan, limbs, limbs_len, 20000);
        assert_int_equal(parties[i].status, SOTTO_ERROR_LIMIT);
        assert_contains(parties[i].words, "the rows fall into more kinds than the ledger takes");
        sotto_driver_free(parties[i].driver);
        close_rows(&parties[i]);
        close_ledger(&parties[i]);
    }
    assert_string_equal(parties[0].words, parties[1].words);
    sotto_plan_free(plan);
}

/* --- What is no key --- */

static void expect_keys(size_t len, uint64_t period, enum sotto_status expected, const char *words)
{
    char json[TEST_PLAN_BYTES];
    struct party party;
    struct sotto_plan *plan = NULL;
    uint64_t limbs[256];
    uint64_t random = len + period;
    size_t at = (size_t)snprintf(of_kinds, sizeof of_kinds, "id,i\n");
    for (size_t i = 0; i < len; i++) {
        at += (size_t)snprintf(of_kinds + at, sizeof of_kinds - at, "%u,%u\n",
                               (unsigned)(i % period), (unsigned)(i % 89));
    }
    test_write_plan(json, "", "\"a\": \"sum(i)\"");
    assert_ok(sotto_plan_parse(&plan, json, strlen(json), NULL));
    open_ledger(&party);
    open_text(&party, of_kinds, &random, true, true);
    make_driver(&party, plan);
    size_t limbs_len = sotto_driver_limbs_len(party.driver);
    assert_true(limbs_len <= sizeof limbs / sizeof limbs[0]);
    ask_round(&party, plan, limbs, limbs_len, 20000);
    assert_int_equal(party.status, expected);
    assert_contains(party.words, words);
    assert_int_equal(party.memory.len > 0, expected == SOTTO_OK);
    sotto_driver_free(party.driver);
    close_rows(&party);
    close_ledger(&party);
    sotto_plan_free(plan);
}

/* Of few rows all keys are known together, wherever they are; of many a column that says the same
 * of many of them is found out. */
static void test_keys_that_two_rows_have(void **state)
{
    (void)state;
    static const char two[] = "found one in two rows";
    expect_keys(1000, 1000, SOTTO_OK, "");
    expect_keys(1000, 999, SOTTO_ERROR_INPUT, two);
    expect_keys(KINDS_ROWS, KINDS_ROWS, SOTTO_OK, "");
    expect_keys(KINDS_ROWS, KINDS_ROWS - 300, SOTTO_ERROR_INPUT, two);
    expect_keys(KINDS_ROWS, 12, SOTTO_ERROR_INPUT, two);
}

/* --- What workers answer wrongly --- */

static size_t asked_len;
static size_t taken_len;

/* Changes what was shown in a part, or the sums before it, up to three times; its digest is right
 * again. */
static void change_answer(struct sotto_buffer *in_out, uint64_t *random)
{
    static const uint64_t words[] = {0, 1, UINT64_MAX, UINT64_C(1) << 32, UINT64_C(0x7FF) << 52};
    struct sotto__part part = {0};
    const struct sotto_part_bytes bytes = test_bytes_of(in_out);
    assert_ok(sotto__part_read(&part, &bytes, NULL));
    size_t shown_bytes = part.shown_len > 0 ? part.shown[0].data_bytes : 0;
    sotto__part_release(&part);
    size_t body_bytes = in_out->data_bytes - SOTTO_SHORT_DIGEST_BYTES;
    size_t first = test_random_below(random, 8) > 0 ? body_bytes - shown_bytes : 0;
    for (size_t i = test_random_below(random, 3); i < 3 && first + 8 < body_bytes; i++) {
        size_t at = first + test_random_below(random, body_bytes - first - 7);
        if (test_random_below(random, 2) == 0) {
            sotto_store_u64(in_out->data + at, words[test_random_below(random, 5)]);
        } else {
            in_out->data[at] = (uint8_t)(in_out->data[at] + 1 + test_random_below(random, 3));
        }
    }
    if (test_random_below(random, 8) == 0) { /* cut short */
        body_bytes -= test_random_below(random, body_bytes / 2);
        in_out->data_bytes = body_bytes + SOTTO_SHORT_DIGEST_BYTES;
    }
    sotto_short_digest(in_out->data + body_bytes, in_out->data, body_bytes);
}

/* They are asked the same as ever, and answer other bytes: each is an error, or some rows' answer
 * that the ledger decides about. */
static void test_changed_answers(void **state)
{
    size_t cases = test_cases(400);
    struct party party;
    uint64_t random = 5;
    struct sotto_plan *plan = NULL;
    (void)state;
    rows_len = 60;
    for (size_t i = 0; i < rows_len; i++) {
        draw_row(rows[i], (unsigned)i, &random);
    }
    write_whole();
    open_ledger(&party);
    open_rows(&party, &random, true, true);
    for (size_t i = 0; i < cases; i++) {
        char json[TEST_PLAN_BYTES];
        test_write_plan(json, clauses[i % CLAUSES_LEN], selects[i / CLAUSES_LEN % SELECTS_LEN]);
        assert_ok(sotto_plan_parse(&plan, json, strlen(json), NULL));
        make_driver(&party, plan);
        size_t limbs_len = sotto_driver_limbs_len(party.driver);
        uint64_t *limbs = sotto_alloc_array(limbs_len, sizeof *limbs);
        assert_non_null(limbs);
        test_worked_change = i % 100 < 10 ? NULL : change_answer;
        ask_round(&party, plan, limbs, limbs_len, 20000 + (int64_t)i);
        asked_len += test_worked_change != NULL;
        taken_len += test_worked_change != NULL && party.status == SOTTO_OK;
        sotto_free(limbs);
        sotto_driver_free(party.driver);
        sotto_plan_free(plan);
    }
    test_worked_change = NULL;
    close_rows(&party);
    close_ledger(&party);
    print_message("%zu of %zu taken\n", taken_len, asked_len);
    assert_true(cases < 400 || (taken_len > 0 && taken_len < asked_len / 2));
}

/* --- Rows that are not shown --- */

#define SHOWN_ROWS 60

/* Has an answer show other bytes than it does. */
static void show(struct sotto_buffer *in_out, const void *data, size_t data_bytes)
{
    struct sotto__part part = {0};
    const struct sotto_part_bytes bytes = test_bytes_of(in_out);
    struct sotto_buffer changed = {0};
    assert_ok(sotto__part_read(&part, &bytes, NULL));
    assert_int_equal(part.shown_len, 1);
    assert_ok(sotto_buffer_copy(&part.all_shown, data, data_bytes));
    assert_ok(sotto__part_write(&part, &changed, NULL));
    sotto__part_release(&part);
    sotto_buffer_release(in_out);
    *in_out = changed;
}

static void show_nothing(struct sotto_buffer *in_out, uint64_t *random)
{
    static const uint8_t nothing[] = {0};
    (void)random;
    show(in_out, nothing, sizeof nothing);
}

/* The keys come last: how many, and a hash of each. */
static void show_no_keys(struct sotto_buffer *in_out, uint64_t *random)
{
    struct sotto__part part = {0};
    const struct sotto_part_bytes bytes = test_bytes_of(in_out);
    struct sotto_buffer copy = {0};
    (void)random;
    assert_ok(sotto__part_read(&part, &bytes, NULL));
    assert_ok(sotto_buffer_copy(&copy, part.shown[0].data, part.shown[0].data_bytes));
    sotto__part_release(&part);
    size_t kept = copy.data_bytes - SHOWN_ROWS * sizeof(uint64_t);
    memset(copy.data + kept - sizeof(uint32_t), 0, sizeof(uint32_t));
    show(in_out, copy.data, kept);
    sotto_buffer_release(&copy);
}

/* Sums of rows that the ledger is not shown would leave without a memory of them. */
static void test_rows_that_are_not_shown(void **state)
{
    void (*const lies[])(struct sotto_buffer *, uint64_t *) = {show_nothing, show_no_keys};
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        test_worked_change = lies[i];
        expect_keys(SHOWN_ROWS, SHOWN_ROWS, SOTTO_ERROR_INPUT, "found something else");
    }
    test_worked_change = NULL;
    expect_keys(SHOWN_ROWS, SHOWN_ROWS, SOTTO_OK, "");
}

/* --- No memory --- */

/* What a worker does with what it is asked: two parts, and one of both. */
static enum sotto_status work(struct sotto_buffer *out, const char *asked,
                              struct sotto_source *const halves[2], struct sotto_error *err)
{
    struct sotto_buffer parts[2] = {0};
    struct sotto_round *round = NULL;
    struct sotto_part_place place = {.parts_len = 2, .snapshot = "v1"};
    enum sotto_status status = sotto_ask_read(&round, &place.min_rows, asked, strlen(asked), err);
    for (uint32_t i = 0; i < 2 && status == SOTTO_OK; i++) {
        place.part = i + 1;
        status = sotto_round_part(round, &parts[i], &place, &halves[i], sotto_tally_parts(), err);
    }
    if (status == SOTTO_OK) {
        const struct sotto_part_bytes bytes[2] = {test_bytes_of(&parts[0]),
                                                  test_bytes_of(&parts[1])};
        status = sotto_part_merge(out, bytes, 2, sotto_tally_parts(), err);
    }
    sotto_round_free(round);
    sotto_buffer_release(&parts[0]);
    sotto_buffer_release(&parts[1]);
    return status;
}

/* The rows that work is given: every second one. */
static char half_texts[2][ROWS_MAX * ROW_BYTES];

static void open_halves(struct test_text out[2])
{
    for (size_t i = 0; i < 2; i++) {
        strcpy(half_texts[i], header);
        for (size_t j = i; j < rows_len; j += 2) {
            strcat(half_texts[i], rows[j]);
        }
        out[i] = test_open_text(half_texts[i]);
    }
}

/* Each allocation fails once: where rows are read, where parts are merged, and where they are
 * taken. */
static void test_no_memory(void **state)
{
    static const char where[] = "\"where\": \"i > -20\",";
    char json[TEST_PLAN_BYTES];
    struct party party;
    struct test_text halves[2];
    struct sotto_plan *plan = NULL;
    struct sotto_buffer answer = {0};
    char *asked = NULL;
    uint64_t random = 9;
    uint64_t limbs[4096];
    size_t failures = 0;
    (void)state;
    open_ledger(&party);
    open_rows(&party, &random, true, true);
    test_write_plan(json, where, selects[5]);
    assert_ok(sotto_plan_parse(&plan, json, strlen(json), NULL));
    make_driver(&party, plan);
    size_t limbs_len = sotto_driver_limbs_len(party.driver);
    assert_true(limbs_len <= sizeof limbs / sizeof limbs[0]);
    test_worked_asked = &asked;
    ask_round(&party, plan, limbs, limbs_len, 20000);
    test_worked_asked = NULL;
    assert_non_null(asked);
    assert_int_equal(party.status, SOTTO_OK);
    open_halves(halves);
    struct sotto_source *const sources[2] = {halves[0].source, halves[1].source};
    for (bool has_failed = true; has_failed; failures += has_failed) {
        struct sotto_error err = {0};
        fault_allocation_begin(failures + 1);
        enum sotto_status status = work(&answer, asked, sources, &err);
        has_failed = fault_allocation_end();
        assert_int_equal(status, has_failed ? SOTTO_ERROR_NO_MEMORY : SOTTO_OK);
    }
    assert_true(failures > 100);
    sotto_free(asked);
    struct party taker; /* whose ledger is still empty, as the other one was when it asked */
    open_ledger(&taker);
    taker.source = party.source;
    taker.catalogue = party.catalogue;
    taker.driver = party.driver;
    test_worked_answer = &answer;
    size_t taking = 0;
    for (bool has_failed = true; has_failed; taking += has_failed) {
        fault_allocation_begin(taking + 1);
        ask_round(&taker, plan, limbs, limbs_len, 20000);
        has_failed = fault_allocation_end();
        assert_int_equal(taker.status, has_failed ? SOTTO_ERROR_NO_MEMORY : SOTTO_OK);
    }
    assert_true(taking > 100);
    test_worked_answer = NULL;
    sotto_buffer_release(&answer);
    test_close_text(&halves[0]);
    test_close_text(&halves[1]);
    sotto_driver_free(party.driver);
    sotto_plan_free(plan);
    close_rows(&party);
    close_ledger(&party);
    close_ledger(&taker);
}

/* How many allocations are made of an answer with one atom of so many measures, of which no more
 * than its rows is there, or not even these. */
static size_t count_allocations(uint32_t measures, bool has_rows)
{
    struct sotto_writer writer;
    struct sotto_buffer merged = {0};
    struct sotto_error err = {0};
    sotto_writer_init(&writer, SIZE_MAX);
    sotto_write_u8(&writer, 1); /* atoms */
    sotto_write_u32(&writer, 0);
    sotto_write_u32(&writer, measures);
    sotto_write_u32(&writer, 0);
    sotto_write_u32(&writer, 1);
    sotto_write_u32(&writer, 0);
    if (has_rows) {
        sotto_write_u64(&writer, 5);
    }
    assert_int_equal(sotto_writer_status(&writer), SOTTO_OK);
    const struct sotto_part_bytes part = {writer.data, writer.data_bytes, "x"};
    size_t made = 0;
    for (bool has_failed = true; has_failed; made += has_failed) {
        fault_allocation_begin(made + 1);
        enum sotto_status status = sotto_tally_parts()->merge(&merged, &part, 1, &err);
        has_failed = fault_allocation_end();
        assert_int_not_equal(status, SOTTO_OK);
        assert_true(has_failed || status != SOTTO_ERROR_NO_MEMORY);
    }
    sotto_writer_release(&writer);
    return made;
}

/* An answer may say that it has 65,536 measures: nothing is allocated for what is not there. */
static void test_measures_that_are_not_there(void **state)
{
    (void)state;
    uint64_t random = 41;
    for (size_t i = 0; i < test_cases(50); i++) {
        uint32_t measures = 1 + (uint32_t)test_random_below(&random, i == 0 ? 1 : 65536);
        assert_int_equal(count_allocations(measures, true), count_allocations(measures, false));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_entries),
        cmocka_unit_test(test_too_many_kinds),
        cmocka_unit_test(test_keys_that_two_rows_have),
        cmocka_unit_test(test_changed_answers),
        cmocka_unit_test(test_rows_that_are_not_shown),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_measures_that_are_not_there),
    };
    return sotto_init() == SOTTO_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
