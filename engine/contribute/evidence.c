/* SPDX-License-Identifier: Apache-2.0 */

/* What a party's rows say about a round, beside its sums (sotto/evidence.h). It leans on inquiry.c
 * for what is asked of them, on facts.c, which keeps it, and on the registers of the room rows,
 * which hold each operation of the program. The one idea: rows are looked at a piece at a time,
 * column by column, and whatever is found is added to what merges in any order. */

#include "contribute/contribute.h"

#include <float.h>
#include <math.h>

#define LANES 8

/* --- Values --- */

/* The value of a row as 64 bits: equal where values are; of more than one limb, but for chance. */
static uint64_t identify_value(const struct sotto__register *reg, enum sotto__row_kind type,
                               size_t i)
{
    const uint64_t *value = (const uint64_t *)reg->values + i * reg->limbs;
    uint64_t low = value[0];
    if (type == SOTTO__ROW_FLOAT) {
        return ((const double *)reg->values)[i] == 0 ? 0 : low; /* 0 and -0 are one value */
    }
    uint64_t sign = low >> 63 != 0 ? UINT64_MAX : 0;
    unsigned limbs = reg->limbs;
    while (limbs > 1 && value[limbs - 1] == (value[limbs - 2] >> 63 != 0 ? UINT64_MAX : 0)) {
        limbs--;
    }
    for (unsigned j = 1; j < limbs; j++) {
        low = (low ^ value[j] ^ sign) * UINT64_C(0xD6E8FEB86659FD93);
        low ^= low >> 29;
    }
    return low;
}

/* The values that were seen last, of which most rows have one. */
struct seen_values {
    uint64_t values[2];
    uint64_t rows[2];
};

static void flush_seen(struct sotto_evidence *evidence, struct sotto__spread_values *out,
                       struct seen_values *seen, size_t which)
{
    sotto__evidence_keep(evidence, sotto__spread_add(out, seen->values[which], seen->rows[which],
                                                     evidence->values_max));
    seen->rows[which] = 0;
}

/* Without groups. */
static void take_values(struct sotto_evidence *evidence, struct sotto__spread_values *out,
                        const struct sotto__register *reg, enum sotto__row_kind type,
                        const uint8_t *skipped, size_t len)
{
    const uint64_t *words = reg->values;
    struct seen_values seen = {.values = {0}};
    bool is_word = type != SOTTO__ROW_FLOAT && reg->limbs == 1;
    size_t next = 0;
    for (size_t i = 0; i < len && !out->is_over; i++) {
        uint64_t value = is_word ? words[i] : identify_value(reg, type, i);
        uint64_t is_row = skipped[i] == 0;
        if (value == seen.values[0]) {
            seen.rows[0] += is_row;
        } else if (value == seen.values[1]) {
            seen.rows[1] += is_row;
        } else if (is_row != 0) {
            flush_seen(evidence, out, &seen, next);
            seen.values[next] = value;
            seen.rows[next] = 1;
            next = 1 - next;
        }
    }
    flush_seen(evidence, out, &seen, 0);
    flush_seen(evidence, out, &seen, 1);
}

/* Rows of a piece that are skipped, of which there are the same for many sums. */
struct skipped {
    const uint8_t *lacks; /* what they were found by; NULL: nothing yet */
    const uint8_t *is_kept;
    const uint8_t *rows;
    size_t kept_len;
    uint8_t room[SOTTO__ROWS_LEN];
};

/* Marks the rows that are left out, or lack a value (state), or have one that is taken off (minus);
 * in room where these are not just the first; and counts the others. */
static void skip_rows(struct skipped *in_out, const struct sotto_evidence *evidence,
                      const struct sotto__rows *rows, size_t state, size_t minus, size_t len)
{
    uint8_t *restrict room = in_out->room;
    const uint8_t *restrict left_out = evidence->left_out;
    const uint8_t *restrict lacks = rows->registers[state].state;
    const uint8_t *restrict is_kept = minus != SOTTO_NONE ? rows->registers[minus].state : NULL;
    uint16_t kept = 0;
    if (in_out->lacks == lacks && in_out->is_kept == is_kept) {
        return;
    }
    in_out->lacks = lacks;
    in_out->is_kept = is_kept;
    if (lacks == rows->no_state && is_kept == NULL) {
        in_out->rows = left_out;
        in_out->kept_len = evidence->kept_len;
        return;
    }
    for (size_t i = 0; i < len; i++) {
        room[i] = left_out[i] | lacks[i];
    }
    for (size_t i = 0; is_kept != NULL && i < len; i++) {
        room[i] |= is_kept[i] == 0;
    }
    for (size_t i = 0; i < len; i++) {
        kept = (uint16_t)(kept + (room[i] == 0));
    }
    in_out->rows = room;
    in_out->kept_len = kept;
}

/* Takes the extents of a factor in the rows of its product. skipped: NULL if these are all that are
 * not left out. */
static void take_extents(struct sotto_evidence *evidence, const struct sotto__rows *rows, size_t at,
                         const uint8_t *skipped, size_t len)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    size_t column = inquiry->spreads[at].column;
    size_t op = inquiry->column_ops[column];
    bool is_grouped = rows->program->keys_len > 0;
    const double *values = evidence->signed_values + column * SOTTO__ROWS_LEN;
    double room[SOTTO__ROWS_LEN];
    for (size_t i = 0; skipped != NULL && i < len; i++) {
        room[i] = skipped[i] == 0 ? values[i] : NAN;
    }
    struct sotto__piece piece = {.reg = &rows->registers[op],
                                 .op = &rows->program->ops[op],
                                 .values = skipped != NULL ? room : values,
                                 .last = len};
    if (!is_grouped) {
        sotto__extent_take(&evidence->extents[at], &piece);
    }
    for (size_t i = 0; is_grouped && i < len; i++) {
        if (piece.values[i] == piece.values[i]) {
            piece.first = i;
            piece.last = i + 1;
            sotto__extent_take(&evidence->extents[rows->groups[i] * inquiry->spreads_len + at],
                               &piece);
        }
    }
}

/* Counts of a spread that is over in all groups are not needed row by row. */
static bool is_over(const struct sotto_evidence *evidence, size_t at)
{
    return evidence->inquiry->program->groups_len == 1 && evidence->spreads[at].is_over;
}

static void take_spread(struct sotto_evidence *evidence, struct skipped *room,
                        const struct sotto__rows *rows, size_t at, size_t len)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    const struct sotto__spread *spread = &inquiry->spreads[at];
    size_t op = inquiry->column_ops[spread->column];
    const struct sotto__register *reg = &rows->registers[op];
    enum sotto__row_kind type = rows->program->ops[op].type;
    if (is_over(evidence, at) && !spread->is_multiplied) {
        return;
    }
    skip_rows(room, evidence, rows, spread->state, spread->minus, len);
    const uint8_t *skipped = room->rows;
    if (room->kept_len == 0) {
        return;
    }
    if (spread->is_multiplied) {
        take_extents(evidence, rows, at, skipped != evidence->left_out ? skipped : NULL, len);
    }
    if (is_over(evidence, at)) {
        return;
    }
    if (rows->program->keys_len == 0) {
        take_values(evidence, &evidence->spreads[at], reg, type, skipped, len);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        struct sotto__spread_values *values =
            &evidence->spreads[rows->groups[i] * inquiry->spreads_len + at];
        if (skipped[i] == 0 && !values->is_over) {
            sotto__evidence_keep(evidence, sotto__spread_add(values, identify_value(reg, type, i),
                                                             1, evidence->values_max));
        }
    }
}

/* --- Magnitudes --- */

/* Sets a column's values where rows are present and not left out, NaN elsewhere, and their
 * magnitudes, 0 there. in_out has the values. */
static void mask_values(double *restrict in_out, double *restrict out_signed,
                        const uint8_t *restrict state, const uint8_t *restrict left_out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool is_there = (state[i] | left_out[i]) == 0;
        out_signed[i] = is_there ? in_out[i] : NAN;
        in_out[i] = is_there ? fabs(in_out[i]) : 0;
    }
}

/* Sets the values of a column's rows, NaN where there is no finite one or the row is left out, and
 * their magnitudes, 0 there. Returns: whether there may be infinities. */
static bool find_magnitudes(double *restrict out, double *restrict out_signed,
                            const struct sotto_evidence *evidence, const struct sotto__rows *rows,
                            size_t op, size_t len)
{
    const struct sotto__register *reg = &rows->registers[op];
    if (rows->program->ops[op].type != SOTTO__ROW_FLOAT) {
        sotto__exact_to_float(out, reg, 0, len);
        mask_values(out, out_signed, reg->state, evidence->left_out, len);
        return false;
    }
    const double *restrict values = reg->values;
    const uint8_t *restrict state = reg->state;
    const uint8_t *restrict left_out = evidence->left_out;
    bool any = false;
    for (size_t i = 0; i < len; i++) {
        bool is_finite = fabs(values[i]) <= DBL_MAX;
        bool is_there = (state[i] | left_out[i]) == 0 && is_finite;
        out_signed[i] = is_there ? values[i] : NAN;
        out[i] = is_there ? fabs(values[i]) : 0;
        any = any || (state[i] == 0 && !is_finite);
    }
    return any;
}

static bool is_infinite(const struct sotto__rows *rows, size_t op, size_t i)
{
    return op != SOTTO_NONE && rows->program->ops[op].type == SOTTO__ROW_FLOAT &&
           isinf(((const double *)rows->registers[op].values)[i]);
}

/* Adds a piece's magnitudes, or products of two, in lanes, and finds the largest of each lane. */
static void add_lanes(double totals[LANES], double largest[LANES], const double *restrict a,
                      const double *restrict b, size_t len)
{
    for (size_t i = 0; b == NULL && i < len; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            totals[j] += a[i + j];
            largest[j] = a[i + j] > largest[j] ? a[i + j] : largest[j];
        }
    }
    for (size_t i = 0; b != NULL && i < len; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            double product = a[i + j] * b[i + j];
            totals[j] += product;
            largest[j] = product > largest[j] ? product : largest[j];
        }
    }
}

/* Without groups: a piece's total, then what may be among the largest. skipped: NULL if all rows
 * that are skipped have a magnitude of 0. */
static void take_magnitudes(struct sotto_evidence_terms *out, const double *a, const double *b,
                            const uint8_t *skipped, size_t len)
{
    double room[SOTTO__ROWS_LEN];
    double totals[LANES] = {0};
    double largest[LANES] = {0};
    size_t padded = len;
    if (skipped != NULL || len % LANES != 0) {
        for (size_t i = 0; i < len; i++) {
            double value = b != NULL ? a[i] * b[i] : a[i];
            room[i] = skipped == NULL || skipped[i] == 0 ? value : 0;
        }
        for (; padded % LANES != 0; padded++) {
            room[padded] = 0;
        }
        a = room;
        b = NULL;
    }
    add_lanes(totals, largest, a, b, padded);
    double most = 0;
    for (size_t j = 0; j < LANES; j++) {
        out->total += totals[j];
        most = largest[j] > most ? largest[j] : most;
    }
    for (size_t i = 0; most > out->largest[1] && i < len; i++) {
        sotto__evidence_take_magnitude(out, b != NULL ? a[i] * b[i] : a[i]);
    }
}

static void take_sum(struct sotto_evidence *evidence, struct skipped *room,
                     const struct sotto__rows *rows, size_t at, bool has_infinities, size_t len)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    const struct sotto_evidence_sum *sum = &inquiry->sums[at];
    const struct sotto__trace *trace = &inquiry->traces[at];
    const double *a = evidence->magnitudes + sum->factors[0] * SOTTO__ROWS_LEN;
    const double *b = sum->factors[1] != SOTTO_NONE
                          ? evidence->magnitudes + sum->factors[1] * SOTTO__ROWS_LEN
                          : NULL;
    bool is_grouped = rows->program->keys_len > 0;
    skip_rows(room, evidence, rows, trace->state, trace->minus, len);
    const uint8_t *skipped = room->rows;
    if (room->kept_len == 0) {
        return;
    }
    if (!is_grouped) {
        bool are_fewer = room->kept_len < evidence->kept_len;
        evidence->terms[at].rows += room->kept_len;
        take_magnitudes(&evidence->terms[at], a, b, are_fewer ? skipped : NULL, len);
    }
    for (size_t i = 0; (is_grouped || has_infinities) && i < len; i++) {
        struct sotto_evidence_terms *terms =
            &evidence->terms[(is_grouped ? rows->groups[i] : 0) * inquiry->sums_len + at];
        if (skipped[i] != 0) {
            continue;
        }
        for (size_t j = 0; has_infinities && j < 2; j++) {
            size_t factor = sum->factors[j];
            terms->infinite += factor != SOTTO_NONE &&
                               is_infinite(rows, inquiry->column_ops[factor], i) &&
                               (j == 0 || factor != sum->factors[0]);
        }
        if (is_grouped) {
            double value = a[i] * (b != NULL ? b[i] : 1);
            terms->rows++;
            terms->total += value;
            sotto__evidence_take_magnitude(terms, value);
        }
    }
}

/* --- Pairs of columns --- */

static void take_affine(struct sotto_evidence *evidence, const struct sotto__rows *rows,
                        size_t dataset, size_t len)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    bool is_grouped = rows->program->keys_len > 0;
    uint64_t hashes[SOTTO__ROWS_LEN] = {0};
    if (inquiry->columns_len < 2) {
        return;
    }
    for (size_t j = 0; j < inquiry->columns_len; j++) {
        if (inquiry->columns[j].dataset == dataset) {
            sotto__affine_hash(hashes, evidence->signed_values + j * SOTTO__ROWS_LEN, j, len);
        }
    }
    for (size_t k = 0; k < evidence->kept_len; k++) {
        size_t i = evidence->kept[k];
        struct sotto__affine *affine = &evidence->affines[is_grouped ? rows->groups[i] : 0];
        if (sotto__affine_passes(affine, hashes[i])) {
            continue;
        }
        for (size_t j = 0; j < inquiry->columns_len; j++) {
            bool is_here = inquiry->columns[j].dataset == dataset;
            evidence->row[j] = is_here ? evidence->signed_values[j * SOTTO__ROWS_LEN + i] : NAN;
        }
        sotto__evidence_keep(evidence, sotto__affine_add(affine, evidence->row, hashes[i]));
    }
}

/* --- Identifiers --- */

static void take_distinct(struct sotto_evidence *evidence, size_t at, size_t len)
{
    size_t column = evidence->inquiry->multiplied[at];
    const double *values = evidence->signed_values + column * SOTTO__ROWS_LEN;
    double room[SOTTO__ROWS_LEN];
    if (evidence->distinct[at].is_broken) {
        return;
    }
    for (size_t i = 0; evidence->kept_len < len && i < evidence->kept_len; i++) {
        room[i] = values[evidence->kept[i]];
    }
    sotto__distinct_add(&evidence->distinct[at], evidence->kept_len < len ? room : values,
                        evidence->kept_len);
}

/* --- A piece of rows --- */

/* Counts rows that where leaves out, and others that are in no group. */
static void count_outside(uint64_t out[2], const struct sotto__register *where,
                          const uint8_t *restrict skipped, uint64_t weight, size_t len)
{
    uint8_t is_out[SOTTO__ROWS_LEN] = {0};
    uint16_t left = 0;
    uint16_t ungrouped = 0;
    for (size_t i = 0; where != NULL && i < len; i++) {
        is_out[i] = where->state[i] != 0 || ((const int64_t *)where->values)[i] == 0;
    }
    for (size_t i = 0; i < len; i++) {
        uint8_t is_complete = (skipped[i] & SOTTO__ROW_INCOMPLETE) == 0;
        uint8_t is_ungrouped = (skipped[i] & SOTTO__ROW_IN_NO_GROUP) != 0;
        left = (uint16_t)(left + (is_complete & is_out[i]));
        ungrouped = (uint16_t)(ungrouped + (is_complete & is_ungrouped & (is_out[i] ^ 1)));
    }
    out[0] += left * weight;
    out[1] += ungrouped * weight;
}

static void find_left_out(struct sotto_evidence *evidence, const struct sotto__rows *rows,
                          size_t dataset, size_t len)
{
    const struct sotto__program *program = rows->program;
    uint8_t *restrict left_out = evidence->left_out;
    const uint8_t *restrict skipped = rows->skipped;
    bool selects = sotto__program_selects(program);
    size_t kept_len = 0;
    for (size_t i = 0; i < len; i++) {
        left_out[i] = selects && skipped[i] != 0;
    }
    for (size_t i = 0; i < len; i++) {
        evidence->kept[kept_len] = (uint16_t)i;
        kept_len += left_out[i] == 0;
    }
    evidence->kept_len = kept_len;
    if (!selects) {
        return;
    }
    count_outside(evidence->outside + 2 * dataset,
                  program->where != SOTTO_NONE ? &rows->registers[program->where] : NULL, skipped,
                  evidence->weight, len);
}

void sotto__evidence_take_rows(struct sotto_evidence *in_out, const struct sotto__rows *rows,
                               size_t dataset, size_t len)
{
    const struct sotto__inquiry *inquiry = in_out->inquiry;
    struct skipped room = {.lacks = NULL};
    bool has_infinities = false;
    find_left_out(in_out, rows, dataset, len);
    for (size_t i = 0; i < inquiry->columns_len; i++) {
        if (inquiry->columns[i].dataset == dataset) {
            size_t op = inquiry->column_ops[i];
            double *values = in_out->signed_values + i * SOTTO__ROWS_LEN;
            has_infinities = find_magnitudes(in_out->magnitudes + i * SOTTO__ROWS_LEN, values,
                                             in_out, rows, op, len) ||
                             has_infinities;
        }
    }
    for (size_t i = 0; i < inquiry->multiplied_len; i++) {
        if (inquiry->columns[inquiry->multiplied[i]].dataset == dataset) {
            take_distinct(in_out, i, len);
        }
    }
    sotto__evidence_take_atoms(in_out, rows, dataset, len);
    take_affine(in_out, rows, dataset, len);
    for (size_t i = 0; i < inquiry->spreads_len; i++) {
        if (inquiry->columns[inquiry->spreads[i].column].dataset == dataset) {
            take_spread(in_out, &room, rows, i, len);
        }
    }
    for (size_t i = 0; i < inquiry->sums_len; i++) {
        if (inquiry->columns[inquiry->sums[i].factors[0]].dataset == dataset) {
            take_sum(in_out, &room, rows, i, has_infinities, len);
        }
    }
}

void sotto__evidence_forget_values(struct sotto_evidence *in_out)
{
    const struct sotto__evidence_lens *lens = &in_out->lens;
    for (size_t i = 0; i < lens->levels; i++) {
        in_out->levels[i].is_over = true;
    }
}

void sotto__evidence_take_class(struct sotto_evidence *in_out, const struct sotto__rows *rows,
                                size_t dataset, uint64_t weight)
{
    in_out->weight = weight;
    find_left_out(in_out, rows, dataset, 1);
    sotto__evidence_take_atoms(in_out, rows, dataset, 1);
    in_out->weight = 1;
}

/* Adds an index's counts to what is known of a group. */
static void take_bins(uint64_t **bins, uint64_t **digits, const struct sotto__index *index,
                      const uint64_t *counts)
{
    size_t len = sotto__index_bins(index);
    for (size_t i = 0; i < len; i++) {
        (*bins)[index->is_borne ? i >> index->digit_bits : i] += counts[i];
        if (index->is_borne) {
            (*digits)[i] += counts[i];
        }
    }
    *bins += index->is_borne ? index->cells_len : len;
    *digits += index->is_borne ? len : 0;
}

void sotto__evidence_take_bins(struct sotto_evidence *in_out, const struct sotto__sums *sums)
{
    const struct sotto__program *program = in_out->inquiry->program;
    uint64_t *bins = in_out->bins;
    uint64_t *digits = in_out->digits;
    for (size_t group = 0; group < program->groups_len; group++) {
        const uint64_t *counts = sums->counts + group * program->group_counts;
        for (int are_digits = 0; are_digits < 2; are_digits++) { /* these last */
            for (size_t i = 0; i < program->indices_len; i++) {
                const struct sotto__index *index = &program->indices[i];
                bool is_now = (index->kind == SOTTO__INDEX_DIGITS) == are_digits;
                if (index->is_asked && is_now) {
                    take_bins(&bins, &digits, index, counts + index->offset);
                }
            }
        }
    }
}
