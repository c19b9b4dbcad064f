/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_PLAN_PLAN_H
#define SOTTO_ENGINE_PLAN_PLAN_H

/* Room plan: a plan as it was parsed. */

#include "expression/defined.h"
#include "expression/expression.h"
#include <sotto/plan.h>
#include <sotto/schema.h>

/* Bounds of a plan (PLAN.md, "Limits"): they bound the operands of GMP and the depth of recursion.
 */
#define SOTTO__PLAN_NAME_BYTES_MAX 256
#define SOTTO__PLAN_DATASETS_MAX 64
#define SOTTO__PLAN_OUTPUTS_MAX 1024
#define SOTTO__PLAN_NODES_MAX 4096 /* in all outputs: bounds the time that rationals take */
/* Factors of aggregates in an output, powers multiplied out: bounds rationals. */
#define SOTTO__EXPRESSION_SIZE_MAX 1024
#define SOTTO__PLAN_SIZE_MAX 16384
#define SOTTO__PLAN_DEFINITIONS_MAX 256
#define SOTTO__GROUP_KEYS_MAX 2
#define SOTTO__ROUNDS_MAX 260
/* Counts by digits in one round, 4 MiB: where there are many groups, digits have fewer bits. */
#define SOTTO__DIGIT_COUNTS_MAX ((size_t)1 << 19)
#define SOTTO__DIGIT_BITS_MAX 8
#define SOTTO__DIGIT_BITS_MIN 2
#define SOTTO__KEY_BITS_MAX 128 /* of a value that is found by its digits */

struct sotto__plan_dataset {
    char *alias;
    char *file;
    bool is_framed; /* the plan names alias.*, all numeric columns of it */
};

struct sotto__plan_output {
    char *name;
    struct sotto__expression expression;
    size_t size; /* factors of aggregates, powers multiplied out */
};

struct sotto_plan {
    char *text; /* that it was parsed from */
    char *name;
    struct sotto__definition *definitions; /* in the order of the plan */
    size_t definitions_len;
    struct sotto__expression where; /* without nodes: all rows */
    bool is_complete; /* of those only rows that have all columns that the plan reads */
    struct sotto__group_key keys[SOTTO__GROUP_KEYS_MAX];
    size_t keys_len;
    struct sotto_strategy strategy;
    enum sotto_plan_verify verify;
    bool publishes; /* the result goes to all who took part */
    struct sotto__plan_dataset *datasets;
    size_t datasets_len;
    struct sotto__plan_output *outputs; /* in the order of the plan */
    size_t outputs_len;
    struct sotto_plan_column *columns; /* names borrow from nodes */
    size_t columns_len;
    char *bundle;        /* of a learning task, which has no datasets and outputs; else NULL */
    uint32_t rounds;     /* of a learning task */
    unsigned digit_bits; /* of the digits that methods count by; set by the check */
};

/* --- define.c: the plan's key "define" --- */

struct json_t;
/* Reads the definitions, after the datasets. */
enum sotto_status sotto__parse_definitions(struct sotto_plan *plan, const struct json_t *root,
                                           struct sotto_error *err) SOTTO_NODISCARD;
void sotto__definitions_release(struct sotto_plan *plan);
/* As sotto__expression_parse, with the plan's definitions in the places of their names. */
enum sotto_status sotto__plan_expression_parse(struct sotto__expression *out,
                                               const struct sotto_plan *plan, const char *text,
                                               struct sotto_error *err) SOTTO_NODISCARD;

/* --- selection.c: the plan's keys "where", "rows" and "group_by" --- */

enum sotto_status sotto__parse_selection(struct sotto_plan *plan, const struct json_t *root,
                                         struct sotto_error *err) SOTTO_NODISCARD;
void sotto__selection_release(struct sotto_plan *plan);

/* --- check.c: places and columns --- */

/* Types the outputs by place and fills plan->columns. err must not be NULL. */
enum sotto_status sotto__plan_check(struct sotto_plan *plan,
                                    struct sotto_error *err) SOTTO_NODISCARD;

/* --- rounds.c: what the rounds of a plan open --- */

/* The bytes of a call, from its name to its bracket; texts and names in quotes may hold brackets.
 */
size_t sotto__call_bytes(const char *text);

/* A call of a method that asks nothing more, by the output that it stands in and its place there.
 */
struct sotto__ended_call {
    size_t output;
    size_t start;
};

/* What a round of the plan opens, from 1: the aggregates, each once, in a line, but for the calls
 * that have ended. Returns: SOTTO_ERROR_NO_MEMORY. *out is ended by sotto_free. */
enum sotto_status sotto__plan_round_words(const struct sotto_plan *plan, char **out, uint32_t round,
                                          const struct sotto__ended_call *ended, size_t ended_len,
                                          struct sotto_error *err) SOTTO_NODISCARD;

/* --- sets.c: the sets of rows that a plan makes --- */

/* Rows of a dataset that a plan tells from the others: a condition, the levels or edges of a key,
 * of value_counts, of hist. text is one of an output's, of bare column names. */
struct sotto__row_set {
    size_t dataset;
    char *text;
    size_t key;      /* of the plan, whose levels it is; or SOTTO_NONE */
    size_t output;   /* whose bins or levels it is, all of it; or SOTTO_NONE. Neither where several
                        are written alike */
    bool are_groups; /* of all keys */
};

/* Between what the keys of groups say, and after one that has a group for all others. */
#define SOTTO__SET_BY " by "
#define SOTTO__NA_LABEL "(na)" /* of a key's group of missing values */

size_t sotto__count_key_groups(const struct sotto__group_key *key); /* selection.c */
#define SOTTO__SET_OR_OTHER " or other"

/* An output whose expression makes a set. */
struct sotto__row_set_use {
    size_t output;
    size_t set;
};

struct sotto__row_sets {
    struct sotto__row_set *list;
    size_t len;
    size_t capacity_len;
    struct sotto__row_set_use *uses; /* output by output */
    size_t uses_len;
    size_t uses_capacity_len;
    bool are_told; /* else there are others, which depend on opened numbers or on frames */
};

/* Finds them, each once. Returns: SOTTO_ERROR_NO_MEMORY. Ended by sotto__row_sets_release. */
enum sotto_status sotto__row_sets_find(struct sotto__row_sets *out, const struct sotto_plan *plan,
                                       struct sotto_error *err) SOTTO_NODISCARD;
void sotto__row_sets_release(struct sotto__row_sets *sets);

#endif
