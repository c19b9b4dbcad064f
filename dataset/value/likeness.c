/* SPDX-License-Identifier: Apache-2.0 */

/* Texts that people read as numbers and the grammar does not: "3,276.28", "12 %", a no-break space
 * between thousands. For messages only: no such text is ever read as a number. Leans on number.c.
 *
 * The idea: the text is written anew as the grammar has it, and each character that had to change
 * is remembered by its kind. If what comes out is a number, these kinds are what is in its way. */

#include "value/value.h"

#include <string.h>

#define NUMBER_BYTES_MAX 128 /* texts that are longer are like no number */
#define GROUP_DIGITS 3

/* What stands in a rewritten text for anything that parts thousands, but for the file's marks. */
#define GROUP_MARK '\''

/* A text on its way: digits, signs and exponents as the grammar has them, '.' for the file's point,
 * ',' for the other one of point and comma. */
struct rewriting {
    char out[NUMBER_BYTES_MAX + 1];
    size_t len;
    unsigned likeness;
    char point;
};

/* Where the ten digits of a script begin. */
static const uint32_t digit_rows[] = {0x0660, 0x06F0, 0x0966, 0x09E6, 0xFF10};

static bool find_digit(char *out, uint32_t code)
{
    for (size_t i = 0; i < sizeof digit_rows / sizeof digit_rows[0]; i++) {
        if (code >= digit_rows[i] && code < digit_rows[i] + 10) {
            *out = (char)('0' + (code - digit_rows[i]));
            return true;
        }
    }
    return false;
}

/* What is left out of the number, or 0. */
static unsigned find_left_out(uint32_t code)
{
    static const struct {
        uint32_t from;
        uint32_t to;
        unsigned likeness;
    } rows[] = {
        {'%', '%', SOTTO__LIKE_PERCENT},        {0x2030, 0x2030, SOTTO__LIKE_PERCENT},
        {0xFF05, 0xFF05, SOTTO__LIKE_PERCENT},  {'$', '$', SOTTO__LIKE_CURRENCY},
        {0x00A2, 0x00A5, SOTTO__LIKE_CURRENCY}, {0x20A0, 0x20CF, SOTTO__LIKE_CURRENCY},
        {'\'', '\'', SOTTO__LIKE_GROUPS},       {'_', '_', SOTTO__LIKE_GROUPS},
        {' ', ' ', SOTTO__LIKE_GROUPS},         {0x2019, 0x2019, SOTTO__LIKE_GROUPS},
        {0x00A0, 0x00A0, SOTTO__LIKE_HIDDEN},   {0x00AD, 0x00AD, SOTTO__LIKE_HIDDEN},
        {0x1680, 0x1680, SOTTO__LIKE_HIDDEN},   {0x2000, 0x200F, SOTTO__LIKE_HIDDEN},
        {0x2028, 0x202F, SOTTO__LIKE_HIDDEN},   {0x205F, 0x206F, SOTTO__LIKE_HIDDEN},
        {0x3000, 0x3000, SOTTO__LIKE_HIDDEN},   {0xFEFF, 0xFEFF, SOTTO__LIKE_HIDDEN},
        {0x00, 0x1F, SOTTO__LIKE_HIDDEN},       {0x7F, 0x9F, SOTTO__LIKE_HIDDEN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (code >= rows[i].from && code <= rows[i].to) {
            return rows[i].likeness;
        }
    }
    return 0;
}

static bool is_minus(uint32_t code)
{
    return (code >= 0x2010 && code <= 0x2015) || code == 0x2212 || code == 0xFE63 || code == 0xFF0D;
}

/* Takes one character. Returns: false if it is in no number. */
static bool take(struct rewriting *rewriting, uint32_t code)
{
    char c = (char)code;
    unsigned left_out = find_left_out(code);
    if (left_out == SOTTO__LIKE_GROUPS) {
        c = GROUP_MARK;
    } else if (left_out != 0) {
        rewriting->likeness |= left_out;
        return true;
    } else if (find_digit(&c, code)) {
        rewriting->likeness |= SOTTO__LIKE_DIGITS;
    } else if (is_minus(code)) {
        rewriting->likeness |= SOTTO__LIKE_MINUS;
        c = '-';
    } else if (code == '.' || code == ',') {
        c = c == rewriting->point ? '.' : ',';
    } else if (code >= 0x80 || strchr("0123456789+-eE()", c) == NULL) {
        return false;
    }
    rewriting->out[rewriting->len++] = c;
    return true;
}

/* (12.50) is what accountants write for -12.50. */
static void take_parentheses(struct rewriting *rewriting)
{
    size_t len = rewriting->len;
    if (len > 2 && rewriting->out[0] == '(' && rewriting->out[len - 1] == ')') {
        memmove(rewriting->out, rewriting->out + 1, len - 2);
        rewriting->len = len - 2;
        rewriting->likeness |= SOTTO__LIKE_PARENTHESES;
    }
}

static size_t count_digits(const struct rewriting *rewriting, size_t from)
{
    size_t at = from;
    while (at < rewriting->len && rewriting->out[at] >= '0' && rewriting->out[at] <= '9') {
        at++;
    }
    return at - from;
}

/* Takes all of these marks out; those between digits must part thousands. */
static bool take_groups(struct rewriting *rewriting, char mark)
{
    size_t len = 0;
    for (size_t i = 0; i < rewriting->len; i++) {
        char c = rewriting->out[i];
        size_t digits = count_digits(rewriting, i + 1);
        if (c != mark) {
            rewriting->out[len++] = c;
            continue;
        }
        bool is_between = len > 0 && digits > 0 && rewriting->out[len - 1] >= '0' &&
                          rewriting->out[len - 1] <= '9';
        if ((is_between || mark == ',') && digits != GROUP_DIGITS) {
            return false;
        }
        rewriting->likeness |= is_between ? SOTTO__LIKE_GROUPS : 0;
    }
    rewriting->len = len;
    return true;
}

/* The first comma is the point. */
static void take_point(struct rewriting *rewriting)
{
    char *comma = memchr(rewriting->out, ',', rewriting->len);
    bool is_either = count_digits(rewriting, (size_t)(comma - rewriting->out) + 1) == GROUP_DIGITS;
    *comma = '.';
    rewriting->likeness |= is_either && (rewriting->likeness & SOTTO__LIKE_GROUPS) == 0
                               ? SOTTO__LIKE_EITHER
                               : SOTTO__LIKE_POINT;
}

/* What parts thousands goes; the only comma is a point, unless it stands before one. */
static bool settle_marks(struct rewriting *rewriting)
{
    if (!take_groups(rewriting, GROUP_MARK)) {
        return false;
    }
    const char *point = memchr(rewriting->out, '.', rewriting->len);
    const char *comma = memchr(rewriting->out, ',', rewriting->len);
    if (comma == NULL) {
        return true;
    }
    size_t commas = 0;
    for (size_t i = 0; i < rewriting->len; i++) {
        commas += rewriting->out[i] == ',';
    }
    if (commas > 1 || (point != NULL && point > comma)) {
        return take_groups(rewriting, ',');
    }
    if (point != NULL && !take_groups(rewriting, '.')) {
        return false;
    }
    take_point(rewriting);
    return true;
}

unsigned sotto__number_likeness(const char *text, size_t text_bytes, char point)
{
    struct rewriting rewriting = {.point = point};
    struct sotto__number number;
    for (size_t at = 0; at < text_bytes;) {
        uint32_t code = 0;
        size_t bytes = sotto_utf8_decode(&code, text + at, text_bytes - at);
        if (bytes == 0 || rewriting.len == NUMBER_BYTES_MAX || !take(&rewriting, code)) {
            return 0;
        }
        at += bytes;
    }
    take_parentheses(&rewriting);
    if (!settle_marks(&rewriting)) {
        return 0;
    }
    rewriting.out[rewriting.len] = '\0';
    return sotto__number_parse(&number, rewriting.out, rewriting.len, '.') ? rewriting.likeness : 0;
}
