/* SPDX-License-Identifier: Apache-2.0 */

/* What only the owner of the files is told, who alone can repair them: the lines and texts of
 * values because of which a task failed or left rows out. Leans on the engine, which finds them by
 * reading a file again, and on the log.
 *
 * The idea: others can cause such a reading again and again, and it is slow; so the time that these
 * readings take is a small part of all time. */

#include "task/compute_internal.h"

#include <sotto/alloc.h>
#include <sotto/schema.h>

/* After a reading nothing is read again for so many times as long. */
#define REST_FACTOR 19

struct telling {
    const struct joined *joined;
    const char *creator;
};

static void tell_line(void *context, const char *text)
{
    const struct telling *telling = context;
    log_limited(LOG_JOINED, telling->creator, "%s: %s", telling->joined->label, text);
}

static void tell(struct compute *compute, const struct joined *joined, const char *creator,
                 const struct sotto_schema *agreed)
{
    const struct sotto_plan *plan = sotto_task_party_plan(joined->machine);
    size_t len = joined->datasets_len;
    uint64_t start_ms = clock_ms();
    if (plan == NULL || len < sotto_plan_datasets_len(plan) || start_ms < compute->tells_after_ms) {
        return;
    }
    struct telling telling = {joined, creator};
    struct sotto_error err = {0};
    struct sotto_csv **files = sotto_alloc_array(len + 1, sizeof(void *));
    const struct sotto_catalogue **catalogues = partial_catalogues(joined);
    enum sotto_status status = SOTTO_OK;
    if (files == NULL || catalogues == NULL) {
        status = sotto_error_no_memory(&err);
        goto out;
    }
    for (size_t i = 0; i < len; i++) {
        files[i] = joined->datasets[i].csv;
    }
    status =
        agreed != NULL
            ? sotto_schema_tell_strays(plan, agreed, files, catalogues, tell_line, &telling, &err)
            : sotto_schema_tell_misfits(plan, files, catalogues, tell_line, &telling, &err);
out:
    if (status != SOTTO_OK) {
        log_limited(LOG_JOINED, creator, "%s: its files were not read again to tell more: %s",
                    joined->label, err.text);
    }
    uint64_t end_ms = clock_ms();
    compute->tells_after_ms = end_ms + REST_FACTOR * (end_ms - start_ms);
    sotto_free(catalogues);
    sotto_free(files);
}

void told_misfits(struct compute *compute, const struct joined *joined, const char *creator)
{
    tell(compute, joined, creator, NULL);
}

void told_strays(struct compute *compute, const struct joined *joined, const char *creator)
{
    tell(compute, joined, creator, sotto_driver_schema(sotto_task_party_driver(joined->machine)));
}
