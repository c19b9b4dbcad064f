/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_PART_H
#define SOTTO_PART_H

/* A party whose rows are in several places computes its contribution in parts: bytes that are made
 * where the rows are and merged anywhere, in any order and any tree, to the bits that all rows
 * together give (engine/PARTS.md). A *round* says what is asked of all parts next. In round 0 parts
 * say which types their rows have; these are agreed on, and then the plan's rounds follow. */

#include <sotto/watch.h>

SOTTO_BEGIN_DECLS

/* Of parts that there are in all. */
#define SOTTO_PARTS_MAX 1048576
/* Of min_rows. */
#define SOTTO_PART_MIN_ROWS_MAX 65536
/* Room for a snapshot's name and a 0. */
#define SOTTO_PART_SNAPSHOT_BYTES 128

struct sotto_round;

/* Which part of the party's rows some rows are. */
struct sotto_part_place {
    uint32_t part;      /* from 1 */
    uint32_t parts_len; /* in this round; others may have more or fewer */
    uint32_t
        min_rows; /* of the rules that will judge all rows, from 1 to SOTTO_PART_MIN_ROWS_MAX */
    const char *snapshot; /* the state of the party's rows: printable ASCII without " and \ */
};

/* A part, of whoever made it. Borrows both. */
struct sotto_part_bytes {
    const void *data;
    size_t data_bytes;
    const char *name; /* in errors */
};

/* Whoever is shown the rows of parts, as struct sotto_watch_sink asks: what a ledger gathers of
 * them is sotto_tally_parts (sotto/tally.h). */
struct sotto_part_shown {
    void *context;
    struct sotto_watch *watch; /* prepared */
    struct sotto_watch_sink sink;
};

struct sotto_part_watch {
    /* Gets ready for the rows of a round, by what was asked. Ownership: borrows driver and plan;
     * *out is ended by end. */
    enum sotto_status (*begin)(struct sotto_part_shown *out, const struct sotto_driver *driver,
                               const struct sotto_plan *plan, const void *asked, size_t asked_bytes,
                               struct sotto_error *err);
    /* What it was shown. */
    enum sotto_status (*write)(struct sotto_part_shown *shown, struct sotto_buffer *out,
                               struct sotto_error *err);
    void (*end)(struct sotto_part_shown *shown);
    /* What several were shown, at least one of them. */
    enum sotto_status (*merge)(struct sotto_buffer *out, const struct sotto_part_bytes *parts,
                               size_t parts_len, struct sotto_error *err);
};

/* Round 0 of a plan. Returns: as sotto_plan_parse. Ownership: *out is ended by sotto_round_free. */
SOTTO_API enum sotto_status sotto_round_new(struct sotto_round **out, const void *plan,
                                            size_t plan_bytes,
                                            struct sotto_error *err) SOTTO_NODISCARD;

/* A later round, which sotto_round_write wrote for the same bytes of a plan: everything is derived
 * again from what the rounds before it opened. Returns: SOTTO_ERROR_INPUT for a text that is none,
 * or of another plan; as sotto_plan_parse, sotto_driver_new and sotto_driver_advance. */
SOTTO_API enum sotto_status sotto_round_read(struct sotto_round **out, const void *plan,
                                             size_t plan_bytes, const void *text, size_t text_bytes,
                                             struct sotto_error *err) SOTTO_NODISCARD;

/* NULL is fine. */
SOTTO_API void sotto_round_free(struct sotto_round *round);

/* Borrows from the round. */
SOTTO_API const struct sotto_plan *sotto_round_plan(const struct sotto_round *round);

/* Whether the last round is over, and there is a result. */
SOTTO_API bool sotto_round_is_over(const struct sotto_round *round);

/* The round as text, JSON, for whoever makes parts. Returns: SOTTO_ERROR_STATE in round 0, and once
 * the last one is over. Ownership: *out is ended by sotto_free. */
SOTTO_API enum sotto_status sotto_round_write(const struct sotto_round *round, char **out,
                                              struct sotto_error *err) SOTTO_NODISCARD;

/* Whether whoever is asked has to show the rows, too, of columns that the plan may not name. */
SOTTO_API bool sotto_round_is_watched(const struct sotto_round *round);

/* What these rows contribute to the round: sources[d] are of the plan's dataset d. watch: to whom
 * they are shown where the round asks for it, else it may be NULL. Returns: SOTTO_ERROR_CHANGED for
 * another snapshot than that of round 0; as sotto_driver_contribute. That sets of rows cut each
 * other into more pieces than can be judged is said in the part. Ownership: *out is ended by
 * sotto_buffer_release. */
SOTTO_API enum sotto_status
sotto_round_part(const struct sotto_round *round, struct sotto_buffer *out,
                 const struct sotto_part_place *place, struct sotto_source *const *sources,
                 const struct sotto_part_watch *watch, struct sotto_error *err) SOTTO_NODISCARD;

/* Puts parts together to one, at least one of them. watch: as in sotto_round_part. Returns:
 * SOTTO_ERROR_INPUT for bytes that are no part, for a part that is there twice, and for one of
 * another plan, round, snapshot, min_rows or number of parts, naming it; SOTTO_ERROR_LIMIT.
 * Ownership: *out is ended by sotto_buffer_release. */
SOTTO_API enum sotto_status sotto_part_merge(struct sotto_buffer *out,
                                             const struct sotto_part_bytes *parts, size_t parts_len,
                                             const struct sotto_part_watch *watch,
                                             struct sotto_error *err) SOTTO_NODISCARD;

/* Goes on with what all parts together say, as a task of this one party would: to the next round,
 * or to the result. Returns: SOTTO_ERROR_NOT_FOUND naming a part that is missing,
 * SOTTO_ERROR_CHANGED where there are more or fewer rows than in round 0; as sotto_part_merge and
 * sotto_schema_agree. On failure the round stays. */
SOTTO_API enum sotto_status sotto_round_advance(struct sotto_round *round,
                                                const struct sotto_part_bytes *party,
                                                struct sotto_error *err) SOTTO_NODISCARD;

/* The contribution of all parts together. judge: one whose min_rows they were made for, or NULL
 * (sotto_contribution_new). Returns: as sotto_round_advance; SOTTO_ERROR_STATE in round 0.
 * Ownership: borrows round and judge; *out is ended by sotto_contribution_free. */
SOTTO_API enum sotto_status sotto_round_contribution(const struct sotto_round *round,
                                                     struct sotto_contribution **out,
                                                     const struct sotto_part_bytes *party,
                                                     const struct sotto_judge *judge,
                                                     struct sotto_error *err) SOTTO_NODISCARD;

/* The result as JSON, that of sotto_driver_result for one party. Returns: SOTTO_ERROR_STATE before
 * the last round is over. Ownership: *out is ended by sotto_free. */
SOTTO_API enum sotto_status sotto_round_result(const struct sotto_round *round, char **out,
                                               struct sotto_error *err) SOTTO_NODISCARD;

/* --- A party of a task whose rows are in parts --- */

/* What a party asks for before any plan: which columns its rows have. */
#define SOTTO_ASK_CATALOGUE "{\"sotto\": \"ask\", \"version\": 1}\n"

/* What a round of a task is asked of parts with. Borrows. */
struct sotto_asked {
    uint64_t rows;        /* of all parts */
    const char *snapshot; /* that all parts are of */
};

/* What the parts are asked, as text, JSON: the driver's round, what judges need of it, and what the
 * contribution's watch asks, which may be secret. Returns: SOTTO_ERROR_REFUSED where the judge's
 * min_rows is none that parts are made for, or the watch can't be shown rows in parts,
 * SOTTO_ERROR_STATE for a driver that did not keep what its rounds opened
 * (sotto_driver_keep_opened). Ownership: *out is ended by sotto_free. */
SOTTO_API enum sotto_status sotto_contribution_ask(const struct sotto_contribution *contribution,
                                                   char **out, const struct sotto_asked *asked,
                                                   struct sotto_error *err) SOTTO_NODISCARD;

/* Adds what all parts together say to a contribution, which asked for it. Returns:
 * SOTTO_ERROR_NOT_FOUND naming a part that is missing, SOTTO_ERROR_CHANGED where there are more or
 * fewer rows than were asked; as sotto_part_merge. */
SOTTO_API enum sotto_status sotto_contribution_give(struct sotto_contribution *in_out,
                                                    const struct sotto_asked *asked,
                                                    const struct sotto_part_bytes *party,
                                                    struct sotto_error *err) SOTTO_NODISCARD;

/* Reads what is asked: *out is the round, NULL where it is the catalogue (sotto_catalogue_part);
 * *out_min_rows is for struct sotto_part_place. Returns: SOTTO_ERROR_INPUT for a text that is none;
 * as sotto_round_read. Ownership: *out is ended by sotto_round_free. */
SOTTO_API enum sotto_status sotto_ask_read(struct sotto_round **out, uint32_t *out_min_rows,
                                           const void *text, size_t text_bytes,
                                           struct sotto_error *err) SOTTO_NODISCARD;

/* Which columns these rows have: a part, merged as others are. Returns: SOTTO_ERROR_REFUSED where
 * the source does not know how many rows it has; as its describe. Ownership: *out is ended by
 * sotto_buffer_release. */
SOTTO_API enum sotto_status sotto_catalogue_part(struct sotto_buffer *out,
                                                 const struct sotto_part_place *place,
                                                 struct sotto_source *source,
                                                 struct sotto_error *err) SOTTO_NODISCARD;

/* Which columns all rows have, their types, the join of those of all parts, and how many values are
 * missing; where a part can't tell, as many as rows. Its file identity is of snapshot and rows.
 * Returns: SOTTO_ERROR_TYPE naming a column that is of types that don't mix, or that a part does
 * not have; SOTTO_ERROR_NOT_FOUND naming a part that is missing; SOTTO_ERROR_INPUT. Ownership: *out
 * is ended by sotto_catalogue_free. */
SOTTO_API enum sotto_status sotto_part_catalogue(struct sotto_catalogue **out,
                                                 char out_snapshot[SOTTO_PART_SNAPSHOT_BYTES],
                                                 const struct sotto_part_bytes *party,
                                                 struct sotto_error *err) SOTTO_NODISCARD;

SOTTO_END_DECLS

#endif
