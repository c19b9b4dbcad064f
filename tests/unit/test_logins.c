/* SPDX-License-Identifier: Apache-2.0 */

/* Logins: how long they last, and who pushes out whom. */

#include "node/http/logins.h"
#include "test.h"

#include <string.h>

static struct logins logins;

static void begin(uint8_t out_id[LOGIN_BYTES], uint8_t token, uint64_t now_ms)
{
    uint8_t hash[TOKEN_HASH_BYTES] = {token, 1};
    assert_int_equal(logins_begin(&logins, out_id, hash, now_ms), SOTTO_OK);
}

static void test_a_login_stands_for_its_token(void **state)
{
    uint8_t id[2][LOGIN_BYTES];
    uint8_t none[LOGIN_BYTES] = {0};
    (void)state;
    logins = (struct logins){0};
    assert_null(logins_find(&logins, none, 0)); /* a place that is free has the id of zeros */
    begin(id[0], 1, 1000);
    begin(id[1], 2, 2000);
    assert_memory_not_equal(id[0], id[1], LOGIN_BYTES);
    assert_int_equal(logins_find(&logins, id[0], 2000)[0], 1);
    assert_int_equal(logins_find(&logins, id[1], 2000)[0], 2);
    uint64_t end_ms = 1000 + LOGIN_SECONDS * UINT64_C(1000);
    assert_non_null(logins_find(&logins, id[0], end_ms - 1));
    assert_null(logins_find(&logins, id[0], end_ms));
    id[1][31] ^= 1;
    assert_null(logins_find(&logins, id[1], 2000));
    id[1][31] ^= 1;
    logins_end(&logins, id[1]);
    assert_null(logins_find(&logins, id[1], 2000));
    assert_null(logins_find(&logins, none, 2000));
    assert_non_null(logins_find(&logins, id[0], 2000));
}

static void test_a_token_pushes_out_its_own(void **state)
{
    uint8_t other[LOGIN_BYTES];
    uint8_t id[LOGINS_OF_TOKEN + 2][LOGIN_BYTES];
    (void)state;
    logins = (struct logins){0};
    begin(other, 9, 1);
    for (size_t i = 0; i < LOGINS_OF_TOKEN + 2; i++) {
        begin(id[i], 1, 10 + i);
    }
    for (size_t i = 0; i < LOGINS_OF_TOKEN + 2; i++) {
        assert_int_equal(logins_find(&logins, id[i], 100) != NULL, i >= 2);
    }
    assert_non_null(logins_find(&logins, other, 100));
}

static void test_where_all_places_are_taken_the_oldest_goes(void **state)
{
    uint8_t first[LOGIN_BYTES];
    uint8_t second[LOGIN_BYTES];
    uint8_t id[LOGIN_BYTES];
    (void)state;
    logins = (struct logins){0};
    begin(first, 0, 1);
    begin(second, 1, 2);
    for (size_t i = 2; i <= LOGINS_MAX; i++) {
        begin(id, (uint8_t)(i / LOGINS_OF_TOKEN + 2), 10 + i);
    }
    assert_null(logins_find(&logins, first, 1000));
    assert_non_null(logins_find(&logins, second, 1000));
    assert_non_null(logins_find(&logins, id, 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_login_stands_for_its_token),
        cmocka_unit_test(test_a_token_pushes_out_its_own),
        cmocka_unit_test(test_where_all_places_are_taken_the_oldest_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
