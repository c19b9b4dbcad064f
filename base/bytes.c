/* SPDX-License-Identifier: Apache-2.0 */

/* The bounded reader, through which all bytes from outside are parsed, and the bounded writer. The
 * idea: both keep their first failure. A reader then gives zeros and NULL, a writer takes nothing
 * more, and one check at the end is enough (sotto_reader_finished, sotto_writer_status). */

#include <sotto/bytes.h>

#include <sotto/alloc.h>
#include <stdatomic.h>
#include <string.h>

void sotto_reader_init(struct sotto_reader *reader, const void *data, size_t data_bytes)
{
    SOTTO_REQUIRE(data != NULL || data_bytes == 0);
    *reader = (struct sotto_reader){.data = data, .data_bytes = data_bytes};
}

const uint8_t *sotto_read_bytes(struct sotto_reader *reader, size_t bytes)
{
    if (reader->failed || bytes > reader->data_bytes - reader->position) {
        reader->failed = true;
        return NULL;
    }
    const uint8_t *start = reader->data + reader->position;
    reader->position += bytes;
    return start;
}

static uint64_t load_le(const uint8_t *from, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        value |= (uint64_t)from[i] << (8 * i);
    }
    return value;
}

static uint64_t read_le(struct sotto_reader *reader, size_t bytes)
{
    const uint8_t *from = sotto_read_bytes(reader, bytes);
    return from != NULL ? load_le(from, bytes) : 0;
}

uint8_t sotto_read_u8(struct sotto_reader *reader)
{
    return (uint8_t)read_le(reader, 1);
}

uint16_t sotto_read_u16(struct sotto_reader *reader)
{
    return (uint16_t)read_le(reader, 2);
}

uint32_t sotto_read_u32(struct sotto_reader *reader)
{
    return (uint32_t)read_le(reader, 4);
}

uint64_t sotto_read_u64(struct sotto_reader *reader)
{
    return read_le(reader, 8);
}

double sotto_read_double(struct sotto_reader *reader)
{
    uint64_t bits = sotto_read_u64(reader);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void sotto_read_copy(struct sotto_reader *reader, void *out, size_t bytes)
{
    const uint8_t *from = sotto_read_bytes(reader, bytes);
    if (from != NULL) {
        memcpy(out, from, bytes);
    } else {
        memset(out, 0, bytes);
    }
}

const uint8_t *sotto_read_blob(struct sotto_reader *reader, size_t *out_bytes, size_t max_bytes)
{
    size_t bytes = sotto_read_u32(reader);
    *out_bytes = 0;
    if (bytes > max_bytes) {
        reader->failed = true;
    }
    const uint8_t *data = sotto_read_bytes(reader, bytes);
    if (data != NULL) {
        *out_bytes = bytes;
    }
    return data;
}

size_t sotto_reader_left(const struct sotto_reader *reader)
{
    return reader->failed ? 0 : reader->data_bytes - reader->position;
}

void sotto_reader_fail(struct sotto_reader *reader)
{
    reader->failed = true;
}

void sotto_reader_demand(struct sotto_reader *reader, bool holds)
{
    if (!holds) {
        sotto_reader_fail(reader);
    }
}

bool sotto_reader_finished(const struct sotto_reader *reader)
{
    return !reader->failed && reader->position == reader->data_bytes;
}

void sotto_writer_init(struct sotto_writer *writer, size_t limit_bytes)
{
    *writer = (struct sotto_writer){.limit_bytes = limit_bytes};
}

void sotto_writer_release(struct sotto_writer *writer)
{
    sotto_free(writer->data);
    *writer = (struct sotto_writer){0};
}

void sotto_writer_reserve(struct sotto_writer *writer, size_t bytes)
{
    if (writer->failed || bytes > writer->limit_bytes - writer->data_bytes) {
        writer->failed = true;
        return;
    }
    size_t capacity_bytes = writer->data_bytes + bytes;
    if (capacity_bytes > writer->capacity_bytes) {
        uint8_t *data = sotto_alloc(capacity_bytes);
        if (data == NULL) {
            writer->failed = true;
            return;
        }
        if (writer->data_bytes > 0) {
            memcpy(data, writer->data, writer->data_bytes);
        }
        sotto_free(writer->data);
        writer->data = data;
        writer->capacity_bytes = capacity_bytes;
    }
}

uint8_t *sotto_write_space(struct sotto_writer *writer, size_t bytes)
{
    if (writer->failed || bytes > writer->limit_bytes - writer->data_bytes) {
        writer->failed = true;
        return NULL;
    }
    void *data = writer->data;
    if (sotto_array_reserve(&data, &writer->capacity_bytes, writer->data_bytes + bytes, 1) !=
        SOTTO_OK) {
        writer->failed = true;
        return NULL;
    }
    writer->data = data;
    uint8_t *space = writer->data + writer->data_bytes;
    writer->data_bytes += bytes;
    return space;
}

void sotto_write_bytes(struct sotto_writer *writer, const void *data, size_t data_bytes)
{
    uint8_t *space = sotto_write_space(writer, data_bytes);
    if (space != NULL && data_bytes > 0) {
        memcpy(space, data, data_bytes);
    }
}

static void write_le(struct sotto_writer *writer, uint64_t value, size_t bytes)
{
    uint8_t *to = sotto_write_space(writer, bytes);
    for (size_t i = 0; to != NULL && i < bytes; i++) {
        to[i] = (uint8_t)(value >> (8 * i));
    }
}

void sotto_write_u8(struct sotto_writer *writer, uint8_t value)
{
    write_le(writer, value, 1);
}

void sotto_write_u16(struct sotto_writer *writer, uint16_t value)
{
    write_le(writer, value, 2);
}

void sotto_write_u32(struct sotto_writer *writer, uint32_t value)
{
    write_le(writer, value, 4);
}

void sotto_write_u64(struct sotto_writer *writer, uint64_t value)
{
    write_le(writer, value, 8);
}

void sotto_write_double(struct sotto_writer *writer, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    sotto_write_u64(writer, bits);
}

void sotto_write_blob(struct sotto_writer *writer, const void *data, size_t data_bytes)
{
    if (data_bytes > UINT32_MAX) {
        writer->failed = true;
        return;
    }
    sotto_write_u32(writer, (uint32_t)data_bytes);
    sotto_write_bytes(writer, data, data_bytes);
}

enum sotto_status sotto_writer_status(const struct sotto_writer *writer)
{
    return writer->failed ? SOTTO_ERROR_NO_MEMORY : SOTTO_OK;
}

uint8_t *sotto_writer_take(struct sotto_writer *writer, size_t *out_bytes)
{
    uint8_t *data = writer->data;
    *out_bytes = writer->data_bytes;
    *writer = (struct sotto_writer){.limit_bytes = writer->limit_bytes};
    return data;
}

/* Of bytes that several buffers own: the last one that is released frees them. */
struct owners {
    atomic_size_t len;
};

void sotto_buffer_release(struct sotto_buffer *buffer)
{
    struct owners *owners = buffer->owners;
    if (owners == NULL || atomic_fetch_sub(&owners->len, 1) == 1) {
        sotto_free(buffer->data);
        sotto_free(owners);
    }
    *buffer = (struct sotto_buffer){0};
}

enum sotto_status sotto_buffer_share(struct sotto_buffer *out, struct sotto_buffer *in_out)
{
    struct owners *owners = in_out->owners;
    *out = (struct sotto_buffer){0};
    if (owners == NULL) {
        owners = sotto_alloc(sizeof *owners);
        if (owners == NULL) {
            return SOTTO_ERROR_NO_MEMORY;
        }
        atomic_init(&owners->len, 1);
        in_out->owners = owners;
    }
    (void)atomic_fetch_add(&owners->len, 1);
    *out = *in_out;
    return SOTTO_OK;
}

enum sotto_status sotto_buffer_copy(struct sotto_buffer *out, const void *data, size_t data_bytes)
{
    uint8_t *copy = sotto_alloc(data_bytes);
    if (copy == NULL) {
        *out = (struct sotto_buffer){0};
        return SOTTO_ERROR_NO_MEMORY;
    }
    if (data_bytes > 0) {
        memcpy(copy, data, data_bytes);
    }
    *out = (struct sotto_buffer){.data = copy, .data_bytes = data_bytes};
    return SOTTO_OK;
}

uint64_t sotto_load_u64(const uint8_t *from)
{
    return load_le(from, 8);
}

void sotto_store_u64(uint8_t *to, uint64_t value)
{
    for (size_t i = 0; i < 8; i++) {
        to[i] = (uint8_t)(value >> (8 * i));
    }
}
