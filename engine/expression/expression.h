/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_EXPRESSION_EXPRESSION_H
#define SOTTO_ENGINE_EXPRESSION_EXPRESSION_H

/* Room expression: the text of an expression as a tree, and what each of its nodes is. */

#include "expression/functions.h"
#include "number/number.h"
#include <sotto/plan.h>

#define SOTTO__EXPRESSION_BYTES_MAX SOTTO_PLAN_BYTES_MAX
#define SOTTO__EXPRESSION_NODES_MAX 256
#define SOTTO__EXPRESSION_DEPTH_MAX 64
#define SOTTO__POWER_EXPONENT_MAX 64
#define SOTTO__VALUE_NODES_MAX 4096 /* of one value of an output, frames taken apart */

enum sotto__node_kind {
    SOTTO__NODE_LITERAL,
    SOTTO__NODE_TEXT,
    SOTTO__NODE_NA, /* a missing value */
    SOTTO__NODE_COLUMN,
    SOTTO__NODE_STAR,   /* the numeric columns of a dataset */
    SOTTO__NODE_LIST,   /* of the items so far (left, SOTTO_NONE: none) and one more (right) */
    SOTTO__NODE_NEGATE, /* left */
    SOTTO__NODE_NOT,    /* left */
    SOTTO__NODE_ADD,
    SOTTO__NODE_SUBTRACT,
    SOTTO__NODE_MULTIPLY,
    SOTTO__NODE_DIVIDE,
    SOTTO__NODE_FLOOR_DIVIDE,
    SOTTO__NODE_MODULO,
    SOTTO__NODE_POWER, /* left ** exponent */
    SOTTO__NODE_EQUAL,
    SOTTO__NODE_UNEQUAL,
    SOTTO__NODE_LESS,
    SOTTO__NODE_LESS_EQUAL,
    SOTTO__NODE_GREATER,
    SOTTO__NODE_GREATER_EQUAL,
    SOTTO__NODE_AND,
    SOTTO__NODE_OR,
    SOTTO__NODE_CALL,      /* function of left, right, third: as many as it takes */
    SOTTO__NODE_AGGREGATE, /* function, of all rows, likewise */
};

/* What is written out: a level, or an edge of bins. */
struct sotto__level {
    enum { SOTTO__LEVEL_TEXT, SOTTO__LEVEL_NUMBER, SOTTO__LEVEL_BOOL } kind;
    char *text;   /* the number as it is written, maybe with a minus; "true", "false" */
    size_t start; /* in an expression's text: where it begins */
};

struct sotto__node {
    enum sotto__node_kind kind;
    enum sotto__function function;
    struct sotto__options options; /* of a call or an aggregate */
    int exponent;                  /* of a power */
    unsigned rounds;               /* an aggregate: that it may take; set by the check */
    int64_t whole;                 /* what a literal of an expansion is, which stands in no text */
    bool is_whole, is_micro;       /* a literal is such a one; it is so many millionths */
    bool is_cell;                  /* an aggregate of an expansion: counts a bin or a level */
    bool is_together; /* a dot of an expansion: its columns are missing in the same rows already */
    size_t start;     /* in the text: where it begins (an operator: where that stands) */
    size_t bytes;     /* of a literal in the text, of a list's last item, of a call's first one */
    size_t left;      /* indices of nodes */
    size_t right;     /* SOTTO_NONE: left out */
    size_t third;
    size_t levels, levels_len; /* of hist and value_counts: the first one, and how many */
    size_t row_levels_len; /* of a table: how many of its levels are its rows'; mnlogit's levels */
    size_t start_numbers, start_numbers_len; /* of start=: likewise */
    bool is_sample;       /* an if that stands for one of the levels of samples */
    bool is_dummy;        /* an if that is 1 where a column has a level of C(), or a part of it */
    char *dataset;        /* column, star: the qualifier or NULL */
    char *name;           /* column; the text of a text */
    size_t dataset_index; /* column, star: in the plan, set by the check */
    size_t column;        /* column: index in the plan, set by the check */
};

/* Children stand before their parents in nodes, and may have several; the root is the last one. */
struct sotto__expression {
    char *text;
    struct sotto__node *nodes;
    size_t nodes_len;
    size_t nodes_capacity_len;
    struct sotto__level *levels; /* of all its nodes: they are no operations */
    size_t levels_len;
    size_t levels_capacity_len;
    struct sotto__defined *defined; /* what definitions put into text, or NULL */
};

/* Parses text. Returns: SOTTO_ERROR_PLAN with "column N: ...". Ownership: ended by
 * sotto__expression_release. err must not be NULL. */
enum sotto_status sotto__expression_parse(struct sotto__expression *out, const char *text,
                                          struct sotto_error *err) SOTTO_NODISCARD;
void sotto__expression_release(struct sotto__expression *expression);

/* Sets "column N: text" for the byte offset start. Returns: SOTTO_ERROR_PLAN, SOTTO_ERROR_TYPE. */
enum sotto_status sotto__expression_error(const char *text, size_t start, struct sotto_error *err,
                                          const char *format, ...) SOTTO_PRINTF(4, 5);
enum sotto_status sotto__expression_type_error(const char *text, size_t start,
                                               struct sotto_error *err, const char *format, ...)
    SOTTO_PRINTF(4, 5);

/* How many of left, right and third a node has: 0 to 3. */
size_t sotto__node_children(const struct sotto__node *node, size_t out[3]);
/* The two columns of a call that takes a table. */
void sotto__node_columns(const struct sotto__node *call, size_t out[2]);
/* A list's nodes in their order, each with an item on its right. Returns: how many, at most
 * SOTTO__EXPRESSION_NODES_MAX. */
size_t sotto__list_items(size_t *out, const struct sotto__expression *expression, size_t list);
bool sotto__reads_data(const struct sotto__node *node); /* a column, or several */
/* The columns that a node of a plan's expression is, or that a list of them has, in their order.
 * Returns: how many, at most SOTTO__EXPRESSION_NODES_MAX; 0 where anything else is among them. */
size_t sotto__columns_find(size_t *out, const struct sotto__expression *expression, size_t node);
/* A letter, '_' or a byte of a non-ASCII character; then digits too. */
bool sotto__is_name(const char *text, size_t text_bytes);

/* The literal that a node is, minus signs before it aside. Returns: NULL if it is none. */
const struct sotto__node *sotto__literal_find(bool *out_negative,
                                              const struct sotto__expression *expression,
                                              const struct sotto__node *node);
/* The number of a literal. */
void sotto__value_set_node(struct sotto__value *value, const struct sotto__expression *expression,
                           const struct sotto__node *literal);

/* --- written.c: levels and edges that are written out --- */

#define SOTTO__GROUP_LEVELS_MAX 4096
#define SOTTO__OTHER_LABEL "(other)" /* of the group of all other values */
/* Reads a level that is written as a date or a time: microseconds, and whether it has a zone. */
bool sotto__level_time(int64_t *out, bool *out_utc, const struct sotto__level *level);
void sotto__levels_release(struct sotto__level *levels, size_t levels_len);

struct sotto__group_key {
    struct sotto__expression column; /* one node, or two: month(column) */
    struct sotto__level *levels;     /* or the edges of bins */
    size_t levels_len;
    bool are_edges;
    bool other, na; /* a group for all other values, a last one for missing ones */
};

/* A key as the command line has it: "column in (levels, na, other)", "column == level" or
 * "hist(column, edges, na, other)". Returns: SOTTO_ERROR_PLAN, SOTTO_ERROR_LIMIT. Ownership: ended
 * by sotto__group_key_release. */
enum sotto_status sotto__group_key_parse(struct sotto__group_key *out, const char *text,
                                         struct sotto_error *err) SOTTO_NODISCARD;
void sotto__group_key_release(struct sotto__group_key *key);
/* Whether a key may be so: a column, or a part of its dates. */
bool sotto__is_key(const struct sotto__expression *column);

#endif
