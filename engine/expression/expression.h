/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_EXPRESSION_EXPRESSION_H
#define SOTTO_ENGINE_EXPRESSION_EXPRESSION_H

/* Room expression: the text of an expression as a tree, and what each of its nodes is. */

#include "number/number.h"
#include <sotto/status.h>

#define EXPRESSION_BYTES_MAX 4096
#define EXPRESSION_NODES_MAX 256
#define EXPRESSION_DEPTH_MAX 64
#define POWER_EXPONENT_MAX 64
#define DDOF_MAX 1000000
/* round(x, digits): 10^22 is the largest power of ten that is a double. */
#define ROUND_DIGITS_MAX 22
/* Of one value of an output, frames taken apart. */
#define CELL_NODES_MAX 4096

enum sotto__node_kind {
    NODE_LITERAL,
    NODE_TEXT,
    NODE_NA, /* a missing value */
    NODE_COLUMN,
    NODE_STAR,   /* the numeric columns of a dataset */
    NODE_LIST,   /* of the items so far (left, SIZE_MAX: none) and one more (right) */
    NODE_NEGATE, /* left */
    NODE_NOT,    /* left */
    NODE_ADD,
    NODE_SUBTRACT,
    NODE_MULTIPLY,
    NODE_DIVIDE,
    NODE_FLOOR_DIVIDE,
    NODE_MODULO,
    NODE_POWER, /* left ** exponent */
    NODE_EQUAL,
    NODE_UNEQUAL,
    NODE_LESS,
    NODE_LESS_EQUAL,
    NODE_GREATER,
    NODE_GREATER_EQUAL,
    NODE_AND,
    NODE_OR,
    NODE_CALL,      /* function of left, right, third: as many as it takes */
    NODE_AGGREGATE, /* function, of all rows, likewise */
};

enum sotto__function {
    FUNCTION_COUNT,
    FUNCTION_SUM,
    FUNCTION_MEAN,
    FUNCTION_VAR,
    FUNCTION_STD,
    FUNCTION_SEM,
    FUNCTION_SKEW,
    FUNCTION_KURT,
    FUNCTION_ANY,
    FUNCTION_ALL,
    FUNCTION_COV,
    FUNCTION_CORR,
    FUNCTION_DOT,
    FUNCTION_HIST,
    FUNCTION_VALUE_COUNTS,
    FUNCTION_OLS,
    FUNCTION_ROW_SUM, /* of a frame, for each row: the first of these */
    FUNCTION_ROW_COUNT,
    FUNCTION_ROW_MEAN,
    FUNCTION_ROW_VAR,
    FUNCTION_ROW_STD,
    FUNCTION_ROW_SEM,
    FUNCTION_ROW_ANY,
    FUNCTION_ROW_ALL, /* the last one */
    FUNCTION_ABS,
    FUNCTION_SQRT,
    FUNCTION_ISNA,
    FUNCTION_FILLNA,
    FUNCTION_IF,
    FUNCTION_FLOAT,
    FUNCTION_FLOOR,
    FUNCTION_CEIL,
    FUNCTION_ROUND,
    FUNCTION_EXP,
    FUNCTION_LOG,
    FUNCTION_POW,
    FUNCTION_TOGETHER, /* of expansions only: a, missing where b is; doubles if one of them is */
};
#define FUNCTIONS_LEN (FUNCTION_POW + 1)

/* What may follow the arguments of a call. */
enum sotto__option_kind { OPTION_NONE, OPTION_DDOF, OPTION_DIGITS, OPTION_INTERCEPT };

/* The rules of an option, a whole number: "ddof=0", or "0". */
struct sotto__option {
    enum sotto__option_kind kind;
    const char *name; /* NULL: there is none */
    int min;
    int max;
    int absent; /* what it is where it is left out */
};

/* The options of a call. Only a function whose rules name an option reads its field; all others are
 * 0. What the engine says to itself about a node is no option and stands in fields of its own. */
struct sotto__options {
    int ddof;
    int digits;
    bool intercept;
};

struct sotto__function_rules {
    const char *name;
    size_t arguments_len; /* 1 to 3 */
    enum { FUNCTION_OF_ALL_ROWS, FUNCTION_OF_A_ROW, FUNCTION_OF_ANY } of;
    struct sotto__option option;
    bool is_frame_enough; /* the second argument may be left out */
    bool is_variadic;     /* the last argument is a list of the others */
};

struct sotto__node {
    enum sotto__node_kind kind;
    enum sotto__function function;
    struct sotto__options options; /* of a call or an aggregate */
    int exponent;                  /* of a power */
    int whole;                     /* what a literal of an expansion is, which stands in no text */
    bool is_whole;                 /* a literal is such a one */
    bool is_edge;                  /* a comparison of an expansion, with an edge of hist */
    bool is_together; /* a dot of an expansion: its columns are missing in the same rows already */
    size_t start;     /* in the text: where it begins (an operator: where that stands) */
    size_t bytes;     /* of a literal in the text, of a list's last item */
    size_t left;      /* indices of nodes */
    size_t right;     /* SIZE_MAX: left out */
    size_t third;
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
};

/* Parses text. Returns: SOTTO_ERROR_PLAN with "column N: ...". Ownership: ended by
 * sotto__expression_release. err must not be NULL. */
enum sotto_status sotto__expression_parse(struct sotto__expression *out, const char *text,
                                          struct sotto_error *err);
void sotto__expression_release(struct sotto__expression *expression);

/* Sets "column N: text" for the byte offset start. Returns: SOTTO_ERROR_PLAN, SOTTO_ERROR_TYPE. */
enum sotto_status sotto__expression_error(const char *text, size_t start, struct sotto_error *err,
                                          const char *format, ...) SOTTO_PRINTF(4, 5);
enum sotto_status sotto__type_error(const char *text, size_t start, struct sotto_error *err,
                                    const char *format, ...) SOTTO_PRINTF(4, 5);

/* Returns: static storage. */
const struct sotto__function_rules *sotto__function_rules(enum sotto__function function);
/* How many of left, right and third a node has: 0 to 3. */
size_t sotto__node_children(const struct sotto__node *node, size_t out[3]);
bool sotto__options_equal(const struct sotto__options *a, const struct sotto__options *b);
/* A list's nodes in their order, each with an item on its right. Returns: how many, at most
 * EXPRESSION_NODES_MAX. */
size_t sotto__list_items(size_t *out, const struct sotto__expression *expression, size_t list);
/* A letter, '_' or a byte of a non-ASCII character; then digits too. */
bool sotto__is_name(const char *text, size_t text_bytes);

/* The number of a literal. */
void sotto__value_set_node(struct sotto__value *value, const struct sotto__expression *expression,
                           const struct sotto__node *literal);

/* --- places.c: what is row by row, and which round opens what --- */

enum sotto__place {
    PLACE_CONSTANT,
    PLACE_ROW,       /* a value for each row, on the party */
    PLACE_AGGREGATE, /* of all rows of all parties */
};

/* Of each node; round: which round must be over for its value, of a row-wise one for its inner
 * aggregates. 0: none. */
struct sotto__places {
    enum sotto__place place[CELL_NODES_MAX];
    unsigned round[CELL_NODES_MAX];
};

/* A column, or several. */
bool sotto__reads_data(const struct sotto__node *node);
void sotto__places_find(struct sotto__places *out, const struct sotto__expression *expression);
/* The nodes that are computed row by row in a round: those below its aggregates, down to what
 * earlier rounds have opened. */
void sotto__places_find_rows(bool *out, const struct sotto__places *places,
                             const struct sotto__expression *expression, unsigned round);

#endif
