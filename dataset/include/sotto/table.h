/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_TABLE_H
#define SOTTO_TABLE_H

/* A table in memory: a scan that appends, or what another library gave (arrow.h). */

#include <sotto/csv.h>

SOTTO_BEGIN_DECLS

struct sotto_table;

/* Loads the wanted columns. Returns: as sotto_csv_scan. Ownership: ended by sotto_table_free. */
SOTTO_API enum sotto_status sotto_table_load(struct sotto_table **out, struct sotto_csv *csv,
                                             const struct sotto_catalogue *catalogue,
                                             const struct sotto_csv_wanted *wanted,
                                             size_t wanted_len,
                                             struct sotto_error *err) SOTTO_NODISCARD;

/* Frees a table and its columns; NULL is fine. What was exported from it (arrow.h) lives on. */
SOTTO_API void sotto_table_free(struct sotto_table *table);

/* How many rows each column has. */
SOTTO_API size_t sotto_table_rows(const struct sotto_table *table);

/* How many columns there are. */
SOTTO_API size_t sotto_table_columns_len(const struct sotto_table *table);

/* Column i, below sotto_table_columns_len; of the wanted ones where the table was loaded. Borrows
 * from the table. */
SOTTO_API struct sotto_column sotto_table_column(const struct sotto_table *table, size_t i);

/* The name of column i, below sotto_table_columns_len. Borrows from the table. */
SOTTO_API const char *sotto_table_name(const struct sotto_table *table, size_t i);

SOTTO_END_DECLS

#endif
