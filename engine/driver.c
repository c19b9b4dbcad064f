/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <sotto/alloc.h>
#include <sotto/arithmetic.h>
#include <string.h>

/* --- Making one --- */

static enum sotto_status driver_init(struct sotto_driver *driver, const struct sotto_plan *plan,
                                     const struct sotto_schema *schema, struct sotto_error *err)
{
    driver->plan = plan;
    driver->round = 1;
    if (sotto_schema_copy(&driver->schema, schema) != SOTTO_OK) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "out of memory");
    }
    enum sotto_status status = sotto__expand(&driver->expansion, plan, &driver->schema, err);
    if (status == SOTTO_OK) {
        status = sotto__program_init(&driver->program, plan, &driver->expansion, err);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    size_t values_len = driver->program.groups_len * driver->expansion.values_len;
    if (values_len > RESULT_VALUES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "expected at most %zu values in all groups, found %zu",
                               RESULT_VALUES_MAX, values_len);
    }
    driver->values = sotto_alloc_array(values_len, sizeof *driver->values);
    driver->made = sotto_alloc_array(values_len, sizeof *driver->made);
    if (driver->values == NULL || driver->made == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "out of memory");
    }
    for (; driver->values_len < values_len; driver->values_len++) {
        sotto__value_init(&driver->values[driver->values_len]);
    }
    return SOTTO_OK;
}

enum sotto_status sotto_driver_new(struct sotto_driver **out, const struct sotto_plan *plan,
                                   const struct sotto_schema *schema, struct sotto_error *err)
{
    struct sotto_error unwanted = {0};
    SOTTO_REQUIRE(schema->fields_len == plan->columns_len);
    err = err != NULL ? err : &unwanted;
    struct sotto_driver *driver = sotto_alloc_zeroed(sizeof *driver);
    if (driver == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "out of memory");
    }
    struct sotto_arithmetic arithmetic;
    sotto_arithmetic_enter(&arithmetic);
    enum sotto_status status = driver_init(driver, plan, schema, err);
    sotto_arithmetic_leave(&arithmetic);
    if (status != SOTTO_OK) {
        sotto_driver_free(driver);
        return status;
    }
    *out = driver;
    return SOTTO_OK;
}

void sotto_driver_free(struct sotto_driver *driver)
{
    if (driver == NULL) {
        return;
    }
    for (size_t i = 0; i < driver->values_len; i++) {
        sotto__value_clear(&driver->values[i]);
    }
    sotto_free(driver->values);
    sotto_free(driver->made);
    sotto__program_release(&driver->program);
    sotto__expansion_release(&driver->expansion);
    sotto_schema_release(&driver->schema);
    sotto_free(driver);
}

/* --- Rounds --- */

uint32_t sotto_driver_round(const struct sotto_driver *driver)
{
    return driver->round;
}

const uint16_t *sotto_driver_slots(const struct sotto_driver *driver, size_t *out_slots_len)
{
    *out_slots_len = driver->round != 0 ? driver->program.slots_len : 0;
    return driver->program.slots;
}

const struct sotto_schema *sotto_driver_schema(const struct sotto_driver *driver)
{
    return &driver->schema;
}

size_t sotto_driver_limbs_len(const struct sotto_driver *driver)
{
    return driver->round != 0 ? driver->program.limbs_len : 0;
}

static enum sotto_status aggregate_init(struct sotto__aggregate *out, size_t terms_len)
{
    *out = (struct sotto__aggregate){0};
    out->terms = sotto_alloc_array(terms_len, sizeof *out->terms);
    for (; out->terms != NULL && out->terms_len < terms_len; out->terms_len++) {
        sotto__value_init(&out->terms[out->terms_len]);
    }
    return out->terms != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

static void aggregate_release(struct sotto__aggregate *aggregate)
{
    for (size_t i = 0; i < aggregate->terms_len; i++) {
        sotto__value_clear(&aggregate->terms[i]);
    }
    sotto_free(aggregate->terms);
}

/* The number of NaN that an output's aggregates made, each argument once. */
static uint64_t count_made(const struct sotto__of *ofs, size_t ofs_len,
                           const struct sotto__aggregate *aggregate)
{
    uint64_t made = 0;
    for (size_t i = 0; i < ofs_len; i++) {
        bool is_new = ofs[i].terms[OF_MADE] != SIZE_MAX;
        for (size_t j = 0; j < i; j++) {
            is_new = is_new && ofs[j].terms[OF_MADE] != ofs[i].terms[OF_MADE];
        }
        if (is_new) {
            made += mpz_get_ui(mpq_numref(aggregate->terms[ofs[i].terms[OF_MADE]].number));
        }
    }
    return made;
}

static size_t count_aggregates(const struct sotto__expression *expression)
{
    size_t len = 0;
    for (size_t i = 0; i < expression->nodes_len; i++) {
        len += expression->nodes[i].kind == NODE_AGGREGATE;
    }
    return len;
}

/* A regression of one group, from its cells. */
static enum sotto_status solve(struct sotto_driver *driver, struct sotto__value *out,
                               const struct sotto__part *part, const struct sotto__value *cells,
                               struct sotto_error *err)
{
    const struct sotto__axis *axis = &driver->expansion.axes[part->shape.axes[0]];
    bool intercept = part->ols->number != 0;
    return sotto__ols(out, cells, axis->len - intercept, intercept, axis->labels,
                      driver->plan->keys_len > 0, err);
}

/* An output of one group; ofs are those of its cells. */
static enum sotto_status evaluate_part(struct sotto_driver *driver, size_t group, size_t output,
                                       const struct sotto__of **ofs,
                                       const struct sotto__aggregate *aggregate,
                                       struct sotto_error *err)
{
    const struct sotto__expansion *expansion = &driver->expansion;
    const struct sotto__part *part = &expansion->parts[output];
    size_t at = group * expansion->values_len + part->values;
    struct sotto__value *sums = NULL;
    struct sotto__value *out = &driver->values[at];
    enum sotto_status status = SOTTO_OK;
    if (part->ols != NULL) {
        sums = sotto_alloc_array(part->cells_len, sizeof *sums);
        if (sums == NULL) {
            return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "out of memory");
        }
        for (size_t i = 0; i < part->cells_len; i++) {
            sotto__value_init(&sums[i]);
        }
        out = sums;
    }
    for (size_t i = 0; status == SOTTO_OK && i < part->cells_len; i++) {
        const struct sotto__expression *cell = &expansion->cells[part->first + i].expression;
        size_t ofs_len = count_aggregates(cell);
        uint64_t made = count_made(*ofs, ofs_len, aggregate);
        status = sotto__evaluate(&out[i], cell, *ofs, aggregate, err);
        if (part->ols == NULL) {
            driver->made[at + i] = made;
        } else {
            driver->made[at + part->values_len - OLS_SCALARS_LEN + OLS_COUNT] = made;
        }
        *ofs += ofs_len;
    }
    if (status == SOTTO_OK && part->ols != NULL) {
        status = solve(driver, &driver->values[at], part, sums, err);
    }
    for (size_t i = 0; sums != NULL && i < part->cells_len; i++) {
        sotto__value_clear(&sums[i]);
    }
    sotto_free(sums);
    return status == SOTTO_OK
               ? status
               : sotto_error_prefix(err, "output \"%s\"", driver->plan->outputs[output].name);
}

static enum sotto_status evaluate_group(struct sotto_driver *driver, size_t group,
                                        const struct sotto__aggregate *aggregate,
                                        struct sotto_error *err)
{
    const struct sotto__of *ofs = driver->program.ofs;
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < driver->plan->outputs_len; i++) {
        status = evaluate_part(driver, group, i, &ofs, aggregate, err);
    }
    return status;
}

enum sotto_status sotto_driver_advance(struct sotto_driver *driver, const uint64_t *limbs,
                                       size_t limbs_len, struct sotto_error *err)
{
    const struct sotto__program *program = &driver->program;
    if (driver->round == 0) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "the last round is over");
    }
    if (limbs_len != program->limbs_len) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "the aggregate has %zu limbs, expected %zu", limbs_len,
                               program->limbs_len);
    }
    struct sotto__aggregate aggregate;
    if (aggregate_init(&aggregate, program->terms_len) != SOTTO_OK) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "out of memory");
    }
    struct sotto_arithmetic arithmetic;
    sotto_arithmetic_enter(&arithmetic);
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < program->groups_len; i++) {
        status = sotto__aggregate_read(&aggregate, limbs + i * program->group_limbs, program, err);
        if (status == SOTTO_OK) {
            status = evaluate_group(driver, i, &aggregate, err);
        }
    }
    sotto_arithmetic_leave(&arithmetic);
    aggregate_release(&aggregate);
    if (status == SOTTO_OK) {
        driver->round = 0; /* this version's plans have one round */
    }
    return status;
}

/* --- A party's contribution --- */

/* The columns of one dataset that a round reads, and what each worker needs. */
struct reading {
    struct sotto_csv_wanted *wanted;
    size_t *columns; /* of the expansion */
    size_t wanted_len;
    size_t dataset;
    struct sotto__rows *workers;
    size_t workers_len;
    const struct sotto_column **blocks; /* [worker * columns_len + i]: the expansion's column i */
    size_t columns_len;
};

static void reading_release(struct reading *reading)
{
    for (size_t i = 0; i < reading->workers_len; i++) {
        sotto__rows_release(&reading->workers[i]);
    }
    sotto_free(reading->workers);
    sotto_free(reading->blocks);
    sotto_free(reading->wanted);
    sotto_free(reading->columns);
}

static enum sotto_status find_columns(struct reading *reading, const struct sotto_driver *driver,
                                      size_t dataset, const struct sotto_catalogue *catalogue,
                                      struct sotto_error *err)
{
    for (size_t i = 0; i < driver->expansion.columns_len; i++) {
        const struct sotto__column *column = &driver->expansion.columns[i];
        if (column->dataset != dataset) {
            continue;
        }
        size_t found = sotto_catalogue_find(catalogue, column->name);
        if (found == SIZE_MAX) {
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

static enum sotto_status reading_init(struct reading *reading, const struct sotto_driver *driver,
                                      size_t dataset, const struct sotto_csv *file,
                                      const struct sotto_catalogue *catalogue,
                                      struct sotto_error *err)
{
    size_t columns_len = driver->expansion.columns_len;
    *reading = (struct reading){.dataset = dataset, .columns_len = columns_len};
    reading->wanted = sotto_alloc_array(columns_len, sizeof *reading->wanted);
    reading->columns = sotto_alloc_array(columns_len, sizeof *reading->columns);
    if (reading->wanted == NULL || reading->columns == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "out of memory");
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
        status = sotto__rows_init(&reading->workers[reading->workers_len++], &driver->program);
    }
    return status == SOTTO_OK ? status : sotto_error_set(err, status, "out of memory");
}

static enum sotto_status sink(void *context, size_t worker, uint64_t first_row,
                              const struct sotto_column *columns, size_t columns_len, size_t rows,
                              struct sotto_error *err)
{
    (void)first_row;
    struct reading *reading = context;
    const struct sotto_column **blocks = reading->blocks + worker * reading->columns_len;
    for (size_t i = 0; i < columns_len; i++) {
        blocks[reading->columns[i]] = &columns[i];
    }
    return sotto__rows_take(&reading->workers[worker], reading->dataset, blocks, rows, err);
}

static enum sotto_status read_dataset(const struct sotto_driver *driver, uint64_t *out,
                                      size_t dataset, struct sotto_csv *file,
                                      const struct sotto_catalogue *catalogue,
                                      struct sotto_error *err)
{
    struct reading reading;
    enum sotto_status status = reading_init(&reading, driver, dataset, file, catalogue, err);
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
        sotto__accumulators_add_to(&reading.workers[i], out);
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
    SOTTO_REQUIRE(limbs_len == driver->program.limbs_len);
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < driver->plan->datasets_len; i++) {
        status = read_dataset(driver, out, i, files[i], catalogues[i], err);
    }
    if (status != SOTTO_OK) {
        memset(out, 0, limbs_len * sizeof *out);
    }
    return status;
}
