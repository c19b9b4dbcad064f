/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <sotto/type.h>

static struct sotto_type type_at(size_t i)
{
    struct sotto_type type = {.kind = (enum sotto_kind)(i % SOTTO_KINDS_LEN)};
    if (type.kind == SOTTO_KIND_DECIMAL) {
        type.scale = (uint8_t)(i / SOTTO_KINDS_LEN * 6);
    }
    return type;
}

#define TYPES_LEN (4 * SOTTO_KINDS_LEN)

static bool same(struct sotto_type a, struct sotto_type b)
{
    return a.kind == b.kind && a.scale == b.scale;
}

static void test_join_is_a_semilattice(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPES_LEN; i++) {
        struct sotto_type a = type_at(i);
        assert_true(same(sotto_type_join(a, a), a));
        for (size_t j = 0; j < TYPES_LEN; j++) {
            struct sotto_type b = type_at(j);
            assert_true(same(sotto_type_join(a, b), sotto_type_join(b, a)));
            for (size_t k = 0; k < TYPES_LEN; k++) {
                struct sotto_type c = type_at(k);
                assert_true(same(sotto_type_join(sotto_type_join(a, b), c),
                                 sotto_type_join(a, sotto_type_join(b, c))));
            }
        }
    }
}

static void test_agreement(void **state)
{
    (void)state;
    struct sotto_type null = {.kind = SOTTO_KIND_NULL};
    struct sotto_type boolean = {.kind = SOTTO_KIND_BOOL};
    struct sotto_type whole = {.kind = SOTTO_KIND_INT64};
    struct sotto_type cents = {.kind = SOTTO_KIND_DECIMAL, .scale = 2};
    struct sotto_type text = {.kind = SOTTO_KIND_STRING};
    struct sotto_type date = {.kind = SOTTO_KIND_DATE};
    struct sotto_type time = {.kind = SOTTO_KIND_DATETIME};
    struct sotto_type moment = {.kind = SOTTO_KIND_DATETIME_UTC};
    struct sotto_type out = {.kind = SOTTO_KIND_FLOAT64};
    assert_false(sotto_type_agree(&out, boolean, whole));
    assert_false(sotto_type_agree(&out, cents, text));
    assert_false(sotto_type_agree(&out, boolean, text));
    assert_false(sotto_type_agree(&out, date, text));
    assert_false(sotto_type_agree(&out, whole, date));
    assert_false(sotto_type_agree(&out, date, boolean));
    assert_false(sotto_type_agree(&out, date, moment));
    assert_false(sotto_type_agree(&out, moment, time));
    assert_false(sotto_type_agree(&out, time, date));
    assert_false(sotto_type_agree(&out, text, time));
    assert_int_equal(out.kind, SOTTO_KIND_FLOAT64);
    assert_true(sotto_type_agree(&out, whole, cents));
    assert_true(same(out, cents));
    assert_true(sotto_type_agree(&out, null, text));
    assert_true(same(out, text));
    assert_true(sotto_type_agree(&out, date, null));
    assert_true(same(out, date));
    assert_true(same(sotto_type_join(date, whole), text));
    assert_true(same(sotto_type_join(boolean, date), text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join_is_a_semilattice),
        cmocka_unit_test(test_agreement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
