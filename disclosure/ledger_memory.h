/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DISCLOSURE_LEDGER_MEMORY_H
#define SOTTO_DISCLOSURE_LEDGER_MEMORY_H

/* A ledger's storage that lasts as long as the process. */

#include <sotto/ledger.h>

/* Zero-initialise. */
struct sotto__ledger_memory {
    struct sotto_ledger_row *rows; /* their bytes are owned */
    size_t len;
    size_t capacity_len;
};

void sotto__ledger_memory_release(struct sotto__ledger_memory *memory);
/* Borrows memory, which stays where it is. */
struct sotto_ledger_storage sotto__ledger_memory_storage(struct sotto__ledger_memory *memory);

#endif
