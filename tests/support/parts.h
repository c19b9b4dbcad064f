/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_TEST_PARTS_H
#define SOTTO_TEST_PARTS_H

/* Parts of CSV texts, of plans over the one dataset "t". */

#include "parts/round.h"

#define TEST_PLAN_BYTES 4096

/* Part 1 of 1, for min_rows 10. */
extern const struct sotto_part_place test_place;

/* A plan with a clause ("\"where\": ...,", or "") and outputs ("\"m\": \"mean(x)\""). */
void test_write_plan(char out[TEST_PLAN_BYTES], const char *clause, const char *select);

/* A text's rows as a source. Ended by test_close_text. */
struct test_text {
    struct sotto_csv *file;
    struct sotto_catalogue *catalogue;
    struct sotto_source *source;
};
struct test_text test_open_text(const char *text);
void test_close_text(struct test_text *opened);

/* What a text's rows contribute. Returns: as sotto_round_part. */
enum sotto_status test_make_part(struct sotto_buffer *out, const struct sotto_round *round,
                                 const char *text, const struct sotto_part_place *place,
                                 struct sotto_error *err);
/* A part as others are given it, "x.slots". Borrows. */
struct sotto_part_bytes test_bytes_of(const struct sotto_buffer *buffer);
/* Merges two or three of the parts, drawn at random, until there is one, the first. */
void test_merge_tree(struct sotto_buffer *parts, size_t len, uint64_t *random);

#endif
