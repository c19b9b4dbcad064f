/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_DATASET_VALUE_VALUE_H
#define SOTTO_DATASET_VALUE_VALUE_H

/* Room value: single values and the memory of columns: numbers, missing values, names, buffers. */

#include <locale.h>
#include <sotto/csv.h>

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
                                       size_t words_len, char point) SOTTO_NODISCARD;
void sotto__na_words_release(struct sotto__na_words *na);
/* Whether text, which holds no NUL, is one of the words: byte by byte, blanks not trimmed. */
bool sotto__na_words_contain(const struct sotto__na_words *na, const char *text, size_t text_bytes);
/* The first word, read with this point, that is the number or the boolean that text is, whose point
 * is '.'. Returns: NULL if there is none; borrowed from na. */
const char *sotto__na_words_find(const struct sotto__na_words *na, const char *text, char point);

/* --- number.c, lemire.c: the number grammar. The point is '.', or ',' where options say so --- */

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

/* The digits of a number from the first to the last that is not 0: it is they x 10^power. */
struct sotto__significant {
    size_t first; /* of all digits, the point left out */
    size_t len;   /* 0: the number is 0 */
    int64_t power;
};

/* Of a number that is not infinite. */
struct sotto__significant sotto__number_significant(const struct sotto__number *number);

/* Whether some double is exactly the number, which is not infinite and has at most 15 significant
 * digits. */
bool sotto__number_is_double(const struct sotto__number *number);

/* Whether two numbers are one, however they are written: 1.50, 15e-1. */
bool sotto__number_equal(const struct sotto__number *x, const struct sotto__number *y);

/* The double nearest to the text, ties to even; -0 gives 0. Requires the default floating-point
 * environment and c_locale, the "C" locale. */
double sotto__number_double(const struct sotto__number *number, locale_t c_locale);

/* The double nearest to digits x 10^power. Returns: false where it can't tell (lemire.c). */
bool sotto__nearest_double(double *out, uint64_t digits, int64_t power);

/* The same in place, of -?\d+(\.\d*)?([eE][+-]?\d+)? with up to 19 digits; SOTTO__SPLIT_BLOCK bytes
 * after text must be readable. Returns: false for what is not of this form, or hard to round. */
bool sotto__number_quick(double *out, const char *text, size_t text_bytes, char point);

/* True, TRUE, true, False, FALSE or false. Returns: false for any other text. */
bool sotto__bool_parse(bool *out, const char *text, size_t text_bytes);

/* The same of what files have for booleans where a column is stated to be of them: these words,
 * yes, no, y, n, t and f in any case, 1 and 0. Returns: false for any other text. */
bool sotto__bool_word(bool *out, const char *text, size_t text_bytes);

/* The same by a column's own words, "ja/nein"; form may be NULL: as above. */
bool sotto__bool_read(bool *out, const char *form, const char *text, size_t text_bytes);

#define SOTTO__STATED_BYTES (2 * SOTTO_CSV_WORD_BYTES + 32)
/* What a column of a stated type has for values, in words; form as of a bool column, or NULL. */
void sotto__stated_text(char out[SOTTO__STATED_BYTES], struct sotto_type type, const char *form);

/* --- likeness.c --- */

/* What a text that is no number of the grammar has in place of a number's characters. */
enum sotto__likeness {
    SOTTO__LIKE_HIDDEN = 1,        /* blanks that are no space, characters without width */
    SOTTO__LIKE_MINUS = 2,         /* another sign in place of - */
    SOTTO__LIKE_DIGITS = 4,        /* digits of another script or width */
    SOTTO__LIKE_PERCENT = 8,       /* per cent, per mille */
    SOTTO__LIKE_CURRENCY = 16,     /* a currency's sign */
    SOTTO__LIKE_GROUPS = 32,       /* something between groups of three digits */
    SOTTO__LIKE_POINT = 64,        /* the other one of point and comma */
    SOTTO__LIKE_EITHER = 128,      /* a comma or point, which one can't be told: 1,234 */
    SOTTO__LIKE_PARENTHESES = 256, /* around it, for a minus */
};

/* What people read as a number in a text that sotto__number_parse refuses. Returns: a sum of enum
 * sotto__likeness; 0 if nobody would. text is valid UTF-8. */
unsigned sotto__number_likeness(const char *text, size_t text_bytes, char point);

/* --- names.c --- */

/* Finds the first name, by position, that an earlier one equals. Out: *out_second its position,
 * *out_first that of the earlier one; both unchanged if all names differ. Returns: whether there is
 * one. *out_status is SOTTO_ERROR_NO_MEMORY where it could not look (and false comes back). */
bool sotto__names_duplicate(size_t *out_first, size_t *out_second, enum sotto_status *out_status,
                            char *const *names, size_t names_len);

/* --- column.c: what is true of each column that is handed out --- */

/* Aborts where a column is not as sotto/column.h says: its count of missing values right, 0 at
 * their places, offsets ascending from 0. Nothing but in VERIFY builds. */
#ifdef SOTTO_VERIFY_BUILD
void sotto__column_verify(const struct sotto_column *column);
#else
static inline void sotto__column_verify(const struct sotto_column *column)
{
    (void)column;
}
#endif

/* --- buffer.c: 64-byte aligned buffers that grow --- */

/* Grows *buffer (NULL, or from sotto_alloc_aligned, of *capacity_bytes) to at least needed_bytes,
 * at least doubling it; new bytes are zero. Returns: SOTTO_ERROR_NO_MEMORY, and nothing changed. */
enum sotto_status sotto__buffer_grow(void **buffer, size_t *capacity_bytes,
                                     size_t needed_bytes) SOTTO_NODISCARD;

/* Sets bit i, the least significant bit of a byte first. */
void sotto__bit_set(uint8_t *bitmap, size_t i, bool value);

/* Sets the bits [from, from + len). */
void sotto__bits_set(uint8_t *bitmap, size_t from, size_t len);

/* Turns len values in place, int64_t to struct sotto_int128; values has room for the wider ones,
 * 16 len bytes. */
void sotto__values_widen(void *values, size_t len);

#endif
