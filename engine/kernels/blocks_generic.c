/* SPDX-License-Identifier: Apache-2.0 */
#define LANES 2
#include "kernels/blocks_kernel.h"

const struct sotto__blocks sotto__blocks_generic = SOTTO_BLOCKS_KERNELS;
