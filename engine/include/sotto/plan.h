/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_PLAN_H
#define SOTTO_PLAN_H

/* A plan: the task as data. engine/PLAN.md specifies its JSON and its expressions. */

#include <sotto/type.h>

SOTTO_BEGIN_DECLS

#define SOTTO_PLAN_BYTES_MAX (256 * 1024)
#define SOTTO_PLAN_MIN_CLIENTS 3
#define SOTTO_PLAN_MAX_CLIENTS 1000
#define SOTTO_PLAN_TIMEOUT_S_MAX 604800 /* a week */
#define SOTTO_PLAN_LEARNING_ROUNDS_MAX 10000

struct sotto_strategy {
    uint32_t min_clients;          /* >= SOTTO_PLAN_MIN_CLIENTS */
    uint32_t max_clients;          /* >= min_clients */
    uint32_t wait_timeout_s;       /* for local computation */
    uint32_t connection_timeout_s; /* for each other step */
};

/* A column that the plan reads. Borrows from the plan. */
struct sotto_plan_column {
    size_t dataset; /* index of the dataset */
    const char *name;
};

/* Whether parties check sums themselves: the plan's "enable_verify". */
enum sotto_plan_verify {
    SOTTO_PLAN_VERIFY_AUTO, /* where they are shown them anyway, and it is not too long */
    SOTTO_PLAN_VERIFY_NEVER,
    SOTTO_PLAN_VERIFY_ALWAYS,
};

struct sotto_plan;
struct sotto_schema;

/* Parses and checks everything that needs no data: JSON, keys, expressions, places (every output is
 * an aggregate), strategy.
 * Returns: SOTTO_ERROR_PLAN with a text that names the key or output and the position;
 * SOTTO_ERROR_LIMIT above SOTTO_PLAN_BYTES_MAX or another bound of PLAN.md. */
SOTTO_API enum sotto_status sotto_plan_parse(struct sotto_plan **out, const void *json,
                                             size_t json_bytes,
                                             struct sotto_error *err) SOTTO_NODISCARD;

/* Parses a plan of statistics, as sotto_plan_parse, or one of type "learning", of which it reads
 * whose code runs how often (sotto_plan_bundle, sotto_plan_rounds): such a plan has no datasets,
 * outputs and columns, and nothing of the engine computes it. Returns: as sotto_plan_parse. */
SOTTO_API enum sotto_status sotto_plan_parse_task(struct sotto_plan **out, const void *json,
                                                  size_t json_bytes,
                                                  struct sotto_error *err) SOTTO_NODISCARD;

/* The digest of the code of a learning task, 64 hexadecimal digits; NULL where the plan is of
 * statistics. Borrows from the plan. */
SOTTO_API const char *sotto_plan_bundle(const struct sotto_plan *plan);

/* The plan, JSON text, with its models starting where those of another task have ended: reached is
 * of sotto_driver_reached, of a plan that has the same calls in outputs of the same names. Returns:
 * *out, ended by sotto_free; SOTTO_ERROR_PLAN for what is no JSON; SOTTO_ERROR_INPUT where nothing
 * was reached, or the plan lacks such a model. */
SOTTO_API enum sotto_status sotto_plan_start_from(char **out, const void *json, size_t json_bytes,
                                                  const char *reached,
                                                  struct sotto_error *err) SOTTO_NODISCARD;

/* Frees a plan; NULL is fine. Nothing that borrows from it may be in use. */
SOTTO_API void sotto_plan_free(struct sotto_plan *plan);

/* The plan's name, as logs show it. Borrows from the plan. */
SOTTO_API const char *sotto_plan_name(const struct sotto_plan *plan);

/* How many parties the plan asks for and how long it waits; what the plan does not say has its
 * default. Borrows from the plan. */
SOTTO_API const struct sotto_strategy *sotto_plan_strategy(const struct sotto_plan *plan);

/* Whether parties check sums themselves. */
SOTTO_API enum sotto_plan_verify sotto_plan_verify(const struct sotto_plan *plan);

/* Whether it has a model, whose coefficients each round hands to the next one. */
SOTTO_API bool sotto_plan_fits(const struct sotto_plan *plan) SOTTO_NODISCARD;

/* Whether the result goes to all who took part ("results": "participants"), not to the initiator
 * only. */
SOTTO_API bool sotto_plan_publishes(const struct sotto_plan *plan);

/* How many datasets the plan names; they are sorted by alias. */
SOTTO_API size_t sotto_plan_datasets_len(const struct sotto_plan *plan);

/* The alias of a dataset ("wages"), what expressions call it. dataset is below
 * sotto_plan_datasets_len. Borrows from the plan. */
SOTTO_API const char *sotto_plan_dataset_alias(const struct sotto_plan *plan, size_t dataset);

/* The file name of a dataset ("wages.csv"), what owners offer. dataset is below
 * sotto_plan_datasets_len. Borrows from the plan. */
SOTTO_API const char *sotto_plan_dataset_file(const struct sotto_plan *plan, size_t dataset);

/* Whether the plan means all columns of a dataset by "*", and so reads more than it names. dataset
 * is below sotto_plan_datasets_len. */
SOTTO_API bool sotto_plan_is_framed(const struct sotto_plan *plan, size_t dataset);

/* How many columns the plan reads; each is there once, sorted by dataset, then by name (bytes). */
SOTTO_API size_t sotto_plan_columns_len(const struct sotto_plan *plan);

/* One of the columns that the plan reads; column is below sotto_plan_columns_len. Its name borrows
 * from the plan. */
SOTTO_API struct sotto_plan_column sotto_plan_column(const struct sotto_plan *plan, size_t column);

/* How many rounds it takes: one, and one more for each aggregate inside a row-wise expression
 * inside an aggregate. */
SOTTO_API uint32_t sotto_plan_rounds(const struct sotto_plan *plan);

/* The aggregate functions that plans may name ("mean"). Returns: static storage, NULL from the
 * last one on. */
SOTTO_API const char *sotto_statistic_name(size_t index);

/* A function in words. Texts are static. */
struct sotto_function {
    const char *name;
    const char *call;      /* how it is written */
    const char *gives;     /* a sentence */
    const char *example;   /* an output of the file of engine/PLAN.md */
    const char *synonyms;  /* other names, blanks between them; NULL: none */
    bool is_of_all_rows;   /* an aggregate; else it works on each row */
    unsigned rounds_max;   /* of an aggregate, as are the next ones: that it may take */
    bool count;            /* it opens how many rows it is of */
    unsigned powers;       /* sums of powers up to this one */
    bool product;          /* the sum of a product */
    bool weighted_squares; /* sums of squares times weights, and squares of weights */
    bool counts_cells;     /* counts of rows by levels, bins or conditions */
    bool counts_digits;    /* counts of rows by the digits of values */
};

/* The functions that expressions may name, in the order of PLAN.md. Returns: false from the last
 * one on. */
SOTTO_API bool sotto_function_describe(struct sotto_function *out, size_t index) SOTTO_NODISCARD;

/* An option of a function: a whole number from min to max, (words not NULL) one of these, any
 * number from 0 to most, (is_list) numbers in brackets, or (is_of_rows) an expression of rows. */
struct sotto_function_option {
    const char *name;
    int min;
    int max;
    int absent; /* what it is where it is left out; below min: it must be there */
    const char *const *words;
    double most;
    bool is_list;
    bool is_of_rows;
};

/* The options of a function by its name. Returns: false from the last one on. */
SOTTO_API bool sotto_function_option(struct sotto_function_option *out, const char *function,
                                     size_t index) SOTTO_NODISCARD;

/* The first aggregate function of the plan that is not among these, or NULL. */
SOTTO_API const char *sotto_plan_other_statistic(const struct sotto_plan *plan,
                                                 const char *const *allowed, size_t allowed_len);

/* What an argument of an aggregate, or a condition, is made of: facts by which a policy decides. */
enum sotto_form {
    SOTTO_FORM_COLUMNS,    /* columns as they are */
    SOTTO_FORM_POLYNOMIAL, /* of columns */
    SOTTO_FORM_CONDITION,  /* comparisons of columns with what is written out, and, or, not of them
                            */
    SOTTO_FORM_CHOICE,     /* if(condition, one of the above, na) */
    SOTTO_FORM_CELLS,      /* how many values of a column are in each of the bins, or each level */
    SOTTO_FORM_GRID,       /* likewise in cells in which no party has few (guarded quantiles) */
    SOTTO_FORM_ORDER,      /* likewise in ever smaller cells, down to single values */
    SOTTO_FORM_FIT,        /* a model of columns, and of conditions as above, in rounds */
    SOTTO_FORM_OTHER,      /* anything else, and what nobody has said */
    SOTTO_FORMS_LEN,
};

/* A clause of a plan, which says what rows, or what of them, is told. Texts borrow from the plan;
 * all but why may be whatever its author wrote. */
struct sotto_plan_clause {
    enum { SOTTO_CLAUSE_WHERE, SOTTO_CLAUSE_KEY, SOTTO_CLAUSE_AGGREGATE } kind;
    const char *output; /* of an aggregate: the name of its output; else NULL */
    const char *text;   /* the expression it stands in; of a key: the column */
    size_t start;       /* in text: where it begins */
    size_t bytes;       /* of it, in text */
    enum sotto_form form;
    const char *why;  /* of SOTTO_FORM_OTHER: what makes it so; else NULL */
    bool is_extreme;  /* it tells of the least or the greatest value */
    unsigned degree;  /* of the polynomials whose sums an aggregate opens */
    bool is_computed; /* there is arithmetic in it */
    bool has_doubles; /* it reads a column of float64 */
    uint32_t round;   /* that opens an aggregate, from 1 */
    bool is_checked;  /* the plan doesn't say that parties don't check sums */
};

typedef enum sotto_status sotto_plan_clause_sink(void *context,
                                                 const struct sotto_plan_clause *clause,
                                                 struct sotto_error *err);

/* Hands the clauses of a plan to sink: where, keys, then each aggregate of each output. schema may
 * be NULL: nobody knows then which columns are float64. Returns: the sink's first failure. */
SOTTO_API enum sotto_status sotto_plan_clauses(const struct sotto_plan *plan,
                                               sotto_plan_clause_sink *sink, void *context,
                                               const struct sotto_schema *schema,
                                               struct sotto_error *err) SOTTO_NODISCARD;

/* What a round of the plan opens, from 1, as far as the plan says: the aggregates, each once, in a
 * line (sotto_driver_round_words knows which have ended). Returns: *out, ended by sotto_free;
 * SOTTO_ERROR_NO_MEMORY. */
SOTTO_API enum sotto_status sotto_plan_round_words(const struct sotto_plan *plan, uint32_t round,
                                                   char **out,
                                                   struct sotto_error *err) SOTTO_NODISCARD;

/* Writes a plan from the pieces that a command line has. */
struct sotto_plan_parts {
    const char *name;
    const char *const *dataset_aliases;
    const char *const *dataset_files;
    size_t datasets_len;
    const char *const *outputs; /* "m=mean(wage)" or "mean(wage)" */
    size_t outputs_len;
    const char *where;              /* "age >= 18", or NULL */
    const char *const *definitions; /* "bmi=kg / (m * m)" */
    size_t definitions_len;
    /* 'dept in ("R&D", "Sales")' or 'hist(age, 0, 18, 65)', with other for a group of all others */
    const char *const *by;
    size_t by_len;
    struct sotto_strategy strategy;
};

/* Returns: JSON text in *out, ended by sotto_free; SOTTO_ERROR_PLAN for two outputs of one name,
 * a by that is no column in levels, and a definition without a name. Other expressions are not
 * checked: sotto_plan_parse does.
 */
SOTTO_API enum sotto_status sotto_plan_compose(char **out, const struct sotto_plan_parts *parts,
                                               struct sotto_error *err) SOTTO_NODISCARD;

SOTTO_END_DECLS

#endif
