/* SPDX-License-Identifier: Apache-2.0 */

/* Analysis of variance of one way, in one round: of the count, the sum and the sum of squares of
 * each sample. All sums of squares are exact, so that no digit is lost where the values differ by
 * less than a double's last digit of their mean (NIST's SmLs09). */

#include "methods/fields.h"

#include <sotto/alloc.h>

/* The values: two of each sample after the scalars. */
enum {
    F,
    P,
    DF_BETWEEN,
    DF_WITHIN,
    SS_BETWEEN,
    SS_WITHIN,
    MS_BETWEEN,
    MS_WITHIN,
    ETA_SQUARED,
    RESIDUAL_SD,
    COUNT,
    SCALARS_LEN,
};

static const struct sotto__method_field fields[] = {
    {.name = "f"},
    {.name = "p"},
    {.name = "df_between", .is_count = true},
    {.name = "df_within", .is_count = true},
    {.name = "ss_between"},
    {.name = "ss_within"},
    {.name = "ms_between"},
    {.name = "ms_within"},
    {.name = "eta_squared"},
    {.name = "residual_sd"},
    {.name = "count", .is_count = true, .tells_nan = true},
    {.name = "counts", .axes_len = 1, .is_count = true},
    {.name = "means", .axes_len = 1},
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

struct analysis {
    mpq_t n;
    mpq_t mean;
    mpq_t between;
    mpq_t within;
    mpq_t df_between;
    mpq_t df_within;
    size_t samples_len; /* that have values */
};

static void analysis_init(struct analysis *out, const struct sotto__sample *samples, size_t len)
{
    mpq_t part;
    *out = (struct analysis){.samples_len = 0};
    mpq_inits(out->n, out->mean, out->between, out->within, out->df_between, out->df_within, part,
              NULL);
    for (size_t i = 0; i < len; i++) {
        mpq_mul(part, samples[i].n, samples[i].mean);
        mpq_add(out->mean, out->mean, part);
        mpq_add(out->n, out->n, samples[i].n);
        mpq_add(out->within, out->within, samples[i].squares);
        out->samples_len += mpq_sgn(samples[i].n) > 0;
    }
    if (mpq_sgn(out->n) > 0) {
        mpq_div(out->mean, out->mean, out->n);
    }
    for (size_t i = 0; i < len; i++) {
        mpq_sub(part, samples[i].mean, out->mean);
        mpq_mul(part, part, part);
        mpq_mul(part, part, samples[i].n);
        mpq_add(out->between, out->between, part);
    }
    mpq_set_ui(part, out->samples_len, 1);
    mpq_sub(out->df_within, out->n, part);
    mpq_set_ui(out->df_between, out->samples_len > 0 ? out->samples_len - 1 : 0, 1);
    mpq_clear(part);
}

static void analysis_release(struct analysis *analysis)
{
    mpq_clears(analysis->n, analysis->mean, analysis->between, analysis->within,
               analysis->df_between, analysis->df_within, NULL);
}

/* Why there is no F, or NULL. */
static const char *find_fault(const struct analysis *analysis, const struct sotto__sample *samples,
                              size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!samples[i].is_finite) {
            return "infinite values";
        }
    }
    if (analysis->samples_len < 2) {
        return "fewer than two samples have values";
    }
    return mpq_sgn(analysis->df_within) <= 0 ? "as many samples as values" : NULL;
}

static void set_ratio(struct sotto__value *out, mpq_srcptr a, mpq_srcptr b)
{
    struct sotto__value divisor;
    sotto__value_init(&divisor);
    sotto__value_set_rational(out, a);
    sotto__value_set_rational(&divisor, b);
    sotto__value_divide(out, &divisor);
    sotto__value_clear(&divisor);
}

/* Sets F and its probability from the mean squares. */
static void set_f(struct sotto__value *out, const struct analysis *analysis)
{
    sotto__value_set(&out[F], &out[MS_BETWEEN]);
    sotto__value_divide(&out[F], &out[MS_WITHIN]);
    if (out[F].kind == SOTTO__VALUE_FINITE) {
        sotto__value_set_rounded(
            &out[P], sotto__f_tail(out[F].number, analysis->df_between, analysis->df_within));
    } else if (out[F].kind == SOTTO__VALUE_NAN) {
        sotto__value_set_nans(&out[P], 1);
    } else {
        sotto__value_set_rounded(&out[P], 0);
    }
}

static const char *set_analysis(struct sotto__value *out, const struct analysis *analysis)
{
    mpq_t total;
    mpq_init(total);
    mpq_add(total, analysis->between, analysis->within);
    sotto__value_set_rational(&out[SS_BETWEEN], analysis->between);
    sotto__value_set_rational(&out[SS_WITHIN], analysis->within);
    set_ratio(&out[MS_BETWEEN], analysis->between, analysis->df_between);
    set_ratio(&out[MS_WITHIN], analysis->within, analysis->df_within);
    set_ratio(&out[ETA_SQUARED], analysis->between, total);
    sotto__value_set(&out[RESIDUAL_SD], &out[MS_WITHIN]);
    sotto__value_sqrt(&out[RESIDUAL_SD]);
    set_f(out, analysis);
    mpq_clear(total);
    return mpq_sgn(analysis->within) == 0 ? "all values of each sample are alike" : NULL;
}

static void set_samples(struct sotto__value *counts, struct sotto__value *means,
                        const struct sotto__sample *samples, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        sotto__value_set_rational(&counts[i], samples[i].n);
        sotto__value_set_rational(&means[i], samples[i].mean);
        if (!samples[i].is_finite || mpq_sgn(samples[i].n) == 0) {
            sotto__value_set_nans(&means[i], 1);
        }
    }
}

static void set_fields(struct sotto__step *step, const struct sotto__sample *samples)
{
    struct analysis analysis;
    struct sotto__value *out = step->values;
    size_t len = step->labels_len;
    analysis_init(&analysis, samples, len);
    step->outcome = find_fault(&analysis, samples, len);
    if (step->outcome != NULL) {
        sotto__value_set_nans(out, SCALARS_LEN);
    } else {
        step->outcome = set_analysis(out, &analysis);
    }
    bool is_known = analysis.samples_len > 0;
    if (is_known && mpq_sgn(analysis.df_within) >= 0) {
        sotto__value_set_rational(&out[DF_BETWEEN], analysis.df_between);
        sotto__value_set_rational(&out[DF_WITHIN], analysis.df_within);
    }
    sotto__value_set_rational(&out[COUNT], analysis.n);
    set_samples(out + SCALARS_LEN, out + SCALARS_LEN + len, samples, len);
    analysis_release(&analysis);
}

static enum sotto_status step(struct sotto__step *step, struct sotto_error *err)
{
    struct sotto__value *sums = NULL;
    size_t len = step->labels_len;
    size_t made = 0;
    SOTTO_REQUIRE(step->asked_len == 3 * len);
    struct sotto__sample *samples = sotto_alloc_array(len, sizeof *samples);
    if (samples == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = sotto__step_sums(&sums, step, err);
    if (status != SOTTO_OK) {
        sotto_free(samples);
        return status;
    }
    for (; status == SOTTO_OK && made < len; made++) {
        status = sotto__sample_init(&samples[made], &sums[3 * made], &sums[3 * made + 1],
                                    &sums[3 * made + 2], err);
    }
    if (status == SOTTO_OK) {
        set_fields(step, samples);
        step->is_done = true;
    }
    for (size_t i = 0; i < made; i++) {
        sotto__sample_release(&samples[i]);
    }
    sotto_free(samples);
    sotto__step_sums_free(sums, step);
    return status;
}

const struct sotto__method sotto__method_anova = {
    .fields = fields,
    .fields_len = sizeof fields / sizeof fields[0],
    .ask = ask,
    .step = step,
};
