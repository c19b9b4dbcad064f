/* SPDX-License-Identifier: Apache-2.0 */

/* Sources: whatever rows come from, the partial, the evidence and the verdict are the same. Random
 * plans are asked of a file, of the same rows as a table, of a source that makes blocks (in three
 * parts, which are merged in every order; rows have no numbers and nobody has counted them), and of
 * one that sums up by itself. Nothing in the engine knows the last two. */

#include "cases.h"
#include "files.h"
#include "plans.h"
#include "test.h"

#include <math.h>
#include <omp.h>
#include <sotto/alloc.h>
#include <sotto/contribution.h>
#include <sotto/disclosure.h>
#include <sotto/secret.h>
#include <stdalign.h>
#include <stdio.h>

#define ROWS_MAX 12000
#define ROW_BYTES 100
#define BLOCK_MAX 700
#define BLOCK_PADDED 1024
#define COLUMNS_LEN 5
#define WORKERS_MAX 8
#define GROUPS_MAX 8
#define PARTS_LEN 3

/* --- Rows --- */

/* i int64, d decimal(2), f float64, b bool, s string. */
struct row {
    bool present[COLUMNS_LEN];
    int64_t i;
    int64_t hundredths;
    double f;
    bool b;
    char s;
};

/* Row 0 has all values, of the widest types. gaps: one value in so many is missing. */
static struct row make_row(uint64_t seed, uint64_t gaps, size_t index)
{
    uint64_t random = seed * 1000003 + index;
    struct row row = {0};
    for (size_t i = 0; i < COLUMNS_LEN; i++) {
        row.present[i] = index == 0 || gaps == 0 || test_random_below(&random, gaps) != 0;
    }
    row.i = (int64_t)test_random_below(&random, 41) - 20;
    row.hundredths = index == 0 ? 25 : (int64_t)test_random_below(&random, 20001) - 10000;
    row.f = 0.125 * ((double)test_random_below(&random, 16001) - 8000);
    row.f = index > 0 && test_random_below(&random, 3000) == 0 ? (double)-INFINITY : row.f;
    row.b = test_random_below(&random, 3) == 0;
    row.s = (char)('a' + test_random_below(&random, 4));
    return row;
}

static size_t write_row(char *out, const struct row *row)
{
    char text[COLUMNS_LEN][30] = {"", "", "", "", ""};
    int64_t cents = row->hundredths < 0 ? -row->hundredths : row->hundredths;
    if (row->present[0]) {
        (void)snprintf(text[0], sizeof text[0], "%lld", (long long)row->i);
    }
    if (row->present[1]) {
        (void)snprintf(text[1], sizeof text[1], "%s%lld.%02lld", row->hundredths < 0 ? "-" : "",
                       (long long)(cents / 100), (long long)(cents % 100));
    }
    if (row->present[2]) {
        (void)snprintf(text[2], sizeof text[2], row->f - row->f == 0 ? "%.3fe0" : "%.0f", row->f);
    }
    if (row->present[3]) {
        (void)snprintf(text[3], sizeof text[3], "%s", row->b ? "true" : "false");
    }
    if (row->present[4]) {
        (void)snprintf(text[4], sizeof text[4], "%c", row->s);
    }
    return (size_t)snprintf(out, ROW_BYTES, "%s,%s,%s,%s,%s\n", text[0], text[1], text[2], text[3],
                            text[4]);
}

static struct sotto_csv *make_file(uint64_t seed, uint64_t gaps, size_t rows)
{
    char *text = sotto_alloc_array(rows + 1, ROW_BYTES);
    assert_non_null(text);
    size_t bytes = (size_t)snprintf(text, ROW_BYTES, "i,d,f,b,s\n");
    for (size_t i = 0; i < rows; i++) {
        struct row row = make_row(seed, gaps, i);
        bytes += write_row(text + bytes, &row);
    }
    struct sotto_csv *csv = test_csv_bytes(text, bytes);
    sotto_free(text);
    return csv;
}

/* --- A source that makes blocks --- */

struct made_source {
    struct sotto_source base;
    uint64_t seed;
    uint64_t gaps;
    size_t from; /* rows from .. to - 1 */
    size_t to;
    struct sotto_catalogue catalogue;
    struct sotto_catalogue_column columns[COLUMNS_LEN];
    size_t pins;
};

/* One worker's. */
struct made_block {
    alignas(64) uint8_t validity[COLUMNS_LEN][BLOCK_PADDED / 8];
    alignas(64) int64_t values[COLUMNS_LEN][BLOCK_PADDED];
    alignas(64) int64_t offsets[BLOCK_PADDED + 1];
    struct sotto_column columns[COLUMNS_LEN];
};

static void put_number(struct made_block *block, size_t column, size_t at, struct sotto_type type,
                       const struct row *row)
{
    int64_t value = column == 0 ? row->i : row->hundredths;
    double number = column == 2   ? row->f
                    : column == 0 ? (double)row->i
                                  : (double)row->hundredths / 100;
    for (unsigned scale = column == 0 ? 0 : 2; scale < type.scale; scale++) {
        value *= 10;
    }
    if (type.kind == SOTTO_KIND_FLOAT64) {
        memcpy(&block->values[column][at], &number, sizeof number);
    } else {
        block->values[column][at] = value;
    }
}

static void put_bit(uint8_t *bits, size_t at)
{
    bits[at / 8] = (uint8_t)(bits[at / 8] | 1U << (at % 8));
}

static void put_row(struct made_block *block, size_t at, const struct sotto_source_scan *scan,
                    const struct row *row)
{
    block->offsets[at + 1] = block->offsets[at];
    for (size_t i = 0; i < scan->wanted_len; i++) {
        size_t column = scan->wanted[i].column;
        if (!row->present[column]) {
            continue;
        }
        put_bit(block->validity[column], at);
        if (column < 3) {
            put_number(block, column, at, scan->wanted[i].type, row);
        } else if (column == 3 && row->b) {
            put_bit((uint8_t *)block->values[column], at);
        } else if (column == 4) {
            ((char *)block->values[column])[block->offsets[at]] = row->s;
            block->offsets[at + 1]++;
        }
    }
}

static void make_block(struct made_block *out, const struct made_source *source,
                       const struct sotto_source_scan *scan, size_t from, size_t len)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < len; i++) {
        struct row row = make_row(source->seed, source->gaps, from + i);
        put_row(out, i, scan, &row);
    }
    for (size_t i = 0; i < scan->wanted_len; i++) {
        size_t column = scan->wanted[i].column;
        size_t present = 0;
        for (size_t row = 0; row < len; row++) {
            present += ((unsigned)out->validity[column][row / 8] >> (row % 8)) & 1U;
        }
        out->columns[i] = (struct sotto_column){
            .type = scan->wanted[i].type,
            .len = len,
            .null_count = len - present,
            .validity = present < len ? out->validity[column] : NULL,
            .values = out->values[column],
            .offsets = scan->wanted[i].type.kind == SOTTO_KIND_STRING ? out->offsets : NULL};
    }
}

static enum sotto_status made_describe(struct sotto_source *source,
                                       const struct sotto_catalogue **out, const char *const *names,
                                       size_t names_len, struct sotto_error *err)
{
    (void)names;
    (void)names_len;
    (void)err;
    *out = &((struct made_source *)source)->catalogue;
    return SOTTO_OK;
}

static enum sotto_status made_pin(struct sotto_source *source, struct sotto_error *err)
{
    (void)err;
    ((struct made_source *)source)->pins++;
    return SOTTO_OK;
}

static size_t made_workers(const struct sotto_source *source)
{
    (void)source;
    int threads = omp_get_max_threads();
    return threads < WORKERS_MAX ? (size_t)threads : WORKERS_MAX;
}

/* The last block first, on one worker after the other. */
static enum sotto_status made_scan(struct sotto_source *source,
                                   const struct sotto_source_scan *scan, struct sotto_error *err)
{
    const struct made_source *made = (const struct made_source *)source;
    uint64_t random = made->seed;
    struct made_block *block = sotto_alloc_aligned(sizeof *block);
    enum sotto_status status = SOTTO_OK;
    assert_true(made->pins > 0);
    assert_non_null(block);
    for (size_t to = made->to; status == SOTTO_OK && to > made->from;) {
        size_t len = 1 + test_random_below(&random, BLOCK_MAX);
        len = len < to - made->from ? len : to - made->from;
        to -= len;
        make_block(block, made, scan, to, len);
        status = scan->sink(scan->context, test_random_below(&random, made_workers(source)), 0,
                            block->columns, scan->wanted_len, len, err);
    }
    sotto_free(block);
    return status;
}

static void made_free(struct sotto_source *source)
{
    sotto_free(source);
}

static const struct sotto_source_ops made_ops = {
    .identity = SOTTO_ROWS_CONTENT,
    .describe = made_describe,
    .pin = made_pin,
    .workers = made_workers,
    .scan = made_scan,
    .free = made_free,
};

/* --- A source that sums up by itself: three workers, each with a part --- */

static struct sotto_source *make_source(const struct sotto_source_ops *ops, uint64_t seed,
                                        uint64_t gaps, size_t from, size_t to)
{
    static char *const texts[COLUMNS_LEN] = {"i", "d", "f", "b", "s"};
    static const struct sotto_type types[COLUMNS_LEN] = {{.kind = SOTTO_KIND_INT64},
                                                         {.kind = SOTTO_KIND_DECIMAL, .scale = 2},
                                                         {.kind = SOTTO_KIND_FLOAT64},
                                                         {.kind = SOTTO_KIND_BOOL},
                                                         {.kind = SOTTO_KIND_STRING}};
    struct made_source *made = sotto_alloc_zeroed(sizeof *made);
    assert_non_null(made);
    *made = (struct made_source){
        .base = {.ops = ops}, .seed = seed, .gaps = gaps, .from = from, .to = to};
    for (size_t i = 0; i < COLUMNS_LEN; i++) {
        made->columns[i] = (struct sotto_catalogue_column){
            .name = texts[i], .type = types[i], .missing = SOTTO_ROWS_UNKNOWN};
    }
    made->catalogue = (struct sotto_catalogue){
        .rows = SOTTO_ROWS_UNKNOWN, .columns = made->columns, .columns_len = COLUMNS_LEN};
    return &made->base;
}

static bool summing_can_sum(struct sotto_source *source, struct sotto_contribution *contribution,
                            size_t dataset)
{
    (void)source;
    (void)contribution;
    return dataset == 0;
}

static enum sotto_status summing_sum(struct sotto_source *source,
                                     struct sotto_contribution *contribution, size_t dataset,
                                     struct sotto_error *err)
{
    const struct made_source *made = (const struct made_source *)source;
    size_t cuts[PARTS_LEN + 1] = {made->from, made->from + (made->to - made->from) / 5,
                                  made->from + (made->to - made->from) / 2, made->to};
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < PARTS_LEN; i++) {
        struct sotto_source *part =
            make_source(&made_ops, made->seed, made->gaps, cuts[i], cuts[i + 1]);
        status = sotto_contribution_add(contribution, part, dataset, err);
        sotto_source_free(part);
    }
    return status;
}

/* Never asked for rows. */
static const struct sotto_source_ops summing_ops = {
    .identity = SOTTO_ROWS_CONTENT,
    .describe = made_describe,
    .can_sum = summing_can_sum,
    .sum = summing_sum,
    .free = made_free,
};

/* --- Random plans --- */

static const char *pick(const char *const *list, size_t len, uint64_t *random)
{
    return list[test_random_below(random, len)];
}

#define PICK(list, random) pick((list), sizeof(list) / sizeof *(list), (random))

static void random_condition(char *out, size_t out_bytes, uint64_t *random)
{
    static const char *const conditions[] = {
        "i > 3",           "i >= -5 and i < 15",
        "s == 'a'",        "b",
        "not b",           "isna(d)",
        "d <= 40.5 or b",  "i in (1, 2, 3, -7)",
        "f > 0",           "d > i",
        "s != 'b' and b",  "i == 17",
        "d < -99.5",       "sqrt(i) > 2",
        "abs(f) <= 900.5", "i > 100",
    };
    (void)snprintf(out, out_bytes, "%s", PICK(conditions, random));
}

static void random_rows(char *out, size_t out_bytes, uint64_t *random)
{
    static const char *const rows[] = {
        "i",           "d",
        "f",           "i + d",
        "i * d",       "d * d",
        "f * 0.5",     "i - f",
        "b * d",       "fillna(d, 0)",
        "sqrt(i)",     "round(d)",
        "i // 7",      "exp(i / 10)",
        "(i > 2) * f", "d / (i - 3)",
        "mean(d) - d", "(i - mean(i)) ** 2",
    };
    char condition[100];
    const char *chosen = PICK(rows, random);
    if (test_random_below(random, 4) != 0) {
        (void)snprintf(out, out_bytes, "%s", chosen);
        return;
    }
    random_condition(condition, sizeof condition, random);
    (void)snprintf(out, out_bytes, "if(%s, %s, %s)", condition, chosen,
                   test_random_below(random, 2) == 0 ? "na" : "0");
}

/* is_plain: without a condition, so that only gaps may be a reason to count. */
static void random_output(char *out, size_t out_bytes, bool is_plain, uint64_t *random)
{
    static const char *const plain[] = {"mean(i)",    "count(d)",   "cov(i, d)",
                                        "sum(i + d)", "sum(i * d)", "mean(f)"};
    static const char *const hists[] = {
        "hist(i, -20, -3, 5, 21)",
        "hist(i, -20, -17, -14, -11, -8, -5, -2, 0, 3, 6, 9, 12, 15, 18, 20)",
        "hist(d, -100, -50.5, -20, -7.25, 0, 0.01, 3, 8, 21, 40, 77.5, 100)",
    };
    static const char *const aggregates[] = {"mean", "sum", "var", "count", "skew"};
    static const char *const medians[] = {
        "median(i)",        "median(d)", "median(f)",     "median(i - d)",
        "median(float(i))", "median(b)", "median(d) - 1", "median(if(i > 0, f, na))"};
    char rows[300];
    if (is_plain) {
        (void)snprintf(out, out_bytes, "%s", PICK(plain, random));
        return;
    }
    switch (test_random_below(random, 7)) {
    case 3:
        (void)snprintf(out, out_bytes, "%s", PICK(medians, random));
        return;
    case 0:
        (void)snprintf(out, out_bytes, "cov(i, d)");
        return;
    case 1:
        (void)snprintf(out, out_bytes, "value_counts(s, 'a', 'b', 'd')");
        return;
    case 2:
        (void)snprintf(out, out_bytes, "%s", PICK(hists, random));
        return;
    default:
        random_rows(rows, sizeof rows, random);
        (void)snprintf(out, out_bytes, "%s(%s)", PICK(aggregates, random), rows);
        return;
    }
}

static struct sotto_plan *random_plan(uint64_t *random)
{
    char json[4000];
    char outputs[3][400];
    char condition[100];
    char where[200] = "";
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    bool is_plain = test_random_below(random, 4) == 0;
    bool is_grouped = !is_plain && test_random_below(random, 3) == 0;
    random_condition(condition, sizeof condition, random);
    if (!is_plain && test_random_below(random, 2) == 0) {
        (void)snprintf(where, sizeof where, "\"where\": \"%s\",", condition);
    }
    for (size_t i = 0; i < 3; i++) {
        random_output(outputs[i], sizeof outputs[i], is_plain, random);
    }
    (void)snprintf(json, sizeof json,
                   "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                   "{\"t\": \"t.csv\"}, %s %s \"select\": {\"x\": \"%s\", \"y\": \"%s\", "
                   "\"z\": \"%s\"}}",
                   where,
                   is_grouped ? "\"group_by\": [{\"column\": \"s\", \"levels\": [\"a\", \"b\", "
                                "\"c\", \"d\"]}],"
                              : "",
                   outputs[0], outputs[1], outputs[2]);
    if (sotto_plan_parse(&plan, json, strlen(json), &err) != SOTTO_OK) {
        fail_msg("%s: %s", json, err.text);
    }
    return plan;
}

/* --- One case --- */

/* The two last ones keep rows, as far as there is room. */
enum { OF_FILE, OF_TABLE, OF_BLOCKS, OF_SUMS, OF_KEPT, OF_CROWDED, SOURCES_LEN };

struct sample {
    uint64_t seed;
    uint64_t gaps;
    size_t rows;
    struct sotto_csv *csv;
    struct sotto_catalogue *catalogue;
    struct sotto_table *table;
    struct sotto_source *sources[SOURCES_LEN];
    struct sotto_source *parts[PARTS_LEN];
};

static struct sample sample_make(uint64_t seed, uint64_t *random)
{
    static const uint64_t gaps[] = {0, 0, 2, 5, 300};
    struct sample sample = {.seed = seed, .gaps = gaps[test_random_below(random, 5)]};
    sample.rows = 1 + test_random_below(random, seed % 8 == 0 ? ROWS_MAX : 90);
    sample.csv = make_file(seed, sample.gaps, sample.rows);
    sample.catalogue = test_catalogue(sample.csv);
    sample.table = test_table(sample.csv, sample.catalogue, false);
    assert_ok(sotto_source_new_file(&sample.sources[OF_FILE], sample.csv, sample.catalogue, NULL));
    assert_ok(sotto_source_new_table(&sample.sources[OF_TABLE], sample.table, NULL));
    sample.sources[OF_BLOCKS] = make_source(&made_ops, seed, sample.gaps, 0, sample.rows);
    sample.sources[OF_SUMS] = make_source(&summing_ops, seed, sample.gaps, 0, sample.rows);
    struct sotto_source *inner[2];
    assert_ok(sotto_source_new_file(&inner[0], sample.csv, sample.catalogue, NULL));
    assert_ok(sotto_source_new_table(&inner[1], sample.table, NULL));
    assert_ok(
        sotto_source_new_kept(&sample.sources[OF_KEPT], inner[0], SOTTO_KEPT_BYTES_DEFAULT, NULL));
    assert_ok(sotto_source_new_kept(&sample.sources[OF_CROWDED], inner[1],
                                    test_random_below(random, 20000), NULL));
    size_t first = test_random_below(random, sample.rows + 1);
    size_t cuts[] = {0, first, first + test_random_below(random, sample.rows - first + 1),
                     sample.rows};
    for (size_t i = 0; i < PARTS_LEN; i++) {
        sample.parts[i] = make_source(&made_ops, seed, sample.gaps, cuts[i], cuts[i + 1]);
    }
    return sample;
}

static void sample_release(struct sample *sample)
{
    for (size_t i = 0; i < SOURCES_LEN; i++) {
        sotto_source_free(sample->sources[i]);
    }
    for (size_t i = 0; i < PARTS_LEN; i++) {
        sotto_source_free(sample->parts[i]);
    }
    sotto_table_free(sample->table);
    sotto_catalogue_free(sample->catalogue);
    sotto_csv_close(sample->csv);
}

static struct sotto_contribution *counted(const struct sotto_driver *driver,
                                          struct sotto_source *source)
{
    struct sotto_contribution *contribution = NULL;
    struct sotto_error err = {0};
    assert_ok(sotto_contribution_new(&contribution, driver, &test_evidence_judge, NULL));
    if (source != NULL && sotto_contribution_add(contribution, source, 0, &err) != SOTTO_OK) {
        fail_msg("%s", err.text);
    }
    return contribution;
}

static void same_contribution(const struct sotto_driver *driver,
                              const struct sotto_contribution *wanted,
                              const struct sotto_contribution *found)
{
    char *wanted_evidence = test_evidence(driver, wanted);
    char *found_evidence = test_evidence(driver, found);
    assert_memory_equal(sotto_contribution_partial(wanted), sotto_contribution_partial(found),
                        sotto_driver_limbs_len(driver) * sizeof(uint64_t));
    assert_string_equal(wanted_evidence, found_evidence);
    sotto_free(wanted_evidence);
    sotto_free(found_evidence);
}

/* Who counts nothing has the same partial. */
static void same_uncounted(const struct sotto_driver *driver, struct sotto_source *source,
                           const struct sotto_contribution *wanted)
{
    size_t len = sotto_driver_limbs_len(driver);
    uint64_t *limbs = sotto_alloc_array(len, sizeof *limbs);
    assert_non_null(limbs);
    assert_ok(sotto_driver_contribute(driver, limbs, len, NULL, &source, NULL, NULL));
    assert_memory_equal(sotto_contribution_partial(wanted), limbs, len * sizeof *limbs);
    sotto_free(limbs);
}

/* Three parts, merged in every order, one after the other and as a tree. */
static void merge_parts(const struct sotto_driver *driver, const struct sample *sample,
                        const struct sotto_contribution *wanted)
{
    static const size_t orders[6][PARTS_LEN] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                                {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct sotto_contribution *parts[PARTS_LEN];
    for (size_t i = 0; i < PARTS_LEN; i++) {
        parts[i] = counted(driver, sample->parts[i]);
    }
    for (size_t i = 0; i < 6; i++) {
        struct sotto_contribution *row = counted(driver, NULL);
        struct sotto_contribution *branch = counted(driver, NULL);
        struct sotto_contribution *tree = counted(driver, NULL);
        for (size_t j = 0; j < PARTS_LEN; j++) {
            sotto_contribution_merge(row, parts[orders[i][j]]);
            sotto_contribution_merge(j == 0 ? tree : branch, parts[orders[i][j]]);
        }
        sotto_contribution_merge(tree, branch);
        same_contribution(driver, wanted, row);
        same_contribution(driver, wanted, tree);
        sotto_contribution_free(row);
        sotto_contribution_free(branch);
        sotto_contribution_free(tree);
    }
    for (size_t i = 0; i < PARTS_LEN; i++) {
        sotto_contribution_free(parts[i]);
    }
}

struct verdict {
    enum sotto_status status;
    struct sotto_error err;
    uint8_t withheld[GROUPS_MAX];
    uint64_t *limbs;
};

static void same_verdict(const struct sotto_driver *driver, const struct verdict *wanted,
                         const struct verdict *found)
{
    size_t len = sotto_driver_limbs_len(driver);
    assert_int_equal(wanted->status, found->status);
    assert_string_equal(wanted->err.text, found->err.text);
    assert_memory_equal(wanted->withheld, found->withheld, sizeof wanted->withheld);
    assert_memory_equal(wanted->limbs, found->limbs, len * sizeof *wanted->limbs);
    for (size_t i = 0; wanted->status != SOTTO_OK && i < len; i++) {
        assert_int_equal(found->limbs[i], 0);
    }
}

/* Who counts only what must be counted, and who judges what was merged. Returns: whether it is
 * refused. */
static bool same_verdicts(const struct sotto_driver *driver, const struct sample *sample,
                          uint64_t min_rows)
{
    size_t len = sotto_driver_limbs_len(driver);
    struct verdict verdicts[SOURCES_LEN + 1] = {{0}};
    struct sotto_rules rules;
    struct sotto_disclosure disclosure;
    sotto_rules_init(&rules, SOTTO_PROFILE_SAFE);
    sotto_rules_set_min_rows(&rules, min_rows);
    sotto_disclosure_init(&disclosure, &rules, 1);
    for (size_t i = 0; i <= SOURCES_LEN; i++) {
        struct verdict *verdict = &verdicts[i];
        verdict->limbs = sotto_alloc_array(len, sizeof *verdict->limbs);
        assert_non_null(verdict->limbs);
        if (i < SOURCES_LEN) {
            verdict->status = sotto_driver_contribute(
                driver, verdict->limbs, len, verdict->withheld, &sample->sources[i],
                sotto_disclosure_judge(&disclosure), &verdict->err);
        } else {
            struct sotto_contribution *merged = NULL;
            assert_ok(
                sotto_contribution_new(&merged, driver, sotto_disclosure_judge(&disclosure), NULL));
            assert_ok(sotto_contribution_add(merged, sample->parts[0], 0, NULL));
            assert_ok(sotto_contribution_add(merged, sample->parts[2], 0, NULL));
            assert_ok(sotto_contribution_add(merged, sample->parts[1], 0, NULL));
            verdict->status = sotto_contribution_judge(merged, verdict->withheld, &verdict->err);
            memcpy(verdict->limbs, sotto_contribution_partial(merged),
                   len * sizeof *verdict->limbs);
            sotto_contribution_free(merged);
        }
        same_verdict(driver, &verdicts[0], verdict);
    }
    for (size_t i = 0; i <= SOURCES_LEN; i++) {
        sotto_free(verdicts[i].limbs);
    }
    return verdicts[0].status == SOTTO_ERROR_REFUSED;
}

static void same_offers(const struct sotto_plan *plan, struct sample *sample)
{
    struct sotto_schema offers[SOURCES_LEN];
    for (size_t i = 0; i < SOURCES_LEN; i++) {
        assert_ok(sotto_source_offer(&offers[i], plan, &sample->sources[i], NULL));
        assert_int_equal(offers[0].fields_len, offers[i].fields_len);
        for (size_t j = 0; j < offers[0].fields_len; j++) {
            assert_int_equal(offers[0].fields[j].type.kind, offers[i].fields[j].type.kind);
            assert_int_equal(offers[0].fields[j].type.scale, offers[i].fields[j].type.scale);
        }
    }
    for (size_t i = 0; i < SOURCES_LEN; i++) {
        sotto_schema_release(&offers[i]);
    }
}

/* The types of the file, or those that it agrees on with another one. */
static void agree(struct sotto_schema *out, const struct sotto_plan *plan,
                  const struct sample *sample, bool is_wider)
{
    static const char wider[] = "i,d,f,b,s\n0.1234,1e0,1e0,true,a\n";
    struct sotto_schema offers[2] = {{0}};
    struct sotto_csv *csv = test_csv(wider);
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    const struct sotto_catalogue *own = sample->catalogue;
    const struct sotto_catalogue *other = catalogue;
    assert_ok(sotto_schema_offer(&offers[0], plan, &own, NULL));
    assert_ok(sotto_schema_offer(&offers[1], plan, &other, NULL));
    assert_ok(sotto_schema_agree(out, plan, offers, NULL, is_wider ? 2 : 1, NULL));
    sotto_schema_release(&offers[0]);
    sotto_schema_release(&offers[1]);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
}

struct tally {
    size_t rounds;
    size_t refused;
};

static void run_rounds(struct tally *tally, struct sotto_driver *driver,
                       const struct sample *sample)
{
    static const uint64_t min_rows[] = {1, 4, 10};
    while (sotto_driver_round(driver) != 0) {
        struct sotto_contribution *contributions[SOURCES_LEN];
        for (size_t i = 0; i < SOURCES_LEN; i++) {
            contributions[i] = counted(driver, sample->sources[i]);
            same_contribution(driver, contributions[0], contributions[i]);
            same_uncounted(driver, sample->sources[i], contributions[0]);
        }
        merge_parts(driver, sample, contributions[0]);
        for (size_t i = 0; i < 3; i++) {
            tally->rounds++;
            tally->refused += same_verdicts(driver, sample, min_rows[i]);
        }
        assert_ok(sotto_driver_advance(driver, sotto_contribution_partial(contributions[0]),
                                       sotto_driver_limbs_len(driver), NULL));
        for (size_t i = 0; i < SOURCES_LEN; i++) {
            sotto_contribution_free(contributions[i]);
        }
        if (sotto_driver_round(driver) == 0) {
            break;
        }
    }
}

static void run_case(struct tally *tally, uint64_t seed)
{
    uint64_t random = seed;
    struct sotto_schema schema;
    struct sotto_driver *driver = NULL;
    struct sotto_error err = {0};
    struct sotto_plan *plan = random_plan(&random);
    struct sample sample = sample_make(seed, &random);
    same_offers(plan, &sample);
    agree(&schema, plan, &sample, test_random_below(&random, 3) == 0);
    if (sotto_driver_new(&driver, plan, &schema, &err) != SOTTO_OK) {
        fail_msg("%s", err.text);
    }
    run_rounds(tally, driver, &sample);
    sotto_driver_free(driver);
    sotto_schema_release(&schema);
    sample_release(&sample);
    sotto_plan_free(plan);
}

static void run_cases(int threads)
{
    struct tally tally = {0};
    omp_set_num_threads(threads);
    for (uint64_t seed = 0, cases = test_cases(60); seed < cases; seed++) {
        run_case(&tally, seed);
    }
    print_message("%zu verdicts, %zu of them refusals\n", tally.rounds, tally.refused);
}

static void test_one_thread(void **state)
{
    (void)state;
    run_cases(1);
}

static void test_two_threads(void **state)
{
    (void)state;
    run_cases(2);
}

/* --- What sources may say --- */

/* A catalogue that is there but has no such column, or one of another type. */
static void test_columns_that_do_not_fit(void **state)
{
    (void)state;
    struct sotto_plan *plan = test_plan_of("m=mean(i)");
    struct sample sample = {.csv = make_file(1, 0, 5)};
    struct sotto_schema schema;
    struct sotto_driver *driver = NULL;
    struct sotto_error err = {0};
    uint64_t limbs[100];
    sample.catalogue = test_catalogue(sample.csv);
    agree(&schema, plan, &sample, false);
    assert_ok(sotto_driver_new(&driver, plan, &schema, NULL));
    size_t len = sotto_driver_limbs_len(driver);
    assert_true(len <= 100);
    struct sotto_source *source = make_source(&made_ops, 1, 0, 0, 5);
    struct made_source *made = (struct made_source *)source;
    made->columns[0].type = (struct sotto_type){.kind = SOTTO_KIND_STRING};
    memset(limbs, 0xA5, sizeof limbs);
    assert_int_equal(
        sotto_driver_contribute(driver, limbs, len, NULL, &source, &test_evidence_judge, &err),
        SOTTO_ERROR_TYPE);
    assert_contains(err.text, "column t.i is string, but int64 was agreed on");
    assert_int_equal(limbs[0], 0);
    made->columns[0].hidden = true;
    assert_int_equal(sotto_driver_contribute(driver, limbs, len, NULL, &source, 0, &err),
                     SOTTO_ERROR_NOT_FOUND);
    assert_contains(err.text, "dataset \"t\" has no column \"i\"");
    sotto_source_free(source);
    sotto_driver_free(driver);
    sotto_schema_release(&schema);
    sotto_catalogue_free(sample.catalogue);
    sotto_csv_close(sample.csv);
    sotto_plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_thread),
        cmocka_unit_test(test_two_threads),
        cmocka_unit_test(test_columns_that_do_not_fit),
    };
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
