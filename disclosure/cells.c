/* SPDX-License-Identifier: Apache-2.0 */

/* Quantiles and what was answered before. Leans on ledger_compare.c for which atoms are known.
 *
 * The one idea: a quantile tells a table of a column's values, in cells of many rows each. Two such
 * tables, of sets that differ, are a table of the rows between them, and two tables of one set with
 * other edges one of narrower cells, either of which may have few rows. So a column's cells are
 * told of the same rows again, with the same edges, or of others that share none with them, and not
 * beside a condition, bins or levels of that column. */

#include "ledger_cells.h"

#include <sotto/alloc.h>
#include <sotto/watch.h>
#include <stdio.h>
#include <string.h>

bool sotto__ledger_counts_cells(const struct sotto_ledger_measure *measure)
{
    return strncmp(measure->text, SOTTO_WATCH_CELLS, strlen(SOTTO_WATCH_CELLS)) == 0;
}

/* What a measure counts the cells of: columns stand in backticks, and after them digests. */
static void name_value(struct decision *decision, const char *measure)
{
    const char *value = measure + strlen(SOTTO_WATCH_CELLS);
    const char *end = strrchr(value, '`');
    size_t bytes = end != NULL ? (size_t)(end - value) + 1 : strlen(value);
    if (bytes >= sizeof decision->quantile_of) {
        bytes = sizeof decision->quantile_of - 1;
    }
    memcpy(decision->quantile_of, value, bytes);
    decision->quantile_of[bytes] = '\0';
}

/* measure: with cells that may not be told; group: SOTTO_NONE: all of them. */
static void fail_group(struct decision *decision, const char *measure, size_t group)
{
    for (size_t i = 0; i < decision->file->atoms_len; i++) {
        bool is_of = group == SOTTO_NONE || sotto__decision_find_group(decision, i) == group;
        if (decision->file->atoms[i].is_asked && is_of) {
            decision->has_failed[i] = 1;
            name_value(decision, measure);
        }
    }
}

void sotto__decision_check_cells(struct decision *decision)
{
    const struct sotto_ledger_file *file = decision->file;
    size_t groups_len = sotto__decision_count_groups(decision);
    const uint8_t *is_known = decision->is_known + decision->measure * file->atoms_len;
    const uint8_t *repeats = decision->repeats + decision->measure * groups_len;
    for (size_t i = 0; i < file->atoms_len; i++) {
        size_t group = sotto__decision_find_group(decision, i);
        bool is_repeated = (repeats[group] & SOTTO__LEDGER_IS_REPEATED) != 0;
        if (file->atoms[i].is_asked && is_known[i] != 0 && !is_repeated) {
            fail_group(decision, file->measures[decision->measure].text, group);
        }
    }
}

/* --- By other edges --- */

/* Whether a measure is another one by the edges of its cells. */
static bool is_by_grid(const struct sotto_ledger_measure *by_grid,
                       const struct sotto_ledger_measure *measure)
{
    size_t bytes = strlen(measure->text);
    return strncmp(by_grid->text, measure->text, bytes) == 0 &&
           strncmp(by_grid->text + bytes, SOTTO_WATCH_BY_GRID, strlen(SOTTO_WATCH_BY_GRID)) == 0;
}

/* What other parties have decides where the edges are: told of the same rows with other edges, the
 * rows between two edges would be told, whoever moved them. So a cell is divided as it was before.
 */
static void check_cell(struct decision *decision, size_t in_cell, size_t by_grid)
{
    const struct sotto_ledger_file *file = decision->file;
    const uint8_t *is_told = decision->is_known + in_cell * file->atoms_len;
    const uint8_t *is_same = decision->is_known + by_grid * file->atoms_len;
    for (size_t i = 0; i < file->atoms_len; i++) {
        if (file->atoms[i].is_asked && is_told[i] != 0 && is_same[i] == 0) {
            fail_group(decision, file->measures[in_cell].text,
                       sotto__decision_find_group(decision, i));
        }
    }
}

void sotto__decision_check_grids(struct decision *decision)
{
    const struct sotto_ledger_file *file = decision->file;
    for (size_t i = 0; i < file->measures_len; i++) {
        bool is_cells = sotto__ledger_counts_cells(&file->measures[i]);
        for (size_t j = 0; is_cells && j < file->measures_len; j++) {
            if (is_by_grid(&file->measures[j], &file->measures[i])) {
                check_cell(decision, i, j);
            }
        }
    }
}

/* --- Beside conditions --- */

/* Whether a predicate is about a column: it has its name in backticks. One of a name with backticks
 * is taken to be in all. */
static bool is_about(const char *predicate, const char *column)
{
    char *quoted = NULL;
    size_t bytes = strlen(column) + 3;
    if (strchr(column, '`') != NULL || (quoted = sotto_alloc(bytes)) == NULL) {
        return true;
    }
    (void)snprintf(quoted, bytes, "`%s`", column);
    bool found = strstr(predicate, quoted) != NULL;
    sotto_free(quoted);
    return found;
}

/* Whether any condition that was told, or is now, is about the columns of a measure. */
static bool meets_condition(const struct sotto_ledger_file *file,
                            const struct sotto_ledger_measure *measure)
{
    bool found = false;
    for (size_t i = 0; i < file->predicates_len; i++) {
        for (size_t j = 0; j < measure->columns_len; j++) {
            found = found || is_about(file->predicates[i], measure->columns[j]);
        }
    }
    return found;
}

struct told_cells {
    const struct sotto_ledger *ledger;
    bool is_told;
};

static enum sotto_status see_told(void *context, const struct sotto_ledger_row *row,
                                  struct sotto_error *err)
{
    struct told_cells *told = context;
    struct sotto__ledger_entry old;
    (void)err;
    told->is_told = told->is_told || (sotto__ledger_decode(&old, row) &&
                                      !sotto__ledger_is_annulled(told->ledger, old.entry.answer));
    return SOTTO_OK;
}

/* Whether cells were told, by the text of their measure. */
static enum sotto_status find_told(bool *out, const struct decision *decision, const char *measure,
                                   struct sotto_error *err)
{
    const struct sotto_ledger_storage *storage = &decision->ledger->storage;
    const char *file = decision->file->file;
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    struct told_cells told = {.ledger = decision->ledger};
    sotto__ledger_subject(subject, SOTTO__SUBJECT_MEASURE, file, strlen(file), decision->epoch,
                          measure);
    enum sotto_status status = storage->each(storage->context, subject, see_told, &told, err);
    *out = told.is_told;
    return status;
}

/* Where a predicate names its next column: the backtick that begins it, which is none within a
 * text. Its end if it names no more. */
static const char *find_name(const char *predicate)
{
    bool is_text = false;
    for (; *predicate != '\0' && (is_text || *predicate != '`'); predicate++) {
        is_text = is_text != (*predicate == '"'); /* a quote that is doubled begins anew */
    }
    return predicate;
}

/* Takes a name as measures have it: between backticks, which predicates double within. out: as long
 * as the predicate. Returns: where it ends. */
static const char *take_name(char *out, const char *name)
{
    const char *from = name + 1;
    *out++ = '`';
    while (*from != '\0' && (*from != '`' || from[1] == '`')) {
        from += *from == '`';
        *out++ = *from++;
    }
    *out++ = '`';
    *out = '\0';
    return *from != '\0' ? from + 1 : from;
}

/* Fails where cells of a column that a predicate names were told. */
static enum sotto_status check_predicate(struct decision *decision, const char *predicate,
                                         struct sotto_error *err)
{
    enum sotto_status status = SOTTO_OK;
    char *measure = sotto_alloc(sizeof SOTTO_WATCH_CELLS + strlen(predicate) + 1);
    if (measure == NULL) {
        return sotto_error_no_memory(err);
    }
    memcpy(measure, SOTTO_WATCH_CELLS, sizeof SOTTO_WATCH_CELLS);
    const char *next = find_name(predicate);
    while (status == SOTTO_OK && *next != '\0') {
        bool is_told = false;
        next = find_name(take_name(measure + strlen(SOTTO_WATCH_CELLS), next));
        status = find_told(&is_told, decision, measure, err);
        if (is_told) {
            fail_group(decision, measure, SOTTO_NONE);
        }
    }
    sotto_free(measure);
    return status;
}

enum sotto_status sotto__decision_check_conditions(struct decision *decision, size_t known_len,
                                                   struct sotto_error *err)
{
    const struct sotto_ledger_file *file = decision->file;
    for (size_t i = 0; i < file->measures_len; i++) {
        const struct sotto_ledger_measure *measure = &file->measures[i];
        if (sotto__ledger_counts_cells(measure) && meets_condition(file, measure)) {
            fail_group(decision, measure->text, SOTTO_NONE);
        }
    }
    for (size_t i = known_len; i < file->predicates_len; i++) {
        enum sotto_status status = check_predicate(decision, file->predicates[i], err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}
