/* SPDX-License-Identifier: Apache-2.0 */

/* What a task computes: passes on to the engine's driver what the rounds of a task ask. */

#include "course.h"

#include <sotto/alloc.h>
#include <string.h>

bool sotto__course_is_set(const struct sotto__course *course)
{
    return course->driver != NULL;
}

void sotto__course_release(struct sotto__course *course)
{
    sotto_driver_free(course->driver);
    course->driver = NULL;
}

uint32_t sotto__course_round(const struct sotto__course *course)
{
    return sotto_driver_round(course->driver);
}

size_t sotto__course_bytes(const struct sotto__course *course)
{
    return sotto_driver_limbs_len(course->driver) * sizeof(uint64_t);
}

enum sotto_status sotto__course_runs(const struct sotto__course *course,
                                     struct sotto_vector_run **out, size_t *out_len)
{
    size_t slots_len;
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
    sotto_schema_write(sotto_driver_schema(course->driver), out);
}

void sotto__course_write_slots(const struct sotto__course *course, struct sotto_writer *out)
{
    size_t slots_len;
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
    (void)parties_len;
    if (sum_bytes % sizeof(uint64_t) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "an aggregate is malformed");
    }
    return sotto_driver_advance(course->driver, sum, sum_bytes / sizeof(uint64_t), err);
}

enum sotto_status sotto__course_round_words(const struct sotto__course *course,
                                            const struct sotto_plan *plan, char **out)
{
    /* In the first round there are no types yet. */
    return sotto__course_is_set(course) ? sotto_driver_round_words(course->driver, out, NULL)
                                        : sotto_plan_round_words(plan, 1, out, NULL);
}

enum sotto_status sotto__course_reached_words(const struct sotto__course *course, char **out)
{
    return sotto_driver_reached_words(course->driver, out, NULL);
}
