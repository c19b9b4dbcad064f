/* SPDX-License-Identifier: Apache-2.0 */
#include "plans.h"

#include "files.h"
#include "test.h"
#include <math.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>

struct sotto_plan *test_plan(const char *const *outputs)
{
    static const char *const alias = "t";
    static const char *const file = "t.csv";
    struct sotto_plan_parts parts = {.name = "test",
                                     .dataset_aliases = &alias,
                                     .dataset_files = &file,
                                     .datasets_len = 1,
                                     .outputs = outputs};
    while (outputs[parts.outputs_len] != NULL) {
        parts.outputs_len++;
    }
    char *json = NULL;
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    assert_ok(sotto_plan_compose(&json, &parts, &err));
    if (sotto_plan_parse(&plan, json, strlen(json), &err) != SOTTO_OK) {
        print_error("%s\n", err.text);
        fail();
    }
    sotto_free(json);
    return plan;
}

struct sotto_plan *test_plan_of(const char *output)
{
    const char *outputs[] = {output, NULL};
    return test_plan(outputs);
}

static enum sotto_status contribute(const struct sotto_driver *driver, uint64_t *out,
                                    size_t limbs_len, struct sotto_source *source,
                                    struct sotto_error *err)
{
    enum sotto_status status =
        sotto_driver_contribute(driver, out, limbs_len, NULL, &source, NULL, err);
    sotto_source_free(source);
    return status;
}

enum sotto_status test_partial(const struct sotto_driver *driver, uint64_t *out, size_t limbs_len,
                               struct sotto_csv *file, const struct sotto_catalogue *catalogue,
                               struct sotto_error *err)
{
    struct sotto_source *source = NULL;
    enum sotto_status status = sotto_source_new_file(&source, file, catalogue, err);
    return status == SOTTO_OK ? contribute(driver, out, limbs_len, source, err) : status;
}

enum sotto_status test_partial_table(const struct sotto_driver *driver, uint64_t *out,
                                     size_t limbs_len, const struct sotto_table *table,
                                     struct sotto_error *err)
{
    struct sotto_source *source = NULL;
    enum sotto_status status = sotto_source_new_table(&source, table, err);
    return status == SOTTO_OK ? contribute(driver, out, limbs_len, source, err) : status;
}

static enum sotto_status add_partials(uint64_t *sum, const struct sotto_driver *driver,
                                      struct sotto_csv *const *files,
                                      struct sotto_catalogue *const *catalogues, size_t len,
                                      struct sotto_error *err)
{
    size_t limbs_len = sotto_driver_limbs_len(driver);
    uint64_t *limbs = sotto_alloc_array(limbs_len, sizeof *limbs);
    enum sotto_status status = limbs != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
    for (size_t i = 0; status == SOTTO_OK && i < len; i++) {
        status = test_partial(driver, limbs, limbs_len, files[i], catalogues[i], err);
        sotto_driver_add(driver, sum, limbs, limbs_len);
    }
    sotto_free(limbs);
    return status;
}

/* With groups: an aggregate that can't be, in its last group, is refused and leaves nothing behind,
 * which the rounds after it show. Returns: SOTTO_ERROR_NO_MEMORY. */
static enum sotto_status refuse_impossible(struct sotto_driver *driver, uint64_t *sum,
                                           size_t limbs_len)
{
    if (sotto_driver_groups_len(driver) == 0) {
        return SOTTO_OK;
    }
    uint64_t withheld = sum[limbs_len - 1];
    sum[limbs_len - 1] = UINT64_MAX;
    enum sotto_status status = sotto_driver_advance(driver, sum, limbs_len, NULL);
    sum[limbs_len - 1] = withheld;
    if (status == SOTTO_ERROR_NO_MEMORY) {
        return status;
    }
    assert_int_equal(status, SOTTO_ERROR_PROTOCOL);
    return SOTTO_OK;
}

/* One round; its aggregate in *out_limbs. */
static enum sotto_status run_round(struct sotto_buffer *out_limbs, struct sotto_driver *driver,
                                   struct sotto_csv *const *files,
                                   struct sotto_catalogue *const *catalogues, size_t len,
                                   struct sotto_error *err)
{
    size_t limbs_len = sotto_driver_limbs_len(driver);
    uint64_t *sum = sotto_alloc_array(limbs_len, sizeof *sum);
    enum sotto_status status = sum != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
    if (status == SOTTO_OK) {
        status = add_partials(sum, driver, files, catalogues, len, err);
    }
    if (status == SOTTO_OK) {
        status = refuse_impossible(driver, sum, limbs_len);
    }
    if (status == SOTTO_OK) {
        status = sotto_driver_advance(driver, sum, limbs_len, err);
    }
    if (status == SOTTO_OK) {
        sotto_buffer_release(out_limbs);
        *out_limbs =
            (struct sotto_buffer){.data = (uint8_t *)sum, .data_bytes = limbs_len * sizeof *sum};
        return status;
    }
    sotto_free(sum);
    return status;
}

static enum sotto_status run_driver(char **out, struct sotto_buffer *out_limbs,
                                    struct sotto_driver *driver, struct sotto_csv *const *files,
                                    struct sotto_catalogue *const *catalogues,
                                    const struct sotto_schema *offers, size_t len,
                                    struct sotto_error *err)
{
    struct sotto_buffer limbs = {0};
    enum sotto_status status = SOTTO_OK;
    while (status == SOTTO_OK && sotto_driver_round(driver) != 0) {
        status = run_round(&limbs, driver, files, catalogues, len, err);
    }
    if (status == SOTTO_OK) {
        struct sotto_result_parties parties = {
            .invited = (uint32_t)len, .joined = (uint32_t)len, .survived = (uint32_t)len};
        status = sotto_driver_result(driver, out, &parties, offers, len, err);
    }
    if (status == SOTTO_OK && out_limbs != NULL) {
        *out_limbs = limbs;
        limbs = (struct sotto_buffer){0};
    }
    sotto_buffer_release(&limbs);
    return status;
}

#define PARTIES_MAX 64

enum sotto_status test_run(char **out, struct sotto_buffer *out_limbs,
                           const struct sotto_plan *plan, const char *const *texts,
                           size_t texts_len, struct sotto_error *err)
{
    return test_run_methods(out, out_limbs, plan, texts, texts_len, sotto__methods, err);
}

enum sotto_status test_run_methods(char **out, struct sotto_buffer *out_limbs,
                                   const struct sotto_plan *plan, const char *const *texts,
                                   size_t texts_len, const sotto__method_table methods,
                                   struct sotto_error *err)
{
    struct sotto_csv *files[PARTIES_MAX] = {NULL};
    struct sotto_catalogue *catalogues[PARTIES_MAX] = {NULL};
    struct sotto_schema offers[PARTIES_MAX] = {{0}};
    struct sotto_schema schema = {0};
    struct sotto_driver *driver = NULL;
    enum sotto_status status = SOTTO_OK;
    assert_true(texts_len <= PARTIES_MAX);
    for (size_t i = 0; status == SOTTO_OK && i < texts_len; i++) {
        int fd = test_file(texts[i], strlen(texts[i]));
        status = sotto_csv_open_fd(&files[i], fd, "t.csv", NULL, err);
        if (status == SOTTO_OK) {
            status = sotto_csv_catalogue(files[i], &catalogues[i], err);
        }
        if (status == SOTTO_OK) {
            const struct sotto_catalogue *catalogue = catalogues[i];
            status = sotto_schema_offer(&offers[i], plan, &catalogue, err);
        }
    }
    if (status == SOTTO_OK) {
        status = sotto_schema_agree(&schema, plan, offers, NULL, texts_len, err);
    }
    if (status == SOTTO_OK) {
        status = sotto__driver_new(&driver, plan, &schema, methods, err);
    }
    if (status == SOTTO_OK) {
        status = run_driver(out, out_limbs, driver, files, catalogues, offers, texts_len, err);
    }
    sotto_driver_free(driver);
    sotto_schema_release(&schema);
    for (size_t i = 0; i < texts_len; i++) {
        sotto_schema_release(&offers[i]);
        sotto_catalogue_free(catalogues[i]);
        sotto_csv_close(files[i]);
    }
    return status;
}

void test_gives(const char *output, const char *const *texts, size_t texts_len, const char *part)
{
    char *json = NULL;
    struct sotto_error err = {0};
    struct sotto_plan *plan = test_plan_of(output);
    if (test_run(&json, NULL, plan, texts, texts_len, &err) != SOTTO_OK) {
        print_error("%s: %s\n", output, err.text);
        fail();
    }
    assert_contains(json, part);
    sotto_free(json);
    sotto_plan_free(plan);
}

void test_refuses_call(const char *call, const char *part)
{
    char json[9000];
    struct sotto_plan *plan = NULL;
    struct sotto_error err = {0};
    int bytes = snprintf(json, sizeof json,
                         "{\"version\": 1, \"name\": \"n\", \"type\": \"analytics\", \"datasets\": "
                         "{\"t\": \"t.csv\"}, \"select\": {\"r\": \"%s\"}}",
                         call);
    assert_true(bytes > 0 && (size_t)bytes < sizeof json);
    assert_int_equal(sotto_plan_parse(&plan, json, strlen(json), &err), SOTTO_ERROR_PLAN);
    assert_contains(err.text, part);
}

void test_gives1(const char *output, const char *text, const char *part)
{
    test_gives(output, &text, 1, part);
}

/* --- Evidence --- */

/* The text of test_evidence while it is written. */
static struct sotto_writer evidence_text;

static void write_line(const char *format, ...) SOTTO_PRINTF(1, 2);
static void write_line(const char *format, ...)
{
    char line[5000];
    va_list args;
    va_start(args, format);
    int bytes = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    assert_true(bytes >= 0 && (size_t)bytes < sizeof line);
    sotto_write_bytes(&evidence_text, line, (size_t)bytes);
}

/* Rows of a group that are in the same sets. */
struct test_atom {
    char sets[600];
    size_t group;
    uint64_t rows;
};

static int compare_atoms(const void *a, const void *b)
{
    const struct test_atom *x = a;
    const struct test_atom *y = b;
    return x->group != y->group ? (x->group > y->group) - (x->group < y->group)
                                : strcmp(x->sets, y->sets);
}

/* Atoms in the same sets as one: how values are told apart is nobody's concern. */
static void write_atoms(const struct sotto_evidence *evidence, size_t dataset)
{
    size_t len;
    size_t sets_len;
    const struct sotto_evidence_set *sets = sotto_evidence_sets(evidence, &sets_len);
    const struct sotto_evidence_atom *atoms = sotto_evidence_atoms(evidence, dataset, &len);
    struct test_atom *list = calloc(len + 1, sizeof *list);
    assert_non_null(list);
    for (size_t i = 0; i < len; i++) {
        size_t at = 0;
        list[i].group = atoms[i].group;
        list[i].rows = atoms[i].rows;
        for (size_t j = 0; j < sets_len; j++) {
            if (sets[j].is_told_apart && sets[j].dataset == dataset) {
                assert_true(at + 1 < sizeof list[i].sets);
                list[i].sets[at++] = sotto_evidence_holds(evidence, i, j) ? '1' : '0';
            }
        }
    }
    qsort(list, len, sizeof *list, compare_atoms);
    uint64_t rows = 0;
    for (size_t i = 0; i < len; i++) {
        rows += list[i].rows;
        if (i + 1 == len || compare_atoms(&list[i], &list[i + 1]) != 0) {
            write_line("%zu %zu %s %llu\n", dataset, list[i].group, list[i].sets,
                       (unsigned long long)rows);
            rows = 0;
        }
    }
    free(list);
}

static void write_sum(const struct sotto_evidence *evidence, size_t group, size_t sum,
                      const struct sotto_evidence_sum *of)
{
    struct sotto_evidence_terms terms = sotto_evidence_terms_of(evidence, group, sum);
    write_line("%zu %zu: %llu %llu %.17g %.17g %.0f", group, sum, (unsigned long long)terms.rows,
               (unsigned long long)terms.infinite, terms.largest[0], terms.largest[1],
               floor(16 * log2(terms.total + 1e-300) + 0.37));
    for (size_t i = 0; i < 2 && of->factors[i] != SOTTO_NONE; i++) {
        struct sotto_evidence_values values = sotto_evidence_values_of(evidence, group, sum, i);
        double step = 0;
        double bits = sotto_evidence_bits(evidence, &step, group, sum, i);
        write_line(", %llu %llu %llu %zu %d %.17g %.17g", (unsigned long long)values.rows,
                   (unsigned long long)values.differing, (unsigned long long)values.least,
                   values.distinct, values.is_counted, bits, values.rows > 0 ? step : 0);
    }
    write_line("\n");
}

static void write_counts(const uint64_t *counts, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (counts[i] > 0) {
            write_line("%zu:%llu ", i, (unsigned long long)counts[i]);
        }
    }
    write_line("\n");
}

/* What methods count by themselves, and a sample of rows. */
static void write_rows(const struct sotto_evidence *evidence, size_t group, size_t columns_len)
{
    size_t len;
    bool is_all;
    const uint64_t *counts = sotto_evidence_bins(evidence, group, &len);
    write_counts(counts, len);
    counts = sotto_evidence_values(evidence, group, &len);
    write_counts(counts, len);
    len = columns_len > 1 ? sotto_evidence_sample_len(evidence, group) : 0;
    for (size_t i = 0; i < len; i++) {
        write_line("%llu:", (unsigned long long)sotto_evidence_sample_rows(evidence, group, i));
        for (size_t j = 0; j < columns_len; j++) {
            write_line(" %.17g", sotto_evidence_sample_value(evidence, group, i, j) + 0.0);
        }
        write_line("\n");
    }
    uint64_t few = sotto_evidence_sample_few(evidence, &is_all, group, len);
    write_line("%llu %d\n", (unsigned long long)few, is_all);
}

static enum sotto_status write_evidence(void *context, const struct sotto_evidence *evidence,
                                        struct sotto_withheld *withheld, struct sotto_error *err)
{
    size_t sums_len;
    uint64_t outside[2];
    size_t columns_len;
    (void)sotto_evidence_columns(evidence, &columns_len);
    const struct sotto_evidence_sum *sums = sotto_evidence_sums(evidence, &sums_len);
    (void)context;
    (void)withheld;
    (void)err;
    for (size_t i = 0; i < sotto_evidence_datasets_len(evidence); i++) {
        sotto_evidence_outside(evidence, &outside[0], &outside[1], i);
        write_line("outside %llu %llu\n", (unsigned long long)outside[0],
                   (unsigned long long)outside[1]);
        write_atoms(evidence, i);
    }
    for (size_t i = 0; i < columns_len; i++) {
        write_line("%d%d ", sotto_evidence_is_identifier(evidence, i),
                   sotto_evidence_has_levels(evidence, i));
    }
    for (size_t group = 0; group < sotto_evidence_groups_len(evidence); group++) {
        for (size_t i = 0; i < sums_len; i++) {
            write_sum(evidence, group, i, &sums[i]);
        }
        write_rows(evidence, group, columns_len);
        for (size_t i = 0; i < columns_len * columns_len; i++) {
            size_t a = i / columns_len;
            size_t b = i % columns_len;
            bool is_near = false;
            if (a < b) {
                assert_ok(sotto_evidence_is_near(&is_near, evidence, group, a, b));
            }
            write_line("%s", is_near ? "near" : "-");
        }
    }
    return SOTTO_OK;
}

const struct sotto_judge test_evidence_judge = {.min_rows = 10, .judge = write_evidence};

char *test_evidence(const struct sotto_driver *driver,
                    const struct sotto_contribution *contribution)
{
    struct sotto_contribution *copy = NULL;
    size_t groups_len = sotto_driver_groups_len(driver);
    uint8_t *withheld = sotto_alloc_array(groups_len + 1, sizeof *withheld);
    size_t bytes;
    assert_non_null(withheld);
    sotto_writer_init(&evidence_text, (size_t)1 << 24);
    assert_ok(sotto_contribution_new(&copy, driver, &test_evidence_judge, NULL));
    sotto_contribution_merge(copy, contribution);
    assert_ok(sotto_contribution_judge(copy, withheld, NULL));
    sotto_contribution_free(copy);
    sotto_free(withheld);
    sotto_write_u8(&evidence_text, 0);
    assert_ok(sotto_writer_status(&evidence_text));
    char *text = (char *)sotto_writer_take(&evidence_text, &bytes);
    sotto_writer_release(&evidence_text);
    return text;
}

enum sotto_status test_run_json(char **out, const char *json, const char *const *texts,
                                size_t texts_len, struct sotto_error *err)
{
    struct sotto_plan *plan = NULL;
    enum sotto_status status = sotto_plan_parse(&plan, json, strlen(json), err);
    if (status == SOTTO_OK) {
        status = test_run(out, NULL, plan, texts, texts_len, err);
    }
    sotto_plan_free(plan);
    return status;
}

void test_gives_split(const char *output, const char *const texts[3], const char *header,
                      const char *part)
{
    char pooled[1024];
    size_t skipped = strlen(header);
    int bytes =
        snprintf(pooled, sizeof pooled, "%s%s%s", texts[0], texts[1] + skipped, texts[2] + skipped);
    assert_in_range(bytes, 1, sizeof pooled - 1);
    const char *const all[] = {pooled};
    test_gives(output, texts, 3, part);
    test_gives(output, all, 1, part);
}
