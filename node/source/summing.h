/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SOURCE_SUMMING_H
#define SOTTO_NODE_SOURCE_SUMMING_H

/* The SELECT of a round: summing.c decides what is asked, summing_sql.c writes it, summing_take.c
 * reads the answer. */

#include "source/pushed.h"

#define SUMMING_DIGITS_MAX 12
#define SUMMING_RANGES_MAX 40
#define SUMMING_NO_OUTPUT SIZE_MAX

/* A column of the classes, as it is asked for. */
struct summed_column {
    const struct sotto_classes_column *asked;
    const struct opened_column *own;
    int64_t least; /* exact: in units of the agreed scale */
    int64_t most;
    uint32_t number; /* of rows with a value, at least */
    size_t first;    /* cuts first to last - 1 tell rows apart */
    size_t last;
    bool has_key;
    bool is_raw;           /* a decimal that is added up as it is */
    unsigned units_digits; /* how many a value has at most */
    bool is_summed;
    bool is_multiplied;
    unsigned bits; /* of a digit */
    unsigned digits_len;
    size_t ranges_len;            /* of doubles, if there are more than one; else 1 */
    int tops[SUMMING_RANGES_MAX]; /* magnitudes of range i are below 2^tops[i], and not below
                                     2^tops[i+1] */
    size_t key_output;            /* among the results; SUMMING_NO_OUTPUT */
    size_t range_output;
    size_t extent_output; /* the least; the largest is next */
};

/* A part of a product: two digits. */
struct summed_part {
    size_t product;
    unsigned digits[2];
    bool is_twice;
    bool is_raw; /* of decimals as they are: a text with a point */
    size_t output;
};

struct summing {
    struct sotto_classes *classes;
    const struct source_facts *opened;
    const struct source_request *request;
    struct summed_column columns[SOTTO_CLASSES_COLUMNS_MAX];
    size_t columns_len;
    const struct sotto_classes_product *products;
    size_t products_len;
    struct summed_part *parts;
    size_t parts_len;
    size_t *meets; /* outputs of the products; SUMMING_NO_OUTPUT */
    size_t rows_output;
    size_t outputs_len;
    bool has_extents;
    struct sotto_writer sql;
};

static inline bool summed_is_float(const struct summed_column *column)
{
    return column->asked->type.kind == SOTTO_KIND_FLOAT64;
}

static inline bool summed_is_text(const struct summed_column *column)
{
    return column->asked->type.kind == SOTTO_KIND_STRING;
}

/* --- summing_sql.c --- */

/* Writes the SELECT, and which result is what. Returns: SOTTO_ERROR_REFUSED where it is too long.
 */
enum sotto_status summing_write(struct summing *summing, struct sotto_error *err) SOTTO_NODISCARD;

#endif
