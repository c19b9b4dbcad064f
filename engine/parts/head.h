/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_PARTS_HEAD_H
#define SOTTO_ENGINE_PARTS_HEAD_H

/* Heads of parts, of this room only. */

#include <sotto/bytes.h>
#include <sotto/part.h>
#include <sotto/secret.h>

/* --- head.c: what a part is of, and which rows are in it --- */

/* Whether a text may name a snapshot. */
bool sotto__part_is_snapshot(const char *text);

/* Parts from one number to another, both in it. */
struct sotto__part_run {
    uint32_t first;
    uint32_t last;
};

struct sotto__part_head {
    uint8_t plan[SOTTO_SHORT_DIGEST_BYTES];
    uint8_t types[SOTTO_SHORT_DIGEST_BYTES]; /* that were agreed on; zeros in round 0 */
    uint8_t round[SOTTO_SHORT_DIGEST_BYTES]; /* all that later rounds start from; likewise */
    uint32_t number;                         /* of the round; 0: what types the rows are of */
    uint32_t min_rows;
    char snapshot[SOTTO_PART_SNAPSHOT_BYTES];
    uint32_t parts_len;           /* that there are in all */
    struct sotto__part_run *runs; /* those that are in it, in order, with gaps between */
    size_t runs_len;
    uint64_t *rows; /* of each dataset */
    size_t datasets_len;
};

/* Of one part. Returns: SOTTO_ERROR_NO_MEMORY. Ended by sotto__part_head_release. */
enum sotto_status sotto__part_head_init(struct sotto__part_head *out,
                                        const struct sotto_part_place *place,
                                        size_t datasets_len) SOTTO_NODISCARD;
void sotto__part_head_release(struct sotto__part_head *head);
void sotto__part_head_write(const struct sotto__part_head *head, struct sotto_writer *writer);
/* Makes the reader fail for what nobody writes. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__part_head_read(struct sotto__part_head *out,
                                        struct sotto_reader *reader) SOTTO_NODISCARD;
/* Whether both are of the same question about the same rows. name: the other's, in errors. */
enum sotto_status sotto__part_head_check(const struct sotto__part_head *head,
                                         const struct sotto__part_head *other, const char *name,
                                         struct sotto_error *err) SOTTO_NODISCARD;
/* Adds another's parts and rows. Returns: SOTTO_ERROR_INPUT for a part that both have,
 * SOTTO_ERROR_LIMIT for more rows than there may be. */
enum sotto_status sotto__part_head_merge(struct sotto__part_head *in_out,
                                         const struct sotto__part_head *other, const char *name,
                                         struct sotto_error *err) SOTTO_NODISCARD;
/* Whether all parts are in it. Returns: SOTTO_ERROR_NOT_FOUND naming the first that is missing. */
enum sotto_status sotto__part_head_is_whole(const struct sotto__part_head *head,
                                            struct sotto_error *err) SOTTO_NODISCARD;

#endif
