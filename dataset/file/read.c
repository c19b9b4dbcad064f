/* SPDX-License-Identifier: Apache-2.0 */

/* Records through libcsv. Leans on libcsv for the grammar of quotes, and on nothing for the rest:
 * this is the slow way that knows the line of each error.
 *
 * The idea: libcsv can't tell where it is, so it is fed one physical line at a time: then each
 * callback belongs to the current line, and at most one record ends in each call. A failure waits
 * in the reader (reader->status): the callbacks can't return one, and do nothing more once there is
 * one. */

#include "file/reader.h"

#include <errno.h>
#include <sotto/alloc.h>
#include <sotto/arithmetic.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)256 * 1024)
/* libcsv's buffer for one field grows by this at least. */
#define FIELD_STEP_BYTES ((size_t)16 * 1024)

struct sotto_error *sotto__csv_reader_err(struct sotto__csv_reader *reader)
{
    return reader->err;
}

uint64_t sotto__csv_reader_line(const struct sotto__csv_reader *reader)
{
    return reader->field_line;
}

const enum sotto__ndjson_kind *sotto__csv_reader_kind(const struct sotto__csv_reader *reader)
{
    return reader->json != NULL ? &reader->kind : NULL;
}

/* Sets the error text; a column that the header has is called by its name. */
static enum sotto_status error_at(struct sotto__csv_reader *reader, enum sotto_status status,
                                  uint64_t line, size_t column, const char *text)
{
    if (column < reader->names_len && reader->header_done) {
        return sotto_error_set(reader->err, status, "%s:%llu: column \"%s\": %s", reader->csv->name,
                               (unsigned long long)line, reader->names[column], text);
    }
    if (column != SOTTO_NONE) {
        return sotto_error_set(reader->err, status, "%s:%llu: column %zu: %s", reader->csv->name,
                               (unsigned long long)line, column + 1, text);
    }
    return sotto_error_set(reader->err, status, "%s:%llu: %s", reader->csv->name,
                           (unsigned long long)line, text);
}

enum sotto_status sotto__csv_error(struct sotto__csv_reader *reader, enum sotto_status status,
                                   size_t column, const char *format, ...)
{
    char text[SOTTO_ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_at(reader, status, reader->record_line, column, text);
}

static enum sotto_status report_no_memory(struct sotto__csv_reader *reader)
{
    return sotto__csv_no_memory(reader->csv, reader->err);
}

/* --- The header --- */

/* A name of the header, blanks around it taken off. */
static enum sotto_status header_field(struct sotto__csv_reader *reader, const char *text,
                                      size_t text_bytes)
{
    while (text_bytes > 0 && (*text == ' ' || *text == '\t')) {
        text++;
        text_bytes--;
    }
    while (text_bytes > 0 && (text[text_bytes - 1] == ' ' || text[text_bytes - 1] == '\t')) {
        text_bytes--;
    }
    if (reader->names_len == SOTTO_CSV_COLUMNS_MAX) {
        return sotto__csv_error(reader, SOTTO_ERROR_LIMIT, SOTTO_NONE,
                                "expected at most %d columns, found more", SOTTO_CSV_COLUMNS_MAX);
    }
    if (text_bytes > SOTTO_CSV_NAME_BYTES_MAX) {
        return sotto__csv_error(reader, SOTTO_ERROR_LIMIT, reader->names_len,
                                "expected a name of at most %d bytes, found %zu",
                                SOTTO_CSV_NAME_BYTES_MAX, text_bytes);
    }
    void *names = reader->names;
    if (sotto_array_reserve(&names, &reader->names_capacity_len, reader->names_len + 1,
                            sizeof *reader->names) != SOTTO_OK) {
        return report_no_memory(reader);
    }
    reader->names = names;
    char *name = sotto_text_copy(text, text_bytes);
    if (name == NULL) {
        return report_no_memory(reader);
    }
    reader->names[reader->names_len++] = name;
    return SOTTO_OK;
}

/* Whether the first row is data, whose header is missing: a number, and nothing beside numbers,
 * booleans and words for missing values. A row of booleans alone may be names. */
static bool header_is_data(const struct sotto__csv_reader *reader)
{
    bool has_number = false;
    for (size_t i = 0; i < reader->names_len; i++) {
        struct sotto__number number;
        bool truth;
        const char *name = reader->names[i];
        size_t name_bytes = strlen(name);
        if (sotto__number_parse(&number, name, name_bytes, reader->csv->format.point)) {
            has_number = true;
        } else if (!sotto__bool_parse(&truth, name, name_bytes) &&
                   !sotto__na_words_contain(&reader->csv->format.na, name, name_bytes)) {
            return false;
        }
    }
    return has_number;
}

/* Only the first column may have no name, as R and pandas write row names, and the last one, where
 * each line ends with a delimiter. Nobody can ask for them. */
static enum sotto_status check_nameless(struct sotto__csv_reader *reader)
{
    for (size_t i = 0; i < reader->names_len; i++) {
        bool is_within = i > 0 && i + 1 < reader->names_len;
        if (reader->names[i][0] == '\0' && (is_within || reader->names_len == 1)) {
            return sotto__csv_error(reader, SOTTO_ERROR_INPUT, i,
                                    "expected a name in the header, found none");
        }
    }
    return SOTTO_OK;
}

/* The header is complete: the visitor gets it. */
static enum sotto_status header_end(struct sotto__csv_reader *reader)
{
    enum sotto_status status = check_nameless(reader);
    if (status != SOTTO_OK) {
        return status;
    }
    if (header_is_data(reader)) {
        return sotto__csv_error(reader, SOTTO_ERROR_INPUT, SOTTO_NONE,
                                "expected a header with the columns' names, found only numbers and "
                                "booleans: put a line of names before the data");
    }
    size_t first;
    size_t second;
    if (sotto__names_duplicate(&first, &second, &status, reader->names, reader->names_len)) {
        return sotto__csv_error(reader, SOTTO_ERROR_INPUT, SOTTO_NONE,
                                "expected different names in the header, found \"%s\" as column "
                                "%zu and as column %zu",
                                reader->names[second], first + 1, second + 1);
    }
    if (status != SOTTO_OK) {
        return report_no_memory(reader);
    }
    reader->header_done = true;
    return reader->visitor->header(reader->visitor->context, reader, reader->names,
                                   reader->names_len);
}

/* --- libcsv's callbacks --- */

/* What a field may not hold, wherever it stands. */
static enum sotto_status check_text(struct sotto__csv_reader *reader, const char *text,
                                    size_t text_bytes)
{
    if (text_bytes > SOTTO_CSV_FIELD_BYTES_MAX) {
        return error_at(reader, SOTTO_ERROR_LIMIT, reader->field_line, reader->field,
                        "expected a field of at most 16 MiB, found a longer one: is a quote left "
                        "open?");
    }
    if (memchr(text, 0, text_bytes) != NULL) {
        return error_at(reader, SOTTO_ERROR_INPUT, reader->field_line, reader->field,
                        "expected text, found a NUL byte");
    }
    if (sotto_utf8_valid_prefix(text, text_bytes) != text_bytes) {
        return error_at(reader, SOTTO_ERROR_INPUT, reader->field_line, reader->field,
                        "expected UTF-8, found other bytes: save the file as UTF-8");
    }
    return SOTTO_OK;
}

static void on_field(void *text, size_t text_bytes, void *context)
{
    struct sotto__csv_reader *reader = context;
    if (reader->status != SOTTO_OK) {
        return;
    }
    reader->status = check_text(reader, text, text_bytes);
    if (reader->status != SOTTO_OK) {
        return;
    }
    if (!reader->header_done) {
        reader->status = header_field(reader, text, text_bytes);
    } else if (reader->field < reader->names_len) {
        reader->status = reader->visitor->field(reader->visitor->context, reader, reader->field,
                                                text, text_bytes);
    }
    reader->is_field_empty = text_bytes == 0;
    reader->field++;
    reader->field_line = reader->line;
}

/* A header that is one name, with what may be the delimiter in it, is worth a word: most ragged
 * files are files with another delimiter. So is a delimiter too many at the end. */
static enum sotto_status report_ragged(struct sotto__csv_reader *reader)
{
    const char *other = reader->names_len == 1 ? strpbrk(reader->names[0], ";\t|,") : NULL;
    char hint[80] = "";
    if (*reader->names[0] == '#' || *reader->names[0] == '%') {
        (void)snprintf(hint, sizeof hint, "; are lines that begin with %c comments (--comment)?",
                       *reader->names[0]);
    } else if (other != NULL && *other == '\t') {
        (void)snprintf(hint, sizeof hint, "; is a tab the delimiter?");
    } else if (other != NULL) {
        (void)snprintf(hint, sizeof hint, "; is '%c' the delimiter?", *other);
    } else if (reader->field == reader->names_len + 1 && reader->is_field_empty) {
        (void)snprintf(hint, sizeof hint, "; it ends with a delimiter, the header does not");
    }
    return sotto__csv_error(reader, SOTTO_ERROR_INPUT, SOTTO_NONE,
                            "expected %zu field%s as in the header, found %zu%s", reader->names_len,
                            reader->names_len == 1 ? "" : "s", reader->field, hint);
}

static void on_row(int terminator, void *context)
{
    (void)terminator;
    struct sotto__csv_reader *reader = context;
    if (reader->status != SOTTO_OK) {
        return;
    }
    if (!reader->header_done) {
        reader->status = header_end(reader);
    } else if (reader->field != reader->names_len) {
        reader->status = report_ragged(reader);
    } else {
        reader->status = reader->visitor->row(reader->visitor->context, reader);
    }
    reader->field = 0;
}

/* --- Feeding it --- */

static enum sotto_status parser_failed(struct sotto__csv_reader *reader)
{
    switch (csv_error(&reader->parser)) {
    case CSV_EPARSE:
        return error_at(reader, SOTTO_ERROR_INPUT, reader->line, reader->field,
                        "stray quote: expected quotes around the whole field, and each quote "
                        "inside doubled");
    case CSV_ETOOBIG:
        return error_at(reader, SOTTO_ERROR_LIMIT, reader->line, reader->field,
                        "the field is too long");
    default:
        return report_no_memory(reader);
    }
}

/* Feeds bytes of one line, its end or not. */
static enum sotto_status feed_line(struct sotto__csv_reader *reader, const char *data, size_t bytes)
{
    if (reader->parser.pstate == reader->parser_idle) {
        reader->record_line = reader->line;
        reader->field_line = reader->line;
    }
    /* Doubling: libcsv's own steps would copy a long field once for each. */
    csv_set_blk_size(&reader->parser, reader->parser.entry_size + FIELD_STEP_BYTES);
    size_t fed = csv_parse(&reader->parser, data, bytes, on_field, on_row, reader);
    if (reader->status != SOTTO_OK) {
        return reader->status;
    }
    if (fed != bytes) {
        reader->status = parser_failed(reader);
        return reader->status;
    }
    /* While a field goes on, blanks and a quote at its end may still be taken away: its own length
     * is checked when it ends. */
    if (reader->parser.entry_pos > SOTTO_CSV_FIELD_BYTES_MAX + BLOCK_BYTES) {
        reader->status = error_at(reader, SOTTO_ERROR_LIMIT, reader->field_line, reader->field,
                                  "expected a field of at most 16 MiB, found a longer one: is a "
                                  "quote left open?");
    }
    return reader->status;
}

/* Whether the piece of a line that begins with this byte is left out: the line is one before the
 * header or a comment. Within quotes nothing is. */
static bool is_left_out(struct sotto__csv_reader *reader, char first)
{
    char comment = reader->csv->format.comment;
    if (reader->inside_line || (reader->after_cr && first == '\n')) {
        return reader->leaves_out;
    }
    bool is_skipped = reader->skip > 0;
    reader->skip -= is_skipped;
    reader->leaves_out = is_skipped || (comment != '\0' && first == comment &&
                                        reader->parser.pstate == reader->parser_idle);
    return reader->leaves_out;
}

/* Counts the line that ends at the byte last. A line feed after a carriage return, possibly in
 * another block, belongs to the line that is over. */
static void count_line(struct sotto__csv_reader *reader, char last)
{
    bool continues = last == '\n' && reader->after_cr;
    reader->line += (last == '\r' || last == '\n') && !continues;
    reader->after_cr = last == '\r';
}

/* Feeds a block of the file, which stands at offset in it. */
static enum sotto_status feed_block(struct sotto__csv_reader *reader, const char *data,
                                    size_t bytes, uint64_t offset)
{
    if (reader->json != NULL) {
        return sotto__ndjson_feed(reader, data, bytes);
    }
    const char *start = data;
    const char *end = data + bytes;
    const char *lf = memchr(data, '\n', bytes); /* the first line feed at or after data */
    while (data < end) {
        if (lf != NULL && lf < data) {
            lf = memchr(data, '\n', (size_t)(end - data));
        }
        const char *stop = lf != NULL ? lf + 1 : end;
        const char *cr = memchr(data, '\r', (size_t)(stop - data));
        stop = cr != NULL ? cr + 1 : stop;
        if (!is_left_out(reader, *data)) {
            enum sotto_status status = feed_line(reader, data, (size_t)(stop - data));
            if (status != SOTTO_OK) {
                return status;
            }
        }
        reader->inside_line = stop[-1] != '\n' && stop[-1] != '\r';
        count_line(reader, stop[-1]);
        data = stop;
        if (reader->header_only && reader->header_done) {
            reader->rows_offset = offset + (uint64_t)(data - start);
            return SOTTO_OK;
        }
    }
    return SOTTO_OK;
}

/* Fills block, less of it only at the end of the file. */
static enum sotto_status read_block(struct sotto__csv_reader *reader, char *block,
                                    size_t *out_bytes, uint64_t offset)
{
    size_t done = 0;
    if (reader->stream != NULL) {
        return sotto__stream_read(reader->stream, block, out_bytes, BLOCK_BYTES, reader->err);
    }
    enum sotto_status status = sotto__csv_check_interrupt(reader->csv, reader->err);
    if (status != SOTTO_OK) {
        return status;
    }
    while (done < BLOCK_BYTES) {
        ssize_t got =
            pread(reader->csv->fd, block + done, BLOCK_BYTES - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return sotto_error_set(reader->err, SOTTO_ERROR_IO, "%s: reading failed (errno %d)",
                                   reader->csv->name, errno);
        }
        if (got == 0) {
            break;
        }
        done += (size_t)got;
        atomic_fetch_add_explicit(reader->csv->bytes_read, (uint64_t)got, memory_order_relaxed);
    }
    *out_bytes = done;
    return SOTTO_OK;
}

/* The bytes of a byte order mark at the start of the text, which must be text. */
static enum sotto_status begin_text(struct sotto__csv_reader *reader, size_t *out_skip,
                                    const char *block, size_t bytes)
{
    const char *what;
    const char *advice;
    if (sotto__magic_find(&what, &advice, block, bytes)) {
        return sotto_error_set(reader->err, SOTTO_ERROR_INPUT,
                               "%s: expected %s text in UTF-8, found %s: %s", reader->csv->name,
                               reader->json != NULL ? "JSON" : "CSV", what, advice);
    }
    char delimiter;
    if (reader->json == NULL &&
        (sotto__sep_line(&delimiter, block, bytes) != reader->csv->has_sep_line ||
         (reader->csv->has_sep_line && delimiter != reader->csv->format.delimiter))) {
        return sotto__csv_changed(reader->csv, reader->err);
    }
    *out_skip = bytes >= 3 && memcmp(block, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    return SOTTO_OK;
}

/* The last record ends with the file, whether a line feed does or not. */
static enum sotto_status finish_text(struct sotto__csv_reader *reader)
{
    if (csv_fini(&reader->parser, on_field, on_row, reader) != 0) {
        return error_at(reader, SOTTO_ERROR_INPUT, reader->field_line, reader->field,
                        "unclosed quote: expected a closing quote, found the end of the file");
    }
    if (reader->status != SOTTO_OK) {
        return reader->status;
    }
    if (!reader->header_done) {
        return error_at(reader, SOTTO_ERROR_INPUT, 1, SOTTO_NONE,
                        "expected a header with the columns' names, found an empty file");
    }
    return SOTTO_OK;
}

/* Reads block by block, up to the end of the table's text or, where that is all, of the header. A
 * file that grows is read beyond end_bytes, unless there is a footer. */
static enum sotto_status read_all(struct sotto__csv_reader *reader, char *block, uint64_t end_bytes)
{
    uint64_t offset = 0;
    for (;;) {
        size_t bytes = 0;
        size_t skip = 0;
        enum sotto_status status = read_block(reader, block, &bytes, offset);
        if (status != SOTTO_OK) {
            return status;
        }
        if (offset == 0) {
            status = begin_text(reader, &skip, block, bytes);
            if (status != SOTTO_OK) {
                return status;
            }
        }
        if (reader->csv->footer > 0 && bytes > end_bytes - offset) {
            bytes = (size_t)(end_bytes - offset);
            skip = skip < bytes ? skip : bytes;
        }
        status = feed_block(reader, block + skip, bytes - skip, offset + skip);
        if (status != SOTTO_OK) {
            return status;
        }
        if (reader->rows_offset > 0) {
            return SOTTO_OK; /* the header was all */
        }
        offset += bytes;
        if (bytes < BLOCK_BYTES) {
            break;
        }
    }
    if (reader->stream == NULL && offset != end_bytes) {
        return sotto__csv_changed(reader->csv, reader->err);
    }
    reader->rows_offset = offset;
    reader->text_bytes = offset;
    return reader->json != NULL ? sotto__ndjson_finish(reader) : finish_text(reader);
}

static void reader_init(struct sotto__csv_reader *reader)
{
    (void)csv_init(&reader->parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL);
    csv_set_delim(&reader->parser, (unsigned char)reader->csv->format.delimiter);
    csv_set_realloc_func(&reader->parser, sotto__libcsv_realloc);
    csv_set_free_func(&reader->parser, sotto_free);
    reader->parser_idle = reader->parser.pstate;
    reader->line = 1;
    reader->skip = reader->csv->skip;
    if (reader->csv->has_sep_line && reader->skip == 0) {
        reader->skip = 1;
    }
    sotto__libcsv_memory_refused = false;
}

static void reader_release(struct sotto__csv_reader *reader)
{
    csv_free(&reader->parser);
    for (size_t i = 0; reader->json == NULL && i < reader->names_len; i++) {
        sotto_free(reader->names[i]);
    }
    sotto_free(reader->json == NULL ? reader->names : NULL);
}

/* Reads between two looks at the file's identity: what was read must be one state of the file. A
 * malformed text in a file that changed meanwhile is the change, not an error of the text. */
static enum sotto_status read_unchanged(struct sotto__csv_reader *reader,
                                        struct sotto_file_identity *out_identity, char *block)
{
    struct sotto_file_identity before;
    struct sotto_file_identity after;
    enum sotto_status status = sotto_csv_identity(reader->csv, &before, reader->err);
    if (status != SOTTO_OK) {
        return status;
    }
    uint64_t end_bytes = before.size_bytes;
    if (reader->csv->footer > 0) {
        status = sotto__footer_find(&end_bytes, reader->csv, before.size_bytes, reader->err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    reader->text_bytes = end_bytes; /* of a file that is not packed */
    status = read_all(reader, block, end_bytes);
    if (status != SOTTO_OK && status != SOTTO_ERROR_INPUT) {
        return status;
    }
    enum sotto_status looked = sotto_csv_identity(reader->csv, &after, reader->err);
    if (looked != SOTTO_OK) {
        return looked;
    }
    if (!sotto_file_identity_equal(&before, &after)) {
        return sotto__csv_changed(reader->csv, reader->err);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    *out_identity = before;
    return SOTTO_OK;
}

enum sotto_status sotto__csv_read_file(struct sotto__csv_reader *reader,
                                       struct sotto_file_identity *out_identity)
{
    /* Doubles are rounded to nearest, subnormals kept, whatever the caller's thread has set. */
    struct sotto_arithmetic arithmetic;
    sotto_arithmetic_enter(&arithmetic);
    reader_init(reader);
    char *block = sotto_alloc(BLOCK_BYTES);
    enum sotto_status status;
    if (block == NULL) {
        status = report_no_memory(reader);
        goto out;
    }
    if (reader->csv->packing != SOTTO__PACKING_NONE) {
        status = sotto__stream_new(&reader->stream, reader->csv, reader->err);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    status = read_unchanged(reader, out_identity, block);
out:
    sotto__stream_free(reader->stream);
    sotto_free(block);
    reader_release(reader);
    sotto_arithmetic_leave(&arithmetic);
    return status;
}

enum sotto_status sotto__csv_read(const struct sotto_csv *csv,
                                  struct sotto_file_identity *out_identity,
                                  uint64_t *out_text_bytes,
                                  const struct sotto__csv_visitor *visitor, struct sotto_error *err)
{
    if (csv->format.is_json) {
        return sotto__ndjson_read(csv, out_identity, out_text_bytes, visitor, err);
    }
    struct sotto__csv_reader reader = {.csv = csv, .visitor = visitor, .err = err};
    enum sotto_status status = sotto__csv_read_file(&reader, out_identity);
    if (status != SOTTO_OK) {
        return status;
    }
    *out_text_bytes = reader.text_bytes;
    return SOTTO_OK;
}

enum sotto_status sotto__csv_read_header(const struct sotto_csv *csv,
                                         struct sotto_file_identity *out_identity,
                                         uint64_t *out_rows_offset, uint64_t *out_text_bytes,
                                         const struct sotto__csv_visitor *visitor,
                                         struct sotto_error *err)
{
    struct sotto__csv_reader reader = {
        .csv = csv, .visitor = visitor, .err = err, .header_only = true};
    enum sotto_status status = sotto__csv_read_file(&reader, out_identity);
    if (status != SOTTO_OK) {
        return status;
    }
    /* The line feed of a CR LF belongs to the header's line. */
    char next = '\0';
    if (csv->packing == SOTTO__PACKING_NONE && reader.after_cr &&
        reader.rows_offset < reader.text_bytes) {
        status = sotto__csv_pread(csv, &next, 1, reader.rows_offset, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    *out_rows_offset = reader.rows_offset + (next == '\n');
    *out_text_bytes = reader.text_bytes;
    return SOTTO_OK;
}
