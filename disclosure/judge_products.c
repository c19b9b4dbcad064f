/* SPDX-License-Identifier: Apache-2.0 */

/* Products of two columns, beside sums of one that somebody else may have asked for. Leans on the
 * engine's evidence for a sample of rows.
 *
 * The one idea: a product less so many times the sum of a factor is a sum over the rows in which
 * the other factor has another value than that. So rules that hold for sets that the asker made
 * hold for these rows too: there are none or enough of them (products.c counts them exactly, where
 * the value is 0), and what is summed up over them is not nearly one value. */

#include "judge_sample.h"

#include <sotto/alloc.h>
#include <stdlib.h>

/* --- Values and how common they are --- */

static int compare_weighed(const void *a, const void *b)
{
    double x = ((const struct weighed *)a)->value;
    double y = ((const struct weighed *)b)->value;
    return (x > y) - (x < y);
}

uint64_t sotto__judge_find_commonest(struct weighed *values, size_t len, double *out,
                                     uint64_t *out_rows)
{
    uint64_t most = 0;
    *out = 0;
    *out_rows = 0;
    if (len > 0) {
        qsort(values, len, sizeof *values, compare_weighed);
    }
    for (size_t first = 0, next = 0; first < len; first = next) {
        uint64_t rows = 0;
        for (; next < len && values[next].value == values[first].value; next++) {
            rows += values[next].rows;
        }
        *out = rows > most ? values[first].value : *out;
        most = rows > most ? rows : most;
        *out_rows += rows;
    }
    return most;
}

/* A product as it is judged, by its sum alone: what it says of the rows of the sample. */
struct judged_product {
    const struct judging *judging;
    const struct sotto_evidence_sum *sum;
    struct weighed *scratch; /* of rows_len */
    size_t rows_len;
    uint64_t few; /* of the sample */
    bool is_all;  /* the sample is all rows */
};

static double find_factor(const struct judged_product *product, size_t row, size_t factor)
{
    return sotto__judge_find_value(product->judging, row, product->sum->factors[factor]);
}

static uint64_t count_row(const struct judged_product *product, size_t row)
{
    return sotto_evidence_sample_rows(product->judging->evidence, product->judging->group, row);
}

/* --- Both factors mostly have one value --- */

/* Finds the value that a factor has in most rows. Returns: whether there is one. */
static bool find_usual(const struct judged_product *product, double *out, size_t factor)
{
    size_t len = 0;
    uint64_t rows;
    for (size_t i = 0; i < product->rows_len; i++) {
        double value = find_factor(product, i, factor);
        product->scratch[len] = (struct weighed){value, count_row(product, i)};
        len += value == value;
    }
    uint64_t most = sotto__judge_find_commonest(product->scratch, len, out, &rows);
    return most > 0 && 2 * most >= rows;
}

static uint64_t count_unusual(const struct judged_product *product, const double usual[2])
{
    uint64_t rows = 0;
    for (size_t i = 0; i < product->rows_len; i++) {
        double values[2] = {find_factor(product, i, 0), find_factor(product, i, 1)};
        bool are_there = values[0] == values[0] && values[1] == values[1];
        rows +=
            are_there && values[0] != usual[0] && values[1] != usual[1] ? count_row(product, i) : 0;
    }
    return rows;
}

static const struct sotto_evidence_column *find_column(const struct judged_product *product,
                                                       size_t factor)
{
    size_t len;
    return &sotto_evidence_columns(product->judging->evidence, &len)[product->sum->factors[factor]];
}

/* The product of what the factors are above these values is known from the sums of the product and
 * of each factor. Where both values are 0 it is the product itself. */
static enum sotto_status judge_unusual(const struct judged_product *product)
{
    double usual[2] = {0, 0};
    if (!find_usual(product, &usual[0], 0) || !find_usual(product, &usual[1], 1) ||
        (usual[0] == 0 && usual[1] == 0)) {
        return SOTTO_OK;
    }
    uint64_t rows = count_unusual(product, usual);
    if (rows >= product->few || (rows == 0 && product->is_all)) {
        return SOTTO_OK;
    }
    const struct sotto_evidence_column *one = find_column(product, 0);
    const struct sotto_evidence_column *other = find_column(product, 1);
    return sotto__judge_refuse(
        product->judging, SOTTO_RULE_HIDDEN,
        "%s and %s mostly have one value each here, and both another one in fewer than %llu rows",
        sotto__judge_name(one).text, sotto__judge_name(other).text,
        sotto__judge_shown(product->judging->rules->min_rows));
}

/* --- A factor of few values --- */

/* Lists the values of a factor, if there are few. Returns: how many, 0 if too many. */
static size_t list_levels(const struct judged_product *product,
                          double out[SOTTO_EVIDENCE_LEVELS_MAX], size_t factor)
{
    size_t found = 0;
    for (size_t i = 0; i < product->rows_len; i++) {
        double value = find_factor(product, i, factor);
        size_t at = 0;
        while (at < found && out[at] != value) {
            at++;
        }
        if (value != value || at < found) {
            continue;
        }
        if (found == SOTTO_EVIDENCE_LEVELS_MAX) {
            return 0;
        }
        out[found++] = value;
    }
    return found;
}

/* How many rows have not the commonest value of the other factor, of those in which a factor has
 * another value than level; 0 where it has no value in most of these. */
static uint64_t count_odd(const struct judged_product *product, size_t factor, double level)
{
    size_t len = 0;
    double usual;
    uint64_t rows;
    for (size_t i = 0; i < product->rows_len; i++) {
        double value = find_factor(product, i, factor);
        double other = find_factor(product, i, 1 - factor);
        product->scratch[len] = (struct weighed){other, count_row(product, i)};
        len += value == value && value != level && other == other;
    }
    uint64_t most = sotto__judge_find_commonest(product->scratch, len, &usual, &rows);
    return 2 * most >= rows ? rows - most : 0;
}

static enum sotto_status judge_levels(const struct judged_product *product, size_t factor)
{
    double levels[SOTTO_EVIDENCE_LEVELS_MAX];
    size_t len = product->is_all ? list_levels(product, levels, factor) : 0;
    for (size_t i = 0; i < len; i++) {
        uint64_t odd = count_odd(product, factor, levels[i]);
        if (odd == 0 || odd >= product->judging->rules->min_rows) {
            continue;
        }
        const struct sotto_evidence_column *column = find_column(product, 1 - factor);
        const struct sotto_evidence_column *by = find_column(product, factor);
        return sotto__judge_refuse(
            product->judging, SOTTO_RULE_HIDDEN,
            "%s has one value in all but %llu of the rows that a value of %s leaves here, at least "
            "%llu others are needed: ask without one of them, or of more rows",
            sotto__judge_name(column).text, sotto__judge_shown(odd), sotto__judge_name(by).text,
            sotto__judge_shown(product->judging->rules->min_rows));
    }
    return SOTTO_OK;
}

/* --- All products --- */

static enum sotto_status judge_product(const struct judged_product *product)
{
    enum sotto_status status = judge_unusual(product);
    for (size_t i = 0; status == SOTTO_OK && i < 2; i++) {
        status = judge_levels(product, i);
    }
    return status;
}

enum sotto_status sotto__judge_products(const struct judging *judging)
{
    size_t len = sotto_evidence_sample_len(judging->evidence, judging->group);
    struct judged_product product = {.judging = judging, .rows_len = len};
    enum sotto_status status = SOTTO_OK;
    product.scratch = sotto_alloc_array(len + 1, sizeof *product.scratch);
    if (product.scratch == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    product.few =
        sotto_evidence_sample_few(judging->evidence, &product.is_all, judging->group, len);
    for (size_t i = 0; status == SOTTO_OK && len > 0 && i < judging->sums_len; i++) {
        const size_t *factors = judging->sums[i].factors;
        bool is_product = factors[1] != SOTTO_NONE && factors[0] != factors[1] &&
                          sotto__judge_is_sum_here(judging, i) && !judging->sums[i].has_conditions;
        product.sum = &judging->sums[i];
        status = is_product ? judge_product(&product) : SOTTO_OK;
    }
    sotto_free(product.scratch);
    return status;
}
