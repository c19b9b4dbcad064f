/* SPDX-License-Identifier: Apache-2.0 */

/* From a group's opened slots to rational numbers, and from those to the value of an expression on
 * aggregates. It leans on the program for what each slot holds, and on the room number for exact
 * arithmetic. The one idea: what was opened is the sum of what others sent, so each count and sum
 * is held against what that many rows could add up to before it is computed with. */

#include "answer/answer.h"

#include <sotto/driver.h>

static enum sotto_status fail_impossible(struct sotto_error *err, const char *what)
{
    return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                           "the aggregate has %s, which no parties' rows can add up to", what);
}

static bool is_possible_sum(const mpz_t sum, const struct sotto__term *term, uint64_t rows)
{
    mpz_t bound;
    mpz_init_set_ui(bound, rows);
    size_t bits = term->type == SOTTO__ROW_FLOAT ? 2098 * term->factors_len : term->bits;
    mpz_mul_2exp(bound, bound, bits);
    bool possible = mpz_cmpabs(sum, bound) <= 0 && (!term->never_negative || mpz_sgn(sum) >= 0);
    mpz_clear(bound);
    return possible;
}

/* Sets out to sum units: 10^-scale, or 2^-1074 for each factor of doubles. */
static void set_sum(struct sotto__value *out, const mpz_t sum, const struct sotto__term *term)
{
    mpz_set(mpq_numref(out->number), sum);
    mpz_set_ui(mpq_denref(out->number), 1);
    if (term->type == SOTTO__ROW_FLOAT) {
        mpz_mul_2exp(mpq_denref(out->number), mpq_denref(out->number), 1074 * term->factors_len);
    } else {
        mpz_ui_pow_ui(mpq_denref(out->number), 10, term->scale);
    }
    mpq_canonicalize(out->number);
}

/* How many rows a sum is over: as a count says, if the program has one, else the most there can be.
 */
static uint64_t count_rows(const struct sotto__program *program, const struct sotto__term *term,
                           const uint64_t *limbs)
{
    if (program->ops[term->factors[0]].is_null) {
        return 0;
    }
    for (size_t i = 0; i < program->terms_len; i++) {
        const struct sotto__term *count = &program->terms[i];
        if (count->kind == SOTTO__TERM_COUNT && count->index == SOTTO_NONE &&
            count->factors[0] == term->factors[0]) {
            return limbs[count->offset];
        }
    }
    return SOTTO_ROWS_MAX;
}

static enum sotto_status read_sum(struct sotto__value *out, const uint64_t *limbs,
                                  const struct sotto__program *program,
                                  const struct sotto__term *term, struct sotto_error *err)
{
    uint64_t rows = count_rows(program, term, limbs);
    uint64_t infinite = 0;
    uint64_t negative = 0;
    if (term->has_infinities) {
        infinite = limbs[term->offset + term->limbs];
        negative = limbs[term->offset + term->limbs + 1];
        if (infinite > rows || negative > rows - infinite) {
            return fail_impossible(err, "an impossible number of infinities");
        }
    }
    mpz_t sum;
    mpz_init(sum);
    sotto__limbs_import(sum, limbs + term->offset, term->limbs);
    bool possible = is_possible_sum(sum, term, rows - infinite - negative);
    set_sum(out, sum, term);
    mpz_clear(sum);
    if (!possible) {
        return fail_impossible(err, "a sum that is too large for its rows");
    }
    if (infinite > 0 && negative > 0) {
        sotto__value_set_special(out, SOTTO__VALUE_NAN);
    } else if (infinite > 0 || negative > 0) {
        sotto__value_set_special(out, infinite > 0 ? SOTTO__VALUE_INFINITE
                                                   : SOTTO__VALUE_NEGATIVE_INFINITE);
    }
    return SOTTO_OK;
}

/* The most that a count can be: of parties, or of rows. */
static uint64_t find_most(const struct sotto__program *program, const struct sotto__term *term)
{
    if (term->kind == SOTTO__TERM_BEARING) {
        return SOTTO_PLAN_MAX_CLIENTS;
    }
    return program->ops[term->factors[0]].is_null ? 0 : SOTTO_ROWS_MAX;
}

enum sotto_status sotto__group_sums_read(struct sotto__group_sums *out, const uint64_t *limbs,
                                         const struct sotto__program *program,
                                         struct sotto_error *err)
{
    SOTTO_REQUIRE(out->terms_len == program->terms_len);
    out->limbs = limbs;
    for (size_t i = 0; i < program->terms_len; i++) {
        const struct sotto__term *term = &program->terms[i];
        if (term->kind == SOTTO__TERM_SUM) {
            continue;
        }
        uint64_t most = find_most(program, term);
        const uint64_t *counts = limbs + term->offset;
        for (size_t j = 0; j < sotto__term_numbers(term); j++) {
            if (sotto__term_count(term, counts, j) > most) {
                return fail_impossible(err, "an impossible count");
            }
        }
        sotto__value_set_special(&out->terms[i], SOTTO__VALUE_FINITE);
        mpq_set_ui(out->terms[i].number, counts[0], 1); /* of many: nobody reads it */
    }
    for (size_t i = 0; i < program->terms_len; i++) {
        const struct sotto__term *term = &program->terms[i];
        if (term->kind == SOTTO__TERM_SUM) {
            out->withheld[i] = term->is_cell ? limbs[term->offset + term->limbs] : 0;
            if (out->withheld[i] > SOTTO_PLAN_MAX_CLIENTS) {
                return fail_impossible(err, "more parties that withhold a count than there can be");
            }
            sotto__value_set_special(&out->terms[i], SOTTO__VALUE_FINITE);
            enum sotto_status status = read_sum(&out->terms[i], limbs, program, term, err);
            if (status != SOTTO_OK) {
                return status;
            }
        }
    }
    return SOTTO_OK;
}

/* --- Expressions --- */

/* Sets values[i] to what node i is; children stand before parents. */
static void evaluate_node(struct sotto__value *values, size_t i,
                          const struct sotto__expression *expression)
{
    const struct sotto__node *node = &expression->nodes[i];
    size_t children[3];
    size_t children_len = sotto__node_children(node, children);
    if (node->kind == SOTTO__NODE_LITERAL) {
        sotto__value_set_node(&values[i], expression, node);
        return;
    }
    sotto__value_set(&values[i], &values[node->left]);
    sotto__apply_node(&values[i], node, children_len > 1 ? &values[node->right] : NULL);
}

size_t sotto__aggregates_len(const struct sotto__expression *expression)
{
    size_t len = 0;
    for (size_t i = 0; i < expression->nodes_len; i++) {
        len += expression->nodes[i].kind == SOTTO__NODE_AGGREGATE;
    }
    return len;
}

void sotto__needed_find(bool *out, const struct sotto__expression *expression, size_t root)
{
    out[root] = true;
    for (size_t i = root + 1; i-- > 0;) {
        const struct sotto__node *node = &expression->nodes[i];
        size_t children[3];
        size_t children_len = sotto__node_children(node, children);
        for (size_t j = 0; out[i] && node->kind != SOTTO__NODE_AGGREGATE && j < children_len; j++) {
            out[children[j]] = true;
        }
    }
}

/* An aggregate's value: from this round's sums, or as it was kept. */
static enum sotto_status find_aggregate(struct sotto__value *out, const struct sotto__node *node,
                                        size_t aggregate, const struct sotto__opened *opened,
                                        struct sotto_error *err)
{
    const struct sotto__kept *kept = opened->kept;
    if (kept->aggregates[aggregate].round == opened->round &&
        !kept->aggregates[aggregate].is_call) {
        return sotto__statistic(out, node, &kept->moments[aggregate], &opened->aggregate, err);
    }
    SOTTO_REQUIRE(kept->aggregates[aggregate].place != SOTTO_NONE);
    sotto__value_set(
        out, &kept->values[opened->group * kept->group_len + kept->aggregates[aggregate].place]);
    return SOTTO_OK;
}

enum sotto_status sotto__evaluate(struct sotto__value *out,
                                  const struct sotto__expression *expression, size_t root,
                                  size_t first_moments, const struct sotto__opened *opened,
                                  struct sotto_error *err)
{
    struct sotto__value values[SOTTO__VALUE_NODES_MAX];
    bool needed[SOTTO__VALUE_NODES_MAX] = {false};
    enum sotto_status status = SOTTO_OK;
    size_t len = 0;
    sotto__needed_find(needed, expression, root);
    for (; status == SOTTO_OK && len <= root; len++) {
        const struct sotto__node *node = &expression->nodes[len];
        bool is_aggregate = node->kind == SOTTO__NODE_AGGREGATE;
        sotto__value_init(&values[len]);
        if (is_aggregate && needed[len]) {
            status = find_aggregate(&values[len], node, first_moments, opened, err);
        } else if (needed[len]) {
            evaluate_node(values, len, expression);
        }
        first_moments += is_aggregate;
    }
    if (status == SOTTO_OK) {
        sotto__value_set(out, &values[root]);
    }
    for (size_t i = 0; i < len; i++) {
        sotto__value_clear(&values[i]);
    }
    return status;
}
