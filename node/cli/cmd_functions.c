/* SPDX-License-Identifier: Apache-2.0 */

/* sotto functions: what can be asked, in words. Leans on the engine's table of functions; nothing
 * is known here that does not stand there. */

#include "cli/command.h"

#include <jansson.h>
#include <sotto/status.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTIONS_MAX 256
#define OPENS_BYTES 160

/* What sums leave for a function, in words. */
static void format_opens(char out[OPENS_BYTES], const struct sotto_function *function)
{
    const char *const powers[] = {"", "sum", "sum, squares", "sums up to cubes",
                                  "sums up to fourth powers"};
    const char *count = function->count ? "count" : "";
    const char *power = function->powers < 5 ? powers[function->powers] : "sums of powers";
    if (function->counts_digits) {
        (void)snprintf(out, OPENS_BYTES, "counts by digits, in up to %u rounds",
                       function->rounds_max);
    } else if (function->counts_cells) {
        (void)snprintf(out, OPENS_BYTES, "counts of rows");
    } else {
        (void)snprintf(out, OPENS_BYTES, "%s%s%s%s%s", count,
                       function->count && function->powers > 0 ? ", " : "", power,
                       function->product
                           ? (function->count || function->powers > 0 ? ", product" : "product")
                           : "",
                       function->weighted_squares
                           ? ", squares times weights, and the same with squares of weights"
                           : "");
    }
}

static void format_option(char out[200], const struct sotto_function_option *option)
{
    size_t at = 0;
    if (option->is_list) {
        (void)snprintf(out, 200, "%s=()  numbers in brackets", option->name);
        return;
    }
    if (option->is_of_rows) {
        (void)snprintf(out, 200, "%s=none  a column, or what is computed of columns", option->name);
        return;
    }
    if (option->most > 0) {
        (void)snprintf(out, 200, "%s=0  a number from 0 to %g", option->name, option->most);
        return;
    }
    if (option->words == NULL) {
        (void)snprintf(out, 200, "%s=%d  a whole number from %d to %d", option->name,
                       option->absent, option->min, option->max);
        return;
    }
    bool must_be = option->absent < option->min;
    at = (size_t)snprintf(out, 200, "%s=%s  one of ", option->name,
                          must_be ? "..." : option->words[option->absent]);
    for (int i = 0; i <= option->max && at < 200; i++) {
        at += (size_t)snprintf(out + at, 200 - at, i > 0 ? ", %s" : "%s", option->words[i]);
    }
}

/* --- One function --- */

static void print_function(const struct sotto_function *function)
{
    char opens[OPENS_BYTES];
    struct sotto_function_option option;
    (void)printf("%s\n\n%s\n", function->call, function->gives);
    for (size_t i = 0; sotto_function_option(&option, function->name, i); i++) {
        char line[200];
        format_option(line, &option);
        (void)printf("%s%s\n", i == 0 ? "\nOptions:\n  " : "  ", line);
    }
    if (function->is_of_all_rows) {
        format_opens(opens, function);
        (void)printf("\nOpens: %s\n", opens);
    } else {
        (void)printf("\nOpens nothing itself: it works on the values of a row\n");
    }
    (void)printf("\nExample:\n  sotto local --data wages.csv -- \"%s\"\n", function->example);
}

static json_t *make_object(const struct sotto_function *function)
{
    char opens[OPENS_BYTES] = "";
    struct sotto_function_option option;
    json_t *options = json_array();
    for (size_t i = 0; sotto_function_option(&option, function->name, i); i++) {
        json_t *absent = option.is_list               ? json_string("()")
                         : option.is_of_rows          ? json_string("none")
                         : option.absent < option.min ? json_null()
                         : option.words != NULL       ? json_string(option.words[option.absent])
                                                      : json_integer(option.absent);
        (void)json_array_append_new(options,
                                    json_pack("{s:s, s:o}", "name", option.name, "absent", absent));
    }
    if (function->is_of_all_rows) {
        format_opens(opens, function);
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "name", function->name, "call",
                     function->call, "gives", function->gives, "opens", opens, "example",
                     function->example, "options", options);
}

static void print_json(json_t *value)
{
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
    (void)printf("%s\n", text != NULL ? text : "null");
    free(text);
    json_decref(value);
}

/* Whether a list of words, with blanks between them, has this one. */
static bool has_word(const char *words, const char *word)
{
    size_t bytes = strlen(word);
    for (const char *at = words; at != NULL && *at != '\0'; at += strspn(at, " ")) {
        size_t here = strcspn(at, " ");
        if (here == bytes && strncmp(at, word, bytes) == 0) {
            return true;
        }
        at += here;
    }
    return false;
}

/* By its name or another one. */
static bool find_function(struct sotto_function *out, const char *name)
{
    for (size_t i = 0; sotto_function_describe(out, i); i++) {
        if (strcmp(out->name, name) == 0 || has_word(out->synonyms, name)) {
            return true;
        }
    }
    return false;
}

static int explain_function(const char *name, bool is_json)
{
    const char *names[FUNCTIONS_MAX];
    size_t len = 0;
    struct sotto_function function;
    if (find_function(&function, name)) {
        if (is_json) {
            print_json(make_object(&function));
        } else {
            print_function(&function);
        }
        return EXIT_DONE;
    }
    for (; len < FUNCTIONS_MAX && sotto_function_describe(&function, len); len++) {
        names[len] = function.name;
    }
    const char *nearest = sotto_text_nearest(name, names, len);
    return command_usage("unknown function \"%.60s\"%s%s%s; sotto functions lists all", name,
                         nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                         nearest != NULL ? "\"?" : "");
}

/* --- All of them --- */

static int find_width(void)
{
    struct sotto_function function;
    size_t width = 0;
    for (size_t i = 0; sotto_function_describe(&function, i); i++) {
        width = strlen(function.name) > width ? strlen(function.name) : width;
    }
    return (int)width;
}

static void list_functions(bool is_of_all_rows, const char *title)
{
    struct sotto_function function;
    int width = find_width();
    (void)printf("%s\n", title);
    for (size_t i = 0; sotto_function_describe(&function, i); i++) {
        if (function.is_of_all_rows == is_of_all_rows) {
            (void)printf("  %-*s  %s\n", width, function.name, function.gives);
        }
    }
}

int cmd_functions(const struct args *args)
{
    struct sotto_function function;
    if (args->positional_len > 1 || args->outputs_len > 0) {
        return command_usage("expected: sotto functions [NAME]");
    }
    if (args->positional_len == 1) {
        return explain_function(args->positional[0], args->json);
    }
    if (args->json) {
        json_t *list = json_array();
        for (size_t i = 0; sotto_function_describe(&function, i); i++) {
            (void)json_array_append_new(list, make_object(&function));
        }
        print_json(list);
        return EXIT_DONE;
    }
    list_functions(true, "Of all rows:");
    list_functions(false, "\nOf each row:");
    (void)printf("\nsotto functions NAME explains one.\n");
    return EXIT_DONE;
}
