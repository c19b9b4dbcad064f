/* SPDX-License-Identifier: Apache-2.0 */

/* What is summed up for each aggregate, and so what a party sends: counts, sums, sums of products.
 * It leans on the cards of functions, which say what each aggregate opens, and on compile.c for the
 * operations that are summed.
 *
 * The one idea: a term is a sum that is wanted, by whomever, and stands in the program once:
 * mean(x) and var(x) share a count and a sum. Owners are told of sums by the same cards
 * (plan/clauses.c), so that nothing is sent that they were not told of. */

#include "expression/places.h"
#include "program/compile.h"

#include <sotto/alloc.h>
#include <string.h>

static bool is_same_term(const struct sotto__term *x, const struct sotto__term *y)
{
    return x->kind == y->kind && x->factors_len == y->factors_len && x->times == y->times &&
           x->is_in_gram == y->is_in_gram && x->index == y->index &&
           memcmp(x->factors, y->factors, x->factors_len * sizeof x->factors[0]) == 0;
}

size_t sotto__compile_term(struct sotto__compiler *compiler, struct sotto__term term)
{
    struct sotto__program *program = compiler->program;
    if (compiler->status != SOTTO_OK) {
        return SOTTO_NONE;
    }
    void *terms = program->terms;
    size_t wanted_len = term.counts_len > 0 ? term.counts_len : 1;
    if (wanted_len > SOTTO__WANTED_MAX - program->wanted_len) {
        return sotto__compile_keep(
            compiler, sotto_error_set(compiler->err, SOTTO_ERROR_LIMIT,
                                      "expected at most %zu counts and sums in a round, found "
                                      "more: name fewer columns, levels or shares",
                                      SOTTO__WANTED_MAX));
    }
    if (sotto_array_reserve(&terms, &program->terms_capacity_len, program->terms_len + 1,
                            sizeof term) != SOTTO_OK) {
        return sotto__compile_keep(compiler, sotto_error_no_memory(compiler->err));
    }
    program->terms = terms;
    program->terms[program->terms_len] = term;
    program->wanted_len += wanted_len;
    return program->terms_len++;
}

/* Finds a term of no index among the program's, or adds it. Returns: its index, SOTTO_NONE after a
 * failure. */
static size_t add_term(struct sotto__compiler *compiler, struct sotto__term term)
{
    struct sotto__program *program = compiler->program;
    term.index = SOTTO_NONE;
    term.times = SOTTO_NONE;
    for (size_t i = 0; compiler->status == SOTTO_OK && i < program->terms_len; i++) {
        if (is_same_term(&program->terms[i], &term)) {
            program->terms[i].is_cell = program->terms[i].is_cell && term.is_cell;
            return i;
        }
    }
    return sotto__compile_term(compiler, term);
}

static size_t add_row_count(struct sotto__compiler *compiler, enum sotto__term_kind kind, size_t op)
{
    return add_term(compiler,
                    (struct sotto__term){.kind = kind, .factors = {op}, .factors_len = 1});
}

/* Adds the sum of a product of exact values: the product is an operation of its own. */
static size_t add_exact_sum(struct sotto__compiler *compiler, const size_t *factors,
                            size_t factors_len)
{
    size_t product = factors[0];
    compiler->bits_max = SOTTO__PRODUCT_BITS_MAX;
    for (size_t i = 1; i < factors_len; i++) {
        product = sotto__compile_multiply(compiler, product, factors[i]);
    }
    compiler->bits_max = SOTTO__VALUE_BITS_MAX;
    const struct sotto__op *from = sotto__compile_op(compiler, product);
    bool is_even = factors_len % 2 == 0 && factors[0] == factors[1];
    return add_term(
        compiler, (struct sotto__term){.kind = SOTTO__TERM_SUM,
                                       .factors = {product},
                                       .factors_len = 1,
                                       .type = from->type,
                                       .bits = from->bits,
                                       .scale = from->scale,
                                       .is_cell = compiler->is_cell,
                                       .never_negative = is_even || from->type == SOTTO__ROW_BOOL});
}

/* Adds the sum of a product of doubles, which is exact only as a term of several factors. */
static size_t add_float_sum(struct sotto__compiler *compiler, const size_t *factors,
                            size_t factors_len)
{
    struct sotto__term term = {.kind = SOTTO__TERM_SUM,
                               .factors_len = factors_len,
                               .has_infinities = factors_len == 1,
                               .never_negative = factors_len % 2 == 0 && factors[0] == factors[1],
                               .type = SOTTO__ROW_FLOAT};
    memcpy(term.factors, factors, factors_len * sizeof *factors);
    if (factors_len == 2 && factors[0] > factors[1]) { /* x y and y x are one term */
        term.factors[0] = factors[1];
        term.factors[1] = factors[0];
    }
    return add_term(compiler, term);
}

size_t sotto__compile_product(struct sotto__compiler *compiler, const size_t *factors,
                              size_t factors_len)
{
    bool is_float = sotto__compile_op(compiler, factors[0])->type == SOTTO__ROW_FLOAT;
    return is_float ? add_float_sum(compiler, factors, factors_len)
                    : add_exact_sum(compiler, factors, factors_len);
}

static bool is_float_pair(const struct sotto__compiler *compiler, size_t x, size_t y)
{
    return sotto__compile_op(compiler, x)->type == SOTTO__ROW_FLOAT ||
           sotto__compile_op(compiler, y)->type == SOTTO__ROW_FLOAT;
}

/* Limits x and y to the rows where both are present, both exact or both doubles. */
static void pair_up(struct sotto__compiler *compiler, size_t *x, size_t *y)
{
    if (is_float_pair(compiler, *x, *y)) {
        *x = sotto__compile_float(compiler, *x);
        *y = sotto__compile_float(compiler, *y);
    }
    size_t a = *x;
    size_t b = *y;
    if (a != b) {
        *x = sotto__compile_mask(compiler, a, b);
        *y = sotto__compile_mask(compiler, b, a);
    }
}

/* Adds the condition x != 0, missing where x is. */
static size_t add_truth(struct sotto__compiler *compiler, size_t x)
{
    if (sotto__compile_op(compiler, x)->type == SOTTO__ROW_BOOL) {
        return x;
    }
    size_t zero = sotto__compile_zero(compiler);
    size_t truth = sotto__compile_compare(compiler, SOTTO__OP_UNEQUAL, x, zero);
    return sotto__compile_mask(compiler, truth, x);
}

void sotto__compile_check_argument(struct sotto__compiler *compiler, const struct sotto__node *node,
                                   size_t argument)
{
    const struct sotto__node *column = &compiler->expression->nodes[argument];
    size_t op = compiler->values[argument];
    if (compiler->status != SOTTO_OK ||
        (op != SOTTO_NONE && sotto__compile_op(compiler, op)->type != SOTTO__ROW_TEXT)) {
        return;
    }
    if (node->function == SOTTO__FUNCTION_COUNT && op != SOTTO_NONE) {
        return;
    }
    if (column->kind != SOTTO__NODE_COLUMN) {
        (void)sotto__compile_error(compiler, "expected numbers or booleans, found text");
        return;
    }
    const struct sotto__column *from = &compiler->expansion->columns[column->column];
    bool is_model = node->function == SOTTO__FUNCTION_OLS ||
                    node->function == SOTTO__FUNCTION_GLM ||
                    node->function == SOTTO__FUNCTION_MNLOGIT;
    compiler->status =
        sotto_error_set(compiler->err, SOTTO_ERROR_TYPE,
                        "%s takes numbers or booleans, but column %s.%s is string%s",
                        sotto__function_card(node->function)->name,
                        compiler->plan->datasets[from->dataset].alias, from->name,
                        is_model ? ": of its levels terms are made by C(), such as "
                                   "C(ward in ('a', 'b')), in Python C(ward, levels=['a', 'b'])"
                                 : "");
}

static void add_sums(struct sotto__compiler *compiler, struct sotto__moments *moments,
                     const struct sotto__opened_sums *opens, size_t x, size_t y)
{
    const size_t xs[SOTTO__TERM_FACTORS_MAX] = {x, x, x, x};
    const size_t ys[SOTTO__TERM_FACTORS_MAX] = {y, y};
    const size_t xy[SOTTO__TERM_FACTORS_MAX] = {x, y};
    for (size_t power = 1; power <= opens->powers; power++) {
        moments->terms[SOTTO__MOMENT_X + power - 1] = sotto__compile_product(compiler, xs, power);
    }
    if (opens->y_powers > 0) {
        moments->terms[SOTTO__MOMENT_Y] = sotto__compile_product(compiler, ys, 1);
    }
    if (opens->product) {
        moments->terms[SOTTO__MOMENT_XY] = sotto__compile_product(compiler, xy, 2);
    }
    if (opens->y_powers > 1) {
        moments->terms[SOTTO__MOMENT_YY] = sotto__compile_product(compiler, ys, 2);
    }
}

void sotto__compile_moments(struct sotto__compiler *compiler, struct sotto__moments *moments,
                            struct sotto__opened_sums opens, size_t x, size_t y)
{
    if (opens.product && is_float_pair(compiler, x, y)) { /* sums that say what is infinite */
        opens.powers = opens.powers > 0 ? opens.powers : 1;
        opens.y_powers = opens.y_powers > 0 ? opens.y_powers : 1;
    }
    if (opens.count) {
        moments->terms[SOTTO__MOMENT_COUNT] = add_row_count(compiler, SOTTO__TERM_COUNT, x);
    }
    add_sums(compiler, moments, &opens, x, y);
}

void sotto__compile_nan_made(struct sotto__compiler *compiler, struct sotto__moments *moments,
                             size_t row)
{
    moments->terms[SOTTO__MOMENT_NAN_MADE] = add_row_count(compiler, SOTTO__TERM_NAN_MADE, row);
}

static void compile_aggregate(struct sotto__compiler *compiler, struct sotto__moments *moments,
                              const struct sotto__node *node)
{
    struct sotto__opened_sums opens = sotto__function_card(node->function)->opens;
    SOTTO_REQUIRE(opens.kind != SOTTO__OPENS_UNSTATED);
    size_t x = sotto__compile_operand(compiler, node->left);
    size_t y = x;
    compiler->is_cell = node->is_cell;
    sotto__compile_check_argument(compiler, node, node->left);
    if (opens.product) {
        y = sotto__compile_operand(compiler, node->right);
        sotto__compile_check_argument(compiler, node, node->right);
        if (!node->is_together) {
            pair_up(compiler, &x, &y);
        }
    }
    bool makes_nan = sotto__compile_op(compiler, x)->makes_nan;
    if (opens.kind == SOTTO__OPENS_TRUTHS) {
        x = add_truth(compiler, x);
    }
    sotto__compile_moments(compiler, moments, opens, x, y);
    if (makes_nan) {
        sotto__compile_nan_made(compiler, moments, x);
    }
}

struct sotto__moments sotto__moments_none(unsigned round)
{
    struct sotto__moments moments = {.round = round, .call = SOTTO_NONE};
    for (size_t i = 0; i < SOTTO__MOMENTS_LEN; i++) {
        moments.terms[i] = SOTTO_NONE;
    }
    return moments;
}

/* Marks the aggregates of an expression that open sums in this round. */
static void find_opened(const struct sotto__compiler *compiler, bool *out,
                        const struct sotto__places *places,
                        const struct sotto__expression *expression)
{
    size_t call = compiler->calls_len;
    for (size_t i = 0; i < expression->nodes_len; i++) {
        const struct sotto__node *node = &expression->nodes[i];
        bool is_call = node->kind == SOTTO__NODE_AGGREGATE &&
                       sotto__function_card(node->function)->method != NULL;
        out[i] = sotto__opens_in_round(places, expression, i, compiler->round) &&
                 !(is_call && compiler->calls[call].is_done);
        call += is_call;
    }
}

/* Adds what an aggregate, or a call of a method, opens in this round, if it does. */
static void compile_opening(struct sotto__compiler *compiler, const struct sotto__node *node,
                            unsigned round, bool is_opened)
{
    struct sotto__moments *moments = &compiler->program->moments[compiler->program->moments_len++];
    *moments = sotto__moments_none(round);
    if (sotto__function_card(node->function)->method != NULL) {
        moments->call = compiler->calls_len++;
    }
    if (is_opened && moments->call != SOTTO_NONE) {
        sotto__compile_call(compiler, moments);
    } else if (is_opened) {
        compile_aggregate(compiler, moments, node);
    }
}

/* all: every node is row-wise; else those are that stand below an aggregate of this round. What
 * stands above is no concern of the rows. */
static void compile_expression(struct sotto__compiler *compiler,
                               const struct sotto__expression *expression, bool all)
{
    struct sotto__places places;
    bool row_wise[SOTTO__VALUE_NODES_MAX];
    bool opened[SOTTO__VALUE_NODES_MAX] = {false};
    sotto__places_find(&places, expression);
    find_opened(compiler, opened, &places, expression);
    sotto__places_find_rows(row_wise, &places, expression, opened);
    compiler->expression = expression;
    compiler->first_moments = compiler->program->moments_len;
    for (size_t i = 0; i < expression->nodes_len && compiler->status == SOTTO_OK; i++) {
        const struct sotto__node *node = &expression->nodes[i];
        compiler->values[i] = SOTTO_NONE;
        compiler->start = node->start;
        if (node->kind == SOTTO__NODE_AGGREGATE) {
            compile_opening(compiler, node, places.round[i], opened[i]);
        }
        if (row_wise[i] && places.place[i] == SOTTO__PLACE_AGGREGATE) {
            compiler->values[i] = sotto__compile_earlier_number(compiler, i);
        } else if (row_wise[i] || all) {
            compiler->values[i] = sotto__compile_node(compiler, i);
        }
    }
}

static void compile_outputs(struct sotto__compiler *compiler)
{
    const struct sotto__expansion *expansion = compiler->expansion;
    size_t nodes_len = 0;
    for (size_t i = 0; i < expansion->expressions_len; i++) {
        nodes_len += expansion->expressions[i].expression.nodes_len;
    }
    compiler->program->moments = sotto_alloc_array(nodes_len, sizeof *compiler->program->moments);
    if (compiler->program->moments == NULL) {
        (void)sotto__compile_keep(compiler, sotto_error_no_memory(compiler->err));
    }
    for (size_t i = 0; i < expansion->outputs_len && compiler->status == SOTTO_OK; i++) {
        const struct sotto__output_values *values = &expansion->outputs[i];
        for (size_t j = 0; j < values->expressions_len && compiler->status == SOTTO_OK; j++) {
            compile_expression(compiler, &expansion->expressions[values->first + j].expression,
                               false);
        }
        if (compiler->status != SOTTO_OK) {
            (void)sotto_error_prefix(compiler->err, "output \"%s\"",
                                     compiler->plan->outputs[i].name);
        }
    }
}

/* Marks what where is made of. Operands stand before what uses them: one pass down finds all. */
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

static void compile_where(struct sotto__compiler *compiler)
{
    const struct sotto__expression *where = &compiler->expansion->where;
    if (where->nodes_len == 0 || compiler->status != SOTTO_OK) {
        return;
    }
    compile_expression(compiler, where, true);
    size_t root = sotto__compile_operand(compiler, where->nodes_len - 1);
    const struct sotto__op *op = sotto__compile_op(compiler, root);
    if (op->type != SOTTO__ROW_BOOL && !op->is_null) { /* null: nobody knows its type */
        (void)sotto__compile_error(compiler, "expected a condition, such as age >= 18");
    }
    if (compiler->status != SOTTO_OK) {
        (void)sotto_error_prefix(compiler->err, "where");
        return;
    }
    compiler->program->where = root;
    mark_early(compiler->program);
}

/* All columns are read in each round, so that all rounds take the same rows. */
static void compile_complete(struct sotto__compiler *compiler)
{
    compiler->program->is_complete = compiler->plan->is_complete;
    compiler->start = 0;
    for (size_t i = 0; compiler->plan->is_complete && i < compiler->expansion->columns_len; i++) {
        size_t op = sotto__compile_column(compiler, i);
        if (compiler->status == SOTTO_OK) {
            compiler->program->ops[op].is_early = true;
        }
    }
}

static enum sotto_status compile_key(struct sotto__compiler *compiler, size_t i)
{
    struct sotto__program *program = compiler->program;
    size_t column = compiler->plan->keys[i].column.nodes[0].column;
    enum sotto_status status =
        sotto__levels_new(&program->levels[i], &compiler->plan->keys[i],
                          compiler->expansion->columns[column].type, compiler->err);
    if (status != SOTTO_OK) {
        return sotto_error_prefix(compiler->err, "group_by: column %s",
                                  compiler->expansion->columns[column].name);
    }
    program->keys_len++;
    program->keys[i] = column;
    program->groups_len *= sotto__levels_len(program->levels[i]);
    return SOTTO_OK;
}

static void compile_keys(struct sotto__compiler *compiler)
{
    for (size_t i = 0; i < compiler->plan->keys_len && compiler->status == SOTTO_OK; i++) {
        compiler->status = compile_key(compiler, i);
    }
    if (compiler->status == SOTTO_OK && compiler->program->groups_len > SOTTO__GROUPS_MAX) {
        compiler->status = sotto_error_set(compiler->err, SOTTO_ERROR_LIMIT,
                                           "group_by: expected at most %d groups, found %zu",
                                           SOTTO__GROUPS_MAX, compiler->program->groups_len);
    }
}

enum sotto_status sotto__program_init(struct sotto__program *out, const struct sotto_plan *plan,
                                      const struct sotto__expansion *expansion,
                                      const struct sotto__moments *earlier,
                                      const struct sotto__call *calls, unsigned round,
                                      struct sotto_error *err)
{
    struct sotto__compiler compiler = {.program = out,
                                       .plan = plan,
                                       .expansion = expansion,
                                       .earlier = earlier,
                                       .calls = calls,
                                       .round = round,
                                       .bits_max = SOTTO__VALUE_BITS_MAX,
                                       .err = err};
    *out = (struct sotto__program){.where = SOTTO_NONE, .groups_len = 1};
    compile_outputs(&compiler);
    compile_where(&compiler);
    compile_complete(&compiler);
    compile_keys(&compiler);
    if (compiler.status == SOTTO_OK) {
        compiler.status = sotto__layout(out, err);
    }
    if (compiler.status == SOTTO_OK) {
        compiler.status = sotto__indices_find(out, err);
    }
    if (compiler.status == SOTTO_OK) {
        sotto__summed_find(out);
        compiler.status = sotto__registers_measure(out, err);
    }
    if (compiler.status != SOTTO_OK) {
        sotto__program_release(out);
    }
    return compiler.status;
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
    for (size_t i = 0; i < program->indices_len; i++) {
        sotto__index_release(&program->indices[i]);
    }
    sotto_free(program->indices);
    sotto_free(program->ops);
    sotto_free(program->constants);
    sotto_free(program->terms);
    sotto_free(program->moments);
    sotto_free(program->asked);
    sotto_free(program->links);
    sotto_free(program->earlier_numbers);
    sotto_free(program->parameters);
    sotto_free(program->slots);
    *program = (struct sotto__program){0};
}
