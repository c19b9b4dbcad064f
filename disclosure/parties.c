/* SPDX-License-Identifier: Apache-2.0 */

/* Over which parties an answer was. Leans on chain.c. The one idea: the same rows summed up over
 * two sets of parties tell, by their difference, the sum of those who are in one of them only; so
 * two sets are the same or differ by enough. What a party can't see are the other parties' rows:
 * where its own changed it is in the difference itself, and each party decides like that. */

#include "ledger_parties.h"

#include <sodium.h>
#include <sotto/alloc.h>
#include <stdlib.h>
#include <string.h>

/* --- Sets --- */

static int compare_members(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

enum sotto_status sotto__ledger_set_init(struct sotto__ledger_set *out,
                                         const struct sotto_ledger_party *parties, size_t len)
{
    crypto_generichash_state state;
    *out = (struct sotto__ledger_set){.members = sotto_alloc_array(len, sizeof *out->members)};
    if (out->members == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    out->len = len;
    for (size_t i = 0; i < len; i++) {
        uint8_t hash[crypto_generichash_BYTES_MIN];
        (void)crypto_generichash(hash, sizeof hash, parties[i].key, sizeof parties[i].key, NULL, 0);
        out->members[i] = sotto_load_u64(hash);
    }
    if (len > 0) {
        qsort(out->members, len, sizeof *out->members, compare_members);
    }
    (void)crypto_generichash_init(&state, NULL, 0, sizeof out->digest);
    for (size_t i = 0; i < len; i++) {
        uint8_t bytes[8];
        sotto_store_u64(bytes, out->members[i]);
        (void)crypto_generichash_update(&state, bytes, sizeof bytes);
    }
    (void)crypto_generichash_final(&state, out->digest, sizeof out->digest);
    return SOTTO_OK;
}

void sotto__ledger_set_release(struct sotto__ledger_set *set)
{
    sotto_free(set->members);
    *set = (struct sotto__ledger_set){0};
}

/* How many are in one of two sets only. */
static size_t count_difference(const struct sotto__ledger_set *one,
                               const struct sotto__ledger_set *other)
{
    size_t i = 0;
    size_t j = 0;
    size_t common = 0;
    while (i < one->len && j < other->len) {
        int order = compare_members(&one->members[i], &other->members[j]);
        common += order == 0;
        i += order <= 0;
        j += order >= 0;
    }
    return one->len + other->len - 2 * common;
}

/* --- In the ledger --- */

static void find_parties_subject(uint8_t out[SOTTO_LEDGER_SUBJECT_BYTES],
                                 const uint8_t digest[SOTTO_LEDGER_SUBJECT_BYTES])
{
    sotto__ledger_subject(out, SOTTO__SUBJECT_PARTIES, digest, SOTTO_LEDGER_SUBJECT_BYTES, 0, "");
}

/* Parts of a set; a set may have been written down more than once. */
struct set_reading {
    struct sotto__ledger_set set;
    size_t wanted_len;
};

static enum sotto_status see_parties(void *context, const struct sotto_ledger_row *row,
                                     struct sotto_error *err)
{
    struct set_reading *reading = context;
    struct sotto__ledger_set *set = &reading->set;
    struct sotto__ledger_entry entry;
    if (!sotto__ledger_decode(&entry, row) || entry.members_len > entry.entry.count) {
        return sotto_error_set(err, SOTTO_ERROR_AUTH, "entry %llu of the ledger can't be read",
                               (unsigned long long)row->number);
    }
    if (set->members == NULL) {
        reading->wanted_len = (size_t)entry.entry.count;
        set->members = sotto_alloc_array(reading->wanted_len, sizeof *set->members);
    }
    if (set->members == NULL) {
        return sotto_error_no_memory(err);
    }
    size_t left = reading->wanted_len - set->len;
    size_t len = entry.members_len < left ? entry.members_len : left;
    memcpy(set->members + set->len, entry.members, len * sizeof *set->members);
    set->len += len;
    return SOTTO_OK;
}

static enum sotto_status read_parties(struct sotto_ledger *ledger, struct sotto__ledger_set *out,
                                      const uint8_t digest[SOTTO_LEDGER_SUBJECT_BYTES],
                                      struct sotto_error *err)
{
    struct set_reading reading = {0};
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    find_parties_subject(subject, digest);
    enum sotto_status status =
        ledger->storage.each(ledger->storage.context, subject, see_parties, &reading, err);
    if (status != SOTTO_OK) {
        sotto_free(reading.set.members);
        return status;
    }
    *out = reading.set;
    return SOTTO_OK;
}

enum sotto_status sotto__ledger_add_parties(struct sotto__ledger_batch *batch,
                                            const struct sotto__ledger_set *set,
                                            struct sotto_error *err)
{
    struct sotto__ledger_set known;
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    struct sotto__ledger_entry entry = {.entry = {.kind = SOTTO_LEDGER_PARTIES, .count = set->len}};
    enum sotto_status status = read_parties(batch->ledger, &known, set->digest, err);
    if (status != SOTTO_OK) {
        return status;
    }
    bool is_known = known.len == set->len;
    sotto_free(known.members);
    find_parties_subject(subject, set->digest);
    for (size_t i = 0; !is_known && i < set->len; i += SOTTO__LEDGER_MEMBERS_MAX) {
        size_t left = set->len - i;
        entry.members_len = left < SOTTO__LEDGER_MEMBERS_MAX ? left : SOTTO__LEDGER_MEMBERS_MAX;
        memcpy(entry.members, set->members + i, entry.members_len * sizeof entry.members[0]);
        sotto__ledger_add(batch, &entry, subject);
    }
    return SOTTO_OK;
}

enum sotto_status sotto__ledger_compare_parties(struct sotto_ledger *ledger,
                                                const struct sotto__ledger_set *set,
                                                const uint8_t other[SOTTO_LEDGER_SUBJECT_BYTES],
                                                size_t least, struct sotto_error *err)
{
    struct sotto__ledger_set known;
    if (memcmp(set->digest, other, SOTTO_LEDGER_SUBJECT_BYTES) == 0) {
        return SOTTO_OK;
    }
    enum sotto_status status = read_parties(ledger, &known, other, err);
    if (status != SOTTO_OK) {
        return status;
    }
    size_t difference = count_difference(set, &known);
    if (difference < least) {
        status = sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                 "parties: these %zu and the %zu of an answer over the same rows "
                                 "of this node differ by %zu, and at least %zu are needed: wait "
                                 "for those who are missing, or ask more others",
                                 set->len, known.len, difference, least);
    }
    sotto_free(known.members);
    return status;
}

static enum sotto_status see_consent(void *context, const struct sotto_ledger_row *row,
                                     struct sotto_error *err)
{
    struct sotto__ledger_entry entry;
    if (!sotto__ledger_decode(&entry, row)) {
        return sotto_error_set(err, SOTTO_ERROR_AUTH, "entry %llu of the ledger can't be read",
                               (unsigned long long)row->number);
    }
    memcpy(context, entry.parties, sizeof entry.parties);
    return SOTTO_OK;
}

static void find_consent_subject(uint8_t out[SOTTO_LEDGER_SUBJECT_BYTES], uint64_t answer)
{
    sotto__ledger_subject(out, SOTTO__SUBJECT_CONSENT, "", 0, answer, "");
}

enum sotto_status sotto__ledger_opened(struct sotto_ledger *ledger,
                                       uint8_t in_out[SOTTO_LEDGER_SUBJECT_BYTES], uint64_t answer,
                                       struct sotto_error *err)
{
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    find_consent_subject(subject, answer);
    return ledger->storage.each(ledger->storage.context, subject, see_consent, in_out, err);
}

/* --- Survivors --- */

void sotto_ledger_pending_release(struct sotto_ledger_pending *pending)
{
    sotto_free(pending->sets);
    *pending = (struct sotto_ledger_pending){0};
}

static enum sotto_status append_consent(struct sotto_ledger *ledger,
                                        const struct sotto__ledger_set *survivors, uint64_t answer,
                                        int64_t now_ms, struct sotto_error *err)
{
    struct sotto__ledger_batch batch = {.ledger = ledger, .now_ms = now_ms};
    struct sotto__ledger_entry entry = {.entry = {.kind = SOTTO_LEDGER_CONSENT, .answer = answer}};
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    enum sotto_status status = sotto__ledger_add_parties(&batch, survivors, err);
    if (status != SOTTO_OK) {
        sotto__ledger_batch_release(&batch);
        return status;
    }
    memcpy(entry.parties, survivors->digest, sizeof entry.parties);
    find_consent_subject(subject, answer);
    sotto__ledger_add(&batch, &entry, subject);
    return sotto__ledger_append(&batch, 0, err);
}

enum sotto_status sotto_ledger_consent(struct sotto_ledger *ledger,
                                       const struct sotto_ledger_pending *pending,
                                       const struct sotto_ledger_party *survivors,
                                       size_t survivors_len, int64_t now_ms,
                                       struct sotto_error *err)
{
    struct sotto__ledger_set set;
    enum sotto_status status = sotto__ledger_set_init(&set, survivors, survivors_len);
    if (status != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; status == SOTTO_OK && i < pending->sets_len; i++) {
        status = sotto__ledger_compare_parties(ledger, &set, pending->sets[i],
                                               pending->parties_least, err);
    }
    if (status != SOTTO_OK) {
        goto out;
    }
    status = append_consent(ledger, &set, pending->number, now_ms, err);
out:
    sotto__ledger_set_release(&set);
    return status;
}
