/* SPDX-License-Identifier: Apache-2.0 */

/* Limits of the process, so that nothing of an owner's rows gets to a disk, or to another process.
 */

#include "process.h"

#include "loop/log.h"
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define OPEN_FILES_MAX 16384

/* Rows and partials are in this process's memory. No file gets them: no core dump, and no other
 * process of the same user reads them. */
static void keep_memory_private(void)
{
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* whose search for leaks reads this process's memory */
    (void)prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* Nor a swap file, where the owner's limits (RLIMIT_MEMLOCK) let this process lock all of its
 * memory; keys are locked in any case (sotto/secret.h). */
void process_lock_memory(void)
{
    struct rlimit limit;
    bool is_free = getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY;
    if (!is_free || mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
        log_warning("memory may be swapped: RLIMIT_MEMLOCK does not let this node lock all of it");
    }
}

/* Connections, and the files of tasks that are under way, need more than the usual 1024
 * descriptors. */
static void raise_open_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < OPEN_FILES_MAX) {
        limit.rlim_cur = limit.rlim_max < OPEN_FILES_MAX ? limit.rlim_max : OPEN_FILES_MAX;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* else it stays as it is */
    }
}

void process_prepare(void)
{
    raise_open_files();
    keep_memory_private();
}
