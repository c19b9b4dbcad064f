/* SPDX-License-Identifier: Apache-2.0 */

/* Random row-wise expressions over random rows, split at random: the parts give the bits of the
 * whole, and the whole what rationals give by the definitions. */

#include "cases.h"
#include "files.h"
#include "plans.h"
#include "test.h"

#include <gmp.h>
#include <math.h>
#include <mpfr.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>

#define ROWS_MAX 30
#define PARTS_MAX 5
#define TEXT_BYTES 4000

struct cell {
    bool present;
    mpq_t number;
};

/* Of all rows: i int64, d decimal, j a small int64, b boolean. */
struct table {
    struct cell columns[4][ROWS_MAX];
    char rows[ROWS_MAX][200];
    size_t rows_len;
};

struct random_expression {
    char text[TEXT_BYTES];
    struct cell cells[ROWS_MAX];
};

static void cells_init(struct cell *cells)
{
    for (size_t i = 0; i < ROWS_MAX; i++) {
        cells[i].present = true;
        mpq_init(cells[i].number);
    }
}

static void cells_clear(struct cell *cells)
{
    for (size_t i = 0; i < ROWS_MAX; i++) {
        mpq_clear(cells[i].number);
    }
}

static void random_cell(struct cell *cell, char *text, size_t text_bytes, size_t column,
                        uint64_t *random)
{
    uint64_t bits = test_random(random);
    int64_t whole;
    memcpy(&whole, &bits, sizeof whole);
    int64_t small = (int64_t)test_random_below(random, 7) - 3;
    static const unsigned long tens[] = {1, 1000, 1, 1};
    whole = column == 0 ? whole >> test_random_below(random, 63) : whole;
    whole = column == 1 ? whole >> (20 + test_random_below(random, 43)) : whole;
    whole = column == 2 ? small : column == 3 ? small > 0 : whole;
    cell->present = test_random_below(random, 5) != 0;
    mpq_set_si(cell->number, whole, tens[column]);
    mpq_canonicalize(cell->number);
    if (!cell->present) {
        (void)snprintf(text, text_bytes, "NA");
    } else if (column == 3) {
        (void)snprintf(text, text_bytes, "%s", whole != 0 ? "true" : "false");
    } else if (column == 1) {
        (void)snprintf(text, text_bytes, "%s%lld.%03lld", whole < 0 ? "-" : "", llabs(whole / 1000),
                       llabs(whole % 1000));
    } else {
        (void)snprintf(text, text_bytes, "%lld", (long long)whole);
    }
}

static void random_table(struct table *table, uint64_t *random)
{
    table->rows_len = test_random_below(random, ROWS_MAX + 1);
    for (size_t row = 0; row < table->rows_len; row++) {
        size_t at = 0;
        for (size_t column = 0; column < 4; column++) {
            char text[60];
            random_cell(&table->columns[column][row], text, sizeof text, column, random);
            at += (size_t)snprintf(table->rows[row] + at, sizeof table->rows[row] - at, "%s%s",
                                   column > 0 ? "," : "", text);
        }
        (void)snprintf(table->rows[row] + at, sizeof table->rows[row] - at, "\n");
    }
}

/* --- Expressions and what they mean --- */

static void random_number(struct random_expression *out, const struct table *table, unsigned depth,
                          uint64_t *random);

static void random_leaf(struct random_expression *out, const struct table *table, uint64_t *random)
{
    static const char *const names[] = {"i", "d", "j", "b"};
    static const char *const literals[] = {"2", "0.25", "1e3", "12345678901234567890.5", "0"};
    static const char *const fractions[] = {"2", "1/4", "1000", "24691357802469135781/2", "0"};
    size_t which = test_random_below(random, 9);
    if (which < 8) {
        strcpy(out->text, names[which % 4]);
    } else {
        which = 4 + test_random_below(random, 5);
        strcpy(out->text, literals[which - 4]);
    }
    for (size_t row = 0; row < table->rows_len; row++) {
        if (which < 8 && out->text[0] >= 'a') {
            out->cells[row].present = table->columns[which % 4][row].present;
            mpq_set(out->cells[row].number, table->columns[which % 4][row].number);
        } else {
            out->cells[row].present = true;
            (void)mpq_set_str(out->cells[row].number, fractions[which - 4], 10);
        }
    }
}

/* floor, ceil, or round at digits: to the nearest multiple of 10^-digits, ties to an even one. */
static void to_whole(mpq_ptr number, char op, int digits)
{
    mpq_t power;
    mpz_t whole;
    mpz_t rest;
    mpq_init(power);
    mpz_inits(whole, rest, NULL);
    mpz_ui_pow_ui(mpq_numref(power), 10, (unsigned long)abs(digits));
    if (digits < 0) {
        mpq_inv(power, power);
    }
    mpq_mul(number, number, power);
    mpz_fdiv_qr(whole, rest, mpq_numref(number), mpq_denref(number));
    mpz_mul_ui(rest, rest, 2);
    int half = mpz_cmp(rest, mpq_denref(number));
    bool up = op == 'c'   ? mpz_sgn(rest) != 0
              : op == 'r' ? half > 0 || (half == 0 && mpz_odd_p(whole))
                          : false;
    mpz_add_ui(whole, whole, up);
    mpq_set_z(number, whole);
    mpq_div(number, number, power);
    mpq_clear(power);
    mpz_clears(whole, rest, NULL);
}

static void random_unary(struct random_expression *out, const struct table *table, unsigned depth,
                         uint64_t *random)
{
    char text[TEXT_BYTES];
    static const struct {
        char op;
        int number; /* the exponent, digits */
        const char *format;
    } ops[] = {{'-', 0, "-(%.3900s)"},          {'a', 0, "abs(%.3900s)"},
               {'p', 2, "(%.3900s)**2"},        {'p', 3, "(%.3900s)**3"},
               {'f', 0, "floor(%.3900s)"},      {'c', 0, "ceil(%.3900s)"},
               {'r', 0, "round(%.3900s)"},      {'r', 1, "round(%.3900s, 1)"},
               {'r', -2, "round(%.3900s, -2)"}, {'r', 20, "round(%.3900s, digits=20)"}};
    size_t which = test_random_below(random, sizeof ops / sizeof ops[0]);
    random_number(out, table, depth - 1, random);
    strcpy(text, out->text);
    (void)snprintf(out->text, TEXT_BYTES, ops[which].format, text);
    for (size_t row = 0; row < table->rows_len; row++) {
        mpq_ptr number = out->cells[row].number;
        mpq_t base;
        mpq_init(base);
        mpq_set(base, number);
        switch (ops[which].op) {
        case '-':
            mpq_neg(number, number);
            break;
        case 'a':
            mpq_abs(number, number);
            break;
        case 'p':
            for (int i = 1; i < ops[which].number; i++) {
                mpq_mul(number, number, base);
            }
            break;
        default:
            to_whole(number, ops[which].op, ops[which].number);
            break;
        }
        mpq_clear(base);
    }
}

/* a - b floor(a / b), or that floor; none by 0. */
static void divide(struct cell *a, const struct cell *b, bool modulo)
{
    mpq_t quotient;
    if (!a->present || !b->present || mpq_sgn(b->number) == 0) {
        a->present = false;
        return;
    }
    mpq_init(quotient);
    mpq_div(quotient, a->number, b->number);
    to_whole(quotient, 'f', 0);
    if (modulo) {
        mpq_mul(quotient, quotient, b->number);
        mpq_sub(a->number, a->number, quotient);
    } else {
        mpq_set(a->number, quotient);
    }
    mpq_clear(quotient);
}

/* What two cells give; op is one of + - * / (//) % < e (==) u (!=) l (<=) f (fillna). */
static void combine(struct cell *a, const struct cell *b, char op)
{
    bool both = a->present && b->present;
    int order = mpq_cmp(a->number, b->number);
    switch (op) {
    case '+':
        mpq_add(a->number, a->number, b->number);
        break;
    case '-':
        mpq_sub(a->number, a->number, b->number);
        break;
    case '*':
        mpq_mul(a->number, a->number, b->number);
        break;
    case '/':
    case '%':
        divide(a, b, op == '%');
        return;
    case 'f':
        if (!a->present) {
            mpq_set(a->number, b->number);
            a->present = b->present;
        }
        return;
    default: {
        bool holds = op == '<' ? order < 0 : op == 'l' ? order <= 0 : (order == 0) == (op == 'e');
        mpq_set_ui(a->number, both ? holds : op == 'u', 1);
        a->present = true;
        return;
    }
    }
    a->present = both;
}

static void random_binary(struct random_expression *out, const struct table *table, unsigned depth,
                          uint64_t *random)
{
    static const struct {
        char op;
        const char *format;
    } ops[] = {{'+', "(%.1900s + %.1900s)"},  {'-', "(%.1900s - %.1900s)"},
               {'*', "(%.1900s * %.1900s)"},  {'f', "fillna(%.1900s, %.1900s)"},
               {'<', "(%.1900s < %.1900s)"},  {'e', "(%.1900s == %.1900s)"},
               {'u', "(%.1900s != %.1900s)"}, {'l', "(%.1900s <= %.1900s)"},
               {'/', "(%.1900s // %.1900s)"}, {'%', "(%.1900s %% %.1900s)"}};
    struct random_expression *right = malloc(sizeof *right);
    char text[TEXT_BYTES];
    size_t which = test_random_below(random, sizeof ops / sizeof ops[0]);
    assert_non_null(right);
    cells_init(right->cells);
    random_number(out, table, depth - 1, random);
    random_number(right, table, depth - 1, random);
    strcpy(text, out->text);
    (void)snprintf(out->text, TEXT_BYTES, ops[which].format, text, right->text);
    for (size_t row = 0; row < table->rows_len; row++) {
        combine(&out->cells[row], &right->cells[row], ops[which].op);
    }
    cells_clear(right->cells);
    free(right);
}

/* if(isna(x) or x < 1, y, x) */
static void random_choice(struct random_expression *out, const struct table *table, unsigned depth,
                          uint64_t *random)
{
    struct random_expression *other = malloc(sizeof *other);
    char text[TEXT_BYTES];
    assert_non_null(other);
    cells_init(other->cells);
    random_number(out, table, depth - 1, random);
    random_number(other, table, depth - 1, random);
    strcpy(text, out->text);
    (void)snprintf(out->text, TEXT_BYTES, "if(isna(%.900s) or %.900s < 1, %.900s, %.900s)", text,
                   text, other->text, text);
    for (size_t row = 0; row < table->rows_len; row++) {
        struct cell *cell = &out->cells[row];
        if (!cell->present || mpq_cmp_ui(cell->number, 1, 1) < 0) {
            cell->present = other->cells[row].present;
            mpq_set(cell->number, other->cells[row].number);
        }
    }
    cells_clear(other->cells);
    free(other);
}

static void random_number(struct random_expression *out, const struct table *table, unsigned depth,
                          uint64_t *random)
{
    size_t which = depth == 0 ? 0 : test_random_below(random, 8);
    if (which < 2) {
        random_leaf(out, table, random);
    } else if (which < 4) {
        random_unary(out, table, depth, random);
    } else if (which < 7) {
        random_binary(out, table, depth, random);
    } else {
        random_choice(out, table, depth, random);
    }
}

/* --- What is expected --- */

struct expected {
    size_t count;
    mpq_t sum;
    mpq_t variance; /* by the definition, ddof 1; 0 below two values */
};

static void expect(struct expected *out, const struct cell *cells, size_t rows_len)
{
    mpq_t mean;
    mpq_t deviation;
    mpq_inits(out->sum, out->variance, mean, deviation, NULL);
    out->count = 0;
    for (size_t i = 0; i < rows_len; i++) {
        if (cells[i].present) {
            mpq_add(out->sum, out->sum, cells[i].number);
            out->count++;
        }
    }
    mpq_set_ui(mean, out->count > 0 ? out->count : 1, 1);
    mpq_div(mean, out->sum, mean);
    for (size_t i = 0; i < rows_len; i++) {
        mpq_sub(deviation, cells[i].number, mean);
        mpq_mul(deviation, deviation, deviation);
        if (cells[i].present) {
            mpq_add(out->variance, out->variance, deviation);
        }
    }
    mpq_set_ui(deviation, out->count > 1 ? out->count - 1 : 1, 1);
    mpq_div(out->variance, out->variance, deviation);
    mpq_clears(mean, deviation, NULL);
}

/* The text of a member of an output of the result; "" if it is not there. */
static void member(char *out, size_t out_bytes, const char *json, const char *output,
                   const char *name)
{
    char key[80];
    (void)snprintf(key, sizeof key, "\"%s\": {", output);
    const char *at = strstr(json, key);
    assert_non_null(at);
    const char *end = strchr(at, '}');
    (void)snprintf(key, sizeof key, "\"%s\": ", name);
    at = strstr(at, key);
    out[0] = '\0';
    if (at != NULL && at < end) {
        at += strlen(key) + (at[strlen(key)] == '"');
        size_t len = strcspn(at, "\",}");
        assert_true(len < out_bytes);
        memcpy(out, at, len);
        out[len] = '\0';
    }
}

/* exact is an integer, a decimal or a fraction. */
static void number_is(const char *json, const char *output, const mpq_t expected,
                      const char *expression)
{
    char text[5000];
    mpq_t found;
    mpq_init(found);
    member(text, sizeof text, json, output, "exact");
    char *point = strchr(text, '.');
    size_t places = point != NULL ? strlen(point + 1) : 0;
    if (point != NULL) {
        memmove(point, point + 1, places + 1);
    }
    assert_int_equal(mpq_set_str(found, text, 10), 0);
    mpz_t scale;
    mpz_init(scale);
    mpz_ui_pow_ui(scale, 10, places);
    mpz_mul(mpq_denref(found), mpq_denref(found), scale);
    mpq_canonicalize(found);
    if (!mpq_equal(found, expected)) {
        gmp_printf("%s of %s is %Qd, not %Qd\n", output, expression, found, expected);
        fail();
    }
    mpz_clear(scale);
    mpq_clear(found);
}

/* value is the double nearest to sqrt(square): between the squares of the midpoints around it. */
static void root_is(const char *json, const char *output, const mpq_t square)
{
    char text[100];
    mpq_t low;
    mpq_t high;
    mpq_t middle;
    mpq_inits(low, high, middle, NULL);
    member(text, sizeof text, json, output, "value");
    double value = strtod(text, NULL);
    mpq_set_d(middle, value);
    mpq_set_d(low, nextafter(value, 0));
    mpq_set_d(high, nextafter(value, HUGE_VAL));
    mpq_add(low, low, middle);
    mpq_div_2exp(low, low, 1);
    mpq_mul(low, low, low);
    mpq_add(high, high, middle);
    mpq_div_2exp(high, high, 1);
    mpq_mul(high, high, high);
    assert_true(mpq_cmp(low, square) <= 0 && mpq_cmp(square, high) <= 0);
    mpq_clears(low, high, middle, NULL);
}

static void check_result(const char *json, const struct expected *expected, const char *expression)
{
    mpq_t number;
    char text[100];
    mpq_init(number);
    mpq_set_ui(number, expected->count, 1);
    number_is(json, "n", number, expression);
    number_is(json, "s", expected->sum, expression);
    if (expected->count > 0) {
        mpq_div(number, expected->sum, number);
        number_is(json, "m", number, expression);
    }
    if (expected->count > 1) {
        number_is(json, "v", expected->variance, expression);
        root_is(json, "d", expected->variance);
    } else {
        member(text, sizeof text, json, "v", "special");
        assert_string_equal(text, "NaN");
    }
    mpq_clear(number);
}

static double nearest(const mpq_t number)
{
    mpfr_t rounded;
    mpfr_init2(rounded, 53);
    (void)mpfr_set_q(rounded, number, MPFR_RNDN);
    double value = mpfr_get_d(rounded, MPFR_RNDN);
    mpfr_clear(rounded);
    return value;
}

/* Output r, sum(x - mean(x)): the mean is rounded to a double, each difference is one of doubles,
 * their sum is exact. */
static void check_rounds(const char *json, const struct expected *expected,
                         const struct cell *cells, size_t rows_len, const char *expression)
{
    mpq_t mean;
    mpq_t sum;
    mpq_t difference;
    mpq_inits(mean, sum, difference, NULL);
    mpq_set_ui(mean, expected->count > 0 ? expected->count : 1, 1);
    mpq_div(mean, expected->sum, mean);
    bool finite = isfinite(nearest(mean));
    for (size_t i = 0; finite && i < rows_len; i++) {
        double value = cells[i].present ? nearest(cells[i].number) - nearest(mean) : 0;
        finite = isfinite(value);
        if (finite) {
            mpq_set_d(difference, value);
            mpq_add(sum, sum, difference);
        }
    }
    if (finite) {
        number_is(json, "r", sum, expression);
    }
    mpq_clears(mean, sum, difference, NULL);
}

/* --- The test --- */

static void run(const struct table *table, const struct random_expression *expression,
                uint64_t *random)
{
    char outputs[6][2 * TEXT_BYTES + 40];
    static const char *const formats[] = {"n=count(%s)", "s=sum(%s)", "m=mean(%s)",
                                          "v=var(%s)",   "d=std(%s)", "r=sum(%s - mean(%s))"};
    const char *list[7] = {NULL};
    bool rounds = strlen(expression->text) < 200; /* two of them have at most 256 nodes */
    for (size_t i = 0; i < (rounds ? 6 : 5); i++) {
        (void)snprintf(outputs[i], sizeof outputs[i], formats[i], expression->text,
                       expression->text);
        list[i] = outputs[i];
    }
    struct sotto_plan *plan = test_plan(list);
    static char texts[PARTS_MAX + 1][ROWS_MAX * 200 + 100]; /* the last one: all */
    const char *parts[PARTS_MAX + 1];
    size_t parts_len = 1 + test_random_below(random, PARTS_MAX);
    for (size_t i = 0; i <= PARTS_MAX; i++) {
        strcpy(texts[i], "i,d,j,b\n");
        parts[i] = texts[i];
    }
    for (size_t row = 0; row < table->rows_len; row++) {
        strcat(texts[test_random_below(random, parts_len)], table->rows[row]);
        strcat(texts[PARTS_MAX], table->rows[row]);
    }
    char *whole = NULL;
    char *federated = NULL;
    struct sotto_error err = {0};
    enum sotto_status status = test_run(&whole, NULL, plan, &parts[PARTS_MAX], 1, &err);
    if (status == SOTTO_ERROR_TYPE) { /* wider than 1,024 bits, or if over what is no number */
        sotto_plan_free(plan);
        return;
    }
    if (status != SOTTO_OK ||
        test_run(&federated, NULL, plan, parts, parts_len, &err) != SOTTO_OK) {
        print_error("%s: %s\n", expression->text, err.text);
        fail();
    }
    size_t outputs_bytes = (size_t)(strstr(whole, ", \"parties\"") - whole);
    assert_memory_equal(whole, federated, outputs_bytes);
    struct expected expected;
    expect(&expected, expression->cells, table->rows_len);
    check_result(whole, &expected, expression->text);
    if (rounds) {
        check_rounds(whole, &expected, expression->cells, table->rows_len, expression->text);
    }
    mpq_clears(expected.sum, expected.variance, NULL);
    sotto_free(whole);
    sotto_free(federated);
    sotto_plan_free(plan);
}

static bool has_column(const char *text)
{
    for (; *text != '\0'; text++) {
        size_t letters = strspn(text, "abcdefghijklmnopqrstuvwxyz");
        if (letters == 1 && strchr("idjb", *text) != NULL) {
            return true;
        }
        text += letters > 0 ? letters - 1 : 0;
    }
    return false;
}

static void test_random_expressions(void **state)
{
    (void)state;
    static struct table table;
    static struct random_expression expression;
    size_t run_len = 0;
    for (size_t column = 0; column < 4; column++) {
        cells_init(table.columns[column]);
    }
    cells_init(expression.cells);
    size_t cases = test_cases(1500);
    for (uint64_t seed = 0; seed < cases; seed++) {
        uint64_t random = seed;
        random_table(&table, &random);
        random_number(&expression, &table, 1 + (unsigned)(seed % 4), &random);
        if (strlen(expression.text) < 800 && has_column(expression.text)) {
            run(&table, &expression, &random);
            run_len++;
        }
    }
    assert_true(cases < 100 || run_len > cases / 3 * 2);
    cells_clear(expression.cells);
    for (size_t column = 0; column < 4; column++) {
        cells_clear(table.columns[column]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_expressions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
