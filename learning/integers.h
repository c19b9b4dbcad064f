/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_LEARNING_INTEGERS_H
#define SOTTO_LEARNING_INTEGERS_H

/* Elements of tensors of integers, such as counts of batches, and exact quotients as elements. */

#include "floats.h"

/* The numbers of a type of integers: of BOOL 0 and 1. */
struct sotto__integer_range {
    int64_t least;
    int64_t most;
};

struct sotto__integer_range sotto__integer_range(enum sotto_tensor_type type);

/* Reads the element at `from`, of any alignment. Of BOOL each byte above 0 is 1. */
int64_t sotto__integer_load(enum sotto_tensor_type type, const uint8_t *from);

/* Stores the integer that is nearest to numerator / divisor, ties to even: a number of the type.
 * |numerator| < 2^127, 0 < divisor < 2^63. */
void sotto__integer_store(enum sotto_tensor_type type, uint8_t *to, sotto__i128 numerator,
                          uint64_t divisor);

#endif
