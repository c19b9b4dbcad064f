/* SPDX-License-Identifier: Apache-2.0 */

/* Rows by what holds of them: how many there are of each combination that occurs. A table with open
 * addresses. The one idea: most rows are in few of them, so the two atoms that were found last are
 * looked at first. Combinations are sorted by their keys in the end, so that they
 * come out the same however the rows were read. */

#include "contribute/tables.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_LEN_LEAST 64
/* With more, sets of rows are too entangled to be judged. */
#define ATOMS_MAX ((size_t)1 << 18)

void sotto__atoms_init(struct sotto__atoms *out, size_t words)
{
    *out = (struct sotto__atoms){.words = words};
}

/* They hold values. */
static void free_keys(struct sotto__atoms *atoms)
{
    if (atoms->keys != NULL) {
        sotto_wipe(atoms->keys, atoms->capacity_len * atoms->words * sizeof *atoms->keys);
    }
    sotto_free(atoms->keys);
}

void sotto__atoms_release(struct sotto__atoms *atoms)
{
    free_keys(atoms);
    sotto_free(atoms->rows);
    sotto_free(atoms->slots);
    *atoms = (struct sotto__atoms){0};
}

static uint64_t mix_key(const uint32_t *key, size_t words)
{
    uint64_t hash = UINT64_C(0x9E3779B97F4A7C15);
    for (size_t i = 0; i < words; i++) {
        hash = (hash ^ key[i]) * UINT64_C(0xD6E8FEB86659FD93);
        hash ^= hash >> 32;
    }
    return hash;
}

static bool is_key(const struct sotto__atoms *atoms, size_t atom, const uint32_t *key)
{
    const uint32_t *own = atoms->keys + atom * atoms->words;
    for (size_t i = 0; i < atoms->words; i++) {
        if (own[i] != key[i]) {
            return false;
        }
    }
    return true;
}

/* The slot of a key, or the empty one where it would be. */
static size_t find_slot(const struct sotto__atoms *atoms, const uint32_t *key)
{
    size_t slot = mix_key(key, atoms->words) & (atoms->slots_len - 1);
    while (atoms->slots[slot] != 0 && !is_key(atoms, atoms->slots[slot] - 1, key)) {
        slot = (slot + 1) & (atoms->slots_len - 1);
    }
    return slot;
}

/* Makes the table twice as large once it is half full. */
static enum sotto_status grow_slots(struct sotto__atoms *atoms)
{
    size_t slots_len = atoms->slots_len > 0 ? 2 * atoms->slots_len : SLOTS_LEN_LEAST;
    uint32_t *slots = sotto_alloc_array(slots_len, sizeof *slots);
    if (slots == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    sotto_free(atoms->slots);
    atoms->slots = slots;
    atoms->slots_len = slots_len;
    for (size_t i = 0; i < atoms->len; i++) {
        slots[find_slot(atoms, atoms->keys + i * atoms->words)] = (uint32_t)i + 1;
    }
    return SOTTO_OK;
}

static enum sotto_status grow_arrays(struct sotto__atoms *atoms)
{
    size_t capacity_len = atoms->capacity_len > 0 ? 2 * atoms->capacity_len : SLOTS_LEN_LEAST / 2;
    uint32_t *keys = sotto_alloc_array(capacity_len * atoms->words, sizeof *keys);
    uint64_t *rows = sotto_alloc_array(capacity_len, sizeof *rows);
    if (keys == NULL || rows == NULL) {
        sotto_free(keys);
        sotto_free(rows);
        return SOTTO_ERROR_NO_MEMORY;
    }
    if (atoms->len > 0) {
        memcpy(keys, atoms->keys, atoms->len * atoms->words * sizeof *keys);
        memcpy(rows, atoms->rows, atoms->len * sizeof *rows);
    }
    free_keys(atoms);
    sotto_free(atoms->rows);
    atoms->keys = keys;
    atoms->rows = rows;
    atoms->capacity_len = capacity_len;
    return SOTTO_OK;
}

static enum sotto_status make_room(struct sotto__atoms *atoms)
{
    if (atoms->len == ATOMS_MAX) {
        return SOTTO_ERROR_LIMIT;
    }
    if (atoms->len == atoms->capacity_len) {
        enum sotto_status status = grow_arrays(atoms);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return 2 * (atoms->len + 1) > atoms->slots_len ? grow_slots(atoms) : SOTTO_OK;
}

void sotto__atoms_add(struct sotto__atoms *atoms, const uint32_t *key, uint64_t rows)
{
    if (atoms->status != SOTTO_OK) {
        return;
    }
    if (atoms->len > 0 && is_key(atoms, atoms->last, key)) {
        atoms->rows[atoms->last] += rows;
        return;
    }
    if (atoms->len > 0 && is_key(atoms, atoms->before, key)) {
        atoms->rows[atoms->before] += rows;
        return;
    }
    atoms->status = make_room(atoms);
    if (atoms->status != SOTTO_OK) {
        return;
    }
    size_t slot = find_slot(atoms, key);
    if (atoms->slots[slot] == 0) {
        memcpy(atoms->keys + atoms->len * atoms->words, key, atoms->words * sizeof *key);
        atoms->rows[atoms->len++] = 0;
        atoms->slots[slot] = (uint32_t)atoms->len;
    }
    atoms->before = atoms->last;
    atoms->last = atoms->slots[slot] - 1;
    atoms->rows[atoms->last] += rows;
}

/* --- Order --- */

static int compare_keys(const void *a, const void *b, void *context)
{
    const struct sotto__atoms *atoms = context;
    const uint32_t *x = atoms->keys + *(const uint32_t *)a * atoms->words;
    const uint32_t *y = atoms->keys + *(const uint32_t *)b * atoms->words;
    for (size_t i = 0; i < atoms->words; i++) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}

void sotto__atoms_sort(struct sotto__atoms *atoms)
{
    size_t len = atoms->len;
    if (atoms->status != SOTTO_OK || len == 0) {
        return;
    }
    uint32_t *order = atoms->slots; /* at least twice as long, and of no use afterwards */
    uint32_t *keys = sotto_alloc_array(len * atoms->words, sizeof *keys);
    uint64_t *rows = sotto_alloc_array(len, sizeof *rows);
    if (keys == NULL || rows == NULL) {
        atoms->status = SOTTO_ERROR_NO_MEMORY;
        sotto_free(keys);
        sotto_free(rows);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        order[i] = (uint32_t)i;
    }
    qsort_r(order, len, sizeof *order, compare_keys, atoms);
    for (size_t i = 0; i < len; i++) {
        memcpy(keys + i * atoms->words, atoms->keys + order[i] * atoms->words,
               atoms->words * sizeof *keys);
        rows[i] = atoms->rows[order[i]];
    }
    free_keys(atoms);
    sotto_free(atoms->rows);
    atoms->keys = keys;
    atoms->rows = rows;
    atoms->capacity_len = len;
}
