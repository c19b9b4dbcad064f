/* SPDX-License-Identifier: Apache-2.0 */

/* What sums give away together: of sets, and of products with columns of few values. */

#include "mixture.h"
#include "test.h"

#include <float.h>
#include <string.h>

#define MIN_ROWS 10

static uint64_t prime;

static uint64_t number(double value)
{
    return sotto__mixture_number(value, prime);
}

static uint64_t add(uint64_t a, uint64_t b)
{
    return (a + b) % prime; /* below 2^62 */
}

/* Numbers of a prime add up and multiply as doubles do, where these are exact. */
static void test_numbers(void **state)
{
    static const double values[] = {0,       1,         -1,        0.5,      -2.5,      1e300,
                                    DBL_MAX, 0x1p-1074, 0x1p-1022, 12345.75, 0x1p53 - 1};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_int_equal(add(number(values[i]), number(-values[i])), 0);
        assert_int_equal(add(number(values[i] / 2), number(values[i] / 2)) == number(values[i]),
                         values[i] / 2 * 2 == values[i]);
    }
    assert_int_equal(number(3), 3);
    assert_int_equal(number(-0.0), 0);
    assert_int_equal(add(number(12345.75), number(0.25)), 12346);
    assert_int_equal(sotto__mixture_multiply(number(0x1p-1074), number(0x1p1000), prime),
                     number(0x1p-74));
}

static bool finds(const uint64_t *factors, size_t sets_len, const uint64_t *weights,
                  size_t atoms_len)
{
    const struct sotto__mixture mixture = {
        .weights = weights, .atoms_len = atoms_len, .factors = factors, .sets_len = sets_len};
    uint8_t sets[8];
    bool found = false;
    assert_ok(sotto__mixture_find(&mixture, &found, sets, MIN_ROWS, prime));
    return found;
}

/* Of a column of 0, 1 and 2, a set that is its 1, and one that is its 2 but for a row. */
static void test_weights(void **state)
{
    (void)state;
    static const uint64_t weights[] = {20, 20, 19, 1};
    static const uint64_t coded[] = {0, 1, 2, 2, 0, 1, 0, 0, 0, 0, 1, 0};
    assert_true(finds(coded, 3, weights, 4));
    assert_false(finds(coded, 2, weights, 4));
    static const uint64_t others[] = {0, 1, 2, 2, 0, 1, 1, 1, 1, 1, 1, 1};
    assert_false(finds(others, 3, weights, 4));
    static const uint64_t times[] = {0, 3, 6, 6, 0, 1, 2, 0};
    assert_true(finds(times, 2, weights, 4));
}

static int start(void **state)
{
    (void)state;
    prime = sotto__mixture_prime(4711);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_numbers, start),
        cmocka_unit_test_setup(test_weights, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
