/* SPDX-License-Identifier: Apache-2.0 */

/* The ledger (sotto/ledger.h) in words and numbers, as JSON for `sotto audit` and the API. The
 * idea: what is told of a column is asked of the ledger itself, which counts as it does when it
 * decides. */

#include "store/store_audit.h"

#include "loop/log.h"
#include <jansson.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

/* --- Entries --- */

/* The words of an entry's kind. Parts of an answer have no entry of their own in the list. */
static const char *const kind_words[SOTTO_LEDGER_KINDS_LEN] = {
    [SOTTO_LEDGER_ANSWER] = "answered",   [SOTTO_LEDGER_PREDICATE] = "asked about",
    [SOTTO_LEDGER_CONSENT] = "consented", [SOTTO_LEDGER_ANNULLED] = "annulled",
    [SOTTO_LEDGER_EPOCH] = "epoch",       [SOTTO_LEDGER_REFUSAL] = "refused",
    [SOTTO_LEDGER_FORGOTTEN] = "forgot",  [SOTTO_LEDGER_KEY] = "key",
    [SOTTO_LEDGER_RESTORED] = "restored",
};

struct listing {
    const struct store_audit *audit;
    json_t *entries;
    struct sotto_ledger_texts told; /* "file\ncolumn": no file's name has a line break */
};

/* A peer that was taken out of node.yaml has no name any more. */
static const char *find_peer(const struct store_audit *audit, const uint8_t *creator)
{
    struct sotto_key key;
    memcpy(key.bytes, creator, sizeof key.bytes);
    size_t peer = config_find_peer(audit->config, &key);
    if (peer != SOTTO_NONE) {
        return audit->config->file->peers[peer].name;
    }
    return sotto_key_equal(&key, &audit->own) ? audit->config->file->name : "?";
}

static void describe_task(char *out, size_t out_bytes, const struct store_audit *audit,
                          const struct sotto_ledger_entry *entry)
{
    char name[sizeof entry->name];
    memcpy(name, entry->name, sizeof name);
    sotto_text_sanitize(name);
    (void)snprintf(out, out_bytes, "task %02x%02x%02x%02x of %s (%s)", entry->task[0],
                   entry->task[1], entry->task[2], entry->task[3], find_peer(audit, entry->creator),
                   name);
}

static void describe_entry(char *out, size_t out_bytes, const struct store_audit *audit,
                           const struct sotto_ledger_entry *entry)
{
    char task[400] = "";
    char text[sizeof entry->text];
    memcpy(text, entry->text, sizeof text);
    sotto_text_sanitize(text);
    describe_task(task, sizeof task, audit, entry);
    switch (entry->kind) {
    case SOTTO_LEDGER_ANSWER:
        (void)snprintf(out, out_bytes, "%s, round %u, %u parties", task, (unsigned)entry->round,
                       (unsigned)entry->parties_len);
        break;
    case SOTTO_LEDGER_REFUSAL:
        (void)snprintf(out, out_bytes, "%s: %s, %llu on this day", task, text,
                       (unsigned long long)entry->count);
        break;
    case SOTTO_LEDGER_PREDICATE:
    case SOTTO_LEDGER_KEY:
        (void)snprintf(out, out_bytes, "%s: %s", entry->file, text);
        break;
    case SOTTO_LEDGER_EPOCH:
        (void)snprintf(out, out_bytes, "%llu of %s", (unsigned long long)entry->count, entry->file);
        break;
    case SOTTO_LEDGER_RESTORED:
        log_time(task, (int64_t)entry->count);
        (void)snprintf(out, out_bytes, "a copy of %s: what was answered since is not known", task);
        break;
    case SOTTO_LEDGER_FORGOTTEN:
        (void)snprintf(out, out_bytes, "entries below %llu", (unsigned long long)entry->answer);
        break;
    default:
        (void)snprintf(out, out_bytes, "entry %llu", (unsigned long long)entry->answer);
        break;
    }
}

static bool is_part(const struct sotto_ledger_entry *entry)
{
    return entry->kind == SOTTO_LEDGER_SKETCH || entry->kind == SOTTO_LEDGER_TOLD ||
           entry->kind == SOTTO_LEDGER_PARTIES || entry->kind == SOTTO_LEDGER_PRODUCT ||
           entry->kind == SOTTO_LEDGER_SET ||
           (entry->kind == SOTTO_LEDGER_KEY && entry->text[0] == '\0') ||
           (entry->kind == SOTTO_LEDGER_PREDICATE && entry->count > UINT32_MAX);
}

static enum sotto_status list_entry(void *context, const struct sotto_ledger_entry *entry,
                                    struct sotto_error *err)
{
    struct listing *listing = context;
    char words[1800] = "";
    if (is_part(entry)) {
        return SOTTO_OK;
    }
    if (entry->kind == SOTTO_LEDGER_SUMS) {
        (void)snprintf(words, sizeof words, "%s\n%s", entry->file, entry->text);
        return sotto_ledger_texts_add(&listing->told, words) == SOTTO_OK
                   ? SOTTO_OK
                   : sotto_error_no_memory(err);
    }
    describe_entry(words, sizeof words, listing->audit, entry);
    json_t *object =
        json_pack("{s:I, s:I, s:s, s:s}", "number", (json_int_t)entry->number, "created_at",
                  (json_int_t)entry->created_ms, "kind", kind_words[entry->kind], "text", words);
    if (object == NULL || json_array_append_new(listing->entries, object) != 0) {
        return sotto_error_no_memory(err);
    }
    uint64_t limit = listing->audit->limit;
    if (limit != 0 && json_array_size(listing->entries) > limit) {
        (void)json_array_remove(listing->entries, 0);
    }
    return SOTTO_OK;
}

/* --- What is left --- */

static enum sotto_status list_column(const struct store_audit *audit, json_t *columns,
                                     const char *text, struct sotto_error *err)
{
    char file[256];
    uint64_t sums = 0;
    uint64_t rows = 0;
    const char *column = strchr(text, '\n') + 1;
    (void)snprintf(file, sizeof file, "%.*s", (int)(column - 1 - text), text);
    enum sotto_status status =
        sotto_ledger_told(audit->ledger, &sums, &rows, file, column, clock_unix_ms(), err);
    if (status != SOTTO_OK) {
        return status;
    }
    uint64_t most = rows * audit->config->rules.budget / 100;
    uint64_t left = most > sums ? most - sums : 0;
    json_t *object = json_pack("{s:s, s:s, s:I, s:I}", "file", file, "column", column, "told",
                               (json_int_t)sums, "left", (json_int_t)left);
    return object != NULL && json_array_append_new(columns, object) == 0
               ? SOTTO_OK
               : sotto_error_no_memory(err);
}

static json_t *make_head(const struct sotto_ledger *ledger)
{
    uint8_t digest[SOTTO_LEDGER_DIGEST_BYTES];
    char digits[2 * sizeof digest + 1] = "";
    uint64_t number = sotto_ledger_head(ledger, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        (void)snprintf(digits + 2 * i, 3, "%02x", digest[i]);
    }
    return json_pack("{s:I, s:s}", "number", (json_int_t)number, "digest", digits);
}

enum sotto_status store_audit_json(const struct store_audit *audit, json_t **out,
                                   struct sotto_error *err)
{
    struct listing listing = {.audit = audit, .entries = json_array()};
    json_t *columns = json_array();
    enum sotto_status status = sotto_ledger_each(audit->ledger, list_entry, &listing, err);
    for (size_t i = 0; status == SOTTO_OK && i < listing.told.len; i++) {
        status = list_column(audit, columns, listing.told.texts[i], err);
    }
    if (status != SOTTO_OK) {
        goto out;
    }
    *out = json_pack("{s:O, s:O, s:o}", "entries", listing.entries, "columns", columns, "head",
                     make_head(audit->ledger));
    status = *out != NULL ? SOTTO_OK : sotto_error_no_memory(err);
out:
    json_decref(listing.entries);
    json_decref(columns);
    sotto_ledger_texts_release(&listing.told);
    return status;
}
