/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

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

enum sotto_status sotto_plan_compose(char **out, const struct sotto_plan_parts *parts,
                                     struct sotto_error *err)
{
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
    write_strategy(&writer, &parts->strategy);
    sotto__json_raw(&writer, "}");
    if (status == SOTTO_OK) {
        return sotto__json_finish(&writer, out) == SOTTO_OK
                   ? SOTTO_OK
                   : sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "out of memory");
    }
    sotto_writer_release(&writer);
    return sotto_error_set(err, status, "out of memory");
}
