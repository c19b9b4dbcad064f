/* SPDX-License-Identifier: Apache-2.0 */

/* What nodes publish of their files (policy.publish), told and read. Leans on datasets.c for names
 * and types, and on jansson. The idea: all but names and types is the owner's own text, and the
 * types are those that an offer tells any party of a task, so that no row decides what is told; and
 * of another node's listing only what is known, of its kind and short, is taken over. */

#include "task/compute_internal.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <sotto/listing.h>
#include <stdlib.h>
#include <string.h>

/* Files are looked at again for a listing after so long: a peer can't make a node read them all
 * the time. */
#define LISTING_KEPT_MS ((uint64_t)60 * 1000)
/* Longer where one can't be read, of which no catalogue spares the next reading. */
#define LISTING_KEPT_FAILED_MS ((uint64_t)10 * 60 * 1000)
/* Of one peer, answered in that time. */
#define LISTINGS_OF_ONE_MAX 60
/* Of another node's listing. */
#define LISTED_DATASETS_MAX 1000
#define LISTED_LEVELS_MAX 1000
#define LISTED_NAME_BYTES 1025

/* --- Of this node --- */

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text != NULL) {
        (void)json_object_set_new(object, key, json_string(text));
    }
}

static void set_texts(json_t *object, const char *key, char *const *texts, unsigned len)
{
    json_t *array = len > 0 ? json_array() : NULL;
    for (unsigned i = 0; i < len; i++) {
        (void)json_array_append_new(array, json_string(texts[i]));
    }
    if (array != NULL) {
        (void)json_object_set_new(object, key, array);
    }
}

static const struct config_published_column *find_published(const struct config_publish *entry,
                                                            const char *name)
{
    for (unsigned i = 0; i < entry->columns_count; i++) {
        if (strcmp(entry->columns[i].column, name) == 0) {
            return &entry->columns[i];
        }
    }
    return NULL;
}

/* The columns that an entry publishes, in the file's order. */
static json_t *list_columns(const struct config_publish *entry,
                            const struct sotto_catalogue *catalogue, unsigned *out_found)
{
    bool has_all = entry->types != NULL && strcmp(entry->types, "true") == 0;
    json_t *array = json_array();
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        const struct sotto_catalogue_column *column = &catalogue->columns[i];
        const struct config_published_column *said = find_published(entry, column->name);
        if (column->hidden || (said == NULL && !has_all)) {
            continue;
        }
        json_t *object = json_pack("{s:s, s:s}", "name", column->name, "type",
                                   sotto_kind_name(column->type.kind));
        if (said != NULL) {
            ++*out_found;
            set_text(object, "unit", said->unit);
            set_text(object, "description", said->description);
            set_texts(object, "levels", said->levels, said->levels_count);
            set_texts(object, "range", said->range, said->range_count);
        }
        (void)json_array_append_new(array, object);
    }
    return array;
}

/* Returns: NULL, and the owner is told, where the file can't be read. */
static json_t *list_dataset(const struct compute *compute, const struct config_publish *entry)
{
    struct sotto_error err = {0};
    struct dataset dataset = {0};
    unsigned found = 0;
    if (dataset_describe(&dataset, compute->policy, compute->config.store, entry->dataset,
                         &compute->interrupt, &err) != SOTTO_OK) {
        log_warning("policy.publish: %s is not told of: %s", entry->dataset, err.text);
        return NULL;
    }
    json_t *object = json_pack("{s:s}", "dataset", entry->dataset);
    json_t *columns = list_columns(entry, dataset.catalogue, &found);
    set_text(object, "description", entry->description);
    if (entry->rows != NULL) {
        (void)json_object_set_new(object, "rows", json_integer((json_int_t)*entry->rows));
    }
    if (entry->rows != NULL && dataset.catalogue->rows < *entry->rows) {
        log_warning("policy.publish: %s has fewer rows than the %u that others are told",
                    entry->dataset, *entry->rows);
    }
    if (found < entry->columns_count) {
        log_warning("policy.publish: %s lacks %u of the columns that node.yaml describes",
                    entry->dataset, entry->columns_count - found);
    }
    (void)json_object_set_new(object, "columns", columns);
    dataset_release(&dataset);
    return object;
}

/* Appends what fits. Returns: whether it did. */
static bool append_fitting(json_t *datasets, size_t *bytes, json_t *dataset)
{
    char *text = json_dumps(dataset, JSON_COMPACT);
    size_t more = text != NULL ? strlen(text) + 1 : SOTTO_LISTING_BYTES_MAX;
    free(text);
    /* Room for what stands around the list. */
    bool fits = *bytes + more + 64 <= SOTTO_LISTING_BYTES_MAX;
    if (fits) {
        *bytes += more;
        (void)json_array_append(datasets, dataset);
    }
    return fits;
}

static char *write_listing(const struct compute *compute, bool *out_failed)
{
    const struct config_policy *policy = &compute->policy->file->policy;
    json_t *datasets = json_array();
    json_int_t left_out = 0;
    size_t bytes = 0;
    for (unsigned i = 0; i < policy->publish_count; i++) {
        json_t *dataset = list_dataset(compute, &policy->publish[i]);
        *out_failed = *out_failed || dataset == NULL;
        if (dataset != NULL && !append_fitting(datasets, &bytes, dataset)) {
            log_warning("policy.publish: %s is not told of: with it the listing is too long",
                        policy->publish[i].dataset);
            left_out++;
        }
        json_decref(dataset);
    }
    json_t *listing = json_pack("{s:o}", "datasets", datasets);
    if (left_out > 0) {
        (void)json_object_set_new(listing, "left_out", json_integer(left_out));
    }
    char *text = json_dumps(listing, JSON_COMPACT);
    json_decref(listing);
    return text;
}

const char *listing_make(struct compute *compute)
{
    struct listing_kept *kept = &compute->listing;
    if (kept->text == NULL || kept->policy_number != compute->policy_number ||
        kept->until_ms <= clock_ms()) {
        bool has_failed = false;
        free(kept->text);
        *kept = (struct listing_kept){
            .text = write_listing(compute, &has_failed),
            .policy_number = compute->policy_number,
        };
        kept->until_ms = clock_ms() + (has_failed ? LISTING_KEPT_FAILED_MS : LISTING_KEPT_MS);
    }
    return kept->text;
}

void listing_release(struct compute *compute)
{
    free(compute->listing.text);
    compute->listing = (struct listing_kept){0};
}

/* Whether a peer has had all the answers that it gets in a minute. */
static bool has_had_enough(struct compute *compute, const struct sotto_key *peer)
{
    size_t index = 0;
    while (index + 1 < compute->peers_len && !sotto_key_equal(&compute->peers[index].key, peer)) {
        index++;
    }
    struct listings_told *told = &compute->listings_told[index];
    if (told->until_ms <= clock_ms()) {
        *told = (struct listings_told){.until_ms = clock_ms() + LISTING_KEPT_MS};
    }
    return ++told->len > LISTINGS_OF_ONE_MAX;
}

void listing_tell(struct compute *compute, const struct sotto_message_route *route,
                  const struct sotto_buffer *message)
{
    struct sotto_error err = {0};
    struct sotto_action action = {.kind = SOTTO_ACTION_SEND, .peer = route->sender};
    const char *name = compute__peer_name(compute, &route->sender);
    if (has_had_enough(compute, &route->sender)) {
        log_limited(LOG_MESSAGES, name, "%s asks too often what is published; ignored", name);
        return;
    }
    enum sotto_status status = sotto_browse_open(message->data, message->data_bytes, &err);
    if (status != SOTTO_OK) {
        log_limited(LOG_MESSAGES, name, "a message of %s is ignored: %s", name, err.text);
        return;
    }
    const char *text =
        config_may_ask(compute->policy, name) ? listing_make(compute) : "{\"datasets\":[]}";
    if (text == NULL || sotto_listing_seal(&action.bytes, text, strlen(text), &route->task,
                                           compute->config.identity) != SOTTO_OK) {
        log_warning("%s is not told what is published: out of memory", name);
        return;
    }
    compute__send(compute, &action, BROWSE_MS);
    sotto_action_release(&action);
}

/* --- Of another node --- */

/* Copies a text that is short enough. Returns: false where it is none; one that is not there is
 * fine unless it must be. */
static bool copy_text(json_t *out, const json_t *from, const char *key, size_t text_bytes,
                      bool must_be)
{
    const json_t *text = json_object_get(from, key);
    if (text == NULL) {
        return !must_be;
    }
    return json_is_string(text) && json_string_length(text) < text_bytes &&
           json_object_set_new(out, key, json_string(json_string_value(text))) == 0;
}

static bool copy_texts(json_t *out, const json_t *from, const char *key, size_t least, size_t most)
{
    const json_t *texts = json_object_get(from, key);
    size_t len = json_array_size(texts);
    if (texts == NULL) {
        return true;
    }
    json_t *array = json_array();
    bool good = json_is_array(texts) && len >= least && len <= most;
    for (size_t i = 0; good && i < len; i++) {
        const json_t *text = json_array_get(texts, i);
        good = json_is_string(text) && json_string_length(text) < PUBLISHED_TEXT_BYTES &&
               json_array_append_new(array, json_string(json_string_value(text))) == 0;
    }
    return json_object_set_new(out, key, array) == 0 && good;
}

static bool copy_type(json_t *out, const json_t *from)
{
    const char *type = json_string_value(json_object_get(from, "type"));
    for (int kind = 0; type != NULL && kind < SOTTO_KINDS_LEN; kind++) {
        if (strcmp(sotto_kind_name((enum sotto_kind)kind), type) == 0) {
            return json_object_set_new(out, "type", json_string(type)) == 0;
        }
    }
    return false;
}

static bool copy_number(json_t *out, const json_t *from, const char *key)
{
    const json_t *number = json_object_get(from, key);
    return number == NULL ||
           (json_is_integer(number) && json_integer_value(number) > 0 &&
            json_object_set_new(out, key, json_integer(json_integer_value(number))) == 0);
}

static bool copy_column(json_t *out, const json_t *from)
{
    return json_is_object(from) && copy_text(out, from, "name", LISTED_NAME_BYTES, true) &&
           copy_type(out, from) && copy_text(out, from, "unit", PUBLISHED_TEXT_BYTES, false) &&
           copy_text(out, from, "description", PUBLISHED_TEXT_BYTES, false) &&
           copy_texts(out, from, "levels", 1, LISTED_LEVELS_MAX) &&
           copy_texts(out, from, "range", 2, 2);
}

static bool copy_dataset(json_t *out, const json_t *from)
{
    const json_t *columns = json_object_get(from, "columns");
    json_t *array = json_array();
    bool good = json_is_object(from) && json_is_array(columns) &&
                copy_text(out, from, "dataset", LISTED_NAME_BYTES, true) &&
                copy_text(out, from, "description", PUBLISHED_TEXT_BYTES, false) &&
                copy_number(out, from, "rows");
    for (size_t i = 0; good && i < json_array_size(columns); i++) {
        json_t *column = json_object();
        good = copy_column(column, json_array_get(columns, i));
        (void)json_array_append_new(array, column);
    }
    return json_object_set_new(out, "columns", array) == 0 && good;
}

char *listing_read(const char *json, size_t json_bytes)
{
    json_t *from = json_loadb(json, json_bytes, JSON_REJECT_DUPLICATES, NULL);
    const json_t *datasets = json_object_get(from, "datasets");
    json_t *array = json_array();
    json_t *out = json_pack("{s:O}", "datasets", array);
    bool good = json_is_array(datasets) && json_array_size(datasets) <= LISTED_DATASETS_MAX &&
                out != NULL && copy_number(out, from, "left_out");
    for (size_t i = 0; good && i < json_array_size(datasets); i++) {
        json_t *dataset = json_object();
        good = copy_dataset(dataset, json_array_get(datasets, i));
        (void)json_array_append_new(array, dataset);
    }
    char *text = good ? json_dumps(out, JSON_COMPACT) : NULL;
    json_decref(out);
    json_decref(array);
    json_decref(from);
    return text;
}
