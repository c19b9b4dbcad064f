/* SPDX-License-Identifier: Apache-2.0 */

/* The kernels of blocks in vectors of eight doubles, for AVX-512. */

#include <immintrin.h>

#define LANES 8
#define FNMADD _mm512_fnmadd_pd
#include "kernels/blocks_kernel.h"

const struct sotto__blocks sotto__blocks_avx512 = SOTTO_BLOCKS_KERNELS;
