/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_PLAN_EXPANSION_H
#define SOTTO_ENGINE_PLAN_EXPANSION_H

/* A plan under agreed types, its frames taken apart into single values. */

#include "plan/plan.h"
#define SOTTO__EXPRESSIONS_MAX 4096 /* of all outputs; nodes in them; factors of aggregates */
#define SOTTO__EXPRESSIONS_NODES_MAX 131072
#define SOTTO__EXPANSION_SIZE_MAX 65536
#define SOTTO__METHOD_COLUMNS_MAX 32      /* in the list of a method's arguments */
#define SOTTO__METHOD_COEFFICIENTS_MAX 48 /* of a model in rounds */
#define SOTTO__METHOD_CELLS_MAX 1024      /* of a table */
#define SOTTO__METHOD_PATTERN_COLUMNS_MAX 8
#define SOTTO__LITERAL_BYTES_MAX 400 /* of an edge's label */

/* --- shapes.c: single values, series and frames --- */

/* What runs along an axis of values: columns, bins, levels. Owns its labels. */
struct sotto__axis {
    char **labels;
    size_t len;
    bool is_open; /* a star without a schema yet, which may stand for any columns */
};

/* A single value, a series (one axis) or a square frame (two). */
struct sotto__shape {
    size_t axes[2]; /* indices into the expansion's */
    size_t axes_len;
};

/* A column that an expansion reads: the plan's columns stand first, then those that stars stand
 * for. Borrows its name. */
struct sotto__column {
    size_t dataset;
    const char *name;
    struct sotto_type type;
    bool is_rounded; /* some of its numbers became the doubles nearest to them */
};

/* A single value: an expression without frames. Its nodes borrow texts, and it its levels, from the
 * plan. */
struct sotto__value_expression {
    struct sotto__expression expression;
    bool is_count;            /* a number of rows, of a bin or of a level: an integer */
    enum sotto_kind calendar; /* date, datetime, datetime(utc); null: a number */
};

/* A named part of what a method gives. */
struct sotto__method_field {
    const char *name;
    size_t axes_len; /* 0: one value; 1: a series along an axis of the output; 2: a table of both */
    bool is_along_columns; /* a series along the second axis, not the first one */
    bool is_count;         /* a whole number of rows, or of degrees of freedom */
    bool tells_nan;        /* the NaN that rows made stand beside it */
};

/* Where an output's value expressions and values stand. A method that stands alone has one
 * expression, its call, and the values of its fields one after the other. */
struct sotto__output_values {
    struct sotto__shape shape; /* of a method's fields: their axis */
    size_t first;              /* of its value expressions */
    size_t expressions_len;
    size_t values; /* index of the first one among a group's */
    size_t values_len;
    const struct sotto__node *method;         /* NULL: the values are the expressions' */
    const struct sotto__method_field *fields; /* of the method; set by sotto__calls_place */
    size_t fields_len;
};

/* A plan under agreed types, its frames taken apart. */
struct sotto__expansion {
    const struct sotto_schema *schema; /* NULL: not agreed yet. Borrows */
    struct sotto__column *columns;
    size_t columns_len;
    struct sotto__axis *axes;
    size_t axes_len;
    size_t axes_capacity_len;
    struct sotto__value_expression *expressions;
    size_t expressions_len;
    size_t expressions_capacity_len;
    struct sotto__output_values *outputs; /* one for each output */
    size_t outputs_len;
    size_t values_len; /* of all outputs, in each group */
    struct sotto__expression where;
};

/* The axes that a field runs along, how many these are (returned), and how many values it has. */
static inline size_t sotto__method_field_axes(size_t out[2],
                                              const struct sotto__method_field *field,
                                              const struct sotto__shape *shape)
{
    out[0] = shape->axes[field->is_along_columns];
    out[1] = shape->axes[1];
    return field->axes_len;
}

static inline size_t sotto__method_field_len(const struct sotto__method_field *field,
                                             const struct sotto__expansion *expansion,
                                             const struct sotto__shape *shape)
{
    size_t axes[2];
    size_t axes_len = sotto__method_field_axes(axes, field, shape);
    size_t rows = axes_len > 0 ? expansion->axes[axes[0]].len : 1;
    size_t columns = axes_len > 1 ? expansion->axes[axes[1]].len : 1;
    return rows * columns;
}

/* Checks the shapes of a plan's outputs and of where as far as that goes before columns are known.
 * Returns: SOTTO_ERROR_PLAN naming the output, SOTTO_ERROR_NO_MEMORY. err must not be NULL. */
enum sotto_status sotto__frames_check(const struct sotto_plan *plan,
                                      struct sotto_error *err) SOTTO_NODISCARD;
/* Finds the shape of each node of an expression and adds its axes to the expansion's. Out:
 * expression->nodes_len shapes. Returns: SOTTO_ERROR_PLAN, SOTTO_ERROR_TYPE, SOTTO_ERROR_NO_MEMORY;
 * the axes so far stay, ended by sotto__axes_release, also after a failure. err must not be NULL.
 */
enum sotto_status sotto__frames_shapes(struct sotto__shape *out, struct sotto__expansion *expansion,
                                       const struct sotto_plan *plan,
                                       const struct sotto__expression *expression,
                                       struct sotto_error *err) SOTTO_NODISCARD;
/* The axes of a method's fields, as its card says. shapes: those of the expression's nodes.
 * Returns: SOTTO_ERROR_PLAN, SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__frames_method_axes(struct sotto__shape *out,
                                            struct sotto__expansion *expansion,
                                            const struct sotto__shape *shapes,
                                            const struct sotto__expression *expression,
                                            const struct sotto__node *method,
                                            struct sotto_error *err) SOTTO_NODISCARD;
void sotto__axes_release(struct sotto__expansion *expansion);

/* --- expand.c: each value of a frame as an expression of its own --- */

/* Expands a plan under agreed types. Returns: SOTTO_ERROR_TYPE, SOTTO_ERROR_LIMIT naming the
 * output, SOTTO_ERROR_NO_MEMORY; *out is empty then. Ownership: borrows plan and schema. err must
 * not be NULL. */
enum sotto_status sotto__expand(struct sotto__expansion *out, const struct sotto_plan *plan,
                                const struct sotto_schema *schema,
                                struct sotto_error *err) SOTTO_NODISCARD;
void sotto__expansion_release(struct sotto__expansion *expansion);

/* --- verify.c --- */

#ifdef SOTTO_VERIFY_BUILD
/* Children stand before their parents, and all indices are within bounds. */
void sotto__expansion_verify(const struct sotto__expansion *expansion);
#else
#define sotto__expansion_verify(expansion) ((void)0)
#endif

#endif
