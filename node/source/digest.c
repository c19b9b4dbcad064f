/* SPDX-License-Identifier: Apache-2.0 */

/* Digests of rows, on libsodium. The idea: a database gives rows in any order, so the digests of
 * single rows are added up, each of four words by itself, and the sum is digested with what the
 * columns are. Equal rows count as often as they are there. */

#include "source/digest.h"

#include <sodium.h>
#include <string.h>

#define WORDS_LEN 4

static void take_text(crypto_generichash_state *state, const char *text, size_t bytes)
{
    uint64_t len = bytes; /* so that no two lists of texts are one */
    (void)crypto_generichash_update(state, (const uint8_t *)&len, sizeof len);
    (void)crypto_generichash_update(state, (const uint8_t *)text, bytes);
}

/* Bytes of a value that has as many in all rows; 0: it is a bool, a text or none. */
static size_t count_bytes(const struct sotto_column *column)
{
    switch (column->type.kind) {
    case SOTTO_KIND_INT64:
    case SOTTO_KIND_FLOAT64:
    case SOTTO_KIND_DATE:
    case SOTTO_KIND_DATETIME:
    case SOTTO_KIND_DATETIME_UTC:
        return sizeof(int64_t);
    case SOTTO_KIND_DECIMAL:
        return column->wide ? 2 * sizeof(int64_t) : sizeof(int64_t);
    default:
        return 0;
    }
}

static void take_value(crypto_generichash_state *state, const struct sotto_column *column,
                       size_t row)
{
    uint8_t is_there = column->type.kind != SOTTO_KIND_NULL && sotto_column_is_valid(column, row);
    size_t bytes = count_bytes(column);
    (void)crypto_generichash_update(state, &is_there, 1);
    if (!is_there) {
        return;
    }
    if (bytes > 0) {
        (void)crypto_generichash_update(state, (const uint8_t *)column->values + row * bytes,
                                        bytes);
    } else if (column->type.kind == SOTTO_KIND_STRING) {
        take_text(state, (const char *)column->values + column->offsets[row],
                  (size_t)(column->offsets[row + 1] - column->offsets[row]));
    } else {
        uint8_t bit = ((const uint8_t *)column->values)[row / 8] >> (row % 8) & 1;
        (void)crypto_generichash_update(state, &bit, 1);
    }
}

static void add_row(uint64_t sums[WORDS_LEN], const struct sotto_table *table, size_t row)
{
    uint64_t words[WORDS_LEN];
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, NULL, 0, sizeof words);
    for (size_t i = 0; i < sotto_table_columns_len(table); i++) {
        struct sotto_column column = sotto_table_column(table, i);
        take_value(&state, &column, row);
    }
    (void)crypto_generichash_final(&state, (uint8_t *)words, sizeof words);
    for (size_t i = 0; i < WORDS_LEN; i++) {
        sums[i] += words[i];
    }
}

void source_table_digest(struct sotto_file_identity *out, const struct sotto_table *table)
{
    uint64_t sums[WORDS_LEN] = {0};
    uint64_t rows = sotto_table_rows(table);
    crypto_generichash_state state;
    _Static_assert(sizeof *out == 5 * sizeof(uint64_t), "a digest fills an identity");
    (void)crypto_generichash_init(&state, NULL, 0, sizeof *out);
    for (size_t row = 0; row < rows; row++) {
        add_row(sums, table, row);
    }
    for (size_t i = 0; i < sotto_table_columns_len(table); i++) {
        struct sotto_column column = sotto_table_column(table, i);
        const char *name = sotto_table_name(table, i);
        const uint8_t type[] = {(uint8_t)column.type.kind, column.type.scale, column.wide};
        take_text(&state, name, strlen(name));
        (void)crypto_generichash_update(&state, type, sizeof type);
    }
    (void)crypto_generichash_update(&state, (const uint8_t *)&rows, sizeof rows);
    (void)crypto_generichash_update(&state, (const uint8_t *)sums, sizeof sums);
    (void)crypto_generichash_final(&state, (uint8_t *)out, sizeof *out);
}

size_t source_table_bytes(const struct sotto_table *table)
{
    size_t bytes = 0;
    for (size_t i = 0; i < sotto_table_columns_len(table); i++) {
        struct sotto_column column = sotto_table_column(table, i);
        bytes += column.len / 4 + column.len * count_bytes(&column); /* presence, a bit, and bits */
        if (column.type.kind == SOTTO_KIND_STRING && column.len > 0) {
            bytes += column.len * sizeof(int64_t);
            bytes += (size_t)(column.offsets[column.len] - column.offsets[0]);
        }
    }
    return bytes;
}
