/* SPDX-License-Identifier: Apache-2.0 */

/* JSON into a writer: results, plans and the words for owners are written with it. It leans on the
 * sticky status of sotto_writer: no function here can fail, and who ends the text asks once. */

#include "number/number.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

bool sotto__text_is_plain(const char *text, size_t text_bytes)
{
    for (size_t i = 0; i < text_bytes; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F) {
            return false;
        }
    }
    return sotto_utf8_valid_prefix(text, text_bytes) == text_bytes;
}

void sotto__json_raw(struct sotto_writer *writer, const char *text)
{
    sotto_write_bytes(writer, text, strlen(text));
}

void sotto__json_string(struct sotto_writer *writer, const char *text)
{
    sotto_write_u8(writer, '"');
    for (const char *p = text; *p != '\0'; p++) {
        char escaped[8];
        if (*p == '"' || *p == '\\') {
            sotto_write_u8(writer, '\\');
            sotto_write_u8(writer, (uint8_t)*p);
        } else if ((unsigned char)*p < 0x20 || *p == 0x7F) {
            (void)snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned)(unsigned char)*p);
            sotto__json_raw(writer, escaped);
        } else {
            sotto_write_u8(writer, (uint8_t)*p);
        }
    }
    sotto_write_u8(writer, '"');
}

void sotto__json_integer(struct sotto_writer *writer, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    sotto__json_raw(writer, text);
}

void sotto__json_text(struct sotto_writer *writer, struct sotto_writer *text)
{
    char *finished = NULL;
    if (sotto__json_finish(text, &finished) != SOTTO_OK) {
        writer->failed = true;
        return;
    }
    sotto__json_string(writer, finished);
    sotto_free(finished);
}

enum sotto_status sotto__json_finish(struct sotto_writer *writer, char **out)
{
    sotto_write_u8(writer, 0);
    enum sotto_status status = sotto_writer_status(writer);
    if (status == SOTTO_OK) {
        size_t bytes;
        *out = (char *)sotto_writer_take(writer, &bytes);
    }
    sotto_writer_release(writer);
    return status;
}
