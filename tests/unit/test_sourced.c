/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of databases as a node has them: which tasks share a reading, by a clock of the test. */
#include "node/source/source.h"
#include "node/task/sourced.h"
#include "test.h"

#include <sotto/secret.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static uint64_t now_ms = 1000;
static uint64_t step_ms; /* that pass with each look at the clock */

/* In place of clock_ms, by the linker. */
uint64_t __wrap_clock_ms(void); /* NOLINT(bugprone-reserved-identifier) */
uint64_t __wrap_clock_ms(void)  /* NOLINT(bugprone-reserved-identifier) */
{
    return now_ms += step_ms;
}

/* Datasets pay and wages of a driver in this mode, and what they may hold. */
static void make_config(struct config *out, const char *mode, size_t memory)
{
    char path[] = "/tmp/sotto-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    const char *files[] = {"pay", "wages"};
    (void)dprintf(fd, "name: alpha\ndata_dir: /tmp\nstate_dir: state\nidentity: node.key\n"
                      "policy: {datasets: [pay, wages]}\nfiles:\n");
    for (size_t i = 0; i < 2; i++) {
        (void)dprintf(fd,
                      "  - file: %s\n    source: {adbc: %s, uri: 'postgresql://h/d', table: t, "
                      "options: [mode=%s]}\n",
                      files[i], SOTTO_TEST_DRIVER, mode);
    }
    assert_int_equal(close(fd), 0);
    struct sotto_error err = {0};
    enum sotto_status status = config_load(out, path, &err);
    assert_string_equal(err.text, "");
    assert_ok(status);
    assert_int_equal(unlink(path), 0);
    out->sources_memory = memory;
}

#define MEMORY ((size_t)1 << 20)

static struct config answers; /* by reading the seven rows */
static struct config fails;   /* by reading, so that what it has is shared */

static int make_configs(void **state)
{
    (void)state;
    if (sotto_init() != SOTTO_OK) {
        return -1;
    }
    make_config(&answers, "", MEMORY);
    make_config(&fails, "lost", MEMORY);
    return 0;
}

static int release_configs(void **state)
{
    (void)state;
    config_release(&answers);
    config_release(&fails);
    return 0;
}

static int begin(void **state)
{
    (void)state;
    sourced_wake();
    answers.sources_memory = MEMORY;
    return 0;
}

/* A task's rows; reading them takes so long. */
static struct dataset read_in(const char *file, uint64_t took_ms)
{
    struct dataset dataset;
    struct sotto_error err = {0};
    step_ms = took_ms;
    enum sotto_status status = sourced_read(&dataset, &answers, file, true, NULL, &err);
    step_ms = 0;
    assert_string_equal(err.text, "");
    assert_ok(status);
    return dataset;
}

/* Whether a task that comes now has the rows of an earlier one. */
static bool are_shared(const char *file)
{
    struct dataset dataset;
    struct sotto_error err;
    if (sourced_read(&dataset, &fails, file, true, NULL, &err) != SOTTO_OK) {
        assert_non_null(strstr(err.text, "the connection was lost"));
        return false;
    }
    assert_int_equal(dataset.catalogue->rows, 7);
    dataset_release(&dataset);
    return true;
}

static void test_rows_of_a_slow_source_are_shared(void **state)
{
    (void)state;
    struct dataset first = read_in("pay", 6000);
    struct dataset second = read_in("pay", 0);
    assert_ptr_equal(first.sourced, second.sourced);
    assert_ptr_not_equal(first.catalogue, second.catalogue);
    assert_memory_equal(&first.catalogue->identity, &second.catalogue->identity,
                        sizeof first.catalogue->identity);
    assert_false(are_shared("wages"));
    dataset_release(&first);
    assert_int_equal(sotto_table_rows(second.sourced->rows.table), 7);
    dataset_release(&second);
    assert_true(are_shared("pay")); /* though no task has them */
}

static void test_shared_rows_become_old(void **state)
{
    (void)state;
    struct dataset first = read_in("pay", 6000);
    assert_true(sourced_deadline() >= now_ms + UINT64_C(10) * 6000 - 6000);
    now_ms = sourced_deadline() - 1;
    sourced_tick();
    assert_true(are_shared("pay"));
    now_ms++;
    sourced_tick();
    assert_false(are_shared("pay"));
    assert_true(sourced_deadline() == UINT64_MAX);
    assert_int_equal(sotto_table_rows(first.sourced->rows.table), 7); /* while a task has them */
    dataset_release(&first);
}

static void test_rows_of_a_quick_source_are_not_shared(void **state)
{
    (void)state;
    struct dataset first = read_in("pay", 1000);
    assert_false(are_shared("pay"));
    dataset_release(&first);
}

static void test_a_reload_reads_anew(void **state)
{
    (void)state;
    struct dataset first = read_in("pay", 6000);
    sourced_wake();
    assert_false(are_shared("pay"));
    dataset_release(&first);
}

/* Whether a task that comes now gets other rows, where this is the memory for all. */
static enum sotto_status read_within(size_t memory)
{
    struct dataset wages = {0};
    answers.sources_memory = memory;
    enum sotto_status status = sourced_read(&wages, &answers, "wages", true, NULL, NULL);
    dataset_release(&wages);
    return status;
}

/* Rows that only wait for tasks give way to those of one that came, whether memory is gone or goes
 * as rows arrive. */
static void test_shared_rows_give_way(void **state)
{
    (void)state;
    struct dataset pay = read_in("pay", 6000);
    size_t bytes = pay.sourced->held_bytes;
    dataset_release(&pay);
    size_t memory = bytes;
    while (read_within(memory) != SOTTO_OK) {
        memory += bytes / 4;
    }
    const enum sotto_status unused[] = {SOTTO_ERROR_INPUT,
                                        SOTTO_OK}; /* it needs more than it has */
    for (size_t i = 0; i < 2; i++) {
        sourced_wake();
        answers.sources_memory = MEMORY;
        pay = read_in("pay", 6000);
        assert_int_not_equal(read_within(i == 0 ? bytes : memory), SOTTO_OK);
        assert_true(are_shared("pay"));
        dataset_release(&pay);
        assert_int_equal(read_within(i == 0 ? bytes : memory), unused[i]);
        assert_false(are_shared("pay"));
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "source-worker") == 0) { /* as this program is read by */
        return source_work() ? 0 : 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_rows_of_a_slow_source_are_shared, begin),
        cmocka_unit_test_setup(test_shared_rows_become_old, begin),
        cmocka_unit_test_setup(test_rows_of_a_quick_source_are_not_shared, begin),
        cmocka_unit_test_setup(test_a_reload_reads_anew, begin),
        cmocka_unit_test_setup(test_shared_rows_give_way, begin),
    };
    return cmocka_run_group_tests(tests, make_configs, release_configs);
}
