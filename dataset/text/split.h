/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DATASET_SPLIT_H
#define SOTTO_DATASET_SPLIT_H

/* Where the fields of a text end: one table of kernels, chosen by sotto_cpu_level(). split.c is the
 * specification; every level gives the same bytes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kernels read whole blocks of it: SOTTO__SPLIT_BLOCK bytes after a text must be readable. */
#define SOTTO__SPLIT_BLOCK 64
/* And write whole vectors: ends needs room for that many elements more than the text has bytes. */
#define SOTTO__SPLIT_SLACK 64

struct sotto__split {
    size_t row_ends; /* of the ends, those of rows */
    size_t quotes;
    bool nul;    /* there is a NUL byte */
    bool high;   /* there is a byte above 0x7F */
    bool crlf;   /* some row ends with CR LF: the end is the LF, and the CR stands before it */
    bool inside; /* the text ends within quotes */
};

struct sotto__split_kernels {
    /* Writes the positions of all bytes outside quotes that end a field: delimiter, LF, and a CR
     * that no LF follows. The text starts outside quotes. bytes < 2^32 - SOTTO__SPLIT_SLACK.
     * Returns: how many. */
    size_t (*split)(uint32_t *ends, struct sotto__split *out, const char *text, size_t bytes,
                    char delimiter);
    /* Returns: the number of quotes in the text. */
    size_t (*quotes)(const char *text, size_t bytes);
};

extern const struct sotto__split_kernels sotto__split_generic;
extern const struct sotto__split_kernels sotto__split_avx2;
extern const struct sotto__split_kernels sotto__split_avx512;
extern const struct sotto__split_kernels sotto__split_neon;

/* The table of this CPU. */
const struct sotto__split_kernels *sotto__split_kernels(void);

#endif
