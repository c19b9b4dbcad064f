/* SPDX-License-Identifier: Apache-2.0 */

/* The keeper of a program, in a unit of its own. Leans on systemd for all that is around it (user,
 * control group, what it may see), and on the kernel, which closes the node's end of the connection
 * whatever the node dies of.
 *
 * The idea: the node's user has no rights over processes of another user, so the connection is the
 * program's life. What came of the program is adopted here where its parents are gone, so it is
 * known when nothing is left; and what would be left all the same, systemd kills with the unit. */

#include "loop/keeper.h"
#include "loop/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONNECTION_FD STDIN_FILENO
#define FDS_FROM 10         /* above those of any program */
#define ASKED_S 10          /* who connects sends at once */
#define CHILDREN_BYTES 4096 /* of their numbers; who is cut off is killed the next time */
#define END_MS 2000         /* for what was killed to be gone */
#define EXIT_UNSTARTED 127  /* as a shell says it */

static bool complain(const char *what, int code)
{
    (void)fprintf(stderr, "sotto keeper: %s%s%s\n", what, code != 0 ? ": " : "",
                  code != 0 ? strerror(code) : "");
    return false;
}

/* Moves the descriptors of a message out of the way of those that the program gets. */
static bool take_fds(struct keeper_asked *out, const struct cmsghdr *header)
{
    bool is_good = true;
    size_t len = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < len; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
        int raised = out->fds_len < KEEPER_FDS ? fcntl(fd, F_DUPFD_CLOEXEC, FDS_FROM) : -1;
        (void)close(fd);
        is_good = is_good && raised >= 0;
        if (raised >= 0) {
            out->fds[out->fds_len++] = raised;
        }
    }
    return is_good;
}

static void close_fds(struct keeper_asked *asked)
{
    for (size_t i = 0; i < asked->fds_len; i++) {
        (void)close(asked->fds[i]);
    }
    asked->fds_len = 0;
}

static bool receive(struct keeper_asked *out)
{
    const struct timeval patience = {.tv_sec = ASKED_S};
    uint8_t format = 0;
    struct iovec pieces[] = {{&format, sizeof format}, {out->bytes, sizeof out->bytes}};
    union {
        struct cmsghdr header;
        uint8_t bytes[CMSG_SPACE(KEEPER_FDS * sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = pieces,
                             .msg_iovlen = 2,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    (void)setsockopt(CONNECTION_FD, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ssize_t bytes = recvmsg(CONNECTION_FD, &message, MSG_CMSG_CLOEXEC);
    if (bytes < 0) {
        return complain("expected a message of a node on standard input", errno);
    }
    bool is_good =
        bytes > 0 && format == KEEPER_FORMAT && (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
            is_good = take_fds(out, header) && is_good;
        }
    }
    out->bytes_len = bytes > 0 ? (size_t)bytes - 1 : 0;
    return is_good || complain("expected a message of a node of this version", 0);
}

/* Kills its children, those that were adopted here too: they may be in groups and sessions of their
 * own. */
static void kill_children(void)
{
    FILE *file = fopen("/proc/thread-self/children", "re");
    char list[CHILDREN_BYTES] = "";
    if (file != NULL) {
        (void)!fread(list, 1, sizeof list - 1, file);
        (void)fclose(file);
    }
    char *at = list;
    char *end = NULL;
    /* A blank stands behind each but one that is cut off. */
    for (long child; (child = strtol(at, &end, 10)) > 1 && *end == ' '; at = end) {
        (void)kill((pid_t)child, SIGKILL);
    }
}

/* Kills all that came of the program, and waits until there is nothing. Returns: its own status,
 * which is not that of the kill where it was dying already. */
static int end_all(pid_t pid)
{
    const struct timespec interval = {.tv_nsec = 5 * 1000 * 1000};
    int own = SIGKILL;
    (void)kill(-pid, SIGKILL);
    uint64_t until = clock_ms() + END_MS;
    while (clock_ms() < until) {
        int status = 0;
        kill_children();
        pid_t found = waitpid(-1, &status, WNOHANG);
        own = found == pid ? status : own;
        if (found < 0 && errno == ECHILD) {
            break;
        }
        if (found == 0) {
            (void)nanosleep(&interval, NULL);
        }
    }
    return own;
}

/* Until the program ends or the connection does: nothing more is to be said on it. */
static void await_either(pid_t pid)
{
    int life = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd fds[] = {{CONNECTION_FD, POLLIN, 0}, {life, POLLIN, 0}};
    while (life >= 0 && poll(fds, 2, -1) < 0 && errno == EINTR) {
    }
    if (life >= 0) {
        (void)close(life);
    }
}

bool keeper_serve(keeper_start *start)
{
    struct keeper_asked asked = {0};
    pid_t pid = 0;
    int32_t status = EXIT_UNSTARTED << 8;
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0 ||
        fcntl(CONNECTION_FD, F_SETFD, FD_CLOEXEC) != 0) { /* nobody else keeps it open */
        return complain("standard input", errno);
    }
    bool is_good = receive(&asked);
    int failed = is_good ? start(&pid, &asked) : EINVAL;
    close_fds(&asked);
    if (failed != 0) {
        is_good = is_good && complain("the program can't be started", failed);
    } else {
        await_either(pid);
        status = end_all(pid);
    }
    (void)send(CONNECTION_FD, &status, sizeof status, MSG_NOSIGNAL);
    return is_good;
}
