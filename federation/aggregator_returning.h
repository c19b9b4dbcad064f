/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_FEDERATION_AGGREGATOR_RETURNING_H
#define SOTTO_FEDERATION_AGGREGATOR_RETURNING_H

/* The aggregator's side of later rounds that wait for a party. */

#include "task_aggregator.h"

/* By how many the later round that has failed may be tried again; 0: it may not. final: as
 * sotto_session_aggregator_failure has it. */
size_t sotto__task_aggregator_may_restart_later(const struct sotto_task_aggregator *task,
                                                enum sotto_status failure, bool final);

/* Ends the session of a later round, and asks all contributors for another attempt. Takes
 * *releases. */
void sotto__task_aggregator_reopen_later(struct sotto_task_aggregator *task,
                                         struct sotto_buffer *releases);

/* Whether an invitee is shown what was opened as soon as it is: not one that is restarted. */
bool sotto__task_aggregator_is_shown(const struct invitee *invitee);

/* A later round waits for who is gone. */
void sotto__task_aggregator_wait(struct sotto_task_aggregator *task);

/* Answers who is back, where no session is under way; all those who came back in one. */
void sotto__task_aggregator_answer_return(struct sotto_task_aggregator *task, size_t index);
void sotto__task_aggregator_answer_returned(struct sotto_task_aggregator *task);

/* An invitee that has not answered is away: joining goes on without waiting for it
 * (aggregator_joining.c). */
void sotto__task_aggregator_miss(struct sotto_task_aggregator *task, size_t invitee);

/* Takes RETURN. */
enum sotto_status sotto__task_aggregator_receive_return(struct sotto_task_aggregator *task,
                                                        size_t index,
                                                        const struct sotto_message *message,
                                                        struct sotto_error *err) SOTTO_NODISCARD;

#endif
