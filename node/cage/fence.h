/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_FENCE_H
#define SOTTO_NODE_FENCE_H

/* What the node and the program sotto-fence, which it starts in the cage, agree on; and Landlock,
 * for other processes that run code of others. */

#include <stdint.h>

/* The runner's end of the socket; 0 is /dev/null, 1 and 2 are its output. Nothing above is open. */
#define FENCE_SOCKET_FD 3

/* A frame on the socket, in both directions: its kind, three zero bytes, how many bytes follow
 * (least significant first), and these. */
#define FENCE_FRAME_HEADER_BYTES 8
enum fence_frame_kind {
    FENCE_FRAME_STANDING =
        'F', /* the first one, by the fence: Landlock's version, 4 bytes; 0: none */
    FENCE_FRAME_JSON = 'J',
    FENCE_FRAME_BYTES = 'B', /* tensors, or a bundle */
};

/* Exit statuses of sotto-fence itself. */
#define FENCE_EXIT_USAGE 124
#define FENCE_EXIT_FAILED 125

/* Forbids all system calls but those listed in filter.c, for this process and all that comes of it.
 * Returns: 0, or a negative errno. */
int fence_filter(void);

/* Forbids by Landlock all files but the system (to read and execute), /data and /run/sotto (to
 * read) and /tmp, and what the kernel's version can forbid beside: TCP, signals to others. Returns:
 * the version, 0 where the kernel has no Landlock, or a negative errno. */
int fence_landlock(void);

/* Forbids by Landlock to write, make, move and remove files, and signals to others; to read them
 * stays allowed. Returns: as fence_landlock. */
int fence_writes(void);

#endif
