/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_CLASSES_H
#define SOTTO_CLASSES_H

/* What a round asks of the rows of one dataset, for somebody who can count and sum up but knows no
 * plan, as a database does.
 *
 * Rows are of one *class* where they have the same number in each column: 0 without a value (NULL,
 * NaN); else 1 and how many of the column's cuts are at the value or below it; of texts 1, or 2 + i
 * for the text that is equal to cut i, byte by byte. The round treats rows of one class alike, but
 * for values that it sums up: so it is enough to know of each class how many rows it has, and the
 * sums of some products of their values. */

#include <sotto/column.h>
#include <sotto/contribution.h>

SOTTO_BEGIN_DECLS

#define SOTTO_CLASSES_COLUMNS_MAX 15
#define SOTTO_CLASSES_CUTS_MAX 512 /* of a column */

/* A column that the round reads. */
struct sotto_classes_column {
    const char *name;
    struct sotto_type type; /* that was agreed on: int64, decimal, bool, float64, string, null */
    size_t cuts_len;
    /* Rising; one of these, the others are NULL. Exact ones are in units of the type's scale, of
     * bools 0 and 1; -0 and 0 are one double. */
    const struct sotto_int128 *cuts;
    const double *double_cuts;
    const char *const *texts;
};

/* A sum that is wanted: of one column's values, or of the products of two's, which may be one.
 * Exact ones are in units of the type's scale, or of both. Of doubles the exact sum of the finite
 * products: infinities are in classes of their own. */
struct sotto_classes_product {
    size_t columns[2]; /* the second one may be SOTTO_NONE */
};

struct sotto_classes;

/* What the contribution's round asks of a dataset. Returns: SOTTO_ERROR_REFUSED where rows have to
 * be seen one by one, and why, in words for the owner; SOTTO_ERROR_NO_MEMORY. Ownership: borrows
 * the contribution; *out is ended by sotto_classes_free. */
SOTTO_API enum sotto_status sotto_classes_new(struct sotto_classes **out,
                                              struct sotto_contribution *contribution,
                                              size_t dataset,
                                              struct sotto_error *err) SOTTO_NODISCARD;
/* NULL is fine. */
SOTTO_API void sotto_classes_free(struct sotto_classes *classes);

/* The columns whose values are asked about. Borrows from the classes. */
SOTTO_API const struct sotto_classes_column *
sotto_classes_columns(const struct sotto_classes *classes, size_t *out_len);
/* The sums that are wanted. Borrows from the classes. */
SOTTO_API const struct sotto_classes_product *
sotto_classes_products(const struct sotto_classes *classes, size_t *out_len);

/* A part of a sum: an integer, in digits, times 2^shift. All parts of a product in a class add up
 * to its sum. */
struct sotto_classes_part {
    size_t product;
    int shift;
    const char *text;
};

/* Whether the judge looks at extents; if not there need be none. */
SOTTO_API bool sotto_classes_have_extents(const struct sotto_classes *classes);

/* Between which values a column's rows are, where they have one that is finite: in units, or
 * doubles. */
struct sotto_classes_extent {
    int64_t least;
    int64_t most;
    double double_least;
    double double_most;
};

/* Adds a class to the contribution, which is neither judged nor freed: numbers[i] of column i. A
 * class may come in pieces. A product that the class has no values for needs no part. extents[i] is
 * of column i, meet[i] is 1 if there are rows where product i is not 0 (as doubles are multiplied);
 * both may be NULL where nobody looks at them. Returns:
 * SOTTO_ERROR_PROTOCOL for what no rows can be; nothing is added then. */
SOTTO_API enum sotto_status
sotto_classes_add(struct sotto_classes *classes, const uint32_t *numbers, uint64_t rows,
                  const struct sotto_classes_part *parts, size_t parts_len,
                  const struct sotto_classes_extent *extents, const uint8_t *meet,
                  struct sotto_error *err) SOTTO_NODISCARD;

SOTTO_END_DECLS

#endif
