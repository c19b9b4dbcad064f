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

/* --- classes.c --- */

/* Says why rows have to be seen, at an operation or SOTTO_NONE. Returns: SOTTO_ERROR_REFUSED. */
enum sotto_status sotto__classes_refuse(const struct sotto_classes *classes, size_t op,
                                        const char *why, struct sotto_error *err) SOTTO_NODISCARD;

/* --- classes_cuts.c: all return SOTTO_ERROR_REFUSED where there are too many --- */

static inline bool sotto__kind_is_exact(enum sotto_kind kind)
{
    return kind == SOTTO_KIND_INT64 || kind == SOTTO_KIND_DECIMAL || kind == SOTTO_KIND_BOOL;
}
/* The number of a column of the expansion, which may be new. bits: of its values. */
enum sotto_status sotto__cuts_find(size_t *out, struct sotto_classes *classes, size_t column,
                                   unsigned bits, struct sotto_error *err) SOTTO_NODISCARD;
/* Add a cut. One beyond all values separates none, and is left out. */
enum sotto_status sotto__cut_add(struct sotto_classes *classes, size_t column, sotto__int128 cut,
                                 struct sotto_error *err) SOTTO_NODISCARD;
enum sotto_status sotto__cut_add_mpz(struct sotto_classes *classes, size_t column,
                                     const mpz_t number, struct sotto_error *err) SOTTO_NODISCARD;
enum sotto_status sotto__cut_add_double(struct sotto_classes *classes, size_t column, double cut,
                                        struct sotto_error *err) SOTTO_NODISCARD;
enum sotto_status sotto__cut_add_text(struct sotto_classes *classes, size_t column,
                                      const char *text, struct sotto_error *err) SOTTO_NODISCARD;
/* Cut a number off from those below and above. */
enum sotto_status sotto__cut_around(struct sotto_classes *classes, size_t column, int64_t number,
                                    struct sotto_error *err) SOTTO_NODISCARD;
enum sotto_status sotto__cut_double(struct sotto_classes *classes, size_t column, double number,
                                    struct sotto_error *err) SOTTO_NODISCARD;
/* Puts the cuts in their order, each once. */
void sotto__cuts_sort(struct sotto__cuts *cuts);

/* --- classes_forms.c --- */

/* Finds what an operation is; those of its operands are known. Returns: SOTTO_ERROR_REFUSED. */
enum sotto_status sotto__form_find(struct sotto_classes *classes, size_t op,
                                   struct sotto_error *err) SOTTO_NODISCARD;
/* Makes an operation the same in all rows of a class, if it is made of booleans only. */
enum sotto_status sotto__form_fix(struct sotto_classes *classes, size_t op,
                                  struct sotto_error *err) SOTTO_NODISCARD;
/* Marks the products that an operation may be made of, or that two multiplied are. Returns: false
 * if one has more than two factors. */
void sotto__products_mark(bool *in_out, const struct sotto__form *form);
bool sotto__products_mark_joined(bool *in_out, const struct sotto__form *a,
                                 const struct sotto__form *b);
/* The number of the product of two products. Returns: SOTTO_NONE if it has more than two factors.
 */
size_t sotto__product_join(size_t a, size_t b);
/* classes_facts.c: adds what the class says of sums to the evidence. */
void sotto__classes_take_facts(struct sotto_classes *classes, const struct sotto__rows *rows,
                               size_t group);
/* Takes what the operations gave of a row of the class that is added. */
void sotto__classes_take(void *context, const struct sotto__rows *rows, size_t dataset, size_t len);

#endif
