/* SPDX-License-Identifier: Apache-2.0 */

/* Rows as they are shown to a ledger: what their sums add up, and where each row stands. It leans
 * on measures.c for the values, and on watch_predicates.c for predicates. The one idea: the rows of
 * each block are classed by a plan of predicates, once the round's own operations are done. */

#include "contribute/contribute.h"
#include "contribute/watching.h"
#include "program/compile.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct watched_dataset {
    struct sotto__measures measures;
    struct sotto__predicates predicates;
    const struct sotto_catalogue_column *key; /* of the catalogue; or NULL */
};

struct sotto_watch {
    const struct sotto_driver *driver;
    struct sotto__row_sets sets;
    uint8_t **told; /* of each set: [class - 1]; NULL: all are */
    size_t *told_lens;
    struct watched_dataset *datasets;
    const struct sotto_watch_sink *sink;
};

/* --- Preparing --- */

enum sotto_status sotto_watch_prepare(struct sotto_watch *watch, size_t dataset,
                                      const char *const *predicates, size_t predicates_len,
                                      const char *const *columns, size_t columns_len,
                                      const struct sotto_catalogue *catalogue,
                                      struct sotto_error *err)
{
    struct watched_dataset *watched = &watch->datasets[dataset];
    SOTTO_REQUIRE(dataset < watch->driver->plan->datasets_len);
    sotto__predicates_release(&watched->predicates);
    if (!sotto__measures_simplify(&watched->measures, watch->driver, catalogue)) {
        return sotto_error_no_memory(err);
    }
    watched->key = NULL;
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        watched->key = catalogue->columns[i].is_key ? &catalogue->columns[i] : watched->key;
    }
    return sotto__predicates_init(&watched->predicates,
                                  &(struct sotto__watched){.driver = watch->driver,
                                                           .dataset = dataset,
                                                           .catalogue = catalogue,
                                                           .predicates = predicates,
                                                           .predicates_len = predicates_len,
                                                           .columns = columns,
                                                           .columns_len = columns_len},
                                  err);
}

/* --- A watch --- */

static bool find_measures(struct sotto_watch *watch)
{
    size_t len = watch->driver->plan->datasets_len;
    struct sotto__measures **lists = sotto_alloc_array(len, sizeof *lists);
    if (lists == NULL) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        lists[i] = &watch->datasets[i].measures;
    }
    bool has_memory = sotto__measures_find(lists, watch->driver);
    sotto_free(lists);
    return has_memory;
}

enum sotto_status sotto_watch_new(struct sotto_watch **out, const struct sotto_driver *driver,
                                  struct sotto_error *err)
{
    struct sotto_watch *watch = sotto_alloc_zeroed(sizeof *watch);
    if (watch == NULL) {
        return sotto_error_no_memory(err);
    }
    watch->driver = driver;
    watch->datasets = sotto_alloc_array(driver->plan->datasets_len, sizeof *watch->datasets);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (watch->datasets == NULL || !find_measures(watch)) {
        (void)sotto_error_no_memory(err);
        goto out;
    }
    status = sotto__row_sets_find(&watch->sets, driver->plan, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    watch->told = sotto_alloc_array(watch->sets.len + 1, sizeof *watch->told);
    watch->told_lens = sotto_alloc_array(watch->sets.len + 1, sizeof *watch->told_lens);
    if (watch->told == NULL || watch->told_lens == NULL) {
        status = sotto_error_no_memory(err);
    }
out:
    if (status != SOTTO_OK) {
        sotto_watch_free(watch);
        return status;
    }
    *out = watch;
    return SOTTO_OK;
}

void sotto_watch_free(struct sotto_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    for (size_t i = 0; watch->datasets != NULL && i < watch->driver->plan->datasets_len; i++) {
        struct watched_dataset *watched = &watch->datasets[i];
        sotto__predicates_release(&watched->predicates);
        sotto__measures_release(&watched->measures);
    }
    for (size_t i = 0; watch->told != NULL && i < watch->sets.len; i++) {
        sotto_free(watch->told[i]);
    }
    sotto_free(watch->told);
    sotto_free(watch->told_lens);
    sotto_free(watch->datasets);
    sotto__row_sets_release(&watch->sets);
    sotto_free(watch);
}

static size_t find_set(const struct sotto_watch *watch, size_t dataset, size_t i)
{
    for (size_t j = 0; j < watch->sets.len; j++) {
        if (watch->sets.list[j].dataset == dataset && i-- == 0) {
            return j;
        }
    }
    return SOTTO_NONE;
}

const char *sotto_watch_predicate(const struct sotto_watch *watch, size_t dataset, size_t i)
{
    size_t set = find_set(watch, dataset, i);
    return set != SOTTO_NONE ? watch->sets.list[set].text : NULL;
}

size_t sotto_watch_use(const struct sotto_watch *watch, size_t *out_output, size_t dataset,
                       size_t use)
{
    const struct sotto__row_sets *sets = &watch->sets;
    size_t at = 0;
    while (at < sets->uses_len &&
           (sets->list[sets->uses[at].set].dataset != dataset || use-- > 0)) {
        at++;
    }
    if (at == sets->uses_len) {
        return SOTTO_NONE;
    }
    size_t i = 0;
    for (size_t j = 0; j < sets->uses[at].set; j++) {
        i += sets->list[j].dataset == dataset;
    }
    *out_output = sets->uses[at].output;
    return i;
}

const uint8_t *sotto_watch_told(const struct sotto_watch *watch, size_t *out_len, size_t dataset,
                                size_t i)
{
    size_t set = find_set(watch, dataset, i);
    SOTTO_REQUIRE(set != SOTTO_NONE);
    *out_len = watch->told_lens[set];
    return watch->told[set];
}

bool sotto_watch_has_all(const struct sotto_watch *watch)
{
    return watch->sets.are_told;
}

const char *sotto_watch_measure(const struct sotto_watch *watch, size_t dataset, size_t i)
{
    const struct watched_dataset *watched = &watch->datasets[dataset];
    return i < watched->measures.len ? watched->measures.list[i].text : NULL;
}

uint32_t sotto_watch_classes(const struct sotto_watch *watch, size_t dataset, size_t i)
{
    const struct sotto__predicates *predicates = &watch->datasets[dataset].predicates;
    SOTTO_REQUIRE(i < predicates->len);
    return predicates->classes_len[i] - 1;
}

bool sotto_watch_reads(const struct sotto_watch *watch, size_t dataset)
{
    const struct sotto_driver *driver = watch->driver;
    bool reads = false;
    for (size_t i = 0; !reads && i < driver->expansion.columns_len; i++) {
        reads = driver->expansion.columns[i].dataset == dataset &&
                sotto__program_reads(driver->program, i);
    }
    return reads;
}

bool sotto_watch_counts(const struct sotto_watch *watch, size_t dataset)
{
    return watch->datasets[dataset].measures.counts_rows &&
           find_set(watch, dataset, 0) != SOTTO_NONE;
}

const char *sotto_watch_measure_column(const struct sotto_watch *watch, size_t dataset, size_t i,
                                       size_t j)
{
    const struct sotto__measures *measures = &watch->datasets[dataset].measures;
    SOTTO_REQUIRE(i < measures->len);
    return j < measures->list[i].columns_len ? measures->list[i].columns[j] : NULL;
}

bool sotto_watch_measure_is_fitted(const struct sotto_watch *watch, size_t dataset, size_t i)
{
    const struct sotto__measures *measures = &watch->datasets[dataset].measures;
    SOTTO_REQUIRE(i < measures->len);
    return measures->list[i].is_fitted;
}

/* --- What was told --- */

enum sotto_status sotto__watch_keep_told(struct sotto_watch *watch,
                                         const struct sotto_withheld *withheld,
                                         const size_t *cell_terms, struct sotto_error *err)
{
    for (size_t i = 0; i < watch->sets.len; i++) {
        const struct sotto__row_set *set = &watch->sets.list[i];
        if (set->key == SOTTO_NONE && set->output == SOTTO_NONE && !set->are_groups) {
            continue;
        }
        sotto_free(watch->told[i]);
        watch->told[i] =
            sotto__find_told(&watch->told_lens[i], watch->driver, set, withheld, cell_terms);
        if (watch->told[i] == NULL) {
            return sotto_error_no_memory(err);
        }
    }
    return SOTTO_OK;
}

/* --- Watching --- */

const struct sotto__column *sotto__watch_column(const struct sotto_watch *watch, size_t dataset,
                                                size_t i)
{
    const struct sotto_driver *driver = watch->datasets[dataset].predicates.driver;
    return driver != NULL && i < driver->expansion.columns_len ? &driver->expansion.columns[i]
                                                               : NULL;
}

enum sotto_status sotto__watch_begin(struct sotto_watch *watch, size_t dataset, size_t workers_len,
                                     struct sotto_error *err)
{
    return watch->sink->begin(watch->sink->context, dataset, workers_len, err);
}

/* The rows of a piece, after the operations of predicates. */
static void class_rows(void *context, const struct sotto__rows *rows, size_t dataset, size_t len)
{
    struct sotto__watcher *watcher = context;
    const struct sotto__predicates *predicates =
        &watcher->watch->datasets[watcher->dataset].predicates;
    (void)dataset; /* the only one */
    for (size_t i = 0; i < predicates->len; i++) {
        sotto__predicates_class(predicates, watcher->classes + i * SOTTO__ROWS_LEN, i, rows, len);
    }
    for (size_t i = 0; i < predicates->columns_len; i++) {
        size_t op = predicates->column_ops[i];
        sotto__measure_value(watcher->columns + i * SOTTO__ROWS_LEN, rows, op, len);
        memcpy(watcher->column_states + i * SOTTO__ROWS_LEN, rows->registers[op].state, len);
    }
}

enum sotto_status sotto__watcher_init(struct sotto__watcher *out, const struct sotto_watch *watch,
                                      size_t dataset, size_t worker)
{
    const struct watched_dataset *watched = &watch->datasets[dataset];
    size_t values_len = (watched->measures.len + 1) * SOTTO__ROWS_LEN;
    *out = (struct sotto__watcher){.watch = watch, .dataset = dataset, .worker = worker};
    out->values = sotto_alloc_array(values_len, sizeof *out->values);
    out->factors =
        sotto_alloc_array(watched->measures.factors_len * SOTTO__ROWS_LEN, sizeof *out->factors);
    out->factor_lists = sotto_alloc_array(watched->measures.factors_len, sizeof *out->factor_lists);
    out->states = sotto_alloc_array(values_len, sizeof *out->states);
    out->value_lists = sotto_alloc_array(watched->measures.len + 1, sizeof *out->value_lists);
    out->state_lists = sotto_alloc_array(watched->measures.len + 1, sizeof *out->state_lists);
    out->class_lists = sotto_alloc_array(watched->predicates.len, sizeof *out->class_lists);
    out->classes =
        sotto_alloc_array(watched->predicates.len * SOTTO__ROWS_LEN, sizeof *out->classes);
    out->columns =
        sotto_alloc_array(watched->predicates.columns_len * SOTTO__ROWS_LEN, sizeof *out->columns);
    out->column_states = sotto_alloc_array(watched->predicates.columns_len * SOTTO__ROWS_LEN, 1);
    out->column_lists =
        sotto_alloc_array(watched->predicates.columns_len + 1, sizeof *out->column_lists);
    out->column_state_lists =
        sotto_alloc_array(watched->predicates.columns_len + 1, sizeof *out->column_state_lists);
    if (out->values == NULL || out->factors == NULL || out->factor_lists == NULL ||
        out->states == NULL || out->value_lists == NULL || out->state_lists == NULL ||
        out->class_lists == NULL || out->classes == NULL || out->columns == NULL ||
        out->column_states == NULL || out->column_lists == NULL ||
        out->column_state_lists == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    if (watched->predicates.driver == NULL) {
        return SOTTO_OK;
    }
    out->blocks =
        sotto_alloc_array(watched->predicates.driver->expansion.columns_len, sizeof *out->blocks);
    if (out->blocks == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    struct sotto__rows_sink sink = {.take = class_rows, .context = out};
    enum sotto_status status =
        sotto__rows_init(&out->rows, watched->predicates.driver->program, sink);
    if (status == SOTTO_OK) {
        out->has_classes = true;
    }
    return status;
}

static void free_columns(struct sotto__watcher *watcher)
{
    if (watcher->columns != NULL) {
        const struct watched_dataset *watched = &watcher->watch->datasets[watcher->dataset];
        sotto_wipe(watcher->columns,
                   watched->predicates.columns_len * SOTTO__ROWS_LEN * sizeof *watcher->columns);
    }
    sotto_free(watcher->columns);
    sotto_free(watcher->column_states);
    watcher->columns = NULL;
    watcher->column_states = NULL;
}

void sotto__watcher_release(struct sotto__watcher *watcher)
{
    if (watcher->has_classes) {
        sotto__rows_release(&watcher->rows);
    }
    sotto_free(watcher->blocks);
    sotto_free(watcher->keys);
    sotto_free(watcher->classes);
    sotto_free(watcher->class_lists);
    free_columns(watcher);
    sotto_free(watcher->column_lists);
    sotto_free(watcher->column_state_lists);
    sotto_free(watcher->values);
    sotto_free(watcher->factors);
    sotto_free(watcher->factor_lists);
    sotto_free(watcher->states);
    sotto_free(watcher->value_lists);
    sotto_free(watcher->state_lists);
    *watcher = (struct sotto__watcher){0};
}

static enum sotto_status hash_keys(struct sotto__watcher *watcher, size_t len,
                                   struct sotto_error *err)
{
    if (len > watcher->keys_capacity_len) {
        sotto_free(watcher->keys);
        watcher->keys = sotto_alloc_array(len, sizeof *watcher->keys);
        watcher->keys_capacity_len = watcher->keys != NULL ? len : 0;
    }
    if (watcher->keys == NULL) {
        return sotto_error_no_memory(err);
    }
    sotto__key_hash(watcher->keys, watcher->key_block, len);
    return SOTTO_OK;
}

enum sotto_status sotto__watcher_take_block(struct sotto__watcher *watcher, size_t len,
                                            struct sotto_error *err)
{
    watcher->shown_len = 0;
    return watcher->key_block != NULL ? hash_keys(watcher, len, err) : SOTTO_OK;
}

/* --- Showing --- */

void sotto__watcher_take_rows(struct sotto__watcher *watcher, const struct sotto__rows *rows,
                              size_t dataset, size_t len)
{
    const struct watched_dataset *watched = &watcher->watch->datasets[dataset];
    const struct sotto__program *program = rows->program;
    const struct sotto_watch_sink *sink = watcher->watch->sink;
    if (watcher->status != SOTTO_OK) {
        return;
    }
    if (watcher->has_classes) {
        sotto__predicates_borrow(&watched->predicates, &watcher->rows, rows);
        sotto__rows_take_piece(&watcher->rows, 0, watcher->blocks, watcher->shown_len, len);
    }
    for (size_t i = 0; i < watched->predicates.len; i++) {
        watcher->class_lists[i] = watcher->classes + i * SOTTO__ROWS_LEN;
    }
    for (size_t i = 0; i < watched->measures.factors_len; i++) {
        watcher->factor_lists[i] = sotto__measure_factor(watcher->factors + i * SOTTO__ROWS_LEN,
                                                         rows, watched->measures.factors[i], len);
    }
    for (size_t i = 0; i < watched->measures.len; i++) {
        uint8_t *states = watcher->states + i * SOTTO__ROWS_LEN;
        watcher->value_lists[i] =
            sotto__measure_rows(watcher->values + i * SOTTO__ROWS_LEN, states,
                                watcher->factor_lists, &watched->measures.list[i], rows, len);
        enum sotto__measure_kind kind = watched->measures.list[i].kind;
        bool is_complete =
            program->is_complete && kind != SOTTO__MEASURE_CELLS && kind != SOTTO__MEASURE_GRID;
        for (size_t j = 0; is_complete && j < len; j++) {
            states[j] |= (rows->skipped[j] & SOTTO__ROW_INCOMPLETE) != 0;
        }
        watcher->state_lists[i] = states;
    }
    for (size_t i = 0; i < watched->predicates.columns_len; i++) {
        size_t at = i * SOTTO__ROWS_LEN;
        uint8_t *states = watcher->column_states + at;
        for (size_t j = 0; program->is_complete && j < len; j++) {
            states[j] |= (rows->skipped[j] & SOTTO__ROW_INCOMPLETE) != 0;
        }
        watcher->column_lists[i] = watcher->columns + at;
        watcher->column_state_lists[i] = states;
    }
    bool selects = sotto__program_selects(program);
    const uint64_t *keys = watcher->key_block != NULL ? watcher->keys + watcher->shown_len : NULL;
    struct sotto_watch_rows shown = {.dataset = dataset,
                                     .len = len,
                                     .classes = watcher->class_lists,
                                     .predicates_len = watched->predicates.len,
                                     .classes_len = watched->predicates.classes_len,
                                     .values = watcher->value_lists,
                                     .states = watcher->state_lists,
                                     .measures_len = watched->measures.len,
                                     .columns = watcher->column_lists,
                                     .column_states = watcher->column_state_lists,
                                     .columns_len = watched->predicates.columns_len,
                                     .keys = keys,
                                     .skipped = selects ? rows->skipped : NULL,
                                     .groups = program->keys_len > 0 ? rows->groups : NULL,
                                     .groups_len = (uint32_t)program->groups_len};
    watcher->shown_len += len;
    watcher->status = sink->take(sink->context, watcher->worker, &shown, &watcher->err);
}

const struct sotto_catalogue_column *sotto__watch_key(const struct sotto_watch *watch,
                                                      size_t dataset)
{
    return watch->datasets[dataset].key;
}

void sotto__watch_set_sink(struct sotto_watch *watch, const struct sotto_watch_sink *sink)
{
    watch->sink = sink;
}

const struct sotto_watch_sink *sotto__watch_sink(const struct sotto_watch *watch)
{
    return watch->sink;
}
