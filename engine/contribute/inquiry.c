/* SPDX-License-Identifier: Apache-2.0 */

/* What a round asks of a party's rows: the sets over which sums are opened, and the monomials that
 * are summed up over each. It leans on the round's program, in which each different operation
 * stands once, and on evidence.c, which counts. The one idea: what the program computes decides,
 * not how the plan put it; a set is named by what must hold of a row to be in it (its *literals*:
 * this column has a value, that condition is true), so that two ways to write a set are one set
 * (inquiry_sets.c).
 *
 * 1. A row goes into a term where the term's operation has a value. find_present says when that is,
 *    down to columns, conditions and whatever can't be taken apart, which counts as itself.
 * 2. A term that sums up truths, or counts, opens how many rows are in a set. Any other opens the
 *    monomials of its polynomial, as if each were opened alone (sotto__factors_expand).
 * 3. A condition that arithmetic uses, outside if and logic, is a set too (add_used_conditions). */

#include "contribute/contribute.h"
#include "contribute/cover.h"
#include "contribute/inquiring.h"

#include <sotto/alloc.h>
#include <string.h>

/* Of so many sets of a monomial each two are compared. */
#define DIFFERENCES_ALL 16

/* --- Sums --- */

static size_t add_column(struct sotto__inquiry *inquiry, size_t op)
{
    const struct sotto__op *at;
    void *columns = inquiry->columns;
    void *ops = inquiry->column_ops;
    if (op == SOTTO_NONE) {
        return SOTTO_NONE;
    }
    for (size_t i = 0; i < inquiry->columns_len; i++) {
        if (inquiry->column_ops[i] == op) {
            return i;
        }
    }
    bool has_room = sotto__inquiry_reserve(inquiry, &columns, &inquiry->columns_capacity_len,
                                           inquiry->columns_len, sizeof *inquiry->columns);
    inquiry->columns = columns;
    has_room =
        has_room && sotto__inquiry_reserve(inquiry, &ops, &inquiry->column_ops_capacity_len,
                                           inquiry->columns_len, sizeof *inquiry->column_ops);
    inquiry->column_ops = ops;
    if (!has_room) {
        return SOTTO_NONE;
    }
    at = &inquiry->program->ops[op];
    inquiry->columns[inquiry->columns_len] = (struct sotto_evidence_column){
        .dataset = at->dataset, .support = SOTTO_NONE, .text = at->source, .start = at->start};
    if (at->kind == SOTTO__OP_COLUMN) {
        const struct sotto_driver *driver = inquiry->driver;
        inquiry->columns[inquiry->columns_len].file = driver->plan->datasets[at->dataset].file;
        inquiry->columns[inquiry->columns_len].name = driver->expansion.columns[at->index].name;
    }
    inquiry->column_ops[inquiry->columns_len] = op;
    return inquiry->columns_len++;
}

/* A column over a set, whose values are looked at once. trace: of the sum, which says where that
 * is. */
static size_t add_spread(struct sotto__inquiry *inquiry, size_t column, size_t set,
                         const struct sotto__trace *trace)
{
    void *spreads = inquiry->spreads;
    if (column == SOTTO_NONE) {
        return SOTTO_NONE;
    }
    for (size_t i = 0; i < inquiry->spreads_len; i++) {
        if (inquiry->spreads[i].column == column && inquiry->spreads[i].set == set &&
            inquiry->spreads[i].minus == trace->minus) {
            return i;
        }
    }
    if (!sotto__inquiry_reserve(inquiry, &spreads, &inquiry->spreads_capacity_len,
                                inquiry->spreads_len, sizeof *inquiry->spreads)) {
        return SOTTO_NONE;
    }
    inquiry->spreads = spreads;
    inquiry->spreads[inquiry->spreads_len] = (struct sotto__spread){
        .column = column, .set = set, .state = trace->state, .minus = trace->minus};
    return inquiry->spreads_len++;
}

static void append_sum(struct sotto__inquiry *inquiry, const struct sotto_evidence_sum *sum,
                       struct sotto__trace trace)
{
    void *sums = inquiry->sums;
    void *traces = inquiry->traces;
    for (size_t i = 0; i < 2; i++) {
        trace.spreads[i] = add_spread(inquiry, sum->factors[i], sum->set, &trace);
    }
    for (size_t i = 0; i < 2 && trace.spreads[1] != SOTTO_NONE; i++) {
        inquiry->spreads[trace.spreads[i]].is_multiplied |= trace.spreads[0] != trace.spreads[1];
    }
    bool has_room = sotto__inquiry_reserve(inquiry, &sums, &inquiry->sums_capacity_len,
                                           inquiry->sums_len, sizeof *inquiry->sums);
    inquiry->sums = sums;
    has_room = has_room && sotto__inquiry_reserve(inquiry, &traces, &inquiry->traces_capacity_len,
                                                  inquiry->sums_len, sizeof *inquiry->traces);
    inquiry->traces = traces;
    if (has_room) {
        inquiry->traces[inquiry->sums_len] = trace;
        inquiry->sums[inquiry->sums_len++] = *sum;
    }
}

static bool has_conditions(const struct sotto__inquiry *inquiry, size_t set)
{
    const struct sotto__membership *member = &inquiry->members[set];
    bool found = false;
    for (size_t i = 0; i < member->bits_len; i++) {
        size_t bit = inquiry->literals[member->bits_first + i];
        found = found || inquiry->bits[bit].kind != SOTTO__BIT_PRESENT;
    }
    return found;
}

static void add_sum(struct sotto__inquiry *inquiry, const size_t factors[2], size_t set,
                    size_t state)
{
    size_t columns[2] = {SOTTO_NONE, SOTTO_NONE};
    for (size_t i = 0; i < 2; i++) {
        columns[i] = add_column(inquiry, factors[i]);
    }
    for (size_t i = 0; i < inquiry->sums_len; i++) {
        const struct sotto_evidence_sum *sum = &inquiry->sums[i];
        if (sum->set == set && sum->factors[0] == columns[0] && sum->factors[1] == columns[1]) {
            return;
        }
    }
    const struct sotto__op *at = &inquiry->program->ops[state];
    const struct sotto_evidence_sum sum = {
        .set = set,
        .has_conditions = inquiry->status != SOTTO_OK || has_conditions(inquiry, set),
        .factors = {columns[0], columns[1]},
        .text = at->source,
        .start = at->start,
    };
    append_sum(inquiry, &sum, (struct sotto__trace){.state = state, .minus = SOTTO_NONE});
}

/* A term that sums up values. */
static void add_values(struct sotto__inquiry *inquiry, const struct sotto__term *term)
{
    struct sotto__factors a;
    struct sotto__factors b;
    struct sotto__factors both = {.len = 0};
    struct sotto__literals literals = {.len = 0};
    size_t state = term->factors[0];
    sotto__factors_expand(inquiry->program, &a, state);
    if (term->factors_len == 1) {
        both = a;
    } else {
        sotto__factors_expand(inquiry->program, &b, term->factors[1]);
        if (!sotto__factors_multiply(&both, &a, &b)) {
            both.len = 0;
            size_t x = sotto__factors_peel(inquiry->program, state);
            size_t y = sotto__factors_peel(inquiry->program, term->factors[1]);
            (void)sotto__factors_add(&both, x, y);
        }
    }
    if (term->times != SOTTO_NONE) {
        a = both;
        both.len = 0;
        sotto__factors_expand(inquiry->program, &b, term->times);
        if (!sotto__factors_multiply(&both, &a, &b)) {
            both = a; /* of three factors two are looked at, and the third alone */
            size_t third = sotto__factors_peel(inquiry->program, term->times);
            (void)sotto__factors_add(&both, third, SOTTO_NONE);
        }
    }
    size_t set = sotto__inquiry_add_presence(inquiry, state);
    for (size_t i = 0; i < both.len; i++) {
        if (both.factors[i][0] != SOTTO_NONE) {
            add_sum(inquiry, both.factors[i], set, state);
        }
    }
    sotto__literals_find_present(inquiry, &literals, state);
    sotto__inquiry_add_condition(inquiry, state, &literals);
}

static void add_made(struct sotto__inquiry *inquiry, size_t op, enum sotto__bit_kind kind)
{
    struct sotto__literals literals = {.len = 0};
    sotto__literals_add(inquiry, &literals, op, kind);
    (void)sotto__inquiry_add_set(inquiry, sotto__inquiry_make_set(inquiry, SOTTO_SET_MADE, op),
                                 sotto__no_index, &literals);
}

static void add_term(struct sotto__inquiry *inquiry, size_t number)
{
    const struct sotto__term *term = &inquiry->program->terms[number];
    const struct sotto__op *op = &inquiry->program->ops[term->factors[0]];
    bool is_method = term->index != SOTTO_NONE && inquiry->program->indices[term->index].is_asked;
    const struct sotto__op *peeled =
        &inquiry->program->ops[sotto__factors_peel(inquiry->program, term->factors[0])];
    if (op->dataset == SOTTO_NONE || (is_method && !term->is_binned)) {
        return; /* the same in every row; or counted by bins */
    }
    if (term->kind == SOTTO__TERM_SUM && term->type == SOTTO__ROW_BOOL &&
        sotto__op_is_condition(peeled)) {
        sotto__inquiry_add_truths(inquiry, number);
    } else if (term->kind == SOTTO__TERM_SUM) {
        add_values(inquiry, term);
    } else {
        sotto__inquiry_add_conditions_of(inquiry, term->factors[0]);
    }
    if (op->makes_nan && term->index == SOTTO_NONE) {
        add_made(inquiry, term->factors[0], SOTTO__BIT_NAN_MADE);
    }
}

/* Conditions whose truth something computes with, and values that take the place of missing ones.
 */
static void add_used_conditions(struct sotto__inquiry *inquiry)
{
    const struct sotto__program *program = inquiry->program;
    for (size_t i = 0; i < program->ops_len; i++) {
        const struct sotto__op *by = &program->ops[i];
        const size_t operands[3] = {by->a, by->b, by->c};
        bool is_used = !by->is_idle && !by->is_early && by->dataset != SOTTO_NONE;
        if (is_used && by->clips) {
            struct sotto__literals literals = {.len = 0};
            sotto__literals_add(inquiry, &literals, by->c, SOTTO__BIT_TRUE);
            (void)sotto__inquiry_add_set(inquiry,
                                         sotto__inquiry_make_set(inquiry, SOTTO_SET_CLIPPED, i),
                                         sotto__no_index, &literals);
            continue;
        }
        for (size_t j = 0; is_used && !sotto__op_is_logic(by->kind) && j < 3; j++) {
            const struct sotto__op *op =
                operands[j] != SOTTO_NONE ? &program->ops[operands[j]] : NULL;
            bool decides =
                op != NULL && (sotto__op_is_condition(op) || (j == 2 && by->c == operands[j]));
            if (decides && op->dataset != SOTTO_NONE && !op->is_idle) {
                struct sotto__literals literals = {.len = 0};
                sotto__literals_add(inquiry, &literals, operands[j], SOTTO__BIT_TRUE);
                sotto__inquiry_add_condition(inquiry, operands[j], &literals);
            }
        }
        if (is_used && by->kind == SOTTO__OP_FILL) {
            add_made(inquiry, by->a, SOTTO__BIT_MISSING);
        }
    }
}

/* --- Differences --- */

static bool is_subset(const struct sotto__inquiry *inquiry, size_t of, size_t set)
{
    const struct sotto__membership *a = &inquiry->members[of];
    const struct sotto__membership *b = &inquiry->members[set];
    size_t found = 0;
    for (size_t i = 0; i < a->bits_len; i++) {
        for (size_t j = 0; j < b->bits_len; j++) {
            found += inquiry->literals[a->bits_first + i] == inquiry->literals[b->bits_first + j];
        }
    }
    return found == a->bits_len;
}

static bool is_same_product(const struct sotto_evidence_sum *a, const struct sotto_evidence_sum *b)
{
    return a->factors[0] == b->factors[0] && a->factors[1] == b->factors[1];
}

/* What two sums of one monomial tell by their difference. Of a monomial that is opened over many
 * sets these are pairs in which one set is known to hold the other, so that their number stays
 * near that of the sums. */
static void add_differences(struct sotto__inquiry *inquiry)
{
    size_t sums_len = inquiry->sums_len;
    for (size_t i = 0; i < sums_len; i++) {
        size_t sets_len = 0;
        for (size_t j = 0; j < sums_len; j++) {
            sets_len += is_same_product(&inquiry->sums[i], &inquiry->sums[j]);
        }
        for (size_t j = 0; j < sums_len && inquiry->status == SOTTO_OK; j++) {
            struct sotto_evidence_sum sum = inquiry->sums[i];
            const struct sotto_evidence_sum *less = &inquiry->sums[j];
            if (i != j && is_same_product(&sum, less) &&
                (sets_len <= DIFFERENCES_ALL || is_subset(inquiry, sum.set, less->set))) {
                sum.is_difference = true;
                sum.less = less->set;
                append_sum(inquiry, &sum,
                           (struct sotto__trace){.state = inquiry->traces[i].state,
                                                 .minus = inquiry->traces[j].state});
            }
        }
    }
}

/* --- All of it --- */

static enum sotto_status say_failure(const struct sotto__inquiry *inquiry, struct sotto_error *err)
{
    return inquiry->status == SOTTO_ERROR_LIMIT
               ? sotto_error_set(err, SOTTO_ERROR_LIMIT,
                                 "there are too many conditions to tell rows apart by")
               : sotto_error_no_memory(err);
}

/* --- Supports --- */

/* The rows in which a column is not 0. */
static size_t add_support(struct sotto__inquiry *inquiry, size_t column)
{
    struct sotto__literals literals = {.len = 0};
    size_t op = inquiry->column_ops[column];
    sotto__literals_add(inquiry, &literals, op, SOTTO__BIT_NONZERO);
    return sotto__inquiry_add_set(inquiry, sotto__inquiry_make_set(inquiry, SOTTO_SET_SUPPORT, op),
                                  sotto__no_index, &literals);
}

static bool has_asked_sets(const struct sotto__inquiry *inquiry, size_t dataset)
{
    bool found = false;
    for (size_t i = 0; !found && i < inquiry->sets_len; i++) {
        const struct sotto_evidence_set *set = &inquiry->sets[i];
        found = set->dataset == dataset &&
                (set->kind == SOTTO_SET_CONDITION || set->kind == SOTTO_SET_CELL);
    }
    return found;
}

static bool has_factor(const struct sotto_evidence_sum *sum, size_t column)
{
    return sum->factors[0] == column || sum->factors[1] == column;
}

/* Where one monomial is opened over two sets, or a column in two sums beside sets that the asker
 * made, rows in which it is 0 hide nothing. */
static void add_supports(struct sotto__inquiry *inquiry)
{
    for (size_t i = 0; i < inquiry->sums_len; i++) {
        bool is_beside = has_asked_sets(inquiry, inquiry->sets[inquiry->sums[i].set].dataset);
        for (size_t j = i + 1; j < inquiry->sums_len && inquiry->status == SOTTO_OK; j++) {
            const size_t *factors = inquiry->sums[i].factors;
            bool is_same = is_same_product(&inquiry->sums[i], &inquiry->sums[j]);
            for (size_t k = 0; k < 2; k++) {
                if (factors[k] != SOTTO_NONE &&
                    (is_same || (is_beside && has_factor(&inquiry->sums[j], factors[k])))) {
                    inquiry->columns[factors[k]].support = add_support(inquiry, factors[k]);
                }
            }
        }
    }
}

/* --- Identifiers --- */

static bool is_multiplied(const struct sotto__inquiry *inquiry, size_t column)
{
    bool found = false;
    for (size_t i = 0; !found && i < inquiry->sums_len; i++) {
        const size_t *factors = inquiry->sums[i].factors;
        found = factors[1] != SOTTO_NONE && factors[0] != factors[1] &&
                has_factor(&inquiry->sums[i], column);
    }
    return found;
}

/* Whether an operation is a column of times, or made of one: its units are whole microseconds, as
 * different from row to row as any number. */
static bool is_time(const struct sotto__inquiry *inquiry, const struct sotto__op *op)
{
    const struct sotto__program *program = inquiry->program;
    while (op->kind != SOTTO__OP_COLUMN && (op->clips ? op->b : op->a) != SOTTO_NONE) {
        op = &program->ops[op->clips ? op->b : op->a];
    }
    enum sotto_kind kind = op->kind == SOTTO__OP_COLUMN
                               ? inquiry->driver->expansion.columns[op->index].type.kind
                               : SOTTO_KIND_NULL;
    return kind == SOTTO_KIND_DATETIME || kind == SOTTO_KIND_DATETIME_UTC;
}

static void add_multiplied(struct sotto__inquiry *inquiry)
{
    inquiry->multiplied = sotto_alloc_array(inquiry->columns_len + 1, sizeof *inquiry->multiplied);
    if (inquiry->multiplied == NULL) {
        sotto__inquiry_fail(inquiry, SOTTO_ERROR_NO_MEMORY);
        return;
    }
    for (size_t i = 0; i < inquiry->columns_len; i++) {
        const struct sotto__op *op = &inquiry->program->ops[inquiry->column_ops[i]];
        bool is_number = op->type == SOTTO__ROW_FLOAT ||
                         (op->type == SOTTO__ROW_EXACT && (op->scale == 0 || is_time(inquiry, op)));
        if (is_number && is_multiplied(inquiry, i)) {
            inquiry->multiplied[inquiry->multiplied_len++] = i;
        }
    }
}

/* --- Levels --- */

/* A sum of a column of few values, or of a product with one, is a sum over the rows of each value:
 * beside sets that the asker made of these rows it gives away what these are not. */
static void add_levels(struct sotto__inquiry *inquiry)
{
    inquiry->levels = sotto_alloc_array(inquiry->columns_len + 1, sizeof *inquiry->levels);
    if (inquiry->levels == NULL) {
        sotto__inquiry_fail(inquiry, SOTTO_ERROR_NO_MEMORY);
        return;
    }
    for (size_t i = 0; i < inquiry->columns_len; i++) {
        if (has_asked_sets(inquiry, inquiry->columns[i].dataset)) {
            inquiry->levels[inquiry->levels_len++] = i;
        }
    }
}

/* Which sets rows must be told apart by: not those of missing values, unless one monomial is opened
 * over two of them, or the asker made sets beside them. */
static void mark_told_apart(struct sotto__inquiry *inquiry)
{
    for (size_t i = 0; i < inquiry->sets_len; i++) {
        inquiry->sets[i].is_told_apart =
            inquiry->sets[i].is_told_apart || inquiry->sets[i].kind != SOTTO_SET_PRESENCE;
    }
    for (size_t i = 0; i < inquiry->sets_len; i++) {
        if (inquiry->sets[i].universe != SOTTO_NONE) {
            inquiry->sets[inquiry->sets[i].universe].is_told_apart = true;
        }
    }
    for (size_t i = 0; i < inquiry->sums_len; i++) {
        const struct sotto_evidence_sum *one = &inquiry->sums[i];
        bool is_opened_twice = has_asked_sets(inquiry, inquiry->sets[one->set].dataset);
        for (size_t j = 0; !is_opened_twice && j < inquiry->sums_len; j++) {
            is_opened_twice = i != j && is_same_product(one, &inquiry->sums[j]);
        }
        inquiry->sets[one->set].is_told_apart |= is_opened_twice;
    }
}

/* Which bits rows are told apart by. */
static void mark_bits(struct sotto__inquiry *inquiry)
{
    for (size_t i = 0; i < inquiry->sets_len; i++) {
        const struct sotto__membership *member = &inquiry->members[i];
        for (size_t j = 0; inquiry->sets[i].is_told_apart && j < member->bits_len; j++) {
            inquiry->bits[inquiry->literals[member->bits_first + j]].is_told_apart = true;
        }
    }
    for (size_t i = 0; i < inquiry->bits_len; i++) {
        inquiry->bits[i].at = inquiry->bits_len; /* of none */
        if (inquiry->bits[i].is_told_apart) {
            inquiry->bits[i].at = inquiry->told_len++;
        }
    }
}

enum sotto_status sotto__inquiry_init(struct sotto__inquiry *out, const struct sotto_driver *driver,
                                      struct sotto_error *err)
{
    const struct sotto__program *program = driver->program;
    *out = (struct sotto__inquiry){.driver = driver, .program = program};
    for (size_t i = 0; i < program->terms_len && out->status == SOTTO_OK; i++) {
        add_term(out, i);
    }
    add_used_conditions(out);
    add_supports(out);
    add_levels(out);
    add_multiplied(out);
    if (out->status != SOTTO_OK) {
        return say_failure(out, err);
    }
    mark_told_apart(out);
    mark_bits(out);
    add_differences(out);
    if (out->status != SOTTO_OK) {
        return say_failure(out, err);
    }
    for (size_t i = 0; i < program->indices_len; i++) {
        const struct sotto__index *index = &program->indices[i];
        size_t numbers_len = index->is_asked ? sotto__index_bins(index) : 0;
        out->bins_len += index->is_borne ? index->cells_len : numbers_len;
        out->digits_len += index->is_borne ? numbers_len : 0;
        out->values_len += index->kind == SOTTO__INDEX_DIGITS ? numbers_len : 0;
    }
    size_t facts = out->sums_len + out->spreads_len + out->bins_len + out->digits_len + 1;
    return facts <= SOTTO__ROUND_LIMBS_MAX / program->groups_len
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_LIMIT,
                                 "there are too many sums in too many groups to look at the rows "
                                 "of each");
}

void sotto__inquiry_release(struct sotto__inquiry *inquiry)
{
    sotto_free(inquiry->bits);
    sotto_free(inquiry->literals);
    sotto_free(inquiry->sets);
    sotto_free(inquiry->members);
    sotto_free(inquiry->columns);
    sotto_free(inquiry->column_ops);
    sotto_free(inquiry->spreads);
    sotto_free(inquiry->sums);
    sotto_free(inquiry->traces);
    sotto_free(inquiry->cell_terms);
    sotto_free(inquiry->levels);
    sotto_free(inquiry->multiplied);
    *inquiry = (struct sotto__inquiry){0};
}
