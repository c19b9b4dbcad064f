/* SPDX-License-Identifier: Apache-2.0 */

/* Integers of six types from and to exact numbers. The idea: a mean of integers of a type lies
 * between the least and the largest of them, so the integer nearest to it is of that type too. */

#include "integers.h"

#include <string.h>

struct sotto__integer_range sotto__integer_range(enum sotto_tensor_type type)
{
    switch (type) {
    case SOTTO_TENSOR_I64:
        return (struct sotto__integer_range){INT64_MIN, INT64_MAX};
    case SOTTO_TENSOR_I32:
        return (struct sotto__integer_range){INT32_MIN, INT32_MAX};
    case SOTTO_TENSOR_I16:
        return (struct sotto__integer_range){INT16_MIN, INT16_MAX};
    case SOTTO_TENSOR_I8:
        return (struct sotto__integer_range){INT8_MIN, INT8_MAX};
    case SOTTO_TENSOR_U8:
        return (struct sotto__integer_range){0, UINT8_MAX};
    default:
        return (struct sotto__integer_range){0, 1};
    }
}

int64_t sotto__integer_load(enum sotto_tensor_type type, const uint8_t *from)
{
    uint64_t bits = 0;
    memcpy(&bits, from, sotto_tensor_type_bytes(type));
    switch (type) {
    case SOTTO_TENSOR_I64:
        return (int64_t)bits;
    case SOTTO_TENSOR_I32:
        return (int32_t)(uint32_t)bits;
    case SOTTO_TENSOR_I16:
        return (int16_t)(uint16_t)bits;
    case SOTTO_TENSOR_I8:
        return (int8_t)(uint8_t)bits;
    case SOTTO_TENSOR_U8:
        return (int64_t)bits;
    default:
        return bits != 0;
    }
}

void sotto__integer_store(enum sotto_tensor_type type, uint8_t *to, sotto__i128 numerator,
                          uint64_t divisor)
{
    SOTTO_REQUIRE(divisor > 0 && divisor < (uint64_t)1 << 63);
    sotto__u128 magnitude = numerator < 0 ? -(sotto__u128)numerator : (sotto__u128)numerator;
    uint64_t quotient = (uint64_t)(magnitude / divisor);
    uint64_t twice = 2 * (uint64_t)(magnitude % divisor); /* below 2^64 */
    quotient += twice > divisor || (twice == divisor && (quotient & 1) != 0);
    uint64_t bits = numerator < 0 ? -quotient : quotient;
    memcpy(to, &bits, sotto_tensor_type_bytes(type));
}
