/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_ANSWER_RESULTS_H
#define SOTTO_ENGINE_ANSWER_RESULTS_H

/* The values of all outputs in all groups, and the result that is written of them. */

#include "answer/answer.h"

/* --- outputs.c: the values of all outputs in all groups --- */

struct sotto__results {
    const struct sotto_plan *plan;
    const struct sotto__expansion *expansion;
    const struct sotto__program *program; /* of the round: its keys and groups */
    const struct sotto_interrupt *interrupt;
    struct sotto__value *values; /* [group * expansion->values_len + value] */
    uint64_t *nan_made;          /* NaN made in the rounds so far, likewise */
    uint64_t *cells_withheld;    /* parties that kept a bin or a level back, likewise */
    size_t values_len;
    uint64_t *withheld; /* [group], of the last round: parties that kept the group back */
    bool has_counts;    /* some round so far opened a count of rows */
    bool *is_zero; /* [group]: whatever the rounds opened of it is 0, and nobody kept it back */
    const char **outcomes; /* [group * outputs_len + output]: why a method has no values, or NULL */
    /* What was before the round, for an aggregate that turns out to be impossible. */
    uint64_t *nan_made_before;
    bool *is_zero_before;
};

/* Borrows all of it. Returns: SOTTO_ERROR_LIMIT beyond SOTTO__RESULT_VALUES_MAX,
 * SOTTO_ERROR_NO_MEMORY. Ended by sotto__results_release, also after a failure. */
enum sotto_status sotto__results_init(struct sotto__results *out, const struct sotto_plan *plan,
                                      const struct sotto__expansion *expansion,
                                      const struct sotto__program *program,
                                      struct sotto_error *err) SOTTO_NODISCARD;
void sotto__results_release(struct sotto__results *results);
/* Before a round's groups are evaluated: takes back what an attempt that failed has added. */
void sotto__results_begin(struct sotto__results *results);
/* Sets the values of one group's outputs that are complete after this round, and adds the NaN that
 * the round made. Returns: as sotto__evaluate, naming the output. */
enum sotto_status sotto__results_evaluate(struct sotto__results *results,
                                          const struct sotto__opened *opened,
                                          struct sotto_error *err) SOTTO_NODISCARD;
/* After all groups. */
void sotto__results_commit(struct sotto__results *results);

/* --- result.c, warnings.c: a result as JSON --- */

#define SOTTO__RESULT_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* As sotto_driver_result. */
enum sotto_status sotto__results_write(const struct sotto__results *results, char **out,
                                       const struct sotto_result_parties *parties,
                                       const struct sotto_schema *offers, size_t offers_len,
                                       struct sotto_error *err) SOTTO_NODISCARD;
/* claim.c, as sotto_driver_is_result. */
enum sotto_status sotto__results_is(const struct sotto__results *results, bool *out,
                                    const char *text, uint32_t survived,
                                    const struct sotto_schema *offers, size_t offers_len,
                                    struct sotto_error *err) SOTTO_NODISCARD;
/* The key "warnings", after a comma. The writer keeps what fails. */
void sotto__warnings_write(struct sotto_writer *writer, const struct sotto__results *results,
                           const struct sotto_result_parties *parties);

#endif
