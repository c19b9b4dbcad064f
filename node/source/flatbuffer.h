/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SOURCE_FLATBUFFER_H
#define SOTTO_NODE_SOURCE_FLATBUFFER_H

/* FlatBuffers that others wrote, read field by field. Each access is checked against the bytes that
 * there are; what does not fit fails stickily, and gives defaults. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrows its bytes. */
struct flatbuffer {
    const uint8_t *data;
    size_t bytes;
    bool failed;
};

/* at 0: there is none, and its fields have their defaults. */
struct flat_table {
    size_t at;
    size_t fields_at; /* where its fields are */
    size_t fields_len;
};

struct flat_vector {
    size_t at; /* of the first element */
    size_t len;
};

void flat_init(struct flatbuffer *out, const uint8_t *data, size_t bytes);
struct flat_table flat_root(struct flatbuffer *flat);

/* A number of `bytes` bytes with a sign, 1, 2, 4 or 8; what a field has that was not written. */
int64_t flat_number(struct flatbuffer *flat, struct flat_table table, size_t field, size_t bytes,
                    int64_t missing);
struct flat_table flat_table(struct flatbuffer *flat, struct flat_table table, size_t field);
/* All elements are within the bytes. Returns: no elements where there is no vector. */
struct flat_vector flat_vector(struct flatbuffer *flat, struct flat_table table, size_t field,
                               size_t element_bytes);
/* Element i of a vector of tables, i < len. */
struct flat_table flat_element(struct flatbuffer *flat, struct flat_vector vector, size_t i);
/* 8 bytes of a vector's element, at `at` from its begin. */
int64_t flat_long(struct flatbuffer *flat, struct flat_vector vector, size_t at);
/* Returns: NULL where there is none. Borrows; no NUL stands behind it. */
const char *flat_text(struct flatbuffer *flat, struct flat_table table, size_t field,
                      size_t *out_bytes);

#endif
