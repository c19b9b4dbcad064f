/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_LOG_H
#define SOTTO_NODE_LOG_H

/* The owner's log: what this node did and why, with the details that never leave it. Lines go to
 * standard error and, once log_open was called, to a file. Threads: safe. */

#include <sotto/status.h>

/* Appends to the file at path as well (created with mode 0600). Threads: before others write. */
enum sotto_status log_open(const char *path, struct sotto_error *err) SOTTO_NODISCARD;
void log_close(void);

/* One line, with the time before it and control characters made harmless. */
void log_line(const char *format, ...) SOTTO_PRINTF(1, 2);

/* "YYYY-mm-dd HH:MM:SS" in local time. */
#define LOG_TIME_BYTES 20
void log_time(char out[LOG_TIME_BYTES], int64_t unix_ms);

/* Milliseconds: since 1970, and of a clock that never jumps. */
int64_t clock_unix_ms(void);
uint64_t clock_ms(void);

#endif
