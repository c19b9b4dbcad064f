/* SPDX-License-Identifier: Apache-2.0 */

/* The floating-point environment of a caller, set aside while Sotto computes: results are bits that
 * every party must get alike, whatever the caller's rounding or flushing is. */

#include <sotto/arithmetic.h>

/* FE_DFL_ENV rounds to nearest and has neither FTZ nor DAZ: glibc and musl set all of MXCSR or
 * FPCR. Their functions return 0. */
void sotto_arithmetic_enter(struct sotto_arithmetic *out)
{
    (void)fegetenv(&out->environment);
    (void)fesetenv(FE_DFL_ENV);
}

void sotto_arithmetic_leave(const struct sotto_arithmetic *arithmetic)
{
    (void)fesetenv(&arithmetic->environment);
}
