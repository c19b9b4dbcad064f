/* SPDX-License-Identifier: Apache-2.0 */

/* FlatBuffers (flatbuffers.dev, "internals"), as far as Arrow's metadata needs them. Leans on
 * nothing. The idea: an offset is added only after it was seen to stay within the bytes, and only
 * forwards, so that every access is one of `read_bytes`. That tables can share what they refer to
 * is for the caller to bound: a walk counts what it visits. */

#include "source/flatbuffer.h"

#include <string.h>

void flat_init(struct flatbuffer *out, const uint8_t *data, size_t bytes)
{
    *out = (struct flatbuffer){.data = data, .bytes = bytes};
}

/* A little-endian number of `bytes` bytes. Returns: 0 where it is not within. */
static uint64_t read_bytes(struct flatbuffer *flat, size_t at, size_t bytes)
{
    uint64_t out = 0;
    if (flat->failed || at > flat->bytes || bytes > flat->bytes - at) {
        flat->failed = true;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++) {
        out |= (uint64_t)flat->data[at + i] << (8 * i);
    }
    return out;
}

/* Follows the offset that stands at `at`. Returns: 0 on failure. */
static size_t follow(struct flatbuffer *flat, size_t at)
{
    size_t offset = (size_t)read_bytes(flat, at, 4);
    if (flat->failed || offset == 0 || offset > flat->bytes - at) {
        flat->failed = true;
        return 0;
    }
    return at + offset;
}

/* The table that stands at `at`. Returns: one without fields on failure. */
static struct flat_table table_at(struct flatbuffer *flat, size_t at)
{
    int64_t back = (int32_t)(uint32_t)read_bytes(flat, at, 4);
    int64_t fields = (int64_t)at - back;
    if (flat->failed || at == 0 || fields < 0 || fields > (int64_t)flat->bytes) {
        flat->failed = true;
        return (struct flat_table){0};
    }
    size_t bytes = (size_t)read_bytes(flat, (size_t)fields, 2);
    (void)read_bytes(flat, (size_t)fields, bytes > 4 ? 8 : 4);
    if (flat->failed || bytes < 4 || bytes > flat->bytes - (size_t)fields) {
        flat->failed = true;
        return (struct flat_table){0};
    }
    return (struct flat_table){
        .at = at, .fields_at = (size_t)fields + 4, .fields_len = (bytes - 4) / 2};
}

struct flat_table flat_root(struct flatbuffer *flat)
{
    return table_at(flat, follow(flat, 0));
}

/* Where a field stands. Returns: 0 where it was not written. */
static size_t find_field(struct flatbuffer *flat, struct flat_table table, size_t field)
{
    if (table.at == 0 || field >= table.fields_len) {
        return 0;
    }
    size_t offset = (size_t)read_bytes(flat, table.fields_at + 2 * field, 2);
    return offset == 0 ? 0 : table.at + offset;
}

int64_t flat_number(struct flatbuffer *flat, struct flat_table table, size_t field, size_t bytes,
                    int64_t missing)
{
    size_t at = find_field(flat, table, field);
    if (at == 0) {
        return missing;
    }
    uint64_t bits = read_bytes(flat, at, bytes);
    unsigned shift = (unsigned)(64 - 8 * bytes);
    return (int64_t)(bits << shift) >> shift;
}

struct flat_table flat_table(struct flatbuffer *flat, struct flat_table table, size_t field)
{
    size_t at = find_field(flat, table, field);
    if (at == 0) {
        return (struct flat_table){0};
    }
    return table_at(flat, follow(flat, at));
}

struct flat_vector flat_vector(struct flatbuffer *flat, struct flat_table table, size_t field,
                               size_t element_bytes)
{
    size_t at = find_field(flat, table, field);
    at = at == 0 ? 0 : follow(flat, at);
    if (at == 0) {
        return (struct flat_vector){0};
    }
    size_t len = (size_t)read_bytes(flat, at, 4);
    if (flat->failed || len > (flat->bytes - at - 4) / element_bytes) {
        flat->failed = true;
        return (struct flat_vector){0};
    }
    return (struct flat_vector){.at = at + 4, .len = len};
}

struct flat_table flat_element(struct flatbuffer *flat, struct flat_vector vector, size_t i)
{
    return table_at(flat, follow(flat, vector.at + 4 * i));
}

int64_t flat_long(struct flatbuffer *flat, struct flat_vector vector, size_t at)
{
    return (int64_t)read_bytes(flat, vector.at + at, 8);
}

const char *flat_text(struct flatbuffer *flat, struct flat_table table, size_t field,
                      size_t *out_bytes)
{
    struct flat_vector vector = flat_vector(flat, table, field, 1);
    *out_bytes = vector.len;
    return vector.at == 0 ? NULL : (const char *)flat->data + vector.at;
}
