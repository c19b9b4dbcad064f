/* SPDX-License-Identifier: Apache-2.0 */

/* Contributions to a round: partial and evidence, from one reading of each source. It leans on
 * reading.c for rows and on guard.c for the verdict. The one idea: both parts of a contribution
 * only add up, so that parts of a party's rows may be read anywhere and merged in any tree. */

#include "contribute/contribute.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

/* --- Groups --- */

size_t sotto_driver_groups_len(const struct sotto_driver *driver)
{
    return driver->plan->keys_len > 0 ? driver->program->groups_len : 0;
}

/* Groups that are kept back: out of the partial, and its slots say so. */
static void withhold_groups(uint64_t *limbs, const struct sotto_driver *driver,
                            const uint8_t *withheld)
{
    const struct sotto__program *program = driver->program;
    for (size_t group = 0; group < sotto_driver_groups_len(driver); group++) {
        uint64_t *of = limbs + group * program->group_limbs;
        if (withheld != NULL && withheld[group] != 0) {
            memset(of, 0, program->group_limbs * sizeof *of);
            of[program->group_limbs - 1] = 1;
        }
    }
}

/* --- Pieces --- */

static enum sotto_status start_evidence(struct sotto_contribution *contribution,
                                        struct sotto_error *err)
{
    return sotto__evidence_init(&contribution->evidence, &contribution->guard) == SOTTO_OK
               ? SOTTO_OK
               : sotto_error_no_memory(err);
}

static void free_evidence(struct sotto_contribution *contribution)
{
    sotto__evidence_release(&contribution->evidence);
    sotto__guard_release(&contribution->guard);
}

static enum sotto_status check_round(const struct sotto_driver *driver, struct sotto_error *err)
{
    return driver->round != 0 ? SOTTO_OK
                              : sotto_error_set(err, SOTTO_ERROR_STATE, "the last round is over");
}

/* The verdict, where rows were counted; then the partial says what is withheld. */
static enum sotto_status judge(struct sotto_contribution *contribution, uint8_t *withheld,
                               uint64_t min_rows, struct sotto_error *err)
{
    if (contribution->evidence.counts != NULL && min_rows > 0) {
        enum sotto_status status = sotto__guard_judge(&contribution->guard, withheld,
                                                      &contribution->evidence, min_rows, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    withhold_groups(contribution->limbs, contribution->driver, withheld);
    return SOTTO_OK;
}

/* --- In parts --- */

static enum sotto_status contribution_init(struct sotto_contribution *out, bool is_counted,
                                           struct sotto_error *err)
{
    out->limbs_len = out->driver->program->limbs_len;
    out->limbs = sotto_alloc_array(out->limbs_len, sizeof *out->limbs);
    if (out->limbs == NULL) {
        return sotto_error_no_memory(err);
    }
    if (!is_counted) {
        return SOTTO_OK;
    }
    enum sotto_status status = sotto__guard_init(&out->guard, out->driver, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return start_evidence(out, err);
}

enum sotto_status sotto_contribution_new(struct sotto_contribution **out,
                                         const struct sotto_driver *driver, bool is_counted,
                                         struct sotto_error *err)
{
    enum sotto_status status = check_round(driver, err);
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto_contribution *made = sotto_alloc_zeroed(sizeof *made);
    if (made == NULL) {
        return sotto_error_no_memory(err);
    }
    made->driver = driver;
    status = contribution_init(made, is_counted, err);
    if (status != SOTTO_OK) {
        sotto_contribution_free(made);
        return status;
    }
    *out = made;
    return SOTTO_OK;
}

void sotto_contribution_free(struct sotto_contribution *contribution)
{
    if (contribution == NULL) {
        return;
    }
    if (contribution->limbs != NULL) {
        sotto_wipe(contribution->limbs, contribution->limbs_len * sizeof *contribution->limbs);
    }
    sotto_free(contribution->limbs);
    free_evidence(contribution);
    sotto_free(contribution);
}

enum sotto_status sotto_contribution_add(struct sotto_contribution *in_out,
                                         struct sotto_source *source, size_t dataset,
                                         struct sotto_error *err)
{
    const struct sotto_source_ops *ops = source->ops;
    SOTTO_REQUIRE(dataset < in_out->driver->plan->datasets_len && !in_out->is_judged);
    if (ops->pin != NULL) {
        enum sotto_status status = ops->pin(source, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    if (ops->can_sum != NULL && in_out->watch == NULL &&
        ops->can_sum(source, in_out->driver, dataset)) {
        return ops->sum(source, in_out, dataset, err);
    }
    return sotto__source_read(in_out, source, dataset, err);
}

void sotto_contribution_merge(struct sotto_contribution *in_out,
                              const struct sotto_contribution *other)
{
    SOTTO_REQUIRE(!in_out->is_judged && !other->is_judged);
    SOTTO_REQUIRE(in_out->driver == other->driver);
    SOTTO_REQUIRE((in_out->evidence.counts != NULL) == (other->evidence.counts != NULL));
    sotto_driver_add(in_out->driver, in_out->limbs, other->limbs, in_out->limbs_len);
    if (in_out->evidence.counts != NULL) {
        sotto__evidence_merge(&in_out->evidence, &other->evidence);
    }
}

enum sotto_status sotto_contribution_judge(struct sotto_contribution *contribution,
                                           uint8_t *withheld, uint64_t min_rows,
                                           struct sotto_error *err)
{
    SOTTO_REQUIRE(contribution->evidence.counts != NULL && !contribution->is_judged);
    contribution->is_judged = true;
    enum sotto_status status = judge(contribution, withheld, min_rows, err);
    if (status != SOTTO_OK) {
        sotto_wipe(contribution->limbs, contribution->limbs_len * sizeof *contribution->limbs);
    }
    return status;
}

const uint64_t *sotto_contribution_partial(const struct sotto_contribution *contribution)
{
    return contribution->limbs;
}

const uint64_t *sotto_contribution_evidence(const struct sotto_contribution *contribution,
                                            size_t *out_len)
{
    *out_len = contribution->evidence.counts != NULL ? contribution->guard.counts_len : 0;
    return contribution->evidence.counts;
}

/* --- All at once --- */

static enum sotto_status describe_all(const struct sotto_catalogue **out,
                                      struct sotto_source *const *sources, size_t len,
                                      struct sotto_error *err)
{
    for (size_t i = 0; i < len; i++) {
        enum sotto_status status = sources[i]->ops->describe(sources[i], &out[i], NULL, 0, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* Asks the catalogues first: what they refuse is not read. Counts are made ready if the rest must
 * be counted. */
static enum sotto_status foresee(struct sotto_contribution *contribution,
                                 struct sotto_source *const *sources, uint64_t min_rows,
                                 struct sotto_error *err)
{
    size_t len = contribution->driver->plan->datasets_len;
    bool counts = false;
    const struct sotto_catalogue **catalogues = sotto_alloc_array(len, sizeof *catalogues);
    if (catalogues == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = describe_all(catalogues, sources, len, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto__guard_init(&contribution->guard, contribution->driver, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto__guard_foresee(&counts, &contribution->guard, catalogues, min_rows, err);
    if (status == SOTTO_OK && counts) {
        status = start_evidence(contribution, err);
    }
out:
    sotto_free(catalogues);
    return status;
}

/* Into a contribution without rows. */
static enum sotto_status contribute(struct sotto_contribution *in_out, uint8_t *withheld,
                                    struct sotto_source *const *sources, uint64_t min_rows,
                                    struct sotto_error *err)
{
    if (min_rows > 0) {
        enum sotto_status status = foresee(in_out, sources, min_rows, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    for (size_t i = 0; i < in_out->driver->plan->datasets_len; i++) {
        enum sotto_status status = sotto_contribution_add(in_out, sources[i], i, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return judge(in_out, withheld, min_rows, err);
}

static enum sotto_status contribute_all(const struct sotto_driver *driver, uint64_t *out,
                                        size_t limbs_len, uint8_t *withheld,
                                        struct sotto_source *const *sources, uint64_t min_rows,
                                        struct sotto_watch *watch, struct sotto_error *err)
{
    struct sotto_contribution contribution = {
        .driver = driver, .watch = watch, .limbs = out, .limbs_len = limbs_len};
    memset(out, 0, limbs_len * sizeof *out);
    enum sotto_status status = check_round(driver, err);
    if (status != SOTTO_OK) {
        return status;
    }
    SOTTO_REQUIRE(limbs_len == driver->program->limbs_len);
    status = contribute(&contribution, withheld, sources, min_rows, err);
    if (status != SOTTO_OK) {
        sotto_wipe(out, limbs_len * sizeof *out);
    }
    free_evidence(&contribution);
    return status;
}

enum sotto_status sotto_driver_contribute(const struct sotto_driver *driver, uint64_t *out,
                                          size_t limbs_len, uint8_t *withheld,
                                          struct sotto_source *const *sources, uint64_t min_rows,
                                          struct sotto_error *err)
{
    return contribute_all(driver, out, limbs_len, withheld, sources, min_rows, NULL, err);
}

enum sotto_status sotto_driver_contribute_watched(const struct sotto_driver *driver, uint64_t *out,
                                                  size_t limbs_len, uint8_t *withheld,
                                                  struct sotto_source *const *sources,
                                                  uint64_t min_rows, struct sotto_watch *watch,
                                                  const struct sotto_watch_sink *sink,
                                                  struct sotto_error *err)
{
    sotto__watch_set_sink(watch, sink);
    return contribute_all(driver, out, limbs_len, withheld, sources, min_rows, watch, err);
}

void sotto_driver_withhold(const struct sotto_driver *driver, uint64_t *in_out,
                           const uint8_t *withheld)
{
    withhold_groups(in_out, driver, withheld);
}
