/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SOURCED_H
#define SOTTO_NODE_SOURCED_H

/* Datasets whose rows live in a database. Threads: the compute thread. */

#include "task/datasets.h"

/* Reads the columns that policy shows, the key and no others, of all rows, into memory: whatever
 * reads the dataset until it is released sees these rows. file: its name, which policy offers;
 * has_digest: its catalogue's file identity is a digest of the rows, whatever their order. The text
 * of an error is for the owner alone. Returns: SOTTO_ERROR_INPUT whatever is wrong with the source,
 * SOTTO_ERROR_LIMIT where rows of others take the memory, SOTTO_ERROR_CANCELLED. Ownership: *out is
 * ended by dataset_release. */
enum sotto_status sourced_read(struct dataset *out, const struct config *config, const char *file,
                               bool has_digest, const struct sotto_interrupt *interrupt,
                               struct sotto_error *err) SOTTO_NODISCARD;

/* Lets sources be asked again that were waited for in vain: node.yaml is another one. */
void sourced_wake(void);

/* Ends what sourced_read read, and gives its memory to others; a zeroed dataset is fine. */
void sourced_release(struct dataset *dataset);

#endif
