/* SPDX-License-Identifier: Apache-2.0 */

/* Receipts, in the store's table `receipts`. Leans on store.c. A full receipt has all vectors of a
 * task: whoever reads one waits for it. */

#include "store/store_receipt.h"
#include "store/store_internal.h"

#include <sodium.h>
#include <sotto/alloc.h>
#include <string.h>

enum sotto_status store_receipt(struct store *store, uint64_t number,
                                const struct sotto_buffer *receipt, const struct sotto_buffer *full,
                                struct sotto_error *err)
{
    if (full->data == NULL) {
        return store__write(store, err, "INSERT INTO receipts(task_id, bytes) VALUES (?,?)", "ib",
                            number, receipt->data, receipt->data_bytes);
    }
    return store__write(store, err,
                        "INSERT INTO receipts(task_id, bytes, full_bytes) VALUES (?,?,?)", "ibb",
                        number, receipt->data, receipt->data_bytes, full->data, full->data_bytes);
}

static enum sotto_status read_receipt(struct store *store, struct sotto_buffer *out,
                                      uint64_t number, bool is_full, struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status = store__prepare(
        store, &statement, err,
        is_full ? "SELECT full_bytes FROM receipts WHERE task_id=? AND full_bytes IS NOT NULL"
                : "SELECT bytes FROM receipts WHERE task_id=?",
        "i", number);
    if (status != SOTTO_OK) {
        return status;
    }
    return store__read_bytes(store, out, statement, err);
}

static enum sotto_status fail_without(const struct store_task *task, bool is_full,
                                      struct sotto_error *err)
{
    return sotto_error_set(
        err, SOTTO_ERROR_NOT_FOUND,
        "task %llu has no receipt, it is %s: there is one when all whose rows are in a result were "
        "asked to confirm it (results: participants), and their owners sign results "
        "(policy.confirm)%s",
        (unsigned long long)task->number, task_state_name(task->state),
        is_full ? "; a full one also needs all owners to let what opens the sums be kept "
                  "(policy.transcripts)"
                : "");
}

enum sotto_status store__write_json(char **out, const char *before,
                                    const struct sotto_buffer *bytes, struct sotto_error *err)
{
    static const char after[] = "\"}";
    size_t used = strlen(before);
    size_t text_bytes =
        sodium_base64_encoded_len(bytes->data_bytes, sodium_base64_VARIANT_ORIGINAL);
    char *json = sotto_alloc(used + text_bytes + sizeof after);
    if (json == NULL) {
        return sotto_error_no_memory(err);
    }
    memcpy(json, before, used);
    (void)sodium_bin2base64(json + used, text_bytes, bytes->data, bytes->data_bytes,
                            sodium_base64_VARIANT_ORIGINAL);
    memcpy(json + used + text_bytes - 1, after, sizeof after);
    *out = json;
    return SOTTO_OK;
}

enum sotto_status store_receipt_json(struct store *store, char **out_json,
                                     const struct store_task *task, bool is_full,
                                     struct sotto_error *err)
{
    struct sotto_buffer receipt = {0};
    enum sotto_status status = read_receipt(store, &receipt, task->number, is_full, err);
    if (status == SOTTO_ERROR_NOT_FOUND) {
        return fail_without(task, is_full, err);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    status = store__write_json(out_json, "{\"receipt\": \"", &receipt, err);
    sotto_buffer_release(&receipt);
    return status;
}
