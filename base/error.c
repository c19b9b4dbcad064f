/* SPDX-License-Identifier: Apache-2.0 */

/* Statuses, from one table, and error texts. The idea: a text may hold data or a peer's words, so
 * it is cut at a character border and made safe to print at the one place where it is written. */

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

void sotto_text_sanitize(char *text)
{
    unsigned char *p = (unsigned char *)text;
    size_t left = strlen(text);
    while (left > 0) {
        size_t len = measure_sequence(p, left);
        /* C0 controls, DEL and the C1 controls (U+0080 to U+009F) can drive a terminal. */
        bool control = len == 1 ? *p < 0x20 || *p == 0x7F : len == 2 && p[0] == 0xC2 && p[1] < 0xA0;
        if (len == 0 || control) {
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
