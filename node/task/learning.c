/* SPDX-License-Identifier: Apache-2.0 */

/* This node's part in learning tasks. Leans on cage/ for what runs, on the party's machine for what
 * leaves. What happens:
 *
 * 1. An invitation brings a bundle, which is kept. It runs only where policy.code says approved and
 *    the owner approved its digest, for this creator, for rounds that are not used up (code.c).
 * 2. A cage without data says with which weights the code begins: that is the offer, which others
 *    see as it is, names of tensors and all.
 * 3. Another cage has the data. In each round its runner gets the model, and gives weights and of
 *    how many rows they are. What it gives goes to the machine alone, which masks it; its outputs
 *    are for the owner's log.
 * 4. Before a masked update leaves, a round is taken off the approval, durable (learning_use); also
 *    where training was begun and no update came of it, as rows may decide on that.
 *
 * The idea: a runner is asked one thing at a time, and is looked at from the compute thread's loop,
 * which waits for nothing. */

#include "task/learning.h"
#include "task/worked.h"

#include "cage/cage.h"
#include "config/policy.h"
#include "store/store_code.h"
#include "task/recorded.h"

#include <jansson.h>
#include <sodium.h>
#include <sotto/alloc.h>
#include <sotto/tensors.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB ((uint64_t)1024 * 1024)
#define FILES_BYTES (64 * MIB) /* of the runner's /tmp */
#define OUTPUT_BYTES MIB
#define RUNNER_THREADS 64
#define RUNNERS_MAX 4 /* of this node, at once */
#define PATH_TEXT_BYTES 4352
#define OUTPUT_SHOWN 400

enum learning_state { LEARNING_IDLE, LEARNING_BEGINS, LEARNING_TRAINS };

struct learning {
    struct cage *cage; /* NULL between the offer and the first round */
    enum learning_state state;
    uint64_t rows;     /* of what comes next, once the runner said so */
    uint64_t begin_ms; /* of the round that it trains for */
    bool has_rows;
};

bool learning_is(const struct joined *joined)
{
    return sotto_task_party_bundle(joined->machine) != NULL;
}

/* --- A runner --- */

/* The owner's files, as the cage shows them. paths: PATH_TEXT_BYTES each. */
static enum sotto_status find_datasets(const struct compute *compute,
                                       const struct sotto_bundle_manifest *manifest,
                                       char (*paths)[PATH_TEXT_BYTES], struct cage_dataset *out,
                                       struct sotto_error *err)
{
    const char *folder = compute->policy->file->data_dir;
    char *real = folder != NULL ? realpath(folder, NULL) : NULL;
    enum sotto_status status =
        real != NULL ? SOTTO_OK
                     : sotto_error_set(err, SOTTO_ERROR_NOT_FOUND, "this node has no data_dir");
    for (size_t i = 0; i < manifest->datasets_len && status == SOTTO_OK; i++) {
        const char *name = manifest->datasets[i].text;
        int fd = -1;
        if (!config_offers(compute->policy, name)) {
            status = sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                                     "%s is not offered: policy.datasets of node.yaml does not "
                                     "list it",
                                     name);
        } else if (config_source_of(compute->policy, name) != NULL ||
                   worked_program(compute->policy, name) != NULL) {
            status = sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                                     "%s: expected a file or folder: its rows are in a database or "
                                     "with workers, which code is not shown",
                                     name);
        } else if ((fd = dataset_open_beneath(real, name, err)) < 0) {
            status = err->status;
        } else {
            (void)close(fd);
            (void)snprintf(paths[i], PATH_TEXT_BYTES, "%s/%s", real, name);
            out[i] = (struct cage_dataset){name, paths[i]};
        }
    }
    free(real);
    return status;
}

/* has_data: the cage shows the datasets; else it is only seen that they are there. */
static enum sotto_status start_cage(const struct compute *compute, struct learning *learning,
                                    const struct sotto_bundle *bundle, bool has_data,
                                    struct sotto_error *err)
{
    const struct sotto_bundle_manifest *manifest = &bundle->manifest;
    const struct config_learning *paths = &compute->policy->file->learning;
    struct cage_dataset datasets[SOTTO_BUNDLE_DATASETS_MAX];
    uint64_t cpu_seconds =
        (uint64_t)manifest->round_seconds * (uint64_t)manifest->rounds * RUNNER_THREADS;
    char(*texts)[PATH_TEXT_BYTES] = sotto_alloc_array(manifest->datasets_len, sizeof *texts);
    if (texts == NULL) {
        return sotto_error_no_memory(err);
    }
    const struct cage_config config = {
        .fence_path = paths->fence,
        .python_path = paths->python,
        .runner_path = paths->runner,
        .datasets = datasets,
        .datasets_len = has_data ? manifest->datasets_len : 0,
        .limits = {.memory_bytes = (uint64_t)manifest->memory_mib * MIB,
                   .files_bytes = FILES_BYTES,
                   .output_bytes = OUTPUT_BYTES,
                   .frame_bytes =
                       (uint64_t)manifest->parameters_max * 8 + SOTTO_TENSORS_HEADER_BYTES_MAX,
                   .cpu_seconds = (uint32_t)(cpu_seconds < UINT32_MAX ? cpu_seconds : UINT32_MAX),
                   .wall_seconds = (uint32_t)manifest->round_seconds,
                   .threads = RUNNER_THREADS},
    };
    enum sotto_status status = find_datasets(compute, manifest, texts, datasets, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = cage_start(&learning->cage, &config, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status =
        cage_send(learning->cage, FENCE_FRAME_BYTES, bundle->bytes.data, bundle->bytes.data_bytes);
out:
    sotto_free(texts);
    return status;
}

static enum sotto_status ask_runner(struct learning *learning, const char *what,
                                    const struct sotto_buffer *weights, struct sotto_error *err)
{
    if (cage_send(learning->cage, FENCE_FRAME_JSON, what, strlen(what)) != SOTTO_OK ||
        (weights != NULL && cage_send(learning->cage, FENCE_FRAME_BYTES, weights->data,
                                      weights->data_bytes) != SOTTO_OK)) {
        return sotto_error_no_memory(err);
    }
    return SOTTO_OK;
}

static void tell_standing(const struct compute *compute, const struct joined *joined)
{
    char text[CAGE_STANDING_TEXT_BYTES];
    struct cage_standing standing = cage_standing(joined->learning->cage);
    cage_describe(text, &standing);
    log_limited(LOG_JOINED, joined_creator_name(compute, joined),
                "%s: its code runs; around it: %s", joined->label, text);
}

static void tell_output(const struct compute *compute, const struct joined *joined)
{
    size_t bytes = 0;
    const char *output = joined->learning != NULL && joined->learning->cage != NULL
                             ? cage_output(joined->learning->cage, &bytes)
                             : "";
    size_t shown = bytes < OUTPUT_SHOWN ? bytes : OUTPUT_SHOWN;
    if (bytes > 0) {
        log_limited(LOG_JOINED, joined_creator_name(compute, joined),
                    "%s: the runner's output ends: %.*s", joined->label, (int)shown,
                    output + bytes - shown);
    }
}

/* Declines with what went wrong; the end of what the runner wrote is for the owner alone. */
static void fail(const struct compute *compute, struct joined *joined,
                 const struct sotto_error *err, const char *rule)
{
    tell_output(compute, joined);
    joined_decline(compute, joined, err, rule);
    learning_end(compute, joined);
}

/* How code fails it chooses, by rows if it likes: so others are told one class for all. */
static void fail_of_code(const struct compute *compute, struct joined *joined,
                         struct sotto_error *err)
{
    err->status = SOTTO_ERROR_STATE;
    fail(compute, joined, err, "code");
}

/* --- What the machine asks --- */

/* What policy says to any task of this plan; its code is the owner's own decision. */
static enum sotto_status judge(const struct compute *compute, const struct joined *joined,
                               struct sotto_error *err)
{
    const struct policy_question question = {
        .plan = sotto_task_party_plan(joined->machine),
        .asker = compute__peer_name(compute, &joined->creator),
        .has_leave = true,
    };
    enum sotto_status status = policy_judge(compute->policy, &question, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return code_judge(compute, joined, err);
}

/* Each runner may take as much memory as its owner approved. */
static enum sotto_status check_room(const struct compute *compute, struct sotto_error *err)
{
    size_t len = 0;
    for (const struct joined *other = compute->first_joined; other != NULL; other = other->next) {
        len += other->learning != NULL;
    }
    return len < RUNNERS_MAX
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_LIMIT,
                                 "%zu runners are at work here, and that is the most", len);
}

static enum sotto_status begin(const struct compute *compute, struct joined *joined,
                               struct sotto_error *err)
{
    enum sotto_status status = judge(compute, joined, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_room(compute, err);
    if (status != SOTTO_OK) {
        return status;
    }
    joined->learning = sotto_alloc_zeroed(sizeof *joined->learning);
    if (joined->learning == NULL) {
        return sotto_error_no_memory(err);
    }
    status =
        start_cage(compute, joined->learning, sotto_task_party_bundle(joined->machine), false, err);
    if (status != SOTTO_OK) {
        return status;
    }
    joined->learning->state = LEARNING_BEGINS;
    return ask_runner(joined->learning, "{\"do\": \"weights\"}", NULL, err);
}

void learning_offer(struct compute *compute, struct joined *joined)
{
    struct sotto_error err = {0};
    if (begin(compute, joined, &err) == SOTTO_OK) {
        tell_standing(compute, joined);
    } else {
        fail(compute, joined, &err, "policy");
    }
}

static enum sotto_status begin_round(const struct compute *compute, struct joined *joined,
                                     struct sotto_error *err)
{
    struct learning *learning = joined->learning;
    enum sotto_status status = judge(compute, joined, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (learning->cage == NULL) {
        status = start_cage(compute, learning, sotto_task_party_bundle(joined->machine), true, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    cage_extend(learning->cage);
    learning->state = LEARNING_TRAINS;
    learning->begin_ms = clock_ms();
    learning->has_rows = false;
    char what[96];
    (void)snprintf(what, sizeof what, "{\"do\": \"train\", \"measures\": %s, \"trains\": %s}",
                   sotto_task_party_measures(joined->machine) ? "true" : "false",
                   sotto_task_party_trains(joined->machine) ? "true" : "false");
    return ask_runner(learning, what, sotto_task_party_model(joined->machine), err);
}

void learning_partial(struct compute *compute, struct joined *joined)
{
    struct sotto_error err = {0};
    if (begin_round(compute, joined, &err) != SOTTO_OK) {
        fail(compute, joined, &err, "policy");
        return;
    }
    log_limited(LOG_JOINED, joined_creator_name(compute, joined), "%s: trains for round %u",
                joined->label, sotto_task_party_round(joined->machine));
}

/* --- What the runner says --- */

static enum sotto_status read_rows(struct learning *learning, const struct sotto_buffer *bytes,
                                   uint64_t min_rows, struct sotto_error *err)
{
    json_t *answer = json_loadb((const char *)bytes->data, bytes->data_bytes, 0, NULL);
    const json_t *rows = json_object_get(answer, "rows");
    json_int_t number = json_integer_value(rows);
    json_decref(answer);
    if (number < 1) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "the runner says no number of rows");
    }
    if ((uint64_t)number < min_rows) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                               "the weights are of %lld rows, policy.min_rows is %llu",
                               (long long)number, (unsigned long long)min_rows);
    }
    learning->rows = (uint64_t)number;
    learning->has_rows = true;
    return SOTTO_OK;
}

static enum sotto_status give_update(const struct compute *compute, struct joined *joined,
                                     const struct sotto_buffer *weights, struct sotto_error *err)
{
    size_t clipped = 0;
    struct learning *learning = joined->learning;
    learning->state = LEARNING_IDLE;
    enum sotto_status status =
        sotto_task_party_update(joined->machine, &clipped, weights, learning->rows, err);
    if (status == SOTTO_OK) {
        metrics_step(compute->config.metrics, METRICS_TRAIN, learning->begin_ms);
        log_limited(LOG_JOINED, joined_creator_name(compute, joined),
                    "%s: has trained on %llu rows; %zu weights are clipped", joined->label,
                    (unsigned long long)learning->rows, clipped);
    }
    return status;
}

/* One frame that the runner was asked for. */
static enum sotto_status take_frame(const struct compute *compute, struct joined *joined,
                                    const struct cage_frame *frame, struct sotto_error *err)
{
    struct learning *learning = joined->learning;
    if (learning->state == LEARNING_BEGINS && frame->kind == FENCE_FRAME_BYTES) {
        learning->state = LEARNING_IDLE;
        enum sotto_status status = sotto_task_party_offer_model(joined->machine, frame->bytes.data,
                                                                frame->bytes.data_bytes, err);
        if (status == SOTTO_OK) {
            cage_free(learning->cage);
            learning->cage = NULL;
            joined_tell_joined(compute, joined);
        }
        return status;
    }
    if (learning->state == LEARNING_TRAINS && !learning->has_rows &&
        frame->kind == FENCE_FRAME_JSON) {
        return read_rows(learning, &frame->bytes, compute->policy->rules.min_rows, err);
    }
    if (learning->state == LEARNING_TRAINS && learning->has_rows &&
        frame->kind == FENCE_FRAME_BYTES) {
        return give_update(compute, joined, &frame->bytes, err);
    }
    return sotto_error_set(err, SOTTO_ERROR_INPUT, "the runner says what it was not asked for");
}

bool learning_step(struct compute *compute, struct joined *joined)
{
    struct sotto_error err = {0};
    struct cage_frame frame = {0};
    bool has_frame = false;
    if (learning_deadline(joined) == UINT64_MAX) {
        return false;
    }
    enum sotto_status status = cage_step(joined->learning->cage, &frame, &has_frame, 0, &err);
    if (status == SOTTO_OK && has_frame) {
        status = take_frame(compute, joined, &frame, &err);
    }
    sotto_buffer_release(&frame.bytes);
    if (status != SOTTO_OK) {
        fail_of_code(compute, joined, &err);
    }
    return has_frame || status != SOTTO_OK;
}

uint64_t learning_deadline(const struct joined *joined)
{
    bool works =
        joined->learning != NULL && joined->learning->state != LEARNING_IDLE && !joined->has_ended;
    return works ? clock_ms() + LEARNING_POLL_MS : UINT64_MAX;
}

void learning_release(struct joined *joined)
{
    if (joined->learning != NULL) {
        cage_free(joined->learning->cage);
        sotto_free(joined->learning);
        joined->learning = NULL;
    }
}

enum sotto_status learning_use(const struct compute *compute, const struct joined *joined,
                               struct sotto_error *err)
{
    bool trains = learning_is(joined) && sotto_task_party_is_drawn(joined->machine);
    return trains ? store_code_use(compute->config.store,
                                   sotto_task_party_bundle(joined->machine)->digest,
                                   &joined->creator, err)
                  : SOTTO_OK;
}

void learning_end(const struct compute *compute, struct joined *joined)
{
    struct sotto_error err = {0};
    bool trains = joined->learning != NULL && joined->learning->state == LEARNING_TRAINS;
    if (trains && learning_use(compute, joined, &err) != SOTTO_OK) {
        log_limited(LOG_JOINED, joined_creator_name(compute, joined),
                    "%s: a round that was begun is not taken off: %s", joined->label, err.text);
    }
    learning_release(joined);
}

void learning_describe(const struct joined *joined, char *out, size_t out_bytes)
{
    char hex[2 * SOTTO_BUNDLE_DIGEST_BYTES + 1];
    const struct sotto_bundle *bundle = sotto_task_party_bundle(joined->machine);
    if (bundle == NULL || joined->learning == NULL) {
        return;
    }
    if (!sotto_task_party_is_drawn(joined->machine)) {
        (void)snprintf(out, out_bytes, "round %u: nothing of any row, as others are drawn for it",
                       sotto_task_party_round(joined->machine));
        return;
    }
    (void)sodium_bin2hex(hex, sizeof hex, bundle->digest, sizeof bundle->digest);
    (void)snprintf(
        out, out_bytes,
        "round %u: weights of %llu rows, in a sum of at most %zu parties, by the code %s",
        sotto_task_party_round(joined->machine), (unsigned long long)joined->learning->rows,
        sotto_task_party_trainers(joined->machine, NULL, 0), hex);
}
