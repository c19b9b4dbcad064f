/* SPDX-License-Identifier: Apache-2.0 */

/* Sketches: random multisets that differ in 0 to 30 elements, in any order, with duplicates, in
 * parts. The distance is never above the true one, and 0 for the same multiset only. */

#include "cases.h"
#include "files.h"
#include "test.h"

#include <sotto/sketch.h>
#include <stdlib.h>

#define MIN_ROWS 10
#define COMMON_MAX 40
#define CHANGED_MAX 30

static uint64_t seed = 20260714;

static struct sotto_sketch_key make_key(void)
{
    struct sotto_sketch_key key;
    uint8_t secret[SOTTO_SKETCH_SECRET_BYTES];
    for (size_t i = 0; i < sizeof secret; i++) {
        secret[i] = (uint8_t)test_random_below(&seed, 256);
    }
    sotto_sketch_key_init(&key, secret);
    return key;
}

/* Of few values in some cases, so that the same ones come often; never 0. */
static double draw_value(uint64_t kinds)
{
    return 1 + (double)test_random_below(&seed, kinds) / 4;
}

static int compare_values(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The larger of how many elements of one are not in the other, and the other way round. */
static uint64_t count_changed(double *one, size_t one_len, double *other, size_t other_len)
{
    size_t i = 0;
    size_t j = 0;
    size_t common = 0;
    qsort(one, one_len, sizeof *one, compare_values);
    qsort(other, other_len, sizeof *other, compare_values);
    while (i < one_len && j < other_len) {
        int order = compare_values(&one[i], &other[j]);
        common += order == 0;
        i += order <= 0;
        j += order >= 0;
    }
    return (one_len > other_len ? one_len : other_len) - common;
}

static void shuffle_values(double *values, size_t len)
{
    for (size_t i = len; i > 1; i--) {
        size_t j = test_random_below(&seed, i);
        double value = values[i - 1];
        values[i - 1] = values[j];
        values[j] = value;
    }
}

/* In two parts, which are merged. */
static struct sotto_sketch sketch_values(const struct sotto_sketch_key *key, const double *values,
                                         size_t len)
{
    struct sotto_sketch parts[2] = {0};
    size_t first = len > 0 ? test_random_below(&seed, len) : 0;
    sotto_sketch_add(&parts[1], key, values + first, NULL, NULL, len - first);
    sotto_sketch_add(&parts[0], key, values, NULL, NULL, first);
    sotto_sketch_merge(&parts[0], &parts[1]);
    return parts[0];
}

/* One pair. Returns: whether it was told to differ by at least MIN_ROWS elements. */
static bool check_pair(const struct sotto_sketch_key *key, uint64_t kinds, size_t removed_len,
                       size_t added_len, uint64_t *out_changed)
{
    double one[COMMON_MAX + CHANGED_MAX];
    double other[COMMON_MAX + CHANGED_MAX];
    size_t common = test_random_below(&seed, COMMON_MAX + 1);
    for (size_t i = 0; i < common; i++) {
        one[i] = other[i] = draw_value(kinds);
    }
    for (size_t i = 0; i < removed_len; i++) {
        one[common + i] = draw_value(kinds);
    }
    for (size_t i = 0; i < added_len; i++) {
        other[common + i] = draw_value(kinds);
    }
    shuffle_values(one, common + removed_len);
    shuffle_values(other, common + added_len);
    struct sotto_sketch before = sketch_values(key, one, common + removed_len);
    struct sotto_sketch after = sketch_values(key, other, common + added_len);
    uint64_t distance = sotto_sketch_distance(&before, &after);
    uint64_t changed = count_changed(one, common + removed_len, other, common + added_len);
    assert_true(distance <= changed);
    assert_int_equal(distance == 0, changed == 0);
    assert_int_equal(distance, sotto_sketch_distance(&after, &before));
    for (uint64_t limit = 0; limit <= MIN_ROWS + 2; limit++) {
        assert_int_equal(sotto_sketch_is_near(&before, &after, limit),
                         distance > 0 && distance < limit);
    }
    *out_changed = changed;
    return distance >= MIN_ROWS;
}

/* Every difference of 1 to MIN_ROWS - 1 elements is told from none and from MIN_ROWS. */
static void test_small_differences_are_found(void **state)
{
    (void)state;
    struct sotto_sketch_key key = make_key();
    size_t small = 0;
    size_t large = 0;
    size_t large_found = 0;
    for (size_t i = 0; i < test_cases(350000); i++) {
        uint64_t changed;
        uint64_t kinds = test_random_below(&seed, 4) == 0 ? 12 : (uint64_t)1 << 30;
        size_t removed = test_random_below(&seed, CHANGED_MAX + 1);
        size_t added = test_random_below(&seed, CHANGED_MAX + 1);
        bool is_enough = check_pair(&key, kinds, removed, added, &changed);
        small += changed > 0 && changed < MIN_ROWS;
        large += kinds > 12 && changed > MIN_ROWS;
        large_found += kinds > 12 && changed > MIN_ROWS && is_enough;
    }
    assert_true(small > 0 && large > 0);
    assert_true(large - large_found <= 1 + large / 200); /* few that differ enough are refused */
}

/* One element in the place of another is seen by any bit in which their hashes differ. */
static void test_every_bit_of_a_hash_tells(void **state)
{
    (void)state;
    static const struct sotto_sketch nothing;
    for (unsigned bit = 24; bit < 64; bit++) {
        struct sotto_sketch other = {0};
        other.cells[bit] = (uint64_t)1 << bit;
        assert_int_equal(sotto_sketch_distance(&nothing, &other), 1);
        assert_true(sotto_sketch_is_near(&nothing, &other, 2));
    }
}

/* 10,000 keys or more: 11 values that were replaced pass nearly always, 9 never. */
static void test_replaced_values(void **state)
{
    (void)state;
    size_t passed = 0;
    size_t len = test_cases(10000);
    for (size_t i = 0; i < len; i++) {
        struct sotto_sketch_key key = make_key();
        uint64_t changed;
        passed += check_pair(&key, (uint64_t)1 << 40, 11, 11, &changed);
        assert_false(check_pair(&key, (uint64_t)1 << 40, 9, 9, &changed));
    }
    assert_true(passed + 2 + len / 200 >= len);
}

static void test_new_values_always_pass(void **state)
{
    (void)state;
    struct sotto_sketch_key key = make_key();
    for (size_t i = 0; i < test_cases(10000); i++) {
        uint64_t changed;
        assert_true(check_pair(&key, 1000, 0, MIN_ROWS, &changed));
    }
}

static void test_places_states_and_zeros(void **state)
{
    (void)state;
    struct sotto_sketch_key key = make_key();
    double values[6] = {1, 0, 2, -0.0, 3, 4};
    uint8_t states[6] = {0, 0, 1, 0, 0, 0};
    uint32_t places[6] = {0, 0, 0, 1, 1, 2};
    struct sotto_sketch sketches[3] = {0};
    struct sotto_sketch nothing = {0};
    sotto_sketch_add(sketches, &key, values, states, places, 6);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(sotto_sketch_distance(&nothing, &sketches[i]), 1);
    }
    sotto_sketch_merge(&sketches[0], &sketches[2]);
    assert_int_equal(sotto_sketch_distance(&nothing, &sketches[0]), 2);
    sotto_sketch_subtract(&sketches[0], &sketches[2]);
    double one = 1;
    sotto_sketch_add(&nothing, &key, &one, NULL, NULL, 1);
    assert_int_equal(sotto_sketch_distance(&nothing, &sketches[0]), 0);
}

/* Counts of a cell wrap at 2^24: what they then say is still below the truth. */
static void test_counts_that_wrap(void **state)
{
    (void)state;
    struct sotto_sketch nothing = {0};
    struct sotto_sketch many = {0};
    struct sotto_sketch_key key = make_key();
    double value = 1;
    sotto_sketch_add(&many, &key, &value, NULL, NULL, 1);
    for (size_t i = 0; i < 23; i++) { /* 2^23 times the same element */
        struct sotto_sketch half = many;
        sotto_sketch_merge(&many, &half);
    }
    assert_int_equal(sotto_sketch_distance(&nothing, &many), SOTTO_SKETCH_MANY);
    struct sotto_sketch half = many;
    sotto_sketch_merge(&many, &half);
    assert_true(sotto_sketch_distance(&nothing, &many) <= SOTTO_SKETCH_MANY);
    assert_true(sotto_sketch_distance(&nothing, &many) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_differences_are_found),
        cmocka_unit_test(test_every_bit_of_a_hash_tells),
        cmocka_unit_test(test_replaced_values),
        cmocka_unit_test(test_new_values_always_pass),
        cmocka_unit_test(test_places_states_and_zeros),
        cmocka_unit_test(test_counts_that_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
