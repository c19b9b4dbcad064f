/* SPDX-License-Identifier: Apache-2.0 */

/* Nodes of `sotto poc`. Leans on the program itself, which is run in each node's folder: `sotto
 * init` and `sotto peer add` make nodes as people make them, and `sotto node` is started in a
 * session of its own. In a node's folder the file `pid` has its process, `out` the line with which
 * it says where it listens, and `poc.log` what these commands say. The idea: a process is this node
 * only if it is a `sotto node` in this node's folder, so that no other one that was given its
 * number is stopped. */

#include "cli/poc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sotto/alloc.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OURSELVES "/proc/self/exe"
#define LINE_BYTES_MAX ((size_t)4096)
#define WAIT_MS 20
#define WAITS_MAX (30 * 1000 / WAIT_MS) /* half a minute */

enum sotto_status poc_path(char out[POC_PATH_BYTES], const char *folder, const char *name,
                           const char *file, struct sotto_error *err)
{
    int bytes = snprintf(out, POC_PATH_BYTES, "%s/%s%s%s", folder, name, file != NULL ? "/" : "",
                         file != NULL ? file : "");
    return bytes > 0 && bytes < POC_PATH_BYTES
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_INPUT, "the name of the folder is too long");
}

static void wait_a_little(void)
{
    struct timespec pause = {.tv_nsec = WAIT_MS * 1000000L};
    (void)nanosleep(&pause, NULL);
}

/* --- Running the program itself --- */

/* Starts it in a node's folder, in a session of its own, with its output in the file `out`. words:
 * ended by NULL. */
static enum sotto_status spawn_ourselves(pid_t *out_pid, const char *node_folder,
                                         const char *const words[], struct sotto_error *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attr);
    int failed = posix_spawn_file_actions_addchdir_np(&actions, node_folder);
    failed |= posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    failed |=
        posix_spawn_file_actions_addopen(&actions, 1, "out", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    failed |= posix_spawn_file_actions_addopen(&actions, 2, "poc.log",
                                               O_WRONLY | O_CREAT | O_APPEND, 0600);
    failed |= posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID);
    if (failed == 0) {
        /* posix_spawn takes words that it does not change as if it could. */
        failed = posix_spawn(out_pid, OURSELVES, &actions, &attr, (char *const *)words, environ);
    }
    (void)posix_spawnattr_destroy(&attr);
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed == 0 ? SOTTO_OK
                       : sotto_error_set(err, SOTTO_ERROR_IO, "sotto can't be started in %s: %s",
                                         node_folder, strerror(failed));
}

/* The first line of a node's file `out`, empty if it has none yet. Ownership: sotto_free. */
static enum sotto_status read_out(char **out_line, const char *folder, const char *name,
                                  struct sotto_error *err)
{
    char path[POC_PATH_BYTES];
    char *text;
    size_t bytes;
    enum sotto_status status = poc_path(path, folder, name, "out", err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = file_read(path, &text, &bytes, LINE_BYTES_MAX, err);
    if (status != SOTTO_OK) {
        return status;
    }
    char *end = strchr(text, '\n');
    text[end != NULL ? (size_t)(end - text) : 0] = '\0';
    *out_line = text;
    return SOTTO_OK;
}

static enum sotto_status fail_with_log(const char *folder, const char *name, const char *what,
                                       struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_STATE, "%s of %s fails: %s/%s/poc.log says why", what,
                           name, folder, name);
}

/* Runs it to its end. */
static enum sotto_status run_ourselves(const char *folder, const char *name,
                                       const char *const words[], struct sotto_error *err)
{
    char path[POC_PATH_BYTES];
    pid_t pid;
    int ended;
    enum sotto_status status = poc_path(path, folder, name, NULL, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = spawn_ourselves(&pid, path, words, err);
    if (status != SOTTO_OK) {
        return status;
    }
    while (waitpid(pid, &ended, 0) < 0) {
        if (errno != EINTR) {
            return sotto_error_set(err, SOTTO_ERROR_IO, "waiting: %s", strerror(errno));
        }
    }
    return WIFEXITED(ended) && WEXITSTATUS(ended) == 0 ? SOTTO_OK
                                                       : fail_with_log(folder, name, words[1], err);
}

/* --- Making nodes --- */

/* Ports of this machine that are free, all different: each is held until all are found. */
static enum sotto_status find_ports(uint16_t *out, unsigned count, struct sotto_error *err)
{
    int sockets[POC_NODES_MAX + 1];
    unsigned opened = 0;
    bool found = true;
    while (found && opened < count) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t bytes = sizeof address;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        found = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
                getsockname(fd, (struct sockaddr *)&address, &bytes) == 0;
        if (fd >= 0) {
            sockets[opened] = fd;
            out[opened++] = ntohs(address.sin_port);
        }
    }
    for (unsigned i = 0; i < opened; i++) {
        (void)close(sockets[i]);
    }
    return found ? SOTTO_OK
                 : sotto_error_set(err, SOTTO_ERROR_IO, "no free port: %s", strerror(errno));
}

/* Makes a node, of which *out_contact is the line for the others; *peer_port 0: nobody calls it. */
static enum sotto_status make_node(char **out_contact, const char *folder, const char *name,
                                   uint16_t api_port, uint16_t peer_port, struct sotto_error *err)
{
    char api[8];
    char listen[32];
    (void)snprintf(api, sizeof api, "%u", api_port);
    (void)snprintf(listen, sizeof listen, "127.0.0.1:%u", peer_port);
    const char *const words[] = {"sotto", "init",   name,        "--api",
                                 api,     "--data", "wages.csv", peer_port > 0 ? "--listen" : NULL,
                                 listen,  NULL};
    enum sotto_status status = run_ourselves(folder, name, words, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return read_out(out_contact, folder, name, err);
}

enum sotto_status poc_make_nodes(const char *folder, unsigned count, struct sotto_error *err)
{
    uint16_t ports[POC_NODES_MAX + 1] = {0};
    char *contacts[POC_NODES_MAX] = {NULL};
    enum sotto_status status = find_ports(ports, count + 1, err);
    if (status != SOTTO_OK) {
        return status;
    }
    for (unsigned i = 0; i < count; i++) {
        status =
            make_node(&contacts[i], folder, poc_names[i], ports[i], i == 0 ? ports[count] : 0, err);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    for (unsigned pair = 0; pair < count * count; pair++) {
        unsigned i = pair / count;
        unsigned other = pair % count;
        const char *const words[] = {"sotto", "peer", "add", contacts[other], NULL};
        if (i == other) {
            continue;
        }
        status = run_ourselves(folder, poc_names[i], words, err);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
out:
    for (unsigned i = 0; i < count; i++) {
        sotto_free(contacts[i]);
    }
    return status;
}

/* --- Starting and stopping them --- */

static bool runs_in(pid_t pid, const char *node_folder)
{
    char path[64];
    struct stat here;
    struct stat there;
    (void)snprintf(path, sizeof path, "/proc/%d/cwd", (int)pid);
    return stat(node_folder, &here) == 0 && stat(path, &there) == 0 &&
           here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

/* Whether its words are those of poc_start. */
static bool is_sotto_node(pid_t pid)
{
    static const char expected[] = "sotto\0node";
    char path[64];
    char words[sizeof expected + 1];
    (void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    FILE *file = fopen(path, "re");
    size_t bytes = file != NULL ? fread(words, 1, sizeof words, file) : 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    return bytes == sizeof expected && memcmp(words, expected, bytes) == 0;
}

/* The process of a node: 0 if it does not run. */
static pid_t find_process(const char *folder, const char *name)
{
    char path[POC_PATH_BYTES];
    char *text = NULL;
    size_t bytes;
    long pid = 0;
    if (poc_path(path, folder, name, "pid", NULL) == SOTTO_OK &&
        file_read(path, &text, &bytes, 32, NULL) == SOTTO_OK) {
        pid = strtol(text, NULL, 10);
    }
    sotto_free(text);
    bool is_node = pid > 1 && poc_path(path, folder, name, NULL, NULL) == SOTTO_OK &&
                   runs_in((pid_t)pid, path) && is_sotto_node((pid_t)pid);
    return is_node ? (pid_t)pid : 0;
}

static enum sotto_status write_process(const char *folder, const char *name, pid_t pid,
                                       struct sotto_error *err)
{
    char path[POC_PATH_BYTES];
    enum sotto_status status = poc_path(path, folder, name, "pid", err);
    if (status != SOTTO_OK) {
        return status;
    }
    FILE *out = fopen(path, "we");
    bool written = out != NULL && fprintf(out, "%d\n", (int)pid) > 0;
    written = out != NULL && fclose(out) == 0 && written;
    return written ? SOTTO_OK
                   : sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", path, strerror(errno));
}

/* Waits until a node has said where it listens ("api URL peer URL"), or has ended. */
static enum sotto_status await_address(char out_api[POC_PATH_BYTES], const char *folder,
                                       const char *name, pid_t pid, struct sotto_error *err)
{
    for (unsigned i = 0; i < WAITS_MAX; i++) {
        char *line;
        enum sotto_status status = read_out(&line, folder, name, err);
        if (status != SOTTO_OK) {
            return status;
        }
        bool says = sscanf(line, "api %4000s", out_api) == 1;
        sotto_free(line);
        if (says) {
            return SOTTO_OK;
        }
        if (waitpid(pid, NULL, WNOHANG) == pid) {
            break;
        }
        wait_a_little();
    }
    return fail_with_log(folder, name, "the node", err);
}

enum sotto_status poc_start(char out_api[POC_PATH_BYTES], const char *folder, const char *name,
                            struct sotto_error *err)
{
    static const char *const words[] = {"sotto", "node", NULL};
    char path[POC_PATH_BYTES];
    pid_t pid = find_process(folder, name);
    enum sotto_status status = poc_path(path, folder, name, NULL, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (pid == 0) {
        status = spawn_ourselves(&pid, path, words, err);
        if (status != SOTTO_OK) {
            return status;
        }
        status = write_process(folder, name, pid, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return await_address(out_api, folder, name, pid, err);
}

enum sotto_status poc_stop(bool *out_stopped, const char *folder, const char *name,
                           struct sotto_error *err)
{
    pid_t pid = find_process(folder, name);
    *out_stopped = pid != 0;
    if (pid == 0) {
        return SOTTO_OK;
    }
    if (kill(pid, SIGTERM) != 0 && errno != ESRCH) {
        return sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", name, strerror(errno));
    }
    for (unsigned i = 0; i < WAITS_MAX; i++) {
        if (find_process(folder, name) == 0) {
            return SOTTO_OK;
        }
        wait_a_little();
    }
    return sotto_error_set(err, SOTTO_ERROR_STATE,
                           "the node of %s (process %d) has not ended yet: say it again", name,
                           (int)pid);
}
