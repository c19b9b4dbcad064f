/* SPDX-License-Identifier: Apache-2.0 */

/* The median, exactly, by counts of digits. Keys are integers in the order of the values
 * (sotto__recipe_key). Each round counts the values by their next digit in the two cells where the
 * two middle values are, and so finds one digit more of both; an odd number of values has one
 * middle value twice. Nothing is rounded: the median of an even number is the exact mean of the
 * two. */

#include "methods/methods.h"

/* A group's words. A cell's base has all digits that are known, 0 for those of the next round. */
enum {
    BASES = 0,    /* of both cells, two words each, the low one first */
    RANKS = 4,    /* of both middle values in their cells, from 0 */
    LENS = 6,     /* how many values are in both cells */
    WITHHELD = 8, /* parties that kept the group back in the first round */
    STATE_WORDS = 9,
};

static sotto__uint128 read_base(const uint64_t *state, size_t cell)
{
    return (sotto__uint128)state[BASES + 2 * cell + 1] << 64 | state[BASES + 2 * cell];
}

static void write_base(uint64_t *state, size_t cell, sotto__uint128 base)
{
    state[BASES + 2 * cell] = (uint64_t)base;
    state[BASES + 2 * cell + 1] = (uint64_t)(base >> 64);
}

/* --- Asking --- */

static void ask(struct sotto__recipe *recipe, unsigned round)
{
    unsigned bits = 0;
    unsigned digit_bits = sotto__recipe_digit_bits(recipe);
    unsigned known = (round - 1) * digit_bits;
    size_t row = sotto__recipe_row(recipe, 0);
    size_t cells_len = round == 1 ? 1 : 2; /* in the first round they are one */
    if (round == 1) {
        sotto__recipe_tell_nan(recipe, row);
    }
    size_t key = sotto__recipe_key(recipe, &bits, row);
    if (known >= bits) {
        return;
    }
    unsigned width = bits - known < digit_bits ? bits - known : digit_bits;
    size_t place = sotto__recipe_parameters(recipe, BASES, 2 * cells_len);
    size_t index =
        sotto__recipe_digits(recipe, key, bits, bits - known - width, width, place, cells_len);
    (void)sotto__recipe_counts(recipe, index);
}

/* --- Answering --- */

/* Sets out to the value of a key. */
static void set_key(struct sotto__value *out, sotto__uint128 base, const struct sotto__op *key,
                    unsigned bits)
{
    sotto__int128 number = (sotto__int128)(base - ((sotto__uint128)1 << (bits - 1)));
    if (key->kind == SOTTO__OP_KEY) {
        sotto__value_set_double(out, sotto__key_double((int64_t)number));
        return;
    }
    bool is_negative = number < 0;
    sotto__uint128 magnitude = is_negative ? -(sotto__uint128)number : (sotto__uint128)number;
    uint64_t words[2] = {(uint64_t)magnitude, (uint64_t)(magnitude >> 64)};
    mpz_import(mpq_numref(out->number), 2, -1, sizeof words[0], 0, 0, words);
    mpz_ui_pow_ui(mpq_denref(out->number), 10, key->scale);
    mpq_canonicalize(out->number);
    if (is_negative) {
        sotto__value_negate(out);
    }
}

/* Sets the value to the mean of both middle values. */
static void set_median(struct sotto__step *step, const struct sotto__index *index)
{
    struct sotto__value other;
    struct sotto__value two;
    const struct sotto__op *key = &step->program->ops[index->op];
    sotto__value_init(&other);
    sotto__value_init(&two);
    set_key(step->values, read_base(step->state, 0), key, index->key_bits);
    set_key(&other, read_base(step->state, 1), key, index->key_bits);
    mpq_set_ui(two.number, 2, 1);
    if (read_base(step->state, 0) != read_base(step->state, 1)) {
        sotto__value_add(step->values, &other);
        sotto__value_divide(step->values, &two);
    }
    sotto__value_clear(&other);
    sotto__value_clear(&two);
    step->is_done = true;
}

/* How many values a cell has, whose counts begin at number first. */
static uint64_t count_values(const struct sotto__step *step, const struct sotto__index *index,
                             size_t first)
{
    uint64_t values_len = 0;
    for (size_t digit = 0; digit < (size_t)1 << index->digit_bits; digit++) {
        values_len += sotto__step_count(step, 0, first + digit);
    }
    return values_len;
}

/* In the first round: which values are in the middle. */
static void find_ranks(const struct sotto__step *step, uint64_t values_len)
{
    step->state[RANKS] = (values_len - 1) / 2;
    step->state[RANKS + 1] = values_len / 2;
    step->state[LENS] = step->state[LENS + 1] = values_len;
    step->state[WITHHELD] = step->withheld;
}

/* Finds the digit of a middle value, whose counts begin at number first. Returns: false if there
 * are not as many values as in the round before. */
static bool find_digit(const struct sotto__step *step, const struct sotto__index *index,
                       size_t target, size_t first)
{
    uint64_t *rank = &step->state[RANKS + target];
    uint64_t *len = &step->state[LENS + target];
    size_t digit = 0;
    if (count_values(step, index, first) != *len) {
        return false;
    }
    for (; *rank >= sotto__step_count(step, 0, first + digit); digit++) {
        *rank -= sotto__step_count(step, 0, first + digit);
    }
    *len = sotto__step_count(step, 0, first + digit);
    unsigned next_bits = index->shift < index->digit_bits ? index->shift : index->digit_bits;
    write_base(step->state, target, (read_base(step->state, target) + digit) << next_bits);
    return true;
}

static void end_without_value(struct sotto__step *step)
{
    sotto__value_set_special(step->values, SOTTO__VALUE_NAN);
    step->is_done = true;
}

static enum sotto_status step(struct sotto__step *step, struct sotto_error *err)
{
    const struct sotto__index *index = sotto__step_index(step, 0);
    bool are_one = read_base(step->state, 0) == read_base(step->state, 1);
    size_t other = are_one ? 0 : (size_t)1 << index->digit_bits;
    if (step->round == 1) {
        uint64_t values_len = count_values(step, index, 0);
        if (values_len == 0) {
            end_without_value(step);
            return SOTTO_OK;
        }
        find_ranks(step, values_len);
    } else if (step->withheld != step->state[WITHHELD]) {
        end_without_value(step); /* rows that were counted before have left */
        return SOTTO_OK;
    }
    if (!find_digit(step, index, 0, 0) || !find_digit(step, index, 1, other)) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "median: this round has other values than the one before");
    }
    if (index->shift == 0) {
        set_median(step, index);
    }
    return SOTTO_OK;
}

const struct sotto__method sotto__method_median = {
    .state_words = STATE_WORDS,
    .ask = ask,
    .step = step,
};
