/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to know what answers tell: sketches of values, and one more question decided
 * against 10,000 entries of the ledger, in SQLite as a node has it. A question that must be
 * refused is, and one that must not is not. */
#include "support.h"

#include "node/store/store_ledger.h"
#include <sotto/alloc.h>
#include <sotto/secret.h>
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

static void time_ledger(struct sotto_ledger *ledger, size_t entries)
{
    uint64_t state = 2;
    struct sotto_error err;
    struct bench_values values = {0};
    char name[32];
    bool ok = fill_ledger(ledger, entries, &state);
    for (size_t run = 0; run < runs_wanted; run++) {
        double start = bench_now_s();
        ok = ask(ledger, 0, &err) == SOTTO_OK && ok; /* the same again: nothing but who asked */
        bench_add(&values, (bench_now_s() - start) * 1e3);
    }
    add_values(ledger, 1, &state);
    ok = ask(ledger, 0, &err) == SOTTO_ERROR_REFUSED && ok;
    (void)snprintf(name, sizeof name, "ledger_%zu", entries);
    bench_print("disclosure", name, &values, "ms", "", ok);
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
            time_ledger(ledger, entries);
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

int main(int argc, char **argv)
{
    bool is_quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    runs_wanted = is_quick ? 1 : runs_wanted;
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    bench_sketch();
    bench_ledger(is_quick ? 200 : 10000);
    return 0;
}
