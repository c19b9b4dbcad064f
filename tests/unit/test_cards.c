/* SPDX-License-Identifier: Apache-2.0 */

/* The table of functions against all that is made of it: the sums that programs send, the words
 * that owners read, the errors, and the reference in engine/PLAN.md. */

#include "engine/driver.h"
#include "expression/expression.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>

static const struct sotto__function_card *card_at(size_t i)
{
    return sotto__function_card((enum sotto__function)i);
}

static bool is_aggregate(const struct sotto__function_card *card)
{
    return card->of == SOTTO__FUNCTION_OF_ALL_ROWS;
}

/* A call of the function in a plan; x and y are its arguments. */
static void write_call(char *out, size_t out_bytes, const struct sotto__function_card *card,
                       const char *x, const char *y)
{
    bool is_weighted = card->opens.weighted_squares;
    if (is_weighted && card->arguments_len == 2) {
        (void)snprintf(out, out_bytes, "%s(%s, %s, weights=probability)", card->name, x, y);
    } else if (is_weighted) {
        (void)snprintf(out, out_bytes, "%s(%s, %s, %s, weights=probability)", card->name, x, x, y);
    } else if (card->takes == SOTTO__TAKES_TABLE && card->arguments_len == 3) {
        (void)snprintf(out, out_bytes, "%s(%s, %s in (0, 1), %s in (0, 1))", card->name, x, x, y);
    } else if (card->takes == SOTTO__TAKES_TABLE) {
        (void)snprintf(out, out_bytes, "%s(%s in (0, 1), %s in (0, 1))", card->name, x, y);
    } else if (card->takes == SOTTO__TAKES_COLUMNS) {
        (void)snprintf(out, out_bytes, "%s(%s, %s)", card->name, x, y);
    } else if (card->takes != SOTTO__TAKES_EXPRESSIONS) {
        (void)snprintf(out, out_bytes, "%s(%s, 0, 1)", card->name, x);
    } else if (card->takes_frame) {
        (void)snprintf(out, out_bytes, "%s([%s, %s])", card->name, x, y);
    } else if (card->arguments_len == 1) {
        (void)snprintf(out, out_bytes, "%s(%s)", card->name, x);
    } else if (card->arguments_len == 2) {
        (void)snprintf(out, out_bytes, "%s(%s, %s)", card->name, x, y);
    } else {
        (void)snprintf(out, out_bytes, "%s(%s > 0, %s, %s)", card->name, x, x, y);
    }
}

/* --- Cards --- */

static void test_cards_are_whole(void **state)
{
    (void)state;
    size_t statistics_len = 0;
    for (size_t i = 0; i < SOTTO__FUNCTIONS_LEN; i++) {
        const struct sotto__function_card *card = card_at(i);
        assert_in_range(card->arguments_len, 1, 3);
        if (is_aggregate(card)) {
            assert_non_null(card->name);
            assert_int_not_equal(card->opens.kind, SOTTO__OPENS_UNSTATED);
            assert_true(card->opens.powers > 0 || card->opens.count || card->opens.product ||
                        card->opens.kind == SOTTO__OPENS_BINS);
            /* Bins that what was opened has placed are those of a method, and owners are told so.
             */
            assert_true(card->opens.kind != SOTTO__OPENS_BINS ||
                        (card->method != NULL && card->harm != NULL));
            assert_string_equal(sotto_statistic_name(statistics_len++), card->name);
        }
        assert_int_equal(card->instead_of != NULL, card->gives != NULL);
        for (size_t j = 0; j < SOTTO__FUNCTIONS_LEN; j++) {
            const char *name = card_at(j)->name;
            assert_false(name != NULL && i != j && card->name != NULL &&
                         strcmp(name, card->name) == 0);
            assert_false(name != NULL && sotto__has_word(card->synonyms, name));
            assert_false(name != NULL && sotto__has_word(card->instead_of, name));
        }
    }
    assert_null(sotto_statistic_name(statistics_len));
}

static void test_every_function_is_explained(void **state)
{
    (void)state;
    size_t len = 0;
    struct sotto_function function;
    struct sotto_function_option option;
    for (; sotto_function_describe(&function, len); len++) {
        char call[40];
        (void)snprintf(call, sizeof call, "%s(", function.name);
        assert_non_null(function.gives);
        assert_int_equal(strncmp(function.call, call, strlen(call)), 0);
        assert_contains(function.example, call);
    }
    for (size_t i = 0; i < SOTTO__FUNCTIONS_LEN; i++) {
        len -= card_at(i)->name != NULL;
    }
    assert_int_equal(len, 0);
    assert_true(sotto_function_option(&option, "ttest", 1));
    assert_string_equal(option.name, "equal_var");
    assert_true(sotto_function_option(&option, "ttest", 2));
    assert_string_equal(option.name, "alternative");
    assert_false(sotto_function_option(&option, "ttest", 3));
    assert_false(sotto_function_option(&option, "count", 0));
}

/* --- What is opened, and what owners are told --- */

/* The degree of each operation as a polynomial in columns. */
static unsigned degree_of_op(const unsigned *degrees, const struct sotto__op *op)
{
    switch (op->kind) {
    case SOTTO__OP_COLUMN:
        return 1;
    case SOTTO__OP_CONSTANT:
        return 0;
    case SOTTO__OP_NEGATE:
    case SOTTO__OP_FLOAT:
    case SOTTO__OP_MASK:
        return degrees[op->a];
    case SOTTO__OP_MULTIPLY:
        return degrees[op->a] + degrees[op->b];
    default:
        return SOTTO__DEGREE_OTHER;
    }
}

/* The highest degree among the terms that a program sends. */
static unsigned sent_degree(const struct sotto__program *program)
{
    unsigned degrees[64] = {0};
    unsigned most = 0;
    assert_in_range(program->ops_len, 1, 64);
    for (size_t i = 0; i < program->ops_len; i++) {
        degrees[i] = degree_of_op(degrees, &program->ops[i]);
        degrees[i] = degrees[i] < SOTTO__DEGREE_OTHER ? degrees[i] : SOTTO__DEGREE_OTHER;
    }
    for (size_t i = 0; i < program->terms_len; i++) {
        const struct sotto__term *term = &program->terms[i];
        unsigned degree = term->index != SOTTO_NONE ? SOTTO__DEGREE_OTHER : 0;
        for (size_t j = 0; j < term->factors_len; j++) {
            degree += degrees[term->factors[j]];
        }
        most = degree > most ? degree : most;
    }
    return most < SOTTO__DEGREE_OTHER ? most : SOTTO__DEGREE_OTHER;
}

/* Takes the only clause of a plan. */
static enum sotto_status take_clause(void *context, const struct sotto_plan_clause *clause,
                                     struct sotto_error *err)
{
    (void)err;
    *(struct sotto_plan_clause *)context = *clause;
    return SOTTO_OK;
}

static struct sotto_plan_clause clause_of(const struct sotto_plan *plan)
{
    struct sotto_plan_clause clause = {0};
    assert_ok(sotto_plan_clauses(plan, take_clause, &clause, NULL, NULL));
    assert_int_equal(clause.form == SOTTO_FORM_OTHER, clause.why != NULL);
    return clause;
}

/* As owners are told; of what is no polynomial: none. */
static unsigned told_degree(const struct sotto_plan *plan)
{
    struct sotto_plan_clause clause = clause_of(plan);
    return clause.form == SOTTO_FORM_OTHER ? SOTTO__DEGREE_OTHER : clause.degree;
}

static void told_is_sent(const char *call, struct sotto_type type)
{
    char output[200];
    (void)snprintf(output, sizeof output, "m=%s", call);
    struct sotto_plan *plan = test_plan_of(output);
    struct sotto_schema_field fields[2] = {{.type = type}, {.type = type}};
    struct sotto_schema schema = {.fields = fields, .fields_len = plan->columns_len};
    struct sotto_driver *driver = NULL;
    struct sotto_error err = {0};
    assert_ok(sotto_driver_new(&driver, plan, &schema, &err));
    if (told_degree(plan) != sent_degree(driver->program)) {
        print_error("%s: degree %u\n", call, told_degree(plan));
    }
    assert_int_equal(told_degree(plan), sent_degree(driver->program));
    sotto_driver_free(driver);
    sotto_plan_free(plan);
}

static void test_told_is_the_highest_power_sent(void **state)
{
    (void)state;
    /* None is a bare column, of which only that is told. */
    static const char *const arguments[][2] = {
        {"-x", "-y"}, {"-x * y", "-y"}, {"-x", "-x * y"}, {"-x", "-x"}};
    static const struct sotto_type types[] = {{.kind = SOTTO_KIND_INT64},
                                              {.kind = SOTTO_KIND_DECIMAL, .scale = 2},
                                              {.kind = SOTTO_KIND_FLOAT64}};
    for (size_t i = 0; i < SOTTO__FUNCTIONS_LEN; i++) {
        /* Values that are found digit by digit are not as wide as products are. */
        bool is_narrow = card_at(i)->opens.kind == SOTTO__OPENS_BINS;
        /* These take columns and conditions only: test_what_takes_levels has them. So do models,
         * under a policy. */
        bool is_other = card_at(i)->takes == SOTTO__TAKES_TABLE ||
                        card_at(i)->takes == SOTTO__TAKES_COLUMNS ||
                        card_at(i)->opens.kind == SOTTO__OPENS_FIT ||
                        card_at(i) == sotto__function_card(SOTTO__FUNCTION_PROPORTION) ||
                        card_at(i) == sotto__function_card(SOTTO__FUNCTION_BINOMIAL);
        for (size_t j = is_narrow ? 3 : 0; is_aggregate(card_at(i)) && !is_other && j < 4; j++) {
            for (size_t k = 0; k < 3; k++) {
                char call[100];
                write_call(call, sizeof call, card_at(i), arguments[j][0], arguments[j][1]);
                told_is_sent(call, types[k]);
            }
        }
    }
}

/* What owners are told of a call. */
static void is_of_form(const char *call, enum sotto_form form, unsigned degree)
{
    char output[200];
    (void)snprintf(output, sizeof output, "m=%s", call);
    struct sotto_plan *plan = test_plan_of(output);
    struct sotto_plan_clause clause = clause_of(plan);
    if (clause.form != form || clause.degree != degree) {
        print_error("%s: form %d, degree %u\n", call, (int)clause.form, clause.degree);
    }
    assert_int_equal(clause.form, form);
    assert_int_equal(clause.degree, degree);
    sotto_plan_free(plan);
}

static void test_what_takes_levels(void **state)
{
    (void)state;
    is_of_form("ttest(x, y)", SOTTO_FORM_COLUMNS, 2);
    is_of_form("ttest(x, y * 2)", SOTTO_FORM_POLYNOMIAL, 2);
    is_of_form("ttest(x, y ** 2)", SOTTO_FORM_POLYNOMIAL, 4);
    is_of_form("ttest(x, y in (0, 1))", SOTTO_FORM_CHOICE, 2);
    is_of_form("anova(x, y in ('a', 'b', 'c'))", SOTTO_FORM_CHOICE, 2);
    is_of_form("anova_two(x, x in (0, 1), y in ('a', 'b'))", SOTTO_FORM_CHOICE, 2);
    is_of_form("anova_two(x * y, x in (0, 1), y in ('a', 'b'))", SOTTO_FORM_CHOICE, 4);
    is_of_form("anova(x, y, x ** 3)", SOTTO_FORM_POLYNOMIAL, 6);
    is_of_form("smd(x, y in (0, 1))", SOTTO_FORM_CHOICE, 2);
    is_of_form("weighted(x, y, weights=frequency)", SOTTO_FORM_COLUMNS, 4);
    is_of_form("weighted_ttest(x, y in (0, 1), z, weights=probability)", SOTTO_FORM_CHOICE, 4);
    is_of_form("weighted_ttest(x, y, z ** 2, weights=probability)", SOTTO_FORM_POLYNOMIAL, 6);
    is_of_form("ttest(x > 0, y > 0)", SOTTO_FORM_CONDITION, 2);
    is_of_form("proportion(x > 0)", SOTTO_FORM_CONDITION, 1);
    is_of_form("binomial(x > 0, 0.5)", SOTTO_FORM_CONDITION, 1);
    is_of_form("crosstab(x in (0, 1), y in ('a', 'b'))", SOTTO_FORM_CELLS, 1);
    is_of_form("chi2(x in (0, 1), y in ('a', 'b'))", SOTTO_FORM_CELLS, 1);
    is_of_form("fisher(x in (0, 1), y in ('a', 'b'))", SOTTO_FORM_CELLS, 1);
    is_of_form("mode(x, 'a', 'b')", SOTTO_FORM_CELLS, 1);
    is_of_form("nunique(x, 1, 2)", SOTTO_FORM_CELLS, 1);
    is_of_form("missing_patterns(x, [y, z])", SOTTO_FORM_CELLS, 1);
    is_of_form("ols(x, C(y in ('a', 'b', 'c')))", SOTTO_FORM_CHOICE, 2);
    is_of_form("glm(x, y, C(y in ('a', 'b')), family=poisson)", SOTTO_FORM_FIT, 2);
    is_of_form("glm(x, [x, y])", SOTTO_FORM_FIT, 2);
    is_of_form("mnlogit(x in (0, 1, 2), y)", SOTTO_FORM_FIT, 2);
    is_of_form("glm(x, y, cov=hc0)", SOTTO_FORM_FIT, 4);
    is_of_form("glm(x, y, link=cloglog, family=binomial)", SOTTO_FORM_FIT, 2);
    is_of_form("mnlogit(x in (0, 1, 2), y, cov=hc1)", SOTTO_FORM_FIT, 4);
    is_of_form("ols(x, y, cov=hc1)", SOTTO_FORM_COLUMNS, 4);
    is_of_form("mnlogit(x in ('a', 'b'), y, C(y in ('a', 'b')))", SOTTO_FORM_FIT, 2);
    is_of_form("glm(x, y, start=(0, 0.0), ridge=1e-10, tolerance=1e-8)", SOTTO_FORM_FIT, 2);
    /* Each argument counts: the second one can't bring in what the first one may not. */
    struct sotto_plan *plan = test_plan_of("m=ttest(x > 0, log(y))");
    assert_int_equal(clause_of(plan).form, SOTTO_FORM_OTHER);
    sotto_plan_free(plan);
    static const char *const computed[] = {"m=glm(x, log(y))",
                                           "m=glm(x, y ** 2)",
                                           "m=glm(x * 2, y)",
                                           "m=glm(x > 0, y)",
                                           "m=glm(x, y > 0)",
                                           "m=ols(x, y > 0, C(y in ('a', 'b')))",
                                           "m=glm(x, y, y // 2)",
                                           "m=glm(x, fillna(y, 0))",
                                           "m=glm(x, y, start=(0, 1))",
                                           "m=mnlogit(x in (0, 1), y ** 2)",
                                           "m=mnlogit(x in (0, 1), y, start=(0, 1))",
                                           "m=glm(x, y, weights=y)",
                                           "m=mnlogit(x in (0, 1), y, weights=y)",
                                           "m=glm(x, C(y in ('a', 'b')) * z)",
                                           "m=glm(x, y, offset=y)",
                                           "m=ols(x, y, weights=y)"};
    for (size_t i = 0; i < sizeof computed / sizeof computed[0]; i++) {
        plan = test_plan_of(computed[i]);
        assert_int_equal(clause_of(plan).form, SOTTO_FORM_OTHER);
        sotto_plan_free(plan);
    }
    plan = test_plan_of("m=anova(x, 1 / y, y)");
    assert_int_equal(clause_of(plan).form, SOTTO_FORM_OTHER);
    sotto_plan_free(plan);
    plan = test_plan_of("m=ttest(x, y in (0, 1))");
    assert_int_equal(clause_of(plan).form, SOTTO_FORM_CHOICE);
    sotto_plan_free(plan);
}

static void test_functions_of_rows_are_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOTTO__FUNCTIONS_LEN; i++) {
        char call[100];
        char output[200];
        if (is_aggregate(card_at(i)) || card_at(i)->name == NULL) {
            continue;
        }
        write_call(call, sizeof call, card_at(i), "x", "y");
        (void)snprintf(output, sizeof output, "m=sum(%s)", call);
        struct sotto_plan *plan = test_plan_of(output);
        bool is_known = card_at(i) == sotto__function_card(SOTTO__FUNCTION_ISNA);
        assert_int_equal(clause_of(plan).form, is_known ? SOTTO_FORM_CONDITION : SOTTO_FORM_OTHER);
        sotto_plan_free(plan);
    }
}

/* A new aggregate whose card says nothing of its sums: no policy takes it for a bare column. */
static void test_what_is_not_stated_is_other(void **state)
{
    (void)state;
    const struct sotto__function_card silent = {.name = "midrange", .arguments_len = 1};
    assert_int_equal(sotto__degree_of_sums(&silent.opens, 1, 1), SOTTO__DEGREE_OTHER);
    assert_int_equal(sotto__degree_of_sums(&silent.opens, 0, 0), SOTTO__DEGREE_OTHER);
    struct sotto_plan *plan = test_plan_of("m=sum(x)");
    struct sotto__expression *expression = &plan->outputs[0].expression;
    assert_int_equal(clause_of(plan).form, SOTTO_FORM_COLUMNS);
    assert_int_equal(sotto__function_card(SOTTO__FUNCTION_TOGETHER)->opens.kind,
                     SOTTO__OPENS_UNSTATED);
    expression->nodes[expression->nodes_len - 1].function = SOTTO__FUNCTION_TOGETHER;
    assert_int_equal(clause_of(plan).form, SOTTO_FORM_OTHER);
    sotto_plan_free(plan);
}

/* --- Names in errors --- */

static void unknown(const char *name, const char *part)
{
    char json[300];
    struct sotto_error err = {0};
    struct sotto_plan *plan = NULL;
    (void)snprintf(json, sizeof json,
                   "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                   "{\"t\": \"t.csv\"}, \"select\": {\"m\": \"%s(x)\"}}",
                   name);
    assert_int_equal(sotto_plan_parse(&plan, json, strlen(json), &err), SOTTO_ERROR_PLAN);
    assert_contains(err.text, part);
}

static void test_other_names_are_understood(void **state)
{
    (void)state;
    unknown("average", "unknown function \"average\"; did you mean \"mean\"?");
    unknown("avg", "did you mean \"mean\"?");
    unknown("variance", "did you mean \"var\"?");
    unknown("ln", "did you mean \"log\"?");
    unknown("min", "nearest to it is \"quantile\": of share 0 the least value");
    unknown("maximum", "nearest to it is \"quantile\"");
    unknown("medin", "did you mean \"median\"?");
    unknown("zzzzzzzz", "unknown function \"zzzzzzzz\"; there are count, sum, mean,");
}

/* Whatever options a function has, a call that is wrong is an error that fits its text. */
static void test_wrong_calls_of_all_functions(void **state)
{
    (void)state;
    static const char *const wrong[] = {"(a ~ b)",
                                        "(a, b",
                                        "()",
                                        "(a, b, c, d, e, f ~ 1)",
                                        "(a, family=",
                                        "(a, link=x)",
                                        "(a, family=x, link=y)"};
    for (size_t i = 0; i < SOTTO__FUNCTIONS_LEN; i++) {
        const char *name = sotto__function_card((enum sotto__function)i)->name;
        for (size_t j = 0; name != NULL && j < sizeof wrong / sizeof wrong[0]; j++) {
            char output[200];
            (void)snprintf(output, sizeof output, "%s%s", name, wrong[j]);
            struct sotto__expression expression = {0};
            struct sotto_error err = {0};
            assert_int_equal(sotto__expression_parse(&expression, output, &err), SOTTO_ERROR_PLAN);
            assert_true(strlen(err.text) > 0);
        }
    }
}

/* --- The reference --- */

/* Ended by free. */
static char *read_reference(void)
{
    FILE *file = fopen(SOTTO_TEST_SOURCE "/engine/PLAN.md", "r");
    char *text = calloc(1, 1 << 20);
    assert_non_null(file);
    assert_non_null(text);
    assert_in_range(fread(text, 1, (1 << 20) - 1, file), 1, (1 << 20) - 2);
    (void)fclose(file);
    return text;
}

/* The row of a Markdown table whose first cell has a call of this name. Returns: NULL if there is
 * none. *out_call: that call. */
static const char *find_row(const char *text, const char **out_call, const char *name)
{
    char call[40];
    (void)snprintf(call, sizeof call, "`%s(", name);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *cell_end = *line == '|' ? strchr(line + 1, '|') : NULL;
        const char *found = cell_end != NULL ? strstr(line, call) : NULL;
        if (found != NULL && found < cell_end) {
            *out_call = found + 1;
            return line;
        }
    }
    return NULL;
}

static size_t count_arguments(const char *call)
{
    size_t len = 1;
    for (const char *at = call; at != NULL && *at != ')' && *at != '\n'; at++) {
        len += *at == ',';
    }
    return len;
}

/* Copies a cell of a table's row, from 1. */
static void copy_cell(char *out, size_t out_bytes, const char *row, size_t cell)
{
    const char *at = row;
    for (size_t i = 1; at != NULL && i < cell; i++) {
        at = strchr(at + 1, '|');
    }
    const char *end = at != NULL ? strchr(at + 1, '|') : NULL;
    assert_non_null(end);
    (void)snprintf(out, out_bytes, "%.*s", (int)(end - at - 1), at + 1);
}

/* The second cell: the option, with its value where it is left out. */
static void check_option(const char *row, const struct sotto__function_card *card)
{
    char cell[200];
    char expected[40] = "";
    copy_cell(cell, sizeof cell, row, 2);
    if (card->options != NULL && card->options->words == NULL) {
        (void)snprintf(expected, sizeof expected, "`%s=%d`", card->options->name,
                       card->options->absent);
    } else if (card->options != NULL && card->options->absent == SOTTO__OPTION_MUST) {
        (void)snprintf(expected, sizeof expected, "`%s=..`", card->options->name);
    } else if (card->options != NULL) {
        (void)snprintf(expected, sizeof expected, "`%s=%s`", card->options->name,
                       card->options->words[card->options->absent]);
    }
    assert_contains(cell, expected);
    assert_int_equal(strchr(cell, '=') != NULL, card->options != NULL);
}

/* The fourth cell: what an aggregate opens; behind a semicolon, what else of doubles. */
static void check_opens(const char *row, const struct sotto__opened_sums *opens)
{
    char cell[200];
    copy_cell(cell, sizeof cell, row, 4);
    cell[strcspn(cell, ";")] = '\0';
    if (opens->kind == SOTTO__OPENS_TRUTHS) { /* a count of what is so, or one for each of many */
        assert_true(strstr(cell, "how many are") != NULL || strstr(cell, "for each") != NULL);
        return;
    }
    if (opens->kind == SOTTO__OPENS_BINS) {
        assert_non_null(strstr(cell, "counts by"));
        return;
    }
    if (opens->weighted_squares) {
        assert_non_null(strstr(cell, "sums with weights"));
        return;
    }
    if (opens->kind == SOTTO__OPENS_FIT) {
        assert_non_null(strstr(cell, "a fit"));
        return;
    }
    assert_int_equal(strstr(cell, "count") != NULL, opens->count);
    assert_int_equal(strstr(cell, "sum") != NULL, opens->powers > 0);
    assert_int_equal(strstr(cell, "squares") != NULL, opens->powers == 2);
    assert_int_equal(strstr(cell, "up to cubes") != NULL, opens->powers == 3);
    assert_int_equal(strstr(cell, "up to fourth powers") != NULL, opens->powers == 4);
    assert_int_equal(strstr(cell, "product") != NULL, opens->product);
}

static void test_reference_has_every_function(void **state)
{
    (void)state;
    char *text = read_reference();
    for (size_t i = 0; i < SOTTO__FUNCTIONS_LEN; i++) {
        const struct sotto__function_card *card = card_at(i);
        const char *call = NULL;
        const char *row = card->name != NULL ? find_row(text, &call, card->name) : NULL;
        if (card->name == NULL) {
            continue;
        }
        if (row == NULL) {
            print_error("engine/PLAN.md has no row for %s\n", card->name);
        }
        assert_non_null(row);
        size_t arguments_len = count_arguments(call);
        assert_true(arguments_len == card->arguments_len ||
                    (card->is_variadic && arguments_len > card->arguments_len));
        check_option(row, card);
        if (is_aggregate(card)) {
            check_opens(row, &card->opens);
        }
    }
    free(text);
}

/* What the first cells of tables call is there. */
static void test_reference_has_no_other_function(void **state)
{
    (void)state;
    char *text = read_reference();
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        char name[40];
        bool is_known = false;
        if (sscanf(line, "| `%39[a-z0-9_](", name) != 1 || line[3 + strlen(name) + 1] != '(') {
            continue;
        }
        for (size_t i = 0; i < SOTTO__FUNCTIONS_LEN; i++) {
            is_known =
                is_known || (card_at(i)->name != NULL && strcmp(card_at(i)->name, name) == 0);
        }
        if (!is_known) {
            print_error("engine/PLAN.md has a row for %s, which is no function\n", name);
        }
        assert_true(is_known);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cards_are_whole),
        cmocka_unit_test(test_every_function_is_explained),
        cmocka_unit_test(test_told_is_the_highest_power_sent),
        cmocka_unit_test(test_what_takes_levels),
        cmocka_unit_test(test_functions_of_rows_are_other),
        cmocka_unit_test(test_what_is_not_stated_is_other),
        cmocka_unit_test(test_other_names_are_understood),
        cmocka_unit_test(test_wrong_calls_of_all_functions),
        cmocka_unit_test(test_reference_has_every_function),
        cmocka_unit_test(test_reference_has_no_other_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
