/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_CPU_H
#define SOTTO_CPU_H

#include <sotto/status.h>

SOTTO_BEGIN_DECLS

/* SIMD levels, each including the ones before it on its architecture. */
enum sotto_cpu_level {
    SOTTO_CPU_GENERIC,
    SOTTO_CPU_NEON,
    SOTTO_CPU_AVX2,   /* AVX2, BMI1, BMI2, POPCNT, PCLMUL */
    SOTTO_CPU_AVX512, /* and AVX-512 F, BW, DQ, VL, VBMI2, and VPCLMULQDQ */
};

/* The best level of this CPU and operating system, found once. In test builds the environment
 * variable SOTTO_CPU (generic, neon, avx2, avx512) lowers it; a level that the CPU lacks, or an
 * unknown name, aborts with a message. Threads: safe. */
SOTTO_API enum sotto_cpu_level sotto_cpu_level(void);

/* "generic", "neon", "avx2" or "avx512". */
SOTTO_API const char *sotto_cpu_level_name(enum sotto_cpu_level level);

SOTTO_END_DECLS

#endif
