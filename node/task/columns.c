/* SPDX-License-Identifier: Apache-2.0 */

/* Which columns a file of this node has, for an analyst who writes a plan. It leans on datasets.c,
 * which opens only what policy offers. The idea: what is told here is what an offer tells all
 * parties of a task, so a column that policy hides is not there. */

#include "task/columns.h"
#include "task/compute_internal.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <string.h>

/* Returns: {"columns": [{"name": ..., "type": ...}, ...]}, or NULL without memory. */
static json_t *list_columns(const struct sotto_catalogue *catalogue)
{
    json_t *list = json_array();
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        const struct sotto_catalogue_column *column = &catalogue->columns[i];
        if (!column->hidden) {
            (void)json_array_append_new(list, json_pack("{s:s, s:s}", "name", column->name, "type",
                                                        sotto_kind_name(column->type.kind)));
        }
    }
    return json_pack("{s:o}", "columns", list);
}

/* What is wrong with a file may name a column that policy hides: it is for the owner. */
static void tell_failure(struct compute *compute, const struct job *job, enum sotto_status status,
                         const struct sotto_error *err)
{
    bool is_of_policy = status == SOTTO_ERROR_NOT_FOUND || status == SOTTO_ERROR_REFUSED;
    if (!is_of_policy) {
        log_warning("columns were asked for: %s", err->text);
    }
    compute__reply_detail(
        compute, job->request, HTTP_BAD_REQUEST, is_of_policy ? status : SOTTO_ERROR_INPUT,
        is_of_policy ? err->text : "the file can't be read: the owner's log says why");
}

void columns_tell(struct compute *compute, const struct job *job)
{
    struct sotto_error err = {0};
    struct dataset dataset;
    const char *file = (const char *)job->bytes.data;
    enum sotto_status status =
        file == NULL ? sotto_error_no_memory(&err)
                     : dataset_describe(&dataset, compute->policy, compute->config.store, file,
                                        &compute->interrupt, &err);
    if (status != SOTTO_OK) {
        tell_failure(compute, job, status, &err);
        return;
    }
    compute__reply_json(compute, job->request, list_columns(dataset.catalogue));
    dataset_release(&dataset);
}
