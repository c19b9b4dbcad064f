/* SPDX-License-Identifier: Apache-2.0 */

/* Weights of parties as one vector of integers, and their mean; leans on aggregation's fixed point.
 * The idea: widths come from what is declared, never from what is found. A party has at most
 * rows_max rows, and its weights at most 2^range_bits in steps of 2^-scale_bits, so whether the sum
 * fits is known before the first value; and a sum beyond that was made by somebody who lied. */

#include "integers.h"

#include <sotto/alloc.h>
#include <sotto/average.h>

#include <math.h>
#include <string.h>

#define CHUNK_LEN 512 /* weights at a time, so that nothing is allocated */
#define COUNTS_LEN 2  /* rows and clipped, behind the weights */
#define F16_RANGE_BITS_MAX 15

/* What the sum of one weight is at most in magnitude, of parties of `weight` rows in all. */
static sotto__u128 find_bound(const struct sotto_average *average, uint64_t weight)
{
    return (sotto__u128)ldexp(average->fixed.bound, average->fixed.scale_bits) * weight;
}

static enum sotto_status check_model(const struct sotto_bundle_manifest *manifest,
                                     const struct sotto_tensors *model, struct sotto_error *err)
{
    if (model->elements_len < 1 || model->elements_len > (uint64_t)manifest->parameters_max) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "the model: expected 1 to %lld elements (parameters_max), found %zu",
                               (long long)manifest->parameters_max, model->elements_len);
    }
    for (size_t i = 0; i < model->tensors_len; i++) {
        const struct sotto_tensor *tensor = &model->tensors[i];
        if (tensor->type == SOTTO_TENSOR_F16 && manifest->range_bits > F16_RANGE_BITS_MAX) {
            return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                                   "tensor '%s' is F16: expected range_bits of at most %d, found "
                                   "%lld",
                                   tensor->name, F16_RANGE_BITS_MAX,
                                   (long long)manifest->range_bits);
        }
    }
    return SOTTO_OK;
}

enum sotto_status sotto_average_init(struct sotto_average *out,
                                     const struct sotto_bundle_manifest *manifest,
                                     const struct sotto_tensors *model, uint32_t parties_max,
                                     struct sotto_error *err)
{
    static const uint32_t widths[] = {4, 5, 8, 16};
    *out = (struct sotto_average){0};
    if (parties_max < 1 || parties_max > SOTTO_SESSION_PARTIES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT, "expected 1 to %d parties, found %u",
                               SOTTO_SESSION_PARTIES_MAX, parties_max);
    }
    enum sotto_status status = check_model(manifest, model, err);
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto_average average = {
        .fixed = {8, (int)manifest->scale_bits, ldexp(1, (int)manifest->range_bits)},
        .elements_len = model->elements_len,
        .is_weighted = manifest->is_weighted,
        .rows_max = manifest->is_weighted ? (uint64_t)manifest->rows_max : 1,
        .parties_max = parties_max,
    };
    status = sotto_fixed_check(&average.fixed, 1, err);
    if (status != SOTTO_OK) {
        return status;
    }
    /* Below 2^(62 + 40 + 17): the widest always fits. */
    sotto__u128 bound = find_bound(&average, average.rows_max * parties_max);
    size_t w = 0;
    while (bound >> (8 * widths[w] - 1) != 0) {
        w++;
    }
    average.element_bytes = widths[w];
    if (sotto_average_bytes(&average) > SOTTO_VECTOR_BYTES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "%zu weights of %u bytes in a sum of %u parties: expected at most "
                               "%zu bytes",
                               average.elements_len, average.element_bytes, parties_max,
                               SOTTO_VECTOR_BYTES_MAX);
    }
    *out = average;
    return SOTTO_OK;
}

void sotto_average_runs(struct sotto_vector_run out[SOTTO_AVERAGE_RUNS],
                        const struct sotto_average *average)
{
    out[0] = (struct sotto_vector_run){average->element_bytes, average->elements_len};
    out[1] = (struct sotto_vector_run){sizeof(uint64_t), COUNTS_LEN};
}

size_t sotto_average_bytes(const struct sotto_average *average)
{
    return average->elements_len * average->element_bytes + COUNTS_LEN * sizeof(uint64_t);
}

/* Loads an element of a vector, and extends its sign. Most have 8 bytes: a size that the compiler
 * knows. */
static sotto__i128 load_sum(const uint8_t *from, uint32_t element_bytes)
{
    sotto__u128 bits = 0;
    int64_t word;
    if (element_bytes == sizeof word) {
        memcpy(&word, from, sizeof word);
        return word;
    }
    memcpy(&bits, from, element_bytes);
    unsigned unused_bits = 128 - 8 * element_bytes;
    return (sotto__i128)(bits << unused_bits) >> unused_bits;
}

static void store_sum(uint8_t *to, sotto__i128 sum, uint32_t element_bytes)
{
    if (element_bytes == sizeof(int64_t)) {
        memcpy(to, &sum, sizeof(int64_t));
    } else {
        memcpy(to, &sum, element_bytes);
    }
}

/* The integers of a tensor that a sum has room for: as many steps as weights have, of 1 each. */
static struct sotto__integer_range find_integers(const struct sotto_average *average,
                                                 enum sotto_tensor_type type)
{
    int64_t end = (int64_t)find_bound(average, 1); /* at most 2^62 */
    struct sotto__integer_range range = sotto__integer_range(type);
    range.least = range.least < -end ? -end : range.least;
    range.most = range.most > end ? end : range.most;
    return range;
}

static void encode_integers(uint8_t *to, size_t *in_out_clipped,
                            const struct sotto_average *average, const struct sotto_tensor *tensor,
                            uint64_t weight)
{
    struct sotto__integer_range range = find_integers(average, tensor->type);
    size_t element = sotto_tensor_type_bytes(tensor->type);
    for (size_t i = 0; i < tensor->elements_len; i++) {
        int64_t found = sotto__integer_load(tensor->type, tensor->data + i * element);
        int64_t value = found < range.least ? range.least : found;
        value = value > range.most ? range.most : value;
        *in_out_clipped += value != found;
        store_sum(to + i * average->element_bytes, (sotto__i128)value * (sotto__i128)weight,
                  average->element_bytes);
    }
}

/* Encodes `len` weights of a tensor from index `begin`. */
static enum sotto_status encode_chunk(uint8_t *to, size_t *in_out_clipped,
                                      const struct sotto_average *average,
                                      const struct sotto_tensor *tensor, size_t begin, size_t len,
                                      uint64_t weight, struct sotto_error *err)
{
    double values[CHUNK_LEN];
    int64_t steps[CHUNK_LEN]; /* as elements of 8 bytes are */
    size_t element = sotto_tensor_type_bytes(tensor->type);
    size_t clipped = 0;
    for (size_t i = 0; i < len; i++) {
        values[i] = sotto__float_load(tensor->type, tensor->data + (begin + i) * element);
        if (!isfinite(values[i])) {
            return sotto_error_set(err, SOTTO_ERROR_INPUT,
                                   "tensor '%s', element %zu is %g: expected a finite weight",
                                   tensor->name, begin + i, values[i]);
        }
    }
    enum sotto_status status =
        sotto_fixed_encode((uint8_t *)steps, &clipped, &average->fixed, values, len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    for (size_t i = 0; i < len; i++) {
        sotto__i128 sum = (sotto__i128)steps[i] * (sotto__i128)weight;
        store_sum(to + i * average->element_bytes, sum, average->element_bytes);
    }
    *in_out_clipped += clipped;
    return SOTTO_OK;
}

static enum sotto_status encode_floats(uint8_t *to, size_t *in_out_clipped,
                                       const struct sotto_average *average,
                                       const struct sotto_tensor *tensor, uint64_t weight,
                                       struct sotto_error *err)
{
    enum sotto_status status = SOTTO_OK;
    for (size_t at = 0; at < tensor->elements_len && status == SOTTO_OK; at += CHUNK_LEN) {
        size_t left = tensor->elements_len - at;
        size_t len = left < CHUNK_LEN ? left : CHUNK_LEN;
        status = encode_chunk(to + at * average->element_bytes, in_out_clipped, average, tensor, at,
                              len, weight, err);
    }
    return status;
}

static enum sotto_status encode_weights(uint8_t *vector, size_t *out_clipped,
                                        const struct sotto_average *average,
                                        const struct sotto_tensors *weights, uint64_t weight,
                                        struct sotto_error *err)
{
    size_t clipped = 0;
    uint8_t *to = vector;
    for (size_t i = 0; i < weights->tensors_len; i++) {
        const struct sotto_tensor *tensor = &weights->tensors[i];
        enum sotto_status status = SOTTO_OK;
        if (sotto_tensor_type_is_float(tensor->type)) {
            status = encode_floats(to, &clipped, average, tensor, weight, err);
        } else {
            encode_integers(to, &clipped, average, tensor, weight);
        }
        if (status != SOTTO_OK) {
            return status;
        }
        to += tensor->elements_len * average->element_bytes;
    }
    sotto_store_u64(to, weight);
    sotto_store_u64(to + sizeof(uint64_t), clipped);
    *out_clipped = clipped;
    return SOTTO_OK;
}

enum sotto_status sotto_average_encode(uint8_t *vector, size_t *out_clipped,
                                       const struct sotto_average *average,
                                       const struct sotto_tensors *weights,
                                       const struct sotto_tensors *model, uint64_t rows,
                                       struct sotto_error *err)
{
    *out_clipped = 0;
    memset(vector, 0, sotto_average_bytes(average));
    enum sotto_status status = sotto_tensors_check_alike(weights, model, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (average->is_weighted && rows > average->rows_max) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "expected at most %llu rows (rows_max), found %llu",
                               (unsigned long long)average->rows_max, (unsigned long long)rows);
    }
    status =
        encode_weights(vector, out_clipped, average, weights, average->is_weighted ? rows : 1, err);
    if (status != SOTTO_OK) {
        memset(vector, 0, sotto_average_bytes(average));
    }
    return status;
}

static enum sotto_status read_counts(struct sotto_average_counts *out,
                                     const struct sotto_average *average, const uint8_t *sum,
                                     uint32_t parties_len, struct sotto_error *err)
{
    const uint8_t *counts = sum + average->elements_len * average->element_bytes;
    *out = (struct sotto_average_counts){
        .rows = sotto_load_u64(counts),
        .clipped = sotto_load_u64(counts + sizeof(uint64_t)),
    };
    bool weighted_fits = out->rows <= average->rows_max * parties_len;
    bool fits = average->is_weighted ? weighted_fits : out->rows == parties_len;
    if (!fits || out->clipped > (uint64_t)average->elements_len * parties_len) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "the sum of %u parties counts %llu rows and %llu clipped weights: "
                               "a party sent what it can't have",
                               parties_len, (unsigned long long)out->rows,
                               (unsigned long long)out->clipped);
    }
    return out->rows > 0 ? SOTTO_OK
                         : sotto_error_set(err, SOTTO_ERROR_INPUT,
                                           "no party had a row to train on: expected one at least");
}

/* Stores the means of one tensor. Returns: its index of the first sum that can't be, or SOTTO_NONE.
 */
static size_t decode_tensor(uint8_t *to, const struct sotto_average *average,
                            const struct sotto_tensor *tensor, const uint8_t *sum, uint64_t rows)
{
    size_t element = sotto_tensor_type_bytes(tensor->type);
    bool is_float = sotto_tensor_type_is_float(tensor->type);
    struct sotto__integer_range range = find_integers(average, tensor->type);
    sotto__i128 bound = (sotto__i128)find_bound(average, rows);
    sotto__i128 least = is_float ? -bound : (sotto__i128)range.least * (sotto__i128)rows;
    sotto__i128 most = is_float ? bound : (sotto__i128)range.most * (sotto__i128)rows;
    for (size_t i = 0; i < tensor->elements_len; i++) {
        sotto__i128 value = load_sum(sum + i * average->element_bytes, average->element_bytes);
        if (value > most || value < least) {
            return i;
        }
        uint8_t *at = to + i * element;
        if (is_float) {
            sotto__float_store(tensor->type, at, value, rows, average->fixed.scale_bits);
        } else {
            sotto__integer_store(tensor->type, at, value, rows);
        }
    }
    return SOTTO_NONE;
}

static enum sotto_status decode_weights(struct sotto_writer *out, const size_t *offsets,
                                        const struct sotto_average *average, const uint8_t *sum,
                                        const struct sotto_tensors *model, uint64_t rows,
                                        struct sotto_error *err)
{
    for (size_t i = 0; i < model->tensors_len; i++) {
        const struct sotto_tensor *tensor = &model->tensors[i];
        size_t wrong = decode_tensor(out->data + offsets[i], average, tensor, sum, rows);
        if (wrong != SOTTO_NONE) {
            return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                   "tensor '%s', element %zu: the sum is beyond the range of all "
                                   "its %llu rows: a party sent what it can't have",
                                   tensor->name, wrong, (unsigned long long)rows);
        }
        sum += tensor->elements_len * average->element_bytes;
    }
    return SOTTO_OK;
}

enum sotto_status sotto_average_decode(struct sotto_writer *out,
                                       struct sotto_average_counts *out_counts,
                                       const struct sotto_average *average, const uint8_t *sum,
                                       const struct sotto_tensors *model, uint32_t parties_len,
                                       struct sotto_error *err)
{
    SOTTO_REQUIRE(model->elements_len == average->elements_len);
    *out_counts = (struct sotto_average_counts){0};
    struct sotto_average_counts counts;
    size_t before = out->data_bytes;
    size_t *offsets = sotto_alloc_array(model->tensors_len, sizeof *offsets);
    if (offsets == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = read_counts(&counts, average, sum, parties_len, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_tensors_write(out, offsets, model, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = decode_weights(out, offsets, average, sum, model, counts.rows, err);
    if (status != SOTTO_OK) {
        out->data_bytes = before;
        goto out;
    }
    *out_counts = counts;
out:
    sotto_free(offsets);
    return status;
}
