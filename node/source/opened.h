/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SOURCE_OPENED_H
#define SOTTO_NODE_SOURCE_OPENED_H

/* Questions about columns: opened.c asks what they are, opened_facts.c how many values they have.
 */

#include "source/pushed.h"

/* --- opened.c --- */

bool opened_is_exact(enum sotto_kind kind);
/* A column of a result that has the row; else none, and *in_out is SOTTO_ERROR_PROTOCOL. */
struct sotto_column result_find(const struct sotto_table *table, size_t column, size_t row,
                                enum sotto_status *in_out);
/* No two results may have one name. */
void opened_write_alias(struct sotto_writer *writer, size_t column, size_t fact);
/* Runs what was written, a SELECT of one row, and ends the writer. Ownership: *out is ended by
 * source_rows_release. */
enum sotto_status opened_ask_one(struct source_rows *out, struct source_session *session,
                                 struct sotto_writer *sql, size_t columns_len,
                                 struct sotto_error *err) SOTTO_NODISCARD;

/* --- opened_facts.c --- */

/* Asks for what is known of all columns, in one pass where the database has to make one. */
enum sotto_status opened_ask_facts(struct source_facts *in_out, struct source_session *session,
                                   const struct source_request *request,
                                   struct sotto_error *err) SOTTO_NODISCARD;

#endif
