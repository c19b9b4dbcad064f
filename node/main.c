/* SPDX-License-Identifier: Apache-2.0 */

/* The executable: finds the command in the table of cli/commands.c, parses its arguments, runs it.
 */

#include "cli/options.h"

#include <signal.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <string.h>

static void print_help(FILE *out)
{
    size_t len;
    const struct command *commands = command_table(&len);
    (void)fputs("sotto: statistics over tables that stay where they are\n", out);
    for (size_t i = 0; i < len; i++) {
        if (commands[i].label != NULL) {
            (void)fprintf(out, "  %-15s %s\n", commands[i].label, commands[i].summary);
        }
    }
    (void)fputs("sotto help COMMAND says more\n", out);
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

static int print_usage(const struct command *command)
{
    (void)printf("%s: %s\n\n%s", command->name, command->summary, command->usage);
    return EXIT_DONE;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct args args;
    if (asks_for_help(argc, argv)) {
        return print_usage(command);
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
    (void)signal(SIGCHLD, SIG_DFL); /* ignored by who started it, nobody knows how a child ended */
    if (sotto_init() != SOTTO_OK) {
        (void)fputs("sotto: the system gives no randomness\n", stderr);
        return EXIT_FAILED;
    }
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    size_t len;
    const struct command *commands = command_table(&len);
    const char *names[COMMANDS_MAX];
    bool is_help = strcmp(argv[1], "help") == 0; /* sotto help local, as sotto local --help */
    const char *name = strcmp(argv[1], "--version") == 0 ? "version"
                       : is_help && argc > 2             ? argv[2]
                                                         : argv[1];
    for (size_t i = 0; i < len; i++) {
        names[i] = commands[i].name;
        if (strcmp(commands[i].name, name) == 0) {
            return is_help ? print_usage(&commands[i])
                           : run_command(&commands[i], argc - 1, argv + 1);
        }
    }
    if (strcmp(name, "help") == 0 || asks_for_help(argc - 1, argv + 1)) {
        print_help(stdout);
        return EXIT_DONE;
    }
    const char *nearest = sotto_text_nearest(name, names, len);
    return command_usage("there is no command \"%s\"%s%s%s; see sotto --help", name,
                         nearest != NULL ? ", did you mean \"" : "", nearest != NULL ? nearest : "",
                         nearest != NULL ? "\"?" : "");
}
