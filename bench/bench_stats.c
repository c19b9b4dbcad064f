/* SPDX-License-Identifier: Apache-2.0 */

/* What exactness costs: exact sums of values in memory, beside a plain SIMD sum of doubles on the
 * same values, which is wrong in its last digits and depends on their order. */

#include "support.h"

#include "engine/internal.h"
#include <math.h>
#include <omp.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_LEN ((size_t)1 << 16)
#define REFERENCE_LEN 20000 /* values that are added up by GMP too */

struct values {
    struct sotto_type type;
    void *data; /* 8 bytes each */
    size_t len;
};

/* --- Values --- */

static uint64_t random_bits(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15); /* SplitMix64 */
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static double random_normal(uint64_t *state)
{
    double u = ((double)(random_bits(state) >> 11) + 0.5) * 0x1p-53;
    double v = (double)(random_bits(state) >> 11) * 0x1p-53;
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

/* Normal, lognormal with sigma 5, or integers of 40 bits. */
static struct values make_values(struct sotto_type type, bool wide, size_t len)
{
    struct values values = {.type = type, .len = len, .data = sotto_alloc_aligned(len * 8)};
    SOTTO_REQUIRE(values.data != NULL);
#pragma omp parallel for schedule(static)
    for (size_t block = 0; block < (len + BLOCK_LEN - 1) / BLOCK_LEN; block++) {
        uint64_t state = block * 77;
        for (size_t i = block * BLOCK_LEN; i < len && i < (block + 1) * BLOCK_LEN; i++) {
            if (type.kind == SOTTO_KIND_FLOAT64) {
                double x = random_normal(&state);
                ((double *)values.data)[i] = wide ? exp(5 * x) : x;
            } else {
                ((int64_t *)values.data)[i] = (int64_t)(random_bits(&state) >> 24) - (1LL << 39);
            }
        }
    }
    return values;
}

/* --- Sums --- */

static struct sotto_driver *driver_of(const char *output, struct sotto_type type,
                                      struct sotto_plan **out_plan)
{
    static const char *const alias = "t";
    struct sotto_plan_parts parts = {.name = "bench",
                                     .dataset_aliases = &alias,
                                     .dataset_files = &alias,
                                     .datasets_len = 1,
                                     .outputs = &output,
                                     .outputs_len = 1};
    struct sotto_schema_field field = {.type = type};
    struct sotto_schema schema = {.fields = &field, .fields_len = 1};
    struct sotto_driver *driver = NULL;
    char *json = NULL;
    SOTTO_REQUIRE(sotto_plan_compose(&json, &parts, NULL) == SOTTO_OK);
    SOTTO_REQUIRE(sotto_plan_parse(out_plan, json, strlen(json), NULL) == SOTTO_OK);
    SOTTO_REQUIRE(sotto_driver_new(&driver, *out_plan, &schema, NULL) == SOTTO_OK);
    sotto_free(json);
    return driver;
}

static void exact_sums(uint64_t *limbs, const struct sotto_driver *driver,
                       const struct values *values, size_t len)
{
    memset(limbs, 0, driver->program->limbs_len * sizeof *limbs);
#pragma omp parallel
    {
        struct sotto__rows rows;
        SOTTO_REQUIRE(sotto__rows_init(&rows, driver->program) == SOTTO_OK);
#pragma omp for schedule(static)
        for (size_t at = 0; at < len; at += BLOCK_LEN) {
            size_t now = len - at < BLOCK_LEN ? len - at : BLOCK_LEN;
            struct sotto_column column = {
                .type = values->type, .len = now, .values = (const char *)values->data + at * 8};
            const struct sotto_column *block = &column;
            SOTTO_REQUIRE(sotto__rows_take(&rows, 0, &block, now, NULL) == SOTTO_OK);
        }
#pragma omp critical
        sotto__accumulators_add_to(&rows, limbs);
        sotto__rows_release(&rows);
    }
}

/* Eight vectors' worth of partial sums, as a compiler that may not reassociate needs them. */
#if defined(__x86_64__)
__attribute__((target("avx2")))
#endif
static double
plain_block(const double *values, size_t len)
{
    double sums[32] = {0};
    size_t i = 0;
    for (; i + 32 <= len; i += 32) {
        for (size_t j = 0; j < 32; j++) {
            sums[j] += values[i + j];
        }
    }
    double sum = 0;
    for (size_t j = 0; j < 32; j++) {
        sum += sums[j];
    }
    for (; i < len; i++) {
        sum += values[i];
    }
    return sum;
}

static double plain_sum(const double *values, size_t len)
{
    double sum = 0;
#pragma omp parallel
    {
        double own = 0;
#pragma omp for schedule(static)
        for (size_t at = 0; at < len; at += BLOCK_LEN) {
            own += plain_block(values + at, len - at < BLOCK_LEN ? len - at : BLOCK_LEN);
        }
#pragma omp critical
        sum += own;
    }
    return sum;
}

/* --- Is it right? --- */

/* The sum of the first values, of their squares too, by GMP: as the driver's output. */
static bool is_right(const char *output, const struct values *values)
{
    struct sotto_plan *plan = NULL;
    struct sotto_driver *driver = driver_of(output, values->type, &plan);
    uint64_t *limbs = sotto_alloc_array(driver->program->limbs_len, sizeof *limbs);
    size_t len = values->len < REFERENCE_LEN ? values->len : REFERENCE_LEN;
    mpq_t sum;
    mpq_t squares;
    mpq_t term;
    mpq_inits(sum, squares, term, NULL);
    SOTTO_REQUIRE(limbs != NULL);
    exact_sums(limbs, driver, values, len);
    SOTTO_REQUIRE(sotto_driver_advance(driver, limbs, driver->program->limbs_len, NULL) ==
                  SOTTO_OK);
    for (size_t i = 0; i < len; i++) {
        if (values->type.kind == SOTTO_KIND_FLOAT64) {
            mpq_set_d(term, ((const double *)values->data)[i]);
        } else {
            mpq_set_si(term, ((const int64_t *)values->data)[i], 1);
            mpz_ui_pow_ui(mpq_denref(term), 10, values->type.scale);
            mpq_canonicalize(term);
        }
        mpq_add(sum, sum, term);
        mpq_mul(term, term, term);
        mpq_add(squares, squares, term);
    }
    if (output[0] == 'v') { /* (squares - sum^2 / n) / (n - 1) */
        mpq_set_ui(term, len, 1);
        mpq_mul(sum, sum, sum);
        mpq_div(sum, sum, term);
        mpq_sub(sum, squares, sum);
        mpq_set_ui(term, len - 1, 1);
        mpq_div(sum, sum, term);
    }
    if (strchr(output, '*') != NULL) { /* the sum of x * x + x */
        mpq_add(sum, sum, squares);
    }
    bool right = mpq_equal(sum, driver->values[0].number) != 0;
    mpq_clears(sum, squares, term, NULL);
    sotto_free(limbs);
    sotto_driver_free(driver);
    sotto_plan_free(plan);
    return right;
}

/* --- Cases --- */

struct bench_case {
    const char *name;
    const char *output;
    struct sotto_type type;
    bool wide;
};

static void run(const struct bench_case *bench, size_t len, size_t runs)
{
    struct values values = make_values(bench->type, bench->wide, len);
    struct sotto_plan *plan = NULL;
    struct sotto_driver *driver = driver_of(bench->output, bench->type, &plan);
    uint64_t *limbs = sotto_alloc_array(driver->program->limbs_len, sizeof *limbs);
    struct bench_values exact = {.len = 0};
    struct bench_values plain = {.len = 0};
    volatile double keep = 0;
    SOTTO_REQUIRE(limbs != NULL);
    for (size_t i = 0; i < runs; i++) {
        double start = bench_now_s();
        exact_sums(limbs, driver, &values, len);
        double middle = bench_now_s();
        keep = keep + plain_sum(values.data, len);
        double end = bench_now_s();
        bench_add(&exact, (double)len * 8e-9 / (middle - start));
        bench_add(&plain, (double)len * 8e-9 / (end - middle));
    }
    double exact_speed = bench_quantile(&exact, 0.5);
    double plain_speed = bench_quantile(&plain, 0.5);
    char more[200];
    (void)snprintf(more, sizeof more,
                   ", \"peers\": {\"plain\": %.6g}, \"ratio\": {\"plain\": %.3g}", plain_speed,
                   exact_speed / plain_speed);
    bench_print("stats", bench->name, &exact, "GB/s", more, is_right(bench->output, &values));
    sotto_free(limbs);
    sotto_driver_free(driver);
    sotto_plan_free(plan);
    sotto_free(values.data);
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"sum_float64", "sum(x)", {.kind = SOTTO_KIND_FLOAT64}, false},
        {"sum_float64_wide", "sum(x)", {.kind = SOTTO_KIND_FLOAT64}, true},
        {"var_float64", "var(x)", {.kind = SOTTO_KIND_FLOAT64}, false},
        {"var_float64_wide", "var(x)", {.kind = SOTTO_KIND_FLOAT64}, true},
        {"sum_int64", "sum(x)", {.kind = SOTTO_KIND_INT64}, false},
        {"sum_decimal", "sum(x)", {.kind = SOTTO_KIND_DECIMAL, .scale = 2}, false},
        {"var_int64", "var(x)", {.kind = SOTTO_KIND_INT64}, false},
        {"expr_int64", "sum(x * x + x)", {.kind = SOTTO_KIND_INT64}, false},
    };
    bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    const char *only = argc > 2 && strcmp(argv[1], "--case") == 0 ? argv[2] : NULL;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (only != NULL && strcmp(only, cases[i].name) != 0) {
            continue;
        }
        run(&cases[i], quick ? 200000 : (size_t)32 << 20, quick ? 5 : 7);
    }
    return 0;
}
