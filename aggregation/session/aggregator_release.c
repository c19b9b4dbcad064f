/* SPDX-License-Identifier: Apache-2.0 */

/* A session that can't be finished is given up, so that its members may join another one
 * [PROTOCOL.md, Steps, losses, restarts]. Leans on release.c for what is signed.
 *
 * The idea: the members believe signatures of each other, not the aggregator. It asks all that are
 * there, those too whose masked input never came, and hands what they sign to those who go on. */

#include "message/release.h"
#include "session/session_aggregator.h"

#include <stdio.h>
#include <string.h>

static uint32_t count_released(const struct sotto_session_aggregator *aggregator)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < parties_len(aggregator); i++) {
        count += aggregator->members[i].released;
    }
    return count;
}

static uint32_t count_asked(const struct sotto_session_aggregator *aggregator)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < parties_len(aggregator); i++) {
        count += sotto__aggregator_asks(aggregator, i) && !aggregator->members[i].released;
    }
    return count;
}

/* Adds to why the session failed why nobody can begin anew. */
static void fail_to_withdraw(struct sotto_session_aggregator *aggregator, uint32_t found,
                             uint32_t needed)
{
    size_t used = strlen(aggregator->failure.text);
    (void)snprintf(aggregator->failure.text + used, sizeof aggregator->failure.text - used,
                   "; to start again %u of %u parties must give this attempt up, and %u can",
                   needed, parties_len(aggregator), found);
    aggregator->phase = SOTTO_AGGREGATOR_FAILED;
}

void sotto__aggregator_advance_withdrawing(struct sotto_session_aggregator *aggregator,
                                           bool expired)
{
    uint32_t n = parties_len(aggregator);
    uint32_t needed = sotto_session_releases(n, aggregator->roster.demands.colluders);
    uint32_t released = count_released(aggregator);
    uint32_t awaited = expired ? 0 : count_asked(aggregator);
    if (released + awaited < needed) {
        fail_to_withdraw(aggregator, released + awaited, needed);
    } else if (awaited == 0) {
        aggregator->phase = SOTTO_AGGREGATOR_WITHDRAWN;
    }
}

enum sotto_status sotto_session_aggregator_withdraw(struct sotto_session_aggregator *aggregator)
{
    uint8_t asked[(SOTTO_SESSION_PARTIES_MAX + 7) / 8] = {0};
    uint32_t n = parties_len(aggregator);
    SOTTO_REQUIRE(aggregator->phase == SOTTO_AGGREGATOR_FAILED &&
                  aggregator->step == SOTTO_AGGREGATOR_MASKING);
    aggregator->phase = aggregator->step = SOTTO_AGGREGATOR_WITHDRAWING;
    if (!sotto_graph_is_complete(&aggregator->roster.graph, n)) {
        fail_to_withdraw(aggregator, 0, n);
        return SOTTO_OK;
    }
    sotto__aggregator_advance_withdrawing(aggregator, false);
    if (aggregator->phase != SOTTO_AGGREGATOR_WITHDRAWING) {
        return SOTTO_OK;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (sotto__aggregator_asks(aggregator, i)) {
            bitmap_set(asked, i);
        }
    }
    return sotto__aggregator_send_withdraw(aggregator, asked);
}

enum sotto_status
sotto_session_aggregator_releases(const struct sotto_session_aggregator *aggregator,
                                  struct sotto_buffer *out)
{
    struct sotto_writer writer;
    SOTTO_REQUIRE(aggregator->phase == SOTTO_AGGREGATOR_WITHDRAWN);
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_write_u32(&writer, count_released(aggregator));
    for (uint32_t i = 0; i < parties_len(aggregator); i++) {
        const struct member *member = &aggregator->members[i];
        if (member->released) {
            sotto_write_u32(&writer, i);
            sotto_write_bytes(&writer, member->release.bytes, sizeof member->release.bytes);
        }
    }
    enum sotto_status status = sotto_writer_status(&writer);
    if (status == SOTTO_OK) {
        *out = (struct sotto_buffer){0};
        out->data = sotto_writer_take(&writer, &out->data_bytes);
    }
    sotto_writer_release(&writer);
    return status;
}
