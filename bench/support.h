/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_BENCH_SUPPORT_H
#define SOTTO_BENCH_SUPPORT_H

/* What the benchmarks share: clocks, medians, the JSON line of one case. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_RUNS_MAX 64

double bench_now_s(void);

/* Peak resident memory of this process, in MB, since it started or since it was reset. */
double bench_peak_mb(void);
void bench_reset_peak(void);

struct bench_values {
    double values[BENCH_RUNS_MAX];
    size_t len;
};

void bench_add(struct bench_values *values, double value);
/* The value at a quantile (0 .. 1) of those added; sorts them. */
double bench_quantile(struct bench_values *values, double quantile);

/* Prints {"bench": ..., "case": ..., "value": median, "unit": ..., "p10": ..., "p90": ..., "runs":
 * ..., "threads": ..., "isa": ..., more, "ok": ...} on a line. more: further members, or "". */
void bench_print(const char *bench, const char *name, struct bench_values *values, const char *unit,
                 const char *more, bool ok);

#endif
