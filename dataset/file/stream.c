/* SPDX-License-Identifier: Apache-2.0 */

/* The text of a gzip or zstd file, from its beginning, in pieces; several members or frames one
 * after the other are one text, and zeros behind the last member of gzip are padding, as gzip(1)
 * has it (of tapes and blocks). Leans on zlib and zstd.
 *
 * The idea: a stream goes one way and only once, and forgets what it gave. Whoever needs a place in
 * the text begins again and skips. */

#include "file/file.h"

#include <sotto/alloc.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define INPUT_BYTES ((size_t)128 * 1024)

struct sotto__stream {
    const struct sotto_csv *csv;
    uint64_t offset; /* in the file, of what comes behind the input buffer */
    uint64_t left;   /* bytes of the file from there */
    bool inside;     /* a member or frame has begun and not ended */
    bool padded;     /* zeros were met behind a member: nothing else may follow */
    bool finished;
    z_stream gzip;
    ZSTD_DCtx *zstd;
    size_t input_at;
    size_t input_bytes;
    unsigned char input[INPUT_BYTES];
};

static void *gzip_allocate(void *context, unsigned items, unsigned bytes)
{
    (void)context;
    return sotto_alloc_array(items, bytes);
}

static void gzip_free(void *context, void *memory)
{
    (void)context;
    sotto_free(memory);
}

enum sotto_status sotto__stream_new(struct sotto__stream **out, const struct sotto_csv *csv,
                                    struct sotto_error *err)
{
    struct sotto_file_identity identity;
    enum sotto_status status = sotto_csv_identity(csv, &identity, err);
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto__stream *stream = sotto_alloc_zeroed(sizeof *stream);
    if (stream == NULL) {
        return sotto__csv_no_memory(csv, err);
    }
    stream->csv = csv;
    stream->left = identity.size_bytes;
    bool ready;
    if (csv->packing == SOTTO__PACKING_GZIP) {
        stream->gzip.zalloc = gzip_allocate;
        stream->gzip.zfree = gzip_free;
        ready = inflateInit2(&stream->gzip, 16 + MAX_WBITS) == Z_OK; /* 16: gzip, not zlib */
    } else {
        stream->zstd = ZSTD_createDCtx();
        ready = stream->zstd != NULL;
    }
    if (!ready) {
        sotto__stream_free(stream);
        return sotto__csv_no_memory(csv, err);
    }
    *out = stream;
    return SOTTO_OK;
}

void sotto__stream_free(struct sotto__stream *stream)
{
    if (stream == NULL) {
        return;
    }
    if (stream->csv->packing == SOTTO__PACKING_GZIP) {
        (void)inflateEnd(&stream->gzip);
    }
    (void)ZSTD_freeDCtx(stream->zstd);
    sotto_free(stream);
}

static enum sotto_status report_damage(const struct sotto__stream *stream, struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_INPUT,
                           "%s: the compressed data is damaged or cut short before byte %llu",
                           stream->csv->name, (unsigned long long)stream->offset);
}

/* One step of inflate. A member's end resets it for the next one. */
static enum sotto_status step_gzip(struct sotto__stream *stream, char *to, size_t room,
                                   size_t *made, struct sotto_error *err)
{
    z_stream *gzip = &stream->gzip;
    gzip->next_in = stream->input + stream->input_at;
    gzip->avail_in = (uInt)(stream->input_bytes - stream->input_at);
    gzip->next_out = (Bytef *)to;
    /* zlib counts in 32 bits. */
    gzip->avail_out = (uInt)(room < (1U << 30) ? room : 1U << 30);
    uInt before = gzip->avail_out;
    int result = inflate(gzip, Z_NO_FLUSH);
    *made = before - gzip->avail_out;
    stream->input_at = stream->input_bytes - gzip->avail_in;
    stream->inside = result != Z_STREAM_END;
    if (result == Z_STREAM_END) {
        return inflateReset(gzip) == Z_OK ? SOTTO_OK : report_damage(stream, err);
    }
    if (result == Z_MEM_ERROR) {
        return sotto__csv_no_memory(stream->csv, err);
    }
    return result == Z_OK || result == Z_BUF_ERROR ? SOTTO_OK : report_damage(stream, err);
}

static enum sotto_status step_zstd(struct sotto__stream *stream, void *to, size_t room,
                                   size_t *made, struct sotto_error *err)
{
    ZSTD_inBuffer in = {.src = stream->input, .size = stream->input_bytes, .pos = stream->input_at};
    ZSTD_outBuffer out = {.dst = to, .size = room};
    size_t result = ZSTD_decompressStream(stream->zstd, &out, &in);
    *made = out.pos;
    stream->input_at = in.pos;
    stream->inside = result != 0;
    if (ZSTD_isError(result)) {
        return ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation
                   ? sotto__csv_no_memory(stream->csv, err)
                   : report_damage(stream, err);
    }
    return SOTTO_OK;
}

/* The next bytes of the file, when all before them are used up. */
static enum sotto_status refill_input(struct sotto__stream *stream, struct sotto_error *err)
{
    size_t bytes = stream->left < INPUT_BYTES ? (size_t)stream->left : INPUT_BYTES;
    stream->input_at = 0;
    stream->input_bytes = 0;
    enum sotto_status status =
        sotto__csv_pread(stream->csv, stream->input, bytes, stream->offset, err);
    if (status != SOTTO_OK) {
        return status;
    }
    stream->input_bytes = bytes;
    stream->offset += bytes;
    stream->left -= bytes;
    return SOTTO_OK;
}

/* Passes over zeros behind a member of gzip. Returns: SOTTO_ERROR_INPUT if something follows them.
 */
static enum sotto_status skip_padding(struct sotto__stream *stream, struct sotto_error *err)
{
    bool begins = !stream->inside && stream->csv->packing == SOTTO__PACKING_GZIP;
    while (begins && stream->input_at < stream->input_bytes &&
           stream->input[stream->input_at] == 0) {
        stream->padded = true;
        stream->input_at++;
    }
    return stream->padded && stream->input_at < stream->input_bytes ? report_damage(stream, err)
                                                                    : SOTTO_OK;
}

/* Unpacks up to room bytes; *made tells how many, which may be none. */
static enum sotto_status unpack_some(struct sotto__stream *stream, char *to, size_t room,
                                     size_t *made, struct sotto_error *err)
{
    size_t at = stream->input_at;
    enum sotto_status status = stream->csv->packing == SOTTO__PACKING_GZIP
                                   ? step_gzip(stream, to, room, made, err)
                                   : step_zstd(stream, to, room, made, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (*made == 0 && stream->input_at == at && stream->left == 0) {
        return report_damage(stream, err); /* it wants more, and there is none */
    }
    return SOTTO_OK;
}

enum sotto_status sotto__stream_read(struct sotto__stream *stream, void *out, size_t *out_bytes,
                                     size_t bytes, struct sotto_error *err)
{
    char *to = out;
    size_t done = 0;
    while (done < bytes && !stream->finished) {
        size_t made = 0;
        enum sotto_status status = SOTTO_OK;
        bool hungry = stream->input_at == stream->input_bytes;
        if (hungry && stream->left > 0) {
            status = refill_input(stream, err);
        } else if (hungry && !stream->inside) {
            stream->finished = true;
            break;
        }
        if (status != SOTTO_OK) {
            return status;
        }
        status = skip_padding(stream, err);
        if (status != SOTTO_OK) {
            return status;
        }
        if (stream->padded) {
            continue; /* to what may be left of the file */
        }
        status = unpack_some(stream, to + done, bytes - done, &made, err);
        if (status != SOTTO_OK) {
            return status;
        }
        done += made;
    }
    *out_bytes = done;
    return SOTTO_OK;
}

enum sotto_status sotto__stream_skip(struct sotto__stream *stream, uint64_t bytes,
                                     struct sotto_error *err)
{
    char scratch[4096];
    while (bytes > 0) {
        size_t got = 0;
        size_t wanted = bytes < sizeof scratch ? (size_t)bytes : sizeof scratch;
        enum sotto_status status = sotto__stream_read(stream, scratch, &got, wanted, err);
        if (status != SOTTO_OK) {
            return status;
        }
        if (got < wanted) {
            return sotto__csv_changed(stream->csv, err);
        }
        bytes -= got;
    }
    return SOTTO_OK;
}
