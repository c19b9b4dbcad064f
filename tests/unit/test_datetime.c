/* SPDX-License-Identifier: Apache-2.0 */

/* How dates and times are written: ISO 8601, forms of their owner, and what is neither. */

#include "cases.h"
#include "files.h"
#include "test.h"

#include <sotto/datetime.h>
#include <stdio.h>

/* What a text is by a form, as text; "" for none. */
static void read_as(char out[SOTTO_DATETIME_TEXT_BYTES], const char *form, const char *text)
{
    enum sotto_kind kind = SOTTO_KIND_NULL;
    int64_t value = 7;
    out[0] = '\0';
    if (sotto_datetime_parse(&kind, &value, form, text, strlen(text))) {
        sotto_datetime_text(out, kind, value);
    } else {
        assert_true(kind == SOTTO_KIND_NULL && value == 7);
    }
}

static void test_iso(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *found;
    } cases[] = {
        {"2020-01-31", "2020-01-31"},
        {"2020-01-31T12:00", "2020-01-31T12:00:00"},
        {"2020-01-31 12:00", "2020-01-31T12:00:00"},
        {"2020-01-31 23:59:59", "2020-01-31T23:59:59"},
        {"1969-12-31 23:59:59.999999", "1969-12-31T23:59:59.999999"},
        {"2020-01-31 00:00:00.5", "2020-01-31T00:00:00.500000"},
        {"2020-01-31 00:00:00,07", "2020-01-31T00:00:00.070000"},
        {"2020-01-31 00:00:00.123456000", "2020-01-31T00:00:00.123456"},
        {"2020-01-31 00:00:00.000000", "2020-01-31T00:00:00"},
        {"2020-01-31T12:00Z", "2020-01-31T12:00:00Z"},
        {"2020-01-31T12:00:00.25Z", "2020-01-31T12:00:00.250000Z"},
        {"2020-01-31T00:30:00+01:00", "2020-01-30T23:30:00Z"},
        {"2020-01-31 00:30:00-0530", "2020-01-31T06:00:00Z"},
        {"2020-01-31 12:00:00+00", "2020-01-31T12:00:00Z"},
        {"9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"},
        {"0001-01-01T00:00", "0001-01-01T00:00:00"},
        {"0001-01-01T00:00+00:01", ""},
        {"9999-12-31T23:59-00:01", ""},
        {"2020-02-30T12:00", ""},
        {"2020-01-31T24:00", ""},
        {"2020-01-31T12:60", ""},
        {"2020-01-31T23:59:60", ""},
        {"2020-01-31T12", ""},
        {"2020-01-31T1:00", ""},
        {"2020-01-31T12:0", ""},
        {"2020-01-31T12:00:", ""},
        {"2020-01-31T12:00:0", ""},
        {"2020-01-31T12:00:00.", ""},
        {"2020-01-31T12:00.5", ""},
        {"2020-01-31T12:00:00.1234567", ""},
        {"2020-01-31T12:00:00.1234560000", ""},
        {"2020-01-31t12:00", ""},
        {"2020-01-31  12:00", ""},
        {"2020-01-31T12:00z", ""},
        {"2020-01-31T12:00 Z", ""},
        {"2020-01-31T12:00+1:00", ""},
        {"2020-01-31T12:00+01:", ""},
        {"2020-01-31T12:00+01:0", ""},
        {"2020-01-31T12:00+24:00", ""},
        {"2020-01-31T12:00+01:60", ""},
        {"2020-01-31T12:00+", ""},
        {"2020-01-31Z", ""},
        {"2020-01-31T", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char found[SOTTO_DATETIME_TEXT_BYTES];
        read_as(found, NULL, cases[i].text);
        assert_string_equal(found, cases[i].found);
    }
}

static void test_forms(void **state)
{
    (void)state;
    static const struct {
        const char *form;
        const char *text;
        const char *found;
    } cases[] = {
        {"%d.%m.%Y", "31.12.2019", "2019-12-31"},
        {"%d.%m.%Y", "1.3.2020", "2020-03-01"},
        {"%d.%m.%Y", "29.2.2019", ""},
        {"%d.%m.%Y", "1.3.20", ""},
        {"%d.%m.%Y", "1.3.2020x", ""},
        {"%d.%m.%Y", "1.3.", ""},
        {"%d.%m.%Y", "", ""},
        {"%m/%d/%y", "2/29/68", "2068-02-29"},
        {"%m/%d/%y", "12/31/69", "1969-12-31"},
        {"%m/%d/%y", "1/1/00", "2000-01-01"},
        {"%m/%d/%y", "1/1/5", ""},
        {"%Y%m%d", "20200229", "2020-02-29"},
        {"%d %b %Y", "07 Aug 1999", "1999-08-07"},
        {"%d%b%Y", "7DEC1999", "1999-12-07"},
        {"%d %b %Y", "07 Okt 1999", ""},
        {"%b %d, %Y", "jan 1, 0001", "0001-01-01"},
        {"%Y-%m-%d", "2020-1-5", "2020-01-05"},
        {"%d.%m.%Y", "1.3.0000", ""},
        {"%d.%m.%Y %H:%M", "1.3.2020 7:05", "2020-03-01T07:05:00"},
        {"%d.%m.%Y %H:%M", "1.3.2020", ""},
        {"%d.%m.%Y %H:%M", "1.3.2020 24:00", ""},
        {"%d.%m.%Y %H:%M", "1.3.2020 7:5", ""},
        {"%m/%d/%Y %I:%M %p", "1/31/2020 12:15 AM", "2020-01-31T00:15:00"},
        {"%m/%d/%Y %I:%M %p", "1/31/2020 12:15 pm", "2020-01-31T12:15:00"},
        {"%m/%d/%Y %I:%M %p", "1/31/2020 1:15 PM", "2020-01-31T13:15:00"},
        {"%m/%d/%Y %I:%M %p", "1/31/2020 13:15 PM", ""},
        {"%m/%d/%Y %I:%M %p", "1/31/2020 0:15 PM", ""},
        {"%m/%d/%Y %I:%M %p", "1/31/2020 1:15 XM", ""},
        {"%Y%m%dT%H%M%S", "20200131T235958", "2020-01-31T23:59:58"},
        {"%Y%m%d%H", "2020013107", "2020-01-31T07:00:00"},
        {"%Y-%m-%d %H:%M:%S,%f", "2020-01-31 00:00:00,07", "2020-01-31T00:00:00.070000"},
        {"%d %b %Y %H:%M:%S %z", "31 Jan 2020 01:00:00 +0200", "2020-01-30T23:00:00Z"},
        {"%d %b %Y %H:%M:%S %z", "31 Jan 2020 01:00:00", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char found[SOTTO_DATETIME_TEXT_BYTES];
        enum sotto_kind kind;
        assert_true(sotto_datetime_form_is_valid(&kind, cases[i].form));
        read_as(found, cases[i].form, cases[i].text);
        assert_string_equal(found, cases[i].found);
    }
}

static void test_forms_that_are_none(void **state)
{
    (void)state;
    static const char *const refused[] = {"",
                                          "%d.%m",
                                          "%d.%m.%Y%",
                                          "%Y",
                                          "%d.%m.%q",
                                          "%d.%d.%m.%Y",
                                          "%d.%m.%Y.%y",
                                          "2%d.%m.%Y",
                                          "%b.%m.%d.%Y",
                                          "%d.%m.%Y %M",
                                          "%d.%m.%Y %H:%S",
                                          "%d.%m.%Y %H:%M:%f",
                                          "%d.%m.%Y %z",
                                          "%d.%m.%Y %I:%M",
                                          "%d.%m.%Y %H:%M %p",
                                          "%d.%m.%Y %H %I %p",
                                          "%d.%m.%Y %H:%M:%M",
                                          "%H:%M",
                                          "%d.%m.%Y %H %z %z"};
    enum sotto_kind kind = SOTTO_KIND_NULL;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_false(sotto_datetime_form_is_valid(&kind, refused[i]));
    }
    assert_int_equal(kind, SOTTO_KIND_NULL);
    assert_true(sotto_datetime_form_is_valid(&kind, "%d.%m.%Y") && kind == SOTTO_KIND_DATE);
    assert_true(sotto_datetime_form_is_valid(&kind, "%d.%m.%Y %H") && kind == SOTTO_KIND_DATETIME);
    assert_true(sotto_datetime_form_is_valid(&kind, "%z %d.%m.%Y %H") &&
                kind == SOTTO_KIND_DATETIME_UTC);
}

/* A date is a midnight of no zone, and nothing else is of another kind. */
static void test_kinds(void **state)
{
    (void)state;
    static const char *const texts[] = {"1970-01-02", "1970-01-02 00:00", "1970-01-02T00:00Z"};
    static const bool fits[][3] = {{true, false, false}, {true, true, false}, {false, false, true}};
    for (size_t kind = 0; kind < 3; kind++) {
        for (size_t i = 0; i < 3; i++) {
            int64_t value = 0;
            assert_int_equal(sotto_datetime_parse_kind(&value,
                                                       (enum sotto_kind)(SOTTO_KIND_DATE + kind),
                                                       NULL, texts[i], strlen(texts[i])),
                             fits[kind][i]);
            assert_true(value == (!fits[kind][i] ? 0 : kind == 0 ? 1 : SOTTO_DATETIME_DAY));
        }
    }
}

/* What is written is read back; of texts cut short or changed nothing is read beyond. */
static void test_times_at_random(void **state)
{
    (void)state;
    static const int64_t span = SOTTO_DATETIME_MAX - SOTTO_DATETIME_MIN + 1;
    uint64_t random = 20201;
    for (size_t i = 0; i < test_cases(20000); i++) {
        enum sotto_kind kind =
            test_random_below(&random, 2) == 0 ? SOTTO_KIND_DATETIME : SOTTO_KIND_DATETIME_UTC;
        int64_t value = SOTTO_DATETIME_MIN + (int64_t)test_random_below(&random, (uint64_t)span);
        int64_t of_day = -1;
        int64_t days = sotto_datetime_days(&of_day, value);
        enum sotto_kind found_kind = SOTTO_KIND_NULL;
        int64_t found = 0;
        char text[SOTTO_DATETIME_TEXT_BYTES];
        assert_true(of_day >= 0 && of_day < SOTTO_DATETIME_DAY &&
                    days * SOTTO_DATETIME_DAY + of_day == value);
        value -= test_random_below(&random, 2) == 0 ? of_day % 1000000 : 0;
        sotto_datetime_text(text, kind, value);
        size_t bytes = strlen(text);
        assert_true(sotto_datetime_parse(&found_kind, &found, NULL, text, bytes));
        assert_true(found == value && found_kind == kind);
        text[test_random_below(&random, bytes)] = (char)test_random_below(&random, 256);
        if (sotto_datetime_parse_kind(&found, SOTTO_KIND_DATETIME, NULL, text,
                                      test_random_below(&random, bytes + 1))) {
            assert_true(found >= SOTTO_DATETIME_MIN && found <= SOTTO_DATETIME_MAX);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iso),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_forms_that_are_none),
        cmocka_unit_test(test_times_at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
