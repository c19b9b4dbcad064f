/* SPDX-License-Identifier: Apache-2.0 */

/* Guarded quantiles, and the median distance from the median, in random federations whose parties
 * ask for different numbers of rows: each interval holds what the pooled rows have, and no vector
 * that is opened counts a cell in which a party has fewer rows than it asks for, or fewer parties
 * have rows than must stand behind it. 400 federations, or SOTTO_CASES times as many. */

#include "cases.h"
#include "files.h"
#include "plans.h"
#include "test.h"

#include <jansson.h>
#include <math.h>
#include <sotto/alloc.h>
#include <sotto/source.h>
#include <stdio.h>
#include <stdlib.h>

#define PARTIES_MAX 6
#define ROWS_MAX 120
#define ROW_BYTES 48

struct party {
    char text[ROWS_MAX * ROW_BYTES];
    struct sotto_csv *file;
    struct sotto_catalogue *catalogue;
    struct sotto_schema offer;
    struct sotto_source *source;
    struct sotto_judge judge;
    uint8_t withheld[4];
    uint64_t *partial;
};

struct federation {
    struct party parties[PARTIES_MAX];
    size_t parties_len;
    struct sotto_plan *plan;
    struct sotto_schema schema;
    struct sotto_driver *driver;
    uint64_t values[4]; /* of each group, as the first grid counts them */
    bool is_grouped;
};

/* --- Rows --- */

/* kind: integers, ties, decimals, doubles with infinities, doubles of one sign, all alike. */
static void random_value(char *out, size_t bytes, size_t kind, size_t party, uint64_t *random)
{
    size_t spread = test_random_below(random, 3) == 0 ? 100000 : 60;
    long number = (long)test_random_below(random, spread) - (kind == 0 ? (long)spread / 2 : 0);
    switch (kind) {
    case 0:
        (void)snprintf(out, bytes, "%ld", number);
        break;
    case 1:
        (void)snprintf(out, bytes, "%zu", test_random_below(random, 4));
        break;
    case 2:
        (void)snprintf(out, bytes, "%ld.%0*ld", number, (int)(1 + party % 3), number % 10);
        break;
    case 3:
        (void)snprintf(out, bytes, "%s",
                       test_random_below(random, 20) == 0   ? "inf"
                       : test_random_below(random, 20) == 0 ? "-inf"
                       : test_random_below(random, 20) == 0 ? "5e-324"
                       : test_random_below(random, 2) == 0  ? "0e0"
                                                            : "-2.5e3");
        break;
    case 4:
        (void)snprintf(out, bytes, "%lde-2", number + (long)party * 1000);
        break;
    default:
        (void)snprintf(out, bytes, "7");
        break;
    }
}

/* A party has no values, or as many as it asks for. */
static void fill_party(struct party *party, size_t kind, size_t number, uint64_t *random)
{
    size_t at = (size_t)snprintf(party->text, sizeof party->text, "g,x\n");
    size_t values_len = party->judge.rows_apart + test_random_below(random, 80);
    values_len = test_random_below(random, 6) == 0 ? 0 : values_len;
    for (size_t i = 0; i < values_len + 5; i++) {
        char value[ROW_BYTES / 2] = "";
        if (i < values_len) {
            random_value(value, sizeof value, kind, number, random);
        }
        at += (size_t)snprintf(party->text + at, sizeof party->text - at, "%c,%s\n",
                               "aab"[test_random_below(random, 3)], value);
    }
}

/* --- Judging, as a party's rules do --- */

static enum sotto_status judge_bins(void *context, const struct sotto_evidence *evidence,
                                    struct sotto_withheld *withheld, struct sotto_error *err)
{
    const struct party *party = context;
    (void)err;
    for (size_t group = 0; group < sotto_evidence_groups_len(evidence); group++) {
        size_t len;
        const uint64_t *bins = sotto_evidence_bins(evidence, group, &len);
        for (size_t i = 0; i < len; i++) {
            bool is_few = bins[i] > 0 && bins[i] < party->judge.rows_apart;
            assert_true(!is_few || sotto_evidence_has_groups(evidence));
            if (is_few) {
                withheld->groups[group] = 1;
            }
        }
    }
    return SOTTO_OK;
}

/* --- Rounds --- */

static void open_party(struct federation *federation, struct party *party)
{
    const struct sotto_catalogue **catalogue = (const struct sotto_catalogue **)&party->catalogue;
    party->file = test_csv(party->text);
    party->catalogue = test_catalogue(party->file);
    assert_ok(sotto_schema_offer(&party->offer, federation->plan, catalogue, NULL));
    assert_ok(sotto_source_new_file(&party->source, party->file, party->catalogue, NULL));
}

static void close_party(struct party *party)
{
    sotto_free(party->partial);
    sotto_source_free(party->source);
    sotto_schema_release(&party->offer);
    sotto_catalogue_free(party->catalogue);
    sotto_csv_close(party->file);
}

/* An opened count of parts, at a limb: of no party few rows, and of no few parties, but for the one
 * of all values. Returns: the count. */
static uint64_t check_count(const struct federation *federation, size_t at, uint64_t all)
{
    uint64_t parties_len = 0;
    uint64_t count = 0;
    for (size_t i = 0; i < federation->parties_len; i++) {
        uint64_t rows = federation->parties[i].partial[at];
        assert_true(rows == 0 || rows >= federation->parties[i].judge.rows_apart);
        parties_len += rows > 0;
        count += rows;
    }
    bool is_all = federation->driver->round == 2 || count == all;
    assert_true(parties_len == 0 || is_all || parties_len >= federation->driver->calls.needed);
    return count;
}

static void check_opened(struct federation *federation)
{
    const struct sotto__program *program = federation->driver->program;
    for (size_t group = 0; group < program->groups_len; group++) {
        for (size_t i = 0; i < program->terms_len; i++) {
            const struct sotto__term *term = &program->terms[i];
            uint64_t counts = 0;
            for (size_t j = 0; term->kind == SOTTO__TERM_COUNTS && j < term->counts_len; j++) {
                counts += check_count(federation, group * program->group_limbs + term->offset + j,
                                      federation->values[group]);
            }
            if (federation->driver->round == 2) {
                federation->values[group] = counts;
            }
        }
    }
}

static void take_round(struct federation *federation)
{
    size_t len = sotto_driver_limbs_len(federation->driver);
    uint64_t *sum = sotto_alloc_array(len, sizeof *sum);
    for (size_t i = 0; i < federation->parties_len; i++) {
        struct party *party = &federation->parties[i];
        uint8_t before[sizeof party->withheld];
        memcpy(before, party->withheld, sizeof before);
        sotto_free(party->partial);
        party->partial = sotto_alloc_array(len, sizeof *party->partial);
        assert_ok(sotto_driver_contribute(federation->driver, party->partial, len, party->withheld,
                                          &party->source, &party->judge, NULL));
        assert_true(federation->driver->round == 1 ||
                    memcmp(before, party->withheld, sizeof before) == 0);
        sotto_driver_add(federation->driver, sum, party->partial, len);
    }
    check_opened(federation);
    struct sotto_error err = {0};
    if (sotto_driver_advance(federation->driver, sum, len, &err) != SOTTO_OK) {
        fail_msg("%s", err.text);
    }
    sotto_free(sum);
}

static char *write_result(const struct sotto_driver *driver, const struct sotto_schema *offers,
                          size_t len)
{
    const struct sotto_result_parties parties = {
        .invited = (uint32_t)len, .joined = (uint32_t)len, .survived = (uint32_t)len};
    char *text = NULL;
    assert_ok(sotto_driver_result(driver, &text, &parties, offers, len, NULL));
    return text;
}

static json_t *read_result(const struct sotto_driver *driver, const struct sotto_schema *offers,
                           size_t len)
{
    char *text = write_result(driver, offers, len);
    json_t *result = json_loads(text, 0, NULL);
    assert_non_null(result);
    sotto_free(text);
    return result;
}

/* --- The pooled rows --- */

static json_t *find_pooled(const struct federation *federation, const char *json)
{
    static char text[PARTIES_MAX * ROWS_MAX * ROW_BYTES];
    struct federation pooled = {.parties_len = 1};
    struct sotto_schema schema;
    size_t at = (size_t)snprintf(text, sizeof text, "g,x\n");
    for (size_t i = 0; i < federation->parties_len; i++) {
        const struct party *party = &federation->parties[i];
        for (const char *row = party->text + strlen("g,x\n"); *row != '\0';) {
            size_t bytes = strcspn(row, "\n") + 1;
            bool is_out = federation->is_grouped && party->withheld[row[0] - 'a'] != 0;
            at +=
                is_out ? 0 : (size_t)snprintf(text + at, sizeof text - at, "%.*s", (int)bytes, row);
            row += bytes;
        }
    }
    assert_ok(sotto_plan_parse(&pooled.plan, json, strlen(json), NULL));
    struct sotto_csv *file = test_csv(text);
    struct sotto_catalogue *catalogue = test_catalogue(file);
    const struct sotto_catalogue *of = catalogue;
    assert_ok(sotto_schema_offer(&schema, pooled.plan, &of, NULL));
    assert_ok(sotto_driver_new(&pooled.driver, pooled.plan, &federation->schema, NULL));
    while (sotto_driver_round(pooled.driver) != 0) {
        size_t len = sotto_driver_limbs_len(pooled.driver);
        uint64_t *limbs = sotto_alloc_array(len, sizeof *limbs);
        assert_ok(test_partial(pooled.driver, limbs, len, file, catalogue, NULL));
        assert_ok(sotto_driver_advance(pooled.driver, limbs, len, NULL));
        sotto_free(limbs);
    }
    json_t *result = read_result(pooled.driver, &federation->schema, 1);
    sotto_driver_free(pooled.driver);
    sotto_schema_release(&schema);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(file);
    sotto_plan_free(pooled.plan);
    return result;
}

/* --- Holding one against the other --- */

static double read_end(const json_t *end)
{
    const char *special = json_string_value(end);
    return special == NULL                ? json_real_value(end)
           : strcmp(special, "inf") == 0  ? (double)INFINITY
           : strcmp(special, "-inf") == 0 ? (double)-INFINITY
                                          : (double)NAN;
}

static double read_number(const json_t *value)
{
    const json_t *number = json_object_get(value, "value");
    return read_end(json_is_null(number) ? json_object_get(value, "special") : number);
}

/* slack: relative. Returns: whether the value is an interval. */
static bool check_value(const json_t *guarded, const json_t *exact, size_t seed, double slack)
{
    const char *special = json_string_value(json_object_get(guarded, "special"));
    bool is_interval = special != NULL && strcmp(special, "interval") == 0;
    double wanted = read_number(exact);
    double low = is_interval ? read_end(json_object_get(guarded, "low")) : read_number(guarded);
    double high = is_interval ? read_end(json_object_get(guarded, "high")) : low;
    double by = isfinite(wanted) ? slack * fabs(wanted) : 0;
    bool holds = (low <= wanted + by && wanted - by <= high) || (wanted != wanted && low != low);
    bool is_no_number = wanted != wanted && isinf(high) != 0; /* infinite less infinite */
    if (!holds && !is_no_number) {
        fail_msg("seed %zu: %.17g is not in [%.17g, %.17g]", seed, wanted, low, high);
    }
    return is_interval;
}

static size_t check_values(const json_t *guarded, const json_t *exact, size_t seed, double slack)
{
    size_t intervals_len = 0;
    if (json_is_object(guarded) && json_object_get(guarded, "value") != NULL) {
        return check_value(guarded, exact, seed, slack);
    }
    if (json_is_object(guarded)) {
        return check_values(json_object_get(guarded, "values"), json_object_get(exact, "values"),
                            seed, slack);
    }
    for (size_t i = 0; i < json_array_size(guarded); i++) {
        intervals_len +=
            check_values(json_array_get(guarded, i), json_array_get(exact, i), seed, slack);
    }
    return intervals_len;
}

static const char *const outputs[] = {"\"m\": \"median(x%s)\"",
                                      "\"q\": \"quantile(x, 0, 0.1, 0.33, 0.9, 1%s)\"",
                                      "\"l\": \"quantile(x, 0.4, interpolation=nearest%s)\"",
                                      "\"i\": \"iqr(x%s)\"",
                                      "\"d\": \"mad(x%s)\"",
                                      "\"a\": \"median(x%s) / 2 - 7\""};

/* One of the outputs in each plan. */
static void write_plan(char *out, size_t bytes, bool is_grouped, size_t seed, const char *option)
{
    size_t at = (size_t)snprintf(
        out, bytes,
        "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": {\"t\": "
        "\"t.csv\"}, %s \"select\": {",
        is_grouped ? "\"group_by\": [{\"column\": \"g\", \"levels\": [\"a\", \"b\"]}]," : "");
    const char *output = outputs[seed / 6 % (sizeof outputs / sizeof outputs[0])];
    const char *place = strstr(output, "%s");
    (void)snprintf(out + at, bytes - at, "%.*s%s%s}}", (int)(place - output), output, option,
                   place + 2);
}

static void make_federation(struct federation *out, size_t seed, uint64_t *random)
{
    char json[2000];
    struct sotto_schema offers[PARTIES_MAX];
    *out = (struct federation){.parties_len = 3 + test_random_below(random, PARTIES_MAX - 2),
                               .is_grouped = seed % 3 == 0};
    write_plan(json, sizeof json, out->is_grouped, seed, "");
    assert_ok(sotto_plan_parse(&out->plan, json, strlen(json), NULL));
    for (size_t i = 0; i < out->parties_len; i++) {
        struct party *party = &out->parties[i];
        party->judge = (struct sotto_judge){.min_rows = 1,
                                            .rows_apart = test_random_below(random, 14),
                                            .judge = judge_bins,
                                            .context = party};
        fill_party(party, seed % 6, i, random);
        open_party(out, party);
        offers[i] = party->offer;
    }
    assert_ok(sotto_schema_agree(&out->schema, out->plan, offers, NULL, out->parties_len, NULL));
    assert_ok(sotto_driver_new(&out->driver, out->plan, &out->schema, NULL));
    sotto_driver_need_parties(out->driver, seed % 2 == 0 ? 0 : 3);
}

static void release_federation(struct federation *federation)
{
    for (size_t i = 0; i < federation->parties_len; i++) {
        close_party(&federation->parties[i]);
    }
    sotto_driver_free(federation->driver);
    sotto_schema_release(&federation->schema);
    sotto_plan_free(federation->plan);
}

/* --- Outcomes by name --- */

/* The result of an output over three parties' texts, each of which asks for five rows. */
static void gives(const char *const texts[3], const char *keys, const char *output,
                  const char *part)
{
    static struct federation federation;
    struct sotto_schema offers[3];
    char json[600];
    federation = (struct federation){.parties_len = 3};
    (void)snprintf(json, sizeof json,
                   "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                   "{\"t\": \"t.csv\"}, %s \"select\": {\"o\": \"%s\"}}",
                   keys, output);
    assert_ok(sotto_plan_parse(&federation.plan, json, strlen(json), NULL));
    for (size_t i = 0; i < 3; i++) {
        struct party *party = &federation.parties[i];
        (void)snprintf(party->text, sizeof party->text, "g,x\n%s", texts[i]);
        party->judge = (struct sotto_judge){
            .min_rows = 1, .rows_apart = 5, .judge = judge_bins, .context = party};
        open_party(&federation, party);
        offers[i] = party->offer;
    }
    assert_ok(sotto_schema_agree(&federation.schema, federation.plan, offers, NULL, 3, NULL));
    assert_ok(sotto_driver_new(&federation.driver, federation.plan, &federation.schema, NULL));
    while (sotto_driver_round(federation.driver) != 0) {
        take_round(&federation);
    }
    char *text = write_result(federation.driver, offers, 3);
    assert_contains(text, part);
    sotto_free(text);
    release_federation(&federation);
}

static void test_outcomes(void **state)
{
    (void)state;
    /* A party with three values on one side of 0 can't bear the first cut. */
    static const char *const first_branch[] = {"a,-1\na,-2\na,-3\na,1\na,2\na,3\na,4\na,5\n",
                                               "a,1\na,1\na,1\na,1\na,1\n", ""};
    gives(first_branch, "", "median(x)",
          "{\"value\": null, \"special\": \"interval\", \"low\": -9.223372036854776e+18, "
          "\"high\": 9.223372036854776e+18}");
    gives(first_branch, "", "iqr(x)", "\"low\": 0.0, \"high\": 1.8446744073709552e+19");
    gives(first_branch, "", "mad(x)", "\"low\": 0.0, \"high\": 1.8446744073709552e+19");
    static const char *const first_doubles[] = {"a,-1e0\na,2e0\na,2e0\na,2e0\na,2e0\n", "", ""};
    gives(first_doubles, "", "median(x)", "\"low\": \"-inf\", \"high\": \"inf\"");
    static const char *const missing[] = {"a,\na,\n", "a,\n", ""};
    gives(missing, "", "median(x)", "{\"value\": null, \"special\": \"NaN\"}");
    gives(missing, "", "mad(x)", "{\"value\": null, \"special\": \"NaN\"}");
    static const char *const empty_group[] = {"a,7\na,7\na,7\na,7\na,7\n", "b,\n", ""};
    gives(empty_group, "\"group_by\": [{\"column\": \"g\", \"levels\": [\"a\", \"b\"]}],",
          "median(x)",
          "[{\"value\": 7.0, \"exact\": \"7\"}, {\"value\": null, \"special\": \"NaN\"}]");
    /* Ties: a number that five rows have is told. */
    static const char *const ties[] = {"a,3\na,3\na,3\na,3\na,3\n",
                                       "a,9\na,9\na,9\na,9\na,9\na,9\n", "a,\n"};
    gives(ties, "", "quantile(x, 0.4)", "\"value\": 3.0");
    gives(ties, "", "median(x)", "\"value\": 9.0");
    gives(ties, "", "mad(x)", "\"value\": 0.0");
    static const char *const infinite[] = {"a,-inf\na,-inf\na,-inf\na,-inf\na,-inf\n",
                                           "a,inf\na,inf\na,inf\na,inf\na,inf\na,inf\n", ""};
    gives(infinite, "", "quantile(x, 0.9)", "\"special\": \"inf\"");
    gives(infinite, "", "quantile(x, 0.1)", "\"special\": \"-inf\"");
    gives(infinite, "", "mad(x)", "\"special\": \"inf\"");
    /* Five rows of different values are told as where they are, and no closer. */
    static const char *const spread[] = {"a,101\na,102\na,103\na,104\na,105\n", "a,\n", ""};
    gives(spread, "", "median(x)", "\"low\": 96.0, \"high\": 111.0");
}

static void test_intervals_hold(void **state)
{
    static struct federation federation;
    char json[2000];
    size_t intervals_len = 0;
    (void)state;
    for (size_t seed = 0, cases = test_cases(400); seed < cases; seed++) {
        uint64_t random = seed;
        struct sotto_schema offers[PARTIES_MAX];
        make_federation(&federation, seed, &random);
        while (sotto_driver_round(federation.driver) != 0) {
            take_round(&federation);
        }
        for (size_t i = 0; i < federation.parties_len; i++) {
            offers[i] = federation.parties[i].offer;
        }
        json_t *guarded = read_result(federation.driver, offers, federation.parties_len);
        write_plan(json, sizeof json, federation.is_grouped, seed, ", exact=1");
        json_t *exact = find_pooled(&federation, json);
        const char *name;
        json_t *output;
        json_object_foreach(json_object_get(guarded, "outputs"), name, output)
        {
            double slack = strcmp(name, "d") == 0 ? 1e-15 : 0; /* each distance is rounded */
            intervals_len += check_values(
                output, json_object_get(json_object_get(exact, "outputs"), name), seed, slack);
        }
        json_decref(exact);
        json_decref(guarded);
        release_federation(&federation);
    }
    assert_true(intervals_len > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_outcomes),
                                       cmocka_unit_test(test_intervals_hold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
