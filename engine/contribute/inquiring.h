/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_CONTRIBUTE_INQUIRING_H
#define SOTTO_ENGINE_CONTRIBUTE_INQUIRING_H

/* What inquiry.c is made of: sets of rows by what must hold of each, and monomials of at most two
 * factors. */

#include "contribute/evidence.h"

/* Beyond these an expression counts as itself. */
#define SOTTO__LITERALS_MAX 256
#define SOTTO__FACTORS_MAX 64

/* Keeps the first failure: nothing is added after one. */
void sotto__inquiry_fail(struct sotto__inquiry *inquiry, enum sotto_status status);
/* Makes room for one more element. Returns: false after a failure, which is kept. */
bool sotto__inquiry_reserve(struct sotto__inquiry *inquiry, void **array, size_t *capacity_len,
                            size_t len, size_t element_bytes);

/* --- inquiry_sets.c --- */

/* The literals of one set, while they are collected. */
struct sotto__literals {
    size_t bits[SOTTO__LITERALS_MAX];
    size_t len;
};

bool sotto__op_is_logic(enum sotto__op_kind kind);
/* A comparison, logic, or whether something is missing. */
bool sotto__op_is_condition(const struct sotto__op *op);

void sotto__literals_add(struct sotto__inquiry *inquiry, struct sotto__literals *literals,
                         size_t op, enum sotto__bit_kind kind);
/* Adds when an operation has a value. Recursion: as deep as the expression. */
void sotto__literals_find_present(struct sotto__inquiry *inquiry, struct sotto__literals *out,
                                  size_t op);

/* Of a set that is none of the numbers of an index. */
static const struct sotto__membership sotto__no_index = {.index = SOTTO_NONE};

struct sotto_evidence_set sotto__inquiry_make_set(const struct sotto__inquiry *inquiry,
                                                  enum sotto_evidence_set_kind kind, size_t op);
/* Finds a set, or adds it. Returns: its index, SOTTO_NONE after a failure. */
size_t sotto__inquiry_add_set(struct sotto__inquiry *inquiry, struct sotto_evidence_set set,
                              struct sotto__membership member,
                              const struct sotto__literals *literals);
/* The rows in which an operation has a value. Returns: as above. */
size_t sotto__inquiry_add_presence(struct sotto__inquiry *inquiry, size_t op);
/* The rows in which a condition holds. */
void sotto__inquiry_add_condition(struct sotto__inquiry *inquiry, size_t op,
                                  struct sotto__literals *literals);
/* Conditions that decide which rows an operation has a value in. */
void sotto__inquiry_add_conditions_of(struct sotto__inquiry *inquiry, size_t op);
/* A term that counts the rows for which a condition holds. */
void sotto__inquiry_add_truths(struct sotto__inquiry *inquiry, size_t number);

/* --- inquiry_factors.c --- */

/* Operations that are multiplied; SOTTO_NONE: fewer than two. */
struct sotto__factors {
    size_t factors[SOTTO__FACTORS_MAX][2];
    size_t len;
};

/* Adds a product, in any order, once. Returns: false if there are too many. */
bool sotto__factors_add(struct sotto__factors *out, size_t a, size_t b);
/* Multiplies out. Returns: false if a product has more than two factors, or there are too many. */
bool sotto__factors_multiply(struct sotto__factors *out, const struct sotto__factors *a,
                             const struct sotto__factors *b);
/* What an operation is the same as, but for its units, its sign and rows without a value. */
size_t sotto__factors_peel(const struct sotto__program *program, size_t op);
/* Writes the monomials of an operation, which has none of two factors that can't be taken apart:
 * such a one is a column of its own. Recursion: as deep as the expression. */
void sotto__factors_expand(const struct sotto__program *program, struct sotto__factors *out,
                           size_t op);

#endif
