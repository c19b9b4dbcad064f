/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_PARTS_PARTS_H
#define SOTTO_ENGINE_PARTS_PARTS_H

/* Room parts: what some of a party's rows contribute to a round, as bytes (PARTS.md), and put
 * together where nobody has the plan. */

#include "contribute/contribute.h"
#include "parts/head.h"

/* --- facts_bytes.c: evidence as bytes --- */

/* Evidence that is settled. Returns: SOTTO_ERROR_NO_MEMORY; else a failure is the writer's. */
enum sotto_status sotto__facts_write(const struct sotto_evidence *evidence,
                                     struct sotto_writer *writer) SOTTO_NODISCARD;

/* What evidence is of, at most; values of columns are told apart up to min_rows. */
struct sotto__facts_limits {
    uint64_t min_rows;
    uint64_t rows;
    size_t groups;
};

/* Makes the reader fail for what no such rows say. Returns: SOTTO_ERROR_NO_MEMORY,
 * SOTTO_ERROR_LIMIT. Ended by sotto__evidence_release, after a failure too. */
enum sotto_status sotto__facts_read(struct sotto_evidence *out, struct sotto_reader *reader,
                                    const struct sotto__facts_limits *limits) SOTTO_NODISCARD;

/* --- part.c: a part --- */

/* Slots of as many limbs, one after the other. */
struct sotto__part_slots {
    uint32_t len;
    uint16_t limbs;
};

struct sotto__part {
    struct sotto__part_head head;
    struct sotto_buffer *offers; /* round 0: different ones, in the order of their bytes */
    size_t offers_len;
    size_t offers_capacity_len;
    struct sotto__part_slots *slots; /* later rounds; neighbours differ in limbs */
    size_t slots_len;
    uint64_t *limbs; /* of all slots */
    size_t limbs_len;
    struct sotto_evidence evidence;
};

/* A part of zeros is fine. */
void sotto__part_release(struct sotto__part *part);
/* Takes an offer, as bytes, unless it is there. Returns: SOTTO_ERROR_LIMIT, SOTTO_ERROR_NO_MEMORY.
 */
enum sotto_status sotto__part_add_offer(struct sotto__part *in_out, const void *data,
                                        size_t data_bytes, struct sotto_error *err) SOTTO_NODISCARD;
/* What a contribution holds becomes the part's, and it can only be freed. Returns:
 * SOTTO_ERROR_REFUSED for more than can be judged, SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__part_take(struct sotto__part *in_out,
                                   struct sotto_contribution *contribution,
                                   struct sotto_error *err) SOTTO_NODISCARD;
/* Returns: *out, ended by sotto_buffer_release. Settles its evidence. */
enum sotto_status sotto__part_write(struct sotto__part *part, struct sotto_buffer *out,
                                    struct sotto_error *err) SOTTO_NODISCARD;
/* Returns: SOTTO_ERROR_INPUT for bytes that sotto__part_write does not write. Ended by
 * sotto__part_release, after a failure too. */
enum sotto_status sotto__part_read(struct sotto__part *out, const struct sotto_part_bytes *bytes,
                                   struct sotto_error *err) SOTTO_NODISCARD;
/* Sets the slots of the driver's round. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__part_find_slots(struct sotto__part *out,
                                         const struct sotto_driver *driver) SOTTO_NODISCARD;
/* Whether two parts have the same slots. */
bool sotto__part_has_slots(const struct sotto__part *a, const struct sotto__part *b);

/* --- given.c: a part given to whoever has the plan --- */

/* Adds what a part holds, to a contribution to its round. Returns: SOTTO_ERROR_INPUT where its
 * numbers cannot be those of such a round. */
enum sotto_status sotto__part_give(const struct sotto__part *part,
                                   struct sotto_contribution *in_out,
                                   struct sotto_error *err) SOTTO_NODISCARD;

#endif
