/* SPDX-License-Identifier: Apache-2.0 */

/* Quantiles of t, chi-squared and the normal: where their tails (tails.c) have a given probability.
 * It leans on MPFR. The one idea: Newton's iteration, with a bracket that every evaluation narrows;
 * a step that leaves it is replaced by its middle, so that it always ends. */

#include "probability/probability.h"

#define STEPS_MAX 400
#define DENSITY_BITS 160 /* of which a freedom of 2^60 leaves enough for a step */

struct problem {
    enum { STUDENT, CHI2, NORMAL } kind;
    mpq_srcptr tail;
    mpq_srcptr freedom;
};

/* --- Tails and densities --- */

static void set_tail_at(mpfr_t out, const struct problem *problem, mpfr_srcptr at)
{
    mpq_t value;
    if (problem->kind == NORMAL) { /* erfc(z / sqrt(2)) */
        mpfr_sqr(out, at, MPFR_RNDN);
        mpfr_div_2ui(out, out, 1, MPFR_RNDN);
        mpfr_sqrt(out, out, MPFR_RNDN);
        mpfr_erfc(out, out, MPFR_RNDN);
        return;
    }
    mpq_init(value);
    mpfr_get_q(value, at);
    if (problem->kind == STUDENT) {
        mpq_mul(value, value, value);
        sotto__t_tails_set(out, value, problem->freedom);
    } else {
        sotto__chi2_tail_set(out, value, problem->freedom);
    }
    mpq_clear(value);
}

/* ln Gamma((freedom + more) / 2). */
static void set_gamma(mpfr_t out, mpq_srcptr freedom, unsigned long more)
{
    int sign;
    mpfr_set_q(out, freedom, MPFR_RNDN);
    mpfr_add_ui(out, out, more, MPFR_RNDN);
    mpfr_div_2ui(out, out, 1, MPFR_RNDN);
    mpfr_lgamma(out, &sign, out, MPFR_RNDN);
}

/* 2 Gamma((v + 1) / 2) / (sqrt(v pi) Gamma(v / 2)) (1 + t^2 / v)^(-(v + 1) / 2) */
static void set_student_density(mpfr_t out, mpq_srcptr freedom, mpfr_srcptr at)
{
    mpfr_t part;
    mpfr_init2(part, DENSITY_BITS);
    mpfr_sqr(out, at, MPFR_RNDN);
    mpfr_div_q(out, out, freedom, MPFR_RNDN);
    mpfr_log1p(out, out, MPFR_RNDN);
    mpfr_set_q(part, freedom, MPFR_RNDN);
    mpfr_add_ui(part, part, 1, MPFR_RNDN);
    mpfr_mul(out, out, part, MPFR_RNDN);
    mpfr_div_2ui(out, out, 1, MPFR_RNDN);
    mpfr_neg(out, out, MPFR_RNDN);
    set_gamma(part, freedom, 1);
    mpfr_add(out, out, part, MPFR_RNDN);
    set_gamma(part, freedom, 0);
    mpfr_sub(out, out, part, MPFR_RNDN);
    mpfr_exp(out, out, MPFR_RNDN);
    mpfr_const_pi(part, MPFR_RNDN);
    mpfr_mul_q(part, part, freedom, MPFR_RNDN);
    mpfr_rec_sqrt(part, part, MPFR_RNDN);
    mpfr_mul(out, out, part, MPFR_RNDN);
    mpfr_mul_2ui(out, out, 1, MPFR_RNDN);
    mpfr_clear(part);
}

/* (x / 2)^(k / 2 - 1) e^(-x / 2) / (2 Gamma(k / 2)) */
static void set_chi2_density(mpfr_t out, mpq_srcptr freedom, mpfr_srcptr at)
{
    mpfr_t half;
    mpfr_t part;
    mpfr_inits2(DENSITY_BITS, half, part, NULL);
    mpfr_div_2ui(half, at, 1, MPFR_RNDN);
    mpfr_log(out, half, MPFR_RNDN);
    mpfr_set_q(part, freedom, MPFR_RNDN);
    mpfr_div_2ui(part, part, 1, MPFR_RNDN);
    mpfr_sub_ui(part, part, 1, MPFR_RNDN);
    mpfr_mul(out, out, part, MPFR_RNDN);
    mpfr_sub(out, out, half, MPFR_RNDN);
    set_gamma(part, freedom, 0);
    mpfr_sub(out, out, part, MPFR_RNDN);
    mpfr_exp(out, out, MPFR_RNDN);
    mpfr_div_2ui(out, out, 1, MPFR_RNDN);
    mpfr_clears(half, part, NULL);
}

/* 2 / sqrt(2 pi) e^(-z^2 / 2) */
static void set_normal_density(mpfr_t out, mpfr_srcptr at)
{
    mpfr_t part;
    mpfr_init2(part, DENSITY_BITS);
    mpfr_sqr(out, at, MPFR_RNDN);
    mpfr_div_2ui(out, out, 1, MPFR_RNDN);
    mpfr_neg(out, out, MPFR_RNDN);
    mpfr_exp(out, out, MPFR_RNDN);
    mpfr_const_pi(part, MPFR_RNDN);
    mpfr_div_2ui(part, part, 1, MPFR_RNDN);
    mpfr_rec_sqrt(part, part, MPFR_RNDN);
    mpfr_mul(out, out, part, MPFR_RNDN);
    mpfr_clear(part);
}

static void set_density(mpfr_t out, const struct problem *problem, mpfr_srcptr at)
{
    if (problem->kind == STUDENT) {
        set_student_density(out, problem->freedom, at);
    } else if (problem->kind == CHI2) {
        set_chi2_density(out, problem->freedom, at);
    } else {
        set_normal_density(out, at);
    }
}

/* --- Where the tail is so likely --- */

struct bracket {
    mpfr_t low; /* where the tail is more likely than wanted */
    mpfr_t high;
    bool has_high;
};

/* Whether two are nearer to each other than 2^-140 of them. */
static bool is_near(mpfr_srcptr one, mpfr_srcptr other)
{
    mpfr_t between;
    mpfr_init2(between, SOTTO__QUANTILE_BITS);
    mpfr_sub(between, one, other, MPFR_RNDN);
    bool is = mpfr_zero_p(between) != 0 || mpfr_get_exp(between) < mpfr_get_exp(one) - 140;
    mpfr_clear(between);
    return is;
}

/* Sets at to where Newton's step leads, or, if that is outside the bracket, to its middle. Returns:
 * whether it has arrived. */
static bool take_step(mpfr_t at, const struct bracket *bracket, mpfr_srcptr excess,
                      mpfr_srcptr density)
{
    mpfr_t to;
    mpfr_init2(to, SOTTO__QUANTILE_BITS);
    mpfr_div(to, excess, density, MPFR_RNDN);
    mpfr_add(to, at, to, MPFR_RNDN);
    bool is_number = mpfr_number_p(to) != 0;
    bool is_there = is_number && is_near(to, at);
    bool is_inside = is_number && mpfr_cmp(to, bracket->low) > 0 &&
                     (!bracket->has_high || mpfr_cmp(to, bracket->high) < 0);
    if (is_there || is_inside) {
        mpfr_set(at, to, MPFR_RNDN);
    } else if (bracket->has_high) {
        mpfr_add(at, bracket->low, bracket->high, MPFR_RNDN);
        mpfr_div_2ui(at, at, 1, MPFR_RNDN);
    } else {
        mpfr_mul_2ui(at, at, 1, MPFR_RNDN);
    }
    mpfr_clear(to);
    return is_there;
}

static void solve(mpfr_t at, const struct problem *problem)
{
    struct bracket bracket = {.has_high = false};
    mpfr_t excess;
    mpfr_t density;
    mpfr_inits2(SOTTO__QUANTILE_BITS, bracket.low, bracket.high, excess, NULL);
    mpfr_init2(density, DENSITY_BITS);
    mpfr_set_zero(bracket.low, 1);
    bool is_done = false;
    for (unsigned i = 0; i < STEPS_MAX && !is_done; i++) {
        set_tail_at(excess, problem, at);
        mpfr_sub_q(excess, excess, problem->tail, MPFR_RNDN);
        if (mpfr_sgn(excess) > 0) {
            mpfr_set(bracket.low, at, MPFR_RNDN);
        } else {
            mpfr_set(bracket.high, at, MPFR_RNDN);
            bracket.has_high = true;
        }
        set_density(density, problem, at);
        is_done = take_step(at, &bracket, excess, density);
    }
    mpfr_clears(bracket.low, bracket.high, excess, density, NULL);
}

void sotto__t_quantile(mpfr_t out, mpq_srcptr tails, mpq_srcptr freedom)
{
    const struct problem problem = {.kind = STUDENT, .tail = tails, .freedom = freedom};
    mpfr_set_ui(out, 1, MPFR_RNDN);
    solve(out, &problem);
}

void sotto__normal_quantile(mpfr_t out, mpq_srcptr tails)
{
    const struct problem problem = {.kind = NORMAL, .tail = tails};
    mpfr_set_ui(out, 1, MPFR_RNDN);
    solve(out, &problem);
}

void sotto__chi2_quantile(mpfr_t out, mpq_srcptr tail, mpq_srcptr freedom)
{
    const struct problem problem = {.kind = CHI2, .tail = tail, .freedom = freedom};
    mpfr_set_q(out, freedom, MPFR_RNDN);
    solve(out, &problem);
}
