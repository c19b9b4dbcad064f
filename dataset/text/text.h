/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DATASET_TEXT_TEXT_H
#define SOTTO_DATASET_TEXT_TEXT_H

/* Room text: pieces of text as fields, as types, and as blocks of typed columns. */

#include "text/ndjson.h"
#include "text/split.h"
#include "value/value.h"
#include <sotto/csv.h>

/* How the text of a file is written. */
struct sotto__text_format {
    char delimiter;
    char point;   /* of numbers: '.' or ',' */
    bool is_json; /* an object in each line; the rest is of CSV, but for na */
    char comment; /* a line that begins with it is none of the table; 0: there are none */
    locale_t c_locale;
    struct sotto__na_words na;
    size_t window_bytes; /* what is split and then converted, while it is in the nearest cache */
};

/* --- parser.c --- */

/* libcsv's memory. It answers a failed growth by asking for less; one refusal is to be the end of
 * it: reset the flag before parsing. */
extern _Thread_local bool sotto__libcsv_memory_refused;
void *sotto__libcsv_realloc(void *memory, size_t bytes);

/* --- fields.c: pieces of text as fields --- */

/* Complete rows. The field at row r and column c starts behind ends[r * columns_len + c - 1], and
 * ends[-1] is such that the first one starts at 0. */
struct sotto__fields {
    /* SOTTO__DIGITS_BEFORE bytes before it and SOTTO__SPLIT_BLOCK after it are readable. */
    const char *text;
    const uint32_t *ends;
    size_t columns_len;
    size_t rows;
    bool crlf;     /* fields at the end of a row may have a CR behind them */
    bool verbatim; /* the fields went through libcsv, which trimmed and unquoted them */
};

/* A field as it stands: blanks around it and the CR of a CR LF are not trimmed. */
static inline const char *sotto__field(const struct sotto__fields *fields, size_t row,
                                       size_t column, size_t *out_bytes)
{
    const uint32_t *end = fields->ends + row * fields->columns_len + column;
    uint32_t start = end[-1] + 1; /* wraps to 0 for the first */
    *out_bytes = end[0] - start;
    return fields->text + start;
}

/* The text of such a field, trimmed unless it is verbatim. */
static inline const char *sotto__field_trim(const struct sotto__fields *fields, const char *text,
                                            size_t *bytes)
{
    /* All that is trimmed is at most a space; so are bytes that are kept, and they end the loops.
     */
    while (!fields->verbatim && *bytes > 0 && (*text == ' ' || *text == '\t')) {
        text++;
        (*bytes)--;
    }
    while (!fields->verbatim && *bytes > 0 &&
           (text[*bytes - 1] == ' ' || text[*bytes - 1] == '\t' || text[*bytes - 1] == '\r')) {
        (*bytes)--;
    }
    return text;
}

/* One worker's memory for splitting. Ownership: the three arrays are its own. */
struct sotto__splitter {
    const struct sotto__text_format *format;
    const struct sotto__split_kernels *kernels;
    size_t columns_len;
    uint32_t *ends; /* of a window */
    size_t ends_len;
    /* Rows that were copied: through libcsv, or without the blank lines between them. */
    char *copy;
    size_t copy_bytes;
    size_t copy_capacity;
    uint32_t *copy_ends;
    size_t copy_ends_len;
    size_t copy_ends_capacity;
    size_t row_fields; /* of the current row */
    bool failed;
    bool no_memory;
};

/* Allocates nothing. Borrows format until release, which takes one that was never used too. */
void sotto__splitter_init(struct sotto__splitter *out, const struct sotto__text_format *format,
                          size_t columns_len);
void sotto__splitter_release(struct sotto__splitter *splitter);

/* Takes some rows of a text, in their order. fields are borrowed for the call. */
typedef enum sotto_status sotto__fields_sink(void *context, const struct sotto__fields *fields);

/* Splits a text of whole records into fields for the sink. SOTTO__DIGITS_BEFORE bytes before and
 * SOTTO__SPLIT_BLOCK after the text must be readable. Returns: SOTTO_ERROR_INPUT for anything that
 * reading it through libcsv would refuse, and for fields that are long; SOTTO_ERROR_NO_MEMORY; what
 * the sink returned. No error text: the reader that reads line by line has it. */
enum sotto_status sotto__split_rows(struct sotto__splitter *splitter, const char *text,
                                    size_t bytes, sotto__fields_sink *sink,
                                    void *context) SOTTO_NODISCARD;

/* --- facts.c: the types of values --- */

/* What is known about some values of a column. All zeros: nothing yet. Borrows form. */
struct sotto__column_facts {
    struct sotto_type type;
    const char *form; /* as in struct sotto_csv_column */
    uint64_t missing;
    bool is_stated;        /* its type is, so that a string may be a number */
    bool has_words;        /* of a column that is stated to be of booleans: it has more words */
    bool digits_lost;      /* some number loses digits as a double */
    bool inexact;          /* or has no exponent, and is no double: 0.1 is none */
    bool exponent_inexact; /* some number with an exponent is no double: 1e-1 is none */
};

/* Nothing yet, but the type where it is stated (else null), and its form. */
static inline struct sotto__column_facts sotto__column_facts_begin(struct sotto_type stated,
                                                                   const char *form)
{
    return (struct sotto__column_facts){.type = stated,
                                        .is_stated = stated.kind != SOTTO_KIND_NULL,
                                        .has_words = stated.kind == SOTTO_KIND_BOOL,
                                        .form = form};
}

/* One value, as libcsv or sotto__field_trim gives it. */
void sotto__column_facts_take_text(struct sotto__column_facts *facts,
                                   const struct sotto__text_format *format, const char *text,
                                   size_t text_bytes);

/* One value of a JSON file, whose strings are no numbers and no booleans. */
void sotto__column_facts_take_json(struct sotto__column_facts *facts,
                                   const struct sotto__text_format *format,
                                   enum sotto__ndjson_kind kind, const char *text,
                                   size_t text_bytes);

/* A column of some rows. */
void sotto__column_facts_take_fields(struct sotto__column_facts *facts,
                                     const struct sotto__text_format *format,
                                     const struct sotto__fields *fields, size_t column);

/* Both together: commutative and associative. */
void sotto__column_facts_merge(struct sotto__column_facts *facts,
                               const struct sotto__column_facts *other);

#endif
