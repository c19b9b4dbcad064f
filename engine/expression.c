/* SPDX-License-Identifier: Apache-2.0 */

/* A Pratt parser: each operator has a binding power, and parse_expression(power) takes all that
 * binds tighter than power. */

#include "internal.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

static const char *const function_names[FUNCTIONS_LEN] = {
    [FUNCTION_COUNT] = "count",
    [FUNCTION_SUM] = "sum",
    [FUNCTION_MEAN] = "mean",
};

const char *sotto__function_name(enum sotto__function function)
{
    return function_names[function];
}

enum token_kind {
    TOKEN_END,
    TOKEN_NUMBER,
    TOKEN_NAME,
    TOKEN_QUOTED, /* `name` */
    TOKEN_SIGN,   /* one of + - * / ( ) , . */
    TOKEN_LATER,  /* an operator of a later version */
};

struct token {
    enum token_kind kind;
    size_t start;
    size_t bytes;
};

struct parser {
    struct sotto__expression *expression;
    const char *text;
    size_t at; /* where the next token is looked for */
    struct token token;
    unsigned depth;
    struct sotto_error *err;
};

enum sotto_status sotto__expression_error(const char *text, size_t start, struct sotto_error *err,
                                          const char *format, ...)
{
    char message[SOTTO_ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    size_t column = 1; /* in characters, not bytes */
    for (size_t i = 0; i < start; i++) {
        column += ((unsigned char)text[i] & 0xC0) != 0x80;
    }
    return sotto_error_set(err, SOTTO_ERROR_PLAN, "column %zu: %s", column, message);
}

/* --- Tokens --- */

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
        for (size_t i = 0; i < len && value <= LITERAL_EXPONENT_MAX; i++) {
            value = value * 10 + (unsigned)(exponent[i] - '0');
        }
        if (value > LITERAL_EXPONENT_MAX) {
            return sotto__expression_error(parser->text, start, parser->err,
                                           "expected an exponent between -%d and %d",
                                           LITERAL_EXPONENT_MAX, LITERAL_EXPONENT_MAX);
        }
        p = exponent + len;
    }
    size_t end = (size_t)(p - parser->text);
    if (is_name_start(*p) || *p == '.') {
        return sotto__expression_error(parser->text, end, parser->err,
                                       "a number can't go on with \"%c\"",
                                       (unsigned char)*p < 0x80 ? *p : '?');
    }
    parser->token = (struct token){.kind = TOKEN_NUMBER, .start = start, .bytes = end - start};
    parser->at = end;
    return SOTTO_OK;
}

static enum sotto_status read_quoted(struct parser *parser, size_t start)
{
    size_t i = start + 1;
    while (parser->text[i] != '\0' && (parser->text[i] != '`' || parser->text[i + 1] == '`')) {
        i += parser->text[i] == '`' ? 2 : 1;
    }
    if (parser->text[i] == '\0') {
        return sotto__expression_error(parser->text, start, parser->err,
                                       "the name has no closing `");
    }
    if (i == start + 1) {
        return sotto__expression_error(parser->text, start, parser->err, "the name is empty");
    }
    parser->token = (struct token){.kind = TOKEN_QUOTED, .start = start, .bytes = i + 1 - start};
    parser->at = i + 1;
    return SOTTO_OK;
}

/* Operators of later versions, longer ones first. */
static size_t later_operator_len(const char *text)
{
    static const char *const operators[] = {"**", "//", "==", "!=", "<=", ">=", "<", ">", "%"};
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        size_t len = strlen(operators[i]);
        if (strncmp(text, operators[i], len) == 0) {
            return len;
        }
    }
    return 0;
}

static bool is_later_word(const char *text, size_t bytes)
{
    static const char *const words[] = {"and", "or", "not", "in"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i]) == bytes && memcmp(words[i], text, bytes) == 0) {
            return true;
        }
    }
    return false;
}

static enum sotto_status next_token(struct parser *parser)
{
    const char *text = parser->text;
    size_t start = parser->at;
    while (text[start] == ' ' || text[start] == '\t') {
        start++;
    }
    char c = text[start];
    parser->token = (struct token){.kind = TOKEN_END, .start = start};
    if (c == '\0') {
        parser->at = start;
        return SOTTO_OK;
    }
    if (is_digit(c) || (c == '.' && is_digit(text[start + 1]))) {
        return read_number(parser, start);
    }
    if (c == '`') {
        return read_quoted(parser, start);
    }
    size_t bytes = name_len(text + start);
    enum token_kind kind = TOKEN_NAME;
    if (bytes > 0) {
        kind = is_later_word(text + start, bytes) ? TOKEN_LATER : TOKEN_NAME;
    } else if ((bytes = later_operator_len(text + start)) > 0) {
        kind = TOKEN_LATER;
    } else if (strchr("+-*/(),.", c) != NULL) {
        kind = TOKEN_SIGN;
        bytes = 1;
    } else {
        return sotto__expression_error(text, start, parser->err, "unexpected \"%c\"", c);
    }
    parser->token = (struct token){.kind = kind, .start = start, .bytes = bytes};
    parser->at = start + bytes;
    return SOTTO_OK;
}

static bool token_is(const struct parser *parser, char sign)
{
    return parser->token.kind == TOKEN_SIGN && parser->text[parser->token.start] == sign;
}

static enum sotto_status unexpected(struct parser *parser, const char *expected)
{
    const struct token *token = &parser->token;
    const char *found = parser->text + token->start;
    if (token->kind == TOKEN_LATER) {
        return sotto__expression_error(parser->text, token->start, parser->err,
                                       "\"%.*s\" is not supported in this version",
                                       (int)token->bytes, found);
    }
    if (token->kind == TOKEN_END) {
        return sotto__expression_error(parser->text, token->start, parser->err,
                                       "expected %s, found the end", expected);
    }
    return sotto__expression_error(parser->text, token->start, parser->err,
                                   "expected %s, found \"%.*s\"", expected, (int)token->bytes,
                                   found);
}

/* --- Nodes --- */

static enum sotto_status add_node(struct parser *parser, size_t *out, struct sotto__node node)
{
    struct sotto__expression *expression = parser->expression;
    if (expression->nodes_len == EXPRESSION_NODES_MAX) {
        return sotto_error_set(parser->err, SOTTO_ERROR_LIMIT,
                               "expected at most %d operations, numbers and columns, found more",
                               EXPRESSION_NODES_MAX);
    }
    void *nodes = expression->nodes;
    if (sotto_array_reserve(&nodes, &expression->nodes_capacity_len, expression->nodes_len + 1,
                            sizeof node) != SOTTO_OK) {
        return sotto_error_set(parser->err, SOTTO_ERROR_NO_MEMORY, "out of memory");
    }
    expression->nodes = nodes;
    *out = expression->nodes_len++;
    expression->nodes[*out] = node;
    return SOTTO_OK;
}

/* The text of a name token; quoted ones without their quotes. NULL: no memory. */
static char *token_name(const struct parser *parser, const struct token *token)
{
    const char *text = parser->text + token->start;
    if (token->kind == TOKEN_NAME) {
        return sotto_text_copy(text, token->bytes);
    }
    char *name = sotto_alloc(token->bytes);
    size_t len = 0;
    for (size_t i = 1; name != NULL && i + 1 < token->bytes; i++) {
        name[len++] = text[i];
        i += text[i] == '`';
    }
    if (name != NULL) {
        name[len] = '\0';
    }
    return name;
}

static enum sotto_status add_column(struct parser *parser, size_t *out, const struct token *dataset,
                                    const struct token *column)
{
    struct sotto__node node = {.kind = NODE_COLUMN};
    node.name = token_name(parser, column);
    node.dataset = dataset != NULL ? token_name(parser, dataset) : NULL;
    node.start = dataset != NULL ? dataset->start : column->start;
    enum sotto_status status;
    if (node.name == NULL || (dataset != NULL && node.dataset == NULL)) {
        status = sotto_error_set(parser->err, SOTTO_ERROR_NO_MEMORY, "out of memory");
    } else {
        status = add_node(parser, out, node);
    }
    if (status != SOTTO_OK) {
        sotto_free(node.name);
        sotto_free(node.dataset);
    }
    return status;
}

/* --- The grammar --- */

#define POWER_ADD 10
#define POWER_MULTIPLY 20
#define POWER_NEGATE 30

static enum sotto_status parse_expression(struct parser *parser, size_t *out, int power);

static enum sotto_status find_function(struct parser *parser, enum sotto__function *out,
                                       const struct token *token)
{
    char name[80];
    (void)snprintf(name, sizeof name, "%.*s", (int)(token->bytes > 79 ? 79 : token->bytes),
                   parser->text + token->start);
    for (size_t i = 0; i < FUNCTIONS_LEN; i++) {
        if (strcmp(function_names[i], name) == 0) {
            *out = (enum sotto__function)i;
            return SOTTO_OK;
        }
    }
    const char *nearest = sotto__nearest(name, function_names, FUNCTIONS_LEN);
    if (nearest != NULL) {
        return sotto__expression_error(parser->text, token->start, parser->err,
                                       "unknown function \"%s\"; did you mean \"%s\"?", name,
                                       nearest);
    }
    return sotto__expression_error(parser->text, token->start, parser->err,
                                   "unknown function \"%s\"; there are count, sum and mean", name);
}

/* After the name: "(" argument ")". */
static enum sotto_status parse_call(struct parser *parser, size_t *out, const struct token *name)
{
    struct sotto__node node = {.kind = NODE_AGGREGATE, .start = name->start};
    enum sotto_status status = find_function(parser, &node.function, name);
    if (status == SOTTO_OK) {
        status = next_token(parser);
    }
    if (status == SOTTO_OK && token_is(parser, ')')) {
        return sotto__expression_error(parser->text, parser->token.start, parser->err,
                                       "%s takes a column, found none",
                                       function_names[node.function]);
    }
    if (status == SOTTO_OK) {
        status = parse_expression(parser, &node.left, 0);
    }
    if (status == SOTTO_OK && token_is(parser, ',')) {
        return sotto__expression_error(parser->text, parser->token.start, parser->err,
                                       "%s takes one column, found more",
                                       function_names[node.function]);
    }
    if (status == SOTTO_OK && !token_is(parser, ')')) {
        return unexpected(parser, "\")\"");
    }
    if (status == SOTTO_OK) {
        status = next_token(parser);
    }
    return status == SOTTO_OK ? add_node(parser, out, node) : status;
}

/* A column, a dataset's column or a call. */
static enum sotto_status parse_name(struct parser *parser, size_t *out)
{
    struct token name = parser->token;
    enum sotto_status status = next_token(parser);
    if (status != SOTTO_OK) {
        return status;
    }
    if (token_is(parser, '(') && name.kind == TOKEN_NAME) {
        return parse_call(parser, out, &name);
    }
    if (!token_is(parser, '.')) {
        return add_column(parser, out, NULL, &name);
    }
    status = next_token(parser);
    if (status != SOTTO_OK) {
        return status;
    }
    struct token column = parser->token;
    if (column.kind != TOKEN_NAME && column.kind != TOKEN_QUOTED) {
        return unexpected(parser, "a column's name (odd names in backticks)");
    }
    status = next_token(parser);
    return status == SOTTO_OK ? add_column(parser, out, &name, &column) : status;
}

static enum sotto_status parse_prefix(struct parser *parser, size_t *out)
{
    struct sotto__node node = {.start = parser->token.start, .bytes = parser->token.bytes};
    enum sotto_status status;
    if (parser->token.kind == TOKEN_NAME || parser->token.kind == TOKEN_QUOTED) {
        return parse_name(parser, out);
    }
    if (parser->token.kind == TOKEN_NUMBER) {
        node.kind = NODE_LITERAL;
        status = next_token(parser);
        return status == SOTTO_OK ? add_node(parser, out, node) : status;
    }
    if (token_is(parser, '-')) {
        node.kind = NODE_NEGATE;
        status = next_token(parser);
        if (status == SOTTO_OK) {
            status = parse_expression(parser, &node.left, POWER_NEGATE);
        }
        return status == SOTTO_OK ? add_node(parser, out, node) : status;
    }
    if (token_is(parser, '(')) {
        status = next_token(parser);
        if (status == SOTTO_OK) {
            status = parse_expression(parser, out, 0);
        }
        if (status == SOTTO_OK && !token_is(parser, ')')) {
            return unexpected(parser, "\")\"");
        }
        return status == SOTTO_OK ? next_token(parser) : status;
    }
    return unexpected(parser, "a column, a number or a function");
}

/* The binary operator at the token. Returns: its power, or 0. */
static int infix(const struct parser *parser, enum sotto__node_kind *out)
{
    static const struct {
        char sign;
        enum sotto__node_kind kind;
        int power;
    } operators[] = {
        {'+', NODE_ADD, POWER_ADD},
        {'-', NODE_SUBTRACT, POWER_ADD},
        {'*', NODE_MULTIPLY, POWER_MULTIPLY},
        {'/', NODE_DIVIDE, POWER_MULTIPLY},
    };
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (token_is(parser, operators[i].sign)) {
            *out = operators[i].kind;
            return operators[i].power;
        }
    }
    return 0;
}

static enum sotto_status parse_expression(struct parser *parser, size_t *out, int power)
{
    if (parser->depth == EXPRESSION_DEPTH_MAX) {
        return sotto_error_set(parser->err, SOTTO_ERROR_LIMIT,
                               "expected at most %d levels of nesting, found more",
                               EXPRESSION_DEPTH_MAX);
    }
    parser->depth++;
    size_t left = 0;
    enum sotto_status status = parse_prefix(parser, &left);
    for (;;) {
        struct sotto__node node = {.left = left, .start = parser->token.start};
        int infix_power = status == SOTTO_OK ? infix(parser, &node.kind) : 0;
        if (infix_power <= power) {
            break;
        }
        status = next_token(parser);
        if (status == SOTTO_OK) {
            status = parse_expression(parser, &node.right, infix_power);
        }
        if (status == SOTTO_OK) {
            status = add_node(parser, &left, node);
        }
    }
    parser->depth--;
    *out = left;
    return status;
}

enum sotto_status sotto__expression_parse(struct sotto__expression *out, const char *text,
                                          struct sotto_error *err)
{
    struct sotto__expression expression = {0};
    struct parser parser = {.expression = &expression, .err = err};
    enum sotto_status status = SOTTO_OK;
    size_t root;
    if (strlen(text) > EXPRESSION_BYTES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "expected an expression of at most %d bytes, found %zu",
                               EXPRESSION_BYTES_MAX, strlen(text));
    }
    expression.text = sotto_text_copy(text, strlen(text));
    parser.text = expression.text;
    if (expression.text == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "out of memory");
    }
    status = next_token(&parser);
    if (status == SOTTO_OK) {
        status = parse_expression(&parser, &root, 0);
    }
    if (status == SOTTO_OK && parser.token.kind != TOKEN_END) {
        status = unexpected(&parser, "an operator or the end");
    }
    if (status != SOTTO_OK) {
        sotto__expression_release(&expression);
        return status;
    }
    *out = expression;
    return SOTTO_OK;
}

void sotto__expression_release(struct sotto__expression *expression)
{
    for (size_t i = 0; i < expression->nodes_len; i++) {
        sotto_free(expression->nodes[i].dataset);
        sotto_free(expression->nodes[i].name);
    }
    sotto_free(expression->nodes);
    sotto_free(expression->text);
    *expression = (struct sotto__expression){0};
}
