/* SPDX-License-Identifier: Apache-2.0 */

/* What exactness costs: exact sums of values in memory, beside a plain SIMD sum of doubles on the
 * same bytes, which is wrong in its last digits and depends on their order. stats.py puts other
 * libraries beside both. */

#include "support.h"
#include "tables.h"

#include <math.h>
#include <omp.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFERENCE_LEN 20000 /* rows that are computed by GMP too */
#define BINS 256

/* --- Cases --- */

enum reference {
    REFERENCE_SUM, /* of the first column */
    REFERENCE_VARIANCE,
    REFERENCE_SQUARE_AND_SELF,
    REFERENCE_FMA,
    REFERENCE_PRODUCTS, /* of all pairs of columns */
    REFERENCE_BINS,     /* of the first column, from -4 to 4 */
};

struct bench_case {
    const char *name;
    const char *output;
    enum reference reference;
    enum bench_content contents[3]; /* the last one of all further columns */
    size_t columns_len;
    size_t groups; /* the last column's, 0: none */
};

/* --- A plain sum --- */

/* Eight vectors' worth of partial sums, as a compiler that may not reassociate needs them. */
#if defined(__x86_64__)
__attribute__((target("avx2")))
#endif
static double
plain_block(const double *values, size_t len)
{
    double sums[32] = {0};
    size_t i = 0;
    for (; i + 32 <= len; i += 32) {
        for (size_t j = 0; j < 32; j++) {
            sums[j] += values[i + j];
        }
    }
    double sum = 0;
    for (size_t j = 0; j < 32; j++) {
        sum += sums[j];
    }
    for (; i < len; i++) {
        sum += values[i];
    }
    return sum;
}

/* Of all columns, whatever their bytes mean: how fast memory can be read. */
static double plain_sum(const struct bench_table *table)
{
    double sum = 0;
#pragma omp parallel
    {
        double own = 0;
        for (size_t i = 0; i < table->columns_len; i++) {
            const double *values = table->columns[i];
#pragma omp for schedule(static)
            for (size_t at = 0; at < table->rows; at += BENCH_BLOCK_LEN) {
                size_t left = table->rows - at;
                own += plain_block(values + at, left < BENCH_BLOCK_LEN ? left : BENCH_BLOCK_LEN);
            }
        }
#pragma omp critical
        sum += own;
    }
    return sum;
}

/* --- Is it right? --- */

static void value_at(mpq_t out, const struct bench_table *table, size_t column, size_t row)
{
    if (bench_type(table->contents[column]).kind == SOTTO_KIND_FLOAT64) {
        mpq_set_d(out, ((const double *)table->columns[column])[row]);
        return;
    }
    mpq_set_si(out, ((const int64_t *)table->columns[column])[row], 1);
    mpz_ui_pow_ui(mpq_denref(out), 10, bench_type(table->contents[column]).scale);
    mpq_canonicalize(out);
}

static double edge_of(size_t bin)
{
    return -4 + 8.0 * (double)bin / BINS;
}

/* What is summed up of a row, exactly. */
static void row_value(mpq_t out, const struct bench_case *bench, const struct bench_table *table,
                      size_t row, size_t y)
{
    mpq_t other;
    mpq_init(other);
    value_at(out, table, 0, row);
    if (bench->reference == REFERENCE_BINS) {
        double value = mpq_get_d(out);
        bool is_last = y + 1 == BINS && value == edge_of(BINS);
        mpq_set_ui(out, is_last || (value >= edge_of(y) && value < edge_of(y + 1)), 1);
    } else if (bench->reference == REFERENCE_PRODUCTS) {
        value_at(other, table, y, row);
        mpq_mul(out, out, other);
    } else if (bench->reference == REFERENCE_SQUARE_AND_SELF) {
        mpq_mul(other, out, out);
        mpq_add(out, out, other);
    } else if (bench->reference == REFERENCE_FMA) {
        const double *const *columns = (const double *const *)table->columns;
        volatile double product = columns[0][row] * columns[1][row];
        mpq_set_d(out, product + columns[2][row]);
    }
    mpq_clear(other);
}

static void reference(mpq_t out, const struct bench_case *bench, const struct bench_table *table,
                      size_t rows, size_t y, size_t group)
{
    const int64_t *key = table->columns[table->columns_len - 1];
    mpq_t value;
    mpq_t squares;
    mpq_inits(value, squares, NULL);
    for (size_t row = 0; row < rows; row++) {
        if (bench->groups == 0 || key[row] == (int64_t)group) {
            row_value(value, bench, table, row, y);
            mpq_add(out, out, value);
            mpq_mul(value, value, value);
            mpq_add(squares, squares, value);
        }
    }
    if (bench->reference == REFERENCE_VARIANCE) { /* (squares - sum^2 / n) / (n - 1) */
        mpq_mul(out, out, out);
        mpq_set_ui(value, rows, 1);
        mpq_div(out, out, value);
        mpq_sub(out, squares, out);
        mpq_set_ui(value, rows - 1, 1);
        mpq_div(out, out, value);
    }
    mpq_clears(value, squares, NULL);
}

/* The first rows by GMP: of some groups, of the products with the first column. */
static bool is_right(const struct bench_case *bench, const struct bench_question *question,
                     const struct bench_table *table)
{
    struct sotto_plan *plan = NULL;
    struct sotto_driver *driver = bench_driver(question, table, &plan);
    size_t limbs_len = driver->program->limbs_len;
    uint64_t *limbs = sotto_alloc_array(limbs_len, sizeof *limbs);
    size_t rows = table->rows < REFERENCE_LEN ? table->rows : REFERENCE_LEN;
    bool right = limbs != NULL;
    SOTTO_REQUIRE(right);
    bench_sums(limbs, driver, table, rows);
    SOTTO_REQUIRE(sotto_driver_advance(driver, limbs, limbs_len, NULL) == SOTTO_OK);
    size_t groups = bench->groups > 0 ? bench->groups : 1;
    size_t outputs = bench->reference == REFERENCE_PRODUCTS ? table->columns_len
                     : bench->reference == REFERENCE_BINS   ? BINS
                                                            : 1;
    size_t step = bench->reference == REFERENCE_BINS ? 17 : 1;
    for (size_t i = 0; right && i<groups; i += groups> 4 ? 97 : 1) {
        for (size_t j = 0; right && j < outputs; j += step) {
            mpq_t wanted;
            mpq_init(wanted);
            reference(wanted, bench, table, rows, j, i);
            right = mpq_equal(wanted,
                              driver->results.values[i * question->outputs_len + j].number) != 0;
            mpq_clear(wanted);
        }
    }
    sotto_free(limbs);
    sotto_driver_free(driver);
    sotto_plan_free(plan);
    return right;
}

/* --- For stats.py: the values and the answers, as they lie in memory --- */

static void dump(const char *folder, struct sotto_driver *driver, const uint64_t *limbs,
                 const struct bench_table *table)
{
    for (size_t i = 0; i < table->columns_len; i++) {
        char name[2] = {bench_column_name(i), '\0'};
        bench_write_file(folder, name, table->columns[i], table->rows * 8);
    }
    SOTTO_REQUIRE(sotto_driver_advance(driver, limbs, driver->program->limbs_len, NULL) ==
                  SOTTO_OK);
    double *answers = sotto_alloc_array(driver->results.values_len, sizeof *answers);
    SOTTO_REQUIRE(answers != NULL);
    for (size_t i = 0; i < driver->results.values_len; i++) {
        answers[i] = sotto__value_double(&driver->results.values[i]);
    }
    bench_write_file(folder, "answers", answers, driver->results.values_len * sizeof *answers);
    sotto_free(answers);
}

/* --- One case --- */

static void ask(struct bench_question *out, const struct bench_case *bench)
{
    *out = (struct bench_question){.groups = bench->groups};
    if (bench->reference == REFERENCE_BINS) {
        char *output = out->outputs[out->outputs_len++];
        size_t at = (size_t)sprintf(output, "hist(a");
        for (size_t i = 0; i <= BINS; i++) {
            at += (size_t)sprintf(output + at, ", %.9g", edge_of(i));
        }
        (void)sprintf(output + at, ")");
        return;
    }
    if (bench->reference != REFERENCE_PRODUCTS) {
        (void)snprintf(out->outputs[out->outputs_len++], BENCH_OUTPUT_BYTES, "%s", bench->output);
        return;
    }
    for (size_t i = 0; i < bench->columns_len; i++) {
        for (size_t j = i; j < bench->columns_len; j++) {
            (void)snprintf(out->outputs[out->outputs_len++], BENCH_OUTPUT_BYTES, "dot(%c, %c)",
                           bench_column_name(i), bench_column_name(j));
        }
    }
}

static void run(const struct bench_case *bench, size_t rows, size_t runs, const char *folder)
{
    static struct bench_question question; /* too large for a stack */
    struct bench_table table = {.columns_len = bench->columns_len};
    for (size_t i = 0; i < bench->columns_len; i++) {
        table.contents[i] = bench->contents[i < 3 ? i : 2];
    }
    bench_table_fill(&table, rows);
    ask(&question, bench);
    struct sotto_plan *plan = NULL;
    struct sotto_driver *driver = bench_driver(&question, &table, &plan);
    uint64_t *limbs = sotto_alloc_array(driver->program->limbs_len, sizeof *limbs);
    struct bench_values exact = {.len = 0};
    struct bench_values plain = {.len = 0};
    double gigabytes = (double)(rows * table.columns_len) * 8e-9;
    volatile double keep = 0;
    SOTTO_REQUIRE(limbs != NULL);
    for (size_t i = 0; i < runs; i++) {
        double start = bench_now_s();
        bench_sums(limbs, driver, &table, rows);
        double middle = bench_now_s();
        keep = keep + plain_sum(&table);
        double end = bench_now_s();
        bench_add(&exact, gigabytes / (middle - start));
        bench_add(&plain, gigabytes / (end - middle));
    }
    double exact_speed = bench_quantile(&exact, 0.5);
    double plain_speed = bench_quantile(&plain, 0.5);
    char more[200];
    (void)snprintf(more, sizeof more,
                   ", \"rows\": %zu, \"peers\": {\"plain\": %.6g}, \"ratio\": {\"plain\": %.3g}",
                   rows, plain_speed, exact_speed / plain_speed);
    bench_print("stats", bench->name, &exact, "GB/s", more, is_right(bench, &question, &table));
    if (folder != NULL) {
        dump(folder, driver, limbs, &table);
    }
    sotto_free(limbs);
    sotto_driver_free(driver);
    sotto_plan_free(plan);
    bench_table_release(&table);
}

static const struct bench_case cases[] = {
    {"sum_float64", "sum(a)", REFERENCE_SUM, {BENCH_NORMAL}, 1, 0},
    {"sum_float64_wide", "sum(a)", REFERENCE_SUM, {BENCH_LOGNORMAL}, 1, 0},
    {"var_float64", "var(a)", REFERENCE_VARIANCE, {BENCH_NORMAL}, 1, 0},
    {"var_float64_wide", "var(a)", REFERENCE_VARIANCE, {BENCH_LOGNORMAL}, 1, 0},
    {"sum_int64", "sum(a)", REFERENCE_SUM, {BENCH_INTEGERS}, 1, 0},
    {"sum_decimal", "sum(a)", REFERENCE_SUM, {BENCH_DECIMALS}, 1, 0},
    {"var_int64", "var(a)", REFERENCE_VARIANCE, {BENCH_INTEGERS}, 1, 0},
    {"expr_int64", "sum(a * a + a)", REFERENCE_SQUARE_AND_SELF, {BENCH_INTEGERS}, 1, 0},
    {"expr_fma", "sum(a * b + c)", REFERENCE_FMA, {BENCH_NORMAL, BENCH_NORMAL, BENCH_NORMAL}, 3, 0},
    {"groupby_4", "sum(a)", REFERENCE_SUM, {BENCH_NORMAL, BENCH_GROUP_OF_4}, 2, 4},
    {"groupby_1000", "sum(a)", REFERENCE_SUM, {BENCH_NORMAL, BENCH_GROUP_OF_1000}, 2, BENCH_GROUPS},
    {"hist_256", "", REFERENCE_BINS, {BENCH_NORMAL}, 1, 0},
    {"xtx_20",
     "",
     REFERENCE_PRODUCTS,
     {BENCH_NORMAL, BENCH_NORMAL, BENCH_NORMAL},
     BENCH_COLUMNS_MAX,
     0},
};

/* --quick; --case NAME [FOLDER]: one case, its values and answers into files of the folder. */
int main(int argc, char **argv)
{
    bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    const char *only = argc > 2 && strcmp(argv[1], "--case") == 0 ? argv[2] : NULL;
    const char *folder = argc > 3 ? argv[3] : NULL;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct bench_case *bench = &cases[i];
        size_t rows = quick ? 200000 : (size_t)32 << 20;
        if (only == NULL || strcmp(only, bench->name) == 0) {
            run(bench, bench->columns_len > 3 ? rows / 16 : rows, quick ? 5 : 7, folder);
        }
    }
    return 0;
}
