/* SPDX-License-Identifier: Apache-2.0 */

/* Analysis of variance of two ways, type I, in one round: of the count, the sum and the sum of
 * squares in each cell of two columns' levels. Sums of squares are sequential: of the first column,
 * of the second one beyond the first, of both together beyond these. The one idea: the second one's
 * is t' S^- t, where
 *
 *     S_jk = [j = k] n_.j - sum_i n_ij n_ik / n_i.      t_j = T_.j - sum_i n_ij T_i. / n_i.
 *
 * are the normal equations of its levels with those of the first column eliminated, so that cells
 * may be of any size, and empty. All of it is solved in rationals. */

#include "methods/fields.h"

#include <sotto/alloc.h>

/* Of each term: the first column, the second one, both, what is left. */
enum { FIRST, SECOND, BOTH, RESIDUAL, TERMS_LEN };
/* The values: so many series along the terms, then the rest. */
enum {
    F,
    P,
    DF,
    SS,
    MS,
    SERIES_LEN,
    COUNT = SERIES_LEN * TERMS_LEN,
    VALUES_LEN,
};

static const struct sotto__method_field fields[] = {
    {.name = "f", .axes_len = 1},
    {.name = "p", .axes_len = 1},
    {.name = "df", .axes_len = 1, .is_count = true},
    {.name = "ss", .axes_len = 1},
    {.name = "ms", .axes_len = 1},
    {.name = "count", .is_count = true, .tells_nan = true},
};

static void ask(struct sotto__recipe *recipe, unsigned round)
{
    size_t len = sotto__recipe_arguments_len(recipe);
    (void)round;
    for (size_t i = 0; i < len; i++) {
        size_t row = sotto__recipe_row(recipe, i);
        if (i == 0) {
            sotto__recipe_tell_nan(recipe, row);
        }
        sotto__ask_sample(recipe, row);
    }
}

/* --- Cells --- */

struct layout {
    size_t rows;
    size_t columns;
    const struct sotto__value *sums; /* three of each cell, row by row */
    mpq_t *numbers;                  /* that are released together */
    mpq_t *row_counts;               /* n_i. */
    mpq_t *row_sums;                 /* T_i. */
    mpq_t *equations;                /* S and t: columns rows of columns + 1 */
    mpq_t terms[TERMS_LEN];          /* sums of squares */
    unsigned long freedoms[3];
    mpq_t n;
    mpq_t residual_freedom;
};

static mpq_srcptr count_of(const struct layout *layout, size_t row, size_t column)
{
    return layout->sums[3 * (row * layout->columns + column)].number;
}

static mpq_srcptr sum_of(const struct layout *layout, size_t row, size_t column)
{
    return layout->sums[3 * (row * layout->columns + column) + 1].number;
}

static size_t count_numbers(const struct layout *layout)
{
    return 2 * layout->rows + layout->columns * (layout->columns + 1);
}

static void layout_release(struct layout *layout)
{
    for (size_t i = 0; layout->numbers != NULL && i < count_numbers(layout); i++) {
        mpq_clear(layout->numbers[i]);
    }
    for (size_t i = 0; i < TERMS_LEN; i++) {
        mpq_clear(layout->terms[i]);
    }
    mpq_clears(layout->n, layout->residual_freedom, NULL);
    sotto_free(layout->numbers);
}

static enum sotto_status layout_init(struct layout *out, const struct sotto__step *step,
                                     const struct sotto__value *sums)
{
    const struct sotto__node *call = &step->call->expression->nodes[step->call->node];
    *out = (struct layout){.rows = call->row_levels_len,
                           .columns = call->levels_len - call->row_levels_len,
                           .sums = sums};
    for (size_t i = 0; i < TERMS_LEN; i++) {
        mpq_init(out->terms[i]);
    }
    mpq_inits(out->n, out->residual_freedom, NULL);
    out->numbers = sotto_alloc_array(count_numbers(out), sizeof *out->numbers);
    if (out->numbers == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < count_numbers(out); i++) {
        mpq_init(out->numbers[i]);
    }
    out->row_counts = out->numbers;
    out->row_sums = out->numbers + out->rows;
    out->equations = out->numbers + 2 * out->rows;
    return SOTTO_OK;
}

/* out += sign * a * b / over; nothing where over is 0. */
static void add_ratio(mpq_t out, mpq_srcptr a, mpq_srcptr b, mpq_srcptr over, bool is_negative)
{
    mpq_t part;
    if (mpq_sgn(over) == 0) {
        return;
    }
    mpq_init(part);
    mpq_mul(part, a, b);
    mpq_div(part, part, over);
    if (is_negative) {
        mpq_sub(out, out, part);
    } else {
        mpq_add(out, out, part);
    }
    mpq_clear(part);
}

/* --- Sums of squares --- */

/* Adds up the rows' counts and sums. Returns: the sum of all values in the term FIRST, for now. */
static void add_rows(struct layout *layout)
{
    for (size_t i = 0; i < layout->rows * layout->columns; i++) {
        size_t row = i / layout->columns;
        size_t column = i % layout->columns;
        mpq_srcptr count = count_of(layout, row, column);
        mpq_srcptr sum = sum_of(layout, row, column);
        mpq_add(layout->row_counts[row], layout->row_counts[row], count);
        mpq_add(layout->row_sums[row], layout->row_sums[row], sum);
        mpq_add(layout->n, layout->n, count);
        mpq_add(layout->terms[RESIDUAL], layout->terms[RESIDUAL], layout->sums[3 * i + 2].number);
        add_ratio(layout->terms[RESIDUAL], sum, sum, count, true);
        add_ratio(layout->terms[BOTH], sum, sum, count, false);
        layout->freedoms[BOTH] += mpq_sgn(count) > 0;
    }
    for (size_t i = 0; i < layout->rows; i++) {
        mpq_srcptr sum = layout->row_sums[i];
        add_ratio(layout->terms[FIRST], sum, sum, layout->row_counts[i], false);
        add_ratio(layout->terms[BOTH], sum, sum, layout->row_counts[i], true);
        layout->freedoms[FIRST] += mpq_sgn(layout->row_counts[i]) > 0;
    }
}

/* Sets the normal equations of the second column. */
static void set_equations(struct layout *layout)
{
    size_t width = layout->columns + 1;
    for (size_t j = 0; j < layout->columns; j++) {
        mpq_t *equation = &layout->equations[j * width];
        for (size_t i = 0; i < layout->rows; i++) {
            mpq_srcptr count = count_of(layout, i, j);
            mpq_srcptr of_row = layout->row_counts[i];
            mpq_add(equation[j], equation[j], count);
            mpq_add(equation[layout->columns], equation[layout->columns], sum_of(layout, i, j));
            add_ratio(equation[layout->columns], count, layout->row_sums[i], of_row, true);
            for (size_t k = 0; k < layout->columns; k++) {
                add_ratio(equation[k], count, count_of(layout, i, k), of_row, true);
            }
        }
    }
}

/* Eliminates one equation after the other. S is positive semidefinite, so that a pivot of 0 has a
 * row of zeros; each other one adds t^2 / pivot to t' S^- t, and 1 to its rank. */
static void solve_equations(struct layout *layout)
{
    size_t columns = layout->columns;
    size_t width = columns + 1;
    mpq_t factor;
    mpq_init(factor);
    for (size_t j = 0; j < columns; j++) {
        mpq_t *pivot = &layout->equations[j * width];
        if (mpq_sgn(pivot[j]) == 0) {
            continue;
        }
        add_ratio(layout->terms[SECOND], pivot[columns], pivot[columns], pivot[j], false);
        layout->freedoms[SECOND]++;
        for (size_t k = j + 1; k < columns; k++) {
            mpq_t *other = &layout->equations[k * width];
            mpq_set(factor, other[j]);
            for (size_t l = j; l <= columns; l++) {
                add_ratio(other[l], factor, pivot[l], pivot[j], true);
            }
        }
    }
    mpq_clear(factor);
}

/* Sets all sums of squares and their freedoms. */
static void analyse(struct layout *layout)
{
    mpq_t total;
    mpq_init(total);
    add_rows(layout);
    set_equations(layout);
    solve_equations(layout);
    mpq_sub(layout->terms[BOTH], layout->terms[BOTH], layout->terms[SECOND]);
    mpq_set_ui(total, layout->freedoms[BOTH], 1);
    mpq_sub(layout->residual_freedom, layout->n, total);
    layout->freedoms[BOTH] -= layout->freedoms[FIRST] + layout->freedoms[SECOND];
    layout->freedoms[FIRST] -= layout->freedoms[FIRST] > 0;
    mpq_set_ui(total, 0, 1);
    for (size_t i = 0; i < layout->rows; i++) {
        mpq_add(total, total, layout->row_sums[i]);
    }
    add_ratio(layout->terms[FIRST], total, total, layout->n, true);
    mpq_clear(total);
}

/* --- Fields --- */

/* Sets the mean square of a term, and but for the last one its F and how likely that is. */
static void set_term(struct sotto__value *out, const struct layout *layout, size_t term)
{
    struct sotto__value over;
    mpq_t freedom;
    sotto__value_init(&over);
    mpq_init(freedom);
    if (term == RESIDUAL) {
        mpq_set(freedom, layout->residual_freedom);
    } else {
        mpq_set_ui(freedom, layout->freedoms[term], 1);
    }
    sotto__value_set_rational(&out[SS * TERMS_LEN + term], layout->terms[term]);
    sotto__value_set_rational(&out[DF * TERMS_LEN + term], freedom);
    sotto__value_set_rational(&out[MS * TERMS_LEN + term], layout->terms[term]);
    sotto__value_set_rational(&over, freedom);
    sotto__value_divide(&out[MS * TERMS_LEN + term], &over);
    struct sotto__value *f = &out[F * TERMS_LEN + term];
    if (term != RESIDUAL) {
        sotto__value_set_rational(&over, layout->terms[RESIDUAL]);
        sotto__value_set_rational(f, layout->residual_freedom);
        sotto__value_divide(&over, f);
        sotto__value_set(f, &out[MS * TERMS_LEN + term]);
        sotto__value_divide(f, &over);
        if (f->kind == SOTTO__VALUE_FINITE && layout->freedoms[term] > 0) {
            sotto__value_set_rounded(&out[P * TERMS_LEN + term],
                                     sotto__f_tail(f->number, freedom, layout->residual_freedom));
        } else if (f->kind == SOTTO__VALUE_INFINITE) {
            sotto__value_set_rounded(&out[P * TERMS_LEN + term], 0);
        }
    }
    mpq_clear(freedom);
    sotto__value_clear(&over);
}

static bool is_finite(const struct sotto__step *step, const struct sotto__value *sums)
{
    bool finite = true;
    for (size_t i = 0; i < step->asked_len; i++) {
        finite = finite && sums[i].kind == SOTTO__VALUE_FINITE;
    }
    return finite;
}

/* Returns: false for what no rows can give. */
static bool set_fields(struct sotto__step *step, struct layout *layout)
{
    struct sotto__value *out = step->values;
    sotto__value_set_nans(out, VALUES_LEN);
    bool finite = is_finite(step, layout->sums);
    if (finite) {
        analyse(layout);
    } else {
        for (size_t i = 0; i < layout->rows * layout->columns; i++) {
            mpq_add(layout->n, layout->n, layout->sums[3 * i].number);
        }
    }
    sotto__value_set_rational(&out[COUNT], layout->n);
    if (mpq_sgn(layout->terms[RESIDUAL]) < 0) {
        return false;
    }
    step->outcome = !finite                                  ? "infinite values"
                    : mpq_sgn(layout->n) == 0                ? "no values"
                    : mpq_sgn(layout->residual_freedom) <= 0 ? "as many cells as values"
                                                             : NULL;
    for (size_t i = 0; step->outcome == NULL && i < TERMS_LEN; i++) {
        set_term(out, layout, i);
    }
    if (step->outcome == NULL && mpq_sgn(layout->terms[RESIDUAL]) == 0) {
        step->outcome = "all values of each cell are alike";
    }
    return true;
}

static enum sotto_status step(struct sotto__step *step, struct sotto_error *err)
{
    struct sotto__value *sums = NULL;
    struct layout layout;
    enum sotto_status status = sotto__step_sums(&sums, step, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = layout_init(&layout, step, sums);
    if (status != SOTTO_OK) {
        (void)sotto_error_no_memory(err);
    } else if (!set_fields(step, &layout)) {
        status = sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                 "the aggregate has sums of squares that no parties' rows have");
    }
    step->is_done = status == SOTTO_OK;
    layout_release(&layout);
    sotto__step_sums_free(sums, step);
    return status;
}

const struct sotto__method sotto__method_anova_two = {
    .fields = fields,
    .fields_len = sizeof fields / sizeof fields[0],
    .ask = ask,
    .step = step,
};
