/* SPDX-License-Identifier: Apache-2.0 */

/* How a node is, on one screen: whether it can work, who is connected, its last tasks, and what
 * waits for its owner. Leans on client.c. Names are other organisations': what can't be seen in
 * them is written out. */

#include "cli/client.h"

#include <stdio.h>
#include <string.h>

/* All parts of the answer; NULL where there is none. */
struct screen {
    json_t *me;
    json_t *ready;
    json_t *nodes;
    json_t *tasks;
    json_t *asked;
};

/* A node that is not ready answers with an error, and with what is wrong. */
static enum sotto_status get_ready(struct client *client, json_t **out, struct sotto_error *err)
{
    enum sotto_status status = client_call(client, "/readyz", NULL, err);
    *out = json_loadb((const char *)client->response.data, client->response.data_bytes, 0, NULL);
    if (json_is_string(json_object_get(*out, "status"))) {
        return SOTTO_OK;
    }
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s does not answer like a sotto node",
                           client->target.base);
}

/* What the token may not see is left out: the node has answered it before. */
static enum sotto_status get_if_allowed(struct client *client, json_t **out, const char *path,
                                        struct sotto_error *err)
{
    enum sotto_status status = client_json(client, out, path, NULL, err);
    return status == SOTTO_ERROR_REFUSED ? SOTTO_OK : status;
}

static enum sotto_status get_screen(struct client *client, struct screen *out,
                                    struct sotto_error *err)
{
    enum sotto_status status = client_json(client, &out->me, "/v1/me", NULL, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = get_ready(client, &out->ready, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = client_json(client, &out->nodes, "/v1/nodes?page_size=1000", NULL, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = get_if_allowed(client, &out->tasks, "/v1/tasks?page_size=5", err);
    if (status != SOTTO_OK) {
        return status;
    }
    return get_if_allowed(client, &out->asked, "/v1/asked?waiting=1", err);
}

/* --- Printing --- */

static void print_ready(const json_t *ready)
{
    static const struct {
        const char *key;
        const char *what;
    } checks[] = {{"disk", "the disk is nearly full"},
                  {"peers", "no peer is connected"},
                  {"data", "data_dir can't be read"}};
    bool is_first = true;
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (!json_is_true(json_object_get(ready, checks[i].key))) {
            (void)printf("%-9s %s\n", is_first ? "ready" : "", checks[i].what);
            is_first = false;
        }
    }
    if (is_first) {
        (void)printf("%-9s yes\n", "ready");
    } else {
        (void)printf("%-9s sotto doctor says more\n", "");
    }
}

/* The first of the nodes is the one that answers. */
static void print_peers(const json_t *nodes)
{
    size_t i;
    json_t *node;
    char text[CLIENT_TEXT_BYTES];
    size_t len = json_array_size(nodes);
    size_t connected = 0;
    json_array_foreach(nodes, i, node)
    {
        connected += i > 0 && json_is_true(json_object_get(node, "connected"));
    }
    (void)printf("%-9s %zu of %zu connected\n", "peers", connected, len > 0 ? len - 1 : 0);
    json_array_foreach(nodes, i, node)
    {
        if (i > 0 && !json_is_true(json_object_get(node, "connected"))) {
            const char *url = json_string_value(json_object_get(node, "url"));
            (void)printf(
                "%-9s %s is not%s\n", "", client_reveal(text, node, "name"),
                url != NULL && url[0] != '\0'
                    ? ""
                    : ", as it has no url; no fault where it does not call this node either");
        }
    }
}

static void print_tasks(const json_t *tasks)
{
    size_t i;
    json_t *task;
    char name[CLIENT_TEXT_BYTES];
    char state[CLIENT_TEXT_BYTES];
    if (json_array_size(tasks) == 0) {
        (void)printf("%-9s none\n", "tasks");
    }
    json_array_foreach(tasks, i, task)
    {
        (void)printf("%-9s %lld  %s  %s\n", i == 0 ? "tasks" : "",
                     (long long)json_integer_value(json_object_get(task, "id")),
                     client_reveal(state, task, "status"), client_reveal(name, task, "name"));
    }
}

/* Whose token this is, by the name and role that the node knows: the one that init made has no name
 * of its own. */
static void print_token(const json_t *me)
{
    static const struct {
        const char *role;
        const char *may;
    } roles[] = {{"admin", "may do everything"},
                 {"approve", "may decide what others asked"},
                 {"ask", "may create tasks, and read"},
                 {"read", "may read"},
                 {"watch", "may see how the node is"}};
    char name[CLIENT_TEXT_BYTES];
    char role[CLIENT_TEXT_BYTES];
    const char *may = "";
    bool is_first = strcmp(client_reveal(name, me, "name"), "the first one") == 0;
    (void)client_reveal(role, me, "role");
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        may = strcmp(role, roles[i].role) == 0 ? roles[i].may : may;
    }
    (void)printf("%-9s %s (%s%s%s)\n", "token", is_first ? "the one that init made" : name, role,
                 may[0] != '\0' ? ": " : "", may);
}

static void print_screen(const struct screen *screen, const char *base)
{
    char name[CLIENT_TEXT_BYTES];
    char version[CLIENT_TEXT_BYTES];
    (void)printf("%-9s %s, %s, at %s\n", "node", client_reveal(name, screen->me, "node"),
                 client_reveal(version, screen->me, "version"), base);
    print_token(screen->me);
    print_ready(screen->ready);
    print_peers(json_object_get(screen->nodes, "nodes"));
    if (screen->tasks != NULL) {
        print_tasks(json_object_get(screen->tasks, "tasks"));
    }
    size_t waiting = json_array_size(json_object_get(screen->asked, "asked"));
    if (waiting > 0) {
        (void)printf("%-9s %zu for you to decide: sotto asked\n", "waiting", waiting);
    }
}

static void print_json(const struct screen *screen)
{
    json_t *all = json_pack("{s:O, s:O, s:O, s:O*, s:O*}", "me", screen->me, "ready", screen->ready,
                            "nodes", json_object_get(screen->nodes, "nodes"), "tasks",
                            json_object_get(screen->tasks, "tasks"), "asked",
                            json_object_get(screen->asked, "asked"));
    if (all != NULL && json_dumpf(all, stdout, JSON_COMPACT) == 0) {
        (void)puts("");
    }
    json_decref(all);
}

int cmd_status(const struct args *args)
{
    struct sotto_error err = {0};
    struct client client;
    struct screen screen = {0};
    const char *ready = NULL;
    bool is_ready;
    if (args->positional_len > 0 || args->outputs_len > 0) {
        return command_usage("expected: sotto status");
    }
    enum sotto_status status = client_init(&client, args, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = get_screen(&client, &screen, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    ready = json_string_value(json_object_get(screen.ready, "status"));
    if (args->json) {
        print_json(&screen);
    } else {
        print_screen(&screen, client.target.base);
    }
out:
    is_ready = ready != NULL && strcmp(ready, "ready") == 0;
    json_decref(screen.me);
    json_decref(screen.ready);
    json_decref(screen.nodes);
    json_decref(screen.tasks);
    json_decref(screen.asked);
    client_release(&client);
    if (status != SOTTO_OK) {
        return command_failed(&err);
    }
    return is_ready ? EXIT_DONE : EXIT_FAILED;
}
