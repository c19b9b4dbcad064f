/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DATASET_TABLE_TABLE_H
#define SOTTO_DATASET_TABLE_TABLE_H

/* Room table: tables in memory. */

#include "value/value.h"
#include <sotto/arrow.h>
#include <sotto/table.h>
#include <stdatomic.h>

struct sotto__segment;

struct sotto__table_column {
    struct sotto_type type;
    bool wide;
    size_t null_count;
    uint8_t *validity;
    void *values;
    void *values_memory;              /* values are aligned within it */
    int64_t *offsets;                 /* while loading: of each row within its segment */
    struct sotto__segment **segments; /* while loading: a list for each worker, the last first */
    char *name;
    struct sotto_column view; /* what is handed out: borrows from the above, or from the owner */
};

struct sotto_table {
    size_t rows;
    struct sotto__table_column *columns;
    size_t columns_len;
    size_t workers;
    atomic_size_t holds;     /* who must free it before it ends */
    struct ArrowArray owner; /* of an imported table's buffers, or released */
};

/* A table of no columns yet, with room for columns_len. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__table_new(struct sotto_table **out, size_t columns_len, size_t rows,
                                   size_t workers) SOTTO_NODISCARD;

/* Another hold on the table, ended by sotto_table_free. */
struct sotto_table *sotto__table_hold(struct sotto_table *table);

#endif
