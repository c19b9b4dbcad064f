/* SPDX-License-Identifier: Apache-2.0 */

/* Generalised linear models by Newton's method (for these families iteratively reweighted least
 * squares), a step a round. It leans on glm_rows.c for what rows add, on normal.c for the exact
 * solution, and on glm_likelihood.c. The one idea: a round's sums are exact, and the coefficients
 * of the next one are the exact solution of their equations, rounded to doubles once; so every step
 * has the same bits, however rows are split.
 *
 * 1. The first round solves for a step from the model in which all means are that of y: its weights
 *    are all the same, so the sums of a linear regression are enough. Afterwards each step is from
 *    b to b + (X'WX)^-1 s, s being the score.
 * 2. Where the deviance rises, or is no number, the step is halved, as often as it takes, 30 times
 *    at most.
 * 3. The decrement s' (X'WX)^-1 s, over the dispersion where that is estimated, is the square of
 *    what the step is in standard errors. Where it is at most 1e-16 the model has converged: the
 *    step's error is its square. One more round looks at the coefficients after it, and everything
 *    that is told is told of them; that their decrement is as small is the proof of it.
 *    With tolerance= the last coefficients are instead those at which no element of a row's share
 *    of the score is above it.
 * 4. Coefficients that grow for ever have a name, not a value. A deviance below 2 log 2 proves that
 *    no row's y has a probability below 1/2: then any multiple of these coefficients fits better.
 *    Where only some rows are fitted without limit, all steps are of the same length, and
 *    decrements fall by e. */

#include "methods/glm.h"
#include "methods/fields.h"
#include "methods/glm_likelihood.h"
#include "methods/normal.h"

#include <math.h>
#include <sotto/alloc.h>
#include <string.h>

#define CONVERGED 1e-16
#define CONVERGED_AT_ONCE 1e-28 /* a step that would move nothing */
#define DEVIANCE_RISES 1e-8     /* relative, as R's epsilon: less is rounding */
#define HALVINGS_MAX 30
#define RECEDING_STEPS 3
#define SEPARATED 1.38     /* below 2 log 2 */
#define CONDITION_MAX 1e10 /* of what is solved: beyond it few digits would be right */

enum { COEFFICIENTS, STANDARD_ERRORS, STATISTIC, P, LOW, HIGH, SERIES_LEN };
enum {
    DEVIANCE,
    DEVIANCE_BEFORE,
    NULL_DEVIANCE,
    LOG_LIKELIHOOD,
    AIC,
    DISPERSION,
    STEPS,
    DECREMENT,
    CONDITION,
    COUNT,
    DF,
    SCALARS_LEN,
};

static const struct sotto__method_field fields[] = {
    {.name = "coefficients", .axes_len = 1},
    {.name = "standard_errors", .axes_len = 1},
    {.name = "statistic", .axes_len = 1},
    {.name = "p", .axes_len = 1},
    {.name = "low", .axes_len = 1},
    {.name = "high", .axes_len = 1},
    {.name = "deviance"},
    {.name = "deviance_before"},
    {.name = "null_deviance"},
    {.name = "log_likelihood"},
    {.name = "aic"},
    {.name = "dispersion"},
    {.name = "iterations", .is_count = true},
    {.name = "decrement"},
    {.name = "condition"},
    {.name = "count", .is_count = true, .tells_nan = true},
    {.name = "df", .is_count = true},
};

/* --- Words --- */

static double read_double(const struct sotto__step *step, size_t word)
{
    double number;
    memcpy(&number, &step->state[word], sizeof number);
    return number;
}

static void write_double(const struct sotto__step *step, size_t word, double number)
{
    memcpy(&step->state[word], &number, sizeof number);
}

static enum sotto__family family_of(const struct sotto__step *step)
{
    return sotto__step_options(step)->family;
}

/* Whether the family's dispersion is estimated. */
static bool has_dispersion(const struct sotto__step *step)
{
    return family_of(step) == SOTTO__FAMILY_GAUSSIAN || family_of(step) == SOTTO__FAMILY_GAMMA;
}

/* Whether the deviance is whole. */
static bool has_likelihood(const struct sotto__step *step)
{
    return sotto__step_options(step)->likelihood || family_of(step) == SOTTO__FAMILY_GAUSSIAN ||
           family_of(step) == SOTTO__FAMILY_BINOMIAL;
}

/* Whether the plan says from which coefficients. */
static bool starts_elsewhere(const struct sotto__step *step)
{
    return step->call->expression->nodes[step->call->node].start_numbers_len > 0;
}

/* --- Ends without values --- */

/* The model has no coefficients, for this reason. Of a group it is the group's outcome. */
static enum sotto_status end_without(struct sotto__step *step, const char *reason,
                                     struct sotto_error *err)
{
    size_t len = SERIES_LEN * step->labels_len;
    if (!step->is_grouped) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "glm: %s", reason);
    }
    sotto__value_set_nans(step->values, len + SCALARS_LEN);
    step->outcome = reason;
    step->is_done = true;
    return SOTTO_OK;
}

/* Too few rows to ask for anything are no failure, as in ols. */
static void end_without_rows(struct sotto__step *step, const char *reason,
                             const struct sotto__value *count)
{
    size_t len = SERIES_LEN * step->labels_len;
    sotto__value_set_nans(step->values, len + SCALARS_LEN);
    sotto__value_set(&step->values[len + COUNT], count);
    step->outcome = reason;
    step->is_done = true;
}

/* --- Equations --- */

/* The equations of a round, and their solution. */
struct equations {
    size_t k;
    struct sotto__normal normal;
    mpq_srcptr *moments; /* the right side: borrowed */
    mpq_t *solution;
    mpq_t *room; /* k more: for a right side that is computed, or for a diagonal */
};

static void equations_release(struct equations *equations)
{
    for (size_t i = 0; equations->solution != NULL && i < 2 * equations->k; i++) {
        mpq_clear(equations->solution[i]);
    }
    sotto__normal_release(&equations->normal);
    sotto_free(equations->moments);
    sotto_free(equations->solution);
}

/* sums: of the right side, then of the upper triangle. Ended by equations_release, also after a
 * failure. */
static enum sotto_status equations_init(struct equations *out, const struct sotto__value *sums,
                                        size_t k)
{
    *out = (struct equations){.k = k};
    out->moments = sotto_alloc_array(k, sizeof *out->moments);
    out->solution = sotto_alloc_array(2 * k, sizeof *out->solution);
    for (size_t i = 0; out->solution != NULL && i < 2 * k; i++) {
        mpq_init(out->solution[i]);
    }
    if (out->moments == NULL || out->solution == NULL ||
        sotto__normal_init(&out->normal, k) != SOTTO_OK) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    out->room = out->solution + k;
    const struct sotto__value *product = &sums[k];
    for (size_t i = 0; i < k; i++) {
        out->moments[i] = sums[i].number;
        for (size_t j = i; j < k; j++, product++) {
            out->normal.matrix[i * k + j] = out->normal.matrix[j * k + i] = product->number;
        }
    }
    return SOTTO_OK;
}

/* Adds ridge for each row to the diagonal. */
static void add_ridge(struct equations *equations, double ridge, uint64_t rows)
{
    size_t k = equations->k;
    mpq_t added;
    mpq_t n;
    mpq_inits(added, n, NULL);
    mpq_set_d(added, ridge);
    mpq_set_ui(n, rows, 1);
    mpq_mul(added, added, n);
    for (size_t i = 0; i < k; i++) {
        mpq_add(equations->room[i], equations->normal.matrix[i * k + i], added);
        equations->normal.matrix[i * k + i] = equations->room[i];
    }
    mpq_clears(added, n, NULL);
}

static double find_condition(const struct equations *equations)
{
    mpfr_t condition;
    mpfr_init2(condition, SOTTO__CONDITION_BITS);
    sotto__normal_set_condition(condition, &equations->normal, true);
    double nearest = mpfr_get_d(condition, MPFR_RNDN);
    mpfr_clear(condition);
    return nearest;
}

/* Solves them. *out_rank: as sotto__normal_invert. *out_is_singular: nothing is solved, as there is
 * no one solution, or hardly one. */
static enum sotto_status solve(struct equations *equations, size_t *out_rank, bool *out_is_singular,
                               const struct sotto__step *step, struct sotto_error *err)
{
    enum sotto_status status =
        sotto__normal_invert(&equations->normal, out_rank, "glm", step->interrupt, err);
    if (status != SOTTO_OK) {
        return status;
    }
    *out_is_singular = *out_rank < equations->k || !(find_condition(equations) <= CONDITION_MAX);
    if (!*out_is_singular) {
        sotto__normal_solve(equations->solution, &equations->normal, equations->moments);
    }
    return SOTTO_OK;
}

/* s' (X'WX)^-1 s, rounded. */
static double find_decrement(const struct equations *equations)
{
    mpq_t sum;
    mpq_t product;
    mpq_inits(sum, product, NULL);
    for (size_t i = 0; i < equations->k; i++) {
        mpq_mul(product, equations->solution[i], equations->moments[i]);
        mpq_add(sum, sum, product);
    }
    double decrement = sotto__rational_to_double(sum);
    mpq_clears(sum, product, NULL);
    return decrement;
}

/* The largest element of a row's share of the score, rounded. */
static double find_largest(const struct equations *equations, uint64_t rows)
{
    double largest = 0;
    mpq_t n;
    mpq_t share;
    mpq_inits(n, share, NULL);
    mpq_set_ui(n, rows, 1);
    for (size_t i = 0; i < equations->k; i++) {
        mpq_div(share, equations->moments[i], n);
        largest = fmax(largest, fabs(sotto__rational_to_double(share)));
    }
    mpq_clears(n, share, NULL);
    return largest;
}

/* Moves the coefficients by the solution. Returns: whether any has changed. */
static bool move(struct sotto__step *step, const struct equations *equations)
{
    bool has_moved = false;
    mpq_t sum;
    mpq_init(sum);
    for (size_t i = 0; i < equations->k; i++) {
        double before = read_double(step, SOTTO__GLM_BETA + i);
        mpq_set_d(sum, before);
        mpq_add(sum, sum, equations->solution[i]);
        double after = sotto__rational_to_double(sum);
        has_moved = has_moved || after != before;
        write_double(step, SOTTO__GLM_BEFORE + i, before);
        write_double(step, SOTTO__GLM_BETA + i, after);
    }
    mpq_clear(sum);
    step->state[SOTTO__GLM_STEPS] += has_moved;
    step->state[SOTTO__GLM_HALVINGS] = 0;
    return has_moved;
}

/* Sets the coefficients to those that the plan starts from. */
static void begin_there(struct sotto__step *step)
{
    const struct sotto__expression *expression = step->call->expression;
    const struct sotto__node *node = &expression->nodes[step->call->node];
    struct sotto__value number;
    sotto__value_init(&number);
    for (size_t i = 0; i < step->labels_len; i++) {
        sotto__decimal_set(&number, expression->levels[node->start_numbers + i].text);
        write_double(step, SOTTO__GLM_BETA + i, sotto__value_double(&number));
    }
    sotto__value_clear(&number);
    write_double(step, SOTTO__GLM_DEVIANCE, (double)INFINITY);
}

/* Goes half of the way back. */
static void move_back(struct sotto__step *step)
{
    for (size_t i = 0; i < step->labels_len; i++) {
        double before = read_double(step, SOTTO__GLM_BEFORE + i);
        double half = (read_double(step, SOTTO__GLM_BETA + i) - before) / 2;
        write_double(step, SOTTO__GLM_BETA + i, before + half);
    }
    step->state[SOTTO__GLM_HALVINGS]++;
}

/* --- The first round --- */

/* Why y has no model of the family, whatever the regressors are. NULL: it may have one. */
static const char *find_fault_of_y(const struct sotto__step *step, const struct sotto__value *sums)
{
    static const char *const values[] = {
        [SOTTO__FAMILY_BINOMIAL] = "y is not 0 or 1 in some rows",
        [SOTTO__FAMILY_POISSON] = "y is below 0 in some rows",
        [SOTTO__FAMILY_GAMMA] = "y is 0 or below in some rows",
    };
    const struct sotto__value *y = &sums[SOTTO__GLM_Y];
    if (mpq_cmp(sums[SOTTO__GLM_VALID].number, sums[SOTTO__GLM_FINITE].number) != 0) {
        return values[family_of(step)];
    }
    if (family_of(step) == SOTTO__FAMILY_BINOMIAL &&
        (mpq_sgn(y->number) == 0 || mpq_equal(y->number, sums[SOTTO__GLM_VALID].number) != 0)) {
        return "complete separation: y is the same in all rows";
    }
    if (family_of(step) == SOTTO__FAMILY_POISSON && mpq_sgn(y->number) == 0) {
        return "complete separation: y is 0 in all rows";
    }
    return NULL;
}

static bool are_finite(const struct sotto__value *sums, size_t len)
{
    bool finite = true;
    for (size_t i = 0; i < len; i++) {
        finite = finite && sums[i].kind == SOTTO__VALUE_FINITE;
    }
    return finite;
}

/* Keeps what only the first round tells. */
static void keep_start(struct sotto__step *step, const struct sotto__value *sums)
{
    mpq_srcptr n = sums[SOTTO__GLM_VALID].number;
    mpq_srcptr y = sums[SOTTO__GLM_Y].number;
    mpq_srcptr own = sums[SOTTO__GLM_Y_OWN].number;
    mpq_srcptr other = sums[SOTTO__GLM_Y_OTHER].number;
    bool has_intercept = sotto__step_options(step)->intercept;
    step->state[SOTTO__GLM_ROWS] = mpz_get_ui(mpq_numref(n));
    step->state[SOTTO__GLM_WITHHELD] = step->withheld;
    double deviance = sotto__glm_null_deviance(family_of(step), n, y, own, has_intercept);
    write_double(step, SOTTO__GLM_NULL_DEVIANCE, deviance);
    write_double(step, SOTTO__GLM_DEVIANCE,
                 has_intercept && has_likelihood(step) ? deviance : (double)INFINITY);
    write_double(step, SOTTO__GLM_DECREMENT, (double)INFINITY);
    write_double(step, SOTTO__GLM_CONSTANT, sotto__glm_constant(family_of(step), n, y, own, other));
}

/* Why the first sums lead to no model. NULL: they may lead to one. *out_is_failure: an error, where
 * there are no groups. */
static const char *find_fault(bool *out_is_failure, const struct sotto__step *step,
                              const struct sotto__value *sums)
{
    mpq_srcptr present = sums[SOTTO__GLM_PRESENT].number;
    *out_is_failure = false;
    if (mpq_cmp_ui(present, step->labels_len, 1) <= 0) {
        return "no more rows than coefficients";
    }
    if (mpq_cmp(present, sums[SOTTO__GLM_FINITE].number) != 0) {
        return "infinite values";
    }
    *out_is_failure = true;
    const char *fault = find_fault_of_y(step, sums);
    return fault == NULL && !are_finite(sums, step->asked_len) ? "values are too large: scale them"
                                                               : fault;
}

/* Why equations have no solution, of the columns themselves. */
static enum sotto_status end_singular(struct sotto__step *step, const struct equations *equations,
                                      size_t rank, struct sotto_error *err)
{
    return rank < equations->k && !step->is_grouped
               ? sotto__normal_fail(&equations->normal, rank, "glm", step->labels, err)
               : end_without(step,
                             "a regressor is a combination of the others, or nearly so, or 0 in "
                             "every row",
                             err);
}

/* Sets the coefficients before the first step, X b being near the predictor p of the mean m, and
 * after it: X'X b = X'(p + d (y - m)), d being the slope. sums: X'1, then X'y. */
static void make_first_step(struct sotto__step *step, struct equations *equations,
                            const struct sotto__value *sums, mpq_srcptr n, mpq_srcptr y)
{
    size_t k = equations->k;
    mpq_t predictor;
    mpq_t slope;
    mpq_t part;
    mpq_inits(predictor, slope, part, NULL);
    mpq_set_d(predictor, sotto__glm_predictor(family_of(step), n, y));
    sotto__glm_slope(slope, family_of(step), n, y);
    for (size_t i = 0; i < k; i++) {
        equations->moments[i] = sums[i].number;
    }
    sotto__normal_solve(equations->solution, &equations->normal, equations->moments);
    mpq_mul(part, y, slope);
    mpq_div(part, part, n);
    mpq_sub(part, predictor, part); /* p - d m */
    for (size_t i = 0; i < k; i++) {
        mpq_t *at = &equations->solution[i];
        mpq_mul(*at, *at, predictor);
        write_double(step, SOTTO__GLM_BEFORE + i, sotto__rational_to_double(*at));
        mpq_mul(equations->room[i], sums[i].number, part);
        mpq_mul(*at, sums[k + i].number, slope);
        mpq_add(equations->room[i], equations->room[i], *at);
        equations->moments[i] = equations->room[i];
    }
    sotto__normal_solve(equations->solution, &equations->normal, equations->moments);
    for (size_t i = 0; i < k; i++) {
        write_double(step, SOTTO__GLM_BETA + i, sotto__rational_to_double(equations->solution[i]));
    }
    step->state[SOTTO__GLM_STEPS] = 1;
    mpq_clears(predictor, slope, part, NULL);
}

static enum sotto_status solve_start(struct sotto__step *step, struct equations *equations,
                                     const struct sotto__value *sums, struct sotto_error *err)
{
    bool is_singular = false;
    size_t rank = 0;
    enum sotto_status status = solve(equations, &rank, &is_singular, step, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (is_singular) {
        return end_singular(step, equations, rank, err);
    }
    if (starts_elsewhere(step)) {
        begin_there(step);
        return SOTTO_OK;
    }
    make_first_step(step, equations, &sums[SOTTO__GLM_START_LEN], sums[SOTTO__GLM_VALID].number,
                    sums[SOTTO__GLM_Y].number);
    return SOTTO_OK;
}

static enum sotto_status start(struct sotto__step *step, const struct sotto__value *sums,
                               struct sotto_error *err)
{
    struct equations equations;
    bool is_failure = false;
    size_t k = step->labels_len;
    const char *fault = find_fault(&is_failure, step, sums);
    if (fault != NULL && is_failure) {
        return end_without(step, fault, err);
    }
    if (fault != NULL) {
        end_without_rows(step, fault, &sums[SOTTO__GLM_PRESENT]);
        return SOTTO_OK;
    }
    keep_start(step, sums);
    enum sotto_status status = equations_init(&equations, &sums[SOTTO__GLM_START_LEN + k], k);
    status =
        status == SOTTO_OK ? solve_start(step, &equations, sums, err) : sotto_error_no_memory(err);
    equations_release(&equations);
    return status;
}

/* --- What is told --- */

/* The dispersion: 1, or Pearson's over the degrees of freedom. */
static void find_dispersion(mpq_t out, const struct sotto__step *step,
                            const struct sotto__value *sums)
{
    mpq_set_ui(out, 1, 1);
    if (has_dispersion(step)) {
        mpq_set_ui(out, step->state[SOTTO__GLM_ROWS] - step->labels_len, 1);
        mpq_div(out, sums[SOTTO__GLM_PEARSON].number, out);
    }
}

static void set_coefficients(struct sotto__step *step, const struct equations *equations,
                             mpq_srcptr dispersion)
{
    size_t k = equations->k;
    struct sotto__value *out = step->values;
    int level = sotto__step_options(step)->level;
    mpq_t estimate;
    mpq_t square;
    mpq_t freedom;
    mpq_inits(estimate, square, freedom, NULL);
    mpq_set_ui(freedom, step->state[SOTTO__GLM_ROWS] - k, 1);
    mpq_srcptr of_t = has_dispersion(step) ? freedom : NULL;
    for (size_t i = 0; i < k; i++) {
        mpq_set_d(estimate, read_double(step, SOTTO__GLM_BETA + i));
        sotto__normal_set_inverse(square, &equations->normal, i, i);
        mpq_mul(square, square, dispersion);
        sotto__value_set_rounded(&out[COEFFICIENTS * k + i],
                                 read_double(step, SOTTO__GLM_BETA + i));
        sotto__value_set_root(&out[STANDARD_ERRORS * k + i], square);
        out[STANDARD_ERRORS * k + i].is_rounded = true;
        sotto__value_set_t(&out[STATISTIC * k + i], &out[P * k + i], estimate, square, of_t);
        out[STATISTIC * k + i].is_rounded = true;
        sotto__value_set_interval(&out[LOW * k + i], &out[HIGH * k + i], estimate, square, of_t,
                                  level);
    }
    mpq_clears(estimate, square, freedom, NULL);
}

static void set_count(struct sotto__value *out, uint64_t count)
{
    sotto__value_set_special(out, SOTTO__VALUE_FINITE);
    mpq_set_ui(out->number, count, 1);
}

/* decrement: over the dispersion. */
static void set_scalars(struct sotto__step *step, const struct equations *equations,
                        const struct sotto__value *sums, mpq_srcptr dispersion, double decrement)
{
    struct sotto__value *out = &step->values[SERIES_LEN * equations->k];
    uint64_t rows = step->state[SOTTO__GLM_ROWS];
    double before = read_double(step, SOTTO__GLM_DEVIANCE);
    size_t parameters = equations->k + has_dispersion(step);
    mpq_t n;
    mpq_init(n);
    mpq_set_ui(n, rows, 1);
    double likelihood = sotto__glm_log_likelihood(family_of(step), n, sums[SOTTO__GLM_HALF].number,
                                                  read_double(step, SOTTO__GLM_CONSTANT));
    mpq_mul_2exp(n, sums[SOTTO__GLM_HALF].number, 1);
    sotto__value_set_rounded(&out[DEVIANCE], sotto__rational_to_double(n));
    sotto__value_set_rounded(&out[DEVIANCE_BEFORE], isinf(before) ? (double)NAN : before);
    sotto__value_set_rounded(&out[NULL_DEVIANCE], read_double(step, SOTTO__GLM_NULL_DEVIANCE));
    sotto__value_set_rounded(&out[LOG_LIKELIHOOD], likelihood);
    sotto__value_set_rounded(&out[AIC], 2 * (double)parameters - 2 * likelihood);
    if (!has_likelihood(step)) {
        sotto__value_set_nans(&out[DEVIANCE], DISPERSION - DEVIANCE);
    }
    sotto__value_set_rounded(&out[DISPERSION], sotto__rational_to_double(dispersion));
    sotto__value_set_rounded(&out[DECREMENT], decrement);
    sotto__value_set_rounded(&out[CONDITION], find_condition(equations));
    set_count(&out[STEPS], step->state[SOTTO__GLM_STEPS]);
    set_count(&out[COUNT], rows);
    set_count(&out[DF], rows - equations->k);
    mpq_clear(n);
}

/* --- The other rounds --- */

/* Whether the coefficients give a deviance that is not above that of those before. *out: it. */
static bool is_descent(double *out, const struct sotto__step *step, const struct sotto__value *sums)
{
    double before = read_double(step, SOTTO__GLM_DEVIANCE);
    bool is_whole =
        mpq_cmp_ui(sums[SOTTO__GLM_VALUED].number, step->state[SOTTO__GLM_ROWS], 1) == 0;
    *out = 2 * sotto__value_double(&sums[SOTTO__GLM_HALF]);
    return is_whole && are_finite(sums, step->asked_len) &&
           *out - before <= DEVIANCE_RISES * (fabs(*out) + 0.1);
}

static enum sotto_status go_back(struct sotto__step *step, struct sotto_error *err)
{
    if (step->state[SOTTO__GLM_STEPS] == 0) {
        return end_without(step, "at the coefficients of start= some rows have no mean", err);
    }
    if (step->state[SOTTO__GLM_HALVINGS] == HALVINGS_MAX) {
        return end_without(step, "no part of a step lowers the deviance", err);
    }
    move_back(step);
    return SOTTO_OK;
}

/* Why coefficients grow for ever. NULL: they need not. */
static const char *find_separation(struct sotto__step *step, double deviance, double decrement)
{
    double ratio = decrement / read_double(step, SOTTO__GLM_DECREMENT);
    bool recedes = ratio > 0.3 && ratio < 0.45 && decrement < 1; /* e^-1 is 0.37 */
    step->state[SOTTO__GLM_RECEDING] = recedes ? step->state[SOTTO__GLM_RECEDING] + 1 : 0;
    if (has_dispersion(step)) {
        return NULL;
    }
    if (family_of(step) == SOTTO__FAMILY_BINOMIAL && deviance < SEPARATED) {
        return "complete separation: a combination of the regressors tells all rows with y = 1 "
               "from those with 0";
    }
    return step->state[SOTTO__GLM_RECEDING] >= RECEDING_STEPS
               ? "quasi-complete separation: a combination of the regressors fits some rows "
                 "without limit"
               : NULL;
}

/* Whether coefficients with this decrement are the last ones. */
static bool is_last(const struct sotto__step *step, const struct equations *equations,
                    double decrement)
{
    double before = read_double(step, SOTTO__GLM_DECREMENT);
    double tolerance = sotto__step_options(step)->tolerance;
    bool is_whole_step =
        family_of(step) == SOTTO__FAMILY_GAUSSIAN && step->state[SOTTO__GLM_STEPS] > 0;
    if (tolerance > 0) {
        return find_largest(equations, step->state[SOTTO__GLM_ROWS]) < tolerance;
    }
    return decrement <= CONVERGED_AT_ONCE || is_whole_step ||
           (decrement <= CONVERGED && before <= CONVERGED);
}

/* Takes coefficients that have descended, whose equations are solved. */
static enum sotto_status go_on(struct sotto__step *step, struct equations *equations,
                               const struct sotto__value *sums, double deviance,
                               struct sotto_error *err)
{
    mpq_t dispersion;
    mpq_init(dispersion);
    find_dispersion(dispersion, step, sums);
    double decrement = find_decrement(equations) / sotto__rational_to_double(dispersion);
    const char *separation = find_separation(step, deviance, decrement);
    enum sotto_status status = SOTTO_OK;
    if (separation != NULL) {
        status = end_without(step, separation, err);
    } else if (is_last(step, equations, decrement) || !move(step, equations)) {
        set_coefficients(step, equations, dispersion);
        set_scalars(step, equations, sums, dispersion, decrement);
        step->is_done = true;
    } else if (step->round == sotto__function_card(SOTTO__FUNCTION_GLM)->method->rounds_max) {
        status = end_without(step, "no convergence in 40 rounds", err);
    }
    write_double(step, SOTTO__GLM_DEVIANCE, deviance);
    write_double(step, SOTTO__GLM_DECREMENT, decrement);
    mpq_clear(dispersion);
    return status;
}

static enum sotto_status solve_round(struct sotto__step *step, struct equations *equations,
                                     const struct sotto__value *sums, double deviance,
                                     struct sotto_error *err)
{
    bool is_singular = false;
    size_t rank = 0;
    add_ridge(equations, sotto__step_options(step)->ridge, step->state[SOTTO__GLM_ROWS]);
    enum sotto_status status = solve(equations, &rank, &is_singular, step, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return is_singular
               ? end_without(step,
                             "hardly any row has weight along a combination of the regressors: "
                             "quasi-complete separation, or nearly collinear columns",
                             err)
               : go_on(step, equations, sums, deviance, err);
}

static enum sotto_status iterate(struct sotto__step *step, const struct sotto__value *sums,
                                 struct sotto_error *err)
{
    double deviance;
    struct equations equations;
    if (step->withheld != step->state[SOTTO__GLM_WITHHELD]) {
        return end_without(step, "rows that were fitted before have left", err);
    }
    if (!is_descent(&deviance, step, sums)) {
        return go_back(step, err);
    }
    enum sotto_status status =
        equations_init(&equations, &sums[SOTTO__GLM_ROUND_LEN], step->labels_len);
    status = status == SOTTO_OK ? solve_round(step, &equations, sums, deviance, err)
                                : sotto_error_no_memory(err);
    equations_release(&equations);
    return status;
}

static enum sotto_status step(struct sotto__step *step, struct sotto_error *err)
{
    struct sotto__value *sums = NULL;
    enum sotto_status status = sotto__step_sums(&sums, step, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = step->round == 1 ? start(step, sums, err) : iterate(step, sums, err);
    sotto__step_sums_free(sums, step);
    return status;
}

static void reach(struct sotto__reached *out, const struct sotto__step *step)
{
    double deviance = read_double(step, SOTTO__GLM_DEVIANCE);
    double decrement = read_double(step, SOTTO__GLM_DECREMENT);
    bool has_begun = step->state[SOTTO__GLM_ROWS] > 0;
    *out = (struct sotto__reached){
        .iterations = step->state[SOTTO__GLM_STEPS],
        .deviance = has_likelihood(step) && isfinite(deviance) ? deviance : (double)NAN,
        .step = isfinite(decrement) ? sqrt(decrement) : (double)NAN,
        .first_word = SOTTO__GLM_BETA,
        .words_len = has_begun ? step->labels_len : 0};
}

const struct sotto__method sotto__method_glm = {
    .state_words = SOTTO__GLM_WORDS,
    .fields = fields,
    .fields_len = sizeof fields / sizeof fields[0],
    .ask = sotto__glm_ask,
    .step = step,
    .reach = reach,
};
