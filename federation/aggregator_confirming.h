/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_FEDERATION_AGGREGATOR_CONFIRMING_H
#define SOTTO_FEDERATION_AGGREGATOR_CONFIRMING_H

/* What an aggregator shows of a sum, and who confirms or disputes it. */

#include "task_aggregator.h"

/* Shows the living what opened their session, and the result (NULL: another round follows). */
enum sotto_status sotto__task_aggregator_show(struct sotto_task_aggregator *task,
                                              const char *result) SOTTO_NODISCARD;
/* Tells the host the result, and asks the living to confirm it. */
enum sotto_status
sotto__task_aggregator_await_confirmations(struct sotto_task_aggregator *task) SOTTO_NODISCARD;
/* Ends the task when all have confirmed who are there, or time is over. */
void sotto__task_aggregator_consider_confirmed(struct sotto_task_aggregator *task, bool expired);
enum sotto_status sotto__task_aggregator_receive_confirm(struct sotto_task_aggregator *task,
                                                         size_t index,
                                                         const struct sotto_message *message,
                                                         struct sotto_error *err) SOTTO_NODISCARD;
enum sotto_status sotto__task_aggregator_receive_dispute(struct sotto_task_aggregator *task,
                                                         size_t index,
                                                         const struct sotto_message *message,
                                                         struct sotto_error *err) SOTTO_NODISCARD;
/* Keeps what a receipt says of the round that was opened. */
void sotto__task_aggregator_record(struct sotto_task_aggregator *task, const void *aggregate,
                                   size_t aggregate_bytes);
/* FINISH for one invitee: with the result, if it is told it and no OPENED had it. */
enum sotto_status sotto__task_aggregator_make_finish(const struct sotto_task_aggregator *task,
                                                     struct sotto_buffer *out,
                                                     enum sotto_status status,
                                                     bool has_result) SOTTO_NODISCARD;

/* --- aggregator_rounds.c --- */

/* Whether the result, if there is one, is what the driver makes of the sums. Returns:
 * SOTTO_ERROR_PROTOCOL if it is not. */
enum sotto_status sotto__task_aggregator_recheck_result(const struct sotto_task_aggregator *task,
                                                        struct sotto_error *err) SOTTO_NODISCARD;

#endif
