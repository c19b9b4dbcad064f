/* SPDX-License-Identifier: Apache-2.0 */

/* The rounds of a plan under agreed types. It leans on all rooms above contribute/: plan/ takes
 * frames apart, program/ says what each round adds up, answer/ reads what was opened. Parties and
 * the aggregator each have a driver, made from the same plan and schema, and walk it through the
 * same rounds.
 *
 * How a later round comes about, and what is kept:
 *
 * 1. An aggregate inside a row-wise expression, as mean(x) in sum((x - mean(x)) ** 2), must be
 * known before the rows that meet it. places.c gives each aggregate its round, one more than those
 *    below it.
 * 2. All rounds' programs are made at the start, so a plan that can't be computed is refused before
 *    the first round. A later program knows that it will meet a number of an earlier round
 *    (SOTTO__OP_EARLIER_NUMBER), and not which one: slots and widths depend on the plan and the
 *    types alone.
 * 3. sotto_driver_advance takes the limbs that a round has opened. Group by group it reads the
 *    limbs of this round and of all before, since an earlier number may be an expression on
 *    aggregates of several rounds, and writes the doubles nearest to these numbers into the next
 *    program's earlier_values. Everybody computes them from the same limbs, exactly and rounded
 *    once: every party's rows meet the same doubles.
 * 4. What is kept between rounds is opened limbs (driver->opened), no rationals: they are read
 * again, which is cheap beside a round, and take no memory while the network works. Rationals of
 * one group at a time exist while advance runs.
 * 5. After the last round the same walk evaluates all outputs of each group into driver->results.
 *    A group's withheld count is that of the last round; is_uncounted says that its rounds opened
 *    counts, and zeros only, which the warnings need.
 * 6. What can't be, more rows than there can be or a negative sum of squares, is an error
 *    (SOTTO_ERROR_PROTOCOL), and the driver stays in its round. */

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
    if (status != SOTTO_OK) {
        return status;
    }
    for (; driver->rounds_len < sotto_plan_rounds(plan); driver->rounds_len++) {
        status =
            sotto__program_init(&driver->programs[driver->rounds_len], plan, &driver->expansion,
                                driver->programs, driver->rounds_len + 1, err);
        if (status != SOTTO_OK) {
            return status;
        }
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

/* Sets the doubles that the next round's rows of one group meet. */
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

/* Reads how many parties kept a group back: its last limb. */
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

/* Whether the limbs of a group, all its slots, are 0. */
static bool are_zero(const uint64_t *limbs, size_t len)
{
    uint64_t any = 0;
    for (size_t i = 0; i < len; i++) {
        any |= limbs[i];
    }
    return any == 0;
}

/* Whether some round opens a count of rows: unlike sums it is 0 only where there are none. */
static bool opens_count(const struct sotto__opened *opened, size_t rounds_len)
{
    for (size_t i = 0; i < rounds_len; i++) {
        const struct sotto__program *program = opened[i].program;
        for (size_t term = 0; term < program->terms_len; term++) {
            if (program->terms[term].kind == SOTTO__TERM_COUNT) {
                return true;
            }
        }
    }
    return false;
}

/* Reads one group's limbs of all rounds so far, the last of which are limbs, into opened. */
static enum sotto_status read_group(struct sotto_driver *driver, struct sotto__opened *opened,
                                    size_t group, const uint64_t *limbs, struct sotto_error *err)
{
    enum sotto_status status = read_withheld(driver, group, limbs, err);
    if (status != SOTTO_OK) {
        return status;
    }
    bool is_zero = true;
    for (uint32_t i = 0; i < driver->round; i++) {
        size_t group_limbs = opened[i].program->group_limbs;
        const uint64_t *round_limbs = i + 1 < driver->round ? driver->opened[i] : limbs;
        const uint64_t *from = round_limbs + group * group_limbs;
        is_zero = is_zero && are_zero(from, group_limbs);
        status = sotto__group_sums_read(&opened[i].aggregate, from, opened[i].program, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    driver->results.is_uncounted[group] = is_zero && opens_count(opened, driver->round);
    return SOTTO_OK;
}

/* Reads group by group, and evaluates what comes next: the outputs, or numbers of the next round.
 */
static enum sotto_status read_groups(struct sotto_driver *driver, struct sotto__opened *opened,
                                     const uint64_t *limbs, struct sotto_error *err)
{
    bool is_last = driver->round == driver->rounds_len;
    for (size_t group = 0; group < driver->program->groups_len; group++) {
        enum sotto_status status = read_group(driver, opened, group, limbs, err);
        if (status != SOTTO_OK) {
            return status;
        }
        status = is_last ? sotto__results_evaluate(&driver->results, group, opened, err)
                         : evaluate_earlier_numbers(&driver->programs[driver->round], group, opened,
                                                    err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* Room for the sums of one group in each round so far. */
static enum sotto_status opened_init(struct sotto__opened *out, const struct sotto_driver *driver)
{
    for (uint32_t i = 0; i < driver->round; i++) {
        out[i].program = &driver->programs[i];
        enum sotto_status status = group_sums_init(&out[i].aggregate, out[i].program->terms_len);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static void begin_next_round(struct sotto_driver *driver, uint64_t *kept, const uint64_t *limbs)
{
    memcpy(kept, limbs, driver->program->limbs_len * sizeof *kept);
    driver->opened[driver->round - 1] = kept;
    driver->program = &driver->programs[driver->round++];
}

/* limbs are those of the round. */
static enum sotto_status take_aggregate(struct sotto_driver *driver, const uint64_t *limbs,
                                        struct sotto_error *err)
{
    struct sotto__opened opened[SOTTO__ROUNDS_MAX] = {{0}};
    uint32_t opened_len = driver->round;
    bool is_last = driver->round == driver->rounds_len;
    uint64_t *kept = NULL;
    enum sotto_status status = opened_init(opened, driver);
    if (status != SOTTO_OK) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    if (!is_last) {
        kept = sotto_alloc_array(driver->program->limbs_len, sizeof *kept);
        if (kept == NULL) {
            status = sotto_error_no_memory(err);
            goto out;
        }
    }
    status = read_groups(driver, opened, limbs, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (is_last) {
        driver->round = 0;
    } else {
        begin_next_round(driver, kept, limbs);
        kept = NULL;
    }
out:
    sotto_free(kept);
    for (uint32_t i = 0; i < opened_len; i++) {
        group_sums_release(&opened[i].aggregate);
    }
    return status;
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
