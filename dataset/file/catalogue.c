/* SPDX-License-Identifier: Apache-2.0 */

/* A catalogue: what is known of a file that has been read once, and its bytes, by which a node
 * remembers it. Leans on sotto/bytes.h.
 *
 * The idea: the bytes may come from a disk that somebody wrote to, so nothing in them is believed;
 * a catalogue that is decoded is one that sotto_csv_catalogue could have made, or a scan could not
 * trust its spans. Little endian:
 *
 *     "SCAT", u16 version (6)
 *     u64 device, inode, size; i64 modified, changed (nanoseconds)
 *     u64 bytes of the text, u64 rows, u32 columns
 *     per column: u32 length and name, u8 kind, u8 scale,
 *                 u8 flags (1 digits lost, 2 hidden, 4 inexact, 8 exponent inexact), u64 missing
 *     u32 spans; per span: u64 offset, u64 rows before */

#include "file/file.h"

#include <sotto/alloc.h>
#include <sotto/bytes.h>
#include <string.h>

#define CATALOGUE_VERSION 6
#define CATALOGUE_BYTES_MAX ((size_t)128 * 1024 * 1024)
#define COLUMN_BYTES_MIN (4 + 1 + 3 + 8)
#define SPAN_BYTES (8 + 8)

/* --- As a value --- */

void sotto_catalogue_free(struct sotto_catalogue *catalogue)
{
    if (catalogue == NULL) {
        return;
    }
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        sotto_free(catalogue->columns[i].name);
    }
    sotto_free(catalogue->columns);
    sotto_free(catalogue->spans);
    sotto_free(catalogue);
}

size_t sotto_catalogue_find(const struct sotto_catalogue *catalogue, const char *name)
{
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        if (!catalogue->columns[i].hidden && strcmp(catalogue->columns[i].name, name) == 0) {
            return i;
        }
    }
    return SOTTO_NONE;
}

/* --- As bytes --- */

enum sotto_status sotto_catalogue_encode(const struct sotto_catalogue *catalogue,
                                         struct sotto_buffer *out)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, CATALOGUE_BYTES_MAX);
    const struct sotto_file_identity *identity = &catalogue->identity;
    sotto_write_bytes(&writer, "SCAT", 4);
    sotto_write_u16(&writer, CATALOGUE_VERSION);
    sotto_write_u64(&writer, identity->device);
    sotto_write_u64(&writer, identity->inode);
    sotto_write_u64(&writer, identity->size_bytes);
    sotto_write_u64(&writer, (uint64_t)identity->modified_ns);
    sotto_write_u64(&writer, (uint64_t)identity->changed_ns);
    sotto_write_u64(&writer, catalogue->text_bytes);
    sotto_write_u64(&writer, catalogue->rows);
    sotto_write_u32(&writer, (uint32_t)catalogue->columns_len);
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        const struct sotto_catalogue_column *column = &catalogue->columns[i];
        SOTTO_REQUIRE(!column->is_unread);
        sotto_write_blob(&writer, column->name, strlen(column->name));
        sotto_write_u8(&writer, (uint8_t)column->type.kind);
        sotto_write_u8(&writer, column->type.scale);
        sotto_write_u8(&writer,
                       (uint8_t)(column->digits_lost + 2 * column->hidden + 4 * column->inexact +
                                 8 * column->exponent_inexact + 16 * column->is_nested));
        sotto_write_u64(&writer, column->missing);
    }
    sotto_write_u32(&writer, (uint32_t)catalogue->spans_len);
    for (size_t i = 0; i < catalogue->spans_len; i++) {
        sotto_write_u64(&writer, catalogue->spans[i].offset);
        sotto_write_u64(&writer, catalogue->spans[i].rows_before);
    }
    enum sotto_status status = sotto_writer_status(&writer);
    if (status == SOTTO_OK) {
        out->data = sotto_writer_take(&writer, &out->data_bytes);
    }
    sotto_writer_release(&writer);
    return status;
}

/* Whether some file can have such a column. */
static bool column_is_possible(const struct sotto_catalogue_column *column, uint8_t kind,
                               uint8_t flags, uint64_t rows)
{
    bool digits_lost = (flags & 1) != 0;
    bool inexact = (flags & 4) != 0;
    bool exponent_inexact = (flags & 8) != 0;
    return kind < SOTTO_KINDS_LEN && column->type.scale <= SOTTO_SCALE_MAX &&
           (column->type.scale == 0 || kind == SOTTO_KIND_DECIMAL) && flags <= 31 &&
           ((flags & 16) == 0 || ((flags & 2) != 0 && kind == SOTTO_KIND_NULL)) &&
           (!(digits_lost || exponent_inexact) || kind == SOTTO_KIND_FLOAT64) &&
           (!inexact || sotto_kind_is_numeric((enum sotto_kind)kind)) && column->missing <= rows &&
           (kind != SOTTO_KIND_NULL || column->missing == rows);
}

static enum sotto_status read_column(struct sotto_catalogue_column *out,
                                     struct sotto_reader *reader, uint64_t rows)
{
    size_t name_bytes;
    const uint8_t *name = sotto_read_blob(reader, &name_bytes, SOTTO_CSV_NAME_BYTES_MAX);
    uint8_t kind = sotto_read_u8(reader);
    out->type.scale = sotto_read_u8(reader);
    uint8_t flags = sotto_read_u8(reader);
    out->missing = sotto_read_u64(reader);
    bool is_hidden = (flags & 2) != 0; /* as one that has no name must be */
    if (name == NULL || sotto_read_bytes(reader, 0) == NULL || (name_bytes == 0 && !is_hidden) ||
        memchr(name, 0, name_bytes) != NULL ||
        sotto_utf8_valid_prefix(name, name_bytes) != name_bytes ||
        !column_is_possible(out, kind, flags, rows)) {
        return SOTTO_ERROR_INPUT;
    }
    out->type.kind = (enum sotto_kind)kind;
    out->digits_lost = (flags & 1) != 0;
    out->hidden = is_hidden;
    out->inexact = (flags & 4) != 0;
    out->exponent_inexact = (flags & 8) != 0;
    out->is_nested = (flags & 16) != 0;
    out->name = sotto_text_copy((const char *)name, name_bytes);
    return out->name != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

static enum sotto_status check_names(const struct sotto_catalogue *catalogue)
{
    char **names = sotto_alloc_array(catalogue->columns_len, sizeof *names);
    if (names == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        names[i] = catalogue->columns[i].name;
    }
    size_t first;
    size_t second;
    enum sotto_status status;
    if (sotto__names_duplicate(&first, &second, &status, names, catalogue->columns_len)) {
        status = SOTTO_ERROR_INPUT;
    }
    sotto_free(names);
    return status;
}

/* All rows in spans of at least a row, each of a size that a scan reads at once; or no spans. */
static enum sotto_status read_spans(struct sotto_catalogue *catalogue, struct sotto_reader *reader)
{
    size_t spans_len = sotto_read_u32(reader);
    if (spans_len == 0) {
        return SOTTO_OK;
    }
    if (spans_len > sotto_reader_left(reader) / SPAN_BYTES) {
        return SOTTO_ERROR_INPUT;
    }
    catalogue->spans = sotto_alloc_array(spans_len, sizeof *catalogue->spans);
    if (catalogue->spans == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    struct sotto_catalogue_span end = {.offset = catalogue->text_bytes,
                                       .rows_before = catalogue->rows};
    for (size_t i = 0; i < spans_len; i++) {
        catalogue->spans[i].offset = sotto_read_u64(reader);
        catalogue->spans[i].rows_before = sotto_read_u64(reader);
        catalogue->spans_len++;
    }
    bool possible = catalogue->spans[0].rows_before == 0;
    for (size_t i = 0; possible && i < spans_len; i++) {
        const struct sotto_catalogue_span *span = &catalogue->spans[i];
        const struct sotto_catalogue_span *next = i + 1 < spans_len ? span + 1 : &end;
        possible = span->offset > 0 && span->offset < next->offset &&
                   next->offset - span->offset <= SOTTO__SPAN_BYTES_MAX &&
                   span->rows_before < next->rows_before;
    }
    return possible ? SOTTO_OK : SOTTO_ERROR_INPUT;
}

static enum sotto_status read_catalogue(struct sotto_catalogue *catalogue,
                                        struct sotto_reader *reader)
{
    const uint8_t *magic = sotto_read_bytes(reader, 4);
    uint16_t version = sotto_read_u16(reader);
    catalogue->identity.device = sotto_read_u64(reader);
    catalogue->identity.inode = sotto_read_u64(reader);
    catalogue->identity.size_bytes = sotto_read_u64(reader);
    catalogue->identity.modified_ns = (int64_t)sotto_read_u64(reader);
    catalogue->identity.changed_ns = (int64_t)sotto_read_u64(reader);
    catalogue->text_bytes = sotto_read_u64(reader);
    catalogue->rows = sotto_read_u64(reader);
    size_t columns_len = sotto_read_u32(reader);
    /* Each row is at least one byte of the file, which bounds what a table of them takes. */
    if (magic == NULL || memcmp(magic, "SCAT", 4) != 0 || version != CATALOGUE_VERSION ||
        catalogue->rows > catalogue->text_bytes || columns_len == 0 ||
        columns_len > SOTTO_CSV_COLUMNS_MAX ||
        columns_len > sotto_reader_left(reader) / COLUMN_BYTES_MIN) {
        return SOTTO_ERROR_INPUT;
    }
    catalogue->columns = sotto_alloc_array(columns_len, sizeof *catalogue->columns);
    if (catalogue->columns == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < columns_len; i++) {
        enum sotto_status status = read_column(&catalogue->columns[i], reader, catalogue->rows);
        if (status != SOTTO_OK) {
            return status;
        }
        catalogue->columns_len++;
    }
    enum sotto_status status = read_spans(catalogue, reader);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto_reader_finished(reader) ? check_names(catalogue) : SOTTO_ERROR_INPUT;
}

enum sotto_status sotto_catalogue_decode(struct sotto_catalogue **out, const uint8_t *data,
                                         size_t data_bytes)
{
    struct sotto_reader reader;
    sotto_reader_init(&reader, data, data_bytes);
    struct sotto_catalogue *catalogue = sotto_alloc_zeroed(sizeof *catalogue);
    if (catalogue == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    enum sotto_status status = read_catalogue(catalogue, &reader);
    if (status != SOTTO_OK) {
        sotto_catalogue_free(catalogue);
        return status;
    }
    *out = catalogue;
    return SOTTO_OK;
}
