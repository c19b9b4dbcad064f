/* SPDX-License-Identifier: Apache-2.0 */

/* Filling a catalogue. Leans on spans.c for the fast way and on read.c for the other one.
 *
 * The idea: all of a file is read once, in parallel, and whatever is wrong in it ends that attempt
 * without a word. Then it is read line by line, so that the first error is the one that is told,
 * with its line; and where only the fast way had a limit (a very long record), the result is the
 * same. */

#include "file/read.h"
#include "file/spans.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

struct cataloguing {
    const struct sotto_csv *csv;
    struct sotto_catalogue *catalogue;
    struct sotto__column_facts *facts;
    bool *stated; /* columns whose type the options state */
};

/* What the options say of the columns. The stated type is where a column's type begins. */
static enum sotto_status apply_options(const struct cataloguing *work,
                                       struct sotto__csv_reader *reader)
{
    for (size_t i = 0; i < work->csv->columns_len; i++) {
        const struct sotto_csv_column *option = &work->csv->columns[i];
        size_t found = sotto_catalogue_find(work->catalogue, option->name);
        if (found == SOTTO_NONE) {
            return sotto__csv_error(reader, SOTTO_ERROR_INPUT, SOTTO_NONE,
                                    "expected a column \"%s\", which the options name",
                                    option->name);
        }
        struct sotto_catalogue_column *column = &work->catalogue->columns[found];
        column->hidden = option->hidden;
        if (option->typed) {
            column->type = option->type;
            work->stated[found] = true;
        }
    }
    return SOTTO_OK;
}

static enum sotto_status visit_header(void *context, struct sotto__csv_reader *reader,
                                      char *const *names, size_t names_len)
{
    struct cataloguing *work = context;
    struct sotto_catalogue *catalogue = work->catalogue;
    catalogue->columns = sotto_alloc_array(names_len, sizeof *catalogue->columns);
    work->facts = sotto_alloc_array(names_len, sizeof *work->facts);
    work->stated = sotto_alloc_array(names_len, sizeof *work->stated);
    bool complete = catalogue->columns != NULL && work->facts != NULL && work->stated != NULL;
    for (size_t i = 0; complete && i < names_len; i++) {
        char *name = sotto_text_copy(names[i], strlen(names[i]));
        bool is_nested = sotto__csv_reader_is_nested(reader, i);
        complete = name != NULL;
        if (complete) {
            catalogue->columns[catalogue->columns_len++] = (struct sotto_catalogue_column){
                .name = name, .hidden = name[0] == '\0' || is_nested, .is_nested = is_nested};
        }
    }
    if (!complete) {
        return sotto__csv_error(reader, SOTTO_ERROR_NO_MEMORY, SOTTO_NONE, "out of memory");
    }
    enum sotto_status status = apply_options(work, reader);
    for (size_t i = 0; i < names_len; i++) {
        work->facts[i] = sotto__column_facts_begin(catalogue->columns[i].type,
                                                   sotto__csv_form(work->csv, names[i]));
    }
    return status;
}

/* Refuses a value that a column of this stated type can't hold. */
static enum sotto_status refuse_value(const struct cataloguing *work,
                                      struct sotto__csv_reader *reader, size_t column,
                                      const char *text, size_t text_bytes)
{
    const struct sotto_catalogue_column *stated = &work->catalogue->columns[column];
    char point = work->csv->format.point;
    char expected[SOTTO__STATED_BYTES];
    char shown[120];
    char advice[320] = "";
    sotto__stated_text(expected, stated->type, sotto__csv_form(work->csv, stated->name));
    sotto_text_reveal(shown, sizeof shown, text, text_bytes);
    if (sotto_kind_is_numeric(stated->type.kind)) {
        sotto__likeness_advise(advice, sizeof advice,
                               sotto__number_likeness(text, text_bytes, point), point);
    }
    return sotto__csv_error(reader, SOTTO_ERROR_INPUT, column,
                            "expected %s as configured, found \"%s\"%s%s", expected, shown,
                            advice[0] != '\0' ? ": " : "", advice);
}

static enum sotto_status visit_field(void *context, struct sotto__csv_reader *reader, size_t column,
                                     const char *text, size_t text_bytes)
{
    struct cataloguing *work = context;
    struct sotto__column_facts *facts = &work->facts[column];
    const enum sotto__ndjson_kind *kind = sotto__csv_reader_kind(reader);
    if (kind != NULL) {
        sotto__column_facts_take_json(facts, &work->csv->format, *kind, text, text_bytes);
    } else {
        sotto__column_facts_take_text(facts, &work->csv->format, text, text_bytes);
    }
    struct sotto_type stated = work->catalogue->columns[column].type;
    if (work->stated[column] && !sotto__type_is_above(stated, facts->type)) {
        return refuse_value(work, reader, column, text, text_bytes);
    }
    return SOTTO_OK;
}

static enum sotto_status visit_row(void *context, struct sotto__csv_reader *reader)
{
    (void)reader;
    struct cataloguing *work = context;
    work->catalogue->rows++;
    return SOTTO_OK;
}

/* Line by line, through libcsv. */
static enum sotto_status catalogue_serially(const struct sotto_csv *csv,
                                            struct sotto_catalogue *catalogue,
                                            struct sotto_error *err)
{
    struct cataloguing work = {.csv = csv, .catalogue = catalogue};
    struct sotto__csv_visitor visitor = {
        .header = visit_header, .field = visit_field, .row = visit_row, .context = &work};
    enum sotto_status status =
        sotto__csv_read(csv, &catalogue->identity, &catalogue->text_bytes, &visitor, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        catalogue->columns[i].type = work.facts[i].type;
        catalogue->columns[i].missing = work.facts[i].missing;
        catalogue->columns[i].digits_lost = work.facts[i].digits_lost;
        catalogue->columns[i].inexact = work.facts[i].inexact;
        catalogue->columns[i].exponent_inexact = work.facts[i].exponent_inexact;
    }
out:
    sotto_free(work.stated);
    sotto_free(work.facts);
    return status;
}

/* Whether the columns of stated types kept them; if not, the other way tells where. */
static bool stated_types_hold(const struct sotto_csv *csv, const struct sotto_catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        const struct sotto_catalogue_column *column = &catalogue->columns[i];
        for (size_t j = 0; j < csv->columns_len; j++) {
            const struct sotto_csv_column *option = &csv->columns[j];
            if (option->typed && strcmp(option->name, column->name) == 0 &&
                !sotto__type_is_above(option->type, column->type)) {
                return false;
            }
        }
    }
    return true;
}

/* Leaves out the columns that nobody asks for: finding out the types of values takes most of the
 * time. A stated type, of which reading begins, is a promise about the file whoever asks; and where
 * a name is unknown, the file will be asked for its other columns. */
static void leave_unread(struct sotto_catalogue *catalogue, const struct sotto__handout *handout)
{
    bool are_known = true;
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        catalogue->columns[i].is_unread = catalogue->columns[i].type.kind == SOTTO_KIND_NULL;
    }
    for (size_t i = 0; are_known && i < handout->names_len; i++) {
        size_t found = sotto_catalogue_find(catalogue, handout->names[i]);
        are_known = found != SOTTO_NONE;
        if (are_known) {
            catalogue->columns[found].is_unread = false;
        }
    }
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        struct sotto_catalogue_column *column = &catalogue->columns[i];
        column->is_unread = column->is_unread && are_known;
        column->hidden = column->hidden || column->is_unread;
    }
}

/* In spans, on all threads. Returns: SOTTO_ERROR_INPUT if the other way must tell. */
static enum sotto_status catalogue_in_parallel(const struct sotto_csv *csv,
                                               struct sotto_catalogue *catalogue,
                                               struct sotto__handout *handout,
                                               struct sotto_error *err)
{
    struct cataloguing work = {.csv = csv, .catalogue = catalogue};
    struct sotto__csv_visitor visitor = {.header = visit_header, .context = &work};
    struct sotto_file_identity after;
    uint64_t rows_offset;
    enum sotto_status status = sotto__csv_read_header(csv, &catalogue->identity, &rows_offset,
                                                      &catalogue->text_bytes, &visitor, err);
    sotto_free(work.stated);
    sotto_free(work.facts);
    if (status != SOTTO_OK) {
        return status;
    }
    if (handout != NULL) {
        leave_unread(catalogue, handout);
    }
    status = csv->packing == SOTTO__PACKING_NONE
                 ? sotto__spans_catalogue(csv, catalogue, rows_offset, handout, err)
                 : sotto__spans_catalogue_packed(csv, catalogue, rows_offset, handout, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto_csv_identity(csv, &after, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (!stated_types_hold(csv, catalogue)) {
        return SOTTO_ERROR_INPUT;
    }
    return sotto_file_identity_equal(&after, &catalogue->identity) ? SOTTO_OK
                                                                   : sotto__csv_changed(csv, err);
}

/* The file in parallel, or else line by line. */
static enum sotto_status make_catalogue(struct sotto_csv *csv, struct sotto_catalogue **out,
                                        struct sotto__handout *handout, struct sotto_error *err)
{
    struct sotto_catalogue *catalogue = sotto_alloc_zeroed(sizeof *catalogue);
    if (catalogue == NULL) {
        return sotto__csv_no_memory(csv, err);
    }
    enum sotto_status status =
        csv->serial ? SOTTO_ERROR_INPUT : catalogue_in_parallel(csv, catalogue, handout, err);
    if (status == SOTTO_ERROR_INPUT) {
        if (handout != NULL) {
            atomic_store(&handout->failed, true);
        }
        sotto_catalogue_free(catalogue);
        catalogue = sotto_alloc_zeroed(sizeof *catalogue);
        if (catalogue == NULL) {
            return sotto__csv_no_memory(csv, err);
        }
        status = catalogue_serially(csv, catalogue, err);
    }
    if (status != SOTTO_OK) {
        sotto_catalogue_free(catalogue);
        return status;
    }
    /* Facts that later values made void: a column that ended as strings has no digits to lose. */
    for (size_t i = 0; i < catalogue->columns_len; i++) {
        struct sotto_catalogue_column *column = &catalogue->columns[i];
        column->digits_lost = column->digits_lost && column->type.kind == SOTTO_KIND_FLOAT64;
        column->inexact = column->inexact && sotto_kind_is_numeric(column->type.kind);
        column->exponent_inexact =
            column->exponent_inexact && column->type.kind == SOTTO_KIND_FLOAT64;
    }
    *out = catalogue;
    return SOTTO_OK;
}

enum sotto_status sotto_csv_catalogue(struct sotto_csv *csv, struct sotto_catalogue **out,
                                      struct sotto_error *err)
{
    return make_catalogue(csv, out, NULL, err);
}

enum sotto_status sotto_csv_survey(struct sotto_csv *csv, struct sotto_catalogue **out,
                                   bool *out_complete, const char *const *names, size_t names_len,
                                   sotto_csv_sink *sink, void *context, struct sotto_error *err)
{
    struct sotto__handout handout = {
        .names = names, .names_len = names_len, .sink = sink, .context = context};
    enum sotto_status status = make_catalogue(csv, out, &handout, err);
    *out_complete = status == SOTTO_OK && !atomic_load(&handout.failed);
    return status;
}
