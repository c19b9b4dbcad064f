/* SPDX-License-Identifier: Apache-2.0 */

/* The owner's log and the clocks. One line is one write, under a lock where it goes to the file, so
 * that lines of two threads do not mix. The file goes on in a new one after 16 MiB; nothing here
 * fails, as there would be nowhere left to tell it. */

#include "loop/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A log file of this length is renamed to node.log.1 and a new one begun; node.log.3 is the oldest
 * that is kept. */
#define LOG_BYTES_MAX ((off_t)16 * 1024 * 1024)
#define LOGS_KEPT 3

static int log_fd = -1;
static char log_path[4200];
static off_t log_bytes;
static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER; /* over all of these */

int64_t clock_unix_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t clock_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void log_time(char out[LOG_TIME_BYTES], int64_t unix_ms)
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm local;
    if (localtime_r(&seconds, &local) == NULL ||
        strftime(out, LOG_TIME_BYTES, "%Y-%m-%d %H:%M:%S", &local) == 0) {
        memcpy(out, "?", 2);
    }
}

enum sotto_status log_open(const char *path, struct sotto_error *err)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return sotto_error_set(err, SOTTO_ERROR_IO, "%s: can't be opened for the log: %s", path,
                               strerror(errno));
    }
    struct stat info;
    (void)snprintf(log_path, sizeof log_path, "%s", path);
    log_bytes = fstat(fd, &info) == 0 ? info.st_size : 0;
    log_fd = fd;
    return SOTTO_OK;
}

void log_close(void)
{
    if (log_fd >= 0) {
        (void)close(log_fd);
        log_fd = -1;
    }
}

static void write_all(int fd, const char *text, size_t text_bytes)
{
    while (text_bytes > 0) {
        ssize_t written = write(fd, text, text_bytes);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return; /* nowhere left to complain */
        }
        text += written;
        text_bytes -= (size_t)written;
    }
}

/* Begins a new file. If that fails the log goes on in the old one, and the next line tries again.
 */
static void rotate_log(void)
{
    char from[sizeof log_path + 8];
    char to[sizeof log_path + 8];
    for (int i = LOGS_KEPT; i > 0; i--) {
        (void)snprintf(to, sizeof to, "%s.%d", log_path, i);
        (void)snprintf(from, sizeof from, i > 1 ? "%s.%d" : "%s", log_path, i - 1);
        (void)rename(from, to);
    }
    int fd = open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)close(log_fd);
        log_fd = fd;
        log_bytes = 0;
    }
}

static void write_log(const char *line, size_t line_bytes)
{
    (void)pthread_mutex_lock(&log_mutex);
    if (log_fd >= 0 && log_bytes + (off_t)line_bytes > LOG_BYTES_MAX) {
        rotate_log();
    }
    if (log_fd >= 0) {
        write_all(log_fd, line, line_bytes);
        log_bytes += (off_t)line_bytes;
    }
    (void)pthread_mutex_unlock(&log_mutex);
}

void log_line(const char *format, ...)
{
    char line[2048];
    log_time(line, clock_unix_ms());
    size_t used = strlen(line);
    line[used++] = ' ';
    line[used++] = ' ';
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line + used, sizeof line - used - 1, format, args);
    va_end(args);
    sotto_text_sanitize(line + used);
    used += strlen(line + used);
    line[used++] = '\n';
    write_all(STDERR_FILENO, line, used); /* one write: lines of two threads do not mix */
    write_log(line, used);
}
