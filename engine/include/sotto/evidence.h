/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_EVIDENCE_H
#define SOTTO_EVIDENCE_H

/* What a party's own rows say about one round, beside its sums: facts by which somebody above the
 * engine judges whether the sums may leave. It says over which sets of rows sums are opened, how
 * many rows there are in each cell of the Venn diagram of these sets (an *atom*), and what the
 * values behind each sum are like. Evidence of some rows and of others merges, in any tree. */

#include <sotto/status.h>

SOTTO_BEGIN_DECLS

/* A set of a dataset's rows, within each group, over which something is opened. */
struct sotto_evidence_set {
    enum sotto_evidence_set_kind {
        SOTTO_SET_CONDITION, /* that the asker made */
        SOTTO_SET_CELL,      /* likewise, a bin or a level: it can be withheld alone */
        SOTTO_SET_PRESENCE,  /* rows that have values; of a choice, where its condition holds */
        SOTTO_SET_MADE,      /* rows in which NaN was made, or a missing value replaced */
        SOTTO_SET_SUPPORT,   /* rows in which a column is not 0 */
        SOTTO_SET_CLIPPED,   /* rows whose value clip changes, on one side */
    } kind;
    size_t dataset;
    size_t universe;    /* of a cell: the set of rows that have the value that it is about */
    size_t cell;        /* of a cell: its number, else SOTTO_NONE */
    size_t output;      /* of a cell: the plan's first output that it is a bin or a level of */
    bool is_told_apart; /* atoms are in it or not; else nothing is opened of its rows but sums that
                           are opened over no other set */
    const char *text;   /* the expression that it was first written in, and where; borrows */
    size_t start;
};

/* One monomial whose sum is opened over a set of rows: of a column, or of the product of two. Or,
 * after all of these, what the sums of one monomial over two sets tell of those rows of the first
 * that are not in the second. */
struct sotto_evidence_sum {
    size_t set;
    bool is_difference;
    size_t less;         /* of a difference: the set of the second */
    bool has_conditions; /* its set is not just where its factors have values */
    size_t factors[2];   /* columns of the evidence; the second may be SOTTO_NONE */
    const char *text;
    size_t start;
};

/* A column that is summed up, or what an expression makes of it that is no polynomial. */
struct sotto_evidence_column {
    size_t dataset;
    size_t support; /* the set where it is not 0, if a sum of it is opened over two sets; else
                       SOTTO_NONE */
    const char
        *file; /* where it is a column as it stands: of which file, and its name; else NULL */
    const char *name;
    const char *text; /* where it is first read */
    size_t start;
};

/* A cell of the Venn diagram of all sets of a dataset. */
struct sotto_evidence_atom {
    size_t group;
    uint64_t rows;
};

/* What the terms of a sum are like, in one group. */
struct sotto_evidence_terms {
    uint64_t rows;     /* with a value */
    uint64_t infinite; /* rows with an infinity in a factor; not among the magnitudes */
    double largest[2]; /* magnitudes */
    double total;      /* of all magnitudes; its last bits depend on how rows were read */
};

/* How a column's values are spread over the rows of a set, in one group. */
struct sotto_evidence_values {
    uint64_t rows;
    uint64_t differing; /* rows that have not the commonest value, if is_counted */
    uint64_t least;     /* rows that have the rarest one, if is_counted */
    size_t distinct;    /* values, if is_counted */
    bool is_counted;    /* there are at most min_rows of them, of the judge's */
};

struct sotto_evidence;

/* How many groups there are; 1 without group_by. */
SOTTO_API size_t sotto_evidence_groups_len(const struct sotto_evidence *evidence);

/* How many datasets the plan has. */
SOTTO_API size_t sotto_evidence_datasets_len(const struct sotto_evidence *evidence);

/* Whether the round reads a dataset; its rows are counted then. */
SOTTO_API bool sotto_evidence_reads(const struct sotto_evidence *evidence, size_t dataset);

/* Whether the plan has a where. */
SOTTO_API bool sotto_evidence_has_where(const struct sotto_evidence *evidence);

/* Whether the plan has group_by. */
SOTTO_API bool sotto_evidence_has_groups(const struct sotto_evidence *evidence);

/* A dataset's rows that where leaves out, and those whose key is missing or is no level. Not among
 * either are rows that lack a column, where the plan takes complete ones. */
SOTTO_API void sotto_evidence_outside(const struct sotto_evidence *evidence, uint64_t *out_left_out,
                                      uint64_t *out_in_no_group, size_t dataset);

/* All sets of the round. Borrows from the evidence, as all that follow. */
SOTTO_API const struct sotto_evidence_set *
sotto_evidence_sets(const struct sotto_evidence *evidence, size_t *out_len);

/* All monomials whose sums are opened, each with its set once. */
SOTTO_API const struct sotto_evidence_sum *
sotto_evidence_sums(const struct sotto_evidence *evidence, size_t *out_len);

/* The columns of these. */
SOTTO_API const struct sotto_evidence_column *
sotto_evidence_columns(const struct sotto_evidence *evidence, size_t *out_len);

/* The atoms of a dataset that hold any rows, by group, in an order that the rows alone decide. */
SOTTO_API const struct sotto_evidence_atom *
sotto_evidence_atoms(const struct sotto_evidence *evidence, size_t dataset, size_t *out_len);

/* Whether an atom of a set's dataset is in the set. */
SOTTO_API bool sotto_evidence_holds(const struct sotto_evidence *evidence, size_t atom, size_t set);

/* How many of a group's rows are looked at one by one: those that are different, or a sample of
 * these, in an order that they alone decide. */
SOTTO_API size_t sotto_evidence_sample_len(const struct sotto_evidence *evidence, size_t group);

/* Of any fewer rows of the group than the judge's min_rows, how many are not among the first
 * rows_len of the sample: so many or more. *out_is_all: these are all of its rows; then it is
 * min_rows. */
SOTTO_API uint64_t sotto_evidence_sample_few(const struct sotto_evidence *evidence,
                                             bool *out_is_all, size_t group, size_t rows_len);

/* How often such a row occurs; 1 where there are others than those of the sample. */
SOTTO_API uint64_t sotto_evidence_sample_rows(const struct sotto_evidence *evidence, size_t group,
                                              size_t row);

/* Its value of a column, NaN where there is none; of exact numbers in units of the last decimal. */
SOTTO_API double sotto_evidence_sample_value(const struct sotto_evidence *evidence, size_t group,
                                             size_t row, size_t column);

/* Whether a column that is multiplied with another one looks like an identifier: whole numbers,
 * nearly all different, and close together or of nine digits or more. */
SOTTO_API bool sotto_evidence_is_identifier(const struct sotto_evidence *evidence, size_t column);

/* How many bits tell the values of one of two factors of a sum apart, in its rows of a group: log2
 * of how many numbers lie from the least to the largest in steps of their last digit that is not 0;
 * 0 if there are not two values. *out_step: the step, infinity without values; of exact numbers in
 * units of the last decimal. */
SOTTO_API double sotto_evidence_bits(const struct sotto_evidence *evidence, double *out_step,
                                     size_t group, size_t sum, size_t factor);

/* A column of more different values has many. */
#define SOTTO_EVIDENCE_LEVELS_MAX 16

/* Whether a column has few values in all, and atoms are told apart by them: only where the asker
 * made sets of the column's dataset beside where and groups. */
SOTTO_API bool sotto_evidence_has_levels(const struct sotto_evidence *evidence, size_t column);

/* The value of such a column in an atom of its dataset; 0 where it has none. Of exact numbers it is
 * in units of the last decimal. */
SOTTO_API double sotto_evidence_level(const struct sotto_evidence *evidence, size_t atom,
                                      size_t column);

/* Whether two columns are affine functions of each other in a group but for some rows, fewer than
 * the judge's min_rows. (Of many different rows some are looked at: then it may be true where more
 * rows differ, but few of all.)
 * Returns: SOTTO_ERROR_NO_MEMORY. */
SOTTO_API enum sotto_status sotto_evidence_is_near(bool *out, const struct sotto_evidence *evidence,
                                                   size_t group, size_t a,
                                                   size_t b) SOTTO_NODISCARD;

/* How many rows a method counts by themselves in a group, in each of its bins: cells of tables, and
 * of the grids of guarded quantiles, whose edges no asker chose. */
SOTTO_API const uint64_t *sotto_evidence_bins(const struct sotto_evidence *evidence, size_t group,
                                              size_t *out_len);

/* How many rows exact quantiles count by themselves in a group: their cells become single values.
 */
SOTTO_API const uint64_t *sotto_evidence_values(const struct sotto_evidence *evidence, size_t group,
                                                size_t *out_len);

/* The terms of a sum in a group. */
SOTTO_API struct sotto_evidence_terms sotto_evidence_terms_of(const struct sotto_evidence *evidence,
                                                              size_t group, size_t sum);

/* The values of a sum's factor (0 or 1) in a group. */
SOTTO_API struct sotto_evidence_values
sotto_evidence_values_of(const struct sotto_evidence *evidence, size_t group, size_t sum,
                         size_t factor);

/* --- Who judges --- */

/* What a party says of a part of its partial (sotto_driver_cover_len): whether it has so much that
 * others can stand behind it, and whether it gives it. */
#define SOTTO_COVER_ENOUGH 1
#define SOTTO_COVER_GIVEN 2

/* What a judge withholds: never reset here. */
struct sotto_withheld {
    uint8_t *groups; /* [group]: 1 keeps the group back */
    uint8_t *cells;  /* [group * cells_len + cell]: likewise, a bin or a level */
    size_t cells_len;
    /* What is given, but where this party has too little for others to stand behind it: 1, likewise
     * of each group, the only one too, and of each cell. NULL: nobody asks. */
    uint8_t *few_groups;
    uint8_t *few_cells;
};

/* Asked by a contribution when its rows are over. */
struct sotto_judge {
    uint64_t min_rows; /* above 0: values of columns are told apart up to so many */
    /* It looks at no more than how many rows are in which sets, whether sums add up anything, and
     * whether a factor has two values: what classes of rows tell (sotto/classes.h). */
    bool asks_classes_only;
    /* A cell of a guarded quantile's grid has none of this party's rows, or so many. */
    uint64_t rows_apart;
    /* Returns: SOTTO_ERROR_REFUSED and why, for the owner's eyes. */
    enum sotto_status (*judge)(void *context, const struct sotto_evidence *evidence,
                               struct sotto_withheld *withheld, struct sotto_error *err);
    void *context;
    uint8_t *cover; /* out, unless NULL: sotto_driver_cover_len bytes of SOTTO_COVER_ */
};

SOTTO_END_DECLS

#endif
