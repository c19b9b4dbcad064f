/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_BASE_INTERNAL_H
#define SOTTO_BASE_INTERNAL_H

/* What files of base share. */

#include <sotto/status.h>

/* Asks the fault-injection hook of alloc.h. */
bool sotto__alloc_allowed(size_t bytes);

/* Whether a reader of this character is shown something else than is there (error.c). */
bool sotto__character_deceives(uint32_t code);

#endif
