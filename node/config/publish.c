/* SPDX-License-Identifier: Apache-2.0 */

/* Checks of policy.publish. Leans on nothing but the entry. The idea: a number of rows is round, so
 * that nobody writes the exact one down, and never follows the file, so that it tells nothing of
 * rows that come or go. */

#include "config/publish.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <sotto/status.h>

/* Writes what was expected. Returns: false. */
SOTTO_PRINTF(3, 4)
static bool expect(char *why, size_t why_bytes, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, why_bytes, format, args);
    va_end(args);
    return false;
}

/* One or two digits, then zeros. */
static bool is_round(unsigned number)
{
    while (number >= 100 && number % 10 == 0) {
        number /= 10;
    }
    return number < 100;
}

static bool is_short(const char *text)
{
    return text == NULL || strlen(text) < PUBLISHED_TEXT_BYTES;
}

static bool are_short(char *const *texts, unsigned len)
{
    bool good = true;
    for (unsigned i = 0; i < len; i++) {
        good = good && is_short(texts[i]);
    }
    return good;
}

static bool check_column(const struct config_publish *entry, unsigned at, char *why,
                         size_t why_bytes)
{
    const struct config_published_column *column = &entry->columns[at];
    for (unsigned i = 0; i < at; i++) {
        if (strcmp(entry->columns[i].column, column->column) == 0) {
            return expect(why, why_bytes, "column \"%s\" is there twice", column->column);
        }
    }
    if (!is_short(column->description) || !is_short(column->unit) ||
        !are_short(column->levels, column->levels_count) ||
        !are_short(column->range, column->range_count)) {
        return expect(why, why_bytes, "column \"%s\": expected texts of less than %d bytes",
                      column->column, PUBLISHED_TEXT_BYTES);
    }
    return true;
}

bool publish_check(const struct config_publish *entry, char *why, size_t why_bytes)
{
    if (!is_short(entry->description)) {
        return expect(why, why_bytes, "description: expected less than %d bytes",
                      PUBLISHED_TEXT_BYTES);
    }
    if (entry->types != NULL && strcmp(entry->types, "true") != 0 &&
        strcmp(entry->types, "false") != 0) {
        return expect(why, why_bytes, "types \"%s\": expected true or false", entry->types);
    }
    if (entry->rows != NULL && (*entry->rows < PUBLISHED_ROWS_MIN || !is_round(*entry->rows))) {
        return expect(why, why_bytes,
                      "rows %u: expected a round number from %d on, one or two digits and zeros "
                      "(others read it as \"at least\"): the exact one would tell too much",
                      *entry->rows, PUBLISHED_ROWS_MIN);
    }
    for (unsigned i = 0; i < entry->columns_count; i++) {
        if (!check_column(entry, i, why, why_bytes)) {
            return false;
        }
    }
    return true;
}
