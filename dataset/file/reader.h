/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DATASET_FILE_READER_H
#define SOTTO_DATASET_FILE_READER_H

/* The reader of read.c, for the formats that it reads: CSV there, JSON in ndjson.c. */

#include "file/read.h"

#include <csv.h>

struct sotto__ndjson_file;

struct sotto__csv_reader {
    const struct sotto_csv *csv;
    struct sotto__stream *stream; /* of a packed file */
    const struct sotto__csv_visitor *visitor;
    struct sotto_error *err;
    struct sotto__ndjson_file *json; /* NULL: it is CSV */
    enum sotto__ndjson_kind kind;    /* of the visitor's field, where json is not NULL */
    struct csv_parser parser;
    int parser_idle;          /* libcsv's state between records */
    enum sotto_status status; /* the first failure */
    uint64_t line;
    uint64_t record_line; /* where the current record starts */
    uint64_t field_line;  /* where the current field starts */
    size_t field;         /* fields of the current record so far */
    bool is_field_empty;  /* the last one of them */
    bool after_cr;
    bool inside_line; /* what comes next goes on a line */
    bool leaves_out;  /* that line is none of the table */
    uint64_t skip;    /* lines before the header that are left out, from here on */
    bool header_done;
    bool header_only;     /* stop behind the header */
    uint64_t rows_offset; /* of the byte behind the header's line */
    uint64_t text_bytes;  /* of all, when all is read */
    char **names;         /* its own; borrowed where json is not NULL */
    size_t names_len;
    size_t names_capacity_len;
};

/* All of a file between two looks at its identity. */
enum sotto_status sotto__csv_read_file(struct sotto__csv_reader *reader,
                                       struct sotto_file_identity *out_identity) SOTTO_NODISCARD;

/* --- ndjson.c --- */

/* As sotto__csv_read. */
enum sotto_status sotto__ndjson_read(const struct sotto_csv *csv,
                                     struct sotto_file_identity *out_identity,
                                     uint64_t *out_text_bytes,
                                     const struct sotto__csv_visitor *visitor,
                                     struct sotto_error *err) SOTTO_NODISCARD;
/* Takes a piece of the text, which may end within a line; then the text's end. */
enum sotto_status sotto__ndjson_feed(struct sotto__csv_reader *reader, const char *data,
                                     size_t bytes) SOTTO_NODISCARD;
enum sotto_status sotto__ndjson_finish(struct sotto__csv_reader *reader) SOTTO_NODISCARD;

#endif
