/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DATASET_TEXT_BLOCK_H
#define SOTTO_DATASET_TEXT_BLOCK_H

/* Blocks of typed columns, filled field by field. */

#include "text/text.h"

/* --- block.c: blocks of typed columns --- */

/* Whether each value of the type below is one of the type above, without loss. */
bool sotto__type_is_above(struct sotto_type above, struct sotto_type below);

struct sotto__block_column {
    struct sotto_csv_wanted wanted;
    size_t next;      /* another wanted column of the same file column, or SOTTO_NONE */
    const char *form; /* as in sotto__column_facts; to be set after sotto__block_init */
    bool wide;
    size_t null_count;
    uint8_t *validity;
    void *values; /* strings: their bytes */
    size_t values_bytes;
    int64_t *offsets;
};

/* One worker's block. */
struct sotto__block {
    const struct sotto__text_format *format;
    struct sotto__block_column *columns;
    struct sotto_column *views;
    size_t columns_len;
    size_t *heads; /* the first wanted column of each file column, or SOTTO_NONE */
    size_t capacity_rows;
    size_t rows; /* complete ones */
    size_t string_bytes;
};

/* Returns: SOTTO_ERROR_NO_MEMORY; the block is to be released all the same. */
enum sotto_status sotto__block_init(struct sotto__block *out,
                                    const struct sotto__text_format *format,
                                    size_t file_columns_len, const struct sotto_csv_wanted *wanted,
                                    size_t wanted_len) SOTTO_NODISCARD;
void sotto__block_release(struct sotto__block *block);

/* Whether there is room for another row. */
bool sotto__block_is_full(const struct sotto__block *block);

/* Puts a field into the current row, in wanted column i. Returns: SOTTO_ERROR_CHANGED if the text
 * is not what was catalogued, SOTTO_ERROR_NO_MEMORY. */
void sotto__block_put_missing(struct sotto__block *block, size_t i);
enum sotto_status sotto__block_put(struct sotto__block *block, size_t i, const char *text,
                                   size_t text_bytes) SOTTO_NODISCARD;

/* Appends rows [row, row + *rows) of fields, fewer of them if that fills the block; *rows tells how
 * many. Returns: as sotto__block_put. */
enum sotto_status sotto__block_append(struct sotto__block *block, size_t *rows,
                                      const struct sotto__fields *fields,
                                      size_t row) SOTTO_NODISCARD;

/* The block's columns. Borrows from the block, until it is cleared. */
const struct sotto_column *sotto__block_view(struct sotto__block *block);
/* Forgets the rows, and keeps the memory. */
void sotto__block_clear(struct sotto__block *block);

#endif
