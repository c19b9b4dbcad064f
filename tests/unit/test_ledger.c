/* SPDX-License-Identifier: Apache-2.0 */

/* The ledger: what a party that has answered before answers again. Persons have a wage and stand on
 * one of two sides of each predicate; the asker asks for sums of wages, week after week. */

#include "fault.h"
#include "files.h"
#include "ledgers.h"
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/ledger.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <stdlib.h>

#define MIN_ROWS 10
#define PERSONS_MAX 400
#define PREDICATES_MAX 8
#define ATOMS_MAX (1 << PREDICATES_MAX)
#define DAY_MS ((int64_t)24 * 3600 * 1000)

static const struct sotto_ledger_party parties[8] = {{{1}}, {{2}}, {{3}}, {{4}},
                                                     {{5}}, {{6}}, {{7}}, {{8}}};
static size_t parties_first;
static size_t parties_len;
static size_t parties_least;
static struct sotto_ledger_pending answered;

static int start(void **state)
{
    (void)state;
    test_disk_clear();
    sotto_ledger_pending_release(&answered);
    parties_first = 0;
    parties_len = 4;
    parties_least = 3;
    return 0;
}

/* --- Persons and questions --- */

struct person {
    double wage;
    bool sides[PREDICATES_MAX];
};

static struct person persons[PERSONS_MAX];
static size_t persons_len;
static int64_t today;

/* Persons whose side of the first predicate changes from one to the next, of the second in
 * quarters. */
static void hire(size_t len)
{
    persons_len = 0;
    today = 20000;
    for (size_t i = 0; i < len; i++) {
        persons[i] = (struct person){.wage = 2000 + 7.25 * (double)i};
        persons[i].sides[0] = i % 2 == 0;
        persons[i].sides[1] = i % 4 < 2;
        persons_len++;
    }
}

static struct person make_person(double wage, bool side)
{
    return (struct person){.wage = wage, .sides = {side}};
}

static void add_persons(size_t len, bool side)
{
    for (size_t i = 0; i < len; i++) {
        uint64_t random = persons_len * 31 + (uint64_t)today;
        double wage = 9000 + (double)test_random_below(&random, 100000);
        persons[persons_len++] = make_person(wage, side);
    }
}

/* A question: over all (-1), or over one side of a predicate. */
struct ask {
    int predicate;
    bool side;
    bool by_group; /* grouped by the predicate instead: groups 0 and 1 */
    const char *measure;
    uint32_t fitted_round; /* of a model, whose measure it is; 0: it is of round 1 and no model */
    unsigned budget;
    bool charges_rounds;
};

static const char *const predicate_texts[PREDICATES_MAX] = {
    "(age < 40)", "(dept == \"Sales\")", "c", "d", "e", "f", "g", "h"};

struct atoms {
    uint16_t classes[ATOMS_MAX][PREDICATES_MAX];
    struct sotto_sketch sketches[ATOMS_MAX];
    struct sotto_ledger_atom list[ATOMS_MAX];
    size_t len;
};

static size_t find_atom(struct atoms *atoms, const uint16_t *classes, size_t classes_len)
{
    for (size_t i = 0; i < atoms->len; i++) {
        if (memcmp(atoms->classes[i], classes, classes_len * sizeof *classes) == 0) {
            return i;
        }
    }
    memcpy(atoms->classes[atoms->len], classes, classes_len * sizeof *classes);
    atoms->sketches[atoms->len] = (struct sotto_sketch){0};
    atoms->list[atoms->len] = (struct sotto_ledger_atom){.classes = atoms->classes[atoms->len],
                                                         .sketches = &atoms->sketches[atoms->len]};
    return atoms->len++;
}

static size_t find_predicate(const char *text)
{
    size_t i = 0;
    while (strcmp(predicate_texts[i], text) != 0) {
        i++;
    }
    return i;
}

static void make_atoms(struct atoms *out, const struct sotto_ledger *ledger,
                       const struct sotto_ledger_texts *predicates, const struct ask *ask)
{
    out->len = 0;
    for (size_t i = 0; i < persons_len; i++) {
        uint16_t classes[PREDICATES_MAX] = {0};
        for (size_t j = 0; j < predicates->len; j++) {
            classes[j] = persons[i].sides[find_predicate(predicates->texts[j])];
        }
        struct sotto_ledger_atom *atom = &out->list[find_atom(out, classes, predicates->len)];
        bool side = ask->predicate >= 0 && persons[i].sides[ask->predicate];
        atom->rows++;
        atom->is_asked = ask->predicate < 0 || ask->by_group || side == ask->side;
        atom->group = ask->by_group && side ? 1 : 0;
        sotto_sketch_add((struct sotto_sketch *)atom->sketches, sotto_ledger_sketch_key(ledger),
                         &persons[i].wage, NULL, NULL, 1);
    }
}

static uint8_t withheld[2];

static enum sotto_status try_asking(struct sotto_ledger *ledger, struct ask ask,
                                    struct sotto_error *err)
{
    static struct atoms atoms;
    struct sotto_ledger_texts predicates = {0};
    const char *column = "wage";
    struct sotto_ledger_measure measure = {.text = ask.measure != NULL ? ask.measure : "wage",
                                           .columns = &column,
                                           .columns_len = 1,
                                           .is_fitted = ask.fitted_round > 0};
    enum sotto_rule rule;
    enum sotto_status status = sotto_ledger_predicates(ledger, &predicates, "wages.csv", err);
    if (status == SOTTO_OK && ask.predicate >= 0) {
        status = sotto_ledger_texts_add(&predicates, predicate_texts[ask.predicate]);
    }
    if (status != SOTTO_OK) {
        sotto_ledger_texts_release(&predicates);
        return status;
    }
    make_atoms(&atoms, ledger, &predicates, &ask);
    struct sotto_ledger_file file = {.file = "wages.csv",
                                     .predicates = (const char *const *)predicates.texts,
                                     .predicates_len = predicates.len,
                                     .measures = &measure,
                                     .measures_len = 1,
                                     .atoms = atoms.list,
                                     .atoms_len = atoms.len};
    struct sotto_ledger_question question = {.task = {(uint8_t)today, 0xAB},
                                             .creator = {1},
                                             .name = "weekly",
                                             .round = ask.fitted_round > 0 ? ask.fitted_round : 1,
                                             .budget = ask.budget,
                                             .charges_rounds = ask.charges_rounds,
                                             .parties = parties + parties_first,
                                             .parties_len = parties_len,
                                             .parties_least = parties_least,
                                             .now_ms = today * DAY_MS,
                                             .min_rows = MIN_ROWS,
                                             .groups_len = ask.by_group ? 2 : 0,
                                             .files = &file,
                                             .files_len = 1};
    withheld[0] = withheld[1] = 0;
    sotto_ledger_pending_release(&answered);
    status = sotto_ledger_answer(ledger, &answered, &rule, withheld, &question, err);
    sotto_ledger_texts_release(&predicates);
    return status;
}

static const struct ask all = {.predicate = -1};

/* Whether who the parties are will matter to a question over all. */
static bool foresees_parties(struct sotto_ledger *ledger)
{
    static struct atoms atoms;
    struct sotto_error err = {0};
    const struct sotto_ledger_texts predicates = {0};
    const struct sotto_ledger_measure measure = {.text = "wage"};
    bool is_of_parties = false;
    make_atoms(&atoms, ledger, &predicates, &all);
    const struct sotto_ledger_file file = {.file = "wages.csv",
                                           .measures = &measure,
                                           .measures_len = 1,
                                           .atoms = atoms.list,
                                           .atoms_len = atoms.len};
    const struct sotto_ledger_question question = {
        .name = "weekly", .min_rows = MIN_ROWS, .files = &file, .files_len = 1};
    assert_ok(sotto_ledger_foresee(ledger, &is_of_parties, withheld, &question, &err));
    return is_of_parties;
}

static void ask_answered(struct sotto_ledger *ledger, struct ask ask)
{
    struct sotto_error err = {0};
    enum sotto_status status = try_asking(ledger, ask, &err);
    assert_string_equal(err.text, "");
    assert_ok(status);
    today += 7;
}

static void ask_refused(struct sotto_ledger *ledger, struct ask ask, const char *part)
{
    struct sotto_error err = {0};
    size_t before = test_disk.len;
    assert_int_equal(try_asking(ledger, ask, &err), SOTTO_ERROR_REFUSED);
    assert_contains(err.text, part);
    assert_int_equal(test_disk.len, before);
    today += 7;
}

/* --- Weeks --- */

static void test_the_same_costs_nothing(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    hire(60);
    ask_answered(ledger, all);
    size_t after_one = test_disk.len;
    ask_answered(ledger, all);
    ask_answered(ledger, all);
    assert_int_equal(test_disk.len, after_one + 2); /* who asked, and no sketch */
    sotto_ledger_free(ledger);
}

/* Of a model one round with coefficients is charged; or each of them. */
static void test_a_model_is_charged(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    struct ask fit = {.predicate = -1, .fitted_round = 2, .budget = 2}; /* of 60 rows: 1 sum */
    hire(60);
    ask_answered(ledger, fit);
    ask_answered(ledger, fit);
    for (size_t i = 0; i < persons_len; i++) { /* weights of other coefficients */
        persons[i].wage *= 1.5;
    }
    fit.fitted_round = 3;
    ask_answered(ledger, fit);
    fit.charges_rounds = true;
    ask_refused(ledger, fit, "budget: 1 sums of column wage");
    fit.charges_rounds = false;
    fit.fitted_round = 2; /* of another model */
    ask_refused(ledger, fit, "budget: 1 sums of column wage");
    sotto_ledger_free(ledger);
}

/* The answer that stands is named with its day. */
static void test_corrected_rows(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    hire(60);
    ask_answered(ledger, all);
    for (size_t i = 0; i < 3; i++) {
        persons[i * 5].wage += 100;
    }
    ask_refused(ledger, all, "task 20ab0000 (weekly) of 2024-10-04");
    for (size_t i = 0; i < 20; i++) {
        persons[i].wage += 1000;
    }
    ask_answered(ledger, all);
    sotto_ledger_free(ledger);
}

static void test_one_erased_and_twelve_added(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    hire(60);
    ask_answered(ledger, all);
    persons[7] = persons[--persons_len];
    ask_refused(ledger, all, "fewer than 10 values of wage in wages.csv changed");
    add_persons(12, true);
    ask_answered(ledger, all);
    sotto_ledger_free(ledger);
}

/* Five corrected rows are five persons, old and new values ten. */
static void test_five_corrected_are_not_ten(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    hire(60);
    ask_answered(ledger, all);
    for (size_t i = 0; i < 5; i++) {
        persons[i].wage += 0.25;
    }
    ask_refused(ledger, all, "that answer stands");
    sotto_ledger_free(ledger);
}

/* The order of rows, and whatever else stands in them, is of no effect. */
static void test_order_is_nothing(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    hire(60);
    ask_answered(ledger, all);
    for (size_t i = 0; i < 30; i++) {
        struct person person = persons[i];
        persons[i] = persons[59 - i];
        persons[59 - i] = person;
    }
    size_t before = test_disk.len;
    ask_answered(ledger, all);
    assert_int_equal(test_disk.len, before + 1);
    add_persons(1, true);
    ask_refused(ledger, all, "that answer stands");
    sotto_ledger_free(ledger);
}

/* Another measure of the same file is compared with its own answers only. */
static void test_measures_are_apart(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    hire(60);
    ask_answered(ledger, all);
    add_persons(1, true);
    ask_answered(ledger, (struct ask){.predicate = -1, .measure = "bonus"});
    ask_refused(ledger, all, "that answer stands");
    sotto_ledger_free(ledger);
}

/* --- Sets --- */

/* First those below 40 and the others, then all, one person more. */
static void test_parts_and_then_all(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    hire(60);
    ask_answered(ledger, (struct ask){.predicate = 0, .side = true});
    ask_answered(ledger, (struct ask){.predicate = 0, .side = false});
    add_persons(1, true);
    ask_refused(ledger, all, "that answer stands");
    sotto_ledger_free(ledger);
}

/* First all, then one part, unchanged: the other part is known by that. */
static void test_all_and_then_parts(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    hire(60);
    ask_answered(ledger, all);
    ask_answered(ledger, (struct ask){.predicate = 0, .side = true});
    add_persons(1, false);
    add_persons(12, true);
    ask_refused(ledger, (struct ask){.predicate = 0, .side = false}, "that answer stands");
    ask_answered(ledger, (struct ask){.predicate = 0, .side = true});
    sotto_ledger_free(ledger);
}

/* What was answered over one side says nothing of the other. */
static void test_sides_are_apart(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    hire(60);
    ask_answered(ledger, (struct ask){.predicate = 0, .side = true});
    add_persons(1, false);
    ask_answered(ledger, (struct ask){.predicate = 0, .side = false});
    ask_answered(ledger, (struct ask){.predicate = 0, .side = true});
    sotto_ledger_free(ledger);
}

/* Two sets of 30, which hold 5 persons in common: these are singled out by whoever is told of a
 * third one that the two make but for them. */
static void test_few_in_common(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    hire(60);
    for (size_t i = 0; i < 60; i++) {
        persons[i].sides[0] = i < 30;
        persons[i].sides[1] = i >= 25 && i < 55;
        persons[i].sides[2] = i < 55;
        persons[i].sides[3] = i < 25;
    }
    ask_answered(ledger, (struct ask){.predicate = 0, .side = true});
    ask_answered(ledger, (struct ask){.predicate = 1, .side = true});
    ask_refused(ledger, (struct ask){.predicate = 2, .side = true}, "singles out fewer than 10");
    ask_refused(ledger, (struct ask){.predicate = 3, .side = true}, "singles out fewer than 10");
    ask_answered(ledger, (struct ask){.predicate = 0, .side = true});
    sotto_ledger_free(ledger);
}

/* A group where few changed is withheld, the other is answered. */
static void test_groups_fall_away_singly(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    const struct ask grouped = {.predicate = 0, .by_group = true};
    hire(60);
    ask_answered(ledger, grouped);
    assert_int_equal(withheld[0] + withheld[1], 0);
    add_persons(12, true);
    add_persons(1, false);
    ask_answered(ledger, grouped);
    assert_int_equal(withheld[0], 1);
    assert_int_equal(withheld[1], 0);
    add_persons(1, true);
    ask_refused(ledger, grouped, "that answer stands");
    add_persons(9, false); /* with the one before: 10 since the answer that stands */
    ask_answered(ledger, grouped);
    assert_int_equal(withheld[0], 0);
    assert_int_equal(withheld[1], 1);
    sotto_ledger_free(ledger);
}

/* --- Parties --- */

/* Four parties, then three of them: the difference is the fourth's. */
static void test_one_party_less(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    hire(60);
    ask_answered(ledger, all);
    parties_len = 3;
    ask_refused(ledger, all,
                "these 3 and the 4 of an answer over the same rows of this node "
                "differ by 1, and at least 3 are needed");
    ask_refused(ledger, (struct ask){.predicate = 0, .side = true}, "differ by 1");
    parties_len = 7;
    ask_answered(ledger, all);
    parties_len = 5; /* as with the seven: two */
    ask_refused(ledger, all, "these 5 and the 4");
    parties_len = 4;
    ask_answered(ledger, all);
    sotto_ledger_free(ledger);
}

/* Why few rows are not drowned in others' sums (LEAKAGE.md): the first sum less the second and the
 * third is E's own, and of no two sets that one party sees the difference is small. So a sum has to
 * be one that E may tell alone. */
static void test_sets_that_no_party_sees(void **state)
{
    (void)state;
    static const struct { /* of E, A, B, C, D, F, G, H */
        size_t first;
        size_t len;
    } sets[] = {{0, 5}, {1, 7}, {5, 3}};
    parties_least = 4;
    for (size_t party = 0; party < sizeof parties / sizeof parties[0]; party++) {
        test_disk_clear();
        struct sotto_ledger *ledger = test_ledger_open();
        hire(60);
        for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
            parties_first = sets[i].first;
            parties_len = sets[i].len;
            if (party >= parties_first && party < parties_first + parties_len) {
                ask_answered(ledger, all);
            }
        }
        sotto_ledger_free(ledger);
    }
}

/* Whoever has other rows now is in the difference. */
static void test_other_rows_of_fewer_parties(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    hire(60);
    ask_answered(ledger, all);
    add_persons(12, true);
    parties_len = 3;
    ask_answered(ledger, all);
    parties_len = 4;
    ask_refused(ledger, all, "differ by 1");
    sotto_ledger_free(ledger);
}

/* The same four were asked, but one is lost on the way: what is consented to counts. */
/* Who survives matters where values are told again, and a party can know it before it joins. */
static void test_it_matters_who_survives(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    hire(60);
    assert_false(foresees_parties(ledger));
    ask_answered(ledger, all);
    assert_true(foresees_parties(ledger));
    for (size_t i = 0; i < persons_len; i++) {
        persons[i].wage += 1;
    }
    assert_false(foresees_parties(ledger));
    sotto_ledger_free(ledger);
}

static void test_survivors(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    struct sotto_error err = {0};
    hire(60);
    ask_answered(ledger, all);
    assert_ok(sotto_ledger_consent(ledger, &answered, parties, 4, 1, &err));
    ask_answered(ledger, all);
    assert_int_equal(sotto_ledger_consent(ledger, &answered, parties, 3, 1, &err),
                     SOTTO_ERROR_REFUSED);
    assert_contains(err.text, "these 3 and the 4");
    assert_ok(sotto_ledger_begin_epoch(ledger, "wages.csv", 1, &err));
    ask_answered(ledger, all);
    assert_ok(sotto_ledger_consent(ledger, &answered, parties, 3, 1, &err));
    ask_refused(ledger, all, "these 4 and the 3");
    parties_len = 3;
    ask_answered(ledger, all);
    sotto_ledger_free(ledger);
}

/* 1,000 parties are written down in five entries, once. */
static void test_many_parties(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    struct sotto_error err = {0};
    static struct sotto_ledger_party many[1000];
    for (size_t i = 0; i < 1000; i++) {
        many[i].key[0] = (uint8_t)i;
        many[i].key[1] = (uint8_t)(i / 256);
    }
    hire(60);
    ask_answered(ledger, all);
    size_t before = test_disk.len;
    assert_ok(sotto_ledger_consent(ledger, &answered, many, 1000, 1, &err));
    assert_int_equal(test_disk.len, before + 6);
    ask_answered(ledger, all);
    assert_int_equal(sotto_ledger_consent(ledger, &answered, many, 999, 1, &err),
                     SOTTO_ERROR_REFUSED);
    assert_contains(err.text, "these 999 and the 1000");
    assert_ok(sotto_ledger_consent(ledger, &answered, many, 997, 1, &err));
    sotto_ledger_free(ledger);
    sotto_ledger_free(test_ledger_open());
}

/* --- Predicates, epochs --- */

static void test_predicates_are_limited(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    struct sotto_ledger_texts predicates = {0};
    struct sotto_error err = {0};
    enum sotto_rule rule;
    char texts[257][16];
    hire(60);
    for (size_t i = 0; i < 257; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "(x < %zu)", i);
        assert_ok(sotto_ledger_texts_add(&predicates, texts[i]));
    }
    struct sotto_ledger_file file = {.file = "wages.csv",
                                     .predicates = (const char *const *)predicates.texts,
                                     .predicates_len = 257};
    struct sotto_ledger_question question = {
        .name = "many", .min_rows = MIN_ROWS, .files = &file, .files_len = 1};
    assert_int_equal(sotto_ledger_answer(ledger, &answered, &rule, withheld, &question, &err),
                     SOTTO_ERROR_LIMIT);
    assert_contains(err.text, "begin an epoch");
    file.predicates_len = 256;
    assert_ok(sotto_ledger_answer(ledger, &answered, &rule, withheld, &question, &err));
    assert_ok(sotto_ledger_begin_epoch(ledger, "wages.csv", 1, &err));
    sotto_ledger_texts_release(&predicates);
    assert_ok(sotto_ledger_predicates(ledger, &predicates, "wages.csv", &err));
    assert_int_equal(predicates.len, 0);
    sotto_ledger_free(ledger);
}

/* Texts of 1 byte to 5,000, two of which begin alike; one is as long as two entries. */
static void test_long_predicates(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 1024, 1025, 2048, 5000, 5000};
    struct sotto_ledger *ledger = test_ledger_open();
    struct sotto_ledger_texts predicates = {0};
    struct sotto_error err = {0};
    enum sotto_rule rule;
    for (size_t i = 0; i < 6; i++) {
        char text[5001];
        memset(text, 'x', lengths[i]);
        text[lengths[i] - 1] = (char)('a' + i);
        text[lengths[i]] = '\0';
        assert_ok(sotto_ledger_texts_add(&predicates, text));
    }
    struct sotto_ledger_file file = {.file = "wages.csv",
                                     .predicates = (const char *const *)predicates.texts,
                                     .predicates_len = 6};
    struct sotto_ledger_question question = {.name = "long", .files = &file, .files_len = 1};
    sotto_ledger_pending_release(&answered);
    assert_ok(sotto_ledger_answer(ledger, &answered, &rule, withheld, &question, &err));
    for (size_t i = 0; i < 2; i++) { /* also where they are written down again */
        struct sotto_ledger_texts known = {0};
        assert_ok(sotto_ledger_predicates(ledger, &known, "wages.csv", &err));
        assert_int_equal(known.len, 6);
        for (size_t j = 0; j < 6; j++) {
            assert_string_equal(known.texts[j], predicates.texts[j]);
        }
        sotto_ledger_texts_release(&known);
        assert_ok(sotto_ledger_prune(ledger, 100 * DAY_MS, 100 * DAY_MS, &err));
        assert_true(test_disk.rows[0].number > 1);
    }
    sotto_ledger_texts_release(&predicates);
    sotto_ledger_free(ledger);
    sotto_ledger_free(test_ledger_open());
}

static void test_an_epoch_forgives(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    struct sotto_error err;
    hire(60);
    ask_answered(ledger, (struct ask){.predicate = 0, .side = true});
    add_persons(1, true);
    ask_refused(ledger, all, "that answer stands");
    assert_ok(sotto_ledger_begin_epoch(ledger, "other.csv", today * DAY_MS, &err));
    ask_refused(ledger, all, "that answer stands");
    assert_ok(sotto_ledger_begin_epoch(ledger, "wages.csv", today * DAY_MS, &err));
    ask_answered(ledger, all);
    add_persons(1, true);
    ask_refused(ledger, all, "that answer stands");
    sotto_ledger_free(ledger);
}

static enum sotto_status keep_last(void *context, const struct sotto_ledger_entry *entry,
                                   struct sotto_error *err)
{
    (void)err;
    *(struct sotto_ledger_entry *)context = *entry;
    return SOTTO_OK;
}

/* A copy says so for good, and what it has counts as before. */
static void test_a_copy_says_so(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    struct sotto_ledger_entry last = {.number = 0};
    struct sotto_error err;
    hire(60);
    ask_answered(ledger, (struct ask){.predicate = 0, .side = true});
    assert_ok(sotto_ledger_restored(ledger, 77, today * DAY_MS, &err));
    sotto_ledger_free(ledger);
    ledger = test_ledger_open();
    assert_ok(sotto_ledger_each(ledger, keep_last, &last, &err));
    assert_int_equal(last.kind, SOTTO_LEDGER_RESTORED);
    assert_int_equal(last.count, 77);
    assert_int_equal(last.created_ms, today * DAY_MS);
    add_persons(1, true);
    ask_refused(ledger, all, "that answer stands");
    sotto_ledger_free(ledger);
}

/* A question that was prepared before another one brought new predicates. */
static void test_predicates_in_another_order(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    struct sotto_error err;
    hire(60);
    ask_answered(ledger, (struct ask){.predicate = 0, .side = true});
    enum sotto_rule rule;
    const char *late = predicate_texts[1];
    struct sotto_ledger_file file = {.file = "wages.csv", .predicates = &late, .predicates_len = 1};
    struct sotto_ledger_question question = {.name = "late", .files = &file, .files_len = 1};
    assert_int_equal(sotto_ledger_answer(ledger, &answered, &rule, withheld, &question, &err),
                     SOTTO_ERROR_STATE);
    sotto_ledger_free(ledger);
}

/* --- What becomes of an answer --- */

static void test_annulled_answers_are_no_answers(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    struct sotto_error err;
    hire(60);
    ask_answered(ledger, all);
    assert_ok(sotto_ledger_annul(ledger, answered.number, today * DAY_MS, &err));
    add_persons(1, true);
    ask_answered(ledger, all);
    assert_ok(sotto_ledger_consent(ledger, &answered, parties, parties_len, today * DAY_MS, &err));
    sotto_ledger_free(ledger);
    ledger = test_ledger_open(); /* both are remembered */
    persons_len--;
    ask_refused(ledger, all, "that answer stands");
    sotto_ledger_free(ledger);
}

/* Killed anywhere: what append returned for is there, and what it did not is not. */
static void test_a_full_disk(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    struct sotto_error err;
    uint8_t before[SOTTO_LEDGER_DIGEST_BYTES];
    uint8_t after[SOTTO_LEDGER_DIGEST_BYTES];
    hire(60);
    ask_answered(ledger, all);
    uint64_t number = sotto_ledger_head(ledger, before);
    add_persons(12, true);
    test_disk.is_full = true;
    assert_int_equal(try_asking(ledger, all, &err), SOTTO_ERROR_IO);
    assert_int_equal(sotto_ledger_consent(ledger, &answered, parties, parties_len, 0, &err),
                     SOTTO_ERROR_IO);
    assert_int_equal(sotto_ledger_head(ledger, after), number);
    assert_memory_equal(before, after, sizeof before);
    test_disk.is_full = false;
    ask_answered(ledger, all);
    sotto_ledger_free(ledger);
    sotto_ledger_free(test_ledger_open());
}

/* --- Tampering --- */

static void make_history(void)
{
    struct sotto_ledger *ledger = test_ledger_open();
    struct sotto_error err;
    hire(60);
    ask_answered(ledger, (struct ask){.predicate = 0, .side = true});
    assert_ok(sotto_ledger_consent(ledger, &answered, parties, parties_len, 0, &err));
    assert_ok(sotto_ledger_refuse(ledger, (const uint8_t[16]){2}, (const uint8_t[32]){3}, "rows",
                                  "bad", 0, &err));
    ask_answered(ledger, all);
    sotto_ledger_free(ledger);
}

static void expect_tampered(void)
{
    struct sotto_ledger *ledger = NULL;
    struct sotto_error err = {0};
    assert_int_equal(test_ledger_try(&ledger, &err), SOTTO_ERROR_AUTH);
    assert_null(ledger);
    assert_contains(err.text, "the ledger of answers was changed by somebody else: entry");
}

/* Any byte of any entry, its number, time, subject or digest. */
static void test_a_changed_byte_is_found(void **state)
{
    (void)state;
    make_history();
    for (size_t i = 0; i < test_disk.len; i++) {
        uint8_t *bytes = (uint8_t *)test_disk.rows[i].bytes;
        for (size_t j = 0; j < test_disk.rows[i].bytes_len; j++) {
            bytes[j] ^= 0x10;
            expect_tampered();
            bytes[j] ^= 0x10;
        }
        test_disk.rows[i].created_ms++;
        expect_tampered();
        test_disk.rows[i].created_ms--;
        test_disk.rows[i].subject[3] ^= 1;
        expect_tampered();
        test_disk.rows[i].subject[3] ^= 1;
        test_disk.rows[i].digest[31] ^= 1;
        expect_tampered();
        test_disk.rows[i].digest[31] ^= 1;
    }
    sotto_ledger_free(test_ledger_open());
}

static void test_a_missing_entry_is_found(void **state)
{
    (void)state;
    make_history();
    for (size_t i = 0; i + 1 < test_disk.len; i++) {
        struct test_disk whole = test_disk;
        memmove(&test_disk.rows[i], &test_disk.rows[i + 1],
                (test_disk.len - i - 1) * sizeof test_disk.rows[0]);
        test_disk.len--;
        expect_tampered();
        for (size_t j = i; j < test_disk.len; j++) { /* numbered anew */
            test_disk.rows[j].number--;
        }
        expect_tampered();
        test_disk = whole;
    }
}

/* The end cut off is a chain all the same: its head is another. */
static void test_a_cut_end_has_another_head(void **state)
{
    (void)state;
    uint8_t before[SOTTO_LEDGER_DIGEST_BYTES];
    uint8_t after[SOTTO_LEDGER_DIGEST_BYTES];
    make_history();
    struct sotto_ledger *ledger = test_ledger_open();
    uint64_t number = sotto_ledger_head(ledger, before);
    sotto_ledger_free(ledger);
    free((void *)test_disk.rows[--test_disk.len].bytes);
    ledger = test_ledger_open();
    assert_int_equal(sotto_ledger_head(ledger, after), number - 1);
    assert_memory_not_equal(before, after, sizeof before);
    sotto_ledger_free(ledger);
}

static void test_another_secret(void **state)
{
    (void)state;
    make_history();
    const struct sotto_ledger_storage storage = test_disk_storage();
    struct sotto_ledger *ledger = NULL;
    struct sotto_error err;
    uint8_t other[SOTTO_LEDGER_SECRET_BYTES] = {1};
    assert_int_equal(sotto_ledger_open(&ledger, &storage, other, &err), SOTTO_ERROR_AUTH);
}

/* --- Age --- */

static void test_forgetting(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    struct sotto_error err;
    hire(60);
    ask_answered(ledger, (struct ask){.predicate = 0, .side = true});
    ask_answered(ledger, (struct ask){.predicate = 1, .side = true});
    size_t before = test_disk.len;
    ask_answered(ledger, all);
    assert_int_equal(test_disk.len, before + 3); /* its sum; of its four atoms three are there */
    today += 40;
    int64_t between = today * DAY_MS;
    ask_answered(ledger, all); /* and again, because they are old */
    today += 40;
    assert_ok(sotto_ledger_prune(ledger, between, today * DAY_MS, &err));
    assert_true(test_disk.rows[0].number > before);
    sotto_ledger_free(ledger);
    ledger = test_ledger_open(); /* whole without its beginning */
    add_persons(1, true);
    ask_refused(ledger, all, "that answer stands");
    today += 40;
    assert_ok(sotto_ledger_prune(ledger, today * DAY_MS, today * DAY_MS, &err));
    ask_answered(ledger, all); /* nothing is held against it any more */
    sotto_ledger_free(ledger);
    ledger = test_ledger_open();
    struct sotto_ledger_texts predicates = {0};
    assert_ok(sotto_ledger_predicates(ledger, &predicates, "wages.csv", &err));
    assert_int_equal(predicates.len, 2); /* in their places */
    assert_string_equal(predicates.texts[0], predicate_texts[0]);
    sotto_ledger_texts_release(&predicates);
    sotto_ledger_free(ledger);
    struct sotto_ledger_row first = test_disk.rows[0];
    memmove(&test_disk.rows[0], &test_disk.rows[1], (test_disk.len - 1) * sizeof test_disk.rows[0]);
    test_disk.len--;
    expect_tampered(); /* forgotten by somebody else */
    free((void *)first.bytes);
}

/* --- Refusals --- */

static void refuse_often(struct sotto_ledger *ledger, size_t times, uint8_t creator,
                         const char *rule, int64_t now_ms)
{
    struct sotto_error err;
    for (size_t i = 0; i < times; i++) {
        assert_ok(sotto_ledger_refuse(ledger, (const uint8_t[16]){1}, (const uint8_t[32]){creator},
                                      rule, "n", now_ms, &err));
    }
}

static uint64_t count_refusals(struct sotto_ledger *ledger, uint8_t creator, int64_t now_ms)
{
    uint64_t count = 0;
    struct sotto_error err;
    assert_ok(sotto_ledger_refusals(ledger, &count, (const uint8_t[32]){creator}, now_ms, &err));
    return count;
}

static void test_refusals_fill_no_disk(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    refuse_often(ledger, 3, 1, "rows", 5);
    refuse_often(ledger, 2, 1, "ledger", 5);
    refuse_often(ledger, 1, 2, "rows", 5);
    assert_int_equal(count_refusals(ledger, 1, DAY_MS - 1), 5);
    assert_int_equal(count_refusals(ledger, 2, 5), 1);
    assert_int_equal(count_refusals(ledger, 1, DAY_MS), 0);
    refuse_often(ledger, 2100 - 3, 1, "rows", 5);
    assert_int_equal(test_disk.len, 1000 + 2 + 1 + 1); /* one for the second thousand */
    assert_int_equal(count_refusals(ledger, 1, 5), 2002);
    sotto_ledger_free(ledger);
    ledger = test_ledger_open();
    assert_int_equal(count_refusals(ledger, 1, 5), 2002);
    sotto_ledger_free(ledger);
}

/* --- Faults --- */

static void test_no_memory(void **state)
{
    (void)state;
    struct sotto_ledger *ledger = test_ledger_open();
    hire(60);
    ask_answered(ledger, (struct ask){.predicate = 0, .side = true});
    add_persons(12, true);
    bool has_failed = true;
    for (size_t i = 1; has_failed; i++) {
        struct sotto_error err = {0};
        size_t before = test_disk.len;
        fault_allocation_begin(i);
        enum sotto_status status =
            try_asking(ledger, (struct ask){.predicate = 1, .side = true}, &err);
        has_failed = fault_allocation_end();
        assert_int_equal(status, has_failed ? SOTTO_ERROR_NO_MEMORY : SOTTO_OK);
        assert_true(!has_failed || test_disk.len == before);
    }
    sotto_ledger_free(ledger);
    sotto_ledger_free(test_ledger_open());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_same_costs_nothing, start),
        cmocka_unit_test_setup(test_a_model_is_charged, start),
        cmocka_unit_test_setup(test_corrected_rows, start),
        cmocka_unit_test_setup(test_one_erased_and_twelve_added, start),
        cmocka_unit_test_setup(test_five_corrected_are_not_ten, start),
        cmocka_unit_test_setup(test_order_is_nothing, start),
        cmocka_unit_test_setup(test_measures_are_apart, start),
        cmocka_unit_test_setup(test_parts_and_then_all, start),
        cmocka_unit_test_setup(test_all_and_then_parts, start),
        cmocka_unit_test_setup(test_sides_are_apart, start),
        cmocka_unit_test_setup(test_few_in_common, start),
        cmocka_unit_test_setup(test_groups_fall_away_singly, start),
        cmocka_unit_test_setup(test_one_party_less, start),
        cmocka_unit_test_setup(test_sets_that_no_party_sees, start),
        cmocka_unit_test_setup(test_other_rows_of_fewer_parties, start),
        cmocka_unit_test_setup(test_it_matters_who_survives, start),
        cmocka_unit_test_setup(test_survivors, start),
        cmocka_unit_test_setup(test_many_parties, start),
        cmocka_unit_test_setup(test_predicates_are_limited, start),
        cmocka_unit_test_setup(test_long_predicates, start),
        cmocka_unit_test_setup(test_an_epoch_forgives, start),
        cmocka_unit_test_setup(test_a_copy_says_so, start),
        cmocka_unit_test_setup(test_predicates_in_another_order, start),
        cmocka_unit_test_setup(test_annulled_answers_are_no_answers, start),
        cmocka_unit_test_setup(test_a_full_disk, start),
        cmocka_unit_test_setup(test_a_changed_byte_is_found, start),
        cmocka_unit_test_setup(test_a_missing_entry_is_found, start),
        cmocka_unit_test_setup(test_a_cut_end_has_another_head, start),
        cmocka_unit_test_setup(test_another_secret, start),
        cmocka_unit_test_setup(test_forgetting, start),
        cmocka_unit_test_setup(test_refusals_fill_no_disk, start),
        cmocka_unit_test_setup(test_no_memory, start),
    };
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
