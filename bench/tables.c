/* SPDX-License-Identifier: Apache-2.0 */

#include "tables.h"

#include <math.h>
#include <omp.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE_BYTES ((size_t)2 << 20)

struct sotto_type bench_type(enum bench_content content)
{
    switch (content) {
    case BENCH_NORMAL:
    case BENCH_LOGNORMAL:
        return (struct sotto_type){.kind = SOTTO_KIND_FLOAT64};
    case BENCH_DECIMALS:
        return (struct sotto_type){.kind = SOTTO_KIND_DECIMAL, .scale = 2};
    default:
        return (struct sotto_type){.kind = SOTTO_KIND_INT64};
    }
}

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

/* Normal, lognormal with sigma 5, integers of 40 bits, groups. */
static void fill(void *column, size_t i, enum bench_content content, uint64_t *state)
{
    double *doubles = column;
    int64_t *integers = column;
    switch (content) {
    case BENCH_NORMAL:
        doubles[i] = random_normal(state);
        break;
    case BENCH_LOGNORMAL:
        doubles[i] = exp(5 * random_normal(state));
        break;
    case BENCH_GROUP_OF_4:
        integers[i] = (int64_t)(random_bits(state) % 4);
        break;
    case BENCH_GROUP_OF_1000:
        integers[i] = (int64_t)(random_bits(state) % BENCH_GROUPS);
        break;
    default:
        integers[i] = (int64_t)(random_bits(state) >> 24) - (1LL << 39);
        break;
    }
}

void bench_table_fill(struct bench_table *table, size_t rows)
{
    table->rows = rows;
    for (size_t column = 0; column < table->columns_len; column++) {
        /* Large pages, as NumPy and polars have them. */
        size_t bytes = (rows * 8 + HUGE_PAGE_BYTES - 1) & ~(HUGE_PAGE_BYTES - 1);
        table->columns[column] = aligned_alloc(HUGE_PAGE_BYTES, bytes);
        SOTTO_REQUIRE(table->columns[column] != NULL);
        (void)madvise(table->columns[column], bytes, MADV_HUGEPAGE);
#pragma omp parallel for schedule(static)
        for (size_t block = 0; block < (rows + BENCH_BLOCK_LEN - 1) / BENCH_BLOCK_LEN; block++) {
            uint64_t state = block * 77 + column * 1000003;
            for (size_t i = block * BENCH_BLOCK_LEN; i < rows && i < (block + 1) * BENCH_BLOCK_LEN;
                 i++) {
                fill(table->columns[column], i, table->contents[column], &state);
            }
        }
    }
}

void bench_table_release(struct bench_table *table)
{
    for (size_t column = 0; column < table->columns_len; column++) {
        free(table->columns[column]);
    }
}

/* --- Plans --- */

char bench_column_name(size_t column)
{
    return (char)('a' + column);
}

/* The plan with a group_by of groups levels, 0 and up. */
static char *with_groups(const char *json, size_t groups, char column)
{
    size_t bytes = strlen(json);
    char *out = sotto_alloc(bytes + 100 + groups * 8);
    SOTTO_REQUIRE(out != NULL);
    size_t at = (size_t)sprintf(out, "%.*s", (int)bytes - 1, json);
    for (size_t i = 0; i < groups; i++) {
        if (i == 0) {
            at += (size_t)sprintf(out + at, ", \"group_by\": [{\"column\": \"%c\", \"levels\": [",
                                  column);
        }
        at += (size_t)sprintf(out + at, "%zu%s", i, i + 1 < groups ? ", " : "]}]");
    }
    (void)sprintf(out + at, "}");
    return out;
}

struct sotto_driver *bench_driver(const struct bench_question *question,
                                  const struct bench_table *table, struct sotto_plan **out_plan)
{
    static const char *const alias = "t";
    const char *outputs[BENCH_OUTPUTS_MAX];
    struct sotto_schema_field fields[BENCH_COLUMNS_MAX];
    memset(fields, 0, sizeof fields);
    for (size_t i = 0; i < question->outputs_len; i++) {
        outputs[i] = question->outputs[i];
    }
    for (size_t i = 0; i < table->columns_len; i++) {
        fields[i].type = bench_type(table->contents[i]);
    }
    struct sotto_plan_parts parts = {.name = "bench",
                                     .dataset_aliases = &alias,
                                     .dataset_files = &alias,
                                     .datasets_len = 1,
                                     .outputs = outputs,
                                     .outputs_len = question->outputs_len};
    struct sotto_schema schema = {.fields = fields, .fields_len = table->columns_len};
    struct sotto_driver *driver = NULL;
    char *json = NULL;
    SOTTO_REQUIRE(sotto_plan_compose(&json, &parts, NULL) == SOTTO_OK);
    char *grouped = with_groups(json, question->groups, bench_column_name(table->columns_len - 1));
    SOTTO_REQUIRE(sotto_plan_parse(out_plan, grouped, strlen(grouped), NULL) == SOTTO_OK);
    SOTTO_REQUIRE(sotto_driver_new(&driver, *out_plan, &schema, NULL) == SOTTO_OK);
    sotto_free(json);
    sotto_free(grouped);
    return driver;
}

/* --- Sums --- */

void bench_sums(uint64_t *limbs, const struct sotto_driver *driver, const struct bench_table *table,
                size_t rows)
{
    memset(limbs, 0, driver->program->limbs_len * sizeof *limbs);
#pragma omp parallel
    {
        struct sotto__worker own;
        struct sotto_column columns[BENCH_COLUMNS_MAX];
        const struct sotto_column *blocks[BENCH_COLUMNS_MAX];
        SOTTO_REQUIRE(sotto__worker_init(&own, driver->program, NULL, NULL, 0) == SOTTO_OK);
#pragma omp for schedule(dynamic)
        for (size_t at = 0; at < rows; at += BENCH_BLOCK_LEN) {
            size_t now = rows - at < BENCH_BLOCK_LEN ? rows - at : BENCH_BLOCK_LEN;
            for (size_t i = 0; i < table->columns_len; i++) {
                columns[i] =
                    (struct sotto_column){.type = bench_type(table->contents[i]),
                                          .len = now,
                                          .values = (const char *)table->columns[i] + at * 8};
                blocks[i] = &columns[i];
            }
            sotto__rows_take(&own.rows, 0, blocks, now);
        }
#pragma omp critical
        sotto__sums_add_to(&own.sums, limbs);
        sotto__worker_release(&own);
    }
}

/* --- Files --- */

void bench_write_file(const char *folder, const char *name, const void *data, size_t bytes)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    SOTTO_REQUIRE(file != NULL && fwrite(data, 1, bytes, file) == bytes && fclose(file) == 0);
}
