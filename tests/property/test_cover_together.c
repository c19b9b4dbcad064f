/* SPDX-License-Identifier: Apache-2.0 */
/* What the opened counts of one plan tell of parties by adding and subtracting them: small random
 * federations, of which the asker tries all combinations; and spans against brute force. */
#include "cases.h"
#include "files.h"
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <sotto/simulate.h>
#include <sotto/span.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTIES_MAX 6
#define ROWS_MAX 12

/* --- Whole tasks --- */

/* Two histograms of one column, and a table beside its rows: what is withheld in one of them the
 * others could give back. And sums of one column over three sets of rows. */
static const char *const plans[] = {
    "\"h\": \"hist(x, 0, 2, 4, 6)\", \"v\": \"hist(x, 0, 1, 5, 6)\"",
    "\"h\": \"crosstab(a in ('p', 'q'), b in ('p', 'q'))\", \"v\": \"value_counts(a, 'p', 'q')\"",
    "\"h\": \"value_counts(a, 'p', 'q', 'r')\", \"v\": \"hist(x, 0, 3, 6)\", \"c\": \"sum(x < 3)\"",
    ("\"h\": \"sum(if(x < 2, x, na))\", \"v\": \"sum(if(a in ('p', 'r'), x, na))\", "
     "\"s\": \"sum(x)\""),
    "\"v\": \"value_counts(a, 'p', 'q')\", \"n\": \"count(a)\"",
};

#define PLANS_LEN (sizeof plans / sizeof plans[0])
#define PLAN_OF_TABLES 1
#define PLAN_OF_SUMS 3
#define PLAN_OF_LEVELS 4 /* not all of them: the rest is told by the number of rows */

struct row {
    int x;
    char a;
    char b;
};

struct party {
    struct row rows[ROWS_MAX];
    size_t len;
};

struct federation {
    struct party parties[PARTIES_MAX];
    size_t len;
    size_t needed;
};

/* Columns are made from each other mostly, as they are in life: combinations matter then. */
static void federation_make(struct federation *out, uint64_t *random)
{
    static const char levels[] = "pqr";
    out->len = 3 + (size_t)test_random_below(random, PARTIES_MAX - 2);
    out->needed = out->len >= 5 ? 4 : 3;
    uint64_t spread = 1 + test_random_below(random, 6);
    for (size_t i = 0; i < out->len; i++) {
        struct party *party = &out->parties[i];
        party->len = 1 + (size_t)test_random_below(random, ROWS_MAX);
        for (size_t j = 0; j < party->len; j++) {
            int x = (int)test_random_below(random, 3) * 2;
            bool is_odd = test_random_below(random, spread) == 0;
            party->rows[j] =
                (struct row){.x = x + is_odd, .a = levels[x / 2], .b = levels[is_odd ? 1 : x / 4]};
        }
    }
}

static struct sotto_csv *make_file(const struct party *party)
{
    char text[ROWS_MAX * 16 + 16] = "x,a,b\n";
    for (size_t i = 0; i < party->len; i++) {
        size_t at = strlen(text);
        (void)snprintf(text + at, sizeof text - at, "%d,%c,%c\n", party->rows[i].x,
                       party->rows[i].a, party->rows[i].b);
    }
    return test_csv(text);
}

/* The result of a plan over parties' files, which are closed; NULL where the rule refuses it. */
static char *ask_files(struct sotto_csv *const *files, size_t len, const char *select)
{
    char plan[600];
    char *result = NULL;
    struct sotto_rules rules;
    struct sotto_error err = {0};
    sotto_rules_init(&rules, SOTTO_PROFILE_OPEN);
    (void)snprintf(plan, sizeof plan,
                   "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                   "{\"w\": \"w.csv\"}, \"select\": {%s}, \"strategy\": {\"min_clients\": 3}}",
                   select);
    const struct sotto_simulation simulation = {.plan_json = plan,
                                                .plan_json_bytes = strlen(plan),
                                                .files = files,
                                                .datasets_len = 1,
                                                .parties_len = len,
                                                .seed = 1,
                                                .rules = &rules};
    enum sotto_status status = sotto_simulate(&result, &simulation, &err);
    if (status != SOTTO_OK) {
        assert_int_equal(status, SOTTO_ERROR_REFUSED);
        assert_contains(err.text, "rule cover");
    }
    for (size_t i = 0; i < len; i++) {
        sotto_csv_close(files[i]);
    }
    return result;
}

static char *ask(const struct federation *federation, const char *select)
{
    struct sotto_csv *files[PARTIES_MAX];
    for (size_t i = 0; i < federation->len; i++) {
        files[i] = make_file(&federation->parties[i]);
    }
    return ask_files(files, federation->len, select);
}

static int count_in_sum(size_t i, const struct row *row)
{
    bool is_in = i == 0 ? row->x < 2 : i == 1 ? row->a != 'q' : true;
    return row->x != 0 && is_in; /* zeros are in no sum */
}

/* How often a row counts in the i-th count or sum of a plan. */
static int count_row(size_t plan, size_t i, const struct row *row)
{
    static const int edges[2][4] = {{0, 2, 4, 6}, {0, 1, 5, 6}};
    if (plan == 0) {
        const int *of = edges[i / 3] + i % 3;
        return row->x >= of[0] && row->x < of[1];
    }
    if (plan == PLAN_OF_TABLES) {
        char a = i < 4 ? "pq"[i / 2] : "pq"[i - 4];
        bool is_there = i >= 4 ? true : row->b == "pq"[i % 2];
        /* A table is of rows that have a level of both. */
        return row->a == a && is_there;
    }
    if (plan == PLAN_OF_SUMS) {
        return count_in_sum(i, row);
    }
    if (i < 3 || plan == PLAN_OF_LEVELS) {
        return row->a == "pqr"[i];
    }
    return i == 3 ? row->x < 3 : i == 4 ? row->x >= 3 : row->x < 3;
}

static const size_t counts_len[PLANS_LEN] = {6, 6, 6, 3, 2};

/* The next value of a result. */
static const char *find_value(const char *from)
{
    static const char key[] = "\"value\": ";
    const char *at = strstr(from, key);
    if (at == NULL) {
        fail_msg("too few values: %s", from);
        return from;
    }
    return at + strlen(key);
}

/* Which counts are opened, in the order of the result, where a table's margins follow its cells. */
static void read_opened(const char *result, bool *out, size_t plan)
{
    const char *at = result;
    for (size_t i = 0; i < counts_len[plan]; i++) {
        size_t margins_len = plan == PLAN_OF_TABLES && i == 4 ? 5 : 0;
        for (size_t skipped = 0; skipped <= margins_len; skipped++) {
            at = find_value(at);
        }
        out[i] = strncmp(at, "null", 4) != 0;
    }
}

/* Parties that have a row which counts in a combination: factors of the counts, the last one of all
 * rows. */
static size_t count_alive(const struct federation *federation, size_t plan, const int *factors)
{
    size_t alive = 0;
    size_t len = counts_len[plan];
    for (size_t i = 0; i < federation->len; i++) {
        bool has = false;
        for (size_t j = 0; !has && j < federation->parties[i].len; j++) {
            int sum = factors[len];
            for (size_t k = 0; k < len; k++) {
                sum += factors[k] * count_row(plan, k, &federation->parties[i].rows[j]);
            }
            has = sum != 0;
        }
        alive += has;
    }
    return alive;
}

/* The asker tries all sums and differences of what is opened, and of the number of rows. */
static void check_combinations(const struct federation *federation, size_t plan, const bool *opened)
{
    size_t len = counts_len[plan];
    size_t combinations = 1;
    for (size_t i = 0; i <= len; i++) {
        combinations *= 3;
    }
    for (size_t number = 0; number < combinations; number++) {
        int factors[8];
        bool is_possible = true;
        size_t rest = number;
        for (size_t i = 0; i <= len; i++) {
            factors[i] = (int)(rest % 3) - 1;
            rest /= 3;
            bool is_open = i < len ? opened[i] : plan != PLAN_OF_SUMS;
            is_possible = is_possible && (is_open || factors[i] == 0);
        }
        if (is_possible) {
            size_t alive = count_alive(federation, plan, factors);
            assert_true(alive == 0 || alive >= federation->needed);
        }
    }
}

static void test_no_combination_is_of_few_parties(void **state)
{
    (void)state;
    uint64_t random = 7;
    uint64_t whole = 0;
    uint64_t partly = 0;
    uint64_t refused = 0;
    uint64_t cases = test_cases(120);
    for (uint64_t i = 0; i < cases; i++) {
        struct federation federation;
        bool opened[8] = {false};
        size_t plan = (size_t)(i % PLANS_LEN);
        federation_make(&federation, &random);
        char *result = ask(&federation, plans[plan]);
        if (result == NULL) {
            refused++;
            continue;
        }
        read_opened(result, opened, plan);
        size_t closed = 0;
        for (size_t j = 0; j < counts_len[plan]; j++) {
            closed += !opened[j];
        }
        whole += closed == 0;
        partly += closed > 0 && closed < counts_len[plan];
        check_combinations(&federation, plan, opened);
        sotto_free(result);
    }
    assert_true(whole > cases / 20 && partly > cases / 20 && refused > cases / 20);
}

/* Zeros are nothing to stand behind, nor is a flag that all rows of a party have: what one party
 * alone has of a sum would be opened. */
static void test_zeros_and_constants(void **state)
{
    (void)state;
    static const struct {
        const char *select;
        const char *alone; /* the rows of the third party */
        bool is_answered;
    } cases[] = {
        {"\"m\": \"sum(bonus)\"", "9,1,7\n9,0,8\n", false},
        {"\"m\": \"sum(wage)\", \"p\": \"sum(flag * wage)\"", "0,1,7\n0,0,8\n", false},
        {"\"m\": \"sum(wage)\"", "9,1,7\n9,0,8\n", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sotto_csv *files[3];
        char text[64];
        (void)snprintf(text, sizeof text, "bonus,flag,wage\n%s", cases[i].alone);
        files[0] = test_csv("bonus,flag,wage\n0,1,5\n0,1,6\n");
        files[1] = test_csv("bonus,flag,wage\n0,1,4\n0,1,3\n");
        files[2] = test_csv(text);
        char *result = ask_files(files, 3, cases[i].select);
        assert_int_equal(result != NULL, cases[i].is_answered);
        sotto_free(result);
    }
}

/* --- Spans --- */

/* Of a span of 0 and 1, what is written is read again; what it has not is found. */
static void test_spans(void **state)
{
    (void)state;
    enum { WIDTH = 6 };
    uint64_t random = 3;
    for (uint64_t i = 0; i < test_cases(300); i++) {
        struct sotto_span span;
        struct sotto_span other;
        struct sotto_writer writers[2];
        uint64_t vectors[8][WIDTH];
        size_t len = (size_t)test_random_below(&random, 8);
        uint64_t prime = sotto_span_prime(i);
        assert_ok(sotto_span_init(&span, WIDTH, prime));
        assert_ok(sotto_span_init(&other, WIDTH, prime));
        for (size_t j = 0; j < len; j++) {
            for (size_t k = 0; k < WIDTH; k++) {
                vectors[j][k] = test_random_below(&random, 2);
            }
            (void)sotto_span_add(&span, vectors[j], NULL);
        }
        for (size_t j = len; j-- > 0;) {
            (void)sotto_span_add(&other, vectors[j], NULL);
        }
        for (size_t j = 0; j < 2; j++) {
            sotto_writer_init(&writers[j], 10000);
            sotto_span_write(j == 0 ? &span : &other, &writers[j]);
            assert_ok(sotto_writer_status(&writers[j]));
        }
        assert_int_equal(writers[0].data_bytes, writers[1].data_bytes);
        assert_memory_equal(writers[0].data, writers[1].data, writers[0].data_bytes);
        struct sotto_reader reader;
        sotto_reader_init(&reader, writers[0].data, writers[0].data_bytes);
        sotto_span_read(&other, &reader);
        assert_true(sotto_reader_finished(&reader));
        assert_int_equal(other.len, span.len);
        uint8_t found[WIDTH];
        for (size_t j = 0; j < len; j++) {
            assert_false(sotto_span_find_beside(&other, found, vectors[j], NULL));
        }
        for (size_t j = 0; j < 2; j++) {
            sotto_writer_release(&writers[j]);
        }
        sotto_span_release(&span);
        sotto_span_release(&other);
    }
}

/* Bytes that no span writes. */
static void test_other_bytes(void **state)
{
    (void)state;
    static const uint8_t texts[][14] = {
        {1, 0, 7},
        {3, 0, 0},
        {1, 0, 3, 1, 0, 0, 0, 0, 0, 0, 0},
        {1, 0},
    };
    static const size_t lens[] = {3, 3, 11, 2};
    for (size_t i = 0; i < 4; i++) {
        struct sotto_span span;
        struct sotto_reader reader;
        assert_ok(sotto_span_init(&span, 2, sotto_span_prime(1)));
        sotto_reader_init(&reader, texts[i], lens[i]);
        sotto_span_read(&span, &reader);
        assert_false(sotto_reader_finished(&reader));
        sotto_span_release(&span);
    }
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_combination_is_of_few_parties),
        cmocka_unit_test(test_zeros_and_constants),
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_other_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
