/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DATASET_INTERNAL_H
#define SOTTO_DATASET_INTERNAL_H

#include <locale.h>
#include <sotto/csv.h>

/* --- na.c: which texts mean "missing" --- */

struct sotto__na_words {
    char **words;
    size_t words_len;
    bool first[256]; /* some word starts with this byte */
    bool empty;      /* the empty text is among them */
};

/* Copies words. Returns: SOTTO_ERROR_NO_MEMORY. */
enum sotto_status sotto__na_words_init(struct sotto__na_words *out, const char *const *words,
                                       size_t words_len);
void sotto__na_words_release(struct sotto__na_words *na);
bool sotto__na_words_contain(const struct sotto__na_words *na, const char *text, size_t text_bytes);

/* --- number.c: the number grammar --- */

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

/* Parses text, spaces and tabs around it allowed; text[text_bytes] must be 0. Returns: false if it
 * is no number (then *out is undefined). */
bool sotto__number_parse(struct sotto__number *out, const char *text, size_t text_bytes);

/* Whether it is a number by its digits alone: neither infinite nor anything else. */
bool sotto__number_is_plain(const char *text, size_t text_bytes);

/* The double nearest to the text, ties to even; -0 gives 0. Requires the default floating-point
 * environment and c_locale, the "C" locale. */
double sotto__number_double(const struct sotto__number *number, locale_t c_locale);

/* True, TRUE, true, False, FALSE or false. Returns: false for any other text. */
bool sotto__bool_parse(bool *out, const char *text, size_t text_bytes);

/* --- csv.c: the open file --- */

struct sotto_csv {
    int fd;
    char *name;
    char delimiter;
    locale_t c_locale;
    struct sotto__na_words na;
};

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

/* Reads the whole file. On success *out_identity tells what was read. Returns: as
 * sotto_csv_catalogue, or what the visitor returned. */
enum sotto_status sotto__csv_read(const struct sotto_csv *csv,
                                  struct sotto_file_identity *out_identity,
                                  const struct sotto__csv_visitor *visitor,
                                  struct sotto_error *err);

/* For visitors: sets the error text, after "file:line: " and, where column is not SIZE_MAX, the
 * column's name. Returns: status. */
enum sotto_status sotto__csv_error(struct sotto__csv_reader *reader, enum sotto_status status,
                                   size_t column, const char *format, ...) SOTTO_PRINTF(4, 5);

/* The error text of the reader's caller, for sinks; may be NULL. */
struct sotto_error *sotto__csv_reader_err(struct sotto__csv_reader *reader);

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

/* Turns len values in place, int64_t to struct sotto_int128; values has room for them. */
void sotto__values_widen(void *values, size_t len);

#endif
