/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SOURCE_WORDS_H
#define SOTTO_NODE_SOURCE_WORDS_H

/* Where the rows of a dataset live that is no file of text, as node.yaml and the command line say
 * it. Which of it is right is decided here, what is made of it in source/location.h. */

#include <sotto/status.h>
#include <stdbool.h>
#include <stddef.h>

enum source_kind {
    SOURCE_SQLITE,
    SOURCE_DUCKDB,
    SOURCE_POSTGRESQL,
    SOURCE_PARQUET,
    SOURCE_ARROW,
    SOURCE_KINDS_LEN,
};

/* As written; NULL: left out. */
struct source_words {
    char *adbc;     /* the path of the driver; Arrow files have none */
    char *uri;      /* "sqlite:pay.db", "postgresql://HOST/DATABASE", "wages/\*.parquet" */
    char *uri_file; /* where the URI stands, one with a password */
    char *table;    /* "public.wages", or: */
    char *query;    /* a SELECT */
    char **options; /* "KEY=VALUE" for the driver's database */
    unsigned options_count;
};

/* What stands before uri_file, where systemd has put the file (LoadCredential). */
#define SOURCE_CREDENTIALS "$CREDENTIALS_DIRECTORY/"

/* What the URI of a kind begins with; "" of files that are known by their ends. */
const char *source_kind_prefix(enum source_kind kind);

/* Returns: SOURCE_KINDS_LEN where the text is no URI of a source. */
enum source_kind source_kind_find(const char *uri);

/* Whether a kind is of files that are no database: Parquet and Arrow. */
bool source_kind_is_files(enum source_kind kind);

/* Checks what can be said of words without looking at a file. No error repeats a URI, which may
 * have a password. Returns: SOTTO_ERROR_INPUT, and *out_wrong names the key that is wrong. */
enum sotto_status source_words_check(const struct source_words *words, const char **out_wrong,
                                     struct sotto_error *err) SOTTO_NODISCARD;

/* Whether driver and uri_file can be read; a credential is not looked for. */
bool source_words_are_there(const struct source_words *words);

/* Puts the folder of the configuration file before a path that is relative. Paths are malloc's, as
 * all texts of node.yaml; NULL is fine. Returns: false if there is no memory. */
bool path_resolve(char **path, const char *config_path);
/* Does so for all paths of words. */
bool source_words_resolve(struct source_words *words, const char *config_path);

#endif
