/* SPDX-License-Identifier: Apache-2.0 */

/* The ledger's entries: their bytes, and the chain that they stand in. Leans on libsodium's keyed
 * BLAKE2b. The one idea: an entry's digest is of its own bytes and of the digest before it, under a
 * key that only this node has, so that nobody who can write to the disk can change, take out or add
 * one, but for cutting off the end: whoever has the head elsewhere sees that too. */

#include "chain.h"

#include <endian.h>
#include <sodium.h>
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <string.h>

_Static_assert(SOTTO_LEDGER_DIGEST_BYTES == crypto_generichash_BYTES, "BLAKE2b-256");

/* --- Keys and digests --- */

static void derive_key(uint8_t out[32], const uint8_t secret[SOTTO_LEDGER_SECRET_BYTES],
                       const char *label)
{
    (void)crypto_generichash(out, 32, (const unsigned char *)label, strlen(label), secret,
                             SOTTO_LEDGER_SECRET_BYTES);
}

static void hash_u64(crypto_generichash_state *state, uint64_t value)
{
    uint8_t bytes[8];
    sotto_store_u64(bytes, value);
    (void)crypto_generichash_update(state, bytes, sizeof bytes);
}

static void digest_row(uint8_t out[SOTTO_LEDGER_DIGEST_BYTES], const struct sotto_ledger *ledger,
                       const uint8_t before[SOTTO_LEDGER_DIGEST_BYTES],
                       const struct sotto_ledger_row *row)
{
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, ledger->chain_key, sizeof ledger->chain_key,
                                  SOTTO_LEDGER_DIGEST_BYTES);
    (void)crypto_generichash_update(&state, before, SOTTO_LEDGER_DIGEST_BYTES);
    hash_u64(&state, row->number);
    hash_u64(&state, (uint64_t)row->created_ms);
    (void)crypto_generichash_update(&state, row->subject, sizeof row->subject);
    (void)crypto_generichash_update(&state, row->bytes, row->bytes_len);
    (void)crypto_generichash_final(&state, out, SOTTO_LEDGER_DIGEST_BYTES);
}

void sotto__ledger_subject(uint8_t out[SOTTO_LEDGER_SUBJECT_BYTES], enum sotto__ledger_subject kind,
                           const void *first, size_t first_bytes, uint64_t number, const char *text)
{
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, NULL, 0, SOTTO_LEDGER_SUBJECT_BYTES);
    hash_u64(&state, kind);
    hash_u64(&state, number);
    hash_u64(&state, first_bytes);
    (void)crypto_generichash_update(&state, first, first_bytes);
    (void)crypto_generichash_update(&state, (const unsigned char *)text, strlen(text));
    (void)crypto_generichash_final(&state, out, SOTTO_LEDGER_SUBJECT_BYTES);
}

/* --- Bytes --- */

/* Which fields a kind of entry has, in this order. */
enum {
    HAS_ANSWER = 1,
    HAS_COUNT = 2,
    HAS_TASK = 4,  /* and creator and name */
    HAS_ROUND = 8, /* and how many parties, and a digest of the plan */
    HAS_FILE = 16,
    HAS_TEXT = 32,
    HAS_SKETCH = 64,
    HAS_CHAINED = 128,
    HAS_SUMS = 256,
    HAS_PARTIES = 512,
    HAS_MEMBERS = 1024,
    HAS_WORDS = 2048,
};

static const unsigned fields_of[SOTTO_LEDGER_KINDS_LEN] = {
    [SOTTO_LEDGER_ANSWER] = HAS_TASK | HAS_ROUND | HAS_PARTIES,
    [SOTTO_LEDGER_SKETCH] = HAS_ANSWER | HAS_FILE | HAS_TEXT | HAS_SKETCH,
    [SOTTO_LEDGER_PREDICATE] = HAS_COUNT | HAS_FILE | HAS_TEXT,
    [SOTTO_LEDGER_CONSENT] = HAS_ANSWER | HAS_PARTIES,
    [SOTTO_LEDGER_ANNULLED] = HAS_ANSWER,
    [SOTTO_LEDGER_EPOCH] = HAS_COUNT | HAS_FILE,
    [SOTTO_LEDGER_REFUSAL] = HAS_TASK | HAS_TEXT | HAS_COUNT,
    [SOTTO_LEDGER_FORGOTTEN] = HAS_ANSWER | HAS_CHAINED,
    [SOTTO_LEDGER_TOLD] = HAS_ANSWER | HAS_FILE | HAS_TEXT | HAS_PARTIES,
    [SOTTO_LEDGER_PARTIES] = HAS_COUNT | HAS_MEMBERS,
    [SOTTO_LEDGER_SET] = HAS_ANSWER | HAS_COUNT | HAS_FILE | HAS_TEXT | HAS_WORDS,
    [SOTTO_LEDGER_PRODUCT] = HAS_FILE | HAS_TEXT,
    [SOTTO_LEDGER_KEY] = HAS_FILE | HAS_TEXT,
    [SOTTO_LEDGER_RESTORED] = HAS_COUNT,
    [SOTTO_LEDGER_SUMS] = HAS_ANSWER | HAS_COUNT | HAS_FILE | HAS_TEXT | HAS_SUMS,
};

static void write_text(struct sotto_writer *writer, const char *text)
{
    sotto_write_blob(writer, text, strlen(text));
}

static void write_sketch(struct sotto_writer *writer, const struct sotto__ledger_entry *from)
{
    sotto_write_u16(writer, from->predicates_len);
    sotto_write_bytes(writer, from->atom, sizeof from->atom);
    sotto_write_u64(writer, from->values);
    for (size_t i = 0; i < SOTTO_SKETCH_CELLS; i++) {
        sotto_write_u64(writer, from->sketch.cells[i]);
    }
}

static void write_words(struct sotto_writer *writer, const struct sotto__ledger_words *words)
{
    sotto_write_u8(writer, words->are_atoms);
    sotto_write_u64(writer, words->atoms);
    sotto_write_u64(writer, words->values);
    sotto_write_u8(writer, words->literals_len);
    for (size_t i = 0; i < words->literals_len; i++) {
        sotto_write_u16(writer, words->literals[i].predicate);
        sotto_write_u16(writer, words->literals[i].class_);
    }
}

static void encode_entry(struct sotto_writer *writer, const struct sotto__ledger_entry *from)
{
    const struct sotto_ledger_entry *entry = &from->entry;
    unsigned fields = fields_of[entry->kind];
    sotto_write_u8(writer, (uint8_t)entry->kind);
    if ((fields & HAS_ANSWER) != 0) {
        sotto_write_u64(writer, entry->answer);
    }
    if ((fields & HAS_COUNT) != 0) {
        sotto_write_u64(writer, entry->count);
    }
    if ((fields & HAS_TASK) != 0) {
        sotto_write_bytes(writer, entry->task, sizeof entry->task);
        sotto_write_bytes(writer, entry->creator, sizeof entry->creator);
        write_text(writer, entry->name);
    }
    if ((fields & HAS_ROUND) != 0) {
        sotto_write_u32(writer, entry->round);
        sotto_write_u32(writer, entry->parties_len);
        sotto_write_bytes(writer, from->plan_digest, sizeof from->plan_digest);
    }
    if ((fields & HAS_FILE) != 0) {
        write_text(writer, entry->file);
    }
    if ((fields & HAS_TEXT) != 0) {
        write_text(writer, entry->text);
    }
    if ((fields & HAS_SKETCH) != 0) {
        write_sketch(writer, from);
    }
    if ((fields & HAS_CHAINED) != 0) {
        sotto_write_bytes(writer, from->chained, sizeof from->chained);
    }
    if ((fields & HAS_SUMS) != 0) {
        sotto_write_u32(writer, entry->sums_len);
        sotto_write_bytes(writer, from->sums, entry->sums_len * sizeof from->sums[0]);
    }
    if ((fields & HAS_PARTIES) != 0) {
        sotto_write_bytes(writer, from->parties, sizeof from->parties);
    }
    if ((fields & HAS_WORDS) != 0) {
        write_words(writer, &from->words);
    }
    for (size_t i = 0; (fields & HAS_MEMBERS) != 0 && i < from->members_len; i++) {
        sotto_write_u64(writer, from->members[i]);
    }
}

static void read_text(struct sotto_reader *reader, char *out, size_t out_bytes)
{
    size_t bytes = 0;
    const uint8_t *text = sotto_read_blob(reader, &bytes, out_bytes - 1);
    if (text != NULL) {
        memcpy(out, text, bytes);
    }
    out[text != NULL ? bytes : 0] = '\0';
}

static void read_sketch(struct sotto_reader *reader, struct sotto__ledger_entry *out)
{
    out->predicates_len = sotto_read_u16(reader);
    sotto_read_copy(reader, out->atom, sizeof out->atom);
    out->values = sotto_read_u64(reader);
    /* One copy, not a call for each cell: 10,000 sketches are read at a time. */
    sotto_read_copy(reader, out->sketch.cells, sizeof out->sketch.cells);
    for (size_t i = 0; i < SOTTO_SKETCH_CELLS; i++) {
        out->sketch.cells[i] = le64toh(out->sketch.cells[i]);
    }
}

static void read_sums(struct sotto_reader *reader, struct sotto__ledger_entry *out)
{
    out->entry.sums_len = sotto_read_u32(reader);
    if (out->entry.sums_len > SOTTO__LEDGER_SUMS_MAX) {
        sotto_reader_fail(reader);
        return;
    }
    sotto_read_copy(reader, out->sums, out->entry.sums_len * sizeof out->sums[0]);
}

static void read_words(struct sotto_reader *reader, struct sotto__ledger_entry *out)
{
    struct sotto__ledger_words *words = &out->words;
    words->are_atoms = sotto_read_u8(reader) != 0;
    words->atoms = sotto_read_u64(reader);
    words->values = sotto_read_u64(reader);
    words->literals_len = sotto_read_u8(reader);
    if (words->literals_len > SOTTO__LEDGER_LITERALS_MAX) {
        sotto_reader_fail(reader);
        return;
    }
    for (size_t i = 0; i < words->literals_len; i++) {
        words->literals[i].predicate = sotto_read_u16(reader);
        words->literals[i].class_ = sotto_read_u16(reader);
        if (words->literals[i].predicate >= out->entry.count) {
            sotto_reader_fail(reader);
        }
    }
}

static void read_members(struct sotto_reader *reader, struct sotto__ledger_entry *out)
{
    for (out->members_len = 0; sotto_reader_left(reader) > 0; out->members_len++) {
        if (out->members_len == SOTTO__LEDGER_MEMBERS_MAX) {
            sotto_reader_fail(reader);
            return;
        }
        out->members[out->members_len] = sotto_read_u64(reader);
    }
}

/* All but what lies behind a length or the end of a text: 10,000 entries are read at a time. */
static void clear_entry(struct sotto__ledger_entry *out)
{
    struct sotto_ledger_entry *entry = &out->entry;
    memset(entry, 0, offsetof(struct sotto_ledger_entry, name));
    entry->name[0] = entry->file[0] = entry->text[0] = '\0';
    out->predicates_len = 0;
}

bool sotto__ledger_decode(struct sotto__ledger_entry *out, const struct sotto_ledger_row *row)
{
    struct sotto_reader reader;
    struct sotto_ledger_entry *entry = &out->entry;
    clear_entry(out);
    sotto_reader_init(&reader, row->bytes, row->bytes_len);
    uint8_t kind = sotto_read_u8(&reader);
    if (kind == 0 || kind >= SOTTO_LEDGER_KINDS_LEN) {
        return false;
    }
    unsigned fields = fields_of[kind];
    entry->kind = (enum sotto_ledger_kind)kind;
    entry->number = row->number;
    entry->created_ms = row->created_ms;
    entry->answer = (fields & HAS_ANSWER) != 0 ? sotto_read_u64(&reader) : 0;
    entry->count = (fields & HAS_COUNT) != 0 ? sotto_read_u64(&reader) : 0;
    if ((fields & HAS_TASK) != 0) {
        sotto_read_copy(&reader, entry->task, sizeof entry->task);
        sotto_read_copy(&reader, entry->creator, sizeof entry->creator);
        read_text(&reader, entry->name, sizeof entry->name);
    }
    if ((fields & HAS_ROUND) != 0) {
        entry->round = sotto_read_u32(&reader);
        entry->parties_len = sotto_read_u32(&reader);
        sotto_read_copy(&reader, out->plan_digest, sizeof out->plan_digest);
    }
    if ((fields & HAS_FILE) != 0) {
        read_text(&reader, entry->file, sizeof entry->file);
    }
    if ((fields & HAS_TEXT) != 0) {
        read_text(&reader, entry->text, sizeof entry->text);
    }
    if ((fields & HAS_SKETCH) != 0) {
        read_sketch(&reader, out);
    }
    if ((fields & HAS_CHAINED) != 0) {
        sotto_read_copy(&reader, out->chained, sizeof out->chained);
    }
    if ((fields & HAS_SUMS) != 0) {
        read_sums(&reader, out);
    }
    if ((fields & HAS_PARTIES) != 0) {
        sotto_read_copy(&reader, out->parties, sizeof out->parties);
    }
    if ((fields & HAS_WORDS) != 0) {
        read_words(&reader, out);
    }
    if ((fields & HAS_MEMBERS) != 0) {
        read_members(&reader, out);
    }
    return sotto_reader_finished(&reader);
}

/* --- Appending --- */

void sotto__ledger_batch_release(struct sotto__ledger_batch *batch)
{
    for (size_t i = 0; i < batch->rows_len; i++) {
        sotto_free((void *)batch->rows[i].bytes);
    }
    sotto_free(batch->rows);
    batch->rows = NULL;
    batch->rows_len = batch->capacity_len = 0;
}

void sotto__ledger_add(struct sotto__ledger_batch *batch, struct sotto__ledger_entry *in_out,
                       const uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES])
{
    const struct sotto_ledger *ledger = batch->ledger;
    struct sotto_writer writer;
    void *rows = batch->rows;
    if (batch->status != SOTTO_OK) {
        return;
    }
    batch->status =
        sotto_array_reserve(&rows, &batch->capacity_len, batch->rows_len + 1, sizeof *batch->rows);
    if (batch->status != SOTTO_OK) {
        return;
    }
    batch->rows = rows;
    in_out->entry.number = ledger->head_number + batch->rows_len + 1;
    in_out->entry.created_ms = batch->now_ms;
    sotto_writer_init(&writer, SOTTO_LEDGER_ENTRY_BYTES_MAX);
    encode_entry(&writer, in_out);
    batch->status = sotto_writer_status(&writer);
    if (batch->status != SOTTO_OK) {
        sotto_writer_release(&writer);
        return;
    }
    struct sotto_ledger_row *row = &batch->rows[batch->rows_len];
    *row = (struct sotto_ledger_row){.number = in_out->entry.number, .created_ms = batch->now_ms};
    memcpy(row->subject, subject, sizeof row->subject);
    row->bytes = sotto_writer_take(&writer, &row->bytes_len);
    digest_row(row->digest, ledger,
               batch->rows_len > 0 ? batch->rows[batch->rows_len - 1].digest : ledger->head_digest,
               row);
    batch->rows_len++;
}

static enum sotto_status append_rows(struct sotto__ledger_batch *batch, uint64_t forget_below,
                                     struct sotto_error *err)
{
    struct sotto_ledger *ledger = batch->ledger;
    if (batch->status != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    if (batch->rows_len == 0) {
        return SOTTO_OK;
    }
    enum sotto_status status = ledger->storage.append(ledger->storage.context, batch->rows,
                                                      batch->rows_len, forget_below, err);
    if (status != SOTTO_OK) {
        return status;
    }
    const struct sotto_ledger_row *last = &batch->rows[batch->rows_len - 1];
    ledger->head_number = last->number;
    memcpy(ledger->head_digest, last->digest, sizeof ledger->head_digest);
    return SOTTO_OK;
}

enum sotto_status sotto__ledger_append(struct sotto__ledger_batch *batch, uint64_t forget_below,
                                       struct sotto_error *err)
{
    enum sotto_status status = append_rows(batch, forget_below, err);
    sotto__ledger_batch_release(batch);
    return status;
}

/* --- Opening --- */

struct verification {
    struct sotto_ledger *ledger;
    uint64_t forgotten_below;                     /* as the chain says; 0: nothing */
    uint8_t forgotten[SOTTO_LEDGER_DIGEST_BYTES]; /* the digest of the last that was forgotten */
    struct sotto_ledger_row first;                /* without bytes */
};

static enum sotto_status fail_tampered(const struct sotto_ledger_row *row, const char *what,
                                       struct sotto_error *err)
{
    return sotto_error_set(
        err, SOTTO_ERROR_AUTH,
        "the ledger of answers was changed by somebody else: entry %llu %s. Nothing is answered "
        "with it. Restore the database from a backup; with a new one, this node forgets what it "
        "has answered",
        (unsigned long long)row->number, what);
}

static enum sotto_status keep_annulled(struct sotto_ledger *ledger, uint64_t answer,
                                       struct sotto_error *err)
{
    void *annulled = ledger->annulled;
    if (sotto_array_reserve(&annulled, &ledger->annulled_capacity_len, ledger->annulled_len + 1,
                            sizeof *ledger->annulled) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    ledger->annulled = annulled;
    ledger->annulled[ledger->annulled_len++] = answer;
    return SOTTO_OK;
}

/* The first entry's place in the chain is what FORGOTTEN says, which comes later: a candidate until
 * then. */
static enum sotto_status verify_row(void *context, const struct sotto_ledger_row *row,
                                    struct sotto_error *err)
{
    struct verification *verification = context;
    struct sotto_ledger *ledger = verification->ledger;
    struct sotto__ledger_entry entry;
    uint8_t digest[SOTTO_LEDGER_DIGEST_BYTES];
    bool is_first = verification->first.number == 0;
    if (!is_first && row->number != ledger->head_number + 1) {
        return fail_tampered(row, "does not follow the one before", err);
    }
    if (is_first) {
        verification->first = *row;
        verification->first.bytes = NULL;
    }
    if (!is_first || row->number == 1) {
        digest_row(digest, ledger, ledger->head_digest, row);
        if (memcmp(digest, row->digest, sizeof digest) != 0) {
            return fail_tampered(row, "is not what was written", err);
        }
    }
    if (!sotto__ledger_decode(&entry, row)) {
        return fail_tampered(row, "can't be read", err);
    }
    if (entry.entry.kind == SOTTO_LEDGER_FORGOTTEN) {
        verification->forgotten_below = entry.entry.answer;
        memcpy(verification->forgotten, entry.chained, sizeof verification->forgotten);
    }
    ledger->head_number = row->number;
    memcpy(ledger->head_digest, row->digest, sizeof ledger->head_digest);
    return entry.entry.kind == SOTTO_LEDGER_ANNULLED
               ? keep_annulled(ledger, entry.entry.answer, err)
               : SOTTO_OK;
}

static enum sotto_status verify_first(void *context, const struct sotto_ledger_row *row,
                                      struct sotto_error *err)
{
    const struct verification *verification = context;
    uint8_t digest[SOTTO_LEDGER_DIGEST_BYTES];
    if (row->number != verification->first.number) {
        return SOTTO_OK;
    }
    digest_row(digest, verification->ledger, verification->forgotten, row);
    return memcmp(digest, row->digest, sizeof digest) == 0
               ? SOTTO_OK
               : fail_tampered(row, "is not what was written", err);
}

static enum sotto_status verify_chain(struct sotto_ledger *ledger, struct sotto_error *err)
{
    struct verification verification = {.ledger = ledger};
    const struct sotto_ledger_storage *storage = &ledger->storage;
    enum sotto_status status =
        storage->each(storage->context, NULL, verify_row, &verification, err);
    uint64_t first = verification.first.number;
    if (status != SOTTO_OK || first <= 1) {
        return status;
    }
    if (verification.forgotten_below != first) {
        return fail_tampered(&verification.first, "is the first one that is there", err);
    }
    return storage->each(storage->context, NULL, verify_first, &verification, err);
}

enum sotto_status sotto_ledger_open(struct sotto_ledger **out,
                                    const struct sotto_ledger_storage *storage,
                                    const uint8_t secret[SOTTO_LEDGER_SECRET_BYTES],
                                    struct sotto_error *err)
{
    uint8_t sketch_secret[SOTTO_SKETCH_SECRET_BYTES];
    struct sotto_ledger *ledger = sotto_secret_alloc(sizeof *ledger);
    if (ledger == NULL) {
        return sotto_error_no_memory(err);
    }
    ledger->storage = *storage;
    derive_key(ledger->chain_key, secret, "sotto ledger chain");
    derive_key(sketch_secret, secret, "sotto ledger sketches");
    sotto_sketch_key_init(&ledger->sketch_key, sketch_secret);
    sotto_wipe(sketch_secret, sizeof sketch_secret);
    enum sotto_status status = verify_chain(ledger, err);
    if (status != SOTTO_OK) {
        sotto_ledger_free(ledger);
        return status;
    }
    *out = ledger;
    return SOTTO_OK;
}

void sotto_ledger_free(struct sotto_ledger *ledger)
{
    if (ledger != NULL) {
        sotto_free(ledger->annulled);
        sotto_secret_free(ledger);
    }
}

uint64_t sotto_ledger_head(const struct sotto_ledger *ledger,
                           uint8_t out_digest[SOTTO_LEDGER_DIGEST_BYTES])
{
    memcpy(out_digest, ledger->head_digest, SOTTO_LEDGER_DIGEST_BYTES);
    return ledger->head_number;
}

const struct sotto_sketch_key *sotto_ledger_sketch_key(const struct sotto_ledger *ledger)
{
    return &ledger->sketch_key;
}

/* --- Annulment --- */

bool sotto__ledger_is_annulled(const struct sotto_ledger *ledger, uint64_t answer)
{
    for (size_t i = ledger->annulled_len; i-- > 0;) {
        if (ledger->annulled[i] == answer) {
            return true;
        }
    }
    return false;
}

enum sotto_status sotto_ledger_annul(struct sotto_ledger *ledger, uint64_t number, int64_t now_ms,
                                     struct sotto_error *err)
{
    struct sotto__ledger_batch batch = {.ledger = ledger, .now_ms = now_ms};
    struct sotto__ledger_entry entry = {.entry = {.kind = SOTTO_LEDGER_ANNULLED, .answer = number}};
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    sotto__ledger_subject(subject, SOTTO__SUBJECT_CHAIN, "", 0, 0, "");
    sotto__ledger_add(&batch, &entry, subject);
    enum sotto_status status = sotto__ledger_append(&batch, 0, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return keep_annulled(ledger, number, err);
}

/* --- Reading --- */

struct entry_reading {
    sotto_ledger_see *see;
    void *context;
};

static enum sotto_status see_row(void *context, const struct sotto_ledger_row *row,
                                 struct sotto_error *err)
{
    const struct entry_reading *reading = context;
    struct sotto__ledger_entry entry;
    if (!sotto__ledger_decode(&entry, row)) {
        return fail_tampered(row, "can't be read", err);
    }
    return reading->see(reading->context, &entry.entry, err);
}

enum sotto_status sotto_ledger_each(struct sotto_ledger *ledger, sotto_ledger_see *see,
                                    void *context, struct sotto_error *err)
{
    struct entry_reading reading = {.see = see, .context = context};
    return ledger->storage.each(ledger->storage.context, NULL, see_row, &reading, err);
}
