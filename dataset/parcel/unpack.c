/* SPDX-License-Identifier: Apache-2.0 */

/* A table of what came in parcels. Leans on the room arrow, which says what values a table may
 * have. The idea: what was received is given to it as another library's table would be, so that
 * there is one judge of foreign columns. */

#include "parcel/parcel.h"

#include <sotto/alloc.h>
#include <stdio.h>

#define FORMAT_BYTES 16

/* Lends names to an import, which copies them. */
struct lent_schema {
    struct ArrowSchema base;
    struct ArrowSchema *children;
    struct ArrowSchema **pointers;
    char (*formats)[FORMAT_BYTES];
};

/* Gives buffers away: they are freed with the table. */
struct given_array {
    struct ArrowArray base;
    struct ArrowArray *children;
    struct ArrowArray **pointers;
    void *(*buffers)[3]; /* owned */
    const void *no_buffers[1];
    size_t len;
};

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_child(struct ArrowArray *array)
{
    array->release = NULL;
}

static void given_free(struct given_array *given)
{
    for (size_t i = 0; given->buffers != NULL && i < given->len; i++) {
        for (size_t j = 0; j < 3; j++) {
            sotto_free(given->buffers[i][j]);
        }
    }
    sotto_free(given->buffers);
    sotto_free(given->pointers);
    sotto_free(given->children);
    sotto_free(given);
}

static void release_array(struct ArrowArray *array)
{
    given_free(array->private_data);
    array->release = NULL;
}

static void write_format(char out[FORMAT_BYTES], struct sotto_type type)
{
    static const char *const formats[SOTTO_KINDS_LEN] = {
        [SOTTO_KIND_NULL] = "n",        [SOTTO_KIND_BOOL] = "b",
        [SOTTO_KIND_INT64] = "l",       [SOTTO_KIND_FLOAT64] = "g",
        [SOTTO_KIND_STRING] = "U",      [SOTTO_KIND_DATE] = "tdD",
        [SOTTO_KIND_DATETIME] = "tsu:", [SOTTO_KIND_DATETIME_UTC] = "tsu:UTC",
    };
    if (type.kind == SOTTO_KIND_DECIMAL) {
        (void)snprintf(out, FORMAT_BYTES, "d:38,%u", (unsigned)type.scale);
    } else {
        (void)snprintf(out, FORMAT_BYTES, "%s", formats[type.kind]);
    }
}

/* The buffers move to the array; empty ones are none. */
static void fill_child(struct lent_schema *lent, struct given_array *given, size_t i,
                       struct sotto__parcel_column *column, uint64_t rows)
{
    bool is_string = column->type.kind == SOTTO_KIND_STRING;
    bool is_null = column->type.kind == SOTTO_KIND_NULL;
    write_format(lent->formats[i], column->type);
    lent->pointers[i] = &lent->children[i];
    lent->children[i] = (struct ArrowSchema){.format = lent->formats[i],
                                             .name = column->name,
                                             .flags = ARROW_FLAG_NULLABLE,
                                             .release = release_schema};
    given->buffers[i][0] = column->validity.data;
    given->buffers[i][1] = is_string ? column->offsets.data : column->values.data;
    given->buffers[i][2] = is_string ? column->values.data : NULL;
    column->validity = column->offsets = column->values = (struct sotto__pile){0};
    given->pointers[i] = &given->children[i];
    given->children[i] = (struct ArrowArray){.length = (int64_t)rows,
                                             .null_count = is_null ? (int64_t)rows : -1,
                                             .n_buffers = is_null     ? 0
                                                          : is_string ? 3
                                                                      : 2,
                                             .buffers = (const void **)given->buffers[i],
                                             .release = release_child};
}

static enum sotto_status given_new(struct given_array **out, size_t len)
{
    struct given_array *given = sotto_alloc_zeroed(sizeof *given);
    if (given == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    given->children = sotto_alloc_array(len, sizeof *given->children);
    given->pointers = sotto_alloc_array(len, sizeof *given->pointers);
    given->buffers = sotto_alloc_array(len, sizeof *given->buffers);
    if (given->children == NULL || given->pointers == NULL || given->buffers == NULL) {
        given_free(given);
        return SOTTO_ERROR_NO_MEMORY;
    }
    *out = given;
    return SOTTO_OK;
}

static enum sotto_status lent_init(struct lent_schema *out, size_t len)
{
    out->children = sotto_alloc_array(len, sizeof *out->children);
    out->pointers = sotto_alloc_array(len, sizeof *out->pointers);
    out->formats = sotto_alloc_array(len, sizeof *out->formats);
    return out->children != NULL && out->pointers != NULL && out->formats != NULL
               ? SOTTO_OK
               : SOTTO_ERROR_NO_MEMORY;
}

/* Fills both with the columns that have values. */
static void fill_all(struct lent_schema *lent, struct given_array *given,
                     struct sotto_parcels *parcels)
{
    for (size_t i = 0; i < parcels->columns_len; i++) {
        if (parcels->columns[i].hidden == NULL) {
            fill_child(lent, given, given->len++, &parcels->columns[i], parcels->piled);
        }
    }
    lent->base = (struct ArrowSchema){.format = "+s",
                                      .n_children = (int64_t)given->len,
                                      .children = lent->pointers,
                                      .release = release_schema};
    given->base = (struct ArrowArray){.length = (int64_t)parcels->piled,
                                      .n_buffers = 1,
                                      .n_children = (int64_t)given->len,
                                      .buffers = given->no_buffers,
                                      .children = given->pointers,
                                      .release = release_array,
                                      .private_data = given};
}

/* A table of the piles, which are none afterwards. */
static enum sotto_status make_table(struct sotto_table **out, struct sotto_parcels *parcels,
                                    struct sotto_error *err)
{
    struct lent_schema lent = {0};
    struct given_array *given = NULL;
    enum sotto_status status = lent_init(&lent, parcels->columns_len);
    if (status != SOTTO_OK || given_new(&given, parcels->columns_len) != SOTTO_OK) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    fill_all(&lent, given, parcels);
    parcels->piled = 0;
    parcels->bytes = 0;
    struct ArrowArray array = given->base; /* a move, as the interface has them */
    status = sotto_arrow_import(out, &lent.base, &array, err);
out:
    sotto_free(lent.children);
    sotto_free(lent.pointers);
    sotto_free(lent.formats);
    return status;
}

enum sotto_status sotto_parcels_table(struct sotto_table **out, struct sotto_parcels *parcels,
                                      struct sotto_error *err)
{
    if (!sotto_parcels_are_complete(parcels) || parcels->piled < parcels->rows) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "expected parcels of a whole table, found less");
    }
    enum sotto_status status = make_table(out, parcels, err);
    parcels->state = SOTTO__PARCELS_TAKEN;
    return status;
}

enum sotto_status sotto_parcels_rows(struct sotto_table **out, struct sotto_parcels *parcels,
                                     struct sotto_error *err)
{
    if (parcels->state == SOTTO__PARCELS_FAILED || parcels->state == SOTTO__PARCELS_TAKEN) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "expected parcels of a table, found a failure before");
    }
    if (parcels->piled == 0) {
        *out = NULL;
        return SOTTO_OK;
    }
    enum sotto_status status = make_table(out, parcels, err);
    if (status != SOTTO_OK) {
        parcels->state = SOTTO__PARCELS_FAILED;
    }
    return status;
}
