/* SPDX-License-Identifier: Apache-2.0 */

/* Atoms that missing values made. Leans on the classes of a watch, one of which says that it is not
 * known whether a predicate holds. The one idea: rows that lack the values of the same predicates
 * are a set that data made, whatever is asked about the values that they have. How many there are
 * is free; where they are few in all, no predicate singled them out. */

#include "chain.h"

#include <sotto/alloc.h>
#include <sotto/watch.h>
#include <stdlib.h>
#include <string.h>

static bool lacks(const struct sotto_ledger_file *file, size_t atom, size_t predicate)
{
    return file->atoms[atom].classes[predicate] == SOTTO_WATCH_CLASSES_MAX;
}

static int compare_lacks(const void *a, const void *b, void *context)
{
    const struct sotto_ledger_file *file = context;
    int order = 0;
    for (size_t i = 0; order == 0 && i < file->predicates_len; i++) {
        order = lacks(file, *(const size_t *)a, i) - lacks(file, *(const size_t *)b, i);
    }
    return order;
}

static bool lacks_any(const struct sotto_ledger_file *file, size_t atom)
{
    bool found = false;
    for (size_t i = 0; !found && i < file->predicates_len; i++) {
        found = lacks(file, atom, i);
    }
    return found;
}

/* Marks a run of atoms that lack the same. */
static void mark_run(uint8_t *out, const struct sotto_ledger_file *file, const size_t *run,
                     size_t len, uint64_t min_rows)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < len; i++) {
        rows += file->atoms[run[i]].rows;
    }
    for (size_t i = 0; rows < min_rows && lacks_any(file, run[0]) && i < len; i++) {
        out[run[i]] = 1;
    }
}

enum sotto_status sotto__ledger_find_missing(uint8_t *out, const struct sotto_ledger_file *file,
                                             uint64_t min_rows)
{
    size_t *order = sotto_alloc_array(file->atoms_len + 1, sizeof *order);
    if (order == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < file->atoms_len; i++) {
        order[i] = i;
    }
    qsort_r(order, file->atoms_len, sizeof *order, compare_lacks, (void *)file);
    for (size_t first = 0, next = 0; first < file->atoms_len; first = next) {
        while (next < file->atoms_len &&
               compare_lacks(&order[first], &order[next], (void *)file) == 0) {
            next++;
        }
        mark_run(out, file, order + first, next - first, min_rows);
    }
    sotto_free(order);
    return SOTTO_OK;
}
