/* SPDX-License-Identifier: Apache-2.0 */

/* How much of a column was told. Leans on chain.c, and on sketches, which add up. The one idea: so
 * many exact sums over known sets of rows are so many equations for the values of a column, and a
 * third as many as it has rows is where they begin to give it away. A sum is known by the measure
 * and by the sketch of all its values, so that the same sum counts once, whatever words asked for
 * it. A model is charged its first round, over its columns, and one round of those with weights,
 * each sum of which is over all of its columns. */

#include "chain.h"

#include <sodium.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sum_digest {
    uint8_t bytes[SOTTO_LEDGER_SUBJECT_BYTES];
};

/* Digests, ascending once they are sorted. */
struct sum_digests {
    struct sum_digest *list;
    size_t len;
    size_t capacity_len;
};

static bool add_digest(struct sum_digests *in_out, const uint8_t digest[SOTTO_LEDGER_SUBJECT_BYTES])
{
    void *list = in_out->list;
    if (sotto_array_reserve(&list, &in_out->capacity_len, in_out->len + 1, sizeof *in_out->list) !=
        SOTTO_OK) {
        return false;
    }
    in_out->list = list;
    memcpy(in_out->list[in_out->len++].bytes, digest, SOTTO_LEDGER_SUBJECT_BYTES);
    return true;
}

static int compare_digests(const void *a, const void *b)
{
    return memcmp(a, b, SOTTO_LEDGER_SUBJECT_BYTES);
}

static void sort_digests(struct sum_digests *in_out)
{
    size_t len = 0;
    if (in_out->len == 0) {
        return;
    }
    qsort(in_out->list, in_out->len, sizeof *in_out->list, compare_digests);
    for (size_t i = 0; i < in_out->len; i++) {
        if (len == 0 || compare_digests(&in_out->list[len - 1], &in_out->list[i]) != 0) {
            in_out->list[len++] = in_out->list[i];
        }
    }
    in_out->len = len;
}

/* --- The sums of a question --- */

static void digest_sum(uint8_t out[SOTTO_LEDGER_SUBJECT_BYTES],
                       const struct sotto_ledger_measure *measure,
                       const struct sotto_sketch *sketch)
{
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, NULL, 0, SOTTO_LEDGER_SUBJECT_BYTES);
    (void)crypto_generichash_update(&state, (const unsigned char *)measure->text,
                                    strlen(measure->text) + 1);
    for (size_t i = 0; i < SOTTO_SKETCH_CELLS; i++) {
        uint8_t bytes[8];
        sotto_store_u64(bytes, sketch->cells[i]);
        (void)crypto_generichash_update(&state, bytes, sizeof bytes);
    }
    (void)crypto_generichash_final(&state, out, SOTTO_LEDGER_SUBJECT_BYTES);
}

/* Adds the sums of one measure, one for each group that is answered. Sums of nothing tell nothing.
 */
static bool add_sums(struct sum_digests *in_out, const struct sotto_ledger_question *question,
                     const struct sotto_ledger_file *file, size_t measure, const uint8_t *withheld)
{
    const struct sotto_sketch nothing = {0};
    size_t groups_len = question->groups_len > 0 ? question->groups_len : 1;
    struct sotto_sketch *sums = sotto_alloc_array(groups_len, sizeof *sums);
    bool has_memory = sums != NULL;
    for (size_t i = 0; has_memory && i < file->atoms_len; i++) {
        const struct sotto_ledger_atom *atom = &file->atoms[i];
        size_t group = question->groups_len > 0 ? atom->group : 0;
        if (atom->is_asked) {
            sotto_sketch_merge(&sums[group], &atom->sketches[measure]);
        }
    }
    for (size_t i = 0; has_memory && i < groups_len; i++) {
        bool is_told = question->groups_len == 0 || withheld[i] == 0;
        if (is_told && memcmp(&sums[i], &nothing, sizeof nothing) != 0) {
            uint8_t digest[SOTTO_LEDGER_SUBJECT_BYTES];
            digest_sum(digest, &file->measures[measure], &sums[i]);
            has_memory = add_digest(in_out, digest);
        }
    }
    sotto_free(sums);
    return has_memory;
}

/* The round of a model that is charged beside its first one. */
#define FITTED_ROUND 2

static bool is_charged(const struct sotto_ledger_question *question,
                       const struct sotto_ledger_measure *measure)
{
    return !measure->is_fitted || question->round <= FITTED_ROUND || question->charges_rounds;
}

static bool reads_column(const struct sotto_ledger_measure *measure, const char *column)
{
    for (size_t i = 0; i < measure->columns_len; i++) {
        if (strcmp(measure->columns[i], column) == 0) {
            return true;
        }
    }
    return false;
}

/* --- What was told --- */

struct told {
    const struct sotto_ledger *ledger;
    int64_t since_ms;
    struct sum_digests digests; /* sorted once they are read */
    uint64_t rows;
};

static enum sotto_status see_sums(void *context, const struct sotto_ledger_row *row,
                                  struct sotto_error *err)
{
    struct told *told = context;
    struct sotto__ledger_entry entry;
    if (!sotto__ledger_decode(&entry, row)) {
        return sotto_error_set(err, SOTTO_ERROR_AUTH, "entry %llu of the ledger can't be read",
                               (unsigned long long)row->number);
    }
    told->rows = entry.entry.count;
    bool counts = entry.entry.created_ms >= told->since_ms &&
                  !sotto__ledger_is_annulled(told->ledger, entry.entry.answer);
    for (size_t i = 0; counts && i < entry.entry.sums_len; i++) {
        if (!add_digest(&told->digests, entry.sums[i])) {
            return sotto_error_no_memory(err);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status read_told(struct told *out, struct sotto_ledger *ledger, const char *file,
                                   const char *column, int64_t now_ms, struct sotto_error *err)
{
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    *out = (struct told){.ledger = ledger, .since_ms = now_ms - SOTTO_LEDGER_BUDGET_MS};
    sotto__ledger_subject(subject, SOTTO__SUBJECT_COLUMN, file, strlen(file), 0, column);
    enum sotto_status status =
        ledger->storage.each(ledger->storage.context, subject, see_sums, out, err);
    if (status != SOTTO_OK) {
        sotto_free(out->digests.list);
        return status;
    }
    sort_digests(&out->digests);
    return SOTTO_OK;
}

enum sotto_status sotto_ledger_told(struct sotto_ledger *ledger, uint64_t *out_sums,
                                    uint64_t *out_rows, const char *file, const char *column,
                                    int64_t now_ms, struct sotto_error *err)
{
    struct told told;
    enum sotto_status status = read_told(&told, ledger, file, column, now_ms, err);
    if (status != SOTTO_OK) {
        return status;
    }
    *out_sums = told.digests.len;
    *out_rows = told.rows;
    sotto_free(told.digests.list);
    return SOTTO_OK;
}

/* --- One column --- */

struct charge {
    struct sotto__ledger_batch *batch;
    const struct sotto_ledger_question *question;
    const struct sotto_ledger_file *file;
    const uint8_t *withheld;
    uint64_t answer;
    uint64_t rows; /* of the file */
};

static void add_entries(const struct charge *charge, const char *column,
                        const struct sum_digests *sums,
                        const uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES])
{
    struct sotto__ledger_entry entry = {
        .entry = {.kind = SOTTO_LEDGER_SUMS, .answer = charge->answer, .count = charge->rows}};
    (void)snprintf(entry.entry.file, sizeof entry.entry.file, "%s", charge->file->file);
    (void)snprintf(entry.entry.text, sizeof entry.entry.text, "%s", column);
    for (size_t i = 0; i < sums->len; i += SOTTO__LEDGER_SUMS_MAX) {
        size_t left = sums->len - i;
        size_t len = left < SOTTO__LEDGER_SUMS_MAX ? left : SOTTO__LEDGER_SUMS_MAX;
        entry.entry.sums_len = (uint32_t)len;
        memcpy(entry.sums, &sums->list[i], len * sizeof entry.sums[0]);
        sotto__ledger_add(charge->batch, &entry, subject);
    }
}

/* Keeps the sums that were not told yet. */
static void keep_new(struct sum_digests *in_out, const struct sum_digests *told)
{
    size_t len = 0;
    for (size_t i = 0; i < in_out->len; i++) {
        bool is_told = told->len > 0 && bsearch(&in_out->list[i], told->list, told->len,
                                                sizeof *told->list, compare_digests) != NULL;
        if (!is_told) {
            in_out->list[len++] = in_out->list[i];
        }
    }
    in_out->len = len;
}

static enum sotto_status compare_sums(const struct charge *charge, const char *column,
                                      struct sum_digests *sums, struct sotto_error *err)
{
    const struct sotto_ledger_question *question = charge->question;
    const char *file = charge->file->file;
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    struct told told;
    enum sotto_status status =
        read_told(&told, charge->batch->ledger, file, column, question->now_ms, err);
    if (status != SOTTO_OK) {
        return status;
    }
    sort_digests(sums);
    keep_new(sums, &told.digests);
    uint64_t most = charge->rows * question->budget / 100;
    if (sums->len > 0 && told.digests.len + sums->len > most) {
        status =
            sotto_error_set(err, SOTTO_ERROR_REFUSED,
                            "budget: %zu sums of column %.100s in %.100s were told within a "
                            "year, and these are %zu more: %llu (%u %% of its %llu rows) are "
                            "not exceeded",
                            told.digests.len, column, file, sums->len, (unsigned long long)most,
                            question->budget, (unsigned long long)charge->rows);
        goto out;
    }
    sotto__ledger_subject(subject, SOTTO__SUBJECT_COLUMN, file, strlen(file), 0, column);
    add_entries(charge, column, sums, subject);
out:
    sotto_free(told.digests.list);
    return status;
}

static enum sotto_status charge_column(const struct charge *charge, const char *column,
                                       struct sotto_error *err)
{
    const struct sotto_ledger_file *file = charge->file;
    struct sum_digests sums = {0};
    bool has_memory = true;
    for (size_t i = 0; has_memory && i < file->measures_len; i++) {
        if (is_charged(charge->question, &file->measures[i]) &&
            reads_column(&file->measures[i], column)) {
            has_memory = add_sums(&sums, charge->question, file, i, charge->withheld);
        }
    }
    enum sotto_status status =
        has_memory ? compare_sums(charge, column, &sums, err) : sotto_error_no_memory(err);
    sotto_free(sums.list);
    return status;
}

static bool is_named_before(const struct sotto_ledger_file *file, size_t measure, size_t column)
{
    const char *name = file->measures[measure].columns[column];
    for (size_t i = 0; i <= measure; i++) {
        size_t len = i < measure ? file->measures[i].columns_len : column;
        for (size_t j = 0; j < len; j++) {
            if (strcmp(file->measures[i].columns[j], name) == 0) {
                return true;
            }
        }
    }
    return false;
}

enum sotto_status sotto__ledger_charge(struct sotto__ledger_batch *batch,
                                       const struct sotto_ledger_question *question,
                                       const struct sotto_ledger_file *file,
                                       const uint8_t *withheld, uint64_t answer,
                                       struct sotto_error *err)
{
    struct charge charge = {
        .batch = batch, .question = question, .file = file, .withheld = withheld, .answer = answer};
    for (size_t i = 0; i < file->atoms_len; i++) {
        charge.rows += file->atoms[i].rows;
    }
    for (size_t i = 0; question->budget > 0 && i < file->measures_len; i++) {
        for (size_t j = 0; j < file->measures[i].columns_len; j++) {
            if (is_named_before(file, i, j)) {
                continue;
            }
            enum sotto_status status = charge_column(&charge, file->measures[i].columns[j], err);
            if (status != SOTTO_OK) {
                return status;
            }
        }
    }
    return SOTTO_OK;
}
