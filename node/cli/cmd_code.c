/* SPDX-License-Identifier: Apache-2.0 */

/* sotto code: what code others offer for learning tasks, and what the owner of data says to it.
 * Leans on client.c; the node shows the code so that every character of it can be told. */

#include "cli/client.h"
#include "loop/log.h"

#include <sotto/bundle.h>
#include <stdio.h>
#include <string.h>

#define DIGEST_TEXT_BYTES (2 * SOTTO_BUNDLE_DIGEST_BYTES)
#define PATH_BYTES 512
#define USAGE                                                                                      \
    "expected: sotto code, sotto code show DIGEST, sotto code approve DIGEST [--peer NAME] "       \
    "[--rounds N], or sotto code revoke DIGEST"

static const char *get_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static void print_list(const json_t *list)
{
    json_t *code;
    size_t i;
    (void)printf("%-8s  %-19s  %-16s  %-16s  %6s  %s\n", "state", "offered", "from", "for",
                 "rounds", "digest");
    json_array_foreach(list, i, code)
    {
        char at[LOG_TIME_BYTES];
        const char *peer = get_text(code, "peer");
        log_time(at, json_integer_value(json_object_get(code, "offered_at")));
        (void)printf("%-8s  %-19s  %-16s  %-16s  %6lld  %s\n", get_text(code, "state"), at,
                     get_text(code, "creator"), peer[0] != '\0' ? peer : "-",
                     (long long)json_integer_value(json_object_get(code, "rounds_left")),
                     get_text(code, "digest"));
    }
}

static void print_one(const json_t *code)
{
    char at[LOG_TIME_BYTES];
    const char *before = get_text(code, "compared_to");
    log_time(at, json_integer_value(json_object_get(code, "offered_at")));
    (void)printf("digest  %s\n", get_text(code, "digest"));
    (void)printf("words   %s\n", get_text(code, "words"));
    (void)printf("state   %s, offered by %s at %s\n", get_text(code, "state"),
                 get_text(code, "creator"), at);
    (void)printf("%lld characters stand here by their numbers, as <U+0430>\n",
                 (long long)json_integer_value(json_object_get(code, "by_number")));
    if (before[0] != '\0') {
        (void)printf("what changed since %s, which was approved:\n", before);
    }
    (void)printf("\n%s", get_text(code, "text"));
}

/* The path that a command calls. Returns: false, and a line on standard error. */
static bool make_path(char out[PATH_BYTES], struct client *client, const struct args *args)
{
    const char *what = args->positional[0];
    int used = snprintf(out, PATH_BYTES, "/v1/code/%s?digest=%s",
                        strcmp(what, "show") == 0 ? "one" : what, args->positional[1]);
    if (args->rounds != 0) {
        used += snprintf(out + used, PATH_BYTES - (size_t)used, "&rounds=%u", args->rounds);
    }
    if (args->peer == NULL) {
        return true;
    }
    char *peer = curl_easy_escape(client->easy, args->peer, 0);
    int added = peer != NULL ? snprintf(out + used, PATH_BYTES - (size_t)used, "&peer=%s", peer)
                             : PATH_BYTES;
    curl_free(peer);
    if (used + added >= PATH_BYTES) {
        (void)command_usage("--peer: expected the name of a peer");
        return false;
    }
    return true;
}

/* Returns: the exit code. */
static int call_node(const struct args *args, bool posts)
{
    struct sotto_error err = {0};
    struct client client;
    json_t *answer = NULL;
    char path[PATH_BYTES] = "/v1/code";
    enum sotto_status status = client_init(&client, args, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (args->positional_len > 0 && !make_path(path, &client, args)) {
        client_release(&client);
        return EXIT_USAGE;
    }
    status = client_json(&client, &answer, path, posts ? "" : NULL, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (args->json) {
        (void)printf("%.*s\n", (int)client.response.data_bytes, (const char *)client.response.data);
    } else if (posts) {
        (void)printf("%s, %lld rounds\n", get_text(answer, "state"),
                     (long long)json_integer_value(json_object_get(answer, "rounds_left")));
    } else if (args->positional_len > 0) {
        print_one(answer);
    } else {
        print_list(json_object_get(answer, "code"));
    }
out:
    json_decref(answer);
    client_release(&client);
    return status == SOTTO_OK ? EXIT_DONE : command_failed(&err);
}

static bool is_digest(const char *text)
{
    return strlen(text) == DIGEST_TEXT_BYTES &&
           strspn(text, "0123456789abcdef") == DIGEST_TEXT_BYTES;
}

int cmd_code(const struct args *args)
{
    const char *what = args->positional_len > 0 ? args->positional[0] : "list";
    bool is_list = args->positional_len == 0;
    bool approves = strcmp(what, "approve") == 0;
    bool posts = approves || strcmp(what, "revoke") == 0;
    if (args->outputs_len > 0 || (!is_list && !posts && strcmp(what, "show") != 0) ||
        args->positional_len > 2 || (!is_list && args->positional_len != 2) ||
        (!approves && (args->peer != NULL || args->rounds != 0))) {
        return command_usage(USAGE);
    }
    if (!is_list && !is_digest(args->positional[1])) {
        return command_usage("%.80s: expected a digest of 64 hexadecimal digits, as `sotto code` "
                             "lists it",
                             args->positional[1]);
    }
    return call_node(args, posts);
}
