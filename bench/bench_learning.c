/* SPDX-License-Identifier: Apache-2.0 */
/* What a round of learning costs beside the training: weights to fixed point, the secure sum of a
 * million of them, a party's check of it, and the mean back; parties and aggregator of real
 * machines in this process. Each mean is checked against the parties' weights. No network and no
 * runner: what they send to it is in bench_protocol, up_bytes.
 *
 * Of 100 parties nobody checks the sum: what opens it has 800 MB, and a node takes 240 MiB, so such
 * a model has one round. bench/learning.py runs this beside Flower. */
#include "support.h"

#include <math.h>
#include <sotto/alloc.h>
#include <sotto/average.h>
#include <sotto/secret.h>
#include <sotto/trial.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Local training of a round, in milliseconds, that the cost of the sum is held against; and how
 * much of a round of three nodes that cost may be. */
#define TRAINING_MS 2000
#define OVERHEAD_GOAL_PERCENT 10

#define PARTIES_MAX 100

static const struct sotto_bundle_manifest manifest = {.is_weighted = true,
                                                      .parameters_max = 1000000,
                                                      .range_bits = 5,
                                                      .scale_bits = 24,
                                                      .rows_max = 1 << 20};

struct workload {
    uint32_t parties_len;
    struct sotto_tensor tensor; /* the model: one of F32 */
    float *values;              /* of one party, made when they are needed */
    struct sotto_average average;
    double encoding_s; /* of all parties together, since it was 0 */
};

static float draw_weight(uint32_t party, size_t element)
{
    uint64_t x = ((uint64_t)party << 40) + element + 1;
    x ^= x >> 15;
    x *= UINT64_C(0x9E3779B97F4A7C15);
    x ^= x >> 32;
    return (float)((int64_t)(x & 0xFFFFFF) - 0x800000) / 0x800000;
}

static uint64_t draw_rows(uint32_t party)
{
    return 1000 + 37 * (uint64_t)party;
}

static struct sotto_tensors make_model(struct workload *workload)
{
    return (struct sotto_tensors){&workload->tensor, 1, workload->tensor.elements_len};
}

static void input(void *context, uint32_t party, uint8_t *vector, size_t vector_bytes)
{
    struct workload *workload = context;
    struct sotto_tensors model = make_model(workload);
    size_t clipped;
    for (size_t i = 0; i < workload->tensor.elements_len; i++) {
        workload->values[i] = draw_weight(party, i);
    }
    double start = bench_now_s();
    SOTTO_REQUIRE(vector_bytes == sotto_average_bytes(&workload->average));
    SOTTO_REQUIRE(sotto_average_encode(vector, &clipped, &workload->average, &model, &model,
                                       draw_rows(party), NULL) == SOTTO_OK);
    workload->encoding_s += bench_now_s() - start;
}

/* Whether some weights of the new model are the nearest to the parties' mean. */
static bool model_is_right(const struct workload *workload, const struct sotto_writer *written)
{
    struct sotto_tensors found;
    size_t len = workload->tensor.elements_len;
    if (sotto_tensors_read(&found, written->data, written->data_bytes, len, NULL) != SOTTO_OK) {
        return false;
    }
    bool good = true;
    for (size_t i = 0; good && i < len; i += 1 + len / 997) {
        long double sum = 0; /* exact: of multiples of 2^-23 below 2^32 */
        long double rows = 0;
        float weight;
        for (uint32_t party = 0; party < workload->parties_len; party++) {
            sum += (long double)draw_weight(party, i) * (long double)draw_rows(party);
            rows += (long double)draw_rows(party);
        }
        memcpy(&weight, found.tensors[0].data + i * sizeof weight, sizeof weight);
        good = (float)(sum / rows) == weight;
    }
    sotto_tensors_release(&found);
    return good;
}

/* One round. Returns: its milliseconds, as if a party's work and the aggregator's never overlapped;
 * negative where it failed or the model is not right. */
static double run_round(struct workload *workload, double parts_ms[5])
{
    struct sotto_vector_run runs[SOTTO_AVERAGE_RUNS];
    struct sotto_tensors model = make_model(workload);
    struct sotto_trial_report report;
    struct sotto_average_counts counts;
    struct sotto_writer written;
    struct sotto_error err;
    sotto_average_runs(runs, &workload->average);
    const struct sotto_trial trial = {
        .parties_len = workload->parties_len,
        .min_parties = 3,
        .graph = {.model = SOTTO_GRAPH_COMPLETE},
        .runs = runs,
        .runs_len = SOTTO_AVERAGE_RUNS,
        .verifies = workload->parties_len < PARTIES_MAX,
        .input = input,
        .context = workload,
    };
    workload->encoding_s = 0;
    if (sotto_trial_run(&report, &trial, &err) != SOTTO_OK) {
        (void)fprintf(stderr, "bench_learning: %s\n", err.text);
        return -1;
    }
    sotto_writer_init(&written, SIZE_MAX);
    double start = bench_now_s();
    bool good = sotto_average_decode(&written, &counts, &workload->average, report.sum, &model,
                                     workload->parties_len, &err) == SOTTO_OK;
    parts_ms[0] = workload->encoding_s / workload->parties_len * 1e3;
    parts_ms[1] = report.total.party_s * 1e3;
    parts_ms[2] = report.total.aggregator_s * 1e3;
    parts_ms[3] = report.verifying.party_s * 1e3;
    parts_ms[4] = (bench_now_s() - start) * 1e3;
    good = good && model_is_right(workload, &written);
    sotto_writer_release(&written);
    sotto_trial_report_release(&report);
    return good ? parts_ms[0] + parts_ms[1] + parts_ms[2] + parts_ms[3] + parts_ms[4] : -1;
}

static bool bench_rounds(uint32_t parties_len, size_t elements_len, size_t runs)
{
    struct bench_values values = {0};
    double parts_ms[5] = {0};
    char name[64];
    char more[512];
    struct workload workload = {
        .parties_len = parties_len,
        .tensor = {.name = "weight",
                   .type = SOTTO_TENSOR_F32,
                   .rank = 1,
                   .shape = {elements_len},
                   .elements_len = elements_len,
                   .data_bytes = elements_len * sizeof(float)},
        .values = sotto_alloc_array(elements_len, sizeof(float)),
    };
    SOTTO_REQUIRE(workload.values != NULL);
    workload.tensor.data = (const uint8_t *)workload.values;
    struct sotto_tensors model = make_model(&workload);
    SOTTO_REQUIRE(sotto_average_init(&workload.average, &manifest, &model, parties_len, NULL) ==
                  SOTTO_OK);
    bool good = true;
    for (size_t i = 0; good && i < runs; i++) {
        double ms = run_round(&workload, parts_ms);
        bench_add(&values, ms);
        good = ms >= 0;
    }
    double ms = bench_quantile(&values, 0.5);
    char goal[64] = "";
    if (parties_len == 3 && elements_len == 1000000) {
        (void)snprintf(goal, sizeof goal, ", \"goals\": {\"overhead_percent\": %d}",
                       OVERHEAD_GOAL_PERCENT);
    }
    (void)snprintf(name, sizeof name, "round_n%u_m%zu", parties_len, elements_len);
    (void)snprintf(
        more, sizeof more,
        ", \"encode_ms\": %.4g, \"party_ms\": %.4g, \"aggregator_ms\": %.4g, "
        "\"verify_ms\": %.4g, \"decode_ms\": %.4g, \"element_bytes\": %u, \"training_ms\": %d, "
        "\"overhead_percent\": %.3g%s",
        parts_ms[0], parts_ms[1], parts_ms[2], parts_ms[3], parts_ms[4],
        workload.average.element_bytes, TRAINING_MS, 100 * ms / (TRAINING_MS + ms), goal);
    bench_print("learning", name, &values, "ms", more, good);
    sotto_free(workload.values);
    return good;
}

int main(int len, char **words)
{
    bool is_quick = len > 1 && strcmp(words[1], "--quick") == 0;
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    if (is_quick) {
        return bench_rounds(3, 10000, 2) ? 0 : 1;
    }
    bool good = bench_rounds(3, 1000000, 9);
    good = bench_rounds(PARTIES_MAX, 1000000, 1) && good;
    return good ? 0 : 1;
}
