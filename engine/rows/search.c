/* SPDX-License-Identifier: Apache-2.0 */

/* The number of each row in an index (program/index.h). It leans on the registers of the values,
 * and on levels.c for texts. The one idea: a search without branches, whose steps are the same for
 * all rows of a block, so that the rows' searches overlap. */

#include "kernels/blocks.h"
#include "rows/rows.h"

#include <string.h>

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

/* --- By parameters --- */

/* The group of each row, all 0 without groups. Rows that are left out have one too. */
static size_t group_of(const struct sotto__rows *rows, size_t i)
{
    return rows->program->keys_len > 0 ? rows->groups[i] : 0;
}

static void search_edges(uint32_t *out, const struct sotto__rows *rows,
                         const struct sotto__index *index, size_t len)
{
    const struct sotto__program *program = rows->program;
    const double *values = rows->registers[index->op].values;
    for (size_t i = 0; i < len; i++) {
        const uint64_t *edges =
            program->parameters + group_of(rows, i) * program->parameters_len + index->place;
        size_t low = 0;
        size_t high =
            index->len; /* edges below low are at the value or below, from high on above */
        while (low < high) {
            size_t middle = (low + high) / 2;
            double edge;
            memcpy(&edge, &edges[middle], sizeof edge);
            bool is_beyond = edge <= values[i];
            low = is_beyond ? middle + 1 : low;
            high = is_beyond ? high : middle;
        }
        out[i] = (uint32_t)low;
    }
}

/* The least key of a cell in a row's group, after the shift: keys are signed. */
static sotto__int128 find_base(const struct sotto__rows *rows, const struct sotto__index *index,
                               size_t cell, size_t i)
{
    const struct sotto__program *program = rows->program;
    const uint64_t *words =
        program->parameters + group_of(rows, i) * program->parameters_len + index->place + 2 * cell;
    sotto__uint128 base = (sotto__uint128)words[1] << 64 | words[0];
    return (sotto__int128)(base - ((sotto__uint128)1 << (index->key_bits - 1 - index->shift)));
}

/* Whether a cell is the first one again, as both cells of a median mostly are until the last
 * rounds: it gets no rows then. */
static bool is_first_cell(const struct sotto__rows *rows, const struct sotto__index *index,
                          size_t cell)
{
    return cell > 0 && find_base(rows, index, cell, 0) == find_base(rows, index, 0, 0);
}

static void fill_none(uint32_t *out, const struct sotto__index *index, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint32_t)index->len;
    }
}

/* Keys of one word, all rows of one group. A base that no such key reaches is in no cell. Cells
 * from the last one to the first, which wins. */
static void search_lone_cells(uint32_t *out, const struct sotto__rows *rows,
                              const struct sotto__index *index, size_t len)
{
    bool has_numbers = false;
    for (size_t cell = index->cells_len; cell-- > 0;) {
        sotto__int128 base = find_base(rows, index, cell, 0);
        const struct sotto__digits digits = {.shift = index->shift < 63 ? index->shift : 63,
                                             .bits = index->digit_bits,
                                             .base = (int64_t)base,
                                             .first = (uint32_t)(cell << index->digit_bits),
                                             .none = (uint32_t)index->len};
        if (base == (int64_t)base && !is_first_cell(rows, index, cell)) {
            (has_numbers ? sotto__blocks()->more_digits : sotto__blocks()->digits)(
                out, rows->registers[index->op].values, &digits, len);
            has_numbers = true;
        }
    }
    if (!has_numbers) {
        fill_none(out, index, len);
    }
}

static void search_narrow_cell(uint32_t *restrict out, const struct sotto__rows *rows,
                               const struct sotto__index *index, size_t cell, size_t len)
{
    const int64_t *keys = rows->registers[index->op].values;
    uint64_t width = UINT64_C(1) << index->digit_bits;
    uint32_t first = (uint32_t)(cell << index->digit_bits);
    for (size_t i = 0; i < len; i++) {
        sotto__int128 base = find_base(rows, index, cell, i);
        bool is_reached = base == (int64_t)base;
        /* A shift may be 64 or more, where all bits of a key are those of its sign. */
        int64_t shifted = keys[i] >> (index->shift < 63 ? index->shift : 63);
        uint64_t digit = (uint64_t)shifted - (uint64_t)(int64_t)base;
        out[i] = is_reached && digit < width ? first + (uint32_t)digit : out[i];
    }
}

static void search_wide_cell(uint32_t *restrict out, const struct sotto__rows *rows,
                             const struct sotto__index *index, size_t cell, size_t len)
{
    const sotto__int128 *keys = rows->registers[index->op].values;
    uint64_t width = UINT64_C(1) << index->digit_bits;
    uint32_t first = (uint32_t)(cell << index->digit_bits);
    for (size_t i = 0; i < len; i++) {
        sotto__int128 base = find_base(rows, index, cell, i);
        sotto__uint128 digit = (sotto__uint128)(keys[i] >> index->shift) - (sotto__uint128)base;
        out[i] = digit < width ? first + (uint32_t)digit : out[i];
    }
}

static void search_digits(uint32_t *out, const struct sotto__rows *rows,
                          const struct sotto__index *index, size_t len)
{
    bool is_narrow = rows->registers[index->op].limbs == 1;
    if (is_narrow && rows->program->keys_len == 0) {
        search_lone_cells(out, rows, index, len);
        return;
    }
    fill_none(out, index, len);
    for (size_t cell = index->cells_len; cell-- > 0;) {
        if (is_narrow) {
            search_narrow_cell(out, rows, index, cell, len);
        } else {
            search_wide_cell(out, rows, index, cell, len);
        }
    }
}

/* The parameters of a row's group at a place. */
static const uint64_t *find_parameters(const struct sotto__rows *rows, size_t place, size_t i)
{
    const struct sotto__program *program = rows->program;
    return program->parameters + group_of(rows, i) * program->parameters_len + place;
}

/* Keys of 64 bits at most. */
static void search_narrow_parts(uint32_t *restrict out, const struct sotto__rows *rows,
                                const struct sotto__index *index, size_t cell, size_t len)
{
    const uint64_t *keys = rows->registers[index->op].values;
    uint64_t zero = UINT64_C(1) << (index->key_bits - 1);
    uint32_t first = (uint32_t)(cell << index->digit_bits);
    for (size_t i = 0; i < len; i++) {
        const uint64_t *words = find_parameters(rows, index->place + cell * SOTTO__CELL_WORDS, i);
        uint64_t beyond = keys[i] + zero - words[SOTTO__CELL_FIRST];
        bool is_in = beyond <= words[SOTTO__CELL_SPAN];
        out[i] = is_in ? first + (uint32_t)(beyond >> words[SOTTO__CELL_SHIFT]) : out[i];
    }
}

static sotto__uint128 read_wide(const uint64_t *words)
{
    return (sotto__uint128)words[1] << 64 | words[0];
}

static void search_wide_parts(uint32_t *restrict out, const struct sotto__rows *rows,
                              const struct sotto__index *index, size_t cell, size_t len)
{
    const struct sotto__register *reg = &rows->registers[index->op];
    const int64_t *narrow = reg->values;
    const sotto__int128 *wide = reg->values;
    sotto__uint128 zero = (sotto__uint128)1 << (index->key_bits - 1);
    uint32_t first = (uint32_t)(cell << index->digit_bits);
    for (size_t i = 0; i < len; i++) {
        const uint64_t *words = find_parameters(rows, index->place + cell * SOTTO__CELL_WORDS, i);
        sotto__int128 key = reg->limbs == 1 ? narrow[i] : wide[i];
        sotto__uint128 beyond = (sotto__uint128)key + zero - read_wide(words + SOTTO__CELL_FIRST);
        bool is_in = beyond <= read_wide(words + SOTTO__CELL_SPAN);
        out[i] = is_in ? first + (uint32_t)(beyond >> words[SOTTO__CELL_SHIFT]) : out[i];
    }
}

/* Digits become those that the map of the row's group and cell has for them. */
static void map_digits(uint32_t *restrict in_out, const struct sotto__rows *rows,
                       const struct sotto__index *index, size_t len)
{
    uint32_t digit_mask = (UINT32_C(1) << index->digit_bits) - 1;
    for (size_t i = 0; i < len; i++) {
        const uint64_t *words = find_parameters(rows, index->map, i);
        uint32_t cell = in_out[i] >> index->digit_bits;
        uint32_t digit = in_out[i] & digit_mask;
        if (in_out[i] < index->len) {
            uint64_t word = words[cell * SOTTO__MAP_WORDS + digit / 8];
            in_out[i] = (cell << index->digit_bits) + (uint32_t)(word >> 8 * (digit % 8) & 0xFF);
        }
    }
}

/* Cells from the last one to the first, which wins; by limits there is one. */
static void search_parts(uint32_t *out, const struct sotto__rows *rows,
                         const struct sotto__index *index, size_t len)
{
    bool is_narrow = rows->registers[index->op].limbs == 1 && index->key_bits <= 64;
    if (index->limits != NULL) {
        search_numbers(out, &rows->registers[index->op], index, len);
    }
    if (index->limits == NULL) {
        fill_none(out, index, len);
    }
    for (size_t cell = index->limits == NULL ? index->cells_len : 0; cell-- > 0;) {
        if (is_narrow) {
            search_narrow_parts(out, rows, index, cell, len);
        } else {
            search_wide_parts(out, rows, index, cell, len);
        }
    }
    if (index->is_mapped) {
        map_digits(out, rows, index, len);
    }
}

static void search_least(uint32_t *restrict out, const struct sotto__rows *rows,
                         const struct sotto__index *index, size_t len)
{
    double least[SOTTO__ROWS_LEN];
    const double *first = rows->registers[index->ops[0]].values;
    for (size_t i = 0; i < len; i++) {
        least[i] = first[i];
        out[i] = 0;
    }
    for (size_t j = 1; j < index->ops_len; j++) {
        const double *values = rows->registers[index->ops[j]].values;
        for (size_t i = 0; i < len; i++) {
            bool is_less = values[i] < least[i];
            least[i] = is_less ? values[i] : least[i];
            out[i] = is_less ? (uint32_t)j : out[i];
        }
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
    switch (index->kind) {
    case SOTTO__INDEX_LIMITS:
        search_numbers(out, values, index, len);
        break;
    case SOTTO__INDEX_LEVELS:
        search_texts(out, index, blocks[program->ops[index->op].index], at, len);
        break;
    case SOTTO__INDEX_EDGES:
        search_edges(out, rows, index, len);
        break;
    case SOTTO__INDEX_DIGITS:
        search_digits(out, rows, index, len);
        break;
    case SOTTO__INDEX_PARTS:
        search_parts(out, rows, index, len);
        break;
    case SOTTO__INDEX_LEAST:
        search_least(out, rows, index, len);
        break;
    }
    for (size_t i = 0; state != rows->no_state && i < len; i++) {
        uint32_t made = (state[i] & SOTTO__ROW_MADE_NAN) != 0;
        out[i] = state[i] == 0 ? out[i] : none + made;
    }
    bool selects = sotto__program_selects(program);
    for (size_t i = 0; selects && i < len; i++) {
        out[i] = rows->skipped[i] == 0 ? out[i] : none + 2;
    }
}

void sotto__rows_search(struct sotto__rows *rows, size_t dataset,
                        const struct sotto_column *const *blocks, size_t at, size_t len)
{
    const struct sotto__program *program = rows->program;
    for (size_t i = 0; i < program->indices_len; i++) {
        const struct sotto__index *index = &program->indices[i];
        if (program->ops[index->op].dataset == dataset && index->twin == i) {
            search_index(rows->numbers + i * SOTTO__ROWS_LEN, rows, index, blocks, at, len);
        }
    }
}
