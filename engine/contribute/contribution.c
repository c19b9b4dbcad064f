/* SPDX-License-Identifier: Apache-2.0 */

/* Contributions to a round: partial and evidence, from one reading of each source. It leans on
 * reading.c for rows, and on whoever judges them for the verdict (struct sotto_judge). The one
 * idea: both parts of a contribution only add up, so that parts of a party's rows may be read
 * anywhere and merged in any tree. */

#include "contribute/contribute.h"
#include "contribute/cover.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

/* --- Groups and cells --- */

size_t sotto_driver_groups_len(const struct sotto_driver *driver)
{
    return driver->plan->keys_len > 0 ? driver->program->groups_len : 0;
}

/* withheld: of each group, or NULL. */
static void withhold_groups(uint64_t *limbs, const struct sotto_driver *driver,
                            const uint8_t *withheld)
{
    for (size_t group = 0; group < sotto_driver_groups_len(driver); group++) {
        if (withheld != NULL && withheld[group] != 0) {
            sotto__parts_withhold_group(limbs, driver->program, group);
        }
    }
}

/* Groups and cells likewise. */
static void withhold(struct sotto_contribution *contribution, const struct sotto_withheld *withheld)
{
    const struct sotto__program *program = contribution->driver->program;
    for (size_t group = 0; withheld->cells != NULL && group < program->groups_len; group++) {
        for (size_t i = 0; i < withheld->cells_len; i++) {
            if (withheld->cells[group * withheld->cells_len + i] != 0) {
                sotto__parts_withhold_cell(contribution->limbs, program, group,
                                           contribution->inquiry.cell_terms[i]);
            }
        }
    }
    withhold_groups(contribution->limbs, contribution->driver, withheld->groups);
}

/* --- Pieces --- */

static enum sotto_status check_round(const struct sotto_driver *driver, struct sotto_error *err)
{
    return driver->round != 0 ? SOTTO_OK
                              : sotto_error_set(err, SOTTO_ERROR_STATE, "the last round is over");
}

/* Gets ready to count, if somebody judges. */
static enum sotto_status start_evidence(struct sotto_contribution *contribution,
                                        struct sotto_error *err)
{
    const struct sotto_judge *judge = contribution->judge;
    if (judge == NULL) {
        return SOTTO_OK;
    }
    enum sotto_status status =
        sotto__inquiry_init(&contribution->inquiry, contribution->driver, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__evidence_init(&contribution->evidence, &contribution->inquiry, judge->min_rows);
    return status == SOTTO_OK ? SOTTO_OK : sotto__evidence_fail(status, err);
}

static void free_evidence(struct sotto_contribution *contribution)
{
    sotto__evidence_release(&contribution->evidence);
    sotto__inquiry_release(&contribution->inquiry);
}

static enum sotto_status keep_told(const struct sotto_contribution *contribution,
                                   const struct sotto_withheld *withheld, struct sotto_error *err)
{
    return contribution->watch != NULL
               ? sotto__watch_keep_told(contribution->watch, withheld,
                                        contribution->inquiry.cell_terms, err)
               : SOTTO_OK;
}

/* The verdict of who judges, if anybody does; then the partial says what is withheld. groups may be
 * NULL where there are none. */
static enum sotto_status judge_rows(struct sotto_contribution *contribution, uint8_t *groups,
                                    struct sotto_error *err)
{
    const struct sotto_judge *judge = contribution->judge;
    struct sotto_withheld withheld = {.cells_len = contribution->inquiry.cells_len};
    withheld.groups = groups;
    if (judge == NULL) {
        withhold(contribution, &withheld);
        return keep_told(contribution, &withheld, err);
    }
    enum sotto_status status = sotto__evidence_finish(&contribution->evidence, err);
    if (status != SOTTO_OK) {
        return status;
    }
    size_t groups_len = contribution->driver->program->groups_len;
    size_t cells_len = groups_len * withheld.cells_len;
    uint8_t *flags = sotto_alloc_array(groups_len + 2 * cells_len + 1, sizeof *flags);
    if (flags == NULL) {
        return sotto_error_no_memory(err);
    }
    withheld.few_groups = flags;
    withheld.few_cells = flags + groups_len;
    withheld.cells = flags + groups_len + cells_len;
    status = judge->judge(judge->context, &contribution->evidence, &withheld, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    sotto__bearing_say(contribution->limbs, &contribution->evidence, judge->rows_apart);
    if (judge->cover != NULL) {
        sotto__parts_say(judge->cover, contribution->driver, &contribution->inquiry, &withheld);
    }
    withhold(contribution, &withheld);
    status = keep_told(contribution, &withheld, err);
out:
    sotto_free(flags);
    return status;
}

/* --- In parts --- */

static enum sotto_status contribution_init(struct sotto_contribution *out, struct sotto_error *err)
{
    out->limbs_len = out->driver->program->limbs_len;
    out->limbs = sotto_alloc_array(out->limbs_len, sizeof *out->limbs);
    if (out->limbs == NULL) {
        return sotto_error_no_memory(err);
    }
    return start_evidence(out, err);
}

enum sotto_status sotto_contribution_new(struct sotto_contribution **out,
                                         const struct sotto_driver *driver,
                                         const struct sotto_judge *judge, struct sotto_error *err)
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
    made->judge = judge;
    status = contribution_init(made, err);
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
    if (ops->can_sum != NULL && (in_out->watch == NULL || ops->sums_watched) &&
        ops->can_sum(source, in_out, dataset)) {
        return ops->sum(source, in_out, dataset, err);
    }
    if (ops->prepare != NULL) {
        enum sotto_status status = ops->prepare(source, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return sotto__source_read(in_out, source, dataset, err);
}

void sotto_contribution_merge(struct sotto_contribution *in_out,
                              const struct sotto_contribution *other)
{
    SOTTO_REQUIRE(!in_out->is_judged && !other->is_judged);
    SOTTO_REQUIRE(in_out->driver == other->driver);
    SOTTO_REQUIRE((in_out->judge != NULL) == (other->judge != NULL));
    sotto_driver_add(in_out->driver, in_out->limbs, other->limbs, in_out->limbs_len);
    if (in_out->judge != NULL) {
        sotto__evidence_merge(&in_out->evidence, &other->evidence);
    }
}

enum sotto_status sotto_contribution_judge(struct sotto_contribution *contribution,
                                           uint8_t *withheld, struct sotto_error *err)
{
    SOTTO_REQUIRE(contribution->judge != NULL && !contribution->is_judged);
    contribution->is_judged = true;
    enum sotto_status status = judge_rows(contribution, withheld, err);
    if (status != SOTTO_OK) {
        sotto_wipe(contribution->limbs, contribution->limbs_len * sizeof *contribution->limbs);
    }
    return status;
}

const uint64_t *sotto_contribution_partial(const struct sotto_contribution *contribution)
{
    return contribution->limbs;
}

const struct sotto_evidence *
sotto_contribution_evidence(const struct sotto_contribution *contribution)
{
    return contribution->is_judged ? &contribution->evidence : NULL;
}

/* --- All at once --- */

/* A party that is judged by nobody has nothing to say where only parties are counted. */
static bool needs_rows(const struct sotto_contribution *contribution)
{
    const struct sotto__program *program = contribution->driver->program;
    bool needs = contribution->judge != NULL || contribution->watch != NULL;
    for (size_t i = 0; !needs && i < program->terms_len; i++) {
        needs = program->terms[i].kind != SOTTO__TERM_BEARING;
    }
    return needs;
}

/* Into a contribution without rows. */
static enum sotto_status contribute(struct sotto_contribution *in_out, uint8_t *withheld,
                                    struct sotto_source *const *sources, struct sotto_error *err)
{
    enum sotto_status status = start_evidence(in_out, err);
    if (status != SOTTO_OK) {
        return status;
    }
    for (size_t i = 0; needs_rows(in_out) && i < in_out->driver->plan->datasets_len; i++) {
        status = sotto_contribution_add(in_out, sources[i], i, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return judge_rows(in_out, withheld, err);
}

static enum sotto_status contribute_all(const struct sotto_driver *driver, uint64_t *out,
                                        size_t limbs_len, uint8_t *withheld,
                                        struct sotto_source *const *sources,
                                        const struct sotto_judge *judge, struct sotto_watch *watch,
                                        struct sotto_error *err)
{
    struct sotto_contribution contribution = {
        .driver = driver, .judge = judge, .watch = watch, .limbs = out, .limbs_len = limbs_len};
    memset(out, 0, limbs_len * sizeof *out);
    enum sotto_status status = check_round(driver, err);
    if (status != SOTTO_OK) {
        return status;
    }
    SOTTO_REQUIRE(limbs_len == driver->program->limbs_len);
    status = contribute(&contribution, withheld, sources, err);
    if (status != SOTTO_OK) {
        sotto_wipe(out, limbs_len * sizeof *out);
    }
    free_evidence(&contribution);
    return status;
}

enum sotto_status sotto_driver_contribute(const struct sotto_driver *driver, uint64_t *out,
                                          size_t limbs_len, uint8_t *withheld,
                                          struct sotto_source *const *sources,
                                          const struct sotto_judge *judge, struct sotto_error *err)
{
    return contribute_all(driver, out, limbs_len, withheld, sources, judge, NULL, err);
}

enum sotto_status
sotto_driver_contribute_watched(const struct sotto_driver *driver, uint64_t *out, size_t limbs_len,
                                uint8_t *withheld, struct sotto_source *const *sources,
                                const struct sotto_judge *judge, struct sotto_watch *watch,
                                const struct sotto_watch_sink *sink, struct sotto_error *err)
{
    sotto__watch_set_sink(watch, sink);
    return contribute_all(driver, out, limbs_len, withheld, sources, judge, watch, err);
}

void sotto_driver_withhold(const struct sotto_driver *driver, uint64_t *in_out,
                           const uint8_t *withheld)
{
    withhold_groups(in_out, driver, withheld);
}
