/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_CLI_SOURCE_H
#define SOTTO_NODE_CLI_SOURCE_H

/* Rows in databases, as commands read them. */

#include "cli/options.h"
#include "source/source.h"

#define SOURCE_BYTES_MAX ((size_t)16 << 30) /* of rows that a database gives */
#define SOURCE_SILENCE_SECONDS 300

/* What a command wants of a source. */
struct source_wanted {
    const char *where; /* its location (source/location.h) */
    const char *name;  /* in errors */
    bool is_all;       /* all columns, or: */
    const char *const *names;
    size_t names_len;
};

/* Reads rows as --driver and the environment say. Returns: as source_location_init and
 * source_rows_read; SOTTO_ERROR_INPUT where options for text are given. Ownership: *out is ended by
 * source_rows_release. */
enum sotto_status source_read(struct source_rows *out, const struct source_wanted *wanted,
                              const struct args *args, struct sotto_error *err) SOTTO_NODISCARD;

/* sotto describe of a source, args->positional[0]. Returns: the exit code. */
int source_describe(const struct args *args);

#endif
