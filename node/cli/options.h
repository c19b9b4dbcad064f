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

/* The datasets of --data options: "wages=wages.csv" or "wages.csv", whose alias is its stem; or a
 * location of rows (source/location.h). */
struct data_options {
    char **aliases;
    const char **paths; /* as given */
    char **files;       /* their last parts */
    size_t len;
};
/* Ownership: borrows data; *out is ended by data_options_release. */
enum sotto_status data_options_parse(struct data_options *out, const char *const *data,
                                     size_t data_len, struct sotto_error *err) SOTTO_NODISCARD;
void data_options_release(struct data_options *options);

/* The plan of a command line as JSON, ended by sotto_free. */
enum sotto_status compose_plan(char **out, const struct data_options *data, const struct args *args,
                               const struct sotto_strategy *strategy,
                               struct sotto_error *err) SOTTO_NODISCARD;
/* The same of what nodes are asked: with the files that --data names, and a strategy whose options
 * are left out as sotto run --help says. */
enum sotto_status compose_question(char **out, const struct args *args,
                                   struct sotto_error *err) SOTTO_NODISCARD;
/* How files and columns are read. Returns: SOTTO_ERROR_INPUT naming the option that is wrong.
 * Ownership: *out is ended by file_options_release, before args. */
enum sotto_status args_read_words(struct file_options *out, const struct args *args,
                                  struct sotto_error *err) SOTTO_NODISCARD;
enum sotto_status args_open_file(struct sotto_csv **out, const char *path, const struct args *args,
                                 struct sotto_error *err) SOTTO_NODISCARD;

#endif
