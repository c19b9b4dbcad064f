/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SOURCE_FILES_H
#define SOTTO_NODE_SOURCE_FILES_H

/* Files that a driver reads, known again. */

#include <sotto/status.h>
#include <stdint.h>

/* What the files are that a pattern of * and ? names, hidden ones too: names, sizes and times, not
 * contents. 0: none, or no pattern. */
uint64_t source_files_identify(const char *pattern);
/* Whether they are what they were. Returns: SOTTO_ERROR_CHANGED; where identity is 0 too, of files
 * that a driver has read: nobody could say so. */
enum sotto_status source_files_check(const char *pattern, uint64_t identity,
                                     struct sotto_error *err) SOTTO_NODISCARD;

#endif
