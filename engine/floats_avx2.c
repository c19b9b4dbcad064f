/* SPDX-License-Identifier: Apache-2.0 */
#include "floats_kernel.h"

const struct sotto__floats sotto__floats_avx2 = {.sum = sum_block, .multiply = multiply_block};
