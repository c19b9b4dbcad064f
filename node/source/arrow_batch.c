/* SPDX-License-Identifier: Apache-2.0 */

/* Record batches of Arrow IPC (Message.fbs). Leans on arrow_body.c. The idea: the C Data Interface
 * can't say how long buffers are, so here each is seen to be as long as the rows need, and each
 * text to lie within its bytes, before an array is handed on. */

#include "source/arrow_ipc.h"

#include <sotto/alloc.h>
#include <string.h>

#define NODE_BYTES 16
#define BUFFER_BYTES 16
#define VIEW_BYTES 16
#define VIEW_SHORT_MAX 12 /* bytes of a text that stands in its view */

static enum sotto_status fail(struct sotto_error *err, const char *what)
{
    return sotto_error_set(err, SOTTO_ERROR_INPUT, "its batches are damaged: %s", what);
}

enum sotto_status arrow_batch_init(struct arrow_batch *out, struct flatbuffer *flat,
                                   struct flat_table table, const struct arrow_body *body,
                                   struct sotto_error *err)
{
    struct flat_table compression = flat_table(flat, table, 3);
    *out = (struct arrow_batch){.flat = flat,
                                .body = *body,
                                .rows = flat_number(flat, table, 0, 8, 0),
                                .nodes = flat_vector(flat, table, 1, NODE_BYTES),
                                .buffers = flat_vector(flat, table, 2, BUFFER_BYTES),
                                .views = flat_vector(flat, table, 4, 8)};
    int64_t codec = flat_number(flat, compression, 0, 1, 0);
    int64_t method = flat_number(flat, compression, 1, 1, 0);
    if (table.at == 0 || flat->failed || out->rows < 0 || out->rows > INT32_MAX) {
        return fail(err, "one is none, or has more than 2,147,483,647 rows");
    }
    if (compression.at != 0 && ((codec != ARROW_LZ4 && codec != ARROW_ZSTD) || method != 0)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected batches compressed by LZ4, zstd or not at all, found "
                               "another way: write them so");
    }
    out->body.codec = compression.at != 0 ? (enum arrow_codec)codec : ARROW_PLAIN;
    return SOTTO_OK;
}

enum sotto_status arrow_batch_skip(const struct arrow_batch *batch, struct arrow_place *in_out,
                                   const struct arrow_field *field, struct sotto_error *err)
{
    size_t buffers = field->buffers;
    if (field->views > batch->views.len - in_out->view) {
        return fail(err, "one does not say how many buffers its views have");
    }
    for (size_t i = 0; i < field->views; i++) {
        int64_t more = flat_long(batch->flat, batch->views, 8 * (in_out->view + i));
        if (more < 0 || (uint64_t)more > batch->buffers.len) {
            return fail(err, "one has fewer buffers than its columns");
        }
        buffers += (size_t)more;
    }
    if (field->nodes > batch->nodes.len - in_out->node ||
        buffers > batch->buffers.len - in_out->buffer) {
        return fail(err, "one has fewer buffers than its columns");
    }
    if (flat_long(batch->flat, batch->nodes, NODE_BYTES * in_out->node) != batch->rows) {
        return fail(err, "a column has other rows than its batch");
    }
    *in_out = (struct arrow_place){.node = in_out->node + field->nodes,
                                   .buffer = in_out->buffer + buffers,
                                   .view = in_out->view + field->views};
    return SOTTO_OK;
}

/* Reads buffer number i, which has `bytes` bytes at least. */
static enum sotto_status read_buffer(void **out, size_t *out_bytes, const struct arrow_batch *batch,
                                     size_t i, size_t bytes, struct sotto_error *err)
{
    int64_t at = flat_long(batch->flat, batch->buffers, BUFFER_BYTES * i);
    int64_t len = flat_long(batch->flat, batch->buffers, BUFFER_BYTES * i + 8);
    enum sotto_status status = arrow_body_read(out, out_bytes, &batch->body, at, len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return *out_bytes >= bytes ? SOTTO_OK : fail(err, "a buffer is shorter than its rows need");
}

/* Buffer number i, as buffer `as` of a column. */
static enum sotto_status keep_buffer(struct arrow_column *column, size_t as, size_t *out_bytes,
                                     const struct arrow_batch *batch, size_t i, size_t bytes,
                                     struct sotto_error *err)
{
    enum sotto_status status = read_buffer(&column->owned[as], out_bytes, batch, i, bytes, err);
    column->buffers[as] = column->owned[as];
    return status;
}

/* Offsets of 4 or 8 bytes. */
static int64_t read_offset(const void *offsets, size_t width, size_t i)
{
    int32_t narrow;
    int64_t wide;
    if (width == 4) {
        memcpy(&narrow, (const uint8_t *)offsets + i * 4, sizeof narrow);
        return narrow;
    }
    memcpy(&wide, (const uint8_t *)offsets + i * 8, sizeof wide);
    return wide;
}

static enum sotto_status read_texts(struct arrow_column *column, const struct arrow_batch *batch,
                                    size_t buffer, size_t width, struct sotto_error *err)
{
    static const int64_t none = 0;
    size_t rows = (size_t)batch->rows;
    size_t bytes;
    enum sotto_status status =
        keep_buffer(column, 1, &bytes, batch, buffer, rows > 0 ? (rows + 1) * width : 0, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = keep_buffer(column, 2, &bytes, batch, buffer + 1, 0, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (rows == 0) {
        column->buffers[1] = &none;
        return SOTTO_OK;
    }
    int64_t before = 0;
    for (size_t i = 0; i <= rows; i++) {
        int64_t offset = read_offset(column->buffers[1], width, i);
        if (offset < before || (uint64_t)offset > bytes) {
            return fail(err, "a text is not within its buffer");
        }
        before = offset;
    }
    return SOTTO_OK;
}

/* --- Views --- */

/* The buffers that views of texts point into. */
struct targets {
    void **data;
    size_t *bytes;
    size_t len;
};

/* The bytes of a text. Returns: NULL where it is not within its buffer. */
static const void *find_text(size_t *out_bytes, const uint8_t *view, const struct targets *targets)
{
    int32_t words[4];
    memcpy(words, view, sizeof words);
    *out_bytes = words[0] >= 0 ? (size_t)words[0] : 0;
    if (words[0] >= 0 && words[0] <= VIEW_SHORT_MAX) {
        return view + sizeof words[0];
    }
    bool is_within = words[0] > 0 && words[2] >= 0 && (size_t)words[2] < targets->len &&
                     words[3] >= 0 && *out_bytes <= targets->bytes[words[2]] &&
                     (size_t)words[3] <= targets->bytes[words[2]] - *out_bytes;
    return is_within ? (const uint8_t *)targets->data[words[2]] + words[3] : NULL;
}

static bool is_valid(const struct arrow_column *column, size_t i)
{
    const uint8_t *bits = column->buffers[0];
    return bits == NULL || (bits[i / 8] >> (i % 8) & 1) != 0;
}

/* Puts texts one behind the other, as the interface has them otherwise. */
static enum sotto_status copy_views(struct arrow_column *column, const uint8_t *views,
                                    const struct targets *targets, size_t rows,
                                    struct sotto_error *err)
{
    int64_t *offsets = sotto_alloc_aligned((rows + 1) * sizeof *offsets);
    column->owned[1] = offsets;
    size_t sum = 0;
    for (size_t i = 0; offsets != NULL && i < rows; i++) {
        size_t bytes;
        if (is_valid(column, i)) {
            if (find_text(&bytes, views + i * VIEW_BYTES, targets) == NULL) {
                return fail(err, "a text is not within its buffer");
            }
            sum += bytes;
        }
        if (sum > ARROW_BUFFER_BYTES_MAX) {
            return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                                   "texts of a batch are longer than 4 GiB: write shorter batches");
        }
        offsets[i + 1] = (int64_t)sum;
    }
    uint8_t *texts = offsets != NULL ? sotto_alloc_aligned(sum + 1) : NULL;
    column->owned[2] = texts;
    if (offsets == NULL || texts == NULL) {
        return sotto_error_no_memory(err);
    }
    offsets[0] = 0;
    for (size_t i = 0; i < rows; i++) {
        size_t bytes;
        if (is_valid(column, i)) {
            const void *text = find_text(&bytes, views + i * VIEW_BYTES, targets);
            memcpy(texts + offsets[i], text, bytes);
        }
    }
    column->buffers[1] = offsets;
    column->buffers[2] = texts;
    return SOTTO_OK;
}

static enum sotto_status read_views(struct arrow_column *column, const struct arrow_batch *batch,
                                    const struct arrow_place *place, struct sotto_error *err)
{
    struct targets targets = {0};
    void *views = NULL;
    size_t bytes;
    size_t rows = (size_t)batch->rows;
    size_t len = (size_t)flat_long(batch->flat, batch->views, 8 * place->view);
    targets.data = sotto_alloc_zeroed((len + 1) * sizeof *targets.data);
    targets.bytes = sotto_alloc_zeroed((len + 1) * sizeof *targets.bytes);
    enum sotto_status status =
        targets.data != NULL && targets.bytes != NULL ? SOTTO_OK : sotto_error_no_memory(err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = read_buffer(&views, &bytes, batch, place->buffer + 1, rows * VIEW_BYTES, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    for (; targets.len < len && status == SOTTO_OK; targets.len++) {
        status = read_buffer(&targets.data[targets.len], &targets.bytes[targets.len], batch,
                             place->buffer + 2 + targets.len, 0, err);
    }
    if (status != SOTTO_OK) {
        goto out;
    }
    status = copy_views(column, views, &targets, rows, err);
out:
    for (size_t i = 0; i < targets.len; i++) {
        sotto_free(targets.data[i]);
    }
    sotto_free(targets.data);
    sotto_free(targets.bytes);
    sotto_free(views);
    return status;
}

/* --- Columns --- */

/* An array's memory is its column's. */
static void release_nothing(struct ArrowArray *array)
{
    array->release = NULL;
}

void arrow_column_release(struct arrow_column *column)
{
    for (size_t i = 0; i < sizeof column->owned / sizeof column->owned[0]; i++) {
        sotto_free(column->owned[i]);
    }
    *column = (struct arrow_column){0};
}

/* Which values are there. A column that misses none may leave its bitmap out; one that has a bitmap
 * counts what it says, as readers believe either of them. */
static enum sotto_status read_validity(struct arrow_column *column, const struct arrow_batch *batch,
                                       size_t buffer, int64_t missing, struct sotto_error *err)
{
    size_t bytes;
    size_t rows = (size_t)batch->rows;
    enum sotto_status status = keep_buffer(column, 0, &bytes, batch, buffer, 0, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (bytes == 0 && missing == 0) {
        column->buffers[0] = NULL;
        return SOTTO_OK;
    }
    if (bytes < (rows + 7) / 8) {
        return fail(err, "a buffer is shorter than its rows need");
    }
    size_t counted = rows;
    const uint8_t *bits = column->buffers[0];
    for (size_t i = 0; 8 * i < rows; i++) {
        unsigned mask = rows - 8 * i < 8 ? (1U << (rows - 8 * i)) - 1 : 0xFF;
        counted -= (size_t)__builtin_popcount(bits[i] & mask);
    }
    return counted == (size_t)missing
               ? SOTTO_OK
               : fail(err, "a column counts other missing values than it has");
}

enum sotto_status arrow_batch_read(struct arrow_column *out, const struct arrow_batch *batch,
                                   const struct arrow_place *place, const struct arrow_field *field,
                                   bool is_index, struct sotto_error *err)
{
    struct arrow_place end = *place;
    enum arrow_layout layout = is_index ? ARROW_FIXED : field->layout;
    size_t rows = (size_t)batch->rows;
    size_t width = is_index ? field->index_width : field->width;
    size_t bytes;
    *out = (struct arrow_column){0};
    enum sotto_status status = arrow_batch_skip(batch, &end, field, err);
    if (status != SOTTO_OK) {
        return status;
    }
    int64_t len = flat_long(batch->flat, batch->nodes, NODE_BYTES * place->node);
    int64_t missing = flat_long(batch->flat, batch->nodes, NODE_BYTES * place->node + 8);
    if (missing < 0 || missing > len) {
        return fail(err, "a column counts more missing values than it has rows");
    }
    if (layout != ARROW_NONE) {
        status = read_validity(out, batch, place->buffer, missing, err);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    switch (layout) {
    case ARROW_BITS:
        status = keep_buffer(out, 1, &bytes, batch, place->buffer + 1, (rows + 7) / 8, err);
        break;
    case ARROW_FIXED:
        status = keep_buffer(out, 1, &bytes, batch, place->buffer + 1, rows * width, err);
        break;
    case ARROW_TEXT:
        status = read_texts(out, batch, place->buffer + 1, width, err);
        break;
    case ARROW_VIEW:
        status = read_views(out, batch, place, err);
        break;
    default:
        break;
    }
    bool is_text = layout == ARROW_TEXT || layout == ARROW_VIEW;
    out->array = (struct ArrowArray){.length = len,
                                     .null_count = layout == ARROW_NONE ? len : missing,
                                     .n_buffers = layout == ARROW_NONE ? 0
                                                  : is_text            ? 3
                                                                       : 2,
                                     .buffers = out->buffers,
                                     .release = release_nothing};
    return status;
}
