/* SPDX-License-Identifier: Apache-2.0 */

/* The compute thread: waits for a job or a deadline, gives it to the task that it is for, frees the
 * tasks that have ended. Leans on created.c and joined.c, which do the work. The idea: one thread
 * owns all machines, so that none of them needs a lock; queue.h tells what passes in and out. */

#include "task/browse.h"
#include "task/check.h"
#include "task/columns.h"
#include "task/created.h"
#include "task/learning.h"
#include "task/owner.h"
#include "task/sourced.h"

#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <sotto/alloc.h>
#include <stdlib.h>
#include <string.h>

void compute__stop_for_test(const char *step)
{
#ifdef SOTTO_TEST_BUILD
    const char *at = getenv("SOTTO_TEST_STOP_AT");
    if (at != NULL && strcmp(at, step) == 0) {
        (void)raise(SIGKILL);
    }
#else
    (void)step;
#endif
}

void compute__changed(struct compute *compute, uint64_t number)
{
    struct job *event = job_new(EVENT_CHANGED);
    if (event != NULL) { /* else its readers wait until their poll ends */
        event->number = number;
        queue_push(compute->config.events, event);
    }
}

/* Whether this node can call a peer: what is of no task goes either way. */
static bool has_url(const struct compute *compute, const struct sotto_key *peer)
{
    size_t index = config_find_peer(compute->policy, peer);
    return index != SOTTO_NONE && compute->policy->file->peers[index].url != NULL;
}

void compute__send(struct compute *compute, struct sotto_action *action, uint64_t patience_ms)
{
    struct sotto_message_route route;
    bool is_own = sotto_key_equal(&action->peer, &compute->key);
    struct job *job = job_new(is_own ? JOB_MESSAGE : EVENT_SEND);
    if (job == NULL || !sotto_message_route(&route, action->bytes.data, action->bytes.data_bytes)) {
        log_warning("a message to %s is lost: out of memory",
                    compute__peer_name(compute, &action->peer));
        job_free(job);
        return;
    }
    job->peer = action->peer;
    job->by_calling =
        route.is_browse || route.is_listing ? has_url(compute, &action->peer) : route.to_aggregator;
    job->deadline_ms = clock_ms() + patience_ms;
    job->bytes = action->bytes;
    action->bytes = (struct sotto_buffer){0};
    queue_push(is_own ? compute->config.jobs : compute->config.events, job);
}

uint64_t compute__patience(const struct sotto_plan *plan)
{
    const struct sotto_strategy *strategy = sotto_plan_strategy(plan);
    return ((uint64_t)strategy->wait_timeout_s + strategy->connection_timeout_s) * 1000;
}

/* What is said in a task besides vectors: a result (4 MiB), dealings, consents. */
#define TASK_BYTES ((size_t)8 * 1024 * 1024)
/* A party's part of a roster: its advert, and the types that it offers. */
#define PARTY_BYTES ((size_t)256 * 1024)
/* A limb as it travels has at most so many bytes: masked elements are wider than what they hold. */
#define LIMB_BYTES ((size_t)16)

size_t compute__measure(const struct compute *compute, size_t vector_bytes, size_t vectors_len)
{
    size_t limbs_len = (vector_bytes + 7) / 8;
    size_t bytes = TASK_BYTES + compute->known_len * PARTY_BYTES;
    size_t left = BODY_BYTES_MAX - bytes % BODY_BYTES_MAX;
    return limbs_len < left / LIMB_BYTES / vectors_len
               ? bytes + limbs_len * LIMB_BYTES * vectors_len
               : BODY_BYTES_MAX;
}

static size_t max_bytes(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Tells the loop thread how long bodies may be: of all peers while this node runs a task, of a
 * creator while this node takes part in its own. */
static void publish_allowances(const struct compute *compute)
{
    size_t of_all = BODY_BYTES_MIN;
    for (const struct created *created = compute->first_created; created != NULL;
         created = created->next) {
        of_all = max_bytes(of_all, created->body_bytes);
    }
    for (size_t i = 0; i + 1 < compute->peers_len; i++) {
        compute->bytes_of_peers[i] = of_all;
    }
    for (const struct joined *joined = compute->first_joined; joined != NULL;
         joined = joined->next) {
        size_t *bytes = &compute->bytes_of_peers[joined->peer_index];
        *bytes = max_bytes(*bytes, joined->body_bytes);
    }
    for (size_t i = 0; i + 1 < compute->peers_len; i++) {
        atomic_store(&compute->config.allowances.bytes[i], compute->bytes_of_peers[i]);
    }
}

/* --- Dispatch --- */

static struct created *find_created(struct compute *compute, const struct sotto_task_id *id)
{
    struct created *created = compute->first_created;
    while (created != NULL && memcmp(created->id.bytes, id->bytes, sizeof id->bytes) != 0) {
        created = created->next;
    }
    return created;
}

/* A task is found by its creator and its id, so that nobody's task can take the place of another's.
 */
static struct joined *find_joined(struct compute *compute, const struct sotto_message_route *route)
{
    struct joined *joined = compute->first_joined;
    while (joined != NULL &&
           (memcmp(joined->id.bytes, route->task.bytes, sizeof joined->id.bytes) != 0 ||
            !sotto_key_equal(&joined->creator, &route->sender))) {
        joined = joined->next;
    }
    return joined;
}

static void take_message(struct compute *compute, const struct job *job)
{
    struct sotto_message_route route;
    if (!compute__is_peer(compute, &job->peer)) {
        return; /* it waited here when its peer was removed */
    }
    if (!sotto_message_route(&route, job->bytes.data, job->bytes.data_bytes)) {
        log_limited(LOG_MESSAGES, compute__peer_name(compute, &job->peer),
                    "%s sent something that is no message; ignored",
                    compute__peer_name(compute, &job->peer));
        return;
    }
    if (!sotto_key_equal(&route.sender, &job->peer)) { /* an old invitation, say */
        log_limited(LOG_MESSAGES, compute__peer_name(compute, &job->peer),
                    "%s brought a message of %s; ignored", compute__peer_name(compute, &job->peer),
                    compute__peer_name(compute, &route.sender));
        return;
    }
    if (route.is_listing) {
        browse_receive(compute, &route, &job->bytes);
        return;
    }
    if (route.is_browse) {
        listing_tell(compute, &route, &job->bytes);
        return;
    }
    if (route.to_aggregator) {
        struct created *created = find_created(compute, &route.task);
        if (created != NULL) { /* else a straggler of a task that has ended */
            created_receive(compute, created, &job->peer, &job->bytes);
        }
        return;
    }
    struct joined *joined = find_joined(compute, &route);
    if (joined != NULL) {
        joined_receive(compute, joined, &job->bytes);
    } else if (route.is_invitation) {
        joined_invited(compute, &route, &job->bytes);
    }
}

static void take_config(struct compute *compute, struct job *job)
{
    compute__follow(compute, job->config);
    job->config = NULL;
    if (job->request != 0) {
        compute__reply(compute, job->request, HTTP_OK,
                       sotto_text_copy((const char *)job->bytes.data, job->bytes.data_bytes));
    }
}

/* Once a day the store forgets what others asked, and what was answered, a quarter of a year ago,
 * and the ledger what is older than a year. */
#define HOUSEKEEPING_MS ((uint64_t)24 * 3600 * 1000)
#define LEDGER_KEPT_MS ((int64_t)365 * 24 * 3600 * 1000)
#define KEPT_DAYS 90
#define KEPT_MS ((int64_t)KEPT_DAYS * 24 * 3600 * 1000)

static void keep_house(struct compute *compute)
{
    struct sotto_error err = {0};
    if (clock_ms() < compute->housekeeping_ms) {
        return;
    }
    compute->housekeeping_ms = clock_ms() + HOUSEKEEPING_MS;
    int64_t now_ms = clock_unix_ms();
    if (store_prune(compute->config.store, now_ms - KEPT_MS, &err) != SOTTO_OK) {
        log_warning("%s", err.text);
    }
    if (sotto_ledger_prune(compute->config.ledger, now_ms - LEDGER_KEPT_MS, now_ms, &err) !=
        SOTTO_OK) {
        log_warning("%s", err.text);
    }
}

#define REST_SECONDS 10

/* Looks after each step whether the node has been without a task for so long that it is at rest. */
static void consider_rest(struct compute *compute, bool had_job)
{
    bool has_tasks = compute->first_created != NULL || compute->first_joined != NULL;
    if (has_tasks || (had_job && compute->rest_ms == UINT64_MAX)) {
        compute->rest_ms = clock_ms() + (uint64_t)REST_SECONDS * 1000;
    } else if (clock_ms() >= compute->rest_ms) {
        compute->rest_ms = UINT64_MAX;
        store_rest(compute->config.store);
#ifdef __GLIBC__
        (void)malloc_trim(0); /* pages between blocks that are in use, which free keeps */
#endif
    }
}

static void take_job(struct compute *compute, struct job *job)
{
    switch (job->kind) {
    case JOB_CREATE:
        created_create(compute, job);
        break;
    case JOB_CANCEL:
        created_cancel(compute, job);
        break;
    case JOB_RECEIPT:
        created_receipt(compute, job);
        break;
    case JOB_COLUMNS:
        columns_tell(compute, job);
        break;
    case JOB_CHECK:
        check_plan(compute, job);
        break;
    case JOB_WORDS:
        check_words(compute, job);
        break;
    case JOB_RULES:
        check_asked(compute, job);
        break;
    case JOB_IN_FORCE:
        owner_policy(compute, job);
        break;
    case JOB_LEDGER:
        owner_ledger(compute, job);
        break;
    case JOB_BROWSE:
        browse_begin(compute, job);
        break;
    case JOB_MESSAGE:
        take_message(compute, job);
        break;
    case JOB_DECIDE:
        joined_decide(compute, job);
        break;
    case JOB_AWAY:
        for (struct created *created = compute->first_created; created != NULL;
             created = created->next) {
            created_away(compute, created, &job->peer);
        }
        break;
    case JOB_RETURNED:
        for (struct created *created = compute->first_created; created != NULL;
             created = created->next) {
            created_returned(compute, created, &job->peer);
        }
        break;
    case JOB_OFFER_CODE:
        code_offer(compute, job);
        break;
    case JOB_DECIDE_CODE:
        code_decide(compute, job);
        break;
    case JOB_CONFIG:
        take_config(compute, job);
        break;
    default:
        break;
    }
}

static uint64_t find_deadline(const struct compute *compute)
{
    uint64_t deadline_ms = browse_deadline(compute);
    deadline_ms = sourced_deadline() < deadline_ms ? sourced_deadline() : deadline_ms;
    deadline_ms = compute->rest_ms < deadline_ms ? compute->rest_ms : deadline_ms;
    for (const struct created *created = compute->first_created; created != NULL;
         created = created->next) {
        deadline_ms = created->deadline_ms < deadline_ms ? created->deadline_ms : deadline_ms;
        deadline_ms = created->notice_ms < deadline_ms ? created->notice_ms : deadline_ms;
        deadline_ms = created->lines_ms < deadline_ms ? created->lines_ms : deadline_ms;
    }
    for (const struct joined *joined = compute->first_joined; joined != NULL;
         joined = joined->next) {
        deadline_ms = joined->deadline_ms < deadline_ms ? joined->deadline_ms : deadline_ms;
        uint64_t runner_ms = learning_deadline(joined);
        deadline_ms = runner_ms < deadline_ms ? runner_ms : deadline_ms;
    }
    return deadline_ms;
}

static void tick_tasks(struct compute *compute)
{
    uint64_t now_ms = clock_ms();
    for (struct created *created = compute->first_created; created != NULL;
         created = created->next) {
        if (created->notice_ms <= now_ms) {
            created->notice_ms = UINT64_MAX;
            created_notice(compute, created);
        }
        if (created->deadline_ms <= now_ms) {
            created->deadline_ms = UINT64_MAX;
            created_tick(compute, created);
        }
        if (created->lines_ms <= now_ms) {
            lines_write(compute, created);
        }
    }
    for (struct joined *joined = compute->first_joined; joined != NULL; joined = joined->next) {
        if (joined->deadline_ms <= now_ms) {
            joined->deadline_ms = UINT64_MAX;
            joined_tick(compute, joined);
        }
        joined_step(compute, joined);
    }
}

/* Frees the tasks that have ended, or all of them. */
static void free_tasks(struct compute *compute, bool all)
{
    for (struct created **at = &compute->first_created; *at != NULL;) {
        struct created *created = *at;
        if (all || created->has_ended) {
            *at = created->next;
            lines_write(compute, created); /* of one whose end is not in the store */
            created_free(created);
            compute->created_len--;
        } else {
            at = &created->next;
        }
    }
    for (struct joined **at = &compute->first_joined; *at != NULL;) {
        struct joined *joined = *at;
        if (all || joined->has_ended) {
            *at = joined->next;
            joined_free(joined);
            compute->joined_len--;
        } else {
            at = &joined->next;
        }
    }
}

static void *compute_main(void *context)
{
    struct compute *compute = context;
    /* Both sides of a task that was created here check what the other one checked, or made. */
    sotto_signatures_remember();
    resumed_start(compute);
    publish_allowances(compute);
    for (;;) {
        /* A thread that stops only empties the queue. */
        struct job *job = atomic_load(&compute->is_stopping)
                              ? queue_pop(compute->config.jobs)
                              : queue_wait(compute->config.jobs, find_deadline(compute));
        bool is_stop = atomic_load(&compute->is_stopping);
        if (job != NULL && !is_stop) {
            if (job->kind != JOB_MESSAGE) {
                lines_write_all(compute); /* reading rows may take long */
            }
            take_job(compute, job);
        }
        bool had_job = job != NULL;
        if (had_job) {
            config_drop(job->config);
        }
        job_free(job);
        if (is_stop && !had_job) {
            break;
        }
        if (!is_stop) {
            tick_tasks(compute);
            browse_tick(compute, false);
            free_tasks(compute, false);
            sourced_tick();
            publish_allowances(compute);
            keep_house(compute);
            consider_rest(compute, had_job);
        }
    }
    lines_write_all(compute);
    free_tasks(compute, true);
    browse_tick(compute, true);
    sourced_wake();
    listing_release(compute);
    sotto_signatures_forget();
    return NULL;
}

/* --- Start and stop --- */

/* Signals are the loop thread's: the new thread blocks them all. */
static enum sotto_status start_thread(struct compute *compute, struct sotto_error *err)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&compute->thread, NULL, compute_main, compute);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code == 0 ? SOTTO_OK
                     : sotto_error_set(err, SOTTO_ERROR_IO, "no thread: %s", strerror(code));
}

static void free_compute(struct compute *compute)
{
    if (compute != NULL) {
        config_drop(compute->reloaded);
        sotto_free(compute->peers);
        sotto_free(compute->known);
        sotto_free(compute->bytes_of_peers);
        sotto_free(compute->listings_told);
        sotto_free(compute);
    }
}

enum sotto_status compute_start(struct compute **out, const struct compute_config *config,
                                struct sotto_error *err)
{
    struct compute *compute = sotto_alloc_zeroed(sizeof *compute);
    if (compute == NULL) {
        return sotto_error_no_memory(err);
    }
    compute->config = *config;
    compute->policy = config->config;
    compute->key = sotto_identity_key(config->identity);
    enum sotto_status status = compute__list_peers(compute, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = start_thread(compute, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    *out = compute;
    compute = NULL;
out:
    free_compute(compute);
    return status;
}

void compute_stop(struct compute *compute)
{
    if (compute == NULL) {
        return;
    }
    struct job *stop = job_new(JOB_STOP);
    SOTTO_REQUIRE(stop != NULL);
    atomic_store(&compute->is_stopping, true);
    sotto_interrupt_set(&compute->interrupt);
    queue_push(compute->config.jobs, stop);
    (void)pthread_join(compute->thread, NULL);
    free_compute(compute);
}
