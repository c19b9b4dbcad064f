/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DATASET_INTERNAL_H
#define SOTTO_DATASET_INTERNAL_H

#include "text/split.h"

#include <locale.h>
#include <sotto/arrow.h>
#include <sotto/csv.h>
#include <stdatomic.h>

/* --- na.c: which texts mean "missing" --- */

struct sotto__na_words {
    char **words;
    size_t words_len;
    bool first[256];  /* some word starts with this byte */
    uint64_t lengths; /* bit i: some word has i bytes; bit 63: or more */
    bool empty;       /* the empty text is among them */
    bool number;      /* some word reads as a number, so that numbers must be looked up too */
};

/* Copies words. point: of numbers. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__na_words_init(struct sotto__na_words *out, const char *const *words,
                                       size_t words_len, char point);
void sotto__na_words_release(struct sotto__na_words *na);
bool sotto__na_words_contain(const struct sotto__na_words *na, const char *text, size_t text_bytes);

/* --- number.c: the number grammar. The point is '.', or ',' where the file's options say so --- */

struct sotto__number {
    struct sotto_type type; /* int64, decimal or float64: the smallest that holds the text */
    int64_t digits;         /* int64, decimal: the value is digits x 10^-scale */
    bool digits_lost;       /* float64 although it has no exponent */
    bool infinite;
    bool negative;
    const char *text; /* trimmed; borrows from what was parsed */
    size_t integer_digits;
    size_t fraction_digits;
    bool has_point;
    int64_t exponent; /* as written, between -1e9 and 1e9 */
};

/* Parses text, spaces and tabs around it allowed; what follows it must be a byte that can't go on a
 * number. Returns: false if it is no number (then *out is undefined). */
bool sotto__number_parse(struct sotto__number *out, const char *text, size_t text_bytes,
                         char point);

/* The double nearest to the text, ties to even; -0 gives 0. Requires the default floating-point
 * environment and c_locale, the "C" locale. */
double sotto__number_double(const struct sotto__number *number, locale_t c_locale);

/* The double nearest to digits x 10^power. Returns: false where it can't tell (lemire.c). */
bool sotto__nearest_double(double *out, uint64_t digits, int64_t power);

/* The same in place, of -?\d+(\.\d*)?([eE][+-]?\d+)? with up to 19 digits; SPLIT_BLOCK bytes after
 * text must be readable. Returns: false for what is not of this form, or hard to round. */
bool sotto__number_quick(double *out, const char *text, size_t text_bytes, char point);

/* True, TRUE, true, False, FALSE or false. Returns: false for any other text. */
bool sotto__bool_parse(bool *out, const char *text, size_t text_bytes);

/* --- magic.c: files that are known by their first bytes --- */

enum sotto__packing { SOTTO__PACKING_NONE, SOTTO__PACKING_GZIP, SOTTO__PACKING_ZSTD };

/* How many bytes decide. */
#define SOTTO__MAGIC_BYTES 16

enum sotto__packing sotto__packing_detect(const void *start, size_t bytes);

/* What begins so, where it can't be text, and what to do about it; packed files included. Returns:
 * false where it may be text. */
bool sotto__magic_find(const char **out_what, const char **out_advice, const void *start,
                       size_t bytes);

/* --- stream.c: compressed files --- */

struct sotto__stream;

/* The text of a packed file from its beginning. Ownership: borrows csv; ended by _free. */
enum sotto_status sotto__stream_new(struct sotto__stream **out, const struct sotto_csv *csv,
                                    struct sotto_error *err);
void sotto__stream_free(struct sotto__stream *stream);

/* The next bytes of the text, less than bytes only at its end. Returns: SOTTO_ERROR_INPUT for
 * damaged data. */
enum sotto_status sotto__stream_read(struct sotto__stream *stream, void *out, size_t *out_bytes,
                                     size_t bytes, struct sotto_error *err);

/* Passes over bytes bytes. Returns: SOTTO_ERROR_CHANGED if there are less. */
enum sotto_status sotto__stream_skip(struct sotto__stream *stream, uint64_t bytes,
                                     struct sotto_error *err);

/* --- csv.c: the open file --- */

struct sotto_csv {
    int fd;
    char *name;
    char delimiter;
    char point; /* of numbers: '.' or ',' */
    locale_t c_locale;
    struct sotto__na_words na;
    struct sotto_csv_column *columns; /* of the options; the names are copies */
    size_t columns_len;
    enum sotto__packing packing;
    uint64_t size_bytes;          /* when it was opened: chooses the number of workers, no more */
    _Atomic uint64_t *bytes_read; /* behind a pointer: readers have the file as const */
    /* How a file is cut up. Tests set them; results don't depend on them. */
    size_t chunk_bytes;  /* what a worker takes at a time */
    size_t window_bytes; /* what is split and then converted, while it is in the nearest cache */
    bool serial;         /* read through libcsv line by line, as after an error */
    const struct sotto_interrupt *interrupt;
};

/* Before each piece of the file that is read. */
static inline enum sotto_status sotto__csv_check_interrupt(const struct sotto_csv *csv,
                                                           struct sotto_error *err)
{
    if (sotto_interrupt_is_set(csv->interrupt)) {
        return sotto_error_set(err, SOTTO_ERROR_CANCELLED, "%s: reading was interrupted",
                               csv->name);
    }
    return SOTTO_OK;
}

/* Fills out with the file's bytes at offset. Returns: SOTTO_ERROR_CHANGED where the file ends
 * before. */
enum sotto_status sotto__csv_pread(const struct sotto_csv *csv, void *out, size_t bytes,
                                   uint64_t offset, struct sotto_error *err);

/* Inline, so that the analyser sees what comes back. */
static inline enum sotto_status sotto__csv_changed(const struct sotto_csv *csv,
                                                   struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_CHANGED,
                           "%s: changed while it was read; try again when nobody writes it",
                           csv->name);
}

static inline enum sotto_status sotto__csv_no_memory(const struct sotto_csv *csv,
                                                     struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_NO_MEMORY, "%s: out of memory", csv->name);
}

/* --- read.c: records through libcsv --- */

struct sotto__csv_reader;

/* What becomes of the records. Each field of a row comes with its column (never more columns than
 * names), then the row's end; ragged rows are refused before their end is told. Texts are valid
 * UTF-8 without NUL, terminated, and borrowed for the call. */
struct sotto__csv_visitor {
    enum sotto_status (*header)(void *context, struct sotto__csv_reader *reader, char *const *names,
                                size_t names_len);
    enum sotto_status (*field)(void *context, struct sotto__csv_reader *reader, size_t column,
                               const char *text, size_t text_bytes);
    enum sotto_status (*row)(void *context, struct sotto__csv_reader *reader);
    void *context;
};

/* Reads the whole file. On success *out_identity tells what was read, and *out_text_bytes how long
 * its text is. Returns: as
 * sotto_csv_catalogue, or what the visitor returned. */
enum sotto_status sotto__csv_read(const struct sotto_csv *csv,
                                  struct sotto_file_identity *out_identity,
                                  uint64_t *out_text_bytes,
                                  const struct sotto__csv_visitor *visitor,
                                  struct sotto_error *err);

/* Reads the header alone: calls visitor->header, and tells at which byte the rows begin. */
enum sotto_status sotto__csv_read_header(const struct sotto_csv *csv,
                                         struct sotto_file_identity *out_identity,
                                         uint64_t *out_rows_offset,
                                         const struct sotto__csv_visitor *visitor,
                                         struct sotto_error *err);

/* libcsv's memory. It answers a failed growth by asking for less; one refusal is to be the end of
 * it: reset the flag before parsing. */
extern _Thread_local bool sotto__parser_memory_refused;
void *sotto__parser_realloc(void *memory, size_t bytes);

/* For visitors: sets the error text, after "file:line: " and, where column is not SIZE_MAX, the
 * column's name. Returns: status. */
enum sotto_status sotto__csv_error(struct sotto__csv_reader *reader, enum sotto_status status,
                                   size_t column, const char *format, ...) SOTTO_PRINTF(4, 5);

/* The error text of the reader's caller, for sinks; may be NULL. */
struct sotto_error *sotto__csv_reader_err(struct sotto__csv_reader *reader);

/* --- fields.c: pieces of text as fields --- */

/* Complete rows. The field at row r and column c starts behind ends[r * columns_len + c - 1], and
 * ends[-1] is such that the first one starts at 0. */
struct sotto__fields {
    const char *text; /* DIGITS_BEFORE bytes before and SPLIT_BLOCK after are readable */
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

/* One worker's memory for splitting. */
struct sotto__splitter {
    const struct sotto_csv *csv;
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

void sotto__splitter_init(struct sotto__splitter *out, const struct sotto_csv *csv,
                          size_t columns_len);
void sotto__splitter_release(struct sotto__splitter *splitter);

/* Takes some rows of a text, in their order. */
typedef enum sotto_status sotto__fields_sink(void *context, const struct sotto__fields *fields);

/* Splits a text of whole records into fields for the sink. DIGITS_BEFORE bytes before and
 * SPLIT_BLOCK after the text must be readable. Returns: SOTTO_ERROR_INPUT for anything that reading
 * it through libcsv would refuse, and for fields that are long; SOTTO_ERROR_NO_MEMORY; what the
 * sink returned. No error text: the reader that reads line by line has it. */
enum sotto_status sotto__split_rows(struct sotto__splitter *splitter, const char *text,
                                    size_t bytes, sotto__fields_sink *sink, void *context);

/* --- spans.c: a file in parts that are read independently --- */

/* A worker's buffer for file bytes: `text` has DIGITS_BEFORE readable bytes before it, SPLIT_BLOCK
 * zeros after its `bytes`. */
struct sotto__span_buffer {
    void *memory;
    size_t capacity;
    char *text;
    size_t bytes;
};

/* Makes room for bytes bytes, of which `keep` are kept. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__span_buffer_reserve(struct sotto__span_buffer *buffer, size_t bytes,
                                             size_t keep);
void sotto__span_buffer_release(struct sotto__span_buffer *buffer);

/* Reads [offset, offset + bytes) of the file, or the next bytes of a stream (which may be NULL);
 * they end a record. Closes a last line that has no end. */
enum sotto_status sotto__span_read(struct sotto__span_buffer *buffer, const struct sotto_csv *csv,
                                   struct sotto__stream *stream, uint64_t offset, size_t bytes,
                                   struct sotto_error *err);

/* No span is longer: then the file is read serially. Above SOTTO_CSV_FIELD_BYTES_MAX. */
#define SPAN_BYTES_MAX ((size_t)64 * 1024 * 1024)

struct sotto__survey; /* below */

/* Catalogues the rows from rows_offset to the end in parallel: types, missing, rows and spans of
 * catalogue, whose columns have their names; survey may be NULL. Returns: SOTTO_ERROR_INPUT without
 * a text where the file must be read serially, because of an error in it or a very long record. */
enum sotto_status sotto__spans_catalogue(const struct sotto_csv *csv,
                                         struct sotto_catalogue *catalogue, uint64_t rows_offset,
                                         struct sotto__survey *survey, struct sotto_error *err);

/* The same of a packed file, whose text is unpacked by one worker at a time. */
enum sotto_status sotto__spans_catalogue_packed(const struct sotto_csv *csv,
                                                struct sotto_catalogue *catalogue,
                                                uint64_t rows_offset, struct sotto__survey *survey,
                                                struct sotto_error *err);

/* --- tally.c: the types of values --- */

/* What is known about some values of a column. */
struct sotto__tally {
    struct sotto_type type;
    uint64_t missing;
    bool digits_lost; /* some number without exponent loses digits as a double */
};

/* One value, as libcsv or sotto__field_trim gives it. */
void sotto__tally_text(struct sotto__tally *tally, const struct sotto_csv *csv, const char *text,
                       size_t text_bytes);

/* A column of some rows. */
void sotto__tally_fields(struct sotto__tally *tally, const struct sotto_csv *csv,
                         const struct sotto__fields *fields, size_t column);

/* Both together: commutative and associative. */
void sotto__tally_merge(struct sotto__tally *tally, const struct sotto__tally *other);

/* --- block.c: blocks of typed columns --- */

struct sotto__block_column {
    struct sotto_csv_wanted wanted;
    size_t next; /* another wanted column of the same file column, or SIZE_MAX */
    bool wide;
    size_t null_count;
    uint8_t *validity;
    void *values; /* strings: their bytes */
    size_t values_bytes;
    int64_t *offsets;
};

/* One worker's block. */
struct sotto__block {
    const struct sotto_csv *csv;
    struct sotto__block_column *columns;
    struct sotto_column *views;
    size_t columns_len;
    size_t *heads; /* the first wanted column of each file column, or SIZE_MAX */
    size_t capacity_rows;
    size_t rows; /* complete ones */
    size_t string_bytes;
};

/* Returns: SOTTO_ERROR_NO_MEMORY; the block is to be released all the same. */
enum sotto_status sotto__block_init(struct sotto__block *out, const struct sotto_csv *csv,
                                    size_t file_columns_len, const struct sotto_csv_wanted *wanted,
                                    size_t wanted_len);
void sotto__block_release(struct sotto__block *block);

/* Whether there is room for another row. */
bool sotto__block_is_full(const struct sotto__block *block);

/* Puts a field into the current row, in wanted column i. Returns: SOTTO_ERROR_CHANGED if the text
 * is not what was catalogued, SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__block_put(struct sotto__block *block, size_t i, const char *text,
                                   size_t text_bytes);

/* Appends rows [row, row + *rows) of fields, fewer of them if that fills the block; *rows tells how
 * many. Returns: as sotto__block_put. */
enum sotto_status sotto__block_append(struct sotto__block *block, size_t *rows,
                                      const struct sotto__fields *fields, size_t row);

/* The block's columns. Borrows from the block, until it is cleared. */
const struct sotto_column *sotto__block_view(struct sotto__block *block);
void sotto__block_clear(struct sotto__block *block);

/* --- survey.c: columns handed out while they are catalogued --- */

struct sotto__survey {
    const char *const *names;
    size_t names_len;
    sotto_csv_sink *sink;
    void *context;
    atomic_bool failed; /* what was handed out is not all, or is nothing */
};

/* One worker's. */
struct sotto__surveyor {
    struct sotto__survey *survey; /* NULL: there is none, and all of this does nothing */
    size_t worker;
    const struct sotto_csv *csv;
    size_t file_columns_len;
    struct sotto_csv_wanted *wanted;
    struct sotto__block block;
    bool has_block;
};

enum sotto_status sotto__surveyor_init(struct sotto__surveyor *out, struct sotto__survey *survey,
                                       size_t worker, const struct sotto_csv *csv,
                                       const struct sotto_catalogue *catalogue);
void sotto__surveyor_release(struct sotto__surveyor *surveyor);
/* Fields that the worker's tallies have taken. */
void sotto__surveyor_take(struct sotto__surveyor *surveyor, const struct sotto__tally *tallies,
                          const struct sotto__fields *fields);
void sotto__surveyor_end(struct sotto__surveyor *surveyor);

bool sotto__type_is_above(struct sotto_type above, struct sotto_type below);

/* --- table.c: tables in memory --- */

struct sotto__segment;

struct sotto__table_column {
    struct sotto_type type;
    bool wide;
    size_t null_count;
    uint8_t *validity;
    void *values;
    void *values_memory;              /* values are aligned within it */
    int64_t *offsets;                 /* while loading: of each row within its segment */
    struct sotto__segment **segments; /* while loading: a list for each worker, the last first */
    char *name;
    struct sotto_column view; /* what is handed out: borrows from the above, or from the owner */
};

struct sotto_table {
    size_t rows;
    struct sotto__table_column *columns;
    size_t columns_len;
    size_t workers;
    atomic_size_t holds;     /* who must free it before it ends */
    struct ArrowArray owner; /* of an imported table's buffers, or released */
};

/* A table of no columns yet, with room for columns_len. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__table_new(struct sotto_table **out, size_t columns_len, size_t rows,
                                   size_t workers);

/* Another hold on the table, ended by sotto_table_free. */
struct sotto_table *sotto__table_hold(struct sotto_table *table);

/* --- names.c --- */

/* Finds the first name, by position, that an earlier one equals. Returns: false if all differ;
 * SOTTO_ERROR_NO_MEMORY in *status. */
bool sotto__names_duplicate(size_t *out_first, size_t *out_second, enum sotto_status *out_status,
                            char *const *names, size_t names_len);

/* --- buffer.c: 64-byte aligned buffers that grow --- */

/* Grows *buffer (NULL, or from sotto_alloc_aligned, of *capacity_bytes) to at least needed_bytes,
 * at least doubling it; new bytes are zero. Returns: SOTTO_ERROR_NO_MEMORY, and nothing changed. */
enum sotto_status sotto__buffer_grow(void **buffer, size_t *capacity_bytes, size_t needed_bytes);

void sotto__bit_set(uint8_t *bitmap, size_t i, bool value);

/* Sets the bits [from, from + len). */
void sotto__bits_set(uint8_t *bitmap, size_t from, size_t len);

/* Turns len values in place, int64_t to struct sotto_int128; values has room for them. */
void sotto__values_widen(void *values, size_t len);

#endif
