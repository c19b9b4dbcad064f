/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_TENSORS_H
#define SOTTO_TENSORS_H

/* Tensors as safetensors: eight bytes with the length of a JSON header, the header, then the data
 * of all tensors. The reader takes what that format means and nothing looser: no byte of the data
 * belongs to two tensors or to none. */

#include <sotto/bytes.h>

SOTTO_BEGIN_DECLS

#define SOTTO_TENSORS_MAX 4096
#define SOTTO_TENSORS_HEADER_BYTES_MAX ((size_t)1024 * 1024)
#define SOTTO_TENSOR_NAME_BYTES_MAX 191
#define SOTTO_TENSOR_RANK_MAX 8

/* code, name in a header, bytes of an element, whether it is a float */
#define SOTTO_TENSOR_TYPE_TABLE(X)                                                                 \
    X(SOTTO_TENSOR_F64, "F64", 8, true)                                                            \
    X(SOTTO_TENSOR_F32, "F32", 4, true)                                                            \
    X(SOTTO_TENSOR_F16, "F16", 2, true)                                                            \
    X(SOTTO_TENSOR_BF16, "BF16", 2, true)                                                          \
    X(SOTTO_TENSOR_I64, "I64", 8, false)                                                           \
    X(SOTTO_TENSOR_I32, "I32", 4, false)                                                           \
    X(SOTTO_TENSOR_I16, "I16", 2, false)                                                           \
    X(SOTTO_TENSOR_I8, "I8", 1, false)                                                             \
    X(SOTTO_TENSOR_U8, "U8", 1, false)                                                             \
    X(SOTTO_TENSOR_BOOL, "BOOL", 1, false)

enum sotto_tensor_type {
#define SOTTO_TENSOR_TYPE_ENUM(code, name, bytes, is_float) code,
    SOTTO_TENSOR_TYPE_TABLE(SOTTO_TENSOR_TYPE_ENUM)
#undef SOTTO_TENSOR_TYPE_ENUM
};

struct sotto_tensor {
    char name[SOTTO_TENSOR_NAME_BYTES_MAX + 1];
    enum sotto_tensor_type type;
    size_t rank;
    size_t shape[SOTTO_TENSOR_RANK_MAX];
    size_t elements_len; /* the product of the shape; 1 where rank is 0 */
    const uint8_t *data; /* borrowed: elements_len elements, little endian, of any alignment */
    size_t data_bytes;
};

/* Ascending by name. */
struct sotto_tensors {
    struct sotto_tensor *tensors;
    size_t tensors_len;
    size_t elements_len; /* of all together */
};

/* The name of a type ("F32"). Returns: static storage. */
SOTTO_API const char *sotto_tensor_type_name(enum sotto_tensor_type type);

/* How many bytes an element of a type has. */
SOTTO_API size_t sotto_tensor_type_bytes(enum sotto_tensor_type type);

/* Whether a type is of floats. */
SOTTO_API bool sotto_tensor_type_is_float(enum sotto_tensor_type type);

/* Reads safetensors of at most elements_max elements. Returns: SOTTO_ERROR_INPUT for what is not
 * that format: a header that is no JSON object of known types, shapes and offsets, each key once;
 * tensors that overlap, leave gaps, do not end with the data, have other sizes than their shapes,
 * or stand where their type can't (offsets are multiples of its bytes, the data begins at one of
 * 8); SOTTO_ERROR_LIMIT for more than a cap. Out: *out, empty on failure, is ended by
 * sotto_tensors_release; data of its tensors borrow from bytes. */
SOTTO_API enum sotto_status sotto_tensors_read(struct sotto_tensors *out, const void *bytes,
                                               size_t bytes_len, size_t elements_max,
                                               struct sotto_error *err) SOTTO_NODISCARD;

/* Frees what tensors hold and leaves them empty. */
SOTTO_API void sotto_tensors_release(struct sotto_tensors *tensors);

/* Appends tensors as safetensors, which have one spelling: tensors of wider types first, those of
 * one width by their names. Where a tensor's data is NULL, zeros stand. Returns: SOTTO_ERROR_LIMIT
 * where the header gets too long, SOTTO_ERROR_NO_MEMORY. Out: offsets (if not NULL; tensors_len of
 * them), where in out's data each tensor's elements begin. */
SOTTO_API enum sotto_status sotto_tensors_write(struct sotto_writer *out, size_t *offsets,
                                                const struct sotto_tensors *tensors,
                                                struct sotto_error *err) SOTTO_NODISCARD;

/* Appends names, types and shapes in one encoding, without data: what parties agree on. Failures
 * are out's. */
SOTTO_API void sotto_tensors_write_shapes(struct sotto_writer *out,
                                          const struct sotto_tensors *tensors);

/* Reads them, of at most elements_max elements. Returns: SOTTO_ERROR_INPUT for other bytes than
 * sotto_tensors_write_shapes has and for more elements, SOTTO_ERROR_NO_MEMORY. Out: *out, empty on
 * failure, is ended by sotto_tensors_release; its tensors have no data (NULL). */
SOTTO_API enum sotto_status sotto_tensors_read_shapes(struct sotto_tensors *out, const void *bytes,
                                                      size_t bytes_len, size_t elements_max,
                                                      struct sotto_error *err) SOTTO_NODISCARD;

/* Whether two have the same names, types and shapes. Returns: SOTTO_ERROR_TYPE, which names the
 * first tensor that differs. */
SOTTO_API enum sotto_status sotto_tensors_check_alike(const struct sotto_tensors *tensors,
                                                      const struct sotto_tensors *expected,
                                                      struct sotto_error *err) SOTTO_NODISCARD;

SOTTO_END_DECLS

#endif
