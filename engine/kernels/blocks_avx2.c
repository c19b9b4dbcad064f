/* SPDX-License-Identifier: Apache-2.0 */

/* The kernels of blocks in vectors of four doubles, for AVX2 and FMA. */

#include <immintrin.h>

#define LANES 4
#define FNMADD _mm256_fnmadd_pd
#include "kernels/blocks_kernel.h"

const struct sotto__blocks sotto__blocks_avx2 = SOTTO_BLOCKS_KERNELS;
