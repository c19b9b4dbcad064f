/* SPDX-License-Identifier: Apache-2.0 */

/* What every register must be like after its operation (rows.h), checked in VERIFY builds. Leans on
 * the program's bounds only, not on how an operation is computed.
 *
 * The idea: sums add up whole blocks without looking at single values, because a register says how
 * large they can be. A bound that is too small would be a wrong sum that nothing else notices. */

#include "rows/rows.h"

#ifdef SOTTO_VERIFY_BUILD

#include <math.h>
#include <string.h>

/* |value| <= 2^bits, of limbs words in two's complement. */
static bool is_within(const uint64_t *value, unsigned limbs, unsigned bits)
{
    uint64_t flip = value[limbs - 1] >> 63 != 0 ? UINT64_MAX : 0;
    uint64_t carry = flip & 1;
    uint64_t low = 0; /* whether some word below the limit's is not 0 */
    unsigned top = bits / 64;
    for (unsigned i = 0; i < limbs; i++) {
        uint64_t word = (value[i] ^ flip) + carry;
        carry = carry != 0 && word == 0;
        uint64_t limit = i == top ? UINT64_C(1) << (bits % 64) : 0;
        if (i >= top && (word > limit || (i == top && word == limit && low != 0))) {
            return false;
        }
        low |= word;
    }
    return true;
}

static void verify_exact(const struct sotto__register *reg, const struct sotto__op *op, size_t len)
{
    const uint64_t *values = reg->values;
    if (op->kind == SOTTO__OP_CONSTANT && op->bits > SOTTO__PRODUCT_BITS_MAX) {
        return; /* too wide for any exact operation: only its double is read */
    }
    if (op->kind == SOTTO__OP_KEY) { /* any word: it is compared, and never computed with */
        SOTTO_VERIFY(reg->limbs == 1);
        return;
    }
    SOTTO_VERIFY(reg->bits <= op->bits);
    SOTTO_VERIFY(reg->limbs == sotto__limbs_of_bits(reg->bits));
    if (values == NULL) {
        SOTTO_VERIFY(op->is_summed && reg->summed_len == len);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        SOTTO_VERIFY(is_within(values + i * reg->limbs, reg->limbs, reg->bits));
        SOTTO_VERIFY(op->type != SOTTO__ROW_BOOL || values[i * reg->limbs] <= 1);
    }
}

/* A NaN has no value: its row says that it is missing or was made. */
static void verify_doubles(const struct sotto__register *reg, size_t len)
{
    const double *values = reg->values;
    for (size_t i = 0; i < len; i++) {
        uint64_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        SOTTO_VERIFY((bits & INT64_MAX) <= reg->bound);
        SOTTO_VERIFY((bits & INT64_MAX) == 0 || (bits & INT64_MAX) >= reg->least);
        SOTTO_VERIFY(!isnan(values[i]) || reg->state[i] != 0);
    }
}

void sotto__register_verify(const struct sotto__register *reg, const struct sotto__op *op,
                            size_t len)
{
    for (size_t i = 0; i < len; i++) {
        SOTTO_VERIFY(reg->state[i] <= (SOTTO__ROW_MISSING | SOTTO__ROW_MADE_NAN));
        SOTTO_VERIFY(op->makes_nan || (reg->state[i] & SOTTO__ROW_MADE_NAN) == 0);
    }
    if (op->type == SOTTO__ROW_FLOAT) {
        verify_doubles(reg, len);
    } else if (op->type != SOTTO__ROW_TEXT) {
        verify_exact(reg, op, len);
    }
}

#endif
