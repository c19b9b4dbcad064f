/* SPDX-License-Identifier: Apache-2.0 */

/* Arithmetic on aggregates. It leans on the room number, which computes with numbers. The one idea:
 * each operation is monotone in each of its numbers, but for where it passes 0, so that of
 * intervals the ends are among what it makes of the corners, and of 0. */

#include "answer/answer.h"

/* --- Of numbers --- */

static void apply_function(struct sotto__value *value, enum sotto__function function)
{
    if (function == SOTTO__FUNCTION_SQRT) {
        sotto__value_sqrt(value);
    } else if (function == SOTTO__FUNCTION_EXP) {
        sotto__value_exp(value);
    } else if (function == SOTTO__FUNCTION_LOG) {
        sotto__value_log(value);
    } else if (value->kind == SOTTO__VALUE_NEGATIVE_INFINITE || mpq_sgn(value->number) < 0) {
        sotto__value_negate(value); /* abs */
    }
}

static void apply_numbers(struct sotto__value *value, const struct sotto__node *node,
                          const struct sotto__value *right)
{
    switch (node->kind) {
    case SOTTO__NODE_NEGATE:
        sotto__value_negate(value);
        break;
    case SOTTO__NODE_ADD:
        sotto__value_add(value, right);
        break;
    case SOTTO__NODE_SUBTRACT:
        sotto__value_negate(value);
        sotto__value_add(value, right);
        sotto__value_negate(value);
        break;
    case SOTTO__NODE_MULTIPLY:
        sotto__value_multiply(value, right);
        break;
    case SOTTO__NODE_DIVIDE:
        sotto__value_divide(value, right);
        break;
    case SOTTO__NODE_POWER:
        sotto__value_power(value, node->exponent);
        break;
    default:
        apply_function(value, node->function);
        break;
    }
}

/* --- Of intervals --- */

/* What an operation makes of the corners so far. */
struct reach {
    struct sotto__value low;
    struct sotto__value high;
    bool is_begun;
};

/* Roots become doubles just outside, which can be compared. */
static void widen_root(struct sotto__value *out, const struct sotto__value *value, int sign)
{
    sotto__value_set(out, value);
    if (value->is_root) {
        sotto__value_set_double(out, sotto__value_double_beyond(value, sign));
    }
}

static void take_corner(struct reach *in_out, const struct sotto__value *value)
{
    struct sotto__value end;
    sotto__value_init(&end);
    widen_root(&end, value, -1);
    if (!in_out->is_begun || value->kind == SOTTO__VALUE_NAN ||
        (in_out->low.kind != SOTTO__VALUE_NAN && sotto__value_compare(&end, &in_out->low) < 0)) {
        sotto__value_set(&in_out->low, &end);
    }
    widen_root(&end, value, 1);
    if (!in_out->is_begun || value->kind == SOTTO__VALUE_NAN ||
        (in_out->high.kind != SOTTO__VALUE_NAN && sotto__value_compare(&end, &in_out->high) > 0)) {
        sotto__value_set(&in_out->high, &end);
    }
    in_out->is_begun = true;
    sotto__value_clear(&end);
}

static bool passes_zero(const struct sotto__value *value)
{
    struct sotto__value ends[2];
    struct sotto__value zero;
    sotto__value_init(&ends[0]);
    sotto__value_init(&ends[1]);
    sotto__value_init(&zero);
    sotto__value_ends(&ends[0], &ends[1], value);
    bool passes = value->is_interval && sotto__value_compare(&ends[0], &zero) <= 0 &&
                  sotto__value_compare(&ends[1], &zero) >= 0;
    sotto__value_clear(&ends[0]);
    sotto__value_clear(&ends[1]);
    sotto__value_clear(&zero);
    return passes;
}

/* Whether 0 is a number that an operation may meet, and may give the least of all there. */
static bool turns_at_zero(const struct sotto__node *node)
{
    return (node->kind == SOTTO__NODE_POWER && node->exponent >= 0) ||
           (node->kind == SOTTO__NODE_CALL && node->function == SOTTO__FUNCTION_ABS);
}

/* Whether an operation divides by what may be 0. */
static bool divides_by_zero(const struct sotto__value *value, const struct sotto__node *node,
                            const struct sotto__value *right)
{
    return (node->kind == SOTTO__NODE_DIVIDE && passes_zero(right)) ||
           (node->kind == SOTTO__NODE_POWER && node->exponent < 0 && passes_zero(value));
}

/* Whether a corner without a number (an infinity less itself, 0 times infinity) hides no number:
 * those near it are between what other corners give. */
static bool is_met_elsewhere(const struct sotto__node *node, const struct sotto__value *value,
                             const struct sotto__value *right)
{
    return right != NULL &&
           (node->kind == SOTTO__NODE_ADD || node->kind == SOTTO__NODE_SUBTRACT ||
            node->kind == SOTTO__NODE_MULTIPLY) &&
           value->kind != SOTTO__VALUE_NAN && right->kind != SOTTO__VALUE_NAN;
}

static void take_corners(struct reach *out, const struct sotto__value *value,
                         const struct sotto__node *node, const struct sotto__value *right)
{
    struct sotto__value lefts[3]; /* both ends, and 0 */
    struct sotto__value rights[2];
    struct sotto__value corner;
    size_t lefts_len = turns_at_zero(node) && passes_zero(value) ? 3 : 2;
    for (size_t i = 0; i < 3; i++) {
        sotto__value_init(&lefts[i]);
    }
    sotto__value_init(&rights[0]);
    sotto__value_init(&rights[1]);
    sotto__value_init(&corner);
    sotto__value_ends(&lefts[0], &lefts[1], value);
    if (right != NULL) {
        sotto__value_ends(&rights[0], &rights[1], right);
    }
    for (size_t i = 0; i < lefts_len; i++) {
        for (size_t j = 0; j < (right != NULL ? 2 : 1); j++) {
            sotto__value_set(&corner, &lefts[i]);
            apply_numbers(&corner, node, right != NULL ? &rights[j] : NULL);
            if (corner.kind != SOTTO__VALUE_NAN || !is_met_elsewhere(node, value, right)) {
                take_corner(out, &corner);
            }
        }
    }
    for (size_t i = 0; i < 3; i++) {
        sotto__value_clear(&lefts[i]);
    }
    sotto__value_clear(&rights[0]);
    sotto__value_clear(&rights[1]);
    sotto__value_clear(&corner);
}

void sotto__apply_node(struct sotto__value *value, const struct sotto__node *node,
                       const struct sotto__value *right)
{
    struct reach reach = {.is_begun = false};
    if (!value->is_interval && (right == NULL || !right->is_interval)) {
        apply_numbers(value, node, right);
        return;
    }
    sotto__value_init(&reach.low);
    sotto__value_init(&reach.high);
    take_corners(&reach, value, node, right);
    bool is_known = reach.is_begun && reach.low.kind != SOTTO__VALUE_NAN &&
                    reach.high.kind != SOTTO__VALUE_NAN && !divides_by_zero(value, node, right);
    if (is_known) {
        sotto__value_set_between(value, &reach.low, &reach.high);
    } else {
        sotto__value_set_special(value, SOTTO__VALUE_NAN);
    }
    sotto__value_clear(&reach.low);
    sotto__value_clear(&reach.high);
}
