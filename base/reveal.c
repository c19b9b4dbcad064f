/* SPDX-License-Identifier: Apache-2.0 */

/* Texts in which every character can be told: two that look alike may differ, and a number with a
 * no-break space in it looks like a number. The idea: what a reader can't see, or takes for another
 * character, stands there by its number, and by its name where people meet it often. */

#include "internal.h"
#include <sotto/status.h>

#include <stdio.h>
#include <string.h>

#define SHOWN_BYTES_MAX 64 /* of one character: its number and a name */

struct character_name {
    uint32_t code;
    const char *name;
};

static const struct character_name names[] = {
    {0x0009, "tab"},
    {0x000A, "line feed"},
    {0x000D, "carriage return"},
    {0x00A0, "no-break space"},
    {0x00AD, "soft hyphen"},
    {0x0300, "combining grave accent"},
    {0x0301, "combining acute accent"},
    {0x0302, "combining circumflex accent"},
    {0x0303, "combining tilde"},
    {0x0308, "combining diaeresis"},
    {0x030A, "combining ring above"},
    {0x030C, "combining caron"},
    {0x0327, "combining cedilla"},
    {0x2007, "figure space"},
    {0x2009, "thin space"},
    {0x200B, "zero width space"},
    {0x200C, "zero width non-joiner"},
    {0x200D, "zero width joiner"},
    {0x2010, "hyphen"},
    {0x2011, "non-breaking hyphen"},
    {0x2012, "figure dash"},
    {0x2013, "en dash"},
    {0x2014, "em dash"},
    {0x2018, "left single quotation mark"},
    {0x2019, "right single quotation mark"},
    {0x201C, "left double quotation mark"},
    {0x201D, "right double quotation mark"},
    {0x202F, "narrow no-break space"},
    {0x2060, "word joiner"},
    {0x2212, "minus sign"},
    {0x3000, "ideographic space"},
    {0xFEFF, "byte order mark"},
};

static const char *find_name(uint32_t code)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].code == code) {
            return names[i].name;
        }
    }
    return NULL;
}

/* Blanks of other widths, marks on the letter before, digits and signs of full width. */
static bool looks_like_another(uint32_t code)
{
    return (code >= 0x0300 && code <= 0x036F) || (code >= 0x2000 && code <= 0x200A) ||
           code == 0x1680 || code == 0x205F || (code >= 0xFF01 && code <= 0xFF5E);
}

/* Writes one character of len bytes (0: a byte that is none). Returns: how many bytes it takes. */
static size_t write_character(char out[SHOWN_BYTES_MAX], const char *text, size_t len,
                              uint32_t code)
{
    if (len == 0) {
        return (size_t)snprintf(out, SHOWN_BYTES_MAX, "<%02X>", (unsigned char)*text);
    }
    const char *name = find_name(code);
    if (name != NULL) {
        return (size_t)snprintf(out, SHOWN_BYTES_MAX, "<U+%04X %s>", (unsigned)code, name);
    }
    if (sotto__character_deceives(code) || looks_like_another(code)) {
        return (size_t)snprintf(out, SHOWN_BYTES_MAX, "<U+%04X>", (unsigned)code);
    }
    memcpy(out, text, len);
    return len;
}

void sotto_text_reveal(char *out, size_t out_bytes, const char *text, size_t text_bytes)
{
    SOTTO_REQUIRE(out_bytes >= 8);
    size_t used = 0;
    size_t fits = 0; /* so much of it has "..." behind it and still fits */
    for (size_t at = 0; at < text_bytes;) {
        char shown[SHOWN_BYTES_MAX];
        uint32_t code = 0;
        size_t len = sotto_utf8_decode(&code, text + at, text_bytes - at);
        size_t shown_bytes = write_character(shown, text + at, len, code);
        if (used + shown_bytes >= out_bytes) {
            memcpy(out + fits, "...", 4);
            return;
        }
        memcpy(out + used, shown, shown_bytes);
        used += shown_bytes;
        fits = used + 4 <= out_bytes ? used : fits;
        at += len > 0 ? len : 1;
    }
    out[used] = '\0';
}
