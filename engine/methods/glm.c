/* SPDX-License-Identifier: Apache-2.0 */

/* Generalised linear models by Newton's method (for canonical links iteratively reweighted least
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
 * 4. X'WX is of the information as it is at each y, so that steps double the digits that are right
 *    with any link. Standard errors are of the expected one, as R's are: of a canonical link both
 *    are the same sums.
 * 5. Coefficients that grow for ever have a name, not a value. A deviance below 2 log 2 proves that
 *    no row's y has a probability below 1/2: then any multiple of these coefficients fits better,
 *    of the complementary log-log once the intercept is moved to where that is 1/2.
 * 6. Where only some rows are fitted without limit, all steps are of the same length, and the
 *    decrements fall by e. */

#include "methods/glm.h"
#include "methods/reached.h"

#include <math.h>
#include <string.h>

#define CONVERGED 1e-16
#define CONVERGED_AT_ONCE 1e-28 /* a step that would move nothing */
#define DEVIANCE_RISES 1e-8     /* relative, as R's epsilon: less is rounding */
#define RECEDING_STEPS 3
#define TEXT_OF_TOKEN(token) #token
#define TEXT_OF(macro) TEXT_OF_TOKEN(macro)
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
        .link = is_of_levels ? SOTTO__LINK_LOGIT : node->options.link,
        .equations = is_of_levels ? step->labels_len : 1,
        .regressors = is_of_levels ? step->column_labels_len : step->labels_len,
        .labels = is_of_levels ? step->column_labels : step->labels,
    };
    fit.k = fit.equations * fit.regressors;
    return fit;
}

struct sotto__fit_sums sotto__fit_find_sums(const struct sotto__fit *fit,
                                            const struct sotto__value *sums)
{
    size_t pairs = fit->equations * (fit->equations + 1) / 2;
    size_t triangle = pairs * fit->regressors * (fit->regressors + 1) / 2;
    const struct sotto__value *next = &sums[SOTTO__GLM_ROUND_LEN];
    struct sotto__fit_sums out = {.score = next};
    next += fit->k;
    out.steps = out.information = next;
    next += triangle;
    if (fit->link != *sotto__links_of(fit->family)) {
        out.information = next;
        next += triangle;
    }
    if (fit->options->errors != SOTTO__ERRORS_NONROBUST) {
        out.squares = next;
        next += triangle;
    }
    out.null = next;
    return out;
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

bool sotto__fit_rises(double before, double deviance)
{
    return !(deviance - before <= DEVIANCE_RISES * (fabs(deviance) + 0.1));
}

/* Whether the coefficients give a deviance that is not above that of those before. *out: it. */
static bool is_descent(double *out, const struct sotto__fit *fit, const struct sotto__value *sums)
{
    double before = sotto__fit_read(fit, SOTTO__GLM_DEVIANCE);
    size_t len = (size_t)(sotto__fit_find_sums(fit, sums).null - sums);
    bool is_whole =
        mpq_cmp_ui(sums[SOTTO__GLM_VALUED].number, fit->step->state[SOTTO__GLM_ROWS], 1) == 0;
    for (size_t i = 0; i < len; i++) {
        is_whole = is_whole && sums[i].kind == SOTTO__VALUE_FINITE;
    }
    for (size_t i = 0; i < fit->k; i++) {
        is_whole = is_whole && isfinite(sotto__fit_read(fit, SOTTO__GLM_BETA + i));
    }
    *out = 2 * sotto__value_double(&sums[SOTTO__GLM_HALF]);
    return is_whole && !sotto__fit_rises(before, *out);
}

static enum sotto_status go_back(const struct sotto__fit *fit, struct sotto_error *err)
{
    if (fit->step->state[SOTTO__GLM_STEPS] == 0) {
        return sotto__fit_end_without(fit, "at the coefficients of start= some rows have no mean",
                                      err);
    }
    if (fit->step->state[SOTTO__GLM_HALVINGS] == SOTTO__GLM_HALVINGS_MAX) {
        return sotto__fit_end_without(fit, "no part of a step lowers the deviance", err);
    }
    move_back(fit);
    return SOTTO_OK;
}

/* Whether a deviance below 2 log 2 proves that the levels of y can be told apart: there is no other
 * reason for it, as weights or an offset would be. */
static bool is_proof(const struct sotto__fit *fit)
{
    bool is_of_levels =
        fit->family == SOTTO__FAMILY_BINOMIAL || fit->family == SOTTO__FAMILY_MULTINOMIAL;
    bool has_middle = fit->link != SOTTO__LINK_CLOGLOG || fit->options->intercept;
    return is_of_levels && has_middle && fit->options->weights_at == 0 &&
           fit->options->offset_at == 0;
}

/* Why coefficients grow for ever. NULL: they need not. */
static const char *find_separation(const struct sotto__fit *fit, double deviance, double decrement)
{
    double ratio = decrement / sotto__fit_read(fit, SOTTO__GLM_DECREMENT);
    bool recedes = ratio > 0.3 && ratio < 0.45 && decrement < 1; /* e^-1 is 0.37 */
    uint64_t *receding = &fit->step->state[SOTTO__GLM_RECEDING];
    *receding = recedes ? *receding + 1 : 0;
    if (deviance < SEPARATED && is_proof(fit)) {
        return fit->family == SOTTO__FAMILY_BINOMIAL
                   ? "complete separation: a combination of the regressors tells all rows with "
                     "y = 1 from those with 0"
                   : "complete separation: combinations of the regressors tell the levels of y "
                     "apart";
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

/* Whether a model that has not converged may take no more steps. */
static bool has_no_more_steps(const struct sotto__fit *fit)
{
    return fit->step->state[SOTTO__GLM_STEPS] >= (uint64_t)fit->options->steps;
}

static bool is_in_last_round(const struct sotto__fit *fit)
{
    return fit->step->round == SOTTO__MODEL_ROUNDS_MAX;
}

/* Whether the model has converged before the one without regressors, which has rounds left. */
static bool waits_for_null(const struct sotto__fit *fit)
{
    return sotto__fit_has_null(fit) && fit->step->state[SOTTO__GLM_NULL_IS_OVER] == 0 &&
           !is_in_last_round(fit);
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

/* Sets the matrix of equations to a triangle, and inverts it. */
static enum sotto_status invert(const struct sotto__fit *fit, struct sotto__equations *equations,
                                const struct sotto__value *triangle, bool *out_is_singular,
                                struct sotto_error *err)
{
    size_t rank = 0;
    size_t len = fit->regressors;
    for (size_t i = 0; i < fit->equations; i++) {
        for (size_t j = i; j < fit->equations; j++, triangle += len * (len + 1) / 2) {
            sotto__equations_set_block(equations, i * len, j * len, triangle, len);
        }
    }
    sotto__equations_add_ridge(equations, fit->options->ridge, fit->step->state[SOTTO__GLM_ROWS]);
    return sotto__equations_invert(equations, &rank, out_is_singular, fit->name,
                                   fit->step->interrupt, err);
}

static enum sotto_status end_singular(const struct sotto__fit *fit, struct sotto_error *err)
{
    return sotto__fit_end_without(
        fit,
        "hardly any row has weight along a combination of the regressors: quasi-complete "
        "separation, or nearly collinear columns",
        err);
}

/* Tells the model of these coefficients, of a link that is not canonical with equations of their
 * own for the errors. */
static enum sotto_status tell(const struct sotto__fit *fit,
                              const struct sotto__equations *equations,
                              const struct sotto__value *sums, mpq_srcptr dispersion,
                              double decrement, struct sotto_error *err)
{
    bool is_singular = false;
    struct sotto__equations expected;
    const struct sotto__fit_sums parts = sotto__fit_find_sums(fit, sums);
    if (parts.information == parts.steps) {
        return sotto__fit_tell(fit, equations, equations, sums, dispersion, decrement, err);
    }
    enum sotto_status status = sotto__equations_init(&expected, fit->k, err);
    if (status == SOTTO_OK) {
        status = invert(fit, &expected, parts.information, &is_singular, err);
    }
    if (status != SOTTO_OK) {
        goto out;
    }
    status = is_singular
                 ? end_singular(fit, err)
                 : sotto__fit_tell(fit, equations, &expected, sums, dispersion, decrement, err);
out:
    sotto__equations_release(&expected);
    return status;
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
    uint64_t receding = fit->step->state[SOTTO__GLM_RECEDING];
    const char *separation = find_separation(fit, deviance, decrement);
    enum sotto_status status = SOTTO_OK;
    bool is_kept = false; /* for another round as it is */
    if (separation != NULL) {
        status = sotto__fit_end_without(fit, separation, err);
    } else if (!is_last(fit, equations, decrement) && has_no_more_steps(fit)) {
        status =
            sotto__fit_end_without(fit, "no convergence in the steps that maxiter= allows", err);
    } else if (is_last(fit, equations, decrement) || !sotto__fit_move(fit, equations)) {
        is_kept = waits_for_null(fit);
        status = is_kept ? SOTTO_OK : tell(fit, equations, sums, dispersion, decrement, err);
    }
    if (is_kept) {
        fit->step->state[SOTTO__GLM_RECEDING] = receding;
    } else {
        sotto__fit_write(fit, SOTTO__GLM_DEVIANCE, deviance);
        sotto__fit_write(fit, SOTTO__GLM_DECREMENT, decrement);
    }
    mpq_clear(dispersion);
    return status;
}

static enum sotto_status solve_round(const struct sotto__fit *fit,
                                     struct sotto__equations *equations,
                                     const struct sotto__value *sums, double deviance,
                                     struct sotto_error *err)
{
    bool is_singular = false;
    const struct sotto__fit_sums parts = sotto__fit_find_sums(fit, sums);
    for (size_t i = 0; i < fit->k; i++) {
        equations->moments[i] = parts.score[i].number;
    }
    enum sotto_status status = invert(fit, equations, parts.steps, &is_singular, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (is_singular) {
        return end_singular(fit, err);
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
    sotto__fit_step_null(fit, sums);
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
    if (status == SOTTO_OK && is_in_last_round(&fit) && !step->is_done) { /* on or back */
        status = sotto__fit_end_without(
            &fit, "no convergence in " TEXT_OF(SOTTO__MODEL_ROUNDS_MAX) " rounds", err);
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
