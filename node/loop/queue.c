/* SPDX-License-Identifier: Apache-2.0 */

/* A queue of jobs for one reader, which waits on a condition (the compute thread) or polls an
 * eventfd (the loop thread). Leans on pthreads; queue.h says what passes through it, and why two
 * queues are all that the threads share. The idea: pushing takes a lock for as long as a pointer is
 * set, and never waits for the reader; whose job is next depends on who sends, not on how much. */

#include "loop/queue.h"

#include <errno.h>
#include <sotto/alloc.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct job *job_new(enum job_kind kind)
{
    struct job *job = sotto_alloc_zeroed(sizeof *job);
    if (job != NULL) {
        job->kind = kind;
    }
    return job;
}

void job_free(struct job *job)
{
    if (job != NULL) {
        sotto_buffer_release(&job->bytes);
        sotto_free(job->away);
        sotto_free(job);
    }
}

enum sotto_status queue_init(struct queue *queue, size_t lanes_len, bool polled,
                             struct sotto_error *err)
{
    pthread_condattr_t attributes;
    struct lane *lanes = sotto_alloc_zeroed(lanes_len * sizeof *lanes);
    if (lanes == NULL) {
        return sotto_error_no_memory(err);
    }
    *queue = (struct queue){.lanes = lanes, .lanes_len = lanes_len, .event_fd = -1};
    for (size_t i = 0; i < lanes_len; i++) {
        lanes[i].tail = &lanes[i].head;
    }
    if (polled) {
        queue->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (queue->event_fd < 0) {
            sotto_free(lanes);
            return sotto_error_set(err, SOTTO_ERROR_IO, "eventfd: %s", strerror(errno));
        }
    }
    (void)pthread_mutex_init(&queue->mutex, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&queue->arrived, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return SOTTO_OK;
}

void queue_release(struct queue *queue)
{
    struct job *job;
    while ((job = queue_pop(queue)) != NULL) {
        job_free(job);
    }
    if (queue->event_fd >= 0) {
        (void)close(queue->event_fd);
    }
    sotto_free(queue->lanes);
    (void)pthread_cond_destroy(&queue->arrived);
    (void)pthread_mutex_destroy(&queue->mutex);
}

void queue_push(struct queue *queue, struct job *job)
{
    SOTTO_REQUIRE(job->lane < queue->lanes_len);
    struct lane *lane = &queue->lanes[job->lane];
    job->next = NULL;
    (void)pthread_mutex_lock(&queue->mutex);
    *lane->tail = job;
    lane->tail = &job->next;
    lane->bytes += sizeof *job + job->bytes.data_bytes;
    bool was_empty = queue->jobs_len++ == 0;
    (void)pthread_mutex_unlock(&queue->mutex);
    if (!was_empty) {
        return; /* whoever pushed the first one wakes the reader, which takes all there is */
    }
    (void)pthread_cond_signal(&queue->arrived);
    if (queue->event_fd >= 0) {
        uint64_t one = 1;
        ssize_t written = write(queue->event_fd, &one, sizeof one);
        (void)written; /* fails only when it is readable already */
    }
}

/* The lane whose turn it is: the own one after each of the others, those in a circle. Returns: NULL
 * if all are empty. */
static struct lane *choose_lane(struct queue *queue)
{
    if (queue->own_is_next && queue->lanes[LANE_OWN].head != NULL) {
        queue->own_is_next = false;
        return &queue->lanes[LANE_OWN];
    }
    for (size_t i = 1; i < queue->lanes_len; i++) {
        size_t at = 1 + (queue->last_lane + i - 1) % (queue->lanes_len - 1);
        if (queue->lanes[at].head != NULL) {
            queue->last_lane = at;
            queue->own_is_next = true;
            return &queue->lanes[at];
        }
    }
    return queue->lanes[LANE_OWN].head != NULL ? &queue->lanes[LANE_OWN] : NULL;
}

/* Takes the next job off. The caller holds the mutex. */
static struct job *pop_locked(struct queue *queue)
{
    struct lane *lane = choose_lane(queue);
    if (lane == NULL) {
        return NULL;
    }
    struct job *job = lane->head;
    lane->head = job->next;
    lane->bytes -= sizeof *job + job->bytes.data_bytes;
    queue->jobs_len--;
    if (lane->head == NULL) {
        lane->tail = &lane->head;
    }
    return job;
}

struct job *queue_pop(struct queue *queue)
{
    (void)pthread_mutex_lock(&queue->mutex);
    struct job *job = pop_locked(queue);
    (void)pthread_mutex_unlock(&queue->mutex);
    return job;
}

struct job *queue_wait(struct queue *queue, uint64_t deadline_ms)
{
    struct timespec until = {
        .tv_sec = (time_t)(deadline_ms / 1000),
        .tv_nsec = (long)(deadline_ms % 1000) * 1000000,
    };
    int code = 0;
    (void)pthread_mutex_lock(&queue->mutex);
    while (queue->jobs_len == 0 && code != ETIMEDOUT) {
        code = deadline_ms == UINT64_MAX
                   ? pthread_cond_wait(&queue->arrived, &queue->mutex)
                   : pthread_cond_timedwait(&queue->arrived, &queue->mutex, &until);
    }
    struct job *job = pop_locked(queue);
    (void)pthread_mutex_unlock(&queue->mutex);
    return job;
}

void queue_clear_lane(struct queue *queue, size_t lane)
{
    struct lane *cleared = &queue->lanes[lane];
    (void)pthread_mutex_lock(&queue->mutex);
    struct job *job = cleared->head;
    *cleared = (struct lane){.tail = &cleared->head};
    for (const struct job *at = job; at != NULL; at = at->next) {
        queue->jobs_len--;
    }
    (void)pthread_mutex_unlock(&queue->mutex);
    while (job != NULL) {
        struct job *next = job->next;
        job_free(job);
        job = next;
    }
}

size_t queue_lane_bytes(struct queue *queue, size_t lane)
{
    (void)pthread_mutex_lock(&queue->mutex);
    size_t bytes = queue->lanes[lane].bytes;
    (void)pthread_mutex_unlock(&queue->mutex);
    return bytes;
}
