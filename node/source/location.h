/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SOURCE_LOCATION_H
#define SOTTO_NODE_SOURCE_LOCATION_H

/* Where the rows of a source are, as people write it, and what a worker must be asked for them. */

#include "source/source.h"

/* Owns the texts of its request. */
struct source_location {
    struct source_request request;
    char *texts[8];
    size_t texts_len;
};

/* Whether text names a source, and no file that is read as text: "sqlite:pay.db#wages",
 * "duckdb:pay.duckdb#wages", "postgresql://HOST/DATABASE#public.wages", "wages.parquet",
 * "wages/\*.parquet". */
bool source_is_location(const char *text);

/* A name for the rows: the table, the file, or of several files their folder. out: text's bytes and
 * one more at least. */
void source_location_name(char *out, const char *text);

/* driver: the path of the driver, or NULL: as SOTTO_ADBC_DUCKDB, SOTTO_ADBC_SQLITE or
 * SOTTO_ADBC_POSTGRESQL of the environment says. Returns: SOTTO_ERROR_INPUT (not written as a
 * location), SOTTO_ERROR_NOT_FOUND (no such file; no driver, with how to get one). Ownership: *out
 * is ended by source_location_release. */
enum sotto_status source_location_init(struct source_location *out, const char *text,
                                       const char *driver, struct sotto_error *err) SOTTO_NODISCARD;
void source_location_release(struct source_location *location);

#endif
