/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_TOKENS_H
#define SOTTO_ENGINE_TOKENS_H

/* The text of an expression as tokens: token.c for expression.c. */

#include "expression/expression.h"

enum token_kind {
    SOTTO__TOKEN_END,
    SOTTO__TOKEN_NUMBER,
    SOTTO__TOKEN_NAME,
    SOTTO__TOKEN_QUOTED, /* `name` */
    SOTTO__TOKEN_TEXT,   /* 'text' or "text" */
    SOTTO__TOKEN_SIGN,   /* an operator, a bracket, a comma, a point, or one of and or not in */
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

/* Goes to the next token. */
enum sotto_status sotto__token_next(struct parser *parser) SOTTO_NODISCARD;
/* Whether the token is this operator, bracket or word. */
bool sotto__token_is(const struct parser *parser, const char *sign);
/* What stands between a token's quotes, each doubled quote once; a plain token as it is. NULL: no
 * memory. */
char *sotto__token_text(const struct parser *parser, const struct token *token);
/* "expected ..., found ..." at the token. */
enum sotto_status sotto__token_unexpected(struct parser *parser, const char *expected);

/* Goes to the first token. expression is empty and gets a copy of text. */
enum sotto_status sotto__parser_start(struct parser *out, struct sotto__expression *expression,
                                      const char *text, struct sotto_error *err) SOTTO_NODISCARD;
/* Takes sign, or says that it was expected. */
enum sotto_status sotto__token_take(struct parser *parser, const char *sign) SOTTO_NODISCARD;
/* A column, maybe with its dataset, at its first token. */
enum sotto_status sotto__parse_column(struct parser *parser, size_t *out) SOTTO_NODISCARD;
/* One more level of node, or edge, at its first token: a text or a number, of_key also true or
 * false. Returns: SOTTO_ERROR_LIMIT beyond SOTTO__GROUP_LEVELS_MAX. */
enum sotto_status sotto__parse_level(struct parser *parser, struct sotto__node *node,
                                     bool are_edges, bool of_key) SOTTO_NODISCARD;

#endif
