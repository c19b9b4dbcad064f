/* SPDX-License-Identifier: Apache-2.0 */

/* This node's partials: its rows, summed up and judged. Leans on the engine and its judge, and on
 * remembered.c for what was answered before. The idea: what a node has of each part it says when it
 * joins (sotto/task.h), so its rows are read then; and once only, if the types that all agree on
 * are its own, as they mostly are.
 *
 * Whatever would be refused in the session is refused before it, where that can be known: a party
 * that leaves a session may end it for all. */

#include "task/compute_internal.h"

#include <sotto/alloc.h>
#include <sotto/contribution.h>
#include <sotto/secret.h>
#include <sotto/span.h>
#include <string.h>

const struct sotto_catalogue **partial_catalogues(const struct joined *joined)
{
    const struct sotto_catalogue **list =
        sotto_alloc_array(joined->datasets_len + 1, sizeof(void *));
    for (size_t i = 0; list != NULL && i < joined->datasets_len; i++) {
        list[i] = joined->datasets[i].catalogue;
    }
    return list;
}

static struct sotto_source **list_sources(const struct joined *joined)
{
    struct sotto_source **list = sotto_alloc_array(joined->datasets_len + 1, sizeof(void *));
    for (size_t i = 0; list != NULL && i < joined->datasets_len; i++) {
        list[i] = joined->datasets[i].source;
    }
    return list;
}

/* --- Counting --- */

/* Which rule refused the rows, if one did. */
static void set_rule(enum sotto_rule *out, const struct sotto_disclosure *disclosure)
{
    *out = disclosure->rule != SOTTO_RULES_LEN ? disclosure->rule : *out;
}

/* What rows or earlier answers are the cause of is told outside as one class, whatever it is: also
 * that there are too many kinds of rows, or that the file lost a column that was asked about. */
static enum sotto_status say_refused(enum sotto_status status, struct sotto_error *err)
{
    bool is_class = status == SOTTO_ERROR_LIMIT || status == SOTTO_ERROR_NOT_FOUND ||
                    status == SOTTO_ERROR_TYPE || status == SOTTO_ERROR_STATE;
    struct sotto_error why = *err;
    return is_class ? sotto_error_set(err, SOTTO_ERROR_REFUSED, "%s", why.text) : status;
}

/* Reads the rows: *out_tally is NULL where no ledger is asked. */
static enum sotto_status read_rows(const struct compute *compute, struct joined *joined,
                                   struct sotto_tally **out_tally,
                                   const struct sotto_driver *driver, uint64_t *limbs,
                                   size_t limbs_len, struct sotto_source *const *sources,
                                   const struct sotto_catalogue *const *catalogues,
                                   struct sotto_error *err)
{
    const struct sotto_plan *plan = sotto_task_party_plan(joined->machine);
    const struct sotto_judge *judge = sotto_disclosure_judge(&joined->disclosure);
    *out_tally = NULL;
    if (!remembered_is_asked(compute)) {
        return sotto_driver_contribute(driver, limbs, limbs_len, joined->withheld, sources, judge,
                                       err);
    }
    enum sotto_status status =
        sotto_tally_new(out_tally, compute->config.ledger, driver, plan, catalogues, err);
    if (status != SOTTO_OK) {
        return say_refused(status, err);
    }
    status =
        sotto_tally_contribute(*out_tally, limbs, limbs_len, joined->withheld, sources, judge, err);
    if (status != SOTTO_OK) {
        sotto_tally_free(*out_tally);
        *out_tally = NULL;
    }
    return say_refused(status, err);
}

/* Counts and judges the rows under a driver. *cover: out; spans: to be ended by the caller. */
static enum sotto_status count(const struct compute *compute, struct joined *joined,
                               enum sotto_rule *out_rule, struct sotto_tally **out_tally,
                               uint8_t *cover, struct sotto_writer *spans,
                               const struct sotto_driver *driver, uint64_t *limbs, size_t limbs_len,
                               struct sotto_error *err)
{
    struct sotto_source **sources = list_sources(joined);
    const struct sotto_catalogue **catalogues = partial_catalogues(joined);
    uint64_t seed = 0;
    struct sotto_random random = sotto_random_system();
    enum sotto_status status;
    *out_rule = SOTTO_RULE_ROWS;
    sotto_writer_init(spans, SOTTO_ADVERT_PAYLOAD_MAX);
    if (joined->withheld == NULL) {
        joined->withheld = sotto_alloc_zeroed(sotto_driver_groups_len(driver) + 1);
    }
    if (sources == NULL || catalogues == NULL || joined->withheld == NULL) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    status = random.fill(random.context, (uint8_t *)&seed, sizeof seed);
    if (status != SOTTO_OK) {
        goto out;
    }
    sotto_disclosure_init(&joined->disclosure, &compute->policy->rules, seed);
    joined->disclosure.kind_of = config_column_kind;
    joined->disclosure.kind_context = compute->policy;
    joined->disclosure.judge.cover = cover;
    joined->disclosure.spans = sotto_driver_round(driver) == 1 ? spans : NULL;
    joined->disclosure.spans_prime = sotto_task_party_prime(joined->machine);
    status =
        read_rows(compute, joined, out_tally, driver, limbs, limbs_len, sources, catalogues, err);
    joined->disclosure.judge.cover = NULL;
    joined->disclosure.spans = NULL;
    if (sotto_disclosure_judge(&joined->disclosure) == NULL) { /* no rule asks for anything */
        memset(cover, SOTTO_COVER_ENOUGH | SOTTO_COVER_GIVEN, sotto_driver_cover_len(driver));
    }
    set_rule(out_rule, &joined->disclosure);
out:
    sotto_free(sources);
    sotto_free(catalogues);
    return status;
}

/* --- Prepared --- */

/* Forgets the partial: its rows are read again then. What was offered of it stays. */
static void forget_partial(struct prepared *prepared)
{
    if (prepared->limbs != NULL) {
        sotto_wipe(prepared->limbs, prepared->limbs_len * sizeof *prepared->limbs);
    }
    sotto_free(prepared->limbs);
    sotto_tally_free(prepared->tally);
    sotto_driver_free(prepared->driver);
    sotto_schema_release(&prepared->schema);
    prepared->limbs = NULL;
    prepared->limbs_len = 0;
    prepared->tally = NULL;
    prepared->driver = NULL;
}

void partial_release(struct joined *joined)
{
    struct prepared *prepared = &joined->prepared;
    forget_partial(prepared);
    sotto_free(prepared->cover);
    sotto_writer_release(&prepared->spans);
    *prepared = (struct prepared){0};
}

/* Many tasks that wait for others may not fill the memory. */
static bool has_room(const struct compute *compute, const struct joined *joined)
{
    size_t bytes = joined->prepared.limbs_len * sizeof(uint64_t);
    for (const struct joined *other = compute->first_joined; other != NULL; other = other->next) {
        bytes += other != joined ? other->prepared.limbs_len * sizeof(uint64_t) : 0;
    }
    return bytes <= PREPARED_BYTES_MAX;
}

/* The driver that the node's types would make alone, and room for what comes of it. */
static enum sotto_status make_room(const struct compute *compute, struct joined *joined,
                                   const struct sotto_schema *schema, struct sotto_error *err)
{
    struct prepared *prepared = &joined->prepared;
    const struct sotto_plan *plan = sotto_task_party_plan(joined->machine);
    const char *name = compute__peer_name(compute, &compute->key);
    prepared->policy_number = compute->policy_number;
    enum sotto_status status = sotto_schema_agree(&prepared->schema, plan, schema, &name, 1, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_driver_new(&prepared->driver, plan, &prepared->schema, err);
    if (status != SOTTO_OK) {
        return status;
    }
    sotto_driver_heed(prepared->driver, &compute->interrupt);
    prepared->limbs_len = sotto_driver_limbs_len(prepared->driver);
    prepared->cover_len = sotto_driver_cover_len(prepared->driver);
    prepared->limbs = sotto_alloc_array(prepared->limbs_len + 1, sizeof *prepared->limbs);
    prepared->cover = sotto_alloc_array(prepared->cover_len, sizeof *prepared->cover);
    return prepared->limbs != NULL && prepared->cover != NULL ? SOTTO_OK
                                                              : sotto_error_no_memory(err);
}

/* Of groups that are withheld for what was answered before nothing is said. */
static enum sotto_status withhold_spans(const struct joined *joined, struct sotto_writer *in_out,
                                        struct sotto_error *err)
{
    size_t groups_len = sotto_driver_groups_len(joined->prepared.driver);
    bool is_said = in_out->data_bytes > 0;
    enum sotto_status status =
        is_said ? sotto_spans_withhold(in_out, joined->withheld, groups_len) : SOTTO_OK;
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
}

static enum sotto_status fill_room(const struct compute *compute, struct joined *joined,
                                   enum sotto_rule *out_rule, struct sotto_error *err)
{
    struct prepared *prepared = &joined->prepared;
    enum sotto_status status =
        count(compute, joined, out_rule, &prepared->tally, prepared->cover, &prepared->spans,
              prepared->driver, prepared->limbs, prepared->limbs_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (prepared->tally != NULL) {
        status = say_refused(remembered_foresee(compute, &prepared->is_of_parties, joined, out_rule,
                                                prepared->tally, err),
                             err);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    sotto_driver_cover_withhold(prepared->driver, prepared->cover, joined->withheld);
    return withhold_spans(joined, &prepared->spans, err);
}

enum sotto_status partial_prepare(const struct compute *compute, struct joined *joined,
                                  enum sotto_rule *out_rule, const struct sotto_schema *schema,
                                  struct sotto_error *err)
{
    partial_release(joined);
    enum sotto_status status = make_room(compute, joined, schema, err);
    if (status != SOTTO_OK && status != SOTTO_ERROR_NO_MEMORY) {
        partial_release(joined); /* others' types may make a plan of it */
        return SOTTO_OK;
    }
    if (status == SOTTO_OK) {
        status = fill_room(compute, joined, out_rule, err);
    }
    if (status != SOTTO_OK) {
        partial_release(joined);
    } else if (!has_room(compute, joined)) {
        forget_partial(&joined->prepared);
    }
    return status;
}

/* --- In a session --- */

/* Whether what is prepared is the partial that the machine asks for. */
static bool is_prepared(const struct compute *compute, const struct joined *joined)
{
    const struct prepared *prepared = &joined->prepared;
    const struct sotto_driver *driver = sotto_task_party_driver(joined->machine);
    return prepared->driver != NULL && prepared->policy_number == compute->policy_number &&
           sotto_driver_round(driver) == 1 &&
           sotto_schema_equal(&prepared->schema, sotto_driver_schema(driver));
}

static enum sotto_status refuse_other_offer(struct sotto_error *err)
{
    return sotto_error_set(
        err, SOTTO_ERROR_REFUSED,
        "a group, bin or level can't be given any more, which was offered: other "
        "answers left meanwhile, or the types that all agree on are others");
}

/* Under other types than its own rows may be in other combinations of sums. now: what would be said
 * of them now, but for groups that the ledger withholds, which are emptied in both. */
static enum sotto_status check_spans(struct joined *joined, struct sotto_writer *now,
                                     struct sotto_error *err)
{
    struct sotto_writer *offered = &joined->prepared.spans;
    size_t groups_len = sotto_driver_groups_len(sotto_task_party_driver(joined->machine));
    bool is_told = now->data_bytes > 0 && offered->data_bytes > 0;
    if (!is_told) {
        return SOTTO_OK;
    }
    enum sotto_status status = sotto_spans_withhold(now, joined->withheld, groups_len);
    if (status == SOTTO_OK) {
        status = sotto_spans_withhold(offered, joined->withheld, groups_len);
    }
    if (status != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    bool is_same = now->data_bytes == offered->data_bytes &&
                   memcmp(now->data, offered->data, now->data_bytes) == 0;
    return is_same ? SOTTO_OK : refuse_other_offer(err);
}

/* What was offered and is opened has to be given: others count on it. now: what would be offered
 * now, but for groups that the ledger withholds. */
static enum sotto_status check_offered(const struct joined *joined, const uint8_t *now,
                                       struct sotto_error *err)
{
    const struct sotto_driver *driver = sotto_task_party_driver(joined->machine);
    const uint8_t *opened = sotto_task_party_opened(joined->machine);
    const struct prepared *prepared = &joined->prepared;
    size_t stride = 1 + sotto_driver_cover_cells_len(driver);
    bool has_groups = sotto_driver_groups_len(driver) > 0;
    bool is_told = sotto_driver_round(driver) == 1 && opened != NULL &&
                   prepared->cover_len == sotto_driver_cover_len(driver);
    for (size_t i = 0; is_told && i < prepared->cover_len; i++) {
        bool is_withheld = has_groups && joined->withheld[i / stride] != 0;
        bool is_given = (now[i] & SOTTO_COVER_GIVEN) != 0 && !is_withheld;
        if ((prepared->cover[i] & SOTTO_COVER_GIVEN) != 0 && opened[i] != 0 && !is_given) {
            return refuse_other_offer(err);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status answer(const struct compute *compute, struct joined *joined,
                                enum sotto_rule *out_rule, const struct sotto_tally *tally,
                                const uint8_t *cover, uint64_t *limbs, struct sotto_error *err)
{
    enum sotto_status status =
        tally != NULL ? remembered_answer(compute, joined, out_rule, tally, err) : SOTTO_OK;
    if (status != SOTTO_OK) {
        return say_refused(status, err);
    }
    *out_rule = SOTTO_RULE_LEDGER;
    sotto_driver_withhold(sotto_task_party_driver(joined->machine), limbs, joined->withheld);
    return check_offered(joined, cover, err);
}

static enum sotto_status compute_anew(const struct compute *compute, struct joined *joined,
                                      enum sotto_rule *out_rule, uint64_t *limbs, size_t limbs_len,
                                      struct sotto_error *err)
{
    struct sotto_tally *tally = NULL;
    struct sotto_writer spans;
    const struct sotto_driver *driver = sotto_task_party_driver(joined->machine);
    uint8_t *cover = sotto_alloc_array(sotto_driver_cover_len(driver), sizeof *cover);
    if (cover == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status =
        count(compute, joined, out_rule, &tally, cover, &spans, driver, limbs, limbs_len, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = answer(compute, joined, out_rule, tally, cover, limbs, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = check_spans(joined, &spans, err);
out:
    sotto_writer_release(&spans);
    sotto_tally_free(tally);
    sotto_free(cover);
    return status;
}

enum sotto_status partial_compute(const struct compute *compute, struct joined *joined,
                                  enum sotto_rule *out_rule, uint64_t *limbs, size_t limbs_len,
                                  struct sotto_error *err)
{
    *out_rule = SOTTO_RULE_COVER;
    remembered_end(compute, joined); /* the session before */
    if (!is_prepared(compute, joined)) {
        return compute_anew(compute, joined, out_rule, limbs, limbs_len, err);
    }
    memcpy(limbs, joined->prepared.limbs, limbs_len * sizeof *limbs);
    enum sotto_status status = answer(compute, joined, out_rule, joined->prepared.tally,
                                      joined->prepared.cover, limbs, err);
    return status == SOTTO_ERROR_STATE /* the ledger knows more conditions by now */
               ? compute_anew(compute, joined, out_rule, limbs, limbs_len, err)
               : status;
}
