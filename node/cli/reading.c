/* SPDX-License-Identifier: Apache-2.0 */

/* A thread that says how far the reading of files is. It only reads the counters of the files, ten
 * times a second; nothing waits for it but reading_end. */

#include "cli/reading.h"

#include <errno.h>
#include <pthread.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define SHOWN_AFTER_MS 1000
#define SHOWN_EVERY_MS 100

struct reading {
    struct sotto_csv *const *files;
    size_t files_len;
    unsigned times;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool is_over;
};

static struct timespec add_ms(struct timespec time, long ms)
{
    time.tv_nsec += ms % 1000 * 1000000;
    time.tv_sec += ms / 1000 + time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static void show_part(const struct reading *reading, double seconds)
{
    uint64_t done = 0;
    uint64_t size = 0;
    for (size_t i = 0; i < reading->files_len; i++) {
        const struct sotto_csv *file = reading->files[i];
        done += file != NULL ? sotto_csv_bytes_read(file) : 0;
        size += file != NULL ? sotto_csv_bytes(file) : 0;
    }
    double part = size > 0 ? (double)done / ((double)size * reading->times) : 0;
    (void)fprintf(stderr, "\rreading %2.0f %%, %.1f GB/s ", part < 0.99 ? part * 100 : 99,
                  (double)done * 1e-9 / seconds);
    (void)fflush(stderr);
}

static void *show_until_end(void *context)
{
    struct reading *reading = context;
    struct timespec start;
    bool shown = false;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    struct timespec next = add_ms(start, SHOWN_AFTER_MS);
    (void)pthread_mutex_lock(&reading->lock);
    while (!reading->is_over) {
        if (pthread_cond_timedwait(&reading->ended, &reading->lock, &next) == ETIMEDOUT) {
            double seconds = (double)(next.tv_sec - start.tv_sec) +
                             (double)(next.tv_nsec - start.tv_nsec) * 1e-9;
            show_part(reading, seconds);
            shown = true;
            next = add_ms(next, SHOWN_EVERY_MS);
        }
    }
    (void)pthread_mutex_unlock(&reading->lock);
    if (shown) {
        (void)fputs("\r\033[K", stderr);
    }
    return NULL;
}

struct reading *reading_show(struct sotto_csv *const *files, size_t files_len, unsigned times)
{
    struct reading *reading = isatty(STDERR_FILENO) ? sotto_alloc_zeroed(sizeof *reading) : NULL;
    pthread_condattr_t monotonic;
    if (reading == NULL) {
        return NULL;
    }
    reading->files = files;
    reading->files_len = files_len;
    reading->times = times;
    (void)pthread_mutex_init(&reading->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&reading->ended, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    if (pthread_create(&reading->thread, NULL, show_until_end, reading) != 0) {
        (void)pthread_cond_destroy(&reading->ended);
        (void)pthread_mutex_destroy(&reading->lock);
        sotto_free(reading);
        return NULL;
    }
    return reading;
}

void reading_end(struct reading *reading)
{
    if (reading == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&reading->lock);
    reading->is_over = true;
    (void)pthread_cond_signal(&reading->ended);
    (void)pthread_mutex_unlock(&reading->lock);
    (void)pthread_join(reading->thread, NULL);
    (void)pthread_cond_destroy(&reading->ended);
    (void)pthread_mutex_destroy(&reading->lock);
    sotto_free(reading);
}
