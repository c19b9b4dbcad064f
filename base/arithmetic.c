/* SPDX-License-Identifier: Apache-2.0 */
#include <sotto/arithmetic.h>

/* FE_DFL_ENV is to nearest, without FTZ and DAZ too: glibc and musl set all of MXCSR or FPCR. Their
 * functions return 0. */
void sotto_arithmetic_enter(struct sotto_arithmetic *out)
{
    (void)fegetenv(&out->environment);
    (void)fesetenv(FE_DFL_ENV);
}

void sotto_arithmetic_leave(const struct sotto_arithmetic *arithmetic)
{
    (void)fesetenv(&arithmetic->environment);
}
