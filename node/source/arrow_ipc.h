/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SOURCE_ARROW_IPC_H
#define SOTTO_NODE_SOURCE_ARROW_IPC_H

/* What Arrow IPC is made of: schemas, batches and their buffers. Files are of others: nothing that
 * they say is believed. Leans on flatbuffer.h for their metadata. */

#include "source/adbc.h"
#include "source/flatbuffer.h"

#include <sotto/status.h>

#define ARROW_FIELDS_MAX ((size_t)65536) /* of a schema, nested ones too */
#define ARROW_DEPTH_MAX 32
#define ARROW_BUFFER_BYTES_MAX ((size_t)1 << 32)
#define ARROW_METADATA_BYTES_MAX ((size_t)16 << 20)
#define ARROW_FORMAT_BYTES 32

/* --- arrow_schema.c --- */

/* How the values of a column stand in its buffers. */
enum arrow_layout {
    ARROW_NONE, /* no values: the type null */
    ARROW_BITS,
    ARROW_FIXED,
    ARROW_TEXT,
    ARROW_VIEW,   /* texts, of which the short ones stand in the index */
    ARROW_HIDDEN, /* there is no such type here */
};

/* A column of a file. */
struct arrow_field {
    char *name;
    char format[ARROW_FORMAT_BYTES]; /* of the C Data Interface; of a dictionary's values */
    enum arrow_layout layout;        /* of a dictionary's values */
    size_t width;                    /* bytes of a value, or of an offset */
    char index[2];                   /* the format of what indexes a dictionary, or "" */
    size_t index_width;
    int64_t dictionary; /* its number */
    /* What it takes of a batch, with all that is nested in it. */
    size_t nodes;
    size_t buffers;
    size_t views; /* of nodes: those that have as many buffers more as the batch says */
};

struct arrow_fields {
    struct arrow_field *fields;
    size_t len;
};

/* Reads a schema. Returns: SOTTO_ERROR_INPUT (it is none, or big-endian), SOTTO_ERROR_LIMIT.
 * Ownership: *out is ended by arrow_fields_release, also on failure. */
enum sotto_status arrow_fields_read(struct arrow_fields *out, struct flatbuffer *flat,
                                    struct flat_table schema,
                                    struct sotto_error *err) SOTTO_NODISCARD;
void arrow_fields_release(struct arrow_fields *fields);

/* --- arrow_body.c --- */

enum arrow_codec { ARROW_PLAIN = -1, ARROW_LZ4 = 0, ARROW_ZSTD = 1 };

/* Where the buffers of a batch are. */
struct arrow_body {
    int fd;
    uint64_t at;
    uint64_t bytes; /* all of them are in the file */
    enum arrow_codec codec;
};

/* Reads `bytes` bytes of a file. Returns: SOTTO_ERROR_INPUT where it ends before, SOTTO_ERROR_IO.
 */
enum sotto_status arrow_read(void *out, int fd, uint64_t at, size_t bytes,
                             struct sotto_error *err) SOTTO_NODISCARD;
/* Reads a buffer, and decompresses it. Returns: SOTTO_ERROR_INPUT where it is not within the body
 * or not what its codec writes. Ownership: *out is ended by sotto_free; it is aligned. */
enum sotto_status arrow_body_read(void **out, size_t *out_bytes, const struct arrow_body *body,
                                  int64_t at, int64_t bytes,
                                  struct sotto_error *err) SOTTO_NODISCARD;

/* --- arrow_batch.c --- */

/* A column of a batch, or the values of a dictionary. */
struct arrow_column {
    struct ArrowArray array;
    const void *buffers[3];
    void *owned[3];
};
void arrow_column_release(struct arrow_column *column);

/* A dictionary of a file, as it is by now. */
struct arrow_dictionary {
    int64_t number;
    struct arrow_column values;
};

/* Where the fields of a batch begin in its lists. */
struct arrow_place {
    size_t node;
    size_t buffer;
    size_t view;
};

/* A RecordBatch that is read column by column. */
struct arrow_batch {
    struct flatbuffer *flat;
    struct arrow_body body;
    int64_t rows;
    struct flat_vector nodes;
    struct flat_vector buffers;
    struct flat_vector views;
};
/* Begins one that a table of metadata tells. Returns: SOTTO_ERROR_INPUT (it is none, or compressed
 * in another way). Ownership: borrows flat. */
enum sotto_status arrow_batch_init(struct arrow_batch *out, struct flatbuffer *flat,
                                   struct flat_table table, const struct arrow_body *body,
                                   struct sotto_error *err) SOTTO_NODISCARD;
/* Goes over a field. Returns: SOTTO_ERROR_INPUT where the batch has less than it takes, or the
 * field other rows than its batch. */
enum sotto_status arrow_batch_skip(const struct arrow_batch *batch, struct arrow_place *in_out,
                                   const struct arrow_field *field,
                                   struct sotto_error *err) SOTTO_NODISCARD;
/* Reads a field that is not hidden, as its index says or, of a dictionary's values, as its layout
 * does. Returns: SOTTO_ERROR_INPUT where a buffer is not what its rows need, or as
 * arrow_body_read. Ownership: *out is ended by arrow_column_release, also on failure. */
enum sotto_status arrow_batch_read(struct arrow_column *out, const struct arrow_batch *batch,
                                   const struct arrow_place *place, const struct arrow_field *field,
                                   bool is_index, struct sotto_error *err) SOTTO_NODISCARD;

#endif
