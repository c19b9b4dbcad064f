/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_STORE_AUDIT_H
#define SOTTO_NODE_STORE_AUDIT_H

/* The ledger for its owner: a part of the store. */

#include "config/config.h"
#include "store/store_ledger.h"

struct store_audit {
    struct sotto_ledger *ledger;
    const struct config *config; /* names of peers, and the budget */
    struct sotto_key own;        /* this node's */
    uint64_t limit;              /* the last so many entries; 0: all */
};

struct json_t;
/* Makes {"entries": [...], "columns": [...], "head": {"number", "digest"}}, entries from the oldest
 * on: {"number", "created_at", "kind", "text"}, without those that are parts of others; of each
 * column {"file", "column", "told", "left"}, in sums within a year. Returns: as sotto_ledger_each.
 * Ownership: *out is the caller's reference. */
enum sotto_status store_audit_json(const struct store_audit *audit, struct json_t **out,
                                   struct sotto_error *err) SOTTO_NODISCARD;

#endif
