/* SPDX-License-Identifier: Apache-2.0 */

/* A struct array of the Arrow C Data Interface as a table. Leans on table.c for the table, and on
 * strings.c for text.
 *
 * The idea: nothing that the producer says is believed, but for what the interface can't tell: how
 * long the buffers are. Each array is checked before its buffers are touched (sotto__arrow_check).
 * Values are borrowed where they are already as sotto/column.h wants them, aligned and 0 at missing
 * places, and copied where they are not. Import takes the array, whatever happens: on failure it is
 * released. */

#include "arrow/arrow.h"

#include <sotto/alloc.h>
#include <sotto/datetime.h>
#include <stdio.h>
#include <string.h>

/* --- Bits and numbers in foreign buffers, which need not be aligned --- */

bool sotto__arrow_bit(const void *bitmap, size_t i)
{
    return bitmap == NULL || ((((const uint8_t *)bitmap)[i / 8] >> (i % 8)) & 1) != 0;
}

/* Copies bits [begin, begin + len) to bit 0 on; bits behind them become 0. Reads no byte that has
 * none of them. */
static void bits_copy(uint8_t *to, const uint8_t *from, size_t begin, size_t len)
{
    unsigned shift = begin % 8;
    from += begin / 8;
    for (size_t i = 0; 8 * i < len; i++) {
        size_t left = len - 8 * i;
        unsigned byte = (unsigned)from[i] >> shift;
        if (shift > 0 && left > 8 - shift) {
            byte |= (unsigned)from[i + 1] << (8 - shift);
        }
        to[i] = (uint8_t)(left < 8 ? byte & ((1U << left) - 1) : byte);
    }
}

/* bitmap: bits behind len are 0. */
static size_t bits_count(const uint8_t *bitmap, size_t len)
{
    size_t count = 0;
    size_t i = 0;
    for (; 64 * (i / 8) + 64 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, bitmap + i, sizeof word);
        count += (size_t)__builtin_popcountll(word);
    }
    for (; 8 * i < len; i++) {
        count += (size_t)__builtin_popcount(bitmap[i]);
    }
    return count;
}

/* Whether all of 8 rows from i on, a multiple of 8, have a value. */
static bool are_present(const struct sotto__arrow_source *source, size_t i)
{
    return source->len - i >= 8 && source->column->validity[i / 8] == 0xFF;
}

int64_t sotto__arrow_integer(const void *values, char format, size_t i)
{
    const unsigned char *from = values;
    int8_t i8;
    int16_t i16;
    int32_t i32;
    uint16_t u16;
    uint32_t u32;
    int64_t i64;
    switch (format) {
    case 'c':
        memcpy(&i8, from + i, sizeof i8);
        return i8;
    case 'C':
        return from[i];
    case 's':
        memcpy(&i16, from + i * sizeof i16, sizeof i16);
        return i16;
    case 'S':
        memcpy(&u16, from + i * sizeof u16, sizeof u16);
        return u16;
    case 'i':
        memcpy(&i32, from + i * sizeof i32, sizeof i32);
        return i32;
    case 'I':
        memcpy(&u32, from + i * sizeof u32, sizeof u32);
        return u32;
    default: /* 'l', and 'L' as an index: beyond 2^63 it is negative, so outside all the same */
        memcpy(&i64, from + i * sizeof i64, sizeof i64);
        return i64;
    }
}

/* Value i of those of `bytes` each. */
static const unsigned char *value_at(const struct sotto__arrow_source *source, size_t i,
                                     size_t bytes)
{
    return (const unsigned char *)source->array->buffers[1] + (source->begin + i) * bytes;
}

bool sotto__arrow_is_aligned(const void *values)
{
    return (uintptr_t)values % 8 == 0;
}

/* --- What an array must be like before its buffers are touched --- */

enum sotto_status sotto__arrow_check(const struct sotto__arrow_source *source, size_t *out_begin,
                                     const struct ArrowArray *array, size_t first, size_t len,
                                     int64_t n_buffers)
{
    if (array->release == NULL) {
        return sotto__arrow_failed(source, SOTTO_ERROR_INPUT, "its array was released already");
    }
    if (array->length < 0 || array->length > SOTTO__ARROW_ROWS_MAX || array->offset < 0 ||
        array->offset > SOTTO__ARROW_ROWS_MAX) {
        return sotto__arrow_failed(source, SOTTO_ERROR_INPUT,
                                   "its length or its offset is out of range");
    }
    if ((size_t)array->length < len || (size_t)array->length - len < first) {
        return sotto__arrow_failed(source, SOTTO_ERROR_INPUT, "it has less rows than the table");
    }
    if (array->n_buffers != n_buffers || (n_buffers > 0 && array->buffers == NULL) ||
        array->n_children != 0) {
        return sotto__arrow_failed(source, SOTTO_ERROR_INPUT, "it has not the buffers of its type");
    }
    for (int64_t i = 1; len > 0 && i < n_buffers && i < 2; i++) {
        if (array->buffers[i] == NULL) {
            return sotto__arrow_failed(source, SOTTO_ERROR_INPUT, "a buffer of it is missing");
        }
    }
    if (n_buffers > 0 && array->buffers[0] == NULL && array->null_count > 0) {
        return sotto__arrow_failed(source, SOTTO_ERROR_INPUT,
                                   "it counts missing values, but does not say which they are");
    }
    *out_begin = (size_t)array->offset + first;
    return SOTTO_OK;
}

/* The column's own bitmap, which imports may clear bits of. */
static enum sotto_status import_validity(const struct sotto__arrow_source *source)
{
    struct sotto__table_column *column = source->column;
    column->validity = sotto_alloc_aligned(source->len / 8 + 1);
    if (column->validity == NULL) {
        return sotto__arrow_no_memory(source);
    }
    const void *bitmap = source->array->n_buffers > 0 ? source->array->buffers[0] : NULL;
    if (column->type.kind == SOTTO_KIND_NULL) {
        return SOTTO_OK; /* zeros */
    }
    if (bitmap != NULL) {
        bits_copy(column->validity, bitmap, source->begin, source->len);
    } else {
        sotto__bits_set(column->validity, 0, source->len);
    }
    return SOTTO_OK;
}

enum sotto_status sotto__arrow_allocate(const struct sotto__arrow_source *source, size_t bytes)
{
    source->column->values_memory = sotto_alloc_aligned(bytes);
    source->column->values = source->column->values_memory;
    source->column->view.values = source->column->values;
    return source->column->values != NULL ? SOTTO_OK : sotto__arrow_no_memory(source);
}

/* --- Numbers --- */

/* Whether values of `bytes` each may be borrowed: 0 where they are missing. */
static bool missing_are_zero(const struct sotto__arrow_source *source, const unsigned char *values,
                             size_t bytes)
{
    static const unsigned char zeros[sizeof(struct sotto_int128)];
    if (source->array->buffers[0] == NULL) {
        return true;
    }
    for (size_t i = 0; i < source->len; i++) {
        if (i % 8 == 0 && are_present(source, i)) {
            i += 7;
        } else if (!sotto__arrow_bit(source->column->validity, i) &&
                   memcmp(values + i * bytes, zeros, bytes) != 0) {
            return false;
        }
    }
    return true;
}

/* Values of `bytes` each, borrowed or copied. */
static enum sotto_status import_fixed(const struct sotto__arrow_source *source, size_t bytes,
                                      bool may_borrow)
{
    if (source->len == 0) {
        return sotto__arrow_allocate(source, 0);
    }
    const unsigned char *values = value_at(source, 0, bytes);
    if (may_borrow && sotto__arrow_is_aligned(values) && missing_are_zero(source, values, bytes)) {
        source->column->view.values = values;
        return SOTTO_OK;
    }
    enum sotto_status status = sotto__arrow_allocate(source, source->len * bytes);
    if (status != SOTTO_OK) {
        return status;
    }
    unsigned char *to = source->column->values; /* zeros */
    for (size_t i = 0; i < source->len; i++) {
        if (sotto__arrow_bit(source->column->validity, i)) {
            memcpy(to + i * bytes, values + i * bytes, bytes);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status import_nulls(const struct sotto__arrow_source *source)
{
    (void)source;
    return SOTTO_OK;
}

static enum sotto_status import_int64(const struct sotto__arrow_source *source)
{
    return import_fixed(source, sizeof(int64_t), true);
}

/* Integers of another width, converted. */
static enum sotto_status import_integers(const struct sotto__arrow_source *source)
{
    enum sotto_status status = sotto__arrow_allocate(source, source->len * sizeof(int64_t));
    if (status != SOTTO_OK) {
        return status;
    }
    int64_t *to = source->column->values;
    for (size_t i = 0; i < source->len; i++) {
        if (sotto__arrow_bit(source->column->validity, i)) {
            to[i] = sotto__arrow_integer(source->array->buffers[1], source->schema->format[0],
                                         source->begin + i);
        }
    }
    return SOTTO_OK;
}

#define SIGN (UINT64_C(1) << 63)
#define TIDY_LEN 64 /* doubles that are looked at together: 8 bytes of a bitmap */

/* The sign bit is set where bits are those of NaN or -0. Only -0 loses its sign by 1 less; and only
 * magnitudes beyond infinity's reach 2^63 by so much more. All of it is arithmetic of 64 bits, of
 * which a vector does several at once, and which no rounding mode changes. */
static uint64_t find_odd(uint64_t bits)
{
    return (bits & ~(bits - 1)) | ((bits & ~SIGN) + UINT64_C(0x000FFFFFFFFFFFFF));
}

/* Whether so many doubles can all be borrowed: none is NaN or -0. */
static inline __attribute__((always_inline)) bool are_tidy(const unsigned char *values, size_t len)
{
    uint64_t odd = 0;
    for (size_t i = 0; i < len; i++) {
        uint64_t bits;
        memcpy(&bits, values + i * sizeof bits, sizeof bits);
        odd |= find_odd(bits);
    }
    return (odd & SIGN) == 0;
}

/* Whether all of TIDY_LEN rows from i on, a multiple of it, have a value. */
static bool are_all_present(const struct sotto__arrow_source *source, size_t i)
{
    uint64_t bits = 0;
    if (source->len - i >= TIDY_LEN) {
        memcpy(&bits, source->column->validity + i / 8, sizeof bits);
    }
    return bits == UINT64_MAX;
}

/* How many rows from i on are all there and can be borrowed, as they are looked at together: many,
 * or 8 where one of many is odd, as in columns with some NaN. */
static size_t count_tidy(const struct sotto__arrow_source *source, size_t i)
{
    const unsigned char *values = value_at(source, i, sizeof(double));
    if (i % TIDY_LEN == 0 && are_all_present(source, i) && are_tidy(values, TIDY_LEN)) {
        return TIDY_LEN;
    }
    return i % 8 == 0 && are_present(source, i) && are_tidy(values, 8) ? 8 : 0;
}

/* NaN becomes missing. Returns: false for what can't be borrowed. */
static bool tidy_double(const struct sotto__arrow_source *source, size_t i, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (bits != SIGN && (find_odd(bits) & SIGN) != 0) {
        sotto__bit_set(source->column->validity, i, false);
        return false;
    }
    return bits != SIGN;
}

static enum sotto_status import_float64(const struct sotto__arrow_source *source)
{
    bool tidy = true;
    for (size_t i = 0; i < source->len; i++) {
        double value;
        size_t skipped = count_tidy(source, i);
        if (skipped > 0) {
            i += skipped - 1;
            continue;
        }
        memcpy(&value, value_at(source, i, sizeof value), sizeof value);
        tidy = (!sotto__arrow_bit(source->column->validity, i) || tidy_double(source, i, value)) &&
               tidy;
    }
    enum sotto_status status = import_fixed(source, sizeof(double), tidy);
    if (status != SOTTO_OK) {
        return status;
    }
    uint64_t *to = source->column->values; /* where they were copied */
    for (size_t i = 0; to != NULL && i < source->len; i++) {
        to[i] = to[i] == SIGN ? 0 : to[i]; /* -0 */
    }
    return SOTTO_OK;
}

static enum sotto_status import_float32(const struct sotto__arrow_source *source)
{
    enum sotto_status status = sotto__arrow_allocate(source, source->len * sizeof(double));
    if (status != SOTTO_OK) {
        return status;
    }
    double *to = source->column->values;
    for (size_t i = 0; i < source->len; i++) {
        float value;
        memcpy(&value, value_at(source, i, sizeof value), sizeof value);
        (void)tidy_double(source, i, (double)value);
        if (sotto__arrow_bit(source->column->validity, i) && value != 0) {
            to[i] = (double)value;
        }
    }
    return SOTTO_OK;
}

/* What a text can say at this scale, and so any larger scale as well: below 2^63 in magnitude. */
static enum sotto_status import_decimals(const struct sotto__arrow_source *source)
{
    __extension__ typedef __int128 int128;
    int128 limit = (int128)1 << 63;
    for (unsigned scale = source->column->type.scale; scale > 0; scale--) {
        limit *= 10;
    }
    for (size_t i = 0; i < source->len; i++) {
        int128 value;
        memcpy(&value, value_at(source, i, sizeof value), sizeof value);
        if (sotto__arrow_bit(source->column->validity, i) && (value < -limit || value >= limit)) {
            return sotto__arrow_failed(
                source, SOTTO_ERROR_LIMIT,
                "expected decimals below 2^63 in magnitude, found a larger one; cast it "
                "to float64");
        }
    }
    source->column->wide = true;
    return import_fixed(source, sizeof(struct sotto_int128), true);
}

/* date32 in days, date64 in milliseconds, of whole days. */
static enum sotto_status import_dates(const struct sotto__arrow_source *source)
{
    bool is_days = strcmp(source->schema->format, "tdD") == 0;
    int64_t unit = is_days ? 1 : INT64_C(86400000);
    enum sotto_status status = sotto__arrow_allocate(source, source->len * sizeof(int64_t));
    if (status != SOTTO_OK) {
        return status;
    }
    int64_t *to = source->column->values;
    for (size_t i = 0; i < source->len; i++) {
        if (!sotto__arrow_bit(source->column->validity, i)) {
            continue;
        }
        int64_t value =
            sotto__arrow_integer(source->array->buffers[1], is_days ? 'i' : 'l', source->begin + i);
        if (value % unit != 0) {
            return sotto__arrow_failed(source, SOTTO_ERROR_INPUT,
                                       "expected dates without a time of day, found one");
        }
        to[i] = value / unit;
        if (to[i] < SOTTO_DATE_MIN || to[i] > SOTTO_DATE_MAX) {
            return sotto__arrow_failed(source, SOTTO_ERROR_LIMIT,
                                       "expected dates of the years 1 to 9999, found another");
        }
    }
    return SOTTO_OK;
}

/* Microseconds of a timestamp in seconds (unit 's'), milliseconds, microseconds or nanoseconds.
 * Returns: false, and *in_out changed, where it is none of the years 1 to 9999. */
static bool scale_time(int64_t *in_out, char unit)
{
    int64_t factor = unit == 's' ? 1000000 : unit == 'm' ? 1000 : 1;
    bool fits = !__builtin_mul_overflow(*in_out, factor, in_out);
    *in_out = unit == 'n' ? *in_out / 1000 : *in_out;
    return fits && *in_out >= SOTTO_DATETIME_MIN && *in_out <= SOTTO_DATETIME_MAX;
}

/* "tsu:UTC": a unit and a zone, where there is none the clock on the wall. With any zone Arrow's
 * numbers are UTC's. */
static enum sotto_status import_times(const struct sotto__arrow_source *source)
{
    char unit = source->schema->format[2];
    bool is_ours = unit == 'u';
    enum sotto_status status = import_fixed(source, sizeof(int64_t), is_ours);
    if (status != SOTTO_OK) {
        return status;
    }
    int64_t *to = source->column->values; /* a copy, unless they are in microseconds already */
    for (size_t i = 0; i < source->len; i++) {
        if (!sotto__arrow_bit(source->column->validity, i)) {
            continue;
        }
        int64_t value = sotto__arrow_integer(source->array->buffers[1], 'l', source->begin + i);
        if (unit == 'n' && value % 1000 != 0) {
            return sotto__arrow_failed(source, SOTTO_ERROR_INPUT,
                                       "expected times of whole microseconds, found one with "
                                       "nanoseconds; round them and cast to timestamp[us]");
        }
        if (!scale_time(&value, unit)) {
            return sotto__arrow_failed(source, SOTTO_ERROR_LIMIT,
                                       "expected times of the years 1 to 9999, found another");
        }
        if (!is_ours) {
            to[i] = value;
        }
    }
    return SOTTO_OK;
}

static enum sotto_status import_booleans(const struct sotto__arrow_source *source)
{
    enum sotto_status status = sotto__arrow_allocate(source, source->len / 8 + 1);
    if (status != SOTTO_OK) {
        return status;
    }
    uint8_t *to = source->column->values;
    if (source->len > 0) {
        bits_copy(to, source->array->buffers[1], source->begin, source->len);
    }
    for (size_t i = 0; 8 * i < source->len; i++) {
        to[i] &= source->column->validity[i]; /* false where it is missing */
    }
    return SOTTO_OK;
}

/* --- Columns --- */

struct format {
    const char *text;
    enum sotto_kind kind;
    int64_t n_buffers;
    enum sotto_status (*import)(const struct sotto__arrow_source *source);
};

static const struct format formats[] = {
    {"n", SOTTO_KIND_NULL, 0, import_nulls},
    {"b", SOTTO_KIND_BOOL, 2, import_booleans},
    {"c", SOTTO_KIND_INT64, 2, import_integers},
    {"C", SOTTO_KIND_INT64, 2, import_integers},
    {"s", SOTTO_KIND_INT64, 2, import_integers},
    {"S", SOTTO_KIND_INT64, 2, import_integers},
    {"i", SOTTO_KIND_INT64, 2, import_integers},
    {"I", SOTTO_KIND_INT64, 2, import_integers},
    {"l", SOTTO_KIND_INT64, 2, import_int64},
    {"f", SOTTO_KIND_FLOAT64, 2, import_float32},
    {"g", SOTTO_KIND_FLOAT64, 2, import_float64},
    {"u", SOTTO_KIND_STRING, 3, sotto__arrow_import_strings},
    {"U", SOTTO_KIND_STRING, 3, sotto__arrow_import_strings},
    {"tdD", SOTTO_KIND_DATE, 2, import_dates},
    {"tdm", SOTTO_KIND_DATE, 2, import_dates},
};

static const struct format decimals = {"d", SOTTO_KIND_DECIMAL, 2, import_decimals};
static const struct format times = {"ts", SOTTO_KIND_DATETIME, 2, import_times};
static const struct format times_utc = {"ts", SOTTO_KIND_DATETIME_UTC, 2, import_times};
static const struct format dictionary = {"", SOTTO_KIND_STRING, 2, sotto__arrow_import_dictionary};

/* "d:precision,scale", with ",128" behind it or not. */
static bool read_decimal_scale(uint8_t *out, const char *format)
{
    for (int precision = 1; precision <= 38; precision++) {
        for (int scale = 0; scale <= SOTTO_SCALE_MAX; scale++) {
            char text[24];
            int bytes = snprintf(text, sizeof text, "d:%d,%d,128", precision, scale);
            *out = (uint8_t)scale;
            if (strcmp(format, text) == 0) {
                return true;
            }
            text[bytes - 4] = '\0';
            if (strcmp(format, text) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* "tsu:", and a zone or none. Returns: NULL for what is no timestamp. */
static const struct format *find_times(const char *format)
{
    if (strncmp(format, "ts", 2) != 0 || format[2] == '\0' || strchr("smun", format[2]) == NULL ||
        format[3] != ':') {
        return NULL;
    }
    return format[4] == '\0' ? &times : &times_utc;
}

static const struct format *find_format(const struct ArrowSchema *schema, uint8_t *out_scale)
{
    *out_scale = 0;
    if (schema->dictionary != NULL) {
        bool indexes = strlen(schema->format) == 1 && strchr("cCsSiIlL", *schema->format) != NULL;
        return indexes ? &dictionary : NULL;
    }
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (strcmp(schema->format, formats[i].text) == 0) {
            return &formats[i];
        }
    }
    bool is_decimal = schema->format[0] == 'd' && read_decimal_scale(out_scale, schema->format);
    return is_decimal ? &decimals : find_times(schema->format);
}

bool sotto_arrow_column_type(struct sotto_type *out, const struct ArrowSchema *column)
{
    uint8_t scale;
    const struct format *format =
        column->format != NULL && column->n_children == 0 ? find_format(column, &scale) : NULL;
    bool is_of_strings =
        column->dictionary == NULL ||
        (column->dictionary->format != NULL && (strcmp(column->dictionary->format, "u") == 0 ||
                                                strcmp(column->dictionary->format, "U") == 0));
    if (format == NULL || !is_of_strings) {
        return false;
    }
    *out = (struct sotto_type){.kind = format->kind, .scale = scale};
    return true;
}

/* One column: what the schema says, the checks, validity, values. Rows begin at `first` of the
 * array. */
static enum sotto_status import_column(struct sotto__arrow_source *source, size_t first)
{
    struct sotto__table_column *column = source->column;
    const struct format *format = find_format(source->schema, &column->type.scale);
    if (format == NULL) {
        return sotto_error_set(source->err, SOTTO_ERROR_TYPE,
                               "Arrow table: column \"%s\": its type \"%s\" is none that can be "
                               "read; cast it to an integer, float, decimal128 of scale 0 to %d, "
                               "bool, utf8, date32 or timestamp",
                               source->schema->name, source->schema->format, SOTTO_SCALE_MAX);
    }
    column->type.kind = format->kind;
    if (source->schema->n_children != 0) {
        return sotto__arrow_failed(source, SOTTO_ERROR_INPUT, "it has children, unlike its type");
    }
    enum sotto_status status = sotto__arrow_check(source, &source->begin, source->array, first,
                                                  source->len, format->n_buffers);
    if (status != SOTTO_OK) {
        return status;
    }
    status = import_validity(source);
    if (status != SOTTO_OK) {
        return status;
    }
    status = format->import(source);
    if (status != SOTTO_OK) {
        return status;
    }
    column->null_count = source->len - bits_count(column->validity, source->len);
    column->view.type = column->type;
    column->view.wide = column->wide;
    column->view.len = source->len;
    column->view.null_count = column->null_count;
    column->view.validity = column->null_count > 0 ? column->validity : NULL;
    sotto__column_verify(&column->view);
    return SOTTO_OK;
}

/* --- Tables --- */

static enum sotto_status table_failed(struct sotto_error *err, enum sotto_status status,
                                      const char *text)
{
    return sotto_error_set(err, status, "Arrow table: %s", text);
}

/* Whether it is a struct without missing rows, of as many columns as the schema says. */
static enum sotto_status check_struct(const struct ArrowSchema *schema,
                                      const struct ArrowArray *array, struct sotto_error *err)
{
    if (schema->release == NULL || array->release == NULL) {
        return table_failed(err, SOTTO_ERROR_INPUT, "it was released already");
    }
    if (schema->format == NULL || strcmp(schema->format, "+s") != 0 || schema->dictionary != NULL ||
        array->n_buffers != 1 || array->buffers == NULL) {
        return table_failed(err, SOTTO_ERROR_INPUT,
                            "expected a struct array (a record batch), found another one");
    }
    if (array->length < 0 || array->length > SOTTO__ARROW_ROWS_MAX || array->offset < 0 ||
        array->offset > SOTTO__ARROW_ROWS_MAX) {
        return table_failed(err, SOTTO_ERROR_INPUT, "its length or its offset is out of range");
    }
    if (schema->n_children < 0 || schema->n_children != array->n_children ||
        (schema->n_children > 0 && (schema->children == NULL || array->children == NULL))) {
        return table_failed(err, SOTTO_ERROR_INPUT, "schema and array have not the same columns");
    }
    if (schema->n_children > SOTTO_CSV_COLUMNS_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "Arrow table: expected at most %d columns, found more",
                               SOTTO_CSV_COLUMNS_MAX);
    }
    bool missing = array->null_count > 0 && array->buffers[0] == NULL;
    for (size_t i = 0; array->buffers[0] != NULL && i < (size_t)array->length; i++) {
        missing = missing || !sotto__arrow_bit(array->buffers[0], (size_t)array->offset + i);
    }
    return missing
               ? table_failed(err, SOTTO_ERROR_INPUT, "whole rows of it are missing: take them out")
               : SOTTO_OK;
}

/* Whether column i is there and has a name. */
static enum sotto_status check_child(const struct ArrowSchema *schema,
                                     const struct ArrowArray *array, size_t i,
                                     struct sotto_error *err)
{
    if (schema == NULL || array == NULL || schema->release == NULL || schema->format == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "Arrow table: column %zu is not there",
                               i + 1);
    }
    size_t bytes = schema->name != NULL ? strnlen(schema->name, SOTTO_CSV_NAME_BYTES_MAX + 1) : 0;
    if (bytes == 0 || sotto_utf8_valid_prefix(schema->name, bytes) != bytes) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "Arrow table: column %zu: expected a name in UTF-8, found none",
                               i + 1);
    }
    if (bytes > SOTTO_CSV_NAME_BYTES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "Arrow table: column %zu: expected a name of at most %d bytes, "
                               "found a longer one",
                               i + 1, SOTTO_CSV_NAME_BYTES_MAX);
    }
    return SOTTO_OK;
}

static enum sotto_status check_names(const struct sotto_table *table, struct sotto_error *err)
{
    size_t first;
    size_t second;
    enum sotto_status status;
    char **names = sotto_alloc_array(table->columns_len, sizeof *names);
    if (names == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < table->columns_len; i++) {
        names[i] = table->columns[i].name;
    }
    if (sotto__names_duplicate(&first, &second, &status, names, table->columns_len)) {
        status = sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "Arrow table: expected different names, found \"%s\" as column "
                                 "%zu and as column %zu",
                                 names[second], first + 1, second + 1);
    }
    sotto_free(names);
    return status;
}

static enum sotto_status import_columns(struct sotto_table *table, const struct ArrowSchema *schema,
                                        const struct ArrowArray *array, struct sotto_error *err)
{
    for (size_t i = 0; i < (size_t)schema->n_children; i++) {
        struct sotto__arrow_source source = {
            .schema = schema->children[i],
            .array = array->children[i],
            .len = table->rows,
            .column = &table->columns[i],
            .err = err,
        };
        enum sotto_status status = check_child(source.schema, source.array, i, err);
        if (status != SOTTO_OK) {
            return status;
        }
        table->columns_len++;
        source.column->name = sotto_text_copy(source.schema->name, strlen(source.schema->name));
        if (source.column->name == NULL) {
            return sotto__arrow_no_memory(&source);
        }
        status = import_column(&source, (size_t)array->offset);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return check_names(table, err);
}

/* *out is set, and the caller's to free, on failure too. */
static enum sotto_status import_table(struct sotto_table **out, const struct ArrowSchema *schema,
                                      const struct ArrowArray *array, struct sotto_error *err)
{
    enum sotto_status status = check_struct(schema, array, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__table_new(out, (size_t)schema->n_children, (size_t)array->length, 1);
    if (status != SOTTO_OK) {
        return status;
    }
    return import_columns(*out, schema, array, err);
}

enum sotto_status sotto_arrow_import(struct sotto_table **out, struct ArrowSchema *schema,
                                     struct ArrowArray *array, struct sotto_error *err)
{
    struct sotto_table *table = NULL;
    enum sotto_status status = import_table(&table, schema, array, err);
    if (status == SOTTO_ERROR_NO_MEMORY) {
        (void)table_failed(err, status, "out of memory");
    }
    if (status != SOTTO_OK) {
        goto out;
    }
    table->owner = *array; /* a move: what it points to stays where it is */
    array->release = NULL;
    *out = table;
    table = NULL;
out:
    sotto_table_free(table);
    if (array->release != NULL) {
        array->release(array);
        array->release = NULL;
    }
    if (schema->release != NULL) {
        schema->release(schema);
        schema->release = NULL;
    }
    return status;
}
