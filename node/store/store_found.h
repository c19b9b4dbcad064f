/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_STORE_FOUND_H
#define SOTTO_NODE_STORE_FOUND_H

/* Lists of the tasks that were created here: a part of the store. */

#include "store/store.h"

/* Which tasks are wanted, and in which order. */
struct store_filter {
    enum task_state state; /* TASK_STATES_LEN: any */
    const char *name;      /* a part of the name, in capitals or not; "": any */
    bool descending;       /* by their numbers */
};

/* Calls visit for up to limit tasks that are wanted, after the first offset. */
typedef void store_task_visit(void *context, const struct store_task *task);
enum sotto_status store_each_task(struct store *store, uint64_t offset, uint64_t limit,
                                  const struct store_filter *filter, store_task_visit *visit,
                                  void *context, struct sotto_error *err) SOTTO_NODISCARD;
/* How many tasks are wanted. */
enum sotto_status store_count_found(struct store *store, uint64_t *out,
                                    const struct store_filter *filter,
                                    struct sotto_error *err) SOTTO_NODISCARD;
/* The number of the last task of the same name before this one, 0 if there is none. */
enum sotto_status store_find_previous(struct store *store, uint64_t *out, uint64_t number,
                                      struct sotto_error *err) SOTTO_NODISCARD;

#endif
