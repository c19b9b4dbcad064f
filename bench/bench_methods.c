/* SPDX-License-Identifier: Apache-2.0 */

/* What statistics with rounds of their own cost: all rounds of a plan over values in memory, of
 * three parties in this process, with the keys, shares and masks of each round's secure sum.
 * methods.py puts other libraries beside it. */

#include "support.h"
#include "tables.h"

#include <gmp.h>
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <sotto/trial.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS ((size_t)1 << 25)
#define PARTIES 3

struct method_case {
    const char *name;
    enum bench_content content;
    size_t columns_len;
    bool is_grouped; /* by one more column, of 1,000 groups */
};

static const struct method_case cases[] = {
    {"median_float64", BENCH_NORMAL, 1, false},   {"median_int64", BENCH_INTEGERS, 1, false},
    {"median_decimal", BENCH_DECIMALS, 1, false}, {"median_20", BENCH_NORMAL, 20, false},
    {"median_by_1000", BENCH_NORMAL, 1, true},
};

/* What one run took, all rounds together. */
struct run {
    double seconds;
    size_t rounds;
    size_t bytes_max; /* of a round's vector */
};

/* The parties' partials of a round. */
struct partials {
    uint64_t *limbs[PARTIES];
    size_t limbs_len;
};

static void copy_partial(void *context, uint32_t party, uint8_t *vector, size_t vector_bytes)
{
    const struct partials *partials = context;
    SOTTO_REQUIRE(vector_bytes == partials->limbs_len * 8);
    memcpy(vector, partials->limbs[party], vector_bytes);
}

/* Each party has a part of the rows. */
static void make_partials(struct partials *out, const struct sotto_driver *driver,
                          const struct bench_table *table)
{
    for (size_t i = 0; i < PARTIES; i++) {
        struct bench_table part = *table;
        size_t first = table->rows / PARTIES * i;
        part.rows = (i + 1 < PARTIES ? table->rows / PARTIES * (i + 1) : table->rows) - first;
        for (size_t j = 0; j < table->columns_len; j++) {
            part.columns[j] = (uint64_t *)table->columns[j] + first;
        }
        out->limbs[i] = sotto_alloc_array(out->limbs_len, 8);
        SOTTO_REQUIRE(out->limbs[i] != NULL);
        bench_sums(out->limbs[i], driver, &part, part.rows);
    }
}

/* The secure sum of a round. Slots are elements of one limb here, which carry nothing: each is a
 * count. */
static void sum_up(struct sotto_driver *driver, struct partials *partials)
{
    const struct sotto_vector_run vector = {8, (uint32_t)partials->limbs_len};
    const struct sotto_trial trial = {
        .parties_len = PARTIES,
        .min_parties = PARTIES,
        .graph = {.model = SOTTO_GRAPH_COMPLETE, .corrupted_permille = 50, .dropped_permille = 330},
        .runs = &vector,
        .runs_len = 1,
        .input = copy_partial,
        .context = partials};
    struct sotto_trial_report report;
    SOTTO_REQUIRE(sotto_trial_run(&report, &trial, NULL) == SOTTO_OK);
    SOTTO_REQUIRE(report.sum_bytes == partials->limbs_len * 8);
    memcpy(partials->limbs[0], report.sum, report.sum_bytes);
    sotto_trial_report_release(&report);
    SOTTO_REQUIRE(sotto_driver_advance(driver, partials->limbs[0], partials->limbs_len, NULL) ==
                  SOTTO_OK);
}

static struct run run_rounds(struct sotto_driver *driver, const struct bench_table *table)
{
    struct run run = {.seconds = bench_now_s()};
    while (sotto_driver_round(driver) != 0) {
        struct partials partials = {.limbs_len = sotto_driver_limbs_len(driver)};
        size_t bytes = partials.limbs_len * 8;
        make_partials(&partials, driver, table);
        sum_up(driver, &partials);
        run.rounds++;
        run.bytes_max = bytes > run.bytes_max ? bytes : run.bytes_max;
        for (size_t i = 0; i < PARTIES; i++) {
            sotto_free(partials.limbs[i]);
        }
    }
    run.seconds = bench_now_s() - run.seconds;
    return run;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static int compare_integers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Whether the first column's median, of all rows or of the first group, is that of sorted values.
 */
static bool is_right(const struct sotto_driver *driver, const struct method_case *bench,
                     const struct bench_table *table)
{
    bool are_doubles = bench_type(bench->content).kind == SOTTO_KIND_FLOAT64;
    const int64_t *keys = table->columns[table->columns_len - 1];
    uint64_t *values = sotto_alloc_array(table->rows, sizeof *values);
    size_t len = 0;
    mpq_t middle;
    mpq_t other;
    SOTTO_REQUIRE(values != NULL);
    for (size_t i = 0; i < table->rows; i++) {
        if (!bench->is_grouped || keys[i] == 0) {
            memcpy(&values[len++], (const uint64_t *)table->columns[0] + i, sizeof *values);
        }
    }
    qsort(values, len, sizeof *values, are_doubles ? compare_doubles : compare_integers);
    mpq_inits(middle, other, NULL);
    if (are_doubles) {
        mpq_set_d(middle, ((const double *)values)[(len - 1) / 2]);
        mpq_set_d(other, ((const double *)values)[len / 2]);
    } else {
        mpq_set_si(middle, ((const int64_t *)values)[(len - 1) / 2], 1);
        mpq_set_si(other, ((const int64_t *)values)[len / 2], 1);
    }
    mpq_add(middle, middle, other);
    mpq_set_ui(other, 2, 1);
    for (unsigned i = 0; i < bench_type(bench->content).scale; i++) {
        mpz_mul_ui(mpq_numref(other), mpq_numref(other), 10);
    }
    mpq_div(middle, middle, other);
    bool right = mpq_equal(middle, driver->results.values[0].number) != 0;
    mpq_clears(middle, other, NULL);
    sotto_free(values);
    return right;
}

static void dump(const char *folder, const struct sotto_driver *driver,
                 const struct bench_table *table)
{
    double *answers = sotto_alloc_array(driver->results.values_len, sizeof *answers);
    SOTTO_REQUIRE(answers != NULL);
    for (size_t i = 0; i < driver->results.values_len; i++) {
        answers[i] = sotto__value_double(&driver->results.values[i]);
    }
    for (size_t i = 0; i < table->columns_len; i++) {
        const char name[2] = {bench_column_name(i), '\0'};
        bench_write_file(folder, name, table->columns[i], table->rows * 8);
    }
    bench_write_file(folder, "answers", answers, driver->results.values_len * sizeof *answers);
    sotto_free(answers);
}

static bool run_case(const struct method_case *bench, size_t rows, size_t runs, const char *folder)
{
    static struct bench_question question; /* too large for a stack */
    struct bench_table table = {.columns_len = bench->columns_len + bench->is_grouped};
    struct bench_values seconds = {.len = 0};
    struct run last = {0};
    bool right = true;
    question = (struct bench_question){.outputs_len = bench->columns_len,
                                       .groups = bench->is_grouped ? BENCH_GROUPS : 0};
    for (size_t i = 0; i < bench->columns_len; i++) {
        table.contents[i] = bench->content;
        (void)snprintf(question.outputs[i], BENCH_OUTPUT_BYTES, "median(%c, exact=1)",
                       bench_column_name(i));
    }
    if (bench->is_grouped) {
        table.contents[bench->columns_len] = BENCH_GROUP_OF_1000;
    }
    bench_table_fill(&table, rows);
    for (size_t i = 0; i < runs; i++) {
        struct sotto_plan *plan = NULL;
        struct sotto_driver *driver = bench_driver(&question, &table, &plan);
        last = run_rounds(driver, &table);
        bench_add(&seconds, last.seconds);
        if (i + 1 == runs) {
            right = is_right(driver, bench, &table);
            if (folder != NULL) {
                dump(folder, driver, &table);
            }
        }
        sotto_driver_free(driver);
        sotto_plan_free(plan);
    }
    char more[200];
    (void)snprintf(more, sizeof more,
                   ", \"rows\": %zu, \"rounds\": %zu, \"round_bytes\": %zu, \"peers\": {}, "
                   "\"ratio\": {}",
                   rows, last.rounds, last.bytes_max);
    bench_print("methods", bench->name, &seconds, "s", more, right);
    bench_table_release(&table);
    return right;
}

/* bench_methods --quick, or --case NAME FOLDER: the values and answers go into the folder. */
int main(int argc, char **argv)
{
    bool quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
    bool all_right = true;
    size_t found = 0;
    SOTTO_REQUIRE(sotto_init() == SOTTO_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (quick) {
            all_right = run_case(&cases[i], 30000, 1, NULL) && all_right;
            found++;
        } else if (argc == 4 && strcmp(argv[1], "--case") == 0 &&
                   strcmp(argv[2], cases[i].name) == 0) {
            all_right = run_case(&cases[i], ROWS / cases[i].columns_len, 3, argv[3]);
            found++;
        }
    }
    if (found == 0) {
        (void)fprintf(stderr, "bench_methods --quick, or --case NAME FOLDER\n");
        return 2;
    }
    return all_right ? 0 : 1;
}
