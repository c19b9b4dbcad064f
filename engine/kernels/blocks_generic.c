/* SPDX-License-Identifier: Apache-2.0 */

/* The kernels of blocks in vectors of two doubles, for any CPU. */

#define LANES 2
#include "kernels/blocks_kernel.h"

const struct sotto__blocks sotto__blocks_generic = SOTTO_BLOCKS_KERNELS;
