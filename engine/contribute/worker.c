/* SPDX-License-Identifier: Apache-2.0 */

/* One thread's registers and sums, tied together: what the operations gave goes into the sums. For
 * those who hand out blocks themselves (tables.c, survey.c). */

#include "contribute/contribute.h"

enum sotto_status sotto__worker_init(struct sotto__worker *out,
                                     const struct sotto__program *program)
{
    *out = (struct sotto__worker){0};
    enum sotto_status status = sotto__sums_init(&out->sums, program);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__rows_init(&out->rows, program, sotto__sums_sink(&out->sums));
    if (status != SOTTO_OK) {
        sotto__sums_release(&out->sums);
    }
    return status;
}

void sotto__worker_release(struct sotto__worker *worker)
{
    sotto__rows_release(&worker->rows);
    sotto__sums_release(&worker->sums);
}
