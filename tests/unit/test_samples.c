/* SPDX-License-Identifier: Apache-2.0 */

/* What tests and tables say where there is little to say: samples without values, constants,
 * infinities, levels that nobody has; and which calls are no plan. Values against scipy:
 * tests/e2e/test_scipy.py. */

#include "files.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <stdio.h>

static const char rows[] = "g,h,x,y,c\n"
                           "a,u,1,2,5\n"
                           "a,v,2,1,5\n"
                           "b,u,4,5,5\n"
                           "b,v,7,7,5\n"
                           "c,u,9,,5\n"
                           ",u,3,3,5\n";

static void gives(const char *call, const char *part)
{
    char output[300];
    (void)snprintf(output, sizeof output, "r=%s", call);
    test_gives1(output, rows, part);
}

static void test_one_sided(void **state)
{
    (void)state;
    static const char five[] = "x,y\n1,2\n2,2\n3,2\n4,2\n5,2\n";
    test_gives1("t=ttest_one(x, alternative=greater)", five,
                "\"p\": {\"value\": 0.00661779978184134");
    test_gives1(
        "t=ttest_one(x, alternative=greater)", five,
        "\"low\": {\"value\": 1.4925566809376767}, \"high\": {\"value\": null, \"special\": "
        "\"inf\"}");
    test_gives1("t=ttest_one(x, alternative=less)", five, "\"p\": {\"value\": 0.993382200218158");
    test_gives1("t=ttest_one(x, alternative='less')", five,
                "\"low\": {\"value\": null, \"special\": \"-inf\"}, \"high\": {\"value\": "
                "4.5074433190623235}");
    /* A level of less than a half has its bound on the other side of the mean. */
    test_gives1("t=ttest_one(x, level=5, alternative=greater)", five,
                "\"low\": {\"value\": 4.5074433190623235}");
    test_gives1("t=ttest_one(x, level=50, alternative=greater)", five,
                "\"low\": {\"value\": 3.0, \"exact\": \"3\"}");
    test_gives1("t=ttest_one(-x, alternative=less)", five,
                "\"p\": {\"value\": 0.00661779978184134");
    test_gives1("t=ttest(x, y, equal_var=1, alternative=less)", five, "\"p\": {\"value\": 0.9");
    test_gives1("t=ttest_one(y, alternative=less)", five, "\"p\": {\"value\": 1.0");
    test_refuses_call("ttest_one(x, alternative=both)", "one of two_sided, less, greater");
}

/* scipy's, to the digits that it has. */
static void test_one_sided_correlations(void **state)
{
    (void)state;
    static const char six[] = "x,y\n1,2\n2,1\n3,5\n4,3\n5,6\n6,4\n";
    test_gives1("t=pearson(x, y, alternative=greater)", six, "\"p\": {\"value\": 0.0780874");
    test_gives1("t=pearson(x, -y, alternative=less)", six, "\"p\": {\"value\": 0.0780874");
    test_gives1("t=pearson(x, y, alternative=less)", six, "\"p\": {\"value\": 0.9219125");
    test_gives1("t=pearson(x, y, alternative=less)", six, "\"low\": {\"value\": -1.0");
    test_gives1("t=pearson(x, y, alternative=greater)", six, "\"high\": {\"value\": 1.0");
    /* A level of a half is r, of less the bound is on its other side. */
    test_gives1("t=pearson(x, y, level=50, alternative=greater)", six,
                "\"low\": {\"value\": 0.6571428571428571}");
    test_gives1("t=pearson(x, y, level=20, alternative=greater)", six,
                "\"low\": {\"value\": 0.8547");
    test_gives1("t=pearson(x, x, alternative=less)", six, "\"p\": {\"value\": 1.0");
    test_gives1("t=pearson(x, x, alternative=greater)", six, "\"p\": {\"value\": 0.0");
}

static void test_one_sided_tables(void **state)
{
    (void)state;
    static const char tea[] = "g,h\na,u\na,u\na,u\na,v\nb,u\nb,v\nb,v\nb,v\n";
    test_gives1("t=fisher(g in ('a', 'b'), h in ('u', 'v'))", tea,
                "\"p\": {\"value\": 0.4857142857142857}");
    test_gives1("t=fisher(g in ('a', 'b'), h in ('u', 'v'), alternative=greater)", tea,
                "\"p\": {\"value\": 0.24285714285714285}"); /* 17 / 70 */
    test_gives1("t=fisher(g in ('a', 'b'), h in ('u', 'v'), alternative=less)", tea,
                "\"p\": {\"value\": 0.9857142857142858}"); /* 69 / 70 */
    test_gives1("t=fisher(g in ('b', 'a'), h in ('u', 'v'), alternative=less)", tea,
                "\"p\": {\"value\": 0.24285714285714285}");
}

static void test_proportions(void **state)
{
    (void)state;
    static const char ten[] = "x\n1\n1\n1\n0\n0\n0\n0\n0\n0\n0\n";
    test_gives1("t=binomial(x == 1, 0.5)", ten, "\"p\": {\"value\": 0.34375");
    test_gives1("t=binomial(x == 1, 0.3)", ten, "\"p\": {\"value\": 1.0");
    test_gives1("t=binomial(x == 1, 0.5, alternative=less)", ten, "\"p\": {\"value\": 0.171875");
    test_gives1("t=binomial(x == 1, 0.5, alternative=greater)", ten,
                "\"p\": {\"value\": 0.9453125");
    test_gives1("t=binomial(x == 1, 0.1)", ten, "\"p\": {\"value\": 0.0701908264}");
    test_gives1("t=binomial(x < 5, 0.5)", ten, "\"p\": {\"value\": 0.001953125}");
    test_gives1("t=binomial(x == 1, 0)", ten, "\"p\": {\"value\": 0.0");
    test_gives1("t=binomial(x > 5, 0)", ten, "\"p\": {\"value\": 1.0");
    test_gives1("t=binomial(x == 1, 1.0)", ten, "\"p\": {\"value\": 0.0");
    test_gives1("t=binomial(x < 5, 1)", ten, "\"p\": {\"value\": 1.0");
    test_gives1("t=binomial(if(x > 5, x > 1, na), 0.5)", ten, "\"status\": \"no values\"");
    test_gives1("t=proportion(x == 1, alternative=less)", ten, "\"low\": {\"value\": 0.0");
    test_gives1("t=proportion(x == 1, alternative=greater)", ten, "\"high\": {\"value\": 1.0");
    test_gives1("t=proportion(x == 1, alternative=greater, level=50)", ten,
                "\"low\": {\"value\": 0.3}");
    test_gives1("t=proportion(x < 5, alternative=less)", ten, "\"high\": {\"value\": 1.0");
    test_refuses_call("binomial(x, 0.5, 0.6)", "expected level: a whole number up to 99");
    test_refuses_call("binomial(x > 1)", "found fewer");
    test_refuses_call("binomial(x > 1, 1.5)", "expected a number from 0 to 1");
    test_refuses_call("binomial(x > 1, y)", "expected a share from 0 to 1");
    test_refuses_call("binomial(x > 1, 0.5) + 1", "this stands alone");
}

/* Rows that stand for several are as these. */
static void test_frequencies(void **state)
{
    (void)state;
    static const char short_text[] =
        "g,x,w\na,1.5,3\na,2.5,1\na,4,2\nb,3,5\nb,7.25,2\nb,5,1\na,99,0\n";
    static const char long_text[] =
        "g,x\na,1.5\na,1.5\na,1.5\na,2.5\na,4\na,4\nb,3\nb,3\nb,3\nb,3\nb,3\n"
        "b,7.25\nb,7.25\nb,5\n";
    static const char *const both[] = {
        "\"t\": {\"value\": 7.102155840109195}, \"p\": {\"value\": 8.025251843876611e-06}, \"df\": "
        "{\"value\": 13.0, \"exact\": \"13\"}",
        "\"standard_error\": {\"value\": 0.4978367646829789}, \"low\": {\"value\": "
        "2.460203343258335}, "
        "\"high\": {\"value\": 4.611225228170237}, \"d\": {\"value\": 1.8981309900831613}"};
    static const char two[] =
        "\"t\": {\"value\": -2.1354229051252447}, \"p\": {\"value\": 0.0544726132141687}, \"df\": "
        "{\"value\": 11.765187499508388, \"exact\": \"58333835/4958173\"}";
    for (size_t i = 0; i < 2; i++) {
        test_gives1("t=weighted(x, w, weights=frequency)", short_text, both[i]);
        test_gives1("t=ttest_one(x)", long_text, both[i]);
    }
    test_gives1("t=weighted(x, w, weights=frequency)", short_text,
                "\"variance\": {\"value\": 3.46978021978022, \"exact\": \"1263/364\"}");
    test_gives1("t=var(x)", long_text, "\"exact\": \"1263/364\"");
    test_gives1("t=weighted_ttest(x, g in ('a', 'b'), w, weights=frequency)", short_text, two);
    test_gives1("t=ttest(x, g in ('a', 'b'))", long_text, two);
    test_gives1("t=weighted(x < 5, w, weights=frequency, alternative=less)", short_text,
                "\"mean\": {\"value\": 0.7857142857142857");
    test_refuses_call("weighted(x, y)",
                      "weighted asks for weights=frequency or weights=probability");
    test_refuses_call("weighted(x, y, weights=analytic)", "one of frequency, probability");
    test_refuses_call("weighted(x, y, weights=frequency, weights=frequency)",
                      "weights is there already");
    test_refuses_call("weighted_ttest(x, g in ('a', 'b'), [x, y], weights=frequency)",
                      "single columns");
    test_refuses_call("weighted_ttest(x, g in ('a', 'b'), weights=frequency)", "expected");
}

/* By hand: mean 80/19, and (n / (n - 1)) sum (w (x - mean))^2 / (sum w)^2. */
static void test_probability_weights(void **state)
{
    (void)state;
    static const char text[] =
        "g,x,p\na,1.5,0.25\na,2.5,4.5\na,4,1.125\nb,3,2\nb,7.25,3.5\nb,5,0.5\n";
    test_gives1(
        "t=weighted(x, p, weights=probability)", text,
        "\"df\": {\"value\": 5.0, \"exact\": \"5\"}, \"mean\": {\"value\": 4.2105263157894735, "
        "\"exact\": \"80/19\"}, \"standard_error\": {\"value\": 1.2340304049242339}");
    /* Their size does not matter. */
    test_gives1("t=weighted(x, p * 8, weights=probability)", text,
                "\"standard_error\": {\"value\": 1.2340304049242339}");
    test_gives1("t=weighted(x, float(p), weights=probability)", text,
                "\"standard_error\": {\"value\": 1.2340304049242339}");
    test_gives1("t=weighted(x, p, weights=probability)", text,
                "\"effective_count\": {\"value\": 3.7033237587197374, \"exact\": \"9025/2437\"}");
    /* Alike, they are none. */
    test_gives1("t=weighted(x, x / x, weights=probability)", text,
                "\"standard_error\": {\"value\": 0.8360372");
    test_gives1("t=sem(x)", text, "{\"value\": 0.8360372");
    test_gives1("t=weighted_ttest(x, g in ('a', 'b'), p, weights=probability)", text,
                "\"df\": {\"value\": 4.0, \"exact\": \"4\"}, \"difference\": {\"value\": "
                "-2.9011524822695036, \"exact\": \"-6545/2256\"}, \"standard_error\": {\"value\": "
                "1.4500023429992908}");
}

static void test_weights_without_an_answer(void **state)
{
    (void)state;
    gives("weighted(x, y * 0, weights=frequency)",
          "\"status\": \"the weights do not add up to more than 0\"");
    gives("weighted(x, 0 - y, weights=probability)",
          "\"status\": \"the weights do not add up to more than 0\"");
    gives("weighted(x, (x - 2) ** 2 * 2 - 3, weights=probability)",
          "\"sum_weights\": {\"value\": 142.0, \"exact\": \"142\"}");
    gives("weighted(x, 7 * (x == 4) - 3, weights=probability)",
          "\"status\": \"the weights do not add up to more than 0\"");
    gives("weighted(x, 9 * (x == 4) - 1, weights=probability)",
          "\"status\": \"some weights are negative\"");
    gives("weighted(x / 0, y, weights=frequency)", "\"status\": \"infinite values\"");
    gives("weighted(x, y / 0, weights=probability)", "\"status\": \"infinite values\"");
    gives("weighted(if(g == 'd', x, na), y, weights=frequency)", "\"status\": \"no values\"");
    gives("weighted(if(x == 1, x, na), y, weights=probability)",
          "\"status\": \"fewer than two values\"");
    gives("weighted(if(x == 1, x, na), y, weights=frequency)",
          "\"status\": \"all values are alike\"");
    gives("weighted(c, y, weights=frequency)", "\"status\": \"all values are alike\"");
    gives("weighted_ttest(x, g in ('a', 'nobody'), y, weights=probability)",
          "\"status\": \"no values\"");
    gives("weighted_ttest(x, g in ('a', 'nobody'), y, weights=probability)",
          "\"mean_x\": {\"value\": 1.3333");
}

static void test_standardised_differences(void **state)
{
    (void)state;
    /* 1.5 and 5.5, variances 1/2 and 9/2. */
    gives("smd(x, g in ('a', 'b'))",
          "\"smd\": {\"value\": -2.5298221281347035}, \"standard_error\": "
          "{\"value\": 1.3416407864998738}");
    gives("smd(x, g in ('b', 'a'))", "\"smd\": {\"value\": 2.5298221281347035");
    /* Shares of 1/2 and 3/4: (1/2 - 3/4) / sqrt((1/4 + 3/16) / 2). */
    test_gives1("t=smd(c, g in ('a', 'b'))",
                "g,c\na,true\na,false\nb,true\nb,true\nb,true\nb,false\n",
                "\"smd\": {\"value\": -0.5345224838248488}");
    gives("smd(x > 3, y > 100)", "\"std_y\": {\"value\": 0.0");
    gives("smd(c, g in ('a', 'b'))", "\"status\": \"all values are alike\"");
    gives("smd(x, g in ('a', 'c'))", "\"status\": \"a sample has fewer than two values\"");
    gives("smd(x > 1, g in ('a', 'c'))", "\"smd\": {\"value\": -1.4142135623730951");
    gives("smd(x, g in ('a', 'nobody'))", "\"status\": \"a sample has no values\"");
    gives("smd(x / 0, y)", "\"status\": \"infinite values\"");
    /* Beyond the doubles. */
    gives("smd(0 * float(x) + 1e300, float(x) * 1e-300)",
          "\"smd\": {\"value\": null, \"special\": \"inf\"}");
    gives("smd(0 * float(x) + 1e300, float(x) * 1e-300)", "\"low\": {\"value\": ");
}

static void test_samples_of_too_few(void **state)
{
    (void)state;
    gives("ttest(x, g in ('a', 'nobody'))", "\"status\": \"a sample has no values\"");
    gives("ttest(x, g in ('a', 'nobody'))", "\"mean_x\": {\"value\": 1.5");
    gives("ttest(x, g in ('a', 'c'))", "\"status\": \"a sample has fewer than two values\"");
    /* One variance of both samples needs three values in all, as in R. */
    gives("ttest(x, g in ('a', 'c'), equal_var=1)", "\"df\": {\"value\": 1.0");
    gives("ttest_one(if(g == 'c', x, na))", "\"status\": \"fewer than two values\"");
    gives("ttest_one(if(g == 'd', x, na))", "\"status\": \"no values\"");
    gives("ttest_paired(if(g == 'c', x, na), y)", "\"status\": \"no values\"");
    gives("anova(x, g in ('c', 'nobody'))", "\"status\": \"fewer than two samples have values\"");
    gives("anova(y, g in ('c', 'nobody'))", "\"count\": {\"value\": 0");
    gives("anova(if(x == 9, x, na), if(x == 1, x, na))",
          "\"status\": \"as many samples as values\"");
    /* A sample without values counts for nothing. */
    gives("anova(x, g in ('a', 'b', 'nobody'))", "\"df_between\": {\"value\": 1,");
    gives("anova(x, g in ('a', 'b', 'nobody'))", "\"special\": \"NaN\"}]}");
    gives("pearson(if(g == 'c', x, na), y)", "\"status\": \"fewer than two rows\"");
    gives("pearson(if(g == 'a', x, na), y)", "\"r\": {\"value\": -1.0");
    gives("pearson(if(g == 'a', x, na), y)", "\"status\": \"two rows: no test\"");
    gives("pearson(if(x < 7, x, na), x)",
          "\"status\": \"the columns go together wholly: no interval\"");
    gives("pearson(if(x < 4, x, na), y)", "\"status\": \"three rows: no interval\"");
    gives("var_ci(if(g == 'c', x, na))", "\"status\": \"fewer than two values\"");
    gives("proportion(if(g == 'd', x > 1, na))", "\"status\": \"no values\"");
}

static void test_constants(void **state)
{
    (void)state;
    gives("ttest_one(c)", "\"t\": {\"value\": null, \"special\": \"inf\"}, \"p\": {\"value\": 0.0");
    gives("ttest_one(c)", "\"status\": \"all values are alike\"");
    gives("ttest_one(c - 5)", "\"t\": {\"value\": null, \"special\": \"NaN\"}");
    gives("ttest(c, g in ('a', 'b'))", "\"p\": {\"value\": null, \"special\": \"NaN\"}");
    gives("ttest(c, c - 9)",
          "\"t\": {\"value\": null, \"special\": \"inf\"}, \"p\": {\"value\": 0.0");
    gives("ttest(c - 9, c)", "\"t\": {\"value\": null, \"special\": \"-inf\"}");
    gives("anova(c, g in ('a', 'b'))", "\"f\": {\"value\": null, \"special\": \"NaN\"}");
    gives("anova(c, c + 1)",
          "\"f\": {\"value\": null, \"special\": \"inf\"}, \"p\": {\"value\": 0.0");
    gives("pearson(x, c)", "\"status\": \"a column is constant\"");
    gives("var_ci(c)", "\"low\": {\"value\": 0.0");
    gives("proportion(c > 1)", "\"high\": {\"value\": 1.0");
    gives("proportion(c < 1)", "\"low\": {\"value\": 0.0");
}

static void test_infinities(void **state)
{
    static const char *const calls[] = {"ttest(x / 0, y)",        "ttest_one(x / 0)",
                                        "ttest_paired(x / 0, y)", "anova(y, x / 0)",
                                        "pearson(x / 0, y)",      "var_ci(x / 0)"};
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        gives(calls[i], "\"status\": \"infinite values\"");
    }
    gives("ttest_one(log(x - 5))", "\"nan_made\": 4");
}

static void test_tables(void **state)
{
    (void)state;
    gives("crosstab(g in ('b', 'a'), h in ('u', 'v'))",
          "\"counts\": {\"labels\": [[\"b\", \"a\"], [\"u\", \"v\"]]");
    gives("crosstab(g in ('a', 'c'), h in ('u', 'v'))", "\"total\": {\"value\": 3");
    gives("crosstab(g in ('a', 'nobody'), h in ('u'))",
          "\"row_totals\": {\"labels\": [[\"a\", \"nobody\"]]");
    gives("chi2(g in ('a', 'nobody'), h in ('u', 'v'))", "\"status\": \"a level that nobody has\"");
    gives("chi2(g in ('a'), h in ('u', 'v'))", "\"status\": \"a table of one level\"");
    gives("fisher(g in ('a', 'nobody'), h in ('u', 'v'))",
          "\"status\": \"a level that nobody has\"");
    gives("fisher(g in ('a', 'b'), h in ('u', 'v'))", "\"p\": {\"value\": 1.0");
    gives("crosstab(x in (1, -2.0, 9), h in ('u', 'v'))",
          "\"labels\": [[\"1\", \"-2.0\", \"9\"], [\"u\", \"v\"]]");
}

/* What an output says of 2^doublings times the rows, whose sums are as many times as large. */
static void gives_of_many(const char *call, unsigned doublings, const char *part)
{
    static const struct sotto_result_parties parties = {.invited = 1, .joined = 1, .survived = 1};
    char output[300];
    char *json = NULL;
    struct sotto_driver *driver = NULL;
    (void)snprintf(output, sizeof output, "r=%s", call);
    struct sotto_plan *plan = test_plan_of(output);
    struct sotto_csv *csv = test_csv(rows);
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    const struct sotto_catalogue *offered = catalogue;
    struct sotto_schema schema;
    assert_ok(sotto_schema_offer(&schema, plan, &offered, NULL));
    assert_ok(sotto_driver_new(&driver, plan, &schema, NULL));
    size_t limbs_len = sotto_driver_limbs_len(driver);
    uint64_t *limbs = sotto_alloc_array(limbs_len, sizeof *limbs);
    assert_ok(test_partial(driver, limbs, limbs_len, csv, catalogue, NULL));
    for (size_t i = 0; i < limbs_len; i++) {
        limbs[i] <<= doublings; /* sums are small and positive: no limb carries */
    }
    assert_ok(sotto_driver_advance(driver, limbs, limbs_len, NULL));
    assert_ok(sotto_driver_result(driver, &json, &parties, &schema, 1, NULL));
    assert_contains(json, part);
    sotto_free(json);
    sotto_free(limbs);
    sotto_driver_free(driver);
    sotto_schema_release(&schema);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    sotto_plan_free(plan);
}

static void test_many_rows(void **state)
{
    (void)state;
    const char *fisher = "fisher(g in ('a', 'b'), h in ('u', 'v'))";
    gives_of_many(fisher, 24, "\"p\": {\"value\": 1.0}"); /* it is as expected: few steps */
    gives_of_many("fisher(x in (1, 2), y in (2, 1))", 12, "\"p\": {\"value\": 0.0}");
    gives_of_many("fisher(x in (1, 2), y in (2, 1))", 30,
                  "\"status\": \"too many tables with these margins: ask chi2\"");
    gives_of_many("var_ci(x)", 30, "\"status\": \"more than 100,000,001 rows: no interval\"");
    gives_of_many("var_ci(x)", 30, "\"variance\": {\"value\": 7.88");
    gives_of_many("binomial(x > 1, 0.5)", 23, "\"p\": {\"value\": 0.0}");
    gives_of_many("binomial(x > 1, 0.5)", 24, "\"status\": \"more than 100,000,000 rows: no exact");
    gives_of_many("binomial(x > 1, 0.5)", 24, "\"proportion\": {\"value\": 0.8333333333333334");
    gives_of_many("ttest_one(x)", 50, "\"p\": {\"value\": 0.0}");
    gives_of_many("ttest_one(x)", 50, "\"df\": {\"value\": 6755399441055743.0");
    gives_of_many("anova(x, y)", 40, "\"count\": {\"value\": 12094627905536");
}

static void test_two_ways(void **state)
{
    (void)state;
    const char *call = "anova_two(x, g in ('a', 'b'), h in ('u', 'v'))";
    gives(call, "{\"labels\": [[\"g\", \"h\", \"g:h\", \"residual\"]]");
    gives(call, "\"status\": \"as many cells as values\"");
    gives(call, "\"count\": {\"value\": 4");
    gives("anova_two(x, g in ('no', 'none'), h in ('u', 'v'))", "\"status\": \"no values\"");
    gives("anova_two(x / 0, g in ('a', 'b'), h in ('u', 'v'))", "\"status\": \"infinite values\"");
    gives("anova_two(c, g in ('a', 'b'), c in (5, 6))",
          "\"status\": \"all values of each cell are alike\"");
    /* A column without another level explains nothing: its F is that of no freedom. */
    gives(
        "anova_two(x, g in ('a', 'b'), c in (5))",
        "\"df\": {\"labels\": [[\"g\", \"c\", \"g:c\", \"residual\"]], \"values\": [{\"value\": 1, "
        "\"exact\": \"1\"}, {\"value\": 0, \"exact\": \"0\"}, {\"value\": 0, \"exact\": \"0\"}, "
        "{\"value\": 2, ");
    gives("anova_two(x, g in ('a', 'b'), c in (5))",
          "\"p\": {\"labels\": [[\"g\", \"c\", \"g:c\", \"residual\"]], \"values\": [{\"value\": "
          "0.127");
    test_refuses_call("anova_two(x, g in ('a', 'b'))", "anova_two takes three arguments");
    test_refuses_call("anova_two(x, y, h in ('a'))", "expected a column and its levels");
    test_refuses_call("anova_two([x, y], g in ('a'), h in ('u'))", "this takes single columns");
}

static void test_descriptions(void **state)
{
    (void)state;
    gives("describe(x)",
          "{\"labels\": [[\"count\", \"mean\", \"std\", \"25%\", \"50%\", "
          "\"75%\"]], \"values\": [{\"value\": 6, \"exact\": \"6\"}, {\"value\": 4.3");
    gives("describe(x, extremes=1)", "\"75%\", \"max\"]]");
    gives("describe([x, y])", "[\"x\", \"y\"]], \"values\": [[{\"value\": 6, \"exact\": \"6\"}, "
                              "{\"value\": 5, \"exact\": \"5\"}], [");
    gives("describe(if(g == 'd', x, na))",
          "[{\"value\": 0, \"exact\": \"0\"}, {\"value\": null, \"special\": \"NaN\"}");
    gives("iqr(x)", "\"value\": 4.0");
    gives("iqr(x) / 2 + 1", "\"value\": 3.0");
    gives("mad(x)", "\"value\": 2.0");
    gives("missing([x, y])", "{\"labels\": [[\"x\", \"y\"]], \"values\": [{\"value\": 0");
    gives("missing(g)", "\"value\": 1");
}

static void test_what_is_no_call(void **state)
{
    (void)state;
    test_refuses_call("ttest(x, g in ('a', 'b', 'c'))",
                      "column 29: ttest takes two levels, found 3");
    test_refuses_call("ttest(x, g in ('a'))", "ttest takes two levels, found 1");
    test_refuses_call("anova(x, g in ('a'))", "anova takes at least two levels, found 1");
    test_refuses_call("anova(x, g in ('a', 'a'))", "column 21: this level");
    test_refuses_call("anova(x, h in (1, 2, 1.0))", "this level is there already");
    test_refuses_call("anova(x, h in (-1, 1, -1e0))", "this level is there already");
    test_refuses_call("anova(x, g in (a, b))", "expected a level: a number or a text");
    test_refuses_call("anova(x, g in ('a', 'b'), y)",
                      "anova takes two arguments or more, found more");
    test_refuses_call("anova([x, y], x)", "this takes single columns, not frames");
    test_refuses_call("ttest(x, [x, y])", "this takes single columns, not frames");
    test_refuses_call("ttest(x, y) + 1", "this stands alone");
    test_refuses_call("ttest(x, y, level=100)", "a whole number");
    gives("chi2(g in ('a', 'b'), h in ('u', 'v'), 1)", "\"chi2\": {\"value\": 0.0");
    test_refuses_call("chi2(g in ('a', 'b'), h in ('u', 'v'), 2)",
                      "expected yates: a whole number up to 1");
    test_refuses_call("crosstab(g in ('a', 'b'), h in ('u', 'v'), 2)",
                      "crosstab takes two arguments");
    test_refuses_call("ttest(x, y, level=0)",
                      "column 19: expected level: a whole number from 1 to 99");
    test_refuses_call("crosstab(g, h)", "expected a column and its levels, such as dept in");
    test_refuses_call("crosstab(g in ('a', 'a'), h in ('u'))", "this level is there already");
    test_refuses_call("crosstab(g in ('a'), h in ('u', 'u'))", "this level is there already");
    test_refuses_call("fisher(g in ('a', 'b', 'c'), h in ('u', 'v'))",
                      "fisher takes two levels of each");
    test_refuses_call("crosstab(g in ('a'))", "crosstab takes two arguments, found fewer");
}

static void test_levels_of_a_table_may_not_be_too_many(void **state)
{
    static char call[8000];
    (void)state;
    size_t at = 0;
    for (size_t side = 0; side < 2; side++) {
        at += (size_t)snprintf(call + at, sizeof call - at,
                               side == 0 ? "crosstab(x in (0" : ", y in (0");
        for (int i = 1; i < 33; i++) {
            at += (size_t)snprintf(call + at, sizeof call - at, ", %d", i);
        }
        at += (size_t)snprintf(call + at, sizeof call - at, ")");
    }
    (void)snprintf(call + at, sizeof call - at, ")");
    test_refuses_call(call, "more than 1024 cells");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_sided),
        cmocka_unit_test(test_one_sided_correlations),
        cmocka_unit_test(test_one_sided_tables),
        cmocka_unit_test(test_proportions),
        cmocka_unit_test(test_frequencies),
        cmocka_unit_test(test_probability_weights),
        cmocka_unit_test(test_weights_without_an_answer),
        cmocka_unit_test(test_standardised_differences),
        cmocka_unit_test(test_samples_of_too_few),
        cmocka_unit_test(test_constants),
        cmocka_unit_test(test_infinities),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_many_rows),
        cmocka_unit_test(test_two_ways),
        cmocka_unit_test(test_descriptions),
        cmocka_unit_test(test_what_is_no_call),
        cmocka_unit_test(test_levels_of_a_table_may_not_be_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
