/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_STORE_RECEIPT_H
#define SOTTO_NODE_STORE_RECEIPT_H

/* Receipts of tasks that were created here. A part of the store. */

#include "store/store.h"

/* Keeps the task's receipt, and the full one (empty: there is none). */
enum sotto_status store_receipt(struct store *store, uint64_t number,
                                const struct sotto_buffer *receipt, const struct sotto_buffer *full,
                                struct sotto_error *err) SOTTO_NODISCARD;

/* A receipt as the API has it: {"receipt": base64}. Returns: SOTTO_ERROR_NOT_FOUND, saying when
 * there is one. Ownership: *out_json is ended by sotto_free. */
enum sotto_status store_receipt_json(struct store *store, char **out_json,
                                     const struct store_task *task, bool is_full,
                                     struct sotto_error *err) SOTTO_NODISCARD;

#endif
