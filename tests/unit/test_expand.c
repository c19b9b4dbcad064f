/* SPDX-License-Identifier: Apache-2.0 */

/* In which order the nodes of a value expression, and the operations of a program, are numbered.
 * Parties derive the slots that they send from it, each with its own build: if a compiler decided
 * the order (two arguments of one call that both add a node), they would never agree. */

#include "engine/plan/expansion.h"
#include "engine/program/program.h"
#include "plans.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

struct expanded {
    struct sotto_plan *plan;
    struct sotto_schema_field fields[2];
    struct sotto_schema schema;
    struct sotto__expansion expansion;
    struct sotto__program program;
};

/* output: of two columns, an int64 and a decimal of two digits, in the order of their names. */
static void expand(struct expanded *out, const char *output)
{
    struct sotto_error err = {0};
    out->plan = test_plan_of(output);
    out->fields[0] = (struct sotto_schema_field){.type = {.kind = SOTTO_KIND_INT64}};
    out->fields[1] = (struct sotto_schema_field){.type = {.kind = SOTTO_KIND_DECIMAL, .scale = 2}};
    out->schema =
        (struct sotto_schema){.fields = out->fields, .fields_len = out->plan->columns_len};
    assert_ok(sotto__expand(&out->expansion, out->plan, &out->schema, &err));
    assert_ok(sotto__program_init(&out->program, out->plan, &out->expansion, NULL, NULL, 1, &err));
}

static void expanded_release(struct expanded *expanded)
{
    sotto__program_release(&expanded->program);
    sotto__expansion_release(&expanded->expansion);
    sotto_plan_free(expanded->plan);
}

static const char *sign_of(enum sotto__node_kind kind)
{
    switch (kind) {
    case SOTTO__NODE_ADD:
        return "+";
    case SOTTO__NODE_SUBTRACT:
        return "-";
    case SOTTO__NODE_MULTIPLY:
        return "*";
    case SOTTO__NODE_DIVIDE:
        return "/";
    case SOTTO__NODE_GREATER:
        return ">";
    case SOTTO__NODE_GREATER_EQUAL:
        return ">=";
    case SOTTO__NODE_LESS_EQUAL:
        return "<=";
    case SOTTO__NODE_AND:
        return "and";
    default:
        return "?";
    }
}

/* As written, with the indices of nodes in place of operands. */
static void write_node(char *out, size_t out_bytes, const struct sotto__node *node)
{
    switch (node->kind) {
    case SOTTO__NODE_COLUMN:
        (void)snprintf(out, out_bytes, "%s", node->name);
        break;
    case SOTTO__NODE_LITERAL:
        (void)snprintf(out, out_bytes, "%s", node->is_whole ? "number" : "written");
        break;
    case SOTTO__NODE_NA:
        (void)snprintf(out, out_bytes, "na");
        break;
    case SOTTO__NODE_NOT:
        (void)snprintf(out, out_bytes, "not %zu", node->left);
        break;
    case SOTTO__NODE_CALL:
    case SOTTO__NODE_AGGREGATE:
        (void)snprintf(out, out_bytes, "%s %zu %zd %zd", sotto__function_card(node->function)->name,
                       node->left, (ssize_t)node->right, (ssize_t)node->third);
        break;
    default:
        (void)snprintf(out, out_bytes, "%zu %s %zu", node->left, sign_of(node->kind), node->right);
        break;
    }
}

static void expands_to(const char *output, const char *const *expected, size_t len)
{
    struct expanded expanded;
    expand(&expanded, output);
    const struct sotto__expression *first = &expanded.expansion.expressions[0].expression;
    for (size_t i = 0; i < len && i < first->nodes_len; i++) {
        char node[100];
        write_node(node, sizeof node, &first->nodes[i]);
        assert_string_equal(node, expected[i]);
    }
    assert_int_equal(first->nodes_len, len);
    expanded_release(&expanded);
}

static void test_nodes_of_a_row(void **state)
{
    (void)state;
    static const char *const nodes[] = {"a",
                                        "number",
                                        "fillna 0 1 -1",
                                        "d",
                                        "number",
                                        "fillna 3 4 -1",
                                        "2 + 5", /* the sum */
                                        "isna 0 -1 -1",
                                        "not 7",
                                        "isna 3 -1 -1",
                                        "not 9",
                                        "8 + 10",
                                        "number",
                                        "11 - 12",
                                        "number",
                                        "13 > 14",
                                        "na",
                                        "if 15 13 16", /* the divisor */
                                        "6 / 17",
                                        "mean 18 -1 -1"};
    expands_to("m=mean(row_mean([d, a]))", nodes, sizeof nodes / sizeof nodes[0]);
}

static void test_nodes_of_a_bin(void **state)
{
    (void)state;
    static const char *const nodes[] = {"a",      "written", "0 >= 1",     "written",
                                        "0 <= 3", "2 and 4", "sum 5 -1 -1"};
    expands_to("h=hist(a, 1, 2)", nodes, sizeof nodes / sizeof nodes[0]);
}

/* kind, operands and scale of each operation. */
static void compiles_to(const char *output, const struct sotto__op *expected, size_t len)
{
    struct expanded expanded;
    expand(&expanded, output);
    assert_int_equal(expanded.program.ops_len, len);
    for (size_t i = 0; i < len; i++) {
        const struct sotto__op *op = &expanded.program.ops[i];
        assert_int_equal(op->kind, expected[i].kind);
        assert_int_equal(op->scale, expected[i].scale);
        if (op->kind != SOTTO__OP_COLUMN && op->kind != SOTTO__OP_CONSTANT) {
            assert_int_equal(op->a, expected[i].a);
            assert_int_equal(op->b, expected[i].b);
        }
    }
    expanded_release(&expanded);
}

static void test_operations(void **state)
{
    (void)state;
    static const struct sotto__op sum[] = {
        {.kind = SOTTO__OP_COLUMN},
        {.kind = SOTTO__OP_COLUMN, .scale = 2},
        {.kind = SOTTO__OP_CONSTANT}, /* 100 */
        {.kind = SOTTO__OP_MULTIPLY, .a = 0, .b = 2, .scale = 2},
        {.kind = SOTTO__OP_ADD, .a = 3, .b = 1, .scale = 2},
    };
    static const struct sotto__op pair[] = {
        {.kind = SOTTO__OP_COLUMN},
        {.kind = SOTTO__OP_COLUMN, .scale = 2},
        {.kind = SOTTO__OP_MASK, .a = 0, .b = 1},
        {.kind = SOTTO__OP_MASK, .a = 1, .b = 0, .scale = 2},
        {.kind = SOTTO__OP_MULTIPLY, .a = 2, .b = 3, .scale = 2},
    };
    compiles_to("s=sum(a + d)", sum, sizeof sum / sizeof sum[0]);
    compiles_to("s=dot(a, d)", pair, sizeof pair / sizeof pair[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes_of_a_row),
        cmocka_unit_test(test_nodes_of_a_bin),
        cmocka_unit_test(test_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
