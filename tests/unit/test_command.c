/* SPDX-License-Identifier: Apache-2.0 */

/* The owner's own program: what it is given, and whatever it does, that it ends, and all that it
 * has started. */

#include "node/source/command.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_BYTES 4096

static char folder[] = "/tmp/sotto-test-XXXXXX";
static char program[64];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(program, sizeof program, "%s/program", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(program);
    return rmdir(folder);
}

/* Runs a shell script. Both outputs are texts then, ended by sotto_buffer_release. */
static enum sotto_status run_script(const char *script, unsigned seconds_max,
                                    struct sotto_buffer *out, struct sotto_buffer *out_said,
                                    struct sotto_error *err)
{
    FILE *file = fopen(program, "w");
    assert_non_null(file);
    (void)fprintf(file, "#!/bin/sh\n%s\n", script);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(program, 0700), 0);
    const struct command_run run = {.program = program,
                                    .folder = folder,
                                    .asked = "what is asked\n",
                                    .seconds_max = seconds_max,
                                    .end_seconds = 1,
                                    .bytes_max = ANSWER_BYTES,
                                    .watch = SOTTO_TEST_BINARY};
    return command_run(out, out_said, &run, err);
}

static void answers(const char *script, const char *expected)
{
    struct sotto_buffer out;
    struct sotto_buffer said;
    struct sotto_error err = {0};
    assert_int_equal(run_script(script, 60, &out, &said, &err), SOTTO_OK);
    assert_int_equal(out.data_bytes, strlen(expected));
    assert_memory_equal(out.data, expected, out.data_bytes);
    sotto_buffer_release(&out);
    sotto_buffer_release(&said);
}

static void fails(const char *script, enum sotto_status expected, const char *text)
{
    struct sotto_buffer out;
    struct sotto_buffer said;
    struct sotto_error err = {0};
    unsigned seconds = expected == SOTTO_ERROR_TIMEOUT ? 1 : 60;
    assert_int_equal(run_script(script, seconds, &out, &said, &err), expected);
    assert_contains(err.text, text);
    assert_null(out.data);
    sotto_buffer_release(&said);
}

static void test_what_it_is_given(void **state)
{
    char where[64];
    (void)state;
    (void)snprintf(where, sizeof where, "%s\n", folder);
    assert_int_equal(setenv("SOTTO_TEST_SECRET", "x", 1), 0);
    answers("cat; cat /dev/stdin", "what is asked\nwhat is asked\n");
    answers("pwd", where);
    answers("echo $#$SOTTO_TEST_SECRET$HOME; ls /proc/self/fd | wc -l", "0\n4\n"); /* one is ls's */
}

/* Its path is of the folder that the node runs in, as node.yaml's is. */
static void test_where_it_is(void **state)
{
    char before[4096];
    (void)state;
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    (void)snprintf(program, sizeof program, "./program");
    assert_int_equal(mkdir("data", 0700), 0);
    FILE *file = fopen(program, "w");
    assert_non_null(file);
    (void)fprintf(file, "#!/bin/sh\necho ${PWD##*/}\n");
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(program, 0700), 0);
    struct sotto_buffer out;
    struct sotto_buffer said;
    const struct command_run run = {.program = program,
                                    .folder = "data",
                                    .asked = "",
                                    .seconds_max = 60,
                                    .bytes_max = 64,
                                    .watch = SOTTO_TEST_BINARY};
    assert_ok(command_run(&out, &said, &run, NULL));
    assert_int_equal(out.data_bytes, 5);
    assert_memory_equal(out.data, "data\n", 5);
    sotto_buffer_release(&out);
    sotto_buffer_release(&said);
    assert_int_equal(rmdir("data"), 0);
    (void)snprintf(program, sizeof program, "%s/program", folder);
    assert_int_equal(chdir(before), 0);
}

static void test_how_it_fails(void **state)
{
    (void)state;
    fails("echo 1; exit 7", SOTTO_ERROR_STATE, "exit status 7");
    fails("echo 1; kill -SEGV $$", SOTTO_ERROR_STATE, "it was killed: Segmentation fault");
    fails("sleep 100", SOTTO_ERROR_TIMEOUT, "did not end within 1 s");
    fails("exec >&- 2>&-; sleep 100", SOTTO_ERROR_TIMEOUT, "did not end within 1 s");
    fails("exec cat /dev/zero", SOTTO_ERROR_LIMIT, "at most 4096 bytes, found more");
    assert_int_equal(unlink(program), 0);
    struct sotto_buffer out;
    struct sotto_buffer said;
    struct sotto_error err = {0};
    const struct command_run run = {
        .program = program, .folder = folder, .asked = "", .seconds_max = 1, .bytes_max = 1};
    assert_int_equal(command_run(&out, &said, &run, &err), SOTTO_ERROR_NOT_FOUND);
    assert_contains(err.text, "it can't be started: No such file");
}

static bool is_gone(pid_t pid)
{
    char path[64];
    char what[256] = "";
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "r");
    bool is_dead =
        file == NULL || fgets(what, sizeof what, file) == NULL || strstr(what, ") Z") != NULL;
    if (file != NULL) {
        (void)fclose(file);
    }
    return is_dead;
}

/* Workers that it leaves behind are killed, and are not waited for. */
static void test_what_it_leaves_behind(void **state)
{
    struct sotto_buffer out;
    struct sotto_buffer said;
    (void)state;
    assert_ok(run_script("sleep 1000 & echo $!", 60, &out, &said, NULL));
    pid_t left = (pid_t)strtol((const char *)out.data, NULL, 10);
    assert_true(left > 1);
    for (size_t i = 0; !is_gone(left); i++) { /* until who takes it has taken it */
        assert_true(i < 999);
        (void)usleep(1000);
    }
    sotto_buffer_release(&out);
    sotto_buffer_release(&said);
}

/* Reads the number that a script wrote, as soon as it has. */
static pid_t read_pid(const char *name)
{
    char path[64];
    long pid = 0;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    for (size_t i = 0; i < 20000 && pid == 0; i++) {
        FILE *file = fopen(path, "r");
        if (file != NULL) {
            pid = fscanf(file, "%ld\n", &pid) == 1 ? pid : 0;
            (void)fclose(file);
        }
        (void)usleep(1000);
    }
    assert_true(pid > 1);
    assert_int_equal(unlink(path), 0);
    return (pid_t)pid;
}

/* Who asked is killed: the program, and the workers that it began, have not long, whether they
 * listen or not. */
static void test_who_asked_is_killed(void **state)
{
    static const char *const scripts[] = {
        "sleep 1000 & echo $! >worker; echo $$ >main; wait",
        "trap '' TERM; sleep 1000 & echo $! >worker; echo $$ >main; while :; do sleep 1; done",
    };
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        pid_t asker = fork();
        assert_true(asker >= 0);
        if (asker == 0) {
            struct sotto_buffer out;
            struct sotto_buffer said;
            _exit((int)run_script(scripts[i], 600, &out, &said, NULL) & 1);
        }
        pid_t worker = read_pid("worker");
        pid_t main = read_pid("main");
        assert_false(is_gone(worker));
        assert_false(is_gone(main));
        assert_int_equal(kill(asker, SIGKILL), 0);
        assert_int_equal(waitpid(asker, NULL, 0), asker);
        for (size_t step = 0; !is_gone(worker) || !is_gone(main); step++) {
            assert_true(step < 60000);
            (void)usleep(1000);
        }
    }
}

/* What it put into other groups, as mpirun does its ranks, only itself can end. */
static void test_it_may_end_what_it_started(void **state)
{
    char path[64];
    struct stat info;
    (void)state;
    (void)snprintf(path, sizeof path, "%s/ended", folder);
    fails("trap 'echo >ended; exit' TERM; sleep 100 & wait", SOTTO_ERROR_TIMEOUT, "within 1 s");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(unlink(path), 0);
    fails("trap '' TERM; sleep 100", SOTTO_ERROR_TIMEOUT, "within 1 s");
}

static void test_what_it_says(void **state)
{
    struct sotto_buffer out;
    struct sotto_buffer said;
    struct sotto_error err = {0};
    (void)state;
    assert_int_equal(run_script("echo why >&2; exit 1", 60, &out, &said, &err), SOTTO_ERROR_STATE);
    assert_int_equal(said.data_bytes, 4);
    assert_memory_equal(said.data, "why\n", 4);
    sotto_buffer_release(&said);
    assert_ok(run_script("head -c 300000 /dev/zero >&2; echo 1", 60, &out, &said, &err));
    assert_int_equal(said.data_bytes, COMMAND_SAID_BYTES_MAX);
    sotto_buffer_release(&said);
    sotto_buffer_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_is_given),
        cmocka_unit_test(test_where_it_is),
        cmocka_unit_test(test_how_it_fails),
        cmocka_unit_test(test_what_it_leaves_behind),
        cmocka_unit_test(test_who_asked_is_killed),
        cmocka_unit_test(test_it_may_end_what_it_started),
        cmocka_unit_test(test_what_it_says),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
