/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts of a creator that lies: an honest one is changed as the input says, and signed again, so
 * that more than its last check is reached. What others signed with it can't have changed, if it
 * still holds.
 *
 * The input is edits of four bytes each: a place (two bytes), what is done there, a byte. */
#include "net.h"
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/receipt.h>
#include <sotto/secret.h>
#include <stdlib.h>
#include <string.h>

#define EDITS_MAX 64

static const char plan[] =
    "{\"version\": 1, \"name\": \"t\", \"type\": \"analytics\", \"datasets\": {\"w\": \"w.csv\"},"
    " \"select\": {\"m\": \"mean(pay)\"}, \"results\": \"participants\","
    " \"strategy\": {\"min_clients\": %u, \"max_clients\": %u, \"wait_timeout\": 7,"
    " \"connection_timeout\": 5}}";

/* The full one of four parties, one of which vanished. The net stays: it has the keys. */
static bool make_honest(struct sotto_buffer *out)
{
    if (sotto_init() != SOTTO_OK || net_begin_plan(net_pays, 4, plan, 3, 4) != SOTTO_OK) {
        return false;
    }
    for (size_t i = 0; i < net.len; i++) {
        net.hosts[i].demands.keeps_transcripts = true;
    }
    net.hosts[3].dies_before = SOTTO_MESSAGE_MASKED;
    net_run();
    return sotto_task_aggregator_receipt(net.aggregator, out, true, NULL) == SOTTO_OK;
}

/* bytes has room for one byte more for each edit. */
static size_t edit(uint8_t *bytes, size_t len, const uint8_t *edits, size_t edits_len)
{
    for (size_t i = 0; i < edits_len && len > 0; i++) {
        const uint8_t *of = edits + 4 * i;
        size_t at = (of[0] | (size_t)of[1] << 8) % len;
        switch (of[2] % 4) {
        case 0:
            bytes[at] ^= of[3];
            break;
        case 1:
            memmove(bytes + at + 1, bytes + at, len++ - at);
            bytes[at] = of[3];
            break;
        case 2:
            memmove(bytes + at, bytes + at + 1, --len - at);
            break;
        default:
            len -= of[3] < len ? of[3] : len;
            break;
        }
    }
    return len;
}

/* What holds is that of the honest task, whoever signed it beside the creator. */
static void check(const uint8_t *bytes, size_t len)
{
    struct sotto_receipt said;
    if (sotto_receipt_verify(&said, bytes, len, net.peers, net.len, NULL) != SOTTO_OK) {
        return;
    }
    bool is_same = strcmp(said.plan_json, net.plan) == 0 &&
                   strcmp(said.result, sotto_task_aggregator_result(net.aggregator)) == 0;
    if (said.confirmed_len > 1 && !is_same) {
        abort();
    }
    sotto_receipt_release(&said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
    static struct sotto_buffer honest;
    size_t edits_len = data_bytes / 4 < EDITS_MAX ? data_bytes / 4 : EDITS_MAX;
    struct sotto_signature signature;
    if (honest.data == NULL && !make_honest(&honest)) {
        abort();
    }
    uint8_t *bytes = malloc(honest.data_bytes + EDITS_MAX);
    if (bytes == NULL) {
        return 0;
    }
    size_t signed_bytes = honest.data_bytes - sizeof signature.bytes;
    memcpy(bytes, honest.data, signed_bytes);
    size_t len = edit(bytes, signed_bytes, data, edits_len);
    sotto_identity_sign(net.hosts[0].identity, &signature, "sotto receipt", bytes, len);
    memcpy(bytes + len, signature.bytes, sizeof signature.bytes);
    check(bytes, len + sizeof signature.bytes);
    check(data, data_bytes); /* as it is, too */
    free(bytes);
    return 0;
}
