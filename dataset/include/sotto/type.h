/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_TYPE_H
#define SOTTO_TYPE_H

/* Column types and the lattice they form (dataset/README.md):
 *
 *     null < bool < string        null < int64 < decimal < float64 < string
 *     null < date < datetime < string
 *     null < datetime(utc) < string
 *
 * A column has the join of its values' types, so it does not matter how rows are split. */

#include <sotto/status.h>

SOTTO_BEGIN_DECLS

enum sotto_kind {
    SOTTO_KIND_NULL, /* every value is missing */
    SOTTO_KIND_BOOL,
    SOTTO_KIND_INT64,
    SOTTO_KIND_DECIMAL, /* digits x 10^-scale, 0 <= scale <= SOTTO_SCALE_MAX */
    SOTTO_KIND_FLOAT64,
    SOTTO_KIND_STRING,
    SOTTO_KIND_DATE,         /* days since 1970-01-01 (sotto/date.h) */
    SOTTO_KIND_DATETIME,     /* microseconds since 1970-01-01 00:00 (sotto/datetime.h) */
    SOTTO_KIND_DATETIME_UTC, /* likewise, in UTC */
};

#define SOTTO_KINDS_LEN 9
#define SOTTO_SCALE_MAX 18

struct sotto_type {
    enum sotto_kind kind;
    uint8_t scale; /* of a decimal; 0 for every other kind */
};

/* "null", "bool", "int64", "decimal", "float64", "string", "date", "datetime" or "datetime(utc)".
 */
SOTTO_API const char *sotto_kind_name(enum sotto_kind kind);

#define SOTTO_TYPE_TEXT_BYTES 16

/* The type as text, "decimal(2)" with its scale, terminated. */
SOTTO_API void sotto_type_text(char out[SOTTO_TYPE_TEXT_BYTES], struct sotto_type type);

/* int64, decimal or float64. */
SOTTO_API bool sotto_kind_is_numeric(enum sotto_kind kind);

/* A date, or a date with a time of day. */
SOTTO_API bool sotto_kind_is_date(enum sotto_kind kind);

/* The join within one file: always exists. */
SOTTO_API struct sotto_type sotto_type_join(struct sotto_type a, struct sotto_type b);

/* The join between parties. Returns: false, and *out unchanged, for two of numeric, bool, string,
 * date, datetime and datetime(utc): that is two different things under one name. What a party's
 * values are told apart by is in one unit so, whatever another party says that it has. */
SOTTO_API bool sotto_type_agree(struct sotto_type *out, struct sotto_type a, struct sotto_type b);

SOTTO_END_DECLS

#endif
