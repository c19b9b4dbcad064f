/* SPDX-License-Identifier: Apache-2.0 */

/* The options of the command line, on getopt_long: one row of a table says all that is known of an
 * option, and everything else (parsing, errors, manual, completion) reads that row. */

#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_kind {
    OPTION_IS_FLAG,     /* a bool */
    OPTION_IS_TEXT,     /* const char * */
    OPTION_IS_COUNT,    /* uint32_t, from least to most; 0 stands for "not given" */
    OPTION_IS_FRACTION, /* double, from 0 to below 1 */
    OPTION_IS_WORD,     /* an int, the index among words */
    OPTION_IS_LIST,     /* each one counts, and add() keeps it */
    OPTION_IS_SHOWN,    /* a text that may be left out: --show or --show=NAME */
};

struct option_row {
    const char *name;
    unsigned group; /* enum command_option */
    enum option_kind kind;
    size_t offset; /* in struct args, of what the kind says */
    bool (*add)(struct args *args, const char *value);
    const char *const *words; /* ended by NULL */
    uint32_t least;
    uint32_t most;
    const char *unit; /* after the range in an error */
};

/* --- Lists --- */

static bool add_data(struct args *args, const char *value)
{
    args->data[args->data_len++] = value;
    return true;
}

static bool add_by(struct args *args, const char *value)
{
    if (args->by_len == BY_LEN_MAX) {
        (void)command_usage("more than %d --by options", BY_LEN_MAX);
        return false;
    }
    args->by[args->by_len++] = value;
    return true;
}

static bool add_definition(struct args *args, const char *value)
{
    if (args->definitions_len == DEFINITIONS_LEN_MAX) {
        (void)command_usage("more than %d --define options", DEFINITIONS_LEN_MAX);
        return false;
    }
    args->definitions[args->definitions_len++] = value;
    return true;
}

/* libcyaml owns the words of node.yaml, so they are no const texts; those here are argv's, and only
 * read. */
static bool add_na(struct args *args, const char *value)
{
    args->words.na[args->words.na_count++] = (char *)value;
    return true;
}

static bool add_type(struct args *args, const char *value)
{
    args->words.types[args->words.types_count++] = (char *)value;
    return true;
}

/* --- The table --- */

/* Behind the first in the order of enum sotto_graph_model. */
static const char *const graphs[] = {"auto", "complete", "curious", "semi-malicious", NULL};

#define FLAG(name, group, field)                                                                   \
    {                                                                                              \
        name, group, OPTION_IS_FLAG, .offset = offsetof(struct args, field)                        \
    }
#define TEXT(name, group, field)                                                                   \
    {                                                                                              \
        name, group, OPTION_IS_TEXT, .offset = offsetof(struct args, field)                        \
    }
#define LIST(name, group, function)                                                                \
    {                                                                                              \
        name, group, OPTION_IS_LIST, .add = function                                               \
    }
#define COUNT(name, group, field, from, to, what)                                                  \
    {                                                                                              \
        name, group, OPTION_IS_COUNT, .offset = offsetof(struct args, field), .least = from,       \
                                      .most = to, .unit = what                                     \
    }

static const struct option_row rows[] = {
    FLAG("json", OPTION_JSON, json),
    FLAG("csv", OPTION_CSV, csv),
    FLAG("plot", OPTION_TABLE, plot),
    FLAG("exact", OPTION_TABLE, exact),
    COUNT("digits", OPTION_TABLE, digits, 1, 17, ""),
    FLAG("log", OPTION_LOG, log),
    LIST("data", OPTION_DATA, add_data),
    TEXT("driver", OPTION_DRIVER, driver),
    TEXT("config", OPTION_CONFIG, config),
    TEXT("node", OPTION_CLIENT, node),
    TEXT("token-file", OPTION_CLIENT, token_file),
    TEXT("ca", OPTION_CLIENT, ca),
    TEXT("out", OPTION_OUT, out),
    {"show", OPTION_SHOW, OPTION_IS_SHOWN, .offset = offsetof(struct args, show)},
    TEXT("listen", OPTION_LISTEN, listen),
    TEXT("api", OPTION_LISTEN, api),
    TEXT("name", OPTION_NAME, name),
    TEXT("from", OPTION_FROM, from),
    TEXT("epoch", OPTION_EPOCH, epoch),
    TEXT("peers", OPTION_PEERS, peers),
    FLAG("full", OPTION_FULL, full),
    COUNT("limit", OPTION_LIMIT, limit, 1, 1000, " tasks"),
    FLAG("dry-run", OPTION_DRY, is_dry),
    FLAG("keys", OPTION_KEYS, has_keys),
    FLAG("forget", OPTION_FORGET, forgets),
    FLAG("check", OPTION_CHECK, only_checks),
    TEXT("role", OPTION_TOKEN, role),
    COUNT("days", OPTION_TOKEN, days, 1, 3650, ""),
    TEXT("peer", OPTION_CODE, peer),
    COUNT("rounds", OPTION_CODE, rounds, 1, 1000000, ""),
    TEXT("policy", OPTION_POLICY, policy),
    TEXT("plan", OPTION_ROUND, plan),
    TEXT("round", OPTION_ROUND, round),
    TEXT("ask", OPTION_PART, ask),
    TEXT("part", OPTION_PART, part),
    TEXT("snapshot", OPTION_PART, snapshot),
    COUNT("start-from", OPTION_START, start_from, 1, UINT32_MAX, ", a task's number"),
    COUNT("min", OPTION_STRATEGY, strategy.min_clients, SOTTO_PLAN_MIN_CLIENTS,
          SOTTO_PLAN_MAX_CLIENTS, " parties: of two each learns the other's value"),
    COUNT("max", OPTION_STRATEGY, strategy.max_clients, SOTTO_PLAN_MIN_CLIENTS,
          SOTTO_PLAN_MAX_CLIENTS, " parties"),
    TEXT("where", OPTION_ROWS, where),
    LIST("by", OPTION_ROWS, add_by),
    LIST("define", OPTION_ROWS, add_definition),
    COUNT("wait-timeout", OPTION_STRATEGY, strategy.wait_timeout_s, 1, SOTTO_PLAN_TIMEOUT_S_MAX,
          " seconds"),
    COUNT("connection-timeout", OPTION_STRATEGY, strategy.connection_timeout_s, 1,
          SOTTO_PLAN_TIMEOUT_S_MAX, " seconds"),
    COUNT("parties", OPTION_TRIAL, trial.parties, 3, SOTTO_SESSION_PARTIES_MAX, ""),
    COUNT("elements", OPTION_TRIAL, trial.elements, 1, 100000000, ""),
    COUNT("bits", OPTION_TRIAL, trial.bits, 1, 54, ", so that sums fit 64 bits"),
    COUNT("seed", OPTION_TRIAL, trial.seed, 1, UINT32_MAX, ""),
    {"drop", OPTION_TRIAL, OPTION_IS_FRACTION, .offset = offsetof(struct args, trial.drop)},
    {"corrupted", OPTION_TRIAL, OPTION_IS_FRACTION,
     .offset = offsetof(struct args, trial.corrupted)},
    {"graph", OPTION_TRIAL, OPTION_IS_WORD, .offset = offsetof(struct args, trial.graph),
     .words = graphs},
    TEXT("format", OPTION_WORDS, words.format),
    TEXT("delimiter", OPTION_WORDS, words.delimiter),
    TEXT("decimal", OPTION_WORDS, words.decimal),
    COUNT("skip", OPTION_WORDS, words.skip, 0, FILE_LINES_MAX, " lines"),
    COUNT("footer", OPTION_WORDS, words.footer, 0, FILE_LINES_MAX, " lines"),
    TEXT("comment", OPTION_WORDS, words.comment),
    LIST("na", OPTION_WORDS, add_na),
    LIST("type", OPTION_WORDS, add_type),
};
#define ROWS_LEN (sizeof rows / sizeof rows[0])
_Static_assert(ROWS_LEN <= 64, "a bit of args_parse's `seen` for each option");

static int choose_argument(const struct option_row *row)
{
    return row->kind == OPTION_IS_FLAG    ? no_argument
           : row->kind == OPTION_IS_SHOWN ? optional_argument
                                          : required_argument;
}

bool option_name_at(struct option_name *out, size_t index)
{
    if (index >= ROWS_LEN) {
        return false;
    }
    *out = (struct option_name){rows[index].name, rows[index].group,
                                choose_argument(&rows[index]) == required_argument};
    return true;
}

/* --- Values --- */

static bool parse_count(uint32_t *out, const struct option_row *row, const char *text)
{
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < row->least ||
        value > row->most) {
        (void)command_usage("--%s %s: expected a whole number from %u to %u%s", row->name, text,
                            row->least, row->most, row->unit);
        return false;
    }
    *out = (uint32_t)value;
    return true;
}

static bool parse_fraction(double *out, const struct option_row *row, const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (text[0] < '0' || text[0] > '9' || strspn(text, "0123456789.eE+-") != strlen(text) ||
        *end != '\0' || !(value < 1)) {
        (void)command_usage("--%s %s: expected a fraction from 0 to below 1, such as 0.3",
                            row->name, text);
        return false;
    }
    *out = value;
    return true;
}

static bool parse_word(int *out, const struct option_row *row, const char *text)
{
    char expected[128] = "";
    size_t used = 0;
    for (int i = 0; row->words[i] != NULL; i++) {
        const char *before = i == 0 ? "" : row->words[i + 1] != NULL ? ", " : " or ";
        if (strcmp(text, row->words[i]) == 0) {
            *out = i;
            return true;
        }
        used += (size_t)snprintf(expected + used, sizeof expected - used, "%s%s", before,
                                 row->words[i]);
    }
    (void)command_usage("--%s %s: expected %s", row->name, text, expected);
    return false;
}

/* Returns: false, and a line on standard error, if value is not what the option takes. */
static bool take_option(struct args *args, const struct option_row *row, char *value)
{
    void *field = (char *)args + row->offset;
    switch (row->kind) {
    case OPTION_IS_FLAG:
        *(bool *)field = true;
        return true;
    case OPTION_IS_SHOWN:
        args->is_shown = true;
        *(const char **)field = value;
        return true;
    case OPTION_IS_TEXT:
        *(const char **)field = value;
        return true;
    case OPTION_IS_COUNT:
        return parse_count(field, row, value);
    case OPTION_IS_FRACTION:
        return parse_fraction(field, row, value);
    case OPTION_IS_WORD:
        return parse_word(field, row, value);
    case OPTION_IS_LIST:
        return row->add(args, value);
    }
    return false;
}

/* --- Parsing --- */

static unsigned find_bit(unsigned group)
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

/* One option that getopt found, rows[index]. in_out_seen: bit i stands for rows[i]. */
static bool parse_option(struct args *args, uint64_t *in_out_seen, const struct command *command,
                         size_t index, char *value)
{
    const struct option_row *row = &rows[index];
    uint64_t bit = UINT64_C(1) << index;
    if ((command->options & row->group) == 0) {
        (void)command_usage("sotto %s takes no --%s; see sotto %s --help", command->name, row->name,
                            command->name);
        return false;
    }
    if ((*in_out_seen & bit) != 0 && row->kind != OPTION_IS_LIST) {
        (void)command_usage("--%s is given twice", row->name);
        return false;
    }
    *in_out_seen |= bit;
    const char **given = &args->given[find_bit(row->group)];
    *given = *given != NULL ? *given : row->name;
    return take_option(args, row, value);
}

/* Says that there is no such option, and which of the command's may have been meant. */
static void refuse_option(const struct command *command, const char *said)
{
    const char *names[ROWS_LEN];
    size_t names_len = 0;
    char name[64];
    for (size_t i = 0; i < ROWS_LEN; i++) {
        if ((command->options & rows[i].group) != 0) {
            names[names_len++] = rows[i].name;
        }
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(said, "="), said);
    const char *nearest = sotto_text_nearest(name + strspn(name, "-"), names, names_len);
    if (nearest != NULL) {
        (void)command_usage("unknown option %s; did you mean --%s?", name, nearest);
    } else {
        (void)command_usage("unknown option %s; see sotto %s --help", name, command->name);
    }
}

/* Whether the argument that getopt took last has the whole name: it takes a beginning of one too,
 * which would no longer be one when another option is added. */
static bool is_whole(const char *said, const char *name)
{
    size_t bytes = strcspn(said, "=");
    return bytes == strlen(name) + 2 && strncmp(said + 2, name, bytes - 2) == 0;
}

/* All options among the len arguments of argv. */
static bool parse_options(struct args *args, const struct command *command, int len, char **argv)
{
    /* getopt's codes: 1 and on, since 0, '?' and ':' have meanings of their own. */
    enum { CODE_FIRST = 256 };
    struct option options[ROWS_LEN + 1] = {{0}};
    uint64_t seen = 0;
    int code;
    for (size_t i = 0; i < ROWS_LEN; i++) {
        options[i] =
            (struct option){rows[i].name, choose_argument(&rows[i]), NULL, CODE_FIRST + (int)i};
    }
    opterr = 0;
    optind = 1;
    while ((code = getopt_long(len, argv, ":", options, NULL)) != -1) {
        bool has_own_value = optarg != NULL && optarg == argv[optind - 1];
        const char *said = argv[optind - (has_own_value ? 2 : 1)];
        if (code == ':') {
            (void)command_usage("%s needs a value; see sotto %s --help", said, command->name);
            return false;
        }
        if (code == '?' || !is_whole(said, rows[code - CODE_FIRST].name)) {
            refuse_option(command, said);
            return false;
        }
        if (!parse_option(args, &seen, command, (size_t)(code - CODE_FIRST), optarg)) {
            return false;
        }
    }
    if (args->json + args->csv + args->plot > 1) {
        (void)command_usage("expected one of --json, --csv and --plot");
        return false;
    }
    if ((args->json || args->csv) && (args->exact || args->digits > 0)) {
        (void)command_usage(
            "--digits and --exact are for tables: --json and --csv have all digits");
        return false;
    }
    return true;
}

bool args_parse(struct args *out, const struct command *command, int argc, char **argv)
{
    struct args args = {.name = NULL};
    int split = 1;
    while (split < argc && strcmp(argv[split], "--") != 0) {
        split++;
    }
    args.data = sotto_alloc_array((size_t)argc + 1, sizeof *args.data);
    args.words.na = sotto_alloc_array((size_t)argc + 1, sizeof *args.words.na);
    args.words.types = sotto_alloc_array((size_t)argc + 1, sizeof *args.words.types);
    if (args.data == NULL || args.words.na == NULL || args.words.types == NULL) {
        (void)command_usage("out of memory");
        args_release(&args);
        return false;
    }
    if (!parse_options(&args, command, split, argv)) {
        args_release(&args);
        return false;
    }
    if (args.words.na_count == 0) {
        sotto_free(args.words.na);
        args.words.na = NULL;
    }
    if (split < argc) {
        args.outputs = argv + split + 1;
        args.outputs_len = (size_t)(argc - split - 1);
    }
    args.positional = argv + optind;
    args.positional_len = (size_t)(split - optind);
    *out = args;
    return true;
}

void args_release(struct args *args)
{
    sotto_free(args->data);
    sotto_free(args->words.na);
    sotto_free(args->words.types);
    *args = (struct args){0};
}
