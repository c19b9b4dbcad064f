/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_LOG_H
#define SOTTO_NODE_LOG_H

/* The owner's log: what this node did and why, with the details that never leave it. Lines go to
 * standard error and, once log_open was called, to a file. Threads: safe. */

#include <sotto/status.h>

/* Appends to the file at path as well (created with mode 0600). Threads: before others write. */
enum sotto_status log_open(const char *path, struct sotto_error *err) SOTTO_NODISCARD;
void log_close(void);
/* Opens the file again, which somebody may have moved away. If that fails the old one goes on. */
void log_reopen(void);
/* Lines are objects of JSON from now on, or texts. */
void log_format(bool is_json);

enum log_level {
    LOG_LEVEL_INFO,    /* what happened */
    LOG_LEVEL_WARNING, /* what went wrong, or was refused */
    LOG_LEVELS_LEN,
};
/* Lines below this level are not written from now on. */
void log_least(enum log_level level);

/* One line, with the time before it and control characters made harmless. */
void log_line(const char *format, ...) SOTTO_PRINTF(1, 2);
void log_warning(const char *format, ...) SOTTO_PRINTF(1, 2);

/* What others can cause, again and again: the lines of each (cause, who) are limited. */
enum log_cause {
    LOG_REQUESTS,    /* of whoever can connect; warnings */
    LOG_CONNECTIONS, /* with a peer */
    LOG_MESSAGES,    /* that a peer brought or did not fetch; warnings */
    LOG_JOINED,      /* steps of tasks that a peer created */
    LOG_DECLINED,    /* warnings */
    LOG_WORKERS,     /* what the owner's workers say when a task has them asked */
    LOG_CAUSES_LEN,
};
#define LOG_LINES_OF_CAUSE 100
/* After so many seconds one more line is taken. */
#define LOG_LINE_SECONDS 10

/* The same for what who (a peer's name, "" for anybody; NULL: this node, not limited) caused.
 * Beyond the limit lines are counted, and the count is told with the next line of that cause, or by
 * log_flush. */
void log_limited(enum log_cause cause, const char *who, const char *format, ...) SOTTO_PRINTF(3, 4);
/* Tells all counts that were not told; called once a minute. */
void log_flush(void);

/* "YYYY-mm-dd HH:MM:SS" in local time. */
#define LOG_TIME_BYTES 20
void log_time(char out[LOG_TIME_BYTES], int64_t unix_ms);

/* Milliseconds: since 1970, and of a clock that never jumps. */
int64_t clock_unix_ms(void);
uint64_t clock_ms(void);

#endif
