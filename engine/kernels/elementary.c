/* SPDX-License-Identifier: Apache-2.0 */

/* exp, log and pow of rows: the same bits on every CPU. It leans on SLEEF's deterministic
 * functions, of which one table per instruction set is made, and on MPFR near the largest double.
 *
 * The one idea: SLEEF's exp and pow overflow a little too early, in a way that depends on nothing
 * but their operands. The few results that are infinite though the true value is a double are
 * computed again by MPFR, rounded once. */

#define VECTOR double
#define LANES 1
#define EXP Sleef_cinz_expd1_u10purec
#define LOG Sleef_cinz_logd1_u10purec
#define POW Sleef_cinz_powd1_u10purec
#include "kernels/blocks.h"
#include "kernels/elementary_kernel.h"

#include <mpfr.h>
#include <sotto/cpu.h>
#include <stdbool.h>

/* The last double whose exponential is a double. */
#define EXP_MAX 0x1.62e42fefa39efp+9
/* Products b log(a) between these may lie between SLEEF's threshold and EXP_MAX. The margin is far
 * more than log is wrong by. */
#define OVERFLOW_FROM 709.78
#define OVERFLOW_TO 709.79

const struct sotto__elementary sotto__elementary_generic = SOTTO_ELEMENTARY_KERNELS;

const struct sotto__elementary *sotto__elementary(void)
{
#ifdef __x86_64__
    enum sotto_cpu_level level = sotto_cpu_level();
    if (level >= SOTTO_CPU_AVX512) {
        return &sotto__elementary_avx512;
    }
    if (level >= SOTTO_CPU_AVX2) {
        return &sotto__elementary_avx2;
    }
#endif
    return &sotto__elementary_generic;
}

/* --- Up to the largest double --- */

/* pow(a, b) if power is set, else exp(a), rounded once by MPFR: the same on every CPU. */
static double round_once(double a, double b, bool power)
{
    mpfr_t x;
    mpfr_t y;
    mpfr_inits2(53, x, y, (mpfr_ptr)NULL);
    (void)mpfr_set_d(x, a, MPFR_RNDN);
    (void)mpfr_set_d(y, b, MPFR_RNDN);
    (void)(power ? mpfr_pow(x, x, y, MPFR_RNDN) : mpfr_exp(x, x, MPFR_RNDN));
    double value = mpfr_get_d(x, MPFR_RNDN);
    mpfr_clears(x, y, (mpfr_ptr)NULL);
    mpfr_free_cache(); /* it is per thread, and a thread that ends would leak it */
    return value;
}

/* Few blocks have any, so that this decides. */
static bool has_infinities(const double *values, size_t len)
{
    return sotto__blocks()->largest(values, len) >= SOTTO__INFINITY_BITS;
}

void sotto__exp(double *out, const double *a, size_t len)
{
    sotto__elementary()->exp(out, a, len);
    bool some = has_infinities(out, len);
    for (size_t i = 0; some && i < len; i++) {
        if (isinf(out[i]) && a[i] <= EXP_MAX) {
            out[i] = round_once(a[i], 0, false);
        }
    }
}

void sotto__log(double *out, const double *a, size_t len)
{
    sotto__elementary()->log(out, a, len);
}

/* What overflows by far stays infinite and is not computed again. log may differ from CPU to CPU,
 * but it only decides what MPFR looks at once more, and MPFR gives infinity where SLEEF was right.
 */
void sotto__pow(double *out, const double *a, const double *b, size_t len)
{
    sotto__elementary()->pow(out, a, b, len);
    bool some = has_infinities(out, len);
    for (size_t i = 0; some && i < len; i++) {
        if (isinf(out[i]) && isfinite(a[i]) && isfinite(b[i])) {
            double magnitude = b[i] * log(fabs(a[i]));
            if (magnitude > OVERFLOW_FROM && magnitude < OVERFLOW_TO) {
                out[i] = round_once(a[i], b[i], true);
            }
        }
    }
}

/* --- Logistic models --- */

void sotto__logit_tail(double *out, const double *eta, size_t len)
{
    sotto__elementary()->logit_tail(out, eta, len);
}

void sotto__logit_share(double *out, const double *s, const double *t, size_t len)
{
    sotto__elementary()->logit_share(out, s, t, len);
}

void sotto__logit_slope(double *out, const double *t, size_t len)
{
    sotto__elementary()->logit_slope(out, t, len);
}

void sotto__logit_loss(double *out, const double *s, const double *t, size_t len)
{
    sotto__elementary()->logit_loss(out, s, t, len);
}
