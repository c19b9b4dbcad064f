/* SPDX-License-Identifier: Apache-2.0 */

/* The table of rules: codes that nobody else has, and which profile asks what. */

#include "test.h"

#include <sotto/disclosure.h>
#include <string.h>

static void test_codes(void **state)
{
    (void)state;
    for (size_t i = 0; i < SOTTO_RULES_LEN; i++) {
        const char *code = sotto_rule_code((enum sotto_rule)i);
        assert_non_null(code);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(code, sotto_rule_code((enum sotto_rule)j));
        }
    }
}

/* Safe asks every rule, open cover alone. */
static void test_profiles(void **state)
{
    (void)state;
    struct sotto_rules safe;
    struct sotto_rules open;
    sotto_rules_init(&safe, SOTTO_PROFILE_SAFE);
    sotto_rules_init(&open, SOTTO_PROFILE_OPEN);
    assert_string_equal(sotto_profile_name(SOTTO_PROFILE_SAFE), "safe");
    assert_string_equal(sotto_profile_name(SOTTO_PROFILE_OPEN), "open");
    assert_null(sotto_profile_name(SOTTO_PROFILE_OPEN + 1));
    for (size_t i = 0; i < SOTTO_RULES_LEN; i++) {
        assert_true(safe.is_on[i]);
        assert_int_equal(open.is_on[i], i == SOTTO_RULE_COVER);
    }
    assert_int_equal(safe.min_rows, 10);
    assert_int_equal(safe.dominance, 10);
    assert_int_equal(open.min_rows + open.dominance, 0);
    sotto_rules_set_min_rows(&safe, 0);
    sotto_rules_set_min_rows(&open, 3);
    sotto_rules_set_dominance(&open, 20);
    assert_false(safe.is_on[SOTTO_RULE_ROWS] || safe.is_on[SOTTO_RULE_HIDDEN]);
    assert_true(open.is_on[SOTTO_RULE_ROWS] && open.is_on[SOTTO_RULE_PRESENCE]);
    assert_true(open.is_on[SOTTO_RULE_HIDDEN] && open.is_on[SOTTO_RULE_DOMINANCE]);
    assert_false(open.is_on[SOTTO_RULE_GRAMMAR]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_profiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
