/* SPDX-License-Identifier: Apache-2.0 */

/* Rows of a ledger in an array, oldest first. It leans on nothing: what entries mean is chain.c's.
 */

#include "ledger_memory.h"

#include <sotto/alloc.h>
#include <string.h>

void sotto__ledger_memory_release(struct sotto__ledger_memory *memory)
{
    for (size_t i = 0; i < memory->len; i++) {
        sotto_free((void *)memory->rows[i].bytes);
    }
    sotto_free(memory->rows);
    *memory = (struct sotto__ledger_memory){0};
}

static void forget_rows(struct sotto__ledger_memory *memory, uint64_t below)
{
    size_t kept = 0;
    for (size_t i = 0; i < memory->len; i++) {
        if (memory->rows[i].number < below) {
            sotto_free((void *)memory->rows[i].bytes);
        } else {
            memory->rows[kept++] = memory->rows[i];
        }
    }
    memory->len = kept;
}

static enum sotto_status append_rows(void *context, const struct sotto_ledger_row *rows,
                                     size_t rows_len, uint64_t forget_below,
                                     struct sotto_error *err)
{
    struct sotto__ledger_memory *memory = context;
    void *all = memory->rows;
    size_t len = memory->len;
    if (sotto_array_reserve(&all, &memory->capacity_len, len + rows_len, sizeof *memory->rows) !=
        SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    memory->rows = all;
    for (size_t i = 0; i < rows_len; i++) {
        uint8_t *bytes = sotto_alloc(rows[i].bytes_len);
        if (bytes == NULL) {
            while (memory->len > len) {
                sotto_free((void *)memory->rows[--memory->len].bytes);
            }
            return sotto_error_no_memory(err);
        }
        memcpy(bytes, rows[i].bytes, rows[i].bytes_len);
        memory->rows[memory->len] = rows[i];
        memory->rows[memory->len++].bytes = bytes;
    }
    forget_rows(memory, forget_below);
    return SOTTO_OK;
}

static enum sotto_status each_row(void *context, const uint8_t *subject, sotto_ledger_see_row *see,
                                  void *see_context, struct sotto_error *err)
{
    const struct sotto__ledger_memory *memory = context;
    for (size_t i = 0; i < memory->len; i++) {
        const struct sotto_ledger_row *row = &memory->rows[i];
        if (subject != NULL && memcmp(subject, row->subject, sizeof row->subject) != 0) {
            continue;
        }
        enum sotto_status status = see(see_context, row, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

struct sotto_ledger_storage sotto__ledger_memory_storage(struct sotto__ledger_memory *memory)
{
    return (struct sotto_ledger_storage){
        .context = memory, .append = append_rows, .each = each_row};
}
