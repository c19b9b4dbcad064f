/* SPDX-License-Identifier: Apache-2.0 */

/* sotto audit: what this node has answered, for its owner. Leans on the ledger (sotto/ledger.h),
 * which it opens and verifies as the node does, beside a node that runs. */

#include "cli/command.h"
#include "config/keys.h"
#include "daemon.h"
#include "loop/log.h"
#include "store/store_ledger.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- Lines --- */

/* The words of an entry's kind, as --json has them too. Parts of an answer have no line of their
 * own. */
static const char *const kind_words[SOTTO_LEDGER_KINDS_LEN] = {
    [SOTTO_LEDGER_ANSWER] = "answered",   [SOTTO_LEDGER_PREDICATE] = "asked about",
    [SOTTO_LEDGER_CONSENT] = "consented", [SOTTO_LEDGER_ANNULLED] = "annulled",
    [SOTTO_LEDGER_EPOCH] = "epoch",       [SOTTO_LEDGER_REFUSAL] = "refused",
    [SOTTO_LEDGER_FORGOTTEN] = "forgot",  [SOTTO_LEDGER_KEY] = "key",
};

struct listing {
    const struct config *config;
    struct sotto_key own;
    json_t *entries;                /* NULL: lines are printed */
    json_t *columns;                /* what was told of each */
    struct sotto_ledger_texts told; /* "file\ncolumn": no file's name has a line break */
};

/* A peer that was taken out of node.yaml has no name any more. */
static const char *find_peer(const struct listing *listing, const uint8_t *creator)
{
    struct sotto_key key;
    memcpy(key.bytes, creator, sizeof key.bytes);
    size_t peer = config_find_peer(listing->config, &key);
    if (peer != SOTTO_NONE) {
        return listing->config->file->peers[peer].name;
    }
    return sotto_key_equal(&key, &listing->own) ? listing->config->file->name : "?";
}

static void describe_task(char *out, size_t out_bytes, const struct listing *listing,
                          const struct sotto_ledger_entry *entry)
{
    char name[sizeof entry->name];
    memcpy(name, entry->name, sizeof name);
    sotto_text_sanitize(name);
    (void)snprintf(out, out_bytes, "task %02x%02x%02x%02x of %s (%s)", entry->task[0],
                   entry->task[1], entry->task[2], entry->task[3],
                   find_peer(listing, entry->creator), name);
}

static void describe_entry(char *out, size_t out_bytes, const struct listing *listing,
                           const struct sotto_ledger_entry *entry)
{
    char task[400] = "";
    char text[sizeof entry->text];
    memcpy(text, entry->text, sizeof text);
    sotto_text_sanitize(text);
    describe_task(task, sizeof task, listing, entry);
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
    case SOTTO_LEDGER_FORGOTTEN:
        (void)snprintf(out, out_bytes, "entries below %llu", (unsigned long long)entry->answer);
        break;
    default:
        (void)snprintf(out, out_bytes, "entry %llu", (unsigned long long)entry->answer);
        break;
    }
}

static enum sotto_status list_entry(void *context, const struct sotto_ledger_entry *entry,
                                    struct sotto_error *err)
{
    struct listing *listing = context;
    char words[1800] = "";
    char date[LOG_TIME_BYTES];
    bool is_part = entry->kind == SOTTO_LEDGER_SKETCH || entry->kind == SOTTO_LEDGER_TOLD ||
                   entry->kind == SOTTO_LEDGER_PARTIES || entry->kind == SOTTO_LEDGER_PRODUCT ||
                   entry->kind == SOTTO_LEDGER_SET ||
                   (entry->kind == SOTTO_LEDGER_KEY && entry->text[0] == '\0') ||
                   (entry->kind == SOTTO_LEDGER_PREDICATE && entry->count > UINT32_MAX);
    if (is_part) {
        return SOTTO_OK;
    }
    if (entry->kind == SOTTO_LEDGER_SUMS) {
        (void)snprintf(words, sizeof words, "%s\n%s", entry->file, entry->text);
        return sotto_ledger_texts_add(&listing->told, words) == SOTTO_OK
                   ? SOTTO_OK
                   : sotto_error_no_memory(err);
    }
    describe_entry(words, sizeof words, listing, entry);
    if (listing->entries == NULL) {
        log_time(date, entry->created_ms);
        (void)printf("%6llu  %s  %-11s  %s\n", (unsigned long long)entry->number, date,
                     kind_words[entry->kind], words);
        return SOTTO_OK;
    }
    json_t *object =
        json_pack("{s:I, s:I, s:s, s:s}", "number", (json_int_t)entry->number, "created_at",
                  (json_int_t)entry->created_ms, "kind", kind_words[entry->kind], "text", words);
    return object != NULL && json_array_append_new(listing->entries, object) == 0
               ? SOTTO_OK
               : sotto_error_no_memory(err);
}

/* --- What is left --- */

static enum sotto_status list_column(struct listing *listing, struct sotto_ledger *ledger,
                                     const char *text, struct sotto_error *err)
{
    char file[256];
    uint64_t sums = 0;
    uint64_t rows = 0;
    const char *column = strchr(text, '\n') + 1;
    (void)snprintf(file, sizeof file, "%.*s", (int)(column - 1 - text), text);
    enum sotto_status status =
        sotto_ledger_told(ledger, &sums, &rows, file, column, clock_unix_ms(), err);
    if (status != SOTTO_OK) {
        return status;
    }
    uint64_t most = rows * listing->config->rules.budget / 100;
    uint64_t left = most > sums ? most - sums : 0;
    if (listing->entries == NULL) {
        char name[256];
        (void)snprintf(name, sizeof name, "%s", column);
        sotto_text_sanitize(name);
        (void)printf("%s: %llu sums of %s told within a year, %llu left\n", file,
                     (unsigned long long)sums, name, (unsigned long long)left);
        return SOTTO_OK;
    }
    json_t *object = json_pack("{s:s, s:s, s:I, s:I}", "file", file, "column", column, "told",
                               (json_int_t)sums, "left", (json_int_t)left);
    return object != NULL && json_array_append_new(listing->columns, object) == 0
               ? SOTTO_OK
               : sotto_error_no_memory(err);
}

static enum sotto_status list_all(struct listing *listing, struct sotto_ledger *ledger,
                                  struct sotto_error *err)
{
    enum sotto_status status = sotto_ledger_each(ledger, list_entry, listing, err);
    for (size_t i = 0; status == SOTTO_OK && i < listing->told.len; i++) {
        status = list_column(listing, ledger, listing->told.texts[i], err);
    }
    return status;
}

/* --- The head --- */

static enum sotto_status print_json(struct listing *listing, const char *digits, uint64_t number,
                                    struct sotto_error *err)
{
    json_t *whole =
        json_pack("{s:O, s:O, s:{s:I, s:s}}", "entries", listing->entries, "columns",
                  listing->columns, "head", "number", (json_int_t)number, "digest", digits);
    char *text = whole != NULL ? json_dumps(whole, JSON_INDENT(2)) : NULL;
    json_decref(whole);
    if (text == NULL) {
        return sotto_error_no_memory(err);
    }
    (void)puts(text);
    free(text);
    return SOTTO_OK;
}

static enum sotto_status print_ledger(struct sotto_ledger *ledger, const struct args *args,
                                      const struct config *config, const struct sotto_key *own,
                                      struct sotto_error *err)
{
    struct listing listing = {.config = config,
                              .own = *own,
                              .entries = args->json ? json_array() : NULL,
                              .columns = args->json ? json_array() : NULL};
    uint8_t digest[SOTTO_LEDGER_DIGEST_BYTES];
    char digits[2 * sizeof digest + 1] = "";
    enum sotto_status status = list_all(&listing, ledger, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    uint64_t number = sotto_ledger_head(ledger, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        (void)snprintf(digits + 2 * i, 3, "%02x", digest[i]);
    }
    if (args->json) {
        status = print_json(&listing, digits, number, err);
        goto out;
    }
    (void)printf("The chain is whole. Its head is %llu %s\n", (unsigned long long)number, digits);
out:
    json_decref(listing.entries);
    json_decref(listing.columns);
    sotto_ledger_texts_release(&listing.told);
    return status;
}

/* --- The command --- */

/* Only while no node runs: it has the end of the chain in memory. */
static enum sotto_status begin_epoch(struct store *store, const struct sotto_identity *identity,
                                     const struct config *config, const char *file,
                                     struct sotto_error *err)
{
    struct sotto_ledger *ledger = NULL;
    int lock_fd = -1;
    enum sotto_status status = daemon_lock_state(&lock_fd, config->file->state_dir, err);
    if (status != SOTTO_OK) {
        return sotto_error_prefix(err, "stop the node first");
    }
    status = store_ledger_open(&ledger, store, identity, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_ledger_begin_epoch(ledger, file, clock_unix_ms(), err);
    if (status == SOTTO_OK) {
        (void)printf("%s: what it was asked so far is not held against new questions\n", file);
    }
out:
    sotto_ledger_free(ledger);
    (void)close(lock_fd);
    return status;
}

static enum sotto_status audit(const struct args *args, const struct config *config,
                               struct sotto_error *err)
{
    char path[4200];
    struct sotto_identity *identity = NULL;
    struct store *store = NULL;
    struct sotto_ledger *ledger = NULL;
    bool begins = args->epoch != NULL;
    (void)snprintf(path, sizeof path, "%s/node.db", config->file->state_dir);
    enum sotto_status status = identity_file_load(config->file->identity, &identity, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = store_open(&store, path, !begins, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (begins) {
        status = begin_epoch(store, identity, config, args->epoch, err);
        goto out;
    }
    struct sotto_key own = sotto_identity_key(identity);
    status = store_ledger_open(&ledger, store, identity, err);
    if (status == SOTTO_OK) {
        status = print_ledger(ledger, args, config, &own, err);
    }
out:
    sotto_ledger_free(ledger);
    store_close(store);
    sotto_identity_free(identity);
    return status;
}

int cmd_audit(const struct args *args)
{
    struct sotto_error err = {0};
    struct config config;
    if (args->positional_len > 0 || args->outputs_len > 0) {
        return command_usage("expected: sotto audit [--config node.yaml] [--json] [--epoch FILE]");
    }
    if (config_load(&config, args->config != NULL ? args->config : "node.yaml", &err) != SOTTO_OK) {
        return command_usage("%s", err.text);
    }
    enum sotto_status status =
        args->epoch == NULL || config_offers(&config, args->epoch)
            ? audit(args, &config, &err)
            : sotto_error_set(&err, SOTTO_ERROR_INPUT,
                              "--epoch %s: policy.datasets does not list it", args->epoch);
    config_release(&config);
    return status == SOTTO_OK ? EXIT_DONE : command_failed(&err);
}
