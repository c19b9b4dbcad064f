/* SPDX-License-Identifier: Apache-2.0 */
/* What the parties of a task open together (federation/cover.c): the decision against its own
 * promises, by random covers; and whole tasks of parties that have little. */
#include "cases.h"
#include "federation/internal.h"
#include "files.h"
#include "net.h"
#include "plans.h"
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PARTIES_MAX 12
/* Of combinations of sums these parties say nothing. */
#define PRIME 0
#define BOTH (SOTTO_COVER_ENOUGH | SOTTO_COVER_GIVEN)

/* Two outputs of cells, in two groups; the mean's values are no cells. */
static const char cells_plan[] =
    "{\"version\": 1, \"name\": \"t\", \"type\": \"analytics\", \"datasets\": {\"w\": \"w.csv\"},"
    " \"group_by\": [{\"column\": \"key\", \"levels\": [\"a\", \"b\"]}],"
    " \"select\": {\"h\": \"hist(pay, 0, 10, 20, 30)\", \"m\": \"mean(pay)\", \"s\": \"sum(if(pay "
    "> 10, pay, na))\","
    " \"v\": \"value_counts(dept, 'x', 'y')\"},"
    " \"strategy\": {\"min_clients\": %u, \"max_clients\": %u, \"wait_timeout\": 7,"
    " \"connection_timeout\": 5}}";

/* Of each group: itself, three bins, two levels. */
#define STRIDE 6
#define FIRST_CELL 1
#define FIRST_LEVEL 4
#define LEN ((size_t)2 * STRIDE)

/* Of the driver that make_driver makes, which borrows it. */
static struct sotto_plan *cells;

static struct sotto_driver *make_driver(void)
{
    char json[1000];
    struct sotto_schema schema;
    struct sotto_driver *driver = NULL;
    struct sotto_csv *csv = test_csv("key,pay,dept\na,1,x\n");
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    const struct sotto_catalogue *const catalogues[] = {catalogue};
    (void)snprintf(json, sizeof json, cells_plan, 3, 3);
    assert_ok(sotto_plan_parse(&cells, json, strlen(json), NULL));
    assert_ok(sotto_schema_offer(&schema, cells, catalogues, NULL));
    assert_ok(sotto_driver_new(&driver, cells, &schema, NULL));
    sotto_schema_release(&schema);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    return driver;
}

/* --- The decision --- */

struct sample {
    struct sotto_roster roster;
    uint8_t said[PARTIES_MAX][LEN];
    uint8_t bitmaps[PARTIES_MAX][SOTTO__COVER_BYTES(LEN)];
    struct sotto__offer offers[PARTIES_MAX];
};

static void sample_make(struct sample *out, uint64_t *random)
{
    uint64_t scarcity = 1 + test_random_below(random, 12);
    *out = (struct sample){
        .roster = {.adverts_len = 3 + (uint32_t)test_random_below(random, PARTIES_MAX - 2),
                   .demands = {.min_parties = (uint32_t)test_random_below(random, 6),
                               .colluders = (uint32_t)test_random_below(random, 3)}}};
    for (size_t i = 0; i < out->roster.adverts_len; i++) {
        for (size_t part = 0; part < LEN; part++) {
            uint8_t said = test_random_below(random, scarcity) == 0
                               ? (uint8_t)test_random_below(random, 4)
                               : BOTH;
            out->said[i][part] = said;
            out->bitmaps[i][part / 8] |= (uint8_t)((said & SOTTO_COVER_ENOUGH) << part % 8);
            out->bitmaps[i][SOTTO__COVER_BYTES(LEN) / 2 + part / 8] |=
                (uint8_t)((said >> 1) << part % 8);
        }
        out->offers[i] = (struct sotto__offer){.cover = out->bitmaps[i], .cover_len = LEN};
    }
}

static uint32_t needed_of(const struct sample *sample)
{
    uint32_t k = sample->roster.demands.colluders;
    k = sample->roster.adverts_len >= 5 && k == 0 ? 1 : k;
    return k + 3 > sample->roster.demands.min_parties ? k + 3 : sample->roster.demands.min_parties;
}

/* Parties that say at least `what` of any part from first up to last. */
static uint32_t count_saying(const struct sample *sample, const uint8_t *closed, size_t first,
                             size_t last, uint8_t what)
{
    uint32_t found = 0;
    for (size_t i = 0; i < sample->roster.adverts_len; i++) {
        bool says = false;
        for (size_t part = first; part < last; part++) {
            bool counts = closed == NULL || closed[part] == 0;
            says = says || (counts && (sample->said[i][part] & what) == what);
        }
        found += says;
    }
    return found;
}

static bool is_group_covered(const struct sample *sample, size_t first)
{
    return count_saying(sample, NULL, first, first + 1, BOTH) >= needed_of(sample);
}

/* What is promised of the bins or levels from first up to last, in an open group. */
static void check_family(const struct sample *sample, const uint8_t *opened, size_t first,
                         size_t last)
{
    uint32_t needed = needed_of(sample);
    size_t open = 0;
    size_t could = 0;
    for (size_t part = first; part < last; part++) {
        open += opened[part];
        could += count_saying(sample, NULL, part, part + 1, BOTH) >= needed;
    }
    /* All but the rest is opened only if the rest is a sum over enough parties too. */
    assert_true(open == last - first || open == 0 ||
                count_saying(sample, opened, first, last, SOTTO_COVER_ENOUGH) >= needed);
    /* And at most one is closed for that. */
    assert_true(could - open <= 1);
    assert_true(could < last - first || open == could);
}

static void check_sample(const struct sample *sample, const struct sotto__cover *cover)
{
    uint32_t needed = needed_of(sample);
    for (size_t first = 0; first < LEN; first += STRIDE) {
        bool is_open = is_group_covered(sample, first);
        assert_int_equal(cover->opened[first], is_open);
        for (size_t part = first + FIRST_CELL; part < first + STRIDE; part++) {
            assert_true(cover->opened[part] == 0 ||
                        (is_open && count_saying(sample, NULL, part, part + 1, BOTH) >= needed));
        }
        if (is_open) {
            check_family(sample, cover->opened, first + FIRST_CELL, first + FIRST_LEVEL);
            check_family(sample, cover->opened, first + FIRST_LEVEL, first + STRIDE);
        }
    }
}

/* Survivors cover what is opened, or it is seen. */
static void check_living(const struct sample *sample, const struct sotto__cover *cover,
                         uint64_t *random)
{
    bool lives[PARTIES_MAX];
    struct sample left = *sample;
    for (size_t i = 0; i < sample->roster.adverts_len; i++) {
        lives[i] = test_random_below(random, 8) != 0;
        if (!lives[i]) {
            memset(left.said[i], 0, sizeof left.said[i]);
        }
    }
    bool holds = true;
    for (size_t part = 0; part < LEN; part++) {
        bool is_cell = part % STRIDE >= FIRST_CELL;
        holds = holds && (cover->opened[part] == 0 || !is_cell ||
                          count_saying(&left, NULL, part, part + 1, BOTH) >= needed_of(sample));
    }
    for (size_t first = 0; first < LEN; first += STRIDE) {
        static const size_t ends[] = {FIRST_CELL, FIRST_LEVEL, STRIDE};
        holds = holds && (cover->opened[first] == 0 || is_group_covered(&left, first));
        for (size_t i = 0; cover->opened[first] != 0 && i < 2; i++) {
            size_t from = first + ends[i];
            size_t to = first + ends[i + 1];
            bool all = memchr(cover->opened + from, 0, to - from) == NULL ||
                       memchr(cover->opened + from, 1, to - from) == NULL;
            holds = holds && (all || count_saying(&left, cover->opened, from, to,
                                                  SOTTO_COVER_ENOUGH) >= needed_of(sample));
        }
    }
    assert_int_equal(sotto__cover_holds(cover, lives), holds);
}

static void test_what_is_opened(void **state)
{
    (void)state;
    struct sotto_driver *driver = make_driver();
    assert_int_equal(sotto_driver_cover_len(driver), LEN);
    uint64_t random = 1;
    uint64_t refused = 0;
    uint64_t partly = 0;
    uint64_t cases = test_cases(2000);
    for (uint64_t i = 0; i < cases; i++) {
        struct sample sample;
        struct sotto__cover cover = {0};
        sample_make(&sample, &random);
        enum sotto_status status =
            sotto__cover_init(&cover, driver, sample.offers, &sample.roster, PRIME, NULL);
        bool is_any = cover.opened[0] != 0 || cover.opened[STRIDE] != 0;
        assert_int_equal(status, is_any ? SOTTO_OK : SOTTO_ERROR_REFUSED);
        assert_int_equal(cover.is_all_open, memchr(cover.opened, 0, LEN) == NULL);
        check_sample(&sample, &cover);
        check_living(&sample, &cover, &random);
        refused += !is_any;
        partly += is_any && !cover.is_all_open;
        sotto__cover_release(&cover);
    }
    assert_true(refused > cases / 50 && partly > cases / 10);
    sotto_driver_free(driver);
    sotto_plan_free(cells);
}

/* Who speaks of other parts stands behind none. */
static void test_other_parts(void **state)
{
    (void)state;
    struct sotto_driver *driver = make_driver();
    uint8_t all[SOTTO__COVER_BYTES(LEN)];
    memset(all, 0xFF, sizeof all);
    struct sotto_roster roster = {.adverts_len = 3};
    struct sotto__offer offers[3];
    for (uint32_t wrong = 0; wrong < 2; wrong++) {
        struct sotto__cover cover = {0};
        for (size_t i = 0; i < 3; i++) {
            offers[i] = (struct sotto__offer){.cover = all, .cover_len = LEN};
        }
        offers[1].cover_len -= wrong;
        assert_int_equal(sotto__cover_init(&cover, driver, offers, &roster, PRIME, NULL),
                         wrong == 0 ? SOTTO_OK : SOTTO_ERROR_REFUSED);
        sotto__cover_release(&cover);
    }
    sotto_driver_free(driver);
    sotto_plan_free(cells);
}

/* A plan of many families is decided in the time of its parts, not of families times parts: a
 * creator may not keep its parties busy for minutes. */
static void test_many_families(void **state)
{
    (void)state;
    enum { FAMILIES = 1000, GROUPS = 1000, PARTIES = 40 };
    const size_t stride = 1 + 2 * (size_t)FAMILIES;
    struct sotto__cover cover = {
        .len = GROUPS * stride, .stride = stride, .parties_len = PARTIES, .needed = 4};
    cover.said = sotto_alloc_array(PARTIES, SOTTO__COVER_BYTES(cover.len));
    cover.opened = sotto_alloc_array(cover.len, sizeof *cover.opened);
    cover.cells = sotto_alloc_array(stride, sizeof *cover.cells);
    assert_true(cover.said != NULL && cover.opened != NULL && cover.cells != NULL);
    memset(cover.said, 0xFF, PARTIES * SOTTO__COVER_BYTES(cover.len));
    memset(cover.opened, 1, cover.len);
    for (size_t i = 0; i + 1 < stride; i++) {
        cover.cells[i] = (struct sotto_cover_cell){.family = i / 2, .is_alone = true};
    }
    clock_t before = clock();
    assert_true(sotto__cover_holds(&cover, NULL));
    assert_true((clock() - before) / CLOCKS_PER_SEC < 8);
    sotto__cover_release(&cover);
}

/* --- Tasks --- */

static uint8_t everything[LEN];

static void begin(size_t len)
{
    const char *rows[20];
    for (size_t i = 0; i < 20; i++) {
        rows[i] = "key,pay,dept\na,1,x\na,12,y\nb,25,x\n";
    }
    memset(everything, BOTH, sizeof everything);
    assert_ok(net_begin_plan(rows, len, cells_plan, 3, (uint32_t)len));
}

/* Of three parties one has nothing of a group, and one nothing of a bin: these are in no sum. */
static void test_parts_stay_closed(void **state)
{
    (void)state;
    uint8_t no_group[LEN];
    uint8_t no_bin[LEN];
    begin(3);
    memcpy(no_group, everything, LEN);
    memcpy(no_bin, everything, LEN);
    memset(no_group + STRIDE, SOTTO_COVER_GIVEN, STRIDE);
    no_bin[FIRST_LEVEL - 1] = 0;
    net.hosts[1].says = no_group;
    net.hosts[1].says_len = LEN;
    net.hosts[2].says = no_bin;
    net.hosts[2].says_len = LEN;
    net_run();
    net_assert_result_has("\"withheld\": [0, 3]");
    /* The last bin, and the first one, without which the last would be the rest. */
    net_assert_result_has("{\"value\": null, \"special\": \"withheld\", \"withheld\": 3}, "
                          "{\"value\": 3, \"exact\": \"3\"}, "
                          "{\"value\": null, \"special\": \"withheld\", \"withheld\": 3}");
    net_end();
}

static void test_nothing_is_left(void **state)
{
    (void)state;
    uint8_t nothing[LEN] = {0};
    begin(3);
    net.hosts[0].says = nothing;
    net.hosts[0].says_len = LEN;
    net_run();
    net_assert_ended(SOTTO_ERROR_REFUSED, "rule cover: fewer than 3 parties");
    net_end();
}

/* Five parties, of which four have enough, as many as are needed: one of them vanishes once it has
 * masked nothing. The others are enough for the sum, not for the cover: nobody consents. */
static void test_survivors_that_do_not_cover(void **state)
{
    (void)state;
    uint8_t nothing[LEN] = {0};
    begin(5);
    memset(nothing, SOTTO_COVER_GIVEN, LEN);
    net.hosts[1].says = nothing;
    net.hosts[1].says_len = LEN;
    net.hosts[4].dies_before = SOTTO_MESSAGE_MASKED;
    net_run();
    assert_int_not_equal(net.ended, SOTTO_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(net.hosts[i].ended, SOTTO_ERROR_REFUSED);
        assert_contains(net.hosts[i].end_text, "rule cover: of those that are left too few");
    }
    net_end();
    begin(5); /* all have enough */
    net.hosts[4].dies_before = SOTTO_MESSAGE_MASKED;
    net_run();
    net_assert_result_has("\"survived\": 4");
    net_end();
}

/* One of five vanishes once it has masked. The others reveal its input, unless it has said that who
 * survives matters to it: then nothing is opened without it. */
static void test_who_is_asked_who_survives(void **state)
{
    (void)state;
    for (int is_of_parties = 0; is_of_parties < 2; is_of_parties++) {
        begin(5);
        net.hosts[4].is_of_parties = is_of_parties != 0;
        net.hosts[4].dies_before = SOTTO_MESSAGE_CONSENT;
        net_run();
        if (is_of_parties == 0) {
            net_assert_result_has("\"survived\": 5");
        } else {
            assert_int_not_equal(net.ended, SOTTO_OK);
            assert_false(net.has_result);
        }
        net_end();
    }
}

int main(void)
{
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_opened),
        cmocka_unit_test(test_other_parts),
        cmocka_unit_test(test_many_families),
        cmocka_unit_test(test_parts_stay_closed),
        cmocka_unit_test(test_nothing_is_left),
        cmocka_unit_test(test_survivors_that_do_not_cover),
        cmocka_unit_test(test_who_is_asked_who_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
