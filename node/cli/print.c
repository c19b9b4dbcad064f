/* SPDX-License-Identifier: Apache-2.0 */

/* A result for people: values, then series, frames and groups as tables (print_table.c), what is to
 * be known about them on standard error. Leans on jansson. The idea: a result may come from another
 * node, so every text in it is made harmless before a terminal sees it. */

#include "cli/print.h"

#include <jansson.h>
#include <math.h>
#include <sotto/driver.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_P "<1e-300" /* below all doubles */
#define WHOLE_MAX 1e15    /* numbers below it that have more digits than asked for show them */

/* Writes a number as results have it, but for the ".0" of whole numbers; digits: rounded to so
 * many, or 0. */
static void format_double(char out[64], double value, unsigned digits)
{
    if (digits > 0 && isfinite(value)) {
        if (fabs(value) >= pow(10, digits) && fabs(value) < WHOLE_MAX) {
            (void)snprintf(out, 64, "%.0f", value);
        } else {
            (void)snprintf(out, 64, "%.*g", (int)digits, value);
        }
        return;
    }
    sotto_double_text(out, value);
    size_t bytes = strlen(out);
    if (bytes > 2 && strcmp(out + bytes - 2, ".0") == 0) {
        out[bytes - 2] = '\0';
    }
}

/* A text that another node may have written. */
static void format_text(char out[64], const char *text)
{
    (void)snprintf(out, 64, "%s", text);
    sotto_text_sanitize(out);
}

static void format_end(char out[64], json_t *end, const char *otherwise, unsigned digits)
{
    if (json_is_real(end)) {
        format_double(out, json_real_value(end), digits);
    } else { /* a date, or infinite */
        format_text(out, json_is_string(end) ? json_string_value(end) : otherwise);
    }
}

/* "[4096, 4351]": it is between these, both included; an end may be infinite. */
static void format_interval(char out[64], json_t *low, json_t *high, unsigned digits)
{
    char ends[2][64];
    format_end(ends[0], low, "-inf", digits);
    format_end(ends[1], high, "inf", digits);
    (void)snprintf(out, 64, "[%.29s, %.29s]", ends[0], ends[1]);
}

void print_value_text(char out[64], json_t *output, unsigned digits)
{
    json_t *value = json_object_get(output, "value");
    const char *special = json_string_value(json_object_get(output, "special"));
    if (json_is_integer(value)) {
        (void)snprintf(out, 64, "%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        format_double(out, json_real_value(value), digits);
    } else if (json_is_boolean(value)) {
        (void)snprintf(out, 64, "%s", json_is_true(value) ? "true" : "false");
    } else if (json_is_string(value)) { /* a date */
        format_text(out, json_string_value(value));
    } else if (special != NULL && strcmp(special, "interval") == 0) {
        format_interval(out, json_object_get(output, "low"), json_object_get(output, "high"),
                        digits);
    } else {
        format_text(out, special != NULL ? special : "missing");
    }
}

void print_cell_text(char out[64], json_t *output, unsigned digits)
{
    json_t *made = json_object_get(output, "nan_made");
    print_value_text(out, output, digits);
    if (made != NULL) {
        size_t at = strlen(out);
        (void)snprintf(out + at, 64 - at, "  (%lld NaN made)", (long long)json_integer_value(made));
    }
}

/* Prints a value, with its exact text where that is asked for and says more; that of a date is its
 * days. */
static void print_value(json_t *output, const struct print_style *style)
{
    char value[64];
    char cell[64];
    const char *exact = json_string_value(json_object_get(output, "exact"));
    print_value_text(value, output, style->digits);
    print_cell_text(cell, output, style->digits);
    bool is_exact = exact != NULL && strspn(exact, "0123456789./-") == strlen(exact);
    bool is_date = json_is_string(json_object_get(output, "value"));
    bool is_news = style->is_exact && is_exact && !is_date && strcmp(exact, value) != 0;
    (void)printf("%s%s%s\n", cell, is_news ? "  = " : "", is_news ? exact : "");
}

void print_level_text(char *out, size_t out_bytes, json_t *level)
{
    if (json_is_string(level)) {
        (void)snprintf(out, out_bytes, "%s", json_string_value(level));
    } else if (json_is_integer(level)) {
        (void)snprintf(out, out_bytes, "%lld", (long long)json_integer_value(level));
    } else {
        (void)snprintf(out, out_bytes, "%s", json_is_true(level) ? "true" : "false");
    }
}

/* --- Series, frames, groups --- */

/* Appends to each row of a table its total, or to the table the totals of its columns; both are
 * new. */
static json_t *add_totals(json_t *counts, json_t *row_totals, json_t *column_totals, json_t *total)
{
    json_t *out = json_deep_copy(counts);
    json_t *last = json_deep_copy(column_totals);
    size_t i;
    json_t *row;
    (void)json_array_append(last, total);
    json_array_foreach(out, i, row)
    {
        (void)json_array_append(row, json_array_get(row_totals, i));
    }
    (void)json_array_append_new(out, last);
    return out;
}

static json_t *add_total_label(json_t *labels)
{
    json_t *out = json_deep_copy(labels);
    (void)json_array_append_new(out, json_string("total"));
    return out;
}

/* Prints a table of counts with its margins, as people do. Returns: false if the fields are no such
 * table, or there are groups. */
static bool print_margins(json_t *fields, json_t *groups, unsigned digits)
{
    json_t *counts = json_object_get(fields, "counts");
    json_t *axes = json_object_get(counts, "labels");
    json_t *row_totals = json_object_get(json_object_get(fields, "row_totals"), "values");
    json_t *column_totals = json_object_get(json_object_get(fields, "column_totals"), "values");
    json_t *total = json_object_get(fields, "total");
    if (groups != NULL || json_array_size(axes) != 2 || row_totals == NULL ||
        column_totals == NULL || total == NULL) {
        return false;
    }
    json_t *values =
        add_totals(json_object_get(counts, "values"), row_totals, column_totals, total);
    json_t *rows = add_total_label(json_array_get(axes, 0));
    json_t *columns = add_total_label(json_array_get(axes, 1));
    print_frame(&(struct print_table){values, rows, columns}, digits);
    json_decref(values);
    json_decref(rows);
    json_decref(columns);
    return true;
}

/* Prints one output behind its name. groups: labels, or NULL. */
static void print_output(json_t *output, json_t *groups, const struct print_style *style)
{
    bool has_bars = style->format == PRINT_BARS;
    json_t *values = json_object_get(output, "values");
    json_t *axes = json_object_get(output, "labels");
    json_t *first = json_array_get(axes, 0);
    if (values == NULL) {
        print_value(output, style);
        return;
    }
    (void)printf("\n");
    if (has_bars && groups == NULL && json_array_size(axes) == 1 && print_bars(values, first)) {
        return;
    }
    if (groups != NULL && json_array_size(axes) == 2) {
        size_t i;
        json_t *one;
        json_array_foreach(values, i, one)
        {
            char label[64];
            print_group_text(label, json_array_get(groups, i));
            (void)printf("  %s\n", label);
            print_frame(&(struct print_table){one, first, json_array_get(axes, 1)}, style->digits);
        }
        return;
    }
    json_t *column_labels = groups != NULL ? first : json_array_get(axes, 1);
    print_frame(&(struct print_table){values, groups != NULL ? groups : first, column_labels},
                style->digits);
}

/* Says why fields have no values, of each group that has none. */
static void print_status(json_t *status, json_t *groups)
{
    char safe[512];
    size_t i;
    json_t *one;
    if (json_is_string(status)) {
        (void)snprintf(safe, sizeof safe, "%s", json_string_value(status));
        sotto_text_sanitize(safe);
        (void)printf("status  %s\n", safe);
    }
    json_array_foreach(status, i, one)
    {
        char label[64];
        if (json_is_string(one) && strcmp(json_string_value(one), "ok") != 0) {
            print_group_text(label, json_array_get(groups, i));
            (void)snprintf(safe, sizeof safe, "%s", json_string_value(one));
            sotto_text_sanitize(safe);
            (void)printf("status  %s: %s\n", label, safe);
        }
    }
}

/* Prints a regression, or one of each group behind the group's name. Returns: false, and prints
 * nothing, where the output is none. */
static bool print_fits(json_t *output, json_t *groups)
{
    size_t i;
    json_t *group;
    if (groups == NULL) {
        return print_fit(output, 0, NULL);
    }
    json_array_foreach(groups, i, group)
    {
        char label[64];
        print_group_text(label, group);
        if (!print_fit(output, i, label)) {
            return false; /* of the first group: all are of one form */
        }
    }
    return true;
}

/* Has cells that are 0 say that they are below all doubles. */
static void replace_zeros(json_t *cells)
{
    size_t i;
    json_t *one;
    json_t *value = json_object_get(cells, "value");
    if (json_is_real(value) && json_real_value(value) == 0) {
        (void)json_object_clear(cells);
        (void)json_object_set_new(cells, "special", json_string(LEAST_P));
    }
    json_array_foreach(json_is_array(cells) ? cells : json_object_get(cells, "values"), i, one)
    {
        replace_zeros(one);
    }
}

/* An output for people, who are told no probability of 0: no test gives one. Ownership: new. */
static json_t *tell_probabilities(json_t *output)
{
    static const char *const names[] = {"p", "f_p"};
    json_t *out = json_deep_copy(output);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        replace_zeros(json_object_get(json_object_get(out, "fields"), names[i]));
    }
    return out;
}

/* Prints a method's fields, each behind its name. */
static void print_fields(json_t *output, json_t *groups, const struct print_style *style)
{
    const char *name;
    json_t *field;
    struct print_style without_bars = *style;
    without_bars.format = PRINT_TABLE;
    (void)printf("\n");
    if (print_margins(json_object_get(output, "fields"), groups, style->digits)) {
        return;
    }
    print_status(json_object_get(output, "status"), groups);
    if (print_fits(output, groups)) {
        return;
    }
    json_object_foreach(json_object_get(output, "fields"), name, field)
    {
        char safe[512];
        (void)snprintf(safe, sizeof safe, "%s", name);
        sotto_text_sanitize(safe);
        (void)printf("%s  ", safe);
        print_output(field, groups, &without_bars);
    }
}

static void print_outputs(json_t *outputs, json_t *groups, const struct print_style *style)
{
    const char *name;
    json_t *output;
    int width = 0;
    json_object_foreach(outputs, name, output)
    {
        int other = print_width(name);
        width = other > width ? other : width;
    }
    json_object_foreach(outputs, name, output)
    {
        json_t *fields = json_object_get(output, "fields");
        bool is_single = fields == NULL && json_object_get(output, "values") == NULL;
        char safe[512];
        (void)snprintf(safe, sizeof safe, "%s", name);
        sotto_text_sanitize(safe);
        (void)printf("%s%*s", safe, is_single ? width - print_width(name) + 2 : 0, "");
        if (fields != NULL) {
            json_t *told = tell_probabilities(output);
            print_fields(told, groups, style);
            json_decref(told);
        } else {
            print_output(output, groups, style);
        }
    }
}

/* Says which groups parties kept back: such a result is less than it looks. */
static void print_withheld(json_t *groups)
{
    size_t i;
    json_t *parties;
    json_array_foreach(json_object_get(groups, "withheld"), i, parties)
    {
        char label[64];
        long long len = (long long)json_integer_value(parties);
        print_group_text(label, json_array_get(json_object_get(groups, "labels"), i));
        if (len > 0) {
            (void)fprintf(
                stderr,
                "group %s: withheld by %lld %s: too few rows in it, or in one that it would "
                "give away\n",
                label, len, len == 1 ? "party" : "parties");
        }
    }
}

static bool has_interval(json_t *value)
{
    const char *name;
    size_t i;
    json_t *part;
    const char *special = json_string_value(json_object_get(value, "special"));
    bool found = special != NULL && strcmp(special, "interval") == 0;
    json_object_foreach(value, name, part)
    {
        found = found || has_interval(part);
    }
    json_array_foreach(value, i, part)
    {
        found = found || has_interval(part);
    }
    return found;
}

/* Says why a quantile is an interval. */
static void print_intervals(json_t *outputs)
{
    if (has_interval(outputs)) {
        (void)fprintf(stderr, "[low, high]: the value is in it; a narrower one would tell of fewer "
                              "rows than a party's min_rows\n");
    }
}

/* Prints a text of a result, which may come from another node. */
static void print_text(const char *before, json_t *text)
{
    char safe[1024];
    (void)snprintf(safe, sizeof safe, "%s", json_is_string(text) ? json_string_value(text) : "?");
    sotto_text_sanitize(safe);
    (void)fprintf(stderr, "%s%s", before, safe);
}

#define NAMES_LEN 20 /* as many are a few lines */

/* Says who was asked, and whose rows are in the result. */
static void print_parties(json_t *parties)
{
    size_t i;
    json_t *name;
    json_t *names = json_object_get(parties, "names");
    long long invited = json_integer_value(json_object_get(parties, "invited"));
    if (invited <= 1) {
        return;
    }
    (void)fprintf(stderr, "parties: %lld invited, %lld joined, %lld survived", invited,
                  (long long)json_integer_value(json_object_get(parties, "joined")),
                  (long long)json_integer_value(json_object_get(parties, "survived")));
    json_array_foreach(names, i, name)
    {
        if (i == NAMES_LEN) {
            (void)fprintf(stderr, " and %zu more", json_array_size(names) - NAMES_LEN);
            break;
        }
        print_text(i > 0 ? ", " : ": ", name);
    }
    (void)fprintf(stderr, "\n");
}

/* Says by which rules parties judged their rows. */
static void print_rules(json_t *list)
{
    size_t i;
    json_t *rules;
    json_array_foreach(list, i, rules)
    {
        long long parties = (long long)json_integer_value(json_object_get(rules, "parties"));
        print_text("rules: profile ", json_object_get(rules, "profile"));
        (void)fprintf(stderr, ", min_rows %lld, dominance %lld, at %lld %s\n",
                      (long long)json_integer_value(json_object_get(rules, "min_rows")),
                      (long long)json_integer_value(json_object_get(rules, "dominance")), parties,
                      parties == 1 ? "party" : "parties");
    }
}

/* Prints each sentence of a list on a line of its own. */
static void print_warnings(json_t *sentences)
{
    size_t i;
    json_t *sentence;
    json_array_foreach(sentences, i, sentence)
    {
        print_text("warning: ", sentence);
        (void)fprintf(stderr, "\n");
    }
}

/* The rounds of a learning task; its weights are for programs. */
static void print_rounds(json_t *rounds, bool is_csv)
{
    size_t i;
    json_t *round;
    (void)printf(is_csv ? "%s,%s,%s,%s\n" : "%5s  %7s  %12s  %12s\n", "round", "parties", "rows",
                 "clipped");
    json_array_foreach(rounds, i, round)
    {
        (void)printf(is_csv ? "%zu,%lld,%lld,%lld\n" : "%5zu  %7lld  %12lld  %12lld\n", i + 1,
                     (long long)json_integer_value(json_object_get(round, "parties")),
                     (long long)json_integer_value(json_object_get(round, "rows")),
                     (long long)json_integer_value(json_object_get(round, "clipped")));
    }
    if (!is_csv) {
        (void)fprintf(stderr, "the weights: --json has them, as safetensors in base64\n");
    }
}

int print_result(const char *json, size_t json_bytes, const struct print_style *style)
{
    json_error_t error;
    if (style->format == PRINT_JSON) {
        (void)printf("%.*s\n", (int)json_bytes, json);
        return EXIT_DONE;
    }
    json_t *result = json_loadb(json, json_bytes, 0, &error);
    if (result == NULL) {
        (void)fprintf(stderr, "sotto: the result is not JSON: %s\n", error.text);
        return EXIT_FAILED;
    }
    json_t *groups = json_object_get(result, "groups");
    if (json_object_get(result, "weight") != NULL) {
        print_rounds(json_object_get(result, "rounds"), style->format == PRINT_CSV);
    } else if (style->format == PRINT_CSV) {
        print_csv(result);
    } else {
        print_outputs(json_object_get(result, "outputs"), json_object_get(groups, "labels"), style);
    }
    print_intervals(json_object_get(result, "outputs"));
    print_withheld(groups);
    print_parties(json_object_get(result, "parties"));
    print_rules(json_object_get(result, "rules"));
    print_warnings(json_object_get(result, "conversions"));
    print_warnings(json_object_get(result, "warnings"));
    json_decref(result);
    return EXIT_DONE;
}
