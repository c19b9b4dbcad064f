/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <sotto/alloc.h>
#include <string.h>

/* --- Making one --- */

static enum sotto_status check_types(const struct sotto_plan *plan,
                                     const struct sotto_schema *schema, struct sotto_error *err)
{
    for (size_t i = 0; i < plan->outputs_len; i++) {
        const struct sotto__expression *expression = &plan->outputs[i].expression;
        for (size_t j = 0; j < expression->nodes_len; j++) {
            const struct sotto__node *node = &expression->nodes[j];
            if (node->kind != NODE_AGGREGATE || node->function == FUNCTION_COUNT) {
                continue;
            }
            size_t column = expression->nodes[node->left].column;
            if (schema->fields[column].type.kind == SOTTO_KIND_STRING) {
                return sotto_error_set(err, SOTTO_ERROR_TYPE,
                                       "output \"%s\": %s takes numbers or booleans, but column "
                                       "%s.%s is string",
                                       plan->outputs[i].name, sotto__function_name(node->function),
                                       plan->datasets[plan->columns[column].dataset].alias,
                                       plan->columns[column].name);
            }
        }
    }
    return SOTTO_OK;
}

static enum sotto_status copy_schema(struct sotto_schema *out, const struct sotto_schema *schema)
{
    out->fields = sotto_alloc_array(schema->fields_len, sizeof *out->fields);
    if (out->fields == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    out->fields_len = schema->fields_len;
    for (size_t i = 0; i < schema->fields_len; i++) {
        out->fields[i] = schema->fields[i];
    }
    return SOTTO_OK;
}

static enum sotto_status driver_init(struct sotto_driver *driver, const struct sotto_plan *plan,
                                     const struct sotto_schema *schema)
{
    driver->plan = plan;
    driver->round = 1;
    enum sotto_status status = copy_schema(&driver->schema, schema);
    if (status == SOTTO_OK) {
        status = sotto__layout_init(&driver->layout, plan, schema);
    }
    driver->aggregates = sotto_alloc_array(plan->columns_len, sizeof *driver->aggregates);
    driver->values = sotto_alloc_array(plan->outputs_len, sizeof *driver->values);
    if (status != SOTTO_OK || driver->aggregates == NULL || driver->values == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (; driver->aggregates_len < plan->columns_len; driver->aggregates_len++) {
        sotto__value_init(&driver->aggregates[driver->aggregates_len].sum);
    }
    for (; driver->values_len < plan->outputs_len; driver->values_len++) {
        sotto__value_init(&driver->values[driver->values_len]);
    }
    return SOTTO_OK;
}

enum sotto_status sotto_driver_new(struct sotto_driver **out, const struct sotto_plan *plan,
                                   const struct sotto_schema *schema, struct sotto_error *err)
{
    SOTTO_REQUIRE(schema->fields_len == plan->columns_len);
    enum sotto_status status = check_types(plan, schema, err);
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto_driver *driver = sotto_alloc_zeroed(sizeof *driver);
    if (driver == NULL || driver_init(driver, plan, schema) != SOTTO_OK) {
        sotto_driver_free(driver);
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "out of memory");
    }
    *out = driver;
    return SOTTO_OK;
}

void sotto_driver_free(struct sotto_driver *driver)
{
    if (driver == NULL) {
        return;
    }
    for (size_t i = 0; i < driver->aggregates_len; i++) {
        sotto__value_clear(&driver->aggregates[i].sum);
    }
    for (size_t i = 0; i < driver->values_len; i++) {
        sotto__value_clear(&driver->values[i]);
    }
    sotto_free(driver->aggregates);
    sotto_free(driver->values);
    sotto__layout_release(&driver->layout);
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
    *out_slots_len = driver->round != 0 ? driver->layout.slots_len : 0;
    return driver->layout.slots;
}

size_t sotto_driver_limbs_len(const struct sotto_driver *driver)
{
    return driver->round != 0 ? driver->layout.limbs_len : 0;
}

enum sotto_status sotto_driver_advance(struct sotto_driver *driver, const uint64_t *limbs,
                                       size_t limbs_len, struct sotto_error *err)
{
    const struct sotto_plan *plan = driver->plan;
    if (driver->round == 0) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "the last round is over");
    }
    if (limbs_len != driver->layout.limbs_len) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "the aggregate has %zu limbs, expected %zu", limbs_len,
                               driver->layout.limbs_len);
    }
    for (size_t i = 0; i < plan->columns_len; i++) {
        enum sotto_status status =
            sotto__aggregate_read(&driver->aggregates[i], limbs, &driver->layout.columns[i], err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    for (size_t i = 0; i < plan->outputs_len; i++) {
        sotto__evaluate(&driver->values[i], &plan->outputs[i].expression, driver->aggregates);
    }
    driver->round = 0; /* this version's plans have one round */
    return SOTTO_OK;
}

/* --- A party's contribution --- */

/* The columns of one dataset that a round reads, and an accumulator for each worker and column. */
struct reading {
    struct sotto_csv_wanted *wanted;
    size_t *columns; /* of the plan */
    size_t wanted_len;
    struct sotto__accumulator *accumulators; /* [worker * wanted_len + i] */
    size_t accumulators_len;
};

static void reading_release(struct reading *reading)
{
    for (size_t i = 0; i < reading->accumulators_len; i++) {
        sotto__accumulator_release(&reading->accumulators[i]);
    }
    sotto_free(reading->accumulators);
    sotto_free(reading->wanted);
    sotto_free(reading->columns);
}

static enum sotto_status find_columns(struct reading *reading, const struct sotto_driver *driver,
                                      size_t dataset, const struct sotto_catalogue *catalogue,
                                      struct sotto_error *err)
{
    const struct sotto_plan *plan = driver->plan;
    for (size_t i = 0; i < plan->columns_len; i++) {
        if (plan->columns[i].dataset != dataset) {
            continue;
        }
        size_t found = sotto_catalogue_find(catalogue, plan->columns[i].name);
        if (found == SIZE_MAX) {
            return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                                   "dataset \"%s\" has no column \"%s\"",
                                   plan->datasets[dataset].alias, plan->columns[i].name);
        }
        reading->columns[reading->wanted_len] = i;
        reading->wanted[reading->wanted_len++] =
            (struct sotto_csv_wanted){.column = found, .type = driver->schema.fields[i].type};
    }
    return SOTTO_OK;
}

static enum sotto_status reading_init(struct reading *reading, const struct sotto_driver *driver,
                                      size_t dataset, const struct sotto_csv *file,
                                      const struct sotto_catalogue *catalogue,
                                      struct sotto_error *err)
{
    size_t columns_len = driver->plan->columns_len;
    *reading = (struct reading){0};
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
    size_t accumulators_len = sotto_csv_workers(file) * reading->wanted_len;
    reading->accumulators = sotto_alloc_array(accumulators_len, sizeof *reading->accumulators);
    status = reading->accumulators != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
    while (status == SOTTO_OK && reading->accumulators_len < accumulators_len) {
        size_t i = reading->accumulators_len % reading->wanted_len;
        status = sotto__accumulator_init(&reading->accumulators[reading->accumulators_len],
                                         reading->wanted[i].type);
        reading->accumulators_len++;
    }
    return status == SOTTO_OK ? status : sotto_error_set(err, status, "out of memory");
}

static enum sotto_status sink(void *context, size_t worker, uint64_t first_row,
                              const struct sotto_column *columns, size_t columns_len, size_t rows,
                              struct sotto_error *err)
{
    (void)first_row;
    (void)rows;
    (void)err;
    struct reading *reading = context;
    for (size_t i = 0; i < columns_len; i++) {
        sotto__accumulate(&reading->accumulators[worker * reading->wanted_len + i], &columns[i]);
    }
    return SOTTO_OK;
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
    bool reads = status == SOTTO_OK && reading.wanted_len > 0;
    for (size_t i = 0; reads && i < reading.accumulators_len; i++) {
        size_t column = reading.columns[i % reading.wanted_len];
        sotto__accumulator_add_to(&reading.accumulators[i], out, &driver->layout.columns[column]);
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
    SOTTO_REQUIRE(limbs_len == driver->layout.limbs_len);
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < driver->plan->datasets_len; i++) {
        status = read_dataset(driver, out, i, files[i], catalogues[i], err);
    }
    if (status != SOTTO_OK) {
        memset(out, 0, limbs_len * sizeof *out);
    }
    return status;
}
