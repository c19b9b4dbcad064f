/* SPDX-License-Identifier: Apache-2.0 */

/* The SELECT of a round, as text. It leans on the dialect for what databases say differently. The
 * idea: each step is a relation of its own around the one before: values, their numbers and ranges,
 * digit after digit of doubles, and at last sums by groups. Names are made here, but for those of
 * columns, which the dialect puts in quotes. */

#include "source/summing.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void write_name(struct sotto_writer *writer, const char *letter, size_t column,
                       unsigned digit)
{
    char name[40];
    (void)snprintf(name, sizeof name, "%s%zu_%u", letter, column, digit);
    sql_write(writer, name);
}

static void write_cut(struct sotto_writer *writer, const struct summing *summing, size_t column,
                      size_t cut)
{
    const struct summed_column *of = &summing->columns[column];
    const struct source_dialect *dialect = summing->request->dialect;
    if (summed_is_text(of)) {
        char value[40];
        (void)snprintf(value, sizeof value, "v%zu_0", column);
        dialect->write_is_text(writer, value, of->asked->texts[cut]);
        return;
    }
    write_name(writer, "v", column, 0);
    if (!summed_is_float(of)) {
        sql_write(writer, " >= "); /* between the least and the largest value: of 64 bits */
        sql_write_integer(writer, (int64_t)of->asked->cuts[cut].low);
        return;
    }
    double number = of->asked->double_cuts[cut];
    sql_write(writer, isinf(number) ? " > " : " >= ");
    sql_write_real(writer, isinf(number) ? DBL_MAX : number, dialect->real);
}

/* The number of a row in a column. */
static void write_key(struct sotto_writer *writer, const struct summing *summing, size_t column)
{
    const struct summed_column *of = &summing->columns[column];
    sql_write(writer, ", CASE WHEN ");
    write_name(writer, "v", column, 0);
    sql_write(writer, " IS NULL THEN 0");
    for (size_t i = of->last; i-- > of->first;) {
        sql_write(writer, " WHEN ");
        write_cut(writer, summing, column, i);
        sql_write(writer, " THEN ");
        sql_write_integer(writer, (int64_t)i + 2);
    }
    sql_write(writer, " ELSE ");
    sql_write_integer(writer, (int64_t)of->number);
    sql_write(writer, " END AS ");
    write_name(writer, "k", column, 0);
}

/* 2^top, as the limit of a magnitude. */
static void write_power(struct sotto_writer *writer, int top, const struct source_dialect *dialect)
{
    sql_write_real(writer, ldexp(1, top), dialect->real);
}

/* Writes a choice by the range of a double: its number, or the double in the range's units. */
static void write_range(struct sotto_writer *writer, const struct summing *summing, size_t column,
                        bool is_number)
{
    const struct summed_column *of = &summing->columns[column];
    const struct source_dialect *dialect = summing->request->dialect;
    char value[40];
    (void)snprintf(value, sizeof value, "v%zu_0", column);
    sql_write(writer, ", CASE");
    if (of->own->has_infinities) {
        sql_write(writer, " WHEN abs(");
        sql_write(writer, value);
        sql_write(writer, ") > ");
        sql_write_real(writer, DBL_MAX, dialect->real);
        sql_write(writer, is_number ? " THEN 0" : " THEN NULL");
    }
    for (size_t i = 0; i < of->ranges_len; i++) {
        bool is_last = i + 1 == of->ranges_len;
        if (is_last) {
            sql_write(writer, " WHEN ");
            sql_write(writer, value);
            sql_write(writer, " IS NOT NULL THEN ");
        } else {
            sql_write(writer, " WHEN abs(");
            sql_write(writer, value);
            sql_write(writer, ") >= ");
            write_power(writer, of->tops[i + 1], dialect);
            sql_write(writer, " THEN ");
        }
        if (is_number) {
            sql_write_integer(writer, (int64_t)i);
        } else {
            sql_write_scaled(writer, value, (int)of->bits - of->tops[i]);
        }
    }
    sql_write(writer, " END AS ");
    write_name(writer, is_number ? "r" : "u", column, 0);
}

/* A digit of an exact value, which is a number of two's complement. */
static void write_exact_digit(struct sotto_writer *writer, const struct summed_column *of,
                              size_t column, unsigned digit)
{
    bool is_last = digit + 1 == of->digits_len;
    sql_write(writer, "(");
    write_name(writer, "v", column, 0);
    if (digit > 0) {
        sql_write(writer, " >> ");
        sql_write_integer(writer, (int64_t)digit * of->bits);
    }
    sql_write(writer, ")");
    if (!is_last) {
        sql_write(writer, " & ");
        sql_write_integer(writer, (INT64_C(1) << of->bits) - 1);
    }
}

static void write_digit(struct sotto_writer *writer, const struct summing *summing, size_t column,
                        unsigned digit)
{
    const struct summed_column *of = &summing->columns[column];
    sql_write(writer, "(");
    if (summed_is_float(of)) {
        write_name(writer, "d", column, digit);
    } else {
        write_exact_digit(writer, of, column, digit);
    }
    sql_write(writer, ")");
}

/* Puts what was written into a relation of its own: SELECT *, more FROM (it) AS t. */
static void nest(struct sotto_writer *in_out, struct sotto_writer *more)
{
    struct sotto_writer outer;
    sotto_writer_init(&outer, SOURCE_REQUEST_BYTES_MAX);
    sql_write(&outer, "SELECT *");
    sotto_write_bytes(&outer, more->data, more->data_bytes);
    sql_write(&outer, " FROM (");
    sotto_write_bytes(&outer, in_out->data, in_out->data_bytes);
    sql_write(&outer, ") AS t");
    outer.failed = outer.failed || more->failed || in_out->failed;
    sotto_writer_release(in_out);
    sotto_writer_release(more);
    *in_out = outer;
    sotto_writer_init(more, SOURCE_REQUEST_BYTES_MAX);
}

/* The values of all columns. */
static void write_values(struct sotto_writer *writer, const struct summing *summing)
{
    const struct source_dialect *dialect = summing->request->dialect;
    sql_write(writer, "SELECT 0 AS one");
    for (size_t i = 0; i < summing->columns_len; i++) {
        const struct summed_column *column = &summing->columns[i];
        sql_write(writer, ", ");
        if (summed_is_text(column)) {
            dialect->write_text(writer, column->own->name);
        } else if (summed_is_float(column) && column->own->filled > column->own->present) {
            dialect->write_double(writer, column->own->name);
        } else if (summed_is_float(column)) { /* without NaN */
            sql_write(writer, "CAST(");
            sql_write_quoted(writer, column->own->name, '"');
            sql_write(writer, " AS ");
            sql_write(writer, dialect->real);
            sql_write(writer, ")");
        } else {
            dialect->write_exact(writer, column->own->name, column->own->type.kind,
                                 column->own->type.scale, column->asked->type.scale,
                                 column->units_digits);
        }
        sql_write(writer, " AS ");
        write_name(writer, "v", i, 0);
        if (column->is_raw) {
            sql_write(writer, ", ");
            sql_write_quoted(writer, column->own->name, '"');
            sql_write(writer, " AS ");
            write_name(writer, "w", i, 0);
        }
    }
    sql_write(writer, " FROM ");
    sql_write(writer, summing->request->from);
}

/* The digits of doubles, one after the other. */
static void write_double_digits(struct sotto_writer *in_out, const struct summing *summing)
{
    struct sotto_writer more;
    sotto_writer_init(&more, SOURCE_REQUEST_BYTES_MAX);
    for (unsigned digit = 0; digit < SUMMING_DIGITS_MAX; digit++) {
        bool is_any = false;
        for (int step = 0; step < 2; step++) {
            for (size_t i = 0; i < summing->columns_len; i++) {
                const struct summed_column *column = &summing->columns[i];
                char value[100];
                if (!column->is_summed || !summed_is_float(column) || digit >= column->digits_len) {
                    continue;
                }
                if (step == 0) {
                    (void)snprintf(value, sizeof value, "u%zu_%u", i, digit);
                    sql_write(&more, ", ");
                    summing->request->dialect->write_cut(&more, value);
                    sql_write(&more, " AS ");
                    write_name(&more, "d", i, digit);
                    is_any = true;
                } else if (digit + 1 < column->digits_len) {
                    (void)snprintf(value, sizeof value, "(u%zu_%u - d%zu_%u)", i, digit, i, digit);
                    sql_write(&more, ", ");
                    sql_write_scaled(&more, value, (int)column->bits);
                    sql_write(&more, " AS ");
                    write_name(&more, "u", i, digit + 1);
                    is_any = true;
                }
            }
            if (is_any && more.data_bytes > 0) {
                nest(in_out, &more);
            }
        }
    }
    sotto_writer_release(&more);
}

/* Names the last result, as no two may have one name. */
static void end_output(const struct summing *summing, struct sotto_writer *writer)
{
    if (summing->outputs_len > 0) {
        sql_write(writer, " AS ");
        write_name(writer, "o", summing->outputs_len, 0);
    }
}

static void write_output(struct summing *summing, struct sotto_writer *writer, size_t *out)
{
    end_output(summing, writer);
    sql_write(writer, summing->outputs_len > 0 ? ", " : "");
    *out = summing->outputs_len++;
}

/* Whether rows have values of two columns of which neither is 0. */
static void write_meet(struct sotto_writer *writer, const struct summing *summing, size_t product)
{
    const size_t *factors = summing->products[product].columns;
    sql_write(writer, "max(CASE WHEN ");
    write_name(writer, "v", factors[0], 0);
    if (summed_is_float(&summing->columns[factors[0]]) &&
        summing->request->dialect->has_underflow) {
        sql_write(writer, " * ");
        write_name(writer, "v", factors[1], 0);
    } else {
        sql_write(writer, " <> 0 AND ");
        write_name(writer, "v", factors[1], 0);
    }
    sql_write(writer, " <> 0 THEN 1 ELSE 0 END)");
}

static void write_part(struct sotto_writer *writer, const struct summing *summing,
                       const struct summed_part *part)
{
    const size_t *factors = summing->products[part->product].columns;
    sql_write(writer, "CAST(sum(");
    for (size_t i = 0; i < 2 && factors[i] != SOTTO_NONE; i++) {
        sql_write(writer, i > 0 ? " * " : "");
        if (part->is_raw) {
            write_name(writer, "w", factors[i], 0);
        } else {
            write_digit(writer, summing, factors[i], part->digits[i]);
        }
    }
    sql_write(writer, ") AS ");
    sql_write(writer, summing->request->dialect->text);
    sql_write(writer, ")");
}

static void write_extents(struct summing *summing, struct sotto_writer *writer)
{
    for (size_t i = 0; i < summing->columns_len; i++) {
        struct summed_column *column = &summing->columns[i];
        if (!column->is_summed) {
            continue;
        }
        size_t most;
        write_output(summing, writer, &column->extent_output);
        sql_write(writer, "min(");
        write_name(writer, "v", i, 0);
        sql_write(writer, ")");
        write_output(summing, writer, &most);
        sql_write(writer, "max(");
        write_name(writer, "v", i, 0);
        sql_write(writer, ")");
    }
    for (size_t i = 0; i < summing->products_len; i++) {
        if (summing->products[i].columns[1] != SOTTO_NONE) {
            write_output(summing, writer, &summing->meets[i]);
            write_meet(writer, summing, i);
        }
    }
}

static void write_outputs(struct summing *summing, struct sotto_writer *writer)
{
    sql_write(writer, "SELECT ");
    for (size_t i = 0; i < summing->columns_len; i++) {
        if (summing->columns[i].has_key) {
            write_output(summing, writer, &summing->columns[i].key_output);
            write_name(writer, "k", i, 0);
        }
        if (summing->columns[i].ranges_len > 1) {
            write_output(summing, writer, &summing->columns[i].range_output);
            write_name(writer, "r", i, 0);
        }
    }
    write_output(summing, writer, &summing->rows_output);
    sql_write(writer, "count(*)");
    for (size_t i = 0; i < summing->parts_len; i++) {
        write_output(summing, writer, &summing->parts[i].output);
        write_part(writer, summing, &summing->parts[i]);
    }
    if (summing->has_extents) {
        write_extents(summing, writer);
    }
    end_output(summing, writer);
}

enum sotto_status summing_write(struct summing *summing, struct sotto_error *err)
{
    struct sotto_writer inner;
    struct sotto_writer more;
    sotto_writer_init(&inner, SOURCE_REQUEST_BYTES_MAX);
    sotto_writer_init(&more, SOURCE_REQUEST_BYTES_MAX);
    write_values(&inner, summing);
    for (size_t i = 0; i < summing->columns_len; i++) {
        const struct summed_column *column = &summing->columns[i];
        if (column->has_key) {
            write_key(&more, summing, i);
        }
        if (column->is_summed && summed_is_float(column)) {
            write_range(&more, summing, i, false);
        }
        if (column->ranges_len > 1) {
            write_range(&more, summing, i, true);
        }
    }
    nest(&inner, &more);
    write_double_digits(&inner, summing);
    struct sotto_writer *sql = &summing->sql;
    write_outputs(summing, sql);
    sql_write(sql, " FROM (");
    sotto_write_bytes(sql, inner.data, inner.data_bytes);
    sql_write(sql, ") AS t");
    for (size_t i = 0; i < summing->rows_output; i++) {
        sql_write(sql, i == 0 ? " GROUP BY " : ", ");
        sql_write_integer(sql, (int64_t)i + 1);
    }
    sotto_write_u8(sql, 0);
    bool is_whole = !inner.failed && sotto_writer_status(sql) == SOTTO_OK;
    sotto_writer_release(&inner);
    sotto_writer_release(&more);
    return is_whole ? SOTTO_OK
                    : sotto_error_set(err, SOTTO_ERROR_REFUSED, "its SQL would be too long");
}
