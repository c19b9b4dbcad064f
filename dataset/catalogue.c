/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <sotto/alloc.h>
#include <string.h>

void sotto_catalogue_free(struct sotto_catalogue *catalogue)
{
    if (catalogue == NULL) {
        return;
    }
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        sotto_free(catalogue->columns[i].name);
    }
    sotto_free(catalogue->columns);
    sotto_free(catalogue);
}

size_t sotto_catalogue_find(const struct sotto_catalogue *catalogue, const char *name)
{
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        if (strcmp(catalogue->columns[i].name, name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

struct cataloguing {
    const struct sotto__na_words *na;
    struct sotto_catalogue *catalogue;
};

static enum sotto_status visit_header(void *context, struct sotto__csv_reader *reader,
                                      char *const *names, size_t names_len)
{
    struct cataloguing *work = context;
    struct sotto_catalogue *catalogue = work->catalogue;
    catalogue->columns = sotto_alloc_array(names_len, sizeof *catalogue->columns);
    for (size_t i = 0; catalogue->columns != NULL && i < names_len; i++) {
        catalogue->columns[i].name = sotto_text_copy(names[i], strlen(names[i]));
        if (catalogue->columns[i].name == NULL) {
            break;
        }
        catalogue->columns_len++;
    }
    if (catalogue->columns_len != names_len) {
        return sotto__csv_error(reader, SOTTO_ERROR_NO_MEMORY, SIZE_MAX, "out of memory");
    }
    return SOTTO_OK;
}

static enum sotto_status visit_field(void *context, struct sotto__csv_reader *reader, size_t column,
                                     const char *text, size_t text_bytes)
{
    (void)reader;
    struct cataloguing *work = context;
    struct sotto_catalogue_column *known = &work->catalogue->columns[column];
    if (sotto__na_words_contain(work->na, text, text_bytes)) {
        known->missing++;
        return SOTTO_OK;
    }
    if (known->type.kind == SOTTO_KIND_STRING) {
        return SOTTO_OK; /* the top of the lattice */
    }
    struct sotto__number number;
    bool truth;
    struct sotto_type type = {.kind = SOTTO_KIND_STRING};
    if (sotto__number_parse(&number, text, text_bytes)) {
        type = number.type;
        known->digits_lost = known->digits_lost || number.digits_lost;
    } else if (sotto__bool_parse(&truth, text, text_bytes)) {
        type.kind = SOTTO_KIND_BOOL;
    }
    known->type = sotto_type_join(known->type, type);
    return SOTTO_OK;
}

static enum sotto_status visit_row(void *context, struct sotto__csv_reader *reader)
{
    (void)reader;
    struct cataloguing *work = context;
    work->catalogue->rows++;
    return SOTTO_OK;
}

enum sotto_status sotto_csv_catalogue(struct sotto_csv *csv, struct sotto_catalogue **out,
                                      struct sotto_error *err)
{
    struct sotto_catalogue *catalogue = sotto_alloc_zeroed(sizeof *catalogue);
    if (catalogue == NULL) {
        return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "%s: out of memory", csv->name);
    }
    struct cataloguing work = {.na = &csv->na, .catalogue = catalogue};
    struct sotto__csv_visitor visitor = {
        .header = visit_header, .field = visit_field, .row = visit_row, .context = &work};
    enum sotto_status status = sotto__csv_read(csv, &catalogue->identity, &visitor, err);
    if (status != SOTTO_OK) {
        sotto_catalogue_free(catalogue);
        return status;
    }
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        struct sotto_catalogue_column *column = &catalogue->columns[i];
        column->digits_lost = column->digits_lost && column->type.kind == SOTTO_KIND_FLOAT64;
    }
    *out = catalogue;
    return SOTTO_OK;
}
