/* SPDX-License-Identifier: Apache-2.0 */

/* The two words that an owner states a column of booleans to have. Leans on number.c for those that
 * files have else. The idea: stated words are taken as they stand, and no others. */

#include "value/value.h"

#include <stdio.h>
#include <string.h>

bool sotto_csv_words_are_valid(const char *text)
{
    size_t first = strcspn(text, "/");
    const char *second = text[first] == '/' ? text + first + 1 : "";
    size_t bytes = strlen(second);
    const char *blanks = " \t";
    return first > 0 && first <= SOTTO_CSV_WORD_BYTES && bytes > 0 &&
           bytes <= SOTTO_CSV_WORD_BYTES && strchr(second, '/') == NULL &&
           (first != bytes || memcmp(text, second, bytes) != 0) &&
           strchr(blanks, text[0]) == NULL && strchr(blanks, text[first - 1]) == NULL &&
           strchr(blanks, second[0]) == NULL && strchr(blanks, second[bytes - 1]) == NULL;
}

bool sotto__bool_read(bool *out, const char *form, const char *text, size_t text_bytes)
{
    if (form == NULL) {
        return sotto__bool_word(out, text, text_bytes);
    }
    size_t first = strcspn(form, "/");
    const char *second = form + first + 1;
    bool is_true = text_bytes == first && memcmp(text, form, first) == 0;
    bool is_false = text_bytes == strlen(second) && memcmp(text, second, text_bytes) == 0;
    if (is_true || is_false) {
        *out = is_true;
    }
    return is_true || is_false;
}

void sotto__stated_text(char out[SOTTO__STATED_BYTES], struct sotto_type type, const char *form)
{
    if (type.kind == SOTTO_KIND_BOOL && form != NULL) {
        int first = (int)strcspn(form, "/");
        (void)snprintf(out, SOTTO__STATED_BYTES, "\"%.*s\" or \"%s\"", first, form,
                       form + first + 1);
    } else {
        char text[SOTTO_TYPE_TEXT_BYTES];
        sotto_type_text(text, type);
        (void)snprintf(out, SOTTO__STATED_BYTES, "%s", text);
    }
}
