/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_PLAN_LEARNING_H
#define SOTTO_ENGINE_PLAN_LEARNING_H

/* The keys "bundle" and "rounds" of a plan of type "learning". */

#include "plan/plan.h"

/* Reads both, which must be there. */
enum sotto_status sotto__parse_learning(struct sotto_plan *plan, const struct json_t *root,
                                        struct sotto_error *err) SOTTO_NODISCARD;

#endif
