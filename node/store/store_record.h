/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_STORE_RECORD_H
#define SOTTO_NODE_STORE_RECORD_H

/* The owner's record: what was asked of this node, and what became of it. A part of the store. */

#include "store/store.h"

enum record_event {
    RECORD_DECLINED,
    RECORD_WAITING, /* for the owner */
    RECORD_APPROVED,
    RECORD_REJECTED,
    RECORD_JOINED,
    RECORD_ANSWERED, /* this node's rows are in a sum that can be opened */
    RECORD_EVENTS_LEN,
};

/* The word for an event. Returns: static storage. */
const char *record_event_name(enum record_event event);

/* Of one creator, day (UTC), event and class more entries than this become one with a count;
 * answers never do. */
#define RECORDS_OF_DAY 1000
/* And the plans of its entries have at most so many bytes a day; those of answers are always kept.
 */
#define RECORD_PLANS_OF_DAY ((size_t)16 * 1024 * 1024)

struct store_record {
    uint64_t number;
    int64_t created_ms;
    char creator[STORE_NAME_BYTES];
    char name[STORE_NAME_BYTES]; /* of the plan; "" if it was not read */
    char event[16];
    char reason[16];                   /* the class of a refusal; else "" */
    char text[SOTTO_ERROR_TEXT_BYTES]; /* why, for the owner only */
    uint64_t times;
};

/* Adds an entry; number and times are not read. plan_json: as it came. Durable if event is
 * RECORD_ANSWERED. */
enum sotto_status store_record_add(struct store *store, const struct store_record *entry,
                                   enum record_event event, const struct sotto_task_id *id,
                                   const struct sotto_key *creator, const char *plan_json,
                                   struct sotto_error *err) SOTTO_NODISCARD;

/* Calls visit for up to limit entries, the newest first. */
typedef void store_record_visit(void *context, const struct store_record *entry);
enum sotto_status store_each_record(struct store *store, uint64_t limit, store_record_visit *visit,
                                    void *context, struct sotto_error *err) SOTTO_NODISCARD;
/* One entry, and the plan of its task, "" if that is not kept. Returns: SOTTO_ERROR_NOT_FOUND.
 * Ownership: *out_plan is ended by sotto_free. */
enum sotto_status store_get_record(struct store *store, struct store_record *out, char **out_plan,
                                   uint64_t number, struct sotto_error *err) SOTTO_NODISCARD;

#endif
