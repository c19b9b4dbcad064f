/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_CONTRIBUTE_FACTS_H
#define SOTTO_ENGINE_CONTRIBUTE_FACTS_H

/* What evidence is kept in, which merges in any order. */

#include "contribute/extents.h"
#include "contribute/tables.h"
#include <sotto/evidence.h>

struct sotto__inquiry;

#define SOTTO__BITS_OF_WORD 32

/* How many of everything there are. */
struct sotto__evidence_lens {
    size_t datasets;
    size_t groups;
    size_t words;        /* of an atom's key */
    size_t levels_first; /* of these: the first of levels */
    size_t columns;
    size_t levels;
    size_t multiplied;
    size_t sums; /* in a group, as what follows */
    size_t bins;
    size_t digits;
    size_t spreads;
};

/* Of some of the rows. */
struct sotto_evidence {
    struct sotto__evidence_lens lens;     /* zeros: nothing is counted */
    const struct sotto__inquiry *inquiry; /* NULL: it takes no rows */
    size_t values_max;
    uint64_t weight;                      /* rows that each row taken stands for */
    uint64_t *outside;                    /* [2 * dataset]: left out by where, in no group */
    struct sotto__atoms *atoms;           /* [dataset] */
    struct sotto_evidence_terms *terms;   /* [group * sums_len + sum] */
    struct sotto__spread_values *spreads; /* [group * spreads_len + spread] */
    struct sotto__spread_values *levels;  /* [level]: of all groups */
    struct sotto__extent *extents;        /* as spreads: of those that are multiplied */
    struct sotto__distinct *distinct;     /* [multiplied]: of all groups */
    struct sotto__affine *affines;        /* [group] */
    double *row;                          /* scratch: of one row, each column's value */
    uint64_t *bins;                       /* [group * bins_len + bin]: rows */
    uint64_t *digits;                     /* [group * digits_len + digit]: likewise */
    struct sotto_evidence_atom *listed;   /* of all datasets, once it is complete */
    double *signed_values;                /* as the next, with signs; NaN where there is none */
    double *magnitudes;                   /* [column * SOTTO__ROWS_LEN + row]: of a block */
    struct sotto__keys keys;              /* of a piece, then one row's */
    uint8_t *left_out;                    /* scratch: of a piece, 1 for each row that is */
    uint16_t *kept;                       /* likewise: the rows that are not left out */
    size_t kept_len;
    enum sotto_status status; /* the first failure */
};

/* Of no rows. Borrows inquiry. Returns: SOTTO_ERROR_NO_MEMORY, SOTTO_ERROR_LIMIT. Ended by
 * sotto__evidence_release, which wipes it and bears zeros too. */
enum sotto_status sotto__evidence_init(struct sotto_evidence *out,
                                       const struct sotto__inquiry *inquiry,
                                       uint64_t min_rows) SOTTO_NODISCARD;
/* The same for a question of which only this is known: it takes no rows, and merges. */
enum sotto_status sotto__evidence_init_lens(struct sotto_evidence *out,
                                            const struct sotto__evidence_lens *lens,
                                            uint64_t min_rows) SOTTO_NODISCARD;
void sotto__evidence_release(struct sotto_evidence *evidence);
/* Keeps the first failure. */
void sotto__evidence_keep(struct sotto_evidence *evidence, enum sotto_status status);
void sotto__evidence_take_magnitude(struct sotto_evidence_terms *in_out, double magnitude);
/* Adds what other rows say, of an equal question. A failure is kept. */
void sotto__evidence_merge(struct sotto_evidence *in_out, const struct sotto_evidence *other);
/* Puts all in an order that the rows alone decide: none come afterwards, and it is not merged into
 * any more. A failure is kept. */
void sotto__evidence_settle(struct sotto_evidence *evidence);

#endif
