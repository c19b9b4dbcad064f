/* SPDX-License-Identifier: Apache-2.0 */

/* Runs a fuzz target over the files of the given folders (or the given files), so that every input
 * that once mattered is tried by plain ctest too. */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes);

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
    /* At its exact size, so that reading past the end is seen by AddressSanitizer. */
    uint8_t *exact = malloc(bytes > 0 ? bytes : 1);
    if (exact != NULL) {
        memcpy(exact, data, bytes);
        (void)LLVMFuzzerTestOneInput(exact, bytes);
    }
    free(exact);
    free(data);
    return exact != NULL ? 1 : -1;
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
