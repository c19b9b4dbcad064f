/* SPDX-License-Identifier: Apache-2.0 */

/* Rubbish from one address of this machine, as fast as it is told to: flood ADDRESS PORT SOURCE
 * SOCKETS RATE SECONDS. It holds so many connections with half a request each, and opens RATE more
 * a second, each with a request that nobody should answer with 200. Prints how many it opened. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char *const rubbish[] = {
    "GET /x HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /peer/v1/hello HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
    "POST /peer/v1/message HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\nxxxx",
    "\x01\x02\x03\r\n\r\n",
};
#define RUBBISH_LEN (sizeof rubbish / sizeof rubbish[0])
#define HALF "POST /peer/v1/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 198\r\n\r\ns"

static double now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct sockaddr_in address_of(const char *text, unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, text, &address.sin_addr) != 1) {
        exit(2);
    }
    return address;
}

/* A connection that has sent a text, or -1. Never waits. */
static int open_one(const struct sockaddr_in *source, const struct sockaddr_in *target,
                    const char *text)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)source, sizeof *source) != 0 ||
        (connect(fd, (const struct sockaddr *)target, sizeof *target) != 0 &&
         errno != EINPROGRESS)) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return -1;
    }
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        return 2;
    }
    struct sockaddr_in target = address_of(argv[1], (unsigned)strtoul(argv[2], NULL, 10));
    struct sockaddr_in source = address_of(argv[3], 0);
    size_t held_len = strtoul(argv[4], NULL, 10);
    double rate = strtod(argv[5], NULL);
    double seconds = strtod(argv[6], NULL);
    struct rlimit limit;
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    for (size_t i = 0; i < held_len; i++) {
        (void)open_one(&source, &target, HALF);
    }
    double start = now();
    size_t opened = 0;
    while (now() - start < seconds) {
        while ((double)opened < (now() - start) * rate) {
            int fd = open_one(&source, &target, rubbish[opened % RUBBISH_LEN]);
            if (fd >= 0) {
                (void)close(fd);
            }
            opened++;
        }
        (void)usleep(1000);
    }
    (void)printf("%zu\n", opened);
    return 0;
}
