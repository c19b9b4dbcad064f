/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_INTERRUPT_H
#define SOTTO_INTERRUPT_H

/* A request to stop long work, made on one thread or in a signal handler and heeded by another,
 * which then returns SOTTO_ERROR_CANCELLED: readings of files (sotto/csv.h), partials and
 * regressions (sotto/driver.h). */

#include <sotto/status.h>

SOTTO_BEGIN_DECLS

/* Start: {0}. Read and written by the functions below only; it outlives whatever heeds it. */
struct sotto_interrupt {
    int is_set;
};

/* For good. Threads: any, and signal handlers. */
SOTTO_API void sotto_interrupt_set(struct sotto_interrupt *interrupt);

/* false for NULL. Threads: any. */
SOTTO_API bool sotto_interrupt_is_set(const struct sotto_interrupt *interrupt);

SOTTO_END_DECLS

#endif
