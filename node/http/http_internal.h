/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_HTTP_INTERNAL_H
#define SOTTO_NODE_HTTP_INTERNAL_H

/* What http.c (requests, connections) and http_listener.c (sockets, certificates) share. */

#include "http/http.h"

/* A connection, from when it was accepted. */
struct http_connection {
    struct seat seat;
    struct http_server *server;
    int fd;
};

/* A daemon that accepts nothing any more, and is there for the connections that it has. */
struct http_leaving {
    struct http_leaving *next;
    struct MHD_Daemon *daemon;
    struct loop_source *source;
};

struct http_server {
    struct seats seats;
    struct MHD_Daemon *daemon;
    struct http_leaving *leaving; /* those of certificates before */
    struct loop *loop;
    struct loop_source *source;
    struct http_handlers handlers;
    struct http_request *waiting;
    uint64_t last_id;
    uint64_t bytes_in;
    uint64_t bytes_out;
    int listen_fd;
    char *cert;
    char *key;
    bool is_stopping;
};

/* A socket that listens. section: of node.yaml, for errors. */
enum sotto_status http__open_listener(int *out_fd, uint16_t *out_port, const char *listen_text,
                                      const char *section, struct sotto_error *err) SOTTO_NODISCARD;
/* The certificate and the key of a listener as texts; NULL where it has no TLS. Ownership: ended by
 * http__free_pem. */
enum sotto_status http__read_tls(char **out_cert, char **out_key,
                                 const struct config_listener *listener,
                                 struct sotto_error *err) SOTTO_NODISCARD;
/* Wipes and frees; NULL is fine. */
void http__free_pem(char *pem);

/* Lets the loop wake up for what the server's daemon waits for. */
enum sotto_status http__watch_daemon(struct http_server *server,
                                     struct sotto_error *err) SOTTO_NODISCARD;
/* Lets a daemon work. Returns: how many milliseconds it may wait at most; -1: for ever. */
int http__run_daemon(struct MHD_Daemon *daemon);
/* The same of all that leave; those without connections end. */
int http__run_leaving(struct http_server *server);
/* Ends them all. */
void http__stop_leaving(struct http_server *server);

#endif
