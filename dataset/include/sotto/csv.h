/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_CSV_H
#define SOTTO_CSV_H

/* CSV and TSV files as typed columns. The grammar, the number syntax and the typing rules are
 * stated in dataset/README.md; errors name file, line, column, what was expected and what was
 * found.
 *
 * Two steps: sotto_csv_catalogue reads the file once and tells columns, types and rows;
 * sotto_csv_scan then reads wanted columns as the types that were agreed on. */

#include <sotto/column.h>
#include <sotto/interrupt.h>

SOTTO_BEGIN_DECLS

/* Limits; beyond them reading ends with SOTTO_ERROR_LIMIT. */
#define SOTTO_CSV_COLUMNS_MAX 65536
#define SOTTO_CSV_NAME_BYTES_MAX 1024
#define SOTTO_CSV_FIELD_BYTES_MAX ((size_t)16 * 1024 * 1024)

/* What is said of a column before it is read. */
struct sotto_csv_column {
    const char *name; /* of a column that the file must have */
    bool hidden;      /* sotto_catalogue_find does not find it, no scan reads it */
    bool typed;       /* its type is not found but stated; a value of no lower type, that is one
                         which such a column can't hold, is SOTTO_ERROR_INPUT; a bool then has more
                         words (dataset/README.md) */
    struct sotto_type type; /* not null */
    /* How its values are written: of dates and times sotto_datetime_form_is_valid for their kind
     * (NULL: as ISO 8601 has them); of a bool "ja/nein", its two words, true first, as they stand
     * (NULL: those of dataset/README.md). */
    const char *form;
};

#define SOTTO_CSV_WORD_BYTES 64

/* Whether text is two words of a bool column, "ja/nein": different ones of at most
 * SOTTO_CSV_WORD_BYTES bytes each, which neither begin nor end with a blank nor have a slash. */
SOTTO_API bool sotto_csv_words_are_valid(const char *text);

/* What may part fields, beside a tab and a comma, and what may begin comments. */
#define SOTTO_CSV_MARKS ";|:!#$%&*<>?@^~/"

enum sotto_text_format {
    SOTTO_TEXT_BY_NAME, /* NDJSON if the name ends with .ndjson or .jsonl, .gz or .zst behind it or
                           not, else CSV */
    SOTTO_TEXT_CSV,
    SOTTO_TEXT_NDJSON, /* an object in each line (dataset/README.md); of the options below only
                          na_words, for which NULL is none, and columns may be set */
};

struct sotto_csv_options {
    char delimiter;     /* 0: tab if the name ends with .tsv, else comma (semicolon with
                           decimal_comma); may be a tab, a comma or one of
                           SOTTO_CSV_MARKS */
    bool decimal_comma; /* "1,5" is a number and "1.5" is none; not with commas as
                           delimiters */
    enum sotto_text_format format;
    const char *const *na_words; /* NULL: pandas' default list (sotto_csv_na_words) */
    size_t na_words_len;
    uint32_t skip;   /* lines before the header that are no part of the table */
    uint32_t footer; /* lines behind the last row that are none, blank ones not counted; not of
                        packed files */
    char comment;    /* lines that begin with it are left out; 0: there are none. One of
                        SOTTO_CSV_MARKS, another than the delimiter */
    const struct sotto_csv_column *columns; /* each name once; columns not named are found out */
    size_t columns_len;
};

/* pandas' default NA words, the empty text included. Returns: static storage. */
SOTTO_API const char *const *sotto_csv_na_words(size_t *out_len);

/* Tells two files, or two states of one, apart. */
struct sotto_file_identity {
    uint64_t device;
    uint64_t inode;
    uint64_t size_bytes;
    int64_t modified_ns;
    int64_t changed_ns;
};

struct sotto_catalogue_column {
    char *name;
    struct sotto_type type;
    uint64_t missing;
    bool hidden;      /* by the options, or as it has no name ("") or is nested */
    bool is_nested;   /* of JSON: some of its values are lists or objects */
    bool is_key;      /* of whoever set it: scans read it though it is hidden. Not encoded */
    bool is_unread;   /* of a survey that was not asked for it: hidden, and its type is unknown.
                         A catalogue with such a column is not encoded */
    bool digits_lost; /* float64, and a number has more than the 15 digits that a double is sure to
                         keep; zeros at either end are not counted */
    bool inexact;     /* of numbers: one has so many digits, or has no exponent and is no double, as
                         0.1 is none: read as float64 it is rounded */
    bool exponent_inexact; /* float64, and a number with an exponent and fewer digits is no double,
                              as 1e-1 is none */
};

/* A place where reading may start: the record that begins at byte `offset` of the text is row
 * `rows_before`, from 0. A span reaches to the next one, the last to the end. */
struct sotto_catalogue_span {
    uint64_t offset;
    uint64_t rows_before;
};

/* What is known about a file. Ownership: ended by sotto_catalogue_free. */
struct sotto_catalogue {
    struct sotto_file_identity identity;
    uint64_t text_bytes; /* of the file, or of what is packed in it */
    uint64_t rows;
    struct sotto_catalogue_column *columns;
    size_t columns_len;
    struct sotto_catalogue_span *spans; /* all rows, in order; where there are none (no rows, a
                                           record of many MiB) a scan reads line by line */
    size_t spans_len;
};

struct sotto_csv;

/* Opens a file for reading; the path "-" is standard input, which is read to its end into memory.
 * What gzip or zstd packed is unpacked while it is read. options may be NULL.
 * Returns: SOTTO_ERROR_NOT_FOUND (missing), SOTTO_ERROR_IO (unreadable), SOTTO_ERROR_INPUT (a
 * directory or another thing that is not a regular file; a delimiter or a comment that can't be
 * one, a comma with decimal_comma among them; a first line "sep=" with another delimiter than
 * options say). Ownership: copies path and options; *out is ended by sotto_csv_close. */
SOTTO_API enum sotto_status sotto_csv_open(struct sotto_csv **out, const char *path,
                                           const struct sotto_csv_options *options,
                                           struct sotto_error *err) SOTTO_NODISCARD;

/* Reads an open file descriptor as sotto_csv_open reads a path; name stands in error texts, and its
 * ending tells the delimiter. Returns: as sotto_csv_open, but for SOTTO_ERROR_NOT_FOUND. Ownership:
 * takes fd, also on failure; copies name and options. */
SOTTO_API enum sotto_status sotto_csv_open_fd(struct sotto_csv **out, int fd, const char *name,
                                              const struct sotto_csv_options *options,
                                              struct sotto_error *err) SOTTO_NODISCARD;

/* Closes the file and frees all that it holds; NULL is fine. Nobody may be reading it. */
SOTTO_API void sotto_csv_close(struct sotto_csv *csv);

/* From now on every reading of the file that goes on ends with SOTTO_ERROR_CANCELLED once the
 * interrupt is set. NULL: none. Ownership: borrows it until the next call or the end. */
SOTTO_API void sotto_csv_heed(struct sotto_csv *csv, const struct sotto_interrupt *interrupt);

/* How many bytes of the file were read since it was opened, all readings together: for showing
 * progress. Threads: any, at any time. */
SOTTO_API uint64_t sotto_csv_bytes_read(const struct sotto_csv *csv);

/* How many bytes the file had when it was opened: those on disk, packed where they are packed.
 * Threads: any, at any time. */
SOTTO_API uint64_t sotto_csv_bytes(const struct sotto_csv *csv);

/* Whether this text is one of the file's NA words: no value of the file equals it. */
SOTTO_API bool sotto_csv_is_na(const struct sotto_csv *csv, const char *text);

/* The file's NA word that is the same number or the same boolean as text, which is written as in
 * plans: -999.0 is the word -999, and 1.5 the word 1,5 of a file with decimal commas. Returns: NULL
 * if there is none; borrowed from csv. */
SOTTO_API const char *sotto_csv_na_word(const struct sotto_csv *csv, const char *text);

/* The file's NA word that is the same date, or the same time, as text, which is written as in
 * plans, in a column of that name and kind: 01.01.1900 is the date 1900-01-01 where the column's
 * dates are written so. Returns: NULL if there is none, or text is nothing of this kind; borrowed
 * from csv. */
SOTTO_API const char *sotto_csv_na_date(const struct sotto_csv *csv, const char *column,
                                        enum sotto_kind kind, const char *text);

/* The identity of the file that is open. */
SOTTO_API enum sotto_status sotto_csv_identity(const struct sotto_csv *csv,
                                               struct sotto_file_identity *out,
                                               struct sotto_error *err) SOTTO_NODISCARD;

/* Reads the whole file and tells what is in it.
 * Returns: SOTTO_ERROR_INPUT (malformed text: the first error by position), SOTTO_ERROR_LIMIT,
 * SOTTO_ERROR_CHANGED (the file changed while it was read), SOTTO_ERROR_IO, SOTTO_ERROR_NO_MEMORY.
 * Threads: several may read one file at a time. */
SOTTO_API enum sotto_status sotto_csv_catalogue(struct sotto_csv *csv, struct sotto_catalogue **out,
                                                struct sotto_error *err) SOTTO_NODISCARD;

/* Frees a catalogue; NULL is fine. */
SOTTO_API void sotto_catalogue_free(struct sotto_catalogue *catalogue);

/* The index of the column of that name that is not hidden, or SOTTO_NONE. */
SOTTO_API size_t sotto_catalogue_find(const struct sotto_catalogue *catalogue, const char *name);

/* Whether two identities are of one file in one state: device, inode, size and both times. */
SOTTO_API bool sotto_file_identity_equal(const struct sotto_file_identity *a,
                                         const struct sotto_file_identity *b);

/* One wanted column and the type to read it as: its catalogued type or any above it. */
struct sotto_csv_wanted {
    size_t column; /* index in the catalogue */
    struct sotto_type type;
};

/* Takes one block of rows, the first of which is row first_row of the file, from 0: columns[i] is
 * wanted[i]. Blocks borrow buffers that are reused after the call. worker < sotto_csv_workers():
 * calls with one worker never overlap, calls with two may, and blocks come in any order. A status
 * other than SOTTO_OK ends the scan with it. */
typedef enum sotto_status sotto_csv_sink(void *context, size_t worker, uint64_t first_row,
                                         const struct sotto_column *columns, size_t columns_len,
                                         size_t rows, struct sotto_error *err);

/* How many workers a scan uses, at least 1: OpenMP's threads, fewer for a small file. It holds
 * until the calling thread changes OpenMP's number of threads. */
SOTTO_API size_t sotto_csv_workers(const struct sotto_csv *csv);

/* Reads the wanted columns of all rows into blocks for the sink. wanted_len may be 0: blocks then
 * only count rows. Returns: as sotto_csv_catalogue; SOTTO_ERROR_CHANGED also where the file is not
 * the one that was catalogued, SOTTO_ERROR_NOT_FOUND for a hidden column, SOTTO_ERROR_TYPE where a
 * wanted type is not above the catalogued
 * one. */
SOTTO_API enum sotto_status sotto_csv_scan(struct sotto_csv *csv,
                                           const struct sotto_catalogue *catalogue,
                                           const struct sotto_csv_wanted *wanted, size_t wanted_len,
                                           sotto_csv_sink *sink, void *context,
                                           struct sotto_error *err) SOTTO_NODISCARD;

/* As sotto_csv_catalogue, and hands out columns by their names meanwhile: each block as the types
 * that its worker has met so far, which may grow from block to block, and whose join over all
 * blocks is what the catalogue says; first_row is 0. A failure of the sink ends the handing out
 * only. *out_complete: all rows were handed out; if not, what was handed out is to be forgotten (a
 * file that must be read line by line, an unknown name). Columns that are neither named nor of a
 * stated type may be unread: the structure of the whole file is checked all the same. */
SOTTO_API enum sotto_status sotto_csv_survey(struct sotto_csv *csv, struct sotto_catalogue **out,
                                             bool *out_complete, const char *const *names,
                                             size_t names_len, sotto_csv_sink *sink, void *context,
                                             struct sotto_error *err) SOTTO_NODISCARD;

/* Takes a value of columns[i] that is not missing, of a row, from 0, and the line of the file on
 * which it begins, from 1. Text: valid UTF-8, terminated, borrowed for the call. Returns: whether
 * to go on. */
typedef bool sotto_csv_value_sink(void *context, size_t i, uint64_t row, uint64_t line,
                                  const char *text, size_t text_bytes);

/* Hands the values of some columns (indices in the catalogue) to the sink, row by row, until it
 * wants no more: for messages that name a line, since it reads slowly (0.1 GB/s). Returns: as
 * sotto_csv_catalogue. Threads: as there. */
SOTTO_API enum sotto_status sotto_csv_visit(const struct sotto_csv *csv, const size_t *columns,
                                            size_t columns_len, sotto_csv_value_sink *sink,
                                            void *context, struct sotto_error *err) SOTTO_NODISCARD;

/* Why a column is text. */
struct sotto_csv_misfit {
    size_t column; /* in the catalogue */
    char text[SOTTO_ERROR_TEXT_BYTES];
};

/* Says of columns of text that are numbers, or booleans, but for some values, which is the first of
 * these: "FILE:LINE: column "v": expected a number, as in most rows, found "3,276.28":
 * ...", and what would help. The text of a value is for the owner of the file alone. In: column of
 * each. Out: text, "" of other columns. Reads the file as sotto_csv_visit does, until something is
 * known of all columns. Returns: as sotto_csv_visit. */
SOTTO_API enum sotto_status sotto_csv_find_misfits(const struct sotto_csv *csv,
                                                   const struct sotto_catalogue *catalogue,
                                                   struct sotto_csv_misfit *misfits,
                                                   size_t misfits_len,
                                                   struct sotto_error *err) SOTTO_NODISCARD;

struct sotto_buffer;

/* A catalogue as bytes (versioned, little endian), for a node's store. Returns:
 * SOTTO_ERROR_NO_MEMORY. Ownership: *out is ended by sotto_buffer_release. */
SOTTO_API enum sotto_status sotto_catalogue_encode(const struct sotto_catalogue *catalogue,
                                                   struct sotto_buffer *out) SOTTO_NODISCARD;

/* The catalogue that sotto_catalogue_encode wrote; everything is checked. Returns:
 * SOTTO_ERROR_INPUT for bytes that are none or of another version, SOTTO_ERROR_NO_MEMORY.
 * Ownership: copies; *out is ended by sotto_catalogue_free. */
SOTTO_API enum sotto_status sotto_catalogue_decode(struct sotto_catalogue **out,
                                                   const uint8_t *data,
                                                   size_t data_bytes) SOTTO_NODISCARD;

SOTTO_END_DECLS

#endif
