/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_DRIVER_H
#define SOTTO_ENGINE_DRIVER_H

/* The driver: a plan under agreed types, in one of its rounds. */

#include "answer/results.h"
#include <sotto/driver.h>

struct sotto_driver {
    const struct sotto_plan *plan;
    struct sotto_schema schema;
    struct sotto__expansion expansion;
    uint32_t round; /* from 1; 0: the last one is over */
    uint32_t rounds_len;
    struct sotto__program *program; /* of the round; after the last one, of that */
    struct sotto__kept kept;        /* what the rounds before have opened, as far as it is needed */
    struct sotto__results results;
    const struct sotto_interrupt *interrupt;
};

#endif
