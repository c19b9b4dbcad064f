/* SPDX-License-Identifier: Apache-2.0 */

/* The daemon puts the parts together: it opens what they need in an order (start_parts), runs the
 * loop, and closes in the reverse one (daemon_run). Leans on all rooms but cli/. The idea: parts
 * don't know each other; what one says to another (an event of the compute thread, a question of
 * the API) passes through here. loop/queue.h tells what the two threads share. */

#include "daemon.h"

#include "config/certificate.h"
#include "config/keys.h"
#include "config/places.h"
#include "http/api.h"
#include "loop/log.h"
#include "loop/notify.h"
#include "peer/client.h"
#include "peer/presence.h"
#include "peer/server.h"
#include "process.h"
#include "store/store_ledger.h"
#include "task/compute.h"
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define INTERRUPTED "the node was restarted"

/* Everything that runs on the loop thread. */
struct daemon {
    struct shared shared;
    struct metrics metrics;
    const char *config_path;
    struct config *reloaded; /* that of shared, held; NULL: it is that of the start */
    struct store *reader;
    struct queue jobs;
    struct queue events;
    struct compute *compute;
    int signal_fd;
    struct http_api *api;
    struct peer_server *peer; /* NULL: no peer listener */
    struct peer_client *client;
    struct presence *presence;
    struct loop_timer minute;
    struct loop_timer watchdog;
};

#define MINUTE_MS UINT64_C(60000)

static void on_minute(void *context)
{
    struct daemon *daemon = context;
    log_flush();
    loop_timer_set(&daemon->minute, clock_ms() + MINUTE_MS);
}

static void send_message(struct daemon *daemon, struct job *event)
{
    if (event->by_calling) {
        peer_client_send(daemon->client, event);
    } else if (daemon->peer != NULL) {
        peer_server_send(daemon->peer, event);
    } else {
        log_limited(LOG_MESSAGES, "",
                    "a message is dropped: node.yaml has no peer section, so nobody can fetch it");
    }
}

static void on_events(void *context, uint32_t ready)
{
    struct daemon *daemon = context;
    uint64_t count;
    struct job *event;
    (void)ready;
    ssize_t got = read(daemon->events.event_fd, &count, sizeof count);
    (void)got;
    while ((event = queue_pop(&daemon->events)) != NULL) {
        switch (event->kind) {
        case EVENT_REPLY:
            http_api_reply(daemon->api, event);
            break;
        case EVENT_CHANGED:
            http_api_changed(daemon->api, event->number);
            break;
        case EVENT_SEND:
            send_message(daemon, event);
            break;
        default: /* jobs go the other way */
            break;
        }
        job_free(event);
    }
}

/* --- node.yaml read again --- */

/* No peer has this node's own key. */
static enum sotto_status check_own_key(const struct config *config, const struct sotto_key *own,
                                       struct sotto_error *err)
{
    size_t index = config_find_peer(config, own);
    return index == SOTTO_NONE
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "peer %s has this node's own key: list only the others",
                                 config->file->peers[index].name);
}

/* Who is out is out at once: nothing of it is read any more, and nothing sent. */
static void follow_peers(struct daemon *daemon, const struct config *before)
{
    const struct config *config = daemon->shared.config;
    for (size_t i = 0; i < config->file->peers_count; i++) {
        bool is_peer = config_has_peer(config, i);
        if (is_peer == config_has_peer(before, i)) {
            continue;
        }
        log_line("%s is a peer %s", config->file->peers[i].name, is_peer ? "now" : "no more");
        if (daemon->peer != NULL && is_peer) {
            peer_server_welcome(daemon->peer, i);
        } else if (daemon->peer != NULL) {
            peer_server_forget(daemon->peer, i);
        }
        if (!is_peer) {
            queue_clear_lane(&daemon->jobs, 1 + i);
        }
    }
    peer_client_follow(daemon->client, before);
}

/* Whether the certificates that a configuration names are some, so that going over can't fail. */
static enum sotto_status check_certificates(const struct config_file *file, struct sotto_error *err)
{
    const struct config_listener *listeners[] = {&file->api, file->peer};
    for (size_t i = 0; i < 2; i++) {
        int days;
        if (listeners[i] == NULL || listeners[i]->tls_cert == NULL) {
            continue;
        }
        enum sotto_status status =
            certificate_check(&days, listeners[i]->tls_cert, listeners[i]->tls_key, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

enum sotto_status daemon_check(const struct config *config, struct sotto_error *err)
{
    struct sotto_identity *identity = NULL;
    enum sotto_status status = identity_file_load(config->file->identity, &identity, err);
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto_key own = sotto_identity_key(identity);
    sotto_identity_free(identity);
    status = check_own_key(config, &own, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return check_certificates(config->file, err);
}

static void renew_certificates(struct daemon *daemon)
{
    struct sotto_error err = {0};
    if (http_api_renew_tls(daemon->api, &err) != SOTTO_OK ||
        (daemon->peer != NULL && peer_server_renew_tls(daemon->peer, &err) != SOTTO_OK)) {
        log_warning("a certificate stays as it was: %s", err.text);
    }
}

static void set_log(const struct config_file *file)
{
    bool is_quiet = file->log_level != NULL && strcmp(file->log_level, "warning") == 0;
    log_format(file->log != NULL && strcmp(file->log, "json") == 0);
    log_least(is_quiet ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO);
}

/* What the API answers once the compute thread has gone over. */
static enum sotto_status write_reloaded(struct sotto_buffer *out, const char *restart)
{
    char text[CONFIG_RESTART_BYTES + 64];
    int bytes = snprintf(text, sizeof text, "{\"status\": \"ok\", \"restart\": \"%s\"}", restart);
    return sotto_buffer_copy(out, text, (size_t)bytes);
}

/* Goes over to node.yaml as it is now: the loop thread at once, the compute thread with a job,
 * which answers request (0: nobody asks). On failure the configuration in force stays, all of it,
 * and the log says so. */
static enum sotto_status reload(void *context, uint64_t request, struct sotto_error *err)
{
    struct daemon *daemon = context;
    const struct config *before = daemon->shared.config;
    struct config *dropped = daemon->reloaded;
    struct config *config = NULL;
    char restart[CONFIG_RESTART_BYTES];
    struct job *job = job_new(JOB_CONFIG);
    enum sotto_status status = job != NULL ? SOTTO_OK : sotto_error_no_memory(err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = config_reload(&config, restart, daemon->config_path, before, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = check_own_key(config, &daemon->shared.key, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = check_certificates(config->file, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = write_reloaded(&job->bytes, restart);
    if (status != SOTTO_OK) {
        (void)sotto_error_no_memory(err);
        goto out;
    }
    log_line("the configuration is reloaded from %s%s%s", daemon->config_path,
             restart[0] != '\0' ? "; these keys need a restart: " : "", restart);
    daemon->shared.config = config;
    daemon->reloaded = config_hold(config);
    follow_peers(daemon, before);
    renew_certificates(daemon);
    set_log(config->file);
    log_reopen();
    config_drop(dropped);
    job->config = config;
    job->request = request;
    queue_push(&daemon->jobs, job);
    config = NULL;
    job = NULL;
out:
    if (status != SOTTO_OK) {
        log_warning("the configuration is not reloaded, the old one stays in force: %s", err->text);
    }
    job_free(job);
    config_drop(config);
    return status;
}

/* --- What the API asks --- */

static bool is_connected(const void *context, size_t peer_index)
{
    const struct daemon *daemon = context;
    return presence_is_connected(daemon->presence, peer_index);
}

static bool is_away(const void *context, size_t peer_index)
{
    const struct daemon *daemon = context;
    return presence_is_away(daemon->presence, peer_index);
}

static void add_traffic(const void *context, uint64_t *out_in, uint64_t *out_out)
{
    const struct daemon *daemon = context;
    if (daemon->peer != NULL) {
        peer_server_traffic(daemon->peer, out_in, out_out);
    }
}

static void on_signal(void *context, uint32_t ready)
{
    struct daemon *daemon = context;
    struct signalfd_siginfo info;
    (void)ready;
    ssize_t got = read(daemon->signal_fd, &info, sizeof info);
    if (got == (ssize_t)sizeof info && info.ssi_signo == SIGHUP) {
        struct sotto_error err = {0};
        enum sotto_status status = reload(daemon, 0, &err);
        (void)status; /* the log has it */
        return;
    }
    log_line("stopping");
    notify_stopping();
    loop_stop(daemon->shared.loop);
}

/* --- Start --- */

enum sotto_status daemon_lock_state(int *out_fd, const char *folder, struct sotto_error *err)
{
    char path[4200];
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return sotto_error_set(err, SOTTO_ERROR_IO, "state_dir %s: %s", folder, strerror(errno));
    }
    (void)snprintf(path, sizeof path, "%s/lock", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", path, strerror(errno));
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        (void)close(fd);
        return sotto_error_set(err, SOTTO_ERROR_STATE,
                               "state_dir %s is in use by another sotto node", folder);
    }
    *out_fd = fd;
    return SOTTO_OK;
}

/* Tells where the node listens: one line on standard output, and a file for scripts. */
static enum sotto_status write_address(const struct daemon *daemon, uint16_t api_port,
                                       uint16_t peer_port, struct sotto_error *err)
{
    char line[512];
    char path[4200];
    const struct config_file *file = daemon->shared.config->file;
    const char *listen_text = file->api.listen;
    int used = snprintf(line, sizeof line, "api %s://%.*s:%u",
                        file->api.tls_cert != NULL ? "https" : "http",
                        (int)(strrchr(listen_text, ':') - listen_text), listen_text, api_port);
    if (file->peer != NULL) {
        listen_text = file->peer->listen;
        (void)snprintf(line + used, sizeof line - (size_t)used, " peer %s://%.*s:%u",
                       file->peer->tls_cert != NULL ? "https" : "http",
                       (int)(strrchr(listen_text, ':') - listen_text), listen_text, peer_port);
    }
    (void)snprintf(path, sizeof path, "%s/address", file->state_dir);
    FILE *out = fopen(path, "we");
    if (out == NULL || fprintf(out, "%s\n", line) < 0 || fclose(out) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", path, strerror(errno));
    }
    (void)printf("%s\n", line);
    (void)fflush(stdout);
    log_line("%s is up: %s", file->name, line);
    if (file->policy.datasets_count == 0) {
        log_warning("policy.datasets is empty: this node offers no data and joins no task");
    }
    return SOTTO_OK;
}

static enum sotto_status watch_signals(int *out_fd, sigset_t *out_before, struct sotto_error *err)
{
    sigset_t stop;
    (void)sigemptyset(&stop);
    (void)sigaddset(&stop, SIGTERM);
    (void)sigaddset(&stop, SIGINT);
    (void)sigaddset(&stop, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &stop, out_before);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error, not the end */
    *out_fd = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
    return *out_fd >= 0 ? SOTTO_OK
                        : sotto_error_set(err, SOTTO_ERROR_IO, "signalfd: %s", strerror(errno));
}

static enum sotto_status open_stores(struct daemon *daemon, struct store **out_writer,
                                     struct sotto_error *err)
{
    char path[4200];
    const char *folder = daemon->shared.config->file->state_dir;
    (void)snprintf(path, sizeof path, "%s/node.log", folder);
    set_log(daemon->shared.config->file);
    enum sotto_status status = log_open(path, err);
    if (status != SOTTO_OK) {
        return status;
    }
    (void)snprintf(path, sizeof path, "%s/node.db", folder);
    mode_t before = umask(0077); /* plans and results are the owner's */
    status = store_open(out_writer, path, false, err);
    (void)umask(before);
    if (status != SOTTO_OK) {
        return status;
    }
    status = store_interrupt_tasks(*out_writer, clock_unix_ms(), INTERRUPTED, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return store_open(&daemon->reader, path, true, err);
}

static enum sotto_status start_network(struct daemon *daemon, struct sotto_error *err)
{
    uint16_t api_port = 0;
    uint16_t peer_port = 0;
    struct api_node node = {.context = daemon,
                            .is_connected = is_connected,
                            .is_away = is_away,
                            .traffic = add_traffic,
                            .reload = reload};
    enum sotto_status status =
        http_api_new(&daemon->api, &api_port, &daemon->shared, daemon->reader, &node, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (daemon->shared.config->file->peer != NULL) {
        status = peer_server_new(&daemon->peer, &peer_port, &daemon->shared, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    status = peer_client_new(&daemon->client, &daemon->shared, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = presence_new(&daemon->presence, &daemon->shared, daemon->peer, daemon->client, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return write_address(daemon, api_port, peer_port, err);
}

/* What daemon_run closes at the end, besides what struct daemon has. */
struct daemon_resources {
    struct sotto_identity *identity;
    struct store *writer;
    struct sotto_ledger *ledger;
    struct loop_source *signal_source;
    struct loop_source *event_source;
    sigset_t signals_before;
    int lock_fd;
    bool has_jobs;
    bool has_events;
};

/* Until the compute thread says more, bodies are short. */
static enum sotto_status start_allowances(struct daemon *daemon, struct sotto_error *err)
{
    size_t len = daemon->shared.config->places_max;
    atomic_size_t *bytes = sotto_alloc_array(len + 1, sizeof *bytes);
    if (bytes == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < len; i++) {
        atomic_init(&bytes[i], BODY_BYTES_MIN);
    }
    daemon->shared.allowances.bytes = bytes;
    return SOTTO_OK;
}

static enum sotto_status start_queues(struct daemon *daemon, struct daemon_resources *held,
                                      struct sotto_error *err)
{
    enum sotto_status status =
        queue_init(&daemon->jobs, 1 + daemon->shared.config->places_max, false, err);
    if (status != SOTTO_OK) {
        return status;
    }
    held->has_jobs = true;
    status = queue_init(&daemon->events, 1, true, err);
    if (status != SOTTO_OK) {
        return status;
    }
    held->has_events = true;
    return SOTTO_OK;
}

static enum sotto_status start_loop(struct daemon *daemon, struct daemon_resources *held,
                                    struct sotto_error *err)
{
    enum sotto_status status = loop_new(&daemon->shared.loop, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = watch_signals(&daemon->signal_fd, &held->signals_before, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = loop_add(daemon->shared.loop, &held->signal_source, daemon->signal_fd, EPOLLIN,
                      on_signal, daemon, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return loop_add(daemon->shared.loop, &held->event_source, daemon->events.event_fd, EPOLLIN,
                    on_events, daemon, err);
}

static enum sotto_status start_compute(struct daemon *daemon, const struct daemon_resources *held,
                                       struct sotto_error *err)
{
    struct compute_config config = {
        .config = daemon->shared.config,
        .identity = held->identity,
        .store = held->writer,
        .ledger = held->ledger,
        .jobs = &daemon->jobs,
        .events = &daemon->events,
        .allowances = daemon->shared.allowances,
        .metrics = daemon->shared.metrics,
    };
    return compute_start(&daemon->compute, &config, err);
}

/* Opens and starts everything, or what came before a failure: daemon_run closes it in either case.
 */
static enum sotto_status start_parts(struct daemon *daemon, struct daemon_resources *held,
                                     struct sotto_error *err)
{
    const struct config_file *file = daemon->shared.config->file;
    enum sotto_status status = identity_file_load(file->identity, &held->identity, err);
    if (status != SOTTO_OK) {
        return status;
    }
    daemon->shared.identity = held->identity;
    daemon->shared.key = sotto_identity_key(held->identity);
    status = check_own_key(daemon->shared.config, &daemon->shared.key, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = daemon_lock_state(&held->lock_fd, file->state_dir, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = open_stores(daemon, &held->writer, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = start_allowances(daemon, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = store_ledger_open(&held->ledger, held->writer, held->identity, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = start_queues(daemon, held, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = start_loop(daemon, held, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = start_compute(daemon, held, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return start_network(daemon, err);
}

enum sotto_status daemon_run(const struct config *config, const char *path, struct sotto_error *err)
{
    struct daemon daemon = {.shared = {.config = config}, .config_path = path, .signal_fd = -1};
    daemon.shared.jobs = &daemon.jobs;
    daemon.shared.metrics = &daemon.metrics;
    struct daemon_resources held = {.lock_fd = -1};
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    process_prepare();
    enum sotto_status status = start_parts(&daemon, &held, err);
    if (status == SOTTO_OK) {
        process_lock_memory();
        loop_timer_add(daemon.shared.loop, &daemon.minute, on_minute, &daemon);
        loop_timer_set(&daemon.minute, clock_ms() + MINUTE_MS);
        notify_ready(daemon.shared.loop, &daemon.watchdog);
        loop_run(daemon.shared.loop);
    }
    presence_free(daemon.presence);
    peer_client_free(daemon.client);
    peer_server_free(daemon.peer);
    http_api_free(daemon.api);
    compute_stop(daemon.compute);
    loop_remove(daemon.shared.loop, held.event_source);
    loop_remove(daemon.shared.loop, held.signal_source);
    loop_free(daemon.shared.loop);
    if (daemon.signal_fd >= 0) {
        (void)close(daemon.signal_fd);
        (void)pthread_sigmask(SIG_SETMASK, &held.signals_before, NULL);
    }
    if (held.has_events) {
        queue_release(&daemon.events);
    }
    if (held.has_jobs) {
        queue_release(&daemon.jobs);
    }
    sotto_free(daemon.shared.allowances.bytes);
    config_drop(daemon.reloaded);
    store_close(daemon.reader);
    sotto_ledger_free(held.ledger);
    store_close(held.writer);
    if (held.lock_fd >= 0) {
        (void)close(held.lock_fd);
    }
    sotto_identity_free(held.identity);
    log_flush();
    log_close();
    curl_global_cleanup();
    return status;
}
