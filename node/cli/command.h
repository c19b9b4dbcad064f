/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_COMMAND_H
#define SOTTO_NODE_COMMAND_H

/* The command line: one table (commands.c) of commands, one file for each group of them. */

#include "cli/commands.h"
#include "config/file_options.h"
#include <sotto/graph.h>
#include <sotto/plan.h>

enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1, /* the task failed or was refused */
    EXIT_USAGE = 2,
};

enum command_option {
    OPTION_JSON = 1 << 0,
    OPTION_DATA = 1 << 1,
    OPTION_CONFIG = 1 << 2,
    OPTION_CLIENT = 1 << 3, /* --node, --token-file, --ca */
    OPTION_STRATEGY = 1 << 4,
    OPTION_OUT = 1 << 5,
    OPTION_SHOW = 1 << 6,
    OPTION_LOG = 1 << 7,
    OPTION_NAME = 1 << 8,
    OPTION_TRIAL = 1 << 9, /* --parties and what goes with it */
    OPTION_ROWS = 1 << 10, /* --where, --by, --define */
    OPTION_FROM = 1 << 11,
    OPTION_LISTEN = 1 << 12,
    OPTION_CSV = 1 << 13,
    OPTION_WORDS = 1 << 14, /* --delimiter, --decimal, --na, --type */
    OPTION_EPOCH = 1 << 15,
    OPTION_TOKEN = 1 << 16, /* --role, --days */
    OPTION_POLICY = 1 << 17,
    OPTION_PEERS = 1 << 18,
    OPTION_FULL = 1 << 19,
    OPTION_TABLE = 1 << 20, /* --plot, --digits, --exact */
    OPTION_START = 1 << 21,
    OPTION_LIMIT = 1 << 22,
    OPTION_DRY = 1 << 23,
    OPTION_CODE = 1 << 24, /* --peer, --rounds */
    OPTION_KEYS = 1 << 25,
    OPTION_FORGET = 1 << 26,
    OPTION_DRIVER = 1 << 27,
    OPTION_CHECK = 1 << 28,
    OPTION_ROUND = 1 << 29, /* --plan, --round */
    OPTION_PART = 1 << 30,  /* --ask, --part, --snapshot */
};
#define OPTION_GROUPS_LEN 31
#define CONFIG_DEFAULT "node.yaml" /* in the current folder */
#define BY_LEN_MAX 2
#define DEFINITIONS_LEN_MAX 64
#define COMMANDS_MAX 64
#define GRAPH_IS_SPARSE_FROM 100

struct trial_options {
    uint32_t parties; /* 0: not given, as of the next two */
    uint32_t elements;
    uint32_t bits;
    uint32_t seed;    /* of keys and graphs; 0: the system's randomness */
    double drop;      /* fraction of the parties */
    double corrupted; /* likewise: those that a sparse graph withstands; 0: a twentieth */
    unsigned graph;   /* 0: complete, or sparse from GRAPH_IS_SPARSE_FROM parties on; else 1 more
                         than an enum sotto_graph_model */
};

struct args {
    struct trial_options trial;
    bool json, full, is_dry, has_keys, forgets, only_checks;
    bool csv, plot, exact;
    uint32_t digits; /* 0: not given */
    bool log;
    const char *config;
    const char *node;
    const char *token_file;
    const char *ca;
    const char *out;
    const char *show;
    const char *name;
    const char *from;
    const char *epoch;
    const char *peer;
    uint32_t rounds;    /* 0: not given */
    const char *peers;  /* a node.yaml whose peers are known */
    const char *policy; /* "safe", "open", or a node.yaml whose policy is meant */
    const char *listen;
    const char *api; /* PORT, or HOST:PORT */
    const char *driver;
    const char *plan;
    const char *ask;
    const char *round;
    const char *part;
    const char *snapshot;
    const char *role;
    uint32_t days;       /* 0: not given */
    uint32_t start_from; /* a task; 0: not given */
    uint32_t limit;      /* 0: not given */
    bool is_shown;       /* --show, with or without a value in show */
    struct sotto_strategy strategy;
    const char *where;
    const char *by[BY_LEN_MAX];
    size_t by_len;
    const char *definitions[DEFINITIONS_LEN_MAX];
    size_t definitions_len;
    struct file_words words;
    const char **data; /* of --data, in order */
    size_t data_len;
    char **positional; /* before "--" */
    size_t positional_len;
    char **outputs; /* after it */
    size_t outputs_len;
    const char *given[OPTION_GROUPS_LEN]; /* of each group of options the first one, or NULL */
};

struct command {
    const char *name;
    const char *label; /* in the list of commands; NULL: not listed */
    const char *summary;
    const char *usage;
    unsigned options;
    int (*run)(const struct args *args);
};

/* Returns: static storage. */
const struct command *command_table(size_t *out_len);

/* Prints "sotto: text" on standard error and gives the exit code. */
int command_usage(const char *format, ...) SOTTO_PRINTF(1, 2);
/* Prints the error's text and gives the exit code. */
int command_failed(const struct sotto_error *err);

#endif
