/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_PROGRESS_H
#define SOTTO_NODE_PROGRESS_H

/* How far a task is, on standard error: on a terminal one line that is drawn anew, else the lines
 * of its log as they come. */

#include <stdbool.h>
#include <stdint.h>

#define PROGRESS_NAMES_BYTES 512

struct progress {
    uint64_t number; /* of the task */
    uint64_t start_ms;
    bool is_live; /* a terminal that can move its cursor */
    bool is_coloured;
    bool is_utf8;
    bool is_drawn;
    unsigned round;
    unsigned joined;
    unsigned answers; /* of the round's step */
    char step[96];
    char models[256]; /* how far they were after the last round */
    char drawn[1024]; /* what stands there */
    char names[PROGRESS_NAMES_BYTES];
};

/* Begins to show a task. */
void progress_begin(struct progress *progress, uint64_t number);
/* Takes a line of the task's log. */
void progress_take(struct progress *progress, int64_t created_ms, const char *message);
/* Draws the time. */
void progress_tick(struct progress *progress);
/* Wipes the line, for good; if it went well, leaves one that says who took part. */
void progress_end(struct progress *progress, bool is_well);

#endif
