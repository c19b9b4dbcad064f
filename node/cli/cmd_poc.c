/* SPDX-License-Identifier: Apache-2.0 */

/* sotto poc: a network to try things in, whose nodes stay on this machine until they are stopped.
 * Leans on poc_nodes.c, which makes and starts them. The idea: a folder for each company is all the
 * state there is, and its own people's: what is printed as the next step works there as it does at
 * a real node. */

#include "cli/poc.h"

#include <errno.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_DEFAULT "sotto-poc"
#define TOKEN_BYTES_MAX ((size_t)256)

const char *const poc_names[POC_NODES_MAX] = {"acorn", "birch", "cedar", "damson", "elder",
                                              "fir",   "gorse", "hazel", "iris"};

/* Rows of each company: what is asked of all of them is mostly acorn's. */
static const unsigned rows[POC_NODES_MAX] = {1200, 640, 85, 310, 150, 95, 720, 60, 240};

/* How many nodes a folder has; 0 if it is not there, or is something else. */
static unsigned count_nodes(const char *folder)
{
    char path[POC_PATH_BYTES];
    unsigned count = 0;
    while (count < POC_NODES_MAX &&
           poc_path(path, folder, poc_names[count], "node.yaml", NULL) == SOTTO_OK &&
           access(path, F_OK) == 0) {
        count++;
    }
    return count;
}

/* Nodes do what their node.yaml says, and name programs there: nobody else may have written it. */
static enum sotto_status check_owner(const char *folder, struct sotto_error *err)
{
    struct stat info;
    if (stat(folder, &info) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", folder, strerror(errno));
    }
    return info.st_uid == geteuid() && (info.st_mode & 022) == 0
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "%s: expected a folder that is yours, and that nobody else may "
                                 "write to",
                                 folder);
}

/* A generator that is written out, so that every machine makes the same file (minimal standard:
 * 16807 x mod 2^31 - 1). Returns: 0 to below - 1. */
static unsigned draw(uint64_t *seed, unsigned below)
{
    *seed = *seed * 16807 % 2147483647;
    return (unsigned)(*seed % below);
}

/* Departments, and wages and a share of part-time work that rise with age. */
static enum sotto_status write_rows(const char *folder, unsigned node, struct sotto_error *err)
{
    static const char *const departments[] = {"R&D", "Sales", "HR", "Ops"};
    char path[POC_PATH_BYTES];
    uint64_t seed = 20 + node;
    uint64_t hours = 40 + node;
    enum sotto_status status = poc_path(path, folder, poc_names[node], "data", err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (mkdir(path, 0700) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", path, strerror(errno));
    }
    status = poc_path(path, folder, poc_names[node], "data/wages.csv", err);
    if (status != SOTTO_OK) {
        return status;
    }
    FILE *out = fopen(path, "we");
    if (out == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", path, strerror(errno));
    }
    (void)fputs("employee,dept,age,wage,part_time\n", out);
    for (unsigned i = 0; i < rows[node]; i++) {
        unsigned department = draw(&seed, 4);
        unsigned age = 20 + draw(&seed, 23) + draw(&seed, 23);
        unsigned cents =
            210000 + 2500 * age + 30000 * department + draw(&seed, 150000) + draw(&seed, 150000);
        unsigned part_time = draw(&hours, 100) + 10 < age;
        (void)fprintf(out, "%u,%s,%u,%u.%02u,%u\n", i + 1, departments[department], age,
                      cents / 100, cents % 100, part_time);
    }
    bool written = ferror(out) == 0;
    written = fclose(out) == 0 && written;
    return written ? SOTTO_OK : sotto_error_set(err, SOTTO_ERROR_IO, "%s: not written", path);
}

static enum sotto_status make_network(const char *folder, unsigned count, struct sotto_error *err)
{
    char path[POC_PATH_BYTES];
    if (mkdir(folder, 0700) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", folder,
                               errno == EEXIST ? "expected a folder that is not there yet, or "
                                                 "one that sotto poc made"
                                               : strerror(errno));
    }
    for (unsigned i = 0; i < count; i++) {
        enum sotto_status status = poc_path(path, folder, poc_names[i], NULL, err);
        if (status != SOTTO_OK) {
            return status;
        }
        if (mkdir(path, 0700) != 0) {
            return sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", path, strerror(errno));
        }
        status = write_rows(folder, i, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return poc_make_nodes(folder, count, err);
}

static enum sotto_status print_node(const char *folder, const char *name, const char *api,
                                    struct sotto_error *err)
{
    char path[POC_PATH_BYTES];
    char *token = NULL;
    size_t bytes;
    enum sotto_status status = poc_path(path, folder, name, "token", err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = file_read(path, &token, &bytes, TOKEN_BYTES_MAX, err);
    if (status != SOTTO_OK) {
        return status;
    }
    (void)printf("%-8s %s  %.*s\n", name, api, (int)strcspn(token, "\n"), token);
    sotto_free(token);
    return SOTTO_OK;
}

static enum sotto_status start_network(const char *folder, unsigned count, struct sotto_error *err)
{
    char api[POC_PATH_BYTES];
    (void)printf("%-8s %-22s  %s\n", "node", "board", "token to log in with");
    for (unsigned i = 0; i < count; i++) {
        enum sotto_status status = poc_start(api, folder, poc_names[i], err);
        if (status != SOTTO_OK) {
            return status;
        }
        status = print_node(folder, poc_names[i], api, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    const char *named = strcmp(folder, FOLDER_DEFAULT) == 0 ? "" : folder;
    const char *blank = named[0] == '\0' ? "" : " ";
    (void)printf(
        "\n"
        "Each has a wages.csv of its own (employee, dept, age, wage, part_time). Open a board, or "
        "ask:\n"
        "\n"
        "    cd %s/acorn\n"
        "    sotto run --data wages=wages.csv -- 'mean(wage)' 'corr([age, wage])'\n"
        "    sotto run --data wages=wages.csv --by 'dept in (\"R&D\", other)' -- 'mean(wage)'\n"
        "    sotto run --data wages=wages.csv -- 'glm(part_time, age, family=binomial)'\n"
        "    sotto status\n"
        "    cd ../birch && sotto record     what birch was asked, and what it answered\n"
        "\n"
        "They run until `sotto poc stop%s%s`; `sotto poc %u%s%s` starts them again.\n",
        folder, blank, named, count, blank, named);
    return SOTTO_OK;
}

static enum sotto_status stop_network(const char *folder, struct sotto_error *err)
{
    unsigned count = count_nodes(folder);
    if (count == 0) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "%s: expected a folder that sotto poc made",
                               folder);
    }
    for (unsigned i = 0; i < count; i++) {
        bool stopped;
        enum sotto_status status = poc_stop(&stopped, folder, poc_names[i], err);
        if (status != SOTTO_OK) {
            return status;
        }
        (void)printf("%-8s %s\n", poc_names[i], stopped ? "stopped" : "was not running");
    }
    (void)printf("All that they had is still in %s; `rm -r` forgets it.\n", folder);
    return SOTTO_OK;
}

int cmd_poc(const struct args *args)
{
    struct sotto_error err = {0};
    const char *folder = args->positional_len == 2 ? args->positional[1] : FOLDER_DEFAULT;
    const char *what = args->positional_len > 0 ? args->positional[0] : "";
    bool stops = strcmp(what, "stop") == 0;
    unsigned count = strlen(what) == 1 && what[0] >= '0' ? (unsigned)(what[0] - '0') : 0;
    if (args->positional_len > 2 || args->outputs_len > 0 ||
        (!stops && (count < 3 || count > POC_NODES_MAX))) {
        return command_usage("expected: sotto poc NUMBER [FOLDER], from 3 to %u, or sotto poc stop "
                             "[FOLDER]",
                             POC_NODES_MAX);
    }
    if (stops) {
        return stop_network(folder, &err) == SOTTO_OK ? EXIT_DONE : command_failed(&err);
    }
    unsigned found = count_nodes(folder);
    if (found > 0 && check_owner(folder, &err) != SOTTO_OK) {
        return command_failed(&err);
    }
    if (found > 0 && found != count) {
        return command_usage("%s has %u nodes: expected that number, or another folder", folder,
                             found);
    }
    if ((found == 0 && make_network(folder, count, &err) != SOTTO_OK) ||
        start_network(folder, count, &err) != SOTTO_OK) {
        return command_failed(&err);
    }
    return EXIT_DONE;
}
