/* SPDX-License-Identifier: Apache-2.0 */

/* The declared levels and bins of a key column, and which of them each row is. It leans on the
 * agreed type of the column, which decides what a level or an edge means at every party alike.
 *
 * The one idea: levels are turned, once, into what is looked for in rows: texts into a hash table,
 * numbers into integers in units of 10^-scale, sorted, and where they lie close together into a
 * table of all integers between them. A level that no value of the type can equal is a group that
 * stays empty, not an error: the plan was written before the types were known. */

#include "program/program.h"

#include <math.h>
#include <sotto/alloc.h>
#include <sotto/datetime.h>
#include <stdlib.h>
#include <string.h>

#define DENSE_LEN_MAX 65536
#define NUMBER_BITS_MAX 126

struct number {
    sotto__int128 value; /* in units of 10^-scale */
    uint32_t level;
};

struct sotto__levels {
    struct sotto_type type;
    bool is_part; /* of dates or times: their year, month, ... */
    enum sotto__function part;
    enum sotto_kind calendar; /* what levels and edges are written as; null: numbers */
    size_t len;
    bool other;
    bool na;
    struct number *numbers; /* sorted; bool: 0 and 1 */
    size_t numbers_len;
    const struct sotto__level *texts; /* borrows from the plan */
    size_t *texts_bytes;
    uint32_t *table;  /* level + 1, 0: free; open addressing */
    size_t table_len; /* a power of two */
    uint32_t *dense;  /* levels of the integers from dense_min on, if they are not far apart; behind
                         the last one that of all others */
    size_t dense_len;
    int64_t dense_min;
    /* Bins, in units of 10^-scale or as doubles: where each begins, and where the last one ends. */
    sotto__int128 *bounds;
    double *double_bounds;
};

static uint64_t hash_text(const char *text, size_t bytes)
{
    uint64_t state = UINT64_C(0xCBF29CE484222325); /* FNV-1a */
    for (size_t i = 0; i < bytes; i++) {
        state = (state ^ (unsigned char)text[i]) * UINT64_C(0x100000001B3);
    }
    return state ^ state >> 32;
}

/* Returns: the place of a text in the table, or the free one where it would stand. */
static uint32_t *find_text(const struct sotto__levels *levels, const char *text, size_t bytes)
{
    size_t at = hash_text(text, bytes) & (levels->table_len - 1);
    for (;; at = (at + 1) & (levels->table_len - 1)) {
        uint32_t level = levels->table[at];
        if (level == 0 || (levels->texts_bytes[level - 1] == bytes &&
                           memcmp(levels->texts[level - 1].text, text, bytes) == 0)) {
            return &levels->table[at];
        }
    }
}

static enum sotto_status refuse_twice(const struct sotto__level *level, struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_PLAN, "the level %.80s is there twice", level->text);
}

static enum sotto_status add_texts(struct sotto__levels *levels, const struct sotto__group_key *key,
                                   struct sotto_error *err)
{
    levels->texts = key->levels;
    levels->table_len = 16;
    while (levels->table_len < 2 * key->levels_len) {
        levels->table_len *= 2;
    }
    levels->table = sotto_alloc_array(levels->table_len, sizeof *levels->table);
    levels->texts_bytes = sotto_alloc_array(key->levels_len, sizeof *levels->texts_bytes);
    if (levels->table == NULL || levels->texts_bytes == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < key->levels_len; i++) {
        const struct sotto__level *level = &key->levels[i];
        levels->texts_bytes[i] = strlen(level->text);
        if (level->kind != SOTTO__LEVEL_TEXT) {
            return sotto_error_set(err, SOTTO_ERROR_TYPE,
                                   "expected levels in quotes for a column of text, found %.80s",
                                   level->text);
        }
        uint32_t *place = find_text(levels, level->text, levels->texts_bytes[i]);
        if (*place != 0) {
            return refuse_twice(level, err);
        }
        *place = (uint32_t)(i + 1);
    }
    return SOTTO_OK;
}

/* The number of a text, in units of 10^-scale. */
static void set_scaled(struct sotto__value *out, const char *text, unsigned scale)
{
    mpz_t power;
    mpz_init(power);
    sotto__decimal_set(out, text);
    mpz_ui_pow_ui(power, 10, scale);
    mpz_mul(mpq_numref(out->number), mpq_numref(out->number), power);
    mpq_canonicalize(out->number);
    mpz_clear(power);
}

/* Returns: the number; of one too large, a number of its sign that is beyond all values. */
static sotto__int128 clamp_number(const mpz_t number)
{
    uint64_t limbs[2] = {0, 0};
    if (mpz_sizeinbase(number, 2) > NUMBER_BITS_MAX) {
        limbs[1] = UINT64_C(1) << 62;
    } else {
        (void)mpz_export(limbs, NULL, -1, sizeof limbs[0], 0, 0, number);
    }
    sotto__int128 magnitude = (sotto__int128)((sotto__uint128)limbs[1] << 64 | limbs[0]);
    return mpz_sgn(number) < 0 ? -magnitude : magnitude;
}

/* Returns: false if no value of this scale equals the level. */
static bool scale_level(sotto__int128 *out, const char *text, unsigned scale)
{
    struct sotto__value value;
    sotto__value_init(&value);
    set_scaled(&value, text, scale);
    bool fits = mpz_cmp_ui(mpq_denref(value.number), 1) == 0 &&
                mpz_sizeinbase(mpq_numref(value.number), 2) <= NUMBER_BITS_MAX;
    if (fits) {
        *out = clamp_number(mpq_numref(value.number));
    }
    sotto__value_clear(&value);
    return fits;
}

/* --- Dates --- */

static bool are_dates(const struct sotto__levels *levels)
{
    return levels->calendar != SOTTO_KIND_NULL;
}

static enum sotto_status refuse_date(const struct sotto__levels *levels,
                                     const struct sotto__level *level, struct sotto_error *err)
{
    const char *expected = levels->calendar == SOTTO_KIND_DATE
                               ? "dates as \"2020-01-31\" for a column of dates"
                           : levels->calendar == SOTTO_KIND_DATETIME
                               ? "times as \"2020-01-31 12:00\" for a column of times"
                               : "times as \"2020-01-31T12:00Z\" for a column of times with a zone";
    return sotto_error_set(err, SOTTO_ERROR_TYPE, "expected %s, found %.80s", expected,
                           level->text);
}

/* Returns: whether the level is what levels are written as; *out its days, or microseconds. */
static bool read_date(int64_t *out, const struct sotto__levels *levels,
                      const struct sotto__level *level)
{
    return level->kind == SOTTO__LEVEL_TEXT &&
           sotto_datetime_parse_kind(out, levels->calendar, NULL, level->text, strlen(level->text));
}

#define MINUTE INT64_C(60000000)

int64_t sotto__date_part(enum sotto__function part, enum sotto_kind kind, int64_t value)
{
    int64_t of_day = 0;
    int64_t days = kind == SOTTO_KIND_DATE ? value : sotto_datetime_days(&of_day, value);
    switch (part) {
    case SOTTO__FUNCTION_YEAR:
        return sotto_date_of_days(days).year;
    case SOTTO__FUNCTION_MONTH:
        return sotto_date_of_days(days).month;
    case SOTTO__FUNCTION_DAY:
        return sotto_date_of_days(days).day;
    case SOTTO__FUNCTION_WEEKDAY:
        return sotto_date_of_days(days).weekday;
    case SOTTO__FUNCTION_HOUR:
        return of_day / (60 * MINUTE);
    case SOTTO__FUNCTION_MINUTE:
        return of_day / MINUTE % 60;
    default: /* date */
        return days;
    }
}

static enum sotto_status add_date_bins(struct sotto__levels *levels,
                                       const struct sotto__group_key *key, struct sotto_error *err)
{
    for (size_t i = 0; i < key->levels_len; i++) {
        int64_t date;
        if (!read_date(&date, levels, &key->levels[i])) {
            return refuse_date(levels, &key->levels[i], err);
        }
        levels->bounds[i] = date + (i + 1 == key->levels_len); /* the last one is in its bin */
    }
    return SOTTO_OK;
}

/* --- Bins --- */

/* Among doubles an edge is the double nearest to it, as it is where a row is compared with it (hist
 * does). After: the least double above that; above infinity there is none, and no value is at or
 * above NaN. */
static double bound_double(const mpq_t edge, bool after)
{
    double bound = sotto__rational_to_double(edge);
    if (!after) {
        return bound;
    }
    return isinf(bound) && bound > 0 ? NAN : nextafter(bound, INFINITY);
}

/* Returns: the least integer that is at the edge or above; after: the least that is above. */
static sotto__int128 bound_integer(const mpq_t edge, bool after)
{
    mpz_t bound;
    mpz_init(bound);
    if (after) {
        mpz_fdiv_q(bound, mpq_numref(edge), mpq_denref(edge));
        mpz_add_ui(bound, bound, 1);
    } else {
        mpz_cdiv_q(bound, mpq_numref(edge), mpq_denref(edge));
    }
    sotto__int128 result = clamp_number(bound);
    mpz_clear(bound);
    return result;
}

static enum sotto_status add_bins(struct sotto__levels *levels, const struct sotto__group_key *key,
                                  struct sotto_error *err)
{
    bool are_doubles = levels->type.kind == SOTTO_KIND_FLOAT64;
    if (levels->type.kind == SOTTO_KIND_STRING || levels->type.kind == SOTTO_KIND_BOOL) {
        return sotto_error_set(err, SOTTO_ERROR_TYPE, "expected numbers for bins, found %s",
                               sotto_kind_name(levels->type.kind));
    }
    levels->bounds = sotto_alloc_array(key->levels_len, sizeof *levels->bounds);
    levels->double_bounds = sotto_alloc_array(key->levels_len, sizeof *levels->double_bounds);
    if (levels->bounds == NULL || levels->double_bounds == NULL) {
        return sotto_error_no_memory(err);
    }
    if (are_dates(levels)) {
        return add_date_bins(levels, key, err);
    }
    struct sotto__value edge;
    sotto__value_init(&edge);
    for (size_t i = 0; i < key->levels_len; i++) {
        bool is_last = i + 1 == key->levels_len; /* which is in its bin */
        bool is_number = sotto__is_decimal(key->levels[i].text);
        if (!is_number && levels->type.kind == SOTTO_KIND_NULL) {
            levels->bounds[i] = 0; /* a date, of a column that has no value */
            continue;
        }
        if (!is_number) {
            sotto__value_clear(&edge);
            return sotto_error_set(err, SOTTO_ERROR_TYPE,
                                   "expected numbers as edges of a column of %s, found %.80s",
                                   sotto_kind_name(levels->type.kind), key->levels[i].text);
        }
        set_scaled(&edge, key->levels[i].text, are_doubles ? 0 : levels->type.scale);
        if (are_doubles) {
            levels->double_bounds[i] = bound_double(edge.number, is_last);
        } else {
            levels->bounds[i] = bound_integer(edge.number, is_last);
        }
    }
    sotto__value_clear(&edge);
    return SOTTO_OK;
}

/* The bin of a value that is not below so many bounds. */
static uint32_t choose_bin(const struct sotto__levels *levels, size_t bounds_below)
{
    return bounds_below == 0 || bounds_below > levels->len ? SOTTO__GROUP_OTHER
                                                           : (uint32_t)bounds_below - 1;
}

static uint32_t find_bin(const struct sotto__levels *levels, sotto__int128 value)
{
    size_t low = 0;
    size_t high = levels->len + 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool is_below = levels->bounds[middle] <= value;
        low = is_below ? middle + 1 : low;
        high = is_below ? high : middle;
    }
    return choose_bin(levels, low);
}

static uint32_t find_double_bin(const struct sotto__levels *levels, double value)
{
    size_t low = 0;
    size_t high = levels->len + 1;
    if (value != value) {
        return SOTTO__GROUP_NONE;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool is_below = levels->double_bounds[middle] <= value;
        low = is_below ? middle + 1 : low;
        high = is_below ? high : middle;
    }
    return choose_bin(levels, low);
}

/* --- Levels --- */

static int compare_numbers(const void *a, const void *b)
{
    sotto__int128 x = ((const struct number *)a)->value;
    sotto__int128 y = ((const struct number *)b)->value;
    return (x > y) - (x < y);
}

/* Makes a table of all integers from the least level to the largest, if they are not far apart. The
 * numbers are sorted. */
static enum sotto_status add_dense(struct sotto__levels *levels, struct sotto_error *err)
{
    size_t len = levels->numbers_len;
    sotto__int128 least = len > 0 ? levels->numbers[0].value : 0;
    sotto__int128 span = len > 0 ? levels->numbers[len - 1].value - least : DENSE_LEN_MAX;
    if (span >= DENSE_LEN_MAX || least < INT64_MIN || least > INT64_MAX) {
        return SOTTO_OK;
    }
    levels->dense_min = (int64_t)least;
    levels->dense_len = (size_t)span + 1;
    levels->dense = sotto_alloc_array(levels->dense_len + 1, sizeof *levels->dense);
    if (levels->dense == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i <= levels->dense_len; i++) {
        levels->dense[i] = SOTTO__GROUP_OTHER;
    }
    for (size_t i = 0; i < len; i++) {
        levels->dense[(size_t)(levels->numbers[i].value - least)] = levels->numbers[i].level;
    }
    return SOTTO_OK;
}

/* A level's number as it is written. */
struct written {
    struct sotto__value value;
    const struct sotto__level *level;
};

static int compare_written(const void *a, const void *b)
{
    const struct written *x = a;
    const struct written *y = b;
    int order = mpq_cmp(x->value.number, y->value.number);
    return order != 0 ? order : (x->level > y->level) - (x->level < y->level);
}

/* Refuses levels that are one number, 1.50 and 1.5, also where no value of the column can be it. */
static enum sotto_status check_numbers_differ(const struct sotto__group_key *key,
                                              struct sotto_error *err)
{
    enum sotto_status status = SOTTO_OK;
    size_t len = 0;
    struct written *written = sotto_alloc_array(key->levels_len, sizeof *written);
    if (written == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < key->levels_len; i++) {
        if (key->levels[i].kind != SOTTO__LEVEL_BOOL && sotto__is_decimal(key->levels[i].text)) {
            written[len].level = &key->levels[i];
            sotto__value_init(&written[len].value);
            sotto__decimal_set(&written[len++].value, key->levels[i].text);
        }
    }
    qsort(written, len, sizeof *written, compare_written);
    for (size_t i = 1; i < len && status == SOTTO_OK; i++) {
        if (mpq_equal(written[i].value.number, written[i - 1].value.number)) {
            status = refuse_twice(written[i].level, err);
        }
    }
    for (size_t i = 0; i < len; i++) {
        sotto__value_clear(&written[i].value);
    }
    sotto_free(written);
    return status;
}

static enum sotto_status add_numbers(struct sotto__levels *levels,
                                     const struct sotto__group_key *key, struct sotto_error *err)
{
    bool is_bool = levels->type.kind == SOTTO_KIND_BOOL;
    levels->numbers = sotto_alloc_array(key->levels_len, sizeof *levels->numbers);
    if (levels->numbers == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < key->levels_len; i++) {
        const struct sotto__level *level = &key->levels[i];
        struct number *number = &levels->numbers[levels->numbers_len];
        number->level = (uint32_t)i;
        bool fits = true;
        int64_t date;
        if (are_dates(levels)) {
            if (!read_date(&date, levels, level)) {
                return refuse_date(levels, level, err);
            }
            number->value = date;
        } else if (is_bool && level->kind == SOTTO__LEVEL_BOOL) {
            number->value = level->text[0] == 't';
        } else if (!is_bool && level->kind != SOTTO__LEVEL_BOOL && sotto__is_decimal(level->text)) {
            fits = scale_level(&number->value, level->text, levels->type.scale);
        } else {
            return sotto_error_set(err, SOTTO_ERROR_TYPE, "expected %s as levels, found %.80s",
                                   is_bool ? "true and false" : "numbers", level->text);
        }
        levels->numbers_len += fits;
    }
    qsort(levels->numbers, levels->numbers_len, sizeof *levels->numbers, compare_numbers);
    for (size_t i = 1; i < levels->numbers_len; i++) {
        if (levels->numbers[i].value == levels->numbers[i - 1].value) {
            return refuse_twice(&key->levels[levels->numbers[i].level], err);
        }
    }
    return add_dense(levels, err);
}

/* Refuses parts of what is no date, and those of a day of dates, which have none. */
static enum sotto_status check_part(const struct sotto__group_key *key, struct sotto_type type,
                                    struct sotto_error *err)
{
    bool is_part = key->column.nodes_len > 1;
    enum sotto__function part = is_part ? key->column.nodes[1].function : SOTTO__FUNCTION_YEAR;
    bool is_of_day = part == SOTTO__FUNCTION_HOUR || part == SOTTO__FUNCTION_MINUTE;
    if (is_part && !sotto_kind_is_date(type.kind) && type.kind != SOTTO_KIND_NULL) {
        return sotto_error_set(err, SOTTO_ERROR_TYPE, "expected dates to take a part of, found %s",
                               sotto_kind_name(type.kind));
    }
    if (is_of_day && type.kind == SOTTO_KIND_DATE) {
        return sotto_error_set(err, SOTTO_ERROR_TYPE,
                               "expected times to take the %s of, found dates, which have none",
                               sotto__function_card(part)->name);
    }
    return SOTTO_OK;
}

/* What levels and edges are written as. */
static enum sotto_kind find_calendar(const struct sotto__levels *levels)
{
    if (levels->is_part) {
        return levels->part == SOTTO__FUNCTION_DATE ? SOTTO_KIND_DATE : SOTTO_KIND_NULL;
    }
    return sotto_kind_is_date(levels->type.kind) ? levels->type.kind : SOTTO_KIND_NULL;
}

enum sotto_status sotto__levels_new(struct sotto__levels **out, const struct sotto__group_key *key,
                                    struct sotto_type type, struct sotto_error *err)
{
    if (type.kind == SOTTO_KIND_FLOAT64 && !key->are_edges) {
        return sotto_error_set(err, SOTTO_ERROR_TYPE,
                               "expected text, exact numbers or booleans to group by, found "
                               "float64: say \"bins\"");
    }
    enum sotto_status status = check_part(key, type, err);
    if (status != SOTTO_OK) {
        return status;
    }
    struct sotto__levels *levels = sotto_alloc_zeroed(sizeof *levels);
    if (levels == NULL) {
        return sotto_error_no_memory(err);
    }
    levels->type = type;
    levels->is_part = key->column.nodes_len > 1;
    levels->part = levels->is_part ? key->column.nodes[1].function : SOTTO__FUNCTION_YEAR;
    levels->calendar = find_calendar(levels);
    levels->len = key->levels_len - key->are_edges;
    levels->other = key->other;
    levels->na = key->na;
    if (key->are_edges) {
        status = add_bins(levels, key, err);
    } else if (type.kind == SOTTO_KIND_STRING) {
        status = add_texts(levels, key, err);
    } else {
        status = check_numbers_differ(key, err);
        if (status == SOTTO_OK && type.kind != SOTTO_KIND_NULL) {
            status = add_numbers(levels, key, err);
        }
    }
    if (status != SOTTO_OK) {
        sotto__levels_free(levels);
        return status;
    }
    *out = levels;
    return SOTTO_OK;
}

void sotto__levels_free(struct sotto__levels *levels)
{
    if (levels != NULL) {
        sotto_free(levels->numbers);
        sotto_free(levels->table);
        sotto_free(levels->texts_bytes);
        sotto_free(levels->dense);
        sotto_free(levels->bounds);
        sotto_free(levels->double_bounds);
        sotto_free(levels);
    }
}

size_t sotto__levels_len(const struct sotto__levels *levels)
{
    return levels->len + levels->other + levels->na;
}

bool sotto__levels_cuts(struct sotto__level_cuts *out, const struct sotto__levels *levels)
{
    *out = (struct sotto__level_cuts){0};
    if (levels->is_part) {
        return false;
    }
    if (levels->table != NULL) {
        out->texts = levels->texts;
        out->len = levels->len;
    } else if (levels->bounds != NULL) {
        bool are_doubles = levels->type.kind == SOTTO_KIND_FLOAT64;
        out->doubles = are_doubles ? levels->double_bounds : NULL;
        out->bounds = are_doubles ? NULL : levels->bounds;
        out->len = levels->len + 1;
    } else {
        out->numbers = levels->numbers;
        out->len = levels->numbers_len;
    }
    return true;
}

sotto__int128 sotto__levels_cut(const struct sotto__level_cuts *cuts, size_t i)
{
    return cuts->bounds != NULL ? cuts->bounds[i] : ((const struct number *)cuts->numbers)[i].value;
}

static sotto__int128 read_number(const struct sotto_column *block, size_t row)
{
    if (block->type.kind == SOTTO_KIND_BOOL) {
        return (((const uint8_t *)block->values)[row / 8] >> (row % 8)) & 1;
    }
    if (block->wide) {
        const struct sotto_int128 *wide = (const struct sotto_int128 *)block->values + row;
        return (sotto__int128)((sotto__uint128)(uint64_t)wide->high << 64 | wide->low);
    }
    return ((const int64_t *)block->values)[row];
}

static uint32_t find_number(const struct sotto__levels *levels, sotto__int128 value)
{
    size_t low = 0;
    size_t high = levels->numbers_len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (levels->numbers[middle].value < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found = low < levels->numbers_len && levels->numbers[low].value == value;
    return found ? levels->numbers[low].level : SOTTO__GROUP_OTHER;
}

static uint32_t find_in_text(const struct sotto__levels *levels, const struct sotto_column *block,
                             size_t row)
{
    int64_t start = block->offsets[row];
    uint32_t found = *find_text(levels, (const char *)block->values + start,
                                (size_t)(block->offsets[row + 1] - start));
    return found > 0 ? found - 1 : SOTTO__GROUP_OTHER;
}

static uint32_t find_in_row(const struct sotto__levels *levels, const struct sotto_column *block,
                            size_t row)
{
    if (levels->table != NULL) {
        return find_in_text(levels, block, row);
    }
    if (block->type.kind == SOTTO_KIND_FLOAT64) {
        return find_double_bin(levels, ((const double *)block->values)[row]);
    }
    sotto__int128 number = read_number(block, row);
    if (levels->is_part) {
        number = sotto__date_part(levels->part, levels->type.kind, (int64_t)number);
    }
    return levels->bounds == NULL ? find_number(levels, number) : find_bin(levels, number);
}

/* Reads ahead, as hardware stops to do at the end of a page. */
#define PREFETCH_LEN 1024
#define CACHE_LINE_LEN (64 / sizeof(int64_t))

/* Looks up each row in the table of add_dense, without branches. */
static void find_dense(uint32_t *restrict out, const struct sotto__levels *levels,
                       const int64_t *restrict values, size_t len)
{
    const uint32_t *dense = levels->dense;
    uint64_t dense_len = levels->dense_len;
    uint64_t least = (uint64_t)levels->dense_min;
    for (size_t i = 0; i < len; i += CACHE_LINE_LEN) {
        size_t end = len - i < CACHE_LINE_LEN ? len : i + CACHE_LINE_LEN;
        __builtin_prefetch(values + i + PREFETCH_LEN, 0, 2);
        for (size_t j = i; j < end; j++) {
            uint64_t at = (uint64_t)values[j] - least;
            out[j] = dense[at < dense_len ? at : dense_len];
        }
    }
}

void sotto__levels_find(uint32_t *out, const struct sotto__levels *levels,
                        const struct sotto_column *block, size_t at, size_t len)
{
    bool is_narrow = block->type.kind == SOTTO_KIND_INT64 ||
                     (sotto_kind_is_date(block->type.kind) && !levels->is_part) ||
                     (block->type.kind == SOTTO_KIND_DECIMAL && !block->wide);
    bool is_null = block->type.kind == SOTTO_KIND_NULL ||
                   (levels->table != NULL && block->type.kind != SOTTO_KIND_STRING);
    if (levels->dense != NULL && is_narrow) {
        find_dense(out, levels, (const int64_t *)block->values + at, len);
    } else {
        for (size_t i = 0; i < len; i++) {
            out[i] = is_null ? SOTTO__GROUP_NONE : find_in_row(levels, block, at + i);
        }
    }
    for (size_t i = 0; levels->other && i < len; i++) {
        out[i] = out[i] == SOTTO__GROUP_OTHER ? (uint32_t)levels->len : out[i];
    }
    for (size_t i = 0; block->validity != NULL && i < len; i++) {
        out[i] = sotto_column_is_valid(block, at + i) ? out[i] : SOTTO__GROUP_NONE;
    }
    for (size_t i = 0; levels->na && i < len; i++) {
        out[i] = out[i] == SOTTO__GROUP_NONE ? (uint32_t)(levels->len + levels->other) : out[i];
    }
}
