/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_OPTIONS_H
#define SOTTO_NODE_OPTIONS_H

/* The options of the command line. */

#include "cli/command.h"

/* Reads the arguments after the command's name. Returns: false, and a line on standard error, if
 * they are not what the command takes. Ownership: ended by args_release. */
bool args_parse(struct args *out, const struct command *command, int argc, char **argv);
void args_release(struct args *args);

/* Whether options of some groups are given that a way of using a command (as "sotto run PLAN") has
 * no use for; says so on standard error. */
bool args_refuse(const struct args *args, unsigned groups, const char *usage);

/* The options of the command line. Returns: false from the last one on. */
struct option_name {
    const char *name;
    unsigned group; /* enum command_option */
    bool has_value;
};
bool option_name_at(struct option_name *out, size_t index);

#endif
