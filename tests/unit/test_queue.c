/* SPDX-License-Identifier: Apache-2.0 */
#include "node/loop/queue.h"
#include "test.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#define LANES 4

static void push(struct queue *queue, size_t lane, uint64_t number)
{
    struct job *job = job_new(JOB_MESSAGE);
    assert_non_null(job);
    job->lane = lane;
    job->number = number;
    queue_push(queue, job);
}

/* Takes one job off; gives its lane. */
static size_t pop(struct queue *queue, uint64_t *out_number)
{
    struct job *job = queue_pop(queue);
    assert_non_null(job);
    size_t lane = job->lane;
    *out_number = job->number;
    job_free(job);
    return lane;
}

/* Whoever has many jobs waits for itself: another's, and this node's own, come next. */
static void test_lanes_are_served_in_turns(void **state)
{
    (void)state;
    struct queue queue;
    uint64_t number;
    assert_ok(queue_init(&queue, LANES, false, NULL));
    for (uint64_t i = 0; i < 1000; i++) {
        push(&queue, 1, i);
    }
    assert_int_equal(pop(&queue, &number), 1);
    push(&queue, LANE_OWN, 7);
    push(&queue, LANE_OWN, 8);
    push(&queue, 3, 9);
    static const size_t lanes[] = {LANE_OWN, 3, LANE_OWN, 1, 1};
    for (size_t i = 0; i < sizeof lanes / sizeof lanes[0]; i++) {
        assert_int_equal(pop(&queue, &number), lanes[i]);
    }
    assert_int_equal(number, 2); /* a lane keeps its order */
    size_t one = queue_lane_bytes(&queue, 1) / 997;
    assert_int_equal(queue_lane_bytes(&queue, 1), 997 * one);
    assert_int_equal(queue_lane_bytes(&queue, 2), 0);
    queue_release(&queue);
}

/* Random pushes against the rule: no lane with a job is passed over twice by one other peer. */
static void test_nobody_is_passed_over(void **state)
{
    (void)state;
    struct queue queue;
    struct sotto_random_stream stream;
    struct sotto_random random = sotto_random_seeded(&stream, 3, 1);
    size_t waiting[LANES] = {0};
    size_t passed[LANES][LANES] = {{0}}; /* [a][b]: how often b was served since a began to wait */
    assert_ok(queue_init(&queue, LANES, false, NULL));
    for (int i = 0; i < 20000; i++) {
        uint8_t draw[2];
        uint64_t number;
        assert_ok(random.fill(random.context, draw, sizeof draw));
        size_t lane = draw[1] % LANES;
        if (draw[0] % 2 == 0) {
            push(&queue, lane, 0);
            waiting[lane]++;
        } else if (waiting[0] + waiting[1] + waiting[2] + waiting[3] > 0) {
            size_t served = pop(&queue, &number);
            waiting[served]--;
            for (size_t other = 0; other < LANES; other++) {
                passed[served][other] = 0;
                if (other != served && waiting[other] > 0) {
                    passed[other][served]++;
                    assert_true(served == LANE_OWN || passed[other][served] <= 1);
                }
            }
        }
    }
    queue_release(&queue);
}

/* Jobs of a lane that is cleared are gone, and those of the others come as before. */
static void test_a_lane_is_cleared(void **state)
{
    (void)state;
    struct queue queue;
    uint64_t number;
    assert_ok(queue_init(&queue, LANES, false, NULL));
    for (uint64_t i = 0; i < 5; i++) {
        push(&queue, 1, i);
        push(&queue, 2, i);
    }
    queue_clear_lane(&queue, 1);
    queue_clear_lane(&queue, 3);
    assert_int_equal(queue_lane_bytes(&queue, 1), 0);
    push(&queue, 1, 9);
    uint64_t of_lane[LANES] = {0};
    for (int i = 0; i < 6; i++) {
        of_lane[pop(&queue, &number)] += 1 + number;
    }
    assert_int_equal(of_lane[1], 10);
    assert_int_equal(of_lane[2], 1 + 2 + 3 + 4 + 5);
    assert_null(queue_pop(&queue));
    queue_release(&queue);
}

#define PUSHES ((uint64_t)20000)

static void *push_many(void *context)
{
    for (uint64_t i = 0; i < PUSHES; i++) {
        push(context, 1 + i % (LANES - 1), i);
    }
    return NULL;
}

/* Waits as the loop thread does: it reads the count, then takes all that is there. */
static uint64_t take_polled(struct queue *queue)
{
    struct pollfd ready = {.fd = queue->event_fd, .events = POLLIN};
    uint64_t count;
    uint64_t taken = 0;
    struct job *job;
    assert_int_equal(poll(&ready, 1, -1), 1);
    assert_int_equal(read(queue->event_fd, &count, sizeof count), sizeof count);
    while ((job = queue_pop(queue)) != NULL) {
        job_free(job);
        taken++;
    }
    return taken;
}

/* A reader is woken for every job, whoever pushes meanwhile: else this waits for ever. */
static void take_from_threads(bool polled)
{
    struct queue queue;
    pthread_t threads[3];
    assert_ok(queue_init(&queue, LANES, polled, NULL));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, push_many, &queue), 0);
    }
    for (uint64_t taken = 0; taken < 3 * PUSHES;) {
        if (polled) {
            taken += take_polled(&queue);
            continue;
        }
        struct job *job = queue_wait(&queue, UINT64_MAX);
        assert_non_null(job);
        job_free(job);
        taken++;
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_null(queue_pop(&queue));
    queue_release(&queue);
}

static void test_a_reader_is_woken(void **state)
{
    (void)state;
    take_from_threads(false);
    take_from_threads(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lanes_are_served_in_turns),
        cmocka_unit_test(test_nobody_is_passed_over),
        cmocka_unit_test(test_a_lane_is_cleared),
        cmocka_unit_test(test_a_reader_is_woken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
