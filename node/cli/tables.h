/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_CLI_TABLES_H
#define SOTTO_NODE_CLI_TABLES_H

/* The rows that commands compute with: files, or what databases have. */

#include "cli/source.h"
#include "source/location.h"

#include <sotto/source.h>
#include <sotto/survey.h>

/* Opened files in the order of the plan's datasets, or rows of databases. */
struct tables {
    struct sotto_csv **files; /* NULL: rows of a location */
    const char **paths;
    struct source_rows *rows;
    struct source_place *places;               /* of rows that stay where they are */
    const struct sotto_catalogue **catalogues; /* of the surveys */
    struct sotto_survey **surveys;
    struct sotto_source **sources; /* of files and catalogues */
    size_t len;
};

/* Where rows are that a database sums up itself, as far as it can. */
struct source_place {
    struct source_location location;
    const char **names;
    const char *alias;
};

/* Reads the columns of a dataset that a plan reads, from a location. Returns: as source_read.
 * Ownership: *out is ended by source_rows_release. */
enum sotto_status source_read_planned(struct source_rows *out, const char *where,
                                      const struct sotto_plan *plan, size_t dataset, bool is_all,
                                      const struct args *args,
                                      struct sotto_error *err) SOTTO_NODISCARD;

/* Opens the files of a plan's datasets. Returns: as args_open_file. Ownership: borrows data's
 * paths; *out is ended by tables_release. */
enum sotto_status tables_open(struct tables *out, const struct sotto_plan *plan,
                              const struct data_options *data, const struct args *args,
                              struct sotto_error *err) SOTTO_NODISCARD;
/* Makes their sources; a file is summed up meanwhile. Returns: as sotto_survey_new and source_read.
 */
enum sotto_status tables_survey(struct tables *tables, const struct sotto_plan *plan,
                                const struct args *args, struct sotto_error *err) SOTTO_NODISCARD;
/* Makes their sources; a file is read when it is first asked what it is, and of a location, with
 * is_all, columns that the plan does not name, too. Returns: as source_read. */
enum sotto_status tables_catalogue(struct tables *tables, const struct sotto_plan *plan,
                                   bool is_all, const struct args *args,
                                   struct sotto_error *err) SOTTO_NODISCARD;
/* Tables of zeros are fine. */
void tables_release(struct tables *tables);

#endif
