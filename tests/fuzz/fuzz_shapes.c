/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of a model from another node: what is read has one encoding, and can be written as
 * safetensors, which have the same shapes. */
#include <sotto/tensors.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sotto_tensors shapes;
    struct sotto_tensors again;
    struct sotto_writer writer;
    struct sotto_error err;
    if (sotto_tensors_read_shapes(&shapes, data, size, 1 << 12, &err) != SOTTO_OK) {
        return 0;
    }
    SOTTO_REQUIRE(shapes.elements_len <= 1 << 12);
    sotto_writer_init(&writer, SIZE_MAX);
    sotto_tensors_write_shapes(&writer, &shapes);
    SOTTO_REQUIRE(writer.data_bytes == size && memcmp(writer.data, data, size) == 0);
    sotto_writer_release(&writer);
    sotto_writer_init(&writer, SIZE_MAX);
    SOTTO_REQUIRE(sotto_tensors_write(&writer, NULL, &shapes, NULL) == SOTTO_OK);
    SOTTO_REQUIRE(sotto_tensors_read(&again, writer.data, writer.data_bytes, 1 << 12, NULL) ==
                  SOTTO_OK);
    SOTTO_REQUIRE(sotto_tensors_check_alike(&again, &shapes, NULL) == SOTTO_OK);
    sotto_tensors_release(&again);
    sotto_tensors_release(&shapes);
    sotto_writer_release(&writer);
    return 0;
}
