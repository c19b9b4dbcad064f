/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_STORE_MODELS_H
#define SOTTO_NODE_STORE_MODELS_H

/* Models after single rounds of learning tasks that were created here. A part of the store. */

#include "store/store.h"

/* Keeps the model after a round, and no more than so many bytes of all that are kept: the oldest go
 * first. One that is longer than that is not kept. */
enum sotto_status store_model(struct store *store, uint64_t number, uint32_t round,
                              const struct sotto_buffer *model, uint64_t bytes_max,
                              struct sotto_error *err) SOTTO_NODISCARD;

/* A model as the API has it: {"round": n, "weight": base64}. round: 0: the last one that is kept.
 * Returns: SOTTO_ERROR_NOT_FOUND, saying when there is one. Ownership: *out_json is ended by
 * sotto_free. */
enum sotto_status store_model_json(struct store *store, char **out_json, uint64_t number,
                                   uint32_t round, struct sotto_error *err) SOTTO_NODISCARD;

#endif
