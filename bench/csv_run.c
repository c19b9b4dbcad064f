/* SPDX-License-Identifier: Apache-2.0 */

/* bench_csv_run CASE FILE RUNS: one measurement in a process of its own, for bench/csv.py. Prints
 * {"seconds": [...], "answer": ..., "isa": ..., "peak_anon_mb": ...}. Cases:
 *
 *     mean_int, mean_decimal   a mean through the engine, of a catalogued file
 *     moments4                 mean, variance, skewness and kurtosis of a column of decimals
 *     catalogue                names, types and rows of a file never seen
 *     cold_mean_int            a mean of a file never seen: what `sotto local` does
 *     load_all                 all columns into memory, of a catalogued file
 *     libcsv_mean, libcsv_load a plain program over libcsv: one thread, 1 MiB blocks */

#include <csv.h>
#include <inttypes.h>
#include <sotto/alloc.h>
#include <sotto/contribution.h>
#include <sotto/cpu.h>
#include <sotto/survey.h>
#include <sotto/table.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS_MAX 100

static char answer[4096];

static double now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void check(enum sotto_status status, const struct sotto_error *err)
{
    if (status != SOTTO_OK) {
        (void)fprintf(stderr, "bench_csv_run: %s: %s\n", sotto_status_name(status), err->text);
        exit(1);
    }
}

struct table {
    struct sotto_csv *csv;
    struct sotto_catalogue *catalogue;
};

static void table_open(struct table *table, const char *path)
{
    struct sotto_error err = {0};
    check(sotto_csv_open(&table->csv, path, NULL, &err), &err);
    check(sotto_csv_catalogue(table->csv, &table->catalogue, &err), &err);
}

static void table_close(struct table *table)
{
    sotto_catalogue_free(table->catalogue);
    sotto_csv_close(table->csv);
}

/* The "exact" text of the first output. */
static void keep_exact(const char *result)
{
    const char *exact = strstr(result, "\"exact\"");
    const char *start = exact != NULL ? strchr(exact + 7, '"') : NULL;
    size_t bytes = start != NULL ? strcspn(start + 1, "\"") + 2 : 0;
    (void)snprintf(answer, sizeof answer, "%.*s", (int)bytes, start != NULL ? start : "null");
}

/* catalogue: NULL for a file never seen. select: the outputs' JSON. */
static void ask(struct sotto_csv *csv, const struct sotto_catalogue *catalogue, const char *select)
{
    static const struct sotto_result_parties parties = {.invited = 1, .joined = 1, .survived = 1};
    char json[512];
    struct sotto_error err = {0};
    struct sotto_plan *plan = NULL;
    struct sotto_schema offer = {0};
    struct sotto_driver *driver = NULL;
    struct sotto_source *source = NULL;
    struct sotto_survey *survey = NULL;
    char *result = NULL;
    int bytes = snprintf(json, sizeof json,
                         "{\"version\": 1, \"name\": \"bench\", \"type\": \"analytics\", "
                         "\"datasets\": {\"t\": \"t.csv\"}, \"select\": {%s}, "
                         "\"strategy\": {\"min_clients\": 3, \"max_clients\": 3, "
                         "\"wait_timeout\": 60, \"connection_timeout\": 60}}",
                         select);
    check(sotto_plan_parse(&plan, json, (size_t)bytes, &err), &err);
    if (catalogue == NULL) {
        check(sotto_survey_new(&survey, plan, csv, &err), &err);
        catalogue = sotto_survey_catalogue(survey);
    }
    check(sotto_schema_offer(&offer, plan, &catalogue, &err), &err);
    check(sotto_driver_new(&driver, plan, &offer, &err), &err);
    size_t limbs_len = sotto_driver_limbs_len(driver);
    uint64_t *limbs = sotto_alloc_array(limbs_len, sizeof *limbs);
    check(limbs != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY, &err);
    if (survey == NULL || !sotto_survey_partial(survey, driver, limbs, limbs_len)) {
        check(sotto_source_new_file(&source, csv, catalogue, &err), &err);
        check(sotto_driver_contribute(driver, limbs, limbs_len, NULL, &source, 0, &err), &err);
    }
    check(sotto_driver_advance(driver, limbs, limbs_len, &err), &err);
    check(sotto_driver_result(driver, &result, &parties, &offer, 1, &err), &err);
    keep_exact(result);
    sotto_free(result);
    sotto_free(limbs);
    sotto_source_free(source);
    sotto_survey_free(survey);
    sotto_driver_free(driver);
    sotto_schema_release(&offer);
    sotto_plan_free(plan);
}

static void load_all(const struct table *table)
{
    struct sotto_csv_wanted wanted[64];
    struct sotto_error err = {0};
    struct sotto_table *loaded = NULL;
    size_t len = table->catalogue->columns_len;
    check(len <= 64 ? SOTTO_OK : SOTTO_ERROR_LIMIT, &err);
    for (size_t i = 0; i < len; i++) {
        wanted[i] =
            (struct sotto_csv_wanted){.column = i, .type = table->catalogue->columns[i].type};
    }
    check(sotto_table_load(&loaded, table->csv, table->catalogue, wanted, len, &err), &err);
    struct sotto_column age = sotto_table_column(loaded, 2);
    int64_t sum = 0;
    for (size_t i = 0; i < age.len; i++) {
        sum += ((const int64_t *)age.values)[i];
    }
    (void)snprintf(answer, sizeof answer, "%" PRId64, sum);
    sotto_table_free(loaded);
}

/* --- libcsv --- */

struct plain {
    size_t field;
    uint64_t rows;
    int64_t sum;
    double doubles;
    char *texts; /* of a load: all texts */
    size_t texts_bytes;
    size_t texts_capacity;
};

static void plain_field(void *text, size_t bytes, void *context)
{
    struct plain *plain = context;
    if (plain->rows > 0 && plain->field == 2) {
        plain->sum += strtoll(text, NULL, 10);
    }
    if (plain->texts != NULL && plain->rows > 0) {
        switch (plain->field) {
        case 1:
        case 6:
            if (plain->texts_bytes + bytes <= plain->texts_capacity) {
                memcpy(plain->texts + plain->texts_bytes, text, bytes);
                plain->texts_bytes += bytes;
            }
            break;
        case 4:
        case 5:
            plain->doubles += strtod(text, NULL);
            break;
        default:
            plain->sum += plain->field != 2 ? strtoll(text, NULL, 10) * 0 : 0;
        }
    }
    plain->field++;
}

static void plain_row(int end, void *context)
{
    struct plain *plain = context;
    (void)end;
    plain->field = 0;
    plain->rows++;
}

static void libcsv_read(const char *path, bool load)
{
    static char block[1 << 20];
    struct plain plain = {0};
    struct csv_parser parser;
    FILE *file = fopen(path, "rb");
    if (file == NULL || csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0) {
        exit(1);
    }
    if (load) {
        plain.texts_capacity = (size_t)1 << 28;
        plain.texts = malloc(plain.texts_capacity);
    }
    for (size_t got = fread(block, 1, sizeof block, file); got > 0;
         got = fread(block, 1, sizeof block, file)) {
        if (csv_parse(&parser, block, got, plain_field, plain_row, &plain) != got) {
            exit(1);
        }
    }
    (void)csv_fini(&parser, plain_field, plain_row, &plain);
    csv_free(&parser);
    (void)fclose(file);
    free(plain.texts);
    (void)snprintf(answer, sizeof answer, "%" PRId64, plain.sum);
}

/* --- Running --- */

static void ask_cold(const char *path, const char *select)
{
    struct sotto_csv *csv = NULL;
    struct sotto_error err = {0};
    check(sotto_csv_open(&csv, path, NULL, &err), &err);
    ask(csv, NULL, select);
    sotto_csv_close(csv);
}

static void run_once(const char *name, struct table *table, const char *path)
{
    if (table->csv == NULL) { /* none of ours */
        libcsv_read(path, strcmp(name, "libcsv_load") == 0);
    } else if (strcmp(name, "mean_int") == 0) {
        ask(table->csv, table->catalogue, "\"m\": \"mean(age)\"");
    } else if (strcmp(name, "mean_decimal") == 0) {
        ask(table->csv, table->catalogue, "\"m\": \"mean(amount)\"");
    } else if (strcmp(name, "moments4") == 0) {
        ask(table->csv, table->catalogue,
            "\"k\": \"kurt(amount)\", \"s\": \"skew(amount)\", \"v\": \"var(amount)\", "
            "\"m\": \"mean(amount)\"");
    } else if (strcmp(name, "load_all") == 0) {
        load_all(table);
    } else if (strcmp(name, "cold_mean_int") == 0) {
        ask_cold(path, "\"m\": \"mean(age)\"");
    } else {
        table_close(table);
        table_open(table, path);
        (void)snprintf(answer, sizeof answer, "%" PRIu64, table->catalogue->rows);
    }
}

/* The most anonymous memory so far, in MB: of the whole resident set the part that is no file. */
static double anonymous_mb(void)
{
    char line[256];
    double kb = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "RssAnon:", 8) == 0) {
            kb = strtod(line + 8, NULL);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return kb / 1024;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        (void)fputs("usage: bench_csv_run CASE FILE RUNS\n", stderr);
        return 2;
    }
    int runs = (int)strtol(argv[3], NULL, 10);
    runs = runs < 1 ? 1 : runs > RUNS_MAX ? RUNS_MAX : runs;
    double seconds[RUNS_MAX];
    struct table table = {0};
    bool plain = strncmp(argv[1], "libcsv", 6) == 0;
    if (!plain) {
        table_open(&table, argv[2]);
    }
    run_once(argv[1], &table, argv[2]); /* warms caches, threads and memory */
    for (int i = 0; i < runs; i++) {
        double start = now();
        run_once(argv[1], &table, argv[2]);
        seconds[i] = now() - start;
    }
    if (!plain) {
        table_close(&table);
    }
    (void)printf("{\"isa\": \"%s\", \"anon_mb\": %.1f, \"answer\": %s, \"seconds\": [",
                 sotto_cpu_level_name(sotto_cpu_level()), anonymous_mb(), answer);
    for (int i = 0; i < runs; i++) {
        (void)printf("%s%.6f", i > 0 ? ", " : "", seconds[i]);
    }
    (void)printf("]}\n");
    return 0;
}
