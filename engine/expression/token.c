/* SPDX-License-Identifier: Apache-2.0 */
#include "expression/token.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

static void set_error(const char *text, size_t start, struct sotto_error *err,
                      enum sotto_status status, const char *format, va_list args)
{
    char message[SOTTO_ERROR_TEXT_BYTES];
    (void)vsnprintf(message, sizeof message, format, args);
    size_t column = 1; /* in characters, not bytes */
    for (size_t i = 0; i < start; i++) {
        column += ((unsigned char)text[i] & 0xC0) != 0x80;
    }
    (void)sotto_error_set(err, status, "column %zu: %s", column, message);
}

enum sotto_status sotto__expression_error(const char *text, size_t start, struct sotto_error *err,
                                          const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_error(text, start, err, SOTTO_ERROR_PLAN, format, args);
    va_end(args);
    return SOTTO_ERROR_PLAN;
}

enum sotto_status sotto__expression_type_error(const char *text, size_t start,
                                               struct sotto_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_error(text, start, err, SOTTO_ERROR_TYPE, format, args);
    va_end(args);
    return SOTTO_ERROR_TYPE;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static size_t name_len(const char *text)
{
    size_t i = 0;
    while (is_name_start(text[i]) || (i > 0 && is_digit(text[i]))) {
        i++;
    }
    return i;
}

bool sotto__is_name(const char *text, size_t text_bytes)
{
    return text_bytes > 0 && name_len(text) == text_bytes;
}

static size_t digits_len(const char *text)
{
    size_t i = 0;
    while (is_digit(text[i])) {
        i++;
    }
    return i;
}

static enum sotto_status read_number(struct parser *parser, size_t start)
{
    const char *p = parser->text + start;
    p += digits_len(p);
    if (*p == '.') {
        p++;
        p += digits_len(p);
    }
    if (*p == 'e' || *p == 'E') {
        const char *exponent = p + 1 + (p[1] == '+' || p[1] == '-');
        size_t len = digits_len(exponent);
        if (len == 0) {
            return sotto__expression_error(parser->text, (size_t)(p - parser->text), parser->err,
                                           "expected digits after the exponent's e");
        }
        unsigned value = 0;
        for (size_t i = 0; i < len && value <= SOTTO__LITERAL_EXPONENT_MAX; i++) {
            value = value * 10 + (unsigned)(exponent[i] - '0');
        }
        if (value > SOTTO__LITERAL_EXPONENT_MAX) {
            return sotto__expression_error(
                parser->text, start, parser->err, "expected an exponent between -%d and %d",
                SOTTO__LITERAL_EXPONENT_MAX, SOTTO__LITERAL_EXPONENT_MAX);
        }
        p = exponent + len;
    }
    size_t end = (size_t)(p - parser->text);
    if (is_name_start(*p) || *p == '.') {
        return sotto__expression_error(parser->text, end, parser->err,
                                       "a number can't go on with \"%c\"",
                                       (unsigned char)*p < 0x80 ? *p : '?');
    }
    parser->token =
        (struct token){.kind = SOTTO__TOKEN_NUMBER, .start = start, .bytes = end - start};
    parser->at = end;
    return SOTTO_OK;
}

/* A name in backticks, or a text in single or double quotes; the quote itself doubled. */
static enum sotto_status read_quoted(struct parser *parser, size_t start)
{
    char quote = parser->text[start];
    const char *what = quote == '`' ? "name" : "text";
    size_t i = start + 1;
    while (parser->text[i] != '\0' && (parser->text[i] != quote || parser->text[i + 1] == quote)) {
        i += parser->text[i] == quote ? 2 : 1;
    }
    if (parser->text[i] == '\0') {
        return sotto__expression_error(parser->text, start, parser->err, "the %s has no closing %c",
                                       what, quote);
    }
    if (i == start + 1 && quote == '`') {
        return sotto__expression_error(parser->text, start, parser->err, "the name is empty");
    }
    parser->token = (struct token){.kind = quote == '`' ? SOTTO__TOKEN_QUOTED : SOTTO__TOKEN_TEXT,
                                   .start = start,
                                   .bytes = i + 1 - start};
    parser->at = i + 1;
    return SOTTO_OK;
}

/* Longer ones first. */
static size_t operator_len(const char *text)
{
    static const char *const operators[] = {"**", "//", "==", "!=", "<=", ">=", "<", ">", "%", "+",
                                            "-",  "*",  "/",  "(",  ")",  ",",  ".", "=", "[", "]"};
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        size_t len = strlen(operators[i]);
        if (strncmp(text, operators[i], len) == 0) {
            return len;
        }
    }
    return 0;
}

static bool is_word(const char *text, size_t bytes)
{
    static const char *const words[] = {"and", "or", "not", "in"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i]) == bytes && memcmp(words[i], text, bytes) == 0) {
            return true;
        }
    }
    return false;
}

enum sotto_status sotto__token_next(struct parser *parser)
{
    const char *text = parser->text;
    size_t start = parser->at;
    while (text[start] == ' ' || text[start] == '\t') {
        start++;
    }
    char c = text[start];
    parser->token = (struct token){.kind = SOTTO__TOKEN_END, .start = start};
    if (c == '\0') {
        parser->at = start;
        return SOTTO_OK;
    }
    if (is_digit(c) || (c == '.' && is_digit(text[start + 1]))) {
        return read_number(parser, start);
    }
    if (c == '`' || c == '"' || c == '\'') {
        return read_quoted(parser, start);
    }
    size_t bytes = name_len(text + start);
    enum token_kind kind = SOTTO__TOKEN_SIGN;
    if (bytes > 0) {
        kind = is_word(text + start, bytes) ? SOTTO__TOKEN_SIGN : SOTTO__TOKEN_NAME;
    } else if ((bytes = operator_len(text + start)) == 0) {
        return sotto__expression_error(text, start, parser->err, "unexpected \"%c\"", c);
    }
    parser->token = (struct token){.kind = kind, .start = start, .bytes = bytes};
    parser->at = start + bytes;
    return SOTTO_OK;
}

bool sotto__token_is(const struct parser *parser, const char *sign)
{
    return parser->token.kind == SOTTO__TOKEN_SIGN && strlen(sign) == parser->token.bytes &&
           memcmp(parser->text + parser->token.start, sign, parser->token.bytes) == 0;
}

char *sotto__token_text(const struct parser *parser, const struct token *token)
{
    const char *text = parser->text + token->start;
    if (token->kind != SOTTO__TOKEN_QUOTED && token->kind != SOTTO__TOKEN_TEXT) {
        return sotto_text_copy(text, token->bytes);
    }
    char *copy = sotto_alloc(token->bytes);
    size_t len = 0;
    for (size_t i = 1; copy != NULL && i + 1 < token->bytes; i++) {
        copy[len++] = text[i];
        i += text[i] == text[0];
    }
    if (copy != NULL) {
        copy[len] = '\0';
    }
    return copy;
}

enum sotto_status sotto__token_unexpected(struct parser *parser, const char *expected)
{
    const struct token *token = &parser->token;
    if (token->kind == SOTTO__TOKEN_END) {
        return sotto__expression_error(parser->text, token->start, parser->err,
                                       "expected %s, found the end", expected);
    }
    return sotto__expression_error(parser->text, token->start, parser->err,
                                   "expected %s, found \"%.*s\"", expected, (int)token->bytes,
                                   parser->text + token->start);
}

enum sotto_status sotto__token_take(struct parser *parser, const char *sign)
{
    if (!sotto__token_is(parser, sign)) {
        char quoted[8];
        (void)snprintf(quoted, sizeof quoted, "\"%s\"", sign);
        return sotto__token_unexpected(parser, quoted);
    }
    return sotto__token_next(parser);
}
