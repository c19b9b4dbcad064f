/* SPDX-License-Identifier: Apache-2.0 */

/* What many terms share of a block: sums of products of few columns of doubles, as X'X has them,
 * and the sums that come with them. It leans on the kernels of slices, which are exact; what they
 * do not take, accumulate.c adds. The one idea: each pair of columns masks both, but in a block
 * without missing values that changes nothing. So a column is taken apart, and summed up, once, and
 * serves all its terms. Where no column lacks a value in a block its sum goes to one accumulator,
 * which terms get when the rows are over; a pair's sums of slices wait for those of more blocks. */

#include "sums/sums.h"

#include <sotto/alloc.h>
#include <string.h>

/* A pair of columns costs about as much as taking one apart, and three times that without. */
#define PAIRS_OF_COLUMN_LEAST 2
#define COLUMNS_MAX 256 /* of 12 KiB each */
#define COLUMN_WORDS 36 /* at least one more than a sum of doubles has limbs */

/* Sums of slices of so many blocks fit 63 bits. */
#define WAITING_MAX 32

struct column {
    size_t op;            /* without masks */
    sotto__int128 *words; /* its sum in blocks where no column lacks a value */
    struct sotto__slices slices;
    double sums[2];
    bool is_sliced; /* in this block, as the others */
    bool is_added;
    bool is_summed; /* sums are all of it */
};

/* What a pair's last blocks gave, all in one unit, as sotto__add_integer has it. */
struct waiting {
    int64_t sums[SOTTO__SLICE_SUMS];
    int64_t unit;
    size_t blocks_len;
};

struct sotto__shared {
    size_t *places; /* [operation]: of its column below; SOTTO_NONE */
    struct column *columns;
    double *values;       /* of slices */
    sotto__int128 *words; /* of columns */
    size_t columns_len;
    struct waiting *waiting; /* [term] */
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
    shared->words = sotto_alloc_aligned(len * COLUMN_WORDS * sizeof *shared->words);
    shared->waiting = sotto_alloc_array(program->terms_len, sizeof *shared->waiting);
    if (shared->columns == NULL || shared->values == NULL || shared->words == NULL ||
        shared->waiting == NULL) {
        goto out;
    }
    for (size_t i = 0; i < len; i++) {
        shared->columns[i].slices.values = shared->values + i * column_len;
        shared->columns[i].words = shared->words + i * COLUMN_WORDS;
    }
    for (size_t i = 0; i < program->ops_len; i++) {
        if (shared->places[i] != SOTTO_NONE) {
            shared->columns[shared->places[i]].op = i;
        }
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
    sotto_free(shared->words);
    sotto_free(shared->waiting);
    sotto_free(shared);
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

static void add_sums(sotto__int128 *words, const double sums[2])
{
    sotto__add_double(words, sums[0], 1);
    sotto__add_double(words, sums[1], 1);
}

/* --- Blocks without missing values --- */

/* Whether a term is the sum of a column masked by no other operation than columns' own. */
static bool is_columns_sum(const struct sotto__shared *shared, const struct sotto__program *program,
                           const struct sotto__term *term)
{
    size_t op = term->factors[0];
    bool is_own = is_plain_sum(term) && term->factors_len == 1;
    for (; is_own && program->ops[op].kind == SOTTO__OP_MASK; op = program->ops[op].a) {
        is_own = shared->places[find_unmasked(program, program->ops[op].b)] != SOTTO_NONE;
    }
    return is_own && shared->places[op] != SOTTO_NONE;
}

bool sotto__shared_sums(const struct sotto__shared *shared, const struct sotto__program *program,
                        const struct sotto__term *term)
{
    return shared != NULL && is_columns_sum(shared, program, term);
}

bool sotto__shared_begin(const struct sotto__sums *sums, const struct sotto__rows *rows,
                         size_t dataset, size_t len)
{
    struct sotto__shared *shared = sums->shared;
    bool are_summed =
        shared != NULL && !sotto__program_selects(rows->program) && len % SOTTO__BLOCK_STEP == 0;
    for (size_t i = 0; shared != NULL && i < shared->columns_len; i++) {
        struct column *column = &shared->columns[i];
        const struct sotto__register *reg = &rows->registers[column->op];
        column->is_sliced = false;
        column->is_added = false;
        are_summed = are_summed && rows->program->ops[column->op].dataset == dataset &&
                     reg->state == rows->no_state && find_sums(column, reg, sums->scratch, len);
    }
    for (size_t i = 0; are_summed && i < shared->columns_len; i++) {
        add_sums(shared->columns[i].words, shared->columns[i].sums);
    }
    return are_summed;
}

const sotto__int128 *sotto__shared_total(const struct sotto__sums *sums,
                                         const struct sotto__term *term)
{
    const struct sotto__shared *shared = sums->shared;
    if (!sotto__shared_sums(shared, sums->program, term)) {
        return NULL;
    }
    SOTTO_VERIFY(term->limbs < COLUMN_WORDS);
    return shared->columns[shared->places[find_unmasked(sums->program, term->factors[0])]].words;
}

/* --- Pairs --- */

static void add_waiting(sotto__int128 *words, struct waiting *waiting)
{
    for (size_t i = 0; i < SOTTO__SLICE_SUMS; i++) {
        sotto__add_integer(words, waiting->sums[i],
                           (unsigned)(waiting->unit - (int64_t)i * (SOTTO__SLICE_BITS + 1)));
    }
    *waiting = (struct waiting){0};
}

void sotto__shared_flush(const struct sotto__sums *sums)
{
    const struct sotto__program *program = sums->program;
    for (size_t i = 0; sums->shared != NULL && i < program->terms_len; i++) {
        if (sums->shared->waiting[i].blocks_len > 0) {
            add_waiting(sums->accumulators + program->terms[i].accumulator,
                        &sums->shared->waiting[i]);
        }
    }
}

static void add_product(sotto__int128 *words, struct waiting *waiting,
                        const struct sotto__slices *x, const struct sotto__slices *y, size_t len)
{
    int64_t sums[SOTTO__SLICE_SUMS];
    int64_t unit = x->exponent + y->exponent - 2 * SOTTO__SLICE_BITS + 2 * 1074;
    if (waiting->blocks_len > 0 && (waiting->unit != unit || waiting->blocks_len == WAITING_MAX)) {
        add_waiting(words, waiting);
    }
    sotto__blocks()->multiply_slices(sums, x, y, len);
    for (size_t i = 0; i < SOTTO__SLICE_SUMS; i++) {
        waiting->sums[i] += sums[i];
    }
    waiting->unit = unit;
    waiting->blocks_len++;
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
            add_sums(words, a->sums);
        }
        return is_summed;
    }
    const struct sotto__slices *x = find_slices(a, regs[0], len);
    const struct sotto__slices *y = find_slices(b, regs[1], len);
    if (x->len == 0 || y->len == 0) {
        return false;
    }
    add_product(words, &sums->shared->waiting[term - rows->program->terms], x, y, len);
    return true;
}
