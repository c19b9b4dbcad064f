/* SPDX-License-Identifier: Apache-2.0 */

/* How many values the columns of a database have, and between which ends. It leans on the dialect.
 * The one idea: sums need no room to spare, as it is known how large values are. What takes a pass
 * over the rows is asked of all columns in one, or, where a database has the ends of columns at
 * hand, once a round needs it and of its columns only. */

#include "source/opened.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#define FACTS_LEN 7   /* of a column */
#define DIGITS_MAX 19 /* of 64 bits */

/* What is asked of columns at once: of all how many values there are and between which ends, of
 * those that are wanted what only a pass over their values tells. */
struct facts_asked {
    bool asks_ends;
    bool asks_looks;
    bool is_finite; /* magnitudes are of finite doubles only */
};

static bool asks_look(const struct facts_asked *asked, const struct opened_column *column)
{
    return asked->asks_looks && column->is_wanted;
}

/* Whether each value is proved in the pass. The type of a column is proved by ask_proofs. */
static bool asks_proof(const struct facts_asked *asked, const struct opened_column *column,
                       const struct source_dialect *dialect)
{
    bool is_text = column->type.kind == SOTTO_KIND_STRING;
    return dialect->types_values
               ? asked->asks_ends
               : is_text && dialect->write_is_plain != NULL && asks_look(asked, column);
}

/* Doubles may be NaN, which are no values: that is looked at. */
static bool asks_present(const struct facts_asked *asked, const struct opened_column *column)
{
    return column->type.kind == SOTTO_KIND_FLOAT64 ? asks_look(asked, column) : asked->asks_ends;
}

/* A value as it is looked at: of decimals, and where the database has ends at hand, the column
 * itself. */
static void write_value(struct sotto_writer *writer, const struct opened_column *column,
                        const struct source_dialect *dialect)
{
    enum sotto_kind kind = column->type.kind;
    bool is_nan_numeral = kind == SOTTO_KIND_DECIMAL && dialect->scales_values;
    if (kind == SOTTO_KIND_FLOAT64) {
        dialect->write_double(writer, column->name);
    } else if (opened_is_exact(kind) && kind != SOTTO_KIND_DECIMAL && !dialect->keeps_ends) {
        dialect->write_exact(writer, column->name, kind, 0, 0, DIGITS_MAX);
    } else {
        sql_write(writer, is_nan_numeral ? "NULLIF(" : "");
        sql_write_quoted(writer, column->name, '"');
        sql_write(writer, is_nan_numeral ? ", 'NaN')" : "");
    }
}

/* A result, or 0 in its place; value: 'v' and so on. */
static void write_fact(struct sotto_writer *writer, bool is_asked, const char *before, char value,
                       size_t at, const char *behind, size_t fact)
{
    char text[100];
    (void)snprintf(text, sizeof text, "%s%c%zu%s", before, value, at, behind);
    sql_write(writer, ", ");
    sql_write(writer, is_asked ? text : "0");
    opened_write_alias(writer, at, fact);
}

/* The least and the largest value, as text of decimals. */
static void write_ends(struct sotto_writer *writer, const struct opened_column *column, size_t at,
                       const struct facts_asked *asked, const struct source_dialect *dialect)
{
    bool is_asked = opened_is_exact(column->type.kind) && asked->asks_ends;
    bool is_decimal = column->type.kind == SOTTO_KIND_DECIMAL;
    char behind[32];
    (void)snprintf(behind, sizeof behind, ") AS %s)",
                   is_decimal ? dialect->text : dialect->integer);
    write_fact(writer, is_asked, "CAST(min(", 'v', at, behind, 2);
    write_fact(writer, is_asked, "CAST(max(", 'v', at, behind, 3);
}

/* The largest magnitude of a double, and the least one but 0. */
static void write_magnitudes(struct sotto_writer *writer, const struct opened_column *column,
                             size_t at, const struct facts_asked *asked,
                             const struct source_dialect *dialect)
{
    bool is_asked = column->type.kind == SOTTO_KIND_FLOAT64 && asks_look(asked, column);
    for (size_t i = 0; i < 2; i++) {
        if (!is_asked || !asked->is_finite) {
            write_fact(writer, is_asked, i == 0 ? "max(abs(" : "min(NULLIF(abs(", 'v', at,
                       i == 0 ? "))" : "), 0))", 4 + i);
            continue;
        }
        char value[32];
        (void)snprintf(value, sizeof value, "abs(v%zu)", at);
        sql_write(writer, i == 0 ? ", max(CASE WHEN " : ", min(NULLIF(CASE WHEN ");
        sql_write(writer, value);
        sql_write(writer, " <= ");
        sql_write_real(writer, DBL_MAX, dialect->real);
        sql_write(writer, " THEN ");
        sql_write(writer, value);
        sql_write(writer, i == 0 ? " END)" : " END, 0))");
        opened_write_alias(writer, at, 4 + i);
    }
}

/* What is asked of a column: whether it is proved, values, the least and the largest of them, of
 * doubles the magnitudes, and values that are not NULL. */
static void write_facts(struct sotto_writer *writer, const struct opened_column *column, size_t at,
                        const struct facts_asked *asked, const struct source_dialect *dialect)
{
    bool is_float = column->type.kind == SOTTO_KIND_FLOAT64;
    write_fact(writer, asks_proof(asked, column, dialect), "min(", 'p', at, ")", 0);
    write_fact(writer, asks_present(asked, column), "count(", 'v', at, ")", 1);
    write_ends(writer, column, at, asked, dialect);
    write_magnitudes(writer, column, at, asked, dialect);
    write_fact(writer, is_float && asked->asks_ends, "count(", 'n', at, ")", 6);
}

static void write_inner(struct sotto_writer *writer, const struct source_facts *opened,
                        const struct facts_asked *asked, const struct source_request *request)
{
    const struct source_dialect *dialect = request->dialect;
    char alias[64];
    sql_write(writer, " FROM (SELECT 0 AS one");
    for (size_t i = 0; i < opened->len; i++) {
        const struct opened_column *column = &opened->columns[i];
        sql_write(writer, ", ");
        write_value(writer, column, dialect);
        (void)snprintf(alias, sizeof alias, " AS v%zu, ", i);
        sql_write(writer, alias);
        sql_write_quoted(writer, column->name, '"');
        (void)snprintf(alias, sizeof alias, " AS n%zu", i);
        sql_write(writer, alias);
        if (asks_proof(asked, column, dialect)) {
            sql_write(writer, ", CASE WHEN ");
            if (dialect->types_values) {
                dialect->write_is_proved(writer, column->name, column->type.kind);
            } else {
                dialect->write_is_plain(writer, column->name);
            }
            (void)snprintf(alias, sizeof alias, " THEN 1 ELSE 0 END AS p%zu", i);
            sql_write(writer, alias);
        }
    }
    sql_write(writer, " FROM ");
    sql_write(writer, request->from);
    sql_write(writer, ") AS t");
    sotto_write_u8(writer, 0);
}

/* A decimal in units of 10^-scale, of its text, which has no more digits behind the point. */
static int64_t read_decimal(const struct sotto_table *table, size_t column, unsigned scale,
                            enum sotto_status *in_out)
{
    struct sotto_column found = result_find(table, column, 0, in_out);
    int64_t value = 0;
    bool is_there =
        found.len > 0 && found.type.kind != SOTTO_KIND_NULL && sotto_column_is_valid(&found, 0);
    if (!is_there) {
        return 0;
    }
    bool fits = found.type.kind == SOTTO_KIND_STRING;
    const char *text = fits ? (const char *)found.values + found.offsets[0] : "";
    size_t bytes = fits ? (size_t)(found.offsets[1] - found.offsets[0]) : 0;
    bool is_negative = bytes > 0 && text[0] == '-';
    bool is_behind = false;
    unsigned behind = 0;
    for (size_t i = is_negative; fits && i < bytes; i++) {
        bool is_point = text[i] == '.' && !is_behind;
        is_behind = is_behind || is_point;
        if (is_point) {
            continue;
        }
        behind += is_behind;
        fits = text[i] >= '0' && text[i] <= '9' && !__builtin_mul_overflow(value, 10, &value) &&
               !__builtin_sub_overflow(value, text[i] - '0', &value);
    }
    for (; fits && behind < scale; behind++) {
        fits = !__builtin_mul_overflow(value, 10, &value);
    }
    fits = fits && behind == scale && bytes > 0 && (is_negative || value != INT64_MIN);
    *in_out = fits ? *in_out : SOTTO_ERROR_PROTOCOL;
    return is_negative || !fits ? value : -value;
}

static void read_ends(struct opened_column *out, const struct sotto_table *table, size_t at,
                      const struct source_dialect *dialect, enum sotto_status *status)
{
    enum sotto_kind kind = out->type.kind;
    bool is_float = kind == SOTTO_KIND_FLOAT64;
    bool is_known = opened_is_exact(kind) || is_float || kind == SOTTO_KIND_STRING;
    /* Of NaN only that of doubles is a value. */
    out->filled = (uint64_t)result_integer(table, is_float ? at + 6 : at + 1, 0, status);
    out->present = out->filled;
    if (dialect->types_values) {
        out->is_proved = result_integer(table, at, 0, status) == 1;
    }
    out->is_proved = is_known && (out->is_proved || out->filled == 0);
    if (kind == SOTTO_KIND_DECIMAL) {
        out->least = read_decimal(table, at + 2, out->type.scale, status);
        out->most = read_decimal(table, at + 3, out->type.scale, status);
    } else if (opened_is_exact(kind)) {
        out->least = result_integer(table, at + 2, 0, status);
        out->most = result_integer(table, at + 3, 0, status);
    }
}

static void read_looks(struct opened_column *out, const struct sotto_table *table, size_t at,
                       const struct source_dialect *dialect, enum sotto_status *status)
{
    out->is_looked = true;
    if (out->type.kind == SOTTO_KIND_FLOAT64) {
        out->present = (uint64_t)result_integer(table, at + 1, 0, status);
        out->largest = result_double(table, at + 4, 0, status);
        out->smallest = result_double(table, at + 5, 0, status);
    } else if (out->type.kind == SOTTO_KIND_STRING && dialect->write_is_plain != NULL) {
        bool is_plain = result_integer(table, at, 0, status) == 1 || out->filled == 0;
        out->is_proved = out->is_proved && is_plain;
    }
}

static void read_facts(struct source_facts *in_out, const struct sotto_table *table,
                       const struct facts_asked *asked, const struct source_dialect *dialect,
                       enum sotto_status *status)
{
    uint64_t rows = (uint64_t)result_integer(table, 0, 0, status);
    if (rows > SOTTO_ROWS_MAX || (!asked->asks_ends && rows != in_out->rows)) {
        *status = SOTTO_ERROR_PROTOCOL;
    }
    in_out->rows = rows;
    for (size_t i = 0; i < in_out->len; i++) {
        struct opened_column *column = &in_out->columns[i];
        if (asked->asks_ends) {
            read_ends(column, table, 1 + i * FACTS_LEN, dialect, status);
        }
        if (asks_look(asked, column)) {
            read_looks(column, table, 1 + i * FACTS_LEN, dialect, status);
        }
        if (column->filled > rows || column->present > column->filled) {
            *status = SOTTO_ERROR_PROTOCOL;
        }
    }
}

static enum sotto_status ask_facts(struct source_facts *in_out, struct source_session *session,
                                   const struct source_request *request,
                                   const struct facts_asked *asked, struct sotto_error *err)
{
    struct source_rows rows = {0};
    struct sotto_writer sql;
    sotto_writer_init(&sql, SOURCE_REQUEST_BYTES_MAX);
    sql_write(&sql, "SELECT count(*)");
    for (size_t i = 0; i < in_out->len; i++) {
        write_facts(&sql, &in_out->columns[i], i, asked, request->dialect);
    }
    write_inner(&sql, in_out, asked, request);
    enum sotto_status status =
        opened_ask_one(&rows, session, &sql, 1 + in_out->len * FACTS_LEN, err);
    if (status != SOTTO_OK) {
        return status;
    }
    read_facts(in_out, rows.table, asked, request->dialect, &status);
    source_rows_release(&rows);
    return status == SOTTO_OK
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                 "expected numbers about columns, found something else");
}

/* Looks at the columns that are wanted, and once more at those that have infinities. */
static enum sotto_status ask_looks(struct source_facts *in_out, struct source_session *session,
                                   const struct source_request *request, bool asks_ends,
                                   struct sotto_error *err)
{
    const struct facts_asked first = {.asks_ends = asks_ends, .asks_looks = true};
    const struct facts_asked second = {.asks_looks = true, .is_finite = true};
    bool is_any = false;
    enum sotto_status status = ask_facts(in_out, session, request, &first, err);
    for (size_t i = 0; status == SOTTO_OK && i < in_out->len; i++) {
        struct opened_column *column = &in_out->columns[i];
        column->has_infinities |= column->is_wanted && isinf(column->largest);
        column->is_wanted = column->is_wanted && column->has_infinities;
        is_any = is_any || column->is_wanted;
    }
    if (status == SOTTO_OK && is_any) {
        status = ask_facts(in_out, session, request, &second, err);
    }
    for (size_t i = 0; i < in_out->len; i++) {
        in_out->columns[i].is_wanted = false;
    }
    return status;
}

enum sotto_status opened_look(struct source_facts *in_out, struct source_session *session,
                              const struct source_request *request, struct sotto_error *err)
{
    bool is_any = false;
    for (size_t i = 0; i < in_out->len; i++) {
        struct opened_column *column = &in_out->columns[i];
        bool has_more =
            column->type.kind == SOTTO_KIND_FLOAT64 ||
            (column->type.kind == SOTTO_KIND_STRING && request->dialect->write_is_plain != NULL);
        column->is_wanted = column->is_wanted && !column->is_looked && has_more;
        is_any = is_any || column->is_wanted;
    }
    return is_any ? ask_looks(in_out, session, request, false, err) : SOTTO_OK;
}

enum sotto_status opened_ask_facts(struct source_facts *in_out, struct source_session *session,
                                   const struct source_request *request, struct sotto_error *err)
{
    const struct facts_asked ends = {.asks_ends = true};
    if (request->dialect->keeps_ends) {
        return ask_facts(in_out, session, request, &ends, err);
    }
    for (size_t i = 0; i < in_out->len; i++) {
        in_out->columns[i].is_wanted = true;
    }
    return ask_looks(in_out, session, request, true, err);
}
