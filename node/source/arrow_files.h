/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SOURCE_ARROW_FILES_H
#define SOTTO_NODE_SOURCE_ARROW_FILES_H

/* Files of Arrow IPC, and folders of them, in the worker. Errors are not NULL here. */

#include "source/arrow_ipc.h"

/* --- arrow_reader.c --- */

/* A file or stream of batches. */
struct arrow_reader {
    int fd;
    uint64_t at;
    uint64_t end;    /* of all messages: of a file its footer */
    uint8_t *footer; /* of a file, or NULL */
    struct flatbuffer flat;
    struct flat_vector blocks[2]; /* in the footer, where dictionaries and where batches are */
    size_t next[2];
    uint64_t behind[2]; /* the last one that was read */
    bool is_over;
    struct arrow_fields fields;
    struct arrow_dictionary *dictionaries;
    size_t dictionaries_len;
    size_t dictionaries_capacity;
};
/* Borrows fd, a regular file's, and reads its schema. Returns: SOTTO_ERROR_INPUT (another format),
 * SOTTO_ERROR_IO, SOTTO_ERROR_LIMIT. Ownership: *out is ended by arrow_reader_release, also on
 * failure. */
enum sotto_status arrow_reader_open(struct arrow_reader *out, int fd,
                                    struct sotto_error *err) SOTTO_NODISCARD;
/* Reads the next batch, of the columns whose places in fields are named. Returns: as
 * arrow_reader_open; where there is none any more out->release is NULL. Ownership: *out is ended by
 * its release, before the next batch is read. */
enum sotto_status arrow_reader_next(struct ArrowArray *out, struct arrow_reader *reader,
                                    const size_t *columns, size_t columns_len,
                                    struct sotto_error *err) SOTTO_NODISCARD;
void arrow_reader_release(struct arrow_reader *reader);

/* --- arrow_files.c --- */

/* The files that a pattern names as one stream: of all columns, or those that are named. Columns go
 * together by their names; the first file says their types. No names at all: a column without
 * values, for the rows to count. Files that change meanwhile are an error. Returns: as
 * arrow_reader_open; SOTTO_ERROR_NOT_FOUND. Ownership: *out is ended by its release; borrows names.
 */
enum sotto_status arrow_files_open(struct ArrowArrayStream *out, const char *pattern,
                                   const char *const *names, size_t names_len, bool is_all,
                                   struct sotto_error *err) SOTTO_NODISCARD;

#endif
