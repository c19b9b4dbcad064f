/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"
#include "source/digest.h"
#include "source/location.h"
#include "source/source.h"
#include "test.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- SQL --- */

static void expect_name(const char *name, const char *sql)
{
    struct sotto_writer writer;
    struct sotto_error err = {0};
    sotto_writer_init(&writer, 4096);
    enum sotto_status status = sql_write_name(&writer, name, &err);
    assert_int_equal(status, sql != NULL ? SOTTO_OK : SOTTO_ERROR_INPUT);
    if (sql != NULL) {
        sotto_write_u8(&writer, 0);
        assert_string_equal((const char *)writer.data, sql);
    }
    sotto_writer_release(&writer);
}

static void test_names_are_quoted(void **state)
{
    (void)state;
    expect_name("wages", "\"wages\"");
    expect_name("Wages; DROP TABLE x", "\"Wages; DROP TABLE x\"");
    expect_name("public.wages", "\"public\".\"wages\"");
    expect_name("a.b.c", "\"a\".\"b\".\"c\"");
    expect_name("\"a.b\".c", "\"a.b\".\"c\"");
    expect_name("\"a\"\"b\"", "\"a\"\"b\"");
    expect_name("\"\"\"\"", "\"\"\"\"");
    expect_name("x' OR 1=1 --", "\"x' OR 1=1 --\"");
    static const char *const wrong[] = {"",        ".",       "a.",        ".a",      "a..b",
                                        "a\"b",    "a\"",     "\"a",       "\"a\"b",  "\"\"",
                                        "\"a\"\"", "a.b.c.d", "\"a\".b\"", "a.\"b\"c"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        expect_name(wrong[i], NULL);
    }
    char longest[1030];
    memset(longest, 'x', sizeof longest);
    longest[1025] = '\0';
    expect_name(longest, NULL);
}

/* --- Locations --- */

/* A password stays unsaid, whatever its signs make of the URI. */
static void test_passwords_are_not_repeated(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "postgresql://u:SE@CRET@h/d#t",   "postgresql://u:SE/CRET@h/d#t",
        "postgresql://u:SE#CRET@h/d",     "postgresql://u:SE%CRET@h/d#t",
        "postgresql://h/d?password=%C#t", "postgresql://u:CRET%2@h/d#t",
        "postgresql://u:CRET%00@h/d#t",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct source_location location;
        struct sotto_error err = {0};
        assert_int_equal(source_location_init(&location, wrong[i], SOTTO_TEST_DRIVER, &err),
                         SOTTO_ERROR_INPUT);
        assert_null(strstr(err.text, "CRET"));
        assert_non_null(strstr(err.text, "%23 %25"));
    }
    static const char *const right[] = {"postgresql://u:S#ALT@h/d#t", "postgresql://h/d#\"a@b\"",
                                        "postgresql:///d?password=%40%2f#t"};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        struct source_location location;
        assert_int_equal(source_location_init(&location, right[i], SOTTO_TEST_DRIVER, NULL),
                         SOTTO_OK);
        source_location_release(&location);
    }
}

/* A node's own words: the URI may stand in a file that nobody else may read. */
static void test_words_become_requests(void **state)
{
    (void)state;
    char path[] = "/tmp/sotto-uri-XXXXXX";
    char *options[] = {"threads=1", "URI=x"};
    struct source_location location;
    struct sotto_error err = {0};
    struct source_words words = {
        .adbc = SOTTO_TEST_DRIVER, .uri = "sqlite:/dev/null", .query = "SELECT 1 -- one"};
    assert_ok(source_location_open(&location, &words, NULL));
    assert_string_equal(location.request.from, "(SELECT 1 -- one\n) AS q");
    assert_null(location.secret);
    source_location_release(&location);
    words = (struct source_words){.adbc = SOTTO_TEST_DRIVER, .uri_file = path, .table = "a; DROP"};
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "postgresql://u:pw@h/d\nmore", 26), 26);
    assert_int_equal(close(fd), 0);
    words.options = options;
    words.options_count = 1;
    assert_ok(source_location_open(&location, &words, NULL));
    assert_string_equal(location.secret, "postgresql://u:pw@h/d");
    assert_string_equal(location.request.options[0].value, location.secret);
    assert_string_equal(location.request.options[1].key, "threads");
    assert_string_equal(location.request.options[1].value, "1");
    assert_string_equal(location.request.from, "\"a; DROP\"");
    source_location_release(&location);
    words.options_count = 2;
    assert_int_equal(source_location_open(&location, &words, &err), SOTTO_ERROR_INPUT);
    assert_non_null(strstr(err.text, "expected others than uri"));
    words.options_count = 0;
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(source_location_open(&location, &words, &err), SOTTO_ERROR_REFUSED);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "/tmp", 1), 0);
    char credential[64];
    (void)snprintf(credential, sizeof credential, "%s%s", SOURCE_CREDENTIALS, path + 5);
    words.uri_file = credential;
    assert_ok(source_location_open(&location, &words, NULL)); /* systemd watches over it */
    source_location_release(&location);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    assert_int_equal(source_location_open(&location, &words, &err), SOTTO_ERROR_NOT_FOUND);
    assert_non_null(strstr(err.text, "LoadCredential"));
    words.uri_file = path;
    fd = open(path, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, "sqlite:CRET\n", 12), 12);
    assert_int_equal(fchmod(fd, 0600), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(source_location_open(&location, &words, &err), SOTTO_ERROR_INPUT);
    assert_null(strstr(err.text, "CRET"));
    assert_int_equal(unlink(path), 0);
}

static struct sotto_file_identity digest_of(const char *text)
{
    struct sotto_file_identity out;
    struct sotto_csv *csv = test_csv(text);
    struct sotto_catalogue *catalogue = test_catalogue(csv);
    struct sotto_table *table = test_table(csv, catalogue, false);
    source_table_digest(&out, table);
    assert_true(source_table_bytes(table) > 0);
    sotto_table_free(table);
    sotto_catalogue_free(catalogue);
    sotto_csv_close(csv);
    return out;
}

static void expect_hidden(const char *uri, const char *text, const char *expected)
{
    const struct source_location location = {.secret = uri};
    struct sotto_error err = {0};
    (void)sotto_error_set(&err, SOTTO_ERROR_INPUT, "%s", text);
    source_location_hide(&location, &err);
    assert_string_equal(err.text, expected);
}

static void test_passwords_are_hidden(void **state)
{
    (void)state;
    expect_hidden(NULL, "u:pw", "u:pw");
    expect_hidden("postgresql://u@h/d", "no h/d", "no h/d");
    expect_hidden("postgresql://u:a%40b@h/d", "\"a%40b\" and a@b, a@b: a@",
                  "\"***\" and ***, ***: a@");
    expect_hidden("postgresql://h/d?password=x%2f&user=u&sslpassword=yy", "x/x%2f yy",
                  "****** ***");
    expect_hidden("postgresql://u:@h/d", "all of it", "all of it");
    expect_hidden("postgresql://u:pw@h/d", "postgresql://u:pw@h/d", "***");
}

/* Rows in another order are the same rows; every value, name and type counts, and how often. */
static void test_digests(void **state)
{
    (void)state;
    static const char *const same = "a,b,s\n1,0.5,x\n2,NA,\"\"\nNA,0.25,yz\n";
    static const char *const others[] = {
        "a,b,s\n1,0.5,x\n2,NA,\"\"\n",
        "a,b,s\n1,0.5,x\n2,NA,\"\"\nNA,0.25,yz\nNA,0.25,yz\n",
        "a,b,s\n1,0.5,x\n2,NA,\"\"\nNA,0.25,yy\n",
        "a,b,s\n1,0.5,x\nNA,NA,\"\"\n2,0.25,yz\n",
        "a,c,s\n1,0.5,x\n2,NA,\"\"\nNA,0.25,yz\n",
        "a,b,s\n1,0.5,x\n2,NA,y\nNA,0.25,z\n",
        "a,b,s\n1,0.50,x\n2,NA,\"\"\nNA,0.25,yz\n1,NA,\n",
    };
    struct sotto_file_identity first = digest_of(same);
    struct sotto_file_identity again = digest_of("a,b,s\nNA,0.25,yz\n1,0.5,x\n2,NA,\"\"\n");
    assert_true(sotto_file_identity_equal(&first, &again));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct sotto_file_identity other = digest_of(others[i]);
        assert_false(sotto_file_identity_equal(&first, &other));
    }
}

/* A worker stands in another folder. */
static void test_a_driver_is_found_from_here(void **state)
{
    (void)state;
    struct source_location location;
    char here[4096];
    char folder[4096];
    const char *name = strrchr(SOTTO_TEST_DRIVER, '/') + 1;
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(name - SOTTO_TEST_DRIVER),
                   SOTTO_TEST_DRIVER);
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(source_location_init(&location, "postgresql://h/d#t", name, NULL), SOTTO_OK);
    assert_int_equal(location.request.driver[0], '/');
    assert_int_equal(access(location.request.driver, R_OK), 0);
    source_location_release(&location);
    assert_int_equal(chdir(here), 0);
}

/* --- Requests --- */

static void test_requests_are_read_as_written(void **state)
{
    (void)state;
    const char *const names[] = {"a", "b\"c"};
    const struct source_request request = {.driver = "/d.so",
                                           .entry = "init",
                                           .from = "\"x\"",
                                           .integer = "int8",
                                           .batch = "rows",
                                           .options = {{"uri", "u"}, {"k", ""}},
                                           .options_len = 2,
                                           .names = names,
                                           .names_len = 2};
    struct sotto_writer writer;
    struct source_asked asked;
    sotto_writer_init(&writer, 4096);
    source_request_write(&writer, &request);
    assert_int_equal(source_request_read(&asked, writer.data, writer.data_bytes, NULL), SOTTO_OK);
    assert_string_equal(asked.request.driver, "/d.so");
    assert_string_equal(asked.request.first, "");
    assert_string_equal(asked.request.integer, "int8");
    assert_string_equal(asked.request.batch, "rows");
    assert_string_equal(asked.request.options[1].key, "k");
    assert_int_equal(asked.request.names_len, 2);
    assert_string_equal(asked.request.names[1], "b\"c");
    source_asked_release(&asked);
    for (size_t bytes = 0; bytes < writer.data_bytes; bytes++) {
        assert_int_equal(source_request_read(&asked, writer.data, bytes, NULL), SOTTO_ERROR_INPUT);
    }
    sotto_writer_release(&writer);
}

/* --- Workers --- */

/* Reads through the driver of tests in a mode. */
static enum sotto_status read_mode(struct source_rows *out, const char *mode, bool is_all,
                                   const char *column, struct sotto_error *err)
{
    const char *const names[] = {column};
    const struct source_request request = {.driver = SOTTO_TEST_DRIVER,
                                           .entry = "test_driver_init",
                                           .from = "\"t\"",
                                           .options = {{"mode", mode}},
                                           .options_len = 1,
                                           .is_all = is_all,
                                           .names = names,
                                           .names_len = column != NULL};
    const struct source_limits limits = {
        .program = SOTTO_TEST_BINARY, .bytes_max = 1 << 20, .silence_s = 1};
    return source_rows_read(out, &request, &limits, "pay", err);
}

static void test_rows_arrive(void **state)
{
    (void)state;
    struct source_rows rows;
    assert_int_equal(read_mode(&rows, "", true, NULL, NULL), SOTTO_OK);
    assert_int_equal(sotto_table_rows(rows.table), 7);
    assert_int_equal(sotto_table_columns_len(rows.table), 2);
    struct sotto_column integers = sotto_table_column(rows.table, 0);
    struct sotto_column texts = sotto_table_column(rows.table, 1);
    assert_int_equal(((const int64_t *)integers.values)[2], INT64_MAX);
    assert_int_equal(((const int64_t *)integers.values)[6], 7);
    assert_int_equal(integers.null_count, 1);
    assert_false(sotto_column_is_valid(&integers, 3));
    assert_string_equal(sotto_table_name(rows.table, 1), "odd \"name\"");
    assert_int_equal(texts.offsets[7], 9);
    assert_memory_equal((const char *)texts.values + texts.offsets[1], "\xC3\xA9", 2);
    assert_int_equal(sotto_parcels_columns_len(rows.parcels), 3);
    assert_string_equal(sotto_parcels_column(rows.parcels, 2).hidden, "lists");
    source_rows_release(&rows);
}

static void expect_failure(const char *mode, enum sotto_status expected, const char *text)
{
    struct source_rows rows;
    struct sotto_error err = {0};
    assert_int_equal(read_mode(&rows, mode, true, NULL, &err), expected);
    if (strstr(err.text, text) == NULL || strncmp(err.text, "pay: ", 5) != 0) {
        fail_msg("expected \"pay: ...%s\" in \"%s\"", text, err.text);
    }
}

static void test_workers_that_fail_are_named(void **state)
{
    (void)state;
    expect_failure("crash", SOTTO_ERROR_STATE, "the driver's process"); /* asan ends it itself */
    expect_failure("missing", SOTTO_ERROR_STATE, "ended before all rows came (exit status 127)");
    expect_failure("exit", SOTTO_ERROR_STATE, "exit status 3");
    expect_failure("hang", SOTTO_ERROR_TIMEOUT, "nothing for 1 s");
    expect_failure("leave", SOTTO_ERROR_TIMEOUT, "nothing for 1 s"); /* its group */
    expect_failure("garbage", SOTTO_ERROR_PROTOCOL, "none of its kinds");
    expect_failure("close", SOTTO_ERROR_STATE, "sent no more");
    expect_failure("refuse", SOTTO_ERROR_INPUT, "password authentication?failed");
    expect_failure("lost", SOTTO_ERROR_IO, "the connection was lost");
    expect_failure("changed", SOTTO_ERROR_INPUT, "other columns");
    expect_failure("endless", SOTTO_ERROR_LIMIT, "at most 1 MiB");
}

static void test_a_worker_is_alone(void **state)
{
    (void)state;
    bool has_landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0; /* asks for it */
    expect_failure("alone", SOTTO_ERROR_INPUT,
                   has_landlock ? "0 variables, 4 descriptors, in /, wrote -1, forked -1, made -1"
                                : "0 variables, 4 descriptors, in /, wrote -1, forked -1");
}

static void test_only_what_is_wanted_is_selected(void **state)
{
    (void)state;
    struct source_rows rows;
    struct sotto_error err = {0};
    assert_int_equal(read_mode(&rows, "echo", false, "odd \"name\"", &err), SOTTO_ERROR_INPUT);
    assert_non_null(strstr(err.text, ": SELECT \"odd \"\"name\"\"\" FROM \"t\""));
    assert_int_equal(read_mode(&rows, "echo", true, NULL, &err), SOTTO_ERROR_INPUT);
    assert_non_null(strstr(err.text, "SELECT \"n\", \"odd \"\"name\"\"\" FROM \"t\""));
    assert_int_equal(read_mode(&rows, "echo", false, NULL, &err), SOTTO_ERROR_INPUT);
    assert_non_null(strstr(err.text, "SELECT NULL AS x FROM \"t\""));
    assert_int_equal(read_mode(&rows, "echo", true, "n", &err), SOTTO_ERROR_INPUT);
    assert_non_null(strstr(err.text, ": SELECT \"odd \"\"name\"\"\" FROM \"t\""));
    const char *const names[] = {"n", "tag", "tags"};
    assert_int_equal(read_mode(&rows, "", true, NULL, NULL), SOTTO_OK);
    assert_int_equal(source_rows_check(&rows, names, 1, NULL), SOTTO_OK);
    assert_int_equal(source_rows_check(&rows, names, 2, &err), SOTTO_ERROR_NOT_FOUND);
    assert_non_null(strstr(err.text, "no column \"tag\", did you mean \"tags\"?"));
    assert_int_equal(source_rows_check(&rows, names + 2, 1, &err), SOTTO_ERROR_TYPE);
    assert_non_null(strstr(err.text, "lists"));
    source_rows_release(&rows);
}

static void test_what_is_no_driver_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *driver, *entry;
        enum sotto_status status;
        const char *text;
    } rows[] = {
        {"/nonexistent.so", "x", SOTTO_ERROR_NOT_FOUND, "can't be loaded"},
        {SOTTO_TEST_BINARY, "x", SOTTO_ERROR_NOT_FOUND, "can't be loaded"},
        {SOTTO_TEST_DRIVER, "AdbcDriverInit", SOTTO_ERROR_INPUT, "no ADBC driver"},
    };
    for (size_t i = 0; i < 3; i++) {
        const struct source_request request = {
            .driver = rows[i].driver, .entry = rows[i].entry, .from = "t", .is_all = true};
        const struct source_limits limits = {
            .program = SOTTO_TEST_BINARY, .bytes_max = 1 << 20, .silence_s = 10};
        struct source_rows out;
        struct sotto_error err = {0};
        assert_int_equal(source_rows_read(&out, &request, &limits, "pay", &err), rows[i].status);
        assert_non_null(strstr(err.text, rows[i].text));
    }
}

static void check_interrupted(const char *mode)
{
    struct sotto_interrupt interrupt = {0};
    struct source_rows out;
    sotto_interrupt_set(&interrupt);
    const struct source_request request = {.driver = SOTTO_TEST_DRIVER,
                                           .entry = "test_driver_init",
                                           .from = "t",
                                           .options = {{"mode", mode}},
                                           .options_len = 1,
                                           .is_all = true};
    const struct source_limits limits = {.program = SOTTO_TEST_BINARY,
                                         .bytes_max = 1 << 20,
                                         .silence_s = 1000,
                                         .interrupt = &interrupt};
    struct sotto_error err;
    assert_int_equal(source_rows_read(&out, &request, &limits, "pay", &err), SOTTO_ERROR_CANCELLED);
}

static void test_a_reading_is_interrupted(void **state)
{
    (void)state;
    check_interrupted("hang");
    check_interrupted("endless"); /* while rows come */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_quoted),
        cmocka_unit_test(test_passwords_are_not_repeated),
        cmocka_unit_test(test_words_become_requests),
        cmocka_unit_test(test_passwords_are_hidden),
        cmocka_unit_test(test_digests),
        cmocka_unit_test(test_a_driver_is_found_from_here),
        cmocka_unit_test(test_requests_are_read_as_written),
        cmocka_unit_test(test_rows_arrive),
        cmocka_unit_test(test_workers_that_fail_are_named),
        cmocka_unit_test(test_a_worker_is_alone),
        cmocka_unit_test(test_only_what_is_wanted_is_selected),
        cmocka_unit_test(test_what_is_no_driver_is_named),
        cmocka_unit_test(test_a_reading_is_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
