/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_READING_H
#define SOTTO_NODE_READING_H

/* A line on the terminal that says how far the reading of files is, if it takes longer than a
 * second. */

#include <sotto/csv.h>

struct reading;

/* Starts to watch the files (NULL: none), which stay open until reading_end and are read so many
 * times, as far as is known. Returns: NULL where standard error is no terminal. */
struct reading *reading_show(struct sotto_csv *const *files, size_t files_len, unsigned times);
/* Wipes the line. */
void reading_end(struct reading *reading);

#endif
