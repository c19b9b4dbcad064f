/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_PROGRAM_H
#define SOTTO_ENGINE_PROGRAM_H

/* Compiling: compile.c writes operations, terms.c what is summed up of them.
 *
 * The compiler keeps its first failure. Functions below return the index of an operation; after a
 * failure they add nothing and return SOTTO_NONE, so that a formula is written down as it is and
 * its caller looks at compiler->status once, at the end. At most one argument of a call adds
 * operations: C leaves open in which order arguments are evaluated, and all parties must number
 * their operations alike. */

#include "program/program.h"

struct sotto__compiler {
    struct sotto__program *program;
    const struct sotto_plan *plan;
    const struct sotto__expansion *expansion;
    const struct sotto__moments *earlier; /* of all aggregates of earlier rounds */
    unsigned round;
    const struct sotto__expression *expression;
    size_t first_moments; /* of its first aggregate among all */
    size_t start;         /* where in its text errors point */
    unsigned bits_max;
    size_t values[SOTTO__VALUE_NODES_MAX]; /* the operation of each row-wise node */
    enum sotto_status status;              /* the first failure, whose text is in err */
    struct sotto_error *err;               /* not NULL */
};

/* Keeps a failure that a callee has written into err; sets one at compiler->start. Only the first
 * of all stays. Return SOTTO_NONE, for functions that return an operation. */
size_t sotto__compile_keep(struct sotto__compiler *compiler, enum sotto_status status);
size_t sotto__compile_error(struct sotto__compiler *compiler, const char *what);

/* The operation at an index, valid until the next one is added; an empty one after a failure. */
const struct sotto__op *sotto__compile_op(const struct sotto__compiler *compiler, size_t op);
/* Marks a comparison as one that the plan asks for, not only an edge of hist. */
void sotto__compile_mark_asked(struct sotto__compiler *compiler, size_t op);

/* The operation of row-wise node i, its children done before. Returns SOTTO_NONE for a text in
 * quotes too, which has no operation, as only a comparison takes it, and for a literal. */
size_t sotto__compile_node(struct sotto__compiler *compiler, size_t i);
/* The operation that compile_node has found, or that of a literal. */
size_t sotto__compile_operand(struct sotto__compiler *compiler, size_t i);
/* The number that node i, on aggregates of earlier rounds, is. */
size_t sotto__compile_earlier_number(struct sotto__compiler *compiler, size_t i);
/* a * b; a where b is present; a comparison of numbers; the doubles nearest to a. */
size_t sotto__compile_multiply(struct sotto__compiler *compiler, size_t a, size_t b);
size_t sotto__compile_mask(struct sotto__compiler *compiler, size_t a, size_t b);
size_t sotto__compile_compare(struct sotto__compiler *compiler, enum sotto__op_kind kind, size_t a,
                              size_t b);
size_t sotto__compile_float(struct sotto__compiler *compiler, size_t a);
size_t sotto__compile_zero(struct sotto__compiler *compiler);

#endif
