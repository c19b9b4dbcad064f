/* SPDX-License-Identifier: Apache-2.0 */

/* Columns handed out while a file is catalogued, so that a task which needs sums over all rows
 * reads the file once, not twice. Leans on block.c, and on the facts that spans.c gathers.
 *
 * The idea: a column's type is known when the last row has been read, but a draft of it is known at
 * any time, and a draft that turns out too low costs no more than a new block.
 *
 * 1. Each worker first takes a window of fields into its facts, and then hands these fields to this
 *    file. So the types of its facts hold every value of the window, and no text can fail to
 *    convert.
 *
 * 2. The types of the facts are the draft (renew_block). Where they have not changed since the last
 *    window, rows are appended to the block under way.
 *
 * 3. Where they have, the block under way is handed out as it is, under the draft that it was
 *    filled with, and a new one begins. Facts only go up, so a worker begins at most a few blocks a
 *    column more than it would have.
 *
 * 4. The receiver gets blocks of different types for one column, from different workers, in no
 *    order, all with first row 0 (nobody knows yet how many rows stand before a chunk). The join of
 *    all their types is what the catalogue says in the end. The receiver decides whether sums under
 *    a lower type are of use then: those of an int64 are, in a column that ends as decimals (it is
 *    a decimal of scale 0); those of numbers in a column that ends as strings are not.
 *
 * 5. This is a gift: no failure here may fail the catalogue. Without memory, with an unknown name,
 *    when the sink refuses, or when the file must be read line by line after all, `failed` is set,
 *    workers stop handing out, and the receiver is told to forget what it got (sotto_csv_survey's
 *    *out_complete). */

#include "file/spans.h"

#include <sotto/alloc.h>
#include <string.h>

/* Any thread may call it, more than once. */
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

/* Hands the block's rows to the sink, and begins again with an empty one. */
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

/* A block of the types that the facts have come to (steps 2 and 3). */
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
        return;
    }
    for (size_t i = 0; i < handout->names_len; i++) {
        worker->block.columns[i].form = sotto__csv_form(worker->csv, handout->names[i]);
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
