/* SPDX-License-Identifier: Apache-2.0 */

/* Any source: what a party offers for a plan by its sources, and their end. It leans on
 * sotto_schema_offer. The one idea: a source is asked about the columns of the plan by name, so
 * that one whose values tell more than its types, as a table's do, looks only at those. */

#include "contribute/contribute.h"

#include <sotto/alloc.h>

/* All columns of a dataset, which "*" stands for. Returns: how many names were added. */
static size_t name_all(const char **out, const struct sotto_catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        out[i] = catalogue->columns[i].name;
    }
    return catalogue->columns_len;
}

static size_t name_some(const char **out, const struct sotto_plan *plan, size_t dataset)
{
    size_t len = 0;
    for (size_t i = 0; i < plan->columns_len; i++) {
        if (plan->columns[i].dataset == dataset) {
            out[len++] = plan->columns[i].name;
        }
    }
    return len;
}

static enum sotto_status describe_named(const struct sotto_catalogue **out,
                                        const struct sotto_plan *plan, struct sotto_source *source,
                                        size_t dataset, struct sotto_error *err)
{
    enum sotto_status status = source->ops->describe(source, out, NULL, 0, err);
    if (status != SOTTO_OK) {
        return status;
    }
    const char **names = sotto_alloc_array(plan->columns_len + (*out)->columns_len, sizeof *names);
    if (names == NULL) {
        return sotto_error_no_memory(err);
    }
    size_t len = name_some(names, plan, dataset);
    if (plan->datasets[dataset].is_framed) {
        len += name_all(names + len, *out);
    }
    status = source->ops->describe(source, out, names, len, err);
    sotto_free(names);
    return status;
}

enum sotto_status sotto_source_offer(struct sotto_schema *out, const struct sotto_plan *plan,
                                     struct sotto_source *const *sources, struct sotto_error *err)
{
    const struct sotto_catalogue **catalogues =
        sotto_alloc_array(plan->datasets_len, sizeof *catalogues);
    enum sotto_status status = SOTTO_OK;
    if (catalogues == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < plan->datasets_len; i++) {
        status = describe_named(&catalogues[i], plan, sources[i], i, err);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    status = sotto_schema_offer(out, plan, catalogues, err);
out:
    sotto_free(catalogues);
    return status;
}

void sotto_source_free(struct sotto_source *source)
{
    if (source != NULL) {
        source->ops->free(source);
    }
}
