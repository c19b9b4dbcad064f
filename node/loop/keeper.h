/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_KEEPER_H
#define SOTTO_NODE_KEEPER_H

/* The keeper: the first process of a systemd unit, which systemd starts for each connection to the
 * unit's socket (Accept=yes). It is sent one message, starts one program with the descriptors that
 * came along, and ends with it or with the connection. */

#include "loop/spawn.h"

#define KEEPER_FORMAT 1 /* the first byte of a message: node and keeper are of one version */
#define KEEPER_MESSAGE_BYTES 8192
#define KEEPER_FDS 4

/* What a keeper was sent. */
struct keeper_asked {
    uint8_t bytes[KEEPER_MESSAGE_BYTES]; /* without the format */
    size_t bytes_len;
    int fds[KEEPER_FDS]; /* above those of any program */
    size_t fds_len;
};

/* Starts what is asked for. Returns: 0, or the errno that says why not: EINVAL for what is no
 * request. */
typedef int keeper_start(pid_t *out_pid, const struct keeper_asked *asked);

/* Takes the message from standard input, a socket of packets; starts the program; once it has
 * ended, or the other side closes, kills all processes that came of it and tells its status.
 * Returns: false where there was no message that start takes; standard error says why. */
bool keeper_serve(keeper_start *start);

#endif
