/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_FEDERATION_PRACTICE_H
#define SOTTO_FEDERATION_PRACTICE_H

/* What a simulated party answers where a learning task asks: its caller runs the code. */

#include <sotto/simulate.h>
#include <sotto/task.h>

/* Answers OFFER, and PARTIAL, of the party with this number. Returns: what the caller's train
 * does, and as sotto_task_party_offer_model and sotto_task_party_update; the host then declines. */
enum sotto_status sotto__practice_offer(struct sotto_task_party *task,
                                        const struct sotto_simulation *config, size_t party,
                                        struct sotto_error *err) SOTTO_NODISCARD;
enum sotto_status sotto__practice_train(struct sotto_task_party *task,
                                        const struct sotto_simulation *config, size_t party,
                                        struct sotto_error *err) SOTTO_NODISCARD;

#endif
