/* SPDX-License-Identifier: Apache-2.0 */

/* Names and texts in SQL. The idea: what is put between quotes has its quotes doubled and has no
 * NUL, which is all that standard SQL asks for, in DuckDB, PostgreSQL and SQLite alike: none of
 * them knows a backslash there (PostgreSQL since 9.1). */

#include "source/source.h"

#include <string.h>

#define PARTS_MAX 3

void sql_write_quoted(struct sotto_writer *writer, const char *text, char quote)
{
    sotto_write_u8(writer, (uint8_t)quote);
    for (; *text != '\0'; text++) {
        if (*text == quote) {
            sotto_write_u8(writer, (uint8_t)quote);
        }
        sotto_write_u8(writer, (uint8_t)*text);
    }
    sotto_write_u8(writer, (uint8_t)quote);
}

/* Copies one part of a name, which stands in quotes or not. Returns: what follows it, or NULL where
 * it is none. */
static const char *read_part(char out[SOTTO_CSV_NAME_BYTES_MAX + 1], const char *text)
{
    size_t bytes = 0;
    bool is_quoted = *text == '"';
    text += is_quoted;
    while (*text != '\0' && (is_quoted || *text != '.')) {
        if (*text == '"') {
            if (!is_quoted) {
                return NULL;
            }
            text++;
            if (*text != '"') {
                is_quoted = false;
                break;
            }
        }
        if (bytes == SOTTO_CSV_NAME_BYTES_MAX) {
            return NULL;
        }
        out[bytes++] = *text++;
    }
    out[bytes] = '\0';
    return !is_quoted && bytes > 0 && (*text == '\0' || *text == '.') ? text : NULL;
}

enum sotto_status sql_write_name(struct sotto_writer *writer, const char *name,
                                 struct sotto_error *err)
{
    const char *at = name;
    char part[SOTTO_CSV_NAME_BYTES_MAX + 1];
    for (size_t parts = 0; parts < PARTS_MAX; parts++) {
        at = read_part(part, at);
        if (at == NULL) {
            break;
        }
        sql_write_quoted(writer, part, '"');
        if (*at == '\0') {
            return SOTTO_OK;
        }
        sotto_write_u8(writer, '.');
        at++;
    }
    return sotto_error_set(err, SOTTO_ERROR_INPUT,
                           "table \"%s\": expected a name of up to three parts, such as "
                           "public.wages; write one with a point in it as \"a.b\", in quotes",
                           name);
}
