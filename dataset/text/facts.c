/* SPDX-License-Identifier: Apache-2.0 */

/* What is known of a column's values: the join of their types, how many are missing, whether
 * doubles hold them. Leans on number.c for the grammar and on digits.h for numbers of up to 15
 * digits.
 *
 * The idea: facts are a join, so each worker gathers its own and they are merged in any order. A
 * file is read once more later to get the values, so here only as much of a number is looked at as
 * decides its type: most are known by their digits alone.
 *
 * Two questions are asked of numbers beside their type. Digits are lost where a number has more
 * than a double keeps (15 always survive); it is inexact where no double equals it, as 0.1. Who
 * asks is told of the first, and of the second where it has no exponent: who writes one means a
 * double. Either way sums of it have no exact text. */

#include "text/text.h"
#include "value/digits.h"

#include <sotto/datetime.h>

#define DOUBLE_DIGITS INT64_C(1000000000000000) /* 10^15: so many digits every double keeps */

/* Whether a number of these digits has more than DOUBLE_DIGITS allows, zeros at its end aside. Not
 * inline, like what follows: it would push the loop over the rows out of its registers. */
static __attribute__((noinline)) bool is_long(int64_t digits)
{
    while ((digits >= DOUBLE_DIGITS || digits <= -DOUBLE_DIGITS) && digits % 10 == 0) {
        digits /= 10;
    }
    return digits >= DOUBLE_DIGITS || digits <= -DOUBLE_DIGITS;
}

/* Whether digits x 10^-scale, which has no more than 15 digits, is no double. It is digits /
 * (2^scale 5^scale): a double where 5^scale divides the digits, since what is left has 50 bits at
 * most over a power of two. */
static bool is_between_doubles(int64_t digits, size_t scale)
{
    int64_t fives = 1;
    for (size_t i = 0; i < scale; i++) {
        fives *= 5; /* to 5^18 < 2^42 */
    }
    return digits % fives != 0;
}

/* Looks at a decimal of up to 15 digits while all before it were doubles, which in most columns the
 * first ones are not: that it reads the digits again costs less than reading all of them. */
static __attribute__((noinline)) void take_decimal(struct sotto__column_facts *facts,
                                                   const char *text, size_t bytes, size_t scale,
                                                   char point)
{
    int64_t digits;
    facts->inexact =
        digits_decimal(&digits, text, bytes, scale, point) && is_between_doubles(digits, scale);
}

#define SIGNIFICANT_MAX 15 /* digits that every double keeps */

/* Looks at a number that is a double by its text, until nothing is left to be known. */
static __attribute__((noinline)) void take_double(struct sotto__column_facts *facts,
                                                  const struct sotto__number *number)
{
    bool is_short = number->integer_digits + number->fraction_digits <= SIGNIFICANT_MAX;
    if (number->infinite || (facts->exponent_inexact && (is_short || facts->digits_lost))) {
        return;
    }
    if (number->digits_lost ||
        (!is_short && sotto__number_significant(number).len > SIGNIFICANT_MAX)) {
        facts->digits_lost = true;
    } else {
        facts->exponent_inexact = facts->exponent_inexact || !sotto__number_is_double(number);
    }
}

/* A value that is neither missing nor in a column of strings: the whole grammar. In a column of
 * dates a text may be both, as 20240131 by a declared format: there it is a date. */
static __attribute__((noinline)) void take_value(struct sotto__column_facts *facts,
                                                 const struct sotto__text_format *format,
                                                 const char *text, size_t text_bytes)
{
    struct sotto__number number;
    bool truth;
    int64_t date;
    struct sotto_type type = {.kind = SOTTO_KIND_STRING};
    if (facts->has_words && sotto__bool_read(&truth, facts->form, text, text_bytes)) {
        return; /* as is stated */
    }
    if (sotto_kind_is_date(facts->type.kind) &&
        sotto_datetime_parse_kind(&date, facts->type.kind, facts->form, text, text_bytes)) {
        return;
    }
    if (sotto__number_parse(&number, text, text_bytes, format->point)) {
        type = number.type;
        if (type.kind == SOTTO_KIND_FLOAT64) {
            take_double(facts, &number);
        } else {
            facts->digits_lost = facts->digits_lost || is_long(number.digits);
        }
        facts->inexact =
            facts->inexact || facts->digits_lost ||
            (type.kind == SOTTO_KIND_DECIMAL && is_between_doubles(number.digits, type.scale));
    } else if (!(facts->has_words && facts->form != NULL) &&
               sotto__bool_parse(&truth, text, text_bytes)) {
        type.kind = SOTTO_KIND_BOOL;
    } else {
        const char *form = facts->has_words ? NULL : facts->form;
        (void)sotto_datetime_parse(&type.kind, &date, form, text, text_bytes);
    }
    facts->type = sotto_type_join(facts->type, type);
}

void sotto__column_facts_take_text(struct sotto__column_facts *facts,
                                   const struct sotto__text_format *format, const char *text,
                                   size_t text_bytes)
{
    if (sotto__na_words_contain(&format->na, text, text_bytes)) {
        facts->missing++;
    } else if (facts->type.kind != SOTTO_KIND_STRING) { /* the top of the lattice */
        take_value(facts, format, text, text_bytes);
    }
}

void sotto__column_facts_take_json(struct sotto__column_facts *facts,
                                   const struct sotto__text_format *format,
                                   enum sotto__ndjson_kind kind, const char *text,
                                   size_t text_bytes)
{
    int64_t date;
    if (kind == SOTTO__NDJSON_MISSING || sotto__na_words_contain(&format->na, text, text_bytes)) {
        facts->missing++;
    } else if (kind == SOTTO__NDJSON_BARE || facts->is_stated) {
        sotto__column_facts_take_text(facts, format, text, text_bytes);
    } else {
        struct sotto_type type = {.kind = SOTTO_KIND_STRING};
        (void)sotto_datetime_parse(&type.kind, &date, NULL, text, text_bytes);
        facts->type = sotto_type_join(facts->type, type);
    }
}

/* Joins a numeric type; mostly the column has it already, which costs one comparison. */
SOTTO__DIGITS_INLINE void join_kind(struct sotto__column_facts *facts, enum sotto_kind kind,
                                    size_t scale)
{
    struct sotto_type type = {.kind = kind, .scale = (uint8_t)scale};
    bool above = facts->type.kind == kind ? facts->type.scale >= scale : facts->type.kind > kind;
    if (!above || facts->type.kind == SOTTO_KIND_BOOL) {
        facts->type = sotto_type_join(facts->type, type);
    }
}

/* Numbers of up to 15 digits, which most are, and which no double loses; the values themselves are
 * not asked for, which spares their arithmetic. scale is what the last one had. Returns: false for
 * anything else. */
SOTTO__DIGITS_INLINE bool take_number(struct sotto__column_facts *facts, size_t *scale,
                                      const char *text, size_t bytes, char point)
{
    int64_t value;
    size_t most = bytes - (*text == '-'); /* digits, and perhaps a point */
    if (most > 16) {
        return false;
    }
    if (*scale > 0 && digits_decimal(&value, text, bytes, *scale, point)) {
        join_kind(facts, SOTTO_KIND_DECIMAL, *scale);
        if (!facts->inexact) {
            take_decimal(facts, text, bytes, *scale, point);
        }
        return true;
    }
    if (most < 16 && digits_int64(&value, text, bytes)) {
        join_kind(facts, SOTTO_KIND_INT64, 0);
        return true;
    }
    size_t found = digits_fraction_len(text, bytes, point);
    if (found > 0 && digits_decimal(&value, text, bytes, found, point)) {
        *scale = found;
        join_kind(facts, SOTTO_KIND_DECIMAL, found);
        if (!facts->inexact) {
            take_decimal(facts, text, bytes, found, point);
        }
        return true;
    }
    return false;
}

void sotto__column_facts_take_fields(struct sotto__column_facts *facts,
                                     const struct sotto__text_format *format,
                                     const struct sotto__fields *fields, size_t column)
{
    size_t scale = facts->type.scale;
    bool may_be_quick = !format->na.number && !facts->has_words;
    for (size_t row = 0; row < fields->rows; row++) {
        size_t bytes;
        const char *text = sotto__field(fields, row, column, &bytes);
        bool may_be_number = facts->type.kind < SOTTO_KIND_STRING; /* dates take another way */
        if (may_be_number && bytes > 0 && may_be_quick &&
            take_number(facts, &scale, text, bytes, format->point)) {
            continue;
        }
        text = sotto__field_trim(fields, text, &bytes);
        sotto__column_facts_take_text(facts, format, text, bytes);
    }
}

void sotto__column_facts_merge(struct sotto__column_facts *facts,
                               const struct sotto__column_facts *other)
{
    facts->type = sotto_type_join(facts->type, other->type);
    facts->missing += other->missing;
    facts->digits_lost = facts->digits_lost || other->digits_lost;
    facts->inexact = facts->inexact || other->inexact;
    facts->exponent_inexact = facts->exponent_inexact || other->exponent_inexact;
}
