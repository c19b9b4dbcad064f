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

struct sotto_plan;
struct sotto_schema;

/* Parses and checks everything that needs no data: JSON, keys, expressions, places (every output is
 * an aggregate), strategy.
 * Returns: SOTTO_ERROR_PLAN with a text that names the key or output and the position;
 * SOTTO_ERROR_LIMIT above SOTTO_PLAN_BYTES_MAX or another bound of PLAN.md. */
SOTTO_API enum sotto_status sotto_plan_parse(struct sotto_plan **out, const void *json,
                                             size_t json_bytes,
                                             struct sotto_error *err) SOTTO_NODISCARD;

/* Frees a plan; NULL is fine. Nothing that borrows from it may be in use. */
SOTTO_API void sotto_plan_free(struct sotto_plan *plan);

/* The plan's name, as logs show it. Borrows from the plan. */
SOTTO_API const char *sotto_plan_name(const struct sotto_plan *plan);

/* How many parties the plan asks for and how long it waits; what the plan does not say has its
 * default. Borrows from the plan. */
SOTTO_API const struct sotto_strategy *sotto_plan_strategy(const struct sotto_plan *plan);

/* How many datasets the plan names; they are sorted by alias. */
SOTTO_API size_t sotto_plan_datasets_len(const struct sotto_plan *plan);

/* The alias of a dataset ("wages"), what expressions call it. dataset is below
 * sotto_plan_datasets_len. Borrows from the plan. */
SOTTO_API const char *sotto_plan_dataset_alias(const struct sotto_plan *plan, size_t dataset);

/* The file name of a dataset ("wages.csv"), what owners offer. dataset is below
 * sotto_plan_datasets_len. Borrows from the plan. */
SOTTO_API const char *sotto_plan_dataset_file(const struct sotto_plan *plan, size_t dataset);

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

/* The first aggregate function of the plan that is not among these, or NULL. */
SOTTO_API const char *sotto_plan_other_statistic(const struct sotto_plan *plan,
                                                 const char *const *allowed, size_t allowed_len);

/* What a plan could take out of single rows, from harmless to harmful. */
enum sotto_plan_class {
    SOTTO_PLAN_BARE,       /* sums of columns, of their squares and of products of two */
    SOTTO_PLAN_POLYNOMIAL, /* sums of polynomials of degree 2 in exact columns */
    SOTTO_PLAN_OTHER, /* conditions, choices, division, higher degrees, where, group_by, rounds */
};

/* Classifies a plan: *out is its worst aggregate's class. *out_words, if out_words is not NULL, is
 * a text for its owner, a line for each aggregate, ended by sotto_free. schema may be NULL; with
 * the types of the columns a polynomial of a float64 column is SOTTO_PLAN_OTHER too, because
 * rounding makes steps of it ((x + 1e300) - 1e300). Returns: SOTTO_ERROR_NO_MEMORY. */
SOTTO_API enum sotto_status sotto_plan_classify(const struct sotto_plan *plan,
                                                enum sotto_plan_class *out, char **out_words,
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
    const char *where; /* "age >= 18", or NULL */
    /* 'dept in ("R&D", "Sales")' or 'hist(age, 0, 18, 65)', with other for a group of all others */
    const char *const *by;
    size_t by_len;
    struct sotto_strategy strategy;
};

/* Returns: JSON text in *out, ended by sotto_free; SOTTO_ERROR_PLAN for two outputs of one name,
 * and a by that is no column in levels. Other expressions are not checked: sotto_plan_parse does.
 */
SOTTO_API enum sotto_status sotto_plan_compose(char **out, const struct sotto_plan_parts *parts,
                                               struct sotto_error *err) SOTTO_NODISCARD;

SOTTO_END_DECLS

#endif
