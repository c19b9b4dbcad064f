/* SPDX-License-Identifier: Apache-2.0 */

/* Conditions on one value that are counted together. It leans on the compiled program: hist and
 * value_counts are, like all else, sums of conditions (plan/expand.c), each with an operation and a
 * slot, and so they stay for those who ask what stands behind a condition (contribute/inquiry.c).
 *
 * The one idea: x >= 0, x >= 10, x >= 20, ... of one row are all known once it is known between
 * which of the limits x stands. So where a program sums up many comparisons of one value with
 * constants, their limits are sorted, each row gets the number of limits that are at its value or
 * below, rows are counted by this number, and each sum is that of the counts of a range of numbers.
 * A comparison that nothing else needs is idle then. Whether a value is equal to one of many texts
 * is told by one number likewise. */

#include "program/compile.h"

#include <math.h>
#include <sotto/alloc.h>
#include <stdlib.h>
#include <string.h>

/* With fewer terms the comparisons are faster than a search. */
#define TERMS_LEN_LEAST 8
/* Values of more bits have more than two limbs. */
#define VALUE_BITS_MAX 125

/* A limit: of exact values in units of theirs, of doubles; values at it or above are beyond. */
struct limit {
    sotto__int128 exact;
    double number; /* NaN: no value is beyond */
};

/* A term that an index may count: rows whose value is at low or above, and not at high or above. */
struct candidate {
    size_t term;
    size_t value; /* operation */
    bool has_low;
    bool has_high;
    bool is_done;
    struct limit low;
    struct limit high;
    const char *text; /* a text that it is equal to */
};

struct candidates {
    struct candidate *list; /* by their terms */
    size_t len;
    struct limit *limits; /* scratch: two of each, and one more */
};

/* --- Constants --- */

/* The units of an exact constant. Recursion: as deep as its expression. Returns: false if it is
 * none. */
static bool read_exact(mpz_t out, const struct sotto__program *program, size_t op)
{
    const struct sotto__op *at = &program->ops[op];
    if (at->type == SOTTO__ROW_FLOAT || at->is_null || at->bits > SOTTO__VALUE_BITS_MAX) {
        return false;
    }
    if (at->kind == SOTTO__OP_CONSTANT) {
        sotto__limbs_import(out, program->constants[at->index].limbs, SOTTO__VALUE_LIMBS_MAX);
        return true;
    }
    if (at->kind == SOTTO__OP_NEGATE) {
        bool is_known = read_exact(out, program, at->a);
        mpz_neg(out, out);
        return is_known;
    }
    if (at->kind != SOTTO__OP_MULTIPLY || !read_exact(out, program, at->a)) {
        return false;
    }
    mpz_t factor;
    mpz_init(factor);
    bool is_known = read_exact(factor, program, at->b);
    mpz_mul(out, out, factor);
    mpz_clear(factor);
    return is_known;
}

/* A constant of doubles, likewise. */
static bool read_double(double *out, const struct sotto__program *program, size_t op)
{
    const struct sotto__op *at = &program->ops[op];
    if (at->is_null) { /* na, which nothing is beside */
        return false;
    }
    if (at->kind == SOTTO__OP_CONSTANT && at->type == SOTTO__ROW_FLOAT) {
        *out = program->constants[at->index].number;
        return true;
    }
    if (at->kind != SOTTO__OP_FLOAT) {
        return false;
    }
    mpq_t number;
    mpq_init(number);
    bool is_known = read_exact(mpq_numref(number), program, at->a);
    mpz_ui_pow_ui(mpq_denref(number), 10, program->ops[at->a].scale);
    mpq_canonicalize(number);
    *out = sotto__rational_to_double(number);
    mpq_clear(number);
    return is_known;
}

/* --- Candidates --- */

/* Returns: the number; of one too large, a number of its sign that is beyond all values. */
static sotto__int128 clamp_limit(const mpz_t number)
{
    uint64_t limbs[2] = {0, UINT64_C(1) << 62};
    if (mpz_sizeinbase(number, 2) <= VALUE_BITS_MAX + 1) {
        limbs[1] = 0;
        (void)mpz_export(limbs, NULL, -1, sizeof limbs[0], 0, 0, number);
    }
    sotto__int128 magnitude = (sotto__int128)((sotto__uint128)limbs[1] << 64 | limbs[0]);
    return mpz_sgn(number) < 0 ? -magnitude : magnitude;
}

/* The least value that is at the constant or above, and the least that is above, in units that are
 * so many powers of ten larger than the constant's. */
static void set_exact_limits(struct limit *at, struct limit *above, mpz_t constant,
                             unsigned power_of_ten)
{
    mpz_t unit;
    mpz_t bound;
    mpz_inits(unit, bound, NULL);
    mpz_ui_pow_ui(unit, 10, power_of_ten);
    mpz_cdiv_q(bound, constant, unit);
    at->exact = clamp_limit(bound);
    mpz_fdiv_q(bound, constant, unit);
    mpz_add_ui(bound, bound, 1);
    above->exact = clamp_limit(bound);
    mpz_clears(unit, bound, NULL);
}

static void set_double_limits(struct limit *at, struct limit *above, double constant)
{
    at->number = constant;
    above->number = isinf(constant) && constant > 0 ? NAN : nextafter(constant, INFINITY);
}

/* The value that was brought to the scale of a constant, before. */
static size_t find_value(const struct sotto__program *program, size_t op)
{
    const struct sotto__op *at = &program->ops[op];
    bool is_rescaled = at->kind == SOTTO__OP_MULTIPLY && at->type == SOTTO__ROW_EXACT &&
                       program->ops[at->b].kind == SOTTO__OP_CONSTANT &&
                       at->scale > program->ops[at->a].scale && program->ops[at->b].scale == 0;
    return is_rescaled ? at->a : op;
}

/* Reads the limits on the value of a comparison with a constant. */
static bool read_limits(struct candidate *out, struct limit *at, struct limit *above,
                        const struct sotto__program *program, size_t value, size_t constant)
{
    if (program->ops[value].type == SOTTO__ROW_FLOAT) {
        double number;
        out->value = value;
        bool is_known = read_double(&number, program, constant);
        if (is_known) {
            set_double_limits(at, above, number);
        }
        return is_known;
    }
    mpz_t number;
    mpz_init(number);
    out->value = find_value(program, value);
    bool is_known = program->ops[out->value].bits <= VALUE_BITS_MAX &&
                    !program->ops[out->value].is_null && read_exact(number, program, constant);
    if (is_known) {
        set_exact_limits(at, above, number,
                         program->ops[value].scale - program->ops[out->value].scale);
    }
    mpz_clear(number);
    return is_known;
}

static bool is_order(enum sotto__op_kind kind)
{
    return kind == SOTTO__OP_LESS || kind == SOTTO__OP_LESS_EQUAL;
}

static bool read_comparison(struct candidate *out, const struct sotto__program *program,
                            const struct sotto__op *comparison)
{
    struct limit at = {0};
    struct limit above = {0};
    bool is_left = program->ops[comparison->a].dataset != SOTTO_NONE; /* x < 5, not 5 < x */
    size_t value = is_left ? comparison->a : comparison->b;
    size_t constant = is_left ? comparison->b : comparison->a;
    if (program->ops[constant].dataset != SOTTO_NONE ||
        !read_limits(out, &at, &above, program, value, constant)) {
        return false;
    }
    bool is_equal = comparison->kind == SOTTO__OP_EQUAL;
    bool is_strict = comparison->kind == SOTTO__OP_LESS;
    out->has_low = is_equal || !is_left;
    out->has_high = is_equal || is_left;
    out->low = !is_equal && is_strict ? above : at;
    out->high = !is_equal && is_strict ? at : above;
    return true;
}

/* The rows between two limits on one value: of a bin. */
static bool read_both(struct candidate *out, const struct sotto__program *program,
                      const struct sotto__op *both)
{
    struct candidate low = {.value = SOTTO_NONE};
    struct candidate high = {.value = SOTTO_NONE};
    const struct sotto__op *a = &program->ops[both->a];
    const struct sotto__op *b = &program->ops[both->b];
    if (!is_order(a->kind) || !is_order(b->kind) || !read_comparison(&low, program, a) ||
        !read_comparison(&high, program, b)) {
        return false;
    }
    if (low.has_high) { /* the other way around */
        struct candidate first = low;
        low = high;
        high = first;
    }
    *out = low;
    out->has_high = high.has_high;
    out->high = high.high;
    return low.value == high.value && low.has_low && !low.has_high && high.has_high &&
           !high.has_low;
}

/* Whether a term is the sum of one value, which an index may count. */
static bool may_be_counted(const struct sotto__program *program, const struct sotto__term *term)
{
    return term->index == SOTTO_NONE && term->times == SOTTO_NONE &&
           term->kind == SOTTO__TERM_SUM && term->factors_len == 1 &&
           program->ops[term->factors[0]].dataset != SOTTO_NONE;
}

/* Reads the only factor of a term. Returns: false if an index can't count it. */
static bool read_candidate(struct candidate *out, const struct sotto__program *program,
                           const struct sotto__op *op)
{
    *out = (struct candidate){0};
    if (op->kind == SOTTO__OP_TEXT_EQUAL) {
        out->text = op->text;
        out->value = op->a;
        return program->ops[op->a].type == SOTTO__ROW_TEXT && op->digits == 0;
    }
    if (op->kind == SOTTO__OP_EQUAL || is_order(op->kind)) {
        return read_comparison(out, program, op);
    }
    return op->kind == SOTTO__OP_AND && read_both(out, program, op);
}

static enum sotto_status find_candidates(struct candidates *out,
                                         const struct sotto__program *program)
{
    size_t len = 0;
    for (size_t i = 0; i < program->terms_len; i++) {
        len += may_be_counted(program, &program->terms[i]);
    }
    out->list = sotto_alloc_array(len, sizeof *out->list);
    out->limits = sotto_alloc_array(2 * len + 1, sizeof *out->limits);
    if (out->list == NULL || out->limits == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < program->terms_len; i++) {
        const struct sotto__term *term = &program->terms[i];
        if (may_be_counted(program, term) &&
            read_candidate(&out->list[out->len], program, &program->ops[term->factors[0]])) {
            out->list[out->len++].term = i;
        }
    }
    return SOTTO_OK;
}

/* --- Indices --- */

void sotto__index_release(struct sotto__index *index)
{
    sotto_free(index->ops);
    sotto_free(index->narrow_limits);
    sotto_free(index->limits);
    sotto_free(index->double_limits);
    sotto__levels_free(index->levels);
    sotto_free(index->texts);
    *index = (struct sotto__index){0};
}

static int compare_exact(const void *a, const void *b)
{
    sotto__int128 x = ((const struct limit *)a)->exact;
    sotto__int128 y = ((const struct limit *)b)->exact;
    return (x > y) - (x < y);
}

/* NaN, which is beyond all values, comes last. */
static int compare_doubles(const void *a, const void *b)
{
    double x = ((const struct limit *)a)->number;
    double y = ((const struct limit *)b)->number;
    if (x != x || y != y) {
        return (x != x) - (y != y);
    }
    return (x > y) - (x < y);
}

/* Takes the limits of all candidates on a value, sorts them, and drops what is there twice.
 * Returns: how many there are. */
static size_t collect_limits(struct limit *out, const struct candidates *candidates, size_t value,
                             int (*compare)(const void *, const void *))
{
    size_t all = 0;
    size_t kept = 0;
    for (size_t i = 0; i < candidates->len; i++) {
        const struct candidate *candidate = &candidates->list[i];
        if (candidate->value == value) {
            out[all] = candidate->low;
            all += candidate->has_low;
            out[all] = candidate->high;
            all += candidate->has_high;
        }
    }
    qsort(out, all, sizeof *out, compare);
    for (size_t i = 0; i < all; i++) {
        if (kept == 0 || compare(&out[kept - 1], &out[i]) != 0) {
            out[kept++] = out[i];
        }
    }
    return kept;
}

/* One less than a power of two, len at least. */
static size_t pad_limits(size_t len)
{
    size_t padded = 1;
    while (padded < len) {
        padded = 2 * padded + 1;
    }
    return padded;
}

static enum sotto_status set_double_limits_of(struct sotto__index *index,
                                              const struct limit *limits)
{
    index->padded_len = pad_limits(index->len);
    index->double_limits = sotto_alloc_array(index->padded_len, sizeof *index->double_limits);
    for (size_t i = 0; index->double_limits != NULL && i < index->padded_len; i++) {
        index->double_limits[i] = i < index->len ? limits[i].number : NAN;
    }
    return index->double_limits != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

enum sotto_status sotto__index_set_limits(struct sotto__index *index, const sotto__int128 *limits,
                                          size_t len)
{
    index->padded_len = pad_limits(len);
    index->limits = sotto_alloc_array(index->padded_len, sizeof *index->limits);
    index->narrow_limits = sotto_alloc_array(index->padded_len, sizeof *index->narrow_limits);
    if (index->limits == NULL || index->narrow_limits == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < index->padded_len; i++) {
        sotto__int128 limit = i < len ? limits[i] : (sotto__int128)((~(sotto__uint128)0) >> 1);
        bool is_low = limit < INT64_MIN;
        bool is_high = limit > INT64_MAX;
        index->limits[i] = limit;
        index->narrow_limits[i] = is_low ? INT64_MIN : is_high ? INT64_MAX : (int64_t)limit;
        index->narrow_len += !is_high;
    }
    return SOTTO_OK;
}

static enum sotto_status set_exact_limits_of(struct sotto__index *index, const struct limit *limits)
{
    sotto__int128 *exact = sotto_alloc_array(index->len, sizeof *exact);
    if (exact == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < index->len; i++) {
        exact[i] = limits[i].exact;
    }
    enum sotto_status status = sotto__index_set_limits(index, exact, index->len);
    sotto_free(exact);
    return status;
}

/* Returns: the number of the first row that is at the limit or above. */
static size_t find_limit(const struct limit *limits, size_t len, const struct limit *limit,
                         int (*compare)(const void *, const void *))
{
    const struct limit *found = bsearch(limit, limits, len, sizeof *limits, compare);
    SOTTO_REQUIRE(found != NULL);
    return (size_t)(found - limits) + 1;
}

/* Makes an index of numbers. */
static enum sotto_status index_numbers(struct sotto__program *program, struct sotto__index *index,
                                       const struct candidates *candidates)
{
    struct limit *limits = candidates->limits;
    bool are_doubles = program->ops[index->op].type == SOTTO__ROW_FLOAT;
    int (*compare)(const void *, const void *) = are_doubles ? compare_doubles : compare_exact;
    index->len = collect_limits(limits, candidates, index->op, compare);
    for (size_t i = 0; i < candidates->len; i++) {
        const struct candidate *by = &candidates->list[i];
        struct sotto__term *term = &program->terms[by->term];
        if (by->value == index->op) {
            term->index = program->indices_len;
            term->first = by->has_low ? find_limit(limits, index->len, &by->low, compare) : 0;
            term->last =
                by->has_high ? find_limit(limits, index->len, &by->high, compare) : index->len + 1;
            term->last = term->last > term->first ? term->last : term->first;
        }
    }
    return are_doubles ? set_double_limits_of(index, limits) : set_exact_limits_of(index, limits);
}

static enum sotto_status index_texts(struct sotto__program *program, struct sotto__index *index,
                                     const struct candidates *candidates, struct sotto_error *err)
{
    index->texts = sotto_alloc_array(candidates->len, sizeof *index->texts);
    if (index->texts == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < candidates->len; i++) {
        const struct candidate *candidate = &candidates->list[i];
        struct sotto__term *term = &program->terms[candidate->term];
        if (candidate->value == index->op) {
            index->texts[index->len].kind = SOTTO__LEVEL_TEXT;
            index->texts[index->len].text = (char *)candidate->text;
            term->index = program->indices_len;
            term->first = index->len++;
            term->last = index->len;
        }
    }
    struct sotto__group_key key = {.levels = index->texts, .levels_len = index->len};
    return sotto__levels_new(&index->levels, &key, (struct sotto_type){.kind = SOTTO_KIND_STRING},
                             err);
}

static enum sotto_status add_index(struct sotto__program *program,
                                   const struct candidates *candidates, size_t value,
                                   struct sotto_error *err)
{
    bool is_text = program->ops[value].type == SOTTO__ROW_TEXT;
    void *indices = program->indices;
    if (sotto_array_reserve(&indices, &program->indices_capacity_len, program->indices_len + 1,
                            sizeof *program->indices) != SOTTO_OK) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    program->indices = indices;
    struct sotto__index *index = &program->indices[program->indices_len];
    *index = (struct sotto__index){.kind = is_text ? SOTTO__INDEX_LEVELS : SOTTO__INDEX_LIMITS,
                                   .op = value,
                                   .twin = program->indices_len,
                                   .offset = program->group_counts};
    enum sotto_status status = is_text ? index_texts(program, index, candidates, err)
                                       : index_numbers(program, index, candidates);
    if (status != SOTTO_OK) {
        sotto__index_release(index);
        return status;
    }
    program->group_counts += index->len + 4;
    program->indices_len++;
    return SOTTO_OK;
}

/* Makes an index of each value that enough candidates are about. */
static enum sotto_status add_indices(struct sotto__program *program, struct candidates *candidates,
                                     struct sotto_error *err)
{
    for (size_t i = 0; i < candidates->len; i++) {
        size_t value = candidates->list[i].value;
        size_t len = 0;
        for (size_t j = i; !candidates->list[i].is_done && j < candidates->len; j++) {
            len += candidates->list[j].value == value;
        }
        for (size_t j = i; len > 0 && j < candidates->len; j++) {
            struct candidate *candidate = &candidates->list[j];
            candidate->is_done = candidate->is_done || candidate->value == value;
        }
        if (len >= TERMS_LEN_LEAST) {
            enum sotto_status status = add_index(program, candidates, value, err);
            if (status != SOTTO_OK) {
                return status;
            }
        }
    }
    return SOTTO_OK;
}

/* --- Twins --- */

/* Whether words at two places are the same in each group's parameters. */
static bool are_same_words(const struct sotto__program *program, size_t a, size_t b, size_t words)
{
    bool same = true;
    for (size_t group = 0; same && group < program->groups_len; group++) {
        const uint64_t *parameters = program->parameters + group * program->parameters_len;
        same = memcmp(parameters + a, parameters + b, words * sizeof *parameters) == 0;
    }
    return same;
}

/* How many words of parameters an index of digits or of parts has at its place. */
static size_t count_words(const struct sotto__index *index)
{
    return index->cells_len * (index->kind == SOTTO__INDEX_DIGITS ? 2 : SOTTO__CELL_WORDS);
}

static bool are_twins(const struct sotto__program *program, const struct sotto__index *a,
                      const struct sotto__index *b)
{
    bool by_keys = a->kind == SOTTO__INDEX_DIGITS || a->kind == SOTTO__INDEX_PARTS;
    bool are_alike = by_keys && a->op == b->op && a->kind == b->kind && a->shift == b->shift &&
                     a->digit_bits == b->digit_bits && a->key_bits == b->key_bits &&
                     a->cells_len == b->cells_len && a->is_mapped == b->is_mapped &&
                     (a->place == SOTTO_NONE) == (b->place == SOTTO_NONE);
    return are_alike &&
           (a->place == SOTTO_NONE ||
            are_same_words(program, a->place, b->place, count_words(a))) &&
           (!a->is_mapped ||
            are_same_words(program, a->map, b->map, a->cells_len * SOTTO__MAP_WORDS));
}

void sotto__indices_find_twins(struct sotto__program *program)
{
    for (size_t i = 0; i < program->indices_len; i++) {
        size_t twin = 0;
        while (twin < i && !are_twins(program, &program->indices[twin], &program->indices[i])) {
            twin++;
        }
        program->indices[i].twin = twin;
    }
}

/* --- What is idle --- */

void sotto__wake_operands(struct sotto__program *program)
{
    for (size_t i = program->ops_len; i-- > 0;) {
        const struct sotto__op *op = &program->ops[i];
        const size_t operands[3] = {op->a, op->b, op->c};
        for (size_t j = 0; !op->is_idle && j < 3; j++) {
            if (operands[j] != SOTTO_NONE) {
                program->ops[operands[j]].is_idle = false;
            }
        }
    }
}

/* Marks what is not needed by where, an index or a term that no index counts. Operands stand before
 * what uses them: one pass down finds all. */
static void mark_idle(struct sotto__program *program)
{
    for (size_t i = 0; i < program->ops_len; i++) {
        program->ops[i].is_idle = !program->ops[i].is_early;
    }
    for (size_t i = 0; i < program->indices_len; i++) {
        const struct sotto__index *index = &program->indices[i];
        program->ops[index->op].is_idle = false;
        for (size_t j = 0; j < index->ops_len; j++) {
            program->ops[index->ops[j]].is_idle = false;
        }
    }
    for (size_t i = 0; i < program->terms_len; i++) {
        const struct sotto__term *term = &program->terms[i];
        bool is_counted = term->index != SOTTO_NONE && !term->is_binned;
        for (size_t j = 0; !is_counted && j < term->factors_len; j++) {
            program->ops[term->factors[j]].is_idle = false;
        }
        if (term->times != SOTTO_NONE) {
            program->ops[term->times].is_idle = false;
        }
    }
    sotto__wake_operands(program);
}

enum sotto_status sotto__indices_find(struct sotto__program *program, struct sotto_error *err)
{
    struct candidates candidates = {0};
    enum sotto_status status = find_candidates(&candidates, program);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = add_indices(program, &candidates, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    mark_idle(program);
out:
    sotto_free(candidates.list);
    sotto_free(candidates.limits);
    return status == SOTTO_ERROR_NO_MEMORY ? sotto_error_no_memory(err) : status;
}
