/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_CONTRIBUTE_EVIDENCE_H
#define SOTTO_ENGINE_CONTRIBUTE_EVIDENCE_H

/* What is asked of a party's rows, and what they say. */

#include "contribute/facts.h"
#include "driver.h"
#include "sums/sums.h"

/* --- inquiry.c, inquiry_sets.c, inquiry_factors.c: what a round asks of rows --- */

/* What may hold of a row, of an operation's value. */
enum sotto__bit_kind {
    SOTTO__BIT_PRESENT,  /* it is there */
    SOTTO__BIT_MISSING,  /* it is not */
    SOTTO__BIT_TRUE,     /* it is there, and true */
    SOTTO__BIT_NONZERO,  /* it is there, and not 0 */
    SOTTO__BIT_NAN_MADE, /* it would be, but that NaN was made */
};

struct sotto__bit {
    size_t op;
    enum sotto__bit_kind kind;
    bool is_told_apart;
    size_t at; /* among those that rows are told apart by */
};

/* A set's rows: those of which all its literals hold, and whose number in an index, if it has one,
 * is first or more and below last. */
struct sotto__membership {
    size_t bits_first; /* among all literals */
    size_t bits_len;
    size_t index; /* of the program, or SOTTO_NONE */
    size_t first;
    size_t last;
};

/* A column whose values are looked at, where state has a value and minus (or SOTTO_NONE) none. */
struct sotto__spread {
    size_t column;
    size_t set;
    size_t state;
    size_t minus;
    bool is_multiplied; /* with another column: its extents are taken */
};

/* Of a sum: the operation that has a value where its set is, of a difference the one that has a
 * value in the rows that are taken off, and its factors' spreads. */
struct sotto__trace {
    size_t state;
    size_t minus;
    size_t spreads[2];
};

struct sotto__inquiry {
    const struct sotto_driver *driver;
    const struct sotto__program *program;
    struct sotto__bit *bits;
    size_t bits_len;
    size_t bits_capacity_len;
    size_t told_len; /* bits that rows are told apart by */
    size_t *literals;
    size_t literals_len;
    size_t literals_capacity_len;
    struct sotto_evidence_set *sets;
    struct sotto__membership *members; /* of the sets */
    size_t sets_len;
    size_t sets_capacity_len;
    size_t members_capacity_len;
    struct sotto_evidence_column *columns;
    size_t *column_ops;
    size_t columns_len;
    size_t columns_capacity_len;
    size_t column_ops_capacity_len;
    struct sotto__spread *spreads;
    size_t spreads_len;
    size_t spreads_capacity_len;
    struct sotto_evidence_sum *sums;
    struct sotto__trace *traces; /* of the sums */
    size_t sums_len;
    size_t sums_capacity_len;
    size_t traces_capacity_len;
    size_t *multiplied; /* columns that are multiplied with others, of whole numbers or doubles */
    size_t multiplied_len;
    size_t *levels; /* columns by whose values atoms are told apart, if they have few */
    size_t levels_len;
    size_t *cell_terms;
    size_t cells_len;
    size_t cells_capacity_len;
    size_t bins_len; /* in a group: numbers of told indices, by digits last; cells of borne ones */
    size_t values_len;        /* of these, the last: numbers by digits */
    size_t digits_len;        /* in a group: numbers of the indices that are only borne */
    enum sotto_status status; /* the first failure while it was collected */
};

/* Of the driver's round. Returns: SOTTO_ERROR_LIMIT, SOTTO_ERROR_NO_MEMORY. Ended by
 * sotto__inquiry_release, also after a failure. */
enum sotto_status sotto__inquiry_init(struct sotto__inquiry *out, const struct sotto_driver *driver,
                                      struct sotto_error *err) SOTTO_NODISCARD;
void sotto__inquiry_release(struct sotto__inquiry *inquiry);

/* --- evidence.c: what a party's rows say beside their sums --- */

/* Takes a piece of a dataset's rows after its operations. */
void sotto__evidence_take_rows(struct sotto_evidence *in_out, const struct sotto__rows *rows,
                               size_t dataset, size_t len);
/* Counts what the indices of methods say of all rows: once, when these were taken. */
void sotto__evidence_take_bins(struct sotto_evidence *in_out, const struct sotto__sums *sums);

/* Says that nobody will know which values columns of few have. */
void sotto__evidence_forget_values(struct sotto_evidence *in_out);
/* Takes one row after its operations, of whose kind there are so many: which sets it is in. */
void sotto__evidence_take_class(struct sotto_evidence *in_out, const struct sotto__rows *rows,
                                size_t dataset, uint64_t weight);

/* --- evidence_atoms.c --- */

/* Adds the rows that are not left out, with the values of columns that have few: signed_values are
 * set. */
void sotto__evidence_take_atoms(struct sotto_evidence *in_out, const struct sotto__rows *rows,
                                size_t dataset, size_t len);

/* --- evidence_look.c --- */

/* The error for a failure of evidence: SOTTO_ERROR_REFUSED for more than can be judged. */
enum sotto_status sotto__evidence_fail(enum sotto_status status,
                                       struct sotto_error *err) SOTTO_NODISCARD;
/* Makes it ready to be looked at: no rows come afterwards. Returns: the first failure. */
enum sotto_status sotto__evidence_finish(struct sotto_evidence *evidence,
                                         struct sotto_error *err) SOTTO_NODISCARD;

#endif
