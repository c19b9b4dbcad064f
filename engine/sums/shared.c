/* SPDX-License-Identifier: Apache-2.0 */

/* What many terms share of a block: sums of products of few columns of doubles, as X'X has them,
 * and the sums that come with them. It leans on the kernels of slices, which are exact; what they
 * do not take, accumulate.c adds. The one idea: each pair of columns masks both, but in a block
 * without missing values that changes nothing. So a column is taken apart, and summed up, when the
 * first term needs it, and serves all others. */

#include "sums/sums.h"

#include <sotto/alloc.h>
#include <string.h>

/* A pair of columns costs about as much as taking one apart, and three times that without. */
#define PAIRS_OF_COLUMN_LEAST 2
#define COLUMNS_MAX 256 /* of 12 KiB each */

struct column {
    struct sotto__slices slices;
    double sums[2];
    bool is_sliced; /* in this block, as the others */
    bool is_added;
    bool is_summed; /* sums are all of it */
};

struct sotto__shared {
    size_t *places; /* [operation]: of its column below; SOTTO_NONE */
    struct column *columns;
    double *values; /* of slices */
    size_t columns_len;
};

/* What an operation's values are where all rows are present: those of what it masks. */
static size_t find_unmasked(const struct sotto__program *program, size_t op)
{
    while (program->ops[op].kind == SOTTO__OP_MASK) {
        op = program->ops[op].a;
    }
    return op;
}

static bool is_plain_sum(const struct sotto__term *term)
{
    return term->kind == SOTTO__TERM_SUM && term->type == SOTTO__ROW_FLOAT &&
           term->times == SOTTO_NONE && term->index == SOTTO_NONE;
}

/* Numbers the columns of pairs. Returns: how many pairs there are. */
static size_t number_columns(struct sotto__shared *shared, const struct sotto__program *program)
{
    size_t pairs_len = 0;
    for (size_t i = 0; i < program->ops_len; i++) {
        shared->places[i] = SOTTO_NONE;
    }
    for (size_t i = 0; i < program->terms_len; i++) {
        const struct sotto__term *term = &program->terms[i];
        bool is_pair = is_plain_sum(term) && term->factors_len == 2;
        for (size_t j = 0; is_pair && j < 2; j++) {
            size_t *place = &shared->places[find_unmasked(program, term->factors[j])];
            *place = *place == SOTTO_NONE ? shared->columns_len++ : *place;
        }
        pairs_len += is_pair;
    }
    return pairs_len;
}

enum sotto_status sotto__shared_new(struct sotto__shared **out,
                                    const struct sotto__program *program)
{
    struct sotto__shared *shared = sotto_alloc_zeroed(sizeof *shared);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    *out = NULL;
    if (shared == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    shared->places = sotto_alloc_array(program->ops_len, sizeof *shared->places);
    if (shared->places == NULL) {
        goto out;
    }
    size_t pairs_len = number_columns(shared, program);
    size_t len = shared->columns_len;
    if (program->keys_len > 0 || len == 0 || len > COLUMNS_MAX ||
        pairs_len < PAIRS_OF_COLUMN_LEAST * len) {
        status = SOTTO_OK; /* it would not pay */
        goto out;
    }
    const size_t column_len = (size_t)SOTTO__SLICES_MAX * SOTTO__ROWS_LEN;
    shared->columns = sotto_alloc_array(len, sizeof *shared->columns);
    shared->values = sotto_alloc_aligned(len * column_len * sizeof *shared->values);
    if (shared->columns == NULL || shared->values == NULL) {
        goto out;
    }
    for (size_t i = 0; i < len; i++) {
        shared->columns[i].slices.values = shared->values + i * column_len;
    }
    *out = shared;
    return SOTTO_OK;
out:
    sotto__shared_free(shared);
    return status;
}

void sotto__shared_free(struct sotto__shared *shared)
{
    if (shared == NULL) {
        return;
    }
    sotto_free(shared->places);
    sotto_free(shared->columns);
    sotto_free(shared->values);
    sotto_free(shared);
}

void sotto__shared_begin(struct sotto__shared *shared)
{
    for (size_t i = 0; shared != NULL && i < shared->columns_len; i++) {
        shared->columns[i].is_sliced = false;
        shared->columns[i].is_added = false;
    }
}

/* The bound of an operation's values, found once for a block. */
static uint64_t find_bound(const struct sotto__register *reg, size_t len)
{
    return reg->bound != SOTTO__BOUND_UNKNOWN ? reg->bound
                                              : sotto__blocks()->largest(reg->values, len);
}

static const struct sotto__slices *find_slices(struct column *column,
                                               const struct sotto__register *reg, size_t len)
{
    if (!column->is_sliced) {
        sotto__blocks()->slice(&column->slices, reg->values, find_bound(reg, len), len);
        column->is_sliced = true;
    }
    return &column->slices;
}

/* Sets the column's sums. Returns: whether they are all of it. */
static bool find_sums(struct column *column, const struct sotto__register *reg, double *rest,
                      size_t len)
{
    if (!column->is_added) {
        uint64_t bound = find_bound(reg, len);
        column->is_summed = sotto__blocks()->sum(column->sums, rest, &bound, reg->values, len) ==
                            SOTTO__BLOCKS_SUMMED;
        column->is_added = true;
    }
    return column->is_summed;
}

static void add_sums(sotto__int128 *words, const struct sotto__term *term, const double sums[2])
{
    for (size_t i = 0; i < 2; i++) {
        uint64_t bits;
        memcpy(&bits, &sums[i], sizeof bits);
        sotto__add_factors(words, term, &bits);
    }
}

static void add_product(sotto__int128 *words, const struct sotto__slices *x,
                        const struct sotto__slices *y, size_t len)
{
    int64_t sums[SOTTO__SLICE_SUMS];
    int64_t unit = x->exponent + y->exponent - 2 * SOTTO__SLICE_BITS + 2 * 1074;
    sotto__blocks()->multiply_slices(sums, x, y, len);
    for (size_t i = 0; i < SOTTO__SLICE_SUMS; i++) {
        sotto__add_integer(words, sums[i], (unsigned)unit);
        unit -= SOTTO__SLICE_BITS + 1;
    }
}

/* The column of an operation; NULL if it has none. *out_reg: its register. */
static struct column *find_column(const struct sotto__shared *shared,
                                  const struct sotto__register **out_reg,
                                  const struct sotto__rows *rows, size_t op)
{
    size_t unmasked = find_unmasked(rows->program, op);
    size_t place = shared->places[unmasked];
    *out_reg = &rows->registers[unmasked];
    return place != SOTTO_NONE ? &shared->columns[place] : NULL;
}

bool sotto__shared_add(const struct sotto__sums *sums, const struct sotto__rows *rows,
                       const struct sotto__term *term, size_t len)
{
    sotto__int128 *words = sums->accumulators + term->accumulator;
    const struct sotto__register *regs[2];
    if (sums->shared == NULL || !is_plain_sum(term) || term->factors_len > 2 ||
        len % SOTTO__BLOCK_STEP != 0) {
        return false;
    }
    struct column *a = find_column(sums->shared, &regs[0], rows, term->factors[0]);
    struct column *b =
        find_column(sums->shared, &regs[1], rows, term->factors[term->factors_len - 1]);
    if (a == NULL || b == NULL) {
        return false;
    }
    if (term->factors_len == 1) {
        bool is_summed = find_sums(a, regs[0], sums->scratch, len);
        if (is_summed) {
            add_sums(words, term, a->sums);
        }
        return is_summed;
    }
    const struct sotto__slices *x = find_slices(a, regs[0], len);
    const struct sotto__slices *y = find_slices(b, regs[1], len);
    if (x->len == 0 || y->len == 0) {
        return false;
    }
    add_product(words, x, y, len);
    return true;
}
