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
    const struct sotto__call *calls;      /* of methods */
    size_t calls_len;                     /* so far */
    unsigned round;
    const struct sotto__expression *expression;
    size_t first_moments; /* of its first aggregate among all */
    size_t start;         /* where in its text errors point */
    unsigned bits_max;
    bool is_cell;                          /* the aggregate counts a bin or a level */
    size_t values[SOTTO__VALUE_NODES_MAX]; /* the operation of each row-wise node */
    enum sotto_status status;              /* the first failure, whose text is in err */
    struct sotto_error *err;               /* not NULL */
};

/* Keeps a failure that a callee has written into err; sets one at compiler->start. Only the first
 * of all stays. Return SOTTO_NONE, for functions that return an operation. */
size_t sotto__compile_keep(struct sotto__compiler *compiler, enum sotto_status status);
size_t sotto__compile_error(struct sotto__compiler *compiler, const char *what);
/* The failure of exact values that may need more bits than there are. Returns SOTTO_NONE. */
size_t sotto__compile_too_wide(struct sotto__compiler *compiler, int bits_max);

/* The operation at an index, valid until the next one is added; an empty one after a failure. */
const struct sotto__op *sotto__compile_op(const struct sotto__compiler *compiler, size_t op);

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
/* A double as a constant. */
size_t sotto__compile_double(struct sotto__compiler *compiler, double number);
/* A column of the expansion. */
size_t sotto__compile_column(struct sotto__compiler *compiler, size_t column);
/* a where b is present, both doubles if one of them is. */
size_t sotto__compile_together(struct sotto__compiler *compiler, size_t a, size_t b);
/* What an operator or a function of one or two values (b: SOTTO_NONE) does, by its operation. */
size_t sotto__compile_apply(struct sotto__compiler *compiler, enum sotto__op_kind kind, size_t a,
                            size_t b);
/* An operation that no expression has, on a, and on b if it is no SOTTO_NONE. index: its own. */
size_t sotto__compile_own(struct sotto__compiler *compiler, enum sotto__op_kind kind, size_t a,
                          size_t b, size_t index);
/* Whether each group of rows meets its own parameter: a word that is 0 or 1 at a place. */
size_t sotto__compile_is_open(struct sotto__compiler *compiler, size_t place);
/* The double at a place among a group's parameters. */
size_t sotto__compile_parameter(struct sotto__compiler *compiler, size_t place);

/* --- terms.c --- */

/* An aggregate that opens no sums yet. */
struct sotto__moments sotto__moments_none(unsigned round);
/* Adds the sums of x, and of x and y, of an aggregate whose rows x and y are already the same. */
void sotto__compile_moments(struct sotto__compiler *compiler, struct sotto__moments *moments,
                            struct sotto__opened_sums opens, size_t x, size_t y);
/* Adds the sum of the product of up to SOTTO__TERM_FACTORS_MAX rows, all exact or all doubles, that
 * have values together. Returns: its term, SOTTO_NONE after a failure. */
size_t sotto__compile_product(struct sotto__compiler *compiler, const size_t *factors,
                              size_t factors_len);
/* Adds a term, though there may be an equal one. Returns: its index, SOTTO_NONE after a failure. */
size_t sotto__compile_term(struct sotto__compiler *compiler, struct sotto__term term);
/* Refuses an argument of an aggregate, node, that is text. */
void sotto__compile_check_argument(struct sotto__compiler *compiler, const struct sotto__node *node,
                                   size_t argument);
/* Counts the rows where NaN was made. */
void sotto__compile_nan_made(struct sotto__compiler *compiler, struct sotto__moments *moments,
                             size_t row);

/* --- recipe.c --- */

/* Lets the next call of a method ask for this round; moments: those of its node. */
void sotto__compile_call(struct sotto__compiler *compiler, struct sotto__moments *moments);

/* Wakes what operations that are not idle need. Operands stand before their operations. */
void sotto__wake_operands(struct sotto__program *program);

/* Whether two operations do the same to operands that are the same, and to what index names. */
bool sotto__op_does_same(const struct sotto__op *x, const struct sotto__op *y);
bool sotto__constant_is_same(const struct sotto__constant *x, const struct sotto__constant *y);
/* Finds the terms that an index counts, and marks operations that only these need. Last, when slots
 * are laid out. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__indices_find(struct sotto__program *program,
                                      struct sotto_error *err) SOTTO_NODISCARD;

/* --- summed.c --- */

/* Marks operations whose values are read for sums of all rows only, when it is known what is idle.
 */
void sotto__summed_find(struct sotto__program *program);

/* --- layout.c: which slots a round has --- */

enum sotto_status sotto__layout(struct sotto__program *program,
                                struct sotto_error *err) SOTTO_NODISCARD;
/* Measures the memory for rows, when it is known what is idle. Returns:
 * SOTTO_ERROR_LIMIT. */
enum sotto_status sotto__registers_measure(struct sotto__program *program,
                                           struct sotto_error *err) SOTTO_NODISCARD;

#endif
