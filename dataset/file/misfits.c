/* SPDX-License-Identifier: Apache-2.0 */

/* The values because of which a column is text, though nearly all others are numbers. Leans on
 * read.c, which knows lines, and on likeness.c.
 *
 * The idea: a catalogue knows that a column is text, not why, since who reads at the speed of
 * memory can't count lines. So the file is read once more when somebody has to be told: up to the
 * first value that is no number, and at least so many rows that it shows what the others are. */

#include "file/read.h"

#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

/* --- Values with their lines --- */

struct visit {
    const struct sotto_csv *csv;
    const size_t *columns;
    size_t columns_len;
    size_t *places; /* in columns, of each column of the file; or SOTTO_NONE */
    sotto_csv_value_sink *sink;
    void *context;
    uint64_t rows;
    bool is_over;
};

static enum sotto_status visit_header(void *context, struct sotto__csv_reader *reader,
                                      char *const *names, size_t names_len)
{
    struct visit *visit = context;
    (void)names;
    visit->places = sotto_alloc_array(names_len, sizeof *visit->places);
    if (visit->places == NULL) {
        return sotto__csv_no_memory(visit->csv, sotto__csv_reader_err(reader));
    }
    for (size_t i = 0; i < names_len; i++) {
        visit->places[i] = SOTTO_NONE;
    }
    for (size_t i = 0; i < visit->columns_len; i++) {
        if (visit->columns[i] >= names_len) {
            return sotto__csv_changed(visit->csv, sotto__csv_reader_err(reader));
        }
        visit->places[visit->columns[i]] = i;
    }
    return SOTTO_OK;
}

static enum sotto_status visit_field(void *context, struct sotto__csv_reader *reader, size_t column,
                                     const char *text, size_t text_bytes)
{
    struct visit *visit = context;
    size_t i = visit->places[column];
    const enum sotto__ndjson_kind *kind = sotto__csv_reader_kind(reader);
    bool is_there = kind == NULL || *kind != SOTTO__NDJSON_MISSING;
    if (i != SOTTO_NONE && is_there &&
        !sotto__na_words_contain(&visit->csv->format.na, text, text_bytes)) {
        visit->is_over = !visit->sink(visit->context, i, visit->rows,
                                      sotto__csv_reader_line(reader), text, text_bytes);
    }
    return visit->is_over ? SOTTO_ERROR_CANCELLED : SOTTO_OK; /* which ends the reading */
}

static enum sotto_status visit_row(void *context, struct sotto__csv_reader *reader)
{
    struct visit *visit = context;
    (void)reader;
    visit->rows++;
    return SOTTO_OK;
}

enum sotto_status sotto_csv_visit(const struct sotto_csv *csv, const size_t *columns,
                                  size_t columns_len, sotto_csv_value_sink *sink, void *context,
                                  struct sotto_error *err)
{
    struct visit visit = {.csv = csv,
                          .columns = columns,
                          .columns_len = columns_len,
                          .sink = sink,
                          .context = context};
    struct sotto__csv_visitor visitor = {
        .header = visit_header, .field = visit_field, .row = visit_row, .context = &visit};
    struct sotto_file_identity identity;
    uint64_t text_bytes;
    enum sotto_status status = sotto__csv_read(csv, &identity, &text_bytes, &visitor, err);
    sotto_free(visit.places);
    return visit.is_over ? SOTTO_OK : status;
}

/* --- Columns --- */

/* After so many values it is known what most of a column's are. */
#define SAMPLE_LEN 1000
/* Of a value, as it is shown. */
#define SHOWN_BYTES 120

/* A value that is not what others are. */
struct misfit {
    uint64_t line; /* 0: there is none */
    unsigned likeness;
    char shown[SHOWN_BYTES];
};

/* What is known of one column. */
struct tally {
    uint64_t values;
    uint64_t numbers; /* or like them */
    uint64_t booleans;
    uint64_t words; /* that are booleans where a column is stated to be of them; no numbers */
    struct misfit number;
    struct misfit boolean;
};

struct sampling {
    const struct sotto_csv *csv;
    struct tally *tallies;
    size_t len;
    size_t unknown_len; /* columns of which not all is known */
};

static void keep_first(struct misfit *misfit, uint64_t line, const char *text, size_t text_bytes)
{
    if (misfit->line == 0) {
        misfit->line = line;
        sotto_text_reveal(misfit->shown, sizeof misfit->shown, text, text_bytes);
    }
}

/* Whether more of the column changes nothing: most of its first values are of one kind, and the
 * first other one was met; or they are not. */
static bool is_known(const struct tally *tally)
{
    if (tally->values < SAMPLE_LEN) {
        return false;
    }
    return 2 * tally->numbers > tally->values    ? tally->number.line != 0
           : 2 * tally->booleans > tally->values ? tally->boolean.line != 0
                                                 : true;
}

static bool take_value(void *context, size_t i, uint64_t row, uint64_t line, const char *text,
                       size_t text_bytes)
{
    (void)row;
    struct sampling *sampling = context;
    struct tally *tally = &sampling->tallies[i];
    char point = sampling->csv->format.point;
    struct sotto__number number;
    bool truth;
    if (is_known(tally)) {
        return true;
    }
    bool is_number = sotto__number_parse(&number, text, text_bytes, point);
    bool is_boolean = !is_number && sotto__bool_parse(&truth, text, text_bytes);
    unsigned likeness =
        is_number || is_boolean ? 0 : sotto__number_likeness(text, text_bytes, point);
    tally->values++;
    tally->numbers += is_number || likeness != 0;
    tally->booleans += is_boolean;
    tally->words += !is_number && sotto__bool_word(&truth, text, text_bytes);
    if (!is_number) {
        tally->number.likeness = tally->number.line == 0 ? likeness : tally->number.likeness;
        keep_first(&tally->number, line, text, text_bytes);
    }
    if (!is_boolean) {
        keep_first(&tally->boolean, line, text, text_bytes);
    }
    sampling->unknown_len -= is_known(tally);
    return sampling->unknown_len > 0;
}

/* --- In words --- */

static const struct {
    unsigned likeness;
    const char *advice;
} advices[] = {
    {SOTTO__LIKE_HIDDEN, "take out the hidden characters"},
    {SOTTO__LIKE_MINUS, "write the minus as -"},
    {SOTTO__LIKE_DIGITS, "write the digits as 0 to 9"},
    {SOTTO__LIKE_PERCENT, "take out the per cent sign"},
    {SOTTO__LIKE_CURRENCY, "take out the currency sign"},
    {SOTTO__LIKE_GROUPS, "take out the thousands separators"},
    {SOTTO__LIKE_PARENTHESES, "write -5 in place of (5)"},
};

/* What to do about the other one of point and comma. */
static const char *advise_mark(unsigned likeness, char point)
{
    if ((likeness & (SOTTO__LIKE_POINT | SOTTO__LIKE_EITHER)) == 0) {
        return NULL;
    }
    if (point == ',') {
        return (likeness & SOTTO__LIKE_EITHER) != 0
                   ? "take out the point, if it parts thousands; a decimal point is none where "
                     "--decimal , is said"
                   : "write its point as the comma that --decimal , says (decimal in node.yaml)";
    }
    return (likeness & SOTTO__LIKE_EITHER) != 0
               ? "take out the comma, if it parts thousands; if it is the decimal comma, say "
                 "--decimal , (decimal in node.yaml)"
               : "if the comma is the decimal comma, say --decimal , (decimal in node.yaml)";
}

void sotto__likeness_advise(char *out, size_t out_bytes, unsigned likeness, char point)
{
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof advices / sizeof advices[0] && at < out_bytes; i++) {
        if ((likeness & advices[i].likeness) != 0) {
            at += (size_t)snprintf(out + at, out_bytes - at, at > 0 ? "; %s" : "%s",
                                   advices[i].advice);
        }
    }
    const char *mark = advise_mark(likeness, point);
    if (mark != NULL && at < out_bytes) {
        (void)snprintf(out + at, out_bytes - at, at > 0 ? "; %s" : "%s", mark);
    }
}

static void write_misfit(struct sotto_csv_misfit *out, const struct sotto_csv *csv,
                         const char *name, const struct tally *tally)
{
    char advice[320];
    bool are_numbers = 2 * tally->numbers > tally->values;
    const struct misfit *misfit = are_numbers ? &tally->number : &tally->boolean;
    out->text[0] = '\0';
    bool are_words = tally->words == tally->values;
    if ((!are_numbers && !are_words && 2 * tally->booleans <= tally->values) || misfit->line == 0) {
        return;
    }
    sotto__likeness_advise(advice, sizeof advice, are_numbers ? misfit->likeness : 0,
                           csv->format.point);
    if (are_words) {
        (void)snprintf(advice, sizeof advice,
                       "say --type %.64s=bool (types in node.yaml), which reads it", name);
    } else if (advice[0] == '\0') {
        (void)snprintf(advice, sizeof advice,
                       "correct it; or, if it means that there is no value, say so with --na (na "
                       "in node.yaml)");
    }
    struct sotto_error text;
    (void)sotto_error_set(&text, SOTTO_ERROR_TYPE,
                          "%s:%llu: column \"%s\": expected %s, found \"%s\": %s", csv->name,
                          (unsigned long long)misfit->line, name,
                          are_numbers ? "a number, as in most rows"
                          : are_words ? "true or false"
                                      : "true or false, as in most rows",
                          misfit->shown, advice);
    memcpy(out->text, text.text, sizeof out->text);
}

enum sotto_status sotto_csv_find_misfits(const struct sotto_csv *csv,
                                         const struct sotto_catalogue *catalogue,
                                         struct sotto_csv_misfit *misfits, size_t misfits_len,
                                         struct sotto_error *err)
{
    if (misfits_len == 0) {
        return SOTTO_OK;
    }
    struct sampling sampling = {.csv = csv, .len = misfits_len, .unknown_len = misfits_len};
    size_t *columns = sotto_alloc_array(misfits_len, sizeof *columns);
    sampling.tallies = sotto_alloc_array(misfits_len, sizeof *sampling.tallies);
    enum sotto_status status;
    if (columns == NULL || sampling.tallies == NULL) {
        status = sotto__csv_no_memory(csv, err);
        goto out;
    }
    for (size_t i = 0; i < misfits_len; i++) {
        SOTTO_REQUIRE(misfits[i].column < catalogue->columns_len);
        columns[i] = misfits[i].column;
    }
    status = sotto_csv_visit(csv, columns, misfits_len, take_value, &sampling, err);
    for (size_t i = 0; status == SOTTO_OK && i < misfits_len; i++) {
        write_misfit(&misfits[i], csv, catalogue->columns[columns[i]].name, &sampling.tallies[i]);
    }
out:
    sotto_free(sampling.tallies);
    sotto_free(columns);
    return status;
}
