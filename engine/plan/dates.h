/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_PLAN_DATES_H
#define SOTTO_ENGINE_PLAN_DATES_H

/* Dates in expressions: dates.c. */

#include "plan/expansion.h"

/* Finds which nodes of an expansion's expression are dates, refuses what is done with dates that
 * nobody has listed, and makes texts beside dates literals, whose number is their days: from here
 * on a date is an integer. *out_is_date: whether the expression itself is one. Returns:
 * SOTTO_ERROR_TYPE. err must not be NULL. */
enum sotto_status sotto__dates_resolve(bool *out_is_date, struct sotto__expression *expression,
                                       const struct sotto__expansion *expansion,
                                       struct sotto_error *err) SOTTO_NODISCARD;

#endif
