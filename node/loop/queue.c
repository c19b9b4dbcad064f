/* SPDX-License-Identifier: Apache-2.0 */

/* A queue of jobs for one reader, which waits on a condition (the compute thread) or polls an
 * eventfd (the loop thread). Leans on pthreads; queue.h says what passes through it, and why two
 * queues are all that the threads share. The idea: pushing takes a lock for as long as a pointer is
 * set, and never waits for the reader. */

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

enum sotto_status queue_init(struct queue *queue, bool polled, struct sotto_error *err)
{
    pthread_condattr_t attributes;
    *queue = (struct queue){.event_fd = -1};
    queue->tail = &queue->head;
    if (polled) {
        queue->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (queue->event_fd < 0) {
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
    (void)pthread_cond_destroy(&queue->arrived);
    (void)pthread_mutex_destroy(&queue->mutex);
}

void queue_push(struct queue *queue, struct job *job)
{
    job->next = NULL;
    (void)pthread_mutex_lock(&queue->mutex);
    *queue->tail = job;
    queue->tail = &job->next;
    queue->bytes += sizeof *job + job->bytes.data_bytes;
    (void)pthread_cond_signal(&queue->arrived);
    (void)pthread_mutex_unlock(&queue->mutex);
    if (queue->event_fd >= 0) {
        uint64_t one = 1;
        ssize_t written = write(queue->event_fd, &one, sizeof one);
        (void)written; /* fails only when it is readable already */
    }
}

/* Takes the first job off. The caller holds the mutex. */
static struct job *pop_locked(struct queue *queue)
{
    struct job *job = queue->head;
    if (job != NULL) {
        queue->head = job->next;
        queue->bytes -= sizeof *job + job->bytes.data_bytes;
        if (queue->head == NULL) {
            queue->tail = &queue->head;
        }
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
    while (queue->head == NULL && code != ETIMEDOUT) {
        code = deadline_ms == UINT64_MAX
                   ? pthread_cond_wait(&queue->arrived, &queue->mutex)
                   : pthread_cond_timedwait(&queue->arrived, &queue->mutex, &until);
    }
    struct job *job = pop_locked(queue);
    (void)pthread_mutex_unlock(&queue->mutex);
    return job;
}

size_t queue_bytes(struct queue *queue)
{
    (void)pthread_mutex_lock(&queue->mutex);
    size_t bytes = queue->bytes;
    (void)pthread_mutex_unlock(&queue->mutex);
    return bytes;
}
