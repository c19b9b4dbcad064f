/* SPDX-License-Identifier: Apache-2.0 */

/* The few datagrams of sd_notify(3), which its manual page says to write oneself rather than lean
 * on a library for them. */

#include "loop/notify.h"

#include "loop/log.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A name that begins with @ is one without a file. */
static void notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t bytes = path != NULL ? strlen(path) : 0;
    if (bytes < 2 || bytes >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@')) {
        return;
    }
    memcpy(address.sun_path, path, bytes);
    if (path[0] == '@') {
        address.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    socklen_t address_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes);
    ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
                          (const struct sockaddr *)&address, address_bytes);
    (void)sent; /* a watchdog that hears nothing does its work */
    (void)close(fd);
}

/* Half of the time in which systemd wants to hear of this process; 0: it does not. */
static uint64_t find_interval_ms(void)
{
    const char *usec = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    bool is_meant = pid == NULL || strtoull(pid, NULL, 10) == (unsigned long long)getpid();
    return usec != NULL && is_meant ? strtoull(usec, NULL, 10) / 2000 : 0;
}

static void on_interval(void *context)
{
    struct loop_timer *timer = context;
    notify("WATCHDOG=1");
    loop_timer_set(timer, clock_ms() + find_interval_ms());
}

void notify_ready(struct loop *loop, struct loop_timer *timer)
{
    notify("READY=1");
    loop_timer_add(loop, timer, on_interval, timer);
    if (find_interval_ms() > 0) {
        on_interval(timer);
    }
}

void notify_stopping(void)
{
    notify("STOPPING=1");
}
