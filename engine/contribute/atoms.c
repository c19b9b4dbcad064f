/* SPDX-License-Identifier: Apache-2.0 */

/* Rows by what holds of them: how many there are of each combination that occurs. A table with open
 * addresses. The one idea: a key's hash is a sum over its words, which is made word by word for a
 * block of rows at once. Combinations are sorted by their keys in the end, so that they come out
 * the same however the rows were read. */

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

/* An odd number for each word, so that keys of structured words differ in their sums. */
static uint64_t find_factor(size_t word)
{
    uint64_t factor = (word + 1) * UINT64_C(0x9E3779B97F4A7C15);
    factor = (factor ^ factor >> 31) * UINT64_C(0xD6E8FEB86659FD93);
    return (factor ^ factor >> 29) | 1;
}

void sotto__atoms_hash(uint64_t *restrict in_out, const uint32_t *restrict words, size_t word,
                       size_t len)
{
    uint64_t factor = find_factor(word);
    for (size_t i = 0; i < len; i++) {
        in_out[i] += words[i] * factor;
    }
}

uint64_t sotto__atoms_hash_key(const struct sotto__atoms *atoms, const uint32_t *key)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < atoms->words; i++) {
        sotto__atoms_hash(&hash, &key[i], i, 1);
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
static size_t find_slot(const struct sotto__atoms *atoms, const uint32_t *key, uint64_t hash)
{
    size_t slot = (size_t)(hash ^ hash >> 32) & (atoms->slots_len - 1);
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
        const uint32_t *key = atoms->keys + i * atoms->words;
        slots[find_slot(atoms, key, sotto__atoms_hash_key(atoms, key))] = (uint32_t)i + 1;
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

void sotto__atoms_add(struct sotto__atoms *atoms, const uint32_t *key, uint64_t hash, uint64_t rows)
{
    if (atoms->status != SOTTO_OK) {
        return;
    }
    size_t slot = atoms->slots_len > 0 ? find_slot(atoms, key, hash) : 0;
    if (atoms->slots_len == 0 || atoms->slots[slot] == 0) {
        atoms->status = make_room(atoms);
        if (atoms->status != SOTTO_OK) {
            return;
        }
        slot = find_slot(atoms, key, hash);
        memcpy(atoms->keys + atoms->len * atoms->words, key, atoms->words * sizeof *key);
        atoms->rows[atoms->len++] = 0;
        atoms->slots[slot] = (uint32_t)atoms->len;
    }
    atoms->rows[atoms->slots[slot] - 1] += rows;
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
