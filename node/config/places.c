/* SPDX-License-Identifier: Apache-2.0 */

/* A configuration that was read again beside the one in force. Leans on config.c, which reads and
 * checks it alone. The idea: what comes out can take the place of the one in force as it is. Every
 * peer stands where it stood, whoever is out stands there as such, and whatever a running node
 * can't change is what it was; so nobody behind it compares two configurations. */

#include "config/places.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No name of a peer has a blank. */
#define OUT_MARK " (removed)"

/* --- Who holds it --- */

struct config *config_hold(struct config *config)
{
    atomic_fetch_add(&config->holders, 1);
    return config;
}

void config_drop(struct config *config)
{
    if (config != NULL && atomic_fetch_sub(&config->holders, 1) == 1) {
        config_release(config);
        sotto_free(config);
    }
}

size_t config_count_peers(const struct config *config)
{
    size_t len = 0;
    for (size_t i = 0; i < config->file->peers_count; i++) {
        len += config_has_peer(config, i);
    }
    return len;
}

/* --- Places --- */

/* Texts are libcyaml's, whose memory is malloc's. */
struct places {
    struct config_peer *peers;
    struct sotto_key *keys;
    uint8_t (*pins)[CONFIG_PIN_BYTES];
    size_t len;
};

static void release_places(struct places *places)
{
    for (size_t i = 0; places->peers != NULL && i < places->len; i++) {
        free(places->peers[i].name);
        free(places->peers[i].key_text);
    }
    free(places->peers);
    sotto_free(places->keys);
    sotto_free(places->pins);
}

static bool init_places(struct places *places, size_t len)
{
    *places = (struct places){
        .peers = calloc(len + 1, sizeof *places->peers),
        .keys = sotto_alloc_array(len + 1, sizeof *places->keys),
        .pins = sotto_alloc_zeroed((len + 1) * CONFIG_PIN_BYTES),
    };
    return places->peers != NULL && places->keys != NULL && places->pins != NULL;
}

/* Returns: false if there is no memory. */
static bool add_out(struct places *places, const struct config *before, size_t at)
{
    const struct config_peer *peer = &before->file->peers[at];
    struct config_peer *out = &places->peers[places->len];
    size_t bytes = strlen(peer->name) + sizeof OUT_MARK;
    places->keys[places->len++] = before->peer_keys[at];
    out->is_out = true;
    out->key_text = strdup(peer->key_text);
    out->name = malloc(bytes);
    if (out->name != NULL) {
        (void)snprintf(out->name, bytes, "%s%s", peer->name, peer->is_out ? "" : OUT_MARK);
    }
    return out->name != NULL && out->key_text != NULL;
}

/* Moves the texts of a peer. */
static void move_peer(struct places *places, size_t to, struct config *config, size_t at)
{
    places->peers[to] = config->file->peers[at];
    config->file->peers[at] = (struct config_peer){0};
    places->keys[to] = config->peer_keys[at];
    memcpy(places->pins[to], config->peer_pins[at], CONFIG_PIN_BYTES);
}

/* Puts the peers of config where those of before stand. On failure config is as it was. */
static enum sotto_status keep_places(struct config *config, const struct config *before,
                                     struct sotto_error *err)
{
    struct places places = {0};
    size_t before_len = before->file->peers_count;
    size_t config_len = config->file->peers_count;
    bool good = init_places(&places, before_len + config_len);
    for (size_t i = 0; good && i < before_len; i++) {
        if (config_find_peer(config, &before->peer_keys[i]) == SOTTO_NONE) {
            good = add_out(&places, before, i);
        } else {
            places.len++; /* filled below, where nothing can fail any more */
        }
    }
    if (!good) {
        release_places(&places);
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < config_len; i++) {
        size_t place = 0;
        while (place < before_len &&
               !sotto_key_equal(&before->peer_keys[place], &config->peer_keys[i])) {
            place++;
        }
        move_peer(&places, place < before_len ? place : places.len++, config, i);
    }
    free(config->file->peers);
    sotto_free(config->peer_keys);
    sotto_free(config->peer_pins);
    config->file->peers = places.peers;
    config->file->peers_count = (unsigned)places.len;
    config->peer_keys = places.keys;
    config->peer_pins = places.pins;
    config->places_max = before->places_max;
    if (places.len > before->places_max) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "%d peers have come since the start, as many as there is room for: "
                               "restart the node",
                               CONFIG_PEERS_ADDED_MAX);
    }
    return SOTTO_OK;
}

/* --- What can't change --- */

static void note_restart(char restart[CONFIG_RESTART_BYTES], const char *key)
{
    size_t at = strlen(restart);
    (void)snprintf(restart + at, CONFIG_RESTART_BYTES - at, "%s%s", at > 0 ? ", " : "", key);
}

bool config_is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Makes *text a copy of before. Returns: false if there is no memory. */
static bool copy_text(char **text, const char *before)
{
    free(*text);
    *text = before != NULL ? strdup(before) : NULL;
    return before == NULL || *text != NULL;
}

/* A text that stays as it was; its key is noted where the file has another one. */
static bool keep_text(char restart[CONFIG_RESTART_BYTES], char **text, const char *before,
                      const char *key)
{
    if (config_is_same_text(*text, before)) {
        return true;
    }
    note_restart(restart, key);
    return copy_text(text, before);
}

/* Certificates are read again, also from another file; whether there is TLS stays. */
static bool keep_listener(char restart[CONFIG_RESTART_BYTES], struct config_listener *listener,
                          const struct config_listener *before, const char *listen_key,
                          const char *tls_key)
{
    if (!keep_text(restart, &listener->listen, before->listen, listen_key)) {
        return false;
    }
    if ((listener->tls_cert == NULL) == (before->tls_cert == NULL)) {
        return true;
    }
    note_restart(restart, tls_key);
    return copy_text(&listener->tls_cert, before->tls_cert) &&
           copy_text(&listener->tls_key, before->tls_key);
}

static void free_listener(struct config_listener *listener)
{
    if (listener != NULL) {
        free(listener->listen);
        free(listener->token_file);
        free(listener->tls_cert);
        free(listener->tls_key);
        free(listener->url);
        free(listener);
    }
}

/* Whether there is a peer side stays, too. */
static bool keep_peer_side(char restart[CONFIG_RESTART_BYTES], struct config_listener **listener,
                           const struct config_listener *before)
{
    if (*listener != NULL && before != NULL) {
        return keep_listener(restart, *listener, before, "peer.listen", "peer.tls_cert");
    }
    if (*listener == before) {
        return true;
    }
    note_restart(restart, "peer");
    free_listener(*listener);
    *listener = before != NULL ? calloc(1, sizeof **listener) : NULL;
    return before == NULL ||
           (*listener != NULL && copy_text(&(*listener)->listen, before->listen) &&
            copy_text(&(*listener)->tls_cert, before->tls_cert) &&
            copy_text(&(*listener)->tls_key, before->tls_key) &&
            copy_text(&(*listener)->url, before->url));
}

static enum sotto_status keep_fixed(struct config_file *file, char restart[CONFIG_RESTART_BYTES],
                                    const struct config_file *before, struct sotto_error *err)
{
    bool good =
        keep_text(restart, &file->name, before->name, "name") &&
        keep_text(restart, &file->state_dir, before->state_dir, "state_dir") &&
        keep_text(restart, &file->identity, before->identity, "identity") &&
        keep_text(restart, &file->api.token_file, before->api.token_file, "api.token_file") &&
        keep_listener(restart, &file->api, &before->api, "api.listen", "api.tls_cert") &&
        keep_peer_side(restart, &file->peer, before->peer);
    return good ? SOTTO_OK : sotto_error_no_memory(err);
}

enum sotto_status config_reload(struct config **out, char out_restart[CONFIG_RESTART_BYTES],
                                const char *path, const struct config *before,
                                struct sotto_error *err)
{
    out_restart[0] = '\0';
    struct config *config = sotto_alloc_zeroed(sizeof *config);
    if (config == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = config_load(config, path, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = keep_places(config, before, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = keep_fixed(config->file, out_restart, before->file, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    *out = config_hold(config);
    config = NULL;
out:
    if (config != NULL) {
        config_release(config);
        sotto_free(config);
    }
    return status;
}
