/* SPDX-License-Identifier: Apache-2.0 */

/* Recipes (recipe.h): what methods ask becomes operations, terms and indices of the round's
 * program, beside those of aggregates. It leans on compile.c and terms.c, which share what is asked
 * twice.
 *
 * The one idea: a method never sees a row. It says once for all groups what is to be counted and
 * summed up, and each group's numbers come in as parameters. So the layout of a round is a function
 * of plan, types and round, whatever the groups have opened. */

#include "program/compile.h"

#include <math.h>
#include <sotto/alloc.h>
#include <string.h>

/* --- Rows --- */

static const struct sotto__node *call_node(const struct sotto__recipe *recipe)
{
    return &recipe->call->expression->nodes[recipe->call->node];
}

/* The nodes of the call's arguments: those before the last one, and a list's items or that one. */
static size_t list_arguments(size_t *out, const struct sotto__recipe *recipe)
{
    const struct sotto__expression *expression = recipe->call->expression;
    size_t lists[SOTTO__VALUE_NODES_MAX];
    size_t children[3];
    size_t len = 0;
    size_t children_len = sotto__node_children(call_node(recipe), children);
    for (size_t i = 0; i < children_len; i++) {
        bool is_list = expression->nodes[children[i]].kind == SOTTO__NODE_LIST;
        size_t items_len = is_list ? sotto__list_items(lists, expression, children[i]) : 0;
        for (size_t j = 0; j < items_len; j++) {
            out[len++] = expression->nodes[lists[j]].right;
        }
        if (!is_list) {
            out[len++] = children[i];
        }
    }
    return len;
}

size_t sotto__recipe_arguments_len(const struct sotto__recipe *recipe)
{
    size_t nodes[SOTTO__VALUE_NODES_MAX];
    return list_arguments(nodes, recipe);
}

static void add_link(struct sotto__recipe *recipe, size_t state_word, size_t words, size_t place)
{
    struct sotto__compiler *compiler = recipe->compiler;
    struct sotto__program *program = compiler->program;
    void *links = program->links;
    if (compiler->status != SOTTO_OK) {
        return;
    }
    if (sotto_array_reserve(&links, &program->links_capacity_len, program->links_len + 1,
                            sizeof *program->links) != SOTTO_OK) {
        (void)sotto__compile_keep(compiler, sotto_error_no_memory(compiler->err));
        return;
    }
    program->links = links;
    program->links[program->links_len++] = (struct sotto__link){
        .call = recipe->call_index, .state_word = state_word, .words = words, .place = place};
}

/* Rows of groups in which the call is over have no value. Without groups it is over everywhere. */
static size_t mask_ended(struct sotto__recipe *recipe, size_t row)
{
    struct sotto__compiler *compiler = recipe->compiler;
    if (compiler->plan->keys_len == 0 || recipe->round == 1 || compiler->status != SOTTO_OK) {
        return row;
    }
    if (recipe->is_open == SOTTO_NONE) {
        size_t place = compiler->program->parameters_len++;
        add_link(recipe, SOTTO_NONE, 1, place);
        recipe->is_open = sotto__compile_is_open(compiler, place);
    }
    return sotto__compile_mask(compiler, row, recipe->is_open);
}

size_t sotto__recipe_row(struct sotto__recipe *recipe, size_t argument)
{
    struct sotto__compiler *compiler = recipe->compiler;
    size_t nodes[SOTTO__VALUE_NODES_MAX];
    size_t nodes_len = list_arguments(nodes, recipe);
    SOTTO_REQUIRE(argument < nodes_len);
    size_t row = sotto__compile_operand(compiler, nodes[argument]);
    sotto__compile_check_argument(compiler, call_node(recipe), nodes[argument]);
    return mask_ended(recipe, row);
}

size_t sotto__recipe_condition(struct sotto__recipe *recipe, size_t argument)
{
    struct sotto__compiler *compiler = recipe->compiler;
    size_t row = sotto__recipe_row(recipe, argument);
    if (compiler->status == SOTTO_OK && sotto__compile_op(compiler, row)->type != SOTTO__ROW_BOOL) {
        return sotto__compile_error(compiler, "expected a condition, such as x > 0");
    }
    return row;
}

size_t sotto__recipe_whole(struct sotto__recipe *recipe, size_t argument, const char *what)
{
    struct sotto__compiler *compiler = recipe->compiler;
    size_t row = sotto__recipe_row(recipe, argument);
    const struct sotto__op *op = sotto__compile_op(compiler, row);
    if (compiler->status == SOTTO_OK && (op->type == SOTTO__ROW_FLOAT || op->scale > 0)) {
        return sotto__compile_error(compiler, what);
    }
    return row;
}

size_t sotto__recipe_together(struct sotto__recipe *recipe, size_t a, size_t b)
{
    return sotto__compile_together(recipe->compiler, a, b);
}

size_t sotto__recipe_constant(struct sotto__recipe *recipe, double number)
{
    return sotto__compile_double(recipe->compiler, number);
}

size_t sotto__recipe_apply(struct sotto__recipe *recipe, enum sotto__op_kind kind, size_t a,
                           size_t b)
{
    return sotto__compile_apply(recipe->compiler, kind, a, b);
}

void sotto__recipe_tell_nan(struct sotto__recipe *recipe, size_t row)
{
    if (sotto__compile_op(recipe->compiler, row)->makes_nan) {
        sotto__compile_nan_made(recipe->compiler, recipe->moments, row);
    }
}

/* --- Parameters --- */

size_t sotto__recipe_parameters(struct sotto__recipe *recipe, size_t state_word, size_t words)
{
    struct sotto__program *program = recipe->compiler->program;
    size_t place = program->parameters_len;
    program->parameters_len += words;
    add_link(recipe, state_word, words, place);
    return place;
}

size_t sotto__recipe_number(struct sotto__recipe *recipe, size_t place)
{
    return sotto__compile_parameter(recipe->compiler, place);
}

size_t sotto__recipe_linear(struct sotto__recipe *recipe, const size_t *rows, size_t len,
                            size_t place)
{
    size_t sum = SOTTO_NONE;
    for (size_t i = 0; i < len; i++) {
        size_t row = sotto__compile_float(recipe->compiler, rows[i]);
        sum = sotto__compile_own(recipe->compiler, SOTTO__OP_ADD_SCALED, row, sum, place + i);
    }
    return sum;
}

/* --- Indices --- */

size_t sotto__recipe_key(struct sotto__recipe *recipe, unsigned *out_bits, size_t row)
{
    struct sotto__compiler *compiler = recipe->compiler;
    const struct sotto__op *op = sotto__compile_op(compiler, row);
    if (op->type == SOTTO__ROW_FLOAT) {
        *out_bits = 64;
        return sotto__compile_own(compiler, SOTTO__OP_KEY, row, SOTTO_NONE, SOTTO_NONE);
    }
    while (op->kind == SOTTO__OP_MASK) {
        op = sotto__compile_op(compiler, op->a);
    }
    /* |v| <= 2^bits; a column's integers, but not true, are below that. */
    bool is_below = op->kind == SOTTO__OP_COLUMN && op->type == SOTTO__ROW_EXACT;
    *out_bits = op->bits + (is_below ? 1 : 2);
    return *out_bits <= SOTTO__KEY_BITS_MAX
               ? row
               : sotto__compile_too_wide(compiler, SOTTO__KEY_BITS_MAX - 2); /* sign, and 2^bits */
}

double sotto__key_double(int64_t key)
{
    int64_t bits = key < 0 ? key ^ INT64_MAX : key;
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

unsigned sotto__recipe_digit_bits(const struct sotto__recipe *recipe)
{
    return recipe->compiler->plan->digit_bits;
}

static size_t add_index(struct sotto__recipe *recipe, struct sotto__index index)
{
    struct sotto__compiler *compiler = recipe->compiler;
    struct sotto__program *program = compiler->program;
    void *indices = program->indices;
    if (compiler->status != SOTTO_OK) {
        sotto__index_release(&index);
        return SOTTO_NONE;
    }
    if (sotto_array_reserve(&indices, &program->indices_capacity_len, program->indices_len + 1,
                            sizeof *program->indices) != SOTTO_OK) {
        sotto__index_release(&index);
        return sotto__compile_keep(compiler, sotto_error_no_memory(compiler->err));
    }
    program->indices = indices;
    index.is_asked = true;
    index.twin = program->indices_len;
    index.offset = program->group_counts;
    program->group_counts += index.len + 4;
    program->indices[program->indices_len] = index;
    return program->indices_len++;
}

size_t sotto__recipe_digits(struct sotto__recipe *recipe, size_t key, unsigned key_bits,
                            unsigned shift, unsigned bits, size_t place, size_t cells_len)
{
    return add_index(recipe, (struct sotto__index){.kind = SOTTO__INDEX_DIGITS,
                                                   .op = key,
                                                   .len = cells_len << bits,
                                                   .place = place,
                                                   .cells_len = cells_len,
                                                   .shift = shift,
                                                   .digit_bits = bits,
                                                   .key_bits = key_bits});
}

/* Limits between the parts of a scale. */
static enum sotto_status limit_parts(struct sotto__index *index, bool are_doubles)
{
    sotto__uint128 firsts[SOTTO__SCALE_PARTS_MAX];
    sotto__int128 limits[SOTTO__SCALE_PARTS_MAX];
    size_t len = sotto__scale_parts(firsts, index->key_bits, index->digit_bits, are_doubles);
    sotto__uint128 zero = (sotto__uint128)1 << (index->key_bits - 1);
    for (size_t i = 1; i < len; i++) {
        limits[i - 1] = (sotto__int128)(firsts[i] - zero);
    }
    return sotto__index_set_limits(index, limits, len - 1);
}

size_t sotto__recipe_parts(struct sotto__recipe *recipe, size_t key, unsigned key_bits,
                           unsigned bits, size_t place, size_t cells_len)
{
    struct sotto__compiler *compiler = recipe->compiler;
    struct sotto__index index = {.kind = SOTTO__INDEX_PARTS,
                                 .op = key,
                                 .len = cells_len << bits,
                                 .place = place,
                                 .cells_len = cells_len,
                                 .digit_bits = bits,
                                 .key_bits = key_bits};
    bool are_doubles = sotto__compile_op(compiler, key)->kind == SOTTO__OP_KEY;
    if (compiler->status == SOTTO_OK && place == SOTTO_NONE &&
        limit_parts(&index, are_doubles) != SOTTO_OK) {
        sotto__index_release(&index);
        return sotto__compile_keep(compiler, sotto_error_no_memory(compiler->err));
    }
    return add_index(recipe, index);
}

void sotto__recipe_map(struct sotto__recipe *recipe, size_t index, size_t place)
{
    if (recipe->compiler->status == SOTTO_OK) {
        recipe->compiler->program->indices[index].is_mapped = true;
        recipe->compiler->program->indices[index].map = place;
    }
}

size_t sotto__recipe_edges(struct sotto__recipe *recipe, size_t row, size_t place, size_t len)
{
    return add_index(recipe,
                     (struct sotto__index){.kind = SOTTO__INDEX_EDGES,
                                           .op = sotto__compile_float(recipe->compiler, row),
                                           .len = len,
                                           .place = place});
}

size_t sotto__recipe_least(struct sotto__recipe *recipe, const size_t *rows, size_t len)
{
    size_t all = rows[0];
    size_t *ops = sotto_alloc_array(len, sizeof *ops);
    if (ops == NULL) {
        return sotto__compile_keep(recipe->compiler, sotto_error_no_memory(recipe->compiler->err));
    }
    for (size_t i = 1; i < len; i++) {
        all = sotto__compile_mask(recipe->compiler, all, rows[i]);
    }
    memcpy(ops, rows, len * sizeof *ops);
    return add_index(
        recipe, (struct sotto__index){
                    .kind = SOTTO__INDEX_LEAST, .op = all, .len = len, .ops = ops, .ops_len = len});
}

size_t sotto__recipe_levels(struct sotto__recipe *recipe, size_t argument,
                            struct sotto__level *levels, size_t len)
{
    struct sotto__compiler *compiler = recipe->compiler;
    size_t nodes[SOTTO__VALUE_NODES_MAX];
    size_t nodes_len = list_arguments(nodes, recipe);
    SOTTO_REQUIRE(argument < nodes_len);
    const struct sotto__node *node = &recipe->call->expression->nodes[nodes[argument]];
    if (compiler->status == SOTTO_OK && node->kind != SOTTO__NODE_COLUMN) {
        return sotto__compile_error(compiler, "expected a column, whose levels are told");
    }
    if (compiler->status != SOTTO_OK) {
        return SOTTO_NONE;
    }
    struct sotto__index index = {.kind = SOTTO__INDEX_LEVELS,
                                 .op = sotto__compile_operand(compiler, nodes[argument]),
                                 .len = len};
    const struct sotto__group_key key = {.levels = levels, .levels_len = len};
    enum sotto_status status = sotto__levels_new(
        &index.levels, &key, compiler->expansion->columns[node->column].type, compiler->err);
    return status == SOTTO_OK ? add_index(recipe, index) : sotto__compile_keep(compiler, status);
}

/* --- What is asked --- */

static size_t add_asked(struct sotto__recipe *recipe, struct sotto__asked asked)
{
    struct sotto__compiler *compiler = recipe->compiler;
    struct sotto__program *program = compiler->program;
    void *all = program->asked;
    if (compiler->status != SOTTO_OK) {
        return SOTTO_NONE;
    }
    if (sotto_array_reserve(&all, &program->asked_capacity_len, program->asked_len + 1,
                            sizeof asked) != SOTTO_OK) {
        return sotto__compile_keep(compiler, sotto_error_no_memory(compiler->err));
    }
    program->asked = all;
    asked.call = recipe->call_index;
    program->asked[program->asked_len++] = asked;
    size_t first = program->asked_len - 1;
    while (first > 0 && program->asked[first - 1].call == recipe->call_index) {
        first--;
    }
    return program->asked_len - 1 - first;
}

/* Asks for what an aggregate of rows opens; rows of two have values together. */
static size_t ask_aggregate(struct sotto__recipe *recipe, enum sotto__function function, size_t x,
                            size_t y)
{
    struct sotto__asked asked = {.function = function,
                                 .moments = sotto__moments_none(recipe->compiler->round)};
    sotto__compile_moments(recipe->compiler, &asked.moments, sotto__function_card(function)->opens,
                           x, y);
    return add_asked(recipe, asked);
}

/* Asks for counts of an index, in so many limbs. */
static size_t ask_counts(struct sotto__recipe *recipe, enum sotto__term_kind kind, size_t index,
                         size_t counts_len)
{
    struct sotto__program *program = recipe->compiler->program;
    const struct sotto__term term = {.kind = kind,
                                     .factors = {program->indices[index].op},
                                     .factors_len = 1,
                                     .times = SOTTO_NONE,
                                     .index = index,
                                     .counts_len = counts_len};
    const struct sotto__asked asked = {.first_term = program->terms_len, .terms_len = 1};
    (void)sotto__compile_term(recipe->compiler, term);
    return add_asked(recipe, asked);
}

/* Asks for a sum for each number of an index. */
static size_t ask_sums(struct sotto__recipe *recipe, size_t row, size_t index)
{
    struct sotto__compiler *compiler = recipe->compiler;
    if (compiler->status != SOTTO_OK) {
        return SOTTO_NONE;
    }
    const struct sotto__op *op = sotto__compile_op(compiler, row);
    struct sotto__term term = {.kind = SOTTO__TERM_SUM,
                               .factors = {row},
                               .factors_len = 1,
                               .type = op->type,
                               .bits = op->bits,
                               .scale = op->scale,
                               .has_infinities = op->type == SOTTO__ROW_FLOAT,
                               .times = SOTTO_NONE,
                               .index = index,
                               .is_binned = true};
    const struct sotto__asked asked = {.first_term = compiler->program->terms_len,
                                       .terms_len =
                                           sotto__index_bins(&compiler->program->indices[index])};
    for (size_t i = 0; i < asked.terms_len; i++) {
        term.first = i;
        term.last = i + 1;
        (void)sotto__compile_term(compiler, term);
    }
    return add_asked(recipe, asked);
}

size_t sotto__recipe_count(struct sotto__recipe *recipe, size_t row)
{
    return ask_aggregate(recipe, SOTTO__FUNCTION_COUNT, row, row);
}

size_t sotto__recipe_counts(struct sotto__recipe *recipe, size_t index)
{
    if (recipe->compiler->status != SOTTO_OK) {
        return SOTTO_NONE;
    }
    return ask_counts(recipe, SOTTO__TERM_COUNTS, index,
                      sotto__index_bins(&recipe->compiler->program->indices[index]));
}

static size_t count_nodes(const struct sotto__index *index)
{
    return ((size_t)2 << index->digit_bits) - 1;
}

size_t sotto__asking_at(const struct sotto__index *index, size_t cell)
{
    return cell * (1 + 2 * count_nodes(index));
}

size_t sotto__few_at(const struct sotto__index *index, size_t cell, size_t node)
{
    return sotto__asking_at(index, cell) + node;
}

size_t sotto__enough_at(const struct sotto__index *index, size_t cell, size_t node)
{
    return sotto__few_at(index, cell, node) + count_nodes(index);
}

size_t sotto__recipe_bearing(struct sotto__recipe *recipe, size_t index)
{
    if (recipe->compiler->status != SOTTO_OK) {
        return SOTTO_NONE;
    }
    struct sotto__index *of = &recipe->compiler->program->indices[index];
    of->is_borne = true;
    size_t numbers_len = sotto__asking_at(of, of->cells_len);
    size_t limbs_len = (numbers_len + SOTTO__COUNTS_IN_LIMB - 1) / SOTTO__COUNTS_IN_LIMB;
    return ask_counts(recipe, SOTTO__TERM_BEARING, index, limbs_len);
}

size_t sotto__recipe_cell(struct sotto__recipe *recipe, size_t row)
{
    recipe->compiler->is_cell = true;
    size_t asked = ask_aggregate(recipe, SOTTO__FUNCTION_SUM, row, row);
    recipe->compiler->is_cell = false;
    if (asked != SOTTO_NONE) {
        struct sotto__program *program = recipe->compiler->program;
        program->asked[program->asked_len - 1].is_cell = true;
    }
    return asked;
}

size_t sotto__recipe_sum(struct sotto__recipe *recipe, size_t row, size_t index)
{
    if (index == SOTTO_NONE) {
        return ask_aggregate(recipe, SOTTO__FUNCTION_SUM, row, row);
    }
    return ask_sums(recipe, row, index);
}

/* --- Levels of a column as regressors --- */

/* What an operation is but for rows without a value. */
static const struct sotto__op *find_base(const struct sotto__compiler *compiler, size_t row)
{
    const struct sotto__op *op = sotto__compile_op(compiler, row);
    while (op->kind == SOTTO__OP_MASK || op->kind == SOTTO__OP_FLOAT) {
        op = sotto__compile_op(compiler, op->a);
    }
    return op;
}

static bool is_constant(const struct sotto__compiler *compiler, size_t op, double number)
{
    const struct sotto__op *at = sotto__compile_op(compiler, op);
    return at->kind == SOTTO__OP_CONSTANT && !at->is_null &&
           compiler->program->constants[at->index].number == number;
}

/* Whether an operation is 0 in each row that it has a value in: if(a, 0, if(b, 0, na)). */
static bool is_zero(const struct sotto__compiler *compiler, size_t op)
{
    const struct sotto__op *at = sotto__compile_op(compiler, op);
    while (at->kind == SOTTO__OP_IF && is_constant(compiler, at->a, 0)) {
        at = sotto__compile_op(compiler, at->b);
    }
    return at->is_null;
}

/* Whether rows are 1 where a condition holds, else 0: if(condition, 1, 0 or na). */
static bool is_dummy(const struct sotto__compiler *compiler, const struct sotto__op *op)
{
    return compiler->status == SOTTO_OK && op->kind == SOTTO__OP_IF && !op->clips &&
           is_constant(compiler, op->a, 1) && is_zero(compiler, op->b);
}

/* Whether no row has two levels: of one column, compared with two constants. */
static bool are_exclusive(const struct sotto__compiler *compiler, size_t x, size_t y)
{
    const struct sotto__op *a = sotto__compile_op(compiler, x);
    const struct sotto__op *b = sotto__compile_op(compiler, y);
    if (a->kind != b->kind || a->a != b->a) {
        return false;
    }
    if (a->kind == SOTTO__OP_TEXT_EQUAL) {
        return a->digits == b->digits && strcmp(a->text, b->text) != 0;
    }
    return a->kind == SOTTO__OP_EQUAL && a->b != b->b &&
           sotto__compile_op(compiler, a->b)->kind == SOTTO__OP_CONSTANT &&
           sotto__compile_op(compiler, b->b)->kind == SOTTO__OP_CONSTANT;
}

/* Whether the product of two rows is 0 in each row that has both. */
static bool is_zero_product(const struct sotto__recipe *recipe, size_t x, size_t y)
{
    const struct sotto__compiler *compiler = recipe->compiler;
    const struct sotto__op *a = find_base(compiler, x);
    const struct sotto__op *b = find_base(compiler, y);
    return is_dummy(compiler, a) && is_dummy(compiler, b) && are_exclusive(compiler, a->c, b->c);
}

/* Whether a row is its own square. */
static bool is_square(const struct sotto__recipe *recipe, size_t row)
{
    return is_dummy(recipe->compiler, find_base(recipe->compiler, row));
}

static size_t ask_nothing(struct sotto__recipe *recipe)
{
    return add_asked(
        recipe, (struct sotto__asked){.is_zero = true,
                                      .moments = sotto__moments_none(recipe->compiler->round)});
}

/* --- Products --- */

/* Asks for the sum of the doubles nearest to x times y. */
static size_t ask_rounded_product(struct sotto__recipe *recipe, size_t x, size_t y, bool is_in_gram)
{
    struct sotto__asked asked = {.function = SOTTO__FUNCTION_SUM,
                                 .moments = sotto__moments_none(recipe->compiler->round)};
    asked.moments.terms[SOTTO__MOMENT_X] =
        sotto__compile_term(recipe->compiler, (struct sotto__term){.kind = SOTTO__TERM_SUM,
                                                                   .factors = {x},
                                                                   .factors_len = 1,
                                                                   .type = SOTTO__ROW_FLOAT,
                                                                   .has_infinities = true,
                                                                   .times = y,
                                                                   .is_in_gram = is_in_gram,
                                                                   .index = SOTTO_NONE});
    return add_asked(recipe, asked);
}

/* The rows as finite doubles: an infinite one makes NaN of x - x. */
static size_t take_finite(struct sotto__recipe *recipe, size_t row)
{
    struct sotto__compiler *compiler = recipe->compiler;
    size_t x = sotto__compile_float(compiler, row);
    size_t zero = sotto__compile_apply(compiler, SOTTO__OP_SUBTRACT, x, x);
    return sotto__compile_mask(compiler, x, zero);
}

/* weighted: a weight times x. */
static size_t ask_weighted_product(struct sotto__recipe *recipe, size_t weighted, size_t x,
                                   size_t y, bool is_one)
{
    if (!is_one && is_zero_product(recipe, x, y)) {
        return ask_nothing(recipe);
    }
    if (is_one && is_square(recipe, x)) {
        return ask_aggregate(recipe, SOTTO__FUNCTION_SUM, weighted, weighted);
    }
    size_t other = sotto__compile_float(recipe->compiler, y);
    return ask_rounded_product(recipe, weighted, other, true);
}

static size_t ask_weighted_gram(struct sotto__recipe *recipe, const size_t *rows, size_t len,
                                size_t weight)
{
    struct sotto__compiler *compiler = recipe->compiler;
    size_t first = SOTTO_NONE;
    size_t all = take_finite(recipe, weight);
    for (size_t i = 0; i < len; i++) {
        size_t one = take_finite(recipe, rows[i]);
        all = sotto__compile_mask(compiler, all, one);
    }
    for (size_t i = 0; i < len; i++) {
        size_t one = sotto__compile_float(compiler, rows[i]);
        size_t weighted = sotto__compile_multiply(compiler, all, one);
        for (size_t j = i; j < len; j++) {
            size_t asked = ask_weighted_product(recipe, weighted, rows[i], rows[j], i == j);
            first = i == 0 && j == 0 ? asked : first;
        }
    }
    return first;
}

size_t sotto__recipe_rounded(struct sotto__recipe *recipe, size_t a, size_t b)
{
    if (recipe->compiler->status != SOTTO_OK) {
        return SOTTO_NONE;
    }
    size_t x = sotto__compile_float(recipe->compiler, a);
    size_t y = sotto__compile_float(recipe->compiler, b);
    return ask_rounded_product(recipe, x, y, false);
}

size_t sotto__recipe_product(struct sotto__recipe *recipe, const size_t *rows, size_t len)
{
    struct sotto__asked asked = {.function = SOTTO__FUNCTION_SUM,
                                 .moments = sotto__moments_none(recipe->compiler->round)};
    if (recipe->compiler->status != SOTTO_OK) {
        return SOTTO_NONE;
    }
    asked.moments.terms[SOTTO__MOMENT_X] = sotto__compile_product(recipe->compiler, rows, len);
    return add_asked(recipe, asked);
}

size_t sotto__recipe_pair(struct sotto__recipe *recipe, size_t a, size_t b)
{
    if (a != b && is_zero_product(recipe, a, b)) {
        return ask_nothing(recipe);
    }
    return a == b && is_square(recipe, a) ? ask_aggregate(recipe, SOTTO__FUNCTION_SUM, a, a)
                                          : ask_aggregate(recipe, SOTTO__FUNCTION_DOT, a, b);
}

size_t sotto__recipe_gram(struct sotto__recipe *recipe, const size_t *rows, size_t len,
                          size_t weight)
{
    size_t first = SOTTO_NONE;
    if (weight != SOTTO_NONE) {
        return ask_weighted_gram(recipe, rows, len, weight);
    }
    for (size_t i = 0; i < len; i++) {
        for (size_t j = i; j < len; j++) {
            size_t asked = sotto__recipe_pair(recipe, rows[i], rows[j]);
            first = i == 0 && j == 0 ? asked : first;
        }
    }
    return first;
}

/* --- Calls --- */

void sotto__compile_call(struct sotto__compiler *compiler, struct sotto__moments *moments)
{
    const struct sotto__call *call = &compiler->calls[moments->call];
    struct sotto__recipe recipe = {.compiler = compiler,
                                   .call = call,
                                   .call_index = moments->call,
                                   .round = compiler->round - call->first_round + 1,
                                   .moments = moments,
                                   .is_open = SOTTO_NONE};
    call->ask(&recipe, recipe.round);
}
