/* SPDX-License-Identifier: Apache-2.0 */
#include "worked.h"
#include "cases.h"
#include "files.h"
#include "parts.h"
#include "test.h"

#include <math.h>
#include <sotto/alloc.h>

#define PARTS_MAX 7
#define TEXT_BYTES_MAX 131072

void (*test_worked_change)(struct sotto_buffer *in_out, uint64_t *random);
char **test_worked_asked;
const struct sotto_buffer *test_worked_answer;

struct worked {
    struct sotto_source source;
    const char *text;
    uint64_t *random;
    struct sotto_catalogue *catalogue;
    char snapshot[SOTTO_PART_SNAPSHOT_BYTES];
};

/* --- Parts --- */

static char texts[PARTS_MAX][TEXT_BYTES_MAX];
static size_t ends[PARTS_MAX];

static void append_line(size_t part, const char *line, size_t bytes)
{
    assert_true(ends[part] + bytes < TEXT_BYTES_MAX);
    memcpy(texts[part] + ends[part], line, bytes);
    ends[part] += bytes;
    texts[part][ends[part]] = '\0';
}

/* Cuts the lines of a text into parts, each of which begins with the first one. Returns: how many
 * parts there are. */
static size_t cut_rows(const struct worked *worked)
{
    size_t len = 1 + test_random_below(worked->random, PARTS_MAX);
    const char *line = worked->text;
    for (size_t i = 0; *line != '\0'; i++) {
        const char *next = strchr(line, '\n') + 1;
        size_t bytes = (size_t)(next - line);
        for (size_t j = 0; i == 0 && j < len; j++) {
            ends[j] = 0;
            append_line(j, line, bytes);
        }
        if (i > 0) {
            append_line(test_random_below(worked->random, len), line, bytes);
        }
        line = next;
    }
    return len;
}

/* What all parts give to what is asked. */
static void work(struct sotto_buffer *out, const struct worked *worked, const char *asked)
{
    struct sotto_buffer parts[PARTS_MAX];
    size_t len = cut_rows(worked);
    for (size_t i = 0; i < len; i++) {
        struct sotto_error err = {0};
        struct sotto_round *round = NULL;
        struct sotto_part_place place = {
            .part = (uint32_t)i + 1, .parts_len = (uint32_t)len, .snapshot = "v1"};
        struct test_text rows = test_open_text(texts[i]);
        enum sotto_status status =
            sotto_ask_read(&round, &place.min_rows, asked, strlen(asked), &err);
        if (status == SOTTO_OK) {
            status = round == NULL ? sotto_catalogue_part(&parts[i], &place, rows.source, &err)
                                   : sotto_round_part(round, &parts[i], &place, &rows.source,
                                                      sotto_tally_parts(), &err);
        }
        if (status != SOTTO_OK) {
            fail_msg("%s", err.text);
        }
        sotto_round_free(round);
        test_close_text(&rows);
    }
    test_merge_tree(parts, len, worked->random);
    *out = parts[0];
}

/* --- The source --- */

static enum sotto_status describe(struct sotto_source *source, const struct sotto_catalogue **out,
                                  const char *const *names, size_t names_len,
                                  struct sotto_error *err)
{
    (void)names;
    (void)names_len;
    (void)err;
    *out = ((struct worked *)source)->catalogue;
    return SOTTO_OK;
}

static size_t count_workers(const struct sotto_source *source)
{
    (void)source;
    return 1;
}

static enum sotto_status scan(struct sotto_source *source, const struct sotto_source_scan *wanted,
                              struct sotto_error *err)
{
    (void)source;
    (void)wanted;
    return sotto_error_set(err, SOTTO_ERROR_REFUSED, "nobody scans rows in parts");
}

static bool can_sum(struct sotto_source *source, struct sotto_contribution *contribution,
                    size_t dataset)
{
    (void)source;
    (void)contribution;
    (void)dataset;
    return true;
}

static enum sotto_status sum(struct sotto_source *source, struct sotto_contribution *contribution,
                             size_t dataset, struct sotto_error *err)
{
    const struct worked *worked = (const struct worked *)source;
    const struct sotto_asked asked = {.rows = worked->catalogue->rows,
                                      .snapshot = worked->snapshot};
    struct sotto_buffer given;
    char *text = NULL;
    (void)dataset;
    enum sotto_status status = sotto_contribution_ask(contribution, &text, &asked, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (test_worked_answer != NULL) {
        const struct sotto_part_bytes answer = test_bytes_of(test_worked_answer);
        sotto_free(text);
        return sotto_contribution_give(contribution, &asked, &answer, err);
    }
    work(&given, worked, text);
    if (test_worked_asked != NULL) {
        *test_worked_asked = text;
    } else {
        sotto_free(text);
    }
    if (test_worked_change != NULL) {
        test_worked_change(&given, worked->random);
    }
    const struct sotto_part_bytes together = test_bytes_of(&given);
    status = sotto_contribution_give(contribution, &asked, &together, err);
    sotto_buffer_release(&given);
    return status;
}

static void free_worked(struct sotto_source *source)
{
    sotto_free(source);
}

struct sotto_source *test_worked_open(struct sotto_catalogue **out_catalogue, const char *text,
                                      uint64_t *random)
{
    static const struct sotto_source_ops ops = {.identity = SOTTO_ROWS_CONTENT,
                                                .describe = describe,
                                                .workers = count_workers,
                                                .scan = scan,
                                                .can_sum = can_sum,
                                                .sum = sum,
                                                .sums_watched = true,
                                                .free = free_worked};
    struct sotto_buffer given;
    struct sotto_error err = {0};
    struct worked *worked = sotto_alloc_zeroed(sizeof *worked);
    assert_non_null(worked);
    *worked = (struct worked){.source = {.ops = &ops}, .text = text, .random = random};
    work(&given, worked, SOTTO_ASK_CATALOGUE);
    const struct sotto_part_bytes together = test_bytes_of(&given);
    if (sotto_part_catalogue(&worked->catalogue, worked->snapshot, &together, &err) != SOTTO_OK) {
        fail_msg("%s", err.text);
    }
    sotto_buffer_release(&given);
    *out_catalogue = worked->catalogue;
    return &worked->source;
}

/* --- What a ledger is asked --- */

static void compare_magnitudes(const struct sotto_ledger_magnitude *a,
                               const struct sotto_ledger_magnitude *b)
{
    assert_true(a->largest[0] == b->largest[0] && a->largest[1] == b->largest[1]);
    assert_true(a->total == b->total || fabs(a->total - b->total) <= 1e-12 * fabs(a->total));
}

/* Of one atom and its place in each file. */
static void compare_slices(const struct sotto_ledger_pair *a, size_t at_a,
                           const struct sotto_ledger_pair *b, size_t at_b)
{
    assert_int_equal(a->values_len, b->values_len);
    for (size_t i = 0; i < a->values_len; i++) {
        size_t level = 0;
        while (level < b->values_len && b->values[level] != a->values[i]) {
            level++;
        }
        assert_true(level < b->values_len);
        const struct sotto_ledger_slice *x = &a->slices[at_a * a->stride + i];
        const struct sotto_ledger_slice *y = &b->slices[at_b * b->stride + level];
        assert_int_equal(x->rows, y->rows);
        compare_magnitudes(&x->magnitude, &y->magnitude);
    }
}

static bool is_same_atom(const struct sotto_ledger_file *file, const struct sotto_ledger_atom *a,
                         const struct sotto_ledger_atom *b)
{
    return a->is_asked == b->is_asked && a->group == b->group &&
           (file->predicates_len == 0 ||
            memcmp(a->classes, b->classes, file->predicates_len * sizeof *a->classes) == 0);
}

static void compare_atoms(const struct sotto_ledger_file *a, size_t at_a,
                          const struct sotto_ledger_file *b, size_t at_b)
{
    const struct sotto_ledger_atom *x = &a->atoms[at_a];
    const struct sotto_ledger_atom *y = &b->atoms[at_b];
    assert_int_equal(x->rows, y->rows);
    for (size_t i = 0; i < a->measures_len; i++) {
        assert_memory_equal(&x->sketches[i], &y->sketches[i], sizeof x->sketches[i]);
        assert_true((x->magnitudes == NULL) == (y->magnitudes == NULL));
        if (x->magnitudes != NULL) {
            compare_magnitudes(&x->magnitudes[i], &y->magnitudes[i]);
        }
    }
    for (size_t i = 0; i < a->pairs_len; i++) {
        compare_slices(&a->pairs[i], at_a, &b->pairs[i], at_b);
    }
}

static void compare_measures(const struct sotto_ledger_measure *a,
                             const struct sotto_ledger_measure *b)
{
    assert_string_equal(a->text, b->text);
    assert_int_equal(a->columns_len, b->columns_len);
    for (size_t i = 0; i < a->columns_len; i++) {
        assert_string_equal(a->columns[i], b->columns[i]);
    }
    assert_true(a->is_fitted == b->is_fitted && a->is_count == b->is_count &&
                a->is_context == b->is_context);
}

void test_compare_files(const struct sotto_ledger_file *a, const struct sotto_ledger_file *b)
{
    assert_int_equal(a->predicates_len, b->predicates_len);
    for (size_t i = 0; i < a->predicates_len; i++) {
        assert_string_equal(a->predicates[i], b->predicates[i]);
        assert_true((a->counts_cells == NULL) == (b->counts_cells == NULL));
        assert_true(a->counts_cells == NULL || a->counts_cells[i] == b->counts_cells[i]);
    }
    assert_true((a->key == NULL) == (b->key == NULL));
    assert_true(a->key == NULL || strcmp(a->key, b->key) == 0);
    assert_int_equal(a->conditions_len, b->conditions_len);
    assert_int_equal(a->measures_len, b->measures_len);
    for (size_t i = 0; i < a->measures_len; i++) {
        compare_measures(&a->measures[i], &b->measures[i]);
    }
    assert_int_equal(a->pairs_len, b->pairs_len);
    for (size_t i = 0; i < a->pairs_len; i++) {
        assert_int_equal(a->pairs[i].alone, b->pairs[i].alone);
        assert_int_equal(a->pairs[i].product, b->pairs[i].product);
    }
    assert_int_equal(a->atoms_len, b->atoms_len);
    for (size_t i = 0; i < a->atoms_len; i++) {
        size_t at = 0;
        while (at < b->atoms_len && !is_same_atom(a, &a->atoms[i], &b->atoms[at])) {
            at++;
        }
        assert_true(at < b->atoms_len);
        compare_atoms(a, i, b, at);
    }
}
