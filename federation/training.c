/* SPDX-License-Identifier: Apache-2.0 */

/* The rounds of a learning task, as both sides compute them alike: the mean of a round's weights is
 * the model of the next. It leans on learning/, whose mean has the same bits for everybody. The
 * idea: who runs no code needs the shapes of the model only, so the aggregator trains nothing and
 * has no weights before the first sum. */

#include "training.h"

#include <jansson.h>
#include <sodium.h>
#include <sotto/alloc.h>
#include <stdlib.h>
#include <string.h>

#define OFFER_BYTES_MAX ((size_t)512 * 1024)

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
        sotto_free(training->counts);
        sotto_free(training);
    }
}

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
    training->counts = sotto_alloc_array(training->rounds, sizeof *training->counts);
    if (training->counts == NULL) {
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
    enum sotto_status status =
        sotto_average_decode(&writer, &training->counts[training->round - 1], &training->average,
                             sum, &training->shapes, parties_len, err);
    if (status == SOTTO_OK) {
        sotto_buffer_release(&training->model);
        training->model.data = sotto_writer_take(&writer, &training->model.data_bytes);
        training->round = training->round < training->rounds ? training->round + 1 : 0;
    }
    sotto_writer_release(&writer);
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

/* What everybody computes alike. Returns: NULL if there is no memory. */
static json_t *make_own(const struct sotto__training *training)
{
    size_t text_bytes =
        sodium_base64_encoded_len(training->model.data_bytes, sodium_base64_VARIANT_ORIGINAL);
    char *text = sotto_alloc(text_bytes);
    json_t *rounds = json_array();
    for (uint32_t i = 0; i < training->rounds; i++) {
        const struct sotto_average_counts *counts = &training->counts[i];
        (void)json_array_append_new(rounds,
                                    json_pack("{s:I, s:I}", "rows", (json_int_t)counts->rows,
                                              "clipped", (json_int_t)counts->clipped));
    }
    if (text == NULL) {
        json_decref(rounds);
        return NULL;
    }
    (void)sodium_bin2base64(text, text_bytes, training->model.data, training->model.data_bytes,
                            sodium_base64_VARIANT_ORIGINAL);
    json_t *own = json_pack("{s:s, s:s, s:s, s:o}", "type", "learning", "bundle", training->bundle,
                            "weight", text, "rounds", rounds);
    sotto_free(text);
    return own;
}

static json_t *make_parties(const struct sotto_result_parties *parties)
{
    json_t *names = json_array();
    json_t *missing = json_array();
    for (size_t i = 0; i < parties->names_len; i++) {
        (void)json_array_append_new(names, json_string(parties->names[i]));
    }
    for (size_t i = 0; i < parties->missing_len; i++) {
        (void)json_array_append_new(missing,
                                    json_pack("{s:s, s:s}", "name", parties->missing[i].name, "why",
                                              parties->missing[i].why));
    }
    return json_pack("{s:I, s:I, s:I, s:o, s:o}", "invited", (json_int_t)parties->invited, "joined",
                     (json_int_t)parties->joined, "survived", (json_int_t)parties->survived,
                     "names", names, "missing", missing);
}

enum sotto_status sotto__training_result(const struct sotto__training *training, char **out,
                                         const struct sotto_result_parties *parties,
                                         struct sotto_error *err)
{
    json_t *result = make_own(training);
    char *text = NULL;
    if (result != NULL && json_object_set_new(result, "parties", make_parties(parties)) == 0) {
        text = json_dumps(result, JSON_COMPACT | JSON_SORT_KEYS);
    }
    *out = text != NULL ? sotto_text_copy(text, strlen(text)) : NULL;
    free(text);
    json_decref(result);
    return *out != NULL ? SOTTO_OK : sotto_error_no_memory(err);
}

static bool is_absentee(const json_t *absentee)
{
    return json_object_size(absentee) == 2 && json_is_string(json_object_get(absentee, "name")) &&
           json_is_string(json_object_get(absentee, "why"));
}

/* Whether an honest creator may say this of so many survivors. */
static bool are_parties(const json_t *parties, uint32_t survived)
{
    const json_t *names = json_object_get(parties, "names");
    const json_t *missing = json_object_get(parties, "missing");
    json_int_t joined = json_integer_value(json_object_get(parties, "joined"));
    json_int_t invited = json_integer_value(json_object_get(parties, "invited"));
    bool is_well = json_object_size(parties) == 5 && survived > 0 && joined >= survived &&
                   invited >= joined && json_array_size(names) == survived &&
                   (json_int_t)json_array_size(missing) == invited - survived &&
                   json_integer_value(json_object_get(parties, "survived")) == survived;
    for (size_t i = 0; i < json_array_size(names); i++) {
        is_well = is_well && json_is_string(json_array_get(names, i));
    }
    for (size_t i = 0; i < json_array_size(missing); i++) {
        is_well = is_well && is_absentee(json_array_get(missing, i));
    }
    return is_well;
}

enum sotto_status sotto__training_is_result(const struct sotto__training *training, bool *out,
                                            const char *text, uint32_t survived,
                                            struct sotto_error *err)
{
    json_t *claim = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    json_t *own = make_own(training);
    json_t *parties = json_object_get(claim, "parties");
    enum sotto_status status = SOTTO_OK;
    *out = false;
    if (own == NULL) {
        status = sotto_error_no_memory(err);
    } else if (are_parties(parties, survived) && json_object_set(own, "parties", parties) == 0) {
        char *own_text = json_dumps(own, JSON_COMPACT | JSON_SORT_KEYS);
        *out = own_text != NULL && strcmp(own_text, text) == 0; /* one spelling */
        free(own_text);
    }
    json_decref(own);
    json_decref(claim);
    return status;
}
