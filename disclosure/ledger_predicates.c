/* SPDX-License-Identifier: Apache-2.0 */

/* What a file was asked about: texts, epochs, and the predicates of an epoch. Leans on chain.c,
 * which has them as entries.
 *
 * The one idea: predicates are only ever added, each at the next place, so that an atom of an
 * earlier answer is known by its first classes. A new epoch begins with none. */

#include "ledger_decide.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

/* --- Texts --- */

void sotto_ledger_texts_release(struct sotto_ledger_texts *texts)
{
    for (size_t i = 0; i < texts->len; i++) {
        sotto_free(texts->texts[i]);
    }
    sotto_free(texts->texts);
    *texts = (struct sotto_ledger_texts){0};
}

static enum sotto_status append_text(struct sotto_ledger_texts *texts, const char *text)
{
    void *array = texts->texts;
    char *copy = sotto_text_copy(text, strlen(text));
    if (copy == NULL || sotto_array_reserve(&array, &texts->capacity_len, texts->len + 1,
                                            sizeof *texts->texts) != SOTTO_OK) {
        sotto_free(copy);
        return SOTTO_ERROR_NO_MEMORY;
    }
    texts->texts = array;
    texts->texts[texts->len++] = copy;
    return SOTTO_OK;
}

enum sotto_status sotto_ledger_texts_add(struct sotto_ledger_texts *texts, const char *text)
{
    for (size_t i = 0; i < texts->len; i++) {
        if (strcmp(texts->texts[i], text) == 0) {
            return SOTTO_OK;
        }
    }
    return append_text(texts, text);
}

/* --- Epochs and predicates --- */

static enum sotto_status see_epoch(void *context, const struct sotto_ledger_row *row,
                                   struct sotto_error *err)
{
    uint64_t *epoch = context;
    struct sotto__ledger_entry entry;
    (void)err;
    if (sotto__ledger_decode(&entry, row)) {
        *epoch = entry.entry.count;
    }
    return SOTTO_OK;
}

enum sotto_status sotto__ledger_epoch(struct sotto_ledger *ledger, uint64_t *out, const char *file,
                                      struct sotto_error *err)
{
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    sotto__ledger_subject(subject, SOTTO__SUBJECT_EPOCH, "", 0, 0, file);
    *out = 0;
    return ledger->storage.each(ledger->storage.context, subject, see_epoch, out, err);
}

/* A long predicate stands in several entries: its count is its place, and in the upper half which
 * part of the text it is. All parts but the last are full. */
#define PART_SHIFT 32

static enum sotto_status extend_text(char **in_out, const char *part)
{
    size_t bytes = strlen(*in_out);
    size_t part_bytes = strlen(part);
    char *whole = sotto_alloc(bytes + part_bytes + 1);
    if (whole == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    memcpy(whole, *in_out, bytes);
    memcpy(whole + bytes, part, part_bytes + 1);
    sotto_free(*in_out);
    *in_out = whole;
    return SOTTO_OK;
}

/* Predicates that are written down again when old entries are forgotten keep their place. */
static enum sotto_status see_predicate(void *context, const struct sotto_ledger_row *row,
                                       struct sotto_error *err)
{
    struct sotto_ledger_texts *texts = context;
    struct sotto__ledger_entry entry;
    bool is_entry = sotto__ledger_decode(&entry, row);
    size_t place = (size_t)(entry.entry.count & UINT32_MAX);
    size_t part_at = (size_t)(entry.entry.count >> PART_SHIFT) * SOTTO_LEDGER_TEXT_BYTES_MAX;
    size_t known_bytes = is_entry && place < texts->len ? strlen(texts->texts[place]) : 0;
    if (!is_entry || place > texts->len || part_at > known_bytes) {
        return sotto_error_set(err, SOTTO_ERROR_AUTH,
                               "the ledger lacks a predicate before entry %llu",
                               (unsigned long long)row->number);
    }
    if (place < texts->len && part_at < known_bytes) {
        return SOTTO_OK; /* written down again */
    }
    enum sotto_status status = place < texts->len
                                   ? extend_text(&texts->texts[place], entry.entry.text)
                                   : append_text(texts, entry.entry.text);
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
}

enum sotto_status sotto__ledger_read_predicates(struct sotto_ledger *ledger,
                                                struct sotto_ledger_texts *in_out, const char *file,
                                                uint64_t epoch, struct sotto_error *err)
{
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    sotto__ledger_subject(subject, SOTTO__SUBJECT_PREDICATES, "", 0, epoch, file);
    return ledger->storage.each(ledger->storage.context, subject, see_predicate, in_out, err);
}

enum sotto_status sotto_ledger_predicates(struct sotto_ledger *ledger,
                                          struct sotto_ledger_texts *in_out, const char *file,
                                          struct sotto_error *err)
{
    uint64_t epoch;
    enum sotto_status status = sotto__ledger_epoch(ledger, &epoch, file, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__ledger_read_predicates(ledger, in_out, file, epoch, err);
    if (status != SOTTO_OK) {
        sotto_ledger_texts_release(in_out);
    }
    return status;
}

static void add_epoch(struct sotto__ledger_batch *batch, const char *file, uint64_t epoch)
{
    struct sotto__ledger_entry entry = {.entry = {.kind = SOTTO_LEDGER_EPOCH, .count = epoch}};
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    (void)snprintf(entry.entry.file, sizeof entry.entry.file, "%s", file);
    sotto__ledger_subject(subject, SOTTO__SUBJECT_EPOCH, "", 0, 0, file);
    sotto__ledger_add(batch, &entry, subject);
}

enum sotto_status sotto__ledger_check_text(const char *text, size_t bytes_max, const char *what,
                                           struct sotto_error *err)
{
    return strlen(text) <= bytes_max
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_LIMIT,
                                 "the ledger takes %s of at most %zu bytes, found %zu: %.60s...",
                                 what, bytes_max, strlen(text), text);
}

enum sotto_status sotto_ledger_begin_epoch(struct sotto_ledger *ledger, const char *file,
                                           int64_t now_ms, struct sotto_error *err)
{
    struct sotto__ledger_batch batch = {.ledger = ledger, .now_ms = now_ms};
    uint64_t epoch;
    enum sotto_status status =
        sotto__ledger_check_text(file, SOTTO__LEDGER_NAME_BYTES_MAX, "the name of a file", err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__ledger_epoch(ledger, &epoch, file, err);
    if (status != SOTTO_OK) {
        return status;
    }
    add_epoch(&batch, file, epoch + 1);
    return sotto__ledger_append(&batch, 0, err);
}

void sotto__ledger_add_predicate(struct sotto__ledger_batch *batch, const char *file,
                                 uint64_t epoch, size_t index, const char *text)
{
    struct sotto__ledger_entry entry = {.entry = {.kind = SOTTO_LEDGER_PREDICATE, .count = index}};
    uint8_t subject[SOTTO_LEDGER_SUBJECT_BYTES];
    size_t bytes = strlen(text);
    (void)snprintf(entry.entry.file, sizeof entry.entry.file, "%s", file);
    sotto__ledger_subject(subject, SOTTO__SUBJECT_PREDICATES, "", 0, epoch, file);
    for (size_t at = 0; at < bytes; at += SOTTO_LEDGER_TEXT_BYTES_MAX) {
        (void)snprintf(entry.entry.text, sizeof entry.entry.text, "%.*s",
                       SOTTO_LEDGER_TEXT_BYTES_MAX, text + at);
        sotto__ledger_add(batch, &entry, subject);
        entry.entry.count += (uint64_t)1 << PART_SHIFT;
    }
}
