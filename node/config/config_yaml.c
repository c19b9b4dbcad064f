/* SPDX-License-Identifier: Apache-2.0 */

/* node.yaml as a file: the table of its keys, read by libcyaml, and what is said of a key that is
 * wrong. The idea: libcyaml says what it missed and where it gave up; the file is searched once
 * more for the line that a person would look for. */

#include "config/config.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PEERS_MAX 1000
#define DATASETS_MAX 1000
#define COLUMNS_MAX 10000
#define NA_WORDS_MAX 1000
#define LEVELS_MAX 1000
#define OPTIONS_MAX 16
#define TEXT_BYTES_MAX 4096

#define TEXT_FIELD(key, flags, type, member)                                                       \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | (flags), type, member, 1, TEXT_BYTES_MAX)

static const cyaml_schema_field_t listener_fields[] = {
    TEXT_FIELD("listen", CYAML_FLAG_OPTIONAL, struct config_listener, listen),
    TEXT_FIELD("token_file", CYAML_FLAG_OPTIONAL, struct config_listener, token_file),
    TEXT_FIELD("tls_cert", CYAML_FLAG_OPTIONAL, struct config_listener, tls_cert),
    TEXT_FIELD("tls_key", CYAML_FLAG_OPTIONAL, struct config_listener, tls_key),
    TEXT_FIELD("url", CYAML_FLAG_OPTIONAL, struct config_listener, url),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t peer_fields[] = {
    TEXT_FIELD("name", CYAML_FLAG_DEFAULT, struct config_peer, name),
    TEXT_FIELD("key", CYAML_FLAG_DEFAULT, struct config_peer, key_text),
    TEXT_FIELD("url", CYAML_FLAG_OPTIONAL, struct config_peer, url),
    TEXT_FIELD("pin", CYAML_FLAG_OPTIONAL, struct config_peer, pin),
    TEXT_FIELD("ca", CYAML_FLAG_OPTIONAL, struct config_peer, ca),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t peer_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_peer, peer_fields),
};

static const cyaml_schema_value_t text_entry = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, TEXT_BYTES_MAX),
};

static const cyaml_schema_field_t columns_fields[] = {
    TEXT_FIELD("dataset", CYAML_FLAG_DEFAULT, struct config_columns, dataset),
    CYAML_FIELD_SEQUENCE("allow", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config_columns,
                         allow, &text_entry, 1, COLUMNS_MAX),
    CYAML_FIELD_SEQUENCE("hide", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config_columns,
                         hide, &text_entry, 1, COLUMNS_MAX),
    CYAML_FIELD_SEQUENCE("identifiers", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                         struct config_columns, identifiers, &text_entry, 1, COLUMNS_MAX),
    CYAML_FIELD_SEQUENCE("multiply", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                         struct config_columns, multiply, &text_entry, 1, COLUMNS_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t columns_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_columns, columns_fields),
};

static const cyaml_schema_field_t published_column_fields[] = {
    TEXT_FIELD("column", CYAML_FLAG_DEFAULT, struct config_published_column, column),
    TEXT_FIELD("description", CYAML_FLAG_OPTIONAL, struct config_published_column, description),
    TEXT_FIELD("unit", CYAML_FLAG_OPTIONAL, struct config_published_column, unit),
    CYAML_FIELD_SEQUENCE("levels", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                         struct config_published_column, levels, &text_entry, 1, LEVELS_MAX),
    CYAML_FIELD_SEQUENCE("range", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                         struct config_published_column, range, &text_entry, 2, 2),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t published_column_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_published_column,
                        published_column_fields),
};

static const cyaml_schema_field_t publish_fields[] = {
    TEXT_FIELD("dataset", CYAML_FLAG_DEFAULT, struct config_publish, dataset),
    TEXT_FIELD("description", CYAML_FLAG_OPTIONAL, struct config_publish, description),
    CYAML_FIELD_UINT_PTR("rows", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config_publish,
                         rows),
    TEXT_FIELD("types", CYAML_FLAG_OPTIONAL, struct config_publish, types),
    CYAML_FIELD_SEQUENCE("columns", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config_publish,
                         columns, &published_column_entry, 1, COLUMNS_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t publish_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_publish, publish_fields),
};

static const cyaml_schema_value_t any_text_entry = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, 4096),
};

static const cyaml_schema_field_t source_fields[] = {
    TEXT_FIELD("adbc", CYAML_FLAG_OPTIONAL, struct source_words, adbc),
    TEXT_FIELD("uri", CYAML_FLAG_OPTIONAL, struct source_words, uri),
    TEXT_FIELD("uri_file", CYAML_FLAG_OPTIONAL, struct source_words, uri_file),
    TEXT_FIELD("table", CYAML_FLAG_OPTIONAL, struct source_words, table),
    TEXT_FIELD("query", CYAML_FLAG_OPTIONAL, struct source_words, query),
    CYAML_FIELD_SEQUENCE("options", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct source_words,
                         options, &text_entry, 1, OPTIONS_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t words_fields[] = {
    TEXT_FIELD("file", CYAML_FLAG_DEFAULT, struct file_words, file),
    TEXT_FIELD("format", CYAML_FLAG_OPTIONAL, struct file_words, format),
    TEXT_FIELD("delimiter", CYAML_FLAG_OPTIONAL, struct file_words, delimiter),
    TEXT_FIELD("decimal", CYAML_FLAG_OPTIONAL, struct file_words, decimal),
    CYAML_FIELD_UINT("skip", CYAML_FLAG_OPTIONAL, struct file_words, skip),
    CYAML_FIELD_UINT("footer", CYAML_FLAG_OPTIONAL, struct file_words, footer),
    TEXT_FIELD("comment", CYAML_FLAG_OPTIONAL, struct file_words, comment),
    CYAML_FIELD_SEQUENCE("na", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct file_words, na,
                         &any_text_entry, 0, NA_WORDS_MAX),
    CYAML_FIELD_SEQUENCE("types", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct file_words,
                         types, &text_entry, 1, COLUMNS_MAX),
    CYAML_FIELD_SEQUENCE("complete", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct file_words,
                         complete, &text_entry, 1, COLUMNS_MAX),
    TEXT_FIELD("key", CYAML_FLAG_OPTIONAL, struct file_words, key),
    CYAML_FIELD_MAPPING_PTR("source", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct file_words,
                            source, source_fields),
    TEXT_FIELD("workers", CYAML_FLAG_OPTIONAL, struct file_words, workers),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t words_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_words, words_fields),
};

static const cyaml_schema_field_t policy_fields[] = {
    CYAML_FIELD_SEQUENCE("ask", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config_policy, ask,
                         &text_entry, 1, PEERS_MAX),
    CYAML_FIELD_SEQUENCE("with", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config_policy,
                         with, &text_entry, 2, PEERS_MAX),
    CYAML_FIELD_UINT("min_parties", CYAML_FLAG_OPTIONAL, struct config_policy, min_parties),
    CYAML_FIELD_UINT("colluders", CYAML_FLAG_OPTIONAL, struct config_policy, colluders),
    CYAML_FIELD_UINT_PTR("min_rows", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config_policy,
                         min_rows),
    CYAML_FIELD_SEQUENCE("datasets", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config_policy,
                         datasets, &text_entry, 0, DATASETS_MAX),
    CYAML_FIELD_SEQUENCE("columns", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config_policy,
                         columns, &columns_entry, 0, DATASETS_MAX),
    CYAML_FIELD_SEQUENCE("publish", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config_policy,
                         publish, &publish_entry, 0, DATASETS_MAX),
    CYAML_FIELD_SEQUENCE("statistics", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                         struct config_policy, statistics, &text_entry, 1, 100),
    TEXT_FIELD("profile", CYAML_FLAG_OPTIONAL, struct config_policy, profile),
    CYAML_FIELD_UINT_PTR("dominance", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                         struct config_policy, dominance),
    CYAML_FIELD_UINT_PTR("rounds", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config_policy,
                         rounds),
    TEXT_FIELD("budget", CYAML_FLAG_OPTIONAL, struct config_policy, budget),
    CYAML_FIELD_UINT_PTR("refusals", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config_policy,
                         refusals),
    CYAML_FIELD_UINT_PTR("approve_days", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                         struct config_policy, approve_days),
    TEXT_FIELD("approve", CYAML_FLAG_OPTIONAL, struct config_policy, approve),
    TEXT_FIELD("exact", CYAML_FLAG_OPTIONAL, struct config_policy, exact),
    TEXT_FIELD("verify", CYAML_FLAG_OPTIONAL, struct config_policy, verify),
    TEXT_FIELD("quantiles", CYAML_FLAG_OPTIONAL, struct config_policy, quantiles),
    TEXT_FIELD("extremes", CYAML_FLAG_OPTIONAL, struct config_policy, extremes),
    TEXT_FIELD("confirm", CYAML_FLAG_OPTIONAL, struct config_policy, confirm),
    TEXT_FIELD("transcripts", CYAML_FLAG_OPTIONAL, struct config_policy, transcripts),
    TEXT_FIELD("explain", CYAML_FLAG_OPTIONAL, struct config_policy, explain),
    TEXT_FIELD("cover", CYAML_FLAG_OPTIONAL, struct config_policy, cover),
    TEXT_FIELD("results", CYAML_FLAG_OPTIONAL, struct config_policy, results),
    TEXT_FIELD("code", CYAML_FLAG_OPTIONAL, struct config_policy, code),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t learning_fields[] = {
    TEXT_FIELD("python", CYAML_FLAG_OPTIONAL, struct config_learning, python),
    TEXT_FIELD("fence", CYAML_FLAG_OPTIONAL, struct config_learning, fence),
    TEXT_FIELD("runner", CYAML_FLAG_OPTIONAL, struct config_learning, runner),
    CYAML_FIELD_UINT("models_mb", CYAML_FLAG_OPTIONAL, struct config_learning, models_mb),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t file_fields[] = {
    TEXT_FIELD("name", CYAML_FLAG_DEFAULT, struct config_file, name),
    TEXT_FIELD("data_dir", CYAML_FLAG_OPTIONAL, struct config_file, data_dir),
    TEXT_FIELD("state_dir", CYAML_FLAG_DEFAULT, struct config_file, state_dir),
    TEXT_FIELD("identity", CYAML_FLAG_DEFAULT, struct config_file, identity),
    CYAML_FIELD_MAPPING("api", CYAML_FLAG_OPTIONAL, struct config_file, api, listener_fields),
    CYAML_FIELD_MAPPING_PTR("peer", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config_file,
                            peer, listener_fields),
    CYAML_FIELD_SEQUENCE("peers", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config_file,
                         peers, &peer_entry, 0, PEERS_MAX),
    CYAML_FIELD_SEQUENCE("files", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config_file,
                         files, &words_entry, 0, DATASETS_MAX),
    TEXT_FIELD("log", CYAML_FLAG_OPTIONAL, struct config_file, log),
    TEXT_FIELD("log_level", CYAML_FLAG_OPTIONAL, struct config_file, log_level),
    CYAML_FIELD_UINT_PTR("rows_memory_mb", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                         struct config_file, rows_memory_mb),
    CYAML_FIELD_UINT_PTR("sources_memory_mb", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                         struct config_file, sources_memory_mb),
    CYAML_FIELD_MAPPING("policy", CYAML_FLAG_OPTIONAL, struct config_file, policy, policy_fields),
    CYAML_FIELD_MAPPING("learning", CYAML_FLAG_OPTIONAL, struct config_file, learning,
                        learning_fields),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t file_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct config_file, file_fields),
};

/* --- What libcyaml says of an error --- */

/* The first line that libcyaml logs says what is wrong, the first line of its backtrace where. */
struct yaml_messages {
    char what[256];
    char where[128];
};

__attribute__((format(printf, 3, 0))) static void keep_message(cyaml_log_t level, void *context,
                                                               const char *format, va_list args)
{
    struct yaml_messages *messages = context;
    char line[256];
    (void)level;
    (void)vsnprintf(line, sizeof line, format, args);
    line[strcspn(line, "\n")] = '\0';
    const char *text = strncmp(line, "Load: ", 6) == 0 ? line + 6 : line;
    text += strspn(text, " ");
    if (strncmp(text, "Backtrace", 9) == 0) {
        return;
    }
    if (strncmp(text, "in ", 3) == 0) {
        if (messages->where[0] == '\0') {
            (void)snprintf(messages->where, sizeof messages->where, "%.120s", text);
        }
    } else if (messages->what[0] == '\0') {
        (void)snprintf(messages->what, sizeof messages->what, "%s", text);
    }
}

static const cyaml_config_t yaml_config = {
    .log_fn = keep_message,
    .mem_fn = cyaml_mem,
    .log_level = CYAML_LOG_ERROR,
    .flags = CYAML_CFG_DEFAULT,
};

/* --- Lines --- */

/* The line on which a key stands after line `after`, or 0. A key is at the beginning of its line,
 * or after "-", "{" or ",". */
static unsigned find_key(const char *path, const char *key, size_t key_bytes, unsigned after)
{
    char line[1024];
    unsigned found = 0;
    FILE *file = fopen(path, "re");
    for (unsigned number = 1; found == 0 && file != NULL && fgets(line, sizeof line, file) != NULL;
         number++) {
        const char *start = line;
        while (number > after && found == 0 && (start = strstr(start, key)) != NULL) {
            const char *before = line + strspn(line, " -{\t\"'");
            bool is_first = start <= before || strchr("{,- \t\"'", start[-1]) != NULL;
            const char *end = start + key_bytes;
            end += strspn(end, "\"' \t");
            bool is_comment = memchr(line, '#', (size_t)(start - line)) != NULL;
            found = is_first && *end == ':' && !is_comment ? number : 0;
            start++;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return found;
}

unsigned config_line(const char *path, const char *key)
{
    unsigned line = 0;
    while (*key != '\0') {
        char part[64];
        size_t bytes = strcspn(key, ".");
        (void)snprintf(part, sizeof part, "%.*s", (int)bytes, key);
        unsigned found = find_key(path, part, strlen(part), line > 0 ? line - 1 : 0);
        if (found == 0) {
            break;
        }
        line = found;
        key += bytes;
        key += *key == '.';
    }
    return line;
}

/* --- Keys --- */

#define KEYS_MAX 100

static const cyaml_schema_field_t *const all_fields[] = {
    file_fields,  listener_fields, peer_fields,    policy_fields,           columns_fields,
    words_fields, source_fields,   publish_fields, published_column_fields, learning_fields,
};

/* Replaces what libcyaml says of an unknown key: it gives the place before the key, the message
 * then names the line that the key itself is on, and the key that may have been meant. */
static void explain_unknown_key(struct yaml_messages *messages, const char *path)
{
    static const char unknown[] = "Unexpected key: ";
    const char *names[KEYS_MAX];
    size_t names_len = 0;
    char key[64];
    if (strncmp(messages->what, unknown, sizeof unknown - 1) != 0) {
        return;
    }
    (void)snprintf(key, sizeof key, "%s", messages->what + sizeof unknown - 1);
    for (size_t i = 0; i < sizeof all_fields / sizeof all_fields[0]; i++) {
        for (const cyaml_schema_field_t *field = all_fields[i]; field->key != NULL; field++) {
            SOTTO_REQUIRE(names_len < KEYS_MAX);
            names[names_len++] = field->key;
        }
    }
    unsigned line = find_key(path, key, strlen(key), 0);
    if (line > 0) {
        (void)snprintf(messages->where, sizeof messages->where, "line: %u", line);
    }
    const char *nearest = sotto_text_nearest(key, names, names_len);
    if (nearest != NULL && strcmp(nearest, key) != 0) {
        (void)snprintf(messages->what, sizeof messages->what,
                       "unknown key \"%s\"; did you mean \"%s\"?", key, nearest);
    } else {
        (void)snprintf(messages->what, sizeof messages->what, "unknown key \"%s\"%s", key,
                       nearest != NULL ? " in this place" : "");
    }
}

/* What libcyaml calls a kind of value or an event, in words. */
static const char *name_kind(const char *raw)
{
    static const char *const names[][2] = {
        {"SEQUENCE", "a list, such as [a, b]"},
        {"SEQUENCE_START", "a list"},
        {"MAPPING", "keys and their values, such as key: value"},
        {"MAPPING_START", "keys and their values"},
        {"SCALAR", "a single value"},
        {"STRING", "a text"},
        {"BOOL", "true or false"},
        {"UINT", "a whole number"},
        {"uint64_t", "a whole number"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(raw, names[i][0]) == 0) {
            return names[i][1];
        }
    }
    return raw;
}

/* Says of a value of another kind what was expected, as all errors do. */
static void explain_kind(struct yaml_messages *messages)
{
    char wanted[32];
    char found[32];
    char value[100] = "";
    if (sscanf(messages->what, "Expecting %31[A-Z], got event: %31[A-Z_]", wanted, found) == 2) {
        (void)snprintf(messages->what, sizeof messages->what, "expected %s, found %s",
                       name_kind(wanted), name_kind(found));
    } else if (sscanf(messages->what, "Invalid %31[A-Za-z0-9_] value: %99[^\n]", wanted, value) ==
               2) {
        (void)snprintf(messages->what, sizeof messages->what, "expected %s, found %s",
                       name_kind(wanted), value);
    } else if (strncmp(messages->what, "STRING length <", strlen("STRING length <")) == 0) {
        (void)snprintf(messages->what, sizeof messages->what, "expected a text, found none");
    } else if (strncmp(messages->what, "STRING length >", strlen("STRING length >")) == 0) {
        (void)snprintf(messages->what, sizeof messages->what,
                       "expected a text of at most %d bytes, found a longer one", TEXT_BYTES_MAX);
    }
}

enum sotto_status config_yaml_load(struct config_file **out, const char *path,
                                   struct sotto_error *err)
{
    struct yaml_messages messages = {0};
    cyaml_config_t config = yaml_config;
    config.log_ctx = &messages;
    FILE *probe = fopen(path, "re");
    if (probe == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND, "%s: %s", path, strerror(errno));
    }
    (void)fclose(probe);
    cyaml_err_t code =
        cyaml_load_file(path, &config, &file_schema, (cyaml_data_t **)(void *)out, NULL);
    if (code != CYAML_OK) {
        *out = NULL;
        explain_unknown_key(&messages, path);
        explain_kind(&messages);
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: %s%s%s", path,
                               messages.what[0] != '\0' ? messages.what : cyaml_strerror(code),
                               messages.where[0] != '\0' ? ", " : "", messages.where);
    }
    if (*out == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: the file is empty", path);
    }
    return SOTTO_OK;
}

void config_yaml_free(struct config_file *file)
{
    if (file != NULL) {
        (void)cyaml_free(&yaml_config, &file_schema, file, 0);
    }
}
