/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_PRINT_H
#define SOTTO_NODE_PRINT_H

/* Results for people (print.c, print_bars.c, print_fit.c) and for programs (print_csv.c). */

#include "cli/command.h"

enum print_format { PRINT_TABLE, PRINT_JSON, PRINT_CSV, PRINT_BARS };
/* The format that --json, --csv and --plot ask for. */
enum print_format args_format(const struct args *args);

/* Prints a result document (engine/PLAN.md, "Results"). Returns: the exit code. */
int print_result(const char *json, size_t json_bytes, enum print_format format);
/* print_csv.c: a line for each value. */
struct json_t;
void print_csv(struct json_t *result);
/* print_bars.c: a line with a bar for each count. Returns: false, and prints nothing, where values
 * are no counts, or all 0. */
bool print_bars(struct json_t *values, struct json_t *labels);
/* print_fit.c: a regression, of a group below its name, or of all rows (name: NULL). Returns:
 * false, and prints nothing, where the output is no such thing. */
bool print_fit(struct json_t *output, size_t group, const char *name);
/* How many columns a text takes: its characters, not its bytes. */
int print_width(const char *text);
/* A value as text, "NaN", "inf", "-inf" or "missing" among them. */
void print_value_text(char out[64], struct json_t *output);
/* A label of a group: a text, a number, or true or false. */
void print_level_text(char *out, size_t out_bytes, struct json_t *level);

#endif
