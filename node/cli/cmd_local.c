/* SPDX-License-Identifier: Apache-2.0 */

/* sotto local and sotto simulate of files: no network, and no rules but those of --policy. Leans on
 * the engine, and on sotto_simulate for the real protocol in one process. The idea: local is a task
 * of one party, whose partial is the aggregate, so that it gives what a federation of one would. */

#include "cli/options.h"
#include "cli/print.h"
#include "cli/reading.h"
#include "cli/rules.h"
#include "cli/tables.h"
#include "source/location.h"

#include <sotto/alloc.h>
#include <sotto/contribution.h>
#include <sotto/rehearsal.h>
#include <sotto/simulate.h>
#include <stdio.h>
#include <string.h>

static const struct sotto_strategy local_strategy = {
    .min_clients = SOTTO_PLAN_MIN_CLIENTS,
    .max_clients = SOTTO_PLAN_MIN_CLIENTS,
    .wait_timeout_s = 60,
    .connection_timeout_s = 60,
};

/* The one party. */
struct party {
    const struct sotto_plan *plan;
    struct tables tables;
    struct sotto_rehearsal *rehearsal; /* of the rules that are tried; NULL: none are */
};

/* The rows that one party would contribute, by the rules that are tried. */
static enum sotto_status contribute(const struct sotto_driver *driver, uint64_t *limbs,
                                    size_t limbs_len, const struct party *party,
                                    struct tried_rules *tried, struct sotto_error *err)
{
    if (party->rehearsal == NULL) {
        return sotto_driver_contribute(driver, limbs, limbs_len, NULL, party->tables.sources, NULL,
                                       err);
    }
    enum sotto_status status = sotto_rehearsal_contribute(
        party->rehearsal, limbs, limbs_len, driver, party->plan, party->tables.sources, err);
    tried->refused = sotto_rehearsal_refused(party->rehearsal);
    return status;
}

static enum sotto_status run_round(struct sotto_driver *driver, const struct party *party,
                                   struct tried_rules *tried, struct sotto_error *err)
{
    size_t limbs_len = sotto_driver_limbs_len(driver);
    uint64_t *limbs = sotto_alloc_array(limbs_len + 1, sizeof *limbs);
    if (limbs == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = SOTTO_OK;
    const struct tables *tables = &party->tables;
    bool surveyed = tables->len == 1 && !tried->is_given && tables->surveys[0] != NULL &&
                    sotto_survey_partial(tables->surveys[0], driver, limbs, limbs_len);
    if (!surveyed) {
        status = contribute(driver, limbs, limbs_len, party, tried, err);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    status = sotto_driver_advance(driver, limbs, limbs_len, err);
out:
    sotto_free(limbs);
    return status;
}

/* Runs all rounds with one party, whose partial is the aggregate. */
static enum sotto_status run_rounds(struct sotto_driver *driver, const struct party *party,
                                    struct tried_rules *tried, struct sotto_error *err)
{
    while (sotto_driver_round(driver) != 0) {
        enum sotto_status status = run_round(driver, party, tried, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static void print_line(void *context, const char *text)
{
    (void)context;
    (void)fprintf(stderr, "sotto: %s\n", text);
}

/* Says which values are in the way of a party's types: before the error that they led to. What
 * can't be said is left out. files: by the plan's datasets. */
static void tell_misfits(const struct sotto_plan *plan, struct sotto_csv *const *files)
{
    size_t len = sotto_plan_datasets_len(plan);
    struct sotto_catalogue **catalogues = sotto_alloc_array(len + 1, sizeof *catalogues);
    enum sotto_status status = catalogues != NULL ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
    for (size_t i = 0; i < len && status == SOTTO_OK; i++) {
        status = files[i] != NULL ? sotto_csv_catalogue(files[i], &catalogues[i], NULL) : SOTTO_OK;
    }
    if (status == SOTTO_OK) {
        status = sotto_schema_tell_misfits(
            plan, files, (const struct sotto_catalogue *const *)catalogues, print_line, NULL, NULL);
    }
    (void)status;
    for (size_t i = 0; catalogues != NULL && i < len; i++) {
        sotto_catalogue_free(catalogues[i]);
    }
    sotto_free(catalogues);
}

static enum sotto_status run_plan(char **out_json, const char *plan_json,
                                  const struct data_options *data, const struct args *args,
                                  struct tried_rules *tried, struct sotto_error *err)
{
    static const struct sotto_result_parties parties = {.invited = 1, .joined = 1, .survived = 1};
    struct sotto_plan *plan = NULL;
    struct party party = {0};
    struct sotto_schema offer = {0};
    struct sotto_schema agreed = {0};
    struct sotto_driver *driver = NULL;
    struct reading *reading = NULL;
    enum sotto_status status = sotto_plan_parse(&plan, plan_json, strlen(plan_json), err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = tables_open(&party.tables, plan, data, args, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    reading = reading_show(party.tables.files, party.tables.len, 2);
    status = tables_survey(&party.tables, plan, args, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_source_offer(&offer, plan, party.tables.sources, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_schema_check_words(plan, &offer, party.tables.files, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_schema_agree(&agreed, plan, &offer, NULL, 1, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_driver_new(&driver, plan, &agreed, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    party.plan = plan;
    if (tried->is_given) {
        offer.rules = sotto_rules_offered(&tried->rules);
        status = sotto_rehearsal_new(&party.rehearsal, &tried->rules, 0, err);
    }
    if (status != SOTTO_OK) {
        goto out;
    }
    status = run_rounds(driver, &party, tried, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_driver_result(driver, out_json, &parties, &offer, 1, err);
out:
    reading_end(reading);
    if (status == SOTTO_ERROR_TYPE) {
        tell_misfits(plan, party.tables.files);
    }
    sotto_driver_free(driver);
    sotto_schema_release(&agreed);
    sotto_schema_release(&offer);
    sotto_rehearsal_free(party.rehearsal);
    tables_release(&party.tables);
    sotto_plan_free(plan);
    return status;
}

int cmd_local(const struct args *args)
{
    bool is_by_place = args->data_len == 0;
    size_t files_len = is_by_place ? args->positional_len : args->data_len;
    if (files_len == 0 || args->outputs_len == 0 || (!is_by_place && args->positional_len > 0)) {
        return command_usage("expected: sotto local FILE... -- EXPRESSION..., with -- before the "
                             "expressions, or --data ALIAS=FILE for each file");
    }
    const char *const *files =
        is_by_place ? (const char *const *)args->positional : (const char *const *)args->data;
    struct sotto_error err = {0};
    struct data_options data = {0};
    struct tried_rules tried;
    char *plan_json = NULL;
    char *result = NULL;
    enum sotto_status status = tried_rules_init(&tried, args, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = data_options_parse(&data, files, files_len, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = compose_plan(&plan_json, &data, args, &local_strategy, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = run_plan(&result, plan_json, &data, args, &tried, &err);
out:
    sotto_free(plan_json);
    data_options_release(&data);
    if (status != SOTTO_OK) {
        sotto_free(result);
        return tried_rules_failed(&tried, args, &err);
    }
    struct print_style style = args_style(args);
    int code = print_result(result, strlen(result), &style);
    sotto_free(result);
    return code;
}

/* --- simulate --- */

static void print_log(void *context, const char *line)
{
    (void)context;
    (void)fprintf(stderr, "%s\n", line);
}

/* What each party has: a file, or rows of a location. */
struct simulated {
    struct sotto_csv **files;
    struct source_rows *rows;
    const struct sotto_table **tables; /* of rows */
    size_t len;
};

static void simulated_release(struct simulated *simulated)
{
    for (size_t i = 0; i < simulated->len; i++) {
        sotto_csv_close(simulated->files[i]);
        source_rows_release(&simulated->rows[i]);
    }
    sotto_free(simulated->files);
    sotto_free(simulated->rows);
    sotto_free(simulated->tables);
}

/* Ownership: *out is ended by simulated_release, also on failure. */
static enum sotto_status simulated_open(struct simulated *out, const struct sotto_plan *plan,
                                        const struct args *args, struct sotto_error *err)
{
    size_t len = args->positional_len;
    out->files = sotto_alloc_zeroed((len + 1) * sizeof *out->files);
    out->rows = sotto_alloc_zeroed((len + 1) * sizeof *out->rows);
    out->tables = sotto_alloc_zeroed((len + 1) * sizeof *out->tables);
    if (out->files == NULL || out->rows == NULL || out->tables == NULL) {
        return sotto_error_no_memory(err);
    }
    for (out->len = 0; out->len < len; out->len++) {
        const char *path = args->positional[out->len];
        bool is_location = source_is_location(path);
        enum sotto_status status =
            is_location ? source_read_planned(&out->rows[out->len], path, plan, 0, false, args, err)
                        : args_open_file(&out->files[out->len], path, args, err);
        if (status != SOTTO_OK) {
            return is_location ? sotto_error_prefix(err, "party %zu", out->len + 1) : status;
        }
        out->tables[out->len] = out->rows[out->len].table;
    }
    return SOTTO_OK;
}

static enum sotto_status run_simulation(char **out_json, const char *plan_json,
                                        const struct args *args, struct tried_rules *tried,
                                        struct sotto_error *err)
{
    struct simulated simulated = {0};
    struct sotto_plan *plan = NULL;
    enum sotto_status status = sotto_plan_parse(&plan, plan_json, strlen(plan_json), err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = simulated_open(&simulated, plan, args, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    struct sotto_simulation simulation = {
        .plan_json = plan_json,
        .plan_json_bytes = strlen(plan_json),
        .files = simulated.files,
        .tables = simulated.tables,
        .datasets_len = 1,
        .parties_len = simulated.len,
        .rules = tried->is_given ? &tried->rules : NULL,
        .refused = &tried->refused,
        .log = args->log ? print_log : NULL,
    };
    struct reading *reading = reading_show(simulated.files, simulated.len, 2);
    status = sotto_simulate(out_json, &simulation, err);
    reading_end(reading);
    for (size_t i = 0; status == SOTTO_ERROR_TYPE && i < simulated.len; i++) {
        tell_misfits(plan, &simulated.files[i]);
    }
out:
    simulated_release(&simulated);
    sotto_plan_free(plan);
    return status;
}

static enum sotto_status simulate_files(char **out_json, const struct args *args,
                                        struct tried_rules *tried, struct sotto_error *err)
{
    size_t len = args->positional_len;
    struct data_options data = {0};
    char *plan_json = NULL;
    struct sotto_strategy strategy = local_strategy;
    strategy.min_clients = (uint32_t)len;
    strategy.max_clients = (uint32_t)len;
    const char *first[] = {args->positional[0]};
    enum sotto_status status = data_options_parse(&data, first, 1, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = compose_plan(&plan_json, &data, args, &strategy, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = run_simulation(out_json, plan_json, args, tried, err);
out:
    sotto_free(plan_json);
    data_options_release(&data);
    return status;
}

int cmd_simulate(const struct args *args)
{
    if (args->trial.parties > 0) {
        return cmd_trial(args);
    }
    if (args->positional_len == 0 || args->outputs_len == 0) {
        return command_usage("expected: sotto simulate FILE FILE FILE... -- EXPRESSION...");
    }
    if (args_refuse(args, OPTION_TRIAL, "sotto simulate of files, without --parties,")) {
        return EXIT_USAGE;
    }
    struct sotto_error err = {0};
    struct tried_rules tried;
    char *result = NULL;
    if (tried_rules_init(&tried, args, &err) != SOTTO_OK) {
        return command_failed(&err);
    }
    if (simulate_files(&result, args, &tried, &err) != SOTTO_OK) {
        return tried_rules_failed(&tried, args, &err);
    }
    struct print_style style = args_style(args);
    int code = print_result(result, strlen(result), &style);
    sotto_free(result);
    return code;
}
