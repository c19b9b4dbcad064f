/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_WATCH_H
#define SOTTO_WATCH_H

/* What a round says of a party's rows beside their sums, shown to whoever has to remember what was
 * answered: while the rows are read, the values that each sum adds up, and on which side of each
 * predicate a row stands, of old predicates too, which the plan does not name. */

#include <sotto/contribution.h>

SOTTO_BEGIN_DECLS

struct sotto_watch;

/* At most this many classes of one predicate. */
#define SOTTO_WATCH_CLASSES_MAX 65535

/* Some rows of one dataset. Arrays borrow for the call; [i][row]. */
struct sotto_watch_rows {
    size_t dataset;
    size_t len;
    const uint16_t *const *classes; /* of each predicate that was prepared: 0 none of its classes */
    size_t predicates_len;
    const uint32_t *classes_len;  /* of each predicate: its classes are below, or the last of all */
    const double *const *values;  /* of each measure: the nearest doubles */
    const uint8_t *const *states; /* 0: the value counts */
    size_t measures_len;
    const double *const *columns; /* of each column that was asked for: the nearest doubles */
    const uint8_t *const *column_states; /* 0: it has a value that counts */
    size_t columns_len;
    const uint64_t *keys;   /* who the row is about, hashed; NULL: nobody says it */
    const uint8_t *skipped; /* not 0: where or the groups leave the row out; NULL: none */
    const uint32_t *groups; /* of rows that are not left out; NULL: there are no groups */
    uint32_t groups_len;
};

struct sotto_watch_sink {
    void *context;
    /* Before a dataset is read: so many workers take. */
    enum sotto_status (*begin)(void *context, size_t dataset, size_t workers_len,
                               struct sotto_error *err);
    /* Threads: one for each worker. */
    enum sotto_status (*take)(void *context, size_t worker, const struct sotto_watch_rows *rows,
                              struct sotto_error *err);
    /* Where a dataset's rows are in parts (sotto/part.h): what those are told who make them, the
     * same bytes each time while the watch lasts. NULL: such rows can't be shown. Ownership: *out
     * is ended by sotto_buffer_release. */
    enum sotto_status (*ask)(void *context, struct sotto_buffer *out, size_t dataset,
                             struct sotto_error *err);
    /* Instead of begin and take: what all parts together were shown. NULL where ask is. */
    enum sotto_status (*give)(void *context, size_t dataset, const void *data, size_t data_bytes,
                              struct sotto_error *err);
};

/* Finds the predicates and measures of the driver's round. Returns: SOTTO_ERROR_NO_MEMORY.
 * Ownership: borrows driver, and is of no use once it advances; *out is ended by sotto_watch_free.
 */
SOTTO_API enum sotto_status sotto_watch_new(struct sotto_watch **out,
                                            const struct sotto_driver *driver,
                                            struct sotto_error *err) SOTTO_NODISCARD;
/* NULL is fine. */
SOTTO_API void sotto_watch_free(struct sotto_watch *watch);

/* The predicates that the plan asks of a dataset, each a text that is the same in every plan that
 * asks it: predicate i, or NULL from the last one on. Borrows from the watch. */
SOTTO_API const char *sotto_watch_predicate(const struct sotto_watch *watch, size_t dataset,
                                            size_t i);
/* The predicates that an output's expression names: predicate i of use number use, or SOTTO_NONE
 * from the last use on. Uses of a dataset come output by output. */
SOTTO_API size_t sotto_watch_use(const struct sotto_watch *watch, size_t *out_output,
                                 size_t dataset, size_t use);
/* After a predicate of bins or levels, in a ledger, stand the numbers of those that were not told:
 * "hist(...) without 2 3". Their rows are in none of its classes. */
#define SOTTO_WATCH_WITHOUT " without"
/* Whether a predicate is bins, levels, or cells of a table or of groups, and no condition. */
SOTTO_API bool sotto_watch_counts_cells(const char *predicate);
/* Once the rows were contributed: which classes of predicate i the round tells, from the first; the
 * others are withheld from all groups, or no concern of this round. NULL: it tells all of them.
 * Borrows from the watch. */
SOTTO_API const uint8_t *sotto_watch_told(const struct sotto_watch *watch, size_t *out_len,
                                          size_t dataset, size_t i);
/* Whether these are all: a condition on a number that an earlier round opened has no such text. */
SOTTO_API bool sotto_watch_has_all(const struct sotto_watch *watch);

/* What the round's sums over a dataset add up: measure i, or NULL from the last one on. A column is
 * its name in backticks, a product has " * " between its factors, sorted; a sum of a polynomial
 * adds up several. The same words mean the same values of a row, which may count in other rows. */
SOTTO_API const char *sotto_watch_measure(const struct sotto_watch *watch, size_t dataset,
                                          size_t i);

/* What a measure begins with that no sum adds up: a quantile counts these values, each by its cell,
 * where 0 is a value like others. The column, or what is computed, follows. */
#define SOTTO_WATCH_CELLS "cells of "
/* Where a round counts, such a measure is also there, of no columns, with the digest of a cell that
 * is divided (with groups, of the round), and again with the digest of the grid that it is divided
 * into. */
#define SOTTO_WATCH_IN_CELL " in cell "
#define SOTTO_WATCH_BY_GRID " by grid "
/* Where only complete rows count, with the digest of the columns that these have. The others then
 * are of incomplete rows too, so that it is known where other rows were told. */
#define SOTTO_WATCH_COMPLETE " in complete rows "

/* How many classes predicate i of those that were prepared has: classes of rows are 0 to this
 * number, or SOTTO_WATCH_CLASSES_MAX where it is not known in which one a row is. */
SOTTO_API uint32_t sotto_watch_classes(const struct sotto_watch *watch, size_t dataset, size_t i);

/* Whether the round reads a column of a dataset: else none of its rows are shown. */
SOTTO_API bool sotto_watch_reads(const struct sotto_watch *watch, size_t dataset);

/* Whether the round opens how many rows of a dataset are in sets that the asker made: where,
 * groups, bins, conditions. */
SOTTO_API bool sotto_watch_counts(const struct sotto_watch *watch, size_t dataset);

/* The columns that a measure is computed from: column j of measure i, or NULL from the last one on.
 * Borrows from the watch. */
SOTTO_API const char *sotto_watch_measure_column(const struct sotto_watch *watch, size_t dataset,
                                                 size_t i, size_t j);

/* Whether a measure is made with the coefficients of a model, which earlier rounds computed. */
SOTTO_API bool sotto_watch_measure_is_fitted(const struct sotto_watch *watch, size_t dataset,
                                             size_t i);

/* Says which predicates rows are classed by: those of the plan and older ones, in this order.
 * columns: whose values are shown beside. catalogue: of the dataset's source, whose key, if it has
 * one, is shown too. Measures that differ only in whether a column has values, and it has in all
 * rows, become one. Returns: SOTTO_ERROR_NOT_FOUND, SOTTO_ERROR_TYPE where a predicate no longer
 * goes with the file; SOTTO_ERROR_LIMIT, SOTTO_ERROR_NO_MEMORY. Ownership: borrows catalogue until
 * the rows are read. */
SOTTO_API enum sotto_status sotto_watch_prepare(struct sotto_watch *watch, size_t dataset,
                                                const char *const *predicates,
                                                size_t predicates_len, const char *const *columns,
                                                size_t columns_len,
                                                const struct sotto_catalogue *catalogue,
                                                struct sotto_error *err) SOTTO_NODISCARD;

/* As sotto_driver_contribute; the sink is shown all rows meanwhile. What it returns ends it. All
 * datasets are prepared. */
SOTTO_API enum sotto_status sotto_driver_contribute_watched(
    const struct sotto_driver *driver, uint64_t *out, size_t limbs_len, uint8_t *withheld,
    struct sotto_source *const *sources, const struct sotto_judge *judge, struct sotto_watch *watch,
    const struct sotto_watch_sink *sink, struct sotto_error *err) SOTTO_NODISCARD;

/* Takes groups out of a partial that were withheld after it was made. */
SOTTO_API void sotto_driver_withhold(const struct sotto_driver *driver, uint64_t *in_out,
                                     const uint8_t *withheld);

SOTTO_END_DECLS

#endif
