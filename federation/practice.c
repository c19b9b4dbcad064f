/* SPDX-License-Identifier: Apache-2.0 */

/* A learning task between parties in one process. It leans on a party's machine, and on its caller,
 * who runs the code: nothing here does. */

#include "practice.h"

static enum sotto_status ask(struct sotto_simulation_update *out,
                             const struct sotto_task_party *task,
                             const struct sotto_simulation *config, size_t party,
                             const struct sotto_buffer *model, struct sotto_error *err)
{
    *out = (struct sotto_simulation_update){.measures = sotto_task_party_measures(task),
                                            .trains = sotto_task_party_trains(task)};
    enum sotto_status status =
        config->train(config->train_context, party, model->data, model->data_bytes, out);
    if (status != SOTTO_OK) {
        return sotto_error_set(err, status, "its code failed");
    }
    return SOTTO_OK;
}

enum sotto_status sotto__practice_offer(struct sotto_task_party *task,
                                        const struct sotto_simulation *config, size_t party,
                                        struct sotto_error *err)
{
    struct sotto_simulation_update begun;
    const struct sotto_buffer nothing = {0};
    enum sotto_status status = ask(&begun, task, config, party, &nothing, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto_task_party_offer_model(task, begun.weights, begun.weights_bytes, err);
}

enum sotto_status sotto__practice_train(struct sotto_task_party *task,
                                        const struct sotto_simulation *config, size_t party,
                                        struct sotto_error *err)
{
    struct sotto_simulation_update update;
    struct sotto_buffer weights;
    size_t clipped; /* the result has them of all parties together */
    enum sotto_status status = ask(&update, task, config, party, sotto_task_party_model(task), err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (update.rows == 0) { /* a node's runner says a number, or its party is out */
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "its code trained on no rows");
    }
    status = sotto_buffer_copy(&weights, update.weights, update.weights_bytes);
    if (status != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    status = sotto_task_party_update(task, &clipped, &weights, update.rows, err);
    sotto_buffer_release(&weights);
    return status;
}
