/* SPDX-License-Identifier: Apache-2.0 */

/* A table as a struct array of the Arrow C Data Interface. Leans on the table's holds.
 *
 * The idea: nothing is copied but narrow decimals, which Arrow has in 128 bits only; the receiver
 * borrows the table's buffers. It may move children out of the array and release them after it, so
 * each array holds the table for itself, and the last release frees it. */

#include "table/table.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

/* Any value fits: 2^63 x 10^18 has 37 digits. */
#define DECIMAL_PRECISION 38

#define FORMAT_BYTES 16

/* --- Schemas --- */

struct schema_data {
    char format[FORMAT_BYTES];
    char *name;
    struct ArrowSchema *children; /* storage for those that are not moved out */
    struct ArrowSchema **pointers;
};

static void schema_release(struct ArrowSchema *schema)
{
    struct schema_data *data = schema->private_data;
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i]->release != NULL) {
            schema->children[i]->release(schema->children[i]);
        }
    }
    sotto_free(data->name);
    sotto_free(data->children);
    sotto_free(data->pointers);
    sotto_free(data);
    schema->release = NULL;
}

/* The letters of a type: Arrow's own grammar of formats. */
static void write_format(char out[FORMAT_BYTES], struct sotto_type type)
{
    static const char *const formats[SOTTO_KINDS_LEN] = {"n", "b",   "l",    "d",      "g",
                                                         "U", "tdD", "tsu:", "tsu:UTC"};
    if (type.kind == SOTTO_KIND_DECIMAL) {
        (void)snprintf(out, FORMAT_BYTES, "d:%d,%d", DECIMAL_PRECISION, type.scale);
    } else {
        (void)snprintf(out, FORMAT_BYTES, "%s", formats[type.kind]);
    }
}

/* On failure *out is released already. */
static enum sotto_status schema_init(struct ArrowSchema *out, const char *format, const char *name,
                                     int64_t flags, size_t children_len)
{
    struct schema_data *data = sotto_alloc_zeroed(sizeof *data);
    if (data == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    (void)snprintf(data->format, sizeof data->format, "%s", format);
    data->name = sotto_text_copy(name, strlen(name));
    data->children = sotto_alloc_array(children_len, sizeof *data->children);
    data->pointers = sotto_alloc_array(children_len, sizeof *data->pointers);
    *out = (struct ArrowSchema){
        .format = data->format,
        .name = data->name,
        .flags = flags,
        .children = data->pointers,
        .release = schema_release,
        .private_data = data,
    };
    if (data->name == NULL || data->children == NULL || data->pointers == NULL) {
        schema_release(out);
        return SOTTO_ERROR_NO_MEMORY;
    }
    return SOTTO_OK;
}

static enum sotto_status export_schema(struct ArrowSchema *out, const struct sotto_table *table)
{
    enum sotto_status status = schema_init(out, "+s", "", 0, table->columns_len);
    if (status != SOTTO_OK) {
        return status;
    }
    struct schema_data *data = out->private_data;
    for (size_t i = 0; i < table->columns_len; i++) {
        char format[FORMAT_BYTES];
        write_format(format, table->columns[i].view.type);
        status =
            schema_init(&data->children[i], format, table->columns[i].name, ARROW_FLAG_NULLABLE, 0);
        if (status != SOTTO_OK) {
            schema_release(out);
            return status;
        }
        data->pointers[i] = &data->children[i];
        out->n_children++;
    }
    return SOTTO_OK;
}

/* --- Arrays --- */

struct array_data {
    struct sotto_table *table;
    const void *buffers[3];
    void *own; /* decimals that were widened, dates that were narrowed */
    struct ArrowArray *children;
    struct ArrowArray **pointers;
};

static void array_release(struct ArrowArray *array)
{
    struct array_data *data = array->private_data;
    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i]->release != NULL) {
            array->children[i]->release(array->children[i]);
        }
    }
    sotto_table_free(data->table);
    sotto_free(data->own);
    sotto_free(data->children);
    sotto_free(data->pointers);
    sotto_free(data);
    array->release = NULL;
}

/* On failure *out is released already. */
static enum sotto_status array_init(struct ArrowArray *out, struct sotto_table *table,
                                    int64_t n_buffers, size_t children_len)
{
    struct array_data *data = sotto_alloc_zeroed(sizeof *data);
    if (data == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    data->table = sotto__table_hold(table);
    data->children = sotto_alloc_array(children_len, sizeof *data->children);
    data->pointers = sotto_alloc_array(children_len, sizeof *data->pointers);
    *out = (struct ArrowArray){
        .length = (int64_t)table->rows,
        .n_buffers = n_buffers,
        .buffers = data->buffers,
        .children = data->pointers,
        .release = array_release,
        .private_data = data,
    };
    if (data->children == NULL || data->pointers == NULL) {
        array_release(out);
        return SOTTO_ERROR_NO_MEMORY;
    }
    return SOTTO_OK;
}

/* Values that Arrow has in another width. Returns: SOTTO_ERROR_NO_MEMORY. */
static enum sotto_status own_values(struct array_data *data, const struct sotto_column *column)
{
    bool is_decimal = column->type.kind == SOTTO_KIND_DECIMAL && !column->wide;
    bool is_date = column->type.kind == SOTTO_KIND_DATE;
    if (!is_decimal && !is_date) {
        return SOTTO_OK;
    }
    data->own = sotto_alloc_aligned(column->len *
                                    (is_date ? sizeof(int32_t) : sizeof(struct sotto_int128)));
    if (data->own == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    if (is_decimal) {
        memcpy(data->own, column->values, column->len * sizeof(int64_t));
        sotto__values_widen(data->own, column->len);
    }
    const int64_t *days = column->values;
    int32_t *out = data->own;
    for (size_t i = 0; is_date && i < column->len; i++) {
        out[i] = (int32_t)days[i]; /* at most SOTTO_DATE_MAX */
    }
    data->buffers[1] = data->own;
    return SOTTO_OK;
}

static enum sotto_status export_column(struct ArrowArray *out, struct sotto_table *table, size_t i)
{
    static const int64_t n_buffers[SOTTO_KINDS_LEN] = {0, 2, 2, 2, 2, 3, 2, 2, 2};
    const struct sotto_column *column = &table->columns[i].view;
    enum sotto_status status = array_init(out, table, n_buffers[column->type.kind], 0);
    if (status != SOTTO_OK) {
        return status;
    }
    struct array_data *data = out->private_data;
    out->null_count = (int64_t)column->null_count;
    if (column->type.kind == SOTTO_KIND_NULL) {
        return SOTTO_OK;
    }
    data->buffers[0] = column->validity;
    data->buffers[1] = column->values;
    if (column->type.kind == SOTTO_KIND_STRING) {
        data->buffers[1] = column->offsets;
        data->buffers[2] = column->values;
    }
    status = own_values(data, column);
    if (status != SOTTO_OK) {
        array_release(out);
    }
    return status;
}

static enum sotto_status export_array(struct ArrowArray *out, struct sotto_table *table)
{
    enum sotto_status status = array_init(out, table, 1, table->columns_len);
    if (status != SOTTO_OK) {
        return status;
    }
    struct array_data *data = out->private_data;
    for (size_t i = 0; i < table->columns_len; i++) {
        status = export_column(&data->children[i], table, i);
        if (status != SOTTO_OK) {
            array_release(out);
            return status;
        }
        data->pointers[i] = &data->children[i];
        out->n_children++;
    }
    return SOTTO_OK;
}

static enum sotto_status export_failed(struct sotto_error *err, enum sotto_status status)
{
    return sotto_error_set(err, status, "exporting a table: %s", sotto_status_text(status));
}

enum sotto_status sotto_arrow_export(struct ArrowSchema *out_schema, struct ArrowArray *out_array,
                                     struct sotto_table *table, struct sotto_error *err)
{
    struct ArrowSchema schema;
    struct ArrowArray array;
    enum sotto_status status = export_schema(&schema, table);
    if (status != SOTTO_OK) {
        return export_failed(err, status);
    }
    status = export_array(&array, table);
    if (status != SOTTO_OK) {
        schema_release(&schema);
        return export_failed(err, status);
    }
    *out_schema = schema;
    *out_array = array;
    return SOTTO_OK;
}
