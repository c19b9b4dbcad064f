/* SPDX-License-Identifier: Apache-2.0 */

/* sotto receipt and sotto verify: the file that shows who confirmed a result, fetched from a node,
 * and checked anywhere. Leans on sotto/receipt.h, which does the checking. The idea: what is
 * verified is printed from the file alone, with what its signatures are worth, in words. */

#include "cli/client.h"
#include "cli/print.h"
#include "config/config.h"
#include "config/keys.h"

#include <jansson.h>
#include <sodium.h>
#include <sotto/alloc.h>
#include <sotto/receipt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No task's receipt is longer. */
#define RECEIPT_BYTES_MAX ((size_t)256 * 1024 * 1024)

/* --- sotto receipt --- */

/* Decodes the answer of the node, and writes it. */
static enum sotto_status keep_receipt(const char *path, json_t *answer, struct sotto_error *err)
{
    json_t *text = json_object_get(answer, "receipt");
    size_t bytes_len = 0;
    uint8_t *bytes = sotto_alloc(json_string_length(text) + 1);
    if (bytes == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status =
        json_is_string(text) &&
                sodium_base642bin(bytes, json_string_length(text) + 1, json_string_value(text),
                                  json_string_length(text), NULL, &bytes_len, NULL,
                                  sodium_base64_VARIANT_ORIGINAL) == 0
            ? file_replace(path, bytes, bytes_len, err)
            : sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "the node's answer is no receipt");
    sotto_free(bytes);
    return status;
}

int cmd_receipt(const struct args *args)
{
    struct sotto_error err = {0};
    struct client client;
    json_t *answer = NULL;
    uint64_t number;
    char name[64];
    char path[64];
    if (!number_argument(args, &number)) {
        return EXIT_USAGE;
    }
    (void)snprintf(path, sizeof path, "/v1/task/receipt?task_id=%llu&full=%d",
                   (unsigned long long)number, args->full ? 1 : 0);
    (void)snprintf(name, sizeof name, "receipt-%llu.sotto", (unsigned long long)number);
    const char *out = args->out != NULL ? args->out : name;
    enum sotto_status status = client_init(&client, args, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = client_json(&client, &answer, path, NULL, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = keep_receipt(out, answer, &err);
    if (status == SOTTO_OK) {
        (void)printf("%s\n", out);
    }
out:
    json_decref(answer);
    client_release(&client);
    return status == SOTTO_OK ? EXIT_DONE : command_failed(&err);
}

/* --- sotto verify --- */

/* Who is known: the peers of a node.yaml and the node itself. Owns the list. */
struct known {
    struct config config;
    struct sotto_peer *peers;
    size_t peers_len;
};

static enum sotto_status known_init(struct known *known, const char *path, struct sotto_error *err)
{
    struct sotto_identity *identity = NULL;
    enum sotto_status status = config_load(&known->config, path, err);
    if (status != SOTTO_OK) {
        return status;
    }
    const struct config_file *file = known->config.file;
    known->peers = sotto_alloc_array(file->peers_count + 1, sizeof *known->peers);
    if (known->peers == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < file->peers_count; i++) {
        known->peers[known->peers_len++] =
            (struct sotto_peer){known->config.peer_keys[i], file->peers[i].name};
    }
    /* Whoever checks may have the list of peers, and not this node's key. */
    if (identity_file_load(file->identity, &identity, NULL) == SOTTO_OK) {
        known->peers[known->peers_len++] =
            (struct sotto_peer){sotto_identity_key(identity), file->name};
        sotto_identity_free(identity);
    }
    return SOTTO_OK;
}

static void known_release(struct known *known)
{
    sotto_free(known->peers);
    config_release(&known->config);
}

/* Every key of a receipt that holds is known. */
static const char *find_name(const struct known *known, const struct sotto_key *key)
{
    size_t i = 0;
    while (i + 1 < known->peers_len && !sotto_key_equal(&known->peers[i].key, key)) {
        i++;
    }
    return known->peers[i].name;
}

/* The names of those who confirm, or of those who don't, in their order. Returns: how many; names
 * has room for all parties. */
static size_t list_names(const char **names, const struct known *known,
                         const struct sotto_receipt *receipt, bool confirms)
{
    size_t len = 0;
    for (size_t i = 0; i < receipt->parties_len; i++) {
        if (receipt->parties[i].confirms != confirms) {
            continue;
        }
        const char *name = find_name(known, &receipt->parties[i].key);
        size_t at = len++;
        for (; at > 0 && strcmp(names[at - 1], name) > 0; at--) {
            names[at] = names[at - 1];
        }
        names[at] = name;
    }
    return len;
}

static void print_names(const char *before, const struct known *known,
                        const struct sotto_receipt *receipt, bool confirms)
{
    const char *names[SOTTO_SESSION_PARTIES_MAX];
    size_t len = list_names(names, known, receipt, confirms);
    for (size_t i = 0; i < len; i++) {
        (void)printf("%s%s", i == 0 ? before : ", ", names[i]);
    }
    (void)printf(len > 0 ? "\n" : "");
}

/* Whether somebody other than who ran the task stands for the result, or nobody has to. */
static bool is_shown(const struct sotto_receipt *receipt)
{
    bool found = receipt->is_full;
    for (size_t i = 0; !found && i < receipt->parties_len; i++) {
        found = receipt->parties[i].confirms &&
                !sotto_key_equal(&receipt->parties[i].key, &receipt->creator);
    }
    return found;
}

/* What the signatures are worth. Of learning, parties may be lost, or others drawn, on the way. */
static void print_meaning(const struct known *known, const struct sotto_receipt *receipt,
                          bool learns)
{
    char whose[64] = "the weights of each round's parties";
    if (!learns) {
        (void)snprintf(whose, sizeof whose, "the rows of these %zu parties", receipt->parties_len);
    }
    (void)printf("confirmed by %zu of %zu parties", receipt->confirmed_len, receipt->parties_len);
    print_names(": ", known, receipt, true);
    (void)printf(receipt->confirmed_len == 0 ? "\n" : "");
    print_names("not confirmed by ", known, receipt, false);
    (void)printf(
        "Each of those who confirmed computed all sums and this result itself, and signed "
        "it. If one of\nthem is honest, it is the result of this plan over %s, as each gave"
        "\nthem; if all of them lie together, it proves nothing.\n",
        whose);
    if (!is_shown(receipt)) {
        (void)printf("Nobody confirmed it but who ran the task, at most: it proves nothing.\n");
    }
    if (receipt->is_full) {
        (void)printf("All sums were computed again here, from what the parties sent and signed.\n");
    }
    if (receipt->confirmed_len >= (size_t)receipt->colluders + 2) {
        const char *creator = find_name(known, &receipt->creator);
        if (receipt->colluders == 0) {
            (void)printf("One of them is honest unless another one colludes with %s.\n", creator);
        } else {
            (void)printf("One of them is honest unless more than %u others collude with %s.\n",
                         receipt->colluders, creator);
        }
    }
}

static json_t *make_names(const struct known *known, const struct sotto_receipt *receipt,
                          bool confirms)
{
    const char *names[SOTTO_SESSION_PARTIES_MAX];
    size_t len = list_names(names, known, receipt, confirms);
    json_t *array = json_array();
    for (size_t i = 0; i < len; i++) {
        (void)json_array_append_new(array, json_string(names[i]));
    }
    return array;
}

static void print_json(const struct known *known, const struct sotto_receipt *receipt)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "creator", json_string(find_name(known, &receipt->creator)));
    (void)json_object_set_new(object, "rounds", json_integer(receipt->rounds));
    (void)json_object_set_new(object, "confirmed", make_names(known, receipt, true));
    (void)json_object_set_new(object, "not_confirmed", make_names(known, receipt, false));
    (void)json_object_set_new(object, "computed_again", json_boolean(receipt->is_full));
    (void)json_object_set_new(object, "plan", json_loads(receipt->plan_json, 0, NULL));
    (void)json_object_set_new(object, "result", json_loads(receipt->result, 0, NULL));
    (void)json_dumpf(object, stdout, 0);
    (void)printf("\n");
    json_decref(object);
}

static int print_receipt(const struct known *known, const struct sotto_receipt *receipt,
                         const struct args *args)
{
    struct sotto_plan *plan = NULL;
    int code = is_shown(receipt) ? EXIT_DONE : EXIT_FAILED;
    if (args->json) {
        print_json(known, receipt);
        return code;
    }
    bool learns = false;
    if (sotto_plan_parse_task(&plan, receipt->plan_json, strlen(receipt->plan_json), NULL) ==
        SOTTO_OK) {
        learns = sotto_plan_bundle(plan) != NULL;
        (void)printf("%s asked \"%s\", in %u round%s:\n", find_name(known, &receipt->creator),
                     sotto_plan_name(plan), receipt->rounds, receipt->rounds > 1 ? "s" : "");
    }
    sotto_plan_free(plan);
    if (print_result(receipt->result, strlen(receipt->result),
                     &(struct print_style){.format = PRINT_TABLE}) != EXIT_DONE) {
        return EXIT_FAILED;
    }
    print_meaning(known, receipt, learns);
    return code;
}

int cmd_verify(const struct args *args)
{
    struct sotto_error err = {0};
    struct known known = {0};
    struct sotto_receipt receipt = {0};
    char *bytes = NULL;
    size_t bytes_len = 0;
    int code = EXIT_FAILED;
    if (args->positional_len != 1 || args->outputs_len > 0) {
        return command_usage("expected: sotto verify FILE [--peers node.yaml] [--json]");
    }
    enum sotto_status status =
        known_init(&known, args->peers != NULL ? args->peers : "node.yaml", &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = file_read(args->positional[0], &bytes, &bytes_len, RECEIPT_BYTES_MAX, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_receipt_verify(&receipt, bytes, bytes_len, known.peers, known.peers_len, &err);
    if (status != SOTTO_OK) {
        (void)sotto_error_prefix(&err, "%s does not hold", args->positional[0]);
        goto out;
    }
    code = print_receipt(&known, &receipt, args);
out:
    sotto_receipt_release(&receipt);
    sotto_free(bytes);
    known_release(&known);
    return status == SOTTO_OK ? code : command_failed(&err);
}
