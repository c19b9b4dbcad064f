/* SPDX-License-Identifier: Apache-2.0 */

/* Times in plans: what they give, however rows are split over parties, and what is refused. */

#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <stdio.h>

#define STAYS "came,left,seen,day,nights,ward\n"

static const char *const stays[] = {
    STAYS "2020-01-15 08:30,2020-01-15 09:00:00.5,2020-01-15T08:30Z,2020-01-15,0,a\n"
          "2020-02-29 23:59:59.999999,2020-03-01 00:00,2020-03-01T01:00+02:00,2020-02-29,1,b\n",
    STAYS "2021-03-01 00:00,2021-03-08 00:00,,2021-03-01,7,a\n"
          ",2021-12-31,,,3,b\n", /* a midnight, as pandas writes it */
    STAYS "1969-12-31 23:30,1970-01-01 00:15,1969-12-31T23:30Z,1969-12-31,1,b\n"
          "2020-01-15 08:30,2020-02-01 12:00,2020-01-15T08:30Z,2020-01-15,17,b\n",
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
    gives("x=missing(came)", "\"value\": 1.0");
    gives("x=mean(came)",
          "{\"value\": \"2010-04-13T08:06:00\", \"exact\": \"1271145959.9999998\"}");
    gives("x=median(came)", "{\"value\": \"2020-01-15T08:30:00\", \"exact\": \"1579077000\"}");
    gives("x=quantile(came, 0)", "\"value\": \"1969-12-31T23:30:00\"");
    gives("x=quantile(came, 1)", "\"value\": \"2021-03-01T00:00:00\"");
    gives("x=quantile(came, 0.75)", "\"value\": \"2020-02-29T23:59:59.999999\"");
    gives("x=median(seen)", "\"value\": \"2020-01-15T08:30:00Z\"");
    gives("x=std(came)", "\"value\": 710749006.2248613");
    gives("x=median(fillna(came, \"2022-01-01\"))", "\"value\": \"2020-02-07T04:15:00\"");
    gives("x=quantile(clip(came, \"2020-01-01\", \"2020-12-31 12:00\"), 1)",
          "\"value\": \"2020-12-31T12:00:00\"");
    gives("x=quantile(if(ward == \"a\", came, na), 1)", "\"value\": \"2021-03-01T00:00:00\"");
    gives("x=sum(came > median(came))", "\"exact\": \"2\"");
    gives("x=describe(came, extremes=1)", "{\"value\": \"1969-12-31T23:30:00\"");
}

/* Differences are in seconds, exactly, of rows and of aggregates. */
static void test_seconds(void **state)
{
    (void)state;
    gives("x=mean(seconds(left - came))", "\"exact\": \"418140.1000002\"");
    gives("x=sum(seconds(came - \"2020-01-01\"))", "\"exact\": \"-1533454200.000001\"");
    gives("x=seconds(quantile(came, 1) - quantile(came, 0))", "\"exact\": \"1614558600\"");
    gives("x=sum(seconds(left - came) < 2700.000001)", "\"exact\": \"3\"");
    gives("x=mean(date(left) - date(came))", "\"exact\": \"5.2\"");
}

static void test_parts(void **state)
{
    (void)state;
    gives("x=sum(year(came))", "\"exact\": \"10050\"");
    gives("x=sum(month(came))", "\"exact\": \"19\"");
    gives("x=sum(day(came))", "\"exact\": \"91\"");
    gives("x=sum(weekday(came))", "\"exact\": \"11\"");
    gives("x=sum(hour(came))", "\"exact\": \"62\"");
    gives("x=sum(minute(came))", "\"exact\": \"149\"");
    gives("x=sum(hour(seen))", "\"exact\": \"62\"");
    gives("x=median(date(came))", "\"value\": \"2020-01-15\", \"exact\": \"18276\"");
    gives("x=sum(date(came) == day)", "\"exact\": \"5\"");
    gives("x=median(date(day))", "\"value\": \"2020-01-15\"");
}

static void test_conditions(void **state)
{
    (void)state;
    gives("x=sum(came >= \"2020-01-15T08:30\")", "\"exact\": \"4\"");
    gives("x=sum(came > \"2020-01-15 08:30:00\")", "\"exact\": \"2\"");
    gives("x=sum(came == \"2021-03-01\")", "\"exact\": \"1\"");
    gives("x=sum(came <= \"2020-02-29 23:59:59.999998\")", "\"exact\": \"3\"");
    gives("x=sum(seen == \"2020-01-15T09:30+01:00\")", "\"exact\": \"2\"");
    gives("x=sum(came in (\"2021-03-01\", \"1969-12-31 23:30\"))", "\"exact\": \"2\"");
    gives("x=sum(came < left)", "\"exact\": \"5\"");
    gives("x=value_counts(came, \"2020-01-15 08:30\", \"2000-01-01\")", "[{\"value\": 2");
    gives("x=hist(came, \"2020-01-15\", \"2020-02-29 12:00\", \"2021-03-01\")",
          "\"values\": [{\"value\": 2, \"exact\": \"2\"}, {\"value\": 2, \"exact\": \"2\"}]");
    gives("x=value_counts(hour(came), 0, 8, 23)", "[{\"value\": 1, \"exact\": \"1\"}, "
                                                  "{\"value\": 2");
}

static void test_of_nothing(void **state)
{
    (void)state;
    test_gives1("x=sum(d >= \"2020-01-15 12:00\")", "d,x\n,1\n", "\"exact\": \"0\"");
    test_gives1("x=count(seconds(d - \"2020-01-15 12:00\"))", "d,x\n,1\n", "\"value\": 0");
    test_gives1("x=count(hour(d))", "d,x\n,1\n", "\"value\": 0");
    test_gives1("x=sum(date(d) == \"2020-01-15\")", "d,x\n,1\n", "\"exact\": \"0\"");
}

/* A time that is only written out is one, also of whole seconds. */
static void test_of_literals(void **state)
{
    (void)state;
    static const char rows[] = "d,x\n,1\n,2\n";
    test_gives1("x=sum(hour(if(x > 1, na, \"2020-01-31 12:00\")))", rows, "\"exact\": \"12\"");
    test_gives1("x=mean(date(if(x > 1, na, \"1970-01-01 00:00:05\")))", rows, "1970-01-01\"");
    test_gives1("x=sum(minute(fillna(d, \"2020-01-31 12:34\")))", rows, "\"exact\": \"68\"");
    test_gives1("x=sum(year(clip(d, \"2020-01-31 12:00\", \"2021-01-31 12:00\")))", rows,
                "\"exact\": \"0\"");
}

#define HEAD                                                                                       \
    "{\"version\": 1, \"name\": \"p\", \"type\": \"analytics\", \"datasets\": {\"t\": "            \
    "\"t.csv\"}, "
#define TAIL                                                                                       \
    ", \"strategy\": {\"min_clients\": 3, \"wait_timeout\": 60, \"connection_timeout\": 60}}"
#define BY(key) HEAD "\"group_by\": [{" key "}], \"select\": {\"x\": \"sum(nights)\"}" TAIL
#define OF(output) HEAD "\"select\": {\"x\": \"" output "\"}" TAIL

static void test_groups(void **state)
{
    (void)state;
    static const struct {
        const char *plan;
        const char *part;
    } cases[] = {
        {BY("\"column\": \"came\", \"levels\": [\"2020-01-15T08:30\", \"2021-03-01\"]"),
         "{\"value\": 17.0, \"exact\": \"17\"}, {\"value\": 7.0"},
        {BY("\"column\": \"came\", \"bins\": [\"2020-01-01\", \"2020-01-15 08:30\", "
            "\"2021-03-01 00:00\"]"),
         "{\"value\": 0.0, \"exact\": \"0\"}, {\"value\": 25.0"},
        {BY("\"column\": \"seen\", \"bins\": [\"2020-01-01T00:00Z\", \"2020-02-29T23:00Z\"]"),
         "{\"value\": 18.0"},
        {BY("\"column\": \"month(came)\", \"levels\": [1, 2, 3], \"other\": true"),
         "{\"value\": 17.0, \"exact\": \"17\"}, {\"value\": 1.0, \"exact\": \"1\"}, "
         "{\"value\": 7.0, \"exact\": \"7\"}, {\"value\": 1.0, \"exact\": \"1\"}"},
        {BY("\"column\": \"hour(came)\", \"bins\": [0, 12, 24]"),
         "{\"value\": 24.0, \"exact\": \"24\"}, {\"value\": 2.0"},
        {BY("\"column\": \"date(came)\", \"levels\": [\"1969-12-31\", \"2020-01-15\"]"),
         "\"groups\": {\"keys\": [\"date(came)\"], \"labels\": [[\"1969-12-31\"], "
         "[\"2020-01-15\"]]"},
        {BY("\"column\": \"date(came)\", \"levels\": [\"1969-12-31\", \"2020-01-15\"]"),
         "{\"value\": 1.0, \"exact\": \"1\"}, {\"value\": 17.0"},
        {BY("\"column\": \"date(came)\", \"bins\": [\"1969-12-31\", \"2020-01-15\"]"),
         "{\"value\": 18.0"},
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

static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *plan;
        const char *part;
    } cases[] = {
        {OF("sum(came)"), "found times"},
        {OF("var(came)"), "found times"},
        {OF("mean(came * 2)"), "found times"},
        {OF("mean(came + 1)"), "found times"},
        {OF("corr([came, left])"), "found times"},
        {OF("mean(abs(came))"), "found times"},
        {OF("mean(float(came))"), "found times"},
        {OF("mean(row_sum([seen, nights]))"), "expected a time with a zone beside one"},
        {OF("mean(came) * 2"), "found times"},
        {OF("glm(nights, came)"), "found times"},
        {OF("mean(left - came)"), "seconds(a - b) is its number"},
        {OF("mean(came) - mean(left)"), "seconds(a - b) is its number"},
        {OF("iqr(came)"), "found times: quantile(t, 0.25, 0.75) and std(t) tell how"},
        {OF("mad(came)"), "found times: quantile(t, 0.25, 0.75) and std(t) tell how"},
        {OF("mad(came, exact=1)"), "found times: quantile(t, 0.25, 0.75) and std(t) tell how"},
        {OF("mean(abs(left - came))"), "seconds(a - b) is its number"},
        {OF("sum(left - came > 3)"), "seconds(a - b) is its number"},
        {OF("mean(fillna(left - came, 0))"), "seconds(a - b) is its number"},
        {OF("count(left - came)"), "seconds(a - b) is its number"},
        {OF("mean((left - came) - (left - came))"), "seconds(a - b) is its number"},
        {OF("mean(seconds(came))"), "expected a difference of two times"},
        {OF("mean(seconds(nights))"), "expected a difference of two times"},
        {OF("mean(seconds(day - '2020-01-01'))"), "expected a difference of two times"},
        {OF("sum(came > 3)"), "expected a time beside a time"},
        {OF("sum(came > nights)"), "expected a time beside a time"},
        {OF("sum(came > day)"), "expected a time beside a time"},
        {OF("sum(came > seen)"), "expected a time beside a time"},
        {OF("sum(came > '2020-01-31T12:00Z')"), "without a zone"},
        {OF("sum(seen > '2020-01-31T12:00')"), "expected a time with a zone beside one"},
        {OF("sum(seen > '2020-01-31')"), "expected a time with a zone beside one"},
        {OF("sum(day > '2020-01-31 12:00')"), "expected a date beside a date"},
        {OF("sum(hour(day))"), "which have no time of day"},
        {OF("sum(hour(nights))"), "expected dates, found others"},
        {OF("sum(date(ward) == '2020-01-01')"), "expected dates, found others"},
        {OF("sum(ward > '2020-01-01 12:00')"), "expected a column of dates, found text"},
        {OF("hist(came, '2020-02-01', '2020-01-01 12:00')"), "edges that rise"},
        {OF("hist(came, '2020-01-01', '2020-01-01 00:00')"), "edges that rise"},
        {OF("hist(came, '2020-01-01', '2021-01-01T00:00Z')"), "edges that rise"},
        {OF("hist(came, '2020-02-01', '2020-02-01 24:00')"), "expected an edge"},
        {OF("value_counts(came, '2020-02-01 10:00', '2020-02-01T10:00')"), "there already"},
        {OF("nunique(came, '2020-02-01', '2020-02-01 00:00')"), "there already"},
        {OF("mode(seen, '2020-02-01T12:00Z', '2020-02-01T14:00+02:00')"), "there already"},
        {BY("\"column\": \"came\", \"levels\": [1]"), "expected times as \"2020-01-31 12:00\""},
        {BY("\"column\": \"seen\", \"levels\": [\"2020-01-15\"]"), "2020-01-31T12:00Z"},
        {BY("\"column\": \"came\", \"levels\": [\"2020-02-01\", \"2020-02-01T00:00\"]"),
         "there twice"},
        {BY("\"column\": \"came\", \"bins\": [\"2020-02-01\", \"2020-02-01T00:00\"]"), "that rise"},
        {BY("\"column\": \"hour(day)\", \"levels\": [1]"), "found dates, which have none"},
        {BY("\"column\": \"hour(nights)\", \"levels\": [1]"), "expected dates to take a part of"},
        {BY("\"column\": \"date(came)\", \"levels\": [1]"), "expected dates as"},
        {BY("\"column\": \"seconds(came)\", \"levels\": [1]"), "no column"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sotto_error err = {0};
        char *result = NULL;
        enum sotto_status status = test_run_json(&result, cases[i].plan, stays, 3, &err);
        assert_int_not_equal(status, SOTTO_OK);
        assert_contains(err.text, cases[i].part);
    }
}

/* A zone at one party and none at another are two different things, and so are a date and a time:
 * who could turn one into the other would change the values that others' ledgers know. */
static void test_parties_that_differ(void **state)
{
    (void)state;
    static const char *const others[] = {"t\n2020-01-15T12:00Z\n", "t\n2020-01-15\n"};
    static const char *const parts[] = {
        "column t.t is datetime at party 1, but datetime(utc) at party 2",
        "but date at party 2: dates, times and times with a zone don't mix"};
    const char json[] = OF("count(t)");
    for (size_t i = 0; i < 2; i++) {
        const char *const texts[] = {"t\n2020-01-15 12:00\n", others[i]};
        struct sotto_error err = {0};
        struct sotto_plan *plan = NULL;
        char *result = NULL;
        assert_ok(sotto_plan_parse(&plan, json, strlen(json), &err));
        assert_int_equal(test_run(&result, NULL, plan, texts, 2, &err), SOTTO_ERROR_TYPE);
        assert_contains(err.text, parts[i]);
        sotto_plan_free(plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_seconds),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_of_nothing),
        cmocka_unit_test(test_of_literals),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_parties_that_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
