/* SPDX-License-Identifier: Apache-2.0 */

/* Buffers of Arrow IPC (Message.fbs, Buffer and BodyCompression). Leans on liblz4 and libzstd. The
 * idea: how long a buffer becomes is what its file says, so memory grows with the bytes that have
 * really come, and not ahead of them. */

#include "source/arrow_ipc.h"

#include <errno.h>
#include <lz4frame.h>
#include <sotto/alloc.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#define GROWTH_BYTES ((size_t)1 << 20)
#define LENGTH_BYTES 8 /* before a buffer that is compressed */

enum sotto_status arrow_read(void *out, int fd, uint64_t at, size_t bytes, struct sotto_error *err)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t got = pread(fd, (uint8_t *)out + done, bytes - done, (off_t)(at + done));
        if (got == 0) {
            return sotto_error_set(err, SOTTO_ERROR_INPUT, "it ends before it should");
        }
        if (got < 0 && errno != EINTR) {
            return sotto_error_set(err, SOTTO_ERROR_IO, "reading: %s", strerror(errno));
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return SOTTO_OK;
}

/* --- Decompression --- */

/* A frame on its way out. */
struct inflating {
    const uint8_t *in;
    size_t in_bytes;
    uint8_t *out;
    size_t out_bytes;
    size_t capacity_bytes;
    LZ4F_dctx *lz4;
    ZSTD_DStream *zstd;
    bool is_over;
};

/* Decompresses some. Returns: false for what is no frame. */
static bool step(struct inflating *in_out)
{
    size_t room = in_out->capacity_bytes - in_out->out_bytes;
    if (in_out->lz4 != NULL) {
        size_t taken = in_out->in_bytes;
        size_t left = LZ4F_decompress(in_out->lz4, in_out->out + in_out->out_bytes, &room,
                                      in_out->in, &taken, NULL);
        in_out->in += taken;
        in_out->in_bytes -= taken;
        in_out->out_bytes += room;
        in_out->is_over = left == 0;
        return !LZ4F_isError(left) && (taken > 0 || room > 0 || left == 0);
    }
    ZSTD_inBuffer from = {in_out->in, in_out->in_bytes, 0};
    ZSTD_outBuffer to = {in_out->out + in_out->out_bytes, room, 0};
    size_t left = ZSTD_decompressStream(in_out->zstd, &to, &from);
    in_out->in += from.pos;
    in_out->in_bytes -= from.pos;
    in_out->out_bytes += to.pos;
    in_out->is_over = left == 0;
    return !ZSTD_isError(left) && (from.pos > 0 || to.pos > 0 || left == 0);
}

/* Makes room, for no more than what is said to come and one byte, by which more is seen. */
static bool grow(struct inflating *in_out, size_t said_bytes)
{
    size_t bytes = in_out->capacity_bytes == 0 ? GROWTH_BYTES : 2 * in_out->capacity_bytes;
    bytes = bytes > said_bytes ? said_bytes + 1 : bytes;
    uint8_t *out = sotto_alloc_aligned(bytes);
    if (out == NULL) {
        return false;
    }
    if (in_out->out_bytes > 0) {
        memcpy(out, in_out->out, in_out->out_bytes);
    }
    sotto_free(in_out->out);
    in_out->out = out;
    in_out->capacity_bytes = bytes;
    return true;
}

static enum sotto_status inflate(void **out, enum arrow_codec codec, const uint8_t *in,
                                 size_t in_bytes, size_t said_bytes, struct sotto_error *err)
{
    struct inflating inflating = {.in = in, .in_bytes = in_bytes};
    enum sotto_status status = SOTTO_OK;
    bool has_codec =
        codec == ARROW_LZ4
            ? !LZ4F_isError(LZ4F_createDecompressionContext(&inflating.lz4, LZ4F_VERSION))
            : (inflating.zstd = ZSTD_createDStream()) != NULL;
    if (!has_codec) {
        return sotto_error_no_memory(err);
    }
    bool is_frame = true;
    while (is_frame && !inflating.is_over && status == SOTTO_OK) {
        if (inflating.out_bytes == inflating.capacity_bytes) {
            if (inflating.capacity_bytes > said_bytes) {
                break; /* more came than was said */
            }
            status = grow(&inflating, said_bytes) ? SOTTO_OK : sotto_error_no_memory(err);
        }
        is_frame = status == SOTTO_OK && step(&inflating);
    }
    if (status == SOTTO_OK && (!is_frame || !inflating.is_over || inflating.in_bytes != 0 ||
                               inflating.out_bytes != said_bytes)) {
        status = sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "expected a buffer of %zu bytes as %s compresses it, found "
                                 "something else",
                                 said_bytes, codec == ARROW_LZ4 ? "LZ4" : "zstd");
    }
    (void)LZ4F_freeDecompressionContext(inflating.lz4);
    (void)ZSTD_freeDStream(inflating.zstd);
    if (status != SOTTO_OK) {
        sotto_free(inflating.out);
        return status;
    }
    *out = inflating.out;
    return SOTTO_OK;
}

/* --- Buffers --- */

static enum sotto_status read_plain(void **out, const struct arrow_body *body, uint64_t at,
                                    size_t bytes, struct sotto_error *err)
{
    void *data = sotto_alloc_aligned(bytes + 1);
    if (data == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = arrow_read(data, body->fd, body->at + at, bytes, err);
    if (status != SOTTO_OK) {
        sotto_free(data);
        return status;
    }
    *out = data;
    return SOTTO_OK;
}

enum sotto_status arrow_body_read(void **out, size_t *out_bytes, const struct arrow_body *body,
                                  int64_t at, int64_t bytes, struct sotto_error *err)
{
    if (at < 0 || bytes < 0 || (uint64_t)at > body->bytes ||
        (uint64_t)bytes > body->bytes - (uint64_t)at || (uint64_t)bytes > ARROW_BUFFER_BYTES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "a buffer is not within its batch, or longer than 4 GiB");
    }
    void *data = NULL;
    enum sotto_status status = read_plain(&data, body, (uint64_t)at, (size_t)bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (body->codec == ARROW_PLAIN || bytes == 0) {
        *out_bytes = (size_t)bytes;
        *out = data;
        return SOTTO_OK;
    }
    int64_t said = 0;
    if (bytes >= LENGTH_BYTES) {
        memcpy(&said, data, sizeof said);
    }
    if (said == -1) { /* it was not compressed */
        *out_bytes = (size_t)bytes - LENGTH_BYTES;
        memmove(data, (const uint8_t *)data + LENGTH_BYTES, *out_bytes);
        *out = data;
        return SOTTO_OK;
    }
    if (bytes < LENGTH_BYTES || said < 0 || (uint64_t)said > ARROW_BUFFER_BYTES_MAX) {
        status = sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "a compressed buffer does not say how long it is, or is longer "
                                 "than 4 GiB");
    } else {
        status = inflate(out, body->codec, (const uint8_t *)data + LENGTH_BYTES,
                         (size_t)bytes - LENGTH_BYTES, (size_t)said, err);
    }
    sotto_free(data);
    if (status == SOTTO_OK) {
        *out_bytes = (size_t)said;
    }
    return status;
}
