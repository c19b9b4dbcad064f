/* SPDX-License-Identifier: Apache-2.0 */

/* Levels and edges that are written out: the last arguments of hist and value_counts, and a key as
 * the command line has it. They are no operations and have a limit of their own, the same one
 * everywhere. It leans on the parser of parse.c, which stands at their first token. */

#include "expression/token.h"

#include <sotto/alloc.h>
#include <sotto/datetime.h>
#include <string.h>

void sotto__levels_release(struct sotto__level *levels, size_t levels_len)
{
    for (size_t i = 0; i < levels_len; i++) {
        sotto_free(levels[i].text);
    }
    sotto_free(levels);
}

bool sotto__level_time(int64_t *out, bool *out_utc, const struct sotto__level *level)
{
    size_t bytes = strlen(level->text);
    *out_utc = sotto_datetime_parse_kind(out, SOTTO_KIND_DATETIME_UTC, NULL, level->text, bytes);
    return level->kind == SOTTO__LEVEL_TEXT &&
           (*out_utc ||
            sotto_datetime_parse_kind(out, SOTTO_KIND_DATETIME, NULL, level->text, bytes));
}

/* --- One level --- */

static void add_level(struct parser *parser, struct sotto__node *node, struct sotto__level level)
{
    struct sotto__expression *expression = parser->expression;
    void *levels = expression->levels;
    if (parser->status != SOTTO_OK) {
        sotto_free(level.text);
        return;
    }
    if (sotto_array_reserve(&levels, &expression->levels_capacity_len, expression->levels_len + 1,
                            sizeof level) != SOTTO_OK) {
        sotto_free(level.text);
        sotto__parser_no_memory(parser);
        return;
    }
    expression->levels = levels;
    node->levels = node->levels_len == 0 ? expression->levels_len : node->levels;
    node->levels_len++;
    expression->levels[expression->levels_len++] = level;
}

void sotto__parser_add_share(struct parser *parser, struct sotto__node *node, const char *share)
{
    struct sotto__level level = {.kind = SOTTO__LEVEL_NUMBER,
                                 .text = sotto_text_copy(share, strlen(share)),
                                 .start = node->start};
    if (level.text == NULL) {
        sotto__parser_no_memory(parser);
        return;
    }
    add_level(parser, node, level);
}

/* The number at the token, which a minus stood before. Returns: NULL after a failure. */
static char *copy_negative(struct parser *parser)
{
    const struct token *token = &parser->token;
    char *text = parser->status == SOTTO_OK ? sotto_alloc(token->bytes + 2) : NULL;
    if (text == NULL) {
        sotto__parser_no_memory(parser);
        return NULL;
    }
    text[0] = '-';
    memcpy(text + 1, parser->text + token->start, token->bytes);
    text[token->bytes + 1] = '\0';
    return text;
}

static void refuse_level(struct parser *parser, size_t start, const char *number)
{
    char first = parser->text[start];
    bool is_truth = sotto__token_is_name(parser, "true") || sotto__token_is_name(parser, "false");
    const char *plain = first == '[' || first == '(' ? ", without brackets"
                        : is_truth                   ? "; of a column of booleans 1 and 0"
                                                     : "";
    if (number != NULL && strcmp(number, SOTTO__AN_EDGE) == 0) {
        sotto__parser_fail_at(parser, start,
                              "expected an edge: a number, written out, a date as \"2020-01-31\" "
                              "or a time as \"2020-01-31 12:00\"%s",
                              plain);
    } else if (number != NULL) {
        sotto__parser_fail_at(parser, start, "expected %s: a number, written out%s", number, plain);
    } else {
        sotto__parser_fail_at(parser, start, "expected a level: a number or a text, written out%s",
                              plain);
    }
}

void sotto__parse_level(struct parser *parser, struct sotto__node *node, const char *number,
                        bool of_key)
{
    struct sotto__level level = {.kind = SOTTO__LEVEL_NUMBER, .start = parser->token.start};
    int64_t time;
    bool is_utc;
    bool is_edge = number != NULL && strcmp(number, SOTTO__AN_EDGE) == 0;
    bool is_bool =
        of_key && (sotto__token_is_name(parser, "true") || sotto__token_is_name(parser, "false"));
    if (node->levels_len == SOTTO__GROUP_LEVELS_MAX) {
        sotto__parser_fail(parser, SOTTO_ERROR_LIMIT,
                           "expected at most %d levels or edges, found more",
                           SOTTO__GROUP_LEVELS_MAX);
    }
    bool is_negative = sotto__token_accept(parser, "-");
    if (parser->token.kind == SOTTO__TOKEN_NUMBER) {
        level.text =
            is_negative ? copy_negative(parser) : sotto__token_text(parser, &parser->token);
    } else if (!is_negative && (number == NULL || is_edge) &&
               (parser->token.kind == SOTTO__TOKEN_TEXT || (is_bool && !is_edge))) {
        level.kind = is_bool ? SOTTO__LEVEL_BOOL : SOTTO__LEVEL_TEXT;
        level.text = sotto__token_text(parser, &parser->token);
        if (is_edge && level.text != NULL && !sotto__level_time(&time, &is_utc, &level)) {
            refuse_level(parser, level.start, number);
        }
    } else {
        refuse_level(parser, level.start, number);
    }
    add_level(parser, node, level);
    sotto__token_next(parser);
    if (!of_key && !sotto__token_is(parser, ",") && !sotto__token_is(parser, ")")) {
        refuse_level(parser, level.start, number);
    }
}

/* --- A key --- */

/* Levels with commas between them, up to the ")"; "other" after the last one, not in quotes, is a
 * group for all other values, and "na" among them one for missing values. */
static void parse_levels(struct parser *parser, struct sotto__node *node,
                         struct sotto__group_key *key)
{
    do {
        if (sotto__token_is_name(parser, "other")) {
            key->other = true;
            sotto__token_next(parser);
        } else if (!key->na && sotto__token_is_name(parser, "na")) {
            key->na = true;
            sotto__token_next(parser);
        } else {
            sotto__parse_level(parser, node, key->are_edges ? SOTTO__AN_EDGE : NULL, true);
        }
    } while (!key->other && sotto__token_accept(parser, ","));
    if (key->other && !sotto__token_is(parser, ")")) {
        sotto__parser_fail(parser, SOTTO_ERROR_PLAN,
                           "expected \"other\" once, after all levels or edges");
    }
    sotto__token_take(parser, ")");
}

/* At "hist", before its "(". */
static void parse_bins(struct parser *parser, struct sotto__node *node,
                       struct sotto__group_key *key)
{
    sotto__token_next(parser);
    sotto__token_take(parser, "(");
    sotto__parse_key_column(parser);
    sotto__token_take(parser, ",");
    parse_levels(parser, node, key);
}

static void parse_column_and_levels(struct parser *parser, struct sotto__node *node,
                                    struct sotto__group_key *key)
{
    sotto__parse_key_column(parser);
    if (sotto__token_accept(parser, "==")) {
        sotto__parse_level(parser, node, NULL, true);
        return;
    }
    sotto__token_take(parser, "in");
    sotto__token_take(parser, "(");
    parse_levels(parser, node, key);
}

static void parse_key(struct parser *parser, struct sotto__group_key *key)
{
    struct sotto__node levels = {0}; /* only counts the levels: a key has no node for them */
    key->are_edges = sotto__token_is_name(parser, "hist") && *sotto__token_rest(parser) == '(';
    if (key->are_edges) {
        parse_bins(parser, &levels, key);
    } else {
        parse_column_and_levels(parser, &levels, key);
    }
    if (parser->token.kind != SOTTO__TOKEN_END) {
        sotto__token_unexpected(parser, "the end");
    }
}

enum sotto_status sotto__group_key_parse(struct sotto__group_key *out, const char *text,
                                         struct sotto_error *err)
{
    struct sotto__group_key key = {0};
    struct parser parser;
    sotto__parser_start(&parser, &key.column, text, err);
    if (parser.status == SOTTO_OK) {
        parse_key(&parser, &key);
    }
    key.levels = key.column.levels; /* the key owns them from here on */
    key.levels_len = key.column.levels_len;
    key.column.levels = NULL;
    key.column.levels_len = 0;
    key.column.levels_capacity_len = 0;
    if (parser.status != SOTTO_OK) {
        sotto__group_key_release(&key);
        return parser.status;
    }
    *out = key;
    return SOTTO_OK;
}

bool sotto__is_key(const struct sotto__expression *column)
{
    const struct sotto__node *nodes = column->nodes;
    bool is_part = column->nodes_len == 2 && nodes[1].kind == SOTTO__NODE_CALL &&
                   sotto__is_date_part(nodes[1].function);
    return (column->nodes_len == 1 || is_part) && nodes[0].kind == SOTTO__NODE_COLUMN;
}

void sotto__group_key_release(struct sotto__group_key *key)
{
    sotto__levels_release(key->levels, key->levels_len);
    sotto__expression_release(&key->column);
    *key = (struct sotto__group_key){0};
}
