/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <arpa/inet.h>
#include <cyaml/cyaml.h>
#include <errno.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define NAME_BYTES_MAX 64
#define URL_BYTES_MAX 400 /* a link keeps it with the path behind it */
#define PEERS_MAX 1000
#define DATASETS_MAX 1000

#define TEXT_FIELD(key, flags, type, member)                                                       \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | (flags), type, member, 1, 4096)

static const cyaml_schema_field_t listener_fields[] = {
    TEXT_FIELD("listen", CYAML_FLAG_OPTIONAL, struct config_listener, listen),
    TEXT_FIELD("token_file", CYAML_FLAG_OPTIONAL, struct config_listener, token_file),
    TEXT_FIELD("tls_cert", CYAML_FLAG_OPTIONAL, struct config_listener, tls_cert),
    TEXT_FIELD("tls_key", CYAML_FLAG_OPTIONAL, struct config_listener, tls_key),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t peer_fields[] = {
    TEXT_FIELD("name", CYAML_FLAG_DEFAULT, struct config_peer, name),
    TEXT_FIELD("key", CYAML_FLAG_DEFAULT, struct config_peer, key_text),
    TEXT_FIELD("url", CYAML_FLAG_OPTIONAL, struct config_peer, url),
    TEXT_FIELD("ca", CYAML_FLAG_OPTIONAL, struct config_peer, ca),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t peer_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_peer, peer_fields),
};

static const cyaml_schema_value_t text_entry = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 4096),
};

static const cyaml_schema_field_t policy_fields[] = {
    CYAML_FIELD_SEQUENCE("ask", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config_policy, ask,
                         &text_entry, 1, PEERS_MAX),
    CYAML_FIELD_UINT("min_parties", CYAML_FLAG_OPTIONAL, struct config_policy, min_parties),
    CYAML_FIELD_UINT_PTR("min_rows", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config_policy,
                         min_rows),
    CYAML_FIELD_SEQUENCE("datasets", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config_policy,
                         datasets, &text_entry, 0, DATASETS_MAX),
    TEXT_FIELD("expressions", CYAML_FLAG_OPTIONAL, struct config_policy, expressions),
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
    CYAML_FIELD_MAPPING("policy", CYAML_FLAG_OPTIONAL, struct config_file, policy, policy_fields),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t file_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct config_file, file_fields),
};

/* --- What libcyaml says of an error --- */

/* Its first line says what is wrong, the first line of its backtrace where. */
struct yaml_messages {
    char what[256];
    char where[128];
};

__attribute__((format(printf, 3, 0))) static void yaml_message(cyaml_log_t level, void *context,
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
    .log_fn = yaml_message,
    .mem_fn = cyaml_mem,
    .log_level = CYAML_LOG_ERROR,
    .flags = CYAML_CFG_DEFAULT,
};

/* libcyaml gives the place before an unknown key: finds the line that the key itself is on. */
static void locate_unknown_key(struct yaml_messages *messages, const char *path)
{
    static const char unknown[] = "Unexpected key: ";
    char line[1024];
    const char *key = messages->what + sizeof unknown - 1;
    FILE *file =
        strncmp(messages->what, unknown, sizeof unknown - 1) == 0 ? fopen(path, "re") : NULL;
    if (file == NULL) {
        return;
    }
    size_t key_bytes = strlen(key);
    for (unsigned number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        const char *start = line + strspn(line, " -{\t\"'");
        if (strncmp(start, key, key_bytes) == 0 && strchr(":\"' \t", start[key_bytes]) != NULL) {
            (void)snprintf(messages->where, sizeof messages->where, "line: %u", number);
            break;
        }
    }
    (void)fclose(file);
}

static enum sotto_status yaml_load(struct config_file **out, const char *path,
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
        locate_unknown_key(&messages, path);
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: %s%s%s", path,
                               messages.what[0] != '\0' ? messages.what : cyaml_strerror(code),
                               messages.where[0] != '\0' ? ", " : "", messages.where);
    }
    if (*out == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: the file is empty", path);
    }
    return SOTTO_OK;
}

/* --- Checks --- */

bool config_parse_listen(struct sockaddr_storage *out, socklen_t *out_bytes, const char *text)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text || (size_t)(colon - text) >= sizeof host) {
        return false;
    }
    size_t host_bytes = (size_t)(colon - text);
    memcpy(host, text, host_bytes);
    host[host_bytes] = '\0';
    char *end = NULL;
    errno = 0;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (colon[1] < '0' || colon[1] > '9' || *end != '\0' || errno != 0 || port > 65535) {
        return false;
    }
    memset(out, 0, sizeof *out);
    if (host[0] == '[' && host[host_bytes - 1] == ']') {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)out;
        host[host_bytes - 1] = '\0';
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        *out_bytes = sizeof *v6;
        return inet_pton(AF_INET6, host + 1, &v6->sin6_addr) == 1;
    }
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)out;
    v4->sin_family = AF_INET;
    v4->sin_port = htons((uint16_t)port);
    *out_bytes = sizeof *v4;
    return inet_pton(AF_INET, host, &v4->sin_addr) == 1;
}

bool config_is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
        return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    }
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
    return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
}

bool config_is_safe_file_name(const char *text)
{
    if (text[0] == '\0' || text[0] == '/') {
        return false;
    }
    const char *part = text;
    for (;;) {
        size_t part_bytes = strcspn(part, "/");
        bool dots = part_bytes <= 2 && strncmp(part, "..", part_bytes) == 0;
        if (part_bytes == 0 || dots) {
            return false;
        }
        part += part_bytes;
        if (*part == '\0') {
            break;
        }
        part++;
    }
    for (const char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7F) {
            return false;
        }
    }
    return true;
}

bool config_may_ask(const struct config *config, const char *peer_name)
{
    const struct config_policy *policy = &config->file->policy;
    for (unsigned i = 0; i < policy->ask_count; i++) {
        if (strcmp(policy->ask[i], peer_name) == 0) {
            return true;
        }
    }
    return policy->ask_count == 0 || strcmp(config->file->name, peer_name) == 0;
}

bool config_offers(const struct config *config, const char *file_name)
{
    const struct config_policy *policy = &config->file->policy;
    for (unsigned i = 0; i < policy->datasets_count; i++) {
        if (strcmp(policy->datasets[i], file_name) == 0) {
            return true;
        }
    }
    return false;
}

static enum sotto_status check_name(const char *path, const char *what, const char *name,
                                    struct sotto_error *err)
{
    size_t bytes = strlen(name);
    bool good = bytes <= NAME_BYTES_MAX && sotto_utf8_valid_prefix(name, bytes) == bytes;
    for (size_t i = 0; i < bytes; i++) {
        good = good && (unsigned char)name[i] > 0x20 && name[i] != 0x7F;
    }
    if (!good) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: %s \"%s\": expected at most %d bytes without spaces", path,
                               what, name, NAME_BYTES_MAX);
    }
    return SOTTO_OK;
}

static enum sotto_status check_listener(const char *path, const char *section,
                                        const struct config_listener *listener, bool tls_off_lo,
                                        struct sotto_error *err)
{
    struct sockaddr_storage address;
    socklen_t address_bytes;
    if (!config_parse_listen(&address, &address_bytes, listener->listen)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: %s.listen \"%s\": expected a numeric address and a port, such "
                               "as \"127.0.0.1:6700\" or \"[::1]:6700\"",
                               path, section, listener->listen);
    }
    if ((listener->tls_cert == NULL) != (listener->tls_key == NULL)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: %s: tls_cert and tls_key belong together, one is missing", path,
                               section);
    }
    if (tls_off_lo && listener->tls_cert == NULL && !config_is_loopback(&address)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: %s.listen %s is not loopback: without TLS the token would "
                               "travel in the clear. Give tls_cert and tls_key, or listen on "
                               "127.0.0.1",
                               path, section, listener->listen);
    }
    return SOTTO_OK;
}

static enum sotto_status check_peer(struct config *config, const char *path, unsigned at,
                                    struct sotto_error *err)
{
    const struct config_peer *peer = &config->file->peers[at];
    enum sotto_status status = check_name(path, "the name of a peer", peer->name, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (sotto_key_from_text(&config->peer_keys[at], peer->key_text) != SOTTO_OK) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: peer %s: key: expected the 64 hexadecimal digits that its "
                               "`sotto keygen` printed",
                               path, peer->name);
    }
    if (peer->url != NULL && strncmp(peer->url, "http://", 7) != 0 &&
        strncmp(peer->url, "https://", 8) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: peer %s: url \"%s\": expected http:// or https://", path,
                               peer->name, peer->url);
    }
    if (peer->url != NULL && strlen(peer->url) > URL_BYTES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: peer %s: url: expected at most %d bytes", path, peer->name,
                               URL_BYTES_MAX);
    }
    bool same_name = strcmp(peer->name, config->file->name) == 0;
    for (unsigned i = 0; i < at; i++) {
        same_name = same_name || strcmp(peer->name, config->file->peers[i].name) == 0;
        if (sotto_key_equal(&config->peer_keys[at], &config->peer_keys[i])) {
            return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: peers %s and %s have one key", path,
                                   config->file->peers[i].name, peer->name);
        }
    }
    return same_name
               ? sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: two nodes named %s", path, peer->name)
               : SOTTO_OK;
}

static enum sotto_status check_policy(const struct config *config, const char *path,
                                      struct sotto_error *err)
{
    const struct config_file *file = config->file;
    for (unsigned i = 0; i < file->policy.ask_count; i++) {
        bool known = strcmp(file->policy.ask[i], file->name) == 0;
        for (unsigned j = 0; j < file->peers_count && !known; j++) {
            known = strcmp(file->policy.ask[i], file->peers[j].name) == 0;
        }
        if (!known) {
            return sotto_error_set(err, SOTTO_ERROR_INPUT,
                                   "%s: policy.ask: no peer is named \"%s\"", path,
                                   file->policy.ask[i]);
        }
    }
    for (unsigned i = 0; i < file->policy.datasets_count; i++) {
        if (!config_is_safe_file_name(file->policy.datasets[i])) {
            return sotto_error_set(err, SOTTO_ERROR_INPUT,
                                   "%s: policy.datasets: \"%s\": expected the name of a file below "
                                   "data_dir",
                                   path, file->policy.datasets[i]);
        }
    }
    struct stat info;
    if (file->policy.datasets_count > 0 && file->data_dir == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: policy.datasets offers files, but there is no data_dir", path);
    }
    if (file->data_dir != NULL && (stat(file->data_dir, &info) != 0 || !S_ISDIR(info.st_mode))) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: data_dir: %s is not a directory", path,
                               file->data_dir);
    }
    return SOTTO_OK;
}

/* Puts the folder of the configuration file before a relative path. The texts belong to libcyaml,
 * whose memory is malloc's. */
static bool resolve(char **path, const char *config_path)
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

static bool default_text(char **text, const char *value)
{
    if (*text == NULL) {
        *text = strdup(value);
    }
    return *text != NULL;
}

static bool complete(struct config_file *file, const char *path)
{
    bool good = default_text(&file->api.listen, "127.0.0.1:6700") &&
                default_text(&file->api.token_file, "token") && resolve(&file->data_dir, path) &&
                resolve(&file->state_dir, path) && resolve(&file->identity, path) &&
                resolve(&file->api.token_file, path) && resolve(&file->api.tls_cert, path) &&
                resolve(&file->api.tls_key, path);
    if (good && file->peer != NULL) {
        good = default_text(&file->peer->listen, "127.0.0.1:6701") &&
               resolve(&file->peer->tls_cert, path) && resolve(&file->peer->tls_key, path);
    }
    for (unsigned i = 0; good && i < file->peers_count; i++) {
        good = resolve(&file->peers[i].ca, path);
    }
    return good;
}

static enum sotto_status check_expressions(enum sotto_plan_class *out, const char *path,
                                           const char *text, struct sotto_error *err)
{
    static const char *const names[] = {
        [SOTTO_PLAN_BARE] = "bare",
        [SOTTO_PLAN_POLYNOMIAL] = "polynomial",
        [SOTTO_PLAN_OTHER] = "any",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], text != NULL ? text : "polynomial") == 0) {
            *out = (enum sotto_plan_class)i;
            return SOTTO_OK;
        }
    }
    return sotto_error_set(err, SOTTO_ERROR_INPUT,
                           "%s: policy.expressions: \"%s\": expected bare, polynomial or any", path,
                           text);
}

enum sotto_status config_load(struct config *out, const char *path, struct sotto_error *err)
{
    struct config config = {0};
    enum sotto_status status = yaml_load(&config.file, path, err);
    if (status != SOTTO_OK) {
        return status;
    }
    config.min_rows = config.file->policy.min_rows != NULL ? *config.file->policy.min_rows
                                                           : CONFIG_MIN_ROWS_DEFAULT;
    config.peer_keys = sotto_alloc_array(config.file->peers_count + 1, sizeof *config.peer_keys);
    if (config.peer_keys == NULL || !complete(config.file, path)) {
        status = sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "%s: out of memory", path);
        goto out;
    }
    status = check_name(path, "name", config.file->name, err);
    if (status == SOTTO_OK) {
        status = check_expressions(&config.expressions, path, config.file->policy.expressions, err);
    }
    if (status == SOTTO_OK) {
        status = check_listener(path, "api", &config.file->api, true, err);
    }
    if (status == SOTTO_OK && config.file->peer != NULL) {
        status = config.file->peer->token_file != NULL
                     ? sotto_error_set(err, SOTTO_ERROR_INPUT,
                                       "%s: peer.token_file: the peer side has no token", path)
                     : check_listener(path, "peer", config.file->peer, false, err);
    }
    for (unsigned i = 0; status == SOTTO_OK && i < config.file->peers_count; i++) {
        status = check_peer(&config, path, i, err);
    }
    if (status == SOTTO_OK) {
        status = check_policy(&config, path, err);
    }
out:
    if (status == SOTTO_OK) {
        *out = config;
    } else {
        config_release(&config);
    }
    return status;
}

void config_release(struct config *config)
{
    if (config->file != NULL) {
        (void)cyaml_free(&yaml_config, &file_schema, config->file, 0);
    }
    sotto_free(config->peer_keys);
    *config = (struct config){0};
}
