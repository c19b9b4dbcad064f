/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DATASET_FILE_READ_H
#define SOTTO_DATASET_FILE_READ_H

/* A file record by record, through libcsv. */

#include "file/file.h"
#include "text/ndjson.h"

/* --- read.c: records through libcsv --- */

struct sotto__csv_reader;

/* What becomes of the records. Each field of a row comes with its column (never more columns than
 * names), then the row's end; ragged rows are refused before their end is told. Texts are valid
 * UTF-8 without NUL, terminated, and borrowed for the call. */
struct sotto__csv_visitor {
    enum sotto_status (*header)(void *context, struct sotto__csv_reader *reader, char *const *names,
                                size_t names_len);
    enum sotto_status (*field)(void *context, struct sotto__csv_reader *reader, size_t column,
                               const char *text, size_t text_bytes);
    enum sotto_status (*row)(void *context, struct sotto__csv_reader *reader);
    void *context;
    const struct sotto_catalogue *known; /* whose names a JSON file must have; NULL: found out */
};

/* Reads the whole file. On success *out_identity tells what was read, and *out_text_bytes how long
 * its text is; both unchanged on failure. Returns: as sotto_csv_catalogue, or what the visitor
 * returned. */
enum sotto_status sotto__csv_read(const struct sotto_csv *csv,
                                  struct sotto_file_identity *out_identity,
                                  uint64_t *out_text_bytes,
                                  const struct sotto__csv_visitor *visitor,
                                  struct sotto_error *err) SOTTO_NODISCARD;

/* Reads the header alone: calls visitor->header, and tells at which byte the rows begin and, of a
 * file that is not packed, at which the table ends. */
enum sotto_status sotto__csv_read_header(const struct sotto_csv *csv,
                                         struct sotto_file_identity *out_identity,
                                         uint64_t *out_rows_offset, uint64_t *out_text_bytes,
                                         const struct sotto__csv_visitor *visitor,
                                         struct sotto_error *err) SOTTO_NODISCARD;

/* For visitors: sets the error text, after "file:line: " and, where column is not SOTTO_NONE, the
 * column's name. Returns: status. */
enum sotto_status sotto__csv_error(struct sotto__csv_reader *reader, enum sotto_status status,
                                   size_t column, const char *format, ...) SOTTO_PRINTF(4, 5);

/* For visitors of fields: the line on which the field begins, from 1. */
uint64_t sotto__csv_reader_line(const struct sotto__csv_reader *reader);

/* For visitors of fields: what the value is in a JSON file; NULL in a CSV file, where the text says
 * it. */
const enum sotto__ndjson_kind *sotto__csv_reader_kind(const struct sotto__csv_reader *reader);

/* For visitors of headers: whether a column has lists or objects, so that nobody can ask for it. */
bool sotto__csv_reader_is_nested(const struct sotto__csv_reader *reader, size_t column);

/* The error text of the reader's caller, for sinks; may be NULL. */
struct sotto_error *sotto__csv_reader_err(struct sotto__csv_reader *reader);

/* --- misfits.c --- */

/* What to do about a text that is like a number (a sum of enum sotto__likeness), in words; "" where
 * nothing is known. point: of the file's numbers. */
void sotto__likeness_advise(char *out, size_t out_bytes, unsigned likeness, char point);

#endif
