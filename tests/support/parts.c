/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"
#include "files.h"
#include "test.h"

#include <sotto/tally.h>
#include <stdio.h>

const struct sotto_part_place test_place = {
    .part = 1, .parts_len = 1, .min_rows = 10, .snapshot = "v1"};

void test_write_plan(char out[TEST_PLAN_BYTES], const char *clause, const char *select)
{
    int bytes = snprintf(out, TEST_PLAN_BYTES,
                         "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                         "{\"t\": \"t.csv\"}, %s \"select\": {%s}}",
                         clause, select);
    assert_in_range(bytes, 1, TEST_PLAN_BYTES - 1);
}

struct test_text test_open_text(const char *text)
{
    struct test_text opened = {.file = test_csv(text)};
    opened.catalogue = test_catalogue(opened.file);
    assert_ok(sotto_source_new_file(&opened.source, opened.file, opened.catalogue, NULL));
    return opened;
}

void test_close_text(struct test_text *opened)
{
    sotto_source_free(opened->source);
    sotto_catalogue_free(opened->catalogue);
    sotto_csv_close(opened->file);
}

enum sotto_status test_make_part(struct sotto_buffer *out, const struct sotto_round *round,
                                 const char *text, const struct sotto_part_place *place,
                                 struct sotto_error *err)
{
    struct test_text opened = test_open_text(text);
    enum sotto_status status =
        sotto_round_part(round, out, place, &opened.source, sotto_tally_parts(), err);
    test_close_text(&opened);
    return status;
}

struct sotto_part_bytes test_bytes_of(const struct sotto_buffer *buffer)
{
    return (struct sotto_part_bytes){buffer->data, buffer->data_bytes, "x.slots"};
}

void test_merge_tree(struct sotto_buffer *parts, size_t len, uint64_t *random)
{
    struct sotto_error err = {0};
    while (len > 1) {
        size_t taken = 2 + (len > 2 ? test_random_below(random, 2) : 0);
        struct sotto_part_bytes bytes[3];
        struct sotto_buffer merged;
        for (size_t i = 0; i < taken; i++) {
            size_t at = test_random_below(random, len - i);
            struct sotto_buffer drawn = parts[at];
            parts[at] = parts[len - 1 - i];
            parts[len - 1 - i] = drawn;
            bytes[i] = test_bytes_of(&drawn);
        }
        if (sotto_part_merge(&merged, bytes, taken, sotto_tally_parts(), &err) != SOTTO_OK) {
            fail_msg("%s", err.text);
        }
        for (size_t i = 0; i < taken; i++) {
            sotto_buffer_release(&parts[len - 1 - i]);
        }
        len -= taken;
        parts[len++] = merged;
    }
}
