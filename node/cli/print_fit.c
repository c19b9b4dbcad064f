/* SPDX-License-Identifier: Apache-2.0 */

/* A regression as R and statsmodels print it: a row for each coefficient, and below the table what
 * is known of all of them; of a model of levels a table for each level. Leans on print.c for texts
 * of labels. The idea: numbers of one scale have their points below each other, so they are shown
 * to the same decimals, as many as give the smallest standard error four digits; --json has all
 * digits. */

#include "cli/print.h"

#include <jansson.h>
#include <math.h>
#include <sotto/alloc.h>
#include <sotto/status.h>
#include <stdio.h>
#include <string.h>

#define PAGE_COLUMNS 80
#define NUMBER_COLUMNS 11 /* of a coefficient, an error or a bound */
#define DIGITS 4          /* of the smallest standard error */
#define DECIMALS_MAX 8
#define CELL_BYTES 32
#define FACT_COLUMNS 36
#define FACT_BYTES 192

enum { COEFFICIENT, ERROR, STATISTIC, P, LOW, HIGH, COLUMNS_LEN };

/* The fields of the table. Of t and statistic there is one. */
static const char *const names[COLUMNS_LEN][2] = {
    [COEFFICIENT] = {"coefficients"},
    [ERROR] = {"standard_errors"},
    [STATISTIC] = {"t", "statistic"},
    [P] = {"p"},
    [LOW] = {"low"},
    [HIGH] = {"high"},
};

/* A regression, of all rows or of a group. Borrows everything. */
struct fit {
    json_t *fields;
    json_t *options;
    bool is_grouped;
    size_t group;
    json_t *reference; /* of a model of levels what these are held against; else NULL */
    json_t *levels;    /* likewise the first axis */
    size_t level;
    json_t *labels;
    json_t *columns[COLUMNS_LEN]; /* lists as long as labels */
};

/* --- Reading a result, which may come from another node --- */

/* What a field says of the fit's rows: a value or a list of them. */
static json_t *find_values(const struct fit *fit, json_t *field)
{
    json_t *values = json_object_get(field, "values");
    if (fit->is_grouped) {
        return json_array_get(values, fit->group);
    }
    return values != NULL ? values : field;
}

static bool read_column(struct fit *fit, size_t column)
{
    json_t *field = json_object_get(fit->fields, names[column][0]);
    if (field == NULL && names[column][1] != NULL) {
        field = json_object_get(fit->fields, names[column][1]);
    }
    json_t *values = find_values(fit, field);
    values = fit->levels != NULL ? json_array_get(values, fit->level) : values;
    fit->columns[column] = values;
    return json_is_array(values) && json_array_size(values) == json_array_size(fit->labels) &&
           json_is_object(json_array_get(values, 0));
}

static bool read_columns(struct fit *fit)
{
    bool has_all = true;
    for (size_t column = 0; column < COLUMNS_LEN; column++) {
        has_all = read_column(fit, column) && has_all;
    }
    return has_all;
}

static bool read_fit(struct fit *out, json_t *output, size_t group, bool is_grouped)
{
    *out = (struct fit){.fields = json_object_get(output, "fields"),
                        .options = json_object_get(output, "options"),
                        .reference = json_object_get(output, "reference"),
                        .is_grouped = is_grouped,
                        .group = group};
    json_t *coefficients = json_object_get(out->fields, names[COEFFICIENT][0]);
    json_t *axes = json_object_get(coefficients, "labels");
    size_t axes_len = json_array_size(axes);
    out->levels = axes_len == 2 ? json_array_get(axes, 0) : NULL;
    out->labels = json_array_get(axes, axes_len == 2 ? 1 : 0);
    return (axes_len == 1 || axes_len == 2) && read_columns(out);
}

/* Returns: NaN where there is no number. */
static double read_number(json_t *value)
{
    json_t *number = json_object_get(value, "value");
    return json_is_number(number) ? json_number_value(number) : (double)NAN;
}

/* --- Texts of numbers --- */

static const size_t scaled[] = {COEFFICIENT, ERROR, LOW, HIGH};
#define SCALED_LEN (sizeof scaled / sizeof scaled[0])

/* How many decimals all numbers of the table are shown to; -1: they are of too many scales. */
static int find_decimals(const struct fit *fit)
{
    double least = (double)INFINITY;
    double most = 0;
    size_t len = json_array_size(fit->labels);
    for (size_t i = 0; i < SCALED_LEN * len; i++) {
        size_t column = scaled[i / len];
        double size = fabs(read_number(json_array_get(fit->columns[column], i % len)));
        most = size > most ? size : most; /* not of NaN */
        least = column == ERROR && size > 0 && size < least ? size : least;
    }
    if (!isfinite(least) || !isfinite(most)) {
        return -1;
    }
    int decimals = DIGITS - 1 - (int)floor(log10(least));
    decimals = decimals > 0 ? decimals : 0;
    int columns = 3 + decimals + (int)floor(log10(most > 1 ? most : 1)); /* a sign, and a point */
    return decimals <= DECIMALS_MAX && columns <= NUMBER_COLUMNS ? decimals : -1;
}

/* decimals: -1 for five digits, wherever the point is. */
static void write_number(char out[CELL_BYTES], json_t *value, int decimals)
{
    double number = read_number(value);
    if (!isfinite(number)) {
        char text[64];
        print_value_text(text, value, 0);
        (void)snprintf(out, CELL_BYTES, "%.20s", text);
    } else if (decimals < 0) {
        (void)snprintf(out, CELL_BYTES, "%.5g", number);
    } else {
        (void)snprintf(out, CELL_BYTES, "%.*f", decimals, number);
    }
}

/* One that is below all doubles comes as a text. */
static void write_p(char out[CELL_BYTES], json_t *value)
{
    double number = read_number(value);
    if (number >= 0.001) {
        (void)snprintf(out, CELL_BYTES, "%.4f", number);
    } else if (number < 0.001) {
        (void)snprintf(out, CELL_BYTES, "%.2e", number);
    } else {
        write_number(out, value, -1);
    }
}

static void write_statistic(char out[CELL_BYTES], json_t *value)
{
    write_number(out, value, fabs(read_number(value)) < 1e5 ? 3 : -1);
}

static void write_cell(char out[CELL_BYTES], const struct fit *fit, size_t column, size_t row,
                       int decimals)
{
    json_t *value = json_array_get(fit->columns[column], row);
    if (column == P) {
        write_p(out, value);
    } else if (column == STATISTIC) {
        write_statistic(out, value);
    } else {
        write_number(out, value, decimals);
    }
}

/* --- The table --- */

/* Whether the statistic is held against the normal, not against t. */
static bool is_z(const struct fit *fit)
{
    const char *family = json_string_value(json_object_get(fit->options, "family"));
    bool is_known =
        family != NULL && (strcmp(family, "binomial") == 0 || strcmp(family, "poisson") == 0);
    return is_known || fit->levels != NULL;
}

static void write_heads(char heads[COLUMNS_LEN][CELL_BYTES], const struct fit *fit)
{
    json_t *level = json_object_get(fit->options, "level");
    double tail = (100 - (json_is_integer(level) ? json_number_value(level) : 95)) / 2;
    char statistic = is_z(fit) ? 'z' : 't';
    (void)snprintf(heads[COEFFICIENT], CELL_BYTES, "coef");
    (void)snprintf(heads[ERROR], CELL_BYTES, "std err");
    (void)snprintf(heads[STATISTIC], CELL_BYTES, "%c", statistic);
    (void)snprintf(heads[P], CELL_BYTES, "P>|%c|", statistic);
    (void)snprintf(heads[LOW], CELL_BYTES, "%g %%", tail);
    (void)snprintf(heads[HIGH], CELL_BYTES, "%g %%", 100 - tail);
}

static int find_width(char cells[][COLUMNS_LEN][CELL_BYTES], size_t rows, size_t column)
{
    int width = 0;
    for (size_t row = 0; row < rows; row++) {
        int other = (int)strlen(cells[row][column]);
        width = other > width ? other : width;
    }
    return width;
}

static void write_label(char out[64], json_t *label)
{
    print_level_text(out, 64, label);
    sotto_text_sanitize(out);
}

/* The columns of the widest label that is no wider than max. */
static int find_label_width(json_t *labels, int max)
{
    size_t i;
    json_t *label;
    int width = 0;
    json_array_foreach(labels, i, label)
    {
        char text[64];
        write_label(text, label);
        int other = print_width(text);
        width = other > width && other <= max ? other : width;
    }
    return width;
}

/* A label that leaves no room for its numbers has a line of its own. label: NULL for the heads. */
static void print_row(char cells[COLUMNS_LEN][CELL_BYTES], const int widths[COLUMNS_LEN],
                      json_t *label, int label_width)
{
    char text[64] = "";
    if (label != NULL) {
        write_label(text, label);
    }
    bool is_alone = print_width(text) > label_width;
    (void)printf("  %s%s%*s", text, is_alone ? "\n  " : "",
                 label_width - (is_alone ? 0 : print_width(text)), "");
    for (size_t column = 0; column < COLUMNS_LEN; column++) {
        (void)printf("  %*s", widths[column], cells[column]);
    }
    (void)printf("\n");
}

static void print_table(const struct fit *fit)
{
    size_t rows = json_array_size(fit->labels);
    char(*cells)[COLUMNS_LEN][CELL_BYTES] = sotto_alloc_array(rows + 1, sizeof *cells);
    int widths[COLUMNS_LEN];
    int left = PAGE_COLUMNS - 2;
    if (cells == NULL) {
        (void)fprintf(stderr, "sotto: out of memory\n");
        return;
    }
    write_heads(cells[0], fit);
    int decimals = find_decimals(fit);
    for (size_t column = 0; column < COLUMNS_LEN; column++) {
        for (size_t row = 0; row < rows; row++) {
            write_cell(cells[row + 1][column], fit, column, row, decimals);
        }
        widths[column] = find_width(cells, rows + 1, column);
        left -= widths[column] + 2;
    }
    int label_width = find_label_width(fit->labels, left);
    print_row(cells[0], widths, NULL, label_width);
    for (size_t row = 0; row < rows; row++) {
        print_row(cells[row + 1], widths, json_array_get(fit->labels, row), label_width);
    }
    sotto_free(cells);
}

static void print_tables(struct fit *fit)
{
    if (fit->levels == NULL) {
        print_table(fit);
    }
    for (; fit->level < json_array_size(fit->levels) && read_columns(fit); fit->level++) {
        char text[64];
        write_label(text, json_array_get(fit->levels, fit->level));
        (void)printf("%s  %s\n", fit->level > 0 ? "\n" : "", text);
        print_table(fit);
    }
}

/* --- What is known of all coefficients --- */

/* Writes "null deviance  41.183", filled up to two columns of a page. */
static void write_fact(char out[FACT_BYTES], const char *name, json_t *value)
{
    char label[64];
    char text[64];
    double number = read_number(value);
    (void)snprintf(label, sizeof label, "%s", name);
    for (char *c = strchr(label, '_'); c != NULL; c = strchr(c, '_')) {
        *c = ' ';
    }
    if (json_is_string(value)) {
        (void)snprintf(text, sizeof text, "%s", json_string_value(value));
    } else if (json_is_real(json_object_get(value, "value"))) {
        (void)snprintf(text, sizeof text, "%.6g", number);
    } else {
        print_value_text(text, value, 0);
    }
    sotto_text_sanitize(label);
    sotto_text_sanitize(text);
    int blanks = FACT_COLUMNS - print_width(label) - print_width(text);
    (void)snprintf(out, FACT_BYTES, "%s%*s%s", label, blanks > 2 ? blanks : 2, "", text);
}

static void print_facts(const struct fit *fit)
{
    char facts[32][FACT_BYTES];
    size_t len = 0;
    const char *name;
    json_t *field;
    const char *family = json_string_value(json_object_get(fit->options, "family"));
    const char *link = json_string_value(json_object_get(fit->options, "link"));
    json_t *both = family != NULL && link != NULL ? json_sprintf("%s (%s)", family, link) : NULL;
    if (both != NULL) {
        write_fact(facts[len++], "family", both);
    }
    json_decref(both);
    if (json_is_string(fit->reference)) {
        write_fact(facts[len++], "reference", fit->reference);
    }
    json_object_foreach(fit->fields, name, field)
    {
        json_t *value = find_values(fit, field);
        if (json_is_object(value) && len < sizeof facts / sizeof facts[0]) {
            write_fact(facts[len++], name, value);
        }
    }
    size_t lines = (len + 1) / 2;
    for (size_t i = 0; i < lines; i++) {
        bool has_second = lines + i < len;
        (void)printf("  %s%s%s\n", facts[i], has_second ? "    " : "",
                     has_second ? facts[lines + i] : "");
    }
}

bool print_fit(json_t *output, size_t group, const char *name)
{
    struct fit fit;
    if (!read_fit(&fit, output, group, name != NULL)) {
        return false;
    }
    if (name != NULL) {
        (void)printf("%s%s\n", group > 0 ? "\n" : "", name);
    }
    print_tables(&fit);
    (void)printf("\n");
    print_facts(&fit);
    return true;
}
