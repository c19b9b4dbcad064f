/* SPDX-License-Identifier: Apache-2.0 */

/* Sources of randomness: the system's, by libsodium, and a stream from a seed for tests and trials,
 * which gives the same bytes on every machine (ChaCha20, each draw under its own nonce). */

#include <sotto/random.h>

#include <sodium.h>
#include <sotto/bytes.h>
#include <string.h>

static enum sotto_status fill_from_system(void *context, uint8_t *out, size_t out_bytes)
{
    (void)context;
    randombytes_buf(out, out_bytes);
    return SOTTO_OK;
}

struct sotto_random sotto_random_system(void)
{
    return (struct sotto_random){.fill = fill_from_system};
}

static enum sotto_status fill_from_stream(void *context, uint8_t *out, size_t out_bytes)
{
    struct sotto_random_stream *stream = context;
    uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    sotto_store_u64(nonce, stream->counter++);
    crypto_stream_chacha20(out, out_bytes, nonce, stream->seed);
    return SOTTO_OK;
}

struct sotto_random sotto_random_seeded(struct sotto_random_stream *stream, uint64_t seed,
                                        uint64_t label)
{
    *stream = (struct sotto_random_stream){0};
    sotto_store_u64(stream->seed, seed);
    sotto_store_u64(stream->seed + 8, label);
    return (struct sotto_random){.fill = fill_from_stream, .context = stream};
}
