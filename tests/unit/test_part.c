/* SPDX-License-Identifier: Apache-2.0 */

/* What is no part, or one of something else, is an error that says so; so are parts that are
 * missing, or there twice, or count wrongly. Bytes that somebody has changed are refused, or are a
 * part all the same, with one encoding. */

#include "cases.h"
#include "files.h"
#include "parts.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>

#define PARTS_LEN_MAX 3

/* Rounds of some kinds: sums; a search; cells and tables; models. */
static const char summing[] = "\"a\": \"mean(i)\", \"b\": \"var(f)\", \"c\": \"sum(d * f)\"";
static const char searching[] = "\"a\": \"median(f)\", \"b\": \"quantile(i, 0.9)\"";
static const char *const selects[] = {
    summing, searching,
    "\"a\": \"hist(d, 0, 10, 50)\", \"c\": \"crosstab(g in ('a', 'b'), h in (1, 2))\"",
    "\"a\": \"glm(b, i, f, family=binomial)\", \"e\": \"corr(i, f)\""};
#define SELECTS_LEN (sizeof selects / sizeof selects[0])
static const char *const clauses[] = {
    "", "\"group_by\": [{\"column\": \"h\", \"levels\": [1, 2, 9]}],", "\"where\": \"i > 2\","};
#define CLAUSES_LEN (sizeof clauses / sizeof clauses[0])

static const char rows_of_two[] = "g,h,i,d,f,b\na,1,2,3.5,4e-1,true\nb,2,3,4.5,,false\n";

/* The plan's round 1, of so many parts with these rows each. */
static struct sotto_round *make_round(const char *plan, uint32_t parts_len)
{
    struct sotto_round *round = NULL;
    assert_ok(sotto_round_new(&round, plan, strlen(plan), NULL));
    struct sotto_buffer parts[PARTS_LEN_MAX];
    uint64_t random = 1;
    for (uint32_t i = 0; i < parts_len; i++) {
        struct sotto_part_place place = test_place;
        place.part = i + 1;
        place.parts_len = parts_len;
        assert_ok(test_make_part(&parts[i], round, rows_of_two, &place, NULL));
    }
    test_merge_tree(parts, parts_len, &random);
    const struct sotto_part_bytes bytes = test_bytes_of(&parts[0]);
    assert_ok(sotto_round_advance(round, &bytes, NULL));
    sotto_buffer_release(&parts[0]);
    return round;
}

/* Of 3, in the round. */
static struct sotto_buffer part_of_3(const struct sotto_round *round, uint32_t part)
{
    struct sotto_buffer made;
    struct sotto_part_place place = test_place;
    place.part = part;
    place.parts_len = 3;
    assert_ok(test_make_part(&made, round, rows_of_two, &place, NULL));
    return made;
}

static void refuses_merge(const struct sotto_buffer *a, const struct sotto_buffer *b,
                          const char *text)
{
    const struct sotto_part_bytes bytes[] = {test_bytes_of(a), {b->data, b->data_bytes, "b.slots"}};
    struct sotto_buffer merged = {0};
    struct sotto_error err = {0};
    assert_int_equal(sotto_part_merge(&merged, bytes, 2, NULL, &err), SOTTO_ERROR_INPUT);
    assert_contains(err.text, text);
    assert_contains(err.text, "b.slots: ");
    assert_null(merged.data);
}

static void refuses_advance(struct sotto_round *round, const struct sotto_buffer *party,
                            enum sotto_status expected, const char *text)
{
    const struct sotto_part_bytes bytes = test_bytes_of(party);
    struct sotto_error err = {0};
    uint32_t number = round->driver != NULL ? sotto_driver_round(round->driver) : 0;
    assert_int_equal(sotto_round_advance(round, &bytes, &err), expected);
    assert_contains(err.text, text);
    assert_int_equal(round->driver != NULL ? sotto_driver_round(round->driver) : 0, number);
}

static void merge_two(struct sotto_buffer *out, const struct sotto_buffer *a,
                      const struct sotto_buffer *b)
{
    const struct sotto_part_bytes bytes[] = {test_bytes_of(a), test_bytes_of(b)};
    assert_ok(sotto_part_merge(out, bytes, 2, NULL, NULL));
}

static void test_parts_that_are_missing_or_there_twice(void **state)
{
    char plan[TEST_PLAN_BYTES];
    struct sotto_buffer parts[3];
    struct sotto_buffer two;
    struct sotto_buffer twice;
    (void)state;
    test_write_plan(plan, "", searching);
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
    struct sotto_part_place place = test_place;
    assert_ok(test_make_part(&twice, round, rows_of_two, &place, NULL));
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
    char plan[TEST_PLAN_BYTES];
    char other_plan[TEST_PLAN_BYTES];
    struct sotto_buffer others[5];
    struct sotto_part_place place = test_place;
    struct sotto_error err = {0};
    struct sotto_round *start = NULL;
    (void)state;
    test_write_plan(plan, "", searching);
    test_write_plan(other_plan, "", summing);
    struct sotto_round *round = make_round(plan, 3);
    struct sotto_round *next = make_round(plan, 1);
    struct sotto_round *foreign = make_round(other_plan, 3);
    struct sotto_buffer own = part_of_3(round, 1);
    assert_ok(sotto_round_new(&start, plan, strlen(plan), NULL));
    place.part = 2;
    place.parts_len = 3;
    assert_ok(test_make_part(&others[0], foreign, rows_of_two, &place, NULL));
    refuses_merge(&own, &others[0], "a part of the same plan as the others, found another");
    assert_ok(test_make_part(&others[1], start, rows_of_two, &place, NULL));
    refuses_merge(&own, &others[1], "a part of round 1, found one of round 0");
    assert_ok(test_make_part(&others[2], next, rows_of_two, &place, NULL));
    refuses_merge(&own, &others[2], "a part of the same round as the others, found another");
    place.min_rows = 11;
    assert_ok(test_make_part(&others[3], round, rows_of_two, &place, NULL));
    refuses_merge(&own, &others[3], "a part of the same min_rows as the others, found another");
    place.min_rows = 10;
    place.snapshot = "v2";
    assert_int_equal(test_make_part(&others[4], round, rows_of_two, &place, &err),
                     SOTTO_ERROR_CHANGED);
    assert_contains(err.text, "expected rows of snapshot \"v1\", as in round 0, found \"v2\"");
    assert_ok(test_make_part(&others[4], start, rows_of_two, &place, NULL));
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

/* --- Counts that do not agree --- */

static void lie_about_limbs(struct sotto__part *part)
{
    part->limbs[0] = 3; /* of 2 rows */
}

static void lie_about_atoms(struct sotto__part *part)
{
    part->evidence.atoms[0].rows[0]--;
}

static void lie_about_outside(struct sotto__part *part)
{
    part->evidence.outside[0]++;
}

static void lie_about_terms(struct sotto__part *part)
{
    part->evidence.terms[0].rows--;
}

static void lie_about_largest(struct sotto__part *part)
{
    part->evidence.terms[0].total = part->evidence.terms[0].largest[0] / 2;
}

static void lie_about_rows(struct sotto__part *part)
{
    part->head.rows[0]--;
}

static void test_counts_that_do_not_agree(void **state)
{
    static const struct {
        void (*tell)(struct sotto__part *part);
        bool is_seen_by_merging;
    } lies[] = {{lie_about_limbs, false}, {lie_about_atoms, false},  {lie_about_outside, true},
                {lie_about_terms, false}, {lie_about_largest, true}, {lie_about_rows, true}};
    char plan[TEST_PLAN_BYTES];
    struct sotto_buffer part;
    (void)state;
    test_write_plan(plan, "", "\"c\": \"count(i)\", \"s\": \"sum(i)\"");
    struct sotto_round *round = make_round(plan, 1);
    assert_ok(test_make_part(&part, round, rows_of_two, &test_place, NULL));
    const struct sotto_part_bytes bytes = test_bytes_of(&part);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct sotto__part changed = {0};
        struct sotto_buffer lie;
        struct sotto_buffer merged = {0};
        assert_ok(sotto__part_read(&changed, &bytes, NULL));
        lies[i].tell(&changed);
        assert_ok(sotto__part_write(&changed, &lie, NULL));
        const struct sotto_part_bytes told = test_bytes_of(&lie);
        assert_int_equal(sotto_part_merge(&merged, &told, 1, NULL, NULL),
                         lies[i].is_seen_by_merging ? SOTTO_ERROR_INPUT : SOTTO_OK);
        refuses_advance(round, &lie, SOTTO_ERROR_INPUT, "expected ");
        sotto_buffer_release(&merged);
        sotto_buffer_release(&lie);
        sotto__part_release(&changed);
    }
    assert_ok(sotto_round_advance(round, &bytes, NULL));
    sotto_buffer_release(&part);
    sotto_round_free(round);
}

/* --- More pieces than can be judged --- */

#define PIECES_SIDE 65 /* bins of each of three columns: together more than 2^18 */

static char *write_pieces(void)
{
    size_t rows_len = (size_t)PIECES_SIDE * PIECES_SIDE * PIECES_SIDE;
    char *text = malloc(16 + 9 * rows_len);
    assert_non_null(text);
    size_t at = (size_t)sprintf(text, "x,y,z\n");
    for (unsigned i = 0; i < rows_len; i++) {
        at += (size_t)sprintf(text + at, "%u,%u,%u\n", i % PIECES_SIDE,
                              i / PIECES_SIDE % PIECES_SIDE, i / (PIECES_SIDE * PIECES_SIDE));
    }
    return text;
}

/* A worker makes a part of them all the same, which says so in any tree: only the party, which
 * takes all parts, is refused. */
static void test_more_pieces_than_can_be_judged(void **state)
{
    char edges[4 * PIECES_SIDE + 8] = "0";
    char select[sizeof edges * 3 + 64];
    char plan[TEST_PLAN_BYTES];
    struct sotto_round *round = NULL;
    struct sotto_buffer parts[2];
    char *many = write_pieces();
    const char *const texts[2] = {many, "x,y,z\n1,2,3\n"};
    (void)state;
    for (size_t i = 1, at = 1; i <= PIECES_SIDE; i++) {
        at += (size_t)sprintf(edges + at, ", %zu", i);
    }
    (void)sprintf(select, "\"x\": \"hist(x, %s)\", \"y\": \"hist(y, %s)\", \"z\": \"hist(z, %s)\"",
                  edges, edges, edges);
    test_write_plan(plan, "", select);
    assert_ok(sotto_round_new(&round, plan, strlen(plan), NULL));
    for (uint32_t number = 0; number < 2; number++) {
        struct sotto_buffer both = {0};
        struct sotto_buffer again = {0};
        for (uint32_t i = 0; i < 2; i++) {
            struct sotto_part_place place = test_place;
            place.part = i + 1;
            place.parts_len = 2;
            assert_ok(test_make_part(&parts[i], round, texts[i], &place, NULL));
        }
        merge_two(&both, &parts[1], &parts[0]);
        merge_two(&again, &parts[0], &parts[1]);
        assert_int_equal(both.data_bytes, again.data_bytes);
        assert_memory_equal(both.data, again.data, both.data_bytes);
        const struct sotto_part_bytes bytes = test_bytes_of(&both);
        if (number == 0) {
            assert_ok(sotto_round_advance(round, &bytes, NULL));
        } else {
            refuses_advance(round, &both, SOTTO_ERROR_REFUSED, "into too many pieces to be judged");
        }
        sotto_buffer_release(&both);
        sotto_buffer_release(&again);
        sotto_buffer_release(&parts[0]);
        sotto_buffer_release(&parts[1]);
    }
    sotto_round_free(round);
    free(many);
}

/* --- Bytes that somebody has changed --- */

/* Whatever is taken for a part is one: it has one encoding, and can be looked at as a whole. */
static void take_bytes(const struct sotto_round *round, const uint8_t *data, size_t data_bytes,
                       size_t *in_out_taken)
{
    struct sotto_contribution *given = NULL;
    struct sotto_buffer again = {0};
    const struct sotto_part_bytes bytes = {data, data_bytes, "x"};
    if (sotto_part_merge(&again, &bytes, 1, NULL, NULL) != SOTTO_OK) {
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
    size_t cases = test_cases(400);
    (void)state;
    for (size_t i = 0; i < CLAUSES_LEN * SELECTS_LEN; i++) {
        char plan[TEST_PLAN_BYTES];
        uint64_t random = i;
        struct sotto_round *round = NULL;
        struct sotto_buffer part;
        test_write_plan(plan, clauses[i % CLAUSES_LEN], selects[i / CLAUSES_LEN]);
        assert_ok(sotto_round_new(&round, plan, strlen(plan), NULL));
        assert_ok(test_make_part(&part, round, rows_of_two, &test_place, NULL));
        for (size_t j = 0; j < cases; j++) {
            change_bytes(round, &part, &random, &taken);
        }
        sotto_buffer_release(&part);
        sotto_round_free(round);
        round = make_round(plan, 1);
        assert_ok(test_make_part(&part, round, rows_of_two, &test_place, NULL));
        for (size_t j = 0; j < cases; j++) {
            change_bytes(round, &part, &random, &taken);
        }
        sotto_buffer_release(&part);
        sotto_round_free(round);
    }
    assert_in_range(taken, cases / 10, 2 * CLAUSES_LEN * SELECTS_LEN * cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_that_are_missing_or_there_twice),
        cmocka_unit_test(test_parts_of_something_else),
        cmocka_unit_test(test_counts_that_do_not_agree),
        cmocka_unit_test(test_more_pieces_than_can_be_judged),
        cmocka_unit_test(test_changed_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
