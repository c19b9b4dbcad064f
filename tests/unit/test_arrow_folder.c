/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of Arrow IPC files that changes while it is read: whatever becomes of it, and of
 * whichever file, the stream ends in an error and not as if its rows were all of one state. */
#include "test.h"

#include "source/arrow_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES 2312 /* of "long_arrows", which has 100 rows in one batch */
#define LENGTH_AT 352   /* where it says how many rows its first column has */
#define ROWS 100
#define PATH_BYTES 64

struct folder {
    char path[PATH_BYTES];
    char files[3][PATH_BYTES]; /* the last is not there at first */
    char pattern[PATH_BYTES];
    uint8_t data[FILE_BYTES + 1];
    size_t bytes;
};

static void write_file(const char *path, const uint8_t *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

/* Two files of the same rows. */
static int make_folder(void **state)
{
    static struct folder folder;
    (void)snprintf(folder.path, sizeof folder.path, "/tmp/sotto-folder-XXXXXX");
    assert_non_null(mkdtemp(folder.path));
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(folder.files[i], PATH_BYTES, "%.40s/%zu.arrows", folder.path, i);
    }
    (void)snprintf(folder.pattern, PATH_BYTES, "%.40s/*.arrows", folder.path);
    FILE *file = fopen(SOTTO_TEST_CORPUS "/long_arrows", "rb");
    assert_non_null(file);
    folder.bytes = fread(folder.data, 1, sizeof folder.data, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(folder.bytes, FILE_BYTES);
    write_file(folder.files[0], folder.data, folder.bytes);
    write_file(folder.files[1], folder.data, folder.bytes);
    *state = &folder;
    return 0;
}

static int remove_folder(void **state)
{
    struct folder *folder = *state;
    for (size_t i = 0; i < 3; i++) {
        (void)unlink(folder->files[i]);
    }
    return rmdir(folder->path);
}

/* What happens to a folder. */
static void let_be(const struct folder *folder)
{
    (void)folder;
}

static void add_file(const struct folder *folder)
{
    write_file(folder->files[2], folder->data, folder->bytes);
}

static void remove_read(const struct folder *folder)
{
    assert_int_equal(unlink(folder->files[0]), 0);
}

/* The same bytes: a reader can't know that they are. */
static void write_read(const struct folder *folder)
{
    write_file(folder->files[0], folder->data, folder->bytes);
}

static void write_next(const struct folder *folder)
{
    write_file(folder->files[1], folder->data, folder->bytes);
}

/* Another file of the same size, times of its contents and name. */
static void replace_read(const struct folder *folder)
{
    struct stat info;
    assert_int_equal(stat(folder->files[0], &info), 0);
    write_file(folder->files[2], folder->data, folder->bytes);
    const struct timespec times[] = {info.st_atim, info.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, folder->files[2], times, 0), 0);
    assert_int_equal(rename(folder->files[2], folder->files[0]), 0);
}

/* As many files, of which one has another name. */
static void rename_read(const struct folder *folder)
{
    assert_int_equal(rename(folder->files[0], folder->files[2]), 0);
}

static void cut_next(const struct folder *folder)
{
    assert_int_equal(truncate(folder->files[1], 8), 0);
}

static const struct {
    void (*happen)(const struct folder *folder);
    bool is_whole;
} happenings[] = {{let_be, true},      {add_file, false},   {remove_read, false},
                  {write_read, false}, {write_next, false}, {replace_read, false},
                  {cut_next, false},   {rename_read, false}};

/* Reads to the end; after the first batch something happens. Returns: whether there was no error,
 * with all rows. */
static bool read_while(const struct folder *folder, void (*happen)(const struct folder *folder),
                       const char *const *names, size_t names_len)
{
    struct ArrowArrayStream stream;
    struct ArrowArray batch;
    int64_t rows = 0;
    bool is_good = true;
    assert_int_equal(arrow_files_open(&stream, folder->pattern, names, names_len, false, NULL),
                     SOTTO_OK);
    do {
        is_good = stream.get_next(&stream, &batch) == 0;
        if (is_good && batch.release != NULL) {
            if (rows == 0) {
                happen(folder);
            }
            rows += batch.length;
            batch.release(&batch);
        } else {
            break;
        }
    } while (is_good);
    if (is_good) {
        assert_int_equal(rows, 2 * ROWS);
    } else {
        assert_non_null(strstr(stream.get_last_error(&stream), "changed while"));
    }
    stream.release(&stream);
    return is_good;
}

static void test_a_folder_that_changes_is_an_error(void **state)
{
    for (size_t i = 0; i < sizeof happenings / sizeof happenings[0]; i++) {
        const struct folder *folder = *state;
        assert_true(read_while(folder, happenings[i].happen, NULL, 0) == happenings[i].is_whole);
        assert_int_equal(remove_folder(state), 0);
        assert_int_equal(make_folder(state), 0);
    }
}

/* Where no column is read, no buffer says how many rows there are. */
static void test_rows_are_those_of_every_column(void **state)
{
    struct folder *folder = *state;
    struct ArrowArrayStream stream;
    struct ArrowArray batch;
    assert_int_equal(folder->data[LENGTH_AT], ROWS);
    folder->data[LENGTH_AT]--;
    write_file(folder->files[0], folder->data, folder->bytes);
    assert_int_equal(arrow_files_open(&stream, folder->pattern, NULL, 0, false, NULL), SOTTO_OK);
    assert_int_not_equal(stream.get_next(&stream, &batch), 0);
    assert_non_null(strstr(stream.get_last_error(&stream), "other rows than its batch"));
    stream.release(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_folder_that_changes_is_an_error, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_rows_are_those_of_every_column, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
