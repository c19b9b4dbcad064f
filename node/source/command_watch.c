/* SPDX-License-Identifier: Apache-2.0 */

/* Ends the owner's own program where the node is gone before it: killed, or crashed. Leans on the
 * kernel alone, which closes the node's end of a pipe whatever it dies of. The idea: a signal at
 * the parent's death (prctl) reaches the program, but none of the workers that it began; a process
 * that knows their group reaches all of them. */

#include "source/command.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define STEP_MS 20
#define SECONDS_MAX 3600

static bool read_number(long *out, const char *text, long min, long max)
{
    char *end = NULL;
    errno = 0;
    *out = strtol(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *out >= min && *out <= max;
}

/* Nothing is ever written to it. */
static void wait_until_closed(void)
{
    char byte;
    ssize_t bytes;
    do {
        bytes = read(STDIN_FILENO, &byte, sizeof byte);
    } while (bytes > 0 || (bytes < 0 && errno == EINTR));
}

bool command_watch(const char *group, const char *end_seconds)
{
    const struct timespec step = {.tv_nsec = STEP_MS * 1000000L};
    long pid;
    long seconds;
    if (!read_number(&pid, group, 2, INT32_MAX) ||
        !read_number(&seconds, end_seconds, 0, SECONDS_MAX)) {
        return false;
    }
    (void)prctl(PR_SET_NAME, "sotto-watch", 0, 0, 0);
    wait_until_closed();
    (void)kill(-(pid_t)pid, SIGTERM);
    for (long i = 0; i < seconds * 1000 / STEP_MS && kill(-(pid_t)pid, 0) == 0; i++) {
        (void)nanosleep(&step, NULL);
    }
    (void)kill(-(pid_t)pid, SIGKILL);
    return true;
}
