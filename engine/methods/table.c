/* SPDX-License-Identifier: Apache-2.0 */

/* Tables of two columns' levels, in one round of counts: crosstab with its margins, chi-squared,
 * and Fisher's exact test. It leans on cells (recipe.h), each of which a party can withhold alone.
 * Margins are sums of the cells that were opened, and open nothing more. A test of a table from
 * which cells are withheld would be one of another table: it is NaN, and says why. */

#include "methods/fields.h"

#include <sotto/alloc.h>

#define WEIGHT_BITS 256
#define TIE_BITS 128            /* weights that differ by less are equal */
#define FISHER_STEPS_MAX 262144 /* tables with the same margins that are looked at: 0.1 s */

/* --- The counts --- */

struct contingency {
    size_t rows;
    size_t columns;
    const struct sotto__value *cells; /* row by row */
    mpq_t *row_totals;
    mpq_t *column_totals;
    mpq_t total;
    bool is_withheld; /* some cell is */
};

static size_t count_columns(const struct sotto__step *step)
{
    return step->asked_len / step->labels_len;
}

static void contingency_release(struct contingency *table)
{
    for (size_t i = 0; table->row_totals != NULL && i < table->rows; i++) {
        mpq_clear(table->row_totals[i]);
    }
    for (size_t i = 0; table->column_totals != NULL && i < table->columns; i++) {
        mpq_clear(table->column_totals[i]);
    }
    mpq_clear(table->total);
    sotto_free(table->row_totals);
    sotto_free(table->column_totals);
}

/* Borrows the counts. Ended by contingency_release, also after a failure. */
static enum sotto_status contingency_init(struct contingency *out, const struct sotto__step *step,
                                          const struct sotto__value *cells)
{
    *out = (struct contingency){
        .rows = step->labels_len, .columns = count_columns(step), .cells = cells};
    mpq_init(out->total);
    out->row_totals = sotto_alloc_array(out->rows, sizeof *out->row_totals);
    out->column_totals = sotto_alloc_array(out->columns, sizeof *out->column_totals);
    for (size_t i = 0; out->row_totals != NULL && i < out->rows; i++) {
        mpq_init(out->row_totals[i]);
    }
    for (size_t i = 0; out->column_totals != NULL && i < out->columns; i++) {
        mpq_init(out->column_totals[i]);
    }
    if (out->row_totals == NULL || out->column_totals == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < out->rows * out->columns; i++) {
        mpq_ptr row = out->row_totals[i / out->columns];
        mpq_ptr column = out->column_totals[i % out->columns];
        mpq_add(row, row, cells[i].number);
        mpq_add(column, column, cells[i].number);
        mpq_add(out->total, out->total, cells[i].number);
        out->is_withheld = out->is_withheld || sotto__step_withheld(step, i) > 0;
    }
    return SOTTO_OK;
}

/* Reads the counts, sets the fields, and ends the call. */
static enum sotto_status step_table(struct sotto__step *step,
                                    void (*set_fields)(struct sotto__step *step,
                                                       const struct contingency *table),
                                    struct sotto_error *err)
{
    struct sotto__value *cells = NULL;
    struct contingency table;
    enum sotto_status status = sotto__step_sums(&cells, step, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = contingency_init(&table, step, cells);
    if (status == SOTTO_OK) {
        set_fields(step, &table);
        step->is_done = true;
    }
    contingency_release(&table);
    sotto__step_sums_free(cells, step);
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
}

/* --- crosstab --- */

static const struct sotto__method_field crosstab_fields[] = {
    {.name = "counts", .axes_len = 2, .is_count = true},
    {.name = "row_totals", .axes_len = 1, .is_count = true},
    {.name = "column_totals", .axes_len = 1, .is_along_columns = true, .is_count = true},
    {.name = "total", .is_count = true, .tells_nan = true},
};

/* Says of a count how many parties keep some of it back: the most of any of its cells. */
static void tell_withheld(struct sotto__step *step, size_t field, uint64_t parties)
{
    uint64_t *withheld = &step->cells_withheld[field];
    *withheld = parties > *withheld ? parties : *withheld;
}

static void set_crosstab(struct sotto__step *step, const struct contingency *table)
{
    size_t cells_len = table->rows * table->columns;
    size_t totals = cells_len + table->rows + table->columns;
    for (size_t i = 0; i <= totals; i++) {
        step->cells_withheld[i] = 0;
    }
    for (size_t i = 0; i < cells_len; i++) {
        uint64_t parties = sotto__step_withheld(step, i);
        sotto__value_set_rational(&step->values[i], table->cells[i].number);
        tell_withheld(step, i, parties);
        tell_withheld(step, cells_len + i / table->columns, parties);
        tell_withheld(step, cells_len + table->rows + i % table->columns, parties);
        tell_withheld(step, totals, parties);
    }
    for (size_t i = 0; i < table->rows; i++) {
        sotto__value_set_rational(&step->values[cells_len + i], table->row_totals[i]);
    }
    for (size_t i = 0; i < table->columns; i++) {
        sotto__value_set_rational(&step->values[cells_len + table->rows + i],
                                  table->column_totals[i]);
    }
    sotto__value_set_rational(&step->values[totals], table->total);
}

static enum sotto_status step_crosstab(struct sotto__step *step, struct sotto_error *err)
{
    return step_table(step, set_crosstab, err);
}

const struct sotto__method sotto__method_crosstab = {
    .fields = crosstab_fields,
    .fields_len = sizeof crosstab_fields / sizeof crosstab_fields[0],
    .ask = sotto__ask_cells,
    .step = step_crosstab,
};

/* --- chi2 --- */

enum { CHI2, CHI2_P, CHI2_DF, CRAMERS_V, CHI2_COUNT, CHI2_EXPECTED };

static const struct sotto__method_field chi2_fields[] = {
    {.name = "chi2"},
    {.name = "p"},
    {.name = "df", .is_count = true},
    {.name = "cramers_v"},
    {.name = "count", .is_count = true, .tells_nan = true},
    {.name = "expected", .axes_len = 2},
};

/* Why there is no test, or NULL. */
static const char *find_fault(const struct contingency *table)
{
    if (table->is_withheld) {
        return "cells are withheld";
    }
    for (size_t i = 0; i < table->rows + table->columns; i++) {
        mpq_srcptr margin =
            i < table->rows ? table->row_totals[i] : table->column_totals[i - table->rows];
        if (mpq_sgn(margin) == 0) {
            return "a level that nobody has";
        }
    }
    return table->rows < 2 || table->columns < 2 ? "a table of one level" : NULL;
}

/* Adds (|count - expected| - less)^2 / expected; less: a half, but no more than the difference. */
static void add_deviation(mpq_t sum, mpq_srcptr count, mpq_srcptr expected, bool is_corrected)
{
    mpq_t deviation;
    mpq_t less;
    mpq_inits(deviation, less, NULL);
    mpq_sub(deviation, count, expected);
    mpq_abs(deviation, deviation);
    if (is_corrected) {
        mpq_set_ui(less, 1, 2);
        mpq_sub(deviation, deviation, mpq_cmp(less, deviation) < 0 ? less : deviation);
    }
    mpq_mul(deviation, deviation, deviation);
    mpq_div(deviation, deviation, expected);
    mpq_add(sum, sum, deviation);
    mpq_clears(deviation, less, NULL);
}

/* Sets chi-squared, with Yates' correction or without, and what is expected in each cell. */
static void set_statistic(mpq_t out, struct sotto__value *expected, const struct contingency *table,
                          bool is_corrected)
{
    mpq_set_ui(out, 0, 1);
    for (size_t i = 0; i < table->rows * table->columns; i++) {
        mpq_t of;
        mpq_init(of);
        mpq_mul(of, table->row_totals[i / table->columns],
                table->column_totals[i % table->columns]);
        mpq_div(of, of, table->total);
        add_deviation(out, table->cells[i].number, of, is_corrected);
        sotto__value_set_rational(&expected[i], of);
        mpq_clear(of);
    }
}

/* Sets the root of chi-squared over n times the smaller number of levels less one. */
static void set_cramers_v(struct sotto__value *out, mpq_srcptr statistic,
                          const struct contingency *table)
{
    mpq_t square;
    mpq_t times;
    size_t levels = table->rows < table->columns ? table->rows : table->columns;
    mpq_inits(square, times, NULL);
    mpq_set_ui(times, levels - 1, 1);
    mpq_mul(times, times, table->total);
    mpq_div(square, statistic, times);
    sotto__value_set_root(out, square);
    mpq_clears(square, times, NULL);
}

static void set_chi2(struct sotto__step *step, const struct contingency *table)
{
    struct sotto__value *out = step->values;
    step->outcome = find_fault(table);
    if (step->outcome != NULL) {
        sotto__value_set_nans(out, CHI2_EXPECTED + table->rows * table->columns);
        sotto__value_set_rational(&out[CHI2_COUNT], table->total);
        return;
    }
    mpq_t statistic;
    mpq_t freedom;
    mpq_inits(statistic, freedom, NULL);
    mpq_set_ui(freedom, (table->rows - 1) * (table->columns - 1), 1);
    bool is_corrected = sotto__step_options(step)->yates && mpq_cmp_ui(freedom, 1, 1) == 0;
    set_statistic(statistic, out + CHI2_EXPECTED, table, false);
    set_cramers_v(&out[CRAMERS_V], statistic, table);
    if (is_corrected) {
        set_statistic(statistic, out + CHI2_EXPECTED, table, true);
    }
    sotto__value_set_rational(&out[CHI2], statistic);
    sotto__value_set_rounded(&out[CHI2_P], sotto__chi2_tail(statistic, freedom));
    sotto__value_set_rational(&out[CHI2_DF], freedom);
    sotto__value_set_rational(&out[CHI2_COUNT], table->total);
    mpq_clears(statistic, freedom, NULL);
}

static enum sotto_status step_chi2(struct sotto__step *step, struct sotto_error *err)
{
    return step_table(step, set_chi2, err);
}

const struct sotto__method sotto__method_chi2 = {
    .fields = chi2_fields,
    .fields_len = sizeof chi2_fields / sizeof chi2_fields[0],
    .ask = sotto__ask_cells,
    .step = step_chi2,
};

/* --- Fisher's exact test --- */

enum { ODDS_RATIO, FISHER_P, FISHER_COUNT, FISHER_FIELDS_LEN };

static const struct sotto__method_field fisher_fields[] = {
    {.name = "odds_ratio"},
    {.name = "p"},
    {.name = "count", .is_count = true, .tells_nan = true},
};

/* Tables with the margins of one that was found, and how likely they are beside it. */
struct likelihood {
    mpfr_t weight;   /* of the table that is looked at; 1 is that of the one that was found */
    mpfr_t extreme;  /* sum of the weights that are at most 1 */
    mpfr_t sides[2]; /* of those whose first cell is not larger, and not smaller */
    mpfr_t total;
    mpfr_t tie;
    unsigned long steps;
};

/* Takes the weight into account. */
static void add_weight(struct likelihood *walk, mpfr_ptr side)
{
    mpfr_add(side, side, walk->weight, MPFR_RNDN);
    mpfr_add(walk->total, walk->total, walk->weight, MPFR_RNDN);
    if (mpfr_cmp(walk->weight, walk->tie) <= 0) {
        mpfr_add(walk->extreme, walk->extreme, walk->weight, MPFR_RNDN);
    }
}

/* Walks from the table that was found in one direction: the smaller two of the cells that shrink,
 * and those that grow, by one in each step. It ends where a cell is 0, or where all weights that
 * are left, each smaller than the one before, can't be seen beside the extreme ones. */
static void walk_to(struct likelihood *walk, mpfr_ptr side, const unsigned long shrink[2],
                    const unsigned long grow[2])
{
    unsigned long left = shrink[0] < shrink[1] ? shrink[0] : shrink[1];
    mpfr_t rest;
    mpfr_init2(rest, WEIGHT_BITS);
    mpfr_set_ui(walk->weight, 1, MPFR_RNDN);
    for (unsigned long i = 0; i < left && walk->steps < FISHER_STEPS_MAX; i++) {
        mpfr_set(rest, walk->weight, MPFR_RNDN);
        mpfr_mul_ui(walk->weight, walk->weight, shrink[0] - i, MPFR_RNDN);
        mpfr_mul_ui(walk->weight, walk->weight, shrink[1] - i, MPFR_RNDN);
        mpfr_div_ui(walk->weight, walk->weight, grow[0] + i + 1, MPFR_RNDN);
        mpfr_div_ui(walk->weight, walk->weight, grow[1] + i + 1, MPFR_RNDN);
        walk->steps++;
        add_weight(walk, side);
        bool falls = mpfr_cmp(walk->weight, rest) < 0;
        mpfr_mul_ui(rest, walk->weight, left - i, MPFR_RNDN);
        mpfr_mul_2ui(rest, rest, TIE_BITS, MPFR_RNDN);
        if (falls && mpfr_cmp(rest, walk->extreme) < 0) {
            break;
        }
    }
    mpfr_clear(rest);
}

/* Sets the probability of a table that is at most as likely; of a side: whose first cell, and so
 * the odds ratio, is at most as large, or at least. Returns: false for too many. */
static bool set_fisher_p(struct sotto__value *out, const unsigned long cells[4],
                         enum sotto__alternative alternative)
{
    struct likelihood walk = {.steps = 0};
    mpfr_ptr part = alternative == SOTTO__ALTERNATIVE_TWO_SIDED ? walk.extreme
                    : alternative == SOTTO__ALTERNATIVE_LESS    ? walk.sides[0]
                                                                : walk.sides[1];
    mpfr_inits2(WEIGHT_BITS, walk.weight, walk.extreme, walk.sides[0], walk.sides[1], walk.total,
                walk.tie, NULL);
    mpfr_set_ui(walk.tie, 1, MPFR_RNDN);
    mpfr_div_2ui(walk.tie, walk.tie, TIE_BITS, MPFR_RNDN);
    mpfr_add_ui(walk.tie, walk.tie, 1, MPFR_RNDN);
    mpfr_set_ui(walk.extreme, 1, MPFR_RNDN);
    mpfr_set_ui(walk.sides[0], 1, MPFR_RNDN);
    mpfr_set_ui(walk.sides[1], 1, MPFR_RNDN);
    mpfr_set_ui(walk.total, 1, MPFR_RNDN);
    const unsigned long diagonal[2] = {cells[0], cells[3]};
    const unsigned long others[2] = {cells[1], cells[2]};
    walk_to(&walk, walk.sides[0], diagonal, others);
    walk_to(&walk, walk.sides[1], others, diagonal);
    bool is_whole = walk.steps < FISHER_STEPS_MAX;
    mpfr_div(walk.weight, part, walk.total, MPFR_RNDN);
    sotto__value_set_rounded(out, mpfr_get_d(walk.weight, MPFR_RNDN));
    mpfr_clears(walk.weight, walk.extreme, walk.sides[0], walk.sides[1], walk.total, walk.tie,
                NULL);
    return is_whole;
}

static void set_fisher(struct sotto__step *step, const struct contingency *table)
{
    struct sotto__value *out = step->values;
    unsigned long cells[4];
    step->outcome = find_fault(table);
    sotto__value_set_nans(out, FISHER_FIELDS_LEN);
    sotto__value_set_rational(&out[FISHER_COUNT], table->total);
    if (step->outcome != NULL) {
        return;
    }
    for (size_t i = 0; i < 4; i++) {
        cells[i] = mpz_get_ui(mpq_numref(table->cells[i].number)); /* at most SOTTO_ROWS_MAX */
    }
    sotto__value_set(&out[ODDS_RATIO], &table->cells[0]);
    sotto__value_multiply(&out[ODDS_RATIO], &table->cells[3]);
    sotto__value_divide(&out[ODDS_RATIO], &table->cells[1]);
    sotto__value_divide(&out[ODDS_RATIO], &table->cells[2]);
    if (!set_fisher_p(&out[FISHER_P], cells, sotto__step_options(step)->alternative)) {
        sotto__value_set_nans(&out[FISHER_P], 1);
        step->outcome = "too many tables with these margins: ask chi2";
    }
}

static enum sotto_status step_fisher(struct sotto__step *step, struct sotto_error *err)
{
    return step_table(step, set_fisher, err);
}

const struct sotto__method sotto__method_fisher = {.fields = fisher_fields,
                                                   .fields_len = FISHER_FIELDS_LEN,
                                                   .ask = sotto__ask_cells,
                                                   .step = step_fisher};
