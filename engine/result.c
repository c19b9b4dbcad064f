/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <sotto/alloc.h>
#include <sotto/arithmetic.h>
#include <stdio.h>

#define RESULT_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* --- Outputs --- */

static enum sotto_status write_exact(struct sotto_writer *writer, const struct sotto__value *value)
{
    char *text;
    enum sotto_status status;
    if (sotto__exact_text(&text, &status, value->number)) {
        sotto__json_raw(writer, ", \"exact\": ");
        sotto__json_string(writer, text);
        sotto_free(text);
    }
    return status;
}

static void write_special(struct sotto_writer *writer, enum sotto__value_kind kind)
{
    sotto__json_raw(writer, "null, \"special\": ");
    sotto__json_string(writer, kind == VALUE_NAN ? "NaN" : kind == VALUE_INFINITE ? "inf" : "-inf");
}

/* The root of an output: what kind of JSON its values are. */
static bool root_is(const struct sotto__expression *expression, enum sotto__function function)
{
    const struct sotto__node *root = &expression->nodes[expression->nodes_len - 1];
    return root->kind == NODE_AGGREGATE && root->function == function;
}

static void write_number(struct sotto_writer *writer, const struct sotto__value *value)
{
    double rounded = sotto__value_double(value);
    if (rounded - rounded == 0) {
        char text[DOUBLE_TEXT_BYTES];
        sotto__double_text(text, rounded);
        sotto__json_raw(writer, text);
    } else {
        /* Finite, but beyond the largest double. */
        write_special(writer, rounded > 0 ? VALUE_INFINITE : VALUE_NEGATIVE_INFINITE);
    }
}

static enum sotto_status write_value(struct sotto_writer *writer, const struct sotto__value *value,
                                     uint64_t made, const struct sotto__expression *expression)
{
    sotto__json_raw(writer, "{\"value\": ");
    enum sotto_status status = SOTTO_OK;
    if (value->kind != VALUE_FINITE) {
        write_special(writer, value->kind);
    } else if (root_is(expression, FUNCTION_ANY) || root_is(expression, FUNCTION_ALL)) {
        sotto__json_raw(writer, mpq_sgn(value->number) != 0 ? "true" : "false");
    } else if (root_is(expression, FUNCTION_COUNT)) {
        sotto__json_integer(writer, mpz_get_ui(mpq_numref(value->number)));
        status = write_exact(writer, value);
    } else {
        write_number(writer, value);
        if (!value->is_root && !value->is_rounded) {
            status = write_exact(writer, value);
        }
    }
    if (made > 0) {
        sotto__json_raw(writer, ", \"nan_made\": ");
        sotto__json_integer(writer, made);
    }
    sotto__json_raw(writer, "}");
    return status;
}

static enum sotto_status write_output(struct sotto_writer *writer,
                                      const struct sotto_driver *driver, size_t output)
{
    const struct sotto_plan *plan = driver->plan;
    size_t groups_len = driver->program->groups_len;
    bool is_series = plan->keys_len > 0;
    enum sotto_status status = SOTTO_OK;
    sotto__json_raw(writer, is_series ? "{\"values\": [" : "");
    for (size_t group = 0; status == SOTTO_OK && group < groups_len; group++) {
        size_t at = group * plan->outputs_len + output;
        sotto__json_raw(writer, group > 0 ? ", " : "");
        status = write_value(writer, &driver->values[at], driver->made[at],
                             &plan->outputs[output].expression);
    }
    sotto__json_raw(writer, is_series ? "]}" : "");
    return status;
}

static enum sotto_status write_outputs(struct sotto_writer *writer,
                                       const struct sotto_driver *driver)
{
    enum sotto_status status = SOTTO_OK;
    sotto__json_raw(writer, "{\"outputs\": {");
    for (size_t i = 0; status == SOTTO_OK && i < driver->plan->outputs_len; i++) {
        sotto__json_raw(writer, i > 0 ? ", " : "");
        sotto__json_string(writer, driver->plan->outputs[i].name);
        sotto__json_raw(writer, ": ");
        status = write_output(writer, driver, i);
    }
    sotto__json_raw(writer, "}");
    return status;
}

/* --- Groups --- */

/* The label of a group in a key: a level as the plan has it, or (other). */
static void write_label(struct sotto_writer *writer, const struct sotto__group_key *key,
                        size_t level)
{
    if (level == key->levels_len) {
        sotto__json_string(writer, "(other)");
    } else if (key->levels[level].kind == LEVEL_TEXT) {
        sotto__json_string(writer, key->levels[level].text);
    } else {
        sotto__json_raw(writer, key->levels[level].text);
    }
}

static void write_groups(struct sotto_writer *writer, const struct sotto_driver *driver)
{
    const struct sotto_plan *plan = driver->plan;
    if (plan->keys_len == 0) {
        return;
    }
    sotto__json_raw(writer, ", \"groups\": {\"keys\": [");
    for (size_t i = 0; i < plan->keys_len; i++) {
        sotto__json_raw(writer, i > 0 ? ", " : "");
        sotto__json_string(writer, plan->columns[driver->program->keys[i]].name);
    }
    sotto__json_raw(writer, "], \"labels\": [");
    for (size_t group = 0; group < driver->program->groups_len; group++) {
        size_t rest = driver->program->groups_len;
        sotto__json_raw(writer, group > 0 ? ", [" : "[");
        for (size_t i = 0; i < plan->keys_len; i++) {
            size_t levels_len = sotto__levels_len(driver->program->levels[i]);
            rest /= levels_len;
            sotto__json_raw(writer, i > 0 ? ", " : "");
            write_label(writer, &plan->keys[i], group / rest % levels_len);
        }
        sotto__json_raw(writer, "]");
    }
    sotto__json_raw(writer, "]}");
}

/* --- What they were made from --- */

static void write_parties(struct sotto_writer *writer, const struct sotto_result_parties *parties)
{
    sotto__json_raw(writer, ", \"parties\": {\"invited\": ");
    sotto__json_integer(writer, parties->invited);
    sotto__json_raw(writer, ", \"joined\": ");
    sotto__json_integer(writer, parties->joined);
    sotto__json_raw(writer, ", \"survived\": ");
    sotto__json_integer(writer, parties->survived);
    sotto__json_raw(writer, "}");
}

static void write_type(struct sotto_writer *writer, struct sotto_type type)
{
    sotto__json_raw(writer, "{\"type\": ");
    sotto__json_string(writer, sotto_kind_name(type.kind));
    if (type.kind == SOTTO_KIND_DECIMAL) {
        sotto__json_raw(writer, ", \"scale\": ");
        sotto__json_integer(writer, type.scale);
    }
    sotto__json_raw(writer, "}");
}

/* Columns are sorted by dataset. */
static void write_schema(struct sotto_writer *writer, const struct sotto_driver *driver)
{
    const struct sotto_plan *plan = driver->plan;
    size_t i = 0;
    sotto__json_raw(writer, ", \"schema\": {");
    while (i < plan->columns_len) {
        size_t dataset = plan->columns[i].dataset;
        sotto__json_raw(writer, i > 0 ? ", " : "");
        sotto__json_string(writer, plan->datasets[dataset].alias);
        sotto__json_raw(writer, ": {");
        for (size_t first = i; i < plan->columns_len && plan->columns[i].dataset == dataset; i++) {
            sotto__json_raw(writer, i > first ? ", " : "");
            sotto__json_string(writer, plan->columns[i].name);
            sotto__json_raw(writer, ": ");
            write_type(writer, driver->schema.fields[i].type);
        }
        sotto__json_raw(writer, "}");
    }
    sotto__json_raw(writer, "}");
}

/* --- Conversions --- */

static enum sotto_status write_conversion(struct sotto_writer *writer, bool *first,
                                          const struct sotto_driver *driver, size_t column,
                                          const char *what)
{
    const struct sotto_plan *plan = driver->plan;
    struct sotto_writer text;
    char *line;
    sotto_writer_init(&text, RESULT_BYTES_MAX);
    sotto__json_raw(&text, plan->datasets[plan->columns[column].dataset].alias);
    sotto__json_raw(&text, ".");
    sotto__json_raw(&text, plan->columns[column].name);
    sotto__json_raw(&text, ": ");
    sotto__json_raw(&text, what);
    enum sotto_status status = sotto__json_finish(&text, &line);
    if (status == SOTTO_OK) {
        sotto__json_raw(writer, *first ? "" : ", ");
        sotto__json_string(writer, line);
        sotto_free(line);
        *first = false;
    }
    return status;
}

static enum sotto_status write_column_conversions(struct sotto_writer *writer, bool *first,
                                                  const struct sotto_driver *driver, size_t column,
                                                  const struct sotto_schema *offers,
                                                  size_t offers_len)
{
    size_t exact = 0;
    size_t lost = 0;
    for (size_t party = 0; party < offers_len; party++) {
        const struct sotto_schema_field *field = &offers[party].fields[column];
        exact += field->type.kind == SOTTO_KIND_INT64 || field->type.kind == SOTTO_KIND_DECIMAL;
        lost += field->digits_lost;
    }
    char what[160];
    enum sotto_status status = SOTTO_OK;
    if (driver->schema.fields[column].type.kind == SOTTO_KIND_FLOAT64 && exact > 0) {
        (void)snprintf(what, sizeof what,
                       "int64 or decimal at %zu of %zu parties, read as float64: each value "
                       "became the double nearest to it",
                       exact, offers_len);
        status = write_conversion(writer, first, driver, column, what);
    }
    if (status == SOTTO_OK && lost > 0) {
        (void)snprintf(what, sizeof what,
                       "float64 at %zu of %zu parties, with numbers of more digits than a double "
                       "holds: digits are lost",
                       lost, offers_len);
        status = write_conversion(writer, first, driver, column, what);
    }
    return status;
}

static enum sotto_status write_conversions(struct sotto_writer *writer,
                                           const struct sotto_driver *driver,
                                           const struct sotto_schema *offers, size_t offers_len)
{
    bool first = true;
    enum sotto_status status = SOTTO_OK;
    sotto__json_raw(writer, ", \"conversions\": [");
    for (size_t i = 0; status == SOTTO_OK && i < driver->plan->columns_len; i++) {
        status = write_column_conversions(writer, &first, driver, i, offers, offers_len);
    }
    sotto__json_raw(writer, "]}");
    return status;
}

enum sotto_status sotto_driver_result(const struct sotto_driver *driver, char **out,
                                      const struct sotto_result_parties *parties,
                                      const struct sotto_schema *offers, size_t offers_len,
                                      struct sotto_error *err)
{
    if (driver->round != 0) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "there is no result before the last round");
    }
    for (size_t i = 0; i < offers_len; i++) {
        SOTTO_REQUIRE(offers[i].fields_len == driver->schema.fields_len);
    }
    struct sotto_writer writer;
    struct sotto_arithmetic arithmetic;
    sotto_arithmetic_enter(&arithmetic);
    sotto_writer_init(&writer, RESULT_BYTES_MAX);
    enum sotto_status status = write_outputs(&writer, driver);
    write_groups(&writer, driver);
    write_parties(&writer, parties);
    write_schema(&writer, driver);
    if (status == SOTTO_OK) {
        status = write_conversions(&writer, driver, offers, offers_len);
    }
    if (status == SOTTO_OK) {
        status = sotto__json_finish(&writer, out);
    }
    sotto_writer_release(&writer);
    sotto_arithmetic_leave(&arithmetic);
    return status == SOTTO_OK ? status : sotto_error_set(err, status, "out of memory");
}
