/* SPDX-License-Identifier: Apache-2.0 */
/* Parts from workers: what is taken is merged to the same bytes again, and a plan's first round
 * goes on with it or refuses it. */
#include <sotto/alloc.h>
#include <sotto/part.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The corpus has its parts. */
static const char plan[] =
    "{\"version\": 1, \"name\": \"f\", \"type\": \"analytics\", \"datasets\": {\"x\": \"1.csv\"}, "
    "\"select\": {\"m\": \"mean(x)\", \"v\": \"var(d)\", \"q\": \"median(d)\"}, "
    "\"group_by\": [{\"column\": \"`g`\", \"levels\": [\"a\", \"b\"], \"other\": true}], "
    "\"strategy\": {\"min_clients\": 3, \"wait_timeout\": 60, \"connection_timeout\": 60}}";

static void merge_again(const struct sotto_buffer *merged)
{
    const struct sotto_part_bytes part = {
        .data = merged->data, .data_bytes = merged->data_bytes, .name = "merged"};
    struct sotto_buffer again;
    SOTTO_REQUIRE(sotto_part_merge(&again, &part, 1, NULL, NULL) == SOTTO_OK);
    SOTTO_REQUIRE(again.data_bytes == merged->data_bytes &&
                  memcmp(again.data, merged->data, again.data_bytes) == 0);
    sotto_buffer_release(&again);
}

static void advance(const struct sotto_part_bytes *part)
{
    struct sotto_round *round = NULL;
    struct sotto_error err;
    char *text = NULL;
    SOTTO_REQUIRE(sotto_round_new(&round, plan, sizeof plan - 1, NULL) == SOTTO_OK);
    if (sotto_round_advance(round, part, &err) == SOTTO_OK) {
        SOTTO_REQUIRE(sotto_round_write(round, &text, NULL) == SOTTO_OK);
    }
    sotto_free(text);
    sotto_round_free(round);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sotto_part_bytes part = {.data = data, .data_bytes = size, .name = "part"};
    struct sotto_buffer merged;
    struct sotto_error err;
    advance(&part);
    if (sotto_part_merge(&merged, &part, 1, NULL, &err) == SOTTO_OK) {
        merge_again(&merged);
        sotto_buffer_release(&merged);
    }
    return 0;
}
