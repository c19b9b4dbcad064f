/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ARROW_H
#define SOTTO_ARROW_H

/* Tables to and from other libraries through the Arrow C Data Interface: a table is a struct array
 * (a record batch), each column a child of it. */

#include <sotto/table.h>

SOTTO_BEGIN_DECLS

/* As the specification states them, with its guard: several headers may. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#endif

/* Gives the table away as a struct array, without a copy but for decimals of 64 bits, which become
 * 128: null as "n", bool "b", int64 "l", decimal "d:38,scale", float64 "g", string "U", every
 * column nullable, so that the schema depends on the types alone. Returns: SOTTO_ERROR_NO_MEMORY.
 * Ownership: the caller keeps its hold on the table, and may free it at any time: the array and
 * each child that is moved out of it hold the table too, and the last one released ends it. The
 * receiver calls out_schema->release and out_array->release, each once, on any thread. */
SOTTO_API enum sotto_status sotto_arrow_export(struct ArrowSchema *out_schema,
                                               struct ArrowArray *out_array,
                                               struct sotto_table *table,
                                               struct sotto_error *err) SOTTO_NODISCARD;

/* The type that a column of a struct array is imported as. Returns: false, and *out unchanged, for
 * one that sotto_arrow_import refuses by its type. */
SOTTO_API bool sotto_arrow_column_type(struct sotto_type *out, const struct ArrowSchema *column);

/* Takes a struct array as a table. Columns: null; bool; int8 to int64 and uint8 to uint32 as int64;
 * float32 and float64 as float64; decimal128 of scale 0 to SOTTO_SCALE_MAX as decimal; utf8,
 * large_utf8 and dictionaries of either as string. Values of int64, float64, decimal128 and both
 * utf8 are borrowed from the array where they obey struct sotto_column, and copied where they don't
 * (values at missing places; -0, which is 0 here); bitmaps and everything else are copied. NaN is
 * missing, as the text "nan" is.
 * Returns: SOTTO_ERROR_TYPE (another type, named with its column), SOTTO_ERROR_INPUT (not a struct
 * array without missing rows; lengths, offsets or buffers that don't go together; an index outside
 * its dictionary; text that is not UTF-8 or has NUL in it; names that are empty or repeated),
 * SOTTO_ERROR_LIMIT (those of csv.h; a decimal of 2^63 or more in magnitude),
 * SOTTO_ERROR_NO_MEMORY. The interface does not tell how long buffers are: that they are as long as
 * lengths and offsets say, the producer vouches for.
 * Ownership: takes both, also on failure: schema is released at once, the array together with the
 * table, each exactly once; *schema and *array are marked as released. */
SOTTO_API enum sotto_status sotto_arrow_import(struct sotto_table **out, struct ArrowSchema *schema,
                                               struct ArrowArray *array,
                                               struct sotto_error *err) SOTTO_NODISCARD;

SOTTO_END_DECLS

#endif
