/* SPDX-License-Identifier: Apache-2.0 */

/* Guarded quantiles: the search of quantile.c, in cells of which none has 1 to min_rows - 1 rows of
 * any party. A level of it takes two rounds.
 *
 * 1. A cell is divided into up to 256 parts: all keys into those of a scale (program/scale.c), any
 *    other cell into equal ones. They are the leaves of a tree of halves. Of each node a party says
 *    whether it has few rows in it, 1 to min_rows - 1, and whether it has enough. What is opened is
 *    how many parties say so.
 * 2. The parts are put together to the common grid, which everybody finds alike, each of its cells
 *    ending as early as it can be borne: where a node in it has enough rows of all parties, so that
 *    none can have few in the cell, or where none has few in any of the nodes it is made of. It
 *    also has rows of as many parties as must stand behind it, or of nobody. Its counts are opened:
 *    a party counts a row at the first part of its cell, and holds each count against min_rows.
 * 3. The search goes on in the cell that has the value, and ends where the grid is one cell, or one
 *    with all values and empty ones around it: the value is somewhere in it. A cell of a single key
 *    is the value.
 *
 * Both values around the quantile are searched for together. One that is found waits: its cell is
 * the other's meanwhile. */

#include "methods/order.h"

#include <string.h>

bool sotto__guarded_is_bearing(unsigned round)
{
    return round % 2 == 1;
}

size_t sotto__guarded_level(unsigned round)
{
    return (round - 1) / 2;
}

/* After the scale each level finds a digit: so many find a key, in a grid of single parts. */
bool sotto__guarded_is_over(size_t level, unsigned searches_len, unsigned key_bits, unsigned bits)
{
    return level > 0 && (level - 1) * bits >= searches_len * key_bits;
}

/* --- Asking --- */

void sotto__guarded_ask(struct sotto__recipe *recipe, unsigned round, unsigned searches_len)
{
    unsigned key_bits = 0;
    unsigned bits = sotto__recipe_digit_bits(recipe);
    size_t level = sotto__guarded_level(round);
    size_t row = sotto__recipe_row(recipe, 0);
    size_t cells_len = level == 0 ? 1 : 2;
    size_t place = SOTTO_NONE;
    if (round == 1) {
        sotto__recipe_tell_nan(recipe, row);
    }
    size_t key = sotto__recipe_key(recipe, &key_bits, row);
    if (sotto__guarded_is_over(level, searches_len, key_bits, bits)) {
        return;
    }
    if (level > 0) {
        place = sotto__recipe_parameters(recipe, SOTTO__ORDER_CELLS, cells_len * SOTTO__CELL_WORDS);
    }
    size_t index = sotto__recipe_parts(recipe, key, key_bits, bits, place, cells_len);
    if (sotto__guarded_is_bearing(round)) {
        (void)sotto__recipe_bearing(recipe, index);
        return;
    }
    size_t maps = sotto__recipe_parameters(recipe, SOTTO__ORDER_MAPS, cells_len * SOTTO__MAP_WORDS);
    sotto__recipe_map(recipe, index, maps);
    (void)sotto__recipe_counts(recipe, index);
}

/* --- The grid --- */

/* The map of a cell: a byte for each digit, in words as parameters are. */
static unsigned read_map(const uint64_t *map, size_t digit)
{
    return (unsigned)(map[digit / 8] >> 8 * (digit % 8) & 0xFF);
}

static void write_map(uint64_t *map, size_t digit, size_t first)
{
    unsigned shift = 8 * (digit % 8);
    map[digit / 8] = (map[digit / 8] & ~(UINT64_C(0xFF) << shift)) | (uint64_t)first << shift;
}

/* A cell's tree when it was opened. */
struct tree {
    const struct sotto__step *step;
    const struct sotto__index *index;
    size_t cell;
    size_t parts_len;
    uint64_t asking;                         /* parties */
    size_t ends[SOTTO__SCALE_PARTS_MAX + 1]; /* of each part: where the first node ends that begins
                                                there or after it and has enough of all */
};

static uint64_t count_enough(const struct tree *tree, size_t node)
{
    return sotto__step_count(tree->step, 0, sotto__enough_at(tree->index, tree->cell, node));
}

static uint64_t count_few(const struct tree *tree, size_t node)
{
    return sotto__step_count(tree->step, 0, sotto__few_at(tree->index, tree->cell, node));
}

static void note_ends(struct tree *tree)
{
    for (size_t i = 0; i <= tree->parts_len; i++) {
        tree->ends[i] = SOTTO_NONE;
    }
    for (size_t len = tree->parts_len, nodes = 1; len > 0; len /= 2, nodes *= 2) {
        for (size_t i = 0; i < nodes; i++) {
            if (count_enough(tree, nodes + i) >= tree->asking) {
                tree->ends[i * len] = (i + 1) * len; /* smaller nodes come later */
            }
        }
    }
    for (size_t i = tree->parts_len; i-- > 0;) {
        tree->ends[i] = tree->ends[i + 1] < tree->ends[i] ? tree->ends[i + 1] : tree->ends[i];
    }
}

/* The largest node that begins at a part and does not end beyond another. *out_len: its parts. */
static size_t find_node(const struct tree *tree, size_t first, size_t last, size_t *out_len)
{
    size_t len = 1;
    while (len < tree->parts_len && first % (2 * len) == 0 && first + 2 * len <= last) {
        len *= 2;
    }
    *out_len = len;
    return tree->parts_len / len + first / len;
}

/* Whether everybody can bear that the parts from first up to last are one cell. */
static bool is_borne(const struct tree *tree, size_t first, size_t last)
{
    uint64_t needed = tree->step->needed;
    uint64_t most = 0;
    bool is_few = false;
    for (size_t at = first, len; at < last; at += len) {
        size_t node = find_node(tree, at, last, &len);
        uint64_t enough = count_enough(tree, node);
        most = enough > most ? enough : most;
        is_few = is_few || count_few(tree, node) > 0;
    }
    return tree->ends[first] <= last ? tree->asking >= needed || tree->asking == 0
                                     : !is_few && (most == 0 || most >= needed);
}

/* Cells from the first part on, each as short as it and what is left can be borne. */
void sotto__grid_map(uint64_t *map, const struct sotto__step *step,
                     const struct sotto__index *index, size_t cell)
{
    struct tree tree = {.step = step,
                        .index = index,
                        .cell = cell,
                        .parts_len = (size_t)1 << index->digit_bits,
                        .asking = sotto__step_count(step, 0, sotto__asking_at(index, cell))};
    size_t first = 0;
    note_ends(&tree);
    for (size_t i = 0; i < tree.parts_len; i++) {
        bool is_cut = i > first && is_borne(&tree, first, i) && is_borne(&tree, i, tree.parts_len);
        first = is_cut ? i : first;
        write_map(map, i, first);
    }
}

size_t sotto__grid_parts(const uint64_t *map, const struct sotto__index *index, size_t first)
{
    size_t digits_len = (size_t)1 << index->digit_bits;
    size_t next = first + 1;
    while (next < digits_len && read_map(map, next) == first) {
        next++;
    }
    return next - first;
}

/* --- Two values --- */

static uint64_t *find_map(const struct sotto__step *step, size_t target)
{
    return &step->state[SOTTO__ORDER_MAPS + target * SOTTO__MAP_WORDS];
}

static uint64_t *find_cell(const struct sotto__step *step, size_t target)
{
    return &step->state[SOTTO__ORDER_CELLS + target * SOTTO__CELL_WORDS];
}

/* Whether both values are searched for in one cell. */
static bool are_one(const struct sotto__step *step)
{
    return memcmp(find_cell(step, 0), find_cell(step, 1), SOTTO__CELL_WORDS * sizeof(uint64_t)) ==
           0;
}

bool sotto__grid_keys(sotto__uint128 *out_low, sotto__uint128 *out_high,
                      const struct sotto__step *step, const struct sotto__index *index,
                      size_t target, size_t first, size_t parts_len)
{
    const uint64_t *cell = find_cell(step, target);
    sotto__uint128 firsts[SOTTO__SCALE_PARTS_MAX];
    sotto__uint128 last_key = ((((sotto__uint128)1 << (index->key_bits - 1)) - 1) << 1) + 1;
    sotto__uint128 low;
    sotto__uint128 high;
    if (sotto__guarded_level(step->round) == 0) {
        bool are_doubles = step->program->ops[index->op].kind == SOTTO__OP_KEY;
        size_t len = sotto__scale_parts(firsts, index->key_bits, index->digit_bits, are_doubles);
        low = firsts[first < len ? first : len - 1];
        high = first + parts_len < len ? firsts[first + parts_len] - 1 : last_key;
    } else {
        sotto__uint128 base = sotto__order_read(cell, SOTTO__CELL_FIRST);
        sotto__uint128 span = sotto__order_read(cell, SOTTO__CELL_SPAN);
        sotto__uint128 beyond = (sotto__uint128)(first + parts_len - 1) << cell[SOTTO__CELL_SHIFT] |
                                ((((sotto__uint128)1 << cell[SOTTO__CELL_SHIFT]) - 1));
        low = base + ((sotto__uint128)first << cell[SOTTO__CELL_SHIFT]);
        high = base + (beyond < span ? beyond : span);
    }
    *out_low = low;
    *out_high = high;
    return low <= high && high <= last_key;
}

/* Notes that a value's key is in parts_len parts of its cell, from first on. Returns: as
 * sotto__grid_keys. */
static bool note_parts(const struct sotto__step *step, const struct sotto__index *index,
                       size_t target, size_t first, size_t parts_len)
{
    sotto__uint128 low;
    sotto__uint128 high;
    if (!sotto__grid_keys(&low, &high, step, index, target, first, parts_len)) {
        return false;
    }
    sotto__order_write(step->state, SOTTO__ORDER_LOWS + 2 * target, low);
    sotto__order_write(step->state, SOTTO__ORDER_HIGHS + 2 * target, high);
    return true;
}

/* What is noted of a value is all that will be known of it. */
static void end_target(const struct sotto__step *step, size_t target)
{
    step->state[SOTTO__ORDER_ENDED + target] = 1;
}

void sotto__grid_enter(const struct sotto__step *step, const struct sotto__index *index,
                       size_t target, sotto__uint128 low, sotto__uint128 high)
{
    uint64_t *cell = find_cell(step, target);
    sotto__uint128 span = high - low;
    uint64_t shift = 0;
    while (span >> shift >> index->digit_bits != 0) {
        shift++;
    }
    sotto__order_write(cell, SOTTO__CELL_FIRST, low);
    sotto__order_write(cell, SOTTO__CELL_SPAN, span);
    cell[SOTTO__CELL_SHIFT] = shift;
}

static bool has_ended(const struct sotto__step *step, size_t target)
{
    return step->state[SOTTO__ORDER_ENDED + target] != 0;
}

/* A value that is found takes the other one's cell. */
static void let_wait(const struct sotto__step *step)
{
    for (size_t target = 0; target < 2; target++) {
        size_t other = 1 - target;
        if (has_ended(step, target) && !has_ended(step, other)) {
            memcpy(find_cell(step, target), find_cell(step, other),
                   SOTTO__CELL_WORDS * sizeof(uint64_t));
            memcpy(find_map(step, target), find_map(step, other),
                   SOTTO__MAP_WORDS * sizeof(uint64_t));
        }
    }
}

/* --- Steps --- */

static void take_bearing(const struct sotto__step *step, const struct sotto__index *index)
{
    size_t parts_len = (size_t)1 << index->digit_bits;
    size_t other = are_one(step) ? 0 : 1;
    for (size_t target = 0; target < 2; target++) {
        uint64_t *map = find_map(step, target);
        sotto__grid_map(map, step, index, target == 0 ? 0 : other);
        /* On the first level it is not known yet how many values there are. */
        if (sotto__guarded_level(step->round) > 0 && !has_ended(step, target) &&
            sotto__grid_parts(map, index, 0) == parts_len) {
            end_target(step, target);
        }
    }
    let_wait(step);
}

/* Finds in which cell of the grid one of the two values is; its counts begin at number first. */
static bool find_part(const struct sotto__step *step, const struct sotto__index *index,
                      size_t target, size_t first)
{
    size_t part;
    uint64_t values_len = step->state[SOTTO__ORDER_LENS + target];
    if (!sotto__order_find_digit(&part, step, index, target, first)) {
        return false;
    }
    size_t parts_len = sotto__grid_parts(find_map(step, target), index, part);
    if (!note_parts(step, index, target, part, parts_len)) {
        return false;
    }
    sotto__grid_enter(step, index, target,
                      sotto__order_read(step->state, SOTTO__ORDER_LOWS + 2 * target),
                      sotto__order_read(step->state, SOTTO__ORDER_HIGHS + 2 * target));
    bool is_key = sotto__order_read(find_cell(step, target), SOTTO__CELL_SPAN) == 0;
    /* A cell of several parts with all of the values: only empty parts around it were cut off.
     * Going on would narrow it down to its least and its greatest value, which are somebody's. */
    bool is_whole = sotto__guarded_level(step->round) > 0 && parts_len > 1 &&
                    step->state[SOTTO__ORDER_LENS + target] == values_len;
    if (is_key || is_whole ||
        sotto__guarded_is_over(sotto__guarded_level(step->round) + 1, 1, index->key_bits,
                               index->digit_bits)) {
        end_target(step, target);
    }
    return true;
}

static enum sotto_status take_counts(struct sotto__step *step, const struct sotto__index *index,
                                     struct sotto_error *err)
{
    const size_t firsts[2] = {0, are_one(step) ? 0 : (size_t)1 << index->digit_bits};
    if (sotto__guarded_level(step->round) == 0) {
        enum sotto_status status = sotto__order_begin(step, index, err);
        if (status != SOTTO_OK || step->is_done) {
            return status;
        }
    }
    for (size_t target = 0; target < 2; target++) {
        if (!has_ended(step, target) && !find_part(step, index, target, firsts[target])) {
            return sotto__order_fail_other_rows(err);
        }
    }
    let_wait(step);
    return SOTTO_OK;
}

enum sotto_status sotto__guarded_search(struct sotto__step *step, bool *out_has_ended,
                                        struct sotto_error *err)
{
    const struct sotto__index *index = sotto__step_index(step, 0);
    enum sotto_status status = SOTTO_OK;
    *out_has_ended = false;
    if (step->round == 1) {
        step->state[SOTTO__ORDER_WITHHELD] = step->withheld;
    } else if (step->withheld != step->state[SOTTO__ORDER_WITHHELD]) {
        sotto__order_end_without_value(step); /* rows that were counted before have left */
        return SOTTO_OK;
    }
    if (sotto__guarded_is_bearing(step->round)) {
        take_bearing(step, index);
    } else {
        status = take_counts(step, index, err);
    }
    *out_has_ended = status == SOTTO_OK && has_ended(step, 0) && has_ended(step, 1);
    return status;
}

enum sotto_status sotto__guarded_step(struct sotto__step *step, struct sotto_error *err)
{
    bool has_ended;
    enum sotto_status status = sotto__guarded_search(step, &has_ended, err);
    if (status == SOTTO_OK && has_ended) {
        sotto__order_set_value(step, sotto__step_index(step, 0), SOTTO__ORDER_LOWS,
                               SOTTO__ORDER_HIGHS);
    }
    return status;
}
