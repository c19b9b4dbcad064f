/* SPDX-License-Identifier: Apache-2.0 */
/* Files that change or are replaced while they are read, and readings that are ended. */
#include "dataset/file/file.h"
#include "files.h"
#include "test.h"

#include <fcntl.h>
#include <omp.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static enum sotto_status load_all(struct sotto_csv *csv, const struct sotto_catalogue *catalogue,
                                  struct sotto_error *err)
{
    struct sotto_csv_wanted wanted = {.column = 0, .type = catalogue->columns[0].type};
    struct sotto_table *table = NULL;
    enum sotto_status status = sotto_table_load(&table, csv, catalogue, &wanted, 1, err);
    sotto_table_free(table);
    return status;
}

static void test_a_changed_file_is_an_error(void **state)
{
    (void)state;
    int fd = test_file("a\n1\n2\n", 6);
    int mine = dup(fd);
    struct sotto_csv *csv = NULL;
    struct sotto_error err = {0};
    assert_ok(sotto_csv_open_fd(&csv, fd, "t.csv", NULL, NULL));
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    assert_ok(load_all(csv, catalogue, &err));
    assert_int_equal(pwrite(mine, "3\n", 2, 6), 2);
    assert_int_equal(load_all(csv, catalogue, &err), SOTTO_ERROR_CHANGED);
    assert_contains(err.text, "t.csv: changed since it was catalogued");
    /* Same identity by accident (or by a lying catalogue): what is found decides. */
    assert_ok(sotto_csv_identity(csv, &catalogue->identity, NULL));
    assert_int_equal(load_all(csv, catalogue, &err), SOTTO_ERROR_CHANGED);
    catalogue->text_bytes = catalogue->identity.size_bytes;
    assert_int_equal(load_all(csv, catalogue, &err), SOTTO_ERROR_CHANGED);
    catalogue->rows = 4;
    assert_int_equal(load_all(csv, catalogue, &err), SOTTO_ERROR_CHANGED);
    catalogue->rows = 3;
    assert_ok(load_all(csv, catalogue, &err));
    catalogue->columns[0].type.kind = SOTTO_KIND_BOOL;
    assert_int_equal(load_all(csv, catalogue, &err), SOTTO_ERROR_CHANGED);
    assert_contains(err.text, "t.csv:3: column \"a\": expected bool"); /* 1 may be one */
    catalogue->columns[0].name[0] = 'b';
    assert_int_equal(load_all(csv, catalogue, &err), SOTTO_ERROR_CHANGED);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    (void)close(mine);
}

struct meddling {
    int fd;
    bool grow;
};

static enum sotto_status meddling_sink(void *context, size_t worker, uint64_t first_row,
                                       const struct sotto_column *columns, size_t columns_len,
                                       size_t rows, struct sotto_error *err)
{
    (void)first_row;
    (void)worker;
    (void)columns;
    (void)columns_len;
    (void)rows;
    (void)err;
    struct meddling *meddling = context;
    if (meddling->grow) {
        assert_int_equal(pwrite(meddling->fd, "x", 1, 4 * 200000), 1);
    } else {
        assert_int_equal(ftruncate(meddling->fd, 4 * 100000 + 1), 0);
    }
    return SOTTO_OK;
}

static void test_a_file_that_changes_meanwhile(void **state)
{
    (void)state;
    for (int way = 0; way < 8; way++) {
        bool grow = way % 2 != 0;
        omp_set_num_threads(1 + way / 4);
        char *text = malloc(4 * 200000);
        assert_non_null(text);
        for (size_t i = 0; i < 200000; i++) {
            memcpy(text + 4 * i, i == 0 ? "a,b\n" : "1,2\n", 4);
        }
        int fd = test_file(text, 4 * 200000);
        struct meddling meddling = {.fd = dup(fd), .grow = grow};
        struct sotto_csv *csv = NULL;
        assert_ok(sotto_csv_open_fd(&csv, fd, "t.csv", NULL, NULL));
        csv->chunk_bytes = 20000;
        csv->serial = way % 4 >= 2 && way < 4;
        struct sotto_catalogue *catalogue = test_catalogue(csv);
        struct sotto_error err = {0};
        assert_int_equal(sotto_csv_scan(csv, catalogue, NULL, 0, meddling_sink, &meddling, &err),
                         SOTTO_ERROR_CHANGED);
        assert_contains(err.text, "changed");
        sotto_catalogue_free(catalogue);
        sotto_csv_close(csv);
        (void)close(meddling.fd);
        free(text);
    }
    omp_set_num_threads(1);
}

struct replacing {
    char path[32];
    char other[32];
    atomic_bool done;
    atomic_size_t ours; /* rows of the file that was opened */
    atomic_size_t rows;
};

static void write_file(char *path, char digit, size_t rows)
{
    (void)snprintf(path, 32, "/tmp/sotto-test-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    for (size_t i = 0; i <= rows; i++) {
        assert_true(fprintf(file, "%c\n", i == 0 ? 'a' : digit) > 0);
    }
    assert_int_equal(fclose(file), 0);
}

static enum sotto_status replacing_sink(void *context, size_t worker, uint64_t first_row,
                                        const struct sotto_column *columns, size_t columns_len,
                                        size_t rows, struct sotto_error *err)
{
    (void)worker;
    (void)first_row;
    (void)columns_len;
    (void)err;
    struct replacing *replacing = context;
    if (!atomic_exchange(&replacing->done, true)) {
        assert_int_equal(rename(replacing->other, replacing->path), 0);
    }
    for (size_t i = 0; i < rows; i++) {
        replacing->ours += ((const int64_t *)columns[0].values)[i] == 1;
    }
    replacing->rows += rows;
    return SOTTO_OK;
}

/* The open file is read to its end, or is an error because its times changed when it lost its name,
 * which is for the file system to say; rows of the other file are never among it. */
static void test_a_file_that_is_replaced_meanwhile(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        struct replacing replacing = {0};
        struct sotto_csv *csv = NULL;
        struct sotto_error err = {0};
        write_file(replacing.path, '1', 100000);
        write_file(replacing.other, '2', 100000);
        omp_set_num_threads(1 + way / 2);
        assert_ok(sotto_csv_open(&csv, replacing.path, NULL, NULL));
        csv->chunk_bytes = 5000;
        csv->serial = way == 1;
        struct sotto_catalogue *catalogue = test_catalogue(csv);
        struct sotto_csv_wanted wanted = {.column = 0, .type = catalogue->columns[0].type};
        enum sotto_status status =
            sotto_csv_scan(csv, catalogue, &wanted, 1, replacing_sink, &replacing, &err);
        assert_true(replacing.done);
        assert_int_equal(replacing.ours, replacing.rows);
        if (status == SOTTO_OK) {
            assert_int_equal(replacing.rows, 100000);
        } else {
            assert_int_equal(status, SOTTO_ERROR_CHANGED);
            assert_contains(err.text, "changed");
        }
        sotto_csv_close(csv);
        /* What the name stands for now is another file, though of the same size. */
        assert_ok(sotto_csv_open(&csv, replacing.path, NULL, NULL));
        assert_int_equal(load_all(csv, catalogue, &err), SOTTO_ERROR_CHANGED);
        assert_contains(err.text, "changed since it was catalogued");
        sotto_catalogue_free(catalogue);
        catalogue = test_catalogue(csv);
        assert_ok(load_all(csv, catalogue, &err));
        sotto_catalogue_free(catalogue);
        sotto_csv_close(csv);
        assert_int_equal(unlink(replacing.path), 0);
    }
    omp_set_num_threads(1);
}

static enum sotto_status failing_sink(void *context, size_t worker, uint64_t first_row,
                                      const struct sotto_column *columns, size_t columns_len,
                                      size_t rows, struct sotto_error *err)
{
    (void)first_row;
    (void)context;
    (void)worker;
    (void)columns;
    (void)columns_len;
    (void)rows;
    return sotto_error_set(err, SOTTO_ERROR_CANCELLED, "enough");
}

static void test_a_sink_ends_the_scan(void **state)
{
    (void)state;
    struct sotto_csv *csv = test_csv("a\n1\n");
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    struct sotto_error err = {0};
    assert_int_equal(sotto_csv_scan(csv, catalogue, NULL, 0, failing_sink, NULL, &err),
                     SOTTO_ERROR_CANCELLED);
    assert_string_equal(err.text, "enough");
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
}

struct interrupting {
    struct sotto_interrupt interrupt;
    atomic_size_t rows;
};

static enum sotto_status interrupting_sink(void *context, size_t worker, uint64_t first_row,
                                           const struct sotto_column *columns, size_t columns_len,
                                           size_t rows, struct sotto_error *err)
{
    (void)worker;
    (void)first_row;
    (void)columns;
    (void)columns_len;
    (void)err;
    struct interrupting *interrupting = context;
    atomic_fetch_add(&interrupting->rows, rows);
    sotto_interrupt_set(&interrupting->interrupt);
    return SOTTO_OK;
}

static void test_an_interrupt_ends_every_reading(void **state)
{
    (void)state;
    const size_t rows = 1000000; /* more than any way reads at a time */
    char *text = sotto_alloc(2 * rows + 2);
    memcpy(text, "a\n", 2);
    for (size_t i = 1; i <= rows; i++) {
        memcpy(text + 2 * i, "1\n", 2);
    }
    for (int way = 0; way < 3; way++) {
        struct interrupting interrupting = {.rows = 0};
        struct sotto_csv *csv = NULL;
        struct sotto_catalogue *catalogue = NULL;
        struct sotto_catalogue *other = NULL;
        struct sotto_error err = {0};
        omp_set_num_threads(1 + way / 2);
        assert_ok(sotto_csv_open_fd(&csv, test_file(text, 2 * rows + 2), "t.csv", NULL, NULL));
        csv->chunk_bytes = 5000;
        csv->serial = way == 1;
        sotto_csv_heed(csv, &interrupting.interrupt);
        catalogue = test_catalogue(csv);
        struct sotto_csv_wanted wanted = {.column = 0, .type = catalogue->columns[0].type};
        assert_int_equal(
            sotto_csv_scan(csv, catalogue, &wanted, 1, interrupting_sink, &interrupting, &err),
            SOTTO_ERROR_CANCELLED);
        assert_string_equal(err.text, "t.csv: reading was interrupted");
        assert_in_range(interrupting.rows, 1, rows - 1);
        assert_int_equal(sotto_csv_catalogue(csv, &other, &err), SOTTO_ERROR_CANCELLED);
        sotto_csv_heed(csv, NULL);
        other = test_catalogue(csv);
        sotto_catalogue_free(other);
        sotto_catalogue_free(catalogue);
        sotto_csv_close(csv);
    }
    omp_set_num_threads(1);
    sotto_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_changed_file_is_an_error),
        cmocka_unit_test(test_a_file_that_changes_meanwhile),
        cmocka_unit_test(test_a_file_that_is_replaced_meanwhile),
        cmocka_unit_test(test_a_sink_ends_the_scan),
        cmocka_unit_test(test_an_interrupt_ends_every_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
