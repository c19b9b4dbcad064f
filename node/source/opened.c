/* SPDX-License-Identifier: Apache-2.0 */

/* What the columns of a database are, before any round: whether its transaction keeps them, their
 * types, and whether these are what SQL says they are. It leans on the dialect, and on
 * opened_facts.c for how many values there are. The one idea: what is not known to be the same here
 * and there is not asked for. */

#include "source/opened.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

#define TYPES_LEN 3 /* of a column whose values have types */
#define SCALE_MAX 18

/* --- Results --- */

struct sotto_column result_find(const struct sotto_table *table, size_t column, size_t row,
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
    struct sotto_column found = result_find(table, column, row, in_out);
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

bool opened_is_exact(enum sotto_kind kind)
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

enum sotto_status opened_ask_one(struct source_rows *out, struct source_session *session,
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
    return opened_ask_one(out, session, sql, columns_len, err);
}

void opened_write_alias(struct sotto_writer *writer, size_t column, size_t fact)
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
        status = opened_ask_one(&rows, session, &sql, 1, err);
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
        opened_write_alias(&sql, i, 0);
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
            opened_write_alias(&sql, i, 0);
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

/* Asks of the first row whether the types of columns are known: all rows have the same. */
static enum sotto_status ask_proofs(struct source_facts *opened, struct source_session *session,
                                    const struct source_request *request, struct sotto_error *err)
{
    struct source_rows rows = {0};
    struct sotto_writer sql;
    sotto_writer_init(&sql, SOURCE_REQUEST_BYTES_MAX);
    sql_write(&sql, "SELECT count(*)");
    for (size_t i = 0; i < opened->len; i++) {
        sql_write(&sql, ", min(CASE WHEN ");
        request->dialect->write_is_proved(&sql, opened->columns[i].name,
                                          opened->columns[i].type.kind);
        sql_write(&sql, " THEN 1 ELSE 0 END)");
        opened_write_alias(&sql, i, 0);
    }
    sql_write(&sql, " FROM (SELECT * FROM ");
    sql_write(&sql, request->from);
    sql_write(&sql, " LIMIT 1) AS t");
    sotto_write_u8(&sql, 0);
    enum sotto_status status = opened_ask_one(&rows, session, &sql, 1 + opened->len, err);
    for (size_t i = 0; status == SOTTO_OK && i < opened->len; i++) {
        opened->columns[i].is_proved = result_integer(rows.table, 1 + i, 0, &status) == 1;
    }
    source_rows_release(&rows);
    return status;
}

/* --- All of it --- */

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
    bool types_values = request->dialect->types_values;
    status = types_values ? ask_types(out, session, request, err)
                          : ask_scales(out, session, request, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = types_values ? SOTTO_OK : ask_proofs(out, session, request, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = opened_ask_facts(out, session, request, err);
    for (size_t i = 0; status == SOTTO_OK && i < out->len; i++) {
        bool is_known = out->columns[i].is_proved && out->columns[i].present > 0;
        if (types_values && !is_known) {
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
