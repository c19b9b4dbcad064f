/* SPDX-License-Identifier: Apache-2.0 */

/* Tensors read from bytes that code of others wrote; leans on jansson. The idea: the header is
 * believed only where it tiles the data exactly. Tensors are put in the order of their offsets, and
 * each must begin where the one before ended: so overlaps, gaps and bytes left over are one check,
 * and nothing can be hidden between tensors. */

#include <sotto/alloc.h>
#include <sotto/tensors.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define DATA_ALIGNMENT 8
#define METADATA "__metadata__"

struct type_row {
    const char *name;
    size_t bytes;
    bool is_float;
};

static const struct type_row type_rows[] = {
#define TYPE_ROW(code, name, bytes, is_float) {name, bytes, is_float},
    SOTTO_TENSOR_TYPE_TABLE(TYPE_ROW)
#undef TYPE_ROW
};

#define TYPES_LEN (sizeof type_rows / sizeof type_rows[0])

const char *sotto_tensor_type_name(enum sotto_tensor_type type)
{
    return type_rows[type].name;
}

size_t sotto_tensor_type_bytes(enum sotto_tensor_type type)
{
    return type_rows[type].bytes;
}

bool sotto_tensor_type_is_float(enum sotto_tensor_type type)
{
    return type_rows[type].is_float;
}

void sotto_tensors_release(struct sotto_tensors *tensors)
{
    sotto_free(tensors->tensors);
    *tensors = (struct sotto_tensors){0};
}

static bool read_type(enum sotto_tensor_type *out, const json_t *value)
{
    const char *name = json_string_value(value);
    for (size_t i = 0; name != NULL && i < TYPES_LEN; i++) {
        if (strcmp(type_rows[i].name, name) == 0) {
            *out = (enum sotto_tensor_type)i;
            return true;
        }
    }
    return false;
}

static bool read_size(size_t *out, const json_t *value)
{
    *out = (size_t)json_integer_value(value);
    return json_is_integer(value) && json_integer_value(value) >= 0;
}

/* Shape, number of elements and bytes. Returns: false where it is none or its bytes overflow. */
static bool read_shape(struct sotto_tensor *out, const json_t *shape)
{
    out->rank = json_array_size(shape);
    out->elements_len = 1;
    if (!json_is_array(shape) || out->rank > SOTTO_TENSOR_RANK_MAX) {
        return false;
    }
    for (size_t i = 0; i < out->rank; i++) {
        if (!read_size(&out->shape[i], json_array_get(shape, i)) ||
            __builtin_mul_overflow(out->elements_len, out->shape[i], &out->elements_len)) {
            return false;
        }
    }
    return !__builtin_mul_overflow(out->elements_len, type_rows[out->type].bytes, &out->data_bytes);
}

static bool read_name(struct sotto_tensor *out, const char *name)
{
    size_t bytes = strlen(name);
    if (bytes == 0 || bytes > SOTTO_TENSOR_NAME_BYTES_MAX) {
        return false;
    }
    memcpy(out->name, name, bytes + 1);
    return true;
}

static enum sotto_status refuse_tensor(struct sotto_error *err, const char *name, const char *what)
{
    return sotto_error_set(err, SOTTO_ERROR_INPUT, "tensor '%.191s': %s", name, what);
}

/* Reads {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, of data_bytes bytes at data. */
static enum sotto_status read_tensor(struct sotto_tensor *out, const char *name,
                                     const json_t *object, const uint8_t *data, size_t data_bytes,
                                     struct sotto_error *err)
{
    const json_t *offsets = json_object_get(object, "data_offsets");
    size_t begin;
    size_t end;
    if (!read_name(out, name)) {
        return refuse_tensor(err, name, "expected a name of 1 to 191 bytes");
    }
    if (json_object_size(object) != 3 || !read_type(&out->type, json_object_get(object, "dtype"))) {
        return refuse_tensor(err, name,
                             "expected \"dtype\" (F64, F32, F16, BF16, I64, I32, I16, I8, U8 or "
                             "BOOL), \"shape\" and \"data_offsets\", and no more");
    }
    if (!read_shape(out, json_object_get(object, "shape"))) {
        return refuse_tensor(err, name, "expected a shape of at most 8 sizes that memory has");
    }
    if (json_array_size(offsets) != 2 || !read_size(&begin, json_array_get(offsets, 0)) ||
        !read_size(&end, json_array_get(offsets, 1)) || end < begin || end > data_bytes) {
        return refuse_tensor(err, name, "expected two ascending offsets within the data");
    }
    if (end - begin != out->data_bytes) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "tensor '%s': expected the %zu bytes of its shape, found %zu", name,
                               out->data_bytes, end - begin);
    }
    if (begin % type_rows[out->type].bytes != 0) {
        return refuse_tensor(err, name, "expected an offset that is a multiple of its element");
    }
    out->data = data + begin;
    return SOTTO_OK;
}

/* By where they begin; empty ones before the one that begins there too. */
static int compare_places(const void *a, const void *b)
{
    const struct sotto_tensor *x = a;
    const struct sotto_tensor *y = b;
    if (x->data != y->data) {
        return x->data < y->data ? -1 : 1;
    }
    return (x->data_bytes > y->data_bytes) - (x->data_bytes < y->data_bytes);
}

static int compare_names(const void *a, const void *b)
{
    const struct sotto_tensor *x = a;
    const struct sotto_tensor *y = b;
    return strcmp(x->name, y->name);
}

/* Leaves the tensors ascending by name. */
static enum sotto_status check_tiles(struct sotto_tensors *tensors, const uint8_t *data,
                                     size_t data_bytes, struct sotto_error *err)
{
    size_t at = 0;
    if (tensors->tensors_len > 0) {
        qsort(tensors->tensors, tensors->tensors_len, sizeof *tensors->tensors, compare_places);
    }
    for (size_t i = 0; i < tensors->tensors_len; i++) {
        const struct sotto_tensor *tensor = &tensors->tensors[i];
        size_t begin = (size_t)(tensor->data - data);
        if (begin != at) {
            return sotto_error_set(err, SOTTO_ERROR_INPUT,
                                   "tensor '%s': expected it at offset %zu, where the one before "
                                   "ends, found it at %zu",
                                   tensor->name, at, begin);
        }
        at += tensor->data_bytes;
    }
    if (at != data_bytes) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected the end after the last tensor, found %zu bytes more",
                               data_bytes - at);
    }
    if (tensors->tensors_len > 0) {
        qsort(tensors->tensors, tensors->tensors_len, sizeof *tensors->tensors, compare_names);
    }
    return SOTTO_OK;
}

static enum sotto_status check_metadata(const json_t *metadata, struct sotto_error *err)
{
    const char *key;
    json_t *value;
    bool good = json_is_object(metadata);
    json_object_foreach((json_t *)metadata, key, value)
    {
        good = good && json_is_string(value);
    }
    return good ? SOTTO_OK
                : sotto_error_set(err, SOTTO_ERROR_INPUT,
                                  METADATA ": expected an object of strings");
}

static enum sotto_status read_header(struct sotto_tensors *out, json_t *header, const uint8_t *data,
                                     size_t data_bytes, size_t elements_max,
                                     struct sotto_error *err)
{
    const char *name;
    json_t *value;
    size_t len = json_object_size(header);
    if (len > SOTTO_TENSORS_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT, "expected at most %d tensors, found %zu",
                               SOTTO_TENSORS_MAX, len);
    }
    out->tensors = sotto_alloc_array(len, sizeof *out->tensors);
    if (out->tensors == NULL) {
        return sotto_error_no_memory(err);
    }
    json_object_foreach(header, name, value)
    {
        if (strcmp(name, METADATA) == 0) {
            enum sotto_status status = check_metadata(value, err);
            if (status != SOTTO_OK) {
                return status;
            }
            continue;
        }
        struct sotto_tensor *tensor = &out->tensors[out->tensors_len];
        enum sotto_status status = read_tensor(tensor, name, value, data, data_bytes, err);
        if (status != SOTTO_OK) {
            return status;
        }
        out->tensors_len++;
        /* No overflow: each of them has at most as many elements as the data has bytes. */
        out->elements_len += tensor->elements_len;
        if (out->elements_len > elements_max) {
            return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                                   "expected at most %zu elements in all tensors, found more",
                                   elements_max);
        }
    }
    return check_tiles(out, data, data_bytes, err);
}

enum sotto_status sotto_tensors_read(struct sotto_tensors *out, const void *bytes, size_t bytes_len,
                                     size_t elements_max, struct sotto_error *err)
{
    struct sotto_reader reader;
    json_error_t json_error;
    *out = (struct sotto_tensors){0};
    sotto_reader_init(&reader, bytes, bytes_len);
    uint64_t header_bytes = sotto_read_u64(&reader);
    if (header_bytes > SOTTO_TENSORS_HEADER_BYTES_MAX || header_bytes % DATA_ALIGNMENT != 0) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "expected a header of at most %zu bytes and a multiple of %d, found "
                               "%llu",
                               SOTTO_TENSORS_HEADER_BYTES_MAX, DATA_ALIGNMENT,
                               (unsigned long long)header_bytes);
    }
    const uint8_t *text = sotto_read_bytes(&reader, (size_t)header_bytes);
    json_t *header = text == NULL || text[0] != '{'
                         ? NULL
                         : json_loadb((const char *)text, (size_t)header_bytes,
                                      JSON_REJECT_DUPLICATES, &json_error);
    if (!json_is_object(header)) {
        json_decref(header);
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected the length of a header and a JSON object, each key once");
    }
    size_t data_bytes = sotto_reader_left(&reader);
    enum sotto_status status =
        read_header(out, header, text + header_bytes, data_bytes, elements_max, err);
    json_decref(header);
    if (status != SOTTO_OK) {
        sotto_tensors_release(out);
    }
    return status;
}

static bool tensors_are_alike(const struct sotto_tensor *a, const struct sotto_tensor *b)
{
    return strcmp(a->name, b->name) == 0 && a->type == b->type && a->rank == b->rank &&
           memcmp(a->shape, b->shape, a->rank * sizeof a->shape[0]) == 0;
}

enum sotto_status sotto_tensors_check_alike(const struct sotto_tensors *tensors,
                                            const struct sotto_tensors *expected,
                                            struct sotto_error *err)
{
    size_t len =
        tensors->tensors_len < expected->tensors_len ? tensors->tensors_len : expected->tensors_len;
    for (size_t i = 0; i < len; i++) {
        const struct sotto_tensor *found = &tensors->tensors[i];
        const struct sotto_tensor *wanted = &expected->tensors[i];
        if (!tensors_are_alike(found, wanted)) {
            return sotto_error_set(err, SOTTO_ERROR_TYPE,
                                   "expected the tensor '%s' (%s, %zu elements), found '%s' (%s, "
                                   "%zu elements) or another shape",
                                   wanted->name, sotto_tensor_type_name(wanted->type),
                                   wanted->elements_len, found->name,
                                   sotto_tensor_type_name(found->type), found->elements_len);
        }
    }
    return tensors->tensors_len == expected->tensors_len
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_TYPE, "expected %zu tensors, found %zu",
                                 expected->tensors_len, tensors->tensors_len);
}
