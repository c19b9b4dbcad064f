/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <sotto/alloc.h>
#include <sotto/schema.h>
#include <stdio.h>
#include <string.h>

void sotto_schema_release(struct sotto_schema *schema)
{
    sotto_free(schema->fields);
    *schema = (struct sotto_schema){0};
}

static enum sotto_status schema_init(struct sotto_schema *out, const struct sotto_plan *plan)
{
    out->fields = sotto_alloc_array(plan->columns_len, sizeof *out->fields);
    out->fields_len = plan->columns_len;
    return out->fields != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

/* "; did you mean "wage"?", or the first names that there are. */
static enum sotto_status no_such_column(const struct sotto_plan *plan, size_t column,
                                        const struct sotto_catalogue *catalogue,
                                        struct sotto_error *err)
{
    const struct sotto_plan_column *wanted = &plan->columns[column];
    const struct sotto__plan_dataset *dataset = &plan->datasets[wanted->dataset];
    const char **names = sotto_alloc_array(catalogue->columns_len, sizeof *names);
    if (names == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "out of memory");
    }
    size_t names_len = 0;
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        if (!catalogue->columns[i].hidden) {
            names[names_len++] = catalogue->columns[i].name;
        }
    }
    const char *nearest = sotto__nearest(wanted->name, names, names_len);
    if (nearest != NULL) {
        (void)sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                              "dataset \"%s\" (%s) has no column \"%s\"; did you mean \"%s\"?",
                              dataset->alias, dataset->file, wanted->name, nearest);
    } else {
        char list[200] = "";
        size_t at = 0;
        for (size_t i = 0; i < names_len && at < sizeof list; i++) {
            at += (size_t)snprintf(list + at, sizeof list - at, i > 0 ? ", %s" : "%s", names[i]);
        }
        (void)sotto_error_set(
            err, SOTTO_ERROR_NOT_FOUND, "dataset \"%s\" (%s) has no column \"%s\"; it has %s%s",
            dataset->alias, dataset->file, wanted->name, list, at < sizeof list ? "" : "...");
    }
    sotto_free(names);
    return SOTTO_ERROR_NOT_FOUND;
}

enum sotto_status sotto_schema_offer(struct sotto_schema *out, const struct sotto_plan *plan,
                                     const struct sotto_catalogue *const *catalogues,
                                     struct sotto_error *err)
{
    struct sotto_schema schema;
    enum sotto_status status = schema_init(&schema, plan);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "out of memory");
    }
    for (size_t i = 0; i < plan->columns_len; i++) {
        const struct sotto_catalogue *catalogue = catalogues[plan->columns[i].dataset];
        size_t found = sotto_catalogue_find(catalogue, plan->columns[i].name);
        if (found == SIZE_MAX) {
            sotto_schema_release(&schema);
            return no_such_column(plan, i, catalogue, err);
        }
        schema.fields[i].type = catalogue->columns[found].type;
        schema.fields[i].digits_lost = catalogue->columns[found].digits_lost;
    }
    *out = schema;
    return SOTTO_OK;
}

/* --- Agreement --- */

static void party_name(char *out, size_t out_bytes, const char *const *names, size_t party)
{
    if (names != NULL) {
        (void)snprintf(out, out_bytes, "%s", names[party]);
    } else {
        (void)snprintf(out, out_bytes, "party %zu", party + 1);
    }
}

static enum sotto_status disagreement(const struct sotto_plan *plan, size_t column,
                                      const struct sotto_schema *offers, const char *const *names,
                                      size_t first, size_t second, struct sotto_error *err)
{
    char first_name[120];
    char second_name[120];
    party_name(first_name, sizeof first_name, names, first);
    party_name(second_name, sizeof second_name, names, second);
    return sotto_error_set(err, SOTTO_ERROR_TYPE,
                           "column %s.%s is %s at %s, but %s at %s: numbers, booleans and texts "
                           "don't mix",
                           plan->datasets[plan->columns[column].dataset].alias,
                           plan->columns[column].name,
                           sotto_kind_name(offers[first].fields[column].type.kind), first_name,
                           sotto_kind_name(offers[second].fields[column].type.kind), second_name);
}

/* The first offer before `second` that is not null in the column; there is one where agreement
 * fails. */
static size_t first_typed(const struct sotto_schema *offers, size_t column, size_t second)
{
    size_t first = 0;
    while (first + 1 < second && offers[first].fields[column].type.kind == SOTTO_KIND_NULL) {
        first++;
    }
    return first;
}

enum sotto_status sotto_schema_agree(struct sotto_schema *out, const struct sotto_plan *plan,
                                     const struct sotto_schema *offers, const char *const *names,
                                     size_t offers_len, struct sotto_error *err)
{
    SOTTO_REQUIRE(offers_len > 0);
    struct sotto_schema schema;
    enum sotto_status status = schema_init(&schema, plan);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "out of memory");
    }
    for (size_t i = 0; i < plan->columns_len; i++) {
        struct sotto_schema_field *field = &schema.fields[i];
        for (size_t party = 0; party < offers_len; party++) {
            SOTTO_REQUIRE(offers[party].fields_len == plan->columns_len);
            const struct sotto_schema_field *offered = &offers[party].fields[i];
            if (!sotto_type_agree(&field->type, field->type, offered->type)) {
                sotto_schema_release(&schema);
                return disagreement(plan, i, offers, names, first_typed(offers, i, party), party,
                                    err);
            }
            field->digits_lost = field->digits_lost || offered->digits_lost;
        }
    }
    *out = schema;
    return SOTTO_OK;
}

/* --- Bytes: u32 fields, then for each u8 kind, u8 scale, u8 digits_lost --- */

void sotto_schema_write(const struct sotto_schema *schema, struct sotto_writer *writer)
{
    sotto_write_u32(writer, (uint32_t)schema->fields_len);
    for (size_t i = 0; i < schema->fields_len; i++) {
        sotto_write_u8(writer, (uint8_t)schema->fields[i].type.kind);
        sotto_write_u8(writer, schema->fields[i].type.scale);
        sotto_write_u8(writer, schema->fields[i].digits_lost);
    }
}

static bool read_field(struct sotto_schema_field *out, struct sotto_reader *reader)
{
    uint8_t kind = sotto_read_u8(reader);
    uint8_t scale = sotto_read_u8(reader);
    uint8_t digits_lost = sotto_read_u8(reader);
    if (kind >= SOTTO_KINDS_LEN || scale > SOTTO_SCALE_MAX || digits_lost > 1 ||
        (scale > 0 && kind != SOTTO_KIND_DECIMAL) ||
        (digits_lost == 1 && kind != SOTTO_KIND_FLOAT64)) {
        return false;
    }
    *out = (struct sotto_schema_field){
        .type = {.kind = (enum sotto_kind)kind, .scale = scale},
        .digits_lost = digits_lost != 0,
    };
    return true;
}

enum sotto_status sotto_schema_read(struct sotto_schema *out, const struct sotto_plan *plan,
                                    struct sotto_reader *reader)
{
    if (sotto_read_u32(reader) != plan->columns_len) {
        sotto_reader_fail(reader);
        return SOTTO_ERROR_INPUT;
    }
    struct sotto_schema schema;
    enum sotto_status status = schema_init(&schema, plan);
    bool valid = true;
    for (size_t i = 0; status == SOTTO_OK && valid && i < schema.fields_len; i++) {
        valid = read_field(&schema.fields[i], reader);
    }
    /* Nothing may have failed: ask by reading nothing. */
    if (status == SOTTO_OK && (!valid || sotto_read_bytes(reader, 0) == NULL)) {
        sotto_reader_fail(reader);
        status = SOTTO_ERROR_INPUT;
    }
    if (status != SOTTO_OK) {
        sotto_schema_release(&schema);
        return status;
    }
    *out = schema;
    return SOTTO_OK;
}
