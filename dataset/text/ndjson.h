/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DATASET_TEXT_NDJSON_H
#define SOTTO_DATASET_TEXT_NDJSON_H

/* One JSON object of a line as the values of a row. */

#include "value/value.h"

/* ndjson.c */

/* Deeper lists and objects are refused. */
#define SOTTO__NDJSON_DEPTH_MAX 64

/* What a value is, beside its text. */
enum sotto__ndjson_kind {
    SOTTO__NDJSON_MISSING, /* null; no text */
    SOTTO__NDJSON_STRING,
    SOTTO__NDJSON_BARE,   /* a number as it is written, or true or false */
    SOTTO__NDJSON_NESTED, /* a list or an object; no text */
};

/* Takes a member of the object. Texts are UTF-8 without NUL, terminated, and stay for the row. A
 * status other than SOTTO_OK ends the row with it. */
typedef enum sotto_status sotto__ndjson_sink(void *context, const char *name, size_t name_bytes,
                                             enum sotto__ndjson_kind kind, const char *text,
                                             size_t text_bytes);

/* One reader's memory. All zeros: none yet. Ended by sotto__ndjson_line_release. */
struct sotto__ndjson_line {
    char *memory; /* of a row's texts */
    size_t memory_bytes;
    const char *expected; /* what the last row lacked, in words; and before which byte of it */
    size_t at;
};

/* Reads a line that is an object [RFC 8259], blanks around it. The same name twice is not looked
 * for. Returns: SOTTO_ERROR_INPUT, and expected and at say why; SOTTO_ERROR_NO_MEMORY; what the
 * sink returned. */
enum sotto_status sotto__ndjson_row(struct sotto__ndjson_line *json, const char *line,
                                    size_t line_bytes, sotto__ndjson_sink *sink,
                                    void *context) SOTTO_NODISCARD;
void sotto__ndjson_line_release(struct sotto__ndjson_line *json);

#endif
