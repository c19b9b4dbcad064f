/* SPDX-License-Identifier: Apache-2.0 */

/* What a party's rows say about a round, beside its sums (sotto/evidence.h). It leans on inquiry.c
 * for what is asked of them, on facts.c, which keeps it, and on the registers of the room rows,
 * which hold each operation of the program. The one idea: rows are looked at a piece at a time,
 * column by column, and whatever is found is added to what merges in any order. */

#include "contribute/contribute.h"

#include <float.h>
#include <math.h>
#include <sotto/alloc.h>
#include <string.h>

#define LANES 8
/* Keys that are kept apart in a piece. */
#define ALIKES_LEN 64

/* --- Atoms --- */

static bool is_nonzero(const struct sotto__register *reg, enum sotto__row_kind type, size_t i)
{
    return type == SOTTO__ROW_FLOAT ? ((const double *)reg->values)[i] != 0
                                    : !sotto__exact_is_zero(reg, i);
}

/* Writes for each row whether a bit holds. Returns: whether it is the same in all rows. */
static bool find_bit(uint8_t *restrict out, const struct sotto__rows *rows,
                     const struct sotto__bit *bit, size_t len)
{
    const struct sotto__register *reg = &rows->registers[bit->op];
    const uint8_t *restrict state = reg->state;
    const uint64_t *restrict values = reg->values;
    enum sotto__row_kind type = rows->program->ops[bit->op].type;
    bool is_word = bit->kind == SOTTO__BIT_TRUE ||
                   (bit->kind == SOTTO__BIT_NONZERO && type != SOTTO__ROW_FLOAT && reg->limbs == 1);
    bool is_absent = bit->kind == SOTTO__BIT_NAN_MADE || bit->kind == SOTTO__BIT_MISSING;
    uint8_t why = bit->kind == SOTTO__BIT_NAN_MADE ? SOTTO__ROW_MADE_NAN : UINT8_MAX;
    uint8_t any = 0;
    uint8_t all = 1;
    for (size_t i = 0; i < len; i++) {
        out[i] = ((state[i] & why) != 0) == is_absent;
    }
    for (size_t i = 0; is_word && i < len; i++) {
        out[i] &= (uint8_t)((values[i] | (0 - values[i])) >> 63); /* it is not 0 */
    }
    for (size_t i = 0; bit->kind == SOTTO__BIT_NONZERO && !is_word && i < len; i++) {
        out[i] = out[i] != 0 && is_nonzero(reg, type, i);
    }
    for (size_t i = 0; i < len; i++) {
        any |= out[i];
        all &= out[i];
    }
    return any == all;
}

/* Looks at the values of a column that are finite. Returns: whether they are few so far. */
static bool take_level(struct sotto_evidence *evidence, size_t at, const double *values, size_t len)
{
    struct sotto__spread_values *level = &evidence->levels[at];
    for (size_t i = 0; !level->is_over && i < len; i++) {
        double value = values[i] + 0.0; /* 0 and -0 are one */
        uint64_t word;
        memcpy(&word, &value, sizeof word);
        if (evidence->left_out[i] == 0 && value == value) {
            sotto__evidence_keep(evidence,
                                 sotto__spread_add(level, word, 1, SOTTO_EVIDENCE_LEVELS_MAX));
        }
    }
    return !level->is_over;
}

/* The rows of one word of keys, zeros, which become part of the rows' keys. */
static uint32_t *use_word(struct sotto_evidence *evidence, size_t word)
{
    uint32_t *rows = evidence->keys.words + word * SOTTO__ROWS_LEN;
    memset(rows, 0, SOTTO__ROWS_LEN * sizeof *rows);
    evidence->keys.used[evidence->keys.used_len++] = word;
    return rows;
}

/* Sets the words of the columns of few values. Returns: whether there are none. */
static bool make_levels(struct sotto_evidence *evidence, size_t dataset, size_t len)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    bool is_one = true;
    for (size_t i = 0; i < inquiry->levels_len; i++) {
        size_t column = inquiry->levels[i];
        const double *values = evidence->signed_values + column * SOTTO__ROWS_LEN;
        if (inquiry->columns[column].dataset != dataset || !take_level(evidence, i, values, len)) {
            continue;
        }
        is_one = false;
        uint32_t *words[2] = {use_word(evidence, evidence->lens.levels_first + 2 * i),
                              use_word(evidence, evidence->lens.levels_first + 2 * i + 1)};
        for (size_t j = 0; j < len; j++) {
            double value = values[j] == values[j] ? values[j] + 0.0 : 0;
            uint64_t word;
            memcpy(&word, &value, sizeof word);
            words[0][j] = (uint32_t)word;
            words[1][j] = (uint32_t)(word >> 32);
        }
    }
    return is_one;
}

static void set_bits(uint32_t *restrict in_out, const uint8_t *restrict holds, unsigned at,
                     size_t len)
{
    for (size_t i = 0; i < len; i++) {
        in_out[i] |= (uint32_t)holds[i] << at;
    }
}

/* Sets the words of bits. Returns: whether all rows have the same. */
static bool make_bits(struct sotto_evidence *evidence, const struct sotto__rows *rows,
                      size_t dataset, size_t len)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    const struct sotto__program *program = rows->program;
    uint8_t holds[SOTTO__ROWS_LEN];
    uint32_t *word = NULL;
    size_t words_len = 0; /* that were begun: bits stand in their order */
    bool is_one = true;
    for (size_t i = 0; i < inquiry->bits_len; i++) {
        const struct sotto__bit *bit = &inquiry->bits[i];
        size_t of = program->ops[bit->op].dataset;
        if (!bit->is_told_apart) {
            continue;
        }
        for (; words_len <= bit->at / SOTTO__BITS_OF_WORD; words_len++) {
            word = use_word(evidence, 1 + program->indices_len + words_len);
        }
        if (of != dataset && of != SOTTO_NONE) {
            continue;
        }
        is_one = find_bit(holds, rows, bit, len) && is_one;
        set_bits(word, holds, (unsigned)(bit->at % SOTTO__BITS_OF_WORD), len);
    }
    return is_one;
}

/* Sets the words of the rows' keys. Returns: whether all rows have the same key. */
static bool make_keys(struct sotto_evidence *evidence, const struct sotto__rows *rows,
                      size_t dataset, size_t len)
{
    const struct sotto__program *program = rows->program;
    bool is_one = program->keys_len == 0;
    evidence->keys.used_len = 0;
    if (program->keys_len > 0) {
        memcpy(use_word(evidence, 0), rows->groups, len * sizeof(uint32_t));
    }
    for (size_t i = 0; i < program->indices_len; i++) {
        if (program->ops[program->indices[i].op].dataset == dataset &&
            !program->indices[i].is_asked) {
            memcpy(use_word(evidence, 1 + i), rows->numbers + i * SOTTO__ROWS_LEN,
                   len * sizeof(uint32_t));
            is_one = false;
        }
    }
    is_one = make_bits(evidence, rows, dataset, len) && is_one;
    return make_levels(evidence, dataset, len) && is_one;
}

/* Rows of a piece that have one key, of which the last one stands here. */
struct alike {
    uint32_t row;
    uint32_t rows;
};

static bool is_same_key(const struct sotto__keys *keys, size_t a, size_t b)
{
    bool is_same = true;
    for (size_t i = 0; is_same && i < keys->used_len; i++) {
        const uint32_t *words = keys->words + keys->used[i] * SOTTO__ROWS_LEN;
        is_same = words[a] == words[b];
    }
    return is_same;
}

/* key: of one row, of which all words are 0 that no row uses. */
static void flush_alike(struct sotto_evidence *evidence, struct sotto__atoms *atoms, uint32_t *key,
                        const uint64_t *hashes, const struct alike *alike)
{
    for (size_t i = 0; alike->rows > 0 && i < evidence->keys.used_len; i++) {
        size_t word = evidence->keys.used[i];
        key[word] = evidence->keys.words[word * SOTTO__ROWS_LEN + alike->row];
    }
    if (alike->rows > 0) {
        sotto__atoms_add(atoms, key, hashes[alike->row], alike->rows);
    }
}

/* Adds the rows that are not left out: those of a piece that have one key together, as far as few
 * keys lie between them. */
static void take_atoms(struct sotto_evidence *evidence, const struct sotto__rows *rows,
                       size_t dataset, size_t len)
{
    size_t words = evidence->lens.words;
    struct sotto__atoms *atoms = &evidence->atoms[dataset];
    uint32_t *key = evidence->keys.words + words * SOTTO__ROWS_LEN;
    uint64_t hashes[SOTTO__ROWS_LEN] = {0};
    struct alike alikes[ALIKES_LEN] = {{0}};
    bool is_one = make_keys(evidence, rows, dataset, len);
    memset(key, 0, words * sizeof *key);
    for (size_t j = 0; j < evidence->keys.used_len; j++) {
        size_t word = evidence->keys.used[j];
        sotto__atoms_hash(hashes, evidence->keys.words + word * SOTTO__ROWS_LEN, word, len);
    }
    size_t step = is_one ? evidence->kept_len : 1;
    for (size_t j = 0; j < evidence->kept_len; j += step) {
        uint32_t row = evidence->kept[j];
        uint64_t hash = hashes[row];
        struct alike *alike = &alikes[(hash ^ hash >> 32) % ALIKES_LEN];
        if (alike->rows > 0 &&
            !(hashes[alike->row] == hash && is_same_key(&evidence->keys, alike->row, row))) {
            flush_alike(evidence, atoms, key, hashes, alike);
            alike->rows = 0;
        }
        alike->row = row;
        alike->rows += (uint32_t)step;
    }
    for (size_t i = 0; i < ALIKES_LEN; i++) {
        flush_alike(evidence, atoms, key, hashes, &alikes[i]);
    }
}

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

/* Marks the rows that are left out, or lack a value (state), or have one that is taken off (minus);
 * in room where these are not just the first. Sets *out_kept to how many others there are. */
static const uint8_t *skip_rows(uint8_t *restrict room, size_t *out_kept,
                                const struct sotto_evidence *evidence,
                                const struct sotto__rows *rows, size_t state, size_t minus,
                                size_t len)
{
    const uint8_t *restrict left_out = evidence->left_out;
    const uint8_t *restrict lacks = rows->registers[state].state;
    const uint8_t *restrict is_kept = minus != SOTTO_NONE ? rows->registers[minus].state : NULL;
    uint16_t kept = 0;
    *out_kept = evidence->kept_len;
    if (lacks == rows->no_state && is_kept == NULL) {
        return left_out;
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
    *out_kept = kept;
    return room;
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

static void take_spread(struct sotto_evidence *evidence, const struct sotto__rows *rows, size_t at,
                        size_t len)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    const struct sotto__spread *spread = &inquiry->spreads[at];
    size_t op = inquiry->column_ops[spread->column];
    const struct sotto__register *reg = &rows->registers[op];
    enum sotto__row_kind type = rows->program->ops[op].type;
    uint8_t room[SOTTO__ROWS_LEN];
    size_t kept;
    if (is_over(evidence, at) && !spread->is_multiplied) {
        return;
    }
    const uint8_t *skipped =
        skip_rows(room, &kept, evidence, rows, spread->state, spread->minus, len);
    if (kept == 0) {
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

/* Without groups: a piece's total in lanes, then what may be among the largest. skipped: NULL if
 * all rows that are skipped have a magnitude of 0. */
static void take_magnitudes(struct sotto_evidence_terms *out, const double *restrict a,
                            const double *restrict b, const uint8_t *restrict skipped, size_t len)
{
    double room[SOTTO__ROWS_LEN];
    double totals[LANES] = {0};
    double largest[LANES] = {0};
    const double *values = b != NULL || skipped != NULL || len % LANES != 0 ? room : a;
    for (size_t i = 0; values == room && i < len; i++) {
        room[i] = b != NULL ? a[i] * b[i] : a[i];
    }
    for (size_t i = 0; skipped != NULL && i < len; i++) {
        room[i] = skipped[i] == 0 ? room[i] : 0;
    }
    for (size_t i = len; i % LANES != 0; i++) {
        room[i] = 0;
    }
    for (size_t i = 0; i < len; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            totals[j] += values[i + j];
        }
    }
    for (size_t i = 0; i < len; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            largest[j] = values[i + j] > largest[j] ? values[i + j] : largest[j];
        }
    }
    double most = 0;
    for (size_t j = 0; j < LANES; j++) {
        out->total += totals[j];
        most = largest[j] > most ? largest[j] : most;
    }
    for (size_t i = 0; most > out->largest[1] && i < len; i++) {
        sotto__evidence_take_magnitude(out, values[i]);
    }
}

static void take_sum(struct sotto_evidence *evidence, const struct sotto__rows *rows, size_t at,
                     bool has_infinities, size_t len)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    const struct sotto_evidence_sum *sum = &inquiry->sums[at];
    const struct sotto__trace *trace = &inquiry->traces[at];
    const double *a = evidence->magnitudes + sum->factors[0] * SOTTO__ROWS_LEN;
    const double *b = sum->factors[1] != SOTTO_NONE
                          ? evidence->magnitudes + sum->factors[1] * SOTTO__ROWS_LEN
                          : NULL;
    bool is_grouped = rows->program->keys_len > 0;
    uint8_t room[SOTTO__ROWS_LEN];
    size_t kept;
    const uint8_t *skipped =
        skip_rows(room, &kept, evidence, rows, trace->state, trace->minus, len);
    if (kept == 0) {
        return;
    }
    if (!is_grouped) {
        evidence->terms[at].rows += kept;
        take_magnitudes(&evidence->terms[at], a, b, kept < evidence->kept_len ? skipped : NULL,
                        len);
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
                          const uint8_t *restrict skipped, size_t len)
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
    out[0] += left;
    out[1] += ungrouped;
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
                  len);
}

void sotto__evidence_take_rows(struct sotto_evidence *in_out, const struct sotto__rows *rows,
                               size_t dataset, size_t len)
{
    const struct sotto__inquiry *inquiry = in_out->inquiry;
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
    take_atoms(in_out, rows, dataset, len);
    take_affine(in_out, rows, dataset, len);
    for (size_t i = 0; i < inquiry->spreads_len; i++) {
        if (inquiry->columns[inquiry->spreads[i].column].dataset == dataset) {
            take_spread(in_out, rows, i, len);
        }
    }
    for (size_t i = 0; i < inquiry->sums_len; i++) {
        if (inquiry->columns[inquiry->sums[i].factors[0]].dataset == dataset) {
            take_sum(in_out, rows, i, has_infinities, len);
        }
    }
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

/* --- Looking at it --- */

enum sotto_status sotto__evidence_fail(enum sotto_status status, struct sotto_error *err)
{
    return status == SOTTO_ERROR_LIMIT
               ? sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                 "the sets of rows that are asked for cut each other into too many "
                                 "pieces to be judged: ask for fewer at once")
               : sotto_error_no_memory(err);
}

enum sotto_status sotto__evidence_finish(struct sotto_evidence *evidence, struct sotto_error *err)
{
    size_t len = 0;
    size_t datasets_len = evidence->lens.datasets;
    sotto__evidence_settle(evidence);
    for (size_t i = 0; i < datasets_len; i++) {
        len += evidence->atoms[i].len;
    }
    evidence->listed = sotto_alloc_array(len, sizeof *evidence->listed);
    sotto__evidence_keep(evidence, evidence->listed != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY);
    if (evidence->status != SOTTO_OK) {
        return sotto__evidence_fail(evidence->status, err);
    }
    struct sotto_evidence_atom *out = evidence->listed;
    for (size_t i = 0; i < datasets_len; i++) {
        const struct sotto__atoms *atoms = &evidence->atoms[i];
        for (size_t j = 0; j < atoms->len; j++) {
            *out++ = (struct sotto_evidence_atom){.group = atoms->keys[j * atoms->words],
                                                  .rows = atoms->rows[j]};
        }
    }
    return SOTTO_OK;
}

size_t sotto_evidence_groups_len(const struct sotto_evidence *evidence)
{
    return evidence->inquiry->program->groups_len;
}

size_t sotto_evidence_datasets_len(const struct sotto_evidence *evidence)
{
    return evidence->inquiry->driver->plan->datasets_len;
}

bool sotto_evidence_reads(const struct sotto_evidence *evidence, size_t dataset)
{
    const struct sotto__program *program = evidence->inquiry->program;
    bool reads = program->keys_len > 0 && dataset == 0; /* groups are of one dataset */
    for (size_t i = 0; i < program->ops_len; i++) {
        reads = reads ||
                (program->ops[i].kind == SOTTO__OP_COLUMN && program->ops[i].dataset == dataset);
    }
    return reads;
}

bool sotto_evidence_has_where(const struct sotto_evidence *evidence)
{
    return evidence->inquiry->program->where != SOTTO_NONE;
}

bool sotto_evidence_has_groups(const struct sotto_evidence *evidence)
{
    return evidence->inquiry->program->keys_len > 0;
}

void sotto_evidence_outside(const struct sotto_evidence *evidence, uint64_t *out_left_out,
                            uint64_t *out_in_no_group, size_t dataset)
{
    *out_left_out = evidence->outside[2 * dataset];
    *out_in_no_group = evidence->outside[2 * dataset + 1];
}

const struct sotto_evidence_set *sotto_evidence_sets(const struct sotto_evidence *evidence,
                                                     size_t *out_len)
{
    *out_len = evidence->inquiry->sets_len;
    return evidence->inquiry->sets;
}

const struct sotto_evidence_sum *sotto_evidence_sums(const struct sotto_evidence *evidence,
                                                     size_t *out_len)
{
    *out_len = evidence->inquiry->sums_len;
    return evidence->inquiry->sums;
}

const struct sotto_evidence_column *sotto_evidence_columns(const struct sotto_evidence *evidence,
                                                           size_t *out_len)
{
    *out_len = evidence->inquiry->columns_len;
    return evidence->inquiry->columns;
}

const struct sotto_evidence_atom *sotto_evidence_atoms(const struct sotto_evidence *evidence,
                                                       size_t dataset, size_t *out_len)
{
    const struct sotto_evidence_atom *listed = evidence->listed;
    for (size_t i = 0; i < dataset; i++) {
        listed += evidence->atoms[i].len;
    }
    *out_len = evidence->atoms[dataset].len;
    return listed;
}

bool sotto_evidence_holds(const struct sotto_evidence *evidence, size_t atom, size_t set)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    const struct sotto__membership *member = &inquiry->members[set];
    const struct sotto__atoms *atoms = &evidence->atoms[inquiry->sets[set].dataset];
    const uint32_t *key = atoms->keys + atom * atoms->words;
    const uint32_t *words = key + 1 + inquiry->program->indices_len;
    bool holds = true;
    SOTTO_REQUIRE(inquiry->sets[set].is_told_apart);
    if (member->index != SOTTO_NONE) {
        uint32_t number = key[1 + member->index];
        holds = number >= member->first && number < member->last;
    }
    for (size_t i = 0; holds && i < member->bits_len; i++) {
        size_t at = inquiry->bits[inquiry->literals[member->bits_first + i]].at;
        holds = ((words[at / SOTTO__BITS_OF_WORD] >> at % SOTTO__BITS_OF_WORD) & 1) != 0;
    }
    return holds;
}

enum sotto_status sotto_evidence_is_near(bool *out, const struct sotto_evidence *evidence,
                                         size_t group, size_t a, size_t b)
{
    return sotto__affine_is_near(out, &evidence->affines[group], a, b, evidence->values_max);
}

size_t sotto_evidence_sample_len(const struct sotto_evidence *evidence, size_t group)
{
    return evidence->affines[group].sample_len;
}

uint64_t sotto_evidence_sample_few(const struct sotto_evidence *evidence, bool *out_is_all,
                                   size_t group, size_t rows_len)
{
    const struct sotto__affine *affine = &evidence->affines[group];
    *out_is_all = !affine->is_sampled && rows_len == affine->sample_len;
    return *out_is_all ? evidence->values_max
                       : sotto__affine_count_few(affine, rows_len, evidence->values_max);
}

uint64_t sotto_evidence_sample_rows(const struct sotto_evidence *evidence, size_t group, size_t row)
{
    const struct sotto__affine *affine = &evidence->affines[group];
    return affine->is_sampled ? 1 : affine->counts[row];
}

double sotto_evidence_sample_value(const struct sotto_evidence *evidence, size_t group, size_t row,
                                   size_t column)
{
    const struct sotto__affine *affine = &evidence->affines[group];
    return affine->values[row * affine->columns_len + column];
}

bool sotto_evidence_is_identifier(const struct sotto_evidence *evidence, size_t column)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    bool found = false;
    for (size_t i = 0; i < inquiry->multiplied_len; i++) {
        found = found || (inquiry->multiplied[i] == column &&
                          sotto__distinct_identifies(&evidence->distinct[i]));
    }
    return found;
}

double sotto_evidence_bits(const struct sotto_evidence *evidence, double *out_step, size_t group,
                           size_t sum, size_t factor)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    size_t spread = inquiry->traces[sum].spreads[factor];
    const struct sotto__extent *extent = &evidence->extents[group * inquiry->spreads_len + spread];
    *out_step = extent->step;
    return sotto__extent_bits(extent);
}

static size_t find_level(const struct sotto__inquiry *inquiry, size_t column)
{
    size_t found = 0;
    while (found < inquiry->levels_len && inquiry->levels[found] != column) {
        found++;
    }
    return found;
}

bool sotto_evidence_has_levels(const struct sotto_evidence *evidence, size_t column)
{
    size_t level = find_level(evidence->inquiry, column);
    return level < evidence->inquiry->levels_len && !evidence->levels[level].is_over;
}

double sotto_evidence_level(const struct sotto_evidence *evidence, size_t atom, size_t column)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    const struct sotto__atoms *atoms = &evidence->atoms[inquiry->columns[column].dataset];
    const uint32_t *words = atoms->keys + atom * atoms->words + evidence->lens.levels_first +
                            2 * find_level(inquiry, column);
    uint64_t word = words[0] | (uint64_t)words[1] << 32;
    double value;
    memcpy(&value, &word, sizeof value);
    return value;
}

const uint64_t *sotto_evidence_bins(const struct sotto_evidence *evidence, size_t group,
                                    size_t *out_len)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    *out_len = inquiry->bins_len - inquiry->values_len;
    return evidence->bins + group * inquiry->bins_len;
}

const uint64_t *sotto_evidence_values(const struct sotto_evidence *evidence, size_t group,
                                      size_t *out_len)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    *out_len = inquiry->values_len;
    return evidence->bins + (group + 1) * inquiry->bins_len - inquiry->values_len;
}

struct sotto_evidence_terms sotto_evidence_terms_of(const struct sotto_evidence *evidence,
                                                    size_t group, size_t sum)
{
    return evidence->terms[group * evidence->inquiry->sums_len + sum];
}

struct sotto_evidence_values sotto_evidence_values_of(const struct sotto_evidence *evidence,
                                                      size_t group, size_t sum, size_t factor)
{
    const struct sotto__inquiry *inquiry = evidence->inquiry;
    const struct sotto__spread_values *spread =
        &evidence->spreads[group * inquiry->spreads_len + inquiry->traces[sum].spreads[factor]];
    uint64_t rows = evidence->terms[group * inquiry->sums_len + sum].rows;
    uint64_t most = 0;
    uint64_t least = rows;
    for (size_t i = 0; i < spread->places_len; i++) {
        uint64_t count = spread->counts[i];
        most = count > most ? count : most;
        least = count > 0 && count < least ? count : least;
    }
    return (struct sotto_evidence_values){.rows = rows,
                                          .differing = spread->is_over ? rows : rows - most,
                                          .least = least,
                                          .distinct = spread->len,
                                          .is_counted = !spread->is_over};
}
