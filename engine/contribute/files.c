/* SPDX-License-Identifier: Apache-2.0 */

/* A party's contribution from its files: one reading of each, by all workers. */

#include "contribute/contribute.h"

#include <sotto/alloc.h>
#include <string.h>

/* The columns of one dataset that a round reads, and what each worker needs. */
struct file_reading {
    struct sotto_csv_wanted *wanted;
    size_t *columns; /* of the expansion */
    size_t wanted_len;
    size_t dataset;
    struct sotto__worker *workers;
    size_t workers_len;
    struct sotto__row_counts *counts;   /* of each worker, where rows are counted */
    const struct sotto_column **blocks; /* [worker * columns_len + i]: the expansion's column i */
    size_t columns_len;
};

static void reading_release(struct file_reading *reading)
{
    for (size_t i = 0; i < reading->workers_len; i++) {
        sotto__worker_release(&reading->workers[i]);
        if (reading->counts != NULL) {
            sotto_free(reading->counts[i].numbers);
        }
    }
    sotto_free(reading->counts);
    sotto_free(reading->workers);
    sotto_free(reading->blocks);
    sotto_free(reading->wanted);
    sotto_free(reading->columns);
}

static enum sotto_status find_columns(struct file_reading *reading,
                                      const struct sotto_driver *driver, size_t dataset,
                                      const struct sotto_catalogue *catalogue,
                                      struct sotto_error *err)
{
    for (size_t i = 0; i < driver->expansion.columns_len; i++) {
        const struct sotto__column *column = &driver->expansion.columns[i];
        if (column->dataset != dataset || !sotto__program_reads(driver->program, i)) {
            continue;
        }
        size_t found = sotto_catalogue_find(catalogue, column->name);
        if (found == SOTTO_NONE) {
            return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                                   "dataset \"%s\" has no column \"%s\"",
                                   driver->plan->datasets[dataset].alias, column->name);
        }
        reading->columns[reading->wanted_len] = i;
        reading->wanted[reading->wanted_len++] =
            (struct sotto_csv_wanted){.column = found, .type = column->type};
    }
    return SOTTO_OK;
}

static enum sotto_status reading_init(struct file_reading *reading,
                                      const struct sotto_driver *driver, size_t dataset,
                                      const struct sotto_csv *file,
                                      const struct sotto_catalogue *catalogue,
                                      struct sotto_error *err)
{
    size_t columns_len = driver->expansion.columns_len;
    *reading = (struct file_reading){.dataset = dataset, .columns_len = columns_len};
    reading->wanted = sotto_alloc_array(columns_len, sizeof *reading->wanted);
    reading->columns = sotto_alloc_array(columns_len, sizeof *reading->columns);
    if (reading->wanted == NULL || reading->columns == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = find_columns(reading, driver, dataset, catalogue, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (reading->wanted_len == 0) {
        return SOTTO_OK;
    }
    size_t workers_len = sotto_csv_workers(file);
    reading->workers = sotto_alloc_array(workers_len, sizeof *reading->workers);
    reading->blocks = sotto_alloc_array(workers_len * columns_len, sizeof *reading->blocks);
    status = reading->workers != NULL && reading->blocks != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
    while (status == SOTTO_OK && reading->workers_len < workers_len) {
        status = sotto__worker_init(&reading->workers[reading->workers_len++], driver->program);
    }
    return status == SOTTO_OK ? status : sotto_error_set(err, status, "out of memory");
}

/* Lets the workers count, not sum up. */
static enum sotto_status reading_count(struct file_reading *reading,
                                       const struct sotto__row_counts *total,
                                       struct sotto_error *err)
{
    reading->counts = sotto_alloc_array(reading->workers_len + 1, sizeof *reading->counts);
    enum sotto_status status = reading->counts != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
    for (size_t i = 0; status == SOTTO_OK && i < reading->workers_len; i++) {
        status = sotto__row_counts_like(&reading->counts[i], total);
        reading->workers[i].rows.sink = sotto__row_counts_sink(&reading->counts[i]);
    }
    return status == SOTTO_OK ? status : sotto_error_set(err, status, "out of memory");
}

static enum sotto_status sink(void *context, size_t worker, uint64_t first_row,
                              const struct sotto_column *columns, size_t columns_len, size_t rows,
                              struct sotto_error *err)
{
    (void)first_row;
    struct file_reading *reading = context;
    const struct sotto_column **blocks = reading->blocks + worker * reading->columns_len;
    for (size_t i = 0; i < columns_len; i++) {
        blocks[reading->columns[i]] = &columns[i];
    }
    return sotto__rows_take(&reading->workers[worker].rows, reading->dataset, blocks, rows, err);
}

/* Sums up into out, or counts into total. */
static enum sotto_status read_dataset(const struct sotto_driver *driver, uint64_t *out,
                                      struct sotto__row_counts *total, size_t dataset,
                                      struct sotto_csv *file,
                                      const struct sotto_catalogue *catalogue,
                                      struct sotto_error *err)
{
    struct file_reading reading;
    enum sotto_status status = reading_init(&reading, driver, dataset, file, catalogue, err);
    if (status == SOTTO_OK && total != NULL) {
        status = reading_count(&reading, total, err);
    }
    if (status == SOTTO_OK && reading.wanted_len > 0 && catalogue->rows > SOTTO_ROWS_MAX) {
        status = sotto_error_set(err, SOTTO_ERROR_LIMIT, "dataset \"%s\" has more than 2^60 rows",
                                 driver->plan->datasets[dataset].alias);
    }
    if (status == SOTTO_OK && reading.wanted_len > 0) {
        status = sotto_csv_scan(file, catalogue, reading.wanted, reading.wanted_len, sink, &reading,
                                err);
    }
    /* Sums are exact: the order of workers does not matter. */
    for (size_t i = 0; status == SOTTO_OK && i < reading.workers_len; i++) {
        if (total != NULL) {
            sotto__row_counts_add(total, &reading.counts[i]);
        } else {
            sotto__sums_add_to(&reading.workers[i].sums, out);
        }
    }
    reading_release(&reading);
    return status;
}

enum sotto_status sotto_driver_partial(const struct sotto_driver *driver, uint64_t *out,
                                       size_t limbs_len, struct sotto_csv *const *files,
                                       const struct sotto_catalogue *const *catalogues,
                                       struct sotto_error *err)
{
    memset(out, 0, limbs_len * sizeof *out);
    if (driver->round == 0) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "the last round is over");
    }
    SOTTO_REQUIRE(limbs_len == driver->program->limbs_len);
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < driver->plan->datasets_len; i++) {
        status = read_dataset(driver, out, NULL, i, files[i], catalogues[i], err);
    }
    if (status != SOTTO_OK) {
        memset(out, 0, limbs_len * sizeof *out);
    }
    return status;
}

enum sotto_status sotto__driver_count_rows(const struct sotto_driver *driver,
                                           struct sotto__row_counts *total,
                                           struct sotto_csv *const *files,
                                           const struct sotto_catalogue *const *catalogues,
                                           struct sotto_error *err)
{
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < driver->plan->datasets_len; i++) {
        status = read_dataset(driver, NULL, total, i, files[i], catalogues[i], err);
    }
    return status;
}
