/* SPDX-License-Identifier: Apache-2.0 */

/* Columns of the types that their owner states. Leans on the room value, which reads what is
 * written. The idea: a database without dates and booleans has texts and integers in their place,
 * and what stands there is read by the rules for fields of files: so a party's rows are the same
 * in a file and in such a database. */

#include "parcel/parcel.h"

#include <inttypes.h>
#include <sotto/alloc.h>
#include <sotto/datetime.h>
#include <stdio.h>
#include <string.h>

/* Of the texts that mean a value; number.c wants a byte behind a number that ends it. */
#define TEXT_BYTES_MAX 128

struct stated_text {
    char text[TEXT_BYTES_MAX + 1];
    size_t bytes; /* of the value: more than TEXT_BYTES_MAX where it was cut */
};

static struct stated_text copy_value(const struct sotto__parcel_column *column, size_t row)
{
    struct stated_text out;
    if (column->type.kind == SOTTO_KIND_INT64) {
        int64_t value = ((const int64_t *)column->values.data)[row];
        out.bytes = (size_t)snprintf(out.text, sizeof out.text, "%" PRId64, value);
        return out;
    }
    const int64_t *offsets = column->offsets.data;
    out.bytes = (size_t)(offsets[row + 1] - offsets[row]);
    size_t kept = out.bytes < TEXT_BYTES_MAX ? out.bytes : TEXT_BYTES_MAX;
    if (kept > 0) {
        memcpy(out.text, (const char *)column->values.data + offsets[row], kept);
    }
    out.text[kept] = '\0';
    return out;
}

/* Writes a number at this scale where it needs no larger one. */
static bool read_digits(sotto__wide *out, uint8_t scale, const struct stated_text *value)
{
    struct sotto__number number;
    if (!sotto__number_parse(&number, value->text, value->bytes, '.') ||
        number.type.kind == SOTTO_KIND_FLOAT64 || number.type.scale > scale) {
        return false;
    }
    *out = number.digits * sotto__parcel_power((unsigned)(scale - number.type.scale));
    return true;
}

/* Puts a value into zeros. Returns: false where it is none of the stated type. */
static bool put_value(void *values, size_t row, const struct sotto_csv_column *stated,
                      const struct stated_text *value)
{
    bool truth = false;
    int64_t time = 0;
    sotto__wide digits = 0;
    enum sotto_kind kind = stated->type.kind;
    if (value->bytes > TEXT_BYTES_MAX) {
        return false;
    }
    switch (kind) {
    case SOTTO_KIND_BOOL:
        if (!sotto__bool_read(&truth, stated->form, value->text, value->bytes)) {
            return false;
        }
        sotto__bit_set(values, row, truth);
        return true;
    case SOTTO_KIND_INT64:
    case SOTTO_KIND_DECIMAL:
        if (!read_digits(&digits, stated->type.scale, value)) {
            return false;
        }
        if (kind == SOTTO_KIND_INT64) {
            ((int64_t *)values)[row] = (int64_t)digits;
        } else {
            ((struct sotto_int128 *)values)[row] = (struct sotto_int128){
                .low = (uint64_t)digits, .high = (int64_t)((sotto__uwide)digits >> 64)};
        }
        return true;
    default:
        if (!sotto_datetime_parse_kind(&time, kind, stated->form, value->text, value->bytes)) {
            return false;
        }
        if (kind == SOTTO_KIND_DATE) {
            ((int32_t *)values)[row] = (int32_t)time;
        } else {
            ((int64_t *)values)[row] = time;
        }
        return true;
    }
}

static enum sotto_status refuse_value(const struct sotto_csv_column *stated,
                                      const struct stated_text *value, struct sotto_error *err)
{
    char expected[SOTTO__STATED_BYTES];
    char shown[TEXT_BYTES_MAX];
    sotto__stated_text(expected, stated->type, stated->form);
    sotto_text_reveal(shown, sizeof shown, value->text, strlen(value->text));
    return sotto_error_set(err, SOTTO_ERROR_INPUT,
                           "column \"%s\": expected %s as configured, found \"%s\"", stated->name,
                           expected, shown);
}

static size_t count_bytes(struct sotto_type type, size_t rows)
{
    switch (type.kind) {
    case SOTTO_KIND_BOOL:
        return (rows + 7) / 8;
    case SOTTO_KIND_DECIMAL:
        return rows * sizeof(struct sotto_int128);
    case SOTTO_KIND_DATE:
        return rows * sizeof(int32_t);
    default:
        return rows * sizeof(int64_t);
    }
}

/* Puts values of the stated type in the place of a column's texts or integers. */
static enum sotto_status restate(struct sotto__parcel_column *column, size_t rows,
                                 const struct sotto_csv_column *stated, struct sotto_error *err)
{
    struct sotto__pile values = {.bytes = count_bytes(stated->type, rows)};
    const uint8_t *present = column->validity.data;
    if (sotto_array_reserve(&values.data, &values.capacity, values.bytes, 1) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    if (values.bytes > 0) {
        memset(values.data, 0, values.bytes);
    }
    for (size_t row = 0; row < rows; row++) {
        if ((present[row / 8] >> (row % 8) & 1) != 0) {
            struct stated_text value = copy_value(column, row);
            if (!put_value(values.data, row, stated, &value)) {
                sotto_free(values.data);
                return refuse_value(stated, &value, err);
            }
        }
    }
    sotto_free(column->values.data);
    sotto_free(column->offsets.data);
    column->values = values;
    column->offsets = (struct sotto__pile){0};
    column->type = stated->type;
    return SOTTO_OK;
}

static enum sotto_status state_column(struct sotto__parcel_column *column, size_t rows,
                                      const struct sotto_csv_column *stated,
                                      struct sotto_error *err)
{
    char expected[SOTTO_TYPE_TEXT_BYTES];
    enum sotto_kind found = column->type.kind;
    enum sotto_kind kind = stated->type.kind;
    if (column->hidden != NULL || found == SOTTO_KIND_NULL ||
        (found == kind && column->type.scale == stated->type.scale)) {
        return SOTTO_OK;
    }
    if ((found == SOTTO_KIND_STRING || found == SOTTO_KIND_INT64) && kind != SOTTO_KIND_STRING &&
        kind != SOTTO_KIND_FLOAT64) {
        return restate(column, rows, stated, err);
    }
    sotto_type_text(expected, stated->type);
    return sotto_error_set(err, SOTTO_ERROR_TYPE,
                           "column \"%s\": expected %s as configured, found %s: cast it in a view "
                           "or query",
                           stated->name, expected, sotto_kind_name(found));
}

enum sotto_status sotto_parcels_state(struct sotto_parcels *parcels,
                                      const struct sotto_csv_column *columns, size_t columns_len,
                                      struct sotto_error *err)
{
    SOTTO_REQUIRE(sotto_parcels_are_complete(parcels));
    for (size_t i = 0; i < columns_len; i++) {
        size_t at = 0;
        while (at < parcels->columns_len &&
               strcmp(parcels->columns[at].name, columns[i].name) != 0) {
            at++;
        }
        enum sotto_status status =
            at < parcels->columns_len
                ? state_column(&parcels->columns[at], parcels->piled, &columns[i], err)
                : sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                                  "there is no column \"%s\", whose type is configured",
                                  columns[i].name);
        if (status != SOTTO_OK) {
            parcels->state = SOTTO__PARCELS_FAILED;
            return status;
        }
    }
    return SOTTO_OK;
}
