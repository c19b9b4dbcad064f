/* SPDX-License-Identifier: Apache-2.0 */

/* One reading of a party's files, by all workers, and the partial of a round from it. It leans on
 * sotto_csv_scan, which hands out typed blocks, and on the room rows, which computes them. The one
 * idea: what becomes of the rows is somebody else's (struct sotto__rows_use), so that summing up
 * here and counting in guard.c are one reading. */

#include "contribute/contribute.h"

#include <sotto/alloc.h>
#include <string.h>

/* --- Reading --- */

/* The columns of one dataset that a round reads, and what each worker needs. */
struct file_reading {
    const struct sotto_driver *driver;
    size_t dataset;
    struct sotto_csv_wanted *wanted;
    size_t *columns; /* of the expansion */
    size_t wanted_len;
    struct sotto__rows *workers;
    size_t workers_len;
    const struct sotto_column **blocks; /* [worker * columns_len + i]: the expansion's column i */
    size_t columns_len;
};

static void reading_release(struct file_reading *reading)
{
    for (size_t i = 0; i < reading->workers_len; i++) {
        sotto__rows_release(&reading->workers[i]);
    }
    sotto_free(reading->workers);
    sotto_free(reading->blocks);
    sotto_free(reading->wanted);
    sotto_free(reading->columns);
}

static enum sotto_status find_columns(struct file_reading *reading,
                                      const struct sotto_catalogue *catalogue,
                                      struct sotto_error *err)
{
    const struct sotto_driver *driver = reading->driver;
    reading->wanted = sotto_alloc_array(reading->columns_len, sizeof *reading->wanted);
    reading->columns = sotto_alloc_array(reading->columns_len, sizeof *reading->columns);
    if (reading->wanted == NULL || reading->columns == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < reading->columns_len; i++) {
        const struct sotto__column *column = &driver->expansion.columns[i];
        if (column->dataset != reading->dataset || !sotto__program_reads(driver->program, i)) {
            continue;
        }
        size_t found = sotto_catalogue_find(catalogue, column->name);
        if (found == SOTTO_NONE) {
            return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                                   "dataset \"%s\" has no column \"%s\"",
                                   driver->plan->datasets[reading->dataset].alias, column->name);
        }
        reading->columns[reading->wanted_len] = i;
        reading->wanted[reading->wanted_len++] =
            (struct sotto_csv_wanted){.column = found, .type = column->type};
    }
    return SOTTO_OK;
}

static enum sotto_status start_workers(struct file_reading *reading,
                                       const struct sotto__rows_use *use, size_t workers_len,
                                       struct sotto_error *err)
{
    reading->workers = sotto_alloc_array(workers_len, sizeof *reading->workers);
    reading->blocks =
        sotto_alloc_array(workers_len * reading->columns_len, sizeof *reading->blocks);
    if (reading->workers == NULL || reading->blocks == NULL) {
        return sotto_error_no_memory(err);
    }
    for (; reading->workers_len < workers_len; reading->workers_len++) {
        if (sotto__rows_init(&reading->workers[reading->workers_len], reading->driver->program,
                             use->sink_of(use->context, reading->workers_len)) != SOTTO_OK) {
            return sotto_error_no_memory(err);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status take_block(void *context, size_t worker, uint64_t first_row,
                                    const struct sotto_column *columns, size_t columns_len,
                                    size_t rows, struct sotto_error *err)
{
    (void)first_row;
    struct file_reading *reading = context;
    const struct sotto_column **blocks = reading->blocks + worker * reading->columns_len;
    for (size_t i = 0; i < columns_len; i++) {
        blocks[reading->columns[i]] = &columns[i];
    }
    return sotto__rows_take(&reading->workers[worker], reading->dataset, blocks, rows, err);
}

static enum sotto_status scan_file(struct file_reading *reading, const struct sotto__rows_use *use,
                                   struct sotto_csv *file, const struct sotto_catalogue *catalogue,
                                   struct sotto_error *err)
{
    size_t workers_len = sotto_csv_workers(file);
    enum sotto_status status = use->start(use->context, workers_len);
    if (status != SOTTO_OK) {
        (void)sotto_error_no_memory(err);
        goto out;
    }
    status = start_workers(reading, use, workers_len, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_csv_scan(file, catalogue, reading->wanted, reading->wanted_len, take_block,
                            reading, err);
out:
    use->end(use->context, status == SOTTO_OK);
    return status;
}

static enum sotto_status read_dataset(const struct sotto_driver *driver,
                                      const struct sotto__rows_use *use, size_t dataset,
                                      struct sotto_csv *file,
                                      const struct sotto_catalogue *catalogue,
                                      struct sotto_error *err)
{
    struct file_reading reading = {
        .driver = driver, .dataset = dataset, .columns_len = driver->expansion.columns_len};
    enum sotto_status status = find_columns(&reading, catalogue, err);
    if (status != SOTTO_OK || reading.wanted_len == 0) {
        goto out;
    }
    if (catalogue->rows > SOTTO_ROWS_MAX) {
        status = sotto_error_set(err, SOTTO_ERROR_LIMIT, "dataset \"%s\" has more than 2^60 rows",
                                 driver->plan->datasets[dataset].alias);
        goto out;
    }
    status = scan_file(&reading, use, file, catalogue, err);
out:
    reading_release(&reading);
    return status;
}

enum sotto_status sotto__files_read(const struct sotto_driver *driver,
                                    const struct sotto__rows_use *use,
                                    struct sotto_csv *const *files,
                                    const struct sotto_catalogue *const *catalogues,
                                    struct sotto_error *err)
{
    for (size_t i = 0; i < driver->plan->datasets_len; i++) {
        enum sotto_status status = read_dataset(driver, use, i, files[i], catalogues[i], err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* --- Summing up --- */

struct summing {
    const struct sotto__program *program;
    uint64_t *out;
    struct sotto__sums *workers;
    size_t workers_len;
};

static enum sotto_status start_sums(void *context, size_t workers_len)
{
    struct summing *summing = context;
    summing->workers = sotto_alloc_array(workers_len, sizeof *summing->workers);
    if (summing->workers == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (; summing->workers_len < workers_len; summing->workers_len++) {
        enum sotto_status status =
            sotto__sums_init(&summing->workers[summing->workers_len], summing->program);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static struct sotto__rows_sink sums_of_worker(void *context, size_t worker)
{
    struct summing *summing = context;
    return sotto__sums_sink(&summing->workers[worker]);
}

/* Sums are exact: the order of workers does not matter. */
static void end_sums(void *context, bool is_complete)
{
    struct summing *summing = context;
    for (size_t i = 0; i < summing->workers_len; i++) {
        if (is_complete) {
            sotto__sums_add_to(&summing->workers[i], summing->out);
        }
        sotto__sums_release(&summing->workers[i]);
    }
    sotto_free(summing->workers);
    summing->workers = NULL;
    summing->workers_len = 0;
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
    struct summing summing = {.program = driver->program, .out = out};
    const struct sotto__rows_use use = {
        .start = start_sums, .sink_of = sums_of_worker, .end = end_sums, .context = &summing};
    enum sotto_status status = sotto__files_read(driver, &use, files, catalogues, err);
    if (status != SOTTO_OK) {
        memset(out, 0, limbs_len * sizeof *out);
    }
    return status;
}
