/* SPDX-License-Identifier: Apache-2.0 */

/* Calls that stand for comparisons and choices: between, cut and recode. It leans on the parser of
 * parse.c. The one idea: they are written out as what an analyst would write without them, so that
 * types, rows and all rules see comparisons and ifs, and have no case of their own. */

#include "expression/token.h"

/* What stands in the brackets: a value, then at least two others. */
struct written_out {
    size_t value;
    size_t items[SOTTO__EXPRESSION_NODES_MAX];
    size_t len;
    size_t start; /* of the call */
};

bool sotto__is_choice(enum sotto__function function)
{
    return function == SOTTO__FUNCTION_BETWEEN || function == SOTTO__FUNCTION_CUT ||
           function == SOTTO__FUNCTION_RECODE;
}

static size_t add_infix(struct parser *parser, const struct written_out *call,
                        enum sotto__node_kind kind, size_t left, size_t right)
{
    return sotto__parser_add_node(
        parser,
        (struct sotto__node){.kind = kind, .left = left, .right = right, .start = call->start});
}

static size_t add_if(struct parser *parser, const struct written_out *call, size_t condition,
                     size_t then, size_t otherwise)
{
    return sotto__parser_add_node(parser, (struct sotto__node){.kind = SOTTO__NODE_CALL,
                                                               .function = SOTTO__FUNCTION_IF,
                                                               .left = condition,
                                                               .right = then,
                                                               .third = otherwise,
                                                               .start = call->start});
}

static size_t add_na(struct parser *parser, const struct written_out *call)
{
    return sotto__parser_add_node(
        parser, (struct sotto__node){.kind = SOTTO__NODE_NA, .start = call->start});
}

static size_t add_number(struct parser *parser, const struct written_out *call, size_t number)
{
    return sotto__parser_add_node(parser, (struct sotto__node){.kind = SOTTO__NODE_LITERAL,
                                                               .is_whole = true,
                                                               .whole = (int)number,
                                                               .start = call->start});
}

/* lo <= x and x <= hi. */
static size_t write_between(struct parser *parser, const struct written_out *call)
{
    size_t low = add_infix(parser, call, SOTTO__NODE_GREATER_EQUAL, call->value, call->items[0]);
    size_t high = add_infix(parser, call, SOTTO__NODE_LESS_EQUAL, call->value, call->items[1]);
    return add_infix(parser, call, SOTTO__NODE_AND, low, high);
}

/* The number of the bin, from 0: from the last edge down, na above it, the bin where x is at its
 * lower edge or above, and na below the first one. */
static size_t write_cut(struct parser *parser, const struct written_out *call)
{
    size_t last = call->len - 1;
    size_t na = add_na(parser, call);
    size_t bin = na;
    for (size_t i = 0; i < last; i++) {
        size_t is_here =
            add_infix(parser, call, SOTTO__NODE_GREATER_EQUAL, call->value, call->items[i]);
        size_t number = add_number(parser, call, i);
        bin = add_if(parser, call, is_here, number, bin);
    }
    size_t is_above = add_infix(parser, call, SOTTO__NODE_GREATER, call->value, call->items[last]);
    return add_if(parser, call, is_above, na, bin);
}

/* The number that follows the first item that x equals; else the last one, if it stands alone. */
static size_t write_recode(struct parser *parser, const struct written_out *call)
{
    size_t pairs = call->len / 2;
    size_t otherwise = call->len % 2 != 0 ? call->items[call->len - 1] : SOTTO_NONE;
    if (otherwise == SOTTO_NONE) {
        otherwise = add_na(parser, call);
    }
    for (size_t i = pairs; i-- > 0;) {
        size_t is_this =
            add_infix(parser, call, SOTTO__NODE_EQUAL, call->value, call->items[2 * i]);
        otherwise = add_if(parser, call, is_this, call->items[2 * i + 1], otherwise);
    }
    return otherwise;
}

static void check_length(struct parser *parser, enum sotto__function function,
                         const struct written_out *call)
{
    const char *name = sotto__function_card(function)->name;
    if (call->len < 2) {
        sotto__parser_fail_at(parser, parser->token.start,
                              "%s takes three arguments%s, found fewer", name,
                              function == SOTTO__FUNCTION_BETWEEN ? "" : " or more");
    } else if (function == SOTTO__FUNCTION_BETWEEN && call->len > 2) {
        sotto__parser_fail_at(parser, parser->token.start, "%s takes three arguments, found more",
                              name);
    }
}

size_t sotto__parse_choice(struct parser *parser, enum sotto__function function, size_t start)
{
    struct written_out call = {.start = start};
    sotto__token_take(parser, "(");
    call.value = sotto__parse_expression(parser);
    while (parser->status == SOTTO_OK && call.len < SOTTO__EXPRESSION_NODES_MAX &&
           sotto__token_accept(parser, ",")) {
        call.items[call.len++] = sotto__parse_expression(parser);
    }
    check_length(parser, function, &call);
    sotto__token_take(parser, ")");
    if (parser->status != SOTTO_OK) {
        return 0;
    }
    return function == SOTTO__FUNCTION_BETWEEN ? write_between(parser, &call)
           : function == SOTTO__FUNCTION_CUT   ? write_cut(parser, &call)
                                               : write_recode(parser, &call);
}
