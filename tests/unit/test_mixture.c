/* SPDX-License-Identifier: Apache-2.0 */

/* What sums give away together: of sets, and of products with columns of few values. */

#include "cases.h"
#include "files.h"
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

/* A row times a factor, subtracted, is what single products give. */
static void test_subtraction(void **state)
{
    uint64_t random = 17;
    (void)state;
    for (size_t i = 0; i < test_cases(2000); i++) {
        const uint64_t numbers[] = {0, 1, prime - 1, test_random_below(&random, prime)};
        uint64_t factor = numbers[test_random_below(&random, 4)];
        uint64_t row = numbers[test_random_below(&random, 4)];
        uint64_t before = numbers[test_random_below(&random, 4)];
        uint64_t out = before;
        sotto__mixture_subtract(&out, &row, factor, 0, 1, prime);
        uint64_t product = sotto__mixture_multiply(factor, row, prime);
        assert_true(out < prime);
        assert_int_equal((out + product) % prime, before);
    }
}

/* --- Beside all subsets of atoms --- */

#define ATOMS_MAX 9
#define SETS_MAX 7

/* The rank of sets over the atoms that are not left out. */
static size_t find_rank(const uint64_t *factors, size_t sets_len, size_t atoms_len,
                        unsigned left_out)
{
    uint64_t rows[SETS_MAX][ATOMS_MAX];
    size_t rank = 0;
    for (size_t i = 0; i < sets_len * atoms_len; i++) {
        bool is_out = ((left_out >> (i % atoms_len)) & 1) != 0;
        rows[i / atoms_len][i % atoms_len] = is_out ? 0 : factors[i];
    }
    for (size_t column = 0; column < atoms_len; column++) {
        size_t row = rank;
        while (row < sets_len && rows[row][column] == 0) {
            row++;
        }
        if (row == sets_len) {
            continue;
        }
        for (size_t i = 0; i < atoms_len; i++) {
            uint64_t kept = rows[row][i];
            rows[row][i] = rows[rank][i];
            rows[rank][i] = kept;
        }
        uint64_t one = sotto__mixture_invert(rows[rank][column], prime);
        for (size_t i = rank + 1; i < sets_len; i++) {
            uint64_t factor = sotto__mixture_multiply(rows[i][column], one, prime);
            sotto__mixture_subtract(rows[i], rows[rank], factor, 0, atoms_len, prime);
        }
        rank++;
    }
    return rank;
}

/* Whether some combination is 0 but on few rows: without their atoms the sets lose rank. */
static bool is_given_away(const uint64_t *factors, size_t sets_len, const uint64_t *weights,
                          size_t atoms_len)
{
    size_t rank = find_rank(factors, sets_len, atoms_len, 0);
    bool found = false;
    for (unsigned some = 1; !found && some < 1U << atoms_len; some++) {
        uint64_t weight = 0;
        for (size_t i = 0; i < atoms_len; i++) {
            weight += ((some >> i) & 1) != 0 ? weights[i] : 0;
        }
        found = weight < MIN_ROWS && find_rank(factors, sets_len, atoms_len, some) < rank;
    }
    return found;
}

static void test_all_combinations(void **state)
{
    static const uint64_t sizes[] = {2, 1, 2, 3, 2, 3, 4, 12, 40}; /* every other time the first */
    uint64_t random = 20261129;
    size_t found_len = 0;
    (void)state;
    size_t len = test_cases(3000);
    for (size_t i = 0; i < len; i++) {
        size_t atoms_len = 3 + test_random_below(&random, ATOMS_MAX - 2);
        size_t sets_len = 1 + test_random_below(&random, SETS_MAX);
        uint64_t weights[ATOMS_MAX];
        uint64_t factors[SETS_MAX * ATOMS_MAX];
        for (size_t j = 0; j < atoms_len; j++) {
            weights[j] = sizes[test_random_below(&random, i % 2 == 0 ? 9 : 6)];
        }
        for (size_t j = 0; j < sets_len * atoms_len; j++) {
            factors[j] = test_random_below(&random, i % 2 == 0 ? 2 : 4);
        }
        bool expected = is_given_away(factors, sets_len, weights, atoms_len);
        assert_int_equal(finds(factors, sets_len, weights, atoms_len), expected);
        found_len += expected;
    }
    assert_true(found_len > len / 10 && found_len < len - len / 10);
}

/* Three sets that leave three rows only together: each alone, and each two, are on many. */
static void test_three_together(void **state)
{
    enum { ATOMS = 15, PIVOTS = 3 };
    uint64_t weights[ATOMS];
    uint64_t factors[3 * ATOMS] = {0};
    (void)state;
    for (size_t i = 0; i < ATOMS; i++) {
        weights[i] = 1;
    }
    for (size_t i = PIVOTS; i < ATOMS; i++) {
        factors[i] = i;
        factors[ATOMS + i] = i * i;
        factors[2 * ATOMS + i] = number(-(double)(i + i * i));
    }
    for (size_t i = 0; i < PIVOTS; i++) {
        factors[i * ATOMS + i] = 1;
    }
    assert_true(finds(factors, 3, weights, ATOMS));
    factors[2 * ATOMS + 4] = 1;
    assert_false(finds(factors, 2, weights, ATOMS));
}

/* What more choices would have to be tried for than there is time: said, and not guessed. */
static void test_too_many_choices(void **state)
{
    enum { SETS = 60, ATOMS = 200 };
    static uint64_t weights[ATOMS];
    static uint64_t factors[SETS * ATOMS];
    uint64_t random = 7;
    bool found;
    (void)state;
    for (size_t i = 0; i < ATOMS; i++) {
        weights[i] = 1;
    }
    for (size_t i = 0; i < SETS * (size_t)ATOMS; i++) {
        factors[i] = test_random_below(&random, 2);
    }
    const struct sotto__mixture mixture = {
        .weights = weights, .atoms_len = ATOMS, .factors = factors, .sets_len = SETS};
    assert_int_equal(sotto__mixture_find(&mixture, &found, NULL, 60, prime), SOTTO_ERROR_LIMIT);
    assert_ok(sotto__mixture_find(&mixture, &found, NULL, 2, prime));
    assert_false(found);
}

/* Of a sample: a set that is another one but in few rows is found wherever these are, and nothing
 * where there is none. */
static void test_few_anywhere(void **state)
{
    enum { SETS = 6, ATOMS = 300, FEW = MIN_ROWS - 1 };
    static uint64_t weights[ATOMS];
    static uint64_t factors[SETS * ATOMS];
    uint64_t random = 11;
    (void)state;
    for (size_t i = 0; i < ATOMS; i++) {
        weights[i] = 1;
    }
    for (size_t i = 0; i < test_cases(300); i++) {
        const struct sotto__mixture mixture = {
            .weights = weights, .atoms_len = ATOMS, .factors = factors, .sets_len = SETS};
        size_t first = SETS + test_random_below(&random, ATOMS - SETS - MIN_ROWS);
        size_t others_len = i % 3 == 0 ? MIN_ROWS : 1 + test_random_below(&random, FEW);
        bool found;
        uint8_t sets[SETS];
        for (size_t j = 0; j < SETS * (size_t)ATOMS; j++) {
            factors[j] = 1 + test_random_below(&random, UINT64_C(1) << 40);
        }
        memcpy(factors + (SETS - 1) * (size_t)ATOMS, factors, ATOMS * sizeof *factors);
        for (size_t j = 0; j < others_len; j++) {
            factors[first + j]++;
        }
        assert_ok(sotto__mixture_find_some(&mixture, &found, sets, MIN_ROWS, prime));
        assert_int_equal(found, others_len < MIN_ROWS);
        assert_true(!found || (sets[0] != 0 && sets[1] == 0 && sets[SETS - 1] != 0));
    }
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
        cmocka_unit_test_setup(test_subtraction, start),
        cmocka_unit_test_setup(test_all_combinations, start),
        cmocka_unit_test_setup(test_three_together, start),
        cmocka_unit_test_setup(test_too_many_choices, start),
        cmocka_unit_test_setup(test_few_anywhere, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
