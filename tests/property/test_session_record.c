/* SPDX-License-Identifier: Apache-2.0 */
/* Records of sessions, when everybody in them lies together: each is signed as its test says, and
 * whatever no honest session has is refused. */
#include "test.h"
#include "world.h"

#include "aggregation/message/record.h"
#include <sotto/record.h>
#include <sotto/secret.h>

#define PARTIES 5 /* t = 4, k = 1 */

/* What a record says; all of it can be changed before it is signed. */
struct lie {
    struct world world;
    struct sotto_roster roster;
    uint8_t dealers;
    uint8_t living;
    uint8_t consenting;
    uint32_t min_parties;
    bool signs_another; /* the last consent signs something else */
};

static struct lie lie;

/* The roster that the aggregator sent, changed as `change` does and signed again. */
static void take_roster(void (*change)(uint8_t *body))
{
    const struct sotto_roster *honest = sotto_session_aggregator_roster(lie.world.aggregator);
    struct sotto_buffer bytes;
    struct sotto_signature signature;
    uint8_t digest[SOTTO_SIGNED_DIGEST_BYTES];
    assert_ok(sotto_buffer_copy(&bytes, honest->message.data, honest->message.data_bytes));
    if (change != NULL) {
        change(bytes.data + SOTTO_MESSAGE_HEADER_BYTES);
    }
    sotto_message_digest(digest, bytes.data, bytes.data_bytes);
    sotto_identity_sign_digest(lie.world.aggregator_identity, &signature, digest);
    memcpy(bytes.data + bytes.data_bytes - sizeof signature.bytes, signature.bytes,
           sizeof signature.bytes);
    assert_ok(sotto_roster_open(&lie.roster, bytes.data, bytes.data_bytes,
                                &lie.world.terms.invitation, NULL));
    sotto_buffer_release(&bytes);
}

static void begin(void (*change)(uint8_t *body))
{
    lie = (struct lie){.dealers = 0x1f, .living = 0x1f, .consenting = 0x0f, .min_parties = 3};
    world_make(&lie.world, PARTIES, 9);
    assert_ok(world_start(&lie.world));
    take_roster(change);
}

/* Signs and reads what the lie has become. */
static enum sotto_status read_lie(struct sotto_record *out, struct sotto_error *err)
{
    struct sotto__dealing dealing = {{1}, {2}, {{0}}};
    const struct sotto__dealing *dealings[PARTIES] = {&dealing, &dealing, &dealing, &dealing,
                                                      &dealing};
    uint8_t masked[PARTIES * SOTTO__HASH_BYTES] = {3};
    uint8_t session[SOTTO_SESSION_BYTES];
    uint8_t dealings_digest[SOTTO__HASH_BYTES];
    uint8_t digest[SOTTO__HASH_BYTES];
    struct sotto_signature consents[PARTIES];
    struct sotto__hash hash;
    struct sotto_writer writer;
    struct sotto_reader reader;
    struct sotto_session_terms terms = lie.world.terms;
    terms.min_parties = lie.min_parties;
    sotto__session_id(session, &lie.roster, &terms);
    sotto__hash_init(&hash, SOTTO__DEALINGS_LABEL);
    for (uint32_t i = 0; i < PARTIES; i++) {
        if (bitmap_get(&lie.dealers, i)) {
            sotto__dealings_add(&hash, &dealing);
        }
    }
    sotto__hash_final(&hash, dealings_digest);
    struct sotto__opening opening = {.roster = &lie.roster,
                                     .label = &lie.world.terms.invitation.label,
                                     .survivors = {.session = session,
                                                   .dealers = &lie.dealers,
                                                   .living = &lie.living,
                                                   .parties_len = PARTIES,
                                                   .dealings = dealings_digest,
                                                   .masked = masked}};
    sotto__survivors_digest(digest, &opening.survivors);
    for (uint32_t i = 0; i < PARTIES; i++) {
        digest[0] ^= (uint8_t)(lie.signs_another && i == 3);
        sotto_identity_sign(lie.world.parties[world_party_at(&lie.world, i)].identity, &consents[i],
                            SOTTO__SURVIVORS_LABEL, digest, sizeof digest);
    }
    sotto_writer_init(&writer, SOTTO_MESSAGE_BYTES_MAX);
    sotto__record_write(&writer, &opening, terms.agreement, dealings, consents, &lie.consenting);
    assert_ok(sotto_writer_status(&writer));
    sotto_reader_init(&reader, writer.data, writer.data_bytes);
    enum sotto_status status =
        sotto_record_read(out, &reader, &terms.invitation, lie.min_parties, err);
    assert_true(status != SOTTO_OK || sotto_reader_finished(&reader));
    sotto_writer_release(&writer);
    return status;
}

static void end(void)
{
    sotto_roster_release(&lie.roster);
    world_release(&lie.world);
}

static void assert_refused(enum sotto_status expected, const char *part)
{
    struct sotto_record record;
    struct sotto_error err = {0};
    assert_int_equal(read_lie(&record, &err), expected);
    assert_contains(err.text, part);
    end();
}

static void test_what_holds(void **state)
{
    (void)state;
    struct sotto_record record;
    begin(NULL);
    lie.dealers = 0x1f;
    lie.living = 0x1e;
    lie.consenting = 0x1e;
    assert_ok(read_lie(&record, NULL));
    for (uint32_t i = 0; i < PARTIES; i++) {
        assert_int_equal(sotto_record_lives(&record, i), i > 0);
    }
    sotto_record_release(&record);
    end();
}

static void test_survivors_are_dealers_and_enough(void **state)
{
    (void)state;
    begin(NULL);
    lie.dealers = 0x0f; /* the last one lives, and never dealt */
    assert_refused(SOTTO_ERROR_PARTIES, "all of them dealers");
    begin(NULL);
    lie.living = 0x0f;
    lie.min_parties = 5;
    assert_refused(SOTTO_ERROR_PARTIES, "a sum over 4 parties: at least 5 needed");
}

static void test_consents_are_enough_and_right(void **state)
{
    (void)state;
    begin(NULL);
    lie.consenting = 0x07;
    assert_refused(SOTTO_ERROR_AUTH, "consents are missing");
    begin(NULL);
    lie.living = 0x1e;
    lie.consenting = 0x0f; /* one of somebody whose input is not in the sum */
    assert_refused(SOTTO_ERROR_AUTH, "consents are missing");
    begin(NULL);
    lie.signs_another = true;
    assert_refused(SOTTO_ERROR_AUTH, "consents are missing");
}

/* Of n, h, p and t, which the body begins with. */
static void lower_threshold(uint8_t *body)
{
    body[12] = 3;
}

static void draw_fewer_masks(uint8_t *body)
{
    body[8] = 3;
}

static void draw_fewer_holders(uint8_t *body)
{
    body[4] = 4;
    body[8] = 3;
}

static void test_the_graph_is_the_tables(void **state)
{
    (void)state;
    void (*const changes[])(uint8_t * body) = {lower_threshold, draw_fewer_masks,
                                               draw_fewer_holders};
    for (size_t i = 0; i < 3; i++) {
        begin(changes[i]);
        assert_refused(SOTTO_ERROR_PROTOCOL, "another threshold");
    }
}

/* The first advert's last byte: of its signature. */
static void forge_advert(uint8_t *body)
{
    size_t bytes = (size_t)body[16] | (size_t)body[17] << 8;
    body[16 + 4 + bytes - 1] ^= 1;
}

static void test_adverts_are_signed(void **state)
{
    (void)state;
    begin(forge_advert);
    assert_refused(SOTTO_ERROR_AUTH, "signature");
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_holds),
        cmocka_unit_test(test_survivors_are_dealers_and_enough),
        cmocka_unit_test(test_consents_are_enough_and_right),
        cmocka_unit_test(test_the_graph_is_the_tables),
        cmocka_unit_test(test_adverts_are_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
