/* SPDX-License-Identifier: Apache-2.0 */

/* A party's contribution to the first round while its file is catalogued, in one reading instead of
 * two. It leans on sotto_csv_survey, which hands out typed blocks while it finds out the types, and
 * on the driver. Its one idea is drafts of types:
 *
 * 1. Nobody knows a column's type before its last row. Cataloguing workers hand out each block as
 *    the types that they have met so far: a column may be int64 in a thousand blocks and decimal
 *    with two digits from then on, at another worker earlier or later.
 * 2. For each combination of types that comes there is a draft: a driver of its own, made as if
 *    these types had been agreed on, and for each worker sums under its program. Which draft a
 *    block goes into depends on its types alone (find_draft, under a lock; summing up is not).
 * 3. The reading ends, the catalogue has the final types, and parties agree on a schema. Its driver
 *    asks for the partial. Sums only add up, so the partial is the sum of all drafts' sums, once
 *    they are brought to the final types (add_draft).
 * 4. That works where a type has only grown: a sum of int64, or of decimals of a smaller scale, is
 *    a sum of decimals of the final scale after a multiplication by a power of ten. Missing values
 *    add nothing, whatever their type (can_grow).
 * 5. Terms are matched by aggregate and role, not by slot, since two programs may number them
 *    differently (map_terms). Where they do not match, as a sum of exact values in one and of
 *    doubles in the other, the draft is of no use.
 * 6. Whatever does not work out (a column that became float64 or text, a ninth combination, a file
 *    that is read line by line, no memory) is no error: sotto_survey_partial says false, and the
 *    file is read a second time. So is the second question: the sums are given away once.
 *
 * What can't go wrong: a draft is used under the types of its own blocks, or not at all. */

#include "contribute/contribute.h"

#include <pthread.h>
#include <sotto/alloc.h>
#include <sotto/survey.h>
#include <string.h>

/* At most so many combinations of types get a draft: each takes the memory of a whole worker's
 * sums. */
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
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    schema.fields = sotto_alloc_array(len, sizeof *schema.fields);
    out->workers = sotto_alloc_array(survey->workers_len, sizeof *out->workers);
    out->is_ready = sotto_alloc_array(survey->workers_len, sizeof *out->is_ready);
    if (schema.fields == NULL || out->workers == NULL || out->is_ready == NULL) {
        goto out;
    }
    for (size_t i = 0; i < len; i++) {
        schema.fields[i].type = columns[i].type;
    }
    status = sotto_driver_new(&out->driver, survey->plan, &schema, NULL);
out:
    sotto_schema_release(&schema);
    return status;
}

static struct draft *make_draft(struct sotto_survey *survey, const struct sotto_column *columns,
                                size_t len)
{
    struct draft draft = {0};
    if (survey->drafts_len == DRAFTS_MAX) {
        return NULL;
    }
    if (draft_init(&draft, survey, columns, len) != SOTTO_OK) {
        draft_release(&draft, survey->workers_len);
        return NULL;
    }
    survey->drafts[survey->drafts_len] = draft;
    return &survey->drafts[survey->drafts_len++];
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
    if (found == NULL) {
        found = make_draft(survey, columns, len);
    }
    (void)pthread_mutex_unlock(&survey->lock);
    return found;
}

static enum sotto_status take_block(void *context, size_t worker, uint64_t first_row,
                                    const struct sotto_column *columns, size_t columns_len,
                                    size_t rows, struct sotto_error *err)
{
    (void)first_row;
    (void)err;
    struct sotto_survey *survey = context;
    const struct sotto_column *blocks[SOTTO__PLAN_NODES_MAX];
    struct draft *draft = find_draft(survey, columns, columns_len);
    if (draft == NULL) {
        return SOTTO_ERROR_TYPE;
    }
    struct sotto__worker *own = &draft->workers[worker];
    if (!draft->is_ready[worker]) {
        enum sotto_status status = sotto__worker_init(own, draft->driver->program, NULL, NULL, 0);
        if (status != SOTTO_OK) {
            return status;
        }
        draft->is_ready[worker] = true;
    }
    for (size_t i = 0; i < columns_len; i++) {
        blocks[i] = &columns[i];
    }
    sotto__rows_take(&own->rows, 0, blocks, rows);
    return SOTTO_OK;
}

/* --- Reading --- */

/* Whether the plan names all columns that it reads, of one dataset. */
static bool names_all(const struct sotto_plan *plan)
{
    return plan->datasets_len == 1 && !plan->datasets[0].is_framed && plan->columns_len > 0 &&
           plan->columns_len <= SOTTO__PLAN_NODES_MAX;
}

static enum sotto_status read_file(struct sotto_survey *survey, struct sotto_csv *file,
                                   struct sotto_error *err)
{
    const struct sotto_plan *plan = survey->plan;
    if (!names_all(plan)) {
        return sotto_csv_catalogue(file, &survey->catalogue, err);
    }
    const char **names = sotto_alloc_array(plan->columns_len, sizeof *names);
    if (names == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < plan->columns_len; i++) {
        names[i] = plan->columns[i].name;
    }
    enum sotto_status status = sotto_csv_survey(file, &survey->catalogue, &survey->is_complete,
                                                names, plan->columns_len, take_block, survey, err);
    sotto_free(names);
    return status;
}

enum sotto_status sotto_survey_new(struct sotto_survey **out, const struct sotto_plan *plan,
                                   struct sotto_csv *file, struct sotto_error *err)
{
    struct sotto_survey *survey = sotto_alloc_zeroed(sizeof *survey);
    if (survey == NULL) {
        return sotto_error_no_memory(err);
    }
    survey->plan = plan;
    survey->workers_len = sotto_csv_workers(file);
    (void)pthread_mutex_init(&survey->lock, NULL);
    enum sotto_status status = read_file(survey, file, err);
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

/* Whether two indices of methods give a row the same number, in the first round. */
static bool is_same_index(const struct sotto__program *x, const struct sotto__index *a,
                          const struct sotto__program *y, const struct sotto__index *b)
{
    const struct sotto__op *of_a = &x->ops[a->op];
    const struct sotto__op *of_b = &y->ops[b->op];
    return a->kind == b->kind && a->len == b->len && a->shift == b->shift &&
           a->key_bits == b->key_bits && of_a->kind == of_b->kind && of_a->type == of_b->type &&
           of_a->scale == of_b->scale;
}

/* As map_terms, what methods ask. */
static bool map_asked(size_t *out, const struct sotto__program *from,
                      const struct sotto__program *to)
{
    bool same = from->asked_len == to->asked_len;
    for (size_t i = 0; same && i < to->asked_len; i++) {
        const struct sotto__asked *wanted = &to->asked[i];
        const struct sotto__asked *found = &from->asked[i];
        same = wanted->call == found->call && wanted->terms_len == found->terms_len;
        for (size_t j = 0; same && j < SOTTO__MOMENTS_LEN; j++) {
            bool is_wanted = wanted->terms_len == 0 && wanted->moments.terms[j] != SOTTO_NONE;
            bool is_found = found->terms_len == 0 && found->moments.terms[j] != SOTTO_NONE;
            same = is_wanted == is_found;
            if (same && is_wanted) {
                out[wanted->moments.terms[j]] = found->moments.terms[j];
            }
        }
        for (size_t j = 0; same && j < wanted->terms_len; j++) {
            const struct sotto__index *a = &from->indices[from->terms[found->first_term].index];
            const struct sotto__index *b = &to->indices[to->terms[wanted->first_term].index];
            same = is_same_index(from, a, to, b);
            out[wanted->first_term + j] = found->first_term + j;
        }
    }
    return same;
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
    same = same && map_asked(out, from, to);
    for (size_t i = 0; same && i < to->terms_len; i++) {
        const struct sotto__term *wanted = &to->terms[i];
        const struct sotto__term *found = out[i] != SOTTO_NONE ? &from->terms[out[i]] : NULL;
        same = found != NULL && found->kind == wanted->kind && found->scale <= wanted->scale &&
               found->limbs <= wanted->limbs &&
               (found->type == SOTTO__ROW_FLOAT) == (wanted->type == SOTTO__ROW_FLOAT) &&
               (wanted->type != SOTTO__ROW_FLOAT || found->factors_len == wanted->factors_len) &&
               found->has_infinities == wanted->has_infinities &&
               (found->times == SOTTO_NONE) == (wanted->times == SOTTO_NONE);
    }
    return same;
}

/* Writes a sum of term from in units of the scale of term to, in two's complement. */
static void grow_sum(uint64_t *out, const struct sotto__term *to, const uint64_t *limbs,
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
                grow_sum(grown, wanted, limbs, found);
            }
            sotto__limbs_add(sum, is_exact ? grown : limbs, wanted->limbs);
            for (size_t j = 0; wanted->has_infinities && j < 2; j++) {
                sum[wanted->limbs + j] += limbs[found->limbs + j];
            }
        }
    }
}

static bool can_grow_all(const struct sotto__expansion *from, const struct sotto__expansion *to)
{
    bool can = true;
    for (size_t i = 0; can && i < to->columns_len; i++) {
        can = can_grow(from->columns[i].type, to->columns[i].type);
    }
    return can;
}

static bool add_draft(uint64_t *out, const struct sotto_driver *driver, const struct draft *draft,
                      size_t workers_len)
{
    const struct sotto__program *from = draft->driver->program;
    const struct sotto__program *to = driver->program;
    bool done = false;
    size_t *map = sotto_alloc_array(to->terms_len, sizeof *map);
    uint64_t *partial = sotto_alloc_array(from->limbs_len, sizeof *partial);
    if (map == NULL || partial == NULL ||
        !can_grow_all(&draft->driver->expansion, &driver->expansion) || !map_terms(map, from, to)) {
        goto out;
    }
    for (size_t i = 0; i < workers_len; i++) {
        if (draft->is_ready[i]) {
            sotto__sums_add_to(&draft->workers[i].sums, partial);
        }
    }
    add_terms(out, to, partial, from, map);
    done = true;
out:
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
