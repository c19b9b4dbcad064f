/* SPDX-License-Identifier: Apache-2.0 */

/* Momentum of the model that all parties hold. Leans on floats.c. The idea: a few operations of
 * doubles, none of them contracted, and one rounding to the steps that weights have anyway, so that
 * all compute the same model. */

#include "floats.h"

#include <sotto/average.h>

#include <math.h>

void sotto_average_momentum(uint8_t *weights, double *velocity, const struct sotto_average *average,
                            const struct sotto_tensor *before, int64_t percent)
{
    size_t element = sotto_tensor_type_bytes(before->type);
    double share = (double)percent / 100;
    double bound = average->fixed.bound;
    int scale_bits = average->fixed.scale_bits;
    if (!sotto_tensor_type_is_float(before->type)) {
        return;
    }
    for (size_t i = 0; i < before->elements_len; i++) {
        double weight = sotto__float_load(before->type, before->data + i * element);
        double mean = sotto__float_load(before->type, weights + i * element);
        velocity[i] = share * velocity[i] + (mean - weight);
        double next = fmax(-bound, fmin(weight + velocity[i], bound));
        sotto__float_store(before->type, weights + i * element,
                           (sotto__i128)llrint(ldexp(next, scale_bits)), 1, scale_bits);
    }
}
