/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"

#include <sotto/alloc.h>
#include <sotto/arithmetic.h>
#include <string.h>

/* --- Making one --- */

static enum sotto_status driver_init(struct sotto_driver *driver, const struct sotto_plan *plan,
                                     const struct sotto_schema *schema, struct sotto_error *err)
{
    driver->plan = plan;
    driver->round = 1;
    if (sotto_schema_copy(&driver->schema, schema) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = sotto__expand(&driver->expansion, plan, &driver->schema, err);
    for (uint32_t round = 0; status == SOTTO_OK && round < sotto_plan_rounds(plan); round++) {
        status = sotto__program_init(&driver->programs[round], plan, &driver->expansion,
                                     driver->programs, round + 1, err);
        driver->rounds_len += status == SOTTO_OK;
    }
    if (status != SOTTO_OK) {
        return status;
    }
    driver->program = &driver->programs[0];
    return sotto__results_init(&driver->results, plan, &driver->expansion, driver->program, err);
}

enum sotto_status sotto_driver_new(struct sotto_driver **out, const struct sotto_plan *plan,
                                   const struct sotto_schema *schema, struct sotto_error *err)
{
    struct sotto_error unwanted = {0};
    SOTTO_REQUIRE(schema->fields_len == plan->columns_len);
    err = err != NULL ? err : &unwanted;
    struct sotto_driver *driver = sotto_alloc_zeroed(sizeof *driver);
    if (driver == NULL) {
        return sotto_error_no_memory(err);
    }
    struct sotto_arithmetic arithmetic;
    sotto_arithmetic_enter(&arithmetic);
    enum sotto_status status = driver_init(driver, plan, schema, err);
    sotto_arithmetic_leave(&arithmetic);
    if (status != SOTTO_OK) {
        sotto_driver_free(driver);
        return status;
    }
    *out = driver;
    return SOTTO_OK;
}

void sotto_driver_heed(struct sotto_driver *driver, const struct sotto_interrupt *interrupt)
{
    driver->interrupt = interrupt;
    driver->results.interrupt = interrupt;
}

void sotto_driver_free(struct sotto_driver *driver)
{
    if (driver == NULL) {
        return;
    }
    sotto__results_release(&driver->results);
    for (uint32_t round = 0; round < driver->rounds_len; round++) {
        sotto__program_release(&driver->programs[round]);
        sotto_free(driver->opened[round]);
    }
    sotto__expansion_release(&driver->expansion);
    sotto_schema_release(&driver->schema);
    sotto_free(driver);
}

/* --- Rounds --- */

uint32_t sotto_driver_round(const struct sotto_driver *driver)
{
    return driver->round;
}

const uint16_t *sotto_driver_slots(const struct sotto_driver *driver, size_t *out_slots_len)
{
    *out_slots_len = driver->round != 0 ? driver->program->slots_len : 0;
    return driver->program->slots;
}

const struct sotto_schema *sotto_driver_schema(const struct sotto_driver *driver)
{
    return &driver->schema;
}

size_t sotto_driver_limbs_len(const struct sotto_driver *driver)
{
    return driver->round != 0 ? driver->program->limbs_len : 0;
}

static enum sotto_status group_sums_init(struct sotto__group_sums *out, size_t terms_len)
{
    *out = (struct sotto__group_sums){0};
    out->terms = sotto_alloc_array(terms_len, sizeof *out->terms);
    for (; out->terms != NULL && out->terms_len < terms_len; out->terms_len++) {
        sotto__value_init(&out->terms[out->terms_len]);
    }
    return out->terms != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

static void group_sums_release(struct sotto__group_sums *aggregate)
{
    for (size_t i = 0; i < aggregate->terms_len; i++) {
        sotto__value_clear(&aggregate->terms[i]);
    }
    sotto_free(aggregate->terms);
}

/* The doubles that the next round's rows meet, of one group. */
static enum sotto_status evaluate_earlier_numbers(struct sotto__program *next, size_t group,
                                                  const struct sotto__opened *opened,
                                                  struct sotto_error *err)
{
    struct sotto__value value;
    enum sotto_status status = SOTTO_OK;
    sotto__value_init(&value);
    for (size_t i = 0; status == SOTTO_OK && i < next->earlier_numbers_len; i++) {
        const struct sotto__earlier_number *number = &next->earlier_numbers[i];
        status = sotto__evaluate(&value, number->expression, number->node, number->first_moments,
                                 opened, err);
        next->earlier_values[group * next->earlier_numbers_len + i] = sotto__value_double(&value);
    }
    sotto__value_clear(&value);
    return status;
}

/* A group's last limb. */
static enum sotto_status read_withheld(struct sotto_driver *driver, size_t group,
                                       const uint64_t *limbs, struct sotto_error *err)
{
    const struct sotto__program *program = driver->program;
    if (program->keys_len == 0) {
        return SOTTO_OK;
    }
    driver->results.withheld[group] = limbs[(group + 1) * program->group_limbs - 1];
    return driver->results.withheld[group] <= SOTTO_PLAN_MAX_CLIENTS
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                 "the aggregate has more parties that withhold a group than there "
                                 "can be");
}

/* Whether the limbs of a group are 0, of all its slots. */
static bool are_zero(const uint64_t *limbs, size_t len)
{
    uint64_t any = 0;
    for (size_t i = 0; i < len; i++) {
        any |= limbs[i];
    }
    return any == 0;
}

/* Reads the aggregates of all rounds so far, the last of which is limbs, group by group. */
static enum sotto_status read_groups(struct sotto_driver *driver, struct sotto__opened *opened,
                                     const uint64_t *limbs, struct sotto_error *err)
{
    uint32_t len = driver->round;
    enum sotto_status status = SOTTO_OK;
    for (size_t group = 0; status == SOTTO_OK && group < driver->program->groups_len; group++) {
        status = read_withheld(driver, group, limbs, err);
        driver->results.is_zero[group] = true;
        for (uint32_t i = 0; status == SOTTO_OK && i < len; i++) {
            size_t group_limbs = opened[i].program->group_limbs;
            const uint64_t *from = (i + 1 < len ? driver->opened[i] : limbs) + group * group_limbs;
            driver->results.is_zero[group] =
                driver->results.is_zero[group] && are_zero(from, group_limbs);
            status = sotto__group_sums_read(&opened[i].aggregate, from, opened[i].program, err);
        }
        if (status == SOTTO_OK) {
            status = len == driver->rounds_len
                         ? sotto__results_evaluate(&driver->results, group, opened, err)
                         : evaluate_earlier_numbers(&driver->programs[len], group, opened, err);
        }
    }
    return status;
}

/* limbs are those of the round. */
static enum sotto_status take_aggregate(struct sotto_driver *driver, const uint64_t *limbs,
                                        struct sotto_error *err)
{
    struct sotto__opened opened[SOTTO__ROUNDS_MAX] = {{0}};
    bool is_last = driver->round == driver->rounds_len;
    uint64_t *kept = NULL;
    enum sotto_status status = SOTTO_OK;
    for (uint32_t i = 0; status == SOTTO_OK && i < driver->round; i++) {
        opened[i].program = &driver->programs[i];
        status = group_sums_init(&opened[i].aggregate, opened[i].program->terms_len);
    }
    if (status == SOTTO_OK && !is_last) {
        kept = sotto_alloc_array(driver->program->limbs_len, sizeof *kept);
        status = kept != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
    }
    if (status != SOTTO_OK) {
        (void)sotto_error_set(err, status, "out of memory");
    } else {
        status = read_groups(driver, opened, limbs, err);
    }
    for (uint32_t i = 0; i < driver->round; i++) {
        group_sums_release(&opened[i].aggregate);
    }
    if (status != SOTTO_OK || is_last) {
        sotto_free(kept);
        driver->round = status == SOTTO_OK ? 0 : driver->round;
        return status;
    }
    memcpy(kept, limbs, driver->program->limbs_len * sizeof *kept);
    driver->opened[driver->round - 1] = kept;
    driver->program = &driver->programs[driver->round++];
    return SOTTO_OK;
}

enum sotto_status sotto_driver_advance(struct sotto_driver *driver, const uint64_t *limbs,
                                       size_t limbs_len, struct sotto_error *err)
{
    struct sotto_error unwanted = {0};
    err = err != NULL ? err : &unwanted;
    if (driver->round == 0) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "the last round is over");
    }
    if (limbs_len != driver->program->limbs_len) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "the aggregate has %zu limbs, expected %zu", limbs_len,
                               driver->program->limbs_len);
    }
    struct sotto_arithmetic arithmetic;
    sotto_arithmetic_enter(&arithmetic);
    enum sotto_status status = take_aggregate(driver, limbs, err);
    sotto_arithmetic_leave(&arithmetic);
    return status;
}

void sotto_driver_add(const struct sotto_driver *driver, uint64_t *in_out_sum,
                      const uint64_t *partial, size_t limbs_len)
{
    SOTTO_REQUIRE(driver->round != 0 && limbs_len == driver->program->limbs_len);
    for (size_t i = 0, at = 0; i < driver->program->slots_len; i++) {
        sotto__limbs_add(in_out_sum + at, partial + at, driver->program->slots[i]);
        at += driver->program->slots[i];
    }
}

/* --- The result --- */

enum sotto_status sotto_driver_result(const struct sotto_driver *driver, char **out,
                                      const struct sotto_result_parties *parties,
                                      const struct sotto_schema *offers, size_t offers_len,
                                      struct sotto_error *err)
{
    if (driver->round != 0) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "there is no result before the last round");
    }
    for (size_t i = 0; i < offers_len; i++) {
        SOTTO_REQUIRE(offers[i].fields_len == driver->schema.fields_len);
    }
    return sotto__results_write(&driver->results, out, parties, offers, offers_len, err);
}
