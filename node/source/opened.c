/* SPDX-License-Identifier: Apache-2.0 */

/* What the columns of a database are like, before any round: how many values there are, between
 * which ends, and whether each of them is what SQL says it is. It leans on the dialect. The one
 * idea: sums need no room to spare, as it is known how large values are. */

#include "source/pushed.h"

#include <float.h>
#include <math.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

#define FACTS_LEN 7   /* of a column */
#define TYPES_LEN 3   /* likewise, where values have types */
#define DIGITS_MAX 19 /* of 64 bits */
#define SCALE_MAX 18

/* --- Results --- */

static struct sotto_column find_result(const struct sotto_table *table, size_t column, size_t row,
                                       enum sotto_status *in_out)
{
    struct sotto_column out = {.len = 0};
    if (column >= sotto_table_columns_len(table) || row >= sotto_table_rows(table)) {
        *in_out = SOTTO_ERROR_PROTOCOL;
        return out;
    }
    return sotto_table_column(table, column);
}

/* Returns: NULL where there is no value, and for one of another kind, which is a failure. */
static const void *find_values(const struct sotto_table *table, size_t column, size_t row,
                               enum sotto_kind kind, enum sotto_status *in_out)
{
    struct sotto_column found = find_result(table, column, row, in_out);
    bool is_there =
        row < found.len && found.type.kind != SOTTO_KIND_NULL && sotto_column_is_valid(&found, row);
    if (is_there && found.type.kind != kind) {
        *in_out = SOTTO_ERROR_PROTOCOL;
    }
    return is_there && found.type.kind == kind ? found.values : NULL;
}

int64_t result_integer(const struct sotto_table *table, size_t column, size_t row,
                       enum sotto_status *in_out)
{
    const int64_t *values = find_values(table, column, row, SOTTO_KIND_INT64, in_out);
    return values != NULL ? values[row] : 0;
}

double result_double(const struct sotto_table *table, size_t column, size_t row,
                     enum sotto_status *in_out)
{
    const double *values = find_values(table, column, row, SOTTO_KIND_FLOAT64, in_out);
    return values != NULL ? values[row] : 0;
}

/* --- Columns --- */

static bool is_exact(enum sotto_kind kind)
{
    return kind == SOTTO_KIND_INT64 || kind == SOTTO_KIND_DECIMAL || kind == SOTTO_KIND_BOOL;
}

static enum sotto_status list_columns(struct source_facts *out, const struct sotto_parcels *parcels,
                                      bool scales)
{
    size_t len = sotto_parcels_columns_len(parcels);
    out->columns = sotto_alloc_array(len + 1, sizeof *out->columns);
    if (out->columns == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < len; i++) {
        struct sotto_parcel_column column = sotto_parcels_column(parcels, i);
        if (column.hidden == NULL) {
            out->columns[out->len++] = (struct opened_column){
                .name = column.name,
                .type = column.type,
                .is_numeral = column.type.kind == SOTTO_KIND_DECIMAL && scales};
        }
    }
    return SOTTO_OK;
}

/* Runs what was written, a SELECT of one row, and ends the writer. */
static enum sotto_status ask_one(struct source_rows *out, struct source_session *session,
                                 struct sotto_writer *sql, size_t columns_len,
                                 struct sotto_error *err)
{
    sotto_write_u8(sql, 0);
    enum sotto_status status = sotto_writer_status(sql) == SOTTO_OK
                                   ? source_session_ask(out, session, (const char *)sql->data, err)
                                   : sotto_error_no_memory(err);
    sotto_writer_release(sql);
    if (status != SOTTO_OK) {
        return status;
    }
    if (sotto_table_rows(out->table) == 1 && sotto_table_columns_len(out->table) == columns_len) {
        return SOTTO_OK;
    }
    source_rows_release(out);
    return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "expected one row of sums, found others");
}

static enum sotto_status ask(struct source_rows *out, struct source_session *session,
                             struct sotto_writer *sql, size_t columns_len,
                             const struct source_request *request, struct sotto_error *err)
{
    sql_write(sql, " FROM ");
    sql_write(sql, request->from);
    return ask_one(out, session, sql, columns_len, err);
}

/* No two results may have one name. */
static void write_alias(struct sotto_writer *writer, size_t column, size_t fact)
{
    char alias[60];
    (void)snprintf(alias, sizeof alias, " AS o%zu_%zu", column, fact);
    sql_write(writer, alias);
}

/* --- Whether the transaction keeps the rows --- */

/* A name of one part, without its quotes. Returns: false for another, or something else. */
static bool read_name(char *out, size_t out_bytes, const char *from)
{
    size_t bytes = 0;
    const char *at = from;
    if (*at++ != '"') {
        return false;
    }
    for (; *at != '\0' && (*at != '"' || at[1] == '"'); at++) {
        at += *at == '"';
        if (bytes + 1 == out_bytes) {
            return false;
        }
        out[bytes++] = *at;
    }
    out[bytes] = '\0';
    return at[0] == '"' && at[1] == '\0';
}

/* Rows of a view or a query may come from anywhere, and be others each time they are asked for. */
static enum sotto_status check_is_kept(struct source_session *session,
                                       const struct source_request *request,
                                       struct sotto_error *err)
{
    char name[SOTTO_CSV_NAME_BYTES_MAX + 1];
    struct source_rows rows = {0};
    struct sotto_writer sql;
    bool is_quoted = request->dialect->keeps_names_quoted;
    const char *literal = is_quoted ? request->from : name;
    bool is_name =
        is_quoted ? request->from[0] == '"' : read_name(name, sizeof name, request->from);
    enum sotto_status status = SOTTO_OK;
    int64_t tables = 0;
    if (is_name && strchr(literal, '\\') == NULL) { /* which not all read alike in quotes */
        sotto_writer_init(&sql, SOURCE_REQUEST_BYTES_MAX);
        sql_write(&sql, request->dialect->kept);
        sql_write_quoted(&sql, literal, '\'');
        sql_write(&sql, ")");
        status = ask_one(&rows, session, &sql, 1, err);
        tables = status == SOTTO_OK ? result_integer(rows.table, 0, 0, &status) : 0;
        source_rows_release(&rows);
    }
    return status != SOTTO_OK ? status
           : tables == 1      ? SOTTO_OK
                              : sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                                "a view or a query, whose rows a transaction may "
                                                     "not keep");
}

/* --- Types that only values have --- */

/* Finds the types of columns whose values have them. Columns of more than one are of none. */
static enum sotto_status ask_types(struct source_facts *opened, struct source_session *session,
                                   const struct source_request *request, struct sotto_error *err)
{
    static const char *const names[TYPES_LEN] = {"'integer'", "'real'", "'text'"};
    static const enum sotto_kind kinds[TYPES_LEN] = {SOTTO_KIND_INT64, SOTTO_KIND_FLOAT64,
                                                     SOTTO_KIND_STRING};
    struct source_rows rows = {0};
    struct sotto_writer sql;
    sotto_writer_init(&sql, SOURCE_REQUEST_BYTES_MAX);
    sql_write(&sql, "SELECT count(*)");
    for (size_t i = 0; i < opened->len * TYPES_LEN; i++) {
        sql_write(&sql, ", max(CASE WHEN typeof(");
        sql_write_quoted(&sql, opened->columns[i / TYPES_LEN].name, '"');
        sql_write(&sql, ") = ");
        sql_write(&sql, names[i % TYPES_LEN]);
        sql_write(&sql, " THEN 1 ELSE 0 END)");
        write_alias(&sql, i, 0);
    }
    enum sotto_status status = ask(&rows, session, &sql, 1 + opened->len * TYPES_LEN, request, err);
    for (size_t i = 0; status == SOTTO_OK && i < opened->len; i++) {
        opened->columns[i].type = (struct sotto_type){.kind = SOTTO_KIND_INT64};
        for (size_t j = 0; j < TYPES_LEN; j++) {
            if (result_integer(rows.table, 1 + i * TYPES_LEN + j, 0, &status) != 0) {
                opened->columns[i].type.kind = kinds[j];
            }
        }
    }
    source_rows_release(&rows);
    return status;
}

/* Finds how many digits the numbers have that come as digits. */
static enum sotto_status ask_scales(struct source_facts *opened, struct source_session *session,
                                    const struct source_request *request, struct sotto_error *err)
{
    struct source_rows rows = {0};
    struct sotto_writer sql;
    size_t len = 0;
    sotto_writer_init(&sql, SOURCE_REQUEST_BYTES_MAX);
    sql_write(&sql, "SELECT count(*)");
    for (size_t i = 0; i < opened->len; i++) {
        if (opened->columns[i].is_numeral) {
            len++;
            sql_write(&sql, ", CAST(max(scale(NULLIF(");
            sql_write_quoted(&sql, opened->columns[i].name, '"');
            sql_write(&sql, ", 'NaN'))) AS int8)");
            write_alias(&sql, i, 0);
        }
    }
    if (len == 0) {
        sotto_writer_release(&sql);
        return SOTTO_OK;
    }
    enum sotto_status status = ask(&rows, session, &sql, 1 + len, request, err);
    for (size_t i = 0, at = 1; status == SOTTO_OK && i < opened->len; i++) {
        if (opened->columns[i].is_numeral) {
            int64_t scale = result_integer(rows.table, at++, 0, &status);
            if (scale < 0 || scale > SCALE_MAX) {
                status = sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                         "column \"%s\": there are too many digits",
                                         opened->columns[i].name);
            }
            opened->columns[i].type =
                (struct sotto_type){.kind = SOTTO_KIND_DECIMAL, .scale = (uint8_t)scale};
        }
    }
    source_rows_release(&rows);
    return status;
}

/* --- Facts --- */

/* A value as it is looked at: of decimals the number itself. */
static void write_value(struct sotto_writer *writer, const struct opened_column *column,
                        const struct source_dialect *dialect)
{
    enum sotto_kind kind = column->type.kind;
    if (kind == SOTTO_KIND_DECIMAL) {
        sql_write(writer, dialect->scales_values ? "NULLIF(" : "");
        sql_write_quoted(writer, column->name, '"');
        sql_write(writer, dialect->scales_values ? ", 'NaN')" : "");
    } else if (is_exact(kind)) {
        dialect->write_exact(writer, column->name, kind, 0, 0, DIGITS_MAX);
    } else if (kind == SOTTO_KIND_FLOAT64) {
        dialect->write_double(writer, column->name);
    } else {
        sql_write_quoted(writer, column->name, '"');
    }
}

/* The least and the largest value, as text of decimals. */
static void write_ends(struct sotto_writer *writer, const struct opened_column *column, size_t at,
                       const struct source_dialect *dialect)
{
    bool is_number = is_exact(column->type.kind);
    bool is_decimal = column->type.kind == SOTTO_KIND_DECIMAL;
    char value[32];
    (void)snprintf(value, sizeof value, "v%zu", at);
    for (size_t i = 0; i < 2; i++) {
        sql_write(writer, is_decimal ? ", CAST(" : ", ");
        sql_write(writer, i == 0 ? "min(" : "max(");
        sql_write(writer, is_number ? value : "0");
        sql_write(writer, is_decimal ? ") AS " : ")");
        sql_write(writer, is_decimal ? dialect->text : "");
        sql_write(writer, is_decimal ? ")" : "");
        write_alias(writer, at, 2 + i);
    }
}

/* The largest magnitude of a double, and the least one but 0; is_finite: of those that are. */
static void write_magnitudes(struct sotto_writer *writer, const struct opened_column *column,
                             size_t at, bool is_finite, const struct source_dialect *dialect)
{
    char value[32];
    (void)snprintf(value, sizeof value, "abs(v%zu)", at);
    for (size_t i = 0; i < 2; i++) {
        if (column->type.kind != SOTTO_KIND_FLOAT64) {
            sql_write(writer, ", max(0)");
            write_alias(writer, at, 4 + i);
            continue;
        }
        sql_write(writer, i == 0 ? ", max(" : ", min(NULLIF(");
        if (is_finite) {
            sql_write(writer, "CASE WHEN ");
            sql_write(writer, value);
            sql_write(writer, " <= ");
            sql_write_real(writer, DBL_MAX, dialect->real);
            sql_write(writer, " THEN ");
        }
        sql_write(writer, value);
        sql_write(writer, is_finite ? " END" : "");
        sql_write(writer, i == 0 ? ")" : ", 0))");
        write_alias(writer, at, 4 + i);
    }
}

/* What is asked of a column: whether it is proved, values, the least and the largest of them, of
 * doubles the magnitudes, and values that are not NULL. */
static void write_facts(struct sotto_writer *writer, const struct opened_column *column, size_t at,
                        bool is_finite, const struct source_dialect *dialect)
{
    char text[40];
    (void)snprintf(text, sizeof text, "min(p%zu)", at);
    sql_write(writer, text);
    write_alias(writer, at, 0);
    (void)snprintf(text, sizeof text, ", count(v%zu)", at);
    sql_write(writer, text);
    write_alias(writer, at, 1);
    write_ends(writer, column, at, dialect);
    write_magnitudes(writer, column, at, is_finite, dialect);
    bool has_nan = column->type.kind == SOTTO_KIND_FLOAT64;
    (void)snprintf(text, sizeof text, has_nan ? ", count(n%zu)" : ", count(v%zu)", at);
    sql_write(writer, text);
    write_alias(writer, at, 6);
}

static void write_inner(struct sotto_writer *writer, const struct source_facts *opened,
                        const struct source_request *request)
{
    char alias[64];
    sql_write(writer, " FROM (SELECT 0 AS one");
    for (size_t i = 0; i < opened->len; i++) {
        const struct opened_column *column = &opened->columns[i];
        sql_write(writer, ", ");
        write_value(writer, column, request->dialect);
        (void)snprintf(alias, sizeof alias, " AS v%zu, CASE WHEN ", i);
        sql_write(writer, alias);
        request->dialect->write_is_proved(writer, column->name, column->type.kind);
        (void)snprintf(alias, sizeof alias, " THEN 1 ELSE 0 END AS p%zu, CASE WHEN ", i);
        sql_write(writer, alias);
        sql_write_quoted(writer, column->name, '"');
        (void)snprintf(alias, sizeof alias, " IS NOT NULL THEN 1 END AS n%zu", i);
        sql_write(writer, alias);
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
    struct sotto_column found = find_result(table, column, 0, in_out);
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

static void read_facts(struct opened_column *out, const struct sotto_table *table, size_t at,
                       enum sotto_status *status)
{
    bool is_float = out->type.kind == SOTTO_KIND_FLOAT64;
    bool is_known = is_exact(out->type.kind) || is_float || out->type.kind == SOTTO_KIND_STRING;
    out->present = (uint64_t)result_integer(table, at + 1, 0, status);
    /* Of NaN only that of doubles is a value. */
    out->filled = is_float ? (uint64_t)result_integer(table, at + 6, 0, status) : out->present;
    out->is_proved = is_known && (result_integer(table, at, 0, status) == 1 || out->present == 0);
    if (out->type.kind == SOTTO_KIND_DECIMAL) {
        out->least = read_decimal(table, at + 2, out->type.scale, status);
        out->most = read_decimal(table, at + 3, out->type.scale, status);
    } else if (is_exact(out->type.kind)) {
        out->least = result_integer(table, at + 2, 0, status);
        out->most = result_integer(table, at + 3, 0, status);
    } else if (is_float) {
        out->largest = result_double(table, at + 4, 0, status);
        out->smallest = result_double(table, at + 5, 0, status);
    }
}

/* is_finite: magnitudes are of finite doubles only. */
static enum sotto_status ask_facts(struct source_facts *opened, struct source_session *session,
                                   const struct source_request *request, bool is_finite,
                                   struct sotto_error *err)
{
    struct source_rows rows = {0};
    struct sotto_writer sql;
    sotto_writer_init(&sql, SOURCE_REQUEST_BYTES_MAX);
    sql_write(&sql, "SELECT count(*)");
    for (size_t i = 0; i < opened->len; i++) {
        sql_write(&sql, ", ");
        write_facts(&sql, &opened->columns[i], i, is_finite, request->dialect);
    }
    write_inner(&sql, opened, request);
    enum sotto_status status = sotto_writer_status(&sql) == SOTTO_OK
                                   ? source_session_ask(&rows, session, (const char *)sql.data, err)
                                   : sotto_error_no_memory(err);
    sotto_writer_release(&sql);
    if (status != SOTTO_OK) {
        return status;
    }
    if (sotto_table_rows(rows.table) != 1) {
        status = SOTTO_ERROR_PROTOCOL;
    }
    opened->rows = (uint64_t)result_integer(rows.table, 0, 0, &status);
    for (size_t i = 0; i < opened->len; i++) {
        read_facts(&opened->columns[i], rows.table, 1 + i * FACTS_LEN, &status);
    }
    source_rows_release(&rows);
    for (size_t i = 0; status == SOTTO_OK && i < opened->len; i++) {
        if (opened->columns[i].present > opened->rows || opened->columns[i].filled > opened->rows) {
            status = SOTTO_ERROR_PROTOCOL;
        }
    }
    return status == SOTTO_OK && opened->rows <= SOTTO_ROWS_MAX
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                 "expected numbers about columns, found something else");
}

/* Marks the columns of doubles that have infinities. Returns: whether there are any. */
static bool mark_infinities(struct source_facts *in_out)
{
    bool is_any = false;
    for (size_t i = 0; i < in_out->len; i++) {
        in_out->columns[i].has_infinities = isinf(in_out->columns[i].largest);
        is_any = is_any || in_out->columns[i].has_infinities;
    }
    return is_any;
}

enum sotto_status opened_ask(struct source_facts *out, struct source_session *session,
                             const struct source_request *request, struct sotto_error *err)
{
    *out = (struct source_facts){0};
    /* Of files it is seen that they stay as they are. */
    enum sotto_status status =
        request->files == NULL ? check_is_kept(session, request, err) : SOTTO_OK;
    if (status != SOTTO_OK) {
        return status;
    }
    if (list_columns(out, source_session_columns(session), request->dialect->scales_values) !=
        SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    status = request->dialect->types_values ? ask_types(out, session, request, err)
                                            : ask_scales(out, session, request, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = ask_facts(out, session, request, false, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (mark_infinities(out)) {
        status = ask_facts(out, session, request, true, err);
    }
    for (size_t i = 0; status == SOTTO_OK && i < out->len; i++) {
        bool is_known = out->columns[i].is_proved && out->columns[i].present > 0;
        if (request->dialect->types_values && !is_known) {
            status =
                sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                "column \"%s\": there are no values, or they are not all of one "
                                "type, or texts that are not plain ASCII",
                                out->columns[i].name);
        }
    }
    return status;
}

void opened_release(struct source_facts *opened)
{
    sotto_free(opened->columns);
    *opened = (struct source_facts){0};
}
