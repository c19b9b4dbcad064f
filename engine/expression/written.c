/* SPDX-License-Identifier: Apache-2.0 */

/* Levels and edges that are written out: the last arguments of hist and value_counts, and a key as
 * the command line has it. They are no operations and have a limit of their own, the same one
 * everywhere. */

#include "expression/token.h"

#include <sotto/alloc.h>
#include <string.h>

void sotto__levels_release(struct sotto__level *levels, size_t levels_len)
{
    for (size_t i = 0; i < levels_len; i++) {
        sotto_free(levels[i].text);
    }
    sotto_free(levels);
}

/* --- One level --- */

static enum sotto_status add_level(struct parser *parser, struct sotto__node *node,
                                   struct sotto__level level)
{
    struct sotto__expression *expression = parser->expression;
    void *levels = expression->levels;
    if (level.text == NULL ||
        sotto_array_reserve(&levels, &expression->levels_capacity_len, expression->levels_len + 1,
                            sizeof level) != SOTTO_OK) {
        sotto_free(level.text);
        return sotto_error_no_memory(parser->err);
    }
    expression->levels = levels;
    node->levels = node->levels_len == 0 ? expression->levels_len : node->levels;
    node->levels_len++;
    expression->levels[expression->levels_len++] = level;
    return SOTTO_OK;
}

static bool is_named(const struct parser *parser, const char *name)
{
    const struct token *token = &parser->token;
    return token->kind == SOTTO__TOKEN_NAME && token->bytes == strlen(name) &&
           memcmp(parser->text + token->start, name, token->bytes) == 0;
}

/* The number at the token, which a minus stood before. */
static char *copy_negative(const struct parser *parser)
{
    const struct token *token = &parser->token;
    char *text = sotto_alloc(token->bytes + 2);
    if (text != NULL) {
        text[0] = '-';
        memcpy(text + 1, parser->text + token->start, token->bytes);
        text[token->bytes + 1] = '\0';
    }
    return text;
}

static enum sotto_status wrong_level(const struct parser *parser, size_t start, bool are_edges)
{
    return sotto__expression_error(parser->text, start, parser->err,
                                   are_edges ? "expected an edge: a number, written out"
                                             : "expected a level: a number or a text, written out");
}

enum sotto_status sotto__parse_level(struct parser *parser, struct sotto__node *node,
                                     bool are_edges, bool of_key)
{
    struct sotto__level level = {.kind = SOTTO__LEVEL_NUMBER, .start = parser->token.start};
    bool is_bool = of_key && (is_named(parser, "true") || is_named(parser, "false"));
    enum sotto_status status = SOTTO_OK;
    if (node->levels_len == SOTTO__GROUP_LEVELS_MAX) {
        return sotto_error_set(parser->err, SOTTO_ERROR_LIMIT,
                               "expected at most %d levels or edges, found more",
                               SOTTO__GROUP_LEVELS_MAX);
    }
    bool is_negative = sotto__token_is(parser, "-");
    status = is_negative ? sotto__token_next(parser) : SOTTO_OK;
    if (status != SOTTO_OK) {
        return status;
    }
    if (parser->token.kind == SOTTO__TOKEN_NUMBER) {
        level.text =
            is_negative ? copy_negative(parser) : sotto__token_text(parser, &parser->token);
    } else if (!is_negative && !are_edges && (parser->token.kind == SOTTO__TOKEN_TEXT || is_bool)) {
        level.kind = is_bool ? SOTTO__LEVEL_BOOL : SOTTO__LEVEL_TEXT;
        level.text = sotto__token_text(parser, &parser->token);
    } else {
        return wrong_level(parser, level.start, are_edges);
    }
    status = add_level(parser, node, level);
    status = status == SOTTO_OK ? sotto__token_next(parser) : status;
    if (status == SOTTO_OK && !of_key && !sotto__token_is(parser, ",") &&
        !sotto__token_is(parser, ")")) {
        status = wrong_level(parser, level.start, are_edges);
    }
    return status;
}

/* --- A key --- */

/* "other" among the levels, not in quotes. Returns: whether it was there. */
static bool take_other(struct parser *parser, enum sotto_status *status)
{
    if (!is_named(parser, "other")) {
        return false;
    }
    *status = sotto__token_next(parser);
    return true;
}

/* Levels, commas between them, up to the ")". */
static enum sotto_status parse_levels(struct parser *parser, struct sotto__node *node,
                                      struct sotto__group_key *key)
{
    enum sotto_status status = SOTTO_OK;
    for (bool goes_on = true; status == SOTTO_OK && goes_on;) {
        if (take_other(parser, &status)) {
            key->other = true;
        } else {
            status = sotto__parse_level(parser, node, key->are_edges, true);
        }
        goes_on = status == SOTTO_OK && sotto__token_is(parser, ",");
        status = goes_on ? sotto__token_next(parser) : status;
    }
    return status == SOTTO_OK ? sotto__token_take(parser, ")") : status;
}

/* At "hist", before its "(". */
static enum sotto_status parse_bins(struct parser *parser, struct sotto__node *node,
                                    struct sotto__group_key *key)
{
    size_t column;
    enum sotto_status status = sotto__token_next(parser);
    status = status == SOTTO_OK ? sotto__token_take(parser, "(") : status;
    status = status == SOTTO_OK ? sotto__parse_column(parser, &column) : status;
    status = status == SOTTO_OK ? sotto__token_take(parser, ",") : status;
    return status == SOTTO_OK ? parse_levels(parser, node, key) : status;
}

static enum sotto_status parse_column_and_levels(struct parser *parser, struct sotto__node *node,
                                                 struct sotto__group_key *key)
{
    size_t column;
    enum sotto_status status = sotto__parse_column(parser, &column);
    if (status == SOTTO_OK && sotto__token_is(parser, "==")) {
        status = sotto__token_next(parser);
        return status == SOTTO_OK ? sotto__parse_level(parser, node, false, true) : status;
    }
    status = status == SOTTO_OK ? sotto__token_take(parser, "in") : status;
    status = status == SOTTO_OK ? sotto__token_take(parser, "(") : status;
    return status == SOTTO_OK ? parse_levels(parser, node, key) : status;
}

enum sotto_status sotto__group_key_parse(struct sotto__group_key *out, const char *text,
                                         struct sotto_error *err)
{
    struct sotto__group_key key = {0};
    struct sotto__node levels = {0}; /* counts them: a key has no node for that */
    struct parser parser;
    enum sotto_status status = sotto__parser_start(&parser, &key.column, text, err);
    if (status == SOTTO_OK) {
        const char *after = parser.text + parser.at;
        after += strspn(after, " \t");
        key.are_edges = is_named(&parser, "hist") && *after == '(';
        status = key.are_edges ? parse_bins(&parser, &levels, &key)
                               : parse_column_and_levels(&parser, &levels, &key);
    }
    if (status == SOTTO_OK && parser.token.kind != SOTTO__TOKEN_END) {
        status = sotto__token_unexpected(&parser, "the end");
    }
    key.levels = key.column.levels; /* takes them */
    key.levels_len = key.column.levels_len;
    key.column.levels = NULL;
    key.column.levels_len = 0;
    key.column.levels_capacity_len = 0;
    if (status != SOTTO_OK) {
        sotto__group_key_release(&key);
        return status;
    }
    *out = key;
    return SOTTO_OK;
}

void sotto__group_key_release(struct sotto__group_key *key)
{
    sotto__levels_release(key->levels, key->levels_len);
    sotto__expression_release(&key->column);
    *key = (struct sotto__group_key){0};
}
