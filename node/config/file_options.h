/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_FILE_OPTIONS_H
#define SOTTO_NODE_FILE_OPTIONS_H

/* How a file is read, as node.yaml ("files") and the command line say it, and which of its columns
 * may be asked. */

#include "config/source_words.h"

#include <sotto/csv.h>

/* Which columns of a dataset tasks may name: those of allow (if it is there) without those of hide.
 */
struct config_columns {
    char *dataset;
    char **allow;
    unsigned allow_count;
    char **hide;
    unsigned hide_count;
    char **identifiers; /* are not multiplied with other columns */
    unsigned identifiers_count;
    char **multiply; /* may be, whatever they look like */
    unsigned multiply_count;
};

#define FILE_LINES_MAX 100000 /* around a table */

/* As written; NULL and 0: the usual way (sotto/csv.h). */
struct file_words {
    char *file;   /* node.yaml: which one */
    char *format; /* "csv" or "ndjson" */
    char *delimiter;
    char *decimal; /* "," or "." */
    char **na;
    unsigned na_count;
    char *comment; /* one character */
    unsigned skip; /* lines before the header, and behind the last row */
    unsigned footer;
    char **types; /* "id=string", "wage=decimal(2)": the types of columns, not to be found out */
    unsigned types_count;
    char **complete; /* node.yaml: rows that lack one of these columns are not offered */
    unsigned complete_count;
    char *key;                   /* node.yaml: the column that says whom a row is about */
    struct source_words *source; /* node.yaml: where the rows are; NULL: in a file of text */
    char *workers;               /* node.yaml: or a program that sums up what is asked of them */
};

/* What is meant by them: borrows their texts. */
struct file_options {
    struct sotto_csv_options csv;
    struct sotto_csv_column *columns;
};

/* words may be NULL. Returns: SOTTO_ERROR_INPUT saying what was expected, *out_wrong names the one
 * of "format", "delimiter", "decimal", "comment", "skip", "footer" and "types" that is wrong.
 * Ownership: ended by file_options_release. */
enum sotto_status file_options_init(struct file_options *out, const struct file_words *words,
                                    const char **out_wrong,
                                    struct sotto_error *err) SOTTO_NODISCARD;
void file_options_release(struct file_options *options);

/* Returns: the name of a word that is there and says how a file of text is read, or NULL; types go
 * beside a source, too. */
const char *file_words_find_text(const struct file_words *words);

#endif
