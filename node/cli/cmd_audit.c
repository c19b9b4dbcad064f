/* SPDX-License-Identifier: Apache-2.0 */

/* sotto audit: what this node has answered, for its owner. Leans on store_audit.c, and on the
 * ledger, which it opens and verifies as the node does, beside a node that runs. */

#include "cli/command.h"
#include "config/keys.h"
#include "daemon.h"
#include "loop/log.h"
#include "store/store_audit.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- Lines --- */

static long long number_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void print_lines(const json_t *whole)
{
    char date[LOG_TIME_BYTES];
    char name[256];
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(whole, "entries"), i, row)
    {
        log_time(date, number_of(row, "created_at"));
        (void)printf("%6lld  %s  %-11s  %s\n", number_of(row, "number"), date, text_of(row, "kind"),
                     text_of(row, "text"));
    }
    json_array_foreach(json_object_get(whole, "columns"), i, row)
    {
        (void)snprintf(name, sizeof name, "%s", text_of(row, "column"));
        sotto_text_sanitize(name);
        (void)printf("%s: %lld sums of %s told within a year, %lld left\n", text_of(row, "file"),
                     number_of(row, "told"), name, number_of(row, "left"));
    }
    const json_t *head = json_object_get(whole, "head");
    (void)printf("The chain is whole. Its head is %lld %s\n", number_of(head, "number"),
                 text_of(head, "digest"));
}

static enum sotto_status print_json(const json_t *whole, struct sotto_error *err)
{
    char *text = json_dumps(whole, JSON_INDENT(2));
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
    json_t *whole = NULL;
    struct store_audit audit = {.ledger = ledger, .config = config, .own = *own};
    enum sotto_status status = store_audit_json(&audit, &whole, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (args->json) {
        status = print_json(whole, err);
    } else {
        print_lines(whole);
    }
    json_decref(whole);
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
