/* SPDX-License-Identifier: Apache-2.0 */
/* Safetensors: what is written is read again, and what a hostile writer may try is refused. */
#include "test.h"

#include "fault.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <sotto/tensors.h>
#include <stdio.h>

/* A header and data_bytes bytes 0, 1, 2, ... behind it, padded to a multiple of 8. Ended by free.
 */
static uint8_t *make_bytes(size_t *out_bytes, const char *header, size_t data_bytes)
{
    size_t header_bytes = (strlen(header) + 7) / 8 * 8;
    uint8_t *bytes = malloc(8 + header_bytes + data_bytes);
    assert_non_null(bytes);
    sotto_store_u64(bytes, header_bytes);
    memset(bytes + 8, ' ', header_bytes);
    memcpy(bytes + 8, header, strlen(header));
    for (size_t i = 0; i < data_bytes; i++) {
        bytes[8 + header_bytes + i] = (uint8_t)i;
    }
    *out_bytes = 8 + header_bytes + data_bytes;
    return bytes;
}

static void test_reading(void **state)
{
    (void)state;
    static const char header[] =
        "{\"__metadata__\":{\"format\":\"pt\"},"
        "\"b\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[8,32]},"
        "\"none\":{\"dtype\":\"BF16\",\"shape\":[0,5],\"data_offsets\":[32,32]},"
        "\"c\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[32,35]},"
        "\"a\":{\"data_offsets\":[0,8],\"shape\":[],\"dtype\":\"I64\"}}";
    struct sotto_tensors tensors;
    struct sotto_error err;
    size_t bytes_len;
    uint8_t *bytes = make_bytes(&bytes_len, header, 35);
    assert_ok(sotto_tensors_read(&tensors, bytes, bytes_len, 10, &err));
    assert_int_equal(tensors.tensors_len, 4);
    assert_int_equal(tensors.elements_len, 10);
    static const char *const names[] = {"a", "b", "c", "none"};
    static const size_t elements[] = {1, 6, 3, 0};
    static const uint8_t firsts[] = {0, 8, 32};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(tensors.tensors[i].name, names[i]);
        assert_int_equal(tensors.tensors[i].elements_len, elements[i]);
        assert_true(i == 3 || tensors.tensors[i].data[0] == firsts[i]);
    }
    assert_int_equal(tensors.tensors[1].rank, 2);
    assert_int_equal(tensors.tensors[1].shape[1], 3);
    sotto_tensors_release(&tensors);
    assert_int_equal(sotto_tensors_read(&tensors, bytes, bytes_len, 9, &err), SOTTO_ERROR_LIMIT);
    assert_null(tensors.tensors);
    free(bytes);
}

struct refused_header {
    const char *header;
    size_t data_bytes;
    const char *part;
};

#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}"
#define TENSOR(type, shape, begin, end)                                                            \
    "{\"a\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}}"

static const struct refused_header refused_headers[] = {
    {"[]", 0, "a JSON object"},
    {"{", 0, "a JSON object"},
    {" {" A "}", 4, "a JSON object"},
    {"{" A "}x", 4, "a JSON object"},
    {"{" A "," A "}", 4, "each key once"},
    {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
     "each key once"},
    {"{\"a\\u0000\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "a JSON object"},
    {"{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
     "expected it at offset 4"}, /* overlap */
    {"{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}", 12,
     "expected it at offset 4"}, /* gap */
    {"{" A ",\"b\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[2,4]}}", 4,
     "expected it at offset 4"}, /* one within another */
    {TENSOR("F32", "[1]", 4, 8), 8, "expected it at offset 0"},
    {"{" A "}", 5, "1 bytes more"},
    {"{}", 1, "1 bytes more"},
    {"{" A "}", 3, "within the data"},
    {TENSOR("F32", "[2]", 0, 4), 4, "expected the 8 bytes of its shape, found 4"},
    {TENSOR("F32", "[]", 0, 8), 8, "expected the 4 bytes of its shape, found 8"},
    {TENSOR("F32", "[1]", 4, 0), 4, "ascending offsets"},
    {TENSOR("F32", "[1]", -4, 0), 4, "ascending offsets"},
    {TENSOR("F32", "[1]", 0.0, 4), 4, "ascending offsets"},
    {TENSOR("F32", "[1]", 0, 4.0), 4, "ascending offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 4, "ascending offsets"},
    {TENSOR("F32", "[1]", 0, 18446744073709551620), 4, "a JSON object"},
    {TENSOR("F32", "[-1]", 0, 4), 4, "a shape"},
    {TENSOR("F32", "[1.0]", 0, 4), 4, "a shape"},
    {TENSOR("F32", "[\"1\"]", 0, 4), 4, "a shape"},
    {TENSOR("F32", "1", 0, 4), 4, "a shape"},
    {TENSOR("F32", "[1,1,1,1,1,1,1,1,1]", 0, 4), 4, "a shape"},
    {TENSOR("F32", "[4611686018427387905]", 0, 4), 4, "a shape"},   /* 4 times it is 4 */
    {TENSOR("F32", "[4294967297,4294967297]", 0, 4), 4, "a shape"}, /* wraps */
    {TENSOR("F8_E4M3", "[4]", 0, 4), 4, "F64, F32"},
    {TENSOR("f32", "[1]", 0, 4), 4, "F64, F32"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4, "no more"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "no more"},
    {"{\"a\":[0,4]}", 4, "no more"},
    {"{\"\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "1 to 191 bytes"},
    {"{\"__metadata__\":{\"a\":1}}", 0, "an object of strings"},
    {"{\"__metadata__\":[]}", 0, "an object of strings"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
     "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[1,5]}}",
     5, "a multiple of its element"},
};

static void test_headers_that_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused_headers / sizeof refused_headers[0]; i++) {
        struct sotto_tensors tensors;
        struct sotto_error err = {0};
        size_t bytes_len;
        uint8_t *bytes =
            make_bytes(&bytes_len, refused_headers[i].header, refused_headers[i].data_bytes);
        assert_int_equal(sotto_tensors_read(&tensors, bytes, bytes_len, 1000, &err),
                         SOTTO_ERROR_INPUT);
        assert_contains(err.text, refused_headers[i].part);
        assert_null(tensors.tensors);
        free(bytes);
    }
}

static void test_lengths_of_headers(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {9, 17, 24, (1 << 20) + 8, UINT64_MAX, UINT64_MAX - 7};
    struct sotto_tensors tensors;
    uint8_t bytes[24] = {8, 0, 0, 0, 0, 0, 0, 0, '{', '}', ' ', ' ', ' ', ' ', ' ', ' '};
    assert_ok(sotto_tensors_read(&tensors, bytes, 16, 0, NULL));
    sotto_tensors_release(&tensors);
    for (size_t i = 0; i < 16; i++) {
        assert_int_not_equal(sotto_tensors_read(&tensors, bytes, i, 0, NULL), SOTTO_OK);
    }
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        sotto_store_u64(bytes, lengths[i]);
        assert_int_not_equal(sotto_tensors_read(&tensors, bytes, 24, 0, NULL), SOTTO_OK);
    }
}

static void test_too_many_tensors(void **state)
{
    (void)state;
    char *header = malloc((size_t)100 * (SOTTO_TENSORS_MAX + 2));
    assert_non_null(header);
    char *at = header;
    for (size_t i = 0; i <= SOTTO_TENSORS_MAX; i++) {
        at += sprintf(at, "%s\"%zu\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%zu,%zu]}",
                      i == 0 ? "{" : ",", i, i, i + 1);
    }
    (void)sprintf(at, "}");
    struct sotto_tensors tensors;
    struct sotto_error err;
    size_t bytes_len;
    uint8_t *bytes = make_bytes(&bytes_len, header, SOTTO_TENSORS_MAX + 1);
    assert_int_equal(sotto_tensors_read(&tensors, bytes, bytes_len, 10000, &err),
                     SOTTO_ERROR_LIMIT);
    assert_contains(err.text, "at most 4096 tensors, found 4097");
    free(bytes);
    free(header);
}

static struct sotto_tensors make_model(struct sotto_tensor tensors[3])
{
    static const uint8_t data[24] = {1, 2, 3, 4, 5, 6, 7, 8};
    tensors[0] = (struct sotto_tensor){.name = "bias",
                                       .type = SOTTO_TENSOR_F16,
                                       .rank = 1,
                                       .shape = {3},
                                       .elements_len = 3,
                                       .data = data,
                                       .data_bytes = 6};
    tensors[1] = (struct sotto_tensor){.name = "scale \"\xE5\xB9\xB3\"",
                                       .type = SOTTO_TENSOR_F64,
                                       .elements_len = 1,
                                       .data = data,
                                       .data_bytes = 8};
    tensors[2] = (struct sotto_tensor){.name = "weight",
                                       .type = SOTTO_TENSOR_F32,
                                       .rank = 2,
                                       .shape = {2, 3},
                                       .elements_len = 6,
                                       .data_bytes = 24};
    return (struct sotto_tensors){tensors, 3, 10};
}

/* The header to its last byte: who reads the format elsewhere must find it so. */
static void test_written_bytes(void **state)
{
    (void)state;
    static const char expected[] =
        "{\"scale \\\"\xE5\xB9\xB3\\\"\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]},"
        "\"weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[8,32]},"
        "\"bias\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[32,38]}}";
    struct sotto_tensor storage[3];
    struct sotto_tensors model = make_model(storage);
    struct sotto_tensors again;
    struct sotto_writer writer;
    size_t offsets[3];
    sotto_writer_init(&writer, 4096);
    assert_ok(sotto_tensors_write(&writer, offsets, &model, NULL));
    assert_int_equal(sotto_load_u64(writer.data) % 8, 0);
    assert_memory_equal(writer.data + 8, expected, strlen(expected));
    size_t data = 8 + sotto_load_u64(writer.data);
    assert_int_equal(offsets[0], data + 32);
    assert_int_equal(offsets[1], data);
    assert_int_equal(offsets[2], data + 8);
    assert_ok(sotto_tensors_read(&again, writer.data, writer.data_bytes, 10, NULL));
    assert_ok(sotto_tensors_check_alike(&again, &model, NULL));
    assert_memory_equal(again.tensors[0].data, model.tensors[0].data, 6);
    static const uint8_t zeros[24];
    assert_memory_equal(again.tensors[2].data, zeros, 24);
    sotto_tensors_release(&again);
    sotto_writer_release(&writer);
}

/* Shapes have one encoding: whatever byte is changed, cut or added, it is refused or means others.
 */
static void test_shapes_alone(void **state)
{
    (void)state;
    struct sotto_tensor of_model[3];
    const struct sotto_tensors model = make_model(of_model);
    struct sotto_tensors read;
    struct sotto_writer writer;
    struct sotto_writer again;
    sotto_writer_init(&writer, 4096);
    sotto_tensors_write_shapes(&writer, &model);
    assert_ok(sotto_writer_status(&writer));
    assert_ok(sotto_tensors_read_shapes(&read, writer.data, writer.data_bytes, 1000, NULL));
    assert_ok(sotto_tensors_check_alike(&read, &model, NULL));
    assert_int_equal(read.elements_len, model.elements_len);
    assert_null(read.tensors[0].data);
    sotto_tensors_release(&read);
    for (size_t cut = 0; cut < writer.data_bytes; cut++) {
        assert_int_equal(sotto_tensors_read_shapes(&read, writer.data, cut, 1000, NULL),
                         SOTTO_ERROR_INPUT);
    }
    for (size_t i = 0; i < 8 * writer.data_bytes; i++) {
        writer.data[i / 8] ^= (uint8_t)(1U << i % 8);
        if (sotto_tensors_read_shapes(&read, writer.data, writer.data_bytes, 1000, NULL) ==
            SOTTO_OK) {
            assert_true(read.elements_len <= 1000);
            sotto_writer_init(&again, 4096);
            sotto_tensors_write_shapes(&again, &read);
            assert_int_equal(again.data_bytes, writer.data_bytes);
            assert_memory_equal(again.data, writer.data, writer.data_bytes);
            sotto_writer_release(&again);
            sotto_tensors_release(&read);
        }
        writer.data[i / 8] ^= (uint8_t)(1U << i % 8);
    }
    assert_int_equal(sotto_tensors_read_shapes(&read, writer.data, writer.data_bytes,
                                               model.elements_len - 1, NULL),
                     SOTTO_ERROR_INPUT);
    sotto_writer_release(&writer);
}

static void test_tensors_that_are_not_alike(void **state)
{
    (void)state;
    struct sotto_tensor storage[3];
    struct sotto_tensor other_storage[3];
    struct sotto_tensors model = make_model(storage);
    struct sotto_tensors other = make_model(other_storage);
    struct sotto_error err;
    assert_ok(sotto_tensors_check_alike(&other, &model, &err));
    other.tensors_len = 2;
    assert_int_equal(sotto_tensors_check_alike(&other, &model, &err), SOTTO_ERROR_TYPE);
    assert_contains(err.text, "expected 3 tensors, found 2");
    other.tensors_len = 3;
    other_storage[2].shape[0] = 3;
    other_storage[2].shape[1] = 2;
    assert_int_equal(sotto_tensors_check_alike(&other, &model, &err), SOTTO_ERROR_TYPE);
    assert_contains(err.text, "'weight'");
    other = make_model(other_storage);
    other_storage[0].type = SOTTO_TENSOR_BF16;
    assert_int_equal(sotto_tensors_check_alike(&other, &model, &err), SOTTO_ERROR_TYPE);
    assert_contains(err.text, "'bias' (F16, 3 elements)");
    other = make_model(other_storage);
    other_storage[0].name[0] = 'p';
    assert_int_equal(sotto_tensors_check_alike(&other, &model, &err), SOTTO_ERROR_TYPE);
    assert_contains(err.text, "found 'pias'");
}

static enum sotto_status run_both(void *context)
{
    struct sotto_tensors *model = context;
    struct sotto_tensors again = {0};
    struct sotto_writer writer;
    sotto_writer_init(&writer, 4096);
    enum sotto_status status = sotto_tensors_write(&writer, NULL, model, NULL);
    if (status == SOTTO_OK) {
        status = sotto_tensors_read(&again, writer.data, writer.data_bytes, 10, NULL);
    }
    sotto_tensors_release(&again);
    sotto_writer_release(&writer);
    return status;
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    struct sotto_tensor storage[3];
    struct sotto_tensors model = make_model(storage);
    assert_int_equal(fault_each_allocation(run_both, &model), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_headers_that_are_refused),
        cmocka_unit_test(test_lengths_of_headers),
        cmocka_unit_test(test_too_many_tensors),
        cmocka_unit_test(test_written_bytes),
        cmocka_unit_test(test_shapes_alone),
        cmocka_unit_test(test_tensors_that_are_not_alike),
        cmocka_unit_test(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
