/* SPDX-License-Identifier: Apache-2.0 */

/* A Pratt parser: each operator has a binding power, and parse_expression(power) takes all that
 * binds tighter than power. */

#include "expression/token.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

/* --- Nodes --- */

static enum sotto_status no_memory(struct parser *parser)
{
    return sotto_error_no_memory(parser->err);
}

static enum sotto_status add_node(struct parser *parser, size_t *out, struct sotto__node node)
{
    struct sotto__expression *expression = parser->expression;
    if (expression->nodes_len == SOTTO__EXPRESSION_NODES_MAX) {
        return sotto_error_set(parser->err, SOTTO_ERROR_LIMIT,
                               "expected at most %d operations, numbers and columns, found more",
                               SOTTO__EXPRESSION_NODES_MAX);
    }
    void *nodes = expression->nodes;
    if (sotto_array_reserve(&nodes, &expression->nodes_capacity_len, expression->nodes_len + 1,
                            sizeof node) != SOTTO_OK) {
        return no_memory(parser);
    }
    expression->nodes = nodes;
    *out = expression->nodes_len++;
    expression->nodes[*out] = node;
    return SOTTO_OK;
}

/* Takes the texts of node, also on failure. */
static enum sotto_status add_named(struct parser *parser, size_t *out, struct sotto__node node)
{
    enum sotto_status status = node.name != NULL ? add_node(parser, out, node) : no_memory(parser);
    if (status != SOTTO_OK) {
        sotto_free(node.name);
        sotto_free(node.dataset);
    }
    return status;
}

static enum sotto_status add_column(struct parser *parser, size_t *out, const struct token *dataset,
                                    const struct token *column)
{
    struct sotto__node node = {.kind = SOTTO__NODE_COLUMN};
    node.start = dataset != NULL ? dataset->start : column->start;
    if (dataset != NULL) {
        node.dataset = sotto__token_text(parser, dataset);
        if (node.dataset == NULL) {
            return no_memory(parser);
        }
    }
    node.name = sotto__token_text(parser, column);
    return add_named(parser, out, node);
}

/* --- The grammar --- */

#define POWER_OR 1
#define POWER_AND 2
#define POWER_NOT 3
#define POWER_COMPARE 4
#define POWER_ADD 10
#define POWER_MULTIPLY 20
#define POWER_NEGATE 30
#define POWER_POWER 40

static enum sotto_status parse_expression(struct parser *parser, size_t *out, int power);

/* The function that others call so. Returns: NULL if there is none. */
static const struct sotto__function_card *find_synonym(const char *name)
{
    for (size_t i = 0; i < SOTTO__FUNCTIONS_LEN; i++) {
        const struct sotto__function_card *card = sotto__function_card((enum sotto__function)i);
        if (sotto__has_word(card->synonyms, name) || sotto__has_word(card->instead_of, name)) {
            return card;
        }
    }
    return NULL;
}

/* names: of all functions. Says what was meant, or what there is. */
static enum sotto_status unknown_function(struct parser *parser, const struct token *token,
                                          const char *name, const char *const *names,
                                          size_t names_len)
{
    const struct sotto__function_card *synonym = find_synonym(name);
    if (synonym != NULL && sotto__has_word(synonym->instead_of, name)) {
        return sotto__expression_error(parser->text, token->start, parser->err,
                                       "unknown function \"%s\"; nearest to it is \"%s\": %s", name,
                                       synonym->name, synonym->gives);
    }
    const char *nearest =
        synonym != NULL ? synonym->name : sotto_text_nearest(name, names, names_len);
    if (nearest != NULL) {
        return sotto__expression_error(parser->text, token->start, parser->err,
                                       "unknown function \"%s\"; did you mean \"%s\"?", name,
                                       nearest);
    }
    char list[400] = "";
    size_t at = 0;
    for (size_t i = 0; i < names_len && at < sizeof list; i++) {
        at += (size_t)snprintf(list + at, sizeof list - at, i > 0 ? ", %s" : "%s", names[i]);
    }
    return sotto__expression_error(parser->text, token->start, parser->err,
                                   "unknown function \"%s\"; there are %s", name, list);
}

static enum sotto_status find_function(struct parser *parser, enum sotto__function *out,
                                       const struct token *token)
{
    const char *names[SOTTO__FUNCTIONS_LEN];
    size_t names_len = 0;
    char name[80];
    (void)snprintf(name, sizeof name, "%.*s", (int)(token->bytes > 79 ? 79 : token->bytes),
                   parser->text + token->start);
    for (size_t i = 0; i < SOTTO__FUNCTIONS_LEN; i++) {
        const char *known = sotto__function_card((enum sotto__function)i)->name;
        if (known == NULL) {
            continue;
        }
        names[names_len++] = known;
        if (strcmp(known, name) == 0) {
            *out = (enum sotto__function)i;
            return SOTTO_OK;
        }
    }
    return unknown_function(parser, token, name, names, names_len);
}

/* The token as a whole number up to max. */
static enum sotto_status read_whole(struct parser *parser, int *out, int max, const char *what)
{
    int value = 0;
    bool whole = parser->token.kind == SOTTO__TOKEN_NUMBER;
    for (size_t i = 0; whole && i < parser->token.bytes; i++) {
        char c = parser->text[parser->token.start + i];
        whole = c >= '0' && c <= '9';
        value = whole ? value * 10 + (c - '0') : value;
        whole = whole && value <= max;
    }
    if (!whole) {
        return sotto__expression_error(parser->text, parser->token.start, parser->err,
                                       "expected %s: a whole number up to %d, written out", what,
                                       max);
    }
    *out = value;
    return sotto__token_next(parser);
}

static enum sotto_status wrong_arguments(struct parser *parser, const struct sotto__node *node,
                                         const char *found)
{
    const struct sotto__function_card *card = sotto__function_card(node->function);
    const char *number = card->arguments_len == 1   ? "one argument"
                         : card->arguments_len == 2 ? "two arguments"
                                                    : "three arguments";
    return sotto__expression_error(
        parser->text, parser->token.start, parser->err, "%s takes %s%s%s%s, found %s", card->name,
        number, card->is_variadic ? " or more" : "", card->option != NULL ? " and " : "",
        card->option != NULL ? card->option->name : "", found);
}

/* At "ddof=", or whatever the function's option is called. */
static bool is_option(const struct parser *parser, const struct sotto__function_card *card)
{
    const struct token *token = &parser->token;
    const char *after = parser->text + parser->at;
    while (*after == ' ' || *after == '\t') {
        after++;
    }
    return card->option != NULL && token->kind == SOTTO__TOKEN_NAME &&
           token->bytes == strlen(card->option->name) &&
           memcmp(parser->text + token->start, card->option->name, token->bytes) == 0 &&
           after[0] == '=' && after[1] != '=';
}

static void set_option(struct sotto__options *options, enum sotto__option_kind kind, int value)
{
    switch (kind) {
    case SOTTO__OPTION_DDOF:
        options->ddof = value;
        break;
    case SOTTO__OPTION_DIGITS:
        options->digits = value;
        break;
    case SOTTO__OPTION_INTERCEPT:
        options->intercept = value != 0;
        break;
    }
}

/* "ddof=0" or "digits=-2" after the arguments, or its number alone. */
static enum sotto_status parse_option(struct parser *parser, struct sotto__node *node)
{
    const struct sotto__function_card *card = sotto__function_card(node->function);
    enum sotto_status status = SOTTO_OK;
    if (is_option(parser, card)) {
        status = sotto__token_next(parser);
        status = status == SOTTO_OK ? sotto__token_take(parser, "=") : status;
    }
    bool negative = card->option->min < 0 && sotto__token_is(parser, "-");
    int value = 0;
    status = status == SOTTO_OK && negative ? sotto__token_next(parser) : status;
    if (status == SOTTO_OK) {
        status = read_whole(parser, &value, card->option->max, card->option->name);
    }
    set_option(&node->options, card->option->kind, negative ? -value : value);
    return status;
}

/* One more item of a list, at its first token. *in_out: the list so far, SOTTO_NONE at first. */
static enum sotto_status parse_item(struct parser *parser, size_t *in_out)
{
    struct sotto__node node = {
        .kind = SOTTO__NODE_LIST, .left = *in_out, .start = parser->token.start};
    enum sotto_status status = parse_expression(parser, &node.right, 0);
    node.bytes = parser->token.start - node.start;
    while (node.bytes > 0 && (parser->text[node.start + node.bytes - 1] == ' ' ||
                              parser->text[node.start + node.bytes - 1] == '\t')) {
        node.bytes--;
    }
    return status == SOTTO_OK ? add_node(parser, in_out, node) : status;
}

/* The argument with this index, at its first token. */
static enum sotto_status parse_argument(struct parser *parser, struct sotto__node *node,
                                        size_t argument)
{
    const struct sotto__function_card *card = sotto__function_card(node->function);
    size_t *places[3] = {&node->left, &node->right, &node->third};
    size_t last = card->arguments_len - 1;
    SOTTO_REQUIRE(last < 3);
    if (card->takes != SOTTO__TAKES_EXPRESSIONS && argument >= last) {
        return sotto__parse_level(parser, node, card->takes == SOTTO__TAKES_EDGES, false);
    }
    if (card->is_variadic && argument >= last) {
        return parse_item(parser, places[last]);
    }
    if (argument > last && card->option != NULL) {
        return parse_option(parser, node);
    }
    if (argument > last) {
        return wrong_arguments(parser, node, "more");
    }
    return parse_expression(parser, places[argument], 0);
}

/* The arguments and the ")". */
static enum sotto_status parse_arguments(struct parser *parser, struct sotto__node *node)
{
    const struct sotto__function_card *card = sotto__function_card(node->function);
    size_t least = card->is_frame_enough ? 1 : card->arguments_len;
    size_t most = card->arguments_len + (card->option != NULL);
    bool ended = false;
    node->left = node->right = node->third = SOTTO_NONE;
    if (card->option != NULL) {
        set_option(&node->options, card->option->kind, card->option->absent);
    }
    for (size_t i = 0; !ended && !sotto__token_is(parser, ")"); i++) {
        enum sotto_status status = i > 0 ? sotto__token_take(parser, ",") : SOTTO_OK;
        ended = status == SOTTO_OK && i >= least && is_option(parser, card);
        if (ended) {
            status = parse_option(parser, node);
        } else if (status == SOTTO_OK) {
            status = parse_argument(parser, node, i);
        }
        ended = ended || (i + 1 == most && !card->is_variadic);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    const size_t places[3] = {node->left, node->right, node->third};
    SOTTO_REQUIRE(least >= 1 && least <= 3);
    if (places[least - 1] == SOTTO_NONE && node->levels_len == 0) {
        return wrong_arguments(parser, node, node->left == SOTTO_NONE ? "none" : "fewer");
    }
    if (sotto__token_is(parser, ",")) {
        return wrong_arguments(parser, node, "more");
    }
    return sotto__token_take(parser, ")");
}

/* After the name, at the "(". */
static enum sotto_status parse_call(struct parser *parser, size_t *out, const struct token *name)
{
    struct sotto__node node = {.kind = SOTTO__NODE_CALL, .start = name->start};
    enum sotto_status status = find_function(parser, &node.function, name);
    if (status == SOTTO_OK) {
        status = sotto__token_next(parser);
    }
    if (status == SOTTO_OK) {
        status = parse_arguments(parser, &node);
    }
    if (sotto__function_card(node.function)->of == SOTTO__FUNCTION_OF_ALL_ROWS) {
        node.kind = SOTTO__NODE_AGGREGATE;
    }
    return status == SOTTO_OK ? add_node(parser, out, node) : status;
}

/* At the "*", dataset before it or NULL. */
static enum sotto_status parse_star(struct parser *parser, size_t *out, const struct token *dataset)
{
    struct sotto__node node = {.kind = SOTTO__NODE_STAR, .start = parser->token.start};
    if (dataset != NULL) {
        node.start = dataset->start;
        node.dataset = sotto__token_text(parser, dataset);
        if (node.dataset == NULL) {
            return no_memory(parser);
        }
    }
    enum sotto_status status = sotto__token_next(parser);
    status = status == SOTTO_OK ? add_node(parser, out, node) : status;
    if (status != SOTTO_OK) {
        sotto_free(node.dataset);
    }
    return status;
}

/* After the "[". */
static enum sotto_status parse_list(struct parser *parser, size_t *out)
{
    enum sotto_status status = sotto__token_next(parser);
    *out = SOTTO_NONE;
    status = status == SOTTO_OK ? parse_item(parser, out) : status;
    while (status == SOTTO_OK && sotto__token_is(parser, ",")) {
        status = sotto__token_next(parser);
        status = status == SOTTO_OK ? parse_item(parser, out) : status;
    }
    return status == SOTTO_OK ? sotto__token_take(parser, "]") : status;
}

static bool is_na(const struct parser *parser, const struct token *name)
{
    return name->kind == SOTTO__TOKEN_NAME && name->bytes == 2 &&
           memcmp(parser->text + name->start, "na", 2) == 0;
}

/* After the dataset's name and the point. */
static enum sotto_status parse_qualified(struct parser *parser, size_t *out,
                                         const struct token *dataset)
{
    struct token column = parser->token;
    if (column.kind != SOTTO__TOKEN_NAME && column.kind != SOTTO__TOKEN_QUOTED) {
        return sotto__token_unexpected(parser, "a column's name (odd names in backticks)");
    }
    enum sotto_status status = sotto__token_next(parser);
    return status == SOTTO_OK ? add_column(parser, out, dataset, &column) : status;
}

enum sotto_status sotto__parse_column(struct parser *parser, size_t *out)
{
    struct token name = parser->token;
    if (name.kind != SOTTO__TOKEN_NAME && name.kind != SOTTO__TOKEN_QUOTED) {
        return sotto__token_unexpected(parser, "a column");
    }
    enum sotto_status status = sotto__token_next(parser);
    if (status != SOTTO_OK) {
        return status;
    }
    if (!sotto__token_is(parser, ".")) {
        return add_column(parser, out, NULL, &name);
    }
    status = sotto__token_next(parser);
    return status == SOTTO_OK ? parse_qualified(parser, out, &name) : status;
}

/* A column, a dataset's column or columns, a call, or na. */
static enum sotto_status parse_name(struct parser *parser, size_t *out)
{
    struct token name = parser->token;
    enum sotto_status status = sotto__token_next(parser);
    if (status != SOTTO_OK) {
        return status;
    }
    if (sotto__token_is(parser, "(") && name.kind == SOTTO__TOKEN_NAME) {
        return parse_call(parser, out, &name);
    }
    if (!sotto__token_is(parser, ".")) {
        return is_na(parser, &name)
                   ? add_node(parser, out,
                              (struct sotto__node){.kind = SOTTO__NODE_NA, .start = name.start})
                   : add_column(parser, out, NULL, &name);
    }
    status = sotto__token_next(parser);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto__token_is(parser, "*") ? parse_star(parser, out, &name)
                                        : parse_qualified(parser, out, &name);
}

static enum sotto_status parse_literal(struct parser *parser, size_t *out)
{
    struct sotto__node node = {.start = parser->token.start, .bytes = parser->token.bytes};
    if (parser->token.kind == SOTTO__TOKEN_NUMBER) {
        node.kind = SOTTO__NODE_LITERAL;
    } else if (parser->token.kind == SOTTO__TOKEN_TEXT) {
        node.kind = SOTTO__NODE_TEXT;
        node.name = sotto__token_text(parser, &parser->token);
        if (node.name == NULL) {
            return no_memory(parser);
        }
    } else {
        return sotto__token_unexpected(parser, "a column, a number or a function");
    }
    enum sotto_status status = sotto__token_next(parser);
    if (status == SOTTO_OK) {
        return node.kind == SOTTO__NODE_TEXT ? add_named(parser, out, node)
                                             : add_node(parser, out, node);
    }
    sotto_free(node.name);
    return status;
}

static enum sotto_status parse_prefix(struct parser *parser, size_t *out)
{
    struct sotto__node node = {.start = parser->token.start};
    enum sotto_status status;
    if (parser->token.kind == SOTTO__TOKEN_NAME || parser->token.kind == SOTTO__TOKEN_QUOTED) {
        return parse_name(parser, out);
    }
    if (sotto__token_is(parser, "-") || sotto__token_is(parser, "not")) {
        bool is_not = sotto__token_is(parser, "not");
        node.kind = is_not ? SOTTO__NODE_NOT : SOTTO__NODE_NEGATE;
        status = sotto__token_next(parser);
        if (status == SOTTO_OK) {
            status = parse_expression(parser, &node.left, is_not ? POWER_NOT : POWER_NEGATE);
        }
        return status == SOTTO_OK ? add_node(parser, out, node) : status;
    }
    if (sotto__token_is(parser, "*")) {
        return parse_star(parser, out, NULL);
    }
    if (sotto__token_is(parser, "[")) {
        return parse_list(parser, out);
    }
    if (sotto__token_is(parser, "(")) {
        status = sotto__token_next(parser);
        if (status == SOTTO_OK) {
            status = parse_expression(parser, out, 0);
        }
        return status == SOTTO_OK ? sotto__token_take(parser, ")") : status;
    }
    return parse_literal(parser, out);
}

/* --- What stands between two operands --- */

struct infix {
    const char *sign;
    enum sotto__node_kind kind;
    int power;
};

static const struct infix *find_infix(const struct parser *parser)
{
    static const struct infix operators[] = {
        {"or", SOTTO__NODE_OR, POWER_OR},
        {"and", SOTTO__NODE_AND, POWER_AND},
        {"==", SOTTO__NODE_EQUAL, POWER_COMPARE},
        {"!=", SOTTO__NODE_UNEQUAL, POWER_COMPARE},
        {"<", SOTTO__NODE_LESS, POWER_COMPARE},
        {"<=", SOTTO__NODE_LESS_EQUAL, POWER_COMPARE},
        {">", SOTTO__NODE_GREATER, POWER_COMPARE},
        {">=", SOTTO__NODE_GREATER_EQUAL, POWER_COMPARE},
        {"in", SOTTO__NODE_OR, POWER_COMPARE},
        {"not", SOTTO__NODE_NOT, POWER_COMPARE}, /* "not in" */
        {"+", SOTTO__NODE_ADD, POWER_ADD},
        {"-", SOTTO__NODE_SUBTRACT, POWER_ADD},
        {"*", SOTTO__NODE_MULTIPLY, POWER_MULTIPLY},
        {"/", SOTTO__NODE_DIVIDE, POWER_MULTIPLY},
        {"//", SOTTO__NODE_FLOOR_DIVIDE, POWER_MULTIPLY},
        {"%", SOTTO__NODE_MODULO, POWER_MULTIPLY},
        {"**", SOTTO__NODE_POWER, POWER_POWER},
    };
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (sotto__token_is(parser, operators[i].sign)) {
            return &operators[i];
        }
    }
    return NULL;
}

/* x in (a, b) is x == a or x == b. At the "in", or at the "not" before it. */
static enum sotto_status parse_in(struct parser *parser, size_t *in_out)
{
    size_t start = parser->token.start;
    bool negated = sotto__token_is(parser, "not");
    enum sotto_status status = negated ? sotto__token_next(parser) : SOTTO_OK;
    status = status == SOTTO_OK ? sotto__token_take(parser, "in") : status;
    status = status == SOTTO_OK ? sotto__token_take(parser, "(") : status;
    struct sotto__node either = {.kind = SOTTO__NODE_OR, .start = start};
    for (size_t i = 0; status == SOTTO_OK; i++) {
        struct sotto__node equal = {.kind = SOTTO__NODE_EQUAL, .start = start, .left = *in_out};
        size_t found = 0;
        status = parse_expression(parser, &equal.right, POWER_ADD);
        status = status == SOTTO_OK ? add_node(parser, &found, equal) : status;
        either.right = found;
        if (status == SOTTO_OK && i > 0) {
            status = add_node(parser, &found, either);
        }
        either.left = found;
        if (status != SOTTO_OK || !sotto__token_is(parser, ",")) {
            break;
        }
        status = sotto__token_next(parser);
    }
    status = status == SOTTO_OK ? sotto__token_take(parser, ")") : status;
    *in_out = either.left;
    if (status == SOTTO_OK && negated) {
        struct sotto__node opposite = {
            .kind = SOTTO__NODE_NOT, .start = start, .left = either.left};
        status = add_node(parser, in_out, opposite);
    }
    return status;
}

/* After the "**": a whole number, written out, with a minus if you like. */
static enum sotto_status parse_exponent(struct parser *parser, struct sotto__node *node)
{
    bool negative = sotto__token_is(parser, "-");
    enum sotto_status status = negative ? sotto__token_next(parser) : SOTTO_OK;
    if (status == SOTTO_OK) {
        status = read_whole(parser, &node->exponent, SOTTO__POWER_EXPONENT_MAX, "the exponent");
    }
    node->exponent = negative ? -node->exponent : node->exponent;
    if (status == SOTTO_OK && sotto__token_is(parser, "**")) {
        return sotto__expression_error(parser->text, parser->token.start, parser->err,
                                       "a power of a power needs brackets");
    }
    return status;
}

static enum sotto_status parse_infix(struct parser *parser, const struct infix *infix,
                                     size_t *in_out)
{
    struct sotto__node node = {.kind = infix->kind, .left = *in_out, .start = parser->token.start};
    if (infix->power == POWER_COMPARE &&
        (infix->kind == SOTTO__NODE_OR || infix->kind == SOTTO__NODE_NOT)) {
        return parse_in(parser, in_out);
    }
    enum sotto_status status = sotto__token_next(parser);
    if (status == SOTTO_OK && infix->kind == SOTTO__NODE_POWER) {
        status = parse_exponent(parser, &node);
    } else if (status == SOTTO_OK) {
        status = parse_expression(parser, &node.right, infix->power);
    }
    const struct infix *next = status == SOTTO_OK ? find_infix(parser) : NULL;
    if (next != NULL && next->power == POWER_COMPARE && infix->power == POWER_COMPARE) {
        return sotto__expression_error(parser->text, parser->token.start, parser->err,
                                       "comparisons don't chain: say a < b and b < c");
    }
    return status == SOTTO_OK ? add_node(parser, in_out, node) : status;
}

static enum sotto_status parse_expression(struct parser *parser, size_t *out, int power)
{
    if (parser->depth == SOTTO__EXPRESSION_DEPTH_MAX) {
        return sotto_error_set(parser->err, SOTTO_ERROR_LIMIT,
                               "expected at most %d levels of nesting, found more",
                               SOTTO__EXPRESSION_DEPTH_MAX);
    }
    parser->depth++;
    size_t left = 0;
    enum sotto_status status = parse_prefix(parser, &left);
    while (status == SOTTO_OK) {
        const struct infix *infix = find_infix(parser);
        if (infix == NULL || infix->power <= power) {
            break;
        }
        status = parse_infix(parser, infix, &left);
    }
    parser->depth--;
    *out = left;
    return status;
}

enum sotto_status sotto__parser_start(struct parser *out, struct sotto__expression *expression,
                                      const char *text, struct sotto_error *err)
{
    *out = (struct parser){.expression = expression, .err = err};
    if (strlen(text) > SOTTO__EXPRESSION_BYTES_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "expected an expression of at most %d bytes, found %zu",
                               SOTTO__EXPRESSION_BYTES_MAX, strlen(text));
    }
    expression->text = sotto_text_copy(text, strlen(text));
    out->text = expression->text;
    return expression->text != NULL ? sotto__token_next(out) : no_memory(out);
}

enum sotto_status sotto__expression_parse(struct sotto__expression *out, const char *text,
                                          struct sotto_error *err)
{
    struct sotto__expression expression = {0};
    struct parser parser;
    size_t root = 0;
    enum sotto_status status = sotto__parser_start(&parser, &expression, text, err);
    if (status == SOTTO_OK) {
        status = parse_expression(&parser, &root, 0);
    }
    if (status == SOTTO_OK && parser.token.kind != SOTTO__TOKEN_END) {
        status = sotto__token_unexpected(&parser, "an operator or the end");
    }
    if (status != SOTTO_OK) {
        sotto__expression_release(&expression);
        return status;
    }
    SOTTO_REQUIRE(root + 1 == expression.nodes_len);
    *out = expression;
    return SOTTO_OK;
}
