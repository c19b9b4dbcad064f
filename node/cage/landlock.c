/* SPDX-License-Identifier: Apache-2.0 */

/* Landlock, the second fence around files: what bubblewrap did not mount can't be opened even where
 * somebody finds a way to it. The idea: what is forbidden grows with the kernel's version, so the
 * numbers stand here (linux/landlock.h of an older system lacks the newer ones), and each kernel is
 * asked for no more than it has. */

#include "cage/fence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Bits of the rights to files, as the kernel numbers them. */
#define EXECUTE (1u << 0)
#define WRITE_FILE (1u << 1)
#define READ_FILE (1u << 2)
#define READ_DIR (1u << 3)
#define FILES_V1 ((1u << 13) - 1) /* those, and to remove and make what is in folders */
#define REFER (1u << 13)          /* from 2 on: move between folders */
#define TRUNCATE (1u << 14)       /* from 3 on */
#define IOCTL_DEVICE (1u << 15)   /* from 5 on */
#define NETWORK_TCP 3u            /* from 4 on: bind, connect */
#define SCOPE_SIGNALS 2u          /* from 6 on: to others */
#define SCOPE_ALL 3u              /* those, and abstract sockets of others */

#define RULE_PATH_BENEATH 1
#define ASK_VERSION 1u

struct ruleset {
    uint64_t files;
    uint64_t network;
    uint64_t scope;
};

struct path_rule {
    uint64_t allowed;
    int32_t folder;
} __attribute__((packed));

struct allowed_path {
    const char *path;
    uint64_t rights;
};

static uint64_t find_rights(int version)
{
    return FILES_V1 | (version >= 2 ? REFER : 0) | (version >= 3 ? TRUNCATE : 0) |
           (version >= 5 ? IOCTL_DEVICE : 0);
}

/* Allows rights to a path and what is below it; one that is not there is passed over. Returns: 0 or
 * a negative errno. */
static int allow_path(int ruleset, const struct allowed_path *allowed, uint64_t rights)
{
    int folder = open(allowed->path, O_PATH | O_CLOEXEC);
    if (folder < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    struct path_rule rule = {allowed->rights & rights, folder};
    long failed = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
    int code = failed != 0 ? -errno : 0;
    (void)close(folder);
    return code;
}

static int allow_paths(int ruleset, uint64_t rights)
{
    const uint64_t look = READ_FILE | READ_DIR;
    const struct allowed_path paths[] = {
        {"/usr", look | EXECUTE},
        {"/bin", look | EXECUTE},
        {"/sbin", look | EXECUTE},
        {"/lib", look | EXECUTE},
        {"/lib32", look | EXECUTE},
        {"/lib64", look | EXECUTE},
        {"/etc", look},
        {"/data", look},
        {"/run/sotto", look},
        {"/proc/cpuinfo", READ_FILE},
        {"/dev/null", READ_FILE | WRITE_FILE},
        {"/dev/urandom", READ_FILE},
        {"/tmp", rights & ~(uint64_t)(EXECUTE | IOCTL_DEVICE)},
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0] && failed == 0; i++) {
        failed = allow_path(ruleset, &paths[i], rights);
    }
    return failed;
}

static long find_version(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);
}

/* Makes a ruleset of the fields that a version knows. Returns: it, or a negative errno. */
static int make_ruleset(const struct ruleset *rules, long version)
{
    size_t fields = version >= 6 ? 3 : version >= 4 ? 2 : 1;
    long ruleset = syscall(SYS_landlock_create_ruleset, rules, fields * sizeof(uint64_t), 0);
    return ruleset < 0 ? -errno : (int)ruleset;
}

/* Puts this process under a ruleset unless something failed before, and closes it. Returns: failed,
 * or a negative errno, or the version. */
static int enter(int ruleset, int failed, long version)
{
    if (failed == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        failed = -errno;
    }
    if (failed == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) {
        failed = -errno;
    }
    (void)close(ruleset);
    return failed != 0 ? failed : (int)version;
}

int fence_landlock(void)
{
    long version = find_version();
    if (version < 1) {
        return 0;
    }
    struct ruleset rules = {find_rights((int)version), NETWORK_TCP, SCOPE_ALL};
    int ruleset = make_ruleset(&rules, version);
    return ruleset < 0 ? ruleset : enter(ruleset, allow_paths(ruleset, rules.files), version);
}

int fence_writes(void)
{
    static const struct allowed_path nothing = {"/dev/null", WRITE_FILE};
    long version = find_version();
    if (version < 1) {
        return 0;
    }
    uint64_t reads = EXECUTE | READ_FILE | READ_DIR | IOCTL_DEVICE;
    struct ruleset rules = {find_rights((int)version) & ~reads, 0, SCOPE_SIGNALS};
    int ruleset = make_ruleset(&rules, version);
    return ruleset < 0 ? ruleset
                       : enter(ruleset, allow_path(ruleset, &nothing, rules.files), version);
}
