/* SPDX-License-Identifier: Apache-2.0 */

/* Rows of a database, by way of a worker. Leans on the parcels of dataset, which believe nothing.
 *
 * The pipe is a pair of sockets, which the kernel fills in larger pieces than a pipe's pages.
 *
 * The idea: whatever the worker does, it ends. It is started with nothing (no environment, no
 * descriptors but its request, the pipe and /dev/null, a group of its own), and killed once its
 * last parcel has come, or it breaks the format, says nothing for too long, or is not wanted any
 * more. What it read is a table, or nothing at all. */

#include "loop/keeper.h"
#include "source/files.h"
#include "source/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FDS_FROM 10          /* above those of the child */
#define PIPE_BYTES (1 << 20) /* on their way */
#define STEP_MS 100

struct source_process {
    struct spawned process;
    int pipe; /* or -1 */
    int request;
    int commands; /* of a session */
};

#define NO_PROCESS                                                                                 \
    ((struct source_process){.process = SPAWNED_NONE, .pipe = -1, .request = -1, .commands = -1})

/* --- Start --- */

static int raise_fd(int fd)
{
    int raised = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, FDS_FROM) : -1;
    if (fd >= 0) {
        (void)close(fd);
    }
    return raised;
}

static enum sotto_status io_failed(const char *what, int code, struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_IO, "%s of a source's worker: %s", what,
                           strerror(code));
}

/* Puts the request into a file without a name. */
static enum sotto_status store_request(struct source_process *worker,
                                       const struct source_request *request,
                                       struct sotto_error *err)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOURCE_REQUEST_BYTES_MAX);
    source_request_write(&writer, request);
    enum sotto_status status = sotto_writer_status(&writer);
    if (status != SOTTO_OK) {
        status = sotto_error_set(err, SOTTO_ERROR_LIMIT,
                                 "expected a request of at most %zu KiB, found a longer one",
                                 SOURCE_REQUEST_BYTES_MAX >> 10);
        goto out;
    }
    worker->request = raise_fd(memfd_create("request", MFD_CLOEXEC));
    if (worker->request < 0 ||
        write(worker->request, writer.data, writer.data_bytes) != (ssize_t)writer.data_bytes) {
        status = io_failed("the request", errno, err);
    }
out:
    if (writer.data != NULL) {
        sotto_wipe(writer.data, writer.data_bytes);
    }
    sotto_writer_release(&writer);
    return status;
}

/* fds: of the request, the parcels, and of a session the commands. */
static int add_actions(posix_spawn_file_actions_t *actions, const int *fds, size_t fds_len)
{
    static const int theirs[] = {SOURCE_REQUEST_FD, SOURCE_PARCELS_FD, SOURCE_COMMANDS_FD};
    int failed = posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
    failed |= posix_spawn_file_actions_addopen(actions, 2, "/dev/null", O_WRONLY, 0);
    for (size_t i = 0; i < fds_len; i++) {
        failed |= posix_spawn_file_actions_adddup2(actions, fds[i], theirs[i]);
    }
    failed |= posix_spawn_file_actions_addclosefrom_np(actions, theirs[fds_len - 1] + 1);
    return failed;
}

static int spawn_worker(pid_t *out_pid, const char *program, const int *fds, size_t fds_len)
{
    posix_spawn_file_actions_t actions;
    const char *const words[] = {"sotto", "source-worker", NULL};
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return ENOMEM;
    }
    int failed =
        add_actions(&actions, fds, fds_len) == 0
            ? spawn_program(out_pid, program != NULL ? program : "/proc/self/exe", &actions, words)
            : ENOMEM;
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static int start_asked(pid_t *out_pid, const struct keeper_asked *asked)
{
    return asked->bytes_len == 0 && (asked->fds_len == 2 || asked->fds_len == 3)
               ? spawn_worker(out_pid, NULL, asked->fds, asked->fds_len)
               : EINVAL;
}

bool source_keep(void)
{
    return keeper_serve(start_asked);
}

/* Starts it here, or in a unit of its own where there is one for sources. */
static enum sotto_status start_process(struct source_process *worker, const char *program,
                                       const int *fds, size_t fds_len, struct sotto_error *err)
{
    char path[SPAWN_UNIT_BYTES];
    if (spawn_unit(path, "source")) {
        return spawn_in_unit(&worker->process, path, NULL, 0, fds, fds_len, err);
    }
    int failed = spawn_worker(&worker->process.pid, program, fds, fds_len);
    if (failed != 0) {
        worker->process = SPAWNED_NONE;
        return io_failed("the start", failed, err);
    }
    return SOTTO_OK;
}

/* One way, from ends[1] to ends[0]. */
static int open_pipe(int ends[2])
{
    const int bytes = PIPE_BYTES;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return -1;
    }
    (void)shutdown(ends[0], SHUT_WR);
    (void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes); /* less will do */
    return 0;
}

static enum sotto_status start(struct source_process *worker, const struct source_request *request,
                               const char *program, struct sotto_error *err)
{
    int ends[2];
    enum sotto_status status = store_request(worker, request, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (open_pipe(ends) != 0) {
        return io_failed("the pipe", errno, err);
    }
    worker->pipe = ends[0];
    int theirs = raise_fd(ends[1]);
    int commands[2] = {-1, -1};
    bool is_open =
        theirs >= 0 &&
        (!request->is_session || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, commands) == 0);
    int reads = raise_fd(commands[1]);
    worker->commands = commands[0];
    const int fds[] = {worker->request, theirs, reads};
    status = is_open ? start_process(worker, program, fds, request->is_session ? 3 : 2, err)
                     : io_failed("the pipe", errno, err);
    if (theirs >= 0) {
        (void)close(theirs);
    }
    if (reads >= 0) {
        (void)close(reads);
    }
    return status;
}

/* --- End --- */

/* Kills what is left of it. Returns: how it ended. */
static int end(struct source_process *worker)
{
    int status = spawned_end(&worker->process);
    if (worker->pipe >= 0) {
        (void)close(worker->pipe);
    }
    if (worker->request >= 0) {
        (void)close(worker->request);
    }
    if (worker->commands >= 0) {
        (void)close(worker->commands);
    }
    *worker = NO_PROCESS;
    return status;
}

/* The pipe ended before the last parcel. A process that is dying keeps the status that it dies of,
 * whatever is sent to it. */
static enum sotto_status explain_end(struct source_process *worker, struct sotto_error *err)
{
    int status = end(worker);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
        return sotto_error_set(err, SOTTO_ERROR_STATE,
                               "the driver's process was killed, for its memory or by somebody, or "
                               "sent no more");
    }
    if (WIFSIGNALED(status)) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "the driver's process crashed: %s",
                               strsignal(WTERMSIG(status)));
    }
    return sotto_error_set(err, SOTTO_ERROR_STATE,
                           "the driver's process ended before all rows came (exit status %d)",
                           WEXITSTATUS(status));
}

/* --- Rows --- */

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Waits until there is something to read, for as long as the limits let it. end_ms: 0, or when all
 * of it has to be there. */
static enum sotto_status await_bytes(const struct source_process *worker, uint64_t end_ms,
                                     const struct source_limits *limits, struct sotto_error *err)
{
    uint64_t until = now_ms() + (uint64_t)limits->silence_s * 1000;
    for (;;) {
        struct pollfd fd = {.fd = worker->pipe, .events = POLLIN};
        if (sotto_interrupt_is_set(limits->interrupt)) {
            return sotto_error_set(err, SOTTO_ERROR_CANCELLED, "reading a source was interrupted");
        }
        if (end_ms != 0 && now_ms() >= end_ms) {
            return sotto_error_set(err, SOTTO_ERROR_TIMEOUT,
                                   "its rows did not come within %u s: ask for fewer of them in a "
                                   "view or query",
                                   limits->seconds_max);
        }
        if (poll(&fd, 1, STEP_MS) > 0) {
            return SOTTO_OK;
        }
        if (now_ms() >= until) {
            return sotto_error_set(
                err, SOTTO_ERROR_TIMEOUT,
                "the driver sent nothing for %u s: the database does not answer, "
                "or has too much to do",
                limits->silence_s);
        }
    }
}

/* When all of an answer that is asked for now has to be there. */
static uint64_t find_end(const struct source_limits *limits)
{
    return limits->seconds_max > 0 ? now_ms() + (uint64_t)limits->seconds_max * 1000 : 0;
}

/* Takes what has come, once something has. */
static enum sotto_status take_some(struct source_process *worker, struct sotto_parcels *parcels,
                                   uint64_t end_ms, const struct source_limits *limits,
                                   struct sotto_error *err)
{
    size_t space;
    enum sotto_status status = await_bytes(worker, end_ms, limits, err);
    if (status != SOTTO_OK) {
        return status;
    }
    void *to = sotto_parcels_space(parcels, &space);
    SOTTO_REQUIRE(to != NULL); /* a failure ends this, and completion */
    ssize_t bytes = read(worker->pipe, to, space);
    if (bytes > 0) {
        return sotto_parcels_filled(parcels, (size_t)bytes, err);
    }
    return bytes == 0 || errno != EINTR ? explain_end(worker, err) : SOTTO_OK;
}

static enum sotto_status take_all(struct source_process *worker, struct sotto_parcels *parcels,
                                  const struct source_limits *limits, struct sotto_error *err)
{
    uint64_t end_ms = find_end(limits);
    enum sotto_status status = SOTTO_OK;
    while (status == SOTTO_OK && !sotto_parcels_are_complete(parcels)) {
        status = take_some(worker, parcels, end_ms, limits, err);
    }
    return status;
}

static enum sotto_status read_rows(struct source_rows *out, struct source_process *worker,
                                   const struct source_request *request,
                                   const struct source_limits *limits, struct sotto_error *err)
{
    enum sotto_status status = sotto_parcels_new(&out->parcels, limits->bytes_max, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = start(worker, request, limits->program, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = take_all(worker, out->parcels, limits, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_parcels_state(out->parcels, request->types, request->types_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto_parcels_table(&out->table, out->parcels, err);
}

enum sotto_status source_rows_read(struct source_rows *out, const struct source_request *request,
                                   const struct source_limits *limits, const char *name,
                                   struct sotto_error *err)
{
    struct source_rows rows = {0};
    struct source_process worker = NO_PROCESS;
    uint64_t files = source_files_identify(request->files);
    enum sotto_status status = read_rows(&rows, &worker, request, limits, err);
    (void)end(&worker);
    if (status == SOTTO_OK) {
        status = source_files_check(request->files, files, err);
    }
    if (status != SOTTO_OK) {
        source_rows_release(&rows);
        return sotto_error_prefix(err, "%s", name);
    }
    *out = rows;
    return SOTTO_OK;
}

/* --- Sessions --- */

struct source_session {
    struct source_process worker;
    struct source_limits limits;
    const char *name;
    struct source_rows columns;     /* without rows */
    struct sotto_parcels *streamed; /* of rows that are not read to their end; or NULL */
    uint64_t end_ms;                /* when they have to be */
};

static enum sotto_status take_answer(struct source_rows *out, struct source_session *session,
                                     const struct source_limits *limits, struct sotto_error *err)
{
    struct source_rows rows = {0};
    enum sotto_status status = sotto_parcels_new(&rows.parcels, limits->bytes_max, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = take_all(&session->worker, rows.parcels, limits, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_parcels_table(&rows.table, rows.parcels, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    *out = rows;
    rows = (struct source_rows){0};
out:
    source_rows_release(&rows);
    return status;
}

enum sotto_status source_session_open(struct source_session **out,
                                      const struct source_request *request,
                                      const struct source_limits *limits, const char *name,
                                      struct sotto_error *err)
{
    struct source_session *session = sotto_alloc_zeroed(sizeof *session);
    if (session == NULL) {
        return sotto_error_no_memory(err);
    }
    SOTTO_REQUIRE(request->is_session && request->types_len == 0);
    *session = (struct source_session){.worker = NO_PROCESS, .limits = *limits, .name = name};
    enum sotto_status status = start(&session->worker, request, limits->program, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = take_answer(&session->columns, session, limits, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    *out = session;
    return SOTTO_OK;
out:
    source_session_close(session);
    return sotto_error_prefix(err, "%s", name);
}

void source_session_close(struct source_session *session)
{
    if (session != NULL) {
        (void)end(&session->worker);
        sotto_parcels_free(session->streamed);
        source_rows_release(&session->columns);
        sotto_free(session);
    }
}

const struct sotto_parcels *source_session_columns(const struct source_session *session)
{
    return session->columns.parcels;
}

/* Sends all of it, as long as the worker takes it. "": the rows are asked for. */
static enum sotto_status send_command(const struct source_session *session, const char *sql,
                                      struct sotto_error *err)
{
    struct sotto_writer writer;
    struct timeval patience = {.tv_sec = (time_t)session->limits.silence_s};
    size_t sent = 0;
    sotto_writer_init(&writer, SOURCE_REQUEST_BYTES_MAX);
    sotto_write_blob(&writer, sql, strlen(sql));
    enum sotto_status status =
        sotto_writer_status(&writer) == SOTTO_OK
            ? SOTTO_OK
            : sotto_error_set(err, SOTTO_ERROR_LIMIT, "a question is longer than it may be");
    (void)setsockopt(session->worker.commands, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    while (status == SOTTO_OK && sent < writer.data_bytes) {
        ssize_t bytes = send(session->worker.commands, writer.data + sent, writer.data_bytes - sent,
                             MSG_NOSIGNAL);
        if (bytes <= 0) {
            status = sotto_error_set(err, SOTTO_ERROR_STATE, "the driver's process takes no more");
        }
        sent += bytes > 0 ? (size_t)bytes : 0;
    }
    sotto_writer_release(&writer);
    return status;
}

/* Sends a question, once the answer before was read. */
static enum sotto_status send_question(const struct source_session *session, const char *sql,
                                       struct sotto_error *err)
{
    enum sotto_status status =
        session->streamed == NULL
            ? send_command(session, sql, err)
            : sotto_error_set(err, SOTTO_ERROR_STATE, "not all rows were read that it was asked");
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_prefix(err, "%s", session->name);
}

enum sotto_status source_session_ask(struct source_rows *out, struct source_session *session,
                                     const char *sql, struct sotto_error *err)
{
    /* A sum comes after a long silence. */
    struct source_limits limits = session->limits;
    limits.silence_s =
        limits.seconds_max > limits.silence_s ? limits.seconds_max : limits.silence_s;
    enum sotto_status status = send_question(session, sql, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = take_answer(out, session, &limits, err);
    if (status != SOTTO_OK) {
        return sotto_error_prefix(err, "%s", session->name);
    }
    return SOTTO_OK;
}

enum sotto_status source_session_begin(struct source_session *session, struct sotto_error *err)
{
    struct sotto_parcels *parcels = NULL;
    enum sotto_status status = sotto_parcels_new(&parcels, session->limits.bytes_max, err);
    if (status != SOTTO_OK) {
        return sotto_error_prefix(err, "%s", session->name);
    }
    status = send_question(session, "", err);
    if (status != SOTTO_OK) {
        sotto_parcels_free(parcels);
        return status;
    }
    session->streamed = parcels;
    session->end_ms = find_end(&session->limits);
    return SOTTO_OK;
}

/* The rows that come next; NULL after the last ones. */
static enum sotto_status take_next(struct sotto_table **out, struct source_session *session,
                                   struct sotto_error *err)
{
    enum sotto_status status = sotto_parcels_rows(out, session->streamed, err);
    while (status == SOTTO_OK && *out == NULL && !sotto_parcels_are_complete(session->streamed)) {
        status =
            take_some(&session->worker, session->streamed, session->end_ms, &session->limits, err);
        if (status == SOTTO_OK) {
            status = sotto_parcels_rows(out, session->streamed, err);
        }
    }
    return status;
}

enum sotto_status source_session_next(struct sotto_table **out, struct source_session *session,
                                      struct sotto_error *err)
{
    struct sotto_table *table = NULL;
    enum sotto_status status = take_next(&table, session, err);
    if (status != SOTTO_OK) {
        return sotto_error_prefix(err, "%s", session->name);
    }
    if (table == NULL) {
        sotto_parcels_free(session->streamed);
        session->streamed = NULL;
    }
    *out = table;
    return SOTTO_OK;
}

void source_rows_release(struct source_rows *rows)
{
    sotto_table_free(rows->table);
    sotto_parcels_free(rows->parcels);
    *rows = (struct source_rows){0};
}

enum sotto_status source_rows_check(const struct source_rows *rows, const char *const *wanted,
                                    size_t wanted_len, struct sotto_error *err)
{
    const struct sotto_parcels *parcels = rows->parcels;
    size_t len = sotto_parcels_columns_len(parcels);
    const char **names = sotto_alloc_array(len + 1, sizeof *names);
    enum sotto_status status = names != NULL ? SOTTO_OK : sotto_error_no_memory(err);
    for (size_t i = 0; status == SOTTO_OK && i < len; i++) {
        names[i] = sotto_parcels_column(parcels, i).name;
    }
    for (size_t i = 0; status == SOTTO_OK && i < wanted_len; i++) {
        const char *name = wanted[i];
        size_t found = 0;
        while (found < len && strcmp(names[found], name) != 0) {
            found++;
        }
        const char *hidden = found < len ? sotto_parcels_column(parcels, found).hidden : NULL;
        const char *nearest = sotto_text_nearest(name, names, len);
        if (found == len) {
            status = sotto_error_set(err, SOTTO_ERROR_NOT_FOUND, "there is no column \"%s\"%s%s%s",
                                     name, nearest != NULL ? ", did you mean \"" : "",
                                     nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
        } else if (hidden != NULL) {
            status = sotto_error_set(err, SOTTO_ERROR_TYPE,
                                     "column \"%s\": its values are %s, for which there is no type "
                                     "here: cast it in a view or query",
                                     name, hidden);
        }
    }
    sotto_free(names);
    return status;
}
