/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_TEST_H
#define SOTTO_TEST_H

/* cmocka in the order it wants its headers, and what it lacks. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

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
