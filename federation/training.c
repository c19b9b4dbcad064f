/* SPDX-License-Identifier: Apache-2.0 */

/* The rounds of a learning task, as both sides compute them alike: the mean of a round's weights is
 * the model of the next. It leans on learning/, whose mean has the same bits for everybody. The
 * idea: who runs no code needs the shapes of the model only, so the aggregator trains nothing and
 * has no weights before the first sum. */

#include "training.h"

#include <math.h>
#include <sodium.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

#define OFFER_BYTES_MAX ((size_t)512 * 1024)
#define PIECE_BYTES ((size_t)3 * 1024)
#define METRIC_PREFIX "validate()." /* as python/sotto/_runner.py names what it measures */
#define METRIC_NAME_BYTES_MAX 64
#define LOSS "loss"

enum sotto_status sotto__training_offer(struct sotto_buffer *out, const struct sotto_bundle *bundle,
                                        const void *weights, size_t weights_bytes,
                                        struct sotto_error *err)
{
    struct sotto_tensors tensors;
    struct sotto_average average;
    struct sotto_writer writer;
    uint8_t digest[SOTTO_DIGEST_BYTES];
    enum sotto_status status = sotto_tensors_read(&tensors, weights, weights_bytes,
                                                  (size_t)bundle->manifest.parameters_max, err);
    if (status != SOTTO_OK) {
        return status;
    }
    sotto_writer_init(&writer, OFFER_BYTES_MAX);
    status = sotto_average_init(&average, &bundle->manifest, &tensors, SOTTO_PLAN_MIN_CLIENTS, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    sotto_digest(digest, "sotto weights", weights, weights_bytes);
    sotto_write_bytes(&writer, digest, sizeof digest);
    sotto_tensors_write_shapes(&writer, &tensors);
    status = sotto_writer_status(&writer);
    if (status != SOTTO_OK) {
        (void)sotto_error_set(err, status, "the shapes of a model: %s", sotto_status_text(status));
        goto out;
    }
    *out = (struct sotto_buffer){0};
    out->data = sotto_writer_take(&writer, &out->data_bytes);
out:
    sotto_writer_release(&writer);
    sotto_tensors_release(&tensors);
    return status;
}

void sotto__training_free(struct sotto__training *training)
{
    if (training != NULL) {
        sotto_tensors_release(&training->shapes);
        sotto_buffer_release(&training->encoding);
        sotto_buffer_release(&training->model);
        sotto_free(training->over);
        sotto_free(training->velocity);
        sotto_free(training);
    }
}

/* --- Metrics --- */

const char *sotto__training_metric(const struct sotto__training *training, size_t metric)
{
    return training->shapes.tensors[training->metrics[metric]].name + strlen(METRIC_PREFIX);
}

static bool is_metric(const struct sotto_tensor *tensor)
{
    const char *name = tensor->name + strlen(METRIC_PREFIX);
    size_t bytes = strlen(name);
    return tensor->type == SOTTO_TENSOR_F64 && tensor->rank == 0 && bytes > 0 &&
           bytes <= METRIC_NAME_BYTES_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
               bytes;
}

/* Finds the tensors that are metrics: of code that measures nothing there are none. */
static enum sotto_status find_metrics(struct sotto__training *training,
                                      const struct sotto_bundle_manifest *manifest,
                                      struct sotto_error *err)
{
    training->loss = SOTTO_NONE;
    training->validate_every = manifest->validate_every;
    training->stop_after = manifest->stop_after;
    for (size_t i = 0; manifest->validate_every > 0 && i < training->shapes.tensors_len; i++) {
        const struct sotto_tensor *tensor = &training->shapes.tensors[i];
        if (strncmp(tensor->name, METRIC_PREFIX, strlen(METRIC_PREFIX)) != 0) {
            continue;
        }
        if (!is_metric(tensor) || training->metrics_len == SOTTO__METRICS_MAX) {
            return sotto_error_set(err, SOTTO_ERROR_INPUT,
                                   "expected at most %d metrics, each one number, with a name of 1 "
                                   "to %d letters, digits, '_', '.' and '-'",
                                   SOTTO__METRICS_MAX, METRIC_NAME_BYTES_MAX);
        }
        if (strcmp(tensor->name + strlen(METRIC_PREFIX), LOSS) == 0) {
            training->loss = training->metrics_len;
        }
        training->metrics[training->metrics_len++] = i;
    }
    if (manifest->stop_after > 0 && training->loss == SOTTO_NONE) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "stop_after: expected that a metric named \"" LOSS "\" is measured");
    }
    return SOTTO_OK;
}

bool sotto__training_measures(const struct sotto__training *training)
{
    return training->metrics_len > 0 && (training->round == training->rounds ||
                                         (training->round - 1) % training->validate_every == 0);
}

bool sotto__training_trains(const struct sotto__training *training)
{
    return training->metrics_len == 0 || training->round < training->rounds;
}

/* Keeps what a round measured, of the next model. */
static void keep_metrics(struct sotto__training *training, const struct sotto_tensors *next)
{
    struct sotto__training_round *over = &training->over[training->round - 1];
    over->is_measured = sotto__training_measures(training);
    for (size_t i = 0; over->is_measured && i < training->metrics_len; i++) {
        memcpy(&over->metrics[i], next->tensors[training->metrics[i]].data, sizeof(double));
    }
}

/* Whether the loss was not below the least one before for as many measurements as the code says. */
static bool has_settled(const struct sotto__training *training)
{
    int64_t since = 0;
    double least = (double)INFINITY;
    for (uint32_t i = 0; training->stop_after > 0 && i < training->round; i++) {
        const struct sotto__training_round *over = &training->over[i];
        if (over->is_measured && over->metrics[training->loss] < least) {
            least = over->metrics[training->loss];
            since = 0;
        } else {
            since += over->is_measured;
        }
    }
    return training->stop_after > 0 && since >= training->stop_after;
}

/* Goes on from the mean by momentum. Before the first sum nobody has weights who trains nothing, so
 * steps count from the second round on. */
static enum sotto_status add_momentum(struct sotto__training *training, uint8_t *data,
                                      const struct sotto_tensors *next, struct sotto_error *err)
{
    struct sotto_tensors before;
    double *velocity = training->velocity;
    if (velocity == NULL || training->model.data == NULL) {
        return SOTTO_OK;
    }
    enum sotto_status status =
        sotto_tensors_read(&before, training->model.data, training->model.data_bytes,
                           training->shapes.elements_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    size_t metrics_len = 0;
    for (size_t i = 0; i < next->tensors_len; i++) {
        const struct sotto_tensor *tensor = &next->tensors[i];
        bool measures = metrics_len < training->metrics_len && training->metrics[metrics_len] == i;
        metrics_len += measures;
        if (!measures) {
            sotto_average_momentum(data + (tensor->data - data), velocity, &training->average,
                                   &before.tensors[i], training->momentum_percent);
        }
        velocity += tensor->elements_len;
    }
    sotto_tensors_release(&before);
    return SOTTO_OK;
}

/* Takes what a round gave. Of a last one that measured the model before stays, to the bit: so what
 * was measured is of the model that the task gives. Ownership: takes next. */
static enum sotto_status take_model(struct sotto__training *training, struct sotto_buffer next,
                                    struct sotto_error *err)
{
    struct sotto_tensors tensors;
    enum sotto_status status = sotto_tensors_read(&tensors, next.data, next.data_bytes,
                                                  training->shapes.elements_len, err);
    if (status != SOTTO_OK) {
        sotto_buffer_release(&next);
        return status;
    }
    keep_metrics(training, &tensors);
    training->rounds = has_settled(training) ? training->round : training->rounds;
    bool is_kept = training->round > 1 && training->round == training->rounds &&
                   training->over[training->round - 1].is_measured;
    for (size_t i = 0; is_kept && i < training->metrics_len; i++) {
        const uint8_t *metric = tensors.tensors[training->metrics[i]].data;
        memcpy(training->model.data + (metric - next.data), metric, sizeof(double));
    }
    status = is_kept ? SOTTO_OK : add_momentum(training, next.data, &tensors, err);
    sotto_tensors_release(&tensors);
    if (status != SOTTO_OK) {
        sotto_buffer_release(&next);
        return status;
    }
    sotto_buffer_release(is_kept ? &next : &training->model);
    training->model = is_kept ? training->model : next;
    return SOTTO_OK;
}

/* --- Rounds --- */

static enum sotto_status init_training(struct sotto__training *training,
                                       const struct sotto_bundle *bundle, const uint8_t *offer,
                                       size_t offer_bytes, uint32_t parties_len,
                                       struct sotto_error *err)
{
    const struct sotto_bundle_manifest *manifest = &bundle->manifest;
    if (offer_bytes < SOTTO_DIGEST_BYTES) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "the shapes of a model are malformed");
    }
    enum sotto_status status = sotto_tensors_read_shapes(
        &training->shapes, offer + SOTTO_DIGEST_BYTES, offer_bytes - SOTTO_DIGEST_BYTES,
        (size_t)manifest->parameters_max, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_average_init(&training->average, manifest, &training->shapes, parties_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = find_metrics(training, manifest, err);
    if (status != SOTTO_OK) {
        return status;
    }
    training->over = sotto_alloc_array(training->rounds, sizeof *training->over);
    training->momentum_percent = manifest->momentum_percent;
    if (manifest->momentum_percent > 0) {
        training->velocity =
            sotto_alloc_array(training->shapes.elements_len, sizeof *training->velocity);
    }
    if (training->over == NULL || (manifest->momentum_percent > 0 && training->velocity == NULL)) {
        return sotto_error_no_memory(err);
    }
    status = sotto_buffer_copy(&training->encoding, offer, offer_bytes);
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
}

enum sotto_status sotto__training_new(struct sotto__training **out,
                                      const struct sotto_bundle *bundle,
                                      const struct sotto_plan *plan, const uint8_t *offer,
                                      size_t offer_bytes, uint32_t parties_len,
                                      struct sotto_error *err)
{
    struct sotto__training *training = sotto_alloc_zeroed(sizeof *training);
    if (training == NULL) {
        return sotto_error_no_memory(err);
    }
    training->round = 1;
    training->rounds = sotto_plan_rounds(plan);
    memcpy(training->bundle, sotto_plan_bundle(plan), sizeof training->bundle);
    enum sotto_status status =
        init_training(training, bundle, offer, offer_bytes, parties_len, err);
    if (status != SOTTO_OK) {
        sotto__training_free(training);
        return status;
    }
    *out = training;
    return SOTTO_OK;
}

enum sotto_status sotto__training_advance(struct sotto__training *training, const uint8_t *sum,
                                          uint32_t parties_len, struct sotto_error *err)
{
    struct sotto_writer writer;
    if (training->round == 0) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "the last round is over");
    }
    sotto_writer_init(&writer, SOTTO_VECTOR_BYTES_MAX);
    struct sotto__training_round *over = &training->over[training->round - 1];
    enum sotto_status status = sotto_average_decode(&writer, &over->counts, &training->average, sum,
                                                    &training->shapes, parties_len, err);
    if (status != SOTTO_OK) {
        sotto_writer_release(&writer);
        return status;
    }
    struct sotto_buffer next = {0};
    over->parties = parties_len;
    next.data = sotto_writer_take(&writer, &next.data_bytes);
    status = take_model(training, next, err);
    if (status == SOTTO_OK) {
        training->round = training->round < training->rounds ? training->round + 1 : 0;
    }
    return status;
}

enum sotto_status sotto__training_encode(const struct sotto__training *training, uint8_t *vector,
                                         size_t *out_clipped, const void *weights,
                                         size_t weights_bytes, uint64_t rows,
                                         struct sotto_error *err)
{
    struct sotto_tensors tensors;
    enum sotto_status status =
        sotto_tensors_read(&tensors, weights, weights_bytes, training->shapes.elements_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_average_encode(vector, out_clipped, &training->average, &tensors,
                                  &training->shapes, rows, err);
    sotto_tensors_release(&tensors);
    return status;
}

/* --- The result --- */

static void write_text(struct sotto_writer *out, const char *text)
{
    sotto_write_bytes(out, text, strlen(text));
}

/* In base64, piece by piece: whole groups of three bytes but for the last one. */
static void write_weights(struct sotto_writer *out, const struct sotto_buffer *model)
{
    char text[sodium_base64_ENCODED_LEN(PIECE_BYTES, sodium_base64_VARIANT_ORIGINAL)];
    for (size_t at = 0; at < model->data_bytes; at += PIECE_BYTES) {
        size_t left = model->data_bytes - at;
        (void)sodium_bin2base64(text, sizeof text, model->data + at,
                                left < PIECE_BYTES ? left : PIECE_BYTES,
                                sodium_base64_VARIANT_ORIGINAL);
        write_text(out, text);
    }
}

static void write_metrics(struct sotto_writer *out, const struct sotto__training *training,
                          const struct sotto__training_round *over)
{
    for (size_t i = 0; over->is_measured && i < training->metrics_len; i++) {
        char number[SOTTO_DOUBLE_TEXT_BYTES];
        sotto_double_text(number, over->metrics[i]);
        write_text(out, i == 0 ? ", \"metrics\": {\"" : ", \"");
        write_text(out, sotto__training_metric(training, i));
        write_text(out, "\": ");
        write_text(out, number);
    }
    write_text(out, over->is_measured ? "}" : "");
}

static void write_rounds(struct sotto_writer *out, const struct sotto__training *training)
{
    for (uint32_t i = 0; i < training->rounds; i++) {
        char text[128];
        const struct sotto__training_round *over = &training->over[i];
        (void)snprintf(text, sizeof text, "%s{\"parties\": %u, \"rows\": %llu, \"clipped\": %llu",
                       i > 0 ? ", " : "", over->parties, (unsigned long long)over->counts.rows,
                       (unsigned long long)over->counts.clipped);
        write_text(out, text);
        write_metrics(out, training, over);
        write_text(out, "}");
    }
}

enum sotto_status sotto__training_result(const struct sotto__training *training, char **out,
                                         const struct sotto_result_parties *parties,
                                         struct sotto_error *err)
{
    struct sotto_writer writer;
    size_t bytes;
    sotto_writer_init(&writer, 2 * SOTTO_VECTOR_BYTES_MAX);
    write_text(&writer, "{\"type\": \"learning\", \"bundle\": \"");
    write_text(&writer, training->bundle);
    write_text(&writer, "\", \"weight\": \"");
    write_weights(&writer, &training->model);
    write_text(&writer, "\", \"rounds\": [");
    write_rounds(&writer, training);
    write_text(&writer, "], \"parties\": ");
    sotto_result_parties_write(parties, &writer);
    sotto_write_bytes(&writer, "}", sizeof "}");
    enum sotto_status status = sotto_writer_status(&writer);
    if (status == SOTTO_OK) {
        *out = (char *)sotto_writer_take(&writer, &bytes);
    } else {
        (void)sotto_error_set(err, status, "the result: %s", sotto_status_text(status));
    }
    sotto_writer_release(&writer);
    return status;
}

enum sotto_status sotto__training_is_result(const struct sotto__training *training, bool *out,
                                            const char *text, uint32_t survived,
                                            struct sotto_error *err)
{
    struct sotto_result_claim *claim = NULL;
    char *own = NULL;
    *out = false;
    enum sotto_status status = sotto_result_claim_read(&claim, text, survived);
    if (status == SOTTO_ERROR_INPUT) {
        return SOTTO_OK; /* it is another one */
    }
    if (status != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    status = sotto__training_result(training, &own, sotto_result_claim_parties(claim), err);
    *out = status == SOTTO_OK && strcmp(own, text) == 0;
    sotto_free(own);
    sotto_result_claim_free(claim);
    return status;
}
