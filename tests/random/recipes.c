/* SPDX-License-Identifier: Apache-2.0 */

/* Answers one plan, `ols(x, y, n, intercept=0)` over the files of parties, by a method of its own
 * that uses all that a recipe offers: parameters, linear, keys, indices by edges and by the least
 * of several values, counts and sums by them, and both kinds of products. test_recipes.py holds
 * what it prints against Python. Arguments:
 * centers, or trimmed for the method of trimmed_mean.c; the plan, and files. */

#include "files.h"
#include "plans.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 6 /* at most */
#define PARTIES_MAX 50

/* Of the third argument. */
static struct sotto__level levels[] = {{.kind = SOTTO__LEVEL_NUMBER, .text = "-1"},
                                       {.kind = SOTTO__LEVEL_NUMBER, .text = "2"}};

/* A group's words, doubles: two centers of two numbers each, two coefficients, two
 * edges; then of two levels the counts, and means as doubles. */
enum {
    CENTERS,
    COEFFICIENTS = 4,
    EDGES = 6,
    PARAMETERS = 8,
    LEVEL_COUNTS = 8,
    LEVEL_MEANS = 10,
    STATE_WORDS = 12
};

static double read_word(const uint64_t *state, size_t word)
{
    double number;
    memcpy(&number, &state[word], sizeof number);
    return number;
}

static void write_word(uint64_t *state, size_t word, double number)
{
    memcpy(&state[word], &number, sizeof number);
}

/* The square of the distance to a center, whose numbers are parameters at place. */
static size_t ask_distance(struct sotto__recipe *recipe, const size_t rows[2], size_t place)
{
    size_t squares[2];
    for (size_t i = 0; i < 2; i++) {
        size_t number = sotto__recipe_number(recipe, place + i);
        size_t difference = sotto__recipe_apply(recipe, SOTTO__OP_SUBTRACT, rows[i], number);
        squares[i] = sotto__recipe_apply(recipe, SOTTO__OP_MULTIPLY, difference, difference);
    }
    return sotto__recipe_apply(recipe, SOTTO__OP_ADD, squares[0], squares[1]);
}

/* 1 / (1 + z * z), of z = linear in x and y. */
static size_t ask_weight(struct sotto__recipe *recipe, size_t z)
{
    size_t square = sotto__recipe_apply(recipe, SOTTO__OP_MULTIPLY, z, z);
    size_t one = sotto__recipe_apply(
        recipe, SOTTO__OP_EXP, sotto__recipe_apply(recipe, SOTTO__OP_SUBTRACT, z, z), SOTTO_NONE);
    size_t more = sotto__recipe_apply(recipe, SOTTO__OP_ADD, one, square);
    return sotto__recipe_apply(recipe, SOTTO__OP_DIVIDE, one, more);
}

static void ask(struct sotto__recipe *recipe, unsigned round)
{
    size_t rows[2] = {sotto__recipe_row(recipe, 0), sotto__recipe_row(recipe, 1)};
    size_t all = sotto__recipe_together(recipe, rows[0], rows[1]);
    rows[0] = sotto__recipe_together(recipe, rows[0], all);
    rows[1] = sotto__recipe_together(recipe, rows[1], all);
    if (round == 1) { /* 0 to 2: where to begin */
        sotto__recipe_tell_nan(recipe, all);
        (void)sotto__recipe_count(recipe, all);
        (void)sotto__recipe_sum(recipe, rows[0], SOTTO_NONE);
        (void)sotto__recipe_sum(recipe, rows[1], SOTTO_NONE);
        size_t index = sotto__recipe_levels(recipe, 2, levels, 2);
        (void)sotto__recipe_counts(recipe, index);
        (void)sotto__recipe_sum(recipe, rows[0], index);
        return;
    }
    size_t place = sotto__recipe_parameters(recipe, CENTERS, PARAMETERS);
    size_t distances[2];
    for (size_t i = 0; i < 2; i++) {
        distances[i] = ask_distance(recipe, rows, place + CENTERS + 2 * i);
    }
    size_t nearest = sotto__recipe_least(recipe, distances, 2);
    (void)sotto__recipe_counts(recipe, nearest);
    (void)sotto__recipe_sum(recipe, rows[0], nearest);
    (void)sotto__recipe_sum(recipe, rows[1], nearest);
    size_t z = sotto__recipe_linear(recipe, rows, 2, place + COEFFICIENTS);
    size_t bins = sotto__recipe_edges(recipe, z, place + EDGES, 2);
    (void)sotto__recipe_counts(recipe, bins);
    (void)sotto__recipe_gram(recipe, rows, 2, ask_weight(recipe, z));
    (void)sotto__recipe_gram(recipe, rows, 2, SOTTO_NONE);
}

/* What the first of two asked sums, or number of an index, is in the second round and later. */
enum { COUNTS, SUMS_X, SUMS_Y, BINS, WEIGHTED, PRODUCTS = WEIGHTED + 3 };

static const struct sotto__method_field fields[] = {
    {.name = "centers", .axes_len = 2},
    {.name = "counts", .axes_len = 1, .is_count = true},
    {.name = "below", .is_count = true, .tells_nan = true},
    {.name = "between", .is_count = true},
    {.name = "above", .is_count = true},
    {.name = "wxx"},
    {.name = "wxy"},
    {.name = "wyy"},
    {.name = "xx"},
    {.name = "xy"},
    {.name = "yy"},
    {.name = "level_a", .is_count = true},
    {.name = "level_b", .is_count = true},
    {.name = "mean_a"},
    {.name = "mean_b"},
};

#define VALUES_LEN (4 + 2 + 3 + 6 + 4)

/* The mean that a sum and a count give, rounded once. */
static double find_mean(const struct sotto__value *sum, uint64_t count)
{
    struct sotto__value mean;
    struct sotto__value divisor;
    sotto__value_init(&mean);
    sotto__value_init(&divisor);
    sotto__value_set(&mean, sum);
    mpq_set_ui(divisor.number, count, 1);
    sotto__value_divide(&mean, &divisor);
    double nearest = sotto__value_double(&mean);
    sotto__value_clear(&mean);
    sotto__value_clear(&divisor);
    return nearest;
}

static enum sotto_status begin(struct sotto__step *step, struct sotto_error *err)
{
    struct sotto__value sums[3];
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < 3; i++) {
        sotto__value_init(&sums[i]);
        if (status == SOTTO_OK) {
            status = sotto__step_sum(&sums[i], step, i, err);
        }
    }
    uint64_t count = mpz_get_ui(mpq_numref(sums[0].number));
    for (size_t i = 0; i < 2; i++) {
        double mean = find_mean(&sums[1 + i], count);
        write_word(step->state, CENTERS + i, mean - 1);
        write_word(step->state, CENTERS + 2 + i, mean + 1);
        write_word(step->state, COEFFICIENTS + i, i == 0 ? 0.5 : -0.25);
        write_word(step->state, EDGES + i, i == 0 ? -0.1 : 0.3);
    }
    for (size_t i = 0; i < 2; i++) {
        uint64_t of_level = sotto__step_count(step, 3, i);
        step->state[LEVEL_COUNTS + i] = of_level;
        write_word(step->state, LEVEL_MEANS + i,
                   of_level > 0 ? find_mean(sotto__step_sum_of(step, 4, i), of_level) : 0);
    }
    if (count < 2) {
        step->is_done = true;
        step->outcome = "too few rows";
        for (size_t i = 0; i < VALUES_LEN; i++) {
            sotto__value_set_special(&step->values[i], SOTTO__VALUE_NAN);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        sotto__value_clear(&sums[i]);
    }
    return status;
}

/* Moves the centers. Returns: whether one of them moved. */
static bool move_centers(struct sotto__step *step)
{
    bool is_moved = false;
    for (size_t i = 0; i < 2; i++) {
        uint64_t count = sotto__step_count(step, COUNTS, i);
        for (size_t j = 0; count > 0 && j < 2; j++) {
            size_t word = CENTERS + 2 * i + j;
            double mean = find_mean(sotto__step_sum_of(step, j == 0 ? SUMS_X : SUMS_Y, i), count);
            is_moved = is_moved || mean != read_word(step->state, word);
            write_word(step->state, word, mean);
        }
    }
    return is_moved;
}

static enum sotto_status step(struct sotto__step *step, struct sotto_error *err)
{
    if (step->round == 1) {
        return begin(step, err);
    }
    bool is_moved = move_centers(step);
    step->is_done = !is_moved || step->round == ROUNDS;
    for (size_t i = 0; i < 4; i++) {
        sotto__value_set_double(&step->values[i], read_word(step->state, CENTERS + i));
    }
    for (size_t i = 0; i < 2; i++) {
        mpq_set_ui(step->values[4 + i].number, sotto__step_count(step, COUNTS, i), 1);
    }
    for (size_t i = 0; i < 3; i++) {
        mpq_set_ui(step->values[6 + i].number, sotto__step_count(step, BINS, i), 1);
    }
    for (size_t i = 0; i < 2; i++) {
        mpq_set_ui(step->values[15 + i].number, step->state[LEVEL_COUNTS + i], 1);
        sotto__value_set_double(&step->values[17 + i], read_word(step->state, LEVEL_MEANS + i));
    }
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < 6; i++) {
        sotto__value_set_special(&step->values[9 + i], SOTTO__VALUE_FINITE);
        status = sotto__step_sum(&step->values[9 + i], step, WEIGHTED + i, err);
    }
    return status;
}

static const struct sotto__method centers = {
    .state_words = STATE_WORDS,
    .fields = fields,
    .fields_len = sizeof fields / sizeof fields[0],
    .ask = ask,
    .step = step,
};

/* --- Asking --- */

extern const struct sotto__method sotto__method_trimmed_mean; /* trimmed_mean.c */

static const struct sotto__method_field trimmed_fields[] = {{.name = "mean", .tells_nan = true}};

static char *read_text(const char *path)
{
    static char text[1 << 20];
    FILE *file = fopen(path, "rb");
    SOTTO_REQUIRE(file != NULL);
    size_t bytes = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[bytes] = '\0';
    return sotto_text_copy(text, bytes);
}

int main(int argc, char **argv)
{
    struct sotto__method trimmed = sotto__method_trimmed_mean;
    trimmed.fields = trimmed_fields;
    trimmed.fields_len = 1;
    char *texts[PARTIES_MAX] = {NULL};
    struct sotto_error err = {0};
    struct sotto_plan *plan = NULL;
    char *result = NULL;
    size_t len = (size_t)argc - 3;
    SOTTO_REQUIRE(argc >= 4 && len <= PARTIES_MAX && sotto_init() == SOTTO_OK);
    bool is_trimmed = strcmp(argv[1], "trimmed") == 0;
    const sotto__method_table methods = {[SOTTO__FUNCTION_OLS] = is_trimmed ? &trimmed : &centers};
    char *json = read_text(argv[2]);
    SOTTO_REQUIRE(sotto_plan_parse(&plan, json, strlen(json), &err) == SOTTO_OK);
    struct sotto__expression *expression = &plan->outputs[0].expression;
    expression->nodes[expression->nodes_len - 1].rounds = ROUNDS;
    for (size_t i = 0; i < len; i++) {
        texts[i] = read_text(argv[3 + i]);
    }
    if (test_run_methods(&result, NULL, plan, (const char *const *)texts, len, methods, &err) !=
        SOTTO_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    (void)puts(result);
    sotto_free(result);
    sotto_free(json);
    sotto_plan_free(plan);
    for (size_t i = 0; i < len; i++) {
        sotto_free(texts[i]);
    }
    return 0;
}
