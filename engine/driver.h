/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_DRIVER_H
#define SOTTO_ENGINE_DRIVER_H

/* The driver: a plan under agreed types, and what its rounds have opened so far. */

#include "answer/answer.h"
#include <sotto/driver.h>

struct sotto_driver {
    const struct sotto_plan *plan;
    struct sotto_schema schema;
    struct sotto__expansion expansion;
    uint32_t round; /* from 1; 0: the last one is over */
    uint32_t rounds_len;
    struct sotto__program programs[SOTTO__ROUNDS_MAX];
    struct sotto__program *program;      /* of the round, at the end of the last one */
    uint64_t *opened[SOTTO__ROUNDS_MAX]; /* the limbs that the rounds before have opened */
    struct sotto__results results;
    const struct sotto_interrupt *interrupt;
};

#endif
