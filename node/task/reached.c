/* SPDX-License-Identifier: Apache-2.0 */

/* Starting over: how far the models of a task have come, kept for the day when it loses a party for
 * good, and the plan of a task that goes on there. Leans on the engine, which says what was reached
 * and writes the plan (sotto_driver_reached, sotto_plan_start_from).
 *
 * It is written after each round, not durable, as log lines are: a node that is killed has it, and
 * one whose power failed starts a few rounds earlier. */

#include "task/created.h"

#include "store/store_models.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

void reached_keep(const struct compute *compute, struct created *created)
{
    const struct sotto_driver *driver = sotto_task_aggregator_driver(created->machine);
    struct sotto_error err = {0};
    char *json = NULL;
    uint32_t round = driver != NULL ? sotto_driver_round(driver) : 0;
    if (round < 2 || round == created->reached_round || created->has_ended) {
        return;
    }
    created->reached_round = round;
    enum sotto_status status = sotto_driver_reached(driver, &json, &err);
    if (status == SOTTO_OK && strcmp(json, "[]") != 0) {
        status = store_reached(compute->config.store, created->number, json, &err);
        created->has_reached = created->has_reached || status == SOTTO_OK;
    }
    if (status != SOTTO_OK) {
        log_warning("task %llu: how far its models have come is not kept: %s",
                    (unsigned long long)created->number, err.text);
    }
    sotto_free(json);
}

void reached_keep_model(const struct compute *compute, struct created *created)
{
    struct sotto_error err = {0};
    uint32_t round = 0;
    uint64_t bytes_max = (uint64_t)compute->policy->file->learning.models_mb << 20;
    const struct sotto_buffer *model = sotto_task_aggregator_model(created->machine, &round);
    if (model == NULL || bytes_max == 0 || round == created->reached_round) {
        return;
    }
    created->reached_round = round;
    if (store_model(compute->config.store, created->number, round, model, bytes_max, &err) !=
        SOTTO_OK) {
        log_warning("task %llu: the model after round %u is not kept: %s",
                    (unsigned long long)created->number, round, err.text);
    }
}

/* Composes the plan from what the store has of the other task; given: NULL for that task's own. */
static enum sotto_status start_from(const struct compute *compute, char **out, uint64_t number,
                                    const struct sotto_buffer *given, struct sotto_error *err)
{
    char *plan = NULL;
    char *reached = NULL;
    struct store *store = compute->config.store;
    enum sotto_status status = store_get_plan(store, &plan, number, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_get_reached(store, &reached, number, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    const void *json = given->data_bytes > 0 ? (const void *)given->data : plan;
    size_t json_bytes = given->data_bytes > 0 ? given->data_bytes : strlen(plan);
    status = sotto_plan_start_from(out, json, json_bytes, reached[0] != '\0' ? reached : "[]", err);
out:
    sotto_free(reached);
    sotto_free(plan);
    return status;
}

enum sotto_status reached_plan(const struct compute *compute, struct sotto_buffer *out,
                               const struct job *job, struct sotto_error *err)
{
    char *text = NULL;
    if (job->number == 0) {
        return sotto_buffer_copy(out, job->bytes.data, job->bytes.data_bytes) == SOTTO_OK
                   ? SOTTO_OK
                   : sotto_error_no_memory(err);
    }
    enum sotto_status status = start_from(compute, &text, job->number, &job->bytes, err);
    if (status != SOTTO_OK) {
        return status == SOTTO_ERROR_NOT_FOUND
                   ? sotto_error_set(err, status, "task %llu does not exist",
                                     (unsigned long long)job->number)
                   : sotto_error_prefix(err, "starting from task %llu",
                                        (unsigned long long)job->number);
    }
    *out = (struct sotto_buffer){.data = (uint8_t *)text, .data_bytes = strlen(text)};
    return SOTTO_OK;
}
