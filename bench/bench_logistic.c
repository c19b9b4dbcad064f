/* SPDX-License-Identifier: Apache-2.0 */

/* What a logistic regression on ten columns costs: of values in memory, and of a CSV file, which
 * only the first iteration reads. All sums are exact. methods.py puts other libraries beside it. */

#include "support.h"
#include "tables.h"

#include "engine/kernels/elementary.h"

#include <math.h>
#include <sotto/alloc.h>
#include <sotto/contribution.h>
#include <sotto/csv.h>
#include <sotto/secret.h>
#include <sotto/source.h>
#include <stdio.h>
#include <string.h>

#define ROWS ((size_t)10000000)
#define ROWS_OF_FILE ((size_t)1000000)
#define ROWS_QUICK ((size_t)30000)
#define REGRESSORS 10
#define CONVERGED 1e-16
#define PASSES_MAX 6

static const struct bench_question question = {
    .outputs = {"glm(k, a, b, c, d, e, f, g, h, i, j, family=binomial)"}, .outputs_len = 1};

/* --- Rows --- */

/* y is the last column: 1 where the uniform number that an integer there is made into is below the
 * probability. The second half of the regressors explains nothing. */
static void fill_table(struct bench_table *table, size_t rows)
{
    *table = (struct bench_table){.columns_len = REGRESSORS + 1};
    for (size_t i = 0; i < REGRESSORS; i++) {
        table->contents[i] = BENCH_NORMAL;
    }
    table->contents[REGRESSORS] = BENCH_INTEGERS;
    bench_table_fill(table, rows);
    int64_t *y = table->columns[REGRESSORS];
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < rows; row++) {
        double eta = -1;
        for (size_t i = 0; i < REGRESSORS / 2; i++) {
            eta += 0.1 * (double)(i + 1) * ((const double *)table->columns[i])[row];
        }
        y[row] = ((double)y[row] + 0x1p39) * 0x1p-40 < 1 / (1 + exp(-eta));
    }
}

/* --- What an iteration is measured by --- */

/* Seconds of one pass over all columns, at the speed of memory. */
static double time_pass(const struct bench_table *table)
{
    static volatile uint64_t kept; /* so that it is computed */
    uint64_t all = 0;
    double begin = bench_now_s();
    for (size_t i = 0; i < table->columns_len; i++) {
        const uint64_t *words = table->columns[i];
#pragma omp parallel for schedule(static) reduction(^ : all)
        for (size_t row = 0; row < table->rows; row++) {
            all ^= words[row];
        }
    }
    kept = all;
    (void)kept;
    return bench_now_s() - begin;
}

/* Seconds of exp of one column. */
static double time_exponentials(const struct bench_table *table)
{
    const double *values = table->columns[0];
    double begin = bench_now_s();
#pragma omp parallel for schedule(static)
    for (size_t block = 0; block < table->rows / BENCH_BLOCK_LEN; block++) {
        static _Thread_local double out[BENCH_BLOCK_LEN];
        sotto__exp(out, values + block * BENCH_BLOCK_LEN, BENCH_BLOCK_LEN);
    }
    return bench_now_s() - begin;
}

/* --- Fits --- */

/* A round of the fit: adds up what rows add, and takes it. */
typedef void sum_round(uint64_t *limbs, const struct sotto_driver *driver, void *rows);

struct fit {
    double first_s;
    struct bench_values later; /* seconds of each later round */
    double seconds;
    bool is_right; /* one more step would move nothing */
};

static double value_of(const struct sotto_driver *driver, size_t place)
{
    return sotto__value_double(&driver->results.values[place]);
}

/* The place of a field among a model's values: series are as long as there are coefficients. */
static size_t find_field(const struct sotto_driver *driver, const char *name)
{
    const struct sotto__output_values *output = &driver->expansion.outputs[0];
    size_t at = 0;
    for (size_t i = 0; i < output->fields_len; i++) {
        if (strcmp(output->fields[i].name, name) == 0) {
            return at;
        }
        at += output->fields[i].axes_len > 0 ? REGRESSORS + 1 : 1;
    }
    SOTTO_REQUIRE(false);
    return 0;
}

static struct fit run_fit(struct sotto_driver *driver, sum_round *sum, void *rows)
{
    struct fit fit = {0};
    double begin = bench_now_s();
    while (sotto_driver_round(driver) != 0) {
        bool is_first = sotto_driver_round(driver) == 1;
        double round = bench_now_s();
        size_t limbs_len = sotto_driver_limbs_len(driver);
        uint64_t *limbs = sotto_alloc_array(limbs_len, sizeof *limbs);
        SOTTO_REQUIRE(limbs != NULL);
        sum(limbs, driver, rows);
        SOTTO_REQUIRE(sotto_driver_advance(driver, limbs, limbs_len, NULL) == SOTTO_OK);
        sotto_free(limbs);
        if (is_first) {
            fit.first_s = bench_now_s() - round;
        } else {
            bench_add(&fit.later, bench_now_s() - round);
        }
    }
    fit.seconds = bench_now_s() - begin;
    fit.is_right = value_of(driver, find_field(driver, "decrement")) <= CONVERGED;
    return fit;
}

/* --- In memory --- */

static void sum_table(uint64_t *limbs, const struct sotto_driver *driver, void *rows)
{
    const struct bench_table *table = rows;
    bench_sums(limbs, driver, table, table->rows);
}

static void dump(const char *folder, const struct sotto_driver *driver,
                 const struct bench_table *table)
{
    double answers[REGRESSORS + 1];
    size_t first = find_field(driver, "coefficients");
    for (size_t i = 0; i <= REGRESSORS; i++) {
        answers[i] = value_of(driver, first + i);
    }
    for (size_t i = 0; i < table->columns_len; i++) {
        const char name[2] = {bench_column_name(i), '\0'};
        bench_write_file(folder, name, table->columns[i], table->rows * 8);
    }
    bench_write_file(folder, "answers", answers, sizeof answers);
}

/* Prints seconds of an iteration after the first one, which is a linear regression's. */
static bool run_table(size_t rows, size_t runs, const char *folder)
{
    static struct bench_table table;
    struct bench_values fits = {.len = 0};
    struct bench_values iterations = {.len = 0};
    bool right = true;
    fill_table(&table, rows);
    for (size_t i = 0; i < runs; i++) {
        struct sotto_plan *plan = NULL;
        struct sotto_driver *driver = bench_driver(&question, &table, &plan);
        struct fit fit = run_fit(driver, sum_table, &table);
        bench_add(&fits, fit.seconds);
        bench_add(&iterations, bench_quantile(&fit.later, 0.5));
        right = right && fit.is_right;
        if (folder != NULL && i == 0) {
            dump(folder, driver, &table);
        }
        sotto_driver_free(driver);
        sotto_plan_free(plan);
    }
    struct bench_values one_pass = {.len = 0};
    struct bench_values exponentials = {.len = 0};
    for (size_t i = 0; i < 5; i++) {
        bench_add(&one_pass, time_pass(&table));
        bench_add(&exponentials, time_exponentials(&table));
    }
    double pass = bench_quantile(&one_pass, 0.5);
    double rest = bench_quantile(&iterations, 0.5) - bench_quantile(&exponentials, 0.5);
    char more[300];
    (void)snprintf(more, sizeof more,
                   ", \"rows\": %zu, \"fit_s\": %.4g, \"pass_s\": %.4g, \"passes\": %.3g, "
                   "\"goals\": {\"passes\": %d}, \"peers\": {}, \"ratio\": {}",
                   rows, bench_quantile(&fits, 0.5), pass, rest / pass, PASSES_MAX);
    bench_print("methods", "logistic_10_iteration", &iterations, "s", more, right);
    bench_table_release(&table);
    return right;
}

/* --- From a file --- */

struct file_rows {
    struct sotto_source *source;
    struct sotto_csv *csv;
    uint64_t read_first; /* bytes of the file that the first round read, */
    uint64_t read_later; /* and that all others did */
};

static void sum_file(uint64_t *limbs, const struct sotto_driver *driver, void *rows)
{
    struct file_rows *file = rows;
    uint64_t before = sotto_csv_bytes_read(file->csv);
    SOTTO_REQUIRE(sotto_driver_contribute(driver, limbs, sotto_driver_limbs_len(driver), NULL,
                                          &file->source, NULL, NULL) == SOTTO_OK);
    uint64_t now = sotto_csv_bytes_read(file->csv) - before;
    file->read_first += sotto_driver_round(driver) == 1 ? now : 0;
    file->read_later += sotto_driver_round(driver) == 1 ? 0 : now;
}

static void write_csv(const char *path, const struct bench_table *table)
{
    FILE *out = fopen(path, "w");
    SOTTO_REQUIRE(out != NULL);
    (void)fprintf(out, "a,b,c,d,e,f,g,h,i,j,k\n");
    for (size_t row = 0; row < table->rows; row++) {
        for (size_t i = 0; i < REGRESSORS; i++) {
            (void)fprintf(out, "%.6f,", ((const double *)table->columns[i])[row]);
        }
        (void)fprintf(out, "%d\n", (int)((const int64_t *)table->columns[REGRESSORS])[row]);
    }
    SOTTO_REQUIRE(fclose(out) == 0);
}

static void open_rows(struct file_rows *out, struct sotto_catalogue **out_catalogue,
                      const char *path)
{
    *out = (struct file_rows){0};
    SOTTO_REQUIRE(sotto_csv_open(&out->csv, path, NULL, NULL) == SOTTO_OK);
    SOTTO_REQUIRE(sotto_csv_catalogue(out->csv, out_catalogue, NULL) == SOTTO_OK);
    SOTTO_REQUIRE(sotto_source_new_file(&out->source, out->csv, *out_catalogue, NULL) == SOTTO_OK);
    SOTTO_REQUIRE(sotto_source_new_kept(&out->source, out->source, SOTTO_KEPT_BYTES_DEFAULT,
                                        NULL) == SOTTO_OK);
}

/* Prints seconds of the first iteration, which reads a file that was catalogued before. */
static bool run_file(size_t rows, const char *folder)
{
    static struct bench_table table;
    char path[4096];
    struct bench_values first = {.len = 0};
    struct file_rows file;
    struct sotto_catalogue *catalogue = NULL;
    struct sotto_plan *plan = NULL;
    fill_table(&table, rows);
    (void)snprintf(path, sizeof path, "%s/rows.csv", folder);
    write_csv(path, &table);
    open_rows(&file, &catalogue, path);
    struct sotto_driver *driver = bench_driver(&question, &table, &plan);
    struct fit fit = run_fit(driver, sum_file, &file);
    bench_add(&first, fit.first_s);
    bool right = fit.is_right && file.read_first > 0 && file.read_later == 0;
    char more[300];
    (void)snprintf(more, sizeof more,
                   ", \"rows\": %zu, \"later_s\": %.4g, \"read_first_mb\": %.4g, "
                   "\"read_later_mb\": %.4g, \"peers\": {}, \"ratio\": {}",
                   rows, bench_quantile(&fit.later, 0.5), (double)file.read_first / 1e6,
                   (double)file.read_later / 1e6);
    bench_print("methods", "logistic_csv", &first, "s", more, right);
    sotto_driver_free(driver);
    sotto_plan_free(plan);
    sotto_source_free(file.source);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(file.csv);
    bench_table_release(&table);
    (void)remove(path);
    return right;
}

/* bench_logistic --quick, or --case NAME FOLDER: values and coefficients go into the folder. */
int main(int argc, char **argv)
{
    SOTTO_REQUIRE(sotto_init() == SOTTO_OK);
    if (argc == 2 && strcmp(argv[1], "--quick") == 0) {
        bool right = run_table(ROWS_QUICK, 1, NULL);
        return run_file(ROWS_QUICK, ".") && right ? 0 : 1;
    }
    if (argc == 4 && strcmp(argv[1], "--case") == 0 && strcmp(argv[2], "logistic_10") == 0) {
        return run_table(ROWS, 3, argv[3]) ? 0 : 1;
    }
    if (argc == 4 && strcmp(argv[1], "--case") == 0 && strcmp(argv[2], "logistic_csv") == 0) {
        return run_file(ROWS_OF_FILE, argv[3]) ? 0 : 1;
    }
    (void)fprintf(stderr, "bench_logistic --quick, or --case logistic_10|logistic_csv FOLDER\n");
    return 2;
}
