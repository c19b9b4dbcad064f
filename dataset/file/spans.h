/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DATASET_FILE_SPANS_H
#define SOTTO_DATASET_FILE_SPANS_H

/* A file in parts that are read independently, and what is handed out of them meanwhile. */

#include "file/file.h"
#include "text/block.h"

/* --- spans.c: a file in parts that are read independently --- */

/* A worker's buffer for file bytes: `text` has SOTTO__DIGITS_BEFORE readable bytes before it,
 * SOTTO__SPLIT_BLOCK zeros after its `bytes`. */
struct sotto__span_buffer {
    void *memory;
    size_t capacity;
    char *text;
    size_t bytes;
};

void sotto__span_buffer_release(struct sotto__span_buffer *buffer);

/* Reads [offset, offset + bytes) of the file, or the next bytes of a stream (which may be NULL);
 * they end a record. Closes a last line that has no end. */
enum sotto_status sotto__span_read(struct sotto__span_buffer *buffer, const struct sotto_csv *csv,
                                   struct sotto__stream *stream, uint64_t offset, size_t bytes,
                                   struct sotto_error *err) SOTTO_NODISCARD;

struct sotto__handout; /* below */

/* Catalogues the rows from rows_offset to the end in parallel: types, missing, rows and spans of
 * catalogue, whose columns have their names; handout may be NULL. Returns: SOTTO_ERROR_INPUT
 * without a text where the file must be read serially, because of an error in it or a very long
 * record. */
enum sotto_status sotto__spans_catalogue(const struct sotto_csv *csv,
                                         struct sotto_catalogue *catalogue, uint64_t rows_offset,
                                         struct sotto__handout *handout,
                                         struct sotto_error *err) SOTTO_NODISCARD;

/* The same of a packed file, whose text is unpacked by one worker at a time. */
enum sotto_status sotto__spans_catalogue_packed(const struct sotto_csv *csv,
                                                struct sotto_catalogue *catalogue,
                                                uint64_t rows_offset,
                                                struct sotto__handout *handout,
                                                struct sotto_error *err) SOTTO_NODISCARD;

/* --- handout.c: columns handed out while they are catalogued --- */

struct sotto__handout {
    const char *const *names;
    size_t names_len;
    sotto_csv_sink *sink;
    void *context;
    atomic_bool failed; /* what was handed out is not all, or is nothing */
};

/* One worker's. */
struct sotto__handout_worker {
    struct sotto__handout *handout; /* NULL: there is none, and all of this does nothing */
    size_t worker;
    const struct sotto_csv *csv;
    size_t file_columns_len;
    struct sotto_csv_wanted *wanted;
    struct sotto__block block;
    bool has_block;
};

/* Looks the names up. Returns: SOTTO_ERROR_NO_MEMORY. An unknown name is no failure: handing out
 * fails. */
enum sotto_status sotto__handout_init(struct sotto__handout_worker *out,
                                      struct sotto__handout *handout, size_t worker,
                                      const struct sotto_csv *csv,
                                      const struct sotto_catalogue *catalogue) SOTTO_NODISCARD;
void sotto__handout_release(struct sotto__handout_worker *worker);
/* Takes fields that the worker's facts, one for each column of the file, have taken already. */
void sotto__handout_take(struct sotto__handout_worker *worker,
                         const struct sotto__column_facts *facts,
                         const struct sotto__fields *fields);
/* Hands out what is left. */
void sotto__handout_end(struct sotto__handout_worker *worker);

#endif
