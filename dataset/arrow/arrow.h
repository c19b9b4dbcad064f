/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DATASET_ARROW_SOURCE_H
#define SOTTO_DATASET_ARROW_SOURCE_H

/* Room arrow: a foreign column on its way in: import.c, and strings.c for text. */

#include "table/table.h"

/* Rows and the ends of slices: such that no count of bytes leaves 64 bits. */
#define SOTTO__ARROW_ROWS_MAX (INT64_MAX / 64)

/* One column to come. */
struct sotto__arrow_source {
    const struct ArrowSchema *schema;
    const struct ArrowArray *array;
    size_t begin; /* of its rows in the array's buffers */
    size_t len;
    struct sotto__table_column *column; /* out: what is owned, and its view */
    struct sotto_error *err;
};

/* Inline, so that the analyser sees what comes back. */
static inline enum sotto_status sotto__arrow_failed(const struct sotto__arrow_source *source,
                                                    enum sotto_status status, const char *text)
{
    (void)sotto_error_set(source->err, status, "Arrow table: column \"%s\": %s",
                          source->schema->name, text);
    return status;
}

static inline enum sotto_status sotto__arrow_no_memory(const struct sotto__arrow_source *source)
{
    return sotto__arrow_failed(source, SOTTO_ERROR_NO_MEMORY, "out of memory");
}

/* Bit i of a bitmap; true where there is none (NULL). */
bool sotto__arrow_bit(const void *bitmap, size_t i);

/* Integer i of a buffer that need not be aligned, of the type that its format's letter says. */
int64_t sotto__arrow_integer(const void *values, char format, size_t i);

/* Whether values of 8 bytes can be used where they stand. */
bool sotto__arrow_is_aligned(const void *values);

/* What an array must be like before its buffers are touched. Out: its rows [first, first + len) are
 * rows [*out_begin, *out_begin + len) of its buffers. Returns: SOTTO_ERROR_INPUT, with a text. */
enum sotto_status sotto__arrow_check(const struct sotto__arrow_source *source, size_t *out_begin,
                                     const struct ArrowArray *array, size_t first, size_t len,
                                     int64_t n_buffers) SOTTO_NODISCARD;

/* Zeros for the column's values, which it owns and views. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__arrow_allocate(const struct sotto__arrow_source *source,
                                        size_t bytes) SOTTO_NODISCARD;

/* Columns of utf8, large_utf8 and dictionaries of either. */
enum sotto_status
sotto__arrow_import_strings(const struct sotto__arrow_source *source) SOTTO_NODISCARD;
enum sotto_status
sotto__arrow_import_dictionary(const struct sotto__arrow_source *source) SOTTO_NODISCARD;

#endif
