/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_CONTRIBUTE_MEASURES_H
#define SOTTO_ENGINE_CONTRIBUTE_MEASURES_H

/* What the sums of a round add up, for whoever watches the rows (measures.c). */

#include "driver.h"
#include "rows/rows.h"

#define SOTTO__MEASURE_VALUES_MAX SOTTO__TERM_FACTORS_MAX
#define SOTTO__MEASURE_PRESENT_MAX 12

/* A product of values, of rows where some operations have one. Both ascending. */
struct sotto__monomial {
    size_t values[SOTTO__MEASURE_VALUES_MAX];
    size_t values_len;
    size_t present[SOTTO__MEASURE_PRESENT_MAX];
    size_t present_len;
};

enum sotto__measure_kind {
    SOTTO__MEASURE_SUM,   /* what a sum adds up */
    SOTTO__MEASURE_CELLS, /* values that a method counts by their cells, of incomplete rows too */
    SOTTO__MEASURE_GRID,  /* the same, of one cell and by the grid that it is divided into */
    SOTTO__MEASURE_COMPLETE, /* the same, of complete rows only */
};

struct sotto__measure {
    struct sotto__monomial product;
    size_t factors[SOTTO__MEASURE_VALUES_MAX]; /* its values among those of all measures */
    enum sotto__measure_kind kind;
    char *text;
    const char **columns; /* names, which borrow from the plan or the schema */
    size_t columns_len;
    bool is_fitted; /* made with the coefficients of a model */
};

struct sotto__measures {
    struct sotto__measure *list;
    size_t len;
    size_t capacity_len;
    size_t *factors; /* operations that are values of any, each once */
    size_t factors_len;
    bool counts_rows; /* the round opens how many rows there are of a kind */
};

/* --- monomials.c --- */

/* What an operation is a sum of. */
struct sotto__monomials {
    struct sotto__monomial *list;
    size_t len;
};

bool sotto__monomial_is_same(const struct sotto__monomial *x, const struct sotto__monomial *y);
/* Sets lists[i] to what operation i is a sum of; those of its operands are set. Returns: false if
 * there is no memory. */
bool sotto__monomials_expand(struct sotto__monomials *lists, const struct sotto__program *program,
                             size_t i) SOTTO_NODISCARD;
/* The product of operations, multiplied out, or where that is too much of them as they are: it is
 * another measure than each of them. Returns: false without memory. */
bool sotto__monomials_find_product(struct sotto__monomials *out,
                                   const struct sotto__monomials *lists, const size_t *factors,
                                   size_t len) SOTTO_NODISCARD;

/* --- measure_words.c --- */

/* A number for what operation i computes, of the columns' names and not of their places; those of
 * its operands are known. */
uint64_t sotto__measure_hash_op(const uint64_t *hashes, const struct sotto_driver *driver,
                                size_t i);
/* The words of a product, of values that a method counts by their cells (in one cell, and, by_grid,
 * by how it is divided), or of those of complete rows. Return: NULL without memory. Ended by
 * sotto_free. */
char *sotto__measure_write(const char *before, const struct sotto_driver *driver,
                           const uint64_t *hashes,
                           const struct sotto__monomial *product) SOTTO_NODISCARD;
char *sotto__measure_write_grid(const struct sotto_driver *driver, const uint64_t *hashes,
                                const struct sotto__monomial *value,
                                const struct sotto__index *index, size_t cell,
                                bool by_grid) SOTTO_NODISCARD;
char *sotto__measure_write_complete(const struct sotto_driver *driver, const uint64_t *hashes,
                                    const struct sotto__monomial *value) SOTTO_NODISCARD;
/* What a method counts the keys of. */
size_t sotto__measure_find_value(const struct sotto__program *program, size_t op);

/* --- measures.c --- */

/* Adds those of the round to the lists of their datasets, each once. Returns: false if there is no
 * memory. Ended by sotto__measures_release, also then. */
bool sotto__measures_find(struct sotto__measures *const *in_out,
                          const struct sotto_driver *driver) SOTTO_NODISCARD;
/* Leaves out whether a column has a value where the catalogue knows that it always has: measures
 * that are the same then become one. Lists the factors of those that are left. Returns: false if
 * there is no memory. */
bool sotto__measures_simplify(struct sotto__measures *in_out, const struct sotto_driver *driver,
                              const struct sotto_catalogue *catalogue) SOTTO_NODISCARD;
/* The values of an operation as the nearest doubles. */
void sotto__measure_value(double *out, const struct sotto__rows *rows, size_t op, size_t len);
void sotto__measures_release(struct sotto__measures *measures);
/* Likewise, and where they stand: in the register, or in room, SOTTO__ROWS_LEN. */
const double *sotto__measure_factor(double *room, const struct sotto__rows *rows, size_t op,
                                    size_t len);
/* What a measure is of each row, in room or where factors has it; states becomes 0 where it has a
 * value. factors: of all measures. */
const double *sotto__measure_rows(double *room, uint8_t *states, const double *const *factors,
                                  const struct sotto__measure *measure,
                                  const struct sotto__rows *rows, size_t len);

#endif
