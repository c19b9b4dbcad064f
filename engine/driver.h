/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_DRIVER_H
#define SOTTO_ENGINE_DRIVER_H

/* The driver: a plan under agreed types, in one of its rounds. */

#include "methods/methods.h"
#include <sotto/driver.h>

struct sotto_driver {
    const struct sotto_plan *plan;
    struct sotto_schema schema;
    struct sotto__expansion expansion;
    uint32_t round; /* that is opened next, from 1; 0: the last one is over */
    uint32_t stage; /* the plan's round that this one is: some ask nothing */
    uint32_t stages_len;
    struct sotto__program *program; /* of the round; after the last one, of that */
    struct sotto__calls calls;
    struct sotto__kept kept; /* what the rounds before have opened, as far as it is needed */
    struct sotto__results results;
    bool keeps_opened;
    struct sotto_buffer *opened; /* then, by each round that is over: its limbs, as bytes */
    size_t opened_len;
    size_t opened_capacity_len;
    const struct sotto_interrupt *interrupt;
};

/* As sotto_driver_new, with these methods for the calls of the plan. */
enum sotto_status sotto__driver_new(struct sotto_driver **out, const struct sotto_plan *plan,
                                    const struct sotto_schema *schema,
                                    const sotto__method_table methods,
                                    struct sotto_error *err) SOTTO_NODISCARD;

#endif
