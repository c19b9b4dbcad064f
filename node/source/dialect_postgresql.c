/* SPDX-License-Identifier: Apache-2.0 */

/* PostgreSQL's SQL. Sums of int8 are numeric. Texts are compared as bytea, which knows no collation
 * and no blanks at the end; the right side stands in hexadecimal digits. Of char(n) blanks are lost
 * on the way, so only text and varchar are proved, of a server whose texts are UTF-8. */

#include "source/dialect.h"

static void write_exact(struct sotto_writer *writer, const char *name, enum sotto_kind kind,
                        unsigned own_scale, unsigned scale, unsigned digits)
{
    (void)own_scale;
    (void)digits;
    if (kind == SOTTO_KIND_BOOL) {
        sql_write(writer, "CAST(CAST(");
        sql_write_quoted(writer, name, '"');
        sql_write(writer, " AS int4) AS int8)");
        return;
    }
    sql_write(writer, kind == SOTTO_KIND_DECIMAL ? "CAST(NULLIF(" : "CAST(");
    sql_write_quoted(writer, name, '"');
    sql_write(writer, kind == SOTTO_KIND_DECIMAL ? ", 'NaN')" : " AS int8)");
    if (scale > 0 || kind == SOTTO_KIND_DECIMAL) {
        sql_write(writer, " * ");
        sql_write_power_of_ten(writer, scale);
    }
    sql_write(writer, kind == SOTTO_KIND_DECIMAL ? " AS int8)" : "");
}

static void write_double(struct sotto_writer *writer, const char *name)
{
    sql_write(writer, "NULLIF(CAST(");
    sql_write_quoted(writer, name, '"');
    sql_write(writer, " AS float8), 'NaN')");
}

static void write_text(struct sotto_writer *writer, const char *name)
{
    sql_write_quoted(writer, name, '"');
}

static void write_cut(struct sotto_writer *writer, const char *value)
{
    sql_write(writer, "CAST(trunc(");
    sql_write(writer, value);
    sql_write(writer, ") AS int8)");
}

static void write_is_text(struct sotto_writer *writer, const char *value, const char *text)
{
    sql_write(writer, "convert_to(");
    sql_write(writer, value);
    sql_write(writer, ", 'UTF8') = decode('");
    sql_write_hex(writer, text, "");
    sql_write(writer, "', 'hex')");
}

static void write_is_proved(struct sotto_writer *writer, const char *name, enum sotto_kind kind)
{
    const char *types = kind == SOTTO_KIND_STRING    ? "'text'::regtype, 'varchar'::regtype"
                        : kind == SOTTO_KIND_INT64   ? "'int2'::regtype, 'int4'::regtype, "
                                                       "'int8'::regtype"
                        : kind == SOTTO_KIND_FLOAT64 ? "'float4'::regtype, 'float8'::regtype"
                        : kind == SOTTO_KIND_BOOL    ? "'bool'::regtype"
                                                     : "'numeric'::regtype";
    sql_write(writer, "pg_typeof(");
    sql_write_quoted(writer, name, '"');
    sql_write(writer, ") IN (");
    sql_write(writer, types);
    sql_write(writer, ") AND current_setting('server_encoding') = 'UTF8'");
}

const struct source_dialect dialect_postgresql = {
    .begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    .kept = "SELECT count(*) FROM pg_catalog.pg_class WHERE relkind = 'r' AND "
            "NOT relhassubclass AND NOT relrowsecurity AND oid = to_regclass(",
    .keeps_names_quoted = true,
    .integer = "int8",
    .real = "float8",
    .text = "text",
    .has_long_sums = true,
    .scales_values = true,
    .write_exact = write_exact,
    .write_double = write_double,
    .write_text = write_text,
    .write_cut = write_cut,
    .write_is_text = write_is_text,
    .write_is_proved = write_is_proved};
