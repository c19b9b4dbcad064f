/* SPDX-License-Identifier: Apache-2.0 */

/* Dates in plans: what they give, however rows are split over parties, and what is refused. */

#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <stdio.h>

#define STAYS "came,left,nights,ward\n"

static const char *const stays[] = {
    STAYS "2020-01-15,2020-01-20,5,a\n2020-02-29,2020-03-01,1,b\n",
    STAYS "2021-03-01,2021-03-08,7,a\n,2021-12-31,3,b\n",
    STAYS "1999-12-31,2000-01-01,1,a\n2020-01-15,2020-02-01,17,b\n",
};

/* The result over three parties, and the same over one with all rows, has part. */
static void gives(const char *output, const char *part)
{
    test_gives_split(output, stays, STAYS, part);
}

static void test_values(void **state)
{
    (void)state;
    gives("x=count(came)", "{\"value\": 5, \"exact\": \"5\"}");
    gives("x=mean(came)", "{\"value\": \"2016-04-12T04:48:00\", \"exact\": \"16903.2\"}");
    gives("x=median(came)", "{\"value\": \"2020-01-15\", \"exact\": \"18276\"}");
    gives("x=quantile(came, 0)", "\"value\": \"1999-12-31\"");
    gives("x=quantile(came, 1)", "\"value\": \"2021-03-01\"");
    gives("x=mean(left - came)", "\"exact\": \"6.2\"");
    gives("x=sum(left - came == nights)", "\"exact\": \"5\"");
    gives("x=mean(came) - mean(left)", "{\"value\": -");
    gives("x=sum(came - \"1999-12-31\")", "\"exact\": \"29736\"");
    gives("x=std(came)", "\"value\": 3329.0556769150016");
    gives("x=missing(came)", "\"value\": 1.0");
    gives("x=sum(year(came))", "\"exact\": \"10080\"");
    gives("x=sum(month(came))", "\"exact\": \"19\"");
    gives("x=sum(day(came))", "\"exact\": \"91\"");
    gives("x=sum(weekday(came))", "\"exact\": \"13\""); /* Wed Sat Mon Fri Wed: 2 5 0 4 2 */
    gives("x=median(fillna(came, \"2022-01-01\"))", "\"value\": \"2020-02-06T12:00:00\"");
    gives("x=mean(clip(came, \"2020-01-01\", \"2020-12-31\"))",
          "\"value\": \"2020-03-31T09:36:00\"");
    gives("x=quantile(if(ward == \"a\", came, na), 0.5)", "\"value\": \"2020-01-15\"");
    gives("x=sum(came > median(came))", "\"exact\": \"2\"");
}

static void test_conditions(void **state)
{
    (void)state;
    gives("x=sum(came >= \"2020-01-15\")", "\"exact\": \"4\"");
    gives("x=sum(came > \"2020-01-15\")", "\"exact\": \"2\"");
    gives("x=sum(\"2020-01-15\" == came)", "\"exact\": \"2\"");
    gives("x=sum(came != \"2020-01-15\")",
          "\"exact\": \"4\""); /* as in pandas what is missing is */
    gives("x=sum(came in (\"2020-02-29\", \"1999-12-31\"))", "\"exact\": \"2\"");
    gives("x=sum(came < left)", "\"exact\": \"5\"");
    gives("x=sum(year(came) == 2020 and month(came) < 2)", "\"exact\": \"2\"");
    gives("x=value_counts(came, \"2020-01-15\", \"2000-01-01\")", "[{\"value\": 2");
    gives("x=hist(came, \"2020-01-15\", \"2020-02-29\", \"2021-03-01\")",
          "\"labels\": [[\"[2020-01-15, 2020-02-29)\", \"[2020-02-29, 2021-03-01]\"]]");
    gives("x=hist(came, \"2020-01-15\", \"2020-02-29\", \"2021-03-01\")",
          "\"values\": [{\"value\": 2, \"exact\": \"2\"}, {\"value\": 2, \"exact\": \"2\"}]");
    gives("x=value_counts(month(came), 1, 2, 12)", "\"labels\": [[\"1\", \"2\", \"12\"]]");
}

/* Of a column without values dates are asked for as of any other. */
static void test_of_nothing(void **state)
{
    (void)state;
    test_gives1("x=sum(d >= \"2020-01-15\")", "d,x\n,1\n", "\"exact\": \"0\"");
    test_gives1("x=count(d - \"2020-01-15\")", "d,x\n,1\n", "\"value\": 0");
    test_gives1("x=count(year(d))", "d,x\n,1\n", "\"value\": 0");
    test_gives1("x=mean(d)", "d,x\n,1\n", "\"special\": \"NaN\"");
}

#define PLAN(group_by)                                                                             \
    "{\"version\": 1, \"name\": \"p\", \"type\": \"analytics\", \"datasets\": {\"t\": \"t.csv\"}," \
    " \"group_by\": [" group_by "], \"select\": {\"x\": \"sum(nights)\", \"y\": \"mean(came)\"},"  \
    " \"strategy\": {\"min_clients\": 3, \"wait_timeout\": 60, \"connection_timeout\": 60}}"

static void test_groups(void **state)
{
    (void)state;
    static const struct {
        const char *plan;
        const char *part;
    } cases[] = {
        {PLAN("{\"column\": \"came\", \"levels\": [\"2020-01-15\", \"2020-02-29\"]}"),
         "{\"value\": 22.0, \"exact\": \"22\"}, {\"value\": 1.0, \"exact\": \"1\"}"},
        {PLAN("{\"column\": \"came\", \"bins\": [\"2020-01-01\", \"2020-02-01\", \"2020-02-29\"]}"),
         "{\"value\": \"2020-01-15\", \"exact\": \"18276\"}, {\"value\": \"2020-02-29\""},
        {PLAN("{\"column\": \"month(came)\", \"levels\": [1, 2, 3], \"other\": true}"),
         "\"groups\": {\"keys\": [\"month(came)\"], \"labels\": [[1], [2], [3], [\"(other)\"]]"},
        {PLAN("{\"column\": \"month(came)\", \"levels\": [1, 2, 3], \"other\": true}"),
         "{\"value\": 22.0, \"exact\": \"22\"}, {\"value\": 1.0, \"exact\": \"1\"}, "
         "{\"value\": 7.0, \"exact\": \"7\"}, {\"value\": 1.0, \"exact\": \"1\"}"},
        {PLAN("{\"column\": \"year(came)\", \"bins\": [1990, 2000, 2021]}"),
         "{\"value\": 1.0, \"exact\": \"1\"}, {\"value\": 30.0, \"exact\": \"30\"}"},
        {PLAN("{\"column\": \"year(came)\", \"levels\": [2020]}, {\"column\": \"month(came)\", "
              "\"levels\": [1, 2]}"),
         "{\"value\": 22.0, \"exact\": \"22\"}, {\"value\": 1.0, \"exact\": \"1\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sotto_error err = {0};
        char *result = NULL;
        enum sotto_status status = test_run_json(&result, cases[i].plan, stays, 3, &err);
        if (status != SOTTO_OK) {
            print_error("%s\n", err.text);
        }
        assert_ok(status);
        assert_contains(result, cases[i].part);
        sotto_free(result);
    }
}

static void refuses(const char *plan, const char *const *texts, size_t texts_len, const char *part)
{
    struct sotto_error err = {0};
    char *result = NULL;
    assert_int_not_equal(test_run_json(&result, plan, texts, texts_len, &err), SOTTO_OK);
    assert_contains(err.text, part);
}

#define OF(output)                                                                                 \
    "{\"version\": 1, \"name\": \"p\", \"type\": \"analytics\", \"datasets\": {\"t\": \"t.csv\"}," \
    " \"select\": {\"x\": \"" output "\"},"                                                        \
    " \"strategy\": {\"min_clients\": 3, \"wait_timeout\": 60, \"connection_timeout\": 60}}"

static void test_what_is_refused(void **state)
{
    (void)state;
    static const char *const numbers[] = {
        OF("sum(came)"),
        OF("var(came)"),
        OF("sem(came)"),
        OF("mean(came * 2)"),
        OF("mean(-came)"),
        OF("mean(came + 1)"),
        OF("mean(came + left)"),
        OF("mean(came / 2)"),
        OF("mean(came ** 2)"),
        OF("mean(came // 7)"),
        OF("mean(came % 7)"),
        OF("mean(abs(came))"),
        OF("mean(float(came))"),
        OF("mean(floor(came))"),
        OF("sum(not came)"),
        OF("cov(came, nights)"),
        OF("corr([came, left])"),
        OF("ols(nights, came)"),
        OF("glm(nights, came)"),
        OF("ttest(came, left)"),
        OF("skew(came)"),
        OF("any(came)"),
        OF("dot(came, nights)"),
        OF("pearson(came, nights)"),
        OF("mean(came) * 2"),
        OF("-median(came)"),
        OF("median(came) + 1"),
        OF("weighted(nights, came, weights=frequency)"),
        OF("anova(came, ward in ('a', 'b'))"),
        OF("proportion(came)"),
        OF("exp(mean(came))"),
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        refuses(numbers[i], stays, 3, "found dates");
    }
    refuses(OF("mean(row_sum([came, left]))"), stays, 3, "expected a date beside a date");
    refuses(OF("sum(came > 3)"), stays, 3, "expected a date beside a date");
    refuses(OF("sum(came > nights)"), stays, 3, "expected a date beside a date");
    refuses(OF("mean(came - nights)"), stays, 3, "expected a date beside a date");
    refuses(OF("mean(came) - 3"), stays, 3, "expected a date beside a date");
    refuses(OF("mean(came) - mean(nights)"), stays, 3, "expected a date beside a date");
    refuses(OF("sum(came > '2020-02-30')"), stays, 3, "a day that there is");
    refuses(OF("sum(came == 'x')"), stays, 3, "a day that there is");
    refuses(OF("sum(came > '1.2.2020')"), stays, 3, "a day that there is");
    refuses(OF("mean(fillna(came, 0))"), stays, 3, "expected a date beside a date");
    refuses(OF("mean(clip(came, 1, 2))"), stays, 3, "expected a date beside a date");
    refuses(OF("sum(year(nights))"), stays, 3, "expected dates, found others");
    refuses(OF("sum(year(ward))"), stays, 3, "expected dates, found others");
    refuses(OF("sum(year(fillna(came, median(came))))"), stays, 3, "expected dates of rows");
    refuses(OF("sum(ward > '2020-01-01')"), stays, 3, "expected a column of dates");
    refuses(OF("hist(came, 1, 2)"), stays, 3, "expected a date beside a date");
    refuses(OF("hist(came, '2020-02-01', '2020-01-01')"), stays, 3, "edges that rise");
    refuses(OF("hist(came, '2020-02-01', 'x')"), stays, 3, "expected an edge");
    refuses(OF("hist(nights, '2020-01-01', '2020-02-01')"), stays, 3, "expected a column of dates");
    refuses(OF("quantile(came, '2020-01-01')"), stays, 3, "expected a share");
    refuses(PLAN("{\"column\": \"came\", \"levels\": [1]}"), stays, 3, "expected dates as");
    refuses(PLAN("{\"column\": \"came\", \"levels\": [\"2020-02-30\"]}"), stays, 3,
            "expected dates as");
    refuses(PLAN("{\"column\": \"came\", \"levels\": [true]}"), stays, 3, "expected dates as");
    refuses(PLAN("{\"column\": \"came\", \"levels\": [\"2020-02-01\", \"2020-02-01\"]}"), stays, 3,
            "there twice");
    refuses(PLAN("{\"column\": \"came\", \"bins\": [1, 2]}"), stays, 3, "expected dates as");
    refuses(PLAN("{\"column\": \"nights\", \"bins\": [\"2020-01-01\", \"2020-02-01\"]}"), stays, 3,
            "expected numbers as edges");
    refuses(PLAN("{\"column\": \"came\", \"bins\": [\"2020-01-01\", 3]}"), stays, 3, "that rise");
    refuses(PLAN("{\"column\": \"month(nights)\", \"levels\": [1]}"), stays, 3,
            "expected dates to take a part of");
    refuses(PLAN("{\"column\": \"month(came)\", \"levels\": [\"2020-01-01\"]}"), stays, 3,
            "expected numbers as levels");
    refuses(PLAN("{\"column\": \"abs(nights)\", \"levels\": [1]}"), stays, 3, "no column");
    refuses(PLAN("{\"column\": \"month(month(came))\", \"levels\": [1]}"), stays, 3, "no column");
    refuses(PLAN("{\"column\": \"month(came)\", \"levels\": [1]}, {\"column\": \"month(came)\", "
                 "\"levels\": [2]}"),
            stays, 3, "different columns");
}

/* A party whose column holds something else is named, whatever the others have. */
static void test_parties_that_differ(void **state)
{
    (void)state;
    static const char *const texts[] = {STAYS "2020-01-15,2020-01-20,5,a\n",
                                        STAYS "15.1.2020,2020-01-20,5,a\n"};
    static const char *const mixed[] = {STAYS "2020-01-15,2020-01-20,5,a\n2020-02-30,,,\n"};
    refuses(OF("count(came)"), texts, 2, "column t.came is date at party 1, but string at party 2");
    refuses(OF("sum(came > '2020-01-01')"), mixed, 1, "expected a column of dates");
    test_gives("x=count(came)", mixed, 1, "\"value\": 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),          cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_of_nothing),      cmocka_unit_test(test_groups),
        cmocka_unit_test(test_what_is_refused), cmocka_unit_test(test_parties_that_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
