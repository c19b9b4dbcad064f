/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that sessions are made of. */
#include "fault.h"
#include "test.h"

#include "aggregation/crypto/dleq.h"
#include "aggregation/crypto/remembered.h"
#include "aggregation/message/message.h"
#include "aggregation/vector/vector.h"
#include <openssl/evp.h>
#include <pthread.h>
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
    assert_int_equal(sotto_session_threshold(3, 0), 3);
    assert_int_equal(sotto_session_threshold(4, 0), 3);
    assert_int_equal(sotto_session_threshold(5, 0), 4);
    assert_int_equal(sotto_session_threshold(1000, 0), 667);
    for (uint32_t n = 3; n <= SOTTO_SESSION_PARTIES_MAX; n += n < 40 ? 1 : 7) {
        struct sotto_graph_terms complete = {.model = SOTTO_GRAPH_COMPLETE};
        for (uint32_t demanded = 0; demanded <= n; demanded++) {
            struct sotto_graph graph;
            uint32_t t = sotto_session_threshold(n, demanded);
            uint32_t k = sotto_session_colluders(n, demanded);
            uint32_t need = 0;
            sotto_graph_choose(&graph, &complete, n, demanded);
            need = sotto_session_need(&complete, &graph, n, 3, demanded);
            assert_int_equal(graph.threshold, t);
            assert_true(2 * t > n + k + 1); /* one survivor set */
            assert_true(need >= k + 3 && need >= t);
            assert_true(need > n || t <= n);
            assert_true(2 * (t - 1) <= n + k + 1 || t - 1 <= 2 * n / 3); /* and no more */
            assert_true(sotto_graph_is_safe(&graph, &complete, n, demanded));
            graph.threshold--;
            assert_false(sotto_graph_is_safe(&graph, &complete, n, demanded));
        }
    }
    struct sotto_graph_terms complete = {.model = SOTTO_GRAPH_COMPLETE};
    struct sotto_graph four = {4, 3, 3}, ten = {10, 9, 7};
    assert_int_equal(sotto_session_need(&complete, &four, 4, 2, 0), 3);
    assert_int_equal(sotto_session_need(&complete, &four, 4, 4, 0), 4);
    assert_int_equal(sotto_session_need(&complete, &ten, 10, 3, 0), 7);
}

/* --- The table of colluders in README.md and in aggregation/PROTOCOL.md --- */

#define TABLE_PARTIES_MAX 10
#define TABLE_COLLUDERS_MAX 2

/* "t / need / who may vanish before LIVING / after it", or "-" where too few honest parties would
 * be left. */
static void write_cell(char out[32], uint32_t n, uint32_t k)
{
    struct sotto_graph_terms complete = {.model = SOTTO_GRAPH_COMPLETE};
    struct sotto_graph graph;
    sotto_graph_choose(&graph, &complete, n, k);
    uint32_t t = graph.threshold;
    uint32_t need = sotto_session_need(&complete, &graph, n, 3, k);
    if (need > n) {
        (void)snprintf(out, 32, "-");
    } else {
        (void)snprintf(out, 32, "%u / %u / %u / %u", t, need, n - need, n - t);
    }
}

static char *read_document(const char *name)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", SOTTO_TEST_SOURCE, name);
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 20);
    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    assert_int_equal(fclose(file), 0);
    return text;
}

static void test_the_table_of_colluders(void **state)
{
    (void)state;
    static const char *const documents[] = {"README.md", "aggregation/PROTOCOL.md"};
    for (size_t d = 0; d < 2; d++) {
        char *text = read_document(documents[d]);
        for (uint32_t n = 3; n <= TABLE_PARTIES_MAX; n++) {
            char row[256];
            int bytes = snprintf(row, sizeof row, "\n| %u |", n);
            for (uint32_t k = 0; k <= TABLE_COLLUDERS_MAX; k++) {
                char cell[32];
                write_cell(cell, n, k);
                bytes += snprintf(row + bytes, sizeof row - (size_t)bytes, " %s |", cell);
            }
            uint32_t t = sotto_session_threshold(n, 0);
            (void)snprintf(row + bytes, sizeof row - (size_t)bytes, " %u |\n", t - 1);
            if (strstr(text, row) == NULL) {
                print_error("%s lacks this row of its table:%s", documents[d], row);
            }
            assert_non_null(strstr(text, row));
        }
        free(text);
    }
}

static void test_any_threshold_many_shares_give_the_secret(void **state)
{
    (void)state;
    enum { THRESHOLD = 4, HOLDERS = 7 };
    static const uint32_t order[HOLDERS] = {4, 0, 6, 2, 1, 5, 3}; /* as drawn on a sparse graph */
    uint8_t values[THRESHOLD * SOTTO__SCALAR_BYTES]; /* the secret, then the first shares */
    uint8_t weighted[THRESHOLD * SOTTO__SCALAR_BYTES];
    uint8_t shares[HOLDERS][SOTTO__SCALAR_BYTES];
    struct sotto__shamir_dealer *dealer;
    for (size_t k = 0; k < THRESHOLD; k++) {
        assert_ok(sotto__scalar_random(values + k * SOTTO__SCALAR_BYTES, source));
    }
    assert_ok(sotto__shamir_dealer_new(&dealer, order, THRESHOLD, HOLDERS));
    sotto__shamir_weigh(dealer, weighted, values);
    for (uint32_t p = 0; p < HOLDERS; p++) {
        if (p + 1 < THRESHOLD) {
            memcpy(shares[order[p]], values + (p + 1) * SOTTO__SCALAR_BYTES, SOTTO__SCALAR_BYTES);
        } else {
            sotto__shamir_extend(dealer, shares[order[p]], weighted, order[p]);
        }
    }
    sotto__shamir_dealer_free(dealer);
    for (uint32_t set = 0; set < 1U << HOLDERS; set++) {
        uint32_t holders[HOLDERS];
        uint8_t basis[HOLDERS * SOTTO__SCALAR_BYTES];
        uint8_t secret[SOTTO__SCALAR_BYTES];
        uint8_t known[HOLDERS * SOTTO__SCALAR_BYTES];
        uint32_t len = 0;
        for (uint32_t j = 0; j < HOLDERS; j++) {
            if ((set >> j & 1) != 0) {
                memcpy(known + len * SOTTO__SCALAR_BYTES, shares[j], SOTTO__SCALAR_BYTES);
                holders[len++] = j;
            }
        }
        if (len == 0) {
            continue;
        }
        sotto__shamir_basis(basis, holders, len);
        sotto__shamir_combine(secret, basis, known, len);
        bool found = memcmp(secret, values, SOTTO__SCALAR_BYTES) == 0;
        assert_int_equal(found, len >= THRESHOLD);
    }
}

/* So many terms and factors that they take several reductions, the largest of them; against
 * libsodium's arithmetic one by one. */
static void test_sharing_among_a_thousand(void **state)
{
    (void)state;
    enum { N = SOTTO_SESSION_PARTIES_MAX, THRESHOLD = 667 };
    static uint32_t holders[N];
    static uint8_t values[THRESHOLD * SOTTO__SCALAR_BYTES],
        weighted[THRESHOLD * SOTTO__SCALAR_BYTES];
    static uint8_t basis[THRESHOLD * SOTTO__SCALAR_BYTES], known[THRESHOLD * SOTTO__SCALAR_BYTES];
    uint8_t secret[SOTTO__SCALAR_BYTES], expected[SOTTO__SCALAR_BYTES] = {0},
                                         term[SOTTO__SCALAR_BYTES];
    struct sotto__shamir_dealer *dealer;
    for (uint32_t k = 0; k < N; k++) {
        holders[k] = N - 1 - k;
    }
    for (size_t k = 0; k < THRESHOLD; k++) {
        memset(term, 0, sizeof term);
        term[0] = (uint8_t)(k % 7 + 1);
        crypto_core_ristretto255_scalar_negate(values + k * SOTTO__SCALAR_BYTES,
                                               term); /* q - 1, ... */
    }
    assert_ok(sotto__shamir_dealer_new(&dealer, holders, THRESHOLD, N));
    sotto__shamir_weigh(dealer, weighted, values);
    for (uint32_t k = 0; k < THRESHOLD; k++) {
        uint32_t p = k < 334 ? k : k + 333; /* some shares as drawn, and all the others */
        uint8_t *share = known + (size_t)k * SOTTO__SCALAR_BYTES;
        if (p + 1 < THRESHOLD) {
            memcpy(share, values + (size_t)(p + 1) * SOTTO__SCALAR_BYTES, SOTTO__SCALAR_BYTES);
        } else {
            sotto__shamir_extend(dealer, share, weighted, holders[p]);
        }
        holders[k] = holders[p];
    }
    sotto__shamir_dealer_free(dealer);
    sotto__shamir_basis(basis, holders, THRESHOLD);
    sotto__shamir_combine(secret, basis, known, THRESHOLD);
    assert_memory_equal(secret, values, SOTTO__SCALAR_BYTES);
    for (size_t k = 0; k < THRESHOLD; k++) {
        crypto_core_ristretto255_scalar_mul(term, basis + k * SOTTO__SCALAR_BYTES,
                                            known + k * SOTTO__SCALAR_BYTES);
        crypto_core_ristretto255_scalar_add(expected, expected, term);
    }
    assert_memory_equal(expected, values, SOTTO__SCALAR_BYTES);
}

static void test_points(void **state)
{
    (void)state;
    uint8_t scalar[SOTTO__SCALAR_BYTES], point[SOTTO__POINT_BYTES];
    const uint8_t zero[SOTTO__SCALAR_BYTES] = {0};
    uint8_t invalid[SOTTO__POINT_BYTES];
    assert_ok(sotto__scalar_random(scalar, source));
    assert_true(sotto__point_base(point, scalar));
    assert_true(sotto__point_is_usable(point));
    assert_false(sotto__point_is_usable(zero)); /* the identity */
    memset(invalid, 0xff, sizeof invalid);
    assert_false(sotto__point_is_usable(invalid));
    assert_false(sotto__point_base(point, zero));
    assert_memory_equal(point, zero, SOTTO__POINT_BYTES);
}

static void test_merkle_paths(void **state)
{
    (void)state;
    for (uint32_t n = 3; n <= 9; n++) {
        uint8_t pairs[9 * SOTTO__HASH_BYTES];
        uint8_t path[4 * SOTTO__HASH_BYTES];
        struct sotto__merkle_tree tree;
        fill(pairs, sizeof pairs);
        assert_ok(sotto__merkle_build(&tree, pairs, n));
        const uint8_t *root = sotto__merkle_root(&tree);
        for (uint32_t j = 0; j < n; j++) {
            const uint8_t *pair = pairs + (size_t)j * SOTTO__HASH_BYTES;
            sotto__merkle_path(&tree, path, j);
            assert_true(sotto__merkle_check(root, pair, path, j, n));
            assert_false(sotto__merkle_check(root, path, path, j, n));
            assert_false(sotto__merkle_check(root, pair, path, (j + 1) % n, n));
            path[3] ^= 1;
            assert_false(sotto__merkle_check(root, pair, path, j, n));
        }
        sotto__merkle_release(&tree);
    }
}

/* A proof holds for its own points and context, and not with any other byte of all of it. */
static void test_equal_logarithms(void **state)
{
    (void)state;
    uint8_t c[SOTTO__SCALAR_BYTES], b[SOTTO__SCALAR_BYTES];
    uint8_t points[3][SOTTO__POINT_BYTES]; /* C, B, P */
    struct sotto__dleq proof;
    assert_ok(sotto__scalar_random(c, source));
    assert_ok(sotto__scalar_random(b, source));
    assert_true(sotto__point_base(points[0], c));
    assert_true(sotto__point_base(points[1], b));
    assert_true(sotto__point_multiply(points[2], c, points[1]));
    struct sotto__dleq_statement statement = {
        .own_point = points[0], .base = points[1], .shared = points[2]};
    fill(statement.context, sizeof statement.context);
    assert_ok(sotto__dleq_prove(&proof, c, &statement, source));
    assert_true(sotto__dleq_verify(&proof, &statement));
    for (size_t i = 0; i < sizeof proof + sizeof points + sizeof statement.context; i++) {
        size_t at = i < sizeof proof ? i : i - sizeof proof;
        uint8_t *byte = i < sizeof proof     ? (uint8_t *)&proof + i
                        : at < sizeof points ? points[0] + at
                                             : statement.context + at - sizeof points;
        for (uint8_t bit = 1; bit < 128; bit = (uint8_t)(bit * 2)) { /* 128: of a scalar, ignored */
            *byte ^= bit;
            assert_false(sotto__dleq_verify(&proof, &statement));
            *byte ^= bit;
        }
    }
    assert_true(sotto__point_multiply(points[2], b, points[1])); /* of another logarithm */
    assert_ok(sotto__dleq_prove(&proof, c, &statement, source));
    assert_false(sotto__dleq_verify(&proof, &statement));
    memset(&proof, 0, sizeof proof);
    assert_false(sotto__dleq_verify(&proof, &statement));
    memset(points, 0, sizeof points); /* the identity */
    assert_false(sotto__dleq_verify(&proof, &statement));
}

/* The hash of a pair takes in both leaves, in their order, and the ciphertext. */
static void test_pairs(void **state)
{
    (void)state;
    uint8_t leaves[SOTTO__LEAVES_BYTES], cipher[SOTTO__SHARE_CIPHER_BYTES];
    uint8_t hash[SOTTO__HASH_BYTES], other[SOTTO__HASH_BYTES];
    fill(leaves, sizeof leaves);
    fill(cipher, sizeof cipher);
    sotto__pair_hash(hash, leaves, cipher);
    sotto__pair_hash(other, leaves, NULL);
    assert_memory_not_equal(hash, other, sizeof hash);
    for (size_t i = 0; i < sizeof leaves + sizeof cipher; i++) {
        uint8_t *byte = i < sizeof leaves ? &leaves[i] : &cipher[i - sizeof leaves];
        *byte ^= 1;
        sotto__pair_hash(other, leaves, cipher);
        assert_memory_not_equal(hash, other, sizeof hash);
        *byte ^= 1;
    }
}

/* One call to the library over the whole length: the plainest reading of PROTOCOL.md, "MASKED". */
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

/* vector += or -= addend, byte by byte. */
static void plain_add(uint8_t *vector, const uint8_t *addend, const struct sotto_vector_run *runs,
                      size_t runs_len, bool subtract)
{
    for (size_t r = 0; r < runs_len; r++) {
        size_t width = runs[r].element_bytes;
        int carry = 0;
        for (size_t b = 0; b < width * runs[r].elements_len; b++) {
            carry = b % width == 0 ? 0 : carry;
            int sum = subtract ? *vector - *addend - carry : *vector + *addend + carry;
            *vector++ = (uint8_t)(sum & 0xff);
            addend++;
            carry = sum < 0 || sum > 255;
        }
    }
}

/* Every width, lengths around the eight of 40 bits, offsets at no cipher block, more than a chunk.
 */
static void check_masks(const struct sotto_vector_run *runs, size_t runs_len, size_t keys_len)
{
    size_t bytes;
    struct sotto__mask_key keys[40];
    assert_ok(sotto_vector_bytes(&bytes, runs, runs_len));
    uint8_t *masked = sotto_alloc_aligned(bytes);
    uint8_t *expected = sotto_alloc_aligned(bytes);
    uint8_t *stream_bytes = sotto_alloc_aligned(bytes);
    fill(masked, bytes);
    memcpy(expected, masked, bytes);
    for (size_t k = 0; k < keys_len; k++) {
        fill(keys[k].key, 32);
        keys[k].sign = k % 3 == 1 ? SOTTO__MASK_SUBTRACT : SOTTO__MASK_ADD;
        plain_stream(stream_bytes, bytes, keys[k].key);
        plain_add(expected, stream_bytes, runs, runs_len, keys[k].sign == SOTTO__MASK_SUBTRACT);
    }
    assert_ok(sotto__mask_apply(masked, runs, runs_len, keys, keys_len));
    assert_memory_equal(masked, expected, bytes);
    sotto_free(masked);
    sotto_free(expected);
    sotto_free(stream_bytes);
}

static void test_masks_are_the_keystream_element_by_element(void **state)
{
    (void)state;
    static const struct sotto_vector_run mixed[] = {{5, 3},  {4, 11}, {8, 5},      {272, 2},
                                                    {5, 13}, {16, 3}, {1064, 100}, {5, 8}};
    static const struct sotto_vector_run narrow = {4, 100003}, odd = {5, 100003}, wide = {8, 50001};
    static const struct sotto_vector_run big = {4, 1500000};
    check_masks(mixed, 8, 1);
    check_masks(mixed, 8, 40);
    check_masks(&narrow, 1, 3);
    check_masks(&odd, 1, 3);
    check_masks(&wide, 1, 3);
    check_masks(&big, 1, 2); /* long enough for the other library, where there is one */
}

static void test_vectors_add_with_carries_inside_elements_only(void **state)
{
    (void)state;
    static const uint32_t widths[] = {4, 5, 8, 16, 24, 272};
    for (size_t w = 0; w < 6; w++) {
        for (size_t len = 1; len < 40; len++) {
            struct sotto_vector_run run = {widths[w], len};
            static uint8_t vector[40 * 272], addend[40 * 272], expected[40 * 272];
            fill(vector, sizeof vector);
            fill(addend, sizeof addend);
            memset(vector, 0xff, widths[w]); /* carries all the way */
            memcpy(expected, vector, sizeof vector);
            plain_add(expected, addend, &run, 1, false);
            sotto_vector_add(vector, addend, &run, 1);
            assert_memory_equal(vector, expected, sizeof vector);
            plain_add(expected, addend, &run, 1, true);
            sotto__elements_add(vector, addend, widths[w], len, SOTTO__MASK_SUBTRACT);
            assert_memory_equal(vector, expected, sizeof vector);
        }
    }
}

static void test_vectors_have_limits(void **state)
{
    (void)state;
    static const struct sotto_vector_run bad[] = {
        {0, 1},
        {3, 1},
        {12, 1},
        {SOTTO_ELEMENT_BYTES_MAX + 8, 1},
        {4, 0},
        {8, SIZE_MAX / 4},
        {4, SOTTO_VECTOR_BYTES_MAX / 4 + 1},
    };
    static const struct sotto_vector_run good[] = {{8, 1}, {4, 3}, {5, 1}};
    size_t bytes = 0;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(sotto_vector_bytes(&bytes, &bad[i], 1), SOTTO_ERROR_LIMIT);
    }
    assert_int_equal(sotto_vector_bytes(&bytes, good, 0), SOTTO_ERROR_LIMIT);
    assert_ok(sotto_vector_bytes(&bytes, good, 3));
    assert_int_equal(bytes, 25);
}

/* fcp's table for a shared permutation (5 % corrupted): ours, with holders that each party draws
 * itself, needs the same (its degree is our holders less the party itself). */
static void test_graphs_against_the_published_table(void **state)
{
    (void)state;
    static const struct {
        enum sotto_graph_model model;
        uint16_t dropped_permille;
        uint32_t degree;
        uint32_t threshold;
    } table[] = {{SOTTO_GRAPH_CURIOUS, 50, 30, 17},
                 {SOTTO_GRAPH_CURIOUS, 330, 72, 24},
                 {SOTTO_GRAPH_SEMI_MALICIOUS, 50, 52, 37},
                 {SOTTO_GRAPH_SEMI_MALICIOUS, 330, 398, 223}};
    for (size_t i = 0; i < 4; i++) {
        struct sotto_graph_terms terms = {table[i].model, 50, table[i].dropped_permille};
        struct sotto_graph graph;
        sotto_graph_choose(&graph, &terms, 1000, 0);
        assert_in_range(graph.holders - 1, table[i].degree - 1, table[i].degree);
        assert_int_equal(graph.threshold, table[i].threshold);
    }
}

static void test_graphs_are_safe_and_no_larger_than_needed(void **state)
{
    (void)state;
    for (uint32_t n = 3; n <= 1000; n += 1 + n / 4) {
        for (int model = SOTTO_GRAPH_COMPLETE; model <= SOTTO_GRAPH_SEMI_MALICIOUS; model++) {
            struct sotto_graph_terms terms = {(enum sotto_graph_model)model, 50, 200};
            struct sotto_graph graph;
            sotto_graph_choose(&graph, &terms, n, 0);
            assert_true(sotto_graph_is_safe(&graph, &terms, n, 0));
            if (sotto_graph_is_complete(&graph, n)) {
                continue;
            }
            assert_true(model != SOTTO_GRAPH_COMPLETE);
            struct sotto_graph smaller = graph;
            struct sotto_graph weaker = graph;
            weaker.threshold = graph.holders; /* correctness */
            assert_false(sotto_graph_is_safe(&weaker, &terms, n, 0));
            smaller.threshold = graph.threshold / 2; /* privacy; a few parties have few corrupted */
            assert_true(n < 50 || !sotto_graph_is_safe(&smaller, &terms, n, 0));
            smaller = graph;
            smaller.masks = 1;
            assert_true(graph.masks == 1 || !sotto_graph_is_safe(&smaller, &terms, n, 0));
        }
    }
}

static void test_shares_travel_to_one_holder_only(void **state)
{
    (void)state;
    struct sotto__share_pair pair, opened;
    uint8_t cipher[SOTTO__SHARE_CIPHER_BYTES], key[32], session[SOTTO_SESSION_BYTES];
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
    assert_int_equal(sotto_read_status(&reader), SOTTO_ERROR_PROTOCOL);
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

static void test_long_messages_are_signed_in_chunks(void **state)
{
    (void)state;
    struct sotto_identity *identity;
    struct sotto_signature signature;
    size_t bytes = ((size_t)3 << 20) + 5;
    uint8_t *message = sotto_alloc(bytes);
    assert_ok(sotto_identity_generate(&identity, source));
    struct sotto_key key = sotto_identity_key(identity);
    fill(message, bytes);
    sotto_identity_sign(identity, &signature, "l", message, bytes);
    assert_true(sotto_key_verify(&key, &signature, "l", message, bytes));
    static const size_t places[] = {0, 1 << 20, (2 << 20) - 1, (3 << 20) + 4};
    for (size_t i = 0; i < 4; i++) {
        message[places[i]] ^= 1;
        assert_false(sotto_key_verify(&key, &signature, "l", message, bytes));
        message[places[i]] ^= 1;
    }
    assert_false(sotto_key_verify(&key, &signature, "l", message, bytes - 1));
    sotto_free(message);
    sotto_identity_free(identity);
}

/* A signature that libsodium made, so that this process knows nothing of it yet. */
static void sign_elsewhere(struct sotto_key *key, struct sotto_signature *signature,
                           uint8_t digest[SOTTO_SIGNED_DIGEST_BYTES])
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    (void)crypto_sign_keypair(key->bytes, secret);
    fill(digest, SOTTO_SIGNED_DIGEST_BYTES);
    (void)crypto_sign_detached(signature->bytes, NULL, digest, SOTTO_SIGNED_DIGEST_BYTES, secret);
}

static void test_right_signatures_are_remembered(void **state)
{
    (void)state;
    struct sotto_key key;
    struct sotto_signature signature;
    uint8_t digest[SOTTO_SIGNED_DIGEST_BYTES];
    sign_elsewhere(&key, &signature, digest);
    assert_true(sotto_key_verify_digest(&key, &signature, digest));
    assert_false(sotto__remembers(&key, &signature, digest)); /* nobody asked for it */
    sotto_signatures_remember();
    assert_false(sotto__remembers(&key, &signature, digest));
    assert_true(sotto_key_verify_digest(&key, &signature, digest));
    assert_true(sotto__remembers(&key, &signature, digest));
    struct sotto_identity *identity;
    assert_ok(sotto_identity_generate(&identity, source));
    struct sotto_key own = sotto_identity_key(identity);
    sotto_identity_sign_digest(identity, &signature, digest);
    assert_true(sotto__remembers(&own, &signature, digest)); /* it made that one */
    sotto_identity_free(identity);
    sotto_signatures_forget();
}

#define SHARING 12

/* Each pair of parties has the product that it has without a table, whoever comes first, in tables
 * that have room for all and in one that has a single place. */
static void test_shared_points_are_products(void **state)
{
    (void)state;
    uint8_t scalars[SHARING][SOTTO__SCALAR_BYTES];
    uint8_t points[SHARING][SOTTO__POINT_BYTES];
    for (size_t i = 0; i < SHARING; i++) {
        assert_ok(sotto__scalar_random(scalars[i], source));
        assert_true(sotto__point_base(points[i], scalars[i]));
    }
    for (size_t room = 1; room <= SHARING; room++) {
        struct sotto_shared_points *table;
        assert_ok(sotto_shared_points_new(&table, room));
        for (size_t k = 0; k < SHARING * SHARING; k++) {
            size_t i = k / SHARING;
            size_t j = (k + room) % SHARING;
            uint8_t found[SOTTO__POINT_BYTES];
            uint8_t product[SOTTO__POINT_BYTES];
            assert_true(sotto__point_multiply(product, scalars[i], points[j]));
            if (i != j) {
                assert_true(sotto__point_share(table, found, scalars[i], points[i], points[j]));
                assert_memory_equal(found, product, sizeof product);
            }
        }
        sotto_shared_points_free(table);
    }
}

static enum sotto_status make_table(void *context)
{
    (void)context;
    struct sotto_shared_points *table;
    enum sotto_status status = sotto_shared_points_new(&table, 3);
    if (status == SOTTO_OK) {
        sotto_shared_points_free(table);
    }
    return status;
}

static void test_shared_points_need_memory(void **state)
{
    (void)state;
    assert_int_equal(fault_each_allocation(make_table, NULL), 2);
}

/* The second of a pair finds what the first one left, and nobody finds it again: a scalar that is
 * not its point's shows whether it was asked for. */
static void test_shared_points_are_found_once(void **state)
{
    (void)state;
    uint8_t scalars[3][SOTTO__SCALAR_BYTES];
    uint8_t points[3][SOTTO__POINT_BYTES];
    uint8_t found[SOTTO__POINT_BYTES];
    uint8_t product[SOTTO__POINT_BYTES];
    uint8_t other[SOTTO__POINT_BYTES];
    struct sotto_shared_points *table;
    for (size_t i = 0; i < 3; i++) {
        assert_ok(sotto__scalar_random(scalars[i], source));
        assert_true(sotto__point_base(points[i], scalars[i]));
    }
    assert_ok(sotto_shared_points_new(&table, 100));
    assert_true(sotto__point_share(table, product, scalars[0], points[0], points[1]));
    assert_true(sotto__point_share(table, found, scalars[2], points[1], points[0]));
    assert_memory_equal(found, product, sizeof product);
    assert_true(sotto__point_multiply(other, scalars[2], points[0]));
    assert_memory_not_equal(other, product, sizeof product);
    assert_true(sotto__point_share(table, found, scalars[2], points[1], points[0]));
    assert_memory_equal(found, other, sizeof other);
    sotto_shared_points_free(table);
    /* Nobody finds anything in another table. */
    assert_ok(sotto_shared_points_new(&table, 100));
    assert_true(sotto__point_share(table, product, scalars[0], points[0], points[1]));
    assert_true(sotto__point_share(NULL, found, scalars[2], points[1], points[0]));
    assert_memory_equal(found, other, sizeof other);
    sotto_shared_points_free(table);
}

/* Every change of one that is remembered is refused, again and again. */
static void test_changed_signatures_are_refused(void **state)
{
    (void)state;
    struct sotto_key key;
    struct sotto_signature signature;
    uint8_t digest[SOTTO_SIGNED_DIGEST_BYTES];
    sotto_signatures_remember();
    sign_elsewhere(&key, &signature, digest);
    assert_true(sotto_key_verify_digest(&key, &signature, digest));
    uint8_t *const parts[] = {key.bytes, signature.bytes, digest};
    const size_t parts_bytes[] = {sizeof key.bytes, sizeof signature.bytes, sizeof digest};
    for (size_t part = 0; part < 3; part++) {
        for (size_t bit = 0; bit < 8 * parts_bytes[part]; bit++) {
            parts[part][bit / 8] ^= (uint8_t)(1U << bit % 8);
            assert_false(sotto_key_verify_digest(&key, &signature, digest));
            assert_false(sotto_key_verify_digest(&key, &signature, digest));
            parts[part][bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
    }
    assert_true(sotto_key_verify_digest(&key, &signature, digest));
    sotto_signatures_forget();
}

#define SIGNATURES_LEN ((size_t)5000) /* more than there is room for */

struct signer {
    pthread_t thread;
    const struct sotto_identity *identity;
    size_t mistakes;
};

static void *sign_and_verify(void *context)
{
    struct signer *signer = context;
    struct sotto_key key = sotto_identity_key(signer->identity);
    struct sotto_signature before = {{0}};
    for (size_t i = 0; i < SIGNATURES_LEN; i++) {
        uint8_t digest[SOTTO_SIGNED_DIGEST_BYTES] = {0};
        struct sotto_signature signature;
        size_t at = i * 7 % SIGNATURES_LEN;
        memcpy(digest, &at, sizeof at);
        sotto_identity_sign_digest(signer->identity, &signature, digest);
        signer->mistakes += !sotto_key_verify_digest(&key, &signature, digest);
        if (i % 20 == 1) { /* another one's does not stand for this one */
            signer->mistakes += sotto_key_verify_digest(&key, &before, digest);
        }
        before = signature;
    }
    return NULL;
}

static void test_threads_remember_together(void **state)
{
    (void)state;
    struct sotto_identity *identity;
    struct signer signers[4];
    assert_ok(sotto_identity_generate(&identity, source));
    sotto_signatures_remember();
    for (size_t i = 0; i < 4; i++) {
        signers[i] = (struct signer){.identity = identity};
        assert_int_equal(pthread_create(&signers[i].thread, NULL, sign_and_verify, &signers[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(signers[i].thread, NULL), 0);
        assert_int_equal(signers[i].mistakes, 0);
    }
    sotto_signatures_forget();
    sotto_identity_free(identity);
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
        cmocka_unit_test(test_the_table_of_colluders),
        cmocka_unit_test(test_any_threshold_many_shares_give_the_secret),
        cmocka_unit_test(test_sharing_among_a_thousand),
        cmocka_unit_test(test_points),
        cmocka_unit_test(test_merkle_paths),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_equal_logarithms),
        cmocka_unit_test(test_masks_are_the_keystream_element_by_element),
        cmocka_unit_test(test_vectors_add_with_carries_inside_elements_only),
        cmocka_unit_test(test_vectors_have_limits),
        cmocka_unit_test(test_graphs_against_the_published_table),
        cmocka_unit_test(test_graphs_are_safe_and_no_larger_than_needed),
        cmocka_unit_test(test_shares_travel_to_one_holder_only),
        cmocka_unit_test(test_derived_keys_differ),
        cmocka_unit_test(test_bitmaps_have_no_bits_beyond_their_end),
        cmocka_unit_test(test_every_status_goes_over_the_wire),
        cmocka_unit_test(test_identities),
        cmocka_unit_test(test_long_messages_are_signed_in_chunks),
        cmocka_unit_test(test_right_signatures_are_remembered),
        cmocka_unit_test(test_shared_points_are_products),
        cmocka_unit_test(test_shared_points_are_found_once),
        cmocka_unit_test(test_shared_points_need_memory),
        cmocka_unit_test(test_changed_signatures_are_refused),
        cmocka_unit_test(test_threads_remember_together),
        cmocka_unit_test(test_other_versions_are_named),
        cmocka_unit_test(test_queues_survive_no_memory),
    };
    return cmocka_run_group_tests(tests, reset_random, NULL);
}
