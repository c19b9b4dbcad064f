/* SPDX-License-Identifier: Apache-2.0 */

/* Conditions on texts: each row's text beside one that is written out. It leans on the layout of
 * sotto/column.h. The one idea: a text is compared as its bytes, in small letters or without blanks
 * around it where the plan says so, and is copied nowhere. In UTF-8 the order of bytes is that of
 * code points. */

#include "rows/rows.h"

#include <string.h>

struct row_text {
    const unsigned char *bytes;
    size_t len;
};

static bool is_blank(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct row_text strip(struct row_text text)
{
    while (text.len > 0 && is_blank(text.bytes[0])) {
        text.bytes++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.bytes[text.len - 1])) {
        text.len--;
    }
    return text;
}

/* A to Z become small; no other letter has a small form here. */
static unsigned char read_byte(struct row_text text, size_t i, bool is_lower)
{
    unsigned char c = text.bytes[i];
    return is_lower && c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

/* Compares the first len bytes of text from `at` on, which it has. */
static int compare_bytes(struct row_text text, size_t at, bool is_lower, const char *with,
                         size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int order = read_byte(text, at + i, is_lower) - (unsigned char)with[i];
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

static int compare(struct row_text text, bool is_lower, const char *with, size_t with_bytes)
{
    size_t common = text.len < with_bytes ? text.len : with_bytes;
    int order = compare_bytes(text, 0, is_lower, with, common);
    return order != 0 ? order : (text.len > with_bytes) - (text.len < with_bytes);
}

static bool contains(struct row_text text, bool is_lower, const char *part, size_t part_bytes)
{
    bool found = false;
    for (size_t at = 0; !found && at + part_bytes <= text.len; at++) {
        found = compare_bytes(text, at, is_lower, part, part_bytes) == 0;
    }
    return found;
}

static bool holds(const struct sotto__op *op, struct row_text text, size_t bytes)
{
    bool is_lower = (op->digits & SOTTO__TEXT_LOWER) != 0;
    text = (op->digits & SOTTO__TEXT_STRIP) != 0 ? strip(text) : text;
    switch (op->kind) {
    case SOTTO__OP_TEXT_LESS:
        return compare(text, is_lower, op->text, bytes) < 0;
    case SOTTO__OP_TEXT_LESS_EQUAL:
        return compare(text, is_lower, op->text, bytes) <= 0;
    case SOTTO__OP_TEXT_GREATER:
        return compare(text, is_lower, op->text, bytes) > 0;
    case SOTTO__OP_TEXT_GREATER_EQUAL:
        return compare(text, is_lower, op->text, bytes) >= 0;
    case SOTTO__OP_TEXT_STARTS:
        return text.len >= bytes && compare_bytes(text, 0, is_lower, op->text, bytes) == 0;
    case SOTTO__OP_TEXT_CONTAINS:
        return contains(text, is_lower, op->text, bytes);
    default:
        return text.len == bytes && compare_bytes(text, 0, is_lower, op->text, bytes) == 0;
    }
}

/* Texts as they are, most often levels, which end apart. */
static void find_equal(int64_t *out, const struct sotto_column *block, const char *text, size_t at,
                       size_t len)
{
    size_t bytes = strlen(text);
    for (size_t i = 0; i < len; i++) {
        int64_t start = block->offsets[at + i];
        const char *value = (const char *)block->values + start;
        out[i] = (size_t)(block->offsets[at + i + 1] - start) == bytes &&
                 (bytes == 0 || value[bytes - 1] == text[bytes - 1]) &&
                 memcmp(value, text, bytes) == 0 && sotto_column_is_valid(block, at + i);
    }
}

void sotto__rows_text(int64_t *out, const struct sotto__op *op, const struct sotto_column *block,
                      size_t at, size_t len)
{
    size_t bytes = strlen(op->text);
    if (block->type.kind != SOTTO_KIND_STRING) { /* missing everywhere */
        memset(out, 0, len * sizeof *out);
        return;
    }
    if (op->kind == SOTTO__OP_TEXT_EQUAL && op->digits == 0) {
        find_equal(out, block, op->text, at, len);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        int64_t start = block->offsets[at + i];
        struct row_text text = {.bytes = (const unsigned char *)block->values + start,
                                .len = (size_t)(block->offsets[at + i + 1] - start)};
        out[i] = sotto_column_is_valid(block, at + i) && holds(op, text, bytes);
    }
}
