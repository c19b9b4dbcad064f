/* SPDX-License-Identifier: Apache-2.0 */
/* Transcripts of an aggregator that lies: that of an honest session is changed as the input says.
 * What a party takes for right gives the honest sum: nothing else was consented to.
 *
 * The input is edits of four bytes each: a place (two bytes), what is done there, a byte. */
#include "test.h"
#include "world.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdlib.h>
#include <string.h>

#define EDITS_MAX 64

/* Four parties that deal, three that live: both kinds of scalars are in it. */
static bool make_world(struct world *world, uint8_t **out_sum)
{
    if (sotto_init() != SOTTO_OK) {
        return false;
    }
    world_make(world, 4, 11);
    world->terms.verifies = true;
    world->parties[3].drop_from = SOTTO_MESSAGE_MASKED;
    size_t bytes = 0;
    if (world_start(world) != SOTTO_OK || world_run(world) != SOTTO_OK ||
        sotto_session_aggregator_phase(world->aggregator) != SOTTO_AGGREGATOR_SUMMED) {
        return false;
    }
    *out_sum = sotto_alloc_aligned(world->vector_bytes);
    return *out_sum != NULL && sotto_session_aggregator_sum(world->aggregator, &bytes) != NULL &&
           bytes == world->vector_bytes;
}

static size_t edit(uint8_t *bytes, size_t len, const uint8_t *edits, size_t edits_len)
{
    for (size_t i = 0; i < edits_len && len > 0; i++) {
        const uint8_t *of = edits + 4 * i;
        size_t at = (of[0] | (size_t)of[1] << 8) % len;
        switch (of[2] % 3) {
        case 0:
            bytes[at] ^= of[3];
            break;
        case 1:
            len -= of[3] < len ? of[3] : len;
            break;
        default: /* a piece is another one's */
            memmove(bytes + at, bytes, of[3] < len - at ? of[3] : len - at);
            break;
        }
    }
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
    static struct world world;
    static uint8_t *sum;
    size_t honest_bytes;
    if (sum == NULL && !make_world(&world, &sum)) {
        abort();
    }
    const struct sotto_buffer *honest = sotto_session_aggregator_transcript(world.aggregator);
    const void *expected = sotto_session_aggregator_sum(world.aggregator, &honest_bytes);
    size_t edits_len = data_bytes / 4 < EDITS_MAX ? data_bytes / 4 : EDITS_MAX;
    uint8_t *bytes = malloc(honest->data_bytes);
    if (bytes == NULL) {
        return 0;
    }
    memcpy(bytes, honest->data, honest->data_bytes);
    size_t len = edit(bytes, honest->data_bytes, data, edits_len);
    struct sotto_dispute dispute;
    enum sotto_status status = sotto_session_party_verify(
        world.parties[0].session, sum, world.vector_bytes, &dispute, bytes, len, NULL);
    if (status == SOTTO_OK && memcmp(sum, expected, honest_bytes) != 0) {
        abort();
    }
    free(bytes);
    return 0;
}
