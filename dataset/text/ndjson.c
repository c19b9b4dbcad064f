/* SPDX-License-Identifier: Apache-2.0 */

/* One JSON object of a line as the values of a row. Leans on nothing.
 *
 * The idea: numbers are not read here: their text goes on as it is written, so that they are as
 * exact as those of any other file. A text is never longer than what it is written as, so one piece
 * of memory as long as the line has all texts of a row. The first failure stays (expected), and
 * nothing is read after it. */

#include "text/ndjson.h"

#include <sotto/alloc.h>
#include <sotto/bytes.h>
#include <string.h>

struct line_parser {
    struct sotto__ndjson_line *json;
    const char *start;
    const char *at;
    const char *end;
    char *free; /* of the memory */
};

static bool fail(struct line_parser *parser, const char *expected)
{
    if (parser->json->expected == NULL) {
        parser->json->expected = expected;
        parser->json->at = (size_t)(parser->at - parser->start);
    }
    return false;
}

static void skip_blanks(struct line_parser *parser)
{
    while (parser->at < parser->end &&
           (*parser->at == ' ' || *parser->at == '\t' || *parser->at == '\r')) {
        parser->at++;
    }
}

/* Whether the next byte is this one, which is passed over. */
static bool accept(struct line_parser *parser, char byte)
{
    bool is_it = parser->at < parser->end && *parser->at == byte;
    parser->at += is_it;
    return is_it;
}

/* --- Strings --- */

/* Four hexadecimal digits. Returns: -1 if they are none. */
static int read_unit(struct line_parser *parser)
{
    int unit = 0;
    for (int i = 0; i < 4; i++) {
        char c = parser->at < parser->end ? *parser->at : '\0';
        char small = (char)(c | 0x20);
        int digit = c >= '0' && c <= '9'           ? c - '0'
                    : small >= 'a' && small <= 'f' ? small - 'a' + 10
                                                   : -1;
        if (digit < 0) {
            return -1;
        }
        unit = 16 * unit + digit;
        parser->at++;
    }
    return unit;
}

static void write_utf8(struct line_parser *parser, unsigned code)
{
    if (code < 0x80) {
        *parser->free++ = (char)code;
        return;
    }
    if (code < 0x800) {
        *parser->free++ = (char)(0xC0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *parser->free++ = (char)(0xE0 | code >> 12);
        } else {
            *parser->free++ = (char)(0xF0 | code >> 18);
            *parser->free++ = (char)(0x80 | (code >> 12 & 0x3F));
        }
        *parser->free++ = (char)(0x80 | (code >> 6 & 0x3F));
    }
    *parser->free++ = (char)(0x80 | (code & 0x3F));
}

/* Behind \u: a character, of two units where the first one says so. */
static bool read_character(struct line_parser *parser)
{
    int unit = read_unit(parser);
    if (unit < 0) {
        return fail(parser, "four hexadecimal digits behind \\u");
    }
    if (unit == 0) {
        return fail(parser, "text without \\u0000");
    }
    if (unit < 0xD800 || unit > 0xDFFF) {
        write_utf8(parser, (unsigned)unit);
        return true;
    }
    int low = -1;
    if (unit <= 0xDBFF && accept(parser, '\\') && accept(parser, 'u')) {
        low = read_unit(parser);
    }
    if (low < 0xDC00 || low > 0xDFFF) {
        return fail(parser, "the second half of a character (\\uD800 to \\uDBFF, then \\uDC00 to "
                            "\\uDFFF)");
    }
    write_utf8(parser, 0x10000 + (((unsigned)unit - 0xD800) << 10) + ((unsigned)low - 0xDC00));
    return true;
}

static bool read_escape(struct line_parser *parser)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char bytes[] = "\"\\/\b\f\n\r\t";
    if (accept(parser, 'u')) {
        return read_character(parser);
    }
    const char *letter =
        parser->at < parser->end && *parser->at != '\0' ? strchr(letters, *parser->at) : NULL;
    if (letter == NULL) {
        return fail(parser, "one of \" \\ / b f n r t u behind a backslash");
    }
    parser->at++;
    *parser->free++ = bytes[letter - letters];
    return true;
}

/* A string from its first quote on. Out: its text, terminated. */
static bool read_string(struct line_parser *parser, const char **out, size_t *out_bytes)
{
    char *text = parser->free;
    if (!accept(parser, '"')) {
        return fail(parser, "a name in quotes");
    }
    while (parser->at < parser->end && *parser->at != '"') {
        if ((unsigned char)*parser->at < 0x20) {
            return fail(parser, "no control character within a string (a tab is \\t)");
        }
        if (*parser->at != '\\') {
            *parser->free++ = *parser->at++;
            continue;
        }
        parser->at++;
        if (!read_escape(parser)) {
            return false;
        }
    }
    if (!accept(parser, '"')) {
        return fail(parser, "a closing quote");
    }
    *out = text;
    *out_bytes = (size_t)(parser->free - text);
    *parser->free++ = '\0';
    return true;
}

/* --- Bare values --- */

static size_t skip_digits(struct line_parser *parser)
{
    const char *from = parser->at;
    while (parser->at < parser->end && *parser->at >= '0' && *parser->at <= '9') {
        parser->at++;
    }
    return (size_t)(parser->at - from);
}

static bool skip_number(struct line_parser *parser)
{
    (void)accept(parser, '-');
    if (!accept(parser, '0') && skip_digits(parser) == 0) {
        return fail(parser, "a value: a number, a string, true, false, null, a list or an object");
    }
    if (accept(parser, '.') && skip_digits(parser) == 0) {
        return fail(parser, "digits behind the point");
    }
    if (accept(parser, 'e') || accept(parser, 'E')) {
        (void)(accept(parser, '+') || accept(parser, '-'));
        if (skip_digits(parser) == 0) {
            return fail(parser, "digits of an exponent");
        }
    }
    return true;
}

static bool accept_word(struct line_parser *parser, const char *word)
{
    size_t bytes = strlen(word);
    bool is_it =
        (size_t)(parser->end - parser->at) >= bytes && memcmp(parser->at, word, bytes) == 0;
    parser->at += is_it ? bytes : 0;
    return is_it;
}

/* A number, true, false or null, as it is written. */
static bool read_bare(struct line_parser *parser, enum sotto__ndjson_kind *out_kind,
                      const char **out, size_t *out_bytes)
{
    const char *from = parser->at;
    *out_kind = SOTTO__NDJSON_BARE;
    if (accept_word(parser, "null")) {
        *out_kind = SOTTO__NDJSON_MISSING;
        return true;
    }
    if (!accept_word(parser, "true") && !accept_word(parser, "false") && !skip_number(parser)) {
        return false;
    }
    *out = parser->free;
    *out_bytes = (size_t)(parser->at - from);
    memcpy(parser->free, from, *out_bytes);
    parser->free += *out_bytes;
    *parser->free++ = '\0'; /* what follows in the line has room for it */
    return true;
}

/* --- Values --- */

static bool skip_value(struct line_parser *parser, unsigned depth);

/* Behind a bracket, up to the one that closes it. Recursion: SOTTO__NDJSON_DEPTH_MAX levels. */
static bool skip_nested(struct line_parser *parser, bool is_object, unsigned depth)
{
    const char *text;
    size_t bytes;
    char close = is_object ? '}' : ']';
    if (depth == SOTTO__NDJSON_DEPTH_MAX) {
        return fail(parser, "at most 64 lists and objects within each other");
    }
    skip_blanks(parser);
    if (accept(parser, close)) {
        return true;
    }
    for (;;) {
        skip_blanks(parser);
        if (is_object) {
            if (!read_string(parser, &text, &bytes)) {
                return false;
            }
            skip_blanks(parser);
            if (!accept(parser, ':')) {
                return fail(parser, "a colon");
            }
        }
        skip_blanks(parser);
        if (!skip_value(parser, depth + 1)) {
            return false;
        }
        skip_blanks(parser);
        if (accept(parser, close)) {
            return true;
        }
        if (!accept(parser, ',')) {
            return fail(parser, is_object ? "a comma or }" : "a comma or ]");
        }
    }
}

static bool read_value(struct line_parser *parser, enum sotto__ndjson_kind *out_kind,
                       const char **out, size_t *out_bytes, unsigned depth)
{
    *out = "";
    *out_bytes = 0;
    if (parser->at < parser->end && *parser->at == '"') {
        *out_kind = SOTTO__NDJSON_STRING;
        return read_string(parser, out, out_bytes);
    }
    if (accept(parser, '[') || accept(parser, '{')) {
        *out_kind = SOTTO__NDJSON_NESTED;
        return skip_nested(parser, parser->at[-1] == '{', depth);
    }
    return read_bare(parser, out_kind, out, out_bytes);
}

static bool skip_value(struct line_parser *parser, unsigned depth)
{
    enum sotto__ndjson_kind kind;
    const char *text;
    size_t bytes;
    return read_value(parser, &kind, &text, &bytes, depth);
}

/* Members from the opening brace on. Returns: what the sink did; parser->json->expected tells of
 * other failures. */
static enum sotto_status read_members(struct line_parser *parser, sotto__ndjson_sink *sink,
                                      void *context)
{
    if (!accept(parser, '{')) {
        (void)fail(parser, "an object in each line, as {\"wage\": 5000}");
        return SOTTO_OK;
    }
    skip_blanks(parser);
    for (bool is_over = accept(parser, '}'); !is_over;) {
        enum sotto__ndjson_kind kind;
        const char *name;
        const char *text;
        size_t name_bytes;
        size_t bytes;
        skip_blanks(parser);
        if (!read_string(parser, &name, &name_bytes)) {
            return SOTTO_OK;
        }
        skip_blanks(parser);
        if (!accept(parser, ':')) {
            (void)fail(parser, "a colon");
            return SOTTO_OK;
        }
        skip_blanks(parser);
        if (!read_value(parser, &kind, &text, &bytes, 1)) {
            return SOTTO_OK;
        }
        enum sotto_status status = sink(context, name, name_bytes, kind, text, bytes);
        if (status != SOTTO_OK) {
            return status;
        }
        skip_blanks(parser);
        is_over = accept(parser, '}');
        if (!is_over && !accept(parser, ',')) {
            (void)fail(parser, "a comma or }");
            return SOTTO_OK;
        }
    }
    return SOTTO_OK;
}

enum sotto_status sotto__ndjson_row(struct sotto__ndjson_line *json, const char *line,
                                    size_t line_bytes, sotto__ndjson_sink *sink, void *context)
{
    void *memory = json->memory;
    if (sotto__buffer_grow(&memory, &json->memory_bytes, line_bytes + 1) != SOTTO_OK) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    json->memory = memory;
    json->expected = NULL;
    struct line_parser parser = {
        .json = json, .start = line, .at = line, .end = line + line_bytes, .free = json->memory};
    size_t valid = sotto_utf8_valid_prefix(line, line_bytes);
    if (valid != line_bytes) {
        parser.at += valid;
        (void)fail(&parser, "UTF-8 (save the file so)");
        return SOTTO_ERROR_INPUT;
    }
    skip_blanks(&parser);
    enum sotto_status status = read_members(&parser, sink, context);
    skip_blanks(&parser);
    if (status == SOTTO_OK && json->expected == NULL && parser.at < parser.end) {
        (void)fail(&parser, "the end of the line");
    }
    return status == SOTTO_OK && json->expected != NULL ? SOTTO_ERROR_INPUT : status;
}

void sotto__ndjson_line_release(struct sotto__ndjson_line *json)
{
    sotto_free(json->memory);
    *json = (struct sotto__ndjson_line){0};
}
