/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <sotto/alloc.h>
#include <string.h>

/* A block's values: small enough for the second-level cache, unless columns are many. */
#define BLOCK_VALUES ((size_t)128 * 1024)
#define BLOCK_ROWS_MAX ((size_t)8192)
#define BLOCK_ROWS_MIN ((size_t)64)
/* A block ends early when its strings are longer than this. */
#define BLOCK_STRING_BYTES ((size_t)4 * 1024 * 1024)

struct block_column {
    struct sotto_csv_wanted wanted;
    size_t next; /* another wanted column of the same file column, or SIZE_MAX */
    bool wide;
    size_t null_count;
    uint8_t *validity;
    void *values; /* strings: their bytes */
    size_t values_bytes;
    int64_t *offsets;
};

struct scan {
    const struct sotto_csv *csv;
    const struct sotto_catalogue *catalogue;
    sotto_csv_sink *sink;
    void *context;
    struct block_column *columns;
    struct sotto_column *views;
    size_t columns_len;
    size_t *heads; /* the first wanted column of each file column, or SIZE_MAX */
    size_t block_rows;
    size_t row; /* rows in the block */
    size_t string_bytes;
    uint64_t rows;
};

static enum sotto_status changed(const struct scan *scan, struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_CHANGED,
                           "%s: changed since it was catalogued; start again", scan->csv->name);
}

/* --- Setting up --- */

static size_t value_bytes(enum sotto_kind kind)
{
    switch (kind) {
    case SOTTO_KIND_INT64:
    case SOTTO_KIND_FLOAT64:
        return 8;
    case SOTTO_KIND_DECIMAL:
        return sizeof(struct sotto_int128); /* room to become wide */
    default:
        return 0;
    }
}

static enum sotto_status block_column_init(struct block_column *column, size_t rows)
{
    enum sotto_kind kind = column->wanted.type.kind;
    size_t bytes = kind == SOTTO_KIND_BOOL ? rows / 8 : rows * value_bytes(kind);
    column->validity = sotto_alloc_aligned(rows / 8);
    enum sotto_status status = sotto__buffer_grow(&column->values, &column->values_bytes,
                                                  bytes > 0 ? bytes : SOTTO_ALIGNMENT);
    if (kind == SOTTO_KIND_STRING) {
        column->offsets = sotto_alloc_aligned((rows + 1) * sizeof *column->offsets);
    }
    bool complete = column->validity != NULL && status == SOTTO_OK &&
                    (kind != SOTTO_KIND_STRING || column->offsets != NULL);
    return complete ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

static bool type_is_above(struct sotto_type above, struct sotto_type below)
{
    struct sotto_type join = sotto_type_join(above, below);
    return join.kind == above.kind && join.scale == above.scale;
}

static enum sotto_status check_wanted(const struct scan *scan,
                                      const struct sotto_csv_wanted *wanted,
                                      struct sotto_error *err)
{
    SOTTO_REQUIRE(wanted->column < scan->catalogue->columns_len);
    SOTTO_REQUIRE(wanted->type.scale <= SOTTO_SCALE_MAX);
    const struct sotto_catalogue_column *known = &scan->catalogue->columns[wanted->column];
    if (type_is_above(wanted->type, known->type)) {
        return SOTTO_OK;
    }
    return sotto_error_set(err, SOTTO_ERROR_TYPE,
                           "%s: column \"%s\": it is %s of scale %d and can't be read as %s of "
                           "scale %d",
                           scan->csv->name, known->name, sotto_kind_name(known->type.kind),
                           known->type.scale, sotto_kind_name(wanted->type.kind),
                           wanted->type.scale);
}

static size_t choose_block_rows(size_t columns_len)
{
    size_t rows = columns_len > 0 ? BLOCK_VALUES / columns_len : BLOCK_ROWS_MAX;
    rows = rows > BLOCK_ROWS_MAX ? BLOCK_ROWS_MAX : rows;
    rows = rows < BLOCK_ROWS_MIN ? BLOCK_ROWS_MIN : rows;
    return rows / 64 * 64;
}

static enum sotto_status scan_init(struct scan *scan, const struct sotto_csv_wanted *wanted,
                                   size_t wanted_len, struct sotto_error *err)
{
    for (size_t i = 0; i < wanted_len; i++) {
        enum sotto_status status = check_wanted(scan, &wanted[i], err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    size_t file_columns_len = scan->catalogue->columns_len;
    scan->block_rows = choose_block_rows(wanted_len);
    scan->columns = sotto_alloc_array(wanted_len, sizeof *scan->columns);
    scan->views = sotto_alloc_array(wanted_len, sizeof *scan->views);
    scan->heads = sotto_alloc_array(file_columns_len, sizeof *scan->heads);
    enum sotto_status status = SOTTO_OK;
    if (scan->columns == NULL || scan->views == NULL || scan->heads == NULL) {
        status = SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; status == SOTTO_OK && i < file_columns_len; i++) {
        scan->heads[i] = SIZE_MAX;
    }
    for (size_t i = 0; status == SOTTO_OK && i < wanted_len; i++) {
        struct block_column *column = &scan->columns[i];
        scan->columns_len++;
        column->wanted = wanted[i];
        column->next = scan->heads[wanted[i].column];
        scan->heads[wanted[i].column] = i;
        status = block_column_init(column, scan->block_rows);
    }
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "%s: out of memory", scan->csv->name);
    }
    return SOTTO_OK;
}

static void scan_release(struct scan *scan)
{
    for (size_t i = 0; i < scan->columns_len; i++) {
        sotto_free(scan->columns[i].validity);
        sotto_free(scan->columns[i].values);
        sotto_free(scan->columns[i].offsets);
    }
    sotto_free(scan->columns);
    sotto_free(scan->views);
    sotto_free(scan->heads);
}

/* --- Converting a field --- */

/* digits x 10^power. Fits: 2^63 x 10^18 < 2^123. */
static struct sotto_int128 rescale(int64_t digits, unsigned power)
{
    __extension__ typedef __int128 int128;
    int128 value = digits;
    for (; power > 0; power--) {
        value *= 10;
    }
    return (struct sotto_int128){.low = (uint64_t)value, .high = (int64_t)(value >> 64)};
}

static void put_decimal(struct block_column *column, size_t row, struct sotto_int128 value)
{
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

/* Returns: false if the text is not what the catalogue says. */
static bool put_number(struct scan *scan, struct block_column *column, const char *text,
                       size_t text_bytes)
{
    struct sotto__number number;
    if (!sotto__number_parse(&number, text, text_bytes) ||
        !type_is_above(column->wanted.type, number.type)) {
        return false;
    }
    switch (column->wanted.type.kind) {
    case SOTTO_KIND_INT64:
        ((int64_t *)column->values)[scan->row] = number.digits;
        return true;
    case SOTTO_KIND_DECIMAL:
        put_decimal(
            column, scan->row,
            rescale(number.digits, (unsigned)(column->wanted.type.scale - number.type.scale)));
        return true;
    default:
        ((double *)column->values)[scan->row] = sotto__number_double(&number, scan->csv->c_locale);
        return true;
    }
}

static enum sotto_status put_string(struct scan *scan, struct block_column *column,
                                    const char *text, size_t text_bytes)
{
    size_t start = (size_t)column->offsets[scan->row];
    if (sotto__buffer_grow(&column->values, &column->values_bytes, start + text_bytes) !=
        SOTTO_OK) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    memcpy((char *)column->values + start, text, text_bytes);
    column->offsets[scan->row + 1] = (int64_t)(start + text_bytes);
    scan->string_bytes += text_bytes;
    return SOTTO_OK;
}

static void put_missing(struct scan *scan, struct block_column *column)
{
    sotto__bit_set(column->validity, scan->row, false);
    column->null_count++;
    switch (column->wanted.type.kind) {
    case SOTTO_KIND_NULL:
        break;
    case SOTTO_KIND_BOOL:
        sotto__bit_set(column->values, scan->row, false);
        break;
    case SOTTO_KIND_DECIMAL:
        put_decimal(column, scan->row, (struct sotto_int128){0});
        break;
    case SOTTO_KIND_INT64:
    case SOTTO_KIND_FLOAT64:
        ((int64_t *)column->values)[scan->row] = 0; /* the bits of 0.0, too */
        break;
    case SOTTO_KIND_STRING:
        column->offsets[scan->row + 1] = column->offsets[scan->row];
        break;
    }
}

/* Returns: SOTTO_ERROR_CHANGED if the text is not what the catalogue says. */
static enum sotto_status put(struct scan *scan, struct block_column *column, const char *text,
                             size_t text_bytes)
{
    bool truth;
    sotto__bit_set(column->validity, scan->row, true);
    switch (column->wanted.type.kind) {
    case SOTTO_KIND_NULL:
        return SOTTO_ERROR_CHANGED;
    case SOTTO_KIND_BOOL:
        if (!sotto__bool_parse(&truth, text, text_bytes)) {
            return SOTTO_ERROR_CHANGED;
        }
        sotto__bit_set(column->values, scan->row, truth);
        return SOTTO_OK;
    case SOTTO_KIND_STRING:
        return put_string(scan, column, text, text_bytes);
    default:
        return put_number(scan, column, text, text_bytes) ? SOTTO_OK : SOTTO_ERROR_CHANGED;
    }
}

/* --- Blocks --- */

static enum sotto_status flush(struct scan *scan, struct sotto_error *err)
{
    if (scan->row == 0) {
        return SOTTO_OK;
    }
    for (size_t i = 0; i < scan->columns_len; i++) {
        const struct block_column *column = &scan->columns[i];
        scan->views[i] = (struct sotto_column){
            .type = column->wanted.type,
            .wide = column->wide,
            .len = scan->row,
            .null_count = column->null_count,
            .validity = column->null_count > 0 ? column->validity : NULL,
            .values = column->wanted.type.kind == SOTTO_KIND_NULL ? NULL : column->values,
            .offsets = column->offsets,
        };
    }
    enum sotto_status status =
        scan->sink(scan->context, 0, scan->views, scan->columns_len, scan->row, err);
    for (size_t i = 0; i < scan->columns_len; i++) {
        scan->columns[i].wide = false;
        scan->columns[i].null_count = 0;
    }
    scan->row = 0;
    scan->string_bytes = 0;
    return status;
}

static enum sotto_status visit_header(void *context, struct sotto__csv_reader *reader,
                                      char *const *names, size_t names_len)
{
    struct scan *scan = context;
    bool same = names_len == scan->catalogue->columns_len;
    for (size_t i = 0; same && i < names_len; i++) {
        same = strcmp(names[i], scan->catalogue->columns[i].name) == 0;
    }
    return same ? SOTTO_OK : changed(scan, sotto__csv_reader_err(reader));
}

static enum sotto_status visit_field(void *context, struct sotto__csv_reader *reader, size_t column,
                                     const char *text, size_t text_bytes)
{
    struct scan *scan = context;
    size_t i = scan->heads[column];
    if (i == SIZE_MAX) {
        return SOTTO_OK;
    }
    bool missing = sotto__na_words_contain(&scan->csv->na, text, text_bytes);
    for (; i != SIZE_MAX; i = scan->columns[i].next) {
        enum sotto_status status = SOTTO_OK;
        if (missing) {
            put_missing(scan, &scan->columns[i]);
        } else {
            status = put(scan, &scan->columns[i], text, text_bytes);
        }
        if (status == SOTTO_ERROR_CHANGED) {
            return sotto__csv_error(reader, status, column,
                                    "expected %s as catalogued, found another text: the file "
                                    "changed, or its missing-value words did; catalogue it again",
                                    sotto_kind_name(scan->columns[i].wanted.type.kind));
        }
        if (status != SOTTO_OK) {
            return sotto__csv_error(reader, status, column, "out of memory");
        }
    }
    return SOTTO_OK;
}

static enum sotto_status visit_row(void *context, struct sotto__csv_reader *reader)
{
    struct scan *scan = context;
    scan->row++;
    scan->rows++;
    if (scan->rows > scan->catalogue->rows) {
        return changed(scan, sotto__csv_reader_err(reader));
    }
    bool full = scan->row == scan->block_rows || scan->string_bytes >= BLOCK_STRING_BYTES;
    return full ? flush(scan, sotto__csv_reader_err(reader)) : SOTTO_OK;
}

static enum sotto_status scan_run(struct scan *scan, struct sotto_error *err)
{
    struct sotto_file_identity identity;
    enum sotto_status status = sotto_csv_identity(scan->csv, &identity, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (!sotto_file_identity_equal(&identity, &scan->catalogue->identity)) {
        return changed(scan, err);
    }
    struct sotto__csv_visitor visitor = {
        .header = visit_header, .field = visit_field, .row = visit_row, .context = scan};
    status = sotto__csv_read(scan->csv, &identity, &visitor, err);
    if (status != SOTTO_OK) {
        return status;
    }
    bool same = scan->rows == scan->catalogue->rows &&
                sotto_file_identity_equal(&identity, &scan->catalogue->identity);
    return same ? flush(scan, err) : changed(scan, err);
}

enum sotto_status sotto_csv_scan(struct sotto_csv *csv, const struct sotto_catalogue *catalogue,
                                 const struct sotto_csv_wanted *wanted, size_t wanted_len,
                                 sotto_csv_sink *sink, void *context, struct sotto_error *err)
{
    struct scan scan = {.csv = csv, .catalogue = catalogue, .sink = sink, .context = context};
    enum sotto_status status = scan_init(&scan, wanted, wanted_len, err);
    if (status == SOTTO_OK) {
        status = scan_run(&scan, err);
    }
    scan_release(&scan);
    return status;
}
