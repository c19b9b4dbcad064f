/* SPDX-License-Identifier: Apache-2.0 */

/* What people are shown of a plan before they ask it, or let it be answered. Leans on own.c, which
 * asks this node's files and its policy. The idea: whoever decides sees the words and the verdicts
 * that the node itself would decide by. */

#include "task/check.h"

#include "config/policy.h"
#include "store/store_asked.h"
#include "store/store_found.h"
#include "task/created.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <sotto/disclosure.h>
#include <stdio.h>
#include <string.h>

/* Who asks for a plan, before its files are looked at. */
static struct policy_question make_question(const struct compute *compute,
                                            const struct sotto_plan *plan, const char *asker)
{
    return (struct policy_question){
        .plan = plan,
        .asker = asker,
        .has_leave = compute->policy->approves_by_hand,
    };
}

static const char *approve_word(const struct compute *compute)
{
    return compute->policy->approves_by_hand ? "manual" : "automatic";
}

/* The words of a plan that asks for code to be run: what the code is, is said where its owner
 * approves it. */
static enum sotto_status make_code_words(char **out, const struct sotto_plan *plan,
                                         const char *asker, struct sotto_error *err)
{
    char text[SOTTO_ERROR_TEXT_BYTES];
    struct sotto_writer writer;
    size_t bytes;
    sotto_writer_init(&writer, sizeof text + (size_t)16 * STORE_NAME_BYTES);
    sotto_text_show(&writer, asker);
    sotto_write_bytes(&writer, " asks for \"", strlen(" asks for \""));
    sotto_text_show(&writer, sotto_plan_name(plan));
    int text_bytes =
        snprintf(text, sizeof text,
                 "\", with at least %u parties\nruns the code %s\nfor %u rounds, each of which "
                 "opens the mean of all parties' weights\n",
                 (unsigned)sotto_plan_strategy(plan)->min_clients, sotto_plan_bundle(plan),
                 (unsigned)sotto_plan_rounds(plan));
    sotto_write_bytes(&writer, text, (size_t)text_bytes + 1);
    enum sotto_status status = sotto_writer_status(&writer);
    if (status != SOTTO_OK) {
        sotto_writer_release(&writer);
        return sotto_error_no_memory(err);
    }
    *out = (char *)sotto_writer_take(&writer, &bytes);
    return SOTTO_OK;
}

/* --- A plan that may become a task --- */

static enum sotto_status judge_plan(struct compute *compute, json_t **out,
                                    const struct sotto_plan *plan, struct sotto_error *err)
{
    char *words = NULL;
    json_t *rules = json_array();
    struct policy_question question =
        make_question(compute, plan, compute->config.config->file->name);
    enum sotto_status status = policy_words(&words, compute->policy, &question, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = own_rules(compute, rules, &question, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    *out = json_pack("{s:s, s:O, s:s}", "words", words, "rules", rules, "approve",
                     approve_word(compute));
out:
    json_decref(rules);
    sotto_free(words);
    return status;
}

void check_plan(struct compute *compute, const struct job *job)
{
    struct sotto_error err = {0};
    struct sotto_plan *plan = NULL;
    json_t *object = NULL;
    enum sotto_status status =
        sotto_plan_parse(&plan, job->bytes.data, job->bytes.data_bytes, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = judge_plan(compute, &object, plan, &err);
out:
    if (status != SOTTO_OK) {
        compute__reply_detail(compute, job->request, HTTP_BAD_REQUEST, status, err.text);
    } else {
        compute__reply_json(compute, job->request, object);
    }
    sotto_plan_free(plan);
}

/* --- Words of tasks --- */

/* The words of a task's plan. Ownership: *out is ended by sotto_free. */
static enum sotto_status load_words(struct compute *compute, char **out, uint64_t number,
                                    struct sotto_error *err)
{
    char *json = NULL;
    struct sotto_plan *plan = NULL;
    enum sotto_status status = store_get_plan(compute->config.store, &json, number, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_plan_parse_task(&plan, json, strlen(json), err);
    if (status != SOTTO_OK) {
        goto out;
    }
    struct policy_question question =
        make_question(compute, plan, compute->config.config->file->name);
    status = sotto_plan_bundle(plan) != NULL ? make_code_words(out, plan, question.asker, err)
                                             : policy_words(out, compute->policy, &question, err);
out:
    sotto_plan_free(plan);
    sotto_free(json);
    return status;
}

void check_words(struct compute *compute, const struct job *job)
{
    struct sotto_error err = {0};
    uint64_t number = 0;
    char *words = NULL;
    char *before = NULL;
    enum sotto_status status = load_words(compute, &words, job->number, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_find_previous(compute->config.store, &number, job->number, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (number != 0) { /* a plan that this version no longer takes is not compared */
        (void)!load_words(compute, &before, number, NULL);
    }
out:
    if (status != SOTTO_OK) {
        compute__reply_detail(compute, job->request, HTTP_BAD_REQUEST, status, err.text);
    } else {
        json_t *previous =
            before != NULL ? json_pack("{s:I, s:s}", "task_id", (json_int_t)number, "words", before)
                           : NULL;
        compute__reply_json(compute, job->request,
                            json_pack("{s:s, s:o*}", "words", words, "previous", previous));
    }
    sotto_free(before);
    sotto_free(words);
}

/* --- What others asked --- */

void check_asked(struct compute *compute, const struct job *job)
{
    struct sotto_error err = {0};
    struct store_asked asked;
    struct sotto_plan *plan = NULL;
    char *json = NULL;
    json_t *rules = json_array();
    enum sotto_status status =
        store_get_asked(compute->config.store, &asked, &json, NULL, NULL, job->number, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_plan_parse(&plan, json, strlen(json), &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    struct policy_question question = make_question(compute, plan, asked.creator);
    status = own_rules(compute, rules, &question, &err);
out:
    if (status != SOTTO_OK) {
        compute__reply_detail(compute, job->request, HTTP_BAD_REQUEST, status, err.text);
    } else {
        compute__reply_json(
            compute, job->request,
            json_pack("{s:O, s:s}", "rules", rules, "approve", approve_word(compute)));
    }
    json_decref(rules);
    sotto_plan_free(plan);
    sotto_free(json);
}
