/* SPDX-License-Identifier: Apache-2.0 */

/* sotto backup, sotto restore: a node's files as a folder, and back. Leans on store/ for the
 * database, on disclosure's ledger for whether it is whole. What keeps a copy from harm:
 *
 * 1. A backup is a folder that is there whole or not at all: it is made beside, checked as a node
 *    checks its own at the start, and renamed.
 * 2. A node is restored into an empty state only, never over one, and while none runs.
 * 3. Its ledger may be older than what the node answered. Whether it is, nothing here can tell; so
 *    its owner says that this is known (--forget), or nothing is restored.
 * 4. What others could use to have the past answered again is ended (store_end_past), and the
 *    ledger says that it is a copy, before the database is put where a node finds it.
 * 5. Keys and node.yaml come after the database: with them and none a node would start, as one that
 *    has answered nothing. */

#include "cli/command.h"
#include "config/keys.h"
#include "config/tokens.h"
#include "daemon.h"
#include "loop/log.h"
#include "store/store_backup.h"
#include "store/store_ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define PATH_BYTES 4300
#define UNFINISHED "unfinished"        /* a file in what is no backup yet */
#define MADE_TEXT "sotto backup 1 of " /* so many milliseconds since 1970 */

/* --- The files of a node, and what they are called in a backup --- */

struct node_part {
    const char *name;
    const char *path;
    bool is_key; /* only with --keys */
};
#define PARTS_MAX 8
#define PARTS_OPEN 2 /* the first of part_names hold no key */
#define DATABASE "node.db"
#define MADE "backup" /* when it was made */

/* In a backup, in the order of list_parts. */
static const char *const part_names[PARTS_MAX] = {"node.yaml", "tokens",  "node.key", "token",
                                                  "api.pem",   "api.key", "peer.pem", "peer.key"};

/* Those that the configuration names. tokens: room for a path. */
static size_t list_parts(struct node_part parts[PARTS_MAX], char tokens[TOKENS_PATH_BYTES],
                         const char *config_path, const struct config_file *file)
{
    tokens_path(tokens, file->api.token_file);
    const struct config_listener *peer = file->peer;
    const char *const paths[PARTS_MAX] = {config_path,
                                          tokens,
                                          file->identity,
                                          file->api.token_file,
                                          file->api.tls_cert,
                                          file->api.tls_key,
                                          peer != NULL ? peer->tls_cert : NULL,
                                          peer != NULL ? peer->tls_key : NULL};
    size_t len = 0;
    for (size_t i = 0; i < PARTS_MAX; i++) {
        if (paths[i] != NULL) {
            parts[len++] = (struct node_part){part_names[i], paths[i], i >= PARTS_OPEN};
        }
    }
    return len;
}

/* Copies a file, mode 0600. One that is not there is left out. */
static enum sotto_status copy_file(const char *to, const char *from, struct sotto_error *err)
{
    char *bytes = NULL;
    size_t len = 0;
    if (access(from, F_OK) != 0) {
        return SOTTO_OK;
    }
    enum sotto_status status = file_read(from, &bytes, &len, FILE_BYTES_MAX, err);
    if (status == SOTTO_OK) {
        status = file_replace(to, (const uint8_t *)bytes, len, err);
    }
    if (bytes != NULL) {
        sotto_wipe(bytes, len);
    }
    sotto_free(bytes);
    return status;
}

static bool join_path(char out[PATH_BYTES], const char *folder, const char *name)
{
    return snprintf(out, PATH_BYTES, "%s/%s", folder, name) < PATH_BYTES;
}

static enum sotto_status fail_file(const char *path, struct sotto_error *err)
{
    return sotto_error_set(err, errno == EEXIST ? SOTTO_ERROR_STATE : SOTTO_ERROR_IO, "%s: %s",
                           path, strerror(errno));
}

/* Opens a ledger as a node does, which verifies it. *out_number, out_digest: its head. */
static enum sotto_status verify_ledger(struct store *store, const struct sotto_identity *identity,
                                       uint64_t *out_number,
                                       char out_digest[2 * SOTTO_LEDGER_DIGEST_BYTES + 1],
                                       struct sotto_error *err)
{
    struct sotto_ledger *ledger = NULL;
    uint8_t digest[SOTTO_LEDGER_DIGEST_BYTES];
    enum sotto_status status = store_check(store, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = store_ledger_open(&ledger, store, identity, err);
    if (status != SOTTO_OK) {
        return status;
    }
    *out_number = sotto_ledger_head(ledger, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        (void)snprintf(out_digest + 2 * i, 3, "%02x", digest[i]);
    }
    sotto_ledger_free(ledger);
    return SOTTO_OK;
}

/* --- sotto backup --- */

static enum sotto_status write_made(const char *folder, struct sotto_error *err)
{
    char path[PATH_BYTES];
    char text[64];
    int bytes = snprintf(text, sizeof text, MADE_TEXT "%lld\n", (long long)clock_unix_ms());
    return join_path(path, folder, MADE)
               ? file_replace(path, (const uint8_t *)text, (size_t)bytes, err)
               : sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: the path is too long", folder);
}

static enum sotto_status copy_parts(const char *folder, const char *config_path,
                                    const struct config_file *file, bool has_keys,
                                    struct sotto_error *err)
{
    struct node_part parts[PARTS_MAX];
    char tokens[TOKENS_PATH_BYTES];
    char to[PATH_BYTES];
    size_t len = list_parts(parts, tokens, config_path, file);
    for (size_t i = 0; i < len; i++) {
        if (parts[i].is_key && !has_keys) {
            continue;
        }
        enum sotto_status status =
            join_path(to, folder, parts[i].name)
                ? copy_file(to, parts[i].path, err)
                : sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: the path is too long", folder);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* Copies the database, and says what its ledger's head is once it was verified. */
static enum sotto_status copy_database(const char *folder, const struct config_file *file,
                                       struct sotto_error *err)
{
    char from[PATH_BYTES];
    char to[PATH_BYTES];
    char digest[2 * SOTTO_LEDGER_DIGEST_BYTES + 1];
    uint64_t number = 0;
    struct sotto_identity *identity = NULL;
    struct store *store = NULL;
    if (!join_path(from, file->state_dir, DATABASE) || !join_path(to, folder, DATABASE)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: the path is too long", folder);
    }
    enum sotto_status status = identity_file_load(file->identity, &identity, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = store_copy(to, from, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_open(&store, to, true, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = verify_ledger(store, identity, &number, digest, err);
    if (status == SOTTO_OK) {
        (void)printf("The ledger's head in it is %llu %s\n", (unsigned long long)number, digest);
    }
out:
    store_close(store);
    sotto_identity_free(identity);
    return status;
}

/* Takes away what a backup that failed, or whose process died, has made. Any other folder of that
 * name stays, unless it is empty. */
static void remove_unfinished(const char *folder)
{
    static const char *const others[] = {MADE, DATABASE, UNFINISHED};
    char path[PATH_BYTES];
    if (rmdir(folder) == 0 || !join_path(path, folder, UNFINISHED) || access(path, F_OK) != 0) {
        return;
    }
    for (size_t i = 0; i < PARTS_MAX + sizeof others / sizeof others[0]; i++) {
        if (join_path(path, folder, i < PARTS_MAX ? part_names[i] : others[i - PARTS_MAX])) {
            (void)unlink(path);
        }
    }
    (void)rmdir(folder);
}

static enum sotto_status back_up(const char *folder, const char *config_path,
                                 const struct config_file *file, bool has_keys,
                                 struct sotto_error *err)
{
    char beside[PATH_BYTES];
    char mark[PATH_BYTES];
    if (access(folder, F_OK) == 0) {
        errno = EEXIST;
        return fail_file(folder, err);
    }
    size_t len = strlen(folder);
    while (len > 1 && folder[len - 1] == '/') {
        len--;
    }
    if (len >= sizeof beside - sizeof ".new") {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: the path is too long", folder);
    }
    (void)snprintf(beside, sizeof beside, "%.*s.new", (int)len, folder);
    if (!join_path(mark, beside, UNFINISHED)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: the path is too long", folder);
    }
    remove_unfinished(beside);
    if (mkdir(beside, 0700) != 0) {
        return errno == ENOENT ? sotto_error_set(err, SOTTO_ERROR_IO,
                                                 "%s: the folder that it would be in is not there: "
                                                 "make that first",
                                                 folder)
                               : fail_file(beside, err);
    }
    enum sotto_status status = file_replace(mark, (const uint8_t *)"", 0, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = write_made(beside, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = copy_parts(beside, config_path, file, has_keys, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = copy_database(beside, file, err);
    if (status == SOTTO_OK && (unlink(mark) != 0 || rename(beside, folder) != 0)) {
        status = fail_file(folder, err);
    }
out:
    if (status != SOTTO_OK) {
        remove_unfinished(beside);
    }
    return status;
}

int cmd_backup(const struct args *args)
{
    struct sotto_error err = {0};
    struct config config = {0};
    const char *path = args->config != NULL ? args->config : CONFIG_DEFAULT;
    if (args->positional_len != 1 || args->outputs_len > 0) {
        return command_usage("expected: sotto backup FOLDER [--keys]; see sotto backup --help");
    }
    const char *folder = args->positional[0];
    if (config_load(&config, path, &err) != SOTTO_OK) {
        return command_usage("%s", err.text);
    }
    enum sotto_status status = back_up(folder, path, config.file, args->has_keys, &err);
    config_release(&config);
    if (status != SOTTO_OK) {
        return command_failed(&err);
    }
    (void)printf("%s has the node's database, node.yaml and tokens%s\n", folder,
                 args->has_keys ? ", and its keys: whoever has it is this node"
                                : "; not its keys, without which it can't be restored: --keys");
    return EXIT_DONE;
}

/* --- sotto restore --- */

static enum sotto_status read_made(int64_t *out_ms, const char *folder, struct sotto_error *err)
{
    char path[PATH_BYTES];
    char *text = NULL;
    size_t bytes = 0;
    if (!join_path(path, folder, MADE)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: the path is too long", folder);
    }
    enum sotto_status status = file_read(path, &text, &bytes, FILE_BYTES_MAX, err);
    if (status != SOTTO_OK) {
        return status;
    }
    bool is_made = strncmp(text, MADE_TEXT, strlen(MADE_TEXT)) == 0;
    *out_ms = is_made ? strtoll(text + strlen(MADE_TEXT), NULL, 10) : 0;
    if (*out_ms <= 0) {
        status = sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "%s: expected a file that `sotto backup` wrote", path);
    }
    sotto_free(text);
    return status;
}

/* Puts the files of a node back that are not there: none is overwritten. */
static enum sotto_status restore_parts(const char *folder, const char *config_path,
                                       const struct config_file *file, struct sotto_error *err)
{
    struct node_part parts[PARTS_MAX];
    char tokens[TOKENS_PATH_BYTES];
    char from[PATH_BYTES];
    size_t len = list_parts(parts, tokens, config_path, file);
    for (size_t i = len; i-- > 0;) { /* node.yaml, the first one, comes last */
        if (access(parts[i].path, F_OK) == 0 || !join_path(from, folder, parts[i].name)) {
            continue;
        }
        enum sotto_status status = copy_file(parts[i].path, from, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* The node's key, where it has to be or from the backup. */
static enum sotto_status load_identity(struct sotto_identity **out, const char *folder,
                                       const struct config_file *file, struct sotto_error *err)
{
    char kept[PATH_BYTES];
    bool is_here = access(file->identity, F_OK) == 0;
    if (!is_here && (!join_path(kept, folder, "node.key") || access(kept, F_OK) != 0)) {
        return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                               "%s: neither here nor in %s, which was made without --keys: put "
                               "the node's key there first",
                               file->identity, folder);
    }
    return identity_file_load(is_here ? file->identity : kept, out, err);
}

/* Makes a copy of the backup's database one that a node may go on with. */
static enum sotto_status renew_database(struct store *store, const struct sotto_identity *identity,
                                        const char *folder, int64_t made_ms, bool forgets,
                                        struct sotto_error *err)
{
    struct sotto_ledger *ledger = NULL;
    char digest[2 * SOTTO_LEDGER_DIGEST_BYTES + 1];
    char date[LOG_TIME_BYTES];
    uint64_t number = 0;
    enum sotto_status status = verify_ledger(store, identity, &number, digest, err);
    if (status != SOTTO_OK) {
        return status;
    }
    log_time(date, made_ms);
    if (!forgets) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                               "%s was made on %s, and its ledger ends with entry %llu. What this "
                               "node answered since it forgets: the same could be told again, and "
                               "more sums than policy.budget lets pass. If it answered nothing "
                               "since, or you accept that, say --forget",
                               folder, date, (unsigned long long)number);
    }
    status = store_end_past(store, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = store_ledger_open(&ledger, store, identity, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_ledger_restored(ledger, made_ms, clock_unix_ms(), err);
    sotto_ledger_free(ledger);
    if (status == SOTTO_OK) {
        (void)printf("Restored as of %s, the ledger's entry %llu %s\n", date,
                     (unsigned long long)number, digest);
    }
    return status;
}

/* Neither a database may be there, nor what SQLite would take for the log of the one to come. */
static enum sotto_status check_no_database(const char *path, struct sotto_error *err)
{
    static const char *const ends[] = {"", "-wal", "-journal"};
    char file[PATH_BYTES + 16];
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        (void)snprintf(file, sizeof file, "%s%s", path, ends[i]);
        if (access(file, F_OK) == 0) {
            return sotto_error_set(err, SOTTO_ERROR_STATE,
                                   "%s is there already: a node is restored where there is none. "
                                   "What it has may be newer than the backup; move it away by hand",
                                   file);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status restore_database(const char *folder, const struct config_file *file,
                                          int64_t made_ms, bool forgets, struct sotto_error *err)
{
    char from[PATH_BYTES];
    char path[PATH_BYTES];
    char beside[PATH_BYTES];
    struct sotto_identity *identity = NULL;
    struct store *store = NULL;
    if (!join_path(from, folder, DATABASE) || !join_path(path, file->state_dir, DATABASE) ||
        !join_path(beside, file->state_dir, DATABASE ".new")) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: the path is too long", folder);
    }
    enum sotto_status status = check_no_database(path, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = load_identity(&identity, folder, file, err);
    if (status != SOTTO_OK) {
        return status;
    }
    (void)unlink(beside); /* of a process that died */
    status = store_copy(beside, from, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_open(&store, beside, false, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = renew_database(store, identity, folder, made_ms, forgets, err);
    store_close(store); /* which puts its log into it */
    if (status == SOTTO_OK && rename(beside, path) != 0) {
        status = fail_file(path, err);
    }
out:
    if (status != SOTTO_OK) {
        (void)unlink(beside);
    }
    sotto_identity_free(identity);
    return status;
}

/* read_path: the configuration, which config_path may not have yet. */
static enum sotto_status restore(const char *folder, const char *config_path, const char *read_path,
                                 int64_t made_ms, bool forgets, struct sotto_error *err)
{
    struct config config = {0};
    int lock_fd = -1;
    enum sotto_status status = config_load(&config, read_path, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = daemon_lock_state(&lock_fd, config.file->state_dir, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = restore_database(folder, config.file, made_ms, forgets, err);
    if (status == SOTTO_OK) {
        status = restore_parts(folder, config_path, config.file, err);
    }
    (void)close(lock_fd);
out:
    config_release(&config);
    return status;
}

/* Paths in node.yaml are relative to its folder: the backup's is read from there. */
static enum sotto_status restore_beside(const char *folder, const char *config_path,
                                        int64_t made_ms, bool forgets, struct sotto_error *err)
{
    char from[PATH_BYTES];
    char beside[PATH_BYTES];
    if (access(config_path, F_OK) == 0) {
        return restore(folder, config_path, config_path, made_ms, forgets, err);
    }
    if (!join_path(from, folder, "node.yaml") ||
        snprintf(beside, sizeof beside, "%s.restored", config_path) >= (int)sizeof beside) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: the path is too long", folder);
    }
    enum sotto_status status = copy_file(beside, from, err);
    if (status == SOTTO_OK) {
        status = restore(folder, config_path, beside, made_ms, forgets, err);
    }
    (void)unlink(beside);
    return status;
}

int cmd_restore(const struct args *args)
{
    struct sotto_error err = {0};
    int64_t made_ms = 0;
    const char *path = args->config != NULL ? args->config : CONFIG_DEFAULT;
    if (args->positional_len != 1 || args->outputs_len > 0) {
        return command_usage("expected: sotto restore FOLDER --forget; see sotto restore --help");
    }
    const char *folder = args->positional[0];
    if (read_made(&made_ms, folder, &err) != SOTTO_OK ||
        restore_beside(folder, path, made_ms, args->forgets, &err) != SOTTO_OK) {
        return command_failed(&err);
    }
    return EXIT_DONE;
}
