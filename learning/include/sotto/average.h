/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_AVERAGE_H
#define SOTTO_AVERAGE_H

/* The mean of the weights of many parties, as one secure sum. A party's weights become fixed point
 * and are multiplied by its rows, or by 1: integers, which are added without error. So the mean is
 * the exact mean of the fixed-point weights, rounded once, whatever the order of the parties.
 * Tensors of integers are what they are, up to 2^(range_bits + scale_bits). */

#include <sotto/bundle.h>
#include <sotto/fixed.h>
#include <sotto/session.h>
#include <sotto/tensors.h>

SOTTO_BEGIN_DECLS

#define SOTTO_AVERAGE_RUNS 2

/* How weights become a vector: elements_len integers of element_bytes each, in the order of the
 * tensors' names; then two of 64 bits, the rows (or 1) and how many weights were clipped. */
struct sotto_average {
    struct sotto_fixed fixed; /* of the weights of one party */
    uint32_t element_bytes;   /* 4, 5, 8 or 16: the narrowest that the sum fits for certain */
    size_t elements_len;
    bool is_weighted;
    uint64_t rows_max; /* of one party */
    uint32_t parties_max;
};

/* What a sum says beside the weights. */
struct sotto_average_counts {
    uint64_t rows;    /* of all contributors; how many they are, where the mean is not weighted */
    uint64_t clipped; /* weights that were beyond the range and became its end, in all parties */
};

/* Derives the vector from what the manifest declares, the model and the number of parties: no sum
 * of parties_max parties can overflow. Returns: SOTTO_ERROR_LIMIT for a model without elements, of
 * more than parameters_max, for F16 and a range above 2^15, for a vector above
 * SOTTO_VECTOR_BYTES_MAX, and no parties. */
SOTTO_API enum sotto_status sotto_average_init(struct sotto_average *out,
                                               const struct sotto_bundle_manifest *manifest,
                                               const struct sotto_tensors *model,
                                               uint32_t parties_max,
                                               struct sotto_error *err) SOTTO_NODISCARD;

/* The shape of the vector, as aggregation/ takes it. */
SOTTO_API void sotto_average_runs(struct sotto_vector_run out[SOTTO_AVERAGE_RUNS],
                                  const struct sotto_average *average);

/* How many bytes the vector has. */
SOTTO_API size_t sotto_average_bytes(const struct sotto_average *average);

/* Encodes a party's weights after training on `rows` rows, of which an unweighted mean needs none.
 * Weights beyond the range become its end, and are counted. Returns: SOTTO_ERROR_TYPE where they
 * are not like the model's tensors; SOTTO_ERROR_INPUT for NaN and infinities, by tensor and index;
 * SOTTO_ERROR_LIMIT for more rows than rows_max. Out: vector, sotto_average_bytes of it, zeroed on
 * failure; *out_clipped. */
SOTTO_API enum sotto_status sotto_average_encode(uint8_t *vector, size_t *out_clipped,
                                                 const struct sotto_average *average,
                                                 const struct sotto_tensors *weights,
                                                 const struct sotto_tensors *model, uint64_t rows,
                                                 struct sotto_error *err) SOTTO_NODISCARD;

/* Decodes the sum of parties_len parties' vectors: each weight is the number of its tensor's type
 * that is nearest to the exact mean, ties to even. Returns: SOTTO_ERROR_PROTOCOL for a sum that
 * such vectors can't have; SOTTO_ERROR_INPUT where no party had a row; as sotto_tensors_write. Out:
 * the new model is appended to out as safetensors. */
SOTTO_API enum sotto_status
sotto_average_decode(struct sotto_writer *out, struct sotto_average_counts *out_counts,
                     const struct sotto_average *average, const uint8_t *sum,
                     const struct sotto_tensors *model, uint32_t parties_len,
                     struct sotto_error *err) SOTTO_NODISCARD;

/* Server momentum [Hsu, Qi, Brown 2019, FedAvgM] of one tensor: its step is that of the mean from
 * the weights before, and so many percent of the step before; integers keep their mean. The same
 * bits everywhere, in steps of the fixed point, and no further than its range. In-out: weights, the
 * mean as sotto_average_decode has it, become the next weights; velocity, a double for each of
 * them, zeros in the beginning. In: before, with data, of the same type and shape. */
SOTTO_API void sotto_average_momentum(uint8_t *weights, double *velocity,
                                      const struct sotto_average *average,
                                      const struct sotto_tensor *before, int64_t percent);

SOTTO_END_DECLS

#endif
