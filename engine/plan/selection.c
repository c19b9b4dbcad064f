/* SPDX-License-Identifier: Apache-2.0 */

/* Reads a plan's keys "where", "rows" and "group_by": which rows count, and what they are grouped
 * by. A key's levels stand in the plan, so that all parties have the same groups without telling
 * each other which values occur in their rows. */

#include "plan/plan.h"

#include <jansson.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

static enum sotto_status parse_where(struct sotto_plan *plan, const json_t *where,
                                     struct sotto_error *err)
{
    if (where == NULL) {
        return SOTTO_OK;
    }
    if (!json_is_string(where)) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "where: expected a condition as a string, such as \"age >= 18\"");
    }
    enum sotto_status status =
        sotto__plan_expression_parse(&plan->where, plan, json_string_value(where), err);
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_prefix(err, "where");
}

static enum sotto_status parse_rows(struct sotto_plan *plan, const json_t *rows,
                                    struct sotto_error *err)
{
    const char *text = json_string_value(rows);
    if (rows != NULL && (text == NULL || strcmp(text, "complete") != 0)) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "rows: expected \"complete\", for the rows that have all columns of "
                               "the plan");
    }
    plan->is_complete = rows != NULL;
    return SOTTO_OK;
}

/* A number with a fraction must stand in quotes: JSON would give the nearest double. */
static enum sotto_status parse_level(struct sotto__level *out, const json_t *level,
                                     struct sotto_error *err)
{
    char number[32];
    const char *text = number;
    if (json_is_string(level) &&
        sotto__text_is_plain(json_string_value(level), json_string_length(level)) &&
        json_string_length(level) <= SOTTO__PLAN_NAME_BYTES_MAX) {
        out->kind = SOTTO__LEVEL_TEXT;
        text = json_string_value(level);
    } else if (json_is_integer(level)) {
        out->kind = SOTTO__LEVEL_NUMBER;
        (void)snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(level));
    } else if (json_is_boolean(level)) {
        out->kind = SOTTO__LEVEL_BOOL;
        text = json_is_true(level) ? "true" : "false";
    } else {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "group_by: a level is a text of at most %d bytes, an integer, true "
                               "or false; a number with a fraction stands in quotes: \"0.5\"",
                               SOTTO__PLAN_NAME_BYTES_MAX);
    }
    out->text = sotto_text_copy(text, strlen(text));
    return out->text != NULL ? SOTTO_OK : sotto_error_no_memory(err);
}

/* Whether two edges are dates or times that rise, both with a zone or neither. */
static bool do_dates_rise(const struct sotto__level *a, const struct sotto__level *b)
{
    int64_t x;
    int64_t y;
    bool is_utc[2];
    return sotto__level_time(&x, &is_utc[0], a) && sotto__level_time(&y, &is_utc[1], b) &&
           is_utc[0] == is_utc[1] && x < y;
}

static enum sotto_status check_edges(const struct sotto__group_key *key, struct sotto_error *err)
{
    struct sotto__value before;
    struct sotto__value edge;
    sotto__value_init(&before);
    sotto__value_init(&edge);
    bool rise = key->levels_len > 1;
    bool are_dates = rise && !sotto__is_decimal(key->levels[0].text);
    for (size_t i = 0; rise && i < key->levels_len; i++) {
        const struct sotto__level *level = &key->levels[i];
        bool is_number = level->kind != SOTTO__LEVEL_BOOL && sotto__is_decimal(level->text);
        rise = are_dates ? i == 0 || do_dates_rise(level - 1, level) : is_number;
        if (rise && !are_dates) {
            sotto__decimal_set(&edge, level->text);
            rise = i == 0 || mpq_cmp(before.number, edge.number) < 0;
            sotto__value_set(&before, &edge);
        }
    }
    sotto__value_clear(&before);
    sotto__value_clear(&edge);
    return rise ? SOTTO_OK
                : sotto_error_set(err, SOTTO_ERROR_PLAN,
                                  "group_by: expected \"bins\" with at least two edges, numbers "
                                  "that rise, dates as \"2020-01-31\" or times as \"2020-01-31 "
                                  "12:00\"");
}

/* Refuses a level that has the label of the group of all other values, or of missing ones. */
static enum sotto_status check_labels(const struct sotto__group_key *key, struct sotto_error *err)
{
    for (size_t i = 0; i < key->levels_len; i++) {
        const char *text = key->levels[i].text;
        bool is_other = key->other && strcmp(text, SOTTO__OTHER_LABEL) == 0;
        bool is_na = key->na && strcmp(text, SOTTO__NA_LABEL) == 0;
        if (is_other || is_na) {
            return sotto_error_set(err, SOTTO_ERROR_PLAN,
                                   "group_by: the level \"%s\" has the name of the group of all "
                                   "%s values: leave one of them out",
                                   text, is_other ? "other" : "missing");
        }
    }
    return SOTTO_OK;
}

static enum sotto_status parse_levels(struct sotto__group_key *key, const json_t *levels,
                                      struct sotto_error *err)
{
    size_t len = json_array_size(levels); /* 0 if it is no array */
    if (len == 0 || len > SOTTO__GROUP_LEVELS_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "group_by: expected \"levels\" or \"bins\" with 1 to %d of them",
                               SOTTO__GROUP_LEVELS_MAX);
    }
    key->levels = sotto_alloc_array(len, sizeof *key->levels);
    if (key->levels == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = SOTTO_OK;
    while (status == SOTTO_OK && key->levels_len < len) {
        const json_t *level = json_array_get(levels, key->levels_len);
        status = parse_level(&key->levels[key->levels_len++], level, err);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    return key->are_edges ? check_edges(key, err) : check_labels(key, err);
}

static enum sotto_status parse_key(struct sotto__group_key *key, const struct sotto_plan *plan,
                                   const json_t *object, struct sotto_error *err)
{
    const json_t *column = json_object_get(object, "column");
    const json_t *other = json_object_get(object, "other");
    const json_t *na = json_object_get(object, "na");
    const json_t *levels = json_object_get(object, "levels");
    const json_t *bins = json_object_get(object, "bins");
    bool has_levels = (levels != NULL) != (bins != NULL);
    size_t known = (size_t)(column != NULL) + (size_t)(other != NULL) + (size_t)(na != NULL) +
                   (size_t)has_levels;
    if (!json_is_string(column) || (other != NULL && !json_is_boolean(other)) ||
        (na != NULL && !json_is_boolean(na)) || known != json_object_size(object)) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "group_by: expected {\"column\": \"dept\", \"levels\": [...]}, or "
                               "\"bins\", with \"other\": true and \"na\": true if you like");
    }
    key->other = json_is_true(other);
    key->na = json_is_true(na);
    enum sotto_status status =
        sotto__plan_expression_parse(&key->column, plan, json_string_value(column), err);
    if (status != SOTTO_OK) {
        return sotto_error_prefix(err, "group_by");
    }
    if (!sotto__is_key(&key->column)) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN,
                               "group_by: \"%.80s\" is no column, nor year, month, day, weekday, "
                               "hour, minute or date of one",
                               key->column.text);
    }
    key->are_edges = bins != NULL;
    return parse_levels(key, bins != NULL ? bins : levels, err);
}

enum sotto_status sotto__parse_selection(struct sotto_plan *plan, const json_t *root,
                                         struct sotto_error *err)
{
    const json_t *keys = json_object_get(root, "group_by");
    enum sotto_status status = parse_where(plan, json_object_get(root, "where"), err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = parse_rows(plan, json_object_get(root, "rows"), err);
    if (status != SOTTO_OK || keys == NULL) {
        return status;
    }
    size_t len = json_array_size(keys); /* 0 if it is no array */
    if (len == 0 || len > SOTTO__GROUP_KEYS_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_PLAN, "group_by: expected a list of 1 or %d keys",
                               SOTTO__GROUP_KEYS_MAX);
    }
    while (status == SOTTO_OK && plan->keys_len < len) {
        const json_t *key = json_array_get(keys, plan->keys_len);
        status = parse_key(&plan->keys[plan->keys_len++], plan, key, err);
    }
    return status;
}

size_t sotto__count_key_groups(const struct sotto__group_key *key)
{
    return key->levels_len - key->are_edges + key->other + key->na;
}

void sotto__selection_release(struct sotto_plan *plan)
{
    for (size_t i = 0; i < plan->keys_len; i++) {
        sotto__group_key_release(&plan->keys[i]);
    }
    sotto__expression_release(&plan->where);
}
