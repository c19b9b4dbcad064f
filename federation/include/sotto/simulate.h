/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_SIMULATE_H
#define SOTTO_SIMULATE_H

/* The real protocol between parties in one process: for research, tests and `sotto simulate`. */

#include <sotto/csv.h>
#include <sotto/disclosure.h>
#include <sotto/status.h>
#include <sotto/table.h>

SOTTO_BEGIN_DECLS

/* Weights as safetensors, of so many rows; without rows the party declines. Borrowed, until the
 * next call of train. */
struct sotto_simulation_update {
    const void *weights;
    size_t weights_bytes;
    uint64_t rows;
    bool measures; /* given: whether the code is to measure the model, and to train on it */
    bool trains;
};

struct sotto_simulation {
    const char *plan_json;
    size_t plan_json_bytes;
    /* files[party * datasets_len + dataset] for the datasets of the plan, sorted by alias; where it
     * is NULL, or there are no files at all, the table there */
    struct sotto_csv *const *files;
    const struct sotto_table *const *tables;
    size_t datasets_len; /* 0 of a learning task */
    size_t parties_len;
    /* The code of a learning task (sotto/bundle.h), else NULL; and who runs it for a party: with a
     * model it trains on it for a round; without one (NULL, 0) it says with which weights the code
     * begins. Returns: anything but SOTTO_OK, and the party leaves. */
    const void *bundle;
    size_t bundle_bytes;
    enum sotto_status (*train)(void *context, size_t party, const void *model, size_t model_bytes,
                               struct sotto_simulation_update *out);
    void *train_context;
    uint64_t seed; /* 0: the system's randomness */
    /* Of each party, as if its owner had set them; NULL: none. */
    const struct sotto_rules *rules;
    enum sotto_rule *refused; /* set to the rule by which a party refused; or NULL */
    /* Takes each line of the aggregator's log; may be NULL. */
    void (*log)(void *context, const char *line);
    void *log_context;
};

/* Runs the task to its end. Returns: the status that it ended with; on success *out_result is the
 * result as JSON, ended by sotto_free. */
SOTTO_API enum sotto_status sotto_simulate(char **out_result,
                                           const struct sotto_simulation *simulation,
                                           struct sotto_error *err) SOTTO_NODISCARD;

SOTTO_END_DECLS

#endif
