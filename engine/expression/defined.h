/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_EXPRESSION_DEFINED_H
#define SOTTO_ENGINE_EXPRESSION_DEFINED_H

/* Definitions: names that stand for what is computed of columns. */

#include "expression/expression.h"

/* What takes the place of a name. */
struct sotto__definition {
    char *dataset;
    char *name;
    char *text;   /* an expression in brackets, or a column */
    bool is_bare; /* the name may stand without its dataset */
};

/* A definition in the place of a name: bytes of the expression's text, and of the text as it was
 * written. */
struct sotto__defined_part {
    char *name;
    size_t start;
    size_t bytes;
    size_t written_start;
    size_t written_bytes;
};

/* What an expression had before definitions took the places of their names. */
struct sotto__defined {
    char *written;
    struct sotto__defined_part parts[SOTTO__EXPRESSION_NODES_MAX]; /* in their order */
    size_t parts_len;
};

/* Parses a text in which definitions take the places of their names; none is looked for in another
 * one. Returns and ends as sotto__expression_parse; SOTTO_ERROR_LIMIT where it grows too long. */
enum sotto_status sotto__expression_parse_defined(struct sotto__expression *out, const char *text,
                                                  const struct sotto__definition *definitions,
                                                  size_t definitions_len,
                                                  struct sotto_error *err) SOTTO_NODISCARD;
void sotto__defined_free(struct sotto__defined *defined);

/* Says in an error about an expression how it reads with its definitions, where it has some. */
void sotto__defined_error(const struct sotto__expression *expression, struct sotto_error *err);

/* The name whose definition these bytes of the text are. Returns: NULL where they are none. */
const char *sotto__defined_name(const struct sotto__expression *expression, size_t start,
                                size_t bytes);

/* These bytes of the text as they were written. Returns: how many bytes at *out. */
size_t sotto__defined_written(const char **out, const struct sotto__expression *expression,
                              size_t start, size_t bytes);

#endif
