/* SPDX-License-Identifier: Apache-2.0 */

/* exp, log and pow of four doubles at a time, for AVX2. It leans on elementary_kernel.h, where the
 * loops over rows are written once, and on SLEEF's functions for this instruction set. The idea:
 * they are SLEEF's deterministic ones, which give the same bits at any width; elementary.c chooses
 * between the tables. */

#define VECTOR __m256d
#define LANES 4
#define EXP Sleef_cinz_expd4_u10avx
#define LOG Sleef_cinz_logd4_u10avx
#define POW Sleef_cinz_powd4_u10avx
#include "kernels/elementary_kernel.h"

const struct sotto__elementary sotto__elementary_avx2 = SOTTO_ELEMENTARY_KERNELS;
