/* SPDX-License-Identifier: Apache-2.0 */

/* The verdict about one file of a question. Leans on ledger_compare.c for what changed and over
 * which parties it was told, on ledger_few.c and ledger_dominance.c for what sums give away
 * together, on cells.c for what is no sum. The one idea: every rule marks the atoms that it would
 * not tell, and the groups with such atoms fall away, or all of the question. */

#include "ledger_cells.h"
#include "ledger_compare.h"
#include "ledger_states.h"

#include <sotto/alloc.h>
#include <sotto/watch.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* --- All measures --- */

/* Whether one row may make up a sum of the measure. */
static bool asks_dominance(const struct decision *decision)
{
    const struct sotto_ledger_file *file = decision->file;
    const struct sotto_ledger_measure *measure = &file->measures[decision->measure];
    return decision->question->dominance > 0 && file->atoms_len > 0 &&
           file->atoms[0].magnitudes != NULL && !measure->is_count &&
           !sotto__ledger_counts_cells(measure);
}

static enum sotto_status check_measure(struct decision *decision, struct sotto_error *err)
{
    enum sotto_status status = sotto__decision_check_parties(decision, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__decision_check_few(decision, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (sotto__ledger_counts_cells(&decision->file->measures[decision->measure])) {
        sotto__decision_check_cells(decision);
    }
    return asks_dominance(decision) ? sotto__decision_check_dominance(decision, err) : SOTTO_OK;
}

static enum sotto_status check_pairs(struct decision *decision, struct sotto_error *err)
{
    const struct sotto_ledger_file *file = decision->file;
    for (size_t i = 0; i < file->pairs_len; i++) {
        sotto__states_compare(decision, &file->pairs[i]);
        enum sotto_status status = sotto__decision_check_pair(decision, &file->pairs[i], err);
        if (status != SOTTO_OK) {
            return status;
        }
        bool is_count = file->measures[file->pairs[i].alone].is_count;
        if (decision->question->dominance > 0 && !is_count) {
            status = sotto__decision_check_odd(decision, &file->pairs[i], err);
        }
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static enum sotto_status check_file(struct decision *decision, struct sotto_error *err)
{
    enum sotto_status status = sotto__decision_list_asked(decision, err);
    for (size_t i = 0; status == SOTTO_OK && i < decision->file->measures_len; i++) {
        status = sotto__decision_compare(decision, i, err);
        if (status == SOTTO_OK && !decision->file->measures[i].is_context) {
            status = check_measure(decision, err);
        }
    }
    if (status != SOTTO_OK) {
        return status;
    }
    sotto__decision_check_grids(decision);
    return check_pairs(decision, err);
}

/* --- The verdict --- */

static enum sotto_status see_answer(void *context, const struct sotto_ledger_row *row,
                                    struct sotto_error *err)
{
    struct sotto__ledger_entry *wanted = context;
    struct sotto__ledger_entry entry;
    (void)err;
    if (row->number == wanted->entry.number && sotto__ledger_decode(&entry, row)) {
        *wanted = entry;
    }
    return SOTTO_OK;
}

static void write_date(char out[32], int64_t ms)
{
    struct tm date;
    time_t seconds = (time_t)(ms / 1000);
    if (gmtime_r(&seconds, &date) == NULL || strftime(out, 32, "%Y-%m-%d", &date) == 0) {
        (void)snprintf(out, 32, "an unknown day");
    }
}

/* Names the answer that stands and its day. */
static enum sotto_status fail_changed(const struct decision *decision, struct sotto_error *err)
{
    const struct sotto_ledger_file *file = decision->file;
    const struct sotto_ledger_storage *storage = &decision->ledger->storage;
    struct sotto__ledger_entry answer = {.entry = {.number = decision->stands}};
    struct sotto_error unread = {0};
    char date[32];
    char digits[9] = "?";
    if (storage->each(storage->context, NULL, see_answer, &answer, &unread) == SOTTO_OK &&
        answer.entry.kind == SOTTO_LEDGER_ANSWER) {
        for (size_t i = 0; i < 4; i++) {
            (void)snprintf(digits + 2 * i, 3, "%02x", answer.entry.task[i]);
        }
    }
    write_date(date, answer.entry.created_ms);
    return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                           "ledger: fewer than %llu values of %.100s in %.100s changed since task "
                           "%s (%.60s) of %s was answered, or are missing there: that answer "
                           "stands. Ask again when more have changed, or of the same rows, such as "
                           "where not isna(x)",
                           (unsigned long long)decision->question->min_rows,
                           file->measures[decision->failed_measure].text, file->file, digits,
                           answer.entry.name, date);
}

static enum sotto_status fail_few(const struct decision *decision, struct sotto_error *err)
{
    if (decision->quantile_of[0] != '\0') {
        return sotto_error_set(
            err, SOTTO_ERROR_REFUSED,
            "ledger: quantiles of %s in %.100s are not told beside conditions, bins or levels of "
            "it, nor twice with other edges, of the same rows: what was answered is told again, or "
            "all of quite other rows",
            decision->quantile_of, decision->file->file);
    }
    if (decision->is_dominated) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                               "ledger: together with what %.100s was asked before, this gives a "
                               "sum away which one row dominates: all others but the next one are "
                               "less than %u %% of it. Ask of the same rows as before, of larger "
                               "groups, or of clip(x, low, high)",
                               decision->file->file, decision->question->dominance);
    }
    return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                           "ledger: together with what %.100s was asked before, this singles out "
                           "fewer than %llu rows. Ask of the same rows as before, or of larger "
                           "groups",
                           decision->file->file, (unsigned long long)decision->question->min_rows);
}

/* Withholds the groups with an atom that fails, or refuses where there are none. */
static enum sotto_status judge_file(const struct decision *decision, uint8_t *withheld,
                                    struct sotto_error *err)
{
    const struct sotto_ledger_file *file = decision->file;
    bool has_failed = false;
    for (size_t i = 0; i < file->atoms_len; i++) {
        bool fails = decision->has_failed[i] != 0 && file->atoms[i].is_asked;
        has_failed = has_failed || fails;
        if (fails && decision->question->groups_len > 0) {
            withheld[file->atoms[i].group] = 1;
        }
    }
    bool is_any_left = false;
    for (size_t i = 0; i < decision->question->groups_len; i++) {
        is_any_left = is_any_left || withheld[i] == 0;
    }
    if (!has_failed || is_any_left) {
        return SOTTO_OK;
    }
    return decision->stands != 0 ? fail_changed(decision, err) : fail_few(decision, err);
}

/* --- One file --- */

void sotto__decision_release(struct decision *decision)
{
    for (size_t i = 0; decision->prefixes != NULL && i <= decision->file->predicates_len; i++) {
        sotto_free(decision->prefixes[i]);
    }
    sotto_free(decision->prefixes);
    sotto_free(decision->has_failed);
    sotto_free(decision->is_known);
    sotto_free(decision->is_written);
    sotto_free(decision->is_told);
    sotto_free(decision->is_missing);
    sotto_free(decision->values);
    for (size_t i = 0; decision->told_sums != NULL && i < decision->file->measures_len; i++) {
        sotto__ledger_sums_release(&decision->told_sums[i]);
    }
    sotto_free(decision->told_sums);
    for (size_t i = 0; decision->changed != NULL && i < decision->file->measures_len; i++) {
        sotto__changed_release(&decision->changed[i]);
    }
    sotto_free(decision->changed);
    sotto__ledger_sums_release(&decision->asked[0]);
    sotto__ledger_sums_release(&decision->asked[1]);
    sotto_free(decision->repeats);
    sotto_free(decision->told);
}

/* How many values each measure has in each atom. A count is of rows, but for few that lack what
 * predicates ask for. */
static void count_values(struct decision *decision)
{
    const struct sotto_ledger_file *file = decision->file;
    for (size_t i = 0; i < file->measures_len; i++) {
        uint64_t *values = decision->values + i * file->atoms_len;
        for (size_t j = 0; j < file->atoms_len; j++) {
            uint64_t rows = file->atoms[j].rows;
            if (file->measures[i].is_count) {
                values[j] = decision->is_missing[j] != 0 ? 0 : rows;
            } else {
                values[j] = sotto__sketch_values(&file->atoms[j].sketches[i]);
                values[j] = values[j] < rows ? values[j] : rows;
            }
        }
    }
}

enum sotto_status sotto__decision_init(struct decision *out, struct sotto_ledger *ledger,
                                       const struct sotto_ledger_question *question,
                                       const struct sotto_ledger_file *file,
                                       const struct sotto__ledger_set *parties,
                                       struct sotto_ledger_pending *pending,
                                       struct sotto_error *err)
{
    size_t sketches_len = file->atoms_len * file->measures_len + 1;
    *out = (struct decision){.question = question,
                             .file = file,
                             .ledger = ledger,
                             .parties = parties,
                             .pending = pending};
    out->is_told = sotto_alloc_zeroed(file->measures_len + 1);
    out->is_missing = sotto_alloc_zeroed(file->atoms_len + 1);
    out->values = sotto_alloc_array(sketches_len, sizeof *out->values);
    out->told_sums = sotto_alloc_array(file->measures_len + 1, sizeof *out->told_sums);
    out->changed = sotto_alloc_array(file->measures_len + 1, sizeof *out->changed);
    out->repeats = sotto_alloc_zeroed((file->measures_len + 1) * (question->groups_len + 1));
    out->prefixes = sotto_alloc_array(file->predicates_len + 1, sizeof *out->prefixes);
    out->has_failed = sotto_alloc_zeroed(file->atoms_len + 1);
    out->is_known = sotto_alloc_zeroed(sketches_len);
    out->is_written = sotto_alloc_zeroed(sketches_len);
    if (out->prefixes == NULL || out->has_failed == NULL || out->is_known == NULL ||
        out->is_written == NULL || out->is_told == NULL || out->is_missing == NULL ||
        out->values == NULL || out->told_sums == NULL || out->changed == NULL ||
        out->repeats == NULL ||
        sotto__ledger_find_missing(out->is_missing, file, question->min_rows) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    count_values(out);
    return sotto__ledger_epoch(ledger, &out->epoch, file->file, err);
}

/* Checks that the predicates of a question begin with those of the ledger. *out_len: of these. */
static enum sotto_status check_predicates(const struct decision *decision, size_t *out_len,
                                          struct sotto_error *err)
{
    const struct sotto_ledger_file *file = decision->file;
    struct sotto_ledger_texts known = {0};
    enum sotto_status status =
        sotto__ledger_read_predicates(decision->ledger, &known, file->file, decision->epoch, err);
    bool fits = known.len <= file->predicates_len;
    for (size_t i = 0; status == SOTTO_OK && fits && i < known.len; i++) {
        fits = strcmp(known.texts[i], file->predicates[i]) == 0;
    }
    *out_len = known.len;
    sotto_ledger_texts_release(&known);
    if (status != SOTTO_OK || fits) {
        return status;
    }
    return sotto_error_set(err, SOTTO_ERROR_STATE,
                           "the ledger got other conditions on %s meanwhile: ask again",
                           file->file);
}

enum sotto_status sotto__decision_decide(struct decision *decision, size_t *out_known_len,
                                         uint8_t *withheld, struct sotto_error *err)
{
    enum sotto_status status = check_predicates(decision, out_known_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__decision_check_key(decision, *out_known_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_file(decision, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__decision_check_conditions(decision, *out_known_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return judge_file(decision, withheld, err);
}
