/* SPDX-License-Identifier: Apache-2.0 */

/* The manifest of a bundle as JSON, one line in one spelling; leans on jansson. The idea: a text is
 * a manifest if writing what was read gives the same bytes. So spaces, other orders, keys twice,
 * keys that nobody knows, 1.0 and 1e0 are all refused by one comparison. */

#include "internal.h"

#include <sotto/alloc.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* By their numbers. */
static const char *const strategies[] = {"fedavg", "fault_tolerant_fedavg", "drawn_fedavg"};

#define STRATEGIES_LEN (sizeof strategies / sizeof strategies[0])

struct number_field {
    const char *key;
    size_t offset;
    int64_t min;
    int64_t max;
    bool is_optional; /* it came later: code without it, where it is 0, keeps its name */
};

#define FIELD(name, min, max)                                                                      \
    {                                                                                              \
#name, offsetof(struct sotto_bundle_manifest, name), min, max, false                       \
    }

/* range_bits + scale_bits is at most 62 beside these: one weight fits 64 bits with its sign. */
static const struct number_field number_fields[] = {
    FIELD(merge_every, 1, 1000000),
    FIELD(rounds, 1, 10000),
    FIELD(validate_every, 0, 10000),
    {"momentum_percent", offsetof(struct sotto_bundle_manifest, momentum_percent), 0, 99, true},
    {"stop_after", offsetof(struct sotto_bundle_manifest, stop_after), 0, 10000, true},
    FIELD(parameters_max, 1, 100000000),
    FIELD(range_bits, -60, 60),
    FIELD(scale_bits, 0, 60),
    FIELD(rows_max, 1, (int64_t)1 << 40),
    FIELD(memory_mib, 64, 1048576),
    FIELD(round_seconds, 1, 604800),
};

#define NUMBER_FIELDS_LEN (sizeof number_fields / sizeof number_fields[0])

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool sotto__bundle_name_is_plain(const char *name, size_t name_bytes)
{
    bool begins = true;
    for (size_t i = 0; i < name_bytes; i++) {
        if (begins && !is_word(name[i])) {
            return false;
        }
        begins = name[i] == '/';
        if (!begins && !is_word(name[i]) && name[i] != '-' && name[i] != '.') {
            return false;
        }
    }
    return !begins;
}

/* "models.lenet:LeNet": words with dots between them, a colon, a word; none begins with a digit. */
static bool entry_is_plain(const char *entry)
{
    bool begins = true;
    size_t colons = 0;
    for (const char *c = entry; *c != '\0'; c++) {
        bool ends = (*c == '.' && colons == 0) || *c == ':';
        if ((begins && (ends || (*c >= '0' && *c <= '9'))) || (!ends && !is_word(*c))) {
            return false;
        }
        colons += *c == ':';
        begins = ends;
    }
    return !begins && colons == 1;
}

static enum sotto_status check_datasets(const struct sotto_bundle_manifest *manifest,
                                        struct sotto_error *err)
{
    if (manifest->datasets_len < 1 || manifest->datasets_len > SOTTO_BUNDLE_DATASETS_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT, "datasets: expected 1 to %d, found %zu",
                               SOTTO_BUNDLE_DATASETS_MAX, manifest->datasets_len);
    }
    for (size_t i = 0; i < manifest->datasets_len; i++) {
        const char *name = manifest->datasets[i].text;
        if (!sotto__bundle_name_is_plain(name, strlen(name)) || strchr(name, '/') != NULL) {
            return sotto_error_set(err, SOTTO_ERROR_INPUT,
                                   "datasets: expected a name of letters, digits, '_', '-' and "
                                   "'.', found '%s'",
                                   name);
        }
        if (i > 0 && strcmp(manifest->datasets[i - 1].text, name) >= 0) {
            return sotto_error_set(err, SOTTO_ERROR_INPUT,
                                   "datasets: expected ascending names, found '%s' after '%s'",
                                   name, manifest->datasets[i - 1].text);
        }
    }
    return SOTTO_OK;
}

static int64_t *find_number(struct sotto_bundle_manifest *manifest, size_t field)
{
    return (int64_t *)(void *)((char *)manifest + number_fields[field].offset);
}

static int64_t load_number(const struct sotto_bundle_manifest *manifest, size_t field)
{
    int64_t value;
    memcpy(&value, (const char *)manifest + number_fields[field].offset, sizeof value);
    return value;
}

static enum sotto_status check_manifest(const struct sotto_bundle_manifest *manifest,
                                        struct sotto_error *err)
{
    if (!entry_is_plain(manifest->entry.text)) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "entry: expected 'module:Class', found '%s'",
                               manifest->entry.text);
    }
    if ((size_t)manifest->strategy >= STRATEGIES_LEN) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT, "strategy: expected one of %zu, found %d",
                               STRATEGIES_LEN, (int)manifest->strategy);
    }
    for (size_t i = 0; i < NUMBER_FIELDS_LEN; i++) {
        const struct number_field *field = &number_fields[i];
        int64_t value = load_number(manifest, i);
        if (value < field->min || value > field->max) {
            return sotto_error_set(err, SOTTO_ERROR_LIMIT, "%s: expected %lld to %lld, found %lld",
                                   field->key, (long long)field->min, (long long)field->max,
                                   (long long)value);
        }
    }
    if (manifest->range_bits + manifest->scale_bits < 0 ||
        manifest->range_bits + manifest->scale_bits > 62) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "range_bits + scale_bits: expected 0 to 62, found %lld",
                               (long long)(manifest->range_bits + manifest->scale_bits));
    }
    return check_datasets(manifest, err);
}

/* NULL where there is no memory. flags: of jansson. */
static char *print_manifest(const struct sotto_bundle_manifest *manifest, size_t flags)
{
    json_t *object = json_object();
    json_t *datasets = json_array();
    int failed = 0;
    for (size_t i = 0; i < manifest->datasets_len; i++) {
        failed |= json_array_append_new(datasets, json_string(manifest->datasets[i].text));
    }
    failed |= json_object_set_new(object, "datasets", datasets);
    failed |= json_object_set_new(object, "entry", json_string(manifest->entry.text));
    failed |= json_object_set_new(object, "strategy", json_string(strategies[manifest->strategy]));
    failed |= json_object_set_new(object, "merge",
                                  json_string(manifest->merges_iterations ? "iteration" : "epoch"));
    failed |= json_object_set_new(object, "weighted", json_boolean(manifest->is_weighted));
    for (size_t i = 0; i < NUMBER_FIELDS_LEN; i++) {
        if (number_fields[i].is_optional && load_number(manifest, i) == 0) {
            continue;
        }
        failed |= json_object_set_new(object, number_fields[i].key,
                                      json_integer(load_number(manifest, i)));
    }
    char *text = failed ? NULL : json_dumps(object, flags | JSON_SORT_KEYS);
    json_decref(object);
    return text;
}

enum sotto_status sotto__manifest_write(struct sotto_writer *out,
                                        const struct sotto_bundle_manifest *manifest,
                                        struct sotto_error *err)
{
    enum sotto_status status = check_manifest(manifest, err);
    if (status != SOTTO_OK) {
        return status;
    }
    char *text = print_manifest(manifest, JSON_COMPACT);
    if (text == NULL) {
        return sotto_error_no_memory(err);
    }
    sotto_write_blob(out, text, strlen(text));
    free(text);
    return sotto_writer_status(out);
}

void sotto__manifest_print(struct sotto_writer *out, const struct sotto_bundle_manifest *manifest)
{
    char *text = print_manifest(manifest, JSON_INDENT(2));
    if (text == NULL) {
        out->failed = true;
        return;
    }
    sotto_write_bytes(out, text, strlen(text));
    sotto_write_u8(out, '\n');
    free(text);
}

/* Copies a string. Returns: false, and *out empty, where there is none or it is too long. */
static bool copy_string(struct sotto_bundle_name *out, const json_t *string)
{
    size_t bytes = json_string_length(string);
    *out = (struct sotto_bundle_name){0};
    if (!json_is_string(string) || bytes > SOTTO_BUNDLE_NAME_BYTES_MAX) {
        return false;
    }
    memcpy(out->text, json_string_value(string), bytes);
    return true;
}

static bool read_datasets(struct sotto_bundle_manifest *out, const json_t *datasets)
{
    out->datasets_len = json_array_size(datasets);
    bool good = out->datasets_len <= SOTTO_BUNDLE_DATASETS_MAX;
    for (size_t i = 0; good && i < out->datasets_len; i++) {
        good = copy_string(&out->datasets[i], json_array_get(datasets, i));
    }
    return good;
}

/* Takes from an object what it has; what is wrong or too much is found by writing it again. */
static bool read_object(struct sotto_bundle_manifest *out, const json_t *object)
{
    *out = (struct sotto_bundle_manifest){0};
    for (size_t i = 0; i < NUMBER_FIELDS_LEN; i++) {
        *find_number(out, i) =
            (int64_t)json_integer_value(json_object_get(object, number_fields[i].key));
    }
    const char *merge = json_string_value(json_object_get(object, "merge"));
    out->merges_iterations = merge != NULL && strcmp(merge, "iteration") == 0;
    const char *strategy = json_string_value(json_object_get(object, "strategy"));
    for (size_t i = 0; strategy != NULL && i < STRATEGIES_LEN; i++) {
        if (strcmp(strategy, strategies[i]) == 0) {
            out->strategy = (enum sotto_bundle_strategy)i;
        }
    }
    out->is_weighted = json_is_true(json_object_get(object, "weighted"));
    return copy_string(&out->entry, json_object_get(object, "entry")) &&
           read_datasets(out, json_object_get(object, "datasets"));
}

enum sotto_status sotto__manifest_read(struct sotto_bundle_manifest *out, const char *text,
                                       size_t text_bytes, struct sotto_error *err)
{
    json_error_t json_error;
    struct sotto_writer again;
    sotto_writer_init(&again, SOTTO__MANIFEST_BYTES_MAX + sizeof(uint32_t));
    json_t *object = text_bytes > SOTTO__MANIFEST_BYTES_MAX
                         ? NULL
                         : json_loadb(text, text_bytes, 0, &json_error);
    enum sotto_status status;
    if (!json_is_object(object) || !read_object(out, object)) {
        status = sotto_error_set(err, SOTTO_ERROR_INPUT,
                                 "expected a JSON object of at most %zu bytes, of which each name "
                                 "has at most %d",
                                 SOTTO__MANIFEST_BYTES_MAX, SOTTO_BUNDLE_NAME_BYTES_MAX);
        goto out;
    }
    status = sotto__manifest_write(&again, out, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    if (again.data_bytes != text_bytes + sizeof(uint32_t) ||
        memcmp(again.data + sizeof(uint32_t), text, text_bytes) != 0) {
        status = sotto_error_set(err, SOTTO_ERROR_INPUT, "expected its keys in one spelling: %.*s",
                                 (int)(again.data_bytes - sizeof(uint32_t)),
                                 (const char *)again.data + sizeof(uint32_t));
    }
out:
    if (status != SOTTO_OK) {
        *out = (struct sotto_bundle_manifest){0};
    }
    json_decref(object);
    sotto_writer_release(&again);
    return status;
}
