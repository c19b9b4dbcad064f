/* SPDX-License-Identifier: Apache-2.0 */

/* Many plans about one table of a database: for tests, which would start a driver for each of them
 * else. Leans on the command line for what a plan is, and on the sources of nodes and commands. The
 * one idea: each plan is computed from one open session, from the same rows in memory, and from a
 * file with the same rows; whoever asked compares.
 *
 *     many_plans PLACE FILE|- [OPTIONS OF THE FILE]
 *
 * A line of standard input has a plan's arguments as sotto local takes them behind its data, with
 * 0x1F between them. Its answer is a line, a JSON object: "pushed" and "judged" (by the rules of
 * profile open), of which the database sums up what it can, "streamed" and, of a FILE, "file":
 * results; "judged_cover", "streamed_cover": what a judge who looks at sets of rows finds in each
 * round, as hexadecimal digits; "is_read": whether rows were read for a round. */

#include "cli/options.h"
#include "source/location.h"
#include "source/pushed.h"

#include <sotto/alloc.h>
#include <sotto/disclosure.h>
#include <sotto/rehearsal.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGUMENTS_MAX 64
#define LINE_BYTES 65536
#define FILE_OPTIONS_MAX 32
#define MEMORY_MAX ((size_t)1 << 30)

/* The table, in all of its forms. */
struct many {
    struct source_location location;
    struct sotto_source *pushed;
    struct source_rows rows;
    struct sotto_source *streamed;
    struct sotto_csv *csv;
    struct sotto_source *file;
    bool is_read; /* for a round of the plan */
};

static const struct command *find_local(void)
{
    size_t len;
    const struct command *commands = command_table(&len);
    size_t at = 0;
    while (at < len && strcmp(commands[at].name, "local") != 0) {
        at++;
    }
    SOTTO_REQUIRE(at < len);
    return &commands[at];
}

static void tell(void *context, const char *sql, const char *why)
{
    struct many *many = context;
    (void)why;
    many->is_read = many->is_read || sql == NULL;
}

/* args: how the file is read. */
static enum sotto_status many_open(struct many *out, const char *place, const char *file,
                                   const struct args *args, struct sotto_error *err)
{
    const struct source_limits limits = {
        .bytes_max = MEMORY_MAX, .silence_s = 60, .program = getenv("SOTTO_BINARY")};
    const struct pushed_host host = {.tell = tell, .tell_context = out};
    enum sotto_status status = source_location_init(&out->location, place, NULL, err);
    if (status != SOTTO_OK) {
        return status;
    }
    out->location.request.is_all = true;
    status = pushed_new(&out->pushed, &out->location.request, &limits, place, &host, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = source_rows_read(&out->rows, &out->location.request, &limits, place, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_source_new_table(&out->streamed, out->rows.table, err);
    if (status != SOTTO_OK || strcmp(file, "-") == 0) {
        return status;
    }
    status = args_open_file(&out->csv, file, args, err);
    return status == SOTTO_OK ? sotto_source_new_file(&out->file, out->csv, NULL, err) : status;
}

static void many_release(struct many *many)
{
    sotto_source_free(many->pushed);
    sotto_source_free(many->streamed);
    sotto_source_free(many->file);
    sotto_csv_close(many->csv);
    source_rows_release(&many->rows);
    source_location_release(&many->location);
}

/* --- A plan --- */

/* Appends what the rows have of each part of a round. limbs: room for the round's. */
static enum sotto_status write_cover(struct sotto_writer *out, uint64_t *limbs,
                                     const struct sotto_driver *driver, struct sotto_source *source,
                                     struct sotto_error *err)
{
    struct sotto_rules rules;
    struct sotto_disclosure disclosure;
    size_t len = sotto_driver_cover_len(driver);
    size_t groups_len = sotto_driver_groups_len(driver);
    uint8_t *cover = sotto_alloc_zeroed(len + groups_len + 1); /* and which groups are withheld */
    if (cover == NULL) {
        return sotto_error_no_memory(err);
    }
    sotto_rules_init(&rules, SOTTO_PROFILE_OPEN);
    sotto_disclosure_init(&disclosure, &rules, 1);
    disclosure.judge.cover = cover;
    enum sotto_status status =
        sotto_driver_contribute(driver, limbs, sotto_driver_limbs_len(driver), cover + len, &source,
                                sotto_disclosure_judge(&disclosure), err);
    sotto_write_bytes(out, cover, len + groups_len);
    sotto_free(cover);
    return status;
}

/* Runs all rounds with one party, by rules or by none (NULL). cover: NULL, or what is appended to.
 */
static enum sotto_status run_rounds(struct sotto_driver *driver, const struct sotto_plan *plan,
                                    struct sotto_source *source, struct sotto_rehearsal *rehearsal,
                                    struct sotto_writer *cover, struct sotto_error *err)
{
    enum sotto_status status = SOTTO_OK;
    while (status == SOTTO_OK && sotto_driver_round(driver) != 0) {
        size_t len = sotto_driver_limbs_len(driver);
        uint64_t *limbs = sotto_alloc_array(len + 1, sizeof *limbs);
        status =
            limbs == NULL ? sotto_error_no_memory(err)
            : rehearsal == NULL
                ? sotto_driver_contribute(driver, limbs, len, NULL, &source, NULL, err)
                : sotto_rehearsal_contribute(rehearsal, limbs, len, driver, plan, &source, err);
        if (status == SOTTO_OK && cover != NULL) {
            status = write_cover(cover, limbs, driver, source, err);
        }
        if (status == SOTTO_OK) {
            status = sotto_driver_advance(driver, limbs, len, err);
        }
        sotto_free(limbs);
    }
    return status;
}

/* As sotto local does it. */
static enum sotto_status run_plan(char **out_json, const char *json, struct sotto_source *source,
                                  bool is_judged, struct sotto_writer *cover,
                                  struct sotto_error *err)
{
    static const struct sotto_result_parties parties = {.invited = 1, .joined = 1, .survived = 1};
    struct sotto_plan *plan = NULL;
    struct sotto_schema offer = {0};
    struct sotto_schema agreed = {0};
    struct sotto_driver *driver = NULL;
    struct sotto_rehearsal *rehearsal = NULL;
    struct sotto_rules rules;
    sotto_rules_init(&rules, SOTTO_PROFILE_OPEN);
    enum sotto_status status = sotto_plan_parse(&plan, json, strlen(json), err);
    if (status == SOTTO_OK) {
        status = sotto_source_offer(&offer, plan, &source, err);
    }
    if (status == SOTTO_OK) {
        status = sotto_schema_agree(&agreed, plan, &offer, NULL, 1, err);
    }
    if (status == SOTTO_OK) {
        status = sotto_driver_new(&driver, plan, &agreed, err);
    }
    if (status == SOTTO_OK && is_judged) {
        offer.rules = sotto_rules_offered(&rules);
        status = sotto_rehearsal_new(&rehearsal, &rules, 0, err);
    }
    if (status == SOTTO_OK) {
        status = run_rounds(driver, plan, source, rehearsal, is_judged ? cover : NULL, err);
    }
    if (status == SOTTO_OK) {
        status = sotto_driver_result(driver, out_json, &parties, &offer, 1, err);
    }
    sotto_rehearsal_free(rehearsal);
    sotto_driver_free(driver);
    sotto_schema_release(&agreed);
    sotto_schema_release(&offer);
    sotto_plan_free(plan);
    return status;
}

/* A member of the answer: the result on one line, as only white space has line ends in JSON. */
static enum sotto_status print_result(const char *name, const char *json,
                                      struct sotto_source *source, bool is_judged,
                                      struct sotto_error *err)
{
    char *result = NULL;
    struct sotto_writer cover;
    sotto_writer_init(&cover, MEMORY_MAX);
    enum sotto_status status = run_plan(&result, json, source, is_judged, &cover, err);
    if (status != SOTTO_OK) {
        sotto_writer_release(&cover);
        return sotto_error_prefix(err, "%s", name);
    }
    for (char *at = strchr(result, '\n'); at != NULL; at = strchr(at, '\n')) {
        *at = ' ';
    }
    (void)printf("\"%s\": %s, ", name, result);
    (void)printf("\"%s_cover\": \"", name);
    for (size_t i = 0; i < cover.data_bytes; i++) {
        (void)printf("%02x", cover.data[i]);
    }
    (void)printf("\", ");
    sotto_writer_release(&cover);
    sotto_free(result);
    return SOTTO_OK;
}

static enum sotto_status answer(struct many *many, const struct args *args, struct sotto_error *err)
{
    static const struct sotto_strategy strategy = {.min_clients = SOTTO_PLAN_MIN_CLIENTS,
                                                   .max_clients = SOTTO_PLAN_MIN_CLIENTS,
                                                   .wait_timeout_s = 60,
                                                   .connection_timeout_s = 60};
    const char *const alias = "x=x.csv";
    struct data_options data = {0};
    char *json = NULL;
    many->is_read = false;
    enum sotto_status status = data_options_parse(&data, &alias, 1, err);
    if (status == SOTTO_OK) {
        status = compose_plan(&json, &data, args, &strategy, err);
    }
    (void)putchar('{');
    if (status == SOTTO_OK) {
        status = print_result("pushed", json, many->pushed, false, err);
    }
    if (status == SOTTO_OK) {
        status = print_result("judged", json, many->pushed, true, err);
    }
    if (status == SOTTO_OK) {
        status = print_result("streamed", json, many->streamed, true, err);
    }
    if (status == SOTTO_OK && many->file != NULL) {
        status = print_result("file", json, many->file, false, err);
    }
    (void)printf("\"is_read\": %s}\n", many->is_read ? "true" : "false");
    (void)fflush(stdout);
    sotto_free(json);
    data_options_release(&data);
    return status;
}

/* Splits a line at 0x1F into arguments. */
static int split_line(char **out, char *line)
{
    int len = 0;
    out[len++] = "many_plans";
    out[len++] = "local";
    line[strcspn(line, "\n")] = '\0';
    for (char *at = line; at != NULL && len < ARGUMENTS_MAX;) {
        char *next = strchr(at, 0x1F);
        if (next != NULL) {
            *next++ = '\0';
        }
        out[len++] = at;
        at = next;
    }
    return len;
}

static enum sotto_status answer_lines(struct many *many, struct sotto_error *err)
{
    static char line[LINE_BYTES];
    enum sotto_status status = SOTTO_OK;
    while (status == SOTTO_OK && fgets(line, sizeof line, stdin) != NULL) {
        char *arguments[ARGUMENTS_MAX];
        struct args args;
        int len = split_line(arguments, line);
        if (!args_parse(&args, find_local(), len, arguments)) {
            return sotto_error_set(err, SOTTO_ERROR_INPUT, "a line is no plan");
        }
        status = answer(many, &args, err);
        args_release(&args);
    }
    return status;
}

int main(int argc, char **argv)
{
    char *options[FILE_OPTIONS_MAX] = {argv[0], "local"};
    struct args args;
    struct many many = {0};
    struct sotto_error err = {0};
    if (argc < 3 || argc > FILE_OPTIONS_MAX || sotto_init() != SOTTO_OK) {
        (void)fputs("expected: many_plans PLACE FILE|- [OPTIONS OF THE FILE]\n", stderr);
        return 2;
    }
    for (int i = 3; i < argc; i++) {
        options[i - 1] = argv[i];
    }
    if (!args_parse(&args, find_local(), argc - 1, options)) {
        return 2;
    }
    enum sotto_status status = many_open(&many, argv[1], argv[2], &args, &err);
    if (status == SOTTO_OK) {
        status = answer_lines(&many, &err);
    }
    many_release(&many);
    args_release(&args);
    if (status != SOTTO_OK) {
        (void)fprintf(stderr, "many_plans: %s\n", err.text);
    }
    return status == SOTTO_OK ? 0 : 1;
}
