/* SPDX-License-Identifier: Apache-2.0 */

/* What products with columns of few values tell. Leans on the ledger for which products were told,
 * and on the engine's watch, which shows the columns; products.c decides by what is counted here.
 *
 * The one idea: a sum of x times f is a pair with the sum of x alone (or with the count: x is 1).
 * It is found before any row is read, by the texts of measures; rows are then counted by the values
 * of f, until these turn out to be many. */

#include "magnitude.h"
#include "tally.h"

#include <math.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>

/* What a count adds up. */
#define COUNT_TEXT "(rows)"

/* --- The factors of a measure --- */

size_t sotto__tally_count_columns(const struct sotto_watch *watch, size_t dataset, size_t measure)
{
    size_t len = 0;
    while (sotto_watch_measure_column(watch, dataset, measure, len) != NULL) {
        len++;
    }
    return len;
}

/* Reads a column in backticks. Returns: what comes after it, NULL if it does not stand there. */
static const char *skip_column(const char *text, const char *column)
{
    size_t bytes = strlen(column);
    bool is_there = text != NULL && text[0] == '`' && strncmp(text + 1, column, bytes) == 0 &&
                    text[bytes + 1] == '`';
    return is_there ? text + bytes + 2 : NULL;
}

/* Whether a measure's words are those of a column, or (b not NULL) of a product in this order. */
static bool is_product(const char *text, const char *a, const char *b)
{
    const char *end = skip_column(text, a);
    if (end != NULL && b != NULL) {
        end = strncmp(end, " * ", 3) == 0 ? skip_column(end + 3, b) : NULL;
    }
    return end != NULL && *end == '\0';
}

void sotto__tally_find_factors(const char *out[2], const struct sotto_watch *watch, size_t dataset,
                               size_t measure)
{
    const char *text = sotto_watch_measure(watch, dataset, measure);
    const char *a = sotto_watch_measure_column(watch, dataset, measure, 0);
    size_t len = sotto__tally_count_columns(watch, dataset, measure);
    const char *b = len > 1 ? sotto_watch_measure_column(watch, dataset, measure, 1) : a;
    out[0] = out[1] = NULL;
    if (len == 1 && is_product(text, a, NULL)) {
        out[0] = a;
    } else if (len > 0 && len <= 2 && (is_product(text, a, b) || is_product(text, b, a))) {
        out[0] = a;
        out[1] = b;
    }
}

/* --- Names: columns that pairs may be of --- */

static bool has_single(const struct sotto_watch *watch, size_t dataset, const char *column)
{
    bool found = false;
    const char *text;
    for (size_t i = 0; !found && (text = sotto_watch_measure(watch, dataset, i)) != NULL; i++) {
        found = is_product(text, column, NULL);
    }
    return found;
}

/* Whether a product that was told before matters: one of its columns is summed up now, or rows are
 * counted. */
static bool is_of_now(const struct sotto_watch *watch, size_t dataset, const char *a, const char *b)
{
    return sotto_watch_counts(watch, dataset) || has_single(watch, dataset, a) ||
           has_single(watch, dataset, b);
}

static enum sotto_status add_names(struct tallied *tallied, const char *a, const char *b)
{
    enum sotto_status status = sotto_ledger_texts_add(&tallied->names, a);
    return status == SOTTO_OK && b != NULL && *b != '\0'
               ? sotto_ledger_texts_add(&tallied->names, b)
               : status;
}

/* Whether columns are multiplied with others, now or in an earlier answer. */
static bool has_products(const struct sotto_tally *tally, size_t dataset)
{
    const struct sotto_ledger_texts *old = &tally->datasets[dataset].old;
    const char *factors[2];
    char columns[2][SOTTO_LEDGER_COLUMN_BYTES_MAX + 1];
    bool found = false;
    for (size_t i = 0; !found && sotto_watch_measure(tally->watch, dataset, i) != NULL; i++) {
        sotto__tally_find_factors(factors, tally->watch, dataset, i);
        found = factors[0] != NULL && factors[1] != NULL && strcmp(factors[0], factors[1]) != 0;
    }
    for (size_t i = 0; !found && i < old->len; i++) {
        found = !sotto_ledger_product_read(columns, old->texts[i]) ||
                (columns[1][0] != '\0' && strcmp(columns[0], columns[1]) != 0);
    }
    return found;
}

enum sotto_status sotto__tally_list_names(struct sotto_tally *tally, size_t dataset,
                                          struct sotto_error *err)
{
    struct tallied *tallied = &tally->datasets[dataset];
    const char *factors[2];
    char columns[2][SOTTO_LEDGER_COLUMN_BYTES_MAX + 1];
    if (tallied->predicates.len == 0 && !has_products(tally, dataset)) {
        return SOTTO_OK; /* without conditions only products make sets of rows */
    }
    for (size_t i = 0; sotto_watch_measure(tally->watch, dataset, i) != NULL; i++) {
        sotto__tally_find_factors(factors, tally->watch, dataset, i);
        if (factors[0] != NULL && add_names(tallied, factors[0], factors[1]) != SOTTO_OK) {
            return sotto_error_no_memory(err);
        }
    }
    for (size_t i = 0; i < tallied->old.len; i++) {
        if (!sotto_ledger_product_read(columns, tallied->old.texts[i])) {
            return sotto_error_set(err, SOTTO_ERROR_AUTH,
                                   "the ledger has a sum that can't be read");
        }
        if (is_of_now(tally->watch, dataset, columns[0], columns[1]) &&
            add_names(tallied, columns[0], columns[1]) != SOTTO_OK) {
            return sotto_error_no_memory(err);
        }
    }
    return SOTTO_OK;
}

static size_t find_name(const struct tallied *tallied, const char *name)
{
    size_t found = name != NULL ? 0 : tallied->names.len;
    while (found < tallied->names.len && strcmp(tallied->names.texts[found], name) != 0) {
        found++;
    }
    return found < tallied->names.len ? found : SOTTO_NONE;
}

/* --- Pairs --- */

/* In the words of a measure: its factors are sorted as they stand there. */
static char *write_product(const char *a, const char *b)
{
    size_t bytes = strlen(a) + (b != NULL ? strlen(b) : 0) + 8;
    char *texts[2] = {sotto_alloc(bytes), sotto_alloc(2 * bytes)};
    char *other = sotto_alloc(bytes);
    if (texts[0] != NULL && texts[1] != NULL && other != NULL) {
        (void)snprintf(texts[0], bytes, "`%s`", a);
        (void)snprintf(other, bytes, "`%s`", b != NULL ? b : "");
        bool is_first = b == NULL || strcmp(texts[0], other) <= 0;
        (void)snprintf(texts[1], 2 * bytes, "%s%s%s", is_first ? texts[0] : other,
                       b != NULL ? " * " : "",
                       b == NULL  ? ""
                       : is_first ? other
                                  : texts[0]);
    } else {
        sotto_free(texts[1]);
        texts[1] = NULL;
    }
    sotto_free(texts[0]);
    sotto_free(other);
    return texts[1];
}

/* Finds the measure of some columns, or adds it as a context. Returns: false if there is no memory.
 */
static bool find_measure(struct tallied *tallied, size_t *out, const size_t columns[2])
{
    void *contexts = tallied->contexts;
    const char *a = tallied->names.texts[columns[0]];
    const char *b = columns[1] != SOTTO_NONE ? tallied->names.texts[columns[1]] : NULL;
    char *text = write_product(a, b);
    size_t found = 0;
    while (text != NULL && found < tallied->measures_len &&
           strcmp(tallied->measures[found].text, text) != 0) {
        found++;
    }
    *out = found;
    if (text == NULL || found < tallied->measures_len) {
        sotto_free(text);
        return text != NULL;
    }
    size_t at = tallied->texts.len;
    enum sotto_status status = sotto_array_reserve(&contexts, &tallied->contexts_capacity_len,
                                                   at + 1, sizeof *tallied->contexts);
    if (status == SOTTO_OK) {
        tallied->contexts = contexts;
        tallied->contexts[at] = (struct product){{columns[0], columns[1]}};
        status = sotto_ledger_texts_add(&tallied->texts, text);
    }
    sotto_free(text);
    if (status != SOTTO_OK) {
        return false;
    }
    tallied->measures[tallied->measures_len++] =
        (struct sotto_ledger_measure){.text = tallied->texts.texts[at], .is_context = true};
    return true;
}

/* alone: SOTTO_NONE for the count, whose measure comes last. */
static bool add_pair(struct tallied *tallied, size_t alone, const size_t by[2],
                     const size_t columns[2])
{
    void *pairs = tallied->pairs;
    struct pair pair = {.alone = alone, .by = {by[0], by[1]}, .measures = {SOTTO_NONE}};
    for (size_t i = 0; i < tallied->pairs_len; i++) {
        const struct pair *other = &tallied->pairs[i];
        if (other->alone == alone && memcmp(other->by, by, sizeof other->by) == 0) {
            return true;
        }
    }
    if (!find_measure(tallied, &pair.measures[1], columns) ||
        (alone != SOTTO_NONE &&
         !find_measure(tallied, &pair.measures[0], (const size_t[2]){alone, SOTTO_NONE})) ||
        sotto_array_reserve(&pairs, &tallied->pairs_capacity_len, tallied->pairs_len + 1,
                            sizeof *tallied->pairs) != SOTTO_OK) {
        return false;
    }
    tallied->pairs = pairs;
    tallied->pairs[tallied->pairs_len++] = pair;
    tallied->has_count = tallied->has_count || alone == SOTTO_NONE;
    return true;
}

/* What a product of columns (the second may be NULL, or the first again) is a pair with. */
static bool add_pairs(struct tallied *tallied, const char *a, const char *b)
{
    size_t columns[2] = {find_name(tallied, a), find_name(tallied, b)};
    if (columns[0] == SOTTO_NONE || !add_pair(tallied, SOTTO_NONE, columns, columns)) {
        return columns[0] == SOTTO_NONE;
    }
    for (size_t i = 0; i < 2 && columns[1] != SOTTO_NONE && columns[0] != columns[1]; i++) {
        const size_t by[2] = {columns[1 - i], SOTTO_NONE};
        if (!add_pair(tallied, columns[i], by, columns)) {
            return false;
        }
    }
    return true;
}

enum sotto_status sotto__tally_make_pairs(struct tallied *tallied, const struct sotto_watch *watch,
                                          size_t dataset, struct sotto_error *err)
{
    char columns[2][SOTTO_LEDGER_COLUMN_BYTES_MAX + 1];
    bool has_memory = true;
    tallied->counts = tallied->has_count = sotto_watch_counts(watch, dataset);
    for (size_t i = 0; has_memory && tallied->names.len > 0 && i < tallied->shown_len; i++) {
        const char *const *factors = tallied->measures[i].factors;
        has_memory = factors[0] == NULL || add_pairs(tallied, factors[0], factors[1]);
    }
    for (size_t i = 0; has_memory && i < tallied->old.len; i++) {
        bool is_read = sotto_ledger_product_read(columns, tallied->old.texts[i]);
        has_memory = !is_read || !is_of_now(watch, dataset, columns[0], columns[1]) ||
                     add_pairs(tallied, columns[0], columns[1][0] != '\0' ? columns[1] : NULL);
    }
    for (size_t i = 0; i < tallied->pairs_len; i++) {
        bool is_of_count = tallied->pairs[i].alone == SOTTO_NONE;
        tallied->pairs[i].measures[0] =
            is_of_count ? tallied->measures_len : tallied->pairs[i].measures[0];
    }
    if (tallied->has_count) {
        tallied->measures[tallied->measures_len++] = (struct sotto_ledger_measure){
            .text = COUNT_TEXT, .is_count = true, .is_context = !tallied->counts};
    }
    return has_memory ? SOTTO_OK : sotto_error_no_memory(err);
}

/* --- Rows by the values of a column --- */

bool sotto__tally_prepare_pairs(struct atoms *out, const struct tallied *tallied)
{
    out->pairs = tallied->pairs;
    out->pairs_len = tallied->pairs_len;
    out->levels = sotto_alloc_array(out->pairs_len, sizeof *out->levels);
    return out->levels != NULL;
}

/* Finds the level of a value, or makes it. Returns: SOTTO_LEDGER_LEVELS if there are too many. */
static size_t find_level(struct levels *levels, double value)
{
    size_t level = 0;
    while (level < levels->len && levels->values[level] != value) {
        level++;
    }
    if (level == SOTTO_LEDGER_LEVELS) {
        levels->is_over = true;
    } else if (level == levels->len) {
        levels->values[levels->len++] = value;
    }
    return level;
}

/* The values of a product, whose second column may be SOTTO_NONE; a first one that is, is 1. What
 * is no number (0 times infinity) is 0, as in measures. */
static void find_values(struct atoms *atoms, const struct sotto_watch_rows *rows,
                        const size_t columns[2])
{
    for (size_t i = 0; i < rows->len; i++) {
        atoms->values[i] = 1;
        atoms->states[i] = 0;
    }
    for (size_t j = 0; j < 2 && columns[j] != SOTTO_NONE; j++) {
        const double *values = rows->columns[columns[j]];
        const uint8_t *states = rows->column_states[columns[j]];
        for (size_t i = 0; i < rows->len; i++) {
            double value = atoms->values[i] * values[i];
            atoms->values[i] = value == value ? value : 0;
            atoms->states[i] |= states[i];
        }
    }
}

static void take_slice(struct sotto_ledger_slice *in_out, double magnitude)
{
    in_out->rows++;
    in_out->magnitude.total += magnitude;
    sotto__magnitude_take(&in_out->magnitude, magnitude);
}

/* Rows without a value of both, or with 0 as the one that is alone, count nowhere. */
static void count_levels(struct atoms *atoms, const struct sotto_watch_rows *rows, size_t at)
{
    const struct pair *pair = &atoms->pairs[at];
    struct levels *levels = &atoms->levels[at];
    const double *alone = pair->alone != SOTTO_NONE ? rows->columns[pair->alone] : NULL;
    const uint8_t *state = pair->alone != SOTTO_NONE ? rows->column_states[pair->alone] : NULL;
    find_values(atoms, rows, pair->by);
    for (size_t i = 0; !levels->is_over && i < rows->len; i++) {
        bool is_zero = alone != NULL && (state[i] != 0 || alone[i] == 0);
        if (is_zero || atoms->states[i] != 0) {
            continue;
        }
        size_t level = find_level(levels, atoms->values[i]);
        if (level < SOTTO_LEDGER_LEVELS) {
            size_t place = atoms->found[i] * atoms->pairs_len + at;
            take_slice(&atoms->slices[place * SOTTO_LEDGER_LEVELS + level],
                       alone != NULL ? fabs(alone[i]) : 1);
        }
    }
}

void sotto__tally_take_columns(struct atoms *atoms, const struct tallied *tallied,
                               const struct sotto_watch_rows *rows,
                               const struct sotto_sketch_key *key)
{
    for (size_t i = 0; i < tallied->texts.len; i++) {
        find_values(atoms, rows, tallied->contexts[i].columns);
        sotto_sketch_add_keyed(atoms->sketches + tallied->shown_len + i, key, rows->keys,
                               atoms->values, atoms->states, atoms->places, rows->len);
    }
    for (size_t i = 0; i < atoms->pairs_len; i++) {
        if (!atoms->levels[i].is_over) {
            count_levels(atoms, rows, i);
        }
    }
}

void sotto__tally_add_levels(struct atoms *in_out, size_t atom, const struct atoms *other, size_t i,
                             size_t pair)
{
    const struct levels *levels = &other->levels[pair];
    size_t from = (i * other->pairs_len + pair) * SOTTO_LEDGER_LEVELS;
    size_t to = (atom * in_out->pairs_len + pair) * SOTTO_LEDGER_LEVELS;
    in_out->levels[pair].is_over = in_out->levels[pair].is_over || levels->is_over;
    for (size_t j = 0; !in_out->levels[pair].is_over && j < levels->len; j++) {
        size_t level = find_level(&in_out->levels[pair], levels->values[j]);
        if (level < SOTTO_LEDGER_LEVELS) {
            in_out->slices[to + level].rows += other->slices[from + j].rows;
            sotto__magnitude_add(&in_out->slices[to + level].magnitude,
                                 &other->slices[from + j].magnitude);
        }
    }
}

bool sotto__tally_list_pairs(struct tallied *tallied, struct sotto_ledger_file *out)
{
    const struct atoms *atoms = &tallied->atoms;
    tallied->told_pairs = sotto_alloc_array(tallied->pairs_len, sizeof *tallied->told_pairs);
    if (tallied->told_pairs == NULL) {
        return false;
    }
    out->pairs = tallied->told_pairs;
    for (size_t i = 0; i < tallied->pairs_len; i++) {
        const struct levels *levels = &atoms->levels[i];
        struct sotto_ledger_pair pair = {.alone = tallied->pairs[i].measures[0],
                                         .product = tallied->pairs[i].measures[1],
                                         .slices = atoms->slices + i * SOTTO_LEDGER_LEVELS,
                                         .stride = tallied->pairs_len * SOTTO_LEDGER_LEVELS,
                                         .values = levels->values,
                                         .values_len = levels->len};
        if (!levels->is_over && atoms->len > 0) {
            tallied->told_pairs[out->pairs_len++] = pair;
        }
    }
    return true;
}
