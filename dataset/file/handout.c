/* SPDX-License-Identifier: Apache-2.0 */

/* Columns handed out while a file is catalogued, as the types that are known so far. */

#include "file/spans.h"

#include <sotto/alloc.h>
#include <string.h>

static void give_up(struct sotto__handout *handout)
{
    atomic_store(&handout->failed, true);
}

enum sotto_status sotto__handout_init(struct sotto__handout_worker *out,
                                      struct sotto__handout *handout, size_t worker,
                                      const struct sotto_csv *csv,
                                      const struct sotto_catalogue *catalogue)
{
    *out = (struct sotto__handout_worker){.handout = handout,
                                          .worker = worker,
                                          .csv = csv,
                                          .file_columns_len = catalogue->columns_len};
    if (handout == NULL) {
        return SOTTO_OK;
    }
    out->wanted = sotto_alloc_array(handout->names_len, sizeof *out->wanted);
    if (out->wanted == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < handout->names_len; i++) {
        out->wanted[i].column = sotto_catalogue_find(catalogue, handout->names[i]);
        if (out->wanted[i].column == SOTTO_NONE) { /* who asks for it will be told */
            give_up(handout);
        }
    }
    return SOTTO_OK;
}

void sotto__handout_release(struct sotto__handout_worker *worker)
{
    if (worker->has_block) {
        sotto__block_release(&worker->block);
    }
    sotto_free(worker->wanted);
    *worker = (struct sotto__handout_worker){0};
}

static void hand_out(struct sotto__handout_worker *worker)
{
    struct sotto__handout *handout = worker->handout;
    struct sotto__block *block = &worker->block;
    struct sotto_error unwanted = {0};
    if (block->rows > 0 &&
        handout->sink(handout->context, worker->worker, 0, sotto__block_view(block),
                      block->columns_len, block->rows, &unwanted) != SOTTO_OK) {
        give_up(handout);
    }
    sotto__block_clear(block);
}

/* A block of the types that the facts have come to. */
static void renew_block(struct sotto__handout_worker *worker,
                        const struct sotto__column_facts *facts)
{
    const struct sotto__handout *handout = worker->handout;
    bool changed = !worker->has_block;
    for (size_t i = 0; i < handout->names_len; i++) {
        struct sotto_type type = facts[worker->wanted[i].column].type;
        struct sotto_type *own = &worker->wanted[i].type;
        changed = changed || type.kind != own->kind || type.scale != own->scale;
        *own = type;
    }
    if (!changed) {
        return;
    }
    if (worker->has_block) {
        hand_out(worker);
        sotto__block_release(&worker->block);
    }
    worker->has_block = true;
    if (sotto__block_init(&worker->block, &worker->csv->format, worker->file_columns_len,
                          worker->wanted, handout->names_len) != SOTTO_OK) {
        give_up(worker->handout);
    }
}

void sotto__handout_take(struct sotto__handout_worker *worker,
                         const struct sotto__column_facts *facts,
                         const struct sotto__fields *fields)
{
    struct sotto__handout *handout = worker->handout;
    if (handout == NULL || atomic_load_explicit(&handout->failed, memory_order_relaxed)) {
        return;
    }
    renew_block(worker, facts);
    for (size_t row = 0; row < fields->rows && !atomic_load(&handout->failed);) {
        size_t rows = fields->rows - row;
        if (sotto__block_append(&worker->block, &rows, fields, row) != SOTTO_OK) {
            give_up(handout);
        }
        row += rows;
        if (sotto__block_is_full(&worker->block)) {
            hand_out(worker);
        }
    }
}

void sotto__handout_end(struct sotto__handout_worker *worker)
{
    if (worker->has_block && !atomic_load(&worker->handout->failed)) {
        hand_out(worker);
    }
}
