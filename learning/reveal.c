/* SPDX-License-Identifier: Apache-2.0 */

/* Source texts for a reader who mistrusts them; leans on base's revealed texts. The idea: only
 * characters that are listed here stand for themselves. An 'a' of Cyrillic, a mark that turns the
 * direction of a line, a full-width letter (which Python takes for the narrow one) stand there by
 * their numbers; and what somebody moved beyond the right edge comes back on the next line. */

#include "internal.h"

#include <stdio.h>
#include <string.h>

#define SHOWN_BYTES_MAX 64 /* of one character, as in base */

struct plain_range {
    uint32_t first;
    uint32_t last;
    size_t columns;
};

static const struct plain_range plain_ranges[] = {
    {0x0020, 0x007E, 1}, /* ASCII */
    {0x00C0, 0x00D6, 1}, /* Latin letters with marks, without the signs for times and divided */
    {0x00D8, 0x00F6, 1}, {0x00F8, 0x00FF, 1},
    {0x3001, 0x3002, 2},                      /* comma and full stop of Chinese and Japanese */
    {0x3041, 0x3096, 2},                      /* kana */
    {0x30A1, 0x30FA, 2}, {0x3400, 0x4DBF, 2}, /* Chinese characters */
    {0x4E00, 0x9FFF, 2}, {0xAC00, 0xD7A3, 2}, /* Hangul syllables */
};

/* How many columns a character takes that stands for itself; 0 for one that does not. */
static size_t measure_plain(uint32_t code)
{
    for (size_t i = 0; i < sizeof plain_ranges / sizeof plain_ranges[0]; i++) {
        if (code >= plain_ranges[i].first && code <= plain_ranges[i].last) {
            return plain_ranges[i].columns;
        }
    }
    return 0;
}

/* A '<' that would read as the begin of a number stands there by its own. */
static bool begins_number(const char *text, size_t text_bytes)
{
    return text_bytes >= 3 && memcmp(text, "<U+", 3) == 0;
}

/* One character of a text as it is shown. */
struct shown {
    char text[SHOWN_BYTES_MAX];
    size_t columns;
    bool by_number;
};

/* Returns: how many bytes of text the character has, at least 1. */
static size_t show_character(struct shown *out, const char *text, size_t text_bytes)
{
    uint32_t code = 0;
    size_t len = sotto_utf8_decode(&code, text, text_bytes);
    out->columns = len > 0 && !begins_number(text, text_bytes) ? measure_plain(code) : 0;
    out->by_number = out->columns == 0;
    size_t bytes = len > 0 ? len : 1;
    sotto_text_reveal(out->text, sizeof out->text, text, bytes);
    if (out->by_number && strlen(out->text) == bytes) { /* base lets it pass */
        (void)snprintf(out->text, sizeof out->text, "<U+%04X>", (unsigned)code);
    }
    out->columns = out->by_number ? strlen(out->text) : out->columns;
    return bytes;
}

size_t sotto__reveal_line(struct sotto_writer *out, char mark, const char *line, size_t line_bytes,
                          size_t number, size_t columns)
{
    char margin[32];
    size_t by_number = 0;
    size_t used = 0;
    (void)snprintf(margin, sizeof margin, "%c%5zu | ", mark, number);
    sotto_write_bytes(out, margin, strlen(margin));
    for (size_t at = 0; at < line_bytes;) {
        struct shown shown;
        at += show_character(&shown, line + at, line_bytes - at);
        if (used > 0 && used + shown.columns > columns) {
            sotto_write_bytes(out, "\n       > ", 10);
            used = 0;
        }
        sotto_write_bytes(out, shown.text, strlen(shown.text));
        used += shown.columns;
        by_number += shown.by_number;
    }
    sotto_write_u8(out, '\n');
    return by_number;
}

size_t sotto_bundle_reveal(struct sotto_writer *out, const char *text, size_t text_bytes,
                           size_t columns)
{
    SOTTO_REQUIRE(columns >= 20 && columns <= 1000);
    size_t by_number = 0;
    size_t number = 1;
    for (size_t at = 0; at < text_bytes; number++) {
        const char *end = memchr(text + at, '\n', text_bytes - at);
        size_t line_bytes = end != NULL ? (size_t)(end - text) - at : text_bytes - at;
        by_number += sotto__reveal_line(out, ' ', text + at, line_bytes, number, columns);
        at += line_bytes + 1;
    }
    return by_number;
}
