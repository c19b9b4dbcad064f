/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_PLAN_DATES_H
#define SOTTO_ENGINE_PLAN_DATES_H

/* Dates and times in expressions: dates.c. */

#include "plan/expansion.h"

/* Finds which nodes of an expansion's expression are dates or times, refuses what is done with them
 * that nobody has listed, and makes texts beside them literals, whose number is their days or their
 * seconds: from here on a date is a number. *out_kind: what the expression itself is; null: a
 * number. Returns: SOTTO_ERROR_TYPE. err must not be NULL. */
enum sotto_status sotto__dates_resolve(enum sotto_kind *out_kind,
                                       struct sotto__expression *expression,
                                       const struct sotto__expansion *expansion,
                                       struct sotto_error *err) SOTTO_NODISCARD;

#endif
