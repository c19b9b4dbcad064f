/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_GROUPS_H
#define SOTTO_NODE_GROUPS_H

/* Control groups for a cage: where this process may make them, they limit what limits of single
 * processes can't, the memory of /tmp and of the page cache too. */

#include <sotto/status.h>

#define GROUPS_PATH_BYTES 512
#define GROUPS_MAX 2
#define GROUPS_PREFIX "sotto-cage-"

struct groups {
    char folders[GROUPS_MAX][GROUPS_PATH_BYTES]; /* of this cage alone */
    size_t folders_len;
    bool has_memory;
    bool has_processes;
};

/* Makes groups below those of this process, as proc_path (/proc/self/cgroup) names them below
 * root_path (/sys/fs/cgroup): one for all where the root is of version 2, else one for each
 * controller that there is. What can't be made is left out. The new folders are named
 * GROUPS_PREFIX and name, which begins with this process's number: those of processes that are gone
 * are removed. */
void groups_make(struct groups *out, const char *proc_path, const char *root_path, const char *name,
                 uint64_t memory_bytes, uint32_t processes);

/* Removes the folders; their processes are dead, or die. */
void groups_remove(struct groups *groups);

#endif
