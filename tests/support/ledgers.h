/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_TEST_LEDGERS_H
#define SOTTO_TEST_LEDGERS_H

/* A ledger's storage in memory, whose disk may be full. */

#include <sotto/ledger.h>

#define TEST_LEDGER_ROWS_MAX 4096

struct test_disk {
    struct sotto_ledger_row rows[TEST_LEDGER_ROWS_MAX]; /* bytes are malloc's */
    size_t len;
    bool is_full;
};

/* The one disk. */
extern struct test_disk test_disk;

/* Empties the disk. */
void test_disk_clear(void);

/* Opens the ledger that is on the disk. _open ends the test if that fails. */
enum sotto_status test_ledger_try(struct sotto_ledger **out, struct sotto_error *err);
struct sotto_ledger *test_ledger_open(void);

/* The storage of a ledger on the disk. */
struct sotto_ledger_storage test_disk_storage(void);

#endif
