/* SPDX-License-Identifier: Apache-2.0 */

/* The verdict about one file of a question. Leans on ledger_compare.c for which atoms are known of
 * a measure, on products.c and missing.c for rows that stand out by other ways.
 *
 * The one idea: what was told of a measure, and what would be told now, are sums of atoms. Nobody
 * can make more of them than the known atoms, and sets that have an atom of their own: where each
 * of these is of many rows, and not one row's, nothing that they give together is of few. */

#include "ledger_decide.h"
#include "magnitude.h"

#include <sotto/alloc.h>
#include <sotto/watch.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* --- Known and new atoms --- */

static void check_rows(struct decision *decision)
{
    const struct sotto_ledger_file *file = decision->file;
    for (size_t i = 0; i < file->atoms_len; i++) {
        const struct sotto_ledger_atom *atom = &file->atoms[i];
        if (atom->is_asked && atom->rows < decision->question->min_rows &&
            decision->is_missing[i] == 0) {
            decision->has_failed[i] = 1;
            decision->few_rows = atom->rows;
        }
    }
}

/* Bins and levels that were withheld are known all together, with the rows of none, as what the
 * others leave of a total. Whoever is told some of these rows and not the others is told both:
 * where there are few of either, it fails. */
static void check_rest(struct decision *decision, size_t predicate)
{
    const struct sotto_ledger_file *file = decision->file;
    uint64_t few_rows = 0;
    for (size_t i = 0; i < file->atoms_len; i++) {
        bool is_few = file->atoms[i].rows < decision->question->min_rows;
        few_rows =
            file->atoms[i].classes[predicate] == 0 && is_few ? file->atoms[i].rows : few_rows;
    }
    for (size_t i = 0; few_rows > 0 && i < file->atoms_len; i++) {
        if (file->atoms[i].is_asked && file->atoms[i].classes[predicate] == 0) {
            decision->has_failed[i] = 1;
            decision->few_rows = few_rows;
        }
    }
}

static uint64_t find_least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t find_most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The rows that an atom's sum of the measure tells about: those with a value that is not 0, where
 * these are fewer than min_rows; 0 if it has none. */
static uint64_t count_few(const struct decision *decision, size_t at)
{
    static const struct sotto_sketch nothing;
    const struct sotto_ledger_atom *atom = &decision->file->atoms[at];
    bool is_count = decision->file->measures[decision->measure].is_count;
    uint64_t values =
        is_count ? 0 : sotto_sketch_distance(&nothing, &atom->sketches[decision->measure]);
    uint64_t few = values > 0 ? find_least(values, atom->rows) : atom->rows;
    few = is_count && decision->is_missing[at] != 0 ? 0 : few;
    return few < decision->question->min_rows ? few : 0;
}

static void fail_atom(struct decision *decision, size_t atom, uint64_t few)
{
    decision->has_failed[atom] = 1;
    decision->few_rows = few;
}

/* What is told of a measure is the sums of sets, each of which is made of atoms that are known. A
 * group with an atom that is not known can't be taken apart with them: nothing else has that atom.
 * Any other group is known atoms only, and adds a sum to these: if all of them are of many rows, so
 * is whatever these sums give together. The same sum as before adds nothing. An atom that only
 * missing values made small is asked for where others that are not known are enough rows with it.
 */
static void check_known(struct decision *decision)
{
    const struct sotto_ledger_file *file = decision->file;
    const uint8_t *is_known = decision->is_known + decision->measure * file->atoms_len;
    size_t groups_len = sotto__decision_count_groups(decision);
    const uint8_t *repeats = decision->repeats + decision->measure * groups_len;
    uint64_t few_known = 0;
    memset(decision->is_new, 0, groups_len);
    memset(decision->new_rows, 0, groups_len * sizeof *decision->new_rows);
    for (size_t i = 0; i < file->atoms_len; i++) {
        uint64_t few = count_few(decision, i);
        few_known = is_known[i] != 0 && few != 0 ? few : few_known;
        if (file->atoms[i].is_asked && is_known[i] == 0) {
            decision->is_new[sotto__decision_find_group(decision, i)] = 1;
            decision->new_rows[sotto__decision_find_group(decision, i)] +=
                few != 0 ? few : decision->question->min_rows;
        }
    }
    for (size_t i = 0; i < file->atoms_len; i++) {
        size_t group = sotto__decision_find_group(decision, i);
        if (!file->atoms[i].is_asked || (repeats[group] & SOTTO__LEDGER_IS_REPEATED) != 0) {
            continue;
        }
        uint64_t few = decision->is_new[group] != 0 ? decision->new_rows[group] : few_known;
        few = decision->is_missing[i] == 0 && count_few(decision, i) != 0 ? count_few(decision, i)
                                                                          : few;
        if (few != 0 && few < decision->question->min_rows) {
            fail_atom(decision, i, few);
        }
    }
}

/* --- Dominance --- */

/* As check_known, of sums that one row makes up. */
static void check_dominance(struct decision *decision)
{
    const struct sotto_ledger_file *file = decision->file;
    const uint8_t *is_known = decision->is_known + decision->measure * file->atoms_len;
    size_t groups_len = sotto__decision_count_groups(decision);
    unsigned dominance = decision->question->dominance;
    bool has_dominated = false;
    memset(decision->added, 0, groups_len * sizeof *decision->added);
    for (size_t i = 0; i < file->atoms_len; i++) {
        const struct sotto_ledger_magnitude *of = &file->atoms[i].magnitudes[decision->measure];
        has_dominated =
            has_dominated || (is_known[i] != 0 && sotto__magnitude_is_dominated(of, dominance));
        if (file->atoms[i].is_asked && is_known[i] == 0) {
            sotto__magnitude_add(&decision->added[sotto__decision_find_group(decision, i)], of);
        }
    }
    for (size_t i = 0; i < file->atoms_len; i++) {
        size_t group = sotto__decision_find_group(decision, i);
        bool fails = decision->is_new[group] != 0
                         ? sotto__magnitude_is_dominated(&decision->added[group], dominance)
                         : has_dominated;
        if (file->atoms[i].is_asked && fails) {
            fail_atom(decision, i, 1);
            decision->is_dominated = true;
        }
    }
}

/* --- Rows in no set that was counted --- */

/* How many rows a file has is known: a sum over all atoms. What no set that was counted has, and
 * none that is asked for, is what that sum adds. Where nothing is left of it, it is a sum of known
 * atoms. */
static void check_others(struct decision *decision)
{
    const struct sotto_ledger_file *file = decision->file;
    const uint8_t *is_known = decision->is_known + decision->measure * file->atoms_len;
    uint64_t others = 0;
    uint64_t few = 0;
    for (size_t i = 0; i < file->atoms_len; i++) {
        bool is_other =
            !file->atoms[i].is_asked && is_known[i] == 0 && decision->is_missing[i] == 0;
        others += is_other ? file->atoms[i].rows : 0;
        few = find_most(few, count_few(decision, i));
    }
    few = others > 0 ? others : few;
    for (size_t i = 0; few > 0 && few < decision->question->min_rows && i < file->atoms_len; i++) {
        if (file->atoms[i].is_asked) {
            fail_atom(decision, i, few);
        }
    }
}

/* --- Products and the sums of their other factor --- */

/* Adds the atoms that are asked for to those of a measure that are known. */
static void list_known(uint8_t *out, const struct decision *decision, size_t measure)
{
    const struct sotto_ledger_file *file = decision->file;
    memcpy(out, decision->is_known + measure * file->atoms_len, file->atoms_len);
    for (size_t i = 0; !file->measures[measure].is_context && i < file->atoms_len; i++) {
        out[i] |= file->atoms[i].is_asked;
    }
}

/* Whether the sums of a group that are asked of a pair were told before. */
static bool is_pair_repeated(const struct decision *decision, const struct sotto_ledger_pair *pair,
                             size_t group)
{
    const struct sotto_ledger_file *file = decision->file;
    size_t groups_len = sotto__decision_count_groups(decision);
    const size_t measures[2] = {pair->product, pair->alone};
    bool is_repeated = true;
    for (size_t i = 0; i < 2; i++) {
        is_repeated = is_repeated && (file->measures[measures[i]].is_context ||
                                      (decision->repeats[measures[i] * groups_len + group] &
                                       SOTTO__LEDGER_IS_REPEATED) != 0);
    }
    return is_repeated;
}

/* As check_known, of what a product tells as sums over the rows of its factor's values: in an atom
 * where these are one value it is the sum alone, so many times. Told of a part of the file, it is
 * held against sums alone over more, and the other way round. */
static void check_pair(struct decision *decision, const struct sotto_ledger_pair *pair)
{
    const struct sotto_ledger_file *file = decision->file;
    const uint8_t *product_known = decision->is_known + pair->product * file->atoms_len;
    const uint8_t *alone_known = decision->is_known + pair->alone * file->atoms_len;
    bool asks_alone = !file->measures[pair->alone].is_context;
    uint64_t min_rows = decision->question->min_rows;
    uint64_t few_known = 0;
    decision->measure = pair->alone;
    memset(decision->is_new, 0, sotto__decision_count_groups(decision));
    memset(decision->new_rows, 0,
           sotto__decision_count_groups(decision) * sizeof *decision->new_rows);
    for (size_t i = 0; i < file->atoms_len; i++) {
        bool is_pure;
        uint64_t some = sotto__ledger_count_factor(pair, &is_pure, i);
        bool is_known = alone_known[i] != 0 || (product_known[i] != 0 && is_pure);
        uint64_t few = count_few(decision, i);
        uint64_t asked = asks_alone ? (few != 0 ? few : min_rows) : some;
        few_known = is_known && few != 0 ? few : few_known;
        if (file->atoms[i].is_asked && !is_known && asked > 0) {
            decision->is_new[sotto__decision_find_group(decision, i)] = 1;
            decision->new_rows[sotto__decision_find_group(decision, i)] += asked;
        }
    }
    for (size_t i = 0; i < file->atoms_len; i++) {
        size_t group = sotto__decision_find_group(decision, i);
        uint64_t few = decision->is_new[group] != 0 ? decision->new_rows[group] : few_known;
        if (file->atoms[i].is_asked && few != 0 && few < min_rows &&
            !is_pair_repeated(decision, pair, group)) {
            fail_atom(decision, i, few);
        }
    }
}

/* Fails what is asked of a group, or (SOTTO_NONE) of all, if few rows, or one, are given away. */
static void fail_odd(struct decision *decision, const struct sotto_ledger_pair *pair,
                     const struct sotto__ledger_odd *odd, size_t group)
{
    const struct sotto_ledger_file *file = decision->file;
    unsigned dominance = file->measures[pair->alone].is_count ? 0 : decision->question->dominance;
    uint64_t few = sotto__ledger_odd_count(odd, file, pair, decision->question->min_rows);
    bool is_dominated =
        few == 0 && dominance > 0 && sotto__ledger_odd_is_dominated(odd, pair, dominance);
    for (size_t i = 0; (few > 0 || is_dominated) && i < file->atoms_len; i++) {
        bool is_its = group == SOTTO_NONE || sotto__decision_find_group(decision, i) == group;
        if (file->atoms[i].is_asked && is_its) {
            fail_atom(decision, i, few > 0 ? few : 1);
            decision->is_dominated = decision->is_dominated || is_dominated;
        }
    }
}

/* Where a product and the sum alone differ in few rows, in all groups together or in one, whose
 * sums are told by themselves. is_known: of the product, then of the sum alone; odd: of each group,
 * then of all. */
static void check_odd(struct decision *decision, const struct sotto_ledger_pair *pair,
                      const uint8_t *is_known, struct sotto__ledger_odd *odd)
{
    const struct sotto_ledger_file *file = decision->file;
    size_t groups_len = sotto__decision_count_groups(decision);
    memset(odd, 0, (groups_len + 1) * sizeof *odd);
    for (size_t i = 0; i < file->atoms_len; i++) {
        size_t group = sotto__decision_find_group(decision, i);
        bool is_product_known = is_known[i] != 0;
        bool is_alone_known = is_known[file->atoms_len + i] != 0;
        sotto__ledger_odd_add(&odd[groups_len], pair, i, is_product_known, is_alone_known);
        if (file->atoms[i].is_asked && !is_pair_repeated(decision, pair, group)) {
            sotto__ledger_odd_add(&odd[group], pair, i, is_product_known, is_alone_known);
        }
    }
    for (size_t i = 0; i <= groups_len; i++) {
        fail_odd(decision, pair, &odd[i], i < groups_len ? i : SOTTO_NONE);
    }
}

static enum sotto_status check_pairs(struct decision *decision, struct sotto_error *err)
{
    const struct sotto_ledger_file *file = decision->file;
    struct sotto__ledger_odd *odd =
        sotto_alloc_array(sotto__decision_count_groups(decision) + 1, sizeof *odd);
    uint8_t *known = sotto_alloc_zeroed(2 * file->atoms_len + 1);
    enum sotto_status status = odd != NULL && known != NULL ? SOTTO_OK : sotto_error_no_memory(err);
    for (size_t i = 0; status == SOTTO_OK && i < file->pairs_len; i++) {
        const struct sotto_ledger_pair *pair = &file->pairs[i];
        list_known(known, decision, pair->product);
        list_known(known + file->atoms_len, decision, pair->alone);
        check_odd(decision, pair, known, odd);
        check_pair(decision, pair);
    }
    sotto_free(known);
    sotto_free(odd);
    return status;
}

/* --- All measures --- */

static enum sotto_status check_file(struct decision *decision, struct sotto_error *err)
{
    check_rows(decision);
    for (size_t i = 0; i < decision->file->predicates_len; i++) {
        if (sotto_watch_leaves_out(decision->file->predicates[i])) {
            check_rest(decision, i);
        }
    }
    for (size_t i = 0; i < decision->file->measures_len; i++) {
        enum sotto_status status = sotto__decision_compare(decision, i, err);
        if (status != SOTTO_OK) {
            return status;
        }
        if (decision->file->measures[i].is_context) {
            continue;
        }
        status = sotto__decision_check_parties(decision, err);
        if (status != SOTTO_OK) {
            return status;
        }
        check_known(decision);
        bool is_cells = sotto__ledger_counts_cells(&decision->file->measures[i]);
        if (is_cells) {
            sotto__decision_check_cells(decision);
        }
        bool has_magnitudes =
            decision->file->atoms_len > 0 && decision->file->atoms[0].magnitudes != NULL;
        if (decision->question->dominance > 0 && has_magnitudes && !is_cells &&
            !decision->file->measures[i].is_count) {
            check_dominance(decision);
        }
        if (decision->file->measures[i].is_count) {
            check_others(decision);
        }
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
                           "%s (%.60s) of %s was answered: that answer stands. Ask again when more "
                           "have changed",
                           (unsigned long long)decision->question->min_rows,
                           file->measures[decision->failed_measure].text, file->file, digits,
                           answer.entry.name, date);
}

static enum sotto_status fail_few(const struct decision *decision, struct sotto_error *err)
{
    if (decision->is_overlapping) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                               "ledger: what quantiles tell of a column of %.100s is told again of "
                               "the same rows with the same edges, or of quite other rows, and not "
                               "beside conditions, bins or levels of that column",
                               decision->file->file);
    }
    if (decision->is_dominated) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                               "ledger: together with what %.100s was asked before, this gives a "
                               "sum away which one row dominates: all others but the next one are "
                               "less than %u %% of it",
                               decision->file->file, decision->question->dominance);
    }
    return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                           "ledger: together with what %.100s was asked before, this singles out "
                           "%llu rows, at least %llu are needed",
                           decision->file->file, (unsigned long long)decision->few_rows,
                           (unsigned long long)decision->question->min_rows);
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
    sotto_free(decision->is_new);
    sotto_free(decision->is_missing);
    sotto_free(decision->added);
    sotto_free(decision->new_rows);
    sotto_free(decision->digests);
    sotto_free(decision->repeats);
    sotto_free(decision->told);
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
    out->is_new = sotto_alloc_zeroed(question->groups_len + 1);
    out->is_missing = sotto_alloc_zeroed(file->atoms_len + 1);
    out->added = sotto_alloc_array(question->groups_len + 1, sizeof *out->added);
    out->new_rows = sotto_alloc_array(question->groups_len + 1, sizeof *out->new_rows);
    out->digests = sotto_alloc_array(question->groups_len + 1, sizeof *out->digests);
    out->repeats = sotto_alloc_zeroed((file->measures_len + 1) * (question->groups_len + 1));
    out->prefixes = sotto_alloc_array(file->predicates_len + 1, sizeof *out->prefixes);
    out->has_failed = sotto_alloc_zeroed(file->atoms_len + 1);
    out->is_known = sotto_alloc_zeroed(sketches_len);
    out->is_written = sotto_alloc_zeroed(sketches_len);
    if (out->prefixes == NULL || out->has_failed == NULL || out->is_known == NULL ||
        out->is_written == NULL || out->is_told == NULL || out->is_new == NULL ||
        out->is_missing == NULL || out->added == NULL || out->new_rows == NULL ||
        out->digests == NULL || out->repeats == NULL ||
        sotto__ledger_find_missing(out->is_missing, file, question->min_rows) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
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
