/* SPDX-License-Identifier: Apache-2.0 */

/* SQLite's SQL. Sums are of 64 bits, and an error beyond. Each value has a type of its own, so that
 * a column is proved only where all values have the one that is expected; texts only where they are
 * ASCII, as nobody else checks them, and have no NUL, at which GLOB ends. */

#include "source/dialect.h"

static void write_exact(struct sotto_writer *writer, const char *name, enum sotto_kind kind,
                        unsigned own_scale, unsigned scale, unsigned digits)
{
    (void)kind;
    (void)own_scale;
    (void)digits;
    sql_write_quoted(writer, name, '"');
    if (scale > 0) {
        sql_write(writer, " * ");
        sql_write_power_of_ten(writer, scale);
    }
}

static void write_double(struct sotto_writer *writer, const char *name)
{
    sql_write_quoted(writer, name, '"');
}

static void write_cut(struct sotto_writer *writer, const char *value)
{
    sql_write(writer, "CAST(");
    sql_write(writer, value);
    sql_write(writer, " AS INTEGER)");
}

/* A text in quotes has no escapes but a doubled quote, and no NUL. */
static void write_is_text(struct sotto_writer *writer, const char *value, const char *text)
{
    sql_write(writer, value);
    sql_write(writer, " = ");
    sql_write_quoted(writer, text, '\'');
    sql_write(writer, " COLLATE BINARY");
}

static void write_is_proved(struct sotto_writer *writer, const char *name, enum sotto_kind kind)
{
    const char *type = kind == SOTTO_KIND_STRING    ? "'text'"
                       : kind == SOTTO_KIND_FLOAT64 ? "'real'"
                                                    : "'integer'";
    sql_write(writer, "typeof(");
    sql_write_quoted(writer, name, '"');
    sql_write(writer, ") IN ('null', ");
    sql_write(writer, type);
    sql_write(writer, ")");
    if (kind == SOTTO_KIND_STRING) {
        sql_write(writer, " AND (");
        sql_write_quoted(writer, name, '"');
        sql_write(writer, " IS NULL OR ");
        sql_write_quoted(writer, name, '"');
        sql_write(writer, " NOT GLOB '*[^ -~]*' AND instr(");
        sql_write_quoted(writer, name, '"');
        sql_write(writer, ", char(0)) = 0)");
    }
}

const struct source_dialect dialect_sqlite = {.begin = "BEGIN",
                                              .kept = "SELECT count(*) FROM main.sqlite_master "
                                                      "WHERE type = 'table' AND "
                                                      "sql NOT LIKE 'CREATE VIRTUAL%' AND "
                                                      "lower(name) = lower(",
                                              .integer = "INTEGER",
                                              .real = "REAL",
                                              .text = "TEXT",
                                              .has_underflow = true,
                                              .types_values = true,
                                              .write_exact = write_exact,
                                              .write_double = write_double,
                                              .write_text = write_double,
                                              .write_cut = write_cut,
                                              .write_is_text = write_is_text,
                                              .write_is_proved = write_is_proved};
