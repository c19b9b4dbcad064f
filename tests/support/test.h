/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_TEST_H
#define SOTTO_TEST_H

/* cmocka in the order it wants its headers, and what it lacks. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* SOTTO_TEST_ONLY names one test of a program, which is then run alone: what none is named so
 * fails. */
static inline int test_run_group(const char *name, const struct CMUnitTest *tests, size_t len,
                                 CMFixtureFunction setup, CMFixtureFunction teardown)
{
    const char *only = getenv("SOTTO_TEST_ONLY");
    size_t i = 0;
    while (only != NULL && i < len && strcmp(tests[i].name, only) != 0) {
        i++;
    }
    if (only != NULL && i == len) {
        print_error("%s: there is no test of this name\n", only);
        return 1;
    }
    return only == NULL ? _cmocka_run_group_tests(name, tests, len, setup, teardown)
                        : _cmocka_run_group_tests(only, tests + i, 1, setup, teardown);
}

#undef cmocka_run_group_tests
#define cmocka_run_group_tests(tests, setup, teardown)                                             \
    test_run_group(#tests, tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)

/* cmocka compares doubles as floats; these two compare bits. */
static inline uint64_t test_double_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

#define assert_double_bits_equal(a, b) assert_int_equal(test_double_bits(a), test_double_bits(b))

#define assert_ok(call) assert_int_equal((call), SOTTO_OK)

/* A text of `err` that must contain `part`. */
#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (strstr((text), (part)) == NULL) {                                                      \
            print_error("\"%s\" does not contain \"%s\"\n", (text), (part));                       \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

#endif
