/* SPDX-License-Identifier: Apache-2.0 */

/* A party's contribution to the first round while its file is catalogued, in one reading. Blocks
 * come as the types that are known so far; for each combination of them there is a driver of its
 * own, a draft. In the end what the drafts have summed up is brought to the final types: exact
 * values have only grown in scale. Where more has changed, the file is read again. */

#include "contribute/contribute.h"

#include <pthread.h>
#include <sotto/alloc.h>
#include <sotto/survey.h>
#include <string.h>

/* Combinations of types; more are not worth their memory. */
#define DRAFTS_MAX 8

struct draft {
    struct sotto_driver *driver;
    struct sotto__worker *workers;
    bool *is_ready; /* the worker is initialised */
};

struct sotto_survey {
    const struct sotto_plan *plan;
    struct sotto_catalogue *catalogue;
    struct draft drafts[DRAFTS_MAX];
    size_t drafts_len;
    size_t workers_len;
    pthread_mutex_t lock; /* of drafts */
    bool is_complete;
};

/* --- Drafts --- */

static void draft_release(struct draft *draft, size_t workers_len)
{
    for (size_t i = 0; draft->workers != NULL && draft->is_ready != NULL && i < workers_len; i++) {
        if (draft->is_ready[i]) {
            sotto__worker_release(&draft->workers[i]);
        }
    }
    sotto_free(draft->workers);
    sotto_free(draft->is_ready);
    sotto_driver_free(draft->driver);
}

static bool has_types(const struct draft *draft, const struct sotto_column *columns, size_t len)
{
    const struct sotto__expansion *expansion = &draft->driver->expansion;
    bool same = true;
    for (size_t i = 0; same && i < len; i++) {
        same = expansion->columns[i].type.kind == columns[i].type.kind &&
               expansion->columns[i].type.scale == columns[i].type.scale;
    }
    return same;
}

static enum sotto_status draft_init(struct draft *out, const struct sotto_survey *survey,
                                    const struct sotto_column *columns, size_t len)
{
    struct sotto_schema schema = {.fields_len = len};
    schema.fields = sotto_alloc_array(len, sizeof *schema.fields);
    out->workers = sotto_alloc_array(survey->workers_len, sizeof *out->workers);
    out->is_ready = sotto_alloc_array(survey->workers_len, sizeof *out->is_ready);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (schema.fields != NULL && out->workers != NULL && out->is_ready != NULL) {
        for (size_t i = 0; i < len; i++) {
            schema.fields[i].type = columns[i].type;
        }
        status = sotto_driver_new(&out->driver, survey->plan, &schema, NULL);
    }
    sotto_schema_release(&schema);
    return status;
}

/* The draft for the types of these columns. Returns: NULL if there is none to be had. */
static struct draft *find_draft(struct sotto_survey *survey, const struct sotto_column *columns,
                                size_t len)
{
    struct draft *found = NULL;
    (void)pthread_mutex_lock(&survey->lock);
    for (size_t i = 0; found == NULL && i < survey->drafts_len; i++) {
        found = has_types(&survey->drafts[i], columns, len) ? &survey->drafts[i] : NULL;
    }
    if (found == NULL && survey->drafts_len < DRAFTS_MAX) {
        struct draft draft = {0};
        if (draft_init(&draft, survey, columns, len) == SOTTO_OK) {
            survey->drafts[survey->drafts_len] = draft;
            found = &survey->drafts[survey->drafts_len++];
        } else {
            draft_release(&draft, survey->workers_len);
        }
    }
    (void)pthread_mutex_unlock(&survey->lock);
    return found;
}

static enum sotto_status sink(void *context, size_t worker, uint64_t first_row,
                              const struct sotto_column *columns, size_t columns_len, size_t rows,
                              struct sotto_error *err)
{
    (void)first_row;
    struct sotto_survey *survey = context;
    const struct sotto_column *blocks[SOTTO__PLAN_NODES_MAX];
    struct draft *draft = find_draft(survey, columns, columns_len);
    if (draft == NULL) {
        return SOTTO_ERROR_TYPE;
    }
    struct sotto__worker *own = &draft->workers[worker];
    if (!draft->is_ready[worker]) {
        enum sotto_status status = sotto__worker_init(own, draft->driver->program);
        if (status != SOTTO_OK) {
            return status;
        }
        draft->is_ready[worker] = true;
    }
    for (size_t i = 0; i < columns_len; i++) {
        blocks[i] = &columns[i];
    }
    return sotto__rows_take(&own->rows, 0, blocks, rows, err);
}

/* --- Reading --- */

/* The columns by their names are those of the plan, if it names them all. */
static bool is_simple(const struct sotto_plan *plan)
{
    return plan->datasets_len == 1 && !plan->datasets[0].is_framed && plan->columns_len > 0 &&
           plan->columns_len <= SOTTO__PLAN_NODES_MAX;
}

enum sotto_status sotto_survey_new(struct sotto_survey **out, const struct sotto_plan *plan,
                                   struct sotto_csv *file, struct sotto_error *err)
{
    struct sotto_survey *survey = sotto_alloc_zeroed(sizeof *survey);
    const char **names = sotto_alloc_array(plan->columns_len, sizeof *names);
    enum sotto_status status = SOTTO_OK;
    if (survey == NULL || names == NULL) {
        sotto_free(survey);
        sotto_free(names);
        return sotto_error_no_memory(err);
    }
    survey->plan = plan;
    survey->workers_len = sotto_csv_workers(file);
    (void)pthread_mutex_init(&survey->lock, NULL);
    if (is_simple(plan)) {
        for (size_t i = 0; i < plan->columns_len; i++) {
            names[i] = plan->columns[i].name;
        }
        status = sotto_csv_survey(file, &survey->catalogue, &survey->is_complete, names,
                                  plan->columns_len, sink, survey, err);
    } else {
        status = sotto_csv_catalogue(file, &survey->catalogue, err);
    }
    sotto_free(names);
    if (status != SOTTO_OK) {
        sotto_survey_free(survey);
        return status;
    }
    *out = survey;
    return SOTTO_OK;
}

void sotto_survey_free(struct sotto_survey *survey)
{
    if (survey == NULL) {
        return;
    }
    for (size_t i = 0; i < survey->drafts_len; i++) {
        draft_release(&survey->drafts[i], survey->workers_len);
    }
    sotto_catalogue_free(survey->catalogue);
    (void)pthread_mutex_destroy(&survey->lock);
    sotto_free(survey);
}

const struct sotto_catalogue *sotto_survey_catalogue(const struct sotto_survey *survey)
{
    return survey->catalogue;
}

/* --- From a draft's types to the final ones --- */

/* Whether what was summed up as one type is, up to a power of ten, what the other one gives. */
static bool can_grow(struct sotto_type from, struct sotto_type to)
{
    bool is_exact = to.kind == SOTTO_KIND_INT64 || to.kind == SOTTO_KIND_DECIMAL;
    return (from.kind == to.kind && from.scale <= to.scale) ||
           (is_exact && (from.kind == SOTTO_KIND_NULL || from.kind == SOTTO_KIND_INT64));
}

/* The draft's term for each of the driver's. Returns: false if they do not go together. */
static bool map_terms(size_t *out, const struct sotto__program *from,
                      const struct sotto__program *to)
{
    bool same = from->moments_len == to->moments_len && from->groups_len == to->groups_len;
    for (size_t i = 0; i < to->terms_len; i++) {
        out[i] = SOTTO_NONE;
    }
    for (size_t i = 0; same && i < to->moments_len; i++) {
        for (size_t j = 0; j < SOTTO__MOMENTS_LEN && to->moments[i].round == 1; j++) {
            size_t wanted = to->moments[i].terms[j];
            size_t found = from->moments[i].terms[j];
            same = same && (wanted == SOTTO_NONE) == (found == SOTTO_NONE);
            if (wanted != SOTTO_NONE) {
                out[wanted] = found;
            }
        }
    }
    for (size_t i = 0; same && i < to->terms_len; i++) {
        const struct sotto__term *wanted = &to->terms[i];
        const struct sotto__term *found = out[i] != SOTTO_NONE ? &from->terms[out[i]] : NULL;
        same = found != NULL && found->kind == wanted->kind && found->scale <= wanted->scale &&
               found->limbs <= wanted->limbs &&
               (found->type == SOTTO__ROW_FLOAT) == (wanted->type == SOTTO__ROW_FLOAT) &&
               (wanted->type != SOTTO__ROW_FLOAT || found->factors_len == wanted->factors_len) &&
               found->has_infinities == wanted->has_infinities;
    }
    return same;
}

/* The term's limbs in units of the other's scale, in two's complement. */
static void grow(uint64_t *out, const struct sotto__term *to, const uint64_t *limbs,
                 const struct sotto__term *from)
{
    mpz_t sum;
    mpz_t power;
    mpz_inits(sum, power, NULL);
    sotto__limbs_import(sum, limbs, from->limbs);
    mpz_ui_pow_ui(power, 10, to->scale - from->scale);
    mpz_mul(sum, sum, power);
    mpz_fdiv_r_2exp(sum, sum, 64 * to->limbs);
    memset(out, 0, to->limbs * sizeof *out);
    (void)mpz_export(out, NULL, -1, sizeof *out, 0, 0, sum);
    mpz_clears(sum, power, NULL);
}

static void add_terms(uint64_t *out, const struct sotto__program *to, const uint64_t *partial,
                      const struct sotto__program *from, const size_t *map)
{
    uint64_t grown[SOTTO__SUM_LIMBS_MAX];
    for (size_t group = 0; group < to->groups_len; group++) {
        for (size_t i = 0; i < to->terms_len; i++) {
            const struct sotto__term *wanted = &to->terms[i];
            const struct sotto__term *found = &from->terms[map[i]];
            const uint64_t *limbs = partial + group * from->group_limbs + found->offset;
            uint64_t *sum = out + group * to->group_limbs + wanted->offset;
            bool is_exact = wanted->kind == SOTTO__TERM_SUM && wanted->type != SOTTO__ROW_FLOAT;
            if (is_exact) {
                grow(grown, wanted, limbs, found);
            }
            sotto__limbs_add(sum, is_exact ? grown : limbs, wanted->limbs);
            for (size_t j = 0; wanted->has_infinities && j < 2; j++) {
                sum[wanted->limbs + j] += limbs[found->limbs + j];
            }
        }
    }
}

static bool add_draft(uint64_t *out, const struct sotto_driver *driver, const struct draft *draft,
                      size_t workers_len)
{
    const struct sotto__program *from = draft->driver->program;
    const struct sotto__program *to = driver->program;
    size_t *map = sotto_alloc_array(to->terms_len, sizeof *map);
    uint64_t *partial = sotto_alloc_array(from->limbs_len, sizeof *partial);
    bool done = map != NULL && partial != NULL;
    for (size_t i = 0; done && i < driver->expansion.columns_len; i++) {
        done =
            can_grow(draft->driver->expansion.columns[i].type, driver->expansion.columns[i].type);
    }
    done = done && map_terms(map, from, to);
    for (size_t i = 0; done && i < workers_len; i++) {
        if (draft->is_ready[i]) {
            sotto__sums_add_to(&draft->workers[i].sums, partial);
        }
    }
    if (done) {
        add_terms(out, to, partial, from, map);
    }
    sotto_free(partial);
    sotto_free(map);
    return done;
}

bool sotto_survey_partial(struct sotto_survey *survey, const struct sotto_driver *driver,
                          uint64_t *out, size_t limbs_len)
{
    SOTTO_REQUIRE(sotto_driver_limbs_len(driver) == limbs_len);
    bool done = survey->is_complete && driver->round == 1 && driver->plan == survey->plan;
    memset(out, 0, limbs_len * sizeof *out);
    for (size_t i = 0; done && i < survey->drafts_len; i++) {
        done = add_draft(out, driver, &survey->drafts[i], survey->workers_len);
    }
    survey->is_complete = false; /* accumulators are taken */
    if (!done) {
        memset(out, 0, limbs_len * sizeof *out);
    }
    return done;
}
