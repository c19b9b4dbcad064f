/* SPDX-License-Identifier: Apache-2.0 */

/* A driver of a database, for tests: one that behaves, and in other modes (its option "mode") what
 * a worker must survive. It gives seven rows of integers and texts, and a column of lists, in two
 * batches. */
#include "source/adbc.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROWS 7
#define PARCELS_FD 3

extern char **environ;

/* What a node asks for by the name that most drivers have is built a second time. */
#ifndef ENTRY
#define ENTRY test_driver_init
#endif
__attribute__((visibility("default"))) uint8_t ENTRY(int version, void *driver,
                                                     struct AdbcError *error);

static char mode[64];
static char uri[256];
static char message[1024];
static size_t queries;

/* Of no library: drivers are bound late, so that this is found out when it is called. */
void nobody_has_this(void);

static bool is_mode(const char *name)
{
    return strcmp(mode, name) == 0;
}

static uint8_t fail(struct AdbcError *error, const char *text)
{
    (void)snprintf(message, sizeof message, "%s", text);
    error->message = message;
    return 5;
}

/* --- Batches --- */

static const int64_t integers[ROWS] = {1, -2, INT64_MAX, INT64_MIN, 0, 6, 7};
static const int32_t offsets[ROWS + 1] = {0, 1, 3, 3, 5, 6, 8, 9};
static const char texts[] = "a\xC3\xA9"
                            "07xyzz";
static const uint8_t validity[1] = {0x77}; /* rows 3 and 7 are missing */

static const void *integer_buffers[2] = {validity, integers};
static const void *text_buffers[3] = {NULL, offsets, texts};
static const void *no_buffers[3];

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    static struct ArrowSchema columns[3];
    static struct ArrowSchema *pointers[3];
    const char *const names[] = {"n", "odd \"name\"", "tags"};
    const char *const formats[] = {"l", "u", "+l"};
    bool is_second = stream->private_data != NULL;
    int64_t len = is_second ? 2 : 3;
    for (int i = 0; i < 3; i++) {
        columns[i] =
            (struct ArrowSchema){.name = names[i], .format = formats[i], .release = release_schema};
        pointers[i] = &columns[i];
    }
    columns[2].n_children = 1;
    columns[2].children = pointers;
    if (is_second && is_mode("changed")) {
        len = 1;
    }
    *out = (struct ArrowSchema){
        .format = "+s", .n_children = len, .children = pointers, .release = release_schema};
    return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    static struct ArrowArray columns[2];
    static struct ArrowArray *pointers[2] = {&columns[0], &columns[1]};
    size_t *batch = stream->private_data;
    *out = (struct ArrowArray){0};
    if (batch != NULL && *batch == 1 && is_mode("lost")) {
        return 5;
    }
    if (batch == NULL || (*batch >= 2 && !is_mode("endless"))) {
        return 0;
    }
    int64_t first = *batch % 2 == 0 ? 0 : 4;
    columns[0] = (struct ArrowArray){.offset = first,
                                     .length = first == 0 ? 4 : ROWS - 4,
                                     .null_count = -1,
                                     .n_buffers = 2,
                                     .buffers = integer_buffers,
                                     .release = release_array};
    columns[1] = columns[0];
    columns[1].n_buffers = 3;
    columns[1].buffers = text_buffers;
    *out = (struct ArrowArray){.length = columns[0].length,
                               .n_buffers = 1,
                               .n_children = 2,
                               .buffers = no_buffers,
                               .children = pointers,
                               .release = release_array};
    ++*batch;
    return 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "the connection was lost";
}

static void release_stream(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

/* --- What a driver has --- */

static uint8_t database_new(struct AdbcDatabase *database, struct AdbcError *error)
{
    (void)error;
    database->private_data = mode;
    return 0;
}

static uint8_t database_set_option(struct AdbcDatabase *database, const char *key,
                                   const char *value, struct AdbcError *error)
{
    (void)database;
    bool is_uri = strcmp(key, "uri") == 0;
    if (strcmp(key, "mode") != 0 && !is_uri) {
        return fail(error, "unknown option");
    }
    (void)snprintf(is_uri ? uri : mode, is_uri ? sizeof uri : sizeof mode, "%s", value);
    return 0;
}

static uint8_t database_init(struct AdbcDatabase *database, struct AdbcError *error)
{
    (void)database;
    if (is_mode("repeat")) {
        return fail(error, uri);
    }
    if (is_mode("late")) {
        (void)sleep(3);
        return fail(error, "too many clients already");
    }
    return is_mode("refuse") ? fail(error, "password authentication\nfailed") : 0;
}

static uint8_t connection_new(struct AdbcConnection *connection, struct AdbcError *error)
{
    (void)error;
    connection->private_data = mode;
    return 0;
}

static uint8_t connection_init(struct AdbcConnection *connection, struct AdbcDatabase *database,
                               struct AdbcError *error)
{
    (void)connection;
    (void)database;
    (void)error;
    return 0;
}

static uint8_t statement_new(struct AdbcConnection *connection, struct AdbcStatement *statement,
                             struct AdbcError *error)
{
    (void)connection;
    (void)error;
    statement->private_data = mode;
    return 0;
}

/* How alone the process is. */
static uint8_t tell_surroundings(struct AdbcError *error)
{
    char text[128];
    char folder[64] = "";
    size_t variables = 0;
    size_t descriptors = 0;
    while (environ != NULL && environ[variables] != NULL) {
        variables++;
    }
    for (int fd = 0; fd < 1024; fd++) {
        descriptors += fcntl(fd, F_GETFD) >= 0;
    }
    int file = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    ssize_t written = file >= 0 ? write(file, "x", 1) : -1;
    int made = mkdir("/tmp/sotto-hostile-driver", 0700);
    if (made == 0) {
        (void)rmdir("/tmp/sotto-hostile-driver");
    }
    pid_t forked = fork();
    if (forked == 0) {
        _exit(0);
    }
    (void)snprintf(
        text, sizeof text, "%zu variables, %zu descriptors, in %s, wrote %zd, forked %d, made %d",
        variables, descriptors, getcwd(folder, sizeof folder), written, (int)forked, made);
    return fail(error, text);
}

static uint8_t statement_set_sql(struct AdbcStatement *statement, const char *sql,
                                 struct AdbcError *error)
{
    (void)statement;
    queries += strncmp(sql, "SELECT", 6) == 0;
    if (is_mode("alone")) {
        return tell_surroundings(error);
    }
    return queries == 2 && is_mode("echo") ? fail(error, sql) : 0;
}

static void misbehave(void)
{
    if (is_mode("crash")) {
        (void)raise(SIGSEGV);
    }
    if (is_mode("missing")) {
        nobody_has_this();
    }
    if (is_mode("exit")) {
        _exit(3);
    }
    if (is_mode("garbage")) {
        (void)!write(PARCELS_FD, "SELECT 1; SELECT 2;", 19);
    }
    if (is_mode("close")) {
        (void)close(PARCELS_FD);
    }
    if (is_mode("leave")) {
        (void)setpgid(0, getpgid(getppid()));
    }
    if (is_mode("garbage") || is_mode("close") || is_mode("hang") || is_mode("leave")) {
        (void)pause();
    }
}

static uint8_t statement_execute(struct AdbcStatement *statement, struct ArrowArrayStream *out,
                                 int64_t *rows, struct AdbcError *error)
{
    static size_t batch;
    (void)statement;
    (void)rows;
    (void)error;
    if (out == NULL) {
        return 0;
    }
    misbehave();
    batch = 0;
    *out = (struct ArrowArrayStream){.get_schema = get_schema,
                                     .get_next = get_next,
                                     .get_last_error = get_last_error,
                                     .release = release_stream,
                                     .private_data = queries > 1 ? &batch : NULL};
    return 0;
}

uint8_t ENTRY(int version, void *driver, struct AdbcError *error)
{
    (void)error;
    *(struct AdbcDriver *)driver = (struct AdbcDriver){
        .DatabaseNew = database_new,
        .DatabaseSetOption = database_set_option,
        .DatabaseInit = database_init,
        .ConnectionNew = connection_new,
        .ConnectionInit = connection_init,
        .StatementNew = statement_new,
        .StatementSetSqlQuery = statement_set_sql,
        .StatementExecuteQuery = statement_execute,
    };
    return version == ADBC_VERSION_1_1_0 ? 0 : 2;
}
