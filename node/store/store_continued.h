/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_STORE_CONTINUED_H
#define SOTTO_NODE_STORE_CONTINUED_H

/* What models of tasks that failed had reached, as this node computed it. A part of the store. */

#include "store/store.h"

/* Keeps it; of one creator the last CONTINUED_OF_ONE are kept: each invitation of a model is
 * compared with all of them, once for each task that it may go on with. */
#define CONTINUED_OF_ONE 16
enum sotto_status store_continued_add(struct store *store, const struct sotto_key *creator,
                                      const char *plan_json, const char *reached, int64_t now_ms,
                                      struct sotto_error *err) SOTTO_NODISCARD;

/* Calls visit for those of a creator, the newest first, until it says that it is done. */
typedef bool store_continued_visit(void *context, const char *plan_json, const char *reached);
enum sotto_status store_each_continued(struct store *store, const struct sotto_key *creator,
                                       store_continued_visit *visit, void *context,
                                       struct sotto_error *err) SOTTO_NODISCARD;

#endif
