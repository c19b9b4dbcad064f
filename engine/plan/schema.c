/* SPDX-License-Identifier: Apache-2.0 */

/* The types under which a plan is computed. Each party offers the types of the plan's columns as
 * its own data have them, and everybody joins the same offers to the same agreed schema. It leans
 * on sotto_type_agree for two types. The one idea: joining is the same in every order of parties,
 * so that all of them, and the aggregator, come to the same schema without asking each other. */

#include "plan/plan.h"

#include <sotto/alloc.h>
#include <sotto/schema.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FRAME_COLUMNS_MAX 1024
#define FRAME_NAME_BYTES_MAX 4096

void sotto_schema_release(struct sotto_schema *schema)
{
    for (size_t i = 0; i < schema->frame_len; i++) {
        sotto_free(schema->frame[i].name);
    }
    sotto_free(schema->frame);
    sotto_free(schema->fields);
    *schema = (struct sotto_schema){0};
}

static enum sotto_status schema_init(struct sotto_schema *out, const struct sotto_plan *plan,
                                     struct sotto_error *err)
{
    *out = (struct sotto_schema){.fields_len = plan->columns_len};
    out->fields = sotto_alloc_array(plan->columns_len, sizeof *out->fields);
    return out->fields != NULL ? SOTTO_OK : sotto_error_no_memory(err);
}

/* The frame has room for it. */
static enum sotto_status add_to_frame(struct sotto_schema *schema, size_t dataset, const char *name,
                                      size_t name_bytes, const struct sotto_schema_field *field,
                                      struct sotto_error *err)
{
    char *copy = sotto_text_copy(name, name_bytes);
    if (copy == NULL) {
        return sotto_error_no_memory(err);
    }
    schema->frame[schema->frame_len++] =
        (struct sotto_schema_column){.dataset = dataset, .name = copy, .field = *field};
    return SOTTO_OK;
}

enum sotto_status sotto_schema_copy(struct sotto_schema *out, const struct sotto_schema *schema)
{
    struct sotto_schema copy = {.fields_len = schema->fields_len, .rules = schema->rules};
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    copy.fields = sotto_alloc_array(schema->fields_len, sizeof *copy.fields);
    copy.frame = sotto_alloc_array(schema->frame_len, sizeof *copy.frame);
    if (copy.fields == NULL || copy.frame == NULL) {
        goto out;
    }
    for (size_t i = 0; i < schema->fields_len; i++) {
        copy.fields[i] = schema->fields[i];
    }
    for (size_t i = 0; i < schema->frame_len; i++) {
        const struct sotto_schema_column *from = &schema->frame[i];
        status =
            add_to_frame(&copy, from->dataset, from->name, strlen(from->name), &from->field, NULL);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    *out = copy;
    copy = (struct sotto_schema){0};
    status = SOTTO_OK;
out:
    sotto_schema_release(&copy);
    return status;
}

static bool is_same_field(const struct sotto_schema_field *a, const struct sotto_schema_field *b)
{
    return a->type.kind == b->type.kind && a->type.scale == b->type.scale &&
           a->digits_lost == b->digits_lost && a->inexact == b->inexact &&
           a->exponent_inexact == b->exponent_inexact;
}

bool sotto_schema_equal(const struct sotto_schema *a, const struct sotto_schema *b)
{
    bool is_equal = a->fields_len == b->fields_len && a->frame_len == b->frame_len;
    for (size_t i = 0; is_equal && i < a->fields_len; i++) {
        is_equal = is_same_field(&a->fields[i], &b->fields[i]);
    }
    for (size_t i = 0; is_equal && i < a->frame_len; i++) {
        is_equal = a->frame[i].dataset == b->frame[i].dataset &&
                   strcmp(a->frame[i].name, b->frame[i].name) == 0 &&
                   is_same_field(&a->frame[i].field, &b->frame[i].field);
    }
    return is_equal;
}

/* --- An offer --- */

/* The columns of a dataset that others may know of. Borrows names; those of columns that are not
 * read, as they hold lists or objects, stand behind the others. */
struct source {
    const char **names;
    struct sotto_schema_field *fields;
    size_t len;
    size_t nested_len;
};

static void sources_free(struct source *sources, size_t len)
{
    for (size_t i = 0; sources != NULL && i < len; i++) {
        sotto_free(sources[i].names);
        sotto_free(sources[i].fields);
    }
    sotto_free(sources);
}

static enum sotto_status source_init(struct source *out, size_t len, struct sotto_error *err)
{
    out->names = sotto_alloc_array(len, sizeof *out->names);
    out->fields = sotto_alloc_array(len, sizeof *out->fields);
    return out->names != NULL && out->fields != NULL ? SOTTO_OK : sotto_error_no_memory(err);
}

static enum sotto_status read_catalogue(struct source *out, const struct sotto_catalogue *catalogue,
                                        struct sotto_error *err)
{
    enum sotto_status status = source_init(out, catalogue->columns_len, err);
    if (status != SOTTO_OK) {
        return status;
    }
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        const struct sotto_catalogue_column *column = &catalogue->columns[i];
        if (!column->hidden) {
            out->names[out->len] = column->name;
            out->fields[out->len++] =
                (struct sotto_schema_field){.type = column->type,
                                            .digits_lost = column->digits_lost,
                                            .inexact = column->inexact,
                                            .exponent_inexact = column->exponent_inexact};
        }
    }
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        if (catalogue->columns[i].is_nested && catalogue->columns[i].hidden) {
            out->names[out->len + out->nested_len++] = catalogue->columns[i].name;
        }
    }
    return SOTTO_OK;
}

#define NAME_BYTES 120 /* of a name that is shown, at most */

/* Two names that print alike, or nearly so, may be written otherwise: an accent of its own, a
 * letter of another script. Writes where they part, if it is not plain to see; else "". */
static void write_difference(char *out, size_t out_bytes, const char *wanted, const char *found)
{
    uint32_t here = 0;
    uint32_t there = 0;
    out[0] = '\0';
    for (size_t at = 1;; at++) {
        size_t bytes = sotto_utf8_decode(&here, wanted, strlen(wanted));
        size_t found_bytes = sotto_utf8_decode(&there, found, strlen(found));
        if (bytes == 0 || found_bytes == 0) {
            return;
        }
        if (here != there) {
            if (here >= 0x80 || there >= 0x80) {
                (void)snprintf(out, out_bytes, " (character %zu is U+%04X there, not U+%04X)", at,
                               (unsigned)there, (unsigned)here);
            }
            return;
        }
        wanted += bytes;
        found += found_bytes;
    }
}

/* Whether a name is one of the words for booleans, which other languages compare columns with. */
static bool is_truth(const char *name)
{
    return strcasecmp(name, "true") == 0 || strcasecmp(name, "false") == 0;
}

#define DATASET_TEXT_BYTES 600

/* A dataset and its file, which for a table in memory has no other name. */
static void write_dataset(char out[DATASET_TEXT_BYTES], const struct sotto__plan_dataset *dataset)
{
    bool has_file = strcmp(dataset->alias, dataset->file) != 0;
    (void)snprintf(out, DATASET_TEXT_BYTES, "dataset \"%s\"%s%s%s", dataset->alias,
                   has_file ? " (" : "", has_file ? dataset->file : "", has_file ? ")" : "");
}

/* Refuses a column that a dataset lacks: with the name that was probably meant, or the first names
 * that there are. */
static enum sotto_status no_such_column(const struct sotto_plan *plan, size_t column,
                                        const struct source *source, struct sotto_error *err)
{
    const struct sotto_plan_column *wanted = &plan->columns[column];
    const struct sotto__plan_dataset *dataset = &plan->datasets[wanted->dataset];
    const char *nearest = sotto_text_nearest(wanted->name, source->names, source->len);
    char name[NAME_BYTES];
    char of[DATASET_TEXT_BYTES];
    sotto_text_reveal(name, sizeof name, wanted->name, strlen(wanted->name));
    write_dataset(of, dataset);
    for (size_t i = source->len; i < source->len + source->nested_len; i++) {
        if (strcmp(source->names[i], wanted->name) == 0) {
            return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                                   "%s: column \"%s\" holds lists or objects, which are not read: "
                                   "give each number in them a column of its own",
                                   of, name);
        }
    }
    if (is_truth(wanted->name)) {
        return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                               "%s has no column \"%s\": a column of booleans is "
                               "compared with 1 and 0, as ill == 1, or stands alone",
                               of, name);
    }
    if (nearest != NULL) {
        char shown[NAME_BYTES];
        char difference[80];
        sotto_text_reveal(shown, sizeof shown, nearest, strlen(nearest));
        write_difference(difference, sizeof difference, wanted->name, nearest);
        return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                               "%s has no column \"%s\"; did you mean \"%s\"?%s", of, name, shown,
                               difference);
    }
    char list[200] = "";
    size_t at = 0;
    for (size_t i = 0; i < source->len && at < sizeof list; i++) {
        char shown[NAME_BYTES];
        sotto_text_reveal(shown, sizeof shown, source->names[i], strlen(source->names[i]));
        at += (size_t)snprintf(list + at, sizeof list - at, i > 0 ? ", %s" : "%s", shown);
    }
    const char *other = source->len == 1 ? strpbrk(source->names[0], ";\t|,") : NULL;
    char hint[40] = "";
    if (other != NULL && *other == '\t') {
        (void)snprintf(hint, sizeof hint, "; is a tab the delimiter?");
    } else if (other != NULL) {
        (void)snprintf(hint, sizeof hint, "; is '%c' the delimiter?", *other);
    }
    return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND, "%s has no column \"%s\"; it has %s%s%s", of,
                           name, list, at < sizeof list ? "" : "...", hint);
}

static enum sotto_status offer_fields(struct sotto_schema *schema, const struct sotto_plan *plan,
                                      const struct source *sources, struct sotto_error *err)
{
    for (size_t i = 0; i < plan->columns_len; i++) {
        const struct source *source = &sources[plan->columns[i].dataset];
        size_t found = 0;
        while (found < source->len && strcmp(source->names[found], plan->columns[i].name) != 0) {
            found++;
        }
        if (found == source->len) {
            return no_such_column(plan, i, source, err);
        }
        schema->fields[i] = source->fields[found];
    }
    return SOTTO_OK;
}

static enum sotto_status offer_star(struct sotto_schema *schema, const struct sotto_plan *plan,
                                    const struct source *source, size_t dataset,
                                    struct sotto_error *err)
{
    for (size_t i = 0; i < source->len; i++) {
        size_t bytes = strlen(source->names[i]);
        if (schema->frame_len == FRAME_COLUMNS_MAX || bytes > FRAME_NAME_BYTES_MAX) {
            return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                                   "\"*\" takes at most %d columns, of names up to %d bytes: "
                                   "name the columns of dataset \"%s\" instead",
                                   FRAME_COLUMNS_MAX, FRAME_NAME_BYTES_MAX,
                                   plan->datasets[dataset].alias);
        }
        const struct sotto_schema_field *field = &source->fields[i];
        enum sotto_status status =
            add_to_frame(schema, dataset, source->names[i], bytes, field, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* Offers all columns of the datasets that a "*" stands for. */
static enum sotto_status offer_frame(struct sotto_schema *schema, const struct sotto_plan *plan,
                                     const struct source *sources, struct sotto_error *err)
{
    schema->frame = sotto_alloc_array(FRAME_COLUMNS_MAX, sizeof *schema->frame);
    if (schema->frame == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < plan->datasets_len; i++) {
        enum sotto_status status = SOTTO_OK;
        if (plan->datasets[i].is_framed) {
            status = offer_star(schema, plan, &sources[i], i, err);
        }
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static enum sotto_status offer_schema(struct sotto_schema *out, const struct sotto_plan *plan,
                                      const struct source *sources, struct sotto_error *err)
{
    struct sotto_schema schema;
    enum sotto_status status = schema_init(&schema, plan, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = offer_fields(&schema, plan, sources, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = offer_frame(&schema, plan, sources, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    *out = schema;
    schema = (struct sotto_schema){0};
out:
    sotto_schema_release(&schema);
    return status;
}

enum sotto_status sotto_schema_offer(struct sotto_schema *out, const struct sotto_plan *plan,
                                     const struct sotto_catalogue *const *catalogues,
                                     struct sotto_error *err)
{
    enum sotto_status status = SOTTO_OK;
    struct source *sources = sotto_alloc_array(plan->datasets_len, sizeof *sources);
    if (sources == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < plan->datasets_len; i++) {
        status = read_catalogue(&sources[i], catalogues[i], err);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    status = offer_schema(out, plan, sources, err);
out:
    sources_free(sources, plan->datasets_len);
    return status;
}

/* --- Agreement --- */

static void write_party(char *out, size_t out_bytes, const char *const *names, size_t party)
{
    if (names != NULL) {
        (void)snprintf(out, out_bytes, "%s", names[party]);
    } else {
        (void)snprintf(out, out_bytes, "party %zu", party + 1);
    }
}

static enum sotto_status fail_to_agree(const char *alias, const char *column,
                                       const char *const *names, const enum sotto_kind kinds[2],
                                       const size_t parties[2], struct sotto_error *err)
{
    char first_name[120];
    char second_name[120];
    write_party(first_name, sizeof first_name, names, parties[0]);
    write_party(second_name, sizeof second_name, names, parties[1]);
    bool has_booleans = kinds[0] == SOTTO_KIND_BOOL || kinds[1] == SOTTO_KIND_BOOL;
    bool are_dates = sotto_kind_is_date(kinds[0]) && sotto_kind_is_date(kinds[1]);
    const char *hint = has_booleans
                           ? "numbers, booleans and texts don't mix; 1 and 0, yes and no are "
                             "booleans where the column's type is stated: --type COLUMN=bool, "
                             "types in node.yaml"
                       : are_dates ? "dates, times and times with a zone don't mix; dates are "
                                     "times where that is stated: --type COLUMN=datetime, types "
                                     "in node.yaml"
                                   : "numbers, booleans and texts don't mix";
    return sotto_error_set(err, SOTTO_ERROR_TYPE, "column %s.%s is %s at %s, but %s at %s: %s",
                           alias, column, sotto_kind_name(kinds[0]), first_name,
                           sotto_kind_name(kinds[1]), second_name, hint);
}

/* The first offer before `second` that is not null in the column; there is one where agreement
 * fails. */
static size_t first_typed(const struct sotto_schema *offers, size_t column, size_t second)
{
    size_t first = 0;
    while (first + 1 < second && offers[first].fields[column].type.kind == SOTTO_KIND_NULL) {
        first++;
    }
    return first;
}

static void join_losses(struct sotto_schema_field *field, const struct sotto_schema_field *offered)
{
    field->digits_lost = field->digits_lost || offered->digits_lost;
    field->inexact = field->inexact || offered->inexact;
    field->exponent_inexact = field->exponent_inexact || offered->exponent_inexact;
}

static enum sotto_status agree_field(struct sotto_schema_field *field,
                                     const struct sotto_plan *plan, size_t column,
                                     const struct sotto_schema *offers, const char *const *names,
                                     size_t offers_len, struct sotto_error *err)
{
    for (size_t party = 0; party < offers_len; party++) {
        const struct sotto_schema_field *offered = &offers[party].fields[column];
        if (!sotto_type_agree(&field->type, field->type, offered->type)) {
            size_t first = first_typed(offers, column, party);
            return fail_to_agree(plan->datasets[plan->columns[column].dataset].alias,
                                 plan->columns[column].name, names,
                                 (const enum sotto_kind[]){offers[first].fields[column].type.kind,
                                                           offered->type.kind},
                                 (const size_t[]){first, party}, err);
        }
        join_losses(field, offered);
    }
    return SOTTO_OK;
}

/* --- Agreement on what "*" stands for --- */

/* The column in an offer, NULL if it is not there. hint: where it is in another offer, which is
 * most often the same place. */
static const struct sotto_schema_column *find_in_frame(const struct sotto_schema *offer,
                                                       const struct sotto_schema_column *column,
                                                       size_t hint)
{
    for (size_t i = 0; i < offer->frame_len; i++) {
        const struct sotto_schema_column *at = &offer->frame[(hint + i) % offer->frame_len];
        if (at->dataset == column->dataset && strcmp(at->name, column->name) == 0) {
            return at;
        }
    }
    return NULL;
}

/* Joins the types that all offers have for a column of one of them. *out_has: the column is
 * numeric, and so belongs to the frame. */
static enum sotto_status agree_column(struct sotto_schema_field *field, bool *out_has,
                                      const struct sotto_plan *plan,
                                      const struct sotto_schema_column *column, size_t hint,
                                      const struct sotto_schema *offers, const char *const *names,
                                      size_t offers_len, struct sotto_error *err)
{
    const char *alias = plan->datasets[column->dataset].alias;
    size_t without = SOTTO_NONE;
    size_t typed = 0; /* the last party with a type before */
    enum sotto_kind typed_kind = SOTTO_KIND_NULL;
    *field = (struct sotto_schema_field){0};
    for (size_t party = 0; party < offers_len; party++) {
        const struct sotto_schema_column *found = find_in_frame(&offers[party], column, hint);
        if (found == NULL) {
            without = party;
            continue;
        }
        if (!sotto_type_agree(&field->type, field->type, found->field.type)) {
            return fail_to_agree(alias, column->name, names,
                                 (const enum sotto_kind[]){typed_kind, found->field.type.kind},
                                 (const size_t[]){typed, party}, err);
        }
        if (found->field.type.kind != SOTTO_KIND_NULL) {
            typed = party;
            typed_kind = found->field.type.kind;
        }
        join_losses(field, &found->field);
    }
    bool is_empty = field->type.kind == SOTTO_KIND_NULL; /* nobody has a value of it */
    bool is_counted =
        field->type.kind != SOTTO_KIND_STRING && !sotto_kind_is_date(field->type.kind);
    *out_has = is_counted && !(is_empty && without != SOTTO_NONE);
    if (*out_has && without != SOTTO_NONE) {
        char name[120];
        write_party(name, sizeof name, names, without);
        return sotto_error_set(err, SOTTO_ERROR_TYPE,
                               "\"*\" needs the same numeric columns everywhere, but %s has no "
                               "column %s.%s: name the columns instead",
                               name, alias, column->name);
    }
    return SOTTO_OK;
}

/* Whether an offer has the agreed columns of a dataset, which are schema->frame[first .. end), in
 * their order: it has each of them once. */
static bool is_in_order(const struct sotto_schema *schema, const struct sotto_schema *offer,
                        size_t first, size_t end)
{
    size_t next = first;
    for (size_t i = 0; i < offer->frame_len && next < end; i++) {
        const struct sotto_schema_column *column = &offer->frame[i];
        next += column->dataset == schema->frame[next].dataset &&
                strcmp(column->name, schema->frame[next].name) == 0;
    }
    return next == end;
}

static int compare_names(const void *left, const void *right)
{
    const struct sotto_schema_column *const columns[] = {left, right};
    return strcmp(columns[0]->name, columns[1]->name);
}

/* Puts what "*" stands for into an order that is the same for everybody, whoever stands first in a
 * list of offers: for each dataset the order that all offers have, or, where they differ, that of
 * names (as bytes). */
static void order_frame(struct sotto_schema *schema, const struct sotto_schema *offers,
                        size_t offers_len)
{
    for (size_t first = 0, end = 0; first < schema->frame_len; first = end) {
        bool is_common = true;
        while (end < schema->frame_len &&
               schema->frame[end].dataset == schema->frame[first].dataset) {
            end++;
        }
        for (size_t party = 0; is_common && party < offers_len; party++) {
            is_common = is_in_order(schema, &offers[party], first, end);
        }
        if (!is_common) {
            qsort(schema->frame + first, end - first, sizeof *schema->frame, compare_names);
        }
    }
}

/* Agrees on column i of a party's frame, unless that was done with the first offer's. A column that
 * the first offer lacks adds nothing: it is a text, or an error. */
static enum sotto_status agree_offered(struct sotto_schema *schema, const struct sotto_plan *plan,
                                       size_t party, size_t i, const struct sotto_schema *offers,
                                       const char *const *names, size_t offers_len,
                                       struct sotto_error *err)
{
    const struct sotto_schema_column *column = &offers[party].frame[i];
    struct sotto_schema_field field;
    bool has = false;
    if (party > 0 && find_in_frame(&offers[0], column, i) != NULL) {
        return SOTTO_OK;
    }
    enum sotto_status status =
        agree_column(&field, &has, plan, column, i, offers, names, offers_len, err);
    if (status != SOTTO_OK || !has) {
        return status;
    }
    return add_to_frame(schema, column->dataset, column->name, strlen(column->name), &field, err);
}

/* Agrees on the frame's columns, first offer first, then puts them into the common order. */
static enum sotto_status agree_frame(struct sotto_schema *schema, const struct sotto_plan *plan,
                                     const struct sotto_schema *offers, const char *const *names,
                                     size_t offers_len, struct sotto_error *err)
{
    schema->frame = sotto_alloc_array(FRAME_COLUMNS_MAX, sizeof *schema->frame);
    if (schema->frame == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t party = 0; party < offers_len; party++) {
        for (size_t i = 0; i < offers[party].frame_len; i++) {
            enum sotto_status status =
                agree_offered(schema, plan, party, i, offers, names, offers_len, err);
            if (status != SOTTO_OK) {
                return status;
            }
        }
    }
    order_frame(schema, offers, offers_len);
    return SOTTO_OK;
}

enum sotto_status sotto_schema_agree(struct sotto_schema *out, const struct sotto_plan *plan,
                                     const struct sotto_schema *offers, const char *const *names,
                                     size_t offers_len, struct sotto_error *err)
{
    SOTTO_REQUIRE(offers_len > 0);
    struct sotto_schema schema;
    enum sotto_status status = schema_init(&schema, plan, err);
    if (status != SOTTO_OK) {
        return status;
    }
    for (size_t party = 0; party < offers_len; party++) {
        SOTTO_REQUIRE(offers[party].fields_len == plan->columns_len);
    }
    for (size_t i = 0; i < plan->columns_len; i++) {
        status = agree_field(&schema.fields[i], plan, i, offers, names, offers_len, err);
        if (status != SOTTO_OK) {
            goto out;
        }
    }
    status = agree_frame(&schema, plan, offers, names, offers_len, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    *out = schema;
    schema = (struct sotto_schema){0};
out:
    sotto_schema_release(&schema);
    return status;
}

/* --- Bytes: u32 fields, then for each u8 kind, u8 scale, u8 1 digits_lost + 2 inexact + 4
 * exponent_inexact; u32 columns of frames, then for each u16 dataset, its name as a blob, its field
 * --- */

static void write_field(const struct sotto_schema_field *field, struct sotto_writer *writer)
{
    sotto_write_u8(writer, (uint8_t)field->type.kind);
    sotto_write_u8(writer, field->type.scale);
    sotto_write_u8(
        writer, (uint8_t)(field->digits_lost + 2 * field->inexact + 4 * field->exponent_inexact));
}

void sotto_schema_write(const struct sotto_schema *schema, struct sotto_writer *writer)
{
    sotto_write_u32(writer, (uint32_t)schema->fields_len);
    for (size_t i = 0; i < schema->fields_len; i++) {
        write_field(&schema->fields[i], writer);
    }
    sotto_write_u32(writer, (uint32_t)schema->frame_len);
    for (size_t i = 0; i < schema->frame_len; i++) {
        const struct sotto_schema_column *column = &schema->frame[i];
        sotto_write_u16(writer, (uint16_t)column->dataset);
        sotto_write_blob(writer, column->name, strlen(column->name));
        write_field(&column->field, writer);
    }
    sotto_write_blob(writer, schema->rules.profile, strlen(schema->rules.profile));
    sotto_write_u64(writer, schema->rules.min_rows);
    sotto_write_u32(writer, schema->rules.dominance);
}

/* Returns: false for what no party writes. */
static bool read_rules(struct sotto_schema_rules *out, struct sotto_reader *reader)
{
    size_t bytes = 0;
    const uint8_t *profile = sotto_read_blob(reader, &bytes, sizeof out->profile - 1);
    bool fits = profile != NULL;
    for (size_t i = 0; fits && i < bytes; i++) {
        fits = profile[i] >= 'a' && profile[i] <= 'z';
        out->profile[i] = (char)profile[i];
    }
    out->min_rows = sotto_read_u64(reader);
    out->dominance = sotto_read_u32(reader);
    return fits;
}

static bool read_field(struct sotto_schema_field *out, struct sotto_reader *reader)
{
    uint8_t kind = sotto_read_u8(reader);
    uint8_t scale = sotto_read_u8(reader);
    uint8_t flags = sotto_read_u8(reader);
    bool digits_lost = (flags & 1) != 0;
    bool inexact = (flags & 2) != 0;
    bool exponent_inexact = (flags & 4) != 0;
    if (kind >= SOTTO_KINDS_LEN || scale > SOTTO_SCALE_MAX || flags > 7 ||
        (scale > 0 && kind != SOTTO_KIND_DECIMAL) ||
        ((digits_lost || exponent_inexact) && kind != SOTTO_KIND_FLOAT64) ||
        (inexact && !sotto_kind_is_numeric((enum sotto_kind)kind))) {
        return false;
    }
    *out = (struct sotto_schema_field){
        .type = {.kind = (enum sotto_kind)kind, .scale = scale},
        .digits_lost = digits_lost,
        .inexact = inexact,
        .exponent_inexact = exponent_inexact,
    };
    return true;
}

/* Whether the frame's last column keeps the order by dataset, and is there once. */
static bool is_last_new(const struct sotto_schema *schema)
{
    const struct sotto_schema_column *last = &schema->frame[schema->frame_len - 1];
    bool is_new = true;
    for (size_t i = 0; is_new && i + 1 < schema->frame_len; i++) {
        const struct sotto_schema_column *before = &schema->frame[i];
        is_new = before->dataset < last->dataset ||
                 (before->dataset == last->dataset && strcmp(before->name, last->name) != 0);
    }
    return is_new;
}

/* Reads a column of a dataset that a "*" stands for. */
static enum sotto_status read_column(struct sotto_schema *schema, const struct sotto_plan *plan,
                                     struct sotto_reader *reader)
{
    struct sotto_schema_field field;
    size_t dataset = sotto_read_u16(reader);
    size_t name_bytes = 0;
    const uint8_t *name = sotto_read_blob(reader, &name_bytes, FRAME_NAME_BYTES_MAX);
    if (name == NULL || !read_field(&field, reader) || dataset >= plan->datasets_len ||
        !plan->datasets[dataset].is_framed || name_bytes == 0 ||
        memchr(name, '\0', name_bytes) != NULL ||
        sotto_utf8_valid_prefix(name, name_bytes) != name_bytes) {
        return SOTTO_ERROR_INPUT;
    }
    enum sotto_status status =
        add_to_frame(schema, dataset, (const char *)name, name_bytes, &field, NULL);
    if (status != SOTTO_OK) {
        return status;
    }
    return is_last_new(schema) ? SOTTO_OK : SOTTO_ERROR_INPUT;
}

static enum sotto_status read_frame(struct sotto_schema *schema, const struct sotto_plan *plan,
                                    struct sotto_reader *reader)
{
    size_t len = sotto_read_u32(reader);
    if (len > FRAME_COLUMNS_MAX) {
        return SOTTO_ERROR_INPUT;
    }
    schema->frame = sotto_alloc_array(len, sizeof *schema->frame);
    if (schema->frame == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < len; i++) {
        enum sotto_status status = read_column(schema, plan, reader);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static enum sotto_status read_all(struct sotto_schema *out, const struct sotto_plan *plan,
                                  struct sotto_reader *reader)
{
    if (sotto_read_u32(reader) != plan->columns_len) {
        return SOTTO_ERROR_INPUT;
    }
    enum sotto_status status = schema_init(out, plan, NULL);
    if (status != SOTTO_OK) {
        return status;
    }
    for (size_t i = 0; i < out->fields_len; i++) {
        if (!read_field(&out->fields[i], reader)) {
            return SOTTO_ERROR_INPUT;
        }
    }
    status = read_frame(out, plan, reader);
    if (status != SOTTO_OK) {
        return status;
    }
    if (!read_rules(&out->rules, reader)) {
        return SOTTO_ERROR_INPUT;
    }
    /* Nothing may have failed: ask by reading nothing. */
    return sotto_read_bytes(reader, 0) != NULL ? SOTTO_OK : SOTTO_ERROR_INPUT;
}

enum sotto_status sotto_schema_read(struct sotto_schema *out, const struct sotto_plan *plan,
                                    struct sotto_reader *reader)
{
    struct sotto_schema schema = {0};
    enum sotto_status status = read_all(&schema, plan, reader);
    if (status != SOTTO_OK) {
        sotto_reader_fail(reader);
        sotto_schema_release(&schema);
        return status;
    }
    *out = schema;
    return SOTTO_OK;
}
