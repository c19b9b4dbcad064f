/* SPDX-License-Identifier: Apache-2.0 */

/* How the values of a column are spread: which different ones there are and how often, as far as
 * there are few. A table with open addresses. The one idea: whether a column has one value but for
 * a few rows is known from at most as many values as there are such rows; with more the table is
 * given up, and costs nothing any more. Tables merge, in any order, to the same contents. */

#include "contribute/tables.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>

#define PLACES_LEN_LEAST 8

void sotto__spread_release(struct sotto__spread_values *spread)
{
    if (spread->values != NULL) {
        sotto_wipe(spread->values, spread->places_len * sizeof *spread->values);
    }
    sotto_free(spread->values);
    sotto_free(spread->counts);
    spread->values = NULL;
    spread->counts = NULL;
    spread->places_len = spread->len = spread->last = 0;
}

static size_t find_place(const struct sotto__spread_values *spread, uint64_t value)
{
    uint64_t hash = value * UINT64_C(0x9E3779B97F4A7C15);
    size_t place = (hash >> 32) & (spread->places_len - 1);
    while (spread->counts[place] != 0 && spread->values[place] != value) {
        place = (place + 1) & (spread->places_len - 1);
    }
    return place;
}

static enum sotto_status grow(struct sotto__spread_values *spread)
{
    struct sotto__spread_values grown = *spread;
    grown.places_len = spread->places_len > 0 ? 2 * spread->places_len : PLACES_LEN_LEAST;
    grown.values = sotto_alloc_array(grown.places_len, sizeof *grown.values);
    grown.counts = sotto_alloc_array(grown.places_len, sizeof *grown.counts);
    if (grown.values == NULL || grown.counts == NULL) {
        sotto_free(grown.values);
        sotto_free(grown.counts);
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < spread->places_len; i++) {
        if (spread->counts[i] != 0) {
            size_t place = find_place(&grown, spread->values[i]);
            grown.values[place] = spread->values[i];
            grown.counts[place] = spread->counts[i];
        }
    }
    sotto__spread_release(spread);
    *spread = grown;
    spread->last = 0;
    return SOTTO_OK;
}

enum sotto_status sotto__spread_add(struct sotto__spread_values *spread, uint64_t value,
                                    uint64_t rows, size_t max)
{
    if (spread->is_over || rows == 0) {
        return SOTTO_OK;
    }
    if (spread->len > 0 && spread->counts[spread->last] != 0 &&
        spread->values[spread->last] == value) {
        spread->counts[spread->last] += rows;
        return SOTTO_OK;
    }
    if (2 * (spread->len + 1) > spread->places_len) {
        enum sotto_status status = grow(spread);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    spread->last = find_place(spread, value);
    spread->len += spread->counts[spread->last] == 0;
    spread->values[spread->last] = value;
    spread->counts[spread->last] += rows;
    if (spread->len > max) {
        sotto__spread_release(spread);
        spread->is_over = true;
    }
    return SOTTO_OK;
}

enum sotto_status sotto__spread_merge(struct sotto__spread_values *in_out,
                                      const struct sotto__spread_values *other, size_t max)
{
    if (other->is_over) {
        sotto__spread_release(in_out);
        in_out->is_over = true;
    }
    for (size_t i = 0; i < other->places_len; i++) {
        enum sotto_status status =
            sotto__spread_add(in_out, other->values[i], other->counts[i], max);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}
