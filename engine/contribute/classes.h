/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_CONTRIBUTE_CLASSES_H
#define SOTTO_ENGINE_CONTRIBUTE_CLASSES_H

/* Rounds by classes of rows: classes.c finds what is asked, classes_add.c takes the answer. */

#include "contribute/contribute.h"
#include <sotto/classes.h>

/* Products of at most two columns have numbers: 16 a + b, a <= b, of columns from 1 on; 0 is the
 * product of nothing, 1. */
#define SOTTO__PRODUCT_BASE ((size_t)16)
#define SOTTO__PRODUCTS_MAX_NUMBER (SOTTO__PRODUCT_BASE * SOTTO__PRODUCT_BASE)

_Static_assert(SOTTO_CLASSES_COLUMNS_MAX < SOTTO__PRODUCT_BASE, "a column takes four bits");

enum sotto__form_kind {
    SOTTO__FORM_UNKNOWN, /* nobody asks, or it depends on each row's values */
    SOTTO__FORM_FIXED,   /* the same in all rows of a class */
    SOTTO__FORM_EXACT,   /* an integer polynomial of the columns, of degree 2 at most */
    SOTTO__FORM_FLOAT,   /* one of the columns of doubles, or a fixed double */
    SOTTO__FORM_TEXT,    /* a column of texts */
};

/* What an operation is in the rows of a class. Whether it has a value is the same in all of them,
 * whatever its kind. */
struct sotto__form {
    enum sotto__form_kind kind;
    uint8_t *products; /* rising numbers of those that it may be made of */
    size_t products_len;
    mpz_t *factors; /* of a class: products[i] is taken so many times */
    bool is_plain;  /* one column in each class, so many times, or a number */
};

/* The cuts of a column, while they are collected and once they are sorted. */
struct sotto__cuts {
    size_t column;           /* of the expansion */
    sotto__int128 exact_min; /* no value is below */
    sotto__int128 exact_max; /* none is above */
    sotto__int128 *exact;
    double *doubles;
    const char **texts;
    struct sotto_int128 *words; /* exact, for who asks */
    size_t len;
};

struct sotto_classes {
    struct sotto_contribution *contribution;
    const struct sotto_driver *driver;
    const struct sotto__program *program;
    size_t dataset;
    struct sotto__rows rows;
    struct sotto__sums sums;
    struct sotto__form *forms; /* of the operations */
    struct sotto__cuts cuts[SOTTO_CLASSES_COLUMNS_MAX];
    struct sotto_classes_column columns[SOTTO_CLASSES_COLUMNS_MAX];
    size_t columns_len;
    bool is_wanted[SOTTO__PRODUCTS_MAX_NUMBER];
    struct sotto_classes_product *products;
    uint8_t *numbers; /* of the products */
    size_t products_len;
    /* Of a class while it is added: */
    const struct sotto_column **blocks; /* by the expansion's columns */
    struct sotto_column values[SOTTO_CLASSES_COLUMNS_MAX];
    uint64_t (*words)[8]; /* [column]: its value, as a block has it */
    uint8_t validities[SOTTO_CLASSES_COLUMNS_MAX];
    int64_t offsets[SOTTO_CLASSES_COLUMNS_MAX][2];
    char *other;   /* a text that is equal to no cut */
    mpz_t *totals; /* [products_len] */
    bool *is_told; /* whether a part of it came */
    const struct sotto_classes_extent *extents;
    const uint8_t *meet;
    uint64_t class_rows;
};

/* Whether a kind of operation gives a polynomial of polynomials. */
bool sotto__form_is_arithmetic(enum sotto__op_kind kind);
/* The number of the product of two products. Returns: SOTTO_NONE if it has more than two factors.
 */
size_t sotto__product_join(size_t a, size_t b);
/* classes_facts.c: adds what the class says of sums to the evidence. */
void sotto__classes_take_facts(struct sotto_classes *classes, const struct sotto__rows *rows,
                               size_t group);
/* Takes what the operations gave of a row of the class that is added. */
void sotto__classes_take(void *context, const struct sotto__rows *rows, size_t dataset, size_t len);

#endif
