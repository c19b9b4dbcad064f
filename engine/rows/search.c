/* SPDX-License-Identifier: Apache-2.0 */

/* The number of each row in an index (program/index.h). It leans on the registers of the values,
 * and on levels.c for texts. The one idea: a search without branches, whose steps are the same for
 * all rows of a block, so that the rows' searches overlap. */

#include "rows/rows.h"

/* Sets out[i] to how many of the sorted limits are at values[i] or below; their number is a power
 * of two, less 1. A NaN is above all values. */
#define DEFINE_SEARCH(name, type)                                                                  \
    static void name(uint32_t *restrict out, const type *restrict values,                          \
                     const type *restrict limits, size_t limits_len, size_t len)                   \
    {                                                                                              \
        for (size_t i = 0; i < len; i++) {                                                         \
            out[i] = 0;                                                                            \
        }                                                                                          \
        for (size_t step = (limits_len + 1) / 2; step > 0; step /= 2) {                            \
            for (size_t i = 0; i < len; i++) {                                                     \
                out[i] += limits[out[i] + step - 1] <= values[i] ? (uint32_t)step : 0;             \
            }                                                                                      \
        }                                                                                          \
    }

DEFINE_SEARCH(search_narrow, int64_t)
DEFINE_SEARCH(search_wide, sotto__int128)
DEFINE_SEARCH(search_doubles, double)

/* Rows whose number is beyond the limits that a value can reach stand at the last of these. */
static void search_numbers(uint32_t *restrict out, const struct sotto__register *values,
                           const struct sotto__index *index, size_t len)
{
    size_t reached = index->len;
    if (index->double_limits != NULL) {
        search_doubles(out, values->values, index->double_limits, index->padded_len, len);
    } else if (values->limbs == 1) {
        search_narrow(out, values->values, index->narrow_limits, index->padded_len, len);
        reached = index->narrow_len;
    } else {
        search_wide(out, values->values, index->limits, index->padded_len, len);
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = out[i] < reached ? out[i] : (uint32_t)reached;
    }
}

static void search_texts(uint32_t *out, const struct sotto__index *index,
                         const struct sotto_column *block, size_t at, size_t len)
{
    sotto__levels_find(out, index->levels, block, at, len);
    for (size_t i = 0; i < len; i++) {
        out[i] = out[i] < index->len ? out[i] : (uint32_t)index->len;
    }
}

static void search_index(uint32_t *out, const struct sotto__rows *rows,
                         const struct sotto__index *index, const struct sotto_column *const *blocks,
                         size_t at, size_t len)
{
    const struct sotto__program *program = rows->program;
    const struct sotto__register *values = &rows->registers[index->op];
    const uint8_t *state = values->state;
    uint32_t none = (uint32_t)index->len + 1;
    if (index->levels != NULL) {
        search_texts(out, index, blocks[program->ops[index->op].index], at, len);
    } else {
        search_numbers(out, values, index, len);
    }
    for (size_t i = 0; state != rows->no_state && i < len; i++) {
        uint32_t made = (state[i] & SOTTO__ROW_MADE_NAN) != 0;
        out[i] = state[i] == 0 ? out[i] : none + made;
    }
    bool selects = program->where != SOTTO_NONE || program->keys_len > 0;
    for (size_t i = 0; selects && i < len; i++) {
        out[i] = rows->skipped[i] == 0 ? out[i] : none + 2;
    }
}

void sotto__rows_search(struct sotto__rows *rows, size_t dataset,
                        const struct sotto_column *const *blocks, size_t at, size_t len)
{
    const struct sotto__program *program = rows->program;
    for (size_t i = 0; i < program->indices_len; i++) {
        if (program->ops[program->indices[i].op].dataset == dataset) {
            search_index(rows->numbers + i * SOTTO__ROWS_LEN, rows, &program->indices[i], blocks,
                         at, len);
        }
    }
}
