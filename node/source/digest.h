/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SOURCE_DIGEST_H
#define SOTTO_NODE_SOURCE_DIGEST_H

/* Rows by which they are known again, as no file holds them. */

#include <sotto/csv.h>
#include <sotto/table.h>

/* A digest of names, types and rows, whatever the rows' order, in place of a file's identity. */
void source_table_digest(struct sotto_file_identity *out, const struct sotto_table *table);

/* What a table takes in memory, nearly. */
size_t source_table_bytes(const struct sotto_table *table);

#endif
