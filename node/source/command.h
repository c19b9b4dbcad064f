/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SOURCE_COMMAND_H
#define SOTTO_NODE_SOURCE_COMMAND_H

/* The owner's own program, which has parts of rows made wherever they are, and gives one. */

#include <sotto/bytes.h>
#include <sotto/interrupt.h>

#define COMMAND_SAID_BYTES_MAX ((size_t)16 * 1024)

struct command_run {
    const char *program; /* a path from the folder of this process, as folder is; it has no
                            arguments, and no environment */
    const char *folder;  /* where it runs */
    const char *asked;   /* on its standard input, a file */
    unsigned seconds_max;
    unsigned end_seconds;                    /* between SIGTERM, where it has to end, and SIGKILL */
    size_t bytes_max;                        /* of its answer */
    const struct sotto_interrupt *interrupt; /* or NULL */
    const char *watch;                       /* this program: NULL, but in tests */
};

/* Runs it to its end, and takes what it writes to standard output. *out_said is the beginning of
 * what it wrote to standard error, whatever becomes of it, and out_said->data NULL if that is
 * nothing. One that has to end gets SIGTERM first. All that is left of its group of processes is
 * killed, by a process that watches this one if this one is gone before. Returns:
 * SOTTO_ERROR_NOT_FOUND or SOTTO_ERROR_IO (it can't be started),
 * SOTTO_ERROR_STATE (it failed, or was killed), SOTTO_ERROR_TIMEOUT, SOTTO_ERROR_LIMIT,
 * SOTTO_ERROR_CANCELLED: *out is nothing then.
 * Ownership: both are ended by sotto_buffer_release. */
enum sotto_status command_run(struct sotto_buffer *out, struct sotto_buffer *out_said,
                              const struct command_run *run,
                              struct sotto_error *err) SOTTO_NODISCARD;

/* What the second process does: waits until standard input is closed, as the process that asked is
 * gone then; has the group end, and kills after end_seconds what is left of it. Returns: false if
 * this is no group of a process. */
bool command_watch(const char *group, const char *end_seconds);

#endif
