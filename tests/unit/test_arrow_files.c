/* SPDX-License-Identifier: Apache-2.0 */
/* Files of Arrow IPC, those of the fuzz target's corpus: whole ones have their rows, and of what
 * was cut off anywhere, or where memory ran out, there are none. */
#include "arrow_rows.h"
#include "fault.h"
#include "files.h"
#include "test.h"

#define FILE_BYTES_MAX 8192
#define POLARS_NODE 368

static const struct {
    const char *name;
    uint64_t rows;
} files[] = {
    {"plain_arrow", 5},  {"lz4_arrow", 5},    {"zstd_arrow", 5},
    {"plain_arrows", 5}, {"lz4_arrows", 5},   {"zstd_arrows", 5},
    {"polars_arrow", 3}, {"empty_arrows", 0}, {"long_arrows", 100},
};

struct file {
    uint8_t data[FILE_BYTES_MAX + 8];
    size_t bytes;
};

static void read_file(struct file *out, const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", SOTTO_TEST_CORPUS, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    out->bytes = fread(out->data, 1, FILE_BYTES_MAX, file);
    assert_true(out->bytes > 0 && out->bytes < FILE_BYTES_MAX);
    assert_int_equal(fclose(file), 0);
}

static void test_whole_files_have_their_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct file file;
        uint64_t rows = 99;
        read_file(&file, files[i].name);
        assert_true(arrow_rows_read(&rows, file.data, file.bytes));
        assert_int_equal(rows, files[i].rows);
    }
}

/* At every fifth byte, which meets each place within eight. */
static void test_cut_files_have_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct file file;
        read_file(&file, files[i].name);
        for (size_t bytes = 0; bytes < file.bytes; bytes += 5) {
            uint64_t rows;
            assert_false(arrow_rows_read(&rows, file.data, bytes));
        }
    }
}

/* A stream that goes on behind its end mark may have rows there. */
static void test_longer_streams_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct file file;
        uint64_t rows;
        read_file(&file, files[i].name);
        memset(file.data + file.bytes, 0, 8);
        assert_false(arrow_rows_read(&rows, file.data, file.bytes + 8));
    }
}

/* What is changed may be other rows or none: AddressSanitizer says whether all was within. Lengths
 * and offsets become longer by this bit, and those of the file with 100 rows shorter. */
static void test_changed_files_do_no_harm(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct file file;
        uint64_t rows = 99;
        read_file(&file, files[i].name);
        for (size_t at = 0; at < file.bytes; at++) {
            file.data[at] ^= 2;
            (void)arrow_rows_read(&rows, file.data, file.bytes);
            file.data[at] ^= 2;
        }
        assert_true(arrow_rows_read(&rows, file.data, file.bytes));
        assert_int_equal(rows, files[i].rows);
    }
}

/* Where "polars_arrow" has the node of its first column: its rows, and how many values are missing.
 * A reader that believes the number has a value where one that believes the bitmap has none. */
static void test_missing_values_are_those_of_the_bitmap(void **state)
{
    (void)state;
    struct file file;
    uint64_t rows;
    read_file(&file, "polars_arrow");
    assert_int_equal(file.data[POLARS_NODE], 3);
    assert_int_equal(file.data[POLARS_NODE + 8], 1);
    for (uint8_t missing = 0; missing <= 3; missing++) {
        file.data[POLARS_NODE + 8] = missing;
        assert_true(arrow_rows_read(&rows, file.data, file.bytes) == (missing == 1));
    }
}

static void test_no_memory_is_no_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct file file;
        bool is_failed = true;
        read_file(&file, files[i].name);
        for (size_t at = 1; is_failed; at = fault_next(at)) {
            uint64_t rows = 99;
            fault_allocation_begin(at);
            bool is_read = arrow_rows_read(&rows, file.data, file.bytes);
            is_failed = fault_allocation_end();
            assert_true(is_read != is_failed);
            assert_true(!is_read || rows == files[i].rows);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_files_have_their_rows),
        cmocka_unit_test(test_cut_files_have_none),
        cmocka_unit_test(test_longer_streams_are_refused),
        cmocka_unit_test(test_changed_files_do_no_harm),
        cmocka_unit_test(test_missing_values_are_those_of_the_bitmap),
        cmocka_unit_test(test_no_memory_is_no_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
