/* SPDX-License-Identifier: Apache-2.0 */

/* Types of columns and the lattice that they form. Leans on nothing but the enum's order.
 *
 * The idea: null < bool, null < date < datetime, null < datetime(utc) and null < int64 < decimal <
 * float64, all below string; what a column
 * becomes is the join of the types of its values, so that the order in which values are seen, or
 * threads finish, does not matter. */

#include <sotto/type.h>

#include <stdio.h>

const char *sotto_kind_name(enum sotto_kind kind)
{
    static const char *const names[SOTTO_KINDS_LEN] = {
        "null",   "bool", "int64",    "decimal",       "float64",
        "string", "date", "datetime", "datetime(utc)",
    };
    return names[kind];
}

void sotto_type_text(char out[SOTTO_TYPE_TEXT_BYTES], struct sotto_type type)
{
    if (type.kind == SOTTO_KIND_DECIMAL) {
        (void)snprintf(out, SOTTO_TYPE_TEXT_BYTES, "decimal(%u)", type.scale);
    } else {
        (void)snprintf(out, SOTTO_TYPE_TEXT_BYTES, "%s", sotto_kind_name(type.kind));
    }
}

bool sotto_kind_is_numeric(enum sotto_kind kind)
{
    return kind == SOTTO_KIND_INT64 || kind == SOTTO_KIND_DECIMAL || kind == SOTTO_KIND_FLOAT64;
}

bool sotto_kind_is_date(enum sotto_kind kind)
{
    return kind >= SOTTO_KIND_DATE && kind <= SOTTO_KIND_DATETIME_UTC;
}

struct sotto_type sotto_type_join(struct sotto_type a, struct sotto_type b)
{
    /* The chain int64 < decimal < float64 < string is in the order of the enum, so that the upper
     * of two is the larger number. Bool and dates lie beside the numeric part of the chain: the
     * join of one of them with another kind is what lies above both, a string; a date is a datetime
     * at midnight, though of no known zone. */
    struct sotto_type upper = a.kind > b.kind ? a : b;
    struct sotto_type lower = a.kind > b.kind ? b : a;
    bool is_beside = (lower.kind == SOTTO_KIND_BOOL && sotto_kind_is_numeric(upper.kind)) ||
                     sotto_kind_is_date(upper.kind);
    bool is_midnight = lower.kind == SOTTO_KIND_DATE && upper.kind == SOTTO_KIND_DATETIME;
    if (is_beside && !is_midnight && lower.kind != upper.kind && lower.kind != SOTTO_KIND_NULL) {
        return (struct sotto_type){.kind = SOTTO_KIND_STRING};
    }
    /* Decimals hold what both scales hold: rescaling up loses nothing. */
    if (lower.kind == SOTTO_KIND_DECIMAL && upper.kind == SOTTO_KIND_DECIMAL) {
        upper.scale = lower.scale > upper.scale ? lower.scale : upper.scale;
    }
    return upper;
}

bool sotto_type_agree(struct sotto_type *out, struct sotto_type a, struct sotto_type b)
{
    bool missing = a.kind == SOTTO_KIND_NULL || b.kind == SOTTO_KIND_NULL;
    bool numeric = sotto_kind_is_numeric(a.kind) && sotto_kind_is_numeric(b.kind);
    if (!missing && !numeric && a.kind != b.kind) {
        return false;
    }
    *out = sotto_type_join(a, b);
    return true;
}
