/* SPDX-License-Identifier: Apache-2.0 */

/* Asks all nodes what they publish. Leans on listing.c, which reads what they say. The idea: a
 * question is a message to each peer under one random id; what comes under it from a peer that has
 * not answered yet is its answer, and who is away or silent is named. */

#include "task/browse.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <sotto/listing.h>
#include <stdlib.h>
#include <string.h>

enum browse_state {
    BROWSE_SILENT,
    BROWSE_AWAY,
    BROWSE_ANSWERED,
    BROWSE_UNREADABLE,
    BROWSE_NOBODY, /* no peer has this place, or it is one no more */
};

static const char *const state_names[] = {"silent", "away", "answered", "unreadable"};

/* By the places of compute->peers: this node is the last one. */
struct browsed_node {
    enum browse_state state;
    char *text; /* of listing_read, jansson's; NULL: none */
};

struct browse {
    struct browse *next;
    struct sotto_task_id id;
    uint64_t request;
    uint64_t deadline_ms;
    struct browsed_node *nodes;
    size_t nodes_len;
};

static void free_browse(struct browse *browse)
{
    for (size_t i = 0; browse->nodes != NULL && i < browse->nodes_len; i++) {
        free(browse->nodes[i].text);
    }
    sotto_free(browse->nodes);
    sotto_free(browse);
}

static bool is_complete(const struct browse *browse)
{
    bool complete = true;
    for (size_t i = 0; i < browse->nodes_len; i++) {
        complete = complete && browse->nodes[i].state != BROWSE_SILENT;
    }
    return complete;
}

/* {"nodes": [{"name": ..., "state": ..., "datasets": [...]}]}, this node first. */
static void answer(struct compute *compute, const struct browse *browse)
{
    json_t *nodes = json_array();
    for (size_t i = 0; i < browse->nodes_len; i++) {
        size_t at = (i + browse->nodes_len - 1) % browse->nodes_len;
        const struct browsed_node *node = &browse->nodes[at];
        bool is_peer = at + 1 == browse->nodes_len || config_has_peer(compute->policy, at);
        if (node->state == BROWSE_NOBODY || !is_peer) {
            continue;
        }
        json_t *object = json_pack("{s:s, s:s}", "name", compute->peers[at].name, "state",
                                   state_names[node->state]);
        json_t *listing = node->text != NULL ? json_loads(node->text, 0, NULL) : NULL;
        (void)json_object_update(object, listing);
        json_decref(listing);
        (void)json_array_append_new(nodes, object);
    }
    json_t *root = json_pack("{s:o}", "nodes", nodes);
    char *text = json_dumps(root, 0);
    compute__reply(compute, browse->request, HTTP_OK,
                   text != NULL ? sotto_text_copy(text, strlen(text)) : NULL);
    free(text);
    json_decref(root);
}

void browse_tick(struct compute *compute, bool all)
{
    for (struct browse **at = &compute->first_browse; *at != NULL;) {
        struct browse *browse = *at;
        if (all || is_complete(browse) || browse->deadline_ms <= clock_ms()) {
            answer(compute, browse);
            *at = browse->next;
            free_browse(browse);
        } else {
            at = &browse->next;
        }
    }
}

uint64_t browse_deadline(const struct compute *compute)
{
    uint64_t deadline_ms = UINT64_MAX;
    for (const struct browse *browse = compute->first_browse; browse != NULL;
         browse = browse->next) {
        deadline_ms = browse->deadline_ms < deadline_ms ? browse->deadline_ms : deadline_ms;
    }
    return deadline_ms;
}

static enum sotto_status ask_peer(struct compute *compute, const struct browse *browse,
                                  size_t index)
{
    struct sotto_action action = {.kind = SOTTO_ACTION_SEND, .peer = compute->peers[index].key};
    enum sotto_status status =
        sotto_browse_seal(&action.bytes, &browse->id, compute->config.identity);
    if (status == SOTTO_OK) {
        compute__send(compute, &action, BROWSE_MS);
    }
    sotto_action_release(&action);
    return status;
}

/* Asks all peers that are not away; what this node itself publishes is known. */
static enum sotto_status ask_all(struct compute *compute, struct browse *browse, const bool *away)
{
    size_t own = browse->nodes_len - 1;
    const char *text = listing_make(compute);
    browse->nodes[own].text = text != NULL ? listing_read(text, strlen(text)) : NULL;
    browse->nodes[own].state =
        browse->nodes[own].text != NULL ? BROWSE_ANSWERED : BROWSE_UNREADABLE;
    for (size_t i = 0; i < own; i++) {
        if (!config_has_peer(compute->policy, i)) {
            browse->nodes[i].state = BROWSE_NOBODY;
            continue;
        }
        if (away != NULL && away[i]) {
            browse->nodes[i].state = BROWSE_AWAY;
            continue;
        }
        enum sotto_status status = ask_peer(compute, browse, i);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static size_t count_browses(const struct compute *compute)
{
    size_t len = 0;
    for (const struct browse *browse = compute->first_browse; browse != NULL;
         browse = browse->next) {
        len++;
    }
    return len;
}

static enum sotto_status make_browse(struct compute *compute, struct browse **out,
                                     const struct job *job)
{
    struct sotto_random random = sotto_random_system();
    struct browse *browse = sotto_alloc_zeroed(sizeof *browse);
    if (browse == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    browse->request = job->request;
    browse->nodes_len = compute->peers_len;
    browse->nodes = sotto_alloc_array(compute->peers_len, sizeof *browse->nodes);
    enum sotto_status status = browse->nodes != NULL ? random.fill(random.context, browse->id.bytes,
                                                                   sizeof browse->id.bytes)
                                                     : SOTTO_ERROR_NO_MEMORY;
    if (status != SOTTO_OK) {
        goto out;
    }
    status = ask_all(compute, browse, job->away);
    if (status != SOTTO_OK) {
        goto out;
    }
    browse->deadline_ms = clock_ms() + BROWSE_MS;
    *out = browse;
    browse = NULL;
out:
    if (browse != NULL) {
        free_browse(browse);
    }
    return status;
}

void browse_begin(struct compute *compute, const struct job *job)
{
    struct browse *browse = NULL;
    if (count_browses(compute) >= BROWSES_MAX) {
        compute__reply_detail(compute, job->request, HTTP_UNAVAILABLE, SOTTO_ERROR_LIMIT,
                              "the peers are being asked already: try again later");
        return;
    }
    enum sotto_status status = make_browse(compute, &browse, job);
    if (status != SOTTO_OK || browse == NULL) {
        compute__reply_detail(compute, job->request, HTTP_INTERNAL, status,
                              sotto_status_text(status));
        return;
    }
    browse->next = compute->first_browse;
    compute->first_browse = browse;
}

void browse_receive(struct compute *compute, const struct sotto_message_route *route,
                    const struct sotto_buffer *message)
{
    struct sotto_error err = {0};
    const char *json = NULL;
    size_t json_bytes = 0;
    struct browse *browse = compute->first_browse;
    const char *name = compute__peer_name(compute, &route->sender);
    while (browse != NULL &&
           memcmp(browse->id.bytes, route->task.bytes, sizeof browse->id.bytes) != 0) {
        browse = browse->next;
    }
    size_t index = 0;
    while (browse != NULL && index + 1 < browse->nodes_len &&
           !sotto_key_equal(&compute->peers[index].key, &route->sender)) {
        index++;
    }
    if (browse == NULL || browse->nodes[index].state != BROWSE_SILENT) {
        return; /* late, or again */
    }
    if (sotto_listing_open(&json, &json_bytes, message->data, message->data_bytes, &err) !=
        SOTTO_OK) {
        log_limited(LOG_MESSAGES, name, "a message of %s is ignored: %s", name, err.text);
        return;
    }
    struct browsed_node *node = &browse->nodes[index];
    node->text = listing_read(json, json_bytes);
    node->state = node->text != NULL ? BROWSE_ANSWERED : BROWSE_UNREADABLE;
    if (node->text == NULL) {
        log_limited(LOG_MESSAGES, name, "what %s says it publishes can't be read", name);
    }
}
