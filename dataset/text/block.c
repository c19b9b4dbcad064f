/* SPDX-License-Identifier: Apache-2.0 */

/* Blocks of typed columns: text becomes values here. Leans on digits.h for short numbers and on
 * number.c for all others.
 *
 * The idea: there is one general way for a field (put_text: is it missing? parse, check the type,
 * store), and for each kind a loop over the rows of a column that reads the common form in place
 * and hands every other field to the general way. What the loops accept is a subset of the number
 * grammar and gives the same value, so results never depend on which way a field went; after a
 * failure the text is not what was catalogued, and the block is thrown away.
 *
 * A decimal column starts with values of 64 bits. The first one that needs more widens what the
 * block holds already, and sotto_column.wide tells the receiver. */

#include "text/block.h"
#include "value/digits.h"

#include <sotto/alloc.h>
#include <sotto/datetime.h>
#include <string.h>

/* A block's values: small enough for the second-level cache, unless columns are many. */
#define BLOCK_VALUES ((size_t)128 * 1024)
#define BLOCK_ROWS_MAX ((size_t)8192)
#define BLOCK_ROWS_MIN ((size_t)64)
/* A block ends early when its strings are longer than this. */
#define BLOCK_STRING_BYTES ((size_t)4 * 1024 * 1024)

/* --- Setting up --- */

static size_t value_bytes(enum sotto_kind kind)
{
    switch (kind) {
    case SOTTO_KIND_INT64:
    case SOTTO_KIND_FLOAT64:
    case SOTTO_KIND_DATE:
    case SOTTO_KIND_DATETIME:
    case SOTTO_KIND_DATETIME_UTC:
        return 8;
    case SOTTO_KIND_DECIMAL:
        return sizeof(struct sotto_int128); /* room to become wide */
    default:
        return 0;
    }
}

/* Allocates for this many rows. Returns: SOTTO_ERROR_NO_MEMORY; sotto__block_release frees what
 * there is. */
static enum sotto_status column_init(struct sotto__block_column *column, size_t rows)
{
    enum sotto_kind kind = column->wanted.type.kind;
    size_t bytes = kind == SOTTO_KIND_BOOL ? rows / 8 : rows * value_bytes(kind);
    column->validity = sotto_alloc_aligned(rows / 8);
    if (column->validity == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    if (kind == SOTTO_KIND_STRING) {
        column->offsets = sotto_alloc_aligned((rows + 1) * sizeof *column->offsets);
        if (column->offsets == NULL) {
            return SOTTO_ERROR_NO_MEMORY;
        }
    }
    return sotto__buffer_grow(&column->values, &column->values_bytes,
                              bytes > 0 ? bytes : SOTTO_ALIGNMENT);
}

bool sotto__type_is_above(struct sotto_type above, struct sotto_type below)
{
    struct sotto_type join = sotto_type_join(above, below);
    return join.kind == above.kind && join.scale == above.scale;
}

/* A multiple of 64 rows, so that bitmaps are whole words. */
static size_t choose_rows(size_t columns_len)
{
    size_t rows = columns_len > 0 ? BLOCK_VALUES / columns_len : BLOCK_ROWS_MAX;
    rows = rows > BLOCK_ROWS_MAX ? BLOCK_ROWS_MAX : rows;
    rows = rows < BLOCK_ROWS_MIN ? BLOCK_ROWS_MIN : rows;
    return rows / 64 * 64;
}

enum sotto_status sotto__block_init(struct sotto__block *out,
                                    const struct sotto__text_format *format,
                                    size_t file_columns_len, const struct sotto_csv_wanted *wanted,
                                    size_t wanted_len)
{
    *out = (struct sotto__block){.format = format, .capacity_rows = choose_rows(wanted_len)};
    out->columns = sotto_alloc_array(wanted_len, sizeof *out->columns);
    out->views = sotto_alloc_array(wanted_len, sizeof *out->views);
    out->heads = sotto_alloc_array(file_columns_len, sizeof *out->heads);
    if (out->columns == NULL || out->views == NULL || out->heads == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < file_columns_len; i++) {
        out->heads[i] = SOTTO_NONE;
    }
    for (size_t i = 0; i < wanted_len; i++) {
        struct sotto__block_column *column = &out->columns[i];
        out->columns_len++;
        column->wanted = wanted[i];
        column->next = out->heads[wanted[i].column];
        out->heads[wanted[i].column] = i;
        enum sotto_status status = column_init(column, out->capacity_rows);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

void sotto__block_release(struct sotto__block *block)
{
    for (size_t i = 0; i < block->columns_len; i++) {
        sotto_free(block->columns[i].validity);
        sotto_free(block->columns[i].values);
        sotto_free(block->columns[i].offsets);
    }
    sotto_free(block->columns);
    sotto_free(block->views);
    sotto_free(block->heads);
    *block = (struct sotto__block){0};
}

bool sotto__block_is_full(const struct sotto__block *block)
{
    return block->rows == block->capacity_rows || block->string_bytes >= BLOCK_STRING_BYTES;
}

const struct sotto_column *sotto__block_view(struct sotto__block *block)
{
    for (size_t i = 0; i < block->columns_len; i++) {
        const struct sotto__block_column *column = &block->columns[i];
        block->views[i] = (struct sotto_column){
            .type = column->wanted.type,
            .wide = column->wide,
            .len = block->rows,
            .null_count = column->null_count,
            .validity = column->null_count > 0 ? column->validity : NULL,
            .values = column->wanted.type.kind == SOTTO_KIND_NULL ? NULL : column->values,
            .offsets = column->offsets,
        };
        sotto__column_verify(&block->views[i]);
    }
    return block->views;
}

void sotto__block_clear(struct sotto__block *block)
{
    for (size_t i = 0; i < block->columns_len; i++) {
        block->columns[i].wide = false;
        block->columns[i].null_count = 0;
    }
    block->rows = 0;
    block->string_bytes = 0;
}

/* --- Converting a field --- */

/* digits x 10^power. Fits: 2^63 x 10^18 < 2^123. */
static struct sotto_int128 rescale_digits(int64_t digits, unsigned power)
{
    __extension__ typedef __int128 int128;
    int128 value = digits;
    for (; power > 0; power--) {
        value *= 10;
    }
    return (struct sotto_int128){.low = (uint64_t)value, .high = (int64_t)(value >> 64)};
}

static void put_decimal(struct sotto__block_column *column, size_t row, struct sotto_int128 value)
{
    /* It fits 64 bits if the high word only repeats the sign. */
    bool narrow = value.high == ((int64_t)value.low < 0 ? -1 : 0);
    if (!column->wide && !narrow) {
        sotto__values_widen(column->values, row);
        column->wide = true;
    }
    if (column->wide) {
        ((struct sotto_int128 *)column->values)[row] = value;
    } else {
        ((int64_t *)column->values)[row] = (int64_t)value.low;
    }
}

/* A number at the column's type. Returns: false if it is none, or is of a type that the catalogue
 * does not know of: a value must never be rounded to fit. */
static bool put_number(const struct sotto__block *block, struct sotto__block_column *column,
                       size_t row, const char *text, size_t text_bytes)
{
    struct sotto__number number;
    if (!sotto__number_parse(&number, text, text_bytes, block->format->point) ||
        !sotto__type_is_above(column->wanted.type, number.type)) {
        return false;
    }
    switch (column->wanted.type.kind) {
    case SOTTO_KIND_INT64:
        ((int64_t *)column->values)[row] = number.digits;
        return true;
    case SOTTO_KIND_DECIMAL:
        put_decimal(column, row,
                    rescale_digits(number.digits,
                                   (unsigned)(column->wanted.type.scale - number.type.scale)));
        return true;
    default:
        ((double *)column->values)[row] = sotto__number_double(&number, block->format->c_locale);
        return true;
    }
}

static enum sotto_status put_string(struct sotto__block *block, struct sotto__block_column *column,
                                    size_t row, const char *text, size_t text_bytes)
{
    size_t start = (size_t)column->offsets[row];
    if (sotto__buffer_grow(&column->values, &column->values_bytes, start + text_bytes) !=
        SOTTO_OK) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    memcpy((char *)column->values + start, text, text_bytes);
    column->offsets[row + 1] = (int64_t)(start + text_bytes);
    block->string_bytes += text_bytes;
    return SOTTO_OK;
}

/* Clears the row's bit, and leaves the 0 that a missing value is. */
static void put_missing(struct sotto__block_column *column, size_t row)
{
    sotto__bit_set(column->validity, row, false);
    column->null_count++;
    switch (column->wanted.type.kind) {
    case SOTTO_KIND_NULL:
        break;
    case SOTTO_KIND_BOOL:
        sotto__bit_set(column->values, row, false);
        break;
    case SOTTO_KIND_DECIMAL:
        put_decimal(column, row, (struct sotto_int128){0});
        break;
    case SOTTO_KIND_INT64:
    case SOTTO_KIND_FLOAT64:
    case SOTTO_KIND_DATE:
    case SOTTO_KIND_DATETIME:
    case SOTTO_KIND_DATETIME_UTC:
        ((int64_t *)column->values)[row] = 0; /* the bits of 0.0, too */
        break;
    case SOTTO_KIND_STRING:
        column->offsets[row + 1] = column->offsets[row];
        break;
    }
}

/* A value that is there. Returns: SOTTO_ERROR_CHANGED if the text is not what the catalogue says.
 */
static enum sotto_status put_value(struct sotto__block *block, struct sotto__block_column *column,
                                   size_t row, const char *text, size_t text_bytes)
{
    bool truth;
    /* The bit may be left over from the block before this one: clearing does not touch bitmaps. */
    sotto__bit_set(column->validity, row, true);
    switch (column->wanted.type.kind) {
    case SOTTO_KIND_NULL:
        return SOTTO_ERROR_CHANGED;
    case SOTTO_KIND_BOOL:
        /* Words that only a stated column may have: else the catalogue would say text. */
        if (!sotto__bool_read(&truth, column->form, text, text_bytes)) {
            return SOTTO_ERROR_CHANGED;
        }
        sotto__bit_set(column->values, row, truth);
        return SOTTO_OK;
    case SOTTO_KIND_STRING:
        return put_string(block, column, row, text, text_bytes);
    case SOTTO_KIND_DATE:
    case SOTTO_KIND_DATETIME:
    case SOTTO_KIND_DATETIME_UTC:
        return sotto_datetime_parse_kind((int64_t *)column->values + row, column->wanted.type.kind,
                                         column->form, text, text_bytes)
                   ? SOTTO_OK
                   : SOTTO_ERROR_CHANGED;
    default:
        return put_number(block, column, row, text, text_bytes) ? SOTTO_OK : SOTTO_ERROR_CHANGED;
    }
}

/* The general way. */
static enum sotto_status put_text(struct sotto__block *block, struct sotto__block_column *column,
                                  size_t row, const char *text, size_t text_bytes)
{
    if (sotto__na_words_contain(&block->format->na, text, text_bytes)) {
        put_missing(column, row);
        return SOTTO_OK;
    }
    return put_value(block, column, row, text, text_bytes);
}

enum sotto_status sotto__block_put(struct sotto__block *block, size_t i, const char *text,
                                   size_t text_bytes)
{
    return put_text(block, &block->columns[i], block->rows, text, text_bytes);
}

void sotto__block_put_missing(struct sotto__block *block, size_t i)
{
    put_missing(&block->columns[i], block->rows);
}

/* --- Converting a column of some rows --- */

/* Rows [row, row + rows) of a column of fields go to the block's row `at` and on. */
struct filling {
    struct sotto__block *block;
    struct sotto__block_column *column;
    const struct sotto__fields *fields;
    size_t at;
    size_t row;
    size_t rows;
};

/* Row i of the filling by the general way. */
static enum sotto_status fill_slowly(const struct filling *filling, size_t i, const char *text,
                                     size_t bytes)
{
    text = sotto__field_trim(filling->fields, text, &bytes);
    return put_text(filling->block, filling->column, filling->at + i, text, bytes);
}

static enum sotto_status fill_int64(const struct filling *filling)
{
    int64_t *values = (int64_t *)filling->column->values + filling->at;
    size_t file_column = filling->column->wanted.column;
    for (size_t i = 0; i < filling->rows; i++) {
        size_t bytes;
        const char *text = sotto__field(filling->fields, filling->row + i, file_column, &bytes);
        /* What is no number of 16 digits at most, a missing value among it, is written over. */
        if (bytes == 0 || !digits_int64(&values[i], text, bytes)) {
            enum sotto_status status = fill_slowly(filling, i, text, bytes);
            if (status != SOTTO_OK) {
                return status;
            }
        }
    }
    return SOTTO_OK;
}

/* The value at a larger scale. Returns: false if it leaves 64 bits. */
static bool scale_up(int64_t *value, size_t steps)
{
    bool fits = true;
    for (; fits && steps > 0; steps--) {
        fits = !__builtin_mul_overflow(*value, (int64_t)10, value);
    }
    return fits;
}

static enum sotto_status fill_decimal(const struct filling *filling)
{
    struct sotto__block_column *column = filling->column;
    size_t scale = column->wanted.type.scale;
    char point = filling->block->format->point;
    size_t guess = scale; /* where the last one had its point */
    for (size_t i = 0; i < filling->rows; i++) {
        size_t bytes;
        int64_t value;
        const char *text =
            sotto__field(filling->fields, filling->row + i, column->wanted.column, &bytes);
        bool found = bytes > 0 && digits_decimal(&value, text, bytes, guess, point);
        if (!found && bytes > 0) {
            guess = digits_fraction_len(text, bytes, point);
            found = guess == 0 ? digits_int64(&value, text, bytes)
                               : digits_decimal(&value, text, bytes, guess, point);
        }
        /* The point of the last number is where this one's is in almost all files. A column that is
         * wide already takes the general way: its values are of another size. */
        if (found && !column->wide && guess <= scale && scale_up(&value, scale - guess)) {
            ((int64_t *)column->values)[filling->at + i] = value;
            continue;
        }
        enum sotto_status status = fill_slowly(filling, i, text, bytes);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static enum sotto_status fill_float64(const struct filling *filling)
{
    double *values = (double *)filling->column->values + filling->at;
    size_t file_column = filling->column->wanted.column;
    char point = filling->block->format->point;
    for (size_t i = 0; i < filling->rows; i++) {
        size_t bytes;
        const char *text = sotto__field(filling->fields, filling->row + i, file_column, &bytes);
        if (!sotto__number_quick(&values[i], text, bytes, point)) {
            enum sotto_status status = fill_slowly(filling, i, text, bytes);
            if (status != SOTTO_OK) {
                return status;
            }
        }
    }
    return SOTTO_OK;
}

/* Short strings are copied as 16 bytes, whatever they have: SOTTO__SPLIT_BLOCK are readable, and
 * room for all text that the rows have is made before. */
static enum sotto_status fill_strings(const struct filling *filling)
{
    struct sotto__block_column *column = filling->column;
    const struct sotto__fields *fields = filling->fields;
    const uint32_t *ends = fields->ends + filling->row * fields->columns_len;
    /* All text of these rows, of which this column's is a part. ends[-1] + 1 wraps to 0. */
    size_t most = ends[filling->rows * fields->columns_len - 1] - (uint32_t)(ends[-1] + 1);
    size_t start = (size_t)column->offsets[filling->at];
    if (sotto__buffer_grow(&column->values, &column->values_bytes, start + most + 16) != SOTTO_OK) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    char *to = (char *)column->values + start;
    for (size_t i = 0; i < filling->rows; i++) {
        size_t bytes;
        const char *text = sotto__field(fields, filling->row + i, column->wanted.column, &bytes);
        text = sotto__field_trim(fields, text, &bytes);
        if (sotto__na_words_contain(&filling->block->format->na, text, bytes)) {
            put_missing(column, filling->at + i);
            continue;
        }
        if (bytes <= 16) {
            memcpy(to, text, 16);
        } else {
            memcpy(to, text, bytes);
        }
        to += bytes;
        column->offsets[filling->at + i + 1] = to - (char *)column->values;
    }
    filling->block->string_bytes += (size_t)(to - (char *)column->values) - start;
    return SOTTO_OK;
}

/* Every field by the general way: booleans, dates, and all where a word for "missing" looks like a
 * number.
 */
static enum sotto_status fill_general(const struct filling *filling)
{
    for (size_t i = 0; i < filling->rows; i++) {
        size_t bytes;
        const char *text =
            sotto__field(filling->fields, filling->row + i, filling->column->wanted.column, &bytes);
        enum sotto_status status = fill_slowly(filling, i, text, bytes);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static enum sotto_status fill_column(const struct filling *filling)
{
    /* All present: who finds one missing clears its bit. */
    sotto__bits_set(filling->column->validity, filling->at, filling->rows);
    enum sotto_kind kind = filling->column->wanted.type.kind;
    if (kind == SOTTO_KIND_STRING) {
        return fill_strings(filling);
    }
    if (filling->block->format->na.number) {
        return fill_general(filling);
    }
    switch (kind) {
    case SOTTO_KIND_INT64:
        return fill_int64(filling);
    case SOTTO_KIND_DECIMAL:
        return fill_decimal(filling);
    case SOTTO_KIND_FLOAT64:
        return fill_float64(filling);
    default:
        return fill_general(filling);
    }
}

enum sotto_status sotto__block_append(struct sotto__block *block, size_t *rows,
                                      const struct sotto__fields *fields, size_t row)
{
    size_t room = block->capacity_rows - block->rows;
    *rows = *rows < room ? *rows : room;
    for (size_t i = 0; *rows > 0 && i < block->columns_len; i++) {
        struct filling filling = {
            .block = block,
            .column = &block->columns[i],
            .fields = fields,
            .at = block->rows,
            .row = row,
            .rows = *rows,
        };
        enum sotto_status status = fill_column(&filling);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    block->rows += *rows;
    return SOTTO_OK;
}
