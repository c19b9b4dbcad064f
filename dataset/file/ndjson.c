/* SPDX-License-Identifier: Apache-2.0 */

/* Files with a JSON object in each line. Leans on text/ndjson.c for a line, and on read.c for
 * bytes, line numbers and the file's identity.
 *
 * The idea: to visitors it is a file like any other, with a header and as many fields in each row.
 * So it is read twice: once for the names, in the order in which they are first met, and once for
 * the rows, in which a name that is not there is a missing value. Who has a catalogue knows the
 * names already. */

#include "file/reader.h"

#include <sotto/alloc.h>
#include <string.h>

#define LINE_BYTES_MAX SOTTO__SPAN_BYTES_MAX

struct sotto__ndjson_file {
    struct sotto__ndjson_line json;
    char *line; /* what is there of a line that goes on in the next piece */
    size_t line_bytes;
    size_t line_capacity_bytes;
    char **names;
    bool *are_nested;
    uint64_t *seen; /* the last row that has it, from 1 */
    size_t names_len;
    size_t names_capacity_len;
    uint32_t *table;  /* name + 1, 0: free; open addressing by hash_name */
    size_t table_len; /* a power of two, above twice the names */
    size_t next;      /* the name behind the last one that was found */
    uint64_t row;     /* from 1 */
    bool is_finding;  /* names, not rows */
    bool is_known;    /* the names are a catalogue's */
};

/* --- Names --- */

static uint64_t hash_name(const char *name, size_t bytes)
{
    uint64_t state = UINT64_C(0xCBF29CE484222325); /* FNV-1a */
    for (size_t i = 0; i < bytes; i++) {
        state = (state ^ (unsigned char)name[i]) * UINT64_C(0x100000001B3);
    }
    return state ^ state >> 32;
}

static bool is_name(const struct sotto__ndjson_file *rows, size_t i, const char *name, size_t bytes)
{
    return strncmp(rows->names[i], name, bytes) == 0 && rows->names[i][bytes] == '\0';
}

/* Returns: the place of a name in the table, or the free one where it would stand. */
static uint32_t *find_place(const struct sotto__ndjson_file *rows, const char *name, size_t bytes)
{
    size_t at = hash_name(name, bytes) & (rows->table_len - 1);
    while (rows->table[at] != 0 && !is_name(rows, rows->table[at] - 1, name, bytes)) {
        at = (at + 1) & (rows->table_len - 1);
    }
    return &rows->table[at];
}

/* Returns: SOTTO_NONE if there is none. Most rows have their names in one order. */
static size_t find_name(struct sotto__ndjson_file *rows, const char *name, size_t bytes)
{
    size_t i = rows->next;
    if (i >= rows->names_len || !is_name(rows, i, name, bytes)) {
        uint32_t place = rows->table_len > 0 ? *find_place(rows, name, bytes) : 0;
        i = place > 0 ? place - 1 : SOTTO_NONE;
    }
    rows->next = i == SOTTO_NONE ? rows->next : i + 1;
    return i;
}

/* Makes room for one name more, in the lists and in the table. */
static enum sotto_status reserve_name(struct sotto__ndjson_file *rows)
{
    size_t capacity = rows->names_capacity_len;
    if (rows->names_len < capacity) {
        return SOTTO_OK;
    }
    size_t len = capacity == 0 ? 16 : 2 * capacity;
    char **names = sotto_alloc_array(len, sizeof *names);
    bool *are_nested = sotto_alloc_array(len, sizeof *are_nested);
    uint64_t *seen = sotto_alloc_array(len, sizeof *seen);
    uint32_t *table = sotto_alloc_array(4 * len, sizeof *table);
    if (names == NULL || are_nested == NULL || seen == NULL || table == NULL) {
        sotto_free(names);
        sotto_free(are_nested);
        sotto_free(seen);
        sotto_free(table);
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < rows->names_len; i++) {
        names[i] = rows->names[i];
        are_nested[i] = rows->are_nested[i];
        seen[i] = rows->seen[i];
    }
    sotto_free(rows->names);
    sotto_free(rows->are_nested);
    sotto_free(rows->seen);
    sotto_free(rows->table);
    rows->names = names;
    rows->are_nested = are_nested;
    rows->seen = seen;
    rows->table = table;
    rows->table_len = 4 * len;
    rows->names_capacity_len = len;
    for (size_t i = 0; i < rows->names_len; i++) {
        *find_place(rows, names[i], strlen(names[i])) = (uint32_t)(i + 1);
    }
    return SOTTO_OK;
}

/* Returns: SOTTO_ERROR_NO_MEMORY. */
static enum sotto_status add_name(struct sotto__ndjson_file *rows, const char *name, size_t bytes)
{
    char *copy = sotto_text_copy(name, bytes);
    if (copy == NULL || reserve_name(rows) != SOTTO_OK) {
        sotto_free(copy);
        return SOTTO_ERROR_NO_MEMORY;
    }
    rows->names[rows->names_len++] = copy;
    *find_place(rows, copy, bytes) = (uint32_t)rows->names_len;
    rows->next = rows->names_len;
    return SOTTO_OK;
}

static void rows_release(struct sotto__ndjson_file *rows)
{
    for (size_t i = 0; i < rows->names_len; i++) {
        sotto_free(rows->names[i]);
    }
    sotto_free(rows->names);
    sotto_free(rows->are_nested);
    sotto_free(rows->seen);
    sotto_free(rows->table);
    sotto_free(rows->line);
    sotto__ndjson_line_release(&rows->json);
}

/* --- Members --- */

/* The number of a name, a new one where names are being found. Returns: SOTTO_NONE after a failure,
 * which *out_status tells. */
static size_t take_name(struct sotto__csv_reader *reader, enum sotto_status *out_status,
                        const char *name, size_t name_bytes)
{
    struct sotto__ndjson_file *rows = reader->json;
    size_t i = find_name(rows, name, name_bytes);
    if (i != SOTTO_NONE) {
        return i;
    }
    if (!rows->is_finding) {
        *out_status = sotto__csv_changed(reader->csv, reader->err);
    } else if (rows->names_len == SOTTO_CSV_COLUMNS_MAX) {
        *out_status =
            sotto__csv_error(reader, SOTTO_ERROR_LIMIT, SOTTO_NONE,
                             "expected at most %d columns, found more", SOTTO_CSV_COLUMNS_MAX);
    } else if (name_bytes > SOTTO_CSV_NAME_BYTES_MAX) {
        *out_status = sotto__csv_error(reader, SOTTO_ERROR_LIMIT, SOTTO_NONE,
                                       "expected a name of at most %d bytes, found %zu",
                                       SOTTO_CSV_NAME_BYTES_MAX, name_bytes);
    } else if (add_name(rows, name, name_bytes) != SOTTO_OK) {
        *out_status = sotto__csv_no_memory(reader->csv, reader->err);
    } else {
        return rows->names_len - 1;
    }
    return SOTTO_NONE;
}

static enum sotto_status take_member(void *context, const char *name, size_t name_bytes,
                                     enum sotto__ndjson_kind kind, const char *text,
                                     size_t text_bytes)
{
    struct sotto__csv_reader *reader = context;
    struct sotto__ndjson_file *rows = reader->json;
    enum sotto_status status = SOTTO_OK;
    size_t i = take_name(reader, &status, name, name_bytes);
    if (i == SOTTO_NONE) {
        return status;
    }
    if (rows->seen[i] == rows->row) {
        return sotto__csv_error(reader, SOTTO_ERROR_INPUT, SOTTO_NONE,
                                "expected each name once, found \"%.200s\" twice", rows->names[i]);
    }
    rows->seen[i] = rows->row;
    if (text_bytes > SOTTO_CSV_FIELD_BYTES_MAX) {
        return sotto__csv_error(reader, SOTTO_ERROR_LIMIT, SOTTO_NONE,
                                "expected a value of at most 16 MiB, found a longer one");
    }
    if (kind == SOTTO__NDJSON_NESTED && !rows->are_nested[i] && rows->is_known) {
        return sotto__csv_changed(reader->csv, reader->err);
    }
    if (rows->is_finding) {
        rows->are_nested[i] = rows->are_nested[i] || kind == SOTTO__NDJSON_NESTED;
        return SOTTO_OK;
    }
    reader->kind = rows->are_nested[i] ? SOTTO__NDJSON_MISSING : kind;
    return reader->visitor->field(reader->visitor->context, reader, i, text, text_bytes);
}

/* --- Lines --- */

/* Names that the row does not have are missing values. */
static enum sotto_status end_row(struct sotto__csv_reader *reader)
{
    const struct sotto__ndjson_file *rows = reader->json;
    const struct sotto__csv_visitor *visitor = reader->visitor;
    reader->kind = SOTTO__NDJSON_MISSING;
    for (size_t i = 0; i < rows->names_len; i++) {
        enum sotto_status status = rows->seen[i] == rows->row
                                       ? SOTTO_OK
                                       : visitor->field(visitor->context, reader, i, "", 0);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return visitor->row(visitor->context, reader);
}

static enum sotto_status report_wrong(struct sotto__csv_reader *reader, const char *line,
                                      size_t bytes)
{
    const struct sotto__ndjson_line *json = &reader->json->json;
    char shown[80];
    size_t left = bytes - json->at;
    sotto_text_reveal(shown, sizeof shown, line + json->at, left < 12 ? left : 12);
    const char *hint =
        left == 0                                ? ""
        : line[json->at] == '[' && json->at == 0 ? ": of a list of objects jq -c "
                                                   "'.[]' makes such lines"
        : line[json->at] != '\0' && strchr("NnIi-", line[json->at]) != NULL && json->at > 0
            ? ": what is no number is null"
            : "";
    return sotto__csv_error(reader, SOTTO_ERROR_INPUT, SOTTO_NONE,
                            "byte %zu: expected %s, found %s%s%s%s", json->at + 1, json->expected,
                            left > 0 ? "\"" : "the end of the line", left > 0 ? shown : "",
                            left > 0 ? "\"" : "", hint);
}

/* A line without its end; blank ones are none. */
static enum sotto_status take_line(struct sotto__csv_reader *reader, const char *line, size_t bytes)
{
    struct sotto__ndjson_file *rows = reader->json;
    size_t blanks = 0;
    while (blanks < bytes && strchr(" \t\r", line[blanks]) != NULL && line[blanks] != '\0') {
        blanks++;
    }
    if (blanks == bytes) {
        return SOTTO_OK;
    }
    reader->record_line = reader->line;
    reader->field_line = reader->line;
    rows->row++;
    rows->next = 0;
    enum sotto_status status = sotto__ndjson_row(&rows->json, line, bytes, take_member, reader);
    if (status == SOTTO_ERROR_INPUT && rows->json.expected != NULL) {
        return report_wrong(reader, line, bytes);
    }
    if (status == SOTTO_ERROR_NO_MEMORY && rows->json.expected == NULL) {
        return sotto__csv_no_memory(reader->csv, reader->err);
    }
    return status == SOTTO_OK && !rows->is_finding ? end_row(reader) : status;
}

/* Adds a piece to the line that is under way. */
static enum sotto_status keep_piece(struct sotto__csv_reader *reader, const char *data,
                                    size_t bytes)
{
    struct sotto__ndjson_file *rows = reader->json;
    if (bytes == 0) {
        return SOTTO_OK;
    }
    if (rows->line_bytes + bytes > LINE_BYTES_MAX) {
        reader->record_line = reader->line;
        return sotto__csv_error(reader, SOTTO_ERROR_LIMIT, SOTTO_NONE,
                                "expected a line of at most 64 MiB, found a longer one");
    }
    void *line = rows->line;
    if (sotto__buffer_grow(&line, &rows->line_capacity_bytes, rows->line_bytes + bytes) !=
        SOTTO_OK) {
        return sotto__csv_no_memory(reader->csv, reader->err);
    }
    rows->line = line;
    memcpy(rows->line + rows->line_bytes, data, bytes);
    rows->line_bytes += bytes;
    return SOTTO_OK;
}

enum sotto_status sotto__ndjson_feed(struct sotto__csv_reader *reader, const char *data,
                                     size_t bytes)
{
    struct sotto__ndjson_file *rows = reader->json;
    const char *end = data + bytes;
    while (data < end) {
        const char *lf = memchr(data, '\n', (size_t)(end - data));
        const char *stop = lf != NULL ? lf : end;
        bool is_whole = rows->line_bytes == 0 && lf != NULL;
        enum sotto_status status = SOTTO_OK;
        if (!is_whole) {
            status = keep_piece(reader, data, (size_t)(stop - data));
        }
        if (status == SOTTO_OK && lf != NULL) {
            status = take_line(reader, is_whole ? data : rows->line,
                               is_whole ? (size_t)(stop - data) : rows->line_bytes);
            rows->line_bytes = 0;
            reader->line++;
        }
        if (status != SOTTO_OK) {
            return status;
        }
        data = lf != NULL ? lf + 1 : end;
    }
    return SOTTO_OK;
}

enum sotto_status sotto__ndjson_finish(struct sotto__csv_reader *reader)
{
    struct sotto__ndjson_file *rows = reader->json;
    enum sotto_status status =
        take_line(reader, rows->line_bytes > 0 ? rows->line : "", rows->line_bytes);
    rows->line_bytes = 0;
    if (status == SOTTO_OK && rows->names_len == 0) {
        reader->record_line = 1;
        status = sotto__csv_error(reader, SOTTO_ERROR_INPUT, SOTTO_NONE,
                                  "expected an object in each line, as {\"wage\": 5000}, found %s",
                                  rows->row > 0 ? "no names" : "an empty file");
    }
    return status;
}

/* --- A file --- */

static enum sotto_status take_known(struct sotto__ndjson_file *rows,
                                    const struct sotto_catalogue *known)
{
    for (size_t i = 0; i < known->columns_len; i++) {
        const struct sotto_catalogue_column *column = &known->columns[i];
        if (add_name(rows, column->name, strlen(column->name)) != SOTTO_OK) {
            return SOTTO_ERROR_NO_MEMORY;
        }
        rows->are_nested[i] = column->is_nested;
    }
    rows->is_known = true;
    return SOTTO_OK;
}

/* The first reading, for the names. */
static enum sotto_status find_names(struct sotto__ndjson_file *rows, const struct sotto_csv *csv,
                                    struct sotto_file_identity *out_identity,
                                    struct sotto_error *err)
{
    struct sotto__csv_reader reader = {.csv = csv, .err = err, .json = rows};
    rows->is_finding = true;
    enum sotto_status status = sotto__csv_read_file(&reader, out_identity);
    rows->is_finding = false;
    rows->row = 0;
    for (size_t i = 0; i < rows->names_len; i++) {
        rows->seen[i] = 0;
    }
    return status;
}

bool sotto__csv_reader_is_nested(const struct sotto__csv_reader *reader, size_t column)
{
    return reader->json != NULL && reader->json->are_nested[column];
}

enum sotto_status sotto__ndjson_read(const struct sotto_csv *csv,
                                     struct sotto_file_identity *out_identity,
                                     uint64_t *out_text_bytes,
                                     const struct sotto__csv_visitor *visitor,
                                     struct sotto_error *err)
{
    struct sotto__ndjson_file rows = {.row = 0};
    struct sotto_file_identity first;
    struct sotto_file_identity second;
    enum sotto_status status;
    if (visitor->known != NULL) {
        status = take_known(&rows, visitor->known);
        status = status == SOTTO_OK ? sotto_csv_identity(csv, &first, err)
                                    : sotto__csv_no_memory(csv, err);
    } else {
        status = find_names(&rows, csv, &first, err);
    }
    if (status != SOTTO_OK) {
        goto out;
    }
    struct sotto__csv_reader reader = {.csv = csv,
                                       .visitor = visitor,
                                       .err = err,
                                       .json = &rows,
                                       .record_line = 1,
                                       .header_done = true,
                                       .names = rows.names,
                                       .names_len = rows.names_len};
    status = visitor->header(visitor->context, &reader, rows.names, rows.names_len);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto__csv_read_file(&reader, &second);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (!sotto_file_identity_equal(&first, &second)) {
        status = sotto__csv_changed(csv, err);
        goto out;
    }
    *out_identity = second;
    *out_text_bytes = reader.text_bytes;
out:
    rows_release(&rows);
    return status;
}
