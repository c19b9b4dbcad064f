/* SPDX-License-Identifier: Apache-2.0 */

/* The manual page and shell completion, from the tables of commands and options: what is added
 * there is there. */

#include "cli/options.h"

#include <stdio.h>
#include <string.h>

/* --- Manual page --- */

/* Prints a text for roff: backslashes and hyphens stay what they are, and no line begins like a
 * request. */
static void print_roff(const char *text)
{
    bool is_start = true;
    for (; *text != '\0'; text++) {
        if (is_start && (*text == '.' || *text == '\'')) {
            (void)fputs("\\&", stdout);
        }
        if (*text == '\\') {
            (void)fputs("\\e", stdout);
        } else if (*text == '-') {
            (void)fputs("\\-", stdout);
        } else {
            (void)putchar(*text);
        }
        is_start = *text == '\n';
    }
}

int cmd_man(const struct args *args)
{
    size_t len;
    const struct command *commands = command_table(&len);
    if (args->positional_len > 0 || args->outputs_len > 0) {
        return command_usage("expected: sotto man");
    }
    (void)puts(".TH SOTTO 1 \"\" \"sotto " SOTTO_VERSION "\" \"User Commands\"\n"
               ".SH NAME\n"
               "sotto \\- statistics over tables that stay where they are\n"
               ".SH SYNOPSIS\n"
               ".B sotto\n"
               ".I COMMAND\n"
               ".RI [ OPTION ]...\n"
               ".RI [ ARGUMENT ]...\n"
               ".SH COMMANDS");
    for (size_t i = 0; i < len; i++) {
        (void)printf(".SS sotto %s\n", commands[i].name);
        print_roff(commands[i].summary);
        (void)puts("\n.PP\n.nf");
        print_roff(commands[i].usage);
        (void)puts(".fi");
    }
    (void)puts(".SH ENVIRONMENT\n"
               ".TP\n.B SOTTO_NODE\nwhere the node's API is\n"
               ".TP\n.B SOTTO_TOKEN\nits token\n"
               ".TP\n.B SOTTO_TOKEN_FILE\nthe file that has it\n"
               ".TP\n.B SOTTO_CA\ncertificates that its https is checked against\n"
               ".TP\n.B NO_COLOR\nif set, nothing is coloured\n"
               ".SH EXIT STATUS\n"
               "0: done; 1: the task failed or was refused; 2: wrong usage; 130: Ctrl\\-C.");
    return EXIT_DONE;
}

/* --- Completion --- */

static void print_options(const struct command *command, const char *separator)
{
    struct option_name option;
    for (size_t i = 0; option_name_at(&option, i); i++) {
        if ((command->options & option.group) != 0) {
            (void)printf("--%s%s", option.name, separator);
        }
    }
}

/* Options whose value is a file. */
static const char file_options[] = "--data|--config|--token-file|--ca|--out|--show";

static void print_bash(const struct command *commands, size_t len)
{
    (void)puts(
        "# sotto completion bash\n"
        "_sotto() {\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=\n"
        "    COMPREPLY=()\n"
        "    if [ \"$COMP_CWORD\" -eq 1 ]; then");
    (void)fputs("        words=\"", stdout);
    for (size_t i = 0; i < len; i++) {
        (void)printf("%s ", commands[i].name);
    }
    (void)printf("--help\"\n"
                 "    else\n"
                 "        case \"$before\" in\n"
                 "        %s)\n"
                 "            mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
                 "            return\n"
                 "            ;;\n"
                 "        esac\n"
                 "        case \"${COMP_WORDS[1]}\" in\n",
                 file_options);
    for (size_t i = 0; i < len; i++) {
        (void)printf("        %s) words=\"", commands[i].name);
        print_options(&commands[i], " ");
        (void)puts("--help\" ;;");
    }
    (void)puts("        esac\n"
               "        if [[ $word != -* ]]; then\n"
               "            mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
               "            return\n"
               "        fi\n"
               "    fi\n"
               "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
               "}\n"
               "complete -o filenames -F _sotto sotto");
}

/* Prints a text inside '...', in which ':' would end it. */
static void print_quoted(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            (void)fputs("'\\''", stdout);
        } else if (*text == ':') {
            (void)fputs("\\:", stdout);
        } else {
            (void)putchar(*text);
        }
    }
}

static void print_zsh(const struct command *commands, size_t len)
{
    (void)puts("#compdef sotto\n"
               "# sotto completion zsh\n"
               "_sotto() {\n"
               "    local -a commands\n"
               "    commands=(");
    for (size_t i = 0; i < len; i++) {
        (void)printf("        '%s:", commands[i].name);
        print_quoted(commands[i].summary);
        (void)puts("'");
    }
    (void)puts("    )\n"
               "    if (( CURRENT == 2 )); then\n"
               "        _describe command commands\n"
               "        return\n"
               "    fi\n"
               "    case $words[2] in");
    for (size_t i = 0; i < len; i++) {
        (void)printf("    %s) [[ $PREFIX == -* ]] && compadd -- ", commands[i].name);
        print_options(&commands[i], " ");
        (void)puts("--help || _files ;;");
    }
    (void)puts("    esac\n"
               "}\n"
               "_sotto \"$@\"");
}

int cmd_completion(const struct args *args)
{
    size_t len;
    const struct command *commands = command_table(&len);
    const char *shell =
        args->positional_len == 1 && args->outputs_len == 0 ? args->positional[0] : "";
    if (strcmp(shell, "bash") == 0) {
        print_bash(commands, len);
    } else if (strcmp(shell, "zsh") == 0) {
        print_zsh(commands, len);
    } else {
        return command_usage("expected: sotto completion bash, or zsh");
    }
    return EXIT_DONE;
}

int cmd_version(const struct args *args)
{
    if (args->positional_len > 0 || args->outputs_len > 0) {
        return command_usage("expected: sotto version");
    }
    (void)puts("sotto " SOTTO_VERSION);
    return EXIT_DONE;
}
