/* SPDX-License-Identifier: Apache-2.0 */

/* Tensors as bytes, for whoever reads safetensors; leans on jansson. The idea: tensors of wider
 * types come first, so that every offset is a multiple of its element without a gap. */

#include <sotto/alloc.h>
#include <sotto/tensors.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const size_t widths[] = {8, 4, 2, 1};

#define WIDTHS_LEN (sizeof widths / sizeof widths[0])

/* The next tensor in the order of writing, after the one at *at of width *width; before the first
 * one *at is SOTTO_NONE, whose successor is 0. Returns: false where there is none. */
static bool find_next(size_t *at, size_t *width, const struct sotto_tensors *tensors)
{
    for (; *width < WIDTHS_LEN; *width += 1, *at = SOTTO_NONE) {
        for (*at += 1; *at < tensors->tensors_len; *at += 1) {
            if (sotto_tensor_type_bytes(tensors->tensors[*at].type) == widths[*width]) {
                return true;
            }
        }
    }
    return false;
}

static json_t *make_shape(const struct sotto_tensor *tensor)
{
    json_t *shape = json_array();
    for (size_t i = 0; i < tensor->rank; i++) {
        if (json_array_append_new(shape, json_integer((json_int_t)tensor->shape[i])) != 0) {
            json_decref(shape);
            return NULL;
        }
    }
    return shape;
}

/* NULL where there is no memory. offsets: from the begin of the data. */
static char *print_header(size_t *offsets, size_t *out_data_bytes,
                          const struct sotto_tensors *tensors)
{
    json_t *header = json_object();
    size_t offset = 0;
    int failed = 0;
    for (size_t at = SOTTO_NONE, width = 0; find_next(&at, &width, tensors);) {
        const struct sotto_tensor *tensor = &tensors->tensors[at];
        size_t end = offset + tensor->data_bytes;
        failed |= json_object_set_new(header, tensor->name,
                                      json_pack("{s:s, s:o, s:[I, I]}", "dtype",
                                                sotto_tensor_type_name(tensor->type), "shape",
                                                make_shape(tensor), "data_offsets",
                                                (json_int_t)offset, (json_int_t)end));
        offsets[at] = offset;
        offset = end;
    }
    *out_data_bytes = offset;
    char *text = failed ? NULL : json_dumps(header, JSON_COMPACT);
    json_decref(header);
    return text;
}

enum sotto_status sotto_tensors_write(struct sotto_writer *out, size_t *offsets,
                                      const struct sotto_tensors *tensors, struct sotto_error *err)
{
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    size_t *places = sotto_alloc_array(tensors->tensors_len, sizeof *places);
    size_t data_bytes = 0;
    char *text = places != NULL ? print_header(places, &data_bytes, tensors) : NULL;
    if (text == NULL) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    size_t text_bytes = strlen(text);
    size_t header_bytes = (text_bytes + 7) / 8 * 8;
    if (header_bytes > SOTTO_TENSORS_HEADER_BYTES_MAX) {
        status = sotto_error_set(err, SOTTO_ERROR_LIMIT,
                                 "the names and shapes of the tensors take %zu bytes, expected at "
                                 "most %zu",
                                 header_bytes, SOTTO_TENSORS_HEADER_BYTES_MAX);
        goto out;
    }
    sotto_writer_reserve(out, sizeof(uint64_t) + header_bytes + data_bytes);
    sotto_write_u64(out, header_bytes);
    sotto_write_bytes(out, text, text_bytes);
    sotto_write_bytes(out, "        ", header_bytes - text_bytes);
    size_t begin = out->data_bytes;
    for (size_t at = SOTTO_NONE, width = 0; find_next(&at, &width, tensors);) {
        const struct sotto_tensor *tensor = &tensors->tensors[at];
        uint8_t *to = sotto_write_space(out, tensor->data_bytes);
        if (to != NULL && tensor->data != NULL) {
            memcpy(to, tensor->data, tensor->data_bytes);
        } else if (to != NULL) {
            memset(to, 0, tensor->data_bytes);
        }
        if (offsets != NULL) {
            offsets[at] = begin + places[at];
        }
    }
    status = sotto_writer_status(out);
    if (status != SOTTO_OK) {
        (void)sotto_error_no_memory(err);
    }
out:
    sotto_free(places);
    free(text);
    return status;
}
