/* SPDX-License-Identifier: Apache-2.0 */

/* Rows into atoms. Leans on the engine's watch, which shows the rows, and on sketch.c for what they
 * add up.
 *
 * The one idea: an atom is made when its first row comes, so that there are as many as rows make,
 * not as many as predicates could. It is known by the classes of its rows, their group, and whether
 * the question asks for them. */

#include "magnitude.h"
#include "tally.h"

#include <math.h>
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdlib.h>
#include <string.h>

#define SLICES_BYTES (SOTTO_LEDGER_LEVELS * sizeof(struct sotto_ledger_slice))
/* 64 MB. */
#define SLICES_MAX ((size_t)1 << 21)
/* Combinations of classes and groups that are looked up by their number. */
#define NUMBERS_MAX 4096

/* --- Atoms --- */

void sotto__tally_release_atoms(struct atoms *atoms)
{
    if (atoms->sketches != NULL) {
        sotto_wipe(atoms->sketches,
                   atoms->capacity_len * atoms->measures_len * sizeof *atoms->sketches);
    }
    sotto_free(atoms->classes);
    sotto_free(atoms->groups);
    sotto_free(atoms->rows);
    sotto_free(atoms->sketches);
    if (atoms->magnitudes != NULL) {
        sotto_wipe(atoms->magnitudes,
                   atoms->capacity_len * atoms->measures_len * sizeof *atoms->magnitudes);
    }
    sotto_free(atoms->magnitudes);
    sotto_free(atoms->slots);
    sotto_free(atoms->atom_of);
    sotto_free(atoms->row_classes);
    sotto_free(atoms->places);
    sotto_free(atoms->found);
    sotto_free(atoms->values);
    sotto_free(atoms->states);
    sotto_free(atoms->levels);
    sotto_free(atoms->keys);
    if (atoms->slices != NULL) {
        sotto_wipe(atoms->slices, atoms->capacity_len * atoms->pairs_len * SLICES_BYTES);
    }
    sotto_free(atoms->slices);
    *atoms = (struct atoms){0};
}

static uint64_t hash_row(const uint16_t *classes, size_t len, uint32_t group)
{
    uint64_t hash = group * UINT64_C(0x9E3779B97F4A7C15);
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ classes[i]) * UINT64_C(0xD6E8FEB86659FD93);
        hash ^= hash >> 32;
    }
    return hash;
}

static void place_slot(struct atoms *atoms, size_t atom)
{
    const uint16_t *classes = atoms->classes + atom * atoms->predicates_len;
    uint64_t at = hash_row(classes, atoms->predicates_len, atoms->groups[atom]);
    while (atoms->slots[at & (atoms->slots_len - 1)] != 0) {
        at++;
    }
    atoms->slots[at & (atoms->slots_len - 1)] = (uint32_t)(atom + 1);
}

/* Copies what there is into arrays of twice the size. Sketches hold what values hash to: the old
 * ones are wiped. */
static bool grow_atoms(struct atoms *atoms)
{
    struct atoms grown = *atoms;
    size_t len = atoms->capacity_len > 0 ? 2 * atoms->capacity_len : 16;
    size_t sketches_bytes = atoms->len * atoms->measures_len * sizeof *atoms->sketches;
    grown.capacity_len = len;
    grown.slots_len = 4 * len;
    grown.classes = sotto_alloc_array(len * atoms->predicates_len, sizeof *grown.classes);
    grown.groups = sotto_alloc_array(len, sizeof *grown.groups);
    grown.rows = sotto_alloc_array(len, sizeof *grown.rows);
    grown.sketches = sotto_alloc_array(len * atoms->measures_len, sizeof *grown.sketches);
    grown.magnitudes = sotto_alloc_array(len * atoms->measures_len, sizeof *grown.magnitudes);
    grown.slots = sotto_alloc_array(grown.slots_len, sizeof *grown.slots);
    grown.slices = sotto_alloc_array(len * atoms->pairs_len, SLICES_BYTES);
    if (grown.slices == NULL || grown.magnitudes == NULL || grown.classes == NULL ||
        grown.groups == NULL || grown.rows == NULL || grown.sketches == NULL ||
        grown.slots == NULL) {
        sotto_free(grown.classes);
        sotto_free(grown.groups);
        sotto_free(grown.rows);
        sotto_free(grown.sketches);
        sotto_free(grown.slots);
        sotto_free(grown.magnitudes);
        sotto_free(grown.slices);
        return false;
    }
    if (atoms->len > 0) {
        memcpy(grown.classes, atoms->classes,
               atoms->len * atoms->predicates_len * sizeof *grown.classes);
        memcpy(grown.groups, atoms->groups, atoms->len * sizeof *grown.groups);
        memcpy(grown.rows, atoms->rows, atoms->len * sizeof *grown.rows);
        memcpy(grown.sketches, atoms->sketches, sketches_bytes);
        memcpy(grown.magnitudes, atoms->magnitudes,
               atoms->len * atoms->measures_len * sizeof *grown.magnitudes);
        memcpy(grown.slices, atoms->slices, atoms->len * atoms->pairs_len * SLICES_BYTES);
    }
    atoms->atom_of = NULL; /* these go on */
    atoms->row_classes = NULL;
    atoms->places = atoms->found = NULL;
    atoms->values = NULL;
    atoms->states = NULL;
    atoms->levels = NULL;
    atoms->keys = NULL;
    sotto__tally_release_atoms(atoms);
    *atoms = grown;
    for (size_t i = 0; i < atoms->len; i++) {
        place_slot(atoms, i);
    }
    return true;
}

enum sotto_status sotto__tally_fail_too_many(struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                           "with what was asked before the rows fall into more kinds than the "
                           "ledger takes, %d for all sums together: ask for fewer sums or "
                           "groups, or the owner begins an epoch",
                           SOTTO_LEDGER_SKETCHES_MAX);
}

enum sotto_status sotto__tally_find_atom(struct atoms *atoms, size_t *out, const uint16_t *classes,
                                         uint32_t group, struct sotto_error *err)
{
    uint64_t at = hash_row(classes, atoms->predicates_len, group);
    for (; atoms->slots_len > 0; at++) {
        uint32_t slot = atoms->slots[at & (atoms->slots_len - 1)];
        if (slot == 0) {
            break;
        }
        if (atoms->groups[slot - 1] == group &&
            memcmp(atoms->classes + (slot - 1) * atoms->predicates_len, classes,
                   atoms->predicates_len * sizeof *classes) == 0) {
            *out = slot - 1;
            return SOTTO_OK;
        }
    }
    if (atoms->len * atoms->measures_len >= SOTTO_LEDGER_SKETCHES_MAX ||
        (atoms->len + 1) * atoms->pairs_len > SLICES_MAX / SOTTO_LEDGER_LEVELS) {
        return sotto__tally_fail_too_many(err);
    }
    if (atoms->len == atoms->capacity_len && !grow_atoms(atoms)) {
        return sotto_error_no_memory(err);
    }
    memcpy(atoms->classes + atoms->len * atoms->predicates_len, classes,
           atoms->predicates_len * sizeof *classes);
    atoms->groups[atoms->len] = group;
    place_slot(atoms, atoms->len);
    *out = atoms->len++;
    return SOTTO_OK;
}

/* --- In order --- */

static int compare_atoms(const void *a, const void *b)
{
    struct placed_atom x;
    struct placed_atom y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    size_t len = x.atoms->predicates_len;
    const uint16_t *of_x = x.atoms->classes + x.at * len;
    const uint16_t *of_y = y.atoms->classes + y.at * len;
    for (size_t i = 0; i < len; i++) {
        if (of_x[i] != of_y[i]) {
            return of_x[i] < of_y[i] ? -1 : 1;
        }
    }
    uint32_t group_x = x.atoms->groups[x.at];
    uint32_t group_y = y.atoms->groups[y.at];
    return (group_x > group_y) - (group_x < group_y);
}

bool sotto__tally_is_before(const struct atoms *atoms, size_t i, size_t j)
{
    const struct placed_atom a = {atoms, i};
    const struct placed_atom b = {atoms, j};
    return compare_atoms(&a, &b) < 0;
}

struct placed_atom *sotto__tally_sort_atoms(const struct atoms *atoms)
{
    struct placed_atom *placed = sotto_alloc_array(atoms->len, sizeof *placed);
    for (size_t i = 0; placed != NULL && i < atoms->len; i++) {
        placed[i] = (struct placed_atom){atoms, i};
    }
    if (placed != NULL && atoms->len > 1) {
        qsort(placed, atoms->len, sizeof *placed, compare_atoms);
    }
    return placed;
}

/* --- Rows --- */

static bool reserve_places(struct atoms *atoms, size_t len)
{
    if (atoms->places_len < len) {
        sotto_free(atoms->places);
        sotto_free(atoms->found);
        sotto_free(atoms->values);
        sotto_free(atoms->states);
        atoms->places = sotto_alloc_array(len, sizeof *atoms->places);
        atoms->found = sotto_alloc_array(len, sizeof *atoms->found);
        atoms->values = sotto_alloc_array(len, sizeof *atoms->values);
        atoms->states = sotto_alloc_array(len, sizeof *atoms->states);
        bool has_all = atoms->places != NULL && atoms->found != NULL && atoms->values != NULL &&
                       atoms->states != NULL;
        atoms->places_len = has_all ? len : 0;
    }
    if (atoms->row_classes == NULL) {
        atoms->row_classes =
            sotto_alloc_array(atoms->predicates_len + 1, sizeof *atoms->row_classes);
    }
    if (atoms->atom_of == NULL) {
        atoms->atom_of = sotto_alloc_array(NUMBERS_MAX, sizeof *atoms->atom_of);
    }
    return atoms->places_len >= len && atoms->row_classes != NULL && atoms->atom_of != NULL;
}

/* Rows that are left out are in a group after all others. */
static void number_groups(uint32_t *restrict out, const uint8_t *restrict skipped,
                          const uint32_t *restrict groups, uint32_t groups_len, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = groups != NULL ? groups[i] : 0;
    }
    for (size_t i = 0; skipped != NULL && i < len; i++) {
        out[i] = skipped[i] != 0 ? groups_len : out[i];
    }
}

/* last stands for the last class of all. */
static void number_classes(uint32_t *restrict in_out, const uint16_t *restrict classes,
                           uint32_t last, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        in_out[i] = in_out[i] * (last + 1) + (classes[i] < last ? classes[i] : last);
    }
}

/* Writes a number for each row's classes and group. Returns: how many numbers there are; 0 if these
 * are too many. */
static uint32_t number_rows(uint32_t *out, const struct sotto_watch_rows *rows)
{
    uint32_t groups_len = rows->groups != NULL ? rows->groups_len : 1;
    uint64_t numbers_len = (uint64_t)groups_len + 1;
    number_groups(out, rows->skipped, rows->groups, groups_len, rows->len);
    for (size_t i = 0; i < rows->predicates_len; i++) {
        numbers_len *= (uint64_t)rows->classes_len[i] + 1;
        if (numbers_len > NUMBERS_MAX) {
            return 0;
        }
        number_classes(out, rows->classes[i], rows->classes_len[i], rows->len);
    }
    return (uint32_t)numbers_len;
}

static enum sotto_status find_row(struct atoms *atoms, size_t *out,
                                  const struct sotto_watch_rows *rows, size_t i,
                                  struct sotto_error *err)
{
    bool is_skipped = rows->skipped != NULL && rows->skipped[i] != 0;
    uint32_t group = is_skipped             ? SOTTO__TALLY_NOT_ASKED
                     : rows->groups != NULL ? rows->groups[i]
                                            : 0;
    for (size_t j = 0; j < rows->predicates_len; j++) {
        atoms->row_classes[j] = rows->classes[j][i];
    }
    return sotto__tally_find_atom(atoms, out, atoms->row_classes, group, err);
}

/* Finds each row's atom in the hash table. */
static enum sotto_status find_rows(struct atoms *atoms, const struct sotto_watch_rows *rows,
                                   struct sotto_error *err)
{
    for (size_t i = 0; i < rows->len; i++) {
        size_t atom;
        enum sotto_status status = find_row(atoms, &atom, rows, i, err);
        if (status != SOTTO_OK) {
            return status;
        }
        atoms->found[i] = (uint32_t)atom;
    }
    return SOTTO_OK;
}

/* Likewise by their numbers, of which there are few: in the table only once for each. */
static enum sotto_status look_up_rows(struct atoms *atoms, const struct sotto_watch_rows *rows,
                                      struct sotto_error *err)
{
    const uint32_t *restrict numbers = atoms->places;
    uint32_t *restrict found = atoms->found;
    uint32_t *restrict atom_of = atoms->atom_of;
    for (size_t i = 0; i < rows->len; i++) {
        uint32_t number = numbers[i];
        if (atom_of[number] == 0) {
            size_t atom;
            enum sotto_status status = find_row(atoms, &atom, rows, i, err);
            if (status != SOTTO_OK) {
                return status;
            }
            atom_of[number] = (uint32_t)atom + 1;
        }
        found[i] = atom_of[number] - 1;
    }
    return SOTTO_OK;
}

static enum sotto_status place_rows(struct atoms *atoms, const struct sotto_watch_rows *rows,
                                    struct sotto_error *err)
{
    enum sotto_status status = number_rows(atoms->places, rows) > 0 ? look_up_rows(atoms, rows, err)
                                                                    : find_rows(atoms, rows, err);
    if (status != SOTTO_OK) {
        return status;
    }
    const uint32_t *restrict found = atoms->found;
    uint32_t *restrict places = atoms->places;
    uint64_t *restrict counts = atoms->rows;
    uint32_t stride = (uint32_t)atoms->measures_len;
    for (size_t i = 0; i < rows->len; i++) {
        places[i] = found[i] * stride;
        counts[found[i]]++;
    }
    return SOTTO_OK;
}

/* --- Magnitudes --- */

static void take_magnitudes(struct sotto_ledger_magnitude *restrict in_out,
                            const double *restrict values, const uint8_t *restrict state,
                            const uint32_t *restrict places, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        struct sotto_ledger_magnitude *magnitude = &in_out[places[i]];
        double value = state[i] == 0 ? fabs(values[i]) : 0;
        magnitude->total += value;
        sotto__magnitude_take(magnitude, value);
    }
}

/* --- One worker, and all --- */

enum sotto_status sotto__tally_take_rows(void *context, size_t worker,
                                         const struct sotto_watch_rows *rows,
                                         struct sotto_error *err)
{
    const struct sotto_tally *tally = context;
    struct atoms *atoms = &tally->datasets[rows->dataset].workers[worker];
    if (!reserve_places(atoms, rows->len)) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = place_rows(atoms, rows, err);
    if (status != SOTTO_OK) {
        return status;
    }
    for (size_t i = 0; i < rows->measures_len; i++) {
        sotto_sketch_add_keyed(atoms->sketches + i, tally->key, rows->keys, rows->values[i],
                               rows->states[i], atoms->places, rows->len);
        if (atoms->predicates_len > 0) { /* else all rows are one atom, which a judge looks at */
            take_magnitudes(atoms->magnitudes + i, rows->values[i], rows->states[i], atoms->places,
                            rows->len);
        }
    }
    sotto__tally_take_columns(atoms, &tally->datasets[rows->dataset], rows, tally->key);
    return SOTTO_OK;
}

enum sotto_status sotto__tally_begin_reading(void *context, size_t dataset, size_t workers_len,
                                             struct sotto_error *err)
{
    struct tallied *tallied = &((struct sotto_tally *)context)->datasets[dataset];
    SOTTO_REQUIRE(tallied->workers == NULL);
    tallied->workers = sotto_alloc_array(workers_len, sizeof *tallied->workers);
    if (tallied->workers == NULL) {
        return sotto_error_no_memory(err);
    }
    tallied->workers_len = workers_len;
    for (size_t i = 0; i < workers_len; i++) {
        tallied->workers[i].predicates_len = tallied->predicates.len;
        tallied->workers[i].measures_len = tallied->measures_len;
        if (!sotto__tally_prepare_pairs(&tallied->workers[i], tallied)) {
            return sotto_error_no_memory(err);
        }
    }
    return SOTTO_OK;
}

void sotto__tally_add_atom(struct atoms *in_out, size_t atom, const struct atoms *other, size_t i)
{
    in_out->rows[atom] += other->rows[i];
    for (size_t j = 0; j < other->measures_len; j++) {
        sotto_sketch_merge(&in_out->sketches[atom * in_out->measures_len + j],
                           &other->sketches[i * other->measures_len + j]);
        sotto__magnitude_add(&in_out->magnitudes[atom * in_out->measures_len + j],
                             &other->magnitudes[i * other->measures_len + j]);
    }
    for (size_t j = 0; j < other->pairs_len; j++) {
        sotto__tally_add_levels(in_out, atom, other, i, j);
    }
}

enum sotto_status sotto__tally_merge_atoms(struct atoms *in_out, const struct atoms *other,
                                           struct sotto_error *err)
{
    if (in_out->keys != NULL && other->keys != NULL) {
        sotto__tally_merge_keys(in_out->keys, other->keys);
    }
    for (size_t i = 0; i < other->len; i++) {
        size_t atom = 0;
        enum sotto_status status = sotto__tally_find_atom(
            in_out, &atom, other->classes + i * other->predicates_len, other->groups[i], err);
        if (status != SOTTO_OK) {
            return status;
        }
        sotto__tally_add_atom(in_out, atom, other, i);
    }
    return SOTTO_OK;
}
