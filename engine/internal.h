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
/* Of one value of an output, frames taken apart; of all of them; and with all groups. */
#define CELL_NODES_MAX 4096
#define CELLS_MAX 4096
#define CELLS_NODES_MAX 131072
#define RESULT_VALUES_MAX ((size_t)1 << 18)
#define EXPANSION_SIZE_MAX 65536
#define OLS_REGRESSORS_MAX 32
#define OLS_BITS_MAX 100000 /* coefficients times the bits of the longest element */
#define EXPRESSION_DEPTH_MAX 64
#define LITERAL_EXPONENT_MAX 400
#define LITERAL_BYTES_MAX 400 /* of an edge's label */
#define POWER_EXPONENT_MAX 64
#define DDOF_MAX 1000000
/* round(x, digits): 10^22 is the largest power of ten that is a double. */
#define ROUND_DIGITS_MAX 22
/* What a value inside an aggregate may take: beyond it the hint is float(x). Products of two, which
 * an aggregate makes itself, may take twice as much. */
#define VALUE_BITS_MAX 1024
#define PRODUCT_BITS_MAX 2048
#define SUM_LIMBS_MAX ((PRODUCT_BITS_MAX + 62 + 63) / 64) /* of a slot of exact values */
#define VALUE_LIMBS_MAX 33
#define VALUE_SCALE_MAX 4096
/* Factors of aggregates in an output, powers multiplied out: bounds rationals. */
#define EXPRESSION_SIZE_MAX 1024
#define PLAN_SIZE_MAX 16384
#define GROUP_KEYS_MAX 2
#define ROUNDS_MAX 8
#define GROUP_LEVELS_MAX 4096
#define GROUPS_MAX 10000
/* Of one round; of the memory for rows that one thread needs. */
#define ROUND_LIMBS_MAX ((size_t)1 << 22)
#define ROWS_BYTES_MAX ((size_t)64 << 20)
/* Longer exact texts are left out of results. */
#define EXACT_BYTES_MAX 4096

/* --- json_text.c: JSON into a writer --- */

/* Whether text is UTF-8 without control characters. */
bool sotto__text_is_plain(const char *text, size_t text_bytes);
void sotto__json_raw(struct sotto_writer *writer, const char *text);
/* A string with its quotes; text is UTF-8. */
void sotto__json_string(struct sotto_writer *writer, const char *text);
void sotto__json_integer(struct sotto_writer *writer, uint64_t value);
/* Ends the text; *out is ended by sotto_free. */
enum sotto_status sotto__json_finish(struct sotto_writer *writer, char **out);

/* --- expression.c, token.c: the text of an expression to a tree --- */

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
    NODE_POWER, /* left ** number */
    NODE_EQUAL,
    NODE_UNEQUAL,
    NODE_LESS,
    NODE_LESS_EQUAL,
    NODE_GREATER,
    NODE_GREATER_EQUAL,
    NODE_AND,
    NODE_OR,
    NODE_CALL,      /* function of left, right, third: as many as it takes */
    NODE_AGGREGATE, /* function, of all rows, likewise; number is its option */
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
#define HIST_EDGE 1    /* number of a comparison with an edge of hist */
#define DOT_TOGETHER 2 /* a dot's option: its columns are missing in the same rows */

/* A whole number that may follow the arguments: "ddof=0", or "0". */
struct sotto__option {
    const char *name; /* NULL: there is none */
    int min;
    int max;
    int absent; /* what it is where it is left out */
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
    int number;   /* option, exponent */
    size_t start; /* in the text: where it begins (an operator: where that stands) */
    size_t bytes; /* of a literal (0: it is number, not in the text), of a list's last item */
    size_t left;  /* indices of nodes */
    size_t right; /* SIZE_MAX: left out */
    size_t third;
    char *dataset; /* column, star: the qualifier or NULL */
    char *name;    /* column; the text of a text */
    size_t column; /* column: index in the plan, of a star the dataset's, set by the check */
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
/* A list's nodes in their order, each with an item on its right. Returns: how many, at most
 * EXPRESSION_NODES_MAX. */
size_t sotto__list_items(size_t *out, const struct sotto__expression *expression, size_t list);
/* A letter, '_' or a byte of a non-ASCII character; then digits too. */
bool sotto__is_name(const char *text, size_t text_bytes);

/* --- plan.c --- */

struct sotto__plan_dataset {
    char *alias;
    char *file;
    bool is_framed; /* alias.* is in the plan */
};

struct sotto__plan_output {
    char *name;
    struct sotto__expression expression;
    size_t size; /* factors of aggregates, powers multiplied out */
};

struct sotto__level {
    enum { LEVEL_TEXT, LEVEL_NUMBER, LEVEL_BOOL } kind;
    char *text; /* the number as it is written, maybe with a minus; "true", "false" */
};

struct sotto__group_key {
    struct sotto__expression column; /* one node */
    struct sotto__level *levels;     /* or the edges of bins */
    size_t levels_len;
    bool are_edges;
    bool other; /* a group for all other values */
};

struct sotto_plan {
    char *name;
    struct sotto__expression where; /* no nodes: none */
    struct sotto__group_key keys[GROUP_KEYS_MAX];
    size_t keys_len;
    struct sotto_strategy strategy;
    struct sotto__plan_dataset *datasets;
    size_t datasets_len;
    struct sotto__plan_output *outputs; /* in the order of the plan */
    size_t outputs_len;
    struct sotto_plan_column *columns; /* names borrow from nodes */
    size_t columns_len;
};

/* --- selection.c: the plan's keys "where" and "group_by" --- */

struct json_t;
enum sotto_status sotto__parse_selection(struct sotto_plan *plan, const struct json_t *root,
                                         struct sotto_error *err);
void sotto__selection_release(struct sotto_plan *plan);

/* --- check.c: places and columns --- */

/* Types the outputs by place and fills plan->columns. err must not be NULL. */
enum sotto_status sotto__plan_check(struct sotto_plan *plan, struct sotto_error *err);

/* --- rounds.c: which round opens what --- */

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

/* A number that earlier rounds opened, inside a row-wise expression: in each group a double. */
struct sotto__inner {
    const struct sotto__expression *expression; /* borrows from the expansion */
    size_t node;
    size_t ofs_at; /* of the expression's first aggregate among all */
};

struct sotto__program;
/* The index of a program's inner number: the same one, or added. earlier: the programs of the
 * rounds before. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__inner_find(struct sotto__program *program, size_t *out,
                                    const struct sotto__inner *inner,
                                    const struct sotto__program *earlier);

/* --- frames.c: the shapes of expressions --- */

/* What runs along an axis of values: columns, bins, levels. */
struct sotto__axis {
    char **labels;
    size_t len;
    bool is_open; /* a star's, as long as there is no schema: any columns */
};

/* A single value, a series (one axis) or a square frame (two). */
struct sotto__shape {
    size_t axes[2]; /* indices into the expansion's */
    size_t axes_len;
};

/* A column that an expansion reads: the plan's, then what stars stand for. Borrows. */
struct sotto__column {
    size_t dataset;
    const char *name;
    struct sotto_type type;
};

/* A single value: an expression without frames. Its nodes borrow texts from the plan. */
struct sotto__cell {
    struct sotto__expression expression;
    bool is_count; /* of bins or levels: an integer */
};

/* An output's place. The cells of ols are the sums that it is solved from. */
struct sotto__part {
    struct sotto__shape shape;
    size_t first; /* cell */
    size_t cells_len;
    size_t values; /* index of the first one among a group's */
    size_t values_len;
    const struct sotto__node *ols; /* NULL: the values are the cells' */
};

/* A plan under agreed types, its frames taken apart. */
struct sotto__expansion {
    const struct sotto_schema *schema; /* NULL: not agreed yet. Borrows */
    struct sotto__column *columns;
    size_t columns_len;
    struct sotto__axis *axes;
    size_t axes_len;
    size_t axes_capacity_len;
    struct sotto__cell *cells;
    size_t cells_len;
    size_t cells_capacity_len;
    struct sotto__part *parts; /* one for each output */
    size_t parts_len;
    size_t values_len; /* of a group */
    struct sotto__expression where;
};

/* Checks what can be checked before columns are known. Returns: SOTTO_ERROR_PLAN. */
enum sotto_status sotto__frames_check(const struct sotto_plan *plan, struct sotto_error *err);
/* The shape of each node of an expression (out: nodes_len of them). */
enum sotto_status sotto__frames_shapes(struct sotto__shape *out, struct sotto__expansion *expansion,
                                       const struct sotto_plan *plan,
                                       const struct sotto__expression *expression,
                                       struct sotto_error *err);
/* The series of a regression's coefficients: "const", if it has one, and the regressors. */
enum sotto_status sotto__frames_regressors(struct sotto__shape *out,
                                           struct sotto__expansion *expansion,
                                           const struct sotto__shape *shapes,
                                           const struct sotto__expression *expression,
                                           const struct sotto__node *ols, struct sotto_error *err);
void sotto__axes_release(struct sotto__expansion *expansion);

/* --- expand.c --- */

/* Returns: SOTTO_ERROR_TYPE, SOTTO_ERROR_LIMIT naming the output. Ownership: borrows plan and
 * schema. err must not be NULL. */
enum sotto_status sotto__expand(struct sotto__expansion *out, const struct sotto_plan *plan,
                                const struct sotto_schema *schema, struct sotto_error *err);
void sotto__expansion_release(struct sotto__expansion *expansion);

/* --- value.c: what expressions on aggregates compute with --- */

enum sotto__value_kind { VALUE_FINITE, VALUE_INFINITE, VALUE_NEGATIVE_INFINITE, VALUE_NAN };

/* Exact, unless it is marked; zero has no sign. A root is the signed square root of number:
 * -sqrt(2) has -2. It is irrational: roots that are rational are kept as rationals. */
struct sotto__value {
    enum sotto__value_kind kind;
    bool is_root;
    bool is_rounded; /* a double stands for what is no rational and no root */
    mpq_t number;    /* canonical; 0 unless finite */
};

void sotto__value_init(struct sotto__value *value);
void sotto__value_clear(struct sotto__value *value);
void sotto__value_set(struct sotto__value *value, const struct sotto__value *from);
void sotto__value_set_special(struct sotto__value *value, enum sotto__value_kind kind);
/* An unsigned decimal literal, digits with a point and an exponent. */
void sotto__value_set_literal(struct sotto__value *value, const char *text, size_t text_bytes);
void sotto__value_set_node(struct sotto__value *value, const struct sotto__expression *expression,
                           const struct sotto__node *literal);
void sotto__value_negate(struct sotto__value *value);
/* a = a op b, with the rules of IEEE 754 for what is not finite and for division by zero. The sum
 * of a root and another number is that of the doubles nearest to them, rounded. */
void sotto__value_add(struct sotto__value *a, const struct sotto__value *b);
void sotto__value_multiply(struct sotto__value *a, const struct sotto__value *b);
void sotto__value_divide(struct sotto__value *a, const struct sotto__value *b);
/* a = a ** exponent. */
void sotto__value_power(struct sotto__value *a, int exponent);
void sotto__value_sqrt(struct sotto__value *value);
/* Of the nearest double, rounded once. */
void sotto__value_exp(struct sotto__value *value);
void sotto__value_log(struct sotto__value *value);
/* The signed root of the number that value is. */
void sotto__value_signed_root(struct sotto__value *value);
/* The nearest double; NaN and infinities too. */
double sotto__value_double(const struct sotto__value *value);

/* --- round.c --- */

/* The double nearest to number (canonical), ties to even, subnormals and overflow to infinity
 * included; never -0. */
double sotto__round(const mpq_t number);
/* The double nearest to the signed square root of number, likewise. */
double sotto__round_root(const mpq_t number);

/* --- text.c --- */

#define DOUBLE_TEXT_BYTES 64

/* The shortest decimal text that reads back as value (finite), in the form of Python's repr. */
void sotto__double_text(char out[DOUBLE_TEXT_BYTES], double value);

/* The number of decimals of a fraction with this denominator. Returns: false if it does not end. */
bool sotto__decimals(unsigned long *out, const mpz_t denominator);

/* The exact value: an integer, a terminating decimal or a fraction. Returns: false if it is longer
 * than EXACT_BYTES_MAX, or there is no memory (*out_status). *out is ended by sotto_free. */
bool sotto__exact_text(char **out, enum sotto_status *out_status, const mpq_t number);

/* --- program.c: the outputs under the agreed types, as operations on rows and sums of them --- */

enum sotto__op_kind {
    OP_COLUMN,
    OP_CONSTANT,
    OP_INNER,  /* float64: a number of an earlier round, in each group its own */
    OP_NEGATE, /* a */
    OP_ABS,
    OP_NOT,
    OP_SQRT, /* float64, as the next two */
    OP_EXP,
    OP_LOG,
    OP_IS_NA, /* never missing */
    OP_FLOAT, /* the nearest double of an exact a */
    OP_ADD,   /* a, b: of one scale */
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE, /* float64 */
    OP_POW,    /* float64 */
    OP_FLOOR_DIVIDE,
    OP_MODULO,
    OP_ROUND_DIVIDE, /* exact: the nearest integer, ties to even */
    OP_FLOOR,        /* float64, as the next two */
    OP_CEIL,
    OP_ROUND, /* to digits */
    OP_EQUAL, /* never missing, as the next three */
    OP_UNEQUAL,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_TEXT_EQUAL, /* column a and the text */
    OP_AND,
    OP_OR,
    OP_FILL, /* a, where it is missing b */
    OP_MASK, /* a, missing also where b is */
    OP_IF,   /* c: a, else b */
};

enum sotto__row_kind {
    ROW_BOOL, /* exact too: 0 and 1 */
    ROW_EXACT,
    ROW_FLOAT,
    ROW_TEXT,
};

/* Operands stand before their operations. An exact value v is in units of 10^-scale,
 * |v| <= 2^bits. */
struct sotto__op {
    enum sotto__op_kind kind;
    enum sotto__row_kind type;
    bool makes_nan; /* it or an operand may give NaN for present inputs */
    bool is_null;   /* missing everywhere: a column, or the constant na */
    bool never_zero;
    bool is_early; /* where needs it: done before rows have groups */
    bool is_asked; /* a comparison that is not only an edge of hist */
    unsigned bits;
    unsigned scale;
    int digits; /* OP_ROUND */
    size_t a;
    size_t b;
    size_t c;
    size_t dataset;     /* SIZE_MAX: constant */
    size_t index;       /* column of the expansion, constant, inner number */
    const char *text;   /* OP_TEXT_EQUAL; borrows from the plan */
    const char *source; /* the text that it was first written in, and where; borrows likewise */
    size_t start;
};

struct sotto__constant {
    uint64_t limbs[VALUE_LIMBS_MAX]; /* two's complement, if it is exact and not too wide */
    double number;                   /* nearest */
};

enum sotto__term_kind {
    TERM_COUNT, /* rows where a factor is present */
    TERM_MADE,  /* rows where NaN was made */
    TERM_SUM,   /* the sum of the product of the factors; exact ones have one factor */
};

#define TERM_FACTORS_MAX 4

struct sotto__term {
    enum sotto__term_kind kind;
    size_t factors[TERM_FACTORS_MAX]; /* operations */
    size_t factors_len;
    enum sotto__row_kind type;
    unsigned bits;
    unsigned scale;
    bool never_negative;
    bool has_infinities; /* a float64 of one factor: +inf and -inf, one limb each after the sum */
    size_t limbs;
    size_t offset;      /* in limbs, of the first group */
    size_t accumulator; /* offset in units of 128 bits, of the first group */
    /* With groups, where sotto__term_columns is not 0: */
    size_t buffer; /* offset in doubles, all groups' counted as one */
    size_t fill;   /* index of its fills, likewise */
};

/* How many columns of doubles wait in buffers for their groups. */
static inline size_t sotto__term_columns(const struct sotto__term *term)
{
    bool waits = term->kind == TERM_SUM && term->type == ROW_FLOAT && term->factors_len <= 2;
    bool is_pair = term->factors_len == 2 && term->factors[0] != term->factors[1];
    return waits ? 1 + (size_t)is_pair : 0;
}

/* What an aggregate is made of; indices of terms, SIZE_MAX: not used. */
enum { OF_COUNT, OF_MADE, OF_X, OF_XX, OF_XXX, OF_XXXX, OF_Y, OF_YY, OF_XY, OFS_LEN };
struct sotto__of {
    size_t terms[OFS_LEN];
    unsigned round; /* that opens it: the others' programs have no terms here */
};

struct sotto__program {
    struct sotto__op *ops;
    size_t ops_len;
    size_t ops_capacity_len;
    struct sotto__constant *constants;
    size_t constants_len;
    size_t constants_capacity_len;
    struct sotto__term *terms;
    size_t terms_len;
    size_t terms_capacity_len;
    struct sotto__of *ofs; /* one for each aggregate, by cell, then by node */
    size_t ofs_len;
    struct sotto__inner *inners;
    size_t inners_len;
    size_t inners_capacity_len;
    double *inner_values; /* [group * inners_len + inner]: set when the round begins */
    size_t where;         /* operation or SIZE_MAX */
    size_t keys[GROUP_KEYS_MAX];
    struct sotto__levels *levels[GROUP_KEYS_MAX];
    size_t keys_len;
    size_t groups_len; /* 1 without keys */
    /* Of the round. With keys the last limb of a group counts the parties that withhold it. */
    uint16_t *slots;
    size_t slots_len;
    size_t group_limbs;
    size_t limbs_len;
    size_t group_accumulators; /* in units of 128 bits */
    size_t buffer_len;         /* doubles that wait for a group: a multiple of BLOCK_STEP */
    size_t group_buffers;      /* doubles of all terms */
    size_t fills_len;          /* terms whose doubles wait */
    size_t rows_bytes;         /* of the registers of one thread */
};

/* Of a round, from 1; earlier: those before it. Returns: SOTTO_ERROR_TYPE naming output and column
 * where types do not fit, SOTTO_ERROR_LIMIT. Ownership: borrows plan and expansion. err must not be
 * NULL. */
enum sotto_status sotto__program_init(struct sotto__program *out, const struct sotto_plan *plan,
                                      const struct sotto__expansion *expansion,
                                      const struct sotto__program *earlier, unsigned round,
                                      struct sotto_error *err);
void sotto__program_release(struct sotto__program *program);
/* Whether the round reads a column of the expansion. */
bool sotto__program_reads(const struct sotto__program *program, size_t column);
/* An exact register's limbs for |v| <= 2^bits. */
static inline unsigned sotto__bits_limbs(unsigned bits)
{
    return (bits + 65) / 64;
}

/* --- layout.c: which slots a round has --- */

enum sotto_status sotto__layout(struct sotto__program *program, struct sotto_error *err);

/* --- groups.c: the values of a key column and their groups --- */

struct sotto__levels;
enum sotto_status sotto__levels_new(struct sotto__levels **out, const struct sotto__group_key *key,
                                    struct sotto_type type, struct sotto_error *err);
void sotto__levels_free(struct sotto__levels *levels);
/* [-] digits [. digits] */
bool sotto__is_decimal(const char *text);
/* Such a number. */
void sotto__decimal_set(struct sotto__value *out, const char *text);
#define GROUP_NONE UINT32_MAX /* the row's key is missing */
#define GROUP_OTHER (UINT32_MAX - 1)
/* The levels of rows at to at + len of a key column's block. */
void sotto__levels_find(uint32_t *out, const struct sotto__levels *levels,
                        const struct sotto_column *block, size_t at, size_t len);
/* With the group of all others, if there is one. */
size_t sotto__levels_len(const struct sotto__levels *levels);

/* --- rows.c: a block of rows through the operations --- */

__extension__ typedef __int128 sotto__int128;
__extension__ typedef unsigned __int128 sotto__uint128;

/* Rows that go through the operations at a time: registers stay in the caches. */
#define ROWS_LEN 512

/* Why a row has no value. */
#define ROW_MISSING 1U
#define ROW_MADE_NAN 2U

#define BOUND_UNKNOWN UINT64_MAX
#define INFINITY_BITS (UINT64_C(0x7FF) << 52)

/* The values of one operation. Values of rows without one are arbitrary, but within bounds. */
struct sotto__register {
    const void *values;   /* exact: limbs 64-bit words each, two's complement; float64 */
    const uint8_t *state; /* 0: present; else a union of the above */
    unsigned limbs;
    unsigned bits;  /* exact: of this block */
    uint64_t bound; /* doubles: no magnitude's bits are above it; BOUND_UNKNOWN */
    void *own_values;
    uint8_t *own_state;
};

/* One thread's. */
struct sotto__rows {
    const struct sotto__program *program;
    struct sotto__register *registers; /* one for each operation */
    uint8_t *memory;
    void *scratch[2];  /* ROWS_LEN values of VALUE_LIMBS_MAX limbs */
    uint8_t *skipped;  /* rows that no term takes */
    uint8_t *state;    /* of a term */
    uint8_t *no_state; /* zeros */
    uint32_t *groups;
    sotto__int128 *accumulators; /* of all groups, see accumulate.c */
    double *buffers;             /* see grouped.c */
    uint16_t *fills;
    struct sotto__tally *tally; /* rows are counted, not summed up (guard.c); else NULL */
};

enum sotto_status sotto__rows_init(struct sotto__rows *out, const struct sotto__program *program);
void sotto__rows_release(struct sotto__rows *rows);
/* Takes a block of a dataset's columns, len rows: blocks[i] is the expansion's column i, NULL if it
 * is another dataset's. Returns: SOTTO_ERROR_INPUT for a key that is no level. */
enum sotto_status sotto__rows_take(struct sotto__rows *rows, size_t dataset,
                                   const struct sotto_column *const *blocks, size_t len,
                                   struct sotto_error *err);

/* --- rows_exact.c --- */

/* The register's values sign-extended (or cut) to limbs words each: its own, or in scratch. */
const uint64_t *sotto__exact_as(const struct sotto__register *from, unsigned limbs,
                                uint64_t *scratch, size_t len);
/* OP_NEGATE to OP_LESS_EQUAL on exact operands: out->bits is set. scratch: two. */
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
/* OP_FLOAT. */
void sotto__exact_to_float(double *out, const struct sotto__register *a, unsigned scale,
                           size_t len);

/* --- accumulate.c: exact sums --- */

/* Adds rows of a register to all accumulators of the terms of this dataset. */
void sotto__accumulate(struct sotto__rows *rows, size_t dataset, size_t len);
/* Adds the accumulators to a partial. */
void sotto__accumulators_add_to(struct sotto__rows *rows, uint64_t *out);
/* a += b, len limbs, modulo 2^(64 len). */
void sotto__limbs_add(uint64_t *a, const uint64_t *b, size_t len);

/* --- guard.c: how many rows stand behind a round --- */

/* Counts of rows: one thread's, or all. */
struct sotto__guard;
struct sotto__tally {
    const struct sotto__guard *guard;
    uint64_t *counts;
};

enum sotto_status sotto__tally_like(struct sotto__tally *out, const struct sotto__tally *total);
void sotto__tally_add(struct sotto__tally *total, const struct sotto__tally *tally);
/* Counts the rows that the registers hold. */
void sotto__tally_take(struct sotto__rows *rows, size_t dataset, size_t len);

/* --- aggregate.c: what a round's aggregate says --- */

/* Two's complement. */
void sotto__limbs_import(mpz_t out, const uint64_t *limbs, size_t len);

/* The terms of one group. */
struct sotto__aggregate {
    struct sotto__value *terms;
    size_t terms_len;
};

/* Reads the slots of a group. Returns: SOTTO_ERROR_PROTOCOL for what cannot be. */
enum sotto_status sotto__aggregate_read(struct sotto__aggregate *out, const uint64_t *limbs,
                                        const struct sotto__program *program,
                                        struct sotto_error *err);

/* --- statistics.c --- */

/* The value of an aggregate. Returns: SOTTO_ERROR_PROTOCOL for what no rows can give. */
enum sotto_status sotto__statistic(struct sotto__value *out, const struct sotto__node *node,
                                   const struct sotto__of *of,
                                   const struct sotto__aggregate *aggregate,
                                   struct sotto_error *err);

/* What a round says of one group. */
struct sotto__opened {
    const struct sotto__program *program;
    struct sotto__aggregate aggregate;
};

/* Evaluates node root of an expression on aggregates, the first of which is the ofs_at'th of all.
 * opened: those rounds that it needs. */
enum sotto_status sotto__evaluate(struct sotto__value *out,
                                  const struct sotto__expression *expression, size_t root,
                                  size_t ofs_at, const struct sotto__opened *opened,
                                  struct sotto_error *err);

/* --- ols.c --- */

/* The values of a regression: coefficients, standard errors, t, of each of them "const", if there
 * is one, and the regressors'; then these. */
enum {
    OLS_R2,
    OLS_ADJUSTED_R2,
    OLS_RESIDUAL_SD,
    OLS_F,
    OLS_CONDITION,
    OLS_COUNT,
    OLS_DF,
    OLS_SCALARS_LEN,
};

size_t sotto__ols_values_len(size_t regressors, bool intercept);
/* Solves a regression from its cells' values (expand.c). out: sotto__ols_values_len values, 0 each;
 * NaN where a sum is infinite or there are fewer rows than coefficients. labels: of the
 * coefficients. Returns: SOTTO_ERROR_INPUT naming regressors that are collinear (is_grouped: NaN),
 * SOTTO_ERROR_LIMIT, SOTTO_ERROR_CANCELLED,
 * SOTTO_ERROR_PROTOCOL for what no rows can give. */
enum sotto_status sotto__ols(struct sotto__value *out, const struct sotto__value *sums,
                             size_t regressors, bool intercept, char *const *labels,
                             bool is_grouped, const struct sotto_interrupt *interrupt,
                             struct sotto_error *err);

/* --- driver.c --- */

struct sotto_driver {
    const struct sotto_plan *plan;
    struct sotto_schema schema;
    struct sotto__expansion expansion;
    uint32_t round; /* from 1; 0: done */
    uint32_t rounds_len;
    struct sotto__program programs[ROUNDS_MAX];
    struct sotto__program *program; /* of the round, at the end of the last one */
    uint64_t *opened[ROUNDS_MAX];   /* the aggregates of the rounds before */
    struct sotto__value *values;    /* [group * expansion.values_len + value] */
    uint64_t *made;                 /* NaN made, likewise */
    size_t values_len;
    uint64_t *withheld; /* [group], of the last round: parties that kept the group back */
    const struct sotto_interrupt *interrupt;
};

/* Counts the rows of all files into total. */
enum sotto_status sotto__driver_tally(const struct sotto_driver *driver, struct sotto__tally *total,
                                      struct sotto_csv *const *files,
                                      const struct sotto_catalogue *const *catalogues,
                                      struct sotto_error *err);

#endif
