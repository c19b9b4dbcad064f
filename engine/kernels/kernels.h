/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_KERNELS_KERNELS_H
#define SOTTO_ENGINE_KERNELS_KERNELS_H

/* Room kernels: loops over blocks, once for each instruction set; what they and their callers
 * share. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef __int128 sotto__int128;
__extension__ typedef unsigned __int128 sotto__uint128;

/* Rows that go through the operations at a time: registers stay in the caches. */
#define SOTTO__ROWS_LEN 512

/* The bits of a double's infinity: those of a larger magnitude are NaN. */
#define SOTTO__INFINITY_BITS (UINT64_C(0x7FF) << 52)

#endif
