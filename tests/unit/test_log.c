/* SPDX-License-Identifier: Apache-2.0 */
#include "node/loop/log.h"
#include "test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES 5000

static char path[64];

/* How many lines of the log file have a text. */
static size_t count_lines(const char *text)
{
    char line[4096];
    size_t len = 0;
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        len += strstr(line, text) != NULL;
    }
    assert_int_equal(fclose(file), 0);
    return len;
}

/* One peer's lines of one cause are counted beyond a number; another's, those of another cause and
 * this node's own are written. */
static void test_lines_are_limited_by_peer_and_cause(void **state)
{
    (void)state;
    char untold[64];
    struct sotto_error err = {0};
    (void)strcpy(path, "/tmp/sotto-log-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    assert_ok(log_open(path, &err));
    for (int i = 0; i < LINES; i++) {
        log_limited(LOG_MESSAGES, "b", "loud %d", i);
    }
    log_limited(LOG_MESSAGES, "c", "another peer");
    log_limited(LOG_DECLINED, "b", "another cause");
    for (int i = 0; i < 2 * LOG_LINES_OF_CAUSE; i++) {
        log_limited(LOG_MESSAGES, NULL, "own");
    }
    size_t loud = count_lines("loud");
    assert_in_range(loud, LOG_LINES_OF_CAUSE, LOG_LINES_OF_CAUSE + 2);
    assert_int_equal(count_lines("another peer"), 1);
    assert_int_equal(count_lines("another cause"), 1);
    assert_int_equal(count_lines("own"), 2 * LOG_LINES_OF_CAUSE);
    assert_int_equal(count_lines("more lines"), 0);
    log_flush();
    log_flush();
    (void)snprintf(untold, sizeof untold, "and %zu more lines about messages of b", LINES - loud);
    assert_int_equal(count_lines(untold), 1);
    assert_int_equal(count_lines("more lines"), 1);
    log_close();
    assert_int_equal(unlink(path), 0);
}

/* More peers than budgets: nothing is lost uncounted. */
static void test_many_peers(void **state)
{
    (void)state;
    struct sotto_error err = {0};
    (void)strcpy(path, "/tmp/sotto-log-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    assert_ok(log_open(path, &err));
    for (int i = 0; i <= LOG_LINES_OF_CAUSE + 2; i++) {
        log_limited(LOG_CONNECTIONS, "first", "line");
    }
    for (int i = 0; i < 1000; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "peer%d", i);
        log_limited(LOG_CONNECTIONS, name, "one of many");
    }
    assert_int_equal(count_lines("one of many"), 1000);
    assert_int_equal(count_lines("more lines about connections of first"), 1);
    log_close();
    assert_int_equal(unlink(path), 0);
}

/* Whatever a line has in it, it is one object; a file that was moved away is begun again. */
static void test_lines_of_json(void **state)
{
    (void)state;
    char moved[80];
    struct sotto_error err = {0};
    (void)strcpy(path, "/tmp/sotto-log-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    assert_ok(log_open(path, &err));
    log_format(true);
    log_line("a \"quoted\" \\ and a break\n");
    log_limited(LOG_DECLINED, "b\"", "of others");
    (void)snprintf(moved, sizeof moved, "%s.old", path);
    assert_int_equal(rename(path, moved), 0);
    log_least(LOG_LEVEL_WARNING);
    log_line("that all is well");
    log_limited(LOG_JOINED, "b", "that it joined");
    log_warning("to the old one");
    log_least(LOG_LEVEL_INFO);
    log_reopen();
    log_format(false);
    log_line("plain");
    assert_int_equal(count_lines("plain"), 1);
    assert_int_equal(count_lines("{"), 0);
    FILE *file = fopen(moved, "re");
    assert_non_null(file);
    char line[1024];
    const char *const messages[] = {"a \"quoted\" \\ and a break?", "of others", "to the old one"};
    const char *const levels[] = {"info", "warning", "warning"};
    for (int i = 0; i < 3; i++) {
        assert_non_null(fgets(line, sizeof line, file));
        json_t *object = json_loads(line, 0, NULL);
        assert_non_null(object);
        assert_string_equal(json_string_value(json_object_get(object, "message")), messages[i]);
        assert_string_equal(json_string_value(json_object_get(object, "level")), levels[i]);
        const char *when = json_string_value(json_object_get(object, "time"));
        assert_int_equal(strlen(when), strlen("2026-11-30T03:00:00.000Z"));
        assert_int_equal(when[10], 'T');
        const char *peer = json_string_value(json_object_get(object, "peer"));
        assert_string_equal(peer, i == 1 ? "b\"" : "");
        json_decref(object);
    }
    assert_int_equal(fclose(file), 0);
    log_close();
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(moved), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_of_json),
        cmocka_unit_test(test_lines_are_limited_by_peer_and_cause),
        cmocka_unit_test(test_many_peers),
    };
    assert_non_null(freopen("/dev/null", "w", stderr)); /* lines go there too */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
