/* SPDX-License-Identifier: Apache-2.0 */

/* Which column of a file is its key (sotto/ledger.h). Leans on chain.c. The one idea: sketches of
 * values with keys and sketches without, or with other keys, differ in all values, as if all rows
 * were new, and would refuse nothing. So an epoch has one key, or none, from its first answer on.
 */

#include "ledger_decide.h"

#include <stdio.h>
#include <string.h>

static void find_subject(uint8_t out[SOTTO_LEDGER_SUBJECT_BYTES], const char *file, uint64_t epoch)
{
    sotto__ledger_subject(out, SOTTO__SUBJECT_KEY, "", 0, epoch, file);
}

/* The key of an epoch; "": it has none, which older ledgers don't write down. */
struct known_key {
    bool is_written;
    char text[SOTTO_LEDGER_TEXT_BYTES_MAX + 1];
    int64_t created_ms;
};

static enum sotto_status see_key(void *context, const struct sotto_ledger_row *row,
                                 struct sotto_error *err)
{
    struct known_key *known = context;
    struct sotto__ledger_entry entry;
    if (!sotto__ledger_decode(&entry, row)) {
        return sotto_error_set(err, SOTTO_ERROR_AUTH, "entry %llu of the ledger can't be read",
                               (unsigned long long)row->number);
    }
    known->is_written = true;
    memcpy(known->text, entry.entry.text, sizeof known->text);
    known->created_ms = entry.entry.created_ms;
    return SOTTO_OK;
}

static enum sotto_status read_key(struct known_key *out, struct sotto_ledger *ledger,
                                  const char *file, uint64_t epoch, struct sotto_error *err)
{
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    *out = (struct known_key){.text = ""};
    find_subject(subject, file, epoch);
    return ledger->storage.each(ledger->storage.context, subject, see_key, out, err);
}

static enum sotto_status was_asked(bool *out, struct sotto_ledger *ledger, const char *file,
                                   size_t predicates_len, struct sotto_error *err)
{
    struct sotto_ledger_texts products = {0};
    enum sotto_status status = sotto_ledger_products(ledger, &products, file, err);
    *out = predicates_len > 0 || products.len > 0;
    sotto_ledger_texts_release(&products);
    return status;
}

enum sotto_status sotto__decision_check_key(const struct decision *decision, size_t predicates_len,
                                            struct sotto_error *err)
{
    const struct sotto_ledger_file *file = decision->file;
    const char *key = file->key != NULL ? file->key : "";
    struct known_key known;
    bool is_asked = true;
    enum sotto_status status = read_key(&known, decision->ledger, file->file, decision->epoch, err);
    if (status != SOTTO_OK || strcmp(known.text, key) == 0) {
        return status;
    }
    if (!known.is_written) {
        status = was_asked(&is_asked, decision->ledger, file->file, predicates_len, err);
    }
    if (status != SOTTO_OK || !is_asked) {
        return status;
    }
    return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                           "ledger: %.100s was answered %s%.100s, and now has %s%.100s, so that it "
                           "is not known what changed: set that again, or begin an epoch (sotto "
                           "audit --epoch)",
                           file->file, known.text[0] != '\0' ? "with the key " : "without a key",
                           known.text, key[0] != '\0' ? "the key " : "none", key);
}

enum sotto_status sotto__ledger_add_key(struct sotto__ledger_batch *batch,
                                        const struct sotto_ledger_file *file, uint64_t epoch,
                                        struct sotto_error *err)
{
    struct sotto__ledger_entry entry = {.entry = {.kind = SOTTO_LEDGER_KEY}};
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    struct known_key known;
    enum sotto_status status = read_key(&known, batch->ledger, file->file, epoch, err);
    bool is_young = known.is_written && batch->now_ms - known.created_ms < SOTTO__LEDGER_REPEAT_MS;
    if (status != SOTTO_OK || is_young) {
        return status;
    }
    (void)snprintf(entry.entry.file, sizeof entry.entry.file, "%s", file->file);
    (void)snprintf(entry.entry.text, sizeof entry.entry.text, "%s",
                   file->key != NULL ? file->key : "");
    find_subject(subject, file->file, epoch);
    sotto__ledger_add(batch, &entry, subject);
    return SOTTO_OK;
}
