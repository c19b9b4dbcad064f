/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_STORE_LEDGER_H
#define SOTTO_NODE_STORE_LEDGER_H

/* The ledger of answers (sotto/ledger.h) in the node's database: a part of the store. */

#include "store/store.h"
#include <sotto/identity.h>
#include <sotto/ledger.h>

/* Opens and verifies the ledger of the node whose identity this is. Returns: as sotto_ledger_open.
 * Ownership: borrows store, in which no transaction may be under way when the ledger is used; *out
 * is ended by sotto_ledger_free. */
enum sotto_status store_ledger_open(struct sotto_ledger **out, struct store *store,
                                    const struct sotto_identity *identity,
                                    struct sotto_error *err) SOTTO_NODISCARD;

/* A storage for sotto_ledger_open. What it appends is one durable transaction. Ownership: borrows
 * store, in which no transaction may be under way. */
struct sotto_ledger_storage store_ledger_storage(struct store *store);

/* How many entries there are. */
enum sotto_status store_count_ledger(struct store *store, uint64_t *out,
                                     struct sotto_error *err) SOTTO_NODISCARD;

#endif
