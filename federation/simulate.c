/* SPDX-License-Identifier: Apache-2.0 */

/* The host of a task whose parties all live in this process. It leans on the two machines of a task
 * and does what a node does for them, without a network: one queue of messages, first in, first
 * out, and a clock that moves only when nothing is under way, so that a simulation never waits. */

#include "practice.h"

#include <sotto/alloc.h>
#include <sotto/contribution.h>
#include <sotto/rehearsal.h>
#include <sotto/secret.h>
#include <sotto/session.h>
#include <sotto/task.h>
#include <stdio.h>
#include <string.h>

struct sim_party {
    struct sotto_identity *identity;
    struct sotto_random random;
    struct sotto_random_stream stream;
    struct sotto_task_party *task;  /* NULL before the invitation and after the end */
    struct sotto_csv *const *files; /* by dataset; NULL, or NULL there: */
    const struct sotto_table *const *tables;
    struct sotto_source **sources;     /* of files or tables; files are catalogued for the offer */
    struct sotto_error trouble;        /* why it declined */
    struct sotto_rehearsal *rehearsal; /* of its rules; NULL: it has none */
    char name[32];
};

/* party: SOTTO_NONE for the aggregator. */
struct sim_letter {
    size_t party;
    struct sotto_buffer bytes;
};

struct sim {
    const struct sotto_simulation *config;
    size_t kept_bytes; /* of the rows of a file, between rounds; 0: there is one round */
    struct sim_party *parties;
    struct sotto_peer *peers;
    struct sotto_task_aggregator *aggregator;
    struct sotto_shared_points *shared_points;
    struct sotto_random_stream stream;
    struct sim_letter *letters; /* first in, first out */
    size_t letters_head;
    size_t letters_len;
    size_t letters_capacity;
    uint64_t deadline_ms; /* the aggregator's timer */
    bool done;
    struct sotto_error end;
};

static struct sotto_random sim_random(const struct sim *sim, struct sotto_random_stream *stream,
                                      uint64_t label)
{
    return sim->config->seed == 0 ? sotto_random_system()
                                  : sotto_random_seeded(stream, sim->config->seed, label);
}

static enum sotto_status sim_post(struct sim *sim, size_t party, struct sotto_buffer *bytes)
{
    void *letters = sim->letters;
    enum sotto_status status = sotto_array_reserve(&letters, &sim->letters_capacity,
                                                   sim->letters_len + 1, sizeof *sim->letters);
    if (status != SOTTO_OK) {
        sotto_buffer_release(bytes);
        return status;
    }
    sim->letters = letters;
    sim->letters[sim->letters_len++] = (struct sim_letter){.party = party, .bytes = *bytes};
    return SOTTO_OK;
}

static size_t sim_find(const struct sim *sim, const struct sotto_key *key)
{
    for (size_t i = 0; i < sim->config->parties_len; i++) {
        if (sotto_key_equal(&sim->peers[i].key, key)) {
            return i;
        }
    }
    return SOTTO_NONE;
}

/* --- A party's host --- */

static enum sotto_status party_schema(struct sim_party *party, struct sotto_schema *out)
{
    struct sotto_error *err = &party->trouble;
    const struct sotto_plan *plan = sotto_task_party_plan(party->task);
    enum sotto_status status = sotto_source_offer(out, plan, party->sources, err);
    if (status != SOTTO_OK || party->files == NULL) {
        return status; /* only files have words for missing values */
    }
    status = sotto_schema_check_words(plan, out, party->files, err);
    if (status != SOTTO_OK) {
        sotto_schema_release(out);
    }
    return status;
}

/* A driver for the party's own types. */
static enum sotto_status party_driver(struct sim_party *party, struct sotto_driver **out,
                                      const struct sotto_schema *schema)
{
    const struct sotto_plan *plan = sotto_task_party_plan(party->task);
    const char *name = party->name;
    struct sotto_schema own = {0};
    enum sotto_status status = sotto_schema_agree(&own, plan, schema, &name, 1, &party->trouble);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_driver_new(out, plan, &own, &party->trouble);
    sotto_schema_release(&own);
    return status;
}

/* Notes the rule by which a party refused. */
static enum sotto_status keep_refusal(const struct sim *sim, const struct sim_party *party,
                                      enum sotto_status status)
{
    if (status == SOTTO_ERROR_REFUSED && sim->config->refused != NULL) {
        *sim->config->refused = sotto_rehearsal_refused(party->rehearsal);
    }
    return status;
}

/* What the party has of each part: without rules it stands behind all of them. */
static enum sotto_status party_cover(const struct sim *sim, struct sim_party *party,
                                     const struct sotto_driver *driver, uint8_t *out, size_t len,
                                     struct sotto_writer *spans)
{
    if (party->rehearsal == NULL) {
        memset(out, SOTTO_COVER_ENOUGH | SOTTO_COVER_GIVEN, len);
        return SOTTO_OK;
    }
    enum sotto_status status = sotto_rehearsal_offer(
        party->rehearsal, out, spans, sotto_task_party_prime(party->task), driver,
        sotto_task_party_plan(party->task), party->sources, &party->trouble);
    return keep_refusal(sim, party, status);
}

/* The partial, by the party's rules. */
static enum sotto_status party_contribute(const struct sim *sim, struct sim_party *party,
                                          const struct sotto_driver *driver, uint64_t *limbs,
                                          size_t limbs_len)
{
    struct sotto_error *err = &party->trouble;
    if (party->rehearsal == NULL) {
        return sotto_driver_contribute(driver, limbs, limbs_len, NULL, party->sources, NULL, err);
    }
    enum sotto_status status =
        sotto_rehearsal_contribute(party->rehearsal, limbs, limbs_len, driver,
                                   sotto_task_party_plan(party->task), party->sources, err);
    return keep_refusal(sim, party, status);
}

/* Says it of the parts that the party's own types make; of none where these alone make no plan. */
static enum sotto_status make_cover(const struct sim *sim, struct sim_party *party, uint8_t **out,
                                    size_t *out_len, struct sotto_writer *spans,
                                    const struct sotto_schema *schema)
{
    struct sotto_driver *driver = NULL;
    enum sotto_status status = party_driver(party, &driver, schema);
    if (status != SOTTO_OK) {
        bool is_memory = status == SOTTO_ERROR_NO_MEMORY;
        party->trouble = is_memory ? party->trouble : (struct sotto_error){0};
        return is_memory ? status : SOTTO_OK;
    }
    *out_len = sotto_driver_cover_len(driver);
    *out = sotto_alloc_array(*out_len, sizeof **out);
    status = *out != NULL ? party_cover(sim, party, driver, *out, *out_len, spans)
                          : sotto_error_no_memory(&party->trouble);
    sotto_driver_free(driver);
    return status;
}

static enum sotto_status party_offer(const struct sim *sim, struct sim_party *party)
{
    struct sotto_schema schema;
    struct sotto_writer spans;
    uint8_t *parts = NULL;
    size_t parts_len = 0;
    enum sotto_status status = party_schema(party, &schema);
    if (status != SOTTO_OK) {
        return status;
    }
    sotto_writer_init(&spans, SOTTO_ADVERT_PAYLOAD_MAX);
    if (sim->config->rules != NULL) {
        schema.rules = sotto_rules_offered(sim->config->rules);
    }
    status = make_cover(sim, party, &parts, &parts_len, &spans, &schema);
    if (status == SOTTO_OK) {
        const struct sotto_task_cover cover = {.parts = parts,
                                               .parts_len = parts_len,
                                               .spans = spans.data,
                                               .spans_bytes = spans.data_bytes};
        sotto_task_party_offer(party->task, &schema, &cover);
    }
    sotto_free(parts);
    sotto_writer_release(&spans);
    sotto_schema_release(&schema);
    return status;
}

static enum sotto_status party_partial(const struct sim *sim, struct sim_party *party)
{
    const struct sotto_driver *driver = sotto_task_party_driver(party->task);
    size_t limbs_len = sotto_driver_limbs_len(driver);
    uint64_t *limbs = sotto_alloc_array(limbs_len, sizeof *limbs);
    if (limbs == NULL) {
        return sotto_error_set(&party->trouble, SOTTO_ERROR_NO_MEMORY, "no memory for a partial");
    }
    enum sotto_status status = party_contribute(sim, party, driver, limbs, limbs_len);
    if (status == SOTTO_OK) {
        sotto_task_party_partial(party->task, limbs, limbs_len);
    }
    sotto_wipe(limbs, limbs_len * sizeof *limbs);
    sotto_free(limbs);
    return status;
}

static enum sotto_status party_act(struct sim *sim, struct sim_party *party,
                                   struct sotto_action *action)
{
    enum sotto_status status = SOTTO_OK;
    bool learns = sotto_task_party_bundle(party->task) != NULL;
    size_t i = (size_t)(party - sim->parties);
    switch (action->kind) {
    case SOTTO_ACTION_SEND:
        return sim_post(sim, SOTTO_NONE, &action->bytes);
    case SOTTO_ACTION_OFFER:
        status = learns ? sotto__practice_offer(party->task, sim->config, i, &party->trouble)
                        : party_offer(sim, party);
        break;
    case SOTTO_ACTION_PARTIAL:
        status = learns ? sotto__practice_train(party->task, sim->config, i, &party->trouble)
                        : party_partial(sim, party);
        break;
    case SOTTO_ACTION_PLEDGE:
    case SOTTO_ACTION_RECORD: /* nothing here outlives the process */
        sotto_task_party_recorded(party->task);
        break;
    default:
        break;
    }
    if (status != SOTTO_OK) {
        sotto_task_party_decline(party->task, status, NULL);
    }
    return SOTTO_OK;
}

static enum sotto_status party_pump(struct sim *sim, struct sim_party *party)
{
    struct sotto_action action;
    enum sotto_status status = SOTTO_OK;
    while (status == SOTTO_OK && sotto_task_party_next(party->task, &action)) {
        status = party_act(sim, party, &action);
        if (action.kind != SOTTO_ACTION_SEND) {
            sotto_action_release(&action);
        }
    }
    return status;
}

static enum sotto_status party_take(struct sim *sim, struct sim_party *party,
                                    const struct sotto_buffer *bytes)
{
    struct sotto_error err;
    if (party->task != NULL) {
        /* What a party ignores is the aggregator's loss. */
        (void)!sotto_task_party_receive(party->task, bytes->data, bytes->data_bytes, 0, &err);
        return party_pump(sim, party);
    }
    struct sotto_task_party_config config = {
        .identity = party->identity,
        .random = party->random,
        .peers = sim->peers,
        .peers_len = sim->config->parties_len,
        .shared_points = sim->shared_points,
    };
    enum sotto_status status =
        sotto_task_party_new(&party->task, &config, bytes->data, bytes->data_bytes, &sim->end);
    if (status != SOTTO_OK) {
        return status;
    }
    return party_pump(sim, party);
}

/* --- The aggregator's host --- */

static enum sotto_status aggregator_act(struct sim *sim, struct sotto_action *action)
{
    switch (action->kind) {
    case SOTTO_ACTION_SEND:
        return sim_post(sim, sim_find(sim, &action->peer), &action->bytes);
    case SOTTO_ACTION_TIMER:
        sim->deadline_ms = action->deadline_ms;
        return SOTTO_OK;
    case SOTTO_ACTION_LOG:
        if (sim->config->log != NULL) {
            sim->config->log(sim->config->log_context, action->text);
        }
        return SOTTO_OK;
    case SOTTO_ACTION_DONE:
        sim->done = true;
        return sotto_error_set(&sim->end, action->status, "%s", action->text);
    default:
        return SOTTO_OK;
    }
}

static enum sotto_status aggregator_pump(struct sim *sim)
{
    struct sotto_action action;
    enum sotto_status status = SOTTO_OK;
    while (status == SOTTO_OK && sotto_task_aggregator_next(sim->aggregator, &action)) {
        status = aggregator_act(sim, &action);
        if (action.kind != SOTTO_ACTION_SEND) {
            sotto_action_release(&action);
        }
    }
    return status;
}

/* Delivers messages until the task ends. */
static enum sotto_status sim_run(struct sim *sim)
{
    enum sotto_status status = aggregator_pump(sim);
    while (status == SOTTO_OK && !sim->done) {
        if (sim->letters_head == sim->letters_len) {
            sim->letters_head = sim->letters_len = 0;
            sotto_task_aggregator_tick(sim->aggregator, sim->deadline_ms);
            status = aggregator_pump(sim);
            continue;
        }
        struct sim_letter letter = sim->letters[sim->letters_head++];
        if (letter.party == SOTTO_NONE) {
            struct sotto_error err;
            (void)!sotto_task_aggregator_receive(sim->aggregator, letter.bytes.data,
                                                 letter.bytes.data_bytes, 0, &err);
            status = aggregator_pump(sim);
        } else {
            status = party_take(sim, &sim->parties[letter.party], &letter.bytes);
        }
        sotto_buffer_release(&letter.bytes);
    }
    return status;
}

/* --- Building and taking down --- */

/* kept_bytes: of the rows of a file that stay in memory between rounds. */
static enum sotto_status make_sources(struct sim_party *party, size_t len, size_t kept_bytes)
{
    enum sotto_status status = SOTTO_OK;
    party->sources = sotto_alloc_array(len, sizeof *party->sources);
    if (party->sources == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t d = 0; status == SOTTO_OK && d < len; d++) {
        struct sotto_csv *file = party->files != NULL ? party->files[d] : NULL;
        SOTTO_REQUIRE(file != NULL || party->tables != NULL);
        status = file != NULL ? sotto_source_new_file(&party->sources[d], file, NULL, NULL)
                              : sotto_source_new_table(&party->sources[d], party->tables[d], NULL);
        if (status == SOTTO_OK && file != NULL && kept_bytes > 0) {
            status = sotto_source_new_kept(&party->sources[d], party->sources[d], kept_bytes, NULL);
        }
    }
    return status;
}

/* All parties share the memory for rows that several rounds read. */
static size_t share_kept_bytes(const struct sotto_simulation *config)
{
    struct sotto_plan *plan = NULL;
    bool is_plan =
        sotto_plan_parse(&plan, config->plan_json, config->plan_json_bytes, NULL) == SOTTO_OK;
    bool is_kept = is_plan && sotto_plan_rounds(plan) > 1; /* else it is refused later, and said */
    sotto_plan_free(plan);
    return is_kept ? SOTTO_KEPT_BYTES_DEFAULT / (config->parties_len * config->datasets_len) : 0;
}

static enum sotto_status sim_add_rehearsal(const struct sim *sim, struct sim_party *party)
{
    uint64_t seed = 0;
    if (sim->config->rules == NULL) {
        return SOTTO_OK;
    }
    enum sotto_status status =
        party->random.fill(party->random.context, (uint8_t *)&seed, sizeof seed);
    if (status != SOTTO_OK) {
        return status;
    }
    return sotto_rehearsal_new(&party->rehearsal, sim->config->rules, seed, NULL);
}

static enum sotto_status sim_add_party(struct sim *sim, size_t i)
{
    struct sim_party *party = &sim->parties[i];
    party->random = sim_random(sim, &party->stream, i + 1);
    size_t first = i * sim->config->datasets_len;
    party->files = sim->config->files != NULL ? sim->config->files + first : NULL;
    party->tables = sim->config->tables != NULL ? sim->config->tables + first : NULL;
    enum sotto_status status = make_sources(party, sim->config->datasets_len, sim->kept_bytes);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_identity_generate(&party->identity, party->random);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sim_add_rehearsal(sim, party);
    if (status != SOTTO_OK) {
        return status;
    }
    (void)snprintf(party->name, sizeof party->name, "party %zu", i + 1);
    sim->peers[i] =
        (struct sotto_peer){.key = sotto_identity_key(party->identity), .name = party->name};
    return SOTTO_OK;
}

static enum sotto_status fail_to_start(struct sotto_error *err, enum sotto_status status)
{
    return sotto_error_set(err, status, "starting a simulation: %s", sotto_status_text(status));
}

static enum sotto_status sim_build(struct sim *sim, struct sotto_error *err)
{
    const struct sotto_simulation *config = sim->config;
    if (config->parties_len == 0) {
        return sotto_error_set(err, SOTTO_ERROR_PARTIES, "a simulation without parties");
    }
    /* Both parties of a pair are here: what they agree on is multiplied once. */
    enum sotto_status status = sotto_shared_points_new(&sim->shared_points, config->parties_len);
    if (status != SOTTO_OK) {
        return fail_to_start(err, status);
    }
    sim->parties = sotto_alloc_array(config->parties_len, sizeof *sim->parties);
    sim->peers = sotto_alloc_array(config->parties_len, sizeof *sim->peers);
    if (sim->parties == NULL || sim->peers == NULL) {
        return fail_to_start(err, SOTTO_ERROR_NO_MEMORY);
    }
    for (size_t i = 0; i < config->parties_len; i++) {
        status = sim_add_party(sim, i);
        if (status != SOTTO_OK) {
            return fail_to_start(err, status);
        }
    }
    struct sotto_task_aggregator_config task = {
        .identity = sim->parties[0].identity,
        .number = 1,
        .plan_json = config->plan_json,
        .plan_json_bytes = config->plan_json_bytes,
        .invited = sim->peers,
        .invited_len = config->parties_len,
        .bundle = config->bundle,
        .bundle_bytes = config->bundle_bytes,
    };
    struct sotto_random random = sim_random(sim, &sim->stream, 0);
    status = random.fill(random.context, task.id.bytes, sizeof task.id.bytes);
    if (status != SOTTO_OK) {
        return fail_to_start(err, status);
    }
    return sotto_task_aggregator_new(&sim->aggregator, &task, err);
}

static void sim_release(struct sim *sim)
{
    for (size_t i = 0; sim->parties != NULL && i < sim->config->parties_len; i++) {
        struct sim_party *party = &sim->parties[i];
        sotto_task_party_free(party->task);
        for (size_t d = 0; party->sources != NULL && d < sim->config->datasets_len; d++) {
            sotto_source_free(party->sources[d]);
        }
        sotto_free(party->sources);
        sotto_rehearsal_free(party->rehearsal);
    }
    sotto_task_aggregator_free(sim->aggregator);
    sotto_shared_points_free(sim->shared_points);
    for (size_t i = 0; sim->parties != NULL && i < sim->config->parties_len; i++) {
        sotto_identity_free(sim->parties[i].identity);
    }
    for (; sim->letters_head < sim->letters_len; sim->letters_head++) {
        sotto_buffer_release(&sim->letters[sim->letters_head].bytes);
    }
    sotto_free(sim->letters);
    sotto_free(sim->parties);
    sotto_free(sim->peers);
}

/* The task's end, and what the parties found wrong with their own files: in one process nobody has
 * to be kept from knowing. */
static enum sotto_status sim_failure(const struct sim *sim, struct sotto_error *err)
{
    for (size_t i = 0; i < sim->config->parties_len; i++) {
        const struct sim_party *party = &sim->parties[i];
        if (party->trouble.status != SOTTO_OK) {
            return sotto_error_set(err, party->trouble.status, "%s: %s", party->name,
                                   party->trouble.text);
        }
    }
    return sotto_error_set(err, sim->end.status, "%s", sim->end.text);
}

enum sotto_status sotto_simulate(char **out_result, const struct sotto_simulation *simulation,
                                 struct sotto_error *err)
{
    struct sim sim = {.config = simulation, .kept_bytes = share_kept_bytes(simulation)};
    /* Each party checks the adverts and dealings of all, which are the same signatures. */
    sotto_signatures_remember();
    enum sotto_status status = sim_build(&sim, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sim_run(&sim);
    if (status != SOTTO_OK) {
        status = sim.end.status != SOTTO_OK
                     ? sim_failure(&sim, err)
                     : sotto_error_set(err, status, "simulating: %s", sotto_status_text(status));
        goto out;
    }
    const char *result = sotto_task_aggregator_result(sim.aggregator);
    SOTTO_REQUIRE(result != NULL);
    char *copy = sotto_text_copy(result, strlen(result));
    if (copy == NULL) {
        status = sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "no memory for the result");
        goto out;
    }
    *out_result = copy;
out:
    sotto_signatures_forget();
    sim_release(&sim);
    return status;
}
