/* SPDX-License-Identifier: Apache-2.0 */

/* What commands make of their arguments: files, datasets, a plan. Leans on options.c, which read
 * them, and on the engine, which composes the plan as JSON: there is one way to write a plan. */

#include "cli/options.h"
#include "cli/print.h"
#include "source/location.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

struct print_style args_style(const struct args *args)
{
    return (struct print_style){.format = args->json   ? PRINT_JSON
                                          : args->csv  ? PRINT_CSV
                                          : args->plot ? PRINT_BARS
                                                       : PRINT_TABLE,
                                .digits = args->digits,
                                .is_exact = args->exact};
}

int command_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("sotto: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    return EXIT_USAGE;
}

int command_failed(const struct sotto_error *err)
{
    (void)fprintf(stderr, "sotto: %s\n", err->text);
    return EXIT_FAILED;
}

/* --- Files --- */

enum sotto_status args_read_words(struct file_options *out, const struct args *args,
                                  struct sotto_error *err)
{
    struct sotto_error why;
    const char *wrong = "";
    enum sotto_status status = file_options_init(out, &args->words, &wrong, &why);
    if (status != SOTTO_OK) {
        bool is_types = strcmp(wrong, "types") == 0;
        return sotto_error_set(err, status, "--%s: %s", is_types ? "type" : wrong, why.text);
    }
    return SOTTO_OK;
}

enum sotto_status args_open_file(struct sotto_csv **out, const char *path, const struct args *args,
                                 struct sotto_error *err)
{
    struct file_options options;
    enum sotto_status status = args_read_words(&options, args, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_csv_open(out, path, &options.csv, err);
    file_options_release(&options);
    return status;
}

/* --- --data --- */

/* The alias of a file: its name without the extension, as an identifier. Returns: NULL if there is
 * no memory. */
static char *make_alias(const char *file)
{
    const char *dot = strrchr(file, '.');
    size_t bytes = dot != NULL && dot != file ? (size_t)(dot - file) : strlen(file);
    char *alias = sotto_alloc(bytes + 2);
    if (alias == NULL) {
        return NULL;
    }
    size_t used = 0;
    if (file[0] >= '0' && file[0] <= '9') {
        alias[used++] = '_';
    }
    for (size_t i = 0; i < bytes; i++) {
        char c = file[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        alias[used++] = is_word ? c : '_';
    }
    alias[used] = '\0';
    return alias;
}

static bool aliases_differ(const struct data_options *options, struct sotto_error *err)
{
    for (size_t i = 1; i < options->len; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(options->aliases[i], options->aliases[j]) == 0) {
                (void)sotto_error_set(err, SOTTO_ERROR_INPUT,
                                      "two tables are named \"%s\" in the plan: give one another "
                                      "name, such as --data b=%s",
                                      options->aliases[i], options->paths[i]);
                return false;
            }
        }
    }
    return true;
}

/* The end of an alias, which a URI has none before its "=". */
static const char *find_equals(const char *text)
{
    const char *end = text + strcspn(text, "=:?/");
    return *end == '=' ? end : NULL;
}

/* The last part of a path, or what a location of rows is called. Returns: NULL if there is no
 * memory.
 */
static char *name_file(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *file = slash != NULL ? slash + 1 : path;
    if (!source_is_location(path)) {
        return sotto_text_copy(file, strlen(file));
    }
    char *out = sotto_alloc(strlen(path) + 1);
    if (out != NULL) {
        source_location_name(out, path);
    }
    return out;
}

enum sotto_status data_options_parse(struct data_options *out, const char *const *data,
                                     size_t data_len, struct sotto_error *err)
{
    struct data_options options = {0};
    options.aliases = sotto_alloc_zeroed((data_len + 1) * sizeof *options.aliases);
    options.paths = sotto_alloc_zeroed((data_len + 1) * sizeof *options.paths);
    options.files = sotto_alloc_zeroed((data_len + 1) * sizeof *options.files);
    bool has_memory = options.aliases != NULL && options.paths != NULL && options.files != NULL;
    for (; has_memory && options.len < data_len; options.len++) {
        const char *text = data[options.len];
        const char *equals = find_equals(text);
        const char *path = equals != NULL ? equals + 1 : text;
        char *file = name_file(path);
        char *alias = equals != NULL ? sotto_text_copy(text, (size_t)(equals - text))
                      : file != NULL ? make_alias(file)
                                     : NULL;
        options.paths[options.len] = path;
        options.files[options.len] = file;
        options.aliases[options.len] = alias;
        has_memory = alias != NULL && file != NULL;
    }
    if (!has_memory) {
        data_options_release(&options);
        return sotto_error_no_memory(err);
    }
    if (!aliases_differ(&options, err)) {
        data_options_release(&options);
        return SOTTO_ERROR_INPUT;
    }
    *out = options;
    return SOTTO_OK;
}

void data_options_release(struct data_options *options)
{
    for (size_t i = 0; options->aliases != NULL && options->files != NULL && i < options->len;
         i++) {
        sotto_free(options->aliases[i]);
        sotto_free(options->files[i]);
    }
    sotto_free(options->aliases);
    sotto_free(options->paths);
    sotto_free(options->files);
    *options = (struct data_options){0};
}

#define QUESTION_NAME_BYTES 61

/* A name for who reads lists of tasks: what is asked, cut where it is long. */
static void name_question(char out[QUESTION_NAME_BYTES], const struct args *args)
{
    size_t len = 0;
    for (size_t i = 0; i < args->outputs_len && len < QUESTION_NAME_BYTES; i++) {
        len += (size_t)snprintf(out + len, QUESTION_NAME_BYTES - len, "%s%s", i > 0 ? ", " : "",
                                args->outputs[i]);
    }
    if (len >= QUESTION_NAME_BYTES) {
        len = sotto_utf8_valid_prefix(out, QUESTION_NAME_BYTES - sizeof "...");
        memcpy(out + len, "...", sizeof "...");
    }
    sotto_text_sanitize(out);
}

/* As from a variable of a script that nothing was put into. */
static enum sotto_status check_questions(const struct args *args, struct sotto_error *err)
{
    for (size_t i = 0; i < args->outputs_len; i++) {
        const char *text = args->outputs[i];
        if (text[strspn(text, " \t\n")] == '\0') {
            return sotto_error_set(err, SOTTO_ERROR_PLAN,
                                   "number %zu of what stands after -- is empty: expected what is "
                                   "asked, such as 'mean(wage)' or 'm=mean(wage)'",
                                   i + 1);
        }
    }
    return SOTTO_OK;
}

enum sotto_status compose_plan(char **out, const struct data_options *data, const struct args *args,
                               const struct sotto_strategy *strategy, struct sotto_error *err)
{
    char name[QUESTION_NAME_BYTES] = "";
    enum sotto_status status = check_questions(args, err);
    if (status != SOTTO_OK) {
        return status;
    }
    name_question(name, args);
    struct sotto_plan_parts parts = {
        .name = args->name != NULL ? args->name : name,
        .dataset_aliases = (const char *const *)data->aliases,
        .dataset_files = (const char *const *)data->files,
        .datasets_len = data->len,
        .outputs = (const char *const *)args->outputs,
        .outputs_len = args->outputs_len,
        .where = args->where,
        .definitions = args->definitions,
        .definitions_len = args->definitions_len,
        .by = args->by,
        .by_len = args->by_len,
        .strategy = *strategy,
    };
    return sotto_plan_compose(out, &parts, err);
}

enum sotto_status compose_question(char **out, const struct args *args, struct sotto_error *err)
{
    struct data_options data = {0};
    struct sotto_strategy strategy = args->strategy;
    if (strategy.min_clients == 0) {
        strategy.min_clients = SOTTO_PLAN_MIN_CLIENTS;
    }
    strategy.wait_timeout_s = strategy.wait_timeout_s == 0 ? 60 : strategy.wait_timeout_s;
    strategy.connection_timeout_s =
        strategy.connection_timeout_s == 0 ? 60 : strategy.connection_timeout_s;
    enum sotto_status status = data_options_parse(&data, args->data, args->data_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = compose_plan(out, &data, args, &strategy, err);
    data_options_release(&data);
    return status;
}
