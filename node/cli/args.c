/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/print.h"

#include <errno.h>
#include <getopt.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum long_option {
    LONG_JSON = 256,
    LONG_CSV,
    LONG_LOG,
    LONG_DATA,
    LONG_CONFIG,
    LONG_NODE,
    LONG_TOKEN_FILE,
    LONG_CA,
    LONG_OUT,
    LONG_SHOW,
    LONG_LISTEN,
    LONG_NAME,
    LONG_FROM,
    LONG_MIN,
    LONG_MAX,
    LONG_WHERE,
    LONG_BY,
    LONG_WAIT_TIMEOUT,
    LONG_CONNECTION_TIMEOUT,
    LONG_PARTIES,
    LONG_ELEMENTS,
    LONG_BITS,
    LONG_DROP,
    LONG_GRAPH,
    LONG_DELIMITER,
    LONG_DECIMAL,
    LONG_NA,
    LONG_TYPE,
};

static const struct option long_options[] = {
    {"json", no_argument, NULL, LONG_JSON},
    {"csv", no_argument, NULL, LONG_CSV},
    {"log", no_argument, NULL, LONG_LOG},
    {"data", required_argument, NULL, LONG_DATA},
    {"config", required_argument, NULL, LONG_CONFIG},
    {"node", required_argument, NULL, LONG_NODE},
    {"token-file", required_argument, NULL, LONG_TOKEN_FILE},
    {"ca", required_argument, NULL, LONG_CA},
    {"out", required_argument, NULL, LONG_OUT},
    {"show", optional_argument, NULL, LONG_SHOW},
    {"listen", required_argument, NULL, LONG_LISTEN},
    {"name", required_argument, NULL, LONG_NAME},
    {"from", required_argument, NULL, LONG_FROM},
    {"min", required_argument, NULL, LONG_MIN},
    {"max", required_argument, NULL, LONG_MAX},
    {"where", required_argument, NULL, LONG_WHERE},
    {"by", required_argument, NULL, LONG_BY},
    {"wait-timeout", required_argument, NULL, LONG_WAIT_TIMEOUT},
    {"connection-timeout", required_argument, NULL, LONG_CONNECTION_TIMEOUT},
    {"parties", required_argument, NULL, LONG_PARTIES},
    {"elements", required_argument, NULL, LONG_ELEMENTS},
    {"bits", required_argument, NULL, LONG_BITS},
    {"drop", required_argument, NULL, LONG_DROP},
    {"graph", required_argument, NULL, LONG_GRAPH},
    {"delimiter", required_argument, NULL, LONG_DELIMITER},
    {"decimal", required_argument, NULL, LONG_DECIMAL},
    {"na", required_argument, NULL, LONG_NA},
    {"type", required_argument, NULL, LONG_TYPE},
    {NULL, 0, NULL, 0},
};

static unsigned option_group(int code)
{
    switch (code) {
    case LONG_JSON:
        return OPTION_JSON;
    case LONG_CSV:
        return OPTION_CSV;
    case LONG_LOG:
        return OPTION_LOG;
    case LONG_DATA:
        return OPTION_DATA;
    case LONG_CONFIG:
        return OPTION_CONFIG;
    case LONG_NODE:
    case LONG_TOKEN_FILE:
    case LONG_CA:
        return OPTION_CLIENT;
    case LONG_OUT:
        return OPTION_OUT;
    case LONG_SHOW:
        return OPTION_SHOW;
    case LONG_LISTEN:
        return OPTION_LISTEN;
    case LONG_NAME:
        return OPTION_NAME;
    case LONG_FROM:
        return OPTION_FROM;
    case LONG_WHERE:
    case LONG_BY:
        return OPTION_ROWS;
    case LONG_PARTIES:
    case LONG_ELEMENTS:
    case LONG_BITS:
    case LONG_DROP:
    case LONG_GRAPH:
        return OPTION_TRIAL;
    case LONG_DELIMITER:
    case LONG_DECIMAL:
    case LONG_NA:
    case LONG_TYPE:
        return OPTION_WORDS;
    default:
        return OPTION_STRATEGY;
    }
}

bool option_name_at(struct option_name *out, size_t index)
{
    if (index >= sizeof long_options / sizeof long_options[0] - 1) {
        return false;
    }
    const struct option *option = &long_options[index];
    *out = (struct option_name){option->name, option_group(option->val),
                                option->has_arg == required_argument};
    return true;
}

enum print_format args_format(const struct args *args)
{
    return args->json ? PRINT_JSON : args->csv ? PRINT_CSV : PRINT_TABLE;
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

/* A number that is left out is 0 in struct args, so no range begins there. */
static const struct range {
    int code;
    uint32_t least;
    uint32_t most;
    const char *why;
} ranges[] = {
    {LONG_PARTIES, 3, SOTTO_SESSION_PARTIES_MAX, ""},
    {LONG_ELEMENTS, 1, 100000000, ""},
    {LONG_BITS, 1, 54, ", so that sums fit 64 bits"},
    {LONG_MIN, SOTTO_PLAN_MIN_CLIENTS, SOTTO_PLAN_MAX_CLIENTS,
     " parties: of two each learns the other's value"},
    {LONG_MAX, SOTTO_PLAN_MIN_CLIENTS, SOTTO_PLAN_MAX_CLIENTS, " parties"},
    {LONG_WAIT_TIMEOUT, 1, SOTTO_PLAN_TIMEOUT_S_MAX, " seconds"},
    {LONG_CONNECTION_TIMEOUT, 1, SOTTO_PLAN_TIMEOUT_S_MAX, " seconds"},
};

static bool parse_count(uint32_t *out, int code, const char *name, const char *text)
{
    const struct range *range = ranges;
    while (range->code != code) {
        range++;
    }
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < range->least ||
        value > range->most) {
        (void)command_usage("--%s %s: expected a whole number from %u to %u%s", name, text,
                            range->least, range->most, range->why);
        return false;
    }
    *out = (uint32_t)value;
    return true;
}

static bool parse_fraction(double *out, const char *name, const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (text[0] < '0' || text[0] > '9' || strspn(text, "0123456789.eE+-") != strlen(text) ||
        *end != '\0' || !(value < 1)) {
        (void)command_usage("--%s %s: expected a fraction from 0 to below 1, such as 0.3", name,
                            text);
        return false;
    }
    *out = value;
    return true;
}

static bool parse_graph(enum sotto_graph_model *out, const char *name, const char *text)
{
    static const char *const models[] = {"complete", "curious", "semi-malicious"};
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        if (strcmp(text, models[i]) == 0) {
            *out = (enum sotto_graph_model)i;
            return true;
        }
    }
    (void)command_usage("--%s %s: expected complete, curious or semi-malicious", name, text);
    return false;
}

static bool take_trial_option(struct trial_options *trial, int code, const char *name,
                              const char *value)
{
    switch (code) {
    case LONG_PARTIES:
        return parse_count(&trial->parties, code, name, value);
    case LONG_ELEMENTS:
        return parse_count(&trial->elements, code, name, value);
    case LONG_BITS:
        return parse_count(&trial->bits, code, name, value);
    case LONG_DROP:
        return parse_fraction(&trial->drop, name, value);
    default:
        return parse_graph(&trial->graph, name, value);
    }
}

static void take_words_option(struct file_words *words, int code, char *value)
{
    switch (code) {
    case LONG_DELIMITER:
        words->delimiter = value;
        break;
    case LONG_DECIMAL:
        words->decimal = value;
        break;
    case LONG_NA:
        words->na[words->na_count++] = value;
        break;
    default:
        words->types[words->types_count++] = value;
        break;
    }
}

static bool take_option(struct args *args, int code, const char *name, char *value)
{
    switch (code) {
    case LONG_JSON:
        args->json = true;
        return true;
    case LONG_CSV:
        args->csv = true;
        return true;
    case LONG_LOG:
        args->log = true;
        return true;
    case LONG_DATA:
        args->data[args->data_len++] = value;
        return true;
    case LONG_CONFIG:
        args->config = value;
        return true;
    case LONG_NODE:
        args->node = value;
        return true;
    case LONG_TOKEN_FILE:
        args->token_file = value;
        return true;
    case LONG_CA:
        args->ca = value;
        return true;
    case LONG_OUT:
        args->out = value;
        return true;
    case LONG_LISTEN:
        args->listen = value;
        return true;
    case LONG_SHOW:
        args->is_shown = true;
        args->show = value;
        return true;
    case LONG_NAME:
        args->name = value;
        return true;
    case LONG_FROM:
        args->from = value;
        return true;
    case LONG_WHERE:
        args->where = value;
        return true;
    case LONG_BY:
        if (args->by_len == BY_LEN_MAX) {
            (void)command_usage("more than %d --by options", BY_LEN_MAX);
            return false;
        }
        args->by[args->by_len++] = value;
        return true;
    case LONG_MIN:
        return parse_count(&args->strategy.min_clients, code, name, value);
    case LONG_MAX:
        return parse_count(&args->strategy.max_clients, code, name, value);
    case LONG_WAIT_TIMEOUT:
        return parse_count(&args->strategy.wait_timeout_s, code, name, value);
    case LONG_CONNECTION_TIMEOUT:
        return parse_count(&args->strategy.connection_timeout_s, code, name, value);
    case LONG_DELIMITER:
    case LONG_DECIMAL:
    case LONG_NA:
    case LONG_TYPE:
        take_words_option(&args->words, code, value);
        return true;
    default:
        return take_trial_option(&args->trial, code, name, value);
    }
}

/* Options of which each one counts; of the others a second one would make the first one idle. */
static bool is_list(int code)
{
    return code == LONG_DATA || code == LONG_BY || code == LONG_NA || code == LONG_TYPE;
}

static unsigned bit_of(unsigned group)
{
    unsigned bit = 0;
    while ((group >> bit & 1) == 0) {
        bit++;
    }
    return bit;
}

bool args_refuse(const struct args *args, unsigned groups, const char *usage)
{
    for (unsigned bit = 0; bit < OPTION_GROUPS_LEN; bit++) {
        if ((groups >> bit & 1) != 0 && args->given[bit] != NULL) {
            (void)command_usage("%s takes no --%s", usage, args->given[bit]);
            return true;
        }
    }
    return false;
}

static const struct option *find_option(int code)
{
    const struct option *option = long_options;
    while (option->name != NULL && option->val != code) {
        option++;
    }
    return option;
}

bool args_parse(struct args *out, const struct command *command, int argc, char **argv)
{
    struct args args = {.name = NULL};
    uint64_t seen = 0; /* bit i: option LONG_JSON + i */
    int split = 1;
    while (split < argc && strcmp(argv[split], "--") != 0) {
        split++;
    }
    args.data = sotto_alloc_array((size_t)argc + 1, sizeof *args.data);
    args.words.na = sotto_alloc_array((size_t)argc + 1, sizeof *args.words.na);
    args.words.types = sotto_alloc_array((size_t)argc + 1, sizeof *args.words.types);
    if (args.data == NULL || args.words.na == NULL || args.words.types == NULL) {
        (void)command_usage("out of memory");
        goto failed;
    }
    if (split < argc) {
        args.outputs = argv + split + 1;
        args.outputs_len = (size_t)(argc - split - 1);
    }
    opterr = 0;
    optind = 1;
    int code;
    while ((code = getopt_long(split, argv, ":", long_options, NULL)) != -1) {
        if (code == '?' || code == ':') {
            (void)command_usage(code == ':' ? "%s needs a value; see sotto %s --help"
                                            : "unknown option %s; see sotto %s --help",
                                argv[optind - 1], command->name);
            goto failed;
        }
        const char *name = find_option(code)->name;
        if ((command->options & option_group(code)) == 0) {
            (void)command_usage("sotto %s takes no --%s; see sotto %s --help", command->name, name,
                                command->name);
            goto failed;
        }
        uint64_t bit = UINT64_C(1) << (code - LONG_JSON);
        if ((seen & bit) != 0 && !is_list(code)) {
            (void)command_usage("--%s is given twice", name);
            goto failed;
        }
        seen |= bit;
        const char **given = &args.given[bit_of(option_group(code))];
        *given = *given != NULL ? *given : name;
        if (!take_option(&args, code, name, optarg)) {
            goto failed;
        }
    }
    if (args.json && args.csv) {
        (void)command_usage("expected --json or --csv, not both");
        goto failed;
    }
    args.positional = argv + optind;
    args.positional_len = (size_t)(split - optind);
    *out = args;
    return true;
failed:
    args_release(&args);
    return false;
}

void args_release(struct args *args)
{
    sotto_free(args->data);
    sotto_free(args->words.na);
    sotto_free(args->words.types);
    *args = (struct args){0};
}

/* --- Files --- */

enum sotto_status args_open_file(struct sotto_csv **out, const char *path, const struct args *args,
                                 struct sotto_error *err)
{
    struct file_words words = args->words;
    struct file_options options;
    struct sotto_error why;
    const char *wrong = "";
    words.na = words.na_count > 0 ? words.na : NULL;
    enum sotto_status status = file_options_init(&options, &words, &wrong, &why);
    if (status != SOTTO_OK) {
        bool is_types = strcmp(wrong, "types") == 0;
        return sotto_error_set(err, status, "--%s: %s", is_types ? "type" : wrong, why.text);
    }
    status = sotto_csv_open(out, path, &options.csv, err);
    file_options_release(&options);
    return status;
}

/* --- --data --- */

/* The file name without folders and extension, as an identifier. */
static char *stem_alias(const char *file)
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

enum sotto_status data_options_parse(struct data_options *out, const char *const *data,
                                     size_t data_len, struct sotto_error *err)
{
    struct data_options options = {0};
    options.aliases = sotto_alloc_zeroed((data_len + 1) * sizeof *options.aliases);
    options.paths = sotto_alloc_zeroed((data_len + 1) * sizeof *options.paths);
    options.files = sotto_alloc_zeroed((data_len + 1) * sizeof *options.files);
    if (options.aliases == NULL || options.paths == NULL || options.files == NULL) {
        goto no_memory;
    }
    options.len = data_len;
    for (size_t i = 0; i < data_len; i++) {
        const char *equals = strchr(data[i], '=');
        const char *path = equals != NULL ? equals + 1 : data[i];
        const char *slash = strrchr(path, '/');
        options.paths[i] = path;
        options.files[i] = slash != NULL ? slash + 1 : path;
        options.aliases[i] = equals != NULL ? sotto_text_copy(data[i], (size_t)(equals - data[i]))
                                            : stem_alias(options.files[i]);
        if (options.aliases[i] == NULL) {
            goto no_memory;
        }
    }
    *out = options;
    return SOTTO_OK;
no_memory:
    data_options_release(&options);
    return sotto_error_no_memory(err);
}

void data_options_release(struct data_options *options)
{
    for (size_t i = 0; options->aliases != NULL && i < options->len; i++) {
        sotto_free(options->aliases[i]);
    }
    sotto_free(options->aliases);
    sotto_free(options->paths);
    sotto_free(options->files);
    *options = (struct data_options){0};
}

enum sotto_status compose_plan(char **out, const struct data_options *data, const struct args *args,
                               const struct sotto_strategy *strategy, struct sotto_error *err)
{
    struct sotto_plan_parts parts = {
        .name = args->name != NULL ? args->name : "sotto",
        .dataset_aliases = (const char *const *)data->aliases,
        .dataset_files = data->files,
        .datasets_len = data->len,
        .outputs = (const char *const *)args->outputs,
        .outputs_len = args->outputs_len,
        .where = args->where,
        .by = args->by,
        .by_len = args->by_len,
        .strategy = *strategy,
    };
    return sotto_plan_compose(out, &parts, err);
}
