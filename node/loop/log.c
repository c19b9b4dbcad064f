/* SPDX-License-Identifier: Apache-2.0 */

/* The owner's log and the clocks. One line is one write, under a lock where it goes to the file, so
 * that lines of two threads do not mix. The file goes on in a new one after 16 MiB; nothing here
 * fails, as there would be nowhere left to tell it. What others cause has a budget for each of them
 * and each cause, so that nobody's lines push out what the owner has to see. */

#include "loop/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
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
static atomic_bool log_is_json;
static atomic_int log_least_level;

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

void log_format(bool is_json)
{
    atomic_store(&log_is_json, is_json);
}

static const char *const level_words[LOG_LEVELS_LEN] = {"info", "warning"};

void log_least(enum log_level level)
{
    atomic_store(&log_least_level, (int)level);
}

void log_reopen(void)
{
    (void)pthread_mutex_lock(&log_mutex);
    int fd = log_fd >= 0 ? open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    struct stat info;
    if (fd >= 0) {
        (void)close(log_fd);
        log_fd = fd;
        log_bytes = fstat(fd, &info) == 0 ? info.st_size : 0;
    }
    (void)pthread_mutex_unlock(&log_mutex);
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
    char from[sizeof log_path + 16]; /* with a point and any int */
    char to[sizeof log_path + 16];
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

/* --- Lines --- */

#define TEXT_BYTES 2048
/* Of a text in JSON, where each of its characters may get a backslash. */
#define JSON_TEXT_BYTES (2 * (size_t)TEXT_BYTES)

/* What a text without control characters is between the quotes of JSON. */
static void escape_text(char out[JSON_TEXT_BYTES], const char *text)
{
    size_t used = 0;
    size_t bytes = sotto_utf8_valid_prefix(text, strlen(text));
    for (size_t i = 0; i < bytes && used + 2 < JSON_TEXT_BYTES; i++) {
        if (text[i] == '"' || text[i] == '\\') {
            out[used++] = '\\';
        }
        out[used++] = text[i];
    }
    out[used] = '\0';
}

/* What a line says beside its text. cause, who: "" where it is this node's own. */
struct line_about {
    enum log_level level;
    const char *cause;
    const char *who;
};

/* One object, its time in UTC as RFC 3339 has it. Returns: its bytes. */
static size_t write_json(char *out, size_t out_bytes, const char *text,
                         const struct line_about *about)
{
    char escaped[JSON_TEXT_BYTES];
    char peer[JSON_TEXT_BYTES];
    char when[LOG_TIME_BYTES] = "";
    int64_t now_ms = clock_unix_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;
    if (gmtime_r(&seconds, &utc) != NULL) {
        (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);
    }
    escape_text(escaped, text);
    escape_text(peer, about->who);
    int bytes = snprintf(out, out_bytes,
                         "{\"time\": \"%s.%03dZ\", \"level\": \"%s\", \"message\": \"%s\", "
                         "\"cause\": \"%s\", \"peer\": \"%s\"}\n",
                         when, (int)(now_ms % 1000), level_words[about->level], escaped,
                         about->cause, peer);
    return (size_t)bytes < out_bytes ? (size_t)bytes : out_bytes - 1;
}

__attribute__((format(printf, 2, 0))) static void write_line(const struct line_about *about,
                                                             const char *format, va_list args)
{
    char text[TEXT_BYTES];
    char when[LOG_TIME_BYTES];
    char line[JSON_TEXT_BYTES + 512];
    size_t used;
    if ((int)about->level < atomic_load(&log_least_level)) {
        return;
    }
    (void)vsnprintf(text, sizeof text, format, args);
    sotto_text_sanitize(text);
    if (atomic_load(&log_is_json)) {
        used = write_json(line, sizeof line, text, about);
    } else {
        log_time(when, clock_unix_ms());
        used = (size_t)snprintf(line, sizeof line, "%s  %s\n", when, text);
    }
    write_all(STDERR_FILENO, line, used); /* one write: lines of two threads do not mix */
    write_log(line, used);
}

void log_line(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_line(&(struct line_about){LOG_LEVEL_INFO, "", ""}, format, args);
    va_end(args);
}

void log_warning(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_line(&(struct line_about){LOG_LEVEL_WARNING, "", ""}, format, args);
    va_end(args);
}

/* --- Limits --- */

#define BUDGETS_LEN 512
#define LINE_MS ((uint64_t)LOG_LINE_SECONDS * 1000)
#define BUDGET_MS ((uint64_t)LOG_LINES_OF_CAUSE * LINE_MS)

static const char *const cause_words[LOG_CAUSES_LEN] = {
    [LOG_REQUESTS] = "requests",       [LOG_CONNECTIONS] = "connections",
    [LOG_MESSAGES] = "messages",       [LOG_JOINED] = "tasks",
    [LOG_DECLINED] = "declined tasks", [LOG_WORKERS] = "what workers say",
};

static enum log_level level_of(enum log_cause cause)
{
    bool is_info = cause == LOG_CONNECTIONS || cause == LOG_JOINED || cause == LOG_WORKERS;
    return is_info ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING;
}

/* What one cause of one peer may still write. */
struct budget {
    char who[72];
    enum log_cause cause;
    uint64_t left_ms; /* a line costs LINE_MS, and time gives it back */
    uint64_t last_ms; /* when it was counted last; 0: unused */
    uint64_t untold;  /* lines that were not written */
};

static struct budget budgets[BUDGETS_LEN];
static pthread_mutex_t budgets_mutex = PTHREAD_MUTEX_INITIALIZER; /* over them */

/* Tells how many lines a budget held back. The caller holds the mutex. */
static void tell_untold(struct budget *budget)
{
    if (budget->untold > 0) {
        log_line("and %llu more lines about %s%s%s", (unsigned long long)budget->untold,
                 cause_words[budget->cause], budget->who[0] != '\0' ? " of " : "", budget->who);
        budget->untold = 0;
    }
}

/* The budget of a cause; where there are too many the one that was used longest ago becomes it. The
 * caller holds the mutex. */
static struct budget *find_budget(enum log_cause cause, const char *who)
{
    struct budget *oldest = &budgets[0];
    for (size_t i = 0; i < BUDGETS_LEN; i++) {
        struct budget *budget = &budgets[i];
        if (budget->last_ms != 0 && budget->cause == cause &&
            strncmp(budget->who, who, sizeof budget->who - 1) == 0) {
            return budget;
        }
        oldest = budget->last_ms < oldest->last_ms ? budget : oldest;
    }
    tell_untold(oldest);
    *oldest = (struct budget){.cause = cause, .left_ms = BUDGET_MS, .last_ms = clock_ms()};
    (void)snprintf(oldest->who, sizeof oldest->who, "%s", who);
    return oldest;
}

/* Whether one more line may be written; else it is counted. */
static bool spend_line(enum log_cause cause, const char *who)
{
    (void)pthread_mutex_lock(&budgets_mutex);
    struct budget *budget = find_budget(cause, who);
    uint64_t now_ms = clock_ms();
    uint64_t left_ms = budget->left_ms + (now_ms - budget->last_ms);
    budget->left_ms = left_ms < BUDGET_MS ? left_ms : BUDGET_MS;
    budget->last_ms = now_ms;
    bool may = budget->left_ms >= LINE_MS;
    if (may) {
        budget->left_ms -= LINE_MS;
        tell_untold(budget);
    } else {
        budget->untold++;
    }
    (void)pthread_mutex_unlock(&budgets_mutex);
    return may;
}

void log_limited(enum log_cause cause, const char *who, const char *format, ...)
{
    if (who == NULL || spend_line(cause, who)) {
        va_list args;
        va_start(args, format);
        write_line(
            &(struct line_about){level_of(cause), cause_words[cause], who != NULL ? who : ""},
            format, args);
        va_end(args);
    }
}

void log_flush(void)
{
    (void)pthread_mutex_lock(&budgets_mutex);
    for (size_t i = 0; i < BUDGETS_LEN; i++) {
        tell_untold(&budgets[i]);
    }
    (void)pthread_mutex_unlock(&budgets_mutex);
}
