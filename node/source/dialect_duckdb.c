/* SPDX-License-Identifier: Apache-2.0 */

/* DuckDB's SQL. Sums of BIGINT are HUGEINT. Texts are compared as blobs, which know no collation;
 * the right side stands in hexadecimal digits. */

#include "source/dialect.h"

#define NARROW_DIGITS 18

static void write_exact(struct sotto_writer *writer, const char *name, enum sotto_kind kind,
                        unsigned own_scale, unsigned scale, unsigned digits)
{
    bool is_narrow = digits + scale <= NARROW_DIGITS; /* the product fits in any case */
    sql_write(writer, "CAST(");
    if (kind == SOTTO_KIND_DECIMAL && is_narrow) {
        sql_write_quoted(writer, name, '"');
        sql_write(writer, " * ");
        sql_write_power_of_ten(writer, scale);
        sql_write(writer, " AS BIGINT)");
        return;
    }
    if (kind == SOTTO_KIND_DECIMAL) { /* the product of two narrow ones would be narrow */
        sql_write(writer, "CAST(");
        sql_write_quoted(writer, name, '"');
        sql_write(writer, " AS DECIMAL(");
        sql_write_integer(writer, NARROW_DIGITS + 1);
        sql_write(writer, ",");
        sql_write_integer(writer, (int64_t)own_scale);
        sql_write(writer, ")) * CAST(");
        sql_write_power_of_ten(writer, scale);
        sql_write(writer, " AS DECIMAL(");
        sql_write_integer(writer, (int64_t)scale + 1);
        sql_write(writer, ",0)) AS BIGINT)");
        return;
    }
    sql_write_quoted(writer, name, '"');
    sql_write(writer, " AS BIGINT)");
    if (scale > 0) {
        sql_write(writer, " * ");
        sql_write_power_of_ten(writer, scale);
    }
}

static void write_double(struct sotto_writer *writer, const char *name)
{
    sql_write(writer, "CASE WHEN NOT isnan(CAST(");
    sql_write_quoted(writer, name, '"');
    sql_write(writer, " AS DOUBLE)) THEN CAST(");
    sql_write_quoted(writer, name, '"');
    sql_write(writer, " AS DOUBLE) END");
}

static void write_text(struct sotto_writer *writer, const char *name)
{
    sql_write(writer, "CAST(");
    sql_write_quoted(writer, name, '"');
    sql_write(writer, " AS VARCHAR)");
}

static void write_cut(struct sotto_writer *writer, const char *value)
{
    sql_write(writer, "CAST(trunc(");
    sql_write(writer, value);
    sql_write(writer, ") AS BIGINT)");
}

static void write_is_text(struct sotto_writer *writer, const char *value, const char *text)
{
    sql_write(writer, "encode(");
    sql_write(writer, value);
    sql_write(writer, ") = CAST('");
    sql_write_hex(writer, text, "\\x");
    sql_write(writer, "' AS BLOB)");
}

/* Types whose sums are integers, or decimals, and whose values come as they are compared here: sums
 * of UHUGEINT are doubles. */
static void write_is_proved(struct sotto_writer *writer, const char *name, enum sotto_kind kind)
{
    const char *types = kind == SOTTO_KIND_STRING    ? "'VARCHAR|ENUM[(].*'"
                        : kind == SOTTO_KIND_INT64   ? "'U?(TINY|SMALL)INT|U?INTEGER|BIGINT'"
                        : kind == SOTTO_KIND_FLOAT64 ? "'FLOAT|DOUBLE'"
                        : kind == SOTTO_KIND_BOOL    ? "'BOOLEAN'"
                                                     : "'DECIMAL[(].*|HUGEINT'";
    sql_write(writer, "regexp_full_match(typeof(");
    sql_write_quoted(writer, name, '"');
    sql_write(writer, "), ");
    sql_write(writer, types);
    sql_write(writer, ", 's')");
}

/* No text has NUL in it, which is refused where rows are read. */
static void write_is_plain(struct sotto_writer *writer, const char *name)
{
    sql_write_quoted(writer, name, '"');
    sql_write(writer, " IS NULL OR NOT contains(CAST(");
    sql_write_quoted(writer, name, '"');
    sql_write(writer, " AS VARCHAR), chr(0))");
}

/* What a virtual column generates may be random each time. */
const struct source_dialect dialect_duckdb = {.begin = "BEGIN TRANSACTION",
                                              .kept = "SELECT count(*) FROM duckdb_tables() WHERE "
                                                      "database_name = current_database() AND "
                                                      "schema_name = current_schema() AND "
                                                      "NOT temporary AND "
                                                      "NOT contains(lower(sql), "
                                                      "'generated always as') AND "
                                                      "lower(table_name) = lower(",
                                              .integer = "BIGINT",
                                              .real = "DOUBLE",
                                              .text = "VARCHAR",
                                              .has_long_sums = true,
                                              .adds_decimals = true,
                                              .reads_doubles = true,
                                              .has_underflow = true,
                                              .keeps_ends = true,
                                              .write_exact = write_exact,
                                              .write_double = write_double,
                                              .write_text = write_text,
                                              .write_cut = write_cut,
                                              .write_is_text = write_is_text,
                                              .write_is_proved = write_is_proved,
                                              .write_is_plain = write_is_plain};
