/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_ROWS_ROWS_H
#define SOTTO_ENGINE_ROWS_ROWS_H

/* Room rows: a block of rows through the operations of a program. */

#include "program/program.h"

/* Why a row has no value. */
#define SOTTO__ROW_MISSING 1U
#define SOTTO__ROW_MADE_NAN 2U

/* Why a row is skipped: the first bit is that it is. None of the others alone may look like a state
 * above. */
#define SOTTO__ROW_SKIPPED 1U
#define SOTTO__ROW_INCOMPLETE 4U
#define SOTTO__ROW_IN_NO_GROUP 8U

#define SOTTO__BOUND_UNKNOWN UINT64_MAX

/* The values of one operation. Values of rows without one are arbitrary, but within bounds. */
struct sotto__register {
    const void *values;   /* exact: limbs 64-bit words each, two's complement; float64. NULL: only
                             their sum was made */
    const uint8_t *state; /* 0: present; else a union of the above */
    unsigned limbs;
    unsigned bits;  /* exact: of this block */
    uint64_t bound; /* doubles: no magnitude's bits are above it; SOTTO__BOUND_UNKNOWN */
    uint64_t least; /* doubles: none but those of 0 are below it; 0: unknown */
    void *own_values;
    uint8_t *own_state;
    sotto__int128 sum; /* of the first summed_len values, all present */
    size_t summed_len; /* 0: not made yet */
};

struct sotto__rows;

/* Where a block goes whose operations are done: into sums, or into counts of rows. */
struct sotto__rows_sink {
    void (*take)(void *context, const struct sotto__rows *rows, size_t dataset, size_t len);
    void *context;
};

/* One thread's. */
struct sotto__rows {
    const struct sotto__program *program;
    struct sotto__rows_sink sink;
    bool makes_sums; /* of operations that are summed, not values: nothing but sums is the sink */
    struct sotto__register *registers; /* one for each operation, and one more for sums */
    uint8_t *memory;
    void *scratch[2];  /* SOTTO__ROWS_LEN values of SOTTO__VALUE_LIMBS_MAX limbs */
    uint8_t *skipped;  /* rows that no term takes */
    uint8_t *state;    /* scratch: of one register */
    uint8_t *no_state; /* zeros */
    uint32_t *groups;
    uint32_t *numbers; /* [index * SOTTO__ROWS_LEN + row] */
};

/* Borrows program and what sink points at. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__rows_init(struct sotto__rows *out, const struct sotto__program *program,
                                   struct sotto__rows_sink sink) SOTTO_NODISCARD;
void sotto__rows_release(struct sotto__rows *rows);
/* Takes a block of a dataset's columns, len rows: blocks[i] is the expansion's column i, NULL if it
 * is another dataset's. */
void sotto__rows_take(struct sotto__rows *rows, size_t dataset,
                      const struct sotto_column *const *blocks, size_t len);
/* Likewise rows at to at + len of blocks, at most SOTTO__ROWS_LEN and from a multiple of it on,
 * while others are taken: in their arithmetic. */
void sotto__rows_take_piece(struct sotto__rows *rows, size_t dataset,
                            const struct sotto_column *const *blocks, size_t at, size_t len);
/* The union of the states of a and b, as of a product: one of theirs, or made in room. */
const uint8_t *sotto__rows_join_states(uint8_t *room, const struct sotto__rows *rows,
                                       const struct sotto__register *a,
                                       const struct sotto__register *b, size_t len);

/* --- verify.c --- */

#ifdef SOTTO_VERIFY_BUILD
/* Exact values are within the register's bits and these within the operation's, doubles within the
 * register's bound; states are known ones, and no row with a NaN counts as present. */
void sotto__register_verify(const struct sotto__register *reg, const struct sotto__op *op,
                            size_t len);
#else
#define sotto__register_verify(reg, op, len) ((void)0)
#endif

/* --- search.c --- */

/* Sets the numbers of rows at to at + len of a dataset's blocks in all of its indices, whose values
 * are in the registers. */
void sotto__rows_search(struct sotto__rows *rows, size_t dataset,
                        const struct sotto_column *const *blocks, size_t at, size_t len);

/* --- load.c, float.c --- */

/* Rows at to at + len of a column into a register, which may borrow from the block.
 * at is a multiple of SOTTO__ROWS_LEN. */
void sotto__rows_load(struct sotto__rows *rows, struct sotto__register *out,
                      const struct sotto_column *block, size_t at, size_t len);

/* An operation that gives doubles, of doubles, other than the kernels' arithmetic; a comparison. */
void sotto__rows_float(double *out, const struct sotto__op *op, const double *a, const double *b,
                       size_t len);
void sotto__rows_compare_float(int64_t *out, enum sotto__op_kind kind, const double *a,
                               const double *b, size_t len);

/* --- text.c --- */

/* A condition on texts, in rows at to at + len of a block. */
void sotto__rows_text(int64_t *out, const struct sotto__op *op, const struct sotto_column *block,
                      size_t at, size_t len);

/* --- summed.c --- */

/* The sum of a block's exact values, of at most SOTTO__SUM_BITS_MAX bits, all of them present. */
sotto__int128 sotto__register_sum(struct sotto__register *reg, size_t len);
/* Where only the sum is wanted of an operation that is summed, and its operands have all values:
 * makes it. out->state is set. Returns: whether it did. */
bool sotto__rows_make_sum(const struct sotto__rows *rows, struct sotto__register *out,
                          const struct sotto__op *op, size_t len);
/* Makes values of which only the sum was made, in all operations before one. */
void sotto__rows_make_values(const struct sotto__rows *rows, const struct sotto__op *before,
                             size_t len);

/* --- exact.c, divide.c --- */

/* How many bits results may have, by their operands' in this block. */
unsigned sotto__exact_bits(enum sotto__op_kind kind, const struct sotto__register *a,
                           const struct sotto__register *b);

/* The register's values sign-extended (or cut) to limbs words each: its own, or in scratch. */
const uint64_t *sotto__exact_as(const struct sotto__register *from, unsigned limbs,
                                uint64_t *scratch, size_t len);
/* SOTTO__OP_NEGATE to SOTTO__OP_LESS_EQUAL on exact operands: out->bits is set. scratch: two. */
void sotto__exact_apply(struct sotto__register *out, enum sotto__op_kind kind,
                        const struct sotto__register *a, const struct sotto__register *b,
                        void *const scratch[2], size_t len);
/* Divisions: out->bits is at most bits. Where b is 0 there is no value: 0, for the caller to mark.
 */
void sotto__exact_divide(struct sotto__register *out, enum sotto__op_kind kind,
                         const struct sotto__register *a, const struct sotto__register *b,
                         unsigned bits, void *const scratch[2], size_t len);
/* Whether row i is 0. */
bool sotto__exact_is_zero(const struct sotto__register *a, size_t i);
/* SOTTO__OP_FLOAT. */
void sotto__exact_to_float(double *out, const struct sotto__register *a, unsigned scale,
                           size_t len);

#endif
