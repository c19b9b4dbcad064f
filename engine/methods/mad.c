/* SPDX-License-Identifier: Apache-2.0 */

/* The median of the distances from the median, guarded: no row is compared with the median, which
 * is mostly known as an interval only. What is opened are counts of cells of one column, as for
 * quantiles of it (guarded.c), and of these the distances follow.
 *
 * 1. The median is searched for. The counts of the first grid, of all keys, are kept as a list.
 * 2. Of a cell's least and greatest key, and those of the median, follow the least and the greatest
 *    distance that each of its rows can have. Of n rows sorted by either, the middle one's is below
 *    or above the middle distance: if each number of a list is replaced by one that is not larger,
 *    no order statistic is larger.
 * 3. A cell whose rows are all nearer than that, or all farther, is decided. Of the others the two
 *    with most rows are divided next, each by its own grid, which is the same whoever asks; cells
 *    are never joined, as the grid of two would cut across both of theirs.
 * 4. It is over when no cell can be divided any more, or ends as a search for a quantile does. */

#include "methods/order.h"

#include <sotto/alloc.h>
#include <stdlib.h>

#define SEARCHES_LEN 2
#define LIST_LEN_MAX SOTTO__SCALE_PARTS_MAX
/* Two are divided at a time. */
#define ROOM_LEN (LIST_LEN_MAX + 2 * SOTTO__SCALE_PARTS_MAX)

/* A group's words, after those of the search for the median. */
enum {
    HAS_MEDIAN = SOTTO__ORDER_WORDS, /* 1: it is known as far as it will be */
    DIVIDED_LEN,                     /* cells that are divided: the first of the list */
    IS_MAPPED,                       /* 1: and their grids are known */
    INSIDE_LEN,                      /* rows that are nearer than the middle one */
    LIST_LEN,
    LIST, /* of cells that are not decided */
    ITEM_LOW = 0,
    ITEM_HIGH = 2,
    ITEM_ROWS = 4,
    ITEM_HAS_ENDED = 5, /* it is not divided any more */
    ITEM_WORDS = 6,
    STATE_WORDS = LIST + LIST_LEN_MAX * ITEM_WORDS,
};

struct range {
    sotto__uint128 low; /* the least and the greatest key */
    sotto__uint128 high;
    uint64_t rows;
    bool has_ended;
    struct sotto__value nearest; /* distances */
    struct sotto__value farthest;
};

struct cells {
    struct range *list; /* of ROOM_LEN */
    size_t len;
};

static void ask(struct sotto__recipe *recipe, unsigned round)
{
    sotto__guarded_ask(recipe, round, SEARCHES_LEN);
}

/* --- The list --- */

static void add_cell(struct cells *in_out, sotto__uint128 low, sotto__uint128 high, uint64_t rows,
                     bool has_ended)
{
    struct range *cell = &in_out->list[in_out->len++];
    *cell = (struct range){.low = low, .high = high, .rows = rows, .has_ended = has_ended};
    sotto__value_init(&cell->nearest);
    sotto__value_init(&cell->farthest);
}

static void drop_cell(struct cells *in_out, size_t i)
{
    sotto__value_clear(&in_out->list[i].nearest);
    sotto__value_clear(&in_out->list[i].farthest);
    in_out->list[i] = in_out->list[--in_out->len];
}

static void cells_free(struct cells *cells)
{
    while (cells->len > 0) {
        drop_cell(cells, cells->len - 1);
    }
    sotto_free(cells->list);
}

/* Ended by cells_free, also after a failure. Returns: SOTTO_ERROR_NO_MEMORY. */
static enum sotto_status cells_read(struct cells *out, const struct sotto__step *step,
                                    struct sotto_error *err)
{
    *out = (struct cells){.list = sotto_alloc_array(ROOM_LEN, sizeof *out->list)};
    for (size_t i = 0; out->list != NULL && i < step->state[LIST_LEN]; i++) {
        const uint64_t *item = &step->state[LIST + i * ITEM_WORDS];
        add_cell(out, sotto__order_read(item, ITEM_LOW), sotto__order_read(item, ITEM_HIGH),
                 item[ITEM_ROWS], item[ITEM_HAS_ENDED] != 0);
    }
    return out->list != NULL ? SOTTO_OK : sotto_error_no_memory(err);
}

static void cells_write(const struct cells *cells, const struct sotto__step *step)
{
    SOTTO_REQUIRE(cells->len <= LIST_LEN_MAX);
    step->state[LIST_LEN] = cells->len;
    for (size_t i = 0; i < cells->len; i++) {
        uint64_t *item = &step->state[LIST + i * ITEM_WORDS];
        sotto__order_write(item, ITEM_LOW, cells->list[i].low);
        sotto__order_write(item, ITEM_HIGH, cells->list[i].high);
        item[ITEM_ROWS] = cells->list[i].rows;
        item[ITEM_HAS_ENDED] = cells->list[i].has_ended;
    }
}

/* --- What a round has opened --- */

/* How many rows parts of a cell have that begin with number first. */
static uint64_t count_strays(const struct sotto__step *step, size_t first, size_t len)
{
    uint64_t strays = 0;
    for (size_t i = 1; i < len; i++) {
        strays |= sotto__step_count(step, 0, first + i);
    }
    return strays;
}

/* Adds the cells of a target's grid that have rows. whole: how many the divided cell has, or
 * SOTTO_ROWS_MAX where that is not known; a cell of several parts with all of them is divided no
 * more, as in guarded.c. */
static enum sotto_status add_parts(struct cells *in_out, const struct sotto__step *step,
                                   const struct sotto__index *index, size_t target, uint64_t whole,
                                   struct sotto_error *err)
{
    const uint64_t *map = &step->state[SOTTO__ORDER_MAPS + target * SOTTO__MAP_WORDS];
    size_t parts_len = (size_t)1 << index->digit_bits;
    uint64_t left = whole;
    for (size_t first = 0, len; first < parts_len; first += len) {
        size_t at = target * parts_len + first;
        uint64_t rows = sotto__step_count(step, 0, at);
        sotto__uint128 low;
        sotto__uint128 high;
        len = sotto__grid_parts(map, index, first);
        bool has_keys = sotto__grid_keys(&low, &high, step, index, target, first, len);
        if ((rows > 0 && !has_keys) || rows > left || count_strays(step, at, len) != 0) {
            return sotto__order_fail_other_rows(err);
        }
        if (rows > 0) {
            add_cell(in_out, low, high, rows, rows == whole && len > 1);
        }
        left -= rows;
    }
    return left == 0 || whole == SOTTO_ROWS_MAX ? SOTTO_OK : sotto__order_fail_other_rows(err);
}

/* The grid of all keys. One cell of it is divided as any other: that it has all rows is no news. */
static enum sotto_status keep_first_grid(const struct sotto__step *step,
                                         const struct sotto__index *index, struct sotto_error *err)
{
    struct cells cells;
    enum sotto_status status = cells_read(&cells, step, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = add_parts(&cells, step, index, 0, SOTTO_ROWS_MAX, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    cells_write(&cells, step);
out:
    cells_free(&cells);
    return status;
}

/* The cells that were divided become those of their grids. */
static enum sotto_status take_counts(struct cells *in_out, const struct sotto__step *step,
                                     const struct sotto__index *index, struct sotto_error *err)
{
    size_t divided_len = step->state[DIVIDED_LEN];
    for (size_t i = 0; i < divided_len; i++) {
        enum sotto_status status = add_parts(in_out, step, index, i, in_out->list[i].rows, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    for (size_t i = divided_len; i-- > 0;) {
        drop_cell(in_out, i);
    }
    return SOTTO_OK;
}

/* --- Distances --- */

static void subtract(struct sotto__value *out, const struct sotto__value *a,
                     const struct sotto__value *b)
{
    sotto__value_set(out, b);
    sotto__value_negate(out);
    sotto__value_add(out, a);
}

/* Sets out to the larger one of a - b and what it is. */
static void raise_to(struct sotto__value *out, const struct sotto__value *a,
                     const struct sotto__value *b)
{
    struct sotto__value difference;
    sotto__value_init(&difference);
    subtract(&difference, a, b);
    if (sotto__value_compare(&difference, out) > 0) {
        sotto__value_set(out, &difference);
    }
    sotto__value_clear(&difference);
}

/* median: its least and greatest value, finite. */
static void measure(struct range *in_out, const struct sotto__step *step,
                    const struct sotto__index *index, const struct sotto__value median[2])
{
    struct sotto__value low;
    struct sotto__value high;
    sotto__value_init(&low);
    sotto__value_init(&high);
    sotto__order_set_key(&low, step, index, in_out->low);
    sotto__order_set_key(&high, step, index, in_out->high);
    sotto__order_open_end(&low, SOTTO__VALUE_NEGATIVE_INFINITE);
    sotto__order_open_end(&high, SOTTO__VALUE_INFINITE);
    raise_to(&in_out->nearest, &low, &median[1]);
    raise_to(&in_out->nearest, &median[0], &high);
    raise_to(&in_out->farthest, &high, &median[0]);
    raise_to(&in_out->farthest, &median[1], &low);
    sotto__value_clear(&low);
    sotto__value_clear(&high);
}

static int compare_nearest(const void *a, const void *b)
{
    return sotto__value_compare(&((const struct range *)a)->nearest,
                                &((const struct range *)b)->nearest);
}

static int compare_farthest(const void *a, const void *b)
{
    return sotto__value_compare(&((const struct range *)a)->farthest,
                                &((const struct range *)b)->farthest);
}

/* The cell of a row, from 0, in the order in which cells are; inside: rows before all of them. */
static const struct range *find_rank(const struct cells *cells, uint64_t inside, uint64_t rank)
{
    size_t i = 0;
    for (uint64_t seen = inside + cells->list[0].rows; rank >= seen; seen += cells->list[i].rows) {
        i++;
        SOTTO_REQUIRE(i < cells->len);
    }
    return &cells->list[i];
}

/* The middle distance's bounds; of two in the middle each, lower one first. Out: initialised. */
static void find_bounds(struct sotto__value least[2], struct sotto__value greatest[2],
                        struct cells *in_out, const struct sotto__step *step)
{
    uint64_t len = step->state[SOTTO__ORDER_VALUES];
    uint64_t inside = step->state[INSIDE_LEN];
    const uint64_t ranks[2] = {(len - 1) / 2, len / 2};
    qsort(in_out->list, in_out->len, sizeof *in_out->list, compare_nearest);
    for (size_t i = 0; i < 2; i++) {
        sotto__value_set(&least[i], &find_rank(in_out, inside, ranks[i])->nearest);
    }
    qsort(in_out->list, in_out->len, sizeof *in_out->list, compare_farthest);
    for (size_t i = 0; i < 2; i++) {
        sotto__value_set(&greatest[i], &find_rank(in_out, inside, ranks[i])->farthest);
    }
}

/* Leaves the cells of which it is not known whether their rows are nearer or farther. Those that
 * are nearer are counted: fewer than come before the middle. */
static void drop_decided(struct cells *in_out, const struct sotto__step *step,
                         const struct sotto__value *least, const struct sotto__value *greatest)
{
    for (size_t i = in_out->len; i-- > 0;) {
        bool is_inside = sotto__value_compare(&in_out->list[i].farthest, least) < 0;
        if (is_inside) {
            step->state[INSIDE_LEN] += in_out->list[i].rows;
        }
        if (is_inside || sotto__value_compare(&in_out->list[i].nearest, greatest) > 0) {
            drop_cell(in_out, i);
        }
    }
}

/* --- Going on --- */

/* Puts the cells that are to be divided first: of those that can be, with most rows. Returns: how
 * many there are. */
static size_t choose_divided(struct cells *in_out)
{
    size_t chosen_len = 0;
    while (chosen_len < 2) {
        size_t best = SOTTO_NONE;
        for (size_t i = chosen_len; i < in_out->len; i++) {
            const struct range *cell = &in_out->list[i];
            if (!cell->has_ended && cell->low < cell->high &&
                (best == SOTTO_NONE || cell->rows > in_out->list[best].rows)) {
                best = i;
            }
        }
        if (best == SOTTO_NONE) {
            break;
        }
        struct range chosen = in_out->list[best];
        in_out->list[best] = in_out->list[chosen_len];
        in_out->list[chosen_len++] = chosen;
    }
    return chosen_len;
}

/* Sets the value to what is between the bounds of both middle distances. */
static void finish(struct sotto__step *step, struct sotto__value least[2],
                   struct sotto__value greatest[2])
{
    struct sotto__value two;
    sotto__value_init(&two);
    sotto__value_set_double(&two, 2);
    sotto__value_add(&least[0], &least[1]);
    sotto__value_divide(&least[0], &two);
    sotto__value_add(&greatest[0], &greatest[1]);
    sotto__value_divide(&greatest[0], &two);
    sotto__value_set_between(step->values, &least[0], &greatest[0]);
    step->is_done = true;
    sotto__value_clear(&two);
}

/* Divides cells on, or ends. median: as for measure. */
static void go_on(struct sotto__step *step, struct cells *in_out, const struct sotto__index *index,
                  const struct sotto__value median[2])
{
    struct sotto__value bounds[4];
    for (size_t i = 0; i < 4; i++) {
        sotto__value_init(&bounds[i]);
    }
    for (size_t i = 0; i < in_out->len; i++) {
        measure(&in_out->list[i], step, index, median);
    }
    find_bounds(bounds, bounds + 2, in_out, step);
    drop_decided(in_out, step, &bounds[0], &bounds[3]);
    size_t divided_len = in_out->len <= LIST_LEN_MAX ? choose_divided(in_out) : 0;
    bool is_over = sotto__guarded_is_over(sotto__guarded_level(step->round) + 1, SEARCHES_LEN,
                                          index->key_bits, index->digit_bits);
    if (divided_len == 0 || is_over) {
        finish(step, bounds, bounds + 2);
    } else {
        for (size_t i = 0; i < 2; i++) {
            const struct range *cell = &in_out->list[i < divided_len ? i : 0];
            sotto__grid_enter(step, index, i, cell->low, cell->high);
        }
        step->state[DIVIDED_LEN] = divided_len;
        cells_write(in_out, step);
    }
    for (size_t i = 0; i < 4; i++) {
        sotto__value_clear(&bounds[i]);
    }
}

/* From an infinite median every number is infinitely far, but for the median itself, whose distance
 * is none. is_known: it is no interval. */
static void end_infinite(struct sotto__step *step, const struct sotto__value *median, bool is_known)
{
    struct sotto__value zero;
    struct sotto__value infinite;
    bool are_all = step->state[SOTTO__ORDER_LENS] == step->state[SOTTO__ORDER_VALUES];
    sotto__value_init(&zero);
    sotto__value_init(&infinite);
    sotto__value_set_special(&infinite, SOTTO__VALUE_INFINITE);
    if (is_known && (are_all || median->kind == SOTTO__VALUE_NAN)) {
        sotto__order_end_without_value(step);
    } else {
        sotto__value_set_between(step->values, is_known ? &infinite : &zero, &infinite);
        step->is_done = true;
    }
    sotto__value_clear(&zero);
    sotto__value_clear(&infinite);
}

/* After counts: those of cells that were divided, if they were. */
static enum sotto_status look_on(struct sotto__step *step, const struct sotto__index *index,
                                 struct sotto_error *err)
{
    struct sotto__value median[2];
    struct cells cells;
    bool has_grids = step->state[IS_MAPPED] != 0;
    sotto__value_init(&median[0]);
    sotto__value_init(&median[1]);
    bool is_known = sotto__order_find_ends(&median[0], &median[1], step, index, SOTTO__ORDER_LOWS,
                                           SOTTO__ORDER_HIGHS);
    enum sotto_status status = cells_read(&cells, step, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = has_grids ? take_counts(&cells, step, index, err) : SOTTO_OK;
    if (status != SOTTO_OK) {
        goto out;
    }
    step->state[IS_MAPPED] = 0;
    if (median[0].kind != SOTTO__VALUE_FINITE || median[1].kind != SOTTO__VALUE_FINITE) {
        end_infinite(step, &median[0], is_known);
    } else {
        go_on(step, &cells, index, median);
    }
out:
    cells_free(&cells);
    sotto__value_clear(&median[0]);
    sotto__value_clear(&median[1]);
    return status;
}

/* The search for the median. Where a value ends with what can't be divided, the counts that follow
 * are of a grid that is known. */
static enum sotto_status find_median(struct sotto__step *step, const struct sotto__index *index,
                                     struct sotto_error *err)
{
    bool has_ended = false;
    enum sotto_status status = step->round == 2 ? keep_first_grid(step, index, err) : SOTTO_OK;
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__guarded_search(step, &has_ended, err);
    if (status != SOTTO_OK || step->is_done || !has_ended) {
        return status;
    }
    step->state[HAS_MEDIAN] = 1;
    return sotto__guarded_is_bearing(step->round) ? SOTTO_OK : look_on(step, index, err);
}

static enum sotto_status step(struct sotto__step *step, struct sotto_error *err)
{
    const struct sotto__index *index = sotto__step_index(step, 0);
    if (step->state[HAS_MEDIAN] == 0) {
        return find_median(step, index, err);
    }
    if (step->withheld != step->state[SOTTO__ORDER_WITHHELD]) {
        sotto__order_end_without_value(step);
        return SOTTO_OK;
    }
    if (!sotto__guarded_is_bearing(step->round)) {
        return look_on(step, index, err);
    }
    for (size_t i = 0; i < 2; i++) {
        size_t cell = step->state[DIVIDED_LEN] == 2 ? i : 0;
        sotto__grid_map(&step->state[SOTTO__ORDER_MAPS + i * SOTTO__MAP_WORDS], step, index, cell);
    }
    step->state[IS_MAPPED] = 1;
    return SOTTO_OK;
}

const struct sotto__method sotto__method_mad = {
    .state_words = STATE_WORDS,
    .ask = ask,
    .repeats = true,
    .step = step,
};
