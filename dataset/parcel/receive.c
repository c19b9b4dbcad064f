/* SPDX-License-Identifier: Apache-2.0 */

/* Parcels that come, taken apart. Leans on base for bounded reading.
 *
 * The idea: who sends may be hostile. A length is believed once it is below its bound and as many
 * bytes have come; each byte of a parcel belongs to a value, and nothing is left over; counts are
 * checked before anything is allocated for them. What the values themselves may be is for
 * sotto_arrow_import to say (unpack.c), whose buffers are as long as lengths and offsets say by
 * construction here. */

#include "parcel/parcel.h"

#include <sotto/alloc.h>
#include <string.h>

enum sotto_status sotto_parcels_new(struct sotto_parcels **out, size_t bytes_max,
                                    struct sotto_error *err)
{
    struct sotto_parcels *parcels = sotto_alloc_zeroed(sizeof *parcels);
    if (parcels == NULL) {
        return sotto_error_no_memory(err);
    }
    parcels->bytes_max = bytes_max;
    *out = parcels;
    return SOTTO_OK;
}

void sotto_parcels_free(struct sotto_parcels *parcels)
{
    if (parcels == NULL) {
        return;
    }
    for (size_t i = 0; i < parcels->columns_len; i++) {
        struct sotto__parcel_column *column = &parcels->columns[i];
        sotto_free(column->name);
        sotto_free(column->hidden);
        sotto_free(column->validity.data);
        sotto_free(column->offsets.data);
        sotto_free(column->values.data);
    }
    sotto_free(parcels->columns);
    sotto_free(parcels->body);
    sotto_free(parcels);
}

#define NEITHER "a byte that is neither 0 nor 1"

static enum sotto_status refuse(const char *text, struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "expected parcels of a table, found %s",
                           text);
}

/* --- Piles --- */

static enum sotto_status count_bytes(struct sotto_parcels *parcels, size_t bytes,
                                     struct sotto_error *err)
{
    if (bytes > parcels->bytes_max - parcels->bytes) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "expected rows of at most %zu MiB in all, found more: select fewer "
                               "columns or rows, or allow more memory",
                               parcels->bytes_max >> 20);
    }
    parcels->bytes += bytes;
    return SOTTO_OK;
}

/* Room for so many bytes more (0 only where there are some). Returns: NULL and a status. */
static void *add_bytes(struct sotto_parcels *parcels, struct sotto__pile *pile, size_t bytes,
                       enum sotto_status *out_status, struct sotto_error *err)
{
    *out_status = count_bytes(parcels, bytes, err);
    if (*out_status != SOTTO_OK) {
        return NULL;
    }
    if (sotto_array_reserve(&pile->data, &pile->capacity, pile->bytes + bytes, 1) != SOTTO_OK) {
        *out_status = sotto_error_no_memory(err);
        return NULL;
    }
    void *at = (uint8_t *)pile->data + pile->bytes;
    pile->bytes += bytes;
    return at;
}

static enum sotto_status add_copy(struct sotto_parcels *parcels, struct sotto__pile *pile,
                                  const void *data, size_t bytes, struct sotto_error *err)
{
    enum sotto_status status = SOTTO_OK;
    void *to = bytes > 0 ? add_bytes(parcels, pile, bytes, &status, err) : NULL;
    if (to != NULL) {
        memcpy(to, data, bytes);
    }
    return status;
}

/* 8 bytes, each 0 or 1, as bits. Returns: false where one is neither. */
static bool pack_bits(uint8_t *out, const uint8_t *bytes)
{
    uint64_t word = 0;
    for (size_t i = 0; i < 8; i++) {
        word |= (uint64_t)bytes[i] << (8 * i);
    }
    /* Byte i times 2^(56 - 7 i) is bit 56 + i: no two products meet in a bit, so none carries. */
    *out = (uint8_t)((word * UINT64_C(0x0102040810204080)) >> 56);
    return (word & ~UINT64_C(0x0101010101010101)) == 0;
}

/* Appends a bit for each of rows bytes, 0 or 1 (NULL: all are 1), to a bitmap that has one for each
 * row so far. */
static enum sotto_status add_bits(struct sotto_parcels *parcels, struct sotto__pile *pile,
                                  const uint8_t *bytes, size_t rows, struct sotto_error *err)
{
    enum sotto_status status = SOTTO_OK;
    size_t first = parcels->piled;
    size_t more = (first + rows + 7) / 8 - pile->bytes;
    uint8_t *added = add_bytes(parcels, pile, more, &status, err);
    if (added == NULL) {
        return status;
    }
    memset(added, 0, more);
    uint8_t *bits = pile->data;
    if (bytes == NULL) {
        sotto__bits_set(bits, first, rows);
        return SOTTO_OK;
    }
    for (size_t i = 0; i < rows; i++) {
        bool is_whole = (first + i) % 8 == 0 && rows - i >= 8;
        if (is_whole ? !pack_bits(&bits[(first + i) / 8], bytes + i) : bytes[i] > 1) {
            return refuse(NEITHER, err);
        }
        if (is_whole) {
            i += 7;
        } else {
            bits[(first + i) / 8] |= (uint8_t)(bytes[i] << ((first + i) % 8));
        }
    }
    return SOTTO_OK;
}

/* --- COLUMNS --- */

static char *read_text(struct sotto_reader *reader, size_t bytes_max)
{
    size_t bytes = sotto_read_u16(reader);
    const uint8_t *text = bytes <= bytes_max ? sotto_read_bytes(reader, bytes) : NULL;
    if (text == NULL || memchr(text, 0, bytes) != NULL) {
        sotto_reader_fail(reader);
        return NULL;
    }
    return sotto_text_copy((const char *)text, bytes);
}

static bool is_type(uint8_t kind, uint8_t scale)
{
    return kind < SOTTO_KINDS_LEN &&
           (kind == SOTTO_KIND_DECIMAL ? scale <= SOTTO_SCALE_MAX : scale == 0);
}

static enum sotto_status take_column(struct sotto__parcel_column *out, struct sotto_reader *reader,
                                     struct sotto_error *err)
{
    uint8_t kind = sotto_read_u8(reader);
    uint8_t scale = sotto_read_u8(reader);
    bool is_hidden = kind == SOTTO__PARCEL_HIDDEN;
    if (is_hidden ? scale != 0 : !is_type(kind, scale)) {
        return refuse("a column of no type", err);
    }
    out->name = read_text(reader, SOTTO_CSV_NAME_BYTES_MAX);
    out->hidden = is_hidden ? read_text(reader, SOTTO_PARCEL_TEXT_BYTES_MAX) : NULL;
    if (reader->failed) {
        return refuse("a name that is cut off, too long or has NUL in it", err);
    }
    if (out->name == NULL || (is_hidden && out->hidden == NULL)) {
        return sotto_error_no_memory(err);
    }
    if (is_hidden) {
        sotto_text_sanitize(out->hidden);
    }
    out->type = (struct sotto_type){.kind = is_hidden ? SOTTO_KIND_NULL : (enum sotto_kind)kind,
                                    .scale = scale};
    return SOTTO_OK;
}

static enum sotto_status take_columns(struct sotto_parcels *parcels, struct sotto_reader *reader,
                                      struct sotto_error *err)
{
    size_t len = sotto_read_u32(reader);
    if (len > SOTTO_CSV_COLUMNS_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "expected at most %d columns, found more: select fewer",
                               SOTTO_CSV_COLUMNS_MAX);
    }
    if (len > sotto_reader_left(reader)) {
        return refuse("fewer columns than it says", err);
    }
    parcels->columns = sotto_alloc_array(len, sizeof *parcels->columns);
    if (parcels->columns == NULL) {
        return sotto_error_no_memory(err);
    }
    parcels->columns_len = len;
    for (size_t i = 0; i < len; i++) {
        enum sotto_status status = take_column(&parcels->columns[i], reader, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    parcels->state = SOTTO__PARCELS_AWAIT_ROWS;
    return SOTTO_OK;
}

/* --- ROWS --- */

static sotto__wide load_wide(const void *from)
{
    struct sotto_int128 bits;
    memcpy(&bits, from, sizeof bits);
    return (sotto__wide)((sotto__uwide)(uint64_t)bits.high << 64 | bits.low);
}

static void store_wide(void *to, sotto__wide value)
{
    struct sotto_int128 bits = {.low = (uint64_t)value,
                                .high = (int64_t)((sotto__uwide)value >> 64)};
    memcpy(to, &bits, sizeof bits);
}

/* Multiplies values by a power of ten; they fit (sotto__parcel_is_decimal). */
static void rescale(uint8_t *values, size_t len, unsigned power)
{
    sotto__wide factor = sotto__parcel_power(power);
    for (size_t i = 0; power > 0 && i < len; i++) {
        uint8_t *at = values + i * sizeof(struct sotto_int128);
        store_wide(at, load_wide(at) * factor);
    }
}

static enum sotto_status take_decimals(struct sotto_parcels *parcels,
                                       struct sotto__parcel_column *column,
                                       struct sotto_reader *reader, size_t rows,
                                       struct sotto_error *err)
{
    uint8_t scale = sotto_read_u8(reader);
    size_t bytes = rows * sizeof(struct sotto_int128);
    const uint8_t *from = sotto_read_bytes(reader, bytes);
    if (from == NULL || scale > SOTTO_SCALE_MAX) {
        return refuse("decimals that are cut off, or of no scale", err);
    }
    for (size_t i = 0; i < rows; i++) {
        sotto__wide value = load_wide(from + i * sizeof(struct sotto_int128));
        if (!sotto__parcel_is_decimal(value, scale)) {
            return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                                   "column \"%s\": expected decimals below 2^63 in magnitude, "
                                   "found a larger one: cast them to double precision in a view "
                                   "or query",
                                   column->name);
        }
    }
    size_t len = parcels->piled;
    enum sotto_status status = add_copy(parcels, &column->values, from, bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    uint8_t *values = column->values.data;
    if (scale > column->type.scale) {
        rescale(values, len, (unsigned)(scale - column->type.scale));
        column->type.scale = scale;
    } else {
        rescale(values + len * sizeof(struct sotto_int128), rows,
                (unsigned)(column->type.scale - scale));
    }
    return SOTTO_OK;
}

/* Lengths become offsets; all texts of the parcel follow. */
static enum sotto_status take_strings(struct sotto_parcels *parcels,
                                      struct sotto__parcel_column *column,
                                      struct sotto_reader *reader, size_t rows,
                                      struct sotto_error *err)
{
    enum sotto_status status = SOTTO_OK;
    size_t more = (column->offsets.bytes == 0 ? rows + 1 : rows) * sizeof(int64_t);
    const uint8_t *lengths = sotto_read_bytes(reader, rows * sizeof(uint32_t));
    if (lengths == NULL) {
        return refuse("lengths of texts that are cut off", err);
    }
    bool is_first = column->offsets.bytes == 0;
    if (add_bytes(parcels, &column->offsets, more, &status, err) == NULL) {
        return status;
    }
    int64_t *offsets = (int64_t *)column->offsets.data + parcels->piled;
    offsets[0] = is_first ? 0 : offsets[0];
    for (size_t i = 0; i < rows; i++) {
        const uint8_t *at = lengths + i * sizeof(uint32_t);
        uint32_t bytes =
            (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        offsets[i + 1] = offsets[i] + bytes;
    }
    size_t bytes = (size_t)(offsets[rows] - offsets[0]);
    const uint8_t *texts = sotto_read_bytes(reader, bytes);
    return texts != NULL ? add_copy(parcels, &column->values, texts, bytes, err)
                         : refuse("texts that are cut off", err);
}

/* Whether each value is there. */
static enum sotto_status take_presence(struct sotto_parcels *parcels,
                                       struct sotto__parcel_column *column,
                                       struct sotto_reader *reader, size_t rows,
                                       struct sotto_error *err)
{
    uint8_t may_miss = sotto_read_u8(reader);
    const uint8_t *present = may_miss == 1 ? sotto_read_bytes(reader, rows) : NULL;
    if (reader->failed) {
        return refuse("rows that are cut off", err);
    }
    if (may_miss > 1) {
        return refuse(NEITHER, err);
    }
    return add_bits(parcels, &column->validity, present, rows, err);
}

static enum sotto_status take_values(struct sotto_parcels *parcels,
                                     struct sotto__parcel_column *column,
                                     struct sotto_reader *reader, size_t rows,
                                     struct sotto_error *err)
{
    if (column->hidden != NULL) {
        return SOTTO_OK;
    }
    if (column->type.kind == SOTTO_KIND_NULL) {
        return count_bytes(parcels, rows / 8 + 1, err); /* of the table's own bitmap */
    }
    enum sotto_status status = take_presence(parcels, column, reader, rows, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (column->type.kind == SOTTO_KIND_DECIMAL) {
        return take_decimals(parcels, column, reader, rows, err);
    }
    if (column->type.kind == SOTTO_KIND_STRING) {
        return take_strings(parcels, column, reader, rows, err);
    }
    bool is_bool = column->type.kind == SOTTO_KIND_BOOL;
    bool is_date = column->type.kind == SOTTO_KIND_DATE;
    size_t bytes = is_bool ? rows : rows * (is_date ? sizeof(int32_t) : sizeof(int64_t));
    const uint8_t *values = sotto_read_bytes(reader, bytes);
    if (values == NULL) {
        return refuse("values that are cut off", err);
    }
    return is_bool ? add_bits(parcels, &column->values, values, rows, err)
                   : add_copy(parcels, &column->values, values, bytes, err);
}

static enum sotto_status take_rows(struct sotto_parcels *parcels, struct sotto_reader *reader,
                                   struct sotto_error *err)
{
    size_t rows = sotto_read_u32(reader);
    if (rows == 0 || rows > SOTTO_PARCEL_ROWS_MAX ||
        parcels->rows > (uint64_t)SOTTO__ARROW_ROWS_MAX - rows) {
        return refuse("no rows, or more than one parcel has", err);
    }
    /* A row without values costs too: nobody may claim more than is sent. */
    enum sotto_status status = count_bytes(parcels, rows, err);
    for (size_t i = 0; status == SOTTO_OK && i < parcels->columns_len; i++) {
        status = take_values(parcels, &parcels->columns[i], reader, rows, err);
    }
    parcels->rows += rows;
    parcels->piled += rows;
    return status;
}

/* --- Parcels --- */

static enum sotto_status take_end(struct sotto_parcels *parcels, struct sotto_reader *reader,
                                  struct sotto_error *err)
{
    if (sotto_read_u64(reader) != parcels->rows) {
        return refuse("another number of rows than the last parcel says", err);
    }
    parcels->state = SOTTO__PARCELS_COMPLETE;
    return SOTTO_OK;
}

/* What a sender may say of itself. */
static bool is_failure(enum sotto_status status)
{
    switch (status) {
    case SOTTO_ERROR_NO_MEMORY:
    case SOTTO_ERROR_IO:
    case SOTTO_ERROR_INPUT:
    case SOTTO_ERROR_NOT_FOUND:
    case SOTTO_ERROR_TYPE:
    case SOTTO_ERROR_LIMIT:
    case SOTTO_ERROR_CHANGED:
        return true;
    default:
        return false;
    }
}

static enum sotto_status take_failure(struct sotto_reader *reader, struct sotto_error *err)
{
    enum sotto_status status = (enum sotto_status) - (int)sotto_read_u8(reader);
    char *text = read_text(reader, SOTTO_PARCEL_TEXT_BYTES_MAX);
    if (!sotto_reader_finished(reader) || !is_failure(status)) {
        sotto_free(text);
        return refuse("a failure that is none", err);
    }
    status = sotto_error_set(err, status, "%s", text != NULL ? text : sotto_status_text(status));
    sotto_free(text);
    return status;
}

static enum sotto_status take_parcel(struct sotto_parcels *parcels, struct sotto_error *err)
{
    struct sotto_reader reader;
    sotto_reader_init(&reader, parcels->body, parcels->body_bytes);
    enum sotto_status status = SOTTO_OK;
    uint8_t kind = parcels->header[0];
    if (kind == SOTTO_PARCEL_FAILED) {
        return take_failure(&reader, err);
    }
    if (kind == SOTTO_PARCEL_COLUMNS && parcels->state == SOTTO__PARCELS_AWAIT_COLUMNS) {
        status = take_columns(parcels, &reader, err);
    } else if (kind == SOTTO_PARCEL_ROWS && parcels->state == SOTTO__PARCELS_AWAIT_ROWS) {
        status = take_rows(parcels, &reader, err);
    } else if (kind == SOTTO_PARCEL_END && parcels->state == SOTTO__PARCELS_AWAIT_ROWS) {
        status = take_end(parcels, &reader, err);
    } else {
        return refuse("one that is none of its kinds, or not in their order", err);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto_reader_finished(&reader) ? SOTTO_OK : refuse("one that is too long or short", err);
}

/* Reads the length of a parcel whose header has come. */
static enum sotto_status begin_body(struct sotto_parcels *parcels, struct sotto_error *err)
{
    struct sotto_reader reader;
    sotto_reader_init(&reader, parcels->header, sizeof parcels->header);
    uint32_t kind = sotto_read_u32(&reader);
    size_t bytes = sotto_read_u32(&reader);
    if (kind == 0 || kind > SOTTO_PARCEL_FAILED || bytes > SOTTO_PARCEL_BYTES_MAX) {
        return refuse("one that is none of its kinds, or too long", err);
    }
    if (parcels->body == NULL || parcels->body_capacity < bytes) {
        sotto_free(parcels->body);
        parcels->body_capacity = 0;
        parcels->body = sotto_alloc(bytes);
        if (parcels->body == NULL) {
            return sotto_error_no_memory(err);
        }
        parcels->body_capacity = bytes;
    }
    parcels->is_in_body = true;
    parcels->body_bytes = bytes;
    parcels->body_len = 0;
    return SOTTO_OK;
}

void *sotto_parcels_space(struct sotto_parcels *parcels, size_t *out_bytes)
{
    bool is_over = parcels->state >= SOTTO__PARCELS_COMPLETE;
    uint8_t *to = parcels->is_in_body ? parcels->body + parcels->body_len
                                      : parcels->header + parcels->header_bytes;
    *out_bytes = is_over               ? 0
                 : parcels->is_in_body ? parcels->body_bytes - parcels->body_len
                                       : sizeof parcels->header - parcels->header_bytes;
    return is_over ? NULL : to;
}

/* Counts bytes that were put where sotto_parcels_space said, and takes what they complete. */
static enum sotto_status fill(struct sotto_parcels *parcels, size_t bytes, struct sotto_error *err)
{
    if (parcels->is_in_body) {
        parcels->body_len += bytes;
    } else {
        parcels->header_bytes += bytes;
        enum sotto_status status =
            parcels->header_bytes == sizeof parcels->header ? begin_body(parcels, err) : SOTTO_OK;
        if (status != SOTTO_OK) {
            return status;
        }
    }
    if (!parcels->is_in_body || parcels->body_len < parcels->body_bytes) {
        return SOTTO_OK;
    }
    enum sotto_status status = take_parcel(parcels, err);
    parcels->is_in_body = false;
    parcels->header_bytes = 0;
    return status;
}

enum sotto_status sotto_parcels_filled(struct sotto_parcels *parcels, size_t bytes,
                                       struct sotto_error *err)
{
    size_t space;
    (void)sotto_parcels_space(parcels, &space);
    SOTTO_REQUIRE(bytes <= space);
    enum sotto_status status = bytes > 0 ? fill(parcels, bytes, err) : SOTTO_OK;
    if (status != SOTTO_OK) {
        parcels->state = SOTTO__PARCELS_FAILED;
    }
    return status;
}

enum sotto_status sotto_parcels_take(struct sotto_parcels *parcels, const void *data,
                                     size_t data_bytes, struct sotto_error *err)
{
    enum sotto_status status = SOTTO_OK;
    for (size_t at = 0; status == SOTTO_OK && at < data_bytes;) {
        size_t bytes;
        void *to = sotto_parcels_space(parcels, &bytes);
        if (to == NULL) {
            parcels->state = SOTTO__PARCELS_FAILED;
            return refuse("more behind the last one", err);
        }
        bytes = bytes < data_bytes - at ? bytes : data_bytes - at;
        memcpy(to, (const uint8_t *)data + at, bytes);
        status = sotto_parcels_filled(parcels, bytes, err);
        at += bytes;
    }
    return status;
}

bool sotto_parcels_are_complete(const struct sotto_parcels *parcels)
{
    return parcels->state == SOTTO__PARCELS_COMPLETE && parcels->header_bytes == 0;
}

size_t sotto_parcels_columns_len(const struct sotto_parcels *parcels)
{
    return parcels->columns_len;
}

struct sotto_parcel_column sotto_parcels_column(const struct sotto_parcels *parcels, size_t i)
{
    SOTTO_REQUIRE(i < parcels->columns_len);
    const struct sotto__parcel_column *column = &parcels->columns[i];
    return (struct sotto_parcel_column){
        .name = column->name, .hidden = column->hidden, .type = column->type};
}
