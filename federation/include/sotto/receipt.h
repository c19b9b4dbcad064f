/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_RECEIPT_H
#define SOTTO_RECEIPT_H

/* A receipt: a file that shows to anybody who knows the parties' keys what was asked, what came out
 * and who confirmed it, without anybody's data (aggregation/PROTOCOL.md, "Receipts"). */

#include <sotto/task.h>

SOTTO_BEGIN_DECLS

/* One whose rows are in the result. */
struct sotto_receipt_party {
    struct sotto_key key;
    bool confirms; /* it signed the result */
};

/* What a receipt that holds says. Owns all of it. */
struct sotto_receipt {
    struct sotto_task_id task;
    struct sotto_key creator; /* who ran the task, and signed the receipt */
    char *plan_json;
    char *result;
    uint32_t rounds;
    struct sotto_receipt_party *parties; /* ascending by key */
    size_t parties_len;
    size_t confirmed_len;
    bool is_full;       /* it had all that opens the sums, and they were computed again */
    uint32_t colluders; /* k: so many beside the creator's own party may have colluded */
};

/* Reads a receipt and checks all of it, believing nobody but the keys in peers; what opens the sums
 * too, where it is there, which needs the engine that the parties had. Returns:
 * SOTTO_ERROR_INPUT for what is none, SOTTO_ERROR_VERSION for another version of it,
 * SOTTO_ERROR_AUTH, SOTTO_ERROR_PROTOCOL, SOTTO_ERROR_PARTIES or SOTTO_ERROR_PLAN for one that does
 * not hold, with a text that says where; SOTTO_ERROR_NO_MEMORY. Ownership: *out is ended by
 * sotto_receipt_release; unchanged on failure. */
SOTTO_API enum sotto_status sotto_receipt_verify(struct sotto_receipt *out, const void *bytes,
                                                 size_t bytes_len, const struct sotto_peer *peers,
                                                 size_t peers_len,
                                                 struct sotto_error *err) SOTTO_NODISCARD;

/* Frees what a receipt holds. */
SOTTO_API void sotto_receipt_release(struct sotto_receipt *receipt);

/* After DONE with SOTTO_OK: the receipt of the task; is_full: with all that opens its sums.
 * Returns: SOTTO_ERROR_NOT_FOUND, and why, where there is none: its sums were not verified, or an
 * owner wants none (policy.confirm), or not all let transcripts be kept (policy.transcripts), or,
 * of a full one, the task is of learning; SOTTO_ERROR_NO_MEMORY. Ownership: *out is ended by
 * sotto_buffer_release. */
SOTTO_API enum sotto_status sotto_task_aggregator_receipt(const struct sotto_task_aggregator *task,
                                                          struct sotto_buffer *out, bool is_full,
                                                          struct sotto_error *err) SOTTO_NODISCARD;

SOTTO_END_DECLS

#endif
