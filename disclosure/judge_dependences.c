/* SPDX-License-Identifier: Apache-2.0 */

/* Columns that make one another up. Leans on the engine's evidence for a sample of rows, and on
 * mixture.c for what their sums give away together.
 *
 * The one idea: what looks at two columns at a time (judge_sums.c) does not see that a third is
 * made of them. So all sums, or those of products with one column, are equations over the rows of a
 * sample; a combination of them that is 0 but in few rows gives these away.
 *
 * The sample is all rows, if there are not too many different ones. Else what few of it means
 * depends on its share of them, and a sum that by itself is about few of it is left out: how many
 * rows that is about in all is known (judge_sums.c). */

#include "judge_sample.h"
#include "mixture.h"

#include <sotto/alloc.h>
#include <string.h>

/* Steps on one value in one try, and in all of them: about a quarter of a second. */
#define TRY_WORK ((uint64_t)1 << 25)
#define DEPENDENCE_WORK ((uint64_t)1 << 26)
/* More sums are looked at without those of products. */
#define PRODUCTS_SUMS_MAX 160

/* What a sum adds up: a product of two columns (SOTTO_NONE: 1). */
struct multiplied {
    size_t columns[2];
};

/* Sums of one value times others, over a sample of rows. */
struct dependence {
    struct multiplied *by;
    size_t len;
    uint64_t *weights;
    uint64_t *factors; /* [sum * rows_len + row] */
    uint64_t *scratch; /* of rows_len */
    uint8_t *found;
    size_t rows_len;
    size_t sample_len; /* rows that are looked at */
    bool is_all;       /* these are all rows */
    uint64_t few;      /* of these */
};

static void dependence_release(struct dependence *dependence)
{
    sotto_free(dependence->by);
    sotto_free(dependence->weights);
    sotto_free(dependence->factors);
    sotto_free(dependence->scratch);
    sotto_free(dependence->found);
}

/* --- Values --- */

/* A product's value in a row; NaN where it has none. */
static double find_product(const struct judging *judging, size_t row,
                           const struct multiplied *product)
{
    return sotto__judge_find_value(judging, row, product->columns[0]) *
           sotto__judge_find_value(judging, row, product->columns[1]);
}

/* The same, modulo the prime; 0 where it has none. */
static uint64_t find_number(const struct judging *judging, size_t row,
                            const struct multiplied *product)
{
    uint64_t number = 1;
    for (size_t i = 0; i < 2; i++) {
        double value = sotto__judge_find_value(judging, row, product->columns[i]);
        uint64_t factor = value == value ? sotto__mixture_number(value, judging->prime) : 0;
        number = sotto__mixture_multiply(number, factor, judging->prime);
    }
    return number;
}

/* --- Sums --- */

/* Lists what is summed up over all rows: with products, where one column is given those of it. */
static void list_sums(struct dependence *out, const struct judging *judging, size_t column,
                      bool has_products)
{
    for (size_t i = 0; i < judging->sums_len; i++) {
        const struct sotto_evidence_sum *sum = &judging->sums[i];
        struct multiplied by = {{sum->factors[0], sum->factors[1]}};
        bool is_of = column == SOTTO_NONE ? by.columns[1] == SOTTO_NONE || has_products
                                          : sotto__judge_find_partner(sum, &by.columns[0], column);
        by.columns[1] = column == SOTTO_NONE ? by.columns[1] : SOTTO_NONE;
        if (is_of && sotto__judge_is_sum_here(judging, i) && !sum->has_conditions) {
            out->by[out->len++] = by;
        }
    }
    if (column == SOTTO_NONE) { /* how many rows there are is known */
        out->by[out->len++] = (struct multiplied){{SOTTO_NONE, SOTTO_NONE}};
    }
}

/* Takes so many rows as can be looked at, and what few of them are. */
static void find_sample(struct dependence *in_out, const struct judging *judging)
{
    uint64_t squared = (uint64_t)in_out->len * in_out->len + 1;
    size_t most = (size_t)(TRY_WORK / squared) + 2 * in_out->len;
    size_t len = sotto_evidence_sample_len(judging->evidence, judging->group);
    in_out->sample_len = len < most ? len : most;
    in_out->few = sotto_evidence_sample_few(judging->evidence, &in_out->is_all, judging->group,
                                            in_out->sample_len);
}

/* Whether a sum can be held against the others. Products that are 0 in most rows leave few rows
 * together whatever they are: so many equations for so few rows are up to the budget. Of a sample
 * that is not all rows, a column that has one value in nearly all of it tells nothing. */
static bool is_comparable(const struct dependence *dependence, const struct judging *judging,
                          struct weighed *scratch, const struct multiplied *by)
{
    size_t len = 0;
    uint64_t nonzero = 0;
    double usual;
    uint64_t rows;
    for (size_t i = 0; i < dependence->sample_len; i++) {
        double value = find_product(judging, i, by);
        uint64_t weight = sotto_evidence_sample_rows(judging->evidence, judging->group, i);
        nonzero += value == value && value != 0 ? weight : 0;
        scratch[len] = (struct weighed){value, weight};
        len += value == value;
    }
    if (by->columns[0] == SOTTO_NONE) {
        return true;
    }
    if (by->columns[1] != SOTTO_NONE && nonzero < dependence->len + 2 * dependence->few) {
        return false;
    }
    uint64_t most = sotto__judge_find_commonest(scratch, len, &usual, &rows);
    return dependence->is_all || rows - most >= dependence->few;
}

static enum sotto_status drop_rare(struct dependence *in_out, const struct judging *judging)
{
    size_t kept = 0;
    struct weighed *scratch = sotto_alloc_array(in_out->sample_len, sizeof *scratch);
    if (scratch == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < in_out->len; i++) {
        if (is_comparable(in_out, judging, scratch, &in_out->by[i])) {
            in_out->by[kept++] = in_out->by[i];
        }
    }
    in_out->len = kept;
    sotto_free(scratch);
    return SOTTO_OK;
}

/* The sums of a column (SOTTO_NONE: of 1, that is of all columns alone, and their products) over
 * all its rows. */
static enum sotto_status dependence_init(struct dependence *out, const struct judging *judging,
                                         size_t column)
{
    *out = (struct dependence){.by = sotto_alloc_array(judging->sums_len + 1, sizeof *out->by)};
    if (out->by == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    list_sums(out, judging, column, true);
    if (out->len > PRODUCTS_SUMS_MAX) {
        out->len = 0;
        list_sums(out, judging, column, false);
    }
    find_sample(out, judging);
    enum sotto_status status = drop_rare(out, judging);
    out->weights = sotto_alloc_array(out->sample_len, sizeof *out->weights);
    out->factors = sotto_alloc_array(out->sample_len * out->len, sizeof *out->factors);
    out->scratch = sotto_alloc_array(out->sample_len, sizeof *out->scratch);
    out->found = sotto_alloc_array(out->len, sizeof *out->found);
    return status == SOTTO_OK && out->weights != NULL && out->factors != NULL &&
                   out->scratch != NULL && out->found != NULL
               ? SOTTO_OK
               : SOTTO_ERROR_NO_MEMORY;
}

/* Fills in the rows in which the column is not 0. */
static void fill_rows(struct dependence *out, const struct judging *judging, size_t column)
{
    const struct multiplied alone = {{column, SOTTO_NONE}};
    for (size_t i = 0; i < out->sample_len; i++) {
        out->rows_len += find_number(judging, i, &alone) != 0;
    }
    for (size_t i = 0, at = 0; i < out->sample_len; i++) {
        if (find_number(judging, i, &alone) == 0) {
            continue;
        }
        out->weights[at] = sotto_evidence_sample_rows(judging->evidence, judging->group, i);
        for (size_t j = 0; j < out->len; j++) {
            out->factors[j * out->rows_len + at] = find_number(judging, i, &out->by[j]);
        }
        at++;
    }
}

static void rotate(uint64_t *in_out, uint64_t *scratch, size_t len, size_t first)
{
    memcpy(scratch, in_out, first * sizeof *in_out);
    memmove(in_out, in_out + first, (len - first) * sizeof *in_out);
    memcpy(in_out + len - first, scratch, first * sizeof *in_out);
}

/* Puts the first rows behind the others. */
static void rotate_rows(struct dependence *in_out, size_t first)
{
    rotate(in_out->weights, in_out->scratch, in_out->rows_len, first);
    for (size_t i = 0; i < in_out->len; i++) {
        rotate(in_out->factors + i * in_out->rows_len, in_out->scratch, in_out->rows_len, first);
    }
}

static uint64_t count_weights(const struct dependence *dependence)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < dependence->rows_len; i++) {
        rows += dependence->weights[i];
    }
    return rows;
}

/* Looks for a combination on few rows. Fewer than that are off, so that one of as many beginnings
 * has none of them among its first rows, which then fix the combination. */
static enum sotto_status find_dependence(struct dependence *in_out, bool *out_found,
                                         const struct judging *judging, size_t column)
{
    fill_rows(in_out, judging, column);
    uint64_t work = (uint64_t)(in_out->rows_len + in_out->len) * in_out->len * in_out->len + 1;
    uint64_t tries = DEPENDENCE_WORK / work + 1;
    tries = tries < in_out->few ? tries : in_out->few;
    *out_found = false;
    if (count_weights(in_out) < in_out->len + judging->rules->min_rows) {
        return SOTTO_OK; /* so many equations for so few rows are up to the budget */
    }
    for (uint64_t i = 0; !*out_found && i < tries; i++) {
        rotate_rows(in_out, i > 0 ? (size_t)(in_out->rows_len / tries) : 0);
        const struct sotto__mixture mixture = {.weights = in_out->weights,
                                               .atoms_len = in_out->rows_len,
                                               .factors = in_out->factors,
                                               .sets_len = in_out->len};
        enum sotto_status status = sotto__mixture_find_some(&mixture, out_found, in_out->found,
                                                            in_out->few, judging->prime);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static enum sotto_status refuse_dependence(const struct dependence *dependence,
                                           const struct judging *judging)
{
    size_t named = 0;
    size_t len;
    const struct sotto_evidence_column *columns = sotto_evidence_columns(judging->evidence, &len);
    while (dependence->found[named] == 0 || dependence->by[named].columns[0] == SOTTO_NONE) {
        named++; /* 1 alone is on all rows: a column is among them */
    }
    const struct sotto_evidence_column *one = &columns[dependence->by[named].columns[0]];
    return sotto__judge_refuse(
        judging, SOTTO_RULE_HIDDEN,
        "%s and other columns make one another up here, but in fewer than %llu rows",
        sotto__judge_name(one).text, sotto__judge_shown(judging->rules->min_rows));
}

static enum sotto_status judge_dependence(const struct judging *judging, size_t column)
{
    struct dependence dependence;
    bool is_found = false;
    enum sotto_status status = dependence_init(&dependence, judging, column);
    if (status == SOTTO_OK && dependence.len > 2) {
        status = find_dependence(&dependence, &is_found, judging, column);
    }
    if (is_found) {
        status = refuse_dependence(&dependence, judging);
    } else if (status == SOTTO_ERROR_LIMIT) {
        status = sotto__judge_refuse(judging, SOTTO_RULE_HIDDEN,
                                     "there are too many sums of one column to be compared");
    }
    dependence_release(&dependence);
    return status;
}

enum sotto_status sotto__judge_dependences(const struct judging *judging)
{
    size_t len;
    const struct sotto_evidence_column *columns = sotto_evidence_columns(judging->evidence, &len);
    if (len < 2 || sotto_evidence_sample_len(judging->evidence, judging->group) == 0) {
        return SOTTO_OK;
    }
    enum sotto_status status = judge_dependence(judging, SOTTO_NONE);
    for (size_t i = 0; status == SOTTO_OK && len > 2 && i < len; i++) {
        status = columns[i].dataset == judging->dataset ? judge_dependence(judging, i) : SOTTO_OK;
    }
    return status;
}
