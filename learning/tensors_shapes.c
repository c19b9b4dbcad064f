/* SPDX-License-Identifier: Apache-2.0 */

/* Tensors without their data, as bytes: how many, then of each its name, type, rank and shape,
 * ascending by name. It leans on the bounded reader, whose failures stick. */

#include <sotto/alloc.h>
#include <sotto/tensors.h>

#include <string.h>

void sotto_tensors_write_shapes(struct sotto_writer *out, const struct sotto_tensors *tensors)
{
    sotto_write_u32(out, (uint32_t)tensors->tensors_len);
    for (size_t i = 0; i < tensors->tensors_len; i++) {
        const struct sotto_tensor *tensor = &tensors->tensors[i];
        sotto_write_blob(out, tensor->name, strlen(tensor->name));
        sotto_write_u8(out, (uint8_t)tensor->type);
        sotto_write_u8(out, (uint8_t)tensor->rank);
        for (size_t k = 0; k < tensor->rank; k++) {
            sotto_write_u64(out, tensor->shape[k]);
        }
    }
}

/* Returns: false for what no tensor is. */
static bool read_one(struct sotto_tensor *out, struct sotto_reader *reader, size_t elements_max)
{
    size_t name_bytes = 0;
    const uint8_t *name = sotto_read_blob(reader, &name_bytes, SOTTO_TENSOR_NAME_BYTES_MAX);
    out->type = (enum sotto_tensor_type)sotto_read_u8(reader);
    out->rank = sotto_read_u8(reader);
    if (name == NULL || memchr(name, '\0', name_bytes) != NULL ||
        sotto_utf8_valid_prefix(name, name_bytes) != name_bytes || out->type > SOTTO_TENSOR_BOOL ||
        out->rank > SOTTO_TENSOR_RANK_MAX) {
        return false;
    }
    memcpy(out->name, name, name_bytes);
    out->name[name_bytes] = '\0';
    out->elements_len = 1;
    for (size_t k = 0; k < out->rank; k++) {
        uint64_t len = sotto_read_u64(reader);
        if (len > elements_max || (len > 0 && out->elements_len > elements_max / len)) {
            return false;
        }
        out->shape[k] = (size_t)len;
        out->elements_len *= (size_t)len;
    }
    out->data_bytes = out->elements_len * sotto_tensor_type_bytes(out->type);
    return true;
}

enum sotto_status sotto_tensors_read_shapes(struct sotto_tensors *out, const void *bytes,
                                            size_t bytes_len, size_t elements_max,
                                            struct sotto_error *err)
{
    struct sotto_reader reader;
    struct sotto_tensors tensors = {0};
    *out = tensors;
    sotto_reader_init(&reader, bytes, bytes_len);
    uint32_t len = sotto_read_u32(&reader);
    bool fits = len <= SOTTO_TENSORS_MAX;
    tensors.tensors = fits ? sotto_alloc_array((size_t)len + 1, sizeof *tensors.tensors) : NULL;
    if (fits && tensors.tensors == NULL) {
        return sotto_error_no_memory(err);
    }
    while (fits && tensors.tensors_len < len) {
        struct sotto_tensor *tensor = &tensors.tensors[tensors.tensors_len];
        fits = read_one(tensor, &reader, elements_max - tensors.elements_len) &&
               (tensors.tensors_len == 0 || strcmp(tensor[-1].name, tensor->name) < 0);
        tensors.elements_len += fits ? tensor->elements_len : 0;
        tensors.tensors_len++;
    }
    if (!fits || !sotto_reader_finished(&reader)) {
        sotto_tensors_release(&tensors);
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "the shapes of a model are malformed, or of more than %zu elements",
                               elements_max);
    }
    *out = tensors;
    return SOTTO_OK;
}
