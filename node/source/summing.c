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

#include "source/pushed.h"

#include <float.h>
#include <math.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONG_BITS 62
#define DIGITS_MAX 12
#define MANTISSA_BITS 53
#define RANGES_MAX 40
#define CLASSES_MAX ((size_t)1 << 20)
#define NO_OUTPUT SIZE_MAX

/* A column of the classes, as it is asked for. */
struct summed_column {
    const struct sotto_classes_column *asked;
    const struct opened_column *own;
    int64_t least; /* exact: in units of the agreed scale */
    int64_t most;
    uint32_t number; /* of rows with a value, at least */
    size_t first;    /* cuts first to last - 1 tell rows apart */
    size_t last;
    bool has_key;
    bool is_summed;
    bool is_multiplied;
    unsigned bits; /* of a digit */
    unsigned digits_len;
    size_t ranges_len;    /* of doubles, if there are more than one; else 1 */
    int tops[RANGES_MAX]; /* magnitudes of range i are below 2^tops[i], and not below 2^tops[i+1] */
    size_t key_output;    /* among the results; NO_OUTPUT */
    size_t range_output;
    size_t extent_output; /* the least; the largest is next */
};

/* A part of a product: two digits. */
struct summed_part {
    size_t product;
    unsigned digits[2];
    bool is_twice;
    size_t output;
};

struct summing {
    struct sotto_classes *classes;
    const struct opened *opened;
    const struct source_request *request;
    struct summed_column columns[SOTTO_CLASSES_COLUMNS_MAX];
    size_t columns_len;
    const struct sotto_classes_product *products;
    size_t products_len;
    struct summed_part *parts;
    size_t parts_len;
    size_t *meets; /* outputs of the products; NO_OUTPUT */
    size_t rows_output;
    size_t outputs_len;
    bool has_extents;
    struct sotto_writer sql;
};

static enum sotto_status refuse(const struct summed_column *column, const char *why,
                                struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_REFUSED, "column \"%.100s\": %s", column->asked->name,
                           why);
}

static bool is_float(const struct summed_column *column)
{
    return column->asked->type.kind == SOTTO_KIND_FLOAT64;
}

static bool is_text(const struct summed_column *column)
{
    return column->asked->type.kind == SOTTO_KIND_STRING;
}

/* --- What is known of columns --- */

static bool is_below_cut(const struct summed_column *column, size_t cut, bool is_least)
{
    if (is_float(column)) {
        return column->asked->double_cuts[cut] >
               (is_least ? column->own->double_least : column->own->double_most);
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
    while (!is_text(column) && column->first < len && !is_below_cut(column, column->first, true)) {
        column->first++;
    }
    while (!is_text(column) && column->last > column->first &&
           is_below_cut(column, column->last - 1, false)) {
        column->last--;
    }
    column->number = is_text(column) ? 1 : (uint32_t)column->first + 1;
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

static enum sotto_status open_column(struct summing *summing, size_t i,
                                     const struct sotto_classes_column *asked,
                                     struct sotto_error *err)
{
    struct summed_column *column = &summing->columns[i];
    *column = (struct summed_column){.asked = asked,
                                     .ranges_len = 1,
                                     .key_output = NO_OUTPUT,
                                     .range_output = NO_OUTPUT,
                                     .extent_output = NO_OUTPUT};
    for (size_t j = 0; j < summing->opened->len; j++) {
        if (strcmp(summing->opened->columns[j].name, asked->name) == 0) {
            column->own = &summing->opened->columns[j];
        }
    }
    if (column->own == NULL || !column->own->is_proved) {
        return refuse(column, "it is not known to be the same in SQL", err);
    }
    enum sotto_kind own = column->own->type.kind;
    enum sotto_kind kind = asked->type.kind;
    bool is_widened = own == SOTTO_KIND_INT64 && kind == SOTTO_KIND_DECIMAL;
    if (own != kind && !is_widened) {
        return refuse(column, "other parties have other types of numbers", err);
    }
    bool are_exact = kind != SOTTO_KIND_FLOAT64 && kind != SOTTO_KIND_STRING;
    if (are_exact && !scale_ends(column)) {
        return refuse(column, "its values are too long", err);
    }
    find_cuts(column);
    bool has_gaps = column->own->present < summing->opened->rows;
    column->has_key = column->own->present > 0 && (has_gaps || column->last > column->first);
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
    int covered = (int)(column->bits * DIGITS_MAX);
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
        if (column->ranges_len == RANGES_MAX) {
            return refuse(column, "its doubles are too far apart", err);
        }
        column->tops[column->ranges_len++] = at;
    }
    int binades = top - low + 1 < span ? top - low + 1 : span;
    column->digits_len = (unsigned)(binades + MANTISSA_BITS + (int)column->bits - 1) / column->bits;
    return SOTTO_OK;
}

static enum sotto_status split_columns(struct summing *summing, struct sotto_error *err)
{
    for (size_t i = 0; i < summing->products_len; i++) {
        const size_t *factors = summing->products[i].columns;
        for (size_t j = 0; j < 2 && factors[j] != SOTTO_NONE; j++) {
            summing->columns[factors[j]].is_summed = true;
            summing->columns[factors[j]].is_multiplied |= factors[1] != SOTTO_NONE;
        }
    }
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
        if (is_float(column)) {
            status = split_double(column, err);
        } else {
            split_exact(column, summing->request->dialect->has_long_sums);
        }
        if (status != SOTTO_OK) {
            return status;
        }
        if (column->digits_len > DIGITS_MAX) {
            return refuse(column, "there are too many rows for sums of 64 bits", err);
        }
    }
    return SOTTO_OK;
}

static enum sotto_status list_parts(struct summing *summing, struct sotto_error *err)
{
    size_t len = summing->products_len * DIGITS_MAX * DIGITS_MAX + 1;
    summing->parts = sotto_alloc_array(len, sizeof *summing->parts);
    summing->meets = sotto_alloc_array(summing->products_len + 1, sizeof *summing->meets);
    if (summing->parts == NULL || summing->meets == NULL) {
        return sotto_error_no_memory(err);
    }
    for (size_t i = 0; i < summing->products_len; i++) {
        const size_t *factors = summing->products[i].columns;
        bool is_square = factors[0] == factors[1];
        summing->meets[i] = NO_OUTPUT;
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

/* --- SQL --- */

static void write_name(struct sotto_writer *writer, const char *letter, size_t column,
                       unsigned digit)
{
    char name[40];
    (void)snprintf(name, sizeof name, "%s%zu_%u", letter, column, digit);
    sql_write(writer, name);
}

static void write_cut(struct sotto_writer *writer, const struct summing *summing, size_t column,
                      size_t cut)
{
    const struct summed_column *of = &summing->columns[column];
    const struct source_dialect *dialect = summing->request->dialect;
    if (is_text(of)) {
        char value[40];
        (void)snprintf(value, sizeof value, "v%zu_0", column);
        dialect->write_is_text(writer, value, of->asked->texts[cut]);
        return;
    }
    write_name(writer, "v", column, 0);
    if (!is_float(of)) {
        sql_write(writer, " >= "); /* between the least and the largest value: of 64 bits */
        sql_write_integer(writer, (int64_t)of->asked->cuts[cut].low);
        return;
    }
    double number = of->asked->double_cuts[cut];
    sql_write(writer, isinf(number) ? " > " : " >= ");
    sql_write_real(writer, isinf(number) ? DBL_MAX : number, dialect->real);
}

/* The number of a row in a column. */
static void write_key(struct sotto_writer *writer, const struct summing *summing, size_t column)
{
    const struct summed_column *of = &summing->columns[column];
    sql_write(writer, ", CASE WHEN ");
    write_name(writer, "v", column, 0);
    sql_write(writer, " IS NULL THEN 0");
    for (size_t i = of->last; i-- > of->first;) {
        sql_write(writer, " WHEN ");
        write_cut(writer, summing, column, i);
        sql_write(writer, " THEN ");
        sql_write_integer(writer, (int64_t)i + 2);
    }
    sql_write(writer, " ELSE ");
    sql_write_integer(writer, (int64_t)of->number);
    sql_write(writer, " END AS ");
    write_name(writer, "k", column, 0);
}

/* 2^top, as the limit of a magnitude. */
static void write_power(struct sotto_writer *writer, int top, const struct source_dialect *dialect)
{
    sql_write_real(writer, ldexp(1, top), dialect->real);
}

/* Writes a choice by the range of a double: its number, or the double in the range's units. */
static void write_range(struct sotto_writer *writer, const struct summing *summing, size_t column,
                        bool is_number)
{
    const struct summed_column *of = &summing->columns[column];
    const struct source_dialect *dialect = summing->request->dialect;
    char value[40];
    (void)snprintf(value, sizeof value, "v%zu_0", column);
    sql_write(writer, ", CASE");
    if (isinf(of->own->double_least) || isinf(of->own->double_most)) {
        sql_write(writer, " WHEN abs(");
        sql_write(writer, value);
        sql_write(writer, ") > ");
        sql_write_real(writer, DBL_MAX, dialect->real);
        sql_write(writer, is_number ? " THEN 0" : " THEN NULL");
    }
    for (size_t i = 0; i < of->ranges_len; i++) {
        bool is_last = i + 1 == of->ranges_len;
        if (is_last) {
            sql_write(writer, " WHEN ");
            sql_write(writer, value);
            sql_write(writer, " IS NOT NULL THEN ");
        } else {
            sql_write(writer, " WHEN abs(");
            sql_write(writer, value);
            sql_write(writer, ") >= ");
            write_power(writer, of->tops[i + 1], dialect);
            sql_write(writer, " THEN ");
        }
        if (is_number) {
            sql_write_integer(writer, (int64_t)i);
        } else {
            sql_write_scaled(writer, value, (int)of->bits - of->tops[i]);
        }
    }
    sql_write(writer, " END AS ");
    write_name(writer, is_number ? "r" : "u", column, 0);
}

/* A digit of an exact value, which is a number of two's complement. */
static void write_exact_digit(struct sotto_writer *writer, const struct summed_column *of,
                              size_t column, unsigned digit)
{
    bool is_last = digit + 1 == of->digits_len;
    sql_write(writer, "(");
    write_name(writer, "v", column, 0);
    if (digit > 0) {
        sql_write(writer, " >> ");
        sql_write_integer(writer, (int64_t)digit * of->bits);
    }
    sql_write(writer, ")");
    if (!is_last) {
        sql_write(writer, " & ");
        sql_write_integer(writer, (INT64_C(1) << of->bits) - 1);
    }
}

static void write_digit(struct sotto_writer *writer, const struct summing *summing, size_t column,
                        unsigned digit)
{
    const struct summed_column *of = &summing->columns[column];
    sql_write(writer, "(");
    if (is_float(of)) {
        write_name(writer, "d", column, digit);
    } else {
        write_exact_digit(writer, of, column, digit);
    }
    sql_write(writer, ")");
}

/* Puts what was written into a relation of its own: SELECT *, more FROM (it) AS t. */
static void nest(struct sotto_writer *in_out, struct sotto_writer *more)
{
    struct sotto_writer outer;
    sotto_writer_init(&outer, SOURCE_REQUEST_BYTES_MAX);
    sql_write(&outer, "SELECT *");
    sotto_write_bytes(&outer, more->data, more->data_bytes);
    sql_write(&outer, " FROM (");
    sotto_write_bytes(&outer, in_out->data, in_out->data_bytes);
    sql_write(&outer, ") AS t");
    outer.failed = outer.failed || more->failed || in_out->failed;
    sotto_writer_release(in_out);
    sotto_writer_release(more);
    *in_out = outer;
    sotto_writer_init(more, SOURCE_REQUEST_BYTES_MAX);
}

static unsigned count_digits(int64_t value)
{
    unsigned digits = 1;
    for (; value <= -10 || value >= 10; value /= 10) {
        digits++;
    }
    return digits;
}

/* The values of all columns. */
static void write_values(struct sotto_writer *writer, const struct summing *summing)
{
    const struct source_dialect *dialect = summing->request->dialect;
    sql_write(writer, "SELECT 0 AS one");
    for (size_t i = 0; i < summing->columns_len; i++) {
        const struct summed_column *column = &summing->columns[i];
        unsigned least = count_digits(column->own->least);
        unsigned most = count_digits(column->own->most);
        sql_write(writer, ", ");
        if (is_text(column)) {
            dialect->write_text(writer, column->own->name);
        } else if (is_float(column)) {
            dialect->write_double(writer, column->own->name);
        } else {
            dialect->write_exact(writer, column->own->name, column->own->type.kind,
                                 column->own->type.scale, column->asked->type.scale,
                                 least > most ? least : most);
        }
        sql_write(writer, " AS ");
        write_name(writer, "v", i, 0);
    }
    sql_write(writer, " FROM ");
    sql_write(writer, summing->request->from);
}

/* The digits of doubles, one after the other. */
static void write_double_digits(struct sotto_writer *in_out, const struct summing *summing)
{
    struct sotto_writer more;
    sotto_writer_init(&more, SOURCE_REQUEST_BYTES_MAX);
    for (unsigned digit = 0; digit < DIGITS_MAX; digit++) {
        bool is_any = false;
        for (int step = 0; step < 2; step++) {
            for (size_t i = 0; i < summing->columns_len; i++) {
                const struct summed_column *column = &summing->columns[i];
                char value[100];
                if (!column->is_summed || !is_float(column) || digit >= column->digits_len) {
                    continue;
                }
                if (step == 0) {
                    (void)snprintf(value, sizeof value, "u%zu_%u", i, digit);
                    sql_write(&more, ", ");
                    summing->request->dialect->write_cut(&more, value);
                    sql_write(&more, " AS ");
                    write_name(&more, "d", i, digit);
                    is_any = true;
                } else if (digit + 1 < column->digits_len) {
                    (void)snprintf(value, sizeof value, "(u%zu_%u - d%zu_%u)", i, digit, i, digit);
                    sql_write(&more, ", ");
                    sql_write_scaled(&more, value, (int)column->bits);
                    sql_write(&more, " AS ");
                    write_name(&more, "u", i, digit + 1);
                    is_any = true;
                }
            }
            if (is_any && more.data_bytes > 0) {
                nest(in_out, &more);
            }
        }
    }
    sotto_writer_release(&more);
}

/* Names the last result, as no two may have one name. */
static void end_output(const struct summing *summing, struct sotto_writer *writer)
{
    if (summing->outputs_len > 0) {
        sql_write(writer, " AS ");
        write_name(writer, "o", summing->outputs_len, 0);
    }
}

static void write_output(struct summing *summing, struct sotto_writer *writer, size_t *out)
{
    end_output(summing, writer);
    sql_write(writer, summing->outputs_len > 0 ? ", " : "");
    *out = summing->outputs_len++;
}

/* Whether rows have values of two columns of which neither is 0. */
static void write_meet(struct sotto_writer *writer, const struct summing *summing, size_t product)
{
    const size_t *factors = summing->products[product].columns;
    sql_write(writer, "max(CASE WHEN ");
    write_name(writer, "v", factors[0], 0);
    if (is_float(&summing->columns[factors[0]]) && summing->request->dialect->has_underflow) {
        sql_write(writer, " * ");
        write_name(writer, "v", factors[1], 0);
    } else {
        sql_write(writer, " <> 0 AND ");
        write_name(writer, "v", factors[1], 0);
    }
    sql_write(writer, " <> 0 THEN 1 ELSE 0 END)");
}

static void write_part(struct sotto_writer *writer, const struct summing *summing,
                       const struct summed_part *part)
{
    const size_t *factors = summing->products[part->product].columns;
    sql_write(writer, "CAST(sum(");
    write_digit(writer, summing, factors[0], part->digits[0]);
    if (factors[1] != SOTTO_NONE) {
        sql_write(writer, " * ");
        write_digit(writer, summing, factors[1], part->digits[1]);
    }
    sql_write(writer, ") AS ");
    sql_write(writer, summing->request->dialect->text);
    sql_write(writer, ")");
}

static void write_extents(struct summing *summing, struct sotto_writer *writer)
{
    for (size_t i = 0; i < summing->columns_len; i++) {
        struct summed_column *column = &summing->columns[i];
        if (!column->is_summed) {
            continue;
        }
        size_t most;
        write_output(summing, writer, &column->extent_output);
        sql_write(writer, "min(");
        write_name(writer, "v", i, 0);
        sql_write(writer, ")");
        write_output(summing, writer, &most);
        sql_write(writer, "max(");
        write_name(writer, "v", i, 0);
        sql_write(writer, ")");
    }
    for (size_t i = 0; i < summing->products_len; i++) {
        if (summing->products[i].columns[1] != SOTTO_NONE) {
            write_output(summing, writer, &summing->meets[i]);
            write_meet(writer, summing, i);
        }
    }
}

static void write_outputs(struct summing *summing, struct sotto_writer *writer)
{
    sql_write(writer, "SELECT ");
    for (size_t i = 0; i < summing->columns_len; i++) {
        if (summing->columns[i].has_key) {
            write_output(summing, writer, &summing->columns[i].key_output);
            write_name(writer, "k", i, 0);
        }
        if (summing->columns[i].ranges_len > 1) {
            write_output(summing, writer, &summing->columns[i].range_output);
            write_name(writer, "r", i, 0);
        }
    }
    write_output(summing, writer, &summing->rows_output);
    sql_write(writer, "count(*)");
    for (size_t i = 0; i < summing->parts_len; i++) {
        write_output(summing, writer, &summing->parts[i].output);
        write_part(writer, summing, &summing->parts[i]);
    }
    if (summing->has_extents) {
        write_extents(summing, writer);
    }
    end_output(summing, writer);
}

static enum sotto_status write_sql(struct summing *summing, struct sotto_error *err)
{
    struct sotto_writer inner;
    struct sotto_writer more;
    sotto_writer_init(&inner, SOURCE_REQUEST_BYTES_MAX);
    sotto_writer_init(&more, SOURCE_REQUEST_BYTES_MAX);
    write_values(&inner, summing);
    for (size_t i = 0; i < summing->columns_len; i++) {
        const struct summed_column *column = &summing->columns[i];
        if (column->has_key) {
            write_key(&more, summing, i);
        }
        if (column->is_summed && is_float(column)) {
            write_range(&more, summing, i, false);
        }
        if (column->ranges_len > 1) {
            write_range(&more, summing, i, true);
        }
    }
    nest(&inner, &more);
    write_double_digits(&inner, summing);
    struct sotto_writer *sql = &summing->sql;
    write_outputs(summing, sql);
    sql_write(sql, " FROM (");
    sotto_write_bytes(sql, inner.data, inner.data_bytes);
    sql_write(sql, ") AS t");
    for (size_t i = 0; i < summing->rows_output; i++) {
        sql_write(sql, i == 0 ? " GROUP BY " : ", ");
        sql_write_integer(sql, (int64_t)i + 1);
    }
    sotto_write_u8(sql, 0);
    bool is_whole = !inner.failed && sotto_writer_status(sql) == SOTTO_OK;
    sotto_writer_release(&inner);
    sotto_writer_release(&more);
    return is_whole ? SOTTO_OK
                    : sotto_error_set(err, SOTTO_ERROR_REFUSED, "its SQL would be too long");
}

/* --- Making it --- */

/* Whether a product is too small for a double, which is an error where products are. */
static enum sotto_status check_underflow(const struct summing *summing, struct sotto_error *err)
{
    for (size_t i = 0; i < summing->products_len; i++) {
        const size_t *factors = summing->products[i].columns;
        const struct summed_column *a = &summing->columns[factors[0]];
        if (factors[1] == SOTTO_NONE || !is_float(a) || !summing->has_extents) {
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

static enum sotto_status summing_init(struct summing *out, struct sotto_error *err)
{
    const struct sotto_classes_column *columns =
        sotto_classes_columns(out->classes, &out->columns_len);
    out->products = sotto_classes_products(out->classes, &out->products_len);
    out->has_extents = sotto_classes_have_extents(out->classes);
    enum sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < out->columns_len; i++) {
        status = open_column(out, i, &columns[i], err);
    }
    if (status != SOTTO_OK) {
        return status;
    }
    status = split_columns(out, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_classes(out, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_underflow(out, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = list_parts(out, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return write_sql(out, err);
}

enum sotto_status summing_new(struct summing **out, struct sotto_classes *classes,
                              const struct opened *opened, const struct source_request *request,
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
    enum sotto_status status = summing_init(made, err);
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

/* --- The answer --- */

/* The text of a result; "" where there is none. out: bytes and one more. */
static void read_text(char *out, size_t bytes_max, const struct sotto_table *table, size_t column,
                      size_t row, enum sotto_status *in_out)
{
    struct sotto_column found = sotto_table_column(table, column);
    out[0] = '\0';
    if (found.type.kind == SOTTO_KIND_NULL || !sotto_column_is_valid(&found, row)) {
        return;
    }
    size_t bytes = found.type.kind == SOTTO_KIND_STRING
                       ? (size_t)(found.offsets[row + 1] - found.offsets[row])
                       : bytes_max + 1;
    if (bytes > bytes_max || bytes == 0) {
        *in_out = SOTTO_ERROR_PROTOCOL;
        return;
    }
    memcpy(out, (const char *)found.values + found.offsets[row], bytes);
    out[bytes] = '\0';
}

/* The power of two that a digit of a column counts, of a range. Returns: 0 for a range that is
 * none, and a failure. */
static int find_shift(const struct summed_column *column, unsigned digit, int64_t range,
                      enum sotto_status *in_out)
{
    if (!is_float(column)) {
        return (int)(digit * column->bits);
    }
    if (range < 0 || (uint64_t)range >= column->ranges_len) {
        *in_out = SOTTO_ERROR_PROTOCOL;
        return 0;
    }
    return column->tops[range] - (int)(column->bits * (digit + 1));
}

#define TEXT_BYTES 44

struct taking {
    uint32_t numbers[SOTTO_CLASSES_COLUMNS_MAX];
    int64_t ranges[SOTTO_CLASSES_COLUMNS_MAX];
    struct sotto_classes_extent extents[SOTTO_CLASSES_COLUMNS_MAX];
    uint8_t *meet;
    struct sotto_classes_part *parts;
    char (*texts)[TEXT_BYTES];
    size_t parts_len;
};

static void take_columns(struct taking *out, const struct summing *summing,
                         const struct sotto_table *table, size_t row, enum sotto_status *status)
{
    for (size_t i = 0; i < summing->columns_len; i++) {
        const struct summed_column *column = &summing->columns[i];
        int64_t number = column->own->present > 0 ? column->number : 0;
        if (column->has_key) {
            number = result_integer(table, column->key_output, row, status);
        }
        if (number < 0 || number > (int64_t)SOTTO_CLASSES_CUTS_MAX + 2) {
            *status = SOTTO_ERROR_PROTOCOL;
            number = 0;
        }
        out->numbers[i] = (uint32_t)number;
        out->ranges[i] = column->range_output != NO_OUTPUT
                             ? result_integer(table, column->range_output, row, status)
                             : 0;
        out->extents[i] = (struct sotto_classes_extent){0};
        if (column->extent_output != NO_OUTPUT && is_float(column)) {
            out->extents[i].double_least = result_double(table, column->extent_output, row, status);
            out->extents[i].double_most =
                result_double(table, column->extent_output + 1, row, status);
        } else if (column->extent_output != NO_OUTPUT) {
            out->extents[i].least = result_integer(table, column->extent_output, row, status);
            out->extents[i].most = result_integer(table, column->extent_output + 1, row, status);
        }
    }
}

static void take_parts(struct taking *out, const struct summing *summing,
                       const struct sotto_table *table, size_t row, enum sotto_status *status)
{
    out->parts_len = 0;
    for (size_t i = 0; i < summing->parts_len; i++) {
        const struct summed_part *part = &summing->parts[i];
        const size_t *factors = summing->products[part->product].columns;
        char *text = out->texts[out->parts_len];
        read_text(text, TEXT_BYTES - 1, table, part->output, row, status);
        if (text[0] == '\0') {
            continue; /* no row of the class has a value */
        }
        int shift = part->is_twice;
        for (size_t j = 0; j < 2 && factors[j] != SOTTO_NONE; j++) {
            shift += find_shift(&summing->columns[factors[j]], part->digits[j],
                                out->ranges[factors[j]], status);
        }
        out->parts[out->parts_len++] =
            (struct sotto_classes_part){.product = part->product, .shift = shift, .text = text};
    }
    for (size_t i = 0; i < summing->products_len; i++) {
        out->meet[i] = summing->meets[i] != NO_OUTPUT &&
                       result_integer(table, summing->meets[i], row, status) != 0;
    }
}

static enum sotto_status take_rows(struct summing *summing, struct taking *taking,
                                   const struct sotto_table *table, struct sotto_error *err)
{
    uint64_t all = 0;
    for (size_t row = 0; row < sotto_table_rows(table); row++) {
        enum sotto_status status = SOTTO_OK;
        int64_t rows = result_integer(table, summing->rows_output, row, &status);
        take_columns(taking, summing, table, row, &status);
        take_parts(taking, summing, table, row, &status);
        if (rows < 0 || (uint64_t)rows > summing->opened->rows - all || status != SOTTO_OK) {
            return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                   "expected sums of integers, found something else");
        }
        all += (uint64_t)rows;
        if (rows == 0) {
            continue; /* the only class of no rows */
        }
        status = sotto_classes_add(summing->classes, taking->numbers, (uint64_t)rows, taking->parts,
                                   taking->parts_len, taking->extents, taking->meet, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return all == summing->opened->rows
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_CHANGED, "there are other rows than before");
}

enum sotto_status summing_take(struct summing *summing, const struct sotto_table *table,
                               struct sotto_error *err)
{
    struct taking *taking = sotto_alloc_zeroed(sizeof *taking);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    if (sotto_table_columns_len(table) != summing->outputs_len) {
        sotto_free(taking);
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL, "expected %zu results, found %zu",
                               summing->outputs_len, sotto_table_columns_len(table));
    }
    if (taking != NULL) {
        taking->meet = sotto_alloc_array(summing->products_len + 1, sizeof *taking->meet);
        taking->parts = sotto_alloc_array(summing->parts_len + 1, sizeof *taking->parts);
        taking->texts = sotto_alloc_array(summing->parts_len + 1, sizeof *taking->texts);
        status = taking->meet != NULL && taking->parts != NULL && taking->texts != NULL
                     ? SOTTO_OK
                     : SOTTO_ERROR_NO_MEMORY;
    }
    status =
        status == SOTTO_OK ? take_rows(summing, taking, table, err) : sotto_error_no_memory(err);
    if (taking != NULL) {
        sotto_free(taking->meet);
        sotto_free(taking->parts);
        sotto_free(taking->texts);
    }
    sotto_free(taking);
    return status;
}
