/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_CAGE_H
#define SOTTO_NODE_CAGE_H

/* The cage: a process that runs code of others, which the owner has approved, on one owner's data.
 * It sees the system (to read), the data that it is given (to read), a small /tmp, and one socket
 * to this node; nothing else. cage.c says what is between it and the rest. Linux only. Where there
 * is a unit for runners (loop/spawn.h) it is built there, else as a child of this process.
 *
 * Threads: one cage, one thread at a time. The thread that starts a cage must outlive it: the cage
 * ends with the thread. */

#include "cage/fence.h"

#include <sotto/bytes.h>

struct cage_dataset {
    const char *name; /* a plain file name: what /data has */
    const char *path; /* the owner's file or folder, absolute */
};

struct cage_limits {
    uint64_t memory_bytes; /* of addresses, at least what the runner's libraries take */
    uint64_t files_bytes;  /* of /tmp, which is memory too */
    uint64_t output_bytes; /* of both outputs together */
    uint64_t frame_bytes;  /* of one frame from the runner */
    uint32_t cpu_seconds;  /* of all threads together, from begin to end */
    uint32_t wall_seconds; /* from cage_start, or the last cage_extend */
    uint32_t threads;
};

struct cage_config {
    const char *fence_path;  /* of the program sotto-fence, absolute */
    const char *python_path; /* below /usr */
    const char
        *runner_path; /* the script that is run, absolute; it is /run/sotto/runner.py inside */
    const struct cage_dataset *datasets;
    size_t datasets_len;
    const char *groups_path; /* of the control groups; NULL: /sys/fs/cgroup */
    struct cage_limits limits;
};

/* What stands around a runner. Namespaces, no network, cleared environment, limits and the filter
 * of system calls always do, or nothing is started. */
struct cage_standing {
    int landlock;         /* the kernel's version of it; 0: it has none */
    bool memory_group;    /* a control group limits the memory of all; without one, what the kernel
                           * holds for each empty file of /tmp is not limited: where memory runs
                           * out, the kernel takes the runner first, and its files go with it */
    bool processes_group; /* always where the node is root, whose threads nothing else limits */
    bool unit; /* a unit of systemd with a user and a control group of its own, whose limits stand
                * in the unit: the two above are the node's own */
};

struct cage_frame {
    enum fence_frame_kind kind;
    struct sotto_buffer bytes; /* ended by sotto_buffer_release */
};

struct cage;

/* Starts a runner. Borrows config for the call. Returns: SOTTO_ERROR_NOT_FOUND where bubblewrap,
 * the fence, Python, the runner or a dataset is not there; SOTTO_ERROR_INPUT for a dataset that is
 * or holds anything but files, folders and links; SOTTO_ERROR_STATE where the system lets
 * no cage be built (no namespaces for users, no seccomp, root without a control group): then there
 * is no learning here. It waits for the fence, up to 10 s. */
enum sotto_status cage_start(struct cage **out, const struct cage_config *config,
                             struct sotto_error *err) SOTTO_NODISCARD;

/* Finds out whether a cage can be built here, by one that ends at once. Returns: as cage_start.
 * Out: what stands around it. */
enum sotto_status cage_probe(struct cage_standing *out, const char *fence_path,
                             const char *python_path, struct sotto_error *err) SOTTO_NODISCARD;

/* In the unit: the keeper of one runner, which is fenced by the program at fence_path. Returns:
 * false where no node asked for one. */
bool cage_keep(const char *fence_path);

/* Kills all that is in the cage, waits for it and removes what it left; NULL is fine. */
void cage_free(struct cage *cage);

struct cage_standing cage_standing(const struct cage *cage);

#define CAGE_STANDING_TEXT_BYTES 256
/* What stands around a runner, and what does not, in words for the owner's log. */
void cage_describe(char out[CAGE_STANDING_TEXT_BYTES], const struct cage_standing *standing);

/* Queues a frame for the runner (copied): cage_step sends it. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status cage_send(struct cage *cage, enum fence_frame_kind kind, const void *bytes,
                            size_t bytes_len) SOTTO_NODISCARD;

/* Sends and receives what can be, for up to wait_ms (0: without waiting). *out_frame is the next
 * frame of the runner once it is complete; has_frame says whether it is. No further byte is read
 * until it is taken. Returns: SOTTO_OK also where nothing came; else the runner is dead, and err
 * says of what, in words that the runner has no part in: SOTTO_ERROR_LIMIT (output, frame,
 * processor time, memory), SOTTO_ERROR_TIMEOUT (wall time), SOTTO_ERROR_INPUT (a malformed frame),
 * SOTTO_ERROR_STATE (it ended). */
enum sotto_status cage_step(struct cage *cage, struct cage_frame *out_frame, bool *has_frame,
                            uint32_t wait_ms, struct sotto_error *err) SOTTO_NODISCARD;

/* The wall time begins again: for the next round. */
void cage_extend(struct cage *cage);

/* What the runner has written to its outputs, for its owner alone: nothing of it leaves. Borrows
 * from the cage; it may hold any byte. */
const char *cage_output(const struct cage *cage, size_t *out_bytes);

#endif
