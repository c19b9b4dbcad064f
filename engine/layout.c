/* SPDX-License-Identifier: Apache-2.0 */

/* Slots in the order of the plan's columns; of each column its count, its sum and its infinities,
 * as far as some output needs them. A slot of values of b bits has ceil((b + 61) / 64) limbs: sums
 * of up to 2^60 of them, and the sign. */

#include "internal.h"

#include <sotto/alloc.h>

static void add_needs(struct sotto__layout *layout, const struct sotto__expression *expression)
{
    for (size_t i = 0; i < expression->nodes_len; i++) {
        const struct sotto__node *node = &expression->nodes[i];
        if (node->kind == NODE_AGGREGATE) {
            struct sotto__layout_column *column =
                &layout->columns[expression->nodes[node->left].column];
            column->counted = column->counted || node->function != FUNCTION_SUM;
            column->summed = column->summed || node->function != FUNCTION_COUNT;
        }
    }
}

static size_t sum_limbs(enum sotto_kind kind)
{
    switch (kind) {
    case SOTTO_KIND_BOOL:
        return 1; /* 1 bit */
    case SOTTO_KIND_INT64:
        return 2; /* 63 bits */
    case SOTTO_KIND_DECIMAL:
        return 3; /* 2^63 x 10^18 < 2^123 */
    case SOTTO_KIND_FLOAT64:
        return FLOAT_LIMBS; /* 2^1024 in units of 2^-1074: 2098 bits */
    default:
        return 0;
    }
}

static void add_slot(struct sotto__layout *layout, size_t *out_offset, size_t limbs)
{
    *out_offset = layout->limbs_len;
    layout->slots[layout->slots_len++] = (uint16_t)limbs;
    layout->limbs_len += limbs;
}

static void add_column(struct sotto__layout *layout, struct sotto__layout_column *column)
{
    size_t limbs = sum_limbs(column->type.kind);
    column->summed = column->summed && limbs > 0;
    /* Of a column that is missing everywhere there is nothing but its count, which is 0. */
    column->counted = column->counted || column->type.kind == SOTTO_KIND_NULL;
    if (column->counted) {
        add_slot(layout, &column->count_offset, 1);
    }
    if (column->summed) {
        add_slot(layout, &column->sum_offset, limbs);
        column->sum_limbs = limbs;
    }
    if (column->summed && column->type.kind == SOTTO_KIND_FLOAT64) {
        size_t negative;
        add_slot(layout, &column->infinite_offset, 1);
        add_slot(layout, &negative, 1);
    }
}

enum sotto_status sotto__layout_init(struct sotto__layout *out, const struct sotto_plan *plan,
                                     const struct sotto_schema *schema)
{
    *out = (struct sotto__layout){.columns_len = plan->columns_len};
    out->columns = sotto_alloc_array(plan->columns_len, sizeof *out->columns);
    out->slots = sotto_alloc_array(plan->columns_len * 4, sizeof *out->slots);
    if (out->columns == NULL || out->slots == NULL) {
        sotto__layout_release(out);
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < plan->outputs_len; i++) {
        add_needs(out, &plan->outputs[i].expression);
    }
    for (size_t i = 0; i < plan->columns_len; i++) {
        out->columns[i].type = schema->fields[i].type;
        add_column(out, &out->columns[i]);
    }
    return SOTTO_OK;
}

void sotto__layout_release(struct sotto__layout *layout)
{
    sotto_free(layout->columns);
    sotto_free(layout->slots);
    *layout = (struct sotto__layout){0};
}
