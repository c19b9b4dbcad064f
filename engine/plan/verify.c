/* SPDX-License-Identifier: Apache-2.0 */

/* What every expansion must be like (expansion.h), checked in VERIFY builds before a program is
 * made of it. Leans on nothing.
 *
 * The idea: all that comes later is loops over nodes, which look at children that are done, and
 * never check an index. */

#include "plan/expansion.h"

#ifdef SOTTO_VERIFY_BUILD

#include <string.h>

static void verify_expression(const struct sotto__expression *expression,
                              const struct sotto__expansion *expansion)
{
    size_t text_bytes = strlen(expression->text);
    SOTTO_VERIFY(expression->nodes_len > 0 && expression->nodes_len <= SOTTO__VALUE_NODES_MAX);
    for (size_t i = 0; i < expression->nodes_len; i++) {
        const struct sotto__node *node = &expression->nodes[i];
        size_t children[3];
        size_t children_len = sotto__node_children(node, children);
        for (size_t j = 0; j < children_len; j++) {
            SOTTO_VERIFY(children[j] < i); /* SOTTO_NONE is not */
        }
        SOTTO_VERIFY(node->kind != SOTTO__NODE_STAR);
        SOTTO_VERIFY(node->kind != SOTTO__NODE_COLUMN || node->column < expansion->columns_len);
        SOTTO_VERIFY(node->kind != SOTTO__NODE_LITERAL || node->is_whole ||
                     node->start + node->bytes <= text_bytes);
        SOTTO_VERIFY(node->function < SOTTO__FUNCTIONS_LEN);
    }
}

void sotto__expansion_verify(const struct sotto__expansion *expansion)
{
    size_t expressions_len = 0;
    size_t values_len = 0;
    for (size_t i = 0; i < expansion->expressions_len; i++) {
        verify_expression(&expansion->expressions[i].expression, expansion);
    }
    if (expansion->where.nodes_len > 0) {
        verify_expression(&expansion->where, expansion);
    }
    for (size_t i = 0; i < expansion->outputs_len; i++) {
        const struct sotto__output_values *values = &expansion->outputs[i];
        SOTTO_VERIFY(values->first == expressions_len && values->values == values_len);
        SOTTO_VERIFY(values->method != NULL || values->values_len == values->expressions_len);
        SOTTO_VERIFY(values->shape.axes_len <= 2);
        for (size_t j = 0; j < values->shape.axes_len; j++) {
            SOTTO_VERIFY(values->shape.axes[j] < expansion->axes_len);
        }
        expressions_len += values->expressions_len;
        values_len += values->values_len;
    }
    SOTTO_VERIFY(expressions_len == expansion->expressions_len);
    SOTTO_VERIFY(values_len == expansion->values_len);
}

#endif
