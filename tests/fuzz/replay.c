/* SPDX-License-Identifier: Apache-2.0 */

/* Runs a fuzz target over the files of the given folders (or the given files), so that every input
 * that once mattered is tried by plain ctest too, and changed copies of each (SOTTO_CASES). */
#include "cases.h"
#include "files.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

/* One to four changes: a bit, a byte, the end cut off, a piece written over another one. */
static size_t change(uint8_t *data, size_t bytes, uint64_t *random)
{
    for (size_t left = 1 + test_random_below(random, 4); left > 0 && bytes > 0; left--) {
        size_t at = test_random_below(random, bytes);
        size_t from = test_random_below(random, bytes);
        size_t later = at > from ? at : from;
        switch (test_random_below(random, 4)) {
        case 0:
            data[at] ^= (uint8_t)(1U << test_random_below(random, 8));
            break;
        case 1:
            data[at] = (uint8_t)test_random(random);
            break;
        case 2:
            bytes = at;
            break;
        default:
            memmove(data + at, data + from, test_random_below(random, bytes - later));
            break;
        }
    }
    return bytes;
}

/* At its exact size, so that reading past the end is seen by AddressSanitizer. */
static bool run_exact(const uint8_t *data, size_t bytes)
{
    uint8_t *exact = malloc(bytes > 0 ? bytes : 1);
    if (exact == NULL) {
        return false;
    }
    memcpy(exact, data, bytes);
    (void)LLVMFuzzerTestOneInput(exact, bytes);
    free(exact);
    return true;
}

/* The input as it is, then its changed copies, which are the same in every run. */
static bool run_input(const uint8_t *data, size_t bytes)
{
    uint64_t random = bytes;
    uint8_t *copy = malloc(bytes > 0 ? bytes : 1);
    bool done = copy != NULL && run_exact(data, bytes);
    for (size_t i = 0, cases = test_cases(20); done && i < cases; i++) {
        memcpy(copy, data, bytes);
        size_t changed_bytes = change(copy, bytes, &random);
        done = run_exact(copy, changed_bytes);
    }
    free(copy);
    return done;
}

/* Returns: how many files were run; -1 if one can't be read. */
static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        (void)fprintf(stderr, "cannot open %s\n", path);
        return -1;
    }
    uint8_t *data = NULL;
    size_t bytes = 0;
    for (size_t got = 1; got > 0; bytes += got) {
        uint8_t *grown = realloc(data, bytes + 65536);
        if (grown == NULL) {
            free(data);
            (void)fclose(file);
            return -1;
        }
        data = grown;
        got = fread(data + bytes, 1, 65536, file);
    }
    (void)fclose(file);
    bool done = run_input(data, bytes);
    free(data);
    return done ? 1 : -1;
}

static int replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        (void)fprintf(stderr, "cannot open %s\n", path);
        return -1;
    }
    int runs = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL && runs >= 0;
         entry = readdir(folder)) {
        char name[4096];
        if (entry->d_name[0] == '.') {
            continue;
        }
        (void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        int run = replay_file(name);
        runs = run < 0 ? run : runs + run;
    }
    (void)closedir(folder);
    return runs;
}

int main(int argc, char **argv)
{
    int runs = 0;
    for (int i = 1; i < argc; i++) {
        struct stat info;
        int run = stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode) ? replay_folder(argv[i])
                                                                     : replay_file(argv[i]);
        if (run < 0) {
            return 1;
        }
        runs += run;
    }
    (void)printf("%d inputs\n", runs);
    return runs > 0 ? 0 : 1; /* an empty corpus tests nothing */
}
