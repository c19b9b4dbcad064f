/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_TOKENS_H
#define SOTTO_ENGINE_TOKENS_H

/* The text of an expression as tokens, and the parser that takes them: token.c, parse.c and
 * written.c share it. */

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

/* Keeps its first failure: from then on its token is the end, nothing is added, and no later
 * failure is heard. So functions return what they made, and only loops ask for status. */
struct parser {
    struct sotto__expression *expression;
    const char *text;
    size_t at; /* where the next token is looked for */
    struct token token;
    unsigned depth;
    enum sotto_status status;
    struct sotto_error *err;
};

/* Goes to the first token. expression is empty and gets a copy of text. */
void sotto__parser_start(struct parser *out, struct sotto__expression *expression, const char *text,
                         struct sotto_error *err);
/* Fails: with "column N: ..." for the byte offset start as SOTTO_ERROR_PLAN, or as it is said. */
void sotto__parser_fail_at(struct parser *parser, size_t start, const char *format, ...)
    SOTTO_PRINTF(3, 4);
void sotto__parser_fail(struct parser *parser, enum sotto_status status, const char *format, ...)
    SOTTO_PRINTF(3, 4);
void sotto__parser_no_memory(struct parser *parser);

/* Goes to the next token. */
void sotto__token_next(struct parser *parser);
/* Whether the token is this operator, bracket or word; whether it is this name, not in quotes. */
bool sotto__token_is(const struct parser *parser, const char *sign);
bool sotto__token_is_name(const struct parser *parser, const char *name);
/* Takes sign, or says that it was expected. */
void sotto__token_take(struct parser *parser, const char *sign);
/* The same, but only where it is there. Returns: whether it was. */
bool sotto__token_accept(struct parser *parser, const char *sign);
/* The text behind the token, from what is no blank. */
const char *sotto__token_rest(const struct parser *parser);
/* What stands between a token's quotes, each doubled quote once; a plain token as it is. Returns:
 * NULL after a failure, which may be this one's: no memory. */
char *sotto__token_text(struct parser *parser, const struct token *token);
/* Fails: "expected ..., found ..." at the token. */
void sotto__token_unexpected(struct parser *parser, const char *expected);

/* A column, maybe with its dataset, at its first token. Returns: its node. */
size_t sotto__parse_column(struct parser *parser);
/* A whole expression, at its first token. Returns: its node. */
size_t sotto__parse_expression(struct parser *parser);
/* Adds a node, which has no texts of its own. Returns: its index; 0 after a failure. */
size_t sotto__parser_add_node(struct parser *parser, struct sotto__node node);

/* --- choices.c --- */

/* Whether a call stands for comparisons and choices. */
bool sotto__is_choice(enum sotto__function function);
/* Writes such a call out, at its "("; start: of its name. Returns: its node. */
size_t sotto__parse_choice(struct parser *parser, enum sotto__function function, size_t start);

/* --- written.c --- */

/* What a key is of, at its first token: a column, or a part of its dates. */
void sotto__parse_key_column(struct parser *parser);
/* Adds a number to a node's levels that does not stand in the text. */
void sotto__parser_add_share(struct parser *parser, struct sotto__node *node, const char *share);
/* One more level of node, at its first token: a text or a number, of_key also true or false.
 * number: what only a number is, such as "a share"; SOTTO__AN_EDGE may be a date too; or NULL.
 * Fails with SOTTO_ERROR_LIMIT beyond SOTTO__GROUP_LEVELS_MAX. */
#define SOTTO__AN_EDGE "an edge"
void sotto__parse_level(struct parser *parser, struct sotto__node *node, const char *number,
                        bool of_key);

#endif
