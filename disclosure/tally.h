/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DISCLOSURE_TALLY_H
#define SOTTO_DISCLOSURE_TALLY_H

/* What is gathered of a party's rows: tally.c (what is shown, and hosts' calls), tally_atoms.c
 * (rows into atoms), tally_told.c (what an answer tells of them), tally_products.c (columns of few
 * values, and products with them), tally_parts.c (rows in parts). */

#include "tally_atoms.h"

#include <sotto/tally.h>

struct product {
    size_t columns[2]; /* that are shown; of a column alone the second one is SOTTO_NONE */
};

struct tallied {
    const struct sotto_catalogue *catalogue;
    struct sotto_ledger_texts predicates;
    size_t known_len;               /* of them, in the ledger; those of the plan come after */
    struct sotto_ledger_texts told; /* predicates, as far as the answer tells their classes */
    size_t *told_at;                /* of each predicate: its place among told; or SOTTO_NONE */
    uint8_t *counts_cells;          /* of told: 1 where this plan counts the rows of each class */
    size_t *used;                   /* places among told, of conditions of all outputs */
    struct sotto_ledger_conditions *conditions;
    size_t conditions_len;
    struct atoms atoms;                    /* of told */
    struct sotto_ledger_measure *measures; /* that rows are shown for; then, if counts, the count */
    const char **columns;                  /* of all measures, one after the other */
    size_t measures_len;
    bool counts;
    bool has_count;                  /* also where only pairs need it */
    size_t shown_len;                /* measures whose values the watch shows */
    struct sotto_ledger_texts old;   /* products that were told before */
    struct sotto_ledger_texts names; /* columns that are shown beside, for pairs */
    struct sotto_ledger_texts texts; /* of measures after shown_len, which only pairs need */
    struct product *contexts;        /* what these are of */
    struct pair *pairs;
    size_t pairs_len;
    size_t pairs_capacity_len;
    size_t contexts_capacity_len;
    struct sotto_ledger_pair *told_pairs;
    struct atoms *workers;
    size_t workers_len;
    struct sotto_ledger_atom *list;
};

/* Of a party, or of whoever reads some of its rows: who has no ledger, and only gathers. */
struct sotto_tally {
    struct sotto_ledger *ledger; /* NULL: of some rows */
    const struct sotto_sketch_key *key;
    struct sotto_sketch_key own_key;   /* of some rows: it is their party's */
    struct sotto_catalogue *catalogue; /* likewise; ended with the tally */
    const struct sotto_driver *driver;
    struct sotto_watch *watch;
    struct tallied *datasets;
    struct sotto_ledger_file *files;
    size_t len;
};

/* --- tally_atoms.c --- */

/* The sink of the watch; context: the tally. */
enum sotto_status sotto__tally_begin_reading(void *context, size_t dataset, size_t workers_len,
                                             struct sotto_error *err) SOTTO_NODISCARD;
enum sotto_status sotto__tally_take_rows(void *context, size_t worker,
                                         const struct sotto_watch_rows *rows,
                                         struct sotto_error *err) SOTTO_NODISCARD;

/* --- tally.c --- */

/* A tally of nothing yet, without a ledger and a key. Returns: as sotto_tally_new. Ended by
 * sotto_tally_free. */
enum sotto_status sotto__tally_make(struct sotto_tally **out, const struct sotto_driver *driver,
                                    const struct sotto_plan *plan,
                                    struct sotto_error *err) SOTTO_NODISCARD;
/* Prepares the watch, once old predicates and products are there. Returns: as sotto_tally_new. */
enum sotto_status sotto__tally_prepare(struct sotto_tally *tally, size_t dataset, const char *file,
                                       const struct sotto_catalogue *catalogue,
                                       struct sotto_error *err) SOTTO_NODISCARD;
/* The column that is the key; or NULL. */
const char *sotto__tally_find_key(const struct sotto_catalogue *catalogue);
/* Puts the atoms of all threads together, as the first one's. Returns: as sotto__tally_find_atom.
 */
enum sotto_status sotto__tally_merge_workers(struct tallied *tallied,
                                             struct sotto_error *err) SOTTO_NODISCARD;

/* --- tally_parts.c --- */

/* The sink's for rows in parts. */
enum sotto_status sotto__tally_ask_parts(void *context, struct sotto_buffer *out, size_t dataset,
                                         struct sotto_error *err) SOTTO_NODISCARD;
enum sotto_status sotto__tally_take_parts(void *context, size_t dataset, const void *data,
                                          size_t data_bytes,
                                          struct sotto_error *err) SOTTO_NODISCARD;

/* --- tally_told.c --- */

/* Lists the predicates of a dataset as the answer tells them. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__tally_list_told(struct sotto_tally *tally, size_t dataset) SOTTO_NODISCARD;
/* Puts atoms together that the answer does not tell apart. Of a group that is withheld nothing is
 * asked. Returns: as sotto__tally_find_atom. */
enum sotto_status sotto__tally_merge_untold(struct sotto_tally *tally, size_t dataset,
                                            const struct atoms *atoms, const uint8_t *withheld,
                                            struct sotto_error *err) SOTTO_NODISCARD;

/* --- tally_products.c --- */

size_t sotto__tally_count_columns(const struct sotto_watch *watch, size_t dataset, size_t measure);
/* The columns of a measure that is one column, or a product of two; else NULL. */
void sotto__tally_find_factors(const char *out[2], const struct sotto_watch *watch, size_t dataset,
                               size_t measure);
/* Lists the columns that pairs may be of. Without any predicate there are no sets of rows. */
enum sotto_status sotto__tally_list_names(struct sotto_tally *tally, size_t dataset,
                                          struct sotto_error *err) SOTTO_NODISCARD;
/* Makes the pairs. Contexts, and the count, come after the measures that are shown. */
enum sotto_status sotto__tally_make_pairs(struct tallied *tallied, const struct sotto_watch *watch,
                                          size_t dataset, struct sotto_error *err) SOTTO_NODISCARD;
/* Counts rows by the levels of each pair: begins, takes rows, adds what others counted, lists the
 * pairs that turned out to have few values. Return: false if there is no memory. */
bool sotto__tally_prepare_pairs(struct atoms *out, const struct tallied *tallied);
void sotto__tally_take_columns(struct atoms *atoms, const struct tallied *tallied,
                               const struct sotto_watch_rows *rows,
                               const struct sotto_sketch_key *key);
bool sotto__tally_list_pairs(struct tallied *tallied, struct sotto_ledger_file *out);

#endif
