/* SPDX-License-Identifier: Apache-2.0 */

/* Sums of integers whose values are not made, only their sums (engine/program/summed.c): random
 * polynomials over rows of several blocks, of which some lack values, against sums made row by row.
 */

#include "cases.h"
#include "files.h"
#include "plans.h"
#include "test.h"

#include <gmp.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_LEN 3
#define ROWS_MAX (3 * SOTTO__ROWS_LEN + 7)
#define TEXT_BYTES 400
#define DEPTH_MAX 4

static int64_t values[COLUMNS_LEN][ROWS_MAX];
static bool present[COLUMNS_LEN][ROWS_MAX];
static size_t rows_len;
static char text[ROWS_MAX * 64 + 8];

static const unsigned bits_of_columns[] = {3, 20, 31, 50, 54, 55, 58};

/* Each column lacks some values in some stretches of rows. */
static void fill(uint64_t *random)
{
    rows_len = 1 + test_random_below(random, ROWS_MAX);
    for (size_t i = 0; i < COLUMNS_LEN; i++) {
        unsigned bits = bits_of_columns[test_random_below(random, 7)];
        bool lacks = false;
        for (size_t row = 0; row < rows_len; row++) {
            lacks = row % 256 == 0 ? test_random_below(random, 4) == 0 : lacks;
            present[i][row] = !lacks || test_random_below(random, 40) != 0;
            values[i][row] = (int64_t)(test_random(random) >> (64 - bits));
            values[i][row] *= test_random_below(random, 2) == 0 ? 1 : -1;
        }
    }
    char *at = text + sprintf(text, "a,b,c\n");
    for (size_t row = 0; row < rows_len; row++) {
        for (size_t i = 0; i < COLUMNS_LEN; i++) {
            at += present[i][row] ? sprintf(at, "%lld", (long long)values[i][row]) : 0;
            *at++ = i + 1 < COLUMNS_LEN ? ',' : '\n';
        }
    }
    *at = '\0';
}

/* --- Polynomials, with their values of each row --- */

struct polynomial {
    char text[TEXT_BYTES];
    sotto__int128 values[ROWS_MAX];
    bool present[ROWS_MAX];
    unsigned bits; /* of every magnitude */
};

static void make_column(struct polynomial *out, uint64_t *random)
{
    size_t column = test_random_below(random, COLUMNS_LEN);
    (void)snprintf(out->text, sizeof out->text, "%c", (int)('a' + column));
    for (size_t row = 0; row < rows_len; row++) {
        out->values[row] = values[column][row];
        out->present[row] = present[column][row];
    }
    out->bits = 58;
}

static void make_number(struct polynomial *out, uint64_t *random)
{
    int64_t number = (int64_t)test_random_below(random, 2000);
    (void)snprintf(out->text, sizeof out->text, "%lld", (long long)number);
    for (size_t row = 0; row < rows_len; row++) {
        out->values[row] = number;
        out->present[row] = true;
    }
    out->bits = 11;
}

static sotto__int128 combine(char op, sotto__int128 x, sotto__int128 y)
{
    return op == '+' ? x + y : op == '-' ? x - y : x * y;
}

/* in_out = (in_out op other), or (-in_out) where other is NULL. */
static void join(struct polynomial *in_out, const struct polynomial *other, char op)
{
    char joined[2 * TEXT_BYTES + 8];
    int bytes = other == NULL
                    ? snprintf(joined, sizeof joined, "(-%s)", in_out->text)
                    : snprintf(joined, sizeof joined, "(%s %c %s)", in_out->text, op, other->text);
    assert_true(bytes < TEXT_BYTES);
    memcpy(in_out->text, joined, (size_t)bytes + 1);
    for (size_t row = 0; row < rows_len; row++) {
        sotto__int128 y = other != NULL ? other->values[row] : 0;
        in_out->values[row] =
            combine(other != NULL ? op : '-', other != NULL ? in_out->values[row] : 0,
                    other != NULL ? y : in_out->values[row]);
        in_out->present[row] = in_out->present[row] && (other == NULL || other->present[row]);
    }
}

/* The values of each row fit 127 bits. */
static void make(struct polynomial *out, size_t depth, uint64_t *random)
{
    static struct polynomial others[DEPTH_MAX];
    if (depth == DEPTH_MAX || test_random_below(random, 4) == 0) {
        (test_random_below(random, 6) == 0 ? make_number : make_column)(out, random);
        return;
    }
    struct polynomial *other = &others[depth];
    make(out, depth + 1, random);
    size_t kind = test_random_below(random, 7);
    if (kind == 0) {
        join(out, NULL, '-');
        return;
    }
    if (kind == 1) { /* once more what it was */
        *other = *out;
    } else {
        make(other, depth + 1, random);
    }
    bool multiplies = kind > 3 && out->bits + other->bits <= 122;
    join(out, other, multiplies ? '*' : kind % 2 == 0 ? '+' : '-');
    unsigned largest = out->bits > other->bits ? out->bits : other->bits;
    out->bits = multiplies ? out->bits + other->bits : largest + 1;
}

/* --- Sums --- */

static void add_to(mpz_t sum, sotto__int128 value)
{
    mpz_t word;
    sotto__uint128 magnitude = value < 0 ? -(sotto__uint128)value : (sotto__uint128)value;
    mpz_init(word);
    mpz_import(word, 1, -1, sizeof magnitude, 0, 0, &magnitude);
    (value < 0 ? mpz_sub : mpz_add)(sum, sum, word);
    mpz_clear(word);
}

static void sum_is(const char *result, const char *output, const struct polynomial *polynomial)
{
    char expected[200];
    mpz_t sum;
    bool is_any = false;
    mpz_init(sum);
    for (size_t row = 0; row < rows_len; row++) {
        is_any = is_any || polynomial->present[row];
        if (polynomial->present[row]) {
            add_to(sum, polynomial->values[row]);
        }
    }
    gmp_snprintf(expected, sizeof expected, "\"exact\": \"%Zd\"", sum);
    mpz_clear(sum);
    const char *at = strstr(result, output);
    assert_non_null(at);
    at = strstr(at, "\"exact\": ");
    if (is_any && (at == NULL || strncmp(at, expected, strlen(expected)) != 0)) {
        print_error("%s is not %s in %s\n", polynomial->text, expected, result);
        fail();
    }
}

/* Three at a time: they share operations, of which some are read by others than sums. */
static void test_polynomials(void **state)
{
    (void)state;
    static struct polynomial polynomials[3];
    static const char *const aggregates[] = {"sum(%s)", "sum(%s)", "sum(abs(%s))"};
    uint64_t random = 1;
    for (size_t i = 0, cases = test_cases(600); i < cases; i++) {
        char outputs[3][2 * TEXT_BYTES];
        const char *list[4] = {outputs[0], outputs[1], outputs[2], NULL};
        fill(&random);
        for (size_t j = 0; j < 3; j++) {
            int at = sprintf(outputs[j], "o%zu=", j);
            do {
                make(&polynomials[j], 0, &random);
            } while (strpbrk(polynomials[j].text, "abc") == NULL); /* a constant has no sum */
            (void)snprintf(outputs[j] + at, sizeof outputs[j] - (size_t)at, aggregates[j],
                           polynomials[j].text);
        }
        for (size_t row = 0; row < rows_len; row++) {
            sotto__int128 *value = &polynomials[2].values[row];
            *value = *value < 0 ? -*value : *value;
        }
        struct sotto_plan *plan = test_plan(list);
        struct sotto_error err = {0};
        const char *texts[] = {text};
        char *result = NULL;
        if (test_run(&result, NULL, plan, texts, 1, &err) != SOTTO_OK) {
            print_error("%s: %s\n", outputs[0], err.text);
            fail();
        }
        sum_is(result, "\"o0\"", &polynomials[0]);
        sum_is(result, "\"o1\"", &polynomials[1]);
        sum_is(result, "\"o2\"", &polynomials[2]);
        sotto_free(result);
        sotto_plan_free(plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_polynomials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
