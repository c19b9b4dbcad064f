/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_ARGUMENTS_H
#define SOTTO_NODE_ARGUMENTS_H

/* What a cage looks like from inside, as arguments of bubblewrap. */

#include "cage/cage.h"

/* Appends the arguments, each ended by a NUL, as bubblewrap's --args reads them. Returns:
 * SOTTO_ERROR_INPUT for a dataset's name that is no plain file name or a path that is not
 * absolute. */
enum sotto_status arguments_write(struct sotto_writer *out, const struct cage_config *config,
                                  struct sotto_error *err) SOTTO_NODISCARD;

#endif
