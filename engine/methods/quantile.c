/* SPDX-License-Identifier: Apache-2.0 */

/* Quantiles and the median, exactly, by counts of digits. Keys are integers in the order of the
 * values (sotto__recipe_key). Each round counts the values by their next digit in the two cells
 * where the two values are that the quantile is between, and so finds one digit more of both; where
 * it is a value itself, that is both. Nothing is rounded: what is between two values is an exact
 * mean of them. The five interpolations are pandas'. Unless a call says exact=1 the search is
 * guarded (guarded.c), whose answer is made here too. */

#include "methods/order.h"

#include <string.h>

sotto__uint128 sotto__order_read(const uint64_t *state, size_t at)
{
    return (sotto__uint128)state[at + 1] << 64 | state[at];
}

void sotto__order_write(uint64_t *state, size_t at, sotto__uint128 key)
{
    state[at] = (uint64_t)key;
    state[at + 1] = (uint64_t)(key >> 64);
}

/* --- Asking --- */

static void ask_exactly(struct sotto__recipe *recipe, unsigned round)
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
    size_t place = sotto__recipe_parameters(recipe, SOTTO__ORDER_BASES, 2 * cells_len);
    size_t index =
        sotto__recipe_digits(recipe, key, bits, bits - known - width, width, place, cells_len);
    (void)sotto__recipe_counts(recipe, index);
}

static bool is_exact(const struct sotto__call *call)
{
    return call->expression->nodes[call->node].options.exact;
}

static void ask(struct sotto__recipe *recipe, unsigned round)
{
    if (is_exact(recipe->call)) {
        ask_exactly(recipe, round);
    } else {
        sotto__guarded_ask(recipe, round, 1);
    }
}

/* --- Answering --- */

void sotto__order_set_key(struct sotto__value *out, const struct sotto__step *step,
                          const struct sotto__index *index, sotto__uint128 base)
{
    const struct sotto__op *key = &step->program->ops[index->op];
    sotto__int128 number = (sotto__int128)(base - ((sotto__uint128)1 << (index->key_bits - 1)));
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
    uint64_t below = find_place(out, step, step->state[SOTTO__ORDER_VALUES]);
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

/* Sets out to what is between two values, whose keys are at a place in the state. */
static void set_between(struct sotto__value *out, const struct sotto__step *step,
                        const struct sotto__index *index, size_t at)
{
    struct sotto__value value;
    mpq_t shares[2];
    sotto__value_init(&value);
    mpq_inits(shares[0], shares[1], NULL);
    mpq_set_ui(shares[0], 1, 1);
    if (sotto__order_read(step->state, at) != sotto__order_read(step->state, at + 2)) {
        find_share(shares[1], step);
        mpq_sub(shares[0], shares[0], shares[1]);
    }
    for (size_t i = 0; i < 2; i++) {
        sotto__order_set_key(&value, step, index, sotto__order_read(step->state, at + 2 * i));
        add_share(out, &value, shares[i]);
        sotto__value_set_special(&value, SOTTO__VALUE_FINITE);
    }
    mpq_clears(shares[0], shares[1], NULL);
    sotto__value_clear(&value);
}

void sotto__order_open_end(struct sotto__value *end, enum sotto__value_kind outside)
{
    if (end->kind == SOTTO__VALUE_NAN) {
        sotto__value_set_special(end, outside);
    }
}

bool sotto__order_find_ends(struct sotto__value *low, struct sotto__value *high,
                            const struct sotto__step *step, const struct sotto__index *index,
                            size_t lows, size_t highs)
{
    set_between(low, step, index, lows);
    set_between(high, step, index, highs);
    if (memcmp(&step->state[lows], &step->state[highs], 4 * sizeof(uint64_t)) == 0) {
        return true;
    }
    sotto__order_open_end(low, SOTTO__VALUE_NEGATIVE_INFINITE);
    sotto__order_open_end(high, SOTTO__VALUE_INFINITE);
    return false;
}

void sotto__order_set_value(struct sotto__step *step, const struct sotto__index *index, size_t lows,
                            size_t highs)
{
    struct sotto__value low;
    struct sotto__value high;
    sotto__value_init(&low);
    sotto__value_init(&high);
    if (sotto__order_find_ends(&low, &high, step, index, lows, highs)) {
        sotto__value_set(step->values, &low);
    } else {
        sotto__value_set_between(step->values, &low, &high);
    }
    sotto__value_clear(&low);
    sotto__value_clear(&high);
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

/* Between which of so many values the quantile is. */
static void find_ranks(const struct sotto__step *step, uint64_t values_len)
{
    mpq_t place;
    mpq_init(place);
    uint64_t below = find_place(place, step, values_len);
    bool is_value = mpz_cmp_ui(mpq_denref(place), 1) == 0;
    mpq_clear(place);
    step->state[SOTTO__ORDER_RANKS] = below;
    step->state[SOTTO__ORDER_RANKS + 1] = is_value ? below : below + 1;
    step->state[SOTTO__ORDER_LENS] = step->state[SOTTO__ORDER_LENS + 1] = values_len;
    step->state[SOTTO__ORDER_VALUES] = values_len;
    step->state[SOTTO__ORDER_WITHHELD] = step->withheld;
}

bool sotto__order_find_digit(size_t *out, const struct sotto__step *step,
                             const struct sotto__index *index, size_t target, size_t first)
{
    uint64_t *rank = &step->state[SOTTO__ORDER_RANKS + target];
    uint64_t *len = &step->state[SOTTO__ORDER_LENS + target];
    size_t digit = 0;
    if (count_values(step, index, first) != *len) {
        return false;
    }
    for (; *rank >= sotto__step_count(step, 0, first + digit); digit++) {
        *rank -= sotto__step_count(step, 0, first + digit);
    }
    *len = sotto__step_count(step, 0, first + digit);
    *out = digit;
    return true;
}

enum sotto_status sotto__order_fail_other_rows(struct sotto_error *err)
{
    return sotto_error_set(
        err, SOTTO_ERROR_PROTOCOL,
        "quantile: this round has other values than the one before, or more than "
        "there can be");
}

void sotto__order_end_without_value(struct sotto__step *step)
{
    sotto__value_set_special(step->values, SOTTO__VALUE_NAN);
    step->is_done = true;
}

/* Finds one digit more of one of the two values. */
static bool add_digit(const struct sotto__step *step, const struct sotto__index *index,
                      size_t target, size_t first)
{
    size_t at = SOTTO__ORDER_BASES + 2 * target;
    size_t digit;
    if (!sotto__order_find_digit(&digit, step, index, target, first)) {
        return false;
    }
    unsigned next_bits = index->shift < index->digit_bits ? index->shift : index->digit_bits;
    sotto__order_write(step->state, at, (sotto__order_read(step->state, at) + digit) << next_bits);
    return true;
}

enum sotto_status sotto__order_begin(struct sotto__step *step, const struct sotto__index *index,
                                     struct sotto_error *err)
{
    uint64_t values_len = count_values(step, index, 0);
    if (values_len > SOTTO_ROWS_MAX) {
        return sotto__order_fail_other_rows(err);
    }
    if (values_len == 0) {
        sotto__order_end_without_value(step);
        return SOTTO_OK;
    }
    find_ranks(step, values_len);
    return SOTTO_OK;
}

static enum sotto_status step_exactly(struct sotto__step *step, struct sotto_error *err)
{
    const struct sotto__index *index = sotto__step_index(step, 0);
    bool are_one = sotto__order_read(step->state, SOTTO__ORDER_BASES) ==
                   sotto__order_read(step->state, SOTTO__ORDER_BASES + 2);
    size_t other = are_one ? 0 : (size_t)1 << index->digit_bits;
    if (step->round == 1) {
        enum sotto_status status = sotto__order_begin(step, index, err);
        if (status != SOTTO_OK || step->is_done) {
            return status;
        }
    } else if (step->withheld != step->state[SOTTO__ORDER_WITHHELD]) {
        sotto__order_end_without_value(step); /* rows that were counted before have left */
        return SOTTO_OK;
    }
    if (!add_digit(step, index, 0, 0) || !add_digit(step, index, 1, other)) {
        return sotto__order_fail_other_rows(err);
    }
    if (index->shift == 0) {
        sotto__order_set_value(step, index, SOTTO__ORDER_BASES, SOTTO__ORDER_BASES);
    }
    return SOTTO_OK;
}

static enum sotto_status step(struct sotto__step *step, struct sotto_error *err)
{
    return is_exact(step->call) ? step_exactly(step, err) : sotto__guarded_step(step, err);
}

const struct sotto__method sotto__method_median = {
    .state_words = SOTTO__ORDER_WORDS,
    .ask = ask,
    .repeats = true,
    .step = step,
};

const struct sotto__method sotto__method_quantile = {
    .state_words = SOTTO__ORDER_WORDS,
    .ask = ask,
    .repeats = true,
    .step = step,
};
