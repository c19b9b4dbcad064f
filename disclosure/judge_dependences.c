/* SPDX-License-Identifier: Apache-2.0 */

/* Columns that make one another up. Leans on the engine's evidence for a sample of rows, and on
 * mixture.c for what their sums give away together.
 *
 * The one idea: what looks at two columns at a time (judge_sums.c) does not see that a third is
 * made of them. So the sums of all columns, or of their products with one, are equations over the
 * rows of a sample; a combination of them that is 0 but in few rows gives these away. */

#include "judge.h"
#include "mixture.h"

#include <sotto/alloc.h>

/* Steps on one value in all tries: about a tenth of a second. */
#define DEPENDENCE_WORK ((uint64_t)1 << 24)

/* Sums of one value times others, over a sample of rows. */
struct dependence {
    size_t *by; /* columns; SOTTO_NONE: 1 */
    size_t len;
    uint64_t *weights;
    uint64_t *factors; /* [sum * rows_len + row] */
    uint8_t *found;
    size_t rows_len;
};

static void dependence_release(struct dependence *dependence)
{
    sotto_free(dependence->by);
    sotto_free(dependence->weights);
    sotto_free(dependence->factors);
    sotto_free(dependence->found);
}

static size_t count_sample(const struct judging *judging)
{
    return sotto_evidence_sample_len(judging->evidence, judging->group);
}

/* The sums of a column (SOTTO_NONE: of 1, that is of all columns alone) over all its rows. */
static enum sotto_status dependence_init(struct dependence *out, const struct judging *judging,
                                         size_t column)
{
    size_t rows_max = count_sample(judging);
    *out = (struct dependence){.by = sotto_alloc_array(judging->sums_len + 1, sizeof *out->by)};
    for (size_t i = 0; out->by != NULL && i < judging->sums_len; i++) {
        const struct sotto_evidence_sum *sum = &judging->sums[i];
        size_t partner = sum->factors[0];
        bool is_of = column == SOTTO_NONE ? sum->factors[1] == SOTTO_NONE
                                          : sotto__judge_find_partner(sum, &partner, column);
        if (is_of && sotto__judge_is_sum_here(judging, i) && !sum->has_conditions) {
            out->by[out->len++] = partner;
        }
    }
    if (column == SOTTO_NONE && out->by != NULL) { /* how many rows there are is known */
        out->by[out->len++] = SOTTO_NONE;
    }
    out->weights = sotto_alloc_array(rows_max, sizeof *out->weights);
    out->factors = sotto_alloc_array(rows_max * out->len, sizeof *out->factors);
    out->found = sotto_alloc_array(out->len, sizeof *out->found);
    return out->by != NULL && out->weights != NULL && out->factors != NULL && out->found != NULL
               ? SOTTO_OK
               : SOTTO_ERROR_NO_MEMORY;
}

static uint64_t find_value(const struct judging *judging, size_t row, size_t column)
{
    double value = column == SOTTO_NONE ? 1
                                        : sotto_evidence_sample_value(judging->evidence,
                                                                      judging->group, row, column);
    return value == value ? sotto__mixture_number(value, judging->prime) : 0;
}

/* Fills in the rows in which the column is not 0, from row first of the sample on. */
static void fill_rows(struct dependence *out, const struct judging *judging, size_t column,
                      size_t first)
{
    size_t len = count_sample(judging);
    out->rows_len = 0;
    for (size_t i = 0; i < len; i++) {
        out->rows_len += find_value(judging, i, column) != 0;
    }
    for (size_t i = 0, at = 0; i < len; i++) {
        size_t row = (first + i) % len;
        if (find_value(judging, row, column) == 0) {
            continue;
        }
        out->weights[at] = sotto_evidence_sample_rows(judging->evidence, judging->group, row);
        for (size_t j = 0; j < out->len; j++) {
            out->factors[j * out->rows_len + at] = find_value(judging, row, out->by[j]);
        }
        at++;
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

/* Looks for a combination on few rows. Fewer than min_rows rows are off, so that one of min_rows
 * beginnings has none of them among its first rows, which then fix the combination. */
static enum sotto_status find_dependence(struct dependence *in_out, bool *out_found,
                                         const struct judging *judging, size_t column)
{
    uint64_t min_rows = judging->rules->min_rows;
    size_t rows_len = count_sample(judging);
    uint64_t work = (uint64_t)(rows_len + in_out->len) * in_out->len * in_out->len + 1;
    uint64_t tries = DEPENDENCE_WORK / work + 1 < min_rows ? DEPENDENCE_WORK / work + 1 : min_rows;
    *out_found = false;
    for (uint64_t i = 0; !*out_found && i < tries; i++) {
        fill_rows(in_out, judging, column, (size_t)(i * rows_len / tries));
        if (count_weights(in_out) < in_out->len + min_rows) {
            return SOTTO_OK; /* so many equations for so few rows are up to the budget */
        }
        const struct sotto__mixture mixture = {.weights = in_out->weights,
                                               .atoms_len = in_out->rows_len,
                                               .factors = in_out->factors,
                                               .sets_len = in_out->len};
        enum sotto_status status =
            sotto__mixture_find(&mixture, out_found, in_out->found, min_rows, judging->prime);
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
    while (dependence->found[named] == 0 || dependence->by[named] == SOTTO_NONE) {
        named++; /* 1 alone is on all rows: a column is among them */
    }
    const struct sotto_evidence_column *one = &columns[dependence->by[named]];
    return sotto__judge_refuse(
        judging, SOTTO_RULE_HIDDEN,
        "what stands at column %zu of %.160s and other columns make one another up here, "
        "but in fewer than %llu rows",
        one->start + 1, one->text, sotto__judge_shown(judging->rules->min_rows));
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
    if (len < 3 || count_sample(judging) == 0) {
        return SOTTO_OK;
    }
    enum sotto_status status = judge_dependence(judging, SOTTO_NONE);
    for (size_t i = 0; status == SOTTO_OK && i < len; i++) {
        status = columns[i].dataset == judging->dataset ? judge_dependence(judging, i) : SOTTO_OK;
    }
    return status;
}
