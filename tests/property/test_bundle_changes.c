/* SPDX-License-Identifier: Apache-2.0 */

/* What is shown of two bundles says all that changed, and no more: the lines that went taken from
 * the old text, and those that came taken from the new one, leave the same; and no fewer would do.
 */

#include "cases.h"
#include "fault.h"
#include "files.h"
#include "test.h"

#include <sotto/alloc.h>
#include <sotto/bundle.h>
#include <sotto/secret.h>
#include <stdio.h>

#define LINES_MAX 40
#define TEXT_BYTES 4096

/* A text of lines of one letter each. */
struct letters {
    size_t len;
    char text[LINES_MAX * 2 + 1];
};

static void draw_letters(struct letters *out, size_t kinds, uint64_t *random)
{
    out->len = test_random_below(random, LINES_MAX + 1);
    for (size_t i = 0; i < out->len; i++) {
        out->text[2 * i] = (char)('a' + test_random_below(random, kinds));
        out->text[2 * i + 1] = '\n';
    }
    out->text[2 * out->len] = '\0';
}

/* Takes some lines out of a copy and puts others in. */
static void change_letters(struct letters *out, const struct letters *from, size_t kinds,
                           uint64_t *random)
{
    size_t odds = 1 + test_random_below(random, 8);
    *out = (struct letters){0};
    for (size_t i = 0; i < from->len; i++) {
        size_t kind = test_random_below(random, 3 * odds);
        if (kind == 1 && out->len < LINES_MAX) {
            out->text[2 * out->len] = (char)('a' + test_random_below(random, kinds));
            out->text[2 * out->len++ + 1] = '\n';
        }
        if (kind != 0 && out->len < LINES_MAX) {
            out->text[2 * out->len] = from->text[2 * i];
            out->text[2 * out->len++ + 1] = '\n';
        }
    }
}

static struct sotto_bundle_file make_file(const char *name, const char *text)
{
    struct sotto_bundle_file file = {.text = text, .text_bytes = strlen(text)};
    (void)snprintf(file.name.text, sizeof file.name.text, "%s", name);
    return file;
}

/* model.py of this text, and x.py where x is not NULL. */
static void make_bundle(struct sotto_bundle *out, const char *text, const char *x, int64_t rounds)
{
    const struct sotto_bundle_manifest manifest = {.entry = {"model:LeNet"},
                                                   .datasets = {{"mnist"}},
                                                   .datasets_len = 1,
                                                   .merge_every = 1,
                                                   .rounds = rounds,
                                                   .parameters_max = 10,
                                                   .scale_bits = 24,
                                                   .rows_max = 10,
                                                   .memory_mib = 64,
                                                   .round_seconds = 1};
    const struct sotto_bundle_file files[] = {make_file("model.py", text),
                                              make_file("x.py", x != NULL ? x : "")};
    assert_ok(sotto_bundle_make(out, &manifest, files, x != NULL ? 2 : 1, NULL));
}

/* The comparison as text. Ended by sotto_free. */
static char *compare(const struct sotto_bundle *before, const struct sotto_bundle *after)
{
    struct sotto_writer writer;
    size_t bytes;
    sotto_writer_init(&writer, (size_t)64 << 20);
    assert_int_equal(sotto_bundle_compare(&writer, before, after, 80), 0);
    sotto_write_u8(&writer, 0);
    assert_ok(sotto_writer_status(&writer));
    return (char *)sotto_writer_take(&writer, &bytes);
}

/* Takes the lines that a comparison marks out of the two texts. Returns: how many. */
static size_t take_marked(struct letters *before, struct letters *after, const char *shown)
{
    size_t changes = 0;
    for (const char *at = shown; *at != '\0'; at += strcspn(at, "\n") + 1) {
        struct letters *letters = *at == '-' ? before : *at == '+' ? after : NULL;
        if (letters != NULL) {
            size_t number = strtoul(at + 1, NULL, 10);
            assert_true(number >= 1 && number <= letters->len);
            assert_int_equal(at[9], letters->text[2 * (number - 1)]);
            letters->text[2 * (number - 1)] = '-'; /* gone */
            changes++;
        } else if (*at == ' ' && at[1] != ' ' && at[7] == '|') {
            size_t number = strtoul(at + 1, NULL, 10);
            assert_int_equal(at[9], after->text[2 * (number - 1)]);
        }
    }
    return changes;
}

static void remove_gone(struct letters *letters)
{
    size_t len = 0;
    for (size_t i = 0; i < letters->len; i++) {
        if (letters->text[2 * i] != '-') {
            letters->text[2 * len++] = letters->text[2 * i];
        }
    }
    letters->len = len;
    letters->text[2 * len] = '\0';
}

/* The longest common subsequence, by the table of all prefixes. */
static size_t find_common(const struct letters *a, const struct letters *b)
{
    size_t table[LINES_MAX + 1][LINES_MAX + 1] = {{0}};
    for (size_t i = 1; i <= a->len; i++) {
        for (size_t k = 1; k <= b->len; k++) {
            size_t best = table[i - 1][k] > table[i][k - 1] ? table[i - 1][k] : table[i][k - 1];
            bool same = a->text[2 * (i - 1)] == b->text[2 * (k - 1)];
            table[i][k] = same ? table[i - 1][k - 1] + 1 : best;
        }
    }
    return table[a->len][b->len];
}

static void test_changes_are_complete_and_fewest(void **state)
{
    (void)state;
    uint64_t random = 30;
    for (size_t i = test_cases(400); i > 0; i--) {
        struct sotto_bundle bundles[2];
        struct letters before;
        struct letters after;
        size_t kinds = 1 + test_random_below(&random, 8);
        draw_letters(&before, kinds, &random);
        change_letters(&after, &before, kinds, &random);
        make_bundle(&bundles[0], before.text, NULL, 1);
        make_bundle(&bundles[1], after.text, NULL, 1);
        size_t fewest = before.len + after.len - 2 * find_common(&before, &after);
        char *shown = compare(&bundles[0], &bundles[1]);
        assert_contains(shown, "manifest: the same\n");
        assert_contains(shown, fewest == 0 ? "model.py: the same\n" : "model.py: changed\n");
        assert_int_equal(take_marked(&before, &after, shown), fewest);
        remove_gone(&before);
        remove_gone(&after);
        assert_string_equal(before.text, after.text);
        sotto_free(shown);
        sotto_bundle_release(&bundles[0]);
        sotto_bundle_release(&bundles[1]);
    }
}

static void test_how_changes_are_shown(void **state)
{
    (void)state;
    struct sotto_bundle before;
    struct sotto_bundle after;
    make_bundle(&before, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n", "old\n", 5);
    make_bundle(&after, "1\n2\n3\n4\n5\nsix\n7\n8\n9\n10\n11\n12\nend", NULL, 6);
    char *shown = compare(&before, &after);
    assert_contains(shown, "-   12 |   \"rounds\": 5,\n+   12 |   \"rounds\": 6,\n");
    assert_contains(shown, "model.py: changed\n"
                           "  ...\n"
                           "     3 | 3\n     4 | 4\n     5 | 5\n"
                           "-    6 | 6\n+    6 | six\n"
                           "     7 | 7\n     8 | 8\n     9 | 9\n    10 | 10\n    11 | 11\n"
                           "    12 | 12\n"
                           "+   13 | end\n"
                           "x.py: gone\n-    1 | old\n");
    sotto_free(shown);
    shown = compare(&after, &before);
    assert_contains(shown, "x.py: new\n+    1 | old\n");
    sotto_free(shown);
    sotto_bundle_release(&before);
    sotto_bundle_release(&after);
}

/* Made to be slow: nothing is searched, and nothing is left out. */
static void test_what_differs_too_much_is_shown_whole(void **state)
{
    (void)state;
    static const size_t lens[] = {2000, 30000};
    for (size_t i = 0; i < 2; i++) {
        size_t len = lens[i];
        char *texts[2] = {malloc(2 * len + 1), malloc(2 * len + 1)};
        struct sotto_bundle bundles[2];
        assert_true(texts[0] != NULL && texts[1] != NULL);
        for (size_t k = 0; k < len; k++) {
            memcpy(texts[0] + 2 * k, "a\n", 3);
            memcpy(texts[1] + 2 * k, i == 0 || k == 7 ? "b\n" : "a\n", 3);
        }
        make_bundle(&bundles[0], texts[0], NULL, 1);
        make_bundle(&bundles[1], texts[1], NULL, 1);
        char *shown = compare(&bundles[0], &bundles[1]);
        size_t removed = 0;
        size_t added = 0;
        for (const char *at = shown; *at != '\0'; at += strcspn(at, "\n") + 1) {
            removed += *at == '-';
            added += *at == '+';
        }
        assert_int_equal(removed, len);
        assert_int_equal(added, len);
        sotto_free(shown);
        for (size_t k = 0; k < 2; k++) {
            sotto_bundle_release(&bundles[k]);
            free(texts[k]);
        }
    }
}

static void test_a_bundle_is_shown_whole(void **state)
{
    (void)state;
    struct sotto_bundle bundle;
    struct sotto_writer writer;
    make_bundle(&bundle, "a = '\xD0\xB0'\nb", "", 5);
    sotto_writer_init(&writer, TEXT_BYTES);
    assert_int_equal(sotto_bundle_show(&writer, &bundle, 80), 1);
    sotto_write_u8(&writer, 0);
    assert_ok(sotto_writer_status(&writer));
    assert_contains((char *)writer.data, "manifest\n     1 | {\n     2 |   \"datasets\": [\n");
    assert_contains((char *)writer.data, "model.py: 2 lines, 10 bytes\n     1 | a = '<U+0430>'\n"
                                         "     2 | b\nx.py: 0 lines, 0 bytes\n");
    sotto_writer_release(&writer);
    sotto_bundle_release(&bundle);
}

/* The examples of the proposal, 127.0.0.1 and 63.84.220.193, and what is left of 16 bits. */
static void test_words(void **state)
{
    (void)state;
    uint8_t digest[SOTTO_BUNDLE_DIGEST_BYTES] = {127, 0, 0, 1, 63, 84, 220, 193, 0xFF, 0xFF};
    char words[SOTTO_BUNDLE_WORDS_BYTES];
    sotto_bundle_words(words, digest);
    assert_string_equal(words, "lusab-babad-gutih-tugad zuzuz-babab-babab-babab "
                               "babab-babab-babab-babab babab-babab-babab-babab");
    assert_int_equal(strlen(words), SOTTO_BUNDLE_WORDS_BYTES - 1);
}

static enum sotto_status run_compare(void *context)
{
    struct sotto_bundle *bundles = context;
    struct sotto_writer writer;
    sotto_writer_init(&writer, TEXT_BYTES);
    size_t by_number = sotto_bundle_compare(&writer, &bundles[0], &bundles[1], 80);
    enum sotto_status status =
        by_number == SOTTO_NONE ? SOTTO_ERROR_NO_MEMORY : sotto_writer_status(&writer);
    sotto_writer_release(&writer);
    return status;
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    struct sotto_bundle bundles[2];
    make_bundle(&bundles[0], "a\n", "a\n", 1);
    make_bundle(&bundles[1], "b\n", "a\n", 2);
    assert_true(fault_each_allocation(run_compare, bundles) > 10);
    sotto_bundle_release(&bundles[0]);
    sotto_bundle_release(&bundles[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes_are_complete_and_fewest),
        cmocka_unit_test(test_how_changes_are_shown),
        cmocka_unit_test(test_what_differs_too_much_is_shown_whole),
        cmocka_unit_test(test_a_bundle_is_shown_whole),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_each_allocation_may_fail),
    };
    assert_ok(sotto_init());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
