/* SPDX-License-Identifier: Apache-2.0 */

/* Columns handed out while a file is catalogued, as the types that are known so far. */

#include "file/spans.h"

#include <sotto/alloc.h>
#include <string.h>

static void give_up(struct sotto__survey *survey)
{
    atomic_store(&survey->failed, true);
}

enum sotto_status sotto__surveyor_init(struct sotto__surveyor *out, struct sotto__survey *survey,
                                       size_t worker, const struct sotto_csv *csv,
                                       const struct sotto_catalogue *catalogue)
{
    *out = (struct sotto__surveyor){
        .survey = survey, .worker = worker, .csv = csv, .file_columns_len = catalogue->columns_len};
    if (survey == NULL) {
        return SOTTO_OK;
    }
    out->wanted = sotto_alloc_array(survey->names_len, sizeof *out->wanted);
    if (out->wanted == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < survey->names_len; i++) {
        out->wanted[i].column = sotto_catalogue_find(catalogue, survey->names[i]);
        if (out->wanted[i].column == SIZE_MAX) { /* who asks for it will be told */
            give_up(survey);
        }
    }
    return SOTTO_OK;
}

void sotto__surveyor_release(struct sotto__surveyor *surveyor)
{
    if (surveyor->has_block) {
        sotto__block_release(&surveyor->block);
    }
    sotto_free(surveyor->wanted);
    *surveyor = (struct sotto__surveyor){0};
}

static void hand_out(struct sotto__surveyor *surveyor)
{
    struct sotto__survey *survey = surveyor->survey;
    struct sotto__block *block = &surveyor->block;
    struct sotto_error unwanted = {0};
    if (block->rows > 0 &&
        survey->sink(survey->context, surveyor->worker, 0, sotto__block_view(block),
                     block->columns_len, block->rows, &unwanted) != SOTTO_OK) {
        give_up(survey);
    }
    sotto__block_clear(block);
}

/* A block of the types that the tallies have come to. */
static void renew_block(struct sotto__surveyor *surveyor, const struct sotto__tally *tallies)
{
    const struct sotto__survey *survey = surveyor->survey;
    bool changed = !surveyor->has_block;
    for (size_t i = 0; i < survey->names_len; i++) {
        struct sotto_type type = tallies[surveyor->wanted[i].column].type;
        struct sotto_type *own = &surveyor->wanted[i].type;
        changed = changed || type.kind != own->kind || type.scale != own->scale;
        *own = type;
    }
    if (!changed) {
        return;
    }
    if (surveyor->has_block) {
        hand_out(surveyor);
        sotto__block_release(&surveyor->block);
    }
    surveyor->has_block = true;
    if (sotto__block_init(&surveyor->block, &surveyor->csv->format, surveyor->file_columns_len,
                          surveyor->wanted, survey->names_len) != SOTTO_OK) {
        give_up(surveyor->survey);
    }
}

void sotto__surveyor_take(struct sotto__surveyor *surveyor, const struct sotto__tally *tallies,
                          const struct sotto__fields *fields)
{
    struct sotto__survey *survey = surveyor->survey;
    if (survey == NULL || atomic_load_explicit(&survey->failed, memory_order_relaxed)) {
        return;
    }
    renew_block(surveyor, tallies);
    for (size_t row = 0; row < fields->rows && !atomic_load(&survey->failed);) {
        size_t rows = fields->rows - row;
        if (sotto__block_append(&surveyor->block, &rows, fields, row) != SOTTO_OK) {
            give_up(survey);
        }
        row += rows;
        if (sotto__block_is_full(&surveyor->block)) {
            hand_out(surveyor);
        }
    }
}

void sotto__surveyor_end(struct sotto__surveyor *surveyor)
{
    if (surveyor->has_block && !atomic_load(&surveyor->survey->failed)) {
        hand_out(surveyor);
    }
}
