/* SPDX-License-Identifier: Apache-2.0 */

/* node.yaml as the node uses it: loads the file (config_yaml.c), puts in what was left out, checks
 * every section and has policy checked (config_policy.c). The idea: whatever config_load returns
 * is right, so that nobody behind it checks a name, a key or an address again. */

#include "config/config.h"

#include "config/address.h"
#include "config/places.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sodium.h>
#include <sotto/alloc.h>
#include <sotto/source.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define CONFIG_ROWS_MEMORY_MB_MAX 1048576
#define SOURCES_MEMORY_DEFAULT ((size_t)4 << 30)

#define NAME_BYTES_MAX 64
#define URL_BYTES_MAX 400 /* a link keeps it with the path behind it */

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

static bool is_loopback(const struct sockaddr_storage *address)
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
    if (listener->url != NULL &&
        (strlen(listener->url) > URL_BYTES_MAX || !address_is_url(listener->url))) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: %s.url \"%.*s\": expected " ADDRESS_URL_EXPECTED, path, section,
                               URL_BYTES_MAX, listener->url);
    }
    if (tls_off_lo && listener->tls_cert == NULL && !is_loopback(&address)) {
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
    if (peer->url != NULL && strlen(peer->url) > URL_BYTES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: peer %s: url: expected at most %d bytes", path, peer->name,
                               URL_BYTES_MAX);
    }
    if (peer->url != NULL && !address_is_url(peer->url)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: peer %s: url \"%s\": expected " ADDRESS_URL_EXPECTED, path,
                               peer->name, peer->url);
    }
    size_t pin_bytes = 0;
    if (peer->pin != NULL &&
        (peer->url == NULL || strncmp(peer->url, "https://", 8) != 0 ||
         sodium_base642bin(config->peer_pins[at], CONFIG_PIN_BYTES, peer->pin, strlen(peer->pin),
                           NULL, &pin_bytes, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
         pin_bytes != CONFIG_PIN_BYTES)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: peer %s: pin: expected the 43 characters of the text that "
                               "`sotto init --show` prints there, beside an https url",
                               path, peer->name);
    }
    if (peer->pin != NULL && peer->ca != NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: peer %s: expected pin or ca, not both",
                               path, peer->name);
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

static bool set_default_text(char **text, const char *value)
{
    if (*text == NULL) {
        *text = strdup(value);
    }
    return *text != NULL;
}

/* Puts in what the file leaves out, and the folder before each path. Returns: false if there is no
 * memory. */
static bool complete_file(struct config_file *file, const char *path)
{
    bool good = set_default_text(&file->api.listen, "127.0.0.1:6700") &&
                set_default_text(&file->api.token_file, "token") &&
                path_resolve(&file->data_dir, path) && path_resolve(&file->state_dir, path) &&
                path_resolve(&file->identity, path) && path_resolve(&file->api.token_file, path) &&
                path_resolve(&file->api.tls_cert, path) && path_resolve(&file->api.tls_key, path) &&
                set_default_text(&file->learning.python, "/usr/bin/python3") &&
                set_default_text(&file->learning.fence, SOTTO_LIBEXEC "/sotto-fence") &&
                set_default_text(&file->learning.runner, SOTTO_LIBEXEC "/_runner.py");
    if (good && file->peer != NULL) {
        good = set_default_text(&file->peer->listen, "127.0.0.1:6701") &&
               path_resolve(&file->peer->tls_cert, path) &&
               path_resolve(&file->peer->tls_key, path);
    }
    for (unsigned i = 0; good && i < file->peers_count; i++) {
        good = path_resolve(&file->peers[i].ca, path);
    }
    for (unsigned i = 0; good && i < file->files_count; i++) {
        good = path_resolve(&file->files[i].workers, path) &&
               (file->files[i].source == NULL || source_words_resolve(file->files[i].source, path));
    }
    return good;
}

/* Reads a number of MiB. */
static enum sotto_status read_memory(size_t *out, const unsigned *megabytes, size_t usual,
                                     const char *path, const char *key, struct sotto_error *err)
{
    if (megabytes != NULL && *megabytes > CONFIG_ROWS_MEMORY_MB_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: %s: expected 0 to %d, found %u", path,
                               key, CONFIG_ROWS_MEMORY_MB_MAX, *megabytes);
    }
    *out = megabytes != NULL ? (size_t)*megabytes << 20 : usual;
    return SOTTO_OK;
}

/* Whether the value of a key is one of two words, or left out. */
static enum sotto_status check_word(const char *path, const char *key, const char *value,
                                    const char *one, const char *other, struct sotto_error *err)
{
    if (value == NULL || strcmp(value, one) == 0 || strcmp(value, other) == 0) {
        return SOTTO_OK;
    }
    return sotto_error_set(err, SOTTO_ERROR_INPUT,
                           "%s: line %u: %s: expected %s or %s, found \"%.64s\"", path,
                           config_line(path, key), key, one, other, value);
}

static enum sotto_status check_sections(struct config *config, const char *path,
                                        struct sotto_error *err)
{
    const struct config_file *file = config->file;
    enum sotto_status status = check_name(path, "name", file->name, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_listener(path, "api", &file->api, true, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (file->peer != NULL && file->peer->token_file != NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: peer.token_file: the peer side has no token", path);
    }
    if (file->peer != NULL) {
        status = check_listener(path, "peer", file->peer, false, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    for (unsigned i = 0; i < file->peers_count; i++) {
        status = check_peer(config, path, i, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    status = check_word(path, "log", file->log, "text", "json", err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_word(path, "log_level", file->log_level, "info", "warning", err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = read_memory(&config->rows_memory, file->rows_memory_mb, SOTTO_KEPT_BYTES_DEFAULT, path,
                         "rows_memory_mb", err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = read_memory(&config->sources_memory, file->sources_memory_mb, SOURCES_MEMORY_DEFAULT,
                         path, "sources_memory_mb", err);
    if (status != SOTTO_OK) {
        return status;
    }
    return config_check_policy(config, path, err);
}

enum sotto_status config_load(struct config *out, const char *path, struct sotto_error *err)
{
    struct config config = {0};
    enum sotto_status status = config_yaml_load(&config.file, path, err);
    if (status != SOTTO_OK) {
        return status;
    }
    config.peer_keys = sotto_alloc_array(config.file->peers_count + 1, sizeof *config.peer_keys);
    config.places_max = config.file->peers_count + CONFIG_PEERS_ADDED_MAX;
    config.peer_pins = sotto_alloc_zeroed((config.file->peers_count + 1) * CONFIG_PIN_BYTES);
    if (config.peer_keys == NULL || config.peer_pins == NULL || !complete_file(config.file, path)) {
        status = sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "%s: out of memory", path);
        goto out;
    }
    status = check_sections(&config, path, err);
    if (status == SOTTO_OK) {
        *out = config;
        config = (struct config){0};
    }
out:
    config_release(&config);
    return status;
}

void config_release(struct config *config)
{
    config_yaml_free(config->file);
    sotto_free(config->peer_keys);
    sotto_free(config->peer_pins);
    *config = (struct config){0};
}

size_t config_find_peer(const struct config *config, const struct sotto_key *key)
{
    for (size_t i = 0; i < config->file->peers_count; i++) {
        if (!config->file->peers[i].is_out && sotto_key_equal(&config->peer_keys[i], key)) {
            return i;
        }
    }
    return SOTTO_NONE;
}
