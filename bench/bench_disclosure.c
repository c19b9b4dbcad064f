/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to know what answers tell: sketches of values, and one more question decided
 * against 10,000 entries of the ledger, in SQLite as a node has it. A question that must be
 * refused is, and one that must not is not. */
#include "support.h"

#include "node/store/store_ledger.h"
#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <sotto/tally.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ATOMS_LEN 20
#define MIN_ROWS 10

static size_t runs_wanted = 7;
static struct sotto_sketch sketches[ATOMS_LEN];

static uint64_t draw(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return *state >> 11;
}

/* --- Sketches --- */

static void bench_sketch(void)
{
    size_t len = runs_wanted > 1 ? (size_t)1 << 22 : (size_t)1 << 16;
    struct sotto_sketch_key key;
    struct bench_values values = {0};
    double *column = sotto_alloc_array(len, sizeof *column);
    uint64_t state = 1;
    if (column == NULL) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        column[i] = 1 + (double)draw(&state);
    }
    sotto_sketch_key_init(&key, (const uint8_t[SOTTO_SKETCH_SECRET_BYTES]){1});
    struct sotto_sketch all = {0};
    for (size_t run = 0; run < runs_wanted; run++) {
        all = (struct sotto_sketch){0};
        double start = bench_now_s();
        sotto_sketch_add(&all, &key, column, NULL, NULL, len);
        bench_add(&values, (bench_now_s() - start) / (double)len * 1e9);
    }
    struct sotto_sketch other = {0};
    sotto_sketch_add(&other, &key, column + len / 3, NULL, NULL, len - len / 3);
    sotto_sketch_add(&other, &key, column, NULL, NULL, len / 3);
    bool ok = sotto_sketch_distance(&all, &other) == 0;
    sotto_sketch_add(&other, &key, column, NULL, NULL, 1);
    ok = ok && sotto_sketch_distance(&all, &other) == 1;
    bench_print("disclosure", "sketch_row", &values, "ns", "", ok);
    sotto_free(column);
}

/* --- The ledger --- */

/* Answers of this many kinds of rows. */
static enum sotto_status ask(struct sotto_ledger *ledger, size_t now, struct sotto_error *err)
{
    static uint16_t classes[ATOMS_LEN];
    static struct sotto_ledger_atom atoms[ATOMS_LEN];
    const char *predicate = "value_counts(dept)";
    const struct sotto_ledger_measure measure = {.text = "wage"};
    enum sotto_rule rule;
    uint8_t withheld = 0;
    struct sotto_ledger_pending pending = {0};
    for (size_t i = 0; i < ATOMS_LEN; i++) {
        classes[i] = (uint16_t)i;
        atoms[i] = (struct sotto_ledger_atom){
            .classes = &classes[i], .rows = 100, .is_asked = true, .sketches = &sketches[i]};
    }
    struct sotto_ledger_file file = {.file = "wages.csv",
                                     .predicates = &predicate,
                                     .predicates_len = 1,
                                     .measures = &measure,
                                     .measures_len = 1,
                                     .atoms = atoms,
                                     .atoms_len = ATOMS_LEN};
    struct sotto_ledger_question question = {.name = "weekly",
                                             .round = 1,
                                             .now_ms = (int64_t)now,
                                             .min_rows = MIN_ROWS,
                                             .files = &file,
                                             .files_len = 1};
    enum sotto_status status =
        sotto_ledger_answer(ledger, &pending, &rule, &withheld, &question, err);
    sotto_ledger_pending_release(&pending);
    return status;
}

/* So many new values in each atom. */
static void add_values(const struct sotto_ledger *ledger, size_t len, uint64_t *state)
{
    for (size_t i = 0; i < ATOMS_LEN; i++) {
        for (size_t j = 0; j < len; j++) {
            double value = 1 + (double)draw(state);
            sotto_sketch_add(&sketches[i], sotto_ledger_sketch_key(ledger), &value, NULL, NULL, 1);
        }
    }
}

static bool fill_ledger(struct sotto_ledger *ledger, size_t entries, uint64_t *state)
{
    struct sotto_error err = {0};
    for (size_t i = 0; i < entries / ATOMS_LEN; i++) {
        add_values(ledger, MIN_ROWS, state);
        if (ask(ledger, i, &err) != SOTTO_OK) {
            (void)fprintf(stderr, "bench_disclosure: %s\n", err.text);
            return false;
        }
    }
    return true;
}

/* The first: after a rest, when nothing is in memory. */
static void time_ledger(struct sotto_ledger *ledger, struct store *store, size_t entries)
{
    uint64_t state = 2;
    struct sotto_error err;
    struct bench_values values = {0};
    struct bench_values firsts = {0};
    char name[32];
    bool ok = fill_ledger(ledger, entries, &state);
    for (size_t run = 0; run < 2 * runs_wanted; run++) {
        bool is_first = run % 2 == 0;
        if (is_first) {
            store_rest(store);
        }
        double start = bench_now_s();
        ok = ask(ledger, 0, &err) == SOTTO_OK && ok; /* the same again: nothing but who asked */
        bench_add(is_first ? &firsts : &values, (bench_now_s() - start) * 1e3);
    }
    add_values(ledger, 1, &state);
    ok = ask(ledger, 0, &err) == SOTTO_ERROR_REFUSED && ok;
    (void)snprintf(name, sizeof name, "ledger_%zu", entries);
    bench_print("disclosure", name, &values, "ms", "", ok);
    (void)snprintf(name, sizeof name, "ledger_%zu_first", entries);
    bench_print("disclosure", name, &firsts, "ms", "", ok);
}

static void bench_ledger(size_t entries)
{
    char path[] = "/dev/shm/sotto-bench-XXXXXX"; /* what a disk takes to sync is its own affair */
    char beside[64];
    struct sotto_error err = {0};
    struct store *store = NULL;
    struct sotto_ledger *ledger = NULL;
    int fd = mkstemp(path);
    const uint8_t secret[SOTTO_LEDGER_SECRET_BYTES] = {3};
    if (fd < 0 || close(fd) != 0) {
        return;
    }
    if (store_open(&store, path, false, &err) == SOTTO_OK) {
        struct sotto_ledger_storage storage = store_ledger_storage(store);
        if (sotto_ledger_open(&ledger, &storage, secret, &err) == SOTTO_OK) {
            time_ledger(ledger, store, entries);
        }
    }
    sotto_ledger_free(ledger);
    store_close(store);
    for (size_t i = 0; i < 3; i++) {
        static const char *const suffixes[] = {"", "-wal", "-shm"};
        (void)snprintf(beside, sizeof beside, "%s%s", path, suffixes[i]);
        (void)unlink(beside);
    }
}

/* --- A round --- */

static bool write_csv(const char *path, size_t rows)
{
    uint64_t state = 7;
    FILE *out = fopen(path, "we");
    if (out == NULL) {
        return false;
    }
    (void)fprintf(out, "age,wage,dept\n");
    for (size_t i = 0; i < rows; i++) {
        unsigned age = 20 + (unsigned)(draw(&state) % 45);
        unsigned wage = 200000 + (unsigned)(draw(&state) % 700000);
        (void)fprintf(out, "%u,%u.%02u,d%u\n", age, wage / 100, wage % 100,
                      (unsigned)(draw(&state) % 5));
    }
    return fclose(out) == 0;
}

/* What a round reads, with and without rules and a ledger. */
struct round {
    struct sotto_csv *csv;
    struct sotto_catalogue *catalogue;
    struct sotto_source *source;
    struct sotto_plan *plan;
    struct sotto_driver *driver;
    struct sotto_ledger *ledger;
    uint64_t *limbs;
    size_t limbs_len;
};

static double time_round(struct round *round, bool is_judged, bool *in_out_ok)
{
    struct sotto_error err = {0};
    struct sotto_tally *tally = NULL;
    struct sotto_rules rules;
    struct sotto_disclosure disclosure;
    sotto_rules_init(&rules, SOTTO_PROFILE_SAFE);
    sotto_rules_set_min_rows(&rules, MIN_ROWS);
    sotto_disclosure_init(&disclosure, &rules, 5);
    const struct sotto_judge *judge = sotto_disclosure_judge(&disclosure);
    double start = bench_now_s();
    enum sotto_status status;
    if (is_judged) {
        status = sotto_tally_new(&tally, round->ledger, round->driver, round->plan,
                                 (const struct sotto_catalogue *const *)&round->catalogue, &err);
        status = status == SOTTO_OK ? sotto_tally_contribute(tally, round->limbs, round->limbs_len,
                                                             NULL, &round->source, judge, &err)
                                    : status;
    } else {
        status = sotto_driver_contribute(round->driver, round->limbs, round->limbs_len, NULL,
                                         &round->source, 0, &err);
    }
    double time = bench_now_s() - start;
    sotto_tally_free(tally);
    if (status != SOTTO_OK) {
        (void)fprintf(stderr, "bench_disclosure: %s\n", err.text);
    }
    *in_out_ok = *in_out_ok && status == SOTTO_OK;
    return time;
}

static enum sotto_status open_round(struct round *out, const char *path, const char *const *outputs,
                                    size_t outputs_len, const char *where, struct sotto_error *err)
{
    const char *alias = "t";
    char *json = NULL;
    struct sotto_schema schema = {0};
    struct sotto_plan_parts parts = {.name = "round",
                                     .dataset_aliases = &alias,
                                     .dataset_files = &alias,
                                     .datasets_len = 1,
                                     .outputs = outputs,
                                     .outputs_len = outputs_len,
                                     .where = where};
    if (sotto_csv_open(&out->csv, path, NULL, err) != SOTTO_OK ||
        sotto_csv_catalogue(out->csv, &out->catalogue, err) != SOTTO_OK ||
        sotto_source_new_file(&out->source, out->csv, out->catalogue, err) != SOTTO_OK ||
        sotto_plan_compose(&json, &parts, err) != SOTTO_OK) {
        return err->status;
    }
    enum sotto_status status = sotto_plan_parse(&out->plan, json, strlen(json), err);
    sotto_free(json);
    if (status != SOTTO_OK ||
        sotto_schema_offer(&schema, out->plan,
                           (const struct sotto_catalogue *const *)&out->catalogue,
                           err) != SOTTO_OK ||
        sotto_driver_new(&out->driver, out->plan, &schema, err) != SOTTO_OK) {
        return err->status;
    }
    sotto_schema_release(&schema);
    out->limbs_len = sotto_driver_limbs_len(out->driver);
    out->limbs = sotto_alloc_array(out->limbs_len, sizeof *out->limbs);
    return out->limbs != NULL ? SOTTO_OK : sotto_error_no_memory(err);
}

static void close_round(struct round *round)
{
    sotto_free(round->limbs);
    sotto_driver_free(round->driver);
    sotto_plan_free(round->plan);
    sotto_source_free(round->source);
    sotto_catalogue_free(round->catalogue);
    sotto_csv_close(round->csv);
}

/* How many times as long a round takes with all rules, in the same run. */
static void bench_round(const char *name, const char *path, struct sotto_ledger *ledger,
                        const char *const *outputs, size_t outputs_len, const char *where)
{
    struct round round = {.ledger = ledger};
    struct bench_values values = {0};
    struct sotto_error err = {0};
    bool ok = open_round(&round, path, outputs, outputs_len, where, &err) == SOTTO_OK;
    for (size_t run = 0; ok && run < runs_wanted; run++) {
        double plain = time_round(&round, false, &ok);
        bench_add(&values, time_round(&round, true, &ok) / plain);
    }
    if (!ok) {
        (void)fprintf(stderr, "bench_disclosure: %s\n", err.text);
    }
    bench_print("disclosure", name, &values, "x", "", ok);
    close_round(&round);
}

/* No answer, so no ledger, is ever written here. */
static enum sotto_status append_nothing(void *context, const struct sotto_ledger_row *rows,
                                        size_t rows_len, uint64_t forget_below,
                                        struct sotto_error *err)
{
    (void)context;
    (void)rows;
    (void)rows_len;
    (void)forget_below;
    return sotto_error_set(err, SOTTO_ERROR_STATE, "nothing is written");
}

static enum sotto_status each_of_nothing(void *context, const uint8_t *subject,
                                         sotto_ledger_see_row *see, void *see_context,
                                         struct sotto_error *err)
{
    (void)context;
    (void)subject;
    (void)see;
    (void)see_context;
    (void)err;
    return SOTTO_OK;
}

static void bench_rounds(size_t rows)
{
    char path[] = "/dev/shm/sotto-bench-XXXXXX";
    const struct sotto_ledger_storage storage = {.append = append_nothing, .each = each_of_nothing};
    const uint8_t secret[SOTTO_LEDGER_SECRET_BYTES] = {3};
    struct sotto_error err = {0};
    struct sotto_ledger *ledger = NULL;
    int fd = mkstemp(path);
    if (fd < 0 || close(fd) != 0 || !write_csv(path, rows) ||
        sotto_ledger_open(&ledger, &storage, secret, &err) != SOTTO_OK) {
        return;
    }
    const char *const mean[] = {"mean(wage)"};
    const char *const many[] = {"std(wage)", "std(age)", "corr(wage, age)",
                                "value_counts(dept, \"d0\", \"d1\", \"d2\")"};
    bench_round("round_mean", path, ledger, mean, 1, NULL);
    bench_round("round_where", path, ledger, mean, 1, "age < 40");
    bench_round("round_many", path, ledger, many, 4, "age < 40");
    sotto_ledger_free(ledger);
    (void)unlink(path);
}

int main(int argc, char **argv)
{
    bool is_quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    runs_wanted = is_quick ? 1 : runs_wanted;
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    bench_sketch();
    bench_ledger(is_quick ? 200 : 10000);
    bench_rounds(is_quick ? 20000 : 8000000);
    return 0;
}
