/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts: of honest tasks they hold and say who confirmed; no byte of one can be another, and not
 * even the creator, who signs them, can change what others signed. */
#include "net.h"
#include "test.h"

#include "federation/task_party.h"
#include "federation/verified.h"
#include <sotto/alloc.h>
#include <sotto/receipt.h>
#include <sotto/record.h>
#include <sotto/secret.h>
#include <stdio.h>

static const char one_round[] =
    "{\"version\": 1, \"name\": \"t\", \"type\": \"analytics\", \"datasets\": {\"w\": \"w.csv\"},"
    " \"select\": {\"m\": \"mean(pay)\", \"n\": \"count(pay)\"}, \"results\": \"participants\","
    " \"strategy\": {\"min_clients\": %u, \"max_clients\": %u, \"wait_timeout\": 7,"
    " \"connection_timeout\": 5}}";

static struct sotto_buffer receipt;

/* Runs the task that was begun, and takes its receipt. */
static void run_to_receipt(void)
{
    struct sotto_error err = {0};
    net_run();
    assert_ok(net.ended);
    assert_ok(sotto_task_aggregator_receipt(net.aggregator, &receipt, false, &err));
}

static void end(void)
{
    sotto_buffer_release(&receipt);
    net_end();
}

static enum sotto_status verify(struct sotto_receipt *out, struct sotto_error *err)
{
    return sotto_receipt_verify(out, receipt.data, receipt.data_bytes, net.peers, net.len, err);
}

static void assert_holds(uint32_t rounds, size_t parties_len, size_t confirmed_len)
{
    struct sotto_receipt said;
    struct sotto_error err = {0};
    enum sotto_status status = verify(&said, &err);
    if (status != SOTTO_OK) {
        print_error("%s\n", err.text);
    }
    assert_ok(status);
    assert_int_equal(said.rounds, rounds);
    assert_int_equal(said.parties_len, parties_len);
    assert_int_equal(said.confirmed_len, confirmed_len);
    assert_string_equal(said.result, sotto_task_aggregator_result(net.aggregator));
    assert_string_equal(said.plan_json, net.plan);
    assert_true(sotto_key_equal(&said.creator, &net.peers[0].key));
    sotto_receipt_release(&said);
}

static void assert_refused(void)
{
    struct sotto_receipt said;
    struct sotto_error err = {0};
    assert_int_not_equal(verify(&said, &err), SOTTO_OK);
    assert_true(strlen(err.text) > 0);
}

/* --- Honest ones --- */

static void test_receipts_hold(void **state)
{
    (void)state;
    for (size_t len = 3; len <= 7; len++) {
        bool has_two = len % 2 == 1;
        assert_ok(net_begin_plan(net_pays, len, has_two ? net_published_format : one_round, 3,
                                 (uint32_t)len));
        net.hosts[len - 1].dies_before = len > 4 ? SOTTO_MESSAGE_MASKED : 0; /* it is in no sum */
        run_to_receipt();
        size_t parties_len = len > 4 ? len - 1 : len;
        assert_holds(has_two ? 2 : 1, parties_len, parties_len);
        assert_true(receipt.data_bytes < len * (has_two ? 2000 : 1200) + 2000);
        end();
    }
}

static void test_a_receipt_says_who_did_not_confirm(void **state)
{
    (void)state;
    struct sotto_receipt said;
    assert_ok(net_begin_plan(net_pays, 4, one_round, 3, 4));
    net.hosts[2].dies_before = SOTTO_MESSAGE_CONFIRM;
    run_to_receipt();
    assert_holds(1, 4, 3);
    assert_ok(verify(&said, NULL));
    for (size_t i = 0; i < said.parties_len; i++) {
        bool is_silent = sotto_key_equal(&said.parties[i].key, &net.peers[2].key);
        assert_int_equal(said.parties[i].confirms, !is_silent);
    }
    sotto_receipt_release(&said);
    end();
}

/* --- Full ones --- */

/* All owners let what opens the sums be kept. */
static void begin_kept(const char *format, size_t len)
{
    assert_ok(net_begin_plan(net_pays, len, format, 3, (uint32_t)len));
    for (size_t i = 0; i < len; i++) {
        net.hosts[i].demands.keeps_transcripts = true;
    }
}

static void run_to_full_receipt(void)
{
    struct sotto_error err = {0};
    run_to_receipt();
    sotto_buffer_release(&receipt);
    assert_ok(sotto_task_aggregator_receipt(net.aggregator, &receipt, true, &err));
}

static void test_full_receipts_hold(void **state)
{
    (void)state;
    for (size_t len = 3; len <= 6; len++) {
        struct sotto_receipt said;
        bool has_two = len % 2 == 1;
        begin_kept(has_two ? net_published_format : one_round, len);
        net.hosts[len - 1].dies_before = len > 4 ? SOTTO_MESSAGE_MASKED : 0;
        run_to_full_receipt();
        size_t parties_len = len > 4 ? len - 1 : len;
        assert_holds(has_two ? 2 : 1, parties_len, parties_len);
        assert_ok(verify(&said, NULL));
        assert_true(said.is_full);
        sotto_receipt_release(&said);
        end();
    }
}

static void test_full_receipts_need_all_owners(void **state)
{
    (void)state;
    struct sotto_error err = {0};
    struct sotto_buffer full = {0};
    begin_kept(one_round, 4);
    net.hosts[2].demands.keeps_transcripts = false;
    run_to_receipt();
    assert_holds(1, 4, 4);
    assert_int_equal(sotto_task_aggregator_receipt(net.aggregator, &full, true, &err),
                     SOTTO_ERROR_NOT_FOUND);
    assert_contains(err.text, "not all owners");
    assert_null(full.data);
    end();
}

/* --- Where there is none --- */

static void assert_none(const char *why)
{
    struct sotto_error err = {0};
    if (!net.done) {
        net_run();
    }
    assert_ok(net.ended);
    assert_int_equal(sotto_task_aggregator_receipt(net.aggregator, &receipt, false, &err),
                     SOTTO_ERROR_NOT_FOUND);
    assert_contains(err.text, why);
    net_end();
}

static void test_what_was_not_checked_has_no_receipt(void **state)
{
    (void)state;
    net_begin(4, 3, 4);
    assert_none("did not check the sums");
    net_begin_rounds(4, 3);
    assert_none("did not check the sums");
}

/* An owner that signs no results checks them all the same, and nobody waits for it. */
static void test_an_owner_may_want_no_receipts(void **state)
{
    (void)state;
    assert_ok(net_begin_plan(net_pays, 4, net_published_format, 3, 4));
    net.hosts[2].demands.no_receipts = true;
    net_run();
    assert_int_equal(net.expiries, 0);
    assert_ok(net.ended);
    assert_false(sotto_task_aggregator_is_confirmed(net.aggregator));
    assert_string_equal(sotto_task_aggregator_confirmation(net.aggregator),
                        "confirmed by 3 of 4 parties; n2 signs no results");
    for (size_t i = 0; i < net.len; i++) {
        assert_ok(net.hosts[i].ended);
        assert_non_null(sotto_task_party_result(net.hosts[i].task));
        assert_false(sotto_task_party_is_confirmed(net.hosts[i].task));
        assert_contains(net.hosts[i].end_text, "n2 signs no results");
    }
    assert_none("an owner wants none");
}

/* --- Changed ones --- */

static void test_no_byte_can_be_another(void **state)
{
    (void)state;
    assert_ok(net_begin_plan(net_pays, 3, one_round, 3, 3));
    run_to_receipt();
    for (size_t at = 0; at < receipt.data_bytes; at++) {
        uint8_t bit = (uint8_t)(1U << at % 8);
        receipt.data[at] ^= bit;
        assert_refused();
        receipt.data[at] ^= bit;
    }
    assert_holds(1, 3, 3);
    for (size_t bytes = receipt.data_bytes; receipt.data_bytes > 0;) {
        bytes = receipt.data_bytes;
        receipt.data_bytes -= bytes > 200 ? 97 : 1;
        assert_refused();
    }
    end();
}

/* Signs the receipt anew, as the creator can. */
static void sign_again(void)
{
    struct sotto_signature signature;
    size_t signed_bytes = receipt.data_bytes - sizeof signature.bytes;
    sotto_identity_sign(net.hosts[0].identity, &signature, "sotto receipt", receipt.data,
                        signed_bytes);
    memcpy(receipt.data + signed_bytes, signature.bytes, sizeof signature.bytes);
}

static void test_the_creator_changes_no_byte_either(void **state)
{
    (void)state;
    assert_ok(net_begin_plan(net_pays, 4, net_published_format, 3, 4));
    net.hosts[3].dies_before = SOTTO_MESSAGE_MASKED;
    run_to_receipt();
    for (size_t at = 0; at + 64 < receipt.data_bytes; at++) {
        uint8_t bit = (uint8_t)(1U << at % 8);
        receipt.data[at] ^= bit;
        sign_again();
        assert_refused();
        receipt.data[at] ^= bit;
    }
    sign_again();
    assert_holds(2, 3, 3);
    end();
}

static void test_no_byte_of_a_full_one_either(void **state)
{
    (void)state;
    begin_kept(net_published_format, 4);
    net.hosts[3].dies_before = SOTTO_MESSAGE_MASKED;
    run_to_full_receipt();
    for (size_t at = 0; at + 64 < receipt.data_bytes; at++) {
        uint8_t bit = (uint8_t)(1U << at % 8);
        receipt.data[at] ^= bit;
        sign_again();
        assert_refused();
        receipt.data[at] ^= bit;
    }
    sign_again();
    assert_holds(2, 3, 3);
    end();
}

/* Takes bytes out, and signs again. */
static void cut(size_t at, size_t bytes)
{
    memmove(receipt.data + at, receipt.data + at + bytes, receipt.data_bytes - at - bytes);
    receipt.data_bytes -= bytes;
}

/* Where the count of confirmations stands, of which there are so many. */
static size_t find_confirmations(size_t len)
{
    return receipt.data_bytes - 64 - 68 * len - 4;
}

static size_t read_u32(size_t at)
{
    struct sotto_reader reader;
    sotto_reader_init(&reader, receipt.data + at, 4);
    return sotto_read_u32(&reader);
}

/* Where the number of rounds stands: behind plan, schema and result. */
static size_t find_rounds(void)
{
    size_t at = 4 + 2 + 2 + 16 + 32;
    for (int blob = 0; blob < 3; blob++) {
        at += 4 + read_u32(at);
    }
    return at;
}

/* It can leave confirmations out, which then are missing, but not count one twice. */
static void test_confirmations_are_left_out_or_not(void **state)
{
    (void)state;
    assert_ok(net_begin_plan(net_pays, 3, one_round, 3, 3));
    run_to_receipt();
    size_t at = find_confirmations(3);
    uint8_t first[68];
    memcpy(first, receipt.data + at + 4, sizeof first);
    memcpy(receipt.data + at + 4 + 68, first, sizeof first);
    sign_again();
    assert_refused();
    cut(at + 4 + 68, 136);
    receipt.data[at] = 1;
    sign_again();
    assert_holds(1, 3, 1);
    end();
}

/* One whose rows are in no sum signs all the same. */
static void test_confirmations_are_of_those_in_the_sum(void **state)
{
    (void)state;
    struct sotto_buffer confirm;
    struct sotto_message message;
    assert_ok(net_begin_plan(net_pays, 4, one_round, 3, 4));
    net.hosts[3].dies_before = SOTTO_MESSAGE_MASKED;
    run_to_receipt();
    const struct sotto_task_party *task = net.hosts[1].task;
    uint32_t outsider = 0; /* its index in the roster, which ascends by key */
    for (size_t i = 0; i < 3; i++) {
        outsider += sotto_key_compare(&net.peers[i].key, &net.peers[3].key) < 0;
    }
    assert_ok(sotto__confirm_seal(&confirm, task->confirmed, &task->terms.label, task->confirmed,
                                  net.hosts[3].identity));
    assert_true(sotto_message_parse(&message, confirm.data, confirm.data_bytes));
    size_t at = find_confirmations(3);
    cut(at + 4 + 68, 136);
    receipt.data[at] = 1;
    receipt.data[at + 4] = (uint8_t)outsider;
    memcpy(receipt.data + at + 8, message.body, 64);
    sign_again();
    assert_refused();
    sotto_buffer_release(&confirm);
    end();
}

/* Neither the creator nor a party is believed whose key nobody knows. */
static void test_strangers(void **state)
{
    (void)state;
    struct sotto_receipt said;
    struct sotto_error err = {0};
    assert_ok(net_begin_plan(net_pays, 3, one_round, 3, 3));
    run_to_receipt();
    for (size_t len = 0; len < 3; len++) {
        assert_int_equal(
            sotto_receipt_verify(&said, receipt.data, receipt.data_bytes, net.peers, len, &err),
            SOTTO_ERROR_AUTH);
        assert_contains(err.text, "not among the peers");
    }
    assert_int_equal(
        sotto_receipt_verify(&said, receipt.data, receipt.data_bytes, net.peers + 1, 2, &err),
        SOTTO_ERROR_AUTH);
    end();
}

/* A creator without rows of its own is in no roster, and must be known all the same. */
static void test_a_strange_creator(void **state)
{
    (void)state;
    struct sotto_receipt said;
    struct sotto_error err = {0};
    assert_ok(net_begin_plan(net_pays, 4, one_round, 3, 4));
    net.hosts[0].off = true;
    run_to_receipt();
    assert_holds(1, 3, 3);
    assert_int_equal(
        sotto_receipt_verify(&said, receipt.data, receipt.data_bytes, net.peers + 1, 3, &err),
        SOTTO_ERROR_AUTH);
    assert_contains(err.text, "not among the peers");
    end();
}

/* All lie together: each of the three confirms whatever the receipt says now. */
static void confirm_again(size_t end_at)
{
    struct sotto_reader reader;
    uint8_t opened[SOTTO_DIGEST_BYTES] = {0};
    struct sotto_invitation_terms terms = {.aggregator = net.peers[0].key};
    struct sotto__confirmed confirmed = {.terms = &terms, .opened = opened};
    uint8_t digest[SOTTO_DIGEST_BYTES];
    sotto_reader_init(&reader, receipt.data, end_at);
    (void)sotto_read_bytes(&reader, 8);
    sotto_read_copy(&reader, terms.label.task.bytes, sizeof terms.label.task.bytes);
    (void)sotto_read_bytes(&reader, 32);
    (void)sotto_read_blob(&reader, &confirmed.schema_bytes, SOTTO_PLAN_BYTES_MAX);
    sotto__task_plan_digest(terms.plan_digest, net.plan, strlen(net.plan));
    confirmed.schema = sotto_read_blob(&reader, &confirmed.schema_bytes, 4096);
    confirmed.result = sotto_read_blob(&reader, &confirmed.result_bytes, 65536);
    assert_int_equal(sotto_read_u32(&reader), 1);
    struct sotto_record record;
    assert_ok(sotto_record_read(&record, &reader, &terms, 3, NULL));
    sotto__opened_link(opened, &record.opening, sotto_read_bytes(&reader, SOTTO_DIGEST_BYTES));
    assert_ok(sotto__confirmed_make(digest, &confirmed));
    for (uint32_t i = 0; i < record.roster.adverts_len; i++) {
        struct sotto_signature signature;
        size_t host = 0;
        while (!sotto_key_equal(&net.peers[host].key, &record.roster.adverts[i].sender)) {
            host++;
        }
        sotto_identity_sign(net.hosts[host].identity, &signature, "sotto confirmed", digest,
                            sizeof digest);
        memcpy(receipt.data + end_at + 4 + 68 * i + 4, signature.bytes, sizeof signature.bytes);
    }
    sotto_record_release(&record);
    sign_again();
}

/* What a light receipt can't show, a full one does: its result is not that of its sums, or its sums
 * are others. */
static void test_what_all_sign_is_computed_again(void **state)
{
    (void)state;
    for (int is_full = 0; is_full < 2; is_full++) {
        for (int what = 0; what < 2; what++) {
            begin_kept(one_round, 3);
            run_to_receipt();
            size_t end_at = find_confirmations(3);
            if (is_full == 1) {
                sotto_buffer_release(&receipt);
                assert_ok(sotto_task_aggregator_receipt(net.aggregator, &receipt, true, NULL));
            }
            if (what == 0) {
                size_t at = find_rounds();
                while (memcmp(receipt.data + at, "\"value\": 4", 10) != 0) {
                    at--;
                }
                receipt.data[at + 9]++;
            } else {
                receipt.data[end_at - 1] ^= 1; /* of the sum's digest */
            }
            confirm_again(end_at);
            if (is_full == 1) {
                assert_refused();
            } else {
                struct sotto_receipt said;
                assert_ok(verify(&said, NULL));
                assert_int_equal(said.confirmed_len, 3);
                sotto_receipt_release(&said);
            }
            end();
        }
    }
}

/* Without confirmations, which would not fit: rounds count, and nothing stands behind the end. */
static void test_rounds_in_another_order(void **state)
{
    (void)state;
    assert_ok(net_begin_plan(net_pays, 3, net_published_format, 3, 3));
    run_to_receipt();
    size_t end_at = find_confirmations(3);
    size_t at = find_rounds();
    cut(end_at + 4, 3 * 68);
    receipt.data[end_at] = 0;
    sign_again();
    assert_holds(2, 3, 0);
    /* The first record: labels, agreement, roster, dealers, what they dealt, the living, what they
     * sent, consents, the sum's digest. */
    size_t first =
        4 + 4 + 32 + 4 + read_u32(at + 4 + 40) + 1 + 3 * 64 + 1 + 3 * 32 + 4 + 3 * 68 + 32;
    size_t second = end_at - at - 4 - first;
    uint8_t kept[16384];
    assert_true(first <= sizeof kept);
    memcpy(kept, receipt.data + at + 4, first);
    memmove(receipt.data + at + 4, receipt.data + at + 4 + first, second);
    memcpy(receipt.data + at + 4 + second, kept, first);
    sign_again();
    assert_refused();
    end();
}

static void test_bytes_behind_the_end(void **state)
{
    (void)state;
    for (int is_full = 0; is_full < 2; is_full++) {
        begin_kept(one_round, 3);
        if (is_full == 1) {
            run_to_full_receipt();
        } else {
            run_to_receipt();
        }
        uint8_t *grown = sotto_alloc_zeroed(receipt.data_bytes + 1);
        assert_non_null(grown);
        memcpy(grown, receipt.data, receipt.data_bytes - 64);
        sotto_free(receipt.data);
        receipt.data = grown;
        receipt.data_bytes++;
        sign_again();
        assert_refused();
        end();
    }
}

/* The first round of two is no task. */
static void test_a_round_is_missing(void **state)
{
    (void)state;
    assert_ok(net_begin_plan(net_pays, 3, net_published_format, 3, 3));
    run_to_receipt();
    struct sotto_receipt said;
    assert_ok(verify(&said, NULL));
    size_t result_bytes = strlen(said.result);
    sotto_receipt_release(&said);
    size_t at = find_rounds();
    assert_true(at > result_bytes);
    assert_int_equal(receipt.data[at], 2);
    receipt.data[at] = 1;
    sign_again();
    assert_refused();
    receipt.data[at] = 3;
    sign_again();
    struct sotto_error err = {0};
    assert_int_equal(verify(&said, &err), SOTTO_ERROR_PROTOCOL); /* before any is read */
    assert_contains(err.text, "its plan takes 1 to 2");
    receipt.data[at] = 0;
    sign_again();
    assert_refused();
    end();
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_receipts_hold),
        cmocka_unit_test(test_a_receipt_says_who_did_not_confirm),
        cmocka_unit_test(test_full_receipts_hold),
        cmocka_unit_test(test_full_receipts_need_all_owners),
        cmocka_unit_test(test_no_byte_of_a_full_one_either),
        cmocka_unit_test(test_what_all_sign_is_computed_again),
        cmocka_unit_test(test_what_was_not_checked_has_no_receipt),
        cmocka_unit_test(test_an_owner_may_want_no_receipts),
        cmocka_unit_test(test_no_byte_can_be_another),
        cmocka_unit_test(test_the_creator_changes_no_byte_either),
        cmocka_unit_test(test_confirmations_are_left_out_or_not),
        cmocka_unit_test(test_confirmations_are_of_those_in_the_sum),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_a_strange_creator),
        cmocka_unit_test(test_rounds_in_another_order),
        cmocka_unit_test(test_bytes_behind_the_end),
        cmocka_unit_test(test_a_round_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
