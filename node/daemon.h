/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_DAEMON_H
#define SOTTO_NODE_DAEMON_H

/* The daemon: what its parts share on the loop thread. */

#include "config/config.h"
#include "http/http.h"
#include "loop/loop.h"
#include "loop/queue.h"
#include "store/store.h"
#include "task/compute.h"

/* A long poll is held no longer than this. */
#define POLL_SECONDS_MAX 25
/* While more than this waits for the compute thread, nothing else is taken from peers. */
#define JOBS_BYTES_MAX ((size_t)512 * 1024 * 1024)

struct http_api;
struct http_peer;
struct peer_client;

struct daemon {
    const struct config *config;
    const char *config_path;
    const struct sotto_identity *identity;
    struct sotto_key key;
    struct loop *loop;
    struct store *reader;
    struct queue jobs;
    struct queue events;
    struct compute *compute;
    int signal_fd;
    struct http_api *api;
    struct http_peer *peer; /* NULL: no peer listener */
    struct peer_client *client;
};

/* Runs a node until SIGTERM or SIGINT. path: of the file that config came from. */
enum sotto_status daemon_run(const struct config *config, const char *path,
                             struct sotto_error *err) SOTTO_NODISCARD;

/* Reads the file again and takes policy and files from it. On failure the old ones stay, and the
 * log says so. */
enum sotto_status daemon_reload(struct daemon *daemon, struct sotto_error *err) SOTTO_NODISCARD;

/* http_api.c */
enum sotto_status http_api_new(struct http_api **out, uint16_t *out_port, struct daemon *daemon,
                               struct sotto_error *err) SOTTO_NODISCARD;
void http_api_free(struct http_api *api);
void http_api_reply(struct http_api *api, struct job *event); /* EVENT_REPLY */
void http_api_changed(struct http_api *api, uint64_t number); /* EVENT_CHANGED */

/* http_peer.c: peers call us, and fetch what is for them. */
enum sotto_status http_peer_new(struct http_peer **out, uint16_t *out_port, struct daemon *daemon,
                                struct sotto_error *err) SOTTO_NODISCARD;
void http_peer_free(struct http_peer *peer);
void http_peer_send(struct http_peer *peer, struct job *event); /* EVENT_SEND; takes its bytes */
bool http_peer_is_connected(const struct http_peer *peer, size_t peer_index);
void http_peer_traffic(const struct http_peer *peer, uint64_t *out_in, uint64_t *out_out);

/* peer_client.c: we call peers. */
enum sotto_status peer_client_new(struct peer_client **out, struct daemon *daemon,
                                  struct sotto_error *err) SOTTO_NODISCARD;
void peer_client_free(struct peer_client *client);
void peer_client_send(struct peer_client *client, struct job *event); /* as http_peer_send */
bool peer_client_is_connected(const struct peer_client *client, size_t peer_index);

/* The index of a pinned key among config's peers, or SIZE_MAX. */
size_t daemon_find_peer(const struct daemon *daemon, const struct sotto_key *key);

#endif
