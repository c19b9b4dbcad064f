/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_CAGE_INTERNAL_H
#define SOTTO_NODE_CAGE_INTERNAL_H

/* What the files of a cage share: how it is started (cage.c), fed (cage_frames.c), ended
 * (cage_end.c). */

#include "cage/cage.h"
#include "cage/groups.h"
#include "loop/log.h"
#include "loop/spawn.h"

/* The fence has so long to speak; a runner to end once its socket is closed, or it is killed. */
#define CAGE_START_MS 10000
#define CAGE_END_MS 2000
#define BWRAP "/usr/bin/bwrap"

/* The ends that a runner's process gets, in the order in which a keeper is sent them. */
enum cage_fd { CAGE_SOCKET, CAGE_OUTPUT, CAGE_ARGUMENTS, CAGE_INFO, CAGE_FDS_LEN };

/* What is started. Borrows. */
struct cage_program {
    const char *fence_path;
    const char *python_path;
    const struct groups *groups;
    struct cage_limits limits; /* of memory, processor time, files and threads */
};

struct cage {
    struct spawned process; /* bubblewrap */
    int first;              /* a descriptor of the first process inside; -1: its keeper has it */
    int socket;
    int output_fd;
    struct groups groups;
    struct cage_limits limits;
    struct cage_standing standing;
    uint64_t deadline_ms;
    struct sotto_writer queued; /* frames for the runner, of which sent_bytes are gone */
    size_t sent_bytes;
    uint8_t header[FENCE_FRAME_HEADER_BYTES];
    size_t header_bytes; /* that are there */
    struct sotto_buffer body;
    size_t body_bytes; /* that are there */
    bool is_started;   /* the fence has said what stands */
    char *output;
    size_t output_bytes;
    struct sotto_error ended; /* of what it died; SOTTO_OK: it lives */
};

/* Starts a runner's process, whose ends stay the caller's. Returns: 0, or an errno. */
int cage_spawn(pid_t *out_pid, const struct cage_program *program, const int fds[CAGE_FDS_LEN]);

/* Has the unit of this socket start it, with its own fence and in its own group. */
enum sotto_status cage_spawn_in_unit(struct spawned *out, const char *socket_path,
                                     const struct cage_program *program,
                                     const int fds[CAGE_FDS_LEN],
                                     struct sotto_error *err) SOTTO_NODISCARD;

/* Closes a descriptor, if it is one, and makes it -1. */
void cage_close(int *fd);

/* Reads what is there of the outputs. Returns: false where it is more than the limit. */
bool cage_read_output(struct cage *cage);

/* The runner is done for, whatever it does: kills it and keeps why. Returns: status. */
enum sotto_status cage_end(struct cage *cage, enum sotto_status status, const char *text,
                           struct sotto_error *err) SOTTO_NODISCARD;

/* The runner closed its socket: it ended, or pretends to. Returns: of what. */
enum sotto_status cage_explain_exit(struct cage *cage, struct sotto_error *err) SOTTO_NODISCARD;

#endif
