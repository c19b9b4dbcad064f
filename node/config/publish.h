/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_PUBLISH_H
#define SOTTO_NODE_PUBLISH_H

/* What an owner publishes of a file (policy.publish of node.yaml), as written. All of it but names
 * and types of columns are the owner's own words: nothing is computed from rows. NULL and 0: left
 * out. */

#include <stdbool.h>
#include <stddef.h>

#define PUBLISHED_TEXT_BYTES 256 /* the longest text of an owner, with its NUL */
#define PUBLISHED_ROWS_MIN 100

struct config_published_column {
    char *column;
    char *description;
    char *unit;
    char **levels;
    unsigned levels_count;
    char **range; /* the smallest and the largest value */
    unsigned range_count;
};

struct config_publish {
    char *dataset;
    char *description;
    unsigned *rows; /* at least so many */
    char *types;    /* "true": names and types of all columns that tasks may name; "false", or left
                       out: of columns only */
    struct config_published_column *columns;
    unsigned columns_count;
};

/* Finds what is wrong with an entry by itself. Returns: false, and in why what was expected. */
bool publish_check(const struct config_publish *entry, char *why, size_t why_bytes);

#endif
