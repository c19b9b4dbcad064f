/* SPDX-License-Identifier: Apache-2.0 */

/* Where types do not fit: the values because of which columns that a plan names are text at this
 * party. Leans on the reader, which finds them by their lines (sotto/csv.h).
 *
 * The idea: others learn that a column is text here, which offers say anyway. Only the owner can
 * repair the file, so only the owner is told the line and the text. */

#include "contribute/contribute.h"

#include <sotto/alloc.h>
#include <string.h>

/* Whether the plan names the column, or means it by "*". */
static bool is_named(const struct sotto_plan *plan, size_t dataset, const char *name)
{
    if (plan->datasets[dataset].is_framed) {
        return true;
    }
    for (size_t i = 0; i < plan->columns_len; i++) {
        if (plan->columns[i].dataset == dataset && strcmp(plan->columns[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum sotto_status tell_of_file(const struct sotto_plan *plan, size_t dataset,
                                      const struct sotto_csv *file,
                                      const struct sotto_catalogue *catalogue,
                                      sotto_tell_owner *tell, void *context,
                                      struct sotto_error *err)
{
    size_t len = 0;
    struct sotto_csv_misfit *misfits = sotto_alloc_array(catalogue->columns_len, sizeof *misfits);
    if (misfits == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        const struct sotto_catalogue_column *column = &catalogue->columns[i];
        if (column->type.kind == SOTTO_KIND_STRING && !column->hidden &&
            is_named(plan, dataset, column->name)) {
            misfits[len++].column = i;
        }
    }
    enum sotto_status status = sotto_csv_find_misfits(file, catalogue, misfits, len, err);
    for (size_t i = 0; status == SOTTO_OK && i < len; i++) {
        if (misfits[i].text[0] != '\0') {
            tell(context, misfits[i].text);
        }
    }
    sotto_free(misfits);
    return status;
}

enum sotto_status sotto_schema_tell_misfits(const struct sotto_plan *plan,
                                            struct sotto_csv *const *files,
                                            const struct sotto_catalogue *const *catalogues,
                                            sotto_tell_owner *tell, void *context,
                                            struct sotto_error *err)
{
    for (size_t i = 0; i < plan->datasets_len; i++) {
        enum sotto_status status =
            files[i] != NULL ? tell_of_file(plan, i, files[i], catalogues[i], tell, context, err)
                             : SOTTO_OK;
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}
