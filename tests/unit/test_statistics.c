/* SPDX-License-Identifier: Apache-2.0 */

/* Moments, conditions, groups: values that are known, what is hostile, and NIST's. */

#include "files.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>

static void refused(const char *output, const char *text, const char *part)
{
    char *json = NULL;
    struct sotto_error err = {0};
    struct sotto_plan *plan = test_plan_of(output);
    enum sotto_status status = test_run(&json, NULL, plan, &text, 1, &err);
    assert_int_equal(status, SOTTO_ERROR_TYPE);
    assert_contains(err.text, part);
    sotto_plan_free(plan);
}

static const char mixed[] = "a,b,d,f,s,n\n1,True,0.5,1e0,x,NA\n2,False,1.25,2.5e0,y,NA\n"
                            "NA,NA,NA,NA,NA,NA\n6,True,-3,-1e0,x,NA\n";

static void test_row_wise(void **state)
{
    (void)state;
    test_gives1("x=sum(a * 2 + 1)", mixed, "\"exact\": \"21\"");
    test_gives1("x=sum(a * d)", mixed, "\"exact\": \"-15\"");
    test_gives1("x=sum(-a ** 2)", mixed, "\"exact\": \"-41\"");
    test_gives1("x=sum(a > 1 and b)", mixed, "\"exact\": \"1\"");
    test_gives1("x=sum(a != 1)", mixed, "\"exact\": \"3\"");
    test_gives1("x=sum(not a == 1)", mixed, "\"exact\": \"3\"");
    test_gives1("x=sum(if(s == 'x', a, 0))", mixed, "\"exact\": \"7\"");
    test_gives1("x=sum(s in ('y', \"z\"))", mixed, "\"exact\": \"1\"");
    test_gives1("x=sum(s not in ('y', 'z'))", mixed, "\"exact\": \"3\"");
    test_gives1("x=sum('x' != s)", mixed, "\"exact\": \"2\"");
    test_gives1("x=sum(a in (1, 6.0, 7))", mixed, "\"exact\": \"2\"");
    test_gives1("x=count(b and n)", mixed, "\"value\": 1,"); /* false and missing */
    test_gives1("x=sum(b or n)", mixed, "\"exact\": \"2\"");
    test_gives1("x=sum(fillna(a, 0.5))", mixed, "\"exact\": \"9.5\"");
    test_gives1("x=sum(isna(a)) + sum(isna(n))", mixed, "\"exact\": \"5\"");
    test_gives1("x=count(n * 2)", mixed, "\"value\": 0,");
    test_gives1("x=sum(n == 'x')", mixed, "\"exact\": \"0\"");
    test_gives1("x=sum(a ** 0)", mixed, "\"exact\": \"3\"");
    test_gives1("x=sum(a / 4)", mixed, "\"exact\": \"2.25\"");
    test_gives1("x=sum(a + f)", mixed, "\"exact\": \"11.5\"");
    test_gives1("x=sum(sqrt(a + 3))", mixed, "\"exact\": \"7.236067977499789");
    test_gives1("x=sum(2 ** 3 * a)", mixed, "\"exact\": \"72\"");
    test_gives1("x=sum(x > 0.1 + 0.2)", "x\n0.3\n", "\"exact\": \"0\"");
    test_gives1("x=sum(float(x))", "x\n0.1\n", "\"value\": 0.1,");
    test_gives1("x=sum(float(x))", "x\n9007199254740993.5\n", "\"value\": 9007199254740994.0");
}

static void test_wide_values(void **state)
{
    (void)state;
    static const char least[] = "x\n-9223372036854775808\n-9223372036854775808\n";
    test_gives1("x=sum(-x)", least, "\"exact\": \"18446744073709551616\"");
    test_gives1("x=sum(abs(x))", least, "\"exact\": \"18446744073709551616\"");
    test_gives1("x=sum(x ** 2)", least, "\"exact\": \"170141183460469231731687303715884105728\"");
    test_gives1("x=sum(x ** 3) / 2 ** 64 / 2 ** 64 / 2 ** 62", least, "\"exact\": \"-1\"");
    test_gives1("x=sum(x ** 16 < 0)", least, "\"exact\": \"0\"");
    test_gives1("x=sum(x ** 15 < x)", least, "\"exact\": \"2\"");
    test_gives1("x=sum(x * 1e18 * 1e18)", "x\n-1\n3\n",
                "\"exact\": \"2000000000000000000000000000000000000\"");
    refused("x=sum(x ** 17)", least,
            "output \"x\": column 7: exact values here may need more than "
            "1024 bits: say float(x)");
    refused("x=sum(x + 1e400)", least, "may need more than 1024 bits");
    test_gives1("x=sum(float(x) ** 16)", least, "\"value\": 5.486124068793689e+303");
    test_gives1("x=sum(f * 1e400)", "f\n1e0\n", "\"special\": \"inf\"");
}

/* Nothing is equal to a missing value, or beside one, whatever the column's type. */
static void test_beside_missing(void **state)
{
    (void)state;
    static const char *const questions[] = {
        "n == na",      "a == na",        "d < na",        "f == na",    "f < na",
        "f <= na",      "na < f",         "f >= na",       "f in (na)",  "f > float(na)",
        "f ** 2 == na", "float(a) == na", "float(d) > na", "f + a == na"};
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        char output[64];
        (void)snprintf(output, sizeof output, "x=sum(%s)", questions[i]);
        test_gives1(output, mixed, "\"exact\": \"0\"");
    }
    test_gives1("x=sum(f in (1, na))", mixed, "\"exact\": \"1\"");
}

static void test_types(void **state)
{
    (void)state;
    refused("x=sum(s + 1)", mixed, "column 7: expected numbers or booleans, found text");
    refused("x=any(a * b * '')", mixed, "column 11: expected numbers or booleans, found text");
    refused("x=sum(-'x' + a)", mixed, "column 5: expected numbers or booleans, found text");
    refused("x=sum(a < 1 and 'x')", mixed, "column 11: expected conditions");
    refused("x=sum(if(isna('x'), a, a))", mixed, "isna takes a column, found a text");
    refused("x=sum('x' == ('y') or b)", mixed, "a text is compared with a column");
    refused("x=cov(a, if(b, 'x', a))", mixed, "expected numbers or booleans, found text");
    refused("x=sum(a == 'x')", mixed, "column 7: this column holds numbers or booleans");
    refused("x=sum(s < a)", mixed, "a text is compared with a column");
    refused("x=sum(s == s)", mixed, "a text is compared with a column");
    refused("x=sum(not a)", mixed, "column 5: expected conditions");
    refused("x=sum(a and b)", mixed, "column 7: expected conditions");
    refused("x=sum(if(a, 1, 2))", mixed, "column 5: if takes a condition");
    refused("x=sum(fillna(s, 'x'))", mixed, "expected numbers or booleans, found text");
    refused("x=sum(a ** -1)", mixed, "1 / x ** 2");
    refused("x=cov(a, s)", mixed, "cov takes numbers or booleans, but column t.s is string");
}

static void test_moments(void **state)
{
    (void)state;
    test_gives1("x=var(a)", mixed, "{\"value\": 7.0, \"exact\": \"7\"}");
    test_gives1("x=std(a)", mixed, "{\"x\": {\"value\": 2.6457513110645907}}");
    test_gives1("x=std(a) ** 2", mixed, "\"exact\": \"7\"");
    test_gives1("x=std(a) * std(a, 1) / var(a)", mixed, "\"exact\": \"1\"");
    test_gives1("x=std(a) / mean(a)", mixed, "{\"value\": 0.8819171036881969}");
    test_gives1("x=std(a) + 1", mixed, "{\"value\": 3.6457513110645907}");
    test_gives1("x=(std(a) + 1) * 0", mixed, "{\"value\": 0.0}");
    test_gives1("x=sqrt(var(a)) - std(a)", mixed, "{\"value\": 0.0}");
    test_gives1("x=sqrt(9 * mean(a) / 3)", mixed, "\"exact\": \"3\"");
    test_gives1("x=sqrt(-mean(a))", mixed, "\"special\": \"NaN\"");
    test_gives1("x=abs(-mean(a)) ** -2", mixed, "\"exact\": \"1/9\"");
    test_gives1("x=sem(a, ddof=0)", mixed, "\"value\": 1.247219128924647");
    test_gives1("x=var(a, ddof=3)", mixed, "\"special\": \"NaN\"");
    test_gives1("x=skew(a)", mixed, "\"value\": 1.457862967321305");
    test_gives1("x=kurt(a)", mixed, "\"special\": \"NaN\"");
    test_gives1("x=kurt(a)", "a\n1\n2\n3\n4\n10\n", "\"exact\": \"3.152\"");
    test_gives1("x=kurt(a)", "a\n1e0\n2e0\n3e0\n4e0\n10e0\n", "\"exact\": \"3.152\"");
    test_gives1("x=skew(a)", "a\n1e0\n2e0\n6e0\n", "\"value\": 1.457862967321305");
    test_gives1("x=cov(a, d)", mixed, "\"exact\": \"-5.625\"");
    test_gives1("x=cov(a, f)", mixed, "\"exact\": \"-3.75\"");
    test_gives1("x=corr(a, d)", mixed, "\"value\": -0.9372288503197083");
    test_gives1("x=corr(a, 3 - 2 * a)", mixed, "{\"value\": -1.0, \"exact\": \"-1\"}");
    test_gives1("x=cov(a, b)", "a,b\n1,NA\nNA,2\n3,3\n5,4\n", "\"exact\": \"1\"");
    test_gives1("x=any(b)", mixed, "{\"x\": {\"value\": true}}");
    test_gives1("x=all(a)", mixed, "{\"value\": true}");
    test_gives1("x=all(a - 1)", mixed, "{\"value\": false}");
    test_gives1("x=any(n)", mixed, "{\"value\": false}");
    test_gives1("x=all(n)", mixed, "{\"value\": true}");
}

/* The rows where both are present: (1, 2), (3, 5), (7, 9), (4, 4); their products of deviations add
 * up to 21, in the last table to 17.5. An option has one meaning for every value of it, whatever
 * the columns' types. */
static void test_every_ddof_of_cov(void **state)
{
    (void)state;
    static const char *const tables[] = {
        "x,y\n1,2\n2,\n3,5\n,9\n7,9\n4,4\n",
        "x,y\n1e0,2\n2e0,\n3e0,5\n,9\n7e0,9\n4e0,4\n",
        "x,y\n1,2e0\n2,\n3,5e0\n,9e0\n7,9e0\n4,4e0\n",
        "x,y\n1.0,2e0\n2.0,\n3.5,5.5e0\n,9e0\n6.5,8.5e0\n4.0,4e0\n",
    };
    static const char *const sums[] = {"21", "21", "21", "17.5"};
    static const char *const quotients[][4] = {{"5.25", "7", "10.5", "21"},
                                               {"5.25", "7", "10.5", "21"},
                                               {"5.25", "7", "10.5", "21"},
                                               {"4.375", "35/6", "8.75", "17.5"}};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        for (int ddof = 0; ddof < 4; ddof++) {
            static const char *const forms[] = {"m=cov(x, y, ddof=%d)", "m=cov(y, x, %d)",
                                                "m=cov([x, y], ddof=%d)"};
            for (size_t form = 0; form < 3; form++) {
                char output[80];
                char part[80];
                (void)snprintf(output, sizeof output, forms[form], ddof);
                (void)snprintf(part, sizeof part, "\"exact\": \"%s\"", quotients[i][ddof]);
                test_gives1(output, tables[i], part);
            }
        }
        char part[80];
        (void)snprintf(part, sizeof part, "\"exact\": \"%s\"", sums[i]);
        test_gives1("m=cov(x, y, ddof=2) * 2", tables[i], part);
    }
}

static void test_hostile(void **state)
{
    (void)state;
    static const char one[] = "a,f\n3,3e0\n";
    static const char none[] = "a,f\n";
    static const char constant[] = "a,f\n0.1,0.1e0\n0.1,0.1e0\n0.1,0.1e0\n0.1,0.1e0\n";
    static const char *const nan_of_one[] = {"x=var(a)",  "x=std(f)",    "x=sem(a)",    "x=skew(f)",
                                             "x=kurt(a)", "x=cov(a, f)", "x=corr(a, f)"};
    for (size_t i = 0; i < sizeof nan_of_one / sizeof nan_of_one[0]; i++) {
        test_gives1(nan_of_one[i], one, "\"special\": \"NaN\"");
        test_gives1(nan_of_one[i], none, "\"special\": \"NaN\"");
    }
    test_gives1("x=var(a, ddof=0)", one, "\"exact\": \"0\"");
    test_gives1("x=var(a, ddof=0)", none, "\"special\": \"NaN\"");
    test_gives1("x=std(f)", constant, "{\"value\": 0.0}");
    test_gives1("x=skew(a)", constant, "{\"value\": 0.0, \"exact\": \"0\"}");
    test_gives1("x=kurt(f)", constant, "{\"value\": 0.0}");
    test_gives1("x=corr(a, f)", constant, "\"special\": \"NaN\"");
    test_gives1("x=var(f)", "f\n1e0\ninf\n", "\"special\": \"NaN\"");
    test_gives1("x=sum(f * 2)", "f\n1e0\ninf\n", "{\"value\": null, \"special\": \"inf\"}");
    test_gives1("x=sum(f - f)", "f\n1e0\ninf\n",
                "{\"value\": 0.0, \"exact\": \"0\", \"nan_made\": 1}");
    test_gives1("x=count(f / f)", "f\n0e0\n1e0\nNA\n",
                "\"value\": 1, \"exact\": \"1\", \"nan_made\": 1");
    test_gives1("x=sum(sqrt(a))", "a\n-1\n4\n", "\"exact\": \"2\", \"nan_made\": 1");
    test_gives1("x=sum(isna(0 / (a - 4)))", "a\n-1\n4\n", "{\"value\": 1.0, \"exact\": \"1\"}");
    test_gives1("x=sum(a / 0)", "a\n-1\n-4\n", "\"special\": \"-inf\"");
    test_gives1("x=var(f)", "f\n1.7e308\n-1.7e308\n", "\"special\": \"inf\"}");
    test_gives1("x=var(f ** 13)", "f\n1e22\n-1e22\n", "\"special\": \"inf\", \"exact\"");
    test_gives1("x=std(f)", "f\n1e308\n-1e308\n", "{\"value\": 1.4142135623730951e+308}");
    test_gives1("x=std(f)", "f\n1e308\n-1e308\n1.7e308\n-1.7e308\n", "\"value\": 1.6103");
    test_gives1("x=std(f)", "f\n5e-324\n-5e-324\n", "\"value\": 5e-324");
    test_gives1("x=var(f)", "f\n5e-324\n-5e-324\n", "{\"value\": 0.0}");
    test_gives1("x=std(f) / std(f, 0)", "f\n5e-324\n-5e-324\n", "\"value\": 1.4142135623730951");
    test_gives1("x=sum(-f)", "f\n-0e0\n0e0\n", "{\"value\": 0.0, \"exact\": \"0\"}");
    const char *parties[] = {"f\n1e308\n", "f\n1e308\n", "f\n-1e308\n", "f\n"};
    test_gives("x=sum(f)", parties, 4, "\"value\": 1e+308");
}

/* --- where and group_by --- */

static void grouped(const char *keys, const char *text, enum sotto_status expected,
                    const char *part)
{
    char json[1200];
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    char *result = NULL;
    (void)snprintf(json, sizeof json,
                   "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                   "{\"t\": \"t.csv\"}, \"select\": {\"s\": \"sum(a)\", \"n\": \"count(a)\", "
                   "\"d\": \"std(f)\"}, %s}",
                   keys);
    assert_ok(sotto_plan_parse(&plan, json, strlen(json), &err));
    assert_int_equal(test_run(&result, NULL, plan, &text, 1, &err), expected);
    assert_contains(expected == SOTTO_OK ? result : err.text, part);
    sotto_free(result);
    sotto_plan_free(plan);
}

static const char keyed[] =
    "a,f,s,i,b,d\n1,1e0,x,1,true,0.5\n2,2e0,y,2,false,1\n4,4e0,x,2,true,0.50\n"
    "8,8e0,z,2,NA,2\n16,16e0,NA,1,true,1.0\n";

/* All aggregates are over the rows that have every column of the plan, in every round. */
static void test_complete_rows(void **state)
{
    (void)state;
    static const char text[] = "a,f,s,x\n1,1e0,x,1\n2,NA,x,\n4,4e0,x,\nNA,8e0,x,5\n16,16e0,NA,6\n";
    static const char complete[] = "\"rows\": \"complete\"";
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    grouped(complete, text, SOTTO_OK,
            "\"s\": {\"value\": 21.0, \"exact\": \"21\"}, \"n\": {\"value\": 3, \"exact\": \"3\"}, "
            "\"d\": {\"value\": 7.937253933193772}");
    grouped("\"rows\": \"complete\", \"where\": \"x > 0\"", text, SOTTO_OK,
            "\"s\": {\"value\": 17.0, \"exact\": \"17\"}, \"n\": {\"value\": 2,");
    grouped("\"rows\": \"complete\", \"group_by\": [{\"column\": \"s\", \"levels\": [\"x\"]}]",
            text, SOTTO_OK, "\"n\": {\"values\": [{\"value\": 2, \"exact\": \"2\"}]}");
    static const char json[] =
        "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": {\"t\": "
        "\"t.csv\"}, "
        "\"rows\": \"complete\", \"select\": {\"m\": \"sum(a - mean(a)) + 0 * sum(f)\", \"n\": "
        "\"count(if(a > mean(a) - 99, 1, na))\"}}";
    char *result = NULL;
    const char *const texts[] = {text};
    assert_ok(sotto_plan_parse(&plan, json, strlen(json), &err));
    assert_ok(test_run(&result, NULL, plan, texts, 1, &err));
    assert_contains(result, "\"m\": {\"value\": 0.0");
    assert_contains(result, "\"n\": {\"value\": 3,");
    sotto_free(result);
    sotto_plan_free(plan);
    static const char bad[] = "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", "
                              "\"datasets\": {\"t\": \"t.csv\"}, "
                              "\"rows\": \"all\", \"select\": {\"m\": \"sum(a)\"}}";
    assert_int_equal(sotto_plan_parse(&plan, bad, strlen(bad), &err), SOTTO_ERROR_PLAN);
    assert_contains(err.text, "rows: expected \"complete\"");
}

/* A column that is missing everywhere may be of any type. */
static void test_columns_without_values(void **state)
{
    (void)state;
    static const char text[] = "a,f,n,m\n1,1e0,NA,\n2,2e0,NA,\n";
    static const char none[] = "\"s\": {\"value\": 0.0, \"exact\": \"0\"}, \"n\": {\"value\": 0,";
    static const char *const conditions[] = {"n",
                                             "not n",
                                             "n and m",
                                             "n or m",
                                             "n > 3",
                                             "n == 'x'",
                                             "n in (1, 2)",
                                             "n in ('x')",
                                             "if(n, n, m)",
                                             "a > 0 and n",
                                             "fillna(n, m)",
                                             "n == m",
                                             "n in ('x', 'y') and n"};
    static const char *const keys[] = {"\"levels\": [\"x\", \"y\"]", "\"levels\": [1, 2]",
                                       "\"levels\": [true, false]", "\"bins\": [0, 1, 2]"};
    static const char *const zeros[] = {"count(n)",
                                        "sum(n)",
                                        "sum(n + 1)",
                                        "sum(n == 'x')",
                                        "sum(n < a)",
                                        "count(n ** 2)",
                                        "sum(if(n, a, 0))",
                                        "count(if(n, a, a))",
                                        "count(exp(n))",
                                        "count(round(n, 2))",
                                        "count(n // m)",
                                        "count(float(n))",
                                        "dot(n, a)",
                                        "dot(n, f)",
                                        "sum(row_sum([n, m]))",
                                        "sum(row_any([n, m]))",
                                        "count(fillna(n, m))",
                                        "sum(n and m)",
                                        "sum(n in (1, 2))",
                                        "sum(n in ('x', 'y'))",
                                        "count(abs(-n))"};
    static const char *const nans[] = {"mean(n)", "var(n)", "cov(n, a)", "corr(n, f)", "kurt(n)"};
    char json[200];
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++) {
        (void)snprintf(json, sizeof json, "\"where\": \"%s\"", conditions[i]);
        grouped(json, text, SOTTO_OK, none);
    }
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        (void)snprintf(json, sizeof json, "\"group_by\": [{\"column\": \"n\", %s}]", keys[i]);
        grouped(json, text, SOTTO_OK,
                "\"n\": {\"values\": [{\"value\": 0, \"exact\": \"0\"}, "
                "{\"value\": 0, \"exact\": \"0\"}]}");
    }
    for (size_t i = 0; i < sizeof zeros / sizeof zeros[0]; i++) {
        (void)snprintf(json, sizeof json, "x=%s + 0", zeros[i]);
        test_gives1(json, text, "{\"value\": 0.0, \"exact\": \"0\"}");
    }
    for (size_t i = 0; i < sizeof nans / sizeof nans[0]; i++) {
        (void)snprintf(json, sizeof json, "x=%s", nans[i]);
        test_gives1(json, text, "\"special\": \"NaN\"");
    }
    test_gives1("x=any(n)", text, "\"value\": false");
    test_gives1("x=all(n)", text, "\"value\": true");
    test_gives1("x=hist(n, 0, 1, 2)", text, "[{\"value\": 0, \"exact\": \"0\"}, {\"value\": 0,");
    test_gives1("x=value_counts(n, 'x', 'y')", text,
                "{\"value\": 0, \"exact\": \"0\"}, {\"value\": 0,");
    test_gives1("x=value_counts(n, 1, 2)", text,
                "{\"value\": 0, \"exact\": \"0\"}, {\"value\": 0,");
    test_gives1("x=mean([n, m])", text, "\"labels\": [[\"n\", \"m\"]]");
    test_gives1("x=ols(a, n)", text, "\"coefficients\"");
}

static void test_groups(void **state)
{
    (void)state;
    grouped(
        "\"where\": \"a > 1 and s != 'z'\"", keyed, SOTTO_OK,
        "{\"s\": {\"value\": 22.0, \"exact\": \"22\"}, \"n\": {\"value\": 3, \"exact\": \"3\"}");
    grouped("\"where\": \"s == 'nobody'\"", keyed, SOTTO_OK,
            "\"s\": {\"value\": 0.0, \"exact\": \"0\"}");
    grouped("\"group_by\": [{\"column\": \"s\", \"levels\": [\"y\", \"x\", \"w\", \"z\"]}]", keyed,
            SOTTO_OK,
            "\"s\": {\"values\": [{\"value\": 2.0, \"exact\": \"2\"}, {\"value\": 5.0, \"exact\": "
            "\"5\"}, {\"value\": 0.0, \"exact\": \"0\"}, {\"value\": 8.0, \"exact\": \"8\"}]}");
    grouped("\"group_by\": [{\"column\": \"s\", \"levels\": [\"x\"], \"other\": true}]", keyed,
            SOTTO_OK, "\"groups\": {\"keys\": [\"s\"], \"labels\": [[\"x\"], [\"(other)\"]]}");
    grouped(
        "\"group_by\": [{\"column\": \"s\", \"levels\": [\"x\"], \"other\": true}]", keyed,
        SOTTO_OK,
        "\"d\": {\"values\": [{\"value\": 2.1213203435596424}, {\"value\": 4.242640687119285}]}");
    grouped("\"group_by\": [{\"column\": \"s\", \"levels\": [\"x\"]}]", keyed, SOTTO_OK,
            "\"s\": {\"values\": [{\"value\": 5.0, \"exact\": \"5\"}]}");
    grouped("\"where\": \"s == 'x'\", \"group_by\": [{\"column\": \"s\", \"levels\": [\"x\"]}]",
            keyed, SOTTO_OK, "\"s\": {\"values\": [{\"value\": 5.0, \"exact\": \"5\"}]}");
    grouped(
        "\"group_by\": [{\"column\": \"i\", \"levels\": [2, 1]}, {\"column\": \"b\", \"levels\": "
        "[true, false]}]",
        keyed, SOTTO_OK,
        "\"s\": {\"values\": [{\"value\": 4.0, \"exact\": \"4\"}, {\"value\": 2.0, \"exact\": "
        "\"2\"}, {\"value\": 17.0, \"exact\": \"17\"}, {\"value\": 0.0, \"exact\": \"0\"}]}");
    grouped(
        "\"group_by\": [{\"column\": \"i\", \"levels\": [2, 1]}, {\"column\": \"b\", \"levels\": "
        "[true, false]}]",
        keyed, SOTTO_OK, "[[2, true], [2, false], [1, true], [1, false]]");
    grouped("\"group_by\": [{\"column\": \"d\", \"levels\": [\"0.500\", 2, \"0.123\", 1]}]", keyed,
            SOTTO_OK,
            "\"n\": {\"values\": [{\"value\": 2, \"exact\": \"2\"}, {\"value\": 1, \"exact\": "
            "\"1\"}, {\"value\": 0, \"exact\": \"0\"}, {\"value\": 2");
    static const char edges[] = "i,s,b,d,f,a\n1,x,True,0.30,0.1e0,1\n2,y,True,0.31,0.3e0,2\n"
                                "3,x,True,NA,0.30000000000000004e0,4\n4,y,True,0.29,NA,8\n"
                                "-9223372036854775808,x,True,-7,inf,16\n";
    grouped("\"group_by\": [{\"column\": \"d\", \"bins\": [-7, \"0.3\", \"0.305\", \"0.31\"]}]",
            edges, SOTTO_OK,
            "\"s\": {\"values\": [{\"value\": 24.0, \"exact\": \"24\"}, {\"value\": 1.0, "
            "\"exact\": \"1\"}, {\"value\": 2.0, \"exact\": \"2\"}]}");
    grouped("\"group_by\": [{\"column\": \"d\", \"bins\": [-7, \"0.3\", \"0.305\", \"0.31\"]}]",
            edges, SOTTO_OK, "[[\"[-7, 0.3)\"], [\"[0.3, 0.305)\"], [\"[0.305, 0.31]\"]]");
    /* 0.1e0 is above 0.1, 0.3e0 below 0.3: the edges are exact. */
    grouped("\"group_by\": [{\"column\": \"f\", \"bins\": [0, \"0.1\", \"0.3\"], \"other\": true}]",
            edges, SOTTO_OK,
            "\"s\": {\"values\": [{\"value\": 0.0}, {\"value\": 3.0}, {\"value\": 20.0}]}");
    grouped("\"group_by\": [{\"column\": \"i\", \"bins\": "
            "[\"-100000000000000000000000000000000000000000\", "
            "0, \"1.5\", \"100000000000000000000000000000000000000000\"]}]",
            edges, SOTTO_OK,
            "\"s\": {\"values\": [{\"value\": 16.0, \"exact\": \"16\"}, {\"value\": 1.0, "
            "\"exact\": \"1\"}, {\"value\": 14.0, \"exact\": \"14\"}]}");
    grouped("\"group_by\": [{\"column\": \"i\", \"bins\": [0, 9]}]", edges, SOTTO_OK,
            "\"s\": {\"values\": [{\"value\": 15.0, \"exact\": \"15\"}]}");
    grouped("\"group_by\": [{\"column\": \"s\", \"bins\": [0, 9]}]", edges, SOTTO_ERROR_TYPE,
            "group_by: column s: expected numbers for bins, found string");
    grouped("\"group_by\": [{\"column\": \"f\", \"levels\": [1]}]", keyed, SOTTO_ERROR_TYPE,
            "group_by: column f: expected text, exact numbers or booleans");
    grouped("\"group_by\": [{\"column\": \"s\", \"levels\": [1]}]", keyed, SOTTO_ERROR_TYPE,
            "levels in quotes");
    grouped("\"group_by\": [{\"column\": \"i\", \"levels\": [\"x\"]}]", keyed, SOTTO_ERROR_TYPE,
            "expected numbers as levels, found x");
    grouped("\"group_by\": [{\"column\": \"b\", \"levels\": [1]}]", keyed, SOTTO_ERROR_TYPE,
            "expected true and false as levels");
    grouped("\"group_by\": [{\"column\": \"d\", \"levels\": [\"1\", \"1.0\"]}]", keyed,
            SOTTO_ERROR_PLAN, "is there twice");
    grouped("\"group_by\": [{\"column\": \"i\", \"levels\": [\"1.50\", 1, \"1.5\"]}]", keyed,
            SOTTO_ERROR_PLAN, "the level 1.5 is there twice");
    grouped("\"group_by\": [{\"column\": \"i\", \"levels\": [\"1e99\", 1, \"10e98\"]}]", keyed,
            SOTTO_ERROR_PLAN, "the level 10e98 is there twice");
    grouped("\"group_by\": [{\"column\": \"s\", \"levels\": [\"1.5\", \"1.50\"], \"other\": "
            "true}]",
            keyed, SOTTO_OK, "[\"1.5\"], [\"1.50\"]");
    grouped("\"group_by\": [{\"column\": \"s\", \"levels\": [\"x\", \"x\"]}]", keyed,
            SOTTO_ERROR_PLAN, "the level x is there twice");
    grouped("\"where\": \"a + 1\"", keyed, SOTTO_ERROR_TYPE,
            "where: column 3: expected a condition");
}

/* --- NIST --- */

/* The lines of a data set after its rule of dashes, or after "Data:", as a CSV file of three
 * parties. */
static void nist_parties(char *texts[3], const char *name, const char *header)
{
    char line[200];
    (void)snprintf(line, sizeof line, "%s/%s", SOTTO_TEST_NIST, name);
    FILE *file = fopen(line, "r");
    assert_non_null(file);
    for (size_t i = 0; i < 3; i++) {
        texts[i] = malloc(65536);
        assert_non_null(texts[i]);
        strcpy(texts[i], header);
    }
    bool is_data = false;
    for (size_t row = 0; fgets(line, sizeof line, file) != NULL;) {
        double first;
        double second;
        char a[40];
        char b[40];
        int fields = sscanf(line, "%39s %39s", a, b);
        if (is_data && fields >= 1 && sscanf(a, "%lf", &first) == 1) {
            bool pair = fields == 2 && sscanf(b, "%lf", &second) == 1;
            char *text = texts[row++ * 7 % 3];
            (void)sprintf(text + strlen(text), "%s%s%s\n", a, pair ? "," : "", pair ? b : "");
        }
        (void)strtok(line, " \r\n"); /* the titles of the columns follow "Data:" */
        const char *title = strtok(NULL, " \r\n");
        is_data = is_data || (strcmp(line, "Data:") == 0 && title != NULL &&
                              (strcmp(title, "Y") == 0 || strcmp(title, "y") == 0));
    }
    (void)fclose(file);
}

static void nist(const char *name, const char *header, const char *const (*cases)[2])
{
    char *texts[3];
    nist_parties(texts, name, header);
    for (size_t i = 0; cases[i][0] != NULL; i++) {
        test_gives(cases[i][0], (const char *const *)texts, 3, cases[i][1]);
    }
    for (size_t i = 0; i < 3; i++) {
        free(texts[i]);
    }
}

static void test_nist_univariate(void **state)
{
    (void)state;
    static const char *const lottery[][2] = {{"x=count(y)", "\"value\": 218,"},
                                             {"x=mean(y)", "\"value\": 518.9587155963303"},
                                             {"x=std(y)", "\"value\": 291.699727470969"},
                                             {NULL, NULL}};
    static const char *const num_acc4[][2] = {{"x=count(y)", "\"value\": 1001,"},
                                              {"x=mean(y)", "\"exact\": \"10000000.2\""},
                                              {"x=std(y)", "{\"value\": 0.1, \"exact\": \"0.1\"}"},
                                              {NULL, NULL}};
    nist("Lottery.dat", "y\n", lottery);
    nist("NumAcc4.dat", "y\n", num_acc4);
}

/* The slope and the intercept of a simple regression are arithmetic on aggregates. */
static void test_nist_norris(void **state)
{
    (void)state;
    static const char *const norris[][2] = {
        {"x=count(y)", "\"value\": 36,"},
        {"b=cov(x, y) / var(x)", "\"value\": 1.00211681802045"},
        {"a=mean(y) - cov(x, y) / var(x) * mean(x)", "\"value\": -0.262323073774029"},
        {"r=corr(x, y) ** 2", "\"value\": 0.99999374588371"},
        {NULL, NULL}};
    nist("Norris.dat", "y,x\n", norris);
}

static void num_acc(const char *first, const char *odd, const char *even, const char *std)
{
    char *texts[3];
    for (size_t i = 0; i < 3; i++) {
        texts[i] = malloc(8192);
        assert_non_null(texts[i]);
        strcpy(texts[i], "y\n");
    }
    for (size_t i = 0; i < 1001; i++) {
        strcat(texts[i * i % 3], i == 0 ? first : i % 2 == 1 ? odd : even);
        strcat(texts[i * i % 3], "\n");
    }
    test_gives("x=std(y)", (const char *const *)texts, 3, std);
    for (size_t i = 0; i < 3; i++) {
        free(texts[i]);
    }
}

static void test_nist_num_acc(void **state)
{
    (void)state;
    static const char tenth[] = "{\"value\": 0.1, \"exact\": \"0.1\"}";
    test_gives1("x=std(y)", "y\n10000001\n10000003\n10000002\n", "\"exact\": \"1\"");
    num_acc("1.2", "1.1", "1.3", tenth);
    num_acc("1000000.2", "1000000.1", "1000000.3", tenth);
    num_acc("10000000.2", "10000000.1", "10000000.3", tenth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_wise),
        cmocka_unit_test(test_wide_values),
        cmocka_unit_test(test_beside_missing),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_every_ddof_of_cov),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_complete_rows),
        cmocka_unit_test(test_columns_without_values),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_nist_univariate),
        cmocka_unit_test(test_nist_norris),
        cmocka_unit_test(test_nist_num_acc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
