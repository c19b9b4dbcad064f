/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_CONTRIBUTE_COVER_H
#define SOTTO_ENGINE_CONTRIBUTE_COVER_H

/* Parts of a partial that are opened or not (sotto/contribution.h, "Cover"). */

#include "contribute/evidence.h"

/* Takes a group, or a bin or level (by its term), out of a partial, and has its slot say so. */
void sotto__parts_withhold_group(uint64_t *limbs, const struct sotto__program *program,
                                 size_t group);
void sotto__parts_withhold_cell(uint64_t *limbs, const struct sotto__program *program, size_t group,
                                size_t term);

/* The plan's first output that a term is a bin or a level of. */
size_t sotto__parts_find_output(const struct sotto_driver *driver, size_t term);

/* Says what a judge left of each part: sotto_driver_cover_len bytes of SOTTO_COVER_. */
void sotto__parts_say(uint8_t *out, const struct sotto_driver *driver,
                      const struct sotto__inquiry *inquiry, const struct sotto_withheld *withheld);

#endif
