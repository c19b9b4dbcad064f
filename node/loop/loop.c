/* SPDX-License-Identifier: Apache-2.0 */

/* The event loop on epoll. Each turn asks the hooks how long to wait, waits, calls who is ready,
 * then the timers that are due. The idea: a source that is removed is only marked, and freed at the
 * end of the turn, because an event of this very turn may still point to it. */

#include "loop/loop.h"

#include "loop/log.h"
#include <errno.h>
#include <limits.h>
#include <sotto/alloc.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_LEN 64

struct loop_source {
    struct loop_source *next_removed;
    int fd;
    loop_ready *ready; /* NULL: removed, freed at the end of the turn */
    void *context;
};

struct loop {
    int epoll_fd;
    bool is_stopped;
    struct loop_source *removed;
    struct loop_timer *timers;
    struct {
        loop_hook *before_wait;
        void *context;
    } hooks[LOOP_HOOKS_MAX];
    size_t hooks_len;
};

enum sotto_status loop_new(struct loop **out, struct sotto_error *err)
{
    struct loop *loop = sotto_alloc_zeroed(sizeof *loop);
    if (loop == NULL) {
        return sotto_error_no_memory(err);
    }
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0) {
        sotto_free(loop);
        return sotto_error_set(err, SOTTO_ERROR_IO, "epoll: %s", strerror(errno));
    }
    *out = loop;
    return SOTTO_OK;
}

static void free_removed(struct loop *loop)
{
    while (loop->removed != NULL) {
        struct loop_source *source = loop->removed;
        loop->removed = source->next_removed;
        sotto_free(source);
    }
}

void loop_free(struct loop *loop)
{
    if (loop != NULL) {
        free_removed(loop);
        (void)close(loop->epoll_fd);
        sotto_free(loop);
    }
}

enum sotto_status loop_add(struct loop *loop, struct loop_source **out, int fd, uint32_t events,
                           loop_ready *ready, void *context, struct sotto_error *err)
{
    struct loop_source *source = sotto_alloc_zeroed(sizeof *source);
    if (source == NULL) {
        return sotto_error_no_memory(err);
    }
    *source = (struct loop_source){.fd = fd, .ready = ready, .context = context};
    struct epoll_event event = {.events = events, .data.ptr = source};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        sotto_free(source);
        return sotto_error_set(err, SOTTO_ERROR_IO, "epoll: %s", strerror(errno));
    }
    *out = source;
    return SOTTO_OK;
}

void loop_change(struct loop *loop, struct loop_source *source, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = source};
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event);
}

void loop_remove(struct loop *loop, struct loop_source *source)
{
    if (source != NULL) {
        (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
        source->ready = NULL; /* an event of this turn may still point here */
        source->next_removed = loop->removed;
        loop->removed = source;
    }
}

void loop_timer_add(struct loop *loop, struct loop_timer *timer, void (*fire)(void *context),
                    void *context)
{
    *timer = (struct loop_timer){
        .next = loop->timers,
        .deadline_ms = UINT64_MAX,
        .fire = fire,
        .context = context,
    };
    loop->timers = timer;
}

void loop_timer_set(struct loop_timer *timer, uint64_t deadline_ms)
{
    timer->deadline_ms = deadline_ms;
}

void loop_timer_remove(struct loop *loop, struct loop_timer *timer)
{
    struct loop_timer **at = &loop->timers;
    while (*at != NULL && *at != timer) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = timer->next;
    }
}

void loop_add_hook(struct loop *loop, loop_hook *before_wait, void *context)
{
    SOTTO_REQUIRE(loop->hooks_len < LOOP_HOOKS_MAX);
    loop->hooks[loop->hooks_len].before_wait = before_wait;
    loop->hooks[loop->hooks_len].context = context;
    loop->hooks_len++;
}

static void fire_timers(struct loop *loop)
{
    uint64_t now_ms = clock_ms();
    for (struct loop_timer *timer = loop->timers; timer != NULL;) {
        struct loop_timer *next = timer->next; /* a timer may remove itself, no other */
        if (timer->deadline_ms <= now_ms) {
            timer->deadline_ms = UINT64_MAX;
            timer->fire(timer->context);
        }
        timer = next;
    }
}

/* How long until the next timer is due; -1: none is armed. */
static int find_timers_wait(const struct loop *loop)
{
    uint64_t deadline_ms = UINT64_MAX;
    for (const struct loop_timer *timer = loop->timers; timer != NULL; timer = timer->next) {
        deadline_ms = timer->deadline_ms < deadline_ms ? timer->deadline_ms : deadline_ms;
    }
    if (deadline_ms == UINT64_MAX) {
        return -1;
    }
    uint64_t now_ms = clock_ms();
    uint64_t left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
    return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

/* The shorter one of two waits, -1 being for ever. */
static int choose_shorter(int a_ms, int b_ms)
{
    return a_ms < 0 ? b_ms : b_ms < 0 || a_ms < b_ms ? a_ms : b_ms;
}

void loop_run(struct loop *loop)
{
    struct epoll_event events[EVENTS_LEN];
    while (!loop->is_stopped) {
        int wait_ms = -1;
        for (size_t i = 0; i < loop->hooks_len; i++) {
            wait_ms = choose_shorter(wait_ms, loop->hooks[i].before_wait(loop->hooks[i].context));
        }
        wait_ms = choose_shorter(wait_ms, find_timers_wait(loop)); /* hooks may have armed timers */
        int len = epoll_wait(loop->epoll_fd, events, EVENTS_LEN, wait_ms);
        if (len < 0 && errno != EINTR) {
            log_warning("epoll: %s", strerror(errno));
            break;
        }
        for (int i = 0; i < len; i++) {
            struct loop_source *source = events[i].data.ptr;
            if (source->ready != NULL) {
                source->ready(source->context, events[i].events);
            }
        }
        fire_timers(loop);
        free_removed(loop);
    }
}

void loop_stop(struct loop *loop)
{
    loop->is_stopped = true;
}
