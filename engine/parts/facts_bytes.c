/* SPDX-License-Identifier: Apache-2.0 */

/* Evidence as bytes, and back. Leans on facts.c and the tables below it. The one idea: rows say
 * each thing in one way only (entries in order, none twice, zeros where nothing is), and no number
 * is above that of all rows; so what is read is what some rows would say, and a reader allocates no
 * more than the bytes that are there call for. */

#include "parts/parts.h"

#include <float.h>
#include <math.h>
#include <sotto/alloc.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 65536
#define COLUMNS_MAX 65536
#define RUN_MAX 55 /* of a lot's zeros, and 1: see distinct.c */

/* How a thing is told that may not be there. */
enum { TELL_NONE, TELL_VALUES, TELL_OVER };

/* --- Numbers --- */

static bool is_finite(double value)
{
    return fabs(value) <= DBL_MAX;
}

static uint64_t read_rows(struct sotto_reader *reader, uint64_t rows_max)
{
    uint64_t rows = sotto_read_u64(reader);
    sotto_reader_demand(reader, rows <= rows_max);
    return reader->failed ? 0 : rows;
}

/* A length of what takes at least so many bytes each. */
static size_t read_len(struct sotto_reader *reader, size_t bytes)
{
    uint32_t len = sotto_read_u32(reader);
    sotto_reader_demand(reader, len <= sotto_reader_left(reader) / bytes);
    return reader->failed ? 0 : len;
}

/* --- How many of everything there are --- */

static void write_lens(struct sotto_writer *writer, const struct sotto__evidence_lens *lens)
{
    const size_t all[] = {lens->datasets, lens->groups, lens->words,      lens->levels_first,
                          lens->columns,  lens->levels, lens->multiplied, lens->sums,
                          lens->bins,     lens->digits, lens->spreads};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        sotto_write_u32(writer, (uint32_t)all[i]);
    }
}

static void read_lens(struct sotto__evidence_lens *out, struct sotto_reader *reader)
{
    size_t *const all[] = {&out->datasets, &out->groups, &out->words,      &out->levels_first,
                           &out->columns,  &out->levels, &out->multiplied, &out->sums,
                           &out->bins,     &out->digits, &out->spreads};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        *all[i] = sotto_read_u32(reader);
        sotto_reader_demand(reader, *all[i] <= SOTTO__ROUND_LIMBS_MAX);
    }
    sotto_reader_demand(reader, out->datasets > 0 && out->groups > 0 && out->levels_first > 0);
    sotto_reader_demand(reader, out->words <= WORDS_MAX && out->columns <= COLUMNS_MAX);
    sotto_reader_demand(reader, out->levels <= out->columns && out->multiplied <= out->columns);
    sotto_reader_demand(reader, out->words == out->levels_first + 2 * out->levels);
    /* What there is of each takes a byte or more. */
    size_t least = out->datasets + out->levels + out->multiplied;
    size_t of_group = out->sums + out->bins + out->digits + out->spreads + (out->columns > 1);
    size_t left = sotto_reader_left(reader);
    sotto_reader_demand(reader, least <= left &&
                                    (of_group == 0 || out->groups <= (left - least) / of_group));
    sotto_reader_demand(reader, out->groups <= SOTTO__ROUND_LIMBS_MAX / (of_group + 1));
}

/* --- Atoms --- */

static void write_atoms(struct sotto_writer *writer, const struct sotto__atoms *atoms)
{
    sotto_write_u32(writer, (uint32_t)atoms->len);
    for (size_t i = 0; i < atoms->len; i++) {
        for (size_t j = 0; j < atoms->words; j++) {
            sotto_write_u32(writer, atoms->keys[i * atoms->words + j]);
        }
        sotto_write_u64(writer, atoms->rows[i]);
    }
}

static bool is_above(const uint32_t *key, const uint32_t *before, size_t words)
{
    size_t i = 0;
    while (i < words && key[i] == before[i]) {
        i++;
    }
    return i < words && key[i] > before[i];
}

/* keys: room for two. */
static void read_atoms(struct sotto_evidence *out, struct sotto_reader *reader, size_t dataset,
                       uint32_t *keys, uint64_t rows_max)
{
    struct sotto__atoms *atoms = &out->atoms[dataset];
    size_t words = atoms->words;
    size_t len = read_len(reader, words * sizeof *keys + sizeof(uint64_t));
    uint64_t left = rows_max;
    for (size_t i = 0; i < len && !reader->failed; i++) {
        uint32_t *key = keys + (i % 2) * words;
        for (size_t j = 0; j < words; j++) {
            key[j] = sotto_read_u32(reader);
        }
        uint64_t rows = read_rows(reader, left);
        sotto_reader_demand(reader, rows > 0 && key[0] < out->lens.groups);
        sotto_reader_demand(reader, i == 0 || is_above(key, keys + ((i + 1) % 2) * words, words));
        left -= reader->failed ? 0 : rows;
        if (!reader->failed) {
            sotto__atoms_add(atoms, key, sotto__atoms_hash_key(atoms, key), rows);
        }
    }
    sotto__evidence_keep(out, atoms->status);
}

static enum sotto_status read_all_atoms(struct sotto_evidence *out, struct sotto_reader *reader,
                                        uint64_t rows_max)
{
    uint32_t *keys = sotto_alloc_array(2 * out->lens.words, sizeof *keys);
    if (keys == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < out->lens.datasets && !reader->failed; i++) {
        read_atoms(out, reader, i, keys, rows_max);
    }
    sotto_wipe(keys, 2 * out->lens.words * sizeof *keys);
    sotto_free(keys);
    return SOTTO_OK;
}

/* --- Counts and terms --- */

static void write_counts(struct sotto_writer *writer, const uint64_t *counts, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        sotto_write_u64(writer, counts[i]);
    }
}

static void read_counts(uint64_t *out, struct sotto_reader *reader, size_t len, uint64_t rows_max)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = read_rows(reader, rows_max);
    }
}

static void write_terms(struct sotto_writer *writer, const struct sotto_evidence_terms *terms)
{
    sotto_write_u64(writer, terms->rows);
    sotto_write_u64(writer, terms->infinite);
    sotto_write_double(writer, terms->largest[0]);
    sotto_write_double(writer, terms->largest[1]);
    sotto_write_double(writer, terms->total);
}

static void read_terms(struct sotto_evidence_terms *out, struct sotto_reader *reader,
                       uint64_t rows_max)
{
    out->rows = read_rows(reader, rows_max);
    out->infinite = read_rows(reader, 2 * rows_max);
    out->largest[0] = sotto_read_double(reader);
    out->largest[1] = sotto_read_double(reader);
    out->total = sotto_read_double(reader);
    sotto_reader_demand(reader, out->largest[1] >= 0 && out->largest[0] >= out->largest[1]);
    sotto_reader_demand(reader, out->total >= out->largest[0]);
}

/* --- Values of columns --- */

struct value_rows {
    uint64_t value;
    uint64_t rows;
};

static int compare_values(const void *a, const void *b)
{
    struct value_rows x;
    struct value_rows y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x.value > y.value) - (x.value < y.value);
}

static enum sotto_status write_spread(struct sotto_writer *writer,
                                      const struct sotto__spread_values *spread)
{
    size_t len = 0;
    sotto_write_u8(writer, spread->is_over ? TELL_OVER : TELL_VALUES);
    if (spread->is_over) {
        return SOTTO_OK;
    }
    struct value_rows *all = sotto_alloc_array(spread->len + 1, sizeof *all);
    if (all == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < spread->places_len; i++) {
        if (spread->counts[i] > 0) {
            all[len++] = (struct value_rows){spread->values[i], spread->counts[i]};
        }
    }
    qsort(all, len, sizeof *all, compare_values);
    sotto_write_u32(writer, (uint32_t)len);
    for (size_t i = 0; i < len; i++) {
        sotto_write_u64(writer, all[i].value);
        sotto_write_u64(writer, all[i].rows);
    }
    sotto_wipe(all, len * sizeof *all);
    sotto_free(all);
    return SOTTO_OK;
}

static enum sotto_status read_spread(struct sotto__spread_values *out, struct sotto_reader *reader,
                                     size_t max, uint64_t rows_max)
{
    uint8_t told = sotto_read_u8(reader);
    out->is_over = told == TELL_OVER;
    sotto_reader_demand(reader, told == TELL_VALUES || out->is_over);
    size_t len = out->is_over ? 0 : read_len(reader, 2 * sizeof(uint64_t));
    uint64_t before = 0;
    sotto_reader_demand(reader, len <= max);
    for (size_t i = 0; i < len && !reader->failed; i++) {
        uint64_t value = sotto_read_u64(reader);
        uint64_t rows = read_rows(reader, rows_max);
        sotto_reader_demand(reader, rows > 0 && (i == 0 || value > before));
        before = value;
        rows_max -= rows;
        enum sotto_status status = sotto__spread_add(out, value, rows, max);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static void write_extent(struct sotto_writer *writer, const struct sotto__extent *extent)
{
    bool is_none = extent->least > extent->most && isinf(extent->step);
    sotto_write_u8(writer, is_none ? TELL_NONE : TELL_VALUES);
    if (!is_none) {
        sotto_write_double(writer, extent->least);
        sotto_write_double(writer, extent->most);
        sotto_write_double(writer, extent->step);
    }
}

static void read_extent(struct sotto__extent *out, struct sotto_reader *reader)
{
    uint8_t told = sotto_read_u8(reader);
    if (told == TELL_NONE) {
        return;
    }
    out->least = sotto_read_double(reader);
    out->most = sotto_read_double(reader);
    out->step = sotto_read_double(reader);
    bool has_values = is_finite(out->least) && is_finite(out->most) && out->least <= out->most;
    bool has_none = out->least == INFINITY && out->most == -INFINITY && is_finite(out->step);
    sotto_reader_demand(reader, told == TELL_VALUES && (has_values || has_none) && out->step > 0);
}

static void write_distinct(struct sotto_writer *writer, const struct sotto__distinct *distinct)
{
    bool is_none = !distinct->is_broken && distinct->rows == 0;
    sotto_write_u8(writer, distinct->is_broken ? TELL_OVER : is_none ? TELL_NONE : TELL_VALUES);
    if (distinct->is_broken || is_none) {
        return;
    }
    sotto_write_bytes(writer, distinct->lots, sizeof distinct->lots);
    sotto_write_double(writer, distinct->least);
    sotto_write_double(writer, distinct->most);
    sotto_write_double(writer, distinct->shortest);
    sotto_write_u64(writer, distinct->rows);
}

static void read_distinct(struct sotto__distinct *out, struct sotto_reader *reader,
                          uint64_t rows_max)
{
    uint8_t told = sotto_read_u8(reader);
    out->is_broken = told == TELL_OVER;
    if (told == TELL_NONE || out->is_broken) {
        return;
    }
    sotto_reader_demand(reader, told == TELL_VALUES);
    sotto_read_copy(reader, out->lots, sizeof out->lots);
    out->least = sotto_read_double(reader);
    out->most = sotto_read_double(reader);
    out->shortest = sotto_read_double(reader);
    out->rows = read_rows(reader, rows_max);
    sotto_reader_demand(reader,
                        is_finite(out->least) && is_finite(out->most) && out->least <= out->most);
    sotto_reader_demand(reader, is_finite(out->shortest) && out->shortest >= 0 && out->rows > 0);
    for (size_t i = 0; i < sizeof out->lots; i++) {
        sotto_reader_demand(reader, out->lots[i] <= RUN_MAX);
    }
}

/* --- Samples of rows, and lines --- */

/* A point's number, or NaN: there is one of each, and no -0. */
static void write_value(struct sotto_writer *writer, double value)
{
    sotto_write_double(writer, value == value ? value + 0.0 : NAN);
}

static bool is_value(double value)
{
    const double none = NAN;
    uint64_t bits;
    uint64_t none_bits;
    memcpy(&bits, &value, sizeof bits);
    memcpy(&none_bits, &none, sizeof none_bits);
    return is_finite(value) ? value != 0 || !signbit(value) : bits == none_bits;
}

static void write_line(struct sotto_writer *writer, const struct sotto__line *line)
{
    sotto_write_u8(writer, line->is_broken ? 3 : (uint8_t)line->points_len);
    for (size_t i = 0; i < line->points_len && !line->is_broken; i++) {
        sotto_write_double(writer, line->u[i]);
        sotto_write_double(writer, line->v[i]);
    }
}

static void read_line(struct sotto__line *out, struct sotto_reader *reader)
{
    uint8_t told = sotto_read_u8(reader);
    sotto_reader_demand(reader, told <= 3);
    out->is_broken = told == 3;
    for (size_t i = 0; i < told && told < 3; i++) {
        out->u[i] = sotto_read_double(reader);
        out->v[i] = sotto_read_double(reader);
        sotto_reader_demand(reader, is_finite(out->u[i]) && is_finite(out->v[i]));
        out->points_len = i + 1;
    }
    sotto_reader_demand(reader, out->points_len < 2 || out->u[0] != out->u[1]);
}

static size_t count_pairs(const struct sotto__affine *affine)
{
    return affine->columns_len * (affine->columns_len - 1) / 2;
}

static void write_affine(struct sotto_writer *writer, const struct sotto__affine *affine)
{
    sotto_write_u8(writer, affine->lines == NULL ? TELL_NONE : TELL_VALUES);
    if (affine->lines == NULL) {
        return;
    }
    for (size_t i = 0; i < count_pairs(affine); i++) {
        write_line(writer, &affine->lines[i]);
    }
    sotto_write_u8(writer, affine->is_sampled);
    sotto_write_u64(writer, affine->limit);
    sotto_write_u32(writer, (uint32_t)affine->sample_len);
    for (size_t i = 0; i < affine->sample_len; i++) {
        sotto_write_u64(writer, affine->hashes[i]);
        sotto_write_u64(writer, affine->counts[i]);
        for (size_t j = 0; j < affine->columns_len; j++) {
            write_value(writer, affine->values[i * affine->columns_len + j]);
        }
    }
}

/* row: room for one. */
static enum sotto_status read_sample(struct sotto__affine *out, struct sotto_reader *reader,
                                     double *row, uint64_t rows_max)
{
    uint8_t is_sampled = sotto_read_u8(reader);
    out->limit = sotto_read_u64(reader);
    out->is_sampled = is_sampled == 1;
    sotto_reader_demand(reader, is_sampled <= 1 && (out->is_sampled || out->limit == UINT64_MAX));
    size_t len = read_len(reader, (2 + out->columns_len) * sizeof(uint64_t));
    uint64_t before = 0;
    sotto_reader_demand(reader, len <= out->sample_max);
    for (size_t i = 0; i < len && !reader->failed; i++) {
        uint64_t hash = sotto_read_u64(reader);
        uint64_t rows = read_rows(reader, rows_max);
        for (size_t j = 0; j < out->columns_len; j++) {
            row[j] = sotto_read_double(reader);
            sotto_reader_demand(reader, is_value(row[j]));
        }
        sotto_reader_demand(reader, rows > 0 && hash <= out->limit && (i == 0 || hash > before));
        before = hash;
        rows_max -= rows;
        enum sotto_status status =
            reader->failed ? SOTTO_OK : sotto__affine_restore_row(out, row, hash, rows);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static enum sotto_status read_affine(struct sotto__affine *out, struct sotto_reader *reader,
                                     double *row, uint64_t rows_max)
{
    uint8_t told = sotto_read_u8(reader);
    size_t pairs_len = count_pairs(out);
    sotto_reader_demand(reader, told <= TELL_VALUES && (told == TELL_NONE || out->columns_len > 1));
    sotto_reader_demand(reader, told == TELL_NONE || pairs_len <= sotto_reader_left(reader));
    if (reader->failed || told == TELL_NONE) {
        return SOTTO_OK;
    }
    enum sotto_status status = sotto__affine_restore(out);
    if (status != SOTTO_OK) {
        return status;
    }
    for (size_t i = 0; i < pairs_len; i++) {
        read_line(&out->lines[i], reader);
        out->open_len -= out->lines[i].is_broken;
    }
    return read_sample(out, reader, row, rows_max);
}

/* --- All of it --- */

enum sotto_status sotto__facts_write(const struct sotto_evidence *evidence,
                                     struct sotto_writer *writer)
{
    const struct sotto__evidence_lens *lens = &evidence->lens;
    enum sotto_status status = SOTTO_OK;
    write_lens(writer, lens);
    sotto_write_u8(writer, evidence->status == SOTTO_ERROR_LIMIT);
    if (evidence->status == SOTTO_ERROR_LIMIT) {
        return SOTTO_OK;
    }
    write_counts(writer, evidence->outside, 2 * lens->datasets);
    for (size_t i = 0; i < lens->datasets; i++) {
        write_atoms(writer, &evidence->atoms[i]);
    }
    write_counts(writer, evidence->bins, lens->groups * lens->bins);
    write_counts(writer, evidence->digits, lens->groups * lens->digits);
    for (size_t i = 0; i < lens->groups * lens->sums; i++) {
        write_terms(writer, &evidence->terms[i]);
    }
    for (size_t i = 0; i < lens->groups * lens->spreads && status == SOTTO_OK; i++) {
        status = write_spread(writer, &evidence->spreads[i]);
        write_extent(writer, &evidence->extents[i]);
    }
    for (size_t i = 0; i < lens->levels && status == SOTTO_OK; i++) {
        status = write_spread(writer, &evidence->levels[i]);
    }
    for (size_t i = 0; i < lens->multiplied; i++) {
        write_distinct(writer, &evidence->distinct[i]);
    }
    for (size_t i = 0; i < lens->groups && lens->columns > 1; i++) {
        write_affine(writer, &evidence->affines[i]);
    }
    return status;
}

static enum sotto_status read_columns(struct sotto_evidence *out, struct sotto_reader *reader,
                                      uint64_t rows_max)
{
    const struct sotto__evidence_lens *lens = &out->lens;
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < lens->groups * lens->spreads && status == SOTTO_OK; i++) {
        status = read_spread(&out->spreads[i], reader, out->values_max, rows_max);
        read_extent(&out->extents[i], reader);
    }
    for (size_t i = 0; i < lens->levels && status == SOTTO_OK; i++) {
        status = read_spread(&out->levels[i], reader, SOTTO_EVIDENCE_LEVELS_MAX, rows_max);
    }
    for (size_t i = 0; i < lens->multiplied; i++) {
        read_distinct(&out->distinct[i], reader, rows_max);
    }
    return status;
}

static enum sotto_status read_affines(struct sotto_evidence *out, struct sotto_reader *reader,
                                      uint64_t rows_max)
{
    enum sotto_status status = SOTTO_OK;
    double *row = sotto_alloc_array(out->lens.columns + 1, sizeof *row);
    if (row == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < out->lens.groups && out->lens.columns > 1 && status == SOTTO_OK; i++) {
        status = read_affine(&out->affines[i], reader, row, rows_max);
    }
    sotto_wipe(row, out->lens.columns * sizeof *row);
    sotto_free(row);
    return status;
}

/* Atoms are not told apart by a column that has many values. */
static void check_levels(const struct sotto_evidence *evidence, struct sotto_reader *reader)
{
    const struct sotto__evidence_lens *lens = &evidence->lens;
    for (size_t i = 0; i < lens->levels; i++) {
        size_t word = lens->levels_first + 2 * i;
        for (size_t j = 0; evidence->levels[i].is_over && j < lens->datasets; j++) {
            const struct sotto__atoms *atoms = &evidence->atoms[j];
            for (size_t k = 0; k < atoms->len; k++) {
                const uint32_t *words = atoms->keys + k * atoms->words + word;
                sotto_reader_demand(reader, words[0] == 0 && words[1] == 0);
            }
        }
    }
}

enum sotto_status sotto__facts_read(struct sotto_evidence *out, struct sotto_reader *reader,
                                    const struct sotto__facts_limits *limits)
{
    struct sotto__evidence_lens lens = {0};
    uint64_t rows_max = limits->rows;
    read_lens(&lens, reader);
    sotto_reader_demand(reader, lens.groups <= limits->groups);
    if (reader->failed) {
        return SOTTO_OK;
    }
    enum sotto_status status = sotto__evidence_init_lens(out, &lens, limits->min_rows);
    if (status != SOTTO_OK) {
        return status;
    }
    unsigned is_over = sotto_read_u8(reader);
    sotto_reader_demand(reader, is_over <= 1);
    if (is_over == 1) {
        out->status = SOTTO_ERROR_LIMIT;
        return SOTTO_OK;
    }
    read_counts(out->outside, reader, 2 * lens.datasets, rows_max);
    status = read_all_atoms(out, reader, rows_max);
    if (status != SOTTO_OK) {
        return status;
    }
    read_counts(out->bins, reader, lens.groups * lens.bins, rows_max);
    read_counts(out->digits, reader, lens.groups * lens.digits, rows_max);
    for (size_t i = 0; i < lens.groups * lens.sums; i++) {
        read_terms(&out->terms[i], reader, rows_max);
    }
    status = read_columns(out, reader, rows_max);
    if (status != SOTTO_OK) {
        return status;
    }
    check_levels(out, reader);
    sotto__evidence_keep(out, read_affines(out, reader, rows_max));
    return out->status;
}
