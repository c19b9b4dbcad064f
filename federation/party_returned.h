/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_FEDERATION_PARTY_RETURNED_H
#define SOTTO_FEDERATION_PARTY_RETURNED_H

/* A party whose process began again, and what it shares with one that did not. */

#include "task_party.h"

/* Has the host keep the round that was opened, the session being that round's still, and the
 * contributors being known. */
enum sotto_status sotto__task_party_keep(struct sotto_task_party *task, const void *aggregate,
                                         size_t aggregate_bytes) SOTTO_NODISCARD;
/* Takes RESUME. */
enum sotto_status sotto__task_party_resume(struct sotto_task_party *task,
                                           const struct sotto_message *message,
                                           struct sotto_error *err) SOTTO_NODISCARD;

/* --- task_party.c --- */

/* What a task began with. Borrows. */
struct sotto__task_origin {
    struct sotto_session_label label;
    struct sotto_key aggregator;
    const char *plan_json;
    size_t plan_bytes;
};

/* Takes what its host says of itself, and what the task began with. */
enum sotto_status sotto__task_party_init(struct sotto_task_party *task,
                                         const struct sotto_task_party_config *config,
                                         const struct sotto__task_origin *origin,
                                         struct sotto_error *err) SOTTO_NODISCARD;
/* Parses the plan, of so many bytes, and checks what it asks of parties. */
enum sotto_status sotto__task_party_read_plan(struct sotto_task_party *task, size_t plan_bytes,
                                              struct sotto_error *err) SOTTO_NODISCARD;

/* --- party_rounds.c --- */

/* Makes the driver, and keeps what the members of the first round's roster offered, which the
 * result speaks of. */
enum sotto_status sotto__task_party_agree(struct sotto_task_party *task,
                                          const struct sotto_roster *roster,
                                          struct sotto_error *err) SOTTO_NODISCARD;

/* Whether a later round's parties are those whose sum the one before opened: all of them, or where
 * code is tolerant some. */
enum sotto_status sotto__task_party_check_contributors(const struct sotto_task_party *task,
                                                       const struct sotto_roster *roster,
                                                       struct sotto_error *err) SOTTO_NODISCARD;

/* Gives an aggregate to the driver, which must come to the round that the party goes to. */
enum sotto_status sotto__task_party_advance(struct sotto_task_party *task, const void *aggregate,
                                            size_t aggregate_bytes,
                                            struct sotto_error *err) SOTTO_NODISCARD;

#endif
