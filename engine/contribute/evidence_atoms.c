/* SPDX-License-Identifier: Apache-2.0 */

/* Rows by what holds of them, and the values of columns that have few. It leans on inquiry.c for
 * what is asked of rows, and on atoms.c, whose table counts them. The one idea: the keys of a piece
 * are made word by word, for all of its rows at once. */

#include "contribute/contribute.h"

#include <string.h>

/* Keys that are kept apart in a piece. */
#define APART_LEN 64

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
        sotto__atoms_add(atoms, key, hashes[alike->row], alike->rows * evidence->weight);
    }
}

/* Adds the rows that are not left out: those of a piece that have one key together, as far as few
 * keys lie between them. */
void sotto__evidence_take_atoms(struct sotto_evidence *evidence, const struct sotto__rows *rows,
                                size_t dataset, size_t len)
{
    size_t words = evidence->lens.words;
    struct sotto__atoms *atoms = &evidence->atoms[dataset];
    uint32_t *key = evidence->keys.words + words * SOTTO__ROWS_LEN;
    uint64_t hashes[SOTTO__ROWS_LEN] = {0};
    struct alike apart[APART_LEN] = {{0}};
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
        struct alike *alike = &apart[(hash ^ hash >> 32) % APART_LEN];
        if (alike->rows > 0 &&
            !(hashes[alike->row] == hash && is_same_key(&evidence->keys, alike->row, row))) {
            flush_alike(evidence, atoms, key, hashes, alike);
            alike->rows = 0;
        }
        alike->row = row;
        alike->rows += (uint32_t)step;
    }
    for (size_t i = 0; i < APART_LEN; i++) {
        flush_alike(evidence, atoms, key, hashes, &apart[i]);
    }
}
