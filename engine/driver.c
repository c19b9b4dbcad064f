/* SPDX-License-Identifier: Apache-2.0 */

/* The rounds of a plan under agreed types. It leans on all rooms above contribute/: plan/ takes
 * frames apart, program/ says what each round adds up, answer/ reads what was opened. Parties and
 * the aggregator each have a driver, made from the same plan and schema, and walk it through the
 * same rounds.
 *
 * How a later round comes about, and what is kept:
 *
 * 1. An aggregate inside a row-wise expression, as mean(x) in sum((x - mean(x)) ** 2), must be
 *    known before the rows that meet it. places.c gives each aggregate its round, one more than
 *    those below it.
 * 2. A round's program is made when the round begins. It knows that it will meet a number of an
 *    earlier round (SOTTO__OP_PARAMETER), and not which one: slots and widths depend on the
 *    plan and the types alone. So they are made once at the start too, one after the other, but for
 *    rounds that ask what one before them did, and only their moments are remembered: a plan that
 *    can't be computed is refused before the first round.
 * 3. sotto_driver_advance takes the limbs that a round has opened, and reads them group by group.
 *    Numbers that the next round meets are rounded once, to the nearest doubles in the next
 *    program's parameters; everybody computes them from the same limbs, so every party's rows
 *    meet the same doubles. Outputs that need no later round are evaluated into driver->results.
 * 4. What is read after that, an aggregate of an output that waits for a later round, is kept as a
 *    value (kept.c). Nothing is read again: rationals of one group at a time exist beside these.
 * 5. A group's withheld count is that of the last round; is_zero says that all its rounds opened
 *    zeros, and has_counts that counts were among them, which the warnings need.
 * 6. What each round has opened is kept whole for whoever has to derive the round elsewhere
 *    (parts/), and for nobody else.
 * 7. What can't be, more rows than there can be or a negative sum of squares, is an error
 *    (SOTTO_ERROR_PROTOCOL), and the driver stays in its round. */

#include "driver.h"
#include "methods/reached.h"

#include <sotto/alloc.h>
#include <sotto/arithmetic.h>
#include <string.h>

/* --- Making one --- */

static enum sotto_status init_program(struct sotto__program *out, const struct sotto_driver *driver,
                                      uint32_t round, struct sotto_error *err)
{
    return sotto__program_init(out, driver->plan, &driver->expansion, driver->kept.moments,
                               driver->calls.calls, round, err);
}

/* Whether a round asks what none before it did. */
static bool is_new_round(const struct sotto_driver *driver, uint32_t round)
{
    return sotto__kept_opens(&driver->kept, round) || !sotto__calls_repeat(&driver->calls, round);
}

/* Makes the programs of all later rounds for a moment: they can be made, and their moments are
 * known. A round that asks what an earlier one has asked can be made as that one can. */
static enum sotto_status try_later_rounds(struct sotto_driver *driver, struct sotto_error *err)
{
    for (uint32_t round = 2; round <= driver->stages_len; round++) {
        struct sotto__program program;
        if (!is_new_round(driver, round)) {
            continue;
        }
        enum sotto_status status = init_program(&program, driver, round, err);
        if (status != SOTTO_OK) {
            return status;
        }
        sotto__kept_learn(&driver->kept, &program, round);
        sotto__program_release(&program);
    }
    return SOTTO_OK;
}

static enum sotto_status driver_init(struct sotto_driver *driver, const struct sotto_plan *plan,
                                     const struct sotto_schema *schema,
                                     const sotto__method_table methods, struct sotto_error *err)
{
    driver->plan = plan;
    driver->round = 1;
    driver->stage = 1;
    driver->stages_len = sotto_plan_rounds(plan);
    driver->program = sotto_alloc_zeroed(sizeof *driver->program);
    if (driver->program == NULL || sotto_schema_copy(&driver->schema, schema) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = sotto__expand(&driver->expansion, plan, &driver->schema, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__calls_init(&driver->calls, &driver->expansion, methods, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = init_program(driver->program, driver, 1, err);
    if (status != SOTTO_OK) {
        return status;
    }
    sotto__indices_find_twins(driver->program);
    status = sotto__calls_start(&driver->calls, driver->program->groups_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__kept_init(&driver->kept, &driver->expansion, driver->program->groups_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    sotto__kept_learn(&driver->kept, driver->program, 1);
    status = try_later_rounds(driver, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto__results_init(&driver->results, plan, &driver->expansion, driver->program, err);
}

enum sotto_status sotto__driver_new(struct sotto_driver **out, const struct sotto_plan *plan,
                                    const struct sotto_schema *schema,
                                    const sotto__method_table methods, struct sotto_error *err)
{
    struct sotto_error unwanted = {0};
    SOTTO_REQUIRE(plan->bundle == NULL && schema->fields_len == plan->columns_len);
    err = err != NULL ? err : &unwanted;
    struct sotto_driver *driver = sotto_alloc_zeroed(sizeof *driver);
    if (driver == NULL) {
        return sotto_error_no_memory(err);
    }
    struct sotto_arithmetic arithmetic;
    sotto_arithmetic_enter(&arithmetic);
    enum sotto_status status = driver_init(driver, plan, schema, methods, err);
    sotto_arithmetic_leave(&arithmetic);
    if (status != SOTTO_OK) {
        sotto_driver_free(driver);
        return status;
    }
    *out = driver;
    return SOTTO_OK;
}

enum sotto_status sotto_driver_new(struct sotto_driver **out, const struct sotto_plan *plan,
                                   const struct sotto_schema *schema, struct sotto_error *err)
{
    return sotto__driver_new(out, plan, schema, sotto__methods, err);
}

void sotto_driver_keep_opened(struct sotto_driver *driver)
{
    driver->keeps_opened = true;
}

void sotto_driver_heed(struct sotto_driver *driver, const struct sotto_interrupt *interrupt)
{
    driver->interrupt = interrupt;
    driver->results.interrupt = interrupt;
}

void sotto_driver_need_parties(struct sotto_driver *driver, uint32_t parties)
{
    driver->calls.needed = parties;
}

void sotto_driver_free(struct sotto_driver *driver)
{
    if (driver == NULL) {
        return;
    }
    sotto__results_release(&driver->results);
    sotto__kept_release(&driver->kept);
    sotto__calls_release(&driver->calls);
    for (size_t i = 0; i < driver->opened_len; i++) {
        sotto_buffer_release(&driver->opened[i]);
    }
    sotto_free(driver->opened);
    if (driver->program != NULL) {
        sotto__program_release(driver->program);
        sotto_free(driver->program);
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

/* The calls of methods that are over, of which none of the same text goes on: median([a, b]) is one
 * call for each column. Returns: how many there are. */
static size_t list_ended(struct sotto__ended_call *out, const struct sotto__calls *calls)
{
    size_t len = 0;
    for (size_t i = 0; i < calls->len; i++) {
        const struct sotto__call *call = &calls->calls[i];
        size_t start = call->expression->nodes[call->node].start;
        bool is_over = true;
        for (size_t j = 0; j < calls->len; j++) {
            const struct sotto__call *other = &calls->calls[j];
            is_over = is_over && (other->is_done || calls->outputs[j] != calls->outputs[i] ||
                                  other->expression->nodes[other->node].start != start);
        }
        if (is_over) {
            out[len++] = (struct sotto__ended_call){.output = calls->outputs[i], .start = start};
        }
    }
    return len;
}

enum sotto_status sotto_driver_round_words(const struct sotto_driver *driver, char **out,
                                           struct sotto_error *err)
{
    if (driver->round == 0) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "the last round is over");
    }
    struct sotto__ended_call *ended = sotto_alloc_array(driver->calls.len, sizeof *ended);
    if (ended == NULL) {
        return sotto_error_no_memory(err);
    }
    size_t ended_len = list_ended(ended, &driver->calls);
    enum sotto_status status =
        sotto__plan_round_words(driver->plan, out, driver->stage, ended, ended_len, err);
    sotto_free(ended);
    return status;
}

enum sotto_status sotto_driver_reached(const struct sotto_driver *driver, char **out,
                                       struct sotto_error *err)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOTTO__REACHED_BYTES_MAX);
    sotto__calls_write_reached(&writer, &driver->calls, &driver->results);
    enum sotto_status status = sotto__json_finish(&writer, out);
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
}

enum sotto_status sotto_driver_reached_words(const struct sotto_driver *driver, char **out,
                                             struct sotto_error *err)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOTTO__REACHED_BYTES_MAX);
    sotto__calls_write_reached_words(&writer, &driver->calls, &driver->results);
    enum sotto_status status = sotto__json_finish(&writer, out);
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
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
    out->withheld = sotto_alloc_array(terms_len, sizeof *out->withheld);
    for (; out->terms != NULL && out->terms_len < terms_len; out->terms_len++) {
        sotto__value_init(&out->terms[out->terms_len]);
    }
    return out->terms != NULL && out->withheld != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

static void group_sums_release(struct sotto__group_sums *aggregate)
{
    for (size_t i = 0; i < aggregate->terms_len; i++) {
        sotto__value_clear(&aggregate->terms[i]);
    }
    sotto_free(aggregate->terms);
    sotto_free(aggregate->withheld);
}

/* Sets the doubles that the next round's rows of one group meet. */
static enum sotto_status evaluate_earlier_numbers(struct sotto__program *next,
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
        if (status == SOTTO_OK && value.is_interval) {
            status = sotto_error_set(err, SOTTO_ERROR_INPUT,
                                     "rows are computed with a quantile that is only known to be "
                                     "in an interval: write exact=1");
        }
        double rounded = sotto__value_double(&value);
        memcpy(&next->parameters[opened->group * next->parameters_len + number->place], &rounded,
               sizeof rounded);
    }
    sotto__value_clear(&value);
    return status;
}

/* Reads how many parties kept a group back: its last limb. */
static enum sotto_status read_withheld(struct sotto_driver *driver, size_t group,
                                       const uint64_t *limbs, struct sotto_error *err)
{
    const struct sotto__program *program = driver->program;
    if (program->keys_len == 0 || limbs == NULL) {
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

/* Whether a round opens a count of rows: unlike sums it is 0 only where there are none. */
static bool opens_count(const struct sotto__program *program)
{
    for (size_t term = 0; term < program->terms_len; term++) {
        enum sotto__term_kind kind = program->terms[term].kind;
        if (kind == SOTTO__TERM_COUNT || kind == SOTTO__TERM_COUNTS) {
            return true;
        }
    }
    return false;
}

/* Reads one group's limbs of the stage into opened; NULL: nothing was asked. */
static enum sotto_status read_group(struct sotto_driver *driver, struct sotto__opened *opened,
                                    const uint64_t *limbs, struct sotto_error *err)
{
    size_t group_limbs = limbs != NULL ? opened->program->group_limbs : 0;
    const uint64_t *from = limbs != NULL ? limbs + opened->group * group_limbs : NULL;
    bool *is_zero = &driver->results.is_zero[opened->group];
    enum sotto_status status = read_withheld(driver, opened->group, limbs, err);
    if (status != SOTTO_OK) {
        return status;
    }
    *is_zero = *is_zero && are_zero(from, group_limbs);
    return sotto__group_sums_read(&opened->aggregate, from, opened->program, err);
}

/* Takes from one group's sums what methods and outputs need of them, and what is kept. */
static enum sotto_status use_group(struct sotto_driver *driver, const struct sotto__opened *opened,
                                   struct sotto_error *err)
{
    enum sotto_status status =
        sotto__calls_step(&driver->calls, &driver->results, &driver->kept, opened, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__results_evaluate(&driver->results, opened, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto__kept_add(&driver->kept, opened, err);
}

static enum sotto_status read_groups(struct sotto_driver *driver, struct sotto__opened *opened,
                                     const uint64_t *limbs, struct sotto_error *err)
{
    sotto__results_begin(&driver->results);
    sotto__calls_begin(&driver->calls);
    for (opened->group = 0; opened->group < driver->program->groups_len; opened->group++) {
        enum sotto_status status = read_group(driver, opened, limbs, err);
        if (status != SOTTO_OK) {
            return status;
        }
        status = use_group(driver, opened, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* Makes the next round's program, with the parameters of all groups. Which calls it has is known
 * when all groups were read, so for numbers of this round they are read a second time. */
static enum sotto_status make_next(struct sotto__program *out, const struct sotto_driver *driver,
                                   struct sotto__opened *opened, const uint64_t *limbs,
                                   struct sotto_error *err)
{
    enum sotto_status status = init_program(out, driver, driver->stage + 1, err);
    if (status != SOTTO_OK) {
        return status;
    }
    sotto__calls_set_parameters(&driver->calls, out);
    sotto__indices_find_twins(out);
    for (opened->group = 0; out->earlier_numbers_len > 0 && opened->group < out->groups_len;
         opened->group++) {
        status = sotto__group_sums_read(
            &opened->aggregate,
            limbs != NULL ? limbs + opened->group * driver->program->group_limbs : NULL,
            driver->program, err);
        if (status != SOTTO_OK) {
            return status;
        }
        status = evaluate_earlier_numbers(out, opened, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* Takes the next round's program, which is cleared. A method that has ended early asks nothing in
 * it, so its terms may stand elsewhere than when the driver was made. */
static void begin_next(struct sotto_driver *driver, struct sotto__program *next)
{
    sotto__program_release(driver->program);
    *driver->program = *next;
    *next = (struct sotto__program){0};
    driver->stage++;
    sotto__kept_learn(&driver->kept, driver->program, driver->stage);
}

/* limbs are those of the stage. */
static enum sotto_status take_stage(struct sotto_driver *driver, const uint64_t *limbs,
                                    struct sotto_error *err)
{
    struct sotto__opened opened = {
        .program = driver->program, .kept = &driver->kept, .round = driver->stage};
    struct sotto__program next = {0};
    bool is_last = driver->stage == driver->stages_len;
    enum sotto_status status = group_sums_init(&opened.aggregate, driver->program->terms_len);
    if (status != SOTTO_OK) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    status = read_groups(driver, &opened, limbs, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    sotto__calls_mark(&driver->calls, false);
    status = is_last ? SOTTO_OK : make_next(&next, driver, &opened, limbs, err);
    if (status != SOTTO_OK) {
        sotto__calls_mark(&driver->calls, true);
        goto out;
    }
    driver->results.has_counts = driver->results.has_counts || opens_count(driver->program);
    sotto__results_commit(&driver->results);
    sotto__calls_commit(&driver->calls);
    if (is_last) {
        driver->round = 0;
    } else {
        begin_next(driver, &next);
    }
out:
    group_sums_release(&opened.aggregate);
    sotto__program_release(&next);
    return status;
}

/* limbs are those of the round. Stages of which nothing is asked are taken at once. */
static enum sotto_status take_aggregate(struct sotto_driver *driver, const uint64_t *limbs,
                                        struct sotto_error *err)
{
    enum sotto_status status = take_stage(driver, limbs, err);
    if (status != SOTTO_OK) {
        return status;
    }
    driver->round += driver->round != 0;
    while (status == SOTTO_OK && driver->round != 0 && driver->program->terms_len == 0) {
        status = take_stage(driver, NULL, err);
    }
    return status;
}

/* Copies what a round opens, and has room for it. */
static enum sotto_status copy_opened(struct sotto_driver *driver, struct sotto_buffer *out,
                                     const uint64_t *limbs, size_t limbs_len,
                                     struct sotto_error *err)
{
    void *opened = driver->opened;
    uint8_t *bytes = sotto_alloc_array(limbs_len, sizeof *limbs);
    if (bytes == NULL ||
        sotto_array_reserve(&opened, &driver->opened_capacity_len, driver->opened_len + 1,
                            sizeof *driver->opened) != SOTTO_OK) {
        sotto_free(bytes);
        return sotto_error_no_memory(err);
    }
    driver->opened = opened;
    for (size_t i = 0; i < limbs_len; i++) {
        sotto_store_u64(bytes + i * sizeof *limbs, limbs[i]);
    }
    *out = (struct sotto_buffer){.data = bytes, .data_bytes = limbs_len * sizeof *limbs};
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
    struct sotto_buffer opened = {0};
    enum sotto_status status = SOTTO_OK;
    if (driver->keeps_opened) {
        status = copy_opened(driver, &opened, limbs, limbs_len, err);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto_arithmetic arithmetic;
    sotto_arithmetic_enter(&arithmetic);
    status = take_aggregate(driver, limbs, err);
    sotto_arithmetic_leave(&arithmetic);
    if (status != SOTTO_OK) {
        sotto_buffer_release(&opened);
        return status;
    }
    if (driver->keeps_opened) {
        driver->opened[driver->opened_len++] = opened;
    }
    return SOTTO_OK;
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

enum sotto_status sotto_driver_is_result(const struct sotto_driver *driver, bool *out,
                                         const char *text, uint32_t survived,
                                         const struct sotto_schema *offers, size_t offers_len,
                                         struct sotto_error *err)
{
    SOTTO_REQUIRE(driver->round == 0);
    for (size_t i = 0; i < offers_len; i++) {
        SOTTO_REQUIRE(offers[i].fields_len == driver->schema.fields_len);
    }
    return sotto__results_is(&driver->results, out, text, survived, offers, offers_len, err);
}
