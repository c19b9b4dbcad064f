/* SPDX-License-Identifier: Apache-2.0 */

/* What was refused, and what becomes of old entries. Leans on chain.c. A refusal is an answer of
 * one bit, so it is written down as well, but nobody can fill the disk with it: beyond 1,000 of one
 * creator and rule on a day an entry is made each time their number has doubled. */

#include "chain.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

#define DAY_MS ((int64_t)24 * 3600 * 1000)

static void find_refusals_subject(uint8_t out[SOTTO_LEDGER_SUBJECT_BYTES],
                                  const uint8_t creator[SOTTO_LEDGER_KEY_BYTES], int64_t now_ms)
{
    sotto__ledger_subject(out, SOTTO__SUBJECT_REFUSALS, creator, SOTTO_LEDGER_KEY_BYTES,
                          (uint64_t)(now_ms / DAY_MS), "");
}

/* --- Counting --- */

/* Entries of one creator and day. rule NULL: of all rules. */
struct count {
    const char *rule;
    uint64_t refusals;
};

/* An entry's count is how many there are of its rule with it: each adds what is new in it. */
static enum sotto_status see_refusal(void *context, const struct sotto_ledger_row *row,
                                     struct sotto_error *err)
{
    struct count *count = context;
    struct sotto__ledger_entry entry;
    (void)err;
    if (sotto__ledger_decode(&entry, row) &&
        (count->rule == NULL || strcmp(entry.entry.text, count->rule) == 0)) {
        bool is_many = entry.entry.count > SOTTO_LEDGER_REFUSALS_MAX;
        count->refusals += is_many ? entry.entry.count / 2 : 1;
    }
    return SOTTO_OK;
}

static enum sotto_status count_refusals(struct sotto_ledger *ledger, struct count *count,
                                        const uint8_t creator[SOTTO_LEDGER_KEY_BYTES],
                                        int64_t now_ms, struct sotto_error *err)
{
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    find_refusals_subject(subject, creator, now_ms);
    return ledger->storage.each(ledger->storage.context, subject, see_refusal, count, err);
}

enum sotto_status sotto_ledger_refusals(struct sotto_ledger *ledger, uint64_t *out,
                                        const uint8_t creator[SOTTO_LEDGER_KEY_BYTES],
                                        int64_t now_ms, struct sotto_error *err)
{
    struct count count = {0};
    enum sotto_status status = count_refusals(ledger, &count, creator, now_ms, err);
    if (status == SOTTO_OK) {
        *out = count.refusals;
    }
    return status;
}

/* --- Writing down --- */

/* Finds the refusals that are not written down, or begins a count of them in place of an old one.
 */
static struct sotto__ledger_count *find_unwritten(struct sotto_ledger *ledger,
                                                  const uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES],
                                                  const char *rule)
{
    for (size_t i = 0; i < SOTTO__LEDGER_COUNTS_LEN; i++) {
        struct sotto__ledger_count *count = &ledger->counts[i];
        if (memcmp(count->subject, subject, sizeof count->subject) == 0 &&
            strcmp(count->rule, rule) == 0) {
            return count;
        }
    }
    struct sotto__ledger_count *count = &ledger->counts[ledger->next_count];
    ledger->next_count = (ledger->next_count + 1) % SOTTO__LEDGER_COUNTS_LEN;
    *count = (struct sotto__ledger_count){0};
    memcpy(count->subject, subject, sizeof count->subject);
    (void)snprintf(count->rule, sizeof count->rule, "%s", rule);
    return count;
}

enum sotto_status sotto_ledger_refuse(struct sotto_ledger *ledger,
                                      const uint8_t task[SOTTO_LEDGER_TASK_BYTES],
                                      const uint8_t creator[SOTTO_LEDGER_KEY_BYTES],
                                      const char *rule, const char *name, int64_t now_ms,
                                      struct sotto_error *err)
{
    struct sotto__ledger_batch batch = {.ledger = ledger, .now_ms = now_ms};
    struct sotto__ledger_entry entry = {.entry = {.kind = SOTTO_LEDGER_REFUSAL}};
    struct count written = {.rule = rule};
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    SOTTO_REQUIRE(strlen(rule) <= 32);
    enum sotto_status status = count_refusals(ledger, &written, creator, now_ms, err);
    if (status != SOTTO_OK) {
        return status;
    }
    find_refusals_subject(subject, creator, now_ms);
    struct sotto__ledger_count *unwritten = find_unwritten(ledger, subject, rule);
    unwritten->unwritten++;
    entry.entry.count = written.refusals + unwritten->unwritten;
    if (written.refusals >= SOTTO_LEDGER_REFUSALS_MAX && entry.entry.count < 2 * written.refusals) {
        return SOTTO_OK;
    }
    memcpy(entry.entry.task, task, sizeof entry.entry.task);
    memcpy(entry.entry.creator, creator, sizeof entry.entry.creator);
    (void)snprintf(entry.entry.name, sizeof entry.entry.name, "%s", name);
    (void)snprintf(entry.entry.text, sizeof entry.entry.text, "%s", rule);
    sotto__ledger_add(&batch, &entry, subject);
    status = sotto__ledger_append(&batch, 0, err);
    if (status == SOTTO_OK) {
        unwritten->unwritten = 0;
    }
    return status;
}

/* --- A copy --- */

enum sotto_status sotto_ledger_restored(struct sotto_ledger *ledger, int64_t copied_ms,
                                        int64_t now_ms, struct sotto_error *err)
{
    struct sotto__ledger_batch batch = {.ledger = ledger, .now_ms = now_ms};
    struct sotto__ledger_entry entry = {
        .entry = {.kind = SOTTO_LEDGER_RESTORED, .count = (uint64_t)copied_ms}};
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    sotto__ledger_subject(subject, SOTTO__SUBJECT_CHAIN, "", 0, 0, "");
    sotto__ledger_add(&batch, &entry, subject);
    return sotto__ledger_append(&batch, 0, err);
}

/* --- Age --- */

/* What is forgotten, and what of it has to be written down again. */
struct forgetting {
    struct sotto__ledger_batch batch;
    int64_t before_ms;
    uint64_t below;                            /* the first entry that stays */
    uint8_t digest[SOTTO_LEDGER_DIGEST_BYTES]; /* of the last one that goes */
    bool is_over;
};

static enum sotto_status keep_needed(struct forgetting *forgetting,
                                     const struct sotto_ledger_row *row, struct sotto_error *err)
{
    struct sotto__ledger_entry entry;
    uint64_t epoch;
    uint8_t current[SOTTO_LEDGER_SUBJECT_BYTES];
    if (!sotto__ledger_decode(&entry, row)) {
        return sotto_error_set(err, SOTTO_ERROR_AUTH, "entry %llu of the ledger can't be read",
                               (unsigned long long)row->number);
    }
    bool is_predicate = entry.entry.kind == SOTTO_LEDGER_PREDICATE;
    if (!is_predicate && entry.entry.kind != SOTTO_LEDGER_EPOCH) {
        return SOTTO_OK;
    }
    enum sotto_status status =
        sotto__ledger_epoch(forgetting->batch.ledger, &epoch, entry.entry.file, err);
    if (status != SOTTO_OK) {
        return status;
    }
    sotto__ledger_subject(current, SOTTO__SUBJECT_PREDICATES, "", 0, epoch, entry.entry.file);
    if (is_predicate ? memcmp(current, row->subject, sizeof current) == 0
                     : entry.entry.count == epoch) {
        sotto__ledger_add(&forgetting->batch, &entry, row->subject);
    }
    return SOTTO_OK;
}

static enum sotto_status see_old(void *context, const struct sotto_ledger_row *row,
                                 struct sotto_error *err)
{
    struct forgetting *forgetting = context;
    forgetting->is_over = forgetting->is_over || row->created_ms >= forgetting->before_ms;
    if (forgetting->is_over) {
        return SOTTO_OK;
    }
    forgetting->below = row->number + 1;
    memcpy(forgetting->digest, row->digest, sizeof forgetting->digest);
    return keep_needed(forgetting, row, err);
}

enum sotto_status sotto_ledger_prune(struct sotto_ledger *ledger, int64_t before_ms, int64_t now_ms,
                                     struct sotto_error *err)
{
    struct forgetting forgetting = {.batch = {.ledger = ledger, .now_ms = now_ms},
                                    .before_ms = before_ms - SOTTO__LEDGER_REPEAT_MS};
    enum sotto_status status =
        ledger->storage.each(ledger->storage.context, NULL, see_old, &forgetting, err);
    if (status != SOTTO_OK || forgetting.below == 0) {
        sotto__ledger_batch_release(&forgetting.batch);
        return status;
    }
    struct sotto__ledger_entry entry = {
        .entry = {.kind = SOTTO_LEDGER_FORGOTTEN, .answer = forgetting.below}};
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    memcpy(entry.chained, forgetting.digest, sizeof entry.chained);
    sotto__ledger_subject(subject, SOTTO__SUBJECT_CHAIN, "", 0, 0, "");
    sotto__ledger_add(&forgetting.batch, &entry, subject);
    return sotto__ledger_append(&forgetting.batch, forgetting.below, err);
}
