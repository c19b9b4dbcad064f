/* SPDX-License-Identifier: Apache-2.0 */

/* The additions as the compiler makes them for any CPU: the specification of the other levels. */

#include "vector/vector_kernels.h"

const struct sotto__vector_ops sotto__vector_ops_generic =
    VECTOR_OPS(lanes_add_40, lanes_subtract_40);
