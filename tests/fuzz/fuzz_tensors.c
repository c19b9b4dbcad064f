/* SPDX-License-Identifier: Apache-2.0 */
/* Safetensors from outside: what is read tiles its data, and is written and read again as it was.
 */
#include <sotto/alloc.h>
#include <sotto/tensors.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct sotto_tensors *tensors)
{
    struct sotto_writer writer;
    struct sotto_tensors again;
    sotto_writer_init(&writer, SIZE_MAX);
    SOTTO_REQUIRE(sotto_tensors_write(&writer, NULL, tensors, NULL) == SOTTO_OK);
    SOTTO_REQUIRE(sotto_tensors_read(&again, writer.data, writer.data_bytes, tensors->elements_len,
                                     NULL) == SOTTO_OK);
    SOTTO_REQUIRE(sotto_tensors_check_alike(&again, tensors, NULL) == SOTTO_OK);
    for (size_t i = 0; i < again.tensors_len; i++) {
        SOTTO_REQUIRE(memcmp(again.tensors[i].data, tensors->tensors[i].data,
                             tensors->tensors[i].data_bytes) == 0);
    }
    sotto_tensors_release(&again);
    sotto_writer_release(&writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sotto_tensors tensors;
    struct sotto_error err;
    if (sotto_tensors_read(&tensors, data, size, 1 << 20, &err) != SOTTO_OK) {
        return 0;
    }
    size_t bytes = 0;
    for (size_t i = 0; i < tensors.tensors_len; i++) {
        const struct sotto_tensor *tensor = &tensors.tensors[i];
        bytes += tensor->data_bytes;
        SOTTO_REQUIRE(tensor->data_bytes ==
                      tensor->elements_len * sotto_tensor_type_bytes(tensor->type));
        SOTTO_REQUIRE(tensor->data + tensor->data_bytes <= data + size);
    }
    SOTTO_REQUIRE(bytes <= size);
    check_again(&tensors);
    sotto_tensors_release(&tensors);
    return 0;
}
