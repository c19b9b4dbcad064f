/* SPDX-License-Identifier: Apache-2.0 */

/* The text of an expression as a tree, by a Pratt parser over token.c's tokens: each operator has a
 * binding power, and parse_expression(power) takes all that binds tighter than power. Nodes are
 * added when their children are, so that children stand before their parents in the array and
 * everything later is a loop over it. A function returns the index of the node that it made; a
 * failure waits in the parser (token.h). */

#include "expression/token.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

/* --- Nodes --- */

/* Returns: whether there is room for one more node. */
static bool reserve_node(struct parser *parser)
{
    struct sotto__expression *expression = parser->expression;
    void *nodes = expression->nodes;
    if (expression->nodes_len == SOTTO__EXPRESSION_NODES_MAX) {
        sotto__parser_fail(parser, SOTTO_ERROR_LIMIT,
                           "expected at most %d operations, numbers and columns, found more",
                           SOTTO__EXPRESSION_NODES_MAX);
    } else if (parser->status == SOTTO_OK &&
               sotto_array_reserve(&nodes, &expression->nodes_capacity_len,
                                   expression->nodes_len + 1,
                                   sizeof *expression->nodes) != SOTTO_OK) {
        sotto__parser_no_memory(parser);
    }
    expression->nodes = nodes;
    return parser->status == SOTTO_OK;
}

/* Takes the texts of node, also on failure. Returns: its index; 0 after a failure. */
static size_t add_node(struct parser *parser, struct sotto__node node)
{
    if (!reserve_node(parser)) {
        sotto_free(node.name);
        sotto_free(node.dataset);
        return 0;
    }
    parser->expression->nodes[parser->expression->nodes_len] = node;
    return parser->expression->nodes_len++;
}

/* dataset: what stands before the point, or NULL. */
static size_t add_column(struct parser *parser, const struct token *dataset,
                         const struct token *column)
{
    struct sotto__node node = {.kind = SOTTO__NODE_COLUMN, .start = column->start};
    if (dataset != NULL) {
        node.start = dataset->start;
        node.dataset = sotto__token_text(parser, dataset);
    }
    node.name = sotto__token_text(parser, column);
    return add_node(parser, node);
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

static size_t parse_expression(struct parser *parser, int power);

/* Appends a word to a list in an error's text, or leaves it out where there is no room for all of
 * it. between: not before the first one. */
static void append_word(char *list, size_t list_bytes, const char *between, const char *word)
{
    size_t used = strlen(list);
    int bytes = snprintf(list + used, list_bytes - used, "%s%s", used > 0 ? between : "", word);
    if (bytes < 0 || (size_t)bytes >= list_bytes - used) {
        list[used] = '\0';
    }
}

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

/* Says what was meant, or what there is. names: of all functions. */
static void refuse_function(struct parser *parser, const struct token *token, const char *name,
                            const char *const *names, size_t names_len)
{
    const struct sotto__function_card *synonym = find_synonym(name);
    const char *nearest =
        synonym != NULL ? synonym->name : sotto_text_nearest(name, names, names_len);
    if (synonym != NULL && sotto__has_word(synonym->instead_of, name)) {
        sotto__parser_fail_at(parser, token->start,
                              "unknown function \"%s\"; nearest to it is \"%s\": %s", name, nearest,
                              synonym->gives);
        return;
    }
    if (nearest != NULL) {
        sotto__parser_fail_at(parser, token->start, "unknown function \"%s\"; did you mean \"%s\"?",
                              name, nearest);
        return;
    }
    char list[400] = "";
    size_t i = 0;
    for (; i < names_len && strlen(list) + strlen(names[i]) + sizeof ", " <= sizeof list; i++) {
        append_word(list, sizeof list, ", ", names[i]);
    }
    sotto__parser_fail_at(parser, token->start, "unknown function \"%s\"; there are %s%s", name,
                          list, i < names_len ? " and more" : "");
}

/* Returns: anything after a failure. */
static enum sotto__function find_function(struct parser *parser, const struct token *token)
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
            return (enum sotto__function)i;
        }
    }
    refuse_function(parser, token, name, names, names_len);
    return SOTTO__FUNCTION_COUNT;
}

/* The token as a whole number up to max, and the "-" before it if it may be negative. */
static int read_whole(struct parser *parser, int max, bool may_be_negative, const char *what)
{
    bool negative = may_be_negative && sotto__token_accept(parser, "-");
    bool whole = parser->token.kind == SOTTO__TOKEN_NUMBER;
    int value = 0;
    for (size_t i = 0; whole && i < parser->token.bytes; i++) {
        char c = parser->text[parser->token.start + i];
        whole = c >= '0' && c <= '9';
        value = whole ? value * 10 + (c - '0') : value;
        whole = whole && value <= max;
    }
    if (!whole) {
        char least[24] = "up to";
        if (may_be_negative) {
            (void)snprintf(least, sizeof least, "from -%d to", max);
        }
        sotto__parser_fail_at(parser, parser->token.start,
                              "expected %s: a whole number %s %d, written out", what, least, max);
    }
    sotto__token_next(parser);
    return negative ? -value : value;
}

static void refuse_arguments(struct parser *parser, const struct sotto__function_card *card,
                             const char *found)
{
    const char *number = card->arguments_len == 1   ? "one argument"
                         : card->arguments_len == 2 ? "two arguments"
                                                    : "three arguments";
    char names[300] = "";
    for (const struct sotto__option *option = card->options; option != NULL && option->name != NULL;
         option++) {
        append_word(names, sizeof names, " and ", option->name);
    }
    sotto__parser_fail_at(parser, parser->token.start, "%s takes %s%s%s%s, found %s", card->name,
                          number, card->is_variadic ? " or more" : "",
                          names[0] != '\0' ? " and " : "", names, found);
}

/* At "ddof=", or whatever an option of the function is called. Returns: NULL elsewhere. */
static const struct sotto__option *find_option(const struct parser *parser,
                                               const struct sotto__function_card *card)
{
    const char *rest = sotto__token_rest(parser);
    bool is_named = rest[0] == '=' && rest[1] != '=';
    for (const struct sotto__option *option = card->options;
         is_named && option != NULL && option->name != NULL; option++) {
        if (sotto__token_is_name(parser, option->name)) {
            return option;
        }
    }
    return NULL;
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
    case SOTTO__OPTION_INTERPOLATION:
        options->interpolation = (enum sotto__interpolation)value;
        break;
    case SOTTO__OPTION_LEVEL:
        options->level = value;
        break;
    case SOTTO__OPTION_EQUAL_VAR:
        options->equal_var = value != 0;
        break;
    case SOTTO__OPTION_YATES:
        options->yates = value != 0;
        break;
    case SOTTO__OPTION_EXTREMES:
        options->extremes = value != 0;
        break;
    case SOTTO__OPTION_ALTERNATIVE:
        options->alternative = (enum sotto__alternative)value;
        break;
    case SOTTO__OPTION_EXACT:
        options->exact = value != 0;
        break;
    case SOTTO__OPTION_WEIGHTS:
        options->weights = (enum sotto__weights)value;
        break;
    case SOTTO__OPTION_FAMILY:
        options->family = (enum sotto__family)value;
        break;
    case SOTTO__OPTION_LINK:
        options->link = (enum sotto__model_link)value;
        break;
    case SOTTO__OPTION_LIKELIHOOD:
        options->likelihood = value != 0;
        break;
    case SOTTO__OPTION_STEPS:
        options->steps = value;
        break;
    case SOTTO__OPTION_ERRORS:
        options->errors = (enum sotto__errors)value;
        break;
    case SOTTO__OPTION_RIDGE: /* the rest are no whole numbers */
    case SOTTO__OPTION_TOLERANCE:
    case SOTTO__OPTION_START:
    case SOTTO__OPTION_ROW_WEIGHTS:
    case SOTTO__OPTION_OFFSET:
        break;
    }
}

/* A number that is the last argument. */
static bool is_last_number(const struct parser *parser)
{
    return parser->token.kind == SOTTO__TOKEN_NUMBER && *sotto__token_rest(parser) == ')';
}

/* One of an option's words, as a name or in quotes. Returns: which one. */
static int read_word(struct parser *parser, const struct sotto__option *option)
{
    char list[200] = "";
    for (int i = 0; i <= option->max; i++) {
        const char *word = option->words[i];
        bool is_text = parser->token.kind == SOTTO__TOKEN_TEXT;
        char *text = is_text ? sotto__token_text(parser, &parser->token) : NULL;
        bool is_same = text != NULL ? strcmp(text, word) == 0 : sotto__token_is_name(parser, word);
        sotto_free(text);
        if (is_same) {
            sotto__token_next(parser);
            return i;
        }
        append_word(list, sizeof list, ", ", word);
    }
    sotto__parser_fail_at(parser, parser->token.start, "expected %s: one of %s", option->name,
                          list);
    return 0;
}

/* The bytes from start to the token, but for blanks before it. */
static size_t count_bytes(const struct parser *parser, size_t start)
{
    size_t bytes = parser->token.start - start;
    while (bytes > 0 &&
           (parser->text[start + bytes - 1] == ' ' || parser->text[start + bytes - 1] == '\t')) {
        bytes--;
    }
    return bytes;
}

/* One more item of a list, at its first token. list: the list so far, SOTTO_NONE at first. */
static size_t parse_item(struct parser *parser, size_t list)
{
    struct sotto__node node = {
        .kind = SOTTO__NODE_LIST, .left = list, .start = parser->token.start};
    node.right = parse_expression(parser, 0);
    node.bytes = count_bytes(parser, node.start);
    return add_node(parser, node);
}

/* The token as the nearest double, from 0 to the option's most. */
static double read_number(struct parser *parser, const struct sotto__option *option)
{
    struct sotto__value value;
    double number = -1;
    bool is_number = parser->token.kind == SOTTO__TOKEN_NUMBER;
    char *text = is_number ? sotto__token_text(parser, &parser->token) : NULL;
    if (text != NULL) {
        sotto__value_init(&value);
        sotto__decimal_set(&value, text);
        number = sotto__rational_to_double(value.number);
        sotto__value_clear(&value);
        sotto_free(text);
    }
    if (!(number >= 0 && number <= option->most)) {
        sotto__parser_fail_at(parser, parser->token.start,
                              "expected %s: a number from 0 to %g, written out", option->name,
                              option->most);
    }
    sotto__token_next(parser);
    return number;
}

/* Numbers in brackets, which become levels of the expression. */
static void parse_start(struct parser *parser, struct sotto__node *node)
{
    struct sotto__node numbers = {.levels_len = 0};
    sotto__token_take(parser, "(");
    do {
        sotto__parse_level(parser, &numbers, "a coefficient", false);
    } while (parser->status == SOTTO_OK && sotto__token_accept(parser, ","));
    sotto__token_take(parser, ")");
    node->start_numbers = numbers.levels;
    node->start_numbers_len = numbers.levels_len;
}

/* Adds an argument behind the list of the others. */
static void parse_rows(struct parser *parser, struct sotto__node *node,
                       const struct sotto__option *option)
{
    bool is_first = node->third == SOTTO_NONE;
    unsigned *at =
        option->kind == SOTTO__OPTION_OFFSET ? &node->options.offset_at : &node->options.weights_at;
    node->third = parse_item(parser, node->third);
    *at = is_first ? 1 : 2;
}

/* Takes an option that is no whole number and no word. Returns: whether it is one. */
static bool parse_numbers(struct parser *parser, struct sotto__node *node,
                          const struct sotto__option *option)
{
    if (option->of == SOTTO__OPTION_OF_NUMBERS) {
        parse_start(parser, node);
    } else if (option->of == SOTTO__OPTION_OF_ROWS) {
        parse_rows(parser, node, option);
    } else if (option->kind == SOTTO__OPTION_RIDGE) {
        node->options.ridge = read_number(parser, option);
    } else if (option->kind == SOTTO__OPTION_TOLERANCE) {
        node->options.tolerance = read_number(parser, option);
    }
    return option->of != SOTTO__OPTION_OF_ONE;
}

/* "ddof=0" or "digits=-2" after the arguments, or the first option's number alone. */
static void parse_option(struct parser *parser, struct sotto__node *node,
                         const struct sotto__option *option)
{
    if (find_option(parser, sotto__function_card(node->function)) != NULL) {
        sotto__token_next(parser);
        sotto__token_take(parser, "=");
    }
    if (parse_numbers(parser, node, option)) {
        return;
    }
    size_t start = parser->token.start;
    int value = option->words != NULL
                    ? read_word(parser, option)
                    : read_whole(parser, option->max, option->min < 0, option->name);
    if (value < option->min) {
        sotto__parser_fail_at(parser, start, "expected %s: a whole number from %d to %d",
                              option->name, option->min, option->max);
    }
    set_option(&node->options, option->kind, value);
}

/* --- A column and its levels --- */

static bool is_column(const struct token *token)
{
    return token->kind == SOTTO__TOKEN_NAME || token->kind == SOTTO__TOKEN_QUOTED;
}

/* Whether "column in" stands here. */
static bool is_at_levels(const struct parser *parser)
{
    struct parser ahead = *parser; /* tokens own nothing */
    if (!is_column(&ahead.token)) {
        return false;
    }
    sotto__token_next(&ahead);
    if (sotto__token_accept(&ahead, ".")) {
        sotto__token_next(&ahead);
    }
    return ahead.status == SOTTO_OK && sotto__token_is(&ahead, "in");
}

/* A column, "in" and "(". */
static size_t parse_levels_column(struct parser *parser)
{
    size_t column = sotto__parse_column(parser);
    sotto__token_take(parser, "in");
    sotto__token_take(parser, "(");
    return column;
}

/* One of a table's two arguments: its levels follow those of the other one. */
static size_t parse_table_argument(struct parser *parser, struct sotto__node *node, bool is_row)
{
    if (!is_at_levels(parser)) {
        sotto__parser_fail_at(parser, parser->token.start,
                              "expected a column and its levels, such as dept in (\"a\", \"b\")");
    }
    size_t column = parse_levels_column(parser);
    do {
        sotto__parse_level(parser, node, NULL, false);
    } while (sotto__token_accept(parser, ","));
    sotto__token_take(parser, ")");
    node->row_levels_len = is_row ? node->levels_len : node->row_levels_len;
    return column;
}

/* Refuses a level of samples that is none, or is there already. equals: the conditions so far; the
 * last one is new. */
static void check_sample(struct parser *parser, const size_t *equals, size_t len)
{
    struct sotto__value values[2];
    const struct sotto__expression *expression = parser->expression;
    bool is_negative[2] = {false, false};
    if (parser->status != SOTTO_OK) {
        return;
    }
    const struct sotto__node *level = &expression->nodes[expression->nodes[equals[len - 1]].right];
    const struct sotto__node *literal = sotto__literal_find(&is_negative[0], expression, level);
    if (literal == NULL && level->kind != SOTTO__NODE_TEXT) {
        sotto__parser_fail_at(parser, level->start,
                              "expected a level: a number or a text, written out");
        return;
    }
    for (size_t i = 0; i + 1 < len; i++) {
        const struct sotto__node *other = &expression->nodes[expression->nodes[equals[i]].right];
        const struct sotto__node *number = sotto__literal_find(&is_negative[1], expression, other);
        bool is_same = level->kind == SOTTO__NODE_TEXT && other->kind == SOTTO__NODE_TEXT &&
                       strcmp(level->name, other->name) == 0;
        if (literal != NULL && number != NULL) {
            sotto__value_init(&values[0]);
            sotto__value_init(&values[1]);
            sotto__value_set_node(&values[0], expression, literal);
            sotto__value_set_node(&values[1], expression, number);
            is_same = mpq_equal(values[0].number, values[1].number) != 0 &&
                      (is_negative[0] == is_negative[1] || mpq_sgn(values[0].number) == 0);
            sotto__value_clear(&values[0]);
            sotto__value_clear(&values[1]);
        }
        if (is_same) {
            sotto__parser_fail_at(parser, level->start, "this level is there already");
        }
    }
}

/* The sample of a level: if(column == level, value, na). Returns: its node; *out_equal: that of the
 * condition. */
static size_t parse_sample(struct parser *parser, size_t *out_equal, size_t column, size_t value)
{
    size_t start = parser->token.start;
    size_t level = parse_expression(parser, POWER_ADD);
    *out_equal = add_node(
        parser, (struct sotto__node){
                    .kind = SOTTO__NODE_EQUAL, .left = column, .right = level, .start = start});
    size_t na = add_node(parser, (struct sotto__node){.kind = SOTTO__NODE_NA, .start = start});
    return add_node(parser, (struct sotto__node){.kind = SOTTO__NODE_CALL,
                                                 .function = SOTTO__FUNCTION_IF,
                                                 .left = *out_equal,
                                                 .right = value,
                                                 .third = na,
                                                 .is_sample = true,
                                                 .start = start,
                                                 .bytes = count_bytes(parser, start)});
}

/* "column in (levels)" after a value: a call's samples are the value in the rows of each level. */
static void parse_samples(struct parser *parser, struct sotto__node *call)
{
    size_t equals[SOTTO__EXPRESSION_NODES_MAX];
    size_t len = 0;
    const struct sotto__function_card *card = sotto__function_card(call->function);
    size_t value = call->left;
    size_t column = parse_levels_column(parser);
    do {
        size_t sample = parse_sample(parser, &equals[len], column, value);
        check_sample(parser, equals, ++len);
        if (len == 1) {
            call->left = sample;
        } else if (card->is_variadic) {
            call->right = add_node(parser, (struct sotto__node){.kind = SOTTO__NODE_LIST,
                                                                .left = call->right,
                                                                .right = sample});
        } else {
            call->right = sample;
        }
    } while (parser->status == SOTTO_OK && sotto__token_accept(parser, ","));
    if (len < 2 || (len > 2 && !card->is_variadic)) {
        sotto__parser_fail_at(parser, parser->token.start, "%s takes %s, found %zu", card->name,
                              card->is_variadic ? "at least two levels" : "two levels", len);
    }
    sotto__token_take(parser, ")");
}

/* --- A column by its levels, as regressors --- */

static bool is_at_factor(const struct parser *parser)
{
    return sotto__token_is_name(parser, "C") && *sotto__token_rest(parser) == '(';
}

/* The condition that a column has a level, which is written next. */
static size_t parse_equal(struct parser *parser, size_t column)
{
    struct sotto__node equal = {
        .kind = SOTTO__NODE_EQUAL, .left = column, .start = parser->token.start};
    equal.right = parse_expression(parser, POWER_ADD);
    return add_node(parser, equal);
}

/* if(condition, number, otherwise): of a regressor. */
static size_t add_dummy(struct parser *parser, size_t condition, int number, size_t otherwise)
{
    size_t start = parser->token.start;
    size_t literal = add_node(parser, (struct sotto__node){.kind = SOTTO__NODE_LITERAL,
                                                           .is_whole = true,
                                                           .whole = number,
                                                           .start = start});
    return add_node(parser, (struct sotto__node){.kind = SOTTO__NODE_CALL,
                                                 .function = SOTTO__FUNCTION_IF,
                                                 .left = condition,
                                                 .right = literal,
                                                 .third = otherwise,
                                                 .is_dummy = true,
                                                 .start = start});
}

/* Adds, for each level but the first, 1 where the column has it, else 0 where it has any of the
 * levels, else na. No condition is about all of them: each of these is judged by its rows. out: len
 * - 1 nodes. */
static void add_dummies(struct parser *parser, size_t *out, const size_t *equals, size_t len)
{
    size_t start = parser->token.start;
    size_t zero = add_node(parser, (struct sotto__node){.kind = SOTTO__NODE_NA, .start = start});
    for (size_t i = 0; i < len; i++) {
        zero = add_dummy(parser, equals[i], 0, zero);
    }
    for (size_t i = 1; i < len; i++) {
        out[i - 1] = add_dummy(parser, equals[i], 1, zero);
    }
}

/* column in (levels), at the column. Returns: how many regressors stand for them, in out.
 * *out_column: the column's node. name: of what takes it. */
static size_t parse_dummies(struct parser *parser, size_t *out, size_t *out_column,
                            const char *name)
{
    size_t equals[SOTTO__EXPRESSION_NODES_MAX];
    size_t len = 0;
    if (!is_at_levels(parser)) {
        sotto__parser_fail_at(parser, parser->token.start,
                              "expected a column and its levels, such as dept in (\"a\", \"b\")");
    }
    *out_column = parse_levels_column(parser);
    do {
        equals[len] = parse_equal(parser, *out_column);
        check_sample(parser, equals, ++len);
    } while (parser->status == SOTTO_OK && sotto__token_accept(parser, ","));
    if (len < 2) {
        sotto__parser_fail_at(parser, parser->token.start,
                              "%s takes at least two levels, found one", name);
    }
    sotto__token_take(parser, ")");
    if (parser->status != SOTTO_OK) {
        return 0;
    }
    add_dummies(parser, out, equals, len);
    return len - 1;
}

/* Adds regressors to a list. text: a node with the piece of text that they are multiplied with. */
static size_t add_regressors(struct parser *parser, size_t list, const size_t *regressors,
                             size_t len, const struct sotto__node *text)
{
    for (size_t i = 0; i < len; i++) {
        list = add_node(parser, (struct sotto__node){.kind = SOTTO__NODE_LIST,
                                                     .left = list,
                                                     .right = regressors[i],
                                                     .start = text->start,
                                                     .bytes = text->bytes});
    }
    return list;
}

/* Sets out to all products of two factors' regressors, those of the first one changing fastest.
 * Returns: how many. */
static size_t add_products(struct parser *parser, size_t *out, const size_t *one, size_t one_len,
                           const size_t *other, size_t other_len)
{
    size_t len = 0;
    for (size_t j = 0; j < other_len; j++) {
        for (size_t i = 0; i < one_len && len < SOTTO__EXPRESSION_NODES_MAX; i++) {
            out[len++] = add_node(parser, (struct sotto__node){.kind = SOTTO__NODE_MULTIPLY,
                                                               .left = one[i],
                                                               .right = other[j],
                                                               .start = parser->token.start});
        }
    }
    return len;
}

/* column in (levels) in brackets, at the "C". Returns: as parse_dummies. */
static size_t parse_factor_levels(struct parser *parser, size_t *out)
{
    size_t column;
    sotto__token_next(parser);
    sotto__token_take(parser, "(");
    size_t len = parse_dummies(parser, out, &column, "C");
    sotto__token_take(parser, ")");
    return len;
}

/* C(column in (levels)), at the "C", or that times something, another one perhaps. Returns: the
 * list, with its regressors. */
static size_t parse_factor(struct parser *parser, size_t list)
{
    size_t regressors[SOTTO__EXPRESSION_NODES_MAX];
    struct sotto__node text = {.start = 0};
    size_t len = parse_factor_levels(parser, regressors);
    if (!sotto__token_accept(parser, "*")) {
        return add_regressors(parser, list, regressors, len, &text);
    }
    if (is_at_factor(parser)) {
        size_t others[SOTTO__EXPRESSION_NODES_MAX];
        size_t products[SOTTO__EXPRESSION_NODES_MAX];
        size_t others_len = parse_factor_levels(parser, others);
        len = add_products(parser, products, regressors, len, others, others_len);
        return add_regressors(parser, list, products, len, &text);
    }
    text.start = parser->token.start;
    size_t other = parse_expression(parser, POWER_MULTIPLY);
    text.bytes = count_bytes(parser, text.start);
    for (size_t i = 0; i < len; i++) {
        regressors[i] = add_node(parser, (struct sotto__node){.kind = SOTTO__NODE_MULTIPLY,
                                                              .left = regressors[i],
                                                              .right = other,
                                                              .start = text.start});
    }
    return add_regressors(parser, list, regressors, len, &text);
}

/* What a model of levels explains, at its column. */
static void parse_outcome(struct parser *parser, struct sotto__node *call)
{
    size_t dummies[SOTTO__EXPRESSION_NODES_MAX];
    const struct sotto__node text = {.start = 0};
    size_t len =
        parse_dummies(parser, dummies, &call->left, sotto__function_card(call->function)->name);
    call->row_levels_len = 1 + len;
    call->right = add_regressors(parser, call->right, dummies, len, &text);
}

/* --- Arguments --- */

static bool takes_factors(const struct sotto__function_card *card)
{
    return card->method != NULL && (card->method->axes == SOTTO__AXES_REGRESSORS ||
                                    card->method->axes == SOTTO__AXES_EQUATIONS);
}

/* The argument with this index, at its first token. */
static void parse_argument(struct parser *parser, struct sotto__node *node, size_t argument)
{
    const struct sotto__function_card *card = sotto__function_card(node->function);
    size_t *places[3] = {&node->left, &node->right, &node->third};
    size_t last = card->arguments_len - 1;
    SOTTO_REQUIRE(last < 3);
    bool is_listed = card->takes == SOTTO__TAKES_LEVELS || card->takes == SOTTO__TAKES_EDGES ||
                     card->takes == SOTTO__TAKES_NUMBERS;
    bool has_samples =
        card->takes_samples && argument > 1 && parser->expression->nodes[node->left].is_sample;
    if (card->takes == SOTTO__TAKES_TABLE && argument <= last && argument + 1 >= last) {
        *places[argument] = parse_table_argument(parser, node, argument < last);
    } else if (card->takes == SOTTO__TAKES_OUTCOME && argument == 0) {
        parse_outcome(parser, node);
    } else if (card->takes_samples && argument == 1 && is_at_levels(parser)) {
        parse_samples(parser, node);
    } else if (is_listed && (argument == last || (card->is_variadic && argument > last))) {
        const char *number = card->takes == SOTTO__TAKES_LEVELS  ? NULL
                             : card->takes == SOTTO__TAKES_EDGES ? SOTTO__AN_EDGE
                                                                 : "a share from 0 to 1";
        sotto__parse_level(parser, node, number, false);
    } else if (takes_factors(card) && argument >= last && is_at_factor(parser)) {
        *places[last] = parse_factor(parser, *places[last]);
    } else if (card->is_variadic && argument >= last && !has_samples) {
        *places[last] = parse_item(parser, *places[last]);
    } else if (argument <= last) {
        size_t start = parser->token.start;
        *places[argument] = parse_expression(parser, 0);
        node->bytes = argument == 0 ? count_bytes(parser, start) : node->bytes;
    } else if (card->options != NULL && card->options->words == NULL) {
        parse_option(parser, node, card->options);
    } else {
        refuse_arguments(parser, card, "more");
    }
}

/* Refuses a call without an option that must be there. has_options: a bit for each kind. */
static void check_options(struct parser *parser, const struct sotto__function_card *card,
                          unsigned has_options)
{
    for (const struct sotto__option *option = card->options; option != NULL && option->name != NULL;
         option++) {
        if (option->absent == SOTTO__OPTION_MUST && (has_options & 1U << option->kind) == 0) {
            sotto__parser_fail_at(parser, parser->token.start, "%s asks for %s=%s or %s=%s",
                                  card->name, option->name, option->words[0], option->name,
                                  option->words[1]);
        }
    }
}

/* The arguments and the ")". */
static void parse_arguments(struct parser *parser, struct sotto__node *node)
{
    const struct sotto__function_card *card = sotto__function_card(node->function);
    size_t least = card->is_frame_enough ? 1 : card->arguments_len;
    size_t most = card->arguments_len;
    size_t arguments_len = 0;
    bool ended = false;
    unsigned has_options = 0; /* a bit for each kind */
    node->left = node->right = node->third = SOTTO_NONE;
    for (const struct sotto__option *option = card->options; option != NULL && option->name != NULL;
         option++) {
        set_option(&node->options, option->kind,
                   option->absent == SOTTO__OPTION_MUST ? 0 : option->absent);
        most++;
    }
    for (size_t i = 0; parser->status == SOTTO_OK && !ended && !sotto__token_is(parser, ")"); i++) {
        if (i > 0) {
            sotto__token_take(parser, ",");
        }
        /* cov([x, y], 2): a frame needs no second argument, and a number can be none. */
        bool is_early = card->options != NULL && i >= least && i < card->arguments_len;
        const struct sotto__option *option = i >= least ? find_option(parser, card) : NULL;
        if (option == NULL && is_early && is_last_number(parser)) {
            option = card->options;
        }
        if (option != NULL && (has_options & 1U << option->kind) != 0) {
            sotto__parser_fail_at(parser, parser->token.start, "%s is there already", option->name);
        } else if (option != NULL) {
            parse_option(parser, node, option);
            has_options |= 1U << option->kind;
        } else if (has_options != 0) {
            refuse_arguments(parser, card, "more");
        } else {
            parse_argument(parser, node, i);
            arguments_len++;
        }
        ended = i + 1 == most && !card->is_variadic;
    }
    const size_t places[3] = {node->left, node->right, node->third};
    SOTTO_REQUIRE(least >= 1 && least <= 3);
    bool has_levels = card->takes != SOTTO__TAKES_TABLE && node->levels_len > 0;
    bool is_bare = card->takes == SOTTO__TAKES_OUTCOME && arguments_len < 2;
    if ((places[least - 1] == SOTTO_NONE && !has_levels) || is_bare) {
        refuse_arguments(parser, card, node->left == SOTTO_NONE ? "none" : "fewer");
    }
    if (sotto__token_is(parser, ",")) {
        refuse_arguments(parser, card, "more");
    }
    check_options(parser, card, has_options);
    sotto__token_take(parser, ")");
}

/* --- Calls that are written out --- */

static size_t add_aggregate(struct parser *parser, enum sotto__function function, size_t argument,
                            size_t start)
{
    const struct sotto__method_card *method = sotto__function_card(function)->method;
    return add_node(parser, (struct sotto__node){.kind = SOTTO__NODE_AGGREGATE,
                                                 .function = function,
                                                 .rounds = method != NULL ? method->rounds_max : 1,
                                                 .left = argument,
                                                 .right = SOTTO_NONE,
                                                 .third = SOTTO_NONE,
                                                 .start = start});
}

static size_t add_call(struct parser *parser, enum sotto__function function, size_t argument,
                       size_t start)
{
    return add_node(parser, (struct sotto__node){.kind = SOTTO__NODE_CALL,
                                                 .function = function,
                                                 .left = argument,
                                                 .right = SOTTO_NONE,
                                                 .third = SOTTO_NONE,
                                                 .start = start});
}

/* median(x), or quantile(x, share), as exact as the call whose part it is. */
static size_t add_order(struct parser *parser, enum sotto__function function, size_t argument,
                        const struct sotto__node *call)
{
    size_t order = add_aggregate(parser, function, argument, call->start);
    if (parser->status == SOTTO_OK) {
        parser->expression->nodes[order].options.exact = call->options.exact;
    }
    return order;
}

static size_t add_quantile(struct parser *parser, const struct sotto__node *call, const char *share)
{
    size_t quantile = add_order(parser, SOTTO__FUNCTION_QUANTILE, call->left, call);
    if (parser->status == SOTTO_OK) {
        sotto__parser_add_share(parser, &parser->expression->nodes[quantile], share);
    }
    return quantile;
}

/* Adds what a call stands for: iqr(x) is abs(quantile(x, 0.75) - quantile(x, 0.25)), mad(x,
 * exact=1) is median(abs(x - median(x))), missing(x) is sum(isna(x)). Any other call is itself;
 * describe(x) has the shares of its quantiles as levels. */
static size_t add_written_out(struct parser *parser, struct sotto__node *call)
{
    size_t x = call->left;
    size_t start = call->start;
    size_t first;
    switch (call->function) {
    case SOTTO__FUNCTION_DESCRIBE:
        sotto__parser_add_share(parser, call, call->options.extremes ? "0" : "0.25");
        sotto__parser_add_share(parser, call, call->options.extremes ? "0.25" : "0.5");
        sotto__parser_add_share(parser, call, call->options.extremes ? "0.5" : "0.75");
        if (call->options.extremes) {
            sotto__parser_add_share(parser, call, "0.75");
            sotto__parser_add_share(parser, call, "1");
        }
        return add_node(parser, *call);
    case SOTTO__FUNCTION_IQR:
        first = add_quantile(parser, call, "0.75");
        first = add_node(parser, (struct sotto__node){.kind = SOTTO__NODE_SUBTRACT,
                                                      .left = first,
                                                      .right = add_quantile(parser, call, "0.25"),
                                                      .start = start});
        return add_call(parser, SOTTO__FUNCTION_ABS, first, start); /* of intervals: not below 0 */
    case SOTTO__FUNCTION_MAD:
        if (!call->options.exact) {
            return add_node(parser, *call);
        }
        first = add_order(parser, SOTTO__FUNCTION_MEDIAN, x, call);
        first = add_node(
            parser, (struct sotto__node){
                        .kind = SOTTO__NODE_SUBTRACT, .left = x, .right = first, .start = start});
        first = add_call(parser, SOTTO__FUNCTION_ABS, first, start);
        return add_order(parser, SOTTO__FUNCTION_MEDIAN, first, call);
    case SOTTO__FUNCTION_MISSING:
        first = add_call(parser, SOTTO__FUNCTION_ISNA, x, start);
        return add_aggregate(parser, SOTTO__FUNCTION_SUM, first, start);
    default:
        return add_node(parser, *call);
    }
}

/* Sets the link of a model that has said none, and refuses one that its family does not take. */
static void resolve_link(struct parser *parser, struct sotto__node *node)
{
    char list[100] = "";
    const enum sotto__model_link *link = sotto__links_of(node->options.family);
    if (node->options.link == SOTTO__LINK_CANONICAL) {
        node->options.link = *link;
    }
    for (; *link != SOTTO__LINK_CANONICAL; link++) {
        if (*link == node->options.link) {
            return;
        }
        append_word(list, sizeof list, ", ", sotto__link_word(*link));
    }
    sotto__parser_fail_at(parser, node->start, "link=%s: this family takes %s",
                          sotto__link_word(node->options.link), list);
}

/* After the name, at the "(". */
static size_t parse_call(struct parser *parser, const struct token *name)
{
    struct sotto__node node = {.kind = SOTTO__NODE_CALL, .start = name->start};
    node.function = find_function(parser, name);
    const struct sotto__function_card *card = sotto__function_card(node.function);
    if (sotto__is_choice(node.function)) {
        return sotto__parse_choice(parser, node.function, name->start);
    }
    if (card->of == SOTTO__FUNCTION_OF_ALL_ROWS) {
        node.kind = SOTTO__NODE_AGGREGATE;
        node.rounds = card->method != NULL ? card->method->rounds_max : 1;
    }
    sotto__token_next(parser);
    parse_arguments(parser, &node);
    bool is_robust = node.options.errors != SOTTO__ERRORS_NONROBUST;
    if (is_robust && card->method != NULL && card->method->rounds_robust > 0) {
        node.rounds = card->method->rounds_robust;
    }
    if (node.function == SOTTO__FUNCTION_GLM && parser->status == SOTTO_OK) {
        resolve_link(parser, &node);
    }
    return add_written_out(parser, &node);
}

/* At the "*", dataset before it or NULL. */
static size_t parse_star(struct parser *parser, const struct token *dataset)
{
    struct sotto__node node = {.kind = SOTTO__NODE_STAR, .start = parser->token.start};
    if (dataset != NULL) {
        node.start = dataset->start;
        node.dataset = sotto__token_text(parser, dataset);
    }
    sotto__token_next(parser);
    return add_node(parser, node);
}

/* At the "[". */
static size_t parse_list(struct parser *parser)
{
    size_t list = SOTTO_NONE;
    do { /* at the "[", then at each "," */
        sotto__token_next(parser);
        list = parse_item(parser, list);
    } while (sotto__token_is(parser, ","));
    sotto__token_take(parser, "]");
    return list;
}

/* After the dataset's name and the point. */
static size_t parse_qualified(struct parser *parser, const struct token *dataset)
{
    struct token column = parser->token;
    if (!is_column(&column)) {
        sotto__token_unexpected(parser, "a column's name (odd names in backticks)");
    }
    sotto__token_next(parser);
    return add_column(parser, dataset, &column);
}

size_t sotto__parse_column(struct parser *parser)
{
    struct token name = parser->token;
    if (!is_column(&name)) {
        sotto__token_unexpected(parser, "a column");
    }
    sotto__token_next(parser);
    return sotto__token_accept(parser, ".") ? parse_qualified(parser, &name)
                                            : add_column(parser, NULL, &name);
}

void sotto__parse_key_column(struct parser *parser)
{
    struct token name = parser->token;
    if (name.kind != SOTTO__TOKEN_NAME || *sotto__token_rest(parser) != '(') {
        (void)sotto__parse_column(parser);
        return;
    }
    sotto__token_next(parser);
    (void)parse_call(parser, &name);
    if (parser->status == SOTTO_OK && !sotto__is_key(parser->expression)) {
        sotto__parser_fail_at(parser, name.start,
                              "expected a column, or year, month, day or weekday of one");
    }
}

/* A column, a dataset's column or columns, a call, or na. */
static size_t parse_name(struct parser *parser)
{
    struct token name = parser->token;
    bool is_na = sotto__token_is_name(parser, "na");
    sotto__token_next(parser);
    if (sotto__token_is(parser, "(") && name.kind == SOTTO__TOKEN_NAME) {
        return parse_call(parser, &name);
    }
    if (sotto__token_accept(parser, ".")) {
        return sotto__token_is(parser, "*") ? parse_star(parser, &name)
                                            : parse_qualified(parser, &name);
    }
    if (is_na) {
        return add_node(parser, (struct sotto__node){.kind = SOTTO__NODE_NA, .start = name.start});
    }
    return add_column(parser, NULL, &name);
}

static size_t parse_literal(struct parser *parser)
{
    struct sotto__node node = {
        .kind = SOTTO__NODE_LITERAL, .start = parser->token.start, .bytes = parser->token.bytes};
    if (parser->token.kind == SOTTO__TOKEN_TEXT) {
        node.kind = SOTTO__NODE_TEXT;
        node.name = sotto__token_text(parser, &parser->token);
    } else if (parser->token.kind != SOTTO__TOKEN_NUMBER) {
        sotto__token_unexpected(parser, "a column, a number or a function");
    }
    sotto__token_next(parser);
    return add_node(parser, node);
}

/* At the "-" or the "not". */
static size_t parse_unary(struct parser *parser)
{
    bool is_not = sotto__token_is(parser, "not");
    struct sotto__node node = {.kind = is_not ? SOTTO__NODE_NOT : SOTTO__NODE_NEGATE,
                               .start = parser->token.start};
    sotto__token_next(parser);
    node.left = parse_expression(parser, is_not ? POWER_NOT : POWER_NEGATE);
    return add_node(parser, node);
}

static size_t parse_prefix(struct parser *parser)
{
    if (is_column(&parser->token)) {
        return parse_name(parser);
    }
    if (sotto__token_is(parser, "-") || sotto__token_is(parser, "not")) {
        return parse_unary(parser);
    }
    if (sotto__token_is(parser, "*")) {
        return parse_star(parser, NULL);
    }
    if (sotto__token_is(parser, "[")) {
        return parse_list(parser);
    }
    if (sotto__token_accept(parser, "(")) {
        size_t inner = parse_expression(parser, 0);
        sotto__token_take(parser, ")");
        return inner;
    }
    return parse_literal(parser);
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
static size_t parse_in(struct parser *parser, size_t x)
{
    size_t start = parser->token.start;
    size_t either = SOTTO_NONE;
    bool negated = sotto__token_accept(parser, "not");
    sotto__token_take(parser, "in");
    sotto__token_take(parser, "(");
    do {
        struct sotto__node equal = {.kind = SOTTO__NODE_EQUAL, .start = start, .left = x};
        equal.right = parse_expression(parser, POWER_ADD);
        size_t found = add_node(parser, equal);
        either = either == SOTTO_NONE
                     ? found
                     : add_node(parser, (struct sotto__node){.kind = SOTTO__NODE_OR,
                                                             .start = start,
                                                             .left = either,
                                                             .right = found});
    } while (sotto__token_accept(parser, ","));
    sotto__token_take(parser, ")");
    if (!negated) {
        return either;
    }
    return add_node(parser,
                    (struct sotto__node){.kind = SOTTO__NODE_NOT, .start = start, .left = either});
}

/* After the "**": a whole number, written out, with a minus if you like. */
static int parse_exponent(struct parser *parser)
{
    int exponent = read_whole(parser, SOTTO__POWER_EXPONENT_MAX, true, "the exponent");
    if (sotto__token_is(parser, "**")) {
        sotto__parser_fail_at(parser, parser->token.start, "a power of a power needs brackets");
    }
    return exponent;
}

static size_t parse_infix(struct parser *parser, const struct infix *infix, size_t left)
{
    struct sotto__node node = {.kind = infix->kind, .left = left, .start = parser->token.start};
    bool is_comparison = infix->power == POWER_COMPARE;
    if (is_comparison && (infix->kind == SOTTO__NODE_OR || infix->kind == SOTTO__NODE_NOT)) {
        return parse_in(parser, left);
    }
    sotto__token_next(parser);
    if (infix->kind == SOTTO__NODE_POWER) {
        node.exponent = parse_exponent(parser);
    } else {
        node.right = parse_expression(parser, infix->power);
    }
    const struct infix *next = find_infix(parser);
    if (is_comparison && next != NULL && next->power == POWER_COMPARE) {
        sotto__parser_fail_at(parser, parser->token.start,
                              "comparisons don't chain: say a < b and b < c");
    }
    return add_node(parser, node);
}

/* What binds tighter than power. Recursion: SOTTO__EXPRESSION_DEPTH_MAX levels. */
static size_t parse_expression(struct parser *parser, int power)
{
    if (parser->depth == SOTTO__EXPRESSION_DEPTH_MAX) {
        sotto__parser_fail(parser, SOTTO_ERROR_LIMIT,
                           "expected at most %d levels of nesting, found more",
                           SOTTO__EXPRESSION_DEPTH_MAX);
        return 0;
    }
    parser->depth++;
    size_t left = parse_prefix(parser);
    for (const struct infix *infix = find_infix(parser); infix != NULL && infix->power > power;
         infix = find_infix(parser)) {
        left = parse_infix(parser, infix, left);
    }
    parser->depth--;
    return left;
}

size_t sotto__parse_expression(struct parser *parser)
{
    return parse_expression(parser, 0);
}

size_t sotto__parser_add_node(struct parser *parser, struct sotto__node node)
{
    return add_node(parser, node);
}

/* --- The whole --- */

void sotto__parser_start(struct parser *out, struct sotto__expression *expression, const char *text,
                         struct sotto_error *err)
{
    *out = (struct parser){.expression = expression, .err = err};
    if (strlen(text) > SOTTO__EXPRESSION_BYTES_MAX) {
        sotto__parser_fail(out, SOTTO_ERROR_LIMIT,
                           "expected an expression of at most %d bytes, found %zu",
                           SOTTO__EXPRESSION_BYTES_MAX, strlen(text));
        return;
    }
    expression->text = sotto_text_copy(text, strlen(text));
    out->text = expression->text;
    if (expression->text == NULL) {
        sotto__parser_no_memory(out);
        return;
    }
    sotto__token_next(out);
}

enum sotto_status sotto__expression_parse(struct sotto__expression *out, const char *text,
                                          struct sotto_error *err)
{
    struct sotto__expression expression = {0};
    struct parser parser;
    size_t root = 0;
    sotto__parser_start(&parser, &expression, text, err);
    if (parser.status == SOTTO_OK) {
        root = parse_expression(&parser, 0);
    }
    if (parser.token.kind != SOTTO__TOKEN_END) {
        sotto__token_unexpected(&parser, "an operator or the end");
    }
    if (parser.status != SOTTO_OK) {
        sotto__expression_release(&expression);
        return parser.status;
    }
    SOTTO_REQUIRE(root + 1 == expression.nodes_len);
    *out = expression;
    return SOTTO_OK;
}
