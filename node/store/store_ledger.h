/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_STORE_LEDGER_H
#define SOTTO_NODE_STORE_LEDGER_H

/* The ledger of answers (sotto/ledger.h) in the node's database: a part of the store. */

#include "store/store.h"
#include <sotto/ledger.h>

/* A storage for sotto_ledger_open. What it appends is one durable transaction. Ownership: borrows
 * store, in which no transaction may be under way. */
struct sotto_ledger_storage store_ledger_storage(struct store *store);

#endif
