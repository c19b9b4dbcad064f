/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_PARTS_ROUND_H
#define SOTTO_ENGINE_PARTS_ROUND_H

/* What is asked of all parts next: round.c; as text: round_text.c; parts of it: round_parts.c; of a
 * party of a task: ask.c. Parts that are of no round: catalogue.c. */

#include "parts/parts.h"

/* What parts of a round are of. Borrows all of it. */
struct sotto__part_question {
    const struct sotto_plan *plan;
    uint8_t plan_digest[SOTTO_SHORT_DIGEST_BYTES];
    const struct sotto_driver *driver; /* NULL: round 0, and the rest says nothing */
    const uint64_t *rows;              /* of each dataset */
    const char *snapshot;
    const struct sotto_buffer *watched; /* what a watch asks; NULL, or without data: nothing */
};

struct sotto_round {
    struct sotto_plan *plan;
    uint8_t plan_digest[SOTTO_SHORT_DIGEST_BYTES];
    char snapshot[SOTTO_PART_SNAPSHOT_BYTES];
    uint64_t *rows;              /* of each dataset, once types are agreed on */
    struct sotto_driver *driver; /* NULL: types are not agreed on */
    struct sotto_buffer watched; /* as in a question */
};

struct sotto__part_question sotto__part_round_question(const struct sotto_round *round);
/* Types were agreed on, of so many rows (one number a dataset) of a snapshot: the round is 1. */
enum sotto_status sotto__part_round_start(struct sotto_round *round,
                                          const struct sotto_schema *types, const uint64_t *rows,
                                          const char *snapshot,
                                          struct sotto_error *err) SOTTO_NODISCARD;
/* Returns: SOTTO_ERROR_STATE once the last round is over. */
enum sotto_status sotto__part_round_check_not_over(const struct sotto_round *round,
                                                   struct sotto_error *err) SOTTO_NODISCARD;

/* Writes bytes as a text of hexadecimal digits in quotes, and reads those of a JSON text. Reading
 * returns: SOTTO_ERROR_INPUT, without a text; SOTTO_ERROR_NO_MEMORY. Ended by sotto_buffer_release.
 */
void sotto__part_write_digits(struct sotto_writer *writer, const uint8_t *data, size_t data_bytes);
enum sotto_status sotto__part_read_digits(struct sotto_buffer *out, const char *digits,
                                          size_t digits_len) SOTTO_NODISCARD;
/* Writes a later round as sotto_round_write does. Ownership: *out is ended by sotto_free. */
enum sotto_status sotto__part_write_question(const struct sotto__part_question *asked, char **out,
                                             struct sotto_error *err) SOTTO_NODISCARD;

/* Returns: SOTTO_ERROR_INPUT. */
enum sotto_status sotto__part_check_place(const struct sotto_part_place *place,
                                          struct sotto_error *err) SOTTO_NODISCARD;
/* Sets the rows of each dataset. Returns: SOTTO_ERROR_REFUSED where a source does not know how
 * many it has, as its describe. */
enum sotto_status sotto__part_count_rows(struct sotto__part_head *out,
                                         struct sotto_source *const *sources,
                                         struct sotto_error *err) SOTTO_NODISCARD;

/* Reads what is a part of all rows, for what is asked. Returns: as sotto_round_advance. Ended by
 * sotto__part_release, after a failure too. */
enum sotto_status sotto__part_read_party(struct sotto__part *out,
                                         const struct sotto__part_question *asked,
                                         const struct sotto_part_bytes *party,
                                         struct sotto_error *err) SOTTO_NODISCARD;
/* The contribution that a part of all rows is, judged by nobody yet. Ownership: *out is ended by
 * sotto_contribution_free. */
enum sotto_status sotto__part_contribute(struct sotto_contribution **out,
                                         const struct sotto_driver *driver,
                                         const struct sotto__part *part,
                                         struct sotto_error *err) SOTTO_NODISCARD;

#endif
