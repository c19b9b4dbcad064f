/* SPDX-License-Identifier: Apache-2.0 */

/* Which kernels of blocks this CPU runs. It leans on base for the CPU's level, which SOTTO_CPU can
 * lower in tests. All tables give the same bits: sums are exact, and maxima are maxima. */

#include "kernels/blocks.h"

#include <sotto/cpu.h>

const struct sotto__blocks *sotto__blocks(void)
{
#ifdef __x86_64__
    enum sotto_cpu_level level = sotto_cpu_level();
    if (level >= SOTTO_CPU_AVX512) {
        return &sotto__blocks_avx512;
    }
    if (level >= SOTTO_CPU_AVX2 && __builtin_cpu_supports("fma")) {
        return &sotto__blocks_avx2;
    }
#endif
    return &sotto__blocks_generic;
}
