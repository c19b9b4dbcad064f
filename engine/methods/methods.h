/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_METHODS_H
#define SOTTO_ENGINE_METHODS_H

/* Room methods: statistics with rounds of their own, one file each. A method says what each of its
 * rounds asks of rows (program/recipe.h), and then, group by group, what the opened sums say: the
 * parameters of its next round, or its values. */

#include "answer/answer.h"
#include "answer/results.h"

/* One group of a call when a round of it was opened. */
struct sotto__step {
    const struct sotto__call *call;
    const struct sotto__program *program;
    const struct sotto__asked *asked; /* what the call asked in this round, in order */
    size_t asked_len;
    const struct sotto__group_sums *sums;
    unsigned round;  /* of the call, from 1 */
    uint64_t *state; /* the method's words: 0 at first, then as the last round left them */
    struct sotto__value *values; /* of its fields; the one number of a method without fields */
    uint64_t *cells_withheld;    /* of its fields: parties that kept back what one counts */
    char *const *labels;         /* along the first axis of its fields; NULL without one */
    size_t labels_len;
    char *const *column_labels; /* along the second axis, likewise */
    size_t column_labels_len;
    bool is_grouped;
    uint64_t
        withheld;    /* parties that keep the group back by now: their rows have left the counts */
    uint64_t needed; /* parties that must stand behind what is told of rows by themselves */
    const struct sotto_interrupt *interrupt;
    /* Set by the step: */
    bool is_done;        /* the values are set, and the group asks no more */
    const char *outcome; /* why there are none, which are NaN then; static. NULL: there are */
};

struct sotto__reached; /* how far a fit has come: reached.h */

struct sotto__method {
    size_t state_words; /* of each group */
    const struct sotto__method_field *fields;
    size_t fields_len; /* 0: its value is one number */
    void (*ask)(struct sotto__recipe *recipe, unsigned round);
    bool repeats; /* from its fifth round on it asks what it asked two rounds before, or less */
    /* Returns: SOTTO_ERROR_PROTOCOL for what no rows can give, SOTTO_ERROR_INPUT for rows without
     * an answer, if they are of no group, SOTTO_ERROR_LIMIT, SOTTO_ERROR_CANCELLED. */
    enum sotto_status (*step)(struct sotto__step *step, struct sotto_error *err);
    /* Reads how far a call has come, whose state and labels are set. NULL: the method has no
     * coefficients from which it could start (start=). */
    void (*reach)(struct sotto__reached *out, struct sotto__step *step);
};

/* All methods, by function; NULL: it is none. */
typedef const struct sotto__method *sotto__method_table[SOTTO__FUNCTIONS_LEN];
extern const sotto__method_table sotto__methods;

extern const struct sotto__method sotto__method_anova;
extern const struct sotto__method sotto__method_anova_two;
extern const struct sotto__method sotto__method_binomial;
extern const struct sotto__method sotto__method_chi2;
extern const struct sotto__method sotto__method_crosstab;
extern const struct sotto__method sotto__method_fisher;
extern const struct sotto__method sotto__method_glm;
extern const struct sotto__method sotto__method_mad;
extern const struct sotto__method sotto__method_median;
extern const struct sotto__method sotto__method_missing_patterns;
extern const struct sotto__method sotto__method_mnlogit;
extern const struct sotto__method sotto__method_mode;
extern const struct sotto__method sotto__method_nunique;
extern const struct sotto__method sotto__method_ols;
extern const struct sotto__method sotto__method_pearson;
extern const struct sotto__method sotto__method_proportion;
extern const struct sotto__method sotto__method_quantile;
extern const struct sotto__method sotto__method_smd;
extern const struct sotto__method sotto__method_ttest;
extern const struct sotto__method sotto__method_ttest_one;
extern const struct sotto__method sotto__method_ttest_paired;
extern const struct sotto__method sotto__method_var_ci;
extern const struct sotto__method sotto__method_weighted;
extern const struct sotto__method sotto__method_weighted_ttest;

/* --- step.c: what a step reads --- */

const struct sotto__options *sotto__step_options(const struct sotto__step *step);
/* The count, sum or product that the call asked for. Out: initialised. */
enum sotto_status sotto__step_sum(struct sotto__value *out, const struct sotto__step *step,
                                  size_t asked, struct sotto_error *err) SOTTO_NODISCARD;
/* All that the call asked for in this round, nothing by an index, in order. Returns: as
 * sotto__statistic, SOTTO_ERROR_NO_MEMORY. *out is ended by sotto__step_sums_free. */
enum sotto_status sotto__step_sums(struct sotto__value **out, const struct sotto__step *step,
                                   struct sotto_error *err) SOTTO_NODISCARD;
void sotto__step_sums_free(struct sotto__value *sums, const struct sotto__step *step);
/* Reads them, has the fields set of them, and ends the call. Returns: as sotto__step_sums. */
enum sotto_status sotto__step_finish(struct sotto__step *step,
                                     void (*set_fields)(struct sotto__step *step,
                                                        const struct sotto__value *sums),
                                     struct sotto_error *err) SOTTO_NODISCARD;
/* How many parties keep back a cell that the call asked for. */
uint64_t sotto__step_withheld(const struct sotto__step *step, size_t asked);
/* One of the counts of an index; the sum of one of its numbers. */
uint64_t sotto__step_count(const struct sotto__step *step, size_t asked, size_t number);
const struct sotto__value *sotto__step_sum_of(const struct sotto__step *step, size_t asked,
                                              size_t number);
/* The index that these are of. */
const struct sotto__index *sotto__step_index(const struct sotto__step *step, size_t asked);

/* --- calls.c: all calls of a plan --- */

struct sotto__calls {
    struct sotto__call *calls; /* by value expression, then by node */
    size_t len;
    const struct sotto__method **methods; /* of each call */
    size_t *outputs;                      /* of each call */
    size_t *aggregates;                   /* which of all aggregates each call is */
    size_t *offsets;                      /* of each call's words in a group's */
    size_t group_words;
    size_t groups_len;
    uint64_t *states; /* [group * group_words + offset]: before the round, and after it */
    uint64_t *next_states;
    bool *is_open; /* [group * len + call], likewise */
    bool *next_is_open;
    uint64_t needed; /* as in steps; 0: nobody need */
};

/* Finds the calls of an expansion and gives their outputs fields. Borrows the expansion. Returns:
 * SOTTO_ERROR_LIMIT, SOTTO_ERROR_NO_MEMORY. Ended by sotto__calls_release, also after a failure. */
enum sotto_status sotto__calls_init(struct sotto__calls *out, struct sotto__expansion *expansion,
                                    const sotto__method_table methods,
                                    struct sotto_error *err) SOTTO_NODISCARD;
/* Makes room for the states of groups. Returns: SOTTO_ERROR_LIMIT, SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__calls_start(struct sotto__calls *calls, size_t groups_len,
                                     struct sotto_error *err) SOTTO_NODISCARD;
void sotto__calls_release(struct sotto__calls *calls);
/* Whether no call asks anything in a round of the plan that all calls together, as far as they have
 * begun, have not asked in one of the rounds before. */
bool sotto__calls_repeat(const struct sotto__calls *calls, unsigned round);
/* Before a round's groups are stepped: forgets what an attempt that failed has left. */
void sotto__calls_begin(struct sotto__calls *calls);
/* Steps one group of all calls that asked in the round. Returns: as a step, naming the output. */
enum sotto_status sotto__calls_step(struct sotto__calls *calls, struct sotto__results *results,
                                    struct sotto__kept *kept, const struct sotto__opened *opened,
                                    struct sotto_error *err) SOTTO_NODISCARD;
/* Marks the calls that are over in all groups; is_taken_back: as they were before the round. */
void sotto__calls_mark(struct sotto__calls *calls, bool is_taken_back);
/* Writes the parameters of a program that is about to begin, after sotto__calls_mark. */
void sotto__calls_set_parameters(const struct sotto__calls *calls, struct sotto__program *next);
/* After all groups, when nothing can fail any more. */
void sotto__calls_commit(struct sotto__calls *calls);

#endif
