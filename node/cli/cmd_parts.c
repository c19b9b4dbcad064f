/* SPDX-License-Identifier: Apache-2.0 */

/* sotto partial, merge and advance: a party's contribution in parts, from round to round. Leans on
 * sotto/part.h, which does it all, and on sotto/tally.h where a node has a ledger. The idea: each
 * command reads files and writes one, and keeps nothing, so that whatever starts programs on many
 * machines can run them. */

#include "cli/options.h"
#include "cli/print.h"
#include "cli/reading.h"
#include "cli/rules.h"
#include "cli/source.h"
#include "cli/tables.h"
#include "config/keys.h"
#include "source/location.h"

#include <sotto/alloc.h>
#include <sotto/tally.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PART_BYTES_MAX ((size_t)1 << 32)
#define ROUND_BYTES_MAX ((size_t)1 << 32)
/* Parts that are in memory at a time. */
#define BATCH_LEN 32

/* --- Files --- */

/* Writes to --out, or to standard output, which must be no terminal. */
static enum sotto_status write_bytes(const struct args *args, const void *data, size_t data_bytes,
                                     struct sotto_error *err)
{
    if (args->out != NULL) {
        return file_replace(args->out, data, data_bytes, err);
    }
    if (isatty(STDOUT_FILENO)) {
        return sotto_error_set(err, SOTTO_ERROR_IO,
                               "expected a file for the part, found a terminal: --out FILE, or "
                               "> FILE");
    }
    bool done = fwrite(data, 1, data_bytes, stdout) == data_bytes && fflush(stdout) == 0;
    return done ? SOTTO_OK
                : sotto_error_set(err, SOTTO_ERROR_IO, "standard output: writing failed");
}

/* The round that --plan and --round say. */
static enum sotto_status read_round(struct sotto_round **out, const struct args *args,
                                    struct sotto_error *err)
{
    char *plan = NULL;
    char *text = NULL;
    size_t plan_bytes = 0;
    size_t text_bytes = 0;
    enum sotto_status status = file_read(args->plan, &plan, &plan_bytes, SOTTO_PLAN_BYTES_MAX, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (args->round == NULL) {
        status = sotto_round_new(out, plan, plan_bytes, err);
        goto out;
    }
    status = file_read(args->round, &text, &text_bytes, ROUND_BYTES_MAX, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_round_read(out, plan, plan_bytes, text, text_bytes, err);
    if (status != SOTTO_OK) {
        status = sotto_error_prefix(err, "%s", args->round);
    }
out:
    sotto_free(text);
    sotto_free(plan);
    return status;
}

/* The round that a node asks, NULL for the catalogue. */
static enum sotto_status read_ask(struct sotto_round **out, uint32_t *out_min_rows,
                                  const struct args *args, struct sotto_error *err)
{
    char *text = NULL;
    size_t text_bytes = 0;
    enum sotto_status status = file_read(args->ask, &text, &text_bytes, ROUND_BYTES_MAX, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_ask_read(out, out_min_rows, text, text_bytes, err);
    sotto_free(text);
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_prefix(err, "%s", args->ask);
}

/* --- sotto partial --- */

/* Reads "3/8". Returns: false for anything else. */
static bool parse_part(struct sotto_part_place *out, const char *text)
{
    char *end = NULL;
    unsigned long part = strtoul(text, &end, 10);
    bool is_one = text[0] >= '1' && text[0] <= '9' && *end == '/' && end[1] >= '1' && end[1] <= '9';
    unsigned long len = is_one ? strtoul(end + 1, &end, 10) : 0;
    is_one = is_one && *end == '\0' && part <= len && len <= SOTTO_PARTS_MAX;
    out->part = is_one ? (uint32_t)part : 0;
    out->parts_len = is_one ? (uint32_t)len : 0;
    return is_one;
}

/* What the part is for. */
static enum sotto_status set_rules(struct sotto_part_place *out, const struct args *args,
                                   struct sotto_error *err)
{
    struct tried_rules tried;
    enum sotto_status status = tried_rules_init(&tried, args, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (!tried.is_given) {
        sotto_rules_init(&tried.rules, SOTTO_PROFILE_SAFE);
    }
    out->min_rows = tried.rules.min_rows > 0 ? (uint32_t)tried.rules.min_rows : 1;
    return SOTTO_OK;
}

/* Whether no word that a plan compares with is one for missing values: as each party sees to. */
static enum sotto_status check_words(const struct sotto_plan *plan, const struct tables *tables,
                                     struct sotto_error *err)
{
    struct sotto_schema offer = {0};
    enum sotto_status status = sotto_source_offer(&offer, plan, tables->sources, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_schema_check_words(plan, &offer, tables->files, err);
    sotto_schema_release(&offer);
    return status;
}

static enum sotto_status make_part(struct sotto_buffer *out, const struct sotto_round *round,
                                   const struct sotto_part_place *place,
                                   const struct data_options *data, const struct args *args,
                                   struct sotto_error *err)
{
    const struct sotto_plan *plan = sotto_round_plan(round);
    struct tables tables = {0};
    struct reading *reading = NULL;
    enum sotto_status status = tables_open(&tables, plan, data, args, err);
    if (status != SOTTO_OK) {
        return status;
    }
    reading = reading_show(tables.files, tables.len, 2);
    status = tables_catalogue(&tables, plan, sotto_round_is_watched(round), args, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = check_words(plan, &tables, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto_round_part(round, out, place, tables.sources, sotto_tally_parts(), err);
out:
    reading_end(reading);
    tables_release(&tables);
    return status;
}

static enum sotto_status catalogue_file(struct sotto_buffer *out,
                                        const struct sotto_part_place *place, const char *path,
                                        const struct args *args, struct sotto_error *err)
{
    struct sotto_csv *file = NULL;
    struct sotto_source *source = NULL;
    enum sotto_status status = args_open_file(&file, path, args, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_source_new_file(&source, file, NULL, err);
    if (status == SOTTO_OK) {
        status = sotto_catalogue_part(out, place, source, err);
    }
    sotto_source_free(source);
    sotto_csv_close(file);
    return status;
}

static enum sotto_status catalogue_location(struct sotto_buffer *out,
                                            const struct sotto_part_place *place, const char *path,
                                            const struct args *args, struct sotto_error *err)
{
    const struct source_wanted wanted = {.where = path, .name = path, .is_all = true};
    struct source_rows rows = {0};
    struct sotto_source *source = NULL;
    enum sotto_status status = source_read(&rows, &wanted, args, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_source_new_table(&source, rows.table, err);
    if (status == SOTTO_OK) {
        status = sotto_catalogue_part(out, place, source, err);
    }
    sotto_source_free(source);
    source_rows_release(&rows);
    return status;
}

/* Which columns there are, of whatever plan. */
static enum sotto_status make_catalogue(struct sotto_buffer *out,
                                        const struct sotto_part_place *place,
                                        const struct data_options *data, const struct args *args,
                                        struct sotto_error *err)
{
    if (data->len != 1) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected one file, as a node asks for the columns of a dataset, "
                               "found %zu",
                               data->len);
    }
    return source_is_location(data->paths[0])
               ? catalogue_location(out, place, data->paths[0], args, err)
               : catalogue_file(out, place, data->paths[0], args, err);
}

/* Each of the plan's datasets has a file; the only one needs no name. */
static enum sotto_status check_data(const struct sotto_plan *plan, const struct data_options *data,
                                    struct sotto_error *err)
{
    for (size_t i = 0; sotto_plan_datasets_len(plan) > 1 && i < sotto_plan_datasets_len(plan);
         i++) {
        const char *alias = sotto_plan_dataset_alias(plan, i);
        bool found = false;
        for (size_t j = 0; j < data->len; j++) {
            found = found || strcmp(data->aliases[j], alias) == 0;
        }
        if (!found) {
            return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                                   "dataset \"%s\": expected a file of it: --data %s=FILE", alias,
                                   alias);
        }
    }
    return data->len == sotto_plan_datasets_len(plan)
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "expected a file for each of the plan's datasets, %zu, found %zu",
                                 sotto_plan_datasets_len(plan), data->len);
}

/* Whether what is asked is said once: by a plan, or by a node. */
static bool is_asked_once(const struct args *args)
{
    return args->ask == NULL ? args->plan != NULL
                             : args->plan == NULL && args->round == NULL && args->policy == NULL;
}

/* The part of a round; NULL: of the catalogue. */
static enum sotto_status answer(struct sotto_buffer *out, const struct sotto_round *round,
                                const struct sotto_part_place *place,
                                const struct data_options *data, const struct args *args,
                                struct sotto_error *err)
{
    if (round == NULL) {
        return make_catalogue(out, place, data, args, err);
    }
    enum sotto_status status = check_data(sotto_round_plan(round), data, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return make_part(out, round, place, data, args, err);
}

int cmd_partial(const struct args *args)
{
    struct sotto_error err = {0};
    struct sotto_round *round = NULL;
    struct data_options data = {0};
    struct sotto_buffer part = {0};
    struct sotto_part_place place = {
        .part = 1, .parts_len = 1, .snapshot = args->snapshot != NULL ? args->snapshot : ""};
    bool is_by_place = args->data_len == 0;
    size_t files_len = is_by_place ? args->positional_len : args->data_len;
    if (!is_asked_once(args) || files_len == 0 || args->outputs_len > 0 ||
        (!is_by_place && args->positional_len > 0)) {
        return command_usage("expected: sotto partial --plan plan.json [--round round.json] FILE, "
                             "or --data ALIAS=FILE for each dataset; --ask FILE in place of plan, "
                             "round and policy");
    }
    if (args->part != NULL && !parse_part(&place, args->part)) {
        return command_usage("--part %s: expected which part it is, and of how many, as 3/8, at "
                             "most %d",
                             args->part, SOTTO_PARTS_MAX);
    }
    const char *const *files =
        is_by_place ? (const char *const *)args->positional : (const char *const *)args->data;
    enum sotto_status status = args->ask != NULL ? read_ask(&round, &place.min_rows, args, &err)
                                                 : read_round(&round, args, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = data_options_parse(&data, files, files_len, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = args->ask != NULL ? SOTTO_OK : set_rules(&place, args, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = answer(&part, round, &place, &data, args, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = write_bytes(args, part.data, part.data_bytes, &err);
out:
    sotto_buffer_release(&part);
    data_options_release(&data);
    sotto_round_free(round);
    return status == SOTTO_OK ? EXIT_DONE : command_failed(&err);
}

/* --- sotto merge --- */

/* Merges a batch with what was merged before it, if anything was. */
static enum sotto_status merge_batch(struct sotto_buffer *in_out, char *const *paths, size_t len,
                                     struct sotto_error *err)
{
    struct sotto_part_bytes parts[BATCH_LEN + 1];
    char *read[BATCH_LEN] = {NULL};
    size_t parts_len = 0;
    struct sotto_buffer merged = {0};
    enum sotto_status status = SOTTO_OK;
    if (in_out->data != NULL) {
        parts[parts_len++] =
            (struct sotto_part_bytes){in_out->data, in_out->data_bytes, "the parts before"};
    }
    for (size_t i = 0; i < len; i++) {
        size_t bytes = 0;
        status = file_read(paths[i], &read[i], &bytes, PART_BYTES_MAX, err);
        if (status != SOTTO_OK) {
            goto out;
        }
        parts[parts_len++] = (struct sotto_part_bytes){read[i], bytes, paths[i]};
    }
    status = sotto_part_merge(&merged, parts, parts_len, sotto_tally_parts(), err);
    if (status != SOTTO_OK) {
        goto out;
    }
    sotto_buffer_release(in_out);
    *in_out = merged;
out:
    for (size_t i = 0; i < len; i++) {
        sotto_free(read[i]);
    }
    return status;
}

int cmd_merge(const struct args *args)
{
    struct sotto_error err = {0};
    struct sotto_buffer merged = {0};
    enum sotto_status status = SOTTO_OK;
    size_t len = args->positional_len;
    if (len == 0 || args->outputs_len > 0) {
        return command_usage("expected: sotto merge PART...");
    }
    for (size_t at = 0; at < len; at += BATCH_LEN) {
        size_t batch_len = len - at < BATCH_LEN ? len - at : BATCH_LEN;
        status = merge_batch(&merged, args->positional + at, batch_len, &err);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    status = write_bytes(args, merged.data, merged.data_bytes, &err);
out:
    sotto_buffer_release(&merged);
    return status == SOTTO_OK ? EXIT_DONE : command_failed(&err);
}

/* --- sotto advance --- */

/* Writes the next round to --out. */
static enum sotto_status write_next(const struct sotto_round *round, const struct args *args,
                                    struct sotto_error *err)
{
    char *text = NULL;
    if (args->out == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "expected --out FILE: another round follows, and is written there");
    }
    enum sotto_status status = sotto_round_write(round, &text, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = file_replace(args->out, (const uint8_t *)text, strlen(text), err);
    sotto_free(text);
    return status;
}

/* Returns: the exit code. */
static int print_end(const struct sotto_round *round, const struct args *args)
{
    struct sotto_error err = {0};
    char *result = NULL;
    if (sotto_round_result(round, &result, &err) != SOTTO_OK) {
        return command_failed(&err);
    }
    struct print_style style = args_style(args);
    int code = print_result(result, strlen(result), &style);
    sotto_free(result);
    return code;
}

int cmd_advance(const struct args *args)
{
    struct sotto_error err = {0};
    struct sotto_round *round = NULL;
    struct sotto_part_bytes party = {0};
    char *bytes = NULL;
    int code = EXIT_DONE;
    if (args->plan == NULL || args->positional_len != 1 || args->outputs_len > 0) {
        return command_usage("expected: sotto advance --plan plan.json [--round round.json] "
                             "--out next.json PART");
    }
    party.name = args->positional[0];
    enum sotto_status status = read_round(&round, args, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = file_read(party.name, &bytes, &party.data_bytes, PART_BYTES_MAX, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    party.data = bytes;
    status = sotto_round_advance(round, &party, &err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (sotto_round_is_over(round)) {
        code = print_end(round, args);
    } else {
        status = write_next(round, args, &err);
    }
out:
    sotto_free(bytes);
    sotto_round_free(round);
    return status == SOTTO_OK ? code : command_failed(&err);
}
