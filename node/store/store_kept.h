/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_STORE_KEPT_H
#define SOTTO_NODE_STORE_KEPT_H

/* The ledger's rows that were read before, in memory (store_kept.c). */

#include <sotto/ledger.h>

/* The rows of one subject. */
struct store_kept;

/* All that is kept of a store. Zero-initialise. */
struct store_kept_all {
    struct store_kept *first;
    size_t len;
    size_t bytes;     /* of their rows */
    uint64_t version; /* of the database when they were read: who else wrote changed it */
};

/* Frees all rows, which are read again when they are needed. */
void store__kept_release(struct store_kept_all *all);

/* Finds a subject, or makes it without a row, for which all others may be released. Returns: NULL
 * if there is no memory. Ownership: of all, until these are released. */
struct store_kept *store__kept_find(struct store_kept_all *all,
                                    const uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES]);
/* The number of the last row, 0 where there is none. */
uint64_t store__kept_last(const struct store_kept *kept);
/* Keeps a row that comes after the last one; its digest is not kept. Returns: whether there was
 * room. */
bool store__kept_add(struct store_kept_all *all, struct store_kept *kept,
                     const struct sotto_ledger_row *row);
/* Calls see for each row, by their numbers. No row of them may be added meanwhile. Returns: what
 * see returned. */
enum sotto_status store__kept_each(const struct store_kept *kept, sotto_ledger_see_row *see,
                                   void *see_context, struct sotto_error *err) SOTTO_NODISCARD;

#endif
