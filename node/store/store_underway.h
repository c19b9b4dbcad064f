/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_STORE_UNDERWAY_H
#define SOTTO_NODE_STORE_UNDERWAY_H

/* Tasks of several rounds that this node takes part in, for a process that takes the place of this
 * one. A part of the store. */

#include "store/store.h"

struct store_underway {
    struct sotto_task_id id;
    struct sotto_key creator;
};

/* Adds an entry to those of a task. */
enum sotto_status store_underway_add(struct store *store, const struct sotto_task_id *id,
                                     const struct sotto_key *creator, const void *bytes,
                                     size_t bytes_len, struct sotto_error *err) SOTTO_NODISCARD;
/* Forgets a task: it is over. */
enum sotto_status store_underway_forget(struct store *store, const struct sotto_task_id *id,
                                        const struct sotto_key *creator,
                                        struct sotto_error *err) SOTTO_NODISCARD;

/* The tasks that have entries, at most max of them. Returns: how many in *out_len. */
enum sotto_status store_list_underway(struct store *store, struct store_underway *out, size_t max,
                                      size_t *out_len, struct sotto_error *err) SOTTO_NODISCARD;
/* A task's entries, the first one first. Ownership: each is ended by sotto_buffer_release, *out by
 * sotto_free. */
enum sotto_status store_get_underway(struct store *store, struct sotto_buffer **out,
                                     size_t *out_len, const struct sotto_task_id *id,
                                     const struct sotto_key *creator,
                                     struct sotto_error *err) SOTTO_NODISCARD;
void store_free_underway(struct sotto_buffer *entries, size_t len);

#endif
