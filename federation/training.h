/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_FEDERATION_TRAINING_H
#define SOTTO_FEDERATION_TRAINING_H

/* A model that parties train together: each round's sum is of their weights (sotto/average.h), and
 * its mean is what they train on in the next one. Nothing here runs code. */

#include <sotto/average.h>
#include <sotto/driver.h>

#define SOTTO__METRICS_MAX 16

/* What is said of a round beside its model. */
struct sotto__training_round {
    struct sotto_average_counts counts;
    uint32_t parties; /* whose weights are in it */
    bool is_measured;
    double metrics[SOTTO__METRICS_MAX]; /* of the model that it began with */
};

struct sotto__training {
    struct sotto_average average;
    struct sotto_tensors shapes;  /* of the model, without data */
    struct sotto_buffer encoding; /* of shapes, and a digest of the weights that all begin with */
    struct sotto_buffer model;    /* safetensors: the mean of the last round; empty before it */
    struct sotto__training_round *over; /* [rounds] */
    uint32_t round;                     /* the next one; 0: none */
    uint32_t rounds;                    /* at most, and when it ended that many */
    size_t metrics[SOTTO__METRICS_MAX]; /* tensors that are metrics, of 64 bits */
    size_t metrics_len;
    size_t loss; /* which metric says when to stop; or SOTTO_NONE */
    int64_t validate_every;
    int64_t stop_after;
    int64_t momentum_percent;
    double *velocity; /* [elements of the model], of the last step; NULL without momentum */
    char bundle[2 * SOTTO_BUNDLE_DIGEST_BYTES + 1];
};

/* What a party offers: the shapes of the weights with which its code begins, and their digest.
 * Returns: as sotto_tensors_read, sotto_average_init for three parties. Ownership: *out is ended by
 * sotto_buffer_release. */
enum sotto_status sotto__training_offer(struct sotto_buffer *out, const struct sotto_bundle *bundle,
                                        const void *weights, size_t weights_bytes,
                                        struct sotto_error *err) SOTTO_NODISCARD;

/* Makes a training of what all parties offer. Returns: SOTTO_ERROR_INPUT for a malformed offer, and
 * for metrics that are none; as sotto_average_init. Ownership: *out is ended by
 * sotto__training_free. */
enum sotto_status sotto__training_new(struct sotto__training **out,
                                      const struct sotto_bundle *bundle,
                                      const struct sotto_plan *plan, const uint8_t *offer,
                                      size_t offer_bytes, uint32_t parties_len,
                                      struct sotto_error *err) SOTTO_NODISCARD;
void sotto__training_free(struct sotto__training *training);

/* Whether the code measures the model, and trains, in the round that comes next. */
bool sotto__training_measures(const struct sotto__training *training);
bool sotto__training_trains(const struct sotto__training *training);

/* Takes the sum of a round over so many parties. It is the last one where the loss was not below
 * the least one before for as many measurements as the bundle says; of a last one that measured the
 * model is that of the round before. Returns: as sotto_average_decode. */
enum sotto_status sotto__training_advance(struct sotto__training *training, const uint8_t *sum,
                                          uint32_t parties_len,
                                          struct sotto_error *err) SOTTO_NODISCARD;

/* A party's vector for the round. Out: vector, sotto_average_bytes of it. Returns: as
 * sotto_tensors_read, sotto_average_encode. */
enum sotto_status sotto__training_encode(const struct sotto__training *training, uint8_t *vector,
                                         size_t *out_clipped, const void *weights,
                                         size_t weights_bytes, uint64_t rows,
                                         struct sotto_error *err) SOTTO_NODISCARD;

/* The name of a metric. */
const char *sotto__training_metric(const struct sotto__training *training, size_t metric);

/* The result as JSON (engine/PLAN.md, "Learning"). Ownership: *out is ended by sotto_free. */
enum sotto_status sotto__training_result(const struct sotto__training *training, char **out,
                                         const struct sotto_result_parties *parties,
                                         struct sotto_error *err) SOTTO_NODISCARD;

/* Whether a text, of anybody's, is the result of so many survivors. Only what it says of who was
 * invited and who is missing is taken over. */
enum sotto_status sotto__training_is_result(const struct sotto__training *training, bool *out,
                                            const char *text, uint32_t survived,
                                            struct sotto_error *err) SOTTO_NODISCARD;

#endif
