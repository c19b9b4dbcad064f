/* SPDX-License-Identifier: Apache-2.0 */

/* Plans that go on where this node's own computing came. `profile: safe` takes no coefficients that
 * a plan chooses: with them whoever asks would have the weights of all rows in hand. Those that
 * this node computed itself, of sums that it checked, nobody chose.
 *
 * The idea: a task that failed leaves its plan and what its models had reached (the engine's
 * sotto_driver_reached). Another plan of the same creator is its continuation if it is that plan,
 * started there by this node (sotto_plan_start_from), but for its name and how long it waits. Then
 * the grammar judges the plan that failed, or where that was a continuation too, the plan with
 * which it all began. On other rows the same coefficients would be somebody's choice again: so the
 * whole plan is compared, and the owner's other rules judge the plan that came. */

#include "store/store_continued.h"
#include "task/compute_internal.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <string.h>

void continued_keep(const struct compute *compute, const struct joined *joined)
{
    const struct sotto_plan *plan = sotto_task_party_plan(joined->machine);
    const struct sotto_driver *driver = sotto_task_party_driver(joined->machine);
    struct sotto_error err = {0};
    char *reached = NULL;
    if (plan == NULL || driver == NULL || !sotto_plan_fits(plan)) {
        return;
    }
    enum sotto_status status = sotto_driver_reached(driver, &reached, &err);
    if (status == SOTTO_OK && strcmp(reached, "[]") != 0) {
        status = store_continued_add(compute->config.store, &joined->creator,
                                     sotto_task_party_plan_json(joined->machine), reached,
                                     clock_unix_ms(), &err);
    }
    if (status != SOTTO_OK) {
        log_limited(LOG_JOINED, compute__peer_name(compute, &joined->creator),
                    "%s: how far its models have come is not kept: %s", joined->label, err.text);
    }
    sotto_free(reached);
}

/* A plan as far as it says what is asked. */
static json_t *load_question(const char *plan_json)
{
    json_t *plan = json_loads(plan_json, 0, NULL);
    (void)json_object_del(plan, "name");
    (void)json_object_del(plan, "strategy");
    return plan;
}

struct search {
    json_t *asked; /* of the plan that came, or of one that it goes on with */
    struct sotto_plan *found;
    json_t *found_question;
};

/* A plan that came no further than where it started goes on with itself, which leads nowhere. */
static bool compare(void *context, const char *plan_json, const char *reached)
{
    struct search *search = context;
    char *text = NULL;
    if (sotto_plan_start_from(&text, plan_json, strlen(plan_json), reached, NULL) != SOTTO_OK) {
        return false;
    }
    json_t *started = load_question(text);
    bool is_same = started != NULL && json_equal(started, search->asked) == 1;
    json_decref(started);
    sotto_free(text);
    if (!is_same) {
        return false;
    }
    search->found_question = load_question(plan_json);
    if (json_equal(search->found_question, search->asked) != 1 &&
        sotto_plan_parse(&search->found, plan_json, strlen(plan_json), NULL) == SOTTO_OK) {
        return true;
    }
    json_decref(search->found_question);
    search->found_question = NULL;
    return false;
}

/* A task may still wait for its creator that was restarted, or gave it up. */
static void search_under_way(struct search *search, const struct compute *compute,
                             const struct joined *joined)
{
    const struct joined *other = compute->first_joined;
    for (; other != NULL && search->found == NULL; other = other->next) {
        const struct sotto_driver *driver = sotto_task_party_driver(other->machine);
        char *reached = NULL;
        if (other != joined && driver != NULL &&
            sotto_key_equal(&other->creator, &joined->creator) &&
            sotto_driver_reached(driver, &reached, NULL) == SOTTO_OK) {
            (void)compare(search, sotto_task_party_plan_json(other->machine), reached);
        }
        sotto_free(reached);
    }
}

/* Looks for the plan that a question goes on with. Returns: whether there is one. */
static bool search_once(struct search *search, const struct compute *compute,
                        const struct joined *joined)
{
    struct sotto_error err = {0};
    search_under_way(search, compute, joined);
    if (search->found == NULL && store_each_continued(compute->config.store, &joined->creator,
                                                      compare, search, &err) != SOTTO_OK) {
        log_warning("%s", err.text);
    }
    return search->found != NULL;
}

struct sotto_plan *continued_find(const struct compute *compute, const struct joined *joined)
{
    const struct sotto_plan *plan = sotto_task_party_plan(joined->machine);
    struct sotto_plan *first = NULL;
    if (plan == NULL || !sotto_plan_fits(plan)) {
        return NULL;
    }
    struct search search = {.asked = load_question(sotto_task_party_plan_json(joined->machine))};
    for (size_t i = 0; i < CONTINUED_OF_ONE && search_once(&search, compute, joined); i++) {
        sotto_plan_free(first);
        first = search.found;
        json_decref(search.asked);
        search = (struct search){.asked = search.found_question};
    }
    sotto_plan_free(search.found);
    json_decref(search.found_question);
    json_decref(search.asked);
    return first;
}
