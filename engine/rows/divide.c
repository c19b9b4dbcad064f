/* SPDX-License-Identifier: Apache-2.0 */

/* Divisions of exact values: floors, as Python's // and % are, and the nearest integer. It leans on
 * exact.c for operands of one width, and on GMP beyond 128 bits. A divisor of 0 gives 0 here, and
 * rows.c marks the row as one without a value.
 *
 * The one idea: machines and GMP cut a quotient off towards zero. What is left over says whether
 * the result is that quotient or the next one away from zero, by one rule for all widths. */

#include "rows/rows.h"

#include <string.h>

_Static_assert(GMP_NUMB_BITS == 64, "GMP's limbs must have 64 bits");

/* Whether the quotient that was cut off must go one away from zero: to the floor where the signs
 * differ, to the nearest integer by half, which compares |r| with |b| - |r| as -1, 0 or 1. */
static bool is_moved_on(enum sotto__op_kind kind, bool has_rest, bool signs_differ, int half,
                        bool is_odd)
{
    if (kind == SOTTO__OP_ROUND_DIVIDE) {
        return half > 0 || (half == 0 && is_odd);
    }
    return has_rest && signs_differ;
}

static int64_t divide_64(enum sotto__op_kind kind, int64_t a, int64_t b)
{
    if (b == 0) {
        return 0;
    }
    int64_t q = a / b; /* |a| <= 2^62: no overflow */
    int64_t r = a % b;
    int64_t left = (b < 0 ? -b : b) - (r < 0 ? -r : r);
    int64_t taken = r < 0 ? -r : r;
    bool differ = (a < 0) != (b < 0);
    bool on = is_moved_on(kind, r != 0, differ, (taken > left) - (taken < left), (q & 1) != 0);
    if (kind == SOTTO__OP_MODULO) {
        return on ? r + b : r;
    }
    return on ? q + (differ ? -1 : 1) : q;
}

static sotto__int128 divide_128(enum sotto__op_kind kind, sotto__int128 a, sotto__int128 b)
{
    if (b == 0) {
        return 0;
    }
    sotto__int128 q = a / b; /* |a| <= 2^126 */
    sotto__int128 r = a % b;
    sotto__int128 left = (b < 0 ? -b : b) - (r < 0 ? -r : r);
    sotto__int128 taken = r < 0 ? -r : r;
    bool differ = (a < 0) != (b < 0);
    bool on = is_moved_on(kind, r != 0, differ, (taken > left) - (taken < left), (q & 1) != 0);
    if (kind == SOTTO__OP_MODULO) {
        return on ? r + b : r;
    }
    return on ? q + (differ ? -1 : 1) : q;
}

/* --- Words --- */

static bool is_negative(const uint64_t *a, unsigned limbs)
{
    return a[limbs - 1] >> 63 != 0;
}

/* Writes |a|: mpn_neg is two's complement. Returns: how many limbs it has without leading zeros. */
static unsigned take_magnitude(mp_limb_t *out, const uint64_t *a, unsigned limbs)
{
    memcpy(out, a, limbs * sizeof *a);
    if (is_negative(a, limbs)) {
        (void)mpn_neg(out, out, limbs);
    }
    while (limbs > 0 && out[limbs - 1] == 0) {
        limbs--;
    }
    return limbs;
}

/* Compares r with b - r, for r < b. */
static int compare_half(const mp_limb_t *r, const mp_limb_t *b, unsigned limbs)
{
    mp_limb_t left[SOTTO__VALUE_LIMBS_MAX + 1];
    (void)mpn_sub_n(left, b, r, limbs);
    return mpn_cmp(r, left, limbs);
}

static void divide_words(uint64_t *out, unsigned out_limbs, enum sotto__op_kind kind,
                         const uint64_t *a, const uint64_t *b, unsigned limbs)
{
    mp_limb_t x[SOTTO__VALUE_LIMBS_MAX + 1] = {0};
    mp_limb_t y[SOTTO__VALUE_LIMBS_MAX + 1] = {0};
    mp_limb_t q[SOTTO__VALUE_LIMBS_MAX + 1] = {0};
    mp_limb_t r[SOTTO__VALUE_LIMBS_MAX + 1] = {0};
    bool differ = is_negative(a, limbs) != is_negative(b, limbs);
    unsigned x_limbs = take_magnitude(x, a, limbs);
    unsigned y_limbs = take_magnitude(y, b, limbs);
    memset(out, 0, out_limbs * sizeof *out);
    if (y_limbs == 0 || x_limbs == 0) {
        return;
    }
    if (x_limbs < y_limbs) {
        memcpy(r, x, x_limbs * sizeof *r);
    } else {
        mpn_tdiv_qr(q, r, 0, x, x_limbs, y, y_limbs);
    }
    bool on = is_moved_on(kind, mpn_zero_p(r, limbs) == 0, differ, compare_half(r, y, limbs),
                          (q[0] & 1) != 0);
    if (kind ==
        SOTTO__OP_MODULO) { /* with the sign of b: |r|, or |b| - |r| where the signs differ */
        if (on) {
            (void)mpn_sub_n(r, y, r, limbs);
        }
        memcpy(q, r, sizeof q);
        differ = is_negative(b, limbs);
    } else if (on) {
        (void)mpn_add_1(q, q, limbs, 1);
    }
    if (differ) {
        (void)mpn_neg(q, q, limbs);
    }
    memcpy(out, q, out_limbs * sizeof *out);
}

/* --- Blocks --- */

void sotto__exact_divide(struct sotto__register *out, enum sotto__op_kind kind,
                         const struct sotto__register *a, const struct sotto__register *b,
                         unsigned bits, void *const scratch[2], size_t len)
{
    unsigned limbs = a->limbs > b->limbs ? a->limbs : b->limbs;
    const uint64_t *x = sotto__exact_as(a, limbs, scratch[0], len);
    const uint64_t *y = sotto__exact_as(b, limbs, scratch[1], len);
    unsigned found = kind == SOTTO__OP_MODULO ? b->bits : a->bits;
    out->bits = found < bits ? found : bits;
    out->limbs = sotto__limbs_of_bits(out->bits);
    out->values = out->own_values;
    uint64_t *values = out->own_values;
    for (size_t i = 0; i < len; i++) {
        if (limbs == 1) {
            values[i] = (uint64_t)divide_64(kind, (int64_t)x[i], (int64_t)y[i]);
        } else if (limbs == 2) {
            sotto__int128 whole = divide_128(kind, ((const sotto__int128 *)(const void *)x)[i],
                                             ((const sotto__int128 *)(const void *)y)[i]);
            values[i * out->limbs] = (uint64_t)(sotto__uint128)whole;
            if (out->limbs == 2) {
                values[2 * i + 1] = (uint64_t)((sotto__uint128)whole >> 64);
            }
        } else {
            divide_words(values + i * out->limbs, out->limbs, kind, x + i * limbs, y + i * limbs,
                         limbs);
        }
    }
}

bool sotto__exact_is_zero(const struct sotto__register *a, size_t i)
{
    uint64_t any = 0;
    for (unsigned j = 0; j < a->limbs; j++) {
        any |= ((const uint64_t *)a->values)[i * a->limbs + j];
    }
    return any == 0;
}
