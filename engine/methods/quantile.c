/* SPDX-License-Identifier: Apache-2.0 */

/* Quantiles and the median, exactly, by counts of digits. Keys are integers in the order of the
 * values (sotto__recipe_key). Each round counts the values by their next digit in the two cells
 * where the two values are that the quantile is between, and so finds one digit more of both; where
 * it is a value itself, that is both. Nothing is rounded: what is between two values is an exact
 * mean of them. The five interpolations are pandas'. */

#include "methods/methods.h"

/* A group's words. A cell's base has all digits that are known, 0 for those of the next round. */
enum {
    BASES = 0,    /* of both cells, two words each, the low one first */
    RANKS = 4,    /* of both values in their cells, from 0 */
    LENS = 6,     /* how many values are in both cells */
    VALUES = 8,   /* how many there are in all */
    WITHHELD = 9, /* parties that kept the group back in the first round */
    STATE_WORDS = 10,
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

/* The number of the call, from 0 to 1: a half for the median. Out: initialised. */
static void read_number(mpq_t out, const struct sotto__step *step)
{
    const struct sotto__expression *expression = step->call->expression;
    const struct sotto__node *node = &expression->nodes[step->call->node];
    struct sotto__value number;
    mpq_set_ui(out, 1, 2);
    if (node->levels_len > 0) {
        sotto__value_init(&number);
        sotto__decimal_set(&number, expression->levels[node->levels].text);
        mpq_set(out, number.number);
        sotto__value_clear(&number);
    }
}

/* Sets place to where the quantile is among values_len values, from 0, and out to the whole number
 * below it. place: initialised. */
static uint64_t find_place(mpq_t place, const struct sotto__step *step, uint64_t values_len)
{
    mpq_t last;
    mpz_t below;
    mpq_init(last);
    mpz_init(below);
    read_number(place, step);
    mpq_set_ui(last, values_len - 1, 1);
    mpq_mul(place, place, last);
    mpz_fdiv_q(below, mpq_numref(place), mpq_denref(place));
    uint64_t out = mpz_get_ui(below);
    mpq_clear(last);
    mpz_clear(below);
    return out;
}

/* Sets out to how much of the higher value there is in the quantile: 0 to 1. */
static void find_share(mpq_t out, const struct sotto__step *step)
{
    mpq_t half;
    mpq_init(half);
    mpq_set_ui(half, 1, 2);
    uint64_t below = find_place(out, step, step->state[VALUES]);
    mpq_t whole;
    mpq_init(whole);
    mpq_set_ui(whole, below, 1);
    mpq_sub(out, out, whole);
    int order = mpq_cmp(out, half);
    bool is_value = mpq_sgn(out) == 0;
    switch (sotto__step_options(step)->interpolation) {
    case SOTTO__INTERPOLATION_LOWER:
        mpq_set_ui(out, 0, 1);
        break;
    case SOTTO__INTERPOLATION_HIGHER:
        mpq_set_ui(out, !is_value, 1);
        break;
    case SOTTO__INTERPOLATION_NEAREST: /* of two that are equally near, the even one */
        mpq_set_ui(out, order > 0 || (order == 0 && below % 2 == 1), 1);
        break;
    case SOTTO__INTERPOLATION_MIDPOINT:
        mpq_set(out, is_value ? out : half);
        break;
    default:
        break;
    }
    mpq_clears(half, whole, NULL);
}

/* Adds a share of a value, which may be infinite; no share of it is nothing. */
static void add_share(struct sotto__value *in_out, const struct sotto__value *value,
                      mpq_srcptr share)
{
    struct sotto__value part;
    if (mpq_sgn(share) == 0) {
        return;
    }
    sotto__value_init(&part);
    mpq_set(part.number, share);
    sotto__value_multiply(&part, value);
    sotto__value_add(in_out, &part);
    sotto__value_clear(&part);
}

/* Sets the value to what is between the two that were found. */
static void set_quantile(struct sotto__step *step, const struct sotto__index *index)
{
    struct sotto__value value;
    const struct sotto__op *key = &step->program->ops[index->op];
    mpq_t shares[2];
    sotto__value_init(&value);
    mpq_inits(shares[0], shares[1], NULL);
    mpq_set_ui(shares[0], 1, 1);
    if (read_base(step->state, 0) != read_base(step->state, 1)) {
        find_share(shares[1], step);
        mpq_sub(shares[0], shares[0], shares[1]);
    }
    for (size_t i = 0; i < 2; i++) {
        set_key(&value, read_base(step->state, i), key, index->key_bits);
        add_share(step->values, &value, shares[i]);
        sotto__value_set_special(&value, SOTTO__VALUE_FINITE);
    }
    mpq_clears(shares[0], shares[1], NULL);
    sotto__value_clear(&value);
    step->is_done = true;
}

/* How many values a cell has, whose counts begin at number first. */
static uint64_t count_values(const struct sotto__step *step, const struct sotto__index *index,
                             size_t first)
{
    uint64_t values_len = 0; /* 2^8 counts of at most 2^60 each may be too many: 2^62 then */
    for (size_t digit = 0; digit < (size_t)1 << index->digit_bits; digit++) {
        values_len += sotto__step_count(step, 0, first + digit);
        values_len = values_len < UINT64_C(1) << 62 ? values_len : UINT64_C(1) << 62;
    }
    return values_len;
}

/* In the first round: between which values the quantile is. */
static void find_ranks(const struct sotto__step *step, uint64_t values_len)
{
    mpq_t place;
    mpq_init(place);
    uint64_t below = find_place(place, step, values_len);
    bool is_value = mpz_cmp_ui(mpq_denref(place), 1) == 0;
    mpq_clear(place);
    step->state[RANKS] = below;
    step->state[RANKS + 1] = is_value ? below : below + 1;
    step->state[LENS] = step->state[LENS + 1] = values_len;
    step->state[VALUES] = values_len;
    step->state[WITHHELD] = step->withheld;
}

/* Finds the digit of one of the two values, whose counts begin at number first. Returns: false if
 * there are not as many values as in the round before. */
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

static enum sotto_status fail_other_rows(struct sotto_error *err)
{
    return sotto_error_set(
        err, SOTTO_ERROR_PROTOCOL,
        "quantile: this round has other values than the one before, or more than "
        "there can be");
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
        if (values_len > SOTTO_ROWS_MAX) {
            return fail_other_rows(err);
        }
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
        return fail_other_rows(err);
    }
    if (index->shift == 0) {
        set_quantile(step, index);
    }
    return SOTTO_OK;
}

const struct sotto__method sotto__method_median = {
    .state_words = STATE_WORDS,
    .ask = ask,
    .step = step,
};

const struct sotto__method sotto__method_quantile = {
    .state_words = STATE_WORDS,
    .ask = ask,
    .step = step,
};
