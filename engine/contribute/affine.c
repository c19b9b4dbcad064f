/* SPDX-License-Identifier: Apache-2.0 */

/* Columns that are the same but for units and for few rows: v = a u + b. The difference of two
 * sums, over u and over v, is then a sum over these few rows. It leans on nothing but the values.
 *
 * Two things are kept of the rows of a group, and both merge in any order:
 * 1. Of each pair of columns, whether all rows stand on one line. It is given up at the first row
 *    that does not, so that it costs nothing for columns that have nothing to do with each other.
 * 2. A sample of different rows, those whose values hash lowest, with how often they occur. If all
 *    but few rows of a pair are on a line, all but as few of the sample are: nothing is missed.
 *
 * So a pair is near where some row is off its line (1) and few of the sample are (2). Where the
 * sample does not hold all different rows, how many are few follows from its share of them: of
 * fewer than min_rows rows it holds that many or more but once in a million times. So columns are
 * near too of which less than one row in five hundred or so is off, however many these are (one in
 * ten, where many groups share the memory). Values are doubles: what differs by a billionth of its
 * size is on the line. */

#include "contribute/evidence.h"

#include <math.h>
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 1e-9
/* Rows of a sample, and those of all groups together. */
#define SAMPLE_MAX 4096
#define SAMPLES_MAX 65536
/* Room is made for so many at first. */
#define ROWS_LEAST 64
/* The chance that fewer rows than are wanted are taken for enough. */
#define CHANCE 1e-6
/* Among so few different points all lines through two of them are tried. */
#define POINTS_ALL 48

/* --- Storage --- */

void sotto__affine_init(struct sotto__affine *out, size_t columns_len, size_t groups_len,
                        size_t min_rows)
{
    size_t least = 4 * min_rows;
    size_t share = SAMPLES_MAX / (groups_len + 1);
    size_t len = share < SAMPLE_MAX ? share : SAMPLE_MAX;
    *out = (struct sotto__affine){
        .columns_len = columns_len, .sample_max = len > least ? len : least, .limit = UINT64_MAX};
}

static void wipe_values(struct sotto__affine *affine)
{
    if (affine->values != NULL) {
        sotto_wipe(affine->values,
                   affine->capacity_len * affine->columns_len * sizeof *affine->values);
    }
    sotto_free(affine->values);
    affine->values = NULL;
}

void sotto__affine_release(struct sotto__affine *affine)
{
    wipe_values(affine);
    sotto_free(affine->hashes);
    sotto_free(affine->sorted);
    sotto_free(affine->counts);
    sotto_free(affine->slots);
    sotto_free(affine->lines);
    *affine = (struct sotto__affine){0};
}

static enum sotto_status allocate_lines(struct sotto__affine *affine)
{
    size_t pairs_len = affine->columns_len * (affine->columns_len - 1) / 2;
    affine->lines = sotto_alloc_array(pairs_len, sizeof *affine->lines);
    affine->open_len = pairs_len;
    return affine->lines != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

/* --- The sample --- */

/* MurmurHash3's last step: each bit of a number changes half of all others. */
static uint64_t mix(uint64_t number)
{
    number = (number ^ number >> 33) * UINT64_C(0xFF51AFD7ED558CCD);
    number = (number ^ number >> 33) * UINT64_C(0xC4CEB9FE1A85EC53);
    return number ^ number >> 33;
}

void sotto__affine_hash(uint64_t *restrict in_out, const double *restrict values, size_t column,
                        size_t len)
{
    /* Columns differ before their values are mixed: what is linear in these, as whole numbers of
     * one size are, has one sum for many rows. */
    uint64_t salt = UINT64_C(0x9E3779B97F4A7C15) * (column + 1);
    for (size_t i = 0; i < len; i++) {
        uint64_t bits;
        double value = values[i] + 0.0; /* -0 + 0 is 0 */
        memcpy(&bits, &value, sizeof bits);
        in_out[i] += mix(bits + salt);
    }
}

static size_t find_slot(const struct sotto__affine *affine, uint64_t hash)
{
    size_t slot = (hash >> 20) & (affine->slots_len - 1);
    while (affine->slots[slot] != 0 && affine->hashes[affine->slots[slot] - 1] != hash) {
        slot = (slot + 1) & (affine->slots_len - 1);
    }
    return slot;
}

static void place_slots(struct sotto__affine *affine)
{
    if (affine->slots_len == 0) {
        return; /* of no row yet */
    }
    memset(affine->slots, 0, affine->slots_len * sizeof *affine->slots);
    for (size_t i = 0; i < affine->sample_len; i++) {
        affine->slots[find_slot(affine, affine->hashes[i])] = (uint32_t)i + 1;
    }
}

/* Makes room for twice as many rows, at most for twice the sample. */
static enum sotto_status grow(struct sotto__affine *affine)
{
    struct sotto__affine grown = *affine;
    size_t len = affine->capacity_len > 0 ? 2 * affine->capacity_len : ROWS_LEAST;
    size_t kept = affine->sample_len;
    grown.capacity_len = len < 2 * affine->sample_max ? len : 2 * affine->sample_max;
    for (grown.slots_len = 4; grown.slots_len < 2 * grown.capacity_len;) {
        grown.slots_len *= 2;
    }
    grown.values =
        sotto_alloc_array(grown.capacity_len * affine->columns_len, sizeof *grown.values);
    grown.hashes = sotto_alloc_array(grown.capacity_len, sizeof *grown.hashes);
    grown.sorted = sotto_alloc_array(grown.capacity_len, sizeof *grown.sorted);
    grown.counts = sotto_alloc_array(grown.capacity_len, sizeof *grown.counts);
    grown.slots = sotto_alloc_array(grown.slots_len, sizeof *grown.slots);
    if (grown.values == NULL || grown.hashes == NULL || grown.sorted == NULL ||
        grown.counts == NULL || grown.slots == NULL) {
        sotto_free(grown.values);
        sotto_free(grown.hashes);
        sotto_free(grown.sorted);
        sotto_free(grown.counts);
        sotto_free(grown.slots);
        return SOTTO_ERROR_NO_MEMORY;
    }
    if (kept > 0) {
        memcpy(grown.values, affine->values, kept * affine->columns_len * sizeof *grown.values);
        memcpy(grown.hashes, affine->hashes, kept * sizeof *grown.hashes);
        memcpy(grown.counts, affine->counts, kept * sizeof *grown.counts);
    }
    affine->lines = NULL; /* these go on */
    sotto__affine_release(affine);
    *affine = grown;
    place_slots(affine);
    return SOTTO_OK;
}

/* Takes out what another sample may have dropped, of which the number of rows is not known. */
static void drop_above_limit(struct sotto__affine *affine)
{
    size_t kept = 0;
    for (size_t i = 0; i < affine->sample_len; i++) {
        if (affine->hashes[i] > affine->limit) {
            affine->is_sampled = true;
            continue;
        }
        affine->hashes[kept] = affine->hashes[i];
        affine->counts[kept] = affine->counts[i];
        memmove(affine->values + kept * affine->columns_len,
                affine->values + i * affine->columns_len,
                affine->columns_len * sizeof *affine->values);
        kept++;
    }
    affine->sample_len = kept;
    place_slots(affine);
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x;
    uint64_t y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Keeps the sample_max rows that hash lowest. A sample is let grow to twice that first, so that a
 * row costs little. */
void sotto__affine_prune(struct sotto__affine *affine)
{
    if (affine->sample_len <= affine->sample_max) {
        return;
    }
    memcpy(affine->sorted, affine->hashes, affine->sample_len * sizeof *affine->sorted);
    qsort(affine->sorted, affine->sample_len, sizeof *affine->sorted, compare_hashes);
    affine->limit = affine->sorted[affine->sample_max - 1];
    drop_above_limit(affine);
}

static enum sotto_status sample_row(struct sotto__affine *affine, const double *row, uint64_t hash,
                                    uint64_t rows)
{
    if (affine->sample_len == 2 * affine->sample_max) {
        sotto__affine_prune(affine);
    }
    if (hash > affine->limit) {
        affine->is_sampled = true;
        return SOTTO_OK;
    }
    if (affine->sample_len == affine->capacity_len) {
        enum sotto_status status = grow(affine);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    size_t slot = find_slot(affine, hash);
    if (affine->slots[slot] != 0) {
        affine->counts[affine->slots[slot] - 1] += rows;
        return SOTTO_OK;
    }
    memcpy(affine->values + affine->sample_len * affine->columns_len, row,
           affine->columns_len * sizeof *row);
    affine->hashes[affine->sample_len] = hash;
    affine->counts[affine->sample_len] = rows;
    affine->slots[slot] = (uint32_t)++affine->sample_len;
    return SOTTO_OK;
}

/* --- Lines --- */

static bool is_on_line(const struct sotto__line *line, double u, double v)
{
    double du = line->u[1] - line->u[0];
    double dv = line->v[1] - line->v[0];
    double left = (v - line->v[0]) * du;
    double right = dv * (u - line->u[0]);
    double size = (fabs(v) + fabs(line->v[0])) * fabs(du) + fabs(dv) * (fabs(u) + fabs(line->u[0]));
    return fabs(left - right) <= TOLERANCE * size;
}

/* Takes one more point of a pair. */
static void add_point(struct sotto__line *line, double u, double v)
{
    if (line->points_len == 0 || (line->points_len == 1 && u != line->u[0])) {
        line->u[line->points_len] = u;
        line->v[line->points_len++] = v;
    } else if (line->points_len == 1) {
        line->is_broken = v != line->v[0];
    } else {
        line->is_broken = !is_on_line(line, u, v);
    }
}

static void add_points(struct sotto__affine *affine, const double *row)
{
    struct sotto__line *line = affine->lines;
    for (size_t i = 1; affine->open_len > 0 && i < affine->columns_len; i++) {
        for (size_t j = 0; j < i; j++, line++) {
            if (!line->is_broken && !isnan(row[i]) && !isnan(row[j])) {
                add_point(line, row[j], row[i]);
                affine->open_len -= line->is_broken;
            }
        }
    }
}

/* --- Rows --- */

enum sotto_status sotto__affine_add(struct sotto__affine *affine, const double *row, uint64_t hash)
{
    if (affine->lines == NULL) {
        enum sotto_status status = allocate_lines(affine);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    add_points(affine, row);
    return sample_row(affine, row, hash, 1);
}

enum sotto_status sotto__affine_restore(struct sotto__affine *affine)
{
    return affine->lines == NULL ? allocate_lines(affine) : SOTTO_OK;
}

enum sotto_status sotto__affine_restore_row(struct sotto__affine *affine, const double *row,
                                            uint64_t hash, uint64_t rows)
{
    return sample_row(affine, row, hash, rows);
}

enum sotto_status sotto__affine_merge(struct sotto__affine *in_out,
                                      const struct sotto__affine *other)
{
    size_t pairs_len = other->columns_len * (other->columns_len - 1) / 2;
    if (other->columns_len < 2 || other->lines == NULL) {
        return SOTTO_OK;
    }
    if (in_out->lines == NULL) {
        enum sotto_status status = allocate_lines(in_out);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    for (size_t i = 0; i < pairs_len; i++) {
        struct sotto__line *line = &in_out->lines[i];
        const struct sotto__line *from = &other->lines[i];
        line->is_broken = line->is_broken || from->is_broken;
        for (size_t j = 0; j < from->points_len && !line->is_broken; j++) {
            add_point(line, from->u[j], from->v[j]);
        }
    }
    in_out->is_sampled = in_out->is_sampled || other->is_sampled;
    in_out->open_len = 0;
    for (size_t i = 0; i < pairs_len; i++) {
        in_out->open_len += !in_out->lines[i].is_broken;
    }
    if (other->limit < in_out->limit) {
        in_out->limit = other->limit;
        drop_above_limit(in_out);
    }
    for (size_t i = 0; i < other->sample_len; i++) {
        enum sotto_status status = sample_row(in_out, other->values + i * other->columns_len,
                                              other->hashes[i], other->counts[i]);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    sotto__affine_prune(in_out);
    return SOTTO_OK;
}

/* --- Order --- */

static int compare_rows(const void *a, const void *b, void *context)
{
    const struct sotto__affine *affine = context;
    uint64_t x = affine->hashes[*(const size_t *)a];
    uint64_t y = affine->hashes[*(const size_t *)b];
    return (x > y) - (x < y);
}

enum sotto_status sotto__affine_sort(struct sotto__affine *affine)
{
    size_t len = affine->sample_len;
    size_t row_bytes = affine->columns_len * sizeof *affine->values;
    if (len == 0) {
        return SOTTO_OK;
    }
    size_t *order = sotto_alloc_array(len, sizeof *order);
    uint64_t *counts = sotto_alloc_array(len, sizeof *counts);
    double *values = sotto_alloc_array(affine->capacity_len, row_bytes);
    if (order == NULL || counts == NULL || values == NULL) {
        sotto_free(order);
        sotto_free(counts);
        sotto_free(values);
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < len; i++) {
        order[i] = i;
    }
    qsort_r(order, len, sizeof *order, compare_rows, affine);
    for (size_t i = 0; i < len; i++) {
        counts[i] = affine->counts[order[i]];
        memcpy(values + i * affine->columns_len, affine->values + order[i] * affine->columns_len,
               row_bytes);
    }
    memcpy(affine->counts, counts, len * sizeof *counts);
    qsort(affine->hashes, len, sizeof *affine->hashes, compare_hashes);
    wipe_values(affine);
    affine->values = values;
    sotto_free(order);
    sotto_free(counts);
    return SOTTO_OK;
}

/* --- What it says --- */

/* A different point of two columns, with the rows that stand there: of a sample, those in it. */
struct point {
    double u;
    double v;
    uint64_t rows;
};

static int compare_points(const void *a, const void *b)
{
    struct point x;
    struct point y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    int order = (x.u > y.u) - (x.u < y.u);
    return order != 0 ? order : (x.v > y.v) - (x.v < y.v);
}

/* Lists the points of the sample in an order that they alone decide. Returns how many there are. */
static size_t list_points(struct point *out, const struct sotto__affine *affine, size_t a, size_t b)
{
    size_t found = 0;
    for (size_t i = 0; i < affine->sample_len; i++) {
        const double *row = affine->values + i * affine->columns_len;
        if (!isnan(row[a]) && !isnan(row[b])) {
            out[found++] =
                (struct point){row[a], row[b], affine->is_sampled ? 1 : affine->counts[i]};
        }
    }
    if (found > 0) {
        qsort(out, found, sizeof *out, compare_points);
    }
    size_t len = 0;
    for (size_t i = 0; i < found; i++) {
        if (len > 0 && compare_points(&out[len - 1], &out[i]) == 0) {
            out[len - 1].rows += out[i].rows;
        } else {
            out[len++] = out[i];
        }
    }
    return len;
}

/* Rows off the line through two points, or limit where these are as many. */
static uint64_t count_off(const struct point *points, size_t len, const struct point *one,
                          const struct point *other, uint64_t limit)
{
    const struct sotto__line line = {.u = {one->u, other->u}, .v = {one->v, other->v}};
    uint64_t off = one->u == other->u || one->v == other->v ? limit : 0;
    for (size_t i = 0; off < limit && i < len; i++) {
        off += is_on_line(&line, points[i].u, points[i].v) ? 0 : points[i].rows;
    }
    return off < limit ? off : limit;
}

/* The fewest rows that are off a line, or limit where all lines have as many off. Points on a line
 * that rises or falls differ in both columns. So of len / 2 pairs of different points, where fewer
 * than limit of them are off, one pair is on the line, if there are 2 * limit points. */
static uint64_t count_fewest_off(const struct point *points, size_t len, uint64_t limit)
{
    uint64_t fewest = limit;
    bool tries_all = len <= POINTS_ALL || len / 2 < limit;
    for (size_t i = 0; i < (tries_all ? len : len / 2); i++) {
        for (size_t j = tries_all ? 0 : i + len / 2; j < (tries_all ? i : i + len / 2 + 1); j++) {
            uint64_t off = count_off(points, len, &points[i], &points[j], limit);
            fewest = off < fewest ? off : fewest;
        }
    }
    return fewest;
}

uint64_t sotto__affine_count_few(const struct sotto__affine *affine, size_t rows_len,
                                 uint64_t min_rows)
{
    double share = ldexp((double)affine->limit, -64);
    double chance = 1; /* that some `few` of min_rows - 1 different rows are all among these */
    uint64_t few = 0;
    share *= rows_len < affine->sample_len ? (double)rows_len / (double)affine->sample_len : 1;
    while (few < min_rows && (chance > CHANCE || few < 2)) {
        chance *= share * (double)(min_rows - 1 - few) / (double)(few + 1);
        few++;
    }
    return few;
}

enum sotto_status sotto__affine_is_near(bool *out, const struct sotto__affine *affine, size_t a,
                                        size_t b, uint64_t min_rows)
{
    size_t low = a < b ? a : b;
    size_t high = a < b ? b : a;
    *out = false;
    if (affine->lines == NULL || a == b) {
        return SOTTO_OK;
    }
    struct point *points = sotto_alloc_array(affine->sample_len, sizeof *points);
    if (points == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    size_t len = list_points(points, affine, low, high);
    uint64_t few = affine->is_sampled
                       ? sotto__affine_count_few(affine, affine->sample_len, min_rows)
                       : min_rows;
    uint64_t off = count_fewest_off(points, len, few);
    /* Where all rows are on one line, the difference of the sums tells about none. */
    bool is_apart =
        affine->is_sampled ? affine->lines[high * (high - 1) / 2 + low].is_broken : off > 0;
    *out = off < few && is_apart;
    sotto_wipe(points, affine->sample_len * sizeof *points);
    sotto_free(points);
    return SOTTO_OK;
}
