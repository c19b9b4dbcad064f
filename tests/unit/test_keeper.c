/* SPDX-License-Identifier: Apache-2.0 */
/* Keepers: this program is the keeper too, for each connection to a socket, as systemd has one
 * started. What it keeps is a shell; the descriptor that comes along is the shell's output. */
#include "test.h"

#include "loop/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 60000
#define SHELL "/bin/sh"

static const char *own_path;
static char folder[64];
static char socket_path[SPAWN_UNIT_BYTES];
static int listener = -1;

/* --- The keeper --- */

static int start_shell(pid_t *out_pid, const struct keeper_asked *asked)
{
    char script[KEEPER_MESSAGE_BYTES + 1];
    posix_spawn_file_actions_t actions;
    const char *const words[] = {"sh", "-c", script, NULL};
    if (asked->fds_len != 1) {
        return EINVAL;
    }
    memcpy(script, asked->bytes, asked->bytes_len);
    script[asked->bytes_len] = '\0';
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    int failed = posix_spawn_file_actions_adddup2(&actions, asked->fds[0], STDOUT_FILENO);
    failed |= posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    failed = failed != 0 ? failed : spawn_program(out_pid, SHELL, &actions, words);
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* --- Around it --- */

static int make_unit(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(folder, sizeof folder, "/tmp/sotto-keeper-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(socket_path, sizeof socket_path, "%s/runner.sock", folder);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 8), 0);
    return 0;
}

static int remove_unit(void **state)
{
    (void)state;
    (void)close(listener);
    (void)unlink(socket_path);
    return rmdir(folder);
}

/* What systemd does with a connection. Returns: the keeper. */
static pid_t accept_one(void)
{
    pid_t pid;
    posix_spawn_file_actions_t actions;
    const char *const words[] = {own_path, "keeper", NULL};
    int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(connection >= 0);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, connection, STDIN_FILENO), 0);
    assert_int_equal(
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0), 0);
    assert_int_equal(spawn_program(&pid, own_path, &actions, words), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(connection);
    return pid;
}

static int await_keeper(pid_t keeper)
{
    int status = -1;
    assert_int_equal(waitpid(keeper, &status, 0), keeper);
    return status;
}

struct kept {
    struct spawned shell;
    pid_t keeper;
    int output;
};

static struct kept keep(const char *script)
{
    struct kept kept = {.shell = SPAWNED_NONE};
    struct sotto_error err = {0};
    int pipes[2];
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    assert_int_equal(
        spawn_in_unit(&kept.shell, socket_path, script, strlen(script), &pipes[1], 1, &err),
        SOTTO_OK);
    (void)close(pipes[1]);
    kept.output = pipes[0];
    kept.keeper = accept_one();
    assert_true(spawned_is(&kept.shell));
    return kept;
}

static void read_line(int fd, char *out, size_t bytes)
{
    size_t at = 0;
    while (at + 1 < bytes && read(fd, out + at, 1) == 1 && out[at] != '\n') {
        at++;
    }
    out[at] = '\0';
}

/* Nobody holds the other end any more: all that came of the program are gone. */
static void assert_closed(int fd)
{
    struct pollfd poll_fd = {fd, POLLIN, 0};
    char byte;
    assert_int_equal(poll(&poll_fd, 1, PATIENCE_MS), 1);
    assert_int_equal(read(fd, &byte, 1), 0);
    (void)close(fd);
}

/* --- Tests --- */

/* How the program ends is told as waitpid would. */
static void test_an_end_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        int status;
    } cases[] = {{"exit 0", 0},
                 {"exit 7", 7 << 8},
                 {"kill -SEGV $$", SIGSEGV},
                 {"kill -KILL $$", SIGKILL},
                 {"sleep 1000 & exit 3", 3 << 8}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = -1;
        struct kept kept = keep(cases[i].script);
        assert_true(spawned_wait(&kept.shell, &status, PATIENCE_MS));
        assert_int_equal(status & ~0x80, cases[i].status); /* without "core dumped" */
        assert_false(spawned_is(&kept.shell));
        assert_int_equal(spawned_end(&kept.shell), 0);
        assert_int_equal(await_keeper(kept.keeper), 0);
        assert_closed(kept.output);
    }
}

/* It runs, ends when it is to, and nothing of it is left: children, and those in a session of their
 * own, whose parents are gone. */
static void test_an_end_is_had(void **state)
{
    (void)state;
    char line[16];
    int status = -1;
    struct kept kept =
        keep("trap '' TERM HUP; (setsid sh -c 'trap \"\" TERM HUP; echo up; sleep 1000; "
             "sleep 1000' &) ; wait; sleep 1000");
    read_line(kept.output, line, sizeof line);
    assert_string_equal(line, "up");
    assert_false(spawned_wait(&kept.shell, &status, 0));
    assert_int_equal(spawned_end(&kept.shell), SIGKILL);
    assert_false(spawned_is(&kept.shell));
    assert_closed(kept.output);
    assert_int_equal(await_keeper(kept.keeper), 0);
}

/* A node that is killed closes its connection, and says nothing. */
static void test_a_connection_that_closes_is_the_end(void **state)
{
    (void)state;
    char line[16];
    struct kept kept = keep("echo up; sleep 1000");
    read_line(kept.output, line, sizeof line);
    (void)close(kept.shell.keeper);
    assert_int_equal(await_keeper(kept.keeper), 0);
    assert_closed(kept.output);
}

/* So ends a unit that systemd stops, or whose memory is too much. */
static void test_a_keeper_that_is_killed(void **state)
{
    (void)state;
    char line[16];
    int status = 0;
    struct kept kept = keep("echo $$; sleep 1000");
    read_line(kept.output, line, sizeof line);
    assert_int_equal(kill(kept.keeper, SIGKILL), 0);
    assert_int_equal(await_keeper(kept.keeper), SIGKILL);
    assert_true(spawned_wait(&kept.shell, &status, PATIENCE_MS));
    assert_int_equal(status, SIGKILL);
    assert_int_equal(kill(-(pid_t)strtol(line, NULL, 10), SIGKILL), 0); /* as systemd would */
    assert_closed(kept.output);
}

/* Has a keeper take this message and these descriptors. Returns: the status that it tells. */
static int32_t send_raw(const void *bytes, size_t bytes_len, const int *fds, size_t fds_len)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int32_t status = -1;
    struct iovec piece = {(void *)(uintptr_t)bytes, bytes_len};
    union {
        struct cmsghdr header;
        uint8_t bytes[CMSG_SPACE(16 * sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    if (fds_len > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(fds_len * sizeof *fds);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(fds_len * sizeof *fds);
        memcpy(CMSG_DATA(header), fds, fds_len * sizeof *fds);
    }
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(connection, (const struct sockaddr *)&address, sizeof address), 0);
    assert_true(sendmsg(connection, &message, MSG_NOSIGNAL) >= 0);
    (void)shutdown(connection, SHUT_WR);
    pid_t keeper = accept_one();
    assert_int_equal(read(connection, &status, sizeof status), sizeof status);
    (void)close(connection);
    assert_int_equal(await_keeper(keeper), 1 << 8);
    return status;
}

/* Nothing is started for what is no message, and it holds no descriptor. */
static void test_other_messages_start_nothing(void **state)
{
    (void)state;
    static const char script[] = "\1echo started";
    static uint8_t longest[KEEPER_MESSAGE_BYTES + 2] = {KEEPER_FORMAT};
    int pipes[2];
    int fds[16];
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    for (size_t i = 0; i < 16; i++) {
        fds[i] = pipes[1];
    }
    const int32_t unstarted = 127 << 8;
    assert_int_equal(send_raw("\2echo started", 13, fds, 1), unstarted);
    assert_int_equal(send_raw("", 0, fds, 1), unstarted);
    assert_int_equal(send_raw(longest, sizeof longest, fds, 1), unstarted);
    assert_int_equal(send_raw(script, sizeof script - 1, fds, 0), unstarted);
    for (size_t len = 2; len <= 16; len++) {
        assert_int_equal(send_raw(script, sizeof script - 1, fds, len), unstarted);
    }
    (void)close(pipes[1]);
    assert_closed(pipes[0]);
}

static void test_nobody_listens(void **state)
{
    (void)state;
    struct spawned spawned = SPAWNED_NONE;
    struct sotto_error err = {0};
    int fd = STDERR_FILENO;
    assert_int_equal(spawn_in_unit(&spawned, "/tmp/none/runner.sock", NULL, 0, &fd, 1, &err),
                     SOTTO_ERROR_STATE);
    assert_contains(err.text, "'/tmp/none/runner.sock'");
    assert_false(spawned_is(&spawned));
}

/* SOTTO_UNITS says where, also that there is none. */
static void test_which_unit(void **state)
{
    (void)state;
    char path[SPAWN_UNIT_BYTES];
    char longest[SPAWN_UNIT_BYTES];
    struct spawned spawned = SPAWNED_NONE;
    int fd = STDERR_FILENO;
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(setenv("SOTTO_UNITS", folder, 1), 0);
    assert_true(spawn_unit(path, "runner"));
    assert_string_equal(path, socket_path);
    assert_int_equal(setenv("SOTTO_UNITS", "", 1), 0);
    assert_false(spawn_unit(path, "runner"));
    /* What is too long is no socket, and no leave to start it here. */
    assert_int_equal(setenv("SOTTO_UNITS", longest, 1), 0);
    assert_true(spawn_unit(path, "runner"));
    assert_int_equal(spawn_in_unit(&spawned, path, NULL, 0, &fd, 1, NULL), SOTTO_ERROR_STATE);
    assert_int_equal(unsetenv("SOTTO_UNITS"), 0);
}

/* A child of this process ends as a kept program does. */
static void test_children_end_alike(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        int status;
    } cases[] = {{"exit 7", 7 << 8}, {"kill -KILL $$", SIGKILL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct spawned spawned = SPAWNED_NONE;
        int status = -1;
        const char *const words[] = {"sh", "-c", cases[i].script, NULL};
        assert_int_equal(spawn_program(&spawned.pid, SHELL, NULL, words), 0);
        assert_true(spawned_wait(&spawned, &status, PATIENCE_MS));
        assert_int_equal(status, cases[i].status);
        assert_false(spawned_is(&spawned));
    }
    struct spawned spawned = SPAWNED_NONE;
    int status = -1;
    const char *const words[] = {"sh", "-c", "sleep 1000", NULL};
    assert_int_equal(spawn_program(&spawned.pid, SHELL, NULL, words), 0);
    assert_false(spawned_wait(&spawned, &status, 0));
    assert_int_equal(spawned_end(&spawned), SIGKILL);
    assert_false(spawned_is(&spawned));
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "keeper") == 0) {
        return keeper_serve(start_shell) ? 0 : 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_end_is_told, make_unit, remove_unit),
        cmocka_unit_test_setup_teardown(test_an_end_is_had, make_unit, remove_unit),
        cmocka_unit_test_setup_teardown(test_a_connection_that_closes_is_the_end, make_unit,
                                        remove_unit),
        cmocka_unit_test_setup_teardown(test_a_keeper_that_is_killed, make_unit, remove_unit),
        cmocka_unit_test_setup_teardown(test_other_messages_start_nothing, make_unit, remove_unit),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test_setup_teardown(test_which_unit, make_unit, remove_unit),
        cmocka_unit_test(test_children_end_alike),
    };
    own_path = "/proc/self/exe";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
