/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration that is read again while a node runs: who stands where, and what can't change. */
#include "cases.h"
#include "node/config/places.h"
#include "test.h"

#include <sotto/identity.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <unistd.h>

#define PEERS 8
#define HEAD "name: alpha\nstate_dir: state\nidentity: node.key\n"

static char path[] = "/tmp/sotto-test-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd >= 0 && sotto_init() == SOTTO_OK ? close(fd) : -1;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_text(const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static struct sotto_key make_key(unsigned i)
{
    uint8_t seed[SOTTO_IDENTITY_SEED_BYTES] = {(uint8_t)i, (uint8_t)(i >> 8)};
    struct sotto_identity *identity = NULL;
    assert_ok(sotto_identity_from_seed(&identity, seed));
    struct sotto_key key = sotto_identity_key(identity);
    sotto_identity_free(identity);
    return key;
}

/* Writes a file with the peers of a set of bits, from the last or the first one on. */
static void write_peers(unsigned set, bool backwards)
{
    char text[4096] = HEAD "peers:\n";
    for (unsigned n = 0; n < PEERS; n++) {
        unsigned i = backwards ? PEERS - 1 - n : n;
        struct sotto_key key = make_key(i);
        char digits[SOTTO_KEY_TEXT_BYTES];
        sotto_key_to_text(&key, digits);
        if ((set >> i & 1) != 0) {
            size_t at = strlen(text);
            (void)snprintf(text + at, sizeof text - at, "  - name: p%u\n    key: %s\n", i, digits);
        }
    }
    if (set == 0) {
        (void)snprintf(text, sizeof text, HEAD);
    }
    write_text(text);
}

static struct config *reload(const struct config *before)
{
    char restart[CONFIG_RESTART_BYTES];
    struct config *config = NULL;
    struct sotto_error err = {0};
    enum sotto_status status = config_reload(&config, restart, path, before, &err);
    assert_string_equal(err.text, "");
    assert_ok(status);
    assert_string_equal(restart, "");
    return config;
}

/* However often peers come and go: who ever had a place has it, nobody else does, and only who is
 * in the file is found, under its own name. */
static void test_a_peer_keeps_its_place(void **state)
{
    (void)state;
    struct config first = {0};
    size_t places[PEERS];
    uint32_t random = 12345;
    memset(places, 0xFF, sizeof places);
    write_peers(0x0F, false);
    assert_ok(config_load(&first, path, NULL));
    struct config *config = NULL;
    for (size_t step = test_cases(200); step > 0; step--) {
        random = random * 1664525 + 1013904223;
        unsigned set = random >> 24;
        write_peers(set, (random >> 23 & 1) != 0);
        struct config *next = reload(config != NULL ? config : &first);
        config_drop(config);
        config = next;
        size_t len = 0;
        for (unsigned i = 0; i < PEERS; i++) {
            struct sotto_key key = make_key(i);
            char name[8];
            size_t place = config_find_peer(config, &key);
            (void)snprintf(name, sizeof name, "p%u", i);
            assert_int_equal(place != SOTTO_NONE, set >> i & 1);
            if (place == SOTTO_NONE) {
                continue;
            }
            assert_true(places[i] == SOTTO_NONE || places[i] == place);
            assert_true(config_has_peer(config, place));
            assert_string_equal(config->file->peers[place].name, name);
            places[i] = place;
            len++;
        }
        assert_int_equal(config_count_peers(config), len);
        assert_true(config->file->peers_count <= PEERS);
        for (size_t i = 0; i < config->file->peers_count; i++) {
            bool has_blank = strchr(config->file->peers[i].name, ' ') != NULL;
            assert_int_equal(has_blank, !config_has_peer(config, i));
        }
    }
    config_drop(config);
    config_release(&first);
}

/* A name goes on with another key: that is another peer, at another place. */
static void test_a_replaced_key_is_another_peer(void **state)
{
    (void)state;
    struct config first = {0};
    struct sotto_key old = make_key(1);
    struct sotto_key new = make_key(900);
    char text[512];
    char digits[SOTTO_KEY_TEXT_BYTES];
    write_peers(0x03, false);
    assert_ok(config_load(&first, path, NULL));
    sotto_key_to_text(&new, digits);
    (void)snprintf(text, sizeof text, HEAD "peers:\n  - {name: p1, key: %s}\n", digits);
    write_text(text);
    struct config *config = reload(&first);
    assert_int_equal(config_find_peer(config, &old), SOTTO_NONE);
    size_t place = config_find_peer(config, &new);
    assert_int_equal(place, 2);
    assert_string_equal(config->file->peers[2].name, "p1");
    assert_string_equal(config->file->peers[1].name, "p1 (removed)");
    assert_int_equal(config_count_peers(config), 1);
    config_drop(config);
    config_release(&first);
}

static void test_there_is_an_end_to_places(void **state)
{
    (void)state;
    struct config first = {0};
    char restart[CONFIG_RESTART_BYTES];
    struct sotto_error err = {0};
    write_peers(0, false);
    assert_ok(config_load(&first, path, NULL));
    struct config *config = NULL;
    char text[512];
    char digits[SOTTO_KEY_TEXT_BYTES];
    for (unsigned i = 0; i <= CONFIG_PEERS_ADDED_MAX; i++) {
        struct config *next = NULL;
        struct sotto_key key = make_key(i);
        sotto_key_to_text(&key, digits);
        (void)snprintf(text, sizeof text, HEAD "peers:\n  - {name: p, key: %s}\n", digits);
        write_text(text);
        enum sotto_status status =
            config_reload(&next, restart, path, config != NULL ? config : &first, &err);
        assert_int_equal(status, i < CONFIG_PEERS_ADDED_MAX ? SOTTO_OK : SOTTO_ERROR_LIMIT);
        if (status == SOTTO_OK) {
            config_drop(config);
            config = next;
        }
    }
    assert_contains(err.text, "restart the node");
    config_drop(config);
    config_release(&first);
}

/* What a running node can't change stays, and is named; a file that is wrong changes nothing. */
static void test_what_stays(void **state)
{
    (void)state;
    struct config first = {0};
    struct config *config = NULL;
    char restart[CONFIG_RESTART_BYTES];
    struct sotto_error err = {0};
    write_text(HEAD "api:\n  listen: \"127.0.0.1:1\"\npeer:\n  listen: \"127.0.0.1:2\"\n"
                    "  tls_cert: a\n  tls_key: b\n");
    assert_ok(config_load(&first, path, NULL));
    write_text("name: beta\nstate_dir: other\nidentity: another\n"
               "api:\n  listen: \"127.0.0.1:3\"\n  token_file: t\n  tls_cert: c\n  tls_key: d\n"
               "peer:\n  listen: \"127.0.0.1:4\"\n  tls_cert: e\n  tls_key: f\n"
               "policy:\n  min_parties: 5\n");
    assert_ok(config_reload(&config, restart, path, &first, &err));
    assert_string_equal(restart, "name, state_dir, identity, api.token_file, api.listen, "
                                 "api.tls_cert, peer.listen");
    assert_string_equal(config->file->name, "alpha");
    assert_string_equal(config->file->state_dir, first.file->state_dir);
    assert_string_equal(config->file->peer->listen, "127.0.0.1:2");
    assert_null(config->file->api.tls_cert);
    assert_string_equal(config->file->peer->tls_cert, "/tmp/e"); /* read again from there */
    assert_int_equal(config->file->policy.min_parties, 5);
    config_drop(config);
    config = NULL;
    write_text(HEAD "api:\n  listen: \"127.0.0.1:1\"\n");
    assert_ok(config_reload(&config, restart, path, &first, &err));
    assert_string_equal(restart, "peer");
    assert_string_equal(config->file->peer->listen, "127.0.0.1:2");
    struct config *again = NULL;
    write_text(HEAD "peers:\n  - name: p0\n    kee: 1\n");
    assert_int_equal(config_reload(&again, restart, path, config, &err), SOTTO_ERROR_INPUT);
    assert_contains(err.text, "line: 6");
    assert_null(again);
    config_drop(config);
    config_release(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_peer_keeps_its_place),
        cmocka_unit_test(test_a_replaced_key_is_another_peer),
        cmocka_unit_test(test_there_is_an_end_to_places),
        cmocka_unit_test(test_what_stays),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
