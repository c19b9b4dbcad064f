/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

static enum sotto_status impossible(struct sotto_error *err, const char *what)
{
    return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                           "the aggregate has %s, which no parties' rows can add up to", what);
}

static void import_signed(mpz_t out, const uint64_t *limbs, size_t len)
{
    mpz_import(out, len, -1, sizeof *limbs, 0, 0, limbs);
    if (limbs[len - 1] >> 63 != 0) {
        mpz_t modulus;
        mpz_init(modulus);
        mpz_setbit(modulus, 64 * len);
        mpz_sub(out, out, modulus);
        mpz_clear(modulus);
    }
}

/* The largest magnitude that one value adds to a sum. */
static void value_bound(mpz_t out, struct sotto_type type)
{
    mpz_set_ui(out, 1);
    switch (type.kind) {
    case SOTTO_KIND_INT64:
        mpz_mul_2exp(out, out, 63);
        break;
    case SOTTO_KIND_DECIMAL:
        mpz_ui_pow_ui(out, 10, type.scale);
        mpz_mul_2exp(out, out, 63);
        break;
    case SOTTO_KIND_FLOAT64:
        mpz_mul_2exp(out, out, 1024 + 1074);
        break;
    default:
        break;
    }
}

static bool sum_is_possible(const mpz_t sum, struct sotto_type type, uint64_t rows)
{
    mpz_t bound;
    mpz_init(bound);
    value_bound(bound, type);
    mpz_mul_ui(bound, bound, rows);
    bool possible =
        mpz_cmpabs(sum, bound) <= 0 && (type.kind != SOTTO_KIND_BOOL || mpz_sgn(sum) >= 0);
    mpz_clear(bound);
    return possible;
}

/* The integer in the sum's unit: 10^-scale or 2^-1074. */
static void set_sum(struct sotto__value *out, const mpz_t sum, struct sotto_type type)
{
    mpz_set(mpq_numref(out->number), sum);
    mpz_set_ui(mpq_denref(out->number), 1);
    if (type.kind == SOTTO_KIND_DECIMAL) {
        mpz_ui_pow_ui(mpq_denref(out->number), 10, type.scale);
    } else if (type.kind == SOTTO_KIND_FLOAT64) {
        mpz_mul_2exp(mpq_denref(out->number), mpq_denref(out->number), 1074);
    }
    mpq_canonicalize(out->number);
}

static enum sotto_status read_sum(struct sotto__aggregate_column *out, const uint64_t *limbs,
                                  const struct sotto__layout_column *column, uint64_t rows,
                                  struct sotto_error *err)
{
    mpz_t sum;
    mpz_init(sum);
    import_signed(sum, limbs + column->sum_offset, column->sum_limbs);
    bool possible = sum_is_possible(sum, column->type, rows);
    set_sum(&out->sum, sum, column->type);
    mpz_clear(sum);
    return possible ? SOTTO_OK : impossible(err, "a sum that is too large for its rows");
}

enum sotto_status sotto__aggregate_read(struct sotto__aggregate_column *out, const uint64_t *limbs,
                                        const struct sotto__layout_column *column,
                                        struct sotto_error *err)
{
    uint64_t rows = column->counted ? limbs[column->count_offset] : SOTTO_ROWS_MAX;
    uint64_t infinite = 0;
    uint64_t negative = 0;
    if (rows > SOTTO_ROWS_MAX || (column->type.kind == SOTTO_KIND_NULL && rows > 0)) {
        return impossible(err, "an impossible count");
    }
    out->count = rows;
    if (!column->summed) {
        return SOTTO_OK;
    }
    if (column->type.kind == SOTTO_KIND_FLOAT64) {
        infinite = limbs[column->infinite_offset];
        negative = limbs[column->infinite_offset + 1];
        if (infinite > rows || negative > rows - infinite) {
            return impossible(err, "an impossible number of infinities");
        }
    }
    enum sotto_status status = read_sum(out, limbs, column, rows - infinite - negative, err);
    if (infinite > 0 && negative > 0) {
        sotto__value_set_special(&out->sum, VALUE_NAN);
    } else if (infinite > 0 || negative > 0) {
        sotto__value_set_special(&out->sum,
                                 infinite > 0 ? VALUE_INFINITE : VALUE_NEGATIVE_INFINITE);
    }
    return status;
}

/* --- Expressions --- */

static void set_count(struct sotto__value *out, uint64_t count)
{
    mpz_set_ui(mpq_numref(out->number), count);
    mpz_set_ui(mpq_denref(out->number), 1);
}

static void copy(struct sotto__value *out, const struct sotto__value *from)
{
    out->kind = from->kind;
    mpq_set(out->number, from->number);
}

static void apply(struct sotto__value *out, const struct sotto__node *node,
                  const struct sotto__aggregate_column *column)
{
    struct sotto__value count;
    switch (node->function) {
    case FUNCTION_COUNT:
        set_count(out, column->count);
        break;
    case FUNCTION_SUM:
        copy(out, &column->sum);
        break;
    case FUNCTION_MEAN:
        sotto__value_init(&count);
        set_count(&count, column->count);
        copy(out, &column->sum);
        sotto__value_divide(out, &count);
        sotto__value_clear(&count);
        break;
    }
}

/* Children stand before parents: values[i] is that of node i. */
static void evaluate_node(struct sotto__value *values, size_t i,
                          const struct sotto__expression *expression,
                          const struct sotto__aggregate_column *columns)
{
    const struct sotto__node *node = &expression->nodes[i];
    switch (node->kind) {
    case NODE_LITERAL:
        sotto__value_set_literal(&values[i], expression->text + node->start, node->bytes);
        return;
    case NODE_COLUMN:
        return; /* only inside an aggregate, which reads its slots */
    case NODE_AGGREGATE:
        apply(&values[i], node, &columns[expression->nodes[node->left].column]);
        return;
    default:
        break;
    }
    copy(&values[i], &values[node->left]);
    switch (node->kind) {
    case NODE_NEGATE:
        sotto__value_negate(&values[i]);
        break;
    case NODE_ADD:
        sotto__value_add(&values[i], &values[node->right]);
        break;
    case NODE_SUBTRACT:
        sotto__value_negate(&values[i]);
        sotto__value_add(&values[i], &values[node->right]);
        sotto__value_negate(&values[i]);
        break;
    case NODE_MULTIPLY:
        sotto__value_multiply(&values[i], &values[node->right]);
        break;
    default:
        sotto__value_divide(&values[i], &values[node->right]);
        break;
    }
}

void sotto__evaluate(struct sotto__value *out, const struct sotto__expression *expression,
                     const struct sotto__aggregate_column *columns)
{
    struct sotto__value values[EXPRESSION_NODES_MAX];
    SOTTO_REQUIRE(expression->nodes_len > 0);
    for (size_t i = 0; i < expression->nodes_len; i++) {
        sotto__value_init(&values[i]);
        evaluate_node(values, i, expression, columns);
    }
    copy(out, &values[expression->nodes_len - 1]);
    for (size_t i = 0; i < expression->nodes_len; i++) {
        sotto__value_clear(&values[i]);
    }
}
