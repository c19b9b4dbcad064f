/* SPDX-License-Identifier: Apache-2.0 */

/* The view from inside a cage, for bubblewrap (bwrap(1)). The idea: the view begins empty, and each
 * line below adds one thing, read-only; nothing is there because somebody forgot to hide it. No
 * /proc (but what it says of the CPU): it would show mounts by the owner's paths, and is a way to
 * memory and to other processes. No /dev/shm, and no writing to the folders in between: only /tmp
 * takes files, as many as stated. */

#include "cage/arguments.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void add(struct sotto_writer *out, const char *word)
{
    sotto_write_bytes(out, word, strlen(word) + 1);
}

static void add_all(struct sotto_writer *out, const char *const *words, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        add(out, words[i]);
    }
}

static void add_bind(struct sotto_writer *out, const char *option, const char *from, const char *to)
{
    add(out, option);
    add(out, from);
    add(out, to);
}

/* /bin and the like: links into /usr on most systems, folders of their own on others. */
static void add_system(struct sotto_writer *out)
{
    static const char *const folders[] = {"/bin", "/sbin", "/lib", "/lib32", "/lib64"};
    add_bind(out, "--ro-bind", "/usr", "/usr");
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char target[PATH_MAX];
        struct stat status;
        ssize_t bytes = readlink(folders[i], target, sizeof target - 1);
        if (bytes > 0) {
            target[bytes] = '\0';
            add_bind(out, "--symlink", target, folders[i]);
        } else if (stat(folders[i], &status) == 0) {
            add_bind(out, "--ro-bind", folders[i], folders[i]);
        }
    }
    add_bind(out, "--ro-bind", "/proc/cpuinfo", "/proc/cpuinfo"); /* torch aborts without */
    /* Where libraries are: Debian's BLAS is found by way of /etc/alternatives. */
    add_bind(out, "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache");
    add_bind(out, "--ro-bind-try", "/etc/alternatives", "/etc/alternatives");
}

static bool name_is_plain(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    return name[0] != '.' && name[0] != '\0' && name[strspn(name, allowed)] == '\0';
}

static enum sotto_status add_datasets(struct sotto_writer *out, const struct cage_config *config,
                                      struct sotto_error *err)
{
    for (size_t i = 0; i < config->datasets_len; i++) {
        const struct cage_dataset *dataset = &config->datasets[i];
        char to[PATH_MAX];
        int bytes = snprintf(to, sizeof to, "/data/%s", dataset->name);
        if (!name_is_plain(dataset->name) || dataset->path[0] != '/' || bytes >= (int)sizeof to) {
            return sotto_error_set(err, SOTTO_ERROR_INPUT,
                                   "dataset '%s' at '%s': expected a plain name and an absolute "
                                   "path",
                                   dataset->name, dataset->path);
        }
        add_bind(out, "--ro-bind", dataset->path, to);
    }
    return SOTTO_OK;
}

enum sotto_status arguments_write(struct sotto_writer *out, const struct cage_config *config,
                                  struct sotto_error *err)
{
    static const char *const begin[] = {
        "--unshare-user",
        "--unshare-ipc",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-uts",
        "--unshare-cgroup",
        "--disable-userns", /* and no more from within */
        "--uid",
        "65534",
        "--gid",
        "65534",
        "--hostname",
        "cage",
        "--cap-drop",
        "ALL",
        "--new-session",
        "--die-with-parent",
        "--clearenv",
        "--setenv",
        "PATH",
        "/usr/bin:/bin",
        "--setenv",
        "HOME",
        "/tmp",
        "--setenv",
        "TMPDIR",
        "/tmp",
        "--setenv",
        "LANG",
        "C.UTF-8",
        "--info-fd",
        "5",
    };
    char size[32];
    add_all(out, begin, sizeof begin / sizeof begin[0]);
    add_system(out);
    add_bind(out, "--dev-bind", "/dev/null", "/dev/null");
    add_bind(out, "--dev-bind", "/dev/urandom", "/dev/urandom");
    add_bind(out, "--ro-bind", config->fence_path, "/run/sotto/fence");
    add_bind(out, "--ro-bind", config->runner_path, "/run/sotto/runner.py");
    add(out, "--dir");
    add(out, "/data");
    enum sotto_status status = add_datasets(out, config, err);
    if (status != SOTTO_OK) {
        return status;
    }
    (void)snprintf(size, sizeof size, "%llu", (unsigned long long)config->limits.files_bytes);
    const char *const end[] = {"--size",  size,   "--tmpfs",      "/tmp",
                               "--chdir", "/tmp", "--remount-ro", "/"};
    add_all(out, end, sizeof end / sizeof end[0]);
    return sotto_writer_status(out);
}
