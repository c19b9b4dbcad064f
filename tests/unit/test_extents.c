/* SPDX-License-Identifier: Apache-2.0 */

/* How many bits a column's values are: their last digit that is not 0, in any type. */

#include "engine/contribute/extents.h"
#include "test.h"

#include <math.h>
#include <string.h>

static struct sotto__extent take_floats(const double *values, size_t len)
{
    struct sotto__extent extent;
    struct sotto__register reg = {.values = values};
    sotto__extent_init(&extent);
    const struct sotto__op op = {.type = SOTTO__ROW_FLOAT};
    sotto__extent_take(
        &extent, &(struct sotto__piece){.reg = &reg, .op = &op, .values = values, .last = len});
    return extent;
}

static void test_doubles(void **state)
{
    (void)state;
    const double values[] = {NAN, 6, -10, 0, -0.0};
    struct sotto__extent extent = take_floats(values, 5);
    assert_true(extent.least == -10 && extent.most == 6 && extent.step == 2);
    assert_true(sotto__extent_bits(&extent) == log2(9));
    const struct {
        double value;
        double step;
    } steps[] = {{1, 1},
                 {-8, 8},
                 {0.1, 0x1p-55},
                 {0x3p-1074, 0x1p-1074},
                 {3e9, 512},
                 {0x1p-1074, 0x1p-1074},
                 {0x1.fffffffffffffp1023, 0x1p971}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        assert_true(take_floats(&steps[i].value, 1).step == steps[i].step);
    }
    const double wide[] = {-0x1.fffffffffffffp1023, 0x1.fffffffffffffp1023, 0x1p-1074};
    extent = take_floats(wide, 3);
    assert_true(sotto__extent_bits(&extent) == 1025 + 1074);
}

static void test_few_values(void **state)
{
    (void)state;
    const double values[] = {NAN, 7, 7, 8};
    struct sotto__extent extent = take_floats(values, 1);
    assert_true(sotto__extent_bits(&extent) == 0 && extent.step == INFINITY);
    extent = take_floats(values, 3);
    assert_true(sotto__extent_bits(&extent) == 0);
    extent = take_floats(values, 4);
    assert_true(sotto__extent_bits(&extent) == 1);
}

/* Exact numbers, of so many limbs; the last is missing. */
static struct sotto__extent take_exact(const int64_t *values, size_t len, unsigned limbs,
                                       unsigned scale)
{
    uint64_t words[3 * 8];
    double nearest[8];
    uint8_t missing[8] = {0};
    struct sotto__extent extent;
    for (size_t i = 0; i < len; i++) {
        memset(&words[i * limbs], values[i] < 0 ? 0xFF : 0, limbs * sizeof words[0]);
        memcpy(&words[i * limbs], &values[i], sizeof values[i]);
        nearest[i] = i + 1 < len ? (double)values[i] : NAN;
    }
    missing[len - 1] = 1;
    struct sotto__register reg = {.values = words, .state = missing, .limbs = limbs};
    sotto__extent_init(&extent);
    const struct sotto__op op = {.type = SOTTO__ROW_EXACT, .scale = scale};
    sotto__extent_take(
        &extent, &(struct sotto__piece){.reg = &reg, .op = &op, .values = nearest, .last = len});
    return extent;
}

/* A party whose numbers have two decimals, beside one whose numbers have six. */
static void test_exact_numbers(void **state)
{
    (void)state;
    const int64_t values[] = {-120000, 0, 3450000, 7};
    for (unsigned limbs = 1; limbs <= 2; limbs++) {
        struct sotto__extent extent = take_exact(values, 4, limbs, 6);
        assert_true(extent.step == 1e4 && extent.least == -120000 && extent.most == 3450000);
        assert_true(sotto__extent_bits(&extent) == log2(exp2(log2(3570000) - log2(1e4)) + 1));
        assert_true(take_exact(values, 4, limbs, 3).step == 1e3);
        assert_true(take_exact(values, 4, limbs, 0).step == 1);
    }
    assert_true(take_exact(values, 4, 3, 6).step == 1); /* not looked at: at most that */
}

static void test_merges(void **state)
{
    (void)state;
    const int64_t values[] = {100, 500, 30, 0};
    struct sotto__extent none;
    struct sotto__extent all = take_exact(values, 4, 1, 2);
    struct sotto__extent merged = take_exact(values, 3, 1, 2);
    struct sotto__extent last = take_exact(values + 2, 2, 1, 2);
    sotto__extent_init(&none);
    sotto__extent_merge(&merged, &none);
    assert_true(merged.step == 100);
    sotto__extent_merge(&merged, &last);
    sotto__extent_merge(&none, &merged);
    assert_true(merged.step == 10 && merged.least == 30 && merged.most == 500);
    assert_memory_equal(&merged, &all, sizeof all);
    assert_memory_equal(&none, &all, sizeof all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_few_values),
        cmocka_unit_test(test_exact_numbers),
        cmocka_unit_test(test_merges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
