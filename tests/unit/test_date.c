/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"
#include "files.h"
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

static void test_formats(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        const char *text;
        const char *date; /* NULL: it is none */
    } cases[] = {
        {"%d.%m.%Y", "31.12.2019", "2019-12-31"},
        {"%d.%m.%Y", "1.3.2020", "2020-03-01"},
        {"%d.%m.%Y", "29.2.2019", NULL},
        {"%d.%m.%Y", "1.3.20", NULL},
        {"%d.%m.%Y", "1.3.2020x", NULL},
        {"%d.%m.%Y", "1.3.", NULL},
        {"%d.%m.%Y", "", NULL},
        {"%m/%d/%y", "2/29/68", "2068-02-29"},
        {"%m/%d/%y", "12/31/69", "1969-12-31"},
        {"%m/%d/%y", "1/1/00", "2000-01-01"},
        {"%m/%d/%y", "1/1/5", NULL},
        {"%Y%m%d", "20200229", "2020-02-29"},
        {"%d %b %Y", "07 Aug 1999", "1999-08-07"},
        {"%d%b%Y", "7DEC1999", "1999-12-07"},
        {"%d %b %Y", "07 Okt 1999", NULL},
        {"%b %d, %Y", "jan 1, 0001", "0001-01-01"},
        {"%Y-%m-%d", "2020-1-5", "2020-01-05"},
        {"%d.%m.%Y", "1.3.0000", NULL},
    };
    static const char *const refused[] = {"",          "%d.%m",      "%d.%m.%Y %H", "%d.%m.%Y%",
                                          "%Y",        "%d.%m.%q",   "%d.%d.%m.%Y", "%d.%m.%Y.%y",
                                          "2%d.%m.%Y", "%b.%m.%d.%Y"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t days = 0;
        char text[SOTTO_DATE_TEXT_BYTES] = "";
        assert_true(sotto_date_format_is_valid(cases[i].format));
        bool is_date =
            sotto_date_parse_as(&days, cases[i].format, cases[i].text, strlen(cases[i].text));
        assert_int_equal(is_date, cases[i].date != NULL);
        if (is_date) {
            sotto_date_text(text, days);
            assert_string_equal(text, cases[i].date);
        }
    }
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_false(sotto_date_format_is_valid(refused[i]));
    }
}

/* What a format writes it reads back; of texts cut short or changed nothing is read beyond. */
static void test_formats_and_days_at_random(void **state)
{
    (void)state;
    static const char *const formats[][2] = {{"%d.%m.%Y", "%3$02d.%2$02d.%1$04d"},
                                             {"%m/%d/%Y", "%2$d/%3$d/%1$04d"},
                                             {"%Y%m%d", "%1$04d%2$02d%3$02d"},
                                             {"%Y-%m-%d", "%1$04d-%2$d-%3$d"},
                                             {"day %d of %m in %Y", "day %3$d of %2$d in %1$04d"}};
    uint64_t random = 20201;
    for (size_t i = 0; i < test_cases(20000); i++) {
        const char *const *format = formats[test_random_below(&random, 5)];
        int64_t days = SOTTO_DATE_MIN + (int64_t)test_random_below(&random, 3652059);
        struct sotto_date date = sotto_date_of_days(days);
        int64_t found = 0;
        char text[64];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        size_t bytes =
            (size_t)snprintf(text, sizeof text, format[1], date.year, date.month, date.day);
#pragma GCC diagnostic pop
        assert_true(sotto_date_parse_as(&found, format[0], text, bytes));
        assert_true(found == days);
        text[test_random_below(&random, bytes)] = (char)test_random_below(&random, 256);
        if (sotto_date_parse_as(&found, format[0], text, test_random_below(&random, 20))) {
            assert_in_range(found - SOTTO_DATE_MIN, 0, SOTTO_DATE_MAX - SOTTO_DATE_MIN);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_texts_that_are_no_dates),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_formats_and_days_at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
