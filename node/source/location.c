/* SPDX-License-Identifier: Apache-2.0 */

/* Locations of rows. The idea: a row of a table for each kind of database says all that is known of
 * it; rows are only ever read, so each is opened such that it refuses to write. */

#include "source/location.h"

#include "config/keys.h"
#include "source/dialect.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define PATTERN "*?["
#define URI_BYTES_MAX 4096

struct location_kind {
    const char *variable; /* of the environment: where its driver is; NULL: there is none */
    const char *entry;
    const char *driver; /* how to get it */
    const char *form;   /* of a location, for errors */
    enum sotto_status (*open)(struct source_location *location, const char *where,
                              struct sotto_error *err);
};

/* --- Parts --- */

/* Keeps a text of bytes bytes; NULL is no memory. */
static const char *keep(struct source_location *location, const char *text, size_t bytes)
{
    SOTTO_REQUIRE(location->texts_len < sizeof location->texts / sizeof location->texts[0]);
    char *copy = sotto_text_copy(text, bytes);
    if (copy != NULL) {
        location->texts[location->texts_len++] = copy;
    }
    return copy;
}

/* Keeps what was written, and ends the writer. */
static const char *keep_written(struct source_location *location, struct sotto_writer *writer)
{
    const char *out = sotto_writer_status(writer) == SOTTO_OK
                          ? keep(location, (const char *)writer->data, writer->data_bytes)
                          : NULL;
    sotto_writer_release(writer);
    return out;
}

static void write_plain(struct sotto_writer *writer, const char *text)
{
    sotto_write_bytes(writer, text, strlen(text));
}

static void add_option(struct source_location *location, const char *key, const char *value)
{
    location->request.options[location->request.options_len++] =
        (struct source_option){.key = key, .value = value};
}

static bool has_pattern(const char *path)
{
    return strpbrk(path, PATTERN) != NULL;
}

/* Appends the path from the root, as a worker knows no other. Returns: SOTTO_ERROR_NOT_FOUND where
 * there is no such file, unless it is a pattern. */
static enum sotto_status write_path(struct sotto_writer *writer, const char *path,
                                    struct sotto_error *err)
{
    char folder[4096];
    if (!has_pattern(path) && access(path, R_OK) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND, "'%s': there is no such file to read",
                               path);
    }
    if (path[0] != '/') {
        if (getcwd(folder, sizeof folder) == NULL) {
            return sotto_error_set(err, SOTTO_ERROR_IO, "the current folder has no path");
        }
        write_plain(writer, folder);
        sotto_write_u8(writer, '/');
    }
    write_plain(writer, path);
    return sotto_writer_status(writer) == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
}

/* Keeps the path of a file from the root (write_path). */
static enum sotto_status keep_path(struct source_location *location, const char **out,
                                   const char *path, struct sotto_error *err)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOURCE_TEXT_BYTES_MAX);
    enum sotto_status status = write_path(&writer, path, err);
    if (status != SOTTO_OK) {
        sotto_writer_release(&writer);
        return status;
    }
    *out = keep_written(location, &writer);
    return *out != NULL ? SOTTO_OK : sotto_error_no_memory(err);
}

/* Whether each % is followed by the two digits that libpq wants, which are not 00. */
static bool is_percent_encoded(const char *text)
{
    const char *digits = "0123456789abcdefABCDEF";
    while ((text = strchr(text, '%')) != NULL) {
        text++;
        if (strspn(text, digits) < 2 || strncmp(text, "00", 2) == 0) {
            return false;
        }
    }
    return true;
}

/* Whether the last '#' is one of a password, as what names the user ends behind it. */
static bool is_cut_in_authority(const char *where, const char *hash)
{
    return strncmp(where, "//", 2) == 0 && memchr(where, '@', (size_t)(hash - where)) == NULL &&
           strcspn(where + 2, "/?") > (size_t)(hash - where - 2) && strchr(hash, '@') != NULL;
}

static enum sotto_status refuse_password(struct sotto_error *err)
{
    return sotto_error_set(
        err, SOTTO_ERROR_INPUT,
        "expected postgresql://USER:PASSWORD@HOST/DATABASE#TABLE, in which @ : / ? # "
        "%% of a password are written %%40 %%3A %%2F %%3F %%23 %%25");
}

/* What stands before the last '#', and the table behind it as SQL. */
static enum sotto_status split_table(struct source_location *location, const char **out_where,
                                     const char *where, const char *form, struct sotto_error *err)
{
    const char *hash = strrchr(where, '#');
    if (hash == NULL || hash == where || hash[1] == '\0') {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "expected %s", form);
    }
    if (is_cut_in_authority(where, hash)) {
        return refuse_password(err);
    }
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOURCE_TEXT_BYTES_MAX);
    enum sotto_status status = sql_write_name(&writer, hash + 1, err);
    if (status != SOTTO_OK) {
        sotto_writer_release(&writer);
        return status;
    }
    location->request.from = keep_written(location, &writer);
    *out_where = keep(location, where, (size_t)(hash - where));
    return location->request.from != NULL && *out_where != NULL ? SOTTO_OK
                                                                : sotto_error_no_memory(err);
}

/* --- Kinds --- */

static enum sotto_status open_sqlite(struct source_location *location, const char *where,
                                     struct sotto_error *err)
{
    struct sotto_writer path;
    struct sotto_writer uri;
    sotto_writer_init(&path, SOURCE_TEXT_BYTES_MAX);
    sotto_writer_init(&uri, SOURCE_TEXT_BYTES_MAX);
    enum sotto_status status = write_path(&path, where, err);
    if (status != SOTTO_OK) {
        sotto_writer_release(&path);
        return status;
    }
    write_plain(&uri, "file:");
    for (size_t i = 0; i < path.data_bytes; i++) {
        char byte[4];
        bool is_special = strchr("?#%", path.data[i]) != NULL;
        (void)snprintf(byte, sizeof byte, is_special ? "%%%02X" : "%c", path.data[i]);
        write_plain(&uri, byte);
    }
    write_plain(&uri, "?mode=ro");
    sotto_writer_release(&path);
    const char *text = keep_written(location, &uri);
    if (text == NULL) {
        return sotto_error_no_memory(err);
    }
    add_option(location, "uri", text);
    location->request.dialect = &dialect_sqlite;
    /* The driver takes a column's type from the rows that come first, 1,024 if nobody says more. */
    location->request.batch = "adbc.sqlite.query.batch_rows";
    return SOTTO_OK;
}

/* What DuckDB must not do by itself, with a file or without one. */
static void restrict_duckdb(struct source_location *location)
{
    add_option(location, "autoinstall_known_extensions", "false");
    add_option(location, "autoload_known_extensions", "false");
    location->request.dialect = &dialect_duckdb;
}

static enum sotto_status open_duckdb(struct source_location *location, const char *where,
                                     struct sotto_error *err)
{
    const char *text;
    enum sotto_status status = keep_path(location, &text, where, err);
    if (status != SOTTO_OK) {
        return status;
    }
    add_option(location, "path", text);
    add_option(location, "access_mode", "READ_ONLY");
    restrict_duckdb(location);
    return SOTTO_OK;
}

/* A pattern that is the name of a file can't say which of both it is. */
static enum sotto_status check_pattern(const char *where, struct sotto_error *err)
{
    return has_pattern(where) && access(where, F_OK) == 0
               ? sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "'%s': expected the name of a file without * ? [, which stand for "
                                 "other characters here: give it another name",
                                 where)
               : SOTTO_OK;
}

/* Parquet is read by a DuckDB without a file of its own. */
static enum sotto_status open_parquet(struct source_location *location, const char *where,
                                      struct sotto_error *err)
{
    struct sotto_writer path;
    struct sotto_writer from;
    sotto_writer_init(&path, SOURCE_TEXT_BYTES_MAX);
    sotto_writer_init(&from, SOURCE_TEXT_BYTES_MAX);
    enum sotto_status status = check_pattern(where, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (strstr(where, "**") != NULL || strchr(where, '[') != NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "'%s': expected a pattern of * and ? only, as which files ** and [ "
                               "stand for can't be looked at again: name each level of folders, as "
                               "in 'wages/*/*.parquet'",
                               where);
    }
    status = write_path(&path, where, err);
    if (status != SOTTO_OK) {
        sotto_writer_release(&path);
        return status;
    }
    sotto_write_u8(&path, 0);
    write_plain(&from, "read_parquet(");
    if (sotto_writer_status(&path) == SOTTO_OK) {
        sql_write_quoted(&from, (const char *)path.data, '\'');
        location->request.files =
            keep(location, (const char *)path.data, strlen((const char *)path.data));
    }
    write_plain(&from, ")");
    status = sotto_writer_status(&path);
    sotto_writer_release(&path);
    location->request.from = keep_written(location, &from);
    if (status != SOTTO_OK || location->request.from == NULL) {
        return sotto_error_no_memory(err);
    }
    restrict_duckdb(location);
    /* What the writer of a file says of its values is not what they are known to be: DuckDB would
     * answer by it, and leave out conditions. */
    add_option(location, "disabled_optimizers", "statistics_propagation");
    return SOTTO_OK;
}

/* Arrow files are read by the worker itself. No database is asked for sums. */
static enum sotto_status open_arrow(struct source_location *location, const char *where,
                                    struct sotto_error *err)
{
    enum sotto_status status = check_pattern(where, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return keep_path(location, &location->request.from, where, err);
}

/* A password with signs that a URI has a use for would make libpq take it apart wrongly, and show
 * pieces of it in an error. */
static enum sotto_status open_postgresql(struct source_location *location, const char *where,
                                         struct sotto_error *err)
{
    const char *authority = strncmp(where, "//", 2) == 0 ? where + 2 : NULL;
    size_t bytes = authority != NULL ? strcspn(authority, "/?") : 0;
    size_t ats = 0;
    size_t colons = 0; /* before the first @ */
    for (size_t i = 0; i < bytes; i++) {
        ats += authority[i] == '@';
        colons += authority[i] == ':' && ats == 0;
    }
    bool is_userinfo = ats > 0;
    const char *rest = authority != NULL ? authority + bytes : "";
    if (authority == NULL || ats > 1 || (is_userinfo && colons > 1) || strchr(rest, '@') != NULL ||
        !is_percent_encoded(where)) {
        return refuse_password(err);
    }
    struct sotto_writer uri;
    sotto_writer_init(&uri, SOURCE_TEXT_BYTES_MAX);
    write_plain(&uri, "postgresql:");
    write_plain(&uri, where);
    const char *text = keep_written(location, &uri);
    if (text == NULL) {
        return sotto_error_no_memory(err);
    }
    add_option(location, "uri", text);
    /* money comes as integers that are hundredths, and nothing says so: it can't be cast. */
    location->request.integer = "int8";
    location->request.first = "SET default_transaction_read_only = on";
    location->request.dialect = &dialect_postgresql;
    return SOTTO_OK;
}

#define DUCKDB_DRIVER                                                                              \
    "libduckdb.so of DuckDB: `npm pack @duckdb/node-bindings-linux-x64` has it, and "              \
    "duckdb.org"

static const struct location_kind kinds[SOURCE_KINDS_LEN] = {
    [SOURCE_SQLITE] = {"SOTTO_ADBC_SQLITE", "AdbcDriverInit",
                       "libadbc_driver_sqlite.so: `pip install adbc-driver-sqlite` has it",
                       "sqlite:FILE#TABLE", open_sqlite},
    [SOURCE_DUCKDB] = {"SOTTO_ADBC_DUCKDB", "duckdb_adbc_init", DUCKDB_DRIVER, "duckdb:FILE#TABLE",
                       open_duckdb},
    [SOURCE_POSTGRESQL] = {"SOTTO_ADBC_POSTGRESQL", "AdbcDriverInit",
                           "libadbc_driver_postgresql.so: `pip install adbc-driver-postgresql` has "
                           "it",
                           "postgresql://HOST/DATABASE#TABLE", open_postgresql},
    [SOURCE_PARQUET] = {"SOTTO_ADBC_DUCKDB", "duckdb_adbc_init", DUCKDB_DRIVER, "FILE.parquet",
                        open_parquet},
    [SOURCE_ARROW] = {NULL, "", NULL, "FILE.arrow", open_arrow},
};

/* --- Locations --- */

bool source_is_location(const char *text)
{
    return source_kind_find(text) != SOURCE_KINDS_LEN;
}

/* The last part of a path, where it ends at `bytes`. */
static size_t find_part(const char *text, size_t bytes)
{
    while (bytes > 0 && text[bytes - 1] != '/') {
        bytes--;
    }
    return bytes;
}

static void copy_part(char *out, const char *text, size_t part, size_t bytes)
{
    memcpy(out, text + part, bytes - part);
    out[bytes - part] = '\0';
}

void source_location_name(char *out, const char *text)
{
    size_t bytes = strlen(text);
    const char *hash = source_kind_is_files(source_kind_find(text)) ? NULL : strrchr(text, '#');
    if (hash != NULL) {
        const char *point = strrchr(hash, '.');
        copy_part(out, text, (size_t)((point != NULL ? point : hash) - text) + 1, bytes);
        return;
    }
    size_t part = find_part(text, bytes);
    while (part > 0 && strcspn(text + part, PATTERN) < bytes - part) {
        bytes = part - 1; /* in place of a pattern its folder */
        part = find_part(text, bytes);
    }
    copy_part(out, text, part, bytes);
}

enum sotto_status source_location_init(struct source_location *out, const char *text,
                                       const char *driver, struct sotto_error *err)
{
    enum source_kind known = source_kind_find(text);
    SOTTO_REQUIRE(known != SOURCE_KINDS_LEN);
    const struct location_kind *kind = &kinds[known];
    struct source_location location = {0};
    const char *where = text + strlen(source_kind_prefix(known));
    enum sotto_status status = SOTTO_OK;
    location.request.driver = "";
    location.request.entry = kind->entry;
    if (kind->variable == NULL) {
        status = kind->open(&location, where, err);
        goto out;
    }
    const char *path = driver != NULL ? driver : getenv(kind->variable);
    if (path == NULL || access(path, R_OK) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                               "%s%s: say by --driver or %s where its driver is: %s",
                               path != NULL ? "there is no driver at " : kind->form,
                               path != NULL ? path : "", kind->variable, kind->driver);
    }
    status = keep_path(&location, &location.request.driver, path, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (!source_kind_is_files(known)) {
        status = split_table(&location, &where, where, kind->form, err);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    status = kind->open(&location, where, err);
out:
    if (status != SOTTO_OK) {
        source_location_release(&location);
        return status;
    }
    *out = location;
    return SOTTO_OK;
}

/* --- Words --- */

/* What stands behind FROM. A line of a query may end with a comment. */
static enum sotto_status keep_from(struct source_location *location,
                                   const struct source_words *words, struct sotto_error *err)
{
    struct sotto_writer from;
    sotto_writer_init(&from, SOURCE_TEXT_BYTES_MAX);
    if (words->table != NULL) {
        enum sotto_status status = sql_write_name(&from, words->table, err);
        if (status != SOTTO_OK) {
            sotto_writer_release(&from);
            return status;
        }
    } else {
        write_plain(&from, "(");
        write_plain(&from, words->query);
        write_plain(&from, "\n) AS q");
    }
    location->request.from = keep_written(location, &from);
    return location->request.from != NULL ? SOTTO_OK : sotto_error_no_memory(err);
}

/* The owner's options, before those that are set here: a key that is here twice is refused. */
static enum sotto_status keep_options(struct source_location *location,
                                      const struct source_words *words, struct sotto_error *err)
{
    struct source_request *request = &location->request;
    size_t own_len = request->options_len;
    for (unsigned i = 0; i < words->options_count; i++) {
        const char *option = words->options[i];
        size_t bytes = strcspn(option, "=");
        for (size_t j = 0; j < own_len; j++) {
            const char *key = request->options[j].key;
            if (strlen(key) == bytes && strncasecmp(key, option, bytes) == 0) {
                return sotto_error_set(err, SOTTO_ERROR_INPUT,
                                       "options: expected others than %s, which is set already",
                                       key);
            }
        }
        SOTTO_REQUIRE(request->options_len < SOURCE_OPTIONS_MAX);
        const char *key = keep(location, option, bytes);
        if (key == NULL) {
            return sotto_error_no_memory(err);
        }
        add_option(location, key, option + bytes + 1);
    }
    return SOTTO_OK;
}

/* Reads the URI of a PostgreSQL server from a file: others have nothing to keep secret. */
static enum sotto_status read_uri(struct source_location *location, const char *path,
                                  struct sotto_error *err)
{
    char text[URI_BYTES_MAX];
    char whole[4096];
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    bool is_credential = strncmp(path, SOURCE_CREDENTIALS, strlen(SOURCE_CREDENTIALS)) == 0;
    if (is_credential && folder == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                               "uri_file: expected a start by systemd with LoadCredential=, as "
                               "%s is a credential",
                               path);
    }
    if (is_credential) {
        (void)snprintf(whole, sizeof whole, "%.2000s/%.2000s", folder,
                       path + strlen(SOURCE_CREDENTIALS));
        path = whole;
    }
    enum sotto_status status = secret_file_read(path, text, sizeof text, is_credential, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (source_kind_find(text) != SOURCE_POSTGRESQL) {
        status = sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "%s: expected postgresql://USER:PASSWORD@HOST/DATABASE in its "
                                 "first line; other URIs stand in node.yaml",
                                 path);
        goto out;
    }
    location->secret = keep(location, text, strlen(text));
    status = location->secret != NULL ? SOTTO_OK : sotto_error_no_memory(err);
out:
    sotto_wipe(text, sizeof text);
    return status;
}

static enum sotto_status open_words(struct source_location *location,
                                    const struct source_words *words, struct sotto_error *err)
{
    const char *uri = words->uri;
    if (uri == NULL) {
        enum sotto_status status = read_uri(location, words->uri_file, err);
        if (status != SOTTO_OK) {
            return status;
        }
        uri = location->secret;
    }
    enum source_kind kind = source_kind_find(uri);
    location->request.driver = "";
    location->request.entry = kinds[kind].entry;
    enum sotto_status status =
        kinds[kind].variable != NULL
            ? keep_path(location, &location->request.driver, words->adbc, err)
            : SOTTO_OK;
    if (status != SOTTO_OK) {
        return status;
    }
    status = !source_kind_is_files(kind) ? keep_from(location, words, err) : SOTTO_OK;
    if (status != SOTTO_OK) {
        return status;
    }
    status = kinds[kind].open(location, uri + strlen(source_kind_prefix(kind)), err);
    if (status != SOTTO_OK) {
        return status;
    }
    return keep_options(location, words, err);
}

enum sotto_status source_location_open(struct source_location *out,
                                       const struct source_words *words, struct sotto_error *err)
{
    struct source_location location = {0};
    enum sotto_status status = open_words(&location, words, err);
    if (status != SOTTO_OK) {
        source_location_release(&location);
        return status;
    }
    *out = location;
    return SOTTO_OK;
}

void source_location_release(struct source_location *location)
{
    for (size_t i = 0; i < location->texts_len; i++) {
        sotto_wipe(location->texts[i], strlen(location->texts[i]));
        sotto_free(location->texts[i]);
    }
    *location = (struct source_location){0};
}
