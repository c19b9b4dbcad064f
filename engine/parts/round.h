/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_PARTS_ROUND_H
#define SOTTO_ENGINE_PARTS_ROUND_H

/* What is asked of all parts next: round.c; as text: round_text.c; parts of it: round_parts.c. */

#include "parts/parts.h"

struct sotto_round {
    struct sotto_plan *plan;
    uint8_t plan_digest[SOTTO_SHORT_DIGEST_BYTES];
    char snapshot[SOTTO_PART_SNAPSHOT_BYTES];
    uint64_t *rows; /* of each dataset, once types are agreed on */
    struct sotto_schema types;
    struct sotto_driver *driver; /* NULL: types are not agreed on */
    struct sotto_buffer *opened; /* of each round that is over, its limbs as bytes */
    size_t opened_len;
    size_t opened_capacity_len;
};

/* Types were agreed on, of so many rows (one number a dataset) of a snapshot: the round is 1. */
enum sotto_status sotto__part_round_start(struct sotto_round *round,
                                          const struct sotto_schema *types, const uint64_t *rows,
                                          const char *snapshot,
                                          struct sotto_error *err) SOTTO_NODISCARD;
/* Goes on with what a round opened. */
enum sotto_status sotto__part_round_open(struct sotto_round *round, const uint64_t *limbs,
                                         size_t limbs_len, struct sotto_error *err) SOTTO_NODISCARD;
/* Returns: SOTTO_ERROR_STATE once the last round is over. */
enum sotto_status sotto__part_round_check_not_over(const struct sotto_round *round,
                                                   struct sotto_error *err) SOTTO_NODISCARD;

#endif
