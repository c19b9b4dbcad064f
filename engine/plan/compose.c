/* SPDX-License-Identifier: Apache-2.0 */

/* Writes a plan's JSON from the pieces that people type at a command line. It leans on the room
 * number's JSON writer, which keeps its first failure (memory); what people can get wrong is
 * checked before or beside it, so that an error can say which piece it was. Nothing here is
 * believed later: what is written is read and checked as a plan from anybody else. */

#include "plan/plan.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct piece {
    const char *text;
    size_t bytes;
    size_t cut_number; /* not 0: the text went on, and "..." is written in its place, with the
                          number where it is not 1 */
};

static struct piece trim_blanks(const char *text, size_t bytes)
{
    while (bytes > 0 && is_blank(*text)) {
        text++;
        bytes--;
    }
    while (bytes > 0 && is_blank(text[bytes - 1])) {
        bytes--;
    }
    return (struct piece){.text = text, .bytes = bytes};
}

#define CUT_BYTES 240 /* of a name, before "..." */

/* The name of an output that is given none: its expression. A name has at most
 * SOTTO__PLAN_NAME_BYTES_MAX; nothing is cut within a UTF-8 character. */
static struct piece name_of(struct piece expression)
{
    size_t bytes = CUT_BYTES;
    if (expression.bytes <= SOTTO__PLAN_NAME_BYTES_MAX) {
        return expression;
    }
    while (bytes > 0 && ((unsigned char)expression.text[bytes] & 0xC0) == 0x80) {
        bytes--;
    }
    return (struct piece){.text = expression.text, .bytes = bytes, .cut_number = 1};
}

/* "m = mean(wage)": a name before the first '=', which is none of "==", gives the output its name.
 * Otherwise the text is its own name. */
static void split_output(struct piece *name, struct piece *expression, const char *text)
{
    const char *equals = strchr(text, '=');
    *expression = trim_blanks(text, strlen(text));
    *name = name_of(*expression);
    if (equals == NULL || equals[1] == '=') {
        return;
    }
    struct piece before = trim_blanks(text, (size_t)(equals - text));
    char copy[SOTTO__PLAN_NAME_BYTES_MAX + 1];
    if (before.bytes >= sizeof copy) {
        return;
    }
    memcpy(copy, before.text, before.bytes);
    copy[before.bytes] = '\0';
    if (sotto__is_name(copy, before.bytes)) {
        *name = before;
        *expression = trim_blanks(equals + 1, strlen(equals + 1));
    }
}

static bool is_same_piece(struct piece a, struct piece b)
{
    return a.bytes == b.bytes && memcmp(a.text, b.text, a.bytes) == 0;
}

/* An output as it stands in the plan. */
struct output {
    struct piece name;
    struct piece expression;
};

/* Names that were cut and begin alike are numbered: of k different outputs with such names the last
 * gets k, and one that is there already a number that is taken. outputs: the ones so far, and this
 * one, whose name has the number 1. */
static size_t number_cut_name(const struct output *outputs, size_t at)
{
    size_t number = 1;
    for (size_t i = 0; i < at; i++) {
        number += outputs[i].name.cut_number > 0 &&
                  is_same_piece(outputs[i].name, outputs[at].name) &&
                  !is_same_piece(outputs[i].expression, outputs[at].expression);
    }
    return number;
}

/* Returns: NULL without memory. */
static struct output *split_outputs(const struct sotto_plan_parts *parts)
{
    struct output *outputs = sotto_alloc_array(parts->outputs_len, sizeof *outputs);
    for (size_t i = 0; outputs != NULL && i < parts->outputs_len; i++) {
        split_output(&outputs[i].name, &outputs[i].expression, parts->outputs[i]);
        if (outputs[i].name.cut_number > 0) {
            outputs[i].name.cut_number = number_cut_name(outputs, i);
        }
    }
    return outputs;
}

/* Writes a piece as a JSON string; fails the writer if there is no memory. */
static void write_piece(struct sotto_writer *writer, struct piece piece)
{
    char end[24] = "";
    if (piece.cut_number == 1) {
        (void)snprintf(end, sizeof end, "...");
    } else if (piece.cut_number > 1) {
        (void)snprintf(end, sizeof end, "...%zu", piece.cut_number);
    }
    char *text = sotto_alloc(piece.bytes + sizeof end);
    if (text == NULL) {
        writer->failed = true;
        return;
    }
    memcpy(text, piece.text, piece.bytes);
    memcpy(text + piece.bytes, end, sizeof end);
    sotto__json_string(writer, text);
    sotto_free(text);
}

static bool is_utf8(const char *text)
{
    return sotto_utf8_valid_prefix(text, strlen(text)) == strlen(text);
}

static enum sotto_status check_texts(const struct sotto_plan_parts *parts, struct sotto_error *err)
{
    bool valid = is_utf8(parts->name) && (parts->where == NULL || is_utf8(parts->where));
    for (size_t i = 0; i < parts->datasets_len; i++) {
        valid = valid && is_utf8(parts->dataset_aliases[i]) && is_utf8(parts->dataset_files[i]);
    }
    for (size_t i = 0; i < parts->outputs_len; i++) {
        valid = valid && is_utf8(parts->outputs[i]);
    }
    for (size_t i = 0; i < parts->by_len; i++) {
        valid = valid && is_utf8(parts->by[i]);
    }
    for (size_t i = 0; i < parts->definitions_len; i++) {
        valid = valid && is_utf8(parts->definitions[i]);
    }
    return valid ? SOTTO_OK
                 : sotto_error_set(err, SOTTO_ERROR_PLAN, "expected UTF-8, found other bytes");
}

static enum sotto_status check_outputs(const struct output *outputs,
                                       const struct sotto_plan_parts *parts,
                                       struct sotto_error *err)
{
    for (size_t i = 0; i < parts->outputs_len; i++) {
        struct piece name = outputs[i].name;
        for (size_t j = 0; j < i; j++) {
            if (outputs[j].name.cut_number == name.cut_number &&
                is_same_piece(outputs[j].name, name)) {
                return sotto_error_set(err, SOTTO_ERROR_PLAN,
                                       "two outputs are named \"%.*s\"; give each its own name, "
                                       "such as \"b=%.200s\"",
                                       (int)(name.bytes > 200 ? 200 : name.bytes), name.text,
                                       parts->outputs[i]);
            }
        }
    }
    return SOTTO_OK;
}

static void write_select(struct sotto_writer *writer, const struct output *outputs,
                         size_t outputs_len)
{
    sotto__json_raw(writer, ", \"select\": {");
    for (size_t i = 0; i < outputs_len; i++) {
        sotto__json_raw(writer, i > 0 ? ", " : "");
        write_piece(writer, outputs[i].name);
        sotto__json_raw(writer, ": ");
        write_piece(writer, outputs[i].expression);
    }
    sotto__json_raw(writer, "}");
}

static void write_datasets(struct sotto_writer *writer, const struct sotto_plan_parts *parts)
{
    sotto__json_raw(writer, ", \"datasets\": {");
    for (size_t i = 0; i < parts->datasets_len; i++) {
        sotto__json_raw(writer, i > 0 ? ", " : "");
        sotto__json_string(writer, parts->dataset_aliases[i]);
        sotto__json_raw(writer, ": ");
        sotto__json_string(writer, parts->dataset_files[i]);
    }
    sotto__json_raw(writer, "}");
}

/* "bmi = kg / (m * m)": what a name may be is said where the plan is read. */
static enum sotto_status write_definitions(struct sotto_writer *writer,
                                           const struct sotto_plan_parts *parts,
                                           struct sotto_error *err)
{
    sotto__json_raw(writer, parts->definitions_len > 0 ? ", \"define\": {" : "");
    for (size_t i = 0; i < parts->definitions_len; i++) {
        const char *text = parts->definitions[i];
        const char *equals = strchr(text, '=');
        if (equals == NULL || equals == text || equals[1] == '=') {
            return sotto_error_set(
                err, SOTTO_ERROR_PLAN,
                "define: \"%.80s\": expected a name and what it stands for, such "
                "as \"bmi=kg / (m * m)\"",
                text);
        }
        sotto__json_raw(writer, i > 0 ? ", " : "");
        write_piece(writer, trim_blanks(text, (size_t)(equals - text)));
        sotto__json_raw(writer, ": ");
        write_piece(writer, trim_blanks(equals + 1, strlen(equals + 1)));
    }
    sotto__json_raw(writer, parts->definitions_len > 0 ? "}" : "");
    return SOTTO_OK;
}

static void write_strategy(struct sotto_writer *writer, const struct sotto_strategy *strategy)
{
    const struct {
        const char *key;
        uint32_t value;
    } fields[] = {
        {"min_clients", strategy->min_clients},
        {"max_clients", strategy->max_clients},
        {"wait_timeout", strategy->wait_timeout_s},
        {"connection_timeout", strategy->connection_timeout_s},
    };
    bool first = true;
    sotto__json_raw(writer, ", \"strategy\": {");
    for (size_t i = 0; i < 4; i++) {
        if (fields[i].value != 0) {
            sotto__json_raw(writer, first ? "" : ", ");
            sotto__json_string(writer, fields[i].key);
            sotto__json_raw(writer, ": ");
            sotto__json_integer(writer, fields[i].value);
            first = false;
        }
    }
    sotto__json_raw(writer, "}");
}

/* --- Groups: column in (levels) --- */

/* Writes a level: a text in quotes, true or false, or a number, an integer as it is, any other in
 * quotes, since JSON would make a double of it. */
static void write_level(struct sotto_writer *writer, const struct sotto__level *level)
{
    if (level->kind == SOTTO__LEVEL_TEXT) {
        sotto__json_string(writer, level->text);
        return;
    }
    const char *digits = level->text + (*level->text == '-');
    size_t whole = strspn(digits, "0123456789");
    bool is_plain = level->kind == SOTTO__LEVEL_BOOL || (whole <= 18 && digits[whole] == '\0');
    if (!is_plain) {
        sotto__json_string(writer, level->text);
        return;
    }
    while (whole > 1 && *digits == '0') { /* JSON has no leading zeros */
        digits++;
        whole--;
    }
    sotto__json_raw(writer, *level->text == '-' ? "-" : "");
    sotto__json_raw(writer, digits);
}

/* Writes what a key is of as text that reads back: a column's name in backticks. */
static void write_column(struct sotto_writer *writer, const struct sotto__expression *key)
{
    const struct sotto__node *column = &key->nodes[0];
    bool is_part = key->nodes_len > 1; /* of a date */
    struct sotto_writer text;
    sotto_writer_init(&text, (size_t)8 * SOTTO__EXPRESSION_BYTES_MAX);
    if (is_part) {
        sotto__json_raw(&text, sotto__function_card(key->nodes[1].function)->name);
        sotto__json_raw(&text, "(");
    }
    if (column->dataset != NULL) {
        sotto__json_raw(&text, column->dataset);
        sotto__json_raw(&text, ".");
    }
    sotto__json_raw(&text, "`");
    for (const char *c = column->name; *c != '\0'; c++) {
        sotto_write_bytes(&text, c, 1);
        sotto_write_bytes(&text, c, *c == '`');
    }
    sotto__json_raw(&text, is_part ? "`)" : "`");
    sotto__json_text(writer, &text);
}

/* {"column": "dept", "levels": ["R&D", "Sales"]} or {"column": "age", "bins": [0, 18]}. */
static void write_key(struct sotto_writer *writer, const struct sotto__group_key *key)
{
    sotto__json_raw(writer, "{\"column\": ");
    write_column(writer, &key->column);
    sotto__json_raw(writer, key->are_edges ? ", \"bins\": [" : ", \"levels\": [");
    for (size_t i = 0; i < key->levels_len; i++) {
        sotto__json_raw(writer, i > 0 ? ", " : "");
        write_level(writer, &key->levels[i]);
    }
    sotto__json_raw(writer, "]");
    sotto__json_raw(writer, key->other ? ", \"other\": true" : "");
    sotto__json_raw(writer, key->na ? ", \"na\": true}" : "}");
}

/* Tells of a key that can't be read: what one looks like, and where this one goes wrong. */
static enum sotto_status explain_key(struct sotto_error *err, enum sotto_status status,
                                     const char *by)
{
    if (status != SOTTO_ERROR_PLAN) {
        return sotto_error_prefix(err, "by");
    }
    char why[sizeof err->text];
    (void)snprintf(why, sizeof why, "%s", err->text);
    return sotto_error_set(err, SOTTO_ERROR_PLAN,
                           "by: \"%.80s\": expected a column and its levels, such as dept in "
                           "(\"R&D\", na, other), member in (true, false), or bins, such as "
                           "hist(age, 0, 18, other): %.200s",
                           by, why);
}

static enum sotto_status write_selection(struct sotto_writer *writer,
                                         const struct sotto_plan_parts *parts,
                                         struct sotto_error *err)
{
    if (parts->where != NULL) {
        sotto__json_raw(writer, ", \"where\": ");
        sotto__json_string(writer, parts->where);
    }
    sotto__json_raw(writer, parts->by_len > 0 ? ", \"group_by\": [" : "");
    for (size_t i = 0; i < parts->by_len; i++) {
        struct sotto__group_key key = {0};
        enum sotto_status status = sotto__group_key_parse(&key, parts->by[i], err);
        if (status != SOTTO_OK) {
            return explain_key(err, status, parts->by[i]);
        }
        sotto__json_raw(writer, i > 0 ? ", " : "");
        write_key(writer, &key);
        sotto__group_key_release(&key);
    }
    sotto__json_raw(writer, parts->by_len > 0 ? "]" : "");
    return SOTTO_OK;
}

enum sotto_status sotto_plan_compose(char **out, const struct sotto_plan_parts *parts,
                                     struct sotto_error *err)
{
    struct sotto_error unwanted = {0};
    err = err != NULL ? err : &unwanted;
    enum sotto_status status = check_texts(parts, err);
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto_writer writer;
    struct output *outputs = split_outputs(parts);
    sotto_writer_init(&writer, (size_t)8 * (size_t)SOTTO_PLAN_BYTES_MAX);
    if (outputs == NULL) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    status = check_outputs(outputs, parts, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    sotto__json_raw(&writer, "{\"version\": 1, \"name\": ");
    sotto__json_string(&writer, parts->name);
    sotto__json_raw(&writer, ", \"type\": \"analytics\"");
    write_datasets(&writer, parts);
    status = write_definitions(&writer, parts, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    write_select(&writer, outputs, parts->outputs_len);
    status = write_selection(&writer, parts, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    write_strategy(&writer, &parts->strategy);
    sotto__json_raw(&writer, "}");
    status = sotto__json_finish(&writer, out) == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
out:
    sotto_writer_release(&writer);
    sotto_free(outputs);
    return status;
}
