/* SPDX-License-Identifier: Apache-2.0 */

/* What a task computes: passes on to the engine's driver, or to a training, what the rounds of a
 * task ask. The idea: the type of the plan decides, once, when the task begins; a plan of
 * statistics has no bundle, and a learning one has no driver. */

#include "course.h"

#include <sodium.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

enum sotto_status sotto__course_open(struct sotto__course *out, const struct sotto_plan *plan,
                                     const void *bundle, size_t bundle_bytes,
                                     struct sotto_error *err)
{
    char digest[2 * SOTTO_BUNDLE_DIGEST_BYTES + 1];
    const char *wanted = sotto_plan_bundle(plan);
    if (wanted == NULL || bundle == NULL) {
        return wanted == NULL && bundle == NULL
                   ? SOTTO_OK
                   : sotto_error_set(err, SOTTO_ERROR_INPUT,
                                     wanted == NULL ? "a plan of statistics comes with code"
                                                    : "the code of a learning task is missing");
    }
    enum sotto_status status = sotto_bundle_open(&out->bundle, bundle, bundle_bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    (void)sodium_bin2hex(digest, sizeof digest, out->bundle.digest, sizeof out->bundle.digest);
    if (strcmp(digest, wanted) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "the code is %s, and the plan names %s",
                               digest, wanted);
    }
    if (sotto_plan_rounds(plan) > (uint64_t)out->bundle.manifest.rounds) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "rounds: expected at most %lld, as the code has",
                               (long long)out->bundle.manifest.rounds);
    }
    return SOTTO_OK;
}

bool sotto__course_learns(const struct sotto__course *course)
{
    return course->bundle.bytes.data != NULL;
}

bool sotto__course_is_tolerant(const struct sotto__course *course)
{
    return course->bundle.manifest.strategy != SOTTO_STRATEGY_FEDAVG;
}

bool sotto__course_draws(const struct sotto__course *course)
{
    return course->bundle.manifest.strategy == SOTTO_STRATEGY_DRAWN;
}

bool sotto__course_is_set(const struct sotto__course *course)
{
    return course->driver != NULL || course->training != NULL;
}

void sotto__course_reset(struct sotto__course *course)
{
    sotto_driver_free(course->driver);
    sotto__training_free(course->training);
    course->driver = NULL;
    course->training = NULL;
}

void sotto__course_release(struct sotto__course *course)
{
    sotto__course_reset(course);
    sotto_bundle_release(&course->bundle);
}

uint32_t sotto__course_round(const struct sotto__course *course)
{
    return course->training != NULL ? course->training->round : sotto_driver_round(course->driver);
}

size_t sotto__course_bytes(const struct sotto__course *course)
{
    return course->training != NULL ? sotto_average_bytes(&course->training->average)
                                    : sotto_driver_limbs_len(course->driver) * sizeof(uint64_t);
}

static enum sotto_status make_training_runs(const struct sotto__training *training,
                                            struct sotto_vector_run **out, size_t *out_len)
{
    struct sotto_vector_run *runs = sotto_alloc_array(SOTTO_AVERAGE_RUNS, sizeof *runs);
    if (runs == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    sotto_average_runs(runs, &training->average);
    *out = runs;
    *out_len = SOTTO_AVERAGE_RUNS;
    return SOTTO_OK;
}

enum sotto_status sotto__course_runs(const struct sotto__course *course,
                                     struct sotto_vector_run **out, size_t *out_len)
{
    size_t slots_len;
    if (course->training != NULL) {
        return make_training_runs(course->training, out, out_len);
    }
    const uint16_t *slots = sotto_driver_slots(course->driver, &slots_len);
    struct sotto_vector_run *runs = sotto_alloc_array(slots_len, sizeof *runs);
    size_t len = 0;
    if (runs == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t k = 0; k < slots_len; k++) {
        uint32_t element_bytes = (uint32_t)slots[k] * 8;
        if (len > 0 && runs[len - 1].element_bytes == element_bytes) {
            runs[len - 1].elements_len++;
        } else {
            runs[len++] = (struct sotto_vector_run){element_bytes, 1};
        }
    }
    *out = runs;
    *out_len = len;
    return SOTTO_OK;
}

void sotto__course_write_types(const struct sotto__course *course, struct sotto_writer *out)
{
    if (course->training != NULL) {
        const struct sotto_buffer *encoding = &course->training->encoding;
        sotto_write_blob(out, encoding->data, encoding->data_bytes);
    } else {
        sotto_schema_write(sotto_driver_schema(course->driver), out);
    }
}

void sotto__course_write_slots(const struct sotto__course *course, struct sotto_writer *out)
{
    size_t slots_len;
    if (course->training != NULL) {
        sotto_write_u32(out, course->training->average.element_bytes);
        sotto_write_u64(out, course->training->average.elements_len);
        return;
    }
    const uint16_t *slots = sotto_driver_slots(course->driver, &slots_len);
    sotto_write_u64(out, slots_len);
    for (size_t k = 0; k < slots_len; k++) {
        sotto_write_u16(out, slots[k]);
    }
}

enum sotto_status sotto__course_advance(struct sotto__course *course, const void *sum,
                                        size_t sum_bytes, uint32_t parties_len,
                                        struct sotto_error *err)
{
    size_t unit = course->training != NULL ? sotto__course_bytes(course) : sizeof(uint64_t);
    if (sum_bytes % unit != 0 || sum_bytes == 0) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "an aggregate is malformed");
    }
    if (course->training != NULL) {
        return sotto__training_advance(course->training, sum, parties_len, err);
    }
    return sotto_driver_advance(course->driver, sum, sum_bytes / sizeof(uint64_t), err);
}

enum sotto_status sotto__course_result(const struct sotto__course *course, char **out,
                                       const struct sotto_result_parties *parties,
                                       const struct sotto_schema *offers, size_t offers_len,
                                       struct sotto_error *err)
{
    return course->training != NULL
               ? sotto__training_result(course->training, out, parties, err)
               : sotto_driver_result(course->driver, out, parties, offers, offers_len, err);
}

enum sotto_status sotto__course_is_result(const struct sotto__course *course, bool *out,
                                          const char *text, uint32_t survived,
                                          const struct sotto_schema *offers, size_t offers_len,
                                          struct sotto_error *err)
{
    return course->training != NULL
               ? sotto__training_is_result(course->training, out, text, survived, err)
               : sotto_driver_is_result(course->driver, out, text, survived, offers, offers_len,
                                        err);
}

static enum sotto_status copy_words(char **out, const char *words)
{
    *out = sotto_text_copy(words, strlen(words));
    return *out != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

enum sotto_status sotto__course_round_words(const struct sotto__course *course,
                                            const struct sotto_plan *plan, char **out)
{
    if (sotto__course_learns(course)) {
        return copy_words(out, "the mean of all parties' weights, and of how many rows it is");
    }
    /* In the first round there are no types yet. */
    return sotto__course_is_set(course) ? sotto_driver_round_words(course->driver, out, NULL)
                                        : sotto_plan_round_words(plan, 1, out, NULL);
}

enum sotto_status sotto__course_reached_words(const struct sotto__course *course, char **out)
{
    const struct sotto__training *training = course->training;
    char words[128 + SOTTO__METRICS_MAX * (SOTTO_TENSOR_NAME_BYTES_MAX + SOTTO_DOUBLE_TEXT_BYTES)];
    if (training == NULL) {
        return sotto_driver_reached_words(course->driver, out, NULL);
    }
    uint32_t over = training->round == 0 ? training->rounds : training->round - 1;
    const struct sotto__training_round *last = &training->over[over - 1];
    int bytes =
        snprintf(words, sizeof words,
                 "weights of %u parties and %llu rows, of which %llu were clipped", last->parties,
                 (unsigned long long)last->counts.rows, (unsigned long long)last->counts.clipped);
    for (size_t i = 0; last->is_measured && i < training->metrics_len; i++) {
        char number[SOTTO_DOUBLE_TEXT_BYTES];
        sotto_double_text(number, last->metrics[i]);
        bytes +=
            snprintf(words + bytes, sizeof words - (size_t)bytes, "%s%s %s",
                     i == 0 ? "; before it " : ", ", sotto__training_metric(training, i), number);
    }
    return copy_words(out, words);
}
