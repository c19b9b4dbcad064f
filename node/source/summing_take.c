/* SPDX-License-Identifier: Apache-2.0 */

/* The answer to a round's SELECT, as classes of rows. It leans on the engine, which checks what a
 * class can be. The idea: whoever sends it is not believed: results are integers, as many as were
 * asked for, and all classes have as many rows as there were. */

#include "source/summing.h"

#include <sotto/alloc.h>
#include <string.h>

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
    if (!summed_is_float(column)) {
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
        out->ranges[i] = column->range_output != SUMMING_NO_OUTPUT
                             ? result_integer(table, column->range_output, row, status)
                             : 0;
        out->extents[i] = (struct sotto_classes_extent){0};
        if (column->extent_output != SUMMING_NO_OUTPUT && summed_is_float(column)) {
            out->extents[i].double_least = result_double(table, column->extent_output, row, status);
            out->extents[i].double_most =
                result_double(table, column->extent_output + 1, row, status);
        } else if (column->extent_output != SUMMING_NO_OUTPUT) {
            out->extents[i].least = result_integer(table, column->extent_output, row, status);
            out->extents[i].most = result_integer(table, column->extent_output + 1, row, status);
        }
    }
}

static size_t count_scale(const struct summing *summing, const size_t factors[2])
{
    size_t scale = summing->columns[factors[0]].asked->type.scale;
    return factors[1] != SOTTO_NONE ? scale + summing->columns[factors[1]].asked->type.scale
                                    : scale;
}

/* Makes units of a decimal's text. Returns: false if it has not as many decimals as scale. */
static bool remove_point(char *in_out, size_t scale)
{
    char *point = strchr(in_out, '.');
    if (point == NULL) {
        return scale == 0;
    }
    memmove(point, point + 1, strlen(point));
    return strlen(point) == scale;
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
        if (part->is_raw && !remove_point(text, count_scale(summing, factors))) {
            *status = SOTTO_ERROR_PROTOCOL;
        }
        for (size_t j = 0; !part->is_raw && j < 2 && factors[j] != SOTTO_NONE; j++) {
            shift += find_shift(&summing->columns[factors[j]], part->digits[j],
                                out->ranges[factors[j]], status);
        }
        out->parts[out->parts_len++] =
            (struct sotto_classes_part){.product = part->product, .shift = shift, .text = text};
    }
    for (size_t i = 0; i < summing->products_len; i++) {
        out->meet[i] = summing->meets[i] != SUMMING_NO_OUTPUT &&
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
