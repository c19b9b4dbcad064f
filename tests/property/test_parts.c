/* SPDX-License-Identifier: Apache-2.0 */

/* Parts of a party's rows, made anywhere and merged in any tree, are the contribution of all of its
 * rows: sums to the bit, and what evidence says; the result is that of one file. Rounds may cut the
 * rows into other parts. What is no part, or of something else, is an error that says so. */

#include "cases.h"
#include "files.h"
#include "parts/parts.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/disclosure.h>
#include <stdio.h>
#include <stdlib.h>

#define PARTS_MAX 9
#define ROWS_MAX 200
#define ROW_BYTES 96
#define TEXT_BYTES (ROWS_MAX * ROW_BYTES)
#define PLAN_BYTES 4096

static const char header[] = "g,h,i,d,f,b\n";

/* All kinds of sums, counts and methods. */
static const char *const selects[] = {
    "\"a\": \"mean(i)\", \"b\": \"var(f)\", \"c\": \"sum(d * f)\", \"e\": \"count(b)\", "
    "\"f\": \"corr(i, f)\", \"g\": \"sum((f - mean(f)) ** 2)\"",
    "\"a\": \"median(f)\", \"b\": \"quantile(i, 0.9)\", \"c\": \"iqr(d)\", \"e\": \"quantile(d, "
    "0)\", "
    "\"f\": \"mad(i)\"",
    "\"a\": \"median(f, exact=1)\", \"b\": \"hist(d, 0, 10, 50)\"",
    "\"a\": \"hist(d, 0, 10, 50)\", \"b\": \"value_counts(g, 'a', 'b')\", "
    "\"c\": \"crosstab(g in ('a', 'b'), h in (1, 2))\", \"e\": \"mode(h, 1, 2)\"",
    "\"a\": \"ttest(d, g in ('a', 'b'))\", \"b\": \"anova(f, g in ('a', 'b', 'c'))\", "
    "\"c\": \"pearson(i, f)\", \"e\": \"describe(d)\", \"f\": \"missing([i, b])\"",
    "\"a\": \"glm(b, i, f, family=binomial)\"",
    "\"a\": \"ols(d, i, C(h in (1, 2)), cov=hc1)\", \"b\": \"weighted(f, h, weights=frequency)\"",
    "\"a\": \"glm(abs(i), d, C(g in ('a', 'b', 'c')), family=poisson)\""};
#define SELECTS_LEN (sizeof selects / sizeof selects[0])

static const char *const clauses[] = {
    "", "\"group_by\": [{\"column\": \"h\", \"levels\": [1, 2, 9]}],", "\"where\": \"i > -40\",",
    "\"where\": \"d > 20 and f < 30\",", "\"rows\": \"complete\","};

static const struct sotto_part_place first_place = {
    .part = 1, .parts_len = 1, .min_rows = 10, .snapshot = "v1"};

static void write_plan(char out[PLAN_BYTES], const char *clause, const char *select)
{
    int bytes = snprintf(out, PLAN_BYTES,
                         "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                         "{\"t\": \"t.csv\"}, %s \"select\": {%s}}",
                         clause, select);
    assert_in_range(bytes, 1, PLAN_BYTES - 1);
}

/* kind: what numbers are like: spread, ties everywhere, huge. */
static void random_row(char out[ROW_BYTES], size_t kind, uint64_t *random)
{
    static const char *const groups[] = {"a", "b", "c", "z", ""};
    static const char *const numbers[] = {"1", "2", "3", ""};
    static const char *const odd[] = {"", "-0.0", "inf", "5e-324", "1e300"};
    unsigned spread = kind == 1 ? 3 : 100;
    char real[32];
    (void)snprintf(real, sizeof real, "%ue-1", 7 * (unsigned)test_random_below(random, spread));
    bool is_odd = kind == 2 && test_random_below(random, 30) == 0;
    (void)snprintf(
        out, ROW_BYTES, "%s,%s,%d,%s%u.%u,%s,%s\n", groups[test_random_below(random, 5)],
        numbers[test_random_below(random, 4)], (int)test_random_below(random, spread) - 50,
        test_random_below(random, 3) == 0 ? "-" : "", (unsigned)test_random_below(random, spread),
        (unsigned)test_random_below(random, 10), is_odd ? odd[test_random_below(random, 5)] : real,
        test_random_below(random, 2) == 0 ? "true" : "false");
}

/* --- Files as parts --- */

/* A text's rows as a source. */
struct text_source {
    struct sotto_csv *file;
    struct sotto_catalogue *catalogue;
    struct sotto_source *source;
};

static struct text_source open_text(const char *text)
{
    struct text_source opened = {.file = test_csv(text)};
    opened.catalogue = test_catalogue(opened.file);
    assert_ok(sotto_source_new_file(&opened.source, opened.file, opened.catalogue, NULL));
    return opened;
}

static void close_text(struct text_source *opened)
{
    sotto_source_free(opened->source);
    sotto_catalogue_free(opened->catalogue);
    sotto_csv_close(opened->file);
}

static enum sotto_status make_part(struct sotto_buffer *out, const struct sotto_round *round,
                                   const char *text, const struct sotto_part_place *place,
                                   struct sotto_error *err)
{
    struct text_source opened = open_text(text);
    enum sotto_status status = sotto_round_part(round, out, place, &opened.source, err);
    close_text(&opened);
    return status;
}

static struct sotto_part_bytes bytes_of(const struct sotto_buffer *buffer)
{
    return (struct sotto_part_bytes){buffer->data, buffer->data_bytes, "x.slots"};
}

/* Merges two or three of the parts, drawn at random, until there is one. */
static void merge_tree(struct sotto_buffer *parts, size_t len, uint64_t *random)
{
    struct sotto_error err = {0};
    while (len > 1) {
        size_t taken = 2 + (len > 2 ? test_random_below(random, 2) : 0);
        struct sotto_part_bytes bytes[3];
        struct sotto_buffer merged;
        for (size_t i = 0; i < taken; i++) {
            size_t at = test_random_below(random, len - i);
            struct sotto_buffer drawn = parts[at];
            parts[at] = parts[len - 1 - i];
            parts[len - 1 - i] = drawn;
            bytes[i] = bytes_of(&drawn);
        }
        if (sotto_part_merge(&merged, bytes, taken, &err) != SOTTO_OK) {
            fail_msg("%s", err.text);
        }
        for (size_t i = 0; i < taken; i++) {
            sotto_buffer_release(&parts[len - 1 - i]);
        }
        len -= taken;
        parts[len++] = merged;
    }
}

/* Cuts rows into parts, some empty, and puts these together. */
static struct sotto_buffer merge_parts(const struct sotto_round *round, char (*rows)[ROW_BYTES],
                                       size_t rows_len, uint64_t *random)
{
    static char texts[PARTS_MAX][TEXT_BYTES];
    struct sotto_buffer parts[PARTS_MAX];
    struct sotto_error err = {0};
    size_t len = 1 + test_random_below(random, PARTS_MAX);
    for (size_t i = 0; i < len; i++) {
        strcpy(texts[i], header);
    }
    for (size_t i = 0; i < rows_len; i++) {
        strcat(texts[test_random_below(random, 1 + test_random_below(random, len))], rows[i]);
    }
    for (size_t i = 0; i < len; i++) {
        struct sotto_part_place place = first_place;
        place.part = (uint32_t)i + 1;
        place.parts_len = (uint32_t)len;
        if (make_part(&parts[i], round, texts[i], &place, &err) != SOTTO_OK) {
            fail_msg("%s", err.text);
        }
    }
    merge_tree(parts, len, random);
    return parts[0];
}

/* --- Parts == the whole --- */

/* A round after it went through its text. */
static void write_and_read(struct sotto_round **round, const char *plan)
{
    char *text = NULL;
    char *again = NULL;
    struct sotto_error err = {0};
    struct sotto_round *copy = NULL;
    assert_ok(sotto_round_write(*round, &text, NULL));
    if (sotto_round_read(&copy, plan, strlen(plan), text, strlen(text), &err) != SOTTO_OK) {
        fail_msg("%s", err.text);
    }
    assert_ok(sotto_round_write(copy, &again, NULL));
    assert_string_equal(text, again);
    sotto_free(text);
    sotto_free(again);
    sotto_round_free(*round);
    *round = copy;
}

/* A party's part says what a contribution of all of its rows says. */
static void compare_contributions(const struct sotto_round *round, const struct sotto_buffer *party,
                                  struct sotto_source *whole)
{
    struct sotto_contribution *given = NULL;
    struct sotto_contribution *own = NULL;
    struct sotto_error err = {0};
    const struct sotto_part_bytes bytes = bytes_of(party);
    if (sotto_round_contribution(round, &given, &bytes, &test_evidence_judge, &err) != SOTTO_OK) {
        fail_msg("%s", err.text);
    }
    assert_ok(sotto_contribution_new(&own, round->driver, &test_evidence_judge, NULL));
    assert_ok(sotto_contribution_add(own, whole, 0, NULL));
    assert_memory_equal(given->limbs, own->limbs, own->limbs_len * sizeof *own->limbs);
    char *of_parts = test_evidence(round->driver, given);
    char *of_all = test_evidence(round->driver, own);
    assert_string_equal(of_parts, of_all);
    sotto_free(of_parts);
    sotto_free(of_all);
    sotto_contribution_free(given);
    sotto_contribution_free(own);
}

/* What a judge says of a contribution; words is ended by sotto_free. */
struct verdict {
    enum sotto_status status;
    uint8_t withheld[8]; /* groups */
    char *words;
};

static struct verdict judge(struct sotto_contribution *contribution)
{
    struct verdict found = {0};
    struct sotto_error err = {0};
    assert_true(sotto_driver_groups_len(contribution->driver) <= sizeof found.withheld);
    found.status = sotto_contribution_judge(contribution, found.withheld, &err);
    found.words = sotto_text_copy(err.text, strlen(err.text));
    return found;
}

/* The rules of a profile say the same of a party's part as of all of its rows, and leave the same
 * of its sums. */
static enum sotto_status compare_verdicts(const struct sotto_round *round,
                                          const struct sotto_buffer *party,
                                          struct sotto_source *whole, enum sotto_profile profile)
{
    struct sotto_rules rules;
    struct sotto_disclosure disclosure;
    struct sotto_contribution *given = NULL;
    struct sotto_contribution *own = NULL;
    const struct sotto_part_bytes bytes = bytes_of(party);
    sotto_rules_init(&rules, profile);
    rules.min_rows = first_place.min_rows;
    sotto_disclosure_init(&disclosure, &rules, 4711);
    const struct sotto_judge *judged = sotto_disclosure_judge(&disclosure);
    assert_ok(sotto_round_contribution(round, &given, &bytes, judged, NULL));
    assert_ok(sotto_contribution_new(&own, round->driver, judged, NULL));
    assert_ok(sotto_contribution_add(own, whole, 0, NULL));
    struct verdict of_parts = judge(given);
    struct verdict of_all = judge(own);
    assert_int_equal(of_parts.status, of_all.status);
    assert_string_equal(of_parts.words, of_all.words);
    assert_memory_equal(of_parts.withheld, of_all.withheld, sizeof of_all.withheld);
    assert_memory_equal(given->limbs, own->limbs, own->limbs_len * sizeof *own->limbs);
    sotto_free(of_parts.words);
    sotto_free(of_all.words);
    sotto_contribution_free(given);
    sotto_contribution_free(own);
    return of_all.status;
}

/* Parts are the same bytes however often they pass through. */
static void compare_bytes(const struct sotto_buffer *party)
{
    struct sotto_buffer again;
    const struct sotto_part_bytes bytes = bytes_of(party);
    assert_ok(sotto_part_merge(&again, &bytes, 1, NULL));
    assert_int_equal(again.data_bytes, party->data_bytes);
    assert_memory_equal(again.data, party->data, party->data_bytes);
    sotto_buffer_release(&again);
}

/* Of all rounds; in so many of them safe rules refused. */
static size_t judged_len;
static size_t refused_len;

/* The result of all rounds, or why there is none; ended by sotto_free. */
static char *run_parts(const char *plan, const char *whole, char (*rows)[ROW_BYTES],
                       size_t rows_len, uint64_t *random)
{
    struct sotto_round *round = NULL;
    struct sotto_error err = {0};
    struct text_source all = open_text(whole);
    char *json = NULL;
    assert_ok(sotto_round_new(&round, plan, strlen(plan), NULL));
    enum sotto_status status = SOTTO_OK;
    while (status == SOTTO_OK && !sotto_round_is_over(round)) {
        struct sotto_buffer party = merge_parts(round, rows, rows_len, random);
        const struct sotto_part_bytes bytes = bytes_of(&party);
        compare_bytes(&party);
        if (round->driver != NULL) {
            compare_contributions(round, &party, all.source);
            enum sotto_status of_safe =
                compare_verdicts(round, &party, all.source, SOTTO_PROFILE_SAFE);
            (void)compare_verdicts(round, &party, all.source, SOTTO_PROFILE_OPEN);
            refused_len += of_safe == SOTTO_ERROR_REFUSED;
            judged_len++;
            write_and_read(&round, plan);
        }
        status = sotto_round_advance(round, &bytes, &err);
        sotto_buffer_release(&party);
    }
    if (status == SOTTO_OK) {
        assert_ok(sotto_round_result(round, &json, NULL));
    } else {
        json = sotto_text_copy(err.text, strlen(err.text));
    }
    close_text(&all);
    sotto_round_free(round);
    return json;
}

static char *run_whole(const char *plan_json, const char *whole)
{
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    char *json = NULL;
    if (sotto_plan_parse(&plan, plan_json, strlen(plan_json), &err) != SOTTO_OK) {
        fail_msg("%s", err.text);
    }
    if (test_run(&json, NULL, plan, &whole, 1, &err) != SOTTO_OK) {
        json = sotto_text_copy(err.text, strlen(err.text));
    }
    sotto_plan_free(plan);
    return json;
}

static void test_parts_are_the_whole(void **state)
{
    static char rows[ROWS_MAX][ROW_BYTES];
    static char whole[TEXT_BYTES];
    size_t results_len = 0;
    size_t cases = test_cases(24);
    (void)state;
    for (uint64_t seed = 0; seed < cases; seed++) {
        char plan[PLAN_BYTES];
        uint64_t random = seed;
        size_t rows_len = test_random_below(&random, seed % 7 == 0 ? 8 : ROWS_MAX);
        write_plan(plan, clauses[seed % 5], selects[seed % SELECTS_LEN]);
        strcpy(whole, header);
        for (size_t i = 0; i < rows_len; i++) {
            random_row(rows[i], seed % 3, &random);
            strcat(whole, rows[i]);
        }
        char *of_all = run_whole(plan, whole);
        char *of_parts = run_parts(plan, whole, rows, rows_len, &random);
        assert_string_equal(of_all, of_parts);
        results_len += *of_all == '{';
        sotto_free(of_all);
        sotto_free(of_parts);
    }
    assert_true(cases < 24 || results_len > 14);
    assert_true(cases < 24 || (refused_len > 5 && judged_len - refused_len > 5));
}

/* --- What is no part, or of something else --- */

static const char rows_of_two[] = "g,h,i,d,f,b\na,1,2,3.5,4e-1,true\nb,2,3,4.5,,false\n";

/* The plan's round 1, of so many parts with these rows each. */
static struct sotto_round *make_round(const char *plan, uint32_t parts_len)
{
    struct sotto_round *round = NULL;
    assert_ok(sotto_round_new(&round, plan, strlen(plan), NULL));
    struct sotto_buffer parts[PARTS_MAX];
    uint64_t random = 1;
    for (uint32_t i = 0; i < parts_len; i++) {
        struct sotto_part_place place = first_place;
        place.part = i + 1;
        place.parts_len = parts_len;
        assert_ok(make_part(&parts[i], round, rows_of_two, &place, NULL));
    }
    merge_tree(parts, parts_len, &random);
    const struct sotto_part_bytes bytes = bytes_of(&parts[0]);
    assert_ok(sotto_round_advance(round, &bytes, NULL));
    sotto_buffer_release(&parts[0]);
    return round;
}

/* Of 3, in the round. */
static struct sotto_buffer part_of_3(const struct sotto_round *round, uint32_t part)
{
    struct sotto_buffer made;
    struct sotto_part_place place = first_place;
    place.part = part;
    place.parts_len = 3;
    assert_ok(make_part(&made, round, rows_of_two, &place, NULL));
    return made;
}

static void refuses_merge(const struct sotto_buffer *a, const struct sotto_buffer *b,
                          const char *text)
{
    const struct sotto_part_bytes bytes[] = {bytes_of(a), {b->data, b->data_bytes, "b.slots"}};
    struct sotto_buffer merged = {0};
    struct sotto_error err = {0};
    assert_int_equal(sotto_part_merge(&merged, bytes, 2, &err), SOTTO_ERROR_INPUT);
    assert_contains(err.text, text);
    assert_contains(err.text, "b.slots: ");
    assert_null(merged.data);
}

static void refuses_advance(struct sotto_round *round, const struct sotto_buffer *party,
                            enum sotto_status expected, const char *text)
{
    const struct sotto_part_bytes bytes = bytes_of(party);
    struct sotto_error err = {0};
    uint32_t number = round->driver != NULL ? sotto_driver_round(round->driver) : 0;
    assert_int_equal(sotto_round_advance(round, &bytes, &err), expected);
    assert_contains(err.text, text);
    assert_int_equal(round->driver != NULL ? sotto_driver_round(round->driver) : 0, number);
}

static void merge_two(struct sotto_buffer *out, const struct sotto_buffer *a,
                      const struct sotto_buffer *b)
{
    const struct sotto_part_bytes bytes[] = {bytes_of(a), bytes_of(b)};
    assert_ok(sotto_part_merge(out, bytes, 2, NULL));
}

static void test_parts_that_are_missing_or_there_twice(void **state)
{
    char plan[PLAN_BYTES];
    struct sotto_buffer parts[3];
    struct sotto_buffer two;
    struct sotto_buffer twice;
    (void)state;
    write_plan(plan, "", selects[1]);
    struct sotto_round *round = make_round(plan, 3);
    for (uint32_t i = 0; i < 3; i++) {
        parts[i] = part_of_3(round, i + 1);
    }
    merge_two(&two, &parts[0], &parts[2]);
    refuses_merge(&parts[1], &parts[1], "found part 2 of 3 again");
    refuses_merge(&two, &parts[2], "found part 3 of 3 again");
    refuses_merge(&parts[2], &two, "found part 3 of 3 again");
    refuses_advance(round, &two, SOTTO_ERROR_NOT_FOUND,
                    "expected all 3 parts, found 2: part 2 is missing");
    refuses_advance(round, &parts[2], SOTTO_ERROR_NOT_FOUND, "found 1: part 1 is missing");
    /* One of them as if it were all. */
    struct sotto_part_place place = first_place;
    assert_ok(make_part(&twice, round, rows_of_two, &place, NULL));
    refuses_advance(round, &twice, SOTTO_ERROR_CHANGED,
                    "dataset \"t\": expected 6 rows in all parts, as in round 0, found 2");
    for (uint32_t i = 0; i < 3; i++) {
        sotto_buffer_release(&parts[i]);
    }
    sotto_buffer_release(&two);
    sotto_buffer_release(&twice);
    sotto_round_free(round);
}

static void test_parts_of_something_else(void **state)
{
    char plan[PLAN_BYTES];
    char other_plan[PLAN_BYTES];
    struct sotto_buffer others[5];
    struct sotto_part_place place = first_place;
    struct sotto_error err = {0};
    struct sotto_round *start = NULL;
    (void)state;
    write_plan(plan, "", selects[1]);
    write_plan(other_plan, "", selects[0]);
    struct sotto_round *round = make_round(plan, 3);
    struct sotto_round *next = make_round(plan, 1);
    struct sotto_round *foreign = make_round(other_plan, 3);
    struct sotto_buffer own = part_of_3(round, 1);
    assert_ok(sotto_round_new(&start, plan, strlen(plan), NULL));
    place.part = 2;
    place.parts_len = 3;
    assert_ok(make_part(&others[0], foreign, rows_of_two, &place, NULL));
    refuses_merge(&own, &others[0], "a part of the same plan as the others, found another");
    assert_ok(make_part(&others[1], start, rows_of_two, &place, NULL));
    refuses_merge(&own, &others[1], "a part of round 1, found one of round 0");
    assert_ok(make_part(&others[2], next, rows_of_two, &place, NULL));
    refuses_merge(&own, &others[2], "a part of the same round as the others, found another");
    place.min_rows = 11;
    assert_ok(make_part(&others[3], round, rows_of_two, &place, NULL));
    refuses_merge(&own, &others[3], "a part of the same min_rows as the others, found another");
    place.min_rows = 10;
    place.snapshot = "v2";
    assert_int_equal(make_part(&others[4], round, rows_of_two, &place, &err), SOTTO_ERROR_CHANGED);
    assert_contains(err.text, "expected rows of snapshot \"v1\", as in round 0, found \"v2\"");
    assert_ok(make_part(&others[4], start, rows_of_two, &place, NULL));
    refuses_merge(&others[1], &others[4], "a part of the same snapshot as the others");
    refuses_advance(foreign, &own, SOTTO_ERROR_INPUT, "a part of the same plan as the others");
    refuses_advance(round, &others[1], SOTTO_ERROR_INPUT,
                    "a part of round 1, found one of round 0");
    for (size_t i = 0; i < 5; i++) {
        sotto_buffer_release(&others[i]);
    }
    sotto_buffer_release(&own);
    sotto_round_free(start);
    sotto_round_free(round);
    sotto_round_free(next);
    sotto_round_free(foreign);
}

/* --- Bytes that somebody has changed --- */

/* Whatever is taken for a part is one: it has one encoding, and can be looked at as a whole. */
static void take_bytes(const struct sotto_round *round, const uint8_t *data, size_t data_bytes,
                       size_t *in_out_taken)
{
    struct sotto_contribution *given = NULL;
    struct sotto_buffer again = {0};
    const struct sotto_part_bytes bytes = {data, data_bytes, "x"};
    if (sotto_part_merge(&again, &bytes, 1, NULL) != SOTTO_OK) {
        return;
    }
    ++*in_out_taken;
    assert_int_equal(again.data_bytes, data_bytes);
    assert_memory_equal(again.data, data, data_bytes);
    sotto_buffer_release(&again);
    if (round->driver != NULL &&
        sotto_round_contribution(round, &given, &bytes, &test_evidence_judge, NULL) == SOTTO_OK) {
        sotto_free(test_evidence(round->driver, given));
        sotto_contribution_free(given);
    }
}

/* A copy with up to three changes and, but for some, a digest that is right again. */
static void change_bytes(const struct sotto_round *round, const struct sotto_buffer *part,
                         uint64_t *random, size_t *in_out_taken)
{
    static const uint64_t words[] = {0, 1, UINT64_MAX, UINT64_C(1) << 32, UINT64_C(0x7FF) << 52};
    size_t body_bytes = part->data_bytes - SOTTO_SHORT_DIGEST_BYTES;
    size_t bytes =
        test_random_below(random, 8) > 0 ? body_bytes : test_random_below(random, body_bytes + 1);
    uint8_t *data = malloc(bytes + SOTTO_SHORT_DIGEST_BYTES); /* so ASan sees its end */
    assert_non_null(data);
    memcpy(data, part->data, bytes);
    for (size_t i = test_random_below(random, 3); i < 3 && bytes >= 8; i++) {
        size_t at = test_random_below(random, bytes - 7);
        if (test_random_below(random, 2) == 0) {
            sotto_store_u64(data + at, words[test_random_below(random, 5)]);
        } else {
            data[at] = (uint8_t)(data[at] + 1 + test_random_below(random, 3));
        }
    }
    sotto_short_digest(data + bytes, data, bytes);
    data[bytes] ^= test_random_below(random, 20) == 0;
    take_bytes(round, data, bytes + SOTTO_SHORT_DIGEST_BYTES, in_out_taken);
    free(data);
}

static void test_changed_bytes(void **state)
{
    size_t taken = 0;
    size_t cases = test_cases(200);
    (void)state;
    for (size_t i = 0; i < SELECTS_LEN; i++) {
        char plan[PLAN_BYTES];
        uint64_t random = i;
        struct sotto_round *round = NULL;
        struct sotto_buffer part;
        write_plan(plan, clauses[i % 5], selects[i]);
        assert_ok(sotto_round_new(&round, plan, strlen(plan), NULL));
        assert_ok(make_part(&part, round, rows_of_two, &first_place, NULL));
        for (size_t j = 0; j < cases; j++) {
            change_bytes(round, &part, &random, &taken);
        }
        sotto_buffer_release(&part);
        sotto_round_free(round);
        round = make_round(plan, 1);
        assert_ok(make_part(&part, round, rows_of_two, &first_place, NULL));
        for (size_t j = 0; j < cases; j++) {
            change_bytes(round, &part, &random, &taken);
        }
        sotto_buffer_release(&part);
        sotto_round_free(round);
    }
    assert_in_range(taken, cases / 10, 2 * SELECTS_LEN * cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_are_the_whole),
        cmocka_unit_test(test_parts_that_are_missing_or_there_twice),
        cmocka_unit_test(test_parts_of_something_else),
        cmocka_unit_test(test_changed_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
