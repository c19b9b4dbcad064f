/* SPDX-License-Identifier: Apache-2.0 */

/* The mean of weights is the exact mean of the parties' fixed-point weights, rounded once, in
 * whatever order they are added; what can't be such a mean is refused. */

#include "cases.h"
#include "fault.h"
#include "files.h"
#include "test.h"

#include "learning/integers.h"

#include <gmp.h>
#include <math.h>
#include <sotto/alloc.h>
#include <sotto/average.h>
#include <sotto/secret.h>
#include <stdio.h>

#define PARTIES_MAX 12
#define ELEMENTS_MAX 24
#define TENSORS_LEN 4
#define MODEL_BYTES_MAX 4096

static const enum sotto_tensor_type float_types[TENSORS_LEN] = {
    SOTTO_TENSOR_F64, SOTTO_TENSOR_F32, SOTTO_TENSOR_F16, SOTTO_TENSOR_BF16};

/* One random case. */
struct averaging {
    struct sotto_bundle_manifest manifest;
    struct sotto_average average;
    uint32_t parties_len;
    struct sotto_tensor tensors[PARTIES_MAX][TENSORS_LEN];
    struct sotto_tensors weights[PARTIES_MAX];
    uint8_t data[PARTIES_MAX][TENSORS_LEN][ELEMENTS_MAX * 8];
    uint64_t rows[PARTIES_MAX];
};

/* A finite number of a type: any bits, or one at the half of a step, or one near the range's end.
 */
static void draw_weight(uint8_t *to, enum sotto_tensor_type type,
                        const struct sotto_bundle_manifest *manifest, uint64_t *random)
{
    size_t kind = test_random_below(random, 4);
    int64_t steps = (int64_t)test_random_below(random, 2001) - 1000;
    uint64_t bits = test_random(random);
    if (kind == 0) { /* ties, exact in every type where they are small */
        sotto__float_store(type, to, 2 * steps + 1, 2, (int)manifest->scale_bits);
    } else if (kind == 1) {
        uint64_t end = (uint64_t)1 << (manifest->range_bits + manifest->scale_bits);
        int64_t value = (int64_t)(end - test_random_below(random, 3) * (end > 8));
        sotto__float_store(type, to, steps < 0 ? -value : value, 1, (int)manifest->scale_bits);
    } else {
        do {
            bits = test_random(random);
            memcpy(to, &bits, sotto_tensor_type_bytes(type));
        } while (!isfinite(sotto__float_load(type, to)));
    }
}

static void draw_manifest(struct sotto_bundle_manifest *out, uint64_t *random)
{
    int64_t range = (int64_t)test_random_below(random, 20) - 4;
    int64_t least = range < 0 ? -range : 0;
    int64_t most = 62 - range < 60 ? 62 - range : 60;
    *out = (struct sotto_bundle_manifest){
        .is_weighted = test_random_below(random, 3) > 0,
        .parameters_max = TENSORS_LEN * ELEMENTS_MAX,
        .range_bits = range,
        .scale_bits = least + (int64_t)test_random_below(random, (size_t)(most - least + 1)),
        .rows_max = (int64_t)1 << test_random_below(random, 41),
    };
    out->range_bits = out->range_bits > 15 ? 15 : out->range_bits;
}

static void draw_party(struct averaging *out, size_t party, const size_t lens[TENSORS_LEN],
                       uint64_t *random)
{
    for (size_t k = 0; k < TENSORS_LEN; k++) {
        struct sotto_tensor *tensor = &out->tensors[party][k];
        size_t element = sotto_tensor_type_bytes(float_types[k]);
        *tensor = (struct sotto_tensor){.type = float_types[k],
                                        .rank = 1,
                                        .shape = {lens[k]},
                                        .elements_len = lens[k],
                                        .data = out->data[party][k],
                                        .data_bytes = lens[k] * element};
        (void)snprintf(tensor->name, sizeof tensor->name, "t%zu", k);
        for (size_t i = 0; i < lens[k]; i++) {
            draw_weight(out->data[party][k] + i * element, float_types[k], &out->manifest, random);
        }
    }
    out->weights[party] = (struct sotto_tensors){out->tensors[party], TENSORS_LEN,
                                                 lens[0] + lens[1] + lens[2] + lens[3]};
    out->rows[party] = test_random(random) % ((uint64_t)out->manifest.rows_max + 1);
}

static void draw_case(struct averaging *out, uint64_t *random)
{
    size_t lens[TENSORS_LEN];
    draw_manifest(&out->manifest, random);
    out->parties_len = 1 + (uint32_t)test_random_below(random, PARTIES_MAX);
    for (size_t k = 0; k < TENSORS_LEN; k++) {
        lens[k] = 1 + test_random_below(random, ELEMENTS_MAX);
    }
    for (size_t party = 0; party < out->parties_len; party++) {
        draw_party(out, party, lens, random);
    }
    out->rows[0] += out->rows[0] == 0;
    assert_ok(sotto_average_init(&out->average, &out->manifest, &out->weights[0], out->parties_len,
                                 NULL));
}

/* Sums the parties' vectors from `first` on, round and round. Ended by sotto_free. */
static uint8_t *sum_up(const struct averaging *averaging, size_t first, size_t *out_clipped)
{
    size_t bytes = sotto_average_bytes(&averaging->average);
    struct sotto_vector_run runs[SOTTO_AVERAGE_RUNS];
    uint8_t *sum = sotto_alloc_aligned(bytes);
    uint8_t *vector = sotto_alloc_aligned(bytes);
    assert_true(sum != NULL && vector != NULL);
    sotto_average_runs(runs, &averaging->average);
    size_t runs_bytes;
    assert_ok(sotto_vector_bytes(&runs_bytes, runs, SOTTO_AVERAGE_RUNS));
    assert_int_equal(runs_bytes, bytes);
    *out_clipped = 0;
    for (size_t i = 0; i < averaging->parties_len; i++) {
        size_t party = (first + i) % averaging->parties_len;
        size_t clipped;
        assert_ok(sotto_average_encode(vector, &clipped, &averaging->average,
                                       &averaging->weights[party], &averaging->weights[0],
                                       averaging->rows[party], NULL));
        sotto_vector_add(sum, vector, runs, SOTTO_AVERAGE_RUNS);
        *out_clipped += clipped;
    }
    sotto_free(vector);
    return sum;
}

/* The fixed-point weight of a double, by rationals alone: to the nearest step, ties to even. */
static void make_steps(mpz_t out, double weight, const struct sotto_bundle_manifest *manifest,
                       size_t *in_out_clipped)
{
    double end = ldexp(1, (int)manifest->range_bits);
    bool is_beyond = fabs(weight) > end;
    *in_out_clipped += is_beyond;
    mpq_t value;
    mpq_t half;
    mpz_t rest;
    mpq_init(value);
    mpq_init(half);
    mpz_init(rest);
    mpq_set_d(value, is_beyond ? copysign(end, weight) : weight);
    mpq_mul_2exp(value, value, (mp_bitcnt_t)manifest->scale_bits);
    mpq_set_ui(half, 1, 2);
    mpq_add(value, value, half);
    mpz_fdiv_qr(out, rest, mpq_numref(value), mpq_denref(value));
    if (mpz_sgn(rest) == 0 && mpz_odd_p(out)) {
        mpz_sub_ui(out, out, 1);
    }
    mpq_clear(value);
    mpq_clear(half);
    mpz_clear(rest);
}

/* The exact mean of element i of tensor k. */
static void make_mean(mpq_t out, const struct averaging *averaging, size_t k, size_t i,
                      size_t *in_out_clipped)
{
    mpz_t steps;
    mpz_init(steps);
    mpq_set_ui(out, 0, 1);
    mpz_set_ui(mpq_denref(out), 0);
    for (size_t party = 0; party < averaging->parties_len; party++) {
        const struct sotto_tensor *tensor = &averaging->tensors[party][k];
        uint64_t rows = averaging->manifest.is_weighted ? averaging->rows[party] : 1;
        double weight = sotto__float_load(tensor->type,
                                          tensor->data + i * sotto_tensor_type_bytes(tensor->type));
        make_steps(steps, weight, &averaging->manifest, in_out_clipped);
        mpz_addmul_ui(mpq_numref(out), steps, rows);
        mpz_add_ui(mpq_denref(out), mpq_denref(out), rows);
    }
    mpz_mul_2exp(mpq_denref(out), mpq_denref(out), (mp_bitcnt_t)averaging->manifest.scale_bits);
    mpq_canonicalize(out);
    mpz_clear(steps);
}

/* How far the element of these bits is from a mean. */
static void measure_distance(mpq_t out, enum sotto_tensor_type type, uint64_t bits,
                             const mpq_t mean)
{
    mpq_set_d(out, sotto__float_load(type, (const uint8_t *)&bits));
    mpq_sub(out, out, mean);
    mpq_abs(out, out);
}

/* No neighbour is nearer; one that is as near has an odd last bit. */
static void check_nearest(enum sotto_tensor_type type, const uint8_t *element, const mpq_t mean)
{
    size_t width = sotto_tensor_type_bytes(type);
    uint64_t sign = (uint64_t)1 << (8 * width - 1);
    uint64_t bits = 0;
    memcpy(&bits, element, width);
    assert_true(isfinite(sotto__float_load(type, element)));
    uint64_t below = (bits & (sign - 1)) == 0 ? (bits ^ sign) + 1 : bits - 1;
    const uint64_t neighbours[] = {bits + 1, below};
    mpq_t distance;
    mpq_t other;
    mpq_init(distance);
    mpq_init(other);
    measure_distance(distance, type, bits, mean);
    for (size_t i = 0; i < 2; i++) {
        if (isfinite(sotto__float_load(type, (const uint8_t *)&neighbours[i]))) {
            measure_distance(other, type, neighbours[i], mean);
            int order = mpq_cmp(distance, other);
            assert_true(order < 0 || (order == 0 && (bits & 1) == 0));
        }
    }
    mpq_clear(distance);
    mpq_clear(other);
}

static void check_case(const struct averaging *averaging, uint64_t *random)
{
    size_t clipped;
    size_t clipped_again;
    size_t expected_clipped = 0;
    size_t bytes = sotto_average_bytes(&averaging->average);
    uint8_t *sum = sum_up(averaging, 0, &clipped);
    uint8_t *again =
        sum_up(averaging, test_random_below(random, averaging->parties_len), &clipped_again);
    assert_memory_equal(sum, again, bytes);
    struct sotto_writer writer;
    struct sotto_average_counts counts;
    struct sotto_tensors model;
    sotto_writer_init(&writer, MODEL_BYTES_MAX);
    assert_ok(sotto_average_decode(&writer, &counts, &averaging->average, sum,
                                   &averaging->weights[0], averaging->parties_len, NULL));
    assert_ok(sotto_tensors_read(&model, writer.data, writer.data_bytes,
                                 averaging->average.elements_len, NULL));
    mpq_t mean;
    mpq_init(mean);
    for (size_t k = 0; k < TENSORS_LEN; k++) {
        const struct sotto_tensor *tensor = &model.tensors[k];
        for (size_t i = 0; i < tensor->elements_len; i++) {
            make_mean(mean, averaging, k, i, &expected_clipped);
            check_nearest(tensor->type, tensor->data + i * sotto_tensor_type_bytes(tensor->type),
                          mean);
        }
    }
    assert_int_equal(clipped, expected_clipped);
    assert_int_equal(counts.clipped, expected_clipped);
    mpq_clear(mean);
    sotto_tensors_release(&model);
    sotto_writer_release(&writer);
    sotto_free(sum);
    sotto_free(again);
}

static void test_means_are_exact(void **state)
{
    (void)state;
    static struct averaging averaging;
    uint64_t random = 20;
    for (size_t i = test_cases(300); i > 0; i--) {
        draw_case(&averaging, &random);
        check_case(&averaging, &random);
    }
}

/* The sum of the largest weights fits, and an element of the next width below would not hold it. */
static void test_widths_come_from_what_is_declared(void **state)
{
    (void)state;
    static const uint32_t widths[] = {4, 5, 8, 16};
    size_t seen[4] = {0};
    static struct averaging averaging;
    uint64_t random = 21;
    for (size_t i = test_cases(300); i > 0; i--) {
        draw_case(&averaging, &random);
        const struct sotto_average *average = &averaging.average;
        double weight = averaging.manifest.is_weighted ? (double)averaging.manifest.rows_max : 1;
        double largest =
            ldexp(weight * averaging.parties_len,
                  (int)averaging.manifest.range_bits + (int)averaging.manifest.scale_bits);
        size_t w = 0;
        while (widths[w] != average->element_bytes) {
            w++;
        }
        seen[w]++;
        assert_true(largest < ldexp(1, 8 * (int)widths[w] - 1)); /* few bits: all of it is exact */
        assert_true(w == 0 || largest >= ldexp(1, 8 * (int)widths[w - 1] - 1));
    }
    assert_true(seen[0] > 0 && seen[1] > 0 && seen[2] > 0 && seen[3] > 0);
}

/* A model of one F32 tensor "w" of two elements. */
static struct sotto_tensors make_model(struct sotto_tensor *tensor, const float data[2])
{
    *tensor = (struct sotto_tensor){.name = "w",
                                    .type = SOTTO_TENSOR_F32,
                                    .rank = 1,
                                    .shape = {2},
                                    .elements_len = 2,
                                    .data = (const uint8_t *)data,
                                    .data_bytes = 8};
    return (struct sotto_tensors){tensor, 1, 2};
}

static const struct sotto_bundle_manifest usual = {
    .is_weighted = true, .parameters_max = 2, .range_bits = 3, .scale_bits = 16, .rows_max = 1000};

static void test_models_that_have_no_mean(void **state)
{
    (void)state;
    const float data[2] = {0};
    struct sotto_tensor tensor;
    struct sotto_tensors model = make_model(&tensor, data);
    struct sotto_bundle_manifest manifest = usual;
    struct sotto_average average;
    struct sotto_error err;
    assert_int_equal(sotto_average_init(&average, &manifest, &model, 0, &err), SOTTO_ERROR_LIMIT);
    assert_int_equal(sotto_average_init(&average, &manifest, &model, 1001, &err),
                     SOTTO_ERROR_LIMIT);
    manifest.parameters_max = 1;
    assert_int_equal(sotto_average_init(&average, &manifest, &model, 3, &err), SOTTO_ERROR_LIMIT);
    assert_contains(err.text, "expected 1 to 1 elements (parameters_max), found 2");
    manifest.parameters_max = 2;
    tensor.type = SOTTO_TENSOR_F16;
    manifest.range_bits = 16;
    assert_int_equal(sotto_average_init(&average, &manifest, &model, 3, &err), SOTTO_ERROR_LIMIT);
    assert_contains(err.text, "range_bits of at most 15, found 16");
    model.elements_len = (size_t)100 * 1000 * 1000;
    manifest = usual;
    manifest.parameters_max = 100 * 1000 * 1000;
    assert_int_equal(sotto_average_init(&average, &manifest, &model, 3, &err), SOTTO_ERROR_LIMIT);
    assert_contains(err.text, "expected at most 251658240 bytes");
}

static void test_weights_that_are_no_numbers(void **state)
{
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    float data[2] = {1, 2};
    struct sotto_tensor tensor;
    struct sotto_tensors model = make_model(&tensor, data);
    struct sotto_average average;
    struct sotto_error err;
    uint8_t vector[64];
    size_t clipped;
    static const uint8_t zeros[64];
    assert_ok(sotto_average_init(&average, &usual, &model, 3, &err));
    for (size_t i = 0; i < 3; i++) {
        data[1] = bad[i];
        assert_int_equal(sotto_average_encode(vector, &clipped, &average, &model, &model, 7, &err),
                         SOTTO_ERROR_INPUT);
        assert_contains(err.text, "tensor 'w', element 1 is ");
        assert_memory_equal(vector, zeros, sotto_average_bytes(&average));
    }
    data[1] = -9; /* beyond 2^3 */
    assert_ok(sotto_average_encode(vector, &clipped, &average, &model, &model, 7, &err));
    assert_int_equal(clipped, 1);
    assert_int_equal(sotto_average_encode(vector, &clipped, &average, &model, &model, 1001, &err),
                     SOTTO_ERROR_LIMIT);
    assert_contains(err.text, "at most 1000 rows");
    struct sotto_tensor other = tensor;
    other.name[0] = 'v';
    struct sotto_tensors others = {&other, 1, 2};
    assert_int_equal(sotto_average_encode(vector, &clipped, &average, &others, &model, 7, &err),
                     SOTTO_ERROR_TYPE);
}

/* Long tensors are encoded in pieces: the index is the tensor's. */
static void test_the_index_of_a_long_tensor(void **state)
{
    (void)state;
    static float data[2000];
    static uint8_t vector[sizeof data + 16];
    struct sotto_bundle_manifest manifest = usual;
    struct sotto_tensor tensor;
    struct sotto_tensors model = make_model(&tensor, data);
    struct sotto_average average;
    struct sotto_error err;
    size_t clipped;
    tensor.shape[0] = tensor.elements_len = model.elements_len = 2000;
    manifest.parameters_max = 2000;
    assert_ok(sotto_average_init(&average, &manifest, &model, 3, &err));
    data[1700] = NAN;
    assert_int_equal(sotto_average_encode(vector, &clipped, &average, &model, &model, 1, &err),
                     SOTTO_ERROR_INPUT);
    assert_contains(err.text, "element 1700 is nan");
    data[1700] = 1;
    assert_ok(sotto_average_encode(vector, &clipped, &average, &model, &model, 1, &err));
    assert_int_equal(sotto_load_u64(vector + (size_t)1700 * 4), 0x10000);
}

/* The mean is the integer nearest to total / rows, ties to even. */
static void check_integer(const struct sotto_average *average, const uint8_t *sum,
                          const struct sotto_tensors *model, sotto__i128 total, int64_t rows,
                          size_t clipped)
{
    struct sotto_average_counts counts;
    struct sotto_writer writer;
    enum sotto_tensor_type type = model->tensors[0].type;
    sotto_writer_init(&writer, MODEL_BYTES_MAX);
    enum sotto_status status = sotto_average_decode(&writer, &counts, average, sum, model, 3, NULL);
    assert_int_equal(status, rows == 0 ? SOTTO_ERROR_INPUT : SOTTO_OK);
    if (rows > 0) {
        const uint8_t *end = writer.data + writer.data_bytes;
        int64_t mean = sotto__integer_load(type, end - sotto_tensor_type_bytes(type));
        sotto__i128 twice = 2 * ((sotto__i128)mean * rows - total);
        twice = twice < 0 ? -twice : twice;
        assert_true(twice < rows || (twice == rows && (mean & 1) == 0));
        assert_int_equal(counts.clipped, clipped);
    }
    sotto_writer_release(&writer);
}

/* A tensor of integers: each is what it is, up to 2^(range_bits + scale_bits), and its mean the
 * nearest integer, ties to even, whatever steps weights have. */
static void test_integers_have_a_mean(void **state)
{
    (void)state;
    static const enum sotto_tensor_type types[] = {SOTTO_TENSOR_I64, SOTTO_TENSOR_I32,
                                                   SOTTO_TENSOR_I16, SOTTO_TENSOR_I8,
                                                   SOTTO_TENSOR_U8,  SOTTO_TENSOR_BOOL};
    const int64_t end = (int64_t)1 << 19; /* of what is usual */
    uint64_t random = 23;
    for (size_t i = test_cases(3000); i > 0; i--) {
        struct sotto_average average;
        struct sotto_tensor tensor = {
            .name = "w", .type = types[test_random_below(&random, 6)], .elements_len = 1};
        struct sotto_tensors model = {&tensor, 1, 1};
        struct sotto_vector_run runs[SOTTO_AVERAGE_RUNS];
        struct sotto__integer_range range = sotto__integer_range(tensor.type);
        uint8_t data[sizeof(uint64_t)];
        uint8_t sum[64] = {0};
        sotto__i128 expected = 0;
        int64_t rows = 0;
        size_t expected_clipped = 0;
        assert_ok(sotto_average_init(&average, &usual, &model, 3, NULL));
        sotto_average_runs(runs, &average);
        for (size_t party = 0; party < 3; party++) {
            uint8_t vector[64];
            size_t clipped;
            uint64_t more = test_random_below(&random, 4);
            uint64_t bits = test_random(&random) >> test_random_below(&random, 64);
            memcpy(data, &bits, sizeof data);
            tensor.data = data;
            tensor.data_bytes = sotto_tensor_type_bytes(tensor.type);
            int64_t value = sotto__integer_load(tensor.type, data);
            assert_true(value >= range.least && value <= range.most);
            assert_ok(sotto_average_encode(vector, &clipped, &average, &model, &model, more, NULL));
            sotto_vector_add(sum, vector, runs, SOTTO_AVERAGE_RUNS);
            expected_clipped += value > end || value < -end;
            value = value > end ? end : value < -end ? -end : value;
            expected += (sotto__i128)value * (sotto__i128)more;
            rows += (int64_t)more;
        }
        check_integer(&average, sum, &model, expected, rows, expected_clipped);
    }
}

/* A step of the mean and half of the step before; no further than the range; integers rest. */
static void test_momentum(void **state)
{
    (void)state;
    const float before[2] = {1, 7};
    float weights[2] = {3, 7.5F};
    double velocity[2] = {2, 6};
    struct sotto_tensor tensor;
    struct sotto_tensors model = make_model(&tensor, before);
    struct sotto_average average;
    assert_ok(sotto_average_init(&average, &usual, &model, 3, NULL));
    sotto_average_momentum((uint8_t *)weights, velocity, &average, &tensor, 50);
    assert_true(weights[0] == 4 && velocity[0] == 3);
    assert_true(weights[1] == 8 && velocity[1] == 3.5); /* beyond 2^3 */
    weights[0] = 1 + 0x1p-18F;                          /* a quarter of a step, and half of none */
    velocity[0] = 0;
    sotto_average_momentum((uint8_t *)weights, velocity, &average, &tensor, 50);
    assert_true(weights[0] == 1 && velocity[0] == 0x1p-18);
    tensor.type = SOTTO_TENSOR_I32;
    sotto_average_momentum((uint8_t *)weights, velocity, &average, &tensor, 50);
    assert_true(weights[0] == 1 && velocity[0] == 0x1p-18);
}

static enum sotto_status decode(const struct sotto_average *average, const uint8_t *sum,
                                const struct sotto_tensors *model, struct sotto_error *err)
{
    struct sotto_writer writer;
    struct sotto_average_counts counts;
    sotto_writer_init(&writer, MODEL_BYTES_MAX);
    enum sotto_status status = sotto_average_decode(&writer, &counts, average, sum, model, 3, err);
    assert_true(status == SOTTO_OK || writer.data_bytes == 0);
    sotto_writer_release(&writer);
    return status;
}

static void test_sums_that_cannot_be(void **state)
{
    (void)state;
    const float data[2] = {8, -8};
    struct sotto_tensor tensor;
    struct sotto_tensors model = make_model(&tensor, data);
    struct sotto_bundle_manifest manifest = usual;
    struct sotto_average average;
    struct sotto_error err;
    uint8_t sum[64];
    size_t clipped;
    assert_ok(sotto_average_init(&average, &manifest, &model, 3, &err));
    assert_int_equal(average.element_bytes, 4);
    assert_ok(sotto_average_encode(sum, &clipped, &average, &model, &model, 1000, &err));
    assert_ok(decode(&average, sum, &model, &err));
    uint8_t *weights = sum;
    uint8_t *rows = sum + 8;
    uint8_t *clips = sum + 16;
    sotto_store_u64(rows, 999); /* the weights are those of 1000 */
    assert_int_equal(decode(&average, sum, &model, &err), SOTTO_ERROR_PROTOCOL);
    assert_contains(err.text, "tensor 'w', element 0: the sum is beyond");
    memset(weights, 0, 4);
    assert_int_equal(decode(&average, sum, &model, &err), SOTTO_ERROR_PROTOCOL);
    assert_contains(err.text, "tensor 'w', element 1: the sum is beyond");
    sotto_store_u64(rows, 3001);
    assert_int_equal(decode(&average, sum, &model, &err), SOTTO_ERROR_PROTOCOL);
    sotto_store_u64(rows, 0);
    memset(weights, 0, 8);
    assert_int_equal(decode(&average, sum, &model, &err), SOTTO_ERROR_INPUT);
    assert_contains(err.text, "no party had a row");
    sotto_store_u64(rows, 1);
    sotto_store_u64(clips, 7);
    assert_int_equal(decode(&average, sum, &model, &err), SOTTO_ERROR_PROTOCOL);
    sotto_store_u64(clips, 6);
    assert_ok(decode(&average, sum, &model, &err));
    tensor.type = SOTTO_TENSOR_U8;
    weights[3] = 0x80; /* below 0: no such integer is of the type */
    assert_int_equal(decode(&average, sum, &model, &err), SOTTO_ERROR_PROTOCOL);
    assert_contains(err.text, "tensor 'w', element 0: the sum is beyond");
    weights[3] = 0;
    manifest.is_weighted = false;
    assert_ok(sotto_average_init(&average, &manifest, &model, 3, &err));
    assert_int_equal(decode(&average, sum, &model, &err), SOTTO_ERROR_PROTOCOL); /* one of three */
    sotto_store_u64(rows, 3);
    assert_ok(decode(&average, sum, &model, &err));
}

/* All 65,536 numbers of half precision go to doubles, in ascending order, and back. */
static void test_half_precision(void **state)
{
    (void)state;
    static const double known[][2] = {{0x0001, 0x1p-24},        {0x03FF, 1023 * 0x1p-24},
                                      {0x0400, 0x1p-14},        {0x3C00, 1},
                                      {0x3555, 0.333251953125}, {0x7BFF, 65504}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint16_t bits = (uint16_t)known[i][0];
        assert_double_bits_equal(sotto__float_load(SOTTO_TENSOR_F16, (uint8_t *)&bits),
                                 known[i][1]);
    }
    double last = -1;
    for (uint32_t i = 0; i < 0x7800; i++) { /* below 2^15: the range of F16 */
        uint16_t bits = (uint16_t)i;
        uint16_t back;
        double value = sotto__float_load(SOTTO_TENSOR_F16, (uint8_t *)&bits);
        assert_true(value > last);
        last = value;
        sotto__float_store(SOTTO_TENSOR_F16, (uint8_t *)&back, (int64_t)ldexp(value, 24), 1, 24);
        assert_int_equal(back, bits);
        sotto__float_store(SOTTO_TENSOR_F16, (uint8_t *)&back, -(int64_t)ldexp(value, 24), 1, 24);
        assert_int_equal(back, i == 0 ? 0 : 0x8000 | bits);
    }
}

/* 2^24 + 1 lies between two numbers of single precision, and a trace decides: one beyond the first
 * 64 bits of the quotient, and one that only the remainder has. */
static void test_a_trace_decides_a_tie(void **state)
{
    (void)state;
    const sotto__i128 tie = ((sotto__i128)1 << 24) + 1;
    const uint64_t divisor = ((uint64_t)1 << 62) + 1;
    const struct {
        sotto__i128 numerator;
        uint64_t divisor;
        double expected;
    } rows[] = {
        {tie << 80, 1, 0x1p44},
        {(tie << 80) + 1, 1, 0x1p44 + 0x1p21},
        {(tie << 80) - 1, 1, 0x1p44},
        {(tie << 39) * divisor, divisor, 0x1p3},
        {(tie << 39) * divisor + 1, divisor, 0x1p3 + 0x1p-20},
        {-(tie << 39) * divisor - 1, divisor, -0x1p3 - 0x1p-20},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        float found;
        sotto__float_store(SOTTO_TENSOR_F32, (uint8_t *)&found, rows[i].numerator, rows[i].divisor,
                           60);
        assert_double_bits_equal((double)found, rows[i].expected);
    }
}

static enum sotto_status run_decode(void *context)
{
    const struct averaging *averaging = context;
    struct sotto_writer writer;
    struct sotto_average_counts counts;
    static uint8_t sum[ELEMENTS_MAX * TENSORS_LEN * 16 + 16];
    memset(sum, 0, sizeof sum);
    uint8_t *rows = sum + averaging->average.elements_len * averaging->average.element_bytes;
    *rows = averaging->manifest.is_weighted ? 1 : (uint8_t)averaging->parties_len;
    sotto_writer_init(&writer, MODEL_BYTES_MAX);
    enum sotto_status status =
        sotto_average_decode(&writer, &counts, &averaging->average, sum, &averaging->weights[0],
                             averaging->parties_len, NULL);
    sotto_writer_release(&writer);
    return status;
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    static struct averaging averaging;
    uint64_t random = 22;
    draw_case(&averaging, &random);
    assert_int_equal(fault_each_allocation(run_decode, &averaging), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_means_are_exact),
        cmocka_unit_test(test_widths_come_from_what_is_declared),
        cmocka_unit_test(test_models_that_have_no_mean),
        cmocka_unit_test(test_weights_that_are_no_numbers),
        cmocka_unit_test(test_the_index_of_a_long_tensor),
        cmocka_unit_test(test_integers_have_a_mean),
        cmocka_unit_test(test_momentum),
        cmocka_unit_test(test_sums_that_cannot_be),
        cmocka_unit_test(test_a_trace_decides_a_tie),
        cmocka_unit_test(test_half_precision),
        cmocka_unit_test(test_each_allocation_may_fail),
    };
    assert_ok(sotto_init());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
