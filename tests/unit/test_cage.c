/* SPDX-License-Identifier: Apache-2.0 */
/* The cage: runners that try to get out, each in a real one. Attempts that change nothing, such as
 * to read or to ask, are made outside too, to see that they succeed there; no other may be. */
#include "test.h"

#include "cage/cage.h"
#include "cage/groups.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <signal.h>
#include <sotto/secret.h>
#include <sotto/tensors.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PYTHON "/usr/bin/python3"
#define PATH_BYTES 128
#define SCRIPT_BYTES 8192
#define PROCESSES_MAX 64
#define MIB ((uint64_t)1 << 20)

/* What a runner of these tests has: frames, and attempts that say how they ended. */
static const char prelude[] =
    "import os, struct, sys\n"
    "def send(kind, data):\n"
    "    data = struct.pack('<cxxxI', kind, len(data)) + data\n"
    "    while data:\n"
    "        data = data[os.write(3, data):]\n"
    "def tell(text):\n"
    "    send(b'J', text.encode())\n"
    "def read(n):\n"
    "    data = b''\n"
    "    while len(data) < n:\n"
    "        more = os.read(3, n - len(data))\n"
    "        if not more:\n"
    "            sys.exit(0)\n"
    "        data += more\n"
    "    return data\n"
    "def receive():\n"
    "    kind, n = struct.unpack('<cxxxI', read(8))\n"
    "    return kind, read(n)\n"
    "def attempt(*functions):\n"
    "    escaped = []\n"
    "    for i, function in enumerate(functions):\n"
    "        try:\n"
    "            if function() is not False:\n"
    "                escaped.append(str(i))\n"
    "        except (OSError, MemoryError, RuntimeError, ValueError) as error:\n"
    "            print('refused:', error, flush=True)\n"
    "    tell('escaped ' + ' '.join(escaped) if escaped else 'refused')\n";

/* Of the test that runs; removed after it, if it did not. */
static struct cage *living;
static char standing_place[PATH_BYTES];

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

/* A folder with a runner, a dataset and another dataset, which is not given to the cage. */
struct place {
    char folder[PATH_BYTES];
    char runner[PATH_BYTES + 16];
    char dataset[PATH_BYTES + 16];
    char other[PATH_BYTES + 16];
};

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void make_place(struct place *out, const char *script)
{
    char text[SCRIPT_BYTES];
    (void)snprintf(out->folder, sizeof out->folder, "/tmp/sotto-cage-XXXXXX");
    assert_non_null(mkdtemp(out->folder));
    (void)snprintf(standing_place, sizeof standing_place, "%s", out->folder);
    (void)snprintf(out->runner, sizeof out->runner, "%s/runner.py", out->folder);
    (void)snprintf(out->dataset, sizeof out->dataset, "%s/wages.csv", out->folder);
    (void)snprintf(out->other, sizeof out->other, "%s/other.csv", out->folder);
    int bytes = snprintf(text, sizeof text, "%sfolder = '%s'\n%s", prelude, out->folder, script);
    assert_true(bytes < (int)sizeof text);
    write_file(out->runner, text);
    write_file(out->dataset, "wage\n5549.44\n");
    write_file(out->other, "secret\n42\n");
}

/* Everything is there as it was, and nothing else. */
static void remove_place(const struct place *place)
{
    char text[64] = "";
    FILE *file = fopen(place->dataset, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    (void)fclose(file);
    assert_string_equal(text, "wage\n5549.44\n");
    assert_int_equal(unlink(place->runner), 0);
    assert_int_equal(unlink(place->dataset), 0);
    assert_int_equal(unlink(place->other), 0);
    assert_int_equal(rmdir(place->folder), 0); /* which is empty */
    standing_place[0] = '\0';
}

static const struct cage_limits usual = {
    .memory_bytes = 512 * MIB,
    .files_bytes = 4 * MIB,
    .output_bytes = 64 * 1024,
    .frame_bytes = MIB,
    .cpu_seconds = 60,
    .wall_seconds = 60,
    .threads = 32,
};

/* Of a runner on one dataset (NULL: none). Borrows. */
static struct cage_config configure(const struct place *place, const struct cage_dataset *dataset)
{
    return (struct cage_config){.fence_path = SOTTO_TEST_FENCE,
                                .python_path = PYTHON,
                                .runner_path = place->runner,
                                .datasets = dataset,
                                .datasets_len = dataset != NULL,
                                .limits = usual};
}

static struct cage *start(const struct place *place, const struct cage_limits *limits)
{
    struct cage *cage;
    struct sotto_error err = {0};
    const struct cage_dataset dataset = {"wages.csv", place->dataset};
    struct cage_config config = configure(place, &dataset);
    config.limits = *limits;
    if (cage_start(&cage, &config, &err) != SOTTO_OK) {
        print_error("%s\n", err.text);
        fail();
    }
    living = cage;
    return cage;
}

/* --- What is left behind --- */

/* Appends the processes that come of `parent`, at all depths. */
static void find_processes(pid_t *out, size_t *len, pid_t parent)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    FILE *file = fopen(path, "r");
    int child;
    while (file != NULL && fscanf(file, "%d", &child) == 1 && *len < PROCESSES_MAX) {
        out[(*len)++] = (pid_t)child;
        find_processes(out, len, (pid_t)child);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

/* Whether a process runs; one that nobody has waited for yet does not. */
static bool process_runs(pid_t pid)
{
    char path[64];
    char state = 'X';
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        (void)fscanf(file, "%*d (%*[^)]) %c", &state);
        (void)fclose(file);
    }
    return state != 'X' && state != 'Z';
}

/* Ends a cage: none of its processes runs on. */
static void end(struct cage *cage)
{
    pid_t processes[PROCESSES_MAX];
    size_t len = 0;
    find_processes(processes, &len, getpid());
    living = NULL;
    cage_free(cage);
    for (size_t i = 0; i < len; i++) {
        assert_false(process_runs(processes[i]));
    }
    len = 0;
    find_processes(processes, &len, getpid());
    assert_int_equal(len, 0);
}

/* --- Attempts --- */

/* Waits for the next frame; the cage must live. Ended by sotto_buffer_release. */
static struct cage_frame receive(struct cage *cage)
{
    struct cage_frame frame = {0};
    struct sotto_error err = {0};
    bool has_frame = false;
    while (!has_frame) {
        if (cage_step(cage, &frame, &has_frame, 1000, &err) != SOTTO_OK) {
            print_error("%s\n", err.text);
            fail();
        }
    }
    return frame;
}

static void assert_told(const uint8_t *bytes, size_t bytes_len, const char *expected)
{
    char told[256];
    assert_true(bytes_len < sizeof told);
    memcpy(told, bytes, bytes_len);
    told[bytes_len] = '\0';
    assert_string_equal(told, expected);
}

/* Runs a script outside of a cage, as this test itself, and expects that it tells so. */
static void expect_outside(const struct place *place, const char *expected)
{
    int sockets[2];
    pid_t pid;
    posix_spawn_file_actions_t actions;
    uint8_t bytes[256];
    char *const words[] = {PYTHON, "-I", "-B", (char *)place->runner, NULL};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, sockets[1], 20), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, 20, 3), 0);
    assert_int_equal(posix_spawn(&pid, PYTHON, &actions, NULL, words, environ), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(sockets[1]);
    ssize_t len = 0;
    for (ssize_t more = 1; more > 0; len += more) {
        more = read(sockets[0], bytes + len, sizeof bytes - (size_t)len);
        assert_true(more >= 0);
    }
    (void)close(sockets[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(len > FENCE_FRAME_HEADER_BYTES);
    assert_told(bytes + FENCE_FRAME_HEADER_BYTES, (size_t)len - FENCE_FRAME_HEADER_BYTES, expected);
}

/* The script's attempts fail inside. outside: what it tells where nothing holds it, or NULL. */
static void expect_refused(const char *script, const char *outside)
{
    struct place place;
    make_place(&place, script);
    struct cage *cage = start(&place, &usual);
    struct cage_frame frame = receive(cage);
    assert_told(frame.bytes.data, frame.bytes.data_bytes, "refused");
    sotto_buffer_release(&frame.bytes);
    end(cage);
    if (outside != NULL) {
        expect_outside(&place, outside);
    }
    remove_place(&place);
}

/* The script ends its cage with this status and a text that has this part. */
static void expect_end(const char *script, const struct cage_limits *limits,
                       enum sotto_status expected, const char *part)
{
    struct place place;
    struct cage_frame frame;
    struct sotto_error err = {0};
    bool has_frame;
    make_place(&place, script);
    struct cage *cage = start(&place, limits);
    enum sotto_status status;
    while ((status = cage_step(cage, &frame, &has_frame, 1000, &err)) == SOTTO_OK) {
        assert_false(has_frame);
    }
    assert_int_equal(status, expected);
    assert_contains(err.text, part);
    /* It says so again, and harms nobody. */
    assert_int_equal(cage_step(cage, &frame, &has_frame, 0, NULL), expected);
    end(cage);
    remove_place(&place);
}

static void test_reading_another_dataset(void **state)
{
    (void)state;
    expect_refused("attempt(lambda: open(folder + '/other.csv').read(),\n"
                   "        lambda: open('/data/../' + folder + '/other.csv').read(),\n"
                   "        lambda: os.listdir(folder),\n"
                   "        lambda: os.listdir('/data') != ['wages.csv'])\n",
                   "escaped 0 2");
}

static void test_reading_outside(void **state)
{
    (void)state;
    expect_refused("attempt(lambda: open('/etc/passwd').read(),\n"
                   "        lambda: open('/etc/hostname').read(),\n"
                   "        lambda: os.listdir('/root'),\n"
                   "        lambda: os.listdir('/home'),\n"
                   "        lambda: os.listdir('/var'),\n"
                   "        lambda: os.listdir('/sys'),\n"
                   "        lambda: os.listdir('/dev/shm'),\n"
                   "        lambda: os.open('/..' + folder, os.O_PATH))\n",
                   NULL);
}

static void test_proc_of_others(void **state)
{
    (void)state;
    expect_refused("attempt(lambda: open(f'/proc/{os.getppid()}/environ', 'rb').read(),\n"
                   "        lambda: open('/proc/1/cmdline', 'rb').read(),\n"
                   "        lambda: open('/proc/self/mountinfo', 'rb').read(),\n"
                   "        lambda: os.listdir('/proc') != ['cpuinfo'],\n"
                   "        lambda: os.kill(os.getppid(), 0),\n"
                   "        lambda: os.getppid() > 2)\n",
                   "escaped 0 1 2 3 4 5");
}

static void test_opening_a_socket(void **state)
{
    (void)state;
    expect_refused("import socket\n"
                   "attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),\n"
                   "        lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM),\n"
                   "        lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),\n"
                   "        lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),\n"
                   "        lambda: socket.socketpair(),\n"
                   "        lambda: socket.getaddrinfo('localhost', 80) and False)\n",
                   "escaped 0 1 2 3 4");
}

/* Calls that ask, or change the caller alone: 3 is PR_GET_DUMPABLE. */
static void test_ptrace_and_other_calls(void **state)
{
    (void)state;
    expect_refused("import ctypes\n"
                   "libc = ctypes.CDLL(None)\n"
                   "attempt(lambda: libc.ptrace(0, 0, 0, 0) == 0,\n"
                   "        lambda: libc.personality(0xFFFFFFFF) >= 0,\n"
                   "        lambda: libc.prctl(3, 0, 0, 0, 0) >= 0,\n"
                   "        lambda: libc.unshare(0) == 0,\n"
                   "        lambda: libc.memfd_create(b'x', 0) >= 0,\n"
                   "        lambda: libc.inotify_init() >= 0)\n",
                   "escaped 0 1 2 3 4 5");
}

static void test_fork_bomb(void **state)
{
    (void)state;
    expect_refused("import subprocess, ctypes\n"
                   "libc = ctypes.CDLL(None, use_errno=True)\n"
                   "def fork():\n"
                   "    pid = os.fork()\n"
                   "    if pid == 0:\n"
                   "        os._exit(0)\n"
                   "    os.waitpid(pid, 0)\n"
                   "attempt(fork, fork, fork,\n"
                   "        lambda: subprocess.run(['/bin/true']),\n"
                   "        lambda: os.posix_spawn('/bin/true', ['true'], {}))\n",
                   "escaped 0 1 2 3 4");
}

/* Threads are allowed, as many as are stated. */
static void test_thread_bomb(void **state)
{
    (void)state;
    expect_refused("import threading, time\n"
                   "threading.stack_size(65536)\n"
                   "def bomb():\n"
                   "    for i in range(2000):\n"
                   "        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
                   "attempt(bomb)\n",
                   NULL);
}

static void test_ten_gigabytes_of_memory(void **state)
{
    (void)state;
    expect_refused("import mmap\n"
                   "def fill():\n"
                   "    with open('/tmp/fill', 'wb') as file:\n"
                   "        for i in range(64):\n"
                   "            file.write(bytes(1 << 20))\n"
                   "def scatter():\n"
                   "    for i in range(64):\n"
                   "        with open(f'/tmp/{i}', 'wb') as file:\n"
                   "            file.write(bytes(1 << 20))\n"
                   "attempt(lambda: bytearray(10 << 30),\n"
                   "        lambda: [bytearray(1 << 20) for i in range(10240)],\n"
                   "        lambda: mmap.mmap(-1, 10 << 30),\n"
                   "        fill, scatter)\n",
                   NULL);
}

/* Files without bytes take memory of the kernel, which a control group counts. */
static void test_a_million_files(void **state)
{
    (void)state;
    char name[32];
    struct groups groups;
    struct cage_limits limits = usual;
    limits.memory_bytes = 128 * MIB;
    (void)snprintf(name, sizeof name, "%d-files", (int)getpid());
    groups_make(&groups, "/proc/self/cgroup", "/sys/fs/cgroup", name, limits.memory_bytes, 100);
    bool has_memory = groups.has_memory;
    groups_remove(&groups);
    if (!has_memory) {
        print_message("no control group for memory here: nothing bounds empty files\n");
        return;
    }
    expect_end("for i in range(1000000):\n"
               "    os.close(os.open(f'/tmp/{i}', os.O_CREAT | os.O_WRONLY))\n",
               &limits, SOTTO_ERROR_LIMIT, "for more than its memory (128 MiB)");
}

static void test_endless_loop(void **state)
{
    (void)state;
    struct cage_limits limits = usual;
    limits.cpu_seconds = 1;
    expect_end("while True:\n    pass\n", &limits, SOTTO_ERROR_LIMIT,
               "ended as who takes more than its 1 s of processor time");
    expect_end("import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\n"
               "while True:\n    pass\n",
               &limits, SOTTO_ERROR_LIMIT, "the runner ended as who is killed");
}

static void test_sleeping_for_ever(void **state)
{
    (void)state;
    struct cage_limits limits = usual;
    limits.wall_seconds = 1;
    expect_end("import time\ntime.sleep(600)\n", &limits, SOTTO_ERROR_TIMEOUT, "more than 1 s");
    expect_end("import time\nos.close(3)\ntime.sleep(600)\n", &usual, SOTTO_ERROR_STATE,
               "closed its socket, and went on");
}

/* Somebody else's kill of bubblewrap is not the node's own, after a socket that was closed. */
static void test_being_killed(void **state)
{
    (void)state;
    struct place place;
    struct cage_frame frame;
    struct sotto_error err = {0};
    bool has_frame;
    pid_t processes[PROCESSES_MAX];
    size_t len = 0;
    make_place(&place, "read(1)\n");
    struct cage *cage = start(&place, &usual);
    find_processes(processes, &len, getpid());
    assert_true(len > 0);
    assert_int_equal(kill(processes[0], SIGKILL), 0);
    enum sotto_status status;
    while ((status = cage_step(cage, &frame, &has_frame, 1000, &err)) == SOTTO_OK) {
        assert_false(has_frame);
    }
    assert_int_equal(status, SOTTO_ERROR_LIMIT);
    assert_contains(err.text, "the runner ended as who is killed");
    end(cage);
    remove_place(&place);
}

static void test_one_gigabyte_of_output(void **state)
{
    (void)state;
    expect_end("for i in range(1024):\n    os.write(1 + i % 2, bytes(1 << 20))\n", &usual,
               SOTTO_ERROR_LIMIT, "more than 65536 bytes of output");
}

static void test_environment_and_tokens(void **state)
{
    (void)state;
    assert_int_equal(setenv("SOTTO_TOKEN", "secret", 1), 0);
    expect_refused("allowed = {'PATH', 'HOME', 'TMPDIR', 'LANG', 'PWD', 'LC_CTYPE'}\n"
                   "import ctypes\n"
                   "attempt(lambda: 'SOTTO_TOKEN' in os.environ,\n"
                   "        lambda: not set(os.environ) <= allowed,\n"
                   "        lambda: os.uname().nodename != 'cage',\n"
                   "        lambda: os.getuid() != 65534 or os.getgid() != 65534)\n",
                   NULL);
    struct place place;
    make_place(&place, "attempt(lambda: 'SOTTO_TOKEN' in os.environ)\n");
    expect_outside(&place, "escaped 0");
    remove_place(&place);
    assert_int_equal(unsetenv("SOTTO_TOKEN"), 0);
}

/* Descriptors of the node: only 0 to 3 are open inside. */
static void test_open_files_of_the_node(void **state)
{
    (void)state;
    int leaked = fcntl(STDERR_FILENO, F_DUPFD, 30); /* not closed on exec */
    assert_true(leaked >= 30);
    expect_refused("import stat\n"
                   "def is_open(fd):\n"
                   "    os.fstat(fd)\n"
                   "attempt(*[lambda fd=fd: is_open(fd) for fd in range(4, 64)])\n",
                   NULL);
    (void)close(leaked);
}

static void test_writing_to_the_dataset(void **state)
{
    (void)state;
    expect_refused(
        "path = '/data/wages.csv' if os.path.exists('/data') else folder + '/wages.csv'\n"
        "assert open(path).read() == 'wage\\n5549.44\\n'\n"
        "attempt(lambda: open(path, 'a').write(''),\n"
        "        lambda: open(path, 'r+'),\n"
        "        lambda: os.truncate(path, 13),\n"
        "        lambda: os.chmod(path, 0o644),\n"
        "        lambda: os.utime(path),\n"
        "        lambda: os.rename(path, path),\n"
        "        lambda: open('/x', 'w'),\n"
        "        lambda: open('/data/x', 'w'),\n"
        "        lambda: open('/run/sotto/x', 'w'),\n"
        "        lambda: open('/usr/x', 'w'),\n"
        "        lambda: os.mkdir('/dev/x'))\n",
        NULL);
}

/* What would outlast the cage, or keep others of this machine waiting. */
static void test_locks_and_modes_of_files_outside(void **state)
{
    (void)state;
    expect_refused("import fcntl\n"
                   "inside = '/data/wages.csv'\n"
                   "file = os.open(inside if os.path.exists(inside) else folder + '/wages.csv',\n"
                   "               os.O_RDONLY)\n"
                   "attempt(lambda: fcntl.flock(file, fcntl.LOCK_EX),\n"
                   "        lambda: fcntl.lockf(file, fcntl.LOCK_SH),\n"
                   "        lambda: fcntl.fcntl(file, fcntl.F_GETLEASE),\n"
                   "        lambda: fcntl.fcntl(os.pipe()[0], fcntl.F_GETOWN))\n",
                   "escaped 0 1 2 3");
    /* Where this is root, /dev/null is the runner's own: the mode that it has changes nothing. */
    expect_refused("mode = os.fstat(0).st_mode & 0o7777\n"
                   "attempt(lambda: os.fchmod(0, mode),\n"
                   "        lambda: os.fchmod(os.open('/dev/urandom', os.O_RDONLY), mode),\n"
                   "        lambda: os.utime(0))\n",
                   NULL);
}

static void test_malformed_frames(void **state)
{
    (void)state;
    expect_end("os.write(3, b'X' + bytes(7))\nread(1)\n", &usual, SOTTO_ERROR_INPUT,
               "what is no frame");
    expect_end("os.write(3, b'J\\1' + bytes(6))\nread(1)\n", &usual, SOTTO_ERROR_INPUT,
               "what is no frame");
    expect_end("send(b'F', bytes(4))\nread(1)\n", &usual, SOTTO_ERROR_INPUT, "what is no frame");
    expect_end("os.write(3, struct.pack('<cxxxI', b'B', 0xFFFFFFFF))\nread(1)\n", &usual,
               SOTTO_ERROR_LIMIT, "a frame of more than 1048576 bytes");
    expect_end("os.write(3, struct.pack('<cxxxI', b'J', 65537))\nread(1)\n", &usual,
               SOTTO_ERROR_LIMIT, "a frame of more than 65536 bytes");
    expect_end("os.write(3, struct.pack('<cxxxI', b'J', 100) + b'{}')\nsys.exit('gone')\n", &usual,
               SOTTO_ERROR_STATE, "the runner ended: its output says why");
}

/* The script answers with frames of bytes, none of which the reader takes for tensors or JSON. */
static void expect_unreadable(const char *script)
{
    struct place place;
    struct sotto_error err;
    make_place(&place, script);
    struct cage *cage = start(&place, &usual);
    for (size_t i = 0; i < 2; i++) {
        struct cage_frame frame = receive(cage);
        struct sotto_tensors tensors;
        assert_true(frame.bytes.data_bytes > 8);
        assert_int_equal(frame.kind, FENCE_FRAME_BYTES);
        assert_int_not_equal(
            sotto_tensors_read(&tensors, frame.bytes.data, frame.bytes.data_bytes, 1000, &err),
            SOTTO_OK);
        assert_null(json_loadb((const char *)frame.bytes.data, frame.bytes.data_bytes, 0, NULL));
        sotto_buffer_release(&frame.bytes);
    }
    end(cage);
    remove_place(&place);
}

static void test_malformed_tensors(void **state)
{
    (void)state;
    expect_unreadable("import json\n"
                      "def tensors(*offsets):\n"
                      "    header = json.dumps({str(i): {'dtype': 'U8', 'shape': [b - a],\n"
                      "        'data_offsets': [a, b]} for i, (a, b) in enumerate(offsets)})\n"
                      "    header += ' ' * (-len(header) % 8)\n"
                      "    return struct.pack('<Q', len(header)) + header.encode() + bytes(8)\n"
                      "send(b'B', tensors((0, 6), (4, 8)))\n"
                      "send(b'B', tensors((0, 4), (5, 8)))\n"
                      "read(1)\n");
}

static void test_pickle_in_the_reply(void **state)
{
    (void)state;
    expect_unreadable("import pickle\n"
                      "class Evil:\n"
                      "    def __reduce__(self):\n"
                      "        return os.system, ('touch /tmp/evil',)\n"
                      "send(b'B', pickle.dumps(Evil()))\n"
                      "send(b'B', pickle.dumps({'weight': [1.0, 2.0]}))\n"
                      "read(1)\n");
}

/* --- What works --- */

static void test_frames_go_both_ways(void **state)
{
    (void)state;
    struct place place;
    make_place(&place, "print('ready')\n"
                       "while True:\n"
                       "    kind, data = receive()\n"
                       "    send(kind, data[::-1])\n");
    struct cage *cage = start(&place, &usual);
    uint8_t *bytes = malloc(MIB);
    assert_non_null(bytes);
    for (size_t i = 0; i < MIB; i++) {
        bytes[i] = (uint8_t)(i >> (i % 13));
    }
    const size_t lens[] = {0, 1, 8, 65536, MIB};
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        assert_ok(cage_send(cage, FENCE_FRAME_BYTES, bytes, lens[i]));
        assert_ok(cage_send(cage, FENCE_FRAME_JSON, "{}", 2));
        struct cage_frame frame = receive(cage);
        assert_int_equal(frame.kind, FENCE_FRAME_BYTES);
        assert_int_equal(frame.bytes.data_bytes, lens[i]);
        for (size_t k = 0; k < lens[i]; k++) {
            assert_true(frame.bytes.data[k] == bytes[lens[i] - 1 - k]);
        }
        sotto_buffer_release(&frame.bytes);
        frame = receive(cage);
        assert_int_equal(frame.kind, FENCE_FRAME_JSON);
        assert_told(frame.bytes.data, frame.bytes.data_bytes, "}{");
        sotto_buffer_release(&frame.bytes);
    }
    free(bytes);
    end(cage);
    remove_place(&place);
}

static void test_output_is_kept(void **state)
{
    (void)state;
    struct place place;
    make_place(&place, "print('first', flush=True)\nprint('second', file=sys.stderr, flush=True)\n"
                       "tell('told')\nread(1)\n");
    struct cage *cage = start(&place, &usual);
    struct cage_frame frame = receive(cage);
    size_t bytes;
    const char *output = cage_output(cage, &bytes);
    assert_told((const uint8_t *)output, bytes, "first\nsecond\n");
    sotto_buffer_release(&frame.bytes);
    struct cage_standing standing = cage_standing(cage);
    char text[CAGE_STANDING_TEXT_BYTES];
    cage_describe(text, &standing);
    print_message("stands: %s\n", text);
    assert_contains(text, standing.landlock > 0 ? "Landlock " : "no Landlock");
    end(cage);
    remove_place(&place);
}

static void test_what_is_missing_is_named(void **state)
{
    (void)state;
    struct place place;
    struct cage *cage;
    struct sotto_error err;
    make_place(&place, "");
    struct cage_dataset dataset = {"wages.csv", "/nonexistent/wages.csv"};
    struct cage_config config = configure(&place, &dataset);
    assert_int_equal(cage_start(&cage, &config, &err), SOTTO_ERROR_NOT_FOUND);
    assert_contains(err.text, "the dataset '/nonexistent/wages.csv'");
    dataset.path = place.dataset;
    dataset.name = "../wages.csv";
    assert_int_equal(cage_start(&cage, &config, &err), SOTTO_ERROR_INPUT);
    dataset.name = "wages.csv";
    config.fence_path = "/nonexistent/fence";
    assert_int_equal(cage_start(&cage, &config, &err), SOTTO_ERROR_NOT_FOUND);
    assert_contains(err.text, "the fence '/nonexistent/fence'");
    config.fence_path = SOTTO_TEST_FENCE;
    config.python_path = "/usr/bin/python0";
    assert_int_equal(cage_start(&cage, &config, &err), SOTTO_ERROR_NOT_FOUND);
    assert_contains(err.text, "Python '/usr/bin/python0'");
    config.python_path = PYTHON;
    config.fence_path = "/bin/false"; /* nothing says that a fence stands */
    assert_int_equal(cage_start(&cage, &config, &err), SOTTO_ERROR_STATE);
    assert_contains(err.text,
                    "no cage can be built here, so there is no learning: the runner ended");
    assert_null(cage);
    char path[PATH_BYTES + 16]; /* what bubblewrap or the fence says is told */
    (void)snprintf(path, sizeof path, "%s/fence", place.folder);
    write_file(path, "#!/bin/sh\necho no namespaces today\nexit 1\n");
    assert_int_equal(chmod(path, 0755), 0);
    config.fence_path = path;
    assert_int_equal(cage_start(&cage, &config, &err), SOTTO_ERROR_STATE);
    assert_contains(err.text, "there is no learning: no namespaces today");
    assert_int_equal(unlink(path), 0);
    remove_place(&place);
}

/* Nothing that is no file: to open a FIFO would hang, and to write into one goes out. */
static void test_a_fifo_in_a_dataset(void **state)
{
    (void)state;
    struct place place;
    struct cage *cage;
    struct sotto_error err = {0};
    char paths[3][PATH_BYTES + 64];
    make_place(&place, "");
    (void)snprintf(paths[0], sizeof paths[0], "%s/set", place.folder);
    (void)snprintf(paths[1], sizeof paths[1], "%s/set/deep", place.folder);
    (void)snprintf(paths[2], sizeof paths[2], "%s/set/deep/fifo", place.folder);
    assert_int_equal(mkdir(paths[0], 0755), 0);
    assert_int_equal(mkdir(paths[1], 0755), 0);
    assert_int_equal(mkfifo(paths[2], 0644), 0);
    struct cage_dataset dataset = {"set", NULL};
    const struct cage_config config = configure(&place, &dataset);
    for (size_t i = 0; i < 2; i++) { /* in a folder of a folder, and as the dataset itself */
        dataset.path = i == 0 ? paths[0] : paths[2];
        assert_int_equal(cage_start(&cage, &config, &err), SOTTO_ERROR_INPUT);
        assert_contains(err.text, "fifo' is a FIFO, a socket or a device");
    }
    assert_int_equal(unlink(paths[2]), 0);
    dataset.path = paths[0];
    assert_ok(cage_start(&cage, &config, &err));
    end(cage);
    assert_int_equal(rmdir(paths[1]), 0);
    assert_int_equal(rmdir(paths[0]), 0);
    remove_place(&place);
}

/* Root's threads are limited by a control group or by nothing. */
static void test_root_needs_a_group(void **state)
{
    (void)state;
    struct place place;
    struct cage *cage;
    struct sotto_error err = {0};
    make_place(&place, "read(1)\n");
    struct cage_config config = configure(&place, NULL);
    config.groups_path = place.folder; /* which has none */
    enum sotto_status status = cage_start(&cage, &config, &err);
    if (getuid() == 0) {
        assert_int_equal(status, SOTTO_ERROR_STATE);
        assert_contains(err.text, "nothing limits the threads of root");
    } else {
        assert_int_equal(status, SOTTO_OK);
        assert_false(cage_standing(cage).processes_group);
    }
    end(cage);
    remove_place(&place);
}

/* The number in a file of /proc of a process. */
static int read_number(pid_t pid, const char *name)
{
    char path[64];
    int value = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &value), 1);
    (void)fclose(file);
    return value;
}

/* All processes of a cage: where the machine is short of something, the node goes on. */
static void test_a_cage_comes_after_its_node(void **state)
{
    (void)state;
    struct place place;
    pid_t processes[PROCESSES_MAX];
    size_t len = 0;
    make_place(&place, "read(1)\n");
    struct cage *cage = start(&place, &usual);
    find_processes(processes, &len, getpid());
    assert_int_equal(len, 3); /* bubblewrap outside and inside, and the runner */
    for (size_t i = 0; i < len; i++) {
        assert_true(getpriority(PRIO_PROCESS, (id_t)processes[i]) >= 10);
        assert_int_equal(read_number(processes[i], "oom_score_adj"), 1000);
    }
    end(cage);
    remove_place(&place);
}

/* --- Single fences --- */

/* Runs the fence without bubblewrap: what it refuses then, it refuses alone. */
static void test_landlock_and_the_filter_alone(void **state)
{
    (void)state;
    struct place place;
    int sockets[2];
    pid_t pid;
    posix_spawn_file_actions_t actions;
    uint8_t bytes[128];
    make_place(&place, "");
    static const char script[] =
        "import os\n"
        "def tries(f, *words):\n"
        "    try:\n        f(*words)\n        return b'y'\n"
        "    except OSError:\n        return b'n'\n"
        "os.write(3, tries(open, '/proc/version') + tries(os.fork)\n"
        "    + tries(open, '/usr/bin/env', 'rb')\n"
        "    + tries(os.open, '/tmp/../dev/full', os.O_WRONLY))\n"; /* changes nothing */
    char *const words[] = {SOTTO_TEST_FENCE, "run", "536870912", "60", "1048576",      "4096", "--",
                           PYTHON,           "-I",  "-B",        "-c", (char *)script, NULL};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, sockets[1], 20), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, 20, 3), 0);
    assert_int_equal(posix_spawn(&pid, SOTTO_TEST_FENCE, &actions, NULL, words, environ), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(sockets[1]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(read(sockets[0], bytes, sizeof bytes), FENCE_FRAME_HEADER_BYTES + 4 + 4);
    (void)close(sockets[0]);
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1); /* asks for it */
    bool has_landlock = version > 0;
    assert_int_equal(bytes[FENCE_FRAME_HEADER_BYTES], has_landlock ? version : 0);
    const uint8_t *told = bytes + FENCE_FRAME_HEADER_BYTES + 4;
    assert_int_equal(told[0], has_landlock ? 'n' : 'y');
    assert_int_equal(told[1], 'n');
    assert_int_equal(told[2], 'y');
    assert_int_equal(told[3], has_landlock ? 'n' : 'y');
    remove_place(&place);
}

static void test_control_groups(void **state)
{
    (void)state;
    struct groups groups;
    char name[64];
    char path[GROUPS_PATH_BYTES + 64];
    unsigned long long limit = 0;
    (void)snprintf(name, sizeof name, "%d-test", (int)getpid());
    groups_make(&groups, "/proc/self/cgroup", "/sys/fs/cgroup", name, 64 * MIB, 100);
    print_message("control groups here: memory %s, processes %s\n",
                  groups.has_memory ? "yes" : "no", groups.has_processes ? "yes" : "no");
    assert_int_equal(groups.folders_len > 0, groups.has_memory || groups.has_processes);
    for (size_t i = 0; i < groups.folders_len; i++) {
        (void)snprintf(path, sizeof path, "%s/memory.limit_in_bytes", groups.folders[i]);
        FILE *file = fopen(path, "r");
        if (file != NULL) {
            assert_int_equal(fscanf(file, "%llu", &limit), 1);
            assert_true(limit == 64 * MIB);
            (void)fclose(file);
        }
    }
    struct groups copy = groups;
    groups_remove(&groups);
    for (size_t i = 0; i < copy.folders_len; i++) {
        assert_int_equal(access(copy.folders[i], F_OK), -1);
    }
    /* No groups of the kernel: nothing is said to hold, and nothing is left. */
    struct place place;
    make_place(&place, "");
    groups_make(&groups, "/proc/self/cgroup", place.folder, name, 64 * MIB, 100);
    assert_int_equal(groups.folders_len, 0);
    assert_false(groups.has_memory || groups.has_processes);
    (void)snprintf(path, sizeof path, "%s/cgroup.controllers", place.folder);
    write_file(path, "");
    groups_make(&groups, "/proc/self/cgroup", place.folder, name, 64 * MIB, 100);
    assert_int_equal(groups.folders_len, 0);
    assert_int_equal(unlink(path), 0);
    remove_place(&place);
}

/* A node that was killed left groups; the next cage removes them, and no other's. */
static void test_groups_of_the_dead_are_removed(void **state)
{
    (void)state;
    struct place place;
    struct groups groups;
    char own[PATH_BYTES + 16];
    char folders[4][PATH_BYTES + 64];
    make_place(&place, "");
    (void)snprintf(own, sizeof own, "%s/own", place.folder);
    write_file(own, "4:memory:/\n");
    (void)snprintf(folders[0], sizeof folders[0], "%s/memory", place.folder);
    (void)snprintf(folders[1], sizeof folders[1], "%s/memory/sotto-cage-%d-1", place.folder,
                   (int)getpid());
    (void)snprintf(folders[2], sizeof folders[2], "%s/memory/other-999999999-1", place.folder);
    (void)snprintf(folders[3], sizeof folders[3], "%s/memory/sotto-cage-999999999-1",
                   place.folder); /* above what any kernel numbers */
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(mkdir(folders[i], 0755), 0);
    }
    groups_make(&groups, own, place.folder, "1-test", 64 * MIB, 100);
    assert_int_equal(groups.folders_len, 0);
    assert_int_equal(access(folders[3], F_OK), -1);
    for (size_t i = 3; i-- > 0;) {
        assert_int_equal(rmdir(folders[i]), 0);
    }
    assert_int_equal(unlink(own), 0);
    remove_place(&place);
}

/* After a test that failed: what it left must not fail the next one. */
static int remove_left(void **state)
{
    (void)state;
    cage_free(living);
    living = NULL;
    if (standing_place[0] != '\0') {
        (void)nftw(standing_place, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        standing_place[0] = '\0';
    }
    return 0;
}

#define caged_test(function) cmocka_unit_test_teardown(function, remove_left)

int main(void)
{
    const struct CMUnitTest tests[] = {
        caged_test(test_reading_another_dataset),
        caged_test(test_reading_outside),
        caged_test(test_proc_of_others),
        caged_test(test_opening_a_socket),
        caged_test(test_ptrace_and_other_calls),
        caged_test(test_fork_bomb),
        caged_test(test_thread_bomb),
        caged_test(test_ten_gigabytes_of_memory),
        caged_test(test_a_million_files),
        caged_test(test_endless_loop),
        caged_test(test_sleeping_for_ever),
        caged_test(test_being_killed),
        caged_test(test_one_gigabyte_of_output),
        caged_test(test_environment_and_tokens),
        caged_test(test_open_files_of_the_node),
        caged_test(test_writing_to_the_dataset),
        caged_test(test_locks_and_modes_of_files_outside),
        caged_test(test_malformed_frames),
        caged_test(test_malformed_tensors),
        caged_test(test_pickle_in_the_reply),
        caged_test(test_frames_go_both_ways),
        caged_test(test_output_is_kept),
        caged_test(test_what_is_missing_is_named),
        caged_test(test_a_fifo_in_a_dataset),
        caged_test(test_root_needs_a_group),
        caged_test(test_a_cage_comes_after_its_node),
        caged_test(test_landlock_and_the_filter_alone),
        caged_test(test_control_groups),
        caged_test(test_groups_of_the_dead_are_removed),
    };
    assert_ok(sotto_init());
    struct sotto_error err = {0};
    struct cage_standing standing;
    if (cage_probe(&standing, SOTTO_TEST_FENCE, PYTHON, &err) != SOTTO_OK) {
        (void)execl(SOTTO_TEST_SKIP, SOTTO_TEST_SKIP, "unit/cage", err.text, (char *)NULL);
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
