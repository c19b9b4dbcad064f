/* SPDX-License-Identifier: Apache-2.0 */

/* Rows that are in no group, since no level of the plan names their key: which value it is, and on
 * which line. Leans on program/levels.c, which says what a level means, and on the reader.
 *
 * The idea: a scan finds the first such row of a key at the speed of memory, but knows no lines;
 * the reader that knows lines then goes to that row. Only the owner is told. */

#include "contribute/contribute.h"
#include "program/index.h"

#include <sotto/alloc.h>
#include <stdatomic.h>

#define SHOWN_BYTES 120
#define PIECE_LEN 1024

/* The search for a key's first stray row. */
struct stray_search {
    const struct sotto__levels *levels;
    _Atomic uint64_t row; /* the least one so far; UINT64_MAX: none */
};

static void keep_least(struct stray_search *search, uint64_t row)
{
    uint64_t least = atomic_load(&search->row);
    while (row < least && !atomic_compare_exchange_weak(&search->row, &least, row)) {
    }
}

static enum sotto_status search_block(void *context, size_t worker, uint64_t first_row,
                                      const struct sotto_column *columns, size_t columns_len,
                                      size_t rows, struct sotto_error *err)
{
    struct stray_search *search = context;
    uint32_t groups[PIECE_LEN];
    (void)worker;
    (void)columns_len;
    (void)err;
    for (size_t at = 0; at < rows; at += PIECE_LEN) {
        size_t len = rows - at < PIECE_LEN ? rows - at : PIECE_LEN;
        sotto__levels_find(groups, search->levels, &columns[0], at, len);
        for (size_t i = 0; i < len; i++) {
            if (groups[i] == SOTTO__GROUP_OTHER) {
                keep_least(search, first_row + at + i);
                return SOTTO_OK;
            }
        }
    }
    return SOTTO_OK;
}

/* The value of one row. */
struct stray {
    uint64_t row;
    uint64_t line; /* 0: it was not met */
    char shown[SHOWN_BYTES];
};

static bool take_value(void *context, size_t i, uint64_t row, uint64_t line, const char *text,
                       size_t text_bytes)
{
    struct stray *stray = context;
    (void)i;
    if (row == stray->row) {
        stray->line = line;
        sotto_text_reveal(stray->shown, sizeof stray->shown, text, text_bytes);
    }
    return row < stray->row;
}

/* Finds the first row of a key's column that no level names. Out: stray->line 0 if there is none.
 */
static enum sotto_status find_stray(struct stray *stray, const struct sotto__group_key *key,
                                    struct sotto_type type, struct sotto_csv *file,
                                    const struct sotto_catalogue *catalogue, size_t column,
                                    struct sotto_error *err)
{
    struct sotto__levels *levels = NULL;
    struct sotto_csv_wanted wanted = {.column = column, .type = type};
    *stray = (struct stray){.line = 0};
    enum sotto_status status = sotto__levels_new(&levels, key, type, err);
    if (status != SOTTO_OK) {
        return status;
    }
    struct stray_search search = {.levels = levels, .row = UINT64_MAX};
    status = sotto_csv_scan(file, catalogue, &wanted, 1, search_block, &search, err);
    stray->row = atomic_load(&search.row);
    if (status == SOTTO_OK && stray->row != UINT64_MAX) {
        status = sotto_csv_visit(file, &column, 1, take_value, stray, err);
    }
    sotto__levels_free(levels);
    return status;
}

enum sotto_status sotto_schema_tell_strays(const struct sotto_plan *plan,
                                           const struct sotto_schema *agreed,
                                           struct sotto_csv *const *files,
                                           const struct sotto_catalogue *const *catalogues,
                                           sotto_tell_owner *tell, void *context,
                                           struct sotto_error *err)
{
    for (size_t i = 0; i < plan->keys_len; i++) {
        const struct sotto__group_key *key = &plan->keys[i];
        const struct sotto__node *node = &key->column.nodes[0];
        bool is_column = key->column.nodes_len == 1 && node->kind == SOTTO__NODE_COLUMN;
        if (key->other || !is_column) { /* parts of dates are not told */
            continue;
        }
        size_t dataset = node->dataset_index;
        size_t column = sotto_catalogue_find(catalogues[dataset], node->name);
        struct stray stray;
        if (column == SOTTO_NONE || files[dataset] == NULL) {
            continue;
        }
        enum sotto_status status = find_stray(&stray, key, agreed->fields[node->column].type,
                                              files[dataset], catalogues[dataset], column, err);
        if (status != SOTTO_OK) {
            return status;
        }
        if (stray.line != 0) {
            struct sotto_error text;
            (void)sotto_error_set(&text, SOTTO_ERROR_INPUT,
                                  "%s:%llu: column \"%s\": \"%s\" is in none of the plan's %s, and "
                                  "is the first such value",
                                  plan->datasets[dataset].file, (unsigned long long)stray.line,
                                  node->name, stray.shown, key->are_edges ? "bins" : "levels");
            tell(context, text.text);
        }
    }
    return SOTTO_OK;
}
