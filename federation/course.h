/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_FEDERATION_COURSE_H
#define SOTTO_FEDERATION_COURSE_H

/* What a task computes, round by round, from the sums of vectors: so far as the rounds of a task
 * ask. Only course.c knows that there are kinds of it. */

#include <sotto/driver.h>
#include <sotto/session.h>

/* Of statistics the driver; NULL before types are agreed on. */
struct sotto__course {
    struct sotto_driver *driver;
};

bool sotto__course_is_set(const struct sotto__course *course);
void sotto__course_release(struct sotto__course *course);

/* The round that comes next, from 1; 0: there is none, and a result. */
uint32_t sotto__course_round(const struct sotto__course *course);

/* The vector of that round: its bytes, and its shape, equal neighbours together. *out is ended by
 * sotto_free. */
size_t sotto__course_bytes(const struct sotto__course *course);
enum sotto_status sotto__course_runs(const struct sotto__course *course,
                                     struct sotto_vector_run **out,
                                     size_t *out_len) SOTTO_NODISCARD;

/* Appends what all have agreed on: types (as sotto_schema_write has them); and the vector of the
 * current round. Failures are out's. */
void sotto__course_write_types(const struct sotto__course *course, struct sotto_writer *out);
void sotto__course_write_slots(const struct sotto__course *course, struct sotto_writer *out);

/* Takes the sum of the current round over so many parties' vectors; aligned as limbs are. Returns:
 * SOTTO_ERROR_PROTOCOL for one of other bytes, or that no rows can give. */
enum sotto_status sotto__course_advance(struct sotto__course *course, const void *sum,
                                        size_t sum_bytes, uint32_t parties_len,
                                        struct sotto_error *err) SOTTO_NODISCARD;

/* What the current round opens, and how far models have come ("" for none), for the log. *out is
 * ended by sotto_free. */
enum sotto_status sotto__course_round_words(const struct sotto__course *course,
                                            const struct sotto_plan *plan,
                                            char **out) SOTTO_NODISCARD;
enum sotto_status sotto__course_reached_words(const struct sotto__course *course,
                                              char **out) SOTTO_NODISCARD;

#endif
