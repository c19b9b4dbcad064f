/* SPDX-License-Identifier: Apache-2.0 */

/* The share of rows in which a condition is true, in one round: its interval by Wilson's score
 * (which stays within 0 and 1, and is near what it says for small samples too), and the exact test
 * of it against a share. With alternative=less or greater there is one bound, and the other end is
 * 0 or 1. It leans on the incomplete beta function (probability/tails.c), which adds up a
 * binomial's tail; what is extreme on the other side is found by halving. */

#include "methods/fields.h"

#define BITS 256
#define TIE_BITS 128 /* likelihoods that differ by less are equal */

enum { PROPORTION, LOW, HIGH, STANDARD_ERROR, TRUE_COUNT, COUNT, FIELDS_LEN };

static const struct sotto__method_field fields[] = {
    {.name = "proportion"},
    {.name = "low"},
    {.name = "high"},
    {.name = "standard_error"},
    {.name = "count_true", .is_count = true},
    {.name = "count", .is_count = true, .tells_nan = true},
};

static void ask(struct sotto__recipe *recipe, unsigned round)
{
    size_t row = sotto__recipe_condition(recipe, 0);
    (void)round;
    sotto__recipe_tell_nan(recipe, row);
    (void)sotto__recipe_count(recipe, row);
    (void)sotto__recipe_sum(recipe, row, SOTTO_NONE);
}

/* (p + z^2 / 2n -+ z sqrt(v + z^2 / 4n^2)) / (1 + z^2 / n), v = p (1 - p) / n: exactly 0 and 1 at
 * the ends. */
static void set_wilson(struct sotto__value *out, mpq_srcptr p, mpq_srcptr v, mpq_srcptr n,
                       const struct sotto__options *options)
{
    bool has_low = options->alternative != SOTTO__ALTERNATIVE_LESS && mpq_sgn(p) > 0;
    bool has_high = options->alternative != SOTTO__ALTERNATIVE_GREATER && mpq_cmp_ui(p, 1, 1) < 0;
    mpfr_t z;
    mpfr_t centre;
    mpfr_t width;
    mpfr_t bound;
    mpfr_init2(z, SOTTO__QUANTILE_BITS);
    mpfr_inits2(BITS, centre, width, bound, NULL);
    sotto__set_normal_width(z, options->level, options->alternative);
    mpfr_div_2ui(centre, z, 1, MPFR_RNDN); /* z^2 / 4n^2 + v */
    mpfr_div_q(centre, centre, n, MPFR_RNDN);
    mpfr_sqr(width, centre, MPFR_RNDN);
    mpfr_add_q(width, width, v, MPFR_RNDN);
    mpfr_sqrt(width, width, MPFR_RNDN);
    mpfr_mul(width, width, z, MPFR_RNDN);
    mpfr_mul(centre, centre, z, MPFR_RNDN); /* z^2 / 2n */
    mpfr_mul_2ui(bound, centre, 1, MPFR_RNDN);
    mpfr_add_ui(z, bound, 1, MPFR_RNDN);
    mpfr_add_q(centre, centre, p, MPFR_RNDN);
    mpfr_sub(bound, centre, width, MPFR_RNDN);
    mpfr_div(bound, bound, z, MPFR_RNDN);
    sotto__value_set_rounded(&out[LOW], has_low ? mpfr_get_d(bound, MPFR_RNDN) : 0);
    mpfr_add(bound, centre, width, MPFR_RNDN);
    mpfr_div(bound, bound, z, MPFR_RNDN);
    sotto__value_set_rounded(&out[HIGH], has_high ? mpfr_get_d(bound, MPFR_RNDN) : 1);
    mpfr_clears(z, centre, width, bound, NULL);
}

static void set_proportion(struct sotto__value *out, mpq_srcptr n, mpq_srcptr sum,
                           const struct sotto__options *options)
{
    mpq_t p;
    mpq_t v;
    mpq_inits(p, v, NULL);
    mpq_div(p, sum, n);
    mpq_sub(v, n, sum);
    mpq_div(v, v, n);
    mpq_mul(v, v, p);
    mpq_div(v, v, n);
    sotto__value_set_rational(&out[PROPORTION], p);
    sotto__value_set_root(&out[STANDARD_ERROR], v);
    set_wilson(out, p, v, n, options);
    mpq_clears(p, v, NULL);
}

/* Reads the count and the sum, sets the fields of a proportion, and ends the call. *out_sums is
 * ended by sotto__step_sums_free after SOTTO_OK. */
static enum sotto_status read_proportion(struct sotto__value **out_sums, struct sotto__step *step,
                                         struct sotto__value *out, struct sotto_error *err)
{
    struct sotto__value *sums = NULL;
    enum sotto_status status = sotto__step_sums(&sums, step, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (mpq_cmp(sums[1].number, sums[0].number) > 0) {
        sotto__step_sums_free(sums, step);
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "the aggregate has more true rows than rows");
    }
    if (mpq_sgn(sums[0].number) == 0) {
        step->outcome = "no values";
        sotto__value_set_nans(out, FIELDS_LEN);
    } else {
        set_proportion(out, sums[0].number, sums[1].number, sotto__step_options(step));
    }
    sotto__value_set_rational(&out[TRUE_COUNT], sums[1].number);
    sotto__value_set_rational(&out[COUNT], sums[0].number);
    step->is_done = true;
    *out_sums = sums;
    return SOTTO_OK;
}

static enum sotto_status step(struct sotto__step *step, struct sotto_error *err)
{
    struct sotto__value *sums = NULL;
    enum sotto_status status = read_proportion(&sums, step, step->values, err);
    if (status == SOTTO_OK) {
        sotto__step_sums_free(sums, step);
    }
    return status;
}

const struct sotto__method sotto__method_proportion = {
    .fields = fields, .fields_len = FIELDS_LEN, .ask = ask, .step = step};

/* --- The same, and the exact test against a share --- */

static const struct sotto__method_field binomial_fields[] = {
    {.name = "p"},
    {.name = "proportion"},
    {.name = "low"},
    {.name = "high"},
    {.name = "standard_error"},
    {.name = "count_true", .is_count = true},
    {.name = "count", .is_count = true, .tells_nan = true},
};

/* How likely numbers of successes are: that of n trials each of which succeeds with a share. */
struct trials {
    mpq_t n;
    mpq_t found; /* how many succeeded */
    mpq_t share;
    mpfr_t odds; /* the logarithm of share / (1 - share) */
};

/* log of Gamma(number + 1). */
static void set_log_factorial(mpfr_t out, mpq_srcptr number)
{
    int sign;
    mpfr_set_q(out, number, MPFR_RNDN);
    mpfr_add_ui(out, out, 1, MPFR_RNDN);
    mpfr_lgamma(out, &sign, out, MPFR_RNDN);
}

/* Sets out to the logarithm of how likely so many successes are, but for what all have in common.
 */
static void set_likelihood(mpfr_t out, const struct trials *trials, mpq_srcptr successes)
{
    mpq_t rest;
    mpfr_t part;
    mpq_init(rest);
    mpfr_init2(part, BITS);
    mpq_sub(rest, trials->n, successes);
    mpfr_mul_q(out, trials->odds, successes, MPFR_RNDN);
    set_log_factorial(part, successes);
    mpfr_sub(out, out, part, MPFR_RNDN);
    set_log_factorial(part, rest);
    mpfr_sub(out, out, part, MPFR_RNDN);
    mpfr_clear(part);
    mpq_clear(rest);
}

/* Whether so many successes are at most as likely as those that were found; those that are as
 * likely to within 2^-TIE_BITS are. */
static bool is_extreme(const struct trials *trials, mpq_srcptr successes)
{
    mpfr_t likelihood;
    mpfr_t of_found;
    mpfr_inits2(BITS, likelihood, of_found, NULL);
    set_likelihood(likelihood, trials, successes);
    set_likelihood(of_found, trials, trials->found);
    mpfr_sub(likelihood, likelihood, of_found, MPFR_RNDN);
    bool is = mpfr_sgn(likelihood) <= 0 || mpfr_get_exp(likelihood) < -TIE_BITS;
    mpfr_clears(likelihood, of_found, NULL);
    return is;
}

/* Sets out to the number on the other side of n share that is nearest to it and extreme: by halving
 * what is between n share and the end, in which likelihoods fall. is_above: that side is the upper
 * one; where nothing there is extreme out is beyond the end. */
static void find_other_side(mpq_t out, const struct trials *trials, bool is_above)
{
    mpz_t near; /* not extreme, or on this side */
    mpz_t far;  /* extreme, or beyond the end */
    mpz_t middle;
    mpz_inits(near, far, middle, NULL);
    mpq_mul(out, trials->n, trials->share);
    mpz_fdiv_q(near, mpq_numref(out), mpq_denref(out));
    mpz_set_si(far, -1);
    if (is_above) {
        mpz_set(far, mpq_numref(trials->n));
        mpz_add_ui(far, far, 1);
    } else {
        mpz_cdiv_q(near, mpq_numref(out), mpq_denref(out));
    }
    for (mpz_sub(middle, far, near); mpz_cmpabs_ui(middle, 1) > 0; mpz_sub(middle, far, near)) {
        mpz_add(middle, near, far);
        mpz_fdiv_q_2exp(middle, middle, 1);
        mpq_set_z(out, middle);
        mpz_set(is_extreme(trials, out) ? far : near, middle);
    }
    mpq_set_z(out, far);
    mpz_clears(near, far, middle, NULL);
}

/* P(X <= most): that so many do not succeed. */
static double find_lower_tail(const struct trials *trials, mpq_srcptr most)
{
    mpq_t share;
    mpq_t least;
    mpq_inits(share, least, NULL);
    mpq_set_ui(share, 1, 1);
    mpq_sub(share, share, trials->share);
    mpq_sub(least, trials->n, most);
    double tail = sotto__binomial_tail(least, trials->n, share);
    mpq_clears(share, least, NULL);
    return tail;
}

/* The probability of numbers of successes that are at most as likely: both tails, unless what was
 * found is just what is expected. */
static double add_tails(const struct trials *trials)
{
    mpq_t other;
    mpq_init(other);
    mpq_mul(other, trials->n, trials->share);
    int order = mpq_cmp(trials->found, other);
    double p = 1;
    if (order != 0) {
        find_other_side(other, trials, order < 0);
        bool is_there = mpq_sgn(other) >= 0 && mpq_cmp(other, trials->n) <= 0;
        p = order < 0 ? find_lower_tail(trials, trials->found)
                      : sotto__binomial_tail(trials->found, trials->n, trials->share);
        if (is_there) {
            p += order < 0 ? sotto__binomial_tail(other, trials->n, trials->share)
                           : find_lower_tail(trials, other);
        }
    }
    mpq_clear(other);
    return p < 1 ? p : 1;
}

static double find_p(const struct trials *trials, enum sotto__alternative alternative)
{
    bool is_certain = mpq_sgn(trials->share) == 0 || mpq_cmp_ui(trials->share, 1, 1) == 0;
    mpq_t expected;
    if (alternative == SOTTO__ALTERNATIVE_LESS) {
        return find_lower_tail(trials, trials->found);
    }
    if (alternative == SOTTO__ALTERNATIVE_GREATER) {
        return sotto__binomial_tail(trials->found, trials->n, trials->share);
    }
    if (!is_certain) {
        return add_tails(trials);
    }
    mpq_init(expected);
    mpq_mul(expected, trials->n, trials->share);
    bool is_expected = mpq_equal(expected, trials->found) != 0;
    mpq_clear(expected);
    return is_expected ? 1 : 0;
}

static void set_binomial_p(struct sotto__step *step, const struct sotto__value *sums)
{
    const struct sotto__node *node = &step->call->expression->nodes[step->call->node];
    struct sotto__value share;
    struct trials trials;
    mpq_inits(trials.n, trials.found, trials.share, NULL);
    mpfr_init2(trials.odds, BITS);
    sotto__value_init(&share);
    sotto__decimal_set(&share, step->call->expression->levels[node->levels].text);
    mpq_set(trials.n, sums[0].number);
    mpq_set(trials.found, sums[1].number);
    mpq_set(trials.share, share.number);
    mpq_set_ui(share.number, 1, 1);
    mpq_sub(share.number, share.number, trials.share);
    if (mpq_sgn(share.number) > 0) {
        mpq_div(share.number, trials.share, share.number);
    }
    mpfr_set_q(trials.odds, share.number, MPFR_RNDN);
    mpfr_log(trials.odds, trials.odds, MPFR_RNDN);
    sotto__value_set_rounded(&step->values[0],
                             find_p(&trials, sotto__step_options(step)->alternative));
    sotto__value_clear(&share);
    mpfr_clear(trials.odds);
    mpq_clears(trials.n, trials.found, trials.share, NULL);
}

static enum sotto_status step_binomial(struct sotto__step *step, struct sotto_error *err)
{
    struct sotto__value *sums = NULL;
    enum sotto_status status = read_proportion(&sums, step, step->values + 1, err);
    if (status != SOTTO_OK) {
        return status;
    }
    bool is_large = mpq_cmp_ui(sums[0].number, SOTTO__TRIALS_MAX, 1) > 0;
    if (is_large) {
        step->outcome = "more than 100,000,000 rows: no exact test";
    }
    if (step->outcome != NULL) {
        sotto__value_set_nans(step->values, 1);
    } else {
        set_binomial_p(step, sums);
    }
    sotto__step_sums_free(sums, step);
    return SOTTO_OK;
}

const struct sotto__method sotto__method_binomial = {
    .fields = binomial_fields,
    .fields_len = sizeof binomial_fields / sizeof binomial_fields[0],
    .ask = ask,
    .step = step_binomial,
};
