/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of every message, transcript and receipt, of tasks whose randomness is the same each
 * time, against those of tests/vectors/protocol.txt: what changes there changes the protocol. With
 * SOTTO_VECTORS_OUT the file is written anew (tests/vectors/make_protocol.sh). */
#include "net.h"
#include "test.h"
#include "world.h"

#include "federation/verified.h"
#include <sotto/alloc.h>
#include <sotto/listing.h>
#include <sotto/receipt.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPES_LEN 64

static const struct {
    uint16_t type;
    const char *name;
} types[] = {
    {SOTTO_MESSAGE_INVITATION, "INVITATION"}, {SOTTO_MESSAGE_REOPEN, "REOPEN"},
    {SOTTO_MESSAGE_FINISH, "FINISH"},         {SOTTO_MESSAGE_ROSTER, "ROSTER"},
    {SOTTO_MESSAGE_SHARES, "SHARES"},         {SOTTO_MESSAGE_LIVING, "LIVING"},
    {SOTTO_MESSAGE_UNMASK, "UNMASK"},         {SOTTO_MESSAGE_ROUND, "ROUND"},
    {SOTTO_MESSAGE_WITHDRAW, "WITHDRAW"},     {SOTTO_MESSAGE_OPENED, "OPENED"},
    {SOTTO_MESSAGE_ADVERT, "ADVERT"},         {SOTTO_MESSAGE_DEAL, "DEAL"},
    {SOTTO_MESSAGE_MASKED, "MASKED"},         {SOTTO_MESSAGE_CONSENT, "CONSENT"},
    {SOTTO_MESSAGE_REVEAL, "REVEAL"},         {SOTTO_MESSAGE_LEAVE, "LEAVE"},
    {SOTTO_MESSAGE_RELEASE, "RELEASE"},       {SOTTO_MESSAGE_COMPLAINT, "COMPLAINT"},
    {SOTTO_MESSAGE_CONFIRM, "CONFIRM"},       {SOTTO_MESSAGE_DISPUTE, "DISPUTE"},
    {SOTTO_MESSAGE_RESUME, "RESUME"},         {SOTTO_MESSAGE_RETURN, "RETURN"},
};

static const char told_plan[] =
    "{\"version\": 1, \"name\": \"t\", \"type\": \"analytics\", \"datasets\": {\"w\": \"w.csv\"},"
    " \"select\": {\"v\": \"mean((pay - mean(pay)) ** 2)\"}, \"enable_verify\": false,"
    " \"strategy\": {\"min_clients\": %u, \"max_clients\": %u, \"wait_timeout\": 7,"
    " \"connection_timeout\": 5}}";

/* What is written: lines of "task NAME hex", each message's first one of all tasks. */
static struct sotto_writer made;
static bool is_made[TYPES_LEN];
static const char *task_name;
static bool deals_badly;
static bool changes_opened;

static void write_text(const char *text)
{
    sotto_write_bytes(&made, text, strlen(text));
}

static void write_line(const char *name, const uint8_t *bytes, size_t bytes_len)
{
    char digits[3];
    write_text(task_name);
    write_text(" ");
    write_text(name);
    write_text(" ");
    for (size_t i = 0; i < bytes_len; i++) {
        (void)snprintf(digits, sizeof digits, "%02x", bytes[i]);
        write_text(digits);
    }
    write_text("\n");
}

static bool is_spoiled(uint32_t holder)
{
    return holder < net.len; /* for all */
}

static void change_opened(struct net_letter *letter, const struct sotto_message *message)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto_message_begin(&writer, SOTTO_MESSAGE_OPENED, &message->label, message->session,
                        net.hosts[0].identity);
    sotto_write_bytes(&writer, message->body, message->body_bytes - 1);
    sotto_buffer_release(&letter->bytes);
    assert_ok(sotto_message_finish(&writer, &letter->bytes, net.hosts[0].identity));
}

/* Changes what the task's liar does, and takes the first of each message. */
static void see(struct net_letter *letter)
{
    struct sotto_message message;
    assert_true(sotto_message_parse(&message, letter->bytes.data, letter->bytes.data_bytes));
    if (deals_badly && message.type == SOTTO_MESSAGE_DEAL && message.label.attempt == 1 &&
        sotto_key_equal(&message.sender, &net.peers[1].key)) {
        world_spoil_deal(&letter->bytes, net.hosts[1].identity, (uint32_t)net.len, is_spoiled);
    } else if (changes_opened && message.type == SOTTO_MESSAGE_OPENED) {
        struct sotto_buffer copy;
        struct sotto_message kept;
        assert_ok(sotto_buffer_copy(&copy, letter->bytes.data, letter->bytes.data_bytes));
        assert_true(sotto_message_parse(&kept, copy.data, copy.data_bytes));
        change_opened(letter, &kept);
        sotto_buffer_release(&copy);
    }
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i].type == message.type && !is_made[message.type]) {
            is_made[message.type] = true;
            write_line(types[i].name, letter->bytes.data, letter->bytes.data_bytes);
        }
    }
}

static void begin(const char *name, const char *plan, uint32_t len)
{
    task_name = name;
    assert_ok(net_begin_plan(net_pays, len, plan, 3, len));
    net.forge = see;
}

/* --- Tasks --- */

static void make_confirmed(void)
{
    struct sotto_buffer receipt;
    begin("confirmed", net_published_format, 3);
    for (size_t i = 0; i < net.len; i++) {
        net.hosts[i].demands.keeps_transcripts = true;
    }
    net_run();
    assert_true(sotto_task_aggregator_is_confirmed(net.aggregator));
    for (int is_full = 0; is_full < 2; is_full++) {
        assert_ok(sotto_task_aggregator_receipt(net.aggregator, &receipt, is_full == 1, NULL));
        write_line(is_full == 1 ? "full-receipt" : "receipt", receipt.data, receipt.data_bytes);
        sotto_buffer_release(&receipt);
    }
    net_end();
}

static void make_others(void)
{
    begin("told", told_plan, 3);
    net_run();
    assert_ok(net.ended);
    net_end();

    begin("complaint", net_plan_format, 4);
    deals_badly = true;
    net_run();
    assert_ok(net.ended);
    deals_badly = false;
    net_end();

    begin("restart", net_plan_format, 10);
    for (size_t i = 3; i < 7; i++) {
        net.hosts[i].dies_before = SOTTO_MESSAGE_MASKED;
    }
    net_run();
    assert_ok(net.ended);
    net_end();

    begin("dispute", net_published_format, 3);
    changes_opened = true;
    net_run();
    assert_int_not_equal(net.ended, SOTTO_OK);
    changes_opened = false;
    net_end();

    begin("leave", net_plan_format, 4);
    net.hosts[1].peers_len = 3; /* it does not know the last one */
    net_run();
    assert_ok(net.ended);
    net_end();
}

/* One of five misses the second opening. */
static void make_returned(void)
{
    begin("returned", net_long_format, 5);
    net.hosts[2].dies_before = SOTTO_MESSAGE_CONSENT;
    net.hosts[2].dies_in = 2;
    net_deliver();
    assert_ok(net_host_return(&net.hosts[2]));
    net_run();
    assert_ok(net.ended);
    net_end();
}

/* Question and answer of what a node publishes, which are of no task. */
static void make_listing(void)
{
    static const char json[] = "{\"datasets\":[{\"dataset\":\"w.csv\",\"columns\":[]}]}";
    struct sotto_task_id id = {{9}};
    struct sotto_buffer bytes;
    begin("listing", net_plan_format, 3);
    assert_ok(sotto_browse_seal(&bytes, &id, net.hosts[0].identity));
    write_line("BROWSE", bytes.data, bytes.data_bytes);
    sotto_buffer_release(&bytes);
    assert_ok(sotto_listing_seal(&bytes, json, sizeof json - 1, &id, net.hosts[1].identity));
    write_line("LISTING", bytes.data, bytes.data_bytes);
    sotto_buffer_release(&bytes);
    net_end();
}

static char *read_file(size_t *out_bytes)
{
    FILE *file = fopen(SOTTO_TEST_SOURCE "/tests/vectors/protocol.txt", "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long end = ftell(file);
    rewind(file);
    assert_true(end > 0);
    char *text = sotto_alloc_array((size_t)end + 1, 1);
    assert_non_null(text);
    *out_bytes = fread(text, 1, (size_t)end, file);
    (void)fclose(file);
    return text;
}

/* Names the first message that is another. */
static void compare(const char *wanted, size_t wanted_bytes)
{
    const char *found = (const char *)made.data;
    size_t at = 0;
    size_t line = 0;
    size_t name_bytes;
    while (at < wanted_bytes && at < made.data_bytes && wanted[at] == found[at]) {
        line = wanted[at] == '\n' ? at + 1 : line;
        at++;
    }
    if (at != wanted_bytes || at != made.data_bytes) {
        name_bytes = strcspn(wanted + line, "\n");
        fail_msg("%.*s: other bytes, from the %zu-th digit on; if the protocol or what the engine "
                 "computes was meant to change: tests/vectors/make_protocol.sh",
                 (int)(name_bytes < 40 ? name_bytes : 40), wanted + line, at - line);
    }
}

static void test_every_message_has_the_same_bytes(void **state)
{
    (void)state;
    const char *out = getenv("SOTTO_VECTORS_OUT");
    sotto_writer_init(&made, (size_t)1 << 24);
    make_confirmed();
    make_others();
    make_returned();
    make_listing();
    assert_ok(sotto_writer_status(&made));
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (!is_made[types[i].type]) {
            fail_msg("no task has a message %s", types[i].name);
        }
    }
    if (out != NULL) {
        FILE *file = fopen(out, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(made.data, 1, made.data_bytes, file), made.data_bytes);
        assert_int_equal(fclose(file), 0);
    } else {
        size_t bytes;
        char *wanted = read_file(&bytes);
        compare(wanted, bytes);
        sotto_free(wanted);
    }
    sotto_writer_release(&made);
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_message_has_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
