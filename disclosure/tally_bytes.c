/* SPDX-License-Identifier: Apache-2.0 */

/* Atoms as bytes, and back (engine/PARTS.md). Leans on tally_atoms.c, and on the reader and writer
 * of base. The one idea: rows say each thing in one way only (atoms in order, none twice, levels by
 * their values, nothing where nothing is), so that the same rows are the same bytes in whatever
 * tree they were merged, and what is read is what some rows would say. */

#include "tally_atoms.h"

#include <math.h>
#include <sotto/alloc.h>
#include <sotto/bytes.h>
#include <string.h>

#define LEN_MAX 65536 /* of predicates; of measures; of pairs */
/* A sketch says first which of its cells hold anything. */
#define MASKS (SOTTO_SKETCH_CELLS / 64)
#define ROWS_MAX ((uint64_t)1 << 60)
#define SKETCH_BYTES_MIN (MASKS * sizeof(uint64_t)) /* whose cells are all empty */
#define MAGNITUDE_BYTES (3 * sizeof(uint64_t))

/* --- Sketches and magnitudes --- */

static void write_sketch(struct sotto_writer *writer, const struct sotto_sketch *sketch)
{
    uint64_t masks[MASKS] = {0};
    for (size_t i = 0; i < SOTTO_SKETCH_CELLS; i++) {
        masks[i / 64] |= (uint64_t)(sketch->cells[i] != 0) << (i % 64);
    }
    for (size_t i = 0; i < MASKS; i++) {
        sotto_write_u64(writer, masks[i]);
    }
    for (size_t i = 0; i < SOTTO_SKETCH_CELLS; i++) {
        if (sketch->cells[i] != 0) {
            sotto_write_u64(writer, sketch->cells[i]);
        }
    }
}

static void read_sketch(struct sotto_sketch *out, struct sotto_reader *reader)
{
    uint64_t masks[MASKS];
    for (size_t i = 0; i < MASKS; i++) {
        masks[i] = sotto_read_u64(reader);
    }
    for (size_t i = 0; i < SOTTO_SKETCH_CELLS; i++) {
        bool is_there = (masks[i / 64] >> (i % 64) & 1) != 0;
        out->cells[i] = is_there ? sotto_read_u64(reader) : 0;
        sotto_reader_demand(reader, !is_there || out->cells[i] != 0);
    }
}

static void write_magnitude(struct sotto_writer *writer,
                            const struct sotto_ledger_magnitude *magnitude)
{
    sotto_write_double(writer, magnitude->largest[0]);
    sotto_write_double(writer, magnitude->largest[1]);
    sotto_write_double(writer, magnitude->total);
}

/* Comparisons that fail for a NaN, too. */
static void read_magnitude(struct sotto_ledger_magnitude *out, struct sotto_reader *reader)
{
    out->largest[0] = sotto_read_double(reader);
    out->largest[1] = sotto_read_double(reader);
    out->total = sotto_read_double(reader);
    sotto_reader_demand(reader, out->largest[1] >= 0 && out->largest[0] >= out->largest[1] &&
                                    out->total >= out->largest[0]);
}

/* --- Levels --- */

/* Writes the places of a pair's levels, by their values: 0 stands for -0 too. */
static void sort_levels(size_t out[SOTTO_LEDGER_LEVELS], const struct levels *levels)
{
    for (size_t i = 0; i < levels->len; i++) {
        size_t at = i;
        for (; at > 0 && levels->values[out[at - 1]] > levels->values[i]; at--) {
            out[at] = out[at - 1];
        }
        out[at] = i;
    }
}

static void write_levels(struct sotto_writer *writer, const struct levels *levels)
{
    size_t places[SOTTO_LEDGER_LEVELS];
    sotto_write_u8(writer, levels->is_over ? SOTTO_LEDGER_LEVELS + 1 : (uint8_t)levels->len);
    if (levels->is_over) {
        return;
    }
    sort_levels(places, levels);
    for (size_t i = 0; i < levels->len; i++) {
        sotto_write_double(writer, levels->values[places[i]] + 0.0);
    }
}

static void read_levels(struct levels *out, struct sotto_reader *reader)
{
    unsigned len = sotto_read_u8(reader);
    sotto_reader_demand(reader, len <= SOTTO_LEDGER_LEVELS + 1);
    out->is_over = len == SOTTO_LEDGER_LEVELS + 1;
    for (unsigned i = 0; !reader->failed && !out->is_over && i < len; i++) {
        double value = sotto_read_double(reader);
        bool is_one = value == value && !(value == 0 && signbit(value) != 0);
        sotto_reader_demand(reader, is_one && (i == 0 || value > out->values[i - 1]));
        out->values[out->len++] = value;
    }
}

/* Of an atom, and a pair that has few levels. */
static void write_slices(struct sotto_writer *writer, const struct atoms *atoms, size_t atom,
                         size_t pair)
{
    size_t places[SOTTO_LEDGER_LEVELS];
    const struct sotto_ledger_slice *slices =
        atoms->slices + (atom * atoms->pairs_len + pair) * SOTTO_LEDGER_LEVELS;
    sort_levels(places, &atoms->levels[pair]);
    for (size_t i = 0; i < atoms->levels[pair].len; i++) {
        const struct sotto_ledger_slice *slice = &slices[places[i]];
        sotto_write_u64(writer, slice->rows);
        if (slice->rows > 0) {
            write_magnitude(writer, &slice->magnitude);
        }
    }
}

static void read_slices(struct atoms *in_out, struct sotto_reader *reader, size_t atom, size_t pair)
{
    uint64_t left = in_out->rows[atom];
    struct sotto_ledger_slice *slices =
        in_out->slices + (atom * in_out->pairs_len + pair) * SOTTO_LEDGER_LEVELS;
    for (size_t i = 0; !reader->failed && i < in_out->levels[pair].len; i++) {
        slices[i].rows = sotto_read_u64(reader);
        sotto_reader_demand(reader, slices[i].rows <= left);
        left -= reader->failed ? 0 : slices[i].rows;
        if (slices[i].rows > 0) {
            read_magnitude(&slices[i].magnitude, reader);
        }
    }
}

/* --- What atoms are of --- */

static void write_lens(struct sotto_writer *writer, const struct atoms *atoms)
{
    sotto_write_u32(writer, (uint32_t)atoms->predicates_len);
    sotto_write_u32(writer, (uint32_t)atoms->measures_len);
    sotto_write_u32(writer, (uint32_t)atoms->pairs_len);
    for (size_t i = 0; i < atoms->pairs_len; i++) {
        write_levels(writer, &atoms->levels[i]);
    }
}

enum sotto_status sotto__tally_read_lens(struct atoms *out, struct sotto_reader *reader)
{
    out->predicates_len = sotto_read_u32(reader);
    out->measures_len = sotto_read_u32(reader);
    out->pairs_len = sotto_read_u32(reader);
    if (out->predicates_len > LEN_MAX || out->measures_len > LEN_MAX || out->pairs_len > LEN_MAX ||
        out->pairs_len > sotto_reader_left(reader)) {
        out->pairs_len = 0;
        sotto_reader_fail(reader);
        return SOTTO_OK;
    }
    out->levels = sotto_alloc_array(out->pairs_len, sizeof *out->levels);
    if (out->levels == NULL) {
        out->pairs_len = 0;
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < out->pairs_len; i++) {
        read_levels(&out->levels[i], reader);
    }
    return SOTTO_OK;
}

/* --- Atoms --- */

static void write_atom(struct sotto_writer *writer, const struct atoms *atoms, size_t at)
{
    for (size_t i = 0; i < atoms->predicates_len; i++) {
        sotto_write_u16(writer, atoms->classes[at * atoms->predicates_len + i]);
    }
    sotto_write_u32(writer, atoms->groups[at]);
    sotto_write_u64(writer, atoms->rows[at]);
    for (size_t i = 0; i < atoms->measures_len; i++) {
        write_sketch(writer, &atoms->sketches[at * atoms->measures_len + i]);
        write_magnitude(writer, &atoms->magnitudes[at * atoms->measures_len + i]);
    }
    for (size_t i = 0; i < atoms->pairs_len; i++) {
        if (!atoms->levels[i].is_over) {
            write_slices(writer, atoms, at, i);
        }
    }
}

enum sotto_status sotto__tally_write_atoms(const struct atoms *atoms, struct sotto_writer *writer)
{
    struct placed_atom *placed = sotto__tally_sort_atoms(atoms);
    if (placed == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    write_lens(writer, atoms);
    sotto_write_u32(writer, (uint32_t)atoms->len);
    for (size_t i = 0; i < atoms->len; i++) {
        write_atom(writer, atoms, placed[i].at);
    }
    sotto_write_u8(writer, atoms->keys != NULL);
    if (atoms->keys != NULL) {
        sotto__tally_write_keys(writer, atoms->keys);
    }
    sotto_free(placed);
    return SOTTO_OK; /* a failure is the writer's */
}

/* The least bytes that stand behind an atom's rows: of pairs a number of rows for each level. */
static size_t count_atom_bytes(const struct atoms *atoms)
{
    size_t bytes = atoms->measures_len * (SKETCH_BYTES_MIN + MAGNITUDE_BYTES);
    for (size_t i = 0; i < atoms->pairs_len; i++) {
        bytes += atoms->levels[i].is_over ? 0 : atoms->levels[i].len * sizeof(uint64_t);
    }
    return bytes;
}

/* Nothing is allocated for an atom that is not there. classes: scratch, of an atom. */
static enum sotto_status read_atom(struct atoms *in_out, struct sotto_reader *reader,
                                   uint16_t *classes, struct sotto_error *err)
{
    size_t at = 0;
    for (size_t i = 0; i < in_out->predicates_len; i++) {
        classes[i] = sotto_read_u16(reader);
    }
    uint32_t group = sotto_read_u32(reader);
    uint64_t rows = sotto_read_u64(reader);
    sotto_reader_demand(reader, rows > 0 && rows <= ROWS_MAX);
    sotto_reader_demand(reader, count_atom_bytes(in_out) <= sotto_reader_left(reader));
    if (reader->failed) {
        return SOTTO_OK;
    }
    size_t len = in_out->len;
    enum sotto_status status = sotto__tally_find_atom(in_out, &at, classes, group, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (in_out->len == len || (at > 0 && !sotto__tally_is_before(in_out, at - 1, at))) {
        sotto_reader_fail(reader); /* it was there, or comes too late */
        return SOTTO_OK;
    }
    in_out->rows[at] = rows;
    for (size_t i = 0; !reader->failed && i < in_out->measures_len; i++) {
        read_sketch(&in_out->sketches[at * in_out->measures_len + i], reader);
        read_magnitude(&in_out->magnitudes[at * in_out->measures_len + i], reader);
    }
    for (size_t i = 0; !reader->failed && i < in_out->pairs_len; i++) {
        if (!in_out->levels[i].is_over) {
            read_slices(in_out, reader, at, i);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status read_keys(struct atoms *in_out, struct sotto_reader *reader,
                                   struct sotto_error *err)
{
    unsigned has_key = sotto_read_u8(reader);
    sotto_reader_demand(reader, has_key <= 1);
    if (has_key != 1) {
        return SOTTO_OK;
    }
    in_out->keys = sotto_alloc_zeroed(sizeof *in_out->keys);
    if (in_out->keys == NULL) {
        return sotto_error_no_memory(err);
    }
    sotto__tally_read_keys(in_out->keys, reader);
    return SOTTO_OK;
}

enum sotto_status sotto__tally_read_atoms(struct atoms *in_out, struct sotto_reader *reader,
                                          struct sotto_error *err)
{
    uint32_t len = sotto_read_u32(reader);
    uint16_t *classes = sotto_alloc_array(in_out->predicates_len + 1, sizeof *classes);
    enum sotto_status status = classes != NULL ? SOTTO_OK : sotto_error_no_memory(err);
    for (uint32_t i = 0; status == SOTTO_OK && !reader->failed && i < len; i++) {
        status = read_atom(in_out, reader, classes, err);
    }
    sotto_free(classes);
    return status == SOTTO_OK && !reader->failed ? read_keys(in_out, reader, err) : status;
}

uint64_t sotto__tally_count_rows(const struct atoms *atoms)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < atoms->len; i++) {
        rows = rows > ROWS_MAX ? rows : rows + atoms->rows[i];
    }
    return rows;
}
