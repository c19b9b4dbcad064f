/* SPDX-License-Identifier: Apache-2.0 */

/* sotto doctor: what is wrong with a node, all of it at once, and what to do. Leans on the parts
 * that a node starts with, each of which says at its first failure what it lacks; here the others
 * are looked at all the same. It changes nothing, and runs beside the node. */

#include "cage/cage.h"
#include "cli/client.h"
#include "config/certificate.h"
#include "loop/shared.h"
#include "loop/spawn.h"
#include "peer/client.h"
#include "task/datasets.h"

#include <errno.h>
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#define CALL_SECONDS 10L
/* A certificate that ends sooner is named. */
#define CERTIFICATE_DAYS_MIN 30

enum verdict { VERDICT_OK, VERDICT_NOTE, VERDICT_FAIL };

struct doctor {
    const struct config *config;
    size_t failed_len;
};

static void say(struct doctor *doctor, enum verdict verdict, const char *what, const char *format,
                ...) SOTTO_PRINTF(4, 5);
static void say(struct doctor *doctor, enum verdict verdict, const char *what, const char *format,
                ...)
{
    static const char *const words[] = {
        [VERDICT_OK] = "ok", [VERDICT_NOTE] = "note", [VERDICT_FAIL] = "FAIL"};
    va_list args;
    doctor->failed_len += verdict == VERDICT_FAIL;
    (void)printf("%-4s  %-9s  ", words[verdict], what);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)printf("\n");
}

/* --- Files --- */

static void look_at_identity(struct doctor *doctor)
{
    struct sotto_error err = {0};
    struct sotto_identity *identity = NULL;
    char key[SOTTO_KEY_TEXT_BYTES];
    const char *path = doctor->config->file->identity;
    if (identity_file_load(path, &identity, &err) != SOTTO_OK) {
        say(doctor, VERDICT_FAIL, "identity", "%s", err.text);
        return;
    }
    struct sotto_key public_key = sotto_identity_key(identity);
    sotto_key_to_text(&public_key, key);
    say(doctor, VERDICT_OK, "identity", "%s: %s", path, key);
    sotto_identity_free(identity);
}

static void look_at_token(struct doctor *doctor)
{
    struct sotto_error err = {0};
    char token[TOKEN_TEXT_BYTES];
    const char *path = doctor->config->file->api.token_file;
    enum sotto_status status = token_file_load(path, token, false, &err);
    sotto_wipe(token, sizeof token);
    if (status == SOTTO_ERROR_NOT_FOUND) {
        say(doctor, VERDICT_NOTE, "token", "%s: the node makes it when it starts", path);
    } else if (status != SOTTO_OK) {
        say(doctor, VERDICT_FAIL, "token", "%s", err.text);
    } else {
        say(doctor, VERDICT_OK, "token", "%s", path);
    }
}

static void look_at_state(struct doctor *doctor)
{
    struct statvfs info;
    const char *folder = doctor->config->file->state_dir;
    if (access(folder, F_OK) != 0 && errno == ENOENT) {
        say(doctor, VERDICT_NOTE, "disk", "%s: the node makes it when it starts", folder);
        return;
    }
    if (access(folder, R_OK | W_OK | X_OK) != 0 || statvfs(folder, &info) != 0) {
        say(doctor, VERDICT_FAIL, "disk", "%s: the node can't write there: make the folder its own",
            folder);
        return;
    }
    double free_bytes = (double)info.f_bavail * (double)info.f_frsize;
    bool fits = free_bytes >= (double)FREE_BYTES_MIN;
    double mib = 1024 * 1024;
    say(doctor, fits ? VERDICT_OK : VERDICT_FAIL, "disk", "%s: %.0f MiB are free, of %.0f at least",
        folder, free_bytes / mib, (double)FREE_BYTES_MIN / mib);
}

/* Says which values made text of a column that is numbers otherwise. */
static void look_at_texts(struct doctor *doctor, const struct dataset *dataset)
{
    struct sotto_error err = {0};
    const struct sotto_catalogue *catalogue = dataset->catalogue;
    struct sotto_csv_misfit *misfits =
        sotto_alloc_array(catalogue->columns_len + 1, sizeof *misfits);
    size_t len = 0;
    if (misfits == NULL) {
        say(doctor, VERDICT_FAIL, "data", "%s", sotto_status_text(SOTTO_ERROR_NO_MEMORY));
        return;
    }
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        if (catalogue->columns[i].type.kind == SOTTO_KIND_STRING && !catalogue->columns[i].hidden) {
            misfits[len++].column = i;
        }
    }
    if (len > 0 &&
        sotto_csv_find_misfits(dataset->csv, catalogue, misfits, len, &err) != SOTTO_OK) {
        say(doctor, VERDICT_FAIL, "data", "%s", err.text);
        len = 0;
    }
    for (size_t i = 0; i < len; i++) {
        if (misfits[i].text[0] != '\0') {
            say(doctor, VERDICT_NOTE, "data", "%s", misfits[i].text);
        }
    }
    sotto_free(misfits);
}

/* Says which of a dataset's rows are offered, where it is not all. */
static void look_at_complete(struct doctor *doctor, const char *file,
                             const struct sotto_catalogue *catalogue)
{
    const struct file_words *words = config_words_of(doctor->config, file);
    char list[400] = "";
    size_t at = 0;
    for (unsigned i = 0; words != NULL && i < words->complete_count && at < sizeof list; i++) {
        size_t column = sotto_catalogue_find(catalogue, words->complete[i]);
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%s (%llu lack it)",
                               i > 0 ? ", " : "", words->complete[i],
                               (unsigned long long)catalogue->columns[column].missing);
    }
    if (at > 0) {
        say(doctor, VERDICT_OK, "data", "%s: offered are the rows that have all of %s%s", file,
            list, at < sizeof list ? "" : "...");
    }
}

/* Who else has to be let read a source, where that is not this user. */
static const char *unit_of(const struct doctor *doctor, const char *file)
{
    char path[SPAWN_UNIT_BYTES];
    return config_source_of(doctor->config, file) != NULL && spawn_unit(path, "source")
               ? " (the unit sotto-source reads it, as a user of the group sotto)"
               : "";
}

static void look_at_dataset(struct doctor *doctor, const char *file)
{
    struct sotto_error err = {0};
    struct dataset dataset = {0};
    if (dataset_open(&dataset, doctor->config, NULL, file, false, NULL, &err) != SOTTO_OK) {
        say(doctor, VERDICT_FAIL, "data", "%s%s", err.text, unit_of(doctor, file));
    } else {
        say(doctor, VERDICT_OK, "data", "%s: %llu rows, %zu columns", file,
            (unsigned long long)dataset.catalogue->rows, dataset.catalogue->columns_len);
        look_at_complete(doctor, file, dataset.catalogue);
        if (dataset.csv != NULL) {
            look_at_texts(doctor, &dataset);
        }
    }
    dataset_release(&dataset);
}

static void look_at_data(struct doctor *doctor)
{
    const struct config_file *file = doctor->config->file;
    if (file->data_dir == NULL) {
        say(doctor, VERDICT_NOTE, "data", "no data_dir: the node asks, and has nothing to give");
        return;
    }
    if (access(file->data_dir, R_OK | X_OK) != 0) {
        say(doctor, VERDICT_FAIL, "data", "%s: the node can't read there", file->data_dir);
        return;
    }
    bool has_list = file->policy.datasets != NULL;
    if (!has_list) {
        say(doctor, VERDICT_NOTE, "data", "policy.datasets is left out: no file is looked at");
    }
    for (unsigned i = 0; has_list && i < file->policy.datasets_count; i++) {
        look_at_dataset(doctor, file->policy.datasets[i]);
    }
}

/* Whether code of others could run here, where policy lets it. */
static void look_at_cage(struct doctor *doctor)
{
    struct sotto_error err = {0};
    struct cage_standing standing;
    char text[CAGE_STANDING_TEXT_BYTES];
    const struct config_learning *programs = &doctor->config->file->learning;
    if (!doctor->config->runs_code) {
        return;
    }
    if (cage_probe(&standing, programs->fence, programs->python, &err) != SOTTO_OK) {
        say(doctor, VERDICT_FAIL, "learning", "%s", err.text);
    } else if (access(programs->runner, R_OK) != 0) {
        say(doctor, VERDICT_FAIL, "learning", "%s: %s", programs->runner, strerror(errno));
    } else {
        cage_describe(text, &standing);
        say(doctor, VERDICT_OK, "learning", "%s", text);
    }
}

static void look_at_certificate(struct doctor *doctor, const char *side,
                                const struct config_listener *listener)
{
    struct sotto_error err = {0};
    int days = 0;
    if (listener == NULL || listener->tls_cert == NULL) {
        return;
    }
    if (certificate_check(&days, listener->tls_cert, listener->tls_key, &err) != SOTTO_OK) {
        say(doctor, VERDICT_FAIL, "tls", "%s: %s", side, err.text);
    } else if (days < 0) {
        say(doctor, VERDICT_FAIL, "tls", "%s: %s is over: get a new one, and start the node again",
            side, listener->tls_cert);
    } else {
        say(doctor, days < CERTIFICATE_DAYS_MIN ? VERDICT_NOTE : VERDICT_OK, "tls",
            "%s: %s holds for %d days", side, listener->tls_cert, days);
    }
}

/* --- The machine --- */

static void look_at_clock(struct doctor *doctor)
{
    struct timex state = {0};
    if (ntp_adjtime(&state) == TIME_ERROR) {
        say(doctor, VERDICT_NOTE, "clock",
            "the kernel does not know that it is right: run chrony or systemd-timesyncd");
    } else {
        say(doctor, VERDICT_OK, "clock", "synchronised");
    }
}

/* --- Others --- */

/* Any answer will do: who has the key is known by then. */
static void call_peer(struct doctor *doctor, const struct config_peer *peer, const uint8_t *pin)
{
    char reason[CURL_ERROR_SIZE] = "";
    CURL *easy = curl_easy_init();
    if (easy == NULL) {
        say(doctor, VERDICT_FAIL, "peer", "%s: out of memory", peer->name);
        return;
    }
    (void)curl_easy_setopt(easy, CURLOPT_URL, peer->url);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT, CALL_SECONDS);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, reason);
    (void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    peer_client_trust(easy, peer, pin);
    CURLcode code = curl_easy_perform(easy);
    if (code == CURLE_OK) {
        say(doctor, VERDICT_OK, "peer", "%s answers at %s", peer->name, peer->url);
    } else if (code == CURLE_SSL_PINNEDPUBKEYNOTMATCH) {
        say(doctor, VERDICT_FAIL, "peer",
            "%s: another key than the pinned one answers at %s: let its owner say the line of "
            "`sotto init --show` again",
            peer->name, peer->url);
    } else {
        say(doctor, VERDICT_FAIL, "peer", "%s: %s: %s", peer->name, peer->url,
            reason[0] != '\0' ? reason : curl_easy_strerror(code));
    }
    curl_easy_cleanup(easy);
}

/* What the node says of itself, where it runs: who of those that call it is connected. */
static void look_at_node(struct doctor *doctor, const struct args *args)
{
    struct sotto_error err = {0};
    struct client client;
    json_t *answer = NULL;
    size_t i;
    json_t *node;
    enum sotto_status status = client_init(&client, args, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = client_json(&client, &answer, "/v1/nodes?page_size=1000", NULL, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    say(doctor, VERDICT_OK, "node", "it runs");
    json_array_foreach(json_object_get(answer, "nodes"), i, node)
    {
        const char *url = json_string_value(json_object_get(node, "url"));
        bool is_connected = json_is_true(json_object_get(node, "connected"));
        if (i > 0 && (url == NULL || url[0] == '\0')) {
            bool can_call = doctor->config->file->peer != NULL;
            say(doctor, is_connected || !can_call ? VERDICT_OK : VERDICT_NOTE, "peer", "%s %s",
                json_string_value(json_object_get(node, "name")),
                is_connected ? "is connected"
                : can_call   ? "calls this node, and is not connected now"
                             : "and this node don't call each other: tasks of others join them");
        }
    }
out:
    if (status != SOTTO_OK) {
        say(doctor, VERDICT_NOTE, "node", "it can't be asked: %s", err.text);
    }
    json_decref(answer);
    client_release(&client);
}

static void look_at_peers(struct doctor *doctor)
{
    const struct config_file *file = doctor->config->file;
    for (unsigned i = 0; i < file->peers_count; i++) {
        if (file->peers[i].url != NULL) {
            call_peer(doctor, &file->peers[i], doctor->config->peer_pins[i]);
        }
    }
    if (file->peer == NULL) {
        say(doctor, VERDICT_NOTE, "peers", "no peer section: others can't call this node");
    }
    if (file->peers_count < 2) {
        say(doctor, VERDICT_NOTE, "peers", "%u in node.yaml: a task needs two beside this node",
            file->peers_count);
    }
}

int cmd_doctor(const struct args *args)
{
    struct sotto_error err = {0};
    struct config config;
    const char *path = args->config != NULL ? args->config : "node.yaml";
    struct doctor doctor = {.config = &config};
    if (args->positional_len > 0 || args->outputs_len > 0) {
        return command_usage("expected: sotto doctor [--config node.yaml]");
    }
    if (config_load(&config, path, &err) != SOTTO_OK) {
        say(&doctor, VERDICT_FAIL, "config", "%s", err.text);
        return EXIT_FAILED;
    }
    say(&doctor, VERDICT_OK, "config", "%s: %s", path, config.file->name);
    look_at_identity(&doctor);
    look_at_token(&doctor);
    look_at_state(&doctor);
    look_at_clock(&doctor);
    look_at_certificate(&doctor, "api", &config.file->api);
    look_at_certificate(&doctor, "peer", config.file->peer);
    look_at_data(&doctor);
    look_at_cage(&doctor);
    look_at_node(&doctor, args);
    look_at_peers(&doctor);
    config_release(&config);
    return doctor.failed_len == 0 ? EXIT_DONE : EXIT_FAILED;
}
