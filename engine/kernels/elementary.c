/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/elementary.h"

#include <sleef.h>
#include <sotto/cpu.h>

static void generic_exp(double *out, const double *a, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = Sleef_cinz_expd1_u10purec(a[i]);
    }
}

static void generic_log(double *out, const double *a, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = Sleef_cinz_logd1_u10purec(a[i]);
    }
}

static void generic_pow(double *out, const double *a, const double *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = Sleef_cinz_powd1_u10purec(a[i], b[i]);
    }
}

const struct sotto__elementary sotto__elementary_generic = {generic_exp, generic_log, generic_pow};

const struct sotto__elementary *sotto__elementary(void)
{
#ifdef __x86_64__
    enum sotto_cpu_level level = sotto_cpu_level();
    if (level >= SOTTO_CPU_AVX512) {
        return &sotto__elementary_avx512;
    }
    if (level >= SOTTO_CPU_AVX2) {
        return &sotto__elementary_avx2;
    }
#endif
    return &sotto__elementary_generic;
}
