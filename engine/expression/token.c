/* SPDX-License-Identifier: Apache-2.0 */

/* The text of an expression as tokens, one at a time: numbers, names, quoted names and texts, and
 * signs. A token is only a place in the text; what it means is the parser's. All errors of the
 * language are written here, since all of them say the column that they are at. */

#include "expression/token.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

/* --- Errors --- */

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

/* The first failure only. What is parsed from here on is an empty rest. */
static void stop_at_failure(struct parser *parser, enum sotto_status status)
{
    parser->status = status;
    parser->at = parser->text != NULL ? strlen(parser->text) : 0;
    parser->token = (struct token){.kind = SOTTO__TOKEN_END, .start = parser->at};
}

void sotto__parser_fail_at(struct parser *parser, size_t start, const char *format, ...)
{
    va_list args;
    if (parser->status != SOTTO_OK) {
        return;
    }
    va_start(args, format);
    set_error(parser->text, start, parser->err, SOTTO_ERROR_PLAN, format, args);
    va_end(args);
    stop_at_failure(parser, SOTTO_ERROR_PLAN);
}

void sotto__parser_fail(struct parser *parser, enum sotto_status status, const char *format, ...)
{
    char message[SOTTO_ERROR_TEXT_BYTES];
    va_list args;
    if (parser->status != SOTTO_OK) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    stop_at_failure(parser, sotto_error_set(parser->err, status, "%s", message));
}

void sotto__parser_no_memory(struct parser *parser)
{
    if (parser->status == SOTTO_OK) {
        stop_at_failure(parser, sotto_error_no_memory(parser->err));
    }
}

/* --- Characters --- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static size_t measure_name(const char *text)
{
    size_t i = 0;
    while (is_name_start(text[i]) || (i > 0 && is_digit(text[i]))) {
        i++;
    }
    return i;
}

bool sotto__is_name(const char *text, size_t text_bytes)
{
    return text_bytes > 0 && measure_name(text) == text_bytes;
}

static size_t count_digits(const char *text)
{
    size_t i = 0;
    while (is_digit(text[i])) {
        i++;
    }
    return i;
}

/* --- Tokens --- */

static void set_token(struct parser *parser, enum token_kind kind, size_t start, size_t bytes)
{
    parser->token = (struct token){.kind = kind, .start = start, .bytes = bytes};
    parser->at = start + bytes;
}

/* At an exponent's "e". Returns: its bytes, 0 after a failure. */
static size_t read_exponent(struct parser *parser, size_t start, size_t at)
{
    const char *text = parser->text + at;
    size_t sign = text[1] == '+' || text[1] == '-';
    const char *digits = text + 1 + sign;
    size_t len = count_digits(digits);
    unsigned value = 0;
    if (len == 0) {
        sotto__parser_fail_at(parser, at, "expected digits after the exponent's e");
        return 0;
    }
    for (size_t i = 0; i < len && value <= SOTTO__LITERAL_EXPONENT_MAX; i++) {
        value = value * 10 + (unsigned)(digits[i] - '0');
    }
    if (value > SOTTO__LITERAL_EXPONENT_MAX) {
        sotto__parser_fail_at(parser, start, "expected an exponent between -%d and %d",
                              SOTTO__LITERAL_EXPONENT_MAX, SOTTO__LITERAL_EXPONENT_MAX);
        return 0;
    }
    return 1 + sign + len;
}

static void read_number(struct parser *parser, size_t start)
{
    const char *text = parser->text;
    size_t end = start + count_digits(text + start);
    size_t digits_len = end - start;
    if (text[end] == '.') {
        size_t fraction_len = count_digits(text + end + 1);
        end += 1 + fraction_len;
        digits_len += fraction_len;
    }
    if (digits_len > SOTTO__LITERAL_DIGITS_MAX) {
        sotto__parser_fail(parser, SOTTO_ERROR_LIMIT,
                           "expected at most %d digits of a number, found %zu",
                           SOTTO__LITERAL_DIGITS_MAX, digits_len);
    }
    if (text[end] == 'e' || text[end] == 'E') {
        end += read_exponent(parser, start, end);
    }
    if (is_name_start(text[end]) || text[end] == '.') {
        sotto__parser_fail_at(parser, end, "a number can't go on with \"%c\"",
                              (unsigned char)text[end] < 0x80 ? text[end] : '?');
    }
    if (parser->status == SOTTO_OK) {
        set_token(parser, SOTTO__TOKEN_NUMBER, start, end - start);
    }
}

/* A name in backticks, or a text in single or double quotes; the quote itself doubled. */
static void read_quoted(struct parser *parser, size_t start)
{
    const char *text = parser->text;
    char quote = text[start];
    bool is_name = quote == '`';
    size_t i = start + 1;
    while (text[i] != '\0' && (text[i] != quote || text[i + 1] == quote)) {
        i += text[i] == quote ? 2 : 1;
    }
    if (text[i] == '\0') {
        sotto__parser_fail_at(parser, start, "the %s has no closing %c", is_name ? "name" : "text",
                              quote);
        return;
    }
    if (i == start + 1 && is_name) {
        sotto__parser_fail_at(parser, start, "the name is empty");
        return;
    }
    set_token(parser, is_name ? SOTTO__TOKEN_QUOTED : SOTTO__TOKEN_TEXT, start, i + 1 - start);
}

/* Operators that begin like shorter ones stand before them. */
static size_t measure_operator(const char *text)
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

/* What people write who come from SQL, C, R or pandas, and what is written here. */
static const char *hint_at(const char *text)
{
    static const char *const foreign[][2] = {
        {"==", ""}, /* it is right */
        {"=", "; equality is written =="},
        {"&", "; this is written: and"},
        {"|", "; this is written: or"},
        {"~", "; this is written: not"},
        {"!", "; this is written: not"},
        {"^", "; a power is written **"},
        {"[", "; levels stand in round brackets"},
    };
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        if (strncmp(text, foreign[i][0], strlen(foreign[i][0])) == 0) {
            return foreign[i][1];
        }
    }
    return "";
}

void sotto__token_next(struct parser *parser)
{
    const char *text = parser->text;
    if (parser->status != SOTTO_OK) {
        return;
    }
    size_t start = parser->at + strspn(text + parser->at, " \t");
    char c = text[start];
    size_t bytes = measure_name(text + start);
    size_t sign_bytes = measure_operator(text + start);
    if (c == '\0') {
        set_token(parser, SOTTO__TOKEN_END, start, 0);
    } else if (is_digit(c) || (c == '.' && is_digit(text[start + 1]))) {
        read_number(parser, start);
    } else if (c == '`' || c == '"' || c == '\'') {
        read_quoted(parser, start);
    } else if (bytes > 0) {
        set_token(parser, is_word(text + start, bytes) ? SOTTO__TOKEN_SIGN : SOTTO__TOKEN_NAME,
                  start, bytes);
    } else if (sign_bytes > 0) {
        set_token(parser, SOTTO__TOKEN_SIGN, start, sign_bytes);
    } else {
        sotto__parser_fail_at(parser, start, "unexpected \"%c\"%s", c, hint_at(text + start));
    }
}

static bool has_text(const struct parser *parser, const char *text)
{
    return strlen(text) == parser->token.bytes &&
           memcmp(parser->text + parser->token.start, text, parser->token.bytes) == 0;
}

bool sotto__token_is(const struct parser *parser, const char *sign)
{
    return parser->token.kind == SOTTO__TOKEN_SIGN && has_text(parser, sign);
}

bool sotto__token_is_name(const struct parser *parser, const char *name)
{
    return parser->token.kind == SOTTO__TOKEN_NAME && has_text(parser, name);
}

char *sotto__token_text(struct parser *parser, const struct token *token)
{
    const char *text = parser->text + token->start;
    bool is_quoted = token->kind == SOTTO__TOKEN_QUOTED || token->kind == SOTTO__TOKEN_TEXT;
    if (parser->status != SOTTO_OK) {
        return NULL;
    }
    char *copy = is_quoted ? sotto_alloc(token->bytes) : sotto_text_copy(text, token->bytes);
    if (copy == NULL) {
        sotto__parser_no_memory(parser);
        return NULL;
    }
    size_t len = 0;
    for (size_t i = 1; is_quoted && i + 1 < token->bytes; i++) {
        copy[len++] = text[i];
        i += text[i] == text[0];
    }
    copy[is_quoted ? len : token->bytes] = '\0';
    return copy;
}

void sotto__token_unexpected(struct parser *parser, const char *expected)
{
    const struct token *token = &parser->token;
    if (token->kind == SOTTO__TOKEN_END) {
        sotto__parser_fail_at(parser, token->start, "expected %s, found the end", expected);
        return;
    }
    sotto__parser_fail_at(parser, token->start, "expected %s, found \"%.*s\"%s", expected,
                          (int)token->bytes, parser->text + token->start,
                          hint_at(parser->text + token->start));
}

bool sotto__token_accept(struct parser *parser, const char *sign)
{
    if (!sotto__token_is(parser, sign)) {
        return false;
    }
    sotto__token_next(parser);
    return true;
}

void sotto__token_take(struct parser *parser, const char *sign)
{
    if (!sotto__token_accept(parser, sign)) {
        char quoted[8];
        (void)snprintf(quoted, sizeof quoted, "\"%s\"", sign);
        sotto__token_unexpected(parser, quoted);
    }
}

const char *sotto__token_rest(const struct parser *parser)
{
    const char *rest = parser->text + parser->at;
    return rest + strspn(rest, " \t");
}
