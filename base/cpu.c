/* SPDX-License-Identifier: Apache-2.0 */

/* Which instruction sets the kernels use: chosen once, by what CPU and operating system offer. In
 * test builds SOTTO_CPU chooses a lower one, so that the suites run at each level on one machine.
 */

#include <sotto/cpu.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const level_names[] = {
    [SOTTO_CPU_GENERIC] = "generic",
    [SOTTO_CPU_NEON] = "neon",
    [SOTTO_CPU_AVX2] = "avx2",
    [SOTTO_CPU_AVX512] = "avx512",
};

const char *sotto_cpu_level_name(enum sotto_cpu_level level)
{
    return level_names[level];
}

static enum sotto_cpu_level probe_cpu(void)
{
#if defined(__x86_64__)
    /* __builtin_cpu_supports asks the operating system's XSAVE state too. */
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt") &&
                __builtin_cpu_supports("pclmul");
    bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                  __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("vpclmulqdq");
    return avx512 ? SOTTO_CPU_AVX512 : avx2 ? SOTTO_CPU_AVX2 : SOTTO_CPU_GENERIC;
#elif defined(__aarch64__)
    return SOTTO_CPU_NEON;
#else
    return SOTTO_CPU_GENERIC;
#endif
}

static enum sotto_cpu_level chosen_level;
static pthread_once_t chosen_once = PTHREAD_ONCE_INIT;

#ifdef SOTTO_TEST_BUILD
/* The level of a name. Ends the process if this CPU does not offer it: a test would test another
 * one. */
static enum sotto_cpu_level find_lower(enum sotto_cpu_level best, const char *wanted)
{
    bool arm = best == SOTTO_CPU_NEON;
    for (size_t i = 0; i <= (size_t)best; i++) {
        bool other_arch = (i == SOTTO_CPU_NEON) != arm && i != SOTTO_CPU_GENERIC;
        if (!other_arch && strcmp(level_names[i], wanted) == 0) {
            return (enum sotto_cpu_level)i;
        }
    }
    (void)fprintf(stderr, "sotto: SOTTO_CPU=%s: this CPU offers up to %s\n", wanted,
                  level_names[best]);
    abort();
}
#endif

static void choose_level(void)
{
    chosen_level = probe_cpu();
#ifdef SOTTO_TEST_BUILD
    const char *wanted = getenv("SOTTO_CPU");
    if (wanted != NULL && wanted[0] != '\0') {
        chosen_level = find_lower(chosen_level, wanted);
    }
#endif
}

enum sotto_cpu_level sotto_cpu_level(void)
{
    (void)pthread_once(&chosen_once, choose_level);
    return chosen_level;
}
