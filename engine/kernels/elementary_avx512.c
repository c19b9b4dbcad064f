/* SPDX-License-Identifier: Apache-2.0 */

/* exp, log and pow of eight doubles at a time, for AVX-512. It leans on elementary_kernel.h, where
 * the loops over rows are written once, and on SLEEF's functions for this instruction set. The
 * idea: they are SLEEF's deterministic ones, which give the same bits at any width; elementary.c
 * chooses between the tables. */

#define VECTOR __m512d
#define LANES 8
#define EXP Sleef_cinz_expd8_u10avx512fnofma
#define LOG Sleef_cinz_logd8_u10avx512fnofma
#define POW Sleef_cinz_powd8_u10avx512fnofma
#include "kernels/elementary_kernel.h"

const struct sotto__elementary sotto__elementary_avx512 = SOTTO_ELEMENTARY_KERNELS;
