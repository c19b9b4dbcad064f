/* SPDX-License-Identifier: Apache-2.0 */

/* The words for a source of rows, checked. The idea: what a file of configuration holds is read by
 * many (backups, repositories, colleagues), so no password may stand in it; and all that can be
 * wrong in a file is said when the file is read, and not when somebody asks for rows. */

#include "config/source_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const prefixes[SOURCE_KINDS_LEN] = {
    [SOURCE_SQLITE] = "sqlite:", [SOURCE_DUCKDB] = "duckdb:", [SOURCE_POSTGRESQL] = "postgresql:",
    [SOURCE_PARQUET] = "",       [SOURCE_ARROW] = "",
};

const char *source_kind_prefix(enum source_kind kind)
{
    return prefixes[kind];
}

/* Names of files end so. */
static const struct {
    const char *end;
    enum source_kind kind;
} ends[] = {
    {".parquet", SOURCE_PARQUET},
    {".arrow", SOURCE_ARROW},
    {".arrows", SOURCE_ARROW}, /* a stream */
    {".feather", SOURCE_ARROW},
};

enum source_kind source_kind_find(const char *uri)
{
    size_t bytes = strlen(uri);
    for (size_t i = 0; i < SOURCE_PARQUET; i++) {
        if (strncmp(uri, prefixes[i], strlen(prefixes[i])) == 0) {
            return (enum source_kind)i;
        }
    }
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t end_bytes = strlen(ends[i].end);
        if (bytes > end_bytes && strcmp(uri + bytes - end_bytes, ends[i].end) == 0) {
            return ends[i].kind;
        }
    }
    return SOURCE_KINDS_LEN;
}

bool source_kind_is_files(enum source_kind kind)
{
    return kind == SOURCE_PARQUET || kind == SOURCE_ARROW;
}

/* Whether a URI has a password, or a parameter that holds one. */
static bool has_password(const char *uri)
{
    const char *authority = strstr(uri, "//");
    const char *query = strchr(uri, '?');
    if (authority != NULL && (query == NULL || authority < query)) {
        const char *at = strchr(authority, '@');
        const char *colon = strchr(authority, ':');
        if (at != NULL && colon != NULL && colon < at) {
            return true;
        }
    }
    return query != NULL && strstr(query, "password=") != NULL;
}

static enum sotto_status refuse(const char **out_wrong, const char *key, struct sotto_error *err,
                                const char *expected)
{
    *out_wrong = key;
    return sotto_error_set(err, SOTTO_ERROR_INPUT, "expected %s", expected);
}

static enum sotto_status check_uri(const struct source_words *words, const char **out_wrong,
                                   struct sotto_error *err)
{
    if ((words->uri == NULL) == (words->uri_file == NULL)) {
        return refuse(out_wrong, "uri", err, "uri or uri_file, one of them");
    }
    if (words->uri == NULL) {
        return SOTTO_OK;
    }
    if (source_kind_find(words->uri) == SOURCE_KINDS_LEN) {
        return refuse(out_wrong, "uri", err,
                      "sqlite:FILE, duckdb:FILE, postgresql://USER@HOST/DATABASE, FILE.parquet or "
                      "FILE.arrow");
    }
    return has_password(words->uri)
               ? refuse(out_wrong, "uri", err,
                        "no password: put the whole URI into a file of mode 600, and name it as "
                        "uri_file")
               : SOTTO_OK;
}

static enum sotto_status check_rows(const struct source_words *words, const char **out_wrong,
                                    struct sotto_error *err)
{
    enum source_kind kind = words->uri != NULL ? source_kind_find(words->uri) : SOURCE_KINDS_LEN;
    bool is_files = source_kind_is_files(kind);
    if ((kind == SOURCE_ARROW) != (words->adbc == NULL)) {
        return refuse(out_wrong, "adbc", err,
                      words->adbc == NULL ? "the path of the driver"
                                          : "no driver beside Arrow files, which need none");
    }
    if (kind == SOURCE_ARROW && words->options_count > 0) {
        return refuse(out_wrong, "options", err, "none beside Arrow files, which have no driver");
    }
    if (is_files && (words->table != NULL || words->query != NULL)) {
        return refuse(out_wrong, words->table != NULL ? "table" : "query", err,
                      "neither table nor query beside Parquet or Arrow files");
    }
    if (!is_files && (words->table == NULL) == (words->query == NULL)) {
        return refuse(out_wrong, "table", err, "table or query, one of them");
    }
    if (words->query != NULL) {
        size_t bytes = strlen(words->query);
        while (bytes > 0 && strchr(" \t\r\n", words->query[bytes - 1]) != NULL) {
            bytes--;
        }
        if (bytes == 0 || words->query[bytes - 1] == ';') {
            return refuse(out_wrong, "query", err, "one SELECT without a semicolon behind it");
        }
    }
    return SOTTO_OK;
}

enum sotto_status source_words_check(const struct source_words *words, const char **out_wrong,
                                     struct sotto_error *err)
{
    enum sotto_status status = check_uri(words, out_wrong, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_rows(words, out_wrong, err);
    for (unsigned i = 0; status == SOTTO_OK && i < words->options_count; i++) {
        const char *option = words->options[i];
        const char *equals = strchr(option, '=');
        if (equals == NULL || equals == option) {
            status = refuse(out_wrong, "options", err, "texts KEY=VALUE");
        } else if (strstr(option, "password") != NULL && strstr(option, "password") < equals) {
            status = refuse(out_wrong, "options", err, "no password: it belongs into uri_file");
        }
    }
    return status;
}

static bool is_credential(const char *path)
{
    return strncmp(path, SOURCE_CREDENTIALS, strlen(SOURCE_CREDENTIALS)) == 0;
}

bool source_words_are_there(const struct source_words *words)
{
    bool has_uri = words->uri_file == NULL || is_credential(words->uri_file) ||
                   access(words->uri_file, R_OK) == 0;
    return has_uri && (words->adbc == NULL || access(words->adbc, R_OK) == 0);
}

bool path_resolve(char **path, const char *config_path)
{
    const char *slash = strrchr(config_path, '/');
    if (*path == NULL || (*path)[0] == '/' || slash == NULL) {
        return true;
    }
    size_t folder_bytes = (size_t)(slash - config_path) + 1;
    size_t path_bytes = strlen(*path) + 1;
    char *joined = malloc(folder_bytes + path_bytes);
    if (joined == NULL) {
        return false;
    }
    memcpy(joined, config_path, folder_bytes);
    memcpy(joined + folder_bytes, *path, path_bytes);
    free(*path);
    *path = joined;
    return true;
}

bool source_words_resolve(struct source_words *words, const char *config_path)
{
    bool is_path = words->uri_file == NULL || !is_credential(words->uri_file);
    enum source_kind kind = words->uri != NULL ? source_kind_find(words->uri) : SOURCE_KINDS_LEN;
    if (!path_resolve(&words->adbc, config_path) ||
        (is_path && !path_resolve(&words->uri_file, config_path))) {
        return false;
    }
    if (kind == SOURCE_KINDS_LEN || kind == SOURCE_POSTGRESQL) {
        return true;
    }
    const char *prefix = prefixes[kind];
    char *path = strdup(words->uri + strlen(prefix));
    if (path == NULL || !path_resolve(&path, config_path)) {
        free(path);
        return false;
    }
    size_t bytes = strlen(prefix) + strlen(path) + 1;
    char *uri = malloc(bytes);
    if (uri != NULL) {
        (void)snprintf(uri, bytes, "%s%s", prefix, path);
        free(words->uri);
        words->uri = uri;
    }
    free(path);
    return uri != NULL;
}
