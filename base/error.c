/* SPDX-License-Identifier: Apache-2.0 */

/* Statuses, from one table, and error texts. The idea: a text may hold data or a peer's words, so
 * it is cut at a character border and made safe to print at the one place where it is written. */

#include "internal.h"
#include <sotto/status.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct status_row {
    enum sotto_status status;
    const char *name;
    const char *text;
};

static const struct status_row status_rows[] = {
#define STATUS_ROW(code, value, name, text) {code, name, text},
    SOTTO_STATUS_TABLE(STATUS_ROW)
#undef STATUS_ROW
};

static const size_t status_rows_len = sizeof status_rows / sizeof status_rows[0];

static const struct status_row *find_row(enum sotto_status status)
{
    for (size_t i = 0; i < status_rows_len; i++) {
        if (status_rows[i].status == status) {
            return &status_rows[i];
        }
    }
    return NULL;
}

const char *sotto_version(void)
{
    return SOTTO_VERSION;
}

const char *sotto_status_name(enum sotto_status status)
{
    const struct status_row *row = find_row(status);
    return row != NULL ? row->name : "unknown";
}

const char *sotto_status_text(enum sotto_status status)
{
    const struct status_row *row = find_row(status);
    return row != NULL ? row->text : "unknown status";
}

bool sotto_status_find(enum sotto_status *out, const char *name)
{
    for (size_t i = 0; i < status_rows_len; i++) {
        if (strcmp(status_rows[i].name, name) == 0) {
            *out = status_rows[i].status;
            return true;
        }
    }
    return false;
}

/* The length of the UTF-8 sequence that starts at p, or 0 (RFC 3629: no surrogates, no overlong
 * forms, nothing above U+10FFFF). */
static size_t measure_sequence(const unsigned char *p, size_t bytes)
{
    if (p[0] < 0x80) {
        return 1;
    }
    size_t len = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (p[0] < 0xC2 || p[0] > 0xF4 || len > bytes) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xF0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xED && p[1] > 0x9F;
    bool beyond = p[0] == 0xF4 && p[1] > 0x8F;
    return overlong || surrogate || beyond ? 0 : len;
}

size_t sotto_utf8_valid_prefix(const void *data, size_t data_bytes)
{
    const unsigned char *p = data;
    size_t i = 0;
    while (i < data_bytes) {
        size_t len = measure_sequence(p + i, data_bytes - i);
        if (len == 0) {
            break;
        }
        i += len;
    }
    return i;
}

/* The code point of a valid sequence. */
static uint32_t decode_sequence(const unsigned char *p, size_t len)
{
    static const unsigned char masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t code = p[0] & masks[len];
    for (size_t i = 1; i < len; i++) {
        code = code << 6 | (p[i] & 0x3F);
    }
    return code;
}

size_t sotto_utf8_decode(uint32_t *out, const char *text, size_t text_bytes)
{
    size_t len = text_bytes > 0 ? measure_sequence((const unsigned char *)text, text_bytes) : 0;
    if (len > 0) {
        *out = decode_sequence((const unsigned char *)text, len);
    }
    return len;
}

/* Whether a reader is shown something else than is there: controls can drive a terminal, marks of
 * direction change the order of what follows, and what has no width is not seen. */
bool sotto__character_deceives(uint32_t code)
{
    static const uint32_t ranges[][2] = {
        {0x00, 0x1F},       {0x7F, 0x9F},       {0xAD, 0xAD},       {0x34F, 0x34F},
        {0x61C, 0x61C},     {0x115F, 0x1160},   {0x17B4, 0x17B5},   {0x180B, 0x180F},
        {0x200B, 0x200F},   {0x2028, 0x202E},   {0x2060, 0x206F},   {0x3164, 0x3164},
        {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFB},
        {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (code >= ranges[i][0] && code <= ranges[i][1]) {
            return true;
        }
    }
    return false;
}

void sotto_text_sanitize(char *text)
{
    unsigned char *p = (unsigned char *)text;
    size_t left = strlen(text);
    while (left > 0) {
        size_t len = measure_sequence(p, left);
        if (len == 0 || sotto__character_deceives(decode_sequence(p, len))) {
            len = len == 0 ? 1 : len;
            memset(p, '?', len);
        }
        p += len;
        left -= len;
    }
}

static void make_safe(char *text, size_t written)
{
    if (written >= SOTTO_ERROR_TEXT_BYTES) {
        size_t keep = sotto_utf8_valid_prefix(text, SOTTO_ERROR_TEXT_BYTES - 4);
        memcpy(text + keep, "...", 4);
    }
    sotto_text_sanitize(text);
}

#undef sotto_error_set
enum sotto_status sotto_error_set(struct sotto_error *err, enum sotto_status status,
                                  const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        int written = vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
        err->status = status;
        make_safe(err->text, written < 0 ? 0 : (size_t)written);
    }
    return status;
}

#undef sotto_error_no_memory
enum sotto_status sotto_error_no_memory(struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "out of memory");
}

enum sotto_status sotto_error_prefix(struct sotto_error *err, const char *format, ...)
{
    SOTTO_REQUIRE(err != NULL);
    char prefix[SOTTO_ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);
    char rest[SOTTO_ERROR_TEXT_BYTES];
    memcpy(rest, err->text, sizeof rest);
    return sotto_error_set(err, err->status, "%s: %s", prefix, rest);
}

void sotto__require_failed(const char *file, int line, const char *condition)
{
    (void)fprintf(stderr, "sotto: %s:%d: a caller broke the contract: %s\n", file, line, condition);
    abort();
}
