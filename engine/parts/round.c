/* SPDX-License-Identifier: Apache-2.0 */

/* What is asked of all parts next. Leans on the driver. The one
 * idea: a round is derived from what all rounds before it opened, by the driver, as each party of a
 * task derives it; so it is the same wherever it is read, and nobody is asked to believe it. */

#include "parts/round.h"

#include <sotto/alloc.h>
#include <string.h>

enum sotto_status sotto_round_new(struct sotto_round **out, const void *plan, size_t plan_bytes,
                                  struct sotto_error *err)
{
    struct sotto_round *made = sotto_alloc_zeroed(sizeof *made);
    if (made == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = sotto_plan_parse(&made->plan, plan, plan_bytes, err);
    if (status != SOTTO_OK) {
        sotto_round_free(made);
        return status;
    }
    sotto_short_digest(made->plan_digest, plan, plan_bytes);
    *out = made;
    return SOTTO_OK;
}

void sotto_round_free(struct sotto_round *round)
{
    if (round == NULL) {
        return;
    }
    sotto_driver_free(round->driver);
    sotto_free(round->rows);
    sotto__part_wipe_buffer(&round->watched);
    sotto_plan_free(round->plan);
    sotto_free(round);
}

const struct sotto_plan *sotto_round_plan(const struct sotto_round *round)
{
    return round->plan;
}

bool sotto_round_is_watched(const struct sotto_round *round)
{
    return round->watched.data != NULL;
}

bool sotto_round_is_over(const struct sotto_round *round)
{
    return round->driver != NULL && sotto_driver_round(round->driver) == 0;
}

enum sotto_status sotto__part_round_check_not_over(const struct sotto_round *round,
                                                   struct sotto_error *err)
{
    return sotto_round_is_over(round)
               ? sotto_error_set(err, SOTTO_ERROR_STATE, "the last round is over")
               : SOTTO_OK;
}

/* --- From round to round --- */

struct sotto__part_question sotto__part_round_question(const struct sotto_round *round)
{
    struct sotto__part_question asked = {.plan = round->plan,
                                         .driver = round->driver,
                                         .rows = round->rows,
                                         .snapshot = round->snapshot,
                                         .watched = &round->watched};
    memcpy(asked.plan_digest, round->plan_digest, sizeof asked.plan_digest);
    return asked;
}

enum sotto_status sotto__part_round_start(struct sotto_round *round,
                                          const struct sotto_schema *types, const uint64_t *rows,
                                          const char *snapshot, struct sotto_error *err)
{
    size_t len = sotto_plan_datasets_len(round->plan);
    uint64_t *kept = sotto_alloc_array(len, sizeof *kept);
    if (kept == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = sotto_driver_new(&round->driver, round->plan, types, err);
    if (status != SOTTO_OK) {
        sotto_free(kept);
        return status;
    }
    sotto_driver_keep_opened(round->driver);
    memcpy(kept, rows, len * sizeof *kept);
    memcpy(round->snapshot, snapshot, strlen(snapshot) + 1);
    round->rows = kept;
    return SOTTO_OK;
}

enum sotto_status sotto_round_result(const struct sotto_round *round, char **out,
                                     struct sotto_error *err)
{
    static const struct sotto_result_parties parties = {.invited = 1, .joined = 1, .survived = 1};
    if (!sotto_round_is_over(round)) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "there are rounds to come");
    }
    return sotto_driver_result(round->driver, out, &parties, sotto_driver_schema(round->driver), 1,
                               err);
}
