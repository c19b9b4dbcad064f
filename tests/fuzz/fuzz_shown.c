/* SPDX-License-Identifier: Apache-2.0 */
/* What a ledger sees of rows in parts, and what it asks for that: what is taken has one encoding,
 * twice the same rows are twice as many, and whoever is asked gets ready, or says that it can't.
 *
 * The first byte says which of both the others are. */
#include "disclosure/tally_atoms.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <sotto/tally.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

static uint64_t count_rows(const struct sotto_buffer *shown)
{
    struct sotto_reader reader;
    struct atoms atoms = {0};
    uint64_t rows = 0;
    sotto_reader_init(&reader, shown->data, shown->data_bytes);
    unsigned kind = sotto_read_u8(&reader);
    SOTTO_REQUIRE(kind <= 2);
    if (kind == 1) {
        SOTTO_REQUIRE(sotto__tally_read_lens(&atoms, &reader) == SOTTO_OK);
        SOTTO_REQUIRE(sotto__tally_read_atoms(&atoms, &reader, NULL) == SOTTO_OK);
        rows = sotto__tally_count_rows(&atoms);
    }
    SOTTO_REQUIRE(sotto_reader_finished(&reader));
    sotto__tally_release_atoms(&atoms);
    return rows;
}

static void take_shown(const uint8_t *data, size_t data_bytes)
{
    const struct sotto_part_bytes part = {data, data_bytes, "x"};
    const struct sotto_part_bytes both[] = {part, part};
    struct sotto_buffer again = {0};
    struct sotto_buffer twice = {0};
    if (sotto_tally_parts()->merge(&again, &part, 1, NULL) != SOTTO_OK) {
        return;
    }
    SOTTO_REQUIRE(again.data_bytes == data_bytes && memcmp(again.data, data, data_bytes) == 0);
    if (sotto_tally_parts()->merge(&twice, both, 2, NULL) == SOTTO_OK) {
        uint64_t rows = count_rows(&again);
        SOTTO_REQUIRE(rows > (UINT64_C(1) << 59) || count_rows(&twice) == 2 * rows);
    }
    sotto_buffer_release(&again);
    sotto_buffer_release(&twice);
}

static void be_asked(const uint8_t *data, size_t data_bytes)
{
    static struct sotto_plan *plan;
    static struct sotto_driver *driver;
    struct sotto_part_shown shown = {0};
    struct sotto_error err = {0};
    if (driver == NULL) {
        static const char text[] = "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", "
                                   "\"datasets\": {\"t\": \"t\"}, "
                                   "\"select\": {\"a\": \"sum(x * y)\"}, \"where\": \"x > 3\"}";
        struct sotto_schema types = {.fields_len = 2};
        types.fields = sotto_alloc_array(2, sizeof *types.fields);
        SOTTO_REQUIRE(types.fields != NULL);
        types.fields[0].type.kind = types.fields[1].type.kind = SOTTO_KIND_INT64;
        SOTTO_REQUIRE(sotto_plan_parse(&plan, text, sizeof text - 1, NULL) == SOTTO_OK &&
                      sotto_driver_new(&driver, plan, &types, NULL) == SOTTO_OK);
        sotto_schema_release(&types);
    }
    if (sotto_tally_parts()->begin(&shown, driver, plan, data, data_bytes, &err) == SOTTO_OK) {
        struct sotto_buffer nothing = {0};
        SOTTO_REQUIRE(sotto_tally_parts()->write(&shown, &nothing, &err) == SOTTO_OK &&
                      nothing.data_bytes == 1);
        sotto_buffer_release(&nothing);
        sotto_tally_parts()->end(&shown);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
    if (data_bytes > 0 && data[0] % 2 == 0) {
        take_shown(data + 1, data_bytes - 1);
    } else if (data_bytes > 0) {
        be_asked(data + 1, data_bytes - 1);
    }
    return 0;
}
