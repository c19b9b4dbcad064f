/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_STORE_BACKUP_H
#define SOTTO_NODE_STORE_BACKUP_H

/* Copies of a node's database, and what one of them may go on with. A part of the store. */

#include "store/store.h"

/* Copies a database, which others may be writing, as it is at one moment, into a file of mode 0600.
 * Returns: SOTTO_ERROR_STATE where there is a file already; SOTTO_ERROR_IO, and then there is none.
 */
enum sotto_status store_copy(const char *to, const char *from,
                             struct sotto_error *err) SOTTO_NODISCARD;

/* Checks that each page and index of a database is whole, which takes as long as to read it, and
 * that nothing in it acts by itself (triggers). Returns: SOTTO_ERROR_INPUT. */
enum sotto_status store_check(struct store *store, struct sotto_error *err) SOTTO_NODISCARD;

/* Ends what a copy holds that may have gone on without it, and would count twice: tasks of others
 * that were under way, what waits for its owner or was approved, approvals of code. Durable. */
enum sotto_status store_end_past(struct store *store, struct sotto_error *err) SOTTO_NODISCARD;

#endif
