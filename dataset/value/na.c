/* SPDX-License-Identifier: Apache-2.0 */

/* Which texts mean "missing". Leans on number.c, to know whether a word among them could be taken
 * for a number.
 *
 * The idea: this is asked of each field of a file, so almost all fields must be turned away without
 * a comparison: by their first byte and their length. Words are compared as they stand, as pandas
 * does. */

#include "value/value.h"

#include <sotto/alloc.h>
#include <sotto/csv.h>
#include <string.h>

/* pandas.read_csv's list (2.x): who has a notebook gets the same missing values here. */
static const char *const na_words_default[] = {
    "",     "#N/A", "#N/A N/A", "#NA",  "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A",  "NA",       "NULL", "NaN",     "None",     "n/a",  "nan",  "null",
};

const char *const *sotto_csv_na_words(size_t *out_len)
{
    *out_len = sizeof na_words_default / sizeof na_words_default[0];
    return na_words_default;
}

enum sotto_status sotto__na_words_init(struct sotto__na_words *out, const char *const *words,
                                       size_t words_len, char point)
{
    *out = (struct sotto__na_words){.words = sotto_alloc_array(words_len, sizeof *out->words)};
    if (out->words == NULL) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < words_len; i++) {
        out->words[i] = sotto_text_copy(words[i], strlen(words[i]));
        if (out->words[i] == NULL) {
            sotto__na_words_release(out);
            return SOTTO_ERROR_NO_MEMORY;
        }
        out->words_len = i + 1;
        out->first[(unsigned char)words[i][0]] = true;
        size_t bytes = strlen(words[i]);
        struct sotto__number number;
        out->lengths |= UINT64_C(1) << (bytes < 63 ? bytes : 63);
        out->empty = out->empty || bytes == 0;
        /* Numbers are converted without asking here first, unless a word looks like one. */
        out->number = out->number || sotto__number_parse(&number, words[i], bytes, point);
    }
    return SOTTO_OK;
}

void sotto__na_words_release(struct sotto__na_words *na)
{
    for (size_t i = 0; i < na->words_len; i++) {
        sotto_free(na->words[i]);
    }
    sotto_free(na->words);
    *na = (struct sotto__na_words){0};
}

bool sotto__na_words_contain(const struct sotto__na_words *na, const char *text, size_t text_bytes)
{
    if (text_bytes == 0) {
        return na->empty;
    }
    /* Bit 63 stands for all lengths from 63 on. */
    if (!na->first[(unsigned char)text[0]] ||
        (na->lengths >> (text_bytes < 63 ? text_bytes : 63) & 1) == 0) {
        return false;
    }
    for (size_t i = 0; i < na->words_len; i++) {
        /* text holds no NUL, so equal bytes and an equal end are an equal text. */
        if (strncmp(na->words[i], text, text_bytes) == 0 && na->words[i][text_bytes] == '\0') {
            return true;
        }
    }
    return false;
}

static bool is_same_number(const char *word, char point, const char *text)
{
    struct sotto__number x;
    struct sotto__number y;
    return sotto__number_parse(&x, word, strlen(word), point) &&
           sotto__number_parse(&y, text, strlen(text), '.') && sotto__number_equal(&x, &y);
}

static bool is_same_bool(const char *word, const char *text)
{
    bool x;
    bool y;
    return sotto__bool_parse(&x, word, strlen(word)) && sotto__bool_parse(&y, text, strlen(text)) &&
           x == y;
}

const char *sotto__na_words_find(const struct sotto__na_words *na, const char *text, char point)
{
    for (size_t i = 0; i < na->words_len; i++) {
        if (is_same_number(na->words[i], point, text) || is_same_bool(na->words[i], text)) {
            return na->words[i];
        }
    }
    return NULL;
}
