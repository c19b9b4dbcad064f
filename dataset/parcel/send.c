/* SPDX-License-Identifier: Apache-2.0 */

/* Columns as parcels, and decimal numbers that a database gives as text. Leans on base for bytes.
 * The idea: a parcel is measured before it is written, so that one that would be too large is none;
 * the sender then tries fewer rows. */

#include "parcel/parcel.h"

#include <string.h>

static size_t begin_parcel(struct sotto_writer *writer, enum sotto_parcel_kind kind)
{
    sotto_write_u32(writer, (uint32_t)kind);
    sotto_write_u32(writer, 0);
    return writer->data_bytes;
}

/* Writes the length of what was appended since begin_parcel. */
static void end_parcel(struct sotto_writer *writer, size_t begin)
{
    uint64_t bytes = writer->data_bytes - begin;
    for (size_t i = 0; !writer->failed && i < 4; i++) {
        writer->data[begin - 4 + i] = (uint8_t)(bytes >> (8 * i));
    }
}

static void write_text(struct sotto_writer *writer, const char *text, size_t bytes_max)
{
    size_t bytes = strnlen(text, bytes_max);
    sotto_write_u16(writer, (uint16_t)bytes);
    sotto_write_bytes(writer, text, bytes);
}

void sotto_parcel_write_columns(struct sotto_writer *writer,
                                const struct sotto_parcel_column *columns, size_t columns_len)
{
    size_t begin = begin_parcel(writer, SOTTO_PARCEL_COLUMNS);
    sotto_write_u32(writer, (uint32_t)columns_len);
    for (size_t i = 0; i < columns_len; i++) {
        bool is_hidden = columns[i].hidden != NULL;
        sotto_write_u8(writer, is_hidden ? SOTTO__PARCEL_HIDDEN : (uint8_t)columns[i].type.kind);
        sotto_write_u8(writer, is_hidden ? 0 : columns[i].type.scale);
        write_text(writer, columns[i].name, SOTTO_CSV_NAME_BYTES_MAX + 1);
        if (is_hidden) {
            write_text(writer, columns[i].hidden, SOTTO_PARCEL_TEXT_BYTES_MAX);
        }
    }
    end_parcel(writer, begin);
}

/* --- Decimal numbers as text --- */

/* -?digits[.digits], as PostgreSQL writes numeric: digits x 10^-scale. */
struct numeral {
    sotto__wide digits;
    uint8_t scale;
};

/* NaN is a missing value; PostgreSQL's driver writes it in small letters. */
static bool is_nan(const char *text, size_t bytes)
{
    return bytes == 3 && (memcmp(text, "NaN", 3) == 0 || memcmp(text, "nan", 3) == 0);
}

/* Returns: false where no decimal has so many digits. */
static bool add_digit(sotto__wide *in_out, char digit)
{
    const sotto__wide most = ((sotto__wide)1 << 63) * sotto__parcel_power(SOTTO_SCALE_MAX);
    *in_out = *in_out * 10 + (digit - '0');
    return *in_out <= most;
}

static enum sotto_status read_numeral(struct numeral *out, const char *text, size_t bytes)
{
    bool is_negative = bytes > 0 && text[0] == '-';
    size_t i = is_negative ? 1 : 0;
    size_t digits = 0;
    bool has_point = false;
    *out = (struct numeral){0};
    for (; i < bytes; i++) {
        if (text[i] == '.' && !has_point && digits > 0) {
            has_point = true;
            continue;
        }
        if (text[i] < '0' || text[i] > '9') {
            return SOTTO_ERROR_INPUT;
        }
        digits++;
        if (has_point && out->scale == SOTTO_SCALE_MAX) {
            if (text[i] != '0') {
                return SOTTO_ERROR_LIMIT;
            }
            continue;
        }
        if (!add_digit(&out->digits, text[i])) {
            return SOTTO_ERROR_LIMIT;
        }
        out->scale = (uint8_t)(out->scale + has_point);
    }
    if (digits == 0) {
        return SOTTO_ERROR_INPUT;
    }
    out->digits = is_negative ? -out->digits : out->digits;
    return sotto__parcel_is_decimal(out->digits, out->scale) ? SOTTO_OK : SOTTO_ERROR_LIMIT;
}

/* Text i of a column of strings. Returns: NULL where it is missing, or is not a number. */
static const char *numeral_at(const struct sotto_column *column, size_t i, size_t *out_bytes)
{
    if (column->values == NULL || !sotto_column_is_valid(column, i)) {
        return NULL;
    }
    const char *text = (const char *)column->values + column->offsets[i];
    *out_bytes = (size_t)(column->offsets[i + 1] - column->offsets[i]);
    return is_nan(text, *out_bytes) ? NULL : text;
}

static enum sotto_status refuse_numeral(const char *name, enum sotto_status status,
                                        struct sotto_error *err)
{
    return status == SOTTO_ERROR_LIMIT
               ? sotto_error_set(err, status,
                                 "column \"%s\": expected decimals below 2^63 in magnitude, of at "
                                 "most %d digits after the point, found another: round them, or "
                                 "cast them to double precision in a view or query",
                                 name, SOTTO_SCALE_MAX)
               : sotto_error_set(err, status,
                                 "column \"%s\": expected decimal numbers, found infinity or "
                                 "another text",
                                 name);
}

/* The most digits after the point of some rows. */
static enum sotto_status find_scale(uint8_t *out, const struct sotto_column *column, size_t first,
                                    size_t rows)
{
    *out = 0;
    for (size_t i = first; i < first + rows; i++) {
        size_t bytes;
        struct numeral numeral;
        const char *text = numeral_at(column, i, &bytes);
        enum sotto_status status = text != NULL ? read_numeral(&numeral, text, bytes) : SOTTO_OK;
        if (status != SOTTO_OK) {
            return status;
        }
        if (text != NULL && numeral.scale > *out) {
            *out = numeral.scale;
        }
    }
    return SOTTO_OK;
}

static void write_wide(struct sotto_writer *writer, sotto__wide value)
{
    struct sotto_int128 bits = {.low = (uint64_t)value,
                                .high = (int64_t)((sotto__uwide)value >> 64)};
    sotto_write_bytes(writer, &bits, sizeof bits);
}

/* Numerals as decimals of one scale, the largest of them. */
static void write_numerals(struct sotto_writer *writer, const struct sotto_column *column,
                           uint8_t scale, size_t first, size_t rows)
{
    for (size_t i = first; i < first + rows; i++) {
        size_t bytes;
        struct numeral numeral = {0};
        const char *text = numeral_at(column, i, &bytes);
        if (text != NULL) {
            (void)!read_numeral(&numeral, text, bytes); /* find_scale has read it */
        }
        write_wide(writer, numeral.digits * sotto__parcel_power((unsigned)(scale - numeral.scale)));
    }
}

/* --- Rows --- */

static size_t value_bytes(struct sotto_type type)
{
    switch (type.kind) {
    case SOTTO_KIND_NULL:
        return 0;
    case SOTTO_KIND_BOOL:
        return 1;
    case SOTTO_KIND_DECIMAL:
        return sizeof(struct sotto_int128);
    case SOTTO_KIND_DATE:
    case SOTTO_KIND_STRING:
        return sizeof(uint32_t);
    default:
        return sizeof(uint64_t);
    }
}

/* Whether some rows fit one parcel. */
static bool fit_parcel(const struct sotto_parcel_column *columns, const struct sotto_column *values,
                       size_t columns_len, size_t first, size_t rows)
{
    size_t bytes = 4;
    for (size_t i = 0; bytes <= SOTTO_PARCEL_BYTES_MAX && i < columns_len; i++) {
        if (columns[i].hidden == NULL) {
            bytes += 2 + rows * (1 + value_bytes(columns[i].type));
        }
        if (columns[i].hidden == NULL && columns[i].type.kind == SOTTO_KIND_STRING) {
            bytes += (size_t)(values[i].offsets[first + rows] - values[i].offsets[first]);
        }
    }
    return bytes <= SOTTO_PARCEL_BYTES_MAX;
}

/* 0 where no row can be missing, else 1 and a byte for each. */
static void write_presence(struct sotto_writer *writer, const struct sotto_parcel_column *column,
                           const struct sotto_column *values, size_t first, size_t rows)
{
    bool may_miss = column->is_numeral || values->validity != NULL;
    sotto_write_u8(writer, may_miss);
    uint8_t *to = may_miss ? sotto_write_space(writer, rows) : NULL;
    for (size_t i = 0; to != NULL && i < rows; i++) {
        size_t bytes;
        to[i] = column->is_numeral ? numeral_at(values, first + i, &bytes) != NULL
                                   : sotto_column_is_valid(values, first + i);
    }
}

static void write_decimals(struct sotto_writer *writer, const struct sotto_column *column,
                           size_t first, size_t rows)
{
    if (column->wide) {
        sotto_write_bytes(writer, (const struct sotto_int128 *)column->values + first,
                          rows * sizeof(struct sotto_int128));
        return;
    }
    for (size_t i = first; i < first + rows; i++) {
        write_wide(writer, ((const int64_t *)column->values)[i]);
    }
}

/* Days of the years 1 to 9999 fit 32 bits, as Arrow has them. */
static void write_dates(struct sotto_writer *writer, const struct sotto_column *column,
                        size_t first, size_t rows)
{
    uint8_t *to = sotto_write_space(writer, rows * sizeof(int32_t));
    for (size_t i = 0; to != NULL && i < rows; i++) {
        int32_t day = (int32_t)((const int64_t *)column->values)[first + i];
        memcpy(to + i * sizeof day, &day, sizeof day);
    }
}

static void write_strings(struct sotto_writer *writer, const struct sotto_column *column,
                          size_t first, size_t rows)
{
    const int64_t *offsets = column->offsets + first;
    for (size_t i = 0; i < rows; i++) {
        sotto_write_u32(writer, (uint32_t)(offsets[i + 1] - offsets[i]));
    }
    sotto_write_bytes(writer, (const char *)column->values + offsets[0],
                      (size_t)(offsets[rows] - offsets[0]));
}

static void write_bits(struct sotto_writer *writer, const uint8_t *bits, size_t first, size_t rows)
{
    uint8_t *to = sotto_write_space(writer, rows);
    for (size_t i = first; to != NULL && i < first + rows; i++) {
        to[i - first] = (uint8_t)(bits[i / 8] >> (i % 8)) & 1;
    }
}

static void write_values(struct sotto_writer *writer, const struct sotto_column *column,
                         size_t first, size_t rows)
{
    switch (column->type.kind) {
    case SOTTO_KIND_NULL:
        break;
    case SOTTO_KIND_BOOL:
        write_bits(writer, column->values, first, rows);
        break;
    case SOTTO_KIND_DECIMAL:
        sotto_write_u8(writer, column->type.scale);
        write_decimals(writer, column, first, rows);
        break;
    case SOTTO_KIND_STRING:
        write_strings(writer, column, first, rows);
        break;
    case SOTTO_KIND_DATE:
        write_dates(writer, column, first, rows);
        break;
    default:
        sotto_write_bytes(writer, (const uint64_t *)column->values + first,
                          rows * sizeof(uint64_t));
        break;
    }
}

static enum sotto_status write_column(struct sotto_writer *writer,
                                      const struct sotto_parcel_column *column,
                                      const struct sotto_column *values, size_t first, size_t rows,
                                      struct sotto_error *err)
{
    if (column->type.kind == SOTTO_KIND_NULL) {
        return SOTTO_OK;
    }
    write_presence(writer, column, values, first, rows);
    if (!column->is_numeral) {
        write_values(writer, values, first, rows);
        return SOTTO_OK;
    }
    uint8_t scale;
    enum sotto_status status = find_scale(&scale, values, first, rows);
    if (status != SOTTO_OK) {
        return refuse_numeral(column->name, status, err);
    }
    sotto_write_u8(writer, scale);
    write_numerals(writer, values, scale, first, rows);
    return SOTTO_OK;
}

enum sotto_status sotto_parcel_write_rows(struct sotto_writer *writer, size_t *in_out_rows,
                                          const struct sotto_parcel_column *columns,
                                          const struct sotto_column *values, size_t columns_len,
                                          size_t first, struct sotto_error *err)
{
    size_t rows = *in_out_rows < SOTTO_PARCEL_ROWS_MAX ? *in_out_rows : SOTTO_PARCEL_ROWS_MAX;
    while (rows > 0 && !fit_parcel(columns, values, columns_len, first, rows)) {
        rows /= 2;
    }
    if (rows == 0) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "expected rows of at most %zu MiB, found a longer one: select fewer "
                               "or shorter columns",
                               SOTTO_PARCEL_BYTES_MAX >> 20);
    }
    size_t before = writer->data_bytes;
    size_t begin = begin_parcel(writer, SOTTO_PARCEL_ROWS);
    sotto_write_u32(writer, (uint32_t)rows);
    for (size_t i = 0; i < columns_len; i++) {
        enum sotto_status status =
            columns[i].hidden == NULL
                ? write_column(writer, &columns[i], &values[i], first, rows, err)
                : SOTTO_OK;
        if (status != SOTTO_OK) {
            writer->data_bytes = before;
            return status;
        }
    }
    end_parcel(writer, begin);
    *in_out_rows = rows;
    return SOTTO_OK;
}

void sotto_parcel_write_end(struct sotto_writer *writer, uint64_t rows)
{
    size_t begin = begin_parcel(writer, SOTTO_PARCEL_END);
    sotto_write_u64(writer, rows);
    end_parcel(writer, begin);
}

void sotto_parcel_write_failure(struct sotto_writer *writer, enum sotto_status status,
                                const char *text)
{
    size_t begin = begin_parcel(writer, SOTTO_PARCEL_FAILED);
    sotto_write_u8(writer, (uint8_t) - (int)status);
    write_text(writer, text, SOTTO_PARCEL_TEXT_BYTES_MAX);
    end_parcel(writer, begin);
}
