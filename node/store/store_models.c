/* SPDX-License-Identifier: Apache-2.0 */

/* Models after single rounds, in the store's table `models`. Leans on store.c. They are as large as
 * results, one for each round: so there is a bound of all together. */

#include "store/store_models.h"
#include "store/store_internal.h"

#include "loop/log.h"

#include <stdio.h>

enum sotto_status store_model(struct store *store, uint64_t number, uint32_t round,
                              const struct sotto_buffer *model, uint64_t bytes_max,
                              struct sotto_error *err)
{
    enum sotto_status status = SOTTO_OK;
    if (model->data_bytes <= bytes_max) {
        status = store__write(
            store, err,
            "INSERT OR REPLACE INTO models(task_id, round, created_at, bytes) VALUES (?,?,?,?)",
            "iiib", number, (uint64_t)round, (uint64_t)clock_unix_ms(), model->data,
            model->data_bytes);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    return store__write(store, err,
                        "DELETE FROM models WHERE id IN (SELECT id FROM (SELECT id, "
                        "SUM(LENGTH(bytes)) OVER (ORDER BY id DESC) AS total FROM models)"
                        " WHERE total > ?)",
                        "i", bytes_max);
}

static enum sotto_status read_round(struct store *store, uint64_t number, uint32_t *in_out_round,
                                    struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum sotto_status status = store__prepare(
        store, &statement, err,
        "SELECT round FROM models WHERE task_id=? AND ? IN (0, round) ORDER BY round DESC LIMIT 1",
        "ii", number, (uint64_t)*in_out_round);
    if (status != SOTTO_OK) {
        return status;
    }
    int code = sqlite3_step(statement);
    bool found = code == SQLITE_ROW;
    if (found) {
        *in_out_round = (uint32_t)sqlite3_column_int64(statement, 0);
        code = sqlite3_step(statement);
    }
    status = store__end_rows(store, statement, code, err);
    if (status != SOTTO_OK || found) {
        return status;
    }
    return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                           "no such model is kept: there is one after each round of a learning "
                           "task that was created here, where learning.models_mb of node.yaml "
                           "has room for it");
}

enum sotto_status store_model_json(struct store *store, char **out_json, uint64_t number,
                                   uint32_t round, struct sotto_error *err)
{
    sqlite3_stmt *statement = NULL;
    struct sotto_buffer model = {0};
    char before[64];
    enum sotto_status status = read_round(store, number, &round, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = store__prepare(store, &statement, err,
                            "SELECT bytes FROM models WHERE task_id=? AND round=?", "ii", number,
                            (uint64_t)round);
    if (status != SOTTO_OK) {
        return status;
    }
    status = store__read_bytes(store, &model, statement, err);
    if (status != SOTTO_OK) {
        return status;
    }
    (void)snprintf(before, sizeof before, "{\"round\": %u, \"weight\": \"", round);
    status = store__write_json(out_json, before, &model, err);
    sotto_buffer_release(&model);
    return status;
}
