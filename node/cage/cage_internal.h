/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_CAGE_INTERNAL_H
#define SOTTO_NODE_CAGE_INTERNAL_H

/* What the files of a cage share: how it is started (cage.c), fed (cage_frames.c), ended
 * (cage_end.c). */

#include "cage/cage.h"
#include "cage/groups.h"

#include <sys/types.h>

/* The fence has so long to speak; a runner to end once its socket is closed, or it is killed. */
#define CAGE_START_MS 10000
#define CAGE_END_MS 2000

struct cage {
    pid_t pid; /* of bubblewrap; 0: none, or waited for */
    int first; /* a descriptor of the first process inside; -1: not known */
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

/* Milliseconds of a clock that nobody sets. */
uint64_t cage_clock(void);

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
