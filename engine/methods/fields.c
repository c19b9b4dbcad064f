/* SPDX-License-Identifier: Apache-2.0 */

/* Samples, and fields of methods of one round. It leans on the room probability. The one idea: all
 * statistics are ratios of exact sums, or roots of such, so that a field is rounded once, when it
 * is written; only probabilities and the bounds of intervals are doubles. */

#include "methods/fields.h"

#define BOUND_BITS 320 /* of a centre and what is added: twice the exponents of doubles cancel */

/* --- Samples --- */

enum sotto_status sotto__sample_init(struct sotto__sample *out, const struct sotto__value *count,
                                     const struct sotto__value *sum,
                                     const struct sotto__value *squares, struct sotto_error *err)
{
    mpq_inits(out->n, out->mean, out->squares, NULL);
    out->is_finite = sum->kind == SOTTO__VALUE_FINITE && squares->kind == SOTTO__VALUE_FINITE;
    mpq_set(out->n, count->number);
    if (!out->is_finite || mpq_sgn(out->n) == 0) {
        return SOTTO_OK;
    }
    mpq_div(out->mean, sum->number, out->n);
    mpq_mul(out->squares, out->mean, sum->number);
    mpq_sub(out->squares, squares->number, out->squares);
    return mpq_sgn(out->squares) >= 0
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                 "the aggregate has sums of squares that no parties' rows have");
}

void sotto__sample_release(struct sotto__sample *sample)
{
    mpq_clears(sample->n, sample->mean, sample->squares, NULL);
}

void sotto__sample_freedom(mpq_t out, const struct sotto__sample *sample, unsigned long less)
{
    mpq_set_ui(out, less, 1);
    mpq_sub(out, sample->n, out);
}

void sotto__sample_variance(mpq_t out, const struct sotto__sample *sample)
{
    sotto__sample_freedom(out, sample, 1);
    mpq_div(out, sample->squares, out);
}

bool sotto__sample_is_short(const struct sotto__sample *sample, unsigned long least)
{
    return mpq_cmp_ui(sample->n, least, 1) < 0;
}

/* --- Asking --- */

void sotto__ask_sample(struct sotto__recipe *recipe, size_t row)
{
    (void)sotto__recipe_count(recipe, row);
    (void)sotto__recipe_sum(recipe, row, SOTTO_NONE);
    (void)sotto__recipe_gram(recipe, &row, 1, SOTTO_NONE);
}

void sotto__ask_pair(struct sotto__recipe *recipe)
{
    size_t rows[2];
    size_t x = sotto__recipe_row(recipe, 0);
    size_t y = sotto__recipe_row(recipe, 1);
    rows[0] = sotto__recipe_together(recipe, x, y);
    rows[1] = sotto__recipe_together(recipe, y, x);
    sotto__recipe_tell_nan(recipe, rows[0]);
    (void)sotto__recipe_count(recipe, rows[0]);
    (void)sotto__recipe_sum(recipe, rows[0], SOTTO_NONE);
    (void)sotto__recipe_sum(recipe, rows[1], SOTTO_NONE);
    (void)sotto__recipe_gram(recipe, rows, 2, SOTTO_NONE);
}

void sotto__ask_cells(struct sotto__recipe *recipe, unsigned round)
{
    size_t len = sotto__recipe_arguments_len(recipe);
    (void)round;
    for (size_t i = 0; i < len; i++) {
        size_t row = sotto__recipe_row(recipe, i);
        (void)sotto__recipe_cell(recipe, row);
    }
}

/* --- Fields --- */

void sotto__value_set_rational(struct sotto__value *out, mpq_srcptr number)
{
    sotto__value_set_special(out, SOTTO__VALUE_FINITE);
    mpq_set(out->number, number);
}

void sotto__value_set_root(struct sotto__value *out, mpq_srcptr square)
{
    sotto__value_set_rational(out, square);
    sotto__value_signed_root(out);
}

void sotto__value_set_rounded(struct sotto__value *out, double number)
{
    sotto__value_set_double(out, number);
    out->is_rounded = true;
}

void sotto__value_set_nans(struct sotto__value *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        sotto__value_set_special(&out[i], SOTTO__VALUE_NAN);
    }
}

enum sotto_status sotto__value_check_square(mpq_srcptr square, struct sotto_error *err)
{
    return mpq_sgn(square) >= 0
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                 "the aggregate has sums of products that no parties' rows have");
}

void sotto__value_set_t(struct sotto__value *t, struct sotto__value *p, mpq_srcptr difference,
                        mpq_srcptr square, mpq_srcptr freedom)
{
    struct sotto__value error;
    sotto__value_init(&error);
    sotto__value_set_rational(t, difference);
    sotto__value_set_root(&error, square);
    sotto__value_divide(t, &error);
    sotto__value_clear(&error);
    if (t->kind == SOTTO__VALUE_FINITE) {
        mpq_t of;
        mpq_init(of);
        mpq_mul(of, difference, difference);
        mpq_div(of, of, square);
        sotto__value_set_rounded(p, freedom != NULL ? sotto__t_tails(of, freedom)
                                                    : sotto__normal_tails(of));
        mpq_clear(of);
    } else if (t->kind == SOTTO__VALUE_NAN) {
        sotto__value_set_nans(p, 1);
    } else {
        sotto__value_set_rounded(p, 0);
    }
}

void sotto__set_outside(mpq_t out, int level)
{
    mpq_set_si(out, 100 - level, 100);
    mpq_canonicalize(out);
}

void sotto__set_normal_width(mpfr_t out, int level, enum sotto__alternative alternative)
{
    bool is_one_sided = alternative != SOTTO__ALTERNATIVE_TWO_SIDED;
    int both = is_one_sided ? 2 * level - 100 : level; /* of both sides, with the same bound */
    mpq_t outside;
    if (both == 0) {
        mpfr_set_zero(out, 1);
        return;
    }
    mpq_init(outside);
    sotto__set_outside(outside, both < 0 ? -both : both);
    sotto__normal_quantile(out, outside);
    if (both < 0) {
        mpfr_neg(out, out, MPFR_RNDN);
    }
    mpq_clear(outside);
}

/* Halving is exact; 1 less it is rounded once more, to the nearest double or its neighbour. */
void sotto__value_take_side(struct sotto__value *p, bool is_less,
                            enum sotto__alternative alternative)
{
    double half = sotto__value_double(p) / 2;
    if (alternative != SOTTO__ALTERNATIVE_TWO_SIDED && p->kind == SOTTO__VALUE_FINITE) {
        bool is_of_side = is_less == (alternative == SOTTO__ALTERNATIVE_LESS);
        sotto__value_set_rounded(p, is_of_side ? half : 1 - half);
    }
}

void sotto__value_set_interval(struct sotto__value *low, struct sotto__value *high,
                               mpq_srcptr centre, mpq_srcptr square, mpq_srcptr freedom, int level)
{
    mpq_t outside;
    mpfr_t quantile;
    mpfr_t width;
    mpfr_t bound;
    mpq_init(outside);
    mpfr_init2(quantile, SOTTO__QUANTILE_BITS);
    mpfr_inits2(BOUND_BITS, width, bound, NULL);
    sotto__set_outside(outside, level);
    if (freedom != NULL) {
        sotto__t_quantile(quantile, outside, freedom);
    } else {
        sotto__normal_quantile(quantile, outside);
    }
    mpfr_set_q(width, square, MPFR_RNDN);
    mpfr_sqrt(width, width, MPFR_RNDN);
    mpfr_mul(width, width, quantile, MPFR_RNDN);
    mpfr_set_q(bound, centre, MPFR_RNDN);
    mpfr_add(bound, bound, width, MPFR_RNDN);
    sotto__value_set_rounded(high, mpfr_get_d(bound, MPFR_RNDN));
    mpfr_set_q(bound, centre, MPFR_RNDN);
    mpfr_sub(bound, bound, width, MPFR_RNDN);
    sotto__value_set_rounded(low, mpfr_get_d(bound, MPFR_RNDN));
    mpfr_clears(quantile, width, bound, NULL);
    mpq_clear(outside);
}
