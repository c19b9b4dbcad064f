/* SPDX-License-Identifier: Apache-2.0 */

/* How many of a party's own rows stand on each side of the conditions of a round and in its groups:
 * what a party asks before its contribution may leave (LEAKAGE.md). It leans on the round's
 * program, in which each different operation stands once, and on evidence.c, which counts. The one
 * idea: what the program computes is judged, not how the plan put it.
 *
 * 1. Conditions are collected from the program: comparisons and logic, whether a value is there
 *    (isna, fillna), booleans that are multiplied with, values that may be missing, NaN that rows
 *    may make. Plans say the same thing in many ways; what is counted is what they compute.
 * 2. The reading that sums up counts the rows on both sides of each: for the conditions of `where`
 *    over all rows, for later ones over the rows that `where` leaves in, in each group. Counts only
 *    add up, so they are the same however rows are split.
 * 3. A side with fewer than min_rows rows is refused, as are two limits on one value with fewer
 *    rows between them. With groups the later conditions are judged in each group, and a group that
 *    fails is withheld, not the whole contribution.
 *
 * Operations are shared: a value that `where` and an aggregate need is one operation, computed once
 * before rows have groups. It is a condition of both then (is_used_late): over all rows, and among
 * those that are left in, where `where` may have decided it and one side may be empty. */

#include "contribute/contribute.h"

#include <sotto/alloc.h>

/* --- Which conditions --- */

static bool is_comparison(enum sotto__op_kind kind)
{
    return kind == SOTTO__OP_EQUAL || kind == SOTTO__OP_UNEQUAL || kind == SOTTO__OP_LESS ||
           kind == SOTTO__OP_LESS_EQUAL || kind == SOTTO__OP_TEXT_EQUAL;
}

static bool is_logic(enum sotto__op_kind kind)
{
    return kind == SOTTO__OP_AND || kind == SOTTO__OP_OR || kind == SOTTO__OP_NOT;
}

/* The operand below changes of unit or type that keep the order (rescaling, float, mask). */
static size_t find_unit(const struct sotto__program *program, size_t op)
{
    for (;;) {
        const struct sotto__op *at = &program->ops[op];
        bool is_rescaled = at->kind == SOTTO__OP_MULTIPLY &&
                           program->ops[at->b].dataset == SOTTO_NONE &&
                           at->scale > program->ops[at->a].scale && program->ops[at->b].scale == 0;
        if (!is_rescaled && at->kind != SOTTO__OP_FLOAT && at->kind != SOTTO__OP_MASK) {
            return op;
        }
        op = at->a;
    }
}

static void add_condition(struct sotto__guard *guard, struct sotto__condition condition)
{
    void *conditions = guard->conditions;
    if (guard->status != SOTTO_OK || guard->program->ops[condition.op].dataset == SOTTO_NONE) {
        return; /* without a dataset it is the same in every row */
    }
    for (size_t i = guard->early_len; i < guard->conditions_len; i++) {
        if (guard->conditions[i].op == condition.op &&
            guard->conditions[i].kind == condition.kind) {
            return;
        }
    }
    condition.compares = is_comparison(guard->program->ops[condition.op].kind);
    if (sotto_array_reserve(&conditions, &guard->capacity_len, guard->conditions_len + 1,
                            sizeof condition) != SOTTO_OK) {
        guard->status = SOTTO_ERROR_NO_MEMORY;
        return;
    }
    guard->conditions = conditions;
    guard->conditions[guard->conditions_len++] = condition;
}

/* A column of booleans that a value is multiplied by is a condition in disguise. */
static void add_factor(struct sotto__guard *guard, size_t factor, size_t other)
{
    const struct sotto__program *program = guard->program;
    size_t op = find_unit(program, factor);
    if (program->ops[op].type == SOTTO__ROW_BOOL && op != find_unit(program, other) &&
        program->ops[other].dataset != SOTTO_NONE) {
        add_condition(guard, (struct sotto__condition){.op = op, .limited = SOTTO_NONE});
    }
}

/* The condition of a comparison or of logic. Where a value is compared with a number, that limits
 * it: two limits on one value enclose rows between them. */
static struct sotto__condition make_condition(const struct sotto__program *program, size_t op)
{
    const struct sotto__op *at = &program->ops[op];
    struct sotto__condition condition = {.op = op, .limited = SOTTO_NONE};
    bool is_order = at->kind == SOTTO__OP_LESS || at->kind == SOTTO__OP_LESS_EQUAL;
    condition.may_be_empty = is_comparison(at->kind) && !at->is_asked;
    if (is_order && program->ops[at->b].dataset == SOTTO_NONE) {
        condition.limited = find_unit(program, at->a);
        condition.is_below = true;
    } else if (is_order && program->ops[at->a].dataset == SOTTO_NONE) {
        condition.limited = find_unit(program, at->b);
    }
    return condition;
}

static void add_op(struct sotto__guard *guard, size_t op)
{
    const struct sotto__op *at = &guard->program->ops[op];
    if (is_comparison(at->kind) || is_logic(at->kind)) {
        add_condition(guard, make_condition(guard->program, op));
    }
    for (int i = 0; is_logic(at->kind) && i < 2; i++) {
        size_t operand = i == 0 ? at->a : at->b;
        if (operand != SOTTO_NONE && guard->program->ops[operand].kind == SOTTO__OP_COLUMN) {
            add_condition(guard, (struct sotto__condition){.op = operand, .limited = SOTTO_NONE});
        }
    }
    if (at->kind == SOTTO__OP_IS_NA || at->kind == SOTTO__OP_FILL) {
        add_condition(guard, (struct sotto__condition){.kind = SOTTO__CONDITION_PRESENT,
                                                       .op = op,
                                                       .may_be_empty = true,
                                                       .limited = SOTTO_NONE});
    } else if (at->kind == SOTTO__OP_IF && !is_comparison(guard->program->ops[at->c].kind) &&
               guard->program->ops[at->c].kind != SOTTO__OP_IS_NA) {
        add_condition(guard, (struct sotto__condition){.op = at->c, .limited = SOTTO_NONE});
    } else if (at->kind == SOTTO__OP_MULTIPLY) {
        add_factor(guard, at->a, at->b);
        add_factor(guard, at->b, at->a);
    }
}

/* Marks what "x in (1, 2)" is made of, which is one condition: its comparisons stand at its place,
 * and only it takes them. */
static void find_parts_of_in(bool *out, const struct sotto__program *program)
{
    for (size_t i = 0; i < program->ops_len; i++) {
        const struct sotto__op *op = &program->ops[i];
        out[i] = op->kind == SOTTO__OP_EQUAL || op->kind == SOTTO__OP_TEXT_EQUAL ||
                 op->kind == SOTTO__OP_OR;
        bool is_taken = false;
        for (size_t j = i + 1; out[i] && j < program->ops_len; j++) {
            const struct sotto__op *by = &program->ops[j];
            if (by->a == i || by->b == i || by->c == i) {
                out[i] =
                    by->kind == SOTTO__OP_OR && by->source == op->source && by->start == op->start;
                is_taken = true;
            }
        }
        for (size_t j = 0; out[i] && j < program->terms_len; j++) {
            out[i] = program->terms[j].factors[0] != i;
        }
        out[i] = out[i] && is_taken && i != program->where;
    }
}

/* Whether an operation that where needs is used by the aggregates too. */
static bool is_used_late(const struct sotto__program *program, size_t op)
{
    bool found = false;
    for (size_t i = op + 1; i < program->ops_len; i++) {
        const struct sotto__op *by = &program->ops[i];
        found = found || (!by->is_early && (by->a == op || by->b == op || by->c == op));
    }
    for (size_t i = 0; i < program->terms_len; i++) {
        found = found || program->terms[i].factors[0] == op;
    }
    return found;
}

static void add_terms(struct sotto__guard *guard)
{
    const struct sotto__program *program = guard->program;
    for (size_t i = 0; i < program->terms_len; i++) {
        const struct sotto__term *term = &program->terms[i];
        if (term->factors_len == 2) {
            add_factor(guard, term->factors[0], term->factors[1]);
            add_factor(guard, term->factors[1], term->factors[0]);
        }
        for (size_t j = 0; j < term->factors_len; j++) {
            add_condition(guard, (struct sotto__condition){.kind = SOTTO__CONDITION_VALUES,
                                                           .op = term->factors[j],
                                                           .may_be_empty = true,
                                                           .limited = SOTTO_NONE});
        }
    }
}

/* Whether rows may make NaN, which is a condition in disguise: sqrt(id - 16.5) has no value where
 * id is 16 or less. */
static bool may_make_nan(const struct sotto__program *program)
{
    bool found = false;
    for (size_t i = 0; i < program->terms_len; i++) {
        for (size_t j = 0; j < program->terms[i].factors_len; j++) {
            found = found || program->ops[program->terms[i].factors[j]].makes_nan;
        }
    }
    return found;
}

/* Adds the conditions of where, parts of "in" left out. */
static void add_early(struct sotto__guard *guard, const bool *parts)
{
    const struct sotto__program *program = guard->program;
    for (size_t i = 0; i < program->ops_len; i++) {
        if (program->ops[i].is_early && !parts[i]) {
            add_op(guard, i);
        }
    }
    if (program->where != SOTTO_NONE) {
        add_condition(guard,
                      (struct sotto__condition){.op = program->where, .limited = SOTTO_NONE});
    }
    guard->early_len = guard->conditions_len;
}

static void add_late(struct sotto__guard *guard, const bool *parts)
{
    const struct sotto__program *program = guard->program;
    for (size_t i = 0; i < program->ops_len; i++) {
        size_t before = guard->conditions_len;
        bool is_early = program->ops[i].is_early;
        if (!parts[i] && (!is_early || is_used_late(program, i))) {
            add_op(guard, i);
        }
        for (size_t j = before; is_early && j < guard->conditions_len; j++) {
            guard->conditions[j].may_be_empty = true; /* where may have decided it */
        }
    }
}

/* Finds the terms of comparisons that are idle: an index counts the rows of these. */
static enum sotto_status find_indexed(struct sotto__guard *guard, struct sotto_error *err)
{
    const struct sotto__program *program = guard->program;
    size_t *terms = sotto_alloc_array(program->ops_len, sizeof *terms);
    if (terms == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < program->ops_len; i++) {
        terms[i] = SOTTO_NONE;
    }
    for (size_t i = 0; i < program->terms_len; i++) {
        if (program->terms[i].index != SOTTO_NONE) {
            terms[program->terms[i].factors[0]] = i;
        }
    }
    for (size_t i = 0; i < guard->conditions_len; i++) {
        struct sotto__condition *condition = &guard->conditions[i];
        bool is_idle = program->ops[condition->op].is_idle;
        condition->term = is_idle ? terms[condition->op] : SOTTO_NONE;
        SOTTO_REQUIRE(!is_idle || (condition->term != SOTTO_NONE && i >= guard->early_len));
    }
    sotto_free(terms);
    return SOTTO_OK;
}

enum sotto_status sotto__guard_init(struct sotto__guard *out, const struct sotto_driver *driver,
                                    struct sotto_error *err)
{
    const struct sotto__program *program = driver->program;
    *out = (struct sotto__guard){.driver = driver, .program = program};
    bool *parts = sotto_alloc_array(program->ops_len + 1, sizeof *parts);
    if (parts == NULL) {
        return sotto_error_no_memory(err);
    }
    find_parts_of_in(parts, program);
    add_early(out, parts);
    add_late(out, parts);
    sotto_free(parts);
    for (size_t i = 0; i < program->indices_len; i++) {
        const struct sotto__index *index = &program->indices[i];
        out->bins_len += index->is_asked ? sotto__index_bins(index) : 0;
    }
    out->asks = out->conditions_len > 0 || program->keys_len > 0 || out->bins_len > 0 ||
                may_make_nan(program);
    add_terms(out);
    if (out->status != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = find_indexed(out, err);
    if (status != SOTTO_OK) {
        return status;
    }
    out->group_len = 1 + 2 * (out->conditions_len - out->early_len);
    out->conditions_at = driver->plan->datasets_len + driver->expansion.columns_len;
    out->bins_at = out->conditions_at + 2 * out->early_len + program->groups_len * out->group_len;
    out->counts_len = out->bins_at + program->groups_len * out->bins_len;
    return out->group_len <= SOTTO__ROUND_LIMBS_MAX / program->groups_len
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_LIMIT,
                                 "there are too many conditions in too many groups to count the "
                                 "rows of each");
}

void sotto__guard_release(struct sotto__guard *guard)
{
    sotto_free(guard->conditions);
    *guard = (struct sotto__guard){0};
}

/* --- Judging --- */

static bool is_too_few(const struct sotto__condition *condition, uint64_t rows, uint64_t min_rows)
{
    return rows < min_rows && !(rows == 0 && condition->may_be_empty);
}

static enum sotto_status fail_too_few(const struct sotto__guard *guard,
                                      const struct sotto__condition *condition,
                                      const uint64_t *counts, uint64_t min_rows,
                                      struct sotto_error *err)
{
    const struct sotto__op *op = &guard->program->ops[condition->op];
    if (condition->op == guard->program->where) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                               "where %.200s leaves %llu rows in and %llu out here, at least %llu "
                               "each are needed",
                               guard->driver->plan->where.text, (unsigned long long)counts[1],
                               (unsigned long long)counts[0], (unsigned long long)min_rows);
    }
    if (condition->kind != SOTTO__CONDITION_TRUTH) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                               "what stands at column %zu of %.200s has values in %llu rows here "
                               "and none in %llu, at least %llu are needed",
                               op->start + 1, op->source, (unsigned long long)counts[1],
                               (unsigned long long)counts[0], (unsigned long long)min_rows);
    }
    return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                           "the condition at column %zu of %.200s is true in %llu rows here and "
                           "false in %llu, at least %llu each are needed",
                           op->start + 1, op->source, (unsigned long long)counts[1],
                           (unsigned long long)counts[0], (unsigned long long)min_rows);
}

static bool has_too_few(const struct sotto__condition *condition, const uint64_t *counts,
                        uint64_t min_rows)
{
    return is_too_few(condition, counts[1], min_rows) || is_too_few(condition, counts[0], min_rows);
}

/* Refuses two limits on one value that enclose rows, but too few. */
static enum sotto_status check_limits(const struct sotto__guard *guard, size_t from, size_t to,
                                      const uint64_t *counts, uint64_t min_rows,
                                      struct sotto_error *err)
{
    for (size_t i = from; i < to; i++) {
        const struct sotto__condition *one = &guard->conditions[i];
        for (size_t j = from; one->limited != SOTTO_NONE && j < i; j++) {
            const struct sotto__condition *other = &guard->conditions[j];
            if (other->limited != one->limited) {
                continue;
            }
            uint64_t below = counts[2 * (i - from) + one->is_below];
            uint64_t less = counts[2 * (j - from) + other->is_below];
            uint64_t between = below > less ? below - less : less - below;
            if (between > 0 && between < min_rows) {
                const struct sotto__op *op = &guard->program->ops[one->op];
                return sotto_error_set(
                    err, SOTTO_ERROR_REFUSED,
                    "two limits at column %zu of %.200s have %llu rows between them here, at least "
                    "%llu are needed",
                    op->start + 1, op->source, (unsigned long long)between,
                    (unsigned long long)min_rows);
            }
        }
    }
    return SOTTO_OK;
}

/* Checks conditions from .. to - 1, whose counts begin at counts. */
static enum sotto_status check_conditions(const struct sotto__guard *guard, size_t from, size_t to,
                                          const uint64_t *counts, uint64_t min_rows,
                                          struct sotto_error *err)
{
    for (size_t i = from; i < to; i++) {
        if (has_too_few(&guard->conditions[i], counts + 2 * (i - from), min_rows)) {
            return fail_too_few(guard, &guard->conditions[i], counts + 2 * (i - from), min_rows,
                                err);
        }
    }
    return check_limits(guard, from, to, counts, min_rows, err);
}

static enum sotto_status judge_conditions(const struct sotto__guard *guard, uint8_t *withheld,
                                          const uint64_t *counts, uint64_t min_rows,
                                          struct sotto_error *err)
{
    const struct sotto__program *program = guard->program;
    const uint64_t *late = counts + 2 * guard->early_len;
    enum sotto_status status = check_conditions(guard, 0, guard->early_len, counts, min_rows, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (program->keys_len == 0) {
        return check_conditions(guard, guard->early_len, guard->conditions_len, late + 1, min_rows,
                                err);
    }
    for (size_t group = 0; group < program->groups_len; group++) {
        const uint64_t *of = late + group * guard->group_len;
        if (of[0] < min_rows || check_conditions(guard, guard->early_len, guard->conditions_len,
                                                 of + 1, min_rows, NULL) != SOTTO_OK) {
            withheld[group] = 1;
        }
    }
    return SOTTO_OK;
}

/* Refuses what a method counts where a number has rows, but too few; with groups, those with such a
 * number are withheld. */
static enum sotto_status judge_bins(const struct sotto__guard *guard, uint8_t *withheld,
                                    const uint64_t *bins, uint64_t min_rows,
                                    struct sotto_error *err)
{
    for (size_t i = 0; i < guard->program->groups_len * guard->bins_len; i++) {
        if (bins[i] == 0 || bins[i] >= min_rows) {
            continue;
        }
        if (guard->program->keys_len == 0) {
            return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                   "a method counts %llu rows by themselves here, at least %llu "
                                   "are needed",
                                   (unsigned long long)bins[i], (unsigned long long)min_rows);
        }
        withheld[i / guard->bins_len] = 1;
    }
    return SOTTO_OK;
}

/* Refuses column i of the expansion if it has values in few rows; groups are judged one by one. */
static enum sotto_status check_column(const struct sotto__guard *guard, size_t i, uint64_t present,
                                      uint64_t min_rows, struct sotto_error *err)
{
    const struct sotto__column *column = &guard->driver->expansion.columns[i];
    if (present == 0 || present >= min_rows || guard->program->keys_len > 0) {
        return SOTTO_OK;
    }
    return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                           "column %s.%s has values in %llu rows here, at least %llu are needed",
                           guard->driver->plan->datasets[column->dataset].alias, column->name,
                           (unsigned long long)present, (unsigned long long)min_rows);
}

/* Where two columns that are read have gaps, values may be present together in fewer rows than
 * each; where nobody knows the gaps, that must be counted too. */
enum sotto_status sotto__guard_foresee(bool *out_counts, const struct sotto__guard *guard,
                                       const struct sotto_catalogue *const *catalogues,
                                       uint64_t min_rows, struct sotto_error *err)
{
    size_t gaps = 0;
    bool is_known = true;
    for (size_t i = 0; i < guard->driver->expansion.columns_len; i++) {
        const struct sotto__column *column = &guard->driver->expansion.columns[i];
        const struct sotto_catalogue *catalogue = catalogues[column->dataset];
        size_t found = sotto_catalogue_find(catalogue, column->name);
        if (found == SOTTO_NONE || !sotto__program_reads(guard->program, i)) {
            continue;
        }
        uint64_t missing = catalogue->columns[found].missing;
        if (missing == SOTTO_ROWS_UNKNOWN || catalogue->rows == SOTTO_ROWS_UNKNOWN) {
            is_known = false;
            continue;
        }
        enum sotto_status status = check_column(guard, i, catalogue->rows - missing, min_rows, err);
        if (status != SOTTO_OK) {
            return status;
        }
        gaps += missing > 0;
    }
    *out_counts = guard->asks || gaps > 1 || !is_known;
    return SOTTO_OK;
}

enum sotto_status sotto__guard_judge(const struct sotto__guard *guard, uint8_t *withheld,
                                     const struct sotto__evidence *evidence, uint64_t min_rows,
                                     struct sotto_error *err)
{
    const uint64_t *present = evidence->counts + guard->driver->plan->datasets_len;
    for (size_t i = 0; i < guard->driver->expansion.columns_len; i++) {
        enum sotto_status status = check_column(guard, i, present[i], min_rows, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    enum sotto_status status =
        judge_conditions(guard, withheld, evidence->counts + guard->conditions_at, min_rows, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return judge_bins(guard, withheld, evidence->counts + guard->bins_at, min_rows, err);
}
