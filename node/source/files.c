/* SPDX-License-Identifier: Apache-2.0 */

/* Files that a driver reads by a pattern, known again. It leans on glob, which takes * and ? as
 * DuckDB does. The one idea: whoever has the answer need not have opened a file to say that it was
 * another one meanwhile. */

#include "source/files.h"

#include <glob.h>
#include <string.h>
#include <sys/stat.h>

static void digest(uint64_t *in_out, const void *data, size_t bytes)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < bytes; i++) {
        *in_out = (*in_out ^ at[i]) * UINT64_C(0x100000001B3); /* FNV-1a */
    }
}

uint64_t source_files_identify(const char *pattern)
{
    glob_t found;
    uint64_t out = UINT64_C(0xCBF29CE484222325);
    struct stat info;
    if (pattern == NULL || glob(pattern, GLOB_PERIOD, NULL, &found) != 0) {
        return 0;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        if (stat(found.gl_pathv[i], &info) == 0) {
            digest(&out, found.gl_pathv[i], strlen(found.gl_pathv[i]) + 1);
            digest(&out, &info.st_dev, sizeof info.st_dev);
            digest(&out, &info.st_ino, sizeof info.st_ino);
            digest(&out, &info.st_size, sizeof info.st_size);
            digest(&out, &info.st_mtim, sizeof info.st_mtim);
            digest(&out, &info.st_ctim, sizeof info.st_ctim);
        }
    }
    globfree(&found);
    return out;
}

enum sotto_status source_files_check(const char *pattern, uint64_t identity,
                                     struct sotto_error *err)
{
    if (pattern != NULL && identity == 0) { /* a driver found some by other rules */
        return sotto_error_set(
            err, SOTTO_ERROR_CHANGED,
            "its files can't be looked at again: neither they nor their folders may "
            "have \\ in their names");
    }
    return source_files_identify(pattern) == identity
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_CHANGED,
                                 "its files have changed while they were read");
}
