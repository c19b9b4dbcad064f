/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <sotto/date.h>
#include <stdio.h>

/* Every day of the calendar, against one that counts days one by one. */
static void test_every_day(void **state)
{
    (void)state;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct sotto_date expected = {.year = 1, .month = 1, .day = 1, .weekday = 0};
    for (int64_t days = SOTTO_DATE_MIN; days <= SOTTO_DATE_MAX; days++) {
        struct sotto_date found = sotto_date_of_days(days);
        char text[SOTTO_DATE_TEXT_BYTES];
        char written[40];
        int64_t read = 0;
        assert_true(found.year == expected.year && found.month == expected.month &&
                    found.day == expected.day && found.weekday == expected.weekday);
        sotto_date_text(text, days);
        (void)snprintf(written, sizeof written, "%04d-%02d-%02d", expected.year, expected.month,
                       expected.day);
        assert_string_equal(text, written);
        assert_true(sotto_date_parse(&read, text, sizeof text - 1) && read == days);
        int year = expected.year;
        bool is_leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
        int length = lengths[expected.month - 1] + (expected.month == 2 && is_leap);
        expected.weekday = expected.weekday == 6 ? 0 : expected.weekday + 1;
        expected.day = expected.day == length ? 1 : expected.day + 1;
        expected.month += expected.day == 1;
        expected.year += expected.month == 13;
        expected.month = expected.month == 13 ? 1 : expected.month;
    }
    assert_int_equal(expected.year, 10000);
    assert_int_equal(sotto_date_of_days(0).year, 1970);
    assert_int_equal(sotto_date_of_days(0).weekday, 3); /* a Thursday */
}

static void test_texts_that_are_no_dates(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",           "2023-02-29",  "1900-02-29", "2020-02-30", "2020-13-01", "2020-00-10",
        "2020-01-00", "2020-04-31",  "0000-01-01", "2020-1-01",  "2020-01-1",  "20200101",
        "2020/01/01", "2020-01-01 ", " 2020-01-1", "-020-01-01", "+020-01-01", "2020-01-0x",
        "2020-01-0:", "2020-01-0/",  "12020-01-01"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int64_t days = 7;
        assert_false(sotto_date_parse(&days, texts[i], strlen(texts[i])));
        assert_int_equal(days, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_texts_that_are_no_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
