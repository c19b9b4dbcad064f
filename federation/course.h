/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_FEDERATION_COURSE_H
#define SOTTO_FEDERATION_COURSE_H

/* What a task computes, round by round, from the sums of vectors: so far as the rounds of a task
 * ask. Only course.c knows that there are kinds of it. */

#include "training.h"

#include <sotto/session.h>

/* Of statistics the driver, of learning the training, NULL before types, or the model, are agreed
 * on. */
struct sotto__course {
    struct sotto_bundle bundle; /* of learning; else empty */
    struct sotto_driver *driver;
    struct sotto__training *training;
};

/* Takes the bundle of a plan's task (NULL, 0: none). Returns: SOTTO_ERROR_INPUT where it is not the
 * one that the plan names, or the plan is of statistics; SOTTO_ERROR_PLAN for more rounds than it
 * asks for; as sotto_bundle_open. Ownership: copies. */
enum sotto_status sotto__course_open(struct sotto__course *out, const struct sotto_plan *plan,
                                     const void *bundle, size_t bundle_bytes,
                                     struct sotto_error *err) SOTTO_NODISCARD;
bool sotto__course_learns(const struct sotto__course *course);
/* Whether a round goes on without who is lost, as the code says: later ones are over fewer. */
bool sotto__course_is_tolerant(const struct sotto__course *course);
/* Whether max_clients members are drawn for each round, as the code says. */
bool sotto__course_draws(const struct sotto__course *course);
bool sotto__course_is_set(const struct sotto__course *course);
/* What was agreed on is forgotten; and the bundle too. */
void sotto__course_reset(struct sotto__course *course);
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

/* The result as JSON, and whether a text is it: as sotto_driver_result and sotto_driver_is_result.
 */
enum sotto_status sotto__course_result(const struct sotto__course *course, char **out,
                                       const struct sotto_result_parties *parties,
                                       const struct sotto_schema *offers, size_t offers_len,
                                       struct sotto_error *err) SOTTO_NODISCARD;
enum sotto_status sotto__course_is_result(const struct sotto__course *course, bool *out,
                                          const char *text, uint32_t survived,
                                          const struct sotto_schema *offers, size_t offers_len,
                                          struct sotto_error *err) SOTTO_NODISCARD;

/* What the current round opens, and how far models have come ("" for none), for the log. *out is
 * ended by sotto_free. */
enum sotto_status sotto__course_round_words(const struct sotto__course *course,
                                            const struct sotto_plan *plan,
                                            char **out) SOTTO_NODISCARD;
enum sotto_status sotto__course_reached_words(const struct sotto__course *course,
                                              char **out) SOTTO_NODISCARD;

#endif
