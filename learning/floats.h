/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_LEARNING_FLOATS_H
#define SOTTO_LEARNING_FLOATS_H

/* Elements of tensors as doubles, and exact quotients as elements. */

#include <sotto/tensors.h>

__extension__ typedef unsigned __int128 sotto__u128;
__extension__ typedef __int128 sotto__i128;

/* Reads the element at `from`, of any alignment: each value of each type of floats is a double. */
double sotto__float_load(enum sotto_tensor_type type, const uint8_t *from);

/* Stores the number of this type that is nearest to numerator / (divisor 2^scale_bits), ties to
 * even. |numerator| < 2^127, 0 < divisor < 2^63, scale_bits 0 .. 60; the quotient's magnitude is at
 * most 2^60, and 2^15 for F16. */
void sotto__float_store(enum sotto_tensor_type type, uint8_t *to, sotto__i128 numerator,
                        uint64_t divisor, int scale_bits);

#endif
