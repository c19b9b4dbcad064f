/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_ELEMENTARY_H
#define SOTTO_ENGINE_ELEMENTARY_H

/* exp, log and pow, and what is made of them, once for each instruction set. */

#include <stddef.h>

/* exp, log and pow of blocks of doubles: every CPU gives the same bits, within one unit in the last
 * place, up to the largest double and down to the least one. out must not overlap a and b.
 * Threads: safe. */
void sotto__exp(double *out, const double *a, size_t len);
void sotto__log(double *out, const double *a, size_t len);
void sotto__pow(double *out, const double *a, const double *b, size_t len);

/* What a model with a logit link needs of rows, in terms of t = e^-|eta|, at most 1, and of s = eta
 * where y is 1, else -eta. Every operation is rounded once; NaN gives NaN. As the three above. */
void sotto__logit_tail(double *out, const double *eta, size_t len); /* t */
/* 1 / (1 + e^s): the probability of the other y. */
void sotto__logit_share(double *out, const double *s, const double *t, size_t len);
void sotto__logit_slope(double *out, const double *t, size_t len); /* t / (1 + t)^2 */
/* log(1 + e^-s), its logarithm within 2 units in the last place. */
void sotto__logit_loss(double *out, const double *s, const double *t, size_t len);

/* What they are made of: SLEEF's deterministic functions without fused multiplication ("cinz"),
 * whose exp and pow are infinite from 709.78271114955743 on, where exp is the largest double times
 * 1 - 1.7e-6. The generic ones, of single doubles, are the specification. Any number of values; out
 * may be a. */
struct sotto__elementary {
    void (*exp)(double *out, const double *a, size_t len);
    void (*log)(double *out, const double *a, size_t len);
    void (*pow)(double *out, const double *a, const double *b, size_t len);
    void (*logit_tail)(double *out, const double *eta, size_t len);
    void (*logit_share)(double *out, const double *s, const double *t, size_t len);
    void (*logit_slope)(double *out, const double *t, size_t len);
    void (*logit_loss)(double *out, const double *s, const double *t, size_t len);
};

/* Chosen once, by the CPU and SOTTO_CPU. Threads: safe. */
const struct sotto__elementary *sotto__elementary(void);

extern const struct sotto__elementary sotto__elementary_generic;
#ifdef __x86_64__
extern const struct sotto__elementary sotto__elementary_avx2;
extern const struct sotto__elementary sotto__elementary_avx512;
#endif

#endif
