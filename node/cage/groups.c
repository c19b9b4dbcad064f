/* SPDX-License-Identifier: Apache-2.0 */

/* Control groups, versions 1 and 2, by files alone. The idea: a group is worth having only where
 * its limit was written; so a folder whose limit can't be written is removed again, and is none. */

#include "cage/groups.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 512
#define REMOVE_TRIES 100 /* of 10 ms: the last process may be dying */

/* Writes a number into a file of a folder, which must be there. */
static bool write_limit(const char *folder, const char *file, unsigned long long value)
{
    char path[GROUPS_PATH_BYTES + 64];
    char text[32];
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    int bytes = snprintf(text, sizeof text, "%llu", value);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool good = fd >= 0 && write(fd, text, (size_t)bytes) == bytes;
    if (fd >= 0) {
        (void)close(fd);
    }
    return good;
}

static bool has_file(const char *folder, const char *file)
{
    char path[GROUPS_PATH_BYTES + 64];
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    return access(path, F_OK) == 0;
}

/* The group of this process in a hierarchy: what stands behind its second colon in a line
 * "4:memory:/a/b" of proc_path; version 2 is the line "0::/a/b". Returns: false if there is none.
 */
static bool find_own(char out[LINE_BYTES], const char *proc_path, const char *controller)
{
    FILE *file = fopen(proc_path, "re");
    char line[LINE_BYTES];
    bool found = false;
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        char *controllers = strchr(line, ':');
        char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        if (path == NULL) {
            continue;
        }
        *path++ = '\0';
        path[strcspn(path, "\n")] = '\0';
        found = strcmp(controllers + 1, controller) == 0 && strstr(path, "..") == NULL;
        (void)snprintf(out, LINE_BYTES, "%s", path);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return found;
}

/* Removes groups that a process left which is gone: killed, it could not. One that has processes
 * stays. */
static void remove_left(const char *parent)
{
    DIR *folder = opendir(parent);
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        long pid = strncmp(entry->d_name, GROUPS_PREFIX, strlen(GROUPS_PREFIX)) == 0
                       ? strtol(entry->d_name + strlen(GROUPS_PREFIX), NULL, 10)
                       : 0;
        if (pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH) {
            (void)unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR);
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
}

/* Makes the folder `name` in this process's group below mount. Returns: false, and nothing made. */
static bool make_folder(struct groups *groups, const char *mount, const char *own, const char *name)
{
    char *folder = groups->folders[groups->folders_len];
    const char *below = strcmp(own, "/") == 0 ? "" : own;
    (void)snprintf(folder, GROUPS_PATH_BYTES, "%s%s", mount, below);
    remove_left(folder);
    int bytes = snprintf(folder, GROUPS_PATH_BYTES, "%s%s/" GROUPS_PREFIX "%s", mount, below, name);
    if (bytes >= GROUPS_PATH_BYTES || mkdir(folder, 0755) != 0) {
        return false;
    }
    groups->folders_len++;
    return true;
}

/* Takes back the folder that was made last: nothing is limited by it. */
static void drop_folder(struct groups *groups)
{
    groups->folders_len--;
    (void)rmdir(groups->folders[groups->folders_len]);
}

static void make_unified(struct groups *groups, const char *proc_path, const char *root_path,
                         const char *name, uint64_t memory_bytes, uint32_t processes)
{
    char own[LINE_BYTES];
    if (!find_own(own, proc_path, "") || !make_folder(groups, root_path, own, name)) {
        return;
    }
    const char *folder = groups->folders[groups->folders_len - 1];
    groups->has_memory =
        write_limit(folder, "memory.max", memory_bytes) &&
        (!has_file(folder, "memory.swap.max") || write_limit(folder, "memory.swap.max", 0));
    groups->has_processes = write_limit(folder, "pids.max", processes);
    if (!groups->has_memory && !groups->has_processes) {
        drop_folder(groups);
    }
}

/* Returns: whether there is a group now that limits this controller. */
static bool make_single(struct groups *groups, const char *proc_path, const char *root_path,
                        const char *controller, const char *file, const char *name, uint64_t limit)
{
    char own[LINE_BYTES];
    char mount[GROUPS_PATH_BYTES];
    (void)snprintf(mount, sizeof mount, "%s/%s", root_path, controller);
    if (!find_own(own, proc_path, controller) || !make_folder(groups, mount, own, name)) {
        return false;
    }
    if (!write_limit(groups->folders[groups->folders_len - 1], file, limit)) {
        drop_folder(groups);
        return false;
    }
    return true;
}

void groups_make(struct groups *out, const char *proc_path, const char *root_path, const char *name,
                 uint64_t memory_bytes, uint32_t processes)
{
    *out = (struct groups){0};
    if (has_file(root_path, "cgroup.controllers")) {
        make_unified(out, proc_path, root_path, name, memory_bytes, processes);
        return;
    }
    out->has_memory = make_single(out, proc_path, root_path, "memory", "memory.limit_in_bytes",
                                  name, memory_bytes);
    out->has_processes =
        make_single(out, proc_path, root_path, "pids", "pids.max", name, processes);
}

void groups_remove(struct groups *groups)
{
    const struct timespec interval = {.tv_nsec = 10 * 1000 * 1000};
    for (size_t i = 0; i < groups->folders_len; i++) {
        for (size_t k = 0; k < REMOVE_TRIES && rmdir(groups->folders[i]) != 0 && errno == EBUSY;
             k++) {
            (void)nanosleep(&interval, NULL);
        }
    }
    *groups = (struct groups){0};
}
