/* SPDX-License-Identifier: Apache-2.0 */

/* The socket and the certificates of a listener, and the daemons of libmicrohttpd behind it. A
 * daemon has one certificate for as long as it lives. So another one takes the socket over when the
 * certificate is another, and the one before leaves once its connections have ended: each is closed
 * with its next answer. */

#include "http/http_internal.h"

#include "config/keys.h"
#include <errno.h>
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A flood fills it; whoever finds it full tries again a second later. */
#define LISTEN_BACKLOG 4096
#define PEM_BYTES_MAX ((size_t)1024 * 1024)

enum sotto_status http__open_listener(int *out_fd, uint16_t *out_port, const char *listen_text,
                                      const char *section, struct sotto_error *err)
{
    struct sockaddr_storage address;
    socklen_t address_bytes;
    int one = 1;
    SOTTO_REQUIRE(config_parse_listen(&address, &address_bytes, listen_text));
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(fd, (const struct sockaddr *)&address, address_bytes) != 0 ||
        listen(fd, LISTEN_BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &address_bytes) != 0) {
        int reason = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return sotto_error_set(err, SOTTO_ERROR_IO,
                               "can't listen on %s: %s; %s.listen in node.yaml says where",
                               listen_text, strerror(reason), section);
    }
    *out_fd = fd;
    *out_port =
        ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&address)->sin6_port
                                            : ((struct sockaddr_in *)(void *)&address)->sin_port);
    return SOTTO_OK;
}

void http__free_pem(char *pem)
{
    if (pem != NULL) {
        sotto_wipe(pem, strlen(pem));
    }
    sotto_free(pem);
}

enum sotto_status http__read_tls(char **out_cert, char **out_key,
                                 const struct config_listener *listener, struct sotto_error *err)
{
    size_t bytes;
    *out_cert = NULL;
    *out_key = NULL;
    if (listener->tls_cert == NULL) {
        return SOTTO_OK;
    }
    enum sotto_status status = file_read(listener->tls_cert, out_cert, &bytes, PEM_BYTES_MAX, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return file_read(listener->tls_key, out_key, &bytes, PEM_BYTES_MAX, err);
}

/* --- Daemons --- */

static void on_ready(void *context, uint32_t events)
{
    (void)context;
    (void)events; /* daemons run in every turn of the loop */
}

enum sotto_status http__watch_daemon(struct http_server *server, struct sotto_error *err)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return loop_add(server->loop, &server->source, info->epoll_fd, EPOLLIN, on_ready, server, err);
}

int http__run_daemon(struct MHD_Daemon *daemon)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    (void)MHD_run(daemon);
    if (MHD_get_timeout(daemon, &wait_ms) != MHD_YES) {
        return -1;
    }
    return wait_ms < 60000 ? (int)wait_ms : 60000;
}

static bool has_connections(struct MHD_Daemon *daemon)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info == NULL || info->num_connections > 0;
}

static void stop_leaving(struct http_server *server, struct http_leaving *leaving)
{
    loop_remove(server->loop, leaving->source);
    MHD_stop_daemon(leaving->daemon);
    sotto_free(leaving);
}

int http__run_leaving(struct http_server *server)
{
    int wait_ms = -1;
    for (struct http_leaving **at = &server->leaving; *at != NULL;) {
        struct http_leaving *leaving = *at;
        int own_ms = http__run_daemon(leaving->daemon);
        if (!has_connections(leaving->daemon)) {
            *at = leaving->next;
            stop_leaving(server, leaving);
            continue;
        }
        wait_ms = wait_ms < 0 || (own_ms >= 0 && own_ms < wait_ms) ? own_ms : wait_ms;
        at = &leaving->next;
    }
    return wait_ms;
}

void http__stop_leaving(struct http_server *server)
{
    while (server->leaving != NULL) {
        struct http_leaving *leaving = server->leaving;
        server->leaving = leaving->next;
        (void)MHD_run(leaving->daemon); /* sends what was just answered */
        stop_leaving(server, leaving);
    }
}
