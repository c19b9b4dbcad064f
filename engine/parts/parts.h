/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_PARTS_PARTS_H
#define SOTTO_ENGINE_PARTS_PARTS_H

/* Room parts: what some of a party's rows contribute to a round, as bytes (PARTS.md), and put
 * together where nobody has the plan. */

#include "contribute/contribute.h"
#include "parts/head.h"

/* --- facts_bytes.c: evidence as bytes --- */

/* Evidence that is settled; of one that is over its limit nothing but that. Returns:
 * SOTTO_ERROR_NO_MEMORY; else a failure is the writer's. */
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

/* How many values of a column are missing. */
struct sotto__part_missing {
    char *name;
    uint64_t rows;
};

struct sotto__part {
    struct sotto__part_head head;
    struct sotto_buffer *offers; /* round 0: different ones, in the order of their bytes */
    size_t offers_len;
    size_t offers_capacity_len;
    struct sotto__part_missing *missing; /* of a catalogue: by the bytes of names, none twice */
    size_t missing_len;
    size_t missing_capacity_len;
    struct sotto__part_slots *slots; /* later rounds; neighbours differ in limbs */
    size_t slots_len;
    uint64_t *limbs; /* of all slots */
    size_t limbs_len;
    struct sotto_evidence evidence;
    struct sotto_part_bytes
        *shown; /* to a watch, of each part that was merged. Borrows the bytes */
    size_t shown_len;
    size_t shown_capacity_len;
    struct sotto_buffer all_shown; /* of all of them: what is written */
};

/* A part of zeros is fine. */
void sotto__part_release(struct sotto__part *part);
/* Wipes and frees what may be secret. */
void sotto__part_wipe_buffer(struct sotto_buffer *buffer);
/* Takes an offer, as bytes, unless it is there. Returns: SOTTO_ERROR_LIMIT, SOTTO_ERROR_NO_MEMORY.
 */
enum sotto_status sotto__part_add_offer(struct sotto__part *in_out, const void *data,
                                        size_t data_bytes, struct sotto_error *err) SOTTO_NODISCARD;
/* What a contribution holds becomes the part's, and it can only be freed. That it is more than can
 * be judged is said of it, and its party tells. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__part_take(struct sotto__part *in_out,
                                   struct sotto_contribution *contribution,
                                   struct sotto_error *err) SOTTO_NODISCARD;
/* Puts together what all were shown, if anything was. Returns: SOTTO_ERROR_INPUT. */
enum sotto_status sotto__part_merge_shown(struct sotto__part *in_out,
                                          const struct sotto_part_watch *watch,
                                          struct sotto_error *err) SOTTO_NODISCARD;
/* Returns: *out, ended by sotto_buffer_release. Settles its evidence. */
enum sotto_status sotto__part_write(struct sotto__part *part, struct sotto_buffer *out,
                                    struct sotto_error *err) SOTTO_NODISCARD;
/* Returns: SOTTO_ERROR_INPUT for bytes that sotto__part_write does not write, but for what was
 * shown, from which it borrows. Ended by sotto__part_release, after a failure too. */
enum sotto_status sotto__part_read(struct sotto__part *out, const struct sotto_part_bytes *bytes,
                                   struct sotto_error *err) SOTTO_NODISCARD;
/* Sets the slots of the driver's round. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__part_find_slots(struct sotto__part *out,
                                         const struct sotto_driver *driver) SOTTO_NODISCARD;
/* Whether two parts have the same slots. */
bool sotto__part_has_slots(const struct sotto__part *a, const struct sotto__part *b);

/* --- missing.c: missing values of a catalogue's columns --- */

/* Whether a part is of a catalogue, and of no plan. */
bool sotto__part_is_catalogue(const struct sotto__part_head *head);
void sotto__part_release_missing(struct sotto__part *part);
/* Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__part_add_missing(struct sotto__part *in_out, const char *name,
                                          size_t name_bytes, uint64_t rows) SOTTO_NODISCARD;
/* Returns: rows of the part, where it does not say how many. */
uint64_t sotto__part_find_missing(const struct sotto__part *part, const char *name);
void sotto__part_write_missing(struct sotto_writer *writer, const struct sotto__part *part);
/* Makes the reader fail for what nobody writes. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__part_read_missing(struct sotto__part *out,
                                           struct sotto_reader *reader) SOTTO_NODISCARD;

/* --- given.c: a part given to whoever has the plan --- */

/* Adds what a part holds, to a contribution to its round. Returns: SOTTO_ERROR_INPUT where its
 * numbers cannot be those of such a round, SOTTO_ERROR_REFUSED for more than can be judged. */
enum sotto_status sotto__part_give(const struct sotto__part *part,
                                   struct sotto_contribution *in_out,
                                   struct sotto_error *err) SOTTO_NODISCARD;

#endif
