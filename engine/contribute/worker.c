/* SPDX-License-Identifier: Apache-2.0 */

/* One thread's registers, sums and counts, tied together: what the operations gave of a block goes
 * into the sums and, where rows are counted, into the evidence, and is shown to a watch, while it
 * is in the caches. For those who hand out blocks (reading.c, survey.c). */

#include "contribute/contribute.h"

static void take_rows(void *context, const struct sotto__rows *rows, size_t dataset, size_t len)
{
    struct sotto__worker *worker = context;
    struct sotto__rows_sink sums = sotto__sums_sink(&worker->sums);
    sums.take(sums.context, rows, dataset, len);
    if (worker->evidence.inquiry != NULL) {
        sotto__evidence_take_rows(&worker->evidence, rows, dataset, len);
    }
    if (worker->watcher != NULL) {
        sotto__watcher_take_rows(worker->watcher, rows, dataset, len);
    }
}

enum sotto_status sotto__worker_init(struct sotto__worker *out,
                                     const struct sotto__program *program,
                                     struct sotto__watcher *watcher,
                                     const struct sotto__inquiry *inquiry, uint64_t min_rows)
{
    *out = (struct sotto__worker){.watcher = watcher};
    struct sotto__rows_sink both = {.take = take_rows, .context = out};
    enum sotto_status status = sotto__sums_init(&out->sums, program);
    if (status != SOTTO_OK) {
        return status;
    }
    if (inquiry != NULL) {
        status = sotto__evidence_init(&out->evidence, inquiry, min_rows);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    bool has_others = inquiry != NULL || watcher != NULL;
    status =
        sotto__rows_init(&out->rows, program, has_others ? both : sotto__sums_sink(&out->sums));
    out->rows.makes_sums = !has_others;
out:
    if (status != SOTTO_OK) {
        sotto__evidence_release(&out->evidence);
        sotto__sums_release(&out->sums);
        *out = (struct sotto__worker){0};
    }
    return status;
}

void sotto__worker_release(struct sotto__worker *worker)
{
    sotto__evidence_release(&worker->evidence);
    sotto__rows_release(&worker->rows);
    sotto__sums_release(&worker->sums);
}
