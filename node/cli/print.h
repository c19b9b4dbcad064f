/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_PRINT_H
#define SOTTO_NODE_PRINT_H

/* Results for people (print.c, print_table.c, print_bars.c, print_fit.c) and for programs
 * (print_csv.c). */

#include "cli/command.h"

enum print_format { PRINT_TABLE, PRINT_JSON, PRINT_CSV, PRINT_BARS };
/* How people see numbers. */
struct print_style {
    enum print_format format;
    unsigned digits; /* that numbers are rounded to; 0: all, in tables as many as fit a terminal */
    bool is_exact;   /* fractions too */
};
/* What --json, --csv, --plot, --digits and --exact ask for. */
struct print_style args_style(const struct args *args);

/* Prints a result document (engine/PLAN.md, "Results"). Returns: the exit code. */
int print_result(const char *json, size_t json_bytes, const struct print_style *style);
/* print_csv.c: a line for each value. */
struct json_t;
void print_csv(struct json_t *result);
/* print_bars.c: a line with a bar for each count. Returns: false, and prints nothing, where values
 * are no counts, or all 0. */
bool print_bars(struct json_t *values, struct json_t *labels);
/* print_fit.c: a regression, of a group below its name, or of all rows (name: NULL). Returns:
 * false, and prints nothing, where the output is no such thing. */
bool print_fit(struct json_t *output, size_t group, const char *name);
/* print_table.c: values of rows, each a value or with column_labels a list of them. row_labels may
 * be NULL. */
struct print_table {
    struct json_t *values;
    struct json_t *row_labels;
    struct json_t *column_labels;
};
void print_frame(const struct print_table *what, unsigned digits);
/* The labels of a group, made harmless: "R&D, north" for two keys. */
void print_group_text(char out[64], struct json_t *group);
/* How many columns a text takes: its characters, not its bytes. */
int print_width(const char *text);
/* A value as text, "NaN", "inf", "-inf" or "missing" among them. digits: as in print_style. */
void print_value_text(char out[64], struct json_t *output, unsigned digits);
/* The same, and how many NaN were made. */
void print_cell_text(char out[64], struct json_t *output, unsigned digits);
/* A label of a group: a text, a number, or true or false. */
void print_level_text(char *out, size_t out_bytes, struct json_t *level);

#endif
