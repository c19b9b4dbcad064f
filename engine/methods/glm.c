/* SPDX-License-Identifier: Apache-2.0 */

/* Generalised linear models by Newton's method (for these families iteratively reweighted least
 * squares), a step a round; and models of several levels likewise. It leans on the files beside it
 * (glm.h). The one idea: a round's sums are exact, and the coefficients of the next one are the
 * exact solution of their equations, rounded to doubles once; so every step has the same bits,
 * however rows are split.
 *
 * 1. The first round has what a linear regression needs (glm_start.c). Afterwards each step is from
 *    b to b + (X'WX)^-1 s, s being the score.
 * 2. Where the deviance rises, or is no number, the step is halved, as often as it takes, 30 times
 *    at most.
 * 3. The decrement s' (X'WX)^-1 s, over the dispersion where that is estimated, is the square of
 *    what the step is in standard errors. Where it is at most 1e-16 the model has converged: the
 *    step's error is its square. One more round looks at the coefficients after it, and everything
 *    that is told is told of them; that their decrement is as small is the proof of it.
 *    With tolerance= the last coefficients are instead those at which all elements of a row's share
 *    of the score are below it.
 * 4. Coefficients that grow for ever have a name, not a value. A deviance below 2 log 2 proves that
 *    no row's y has a probability below 1/2: then any multiple of these coefficients fits better.
 *    Where only some rows are fitted without limit, all steps are of the same length, and
 *    decrements fall by e. */

#include "methods/glm.h"
#include "methods/reached.h"

#include <math.h>
#include <string.h>

#define CONVERGED 1e-16
#define CONVERGED_AT_ONCE 1e-28 /* a step that would move nothing */
#define DEVIANCE_RISES 1e-8     /* relative, as R's epsilon: less is rounding */
#define HALVINGS_MAX 30
#define RECEDING_STEPS 3
#define SEPARATED 1.38 /* below 2 log 2 */

/* --- The fit of a step --- */

double sotto__fit_read(const struct sotto__fit *fit, size_t word)
{
    double number;
    memcpy(&number, &fit->step->state[word], sizeof number);
    return number;
}

void sotto__fit_write(const struct sotto__fit *fit, size_t word, double number)
{
    memcpy(&fit->step->state[word], &number, sizeof number);
}

bool sotto__fit_has_dispersion(const struct sotto__fit *fit)
{
    return fit->family == SOTTO__FAMILY_GAUSSIAN || fit->family == SOTTO__FAMILY_GAMMA;
}

bool sotto__fit_has_likelihood(const struct sotto__fit *fit)
{
    bool may_lack_it = fit->family == SOTTO__FAMILY_POISSON || fit->family == SOTTO__FAMILY_GAMMA;
    return fit->options->likelihood || !may_lack_it;
}

bool sotto__fit_begins_elsewhere(const struct sotto__fit *fit)
{
    return fit->step->call->expression->nodes[fit->step->call->node].start_numbers_len > 0;
}

enum sotto_status sotto__fit_end_without(const struct sotto__fit *fit, const char *reason,
                                         struct sotto_error *err)
{
    if (!fit->step->is_grouped) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: %s", fit->name, reason);
    }
    sotto__fit_tell_nothing(fit, reason, NULL);
    return SOTTO_OK;
}

static struct sotto__fit find_fit(struct sotto__step *step)
{
    const struct sotto__node *node = &step->call->expression->nodes[step->call->node];
    bool is_of_levels = node->function == SOTTO__FUNCTION_MNLOGIT;
    struct sotto__fit fit = {
        .step = step,
        .options = &node->options,
        .name = sotto__function_card(node->function)->name,
        .family = is_of_levels ? SOTTO__FAMILY_MULTINOMIAL : node->options.family,
        .equations = is_of_levels ? step->labels_len : 1,
        .regressors = is_of_levels ? step->column_labels_len : step->labels_len,
        .labels = is_of_levels ? step->column_labels : step->labels,
    };
    fit.k = fit.equations * fit.regressors;
    return fit;
}

/* --- Coefficients --- */

bool sotto__fit_move(const struct sotto__fit *fit, const struct sotto__equations *equations)
{
    bool has_moved = false;
    mpq_t sum;
    mpq_init(sum);
    for (size_t i = 0; i < equations->k; i++) {
        double before = sotto__fit_read(fit, SOTTO__GLM_BETA + i);
        mpq_set_d(sum, before);
        mpq_add(sum, sum, equations->solution[i]);
        double after = sotto__rational_to_double(sum);
        has_moved = has_moved || after != before;
        sotto__fit_write(fit, SOTTO__GLM_BEFORE + i, before);
        sotto__fit_write(fit, SOTTO__GLM_BETA + i, after);
    }
    mpq_clear(sum);
    fit->step->state[SOTTO__GLM_STEPS] += has_moved;
    fit->step->state[SOTTO__GLM_HALVINGS] = 0;
    return has_moved;
}

bool sotto__fit_is_within_tolerance(const struct sotto__fit *fit,
                                    const struct sotto__equations *equations)
{
    return fit->options->tolerance > 0 &&
           sotto__equations_largest(equations, fit->step->state[SOTTO__GLM_ROWS]) <
               fit->options->tolerance;
}

/* Goes half of the way back. */
static void move_back(const struct sotto__fit *fit)
{
    for (size_t i = 0; i < fit->k; i++) {
        double before = sotto__fit_read(fit, SOTTO__GLM_BEFORE + i);
        double half = (sotto__fit_read(fit, SOTTO__GLM_BETA + i) - before) / 2;
        sotto__fit_write(fit, SOTTO__GLM_BETA + i, before + half);
    }
    fit->step->state[SOTTO__GLM_HALVINGS]++;
}

/* --- Rounds after the first one --- */

/* Whether the coefficients give a deviance that is not above that of those before. *out: it. */
static bool is_descent(double *out, const struct sotto__fit *fit, const struct sotto__value *sums)
{
    double before = sotto__fit_read(fit, SOTTO__GLM_DEVIANCE);
    bool is_whole =
        mpq_cmp_ui(sums[SOTTO__GLM_VALUED].number, fit->step->state[SOTTO__GLM_ROWS], 1) == 0;
    for (size_t i = 0; i < fit->step->asked_len; i++) {
        is_whole = is_whole && sums[i].kind == SOTTO__VALUE_FINITE;
    }
    *out = 2 * sotto__value_double(&sums[SOTTO__GLM_HALF]);
    return is_whole && *out - before <= DEVIANCE_RISES * (fabs(*out) + 0.1);
}

static enum sotto_status go_back(const struct sotto__fit *fit, struct sotto_error *err)
{
    if (fit->step->state[SOTTO__GLM_STEPS] == 0) {
        return sotto__fit_end_without(fit, "at the coefficients of start= some rows have no mean",
                                      err);
    }
    if (fit->step->state[SOTTO__GLM_HALVINGS] == HALVINGS_MAX) {
        return sotto__fit_end_without(fit, "no part of a step lowers the deviance", err);
    }
    move_back(fit);
    return SOTTO_OK;
}

/* Why coefficients grow for ever. NULL: they need not. */
static const char *find_separation(const struct sotto__fit *fit, double deviance, double decrement)
{
    double ratio = decrement / sotto__fit_read(fit, SOTTO__GLM_DECREMENT);
    bool recedes = ratio > 0.3 && ratio < 0.45 && decrement < 1; /* e^-1 is 0.37 */
    uint64_t *receding = &fit->step->state[SOTTO__GLM_RECEDING];
    *receding = recedes ? *receding + 1 : 0;
    if (fit->family == SOTTO__FAMILY_BINOMIAL && deviance < SEPARATED &&
        fit->options->weights_at == 0) {
        return "complete separation: a combination of the regressors tells all rows with y = 1 "
               "from those with 0";
    }
    if (fit->family == SOTTO__FAMILY_MULTINOMIAL && deviance < SEPARATED) {
        return "complete separation: combinations of the regressors tell the levels of y apart";
    }
    return *receding >= RECEDING_STEPS && !sotto__fit_has_dispersion(fit)
               ? "quasi-complete separation: a combination of the regressors fits some rows "
                 "without limit"
               : NULL;
}

/* Whether coefficients with this decrement are the last ones. */
static bool is_last(const struct sotto__fit *fit, const struct sotto__equations *equations,
                    double decrement)
{
    const uint64_t *state = fit->step->state;
    double before = sotto__fit_read(fit, SOTTO__GLM_DECREMENT);
    bool is_line = fit->family == SOTTO__FAMILY_GAUSSIAN && state[SOTTO__GLM_STEPS] > 0;
    if (fit->options->tolerance > 0) {
        return sotto__fit_is_within_tolerance(fit, equations);
    }
    return decrement <= CONVERGED_AT_ONCE || is_line ||
           (decrement <= CONVERGED && before <= CONVERGED);
}

/* The dispersion: 1, or Pearson's over the degrees of freedom. */
static void find_dispersion(mpq_t out, const struct sotto__fit *fit,
                            const struct sotto__value *sums)
{
    mpq_set_ui(out, 1, 1);
    if (sotto__fit_has_dispersion(fit)) {
        mpq_set_ui(out, fit->step->state[SOTTO__GLM_ROWS] - fit->k, 1);
        mpq_div(out, sums[SOTTO__GLM_PEARSON].number, out);
    }
}

/* Takes coefficients that have descended, whose equations are solved. */
static enum sotto_status go_on(const struct sotto__fit *fit, struct sotto__equations *equations,
                               const struct sotto__value *sums, double deviance,
                               struct sotto_error *err)
{
    mpq_t dispersion;
    mpq_init(dispersion);
    find_dispersion(dispersion, fit, sums);
    double decrement =
        sotto__equations_decrement(equations) / sotto__rational_to_double(dispersion);
    const char *separation = find_separation(fit, deviance, decrement);
    enum sotto_status status = SOTTO_OK;
    if (separation != NULL) {
        status = sotto__fit_end_without(fit, separation, err);
    } else if (is_last(fit, equations, decrement) || !sotto__fit_move(fit, equations)) {
        status = sotto__fit_tell(fit, equations, sums, dispersion, decrement, err);
    }
    sotto__fit_write(fit, SOTTO__GLM_DEVIANCE, deviance);
    sotto__fit_write(fit, SOTTO__GLM_DECREMENT, decrement);
    mpq_clear(dispersion);
    return status;
}

/* Sets the equations of a round. */
static void set_equations(const struct sotto__fit *fit, struct sotto__equations *out,
                          const struct sotto__value *sums)
{
    const struct sotto__value *score = &sums[SOTTO__GLM_ROUND_LEN];
    const struct sotto__value *block = score + fit->k;
    size_t len = fit->regressors;
    for (size_t i = 0; i < fit->k; i++) {
        out->moments[i] = score[i].number;
    }
    for (size_t i = 0; i < fit->equations; i++) {
        for (size_t j = i; j < fit->equations; j++, block += len * (len + 1) / 2) {
            sotto__equations_set_block(out, i * len, j * len, block, len);
        }
    }
    sotto__equations_add_ridge(out, fit->options->ridge, fit->step->state[SOTTO__GLM_ROWS]);
}

static enum sotto_status solve_round(const struct sotto__fit *fit,
                                     struct sotto__equations *equations,
                                     const struct sotto__value *sums, double deviance,
                                     struct sotto_error *err)
{
    bool is_singular = false;
    size_t rank = 0;
    set_equations(fit, equations, sums);
    enum sotto_status status = sotto__equations_invert(equations, &rank, &is_singular, fit->name,
                                                       fit->step->interrupt, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (is_singular) {
        return sotto__fit_end_without(
            fit,
            "hardly any row has weight along a combination of the regressors: quasi-complete "
            "separation, or nearly collinear columns",
            err);
    }
    sotto__equations_solve(equations);
    return go_on(fit, equations, sums, deviance, err);
}

static enum sotto_status iterate(const struct sotto__fit *fit, const struct sotto__value *sums,
                                 struct sotto_error *err)
{
    double deviance;
    struct sotto__equations equations;
    if (fit->step->withheld != fit->step->state[SOTTO__GLM_WITHHELD]) {
        return sotto__fit_end_without(fit, "rows that were fitted before have left", err);
    }
    if (!is_descent(&deviance, fit, sums)) {
        return go_back(fit, err);
    }
    enum sotto_status status = sotto__equations_init(&equations, fit->k, err);
    if (status == SOTTO_OK) {
        status = solve_round(fit, &equations, sums, deviance, err);
    }
    sotto__equations_release(&equations);
    return status;
}

/* --- The methods --- */

static enum sotto_status step(struct sotto__step *step, struct sotto_error *err)
{
    struct sotto__value *sums = NULL;
    const struct sotto__fit fit = find_fit(step);
    enum sotto_status status = sotto__step_sums(&sums, step, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = step->round == 1 ? sotto__fit_start(&fit, sums, err) : iterate(&fit, sums, err);
    bool is_over = step->round == sotto__function_card(SOTTO__FUNCTION_GLM)->method->rounds_max;
    if (status == SOTTO_OK && is_over && !step->is_done) { /* whether it went on or back */
        status = sotto__fit_end_without(&fit, "no convergence in 40 rounds", err);
    }
    sotto__step_sums_free(sums, step);
    return status;
}

static void reach(struct sotto__reached *out, struct sotto__step *step)
{
    const struct sotto__fit fit = find_fit(step);
    double deviance = sotto__fit_read(&fit, SOTTO__GLM_DEVIANCE);
    double decrement = sotto__fit_read(&fit, SOTTO__GLM_DECREMENT);
    bool is_told = sotto__fit_has_likelihood(&fit) && isfinite(deviance);
    *out = (struct sotto__reached){
        .iterations = step->state[SOTTO__GLM_STEPS],
        .deviance = is_told ? deviance : (double)NAN,
        .step = isfinite(decrement) ? sqrt(decrement) : (double)NAN,
        .first_word = SOTTO__GLM_BETA,
        .words_len = step->state[SOTTO__GLM_ROWS] > 0 ? fit.k : 0,
    };
}

const struct sotto__method sotto__method_glm = {
    .state_words = SOTTO__GLM_WORDS,
    .fields = sotto__fit_fields,
    .fields_len = SOTTO__FIT_FIELDS_LEN,
    .ask = sotto__glm_ask,
    .step = step,
    .reach = reach,
};

const struct sotto__method sotto__method_mnlogit = {
    .state_words = SOTTO__GLM_WORDS,
    .fields = sotto__fit_fields_of_levels,
    .fields_len = SOTTO__FIT_FIELDS_LEN,
    .ask = sotto__glm_ask,
    .step = step,
    .reach = reach,
};
