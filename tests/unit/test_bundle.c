/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles: one encoding each, what is refused, and how a hostile source is shown. */
#include "test.h"

#include "fault.h"
#include "files.h"

#include <sodium.h>
#include <sotto/alloc.h>
#include <sotto/bundle.h>
#include <sotto/secret.h>
#include <stdio.h>

static struct sotto_bundle_file make_file(const char *name, const char *text)
{
    struct sotto_bundle_file file = {.text = text, .text_bytes = strlen(text)};
    (void)snprintf(file.name.text, sizeof file.name.text, "%s", name);
    return file;
}

static struct sotto_bundle_manifest make_manifest(void)
{
    return (struct sotto_bundle_manifest){
        .entry = {"model:LeNet"},
        .datasets = {{"mnist"}},
        .datasets_len = 1,
        .is_weighted = true,
        .merge_every = 1,
        .rounds = 5,
        .validate_every = 1,
        .parameters_max = 100000,
        .range_bits = 6,
        .scale_bits = 24,
        .rows_max = 1048576,
        .memory_mib = 2048,
        .round_seconds = 600,
    };
}

/* The bundle "model.py" of this text, which must be one. */
static void make_bundle(struct sotto_bundle *out, const char *text)
{
    struct sotto_bundle_manifest manifest = make_manifest();
    struct sotto_bundle_file file = make_file("model.py", text);
    assert_ok(sotto_bundle_make(out, &manifest, &file, 1, NULL));
}

/* Reads a line of two hexadecimal numbers. Returns: the bytes of the second. */
static size_t read_vector(FILE *file, uint8_t digest[32], uint8_t *out, size_t out_bytes)
{
    char line[8192];
    size_t bytes = 0;
    assert_non_null(fgets(line, sizeof line, file));
    assert_int_equal(sodium_hex2bin(digest, 32, line, 64, NULL, NULL, NULL), 0);
    assert_int_equal(
        sodium_hex2bin(out, out_bytes, line + 65, strlen(line + 65), "\n", &bytes, NULL), 0);
    return bytes;
}

/* The first line is of one file, the second of several, given here in another order. */
static void test_vectors_of_another_writer(void **state)
{
    (void)state;
    struct sotto_bundle_manifest manifests[2] = {make_manifest(), make_manifest()};
    manifests[1].is_weighted = false;
    manifests[1].merges_iterations = true;
    manifests[1].strategy = SOTTO_STRATEGY_DRAWN;
    manifests[1].stop_after = 3;
    manifests[1].datasets_len = 2;
    manifests[1].datasets[0] = (struct sotto_bundle_name){"a"};
    manifests[1].datasets[1] = (struct sotto_bundle_name){"b.npy"};
    struct sotto_bundle_file small[] = {make_file("model.py", "class LeNet: pass\n")};
    struct sotto_bundle_file large[] = {
        make_file("nets/lenet.py", "class LeNet:\n    pass\n"),
        make_file("nets/__init__.py", ""),
        make_file("README.md", "A bundle.\n"),
        make_file("model.py", "from nets.lenet import LeNet\n# \xE5\xB9\xB3\xE5\x9D\x87\n"),
    };
    const struct sotto_bundle_file *files[] = {small, large};
    const size_t lens[] = {1, 4};
    FILE *vectors = fopen(SOTTO_TEST_VECTORS "/bundles.txt", "r");
    assert_non_null(vectors);
    for (size_t i = 0; i < 2; i++) {
        struct sotto_bundle bundle;
        struct sotto_error err;
        uint8_t expected[4096];
        uint8_t digest[32];
        size_t bytes = read_vector(vectors, digest, expected, sizeof expected);
        assert_ok(sotto_bundle_make(&bundle, &manifests[i], files[i], lens[i], &err));
        assert_int_equal(bundle.bytes.data_bytes, bytes);
        assert_memory_equal(bundle.bytes.data, expected, bytes);
        assert_memory_equal(bundle.digest, digest, 32);
        sotto_bundle_release(&bundle);
    }
    (void)fclose(vectors);
}

/* Whatever byte is changed, cut or added: refused, or another bundle with another name. */
static void test_no_byte_can_be_changed(void **state)
{
    (void)state;
    struct sotto_bundle bundle;
    uint64_t random = 1;
    make_bundle(&bundle, "class LeNet: pass\n");
    size_t bytes = bundle.bytes.data_bytes;
    uint8_t *changed = malloc(bytes + 1);
    assert_non_null(changed);
    for (size_t i = 0; i < bytes; i++) {
        struct sotto_bundle other;
        memcpy(changed, bundle.bytes.data, bytes);
        changed[i] ^= (uint8_t)(1 + test_random_below(&random, 255));
        if (sotto_bundle_open(&other, changed, bytes, NULL) == SOTTO_OK) {
            assert_memory_not_equal(other.digest, bundle.digest, sizeof other.digest);
            sotto_bundle_release(&other);
        }
        assert_int_not_equal(sotto_bundle_open(&other, bundle.bytes.data, i, NULL), SOTTO_OK);
        assert_null(other.bytes.data);
    }
    memcpy(changed, bundle.bytes.data, bytes);
    changed[bytes] = 0;
    struct sotto_bundle longer;
    struct sotto_error err;
    assert_int_equal(sotto_bundle_open(&longer, changed, bytes + 1, &err), SOTTO_ERROR_INPUT);
    assert_contains(err.text, "1 bytes more");
    sotto_bundle_release(&bundle);
    free(changed);
}

struct refused_files {
    const char *names[2];
    const char *text;
    const char *part;
};

static void test_files_that_are_refused(void **state)
{
    (void)state;
    static const struct refused_files rows[] = {
        {{"../model.py"}, "", "'../model.py'"},
        {{"/model.py"}, "", "'/model.py'"},
        {{"a//model.py"}, "", "'a//model.py'"},
        {{"a/./model.py"}, "", "'a/./model.py'"},
        {{"a/../model.py"}, "", "'a/../model.py'"},
        {{"model.py/"}, "", "'model.py/'"},
        {{".model.py"}, "", "'.model.py'"},
        {{"-model.py"}, "", "'-model.py'"},
        {{"a\\model.py"}, "", "names of letters"},
        {{"m\xD0\xBE"
          "del.py"},
         "",
         "names of letters"},
        {{""}, "", "names of letters"},
        {{"model.py", "model.py"}, "", "two files have one name"},
        {{"model.py", "model.py/a.py"}, "", "can't both be"},
        {{"model.py", "model/__init__.py"}, "", "can't both be"},
        {{"model.py", "model"}, "", "can't both be"},
        {{"nets.py"}, "", "no file of the bundle is this module"},
        {{"model.txt"}, "", "no file of the bundle is this module"},
        {{"model.py"}, "a\n\rb", "model.py, line 2: expected UTF-8"},
        {{"model.py"}, "a\xC0\xAF", "found the byte 0xC0"},
        {{"model.py"}, "\xED\xA0\x80", "found the byte 0xED"},
    };
    struct sotto_bundle_manifest manifest = make_manifest();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sotto_bundle bundle;
        struct sotto_error err = {0};
        struct sotto_bundle_file files[2];
        size_t len = rows[i].names[1] != NULL ? 2 : 1;
        for (size_t k = 0; k < len; k++) {
            files[k] = make_file(rows[i].names[k], rows[i].text);
        }
        assert_int_equal(sotto_bundle_make(&bundle, &manifest, files, len, &err),
                         SOTTO_ERROR_INPUT);
        assert_contains(err.text, rows[i].part);
        assert_null(bundle.bytes.data);
    }
    struct sotto_bundle_file nul = {.name = {"model.py"}, .text = "a\0b", .text_bytes = 3};
    struct sotto_bundle bundle;
    struct sotto_error err;
    assert_int_equal(sotto_bundle_make(&bundle, &manifest, &nul, 1, &err), SOTTO_ERROR_INPUT);
    assert_contains(err.text, "found the byte 0x00");
}

/* A writer may not choose the order of files, which would give one bundle many names. */
static void test_files_must_ascend(void **state)
{
    (void)state;
    struct sotto_bundle_manifest manifest = make_manifest();
    struct sotto_bundle_file files[] = {make_file("model.py", ""), make_file("modem.py", "")};
    struct sotto_bundle bundle;
    struct sotto_bundle other;
    struct sotto_error err;
    assert_ok(sotto_bundle_make(&bundle, &manifest, files, 2, &err));
    uint8_t *name = memmem(bundle.bytes.data, bundle.bytes.data_bytes, "modem.py", 8);
    assert_non_null(name);
    memcpy(name, "modek.py", 8);
    assert_int_equal(sotto_bundle_open(&other, bundle.bytes.data, bundle.bytes.data_bytes, &err),
                     SOTTO_ERROR_INPUT);
    assert_contains(err.text, "found 'modek.py' after 'model.py'");
    memcpy(name, "model.py", 8);
    assert_int_equal(sotto_bundle_open(&other, bundle.bytes.data, bundle.bytes.data_bytes, &err),
                     SOTTO_ERROR_INPUT);
    assert_contains(err.text, "found 'model.py' after 'model.py'");
    sotto_bundle_release(&bundle);
}

static void test_caps(void **state)
{
    (void)state;
    struct sotto_bundle_manifest manifest = make_manifest();
    struct sotto_bundle bundle;
    struct sotto_error err;
    static struct sotto_bundle_file files[SOTTO_BUNDLE_FILES_MAX + 1];
    for (size_t i = 0; i <= SOTTO_BUNDLE_FILES_MAX; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "m%zu.py", i);
        files[i] = make_file(i == 0 ? "model.py" : name, "pass\n");
    }
    assert_ok(sotto_bundle_make(&bundle, &manifest, files, SOTTO_BUNDLE_FILES_MAX, &err));
    assert_int_equal(bundle.files_len, SOTTO_BUNDLE_FILES_MAX);
    assert_non_null(sotto_bundle_find(&bundle, "m255.py"));
    assert_null(sotto_bundle_find(&bundle, "m256.py"));
    sotto_bundle_release(&bundle);
    assert_int_equal(sotto_bundle_make(&bundle, &manifest, files, SOTTO_BUNDLE_FILES_MAX + 1, &err),
                     SOTTO_ERROR_LIMIT);
    assert_int_equal(sotto_bundle_make(&bundle, &manifest, files, 0, &err), SOTTO_ERROR_LIMIT);

    char *text = malloc(SOTTO_BUNDLE_BYTES_MAX + 1);
    assert_non_null(text);
    memset(text, 'a', SOTTO_BUNDLE_BYTES_MAX + 1);
    files[0].text = text;
    const size_t sizes[] = {SOTTO_BUNDLE_BYTES_MAX - 100, SOTTO_BUNDLE_BYTES_MAX,
                            SOTTO_BUNDLE_BYTES_MAX + 1, SIZE_MAX};
    for (size_t i = 0; i < 4; i++) {
        files[0].text_bytes = sizes[i];
        assert_int_equal(sotto_bundle_make(&bundle, &manifest, files, 1, &err), SOTTO_ERROR_LIMIT);
        assert_contains(err.text, "4194304 bytes");
    }
    free(text);
}

struct refused_manifest {
    const char *from; /* part of the good manifest's JSON */
    const char *to;
    const char *part;
};

/* Puts `to` in the place of `from` in the bundle's manifest, and its length right. */
static size_t change_manifest(uint8_t *out, const struct sotto_bundle *bundle, const char *from,
                              const char *to)
{
    const uint8_t *data = bundle->bytes.data;
    size_t bytes = bundle->bytes.data_bytes;
    const uint8_t *at = memmem(data, bytes, from, strlen(from));
    assert_non_null(at);
    size_t before = (size_t)(at - data);
    size_t after = bytes - before - strlen(from);
    memcpy(out, data, before);
    memcpy(out + before, to, strlen(to));
    memcpy(out + before + strlen(to), at + strlen(from), after);
    size_t manifest = (size_t)(data[8] | data[9] << 8) + strlen(to) - strlen(from);
    out[8] = (uint8_t)manifest;
    out[9] = (uint8_t)(manifest >> 8);
    return before + strlen(to) + after;
}

static void test_manifests_that_are_refused(void **state)
{
    (void)state;
    static const struct refused_manifest rows[] = {
        {"{\"datasets\"", "{ \"datasets\"", "one spelling"},
        {"\"rounds\":5", "\"rounds\":5,\"rounds\":5", "one spelling"},
        {"\"rounds\":5", "\"rounds\":5,\"rounds2\":5", "one spelling"},
        {"\"rounds\":5", "\"rounds\":5.0", "rounds: expected 1 to 10000, found 0"},
        {"\"rounds\":5", "\"rounds\":05", "a JSON object"},
        {"\"rounds\":5", "\"rounds\":-1", "rounds: expected 1 to 10000, found -1"},
        {"\"rounds\":5", "\"rounds\":99999999999999999999", "a JSON object"},
        {"\"rounds\":5,", "", "rounds: expected 1 to 10000, found 0"},
        {"\"validate_every\":1,", "", "one spelling"},
        {"\"strategy\"", "\"stop_after\":0,\"strategy\"", "one spelling"},
        {"\"strategy\"", "\"stop_after\":-1,\"strategy\"", "stop_after"},
        {"\"scale_bits\":24", "\"scale_bits\":57", "range_bits + scale_bits"},
        {"\"range_bits\":6", "\"range_bits\":-25", "range_bits + scale_bits"},
        {"\"weighted\":true", "\"weighted\":1", "one spelling"},
        {"\"fedavg\"", "\"fedsgd\"", "one spelling"},
        {"\"fedavg\"", "\"fault_tolerant\"", "one spelling"},
        {"\"epoch\"", "\"round\"", "one spelling"},
        {"[\"mnist\"]", "[]", "datasets: expected 1 to 16, found 0"},
        {"[\"mnist\"]", "[\"a\",\"a\"]", "ascending names"},
        {"[\"mnist\"]", "[\"a\\u0000b\"]", "a JSON object"},
        {"[\"mnist\"]", "[\"../a\"]", "found '../a'"},
        {"[\"mnist\"]", "[\"a/b\"]", "found 'a/b'"},
        {"[\"mnist\"]", "[\"mn\\u0069st\"]", "one spelling"},
        {"model:LeNet", "model", "'module:Class'"},
        {"model:LeNet", ":LeNet", "'module:Class'"},
        {"model:LeNet", "os:a:b", "'module:Class'"},
        {"model:LeNet", "a..b:C", "'module:Class'"},
        {"model:LeNet", "model:Le.Net", "'module:Class'"},
        {"model:LeNet", "model:1Net", "'module:Class'"},
    };
    struct sotto_bundle bundle;
    uint8_t changed[2048];
    make_bundle(&bundle, "class LeNet: pass\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sotto_bundle other;
        struct sotto_error err = {0};
        size_t bytes = change_manifest(changed, &bundle, rows[i].from, rows[i].to);
        assert_int_not_equal(sotto_bundle_open(&other, changed, bytes, &err), SOTTO_OK);
        assert_contains(err.text, rows[i].part);
    }
    sotto_bundle_release(&bundle);
}

static enum sotto_status run_make(void *context)
{
    struct sotto_bundle bundle;
    struct sotto_bundle_manifest manifest = make_manifest();
    enum sotto_status status = sotto_bundle_make(&bundle, &manifest, context, 1, NULL);
    sotto_bundle_release(&bundle);
    return status;
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    struct sotto_bundle_file file = make_file("model.py", "class LeNet: pass\n");
    assert_true(fault_each_allocation(run_make, &file) > 2);
}

static char *reveal(const char *text, size_t columns, size_t *out_by_number)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, (size_t)1 << 20);
    *out_by_number = sotto_bundle_reveal(&writer, text, strlen(text), columns);
    sotto_write_u8(&writer, 0);
    assert_ok(sotto_writer_status(&writer));
    size_t bytes;
    return (char *)sotto_writer_take(&writer, &bytes);
}

struct revealed_text {
    const char *text;
    const char *shown;
    size_t by_number;
};

static void test_hostile_sources_are_shown_harmlessly(void **state)
{
    (void)state;
    static const struct revealed_text rows[] = {
        {"", "", 0},
        {"a = 1\n\nb", "     1 | a = 1\n     2 | \n     3 | b\n", 0},
        {"\x1B[2Jx", "     1 | <U+001B>[2Jx\n", 1},
        {"\tx", "     1 | <U+0009 tab>x\n", 1},
        {"'<U+0430>'", "     1 | '<U+003C>U+0430>'\n", 1}, /* which is no Cyrillic a */
        {"a <U", "     1 | a <U\n", 0},
        {"p\xD0\xB0ss", "     1 | p<U+0430>ss\n", 1},                      /* Cyrillic a */
        {"\xCE\xBF = 1", "     1 | <U+03BF> = 1\n", 1},                    /* Greek o */
        {"\xEF\xBD\x85val", "     1 | <U+FF45>val\n", 1},                  /* full width e */
        {"\xF0\x9D\x92\x86val", "     1 | <U+1D486>val\n", 1},             /* mathematical e */
        {"x\xE2\x80\xAE# y", "     1 | x<U+202E># y\n", 1},                /* right to left */
        {"\xD7\x90 = 1", "     1 | <U+05D0> = 1\n", 1},                    /* Hebrew alef */
        {"a\xE2\x80\x8B_b", "     1 | a<U+200B zero width space>_b\n", 1}, /* no width */
        {"e\xCC\x81", "     1 | e<U+0301 combining acute accent>\n", 1},   /* on the e */
        {"\xC3\xA9 \xE5\xB9\xB3\xE5\x9D\x87", "     1 | \xC3\xA9 \xE5\xB9\xB3\xE5\x9D\x87\n", 0},
        {"x\xE2\x80\xA8y", "     1 | x<U+2028>y\n", 1}, /* line separator */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t by_number;
        char *shown = reveal(rows[i].text, 80, &by_number);
        assert_string_equal(shown, rows[i].shown);
        assert_int_equal(by_number, rows[i].by_number);
        sotto_free(shown);
    }
}

/* All of a line of 10,000 columns is there, and what stands behind 9,900 blanks too. */
static void test_long_lines_are_broken_not_cut(void **state)
{
    (void)state;
    char line[10001];
    memset(line, ' ', 10000);
    memcpy(line, "x = 1", 5);
    memcpy(line + 9990, ";os.evil()", 10);
    line[10000] = '\0';
    size_t by_number;
    size_t shown_bytes = 0;
    size_t lines = 0;
    char *shown = reveal(line, 100, &by_number);
    for (const char *at = shown; *at != '\0'; lines++) {
        size_t bytes = strcspn(at, "\n");
        assert_true(bytes <= 109);
        assert_memory_equal(at, lines == 0 ? "     1 | " : "       > ", 9);
        shown_bytes += bytes - 9;
        at += bytes + 1;
    }
    assert_int_equal(lines, 100);
    assert_int_equal(shown_bytes, 10000);
    assert_contains(shown, ";os.evil()\n");
    sotto_free(shown);
    shown = reveal("\xE5\xB9\xB3\xE5\xB9\xB3\xE5\xB9\xB3\xE5\xB9\xB3\xE5\xB9\xB3"
                   "\xE5\xB9\xB3\xE5\xB9\xB3\xE5\xB9\xB3\xE5\xB9\xB3\xE5\xB9\xB3!",
                   20, &by_number);
    assert_contains(shown, "\n       > !\n"); /* ten characters of two columns each fill a line */
    sotto_free(shown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_of_another_writer),
        cmocka_unit_test(test_no_byte_can_be_changed),
        cmocka_unit_test(test_files_that_are_refused),
        cmocka_unit_test(test_files_must_ascend),
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_manifests_that_are_refused),
        cmocka_unit_test(test_each_allocation_may_fail),
        cmocka_unit_test(test_hostile_sources_are_shown_harmlessly),
        cmocka_unit_test(test_long_lines_are_broken_not_cut),
    };
    assert_ok(sotto_init());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
