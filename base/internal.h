/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_BASE_INTERNAL_H
#define SOTTO_BASE_INTERNAL_H

/* What base's allocators share. */

#include <sotto/status.h>

/* Asks the fault-injection hook of alloc.h. */
bool sotto__alloc_allowed(size_t bytes);

#endif
