/* SPDX-License-Identifier: Apache-2.0 */

/* What a ledger is asked about a round: which predicates and measures are shown of a party's rows,
 * and what becomes of the rows when they were read. Leans on the engine's watch, which shows them,
 * on tally_atoms.c, which gathers them, and on tally_told.c and tally_products.c.
 *
 * The one idea: each thread has atoms of its own, with sketches, which add up. When all rows are
 * read they are merged, first those of all threads, then those that the answer does not tell
 * apart. */

#include "tally.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>

/* --- When all rows are read --- */

/* The last measure of atoms is how many rows they have. */
static void sketch_counts(struct atoms *in_out, const struct sotto_sketch_key *key)
{
    for (size_t i = 0; i < in_out->len; i++) {
        sotto_sketch_repeat(&in_out->sketches[(i + 1) * in_out->measures_len - 1], key, 1,
                            in_out->rows[i]);
    }
}

enum sotto_status sotto__tally_merge_workers(struct tallied *tallied, struct sotto_error *err)
{
    for (size_t i = 1; i < tallied->workers_len; i++) {
        enum sotto_status status =
            sotto__tally_merge_atoms(&tallied->workers[0], &tallied->workers[i], err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static enum sotto_status list_atoms(struct sotto_tally *tally, size_t dataset,
                                    const uint8_t *withheld, struct sotto_error *err)
{
    struct tallied *tallied = &tally->datasets[dataset];
    struct sotto_ledger_file *file = &tally->files[dataset];
    if (tallied->workers_len == 0) {
        return SOTTO_OK; /* nothing of it was read */
    }
    struct atoms *atoms = &tallied->workers[0];
    enum sotto_status status = sotto__tally_merge_workers(tallied, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (sotto__tally_list_told(tally, dataset) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    status = sotto__tally_merge_untold(tally, dataset, atoms, withheld, err);
    if (status != SOTTO_OK) {
        return status;
    }
    atoms = &tallied->atoms;
    if (tallied->has_count) {
        sketch_counts(atoms, tally->key);
    }
    file->predicates = (const char *const *)tallied->told.texts;
    file->predicates_len = tallied->told.len;
    file->counts_cells = tallied->counts_cells;
    file->conditions = tallied->conditions;
    file->conditions_len = tallied->conditions_len;
    tallied->list = sotto_alloc_array(atoms->len, sizeof *tallied->list);
    if (tallied->list == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < atoms->len; i++) {
        tallied->list[i] = (struct sotto_ledger_atom){
            .classes = atoms->classes + i * atoms->predicates_len,
            .rows = atoms->rows[i],
            .is_asked = atoms->groups[i] != SOTTO__TALLY_NOT_ASKED,
            .group = atoms->groups[i] != SOTTO__TALLY_NOT_ASKED ? atoms->groups[i] : 0,
            .sketches = atoms->sketches + i * atoms->measures_len,
            .magnitudes =
                tallied->predicates.len > 0 ? atoms->magnitudes + i * atoms->measures_len : NULL};
    }
    file->atoms = tallied->list;
    file->atoms_len = atoms->len;
    return sotto__tally_list_pairs(tallied, file) ? SOTTO_OK : sotto_error_no_memory(err);
}

enum sotto_status sotto_tally_contribute(struct sotto_tally *tally, uint64_t *out, size_t limbs_len,
                                         uint8_t *withheld, struct sotto_source *const *sources,
                                         const struct sotto_judge *judge, struct sotto_error *err)
{
    const struct sotto_watch_sink sink = {.context = tally,
                                          .begin = sotto__tally_begin_reading,
                                          .take = sotto__tally_take_rows,
                                          .ask = sotto__tally_ask_parts,
                                          .give = sotto__tally_take_parts};
    enum sotto_status status = sotto_driver_contribute_watched(
        tally->driver, out, limbs_len, withheld, sources, judge, tally->watch, &sink, err);
    for (size_t i = 0; status == SOTTO_OK && i < tally->len; i++) {
        status = list_atoms(tally, i, withheld, err);
    }
    if (status != SOTTO_OK) {
        sotto_wipe(out, limbs_len * sizeof *out);
    }
    return status;
}

const struct sotto_ledger_file *sotto_tally_files(const struct sotto_tally *tally, size_t *out_len)
{
    *out_len = tally->len;
    return tally->files;
}

/* --- Making one --- */

static enum sotto_status list_measures(struct tallied *tallied, const struct sotto_watch *watch,
                                       size_t dataset, struct sotto_error *err)
{
    size_t columns_len = 0;
    size_t contexts_max = 3 * (tallied->names.len + 1) * (tallied->names.len + 1);
    for (; sotto_watch_measure(watch, dataset, tallied->shown_len) != NULL; tallied->shown_len++) {
        columns_len += sotto__tally_count_columns(watch, dataset, tallied->shown_len);
    }
    tallied->measures_len = tallied->shown_len;
    tallied->measures =
        sotto_alloc_array(tallied->shown_len + contexts_max, sizeof *tallied->measures);
    tallied->columns = sotto_alloc_array(columns_len, sizeof *tallied->columns);
    if (tallied->measures == NULL || tallied->columns == NULL) {
        return sotto_error_no_memory(err);
    }
    const char **columns = tallied->columns;
    for (size_t i = 0; i < tallied->shown_len; i++) {
        size_t len = sotto__tally_count_columns(watch, dataset, i);
        tallied->measures[i] = (struct sotto_ledger_measure){
            .text = sotto_watch_measure(watch, dataset, i),
            .columns = columns,
            .columns_len = len,
            .is_fitted = sotto_watch_measure_is_fitted(watch, dataset, i)};
        sotto__tally_find_factors(tallied->measures[i].factors, watch, dataset, i);
        for (size_t j = 0; j < len; j++) {
            *columns++ = sotto_watch_measure_column(watch, dataset, i, j);
        }
    }
    return SOTTO_OK;
}

/* Those that were asked before are there, in the order of the ledger. */
static enum sotto_status list_predicates(struct sotto_tally *tally, size_t dataset,
                                         struct sotto_error *err)
{
    struct tallied *tallied = &tally->datasets[dataset];
    const char *predicate;
    tallied->known_len = tallied->predicates.len;
    for (size_t i = 0; (predicate = sotto_watch_predicate(tally->watch, dataset, i)) != NULL; i++) {
        if (sotto_ledger_texts_add(&tallied->predicates, predicate) != SOTTO_OK) {
            return sotto_error_no_memory(err);
        }
    }
    return SOTTO_OK;
}

const char *sotto__tally_find_key(const struct sotto_catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        if (catalogue->columns[i].is_key) {
            return catalogue->columns[i].name;
        }
    }
    return NULL;
}

enum sotto_status sotto__tally_prepare(struct sotto_tally *tally, size_t dataset, const char *file,
                                       const struct sotto_catalogue *catalogue,
                                       struct sotto_error *err)
{
    struct tallied *tallied = &tally->datasets[dataset];
    tallied->catalogue = catalogue;
    enum sotto_status status = list_predicates(tally, dataset, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__tally_list_names(tally, dataset, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status =
        sotto_watch_prepare(tally->watch, dataset, (const char *const *)tallied->predicates.texts,
                            tallied->predicates.len, (const char *const *)tallied->names.texts,
                            tallied->names.len, catalogue, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = list_measures(tallied, tally->watch, dataset, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__tally_make_pairs(tallied, tally->watch, dataset, err);
    if (status != SOTTO_OK) {
        return status;
    }
    tally->files[dataset] =
        (struct sotto_ledger_file){.file = file,
                                   .key = sotto__tally_find_key(catalogue),
                                   .predicates = (const char *const *)tallied->predicates.texts,
                                   .predicates_len = tallied->predicates.len,
                                   .measures = tallied->measures,
                                   .measures_len = tallied->measures_len};
    return SOTTO_OK;
}

enum sotto_status sotto__tally_make(struct sotto_tally **out, const struct sotto_driver *driver,
                                    const struct sotto_plan *plan, struct sotto_error *err)
{
    size_t len = sotto_plan_datasets_len(plan);
    struct sotto_tally *tally = sotto_alloc_zeroed(sizeof *tally);
    if (tally == NULL) {
        return sotto_error_no_memory(err);
    }
    tally->driver = driver;
    tally->datasets = sotto_alloc_array(len, sizeof *tally->datasets);
    tally->files = sotto_alloc_array(len, sizeof *tally->files);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (tally->datasets == NULL || tally->files == NULL) {
        (void)sotto_error_no_memory(err);
        goto out;
    }
    tally->len = len;
    status = sotto_watch_new(&tally->watch, driver, err);
out:
    if (status != SOTTO_OK) {
        sotto_tally_free(tally);
        return status;
    }
    *out = tally;
    return SOTTO_OK;
}

/* Asks the ledger what a file was asked before, and prepares for it. */
static enum sotto_status prepare_by_ledger(struct sotto_tally *tally, size_t dataset,
                                           const char *file,
                                           const struct sotto_catalogue *catalogue,
                                           struct sotto_error *err)
{
    struct tallied *tallied = &tally->datasets[dataset];
    enum sotto_status status =
        sotto_ledger_predicates(tally->ledger, &tallied->predicates, file, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_ledger_products(tally->ledger, &tallied->old, file, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto__tally_prepare(tally, dataset, file, catalogue, err);
}

enum sotto_status sotto_tally_new(struct sotto_tally **out, struct sotto_ledger *ledger,
                                  const struct sotto_driver *driver, const struct sotto_plan *plan,
                                  const struct sotto_catalogue *const *catalogues,
                                  struct sotto_error *err)
{
    struct sotto_tally *tally = NULL;
    enum sotto_status status = sotto__tally_make(&tally, driver, plan, err);
    if (status != SOTTO_OK) {
        return status;
    }
    tally->ledger = ledger;
    tally->key = sotto_ledger_sketch_key(ledger);
    for (size_t i = 0; status == SOTTO_OK && i < tally->len; i++) {
        status = prepare_by_ledger(tally, i, sotto_plan_dataset_file(plan, i), catalogues[i], err);
    }
    if (status != SOTTO_OK) {
        sotto_tally_free(tally);
        return status;
    }
    *out = tally;
    return SOTTO_OK;
}

void sotto_tally_free(struct sotto_tally *tally)
{
    if (tally == NULL) {
        return;
    }
    for (size_t i = 0; tally->datasets != NULL && i < tally->len; i++) {
        struct tallied *tallied = &tally->datasets[i];
        for (size_t j = 0; j < tallied->workers_len; j++) {
            sotto__tally_release_atoms(&tallied->workers[j]);
        }
        sotto_free(tallied->workers);
        sotto_free(tallied->measures);
        sotto_free(tallied->columns);
        sotto_free(tallied->contexts);
        sotto_free(tallied->pairs);
        sotto_free(tallied->told_pairs);
        sotto_ledger_texts_release(&tallied->old);
        sotto_ledger_texts_release(&tallied->names);
        sotto_ledger_texts_release(&tallied->texts);
        sotto_free(tallied->list);
        sotto__tally_release_atoms(&tallied->atoms);
        sotto_free(tallied->told_at);
        sotto_free(tallied->counts_cells);
        sotto_free(tallied->used);
        sotto_free(tallied->conditions);
        sotto_ledger_texts_release(&tallied->told);
        sotto_ledger_texts_release(&tallied->predicates);
    }
    sotto_watch_free(tally->watch);
    sotto_catalogue_free(tally->catalogue);
    sotto_wipe(&tally->own_key, sizeof tally->own_key);
    sotto_free(tally->datasets);
    sotto_free(tally->files);
    sotto_free(tally);
}
