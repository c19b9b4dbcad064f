/* SPDX-License-Identifier: Apache-2.0 */

/* What one more answer would tell beside those that are out: one question about all its files, and
 * what is written down of it. Leans on ledger_decide.c for each file, on budget.c for what its sums
 * cost, and on chain.c, which keeps the entries.
 *
 * The one idea: what an answer must remember is more than what it asked: where an old atom has the
 * same values today, today's finer atoms in it are known to be parts of that old answer, and are
 * written down too. All files are decided first, then all is written at once, or nothing. */

#include "ledger_compare.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

/* All parts of it together. */
#define PREDICATE_BYTES_MAX ((size_t)256 * 1024)

/* --- Writing down --- */

static void add_answer(struct sotto__ledger_batch *batch,
                       const struct sotto_ledger_question *question,
                       const struct sotto__ledger_set *parties)
{
    struct sotto__ledger_entry entry = {.entry = {.kind = SOTTO_LEDGER_ANSWER,
                                                  .round = question->round,
                                                  .parties_len = (uint32_t)parties->len}};
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    memcpy(entry.entry.task, question->task, sizeof entry.entry.task);
    memcpy(entry.entry.creator, question->creator, sizeof entry.entry.creator);
    memcpy(entry.plan_digest, question->plan_digest, sizeof entry.plan_digest);
    memcpy(entry.parties, parties->digest, sizeof entry.parties);
    (void)snprintf(entry.entry.name, sizeof entry.entry.name, "%s", question->name);
    sotto__ledger_subject(subject, SOTTO__SUBJECT_TASK, question->task, sizeof question->task, 0,
                          "");
    sotto__ledger_add(batch, &entry, subject);
}

/* Says of which measure an entry is. */
static void name_measure(uint8_t out_subject[SOTTO_LEDGER_SUBJECT_BYTES],
                         struct sotto__ledger_entry *in_out, const struct decision *decision)
{
    const struct sotto_ledger_file *file = decision->file;
    (void)snprintf(in_out->entry.file, sizeof in_out->entry.file, "%s", file->file);
    (void)snprintf(in_out->entry.text, sizeof in_out->entry.text, "%s",
                   file->measures[decision->measure].text);
    sotto__decision_find_subject(out_subject, decision, decision->measure);
}

static void add_sketch(struct sotto__ledger_batch *batch, const struct decision *decision,
                       size_t atom, uint64_t answer)
{
    const struct sotto_ledger_file *file = decision->file;
    struct sotto__ledger_entry entry = {
        .entry = {.kind = SOTTO_LEDGER_SKETCH, .answer = answer},
        .predicates_len = (uint16_t)file->predicates_len,
        .sketch = file->atoms[atom].sketches[decision->measure],
    };
    entry.values = sotto__sketch_values(&entry.sketch);
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    sotto__ledger_digest_classes(entry.atom, file->atoms[atom].classes, file->predicates_len);
    name_measure(subject, &entry, decision);
    sotto__ledger_add(batch, &entry, subject);
}

static void add_told(struct sotto__ledger_batch *batch, const struct decision *decision,
                     uint64_t answer)
{
    struct sotto__ledger_entry entry = {.entry = {.kind = SOTTO_LEDGER_TOLD, .answer = answer}};
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    memcpy(entry.parties, decision->parties->digest, sizeof entry.parties);
    name_measure(subject, &entry, decision);
    sotto__ledger_add(batch, &entry, subject);
}

/* Which atoms a sum is over, and how many values these have. */
static void finish_words(struct sotto__ledger_words *in_out, const struct decision *decision,
                         const struct sotto__ledger_sum *sum)
{
    const struct sotto_ledger_file *file = decision->file;
    const uint32_t *atoms =
        sotto__decision_asked(decision, decision->measure)->columns + sum->first;
    for (size_t i = 0; i < sum->len; i++) {
        const struct sotto_ledger_atom *atom = &file->atoms[atoms[i]];
        uint8_t digest[SOTTO_LEDGER_SUBJECT_BYTES];
        sotto__ledger_digest_classes(digest, atom->classes, file->predicates_len);
        in_out->atoms ^= sotto_load_u64(digest);
        in_out->values += sotto__sketch_values(&atom->sketches[decision->measure]);
    }
}

/* Adds the sums of the measure that are answered, unless they were written down lately. */
static void add_sets(struct sotto__ledger_batch *batch, const struct decision *decision,
                     const uint8_t *withheld, uint64_t answer)
{
    const struct sotto_ledger_file *file = decision->file;
    const struct sotto__ledger_sums *asked = sotto__decision_asked(decision, decision->measure);
    struct sotto__ledger_entry entry = {
        .entry = {.kind = SOTTO_LEDGER_SET, .answer = answer, .count = file->predicates_len}};
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    name_measure(subject, &entry, decision);
    for (size_t i = 0; i < asked->len; i++) {
        const struct sotto__ledger_sum *sum = &asked->list[i];
        bool is_told = decision->question->groups_len == 0 || withheld[sum->group] == 0;
        unsigned repeat = sotto__decision_find_repeat(decision, decision->measure, sum);
        if (is_told && (repeat & SOTTO__LEDGER_IS_WRITTEN) == 0) {
            entry.words = sum->words;
            finish_words(&entry.words, decision, sum);
            sotto__ledger_add(batch, &entry, subject);
        }
    }
}

/* Adds the predicates of a file that are new, and the sketches of what is answered. */
static void add_file(struct sotto__ledger_batch *batch, struct decision *decision,
                     const uint8_t *withheld, size_t known_len, uint64_t answer)
{
    const struct sotto_ledger_file *file = decision->file;
    for (size_t i = known_len; i < file->predicates_len; i++) {
        sotto__ledger_add_predicate(batch, file->file, decision->epoch, i, file->predicates[i]);
    }
    for (size_t i = 0; i < file->measures_len; i++) {
        decision->measure = i;
        if (file->measures[i].is_context) {
            continue;
        }
        if (decision->is_told[i] == 0) {
            add_told(batch, decision, answer);
        }
        add_sets(batch, decision, withheld, answer);
        for (size_t j = 0; j < file->atoms_len; j++) {
            const struct sotto_ledger_atom *atom = &file->atoms[j];
            bool is_answered = atom->is_asked &&
                               (decision->question->groups_len == 0 || withheld[atom->group] == 0);
            size_t at = i * file->atoms_len + j;
            if ((is_answered || decision->is_known[at] != 0) && decision->is_written[at] == 0) {
                add_sketch(batch, decision, j, answer);
            }
        }
    }
}

/* --- One question --- */

static enum sotto_status check_file_texts(const struct sotto_ledger_file *file,
                                          struct sotto_error *err)
{
    enum sotto_status status = sotto__ledger_check_text(file->file, SOTTO__LEDGER_NAME_BYTES_MAX,
                                                        "the name of a file", err);
    for (size_t i = 0; status == SOTTO_OK && i < file->measures_len; i++) {
        status = sotto__ledger_check_text(file->measures[i].text, SOTTO__LEDGER_MEASURE_BYTES_MAX,
                                          "a sum", err);
    }
    for (size_t i = 0; status == SOTTO_OK && i < file->predicates_len; i++) {
        status =
            sotto__ledger_check_text(file->predicates[i], PREDICATE_BYTES_MAX, "a condition", err);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    if (file->predicates_len > SOTTO_LEDGER_PREDICATES_MAX) {
        return sotto_error_set(
            err, SOTTO_ERROR_LIMIT,
            "%s was asked about %zu different conditions, and the ledger holds %d: its owner may "
            "begin an epoch (sotto audit --epoch %s)",
            file->file, file->predicates_len, SOTTO_LEDGER_PREDICATES_MAX, file->file);
    }
    return file->measures_len == 0 ||
                   file->atoms_len <= SOTTO_LEDGER_SKETCHES_MAX / file->measures_len
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_LIMIT,
                                 "the ledger takes at most %d sums of different rows in an answer, "
                                 "found %zu of %zu kinds of rows: ask for fewer",
                                 SOTTO_LEDGER_SKETCHES_MAX, file->measures_len, file->atoms_len);
}

/* All files are decided before any is written down: a group may be withheld for any of them. */
static enum sotto_status decide_all(struct decision *decisions, size_t *known_lens, size_t *out_len,
                                    struct sotto_ledger *ledger, uint8_t *withheld,
                                    const struct sotto_ledger_question *question,
                                    const struct sotto__ledger_set *parties,
                                    struct sotto_ledger_pending *pending, struct sotto_error *err)
{
    for (size_t i = 0; i < question->files_len; i++) {
        enum sotto_status status = check_file_texts(&question->files[i], err);
        if (status != SOTTO_OK) {
            return status;
        }
        status = sotto__decision_init(&decisions[i], ledger, question, &question->files[i], parties,
                                      pending, err);
        *out_len = i + 1;
        if (status != SOTTO_OK) {
            return status;
        }
        status = sotto__decision_decide(&decisions[i], &known_lens[i], withheld, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* Charges for one file, and adds what it is answered. */
static enum sotto_status write_file(struct sotto__ledger_batch *batch, struct decision *decision,
                                    const uint8_t *withheld, size_t known_len, uint64_t answer,
                                    struct sotto_error *err)
{
    enum sotto_status status =
        sotto__ledger_charge(batch, decision->question, decision->file, withheld, answer, err);
    if (status != SOTTO_OK) {
        return status;
    }
    add_file(batch, decision, withheld, known_len, answer);
    status = sotto__ledger_add_key(batch, decision->file, decision->epoch, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto__ledger_add_products(batch, decision->file, decision->epoch, err);
}

/* Charges, and writes down what all files are answered. */
static enum sotto_status write_answer(struct sotto_ledger *ledger, uint64_t number,
                                      struct decision *decisions, const size_t *known_lens,
                                      const uint8_t *withheld,
                                      const struct sotto_ledger_question *question,
                                      const struct sotto__ledger_set *parties,
                                      struct sotto_error *err)
{
    struct sotto__ledger_batch batch = {.ledger = ledger, .now_ms = question->now_ms};
    add_answer(&batch, question, parties);
    enum sotto_status status = sotto__ledger_add_parties(&batch, parties, err);
    for (size_t i = 0; status == SOTTO_OK && i < question->files_len; i++) {
        status = write_file(&batch, &decisions[i], withheld, known_lens[i], number, err);
    }
    if (status != SOTTO_OK) {
        sotto__ledger_batch_release(&batch);
        return status;
    }
    return sotto__ledger_append(&batch, 0, err);
}

static void release_decisions(struct decision *decisions, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        sotto__decision_release(&decisions[i]);
    }
    sotto_free(decisions);
}

enum sotto_status sotto_ledger_foresee(struct sotto_ledger *ledger, bool *out_is_of_parties,
                                       uint8_t *withheld,
                                       const struct sotto_ledger_question *question,
                                       struct sotto_error *err)
{
    static const struct sotto__ledger_set nobody;
    size_t decisions_len = 0;
    struct sotto_ledger_pending pending = {0};
    struct decision *decisions = sotto_alloc_array(question->files_len + 1, sizeof *decisions);
    size_t *known_lens = sotto_alloc_array(question->files_len + 1, sizeof *known_lens);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    SOTTO_REQUIRE(question->parties_len == 0 && question->parties_least == 0);
    if (decisions == NULL || known_lens == NULL) {
        (void)sotto_error_no_memory(err);
        goto out;
    }
    status = decide_all(decisions, known_lens, &decisions_len, ledger, withheld, question, &nobody,
                        &pending, err);
    *out_is_of_parties = false;
    for (size_t i = 0; i < decisions_len; i++) {
        *out_is_of_parties = *out_is_of_parties || decisions[i].is_of_parties;
    }
out:
    sotto_ledger_pending_release(&pending);
    release_decisions(decisions, decisions_len);
    sotto_free(known_lens);
    return status;
}

enum sotto_status sotto_ledger_answer(struct sotto_ledger *ledger, struct sotto_ledger_pending *out,
                                      enum sotto_rule *out_rule, uint8_t *withheld,
                                      const struct sotto_ledger_question *question,
                                      struct sotto_error *err)
{
    struct sotto__ledger_set parties = {0};
    size_t decisions_len = 0;
    struct sotto_ledger_pending pending = {.number = ledger->head_number + 1,
                                           .parties_least = question->parties_least};
    struct decision *decisions = sotto_alloc_array(question->files_len + 1, sizeof *decisions);
    size_t *known_lens = sotto_alloc_array(question->files_len + 1, sizeof *known_lens);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    *out_rule = SOTTO_RULE_LEDGER;
    if (decisions == NULL || known_lens == NULL ||
        sotto__ledger_set_init(&parties, question->parties, question->parties_len) != SOTTO_OK) {
        (void)sotto_error_no_memory(err);
        goto out;
    }
    status = decide_all(decisions, known_lens, &decisions_len, ledger, withheld, question, &parties,
                        &pending, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    *out_rule = SOTTO_RULE_BUDGET;
    status = write_answer(ledger, pending.number, decisions, known_lens, withheld, question,
                          &parties, err);
out:
    if (status == SOTTO_OK) {
        *out = pending;
    } else {
        sotto_ledger_pending_release(&pending);
    }
    release_decisions(decisions, decisions_len);
    sotto__ledger_set_release(&parties);
    sotto_free(known_lens);
    return status;
}
