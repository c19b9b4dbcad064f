/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_LOOP_H
#define SOTTO_NODE_LOOP_H

/* The event loop of the daemon: epoll, timers, and hooks for libraries that run their own epoll
 * set. One thread; no function here may be called from another. */

#include <sotto/status.h>

struct loop;
struct loop_source;

/* Ownership: *out is ended by loop_free, after all sources were removed. */
enum sotto_status loop_new(struct loop **out, struct sotto_error *err) SOTTO_NODISCARD;
void loop_free(struct loop *loop);

/* Calls ready(context, events) whenever fd has one of events (EPOLLIN, EPOLLOUT). Ownership: fd and
 * context are borrowed; *out is ended by loop_remove. */
typedef void loop_ready(void *context, uint32_t events);
enum sotto_status loop_add(struct loop *loop, struct loop_source **out, int fd, uint32_t events,
                           loop_ready *ready, void *context,
                           struct sotto_error *err) SOTTO_NODISCARD;
/* Waits for other events from now on. */
void loop_change(struct loop *loop, struct loop_source *source, uint32_t events);
/* Once it returned ready is not called any more; call it before fd is closed. NULL is fine. */
void loop_remove(struct loop *loop, struct loop_source *source);

/* A timer in the caller's storage: calls fire(context) once when deadline_ms (of clock_ms) has
 * passed. UINT64_MAX: not armed. */
struct loop_timer {
    struct loop_timer *next;
    uint64_t deadline_ms;
    void (*fire)(void *context);
    void *context;
};
void loop_timer_add(struct loop *loop, struct loop_timer *timer, void (*fire)(void *context),
                    void *context);
/* Arms the timer, in place of an earlier time. */
void loop_timer_set(struct loop_timer *timer, uint64_t deadline_ms);
/* Takes the timer out of the loop; fine for one that is not in it. */
void loop_timer_remove(struct loop *loop, struct loop_timer *timer);

/* Calls before_wait(context) in every turn; it returns how many milliseconds the loop may wait at
 * most (-1: for ever). */
#define LOOP_HOOKS_MAX 4
typedef int loop_hook(void *context);
void loop_add_hook(struct loop *loop, loop_hook *before_wait, void *context);

/* Runs until loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#endif
