/* SPDX-License-Identifier: Apache-2.0 */

/* The words for reading a file (delimiter, decimal sign, missing values, types) made into the
 * options of the CSV reader. The command line and node.yaml both come here, so that a file is read
 * alike by either. */

#include "config/file_options.h"

#include <sotto/alloc.h>
#include <sotto/datetime.h>
#include <string.h>

#define DELIMITERS "," SOTTO_CSV_MARKS

/* Reads date(FORM) or datetime(FORM), where FORM says how they are written; copies it. Returns:
 * false for anything else, and where there is no memory. */
static bool parse_date(struct sotto_csv_column *out, const char *text)
{
    enum sotto_kind kind = SOTTO_KIND_NULL;
    size_t bytes = strlen(text);
    bool has_time = strncmp(text, "datetime(", 9) == 0;
    size_t start = has_time ? 9 : 5;
    if ((!has_time && strncmp(text, "date(", 5) != 0) || text[bytes - 1] != ')') {
        return false;
    }
    char *form = sotto_text_copy(text + start, bytes - start - 1);
    if (form == NULL || !sotto_datetime_form_is_valid(&kind, form) ||
        has_time == (kind == SOTTO_KIND_DATE)) {
        sotto_free(form);
        return false;
    }
    out->type = (struct sotto_type){.kind = kind};
    out->form = form;
    return true;
}

/* Reads bool(ja/nein); copies the words. Returns: likewise. */
static bool parse_words(struct sotto_csv_column *out, const char *text)
{
    size_t bytes = strlen(text);
    if (strncmp(text, "bool(", 5) != 0 || text[bytes - 1] != ')') {
        return false;
    }
    char *words = sotto_text_copy(text + 5, bytes - 6);
    if (words == NULL || !sotto_csv_words_are_valid(words)) {
        sotto_free(words);
        return false;
    }
    out->type = (struct sotto_type){.kind = SOTTO_KIND_BOOL};
    out->form = words;
    return true;
}

/* Finds the type that is written as text, by writing all that there are: a type has one spelling,
 * dates aside. */
static bool parse_type(struct sotto_csv_column *out, const char *text)
{
    if (parse_date(out, text) || parse_words(out, text)) {
        return true;
    }
    for (int kind = SOTTO_KIND_BOOL; kind < SOTTO_KINDS_LEN; kind++) {
        int scales = kind == SOTTO_KIND_DECIMAL ? SOTTO_SCALE_MAX : 0;
        for (int scale = 0; scale <= scales; scale++) {
            char known[SOTTO_TYPE_TEXT_BYTES];
            struct sotto_type type = {.kind = (enum sotto_kind)kind, .scale = (uint8_t)scale};
            sotto_type_text(known, type);
            if (strcmp(known, text) == 0) {
                out->type = type;
                return true;
            }
        }
    }
    return false;
}

/* Sets *out_wrong to the option's name, and the error. */
static enum sotto_status refuse_word(const char **out_wrong, const char *name,
                                     struct sotto_error *err, const char *text,
                                     const char *expected)
{
    *out_wrong = name;
    return sotto_error_set(err, SOTTO_ERROR_INPUT, "\"%s\": expected %s", text, expected);
}

static enum sotto_status parse_types(struct file_options *out, const struct file_words *words,
                                     const char **out_wrong, struct sotto_error *err)
{
    out->columns = sotto_alloc_array((size_t)words->types_count + 1, sizeof *out->columns);
    if (out->columns == NULL) {
        return sotto_error_no_memory(err);
    }
    out->csv.columns = out->columns;
    for (unsigned i = 0; i < words->types_count; i++) {
        const char *text = words->types[i];
        const char *equals = strrchr(text, '=');
        struct sotto_csv_column column = {.typed = true};
        if (equals == NULL || equals == text || !parse_type(&column, equals + 1)) {
            return refuse_word(
                out_wrong, "types", err, text,
                "COLUMN=TYPE with one of bool, bool(ja/nein), whatever the words are, int64, "
                "decimal(0) to decimal(18), float64, date, date(%d.%m.%Y), however the dates are "
                "written (%d, %m or %b, %Y or %y, each once), datetime, datetime(utc), "
                "datetime(%d.%m.%Y %H:%M), with %H or %I and %p, and %M %S %f %z if you like, and "
                "string");
        }
        char *name = sotto_text_copy(text, (size_t)(equals - text));
        if (name == NULL) {
            sotto_free((char *)column.form);
            return sotto_error_no_memory(err);
        }
        column.name = name;
        out->columns[out->csv.columns_len++] = column;
        for (size_t j = 0; j + 1 < out->csv.columns_len; j++) {
            if (strcmp(out->columns[j].name, name) == 0) {
                return refuse_word(out_wrong, "types", err, name, "each column once");
            }
        }
    }
    return SOTTO_OK;
}

static enum sotto_status parse_format(enum sotto_text_format *out, const struct file_words *words,
                                      const char **out_wrong, struct sotto_error *err)
{
    const char *format = words->format;
    if (format != NULL && strcmp(format, "csv") != 0 && strcmp(format, "ndjson") != 0) {
        return refuse_word(out_wrong, "format", err, format, "csv or ndjson");
    }
    *out = format == NULL               ? SOTTO_TEXT_BY_NAME
           : strcmp(format, "csv") == 0 ? SOTTO_TEXT_CSV
                                        : SOTTO_TEXT_NDJSON;
    return SOTTO_OK;
}

/* Lines that are none of the table. */
static enum sotto_status check_lines(const struct file_words *words, const char **out_wrong,
                                     struct sotto_error *err)
{
    const char *comment = words->comment;
    if (comment != NULL && (strlen(comment) != 1 || strchr(SOTTO_CSV_MARKS, comment[0]) == NULL)) {
        return refuse_word(out_wrong, "comment", err, comment,
                           "the one character that comments begin with, one of " SOTTO_CSV_MARKS);
    }
    *out_wrong = words->skip > FILE_LINES_MAX ? "skip" : "footer";
    return words->skip <= FILE_LINES_MAX && words->footer <= FILE_LINES_MAX
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_INPUT, "expected up to %d lines", FILE_LINES_MAX);
}

/* A tab is hard to type: it has a name, and the escape of other tools. */
static const char *read_delimiter(const char *text)
{
    return text != NULL && (strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0) ? "\t" : text;
}

const char *file_words_find_text(const struct file_words *words)
{
    const struct {
        const char *key;
        bool is_there;
    } keys[] = {
        {"format", words->format != NULL},   {"delimiter", words->delimiter != NULL},
        {"decimal", words->decimal != NULL}, {"na", words->na != NULL},
        {"comment", words->comment != NULL}, {"skip", words->skip > 0},
        {"footer", words->footer > 0},
    };
    size_t i = 0;
    while (i < sizeof keys / sizeof keys[0] && !keys[i].is_there) {
        i++;
    }
    return i < sizeof keys / sizeof keys[0] ? keys[i].key : NULL;
}

enum sotto_status file_options_init(struct file_options *out, const struct file_words *words,
                                    const char **out_wrong, struct sotto_error *err)
{
    static const struct file_words usual = {.file = NULL};
    const struct file_words *from = words != NULL ? words : &usual;
    const char *given = read_delimiter(from->delimiter);
    const char *delimiter = given != NULL ? given : "";
    const char *decimal = from->decimal != NULL ? from->decimal : ".";
    struct file_options options = {0};
    enum sotto_status status = parse_format(&options.csv.format, from, out_wrong, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (given != NULL && (strlen(delimiter) != 1 || !strchr(DELIMITERS "\t", delimiter[0]))) {
        return refuse_word(out_wrong, "delimiter", err, delimiter,
                           "one character: a tab (tab, \\t) or one of " DELIMITERS);
    }
    if (strcmp(decimal, ",") != 0 && strcmp(decimal, ".") != 0) {
        return refuse_word(out_wrong, "decimal", err, decimal, "\",\" or \".\"");
    }
    if (delimiter[0] == ',' && decimal[0] == ',') {
        return refuse_word(out_wrong, "decimal", err, decimal,
                           "another one: commas can't be both the delimiter and in numbers");
    }
    status = check_lines(from, out_wrong, err);
    if (status != SOTTO_OK) {
        return status;
    }
    options.csv = (struct sotto_csv_options){
        .format = options.csv.format,
        .skip = from->skip,
        .footer = from->footer,
        .comment = from->comment != NULL ? from->comment[0] : '\0',
        .delimiter = delimiter[0],
        .decimal_comma = decimal[0] == ',',
        .na_words = (const char *const *)from->na,
        .na_words_len = from->na_count,
    };
    status = parse_types(&options, from, out_wrong, err);
    if (status != SOTTO_OK) {
        file_options_release(&options);
        return status;
    }
    *out = options;
    return SOTTO_OK;
}

void file_options_release(struct file_options *options)
{
    for (size_t i = 0; i < options->csv.columns_len; i++) {
        sotto_free((char *)options->columns[i].name);
        sotto_free((char *)options->columns[i].form);
    }
    sotto_free(options->columns);
    *options = (struct file_options){0};
}
