/* SPDX-License-Identifier: Apache-2.0 */

/* The sums that earlier answers told of a measure, as sets of today's atoms. Leans on
 * ledger_compare.c, which reads the entries.
 *
 * The one idea: a sum was told in words: the classes of its rows by the predicates of then. These
 * are the first ones of today, so the words say which of today's atoms it was over. An atom of
 * which many values are others now is a column of its own, as it was then: what is told of it
 * today, less what was told then, is of many rows. One of which few are is today's, and what
 * changed is a column.
 *
 * Which values an atom had at an answer is what the last sketch of it says that was written until
 * then. A part of the sum that is not found among today's rows is gone from the file; all such
 * parts of a sum are one column, which is that of another sum if they are the same atoms. */

#include "ledger_compare.h"

#include <sotto/alloc.h>
#include <stdlib.h>
#include <string.h>

/* --- Collecting --- */

void sotto__old_release(struct sotto__old *old)
{
    sotto_free(old->sums);
    sotto_free(old->atoms);
    *old = (struct sotto__old){0};
}

bool sotto__old_add_sum(struct sotto__old *in_out, const struct sotto__ledger_entry *entry,
                        bool is_young)
{
    void *sums = in_out->sums;
    if (sotto_array_reserve(&sums, &in_out->sums_capacity_len, in_out->sums_len + 1,
                            sizeof *in_out->sums) != SOTTO_OK) {
        return false;
    }
    in_out->sums = sums;
    in_out->sums[in_out->sums_len++] =
        (struct sotto__old_sum){.answer = entry->entry.answer,
                                .predicates_len = (size_t)entry->entry.count,
                                .is_young = is_young,
                                .words = entry->words};
    return true;
}

uint64_t sotto__sketch_values(const struct sotto_sketch *sketch)
{
    static const struct sotto_sketch nothing;
    return sotto_sketch_distance(&nothing, sketch);
}

static uint64_t hash_sketch(const struct sotto_sketch *sketch)
{
    uint64_t hash = 0;
    uint64_t factor = UINT64_C(0x9E3779B97F4A7C15);
    for (size_t i = 0; i < SOTTO_SKETCH_CELLS; i++, factor += UINT64_C(0xBF58476D1CE4E5BA)) {
        hash += sketch->cells[i] * factor;
    }
    return hash;
}

static void read_digest(uint64_t out[2], const uint8_t digest[SOTTO_LEDGER_SUBJECT_BYTES])
{
    out[0] = sotto_load_u64(digest);
    out[1] = sotto_load_u64(digest + 8);
}

bool sotto__old_add_atom(struct sotto__old *in_out, const struct sotto__ledger_entry *entry,
                         uint64_t distance)
{
    void *atoms = in_out->atoms;
    if (sotto_array_reserve(&atoms, &in_out->atoms_capacity_len, in_out->atoms_len + 1,
                            sizeof *in_out->atoms) != SOTTO_OK) {
        return false;
    }
    in_out->atoms = atoms;
    struct sotto__old_atom *atom = &in_out->atoms[in_out->atoms_len++];
    *atom = (struct sotto__old_atom){.predicates_len = entry->predicates_len,
                                     .number = entry->entry.number,
                                     .answer = entry->entry.answer,
                                     .version = hash_sketch(&entry->sketch),
                                     .values = entry->values,
                                     .distance = distance};
    read_digest(atom->digest, entry->atom);
    return true;
}

/* --- Atoms as they were --- */

/* Digests first, which differ. */
static int compare_places(const struct sotto__old_atom *x, const struct sotto__old_atom *y)
{
    if (x->digest[0] != y->digest[0]) {
        return x->digest[0] < y->digest[0] ? -1 : 1;
    }
    if (x->digest[1] != y->digest[1]) {
        return x->digest[1] < y->digest[1] ? -1 : 1;
    }
    return (x->predicates_len > y->predicates_len) - (x->predicates_len < y->predicates_len);
}

static int compare_old_atoms(const void *a, const void *b)
{
    const struct sotto__old_atom *x = a;
    const struct sotto__old_atom *y = b;
    int order = compare_places(x, y);
    return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

/* The atom as it was at an answer: the last entry of it until then; NULL if it is forgotten. */
static const struct sotto__old_atom *find_old(const struct sotto__old *old, size_t predicates_len,
                                              const uint8_t digest[SOTTO_LEDGER_SUBJECT_BYTES],
                                              uint64_t answer)
{
    struct sotto__old_atom wanted = {.predicates_len = predicates_len};
    size_t low = 0;
    size_t high = old->atoms_len;
    read_digest(wanted.digest, digest);
    while (low < high) { /* the first that comes after it */
        size_t middle = low + (high - low) / 2;
        const struct sotto__old_atom *atom = &old->atoms[middle];
        int order = compare_places(atom, &wanted);
        if (order < 0 || (order == 0 && atom->answer <= answer)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 && compare_places(&old->atoms[low - 1], &wanted) == 0 ? &old->atoms[low - 1]
                                                                         : NULL;
}

/* --- Columns of what is not so any more --- */

struct old_column {
    uint64_t key;
    size_t number; /* from 1 on; 0: this place is free */
};

/* What is being put together. */
struct told {
    struct decision *decision;
    struct sotto__ledger_sums *out;
    struct old_column *columns; /* a hash table by keys */
    size_t columns_len;         /* of it, a power of 2 */
};

/* Finds the column of a key, or makes it. There is room: each part of a sum makes one at most. */
static bool find_column(struct told *told, size_t *out, uint64_t key, uint64_t values)
{
    struct sotto__ledger_sums *sums = told->out;
    size_t at = (size_t)(key >> 20) & (told->columns_len - 1);
    void *weights = sums->old_weights;
    while (told->columns[at].number != 0 && told->columns[at].key != key) {
        at = (at + 1) & (told->columns_len - 1);
    }
    if (told->columns[at].number == 0) {
        if (sotto_array_reserve(&weights, &sums->old_capacity_len, sums->old_len + 1,
                                sizeof *sums->old_weights) != SOTTO_OK) {
            return false;
        }
        sums->old_weights = weights;
        sums->old_weights[sums->old_len++] = values;
        told->columns[at] = (struct old_column){.key = key, .number = sums->old_len};
    }
    *out = told->decision->file->atoms_len + told->columns[at].number - 1;
    return true;
}

/* Of an atom that has more values than it had, so many are no cover. */
static bool lose_values(struct told *told, const struct sotto__old_atom *atom,
                        const struct prefix *parts, size_t parts_len)
{
    const struct decision *decision = told->decision;
    size_t atoms_len = decision->file->atoms_len;
    const uint64_t *values = decision->values + decision->measure * atoms_len;
    uint64_t now = 0;
    size_t largest = parts[0].atom;
    if (told->out->lost == NULL) {
        told->out->lost = sotto_alloc_array(atoms_len, sizeof *told->out->lost);
    }
    for (size_t i = 0; i < parts_len; i++) {
        now += values[parts[i].atom];
        largest = values[parts[i].atom] > values[largest] ? parts[i].atom : largest;
    }
    uint64_t lost = now > atom->values ? now - atom->values : 0;
    if (told->out->lost != NULL && told->out->lost[largest] < lost) {
        told->out->lost[largest] = lost;
    }
    return told->out->lost != NULL;
}

/* Adds an atom of an earlier answer to the next sum. */
static bool add_old_atom(struct told *told, struct sotto__ledger_sum *in_out,
                         const struct sotto__old_atom *atom, const struct prefix *parts,
                         size_t parts_len)
{
    size_t column;
    bool has_memory = true;
    bool is_near = parts_len > 0 && atom->distance < told->decision->question->min_rows;
    for (size_t i = 0; is_near && has_memory && i < parts_len; i++) {
        has_memory = sotto__ledger_sums_add_column(told->out, parts[i].atom);
        in_out->mark ^= sotto__ledger_sums_mark_atom(parts[i].atom);
    }
    if (atom->distance == 0 || !has_memory) {
        return has_memory;
    }
    if (is_near && !lose_values(told, atom, parts, parts_len)) {
        return false;
    }
    in_out->is_old = true;
    uint64_t key = (atom->digest[0] + atom->predicates_len) ^ atom->version;
    return find_column(told, &column, key, is_near ? atom->distance : atom->values) &&
           sotto__ledger_sums_add_column(told->out, column);
}

/* --- Sums --- */

static bool holds(const struct sotto__ledger_words *words, const struct sotto_ledger_atom *atom)
{
    bool does = true;
    for (size_t i = 0; does && i < words->literals_len; i++) {
        does = atom->classes[words->literals[i].predicate] == words->literals[i].class_;
    }
    return does;
}

/* Adds a sum by its words. */
static enum sotto_status add_sum(struct told *told, const struct sotto__old *old,
                                 const struct sotto__old_sum *from, struct sotto_error *err)
{
    const struct sotto_ledger_file *file = told->decision->file;
    struct sotto__ledger_sum sum = {.is_old = false};
    const struct prefix *list = NULL;
    uint64_t gone = from->words.atoms;
    uint64_t values = 0;
    bool has_memory = true;
    enum sotto_status status =
        sotto__decision_find_prefixes(told->decision, &list, from->predicates_len, err);
    for (size_t first = 0, next = 0; status == SOTTO_OK && has_memory && first < file->atoms_len;
         first = next) {
        next = sotto__prefix_end(list, first, file->atoms_len);
        if (!holds(&from->words, &file->atoms[list[first].atom])) {
            continue;
        }
        const struct sotto__old_atom *atom =
            find_old(old, from->predicates_len, list[first].digest, from->answer);
        if (atom == NULL) {
            continue; /* it held no rows then; or it is forgotten, and counts as gone */
        }
        gone ^= atom->digest[0];
        values += atom->values;
        has_memory = add_old_atom(told, &sum, atom, list + first, next - first);
    }
    if (status == SOTTO_OK && has_memory && gone != 0) {
        size_t column;
        uint64_t left = from->words.values > values ? from->words.values - values : 0;
        sum.is_old = true;
        has_memory = find_column(told, &column, gone + from->predicates_len, left) &&
                     sotto__ledger_sums_add_column(told->out, column);
    }
    sum.is_written = !sum.is_old && from->is_young && from->predicates_len == file->predicates_len;
    if (status != SOTTO_OK) {
        return status;
    }
    return has_memory && sotto__ledger_sums_add(told->out, &sum) ? SOTTO_OK
                                                                 : sotto_error_no_memory(err);
}

/* Adds each atom that is known as a sum. */
static enum sotto_status add_atoms(struct told *told, const struct sotto__old *old,
                                   struct sotto_error *err)
{
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < old->atoms_len; i++) {
        const struct sotto__old_atom *atom = &old->atoms[i];
        const struct prefix *list = NULL;
        struct sotto__ledger_sum sum = {.is_old = false};
        uint8_t digest[SOTTO_LEDGER_SUBJECT_BYTES];
        size_t first;
        sotto_store_u64(digest, atom->digest[0]);
        sotto_store_u64(digest + 8, atom->digest[1]);
        status = sotto__decision_find_prefixes(told->decision, &list, atom->predicates_len, err);
        if (status != SOTTO_OK) {
            break;
        }
        size_t len = sotto__prefix_find(list, &first, told->decision->file->atoms_len, digest);
        bool has_memory = add_old_atom(told, &sum, atom, list + first, len) &&
                          sotto__ledger_sums_add(told->out, &sum);
        status = has_memory ? SOTTO_OK : sotto_error_no_memory(err);
    }
    return status;
}

enum sotto_status sotto__decision_list_told(struct decision *decision, struct sotto__old *old,
                                            struct sotto_error *err)
{
    struct told told = {.decision = decision, .out = &decision->told_sums[decision->measure]};
    bool are_atoms = false;
    enum sotto_status status = SOTTO_OK;
    if (old->atoms_len > 0) {
        qsort(old->atoms, old->atoms_len, sizeof *old->atoms, compare_old_atoms);
    }
    told.columns_len = 16;
    while (told.columns_len < 2 * (old->atoms_len + old->sums_len + 1)) {
        told.columns_len *= 2;
    }
    told.columns = sotto_alloc_array(told.columns_len, sizeof *told.columns);
    if (told.columns == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; status == SOTTO_OK && i < old->sums_len; i++) {
        are_atoms = are_atoms || old->sums[i].words.are_atoms;
        if (!old->sums[i].words.are_atoms) {
            status = add_sum(&told, old, &old->sums[i], err);
        }
    }
    if (status == SOTTO_OK && are_atoms) {
        status = add_atoms(&told, old, err);
    }
    sotto_free(told.columns);
    return status;
}
