/* SPDX-License-Identifier: Apache-2.0 */

/* exp, log and pow of four doubles at a time, for AVX2. */

#define VECTOR __m256d
#define LANES 4
#define EXP Sleef_cinz_expd4_u10avx
#define LOG Sleef_cinz_logd4_u10avx
#define POW Sleef_cinz_powd4_u10avx
#include "kernels/elementary_kernel.h"

const struct sotto__elementary sotto__elementary_avx2 = {vector_exp, vector_log, vector_pow};
