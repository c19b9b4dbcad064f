/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_INTERNAL_H
#define SOTTO_ENGINE_INTERNAL_H

#include <gmp.h>
#include <sotto/bytes.h>
#include <sotto/driver.h>

/* mpz_get_ui and its like carry limbs here. */
_Static_assert(sizeof(unsigned long) == sizeof(uint64_t), "GMP's unsigned long must have 64 bits");

/* Bounds of a plan (PLAN.md, "Limits"): they bound the operands of GMP and the depth of recursion.
 */
#define PLAN_NAME_BYTES_MAX 256
#define PLAN_DATASETS_MAX 64
#define PLAN_OUTPUTS_MAX 1024
#define PLAN_NODES_MAX 4096       /* in all outputs: bounds the time that rationals take */
#define PLAN_TIMEOUT_S_MAX 604800 /* a week */
#define EXPRESSION_BYTES_MAX 4096
#define EXPRESSION_NODES_MAX 256
#define EXPRESSION_DEPTH_MAX 64
#define LITERAL_EXPONENT_MAX 400
/* Longer exact texts are left out of results. */
#define EXACT_BYTES_MAX 4096

/* --- nearest.c --- */

/* The name nearest to word by edit distance, if it is near enough to be what was meant. Returns:
 * one of names, or NULL. */
const char *sotto__nearest(const char *word, const char *const *names, size_t names_len);

/* --- json_text.c: JSON into a writer --- */

/* Whether text is UTF-8 without control characters. */
bool sotto__text_is_plain(const char *text, size_t text_bytes);
void sotto__json_raw(struct sotto_writer *writer, const char *text);
/* A string with its quotes; text is UTF-8. */
void sotto__json_string(struct sotto_writer *writer, const char *text);
void sotto__json_integer(struct sotto_writer *writer, uint64_t value);
/* Ends the text; *out is ended by sotto_free. */
enum sotto_status sotto__json_finish(struct sotto_writer *writer, char **out);

/* --- expression.c: the text of an expression to a tree --- */

enum sotto__node_kind {
    NODE_LITERAL,
    NODE_COLUMN,
    NODE_NEGATE, /* left */
    NODE_ADD,
    NODE_SUBTRACT,
    NODE_MULTIPLY,
    NODE_DIVIDE,
    NODE_AGGREGATE, /* function of left */
};

enum sotto__function { FUNCTION_COUNT, FUNCTION_SUM, FUNCTION_MEAN };
#define FUNCTIONS_LEN 3

struct sotto__node {
    enum sotto__node_kind kind;
    enum sotto__function function;
    size_t start; /* in the text: where it begins (an operator: where that stands) */
    size_t bytes; /* of a literal */
    size_t left;  /* indices of nodes */
    size_t right;
    char *dataset; /* column: the qualifier or NULL */
    char *name;    /* column */
    size_t column; /* column: index in the plan, set by the check */
};

/* Children stand before their parents in nodes; the root is the last one. */
struct sotto__expression {
    char *text;
    struct sotto__node *nodes;
    size_t nodes_len;
    size_t nodes_capacity_len;
};

/* Parses text. Returns: SOTTO_ERROR_PLAN with "column N: ...". Ownership: ended by
 * sotto__expression_release. err must not be NULL. */
enum sotto_status sotto__expression_parse(struct sotto__expression *out, const char *text,
                                          struct sotto_error *err);
void sotto__expression_release(struct sotto__expression *expression);

/* Sets "column N: text" for the byte offset start. Returns: SOTTO_ERROR_PLAN. */
enum sotto_status sotto__expression_error(const char *text, size_t start, struct sotto_error *err,
                                          const char *format, ...) SOTTO_PRINTF(4, 5);

const char *sotto__function_name(enum sotto__function function);
/* A letter, '_' or a byte of a non-ASCII character; then digits too. */
bool sotto__is_name(const char *text, size_t text_bytes);

/* --- plan.c --- */

struct sotto__plan_dataset {
    char *alias;
    char *file;
};

struct sotto__plan_output {
    char *name;
    struct sotto__expression expression;
};

struct sotto_plan {
    char *name;
    struct sotto_strategy strategy;
    struct sotto__plan_dataset *datasets;
    size_t datasets_len;
    struct sotto__plan_output *outputs; /* in the order of the plan */
    size_t outputs_len;
    struct sotto_plan_column *columns; /* names borrow from nodes */
    size_t columns_len;
};

/* --- check.c: places and columns --- */

/* Types the outputs by place and fills plan->columns. err must not be NULL. */
enum sotto_status sotto__plan_check(struct sotto_plan *plan, struct sotto_error *err);

/* --- value.c: what expressions on aggregates compute with --- */

enum sotto__value_kind { VALUE_FINITE, VALUE_INFINITE, VALUE_NEGATIVE_INFINITE, VALUE_NAN };

/* Exact; zero has no sign. */
struct sotto__value {
    enum sotto__value_kind kind;
    mpq_t number; /* canonical; 0 unless finite */
};

void sotto__value_init(struct sotto__value *value);
void sotto__value_clear(struct sotto__value *value);
void sotto__value_set_special(struct sotto__value *value, enum sotto__value_kind kind);
/* An unsigned decimal literal, digits with a point and an exponent, checked already. */
void sotto__value_set_literal(struct sotto__value *value, const char *text, size_t text_bytes);
void sotto__value_negate(struct sotto__value *value);
/* a = a op b, with the rules of IEEE 754 for what is not finite and for division by zero. */
void sotto__value_add(struct sotto__value *a, const struct sotto__value *b);
void sotto__value_multiply(struct sotto__value *a, const struct sotto__value *b);
void sotto__value_divide(struct sotto__value *a, const struct sotto__value *b);

/* --- round.c --- */

/* The double nearest to number (canonical), ties to even, subnormals and overflow to infinity
 * included; never -0. */
double sotto__round(const mpq_t number);

/* --- text.c --- */

#define DOUBLE_TEXT_BYTES 64

/* The shortest decimal text that reads back as value (finite), in the form of Python's repr. */
void sotto__double_text(char out[DOUBLE_TEXT_BYTES], double value);

/* The exact value: an integer, a terminating decimal or a fraction. Returns: false if it is longer
 * than EXACT_BYTES_MAX, or there is no memory (*out_status). *out is ended by sotto_free. */
bool sotto__exact_text(char **out, enum sotto_status *out_status, const mpq_t number);

/* --- layout.c: which slots a round has --- */

/* What a round sums up of one column of the plan. Offsets are in limbs. */
struct sotto__layout_column {
    struct sotto_type type;
    bool counted;
    bool summed;
    size_t count_offset;
    size_t sum_offset;
    size_t sum_limbs;
    size_t infinite_offset; /* float64: +inf, then -inf, one limb each */
};

struct sotto__layout {
    struct sotto__layout_column *columns; /* one for each column of the plan */
    size_t columns_len;
    uint16_t *slots;
    size_t slots_len;
    size_t limbs_len;
};

#define SUM_LIMBS_MAX 34

enum sotto_status sotto__layout_init(struct sotto__layout *out, const struct sotto_plan *plan,
                                     const struct sotto_schema *schema);
void sotto__layout_release(struct sotto__layout *layout);

/* --- accumulate.c: exact sums of one column's blocks --- */

__extension__ typedef __int128 sotto__int128;

#define FLOAT_LIMBS 34

struct sotto__accumulator {
    uint64_t count;
    uint64_t infinite;
    uint64_t negative_infinite;
    uint64_t sum[3];      /* bool, int64, decimal: two's complement */
    sotto__int128 *limbs; /* float64: FLOAT_LIMBS + 1, see accumulate.c */
};

/* Prepares for values of type. */
enum sotto_status sotto__accumulator_init(struct sotto__accumulator *out, struct sotto_type type);
void sotto__accumulator_release(struct sotto__accumulator *accumulator);
void sotto__accumulate(struct sotto__accumulator *accumulator, const struct sotto_column *block);
/* Adds the accumulator to a partial: out has the limbs of all slots. */
void sotto__accumulator_add_to(const struct sotto__accumulator *accumulator, uint64_t *out,
                               const struct sotto__layout_column *column);
/* a += b, len limbs, modulo 2^(64 len). */
void sotto__limbs_add(uint64_t *a, const uint64_t *b, size_t len);

/* --- aggregate.c: what a round's aggregate says --- */

struct sotto__aggregate_column {
    uint64_t count;
    struct sotto__value sum; /* finite values, or what infinities make of them */
};

/* Reads the column's slots. Returns: SOTTO_ERROR_PROTOCOL for what cannot be. */
enum sotto_status sotto__aggregate_read(struct sotto__aggregate_column *out, const uint64_t *limbs,
                                        const struct sotto__layout_column *column,
                                        struct sotto_error *err);

/* Evaluates an expression on aggregates. */
void sotto__evaluate(struct sotto__value *out, const struct sotto__expression *expression,
                     const struct sotto__aggregate_column *columns);

/* --- driver.c --- */

struct sotto_driver {
    const struct sotto_plan *plan;
    struct sotto_schema schema;
    uint32_t round; /* from 1; 0: done */
    struct sotto__layout layout;
    struct sotto__aggregate_column *aggregates; /* one for each column of the plan */
    size_t aggregates_len;
    struct sotto__value *values; /* one for each output */
    size_t values_len;
};

#endif
