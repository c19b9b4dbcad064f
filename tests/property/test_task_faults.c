/* SPDX-License-Identifier: Apache-2.0 */
/* A task whose allocations fail, each one once. */
#include "fault.h"
#include "net.h"
#include "test.h"

#include <sotto/secret.h>

/* Every allocation of a task fails once. Whoever meets it, the task ends: with a result among those
 * that are left (never three of three), or with an error. */
static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    for (int rounds = 1; rounds <= 2; rounds++) {
        size_t failures = 0;
        bool injected = true;
        for (size_t fail_at = 1; injected; fail_at++) {
            if (rounds == 1) {
                net_begin(3, 3, 3);
            } else {
                net_begin_rounds(3, 3);
            }
            fault_allocation_begin(fail_at);
            net_run();
            injected = fault_allocation_end();
            if (net.ended == SOTTO_OK) {
                net_assert_result("102.5625", "\"survived\": 3");
            } else {
                failures++;
            }
            net_end();
        }
        assert_true(failures > 100);
    }
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
