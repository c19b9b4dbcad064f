/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <omp.h>
#include <sotto/cpu.h>
#include <sotto/status.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double bench_now_s(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

double bench_peak_mb(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    double peak_kb = 0;
    SOTTO_REQUIRE(file != NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            peak_kb = strtod(line + 6, NULL);
        }
    }
    (void)fclose(file);
    return peak_kb / 1024;
}

void bench_reset_peak(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    SOTTO_REQUIRE(file != NULL && fputs("5", file) >= 0 && fclose(file) == 0);
}

void bench_add(struct bench_values *values, double value)
{
    SOTTO_REQUIRE(values->len < BENCH_RUNS_MAX);
    values->values[values->len++] = value;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_quantile(struct bench_values *values, double quantile)
{
    SOTTO_REQUIRE(values->len > 0);
    qsort(values->values, values->len, sizeof values->values[0], compare_doubles);
    return values->values[(size_t)(quantile * (double)(values->len - 1) + 0.5)];
}

void bench_print(const char *bench, const char *name, struct bench_values *values, const char *unit,
                 const char *more, bool ok)
{
    (void)printf("{\"bench\": \"%s\", \"case\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", "
                 "\"p10\": %.6g, \"p90\": %.6g, \"runs\": %zu, \"threads\": %d, \"isa\": \"%s\"%s, "
                 "\"ok\": %s}\n",
                 bench, name, bench_quantile(values, 0.5), unit, bench_quantile(values, 0.1),
                 bench_quantile(values, 0.9), values->len, omp_get_max_threads(),
                 sotto_cpu_level_name(sotto_cpu_level()), more, ok ? "true" : "false");
    (void)fflush(stdout);
}
