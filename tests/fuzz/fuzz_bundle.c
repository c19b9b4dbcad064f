/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles from outside: what is opened has one encoding, and every text of it can be shown. */
#include <sotto/alloc.h>
#include <sotto/bundle.h>
#include <sotto/secret.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void show_file(const struct sotto_bundle_file *file)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, SIZE_MAX);
    (void)sotto_bundle_reveal(&writer, file->text, file->text_bytes, 80);
    SOTTO_REQUIRE(sotto_writer_status(&writer) == SOTTO_OK);
    for (size_t i = 0; i < writer.data_bytes; i++) {
        SOTTO_REQUIRE(writer.data[i] == '\n' || (writer.data[i] >= 0x20 && writer.data[i] != 0x7F));
    }
    sotto_writer_release(&writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sotto_bundle bundle;
    struct sotto_bundle again;
    struct sotto_error err;
    SOTTO_REQUIRE(sotto_init() == SOTTO_OK);
    if (sotto_bundle_open(&bundle, data, size, &err) != SOTTO_OK) {
        return 0;
    }
    SOTTO_REQUIRE(sotto_bundle_make(&again, &bundle.manifest, bundle.files, bundle.files_len,
                                    &err) == SOTTO_OK);
    SOTTO_REQUIRE(again.bytes.data_bytes == size && memcmp(again.bytes.data, data, size) == 0);
    for (size_t i = 0; i < bundle.files_len; i++) {
        show_file(&bundle.files[i]);
    }
    sotto_bundle_release(&again);
    sotto_bundle_release(&bundle);
    return 0;
}
