/* SPDX-License-Identifier: Apache-2.0 */
#define LANES 4
#include "kernels/blocks_kernel.h"

const struct sotto__blocks sotto__blocks_avx2 = SOTTO_BLOCKS_KERNELS;
