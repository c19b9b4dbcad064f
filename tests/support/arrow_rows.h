/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_TESTS_ARROW_ROWS_H
#define SOTTO_TESTS_ARROW_ROWS_H

/* Bytes that may be a file of Arrow IPC, read as the worker reads one. */

#include "source/arrow_files.h"
#include "source/columns.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Names of the columns that have a type here, which live as long as the stream. */
static inline const char **arrow_rows_names(size_t *out_len, struct ArrowArrayStream *stream)
{
    struct ArrowSchema schema;
    *out_len = 0;
    SOTTO_REQUIRE(stream->get_schema(stream, &schema) == 0);
    const char **names = sotto_alloc_array((size_t)schema.n_children + 1, sizeof *names);
    for (int64_t i = 0; names != NULL && i < schema.n_children; i++) {
        if (source_column_find(schema.children[i]).hidden == NULL) {
            names[(*out_len)++] = schema.children[i]->name;
        }
    }
    schema.release(&schema);
    return names;
}

/* Imports all batches. */
static inline bool arrow_rows_take(uint64_t *out_rows, struct ArrowArrayStream *stream)
{
    *out_rows = 0;
    for (;;) {
        struct sotto_table *table = NULL;
        struct ArrowSchema schema;
        struct ArrowArray batch;
        if (stream->get_next(stream, &batch) != 0) {
            return false;
        }
        if (batch.release == NULL) {
            return true;
        }
        SOTTO_REQUIRE(stream->get_schema(stream, &schema) == 0);
        if (sotto_arrow_import(&table, &schema, &batch, NULL) != SOTTO_OK) {
            return false;
        }
        *out_rows += sotto_table_rows(table);
        sotto_table_free(table);
    }
}

/* Reads them all. Returns: false where they are no such file, or not a whole one. */
static inline bool arrow_rows_read(uint64_t *out_rows, const void *data, size_t bytes)
{
    char path[64];
    struct ArrowArrayStream all;
    struct ArrowArrayStream stream;
    struct sotto_error err;
    size_t len;
    int fd = memfd_create("arrow", MFD_CLOEXEC);
    SOTTO_REQUIRE(fd >= 0 && write(fd, data, bytes) == (ssize_t)bytes);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    bool is_good = arrow_files_open(&all, path, NULL, 0, true, &err) == SOTTO_OK;
    if (is_good) {
        const char **names = arrow_rows_names(&len, &all);
        is_good =
            names != NULL && arrow_files_open(&stream, path, names, len, false, &err) == SOTTO_OK;
        all.release(&all);
        sotto_free(names);
        if (is_good) {
            is_good = arrow_rows_take(out_rows, &stream);
            stream.release(&stream);
        }
    }
    (void)close(fd);
    return is_good;
}

#endif
