/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that sessions are made of. */
#include "fault.h"
#include "test.h"

#include "aggregation/internal.h"
#include <openssl/evp.h>
#include <sotto/action.h>
#include <sotto/alloc.h>
#include <sotto/secret.h>

static struct sotto_random_stream stream;
static struct sotto_random source;

static int reset_random(void **state)
{
    (void)state;
    source = sotto_random_seeded(&stream, 1, 2);
    return 0;
}

static void fill(void *out, size_t bytes)
{
    assert_ok(source.fill(source.context, out, bytes));
}

static void test_thresholds(void **state)
{
    (void)state;
    assert_int_equal(sotto_session_threshold(3), 3);
    assert_int_equal(sotto_session_threshold(4), 3);
    assert_int_equal(sotto_session_threshold(5), 4);
    assert_int_equal(sotto_session_threshold(1000), 667);
    for (uint32_t n = 3; n <= SOTTO_SESSION_PARTIES_MAX; n++) {
        uint32_t t = sotto_session_threshold(n);
        assert_true(2 * t > n + SOTTO_SESSION_COLLUDING && t <= n);
    }
    assert_int_equal(sotto_session_need(4, 2), 3);
    assert_int_equal(sotto_session_need(4, 4), 4);
    assert_int_equal(sotto_session_need(10, 3), 7);
}

static void test_any_threshold_many_shares_give_the_secret(void **state)
{
    (void)state;
    enum { THRESHOLD = 4, HOLDERS = 7 };
    uint8_t coefficients[THRESHOLD * SCALAR_BYTES];
    uint8_t shares[HOLDERS][SCALAR_BYTES];
    for (size_t k = 0; k < THRESHOLD; k++) {
        assert_ok(sotto__scalar_random(coefficients + k * SCALAR_BYTES, source));
    }
    for (uint32_t j = 0; j < HOLDERS; j++) {
        sotto__shamir_share(shares[j], coefficients, THRESHOLD, j);
    }
    for (uint32_t set = 0; set < 1U << HOLDERS; set++) {
        uint32_t holders[HOLDERS];
        uint8_t basis[HOLDERS * SCALAR_BYTES];
        uint8_t secret[SCALAR_BYTES] = {0};
        uint32_t len = 0;
        for (uint32_t j = 0; j < HOLDERS; j++) {
            if ((set >> j & 1) != 0) {
                holders[len++] = j;
            }
        }
        if (len == 0) {
            continue;
        }
        sotto__shamir_basis(basis, holders, len);
        for (uint32_t k = 0; k < len; k++) {
            sotto__shamir_accumulate(secret, basis + (size_t)k * SCALAR_BYTES, shares[holders[k]]);
        }
        bool found = memcmp(secret, coefficients, SCALAR_BYTES) == 0;
        assert_int_equal(found, len >= THRESHOLD);
    }
}

static void test_points(void **state)
{
    (void)state;
    uint8_t scalar[SCALAR_BYTES], point[POINT_BYTES];
    const uint8_t zero[SCALAR_BYTES] = {0};
    uint8_t invalid[POINT_BYTES];
    assert_ok(sotto__scalar_random(scalar, source));
    assert_true(sotto__point_base(point, scalar));
    assert_true(sotto__point_is_usable(point));
    assert_false(sotto__point_is_usable(zero)); /* the identity */
    memset(invalid, 0xff, sizeof invalid);
    assert_false(sotto__point_is_usable(invalid));
    assert_false(sotto__point_base(point, zero));
    assert_memory_equal(point, zero, POINT_BYTES);
}

static void test_merkle_paths(void **state)
{
    (void)state;
    for (uint32_t n = 3; n <= 9; n++) {
        uint8_t leaves[2 * 9 * HASH_BYTES];
        uint8_t path[4 * HASH_BYTES];
        struct sotto__merkle_tree tree;
        fill(leaves, sizeof leaves);
        assert_ok(sotto__merkle_build(&tree, leaves, n));
        const uint8_t *root = sotto__merkle_root(&tree);
        for (uint32_t j = 0; j < n; j++) {
            const uint8_t *pair = leaves + (size_t)2 * j * HASH_BYTES;
            sotto__merkle_path(&tree, path, j);
            assert_true(sotto__merkle_check(root, pair, pair + HASH_BYTES, path, j, n));
            assert_false(sotto__merkle_check(root, pair + HASH_BYTES, pair, path, j, n));
            assert_false(sotto__merkle_check(root, pair, pair + HASH_BYTES, path, (j + 1) % n, n));
            path[3] ^= 1;
            assert_false(sotto__merkle_check(root, pair, pair + HASH_BYTES, path, j, n));
        }
        sotto__merkle_release(&tree);
    }
}

/* One call to the library over the whole length, slots of one limb each: the plainest reading of
 * PROTOCOL.md, "MASKED". */
static void plain_stream(uint8_t *out, size_t bytes, const uint8_t key[32])
{
    static const uint8_t counter_block[16];
    int made;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    memset(out, 0, bytes);
    assert_int_equal(EVP_EncryptInit_ex(cipher, EVP_aes_256_ctr(), NULL, key, counter_block), 1);
    assert_int_equal(EVP_EncryptUpdate(cipher, out, &made, out, (int)bytes), 1);
    EVP_CIPHER_CTX_free(cipher);
}

static void test_masks_are_the_keystream_slot_by_slot(void **state)
{
    (void)state;
    enum { SLOTS = 700 };
    static uint16_t slots[SLOTS];
    static uint64_t vector[SLOTS * 34], masked[SLOTS * 34];
    static uint8_t stream_bytes[SLOTS * 34 * 8];
    static const uint16_t widths[] = {1, 2, 3, 34, 1, 7};
    uint8_t key[32];
    size_t limbs = 0;
    for (size_t k = 0; k < SLOTS; k++) {
        slots[k] = widths[k % 6];
        limbs += slots[k];
    }
    fill(key, sizeof key);
    fill(vector, sizeof vector);
    memcpy(masked, vector, sizeof vector);
    assert_ok(sotto__mask_apply(masked, slots, SLOTS, key, MASK_ADD));
    plain_stream(stream_bytes, limbs * 8, key);
    size_t limb = 0;
    for (size_t k = 0; k < SLOTS; k++) {
        uint64_t carry = 0;
        for (size_t end = limb + slots[k]; limb < end; limb++) {
            __extension__ unsigned __int128 sum =
                (unsigned __int128)vector[limb] + sotto_load_u64(stream_bytes + 8 * limb) + carry;
            assert_true(masked[limb] == (uint64_t)sum);
            carry = (uint64_t)(sum >> 64);
        }
    }
    assert_ok(sotto__mask_apply(masked, slots, SLOTS, key, MASK_SUBTRACT));
    assert_memory_equal(masked, vector, sizeof vector);
}

static void test_vectors_add_with_carries_inside_slots_only(void **state)
{
    (void)state;
    static const uint16_t slots[] = {2, 1};
    uint64_t vector[] = {UINT64_MAX, UINT64_MAX, 5};
    uint8_t addend[24] = {1};
    sotto__vector_add(vector, addend, slots, 2);
    assert_true(vector[0] == 0 && vector[1] == 0 && vector[2] == 5);
}

static void test_shares_travel_to_one_holder_only(void **state)
{
    (void)state;
    struct sotto__share_pair pair, opened;
    uint8_t cipher[SHARE_CIPHER_BYTES], key[32], session[SOTTO_SESSION_BYTES];
    fill(&pair, sizeof pair);
    fill(key, sizeof key);
    fill(session, sizeof session);
    sotto__share_encrypt(cipher, &pair, key, session, 3, 4);
    assert_true(sotto__share_decrypt(&opened, cipher, key, session, 3, 4));
    assert_memory_equal(&opened, &pair, sizeof pair);
    assert_false(sotto__share_decrypt(&opened, cipher, key, session, 4, 3));
    session[0] ^= 1;
    assert_false(sotto__share_decrypt(&opened, cipher, key, session, 3, 4));
}

static void test_derived_keys_differ(void **state)
{
    (void)state;
    uint8_t secret[32] = {1}, session[32] = {2}, keys[5][32];
    struct sotto_key a = {.bytes = {3}}, b = {.bytes = {4}};
    sotto__derive_key(keys[0], "x", secret, session, &a, &b);
    sotto__derive_key(keys[1], "y", secret, session, &a, &b);
    sotto__derive_key(keys[2], "x", secret, session, &b, &a);
    session[0]++;
    sotto__derive_key(keys[3], "x", secret, session, &a, &b);
    secret[0]++;
    sotto__derive_key(keys[4], "x", secret, session, &a, &b);
    for (size_t i = 0; i < 5; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(keys[i], keys[j], 32);
        }
    }
}

static void test_slots_have_limits(void **state)
{
    (void)state;
    size_t limbs = 0;
    const uint16_t good[] = {1, 34}, empty[] = {1, 0}, wide[] = {SOTTO_SLOT_LIMBS_MAX + 1};
    assert_ok(sotto__slots_limbs(&limbs, good, 2));
    assert_int_equal(limbs, 35);
    assert_int_equal(sotto__slots_limbs(&limbs, empty, 2), SOTTO_ERROR_LIMIT);
    assert_int_equal(sotto__slots_limbs(&limbs, wide, 1), SOTTO_ERROR_LIMIT);
    assert_int_equal(sotto__slots_limbs(&limbs, good, 0), SOTTO_ERROR_LIMIT);
}

static void test_bitmaps_have_no_bits_beyond_their_end(void **state)
{
    (void)state;
    static const uint8_t good[] = {0xff, 0x01}, bad[] = {0xff, 0x02};
    struct sotto_reader reader;
    sotto_reader_init(&reader, good, 2);
    assert_non_null(sotto__bitmap_read(&reader, 9));
    sotto_reader_init(&reader, bad, 2);
    assert_null(sotto__bitmap_read(&reader, 9));
    assert_false(sotto_reader_finished(&reader));
    assert_int_equal(bitmap_count(good, 9), 9);
}

static void test_every_status_goes_over_the_wire(void **state)
{
    (void)state;
#define CHECK(code, value, name, text)                                                             \
    {                                                                                              \
        struct sotto_writer writer;                                                                \
        struct sotto_reader reader;                                                                \
        sotto_writer_init(&writer, 1);                                                             \
        sotto_write_status(&writer, code);                                                         \
        sotto_reader_init(&reader, writer.data, writer.data_bytes);                                \
        assert_int_equal(sotto_read_status(&reader), code);                                        \
        assert_true(sotto_reader_finished(&reader));                                               \
        sotto_writer_release(&writer);                                                             \
    }
    SOTTO_STATUS_TABLE(CHECK)
    struct sotto_reader reader;
    sotto_reader_init(&reader, "\xc8", 1);
    (void)sotto_read_status(&reader);
    assert_false(sotto_reader_finished(&reader));
}

static void test_identities(void **state)
{
    (void)state;
    struct sotto_identity *identity, *again;
    struct sotto_signature signature;
    struct sotto_key parsed;
    char text[SOTTO_KEY_TEXT_BYTES];
    uint8_t seed[32];
    assert_ok(sotto_identity_generate(&identity, source));
    sotto_identity_seed(identity, seed);
    assert_ok(sotto_identity_from_seed(&again, seed));
    struct sotto_key key = sotto_identity_key(identity), same = sotto_identity_key(again);
    assert_true(sotto_key_equal(&key, &same));
    sotto_key_to_text(&key, text);
    assert_ok(sotto_key_from_text(&parsed, text));
    assert_true(sotto_key_equal(&key, &parsed));
    sotto_identity_sign(identity, &signature, "label", "message", 7);
    assert_true(sotto_key_verify(&key, &signature, "label", "message", 7));
    assert_false(sotto_key_verify(&key, &signature, "label", "massage", 7));
    assert_false(sotto_key_verify(&key, &signature, "labe", "lmessage", 8));
    text[10] = text[10] == '0' ? '1' : '0';
    text[11] = 'g';
    assert_int_equal(sotto_key_from_text(&parsed, text), SOTTO_ERROR_INPUT);
    assert_int_equal(sotto_key_from_text(&parsed, ""), SOTTO_ERROR_INPUT);
    memset(text, '0', 64); /* a point of small order */
    assert_int_equal(sotto_key_from_text(&parsed, text), SOTTO_ERROR_INPUT);
    sotto_identity_free(identity);
    sotto_identity_free(again);
}

static void test_other_versions_are_named(void **state)
{
    (void)state;
    struct sotto_identity *identity;
    struct sotto_writer writer;
    struct sotto_buffer bytes;
    struct sotto_message message;
    struct sotto_session_label label = {.round = 1, .attempt = 1};
    struct sotto_error err;
    assert_ok(sotto_identity_generate(&identity, source));
    sotto_writer_init(&writer, 1000);
    sotto_message_begin(&writer, SOTTO_MESSAGE_REOPEN, &label, NULL, identity);
    writer.data[4] = 9;
    assert_ok(sotto_message_finish(&writer, &bytes, identity));
    assert_int_equal(sotto_message_open(&message, bytes.data, bytes.data_bytes, &err),
                     SOTTO_ERROR_VERSION);
    assert_contains(err.text, "version 9");
    sotto_buffer_release(&bytes);
    sotto_identity_free(identity);
}

static enum sotto_status queue_many(void *context)
{
    (void)context;
    struct sotto_action_queue queue = {0};
    struct sotto_key peer = {{0}};
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < 40; i++) {
        struct sotto_buffer bytes;
        struct sotto_action action;
        status = sotto_buffer_copy(&bytes, "abc", 3);
        if (status == SOTTO_OK) {
            status = sotto_action_push_send(&queue, &peer, &bytes);
        }
        if (status == SOTTO_OK && i % 3 == 0) {
            assert_true(sotto_action_pop(&queue, &action));
            sotto_action_release(&action);
        }
    }
    sotto_action_queue_release(&queue);
    return status;
}

static void test_queues_survive_no_memory(void **state)
{
    (void)state;
    assert_true(fault_each_allocation(queue_many, NULL) > 40);
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thresholds),
        cmocka_unit_test(test_any_threshold_many_shares_give_the_secret),
        cmocka_unit_test(test_points),
        cmocka_unit_test(test_merkle_paths),
        cmocka_unit_test(test_masks_are_the_keystream_slot_by_slot),
        cmocka_unit_test(test_vectors_add_with_carries_inside_slots_only),
        cmocka_unit_test(test_shares_travel_to_one_holder_only),
        cmocka_unit_test(test_derived_keys_differ),
        cmocka_unit_test(test_slots_have_limits),
        cmocka_unit_test(test_bitmaps_have_no_bits_beyond_their_end),
        cmocka_unit_test(test_every_status_goes_over_the_wire),
        cmocka_unit_test(test_identities),
        cmocka_unit_test(test_other_versions_are_named),
        cmocka_unit_test(test_queues_survive_no_memory),
    };
    return cmocka_run_group_tests(tests, reset_random, NULL);
}
