/* SPDX-License-Identifier: Apache-2.0 */

/* The worker: it reads one relation through one driver, and ends. Leans on driver.c, columns.c and
 * the parcels of dataset.
 *
 * What it must not be able to do is mostly done before it runs (rows.c): it has no environment, no
 * arguments, no descriptor but three. It itself gives up what it does not need before the driver is
 * loaded (confine.c). From then on this process belongs to the driver, and nothing here is believed
 * outside. */

#include "source/arrow_files.h"
#include "source/columns.h"
#include "source/confine.h"
#include "source/driver.h"

#include <errno.h>
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- Sending --- */

/* Writes what is appended to the pipe, and empties the writer. */
static enum sotto_status flush(struct sotto_writer *writer, struct sotto_error *err)
{
    enum sotto_status status = sotto_writer_status(writer);
    for (size_t at = 0; status == SOTTO_OK && at < writer->data_bytes;) {
        ssize_t bytes = write(SOURCE_PARCELS_FD, writer->data + at, writer->data_bytes - at);
        if (bytes < 0 && errno != EINTR) {
            status = sotto_error_set(err, SOTTO_ERROR_IO, "the pipe: %s", strerror(errno));
        }
        at += bytes > 0 ? (size_t)bytes : 0;
    }
    writer->data_bytes = 0;
    return status;
}

/* --- Columns --- */

/* The columns of a relation, in its order. */
struct relation {
    struct sotto_parcel_column *columns;
    size_t len;
    char **names; /* the columns' */
};

static void relation_release(struct relation *relation)
{
    for (size_t i = 0; relation->names != NULL && i < relation->len; i++) {
        sotto_free(relation->names[i]);
    }
    sotto_free(relation->names);
    sotto_free(relation->columns);
}

static bool is_wanted(const struct source_request *request, const char *name)
{
    bool found = false;
    for (size_t i = 0; !found && i < request->names_len; i++) {
        found = strcmp(request->names[i], name) == 0;
    }
    return found != request->is_all;
}

/* Copies a schema's columns; those that nobody wants are hidden. */
static enum sotto_status find_columns(struct relation *out, const struct ArrowSchema *schema,
                                      const struct source_request *request, struct sotto_error *err)
{
    if (schema->n_children < 0 || schema->n_children > SOTTO_CSV_COLUMNS_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT, "expected at most %d columns, found more",
                               SOTTO_CSV_COLUMNS_MAX);
    }
    out->columns = sotto_alloc_array((size_t)schema->n_children, sizeof *out->columns);
    out->names = sotto_alloc_array((size_t)schema->n_children, sizeof *out->names);
    if (out->columns == NULL || out->names == NULL) {
        return sotto_error_no_memory(err);
    }
    for (; out->len < (size_t)schema->n_children; out->len++) {
        struct sotto_parcel_column column = source_column_find(schema->children[out->len]);
        char *name = sotto_text_copy(column.name, strlen(column.name));
        if (name == NULL) {
            return sotto_error_no_memory(err);
        }
        out->names[out->len] = name;
        column.name = name;
        column.hidden = column.hidden == NULL && !is_wanted(request, name) ? "" : column.hidden;
        out->columns[out->len] = column;
    }
    return SOTTO_OK;
}

static enum sotto_status stream_failed(struct ArrowArrayStream *stream, struct sotto_error *err)
{
    const char *text = stream->get_last_error != NULL ? stream->get_last_error(stream) : NULL;
    return sotto_error_set(err, SOTTO_ERROR_IO, "reading rows: %s",
                           text != NULL ? text : "the driver does not say why it failed");
}

/* Asks what a query gives. Ownership: *out is ended by relation_release, also on failure. */
static enum sotto_status find_relation(struct relation *out, struct ArrowArrayStream *stream,
                                       const struct source_request *request,
                                       struct sotto_error *err)
{
    struct ArrowSchema schema = {0};
    if (stream->get_schema(stream, &schema) != 0) {
        return stream_failed(stream, err);
    }
    enum sotto_status status = find_columns(out, &schema, request, err);
    if (schema.release != NULL) {
        schema.release(&schema);
    }
    return status;
}

/* --- SQL --- */

static void write_text(struct sotto_writer *writer, const char *text)
{
    sotto_write_bytes(writer, text, strlen(text));
}

static void write_column(struct sotto_writer *writer, const struct sotto_parcel_column *column,
                         const char *integer)
{
    bool is_cast = integer[0] != '\0' && column->type.kind == SOTTO_KIND_INT64;
    write_text(writer, is_cast ? "CAST(" : "");
    sql_write_quoted(writer, column->name, '"');
    if (is_cast) {
        write_text(writer, " AS ");
        write_text(writer, integer);
        write_text(writer, ") AS ");
        sql_write_quoted(writer, column->name, '"');
    }
}

/* SELECT of the columns that are read, or of all and no row, to see which there are. */
static void write_select(struct sotto_writer *writer, const struct relation *relation,
                         const struct source_request *request)
{
    size_t wanted = 0;
    write_text(writer, "SELECT ");
    for (size_t i = 0; relation != NULL && i < relation->len; i++) {
        if (relation->columns[i].hidden == NULL) {
            write_text(writer, wanted++ > 0 ? ", " : "");
            write_column(writer, &relation->columns[i], request->integer);
        }
    }
    if (wanted == 0) { /* rows still count */
        write_text(writer, relation == NULL ? "*" : "NULL AS x");
    }
    write_text(writer, " FROM ");
    write_text(writer, request->from);
    write_text(writer, relation == NULL ? " LIMIT 0" : "");
    sotto_write_u8(writer, 0);
}

static enum sotto_status run_select(struct ArrowArrayStream *out, struct source_driver *driver,
                                    const struct relation *relation,
                                    const struct source_request *request, struct sotto_error *err)
{
    struct sotto_writer sql;
    sotto_writer_init(&sql, SIZE_MAX);
    write_select(&sql, relation, request);
    enum sotto_status status = sotto_writer_status(&sql) == SOTTO_OK
                                   ? driver_query(out, driver, (const char *)sql.data, err)
                                   : sotto_error_no_memory(err);
    sotto_writer_release(&sql);
    return status;
}

/* --- Rows --- */

/* Rows on their way: columns are those of the result that has them. */
struct shipping {
    struct sotto_writer writer;
    struct ArrowSchema schema;
    struct relation relation; /* of the result: what is hidden now is no type of Sotto's */
    struct sotto_column *values;
    struct ArrowSchema **schemas; /* of the columns that are imported */
    struct ArrowArray **arrays;   /* of them, in a batch */
    uint64_t rows;
};

static void shipping_release(struct shipping *shipping)
{
    if (shipping->schema.release != NULL) {
        shipping->schema.release(&shipping->schema);
    }
    relation_release(&shipping->relation);
    sotto_free(shipping->values);
    sotto_free(shipping->schemas);
    sotto_free(shipping->arrays);
    sotto_writer_release(&shipping->writer);
}

/* What is lent to an import stays whose it is. */
static void release_lent_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_lent_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static enum sotto_status send_table(struct shipping *shipping, const struct sotto_table *table,
                                    struct sotto_error *err)
{
    const struct relation *relation = &shipping->relation;
    size_t rows = sotto_table_rows(table);
    for (size_t i = 0, at = 0; i < relation->len; i++) {
        if (relation->columns[i].hidden == NULL) {
            shipping->values[i] = sotto_table_column(table, at++);
        }
    }
    for (size_t at = 0; at < rows;) {
        size_t some = rows - at;
        enum sotto_status status = sotto_parcel_write_rows(
            &shipping->writer, &some, relation->columns, shipping->values, relation->len, at, err);
        if (status != SOTTO_OK) {
            return status;
        }
        status = flush(&shipping->writer, err);
        if (status != SOTTO_OK) {
            return status;
        }
        at += some;
    }
    shipping->rows += rows;
    return SOTTO_OK;
}

/* Imports those columns of a batch that have a type, and sends them. */
static enum sotto_status send_batch(struct shipping *shipping, const struct ArrowArray *batch,
                                    struct sotto_error *err)
{
    struct sotto_table *table = NULL;
    struct ArrowSchema schema = shipping->schema;
    struct ArrowArray array = *batch;
    size_t len = 0;
    if (batch->n_children != shipping->schema.n_children) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "the driver sends other columns than it says");
    }
    for (size_t i = 0; i < shipping->relation.len; i++) {
        if (shipping->relation.columns[i].hidden == NULL) {
            shipping->schemas[len] = shipping->schema.children[i];
            shipping->arrays[len++] = batch->children[i];
        }
    }
    schema.children = shipping->schemas;
    schema.n_children = array.n_children = (int64_t)len;
    schema.release = release_lent_schema;
    array.children = shipping->arrays;
    array.release = release_lent_array;
    enum sotto_status status = sotto_arrow_import(&table, &schema, &array, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = send_table(shipping, table, err);
    sotto_table_free(table);
    return status;
}

static enum sotto_status send_batches(struct shipping *shipping, struct ArrowArrayStream *stream,
                                      struct sotto_error *err)
{
    for (;;) {
        struct ArrowArray batch = {0};
        if (stream->get_next(stream, &batch) != 0) {
            return stream_failed(stream, err);
        }
        if (batch.release == NULL) {
            return SOTTO_OK;
        }
        enum sotto_status status = send_batch(shipping, &batch, err);
        batch.release(&batch);
        if (status != SOTTO_OK) {
            return status;
        }
    }
}

static size_t count_read(const struct relation *relation)
{
    size_t len = 0;
    for (size_t i = 0; i < relation->len; i++) {
        len += relation->columns[i].hidden == NULL;
    }
    return len;
}

/* The first parcel: the relation's columns, those that are read with the types of the result, which
 * has them in the same order. A driver may know types only now: SQLite's looks at the values. */
static enum sotto_status send_columns(struct shipping *shipping, struct relation *relation,
                                      struct sotto_error *err)
{
    struct relation *result = &shipping->relation;
    size_t found = 0;
    if (count_read(relation) == 0 && result->len == 1) { /* NULL AS x, for the rows to count */
        result->columns[0].hidden = "";
    } else if (count_read(relation) != result->len) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "the driver sends other columns than were selected");
    }
    for (size_t i = 0; i < relation->len; i++) {
        if (relation->columns[i].hidden == NULL) {
            const char *name = relation->columns[i].name;
            relation->columns[i] = result->columns[found++];
            relation->columns[i].name = name;
        }
    }
    sotto_parcel_write_columns(&shipping->writer, relation->columns, relation->len);
    return flush(&shipping->writer, err);
}

static enum sotto_status prepare_shipping(struct shipping *shipping,
                                          struct ArrowArrayStream *stream, struct sotto_error *err)
{
    const struct source_request all = {.is_all = true};
    if (stream->get_schema(stream, &shipping->schema) != 0) {
        return stream_failed(stream, err);
    }
    enum sotto_status status = find_columns(&shipping->relation, &shipping->schema, &all, err);
    if (status != SOTTO_OK) {
        return status;
    }
    shipping->values = sotto_alloc_array(shipping->relation.len, sizeof *shipping->values);
    shipping->schemas = sotto_alloc_array(shipping->relation.len, sizeof *shipping->schemas);
    shipping->arrays = sotto_alloc_array(shipping->relation.len, sizeof *shipping->arrays);
    return shipping->values != NULL && shipping->schemas != NULL && shipping->arrays != NULL
               ? SOTTO_OK
               : sotto_error_no_memory(err);
}

/* All parcels of a result but the last. */
static enum sotto_status ship(struct shipping *shipping, struct relation *relation,
                              struct ArrowArrayStream *stream, struct sotto_error *err)
{
    enum sotto_status status = prepare_shipping(shipping, stream, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = send_columns(shipping, relation, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return send_batches(shipping, stream, err);
}

/* --- Sessions --- */

static bool read_bytes(void *out, size_t bytes)
{
    size_t at = 0;
    while (at < bytes) {
        ssize_t got = read(SOURCE_COMMANDS_FD, (uint8_t *)out + at, bytes - at);
        if (got <= 0 && !(got < 0 && errno == EINTR)) {
            return false;
        }
        at += got > 0 ? (size_t)got : 0;
    }
    return true;
}

/* Reads what is asked next. Returns: NULL where nobody asks any more. */
static char *read_command(void)
{
    uint8_t head[4];
    struct sotto_reader reader;
    if (!read_bytes(head, sizeof head)) {
        return NULL;
    }
    sotto_reader_init(&reader, head, sizeof head);
    size_t bytes = sotto_read_u32(&reader);
    char *text = bytes <= SOURCE_REQUEST_BYTES_MAX ? sotto_alloc(bytes + 1) : NULL;
    if (text == NULL || !read_bytes(text, bytes)) {
        sotto_free(text);
        return NULL;
    }
    text[bytes] = '\0';
    return text;
}

/* Answers with the result of SQL; "": the rows that are wanted. */
static enum sotto_status answer(struct source_driver *driver, const struct source_request *request,
                                struct relation *relation, const char *sql, struct sotto_error *err)
{
    static const struct source_request all = {.is_all = true};
    struct shipping shipping = {0};
    struct relation result = {0};
    struct ArrowArrayStream stream = {0};
    bool are_rows = sql[0] == '\0';
    sotto_writer_init(&shipping.writer, SIZE_MAX);
    enum sotto_status status = are_rows ? run_select(&stream, driver, relation, request, err)
                                        : driver_query(&stream, driver, sql, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (!are_rows) {
        status = find_relation(&result, &stream, &all, err);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    status = ship(&shipping, are_rows ? relation : &result, &stream, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    sotto_parcel_write_end(&shipping.writer, shipping.rows);
    status = flush(&shipping.writer, err);
out:
    relation_release(&result);
    shipping_release(&shipping);
    if (stream.release != NULL) {
        stream.release(&stream);
    }
    return status;
}

/* Says which columns there are, then answers until nobody asks any more, or one fails: after that
 * nobody could tell what of an answer came. */
static enum sotto_status serve(struct source_driver *driver, const struct source_request *request,
                               struct shipping *shipping, struct relation *relation,
                               struct sotto_error *err)
{
    sotto_parcel_write_columns(&shipping->writer, relation->columns, relation->len);
    sotto_parcel_write_end(&shipping->writer, 0);
    enum sotto_status status = flush(&shipping->writer, err);
    char *command = status == SOTTO_OK ? read_command() : NULL;
    while (command != NULL) {
        status = answer(driver, request, relation, command, err);
        sotto_free(command);
        command = status == SOTTO_OK ? read_command() : NULL;
    }
    return status;
}

/* --- All of it --- */

/* Opens Arrow files for the columns of a relation that are read. Ownership: *out borrows from the
 * relation. */
static enum sotto_status open_wanted(struct ArrowArrayStream *out, const struct relation *relation,
                                     const struct source_request *request, struct sotto_error *err)
{
    const char **names = sotto_alloc_array(relation->len + 1, sizeof *names);
    size_t len = 0;
    if (names == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < relation->len; i++) {
        if (relation->columns[i].hidden == NULL) {
            names[len++] = relation->columns[i].name;
        }
    }
    enum sotto_status status = arrow_files_open(out, request->from, names, len, false, err);
    sotto_free(names);
    return status;
}

/* Reads Arrow files, for which there is no driver: first what their columns are. */
static enum sotto_status read_arrow(const struct source_request *request, struct shipping *shipping,
                                    struct relation *relation, struct sotto_error *err)
{
    struct ArrowArrayStream stream = {0};
    enum sotto_status status = arrow_files_open(&stream, request->from, NULL, 0, true, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = find_relation(relation, &stream, request, err);
    stream.release(&stream);
    if (status != SOTTO_OK) {
        return status;
    }
    status = open_wanted(&stream, relation, request, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = ship(shipping, relation, &stream, err);
    stream.release(&stream);
    return status;
}

static enum sotto_status read_relation(const struct source_request *request,
                                       struct shipping *shipping, struct relation *relation,
                                       struct sotto_error *err)
{
    struct source_driver driver;
    struct ArrowArrayStream stream = {0};
    if (request->driver[0] == '\0') {
        return read_arrow(request, shipping, relation, err);
    }
    enum sotto_status status = driver_connect(&driver, request, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (request->first[0] != '\0') {
        status = driver_query(NULL, &driver, request->first, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    status = run_select(&stream, &driver, NULL, request, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = find_relation(relation, &stream, request, err);
    stream.release(&stream);
    if (status != SOTTO_OK) {
        return status;
    }
    if (request->is_session) {
        return serve(&driver, request, shipping, relation, err);
    }
    status = run_select(&stream, &driver, relation, request, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return ship(shipping, relation, &stream, err);
}

/* The request, from a file whose size is known. */
static enum sotto_status read_request(struct source_asked *out, struct sotto_error *err)
{
    struct stat info;
    if (fstat(SOURCE_REQUEST_FD, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size < 0 ||
        info.st_size > (off_t)SOURCE_REQUEST_BYTES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected to be started by the program sotto");
    }
    size_t bytes = (size_t)info.st_size;
    uint8_t *data = sotto_alloc(bytes);
    if (data == NULL) {
        return sotto_error_no_memory(err);
    }
    ssize_t got = pread(SOURCE_REQUEST_FD, data, bytes, 0);
    enum sotto_status status =
        source_request_read(out, data, got == (ssize_t)bytes ? bytes : 0, err);
    sotto_wipe(data, bytes);
    sotto_free(data);
    return status;
}

bool source_work(void)
{
    struct sotto_error err = {0};
    struct source_asked asked = {0};
    struct shipping shipping = {0};
    struct relation relation = {0};
    bool is_over = false; /* a session, whose last answer is sent */
    sotto_writer_init(&shipping.writer, SIZE_MAX);
    enum sotto_status status = source_confine(&err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = read_request(&asked, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = read_relation(&asked.request, &shipping, &relation, &err);
out:
    is_over = status == SOTTO_OK && asked.request.is_session;
    if (status == SOTTO_OK && !is_over) {
        sotto_parcel_write_end(&shipping.writer, shipping.rows);
    } else if (!is_over) {
        sotto_parcel_write_failure(&shipping.writer, status, err.text);
    }
    bool is_sent = flush(&shipping.writer, NULL) == SOTTO_OK;
    relation_release(&relation);
    shipping_release(&shipping);
    source_asked_release(&asked);
    return is_sent;
}
