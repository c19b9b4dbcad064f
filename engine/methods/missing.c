/* SPDX-License-Identifier: Apache-2.0 */

/* Which columns of a row are missing together, in one round: a count for each set of columns that a
 * row can lack. It leans on cells (recipe.h), each of which a party can withhold alone. The one
 * idea: every row is in one pattern, so that all else is a sum of the counts that were opened, and
 * opens nothing more: how many rows there are, and how many lack each column. */

#include "methods/fields.h"

static const struct sotto__method_field fields[] = {
    {.name = "patterns", .axes_len = 1, .is_along_columns = true, .is_count = true},
    {.name = "missing", .axes_len = 1, .is_count = true},
    {.name = "rows", .is_count = true, .tells_nan = true},
};

/* Adds a pattern's count to a sum of such, of which as many parties keep some back as of any. */
static void add_pattern(struct sotto__step *step, size_t sum, const struct sotto__value *count,
                        uint64_t withheld)
{
    uint64_t *most = &step->cells_withheld[sum];
    sotto__value_add(&step->values[sum], count);
    *most = withheld > *most ? withheld : *most;
}

/* Sets all fields. The last column changes fastest in the numbers of patterns. */
static void set_fields(struct sotto__step *step, const struct sotto__value *counts)
{
    size_t columns_len = step->labels_len;
    size_t missing = step->asked_len;
    size_t rows = missing + columns_len;
    for (size_t i = 0; i <= rows; i++) {
        step->cells_withheld[i] = 0;
    }
    for (size_t i = 0; i < step->asked_len; i++) {
        uint64_t withheld = sotto__step_withheld(step, i);
        add_pattern(step, i, &counts[i], withheld);
        add_pattern(step, rows, &counts[i], withheld);
        for (size_t column = 0; column < columns_len; column++) {
            if ((i >> (columns_len - 1 - column) & 1) != 0) {
                add_pattern(step, missing + column, &counts[i], withheld);
            }
        }
    }
}

static enum sotto_status step(struct sotto__step *step, struct sotto_error *err)
{
    return sotto__step_finish(step, set_fields, err);
}

const struct sotto__method sotto__method_missing_patterns = {
    .fields = fields,
    .fields_len = sizeof fields / sizeof fields[0],
    .ask = sotto__ask_cells,
    .step = step,
};
