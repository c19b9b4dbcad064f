/* SPDX-License-Identifier: Apache-2.0 */
#include "ledgers.h"
#include "test.h"

#include <stdlib.h>

struct test_disk test_disk;

void test_disk_clear(void)
{
    for (size_t i = 0; i < test_disk.len; i++) {
        free((void *)test_disk.rows[i].bytes);
    }
    test_disk = (struct test_disk){0};
}

static enum sotto_status append_rows(void *context, const struct sotto_ledger_row *rows,
                                     size_t rows_len, uint64_t forget_below,
                                     struct sotto_error *err)
{
    struct test_disk *memory = context;
    size_t kept = 0;
    if (memory->is_full || memory->len + rows_len > TEST_LEDGER_ROWS_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_IO, "the disk is full");
    }
    for (size_t i = 0; i < rows_len; i++) {
        struct sotto_ledger_row *row = &memory->rows[memory->len++];
        uint8_t *bytes = malloc(rows[i].bytes_len);
        assert_non_null(bytes);
        assert_true(rows[i].bytes_len <= SOTTO_LEDGER_ENTRY_BYTES_MAX);
        *row = rows[i];
        memcpy(bytes, rows[i].bytes, rows[i].bytes_len);
        row->bytes = bytes;
    }
    for (size_t i = 0; i < memory->len; i++) {
        if (memory->rows[i].number < forget_below) {
            free((void *)memory->rows[i].bytes);
        } else {
            memory->rows[kept++] = memory->rows[i];
        }
    }
    memory->len = kept;
    return SOTTO_OK;
}

static enum sotto_status each_row(void *context, const uint8_t *subject, sotto_ledger_see_row *see,
                                  void *see_context, struct sotto_error *err)
{
    const struct test_disk *memory = context;
    for (size_t i = 0; i < memory->len; i++) {
        if (subject == NULL || memcmp(subject, memory->rows[i].subject, 16) == 0) {
            enum sotto_status status = see(see_context, &memory->rows[i], err);
            if (status != SOTTO_OK) {
                return status;
            }
        }
    }
    return SOTTO_OK;
}

struct sotto_ledger_storage test_disk_storage(void)
{
    return (struct sotto_ledger_storage){
        .context = &test_disk, .append = append_rows, .each = each_row};
}

enum sotto_status test_ledger_try(struct sotto_ledger **out, struct sotto_error *err)
{
    static const uint8_t secret[SOTTO_LEDGER_SECRET_BYTES] = "what only this node may know";
    const struct sotto_ledger_storage storage = test_disk_storage();
    return sotto_ledger_open(out, &storage, secret, err);
}

struct sotto_ledger *test_ledger_open(void)
{
    struct sotto_ledger *ledger = NULL;
    struct sotto_error err = {0};
    enum sotto_status status = test_ledger_try(&ledger, &err);
    assert_string_equal(err.text, "");
    assert_ok(status);
    return ledger;
}
