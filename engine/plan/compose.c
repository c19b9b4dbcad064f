/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

#include <sotto/alloc.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct piece {
    const char *text;
    size_t bytes;
};

static struct piece trim(const char *text, size_t bytes)
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

/* "m = mean(wage)": a name before the first '=', which is none of "==", gives the output its name.
 * Otherwise the text is its own name. */
static void split_output(struct piece *name, struct piece *expression, const char *text)
{
    const char *equals = strchr(text, '=');
    *expression = trim(text, strlen(text));
    *name = *expression;
    if (equals == NULL || equals[1] == '=') {
        return;
    }
    struct piece before = trim(text, (size_t)(equals - text));
    char copy[PLAN_NAME_BYTES_MAX + 1];
    if (before.bytes >= sizeof copy) {
        return;
    }
    memcpy(copy, before.text, before.bytes);
    copy[before.bytes] = '\0';
    if (sotto__is_name(copy, before.bytes)) {
        *name = before;
        *expression = trim(equals + 1, strlen(equals + 1));
    }
}

static enum sotto_status piece_string(struct sotto_writer *writer, struct piece piece)
{
    char *text = sotto_text_copy(piece.text, piece.bytes);
    if (text == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    sotto__json_string(writer, text);
    sotto_free(text);
    return SOTTO_OK;
}

static enum sotto_status check_texts(const struct sotto_plan_parts *parts, struct sotto_error *err)
{
    bool valid = sotto_utf8_valid_prefix(parts->name, strlen(parts->name)) == strlen(parts->name);
    for (size_t i = 0; i < parts->datasets_len; i++) {
        const char *alias = parts->dataset_aliases[i];
        const char *file = parts->dataset_files[i];
        valid = valid && sotto_utf8_valid_prefix(alias, strlen(alias)) == strlen(alias) &&
                sotto_utf8_valid_prefix(file, strlen(file)) == strlen(file);
    }
    for (size_t i = 0; i < parts->outputs_len; i++) {
        const char *output = parts->outputs[i];
        valid = valid && sotto_utf8_valid_prefix(output, strlen(output)) == strlen(output);
    }
    for (size_t i = 0; i < parts->by_len; i++) {
        const char *by = parts->by[i];
        valid = valid && sotto_utf8_valid_prefix(by, strlen(by)) == strlen(by);
    }
    if (parts->where != NULL) {
        const char *where = parts->where;
        valid = valid && sotto_utf8_valid_prefix(where, strlen(where)) == strlen(where);
    }
    return valid ? SOTTO_OK
                 : sotto_error_set(err, SOTTO_ERROR_PLAN, "expected UTF-8, found other bytes");
}

static enum sotto_status check_outputs(const struct sotto_plan_parts *parts,
                                       struct sotto_error *err)
{
    for (size_t i = 0; i < parts->outputs_len; i++) {
        struct piece name;
        struct piece expression;
        split_output(&name, &expression, parts->outputs[i]);
        for (size_t j = 0; j < i; j++) {
            struct piece other;
            split_output(&other, &expression, parts->outputs[j]);
            if (other.bytes == name.bytes && memcmp(other.text, name.text, name.bytes) == 0) {
                return sotto_error_set(err, SOTTO_ERROR_PLAN,
                                       "two outputs are named \"%.*s\"; give each its own name, "
                                       "such as \"b=%s\"",
                                       (int)(name.bytes > 200 ? 200 : name.bytes), name.text,
                                       parts->outputs[i]);
            }
        }
    }
    return SOTTO_OK;
}

static enum sotto_status write_select(struct sotto_writer *writer,
                                      const struct sotto_plan_parts *parts)
{
    sotto__json_raw(writer, ", \"select\": {");
    for (size_t i = 0; i < parts->outputs_len; i++) {
        struct piece name;
        struct piece expression;
        split_output(&name, &expression, parts->outputs[i]);
        sotto__json_raw(writer, i > 0 ? ", " : "");
        enum sotto_status status = piece_string(writer, name);
        sotto__json_raw(writer, ": ");
        if (status == SOTTO_OK) {
            status = piece_string(writer, expression);
        }
        if (status != SOTTO_OK) {
            return status;
        }
    }
    sotto__json_raw(writer, "}");
    return SOTTO_OK;
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

static bool is_other(const struct sotto__node *level)
{
    return level->kind == NODE_COLUMN && level->dataset == NULL &&
           strcmp(level->name, "other") == 0;
}

/* A text in quotes, or a number: an integer as it is, any other as a text. Returns: false if it is
 * something else. */
static bool write_level(struct sotto_writer *writer, const struct sotto__expression *by,
                        size_t index)
{
    const struct sotto__node *level = &by->nodes[index];
    if (level->kind == NODE_TEXT) {
        sotto__json_string(writer, level->name);
        return true;
    }
    bool is_negative = level->kind == NODE_NEGATE;
    level = is_negative ? &by->nodes[level->left] : level;
    if (level->kind != NODE_LITERAL) {
        return false;
    }
    const char *digits = by->text + level->start;
    size_t whole = strspn(digits, "0123456789");
    const char *quote = whole < level->bytes || whole > 18 ? "\"" : "";
    while (*quote == '\0' && whole > 1 && *digits == '0') { /* JSON has no leading zeros */
        digits++;
        whole--;
    }
    sotto__json_raw(writer, quote);
    sotto__json_raw(writer, is_negative ? "-" : "");
    sotto_write_bytes(writer, digits, *quote == '\0' ? whole : level->bytes);
    sotto__json_raw(writer, quote);
    return true;
}

/* As text that reads back: the name in backticks. */
static void write_column(struct sotto_writer *writer, const struct sotto__node *column)
{
    struct sotto_writer text;
    char *quoted = NULL;
    sotto_writer_init(&text, (size_t)8 * EXPRESSION_BYTES_MAX);
    if (column->dataset != NULL) {
        sotto__json_raw(&text, column->dataset);
        sotto__json_raw(&text, ".");
    }
    sotto__json_raw(&text, "`");
    for (const char *c = column->name; *c != '\0'; c++) {
        sotto_write_bytes(&text, c, 1);
        sotto_write_bytes(&text, c, *c == '`');
    }
    sotto__json_raw(&text, "`");
    if (sotto__json_finish(&text, &quoted) == SOTTO_OK) {
        sotto__json_string(writer, quoted);
        sotto_free(quoted);
    } else {
        writer->failed = true;
    }
}

/* {"column": "age", "bins": [0, 18]}, of hist(age, 0, 18, other). */
static bool write_bins(struct sotto_writer *writer, const struct sotto__expression *by)
{
    const struct sotto__node *root = &by->nodes[by->nodes_len - 1];
    size_t lists[EXPRESSION_NODES_MAX];
    size_t len = sotto__list_items(lists, by, root->right);
    bool other = len > 1 && is_other(&by->nodes[by->nodes[lists[len - 1]].right]);
    bool valid = by->nodes[root->left].kind == NODE_COLUMN;
    if (!valid) {
        return false;
    }
    sotto__json_raw(writer, "{\"column\": ");
    write_column(writer, &by->nodes[root->left]);
    sotto__json_raw(writer, ", \"bins\": [");
    for (size_t i = 0; valid && i < len - other; i++) {
        sotto__json_raw(writer, i > 0 ? ", " : "");
        valid = write_level(writer, by, by->nodes[lists[i]].right);
    }
    sotto__json_raw(writer, other ? "], \"other\": true}" : "]}");
    return valid;
}

/* {"column": "dept", "levels": ["R&D", "Sales"]}. x in (a, b) is x == a or x == b. */
static bool write_key(struct sotto_writer *writer, const struct sotto__expression *by)
{
    const struct sotto__node *root = &by->nodes[by->nodes_len - 1];
    size_t levels[EXPRESSION_NODES_MAX];
    size_t levels_len = 0;
    size_t column = SIZE_MAX;
    if (root->kind == NODE_AGGREGATE && root->function == FUNCTION_HIST) {
        return write_bins(writer, by);
    }
    bool other = false;
    bool valid = true;
    for (size_t at = by->nodes_len - 1; valid && at != SIZE_MAX;) {
        const struct sotto__node *node = &by->nodes[at];
        bool is_last = node->kind != NODE_OR;
        const struct sotto__node *equal = is_last ? node : &by->nodes[node->right];
        valid = equal->kind == NODE_EQUAL && by->nodes[equal->left].kind == NODE_COLUMN &&
                (column == SIZE_MAX || column == equal->left);
        column = equal->left;
        levels[levels_len++] = equal->right;
        at = is_last ? SIZE_MAX : node->left;
    }
    if (!valid) {
        return false;
    }
    sotto__json_raw(writer, "{\"column\": ");
    write_column(writer, &by->nodes[column]);
    sotto__json_raw(writer, ", \"levels\": [");
    bool is_first = true;
    while (valid && levels_len-- > 0) {
        if (is_other(&by->nodes[levels[levels_len]])) {
            other = true;
            continue;
        }
        sotto__json_raw(writer, is_first ? "" : ", ");
        valid = write_level(writer, by, levels[levels_len]);
        is_first = false;
    }
    sotto__json_raw(writer, other ? "], \"other\": true}" : "]}");
    return valid;
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
        struct sotto__expression by = {0};
        enum sotto_status status = sotto__expression_parse(&by, parts->by[i], err);
        if (status != SOTTO_OK) {
            return sotto_error_prefix(err, "by");
        }
        sotto__json_raw(writer, i > 0 ? ", " : "");
        bool valid = write_key(writer, &by);
        sotto__expression_release(&by);
        if (!valid) {
            return sotto_error_set(err, SOTTO_ERROR_PLAN,
                                   "by: \"%.80s\": expected a column and its levels, such as dept "
                                   "in (\"R&D\", other), or bins, such as "
                                   "hist(age, 0, 18, other)",
                                   parts->by[i]);
        }
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
    if (status == SOTTO_OK) {
        status = check_outputs(parts, err);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto_writer writer;
    sotto_writer_init(&writer, (size_t)8 * (size_t)SOTTO_PLAN_BYTES_MAX);
    sotto__json_raw(&writer, "{\"version\": 1, \"name\": ");
    sotto__json_string(&writer, parts->name);
    sotto__json_raw(&writer, ", \"type\": \"analytics\"");
    write_datasets(&writer, parts);
    status = write_select(&writer, parts);
    status = status == SOTTO_OK ? write_selection(&writer, parts, err)
                                : sotto_error_set(err, status, "out of memory");
    write_strategy(&writer, &parts->strategy);
    sotto__json_raw(&writer, "}");
    if (status != SOTTO_OK) {
        sotto_writer_release(&writer);
        return status;
    }
    return sotto__json_finish(&writer, out) == SOTTO_OK
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "out of memory");
}
