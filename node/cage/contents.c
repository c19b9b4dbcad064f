/* SPDX-License-Identifier: Apache-2.0 */

/* What is in a dataset that is a folder. Mounts that are read-only hold nobody from writing into a
 * FIFO or a socket, and who opens a FIFO waits for its other end. The idea: types alone decide, and
 * links are not followed, as they lead to nothing that the cage does not show anyway. */

#include "cage/contents.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 32

static enum sotto_status check_folder(int fd, const char *path, size_t depth,
                                      struct sotto_error *err);

/* Of one name in a folder (or a path from the root: AT_FDCWD); path is of the whole dataset. */
static enum sotto_status check_entry(int folder, const char *name, const char *path, size_t depth,
                                     struct sotto_error *err)
{
    struct stat status;
    if (fstatat(folder, name, &status, depth == 0 ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_IO, "the dataset '%s': '%s': %s", path, name,
                               strerror(errno));
    }
    if (S_ISREG(status.st_mode) || S_ISLNK(status.st_mode)) {
        return SOTTO_OK;
    }
    if (!S_ISDIR(status.st_mode)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "the dataset '%s': '%s' is a FIFO, a socket or a device: expected "
                               "files and folders",
                               path, name);
    }
    if (depth == DEPTH_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "the dataset '%s': expected at most %d folders in each other", path,
                               DEPTH_MAX);
    }
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return sotto_error_set(err, SOTTO_ERROR_IO, "the dataset '%s': '%s': %s", path, name,
                               strerror(errno));
    }
    return check_folder(fd, path, depth + 1, err);
}

/* Takes fd. */
static enum sotto_status check_folder(int fd, const char *path, size_t depth,
                                      struct sotto_error *err)
{
    DIR *folder = fdopendir(fd);
    const struct dirent *entry;
    enum sotto_status status = SOTTO_OK;
    if (folder == NULL) {
        (void)close(fd);
        return sotto_error_no_memory(err);
    }
    while (status == SOTTO_OK && (entry = readdir(folder)) != NULL) {
        bool is_plain = entry->d_type == DT_REG || entry->d_type == DT_LNK;
        if (!is_plain && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            status = check_entry(fd, entry->d_name, path, depth, err);
        }
    }
    (void)closedir(folder);
    return status;
}

enum sotto_status contents_check(const char *path, struct sotto_error *err)
{
    return check_entry(AT_FDCWD, path, path, 0, err);
}
