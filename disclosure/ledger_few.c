/* SPDX-License-Identifier: Apache-2.0 */

/* Whether sums give few rows away, beside those that were told. Leans on ledger_asked.c and
 * ledger_told.c for the sums, on ledger_given.c for what they give.
 *
 * The one idea: sums of one measure are rows of one matrix. A product with a column of few values
 * is a row of the matrix of its other factor, with that column's value for a number: so each atom
 * is as many columns as there are values in it. */

#include "ledger_decide.h"
#include "mixture.h"

#include <sotto/alloc.h>
#include <sotto/watch.h>
#include <string.h>

/* --- Failing --- */

/* Judges what sums give away, and fails groups. is_failed: of each group. */
static enum sotto_status judge(struct decision *decision, const struct sotto__given *given,
                               uint8_t *is_failed)
{
    const struct sotto_ledger_file *file = decision->file;
    size_t groups_len = sotto__decision_count_groups(decision);
    enum sotto_status status =
        sotto__given_judge(given, is_failed, groups_len, decision->question->min_rows);
    for (size_t i = 0; status == SOTTO_OK && i < file->atoms_len; i++) {
        if (file->atoms[i].is_asked && decision->has_failed[i] == 0 &&
            is_failed[sotto__decision_find_group(decision, i)] != 0) {
            decision->has_failed[i] = 1;
            decision->are_few = true;
        }
    }
    return status;
}

static uint64_t make_prime(const struct decision *decision)
{
    return sotto__mixture_prime(sotto_ledger_sketch_key(decision->ledger)->words[0]);
}

/* --- One measure --- */

/* What a matrix is made of. */
struct making {
    struct decision *decision;
    struct sotto__given given;
    uint64_t *weights;
    uint8_t *is_failed;
    bool has_memory;
};

static bool making_init(struct making *out, struct decision *decision, size_t columns_len)
{
    size_t groups_len = sotto__decision_count_groups(decision);
    *out = (struct making){.decision = decision, .has_memory = true};
    out->weights = sotto_alloc_array(columns_len + 1, sizeof *out->weights);
    out->is_failed = sotto_alloc_zeroed(groups_len + 1);
    out->has_memory = out->weights != NULL && out->is_failed != NULL;
    out->given.weights = out->weights;
    out->given.columns_len = columns_len;
    out->given.prime = make_prime(decision);
    for (size_t i = 0; out->has_memory && i < decision->file->atoms_len; i++) {
        bool has_failed = decision->file->atoms[i].is_asked && decision->has_failed[i] != 0;
        out->is_failed[sotto__decision_find_group(decision, i)] |= has_failed;
    }
    return out->has_memory;
}

static void making_release(struct making *making)
{
    sotto__given_release(&making->given);
    sotto_free(making->weights);
    sotto_free(making->is_failed);
}

/* Writes what a sum has of a column into the row that is made. */
typedef void write_column(struct making *making, const void *context, size_t column);

static void add_part(struct making *making, size_t column, uint64_t factor)
{
    making->has_memory =
        making->has_memory && sotto__given_add_part(&making->given, column, factor);
}

static void end_row(struct making *making, size_t group)
{
    making->has_memory = making->has_memory && sotto__given_end_row(&making->given, group);
}

/* are_asked: sums of groups that have not failed; else sums that were told. */
static void add_sums(struct making *making, const struct sotto__ledger_sums *sums, bool are_asked,
                     write_column *write, const void *context)
{
    for (size_t i = 0; i < sums->len; i++) {
        const struct sotto__ledger_sum *sum = &sums->list[i];
        if (are_asked && making->is_failed[sum->group] != 0) {
            continue;
        }
        for (size_t j = 0; j < sum->len; j++) {
            write(making, context, sums->columns[sum->first + j]);
        }
        end_row(making, are_asked ? sum->group : SOTTO_NONE);
    }
}

/* How many rows a file has is known, and how many have the value that a predicate asks for. */
static void add_known_counts(struct making *making, write_column *write, const void *context)
{
    const struct sotto_ledger_file *file = making->decision->file;
    for (size_t i = 0; i <= file->predicates_len; i++) {
        for (size_t j = 0; j < file->atoms_len; j++) {
            if (i == file->predicates_len || file->atoms[j].classes[i] != SOTTO_WATCH_CLASSES_MAX) {
                write(making, context, j);
            }
        }
        end_row(making, SOTTO_NONE);
    }
}

static void write_once(struct making *making, const void *context, size_t column)
{
    (void)context;
    add_part(making, column, 1);
}

/* What an atom weighs without what it had not at an answer that counts it as today's. */
static uint64_t lose(const struct sotto__ledger_sums *told, size_t atom, uint64_t weight)
{
    uint64_t lost = told->lost != NULL ? told->lost[atom] : 0;
    return weight > lost ? weight - lost : weight > 0;
}

/* Weighs columns by their values, or by their rows: fewer have values than there are rows, but a
 * sum of zeros tells of rows too. Returns: whether there are rows without values. */
static bool weigh(struct making *making, size_t measure, bool by_rows)
{
    const struct decision *decision = making->decision;
    const struct sotto_ledger_file *file = decision->file;
    const struct sotto__ledger_sums *told = &decision->told_sums[measure];
    bool has_zeros = false;
    for (size_t i = 0; i < file->atoms_len; i++) {
        uint64_t rows = file->atoms[i].rows;
        uint64_t values = decision->values[measure * file->atoms_len + i];
        has_zeros = has_zeros || values < rows;
        making->weights[i] = lose(told, i, by_rows ? rows : values);
    }
    for (size_t i = 0; i < told->old_len; i++) {
        making->weights[file->atoms_len + i] = told->old_weights[i];
    }
    return has_zeros;
}

static enum sotto_status check_by(struct decision *decision, bool by_rows, bool *out_has_zeros)
{
    size_t measure = decision->measure;
    const struct sotto__ledger_sums *told = &decision->told_sums[measure];
    struct making making;
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (making_init(&making, decision, decision->file->atoms_len + told->old_len)) {
        *out_has_zeros = weigh(&making, measure, by_rows);
        if (decision->file->measures[measure].is_count) {
            add_known_counts(&making, write_once, NULL);
        }
        add_sums(&making, told, false, write_once, NULL);
        add_sums(&making, sotto__decision_asked(decision, measure), true, write_once, NULL);
    }
    if (making.has_memory) {
        status = judge(decision, &making.given, making.is_failed);
    }
    making_release(&making);
    return status;
}

enum sotto_status sotto__decision_check_few(struct decision *decision, struct sotto_error *err)
{
    bool has_zeros = false;
    bool is_count = decision->file->measures[decision->measure].is_count;
    enum sotto_status status = check_by(decision, false, &has_zeros);
    if (status == SOTTO_OK && has_zeros && !is_count) {
        status = check_by(decision, true, &has_zeros);
    }
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
}

/* --- A product beside its other factor --- */

/* Columns: of each atom one for each value of the factor that has few, and one of rows where it has
 * none; then the old columns of the sum alone, and those of the product. */
struct pair_columns {
    const struct sotto_ledger_pair *pair;
    size_t atoms_len;
    size_t stride;
    size_t old_first; /* of the measure that is written */
};

static void write_alone(struct making *making, const void *context, size_t column)
{
    const struct pair_columns *columns = context;
    if (column >= columns->atoms_len) {
        add_part(making, columns->old_first + column - columns->atoms_len, 1);
        return;
    }
    for (size_t i = 0; i < columns->stride; i++) {
        add_part(making, column * columns->stride + i, 1);
    }
}

static void write_product(struct making *making, const void *context, size_t column)
{
    const struct pair_columns *columns = context;
    if (column >= columns->atoms_len) {
        add_part(making, columns->old_first + column - columns->atoms_len, 1);
        return;
    }
    for (size_t i = 0; i < columns->pair->values_len; i++) {
        add_part(making, column * columns->stride + i,
                 sotto__mixture_number(columns->pair->values[i], making->given.prime));
    }
}

static void weigh_pair(struct making *making, const struct pair_columns *columns)
{
    const struct decision *decision = making->decision;
    const struct sotto_ledger_pair *pair = columns->pair;
    const size_t measures[2] = {pair->alone, pair->product};
    uint64_t *weights = making->weights;
    bool is_count = decision->file->measures[pair->alone].is_count;
    for (size_t i = 0; i < columns->atoms_len; i++) {
        bool is_free = is_count && decision->is_missing[i] != 0;
        uint64_t left = decision->values[pair->alone * columns->atoms_len + i];
        for (size_t j = 0; j < pair->values_len; j++) {
            uint64_t rows = is_free ? 0 : pair->slices[i * pair->stride + j].rows;
            weights[i * columns->stride + j] = rows;
            left -= rows < left ? rows : left;
        }
        weights[i * columns->stride + pair->values_len] = left;
    }
    weights += columns->atoms_len * columns->stride;
    for (size_t i = 0; i < 2; i++) {
        const struct sotto__ledger_sums *told = &decision->told_sums[measures[i]];
        if (told->old_len > 0) {
            memcpy(weights, told->old_weights, told->old_len * sizeof *weights);
        }
        weights += told->old_len;
    }
}

/* Adds the sums of both measures that were told, or that are asked. */
static void add_pair_sums(struct making *making, struct pair_columns *columns, bool are_asked)
{
    const struct decision *decision = making->decision;
    const struct sotto_ledger_measure *measures = decision->file->measures;
    const size_t of[2] = {columns->pair->alone, columns->pair->product};
    columns->old_first = columns->atoms_len * columns->stride;
    for (size_t i = 0; i < 2; i++) {
        const struct sotto__ledger_sums *told = &decision->told_sums[of[i]];
        const struct sotto__ledger_sums *sums =
            are_asked ? sotto__decision_asked(decision, of[i]) : told;
        if (!are_asked || !measures[of[i]].is_context) {
            add_sums(making, sums, are_asked, i == 0 ? write_alone : write_product, columns);
        }
        columns->old_first += told->old_len;
    }
}

enum sotto_status sotto__decision_check_pair(struct decision *decision,
                                             const struct sotto_ledger_pair *pair,
                                             struct sotto_error *err)
{
    struct pair_columns columns = {
        .pair = pair, .atoms_len = decision->file->atoms_len, .stride = pair->values_len + 1};
    size_t columns_len = columns.atoms_len * columns.stride +
                         decision->told_sums[pair->alone].old_len +
                         decision->told_sums[pair->product].old_len;
    struct making making;
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (making_init(&making, decision, columns_len)) {
        weigh_pair(&making, &columns);
        if (decision->file->measures[pair->alone].is_count) {
            add_known_counts(&making, write_alone, &columns);
        }
        add_pair_sums(&making, &columns, false);
        add_pair_sums(&making, &columns, true);
    }
    if (making.has_memory) {
        status = judge(decision, &making.given, making.is_failed);
    }
    making_release(&making);
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
}
