/* SPDX-License-Identifier: Apache-2.0 */

/* Code for learning tasks: what is offered is kept (store/store_code.c), and the owner decides on
 * it by its digest. Leans on sotto/bundle.h. The idea: nothing here runs anything; a bundle is read
 * when it comes, so that the store has none that could not be shown. */

#include "store/store_code.h"
#include "store/store_record.h"
#include "task/learning.h"

#include <sodium.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

static enum sotto_status keep_bundle(const struct compute *compute, const struct sotto_key *creator,
                                     const struct sotto_bundle *bundle, struct sotto_error *err)
{
    struct store_code code = {.offered_ms = clock_unix_ms(), .creator_key = *creator};
    memcpy(code.digest, bundle->digest, sizeof code.digest);
    (void)snprintf(code.creator, sizeof code.creator, "%s", compute__peer_name(compute, creator));
    return store_code_put(compute->config.store, &code, &bundle->bytes, err);
}

/* Whoever can make up a model that code trains on chooses what its next weights tell of rows. */
static enum sotto_status check_models(const struct sotto_plan *plan, struct sotto_error *err)
{
    return sotto_plan_verify(plan) != SOTTO_PLAN_VERIFY_NEVER || sotto_plan_rounds(plan) == 1
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_REFUSED,
                                 "the plan says \"enable_verify\": false, so that nobody checks "
                                 "what code trains on");
}

enum sotto_status code_judge(const struct compute *compute, const struct joined *joined,
                             struct sotto_error *err)
{
    struct store_code code;
    const struct sotto_bundle *bundle = sotto_task_party_bundle(joined->machine);
    char hex[2 * SOTTO_BUNDLE_DIGEST_BYTES + 1];
    if (!compute->policy->runs_code) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                               "policy.code denies all code that others bring");
    }
    enum sotto_status status = check_models(sotto_task_party_plan(joined->machine), err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = keep_bundle(compute, &joined->creator, bundle, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = store_get_code(compute->config.store, &code, NULL, bundle->digest, err);
    if (status != SOTTO_OK) {
        return status;
    }
    (void)sodium_bin2hex(hex, sizeof hex, code.digest, sizeof code.digest);
    uint32_t needed = sotto_plan_rounds(sotto_task_party_plan(joined->machine)) -
                      sotto_task_party_round(joined->machine) + 1;
    if (code.state != CODE_APPROVED || code.rounds_left < needed) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                               "its code is %s and has %llu rounds left of the %u that it needs: "
                               "sotto code show %s, and approve it",
                               code_state_name(code.state), (unsigned long long)code.rounds_left,
                               needed, hex);
    }
    if (code.peer[0] != '\0' && !sotto_key_equal(&code.peer_key, &joined->creator)) {
        return sotto_error_set(
            err, SOTTO_ERROR_REFUSED,
            "its code %s is approved for %s alone, with the key that it had then", hex, code.peer);
    }
    return SOTTO_OK;
}

static enum sotto_status take_offer(const struct compute *compute,
                                    uint8_t out_digest[SOTTO_BUNDLE_DIGEST_BYTES],
                                    const struct sotto_buffer *bytes, struct sotto_error *err)
{
    struct sotto_bundle bundle;
    enum sotto_status status = sotto_bundle_open(&bundle, bytes->data, bytes->data_bytes, err);
    if (status != SOTTO_OK) {
        return status;
    }
    memcpy(out_digest, bundle.digest, sizeof bundle.digest);
    status = keep_bundle(compute, &compute->key, &bundle, err);
    sotto_bundle_release(&bundle);
    return status;
}

void code_offer(struct compute *compute, const struct job *job)
{
    struct sotto_error err = {0};
    uint8_t digest[SOTTO_BUNDLE_DIGEST_BYTES];
    char hex[2 * SOTTO_BUNDLE_DIGEST_BYTES + 1];
    char reply[sizeof hex + 16];
    if (take_offer(compute, digest, &job->bytes, &err) != SOTTO_OK) {
        int answer = err.status == SOTTO_ERROR_IO ? HTTP_INTERNAL : HTTP_BAD_REQUEST;
        compute__reply_detail(compute, job->request, answer, err.status, err.text);
        return;
    }
    (void)sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
    int bytes = snprintf(reply, sizeof reply, "{\"digest\": \"%s\"}", hex);
    compute__reply(compute, job->request, HTTP_OK, sotto_text_copy(reply, (size_t)bytes));
}

/* --- Decisions --- */

/* How many rounds an approval is for where the owner did not say: one task's. */
static enum sotto_status find_rounds(uint64_t *out, const struct sotto_buffer *bytes,
                                     struct sotto_error *err)
{
    struct sotto_bundle bundle;
    enum sotto_status status = sotto_bundle_open(&bundle, bytes->data, bytes->data_bytes, err);
    if (status == SOTTO_OK) {
        *out = (uint64_t)bundle.manifest.rounds;
        sotto_bundle_release(&bundle);
    }
    return status;
}

/* out: the key that a peer of this name has, or this node, if one is named. */
static enum sotto_status check_approval(struct sotto_key *out, const struct compute *compute,
                                        const char *peer, struct sotto_error *err)
{
    bool is_known = peer[0] == '\0';
    if (!compute->policy->runs_code) {
        return sotto_error_set(err, SOTTO_ERROR_REFUSED,
                               "policy.code is deny, and nothing of it would run: say `code: "
                               "approved` below policy in node.yaml, and reload");
    }
    for (size_t i = 0; i < compute->known_len; i++) {
        if (strcmp(compute->known[i].name, peer) == 0) {
            *out = compute->known[i].key;
            is_known = true;
        }
    }
    return is_known ? SOTTO_OK
                    : sotto_error_set(err, SOTTO_ERROR_INPUT,
                                      "there is no peer of this name in node.yaml: '%.64s'", peer);
}

/* The record has who decided, on what. */
static enum sotto_status record_decision(const struct compute *compute,
                                         const struct store_code *code, const struct job *job,
                                         struct sotto_error *err)
{
    const struct sotto_task_id none = {{0}};
    char hex[2 * SOTTO_BUNDLE_DIGEST_BYTES + 1];
    struct store_record entry = {.created_ms = code->decided_ms};
    (void)sodium_bin2hex(hex, sizeof hex, code->digest, sizeof code->digest);
    (void)snprintf(entry.creator, sizeof entry.creator, "%s", code->creator);
    (void)snprintf(entry.name, sizeof entry.name, "code %s", hex);
    (void)snprintf(entry.text, sizeof entry.text, "%llu rounds of code%s%s, by the token %s",
                   (unsigned long long)code->rounds_left, code->peer[0] != '\0' ? " for " : "",
                   code->peer, job->asker);
    return store_record_add(compute->config.store, &entry,
                            job->approves ? RECORD_APPROVED : RECORD_REJECTED, &none,
                            &code->creator_key, "", err);
}

static enum sotto_status take_decision(const struct compute *compute, struct store_code *out,
                                       const struct job *job, struct sotto_error *err)
{
    struct store *store = compute->config.store;
    struct sotto_buffer bytes = {0};
    const char *peer = (const char *)job->bytes.data + SOTTO_BUNDLE_DIGEST_BYTES;
    enum sotto_status status = store_get_code(store, out, &bytes, job->bytes.data, err);
    if (status != SOTTO_OK) {
        return status;
    }
    out->state = job->approves ? CODE_APPROVED : CODE_REVOKED;
    out->decided_ms = clock_unix_ms();
    out->rounds_left = job->number;
    (void)snprintf(out->peer, sizeof out->peer, "%s", peer);
    out->peer_key = (struct sotto_key){0};
    if (job->approves) {
        status = check_approval(&out->peer_key, compute, peer, err);
        if (status == SOTTO_OK && job->number == 0) {
            status = find_rounds(&out->rounds_left, &bytes, err);
        }
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    status = store_begin(store, true, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_code_decide(store, out, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = record_decision(compute, out, job, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = store_commit(store, err);
out:
    store_rollback(store); /* if it was not committed */
    sotto_buffer_release(&bytes);
    return status;
}

void code_decide(struct compute *compute, const struct job *job)
{
    struct sotto_error err = {0};
    struct store_code code;
    char reply[96];
    if (take_decision(compute, &code, job, &err) != SOTTO_OK) {
        int answer = err.status == SOTTO_ERROR_IO ? HTTP_INTERNAL : HTTP_BAD_REQUEST;
        compute__reply_detail(compute, job->request, answer, err.status, err.text);
        return;
    }
    int bytes = snprintf(reply, sizeof reply, "{\"state\": \"%s\", \"rounds_left\": %llu}",
                         code_state_name(code.state), (unsigned long long)code.rounds_left);
    compute__reply(compute, job->request, HTTP_OK, sotto_text_copy(reply, (size_t)bytes));
}
