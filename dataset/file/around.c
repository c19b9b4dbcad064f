/* SPDX-License-Identifier: Apache-2.0 */

/* What stands around a table in a file: the line by which Excel learns the delimiter, and lines
 * behind the last row (sums, notes). Leans on csv.c for bytes.
 *
 * The idea: both are found from the file's ends, so nobody between has to know of them: a table
 * begins behind the first and ends before the others, for every reader alike. */

#include "file/file.h"

#include <string.h>

#define STEP_BYTES 4096

bool sotto__sep_line(char *out_delimiter, const void *start, size_t bytes)
{
    const char *text = start;
    if (bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        bytes -= 3;
    }
    if (bytes < 5 || memcmp(text, "sep=", 4) != 0 || !sotto__delimiter_is_possible(text[4]) ||
        (bytes > 5 && text[5] != '\n' && text[5] != '\r')) {
        return false;
    }
    *out_delimiter = text[4];
    return true;
}

/* A walk over lines from the end of a file to its start. */
struct backward {
    uint64_t at;    /* the byte that is looked at */
    uint64_t start; /* of the last line that counts, so far */
    uint32_t left;  /* lines that are to be found */
    bool has_text;  /* of the line under way: something but blanks */
};

/* Takes the byte at backward->at. Returns: false when all lines are found. */
static bool step_back(struct backward *backward, char c)
{
    if (c != '\n' && c != '\r') {
        backward->has_text = backward->has_text || (c != ' ' && c != '\t');
        return true;
    }
    if (backward->has_text) {
        backward->start = backward->at + 1;
        backward->left--;
        backward->has_text = false;
    }
    return backward->left > 0;
}

enum sotto_status sotto__footer_find(uint64_t *out, const struct sotto_csv *csv,
                                     uint64_t size_bytes, struct sotto_error *err)
{
    char piece[STEP_BYTES];
    struct backward backward = {.at = size_bytes, .start = size_bytes, .left = csv->footer};
    bool goes_on = backward.left > 0;
    while (goes_on && backward.at > 0) {
        size_t bytes = backward.at < sizeof piece ? (size_t)backward.at : sizeof piece;
        uint64_t offset = backward.at - bytes;
        enum sotto_status status = sotto__csv_pread(csv, piece, bytes, offset, err);
        if (status != SOTTO_OK) {
            return status;
        }
        for (size_t i = bytes; goes_on && i > 0; i--) {
            backward.at--;
            goes_on = step_back(&backward, piece[i - 1]);
        }
    }
    *out =
        goes_on && backward.has_text ? 0 : backward.start; /* the first line has no end before it */
    return SOTTO_OK;
}
