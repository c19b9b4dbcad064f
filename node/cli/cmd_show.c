/* SPDX-License-Identifier: Apache-2.0 */

/* What is where: one task of a node with its plan, the node and its peers. Leans on client.c. What
 * came is printed for people; --json prints it as it came. */

#include "cli/client.h"
#include "loop/log.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Prints "name     key = text", or without a key "name     text", whole; control characters are
 * made harmless. */
static void print_line(const char *name, const char *key, const char *text)
{
    size_t bytes = strlen(key) + strlen(text) + 32;
    char *line = sotto_alloc(bytes);
    if (line != NULL) {
        (void)snprintf(line, bytes, "%-9.20s %s%s%s", name, key, key[0] != '\0' ? " = " : "", text);
        sotto_text_sanitize(line);
        (void)puts(line);
    }
    sotto_free(line);
}

/* The member of an object as text: a string as it is, anything else as JSON. */
static void print_member(const char *name, const json_t *object, const char *key)
{
    const json_t *member = json_object_get(object, key);
    if (json_is_string(member)) {
        print_line(name, "", json_string_value(member));
    } else if (member != NULL) {
        char *text = json_dumps(member, JSON_ENCODE_ANY);
        print_line(name, "", text != NULL ? text : "");
        free(text); /* jansson's */
    }
}

static void print_pairs(const char *name, json_t *object)
{
    const char *key;
    json_t *value;
    bool is_first = true;
    json_object_foreach(object, key, value)
    {
        const char *said = json_string_value(value);
        print_line(is_first ? name : "", key, said != NULL ? said : "");
        is_first = false;
    }
}

static void print_task(const json_t *metadata, const json_t *status, const json_t *plan)
{
    char when[LOG_TIME_BYTES];
    log_time(when, json_integer_value(json_object_get(metadata, "created_at")));
    print_member("task", metadata, "id");
    print_member("name", metadata, "name");
    print_line("created", "", when);
    print_member("state", status, "status");
    print_member("why", status, "error");
    print_member("confirmed", status, "confirmation");
    print_pairs("of", json_object_get(plan, "datasets"));
    print_pairs("defines", json_object_get(plan, "define"));
    print_member("where", plan, "where");
    print_member("by", plan, "group_by");
    print_member("rows", plan, "rows");
    print_pairs("asks", json_object_get(plan, "select"));
    print_member("results", plan, "results");
    print_member("strategy", plan, "strategy");
}

static enum sotto_status get(struct client *client, json_t **out, const char *what, uint64_t number,
                             struct sotto_error *err)
{
    char path[96];
    (void)snprintf(path, sizeof path, "/v1/task/%s?task_id=%llu", what, (unsigned long long)number);
    return client_json(client, out, path, NULL, err);
}

int cmd_show(const struct args *args)
{
    struct sotto_error err = {0};
    struct client client;
    uint64_t number;
    json_t *metadata = NULL;
    json_t *state = NULL;
    json_t *plan = NULL;
    if (!number_argument(args, &number)) {
        return EXIT_USAGE;
    }
    enum sotto_status status = client_init(&client, args, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = get(&client, &metadata, "metadata", number, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = get(&client, &state, "status", number, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = get(&client, &plan, "plan", number, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (args->json) {
        (void)printf("%.*s\n", (int)client.response.data_bytes, (const char *)client.response.data);
    } else {
        print_task(metadata, state, plan);
    }
out:
    json_decref(metadata);
    json_decref(state);
    json_decref(plan);
    client_release(&client);
    return status == SOTTO_OK ? EXIT_DONE : command_failed(&err);
}

static void print_nodes(const json_t *nodes)
{
    size_t i;
    json_t *node;
    (void)printf("%-16s  %-13s  %-40s  %s\n", "node", "", "key", "url");
    json_array_foreach(nodes, i, node)
    {
        char line[1024];
        const char *name = json_string_value(json_object_get(node, "name"));
        const char *key = json_string_value(json_object_get(node, "key"));
        const char *url = json_string_value(json_object_get(node, "url"));
        bool is_there = json_is_true(json_object_get(node, "connected"));
        (void)snprintf(line, sizeof line, "%-16.64s  %-13s  %-40.64s  %.800s",
                       name != NULL ? name : "",
                       i == 0     ? "this node"
                       : is_there ? "connected"
                                  : "not connected",
                       key != NULL ? key : "", url != NULL ? url : "");
        sotto_text_sanitize(line);
        (void)puts(line);
    }
}

int cmd_nodes(const struct args *args)
{
    struct sotto_error err = {0};
    struct client client;
    json_t *object = NULL;
    if (args->positional_len > 0 || args->outputs_len > 0) {
        return command_usage("expected: sotto nodes");
    }
    enum sotto_status status = client_init(&client, args, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = client_json(&client, &object, "/v1/nodes?page_size=1000", NULL, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (args->json) {
        (void)printf("%.*s\n", (int)client.response.data_bytes, (const char *)client.response.data);
    } else {
        print_nodes(json_object_get(object, "nodes"));
    }
out:
    json_decref(object);
    client_release(&client);
    return status == SOTTO_OK ? EXIT_DONE : command_failed(&err);
}
