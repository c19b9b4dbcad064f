/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_CONTRIBUTE_WATCHING_H
#define SOTTO_ENGINE_CONTRIBUTE_WATCHING_H

/* What a watch is made of (measures.c, watch_predicates.c, watch_told.c,
 * watch.c), and what a reading needs of it. */

#include "contribute/measures.h"
#include <sotto/evidence.h>
#include <sotto/watch.h>

/* --- watch_predicates.c --- */

/* What rows are classed by, and shown beside. All of it is the caller's. */
struct sotto__watched {
    const struct sotto_driver *driver; /* of the round */
    size_t dataset;
    const struct sotto_catalogue *catalogue;
    const char *const *predicates;
    size_t predicates_len;
    const char *const *columns;
    size_t columns_len;
};

/* What one output, or a condition, says of a row. */
struct sotto__predicate_part {
    size_t *ops; /* the last one that holds gives the class, which is its place, from 1 */
    size_t ops_len;
    size_t *values; /* operations that these compare: where one has no value it is not known whether
                       a predicate would hold */
    size_t values_len;
    size_t index;       /* instead of them; or SOTTO_NONE */
    uint16_t *class_of; /* of each number of the index */
    size_t classes_len; /* from 1 on */
    bool has_other;     /* rows of no class have one of their own, the last */
};

struct sotto__predicate {
    struct sotto__predicate_part *parts;
    size_t parts_len;
    uint8_t *is_left_out; /* of each class, from 1 on; NULL: all are told */
};

struct sotto__predicates {
    struct sotto_plan *plan; /* of these; NULL: there are none */
    struct sotto_driver *driver;
    struct sotto__predicate *list;
    uint32_t *classes_len; /* of each */
    size_t len;
    size_t *column_ops; /* that are shown */
    size_t columns_len;
    size_t *twins; /* of each operation: the round's that is computed instead of it; SOTTO_NONE */
};

/* Returns: as sotto_watch_prepare. Ended by sotto__predicates_release, also after a failure. */
enum sotto_status sotto__predicates_init(struct sotto__predicates *out,
                                         const struct sotto__watched *watched,
                                         struct sotto_error *err) SOTTO_NODISCARD;
void sotto__predicates_release(struct sotto__predicates *predicates);

/* --- watch_classes.c --- */

/* Finds the operations that the round has too, and has no others computed than are asked for.
 * Returns: SOTTO_ERROR_LIMIT, SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__predicates_share(struct sotto__predicates *in_out,
                                          const struct sotto__watched *watched,
                                          struct sotto_error *err) SOTTO_NODISCARD;
/* Lends the round's values of a piece of rows, after its operations, to those of predicates. */
void sotto__predicates_borrow(const struct sotto__predicates *predicates, struct sotto__rows *rows,
                              const struct sotto__rows *round);
/* Writes the class of each row by predicate i, after the operations of the plan. */
void sotto__predicates_class(const struct sotto__predicates *predicates, uint16_t *out, size_t i,
                             const struct sotto__rows *rows, size_t len);

/* --- watch_told.c --- */

/* The term of what a call of a method asks of a round: number i, or SOTTO_NONE from the last on. */
size_t sotto__find_asked_term(const struct sotto__program *program, size_t call, size_t i);
/* Whether the round tells each class of a set that comes from a key or an output, once it is known
 * what is withheld: cell_terms are the terms of its cells. Returns: NULL if there is no memory.
 * Ended by sotto_free. */
uint8_t *sotto__find_told(size_t *out_len, const struct sotto_driver *driver,
                          const struct sotto__row_set *set, const struct sotto_withheld *withheld,
                          const size_t *cell_terms) SOTTO_NODISCARD;

/* --- keys.c --- */

/* Writes what each row's key hashes to, 0 where there is none. */
void sotto__key_hash(uint64_t *out, const struct sotto_column *block, size_t len);

/* --- watch.c --- */

/* One thread's. */
struct sotto__watcher {
    const struct sotto_watch *watch;
    size_t dataset;
    size_t worker;
    bool has_classes;
    struct sotto__rows rows; /* of the predicates' program */
    const struct sotto_column **blocks;
    uint16_t *classes;      /* [predicate * SOTTO__ROWS_LEN + row] */
    double *columns;        /* [column * SOTTO__ROWS_LEN + row] */
    uint8_t *column_states; /* likewise */
    const double **column_lists;
    const uint8_t **column_state_lists;
    const uint16_t **class_lists;
    const struct sotto_column *key_block; /* NULL: there is no key */
    uint64_t *keys;                       /* [row of the block] */
    size_t keys_capacity_len;
    size_t shown_len; /* rows of the block */
    double *values;   /* [measure * SOTTO__ROWS_LEN + row] */
    double *factors;  /* [factor * SOTTO__ROWS_LEN + row]: of those that are no doubles */
    const double **factor_lists;
    uint8_t *states; /* likewise */
    const double **value_lists;
    const uint8_t **state_lists;
    enum sotto_status status; /* the first failure */
    struct sotto_error err;
};

enum sotto_status sotto__watcher_init(struct sotto__watcher *out, const struct sotto_watch *watch,
                                      size_t dataset, size_t worker) SOTTO_NODISCARD;
void sotto__watcher_release(struct sotto__watcher *watcher);

/* The columns that predicates read of a dataset: column i, or NULL from the last one on. */
const struct sotto__column *sotto__watch_column(const struct sotto_watch *watch, size_t dataset,
                                                size_t i);
/* The key of a dataset, as the catalogue has it that the watch was prepared by; or NULL. */
const struct sotto_catalogue_column *sotto__watch_key(const struct sotto_watch *watch,
                                                      size_t dataset);
void sotto__watch_set_sink(struct sotto_watch *watch, const struct sotto_watch_sink *sink);
const struct sotto_watch_sink *sotto__watch_sink(const struct sotto_watch *watch);
enum sotto_status sotto__watch_begin(struct sotto_watch *watch, size_t dataset, size_t workers_len,
                                     struct sotto_error *err) SOTTO_NODISCARD;

/* Keeps which classes of the plan's sets a round tells, once it is known what is withheld:
 * cell_terms are the terms of its cells. */
enum sotto_status sotto__watch_keep_told(struct sotto_watch *watch,
                                         const struct sotto_withheld *withheld,
                                         const size_t *cell_terms,
                                         struct sotto_error *err) SOTTO_NODISCARD;

/* Begins a block, before its operations: blocks[i] is sotto__watch_column i. */
enum sotto_status sotto__watcher_take_block(struct sotto__watcher *watcher, size_t len,
                                            struct sotto_error *err) SOTTO_NODISCARD;
/* Classes and shows the next rows of the block, after their operations. */
void sotto__watcher_take_rows(struct sotto__watcher *watcher, const struct sotto__rows *rows,
                              size_t dataset, size_t len);

#endif
