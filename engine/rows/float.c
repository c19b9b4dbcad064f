/* SPDX-License-Identifier: Apache-2.0 */

/* Operations on doubles of a block, but for arithmetic, which the kernels have. It leans on IEEE
 * 754: what is here is exact or rounded once, so that it has the same bits on every CPU;
 * elementary.c and links.c have the functions for which that takes more. Loops ask for the
 * operation outside, so that the compiler makes vectors of each.
 */

#include "kernels/elementary.h"
#include "kernels/links.h"
#include "rows/rows.h"

#include <math.h>
#include <stdlib.h>

static void take_roots(double *out, const double *a, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = sqrt(a[i]); /* IEEE 754: correctly rounded */
    }
}

static void prove_truths(double *out, const double *a, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = a[i] == 0 || a[i] == 1 ? 0 : (double)NAN;
    }
}

/* --- Whole numbers, as numpy has them --- */

/* As numpy's npy_divmod: a - mod is near a multiple of b, so the quotient is snapped to an integer.
 */
static double floor_divide(double a, double b)
{
    if (b == 0) {
        return a / b;
    }
    double mod = fmod(a, b);
    double quotient = (a - mod) / b;
    if (mod != 0 && (b < 0) != (mod < 0)) {
        quotient -= 1;
    }
    if (quotient == 0) {
        return copysign(0, a / b);
    }
    double whole = floor(quotient);
    return quotient - whole > 0.5 ? whole + 1 : whole;
}

/* The remainder has the sign of b, also where it is 0; by 0 it is NaN. */
static double take_modulo(double a, double b)
{
    double mod = fmod(a, b);
    if (mod == 0) {
        return copysign(0, b);
    }
    return (b < 0) != (mod < 0) ? mod + b : mod;
}

/* x is scaled by 10^digits, rounded to the nearest integer, ties to even, and scaled back. What is
 * too large to be scaled has no decimals. */
static double round_to(double x, double power, bool up)
{
    double scaled = up ? x * power : x / power;
    double whole = rint(scaled);
    return isfinite(scaled) ? (up ? whole / power : whole * power) : x;
}

static void round_all(double *out, const double *a, int digits, size_t len)
{
    double power = 1;
    for (int i = 0; i < abs(digits); i++) {
        power *= 10; /* exact up to 10^22 */
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = round_to(a[i], power, digits > 0);
    }
}

static void apply_whole(double *out, const struct sotto__op *op, const double *a, const double *b,
                        size_t len)
{
    for (size_t i = 0; op->kind == SOTTO__OP_FLOOR_DIVIDE && i < len; i++) {
        out[i] = floor_divide(a[i], b[i]);
    }
    for (size_t i = 0; op->kind == SOTTO__OP_MODULO && i < len; i++) {
        out[i] = take_modulo(a[i], b[i]);
    }
    for (size_t i = 0; op->kind == SOTTO__OP_FLOOR && i < len; i++) {
        out[i] = floor(a[i]);
    }
    for (size_t i = 0; op->kind == SOTTO__OP_CEIL && i < len; i++) {
        out[i] = ceil(a[i]);
    }
    if (op->kind == SOTTO__OP_ROUND) {
        round_all(out, a, op->digits, len);
    }
}

void sotto__rows_float(double *out, const struct sotto__op *op, const double *a, const double *b,
                       size_t len)
{
    switch (op->kind) {
    case SOTTO__OP_FLOOR_DIVIDE:
    case SOTTO__OP_MODULO:
    case SOTTO__OP_FLOOR:
    case SOTTO__OP_CEIL:
    case SOTTO__OP_ROUND:
        apply_whole(out, op, a, b, len);
        break;
    case SOTTO__OP_EXP:
        sotto__exp(out, a, len);
        break;
    case SOTTO__OP_LOG:
        sotto__log(out, a, len);
        break;
    case SOTTO__OP_NORMAL_LOG:
        sotto__normal_log(out, a, len);
        break;
    case SOTTO__OP_NORMAL_SLOPE:
        sotto__normal_slope(out, a, len);
        break;
    case SOTTO__OP_LOGLOG_LOG:
        sotto__loglog_log(out, a, len);
        break;
    case SOTTO__OP_LOGLOG_SLOPE:
        sotto__loglog_slope(out, a, len);
        break;
    case SOTTO__OP_TRUTH:
        prove_truths(out, a, len);
        break;
    case SOTTO__OP_LOGIT_TAIL:
        sotto__logit_tail(out, a, len);
        break;
    case SOTTO__OP_LOGIT_SHARE:
        sotto__logit_share(out, a, b, len);
        break;
    case SOTTO__OP_LOGIT_SLOPE:
        sotto__logit_slope(out, a, len);
        break;
    case SOTTO__OP_LOGIT_LOSS:
        sotto__logit_loss(out, a, b, len);
        break;
    case SOTTO__OP_POW:
        sotto__pow(out, a, b, len);
        break;
    default:
        take_roots(out, a, len);
        break;
    }
}

/* --- Comparisons --- */

void sotto__rows_compare_float(int64_t *out, enum sotto__op_kind kind, const double *a,
                               const double *b, size_t len)
{
    for (size_t i = 0; kind == SOTTO__OP_EQUAL && i < len; i++) {
        out[i] = a[i] == b[i];
    }
    for (size_t i = 0; kind == SOTTO__OP_UNEQUAL && i < len; i++) {
        out[i] = a[i] != b[i];
    }
    for (size_t i = 0; kind == SOTTO__OP_LESS && i < len; i++) {
        out[i] = a[i] < b[i];
    }
    for (size_t i = 0; kind == SOTTO__OP_LESS_EQUAL && i < len; i++) {
        out[i] = a[i] <= b[i];
    }
}
