/* SPDX-License-Identifier: Apache-2.0 */

/* Catalogues in parts: which columns rows have, whatever is asked of them. Leans on part.c, which
 * merges them as it merges the types of round 0. The one idea: what parts say of columns is few
 * different texts, however many parts there are; who has all of them joins their types. */

#include "parts/round.h"

#include <sotto/alloc.h>
#include <string.h>

/* --- Making a part --- */

/* All columns, also of what only values tell. */
static enum sotto_status describe_all(const struct sotto_catalogue **out,
                                      struct sotto_source *source, struct sotto_error *err)
{
    enum sotto_status status = source->ops->describe(source, out, NULL, 0, err);
    if (status != SOTTO_OK) {
        return status;
    }
    size_t len = (*out)->columns_len;
    const char **names = sotto_alloc_array(len, sizeof *names);
    if (names == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < len; i++) {
        names[i] = (*out)->columns[i].name;
    }
    status = source->ops->describe(source, out, names, len, err);
    sotto_free(names);
    return status;
}

/* Only what its columns are: parts of as many rows or values as they like say the same. What is
 * missing in them is counted beside. */
static enum sotto_status add_columns(struct sotto__part *in_out,
                                     const struct sotto_catalogue *catalogue,
                                     struct sotto_error *err)
{
    struct sotto_buffer encoded = {0};
    struct sotto_catalogue said = {.columns_len = catalogue->columns_len};
    said.columns = sotto_alloc_array(said.columns_len, sizeof *said.columns);
    if (said.columns == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < said.columns_len; i++) {
        said.columns[i] = catalogue->columns[i];
        said.columns[i].missing = 0;
    }
    enum sotto_status status = sotto_catalogue_encode(&said, &encoded);
    sotto_free(said.columns);
    if (status != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    status = sotto__part_add_offer(in_out, encoded.data, encoded.data_bytes, err);
    sotto_buffer_release(&encoded);
    return status;
}

/* How many values of each column are missing; where a source has not counted them any may be. */
static enum sotto_status add_all_missing(struct sotto__part *in_out,
                                         const struct sotto_catalogue *catalogue,
                                         struct sotto_error *err)
{
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < catalogue->columns_len; i++) {
        const struct sotto_catalogue_column *column = &catalogue->columns[i];
        uint64_t rows = in_out->head.rows[0];
        if (column->name[0] != '\0') {
            status = sotto__part_add_missing(in_out, column->name, strlen(column->name),
                                             column->missing < rows ? column->missing : rows);
        }
    }
    return status == SOTTO_OK ? SOTTO_OK : sotto_error_no_memory(err);
}

enum sotto_status sotto_catalogue_part(struct sotto_buffer *out,
                                       const struct sotto_part_place *place,
                                       struct sotto_source *source, struct sotto_error *err)
{
    struct sotto__part part = {0};
    const struct sotto_catalogue *catalogue = NULL;
    enum sotto_status status = sotto__part_check_place(place, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (sotto__part_head_init(&part.head, place, 1) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    status = describe_all(&catalogue, source, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = sotto__part_count_rows(&part.head, &source, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = add_columns(&part, catalogue, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = add_all_missing(&part, catalogue, err);
    if (status == SOTTO_OK) {
        status = sotto__part_write(&part, out, err);
    }
out:
    sotto__part_release(&part);
    return status;
}

/* --- What all parts together say --- */

static size_t find_column(const struct sotto_catalogue *catalogue, const char *name, size_t hint)
{
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        size_t at = (hint + i) % catalogue->columns_len;
        if (strcmp(catalogue->columns[at].name, name) == 0) {
            return at;
        }
    }
    return SOTTO_NONE;
}

static enum sotto_status join_column(struct sotto_catalogue_column *in_out,
                                     const struct sotto_catalogue_column *other,
                                     struct sotto_error *err)
{
    struct sotto_type type = {0};
    bool is_nested = in_out->is_nested || other->is_nested;
    if (!is_nested && !sotto_type_agree(&type, in_out->type, other->type)) {
        return sotto_error_set(err, SOTTO_ERROR_TYPE,
                               "column %s is %s in some parts, but %s in others: numbers, booleans "
                               "and texts don't mix",
                               in_out->name, sotto_kind_name(in_out->type.kind),
                               sotto_kind_name(other->type.kind));
    }
    in_out->type = type;
    in_out->is_nested = is_nested;
    in_out->hidden = in_out->hidden || other->hidden;
    in_out->digits_lost = in_out->digits_lost || other->digits_lost;
    in_out->inexact = in_out->inexact || other->inexact;
    in_out->exponent_inexact = in_out->exponent_inexact || other->exponent_inexact;
    return SOTTO_OK;
}

static enum sotto_status fail_columns(const char *name, struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_TYPE,
                           "expected the same columns in all parts, found \"%s\" in some of them "
                           "only",
                           name);
}

static enum sotto_status join_columns(struct sotto_catalogue *in_out,
                                      const struct sotto_catalogue *other, struct sotto_error *err)
{
    for (size_t i = 0; i < other->columns_len; i++) {
        if (find_column(in_out, other->columns[i].name, i) == SOTTO_NONE) {
            return fail_columns(other->columns[i].name, err);
        }
    }
    for (size_t i = 0; i < in_out->columns_len; i++) {
        size_t at = find_column(other, in_out->columns[i].name, i);
        if (at == SOTTO_NONE) {
            return fail_columns(in_out->columns[i].name, err);
        }
        enum sotto_status status = join_column(&in_out->columns[i], &other->columns[at], err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

static enum sotto_status decode(struct sotto_catalogue **out, const struct sotto_buffer *text,
                                const char *name, struct sotto_error *err)
{
    enum sotto_status status = sotto_catalogue_decode(out, text->data, text->data_bytes);
    if (status == SOTTO_ERROR_NO_MEMORY) {
        return sotto_error_no_memory(err);
    }
    return status == SOTTO_OK ? SOTTO_OK
                              : sotto_error_set(err, SOTTO_ERROR_INPUT,
                                                "%s: expected a list of columns, found another "
                                                "text: all parts are made by the same version of "
                                                "sotto",
                                                name);
}

static enum sotto_status join_all(struct sotto_catalogue **out, const struct sotto__part *part,
                                  const char *name, struct sotto_error *err)
{
    enum sotto_status status = decode(out, &part->offers[0], name, err);
    for (size_t i = 1; i < part->offers_len && status == SOTTO_OK; i++) {
        struct sotto_catalogue *other = NULL;
        status = decode(&other, &part->offers[i], name, err);
        if (status != SOTTO_OK) {
            return status;
        }
        status = join_columns(*out, other, err);
        sotto_catalogue_free(other);
    }
    return status;
}

/* What is known of all rows together. Where a part has not counted missing values any may be one.
 */
static void set_rows(struct sotto_catalogue *out, const struct sotto__part *part)
{
    const struct sotto__part_head *head = &part->head;
    uint8_t digest[SOTTO_SHORT_DIGEST_BYTES];
    sotto_short_digest(digest, head->snapshot, strlen(head->snapshot));
    out->identity = (struct sotto_file_identity){.device = sotto_load_u64(digest),
                                                 .inode = sotto_load_u64(digest + 8),
                                                 .size_bytes = head->rows[0]};
    out->rows = out->text_bytes = head->rows[0]; /* a catalogue has a byte for each */
    for (size_t i = 0; i < out->columns_len; i++) {
        struct sotto_catalogue_column *column = &out->columns[i];
        bool is_counted = column->type.kind != SOTTO_KIND_NULL;
        column->missing = is_counted ? sotto__part_find_missing(part, column->name) : out->rows;
    }
}

static enum sotto_status check_head(const struct sotto__part_head *head,
                                    const struct sotto_part_bytes *party, struct sotto_error *err)
{
    if (!sotto__part_is_catalogue(head) || head->datasets_len != 1) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: expected a part of the catalogue, found one of a plan's round",
                               party->name);
    }
    return sotto__part_head_is_whole(head, err);
}

enum sotto_status sotto_part_catalogue(struct sotto_catalogue **out,
                                       char out_snapshot[SOTTO_PART_SNAPSHOT_BYTES],
                                       const struct sotto_part_bytes *party,
                                       struct sotto_error *err)
{
    struct sotto__part part = {0};
    struct sotto_catalogue *joined = NULL;
    enum sotto_status status = sotto__part_read(&part, party, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = check_head(&part.head, party, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = join_all(&joined, &part, party->name, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    set_rows(joined, &part);
    memcpy(out_snapshot, part.head.snapshot, sizeof part.head.snapshot);
    *out = joined;
    joined = NULL;
out:
    sotto_catalogue_free(joined);
    sotto__part_release(&part);
    return status;
}
