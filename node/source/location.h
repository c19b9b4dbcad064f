/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SOURCE_LOCATION_H
#define SOTTO_NODE_SOURCE_LOCATION_H

/* Where the rows of a source are, as people write it, and what a worker must be asked for them. */

#include "config/source_words.h"
#include "source/source.h"

/* Owns the texts of its request. */
struct source_location {
    struct source_request request;
    char *texts[8 + SOURCE_OPTIONS_MAX];
    size_t texts_len;
    const char *secret; /* of texts: the URI that a file holds; NULL: it is no secret */
};

/* Whether text names a source, and no file that is read as text: "sqlite:pay.db#wages",
 * "duckdb:pay.duckdb#wages", "postgresql://HOST/DATABASE#public.wages", "wages.parquet",
 * "wages/\*.parquet", "wages.arrow". */
bool source_is_location(const char *text);

/* A name for the rows: the table, the file, or of several files their folder. out: text's bytes and
 * one more at least. */
void source_location_name(char *out, const char *text);

/* driver: the path of the driver, or NULL: as SOTTO_ADBC_DUCKDB, SOTTO_ADBC_SQLITE or
 * SOTTO_ADBC_POSTGRESQL of the environment says; Arrow files have none. Returns: SOTTO_ERROR_INPUT
 * (not written as a location), SOTTO_ERROR_NOT_FOUND (no such file; no driver, with how to get
 * one). Ownership: *out is ended by source_location_release. */
enum sotto_status source_location_init(struct source_location *out, const char *text,
                                       const char *driver, struct sotto_error *err) SOTTO_NODISCARD;

/* By words that source_words_check lets pass, which have to live as long. Reads uri_file. Returns:
 * as source_location_init; SOTTO_ERROR_REFUSED where others may read that file. Ownership: *out is
 * ended by source_location_release. */
enum sotto_status source_location_open(struct source_location *out,
                                       const struct source_words *words,
                                       struct sotto_error *err) SOTTO_NODISCARD;
void source_location_release(struct source_location *location);

/* password.c: puts *** in place of the passwords of a secret URI where an error repeats them, as
 * they are written or as they are meant: what a driver says, or a server. */
void source_location_hide(const struct source_location *location, struct sotto_error *in_out);

#endif
