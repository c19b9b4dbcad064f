/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_PROGRAM_H
#define SOTTO_ENGINE_PROGRAM_H

/* Compiling: program.c writes operations, terms.c what is summed up of them. */

#include "program/program.h"

struct sotto__compiler {
    struct sotto__program *program;
    const struct sotto_plan *plan;
    const struct sotto__expansion *expansion;
    const struct sotto__program *earlier; /* rounds */
    unsigned round;
    const struct sotto__expression *expression;
    size_t first_moments; /* of its first aggregate among all */
    size_t start;         /* where in its text errors point */
    unsigned bits_max;
    size_t values[SOTTO__VALUE_NODES_MAX]; /* the operation of each row-wise node */
    struct sotto_error *err;
};

/* Errors at compiler->start. Return SOTTO_ERROR_TYPE. */
enum sotto_status sotto__compile_error(struct sotto__compiler *compiler, const char *what);
enum sotto_status sotto__compile_too_wide(struct sotto__compiler *compiler) SOTTO_NODISCARD;

/* The operation of row-wise node i, its children done before. */
enum sotto_status sotto__compile_node(struct sotto__compiler *compiler, size_t *out,
                                      size_t i) SOTTO_NODISCARD;
/* The number that node i, on aggregates of earlier rounds, is. */
enum sotto_status sotto__compile_earlier_number(struct sotto__compiler *compiler, size_t *out,
                                                size_t i) SOTTO_NODISCARD;
/* a * b; a where b is present; a comparison of numbers. */
enum sotto_status sotto__compile_multiply(struct sotto__compiler *compiler, size_t *out, size_t a,
                                          size_t b) SOTTO_NODISCARD;
enum sotto_status sotto__compile_mask(struct sotto__compiler *compiler, size_t *out, size_t a,
                                      size_t b) SOTTO_NODISCARD;
enum sotto_status sotto__compile_compare(struct sotto__compiler *compiler, size_t *out,
                                         enum sotto__op_kind kind, size_t a,
                                         size_t b) SOTTO_NODISCARD;
enum sotto_status sotto__compile_float(struct sotto__compiler *compiler,
                                       size_t *in_out) SOTTO_NODISCARD;
/* a where b is present, a double if one of them is. */
enum sotto_status sotto__compile_together(struct sotto__compiler *compiler, size_t *out, size_t a,
                                          size_t b) SOTTO_NODISCARD;
enum sotto_status sotto__compile_zero(struct sotto__compiler *compiler,
                                      size_t *out) SOTTO_NODISCARD;

#endif
