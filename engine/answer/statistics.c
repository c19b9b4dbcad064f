/* SPDX-License-Identifier: Apache-2.0 */

/* From a group's sums to a statistic. It leans on rationals: nothing is rounded, roots are marked
 * and taken when the result is written. The one idea: sums of powers of deviations come from sums
 * of powers, exactly, where doubles would cancel:
 *
 *     M2 = S2 - m S1    M3 = S3 - 3 m S2 + 2 n m^3    M4 = S4 - 4 m S3 + 6 m^2 S2 - 3 n m^4
 *
 * with the mean m = S1 / n. The definitions are pandas'. */

#include "answer/answer.h"

static enum sotto_status fail_impossible(struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                           "the aggregate has sums of squares that no parties' rows have");
}

/* out += factor * a * b * c; b and c may be NULL. */
static void add_product(mpq_t out, long factor, mpq_srcptr a, mpq_srcptr b, mpq_srcptr c)
{
    mpq_t product;
    mpq_init(product);
    mpq_set_si(product, factor, 1);
    mpq_mul(product, product, a);
    if (b != NULL) {
        mpq_mul(product, product, b);
    }
    if (c != NULL) {
        mpq_mul(product, product, c);
    }
    mpq_add(out, out, product);
    mpq_clear(product);
}

/* Sets out to the sum of the products of two columns' deviations: XY - X Y / n. */
static void set_deviations(mpq_t out, mpq_srcptr n, mpq_srcptr x, mpq_srcptr y, mpq_srcptr xy)
{
    mpq_t mean;
    mpq_init(mean);
    mpq_div(mean, x, n);
    mpq_set(out, xy);
    add_product(out, -1, mean, y, NULL);
    mpq_clear(mean);
}

struct sums {
    mpq_srcptr n;
    mpq_srcptr of[SOTTO__MOMENTS_LEN];
    bool finite; /* no infinities in X and Y */
};

static struct sums sums_of(const struct sotto__moments *moments,
                           const struct sotto__group_sums *aggregate)
{
    struct sums sums = {.finite = true};
    for (size_t i = 0; i < SOTTO__MOMENTS_LEN; i++) {
        if (moments->terms[i] != SOTTO_NONE) {
            const struct sotto__value *value = &aggregate->terms[moments->terms[i]];
            sums.of[i] = value->number;
            sums.finite = sums.finite && value->kind == SOTTO__VALUE_FINITE;
        }
    }
    sums.n = sums.of[SOTTO__MOMENT_COUNT];
    return sums;
}

/* Sets out to n + add. */
static void set_sum(mpq_t out, mpq_srcptr n, long add)
{
    mpq_set_si(out, add, 1);
    mpq_add(out, out, n);
}

/* Sets var, std, sem or cov: sums of products of deviations over n - ddof. */
static enum sotto_status set_variance(struct sotto__value *out, const struct sotto__node *node,
                                      const struct sums *sums)
{
    mpq_t freedom;
    bool is_cov = node->function == SOTTO__FUNCTION_COV;
    mpq_init(freedom);
    set_sum(freedom, sums->n, -(long)node->options.ddof);
    enum sotto_status status = SOTTO_OK;
    if (!sums->finite || mpq_sgn(freedom) <= 0 || mpq_sgn(sums->n) == 0) {
        sotto__value_set_special(out, SOTTO__VALUE_NAN);
    } else {
        set_deviations(out->number, sums->n, sums->of[SOTTO__MOMENT_X],
                       sums->of[is_cov ? SOTTO__MOMENT_Y : SOTTO__MOMENT_X],
                       sums->of[is_cov ? SOTTO__MOMENT_XY : SOTTO__MOMENT_XX]);
        status = !is_cov && mpq_sgn(out->number) < 0 ? SOTTO_ERROR_PROTOCOL : SOTTO_OK;
        mpq_div(out->number, out->number, freedom);
        if (node->function == SOTTO__FUNCTION_SEM) {
            mpq_div(out->number, out->number, sums->n);
        }
        if (node->function == SOTTO__FUNCTION_STD || node->function == SOTTO__FUNCTION_SEM) {
            sotto__value_signed_root(out);
        }
    }
    mpq_clear(freedom);
    return status;
}

static enum sotto_status set_correlation(struct sotto__value *out, const struct sums *sums)
{
    mpq_t xx;
    mpq_t yy;
    enum sotto_status status = SOTTO_OK;
    if (!sums->finite || mpq_cmp_ui(sums->n, 2, 1) < 0) {
        sotto__value_set_special(out, SOTTO__VALUE_NAN);
        return SOTTO_OK;
    }
    mpq_inits(xx, yy, NULL);
    set_deviations(xx, sums->n, sums->of[SOTTO__MOMENT_X], sums->of[SOTTO__MOMENT_X],
                   sums->of[SOTTO__MOMENT_XX]);
    set_deviations(yy, sums->n, sums->of[SOTTO__MOMENT_Y], sums->of[SOTTO__MOMENT_Y],
                   sums->of[SOTTO__MOMENT_YY]);
    set_deviations(out->number, sums->n, sums->of[SOTTO__MOMENT_X], sums->of[SOTTO__MOMENT_Y],
                   sums->of[SOTTO__MOMENT_XY]);
    mpq_mul(yy, xx, yy);
    mpq_abs(xx, out->number);
    mpq_mul(out->number, out->number, xx); /* the signed square */
    mpq_abs(xx, out->number);
    if (mpq_sgn(yy) < 0 || mpq_cmp(xx, yy) > 0) {
        status = SOTTO_ERROR_PROTOCOL;
    } else if (mpq_sgn(yy) == 0) {
        sotto__value_set_special(out, SOTTO__VALUE_NAN);
    } else {
        mpq_div(out->number, out->number, yy);
        sotto__value_signed_root(out);
    }
    mpq_clears(xx, yy, NULL);
    return status;
}

/* Sets n sqrt(n - 1) / (n - 2) M3 / M2^(3/2), by its signed square. */
static void set_skewness(struct sotto__value *out, const struct sums *sums, mpq_srcptr m2,
                         mpq_srcptr mean)
{
    mpq_t m3;
    mpq_t factor;
    mpq_inits(m3, factor, NULL);
    mpq_mul(factor, mean, mean);
    mpq_set(m3, sums->of[SOTTO__MOMENT_XXX]);
    add_product(m3, -3, mean, sums->of[SOTTO__MOMENT_XX], NULL);
    add_product(m3, 2, sums->n, mean, factor);
    mpq_abs(factor, m3);
    mpq_mul(out->number, m3, factor);
    set_sum(factor, sums->n, -1);
    mpq_mul(out->number, out->number, factor);
    mpq_mul(out->number, out->number, sums->n);
    mpq_mul(out->number, out->number, sums->n);
    set_sum(factor, sums->n, -2);
    mpq_mul(factor, factor, factor);
    mpq_mul(factor, factor, m2);
    mpq_mul(factor, factor, m2);
    mpq_mul(factor, factor, m2);
    mpq_div(out->number, out->number, factor);
    sotto__value_signed_root(out);
    mpq_clears(m3, factor, NULL);
}

/* Sets (n (n + 1) (n - 1) M4 / M2^2 - 3 (n - 1)^2) / ((n - 2) (n - 3)) */
static void set_kurtosis(struct sotto__value *out, const struct sums *sums, mpq_srcptr m2,
                         mpq_srcptr mean)
{
    mpq_t m4;
    mpq_t factor;
    mpq_inits(m4, factor, NULL);
    mpq_mul(factor, mean, mean);
    mpq_set(m4, sums->of[SOTTO__MOMENT_XXXX]);
    add_product(m4, -4, mean, sums->of[SOTTO__MOMENT_XXX], NULL);
    add_product(m4, 6, factor, sums->of[SOTTO__MOMENT_XX], NULL);
    add_product(m4, -3, sums->n, factor, factor);
    mpq_div(m4, m4, m2);
    mpq_div(m4, m4, m2);
    mpq_mul(m4, m4, sums->n);
    set_sum(factor, sums->n, 1);
    mpq_mul(m4, m4, factor);
    set_sum(factor, sums->n, -1);
    mpq_mul(m4, m4, factor);
    add_product(m4, -3, factor, factor, NULL);
    set_sum(factor, sums->n, -2);
    mpq_div(m4, m4, factor);
    set_sum(factor, sums->n, -3);
    mpq_div(out->number, m4, factor);
    mpq_clears(m4, factor, NULL);
}

static enum sotto_status set_skew_or_kurt(struct sotto__value *out, const struct sotto__node *node,
                                          const struct sums *sums)
{
    unsigned long least = node->function == SOTTO__FUNCTION_SKEW ? 3 : 4;
    mpq_t m2;
    mpq_t mean;
    if (!sums->finite || mpq_cmp_ui(sums->n, least, 1) < 0) {
        sotto__value_set_special(out, SOTTO__VALUE_NAN);
        return SOTTO_OK;
    }
    mpq_inits(m2, mean, NULL);
    mpq_div(mean, sums->of[SOTTO__MOMENT_X], sums->n);
    set_deviations(m2, sums->n, sums->of[SOTTO__MOMENT_X], sums->of[SOTTO__MOMENT_X],
                   sums->of[SOTTO__MOMENT_XX]);
    int sign = mpq_sgn(m2); /* 0: all alike, which pandas gives 0 */
    if (sign > 0 && node->function == SOTTO__FUNCTION_SKEW) {
        set_skewness(out, sums, m2, mean);
    } else if (sign > 0) {
        set_kurtosis(out, sums, m2, mean);
    }
    mpq_clears(m2, mean, NULL);
    return sign < 0 ? SOTTO_ERROR_PROTOCOL : SOTTO_OK;
}

enum sotto_status sotto__statistic(struct sotto__value *out, const struct sotto__node *node,
                                   const struct sotto__moments *moments,
                                   const struct sotto__group_sums *aggregate,
                                   struct sotto_error *err)
{
    struct sums sums = sums_of(moments, aggregate);
    enum sotto_status status = SOTTO_OK;
    switch (node->function) {
    case SOTTO__FUNCTION_COUNT:
        mpq_set(out->number, sums.n);
        break;
    case SOTTO__FUNCTION_ANY:
        mpq_set_ui(out->number, mpq_sgn(sums.of[SOTTO__MOMENT_X]) != 0, 1);
        break;
    case SOTTO__FUNCTION_ALL:
        mpq_set_ui(out->number, mpq_equal(sums.of[SOTTO__MOMENT_X], sums.n) != 0, 1);
        break;
    case SOTTO__FUNCTION_SUM:
        sotto__value_set(out, &aggregate->terms[moments->terms[SOTTO__MOMENT_X]]);
        break;
    case SOTTO__FUNCTION_MEAN:
        sotto__value_set(out, &aggregate->terms[moments->terms[SOTTO__MOMENT_X]]);
        sotto__value_divide(out, &aggregate->terms[moments->terms[SOTTO__MOMENT_COUNT]]);
        break;
    case SOTTO__FUNCTION_CORR:
        status = set_correlation(out, &sums);
        break;
    case SOTTO__FUNCTION_DOT:
        if (sums.finite) {
            mpq_set(out->number, sums.of[SOTTO__MOMENT_XY]);
        } else {
            sotto__value_set_special(out, SOTTO__VALUE_NAN);
        }
        break;
    case SOTTO__FUNCTION_SKEW:
    case SOTTO__FUNCTION_KURT:
        status = set_skew_or_kurt(out, node, &sums);
        break;
    default:
        status = set_variance(out, node, &sums);
        break;
    }
    return status == SOTTO_OK ? SOTTO_OK : fail_impossible(err);
}
