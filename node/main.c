/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <sotto/secret.h>
#include <stdio.h>
#include <string.h>

#define CLIENT_USAGE                                                                               \
    "\n"                                                                                           \
    "The node is http://127.0.0.1:6700, or what SOTTO_NODE or --node URL says. Its token is in\n"  \
    "SOTTO_TOKEN, or in the file that --token-file names. --ca FILE or SOTTO_CA: certificates\n"   \
    "that its https is checked against.\n"

#define ROWS_USAGE                                                                                 \
    "\n"                                                                                           \
    "--where 'age >= 18' takes these rows only; --by 'dept in (\"R&D\", \"Sales\", other)' "       \
    "gives\n"                                                                                      \
    "each output for each group of them, other being all others, --by 'hist(age, 0, 18, 65)' "     \
    "for\n"                                                                                        \
    "bins; --by twice: two keys.\n"

static const struct command commands[] = {
    {"local", "one table, no federation",
     "sotto local --data wages.csv [--data ALIAS=FILE]... [--where CONDITION] [--by GROUPS]...\n"
     "            [--json] -- 'm=mean(wage)'...\n" ROWS_USAGE,
     OPTION_JSON | OPTION_DATA | OPTION_ROWS, cmd_local},
    {"simulate", "every file a party, the real protocol in one process",
     "sotto simulate a.csv b.csv c.csv... [--where CONDITION] [--by GROUPS]... [--json] [--log]\n"
     "               -- 'm=mean(wage)'...\n" ROWS_USAGE
     "--log prints the aggregator's log on standard error.\n"
     "\n"
     "sotto simulate --parties N [--elements 100000] [--bits 24] [--drop 0.3]\n"
     "               [--graph complete|curious|semi-malicious]\n"
     "\n"
     "measures what one secure sum of N parties costs, step by step; --drop: the fraction\n"
     "that vanishes after dealing shares.\n",
     OPTION_JSON | OPTION_LOG | OPTION_TRIAL | OPTION_ROWS, cmd_simulate},
    {"describe", "the columns of a file, as a task reads them",
     "sotto describe wages.csv [--json]\n"
     "\n"
     "Rows, and each column's type, missing values and, of strings, different ones (up to\n"
     "100000). The file may be packed by gzip or zstd; - is standard input.\n",
     OPTION_JSON, cmd_describe},
    {"init", "make a new node here, or show what others need to know of it",
     "sotto init NAME [--listen HOST:PORT] [--data wages.csv]...\n"
     "sotto init --show [--config node.yaml]\n"
     "\n"
     "Writes a commented node.yaml, a key and the folder data into this folder and prints one\n"
     "line for the others (sotto peer add), with digits to compare by voice; --show prints it\n"
     "again. With --listen others can call the node at HOST:PORT, by TLS with a certificate of\n"
     "its own, and tasks can be created on it. --data: files below data that tasks may read.\n",
     OPTION_SHOW | OPTION_LISTEN | OPTION_DATA | OPTION_CONFIG, cmd_init},
    {"peer", "get to know another node",
     "sotto peer add TEXT [--config node.yaml]\n"
     "\n"
     "Takes the line that `sotto init` printed on the other machine into node.yaml, and prints\n"
     "its digits: compare them with the other by voice, so that nobody has changed the line on\n"
     "its way.\n",
     OPTION_CONFIG, cmd_peer},
    {"node", "run a node",
     "sotto node [--config node.yaml]\n"
     "\n"
     "Prints where it listens, and stops at SIGTERM or SIGINT.\n",
     OPTION_CONFIG, cmd_node},
    {"keygen", "make a node's key and print what others pin",
     "sotto keygen --out node.key     makes a key and prints its public part\n"
     "sotto keygen --show node.key    prints the public part of a key\n",
     OPTION_OUT | OPTION_SHOW, cmd_keygen},
    {"create", "give a plan to a node, print the task's number",
     "sotto create plan.json [--json]\n" CLIENT_USAGE, OPTION_CLIENT | OPTION_JSON, cmd_create},
    {"trace", "print the log of a task until it ends",
     "sotto trace NUMBER\n"
     "\n"
     "Exit code 1 if the task fails.\n" CLIENT_USAGE,
     OPTION_CLIENT, cmd_trace},
    {"wait", "wait in silence until a task ends",
     "sotto wait NUMBER\n"
     "\n"
     "Exit code 1 if the task fails.\n" CLIENT_USAGE,
     OPTION_CLIENT, cmd_wait},
    {"result", "print the result of a task", "sotto result NUMBER [--json]\n" CLIENT_USAGE,
     OPTION_CLIENT | OPTION_JSON, cmd_result},
    {"run", "create, trace and result in one",
     "sotto run plan.json [--json]\n"
     "sotto run --data wages=wages.csv [--min 3] [--max 3] [--name NAME] [--wait-timeout 60]\n"
     "          [--connection-timeout 60] [--where CONDITION] [--by GROUPS]... [--json]\n"
     "          -- 'm=mean(wage)'...\n" ROWS_USAGE
     "The log goes to standard error, the result to standard output.\n" CLIENT_USAGE,
     OPTION_CLIENT | OPTION_JSON | OPTION_DATA | OPTION_STRATEGY | OPTION_NAME | OPTION_ROWS,
     cmd_run},
    {"list", "the tasks of a node", "sotto list [--json]\n" CLIENT_USAGE,
     OPTION_CLIENT | OPTION_JSON, cmd_list},
    {"cancel", "end a task", "sotto cancel NUMBER\n" CLIENT_USAGE, OPTION_CLIENT, cmd_cancel},
    {"check", "what would my policy say to this plan?",
     "sotto check plan.json [--config node.yaml] [--from PEER]\n"
     "\n"
     "Says the plan in words and what each rule of policy says to it, if PEER asks (this node\n"
     "itself, if left out). Touches no data. Exit code 1 if some rule refuses.\n",
     OPTION_CONFIG | OPTION_FROM, cmd_check},
    {"asked", "what others asked of this node's owner",
     "sotto asked [--json]           what was asked, the newest first\n"
     "sotto asked NUMBER [--json]    one of them in words, and its result if it was sent here\n"
     "\n"
     "With approve: manual in node.yaml tasks of others wait here for a decision.\n" CLIENT_USAGE,
     OPTION_CLIENT | OPTION_JSON, cmd_asked},
    {"approve", "let this node take part in what was asked", "sotto approve NUMBER\n" CLIENT_USAGE,
     OPTION_CLIENT, cmd_approve},
    {"reject", "decline what was asked", "sotto reject NUMBER\n" CLIENT_USAGE, OPTION_CLIENT,
     cmd_reject},
    {"reload", "let the node read its policy again",
     "sotto reload\n"
     "\n"
     "Takes policy and files from node.yaml, as SIGHUP does. If the file is wrong the old ones\n"
     "stay.\n" CLIENT_USAGE,
     OPTION_CLIENT, cmd_reload},
    {"version", "print the version", "sotto version\n", 0, cmd_version},
};

static const size_t commands_len = sizeof commands / sizeof commands[0];

static void print_help(FILE *out)
{
    (void)fputs("sotto: statistics over tables that stay where they are\n\nusage:\n", out);
    for (size_t i = 0; i < commands_len; i++) {
        (void)fprintf(out, "  sotto %-10s %s\n", commands[i].name, commands[i].summary);
    }
    (void)fputs("\nsotto COMMAND --help says more.\n", out);
}

int cmd_version(const struct args *args)
{
    (void)args;
    (void)puts("sotto " SOTTO_VERSION);
    return EXIT_DONE;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return true;
        }
    }
    return false;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct args args;
    if (asks_for_help(argc, argv)) {
        (void)printf("%s: %s\n\n%s", command->name, command->summary, command->usage);
        return EXIT_DONE;
    }
    if (!args_parse(&args, command, argc, argv)) {
        return EXIT_USAGE;
    }
    int code = command->run(&args);
    args_release(&args);
    if (fflush(stdout) != 0) {
        return command_usage("standard output can't be written");
    }
    return code;
}

int main(int argc, char **argv)
{
    if (sotto_init() != SOTTO_OK) {
        (void)fputs("sotto: the system gives no randomness\n", stderr);
        return EXIT_FAILED;
    }
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    const char *name = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
    for (size_t i = 0; i < commands_len; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return run_command(&commands[i], argc - 1, argv + 1);
        }
    }
    if (strcmp(name, "help") == 0 || asks_for_help(argc - 1, argv + 1)) {
        print_help(stdout);
        return EXIT_DONE;
    }
    return command_usage("there is no command \"%s\"; see sotto --help", name);
}
