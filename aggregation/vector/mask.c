/* SPDX-License-Identifier: Apache-2.0 */

/* Keystreams added to vectors. Leans on keystream.c and on the kernels.
 *
 * The idea: a keystream is as long as the vector, and there may be a thousand of them, so none is
 * ever whole in memory. Chunks of 16 KiB are made and added while they are in the nearest caches:
 * all keys over one chunk before the next, chunks on all threads. Where the vector is short and
 * keys are many, threads take keys instead, and their sums are added in the end; sums modulo powers
 * of two don't depend on the order.
 *
 * CT: in keys and vector. Lengths, signs and the number of keys are public: the roster and the
 * survivors say them. */

#include "vector/vector.h"

#include <omp.h>
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

/* The 32-bit block counter must not wrap (keystream.c, step 3). */
_Static_assert(SOTTO_VECTOR_BYTES_MAX / 16 < UINT32_MAX, "a vector must fit one counter");
_Static_assert(SOTTO_ELEMENT_BYTES_MAX + 16 <= SOTTO__KEYSTREAM_BYTES_MAX,
               "an element must fit a chunk");

/* Some elements of one run, at a byte offset of the vector. Chunks share no byte, so threads that
 * have different ones never write to the same place. */
struct mask_chunk {
    size_t offset;
    uint32_t element_bytes;
    uint32_t elements_len;
};

/* How many elements of a run go into a chunk, with room for starting at a whole cipher block. */
static size_t chunk_capacity(size_t element_bytes)
{
    return (SOTTO__KEYSTREAM_BYTES_MAX - 16) / element_bytes;
}

static size_t count_chunks(const struct sotto_vector_run *runs, size_t runs_len)
{
    size_t chunks = 0;
    for (size_t k = 0; k < runs_len; k++) {
        size_t capacity = chunk_capacity(runs[k].element_bytes);
        chunks += (runs[k].elements_len + capacity - 1) / capacity;
    }
    return chunks;
}

/* Chunks never go over the end of a run, so that each has elements of one width. */
static void cut_chunks(struct mask_chunk *chunks, const struct sotto_vector_run *runs,
                       size_t runs_len)
{
    size_t offset = 0;
    for (size_t k = 0; k < runs_len; k++) {
        size_t capacity = chunk_capacity(runs[k].element_bytes);
        for (size_t left = runs[k].elements_len; left > 0;) {
            size_t len = left < capacity ? left : capacity;
            *chunks++ = (struct mask_chunk){offset, runs[k].element_bytes, (uint32_t)len};
            offset += len * runs[k].element_bytes;
            left -= len;
        }
    }
}

/* One thread's memory. Its buffers hold keystreams, and sums of them: as secret as keys. */
struct mask_worker {
    const struct sotto__keystream_library *library;
    void *state;
    uint8_t *stream; /* STREAM_BYTES, then LANES lanes; wiped in the end */
    uint64_t *lanes; /* the sum of many streams of 40-bit elements for one chunk */
};

#define STREAM_BYTES (SOTTO__KEYSTREAM_BYTES_MAX + SOTTO__LANES_SLACK)
#define LANES (SOTTO__KEYSTREAM_BYTES_MAX / 5)
#define WORKER_BYTES (STREAM_BYTES + LANES * sizeof(uint64_t))
_Static_assert(STREAM_BYTES % SOTTO_ALIGNMENT == 0, "lanes are aligned");

/* On failure worker_stop is called all the same. */
static enum sotto_status worker_start(struct mask_worker *worker,
                                      const struct sotto__keystream_library *library)
{
    *worker = (struct mask_worker){.library = library, .state = library->start()};
    worker->stream = sotto_alloc_aligned(WORKER_BYTES);
    if (worker->stream != NULL) {
        worker->lanes = (uint64_t *)(void *)(worker->stream + STREAM_BYTES);
    }
    return worker->state != NULL && worker->stream != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

/* The buffer held keystream: who has it and a masked vector has the input. */
static void worker_stop(struct mask_worker *worker)
{
    if (worker->state != NULL) {
        worker->library->stop(worker->state);
    }
    if (worker->stream != NULL) {
        sotto_wipe(worker->stream, WORKER_BYTES);
        sotto_free(worker->stream);
    }
}

/* Makes what a key's stream has for a chunk; *out is where it starts in the worker's buffer.
 * Streams begin at whole cipher blocks, so up to 15 bytes before the chunk are made too, for which
 * chunk_capacity left room. */
static enum sotto_status make_stream(struct mask_worker *worker, const uint8_t **out,
                                     const struct mask_chunk *chunk,
                                     const struct sotto__mask_key *key)
{
    size_t skip = chunk->offset % 16;
    size_t bytes = (size_t)chunk->element_bytes * chunk->elements_len;
    *out = worker->stream + skip;
    return worker->library->make(worker->state, worker->stream, skip + bytes, key->key,
                                 chunk->offset - skip);
}

/* One key over one chunk, in place. */
static enum sotto_status mask_chunk(struct mask_worker *worker, uint8_t *vector,
                                    const struct mask_chunk *chunk,
                                    const struct sotto__mask_key *key)
{
    const uint8_t *stream;
    enum sotto_status status = make_stream(worker, &stream, chunk, key);
    if (status != SOTTO_OK) {
        return status;
    }
    sotto__elements_add(vector + chunk->offset, stream, chunk->element_bytes, chunk->elements_len,
                        key->sign);
    return SOTTO_OK;
}

/* Many keys over elements of 40 bits: streams are spread to lanes of 64 bits, where adding them
 * needs no care for carries, and their sum is packed only once. Lanes are right modulo 2^40, and
 * the high bits fall away in the end (lanes_add_40). */
static enum sotto_status mask_chunk_40(struct mask_worker *worker, uint8_t *vector,
                                       const struct mask_chunk *chunk,
                                       const struct sotto__mask_key *keys, size_t keys_len)
{
    const struct sotto__vector_ops *ops = sotto__vector_ops();
    uint8_t *at = vector + chunk->offset;
    memset(worker->lanes, 0, chunk->elements_len * sizeof *worker->lanes);
    for (size_t k = 0; k < keys_len; k++) {
        const uint8_t *stream;
        enum sotto_status status = make_stream(worker, &stream, chunk, &keys[k]);
        if (status != SOTTO_OK) {
            return status;
        }
        ops->lanes_of_40[keys[k].sign](worker->lanes, stream, chunk->elements_len);
    }
    for (size_t i = 0; i < chunk->elements_len; i++) {
        uint64_t element = 0;
        memcpy(&element, at + 5 * i, 5);
        element += worker->lanes[i];
        memcpy(at + 5 * i, &element, 5);
    }
    return SOTTO_OK;
}

/* So many keys that spreading pays: the chunk is packed once for all of them. */
#define SPREAD_KEYS 4

static enum sotto_status mask_chunk_all(struct mask_worker *worker, uint8_t *vector,
                                        const struct mask_chunk *chunk,
                                        const struct sotto__mask_key *keys, size_t keys_len)
{
    if (chunk->element_bytes == 5 && keys_len >= SPREAD_KEYS) {
        return mask_chunk_40(worker, vector, chunk, keys, keys_len);
    }
    for (size_t k = 0; k < keys_len; k++) {
        enum sotto_status status = mask_chunk(worker, vector, chunk, &keys[k]);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

struct mask_job {
    uint8_t *vector;
    size_t vector_bytes;
    const struct mask_chunk *chunks;
    size_t chunks_len;
    const struct sotto__mask_key *keys;
    size_t keys_len;
    const struct sotto__keystream_library *library;
};

/* Long vectors: each thread takes chunks, and applies all keys to each. */
static enum sotto_status mask_by_chunks(const struct mask_job *job, int threads)
{
    enum sotto_status result = SOTTO_OK;
#pragma omp parallel num_threads(threads)
    {
        struct mask_worker worker;
        enum sotto_status status = worker_start(&worker, job->library);
#pragma omp for schedule(dynamic, 1)
        for (size_t c = 0; c < job->chunks_len; c++) {
            if (status == SOTTO_OK) {
                status =
                    mask_chunk_all(&worker, job->vector, &job->chunks[c], job->keys, job->keys_len);
            }
        }
        worker_stop(&worker);
        if (status != SOTTO_OK) {
#pragma omp atomic write
            result = status;
        }
    }
    return result;
}

/* All chunks of one key's stream. */
static enum sotto_status mask_chunks(struct mask_worker *worker, uint8_t *vector,
                                     const struct mask_job *job, const struct sotto__mask_key *key)
{
    for (size_t c = 0; c < job->chunks_len; c++) {
        enum sotto_status status = mask_chunk(worker, vector, &job->chunks[c], key);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* Short vectors and many keys: each thread sums its keys' streams on its own; the sums are added in
 * the end. Sums modulo powers of two don't depend on the order. */
static enum sotto_status mask_by_keys(const struct mask_job *job,
                                      const struct sotto_vector_run *runs, size_t runs_len,
                                      int threads)
{
    enum sotto_status result = SOTTO_OK;
    size_t stride = (job->vector_bytes + SOTTO_ALIGNMENT - 1) / SOTTO_ALIGNMENT * SOTTO_ALIGNMENT;
    uint8_t *sums = sotto_alloc_aligned(stride * (size_t)threads);
    if (sums == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
#pragma omp parallel num_threads(threads)
    {
        struct mask_worker worker;
        enum sotto_status status = worker_start(&worker, job->library);
        uint8_t *own = sums + stride * (size_t)omp_get_thread_num();
#pragma omp for schedule(static)
        for (size_t k = 0; k < job->keys_len; k++) {
            if (status == SOTTO_OK) { /* a loop on threads can't be left */
                status = mask_chunks(&worker, own, job, &job->keys[k]);
            }
        }
        worker_stop(&worker);
        if (status != SOTTO_OK) {
#pragma omp atomic write
            result = status;
        }
    }
    if (result != SOTTO_OK) {
        goto out;
    }
    for (size_t t = 0; t < (size_t)threads; t++) {
        sotto_vector_add(job->vector, sums + t * stride, runs, runs_len);
    }
out:
    sotto_wipe(sums, stride * (size_t)threads);
    sotto_free(sums);
    return result;
}

/* Below this many bytes of keystream a second thread is not worth waking. */
#define PARALLEL_BYTES ((size_t)4 * 1024 * 1024)

enum sotto_status sotto__mask_apply(uint8_t *vector, const struct sotto_vector_run *runs,
                                    size_t runs_len, const struct sotto__mask_key *keys,
                                    size_t keys_len)
{
    struct mask_job job = {.keys = keys, .keys_len = keys_len};
    job.vector = vector;
    size_t total_bytes;
    SOTTO_REQUIRE(sotto_vector_bytes(&job.vector_bytes, runs, runs_len) == SOTTO_OK);
    if (__builtin_mul_overflow(job.vector_bytes, keys_len, &total_bytes)) {
        total_bytes = SIZE_MAX; /* it only chooses */
    }
    job.library = sotto__keystream_library(total_bytes);
    job.chunks_len = count_chunks(runs, runs_len);
    struct mask_chunk *chunks = sotto_alloc_array(job.chunks_len, sizeof *chunks);
    if (chunks == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    cut_chunks(chunks, runs, runs_len);
    job.chunks = chunks;
    int threads = total_bytes >= PARALLEL_BYTES ? omp_get_max_threads() : 1;
    /* With fewer than four chunks for each thread some would have nothing to do; with fewer than
     * four keys for each, summing the threads' vectors would cost as much as it saves. */
    bool by_keys =
        threads > 1 && job.chunks_len < (size_t)threads * 4 && keys_len >= (size_t)threads * 4;
    enum sotto_status status =
        by_keys ? mask_by_keys(&job, runs, runs_len, threads) : mask_by_chunks(&job, threads);
    sotto_free(chunks);
    return status;
}
