/* SPDX-License-Identifier: Apache-2.0 */

/* Programs that were started here or in a unit. Leans on posix_spawn, and on the keeper's side of a
 * connection (keeper.c). The idea: whoever starts one holds its inputs and outputs in any case; who
 * its parent is shows in two things only, how it is killed and who says what it died of. */

#include "loop/keeper.h"
#include "loop/log.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UNITS_FOLDER "/run/sotto"
#define UNIT_SEND_S 10         /* systemd accepts what is queued */
#define UNIT_END_MS 5000       /* a keeper kills, and says so */
#define STATUS_UNKNOWN SIGKILL /* as waitpid has it */

/* --- Children --- */

static int set_attributes(posix_spawnattr_t *attr)
{
    sigset_t none;
    sigset_t all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int failed = posix_spawnattr_setsigmask(attr, &none);
    failed |= posix_spawnattr_setsigdefault(attr, &all);
    failed |= posix_spawnattr_setpgroup(attr, 0);
    failed |= posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                 POSIX_SPAWN_SETPGROUP);
    return failed;
}

int spawn_program(pid_t *out_pid, const char *path, const posix_spawn_file_actions_t *actions,
                  const char *const words[])
{
    posix_spawnattr_t attr;
    char *const environment[] = {NULL};
    int failed = posix_spawnattr_init(&attr);
    if (failed != 0) {
        return failed;
    }
    failed = set_attributes(&attr);
    if (failed == 0) {
        /* posix_spawn takes words that it does not change as if it could. */
        failed = posix_spawn(out_pid, path, actions, &attr, (char *const *)words, environment);
    }
    (void)posix_spawnattr_destroy(&attr);
    return failed;
}

static bool wait_child(struct spawned *spawned, int *out_status, uint64_t wait_ms)
{
    const struct timespec interval = {.tv_nsec = 5 * 1000 * 1000};
    uint64_t until = clock_ms() + wait_ms;
    pid_t found;
    while ((found = waitpid(spawned->pid, out_status, WNOHANG)) == 0 && clock_ms() < until) {
        (void)nanosleep(&interval, NULL);
    }
    if (found == 0) {
        return false;
    }
    spawned->pid = 0;
    return true;
}

static int end_child(struct spawned *spawned)
{
    int status = 0;
    (void)kill(-spawned->pid, SIGKILL);
    (void)kill(spawned->pid, SIGKILL); /* where it went over to another group */
    while (waitpid(spawned->pid, &status, 0) < 0 && errno == EINTR) {
    }
    spawned->pid = 0;
    return status;
}

/* --- Units --- */

bool spawn_unit(char out[SPAWN_UNIT_BYTES], const char *name)
{
    const char *folder = getenv("SOTTO_UNITS");
    struct stat info;
    (void)snprintf(out, SPAWN_UNIT_BYTES, "%s/%s.sock", folder != NULL ? folder : UNITS_FOLDER,
                   name);
    if (folder != NULL) { /* nobody listens where a path is cut off, and nothing is started here */
        return folder[0] != '\0';
    }
    return stat(out, &info) == 0 && S_ISSOCK(info.st_mode) && info.st_uid == geteuid();
}

static bool send_asked(int connection, const void *bytes, size_t bytes_len, const int *fds,
                       size_t fds_len)
{
    uint8_t text[1 + KEEPER_MESSAGE_BYTES] = {KEEPER_FORMAT};
    struct iovec piece = {text, 1 + bytes_len};
    union {
        struct cmsghdr header;
        uint8_t bytes[CMSG_SPACE(KEEPER_FDS * sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = CMSG_SPACE(fds_len * sizeof *fds)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (bytes_len > 0) {
        memcpy(text + 1, bytes, bytes_len);
    }
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds_len * sizeof *fds);
    memcpy(CMSG_DATA(header), fds, fds_len * sizeof *fds);
    return sendmsg(connection, &message, MSG_NOSIGNAL) == (ssize_t)(1 + bytes_len);
}

enum sotto_status spawn_in_unit(struct spawned *out, const char *socket_path, const void *bytes,
                                size_t bytes_len, const int *fds, size_t fds_len,
                                struct sotto_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = UNIT_SEND_S};
    SOTTO_REQUIRE(fds_len > 0 && fds_len <= KEEPER_FDS && bytes_len < KEEPER_MESSAGE_BYTES);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (connection < 0 ||
        setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
        connect(connection, (const struct sockaddr *)&address, sizeof address) != 0 ||
        !send_asked(connection, bytes, bytes_len, fds, fds_len)) {
        int code = errno;
        if (connection >= 0) {
            (void)close(connection);
        }
        return sotto_error_set(err, SOTTO_ERROR_STATE,
                               "no unit is had at '%s': %s: expected systemd to listen there "
                               "(systemctl status 'sotto-*.socket')",
                               socket_path, strerror(code));
    }
    *out = (struct spawned){.keeper = connection};
    return SOTTO_OK;
}

/* Whether the keeper has said that it ended, or is gone itself. */
static bool wait_kept(struct spawned *spawned, int *out_status, uint64_t wait_ms)
{
    struct pollfd fd = {spawned->keeper, POLLIN, 0};
    int32_t status = 0;
    if (poll(&fd, 1, (int)wait_ms) <= 0) {
        return false;
    }
    ssize_t bytes = recv(spawned->keeper, &status, sizeof status, MSG_DONTWAIT);
    *out_status = bytes == (ssize_t)sizeof status ? status : STATUS_UNKNOWN;
    (void)close(spawned->keeper);
    spawned->keeper = -1;
    return true;
}

static int end_kept(struct spawned *spawned)
{
    int status = STATUS_UNKNOWN;
    (void)shutdown(spawned->keeper, SHUT_WR);
    if (!wait_kept(spawned, &status, UNIT_END_MS)) {
        (void)close(spawned->keeper);
        spawned->keeper = -1;
    }
    return status;
}

/* --- Either --- */

bool spawned_is(const struct spawned *spawned)
{
    return spawned->pid > 0 || spawned->keeper >= 0;
}

bool spawned_wait(struct spawned *spawned, int *out_status, uint64_t wait_ms)
{
    return spawned->keeper >= 0 ? wait_kept(spawned, out_status, wait_ms)
                                : wait_child(spawned, out_status, wait_ms);
}

int spawned_end(struct spawned *spawned)
{
    if (spawned->keeper >= 0) {
        return end_kept(spawned);
    }
    return spawned->pid > 0 ? end_child(spawned) : 0;
}
