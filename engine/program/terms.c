/* SPDX-License-Identifier: Apache-2.0 */

/* What is summed up for each aggregate: counts, sums and sums of products. */

#include "expression/places.h"
#include "program/compile.h"

#include <sotto/alloc.h>
#include <string.h>

static bool same_term(const struct sotto__term *x, const struct sotto__term *y)
{
    return x->kind == y->kind && x->factors_len == y->factors_len &&
           memcmp(x->factors, y->factors, x->factors_len * sizeof x->factors[0]) == 0;
}

static enum sotto_status add_term(struct sotto__compiler *compiler, size_t *out,
                                  struct sotto__term term)
{
    struct sotto__program *program = compiler->program;
    for (size_t i = 0; i < program->terms_len; i++) {
        if (same_term(&program->terms[i], &term)) {
            *out = i;
            return SOTTO_OK;
        }
    }
    void *terms = program->terms;
    if (sotto_array_reserve(&terms, &program->terms_capacity_len, program->terms_len + 1,
                            sizeof term) != SOTTO_OK) {
        return sotto_error_no_memory(compiler->err);
    }
    program->terms = terms;
    *out = program->terms_len++;
    program->terms[*out] = term;
    return SOTTO_OK;
}

static enum sotto_status add_of_rows(struct sotto__compiler *compiler, size_t *out,
                                     enum sotto__term_kind kind, size_t op)
{
    return add_term(compiler, out,
                    (struct sotto__term){.kind = kind, .factors = {op}, .factors_len = 1});
}

/* The sum of x^power, or of x y. */
static enum sotto_status add_sum(struct sotto__compiler *compiler, size_t *out,
                                 const size_t *factors, size_t factors_len)
{
    struct sotto__term term = {.kind = SOTTO__TERM_SUM};
    enum sotto_status status = SOTTO_OK;
    size_t op = factors[0];
    bool is_float = compiler->program->ops[op].type == SOTTO__ROW_FLOAT;
    bool is_crossed = factors_len == 2 && factors[0] > factors[1];
    if (is_float) { /* products of doubles are exact only as terms */
        memcpy(term.factors, factors, factors_len * sizeof *factors);
        if (is_crossed) { /* x y is y x */
            term.factors[0] = factors[1];
            term.factors[1] = factors[0];
        }
        term.factors_len = factors_len;
        term.has_infinities = factors_len == 1;
        term.type = SOTTO__ROW_FLOAT;
    }
    compiler->bits_max = SOTTO__PRODUCT_BITS_MAX;
    for (size_t i = 1; status == SOTTO_OK && !is_float && i < factors_len; i++) {
        status = sotto__compile_multiply(compiler, &op, op, factors[i]);
    }
    compiler->bits_max = SOTTO__VALUE_BITS_MAX;
    if (status != SOTTO_OK) {
        return status;
    }
    bool is_even = factors_len % 2 == 0 && factors[0] == factors[1];
    if (!is_float) {
        const struct sotto__op *from = &compiler->program->ops[op];
        term.factors[0] = op;
        term.factors_len = 1;
        term.type = from->type;
        term.bits = from->bits;
        term.scale = from->scale;
    }
    term.never_negative = is_even || term.type == SOTTO__ROW_BOOL;
    return add_term(compiler, out, term);
}

/* Which sums a function needs. */
struct needs {
    bool count;
    size_t powers; /* of x, from 1 */
    bool y;        /* the sum of y and of x y */
    bool yy;
    bool xy; /* of x y alone; where they are doubles, of x and y too: they say what is infinite */
};

static struct needs needs_of(enum sotto__function function)
{
    switch (function) {
    case SOTTO__FUNCTION_COUNT:
        return (struct needs){.count = true};
    case SOTTO__FUNCTION_SUM:
    case SOTTO__FUNCTION_ANY:
        return (struct needs){.powers = 1};
    case SOTTO__FUNCTION_VAR:
    case SOTTO__FUNCTION_STD:
    case SOTTO__FUNCTION_SEM:
        return (struct needs){.count = true, .powers = 2};
    case SOTTO__FUNCTION_SKEW:
        return (struct needs){.count = true, .powers = 3};
    case SOTTO__FUNCTION_KURT:
        return (struct needs){.count = true, .powers = 4};
    case SOTTO__FUNCTION_COV:
        return (struct needs){.count = true, .powers = 1, .y = true};
    case SOTTO__FUNCTION_CORR:
        return (struct needs){.count = true, .powers = 2, .y = true, .yy = true};
    case SOTTO__FUNCTION_DOT:
        return (struct needs){.xy = true};
    default: /* mean, all */
        return (struct needs){.count = true, .powers = 1};
    }
}

static bool is_float_pair(const struct sotto__compiler *compiler, size_t x, size_t y)
{
    return compiler->program->ops[x].type == SOTTO__ROW_FLOAT ||
           compiler->program->ops[y].type == SOTTO__ROW_FLOAT;
}

/* The rows where both are present, both exact or both doubles. */
static enum sotto_status pair_up(struct sotto__compiler *compiler, size_t *x, size_t *y)
{
    enum sotto_status status = SOTTO_OK;
    if (is_float_pair(compiler, *x, *y)) {
        status = sotto__compile_float(compiler, x);
        status = status == SOTTO_OK ? sotto__compile_float(compiler, y) : status;
    }
    size_t a = *x;
    size_t b = *y;
    if (status == SOTTO_OK && a == b) {
        return SOTTO_OK;
    }
    status = status == SOTTO_OK ? sotto__compile_mask(compiler, x, a, b) : status;
    return status == SOTTO_OK ? sotto__compile_mask(compiler, y, b, a) : status;
}

/* x != 0 where x is present. */
static enum sotto_status truth_of(struct sotto__compiler *compiler, size_t *in_out)
{
    size_t zero = 0;
    size_t truth = 0;
    if (compiler->program->ops[*in_out].type == SOTTO__ROW_BOOL) {
        return SOTTO_OK;
    }
    enum sotto_status status = sotto__compile_zero(compiler, &zero);
    if (status == SOTTO_OK) {
        status = sotto__compile_compare(compiler, &truth, SOTTO__OP_UNEQUAL, *in_out, zero);
    }
    if (status == SOTTO_OK) {
        compiler->program->ops[truth].is_asked = true;
    }
    return status == SOTTO_OK ? sotto__compile_mask(compiler, in_out, truth, *in_out) : status;
}

static enum sotto_status check_argument(struct sotto__compiler *compiler,
                                        const struct sotto__node *node, size_t argument)
{
    const struct sotto__node *column = &compiler->expression->nodes[argument];
    size_t op = compiler->values[argument];
    if (op != SOTTO_NONE && compiler->program->ops[op].type != SOTTO__ROW_TEXT) {
        return SOTTO_OK;
    }
    if (node->function == SOTTO__FUNCTION_COUNT && op != SOTTO_NONE) {
        return SOTTO_OK;
    }
    if (column->kind != SOTTO__NODE_COLUMN) {
        return sotto__compile_error(compiler, "expected numbers or booleans, found text");
    }
    const struct sotto__column *from = &compiler->expansion->columns[column->column];
    return sotto_error_set(compiler->err, SOTTO_ERROR_TYPE,
                           "%s takes numbers or booleans, but column %s.%s is string",
                           sotto__function_rules(node->function)->name,
                           compiler->plan->datasets[from->dataset].alias, from->name);
}

static enum sotto_status add_sums(struct sotto__compiler *compiler, struct sotto__moments *moments,
                                  const struct needs *needs, size_t x, size_t y)
{
    const size_t xs[SOTTO__TERM_FACTORS_MAX] = {x, x, x, x};
    const size_t ys[SOTTO__TERM_FACTORS_MAX] = {y, y};
    const size_t xy[SOTTO__TERM_FACTORS_MAX] = {x, y};
    enum sotto_status status = SOTTO_OK;
    for (size_t power = 1; status == SOTTO_OK && power <= needs->powers; power++) {
        status = add_sum(compiler, &moments->terms[SOTTO__MOMENT_X + power - 1], xs, power);
    }
    if (status == SOTTO_OK && needs->y) {
        status = add_sum(compiler, &moments->terms[SOTTO__MOMENT_Y], ys, 1);
        status = status == SOTTO_OK ? add_sum(compiler, &moments->terms[SOTTO__MOMENT_XY], xy, 2)
                                    : status;
    }
    if (status == SOTTO_OK && needs->yy) {
        status = add_sum(compiler, &moments->terms[SOTTO__MOMENT_YY], ys, 2);
    }
    if (status == SOTTO_OK && needs->xy) {
        status = add_sum(compiler, &moments->terms[SOTTO__MOMENT_XY], xy, 2);
    }
    return status;
}

static enum sotto_status compile_aggregate(struct sotto__compiler *compiler,
                                           struct sotto__moments *moments,
                                           const struct sotto__node *node)
{
    struct needs needs = needs_of(node->function);
    size_t x = compiler->values[node->left];
    size_t y = x;
    enum sotto_status status = check_argument(compiler, node, node->left);
    for (size_t i = 0; i < SOTTO__MOMENTS_LEN; i++) {
        moments->terms[i] = SOTTO_NONE;
    }
    if (status == SOTTO_OK && (needs.y || needs.xy)) {
        y = compiler->values[node->right];
        status = check_argument(compiler, node, node->right);
        if (status == SOTTO_OK && !node->is_together) {
            status = pair_up(compiler, &x, &y);
        }
    }
    if (status == SOTTO_OK && needs.xy && is_float_pair(compiler, x, y)) {
        needs = (struct needs){.powers = 1, .y = true};
    }
    bool makes_nan = status == SOTTO_OK && compiler->program->ops[x].makes_nan;
    if (status == SOTTO_OK &&
        (node->function == SOTTO__FUNCTION_ANY || node->function == SOTTO__FUNCTION_ALL)) {
        status = truth_of(compiler, &x);
    }
    if (status == SOTTO_OK && needs.count) {
        status = add_of_rows(compiler, &moments->terms[SOTTO__MOMENT_COUNT], SOTTO__TERM_COUNT, x);
    }
    if (status == SOTTO_OK) {
        status = add_sums(compiler, moments, &needs, x, y);
    }
    if (status == SOTTO_OK && makes_nan) {
        status =
            add_of_rows(compiler, &moments->terms[SOTTO__MOMENT_NAN_MADE], SOTTO__TERM_NAN_MADE, x);
    }
    return status;
}

/* all: every node is row-wise; else those are that stand below an aggregate of this round. What
 * stands above is no concern of the rows. */
static enum sotto_status compile_expression(struct sotto__compiler *compiler,
                                            const struct sotto__expression *expression, bool all)
{
    struct sotto__places places;
    bool row_wise[SOTTO__VALUE_NODES_MAX] = {false};
    sotto__places_find(&places, expression);
    sotto__places_find_rows(row_wise, &places, expression, compiler->round);
    compiler->expression = expression;
    compiler->first_moments = compiler->program->moments_len;
    for (size_t i = 0; i < expression->nodes_len; i++) {
        const struct sotto__node *node = &expression->nodes[i];
        enum sotto_status status = SOTTO_OK;
        compiler->values[i] = SOTTO_NONE;
        compiler->start = node->start;
        if (node->kind == SOTTO__NODE_AGGREGATE) {
            struct sotto__moments *moments =
                &compiler->program->moments[compiler->program->moments_len++];
            moments->round = places.round[i];
            status = moments->round == compiler->round ? compile_aggregate(compiler, moments, node)
                                                       : status;
        }
        if (status == SOTTO_OK && row_wise[i] && places.place[i] == SOTTO__PLACE_AGGREGATE) {
            status = sotto__compile_earlier_number(compiler, &compiler->values[i], i);
        } else if (status == SOTTO_OK && (row_wise[i] || all)) {
            status = sotto__compile_node(compiler, &compiler->values[i], i);
        }
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static enum sotto_status compile_cells(struct sotto__compiler *compiler)
{
    const struct sotto__expansion *expansion = compiler->expansion;
    size_t nodes_len = 0;
    for (size_t i = 0; i < expansion->expressions_len; i++) {
        nodes_len += expansion->expressions[i].expression.nodes_len;
    }
    compiler->program->moments = sotto_alloc_array(nodes_len, sizeof *compiler->program->moments);
    if (compiler->program->moments == NULL) {
        return sotto_error_no_memory(compiler->err);
    }
    for (size_t i = 0; i < expansion->outputs_len; i++) {
        const struct sotto__output_values *output_values = &expansion->outputs[i];
        for (size_t j = output_values->first;
             j < output_values->first + output_values->expressions_len; j++) {
            enum sotto_status status =
                compile_expression(compiler, &expansion->expressions[j].expression, false);
            if (status != SOTTO_OK) {
                return sotto_error_prefix(compiler->err, "output \"%s\"",
                                          compiler->plan->outputs[i].name);
            }
        }
    }
    return SOTTO_OK;
}

/* What where is made of; operands stand before operations. */
static void mark_early(struct sotto__program *program)
{
    program->ops[program->where].is_early = true;
    for (size_t i = program->where + 1; i-- > 0;) {
        const struct sotto__op *op = &program->ops[i];
        const size_t operands[3] = {op->a, op->b, op->c};
        for (size_t j = 0; op->is_early && j < 3; j++) {
            if (operands[j] != SOTTO_NONE) {
                program->ops[operands[j]].is_early = true;
            }
        }
    }
}

static enum sotto_status compile_where(struct sotto__compiler *compiler)
{
    const struct sotto__expression *where = &compiler->expansion->where;
    if (where->nodes_len == 0) {
        return SOTTO_OK;
    }
    enum sotto_status status = compile_expression(compiler, where, true);
    size_t root = compiler->values[where->nodes_len - 1];
    const struct sotto__op *op = status == SOTTO_OK ? &compiler->program->ops[root] : NULL;
    if (op != NULL && op->type != SOTTO__ROW_BOOL &&
        !op->is_null) { /* null: nobody knows its type */
        status = sotto__compile_error(compiler, "expected a condition, such as age >= 18");
    }
    if (status != SOTTO_OK) {
        return sotto_error_prefix(compiler->err, "where");
    }
    compiler->program->where = root;
    mark_early(compiler->program);
    return SOTTO_OK;
}

static enum sotto_status compile_keys(struct sotto__compiler *compiler)
{
    const struct sotto_plan *plan = compiler->plan;
    struct sotto__program *program = compiler->program;
    for (size_t i = 0; i < plan->keys_len; i++) {
        size_t column = plan->keys[i].column.nodes[0].column;
        enum sotto_status status =
            sotto__levels_new(&program->levels[i], &plan->keys[i],
                              compiler->expansion->columns[column].type, compiler->err);
        if (status != SOTTO_OK) {
            return sotto_error_prefix(compiler->err, "group_by: column %s",
                                      compiler->expansion->columns[column].name);
        }
        program->keys_len++;
        program->keys[i] = column;
        program->groups_len *= sotto__levels_len(program->levels[i]);
    }
    if (program->groups_len > SOTTO__GROUPS_MAX) {
        return sotto_error_set(compiler->err, SOTTO_ERROR_LIMIT,
                               "group_by: expected at most %d groups, found %zu", SOTTO__GROUPS_MAX,
                               program->groups_len);
    }
    return SOTTO_OK;
}

enum sotto_status sotto__program_init(struct sotto__program *out, const struct sotto_plan *plan,
                                      const struct sotto__expansion *expansion,
                                      const struct sotto__program *earlier, unsigned round,
                                      struct sotto_error *err)
{
    struct sotto__compiler compiler = {.program = out,
                                       .plan = plan,
                                       .expansion = expansion,
                                       .earlier = earlier,
                                       .round = round,
                                       .bits_max = SOTTO__VALUE_BITS_MAX,
                                       .err = err};
    *out = (struct sotto__program){.where = SOTTO_NONE, .groups_len = 1};
    enum sotto_status status = compile_cells(&compiler);
    status = status == SOTTO_OK ? compile_where(&compiler) : status;
    status = status == SOTTO_OK ? compile_keys(&compiler) : status;
    status = status == SOTTO_OK ? sotto__layout(out, err) : status;
    if (status != SOTTO_OK) {
        sotto__program_release(out);
    }
    return status;
}

bool sotto__program_reads(const struct sotto__program *program, size_t column)
{
    bool found = false;
    for (size_t i = 0; i < program->ops_len; i++) {
        found =
            found || (program->ops[i].kind == SOTTO__OP_COLUMN && program->ops[i].index == column);
    }
    for (size_t i = 0; i < program->keys_len; i++) {
        found = found || program->keys[i] == column;
    }
    return found;
}

void sotto__program_release(struct sotto__program *program)
{
    for (size_t i = 0; i < program->keys_len; i++) {
        sotto__levels_free(program->levels[i]);
    }
    sotto_free(program->ops);
    sotto_free(program->constants);
    sotto_free(program->terms);
    sotto_free(program->moments);
    sotto_free(program->earlier_numbers);
    sotto_free(program->earlier_values);
    sotto_free(program->slots);
    *program = (struct sotto__program){0};
}
