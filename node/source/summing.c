/* SPDX-License-Identifier: Apache-2.0 */

/* The SELECT of a round, and its answer. It leans on the dialect for values, and on opened.c for
 * how large these are.
 *
 * The one idea: the database adds up nothing but integers of 64 bits, of which it is known before
 * that none overflows.
 *
 * 1. Rows are grouped by their numbers in each column (sotto/classes.h). Cuts that no value is
 *    below, or at, or above, and columns whose number is one, are left out.
 * 2. An exact value is split into digits of so many bits that the product of two has at most 62.
 *    A value that is small enough is its own only digit.
 * 3. A double is split likewise: times a power of two it is below 2^bits; its integer part is the
 *    first digit, and what is left, times 2^bits, is split again. All of this is exact as long as
 *    the bits of the least magnitude are reached. Where magnitudes are further apart than that they
 *    are put into ranges, which rows are grouped by too, each with a power of its own. */

#include "source/summing.h"

#include <float.h>
#include <math.h>
#include <sotto/alloc.h>
#include <string.h>

#define LONG_BITS 62
#define MANTISSA_BITS 53
#define RAW_DIGITS 18
#define FEW_ROWS 1000000
#define CLASSES_MAX ((size_t)1 << 20)
#define NOT_PROVED "it is not known to be the same in SQL"

static enum sotto_status refuse(const struct summed_column *column, const char *why,
                                struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_REFUSED, "column \"%.100s\": %s", column->asked->name,
                           why);
}

/* --- What is known of columns --- */

static bool is_below_cut(const struct summed_column *column, size_t cut, bool is_least)
{
    if (summed_is_float(column)) {
        double end = column->own->has_infinities ? INFINITY : column->own->largest;
        return column->asked->double_cuts[cut] > (is_least ? -end : end);
    }
    struct sotto_int128 at = column->asked->cuts[cut];
    int64_t value = is_least ? column->least : column->most;
    int64_t high = value < 0 ? -1 : 0;
    return at.high > high || (at.high == high && at.low > (uint64_t)value);
}

/* Finds which cuts tell rows apart. */
static void find_cuts(struct summed_column *column)
{
    size_t len = column->asked->cuts_len;
    column->first = 0;
    column->last = len;
    while (!summed_is_text(column) && column->first < len &&
           !is_below_cut(column, column->first, true)) {
        column->first++;
    }
    while (!summed_is_text(column) && column->last > column->first &&
           is_below_cut(column, column->last - 1, false)) {
        column->last--;
    }
    column->number = summed_is_text(column) ? 1 : (uint32_t)column->first + 1;
}

/* The ends of an exact column in units of the agreed scale. Returns: false if these are too long.
 */
static bool scale_ends(struct summed_column *column)
{
    int64_t factor = 1;
    bool fits = column->asked->type.scale >= column->own->type.scale;
    for (unsigned i = column->own->type.scale; fits && i < column->asked->type.scale; i++) {
        fits = !__builtin_mul_overflow(factor, 10, &factor);
    }
    return fits && !__builtin_mul_overflow(column->own->least, factor, &column->least) &&
           !__builtin_mul_overflow(column->own->most, factor, &column->most);
}

static unsigned count_digits(int64_t value)
{
    unsigned digits = 1;
    for (; value <= -10 || value >= 10; value /= 10) {
        digits++;
    }
    return digits;
}

static enum sotto_status find_column(struct summing *summing, size_t i,
                                     const struct sotto_classes_column *asked,
                                     struct source_facts *opened, struct sotto_error *err)
{
    struct summed_column *column = &summing->columns[i];
    struct opened_column *own = NULL;
    *column = (struct summed_column){.asked = asked,
                                     .ranges_len = 1,
                                     .key_output = SUMMING_NO_OUTPUT,
                                     .range_output = SUMMING_NO_OUTPUT,
                                     .extent_output = SUMMING_NO_OUTPUT};
    for (size_t j = 0; j < opened->len; j++) {
        if (strcmp(opened->columns[j].name, asked->name) == 0) {
            own = &opened->columns[j];
        }
    }
    if (own == NULL || !own->is_proved) {
        return refuse(column, NOT_PROVED, err);
    }
    own->is_wanted = true;
    column->own = own;
    enum sotto_kind kind = asked->type.kind;
    bool is_widened = own->type.kind == SOTTO_KIND_INT64 && kind == SOTTO_KIND_DECIMAL;
    return own->type.kind == kind || is_widened
               ? SOTTO_OK
               : refuse(column, "other parties have other types of numbers", err);
}

static enum sotto_status open_column(const struct summing *summing, struct summed_column *column,
                                     struct sotto_error *err)
{
    const struct opened_column *own = column->own;
    enum sotto_kind kind = column->asked->type.kind;
    bool are_exact = kind != SOTTO_KIND_FLOAT64 && kind != SOTTO_KIND_STRING;
    if (!own->is_proved) {
        return refuse(column, NOT_PROVED, err);
    }
    if (are_exact && !scale_ends(column)) {
        return refuse(column, "its values are too long", err);
    }
    column->units_digits = count_digits(column->least) > count_digits(column->most)
                               ? count_digits(column->least)
                               : count_digits(column->most);
    column->is_raw = summing->request->dialect->adds_decimals && kind == SOTTO_KIND_DECIMAL &&
                     own->type.kind == kind && own->type.scale == column->asked->type.scale;
    find_cuts(column);
    bool has_gaps = own->present < summing->opened->rows;
    column->has_key = own->present > 0 && (has_gaps || column->last > column->first);
    return SOTTO_OK;
}

/* --- Digits --- */

/* The bits of how many rows there are. */
static unsigned count_row_bits(const struct summing *summing)
{
    unsigned bits = 0;
    while (summing->opened->rows >> bits != 0) {
        bits++;
    }
    return bits;
}

/* How many bits a digit may have, if two are multiplied or not, so that sums fit. */
static unsigned choose_bits(const struct summing *summing, bool is_multiplied)
{
    unsigned bits =
        summing->request->dialect->has_long_sums ? LONG_BITS : LONG_BITS - count_row_bits(summing);
    return is_multiplied ? bits / 2 : bits;
}

static void split_exact(struct summed_column *column, bool has_long_sums)
{
    uint64_t least = column->least < 0 ? ~(uint64_t)column->least : (uint64_t)column->least;
    uint64_t most = column->most < 0 ? ~(uint64_t)column->most : (uint64_t)column->most;
    uint64_t all = least | most; /* v has as many bits as this, and its sign */
    column->digits_len = 1;
    if (!column->is_multiplied && has_long_sums) {
        return;
    }
    /* The last digit takes the sign: |digit| <= 2^bits. */
    for (unsigned at = column->bits; at < 64 && all >> at != 0; at += column->bits) {
        column->digits_len++;
    }
}

static enum sotto_status split_double(struct summed_column *column, struct sotto_error *err)
{
    int top = 0;
    int low = 0;
    int covered = (int)(column->bits * SUMMING_DIGITS_MAX);
    covered = covered < 2 * LONG_BITS ? covered : 2 * LONG_BITS;
    int span = covered - MANTISSA_BITS; /* binades of one range */
    if (column->bits < 8 || span < 1) {
        return refuse(column, "there are too many rows for sums of 64 bits", err);
    }
    (void)frexp(column->own->largest, &top);
    (void)frexp(column->own->smallest, &low);
    if (column->own->smallest == 0) {
        top = low = 1;
    }
    column->ranges_len = 0;
    for (int at = top; at >= low; at -= span) {
        if (column->ranges_len == SUMMING_RANGES_MAX) {
            return refuse(column, "its doubles are too far apart", err);
        }
        column->tops[column->ranges_len++] = at;
    }
    int binades = top - low + 1 < span ? top - low + 1 : span;
    column->digits_len = (unsigned)(binades + MANTISSA_BITS + (int)column->bits - 1) / column->bits;
    return SOTTO_OK;
}

/* Finds which columns are added up. */
static void mark_summed(struct summing *summing)
{
    for (size_t i = 0; i < summing->products_len; i++) {
        const size_t *factors = summing->products[i].columns;
        for (size_t j = 0; j < 2 && factors[j] != SOTTO_NONE; j++) {
            summing->columns[factors[j]].is_summed = true;
            summing->columns[factors[j]].is_multiplied |= factors[1] != SOTTO_NONE;
        }
    }
}

static enum sotto_status split_columns(struct summing *summing, struct sotto_error *err)
{
    for (size_t i = 0; i < summing->columns_len; i++) {
        struct summed_column *column = &summing->columns[i];
        if (!column->is_summed) {
            continue;
        }
        column->bits = choose_bits(summing, column->is_multiplied);
        if (column->bits < 8) {
            return refuse(column, "there are too many rows for sums of 64 bits", err);
        }
        enum sotto_status status = SOTTO_OK;
        if (summed_is_float(column)) {
            status = split_double(column, err);
        } else {
            split_exact(column, summing->request->dialect->has_long_sums);
        }
        if (status != SOTTO_OK) {
            return status;
        }
        if (column->digits_len > SUMMING_DIGITS_MAX) {
            return refuse(column, "there are too many rows for sums of 64 bits", err);
        }
    }
    return SOTTO_OK;
}

/* Whether decimals, or their products, have so few digits that none is lost. */
static bool is_raw_product(const struct summing *summing, const size_t factors[2])
{
    const struct summed_column *a = &summing->columns[factors[0]];
    if (factors[1] == SOTTO_NONE || !a->is_raw) {
        return a->is_raw;
    }
    const struct summed_column *b = &summing->columns[factors[1]];
    return b->is_raw && a->units_digits + b->units_digits <= RAW_DIGITS;
}

static enum sotto_status list_parts(struct summing *summing, struct sotto_error *err)
{
    size_t len = summing->products_len * SUMMING_DIGITS_MAX * SUMMING_DIGITS_MAX + 1;
    summing->parts = sotto_alloc_array(len, sizeof *summing->parts);
    summing->meets = sotto_alloc_array(summing->products_len + 1, sizeof *summing->meets);
    if (summing->parts == NULL || summing->meets == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < summing->products_len; i++) {
        const size_t *factors = summing->products[i].columns;
        bool is_square = factors[0] == factors[1];
        summing->meets[i] = SUMMING_NO_OUTPUT;
        if (is_raw_product(summing, factors)) {
            summing->parts[summing->parts_len++] =
                (struct summed_part){.product = i, .is_raw = true};
            continue;
        }
        for (unsigned a = 0; a < summing->columns[factors[0]].digits_len; a++) {
            unsigned b_len = factors[1] != SOTTO_NONE ? summing->columns[factors[1]].digits_len : 1;
            for (unsigned b = is_square ? a : 0; b < b_len; b++) {
                summing->parts[summing->parts_len++] = (struct summed_part){
                    .product = i, .digits = {a, b}, .is_twice = is_square && a != b};
            }
        }
    }
    return SOTTO_OK;
}

/* --- Making it --- */

/* Whether reading is faster. Few rows are added up anywhere. */
static enum sotto_status check_faster(const struct summing *summing, struct sotto_error *err)
{
    uint64_t rows = summing->opened->rows;
    bool is_asked = summing->request->dialect->reads_doubles && rows > FEW_ROWS;
    for (size_t i = 0; is_asked && i < summing->columns_len; i++) {
        const struct summed_column *column = &summing->columns[i];
        if (column->is_summed && summed_is_float(column)) {
            return refuse(column, "its doubles are read faster than they are added up", err);
        }
    }
    return SOTTO_OK;
}

/* Whether a product is too small for a double, which is an error where products are. */
static enum sotto_status check_underflow(const struct summing *summing, struct sotto_error *err)
{
    for (size_t i = 0; i < summing->products_len; i++) {
        const size_t *factors = summing->products[i].columns;
        const struct summed_column *a = &summing->columns[factors[0]];
        if (factors[1] == SOTTO_NONE || !summed_is_float(a) || !summing->has_extents) {
            continue;
        }
        double least = a->own->smallest * summing->columns[factors[1]].own->smallest;
        double most = a->own->largest * summing->columns[factors[1]].own->largest;
        bool fits = (least >= DBL_MIN || a->own->smallest == 0 ||
                     summing->columns[factors[1]].own->smallest == 0) &&
                    most <= DBL_MAX;
        if (most > DBL_MAX || (!fits && !summing->request->dialect->has_underflow)) {
            return refuse(a, "its products are too small or too large for doubles", err);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status check_classes(const struct summing *summing, struct sotto_error *err)
{
    size_t len = 1;
    for (size_t i = 0; i < summing->columns_len; i++) {
        const struct summed_column *column = &summing->columns[i];
        len *= column->last - column->first + 2;
        len *= column->ranges_len;
        if (len > CLASSES_MAX) {
            return refuse(column, "there are too many conditions on columns together", err);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status summing_init(struct summing *out, struct source_facts *opened,
                                      struct sotto_error *err)
{
    const struct sotto_classes_column *columns =
        sotto_classes_columns(out->classes, &out->columns_len);
    out->products = sotto_classes_products(out->classes, &out->products_len);
    out->has_extents = sotto_classes_have_extents(out->classes);
    for (size_t i = 0; i < out->columns_len; i++) {
        enum sotto_status status = find_column(out, i, &columns[i], opened, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    mark_summed(out);
    return check_faster(out, err);
}

enum sotto_status summing_choose(struct summing *summing, struct sotto_error *err)
{
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < summing->columns_len; i++) {
        status = open_column(summing, &summing->columns[i], err);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    status = split_columns(summing, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_classes(summing, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_underflow(summing, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = list_parts(summing, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return summing_write(summing, err);
}

enum sotto_status summing_new(struct summing **out, struct sotto_classes *classes,
                              struct source_facts *opened, const struct source_request *request,
                              struct sotto_error *err)
{
    struct summing *made = sotto_alloc_zeroed(sizeof *made);
    if (made == NULL) {
        return sotto_error_no_memory(err);
    }
    made->classes = classes;
    made->opened = opened;
    made->request = request;
    sotto_writer_init(&made->sql, SOURCE_REQUEST_BYTES_MAX);
    enum sotto_status status = summing_init(made, opened, err);
    if (status != SOTTO_OK) {
        summing_free(made);
        return status;
    }
    *out = made;
    return SOTTO_OK;
}

void summing_free(struct summing *summing)
{
    if (summing != NULL) {
        sotto_free(summing->parts);
        sotto_free(summing->meets);
        sotto_writer_release(&summing->sql);
        sotto_free(summing);
    }
}

const char *summing_sql(const struct summing *summing)
{
    return (const char *)summing->sql.data;
}
